//! A file that is read and never changed: what the engine writes to it stays in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Database, StorageBackend};

use crate::files;
use crate::store::StoreError;
use crate::store::redb_state::fail;

/// What is kept of a write.
const PIECE_BYTES: usize = 4_096;
/// Memory for pages of the file that is looked at.
const CACHE_BYTES: usize = 16 << 20;

#[derive(Debug)]
struct Untouched {
    file: File,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    length: u64,
    pieces: HashMap<u64, Box<[u8; PIECE_BYTES]>>,
}

/// Opens a database for looking at it; the file stays as it is, byte for byte. `None` where there is no file.
pub(super) fn open(path: &Path) -> Result<Option<(Database, bool)>, StoreError> {
    const DOING: &str = "open the file";
    let io_error = |source: io::Error| StoreError::Io { doing: DOING.to_owned(), source: Box::new(source) };
    let opened = files::open_existing(path);
    let Some(file) = opened.map_err(|error| io_error(io::Error::other(error)))? else { return Ok(None) };
    let length = file.metadata().map_err(io_error)?.len();
    let written = Mutex::new(Written { length, pieces: HashMap::new() });
    let repaired = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let saw_repair = repaired.clone();
    let database = redb::Builder::new()
        .set_cache_size(CACHE_BYTES)
        .set_repair_callback(move |_| saw_repair.store(true, std::sync::atomic::Ordering::Relaxed))
        .create_with_backend(Untouched { file, written })
        .map_err(fail(DOING))?;
    Ok(Some((database, repaired.load(std::sync::atomic::Ordering::Relaxed))))
}

impl Untouched {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of the file, and noughts behind its end.
    fn read_file(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < out.len() {
            match self.file.read_at(&mut out[done..], offset + done as u64)? {
                0 => break,
                read => done += read,
            }
        }
        out[done..].fill(0);
        Ok(())
    }
}

impl StorageBackend for Untouched {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        // A damaged page may point anywhere, and to far more than there is.
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > written.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(offset, out)?;
        for_each_piece(offset, out.len(), |piece, within, range| {
            if let Some(bytes) = written.pieces.get(&piece) {
                out[range.clone()].copy_from_slice(&bytes[within..within + range.len()]);
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.written().length = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        for_each_piece(offset, data.len(), |piece, within, range| {
            let bytes = match written.pieces.entry(piece) {
                Entry::Occupied(kept) => kept.into_mut(),
                Entry::Vacant(new) => {
                    let mut bytes = Box::new([0; PIECE_BYTES]);
                    self.read_file(piece * PIECE_BYTES as u64, bytes.as_mut_slice())?;
                    new.insert(bytes)
                }
            };
            bytes[within..within + range.len()].copy_from_slice(&data[range]);
            Ok(())
        })
    }

    fn close(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Cuts a stretch at the borders of pieces: the piece, where in it, and which bytes of the stretch.
fn for_each_piece(
    offset: u64,
    length: usize,
    mut each: impl FnMut(u64, usize, std::ops::Range<usize>) -> io::Result<()>,
) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        let at = offset + done as u64;
        let within = usize::try_from(at % PIECE_BYTES as u64).unwrap_or(0);
        let end = length.min(done + PIECE_BYTES - within);
        each(at / PIECE_BYTES as u64, within, done..end)?;
        done = end;
    }
    Ok(())
}
