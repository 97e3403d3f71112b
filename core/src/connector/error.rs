//! Owns what can break while a connector works, split by who has to act.
//! Never touches refusals: "no" is an answer, not an error.

use crate::{
    model::EventKind,
    port::{BoxError, store::StoreError},
};
use serde_json::Value;

/// Something is broken, as opposed to somebody being refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// The browser left something out: 400.
    #[error("the reply has no `{0}`")]
    Missing(&'static str),
    /// The identity provider sent something unacceptable: a page with 400, and a security event. The text names the check.
    #[error("the identity provider's answer is not acceptable: {0}")]
    Protocol(String),
    /// The same, with the whole story for the log: which checks passed before the one that failed.
    #[error("the identity provider's answer is not acceptable: {}", .0.check)]
    Rejected(Box<Rejection>),
    /// The identity provider cannot be reached: 503, try again.
    #[error("the identity provider cannot be reached")]
    Unavailable(#[source] BoxError),
    /// More than this node can do now (the hashing queue is full): 503 with `Retry-After`.
    #[error("too many logins at once")]
    Busy,
    /// An administrator has to mend the connection: 500, shown in the dashboard.
    #[error("the connection is not configured correctly: {0}")]
    Misconfigured(String),
    /// Our own notes are unreadable.
    #[error("the stored conversation is unreadable")]
    Memo,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An answer that did not pass, as an administrator reads about it. The browser is shown nothing of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// What the log calls it.
    pub kind: EventKind,
    /// The name of the check that failed: stable, for the log and for tests.
    pub check: String,
    /// What was expected, what came, and what to change where.
    pub advice: String,
    /// Every check in the order it ran. Holds nothing of the answer's contents beyond names.
    pub trace: Value,
}
