//! Owns what administrators do with organizations.
//! Never touches their connections after they are made, their members or invitations: those have files of their own.

use super::{
    Actor, Admin, AdminError, Change, OrganizationConnectionDraft,
    actor::About,
    change::merge,
    organization_connections::{MAX_CONNECTIONS, checked, connections_by_id},
    text::for_people,
    web_address::image_fault,
};
use crate::{
    id::OrganizationId,
    model::{Branding, Connection, Organization, OrganizationConnection, OrganizationName},
    port::store::{Page, UnitOfWork},
};
use serde_json::{Map, Value};
use std::time::Duration;

/// How long a name that was given up is kept from others: the longest life of a refresh token (ORG-09).
const NAME_REST: Duration = Duration::from_hours(8_766);

/// An organization to be.
#[derive(Clone, Debug)]
pub struct OrganizationDraft {
    /// Its unique name.
    pub name: OrganizationName,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Its logo and colours.
    pub branding: Option<Branding>,
    /// Up to 25 texts.
    pub metadata: Option<Map<String, Value>>,
    /// Fields that are kept and given back.
    pub extra: Map<String, Value>,
    /// The connections it signs in through, at most ten.
    pub connections: Vec<OrganizationConnectionDraft>,
}

/// What is to become of an organization.
#[derive(Clone, Debug, Default)]
pub struct OrganizationChange {
    /// Another name; the old one rests for a while.
    pub name: Option<OrganizationName>,
    /// Its name for people.
    pub display_name: Change<String>,
    /// Its logo and colours.
    pub branding: Change<Branding>,
    /// Its texts; given ones replace all.
    pub metadata: Change<Map<String, Value>>,
    /// Fields that are kept and given back.
    pub extra: Map<String, Value>,
}

impl Admin {
    /// A page of all organizations, and how many there are.
    pub async fn organizations(&self, page: Page) -> Result<(Vec<Organization>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.organizations().list(&page).await?;
                    Ok((rows, unit.organizations().count().await?))
                })
            })
            .await
    }

    /// One organization.
    pub async fn organization(&self, id: &OrganizationId) -> Result<Organization, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, id).await })).await
    }

    /// The organization that has this name now.
    pub async fn organization_by_name(&self, name: &OrganizationName) -> Result<Organization, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move { unit.organizations().find_by_name(name).await?.ok_or_else(unknown) })
            })
            .await
    }

    /// Make one, with its connections; those come back with the connection each is.
    pub async fn create_organization(
        &self,
        actor: &Actor,
        draft: OrganizationDraft,
    ) -> Result<(Organization, Vec<(OrganizationConnection, Connection)>), AdminError> {
        check(draft.display_name.as_deref(), draft.branding.as_ref(), draft.metadata.as_ref())?;
        if draft.connections.len() > MAX_CONNECTIONS {
            return Err(AdminError::property(
                format!("Array is too long ({}), maximum {MAX_CONNECTIONS}", draft.connections.len()),
                "enabled_connections",
                "Connections that will be enabled for this organization",
            ));
        }
        let at = self.clock.now();
        let organization = Organization {
            id: OrganizationId::random(self.entropy.as_ref()),
            name: draft.name,
            display_name: draft.display_name,
            branding: draft.branding,
            metadata: draft.metadata,
            extra: draft.extra,
            created_at: at,
        };
        let event = self.wrote(actor, "Create an Organization", About::organization(&organization.id));
        self.write(event, move |unit| {
            Box::pin(async move {
                let known = connections_by_id(unit, &draft.connections).await?;
                let rows = draft.connections.iter().zip(known);
                let rows = rows
                    .map(|(draft, known)| Ok((checked(draft, &organization.id, &known, at)?, known)))
                    .collect::<Result<Vec<_>, AdminError>>()?;
                unit.organizations().insert(&organization, at.minus(NAME_REST)).await?;
                for (row, _) in &rows {
                    unit.organizations().insert_connection(row).await?;
                }
                Ok((organization, rows))
            })
        })
        .await
        .map_err(name_taken)
    }

    /// Change one.
    pub async fn update_organization(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        change: OrganizationChange,
    ) -> Result<Organization, AdminError> {
        check(
            change.display_name.value().map(String::as_str),
            change.branding.value(),
            change.metadata.value(),
        )?;
        let at = self.clock.now();
        let event = self.wrote(actor, "Modify an Organization", About::organization(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut organization = found(unit, &id).await?;
                if let Some(name) = change.name {
                    organization.name = name;
                }
                change.display_name.apply(&mut organization.display_name);
                change.branding.apply(&mut organization.branding);
                change.metadata.apply(&mut organization.metadata);
                merge(&mut organization.extra, change.extra);
                unit.organizations().update(&organization, at, at.minus(NAME_REST)).await?;
                Ok(organization)
            })
        })
        .await
        .map_err(name_taken)
    }

    /// Delete one with its memberships, invitations and connections; its users remain, and its name rests.
    pub async fn delete_organization(&self, actor: &Actor, id: &OrganizationId) -> Result<(), AdminError> {
        let at = self.clock.now();
        let event = self.wrote(actor, "Delete an Organization", About::organization(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                if unit.organizations().delete(&id, at).await? {
                    Ok(())
                } else {
                    Err(AdminError::missing_plain("The organization does not exist."))
                }
            })
        })
        .await
    }
}

/// The organization, or Auth0's words for there being none.
pub(super) async fn found(
    unit: &mut (dyn UnitOfWork + '_),
    id: &OrganizationId,
) -> Result<Organization, AdminError> {
    unit.organizations().find(id).await?.ok_or_else(unknown)
}

fn unknown() -> AdminError {
    AdminError::missing_plain("No organization found by that id or name")
}

fn name_taken(error: AdminError) -> AdminError {
    error.taken(
        "organizations_name_key",
        "organization_conflict",
        "An organization with this name already exists.",
    )
}

fn check(
    display_name: Option<&str>,
    branding: Option<&Branding>,
    metadata: Option<&Map<String, Value>>,
) -> Result<(), AdminError> {
    if let Some(text) = display_name {
        for_people(text, "display_name", "Friendly name of this organization")?;
    }
    if let Some(why) = branding.and_then(|branding| branding.logo_url.as_deref()).and_then(image_fault) {
        return Err(AdminError::property(why, "branding.logo_url", "URL of logo to display on login page"));
    }
    let Some(metadata) = metadata else { return Ok(()) };
    let what = "Metadata associated with the organization: at most 25 texts of at most 255 characters each";
    if metadata.len() > 25 {
        let why = format!("Too many properties defined ({}), maximum 25", metadata.len());
        return Err(AdminError::property(why, "metadata", what));
    }
    for (key, value) in metadata {
        let length = value.as_str().map(|text| text.chars().count());
        if key.chars().count() > 255 || length.is_none_or(|length| length > 255) {
            let property = format!("metadata.{}", key.chars().take(255).collect::<String>());
            return Err(AdminError::property("Not a text of at most 255 characters", &property, what));
        }
    }
    Ok(())
}
