//! Owns the section `[egress]`: which private hosts may be reached.
//! Never touches the network.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[egress]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressSection {
    /// Hosts that may be reached though they are private, over http, or on odd ports.
    pub allow: Vec<String>,
    /// Certificates of authorities to trust beside the public ones, in PEM.
    pub extra_roots: Option<PathBuf>,
}
