//! Bytes as bytes: offset, hexadecimal, and what is printable.

use std::fmt::Write as _;

const PER_LINE: usize = 16;

/// The lines of a dump.
#[must_use]
pub fn lines(bytes: &[u8]) -> Vec<String> {
    bytes.chunks(PER_LINE).enumerate().map(|(at, chunk)| line(at * PER_LINE, chunk)).collect()
}

fn line(offset: usize, chunk: &[u8]) -> String {
    let mut text = format!("{offset:08x} ");
    for at in 0..PER_LINE {
        let gap = if at == PER_LINE / 2 { " " } else { "" };
        // Writing to a String cannot fail.
        match chunk.get(at) {
            Some(byte) => write!(text, "{gap} {byte:02x}").ok(),
            None => write!(text, "{gap}   ").ok(),
        };
    }
    let shown = chunk.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' });
    text.push_str("  |");
    text.extend(shown);
    text.push('|');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_place_and_none_reaches_the_terminal_as_itself() {
        let bytes: Vec<u8> = (0..=255).collect();
        let lines = lines(&bytes);
        assert_eq!(lines.len(), 16);
        assert!(
            lines.iter().all(|line| line.len() == lines[0].len() && line.bytes().all(|b| (0x20..0x7f).contains(&b)))
        );
        assert_eq!(lines[4], "00000040  40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  |@ABCDEFGHIJKLMNO|");
        assert_eq!(super::lines(b"ab")[0].len(), lines[0].len() - 14);
    }
}
