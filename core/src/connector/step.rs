//! Owns the moves of the conversation: what a connector is asked, and what it may answer.
//! Never touches how a page looks or how a parameter travels.

use super::{Assertion, Memo, NewAccount, PasswordFault, PasswordRule};
use crate::{
    email::Email,
    id::{ClientId, OrganizationId, TransactionId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use url::Url;

/// What the router wants to know, in words every protocol can translate.
#[derive(Clone, Debug)]
pub struct AuthnRequest {
    /// The login this is for: what comes back as `state` or `RelayState`.
    pub transaction: TransactionId,
    /// Our one callback, where identity providers send their answers.
    pub callback: Url,
    /// What the visitor is about to do.
    pub intent: Intent,
    /// The organization the login is for, when it is known.
    pub organization: Option<OrganizationId>,
    /// The application the login is for.
    pub client: Option<ClientId>,
    /// The identifier the application or the visitor gave already.
    pub login_hint: Option<String>,
    /// Ask for credentials even where a session would do (`prompt=login`, an invitation).
    pub force: bool,
    /// The classes of authentication the application wants, the preferred first (`acr_values`, OIDC Core §3.1.2.1).
    pub acr_values: Vec<String>,
    /// When the login began.
    pub started_at: Timestamp,
}

/// What the visitor is about to do.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Show who they are.
    SignIn,
    /// Make an account.
    SignUp,
    /// Accept an invitation that was made to this address. The address is fixed.
    Accept(Email),
}

/// Where people sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// On our own pages.
    Here,
    /// At the organization's own place.
    Elsewhere,
}

/// A connector's move.
#[derive(Debug)]
pub enum Step {
    /// The browser must do something first.
    Ask(Ask),
    /// The question is answered.
    Identified(Assertion),
    /// Somebody wants an account, and may have it as far as the connector knows. It is made by
    /// [`Accounts::create`](super::Accounts::create) once the router knows that they may; `retry` is asked if it cannot be.
    Wanted {
        /// The account.
        account: Box<NewAccount>,
        /// What to ask next when it is not made.
        retry: Ask,
    },
    /// The answer was understood and is "no". `retry` keeps the conversation open; `about` is whom it concerns, for
    /// the log.
    Refused {
        /// Why.
        reason: Refusal,
        /// The identifier or user id it is about.
        about: Option<String>,
        /// What to ask next, unless this ends the login.
        retry: Option<Ask>,
    },
}

/// Which application an answer is for that nobody asked for, and what that application would have asked (contract §1.10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Landing {
    /// The application.
    pub client_id: String,
    /// Parameters of the authorization request it would have sent.
    pub parameters: Vec<(String, String)>,
}

/// A question to the browser, and what to remember until it is answered.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What the browser has to do.
    pub interaction: Interaction,
    /// What the connector wants back with the reply.
    pub memo: Memo,
}

/// What a browser can be asked to do. Closed on purpose: a page can render all of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Interaction {
    /// Fill in a form on one of our pages.
    Prompt(Prompt),
    /// Go elsewhere.
    Redirect(Url),
    /// Post these fields elsewhere (the HTTP-POST binding).
    Post {
        /// Where to.
        action: Url,
        /// Names and values of hidden fields.
        fields: Vec<(&'static str, String)>,
    },
}

/// A form of ours.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Prompt {
    /// What it is for; chooses the page and its words.
    pub intent: Intent,
    /// The fields, in order.
    pub fields: Vec<Field>,
    /// The identifier to fill in, or to show when it is fixed.
    pub identifier: Option<String>,
    /// What a new password must be like; empty when an existing one is asked.
    pub password_rules: Vec<PasswordRule>,
    /// Whether the page may offer to make an account.
    pub may_sign_up: bool,
    /// Whether the page may offer to reset the password.
    pub may_reset: bool,
}

/// A field of a form. Its name in the reply is [`Field::name`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// An e-mail address or a user name, to be typed.
    Identifier,
    /// An e-mail address, to be typed.
    Email,
    /// A user name to be chosen.
    Username,
    /// An existing password.
    Password,
    /// A password to be chosen.
    NewPassword,
}

impl Field {
    /// The form field's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identifier | Self::Username => "username",
            Self::Email => "email",
            Self::Password | Self::NewPassword => "password",
        }
    }
}

/// Why the answer is "no". What the visitor is told is the page's business: several share one sentence.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// No such account, or not its password: never told apart.
    WrongCredentials,
    /// Too many attempts; more are not looked at for a while.
    TooManyAttempts,
    /// The password that was chosen does not meet the connection's policy, for these reasons.
    PasswordTooWeak(Vec<PasswordFault>),
    /// The user name that was chosen cannot be used: its length, its characters, or it is taken.
    UsernameUnusable,
    /// The address that was typed is not an e-mail address we take.
    EmailUnusable,
    /// The account cannot be made (it exists, or the connection takes no sign-ups): never told apart.
    SignUpRefused,
    /// The identity provider, or the visitor there, said no.
    AccessDenied,
    /// The identity that came back is not the invited one.
    NotTheInvitee,
    /// The identity provider's answer did not pass a check.
    AnswerRejected,
    /// An answer that nobody asked for.
    Unsolicited,
    /// No connection fits what was typed.
    NoWayIn,
    /// There is no such organization.
    NoSuchOrganization,
}
