//! Owns the pages on which a visitor says who they are or where they belong, before any credential is asked.
//! Never touches which connections or organizations are offered: `core::login` decides.

use super::{
    Form, Label, Links, Ways,
    prompt::FieldView,
    refusal::{Notice, status_of},
};
use axum::http::StatusCode;
use portico_core::connector::{Field, Refusal};
use serde::Serialize;

/// The identifier is asked first, and says which connection is used (`/u/login/identifier`).
#[derive(Clone, Debug, PartialEq)]
pub struct IdentifierPage {
    /// Where it goes; the field is named as [`Field::Identifier`] is.
    pub form: Form,
    /// What was typed before, or hinted by the application.
    pub identifier: Option<String>,
    /// Why the last answer was refused.
    pub refusal: Option<Refusal>,
    /// The application the visitor is on their way to.
    pub client: Label,
    /// The organization the login is for.
    pub organization: Option<Label>,
    /// Ways in that need no identifier.
    pub ways: Option<Ways>,
    /// Other pages.
    pub links: Links,
}

impl IdentifierPage {
    pub(super) fn status(&self) -> StatusCode {
        status_of(self.refusal.as_ref())
    }

    pub(super) fn view(&self) -> IdentifierView<'_> {
        let notice = self.refusal.as_ref().map(Notice::of);
        let faulty = notice.as_ref().is_some_and(|notice| notice.fields.contains(&Field::Identifier));
        let field = FieldView {
            value: self.identifier.clone().unwrap_or_default(),
            focus: true,
            faulty,
            notice: faulty && notice.as_ref().is_some_and(|notice| notice.at_field),
            ..FieldView::new(Field::Identifier)
        };
        IdentifierView {
            form: &self.form,
            fields: vec![field],
            notice,
            client: &self.client,
            organization: self.organization.as_ref(),
            ways: self.ways.as_ref(),
            links: &self.links,
        }
    }
}

/// What its template is filled with.
#[derive(Debug, Serialize)]
pub(super) struct IdentifierView<'a> {
    form: &'a Form,
    fields: Vec<FieldView>,
    notice: Option<Notice>,
    client: &'a Label,
    organization: Option<&'a Label>,
    ways: Option<&'a Ways>,
    links: &'a Links,
}

/// Several connections fit, and none of them needs an identifier: buttons (`/u/login`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConnectionsPage {
    /// The ways in.
    pub ways: Ways,
    /// The application the visitor is on their way to.
    pub client: Label,
    /// The organization the login is for.
    pub organization: Option<Label>,
    /// Who invited, when this is the first page of an invitation.
    pub inviter: Option<Label>,
}

/// The visitor will be sent to the organization's own sign-in, and is told so first (`/invitation`, seed; contract §1.3).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfirmPage {
    /// Where it goes; one button.
    pub form: Form,
    /// Who is invited: the address is fixed.
    pub email: String,
    /// Who invited.
    pub inviter: Label,
    /// To what.
    pub organization: Label,
    /// The application.
    pub client: Label,
    /// The name of the place where they will sign in: the connection's, as the organization calls it.
    pub destination: Label,
}

/// Somebody began at their identity provider, and is asked whether to go on (`/u/continue`, `security.md` §3.1.9).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArrivalPage {
    /// Where it goes; one button.
    pub form: Form,
    /// Who they are there.
    pub who: Label,
    /// The name of the place they come from.
    pub connection: Label,
    /// The application.
    pub client: Label,
}

/// The organization's name is asked (`/u/organization`, contract §1.2.2). The field is [`Form::ORGANIZATION`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrganizationPage {
    /// Where it goes.
    pub form: Form,
    /// What was typed before.
    pub name: String,
    /// Whether there is none of that name.
    pub unknown: bool,
    /// The application the visitor is on their way to.
    pub client: Label,
}

impl OrganizationPage {
    pub(super) fn status(&self) -> StatusCode {
        if self.unknown { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }
}

/// The visitor chooses among their organizations (`/u/organization-picker`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PickerPage {
    /// Where it goes; the button that is pressed is [`Form::ORGANIZATION`].
    pub form: Form,
    /// Their organizations.
    pub organizations: Vec<Pick>,
    /// What is posted to go on without one, where that is allowed.
    pub personal: Option<String>,
    /// The application the visitor is on their way to.
    pub client: Label,
}

/// An organization that is offered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pick {
    /// What is posted.
    pub value: String,
    /// Its name.
    pub label: Label,
    /// Its monogram.
    initial: String,
}

impl Pick {
    /// Offer one.
    pub fn new(value: impl Into<String>, label: Label) -> Self {
        Self { value: value.into(), initial: label.initial(), label }
    }
}
