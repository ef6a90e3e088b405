//! Which programs a step may start: files below the actions directory that nobody but root and the daemon's own user can
//! have written (security.md, actions). Asked when a workflow is saved, and again each time a step runs.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::AutomationSettings;

/// Group and others may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Set-user-id and set-group-id.
const SET_ID: u32 = 0o6000;
/// In such a directory everybody may make files and nobody may replace another's.
const STICKY: u32 = 0o1000;
/// Somebody may execute it.
const EXECUTABLE: u32 = 0o111;

/// Why a program is not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// Nothing is configured.
    #[error("this daemon starts no programs: automation.actions in tollgate.toml names no directory")]
    NoDirectory,
    /// A path that leads out of the directory, or that could.
    #[error("the program must be a file below {0}, named without `..`")]
    Outside(PathBuf),
    /// It is not there.
    #[error("{0} {words}", words = missing_words(*.1))]
    Missing(PathBuf, std::io::ErrorKind),
    /// A link may lead anywhere, and elsewhere tomorrow.
    #[error("{0} is a link; put the program itself there")]
    Link(PathBuf),
    /// Neither root nor the daemon.
    #[error("{path} belongs to uid {owner}; root or the daemon's own user must own it")]
    Owner {
        /// What.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others may write to it.
    #[error("{path} may be written by others (mode {mode:04o}); chmod go-w {path}")]
    Writable {
        /// What.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A directory, a device, or without the bit.
    #[error("{0} is no executable file; chmod +x it if it should be one")]
    NotExecutable(PathBuf),
    /// It would run as somebody else.
    #[error("{0} has the set-user-id or set-group-id bit; a step runs as the daemon's user")]
    SetId(PathBuf),
}

fn missing_words(kind: std::io::ErrorKind) -> String {
    match kind {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        kind => format!("cannot be looked at: {kind}"),
    }
}

/// The path of a program that may be started now.
///
/// # Errors
/// [`ActionError`], each with what is wrong and what to do.
pub fn find(settings: &AutomationSettings, program: &str) -> Result<PathBuf, ActionError> {
    let named = settings.actions.as_deref().ok_or(ActionError::NoDirectory)?;
    let outside = || ActionError::Outside(named.to_path_buf());
    let relative = match Path::new(program) {
        absolute if absolute.is_absolute() => absolute.strip_prefix(named).map_err(|_| outside())?,
        relative => relative,
    };
    let mut parts = Vec::new();
    for part in relative.components() {
        let Component::Normal(name) = part else { return Err(outside()) };
        parts.push(name);
    }
    // `a/./b` and `a//b` have the same components as `a/b`; a trailing slash asks for a directory.
    if parts.is_empty() || program.ends_with('/') {
        return Err(outside());
    }
    let base = std::fs::canonicalize(named).map_err(|error| ActionError::Missing(named.to_path_buf(), error.kind()))?;
    check_ancestors(&base, settings.uid)?;
    let mut path = base;
    for (place, part) in parts.iter().enumerate() {
        path.push(part);
        let metadata = look(&path)?;
        check_owner(&path, &metadata, settings.uid)?;
        if place + 1 < parts.len() && !metadata.is_dir() {
            return Err(ActionError::Outside(named.to_path_buf()));
        }
        if place + 1 == parts.len() {
            check_file(&path, &metadata)?;
        }
    }
    Ok(path)
}

/// The directory and all above it: whoever can write to one of them can put another directory in its place.
fn check_ancestors(base: &Path, uid: u32) -> Result<(), ActionError> {
    for (depth, path) in base.ancestors().enumerate() {
        let metadata = look(path)?;
        let sticky = depth > 0 && metadata.mode() & STICKY != 0;
        if sticky && [0, uid].contains(&metadata.uid()) {
            continue;
        }
        check_owner(path, &metadata, uid)?;
    }
    Ok(())
}

fn look(path: &Path) -> Result<Metadata, ActionError> {
    let metadata =
        std::fs::symlink_metadata(path).map_err(|error| ActionError::Missing(path.to_path_buf(), error.kind()))?;
    if metadata.is_symlink() { Err(ActionError::Link(path.to_path_buf())) } else { Ok(metadata) }
}

fn check_owner(path: &Path, metadata: &Metadata, uid: u32) -> Result<(), ActionError> {
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if owner != 0 && owner != uid {
        return Err(ActionError::Owner { path: path.to_path_buf(), owner });
    }
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(ActionError::Writable { path: path.to_path_buf(), mode });
    }
    Ok(())
}

fn check_file(path: &Path, metadata: &Metadata) -> Result<(), ActionError> {
    if !metadata.is_file() || metadata.mode() & EXECUTABLE == 0 {
        return Err(ActionError::NotExecutable(path.to_path_buf()));
    }
    if metadata.mode() & SET_ID != 0 {
        return Err(ActionError::SetId(path.to_path_buf()));
    }
    Ok(())
}
