//! Owns the error page: what happened in a person's words, and what they can do.
//! Never touches causes: those are logged, under the page's reference number.

use super::Label;
use axum::http::StatusCode;
use serde::Serialize;

/// Anything that may not be sent to the application (`product.md` §6).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorPage {
    /// What happened.
    pub trouble: Trouble,
    /// The number under which the log tells more.
    pub reference: String,
    /// What the application's developer needs to know, in the protocol's words. Never a secret, never a cause.
    pub detail: Option<Label>,
    /// Where the visitor can start again.
    pub retry: Option<String>,
}

/// What happened, as far as visitors are told. Each has its three sentences in every language: `trouble.<name>`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trouble {
    /// Nothing is at this address.
    NotFound,
    /// The request is not one we understand.
    BadRequest,
    /// No application has this client id.
    UnknownClient,
    /// The redirect URI is not one of the application's.
    WrongCallback,
    /// The address to return to after signing out is not one of the application's.
    WrongLogoutUrl,
    /// The invitation was used, was taken back, or is over.
    InvitationUnusable,
    /// Somebody signed in who is not the one invited.
    NotTheInvitee,
    /// The mailed link was used, was replaced by a newer one, or is over.
    TicketUnusable,
    /// The login went on elsewhere: another tab, a second click, the back button.
    Stale,
    /// The login took too long.
    Expired,
    /// This browser does not hold the login's cookie.
    NoCookie,
    /// The form came from another site.
    ForeignForm,
    /// The login was refused.
    Denied,
    /// There is no way to sign in for this organization or application.
    NoWayIn,
    /// Too much was tried in too short a time.
    TooManyAttempts,
    /// More was sent than is taken.
    TooLarge,
    /// The identity provider sent something that did not pass a check.
    SignInRejected,
    /// The identity provider cannot be reached.
    SignInUnavailable,
    /// More people are signing in than this server can take now.
    Busy,
    /// The store cannot be had at the moment.
    Unavailable,
    /// An administrator has to mend a setting.
    Misconfigured,
    /// Something of ours is broken.
    Internal,
}

impl Trouble {
    /// All of them, for the samples.
    pub const ALL: [Self; 22] = [
        Self::NotFound,
        Self::BadRequest,
        Self::UnknownClient,
        Self::WrongCallback,
        Self::WrongLogoutUrl,
        Self::InvitationUnusable,
        Self::NotTheInvitee,
        Self::TicketUnusable,
        Self::Stale,
        Self::Expired,
        Self::NoCookie,
        Self::ForeignForm,
        Self::Denied,
        Self::NoWayIn,
        Self::TooManyAttempts,
        Self::TooLarge,
        Self::SignInRejected,
        Self::SignInUnavailable,
        Self::Busy,
        Self::Unavailable,
        Self::Misconfigured,
        Self::Internal,
    ];

    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest
            | Self::UnknownClient
            | Self::WrongLogoutUrl
            | Self::InvitationUnusable
            | Self::TicketUnusable
            | Self::Stale
            | Self::Expired
            | Self::NoCookie
            | Self::NoWayIn
            // The browser brought it, so it is the client's fault to us (`security.md` §1): a 502 would tell monitors and
            // proxies that this server is broken, and let anybody say so.
            | Self::SignInRejected => StatusCode::BAD_REQUEST,
            Self::WrongCallback | Self::NotTheInvitee | Self::ForeignForm | Self::Denied => {
                StatusCode::FORBIDDEN
            }
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SignInUnavailable | Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its name, as the catalog and the log call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::BadRequest => "bad_request",
            Self::UnknownClient => "unknown_client",
            Self::WrongCallback => "wrong_callback",
            Self::WrongLogoutUrl => "wrong_logout_url",
            Self::InvitationUnusable => "invitation_unusable",
            Self::NotTheInvitee => "not_the_invitee",
            Self::TicketUnusable => "ticket_unusable",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::NoCookie => "no_cookie",
            Self::ForeignForm => "foreign_form",
            Self::Denied => "denied",
            Self::NoWayIn => "no_way_in",
            Self::TooManyAttempts => "too_many_attempts",
            Self::TooLarge => "too_large",
            Self::SignInRejected => "sign_in_rejected",
            Self::SignInUnavailable => "sign_in_unavailable",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
            Self::Internal => "internal",
        }
    }
}
