//! Binding the local socket without a moment of danger, and asking the kernel who calls.
//!
//! The order matters (security.md, row socket): the caller holds the data directory's lock, a live daemon is found by
//! connecting to it, only a socket that refused a connection is unlinked, and the new one is bound at 0600 and widened
//! afterwards. A filesystem name, never an abstract one: abstract sockets have no permissions.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::ConnectWaitMode;
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::{ConnectOptions, GenericFilePath, ListenerOptions, Name, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use rustix::fs::{Gid, Mode};

use crate::edge::Peer;

/// The uid that stands for "not mapped into this user namespace": it could be anybody.
const UNMAPPED_UID: u32 = 65_534;
const PROBE: Duration = Duration::from_secs(1);

/// Where and how to bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPlan {
    pub path: PathBuf,
    /// Permission bits of the socket, such as `0o600` or `0o660`.
    pub mode: u32,
    /// The group that owns the socket; numeric, since a static binary cannot look names up.
    pub group: Option<u32>,
}

/// Why the socket was not bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{} cannot be bound: check the path's length and the directory's permissions", .path.display())]
    Bind { path: PathBuf, source: io::Error },
    #[error("the directory {} cannot be prepared: create it, owned by the daemon's user, mode 0750", .path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("{} is writable by others: run `chmod 0750 {}`", .path.display(), .path.display())]
    DirectoryIsLoose { path: PathBuf },
    #[error("{} exists and is not a socket: move it away, or set another socket path", .path.display())]
    NotASocket { path: PathBuf },
    #[error("the permissions of {} cannot be set: check the socket's group", .path.display())]
    Permissions { path: PathBuf, source: io::Error },
    #[error("{} does not say whether a daemon serves it: stop what holds it, or remove the file", .path.display())]
    Probe { path: PathBuf, source: io::Error },
    #[error("another daemon serves {}: stop it first, or set another socket path", .path.display())]
    Running { path: PathBuf },
    #[error("the path {} is a symbolic link: remove it, or set the real path", .path.display())]
    Symlink { path: PathBuf },
}

/// Why a local peer was turned away.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("the kernel does not say who the peer is")]
    Unknown { source: io::Error },
    #[error("the peer's uid is not mapped into this user namespace")]
    Unmapped,
}

/// Binds the socket. Must run inside a tokio runtime. Dropping the listener unlinks the file.
///
/// # Errors
/// [`BindError`]; nothing is unlinked unless it is a socket that refuses connections.
pub fn bind(plan: &SocketPlan) -> Result<Listener, BindError> {
    let path = &plan.path;
    prepare_directory(path)?;
    clear_stale(path)?;
    let options = ListenerOptions::new().name(name_of(path)?).mode(0o600).reclaim_name(true).try_overwrite(false);
    let listener = options.create_tokio().map_err(|source| BindError::Bind { path: path.clone(), source })?;
    widen(plan).map_err(|source| BindError::Permissions { path: path.clone(), source })?;
    tracing::info!(path = %path.display(), mode = format_args!("{:04o}", plan.mode), group = plan.group, "local socket bound");
    Ok(listener)
}

/// The peer's credentials as fixed at its `connect`.
///
/// # Errors
/// [`PeerError`]: the connection must be closed, it belongs to nobody who could have a role.
pub fn peer_of(stream: &Stream) -> Result<Peer, PeerError> {
    let creds = stream.peer_creds().map_err(|source| PeerError::Unknown { source })?;
    let (Some(uid), Some(gid), Some(pid)) = (creds.euid(), creds.egid(), creds.pid()) else {
        return Err(PeerError::Unknown { source: io::ErrorKind::Unsupported.into() });
    };
    check_uid(uid)?;
    Ok(Peer::Local { uid, gid, pid })
}

fn check_uid(uid: u32) -> Result<(), PeerError> {
    if uid == UNMAPPED_UID || uid == u32::MAX { Err(PeerError::Unmapped) } else { Ok(()) }
}

/// Creates the parent where it is missing (0750; a missing grandparent is a mistake in the setting) and refuses one in
/// which others could swap the socket. A sticky directory such as `/tmp` keeps others from doing so.
fn prepare_directory(path: &Path) -> Result<(), BindError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let fail = |source: io::Error| BindError::Directory { path: directory.to_owned(), source };
    match rustix::fs::mkdir(directory, Mode::from_raw_mode(0o750)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => (),
        Err(errno) => return Err(fail(errno.into())),
    }
    let meta = std::fs::metadata(directory).map_err(fail)?;
    if !meta.is_dir() {
        return Err(fail(io::ErrorKind::NotADirectory.into()));
    }
    let (is_loose, is_sticky) = (meta.mode() & 0o022 != 0, meta.mode() & 0o1000 != 0);
    if is_loose && !is_sticky {
        return Err(BindError::DirectoryIsLoose { path: directory.to_owned() });
    }
    Ok(())
}

