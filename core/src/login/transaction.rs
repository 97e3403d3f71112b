//! Owns the login transaction: a struct per stage, and the transitions between them.
//! Never touches what decides which transition is taken: that is `flow.rs`.

use super::{Arriving, Paused};
use crate::{
    connector::{Evidence, Intent, Memo, Prompt, Refusal},
    id::{ConnectionId, OrganizationId, ReferenceId, TransactionId, UserId},
    oauth::AuthorizeRequest,
    secret::TokenHash,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A login in progress. Every change writes `version + 1`, and only if the stored version is still the one that was
/// read: replays, double clicks and two tabs end in [`StoreError::Stale`](crate::port::store::StoreError::Stale).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Transaction {
    /// Its handle, in the URLs of our pages and in what identity providers send back.
    pub id: TransactionId,
    /// Grows by one with every change, from 1.
    pub version: i64,
    /// The browser it belongs to: what is stored of that browser's cookie.
    pub browser: TokenHash,
    /// What the application asked for. Never changes.
    pub request: AuthorizeRequest,
    /// Where it stands.
    pub stage: Stage,
    /// From which address it began.
    pub ip: Option<String>,
    /// With which browser.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The decisions taken so far, in order, with secrets left out.
    pub trace: Vec<String>,
}

impl Transaction {
    /// The same one version later, at another stage.
    #[must_use]
    pub fn at(self, stage: Stage) -> Self {
        Self { version: self.version + 1, stage, ..self }
    }
}

/// Where a login stands. `Completed` and `Failed` are the ends.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// The visitor is asked for the organization's name.
    Locating(Locating),
    /// Several connections fit.
    Choosing(Choosing),
    /// The visitor is told that the organization's own sign-in comes next.
    Confirming(Confirming),
    /// A connector waits for an answer.
    Awaiting(Awaiting),
    /// Somebody began elsewhere, and is asked whether they meant to.
    Arriving(Arriving),
    /// We know which user it is.
    Admitted(Admitted),
    /// The user chooses among their organizations.
    Picking(Picking),
    /// A rule or an action has sent the browser elsewhere, and waits for it to come back.
    Paused(Paused),
    /// A code was issued.
    Completed(Completed),
    /// It ended without one.
    Failed(Failed),
}

impl Stage {
    /// Its name, as it is stored.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Locating(_) => "locating",
            Self::Choosing(_) => "choosing",
            Self::Confirming(_) => "confirming",
            Self::Awaiting(_) => "awaiting",
            Self::Arriving(_) => "arriving",
            Self::Admitted(_) => "admitted",
            Self::Picking(_) => "picking",
            Self::Paused(_) => "paused",
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether nothing can follow.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_))
    }
}

/// The visitor is asked for the organization's name (`pre_login_prompt`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Locating {}

/// Several connections fit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Choosing {
    /// Which.
    pub candidates: Vec<ConnectionId>,
}

/// The visitor is told that the organization's own sign-in comes next.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Confirming {
    /// Through which connection.
    pub connection: ConnectionId,
    /// The candidates it was chosen from.
    pub candidates: Vec<ConnectionId>,
}

/// A connector waits for an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Awaiting {
    /// Which.
    pub connection: ConnectionId,
    /// What the visitor is about to do there.
    pub intent: Intent,
    /// What it wants back. Encrypted at rest.
    pub memo: Memo,
    /// The form it asked for, to be shown again when the page is loaded again.
    pub prompt: Option<Prompt>,
    /// How often it has said no.
    pub refusals: u8,
    /// The candidates one can go back to.
    pub candidates: Vec<ConnectionId>,
}

/// We know which user it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Admitted {
    /// Who.
    pub user: UserId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// How they showed it.
    pub evidence: Evidence,
    /// When they showed it.
    pub auth_time: Timestamp,
    /// The user's epoch then.
    pub epoch: i64,
    /// Whether a session answered, not the person.
    pub silent: bool,
    /// Whether the user was made by this login.
    pub created: bool,
    /// Whether this login made them a member.
    pub membership_added: bool,
    /// The organization, once it is known.
    pub organization: Option<OrganizationId>,
}

/// The user chooses among their organizations (`post_login_prompt`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Picking {
    /// Who chooses.
    pub admitted: Admitted,
}

/// A code was issued.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Completed {
    /// When.
    pub at: Timestamp,
}

/// It ended without one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Failed {
    /// What the log calls it.
    pub reason: String,
    /// The connector's refusal, if that was it.
    pub refusal: Option<Refusal>,
    /// The number on the page that was shown.
    pub reference: Option<ReferenceId>,
    /// When.
    pub at: Timestamp,
}

impl Locating {
    /// The organization is known: its connections are the candidates.
    pub fn located(self, candidates: Vec<ConnectionId>) -> Choosing {
        Choosing { candidates }
    }
}

impl Choosing {
    /// A connection was chosen, and has asked something.
    pub fn chose(
        self,
        connection: ConnectionId,
        intent: Intent,
        memo: Memo,
        prompt: Option<Prompt>,
    ) -> Awaiting {
        Awaiting { connection, intent, memo, prompt, refusals: 0, candidates: self.candidates }
    }

    /// A connection was chosen that must be announced first.
    pub fn announce(self, connection: ConnectionId) -> Confirming {
        Confirming { connection, candidates: self.candidates }
    }
}

impl Confirming {
    /// The visitor goes on: the connection is chosen for good.
    pub fn confirmed(self) -> Choosing {
        Choosing { candidates: self.candidates }
    }
}

impl Awaiting {
    /// After so many refusals the login ends.
    pub const MAX_REFUSALS: u8 = 10;

    /// The connector asks something else.
    #[must_use]
    pub fn asked_again(self, memo: Memo, prompt: Option<Prompt>) -> Self {
        Self { memo, prompt, ..self }
    }

    /// The connector said no and asks again; `None` when it has said so too often.
    pub fn refused(self, memo: Memo, prompt: Option<Prompt>) -> Option<Self> {
        let refusals = self.refusals + 1;
        (refusals < Self::MAX_REFUSALS).then_some(Self { memo, prompt, refusals, ..self })
    }

    /// Back to the choice, where there was one.
    pub fn back(self) -> Option<Choosing> {
        (self.candidates.len() > 1).then_some(Choosing { candidates: self.candidates })
    }
}

impl Admitted {
    /// The user has to say for which organization.
    pub fn pick(self) -> Picking {
        Picking { admitted: self }
    }

    /// A code was issued.
    pub fn completed(self, at: Timestamp) -> Completed {
        Completed { at }
    }
}

impl Picking {
    /// The user said for which.
    pub fn picked(self, organization: Option<OrganizationId>) -> Admitted {
        Admitted { organization, ..self.admitted }
    }
}
