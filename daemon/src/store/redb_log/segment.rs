//! One file of the log: the rows of about an hour.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, DatabaseError, ReadableDatabase};
use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use super::backend::{Backend, OpenBackend};
use super::block::TokenMark;
use super::guard::guarded;
use super::head::Head;
use super::pack::put_rows;
use super::tables::{
    Contents, FORMAT_VERSION, HEADS, ROWS_V1, Span, TAIL, TOKENS, TOKENS_MAX, open_if_there, read_block, read_contents,
    write_span,
};
use crate::store::StoreError;
use crate::store::redb_state::fail;

/// How a segment's file ends.
pub(super) const SUFFIX: &str = ".redb";
/// What a segment's name gets when it does not open.
pub(super) const DAMAGED_SUFFIX: &str = ".damaged";

/// Heads that one transaction looks at.
const HEADS_MAX: usize = 1_000;

/// A segment found on disk.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) segment: Segment,
    /// It was closed cleanly and is of the format that is written today.
    pub(super) goes_on: bool,
}

/// Where a segment's databases come from.
#[derive(Clone, Debug)]
pub(super) struct Opener {
    pub(super) cache_bytes: usize,
    pub(super) backend: OpenBackend,
}

/// Why a segment cannot be used.
#[derive(Debug)]
pub(in crate::store) enum Unusable {
    /// Its bytes are no segment: it is moved aside.
    Damaged(StoreError),
    /// The disk or the process's limits stand in the way: it may be well.
    Unreachable(StoreError),
}

/// A segment's file. Its database is open while somebody needs it.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    opener: Opener,
    format: i64,
    span: Mutex<Span>,
    /// Short sections only; `None` = there may be rows of any token.
    tokens: Mutex<Option<HashSet<TokenMark>>>,
    database: Mutex<Option<Arc<Database>>>,
}

/// Whether rows are walked from old to new or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Rising,
    Falling,
}

/// A stretch of a segment, in the direction of the walk.
#[derive(Debug)]
pub(super) enum Stretch {
    /// A block that was not opened: its first and last seq.
    Skipped(u64, u64),
    /// A block, packed: its first and last seq.
    Block(u64, u64, Vec<u8>),
    /// Rows that stand alone.
    Rows(Vec<(u64, Vec<u8>)>),
}

/// Which part of a segment is wanted, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) direction: Direction,
    /// Rows that stand alone are copied up to this number.
    pub(super) rows_max: usize,
}

// === impl Segment ===

impl Segment {
    /// A new, empty file, named by the seq of its first row. Until the first commit its span says one seq before that.
    pub(super) fn create(directory: &Path, first_seq: u64, opener: Opener, now: Timestamp) -> Result<Self, StoreError> {
        const DOING: &str = "begin a log segment";
        let path = directory.join(format!("{first_seq:020}{SUFFIX}"));
        let io_error = |source| StoreError::Io { doing: DOING.to_owned(), source: Box::new(source) };
        let file = open_file(&path, true).map_err(io_error)?;
        let opened = sync_directory(directory)
            .map_err(io_error)
            .and_then(|()| open_database(file, &opener).map_err(fail(DOING)));
        // A file without rows would stand in the way of the next attempt, which has the same name.
        let (database, _) = opened.inspect_err(|_| remove_quietly(&path))?;
        let span = Span {
            begun_at: now,
            first_seq,
            last_seq: first_seq.saturating_sub(1),
            first_at: Timestamp::from_micros(i64::MAX),
            last_at: Timestamp::from_micros(i64::MIN),
            rows: 0,
        };
        let contents = Contents { format: FORMAT_VERSION, span, tokens: Some(HashSet::new()) };
        Ok(Self::with(path, opener, contents, database))
    }

    /// A segment found on disk. `None` where it holds no row.
    pub(super) fn find(path: &Path, opener: Opener) -> Result<Option<Found>, Unusable> {
        let found = guarded(|| {
            let (database, repaired) = open_existing(path, &opener)?;
            Ok(read_contents(&database).map_err(sort_store)?.map(|contents| (database, repaired, contents)))
        });
        let Some((database, repaired, contents)) = found? else { return Ok(None) };
        let goes_on = !repaired && contents.format == FORMAT_VERSION;
        Ok(Some(Found { segment: Self::with(path.to_owned(), opener, contents, database), goes_on }))
    }

    fn with(path: PathBuf, opener: Opener, contents: Contents, database: Database) -> Self {
        Self {
            path,
            opener,
            format: contents.format,
            span: Mutex::new(contents.span),
            tokens: Mutex::new(contents.tokens),
            database: Mutex::new(Some(Arc::new(database))),
        }
    }

    pub(super) fn span(&self) -> Span {
        *lock(&self.span)
    }

