//! Owns the storage of sessions.
//! Never touches cookies.

use super::StoreError;
use crate::{
    id::{ClientId, SessionId, UserId},
    model::Session,
    secret::TokenHash,
    time::Timestamp,
};
use async_trait::async_trait;

/// Sessions.
#[async_trait]
pub trait Sessions: Send {
    /// By the cookie's hash; expired ones are found too.
    async fn find_by_cookie(&mut self, cookie: &TokenHash) -> Result<Option<Session>, StoreError>;
    /// By its id.
    async fn find(&mut self, id: &SessionId) -> Result<Option<Session>, StoreError>;
    /// Those that came from whom an identity provider calls so ([`Session::upstream_hash`]).
    async fn of_upstream(&mut self, upstream: &TokenHash) -> Result<Vec<Session>, StoreError>;
    /// Begin one.
    async fn insert(&mut self, session: &Session) -> Result<(), StoreError>;
    /// Note that it was used for this application; a client it has already is no error.
    async fn touch(
        &mut self,
        id: &SessionId,
        client: &ClientId,
        used_at: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// End one; whether there was one.
    async fn delete(&mut self, id: &SessionId) -> Result<bool, StoreError>;
    /// End all of a user, but for this one; how many.
    async fn delete_of(&mut self, user: &UserId, except: Option<&SessionId>) -> Result<u64, StoreError>;
    /// Note where a browser goes when it comes back with this handle, until then.
    async fn depart(
        &mut self,
        handle: &TokenHash,
        location: &str,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Where the browser that came back with this handle goes: once, and not after its time.
    async fn arrive(&mut self, handle: &TokenHash, now: Timestamp) -> Result<Option<String>, StoreError>;
    /// Delete what ended before; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
