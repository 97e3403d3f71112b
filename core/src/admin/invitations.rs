//! Owns inviting people to organizations.
//! Never touches how an invitation is accepted.

use super::{
    Actor, Admin, AdminError, actor::About, organizations::found, roles::all_exist, text::for_people,
    web_address::login_uri_fault,
};
use crate::{
    email::Email,
    id::{ClientId, ConnectionId, InvitationId, MailId, OrganizationId, RoleId},
    model::{
        Client, Connection, Invitation, Organization, OrganizationUsage, OutboxMail, OutboxState, Role,
        TenantSettings,
    },
    port::store::{Charge, Page, UnitOfWork},
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

/// An invitation to be.
#[derive(Clone, Debug)]
pub struct InvitationDraft {
    /// Who invites, for people.
    pub inviter_name: String,
    /// Who is invited.
    pub invitee_email: Email,
    /// The application the link goes to.
    pub client_id: ClientId,
    /// The one connection it may be accepted through.
    pub connection_id: Option<ConnectionId>,
    /// Roles in the organization.
    pub roles: Vec<RoleId>,
    /// Given to the user when one is made.
    pub app_metadata: Map<String, Value>,
    /// Likewise.
    pub user_metadata: Map<String, Value>,
    /// How long it is good for; a week when absent.
    pub ttl: Option<Duration>,
    /// Whether a message goes to the invitee.
    pub mail: Mailing,
}

/// Whether a message goes out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mailing {
    /// It does, with a link of its own that proves the mailbox.
    Send,
    /// It does not: whoever asked hands the link on, or needs none.
    #[default]
    Withhold,
}

/// An invitation as administrators see it.
#[derive(Clone, Debug)]
pub struct InvitationView {
    /// The invitation.
    pub invitation: Invitation,
    /// Its link with the ticket that the Management API shows; never the one that was mailed (INV-11). None when the
    /// application is gone, or has no login address any more.
    pub url: Option<Url>,
}

const WEEK: Duration = Duration::from_hours(168);

