//! Owns database connections that are kept open between runs, for each owner and each place by themselves.
//! Never touches what is said on them.

use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// An owner, and everything about the place: address, user, password. As a hash, so that no password is kept.
pub(crate) type Key = [u8; 32];

/// The key of an owner and what they connect with.
pub(crate) fn key(owner: &str, to: &impl Serialize) -> Key {
    let mut hash = Sha256::new();
    hash.update((owner.len() as u64).to_le_bytes());
    hash.update(owner);
    hash.update(serde_json::to_vec(to).unwrap_or_default());
    hash.finalize().into()
}

/// Connections of one kind.
pub(crate) struct Pool<L> {
    shelves: Mutex<BTreeMap<Key, Arc<Shelf<L>>>>,
}

struct Shelf<L> {
    places: Arc<Semaphore>,
    idle: Mutex<Vec<(L, Instant)>>,
}

/// One that was lent, or a place for one that is to be made.
pub(crate) struct Lent<L> {
    shelf: Arc<Shelf<L>>,
    _place: OwnedSemaphorePermit,
}

impl<L> Default for Pool<L> {
    fn default() -> Self {
        Self { shelves: Mutex::default() }
    }
}

impl<L> Pool<L> {
    /// Wait for a place, and get a connection that is idle, if there is one.
    pub(crate) async fn lend(&self, key: Key) -> Option<(Lent<L>, Option<L>)> {
        let shelf = {
            let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
            shelves.retain(|_, shelf| shelf.tidy() || Arc::strong_count(shelf) > 1);
            Arc::clone(shelves.entry(key).or_insert_with(|| Arc::new(Shelf::new())))
        };
        let place = Arc::clone(&shelf.places).acquire_owned().await.ok()?;
        let idle = shelf.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Some((Lent { shelf, _place: place }, idle.map(|(line, _)| line)))
    }
}

impl<L> Shelf<L> {
    fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST_OF_ONE)), idle: Mutex::default() }
    }

    /// Let go of what nobody has used for a while; whether anything is left.
    fn tidy(&self) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < KEPT);
        !idle.is_empty()
    }
}

impl<L> Lent<L> {
    /// It can be used again.
    pub(crate) fn give_back(self, line: L) {
        self.shelf.idle.lock().unwrap_or_else(PoisonError::into_inner).push((line, Instant::now()));
    }
}

/// Connections of one owner to one place.
const MOST_OF_ONE: usize = 10;

/// How long a connection is kept that nobody uses.
const KEPT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn what_is_given_back_is_lent_again_to_the_same_owner_alone() {
        let pool = Pool::default();
        let (mine, theirs) = (key("con_1", &"db"), key("con_2", &"db"));
        let (lent, none) = pool.lend(mine).await.unwrap();
        assert_eq!(none, None);
        lent.give_back("line");
        assert_eq!(pool.lend(theirs).await.unwrap().1, None);
        assert_eq!(pool.lend(mine).await.unwrap().1, Some("line"));
        assert_ne!(key("a", &"bc"), key("ab", &"c"));
    }

    #[tokio::test]
    async fn an_owner_has_so_many_connections_and_then_waits() {
        let pool: Pool<()> = Pool::default();
        let one = key("con_1", &"db");
        let mut lent = Vec::new();
        for _ in 0..MOST_OF_ONE {
            lent.push(pool.lend(one).await.unwrap());
        }
        assert!(pool.lend(one).now_or_never().is_none());
        lent.pop();
        assert!(pool.lend(one).now_or_never().is_some());
    }
}
