//! Text for the operator's clipboard, which is on his own machine behind SSH.
//!
//! OSC 52 goes through every link, but no terminal confirms it and a default tmux drops it; there `tmux load-buffer -w`
//! works. The clipboard is never read, and no tool of this machine's desktop is ever called.

use super::caps::{Caps, Multiplexer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

/// The longest base64 text that terminals are known to take in one OSC 52.
const BASE64_BYTES_MAX: usize = 74_994;
/// GNU screen passes on device control strings in pieces; its buffer was 256 bytes in older releases.
const SCREEN_CHUNK: usize = 250;
const TMUX_BUFFER: &str = "tollgate-copy";

/// What the message to the operator says: no more than is known.
pub const SENT: &str = "Sent to your terminal; it does not confirm. Not there? Select it with the mouse.";

/// How much care a text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    Plain,
    /// It must not stay in a buffer of tmux.
    Secret,
}

/// What is to be done for one copy.
pub struct Copy {
    /// To be sent to the terminal with [`super::screen::Screen::send`].
    pub osc52: Zeroizing<Vec<u8>>,
    /// To be run as well, off the loop.
    pub tmux: Option<TmuxLoad>,
}

/// Loads a buffer of tmux, which hands it on to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TmuxLoad {
    /// Removes the buffer at once: the terminal has the text by then.
    pub then_delete: bool,
}

/// Why a text was not copied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CopyError {
    #[error(
        "the text is too long for the clipboard of a terminal ({base64_bytes} of {BASE64_BYTES_MAX} bytes); export it instead"
    )]
    TooLong { base64_bytes: usize },
}

impl Copy {
    /// Plans the copy of a text. `tmux_secrets` is the operator's switch: false keeps secrets out of tmux altogether.
    ///
    /// # Errors
    /// If the text is longer than terminals take.
    pub fn plan(text: &str, sensitivity: Sensitivity, caps: &Caps, tmux_secrets: bool) -> Result<Self, CopyError> {
        let osc52 = osc52(text)?;
        let secret = sensitivity == Sensitivity::Secret;
        let in_tmux = caps.multiplexer == Some(Multiplexer::Tmux);
        let tmux = (in_tmux && (!secret || tmux_secrets)).then_some(TmuxLoad { then_delete: secret });
        let osc52 = match caps.multiplexer {
            Some(Multiplexer::Screen) => wrapped_for_screen(&osc52),
            _ => osc52,
        };
        Ok(Self { osc52, tmux })
    }
}

impl TmuxLoad {
    /// Runs tmux; it blocks, so it is not for the loop. The text goes through a pipe and is on no command line.
    ///
    /// # Errors
    /// If tmux cannot be run or refuses; OSC 52 has been sent all the same.
    pub fn run(self, text: &str) -> io::Result<()> {
        let mut load = tmux(&["load-buffer", "-b", TMUX_BUFFER, "-w", "-"]).stdin(Stdio::piped()).spawn()?;
        let written = load.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
        let loaded = load.wait().and_then(succeeded);
        let deleted = match self.then_delete {
            true => tmux(&["delete-buffer", "-b", TMUX_BUFFER]).stdin(Stdio::null()).status().and_then(succeeded),
            false => Ok(()),
        };
        written.and(loaded).and(deleted)
    }
}

fn tmux(arguments: &[&str]) -> Command {
    let mut command = Command::new("tmux");
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn succeeded(status: std::process::ExitStatus) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("tmux ended with {status}"))) }
}

fn osc52(text: &str) -> Result<Zeroizing<Vec<u8>>, CopyError> {
    let base64_bytes = text.len().div_ceil(3) * 4;
    if base64_bytes > BASE64_BYTES_MAX {
        return Err(CopyError::TooLong { base64_bytes });
    }
    let encoded = Zeroizing::new(STANDARD.encode(text));
    Ok(Zeroizing::new([b"\x1b]52;c;", encoded.as_bytes(), b"\x07"].concat()))
}

/// Each piece in a device control string of its own, which screen strips before it passes the piece on.
fn wrapped_for_screen(sequence: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut wrapped = Vec::with_capacity(sequence.len() + 4 * sequence.len().div_ceil(SCREEN_CHUNK));
    for chunk in sequence.chunks(SCREEN_CHUNK) {
        wrapped.extend_from_slice(b"\x1bP");
        wrapped.extend_from_slice(chunk);
        wrapped.extend_from_slice(b"\x1b\\");
    }
    Zeroizing::new(wrapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Env;

    fn plan(text: &str, sensitivity: Sensitivity, inside: &str) -> Result<Copy, CopyError> {
        let env = Env::from([("TERM".to_owned(), "xterm".to_owned()), (inside.to_owned(), "1".to_owned())]);
        Copy::plan(text, sensitivity, &Caps::from_env(&env, false), true)
    }

    #[test]
    fn text_is_sent_as_osc_52() {
        let copy = plan("hello", Sensitivity::Plain, "").unwrap();
        assert_eq!(*copy.osc52, b"\x1b]52;c;aGVsbG8=\x07");
        assert_eq!(copy.tmux, None);
    }

    #[test]
    fn tmux_loads_a_buffer_and_forgets_a_secret() {
        let load = |sensitivity| plan("x", sensitivity, "TMUX").unwrap().tmux;
        assert_eq!(load(Sensitivity::Plain), Some(TmuxLoad { then_delete: false }));
        assert_eq!(load(Sensitivity::Secret), Some(TmuxLoad { then_delete: true }));
        let env = Env::from([("TMUX".to_owned(), "1".to_owned())]);
        let forbidden = Copy::plan("x", Sensitivity::Secret, &Caps::from_env(&env, false), false).unwrap();
        assert_eq!(forbidden.tmux, None);
    }

    #[test]
    fn screen_gets_it_in_pieces_that_join_to_the_sequence() {
        let text = "y".repeat(2000);
        let wrapped = plan(&text, Sensitivity::Plain, "STY").unwrap().osc52;
        let pieces = wrapped.split(|byte| *byte == b'\\').filter(|piece| !piece.is_empty());
        let joined: Vec<u8> = pieces.flat_map(|piece| piece[2..piece.len() - 1].to_vec()).collect();
        assert_eq!(joined, *plan(&text, Sensitivity::Plain, "").unwrap().osc52);
    }

    #[test]
    fn text_beyond_the_cap_is_refused_with_the_way_out() {
        assert!(plan(&"x".repeat(56_244), Sensitivity::Plain, "").is_ok());
        let error = plan(&"x".repeat(56_246), Sensitivity::Plain, "").map(|_| ()).unwrap_err();
        assert_eq!(error, CopyError::TooLong { base64_bytes: 74_996 });
        assert!(error.to_string().ends_with("export it instead"));
    }
}
