//! What the tests of this room share: rows to store, a plain reference implementation, a disk that fails.

pub(super) mod disk;
pub(crate) mod naive;
pub(crate) mod naive_log;
pub(crate) mod samples;

use disk::Disk;

use super::{RedbStore, StateSettings, Store};

/// The real store on a disk in memory; reopening it is a restart.
pub(crate) fn redb_store() -> Box<dyn Store> {
    let disk = Disk::default();
    let settings =
        StateSettings { label: "state.redb".to_owned(), key_check: [9; 32], first_store_id: 42, cache_bytes: 1 << 20 };
    let mut store = RedbStore::open_on(move || disk.clone(), settings).unwrap();
    store.load().unwrap();
    Box::new(store)
}
