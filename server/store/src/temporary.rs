//! Owns stores that end with the process: for tests and demonstrations.
//! Never touches anything that is not in the store's own folder.

use crate::{
    migrate::{MIGRATIONS, Schema},
    seal::{Kek, Keks},
    sqlite::SqliteStore,
};
use async_trait::async_trait;
use portico_core::{
    entropy::{Entropy, SystemEntropy},
    port::store::{Durability, Store, StoreError, Work},
};
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A store that is gone when dropped: a file on a RAM disk where there is one, else in the folder for temporary
/// files, so that it behaves in every way as a real one. Its key-encryption key is random and nowhere else.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = portico_store::temporary().await?;
/// store.ready().await
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn temporary() -> Result<Arc<dyn Store>, StoreError> {
    let entropy: &dyn Entropy = &SystemEntropy::default();
    let folder = Folder::make(&format!("portico-{}", entropy.hex(24)))?;
    let keks = Keks::new(Kek::random(entropy), Vec::new());
    let store = SqliteStore::open(folder.0.join("store.db"), MIGRATIONS, Schema::Update, &keks).await?;
    Ok(Arc::new(Temporary { store, _folder: folder }))
}

struct Temporary {
    store: SqliteStore,
    /// Dropped after the store.
    _folder: Folder,
}

struct Folder(PathBuf);

impl Folder {
    fn make(name: &str) -> Result<Self, StoreError> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(name);
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(StoreError::backend)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[async_trait]
impl Store for Temporary {
    async fn run_write(&self, work: Work<'static>, durability: Durability) -> Result<(), StoreError> {
        self.store.run_write(work, durability).await
    }

    async fn run_read<'a>(&'a self, work: Work<'a>) -> Result<(), StoreError> {
        self.store.run_read(work).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }
}
