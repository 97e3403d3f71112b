//! Owns the database connections of one run: opened, asked, given back.
//! Never touches what a kind of database is like.

use crate::{
    pool::{self, Lent, Pool},
    reach::Databases,
};
use async_trait::async_trait;
use portico_core::port::{
    BoxError,
    script::{AskError, Reach},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::timeout;

/// Where a script connects, and as whom.
#[derive(Deserialize, Serialize)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) tls: Option<Tls>,
}

/// TLS, where it is asked for.
#[derive(Deserialize, Serialize)]
pub(crate) struct Tls {
    #[serde(default)]
    verify: bool,
    pub(crate) ca: Option<String>,
}

/// A statement and the values beside it.
#[derive(Deserialize)]
struct Statement {
    session: u32,
    text: String,
    #[serde(default)]
    values: Option<Vec<Value>>,
}

/// What a kind of database can do.
#[async_trait]
pub(crate) trait Database: Send + Sized + 'static {
    /// Connect to the address that the place's host was found to have.
    async fn connect(place: &Place, address: IpAddr, databases: &Databases) -> Result<Self, Unable>;
    /// Whether it can still be used.
    fn is_open(&self) -> bool;
    /// Do a statement; at most `most` bytes of rows come back. Dropped before its end it leaves the connection unusable.
    async fn query(&mut self, text: &str, values: &[Value], most: usize) -> Result<Value, Unable>;
    /// End what the server does for it now, in the background.
    fn cancel(self);
}

/// Why something was not done.
pub(crate) enum Unable {
    /// The database said so, and the script is told; the connection is as good as before.
    Said(Map<String, Value>),
    /// The connection is of no use any more.
    Broken(BoxError),
}

impl<E: Into<BoxError>> From<E> for Unable {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

impl Unable {
    fn into_ask_error(self) -> AskError {
        match self {
            Self::Said(properties) => AskError::Told(properties),
            Self::Broken(cause) => AskError::Failed(cause),
        }
    }
}

/// The connections of one run.
pub(crate) struct Sessions<D: Database> {
    open: Mutex<Open<D>>,
}

struct Open<D: Database> {
    last: u32,
    by_number: BTreeMap<u32, Session<D>>,
}

struct Session<D: Database> {
    lent: Lent<D>,
    line: D,
    /// Whether it may have left something in the connection: a transaction, a setting.
    is_clean: bool,
}

impl<D: Database> Default for Sessions<D> {
    fn default() -> Self {
        Self { open: Mutex::new(Open { last: 0, by_number: BTreeMap::new() }) }
    }
}

impl<D: Database> Sessions<D> {
    /// A connection that is kept, or a new one; its number comes back.
    pub(crate) async fn connect(
        &self,
        pool: &Pool<D>,
        databases: &Databases,
        reach: &Reach,
        place: Value,
    ) -> Result<Value, AskError> {
        let place: Place =
            serde_json::from_value(place).map_err(|error| AskError::told(error.to_string()))?;
        if place.tls.as_ref().is_some_and(|tls| !tls.verify) {
            let why = "certificates of databases are always checked: give the authority's as ssl.ca, or list it in egress.extra_roots";
            return Err(AskError::told(why));
        }
        let failed = |cause: BoxError| AskError::Failed(cause);
        let address = databases.address(reach, &place.host, place.port).await.map_err(failed)?;
        let late = |_elapsed| failed(format!("{}:{} did not answer in time", place.host, place.port).into());
        let lent = timeout(databases.patience, pool.lend(pool::key(&reach.owner, &place))).await;
        let (lent, idle) = lent.map_err(late)?.ok_or_else(|| AskError::told("the gateway ends"))?;
        let line = match idle.filter(D::is_open) {
            Some(line) => line,
            None => timeout(databases.patience, D::connect(&place, address, databases))
                .await
                .map_err(late)?
                .map_err(Unable::into_ask_error)?,
        };
        let mut open = self.open();
        if open.by_number.len() >= MOST_OF_A_RUN {
            return Err(AskError::told(format!("a script may have {MOST_OF_A_RUN} database connections")));
        }
        open.last += 1;
        let number = open.last;
        open.by_number.insert(number, Session { lent, line, is_clean: true });
        Ok(json!(number))
    }

    /// Do a statement on one of them.
    pub(crate) async fn query(&self, request: &Value, patience: Duration) -> Result<Value, AskError> {
        let statement = Statement::deserialize(request).map_err(|error| AskError::told(error.to_string()))?;
        let Statement { session: number, text, values } = statement;
        let session = self.open().by_number.remove(&number);
        let closed = || AskError::told("this connection is closed, or busy with another statement");
        let mut asking = Asking(Some(session.ok_or_else(closed)?));
        let Some(session) = &mut asking.0 else { return Err(closed()) };
        session.is_clean &= leaves_nothing(&text);
        let query = session.line.query(&text, values.as_deref().unwrap_or_default(), MOST_OF_ROWS);
        let Ok(answer) = timeout(patience, query).await else {
            return Err(AskError::told(format!("the statement took longer than {patience:?}")));
        };
        if !matches!(answer, Err(Unable::Broken(_)))
            && let Some(session) = asking.0.take()
        {
            self.open().by_number.insert(number, session);
        }
        answer.map_err(Unable::into_ask_error)
    }

    /// Give one back.
    pub(crate) fn end(&self, request: &Value) -> Value {
        let number = request.get("session").and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
        if let Some(session) = number.and_then(|number| self.open().by_number.remove(&number)) {
            session.give_back();
        }
        Value::Null
    }

    fn open(&self) -> MutexGuard<'_, Open<D>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Database> Session<D> {
    fn give_back(self) {
        if self.is_clean && self.line.is_open() {
            self.lent.give_back(self.line);
        }
    }
}

impl<D: Database> Drop for Sessions<D> {
    fn drop(&mut self) {
        for session in std::mem::take(&mut self.open().by_number).into_values() {
            session.give_back();
        }
    }
}

/// A connection while a statement is under way: ended with it, if it does not come to its end.
struct Asking<D: Database>(Option<Session<D>>);

impl<D: Database> Drop for Asking<D> {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            session.line.cancel();
        }
    }
}

/// Goes on beside requests: what a connection's driver does until it is closed, and the ending of a statement that nobody
/// waits for any more.
#[expect(clippy::disallowed_methods, reason = "it must go on where the run that began it has ended")]
pub(crate) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

/// Whether a statement leaves a connection as it was: one that reads or writes rows, and no more. Everything else (`BEGIN`,
/// `SET`, several statements in one text) may not be seen by the next run.
fn leaves_nothing(text: &str) -> bool {
    let text = text.trim_matches(|character: char| character.is_whitespace() || character == ';');
    let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    let plain = ["select", "insert", "update", "delete", "replace", "with", "values", "show"];
    plain.contains(&word.to_ascii_lowercase().as_str()) && !text.contains(';')
}

/// Bytes of the rows of one statement, as JSON.
const MOST_OF_ROWS: usize = 1 << 20;

/// Connections of one run at a time.
const MOST_OF_A_RUN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_kept_only_after_statements_that_leave_nothing_in_it() {
        for text in
            ["SELECT 1", "  select 1 ; ", "WITH a AS (SELECT 1) SELECT * FROM a", "INSERT INTO t VALUES (1)"]
        {
            assert!(leaves_nothing(text), "{text}");
        }
        for text in ["BEGIN", "SET ROLE x", "SELECT 1; BEGIN", "LOCK TABLE t", "-- x\nBEGIN", "", "CALL p()"]
        {
            assert!(!leaves_nothing(text), "{text}");
        }
    }
}
