//! Owns `SQLite`: one unit at a time writes, every thread reads.
//! Never touches what is in a unit of work.
//!
//! The writer commits units in groups: those after the first run in savepoints of its transaction, and none is
//! acknowledged before that transaction is committed. A unit is therefore as durable as if it had been committed alone,
//! and 64 of them cost one `fsync`. Units that wait for no disk run on their callers' threads while nobody else writes,
//! as those that read do.

use crate::{
    migrate::{self, Migration, Schema},
    seal::{Keks, Vault},
    sql::{Cells, FromRow, JsonText, Row, Sql, Value},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use futures_util::FutureExt;
use portico_core::port::store::{Durability, Store, StoreError, Verdict, Work};
use rusqlite::{
    CachedStatement, Connection, Error, ErrorCode, OpenFlags, ToSql,
    ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE},
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::de::DeserializeOwned;
use std::{
    cell::Cell,
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use thread_local::ThreadLocal;
use tokio::sync::{mpsc, oneshot};

/// Units in one commit.
const GROUP: usize = 64;
/// Units waiting for the writer; beyond that, callers wait.
const QUEUE: usize = 1024;
/// Prepared statements a connection keeps.
const STATEMENTS: usize = 256;
/// How long to wait for another process.
const BUSY: Duration = Duration::from_secs(5);
/// Rows changed until the log is copied into the file: about as many pages as `SQLite` itself would wait for.
const CHECKPOINT: u64 = 500;
/// Page caches in KiB (negative by `SQLite`'s convention). No `mmap`: what is mapped counts as memory of the process,
/// and an I/O error in it ends the process.
const WRITER_PAGES: i64 = -8192;
const READER_PAGES: i64 = -2048;
/// Bytes the write-ahead log is cut down to after a checkpoint.
const LOG: i64 = 64 * 1024 * 1024;

/// A store in one file.
pub(crate) struct SqliteStore {
    path: PathBuf,
    vault: Arc<Vault>,
    writer: Arc<Mutex<Writer>>,
    queue: mpsc::Sender<Job>,
    /// A unit is taken out while it runs, so a read within a read gets a connection of its own.
    readers: ThreadLocal<Cell<Option<SqlUnit<Connection>>>>,
}

struct Job {
    work: Work<'static>,
    durability: Durability,
    acknowledge: oneshot::Sender<Result<(), StoreError>>,
}

impl SqliteStore {
    /// Open the file, or create it, and bring its schema up to date.
    pub(crate) async fn open(
        path: impl Into<PathBuf>,
        migrations: &[Migration],
        schema: Schema,
        keks: &Keks,
    ) -> Result<Self, StoreError> {
        let path = path.into();
        let mut unit = unit(&path)?;
        unit.vault = Arc::new(migrate::prepare(&mut unit, migrations, schema, keks).await?);
        let vault = Arc::clone(&unit.vault);
        let (queue, jobs) = mpsc::channel(QUEUE);
        let writer = Arc::new(Mutex::new(Writer { unit, durability: Durability::Now, checkpointed: 0 }));
        let theirs = Arc::clone(&writer);
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || write(&theirs, jobs))
            .map_err(StoreError::backend)?;
        Ok(Self { path, vault, writer, queue, readers: ThreadLocal::new() })
    }

    /// Run a unit that waits for no disk on this thread, if nobody writes or waits to; else it comes back.
    fn write_here(
        &self,
        work: Work<'static>,
        durability: Durability,
    ) -> Result<Result<(), StoreError>, Work<'static>> {
        if durability == Durability::Now || self.queue.capacity() < self.queue.max_capacity() {
            return Err(work);
        }
        let Ok(mut writer) = self.writer.try_lock() else { return Err(work) };
        if writer.is_due() {
            return Err(work);
        }
        Ok(writer.write_alone(work))
    }

    fn reader(&self) -> Result<SqlUnit<Connection>, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(failure)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(BUSY).map_err(failure)?;
        connection.pragma_update(None, "cache_size", READER_PAGES).map_err(failure)?;
        Ok(SqlUnit::new(connection, Arc::clone(&self.vault)))
    }
}

