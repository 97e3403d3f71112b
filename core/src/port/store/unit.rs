//! Owns the unit of work: all of it happens, durably, or nothing does.
//! Never touches what is done in one.

use super::{
    Actions, Answers, CertifiedKeys, ClientGrants, Clients, Codes, Connections, Credentials, Events, Grants,
    Invitations, Jobs, Keys, Limits, Members, Organizations, Outbox, ResourceServers, Roles, Rules, Sessions,
    Tenant, Tickets, Transactions, Users,
};
use async_trait::async_trait;
use std::{error::Error, pin::Pin, sync::Arc};
use tokio::sync::oneshot;

/// A boxed future that may move between threads.
pub type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// Runs units of work.
///
/// Callers use the generic [`write`](#method.write) and [`read`](#method.read) of `dyn Store`; an
/// engine implements the two erased methods below.
#[async_trait]
pub trait Store: Send + Sync {
    /// Run `work` in a transaction; return once what it did is committed, as durably as said, or is undone.
    async fn run_write(&self, work: Work<'static>, durability: Durability) -> Result<(), StoreError>;
    /// Run `work` on committed data. It must not write. Its first statement sees the newest commit; the others see that one or
    /// a newer one.
    async fn run_read<'a>(&'a self, work: Work<'a>) -> Result<(), StoreError>;
    /// Whether the store answers.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// A unit of work that has handed its outcome over elsewhere and only says what is to become of it.
pub type Work<'a> =
    Box<dyn for<'u> FnOnce(&'u mut (dyn UnitOfWork + 'a)) -> BoxFuture<'u, Verdict> + Send + 'a>;

/// What becomes of a unit's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The closure returned `Ok`: commit them.
    Keep,
    /// The closure returned `Err`: take them back.
    Undo,
}

/// When a committed unit survives a power cut. Whoever reads sees it at once either way, and the end of the process
/// takes nothing back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before it is acknowledged.
    Now,
    /// No later than the next unit that is durable [`Now`](Self::Now): a power cut may take it back, and then with
    /// everything that was committed after it.
    Lazy,
}

impl dyn Store + '_ {
    /// Run a unit of work; all of it happens, durably, or (when it returns an error) nothing does.
    ///
    /// The closure may await its `unit` and nothing else ([`StoreError::Foreign`]): no clock, no HTTP,
    /// no lock. It owns what it captures, since it may run on another thread and outlive its caller.
    ///
    /// ```no_run
    /// # use portico_core::{id::ConnectionId, port::store::{Store, StoreError}};
    /// # async fn close(store: &dyn Store, id: ConnectionId) -> Result<bool, StoreError> {
    /// store.write(|unit| Box::pin(async move { unit.connections().delete(&id).await })).await
    /// # }
    /// ```
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'u> FnOnce(&'u mut (dyn UnitOfWork + 'static)) -> BoxFuture<'u, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_as(Durability::Now, work).await
    }

    /// The same with this durability. [`Lazy`](Durability::Lazy) is for what means nothing until a later unit that is
    /// durable rests on it: the steps of a login until its code is redeemed.
    pub async fn write_as<T, E, F>(&self, durability: Durability, work: F) -> Result<T, E>
    where
        F: for<'u> FnOnce(&'u mut (dyn UnitOfWork + 'static)) -> BoxFuture<'u, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (work, outcome) = erase(work);
        self.run_write(work, durability).await?;
        received(outcome)
    }

    /// Run a unit of work that only reads. It may borrow from its caller.
    pub async fn read<'a, T, E, F>(&'a self, work: F) -> Result<T, E>
    where
        F: for<'u> FnOnce(&'u mut (dyn UnitOfWork + 'a)) -> BoxFuture<'u, Result<T, E>> + Send + 'a,
        T: Send + 'a,
        E: From<StoreError> + Send + 'a,
    {
        let (work, outcome) = erase(work);
        self.run_read(work).await?;
        received(outcome)
    }
}

