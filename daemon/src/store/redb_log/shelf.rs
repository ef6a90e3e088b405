//! The segments that there are, shared by the log thread and the readers.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::UNIX_EPOCH;

use tollgate_shared::time::Timestamp;

use super::LogSettings;
use super::segment::{DAMAGED_SUFFIX, Found, Opener, SUFFIX, Segment, Unusable, sync_directory};
use super::tables::Span;
use crate::store::StoreError;

/// The segments by their first seq, and which of them are open.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) settings: LogSettings,
    segments: RwLock<BTreeMap<u64, Arc<Segment>>>,
    /// Segments that are left out and still have their names.
    left_out: AtomicU32,
    open: Mutex<OpenSegments>,
}

#[derive(Debug, Default)]
struct OpenSegments {
    /// The one that is being written; never closed by reading.
    active: Option<u64>,
    /// Sealed ones that reading has opened, the longest unused first.
    sealed: VecDeque<u64>,
}

// === impl Shelf ===

impl Shelf {
    /// Looks through the directory. Returns also the newest segment where it can be written on.
    pub(super) fn open(settings: LogSettings) -> Result<Self, StoreError> {
        let shelf = Self { settings, segments: RwLock::default(), left_out: AtomicU32::new(0), open: Mutex::default() };
        let names = shelf.files(SUFFIX).map_err(|error| io_error("list the log's directory", error))?;
        let newest = names.last().cloned();
        for path in names {
            let goes_on = newest.as_ref() == Some(&path);
            shelf.find(&path, goes_on)?;
        }
        Ok(shelf)
    }

