//! Owns the login: which connection, who it is, whether they may, and what the rules say.
//! Never touches a protocol or a page.
//!
//! ```text
//!  start ──► Locating ──► Choosing ──► Awaiting ──► Admitted ──► Completed
//!    │                       │          ▲ │  ▲          ▲ │ │         ▲
//!    │                       └► Confirming┘  └ again    │ │ └► Paused ┘
//!    │                                                  │ └► Picking ─┐
//!    └── a live session fits ───────────────────────────┘     ◄───────┘
//!  an answer nobody asked for ──► Arriving ──► Admitted
//!  every stage ── expiry, cancel, too many refusals ──► Failed
//! ```

mod admission_profile;
pub mod admit;
mod arrival;
pub mod authorize_org;
mod conclude;
mod connectors;
pub mod discover;
mod ending;
mod entrance;
pub mod event;
mod farewell;
pub mod flow;
mod issue;
mod lookup;
mod pause;
pub mod pipeline;
mod request;
pub mod scene;
mod sign_up;
mod silent;
pub mod sso;
pub mod throttle;
mod transaction;
mod visitor;

pub(crate) use admission_profile::{Keeper, fresh_user};
pub use arrival::Arriving;
pub use connectors::Connectors;
pub use pause::{Paused, Returned};
pub use transaction::{
    Admitted, Awaiting, Choosing, Completed, Confirming, Failed, Locating, Picking, Stage, Transaction,
};
pub use visitor::Visitor;
