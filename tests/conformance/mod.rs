//! Owns what every implementation of a port must do.
//! Never touches one implementation's inside.

mod connector;
mod mailer;
mod mailer_tls;
pub(crate) mod store;
