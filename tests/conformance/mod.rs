//! Owns what every implementation of a port must do.
//! Never touches one implementation's inside.

mod mailer;
mod store;
