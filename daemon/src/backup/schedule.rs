//! Backups without anybody: made on time, read back, and the oldest taken away. Nobody runs one by hand on a ship.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tollgate_shared::api::BackupFailure;
use tollgate_shared::time::Timestamp;

use super::BackupError;
use super::book::{Made, record, secs};
use super::look::{look, open};
use super::make;
use super::passphrase::Passphrase;
use super::plan::Plan;
use crate::core::access::Actor;
use crate::core::admin::{Command, Scheduled};
use crate::daemon::Daemon;
use crate::files;
use crate::jobs::AdminJob;

/// What the name of each ends with.
const SUFFIX: &str = ".backup";

/// What a file is called before it is whole.
const UNFINISHED: &str = ".backup.new";

/// How often the time is looked at: the wall clock may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// After a failure it is tried again this soon, or after the interval where that is shorter: a stick may be plugged in.
const RETRY_SECS: i64 = 3_600;

/// Makes backups on time until the stop.
pub async fn run(daemon: Arc<Daemon>, stop: CancellationToken) {
    let Some(plan) = daemon.backups.plan.clone() else { return };
    loop {
        let (looking, own) = (daemon.clone(), plan.clone());
        // A directory of a host that does not answer holds up its reader.
        let look = tokio::task::spawn_blocking(move || {
            look_where(&looking, &own);
            if is_due(&looking, &own) { attempt(&looking, &own) } else { None }
        });
        if let Ok(Some((made, path))) = look.await {
            note(&daemon, &made, &path).await;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Said once, and in the status for as long as it is so: what is plugged in meanwhile changes it.
fn look_where(daemon: &Daemon, plan: &Plan) {
    let problem = plan.same_disk(&daemon.facts.data_dir);
    if let (true, Some(problem)) = (daemon.backups.found_on(problem.is_some()), problem) {
        tracing::warn!(problem, "backups are made all the same");
    }
}

fn is_due(daemon: &Daemon, plan: &Plan) -> bool {
    let (now, every) = (daemon.clock.now(), secs(plan.every));
    let last = daemon.registry.load().backups().scheduled.as_ref().map(|record| record.made_at);
    let tried = daemon.backups.failed_at().map(|at| at.plus_secs(every.min(RETRY_SECS)));
    last.is_none_or(|last| last.plus_secs(every) <= now) && tried.is_none_or(|again| again <= now)
}

/// One try; says in the log how it went.
fn attempt(daemon: &Daemon, plan: &Plan) -> Option<(Made, PathBuf)> {
    // Somebody makes one right now; the next look tries again.
    let _one = daemon.backups.begin()?;
    let now = daemon.clock.now();
    match make(daemon, plan, now) {
        Ok((made, path)) => {
            daemon.backups.tried(None);
            tracing::info!(path = %path.display(), bytes = made.bytes, "a scheduled backup is written and reads back");
            Some((made, path))
        }
        Err(error) => {
            let why = crate::report(&error);
            tracing::error!(error = why, "the scheduled backup failed; it is tried again");
            daemon.backups.tried(Some(BackupFailure { at: now, why }));
            None
        }
    }
}

fn make(daemon: &Daemon, plan: &Plan, now: Timestamp) -> Result<(Made, PathBuf), BackupError> {
    let passphrase = Passphrase::read(&plan.passphrase_file)?;
    if !plan.to.is_dir() {
        let to = plan.to.display();
        return Err(BackupError::Refused(format!("{to} is no directory: mount it or make it; it is not made for you")));
    }
    let prefix = prefix(&daemon.facts.host);
    // Of a try that a crash cut off; nobody else writes under these names.
    remove_all(&named(&plan.to, &prefix, UNFINISHED)?)?;
    let stem = format!("{prefix}{}", stamp(now));
    let (unfinished, path) = (plan.to.join(format!("{stem}{UNFINISHED}")), plan.to.join(format!("{stem}{SUFFIX}")));
    let written = write(daemon, &passphrase, now, &unfinished).and_then(|made| {
        rename_new(&unfinished, &path)?;
        files::sync_directory(&plan.to)?;
        Ok(made)
    });
    let made = written.inspect_err(|_| {
        std::fs::remove_file(&unfinished).ok();
    })?;
    // Good is what reads back, not what was written.
    look(&open(&path)?, Some(&passphrase))?;
    let all = named(&plan.to, &prefix, SUFFIX)?;
    remove_all(&all[..all.len().saturating_sub(plan.keep)])?;
    Ok((made, path))
}

fn write(daemon: &Daemon, passphrase: &Passphrase, now: Timestamp, path: &Path) -> Result<Made, BackupError> {
    let file = files::create_new(path)?;
    let (file, made) = make::write(daemon, Some(passphrase), &Actor::daemon().name, now, file)?;
    rustix::fs::fsync(file.as_fd())
        .map_err(|errno| BackupError::Io { doing: format!("fsync of {}", path.display()), source: errno.into() })?;
    drop::<File>(file);
    Ok(made)
}

/// A file that is there is never replaced, also where the file system cannot promise it in one step.
fn rename_new(from: &Path, to: &Path) -> Result<(), BackupError> {
    let renamed = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) if std::fs::symlink_metadata(to).is_err() => std::fs::rename(from, to),
        other => other.map_err(io::Error::from),
    };
    renamed.map_err(|source| BackupError::Io { doing: format!("naming {}", to.display()), source })
}

/// Files of ours in a directory, by name, which is by age.
fn named(directory: &Path, prefix: &str, suffix: &str) -> Result<Vec<PathBuf>, BackupError> {
    let io = |source| BackupError::Io { doing: format!("listing {}", directory.display()), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let middle = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
        if middle.is_some_and(|middle| middle.len() == 16 && middle.ends_with('Z')) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn remove_all(paths: &[PathBuf]) -> Result<(), BackupError> {
    paths.iter().try_for_each(|path| {
        let doing = || format!("removing {}", path.display());
        std::fs::remove_file(path).map_err(|source| BackupError::Io { doing: doing(), source })
    })
}

/// `tollgate-noc-2-`: several hosts may write into one directory, and each takes away its own only.
fn prefix(host: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("tollgate-{}-", host.chars().map(plain).collect::<String>())
}

/// `20261122T031400Z`.
fn stamp(at: Timestamp) -> String {
    let text = at.to_string();
    let whole: String = text.chars().take("2026-11-22T03:14:00".len()).filter(|c| !"-:".contains(*c)).collect();
    format!("{whole}Z")
}

/// The state remembers the last good one, so that a restarted daemon knows its age.
async fn note(daemon: &Daemon, made: &Made, path: &Path) {
    let actor = Actor::daemon();
    let record = Box::new(record(made, path.display().to_string(), actor.name.clone()));
    let (answer, done) = oneshot::channel();
    let command = Command::NoteBackup(record, Scheduled::Yes);
    // Where the lane is full or the store is down, the next backup comes early: that is the safe side.
    drop(daemon.lanes.push_admin(AdminJob::Command { actor, command, answer }));
    if !matches!(done.await, Ok(Ok(_))) {
        tracing::warn!(path = %path.display(), "the backup is whole, but the state could not remember it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_several_hosts_keeps_the_newest_of_ours_and_everything_of_others() {
        let directory = tempfile::TempDir::new().unwrap();
        let stamps = ["20261120T000000Z", "20261122T000000Z", "20261121T000000Z"];
        for name in stamps.map(|stamp| format!("tollgate-noc-2-{stamp}.backup")) {
            std::fs::write(directory.path().join(name), "x").unwrap();
        }
        for other in ["tollgate-noc-21-20261120T000000Z.backup", "tollgate-noc-2-mine.backup", "notes.txt"] {
            std::fs::write(directory.path().join(other), "x").unwrap();
        }
        let found = named(directory.path(), &prefix("noc-2"), SUFFIX).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        let sorted = ["20261120", "20261121", "20261122"].map(|day| format!("tollgate-noc-2-{day}T000000Z.backup"));
        assert_eq!(names, sorted);
        remove_all(&found[..found.len() - 1]).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_name_says_host_and_moment_and_a_host_with_odd_characters_stays_one_name() {
        assert_eq!(stamp(crate::core::testing::START).len(), 16);
        assert_eq!(prefix("a/b c"), "tollgate-a-b-c-");
    }

    #[test]
    fn a_file_that_is_there_is_never_replaced() {
        let directory = tempfile::TempDir::new().unwrap();
        let [from, to] = ["new", "old"].map(|name| directory.path().join(name));
        std::fs::write(&from, "new").unwrap();
        std::fs::write(&to, "old").unwrap();
        assert!(rename_new(&from, &to).is_err());
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
    }
}
