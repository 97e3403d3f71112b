//! Owns which connections an organization signs in through, and how.
//! Never touches connections themselves.

use super::{
    Actor, Admin, AdminError, Change, actor::About, connections::keeps_accounts, organizations::found,
    text::for_people,
};
use crate::{
    id::{ConnectionId, OrganizationId},
    model::{Connection, OrganizationConnection},
    port::store::{Page, UnitOfWork},
    time::Timestamp,
};

/// How many connections an organization may have (contract §3.1).
pub(super) const MAX_CONNECTIONS: usize = 10;

/// A connection that an organization is to sign in through.
#[derive(Clone, Debug)]
pub struct OrganizationConnectionDraft {
    /// Which.
    pub connection_id: ConnectionId,
    /// Add membership when someone logs in through it for this organization.
    pub assign_membership_on_login: bool,
    /// Show a button for it.
    pub show_as_button: bool,
    /// Let people make accounts.
    pub is_signup_enabled: bool,
    /// The organization's own name for it.
    pub organization_connection_name: Option<String>,
    /// `none`, `readonly`, `limited` or `full`.
    pub organization_access_level: Option<String>,
    /// Whether it may be used.
    pub is_enabled: bool,
}

/// What is to become of one.
#[derive(Clone, Debug, Default)]
pub struct OrganizationConnectionChange {
    /// Add membership when someone logs in through it for this organization.
    pub assign_membership_on_login: Option<bool>,
    /// Show a button for it.
    pub show_as_button: Option<bool>,
    /// Let people make accounts.
    pub is_signup_enabled: Option<bool>,
    /// The organization's own name for it.
    pub organization_connection_name: Change<String>,
    /// `none`, `readonly`, `limited` or `full`.
    pub organization_access_level: Change<String>,
    /// Whether it may be used.
    pub is_enabled: Option<bool>,
}

type Row = (OrganizationConnection, Connection);

impl Admin {
    /// A page of an organization's connections, and how many it has.
    pub async fn organization_connections(
        &self,
        id: &OrganizationId,
        page: Page,
    ) -> Result<(Vec<Row>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    found(unit, id).await?;
                    let rows = unit.organizations().connections(id, &page).await?;
                    let total = unit.organizations().count_connections(id).await?;
                    let ids: Vec<_> = rows.iter().map(|row| row.connection_id.clone()).collect();
                    let known = unit.connections().find_all(&ids).await?;
                    let connection =
                        |id: &ConnectionId| known.iter().find(|connection| &connection.id == id).cloned();
                    let rows = rows.into_iter();
                    let rows =
                        rows.filter_map(|row| connection(&row.connection_id).map(|found| (row, found)));
                    Ok((rows.collect(), total))
                })
            })
            .await
    }

    /// One of an organization's connections.
    pub async fn organization_connection(
        &self,
        id: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<Row, AdminError> {
        self.store.read(|unit| Box::pin(async move { row(unit, id, connection).await })).await
    }

    /// Let an organization sign in through a connection.
    ///
    /// Which connections an organization has is the installation's decision: who acts for one organization cannot take
    /// another's identity provider, nor learn that there is one (ORG-19).
    pub async fn add_organization_connection(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        draft: OrganizationConnectionDraft,
    ) -> Result<Row, AdminError> {
        actor.acts_for_all("enable connections")?;
        let at = self.clock.now();
        let about = About::organization(id).with_resource(draft.connection_id.as_str());
        let event = self.wrote(actor, "Add a connection to an Organization", about);
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                let drafts = [draft];
                let mut known = connections_by_id(unit, &drafts).await?;
                let connection = known.swap_remove(0);
                if usize::try_from(unit.organizations().count_connections(&id).await?)
                    .is_ok_and(|count| count >= MAX_CONNECTIONS)
                    && unit.organizations().connection(&id, &connection.id).await?.is_none()
                {
                    return Err(AdminError::conflict(
                        "too_many_connections",
                        "No more connections can be added to this organization.",
                    ));
                }
                let row = checked(&drafts[0], &id, &connection, at)?;
                unit.organizations().insert_connection(&row).await?;
                Ok((row, connection))
            })
        })
        .await
        .map_err(|error| {
            error.taken("", "organization_connection_conflict", "The organization connection already exists.")
        })
    }

    /// Change how an organization signs in through a connection. Who acts for one organization can switch one off; what
    /// the installation switched off, and what it lets organizations do, is not theirs to change (ORG-19).
    pub async fn update_organization_connection(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        connection: &ConnectionId,
        change: OrganizationConnectionChange,
    ) -> Result<Row, AdminError> {
        let about = About::organization(id).with_resource(connection.as_str());
        let event = self.wrote(actor, "Modify an Organization connection", about);
        if change.organization_access_level != Change::Keep {
            actor.acts_for_all("change what organizations may do with connections")?;
        }
        let (id, connection, enables) =
            (id.clone(), connection.clone(), actor.acts_for_all("enable connections"));
        self.write(event, move |unit| {
            Box::pin(async move {
                let (old, known) = row(unit, &id, &connection).await?;
                if change.is_enabled == Some(true) && !old.is_enabled {
                    enables?;
                }
                let mut draft = OrganizationConnectionDraft {
                    connection_id: connection,
                    assign_membership_on_login: change
                        .assign_membership_on_login
                        .unwrap_or(old.assign_membership_on_login),
                    show_as_button: change.show_as_button.unwrap_or(old.show_as_button),
                    is_signup_enabled: change.is_signup_enabled.unwrap_or(old.is_signup_enabled),
                    organization_connection_name: old.organization_connection_name,
                    organization_access_level: old.organization_access_level,
                    is_enabled: change.is_enabled.unwrap_or(old.is_enabled),
                };
                change.organization_connection_name.apply(&mut draft.organization_connection_name);
                change.organization_access_level.apply(&mut draft.organization_access_level);
                let row = checked(&draft, &id, &known, old.created_at)?;
                unit.organizations().update_connection(&row).await?;
                Ok((row, known))
            })
        })
        .await
    }

    /// Let an organization no longer sign in through a connection. Nothing happens if it does not.
    pub async fn remove_organization_connection(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<(), AdminError> {
        let about = About::organization(id).with_resource(connection.as_str());
        let event = self.wrote(actor, "Delete an Organization connection", about);
        let (id, connection) = (id.clone(), connection.clone());
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                unit.organizations().delete_connection(&id, &connection).await?;
                Ok(())
            })
        })
        .await
    }
}

