//! The open database, shared by the writer and the readers, and how to open it again.

use std::sync::{PoisonError, RwLock};

use redb::{Database, Durability, ReadTransaction, StorageBackend, WriteTransaction};

use crate::store::StoreError;

/// From this size on a crash would mean a walk over a large file at the next start, so commits pay for quick repair.
const QUICK_REPAIR_FROM_BYTES: u64 = 256 * 1_024 * 1_024;

/// A database just opened, and how its size is asked.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) size_bytes: Box<dyn Fn() -> u64 + Send + Sync>,
}

type Opener = Box<dyn Fn() -> Result<Opened, StoreError> + Send + Sync>;

/// `None` while the database is closed. The lock is held only while a transaction begins: a transaction lives on without
/// it, and fails by itself when the database is closed under it.
pub(super) struct Handle {
    opened: RwLock<Option<Opened>>,
    opener: Opener,
}

/// Turns an error of the engine into ours.
pub(crate) fn fail<E: Into<redb::Error>>(doing: &str) -> impl FnOnce(E) -> StoreError + '_ {
    move |error| StoreError::Io { doing: doing.to_owned(), source: Box::new(error.into()) }
}

/// Opens a database on whatever `backend` is.
pub(super) fn open_database(
    backend: impl StorageBackend,
    label: &str,
    cache_bytes: usize,
) -> Result<Database, StoreError> {
    redb::Builder::new()
        .set_cache_size(cache_bytes)
        .create_with_backend(backend)
        .map_err(|error| fail(&format!("open {label}"))(error))
}

impl Handle {
    pub(super) fn open(opener: Opener) -> Result<Self, StoreError> {
        let opened = opener()?;
        Ok(Self { opened: RwLock::new(Some(opened)), opener })
    }

    /// Closes the database, also a dead one, and opens it again.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        // The old one must be gone first: two handles on one file exclude each other.
        drop(self.take());
        let opened = (self.opener)()?;
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(())
    }

    /// Closes the database for good.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        match self.take() {
            Some(opened) => opened.database.close().map_err(fail("close the state")),
            None => Ok(()),
        }
    }

    pub(super) fn read(&self) -> Result<ReadTransaction, StoreError> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let database = &opened.as_ref().ok_or_else(closed)?.database;
        redb::ReadableDatabase::begin_read(database).map_err(fail("read the state"))
    }

    /// A transaction that is on the disk, in two phases, when its commit returns.
    pub(super) fn write(&self) -> Result<WriteTransaction, StoreError> {
        const DOING: &str = "begin a commit of the state";
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.as_ref().ok_or_else(closed)?;
        let mut txn = opened.database.begin_write().map_err(fail(DOING))?;
        txn.set_durability(Durability::Immediate)
            .map_err(|error| StoreError::Io { doing: DOING.to_owned(), source: Box::new(error) })?;
        txn.set_two_phase_commit(true);
        if (opened.size_bytes)() >= QUICK_REPAIR_FROM_BYTES {
            txn.set_quick_repair(true);
        }
        Ok(txn)
    }

    fn take(&self) -> Option<Opened> {
        self.opened.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn closed() -> StoreError {
    fail::<redb::StorageError>("use the state")(redb::StorageError::DatabaseClosed)
}