fn erase<'a, T, E, F>(work: F) -> (Work<'a>, oneshot::Receiver<Result<T, E>>)
where
    F: for<'u> FnOnce(&'u mut (dyn UnitOfWork + 'a)) -> BoxFuture<'u, Result<T, E>> + Send + 'a,
    T: Send + 'a,
    E: Send + 'a,
{
    let (sender, receiver) = oneshot::channel();
    let work: Work<'a> = Box::new(move |unit| {
        Box::pin(async move {
            let outcome = work(unit).await;
            let verdict = if outcome.is_ok() { Verdict::Keep } else { Verdict::Undo };
            // The caller may have gone away; whether that undoes the unit is the engine's business.
            let _ = sender.send(outcome);
            verdict
        })
    });
    (work, receiver)
}

fn received<T, E: From<StoreError>>(mut outcome: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    outcome.try_recv().unwrap_or_else(|_| Err(StoreError::Broken.into()))
}

/// The repositories, as one unit of work sees them.
pub trait UnitOfWork: Send {
    /// Logins in progress.
    fn transactions(&mut self) -> &mut dyn Transactions;
    /// Organizations and their connections.
    fn organizations(&mut self) -> &mut dyn Organizations;
    /// Memberships.
    fn members(&mut self) -> &mut dyn Members;
    /// Invitations.
    fn invitations(&mut self) -> &mut dyn Invitations;
    /// Connections.
    fn connections(&mut self) -> &mut dyn Connections;
    /// Applications.
    fn clients(&mut self) -> &mut dyn Clients;
    /// What applications may ask of APIs.
    fn client_grants(&mut self) -> &mut dyn ClientGrants;
    /// APIs.
    fn resource_servers(&mut self) -> &mut dyn ResourceServers;
    /// Roles.
    fn roles(&mut self) -> &mut dyn Roles;
    /// Users.
    fn users(&mut self) -> &mut dyn Users;
    /// Passwords of database connections.
    fn credentials(&mut self) -> &mut dyn Credentials;
    /// Sessions.
    fn sessions(&mut self) -> &mut dyn Sessions;
    /// Authorization codes.
    fn codes(&mut self) -> &mut dyn Codes;
    /// Token families, access tokens and refresh tokens.
    fn grants(&mut self) -> &mut dyn Grants;
    /// Mailed links.
    fn tickets(&mut self) -> &mut dyn Tickets;
    /// Rules and their configuration.
    fn rules(&mut self) -> &mut dyn Rules;
    /// Actions, their versions and their order.
    fn actions(&mut self) -> &mut dyn Actions;
    /// Jobs.
    fn jobs(&mut self) -> &mut dyn Jobs;
    /// Signing keys.
    fn keys(&mut self) -> &mut dyn Keys;
    /// Key pairs with certificates.
    fn certified_keys(&mut self) -> &mut dyn CertifiedKeys;
    /// Answers of identity providers that were used.
    fn answers(&mut self) -> &mut dyn Answers;
    /// Settings of the installation.
    fn tenant(&mut self) -> &mut dyn Tenant;
    /// Rate limits.
    fn limits(&mut self) -> &mut dyn Limits;
    /// The log.
    fn events(&mut self) -> &mut dyn Events;
    /// Messages on their way out; they leave once the unit is durable.
    fn outbox(&mut self) -> &mut dyn Outbox;
}

/// Why a unit of work failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A uniqueness constraint, by the name PostgreSQL gives it (`users_email_key`) on either engine.
    #[error("{0} is taken")]
    Conflict(String),
    /// A compare-and-swap lost.
    #[error("stale write: the row changed since it was read")]
    Stale,
    /// An earlier statement of the unit failed; its error is the one to report.
    #[error("the unit of work is over: an earlier statement failed")]
    Broken,
    /// The unit awaited something that is not the store. A bug in the caller.
    #[error("a unit of work may await nothing but the store")]
    Foreign,
    /// The unit panicked. A bug in the caller.
    #[error("a unit of work panicked: {0}")]
    Panicked(String),
    /// The database cannot be had at the moment: no connection came free in time, it is down, it fails over, it only
    /// reads. What the unit did is undone, unless all of it was done and only the answer was lost; the same request may
    /// do better in a moment (`security.md` INF-12).
    #[error(transparent)]
    Unavailable(Arc<dyn Error + Send + Sync>),
    /// The database failed. Shared, because one failed commit fails a group of units.
    #[error(transparent)]
    Backend(Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Wrap an engine's own error.
    pub fn backend(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Backend(Arc::from(error.into()))
    }

    /// Wrap an engine's own error that will pass.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(error.into()))
    }
}
