//! Owns the storage of mailed links.
//! Never touches invitations.

use super::StoreError;
use crate::{
    id::UserId,
    model::{Ticket, TicketKind},
    secret::TokenHash,
    time::Timestamp,
};
use async_trait::async_trait;

/// Mailed links.
#[async_trait]
pub trait Tickets: Send {
    /// By hash and kind; used and expired ones are found too.
    async fn find(&mut self, kind: TicketKind, hash: &TokenHash) -> Result<Option<Ticket>, StoreError>;
    /// Add one; older ones of the same kind and user are void from then on.
    async fn insert(&mut self, ticket: &Ticket) -> Result<(), StoreError>;
    /// Use one up, if it is neither used nor over; whether this call did.
    async fn consume(&mut self, hash: &TokenHash, at: Timestamp) -> Result<bool, StoreError>;
    /// Void all of a user.
    async fn delete_of(&mut self, user: &UserId) -> Result<u64, StoreError>;
    /// Delete what expired before; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