/// A unit that may write, with its vault locked. Makes the file if there is none, for its owner's eyes only.
pub(crate) fn unit(path: &Path) -> Result<SqlUnit<Connection>, StoreError> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(StoreError::backend(error)),
        _made_or_there => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(BUSY).map_err(failure)?;
    write_ahead(&connection).map_err(failure)?;
    // What a savepoint or a statement may have to take back is a few pages: kept in memory, not in a temporary file.
    let settings = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY";
    connection.execute_batch(settings).map_err(failure)?;
    connection.pragma_update(None, "cache_size", WRITER_PAGES).map_err(failure)?;
    connection.pragma_update(None, "journal_size_limit", LOG).map_err(failure)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failure)?;
    Ok(SqlUnit::new(connection, Arc::default()))
}

/// Switch to the write-ahead log. `SQLite` does not wait for others here, whatever the busy timeout.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    const STEP: Duration = Duration::from_millis(10);
    let mut left = BUSY;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && !left.is_zero() => {
                thread::sleep(STEP);
                left = left.saturating_sub(STEP);
            }
            switched => return switched,
        }
    }
}

/// Copy a store that may be in use, as it was at one instant, into a new file (`SQLite`'s online backup).
pub(crate) fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(StoreError::backend)?;
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failure)?;
    source.busy_timeout(BUSY).map_err(failure)?;
    let mut copy = Connection::open(to).map_err(failure)?;
    // All pages in one step: a step holds a read snapshot, which under the write-ahead log keeps nobody from writing.
    let copying = rusqlite::backup::Backup::new(&source, &mut copy).map_err(failure)?;
    copying.run_to_completion(i32::MAX, Duration::ZERO, None).map_err(failure)
}

/// Structural faults, and rows that refer to rows that are not there.
pub(crate) fn faults(path: &Path) -> Result<Vec<String>, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failure)?;
    connection.busy_timeout(BUSY).map_err(failure)?;
    let mut check = connection.prepare("PRAGMA integrity_check").map_err(failure)?;
    let lines = check.query_map([], |row| row.get::<_, String>(0)).map_err(failure)?;
    let mut faults: Vec<String> = lines.collect::<Result<_, _>>().map_err(failure)?;
    faults.retain(|line| line != "ok");
    let mut check = connection.prepare("PRAGMA foreign_key_check").map_err(failure)?;
    let orphans = check
        .query_map([], |row| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            Ok(format!("a row of {table} refers to a row of {parent} that is not there"))
        })
        .map_err(failure)?;
    faults.extend(orphans.collect::<Result<Vec<_>, _>>().map_err(failure)?);
    Ok(faults)
}

#[async_trait]
impl Store for SqliteStore {
    async fn run_write(&self, work: Work<'static>, durability: Durability) -> Result<(), StoreError> {
        let work = match self.write_here(work, durability) {
            Ok(written) => return written,
            Err(work) => work,
        };
        let (acknowledge, acknowledged) = oneshot::channel();
        let gone = || StoreError::backend("the writer thread has ended");
        self.queue.send(Job { work, durability, acknowledge }).await.map_err(|_unsent| gone())?;
        acknowledged.await.map_err(|_unanswered| gone())?
    }

    async fn run_read<'a>(&'a self, work: Work<'a>) -> Result<(), StoreError> {
        let mine = self.readers.get_or_default();
        let mut unit = mine.take().map_or_else(|| self.reader(), Ok)?;
        let read = read_unit(&mut unit, work);
        mine.set(Some(unit));
        read
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.run_write(Box::new(|_| Box::pin(async { Verdict::Keep })), Durability::Now).await
    }
}

/// The connection that writes.
struct Writer {
    unit: SqlUnit<Connection>,
    /// How durable its next commit is.
    durability: Durability,
    /// Rows that had changed when the log was last copied into the file.
    checkpointed: u64,
}

/// The writer thread, until the last handle of the store is gone.
fn write(writer: &Mutex<Writer>, mut jobs: mpsc::Receiver<Job>) {
    let mut answers = Vec::with_capacity(GROUP);
    let mut next = jobs.blocking_recv();
    while let Some(first) = next {
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (committed, left) = writer.write_group(first, &mut jobs, &mut answers);
        for (acknowledge, answer) in answers.drain(..) {
            // Even a unit that failed may have failed because of what has not been committed now.
            let _ = acknowledge.send(committed.clone().and(answer));
        }
        writer.checkpoint_if_due();
        drop(writer);
        next = left.or_else(|| jobs.blocking_recv());
    }
}

type Answers = Vec<(oneshot::Sender<Result<(), StoreError>>, Result<(), StoreError>)>;

impl Writer {
    /// Run a unit that is alone in its transaction, and waits for no disk.
    fn write_alone(&mut self, work: Work<'static>) -> Result<(), StoreError> {
        match self.write_first(work, Durability::Lazy)? {
            Verdict::Keep => self.commit(),
            Verdict::Undo => Ok(()),
        }
    }

