//! Owns choosing a new password by a mailed link.
//! Never touches the policy that a new password meets: that is the connector's.

use super::{
    AccountFault, AccountSettings, Caller, SelfService, TicketPage, Unusable,
    mail::{MailFacts, account_mail},
    password::{PasswordChange, profile_of, set_password},
    throttle,
    ticket::{self, Good, NewTicket, new_ticket},
};
use crate::{
    connector::{
        AccountError, Accounts, Assertion, ConnectorError, NewPassword, Occasion, PasswordFault, PasswordRule,
    },
    email::Email,
    entropy::Entropy,
    id::{ClientId, ConnectionId, OrganizationId, UserId},
    login::{self, Keeper, fresh_user},
    model::{AuditEvent, Connection, EventKind, TicketKind, User},
    port::store::{StoreError, UnitOfWork},
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use std::net::IpAddr;

/// Somebody asks for a link.
#[derive(Clone, Debug)]
pub struct ResetRequest {
    /// In which connection.
    pub connection: ConnectionId,
    /// What was typed.
    pub email: String,
    /// From which application.
    pub client: Option<ClientId>,
    /// In whose branding.
    pub organization: Option<OrganizationId>,
}

/// What whoever asked is told. None of it says whether there is an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResetRequested {
    /// A link was mailed, if there is such an account.
    Accepted,
    /// That is no e-mail address.
    NotAnAddress,
    /// Too much was asked; there is room again at this instant.
    TooMany(Timestamp),
    /// The connection does not offer it.
    Closed,
}

/// What the page that asks for the new password shows.
#[derive(Clone, Debug)]
pub struct ResetForm {
    /// Whom it is for.
    pub page: TicketPage,
    /// What a password must be like.
    pub password_rules: Vec<PasswordRule>,
}

/// A password was changed.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Whose, and where they may go on.
    pub page: TicketPage,
}

/// A password was not changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotChanged {
    /// The link cannot be used.
    Unusable,
    /// The password does not meet the policy; the link can be used again.
    Faults(Vec<PasswordFault>),
    /// Whoever keeps the account did not take it; the link can be used again.
    Refused,
}

impl SelfService {
    /// Mail a link to the address of an account, if there is one and it is not blocked. The answer is the same either
    /// way; the limits are charged first, and for addresses without accounts too (DB-03, §3.5).
    pub async fn request_password_change(
        &self,
        request: &ResetRequest,
        caller: &Caller,
    ) -> Result<ResetRequested, AccountFault> {
        let Some(connection) = self.connection(&request.connection).await? else {
            return Ok(ResetRequested::Closed);
        };
        let connector = self.connectors.get(&connection.id).await?;
        let Some(accounts) = connector.accounts().filter(|accounts| accounts.open_for_reset()) else {
            return Ok(ResetRequested::Closed);
        };
        let Ok(email) = Email::parse(&request.email) else { return Ok(ResetRequested::NotAnAddress) };
        let now = self.clock.now();
        let charges = throttle::reset(&connection.id, &email, caller.ip);
        let full = self.store.charge(&charges, now).await?;
        if let Some((key, room_at)) = full {
            let event = caller
                .event(EventKind::PasswordChangeRequestFailed, now, self.entropy.as_ref(), &connection)
                .because("too_many_attempts", "too many requests for a new password");
            tracing::info!(limit = %key, "a request for a new password was refused: too many");
            self.note(event).await?;
            return Ok(ResetRequested::TooMany(room_at));
        }
        let found = found(accounts, &email, request).await?;
        self.mail_reset(connection, (email, found), request, caller, None).await?;
        Ok(ResetRequested::Accepted)
    }

