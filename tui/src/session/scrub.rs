//! What senders wrote, and whatever looks like a secret, is taken out before anything is written.

use serde_json::Value;
use tollgate_shared::secret::find_in;

/// Members that hold what a call brought, or what a program printed about it.
const TEXTS: [&str; 9] =
    ["body", "query", "description", "output", "payload", "user_agent", "value", "redacted", "from"];
/// Members that hold such texts under names of their own.
const GROUPS: [&str; 2] = ["headers", "variables"];
/// In the place of a secret.
const SECRET: &str = "tg_(not recorded)";

/// Takes them out, in place. Shapes stay as they are, so that the message reads back.
pub(super) fn scrub(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if TEXTS.contains(&name.as_str()) => *text = length_of(text),
                    value if GROUPS.contains(&name.as_str()) => hide_texts(value),
                    value => scrub(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::String(text) => hide_secrets(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Of a pair the name stays; of a list of values nothing.
fn hide_texts(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(hide_texts),
        Value::Array(items) => {
            let is_pair = items.len() == 2 && items.iter().all(Value::is_string);
            items.iter_mut().skip(usize::from(is_pair)).for_each(hide_texts);
        }
        Value::String(text) => *text = length_of(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn length_of(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("({} bytes not recorded)", text.len()) }
}

fn hide_secrets(text: &mut String) {
    for range in find_in(text).into_iter().rev() {
        text.replace_range(range, SECRET);
    }
}
