//! Owns [`Jobs`] in SQL. Parts of files are sealed.
//! Never touches what jobs do.

use crate::{
    seal::JOB_PART_CONTENT,
    sql::{FromRow, JsonText, Row, Sql, Value, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::JobId,
    model::{Job, JobError},
    port::store::{Jobs, StoreError},
    secret::Secret,
    time::Timestamp,
};

impl FromRow for Job {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        // What a claim changes is in the columns; the document is as the last writer left it.
        Ok(Self { revision: row.get("revision")?, ..row.json("document")? })
    }
}

/// A refused row.
struct StoredError(JobError);

impl FromRow for StoredError {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.json("document").map(Self)
    }
}

/// A part, opened.
struct Part(Secret);

impl FromRow for Part {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: String = row.get("part_id")?;
        row.open_text(&JOB_PART_CONTENT, &id).map(Self)
    }
}

/// The key of a part: it sorts as the parts do.
fn part_id(job: &JobId, number: i64) -> String {
    format!("{job}.{number:010}")
}

#[async_trait]
impl<S: Session> Jobs for SqlUnit<S> {
    async fn find(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.optional(sql!("SELECT document, revision FROM jobs WHERE job_id = $1", id)).await
    }

    async fn insert(&mut self, job: &Job, most: Option<u32>) -> Result<bool, StoreError> {
        let due = (!job.status.is_final()).then_some(Timestamp(0));
        // Each slot once: two requests at the same time cannot both have the last one.
        let slots =
            most.filter(|_| due.is_some()).map_or_else(|| vec![None], |most| (0..most).map(Some).collect());
        for slot in slots {
            let added = self
                .changed(sql!(
                    "INSERT INTO jobs (job_id, kind, slot, document, revision, due_at, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, slot) DO NOTHING",
                    &job.id,
                    job.task.name(),
                    slot.map(i64::from),
                    JsonText(job).encode()?,
                    job.revision,
                    due,
                    job.created_at,
                ))
                .await?;
            if added {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn claim(&mut self, now: Timestamp, until: Timestamp) -> Result<Option<Job>, StoreError> {
        // The condition is repeated outside: on PostgreSQL it is then looked at again for a row that another node has
        // taken while this one waited for it.
        let claimed: Option<Job> = self
            .optional(sql!(
                "UPDATE jobs SET due_at = $2, revision = revision + 1
                 WHERE due_at <= $1 AND job_id =
                     (SELECT job_id FROM jobs WHERE due_at <= $1 ORDER BY created_at, job_id LIMIT 1)
                 RETURNING document, revision",
                now,
                until,
            ))
            .await?;
        let Some(mut job) = claimed else { return Ok(None) };
        job.status = portico_core::model::JobStatus::Processing;
        job.attempts += 1;
        self.execute(sql!(
            "UPDATE jobs SET document = $2 WHERE job_id = $1",
            &job.id,
            JsonText(&job).encode()?
        ))
        .await?;
        Ok(Some(job))
    }

    async fn advance(&mut self, job: &Job, until: Timestamp) -> Result<(), StoreError> {
        let due = (!job.status.is_final()).then_some(until);
        let swapped = self
            .changed(sql!(
                "UPDATE jobs SET document = $2, revision = $3, due_at = $4,
                     slot = CASE WHEN CAST($4 AS BIGINT) IS NULL THEN NULL ELSE slot END
                 WHERE job_id = $1 AND revision + 1 = $3",
                &job.id,
                JsonText(job).encode()?,
                job.revision,
                due,
            ))
            .await?;
        if swapped { Ok(()) } else { Err(StoreError::Stale) }
    }

    async fn push_part(&mut self, id: &JobId, number: i64, content: &Secret) -> Result<(), StoreError> {
        let part = part_id(id, number);
        let sealed = self.vault.seal(&JOB_PART_CONTENT, &part, content.expose().as_bytes())?;
        self.execute(sql!(
            "INSERT INTO job_parts (part_id, job_id, content) VALUES ($1, $2, $3)",
            part,
            id,
            sealed
        ))
        .await
        .map(drop)
    }

    async fn part(&mut self, id: &JobId, number: i64) -> Result<Option<Secret>, StoreError> {
        let part = part_id(id, number);
        let found = sql!("SELECT part_id, content FROM job_parts WHERE part_id = $1", part);
        Ok(self.optional(found).await?.map(|Part(content)| content))
    }

    async fn delete_parts(&mut self, id: &JobId) -> Result<(), StoreError> {
        self.execute(sql!("DELETE FROM job_parts WHERE job_id = $1", id)).await.map(drop)
    }

    async fn push_errors(&mut self, id: &JobId, errors: &[JobError]) -> Result<(), StoreError> {
        for some in errors.chunks(ROWS) {
            let rows = some
                .iter()
                .map(|error| Ok([id.into(), Value::Integer(error.position), JsonText(error).encode()?]))
                .collect::<Result<Vec<[Value<'_>; 3]>, StoreError>>()?;
            let insert = Sql::new("INSERT INTO job_errors (job_id, position, document) VALUES ");
            self.execute(insert.bind_rows(rows)).await?;
        }
        Ok(())
    }

    async fn errors(&mut self, id: &JobId, from: i64, take: i64) -> Result<Vec<JobError>, StoreError> {
        let found = sql!(
            "SELECT document FROM job_errors WHERE job_id = $1 AND position >= $2 ORDER BY position LIMIT $3",
            id,
            from,
            take.max(0),
        );
        Ok(self.all(found).await?.into_iter().map(|StoredError(error)| error).collect())
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM jobs WHERE created_at < $1 AND due_at IS NULL", before)).await
    }
}

/// Rows in one statement.
const ROWS: usize = 100;