    /// Mail a link, if there is such an account; and note in the same unit what led to it, if that was a sign-up.
    pub(super) async fn mail_reset(
        &self,
        connection: Connection,
        (email, found): (Email, Option<Assertion>),
        request: &ResetRequest,
        caller: &Caller,
        because: Option<AuditEvent>,
    ) -> Result<(), AccountFault> {
        let (now, entropy, settings) = (self.clock.now(), self.entropy.clone(), self.settings.clone());
        let event = |kind| caller.event(kind, now, entropy.as_ref(), &connection);
        let mail = ResetMail {
            template: if because.is_some() { ResetMail::ACCOUNT_EXISTS } else { ResetMail::ASKED_FOR },
            client: request.client.clone(),
            organization: request.organization.clone(),
            sent: event(EventKind::PasswordChangeRequested),
            unsent: event(EventKind::PasswordChangeRequestFailed),
            connection,
            email,
            found,
        };
        self.store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    if let Some(event) = because {
                        unit.events().insert(&event).await?;
                    }
                    mail.write(unit, &settings, now, entropy.as_ref()).await
                })
            })
            .await?;
        Ok(())
    }

    /// The page that asks for the new password. Nothing is used up by looking at it.
    pub async fn reset_form(&self, ticket: &str) -> Result<Result<ResetForm, Unusable>, AccountFault> {
        let good = match self.good(TicketKind::ChangePassword, ticket).await? {
            Ok(good) => good,
            Err(unusable) => return Ok(Err(unusable)),
        };
        let connector = self.connectors.get(&good.connection.id).await?;
        let Some(accounts) = connector.accounts() else { return Ok(Err(Unusable)) };
        Ok(Ok(ResetForm { page: (&good).into(), password_rules: accounts.password_rules() }))
    }

    /// Choose a new password by a link. Everything that the old one opened ends (DB-16); a password that is refused
    /// leaves the link as it was.
    pub async fn change_password(
        &self,
        ticket: &str,
        password: Secret,
        caller: &Caller,
    ) -> Result<Result<Changed, NotChanged>, AccountFault> {
        let Ok(good) = self.good(TicketKind::ChangePassword, ticket).await? else {
            return Ok(Err(NotChanged::Unusable));
        };
        let connector = self.connectors.get(&good.connection.id).await?;
        let identity = good.user.identity_at(&good.connection.id).cloned();
        let (Some(accounts), Some(identity)) = (connector.accounts(), identity) else {
            return Ok(Err(NotChanged::Unusable));
        };
        let profile = profile_of(&good.user);
        let occasion = Occasion {
            organization: good.ticket.organization_id.clone(),
            client: good.ticket.client_id.clone(),
        };
        let changed = accounts.change_password(&identity.subject, password, &profile, &occasion).await;
        let new = match changed {
            Ok(new) => new,
            Err(AccountError::Password(faults)) => {
                let why = ("password_too_weak", "the new password does not meet the policy");
                self.not_changed(&good, why, caller).await?;
                return Ok(Err(NotChanged::Faults(faults)));
            }
            Err(AccountError::Refused { message, .. }) => {
                self.not_changed(&good, ("password_refused", &message), caller).await?;
                return Ok(Err(NotChanged::Refused));
            }
            Err(AccountError::Connector(error)) => return Err(error.into()),
            Err(error) => return Err(ConnectorError::Misconfigured(error.to_string()).into()),
        };
        let keep = accounts.password_history();
        self.set_by_ticket(TokenHash::of(ticket), new, keep, caller).await
    }

    async fn set_by_ticket(
        &self,
        hash_of_ticket: TokenHash,
        password: NewPassword,
        keep: usize,
        caller: &Caller,
    ) -> Result<Result<Changed, NotChanged>, AccountFault> {
        let (now, entropy, caller) = (self.clock.now(), self.entropy.clone(), caller.clone());
        let outcome = self
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    // Read again: the user may have been blocked, or the link used, while the password was hashed.
                    let Ok(good) =
                        ticket::find(unit, TicketKind::ChangePassword, &hash_of_ticket, now).await?
                    else {
                        return Ok(Err(NotChanged::Unusable));
                    };
                    if !unit.tickets().consume(&hash_of_ticket, now).await? {
                        return Ok(Err(NotChanged::Unusable));
                    }
                    let change = PasswordChange {
                        user: good.user.clone(),
                        connection: good.connection.clone(),
                        password,
                        keep,
                        proves_address: good.ticket.proves_address,
                        client: good.client.clone(),
                        organization: good.organization.clone(),
                        at: now,
                    };
                    if !set_password(unit, &change, entropy.as_ref()).await? {
                        return Ok(Err(NotChanged::Unusable));
                    }
                    // Whoever holds the mailbox may try again at once (§3.5: blocked until a reset).
                    for key in guesses_at(&good, caller.ip) {
                        unit.limits().forget(&key).await?;
                    }
                    let mut event = caller
                        .event(EventKind::PasswordChanged, now, entropy.as_ref(), &good.connection)
                        .about(&good.user);
                    event.client_id.clone_from(&good.ticket.client_id);
                    event.organization_id.clone_from(&good.ticket.organization_id);
                    unit.events().insert(&event).await?;
                    Ok(Ok(Changed { page: (&good).into() }))
                })
            })
            .await?;
        Ok(outcome)
    }

    async fn not_changed(
        &self,
        good: &Good,
        (reason, description): (&str, &str),
        caller: &Caller,
    ) -> Result<(), AccountFault> {
        let kind = EventKind::PasswordChangeFailed;
        let event = caller
            .event(kind, self.clock.now(), self.entropy.as_ref(), &good.connection)
            .about(&good.user)
            .because(reason, description);
        self.note(event).await
    }

    /// The connection with this name, if people may choose new passwords there by a mailed link.
    pub async fn reset_offered(&self, name: &str) -> Result<Option<Connection>, AccountFault> {
        let found =
            self.store.read(|unit| Box::pin(async move { unit.connections().find_by_name(name).await }));
        let Some(connection) = found.await? else { return Ok(None) };
        let connector = self.connectors.get(&connection.id).await?;
        let offered = connector.accounts().is_some_and(Accounts::open_for_reset);
        Ok(Some(connection).filter(|_| offered))
    }

    /// The connection with this name, if it is enabled for this application, or for this organization.
    pub async fn enabled_connection(
        &self,
        name: &str,
        client: &ClientId,
        organization: Option<&OrganizationId>,
    ) -> Result<Option<Connection>, AccountFault> {
        let found = self.store.read::<_, StoreError, _>(|unit| {
            Box::pin(async move {
                let known = unit.clients().find(client).await?.is_some();
                let connection = unit.connections().find_by_name(name).await?.filter(|_| known);
                let Some(connection) = connection else { return Ok(None) };
                let place = match organization {
                    Some(organization) => {
                        unit.organizations().connection(organization, &connection.id).await?
                    }
                    None => None,
                };
                let enabled = match organization {
                    Some(_) => place.is_some_and(|place| place.is_enabled),
                    None => connection.enabled_clients.contains(client),
                };
                Ok(Some(connection).filter(|_| enabled))
            })
        });
        Ok(found.await?)
    }

    pub(super) async fn note(&self, event: AuditEvent) -> Result<(), AccountFault> {
        let written =
            self.store.write(move |unit| Box::pin(async move { unit.events().insert(&event).await }));
        Ok(written.await?)
    }

    pub(super) async fn connection(&self, id: &ConnectionId) -> Result<Option<Connection>, AccountFault> {
        let found = self.store.read(|unit| Box::pin(async move { unit.connections().find(id).await }));
        Ok(found.await?)
    }
}

