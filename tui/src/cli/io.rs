//! Where a command reads and writes. Everything that is said passes through here and so through [`SafeText`]: nothing
//! that a sender or a daemon wrote can drive the terminal.

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write};

use serde::Serialize;

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
    /// Columns of the terminal.
    pub width: usize,
    /// The terminal has no alternate screen (`TERM=dumb` or none).
    pub is_dumb: bool,
}

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
            // A serial line says 0 (operator.md, job 6).
            width: columns.ok().filter(|columns| *columns > 0).unwrap_or(WIDTH_DEFAULT),
            is_dumb: term.is_empty() || term == "dumb",
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
    pub(super) fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        write!(self.err, "{} ", SafeText::new(question).to_plain())?;
        self.err.flush()?;
        let mut answer = String::new();
        let bytes = self.input.by_ref().take(1_024).read_line(&mut answer)?;
        Ok((bytes > 0).then(|| answer.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// JSON in which every character that could drive or deceive a terminal is written as `\uXXXX`. It reads back the same:
/// outside of strings JSON has ASCII only, and serde has escaped C0 already.
fn armour(json: &str) -> String {
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
