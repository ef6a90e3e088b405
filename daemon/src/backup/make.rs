//! Making a backup of the running daemon's state: one reading, at the speed of a disk.
//!
//! Who writes the file? For one that somebody asks for, the *client*: it has the rights of whoever asks, sees the stick
//! that he has plugged in, and the daemon, which may be confined to its own directory, never opens a path that somebody
//! else names. So the daemon prepares the bytes, encrypted, in a file of its own without a name, which ends the long
//! reading of the state before anybody begins to take them: a slow stick pins no pages. Only the schedule's backups are
//! written by the daemon itself, into the directory of its configuration.

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write};
use std::path::Path;

use rustix::fs::statvfs;
use tollgate_shared::time::Timestamp;

use super::book::Made;
use super::passphrase::Passphrase;
use super::records::Recorder;
use super::seal::{Lock, Sealing};
use super::{BackupError, Manifest, Strength};
use crate::daemon::Daemon;
use crate::files::{self, STATE_FILE};
use crate::store::{Copier, CopyCounts, StoreError};

/// The file in which a backup is prepared.
const SPOOL_FILE: &str = "backup.spool";

/// Preparing a backup leaves the state's own disk at least this much: below it nothing could be committed.
const LEFT_BYTES_MIN: u64 = 256 << 20;

/// Prepares a backup for somebody, in a file without a name that is gone when it is dropped; it stands at its beginning.
///
/// # Errors
/// [`BackupError`].
pub fn spool(
    daemon: &Daemon,
    passphrase: Option<&Passphrase>,
    by: &str,
    now: Timestamp,
) -> Result<(File, Made), BackupError> {
    let directory = &daemon.facts.data_dir;
    check_room(directory, &directory.join(STATE_FILE))?;
    let file = files::create_nameless(directory, SPOOL_FILE)?;
    let (mut file, made) = write(daemon, passphrase, by, now, file)?;
    file.rewind().map_err(|error| BackupError::of_io("reading the prepared backup", error))?;
    Ok((file, made))
}

/// Writes a backup of the daemon's state; what it is written into is given back, flushed and not synced.
///
/// # Errors
/// [`BackupError`].
pub fn write<W: Write>(
    daemon: &Daemon,
    passphrase: Option<&Passphrase>,
    by: &str,
    now: Timestamp,
    out: W,
) -> Result<(W, Made), BackupError> {
    let manifest = Manifest {
        made_at: now,
        made_by: by.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: daemon.facts.host.clone(),
        counts: CopyCounts::default(),
        with_key: passphrase.is_some(),
        settings: daemon.backups.settings.clone(),
    };
    // The key is what makes MACs of secrets: beside a list of MACs it stands only behind a passphrase.
    let key = passphrase.map(|_| daemon.mac_key.expose());
    let lock = passphrase.map_or(Lock::Plain, |passphrase| Lock::Passphrase(passphrase, Strength::DEFAULT));
    write_copy(daemon.backups.copier.as_ref(), manifest, key, &lock, out)
}

/// Joins a copy of the state with the form of a backup.
pub(super) fn write_copy<W: Write>(
    copier: &dyn Copier,
    mut manifest: Manifest,
    key: Option<&[u8; 32]>,
    lock: &Lock<'_>,
    out: W,
) -> Result<(W, Made), BackupError> {
    let sealing = Sealing::begin(BufWriter::new(out), lock)?;
    let mut recorder = Recorder::new(sealing, &mut manifest, key);
    copier.copy(&mut recorder).map_err(unwrapped)?;
    let sealing = recorder.end().map_err(|error| BackupError::of_io("writing the backup", error))?;
    let (out, bytes) = sealing.finish()?;
    let out = out.into_inner().map_err(|error| BackupError::of_io("writing the backup", error.into_error()))?;
    Ok((out, Made { manifest, bytes }))
}

/// An error of ours that went through the store comes out as it was; the disk's own word stands beside what was done.
fn unwrapped(error: StoreError) -> BackupError {
    match error {
        StoreError::Io { doing, source } => match source.downcast::<std::io::Error>() {
            Ok(source) => BackupError::of_io(&doing, *source),
            Err(source) => StoreError::Io { doing, source }.into(),
        },
        other => other.into(),
    }
}

/// A copy is at most as long as the state's file, which has free pages that no copy has.
fn check_room(directory: &Path, state: &Path) -> Result<(), BackupError> {
    let io = |doing: &str, source| BackupError::Io { doing: format!("{doing} {}", directory.display()), source };
    let needed = std::fs::metadata(state).map_err(|error| io("looking at the state in", error))?.len();
    let disk = statvfs(directory).map_err(|errno| io("asking for the free space of", errno.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= needed.saturating_add(LEFT_BYTES_MIN) {
        return Ok(());
    }
    let [free, needed] = [free, needed + LEFT_BYTES_MIN].map(|bytes| bytes >> 20);
    Err(BackupError::Refused(format!(
        "{} has {free} MiB free, and preparing a backup there takes up to {needed} MiB: make room first",
        directory.display()
    )))
}
