//! Owns the language of the repositories: statements, parameters and rows.
//! Never touches an engine's dialect: what differs is named in [`Session`](crate::unit::Session).

use crate::seal::{Place, Vault};
use portico_core::{
    connector::Subject,
    id::{
        ActionBindingId, ActionId, ActionVersionId, ClientGrantId, ClientId, ConnectionId, FamilyId,
        InvitationId, JobId, LogId, MailId, OrganizationId, ResourceServerId, RoleId, RuleId, SessionId,
        UserId,
    },
    port::store::{Direction, Page, StoreError},
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{borrow::Cow, error::Error};
use zeroize::Zeroizing;

/// A statement and its parameters: one text for both engines, with `$1` placeholders.
///
/// `$n` may occur twice and in any order. A cast is spelt `CAST($1 AS TEXT)`: `SQLite` takes
/// `$1::text` for the name of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Sql<'v> {
    /// Its text.
    pub text: Cow<'static, str>,
    /// The values of `$1`, `$2`, …
    pub params: Vec<Value<'v>>,
}

impl<'v> Sql<'v> {
    /// The beginning of a statement that is put together at run time.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.into(), params: Vec::new() }
    }

    /// Append a piece of SQL; only literals, so that no input can get here.
    #[must_use]
    pub(crate) fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Append the next placeholder, and its value.
    #[must_use]
    pub(crate) fn bind(mut self, value: impl Into<Value<'v>>) -> Self {
        self.params.push(value.into());
        let placeholder = format!("${}", self.params.len());
        self.text.to_mut().push_str(&placeholder);
        self
    }

    /// Append `($1, $2, …)` for `IN`.
    ///
    /// The last value is repeated up to the next power of two, so that few texts have to be prepared; an empty list
    /// is `(NULL)`, which nothing is in.
    #[must_use]
    pub(crate) fn bind_all<V: Into<Value<'v>>>(self, values: impl IntoIterator<Item = V>) -> Self {
        let mut values: Vec<Value<'v>> = values.into_iter().map(Into::into).collect();
        let Some(last) = values.last().cloned() else { return self.push("(NULL)") };
        values.resize(values.len().next_power_of_two(), last);
        self.push("(").bind_each(values).push(")")
    }

    /// Append `($1, $2), ($3, $4), …` for `VALUES`.
    #[must_use]
    pub(crate) fn bind_rows<const N: usize>(
        mut self,
        rows: impl IntoIterator<Item = [Value<'v>; N]>,
    ) -> Self {
        for (n, row) in rows.into_iter().enumerate() {
            self = self.push(if n == 0 { "(" } else { ", (" }).bind_each(row).push(")");
        }
        self
    }

    fn bind_each(mut self, values: impl IntoIterator<Item = Value<'v>>) -> Self {
        for (n, value) in values.into_iter().enumerate() {
            self = if n == 0 { self } else { self.push(", ") }.bind(value);
        }
        self
    }

    /// Restrict a statement that has a `WHERE` to a page, by these two columns.
    #[must_use]
    pub(crate) fn page(mut self, page: &'v Page, at: &'static str, id: &'static str) -> Self {
        let (beyond, order) = match page.direction {
            Direction::Ascending => (") > (", ""),
            Direction::Descending => (") < (", " DESC"),
        };
        if let Some((after, key)) = &page.after {
            self = self.push(" AND (").push(at).push(", ").push(id).push(beyond);
            self = self.bind(*after).push(", ").bind(key).push(")");
        }
        self = self.push(" ORDER BY ").push(at).push(order).push(", ").push(id).push(order);
        self.limit(page)
    }

    /// At most as many rows as the page holds, behind those it skips.
    #[must_use]
    pub(crate) fn limit(self, page: &Page) -> Self {
        self.push(" LIMIT ").bind(page.take.max(0)).push(" OFFSET ").bind(page.skip.max(0))
    }
}

/// `sql!("… $1 … $2", a, b)`: a [`Sql`] with its parameters.
macro_rules! sql {
    ($text:literal $(, $value:expr)* $(,)?) => {
        $crate::sql::Sql { text: ::std::borrow::Cow::Borrowed($text), params: vec![$($crate::sql::Value::from($value)),*] }
    };
}
pub(crate) use sql;

/// A parameter. Borrows what it can.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'v> {
    /// `NULL`.
    Null,
    /// `BOOLEAN`; 0 or 1 on `SQLite`.
    Bool(bool),
    /// `BIGINT`.
    Integer(i64),
    /// `TEXT`.
    Text(Cow<'v, str>),
}

macro_rules! from {
    ($($from:ty => |$value:ident| $into:expr;)*) => { $(
        impl<'v> From<$from> for Value<'v> {
            fn from($value: $from) -> Self { $into }
        }
    )* };
}
from! {
    bool => |value| Self::Bool(value);
    i64 => |value| Self::Integer(value);
    Timestamp => |value| Self::Integer(value.0);
    &'v str => |value| Self::Text(value.into());
    &'v String => |value| Self::Text(value.into());
    String => |value| Self::Text(value.into());
    &'v Subject => |value| Self::Text(value.0.as_str().into());
}

