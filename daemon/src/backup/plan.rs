//! The schedule of `[backup]` in the configuration, and what can be said against it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files;

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How often.
    pub every: Duration,
    /// How many are kept.
    pub keep: usize,
    /// In which directory.
    pub to: PathBuf,
    /// What they are locked with; read anew each time.
    pub passphrase_file: PathBuf,
}

impl Plan {
    /// What is wrong with a place on the disk that also has the data; `None` where it is on another one, or could not be
    /// asked.
    pub fn same_disk(&self, data_dir: &Path) -> Option<String> {
        files::on_one_disk(&self.to, data_dir).then(|| {
            let (to, data) = (self.to.display(), data_dir.display());
            format!(
                "backup.to: {to} is on the same disk as the data in {data}: a backup on the disk that dies is none, so \
                 name a directory on another one, or mount it"
            )
        })
    }
}
