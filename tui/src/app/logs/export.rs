//! What `x` writes: rows as JSON lines that no terminal can misread, or a body as it is kept.

use std::sync::Arc;

use tollgate_shared::log::LogRow;

use crate::app::held::HeldRow;

/// A row as one line of JSON in plain ASCII: every other character is written as `\uXXXX`, so that `cat` is safe.
#[must_use]
pub fn json_line(row: &LogRow) -> String {
    let json = serde_json::to_string(row).unwrap_or_default();
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            line.push(c);
        } else {
            let mut units = [0; 2];
            line.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    line
}

/// Rows one below the other.
#[must_use]
pub fn json_lines<'r>(rows: impl Iterator<Item = &'r Arc<HeldRow>>) -> String {
    rows.map(|row| row.look(json_line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;

    #[test]
    fn a_line_reads_back_as_the_row_and_is_plain_ascii() {
        let mut row = fixtures::row(3);
        row.body = "\u{1b}]52;c;x\u{7}\u{202e}\u{1f525}\u{9b}\u{7f}\r\n\"\\".into();
        let line = json_line(&row);
        assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line}");
        assert_eq!(serde_json::from_str::<LogRow>(&line).unwrap(), row);
    }
}
