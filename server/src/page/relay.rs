//! Owns the pages that pass something on: a form that posts itself, a way onward, a message to another window.
//! Never touches what is passed on.

use super::{Label, form::source_of};
use serde::Serialize;
use serde_json::Value;
use url::Url;

/// A form that posts itself: SAML's HTTP-POST binding and `response_mode=form_post` (`security.md` OP-22). Without
/// JavaScript it has a button.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AutoPostPage {
    action: Url,
    /// What is posted.
    fields: Vec<(String, String)>,
    /// Who gets it, for people.
    host: Label,
}

impl AutoPostPage {
    /// Post these fields there.
    pub fn new<N: Into<String>>(action: Url, fields: impl IntoIterator<Item = (N, String)>) -> Self {
        let host = Label::new(action.host_str().unwrap_or_default());
        Self { action, fields: fields.into_iter().map(|(name, value)| (name.into(), value)).collect(), host }
    }

    pub(super) fn source(&self) -> String {
        source_of(&self.action)
    }

    /// The receiver sends the browser on to places that nobody here knows (an identity provider to its sign-in page), and
    /// `form-action` is held against those, too. A receiver without TLS may lead to others without.
    pub(super) fn onward(&self) -> Option<&'static str> {
        match self.action.scheme() {
            "https" => Some("https:"),
            "http" => Some("http:"),
            _ => None,
        }
    }
}

/// A way onward after a form. Browsers hold `form-action` against every redirect that follows a form's answer, those of
/// other people's servers too, and nobody can list those; a page that leads onward ends the form's reach.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassagePage {
    url: Url,
    /// Whose it is, for people.
    host: Label,
}

impl PassagePage {
    /// After a form, the page that leads to this place of the web. None after a link, and for applications on a device:
    /// those are called by a redirect, as browsers want it.
    pub fn after_form(place: &str, posted: bool) -> Option<Self> {
        let url = Url::parse(place).ok()?;
        (posted && matches!(url.scheme(), "http" | "https")).then(|| Self::to(url))
    }

    /// Lead there at once.
    pub fn to(url: Url) -> Self {
        let host = Label::new(url.host_str().unwrap_or_default());
        Self { url, host }
    }
}

/// A message to the window that framed or opened ours (`response_mode=web_message`, contract §1.2.1).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WebMessagePage {
    /// The only origin that may read it.
    target_origin: String,
    /// What it reads: JSON, kept in an attribute so that no character of it can become markup.
    message: String,
}

impl WebMessagePage {
    /// Send `{"type":"authorization_response","response":…}` to the origin of the redirect URI.
    pub fn new(redirect_uri: &Url, response: &Value) -> Self {
        Self {
            target_origin: redirect_uri.origin().ascii_serialization(),
            message: serde_json::json!({ "type": "authorization_response", "response": response })
                .to_string(),
        }
    }

    pub(super) fn target_origin(&self) -> &str {
        &self.target_origin
    }
}
