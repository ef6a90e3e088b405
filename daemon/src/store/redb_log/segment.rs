//! One file of the log: the rows of about an hour.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition, TableError};
use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use crate::store::StoreError;
use crate::store::redb_state::fail;
use crate::store::rows::{decode, encode};

/// The format that this program writes.
const FORMAT_VERSION: i64 = 1;
/// How a segment's file ends.
pub(super) const SUFFIX: &str = ".redb";
/// What a segment's name gets when it does not open.
pub(super) const DAMAGED_SUFFIX: &str = ".damaged";

const ROWS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("rows");
const META: TableDefinition<'static, &str, i64> = TableDefinition::new("meta");
const FORMAT: &str = "format_version";
const BEGUN_AT: &str = "begun_at";
const FIRST_AT: &str = "first_at";
const LAST_AT: &str = "last_at";

/// What is in a segment, as far as it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// When the segment was begun: its age counts from here.
    pub(super) begun_at: Timestamp,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    /// The earliest row's moment.
    pub(super) first_at: Timestamp,
    /// The latest row's moment.
    pub(super) last_at: Timestamp,
}

/// Why a segment cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// Its bytes are no segment: it is moved aside.
    Damaged(StoreError),
    /// The disk or the process's limits stand in the way: it may be well.
    Unreachable(StoreError),
}

/// A segment's file. Its database is open while somebody needs it.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    cache_bytes: usize,
    span: Mutex<Span>,
    database: Mutex<Option<Arc<Database>>>,
}

/// Whether rows are walked from old to new or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Rising,
    Falling,
}

/// A row as it was found: it may not decode.
#[derive(Debug)]
pub(super) struct FoundRow {
    pub(super) seq: u64,
    pub(super) row: Result<LogRow, StoreError>,
}

// === impl Segment ===

impl Segment {
    /// A new, empty file, named by the seq of its first row. Until the first commit its span says one seq before that.
    pub(super) fn create(
        directory: &Path,
        first_seq: u64,
        cache_bytes: usize,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        const DOING: &str = "begin a log segment";
        let path = directory.join(format!("{first_seq:020}{SUFFIX}"));
        let io_error = |source| StoreError::Io { doing: DOING.to_owned(), source: Box::new(source) };
        let file = open_file(&path, true).map_err(io_error)?;
        let opened = sync_directory(directory)
            .map_err(io_error)
            .and_then(|()| open_database(file, cache_bytes).map_err(fail(DOING)));
        // A file without rows would stand in the way of the next attempt, which has the same name.
        let (database, _) = opened.inspect_err(|_| remove_quietly(&path))?;
        let span = Span {
            begun_at: now,
            first_seq,
            last_seq: first_seq.saturating_sub(1),
            first_at: Timestamp::from_micros(i64::MAX),
            last_at: Timestamp::from_micros(i64::MIN),
        };
        let database = Mutex::new(Some(Arc::new(database)));
        Ok(Self { path, cache_bytes, span: Mutex::new(span), database })
    }

    /// A segment found on disk, and whether it had not been closed cleanly. `None` where it holds no row.
    pub(super) fn find(path: &Path, cache_bytes: usize) -> Result<Option<(Self, bool)>, Unusable> {
        let (database, repaired) = open_existing(path, cache_bytes)?;
        let Some(span) = read_span(&database).map_err(sort_store)? else { return Ok(None) };
        let segment = Self {
            path: path.to_owned(),
            cache_bytes,
            span: Mutex::new(span),
            database: Mutex::new(Some(Arc::new(database))),
        };
        Ok(Some((segment, repaired)))
    }

    pub(super) fn span(&self) -> Span {
        *lock(&self.span)
    }

    /// The open database, opened where it is not.
    pub(super) fn database(&self) -> Result<Arc<Database>, Unusable> {
        let mut database = lock(&self.database);
        if let Some(open) = database.as_ref() {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new(open_existing(&self.path, self.cache_bytes)?.0);
        *database = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Closes the file unless somebody reads in it just now; says whether it is closed.
    pub(super) fn close_if_idle(&self) -> Result<bool, StoreError> {
        let mut database = lock(&self.database);
        if database.as_ref().is_some_and(|open| Arc::strong_count(open) > 1) {
            return Ok(false);
        }
        match database.take().and_then(Arc::into_inner) {
            Some(database) => database.close().map(|()| true).map_err(fail("close a log segment")),
            None => Ok(true),
        }
    }

    /// Closes the file, also a dead one, and says whether that went well. A reader in the middle of it keeps it open a
    /// moment longer, in which it cannot be opened again.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let database = lock(&self.database).take();
        match database.and_then(Arc::into_inner) {
            Some(database) => database.close().map_err(fail("close a log segment")),
            None => Ok(()),
        }
    }

    /// Commits rows of rising seq and lets readers see them.
    pub(super) fn append(&self, rows: &[Arc<LogRow>]) -> Result<(), StoreError> {
        const DOING: &str = "write log rows";
        let mut span = self.span();
        let database = self.database().map_err(Unusable::into_error)?;
        let txn = database.begin_write().map_err(fail(DOING))?;
        let mut table = txn.open_table(ROWS).map_err(fail(DOING))?;
        for row in rows {
            table.insert(row.seq, encode(row.as_ref())?.as_slice()).map_err(fail(DOING))?;
            span.last_seq = row.seq;
            span.first_at = span.first_at.min(row.at);
            span.last_at = span.last_at.max(row.at);
        }
        drop(table);
        write_span(&txn, span)?;
        txn.commit().map_err(fail("commit log rows"))?;
        *lock(&self.span) = span;
        Ok(())
    }

    /// At most `limit` rows of `from..=to` in their direction, copied out of a transaction that is closed on return.
    pub(super) fn rows(
        &self,
        from: u64,
        to: u64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<FoundRow>, Unusable> {
        let database = self.database()?;
        let txn = database.begin_read().map_err(|error| sort(error.into()))?;
        let table = match txn.open_table(ROWS) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(sort(error.into())),
        };
        let mut range = table.range(from..=to).map_err(|error| sort(error.into()))?;
        let mut rows = Vec::new();
        while rows.len() < limit {
            let next = if direction == Direction::Rising { range.next() } else { range.next_back() };
            let Some(row) = next else { break };
            let (seq, row) = row.map_err(|error| sort(error.into()))?;
            rows.push(FoundRow { seq: seq.value(), row: decode(row.value()) });
        }
        Ok(rows)
    }
}

impl Span {
    /// True until the first commit.
    pub(super) const fn is_empty(&self) -> bool {
        self.last_seq < self.first_seq
    }
}

impl Unusable {
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Damaged(error) | Self::Unreachable(error) => error,
        }
    }
}

