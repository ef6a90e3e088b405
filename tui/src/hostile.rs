//! Records as an attacker writes them, and a judge of what becomes of them: for the tests of every room that shows some.

use tollgate_shared::api::Page;
use tollgate_shared::log::LogRow;
use vte::{Params, Parser, Perform};

use crate::app::fixtures;

/// As many records as the proof wants.
pub(crate) const RECORDS: u64 = 10_000;
/// A line of a megabyte is one among so many records.
const LONG_EVERY: u64 = 9_000;

/// Everything that has ever driven a terminal from a log: each control character, and sequences.
fn texts() -> Vec<String> {
    let controls = (0..=0x9f_u32).filter(|code| !(0x20..0x7f).contains(code)).filter_map(char::from_u32);
    let mut texts: Vec<String> = controls.map(|c| format!("a{c}b")).collect();
    let sequences = [
        "\x1b[2J\x1b[H\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b]52;c;?\x1b\\",
        "\x1bP1$r0m\x1b\\",
        "\x1b[6n\x1b[c\x1b[>c",
        "\x1b[?1049l\x1b[?25h\x1b[?2004l",
        "\x1bc",
        "\u{9b}2J",
        "\u{9d}52;c;ZXZpbA==\u{9c}",
        "\u{90}q\u{9c}",
        "\r\nforged row 7 at 03:14:00Z, created, status 201",
        "a\rb\x08\x08c",
        "\u{202e}txt.exe\u{202c}\u{2066}a\u{2069}\u{200f}",
        "\u{200b}\u{200d}\u{2060}\u{feff}\u{2028}\u{2029}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{e0041}\u{e007f}",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}",
        "<U+202E>^[\\x1b",
        "\u{61c}\u{180e}\u{ad}\u{fff9}a\u{fffb}\u{e000}\u{10ffff}",
        "=cmd|'/c calc'!A1",
    ];
    texts.extend(sequences.map(str::to_owned));
    // What bytes that are no UTF-8 become where they are taken at all.
    texts.push(String::from_utf8_lossy(&[0xff, 0xc0, 0x80, 0x9b, b'2', b'J']).into_owned());
    texts
}

/// The records, of rising seq.
pub(crate) fn rows() -> Vec<LogRow> {
    let texts = texts();
    let row = |seq: u64| {
        let text = &texts[usize::try_from(seq).unwrap_or(0) % texts.len()];
        let long = seq.is_multiple_of(LONG_EVERY).then(|| format!("{text}\x1b[31mlong ").repeat(80_000));
        LogRow {
            user_agent: Some(text.clone()),
            path: format!("/{text}"),
            query: text.clone(),
            from: Some(text.clone()),
            content_type: Some(text.clone()),
            headers: vec![(text.clone(), text.clone())],
            body: long.clone().unwrap_or_else(|| format!("{{\"x\":\"{text}\"}}\n{text}")),
            summary: long.unwrap_or_else(|| format!("{seq} {text}")),
            problem: Some(text.clone()),
            ..fixtures::row(seq)
        }
    };
    (1..=RECORDS).map(row).collect()
}

/// The page of the log that a target asks for, as the daemon gives it.
pub(crate) fn page(rows: &[LogRow], target: &str) -> Page<LogRow> {
    let number = |name: &str| -> Option<usize> {
        let (_, behind) = target.split_once(&format!("{name}="))?;
        behind.split('&').next()?.parse().ok()
    };
    let limit = number("limit").unwrap_or(100);
    match number("after") {
        Some(after) => {
            let end = (after + limit).min(rows.len());
            Page { items: rows[after.min(end)..end].to_vec(), next: (end < rows.len()).then(|| end.to_string()) }
        }
        None => {
            let end = number("before").map_or(rows.len(), |before| before - 1);
            let start = end.saturating_sub(limit);
            Page { items: rows[start..end].to_vec(), next: (start > 0).then(|| (start + 1).to_string()) }
        }
    }
}

#[derive(Default)]
struct Judge {
    offences: Vec<String>,
    printed: usize,
}

impl Judge {
    fn offence(&mut self, what: String) {
        if self.offences.len() < 20 {
            self.offences.push(what);
        }
    }
}

impl Perform for Judge {
    fn print(&mut self, c: char) {
        self.printed += 1;
        let hides = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if c.is_control() || hides {
            self.offence(format!("the character {:?}", c.escape_unicode().to_string()));
        }
    }

    fn execute(&mut self, byte: u8) {
        if byte != b'\n' {
            self.offence(format!("the control byte {byte:#04x}"));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], _: bool, action: char) {
        self.offence(format!("CSI {params:?} {action}"));
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        self.offence(format!("ESC {byte:#04x}"));
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.offence(format!("OSC {params:?}"));
    }

    fn hook(&mut self, params: &Params, _: &[u8], _: bool, action: char) {
        self.offence(format!("DCS {params:?} {action}"));
    }
}

/// Text and line ends, nothing else, and enough of it that something was shown.
#[track_caller]
pub(crate) fn assert_harmless(what: &str, text: &str, printed_min: usize) {
    let mut judge = Judge::default();
    Parser::new().advance(&mut judge, text.as_bytes());
    assert!(judge.offences.is_empty(), "{what}: {:#?}", judge.offences);
    assert!(judge.printed >= printed_min, "{what}: only {} characters", judge.printed);
}
