//! Owns the storage of users, their identities and their passwords.
//! Never touches password policies.

use super::{Page, StoreError};
use crate::{
    connector::Subject,
    email::Email,
    id::{ConnectionId, UserId},
    model::{PasswordCredential, User},
    secret::Secret,
    time::Timestamp,
};
use async_trait::async_trait;

/// Users.
#[async_trait]
pub trait Users: Send {
    /// By id.
    async fn find(&mut self, id: &UserId) -> Result<Option<User>, StoreError>;
    /// Those of these ids that exist, in no order.
    async fn find_all(&mut self, ids: &[UserId]) -> Result<Vec<User>, StoreError>;
    /// By identity: the only way a login finds a user.
    async fn find_by_identity(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
    ) -> Result<Option<User>, StoreError>;
    /// By address, in canonical form, whatever the connection: for administrators, never for logins.
    async fn find_by_email(&mut self, email: &Email) -> Result<Vec<User>, StoreError>;
    /// A page of those that fit.
    async fn list(&mut self, filter: &UserFilter, page: &Page) -> Result<Vec<User>, StoreError>;
    /// How many fit.
    async fn count(&mut self, filter: &UserFilter) -> Result<i64, StoreError>;
    /// Add one with its identities; [`StoreError::Conflict`] `users_pkey` or `identities_pkey`.
    async fn insert(&mut self, user: &User) -> Result<(), StoreError>;
    /// Add many.
    async fn insert_all(&mut self, users: &[User]) -> Result<(), StoreError>;
    /// Replace all but the identities, `session_epoch` and what [`record_login`](Self::record_login) counts; whether
    /// there was one.
    async fn update(&mut self, user: &User) -> Result<bool, StoreError>;
    /// Count a login.
    async fn record_login(&mut self, id: &UserId, at: Timestamp, ip: Option<&str>) -> Result<(), StoreError>;
    /// Void all sessions and tokens of a user; the new epoch.
    async fn next_epoch(&mut self, id: &UserId) -> Result<Option<i64>, StoreError>;
    /// Delete one with identities, credentials, memberships, sessions and tokens; whether there was one.
    async fn delete(&mut self, id: &UserId) -> Result<bool, StoreError>;
}

/// Which users; an absent part does not restrict.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// With an identity at this connection, by its name.
    pub connection: Option<String>,
    /// With this address.
    pub email: Option<Email>,
    /// With an address of this domain, in ASCII lower case.
    pub email_domain: Option<String>,
    /// With this id.
    pub user_id: Option<UserId>,
    /// Blocked, or not.
    pub blocked: Option<bool>,
    /// Whose address, name or nickname begins with this, ignoring ASCII case.
    pub text: Option<String>,
}

/// Passwords of database connections.
#[async_trait]
pub trait Credentials: Send {
    /// By what was typed: an address in canonical form, or a user name in lower case.
    async fn find_by_identifier(
        &mut self,
        connection: &ConnectionId,
        identifier: &str,
    ) -> Result<Option<PasswordCredential>, StoreError>;
    /// By the identifier in the connection.
    async fn find(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
    ) -> Result<Option<PasswordCredential>, StoreError>;
    /// Add one; [`StoreError::Conflict`] `credentials_connection_id_email_normalized_key` or
    /// `credentials_connection_id_username_normalized_key`.
    async fn insert(&mut self, credential: &PasswordCredential) -> Result<(), StoreError>;
    /// Add many.
    async fn insert_all(&mut self, credentials: &[PasswordCredential]) -> Result<(), StoreError>;
    /// Those of a connection that have one of these addresses (in canonical form), user names (in lower case) or
    /// subjects, each once, in no order.
    async fn find_all(
        &mut self,
        connection: &ConnectionId,
        emails: &[String],
        usernames: &[String],
        subjects: &[String],
    ) -> Result<Vec<PasswordCredential>, StoreError>;
    /// The address was shown to be its owner's: from now on the password opens it. Whether it had been waiting for that.
    async fn activate(&mut self, connection: &ConnectionId, subject: &Subject) -> Result<bool, StoreError>;
    /// Set a new hash, which opens the account; the old one goes to the front of the history, of which `keep` are kept. One
    /// that another system made does not: the history is not sealed.
    async fn change_password(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
        hash: &Secret,
        at: Timestamp,
        keep: usize,
    ) -> Result<bool, StoreError>;
    /// Replace a hash by one of the same password with newer parameters, or one that another system made by another such,
    /// if it is still `old`; whether it was.
    async fn rehash(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
        old: &Secret,
        new: &Secret,
    ) -> Result<bool, StoreError>;
    /// Let it be found by another address or user name; conflicts as `insert`.
    async fn change_identifiers(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
        email_normalized: Option<&str>,
        username_normalized: Option<&str>,
    ) -> Result<bool, StoreError>;
}
