//! Owns the pipeline: which rules and actions run at the end of a login, in which order, for how long, and what their
//! results may change.
//! Never touches JavaScript: that is behind [`ScriptRuntime`].

mod acting;
mod changes;
mod commands;
mod event;
mod failure;
mod input;
mod metadata;
mod places;
mod run;

pub use acting::Suspended;
pub(crate) use acting::module_of;
pub use changes::{Changes, Console, IgnoredEdit, is_our_word, is_profile};
pub use failure::{RuleFailed, RuleFailure, Script, ScriptKind};
pub use input::{Asked, Method, Protocol, RuleInput, RuleRequest};
pub use metadata::MetadataUpdates;
pub use places::{Misdirected, NotAPlace, Places};
pub use run::Ran;

use crate::{
    port::script::{Limits, ScriptRuntime},
    time::Clock,
};
use std::{sync::Arc, time::Duration};

/// Runs rules and actions at the end of a login (contract §4). A struct, not a port: it has one implementation, over the
/// runtime's port.
pub struct Pipeline {
    runtime: Arc<dyn ScriptRuntime>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl Pipeline {
    /// What all rules and actions of one login may take together (contract §4.1).
    pub const TOTAL: Duration = Duration::from_secs(20);

    /// Over this runtime, with these limits for each rule and action.
    pub fn new(runtime: Arc<dyn ScriptRuntime>, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { runtime, clock, limits }
    }
}

/// What the rules and actions say.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Go on, with these changes to the tokens.
    Allow(Box<Changes>),
    /// A rule called back with an `UnauthorizedError`, or an action called `api.access.deny`.
    Deny {
        /// Which one.
        by: Script,
        /// Its message: the application is told (contract §4.1).
        reason: String,
        /// What it wrote to `console`.
        console: Vec<String>,
    },
    /// An action called `api.validation.error`: the visitor is told, on a page of ours.
    Invalid {
        /// Which one.
        by: Script,
        /// What the visitor is told.
        message: String,
        /// What it wrote to `console`.
        console: Vec<String>,
    },
    /// The browser is to go elsewhere first: `context.redirect` after all rules ran and none denied, or an action's
    /// `api.redirect.sendUserTo`.
    Pause {
        /// Which one says so.
        by: Script,
        /// Where to: not looked at yet ([`Places::target`]).
        url: String,
        /// What waits for the browser, if it is an action that sends it. After a rule's journey all rules run again.
        suspended: Option<Box<Suspended>>,
    },
}

/// Secrets that are shorter than this (`true`, `1`) are none: blacking them out would spoil logs.
const SHORTEST_SECRET: usize = 6;

#[cfg(test)]
mod tests;
