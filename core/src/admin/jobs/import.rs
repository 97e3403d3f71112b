//! Owns an import under way: rows are taken in one by one, and written by the thousand.
//! Never touches files: whoever has one hands its rows over.

use super::{
    row::{Kind, Row, fault, identifiers, shown},
    write::{self, Written, taken},
};
use crate::{
    admin::AdminError,
    connector::{AdoptedAccount, AdoptionFault, Connector, Credential, Subject},
    id::UserId,
    login::Connectors,
    model::{AuditEvent, Connection, Job, JobError, JobSummary},
    port::store::{Store, StoreError},
    time::{Clock, Timestamp},
};
use serde_json::{Map, Value};
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// Rows that are written in one unit of work.
pub const IMPORT_BATCH: usize = 1_000;

/// An import into one connection.
pub struct Importer {
    connection: Arc<Connection>,
    connector: Arc<dyn Connector>,
    clock: Arc<dyn Clock>,
    upsert: bool,
    /// Hashes of every address, user name and id that the file has had: a second row with one of them is refused.
    seen: HashSet<u64>,
    hasher: RandomState,
    rows: Vec<Prepared>,
    refused: Vec<JobError>,
}

/// A row that is good by itself.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) position: i64,
    pub(super) row: Row,
    pub(super) user_id: UserId,
    pub(super) subject: Subject,
    pub(super) credential: Credential,
    pub(super) given: Value,
}

/// What is written with rows.
pub struct JobStep {
    /// The job, as it was after the rows before.
    pub job: Job,
    /// How long it is kept from others.
    pub until: Timestamp,
    /// What is noted in the log, when these are the last ones.
    pub last: Option<AuditEvent>,
}

/// What became of the rows that were written.
#[derive(Debug)]
pub struct Batch {
    /// In numbers.
    pub summary: JobSummary,
    /// The rows that were refused, by their position.
    pub errors: Vec<JobError>,
    /// The job, as it is now.
    pub job: Option<Job>,
}

impl Importer {
    /// Into this connection, if it may be imported into.
    pub async fn new(
        connection: Connection,
        connectors: &dyn Connectors,
        clock: Arc<dyn Clock>,
        upsert: bool,
    ) -> Result<Self, AdminError> {
        super::importable(&connection)?;
        let connector = connectors.get(&connection.id).await?;
        if connector.accounts().is_none() {
            return Err(super::not_a_database());
        }
        Ok(Self {
            connection: Arc::new(connection),
            connector,
            clock,
            upsert,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            rows: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// How many rows wait to be written.
    pub fn waiting(&self) -> usize {
        self.rows.len() + self.refused.len()
    }

    /// Pass over a row that was written before the import was taken up again.
    pub fn pass(&mut self, row: &Value) {
        for (kind, name) in identifiers(row) {
            self.seen.insert(self.hasher.hash_one((kind, name)));
        }
    }

    /// Take the row at this position in.
    pub fn take(&mut self, position: i64, row: Value) {
        match self.prepare(&row) {
            Ok(prepared) => self.rows.push(Prepared { position, given: row, ..prepared }),
            Err(errors) => self.refused.push(JobError { position, user: shown(&row), errors }),
        }
    }

    /// Take something in that is no JSON, and so is nobody.
    pub fn refuse(&mut self, position: i64, why: &str) {
        let errors = vec![fault("INVALID_TYPE", "", why)];
        self.refused.push(JobError { position, user: Map::new(), errors });
    }

    fn prepare(&mut self, value: &Value) -> Result<Prepared, Vec<AdoptionFault>> {
        let mut row = Row::read(value)?;
        let account = AdoptedAccount {
            email: Some(row.email.clone()),
            username: row.username.clone(),
            hash: row.hash.take(),
            subject: row.subject.clone().map(Subject),
        };
        let accounts = self.connector.accounts().ok_or_else(Vec::new)?;
        let (subject, credential) = accounts.import(account)?;
        let user_id = UserId::parse(format!("{}|{}", self.connection.strategy, subject.0))
            .map_err(|_unusable| vec![fault("PATTERN", "user_id", "The id cannot be used.")])?;
        self.once(&row)?;
        Ok(Prepared { position: 0, row, user_id, subject, credential, given: Value::Null })
    }

    /// Refuse a row that has a name which an earlier one has.
    fn once(&mut self, row: &Row) -> Result<(), Vec<AdoptionFault>> {
        let names: Vec<(Kind, u64)> =
            row.identifiers().map(|(kind, name)| (kind, self.hasher.hash_one((kind, name)))).collect();
        let again: Vec<_> = names
            .iter()
            .filter(|(_, hash)| self.seen.contains(hash))
            .map(|(kind, _)| taken(*kind, "an earlier row of the file"))
            .collect();
        if !again.is_empty() {
            return Err(again);
        }
        self.seen.extend(names.into_iter().map(|(_, hash)| hash));
        Ok(())
    }

    /// Write all that was taken in, and what it means for the job, in one unit of work. Somebody who signed up in the very
    /// moment makes it look again.
    pub async fn write(&mut self, store: &dyn Store, step: Option<JobStep>) -> Result<Batch, StoreError> {
        let rows = Arc::new(std::mem::take(&mut self.rows));
        let refused = std::mem::take(&mut self.refused);
        let step = step.map(Arc::new);
        let mut attempts = 0;
        loop {
            let unit = Unit {
                connection: Arc::clone(&self.connection),
                rows: Arc::clone(&rows),
                refused: refused.clone(),
                upsert: self.upsert,
                at: self.clock.now(),
                step: step.clone(),
            };
            attempts += 1;
            match store.write(move |work| Box::pin(async move { unit.run(work).await })).await {
                Err(StoreError::Conflict(_)) if attempts < ATTEMPTS => {}
                written => return written,
            }
        }
    }
}

/// How often a batch is tried whose rows others make at the same time.
const ATTEMPTS: u32 = 5;

struct Unit {
    connection: Arc<Connection>,
    rows: Arc<Vec<Prepared>>,
    refused: Vec<JobError>,
    upsert: bool,
    at: Timestamp,
    step: Option<Arc<JobStep>>,
}

impl Unit {
    async fn run(self, unit: &mut (dyn crate::port::store::UnitOfWork + '_)) -> Result<Batch, StoreError> {
        let Self { connection, rows, refused, upsert, at, step } = self;
        let Written { mut summary, mut errors } = write::write(unit, &connection, &rows, upsert, at).await?;
        summary.failed += i64::try_from(refused.len()).unwrap_or(i64::MAX);
        errors.extend(refused);
        errors.sort_by_key(|error| error.position);
        let Some(step) = step else { return Ok(Batch { summary, errors, job: None }) };
        let mut job = step.job.clone();
        job.summary = job.summary.and(summary);
        job.done += summary.failed + summary.inserted + summary.updated;
        job.attempts = 0;
        job.revision += 1;
        job.updated_at = at;
        if let Some(event) = &step.last {
            job.status = crate::model::JobStatus::Completed;
            let mut event = event.clone();
            event.details.insert("summary".to_owned(), serde_json::json!(job.summary));
            unit.events().insert(&event).await?;
            unit.jobs().delete_parts(&job.id).await?;
        }
        unit.jobs().push_errors(&job.id, &errors).await?;
        unit.jobs().advance(&job, step.until).await?;
        Ok(Batch { summary, errors, job: Some(job) })
    }
}
