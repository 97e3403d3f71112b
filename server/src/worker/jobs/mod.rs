//! Owns the running of jobs: one at a time on each node, batch by batch, so that any node can go on where one stopped.
//! Never touches what a row of an import means: the core does.

mod csv;
mod export;

use super::Stop;
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::{
    admin::{AdminError, IMPORT_BATCH, Importer, JobStep, delete_some_users},
    entropy::Entropy,
    id::ConnectionId,
    login::Connectors,
    model::{AuditEvent, Connection, EventKind, Job, JobStatus, JobTask},
    port::store::{Page, Store, StoreError, UserFilter},
    secret::Secret,
    time::{Clock, Timestamp},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Runs the jobs of a store. Several nodes may do so at once: a job is one's for as long as it writes.
pub struct Jobs {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    connectors: Arc<dyn Connectors>,
}

/// How long a node may take for one batch before another may take its job.
const LEASE: Duration = Duration::from_mins(1);
/// How often new jobs are looked for.
const PERIOD: Duration = Duration::from_secs(1);
/// How long after it was asked for an import or an export is given up (contract §2.10).
const LONGEST: Duration = Duration::from_hours(2);
/// How often a job is taken without getting on before it is given up.
const ATTEMPTS: i64 = 5;
/// Users in one part of an export.
const EXPORT_BATCH: i64 = 1_000;

/// Why a job is not gone on with.
#[derive(Debug)]
enum Halt {
    /// It never will be, for this reason.
    Failed(String),
    /// The store did not do what was asked; the job is taken up again when its time is up.
    Store(StoreError),
    /// The process is to stop; the job is taken up again by whoever starts next.
    Stopping(Box<Job>),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Jobs {
    /// Of this store.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        connectors: Arc<dyn Connectors>,
    ) -> Self {
        Self { store, clock, entropy, connectors }
    }

    /// Run jobs until asked to stop. A batch that was begun is finished.
    pub async fn run(&self, mut stop: Stop) {
        loop {
            let more = self.run_next(&stop).await.unwrap_or_else(|error| {
                tracing::error!(%error, "a job cannot be read or written; trying again");
                false
            });
            if stop.requested_before_next(more, PERIOD).await {
                return;
            }
        }
    }

    /// Run the next job to its end; whether there was one.
    pub async fn run_next(&self, stop: &Stop) -> Result<bool, StoreError> {
        let (now, until) = self.lease();
        let claim = self.store.write::<_, StoreError, _>(move |unit| {
            Box::pin(async move { unit.jobs().claim(now, until).await })
        });
        let Some(job) = claim.await? else { return Ok(false) };
        let (id, revision) = (job.id.clone(), job.revision);
        let done = match self.hopeless(&job) {
            Some(why) => Err(Halt::Failed(why)),
            None => self.work(job, stop).await,
        };
        match done {
            Ok(()) => {}
            Err(Halt::Failed(why)) => self.give_up(&id, why).await?,
            Err(Halt::Stopping(job)) => self.release(*job).await?,
            // Another node has it.
            Err(Halt::Store(StoreError::Stale)) => tracing::debug!(job.id = %id, revision, "a job was lost"),
            Err(Halt::Store(error)) => return Err(error),
        }
        Ok(true)
    }

    fn lease(&self) -> (Timestamp, Timestamp) {
        let now = self.clock.now();
        (now, now.plus(LEASE))
    }

    fn hopeless(&self, job: &Job) -> Option<String> {
        let lasts = self.clock.now().since(job.created_at);
        if job.task != JobTask::ConnectionDeletion && lasts > LONGEST {
            return Some("It was not done within two hours.".to_owned());
        }
        (job.attempts > ATTEMPTS).then(|| format!("It was tried {ATTEMPTS} times and did not get on."))
    }

    async fn work(&self, job: Job, stop: &Stop) -> Result<(), Halt> {
        match &job.task {
            JobTask::UsersImport { upsert } => {
                let upsert = *upsert;
                self.import(job, upsert, stop).await
            }
            JobTask::UsersExport { .. } => self.export(job, stop).await,
            JobTask::ConnectionDeletion => self.delete(job, stop).await,
            JobTask::VerificationEmail => Err(Halt::Failed("There is nothing to do.".to_owned())),
        }
    }

    async fn import(&self, mut job: Job, upsert: bool, stop: &Stop) -> Result<(), Halt> {
        let (connection, rows) = self.what_to_import(&job).await?;
        let event = self.event(EventKind::UsersImported, &job, "Users were imported");
        let refused = |error: AdminError| Halt::Failed(error.to_string());
        let clock = Arc::clone(&self.clock);
        let importer = Importer::new(connection, &*self.connectors, clock, upsert).await;
        let mut importer = importer.map_err(refused)?;
        let done = usize::try_from(job.done).unwrap_or(0);
        let total = rows.len();
        let mut rows = rows.into_iter().enumerate();
        for (_, row) in rows.by_ref().take(done) {
            importer.pass(&row);
        }
        loop {
            for (position, row) in rows.by_ref().take(IMPORT_BATCH) {
                importer.take(i64::try_from(position).unwrap_or(i64::MAX), row);
            }
            let last = rows.len() == 0;
            let (_, until) = self.lease();
            let step = JobStep { job, until, last: last.then(|| event.clone()) };
            let written = importer.write(&*self.store, Some(step)).await?;
            let Some(now) = written.job else { return Ok(()) };
            tracing::debug!(job.id = %now.id, done = now.done, total, "imported users");
            if last {
                return Ok(());
            }
            if stop.is_requested() {
                return Err(Halt::Stopping(Box::new(now)));
            }
            job = now;
        }
    }

    async fn what_to_import(&self, job: &Job) -> Result<(Connection, Vec<Value>), Halt> {
        let (id, connection) = (job.id.clone(), job.connection_id.clone());
        let (connection, file) = self
            .store
            .read::<_, StoreError, _>(|unit| {
                Box::pin(async move {
                    let connection = match connection {
                        Some(connection) => unit.connections().find(&connection).await?,
                        None => None,
                    };
                    Ok((connection, unit.jobs().part(&id, 0).await?))
                })
            })
            .await?;
        let connection = connection.ok_or_else(|| Halt::Failed("The connection was deleted.".to_owned()))?;
        let rows = file.and_then(|file| serde_json::from_str(file.expose()).ok());
        rows.map(|rows| (connection, rows))
            .ok_or_else(|| Halt::Failed("The file of users is not there any more.".to_owned()))
    }

    async fn export(&self, mut job: Job, stop: &Stop) -> Result<(), Halt> {
        let JobTask::UsersExport { format, fields, limit } = job.task.clone() else { return Ok(()) };
        let sheet = export::Sheet::new(format, fields);
        let filter = UserFilter { connection: job.connection.clone(), ..UserFilter::default() };
        if job.total.is_none() {
            let counted = self.store.read::<_, StoreError, _>(|unit| {
                let filter = &filter;
                Box::pin(async move { unit.users().count(filter).await })
            });
            job.total = Some(counted.await?.min(limit.unwrap_or(i64::MAX)));
        }
        loop {
            let left = limit.map_or(EXPORT_BATCH, |limit| (limit - job.done).clamp(0, EXPORT_BATCH));
            let place = export::Place::read(job.cursor.as_deref());
            let page = Page { after: place.after.clone(), ..Page::first(left) };
            let users = self
                .store
                .read::<_, StoreError, _>(|unit| {
                    let (filter, page) = (&filter, &page);
                    Box::pin(async move { unit.users().list(filter, page).await })
                })
                .await?;
            let content = sheet.part(&users, place.part == 0);
            let content =
                content.map_err(|error| Halt::Failed(format!("The file cannot be written: {error}")))?;
            let content = Secret::new(STANDARD.encode(content));
            let last = i64::try_from(users.len()).unwrap_or(0) < left || left < EXPORT_BATCH;
            job.done += i64::try_from(users.len()).unwrap_or(0);
            job.cursor = place.behind(users.last());
            job.status = if last { JobStatus::Completed } else { JobStatus::Processing };
            let part = place.part;
            job = self
                .advance(job, move |unit, job| {
                    Box::pin(async move { unit.jobs().push_part(&job.id, part, &content).await })
                })
                .await?;
            if last {
                return Ok(());
            }
            if stop.is_requested() {
                return Err(Halt::Stopping(Box::new(job)));
            }
        }
    }

    async fn delete(&self, mut job: Job, stop: &Stop) -> Result<(), Halt> {
        let Some(id) = job.connection_id.clone() else {
            return Err(Halt::Failed("It is about no connection.".to_owned()));
        };
        if job.total.is_none() {
            job.total = Some(job.done + self.retired_users(&id).await?);
        }
        let event =
            self.event(EventKind::UserDeleted, &job, "The users of a deleted connection were deleted");
        loop {
            let (id, event, at, (_, until)) = (id.clone(), event.clone(), self.clock.now(), self.lease());
            let done = self.store.write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    let all = delete_some_users(unit, &id, &mut job).await?;
                    job.attempts = 0;
                    job.revision += 1;
                    job.updated_at = at;
                    if all {
                        job.status = JobStatus::Completed;
                        unit.events().insert(&event).await?;
                    }
                    unit.jobs().advance(&job, until).await?;
                    Ok(job)
                })
            });
            job = done.await?;
            if job.status.is_final() {
                return Ok(());
            }
            if stop.is_requested() {
                return Err(Halt::Stopping(Box::new(job)));
            }
        }
    }

    /// How many users a retired connection has left, by the name that it has since.
    async fn retired_users(&self, id: &ConnectionId) -> Result<i64, StoreError> {
        let filter = UserFilter { connection: Some(format!("~{id}")), ..UserFilter::default() };
        self.store.read(|unit| Box::pin(async move { unit.users().count(&filter).await })).await
    }

    /// Write what a batch came to, with the job, in one unit of work.
    async fn advance<F>(&self, job: Job, work: F) -> Result<Job, StoreError>
    where
        F: for<'u> FnOnce(
                &'u mut (dyn portico_core::port::store::UnitOfWork + 'static),
                &'u Job,
            ) -> portico_core::port::store::BoxFuture<'u, Result<(), StoreError>>
            + Send
            + 'static,
    {
        let (now, until) = self.lease();
        let job = Job { attempts: 0, revision: job.revision + 1, updated_at: now, ..job };
        self.store
            .write(move |unit| {
                Box::pin(async move {
                    work(&mut *unit, &job).await?;
                    unit.jobs().advance(&job, until).await?;
                    Ok(job)
                })
            })
            .await
    }

    /// Let whoever comes next take it at once.
    async fn release(&self, job: Job) -> Result<(), StoreError> {
        let now = self.clock.now();
        let job = Job { revision: job.revision + 1, updated_at: now, ..job };
        self.store.write(move |unit| Box::pin(async move { unit.jobs().advance(&job, now).await })).await
    }

    async fn give_up(&self, id: &portico_core::id::JobId, why: String) -> Result<(), StoreError> {
        let found =
            self.store.read::<_, StoreError, _>(|unit| Box::pin(async move { unit.jobs().find(id).await }));
        let Some(job) = found.await? else { return Ok(()) };
        tracing::error!(job.id = %job.id, why, "a job is given up");
        let kind = match job.task {
            JobTask::UsersImport { .. } => EventKind::UsersImportFailed,
            JobTask::UsersExport { .. } | JobTask::VerificationEmail | JobTask::ConnectionDeletion => {
                EventKind::Warning
            }
        };
        let event = self.event(kind, &job, &why);
        let job = Job { status: JobStatus::Failed, failure: Some(why), ..job };
        let done = self.advance(job, move |unit, job| {
            Box::pin(async move {
                unit.events().insert(&event).await?;
                unit.jobs().delete_parts(&job.id).await
            })
        });
        done.await.map(drop)
    }

    fn event(&self, kind: EventKind, job: &Job, what: &str) -> AuditEvent {
        let mut event = AuditEvent::new(kind, self.clock.now(), &*self.entropy);
        event.description = Some(what.to_owned());
        event.connection_id.clone_from(&job.connection_id);
        event.connection.clone_from(&job.connection);
        event.details.insert("job_id".to_owned(), Value::from(job.id.as_str()));
        event
    }
}
