//! Owns admission: which user an assertion is about, and what becomes of invitation and membership.
//! Never touches rules, tokens or sessions.
//!
//! [`admit`] is the decision, over what [`Known::load`] read; [`Admission::write`] carries it out. Both happen in one unit
//! of work, together with the transaction's next stage: all of it, or nothing (INV-18).

use super::admission_profile::{Keeper, fresh_user, refreshed_user};
use crate::{
    account::{Door, may_sign_up},
    connector::{Accounts, Assertion, Intent, Origin, Refusal},
    email::Email,
    id::{RoleId, UserId},
    model::{
        Connection, Invitation, Membership, Organization, OrganizationConnection, PasswordCredential, Role,
        TicketSource, User,
    },
    oauth::AuthorizeRequest,
    port::store::{StoreError, UnitOfWork},
    time::Timestamp,
};
use serde_json::Value;

/// What the store says about an assertion.
#[derive(Clone, Debug)]
pub struct Known {
    /// The user with this identity.
    pub user: Option<User>,
    /// The invitation to be accepted, by which ticket.
    pub invitation: Option<(Invitation, TicketSource)>,
    /// Those of its roles that still exist.
    pub invited_roles: Vec<Role>,
    /// The organization of the login.
    pub organization: Option<Organization>,
    /// Its place for the connection.
    pub organization_connection: Option<OrganizationConnection>,
    /// The user's membership in it.
    pub membership: Option<Membership>,
}

impl Known {
    /// Read it.
    pub async fn load(
        unit: &mut dyn UnitOfWork,
        request: &AuthorizeRequest,
        connection: &Connection,
        assertion: &Assertion,
    ) -> Result<Self, StoreError> {
        let user = unit.users().find_by_identity(&connection.id, &assertion.subject).await?;
        let mut known = Self {
            user,
            invitation: None,
            invited_roles: Vec::new(),
            organization: None,
            organization_connection: None,
            membership: None,
        };
        let Some(organization) = &request.organization else { return Ok(known) };
        known.organization = unit.organizations().find(organization).await?;
        known.organization_connection = unit.organizations().connection(organization, &connection.id).await?;
        if let Some(user) = &known.user {
            known.membership = unit.members().find(organization, &user.id).await?;
        }
        if let Some((id, source)) = &request.invitation {
            let invitation = unit.invitations().find(organization, id).await?;
            if let Some(invitation) = &invitation {
                known.invited_roles = unit.roles().find_all(&invitation.roles).await?;
            }
            known.invitation = invitation.map(|invitation| (invitation, *source));
        }
        Ok(known)
    }
}

/// What will be done.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The user, as it will be stored.
    pub user: User,
    /// Whether it is new.
    pub created: bool,
    /// Whether anything of it changes.
    pub changed: bool,
    /// The credential of a new account, or of one that is kept here from now on.
    pub credential: Option<PasswordCredential>,
    /// How that account came about.
    pub origin: Option<Origin>,
    /// The organization to become a member of.
    pub joins: Option<Organization>,
    /// With which roles.
    pub roles: Vec<RoleId>,
    /// The invitation that is used up.
    pub accepts: Option<Invitation>,
}

/// Why nobody is admitted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotAdmitted {
    /// The invitation is gone, over, or was used meanwhile.
    InvitationGone,
    /// Whoever came is not who was invited: the invitation is spent (contract §3.2).
    NotTheInvitee,
    /// The organization is gone.
    OrganizationGone,
    /// The connection takes no sign-ups here (DB-21).
    SignUpRefused,
    /// The answer was used before (SAML-45).
    Replayed,
    /// The user is blocked (DB-22).
    Blocked(UserId),
}

impl NotAdmitted {
    /// The reason code of the log.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::InvitationGone => "invitation_gone",
            Self::NotTheInvitee => "not_the_invitee",
            Self::OrganizationGone => "organization_gone",
            Self::SignUpRefused => "sign_up_refused",
            Self::Replayed => "answer_replayed",
            Self::Blocked(_) => "user_blocked",
        }
    }

    /// As a connector would have said it, where the visitor can do something.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::SignUpRefused => Some(Refusal::SignUpRefused),
            Self::NotTheInvitee => Some(Refusal::NotTheInvitee),
            Self::InvitationGone | Self::OrganizationGone | Self::Replayed | Self::Blocked(_) => None,
        }
    }
}

