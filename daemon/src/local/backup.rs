//! `POST /v1/backup`, its confirmation, and the review after a restore.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tollgate_shared::api::{BackupWritten, NewBackup, RestoreReviewed, ReviewRestore};
use tollgate_shared::limits::COMMENT_CHARS_MAX;
use tollgate_shared::problem::{Problem, Slug};
use zeroize::Zeroizing;

use super::answers::{ok, reply, unexpected};
use super::params::Call;
use crate::backup::BackupError;
use crate::backup::book::Made;
use crate::backup::make;
use crate::backup::passphrase::Passphrase;
use crate::core::admin::{Command, Note, Reply, Scheduled};
use crate::daemon::Daemon;
use crate::edge::{Body, respond};

const ID: HeaderName = HeaderName::from_static("tollgate-backup");
const BYTES: HeaderName = HeaderName::from_static("tollgate-backup-bytes");

/// Bytes of one piece on its way.
const PIECE_BYTES: usize = 64 * 1_024;

/// Pieces waiting for a reader that does not keep up; then the thread waits for him, and nothing else does.
const QUEUE_PIECES: usize = 8;

/// The answer begins after this long, also where the backup is not prepared yet: what then goes wrong shows by its end
/// mark, which is missing.
const PREPARE: Duration = Duration::from_secs(20);

/// When to ask again where one is made already.
const RETRY_SECS: u32 = 10;

/// Prepares a backup and sends it. Audited before its first byte is made: whoever takes a copy of everything is on record.
pub(super) async fn make(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, mut new) = call.secret_json::<NewBackup>().await?;
    let passphrase = lock_of(&mut new)?;
    let permit = daemon.backups.begin().ok_or_else(|| {
        Problem::new(Slug::Overloaded, "another backup is being made; try again").with_retry_after(RETRY_SECS)
    })?;
    let detail = if passphrase.is_some() { "encrypted, with the token key" } else { "plain, without the token key" };
    let note = Note { action: "backup", target: "state".to_owned(), detail: detail.to_owned() };
    reply(&daemon, actor.clone(), Command::Note(note)).await?;
    let id = daemon.ids.new_id(daemon.clock.now()).to_string();
    let (ready, waiting) = oneshot::channel();
    let (pieces, rows) = mpsc::channel(QUEUE_PIECES);
    let (working, handed) = (daemon, (id.clone(), actor.name));
    let work = move || prepare_and_send(&working, passphrase, handed, ready, &pieces, permit);
    drop(tokio::task::spawn_blocking(work));
    let made = match tokio::time::timeout(PREPARE, waiting).await {
        Ok(Ok(made)) => Some(made?),
        Ok(Err(_)) => {
            return Err(Problem::new(Slug::Internal, "the backup ended unexpectedly; the daemon's log says why"));
        }
        Err(_) => None,
    };
    let mut response = respond::stream(rows, "application/octet-stream");
    let headers = response.headers_mut();
    headers.insert(ID, HeaderValue::try_from(id).map_err(|_| unexpected())?);
    headers.extend(made.map(|made| (BYTES, HeaderValue::from(made.bytes))));
    Ok(response)
}

/// One of both, and never in silence without a lock.
fn lock_of(new: &mut NewBackup) -> Result<Option<Passphrase>, Problem> {
    let invalid = |message: &str| {
        Problem::new(Slug::Validation, format!("passphrase: {message}")).with_error("passphrase", message)
    };
    match (new.passphrase.take().map(Zeroizing::new), new.plain) {
        (Some(text), false) => Passphrase::new(text).map(Some).map_err(|error| invalid(&error.to_string())),
        (None, true) => Ok(None),
        (Some(_), true) => Err(invalid("a plain backup has none")),
        (None, false) => Err(invalid("give one, or say `plain`: no token of a plain backup can authenticate")),
    }
}

fn prepare_and_send(
    daemon: &Arc<Daemon>,
    passphrase: Option<Passphrase>,
    (id, by): (String, String),
    ready: oneshot::Sender<Result<Made, Problem>>,
    pieces: &mpsc::Sender<Bytes>,
    permit: OwnedSemaphorePermit,
) {
    let spooled = make::spool(daemon, passphrase.as_ref(), &by, daemon.clock.now());
    drop((passphrase, permit));
    match spooled {
        Ok((file, made)) => {
            daemon.backups.handed_out(id, &made, by);
            // Where the head was sent already, nobody waits for it.
            drop(ready.send(Ok(made)));
            if let Err(error) = send(file, pieces) {
                tracing::error!(%error, "a prepared backup could not be read; what was sent of it is cut");
            }
        }
        Err(error) => {
            tracing::error!(error = %crate::report(&error), "a backup could not be made");
            drop(ready.send(Err(problem_of(&error))));
        }
    }
}

fn send(mut file: File, pieces: &mpsc::Sender<Bytes>) -> std::io::Result<()> {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = file.read(&mut piece)?;
        piece.truncate(read);
        // Whoever took it has gone: what he has is cut, and he knows.
        if read == 0 || pieces.blocking_send(piece.into()).is_err() {
            return Ok(());
        }
    }
}

fn problem_of(error: &BackupError) -> Problem {
    let detail = match error {
        BackupError::Refused(why) => why.clone(),
        BackupError::Host(_) => error.to_string(),
        _ => "the backup could not be made; the daemon's log says why".to_owned(),
    };
    Problem::new(Slug::StorageUnavailable, detail).with_retry_after(RETRY_SECS)
}

/// It is on a disk: from now on it is the last one.
pub(super) async fn written(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, BackupWritten { id, place }) = call.json::<BackupWritten>().await?;
    if place.is_empty() || place.chars().count() > COMMENT_CHARS_MAX {
        let message = format!("1 to {COMMENT_CHARS_MAX} characters");
        return Err(Problem::new(Slug::Validation, format!("place: {message}")).with_error("place", message));
    }
    let missing = || Problem::new(Slug::NotFound, "no backup with this id was handed out and not confirmed yet");
    let record = daemon.backups.taken(&id, place).ok_or_else(missing)?;
    reply(&daemon, actor, Command::NoteBackup(Box::new(record), Scheduled::No)).await?;
    let (registry, now) = (daemon.registry.load(), daemon.clock.now());
    Ok(ok(&daemon.backups.view(registry.backups(), now, daemon.facts.started_at)))
}

/// Calls are taken again.
pub(super) async fn review(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, review) = call.json::<ReviewRestore>().await?;
    let Reply::Reviewed(let_in, suspended) = reply(&daemon, actor, Command::ReviewRestore(review)).await? else {
        return Err(unexpected());
    };
    Ok(ok(&RestoreReviewed { let_in, suspended }))
}
