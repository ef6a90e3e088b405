//! From a path to the values that it selects, without copying the payload.

use std::borrow::Cow;

use serde_json::Value;
use tollgate_shared::filter::{Path, Segment};

use crate::core::call::Call;

/// Values that one path selects at most, over all its `[*]` together; later elements are not looked at. So the cost of
/// a condition is bounded by the size of the body, also where `[*]` stands in `[*]`.
pub const SELECTED_MAX: usize = 256;

/// One selected value. A JSON `null` is never selected: it counts as absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Selected<'a> {
    Text(Cow<'a, str>),
    Json(&'a Value),
}

// === impl Selected ===

impl<'a> Selected<'a> {
    /// The text of the value: a string as it is, a number as it stood in the source (only an exponent without a sign
    /// gets its `+` from the parser), a bool as JSON writes it, an object or array as compact JSON with sorted keys.
    pub fn text(&self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text.clone(),
            Self::Json(Value::String(text)) => Cow::Borrowed(text),
            Self::Json(Value::Number(number)) => Cow::Borrowed(number.as_str()),
            Self::Json(Value::Bool(true)) => Cow::Borrowed("true"),
            Self::Json(Value::Bool(false)) => Cow::Borrowed("false"),
            // Objects keep their keys sorted, so this is the compact form with sorted keys.
            Self::Json(value) => Cow::Owned(value.to_string()),
        }
    }
}

/// The values at `path`, in the order of the call, at most [`SELECTED_MAX`].
pub fn select<'a>(path: &Path, call: &'a Call) -> Vec<Selected<'a>> {
    match path {
        Path::Text => vec![Selected::Text(Cow::Borrowed(&call.text))],
        Path::Header(name) => pairs(&call.headers, |found| found.eq_ignore_ascii_case(name)),
        Path::Query(name) => pairs(&call.query, |found| found == name),
        Path::SourceIp => vec![Selected::Text(Cow::Owned(call.source_ip.to_string()))],
        Path::Json(segments) => {
            let found = call.json.as_ref().map_or_else(Vec::new, |json| members(segments, json));
            found.into_iter().filter(|value| !value.is_null()).map(Selected::Json).collect()
        }
    }
}

fn pairs(pairs: &[(String, String)], wanted: impl Fn(&str) -> bool) -> Vec<Selected<'_>> {
    let found = pairs.iter().filter(|(name, _)| wanted(name));
    found.take(SELECTED_MAX).map(|(_, value)| Selected::Text(Cow::Borrowed(value))).collect()
}

/// Every place that the segments lead to, nulls included.
pub(super) fn members<'a>(segments: &[Segment], root: &'a Value) -> Vec<&'a Value> {
    segments.iter().fold(vec![root], |places, segment| step(segment, &places))
}

fn step<'a>(segment: &Segment, places: &[&'a Value]) -> Vec<&'a Value> {
    let next = places.iter().flat_map(|place| {
        let (one, all): (Option<&'a Value>, &'a [Value]) = match (segment, place) {
            (Segment::Key(key), Value::Object(object)) => (object.get(key), &[]),
            (Segment::Index(index), Value::Array(array)) => (array.get(*index as usize), &[]),
            (Segment::All, Value::Array(array)) => (None, array),
            _ => (None, &[]),
        };
        one.into_iter().chain(all)
    });
    next.take(SELECTED_MAX).collect()
}
