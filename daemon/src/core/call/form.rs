//! Bodies of web forms (http.md §1 Body): an object of strings, and GitHub's JSON inside the one field `payload`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::credential::query_pairs;
use super::json::parse;

/// The field whose JSON stands for the whole form where it is alone.
const WRAPPER: &str = "payload";

/// What a form leaves as it is.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'[').remove(b']');

/// Names and values of a form's text, decoded, in order.
pub(super) fn fields(text: &str) -> Vec<(String, String)> {
    let trimmed = text.trim_end_matches(['\r', '\n']);
    query_pairs(Some(trimmed)).map(|(name, value)| (name, value.to_string())).collect()
}

/// The value of a form; of equal names the last wins, as in JSON. `None` for a text without any `=`: `curl -d` declares
/// whatever it sends to be a form.
pub(super) fn value(text: &str) -> Option<Value> {
    if !text.contains('=') {
        return None;
    }
    let fields = fields(text);
    if let [(name, value)] = fields.as_slice()
        && name == WRAPPER
        && let Ok(Some(json)) = parse(value)
    {
        return Some(json);
    }
    let members: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    Some(Value::Object(members))
}

/// A form's text with the members of `value` instead of its own; where the own one wrapped JSON, so does this.
pub(super) fn text_of(value: &Value, wrapped: bool) -> String {
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    match value {
        Value::Object(members) if !wrapped => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let pair = |(name, value): (&String, &Value)| format!("{}={}", encode(name), encode(&text(value)));
            members.iter().map(pair).collect::<Vec<_>>().join("&")
        }
        whole => format!("{WRAPPER}={}", encode(&whole.to_string())),
    }
}

/// True where the fields are the one that wraps JSON.
pub(super) fn is_wrapped(fields: &[(String, String)]) -> bool {
    matches!(fields, [(name, value)] if name == WRAPPER && matches!(parse(value), Ok(Some(_))))
}
