//! Owns single sign-on: whether a live session answers a request (contract §1.2.2 row 10, OIDC Core §3.1.2.1).
//! Never touches cookies or the store.

use crate::{
    model::Session,
    oauth::{AuthorizeRequest, PromptValue},
    time::Timestamp,
};

/// Whether the session may answer the request at all, before anybody asks whether its user may have a token.
///
/// An invitation never takes a session's word (seed, INV-08, INV-09).
pub fn session_may_answer(
    session: &Session,
    request: &AuthorizeRequest,
    now: Timestamp,
) -> Result<(), NoAnswer> {
    if request.invitation.is_some() {
        return Err(NoAnswer::Invitation);
    }
    if request.prompts(PromptValue::Login) || request.prompts(PromptValue::SelectAccount) {
        return Err(NoAnswer::Prompt);
    }
    if request.screen_hint.is_some() && !request.prompts(PromptValue::None) {
        return Err(NoAnswer::Prompt);
    }
    if now >= session.expires_at || now >= session.idle_expires_at {
        return Err(NoAnswer::Expired);
    }
    let age = now.since(session.authenticated_at).as_secs();
    if request.max_age.is_some_and(|max_age| age > max_age.unsigned_abs() || max_age == 0) {
        return Err(NoAnswer::TooOld);
    }
    Ok(())
}

/// Why it may not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// There is none.
    NoSession,
    /// The request carries an invitation.
    Invitation,
    /// The request wants the visitor asked.
    Prompt,
    /// The session is over.
    Expired,
    /// The session is older than the request wants (`max_age`).
    TooOld,
}

impl NoAnswer {
    /// The reason code of the log.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::Invitation => "invitation",
            Self::Prompt => "prompt",
            Self::Expired => "session_expired",
            Self::TooOld => "session_too_old",
        }
    }
}
