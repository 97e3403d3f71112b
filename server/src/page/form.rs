//! Owns what every form has: where it goes, what it carries unseen, and where its answer may lead the browser.
//! Never touches fields that are seen.

use serde::Serialize;
use url::Url;

/// A form of ours. It is always posted.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Form {
    action: String,
    hidden: Vec<(&'static str, String)>,
    #[serde(skip)]
    lands_at: Vec<String>,
}

impl Form {
    /// The name of the field with the token that shows that the form is ours (`security.md` V3.5.1).
    pub const TOKEN: &'static str = "form_token";
    /// The name of the field with the login transaction's id (contract §1.3).
    pub const STATE: &'static str = "state";
    /// The name of the field with a mailed ticket.
    pub const TICKET: &'static str = "ticket";
    /// The name of the button of a connection; its value is the connection's.
    pub const CONNECTION: &'static str = "connection";
    /// The name of the button of an organization, and of the field that asks for its name (contract §1.2.2).
    pub const ORGANIZATION: &'static str = "organizationName";

    /// A form that is posted there: a path of ours.
    pub fn to(action: impl Into<String>) -> Self {
        Self { action: action.into(), ..Self::default() }
    }

    /// With a field that is not seen.
    #[must_use]
    pub fn carrying(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// With the login transaction's id and the token.
    #[must_use]
    pub fn of_login(self, state: impl Into<String>, token: impl Into<String>) -> Self {
        self.carrying(Self::STATE, state).carrying(Self::TOKEN, token)
    }

    /// Its answer may redirect the browser to this place: the client's redirect URI, or an identity provider. Browsers
    /// follow the redirect of a form's answer only to where `form-action` allows.
    #[must_use]
    pub fn landing_at(mut self, place: &str) -> Self {
        if let Ok(url) = Url::parse(place) {
            self.lands_at.push(source_of(&url));
        }
        self
    }

    /// The sources that `form-action` has to allow beside `'self'`.
    pub(super) fn sources(&self) -> impl Iterator<Item = &String> {
        self.lands_at.iter()
    }
}

/// How a place is named in a Content-Security-Policy: by its origin, or by its scheme where it has none (native
/// applications call themselves `com.example.app:/callback`).
pub(super) fn source_of(url: &Url) -> String {
    let origin = url.origin();
    if origin.is_tuple() { origin.ascii_serialization() } else { format!("{}:", url.scheme()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_its_origin_or_its_scheme() {
        let form = Form::to("/u/login")
            .landing_at("https://app.test:8443/callback?x=1;y")
            .landing_at("com.example.app:/callback")
            .landing_at("not a url");
        assert_eq!(form.sources().collect::<Vec<_>>(), ["https://app.test:8443", "com.example.app:"]);
    }
}
