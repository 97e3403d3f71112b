//! Owns the authorization response: success or error, ready to travel back to the application.
//! Never touches pages: an answer that may not go to the application is not made here.

use super::ResponseMode;
use serde::{Deserialize, Serialize};
use url::Url;

/// Where an answer goes, and how. Exists only for a redirect URI that was matched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseTarget {
    /// A callback of the client.
    pub redirect_uri: String,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// Given back as it came.
    pub state: Option<String>,
}

/// An answer on its way (RFC 6749 §4.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuthorizeResponse {
    /// Go there.
    Redirect(String),
    /// Post these fields there (OAuth 2.0 Form Post Response Mode).
    FormPost {
        /// Where.
        action: String,
        /// What.
        fields: Vec<(String, String)>,
    },
    /// Tell the window that framed or opened ours, if it is of this origin (contract §1.2.1).
    WebMessage {
        /// The only origin that may hear it.
        origin: String,
        /// What.
        fields: Vec<(String, String)>,
    },
}

impl ResponseTarget {
    /// The answer to a login that succeeded. RFC 9207 adds `iss`.
    pub fn code(&self, code: &str, issuer: &str) -> AuthorizeResponse {
        self.answer(vec![("code".to_owned(), code.to_owned())], issuer)
    }

    /// The answer to one that did not (RFC 6749 §4.1.2.1).
    pub fn error(&self, error: &str, description: &str, issuer: &str) -> AuthorizeResponse {
        let printable = |character: char| matches!(character, ' '..='!' | '#'..='[' | ']'..='~');
        // RFC 6749 Appendix A.8 limits what a description may hold.
        let description = description.chars().map(|c| if printable(c) { c } else { '\'' }).collect();
        self.answer(
            vec![("error".to_owned(), error.to_owned()), ("error_description".to_owned(), description)],
            issuer,
        )
    }

    fn answer(&self, mut fields: Vec<(String, String)>, issuer: &str) -> AuthorizeResponse {
        fields.extend(self.state.clone().map(|state| ("state".to_owned(), state)));
        fields.push(("iss".to_owned(), issuer.to_owned()));
        let parsed = Url::parse(&self.redirect_uri);
        match (self.mode, parsed) {
            (ResponseMode::Query, Ok(mut url)) => {
                url.query_pairs_mut().extend_pairs(&fields);
                AuthorizeResponse::Redirect(url.into())
            }
            (ResponseMode::Fragment, Ok(mut url)) => {
                let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
                url.set_fragment(Some(&encoded));
                AuthorizeResponse::Redirect(url.into())
            }
            (ResponseMode::WebMessage, Ok(url)) => {
                AuthorizeResponse::WebMessage { origin: url.origin().ascii_serialization(), fields }
            }
            // Registered addresses are URLs; a form can be posted to whatever was registered.
            (ResponseMode::FormPost, _) | (_, Err(_)) => {
                AuthorizeResponse::FormPost { action: self.redirect_uri.clone(), fields }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(mode: ResponseMode) -> ResponseTarget {
        ResponseTarget {
            redirect_uri: "https://app.test/cb?a=1".to_owned(),
            mode,
            state: Some("x y&z".to_owned()),
        }
    }

    #[test]
    fn the_query_keeps_what_was_registered() {
        assert_eq!(
            target(ResponseMode::Query).code("c1", "https://login.test/"),
            AuthorizeResponse::Redirect(
                "https://app.test/cb?a=1&code=c1&state=x+y%26z&iss=https%3A%2F%2Flogin.test%2F".to_owned()
            )
        );
    }

    #[test]
    fn a_description_holds_only_what_it_may() {
        let AuthorizeResponse::FormPost { fields, .. } = target(ResponseMode::FormPost).error(
            "access_denied",
            "say \"no\"\r\n\u{e9}",
            "https://login.test/",
        ) else {
            panic!("a form");
        };
        assert_eq!(fields[1], ("error_description".to_owned(), "say 'no''''".to_owned()));
    }

    #[test]
    fn a_message_names_its_origin() {
        let answer = target(ResponseMode::WebMessage).code("c1", "https://login.test/");
        assert!(
            matches!(answer, AuthorizeResponse::WebMessage { origin, .. } if origin == "https://app.test")
        );
    }
}
