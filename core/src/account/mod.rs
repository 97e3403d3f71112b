//! Owns what people do with their accounts by themselves: sign up, choose a new password, show that an address is theirs.
//! Never touches logins: nobody is signed in by any of it.
//!
//! Nothing here tells whether an account exists: that is told by mail, to whoever reads the mailbox (`security.md` DB-03).

mod caller;
mod mail;
mod password;
mod reset;
mod sign_up;
mod throttle;
mod ticket;
mod verification;

pub use caller::Caller;
pub use mail::{MailFacts, account_mail};
pub use password::{PasswordChange, set_password};
pub(crate) use password::{end_everything, profile_of};
pub(crate) use reset::ResetMail;
pub use reset::{Changed, NotChanged, ResetForm, ResetRequest, ResetRequested};
pub use sign_up::{Door, NoSignUp, NotSignedUp, SignUp, SignedUp, may_sign_up};
pub(crate) use throttle::{
    sign_up_from as sign_up_charges, sign_up_to as sign_up_charges_to, verification as verification_charges,
};
pub use ticket::{NewTicket, TicketPage, Unusable, new_ticket};
pub use verification::{VerificationRequested, Verified, mail_verification};

use crate::{
    connector::ConnectorError,
    entropy::Entropy,
    login::Connectors,
    port::store::{Store, StoreError},
    time::Clock,
};
use std::{sync::Arc, time::Duration};
use url::Url;

/// The use cases of accounts, over these ports.
#[derive(Clone)]
pub struct SelfService {
    store: Arc<dyn Store>,
    connectors: Arc<dyn Connectors>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: AccountSettings,
}

/// What the use cases have to know beyond their ports.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// Our issuer, with its trailing slash. Links are made of it and of nothing that a request says (DB-15).
    pub issuer: Url,
    /// How long a link for a new password is good.
    pub reset_lifetime: Duration,
    /// How long a link that verifies an address is good.
    pub verification_lifetime: Duration,
}

impl AccountSettings {
    /// An hour for a new password, five days for an address (contract §2.10: 432,000 seconds).
    pub const fn of(issuer: Url) -> Self {
        Self {
            issuer,
            reset_lifetime: Duration::from_hours(1),
            verification_lifetime: Duration::from_hours(120),
        }
    }
}

impl SelfService {
    /// Over these ports.
    pub fn new(
        store: Arc<dyn Store>,
        connectors: Arc<dyn Connectors>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: AccountSettings,
    ) -> Self {
        Self { store, connectors, clock, entropy, settings }
    }
}

/// Something is broken, as opposed to somebody being refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountFault {
    /// The connector failed, or is too busy.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
