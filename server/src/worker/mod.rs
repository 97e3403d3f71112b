//! Owns everything that runs beside requests, and how it is stopped: the only place that spawns.
//! Never touches requests.

mod jobs;
mod outbox;
mod renewals;
mod stop;
mod supervisor;
mod sweeps;

pub use jobs::Jobs;
pub use outbox::{DeliveryPorts, MailRenderer, OutboxDelivery, RenderError};
pub use renewals::Renewals;
pub use stop::{Stop, Stopper};
pub use supervisor::Supervisor;
pub use sweeps::Sweeps;