/// A message with a link by which the owner of an account chooses a new password.
pub(crate) struct ResetMail {
    /// Which message.
    pub(crate) template: &'static str,
    /// In which connection.
    pub(crate) connection: Connection,
    /// Whose account.
    pub(crate) email: Email,
    /// Who that is, as whoever keeps the accounts says, where the store may not know them.
    pub(crate) found: Option<Assertion>,
    /// From which application.
    pub(crate) client: Option<ClientId>,
    /// In whose branding.
    pub(crate) organization: Option<OrganizationId>,
    /// The entry when it was written.
    pub(crate) sent: AuditEvent,
    /// The entry when there is no such account, or none that a link may go to.
    pub(crate) unsent: AuditEvent,
}

impl ResetMail {
    /// Somebody asked for a new password.
    pub(crate) const ASKED_FOR: &'static str = "reset_email";
    /// Somebody wanted to make an account that there is already.
    pub(crate) const ACCOUNT_EXISTS: &'static str = "account_exists";

    /// Write it, if there is such an account. The one way in which such a message comes about.
    pub(crate) async fn write(
        self,
        unit: &mut (dyn UnitOfWork + '_),
        settings: &AccountSettings,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), StoreError> {
        let Self { template, connection, email, found, client, organization, sent, unsent } = self;
        let user = match account_of(unit, &connection, &email, (found, now)).await? {
            Ok(user) => user,
            Err((user, reason)) => {
                let mut unsent = unsent.because(reason, "no link for a new password was mailed");
                unsent.user_name = Some(email.canonical().to_owned());
                unsent.user_id = user;
                return unit.events().insert(&unsent).await;
            }
        };
        let client = match &client {
            Some(id) => unit.clients().find(id).await?,
            None => None,
        };
        let organization = match &organization {
            Some(id) => unit.organizations().find(id).await?,
            None => None,
        };
        let new = NewTicket {
            kind: TicketKind::ChangePassword,
            user: &user,
            connection: &connection,
            email: user.email.as_ref().unwrap_or(&email),
            proves_address: true,
            client: client.as_ref().map(|client| client.id.clone()),
            organization: organization.as_ref().map(|organization| organization.id.clone()),
            lifetime: settings.reset_lifetime,
        };
        let (ticket, url) = new_ticket(new, &settings.issuer, now, entropy);
        unit.tickets().insert(&ticket).await?;
        let facts = MailFacts {
            user: &user,
            connection: &connection,
            client: client.as_ref(),
            organization: organization.as_ref(),
            url: Some(&url),
        };
        // To the address as it is stored, never as it was typed (DB-12).
        let mail = account_mail(template, &ticket.email, &facts, now, entropy);
        unit.outbox().push(&mail).await?;
        let mut sent = sent.about(&user);
        sent.client_id = ticket.client_id;
        sent.organization_id = ticket.organization_id;
        unit.events().insert(&sent).await
    }
}

/// The account with this address, if a link may be mailed to it; else whose it is, and why not.
async fn account_of(
    unit: &mut (dyn UnitOfWork + '_),
    connection: &Connection,
    email: &Email,
    (found, now): (Option<Assertion>, Timestamp),
) -> Result<Result<User, (Option<UserId>, &'static str)>, StoreError> {
    let credential = unit.credentials().find_by_identifier(&connection.id, email.canonical()).await?;
    let user = match (credential, found) {
        (Some(credential), _) => unit.users().find(&credential.user_id).await?,
        (None, Some(found)) => Some(user_of(unit, connection, &found, now).await?),
        (None, None) => None,
    };
    Ok(match user {
        None => Err((None, "unknown_user")),
        // DB-22: whoever may not sign in may not open a way in.
        Some(user) if user.blocked => Err((Some(user.id), "user_blocked")),
        Some(user) if user.email.as_ref() != Some(email) => Err((Some(user.id), "other_address")),
        Some(user) => Ok(user),
    })
}

/// The user of an account that is kept elsewhere: made now, if nobody has come in with it yet. A password comes with the
/// reset; until then the one that they have elsewhere opens it.
async fn user_of(
    unit: &mut (dyn UnitOfWork + '_),
    connection: &Connection,
    found: &Assertion,
    now: Timestamp,
) -> Result<User, StoreError> {
    if let Some(user) = unit.users().find_by_identity(&connection.id, &found.subject).await? {
        return Ok(user);
    }
    let user = fresh_user((connection, Keeper::Us), found, None, now);
    unit.users().insert(&user).await?;
    Ok(user)
}

/// The account with this address, as whoever keeps it says. That they could not say is for the log alone: whoever asked
/// learns nothing of it (DB-03).
pub(super) async fn found(
    accounts: &dyn Accounts,
    email: &Email,
    request: &ResetRequest,
) -> Result<Option<Assertion>, AccountFault> {
    let occasion = Occasion { organization: request.organization.clone(), client: request.client.clone() };
    match accounts.look_up(email.canonical(), &occasion).await {
        Ok(found) => Ok(found),
        Err(AccountError::Connector(ConnectorError::Busy)) => Err(ConnectorError::Busy.into()),
        Err(error) => {
            tracing::warn!("nobody could say who is to get a link for a new password: {error}");
            Ok(None)
        }
    }
}

/// The limits that wrong passwords for this account have filled, here and everywhere.
fn guesses_at(good: &Good, ip: Option<IpAddr>) -> Vec<String> {
    let names = [good.user.email.as_ref().map(Email::canonical), good.user.username.as_deref()];
    let charges = names.into_iter().flatten().flat_map(|name| {
        // The third is of the address it came from, whoever was guessed at.
        login::throttle::guess(good.connection.id.as_str(), name, ip).into_iter().take(2)
    });
    charges.map(|charge| charge.key).collect()
}