    /// Run units until the queue is empty, or [`GROUP`] have run, or one is to be more durable than the first, and commit
    /// them all. That one is left for the next group.
    fn write_group(
        &mut self,
        first: Job,
        jobs: &mut mpsc::Receiver<Job>,
        answers: &mut Answers,
    ) -> (Result<(), StoreError>, Option<Job>) {
        let Job { work, durability, acknowledge } = first;
        let verdict = self.write_first(work, durability);
        let kept = matches!(verdict, Ok(Verdict::Keep));
        answers.push((acknowledge, verdict.map(drop)));
        if !kept {
            return (Ok(()), None);
        }
        let mut left = None;
        // A full disk makes SQLite roll back on its own; a savepoint would then commit by itself.
        while answers.len() < GROUP && !self.unit.session.is_autocommit() {
            let Ok(job) = jobs.try_recv() else { break };
            if durability == Durability::Lazy && job.durability == Durability::Now {
                left = Some(job);
                break;
            }
            let answer = write_unit(&mut self.unit, job.work);
            answers.push((job.acknowledge, answer));
        }
        (self.commit(), left)
    }

    /// Begin a transaction and run its first unit: it stays open if that is to be kept. The transaction is the unit's own:
    /// a savepoint would only copy every page that it changes.
    fn write_first(&mut self, work: Work<'static>, durability: Durability) -> Result<Verdict, StoreError> {
        sync(&self.unit.session, &mut self.durability, durability)?;
        control(&self.unit.session, "BEGIN IMMEDIATE")?;
        let verdict = attend_now(&mut self.unit, work);
        if !matches!(verdict, Ok(Verdict::Keep)) {
            roll_back(&self.unit.session)?;
        }
        verdict
    }

    fn commit(&self) -> Result<(), StoreError> {
        control(&self.unit.session, "COMMIT").inspect_err(|_| {
            let _ = roll_back(&self.unit.session);
        })
    }

    /// Whether the log should be copied into the file: the writer's thread does that, since it waits for the disk.
    fn is_due(&self) -> bool {
        self.unit.session.total_changes().saturating_sub(self.checkpointed) >= CHECKPOINT
    }

    fn checkpoint_if_due(&mut self) {
        if self.is_due() {
            self.checkpointed = self.unit.session.total_changes();
            // What readers still look at is left for the next time, and so is everything if the disk fails.
            let copied = self.unit.session.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = copied {
                tracing::warn!("the write-ahead log could not be copied into the database: {error}");
            }
        }
    }
}

