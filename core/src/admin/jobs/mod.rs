//! Owns how administrators have work done that takes longer than a request: imports, exports, messages, and the end of
//! connections (contract §2.10).
//! Never touches the running of it: a worker does that, batch by batch.

mod import;
mod row;
mod write;

pub use import::{Batch, IMPORT_BATCH, Importer, JobStep};

use super::{
    Actor, Admin, AdminError,
    actor::About,
    connections::keeps_accounts,
    users::{found, no_accounts},
};
use crate::{
    id::{ConnectionId, JobId, UserId},
    model::{Connection, ExportField, ExportFormat, Job, JobError, JobStatus, JobSummary, JobTask},
    port::store::UnitOfWork,
    secret::Secret,
    time::Timestamp,
};
use serde_json::Value;

/// Users to be, in a file.
#[derive(Clone, Debug)]
pub struct ImportDraft {
    /// Into which connection.
    pub connection_id: ConnectionId,
    /// The file: a JSON array of at most 500 KB.
    pub file: String,
    /// Whether users who exist are changed, rather than being errors.
    pub upsert: bool,
    /// What whoever asks calls it.
    pub external_id: Option<String>,
}

/// A file of users to be made.
#[derive(Clone, Debug)]
pub struct ExportDraft {
    /// Of which connection; of all of them if none is named.
    pub connection_id: Option<ConnectionId>,
    /// What it looks like.
    pub format: ExportFormat,
    /// Which fields it has; the format's usual ones if none are named.
    pub fields: Vec<ExportField>,
    /// At most so many users.
    pub limit: Option<i64>,
}

/// Imports that go on at once (contract §2.10).
const MOST_IMPORTS: u32 = 2;
/// Exports that go on at once.
const MOST_EXPORTS: u32 = 4;
/// Users who are deleted with their connection at once; where there are more, a job does it.
const AT_ONCE: i64 = 200;

impl Admin {
    /// Have users imported. The file is kept, encrypted, until that is done.
    pub async fn import_users(&self, actor: &Actor, draft: ImportDraft) -> Result<Job, AdminError> {
        let rows = serde_json::from_str::<Vec<Value>>(&draft.file).map_err(|_malformed| {
            AdminError::body(
                "Failed to parse users file JSON when importing users. Make sure it is valid JSON.",
            )
        })?;
        if rows.is_empty() {
            return Err(AdminError::body("Users file must not be empty."));
        }
        let connection = self.job_connection(&draft.connection_id).await?;
        importable(&connection)?;
        let task = JobTask::UsersImport { upsert: draft.upsert };
        let mut job = self.new_job(task, Some(&connection));
        job.external_id = draft.external_id;
        job.total = i64::try_from(rows.len()).ok();
        let event = self.wrote(actor, "Create a job to import users", About::connection(&connection.id));
        let (file, until) = (Secret::new(draft.file), self.clock.now());
        self.write(event, move |unit| {
            Box::pin(async move {
                if !unit.jobs().insert(&job, Some(MOST_IMPORTS)).await? {
                    return Err(too_many("import", MOST_IMPORTS, until));
                }
                unit.jobs().push_part(&job.id, 0, &file).await?;
                Ok(job)
            })
        })
        .await
    }

    /// Have users exported.
    pub async fn export_users(&self, actor: &Actor, draft: ExportDraft) -> Result<Job, AdminError> {
        let connection = match &draft.connection_id {
            Some(id) => Some(self.job_connection(id).await?),
            None => None,
        };
        let ExportDraft { format, fields, limit, .. } = draft;
        let job = self.new_job(JobTask::UsersExport { format, fields, limit }, connection.as_ref());
        let event = self.wrote(actor, "Create a job to export users", About::resource(job.id.as_str()));
        let until = self.clock.now();
        self.write(event, move |unit| {
            Box::pin(async move {
                let added = unit.jobs().insert(&job, Some(MOST_EXPORTS)).await?;
                if added { Ok(job) } else { Err(too_many("export", MOST_EXPORTS, until)) }
            })
        })
        .await
    }

