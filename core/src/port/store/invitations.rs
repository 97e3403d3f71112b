//! Owns the storage of invitations.
//! Never touches how one is accepted.

use super::{Page, StoreError};
use crate::{
    id::{InvitationId, OrganizationId, UserId},
    model::{Invitation, TicketSource},
    secret::TokenHash,
    time::Timestamp,
};
use async_trait::async_trait;

/// Invitations. They are found by the hash of either ticket.
#[async_trait]
pub trait Invitations: Send {
    /// By id, in this organization.
    async fn find(
        &mut self,
        organization: &OrganizationId,
        id: &InvitationId,
    ) -> Result<Option<Invitation>, StoreError>;
    /// By a ticket, and which of the two it is. Expired and used ones are found too.
    async fn find_by_ticket(
        &mut self,
        ticket: &TokenHash,
    ) -> Result<Option<(Invitation, TicketSource)>, StoreError>;
    /// A page of an organization's invitations that were not used.
    async fn list(
        &mut self,
        organization: &OrganizationId,
        page: &Page,
    ) -> Result<Vec<Invitation>, StoreError>;
    /// How many of them there are.
    async fn count(&mut self, organization: &OrganizationId) -> Result<i64, StoreError>;
    /// Add one.
    async fn insert(&mut self, invitation: &Invitation) -> Result<(), StoreError>;
    /// Use one up, if it is neither used nor over; whether this call did.
    async fn consume(
        &mut self,
        id: &InvitationId,
        accepted_by: Option<&UserId>,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Delete one; whether there was one.
    async fn delete(&mut self, organization: &OrganizationId, id: &InvitationId) -> Result<bool, StoreError>;
}
