//! What may come out of a program: every byte that is written to a terminal or a pipe is held against a list.

use vte::{Params, Parser, Perform};

/// Who writes, and so what it may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The console: text, places, styles, its modes.
    Console,
    /// A command: text and line ends.
    Command,
}

/// Private modes that the console switches: cursor, alternate screen, marked pastes, frames that are shown at once.
const MODES: [u16; 4] = [25, 1049, 2004, 2026];

/// What a terminal would do with some bytes, and which of it nobody may ask it.
struct Judge {
    writer: Writer,
    offences: Vec<String>,
    printed: usize,
}

/// What is not on the list, and how many characters were shown.
pub fn judge(writer: Writer, bytes: &[u8]) -> (Vec<String>, usize) {
    let mut judge = Judge { writer, offences: Vec::new(), printed: 0 };
    Parser::new().advance(&mut judge, bytes);
    (judge.offences, judge.printed)
}

impl Judge {
    fn offence(&mut self, what: String) {
        // The first ones tell enough.
        if self.offences.len() < 20 {
            self.offences.push(what);
        }
    }
}

/// Characters that a reader cannot see, or that change the order or the look of others.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl Perform for Judge {
    fn print(&mut self, c: char) {
        self.printed += 1;
        if is_invisible(c) {
            self.offence(format!("the character {:?}", c.escape_unicode().to_string()));
        }
    }

    fn execute(&mut self, byte: u8) {
        // The console ends a sequence that may be half sent with CAN, once, when it leaves.
        let known = if self.writer == Writer::Console { 0x18 } else { b'\n' };
        if byte != known {
            self.offence(format!("the control byte {byte:#04x}"));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignored: bool, action: char) {
        let numbers: Vec<u16> = params.iter().flatten().copied().collect();
        let is_mode = numbers.iter().all(|mode| MODES.contains(mode));
        let is_known = match (intermediates, action) {
            ([], 'H' | 'm' | 'J' | 'K') => true,
            (b"?", 'h' | 'l') => is_mode,
            _ => false,
        };
        if self.writer != Writer::Console || ignored || !is_known {
            let signs = String::from_utf8_lossy(intermediates).into_owned();
            self.offence(format!("CSI {signs}{numbers:?}{action}"));
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignored: bool, byte: u8) {
        self.offence(format!("ESC {intermediates:?} {:?}", char::from(byte)));
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell_terminated: bool) {
        let params: Vec<_> = params.iter().map(|param| String::from_utf8_lossy(param).into_owned()).collect();
        self.offence(format!("OSC {params:?}"));
    }

    fn hook(&mut self, params: &Params, _intermediates: &[u8], _ignored: bool, action: char) {
        self.offence(format!("DCS {params:?}{action}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_sequence_that_is_not_on_the_list_is_found() {
        let evil =
            ["\x1b]52;c;eA==\x07", "\x1bP1$r\x1b\\", "\x1b[6n", "\x1b[?1000h", "\x1bc", "\r", "\u{202e}", "\u{9b}2J"];
        for bytes in evil {
            for writer in [Writer::Console, Writer::Command] {
                assert!(!judge(writer, bytes.as_bytes()).0.is_empty(), "{bytes:?} {writer:?}");
            }
        }
    }

    #[test]
    fn what_the_programs_write_is_on_the_list() {
        let console = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[1;1H\x1b[1;38;5;3mtext\x1b[m";
        assert_eq!(judge(Writer::Console, console.as_bytes()), (Vec::new(), 4));
        assert_eq!(judge(Writer::Command, b"a\nb\n"), (Vec::new(), 2));
        assert_eq!(judge(Writer::Command, console.as_bytes()).0.len(), 6);
    }
}
