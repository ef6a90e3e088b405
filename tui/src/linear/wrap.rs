//! Lines of a bounded width: what is longer goes on in the next line, indented, broken at a blank where there is one.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Before what goes on.
const INDENT: &str = "  ";

/// A writer of lines. What it is given is safe already.
pub(super) struct Wrapped {
    out: Box<dyn Write>,
    width: usize,
    /// The line that is not ended yet.
    line: Vec<u8>,
    /// No line is broken.
    as_it_is: Rc<Cell<bool>>,
    /// Whoever answers a question ends its line on the terminal; where nobody does, it ends here.
    is_echoed: bool,
}

impl Wrapped {
    pub(super) fn new(out: Box<dyn Write>, width: usize, as_it_is: Rc<Cell<bool>>, is_echoed: bool) -> Self {
        Self { out, width, line: Vec::new(), as_it_is, is_echoed }
    }

    fn end_line(&mut self, end: &str) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        if self.as_it_is.get() {
            return write!(self.out, "{text}{end}");
        }
        write!(self.out, "{}{end}", broken(&text, self.width).join("\n"))
    }
}

impl Write for Wrapped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(rest) => {
                    self.line.extend_from_slice(rest);
                    self.end_line("\n")?;
                }
                None => self.line.extend_from_slice(part),
            }
        }
        Ok(bytes.len())
    }

    /// A line that is not ended, such as a question, is shown as far as it is.
    fn flush(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.end_line(if self.is_echoed { "" } else { "\n" })?;
        }
        self.out.flush()
    }
}

/// The lines that a line becomes.
fn broken(line: &str, width: usize) -> Vec<String> {
    let indent: String = line.chars().take_while(|c| *c == ' ').take(width / 2).collect();
    let mut lines = Vec::new();
    let mut rest = line;
    let mut lead = String::new();
    loop {
        let room = width.saturating_sub(lead.width()).max(1);
        let (piece, behind) = piece(rest, room);
        lines.push(format!("{lead}{piece}"));
        if behind.is_empty() {
            return lines;
        }
        rest = behind;
        lead = format!("{indent}{INDENT}");
    }
}

/// What fits into `room` columns, and what is behind it without the blanks between.
fn piece(text: &str, room: usize) -> (&str, &str) {
    let (mut used, mut blank) = (0, None);
    for (at, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > room {
            let is_blank = cluster == " ";
            // A break within the indent of the line would leave an empty line.
            let at_blank = blank.filter(|blank| !text[..*blank].trim().is_empty());
            let end = if is_blank { at } else { at_blank.unwrap_or(at) };
            // A cluster wider than all the room stands alone.
            let end = if end == 0 { at + cluster.len() } else { end };
            return (text[..end].trim_end(), text[end..].trim_start_matches(' '));
        }
        if cluster == " " {
            blank = Some(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_line_goes_on_indented_and_breaks_at_blanks() {
        assert_eq!(broken("short", 20), ["short"]);
        assert_eq!(broken("", 20), [""]);
        assert_eq!(broken("one two three four five", 12), ["one two", "  three four", "  five"]);
        assert_eq!(broken("label  aaaaaaaaaaaaaaaaaaaaaaaa", 12), ["label", "  aaaaaaaaaa", "  aaaaaaaaaa", "  aaaa"]);
    }

    #[test]
    fn a_question_is_shown_before_its_line_ends() {
        let seen = Rc::new(Cell::new(false));
        let mut wrapped = Wrapped::new(Box::new(Vec::new()), 20, seen, true);
        wrapped.write_all(b"go on? ").unwrap();
        wrapped.flush().unwrap();
        assert!(wrapped.line.is_empty());
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[ -~\u{e9}\u{4e2d}]{0,200}", width in 8..80_usize) {
            let lines = broken(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width), "{lines:#?}");
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
