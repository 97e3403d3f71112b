//! Owns jobs: work that goes on after its request was answered, batch by batch.
//! Never touches how the work is done.

use crate::{
    connector::AdoptionFault,
    id::{ConnectionId, JobId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A job (contract §2.10). What it has done is written in the same unit of work as this record of it, so that whoever
/// goes on with it does nothing twice.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub task: JobTask,
    /// Where it stands.
    pub status: JobStatus,
    /// The connection it is about.
    pub connection_id: Option<ConnectionId>,
    /// That connection's name when the job was made.
    pub connection: Option<String>,
    /// What whoever asked calls it.
    pub external_id: Option<String>,
    /// How many people have been dealt with.
    pub done: i64,
    /// How many there are, as far as that is known.
    pub total: Option<i64>,
    /// What became of them.
    pub summary: JobSummary,
    /// Where to go on, in the words of the task: the key of the last row that was written.
    pub cursor: Option<String>,
    /// Why it failed, in a sentence for administrators.
    pub failure: Option<String>,
    /// How often a node has taken it since it last got on.
    pub attempts: i64,
    /// Grows with every write: a node that has lost its hold on the job cannot write any more.
    pub revision: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was written last.
    pub updated_at: Timestamp,
}

/// What a job does.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum JobTask {
    /// Take users in from a file.
    UsersImport {
        /// Whether users who exist are changed, rather than being errors.
        upsert: bool,
    },
    /// Write users to a file.
    UsersExport {
        /// What the file looks like.
        format: ExportFormat,
        /// Which fields it has; the format's usual ones if none are named.
        fields: Vec<ExportField>,
        /// At most so many users.
        limit: Option<i64>,
    },
    /// Ask somebody by mail to show that their address is theirs.
    VerificationEmail,
    /// Delete the users of a connection that was deleted, and then what is left of it.
    ConnectionDeletion,
}

impl JobTask {
    /// Auth0's word for it, where Auth0 has one.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UsersImport { .. } => "users_import",
            Self::UsersExport { .. } => "users_export",
            Self::VerificationEmail => "verification_email",
            Self::ConnectionDeletion => "connection_deletion",
        }
    }
}

/// What an export looks like.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// One JSON object a line.
    Json,
    /// One line a user, with a heading.
    Csv,
}

impl ExportFormat {
    /// Its name, which is its file's extension.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// A field of an export.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ExportField {
    /// Where it is in a user: names with dots between, `[0]` for an element.
    pub name: String,
    /// What it is called in the file, if that is something else.
    pub export_as: Option<String>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Nobody has begun.
    Pending,
    /// Somebody has.
    Processing,
    /// It is done. Some rows may have been refused.
    Completed,
    /// It was given up.
    Failed,
}

impl JobStatus {
    /// As the wire has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing will be done any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What became of the rows of an import.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct JobSummary {
    /// Refused.
    pub failed: i64,
    /// Changed.
    pub updated: i64,
    /// Made.
    pub inserted: i64,
}

impl JobSummary {
    /// With what became of more rows.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            failed: self.failed + more.failed,
            updated: self.updated + more.updated,
            inserted: self.inserted + more.inserted,
        }
    }
}

/// A row of an import that was refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct JobError {
    /// Which row, from 0.
    pub position: i64,
    /// The row, without hashes.
    pub user: Map<String, Value>,
    /// All that is wrong with it.
    pub errors: Vec<AdoptionFault>,
}
