//! The state in one redb file.
//!
//! Commits are durable, in two phases: payload text is chosen by senders, and a one-phase commit trusts checksums that
//! are not collision-proof.

mod copy;
mod handle;
mod hints;
pub(super) mod load;
mod read;
mod requests;
pub(super) mod tables;
mod write;

use std::fs::File;
use std::io;
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{StorageBackend, TableError};
use tollgate_shared::time::Timestamp;

use self::handle::{Handle, Opened, open_database};
use self::read::RedbReader;
use super::batch_view::BatchView;
use super::dedup::DedupBounds;
use super::memory::Memory;
use super::open::OpenIncidents;
use super::{Committed, Copier, Loaded, Reader, Store, StoreError, View};

pub use self::copy::{CopyCheck, CopyInto};
pub(crate) use self::handle::fail;

/// Blocks that one transaction of the sweep drops.
const SWEEP_BLOCKS_MAX: usize = 4_096;

/// Opens the state's file, for reading and writing, made where it is missing. Asked at each opening: what it checks
/// (owner, mode, no link) is checked each time.
pub type OpenFile = Arc<dyn Fn() -> io::Result<File> + Send + Sync>;

/// What a store needs to know of its surroundings.
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// What the file is called in errors, such as `state.redb`.
    pub label: String,
    /// Kept at creation, compared at each opening: tells whether the token key is the one of this database.
    pub key_check: [u8; 32],
    /// Kept at creation as the store's id; ignored afterwards. Random.
    pub first_store_id: u64,
    /// Memory for pages, bytes.
    pub cache_bytes: usize,
}

/// The state in a redb file. Owned by the writer thread.
pub struct RedbStore {
    handle: Arc<Handle>,
    open: OpenIncidents,
    bounds: DedupBounds,
    /// `None` before it is loaded and after a failure, whose outcome on disk is unknown.
    memory: Option<Memory>,
    /// The log seq that is given out next at least, whatever the disk says: seqs that a commit without changes has given
    /// out are on no disk, but in the log.
    log_seq_floor: u64,
}

impl RedbStore {
    /// Opens the file that `open_file` gives, or makes it a database where it is empty. [`Store::load`] must follow.
    ///
    /// # Errors
    /// I/O, damage, a newer format, or another key.
    pub fn open(open_file: OpenFile, settings: StateSettings) -> Result<Self, StoreError> {
        let label = settings.label.clone();
        Self::open_with(settings, move |cache_bytes| {
            let doing = format!("open {label}");
            let io_error = |error| StoreError::Io { doing: doing.clone(), source: Box::new(error) };
            let file = open_file().map_err(io_error)?;
            let for_size = file.try_clone().map_err(io_error)?;
            let backend = FileBackend::new(file).map_err(fail(&doing))?;
            Ok(Opened {
                database: open_database(backend, &label, cache_bytes)?,
                size_bytes: Box::new(move || for_size.metadata().map_or(0, |metadata| metadata.len())),
            })
        })
    }

    /// Opens a database on any storage that `backend` gives, each time it is asked. For tests on a disk that fails.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn open_on<B: StorageBackend>(
        backend: impl Fn() -> B + Send + Sync + 'static,
        settings: StateSettings,
    ) -> Result<Self, StoreError> {
        let label = settings.label.clone();
        Self::open_with(settings, move |cache_bytes| {
            let database = open_database(backend(), &label, cache_bytes)?;
            Ok(Opened { database, size_bytes: Box::new(|| 0) })
        })
    }

    fn open_with(
        settings: StateSettings,
        open: impl Fn(usize) -> Result<Opened, StoreError> + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let handle = Handle::open(Box::new(move || {
            let opened = open(settings.cache_bytes)?;
            identify(&opened, &settings)?;
            Ok(opened)
        }))?;
        Ok(Self {
            handle: Arc::new(handle),
            open: OpenIncidents::default(),
            bounds: DedupBounds::default(),
            memory: None,
            log_seq_floor: 0,
        })
    }

    /// Copies the state beside the writer; the handle survives [`Store::reopen`].
    pub fn copier(&self) -> Arc<dyn Copier> {
        Arc::new(copy::RedbCopier(Arc::clone(&self.handle)))
    }

    /// Runs one transaction; after a failure memory is gone until the store is reopened.
    fn transact<T>(
        &mut self,
        write: impl FnOnce(&redb::WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = self.handle.write().and_then(|txn| {
            let result = write(&txn)?;
            txn.commit().map_err(fail("commit the state"))?;
            Ok(result)
        });
        if done.is_err() {
            self.memory = None;
        }
        done
    }
}

