//! `tollgate backup`: the daemon makes the bytes, this program writes them where the one who asks may write.

mod goal;

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command;

use serde::Serialize;
use tollgate_shared::api::{BackupMade, BackupView, BackupWritten, NOT_IN_A_BACKUP, NewBackup};
use zeroize::Zeroizing;

use self::goal::{Came, Goal, NewBackupFile};
use super::args::{BackupArgs, BackupVerb, Format};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::token::{one_line, read_secret};
use super::when::{When, span};
use crate::client::BackupBytes;

/// Standard output.
const STDOUT: &str = "-";

/// How much comes between two words of progress.
const TELL_EVERY_BYTES: u64 = 1 << 20;

/// What was made.
#[derive(Serialize)]
struct Written {
    file: PathBuf,
    bytes: u64,
    encrypted: bool,
    with_key: bool,
    not_inside: [&'static str; NOT_IN_A_BACKUP.len()],
}

/// Makes a backup.
pub(super) async fn run(cx: &mut Context<'_>, args: BackupArgs) -> Done {
    let BackupArgs { verb: _, file, passphrase_file, plain } = args;
    let path = file.ok_or_else(|| {
        let next = "use:  tollgate backup FILE, a new file, or  -  for standard output";
        CliError::usage("say where the backup shall be written", next)
    })?;
    if !plain && passphrase_file.is_none() && !cx.io.in_is_tty {
        return Err(CliError::usage(
            "nobody can be asked for the passphrase",
            "use:  --passphrase-file FILE, or --plain for a backup that no token can be restored from",
        ));
    }
    let mut goal = goal_of(cx, &path)?;
    let mut new = NewBackup { passphrase: None, plain };
    if !plain {
        new.passphrase = Some(passphrase(cx, passphrase_file.as_deref())?.as_str().to_owned());
    }
    let stream = cx.client.backup(&new).await?;
    drop(new);
    let id = stream.id.clone();
    let Some(bytes) = receive(cx, stream, &mut goal).await? else {
        cx.note(&format!("interrupted; {}", goal.left()));
        return Ok(Exit::Interrupted);
    };
    let place = goal.finish(cx.io)?;
    if let Some(place) = &place {
        let written = BackupWritten { id, place: place.display().to_string() };
        if let Err(error) = cx.client.backup_written(&written).await {
            // The file is what counts.
            cx.io.note(&format!("the backup is whole, but the daemon could not be told: {error}"));
        }
    }
    if plain {
        warn_plain(cx, place.as_deref());
    }
    match place {
        Some(file) => tell_of_file(cx, &path, file, bytes, plain),
        None => Ok(tell_of_stream(cx, bytes, plain)),
    }
}

fn goal_of(cx: &Context<'_>, path: &Path) -> Result<Goal, CliError> {
    if path.as_os_str() != STDOUT {
        return NewBackupFile::create(path).map(Goal::File);
    }
    if cx.io.out_is_tty || cx.io.lines.is_some() {
        let next = "use:  tollgate backup - > FILE, or into a pipe; or:  tollgate backup FILE";
        return Err(CliError::usage("a backup is nothing for a terminal", next));
    }
    if cx.format != Format::Table {
        let what = "standard output is the backup itself, so nothing else is written there";
        return Err(CliError::usage(what, "use:  tollgate backup - without --output, or:  tollgate backup FILE"));
    }
    Ok(Goal::Out)
}

fn tell_of_file(cx: &mut Context<'_>, path: &Path, file: PathBuf, bytes: u64, plain: bool) -> Done {
    let is_beside_data = is_on_one_disk(&file, Path::new(&cx.status.data_dir));
    let made = Written { file, bytes, encrypted: !plain, with_key: !plain, not_inside: NOT_IN_A_BACKUP };
    let tollgate = cx.tollgate();
    let exit = cx.changed(&made, |made| {
        format!(
            "{} written: {} bytes, {}; look through it:  {tollgate} backup verify {}",
            made.file.display(),
            made.bytes,
            lock_words(plain),
            path.display()
        )
    })?;
    if cx.format == Format::Table {
        cx.note(&not_inside_words());
    }
    if is_beside_data {
        cx.note("it is on the same disk as the data: a backup on the disk that dies is none, so keep a copy elsewhere");
    }
    Ok(exit)
}

/// On standard error: the bytes have standard output to themselves.
fn tell_of_stream(cx: &mut Context<'_>, bytes: u64, plain: bool) -> Exit {
    let tollgate = cx.tollgate();
    cx.note(&format!(
        "standard output has it: {bytes} bytes, {}; look through it where it is kept:  {tollgate} backup verify FILE",
        lock_words(plain)
    ));
    cx.note("`tollgate status` does not count it: nobody here knows whether it came to a disk");
    cx.note(&not_inside_words());
    Exit::Ok
}

fn lock_words(plain: bool) -> &'static str {
    if plain { "NOT encrypted, WITHOUT the token key" } else { "encrypted, with the token key" }
}

