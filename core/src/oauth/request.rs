//! Owns the authorization request, parsed and frozen (RFC 6749 §4.1.1, OIDC Core §3.1.2.1, contract §1.2.1).
//! Never touches where its parameters came from.

use crate::{
    id::{ClientId, InvitationId, OrganizationId},
    model::{CodeChallenge, TicketSource},
};
use serde::{Deserialize, Serialize};

/// What an application asked for, after its client, its redirect URI, its organization and its invitation were found:
/// nothing in it can be wrong, and nothing in it ever changes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AuthorizeRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes: one of the client's callbacks.
    pub redirect_uri: String,
    /// Whether the request named it: then the token request must, too (RFC 6749 §4.1.3).
    pub redirect_uri_given: bool,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// The scopes, each once.
    pub scope: Vec<String>,
    /// Given back as it came.
    pub state: Option<String>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// What the code's verifier must match.
    pub code_challenge: Option<CodeChallenge>,
    /// For which API.
    pub audience: Option<String>,
    /// What the application wants the visitor to see.
    pub prompt: Vec<PromptValue>,
    /// Seconds since the last authentication beyond which it is asked again.
    pub max_age: Option<i64>,
    /// Who the application thinks it is.
    pub login_hint: Option<String>,
    /// `signup` or `reset-password`: which page to begin with.
    pub screen_hint: Option<String>,
    /// The name of the connection to use.
    pub connection: Option<String>,
    /// The organization the login is for. Frozen here: nothing later in the login can change it (ORG-05).
    pub organization: Option<OrganizationId>,
    /// Whether it was named by its name: then tokens hold `org_name`.
    pub organization_by_name: bool,
    /// The invitation to be accepted, and by which ticket.
    pub invitation: Option<(InvitationId, TicketSource)>,
    /// The classes of authentication that are wanted, the preferred first (OIDC Core §3.1.2.1).
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// Languages, the preferred first.
    pub ui_locales: Vec<String>,
}

impl AuthorizeRequest {
    /// Whether this was asked for.
    pub fn prompts(&self, value: PromptValue) -> bool {
        self.prompt.contains(&value)
    }

    /// Whether this scope was asked for.
    pub fn asks_for(&self, scope: &str) -> bool {
        self.scope.iter().any(|asked| asked == scope)
    }
}

/// How the answer travels (OAuth 2.0 Multiple Response Types §2.1, contract §1.2.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect.
    Query,
    /// In its fragment.
    Fragment,
    /// In a form that posts itself.
    FormPost,
    /// In a message to the window that opened or framed ours.
    WebMessage,
}

/// A value of `prompt` (OIDC Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptValue {
    /// Show nothing.
    None,
    /// Ask for credentials whatever the session says.
    Login,
    /// Ask for consent.
    Consent,
    /// Let the visitor choose an account.
    SelectAccount,
}