impl Store for RedbStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.memory = None;
        let (mut loaded, mut memory) = load::load(&self.handle.read()?, self.bounds)?;
        memory.share_open(&self.open);
        loaded.next_log_seq = loaded.next_log_seq.max(self.log_seq_floor);
        memory.marks.next_log_seq = loaded.next_log_seq;
        self.memory = Some(memory);
        Ok(loaded)
    }

    fn raise_log_seq(&mut self, next: u64) {
        self.log_seq_floor = self.log_seq_floor.max(next);
        if let Some(memory) = &mut self.memory {
            memory.marks.next_log_seq = memory.marks.next_log_seq.max(next);
        }
    }

    fn commit(&mut self, now: Timestamp, decide: &mut dyn FnMut(&mut dyn View)) -> Result<Committed, StoreError> {
        let handle = Arc::clone(&self.handle);
        let memory = self.memory.as_mut().ok_or_else(not_loaded)?;
        let on_disk = |id| requests::record(&handle, id);
        let mut view = BatchView::new(memory, &on_disk);
        decide(&mut view);
        let overlay = view.into_overlay();
        let marks = overlay.marks_after(memory.marks, now);
        self.log_seq_floor = self.log_seq_floor.max(marks.next_log_seq);
        if overlay.is_empty() {
            memory.marks = marks;
            return Ok(Committed { wrote: false, incident_rows: 0 });
        }
        self.transact(|txn| write::write_batch(txn, &overlay, marks))?;
        let incident_rows = overlay.heads.len();
        if let Some(memory) = &mut self.memory {
            memory.apply(overlay, marks);
        }
        Ok(Committed { wrote: true, incident_rows })
    }

    fn reopen(&mut self) -> Result<Loaded, StoreError> {
        self.memory = None;
        self.handle.reopen()?;
        self.load()
    }

    fn sweep_dedup(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let memory = self.memory.as_mut().ok_or_else(not_loaded)?;
        memory.dedup.forget_before(now);
        memory.requests.forget_before(now);
        memory.answers.forget_before(now);
        loop {
            let memory = self.memory.as_ref().ok_or_else(not_loaded)?;
            let (dedup, answers) = (memory.dedup.rubbish(SWEEP_BLOCKS_MAX), memory.answers.rubbish(SWEEP_BLOCKS_MAX));
            if dedup.is_empty() && answers.is_empty() {
                return Ok(());
            }
            self.transact(|txn| write::drop_blocks(txn, &dedup, &answers))?;
            if let Some(memory) = &mut self.memory {
                memory.dedup.blocks_dropped(&dedup);
                memory.answers.blocks_dropped(&answers);
            }
        }
    }

    fn drop_resolved_before(&mut self, cutoff: Timestamp, limit: usize) -> Result<usize, StoreError> {
        if self.memory.is_none() {
            return Err(not_loaded());
        }
        let due = load::resolved_before(&self.handle.read()?, cutoff, limit)?;
        if !due.is_empty() {
            self.transact(|txn| write::drop_incidents(txn, &due))?;
        }
        Ok(due.len())
    }

    fn drop_finished_requests(
        &mut self,
        cutoff: Timestamp,
        keep_max: usize,
        limit: usize,
    ) -> Result<usize, StoreError> {
        if self.memory.is_none() {
            return Err(not_loaded());
        }
        if !requests::is_due(&self.handle.read()?, cutoff, keep_max)? {
            return Ok(0);
        }
        let (gone, looked_at) = self.transact(|txn| requests::drop_finished(txn, cutoff, keep_max, limit))?;
        if let Some(memory) = &mut self.memory {
            memory.requests.forget(&gone);
        }
        Ok(looked_at)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(RedbReader { handle: Arc::clone(&self.handle), open: self.open.clone() })
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.handle.close()
    }
}

/// Makes an empty file a database of ours; refuses one that is not.
fn identify(opened: &Opened, settings: &StateSettings) -> Result<(), StoreError> {
    const DOING: &str = "read what the state says of itself";
    let txn = redb::ReadableDatabase::begin_read(&opened.database).map_err(fail(DOING))?;
    match txn.open_table(tables::META) {
        Ok(meta) => {
            tables::check_identity(&meta, &settings.label, &settings.key_check)?;
            drop((meta, txn));
            tables::add_missing(&opened.database)
        }
        Err(TableError::TableDoesNotExist(_)) => {
            let mut txn = opened.database.begin_write().map_err(fail(DOING))?;
            txn.set_two_phase_commit(true);
            tables::initialise(&txn, &settings.key_check, settings.first_store_id)?;
            txn.commit().map_err(fail(DOING))
        }
        Err(error) => Err(fail(DOING)(error)),
    }
}

fn not_loaded() -> StoreError {
    StoreError::Io {
        doing: "use the state before it is loaded again".to_owned(),
        source: Box::new(io::Error::other("a commit failed before, or nothing was loaded yet")),
    }
}
