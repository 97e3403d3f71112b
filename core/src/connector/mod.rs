//! Owns the connector port: the one conversation by which the router learns who somebody is.
//! Never touches a protocol: those are the connectors', and the router shows and remembers what they say.

mod accounts;
mod assertion;
mod backing;
mod conversation;
mod document;
mod error;
mod factory;
mod farewell;
mod memo;
mod reply;
mod step;

pub use accounts::{
    AccountError, Accounts, AdoptedAccount, AdoptionFault, GivenHash, Kept, NewAccount, NewNames,
    NewPassword, Occasion, PasswordFault, PasswordRule,
};
pub use assertion::{Assertion, Credential, Evidence, Once, Origin, Subject, Vouched, WayBack};
pub use backing::{Attempt, Backing, Opening, Verified};
pub use conversation::{Conversation, canonical_identifier, identified};
pub use document::{Document, Explanation};
pub use error::{ConnectorError, Rejection};
pub use factory::{ConnectorDeps, ConnectorFactory, Factories, Notice, Population, Problem, Renewal};
pub use farewell::{Delivery, Farewell};
pub use memo::Memo;
pub use reply::Reply;
pub use step::{Ask, AuthnRequest, Field, Intent, Interaction, Landing, Presence, Prompt, Refusal, Step};

use crate::time::Timestamp;
use async_trait::async_trait;
use url::Url;

/// A way of finding out who somebody is: a password table, a customer's script, a SAML or OIDC identity provider.
///
/// A connector is a conversation with the browser, told one move at a time. The router never learns which protocol is
/// spoken: it shows what a [`Step`] asks for, keeps the [`Memo`], and hands both the memo and the browser's [`Reply`]
/// back. No unit of work is open while a connector runs.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Make the first move. May be called again for the same request; nothing is used up by it.
    async fn begin(&self, request: &AuthnRequest) -> Result<Step, ConnectorError>;

    /// Make the next move, given the browser's reply and the memo left with the previous one.
    async fn resume(&self, request: &AuthnRequest, memo: Memo, reply: Reply) -> Result<Step, ConnectorError>;

    /// Consider an answer nobody asked for (an identity provider that begins). Refused unless overridden.
    async fn unsolicited(&self, _reply: Reply) -> Result<Step, ConnectorError> {
        Ok(Step::Refused { reason: Refusal::Unsolicited, about: None, retry: None })
    }

    /// Where an answer leads that nobody asked for; none: such answers are not taken here.
    fn landing(&self) -> Option<Landing> {
        None
    }

    /// Where people sign in: on our pages, or elsewhere. Elsewhere is announced before anybody is sent there.
    fn presence(&self) -> Presence {
        Presence::Elsewhere
    }

    /// Places that [`begin`](Self::begin) may send the browser to, as far as they are known: a page whose form leads
    /// there must allow it in its Content-Security-Policy (`form-action` counts for redirects, too).
    fn destinations(&self) -> Vec<Url> {
        Vec::new()
    }

    /// Whom this reply is a guess about, if guessing is possible here: attempts are counted by it, *before*
    /// [`resume`](Self::resume) is called, and given back when it was no guess.
    fn guess(&self, _memo: &Memo, _reply: &Reply) -> Option<String> {
        None
    }

    /// What the browser has to do so that the upstream session ends too, if it can; it comes back by this way. Our own
    /// session is over by then, whatever becomes of theirs.
    async fn end_session(
        &self,
        _evidence: &Evidence,
        _back: &WayBack,
    ) -> Result<Option<Interaction>, ConnectorError> {
        Ok(None)
    }

    /// What the other side reads about us, if it reads anything (SAML metadata; contract §1.10).
    fn description(&self) -> Result<Option<Document>, ConnectorError> {
        Ok(None)
    }

    /// Judge a recorded answer as if it came in at that instant, and tell every check. Nothing is used up. `None` where
    /// answers cannot be judged without the other side.
    async fn explain(&self, _answer: &[u8], _at: Timestamp) -> Result<Option<Explanation>, ConnectorError> {
        Ok(None)
    }

    /// Understand a message of the other side about ended sessions. `None` where no such messages are sent.
    async fn farewell(&self, _delivery: Delivery) -> Result<Option<Farewell>, ConnectorError> {
        Ok(None)
    }

    /// The accounts this connector can create and change, if it keeps any.
    fn accounts(&self) -> Option<&dyn Accounts> {
        None
    }
}
