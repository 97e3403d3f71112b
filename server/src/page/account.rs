//! Owns the pages of an account: a forgotten password, and the address that is verified.
//! Never touches tickets: they are carried by the form as they came.

use super::{
    Form, Label, Links,
    prompt::FieldView,
    refusal::{Notice, RuleView, status_of},
};
use axum::http::StatusCode;
use portico_core::connector::{Field, PasswordRule, Refusal};
use serde::Serialize;

/// The address is asked that a link is mailed to (`/u/reset-password/request`). The field is named as [`Field::Email`] is.
#[derive(Clone, Debug, PartialEq)]
pub struct ResetRequestPage {
    /// Where it goes.
    pub form: Form,
    /// What was typed before.
    pub email: Option<String>,
    /// Why the last answer was refused.
    pub refusal: Option<Refusal>,
    /// Back to where one signs in.
    pub back: Option<String>,
}

impl ResetRequestPage {
    pub(super) fn status(&self) -> StatusCode {
        status_of(self.refusal.as_ref())
    }

    pub(super) fn view(&self) -> AccountView<'_> {
        let field = FieldView {
            autocomplete: "username",
            value: self.email.clone().unwrap_or_default(),
            ..FieldView::new(Field::Email)
        };
        AccountView::of(&self.form, field, self.refusal.as_ref(), self.back.as_deref())
    }
}

/// A new password is chosen, by a mailed ticket (`/u/reset-password`). The field is named as [`Field::NewPassword`] is.
#[derive(Clone, Debug, PartialEq)]
pub struct ResetPage {
    /// Where it goes; carries the ticket.
    pub form: Form,
    /// Whose password it is.
    pub email: String,
    /// What it must be like.
    pub password_rules: Vec<PasswordRule>,
    /// Why the last answer was refused.
    pub refusal: Option<Refusal>,
}

impl ResetPage {
    pub(super) fn status(&self) -> StatusCode {
        status_of(self.refusal.as_ref())
    }

    pub(super) fn view(&self) -> AccountView<'_> {
        AccountView {
            shown_identifier: Some(&self.email),
            rules: self.password_rules.iter().map(|rule| RuleView::of(*rule)).collect(),
            ..AccountView::of(&self.form, FieldView::new(Field::NewPassword), self.refusal.as_ref(), None)
        }
    }
}

/// What the templates of both are filled with.
#[derive(Debug, Serialize)]
pub(super) struct AccountView<'a> {
    form: &'a Form,
    fields: Vec<FieldView>,
    shown_identifier: Option<&'a str>,
    names_an_account: bool,
    rules: Vec<RuleView>,
    notice: Option<Notice>,
    links: Links,
}

impl<'a> AccountView<'a> {
    fn of(form: &'a Form, field: FieldView, refusal: Option<&Refusal>, back: Option<&str>) -> Self {
        let notice = refusal.map(Notice::of);
        let faulty = notice.as_ref().is_some_and(|notice| notice.fields.contains(&field.kind));
        let at_field = faulty && notice.as_ref().is_some_and(|notice| notice.at_field);
        Self {
            form,
            fields: vec![FieldView { focus: true, faulty, notice: at_field, ..field }],
            shown_identifier: None,
            names_an_account: true,
            rules: Vec::new(),
            notice,
            links: Links { back: back.map(str::to_owned), ..Links::default() },
        }
    }
}

/// A link was mailed, if there is such an account: nobody learns whether (`security.md` DB-03).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResetSentPage {
    /// The address that was typed.
    pub email: Label,
    /// Back to where one signs in.
    pub back: Option<String>,
}

/// A message was mailed to whoever has the address that somebody signed up with: nobody else learns whether there was an
/// account already (`security.md` DB-03).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignUpSentPage {
    /// The address that was typed.
    pub email: Label,
    /// To where one signs in, once the address is verified.
    pub back: String,
}

/// The password was changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResetDonePage {
    /// To the application's login address, when there is one.
    pub onward: Option<Onward>,
}

/// The address is about to be verified; a button, because mail programs open links by themselves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerifyPage {
    /// Where it goes; carries the ticket.
    pub form: Form,
    /// The address.
    pub email: Label,
}

/// The address was verified (`/u/email-verification`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerifiedPage {
    /// The address.
    pub email: Label,
    /// To the application's login address, when there is one.
    pub onward: Option<Onward>,
}

/// A link to an application.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Onward {
    /// Its name.
    pub client: Label,
    /// Its address: `https`, or `http` on this machine.
    url: String,
}

impl Onward {
    /// Check an address; none that is not for browsers becomes a link (`security.md` UI-06).
    pub fn to(client: Label, url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        let fit = url.scheme() == "https" || url.scheme() == "http" && super::look::is_loopback(&url);
        fit.then(|| Self { client, url: url.into() })
    }
}

/// The visitor asks to sign out and nothing proves that they want to (`/oidc/logout`, contract §1.8).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogoutConfirmPage {
    /// Where it goes; one button.
    pub form: Form,
    /// Who asks, if it is known.
    pub client: Option<Label>,
    /// Back to the application, if they would rather stay.
    pub stay: Option<Onward>,
}

/// The visitor is signed out, and there is nowhere to send them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LoggedOutPage {
    /// To an application, when there is one.
    pub onward: Option<Onward>,
}