    /// Have a user asked by mail to show that their address is theirs.
    pub async fn send_verification(&self, actor: &Actor, id: &UserId) -> Result<Job, AdminError> {
        let mails = self.verification_mails();
        let job = Job { status: JobStatus::Completed, ..self.new_job(JobTask::VerificationEmail, None) };
        let event = self.wrote(actor, "Send a verification email", About::user(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let user = found(unit, &id).await?;
                let connection = match user.identities.first() {
                    Some(identity) => unit.connections().find(&identity.connection_id).await?,
                    None => None,
                };
                let connection = connection.ok_or_else(no_accounts)?;
                if !keeps_accounts(&connection.strategy) {
                    return Err(not_a_database());
                }
                mails.ask(unit, &user, &connection).await?;
                unit.jobs().insert(&job, None).await?;
                Ok(job)
            })
        })
        .await
    }

    /// One job.
    pub async fn job(&self, id: &JobId) -> Result<Job, AdminError> {
        let missing = || AdminError::missing("inexistent_job", "Job not found.");
        self.store.read(|unit| Box::pin(async move { unit.jobs().find(id).await?.ok_or_else(missing) })).await
    }

    /// Rows that a job refused, from this position on, at most so many.
    pub async fn job_errors(&self, id: &JobId, from: i64, take: i64) -> Result<Vec<JobError>, AdminError> {
        let missing = || AdminError::missing("inexistent_job", "The job does not exist");
        self.store
            .read(|unit| {
                Box::pin(async move {
                    unit.jobs().find(id).await?.ok_or_else(missing)?;
                    Ok(unit.jobs().errors(id, from, take).await?)
                })
            })
            .await
    }

    /// A part of the file that an export has made; none behind the last.
    pub async fn export_part(&self, id: &JobId, number: i64) -> Result<Option<Secret>, AdminError> {
        self.store.read(|unit| Box::pin(async move { Ok(unit.jobs().part(id, number).await?) })).await
    }

    /// Delete a connection with its users. It is gone at once, and its users can do nothing any more; where they are many,
    /// a job deletes them bit by bit, and is handed back. Nothing happens if there is no such connection.
    pub async fn delete_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
    ) -> Result<Option<Job>, AdminError> {
        let event = self.wrote(actor, "Delete a connection", About::connection(id));
        let found = self
            .store
            .read(|unit| Box::pin(async move { Ok::<_, AdminError>(unit.connections().find(id).await?) }));
        let job = found.await?.map(|connection| self.new_job(JobTask::ConnectionDeletion, Some(&connection)));
        let (id, at) = (id.clone(), self.clock.now());
        self.write(event, move |unit| {
            Box::pin(async move {
                let Some(mut job) = job else { return Ok(None) };
                if !unit.connections().retire(&id, at).await? {
                    return Ok(None);
                }
                let deleted = unit.connections().delete_users(&id, AT_ONCE).await?;
                job.done = i64::try_from(deleted).unwrap_or(AT_ONCE);
                if job.done < AT_ONCE {
                    unit.connections().delete(&id).await?;
                    job.total = Some(job.done);
                    job.status = JobStatus::Completed;
                }
                unit.jobs().insert(&job, None).await?;
                Ok(Some(job))
            })
        })
        .await
    }

    async fn job_connection(&self, id: &ConnectionId) -> Result<Connection, AdminError> {
        let missing = || AdminError::Invalid {
            code: "inexistent_connection",
            message: "The connection does not exist.".to_owned(),
        };
        self.store
            .read(|unit| Box::pin(async move { unit.connections().find(id).await?.ok_or_else(missing) }))
            .await
    }

    fn new_job(&self, task: JobTask, connection: Option<&Connection>) -> Job {
        let at = self.clock.now();
        Job {
            id: JobId::random(self.entropy.as_ref()),
            task,
            status: JobStatus::Pending,
            connection_id: connection.map(|connection| connection.id.clone()),
            connection: connection.map(|connection| connection.name.clone()),
            external_id: None,
            done: 0,
            total: None,
            summary: JobSummary::default(),
            cursor: None,
            failure: None,
            attempts: 0,
            revision: 1,
            created_at: at,
            updated_at: at,
        }
    }
}

/// Whether users may be imported into a connection, in the words of contract §2.10 and §5.2.
fn importable(connection: &Connection) -> Result<(), AdminError> {
    if !keeps_accounts(&connection.strategy) {
        return Err(not_a_database());
    }
    if connection.enabled_clients.is_empty() {
        return Err(AdminError::body("Connection must be enabled."));
    }
    let says = |name: &str| connection.options.get(name).and_then(Value::as_bool) == Some(true);
    if says("enabledDatabaseCustomization") && !says("import_mode") {
        return Err(AdminError::body("Custom Database Connections without import mode are not allowed."));
    }
    Ok(())
}

fn not_a_database() -> AdminError {
    AdminError::body("Connection must be a database connection.")
}

fn too_many(what: &str, most: u32, until: Timestamp) -> AdminError {
    let message = format!(
        "There are {most} active {what} users jobs, please wait until some of them are finished and try again"
    );
    AdminError::TooMany { until, message }
}

/// A unit of a connection's end: some of its users, or what is left when there are none. Whether that was all.
pub async fn delete_some_users(
    unit: &mut (dyn UnitOfWork + '_),
    id: &ConnectionId,
    job: &mut Job,
) -> Result<bool, crate::port::store::StoreError> {
    let deleted = unit.connections().delete_users(id, AT_ONCE).await?;
    job.done += i64::try_from(deleted).unwrap_or(AT_ONCE);
    if deleted > 0 {
        return Ok(false);
    }
    unit.connections().delete(id).await?;
    Ok(true)
}
