//! Owns the journeys: what a person does, from the application and back to it.
//! Never touches how pages look; the browser tests do that.

mod actions;
pub(crate) mod custom_database;
mod database;
pub(crate) mod enterprise;
mod imports;
mod journey;
mod killed;
mod killed_jobs;
mod logout;
mod nodes;
pub(crate) mod saml;
mod saml_logout;
mod saml_trust;
mod sso;
