//! The passphrase of a backup: what people choose, hashed slowly.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::BackupError;

/// Characters of a passphrase at least: whoever has the file can try offline, for ever.
const CHARS_MIN: usize = 12;

/// Characters of a passphrase at most.
const CHARS_MAX: usize = 1_024;

/// Bytes of a passphrase file at most.
const FILE_BYTES_MAX: u64 = 8 * 1_024;

/// What a backup is locked with. No `Debug`, wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes what was typed or sent.
    ///
    /// # Errors
    /// Too short or too long; nothing of it is repeated.
    pub fn new(text: Zeroizing<String>) -> Result<Self, BackupError> {
        let chars = text.chars().count();
        if (CHARS_MIN..=CHARS_MAX).contains(&chars) {
            return Ok(Self(text));
        }
        Err(BackupError::Passphrase(format!("it has {CHARS_MIN} to {CHARS_MAX} characters")))
    }

    /// Reads a file, without the line feed at its end.
    ///
    /// # Errors
    /// It cannot be read, others may read it, or it holds no passphrase.
    pub fn read(path: &Path) -> Result<Self, BackupError> {
        let io = |source| BackupError::Io { doing: format!("reading {}", path.display()), source };
        let mut file = std::fs::File::open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        // A pipe of the shell (`<(...)`) has no mode that says who reads it.
        if meta.is_file() && meta.mode() & 0o077 != 0 {
            let (path, mode) = (path.display(), meta.mode() & 0o7777);
            let why = format!("others may read or write {path} (mode {mode:04o}): run `chmod 0600 {path}`");
            return Err(BackupError::Passphrase(why));
        }
        let mut text = Zeroizing::new(String::with_capacity(4_096));
        file.by_ref().take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(io)?;
        let kept = text.strip_suffix('\n').unwrap_or(&text);
        let kept = kept.strip_suffix('\r').unwrap_or(kept);
        Self::new(Zeroizing::new(kept.to_owned()))
    }

    /// For the one place that makes a key of it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}
