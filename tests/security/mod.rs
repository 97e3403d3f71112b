//! Owns a test per case of `docs/SECURITY.md`, each named after it.
//! Never touches what a user wants to do: those are the flows.

mod csrf;
mod db;
mod flood;
mod inf;
mod inv;
mod inv_admin;
mod inv_mail;
mod js;
mod op;
mod op_front;
mod org;
mod org_admin;
mod rp;
mod saml;
