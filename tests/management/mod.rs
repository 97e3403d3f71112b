//! Owns the tests of the Management API, one file a resource, against its router over a store of its own.
//! Never touches the network.

mod actions;
mod branding;
mod client_grants;
mod clients;
mod connections;
mod conventions;
mod decommissioning;
mod invitations;
mod jobs;
mod logs;
mod members;
mod organizations;
mod resource_servers;
mod roles;
mod rules;
mod scopes;
mod tenants;
mod users;
pub(crate) mod world;
