//! Where the passphrase of a backup comes from: a file, or whoever sits at the terminal.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _, Write};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::backup::passphrase::Passphrase;
use crate::backup::{BackupError, look};

/// What is said of a backup without the key.
pub(super) const NO_KEY: &str =
    "NOT inside: no token of it can authenticate; a restore needs --new-token-key, and every token a new secret";

/// Asks for passphrases.
pub(super) struct Prompted;

/// Where whoever can be asked sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// At standard input, where that is a terminal.
    Stdin,
    /// At the terminal of this process: standard input is the backup.
    Terminal,
}

/// A terminal without echo; as before when dropped, however that comes.
struct Quiet<'t> {
    terminal: BorrowedFd<'t>,
    before: Option<Termios>,
}

impl Prompted {
    /// The passphrase of a backup: from the file that was named, else, where the backup is encrypted, from the terminal.
    /// Without either there is none, and the backup will say that it is missing.
    pub(super) fn of(backup: &File, file: Option<&Path>, asked: Asked) -> Result<Option<Passphrase>, BackupError> {
        if let Some(file) = file {
            return Passphrase::read(file).map(Some);
        }
        if !look::is_encrypted(backup) {
            return Ok(None);
        }
        let typed = match asked {
            Asked::Stdin if std::io::stdin().is_terminal() => {
                ask(std::io::stdin().as_fd(), &mut std::io::stdin().lock(), &mut std::io::stderr().lock())
            }
            Asked::Stdin => return Ok(None),
            Asked::Terminal => match File::options().read(true).write(true).open("/dev/tty") {
                Ok(terminal) => ask(terminal.as_fd(), &mut BufReader::new(&terminal), &mut &terminal),
                Err(_) => return Ok(None),
            },
        };
        let typed =
            typed.map_err(|source| BackupError::Io { doing: "asking for the passphrase".to_owned(), source })?;
        Passphrase::new(typed).map(Some)
    }
}

fn ask(
    terminal: BorrowedFd<'_>,
    input: &mut dyn BufRead,
    prompt: &mut dyn Write,
) -> std::io::Result<Zeroizing<String>> {
    write!(prompt, "passphrase of the backup (it is not shown): ")?;
    prompt.flush()?;
    let quiet = Quiet::begin(terminal)?;
    // The whole room at once: a growing text would leave copies behind.
    let mut typed = Zeroizing::new(String::with_capacity(8_192));
    let read = input.read_line(&mut typed);
    drop(quiet);
    writeln!(prompt)?;
    read?;
    Ok(Zeroizing::new(typed.trim_end_matches(['\n', '\r']).to_owned()))
}

impl<'t> Quiet<'t> {
    fn begin(terminal: BorrowedFd<'t>) -> std::io::Result<Self> {
        let Ok(before) = tcgetattr(terminal) else { return Ok(Self { terminal, before: None }) };
        let mut quiet = before.clone();
        // Without signals too: ctrl-c would end the program and leave the terminal without echo.
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ISIG;
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before: Some(before) })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            tcsetattr(self.terminal, OptionalActions::Drain, before).ok();
        }
    }
}
