//! Whether a socket has come back, where the back-off would still wait.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks. A look is one `stat` a socket, and only while there is no connection: cheaper than a watch, and it
/// needs no directory to be there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// One file at a place is told from the next one there by its device, number and time of change.
type Mark = (u64, u64, i64, i64);

/// Sockets that are waited for.
#[derive(Debug)]
pub struct Appears {
    sockets: Vec<(PathBuf, Option<Mark>)>,
}

impl Appears {
    /// What stands there now is what did not answer.
    #[must_use]
    pub fn of(sockets: &[PathBuf]) -> Self {
        Self { sockets: sockets.iter().map(|socket| (socket.clone(), mark(socket))).collect() }
    }

    /// Ends soon after one of them was made, or made anew. May be dropped while it waits.
    pub async fn one(&self) {
        while !self.is_made() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn is_made(&self) -> bool {
        self.sockets.iter().any(|(socket, before)| {
            let now = mark(socket);
            now.is_some() && now != *before
        })
    }
}

fn mark(socket: &Path) -> Option<Mark> {
    let found = socket.symlink_metadata().ok()?;
    Some((found.dev(), found.ino(), found.ctime(), found.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_socket_that_is_made_or_made_anew_is_seen_and_one_that_goes_is_not() {
        let home = tempfile::tempdir().expect("a directory");
        let socket = home.path().join("run/tollgate/admin.sock");
        let appears = Appears::of(std::slice::from_ref(&socket));
        fs::create_dir_all(home.path().join("run/tollgate")).expect("a directory");
        assert!(!appears.is_made(), "its directory alone");
        fs::write(&socket, "").expect("a file");
        assert!(appears.is_made(), "made");
        let appears = Appears::of(std::slice::from_ref(&socket));
        assert!(!appears.is_made(), "it stands there already");
        fs::rename(&socket, home.path().join("old")).expect("moved");
        assert!(!appears.is_made(), "gone");
        fs::write(&socket, "").expect("a file");
        assert!(appears.is_made(), "made anew");
    }
}