fn not_inside_words() -> String {
    format!("not in it: {}", NOT_IN_A_BACKUP.join(", "))
}

/// False where either cannot be asked.
fn is_on_one_disk(one: &Path, other: &Path) -> bool {
    let device = |path| std::fs::metadata(path).ok().map(|meta| meta.dev());
    device(one).is_some_and(|disk| device(other) == Some(disk))
}

/// Said whatever `--quiet` says: on the day on which it is needed it is too late.
fn warn_plain(cx: &mut Context<'_>, file: Option<&Path>) {
    let name = file.map_or_else(|| "this backup".to_owned(), |file| file.display().to_string());
    for line in [
        format!("WARNING: {name} is not encrypted and does not hold the token key."),
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

/// The bytes that came in all; `None` where ctrl-c ended it.
async fn receive(cx: &mut Context<'_>, mut stream: BackupBytes, goal: &mut Goal) -> Result<Option<u64>, CliError> {
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let shows = cx.io.err_is_tty && !cx.io.is_dumb && !cx.quiet;
    let (mut came, mut told) = (Came::default(), 0);
    loop {
        let piece = tokio::select! {
            biased;
            _ = &mut interrupt => return Ok(None),
            piece = stream.next() => piece?,
        };
        let Some(piece) = piece else { break };
        goal.write(cx.io, &piece)?;
        came.take(&piece);
        if shows && came.bytes - told >= TELL_EVERY_BYTES {
            told = came.bytes;
            let total = stream.total.map(|total| format!(" of {}", total >> 20)).unwrap_or_default();
            write!(cx.io.err, "\r{}{total} MiB, ctrl-c cancels", told >> 20).and_then(|()| cx.io.err.flush()).ok();
        }
    }
    if told > 0 {
        write!(cx.io.err, "\r{}\r", " ".repeat(40)).and_then(|()| cx.io.err.flush()).ok();
    }
    if came.is_whole() && stream.total.is_none_or(|total| total == came.bytes) {
        return Ok(Some(came.bytes));
    }
    Err(CliError::failure(
        format!("the daemon ended before the backup was whole; {}", goal.left()),
        "it is probably stopping, or its disk is full: its log says why; make it again",
    ))
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

/// A warning, for `tollgate status`; nothing where the schedule writes to a disk of its own.
pub(super) fn disk_words(backup: &BackupView) -> String {
    let to = backup.to.as_ref().filter(|_| backup.same_disk);
    let words = |to| format!("{to} is on the same disk as the data: a backup on the disk that dies is none");
    to.map(words).unwrap_or_default()
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
    fn status_warns_of_backups_on_the_disk_of_the_data_and_says_nothing_of_others() {
        let mut view = BackupView { to: Some("/var/backups".to_owned()), ..BackupView::default() };
        assert_eq!(disk_words(&view), "");
        view.same_disk = true;
        let said = "/var/backups is on the same disk as the data: a backup on the disk that dies is none";
        assert_eq!(disk_words(&view), said);
    }
}
