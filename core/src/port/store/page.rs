//! Owns paging, as every list of the store takes it.
//! Never touches the wire forms of paging: those are the Management API's.

/// Which part of a list. Lists are ordered by `(created_at, id)` unless their method says otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// Skip this many. Used by page paging, which the API limits to the first 1,000.
    pub skip: i64,
    /// Begin behind the row with this id. Used by checkpoint paging; a row that is gone meanwhile is no obstacle,
    /// since the cursor holds its `created_at` too.
    pub after: Option<(i64, String)>,
    /// At most this many rows.
    pub take: i64,
    /// Which way.
    pub direction: Direction,
}

impl Page {
    /// The first `take` rows.
    pub const fn first(take: i64) -> Self {
        Self { skip: 0, after: None, take, direction: Direction::Ascending }
    }
}

/// Which way a list goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Direction {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}
