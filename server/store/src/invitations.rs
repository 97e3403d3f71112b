//! Owns [`Invitations`] in SQL. Tickets are sealed, and found by their hashes.
//! Never touches tickets of other kinds.

use crate::{
    seal::{INVITATION_API_TICKET, INVITATION_MAIL_TICKET},
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::{InvitationId, OrganizationId, UserId},
    model::{Invitation, TicketSource},
    port::store::{Invitations, Page, StoreError},
    secret::{Secret, TokenHash},
    time::Timestamp,
};

const SELECT: &str = "SELECT invitation_id, api_ticket, mail_ticket, document, consumed_at, accepted_by,
        api_ticket_hash FROM invitations WHERE ";

impl FromRow for Invitation {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: String = row.get("invitation_id")?;
        Ok(Self {
            api_ticket: row.open_text(&INVITATION_API_TICKET, &id)?,
            mail_ticket: row.open_optional(&INVITATION_MAIL_TICKET, &id)?,
            consumed_at: row.at_optional("consumed_at")?,
            accepted_by: row.parse_optional("accepted_by")?,
            ..row.json("document")?
        })
    }
}

/// An invitation, and the hash of the ticket that the API shows.
struct Found(Invitation, TokenHash);

impl FromRow for Found {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(Invitation::from_row(row)?, row.hash("api_ticket_hash")?))
    }
}

#[async_trait]
impl<S: Session> Invitations for SqlUnit<S> {
    async fn find(
        &mut self,
        organization: &OrganizationId,
        id: &InvitationId,
    ) -> Result<Option<Invitation>, StoreError> {
        let query = Sql::new(SELECT).push("invitation_id = ").bind(id);
        self.optional(query.push(" AND organization_id = ").bind(organization)).await
    }

    async fn find_by_ticket(
        &mut self,
        ticket: &TokenHash,
    ) -> Result<Option<(Invitation, TicketSource)>, StoreError> {
        let query = Sql::new(SELECT).push("api_ticket_hash = ").bind(ticket);
        let found = self.optional(query.push(" OR mail_ticket_hash = ").bind(ticket)).await?;
        Ok(found.map(|Found(invitation, api)| {
            (invitation, if api == *ticket { TicketSource::Api } else { TicketSource::Mail })
        }))
    }

    async fn list(
        &mut self,
        organization: &OrganizationId,
        page: &Page,
    ) -> Result<Vec<Invitation>, StoreError> {
        let query = Sql::new(SELECT).push("consumed_at IS NULL AND organization_id = ").bind(organization);
        self.all(query.page(page, "created_at", "invitation_id")).await
    }

    async fn count(&mut self, organization: &OrganizationId) -> Result<i64, StoreError> {
        self.number(sql!(
            "SELECT COUNT(*) AS value FROM invitations WHERE consumed_at IS NULL AND organization_id = $1",
            organization,
        ))
        .await
    }

    async fn insert(&mut self, invitation: &Invitation) -> Result<(), StoreError> {
        let id = invitation.id.as_str();
        let seal = |place, ticket: &Secret| self.vault.seal(place, id, ticket.expose().as_bytes());
        let api_ticket = seal(&INVITATION_API_TICKET, &invitation.api_ticket)?;
        let mail_ticket = invitation
            .mail_ticket
            .as_ref()
            .map(|ticket| seal(&INVITATION_MAIL_TICKET, ticket))
            .transpose()?;
        let mail_hash = invitation.mail_ticket.as_ref().map(|ticket| TokenHash::of(ticket.expose()));
        self.execute(sql!(
            "INSERT INTO invitations (invitation_id, organization_id, api_ticket, mail_ticket, api_ticket_hash,
                 mail_ticket_hash, document, created_at, expires_at, consumed_at, accepted_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            id,
            &invitation.organization_id,
            api_ticket,
            mail_ticket,
            &TokenHash::of(invitation.api_ticket.expose()),
            mail_hash.as_ref(),
            JsonText(invitation).encode()?,
            invitation.created_at,
            invitation.expires_at,
            invitation.consumed_at,
            invitation.accepted_by.as_ref(),
        ))
        .await
        .map(drop)
    }

    async fn consume(
        &mut self,
        id: &InvitationId,
        accepted_by: Option<&UserId>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE invitations SET consumed_at = $2, accepted_by = $3
             WHERE invitation_id = $1 AND consumed_at IS NULL AND expires_at > $2",
            id,
            at,
            accepted_by,
        ))
        .await
    }

    async fn delete(&mut self, organization: &OrganizationId, id: &InvitationId) -> Result<bool, StoreError> {
        self.changed(sql!(
            "DELETE FROM invitations WHERE invitation_id = $1 AND organization_id = $2",
            id,
            organization,
        ))
        .await
    }
}
