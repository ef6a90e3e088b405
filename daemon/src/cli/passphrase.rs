//! Where the passphrase of a backup comes from: a file, or whoever sits at the terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::backup::passphrase::Passphrase;
use crate::backup::{self, BackupError};

/// What is said of a backup without the key.
pub(super) const NO_KEY: &str =
    "NOT inside: no token of it can authenticate; a restore needs --new-token-key, and every token a new secret";

/// Asks for passphrases.
pub(super) struct Prompted;

/// The terminal on standard input without echo; as before when dropped, however that comes.
struct Quiet(Option<Termios>);

impl Prompted {
    /// The passphrase of a backup: from the file that was named, else, where the backup is encrypted, from the terminal.
    /// Without either there is none, and the backup will say that it is missing.
    pub(super) fn of(backup: &Path, file: Option<&Path>) -> Result<Option<Passphrase>, BackupError> {
        if let Some(file) = file {
            return Passphrase::read(file).map(Some);
        }
        let is_sealed = std::fs::File::open(backup).is_ok_and(|mut file| backup::is_sealed(&mut file) == Some(true));
        if !is_sealed || !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        let typed =
            ask().map_err(|source| BackupError::Io { doing: "asking for the passphrase".to_owned(), source })?;
        Passphrase::new(typed).map(Some)
    }
}

fn ask() -> std::io::Result<Zeroizing<String>> {
    let mut err = std::io::stderr().lock();
    write!(err, "passphrase of the backup (it is not shown): ")?;
    err.flush()?;
    let quiet = Quiet::begin()?;
    // The whole room at once: a growing text would leave copies behind.
    let mut typed = Zeroizing::new(String::with_capacity(8_192));
    let read = std::io::stdin().lock().read_line(&mut typed);
    drop(quiet);
    writeln!(err)?;
    read?;
    Ok(Zeroizing::new(typed.trim_end_matches(['\n', '\r']).to_owned()))
}

impl Quiet {
    fn begin() -> std::io::Result<Self> {
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Ok(Self(None)) };
        let mut quiet = before.clone();
        // Without signals too: ctrl-c would end the program and leave the terminal without echo.
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ISIG;
        tcsetattr(&stdin, OptionalActions::Flush, &quiet)?;
        Ok(Self(Some(before)))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            tcsetattr(std::io::stdin(), OptionalActions::Drain, before).ok();
        }
    }
}
