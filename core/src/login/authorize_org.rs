//! Owns the answer to: may this user, through this connection, have a token of this client, for this organization?
//! Never touches anything else: and nothing else answers that question.
//!
//! Organization choice, code issue, code redemption, every refresh, `/userinfo` and single sign-on all load [`Facts`] and
//! call [`authorize_org`] (`security.md` §3.3).

use crate::{
    id::{ClientId, ConnectionId, OrganizationId, UserId},
    model::{Client, Connection, Membership, Organization, OrganizationConnection, OrganizationUsage, User},
    port::store::{StoreError, UnitOfWork},
};

/// Whom and what the question is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The user.
    pub user: UserId,
    /// The connection they signed in through.
    pub connection: ConnectionId,
    /// The application.
    pub client: ClientId,
    /// The organization, or none.
    pub organization: Option<OrganizationId>,
    /// The user's epoch when they signed in.
    pub epoch: i64,
}

/// What the store says about it now.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The user, if there still is one.
    pub user: Option<User>,
    /// The application, if there still is one.
    pub client: Option<Client>,
    /// The connection, if there still is one.
    pub connection: Option<Connection>,
    /// The organization, if one was named and there still is one.
    pub organization: Option<Organization>,
    /// The user's membership in it.
    pub membership: Option<Membership>,
    /// The organization's place for the connection.
    pub organization_connection: Option<OrganizationConnection>,
}

impl Facts {
    /// Read them. Six look-ups by key.
    pub async fn load(unit: &mut dyn UnitOfWork, question: &Question) -> Result<Self, StoreError> {
        let user = unit.users().find(&question.user).await?;
        let (mut organization, mut membership, mut organization_connection) = (None, None, None);
        if let Some(id) = &question.organization {
            organization = unit.organizations().find(id).await?;
            membership = unit.members().find(id, &question.user).await?;
            organization_connection = unit.organizations().connection(id, &question.connection).await?;
        }
        Self::around(unit, question, (user, organization, membership, organization_connection)).await
    }

    /// The rest of them, around what the same unit has read already: the user, the organization, the membership and the
    /// place.
    pub(super) async fn around(
        unit: &mut dyn UnitOfWork,
        question: &Question,
        (user, organization, membership, organization_connection): (
            Option<User>,
            Option<Organization>,
            Option<Membership>,
            Option<OrganizationConnection>,
        ),
    ) -> Result<Self, StoreError> {
        let client = unit.clients().find(&question.client).await?;
        let connection = unit.connections().find(&question.connection).await?;
        Ok(Self { user, client, connection, organization, membership, organization_connection })
    }
}

/// Yes: and this is what tokens may be made of.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The user.
    pub user: User,
    /// The application.
    pub client: Client,
    /// The connection.
    pub connection: Connection,
    /// The organization with the membership, or neither.
    pub organization: Option<(Organization, Membership)>,
}

/// No, and why. Who is told what is the callers' business; the log gets [`Denied::reason`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Denied {
    /// The user is gone.
    UserGone,
    /// The user is blocked.
    UserBlocked,
    /// The user's sessions and tokens were voided since.
    EpochPassed,
    /// The user has no identity at this connection.
    NotTheirConnection,
    /// The application is gone.
    ClientGone,
    /// The connection is gone.
    ConnectionGone,
    /// Without an organization, the connection must be enabled for the application.
    ConnectionNotEnabledForClient,
    /// The application's logins are always for an organization.
    OrganizationRequired,
    /// The application's logins are never for one.
    OrganizationNotAllowed,
    /// The organization is gone.
    OrganizationGone,
    /// The organization does not sign in through this connection.
    ConnectionNotEnabledForOrganization,
    /// The user does not belong to the organization.
    NotAMember,
}

impl Denied {
    /// The reason code of the log.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UserGone => "user_gone",
            Self::UserBlocked => "user_blocked",
            Self::EpochPassed => "epoch_passed",
            Self::NotTheirConnection => "not_their_connection",
            Self::ClientGone => "client_gone",
            Self::ConnectionGone => "connection_gone",
            Self::ConnectionNotEnabledForClient => "connection_not_enabled_for_client",
            Self::OrganizationRequired => "organization_required",
            Self::OrganizationNotAllowed => "organization_not_allowed",
            Self::OrganizationGone => "organization_gone",
            Self::ConnectionNotEnabledForOrganization => "connection_not_enabled_for_organization",
            Self::NotAMember => "not_a_member",
        }
    }

    /// What the application is told (contract §1.2.2, §3.5).
    pub fn description(&self, question: &Question) -> String {
        match (self, &question.organization) {
            (Self::UserBlocked, _) => "user is blocked".to_owned(),
            (Self::OrganizationRequired, _) => {
                "parameter organization is required for this client".to_owned()
            }
            (Self::OrganizationNotAllowed, _) => {
                "parameter organization is not allowed for this client".to_owned()
            }
            (Self::NotAMember, Some(organization)) => {
                format!("user {} is not part of the {organization} organization", question.user)
            }
            (Self::ConnectionNotEnabledForOrganization, Some(organization)) => {
                format!("the connection is not enabled for the {organization} organization")
            }
            (Self::ConnectionNotEnabledForClient, _) => {
                "the connection is not enabled for this client".to_owned()
            }
            _ => "the login is no longer valid".to_owned(),
        }
    }
}

/// The one decision. Pure.
///
/// In an organization the organization's connections take the place of the application's (contract §1.2.2).
pub fn authorize_org(question: &Question, facts: Facts) -> Result<Granted, Denied> {
    let user = facts.user.ok_or(Denied::UserGone)?;
    let client = facts.client.ok_or(Denied::ClientGone)?;
    let connection = facts.connection.ok_or(Denied::ConnectionGone)?;
    if user.blocked {
        return Err(Denied::UserBlocked);
    }
    if user.session_epoch != question.epoch {
        return Err(Denied::EpochPassed);
    }
    if user.identity_at(&connection.id).is_none() {
        return Err(Denied::NotTheirConnection);
    }
    let organization = match (client.organization_usage, &question.organization) {
        (OrganizationUsage::Deny, Some(_)) => return Err(Denied::OrganizationNotAllowed),
        (OrganizationUsage::Require, None) => return Err(Denied::OrganizationRequired),
        (OrganizationUsage::Allow | OrganizationUsage::Deny, None) => {
            if !connection.enabled_clients.contains(&client.id) {
                return Err(Denied::ConnectionNotEnabledForClient);
            }
            None
        }
        (OrganizationUsage::Allow | OrganizationUsage::Require, Some(_)) => {
            let organization = facts.organization.ok_or(Denied::OrganizationGone)?;
            if !facts.organization_connection.is_some_and(|connection| connection.is_enabled) {
                return Err(Denied::ConnectionNotEnabledForOrganization);
            }
            Some((organization, facts.membership.ok_or(Denied::NotAMember)?))
        }
    };
    Ok(Granted { user, client, connection, organization })
}
