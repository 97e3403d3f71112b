//! Owns what a PATCH says of one field: nothing, away with it, or this.
//! Never touches fields themselves.

use serde_json::{Map, Value};

/// What is to become of an optional field.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Change<T> {
    /// The request does not mention it.
    #[default]
    Keep,
    /// The request says `null`.
    Clear,
    /// The request gives a value.
    Set(T),
}

impl<T> Change<T> {
    /// Let it happen to an optional field.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }

    /// Let it happen to a field that falls back to `default` when cleared.
    pub fn apply_or(self, field: &mut T, default: T) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = default,
            Self::Set(value) => *field = value,
        }
    }

    /// The value that was given, if one was.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Whether the request mentions the field.
    pub const fn is_mentioned(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

/// Merge at the first level: a `null` removes a key (contract §2.8, `user_metadata`).
pub(crate) fn merge(into: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (key, value) in changes {
        if value.is_null() {
            into.shift_remove(&key);
        } else {
            into.insert(key, value);
        }
    }
}