/// The decision. Pure.
///
/// The identity is `(connection, subject)` and nothing else: an e-mail that another user has changes nothing
/// (`security.md` §3.3). An invitation is accepted only by its own address: as the connector's account has it, or as
/// the identity provider states it. `email_verified` becomes true by the mailed ticket alone (INV-11).
pub fn admit(
    request: &AuthorizeRequest,
    intent: &Intent,
    (connection, accounts): (&Connection, Option<&dyn Accounts>),
    assertion: Assertion,
    known: Known,
    now: Timestamp,
) -> Result<Admission, NotAdmitted> {
    if request.organization.is_some() && known.organization.is_none() {
        return Err(NotAdmitted::OrganizationGone);
    }
    if let Some(user) = known.user.as_ref().filter(|user| user.blocked) {
        return Err(NotAdmitted::Blocked(user.id.clone()));
    }
    let invitation = match (&request.invitation, known.invitation) {
        (None, _) => None,
        (Some(_), Some((invitation, source)))
            if invitation.consumed_at.is_none()
                && now < invitation.expires_at
                && invitation.client_id == request.client_id
                && invitation.connection_id.as_ref().is_none_or(|only| only == &connection.id) =>
        {
            Some((invitation, source))
        }
        (Some(_), _) => return Err(NotAdmitted::InvitationGone),
    };
    if let Some((invitation, _)) = &invitation
        && address(&assertion, known.user.as_ref()).as_ref() != Some(&invitation.invitee_email)
    {
        return Err(NotAdmitted::NotTheInvitee);
    }
    let assigns =
        known.organization_connection.as_ref().is_some_and(|place| place.assign_membership_on_login);
    let origin = assertion.credential.as_ref().map(|credential| credential.origin);
    if known.user.is_none() && origin == Some(Origin::Made) && *intent == Intent::SignUp {
        let door = Door::of(request, known.organization_connection.as_ref());
        may_sign_up(accounts, connection, door).map_err(|_no| NotAdmitted::SignUpRefused)?;
    }
    let created = known.user.is_none();
    let before = known.user.clone();
    let credential = assertion.credential.clone();
    let mut user = if let Some(user) = known.user {
        refreshed_user(user, &assertion, now)
    } else {
        let invitation = invitation.as_ref().map(|(invitation, _)| invitation);
        fresh_user((connection, Keeper::of(accounts)), &assertion, invitation, now)
    };
    if invitation.as_ref().is_some_and(|(_, source)| *source == TicketSource::Mail) {
        user.email_verified = true;
    }
    let is_kept = |origin| created || origin == Origin::Brought;
    let credential = credential.filter(|credential| is_kept(credential.origin));
    let credential = credential.map(|credential| {
        PasswordCredential::new(&connection.id, &user.id, assertion.subject, credential, now)
    });
    let changed = before.as_ref() != Some(&user);
    let accepts = invitation.map(|(invitation, _)| invitation);
    let joins = known.organization.filter(|_| known.membership.is_none() && (accepts.is_some() || assigns));
    let roles = known.invited_roles.into_iter().map(|role| role.id).filter(|_| accepts.is_some()).collect();
    Ok(Admission { user, created, changed, credential, origin, joins, roles, accepts })
}

/// The address that stands against the invitee's: of the account if there is one, else the one that was asserted. An
/// array, a number, or text that is no address is none (INV-07).
fn address(assertion: &Assertion, user: Option<&User>) -> Option<Email> {
    let stated =
        assertion.profile.get("email").and_then(Value::as_str).and_then(|text| Email::parse(text).ok());
    stated.or_else(|| if assertion.profile.contains_key("email") { None } else { user?.email.clone() })
}

impl Admission {
    /// Carry it out. [`StoreError::Stale`] when the invitation was used by somebody else meanwhile; a conflict when the
    /// account was made meanwhile: the unit is undone.
    pub async fn write(
        &self,
        unit: &mut dyn UnitOfWork,
        now: Timestamp,
    ) -> Result<MembershipAdded, StoreError> {
        if self.created {
            unit.users().insert(&self.user).await?;
        } else if self.changed {
            unit.users().update(&self.user).await?;
        }
        match (&self.credential, self.origin) {
            (Some(credential), Some(Origin::Brought)) => bring(unit, credential, now).await?,
            (Some(credential), _) => unit.credentials().insert(credential).await?,
            (None, _) => {}
        }
        if let Some(invitation) = &self.accepts
            && !unit.invitations().consume(&invitation.id, Some(&self.user.id), now).await?
        {
            return Err(StoreError::Stale);
        }
        let mut added = false;
        if let Some(organization) = &self.joins {
            added = unit.members().insert(&organization.id, &self.user.id, now).await?;
        }
        if let Some(invitation) = &self.accepts
            && !self.roles.is_empty()
        {
            unit.members().add_roles(&invitation.organization_id, &self.user.id, &self.roles).await?;
        }
        Ok(added)
    }
}

/// Keep the credential of an account that was kept elsewhere so far. It may have one without a password.
async fn bring(
    unit: &mut dyn UnitOfWork,
    credential: &PasswordCredential,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (connection, subject) = (&credential.connection_id, &credential.subject);
    let Some(stored) = unit.credentials().find(connection, subject).await? else {
        return unit.credentials().insert(credential).await;
    };
    if stored.password_hash.is_some() {
        // Somebody was faster: that password counts.
        return Ok(());
    }
    let (email, username) = (&credential.email_normalized, &credential.username_normalized);
    unit.credentials().change_identifiers(connection, subject, email.as_deref(), username.as_deref()).await?;
    if let Some(hash) = &credential.password_hash {
        unit.credentials().change_password(connection, subject, hash, now, 0).await?;
    }
    Ok(())
}

/// Whether a membership came about.
pub type MembershipAdded = bool;
