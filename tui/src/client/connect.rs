//! Opens the socket and makes sure of who listens there before a word is said.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use interprocess::ConnectWaitMode;
use interprocess::local_socket::tokio::{Stream, prelude::*};
use interprocess::local_socket::{ConnectOptions, GenericFilePath};
use tokio::net::UnixStream;

use super::error::{ClientError, Tried};
use super::{Sender, remedy};

/// A daemon on the same host accepts at once; after this it hangs.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Between two attempts while the daemon's queue of connections is full.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Why one socket cannot be used.
enum Failure {
    /// Nobody is there: the next candidate may do.
    Absent(io::Error),
    /// It is there, and the kernel does not let us in: the next candidate may do.
    Forbidden,
    /// Somebody else listens there: nothing more is tried, because this is not an accident.
    Impostor { uid: u32 },
}

/// The first candidate that can be used.
pub(super) async fn first(candidates: &[PathBuf]) -> Result<(PathBuf, Sender), ClientError> {
    let mut tried = Vec::new();
    let mut forbidden = None;
    for path in candidates {
        match open(path).await {
            Ok(stream) => return Ok((path.clone(), handshake(stream).await?)),
            Err(Failure::Impostor { uid }) => return Err(impostor(path, uid)),
            Err(Failure::Forbidden) => forbidden = forbidden.or(Some(path)),
            Err(Failure::Absent(error)) => tried.push(Tried { path: path.clone(), why: in_words(&error) }),
        }
    }
    match forbidden {
        Some(path) => Err(denied(path)),
        None => Err(ClientError::NoDaemon { tried }),
    }
}

/// Another connection to a socket that was in use before.
pub(super) async fn one(path: &Path) -> Result<Sender, ClientError> {
    match open(path).await {
        Ok(stream) => handshake(stream).await,
        Err(Failure::Impostor { uid }) => Err(impostor(path, uid)),
        Err(Failure::Forbidden) => Err(denied(path)),
        Err(Failure::Absent(error)) => {
            Err(ClientError::NoDaemon { tried: vec![Tried { path: path.to_path_buf(), why: in_words(&error) }] })
        }
    }
}

async fn open(path: &Path) -> Result<UnixStream, Failure> {
    let patient = tokio::time::timeout(CONNECT_TIMEOUT, async {
        loop {
            match attempt(path).await {
                Err(Failure::Absent(error)) if is_full_queue(&error) => tokio::time::sleep(RETRY_PAUSE).await,
                other => return other,
            }
        }
    });
    patient.await.unwrap_or_else(|_| Err(Failure::Absent(io::ErrorKind::TimedOut.into())))
}

async fn attempt(path: &Path) -> Result<UnixStream, Failure> {
    let name = path.to_fs_name::<GenericFilePath>().map_err(Failure::Absent)?;
    let options = ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(CONNECT_TIMEOUT));
    let stream = options.connect_tokio().await.map_err(failure)?;
    let creds = stream.peer_creds().map_err(failure)?;
    let uid = creds.euid().ok_or_else(|| Failure::Absent(io::ErrorKind::Unsupported.into()))?;
    if !trusted_uids(path).contains(&uid) {
        return Err(Failure::Impostor { uid });
    }
    let Stream::UdSocket(stream) = stream;
    Ok(stream.into())
}

/// Who may listen: we ourselves, root (also systemd on the daemon's behalf), and whoever owns the directory and so
/// could replace the socket anyway.
fn trusted_uids(path: &Path) -> Vec<u32> {
    let directory = path.parent().and_then(|dir| std::fs::metadata(dir).ok()).map(|meta| meta.uid());
    [rustix::process::geteuid().as_raw(), 0].into_iter().chain(directory).collect()
}

fn failure(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::PermissionDenied { Failure::Forbidden } else { Failure::Absent(error) }
}

/// With a full queue Linux says EAGAIN; interprocess takes that for a connection under way, which then shows as
/// ENOTCONN, or as credentials that are all zero.
fn is_full_queue(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionReset, NotConnected, WouldBlock};
    matches!(error.kind(), WouldBlock | NotConnected | ConnectionReset)
}

async fn handshake(stream: UnixStream) -> Result<Sender, ClientError> {
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|error| ClientError::broken("the connection could not begin", error))?;
    // It ends when the sender is dropped or the peer closes; its errors come back through the sender.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::ConnectionRefused => "nobody listens there any more".to_owned(),
        io::ErrorKind::TimedOut => format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        _ => error.to_string(),
    }
}

fn denied(path: &Path) -> ClientError {
    let (why, remedy) = remedy::for_denied(path);
    ClientError::Denied { path: path.to_path_buf(), why, remedy }
}

fn impostor(path: &Path, uid: u32) -> ClientError {
    let why = format!("uid {uid} listens there, who is neither you, nor root, nor the owner of its directory");
    let remedy = vec![
        "nothing was sent; find out who that is before you go on:".to_owned(),
        format!("  ls -l {}", path.display()),
    ];
    ClientError::Denied { path: path.to_path_buf(), why, remedy }
}