impl Admin {
    /// A page of an organization's invitations that were not used, and how many there are.
    pub async fn invitations(
        &self,
        id: &OrganizationId,
        page: Page,
    ) -> Result<(Vec<InvitationView>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let organization = found_for_invitation(unit, id).await?;
                    let rows = unit.invitations().list(id, &page).await?;
                    let total = unit.invitations().count(id).await?;
                    let settings = unit.tenant().settings().await?;
                    let mut clients: Vec<Client> = Vec::new();
                    for row in &rows {
                        if !clients.iter().any(|client| client.id == row.client_id) {
                            // One query an application, not an invitation: few applications invite.
                            clients.extend(unit.clients().find(&row.client_id).await?);
                        }
                    }
                    let view = |invitation: Invitation| {
                        let client = clients.iter().find(|client| client.id == invitation.client_id);
                        let base = client.and_then(|client| login_address(client, &settings));
                        let url = base.map(|base| link(base, &invitation.api_ticket, &organization));
                        InvitationView { invitation, url }
                    };
                    Ok((rows.into_iter().map(view).collect(), total))
                })
            })
            .await
    }

    /// One of an organization's invitations.
    pub async fn invitation(
        &self,
        id: &OrganizationId,
        invitation: &InvitationId,
    ) -> Result<InvitationView, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let organization = found_for_invitation(unit, id).await?;
                    let missing = || AdminError::missing_plain("The invitation does not exist.");
                    let invitation = unit.invitations().find(id, invitation).await?;
                    let invitation = invitation.filter(|found| found.consumed_at.is_none());
                    let invitation = invitation.ok_or_else(missing)?;
                    let client = unit.clients().find(&invitation.client_id).await?;
                    let settings = unit.tenant().settings().await?;
                    let base = client.and_then(|client| login_address(&client, &settings));
                    let url = base.map(|base| link(base, &invitation.api_ticket, &organization));
                    Ok(InvitationView { invitation, url })
                })
            })
            .await
    }

    /// Invite somebody; the message is written in the same unit of work, so that neither is without the other.
    ///
    /// It has two tickets (`security.md` INV-11): whoever made it sees one, and the mailbox alone gets the other.
    pub async fn invite(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        draft: InvitationDraft,
    ) -> Result<InvitationView, AdminError> {
        for_people(&draft.inviter_name, "inviter.name", "The inviter's name")?;
        let at = self.clock.now();
        let ticket = || Secret::new(self.entropy.alphanumeric(32));
        let invitation = Invitation {
            id: InvitationId::random(self.entropy.as_ref()),
            organization_id: id.clone(),
            inviter_name: draft.inviter_name,
            invitee_email: draft.invitee_email,
            client_id: draft.client_id,
            connection_id: draft.connection_id,
            roles: draft.roles,
            app_metadata: draft.app_metadata,
            user_metadata: draft.user_metadata,
            api_ticket: ticket(),
            mail_ticket: (draft.mail == Mailing::Send).then(ticket),
            created_at: at,
            expires_at: at.plus(draft.ttl.unwrap_or(WEEK)),
            consumed_at: None,
            accepted_by: None,
        };
        let about = About::organization(id).with_resource(invitation.id.as_str());
        let event = self.wrote(actor, "Create an invitation to an Organization", about);
        let mail_id = MailId::next(self.entropy.as_ref());
        self.write(event, move |unit| {
            Box::pin(async move {
                let organization = found_for_invitation(unit, &invitation.organization_id).await?;
                let (client, base) = client_of(unit, &invitation.client_id).await?;
                if let Some(connection) = &invitation.connection_id {
                    connection_of(unit, &organization.id, connection).await?;
                }
                let roles = match invitation.roles.as_slice() {
                    [] => Vec::new(),
                    ids => all_exist(unit, ids).await?,
                };
                not_too_many(unit, &invitation, at).await?;
                unit.invitations().insert(&invitation).await?;
                if let Some(ticket) = &invitation.mail_ticket {
                    let url = link(base.clone(), ticket, &organization);
                    let data = mail_data(&invitation, &organization, &client, &roles, &url);
                    let mail = OutboxMail {
                        id: mail_id,
                        to: invitation.invitee_email.as_given().to_owned(),
                        template: "user_invitation".to_owned(),
                        organization_id: Some(organization.id.clone()),
                        data,
                        state: OutboxState::Pending,
                        attempts: 0,
                        last_error: None,
                        created_at: at,
                        next_attempt_at: at,
                    };
                    unit.outbox().push(&mail).await?;
                }
                let url = Some(link(base, &invitation.api_ticket, &organization));
                Ok(InvitationView { invitation, url })
            })
        })
        .await
    }

    /// Take an invitation back: both tickets are dead at once. Nothing happens if there is none.
    pub async fn revoke_invitation(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        invitation: &InvitationId,
    ) -> Result<(), AdminError> {
        let about = About::organization(id).with_resource(invitation.as_str());
        let event = self.wrote(actor, "Delete an invitation to an Organization", about);
        let (id, invitation) = (id.clone(), invitation.clone());
        self.write(event, move |unit| {
            Box::pin(async move {
                found_for_invitation(unit, &id).await?;
                unit.invitations().delete(&id, &invitation).await?;
                Ok(())
            })
        })
        .await
    }
}

