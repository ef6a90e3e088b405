//! The data directory: who may touch it, who holds it, and how a file in it is written (storage.md, Files).
//!
//! The directory is 0700, its files 0600, opened without following links; anything owned by someone else or open to
//! group and world is refused by name instead of being repaired, because somebody may have read or changed it.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

pub mod key;

/// The file whose lock says that a daemon runs on the directory.
pub(crate) const LOCK_FILE: &str = "daemon.lock";
/// The state's file in the data directory.
pub(crate) const STATE_FILE: &str = "state.redb";
/// The log's directory in the data directory.
pub(crate) const LOG_DIR: &str = "log";
const FILE_MODE: Mode = Mode::from_raw_mode(0o600);

/// The data directory, checked and locked: while this value lives no second daemon can use the directory.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held open for the lock's sake; the kernel gives the lock back however the process ends.
    _lock: File,
}

/// Why the data directory or a file in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("{} cannot be used: {doing} failed, check that the daemon's user owns its directory", .path.display())]
    Io { path: PathBuf, doing: &'static str, source: io::Error },
    #[error("another daemon{} uses {}: stop it, or choose another data directory", holder(*.pid), .path.display())]
    Locked { path: PathBuf, pid: Option<u32> },
    #[error(
        "{} can be read or written by others (mode {mode:04o}): check who did, then run `chmod {} {}`",
        .path.display(), .wanted, .path.display()
    )]
    Loose { path: PathBuf, mode: u32, wanted: &'static str },
    #[error("{} is not {wanted}: move it away", .path.display())]
    WrongKind { path: PathBuf, wanted: &'static str },
    #[error("{} belongs to uid {owner}, the daemon runs as uid {expected}: run it as the owner, or chown it", .path.display())]
    WrongOwner { path: PathBuf, owner: u32, expected: u32 },
}

// === impl DataDir ===

impl DataDir {
    /// Creates the directory where it is missing (0700, parents 0755 less the umask), checks it, and takes its lock.
    ///
    /// # Errors
    /// [`FilesError`], each with its remedy; a second daemon gets [`FilesError::Locked`] with the first one's pid.
    pub fn open(path: &Path) -> Result<Self, FilesError> {
        create_directory(path)?;
        check_directory(path)?;
        let lock = take_lock(&path.join(LOCK_FILE))?;
        Ok(DataDir { path: path.to_owned(), _lock: lock })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the directory.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes a subdirectory, 0700, and checks it like the directory itself.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn subdirectory(&self, name: &str) -> Result<PathBuf, FilesError> {
        let path = self.path.join(name);
        create_directory(&path)?;
        check_directory(&path)?;
        Ok(path)
    }
}

// === free functions ===

/// Opens a file that only the daemon may touch, for reading and writing, and makes it where it is missing.
///
/// # Errors
/// [`FilesError`]; a symbolic link, a foreign owner and loose permissions are refused.
pub fn open_private(path: &Path) -> Result<File, FilesError> {
    open_checked(path, OFlags::RDWR | OFlags::CREATE)
}

/// Opens an existing private file for reading; `None` where there is none.
///
/// # Errors
/// As [`open_private`].
pub fn open_existing(path: &Path) -> Result<Option<File>, FilesError> {
    match open_checked(path, OFlags::RDONLY) {
        Err(FilesError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Makes a private file that must not exist yet.
///
/// # Errors
/// [`FilesError::Io`] with [`io::ErrorKind::AlreadyExists`] where it does.
pub fn create_new(path: &Path) -> Result<File, FilesError> {
    open_checked(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
}

/// Makes created, renamed and unlinked names in a directory last.
///
/// # Errors
/// [`FilesError::Io`].
pub fn sync_directory(path: &Path) -> Result<(), FilesError> {
    let directory = File::open(path).map_err(failed(path, "opening"))?;
    directory.sync_all().map_err(failed(path, "fsync"))
}

/// Whether what is at `place` lies on the disk on which `data` is, or will be made. False where either cannot be asked.
#[must_use]
pub fn on_one_disk(place: &Path, data: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.dev());
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    device(place).is_some_and(|place| data.ancestors().find_map(device) == Some(place))
}

/// Makes a private file without a name, which is gone when it is closed; it has one in `directory` for a moment.
///
/// # Errors
/// [`FilesError`].
pub fn create_nameless(directory: &Path, name: &str) -> Result<File, FilesError> {
    let path = directory.join(name);
    // What a crash left behind in that one moment.
    std::fs::remove_file(&path).ok();
    let file = create_new(&path)?;
    std::fs::remove_file(&path).map_err(failed(&path, "taking the name away"))?;
    Ok(file)
}

/// Makes a directory that only the daemon may enter, and what is missing above it; one that is there stays as it is.
pub(crate) fn create_directory(path: &Path) -> Result<(), FilesError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(failed(parent, "creating"))?;
    }
    match rustix::fs::mkdir(path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(failed(path, "creating")(errno.into())),
    }
}

fn check_directory(path: &Path) -> Result<(), FilesError> {
    let meta = std::fs::symlink_metadata(path).map_err(failed(path, "looking at it"))?;
    if !meta.is_dir() {
        return Err(FilesError::WrongKind { path: path.to_owned(), wanted: "a directory" });
    }
    check_owner(path, meta.uid())?;
    check_mode(path, meta.mode(), 0o022, "0700")
}

fn check_owner(path: &Path, owner: u32) -> Result<(), FilesError> {
    let expected = rustix::process::geteuid().as_raw();
    if owner == expected {
        return Ok(());
    }
    Err(FilesError::WrongOwner { path: path.to_owned(), owner, expected })
}

fn check_mode(path: &Path, mode: u32, forbidden: u32, wanted: &'static str) -> Result<(), FilesError> {
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(FilesError::Loose { path: path.to_owned(), mode: mode & 0o7777, wanted })
}

/// Opens without following a link and checks what was really opened, so nothing can be swapped in between. NONBLOCK
/// keeps a planted FIFO from stopping the daemon.
fn open_checked(path: &Path, flags: OFlags) -> Result<File, FilesError> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, FILE_MODE) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::LOOP) => return Err(FilesError::WrongKind { path: path.to_owned(), wanted: "a plain file" }),
        Err(errno) => return Err(failed(path, "opening")(errno.into())),
    };
    let meta = file.metadata().map_err(failed(path, "looking at it"))?;
    if !meta.is_file() {
        return Err(FilesError::WrongKind { path: path.to_owned(), wanted: "a plain file" });
    }
    check_owner(path, meta.uid())?;
    check_mode(path, meta.mode(), 0o022, "0600")?;
    Ok(file)
}

