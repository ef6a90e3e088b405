//! `tollgated check`: what is wrong with the files, and in which.

use std::io::{self, Write};
use std::path::Path;

use super::visible;
use crate::daemon::MacKey;
use crate::files::key::TokenKey;
use crate::files::{DataDir, FilesError, LOG_DIR, STATE_FILE};
use crate::store::{Checked, check_log, check_state};

/// Why nothing could be looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    /// There is no directory.
    #[error("{0} is no data directory: name the one that the daemon uses, with --data-dir or its configuration")]
    Missing(String),
    /// A daemon runs on it, or it is not ours.
    #[error("the files can be checked while no daemon runs on them")]
    InUse(#[source] FilesError),
    /// The log's directory.
    #[error("{0} cannot be listed")]
    List(String, #[source] io::Error),
}

/// Looks through everything in a data directory, says what it finds, and whether all is well. Changes nothing.
///
/// # Errors
/// There is nothing to look at, or a daemon runs.
pub(super) fn check(directory: &Path, out: &mut dyn Write) -> Result<bool, CheckError> {
    let is_there = std::fs::symlink_metadata(directory.join(STATE_FILE)).is_ok();
    if !is_there && std::fs::symlink_metadata(directory.join(LOG_DIR)).is_err() {
        return Err(CheckError::Missing(directory.display().to_string()));
    }
    let data_dir = DataDir::open(directory).map_err(CheckError::InUse)?;
    let (key, key_check) = check_key(&data_dir);
    let (state, next_seq) = check_state(&data_dir.file(STATE_FILE), STATE_FILE, key_check.as_ref());
    let log_dir = data_dir.file(LOG_DIR);
    let log = match check_log(&log_dir, next_seq) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|error| CheckError::List(log_dir.display().to_string(), error))?,
    };
    let all: Vec<Checked> = [key, state].into_iter().chain(log).collect();
    // A reader that went away has seen enough; the exit code is the answer.
    drop(write_all(&all, out));
    Ok(all.iter().all(|checked| checked.damage.is_empty()))
}

/// The key is compared with what the state says of it; it is not shown and not changed.
fn check_key(data_dir: &DataDir) -> (Checked, Option<[u8; 32]>) {
    let mut checked = Checked { file: "token.key".to_owned(), ..Checked::default() };
    match TokenKey::load(data_dir.path()) {
        Ok(key) => (checked, Some(MacKey::new(key).check_value())),
        Err(error) => {
            checked.damage.push(crate::report(&error));
            (checked, None)
        }
    }
}

fn write_all(all: &[Checked], out: &mut dyn Write) -> io::Result<()> {
    for checked in all {
        let verdict = if checked.damage.is_empty() { "well" } else { "DAMAGED" };
        let holds = if checked.holds.is_empty() { String::new() } else { format!("  ({})", checked.holds) };
        writeln!(out, "{verdict:<8} {}{holds}", visible(&checked.file))?;
        for what in &checked.damage {
            writeln!(out, "         damage: {}", visible(what))?;
        }
        for note in &checked.notes {
            writeln!(out, "         note: {}", visible(note))?;
        }
    }
    let damaged: Vec<&str> =
        all.iter().filter(|checked| !checked.damage.is_empty()).map(|checked| checked.file.as_str()).collect();
    match damaged.len() {
        0 => writeln!(out, "all {} files are well; nothing was changed", all.len()),
        count => writeln!(
            out,
            "{count} of {} files are damaged: {}; nothing was changed",
            all.len(),
            visible(&damaged.join(", "))
        ),
    }
}