    /// All segments with rows, oldest first. A row belongs to the newest segment that has its seq: one that ended with a
    /// failed commit may hold rows that were later given out again.
    pub(super) fn segments(&self) -> Vec<(Arc<Segment>, Span)> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let mut spans: Vec<_> = segments
            .values()
            .map(|segment| (Arc::clone(segment), segment.span()))
            .filter(|(_, s)| !s.is_empty())
            .collect();
        let mut end = u64::MAX;
        for (_, span) in spans.iter_mut().rev() {
            span.last_seq = span.last_seq.min(end);
            end = span.first_seq.saturating_sub(1);
        }
        spans
    }

    pub(super) fn opener(&self) -> Opener {
        Opener { cache_bytes: self.settings.cache_bytes, backend: self.settings.backend.clone() }
    }

    pub(super) fn active(&self) -> Option<Arc<Segment>> {
        let first_seq = lock(&self.open).active?;
        self.segments.read().unwrap_or_else(PoisonError::into_inner).get(&first_seq).cloned()
    }

    /// Puts a new segment on the shelf as the one that is being written.
    pub(super) fn begin(&self, segment: Segment) -> Arc<Segment> {
        let first_seq = segment.span().first_seq;
        let segment = Arc::new(segment);
        self.segments.write().unwrap_or_else(PoisonError::into_inner).insert(first_seq, Arc::clone(&segment));
        lock(&self.open).active = Some(first_seq);
        segment
    }

    /// Nothing is written to the active segment any more. One that does not close cleanly is repaired when it is read.
    pub(super) fn seal(&self) {
        let Some(segment) = self.active() else { return };
        lock(&self.open).active = None;
        let closed = segment.close_if_idle().unwrap_or_else(|error| log_failed_close(&error));
        if !closed {
            // Somebody reads in it: it is closed like any other that was opened for reading.
            self.used(segment.span().first_seq);
        }
    }

    /// As [`Shelf::seal`], for a segment whose database is dead: it must not be read through again.
    pub(super) fn give_up_active(&self) -> Option<Arc<Segment>> {
        let segment = self.active()?;
        lock(&self.open).active = None;
        if let Err(error) = segment.close() {
            log_failed_close(&error);
        }
        Some(segment)
    }

    pub(super) fn holds(&self, segment: &Segment) -> bool {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.values().any(|held| held.path == segment.path)
    }

    /// Notes that a segment is being read, and closes the longest unused ones beyond the limit.
    pub(super) fn used(&self, first_seq: u64) {
        let mut open = lock(&self.open);
        if open.active == Some(first_seq) {
            return;
        }
        open.sealed.retain(|other| *other != first_seq);
        open.sealed.push_back(first_seq);
        let excess = open.sealed.len().saturating_sub(self.settings.open_sealed_max.max(1));
        let longest_unused: Vec<u64> = open.sealed.iter().take(excess).copied().collect();
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        for old in longest_unused {
            let closed = segments.get(&old).map_or(Ok(true), |segment| segment.close_if_idle());
            if closed.unwrap_or_else(|error| log_failed_close(&error)) {
                open.sealed.retain(|other| *other != old);
            }
        }
    }

    /// Renames a segment that does not open and forgets it.
    pub(super) fn set_aside(&self, path: &Path, error: &StoreError) {
        let mut name = path.as_os_str().to_owned();
        name.push(DAMAGED_SUFFIX);
        let renamed = fs::rename(path, &name).and_then(|()| sync_directory(&self.settings.directory));
        if renamed.is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        self.segments.write().unwrap_or_else(PoisonError::into_inner).retain(|_, segment| segment.path != path);
        tracing::error!(path = %path.display(), %error, moved = renamed.is_ok(), "a log segment is damaged and moved aside");
    }

    /// Segments that are not shown: moved aside, by this run or an earlier one, or left out.
    pub(super) fn damaged(&self) -> u32 {
        let aside = self.files(DAMAGED_SUFFIX).map_or(0, |files| files.len());
        u32::try_from(aside).unwrap_or(u32::MAX).saturating_add(self.left_out.load(Ordering::Relaxed))
    }

    /// Deletes a segment's file and forgets it.
    pub(super) fn remove(&self, segment: &Segment) -> Result<(), StoreError> {
        match fs::remove_file(&segment.path) {
            // Somebody else has deleted it already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|error| io_error("delete a log segment", error))?,
        }
        self.segments.write().unwrap_or_else(PoisonError::into_inner).retain(|_, held| held.path != segment.path);
        if let Err(error) = segment.close_if_idle() {
            log_failed_close(&error);
        }
        self.sync()
    }

    /// Deletes files that were set aside or could not be opened, once nothing in them can be younger than `cutoff`.
    pub(super) fn remove_leftovers(&self, cutoff: Timestamp) -> Result<(), StoreError> {
        const DOING: &str = "delete a log segment that was set aside";
        let mut files = self.files(DAMAGED_SUFFIX).map_err(|error| io_error(DOING, error))?;
        let segments = self.files(SUFFIX).map_err(|error| io_error(DOING, error))?;
        let held: Vec<PathBuf> = self.segments().iter().map(|(segment, _)| segment.path.clone()).collect();
        let active = self.active().map(|segment| segment.path.clone());
        files.extend(segments.into_iter().filter(|path| !held.contains(path) && active.as_ref() != Some(path)));
        for path in files {
            if modified(&path).map_err(|error| io_error(DOING, error))? < cutoff {
                fs::remove_file(&path).map_err(|error| io_error(DOING, error))?;
                self.sync()?;
            }
        }
        Ok(())
    }

    /// Bytes of all segments on disk, those set aside too.
    pub(super) fn disk_bytes(&self) -> u64 {
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |metadata| allocated_bytes(&metadata));
        let files = [SUFFIX, DAMAGED_SUFFIX].map(|suffix| self.files(suffix).unwrap_or_default());
        files.into_iter().flatten().map(size).sum()
    }

    pub(super) fn count(&self) -> usize {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Closes every file.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let segments = std::mem::take(&mut *self.segments.write().unwrap_or_else(PoisonError::into_inner));
        segments.values().map(|segment| segment.close()).fold(Ok(()), Result::and)
    }

    /// Takes in a file that a former run has left.
    fn find(&self, path: &Path, newest: bool) -> Result<(), StoreError> {
        match Segment::find(path, self.opener()) {
            Ok(Some(Found { segment, goes_on })) => {
                // One that was not closed cleanly is repaired now, and never written again.
                if newest && goes_on {
                    self.begin(segment);
                    return Ok(());
                }
                // Damage may show only now; where it is in the way of reading, the segment is set aside then.
                if let Err(error) = segment.close() {
                    log_failed_close(&error);
                }
                let first_seq = segment.span().first_seq;
                let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
                segments.insert(first_seq, Arc::new(segment));
            }
            Ok(None) => fs::remove_file(path)
                .and_then(|()| sync_directory(&self.settings.directory))
                .map_err(|error| io_error("delete an empty log segment", error))?,
            Err(Unusable::Damaged(error)) => self.set_aside(path, &error),
            Err(Unusable::Unreachable(error)) => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
                tracing::error!(path = %path.display(), %error, "a log segment cannot be read now and is left out");
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        sync_directory(&self.settings.directory).map_err(|error| io_error("write the log's directory", error))
    }

    /// The log's files with this ending, in the order of their names.
    fn files(&self, suffix: &str) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.settings.directory)? {
            let path = entry?.path();
            if path.file_name().and_then(OsStr::to_str).is_some_and(|name| is_ours(name, suffix)) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// A handle that does not close cleanly is gone all the same.
fn log_failed_close(error: &StoreError) -> bool {
    tracing::warn!(%error, "a log segment did not close cleanly");
    true
}

/// What a file takes of the disk: redb makes it longer by doubling, and what was never written is a hole.
pub(super) fn allocated_bytes(metadata: &fs::Metadata) -> u64 {
    const SECTOR_BYTES: u64 = 512;
    metadata.blocks() * SECTOR_BYTES
}

pub(super) fn io_error(doing: &str, source: io::Error) -> StoreError {
    StoreError::Io { doing: doing.to_owned(), source: Box::new(source) }
}

/// Twenty digits and the ending: nobody else's file is ever touched.
fn is_ours(name: &str, suffix: &str) -> bool {
    let stem = name.strip_suffix(suffix).map(|stem| stem.strip_suffix(SUFFIX).unwrap_or(stem));
    stem.is_some_and(|stem| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
}

fn modified(path: &Path) -> io::Result<Timestamp> {
    let since_epoch = fs::symlink_metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
