//! Owns what scripts do with PostgreSQL: connect, and do statements.
//! Never touches which places may be reached.

mod value;

use crate::{
    reach::Databases,
    sql::{Database, Place, Unable, in_background},
};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, net::IpAddr, pin::pin};
use tokio_postgres::{
    Client, Config, Error, NoTls, SimpleQueryMessage, Statement, config::SslMode, types::ToSql,
};
use tokio_postgres_rustls::MakeRustlsConnect;
use value::{Cell, Text};

/// A connection.
pub(crate) struct Line {
    client: Client,
    tls: Option<MakeRustlsConnect>,
    /// Statements the server knows by now.
    prepared: BTreeMap<String, Statement>,
}

#[async_trait]
impl Database for Line {
    async fn connect(place: &Place, address: IpAddr, databases: &Databases) -> Result<Self, Unable> {
        let mut config = Config::new();
        config.host(&place.host).hostaddr(address).port(place.port).connect_timeout(databases.patience);
        config.application_name("portico-script");
        config.user(place.user.as_deref().unwrap_or_default());
        if let Some(password) = &place.password {
            config.password(password);
        }
        if let Some(database) = &place.database {
            config.dbname(database);
        }
        let tls = place.tls.as_ref().map(|tls| databases.tls(tls.ca.as_deref())).transpose()?;
        let tls = tls.map(MakeRustlsConnect::new);
        let client = if let Some(tls) = tls.clone() {
            config.ssl_mode(SslMode::Require);
            let (client, connection) = config.connect(tls).await.map_err(unable)?;
            in_background(drive(connection));
            client
        } else {
            config.ssl_mode(SslMode::Disable);
            let (client, connection) = config.connect(NoTls).await.map_err(unable)?;
            in_background(drive(connection));
            client
        };
        Ok(Self { client, tls, prepared: BTreeMap::new() })
    }

    fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    async fn query(&mut self, text: &str, values: &[Value], most: usize) -> Result<Value, Unable> {
        if values.is_empty() && text.trim_end().trim_end_matches(';').contains(';') {
            return self.several(text, most).await;
        }
        let statement = match self.prepared.get(text) {
            Some(statement) => statement.clone(),
            None => self.prepare(text).await?,
        };
        let values: Vec<Text> = values.iter().map(Text::of).collect();
        if values.len() != statement.params().len() {
            let (given, wanted) = (values.len(), statement.params().len());
            return Err(said(&format!(
                "bind message supplies {given} parameters, but the statement requires {wanted}"
            )));
        }
        let parameters = values.iter().map(|value| value as &(dyn ToSql + Sync));
        let rows = self.client.query_raw(&statement, parameters).await.map_err(unable)?;
        let mut rows = pin!(rows);
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await.map_err(unable)? {
            let mut cells = Vec::with_capacity(row.len());
            for place in 0..row.len() {
                cells.push(row.try_get::<_, Cell>(place).map_err(unable)?.0);
            }
            bytes += cells.iter().map(|cell| cell.to_string().len() + 1).sum::<usize>();
            if bytes > most {
                return Err(Unable::Broken(format!("its rows are larger than {most} bytes").into()));
            }
            found.push(Value::Array(cells));
        }
        let fields: Vec<Value> =
            statement.columns().iter().map(|column| json!([column.name(), column.type_().oid()])).collect();
        let count = rows.rows_affected();
        Ok(json!([{ "command": command(text), "count": count, "fields": fields, "rows": found }]))
    }

    fn cancel(self) {
        let (token, tls) = (self.client.cancel_token(), self.tls.clone());
        in_background(async move {
            let cancelled = match tls {
                Some(tls) => token.cancel_query(tls).await,
                None => token.cancel_query(NoTls).await,
            };
            drop(self);
            if let Err(error) = cancelled {
                tracing::debug!("a script's statement could not be cancelled: {error}");
            }
        });
    }
}

impl Line {
    async fn prepare(&mut self, text: &str) -> Result<Statement, Unable> {
        let statement = self.client.prepare(text).await.map_err(unable)?;
        if self.prepared.len() < MOST_PREPARED && text.len() < LONGEST_PREPARED {
            self.prepared.insert(text.to_owned(), statement.clone());
        }
        Ok(statement)
    }

    /// Several statements in one text, without values: their cells are texts.
    async fn several(&self, text: &str, most: usize) -> Result<Value, Unable> {
        let mut results = Vec::new();
        let (mut fields, mut rows, mut bytes) = (Vec::new(), Vec::new(), 0);
        let messages = self.client.simple_query_raw(text).await.map_err(unable)?;
        let mut messages = pin!(messages);
        while let Some(message) = messages.try_next().await.map_err(unable)? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    fields = columns.iter().map(|column| json!([column.name(), TEXT])).collect();
                }
                SimpleQueryMessage::Row(row) => {
                    let cells: Vec<Value> = (0..row.len()).map(|place| json!(row.get(place))).collect();
                    bytes += cells.iter().map(|cell| cell.to_string().len() + 1).sum::<usize>();
                    if bytes > most {
                        return Err(Unable::Broken(format!("its rows are larger than {most} bytes").into()));
                    }
                    rows.push(Value::Array(cells));
                }
                SimpleQueryMessage::CommandComplete(count) => {
                    let (fields, rows) = (std::mem::take(&mut fields), std::mem::take(&mut rows));
                    results.push(json!({ "command": "", "count": count, "fields": fields, "rows": rows }));
                }
                _ => {}
            }
        }
        Ok(Value::Array(results))
    }
}

/// The half of a connection that reads and writes, until it is closed.
async fn drive(connection: impl Future<Output = Result<(), Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!("a script's connection to PostgreSQL ended: {error}");
    }
}

/// `SELECT`, `INSERT` and so on, as the driver of Node.js has it.
fn command(text: &str) -> String {
    let word = text.trim_start().chars().take_while(char::is_ascii_alphabetic);
    word.collect::<String>().to_ascii_uppercase()
}

fn said(message: &str) -> Unable {
    Unable::Said(Map::from_iter([("message".to_owned(), json!(message))]))
}

/// What the server says a script is told, with its code; what happens to the connection it is not.
fn unable(error: Error) -> Unable {
    let Some(refusal) = error.as_db_error() else {
        return match std::error::Error::source(&error)
            .and_then(|cause| cause.downcast_ref::<value::Unreadable>())
        {
            Some(unreadable) => said(&unreadable.to_string()),
            None => Unable::Broken(error.into()),
        };
    };
    let properties = json!({
        "name": "error",
        "message": refusal.message(),
        "severity": refusal.severity(),
        "code": refusal.code().code(),
        "detail": refusal.detail(),
        "hint": refusal.hint(),
        "schema": refusal.schema(),
        "table": refusal.table(),
        "column": refusal.column(),
        "constraint": refusal.constraint(),
    });
    let Value::Object(properties) = properties else { return Unable::Broken(error.into()) };
    Unable::Said(properties.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// Statements that a connection has the server remember.
const MOST_PREPARED: usize = 32;
const LONGEST_PREPARED: usize = 4 << 10;

/// The number of the type `text`.
const TEXT: u32 = 25;
