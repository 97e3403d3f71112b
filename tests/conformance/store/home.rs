//! Owns where a test's data lives, on each engine.
//! Never touches what is stored.

use portico_core::port::store::{Store, StoreError};
use portico_fixtures::postgres::{Durability, Server};
use portico_store::{Kek, Keks, StoreOptions};
use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tempfile::TempDir;

/// The server that all tests share, each with a database of its own.
static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(Durability::None).unwrap());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Where a test's data lives; gone when dropped.
pub(crate) enum Home {
    /// In a folder.
    Folder(TempDir),
    /// In this database of the shared server.
    Database(String),
}

impl Home {
    /// On a RAM disk.
    pub(crate) fn memory() -> Self {
        Self::Folder(TempDir::with_prefix_in("portico-", "/dev/shm").unwrap())
    }

    /// On the disk that the build is on.
    pub(crate) fn disk() -> Self {
        Self::Folder(TempDir::with_prefix_in("portico-", env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    /// On PostgreSQL.
    pub(crate) fn postgres() -> Self {
        let name = format!("portico_{}", DATABASES.fetch_add(1, Relaxed));
        SERVER.create(&name).unwrap();
        Self::Database(name)
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Database(_))
    }

    /// What `open` takes.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(_) => self.file().display().to_string(),
            Self::Database(name) => SERVER.url(name),
        }
    }

    /// The file, where there is one.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().join("store.db"),
            Self::Database(name) => panic!("{name} is not a file"),
        }
    }

    /// Run a statement past the store, on PostgreSQL.
    pub(crate) fn query(&self, statement: &str) -> String {
        match self {
            Self::Folder(folder) => panic!("{folder:?} is not a database"),
            Self::Database(name) => SERVER.query(name, statement).unwrap(),
        }
    }

    /// Open it.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.try_open(keks(&[1])).await.unwrap()
    }

    /// What is there is whole (PostgreSQL looks after its own files), and every secret in it opens.
    pub(crate) async fn assert_sound(&self, at: &str) {
        let faults = portico_store::verify_integrity(&self.url()).unwrap();
        assert_eq!(faults, Vec::<String>::new(), "{at}");
        let verified = portico_store::verify_secrets(&self.url(), &options(keks(&[1]))).await.unwrap();
        assert_eq!(verified.unreadable, Vec::<String>::new(), "{at}");
    }

    /// Open it with these keys.
    pub(crate) async fn try_open(&self, keks: Keks) -> Result<Arc<dyn Store>, StoreError> {
        portico_store::open(&self.url(), &options(keks)).await
    }
}

/// How tests open stores.
pub(crate) fn options(keks: Keks) -> StoreOptions {
    // Races crowd: nobody is told that there was no connection in time on a busy machine.
    StoreOptions { connections: 8, wait: Duration::from_mins(2), ..StoreOptions::new(keks) }
}

/// Fixed keys, the newest first.
pub(crate) fn keks(numbers: &[u8]) -> Keks {
    let mut keks = numbers.iter().map(|number| Kek::new([*number; 32]));
    Keks::new(keks.next().unwrap(), keks.collect())
}
