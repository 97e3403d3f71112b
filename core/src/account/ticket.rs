//! Owns mailed links: how one is made, and whether one that comes back is good.
//! Never touches what is done with it.

use super::{AccountFault, SelfService};
use crate::{
    email::Email,
    entropy::Entropy,
    id::{ClientId, OrganizationId},
    model::{Client, Connection, Organization, Ticket, TicketKind, User},
    port::store::{StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};
use std::time::Duration;
use url::Url;

/// What a link is made of.
#[derive(Clone, Debug)]
pub struct NewTicket<'t> {
    /// What it is good for.
    pub kind: TicketKind,
    /// For whom.
    pub user: &'t User,
    /// In which connection.
    pub connection: &'t Connection,
    /// The address it is for.
    pub email: &'t Email,
    /// Whether using it shows that the address is theirs ([`Ticket::proves_address`]).
    pub proves_address: bool,
    /// From which application.
    pub client: Option<ClientId>,
    /// In whose branding.
    pub organization: Option<OrganizationId>,
    /// How long it is good.
    pub lifetime: Duration,
}

/// Make a ticket and the link that holds it. The link is the only place where the ticket itself is; it is made of the
/// configured issuer (DB-15).
pub fn new_ticket(new: NewTicket<'_>, issuer: &Url, at: Timestamp, entropy: &dyn Entropy) -> (Ticket, Url) {
    let token = entropy.token();
    let ticket = Ticket {
        hash: TokenHash::of(&token),
        kind: new.kind,
        user_id: new.user.id.clone(),
        email: new.email.clone(),
        proves_address: new.proves_address,
        result_url: None,
        connection_id: new.connection.id.clone(),
        client_id: new.client,
        organization_id: new.organization,
        created_at: at,
        expires_at: at.plus(new.lifetime),
        consumed_at: None,
    };
    let mut link = issuer.clone();
    let page = match new.kind {
        TicketKind::ChangePassword => "u/reset-password",
        TicketKind::VerifyEmail => "u/email-verification",
    };
    link.set_path(&format!("{}/{page}", issuer.path().trim_end_matches('/')));
    link.set_query(None);
    link.query_pairs_mut().append_pair("ticket", &token);
    (ticket, link)
}

/// A link that cannot be used: it never was one, was used, was replaced by a newer one, is over, or its user has another
/// address now, is blocked, or is gone. Never told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unusable;

/// A good ticket, and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Good {
    pub(super) ticket: Ticket,
    pub(super) user: User,
    pub(super) connection: Connection,
    pub(super) client: Option<Client>,
    pub(super) organization: Option<Organization>,
}

/// What a page about a ticket shows besides its form.
#[derive(Clone, Debug)]
pub struct TicketPage {
    /// The address it is for.
    pub email: Email,
    /// The application it came from.
    pub client: Option<Client>,
    /// In whose branding.
    pub organization: Option<Organization>,
    /// Where the browser goes afterwards, if somebody said so.
    pub result_url: Option<String>,
}

impl From<&Good> for TicketPage {
    fn from(good: &Good) -> Self {
        Self {
            email: good.ticket.email.clone(),
            client: good.client.clone(),
            organization: good.organization.clone(),
            result_url: good.ticket.result_url.clone(),
        }
    }
}

/// Find a ticket and judge it (`security.md` DB-14, DB-22).
pub(super) async fn find(
    unit: &mut (dyn UnitOfWork + '_),
    kind: TicketKind,
    hash: &TokenHash,
    now: Timestamp,
) -> Result<Result<Good, Unusable>, StoreError> {
    let Some(ticket) = unit.tickets().find(kind, hash).await? else { return Ok(Err(Unusable)) };
    if ticket.kind != kind || ticket.consumed_at.is_some() || now >= ticket.expires_at {
        return Ok(Err(Unusable));
    }
    let Some(user) = unit.users().find(&ticket.user_id).await? else { return Ok(Err(Unusable)) };
    // Another address since: the link went to a mailbox that is not the account's any more.
    if user.blocked || user.email.as_ref() != Some(&ticket.email) {
        return Ok(Err(Unusable));
    }
    let Some(connection) = unit.connections().find(&ticket.connection_id).await? else {
        return Ok(Err(Unusable));
    };
    let client = match &ticket.client_id {
        Some(id) => unit.clients().find(id).await?,
        None => None,
    };
    let organization = match &ticket.organization_id {
        Some(id) => unit.organizations().find(id).await?,
        None => None,
    };
    Ok(Ok(Good { ticket, user, connection, client, organization }))
}

impl SelfService {
    /// A ticket as it came in a link, if it is good now. Nothing is used up.
    pub(super) async fn good(
        &self,
        kind: TicketKind,
        ticket: &str,
    ) -> Result<Result<Good, Unusable>, AccountFault> {
        let now = self.clock.now();
        let hash = TokenHash::of(ticket);
        let hash = &hash;
        let found = self.store.read(|unit| Box::pin(async move { find(unit, kind, hash, now).await }));
        Ok(found.await?)
    }
}
