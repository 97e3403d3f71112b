//! Owns membership: the link between a user and an organization, with its roles.
//! Never touches how one comes about.

use crate::{
    id::{OrganizationId, RoleId, UserId},
    time::Timestamp,
};

/// A user's belonging to an organization. Its roles mean something inside that organization alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Membership {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The member.
    pub user_id: UserId,
    /// The member's roles there.
    pub roles: Vec<RoleId>,
    /// Since when.
    pub created_at: Timestamp,
}