    /// False where none of these tokens has a row here.
    pub(super) fn may_hold(&self, tokens: &[TokenMark]) -> bool {
        lock(&self.tokens).as_ref().is_none_or(|held| tokens.iter().any(|token| held.contains(token)))
    }

    /// The open database, opened where it is not.
    pub(super) fn database(&self) -> Result<Arc<Database>, Unusable> {
        let mut database = lock(&self.database);
        if let Some(open) = database.as_ref() {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new(guarded(|| open_existing(&self.path, &self.opener))?.0);
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
            Some(database) => close_database(database).map(|()| true),
            None => Ok(true),
        }
    }

    /// Closes the file, also a dead one, and says whether that went well. A reader in the middle of it keeps it open a
    /// moment longer, in which it cannot be opened again.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let database = lock(&self.database).take();
        match database.and_then(Arc::into_inner) {
            Some(database) => close_database(database),
            None => Ok(()),
        }
    }

    /// Commits rows of rising seq and lets readers see them.
    pub(super) fn append(&self, rows: &[Arc<LogRow>]) -> Result<(), StoreError> {
        let mut span = self.span();
        for row in rows {
            span.last_seq = row.seq;
            span.first_at = span.first_at.min(row.at);
            span.last_at = span.last_at.max(row.at);
        }
        span.rows += rows.len() as u64;
        let database = self.database().map_err(Unusable::into_error)?;
        let write = || {
            let txn = database.begin_write().map_err(fail("write log rows"))?;
            put_rows(&txn, rows)?;
            let new_tokens = self.put_tokens(&txn, rows)?;
            write_span(&txn, span)?;
            txn.commit().map_err(fail("commit log rows"))?;
            Ok(new_tokens)
        };
        let written = guarded(|| write().map_err(Unusable::Unreachable)).map_err(Unusable::into_error);
        let_go(Some(database));
        let new_tokens = written?;
        // Tokens first: a reader that sees the new end must not be told that their rows are not there.
        self.hold(new_tokens);
        *lock(&self.span) = span;
        Ok(())
    }

    /// Writes the marks of tokens that the segment has not had; returns them.
    fn put_tokens(&self, txn: &redb::WriteTransaction, rows: &[Arc<LogRow>]) -> Result<HashSet<TokenMark>, StoreError> {
        const DOING: &str = "write a log segment's tokens";
        let mut marks: HashSet<_> = rows.iter().map(|row| TokenMark::of(row.token)).collect();
        match lock(&self.tokens).as_ref() {
            Some(held) => marks.retain(|mark| !held.contains(mark)),
            None => marks.clear(),
        }
        let mut table = txn.open_table(TOKENS).map_err(fail(DOING))?;
        for mark in &marks {
            table.insert(mark.0, ()).map_err(fail(DOING))?;
        }
        Ok(marks)
    }

    fn hold(&self, new_tokens: HashSet<TokenMark>) {
        let mut tokens = lock(&self.tokens);
        if let Some(held) = tokens.as_mut() {
            held.extend(new_tokens);
        }
        *tokens = tokens.take().filter(|held| held.len() <= TOKENS_MAX);
    }

    /// What comes next in the wanted direction, copied out of a transaction that is closed on return: blocks that `open`
    /// does not want up to one that it wants, or rows that stand alone. Empty where there is nothing more.
    pub(super) fn stretches(
        &self,
        wanted: Wanted,
        open: &mut dyn FnMut(u64, &Head<'_>) -> Result<bool, StoreError>,
    ) -> Result<Vec<Stretch>, Unusable> {
        let database = self.database()?;
        let found = guarded(|| self.stretches_of(&database, wanted, open));
        let_go(Some(database));
        found
    }

    fn stretches_of(
        &self,
        database: &Database,
        wanted: Wanted,
        open: &mut dyn FnMut(u64, &Head<'_>) -> Result<bool, StoreError>,
    ) -> Result<Vec<Stretch>, Unusable> {
        let txn = database.begin_read().map_err(|error| sort(error.into()))?;
        let found = match wanted.direction {
            Direction::Rising => blocks(&txn, wanted, open)?,
            Direction::Falling => self.loose_rows(&txn, wanted)?,
        };
        if !found.is_empty() {
            return Ok(found);
        }
        match wanted.direction {
            Direction::Rising => self.loose_rows(&txn, wanted),
            Direction::Falling => blocks(&txn, wanted, open),
        }
    }

    fn loose_rows(&self, txn: &redb::ReadTransaction, wanted: Wanted) -> Result<Vec<Stretch>, Unusable> {
        let table = if self.format == FORMAT_VERSION { TAIL } else { ROWS_V1 };
        let Some(table) = open_if_there(txn, table).map_err(sort)? else { return Ok(Vec::new()) };
        let mut range = table.range(wanted.from..=wanted.to).map_err(|error| sort(error.into()))?;
        let mut rows = Vec::new();
        while rows.len() < wanted.rows_max {
            let Some(row) = wanted.direction.step(&mut range) else { break };
            let (seq, row) = row.map_err(|error| sort(error.into()))?;
            rows.push((seq.value(), row.value().to_vec()));
        }
        Ok(if rows.is_empty() { Vec::new() } else { vec![Stretch::Rows(rows)] })
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let_go(lock(&self.database).take());
    }
}

/// Walks along the heads: blocks that are not wanted, up to one that is.
fn blocks(
    txn: &redb::ReadTransaction,
    wanted: Wanted,
    open: &mut dyn FnMut(u64, &Head<'_>) -> Result<bool, StoreError>,
) -> Result<Vec<Stretch>, Unusable> {
    let Some(heads) = open_if_there(txn, HEADS).map_err(sort)? else { return Ok(Vec::new()) };
    // The first wanted row may be in the middle of a block.
    let before = heads.range(..=wanted.from).map_err(|error| sort(error.into()))?.next_back();
    let start = match before {
        Some(head) => head.map_err(|error| sort(error.into()))?.0.value(),
        None => wanted.from,
    };
    let mut range = heads.range(start..=wanted.to).map_err(|error| sort(error.into()))?;
    let mut found = Vec::new();
    while found.len() < HEADS_MAX {
        let Some(entry) = wanted.direction.step(&mut range) else { break };
        let (first, head) = entry.map_err(|error| sort(error.into()))?;
        let (first, head) = (first.value(), Head::decode(head.value()).map_err(sort_store)?);
        if head.last_seq < wanted.from {
            continue;
        }
        if open(first, &head).map_err(sort_store)? {
            found.push(Stretch::Block(first, head.last_seq, read_block(txn, first).map_err(sort)?));
            break;
        }
        found.push(Stretch::Skipped(first, head.last_seq));
    }
    Ok(found)
}

impl Direction {
    fn step<I: DoubleEndedIterator>(self, range: &mut I) -> Option<I::Item> {
        match self {
            Self::Rising => range.next(),
            Self::Falling => range.next_back(),
        }
    }
}

impl Stretch {
    /// The lowest seq in it.
    pub(super) fn first_seq(&self) -> u64 {
        match self {
            Self::Skipped(first, _) | Self::Block(first, ..) => *first,
            Self::Rows(rows) => rows.iter().map(|(seq, _)| *seq).min().unwrap_or(u64::MAX),
        }
    }
}

impl Span {
    /// True until the first commit.
    pub(super) const fn is_empty(&self) -> bool {
        self.last_seq < self.first_seq
    }

    /// True where no seq between its first and its last is missing.
    pub(super) const fn is_whole(&self) -> bool {
        self.rows > 0 && self.rows == self.last_seq - self.first_seq + 1
    }
}

impl Unusable {
    pub(in crate::store) fn into_error(self) -> StoreError {
        match self {
            Self::Damaged(error) | Self::Unreachable(error) => error,
        }
    }
}

/// Lets go of a database. Whoever is the last one closes it by that, and where its pages are damaged the engine may stop
/// once more.
fn let_go(database: Option<Arc<Database>>) {
    let dropped = guarded(|| {
        drop(database);
        Ok(())
    });
    if let Err(error) = dropped {
        tracing::warn!(error = %crate::report(&error.into_error()), "a log segment did not close");
    }
}

/// A database that stopped in the middle of a page may stop again when it is closed.
fn close_database(database: Database) -> Result<(), StoreError> {
    let close = || database.close().map_err(fail("close a log segment")).map_err(Unusable::Unreachable);
    guarded(close).map_err(Unusable::into_error)
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

fn open_existing(path: &Path, opener: &Opener) -> Result<(Database, bool), Unusable> {
    let doing = "open a log segment";
    let file = open_file(path, false).map_err(|source| {
        Unusable::Unreachable(StoreError::Io { doing: doing.to_owned(), source: Box::new(source) })
    })?;
    open_database(file, opener).map_err(|error| sort(error.into()))
}

/// Opens the database and says whether it had to be repaired, which means that it was not closed cleanly.
fn open_database(file: File, opener: &Opener) -> Result<(Database, bool), DatabaseError> {
    let repaired = Arc::new(AtomicBool::new(false));
    let saw_repair = Arc::clone(&repaired);
    let database = redb::Builder::new()
        .set_cache_size(opener.cache_bytes)
        .set_repair_callback(move |_| saw_repair.store(true, Ordering::Relaxed))
        .create_with_backend(Backend::open(file, &opener.backend)?)?;
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
        // A newer program wrote it and can read it again.
        newer @ StoreError::NewerFormat { .. } => Unusable::Unreachable(newer),
        other => Unusable::Damaged(other),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