/// The lock belongs to the open file, so it ends with the process however that ends; the pid is only for the message.
fn take_lock(path: &Path) -> Result<File, FilesError> {
    let mut file = open_private(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => (),
        Err(Errno::WOULDBLOCK) => {
            return Err(FilesError::Locked { path: path.to_owned(), pid: read_pid(&mut file) });
        }
        Err(errno) => return Err(failed(path, "locking")(errno.into())),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    written.map_err(failed(path, "writing"))?;
    Ok(file)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> FilesError {
    let path = path.to_owned();
    move |source| FilesError::Io { path, doing, source }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn directory_is_made_0700_and_files_0600() {
        let base = TempDir::new().unwrap();
        let data = DataDir::open(&base.path().join("a/b/tollgate")).unwrap();
        assert_eq!(mode_of(data.path()), 0o700);
        assert_eq!(mode_of(&data.file("daemon.lock")), 0o600);
        assert_eq!(mode_of(&data.subdirectory("log").unwrap()), 0o700);
        open_private(&data.file("state.redb")).unwrap();
        assert_eq!(mode_of(&data.file("state.redb")), 0o600);
    }

    #[test]
    fn directory_open_to_others_is_refused_with_a_remedy() {
        let base = TempDir::new().unwrap();
        for mode in [0o770, 0o707, 0o720] {
            let path = base.path().join("data");
            std::fs::create_dir_all(&path).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = DataDir::open(&path).unwrap_err();
            assert!(matches!(error, FilesError::Loose { .. }), "{error}");
            assert!(error.to_string().contains("chmod 0700"), "{error}");
        }
    }

    #[test]
    fn a_place_on_the_disk_of_the_data_is_told_from_one_on_another_and_from_one_that_is_not_there() {
        let base = TempDir::new().unwrap();
        let data = base.path().join("not/made/yet");
        assert!(on_one_disk(base.path(), &data), "it will be made there");
        assert!(!on_one_disk(Path::new("/proc"), &data));
        assert!(!on_one_disk(&base.path().join("no-stick"), &data), "nobody knows where that will be");
    }

    #[test]
    fn a_file_without_a_name_is_written_and_read_and_leaves_nothing_behind() {
        let base = TempDir::new().unwrap();
        std::fs::write(base.path().join("spool"), "of a crash").unwrap();
        let mut file = create_nameless(base.path(), "spool").unwrap();
        file.write_all(b"x").unwrap();
        assert_eq!((file.metadata().unwrap().len(), std::fs::read_dir(base.path()).unwrap().count()), (1, 0));
    }

    #[test]
    fn foreign_owner_is_refused() {
        let ours = rustix::process::geteuid().as_raw();
        assert!(check_owner(Path::new("x"), ours).is_ok());
        let error = check_owner(Path::new("x"), ours + 1).unwrap_err();
        assert!(matches!(error, FilesError::WrongOwner { .. }), "{error}");
    }

    #[test]
    fn second_daemon_is_told_the_pid_and_may_have_it_after_the_first() {
        let base = TempDir::new().unwrap();
        let first = DataDir::open(base.path()).unwrap();
        let error = DataDir::open(base.path()).unwrap_err();
        assert!(matches!(error, FilesError::Locked { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
        drop(first);
        DataDir::open(base.path()).unwrap();
    }

    #[test]
    fn links_fifos_and_loose_files_are_refused() {
        let base = TempDir::new().unwrap();
        let [target, link, loose, fifo] = ["target", "link", "loose", "fifo"].map(|name| base.path().join(name));
        std::fs::write(&target, "x").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(open_private(&link), Err(FilesError::WrongKind { .. })));
        std::fs::write(&loose, "x").unwrap();
        std::fs::set_permissions(&loose, Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(open_private(&loose), Err(FilesError::Loose { .. })));
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, FILE_MODE, 0).unwrap();
        assert!(matches!(open_private(&fifo), Err(FilesError::WrongKind { .. })));
        assert!(open_existing(&base.path().join("none")).unwrap().is_none());
    }
}
