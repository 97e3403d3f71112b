//! Owns the envelopes of lists (contract §2.1).
//! Never touches what is in them.

use super::cursor::Cursors;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use portico_core::port::store::{Direction, Page};
use serde_json::{Map, Value};

/// Which part of a list was asked for, and in which envelope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Paging {
    /// By page number.
    Offset { page: i64, per_page: i64, totals: bool },
    /// By cursor. `list` is what the next cursor will be bound to.
    Checkpoint { take: i64, after: Option<(i64, String)>, list: String },
}

impl Paging {
    /// As the store takes it.
    pub(super) fn page(&self) -> Page {
        self.directed(Direction::Ascending)
    }

    /// The same, in this direction.
    pub(super) fn directed(&self, direction: Direction) -> Page {
        match self {
            Self::Offset { page, per_page, .. } => {
                Page { skip: page * per_page, after: None, take: *per_page, direction }
            }
            Self::Checkpoint { take, after, .. } => {
                Page { skip: 0, after: after.clone(), take: *take, direction }
            }
        }
    }

    /// Whether this many rows fill the page, so that there may be more.
    pub(super) fn is_full(&self, rows: usize) -> bool {
        let take = match self {
            Self::Offset { per_page, .. } => *per_page,
            Self::Checkpoint { take, .. } => *take,
        };
        i64::try_from(rows).is_ok_and(|rows| rows >= take)
    }
}

/// A page of a list, as it goes out.
pub(super) struct Listing {
    key: &'static str,
    rows: Vec<Value>,
    total: Option<i64>,
    last: Option<(i64, String)>,
    has_length: bool,
}

impl Listing {
    /// These rows, called so in an envelope.
    pub(super) fn of(key: &'static str, rows: Vec<Value>) -> Self {
        Self { key, rows, total: None, last: None, has_length: false }
    }

    /// So many there are in all.
    pub(super) fn counted(self, total: impl Into<Option<i64>>) -> Self {
        Self { total: total.into(), ..self }
    }

    /// With time and id of the last row, for a cursor.
    pub(super) fn ending(self, last: Option<(i64, String)>) -> Self {
        Self { last, ..self }
    }

    /// In an envelope that says `length` too (contract §2.1: users, clients and logs).
    pub(super) fn with_length(self) -> Self {
        Self { has_length: true, ..self }
    }

    /// In the envelope that was asked for.
    pub(super) fn answer(self, paging: &Paging, cursors: &Cursors) -> Response {
        let full = paging.is_full(self.rows.len());
        let mut envelope = Map::new();
        match paging {
            Paging::Offset { totals: false, .. } => return Json(self.rows).into_response(),
            Paging::Offset { page, per_page, totals: true } => {
                envelope.insert("start".to_owned(), Value::from(page * per_page));
                envelope.insert("limit".to_owned(), Value::from(*per_page));
                if self.has_length {
                    envelope.insert("length".to_owned(), Value::from(self.rows.len()));
                }
                if let Some(total) = self.total {
                    envelope.insert("total".to_owned(), Value::from(total));
                }
                envelope.insert(self.key.to_owned(), Value::from(self.rows));
            }
            Paging::Checkpoint { list, .. } => {
                envelope.insert(self.key.to_owned(), Value::from(self.rows));
                if let (true, Some(last)) = (full, self.last) {
                    envelope.insert("next".to_owned(), Value::from(cursors.make(list, &last)));
                }
            }
        }
        Json(envelope).into_response()
    }
}
