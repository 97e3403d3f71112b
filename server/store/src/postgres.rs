//! Owns PostgreSQL: a unit runs in its caller's task, in a transaction of its own (READ COMMITTED).
//! Never touches certificates: those are `tls.rs`'s.

use crate::{
    migrate::{self, Migration},
    options::StoreOptions,
    seal::Vault,
    sql::{Cells, FromRow, JsonText, Row, Sql, Value},
    tls::{self, Target},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use bytes::BytesMut;
use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolBuilder, PoolError, RecyclingMethod,
    Runtime, TimeoutType,
};
use futures_util::future::join;
use portico_core::port::store::{Durability, Store, StoreError, Verdict, Work};
use serde::de::DeserializeOwned;
use std::{error::Error, io, sync::Arc};
use tokio_postgres::{
    NoTls,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

/// What every connection asks of the server: nothing waits for ever, whatever the server's own settings.
const SETTINGS: &str =
    "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s";

/// A store on a PostgreSQL server.
///
/// Reads have a pool of their own, whose connections the server itself keeps from writing: a
/// read then needs no `BEGIN READ ONLY`, and is not queued behind units that wait for a row lock.
pub(crate) struct PostgresStore {
    vault: Arc<Vault>,
    writers: Pool,
    readers: Pool,
}

impl PostgresStore {
    /// Connect, and bring the schema up to date.
    pub(crate) async fn open(
        url: &str,
        migrations: &[Migration],
        options: &StoreOptions,
    ) -> Result<Self, StoreError> {
        let mut store = Self::connect(url, options)?;
        let mut unit = store.unit().await?;
        store.vault = Arc::new(migrate::prepare(&mut unit, migrations, options.schema, &options.keks).await?);
        Ok(store)
    }

    /// Connect with the vault locked.
    pub(crate) fn connect(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let target = tls::target(url)?;
        let pool = |builder: PoolBuilder| builder.build().map_err(StoreError::backend);
        let writers = pool(builder(&target, options)?)?;
        let readers = pool(builder(&target, options)?.post_create(Hook::async_fn(|client, _| {
            // Not when it connects: with `target_session_attrs=read-write` it then looks whether the server writes.
            let read_only = "SET default_transaction_read_only = on";
            Box::pin(async move { client.batch_execute(read_only).await.map_err(HookError::Backend) })
        })))?;
        Ok(Self { vault: Arc::default(), writers, readers })
    }

    /// A unit that opens a transaction with its first statement.
    pub(crate) async fn unit(&self) -> Result<SqlUnit<PostgresSession>, StoreError> {
        self.unit_of(&self.writers, State::Idle(Durability::Now)).await
    }

    async fn unit_of(&self, pool: &Pool, state: State) -> Result<SqlUnit<PostgresSession>, StoreError> {
        let client = pool.get().await.map_err(unconnected)?;
        Ok(SqlUnit::new(PostgresSession { client: Some(client), state }, Arc::clone(&self.vault)))
    }
}

fn builder(target: &Target, options: &StoreOptions) -> Result<PoolBuilder, StoreError> {
    let mut config = target.config.clone();
    let given = config.get_options().unwrap_or_default();
    config.options(format!("{SETTINGS} {given}"));
    config.application_name(config.get_application_name().unwrap_or("portico").to_owned());
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(options.wait);
    }
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = if target.encrypt {
        let connector = tls::connector(options.root_certificates.as_deref())?;
        Manager::from_config(config, connector, recycling)
    } else {
        Manager::from_config(config, NoTls, recycling)
    };
    Ok(Pool::builder(manager)
        .max_size(options.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(options.wait))
        .create_timeout(Some(options.wait)))
}

#[async_trait]
impl Store for PostgresStore {
    async fn run_write(&self, work: Work<'static>, durability: Durability) -> Result<(), StoreError> {
        let mut unit = self.unit_of(&self.writers, State::Idle(durability)).await?;
        let verdict = unit.attend(work).await;
        let finished = unit.session.finish(verdict.clone().unwrap_or(Verdict::Undo)).await;
        verdict.and(finished)
    }

    async fn run_read<'a>(&'a self, work: Work<'a>) -> Result<(), StoreError> {
        self.unit_of(&self.readers, State::Autocommit).await?.attend(work).await.map(drop)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.unit_of(&self.writers, State::Autocommit).await?.session.script("SELECT 1").await
    }
}

/// A connection out of a pool.
pub(crate) struct PostgresSession {
    /// `None` once it must not return to the pool.
    client: Option<Client>,
    state: State,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    /// Each statement is its own transaction.
    Autocommit,
    /// The next statement brings `BEGIN` along, with what says how durable the transaction is.
    Idle(Durability),
    /// In a transaction.
    Open,
}

impl PostgresSession {
    /// Run a statement. The first of a unit brings `BEGIN` along, which saves a round trip.
    async fn send<T>(
        client: &Client,
        state: &mut State,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
    ) -> Result<T, tokio_postgres::Error> {
        let State::Idle(durability) = *state else {
            return statement.await;
        };
        *state = State::Open;
        let begin = match durability {
            Durability::Now => "BEGIN",
            Durability::Lazy => "BEGIN; SET LOCAL synchronous_commit = off",
        };
        let (begun, done) = join(client.batch_execute(begin), statement).await;
        begun.and(done)
    }