/// Removes what a killed daemon left; refuses everything else.
fn clear_stale(path: &Path) -> Result<(), BindError> {
    let path = path.to_owned();
    let kind = match std::fs::symlink_metadata(&path) {
        Ok(meta) => meta.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(BindError::Probe { path, source }),
    };
    if kind.is_symlink() {
        return Err(BindError::Symlink { path });
    }
    if !kind.is_socket() {
        return Err(BindError::NotASocket { path });
    }
    match probe(&path) {
        Ok(()) => Err(BindError::Running { path }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(&path).map_err(|source| BindError::Bind { path, source })
        }
        // A daemon with a full backlog does not answer in time: it lives.
        Err(source) => Err(BindError::Probe { path, source }),
    }
}

fn probe(path: &Path) -> io::Result<()> {
    let name = path.to_fs_name::<GenericFilePath>()?;
    ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(PROBE)).connect_sync().map(drop)
}

fn name_of(path: &Path) -> Result<Name<'_>, BindError> {
    path.to_fs_name::<GenericFilePath>().map_err(|source| BindError::Bind { path: path.to_owned(), source })
}

/// First the group, then the bits: the other way round the old group would be let in for a moment.
fn widen(plan: &SocketPlan) -> io::Result<()> {
    if let Some(group) = plan.group {
        rustix::fs::chown(&plan.path, None, Some(Gid::from_raw(group)))?;
    }
    std::fs::set_permissions(&plan.path, std::fs::Permissions::from_mode(plan.mode))
}

// === impl PeerError ===

impl PeerError {
    /// Fixed text for counters and the *Refused* list.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self {
            PeerError::Unknown { .. } => "no peer credentials",
            PeerError::Unmapped => "the peer's uid is unmapped",
        }
    }
}

#[cfg(test)]
mod tests {
    use interprocess::local_socket::traits::tokio::Listener as _;
    use tempfile::TempDir;

    use super::*;

    fn plan(directory: &TempDir) -> SocketPlan {
        SocketPlan { path: directory.path().join("run/admin.sock"), mode: 0o600, group: None }
    }

    fn mode_of(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[tokio::test]
    async fn socket_has_exactly_the_configured_mode_and_goes_with_the_listener() {
        for mode in [0o600, 0o660] {
            let directory = TempDir::new().unwrap();
            let group = Some(rustix::process::getegid().as_raw());
            let plan = SocketPlan { mode, group, ..plan(&directory) };
            let listener = bind(&plan).unwrap();
            assert_eq!(mode_of(&plan.path), mode);
            assert_eq!(mode_of(plan.path.parent().unwrap()) & 0o027, 0);
            drop(listener);
            assert!(!plan.path.try_exists().unwrap());
        }
    }

    #[tokio::test]
    async fn live_daemon_is_never_displaced() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory);
        let listener = bind(&plan).unwrap();
        assert!(matches!(bind(&plan), Err(BindError::Running { .. })));
        assert!(plan.path.try_exists().unwrap());
        drop(listener);
        bind(&plan).unwrap();
    }

    #[tokio::test]
    async fn socket_of_a_killed_daemon_is_replaced() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory);
        std::fs::create_dir(plan.path.parent().unwrap()).unwrap();
        // The standard library's listener leaves its file behind, as a killed daemon does.
        drop(std::os::unix::net::UnixListener::bind(&plan.path).unwrap());
        assert!(plan.path.try_exists().unwrap());
        bind(&plan).unwrap();
    }

    #[tokio::test]
    async fn file_or_link_at_the_path_is_refused_and_kept() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory);
        std::fs::create_dir(plan.path.parent().unwrap()).unwrap();
        std::fs::write(&plan.path, "precious").unwrap();
        let error = bind(&plan).unwrap_err();
        assert!(matches!(error, BindError::NotASocket { .. }));
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(std::fs::read_to_string(&plan.path).unwrap(), "precious");

        std::fs::remove_file(&plan.path).unwrap();
        let target = directory.path().join("target.sock");
        drop(std::os::unix::net::UnixListener::bind(&target).unwrap());
        std::os::unix::fs::symlink(&target, &plan.path).unwrap();
        assert!(matches!(bind(&plan), Err(BindError::Symlink { .. })));
        assert!(target.try_exists().unwrap());
    }

    #[tokio::test]
    async fn directory_that_others_may_write_is_refused() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory);
        let parent = plan.path.parent().unwrap();
        std::fs::create_dir(parent).unwrap();
        std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(bind(&plan), Err(BindError::DirectoryIsLoose { .. })));
    }

    #[tokio::test]
    async fn kernel_says_who_calls_and_an_unmapped_uid_is_nobody() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory);
        let listener = bind(&plan).unwrap();
        let _client = std::os::unix::net::UnixStream::connect(&plan.path).unwrap();
        let stream = listener.accept().await.unwrap();
        let Peer::Local { uid, pid, .. } = peer_of(&stream).unwrap() else { panic!("not local") };
        assert_eq!(uid, rustix::process::geteuid().as_raw());
        assert_eq!(pid, i32::try_from(std::process::id()).unwrap());
        assert!(check_uid(65_534).is_err() && check_uid(0).is_ok());
    }
}
