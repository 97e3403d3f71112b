//! Owns the unit of work on either engine, and the little that differs between engines below the repositories.
//! Never touches when a unit is durable: that is each engine's.

use crate::{
    seal::{Place, Vault},
    sql::{FromRow, Scalar, Sql},
};
use futures_util::FutureExt;
use portico_core::port::store::{
    Actions, Answers, CertifiedKeys, ClientGrants, Clients, Codes, Connections, Credentials, Events, Grants,
    Invitations, Jobs, Keys, Limits, Members, Organizations, Outbox, ResourceServers, Roles, Rules, Sessions,
    StoreError, Tenant, Tickets, Transactions, UnitOfWork, Users, Verdict, Work,
};
use serde::Serialize;
use std::{
    any::Any,
    future::poll_fn,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
};
use zeroize::Zeroizing;

/// An engine's connection: all that differs between engines below the repositories.
pub(crate) trait Session: Send + 'static {
    /// The infix of migrations meant for this engine alone.
    const ENGINE: &'static str;
    /// Opens a transaction in which nobody else can migrate.
    const BEGIN_MIGRATION: &'static str;
    /// What lets text sort, and page, by its bytes as SQLite does, whatever the server's locale: run after the migrations,
    /// for the tables that they made.
    const ORDER_BY_BYTES: &'static str;
    /// Opens a transaction that reads.
    const BEGIN_READING: &'static str;
    /// The aggregate that makes a JSON array of rows.
    const ARRAY_OF: &'static str;
    /// The function that makes a JSON array of its arguments.
    const TUPLE: &'static str;
    /// Run a statement for its rows.
    fn rows<T: FromRow>(
        &mut self,
        sql: &Sql<'_>,
        vault: &Vault,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;
    /// Run a statement for the number of rows it changed.
    fn execute(&mut self, sql: &Sql<'_>) -> impl Future<Output = Result<u64, StoreError>> + Send;
    /// Run several statements that take no parameters.
    fn script(&mut self, text: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// End the transaction.
    fn finish(&mut self, verdict: Verdict) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The one implementation of [`UnitOfWork`], and of every repository.
pub(crate) struct SqlUnit<S> {
    pub(crate) session: S,
    pub(crate) vault: Arc<Vault>,
    /// A statement failed. PostgreSQL ends a transaction there, `SQLite` does not: be strict on both.
    broken: bool,
    /// A statement is under way: the one reason for a unit to be pending.
    waiting: Arc<AtomicBool>,
}

impl<S: Session> SqlUnit<S> {
    /// A unit on this connection.
    pub(crate) fn new(session: S, vault: Arc<Vault>) -> Self {
        Self { session, vault, broken: false, waiting: Arc::default() }
    }

    /// The row a statement yields, if any.
    pub(crate) async fn optional<T: FromRow>(&mut self, sql: Sql<'_>) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql).await?.pop())
    }

    /// The row a statement surely yields (`RETURNING`, `COUNT`).
    pub(crate) async fn one<T: FromRow>(&mut self, sql: Sql<'_>) -> Result<T, StoreError> {
        self.optional(sql).await?.ok_or_else(|| StoreError::backend("the statement yielded no row"))
    }

    /// The number a statement yields in its column `value`.
    pub(crate) async fn number(&mut self, sql: Sql<'_>) -> Result<i64, StoreError> {
        self.one(sql).await.map(|Scalar(number)| number)
    }

    /// All rows a statement yields.
    pub(crate) async fn all<T: FromRow>(&mut self, sql: Sql<'_>) -> Result<Vec<T>, StoreError> {
        self.enter()?;
        let rows = self.session.rows(&sql, &self.vault).await;
        self.leave(rows)
    }

    /// How many rows a statement changed.
    pub(crate) async fn execute(&mut self, sql: Sql<'_>) -> Result<u64, StoreError> {
        self.enter()?;
        let changed = self.session.execute(&sql).await;
        self.leave(changed)
    }

    /// Whether a statement changed a row.
    pub(crate) async fn changed(&mut self, sql: Sql<'_>) -> Result<bool, StoreError> {
        Ok(self.execute(sql).await? > 0)
    }

    /// A conflict that a condition found, not a constraint: it ends the unit just the same.
    pub(crate) fn conflict(&mut self, constraint: &str) -> StoreError {
        self.broken = true;
        StoreError::Conflict(constraint.to_owned())
    }

    /// The JSON of a value, sealed for this column of the row with this key.
    pub(crate) fn seal_json<T: Serialize + ?Sized>(
        &self,
        place: &Place,
        key: &str,
        value: &T,
    ) -> Result<String, StoreError> {
        let text = Zeroizing::new(serde_json::to_vec(value).map_err(StoreError::backend)?);
        self.vault.seal(place, key, &text)
    }

    /// A statement that never ends, because its future was dropped, leaves the unit broken.
    fn enter(&mut self) -> Result<(), StoreError> {
        if self.broken {
            return Err(StoreError::Broken);
        }
        self.broken = true;
        self.waiting.store(true, Relaxed);
        Ok(())
    }

    fn leave<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.broken = result.is_err();
        self.waiting.store(false, Relaxed);
        result
    }

    /// Run one closure, on whichever engine, and contain its panic.
    pub(crate) async fn attend(&mut self, work: Work<'_>) -> Result<Verdict, StoreError> {
        let attended = AssertUnwindSafe(self.see_through(work)).catch_unwind().await;
        attended.unwrap_or_else(|panic| Err(StoreError::Panicked(message(&*panic))))
    }

    /// Let the closure wait for nothing but statements, and keep nothing once a statement has failed.
    async fn see_through(&mut self, work: Work<'_>) -> Result<Verdict, StoreError> {
        self.broken = false;
        self.waiting.store(false, Relaxed);
        let waiting = Arc::clone(&self.waiting);
        let mut unit = work(self);
        let verdict = poll_fn(|context| match unit.as_mut().poll(context) {
            Poll::Pending if waiting.load(Relaxed) => Poll::Pending,
            Poll::Pending => Poll::Ready(Err(StoreError::Foreign)),
            Poll::Ready(verdict) => Poll::Ready(Ok(verdict)),
        })
        .await?;
        drop(unit);
        if verdict == Verdict::Keep && self.broken { Err(StoreError::Broken) } else { Ok(verdict) }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

macro_rules! repositories {
    ($($name:ident: $repository:ident,)*) => {
        impl<S: Session> UnitOfWork for SqlUnit<S> {
            $(fn $name(&mut self) -> &mut dyn $repository {
                self
            })*
        }
    };
}
repositories! {
    transactions: Transactions,
    organizations: Organizations,
    members: Members,
    invitations: Invitations,
    connections: Connections,
    clients: Clients,
    client_grants: ClientGrants,
    resource_servers: ResourceServers,
    roles: Roles,
    users: Users,
    credentials: Credentials,
    sessions: Sessions,
    codes: Codes,
    grants: Grants,
    tickets: Tickets,
    rules: Rules,
    actions: Actions,
    jobs: Jobs,
    keys: Keys,
    certified_keys: CertifiedKeys,
    answers: Answers,
    tenant: Tenant,
    limits: Limits,
    events: Events,
    outbox: Outbox,
}
