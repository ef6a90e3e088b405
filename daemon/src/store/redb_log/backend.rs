//! What a segment's database stands on: its file, or in tests a disk that fails.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend};

type Wrap = dyn Fn(FileBackend) -> Box<dyn StorageBackend> + Send + Sync;

/// How a file becomes a backend.
#[derive(Clone, Default)]
pub(in crate::store) struct OpenBackend(Option<Arc<Wrap>>);

/// The backend of one open segment.
#[derive(Debug)]
pub(super) struct Backend(Box<dyn StorageBackend>);

// === impl OpenBackend ===

#[cfg(test)]
impl OpenBackend {
    /// Every file is given to `wrap` when it is opened.
    pub(in crate::store) fn wrapped(
        wrap: impl Fn(FileBackend) -> Box<dyn StorageBackend> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(wrap)))
    }
}

impl fmt::Debug for OpenBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "OpenBackend(wrapped)" } else { "OpenBackend(file)" })
    }
}

// === impl Backend ===

impl Backend {
    pub(super) fn open(file: File, how: &OpenBackend) -> Result<Self, DatabaseError> {
        let file = FileBackend::new(file)?;
        Ok(Self(match &how.0 {
            Some(wrap) => wrap(file),
            None => Box::new(file),
        }))
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}
