//! The token key file: the key without which no token can be recognised.
//!
//! It is made once, at the first start. Later a missing file, or one of another installation, stops the daemon: a new
//! key made in silence would turn every token in the field into a stranger.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{FilesError, create_new, failed, open_existing, sync_directory};

/// The name of the key file in the data directory.
pub const KEY_FILE: &str = "token.key";

const HEADER: &[u8; 16] = b"tollgate-key-v1\n";
const KEY_BYTES: usize = 32;

/// The key of the token MACs. No `Debug`, no `Clone`, wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TokenKey([u8; KEY_BYTES]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{} exists although there is no state yet: move the key away, or put its state file back", .path.display())]
    Exists { path: PathBuf },
    #[error("the key file cannot be used")]
    File(#[source] FilesError),
    #[error("{} is not a token key: put the right file back from an encrypted backup", .path.display())]
    Foreign { path: PathBuf },
    #[error("{} is missing and no token works without it: restore it, or run `tollgated restore` with `--new-token-key`", .path.display())]
    Missing { path: PathBuf },
    #[error("the system gives no random bytes: try again")]
    Random { source: getrandom::Error },
}

// === impl TokenKey ===

impl TokenKey {
    /// Reads the key file of the data directory.
    ///
    /// # Errors
    /// [`KeyError`]; it never makes a key.
    pub fn load(directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join(KEY_FILE);
        let Some(mut file) = open_existing(&path).map_err(KeyError::File)? else {
            return Err(KeyError::Missing { path });
        };
        // Reading is as bad as writing here, so the mode is checked more strictly than for other files.
        let mode = file.metadata().map_err(|source| KeyError::File(failed(&path, "looking at it")(source)))?.mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::File(FilesError::Loose { path, mode: mode & 0o7777, wanted: "0600" }));
        }
        let mut content = Zeroizing::new([0; HEADER.len() + KEY_BYTES + 1]);
        let mut filled = 0;
        loop {
            let count =
                file.read(&mut content[filled..]).map_err(|source| KeyError::File(failed(&path, "reading")(source)))?;
            filled += count;
            if count == 0 {
                break;
            }
        }
        Self::parse(&content[..filled]).ok_or(KeyError::Foreign { path })
    }

    /// Makes the key of a fresh installation. Call it only where there is no state yet.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where a key file is there already: it is never overwritten.
    pub fn create(directory: &Path) -> Result<Self, KeyError> {
        let mut key = TokenKey([0; KEY_BYTES]);
        getrandom::fill(&mut key.0).map_err(|source| KeyError::Random { source })?;
        key.write_new(directory)
    }

    /// Writes the key that was in a backup. Call it only where there is no state yet.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where a key file is there already: it is never overwritten.
    pub fn put_back(directory: &Path, bytes: &[u8; KEY_BYTES]) -> Result<Self, KeyError> {
        if *bytes == [0; KEY_BYTES] {
            return Err(KeyError::Foreign { path: directory.join(KEY_FILE) });
        }
        TokenKey(*bytes).write_new(directory)
    }

    fn write_new(self, directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join(KEY_FILE);
        let mut file = match create_new(&path) {
            Err(FilesError::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(KeyError::Exists { path });
            }
            other => other.map_err(KeyError::File)?,
        };
        let written = file.write_all(HEADER).and_then(|()| file.write_all(&self.0)).and_then(|()| file.sync_all());
        written.map_err(|source| KeyError::File(failed(&path, "writing")(source)))?;
        sync_directory(directory).map_err(KeyError::File)?;
        Ok(self)
    }

    /// The key's bytes, for the one place that computes MACs.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    fn parse(content: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = content.strip_prefix(HEADER)?.try_into().ok()?;
        // A file of zeros after a crash or a bad copy has the right length and is no key.
        (*key != [0; KEY_BYTES]).then_some(TokenKey(*key))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn error_of(result: Result<TokenKey, KeyError>) -> KeyError {
        result.err().unwrap()
    }

    #[test]
    fn key_is_made_once_and_read_back() {
        let base = TempDir::new().unwrap();
        assert!(matches!(error_of(TokenKey::load(base.path())), KeyError::Missing { .. }));
        let made = TokenKey::create(base.path()).unwrap();
        assert!(made.expose() == TokenKey::load(base.path()).unwrap().expose());
        assert!(matches!(error_of(TokenKey::create(base.path())), KeyError::Exists { .. }));
        assert!(made.expose() == TokenKey::load(base.path()).unwrap().expose());
        let mode = std::fs::metadata(base.path().join(KEY_FILE)).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn foreign_short_long_and_zero_files_are_refused_and_kept() {
        let base = TempDir::new().unwrap();
        let path = base.path().join(KEY_FILE);
        let zeros = [HEADER.as_slice(), &[0; 32]].concat();
        let long = [HEADER.as_slice(), &[7; 33]].concat();
        for content in [b"ssh-ed25519 AAAA".as_slice(), HEADER, &zeros, &long, b""] {
            drop(std::fs::remove_file(&path));
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(error_of(TokenKey::load(base.path())), KeyError::Foreign { .. }));
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn key_that_others_may_read_is_refused_with_a_remedy() {
        let base = TempDir::new().unwrap();
        TokenKey::create(base.path()).unwrap();
        std::fs::set_permissions(base.path().join(KEY_FILE), Permissions::from_mode(0o640)).unwrap();
        let KeyError::File(cause) = error_of(TokenKey::load(base.path())) else { panic!("another error") };
        assert!(cause.to_string().contains("chmod 0600"), "{cause}");
    }
}
