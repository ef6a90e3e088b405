//! What makes the plain form unforgeable: data may not spell the start of one of our escapes.

use std::borrow::Cow;

/// Every plain escape starts with `<` and one of these.
const OPENINGS: [&str; 4] = ["U+", "^", "\\", "M-^"];
const DISARMED: &str = "<U+003C>";

/// Replaces each `<` that looks like the start of an escape by the escape of `<` itself. Other `<` stay, so that XML
/// and comparisons read as they were sent.
pub(super) fn disarm(data: &str) -> Cow<'_, str> {
    let mut safe = Cow::Borrowed("");
    let mut copied = 0;
    for (at, _) in data.match_indices('<') {
        let rest = &data[at + 1..];
        if OPENINGS.iter().any(|opening| rest.starts_with(opening)) {
            safe.to_mut().push_str(&data[copied..at]);
            safe.to_mut().push_str(DISARMED);
            copied = at + 1;
        }
    }
    match copied {
        0 => Cow::Borrowed(data),
        _ => safe + &data[copied..],
    }
}
