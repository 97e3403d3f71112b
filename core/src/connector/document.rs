//! Owns what a connector has to say beside the conversation: to the other side, and to administrators.
//! Never touches how it is served or printed.

use super::Rejection;
use serde_json::Value;

/// A document for the other side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub body: String,
}

/// What would become of a recorded answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Explanation {
    /// It would be accepted.
    Accepted {
        /// Every check in the order it ran.
        trace: Value,
        /// The names of the attributes that the profile would have. Never their values.
        attributes: Vec<String>,
    },
    /// It would be refused.
    Refused(Rejection),
}
