//! Owns showing that an address is one's own.
//! Never touches passwords.

use super::{
    AccountFault, AccountSettings, Caller, SelfService, TicketPage, Unusable,
    mail::{MailFacts, account_mail},
    throttle,
    ticket::{self, Good, NewTicket, new_ticket},
};
use crate::{
    connector::{AccountError, ConnectorError, Occasion},
    entropy::Entropy,
    id::{ConnectionId, UserId},
    model::{EventKind, OutboxMail, Ticket, TicketKind},
    port::store::{StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};

/// What became of a request for a message that verifies an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VerificationRequested {
    /// It is in the outbox.
    Accepted,
    /// There is no such user, or they have no address.
    NoAddress,
    /// Too much was asked; there is room again at this instant.
    TooMany(Timestamp),
}

/// An address was verified.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Which, and where its owner may go on.
    pub page: TicketPage,
}

/// Write the message that asks a user to show that their address is theirs, and the ticket that it brings. Whether
/// there is an address to ask.
///
/// The one way in which such a message comes about; the caller has charged what it may cost.
pub async fn mail_verification(
    unit: &mut (dyn UnitOfWork + '_),
    facts: &MailFacts<'_>,
    settings: &AccountSettings,
    at: Timestamp,
    entropy: &dyn Entropy,
) -> Result<bool, StoreError> {
    let Some((ticket, mail)) = verification_mail(facts, settings, at, entropy) else { return Ok(false) };
    unit.tickets().insert(&ticket).await?;
    unit.outbox().push(&mail).await?;
    Ok(true)
}

fn verification_mail(
    facts: &MailFacts<'_>,
    settings: &AccountSettings,
    at: Timestamp,
    entropy: &dyn Entropy,
) -> Option<(Ticket, OutboxMail)> {
    let email = facts.user.email.as_ref()?;
    let new = NewTicket {
        kind: TicketKind::VerifyEmail,
        user: facts.user,
        connection: facts.connection,
        email,
        proves_address: true,
        client: facts.client.map(|client| client.id.clone()),
        organization: facts.organization.map(|organization| organization.id.clone()),
        lifetime: settings.verification_lifetime,
    };
    let (ticket, url) = new_ticket(new, &settings.issuer, at, entropy);
    let mail =
        account_mail("verify_email", email, &MailFacts { url: Some(&url), ..facts.clone() }, at, entropy);
    Some((ticket, mail))
}

impl SelfService {
    /// Mail a link that verifies the address of a user, at most three an hour.
    pub async fn request_verification(
        &self,
        user: &UserId,
        connection: &ConnectionId,
    ) -> Result<VerificationRequested, AccountFault> {
        let (now, entropy, settings) = (self.clock.now(), self.entropy.clone(), self.settings.clone());
        let (user, connection) = (user.clone(), connection.clone());
        let outcome = self
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    let user = unit.users().find(&user).await?;
                    let connection = unit.connections().find(&connection).await?;
                    let (Some(user), Some(connection)) = (user, connection) else {
                        return Ok(VerificationRequested::NoAddress);
                    };
                    let Some(email) = &user.email else { return Ok(VerificationRequested::NoAddress) };
                    let charges = throttle::verification(&connection.id, email);
                    if let Some((_, room_at)) = unit.limits().charge(&charges, now).await? {
                        return Ok(VerificationRequested::TooMany(room_at));
                    }
                    let facts = MailFacts {
                        user: &user,
                        connection: &connection,
                        client: None,
                        organization: None,
                        url: None,
                    };
                    mail_verification(unit, &facts, &settings, now, entropy.as_ref()).await?;
                    Ok(VerificationRequested::Accepted)
                })
            })
            .await?;
        Ok(outcome)
    }

    /// The page with the button. Nothing is used up by looking at it: mail programs look at links by themselves.
    pub async fn verification_form(
        &self,
        ticket: &str,
    ) -> Result<Result<TicketPage, Unusable>, AccountFault> {
        Ok(self.good(TicketKind::VerifyEmail, ticket).await?.map(|good| TicketPage::from(&good)))
    }

    /// Verify the address that a link went to, and no other: if the account has another one by now, nothing happens
    /// (DB-17).
    pub async fn verify_email(
        &self,
        ticket: &str,
        caller: &Caller,
    ) -> Result<Result<Verified, Unusable>, AccountFault> {
        let good = match self.good(TicketKind::VerifyEmail, ticket).await? {
            Ok(good) => good,
            Err(unusable) => return Ok(Err(unusable)),
        };
        if let Err(message) = self.tell_verified(&good).await? {
            let kind = EventKind::EmailVerificationFailed;
            let event = caller
                .event(kind, self.clock.now(), self.entropy.as_ref(), &good.connection)
                .about(&good.user)
                .because("verification_refused", &message);
            self.note(event).await?;
            return Ok(Err(Unusable));
        }
        let (now, entropy, caller) = (self.clock.now(), self.entropy.clone(), caller.clone());
        let hash = TokenHash::of(ticket);
        let outcome = self
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    let good = match ticket::find(unit, TicketKind::VerifyEmail, &hash, now).await? {
                        Ok(good) => good,
                        Err(unusable) => return Ok(Err(unusable)),
                    };
                    if !unit.tickets().consume(&hash, now).await? {
                        return Ok(Err(Unusable));
                    }
                    let mut user = good.user.clone();
                    user.email_verified = true;
                    user.updated_at = now;
                    unit.users().update(&user).await?;
                    if let Some(identity) = user.identity_at(&good.connection.id) {
                        unit.credentials().activate(&good.connection.id, &identity.subject).await?;
                    }
                    let mut event = caller
                        .event(EventKind::EmailVerified, now, entropy.as_ref(), &good.connection)
                        .about(&user);
                    event.client_id.clone_from(&good.ticket.client_id);
                    unit.events().insert(&event).await?;
                    Ok(Ok(Verified { page: (&good).into() }))
                })
            })
            .await?;
        Ok(outcome)
    }

    /// Tell whoever keeps the account that its address is its owner's; their words, if they do not take it.
    async fn tell_verified(&self, good: &Good) -> Result<Result<(), String>, AccountFault> {
        let connector = self.connectors.of(&good.connection)?;
        let Some(accounts) = connector.accounts() else { return Ok(Ok(())) };
        let occasion = Occasion {
            organization: good.ticket.organization_id.clone(),
            client: good.ticket.client_id.clone(),
        };
        match accounts.verified(&good.ticket.email, &occasion).await {
            Ok(()) => Ok(Ok(())),
            Err(AccountError::Refused { message, .. }) => Ok(Err(message)),
            Err(AccountError::Connector(error)) => Err(error.into()),
            Err(error) => Err(ConnectorError::Misconfigured(error.to_string()).into()),
        }
    }
}