/// Texts of the domain that are stored as they are.
macro_rules! from_text {
    ($($from:ty)*) => { $(
        impl<'v> From<&'v $from> for Value<'v> {
            fn from(value: &'v $from) -> Self { Self::Text(value.as_str().into()) }
        }
    )* };
}
from_text! {
    ActionBindingId ActionId ActionVersionId ClientGrantId ClientId ConnectionId FamilyId InvitationId JobId LogId MailId OrganizationId
    ResourceServerId RoleId RuleId SessionId TokenHash UserId
}

impl<T: Into<Self>> From<Option<T>> for Value<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// JSON in a `TEXT` column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonText<T>(pub T);

impl<T: Serialize> JsonText<T> {
    /// As a parameter.
    pub(crate) fn encode(&self) -> Result<Value<'static>, StoreError> {
        serde_json::to_string(&self.0).map(Value::from).map_err(StoreError::backend)
    }
}

impl<T: DeserializeOwned> JsonText<T> {
    /// From a column's text.
    pub(crate) fn decode(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }
}

/// What can be read from a column on both engines.
pub(crate) trait Column:
    rusqlite::types::FromSql + for<'r> tokio_postgres::types::FromSql<'r>
{
}
impl<T: rusqlite::types::FromSql + for<'r> tokio_postgres::types::FromSql<'r>> Column for T {}

/// One row of a result.
pub(crate) struct Row<'r> {
    /// As the driver has it.
    pub cells: Cells<'r>,
    /// What opens its sealed columns.
    pub vault: &'r Vault,
}

/// A row as its driver has it.
pub(crate) enum Cells<'r> {
    /// As rusqlite has it.
    Sqlite(&'r rusqlite::Row<'r>),
    /// As tokio-postgres has it.
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// The column with this name.
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        match self.cells {
            Cells::Sqlite(row) => row.get(column).map_err(StoreError::backend),
            Cells::Postgres(row) => row.try_get(column).map_err(StoreError::backend),
        }
    }

    /// The column with this name, which holds an identifier or another checked text.
    pub(crate) fn parse<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: TryFrom<String>,
        T::Error: Error + Send + Sync + 'static,
    {
        T::try_from(self.get(column)?).map_err(StoreError::backend)
    }

    /// The same, which may be null.
    pub(crate) fn parse_optional<T>(&self, column: &str) -> Result<Option<T>, StoreError>
    where
        T: TryFrom<String>,
        T::Error: Error + Send + Sync + 'static,
    {
        self.get::<Option<String>>(column)?.map(T::try_from).transpose().map_err(StoreError::backend)
    }

    /// The column with this name, which holds identifiers with spaces between them, or nothing.
    pub(crate) fn parse_all<T>(&self, column: &str) -> Result<Vec<T>, StoreError>
    where
        T: TryFrom<String>,
        T::Error: Error + Send + Sync + 'static,
    {
        let texts: Option<String> = self.get(column)?;
        let texts = texts.iter().flat_map(|texts| texts.split(' '));
        texts.map(|text| T::try_from(text.to_owned())).collect::<Result<_, _>>().map_err(StoreError::backend)
    }

    /// The column with this name, which holds a hash.
    pub(crate) fn hash(&self, column: &str) -> Result<TokenHash, StoreError> {
        self.get(column).map(TokenHash::stored)
    }

    /// The instant in this column.
    pub(crate) fn at(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.get(column).map(Timestamp)
    }

    /// The instant in this column, if there is one.
    pub(crate) fn at_optional(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp))
    }

    /// The JSON in this column.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        self.get(column).map(|JsonText(value)| value)
    }

    /// What is sealed in this column of the row with this key.
    pub(crate) fn open(&self, place: &Place, key: &str) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.vault.open(place, key, &self.get::<String>(place.column)?)
    }

    /// The text that is sealed in this column.
    pub(crate) fn open_text(&self, place: &Place, key: &str) -> Result<Secret, StoreError> {
        let bytes = self.open(place, key)?;
        std::str::from_utf8(&bytes).map(Secret::new).map_err(StoreError::backend)
    }

    /// The text that is sealed in this column, if there is one.
    pub(crate) fn open_optional(&self, place: &Place, key: &str) -> Result<Option<Secret>, StoreError> {
        let sealed: Option<String> = self.get(place.column)?;
        sealed.map(|_sealed| self.open_text(place, key)).transpose()
    }

    /// The JSON that is sealed in this column.
    pub(crate) fn open_json<T: DeserializeOwned>(&self, place: &Place, key: &str) -> Result<T, StoreError> {
        serde_json::from_slice(&self.open(place, key)?).map_err(StoreError::backend)
    }
}

/// What a row means.
pub(crate) trait FromRow: Send + Sized {
    /// Read it.
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;
}

/// A row of one column, called `value`.
pub(crate) struct Scalar<T>(pub T);

impl<T: Column + Send> FromRow for Scalar<T> {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.get("value").map(Self)
    }
}
