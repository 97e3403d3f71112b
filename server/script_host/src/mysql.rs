//! Owns what scripts do with MySQL and MariaDB: connect, and do statements.
//! Never touches which places may be reached.

mod value;

use crate::{
    reach::Databases,
    sql::{Database, Place, Unable, in_background},
};
use async_trait::async_trait;
use mysql_async::{
    Conn, Error, Opts, OptsBuilder, Params, QueryResult, ServerError, SslOpts,
    prelude::{Protocol, Queryable},
};
use portico_core::port::BoxError;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// A connection.
pub(crate) struct Line {
    conn: Conn,
    opts: Opts,
    is_open: bool,
}

#[async_trait]
impl Database for Line {
    async fn connect(place: &Place, address: IpAddr, databases: &Databases) -> Result<Self, Unable> {
        let mut opts = OptsBuilder::default()
            .ip_or_hostname(address.to_string())
            .tcp_port(place.port)
            .user(place.user.clone())
            .pass(place.password.clone())
            .db_name(place.database.clone())
            .prefer_socket(false)
            .stmt_cache_size(32)
            .max_allowed_packet(Some(MOST_OF_A_PACKET));
        if let Some(tls) = &place.tls {
            let roots =
                tls.ca.iter().map(|pem| pem.clone().into_bytes()).chain([databases.extra_roots().to_vec()]);
            let roots = roots.filter(|pem| !pem.is_empty()).map(Into::into).collect();
            let ssl = SslOpts::default().with_danger_tls_hostname_override(Some(place.host.clone()));
            opts = opts.ssl_opts(ssl.with_root_certs(roots));
        }
        let opts = Opts::from(opts);
        let conn = Conn::new(opts.clone()).await.map_err(unable)?;
        Ok(Self { conn, opts, is_open: true })
    }

    fn is_open(&self) -> bool {
        self.is_open
    }

    async fn query(&mut self, text: &str, values: &[Value], most: usize) -> Result<Value, Unable> {
        let answer = if values.is_empty() {
            let result = self.conn.query_iter(text).await.map_err(unable)?;
            collect(result, most).await
        } else {
            let values = values.iter().map(value::outgoing).collect();
            let result = self.conn.exec_iter(text, Params::Positional(values)).await.map_err(unable)?;
            collect(result, most).await
        };
        self.is_open = !matches!(answer, Err(Unable::Broken(_)));
        answer
    }

    fn cancel(self) {
        let (id, opts) = (self.conn.id(), self.opts);
        let conn = self.conn;
        in_background(async move {
            let kill = async {
                let mut other = Conn::new(opts).await?;
                other.query_drop(format!("KILL {id}")).await?;
                other.disconnect().await
            };
            let killed: Result<(), Error> = kill.await;
            drop(conn);
            if let Err(error) = killed {
                tracing::debug!("a script's statement could not be cancelled: {error}");
            }
        });
    }
}

async fn collect<P: Protocol>(mut result: QueryResult<'_, '_, P>, most: usize) -> Result<Value, Unable> {
    let columns = result.columns();
    let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
        let insert_id = result.last_insert_id().unwrap_or_default();
        let (affected, warnings) = (result.affected_rows(), result.warnings());
        result.drop_result().await.map_err(unable)?;
        return Ok(json!({ "affected": affected, "insertId": insert_id, "warnings": warnings }));
    };
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = result.next().await.map_err(unable)? {
        let cells =
            row.unwrap().into_iter().zip(columns.iter()).map(|(cell, column)| value::incoming(cell, column));
        let cells: Vec<Value> = cells.collect();
        bytes += cells.iter().map(|cell| cell.to_string().len() + 1).sum::<usize>();
        if bytes > most {
            return Err(Unable::Broken(format!("its rows are larger than {most} bytes").into()));
        }
        rows.push(Value::Array(cells));
    }
    result.drop_result().await.map_err(unable)?;
    let fields: Vec<Value> = columns
        .iter()
        .map(|column| json!([column.name_str(), column.column_type() as u8, column.table_str()]))
        .collect();
    Ok(json!({ "fields": fields, "rows": rows }))
}

/// What the server says a script is told, with its code; what happens to the connection it is not.
fn unable(error: Error) -> Unable {
    let Error::Server(ServerError { code, message, state }) = error else {
        return Unable::Broken(BoxError::from(error));
    };
    let name = NAMES.iter().find(|(number, _)| *number == code).map(|(_, name)| (*name).to_owned());
    let name = name.unwrap_or_else(|| format!("ER_{code}"));
    Unable::Said(Map::from_iter([
        ("message".to_owned(), json!(format!("{name}: {message}"))),
        ("code".to_owned(), json!(name)),
        ("errno".to_owned(), json!(code)),
        ("sqlMessage".to_owned(), json!(message)),
        ("sqlState".to_owned(), json!(state)),
    ]))
}

/// The names that the driver of Node.js gives to the commonest errors.
const NAMES: &[(u16, &str)] = &[
    (1044, "ER_DBACCESS_DENIED_ERROR"),
    (1045, "ER_ACCESS_DENIED_ERROR"),
    (1048, "ER_BAD_NULL_ERROR"),
    (1049, "ER_BAD_DB_ERROR"),
    (1054, "ER_BAD_FIELD_ERROR"),
    (1062, "ER_DUP_ENTRY"),
    (1064, "ER_PARSE_ERROR"),
    (1142, "ER_TABLEACCESS_DENIED_ERROR"),
    (1146, "ER_NO_SUCH_TABLE"),
    (1205, "ER_LOCK_WAIT_TIMEOUT"),
    (1213, "ER_LOCK_DEADLOCK"),
    (1364, "ER_NO_DEFAULT_FOR_FIELD"),
    (1366, "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD"),
    (1406, "ER_DATA_TOO_LONG"),
    (1451, "ER_ROW_IS_REFERENCED_2"),
    (1452, "ER_NO_REFERENCED_ROW_2"),
];

/// Bytes of a packet; no larger value comes to a script.
const MOST_OF_A_PACKET: usize = 2 << 20;
