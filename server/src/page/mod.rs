//! Owns what people see: the pages, their typed contexts, their languages and their looks.
//! Never touches decisions: a page is told what to show, and shows it.

mod account;
pub mod assets;
mod choice;
mod engine;
mod error;
mod form;
mod label;
mod locale;
mod look;
pub mod mail;
mod palette;
mod prompt;
mod refusal;
mod relay;
pub mod sample;
#[cfg(test)]
mod tests;

pub use account::{
    LoggedOutPage, LogoutConfirmPage, Onward, ResetDonePage, ResetPage, ResetRequestPage, ResetSentPage,
    SignUpSentPage, VerifiedPage, VerifyPage,
};
pub use choice::{
    ArrivalPage, ConfirmPage, ConnectionsPage, IdentifierPage, OrganizationPage, Pick, PickerPage,
};
pub use error::{ErrorPage, Trouble};
pub use form::Form;
pub use label::Label;
pub use locale::Locale;
pub use look::{Brand, LogoUrl, Look, Support};
pub use prompt::{Links, PromptPage, Typed, Way, Ways};
pub use relay::{AutoPostPage, PassagePage, WebMessagePage};

use crate::http::layer::Sources;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::Engine;
use look::LookView;
use minijinja::{Value, context, value::Serde};

/// Every page a visitor can be shown, with what it is filled with.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// A connector's form: sign in, password, sign up, invitation.
    Prompt(Box<PromptPage>),
    /// The identifier is asked first.
    Identifier(Box<IdentifierPage>),
    /// Connections to choose among.
    Connections(ConnectionsPage),
    /// The organization's own sign-in comes next.
    Confirm(ConfirmPage),
    /// Somebody who began elsewhere is asked whether to go on.
    Arrival(ArrivalPage),
    /// The organization's name is asked.
    Organization(OrganizationPage),
    /// One's own organizations to choose among.
    Picker(PickerPage),
    /// A message was mailed to the address that somebody signed up with.
    SignUpSent(SignUpSentPage),
    /// The address is asked that a link is mailed to.
    ResetRequest(ResetRequestPage),
    /// A link was mailed.
    ResetSent(ResetSentPage),
    /// A new password is chosen.
    Reset(ResetPage),
    /// The password was changed.
    ResetDone(ResetDonePage),
    /// An address is about to be verified.
    Verify(VerifyPage),
    /// An address was verified.
    Verified(VerifiedPage),
    /// Signing out is asked for.
    LogoutConfirm(LogoutConfirmPage),
    /// Signed out.
    LoggedOut(LoggedOutPage),
    /// A form that posts itself.
    AutoPost(AutoPostPage),
    /// A way onward after a form.
    Passage(PassagePage),
    /// A message to another window.
    WebMessage(WebMessagePage),
    /// Something went wrong.
    Error(ErrorPage),
}

