//! Owns the pages that show a connector's form: sign in, password, sign up, invitation.
//! Never touches which fields there are: the connector says so.

use super::{
    Form, Label,
    refusal::{Notice, RuleView, status_of},
};
use axum::http::StatusCode;
use portico_core::connector::{Field, Intent, Prompt, Refusal};
use serde::Serialize;

/// A connector's form (`/u/login`, `/u/login/password`, `/u/signup`, `/signup/invitation`).
///
/// Which page it is follows from the prompt: its intent, and whether an identifier, an existing password or a new one is
/// asked. The reply's names are [`Field::name`].
#[derive(Clone, Debug, PartialEq)]
pub struct PromptPage {
    /// Where it goes.
    pub form: Form,
    /// What the connector asks.
    pub prompt: Prompt,
    /// What was typed before, to be filled in again; never a password.
    pub typed: Typed,
    /// Why the last answer was refused.
    pub refusal: Option<Refusal>,
    /// The application the visitor is on their way to.
    pub client: Label,
    /// The organization the login is for.
    pub organization: Option<Label>,
    /// Who invited, on an invitation.
    pub inviter: Option<Label>,
    /// Other ways in.
    pub ways: Option<Ways>,
    /// Other pages.
    pub links: Links,
}

/// What was typed into a form that is shown again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Typed {
    /// An e-mail address or a user name, where one signs in; an e-mail address, where one signs up.
    pub identifier: Option<String>,
    /// A user name that was chosen.
    pub username: Option<String>,
}

/// Connections that are offered as buttons. The one that is pressed is posted as [`Form::CONNECTION`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ways {
    /// Where the buttons post to.
    pub form: Form,
    /// The buttons.
    pub ways: Vec<Way>,
}

/// A connection that is offered.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Way {
    /// What is posted.
    pub value: String,
    /// What is on the button.
    pub label: Label,
}

/// Where else one can go from a form: paths of ours.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Links {
    /// To choose a new password.
    pub forgot: Option<String>,
    /// To make an account.
    pub sign_up: Option<String>,
    /// To sign in instead of making an account.
    pub sign_in: Option<String>,
    /// To type another identifier, or choose another way in.
    pub back: Option<String>,
}

impl PromptPage {
    pub(super) fn template(&self) -> &'static str {
        match self.prompt.intent {
            Intent::SignIn => "login/sign_in.html",
            Intent::SignUp => "login/sign_up.html",
            Intent::Accept(_) => "login/invitation.html",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        status_of(self.refusal.as_ref())
    }

    pub(super) fn view(&self) -> PromptView<'_> {
        let notice = self.refusal.as_ref().map(Notice::of);
        let asks = |field| self.prompt.fields.contains(&field);
        let shown =
            self.prompt.identifier.as_deref().filter(|_| !asks(Field::Identifier) && !asks(Field::Email));
        PromptView {
            form: &self.form,
            fields: self.fields(notice.as_ref()),
            shown_identifier: match &self.prompt.intent {
                Intent::Accept(email) => Some(email.as_given()),
                Intent::SignIn | Intent::SignUp => shown,
            },
            names_an_account: !asks(Field::Username),
            asks_new_password: asks(Field::NewPassword),
            rules: self
                .prompt
                .password_rules
                .iter()
                .filter(|_| asks(Field::NewPassword))
                .map(|rule| RuleView::of(*rule))
                .collect(),
            notice,
            client: &self.client,
            organization: self.organization.as_ref(),
            inviter: self.inviter.as_ref(),
            ways: self.ways.as_ref(),
            links: Links {
                forgot: self.links.forgot.clone().filter(|_| self.prompt.may_reset),
                sign_up: self.links.sign_up.clone().filter(|_| self.prompt.may_sign_up),
                ..self.links.clone()
            },
        }
    }

    fn fields(&self, notice: Option<&Notice>) -> Vec<FieldView> {
        let faulty: &[Field] = notice.map_or(&[], |notice| notice.fields);
        let at_field = notice.is_some_and(|notice| notice.at_field);
        let mut views: Vec<FieldView> = self
            .prompt
            .fields
            .iter()
            .map(|field| FieldView {
                value: self.value_of(*field),
                faulty: faulty.contains(field),
                notice: at_field && faulty.contains(field),
                ..FieldView::new(*field)
            })
            .collect();
        // Without a user name the address is what the account is found by.
        if !self.prompt.fields.contains(&Field::Username) {
            for view in views.iter_mut().filter(|view| view.kind == Field::Email) {
                view.autocomplete = "username";
            }
        }
        // The visitor goes on at what was refused, or at the first empty field; a screen reader reads its notice there.
        let refused = faulty.iter().find_map(|field| views.iter().position(|view| view.kind == *field));
        let at = refused.or_else(|| views.iter().position(|view| view.value.is_empty())).unwrap_or(0);
        if let Some(view) = views.get_mut(at) {
            view.focus = true;
        }
        views
    }

    fn value_of(&self, field: Field) -> String {
        let value = match field {
            Field::Identifier | Field::Email => {
                self.typed.identifier.as_ref().or(self.prompt.identifier.as_ref())
            }
            Field::Username => self.typed.username.as_ref(),
            Field::Password | Field::NewPassword => None,
        };
        value.cloned().unwrap_or_default()
    }
}

/// What the templates of a connector's form are filled with.
#[derive(Debug, Serialize)]
pub(super) struct PromptView<'a> {
    form: &'a Form,
    fields: Vec<FieldView>,
    /// An identifier that is shown and cannot be changed.
    shown_identifier: Option<&'a str>,
    /// Whether that is what the account is found by, for password managers.
    names_an_account: bool,
    asks_new_password: bool,
    rules: Vec<RuleView>,
    notice: Option<Notice>,
    client: &'a Label,
    organization: Option<&'a Label>,
    inviter: Option<&'a Label>,
    ways: Option<&'a Ways>,
    links: Links,
}

/// A field as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct FieldView {
    pub(super) kind: Field,
    pub(super) name: &'static str,
    /// `type`.
    pub(super) input: &'static str,
    /// What a password manager goes by (HTML, autofill detail tokens).
    pub(super) autocomplete: &'static str,
    pub(super) value: String,
    pub(super) focus: bool,
    pub(super) faulty: bool,
    /// Whether the notice stands here.
    pub(super) notice: bool,
}

impl FieldView {
    pub(super) fn new(kind: Field) -> Self {
        let (input, autocomplete) = match kind {
            Field::Identifier | Field::Username => ("text", "username"),
            Field::Email => ("email", "email"),
            Field::Password => ("password", "current-password"),
            Field::NewPassword => ("password", "new-password"),
        };
        Self {
            kind,
            name: kind.name(),
            input,
            autocomplete,
            value: String::new(),
            focus: false,
            faulty: false,
            notice: false,
        }
    }
}
