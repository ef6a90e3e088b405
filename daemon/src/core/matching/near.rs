//! A key that exists and looks like one that is missing: a sender's `event_updatestatus` for `event_update_status`.

use serde_json::{Map, Value};
use tollgate_shared::filter::{Path, Segment};

use super::select::members;
use crate::core::call::Call;

/// Keys of one object that are looked at; a payload is made by strangers and may have very many.
const KEYS_MAX: usize = 1000;
/// Objects under one `[*]` that are looked at.
const OBJECTS_MAX: usize = 16;
/// Longer keys are not compared letter by letter.
const KEY_CHARS_MAX: usize = 64;

/// The path up to and with a key that resembles the first missing one, in a form that can be pasted into a filter.
pub(super) fn near(path: &Path, redacted: &Call) -> Option<String> {
    match path {
        Path::Json(segments) => near_member(segments, redacted.json.as_ref()?),
        Path::Header(name) => near_name(name, &redacted.headers).map(|name| Path::Header(name).to_string()),
        Path::Query(name) => near_name(name, &redacted.query).map(|name| Path::Query(name).to_string()),
        Path::Text | Path::SourceIp => None,
    }
}

fn near_name(wanted: &str, pairs: &[(String, String)]) -> Option<String> {
    closest(wanted, pairs.iter().map(|(name, _)| name.as_str()))
}

fn near_member(segments: &[Segment], root: &Value) -> Option<String> {
    let missing = (0..segments.len()).find(|&place| absent(&segments[..=place], root))?;
    let Segment::Key(wanted) = &segments[missing] else { return None };
    let objects = members(&segments[..missing], root).into_iter().filter_map(Value::as_object).take(OBJECTS_MAX);
    let key = objects.into_iter().find_map(|object| closest(wanted, keys(object)))?;
    let found = segments[..missing].iter().cloned().chain([Segment::Key(key)]).collect();
    Some(Path::Json(found).to_string())
}

fn absent(segments: &[Segment], root: &Value) -> bool {
    members(segments, root).iter().all(|value| value.is_null())
}

fn keys(object: &Map<String, Value>) -> impl Iterator<Item = &str> {
    object.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str())
}

fn closest<'a>(wanted: &str, keys: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = keys.take(KEYS_MAX).filter_map(|key| Some((distance(wanted, key)?, key)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, key)| key.to_owned())
}

/// How far apart two keys are, or `None` if they do not look alike. Case and punctuation are no distance.
fn distance(wanted: &str, key: &str) -> Option<usize> {
    let (wanted, key) = (letters(wanted)?, letters(key)?);
    // One slip in a short word and two in a longer one; two letters are alike only if they are equal.
    let allowed = match wanted.len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let edits = if wanted.len().abs_diff(key.len()) > allowed { usize::MAX } else { edits(&wanted, &key) };
    (edits <= allowed).then_some(edits)
}

fn letters(key: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = key.chars().take(KEY_CHARS_MAX + 1).filter(|c| c.is_alphanumeric()).collect();
    let comparable = !letters.is_empty() && letters.len() <= KEY_CHARS_MAX;
    comparable.then(|| letters.into_iter().flat_map(char::to_lowercase).collect())
}

/// The number of letters to insert, delete, replace, or swap with their neighbour.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &right) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(left != right);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_case_punctuation_or_a_slip_are_near() {
        for key in ["event_updatestatus", "EventUpdateStatus", "event-update-status", "event_update_statsu"] {
            assert!(distance("event_update_status", key).is_some(), "{key}");
        }
        for key in ["event_value", "status", "", "\u{2603}"] {
            assert_eq!(distance("event_update_status", key), None, "{key}");
        }
        assert_eq!(distance("id", "ip"), None, "two letters are too few to guess");
    }

    #[test]
    fn edits_count_insertions_deletions_replacements_and_swaps() {
        let count = |a: &str, b: &str| edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(count("host", "host"), 0);
        assert_eq!(count("host", "hosts"), 1);
        assert_eq!(count("host", "hots"), 1);
        assert_eq!(count("host", "best"), 2);
        assert_eq!(count("", "abc"), 3);
    }
}
