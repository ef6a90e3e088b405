//! Where a command reads and writes. Everything that is said passes through here and so through [`SafeText`]: nothing
//! that a sender or a daemon wrote can drive the terminal.

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::safe_text::SafeText;

/// Standard input, output and error of a command, real or a test's.
pub struct Io {
    /// Results.
    pub out: Box<dyn Write>,
    /// Notes and errors.
    pub err: Box<dyn Write>,
    /// Answers to questions, and files named `-`.
    pub input: Box<dyn BufRead>,
    /// Somebody looks at `out`: relative times, tables cut to `width`, secrets on the alternate screen.
    pub out_is_tty: bool,
    /// Somebody can be asked.
    pub in_is_tty: bool,
    /// Somebody looks at `err`: long work shows how far it is.
    pub err_is_tty: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// The terminal has no alternate screen (`TERM=dumb` or none).
    pub is_dumb: bool,
    /// Everything is lines, one after the other, and this becomes of what is shown.
    pub lines: Option<Lines>,
}

/// What becomes of lines that were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// A terminal keeps them, also a secret.
    Kept,
    /// Another program reads them.
    Piped,
}

/// No value that is typed is longer.
const HIDDEN_BYTES_MAX: usize = 4_096;
const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;

/// Nobody reads a wider table on a terminal that does not say how wide it is.
const WIDTH_DEFAULT: usize = 80;

impl Io {
    /// The process's own.
    pub fn of_process() -> Self {
        let columns = crossterm::terminal::size().map(|(columns, _)| usize::from(columns));
        let term = std::env::var_os("TERM").unwrap_or_default();
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input: Box::new(io::BufReader::new(io::stdin())),
            out_is_tty: io::stdout().is_terminal(),
            in_is_tty: io::stdin().is_terminal(),
            err_is_tty: io::stderr().is_terminal(),
            // A serial line says 0 (operator.md, job 6).
            width: columns.ok().filter(|columns| *columns > 0).unwrap_or(WIDTH_DEFAULT),
            is_dumb: term.is_empty() || term == "dumb",
            lines: None,
        }
    }

    /// One line of a result.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", SafeText::new(text).to_plain())
    }

    /// A text of several lines, each indented.
    pub(super) fn body(&mut self, indent: &str, text: &str) -> io::Result<()> {
        SafeText::lines(text).try_for_each(|line| writeln!(self.out, "{indent}{}", line.to_plain()))
    }

    /// A value as JSON and a line break.
    pub(super) fn json(&mut self, value: &impl Serialize, pretty: bool) -> io::Result<()> {
        let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
        writeln!(self.out, "{}", armour(&text.map_err(io::Error::other)?))
    }

    /// A line for the person at the terminal. One that cannot be said is no reason to fail.
    pub(crate) fn note(&mut self, text: &str) {
        writeln!(self.err, "{}", SafeText::new(text).to_plain()).ok();
    }

    /// Asks, and reads one line; `None` at the end of the input.
    pub(crate) fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        write!(self.err, "{} ", SafeText::new(question).to_plain())?;
        self.err.flush()?;
        let mut answer = String::new();
        let bytes = self.input.by_ref().take(1_024).read_line(&mut answer)?;
        Ok((bytes > 0).then(|| answer.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

impl Io {
    /// Asks, and reads one line that the terminal does not show; `None` at the end of the input and for ctrl-c.
    pub(crate) fn ask_hidden(&mut self, question: &str) -> io::Result<Option<Zeroizing<String>>> {
        write!(self.err, "{} ", SafeText::new(question).to_plain())?;
        self.err.flush()?;
        let quiet = Quiet::begin()?;
        let typed = read_hidden(&mut self.input);
        drop(quiet);
        writeln!(self.err)?;
        typed
    }
}

/// The terminal on standard input without echo; as before when dropped.
struct Quiet(Option<Termios>);

impl Quiet {
    /// Character by character and without signals, so that ctrl-c comes to us and the echo is never left switched off.
    fn begin() -> io::Result<Self> {
        let stdin = rustix::stdio::stdin();
        // Standard input that is no terminal shows nothing either.
        let Ok(before) = rustix::termios::tcgetattr(stdin) else { return Ok(Self(None)) };
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        rustix::termios::tcsetattr(stdin, OptionalActions::Flush, &quiet)?;
        Ok(Self(Some(before)))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            rustix::termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, before).ok();
        }
    }
}

fn read_hidden(input: &mut impl BufRead) -> io::Result<Option<Zeroizing<String>>> {
    // The whole room at once: a growing text would leave copies behind.
    let mut typed = Zeroizing::new(Vec::with_capacity(HIDDEN_BYTES_MAX));
    loop {
        let Some(byte) = input.by_ref().bytes().next().transpose()? else {
            return if typed.is_empty() { Ok(None) } else { hidden_text(&typed) };
        };
        match byte {
            b'\n' | b'\r' => return hidden_text(&typed),
            CTRL_C | CTRL_D => return Ok(None),
            BACKSPACE | DELETE => drop(typed.pop()),
            _ if typed.len() == HIDDEN_BYTES_MAX => return Err(io::Error::other("the line is too long")),
            byte => typed.push(byte),
        }
    }
}

fn hidden_text(typed: &[u8]) -> io::Result<Option<Zeroizing<String>>> {
    let text = std::str::from_utf8(typed).map_err(|_| io::Error::other("what was typed is not UTF-8 text"))?;
    Ok((!text.is_empty()).then(|| Zeroizing::new(text.to_owned())))
}

/// JSON in which every character that could drive or deceive a terminal is written as `\uXXXX`. It reads back the same:
/// outside of strings JSON has ASCII only, and serde has escaped C0 already.
pub(crate) fn armour(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        let mut buffer = [0; 4];
        if matches!(c, ' '..='~' | '\n') || (!c.is_ascii() && !SafeText::new(c.encode_utf8(&mut buffer)).is_marked()) {
            safe.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_line_is_mended_by_backspace_and_given_up_by_ctrl_c() {
        let read = |text: &str| read_hidden(&mut text.as_bytes()).unwrap().map(|typed| typed.as_str().to_owned());
        assert_eq!(read("abx\u{7f}c\nrest").as_deref(), Some("abc"));
        assert_eq!((read("ab\u{3}"), read(""), read("\n")), (None, None, None));
        assert_eq!(read("ab").as_deref(), Some("ab"));
    }

    #[test]
    fn json_holds_no_character_that_drives_or_deceives_a_terminal_and_reads_back() {
        let evil = "a\u{1b}[2J\u{9b}31m\u{202e}\u{7f}\u{e0041}\u{200b} \u{e9}\u{4e2d}";
        let text = armour(&serde_json::to_string(evil).unwrap());
        for bad in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{7f}', '\u{e0041}', '\u{200b}'] {
            assert!(!text.contains(bad), "{text}");
        }
        assert!(text.contains('\u{e9}') && text.contains('\u{4e2d}'), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), evil);
    }
}
