//! The sixteen colours in the form that the oldest colour terminals know.
//!
//! crossterm sends ANSI red as `38;5;1`. A terminal with only sixteen colours reads that as three orders, of which `5`
//! is *blink*. So a finished frame is gone through, and such colours become `31`, `41`, `91` or `101`.

/// Rewrites the colours of a frame in place; it never becomes longer. Only sequences of styles are looked into: an
/// escape character in a frame is always ours.
pub(super) fn to_sixteen(frame: &mut Vec<u8>) {
    let (mut from, mut to) = (0, 0);
    while from < frame.len() {
        let style = style_at(frame, from);
        match style {
            Some(end) => {
                let short = shortened(&frame[from + 2..end]);
                let bytes = [b"\x1b[".as_slice(), short.as_bytes(), b"m"].concat();
                frame[to..to + bytes.len()].copy_from_slice(&bytes);
                (from, to) = (end + 1, to + bytes.len());
            }
            None => {
                frame[to] = frame[from];
                (from, to) = (from + 1, to + 1);
            }
        }
    }
    frame.truncate(to);
}

/// Where the style that begins here ends: the place of its `m`.
fn style_at(frame: &[u8], from: usize) -> Option<usize> {
    let rest = frame.get(from..)?.strip_prefix(b"\x1b[")?;
    let length = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';'))?;
    (rest[length] == b'm').then_some(from + 2 + length)
}

fn shortened(parameters: &[u8]) -> String {
    let text = String::from_utf8_lossy(parameters);
    let mut left = text.split(';').peekable();
    let mut short: Vec<String> = Vec::new();
    while let Some(order) = left.next() {
        let is_indexed = matches!(order, "38" | "48") && left.peek() == Some(&"5");
        if !is_indexed {
            short.push(order.to_owned());
            continue;
        }
        left.next();
        let number = left.next().unwrap_or_default();
        short.push(basic(order == "38", number).unwrap_or_else(|| format!("{order};5;{number}")));
    }
    short.join(";")
}

/// `31` for red letters, `101` for a bright red ground; nothing beyond the sixteen.
fn basic(letters: bool, number: &str) -> Option<String> {
    let number: u8 = number.parse().ok()?;
    let base = match (letters, number) {
        (true, 0..8) => 30,
        (false, 0..8) => 40,
        (true, 8..16) => 82,
        (false, 8..16) => 92,
        _ => return None,
    };
    Some((base + number).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(frame: &str) -> String {
        let mut bytes = frame.as_bytes().to_vec();
        to_sixteen(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn sixteen_colours_lose_the_detour_and_all_else_stays() {
        assert_eq!(rewritten("a\x1b[38;5;1mb\x1b[48;5;5m"), "a\x1b[31mb\x1b[45m");
        assert_eq!(rewritten("\x1b[38;5;9;48;5;15;1m"), "\x1b[91;107;1m");
        for same in
            ["\x1b[38;5;124m", "\x1b[0m", "\x1b[m", "\x1b[3;4H38;5;1m", "\x1b[38;2;1;2;3m", "\x1b[38;5", "\x1b["]
        {
            assert_eq!(rewritten(same), same);
        }
    }
}
