//! Owns roles.
//! Never touches who has one.

use crate::{id::RoleId, time::Timestamp};

/// A named set of permissions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its unique name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}
