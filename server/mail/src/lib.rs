//! Owns the delivery of mail: over SMTP, or into memory for tests.
//! Never touches the outbox or templates: it is handed rendered messages.

mod dial;
mod memory;
mod message;
mod settings;
mod smtp;
mod stream;

pub use memory::{MemoryMailer, Outage};
pub use settings::{Encryption, SettingsError, SmtpSettings};
pub use smtp::SmtpMailer;
