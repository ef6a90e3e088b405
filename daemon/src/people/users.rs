//! `/etc/passwd`, read again when it has changed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::core::passwd::Passwd;

/// More than any passwd file that is one.
const BYTES_MAX: u64 = 8 << 20;

/// The file and what was read of it last.
pub(super) struct UserFile {
    path: PathBuf,
    read: Mutex<Option<(Stamp, Arc<Passwd>)>>,
}

/// Inode, size and time of change: `useradd` writes a new file and moves it into place.
type Stamp = (u64, u64, i64, i64);

impl UserFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read: Mutex::default() }
    }

    /// The users as they are now; none where the file cannot be read, so that nobody passes for somebody.
    pub(super) fn now(&self) -> Arc<Passwd> {
        let stamp = std::fs::metadata(&self.path).ok().filter(|meta| meta.len() <= BYTES_MAX);
        let Some(stamp) = stamp.map(|meta| (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())) else {
            return Arc::default();
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, users)) = read.as_ref()
            && *of == stamp
        {
            return users.clone();
        }
        let text = std::fs::read(&self.path).unwrap_or_default();
        let users = Arc::new(Passwd::parse(&String::from_utf8_lossy(&text)));
        *read = Some((stamp, users.clone()));
        users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_read_again_and_a_missing_one_names_nobody() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = UserFile::new(dir.path().join("passwd"));
        assert_eq!(file.now().name_of(1_000), "");
        std::fs::write(dir.path().join("passwd"), "anna:x:1000:1000::/:\n").unwrap();
        assert_eq!(file.now().name_of(1_000), "anna");
        std::fs::write(dir.path().join("new"), "carla:x:1000:1000::/:\n").unwrap();
        std::fs::rename(dir.path().join("new"), dir.path().join("passwd")).unwrap();
        assert_eq!(file.now().name_of(1_000), "carla");
    }
}