async fn found_for_invitation(
    unit: &mut (dyn UnitOfWork + '_),
    id: &OrganizationId,
) -> Result<Organization, AdminError> {
    match found(unit, id).await {
        // These routes say it in fewer words (contract §2.4).
        Err(AdminError::Missing { .. }) => {
            Err(AdminError::missing_plain("No organization found by that id."))
        }
        other => other,
    }
}

/// The application and where its links go, or the words of contract §3.2.
async fn client_of(unit: &mut (dyn UnitOfWork + '_), id: &ClientId) -> Result<(Client, Url), AdminError> {
    let Some(client) = unit.clients().find(id).await? else {
        return Err(AdminError::body("The specified client_id does not exist."));
    };
    if client.organization_usage == OrganizationUsage::Deny {
        return Err(AdminError::body("The specified client_id does not allow organizations."));
    }
    let settings = unit.tenant().settings().await?;
    let base = login_address(&client, &settings).ok_or_else(|| {
        AdminError::body(
            "A default login route is required to generate the invitation url. Set initiate_login_uri of the \
             client, or default_redirection_uri of the tenant.",
        )
    })?;
    Ok((client, base))
}

async fn connection_of(
    unit: &mut (dyn UnitOfWork + '_),
    organization: &OrganizationId,
    id: &ConnectionId,
) -> Result<Connection, AdminError> {
    let Some(connection) = unit.connections().find(id).await? else {
        return Err(AdminError::body(format!("The specified connection ({id}) does not exist.")));
    };
    if matches!(connection.strategy.as_str(), "email" | "sms") {
        return Err(AdminError::body("Passwordless connections are not supported."));
    }
    let row = unit.organizations().connection(organization, id).await?;
    if row.is_none_or(|row| !row.is_enabled) {
        return Err(AdminError::body(format!(
            "The specified connection ({id}) is not enabled for the organization ({organization})."
        )));
    }
    Ok(connection)
}

/// Count an invitation against the organization, 100 an hour, and against the mailbox, 10 a day (INV-15).
async fn not_too_many(
    unit: &mut (dyn UnitOfWork + '_),
    invitation: &Invitation,
    at: Timestamp,
) -> Result<(), AdminError> {
    let recipient = TokenHash::of(invitation.invitee_email.canonical());
    let charges = [
        Charge {
            key: format!("invite:org:{}", invitation.organization_id),
            burst: 100,
            period: Duration::from_secs(36),
        },
        Charge {
            key: format!("invite:to:{}", recipient.as_str()),
            burst: 10,
            period: Duration::from_mins(144),
        },
    ];
    match unit.limits().charge(&charges, at).await? {
        None => Ok(()),
        Some((key, until)) => {
            let whom = if key.starts_with("invite:org:") { "this organization" } else { "this address" };
            let message = format!("Too many invitations were made for {whom}.");
            Err(AdminError::TooMany { until, message })
        }
    }
}

/// Where an application's links go; checked again, since older versions may have stored it (INV-13).
fn login_address(client: &Client, settings: &TenantSettings) -> Option<Url> {
    let text = client.initiate_login_uri.as_deref().or(settings.default_redirection_uri.as_deref())?;
    if login_uri_fault(text).is_some() {
        return None;
    }
    Url::parse(text).ok()
}

/// The link: the address's own query stays, ours is added, and every value is encoded (INV-13).
fn link(mut base: Url, ticket: &Secret, organization: &Organization) -> Url {
    base.query_pairs_mut()
        .append_pair("invitation", ticket.expose())
        .append_pair("organization", organization.id.as_str())
        .append_pair("organization_name", organization.name.as_str());
    base
}

/// What the message is filled with (contract §2.11). Texts are as they were given: the renderer escapes them (INV-14).
fn mail_data(
    invitation: &Invitation,
    organization: &Organization,
    client: &Client,
    roles: &[Role],
    url: &Url,
) -> Map<String, Value> {
    let roles: Vec<_> = roles
        .iter()
        .map(|role| json!({ "id": role.id, "name": role.name, "description": role.description }))
        .collect();
    let data = json!({
        "url": url.as_str(),
        "inviter": { "name": invitation.inviter_name },
        "invitee": { "email": invitation.invitee_email.as_given() },
        "organization": {
            "id": organization.id,
            "name": organization.name,
            "display_name": organization.title(),
            "branding": organization.branding,
            "metadata": organization.metadata,
        },
        "application": { "name": client.name, "clientID": client.id },
        "roles": roles,
        "user_metadata": invitation.user_metadata,
        "expires_at": invitation.expires_at.iso(),
    });
    if let Value::Object(data) = data { data } else { Map::new() }
}
