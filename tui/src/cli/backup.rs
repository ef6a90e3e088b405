//! `tollgate backup`: the daemon makes the bytes, this program writes them where the one who asks may write.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::Serialize;
use tollgate_shared::api::{BACKUP_END_MARK, BackupMade, BackupView, BackupWritten, NewBackup};
use zeroize::Zeroizing;

use super::args::{BackupArgs, BackupVerb, Format};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::token::{one_line, read_secret};
use super::when::{When, span};
use crate::client::BackupBytes;

/// What a file is called until it is whole.
const UNFINISHED: &str = ".new";

/// How much comes between two words of progress.
const TELL_EVERY_BYTES: u64 = 1 << 20;

/// Bytes of a backup's end.
const END_BYTES: usize = BACKUP_END_MARK.len() + 8;

/// What was made.
#[derive(Serialize)]
struct Written {
    file: PathBuf,
    bytes: u64,
    encrypted: bool,
    with_key: bool,
}

/// A new file beside the one that it will be; gone again unless it is finished.
struct NewBackupFile {
    file: File,
    unfinished: PathBuf,
    path: PathBuf,
    bytes: u64,
    /// The last bytes that came.
    end: Vec<u8>,
    is_finished: bool,
}

/// Makes a backup.
pub(super) async fn run(cx: &mut Context<'_>, args: BackupArgs) -> Done {
    let BackupArgs { verb: _, file, passphrase_file, plain } = args;
    let path = file.ok_or_else(|| {
        CliError::usage("say where the backup shall be written", "use:  tollgate backup FILE, a new file")
    })?;
    if !plain && passphrase_file.is_none() && !cx.io.in_is_tty {
        return Err(CliError::usage(
            "nobody can be asked for the passphrase",
            "use:  --passphrase-file FILE, or --plain for a backup that no token can be restored from",
        ));
    }
    let mut out = NewBackupFile::create(&path)?;
    let mut new = NewBackup { passphrase: None, plain };
    if !plain {
        new.passphrase = Some(passphrase(cx, passphrase_file.as_deref())?.as_str().to_owned());
    }
    let stream = cx.client.backup(&new).await?;
    drop(new);
    let id = stream.id.clone();
    if receive(cx, stream, &mut out).await? == Exit::Interrupted {
        cx.note("interrupted; nothing was written");
        return Ok(Exit::Interrupted);
    }
    let bytes = out.bytes;
    let place = out.finish()?;
    let written = BackupWritten { id, place: place.display().to_string() };
    if let Err(error) = cx.client.backup_written(&written).await {
        // The file is what counts.
        cx.io.note(&format!("the backup is whole, but the daemon could not be told: {error}"));
    }
    if plain {
        warn_plain(cx, &path);
    }
    let made = Written { file: place, bytes, encrypted: !plain, with_key: !plain };
    let tollgate = cx.tollgate();
    cx.changed(&made, |made| {
        let lock = if plain { "NOT encrypted, WITHOUT the token key" } else { "encrypted, with the token key" };
        format!(
            "{} written: {} bytes, {lock}, without the API log; look through it:  {tollgate} backup verify {}",
            made.file.display(),
            made.bytes,
            path.display()
        )
    })
}

/// Said whatever `--quiet` says: on the day on which it is needed it is too late.
fn warn_plain(cx: &mut Context<'_>, path: &Path) {
    for line in [
        format!("WARNING: {} is not encrypted and does not hold the token key.", path.display()),
        "WARNING: no token of it can authenticate. After a restore of it every token needs a new secret,".to_owned(),
        "WARNING: and every sender has to be given it. Whoever has the file reads everything else.".to_owned(),
    ] {
        cx.io.note(&line);
    }
}

/// Twice where it is typed: what nobody sees is easily mistyped, and here that would be found out too late.
fn passphrase(cx: &mut Context<'_>, file: Option<&Path>) -> Result<Zeroizing<String>, CliError> {
    if let Some(path) = file {
        let meta = std::fs::metadata(path);
        if meta.is_ok_and(|meta| meta.is_file() && meta.mode() & 0o077 != 0) {
            let path = path.display();
            return Err(CliError::input(format!("others may read {path}"), format!("run:  chmod 0600 {path}")));
        }
        let read = read_secret(cx.io, file, "")?;
        return Ok(Zeroizing::new(one_line(&read)?.to_owned()));
    }
    let first = read_secret(cx.io, None, "a passphrase for the backup, at least 12 characters (it is not shown):")?;
    let second = read_secret(cx.io, None, "the same again:")?;
    match first == second {
        true => Ok(first),
        false => Err(CliError::input("the two are not the same, nothing was written", "try again")),
    }
}

