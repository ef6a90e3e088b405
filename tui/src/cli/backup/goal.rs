//! Where the bytes of a backup go: a new file, or standard output for another program.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tollgate_shared::api::BACKUP_END_MARK;

use crate::cli::exit::CliError;
use crate::cli::io::Io;

/// What a file is called until it is whole.
const UNFINISHED: &str = ".new";

/// Bytes of a backup's end.
const END_BYTES: usize = BACKUP_END_MARK.len() + 8;

/// Where the bytes go.
pub(super) enum Goal {
    /// A new file.
    File(NewBackupFile),
    /// Another program, or a file of the shell's.
    Out,
}

/// How much has come, and whether that is all.
#[derive(Default)]
pub(super) struct Came {
    pub(super) bytes: u64,
    /// The last bytes that came.
    end: Vec<u8>,
}

/// A new file beside the one that it will be; gone again unless it is finished.
pub(super) struct NewBackupFile {
    file: File,
    unfinished: PathBuf,
    path: PathBuf,
    is_finished: bool,
}

// === impl Goal ===

impl Goal {
    pub(super) fn write(&mut self, io: &mut Io, piece: &[u8]) -> Result<(), CliError> {
        match self {
            Self::File(file) => file.write(piece),
            Self::Out => io.out.write_all(piece).map_err(|error| output_ended(&error)),
        }
    }

    /// What is left behind where it is not finished.
    pub(super) fn left(&self) -> &'static str {
        match self {
            Self::File(_) => "nothing was written",
            Self::Out => "what was written is no backup",
        }
    }

    /// Where the backup is, as far as this program can know that it is on a disk.
    pub(super) fn finish(self, io: &mut Io) -> Result<Option<PathBuf>, CliError> {
        match self {
            Self::File(file) => file.finish().map(Some),
            Self::Out => io.out.flush().map(|()| None).map_err(|error| output_ended(&error)),
        }
    }
}

/// Elsewhere a reader who goes away has seen enough; of a backup he has too little.
fn output_ended(error: &io::Error) -> CliError {
    let what = format!("standard output cannot be written: {error}; what was written is no backup");
    CliError::failure(what, "what reads it ended early, or its disk is full: look there, and make it again")
}

// === impl Came ===

impl Came {
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.end.extend_from_slice(piece);
        self.end.drain(..self.end.len().saturating_sub(END_BYTES));
    }

    pub(super) fn is_whole(&self) -> bool {
        self.end
            .split_at_checked(BACKUP_END_MARK.len())
            .is_some_and(|(mark, length)| mark == BACKUP_END_MARK && length == self.bytes.to_le_bytes())
    }
}

// === impl NewBackupFile ===

impl NewBackupFile {
    /// For its owner alone from the first moment on.
    pub(super) fn create(path: &Path) -> Result<Self, CliError> {
        let refused = |path: &Path, why: &str| {
            CliError::input(format!("{} {why}, nothing was written", path.display()), "name a new file")
        };
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(refused(path, "exists already"));
        }
        let mut name = path.file_name().ok_or_else(|| refused(path, "is no file name"))?.to_owned();
        name.push(UNFINISHED);
        let unfinished = path.with_file_name(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
        let file = made.map_err(|error| refused(&unfinished, &format!("cannot be made ({error})")))?;
        let path = std::path::absolute(path).map_err(CliError::from)?;
        Ok(Self { file, unfinished, path, is_finished: false })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), CliError> {
        self.file.write_all(piece).map_err(|error| self.failed(&error))
    }

    /// On the disk, under its name; never in place of a file that came meanwhile.
    fn finish(mut self) -> Result<PathBuf, CliError> {
        self.file.sync_all().map_err(|error| self.failed(&error))?;
        let renamed = match renameat_with(CWD, &self.unfinished, CWD, &self.path, RenameFlags::NOREPLACE) {
            // Not every file system of a stick can promise it in one step.
            Err(Errno::INVAL | Errno::NOSYS) if std::fs::symlink_metadata(&self.path).is_err() => {
                std::fs::rename(&self.unfinished, &self.path)
            }
            other => other.map_err(io::Error::from),
        };
        renamed.map_err(|error| self.failed(&error))?;
        self.is_finished = true;
        let directory = self.path.parent().unwrap_or_else(|| Path::new("/"));
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| self.failed(&error))?;
        Ok(self.path.clone())
    }

    fn failed(&self, error: &io::Error) -> CliError {
        let what = format!("{} cannot be written: {error}", self.path.display());
        CliError::failure(what, "make room, or name another place")
    }
}

impl Drop for NewBackupFile {
    fn drop(&mut self) {
        if !self.is_finished {
            std::fs::remove_file(&self.unfinished).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::cli::Exit;

    #[test]
    fn a_file_that_is_not_finished_is_gone_and_one_that_is_there_is_never_replaced() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("t.backup");
        let mut out = NewBackupFile::create(&path).unwrap();
        out.write(b"rows and rows").unwrap();
        drop(out);
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
        let mut out = NewBackupFile::create(&path).unwrap();
        out.write(b"rows").unwrap();
        assert_eq!(out.finish().unwrap(), path);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(NewBackupFile::create(&path).err().unwrap().exit(), Exit::BadInput);
    }

    #[test]
    fn what_came_is_whole_only_with_its_end_mark_and_its_length() {
        let mut came = Came::default();
        came.take(b"rows");
        assert!(!came.is_whole());
        let end = [BACKUP_END_MARK.as_slice(), &28_u64.to_le_bytes()].concat();
        end.chunks(5).for_each(|piece| came.take(piece));
        assert!(came.is_whole());
        came.take(b"x");
        assert!(!came.is_whole());
    }
}