/// The connections these drafts name, in their order.
pub(super) async fn connections_by_id(
    unit: &mut (dyn UnitOfWork + '_),
    drafts: &[OrganizationConnectionDraft],
) -> Result<Vec<Connection>, AdminError> {
    let ids: Vec<_> = drafts.iter().map(|draft| draft.connection_id.clone()).collect();
    let known = unit.connections().find_all(&ids).await?;
    let connection = |id: &ConnectionId| known.iter().find(|connection| &connection.id == id).cloned();
    ids.iter()
        .map(|id| {
            connection(id).ok_or_else(|| AdminError::Invalid {
                code: "inexistent_connection",
                message: format!("The connection {id} does not exist."),
            })
        })
        .collect()
}

/// The row of a draft, if the draft makes sense for this connection.
pub(super) fn checked(
    draft: &OrganizationConnectionDraft,
    organization: &OrganizationId,
    connection: &Connection,
    at: Timestamp,
) -> Result<OrganizationConnection, AdminError> {
    let sign_up = "Whether people may make accounts through this connection for the organization";
    if draft.is_signup_enabled && !keeps_accounts(&connection.strategy) {
        return Err(AdminError::property(
            "is_signup_enabled can only be true for database connections",
            "is_signup_enabled",
            sign_up,
        ));
    }
    if draft.is_signup_enabled && !draft.assign_membership_on_login {
        return Err(AdminError::property(
            "is_signup_enabled can only be true when assign_membership_on_login is true",
            "is_signup_enabled",
            sign_up,
        ));
    }
    if let Some(name) = &draft.organization_connection_name {
        for_people(name, "organization_connection_name", "Name of the connection in the organization")?;
    }
    Ok(OrganizationConnection {
        organization_id: organization.clone(),
        connection_id: connection.id.clone(),
        assign_membership_on_login: draft.assign_membership_on_login,
        show_as_button: draft.show_as_button,
        is_signup_enabled: draft.is_signup_enabled,
        organization_connection_name: draft.organization_connection_name.clone(),
        organization_access_level: draft.organization_access_level.clone(),
        is_enabled: draft.is_enabled,
        created_at: at,
    })
}

async fn row(
    unit: &mut (dyn UnitOfWork + '_),
    id: &OrganizationId,
    connection: &ConnectionId,
) -> Result<Row, AdminError> {
    found(unit, id).await?;
    let unknown = || AdminError::missing_plain("The organization connection does not exists.");
    let row = unit.organizations().connection(id, connection).await?.ok_or_else(unknown)?;
    let connection = unit.connections().find(connection).await?.ok_or_else(unknown)?;
    Ok((row, connection))
}
