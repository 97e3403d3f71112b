//! Owns what the browser brought back: query and form parameters, each at most once.
//! Never touches where they came from.

use super::ConnectorError;
use std::{collections::BTreeMap, fmt};

/// Parameters by name. The edge has limited their size and refused duplicates (RFC 6749 §3.1).
#[derive(Clone, Default)]
pub struct Reply(BTreeMap<String, String>);

impl Reply {
    /// The parameter, if it came.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter, which must have come.
    pub fn require(&self, name: &'static str) -> Result<&str, ConnectorError> {
        self.get(name).ok_or(ConnectorError::Missing(name))
    }
}

impl FromIterator<(String, String)> for Reply {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(parameters: T) -> Self {
        Self(parameters.into_iter().collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Reply {
    fn from(parameters: [(&str, &str); N]) -> Self {
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Names only: values may be passwords and codes.
impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
