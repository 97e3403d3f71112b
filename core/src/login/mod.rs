//! Owns the login: which connection, who it is, whether they may, and what the rules say.
//! Never touches a protocol or a page.
//!
//! ```text
//!  start ──► Locating ──► Choosing ──► Awaiting ──► Admitted ──► Completed
//!    │                       │          ▲ │  ▲          ▲ │
//!    │                       └► Confirming┘  └ again    │ └► Picking ─┐
//!    └── a live session fits ───────────────────────────┘     ◄───────┘
//!  every stage ── expiry, cancel, too many refusals ──► Failed
//! ```

pub mod authorize_org;
mod connectors;
pub mod pipeline;
mod transaction;

pub use connectors::Connectors;
pub use transaction::{
    Admitted, Awaiting, Choosing, Completed, Confirming, Failed, Locating, Picking, Stage, Transaction,
};
