//! Owns the gate: what a document has to be like before anything else looks at it (security.md §3.1.2, §3.1.3).
//! Never touches keys, times or meanings.

mod characters;
mod names;
mod scanner;
pub mod shape;
mod signature;
mod tree;

pub use names::{Namespace, Prefixes};
pub use scanner::{MAX_DOCUMENT, scan, scan_within};
pub(crate) use signature::decoded;
pub use tree::{Node, Tree};