impl Page {
    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Prompt(page) => page.status(),
            Self::Identifier(page) => page.status(),
            Self::Organization(page) => page.status(),
            Self::ResetRequest(page) => page.status(),
            Self::Reset(page) => page.status(),
            Self::Error(page) => page.trouble.status(),
            Self::Connections(_)
            | Self::Confirm(_)
            | Self::Arrival(_)
            | Self::Picker(_)
            | Self::SignUpSent(_)
            | Self::ResetSent(_)
            | Self::ResetDone(_)
            | Self::Verify(_)
            | Self::Verified(_)
            | Self::LogoutConfirm(_)
            | Self::LoggedOut(_)
            | Self::AutoPost(_)
            | Self::Passage(_)
            | Self::WebMessage(_) => StatusCode::OK,
        }
    }

    fn template(&self) -> &'static str {
        match self {
            Self::Prompt(page) => page.template(),
            Self::Identifier(_) => "login/identifier.html",
            Self::Connections(_) => "login/connections.html",
            Self::Confirm(_) => "login/confirm.html",
            Self::Arrival(_) => "login/arrival.html",
            Self::Organization(_) => "login/organization.html",
            Self::Picker(_) => "login/picker.html",
            Self::ResetRequest(_) => "account/reset_request.html",
            Self::SignUpSent(_) => "account/sign_up_sent.html",
            Self::ResetSent(_) => "account/reset_sent.html",
            Self::Reset(_) => "account/reset.html",
            Self::ResetDone(_) => "account/reset_done.html",
            Self::Verify(_) => "account/verify.html",
            Self::Verified(_) => "account/verified.html",
            Self::LogoutConfirm(_) => "logout/confirm.html",
            Self::LoggedOut(_) => "logout/done.html",
            Self::AutoPost(_) => "relay/auto_post.html",
            Self::Passage(_) => "relay/passage.html",
            Self::WebMessage(_) => "relay/web_message.html",
            Self::Error(_) => "error.html",
        }
    }

    fn view(&self) -> Value {
        match self {
            Self::Prompt(page) => Serde(page.view()).into(),
            Self::Identifier(page) => Serde(page.view()).into(),
            Self::Connections(page) => Serde(page).into(),
            Self::Confirm(page) => Serde(page).into(),
            Self::Arrival(page) => Serde(page).into(),
            Self::Organization(page) => Serde(page).into(),
            Self::Picker(page) => Serde(page).into(),
            Self::ResetRequest(page) => Serde(page.view()).into(),
            Self::SignUpSent(page) => Serde(page).into(),
            Self::ResetSent(page) => Serde(page).into(),
            Self::Reset(page) => Serde(page.view()).into(),
            Self::ResetDone(page) => Serde(page).into(),
            Self::Verify(page) => Serde(page).into(),
            Self::Verified(page) => Serde(page).into(),
            Self::LogoutConfirm(page) => Serde(page).into(),
            Self::LoggedOut(page) => Serde(page).into(),
            Self::AutoPost(page) => Serde(page).into(),
            Self::Passage(page) => Serde(page).into(),
            Self::WebMessage(page) => Serde(page).into(),
            Self::Error(page) => Serde(page).into(),
        }
    }

    /// What the Content-Security-Policy has to allow for this page beside its defaults.
    fn sources(&self, look: &Look) -> Sources {
        let forms: Vec<String> = match self {
            Self::Prompt(page) => {
                let ways = page.ways.iter().flat_map(|ways| ways.form.sources());
                page.form.sources().chain(ways).cloned().collect()
            }
            Self::Identifier(page) => {
                let ways = page.ways.iter().flat_map(|ways| ways.form.sources());
                page.form.sources().chain(ways).cloned().collect()
            }
            Self::Connections(page) => page.ways.form.sources().cloned().collect(),
            Self::Confirm(page) => page.form.sources().cloned().collect(),
            Self::Arrival(page) => page.form.sources().cloned().collect(),
            Self::Organization(page) => page.form.sources().cloned().collect(),
            Self::Picker(page) => page.form.sources().cloned().collect(),
            Self::LogoutConfirm(page) => page.form.sources().cloned().collect(),
            Self::AutoPost(page) => vec![page.source()],
            Self::ResetRequest(_)
            | Self::SignUpSent(_)
            | Self::ResetSent(_)
            | Self::Reset(_)
            | Self::ResetDone(_)
            | Self::Verify(_)
            | Self::Verified(_)
            | Self::LoggedOut(_)
            | Self::Passage(_)
            | Self::WebMessage(_)
            | Self::Error(_) => Vec::new(),
        };
        let frames =
            if let Self::WebMessage(page) = self { Some(page.target_origin().to_owned()) } else { None };
        let onward = if let Self::AutoPost(page) = self { page.onward() } else { None };
        Sources { forms, onward, images: look.brand.logo_url.iter().map(LogoUrl::origin).collect(), frames }
    }
}

/// All templates and all languages, compiled once.
#[derive(Debug)]
pub struct Pages(Engine);

impl Pages {
    /// Compile them.
    pub fn new() -> Result<Self, PageError> {
        Engine::new().map(Self)
    }

    /// The page as an answer: status, HTML, and its [`Sources`] as an extension.
    ///
    /// A template that cannot be filled is our fault: it is logged, and the visitor gets a plain sentence with status 500.
    pub fn render(&self, page: &Page, look: &Look) -> Response {
        match self.html(page, look) {
            Ok(html) => {
                let html_type = HeaderValue::from_static("text/html; charset=utf-8");
                let mut response = (page.status(), [(header::CONTENT_TYPE, html_type)], html).into_response();
                response.extensions_mut().insert(page.sources(look));
                response
            }
            Err(error) => {
                tracing::error!(error = %error, "page `{}` cannot be filled", page.template());
                (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side. Please try again.")
                    .into_response()
            }
        }
    }

    /// The page as HTML.
    pub fn html(&self, page: &Page, look: &Look) -> Result<String, PageError> {
        self.0.fill(
            page.template(),
            &context! { page => page.view(), look => Value::from(Serde(LookView::of(look))) },
        )
    }
}

/// A template or a language that is not as it should be. Never the visitor's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// A template cannot be compiled or filled.
    #[error("template: {0:#}")]
    Template(#[from] minijinja::Error),
    /// A language file is missing or unreadable.
    #[error("language: {0}")]
    Locale(String),
}
