//! Where a backup comes from that is only to be looked through: a file, or standard input.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use super::passphrase::Asked;
use crate::backup::{BackupError, is_sealed, look};
use crate::files;

/// Standard input, as people and other programs call it.
const STDIN: &str = "-";

/// More than tells a backup from anything else.
const PREFIX_BYTES: u64 = 64;

/// A backup that can be read from any place in it.
pub(super) struct Source {
    pub(super) file: File,
    /// Who is asked for its passphrase.
    pub(super) asked: Asked,
}

impl Source {
    /// Opens what was named.
    ///
    /// # Errors
    /// It cannot be read, or it is no backup that comes along a pipe.
    pub(super) fn of(path: &Path) -> Result<Self, BackupError> {
        if path.as_os_str() != STDIN {
            return Ok(Self { file: look::open(path)?, asked: Asked::Stdin });
        }
        let io = |source| BackupError::Io { doing: "reading standard input".to_owned(), source };
        let given = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(io)?);
        let is_file = given.metadata().map_err(io)?.is_file();
        if io::stdin().is_terminal() {
            return Err(BackupError::Refused("a backup does not come from a terminal: name its file".to_owned()));
        }
        let file = if is_file { given } else { kept(given)? };
        Ok(Self { file, asked: Asked::Terminal })
    }

    /// What it is called in a message.
    pub(super) fn name(path: &Path) -> String {
        if path.as_os_str() == STDIN { "standard input".to_owned() } else { path.display().to_string() }
    }
}

/// All that comes along a pipe: a backup is read from its end, too. The file has no name and is gone with this process.
fn kept(mut pipe: File) -> Result<File, BackupError> {
    let io = |source| BackupError::Io { doing: "reading standard input".to_owned(), source };
    let mut head = Vec::new();
    (&pipe).take(PREFIX_BYTES).read_to_end(&mut head).map_err(io)?;
    // Before a disk is filled with something else.
    is_sealed(&mut head.as_slice()).ok_or(BackupError::NotOne)?;
    let directory = std::env::temp_dir();
    let mut file = files::create_nameless(&directory, &format!("tollgated-verify.{}", std::process::id()))?;
    let keep = file.write_all(&head).and_then(|()| io::copy(&mut pipe, &mut file));
    keep.map_err(|source| BackupError::Io {
        doing: format!("keeping standard input in {} (TMPDIR names another place)", directory.display()),
        source,
    })?;
    Ok(file)
}