    /// What came of a statement. A server that does not let a unit write is no primary any more: its connection is
    /// closed, so that the next unit looks for the one that is.
    fn heard<T>(&mut self, done: Result<T, tokio_postgres::Error>) -> Result<T, StoreError> {
        let error = match done {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let refused = error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
        if refused && self.state != State::Autocommit {
            self.client.take().map(Object::take);
            return Err(StoreError::unavailable("the PostgreSQL server only reads"));
        }
        Err(failure(error))
    }

    fn parts(&mut self) -> Result<(&Client, &mut State), StoreError> {
        Ok((self.client.as_ref().ok_or(StoreError::Broken)?, &mut self.state))
    }
}

impl Drop for PostgresSession {
    /// Whoever ran the unit is gone (a browser that hung up): make the server roll back by closing
    /// the connection, since there is nobody left to wait for a `ROLLBACK`.
    fn drop(&mut self) {
        if self.state == State::Open
            && let Some(client) = self.client.take()
        {
            drop(Object::take(client));
        }
    }
}

impl Session for PostgresSession {
    const ENGINE: &'static str = "postgres";
    const BEGIN_MIGRATION: &'static str = "SELECT pg_advisory_xact_lock(7305402817)";
    const ORDER_BY_BYTES: &'static str = r#"DO $$
        DECLARE field RECORD;
        BEGIN
            FOR field IN
                SELECT table_name, column_name FROM information_schema.columns
                WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
            LOOP
                EXECUTE format(
                    'ALTER TABLE %I ALTER COLUMN %I TYPE TEXT COLLATE "C"', field.table_name, field.column_name);
            END LOOP;
        END $$"#;
    const BEGIN_READING: &'static str = "SELECT 1";
    const ARRAY_OF: &'static str = "json_agg";
    const TUPLE: &'static str = "json_build_array";

    async fn rows<T: FromRow>(&mut self, sql: &Sql<'_>, vault: &Vault) -> Result<Vec<T>, StoreError> {
        let (client, state) = self.parts()?;
        let statement = client.prepare_cached(&sql.text).await.map_err(failure)?;
        let rows = Self::send(client, state, client.query(&statement, &params(sql))).await;
        self.heard(rows)?.iter().map(|row| T::from_row(&Row { cells: Cells::Postgres(row), vault })).collect()
    }

    async fn execute(&mut self, sql: &Sql<'_>) -> Result<u64, StoreError> {
        let (client, state) = self.parts()?;
        let statement = client.prepare_cached(&sql.text).await.map_err(failure)?;
        let done = Self::send(client, state, client.execute(&statement, &params(sql))).await;
        self.heard(done)
    }

    async fn script(&mut self, text: &str) -> Result<(), StoreError> {
        let (client, state) = self.parts()?;
        let done = Self::send(client, state, client.batch_execute(text)).await;
        self.heard(done)
    }

    async fn finish(&mut self, verdict: Verdict) -> Result<(), StoreError> {
        if self.client.is_none() && verdict == Verdict::Undo {
            // Closed with its connection.
            return Ok(());
        }
        let (client, state) = self.parts()?;
        if *state == State::Open {
            let end = if verdict == Verdict::Keep { "COMMIT" } else { "ROLLBACK" };
            client.batch_execute(end).await.map_err(failure)?;
            *state = State::Idle(Durability::Now);
        }
        Ok(())
    }
}

fn params<'s>(sql: &'s Sql<'_>) -> Vec<&'s (dyn ToSql + Sync)> {
    sql.params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(&self, column: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bool(value) => value.to_sql_checked(column, out),
            // PostgreSQL takes `$1 + 1` for an INTEGER, whatever it is compared with.
            Self::Integer(value) if *column == Type::INT4 => i32::try_from(*value)?.to_sql(column, out),
            Self::Integer(value) => value.to_sql_checked(column, out),
            Self::Text(value) => value.to_sql_checked(column, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'r, T: DeserializeOwned> FromSql<'r> for JsonText<T> {
    fn from_sql(column: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::decode(<&str>::from_sql(column, raw)?)?)
    }

    fn accepts(column: &Type) -> bool {
        <&str as FromSql<'_>>::accepts(column)
    }
}

/// Why there is no connection.
fn unconnected(error: PoolError) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => StoreError::unavailable(
            "no connection to PostgreSQL came free in time (`pool`, `pool_wait_seconds`)",
        ),
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => StoreError::unavailable(error),
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => failure(error),
        PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            StoreError::backend(error)
        }
    }
}

fn failure(error: tokio_postgres::Error) -> StoreError {
    let Some(cause) = error.as_db_error() else {
        let cut = error.is_closed() || error.source().is_some_and(<dyn Error>::is::<io::Error>);
        return if cut { StoreError::unavailable(error) } else { StoreError::backend(error) };
    };
    if *cause.code() == SqlState::UNIQUE_VIOLATION {
        return StoreError::Conflict(cause.constraint().unwrap_or_default().to_owned());
    }
    // Without the server's detail, which quotes the row.
    let text = format!("{} ({})", cause.message(), cause.code().code());
    if will_pass(cause.code()) { StoreError::unavailable(text) } else { StoreError::backend(text) }
}

/// Whether the server may do in a moment what it cannot do now (PostgreSQL, Appendix A).
fn will_pass(code: &SqlState) -> bool {
    // Connection exceptions, insufficient resources, operator intervention (which a statement's time limit is too).
    ["08", "53", "57"].iter().any(|class| code.code().starts_with(class))
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
}