/// Makes a change of the directory's entries durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn remove_quietly(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, path = %path.display(), "an empty log segment could not be removed");
    }
}

fn open_file(path: &Path, create_new: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(create_new)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

fn open_existing(path: &Path, cache_bytes: usize) -> Result<(Database, bool), Unusable> {
    let doing = "open a log segment";
    let file = open_file(path, false).map_err(|source| {
        Unusable::Unreachable(StoreError::Io { doing: doing.to_owned(), source: Box::new(source) })
    })?;
    open_database(file, cache_bytes).map_err(|error| sort(error.into()))
}

/// Opens the database and says whether it had to be repaired, which means that it was not closed cleanly.
fn open_database(file: File, cache_bytes: usize) -> Result<(Database, bool), DatabaseError> {
    let repaired = Arc::new(AtomicBool::new(false));
    let saw_repair = Arc::clone(&repaired);
    let database = redb::Builder::new()
        .set_cache_size(cache_bytes)
        .set_repair_callback(move |_| saw_repair.store(true, Ordering::Relaxed))
        .create_with_backend(FileBackend::new(file)?)?;
    Ok((database, repaired.load(Ordering::Relaxed)))
}

/// What stands in the way of reading, and bytes that are not what they should be, are told apart: only the latter are
/// moved aside.
fn sort(error: redb::Error) -> Unusable {
    let unreachable = match &error {
        redb::Error::Io(io) => !matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::DatabaseAlreadyOpen => true,
        _ => false,
    };
    let error = fail::<redb::Error>("read a log segment")(error);
    if unreachable { Unusable::Unreachable(error) } else { Unusable::Damaged(error) }
}

fn sort_store(error: StoreError) -> Unusable {
    match error {
        StoreError::Io { doing, source } => match source.downcast::<redb::Error>() {
            Ok(engine) => sort(*engine),
            Err(source) => Unusable::Unreachable(StoreError::Io { doing, source }),
        },
        other => Unusable::Damaged(other),
    }
}

fn write_span(txn: &redb::WriteTransaction, span: Span) -> Result<(), StoreError> {
    const DOING: &str = "write a log segment's marks";
    let mut meta = txn.open_table(META).map_err(fail(DOING))?;
    let marks = [
        (FORMAT, FORMAT_VERSION),
        (BEGUN_AT, span.begun_at.as_micros()),
        (FIRST_AT, span.first_at.as_micros()),
        (LAST_AT, span.last_at.as_micros()),
    ];
    for (name, mark) in marks {
        meta.insert(name, mark).map_err(fail(DOING))?;
    }
    Ok(())
}

fn read_span(database: &Database) -> Result<Option<Span>, StoreError> {
    const DOING: &str = "read a log segment's marks";
    let txn = database.begin_read().map_err(fail(DOING))?;
    let rows = match txn.open_table(ROWS) {
        Ok(rows) => rows,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(fail(DOING)(error)),
    };
    let meta = txn.open_table(META).map_err(fail(DOING))?;
    let mark = |name: &str| -> Result<i64, StoreError> {
        let mark = meta.get(name).map_err(fail(DOING))?;
        mark.map(|mark| mark.value()).ok_or_else(|| StoreError::Damaged {
            what: "a log segment".to_owned(),
            detail: format!("it has no {name}"),
        })
    };
    let found = mark(FORMAT)?;
    if found > FORMAT_VERSION {
        let (found, known) = (u32::try_from(found).unwrap_or(u32::MAX), FORMAT_VERSION as u32);
        return Err(StoreError::NewerFormat { file: "a log segment".to_owned(), found, known });
    }
    let seq_of = |row: Option<(redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, &'static [u8]>)>| {
        row.map(|(seq, _)| seq.value())
    };
    let first: Result<_, StorageError> = rows.first();
    let (first, last) = (seq_of(first.map_err(fail(DOING))?), seq_of(rows.last().map_err(fail(DOING))?));
    let (Some(first_seq), Some(last_seq)) = (first, last) else { return Ok(None) };
    Ok(Some(Span {
        begun_at: Timestamp::from_micros(mark(BEGUN_AT)?),
        first_seq,
        last_seq,
        first_at: Timestamp::from_micros(mark(FIRST_AT)?),
        last_at: Timestamp::from_micros(mark(LAST_AT)?),
    }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
