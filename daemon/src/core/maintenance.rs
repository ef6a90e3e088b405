//! Whether a service is under maintenance for a call (domain.md §1).

use std::sync::Arc;

use serde_json::Value;
use tollgate_shared::time::Timestamp;

use super::call::Call;
use super::model::Maintenance;

/// The first maintenance of a service that holds for this call now: its time has come and has not passed, and each of its
/// tags, if it has any, is found in the payload.
pub fn in_force<'m>(all: &'m [Arc<Maintenance>], call: &Call, now: Timestamp) -> Option<&'m Maintenance> {
    all.iter().map(Arc::as_ref).find(|one| one.runs(now) && one.tags.iter().all(|tag| holds(call, tag)))
}

/// A tag is looked for in the text and in the strings inside it: a form and an escaped JSON string hide what they say.
/// Case counts.
fn holds(call: &Call, tag: &str) -> bool {
    call.text.contains(tag) || call.json.as_ref().is_some_and(|value| inside(value, tag))
}

fn inside(value: &Value, tag: &str) -> bool {
    match value {
        Value::String(text) => text.contains(tag),
        Value::Array(elements) => elements.iter().any(|element| inside(element, tag)),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains(tag) || inside(value, tag)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Maintenance {
    /// True from its beginning to its end; one without an end runs until somebody ends it.
    pub fn runs(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// True once its end has passed.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// For a verdict: until when, for which tags, by whom.
    pub fn words(&self) -> String {
        let until = self.until.map_or_else(|| "until it is ended".to_owned(), |until| format!("until {until}"));
        let tags = match self.tags.as_slice() {
            [] => String::new(),
            tags => format!(" for calls with `{}`", tags.join("` and `")),
        };
        let why = if self.comment.is_empty() { String::new() } else { format!(": {}", self.comment) };
        format!("under maintenance {until}{tags}, by {}{why}", self.created_by)
    }
}