async fn receive(cx: &mut Context<'_>, mut stream: BackupBytes, out: &mut NewBackupFile) -> Done {
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let shows = cx.io.err_is_tty && !cx.io.is_dumb && !cx.quiet;
    let mut told = 0;
    loop {
        let piece = tokio::select! {
            biased;
            _ = &mut interrupt => return Ok(Exit::Interrupted),
            piece = stream.next() => piece?,
        };
        let Some(piece) = piece else { break };
        out.write(&piece)?;
        if shows && out.bytes - told >= TELL_EVERY_BYTES {
            told = out.bytes;
            let total = stream.total.map(|total| format!(" of {}", total >> 20)).unwrap_or_default();
            write!(cx.io.err, "\r{}{total} MiB, ctrl-c cancels", told >> 20).and_then(|()| cx.io.err.flush()).ok();
        }
    }
    if told > 0 {
        write!(cx.io.err, "\r{}\r", " ".repeat(40)).and_then(|()| cx.io.err.flush()).ok();
    }
    if out.is_whole() && stream.total.is_none_or(|total| total == out.bytes) {
        return Ok(Exit::Ok);
    }
    Err(CliError::failure(
        "the daemon ended before the backup was whole; nothing was written",
        "it is probably stopping, or its disk is full: its log says why; make it again",
    ))
}

impl NewBackupFile {
    /// For its owner alone from the first moment on.
    fn create(path: &Path) -> Result<Self, CliError> {
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
        Ok(Self { file, unfinished, path, bytes: 0, end: Vec::new(), is_finished: false })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), CliError> {
        self.file.write_all(piece).map_err(|error| self.failed(&error))?;
        self.bytes += piece.len() as u64;
        self.end.extend_from_slice(piece);
        self.end.drain(..self.end.len().saturating_sub(END_BYTES));
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.end
            .split_at_checked(BACKUP_END_MARK.len())
            .is_some_and(|(mark, length)| mark == BACKUP_END_MARK && length == self.bytes.to_le_bytes())
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

/// Looks through a backup. What opens one is in the daemon's program, which is on every host that could restore it: this
/// one becomes that one, so that terminal, pipes and exit code are its own.
pub(super) fn verify(args: &BackupArgs, format: Format) -> Done {
    let Some(BackupVerb::Verify { file, passphrase_file }) = &args.verb else { return Ok(Exit::Usage) };
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("tollgated"));
    let program = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from("tollgated"));
    let mut command = Command::new(&program);
    command.arg("verify").args(matches!(format, Format::Json | Format::Jsonl).then_some("--json"));
    if let Some(path) = passphrase_file {
        command.arg("--passphrase-file").arg(path);
    }
    // It returns only where it could not be started.
    let error = command.arg("--").arg(file).exec();
    let what = format!("{} cannot be started: {error}", program.display());
    Err(CliError::failure(what, "install both programs of the same version, in one directory or in PATH"))
}

/// The last good backup, for `tollgate status`.
pub(super) fn last_words(backup: &BackupView, when: When) -> String {
    let last = match &backup.last {
        None => "no backup yet:  tollgate backup FILE".to_owned(),
        Some(BackupMade { made_at, place, with_key, .. }) => {
            let key = if *with_key { "" } else { ", WITHOUT the token key" };
            format!("{} in {place}{key}", when.full(*made_at))
        }
    };
    let every = backup.every_secs.map(|secs| format!("; one every {}", span(secs))).unwrap_or_default();
    let overdue = if backup.overdue { "; OVERDUE" } else { "" };
    let failed = backup.failed.as_ref().map(|failed| format!("; the last try FAILED: {}", failed.why));
    format!("{last}{every}{overdue}{}", failed.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use tollgate_shared::api::BackupFailure;
    use tollgate_shared::time::Timestamp;

    use super::*;

    #[test]
    fn status_says_what_is_known_of_backups_and_what_is_wrong() {
        let now = Timestamp::from_micros(1_795_317_247_000_000);
        let when = When { now, relative: true };
        assert_eq!(last_words(&BackupView::default(), when), "no backup yet:  tollgate backup FILE");
        let made = BackupMade {
            made_at: now.plus_secs(-7_200),
            place: "/mnt/usb/t.backup".to_owned(),
            bytes: 1,
            with_key: false,
            by: "root".to_owned(),
        };
        let failed = Some(BackupFailure { at: now, why: "/mnt/usb is no directory".to_owned() });
        let view =
            BackupView { last: Some(made), every_secs: Some(3_600), failed, overdue: true, ..BackupView::default() };
        let words = last_words(&view, when);
        for part in
            ["2 h ago", "/mnt/usb/t.backup", "WITHOUT the token key", "every 1 h", "OVERDUE", "FAILED: /mnt/usb is"]
        {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    #[test]
    fn a_file_is_whole_only_with_its_end_mark_and_else_nothing_stays() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("t.backup");
        let mut out = NewBackupFile::create(&path).unwrap();
        out.write(b"rows and rows").unwrap();
        assert!(!out.is_whole());
        drop(out);
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
        let mut out = NewBackupFile::create(&path).unwrap();
        let end = [BACKUP_END_MARK.as_slice(), &28_u64.to_le_bytes()].concat();
        out.write(b"rows").unwrap();
        end.chunks(5).for_each(|piece| out.write(piece).unwrap());
        assert!(out.is_whole());
        out.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(NewBackupFile::create(&path).err().unwrap().exit(), Exit::BadInput);
    }
}