/// Wait for the disk at the next commit, or not: `SQLite` takes this outside of transactions alone.
fn sync(connection: &Connection, now: &mut Durability, wanted: Durability) -> Result<(), StoreError> {
    if *now != wanted {
        let level = match wanted {
            Durability::Now => "FULL",
            // Under the write-ahead log: a commit is appended to it, and waits for nothing.
            Durability::Lazy => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", level).map_err(failure)?;
        *now = wanted;
    }
    Ok(())
}

/// End the transaction without what it did, unless SQLite has done so on its own.
fn roll_back(connection: &Connection) -> Result<(), StoreError> {
    if connection.is_autocommit() { Ok(()) } else { control(connection, "ROLLBACK") }
}

/// Run one unit so that it can be undone without its neighbours.
fn write_unit(unit: &mut SqlUnit<Connection>, work: Work<'static>) -> Result<(), StoreError> {
    control(&unit.session, "SAVEPOINT unit")?;
    let verdict = attend_now(unit, work);
    if !matches!(verdict, Ok(Verdict::Keep)) {
        control(&unit.session, "ROLLBACK TO unit")?;
    }
    control(&unit.session, "RELEASE unit")?;
    verdict.map(drop)
}

/// Run one unit that reads. In one transaction: the file is locked once, and its pages are looked at once for whether they
/// are still the newest, not at every statement.
fn read_unit(unit: &mut SqlUnit<Connection>, work: Work<'_>) -> Result<(), StoreError> {
    control(&unit.session, "BEGIN")?;
    let verdict = attend_now(unit, work);
    control(&unit.session, "COMMIT")?;
    verdict.map(drop)
}

/// Every statement is ready at once, so one poll sees a unit through.
fn attend_now(unit: &mut SqlUnit<Connection>, work: Work<'_>) -> Result<Verdict, StoreError> {
    unit.attend(work).now_or_never().unwrap_or(Err(StoreError::Foreign))
}

fn control(connection: &Connection, statement: &'static str) -> Result<(), StoreError> {
    connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(failure)
}

impl Session for Connection {
    const ENGINE: &'static str = "sqlite";
    const BEGIN_MIGRATION: &'static str = "BEGIN IMMEDIATE";
    const ORDER_BY_BYTES: &'static str = "";
    const BEGIN_READING: &'static str = "BEGIN";
    const ARRAY_OF: &'static str = "json_group_array";
    const TUPLE: &'static str = "json_array";

    async fn rows<T: FromRow>(&mut self, sql: &Sql<'_>, vault: &Vault) -> Result<Vec<T>, StoreError> {
        let mut statement = prepare(self, sql)?;
        let mut rows = statement.raw_query();
        let mut read = Vec::new();
        while let Some(row) = rows.next().map_err(failure)? {
            read.push(T::from_row(&Row { cells: Cells::Sqlite(row), vault })?);
        }
        Ok(read)
    }

    async fn execute(&mut self, sql: &Sql<'_>) -> Result<u64, StoreError> {
        prepare(self, sql)?.raw_execute().map(|changed| changed as u64).map_err(failure)
    }

    async fn script(&mut self, text: &str) -> Result<(), StoreError> {
        self.execute_batch(text).map_err(failure)
    }

    async fn finish(&mut self, verdict: Verdict) -> Result<(), StoreError> {
        control(self, if verdict == Verdict::Keep { "COMMIT" } else { "ROLLBACK" })
    }
}

/// Prepare a statement and bind its parameters by name.
///
/// To `SQLite` `$2` is a *name*, numbered where it first occurs: binding by position would swap the
/// values of `$2 … $1`. Asking `SQLite` for the names needs no tokenizer of our own that would have to
/// know about literals and comments.
fn prepare<'c>(connection: &'c Connection, sql: &Sql<'_>) -> Result<CachedStatement<'c>, StoreError> {
    let mut statement = connection.prepare_cached(&sql.text).map_err(failure)?;
    let mismatch = || StoreError::backend(format!("placeholders and parameters do not match: {}", sql.text));
    if statement.parameter_count() != sql.params.len() {
        return Err(mismatch());
    }
    for index in 1..=sql.params.len() {
        let number =
            statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| sql.params.get(number.checked_sub(1)?)).ok_or_else(mismatch)?;
        statement.raw_bind_parameter(index, value).map_err(failure)?;
    }
    Ok(statement)
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(value) => ValueRef::Integer((*value).into()),
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

impl<T: DeserializeOwned> FromSql for JsonText<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::decode(value.as_str()?).map_err(FromSqlError::other)
    }
}

fn failure(error: Error) -> StoreError {
    if let Error::SqliteFailure(code, Some(message)) = &error
        && let Some(constraint) = constraint(code.extended_code, message)
    {
        return StoreError::Conflict(constraint);
    }
    StoreError::backend(error)
}

/// The name PostgreSQL would give the constraint that `UNIQUE constraint failed: users.email`, or
/// `… failed: index 'users_email_key'` for an index on an expression, speaks of.
fn constraint(code: i32, message: &str) -> Option<String> {
    let (_, subject) = message.split_once(": ")?;
    if let Some(index) = subject.strip_prefix("index '") {
        return (code == SQLITE_CONSTRAINT_UNIQUE).then(|| index.trim_end_matches('\'').to_owned());
    }
    let (table, _) = subject.split_once('.')?;
    let columns = subject.split(", ").filter_map(|column| Some(column.split_once('.')?.1));
    match code {
        SQLITE_CONSTRAINT_PRIMARYKEY => Some(format!("{table}_pkey")),
        SQLITE_CONSTRAINT_UNIQUE => Some(format!("{table}_{}_key", columns.collect::<Vec<_>>().join("_"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_waits_for_the_disk_when_its_units_are_to_be_durable_now() {
        let folder = tempfile::tempdir().unwrap();
        let session = unit(&folder.path().join("store.db")).unwrap().session;
        let level = || session.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).unwrap();
        let (full, normal) = (2, 1);
        assert_eq!(level(), full, "as it is opened");
        let mut now = Durability::Now;
        for (wanted, expected) in
            [(Durability::Lazy, normal), (Durability::Lazy, normal), (Durability::Now, full)]
        {
            sync(&session, &mut now, wanted).unwrap();
            assert_eq!((now, level()), (wanted, expected));
        }
    }
}
