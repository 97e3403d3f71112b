//! Owns the storage of jobs, of the files they read and write, and of the rows they refuse.
//! Never touches what they do.

use super::StoreError;
use crate::{
    id::JobId,
    model::{Job, JobError},
    secret::Secret,
    time::Timestamp,
};
use async_trait::async_trait;

/// Jobs. The parts of their files are encrypted at rest.
#[async_trait]
pub trait Jobs: Send {
    /// By id.
    async fn find(&mut self, id: &JobId) -> Result<Option<Job>, StoreError>;
    /// Add one, unless as many of its kind are going on as `most` says; whether it was added. One that is final already
    /// is no claim on anybody.
    async fn insert(&mut self, job: &Job, most: Option<u32>) -> Result<bool, StoreError>;
    /// Take the oldest job that nobody has taken, or whose taker has not written for so long that `until` has passed,
    /// and keep it from others until `until`. It is processing from then on, and that is counted as an attempt.
    async fn claim(&mut self, now: Timestamp, until: Timestamp) -> Result<Option<Job>, StoreError>;
    /// Replace one, whose revision must be the next one ([`StoreError::Stale`]), and keep it until `until`; a final one
    /// is never taken again.
    async fn advance(&mut self, job: &Job, until: Timestamp) -> Result<(), StoreError>;
    /// Add a part of its file.
    async fn push_part(&mut self, id: &JobId, number: i64, content: &Secret) -> Result<(), StoreError>;
    /// A part of its file.
    async fn part(&mut self, id: &JobId, number: i64) -> Result<Option<Secret>, StoreError>;
    /// Delete its file.
    async fn delete_parts(&mut self, id: &JobId) -> Result<(), StoreError>;
    /// Add refused rows.
    async fn push_errors(&mut self, id: &JobId, errors: &[JobError]) -> Result<(), StoreError>;
    /// The refused rows, in their order, from this position on.
    async fn errors(&mut self, id: &JobId, from: i64, take: i64) -> Result<Vec<JobError>, StoreError>;
    /// Delete jobs that have ended and were asked for before, with all that is theirs; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
