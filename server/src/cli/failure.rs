//! Owns how a command fails: one sentence, and the exit code.
//! Never touches standard error: the caller writes.

use crate::{config::ConfigError, edge::TlsError, kek::KekFault};
use portico_core::{admin::AdminError, port::store::StoreError};
use std::{error::Error, fmt};

/// A command that did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    sentence: String,
}

impl Failure {
    /// It was used wrongly.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self { code: 2, sentence: sentence.into() }
    }

    /// It failed.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self { code: 1, sentence: sentence.into() }
    }

    /// It failed because of `error`; `doing` says what it was about and what to do next.
    pub fn because(error: &(dyn Error + 'static), doing: &str) -> Self {
        Self::failed(format!("{doing}: {}", causes(error)))
    }

    /// 1 failed, 2 wrong use.
    pub fn code(&self) -> u8 {
        self.code
    }
}

/// An error and what caused it, without saying anything twice.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(causes(&error))
    }
}

impl From<KekFault> for Failure {
    fn from(fault: KekFault) -> Self {
        Self::failed(causes(&fault))
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self::failed(causes(&error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::because(&error, "the store cannot be used; `portico check` says more")
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        Self::failed(causes(&error))
    }
}
