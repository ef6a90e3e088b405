//! The view of a call that may be written, shown and cut into titles (domain.md §5): no token of ours, no value that is
//! named like a secret, nothing that an operator's rule names. Filters see the original; redaction comes before any
//! truncation.

mod rules;

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
pub use tollgate_shared::log::REDACTED;

pub use self::rules::Rules;
use self::rules::View;
use super::Call;
use super::form;
use super::json::parse;
use super::redact_text;
use super::secret_names::{DEFAULT_NAMES, SecretNames};

/// Members that hold the name in a list of name and value pairs: variables of containers, tags of Zabbix.
const PAIR_NAMES: [&str; 5] = ["name", "key", "tag", "header", "variable"];
/// Members that hold the value in such a pair.
const PAIR_VALUES: [&str; 2] = ["value", "val"];
/// One rule may make way for another; a text that is not at rest after so many rounds is cut whole.
const ROUNDS_MAX: usize = 4;
/// What must not stand in the value of a query's parameter as it is.
const QUERY_VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b';');

/// Makes redacted views. Cheap to clone; asking it twice changes nothing more.
#[derive(Clone)]
pub struct Redactor {
    names: Arc<SecretNames>,
    rules: Arc<Rules>,
}

// === impl Redactor ===

impl Redactor {
    /// Takes the names of secret members; a leading `*` makes one an ending. See [`DEFAULT_NAMES`].
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { names: Arc::new(SecretNames::new(names)), rules: Arc::default() }
    }

    /// The same names with these rules of operators.
    #[must_use]
    pub fn with_rules(&self, rules: Arc<Rules>) -> Self {
        Self { names: Arc::clone(&self.names), rules }
    }

    /// The redacted view of a call.
    ///
    /// The text of a JSON body stays byte for byte where nothing in it is secret; otherwise it is the compact form of the
    /// redacted value, so that text and value never tell two stories.
    pub fn redact(&self, call: &Call) -> Call {
        let is_event = call.headers.iter().any(|(name, _)| name == "ce-specversion");
        let headers = call.headers.iter().map(|(name, value)| self.redact_header(name, value)).collect();
        let query = call.query.iter().map(|(name, value)| self.redact_parameter(name, value)).collect();
        let (json, text) = if self.rules.cut_text() && !call.text.is_empty() {
            (None, REDACTED.to_owned())
        } else if let Some(value) = call.json.as_ref().filter(|_| !is_event && is_form(call)) {
            self.redact_form(&call.text, value.clone())
        } else if is_event {
            // A wrapped event has members that are not in the body: the body's own value is asked then.
            let (json, _) = self.redact_body("", call.json.clone(), View::Whole);
            let own = parse(&call.text).ok().flatten();
            (json, self.redact_body(&call.text, own, View::DataOfEvent).1)
        } else {
            self.redact_body(&call.text, call.json.clone(), View::Whole)
        };
        Call { headers, query, source_ip: call.source_ip, text, json }
    }

    /// Redacts a text in which names and values stand in any of the usual ways. Borrowed = nothing was secret.
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.rules.have_patterns() {
            return redact_text::redacted(text, &self.names);
        }
        let mut current = Cow::Borrowed(text);
        for _ in 0..ROUNDS_MAX {
            let by_name = redact_text::redacted(&current, &self.names);
            let by_rule = self.rules.redact_text(&by_name);
            let next = match (by_rule, by_name) {
                (Some(next), _) | (None, Cow::Owned(next)) => next,
                (None, Cow::Borrowed(_)) => return current,
            };
            current = Cow::Owned(next);
        }
        Cow::Owned(REDACTED.to_owned())
    }

    /// A header as it may be kept, its name in lower case.
    pub fn redact_header(&self, name: &str, value: &str) -> (String, String) {
        self.redact_pair(name, value, self.rules.cut_header(name))
    }

    /// A raw query as it may be kept. Values are judged as they are when decoded.
    pub fn redact_query(&self, raw: &str) -> String {
        let pair = |pair: &str| {
            let (inner, end) = match pair.strip_suffix(['&', ';']) {
                Some(inner) => (inner, &pair[inner.len()..]),
                None => (pair, ""),
            };
            format!("{}{end}", self.redact_raw_parameter(inner))
        };
        let cut: String = raw.split_inclusive(['&', ';']).map(pair).collect();
        self.redact_text(&cut).into_owned()
    }

    /// Redacts a JSON value in place: the values of secret members at any depth, whatever their type, and the text rules
    /// for every string, number and key. Says whether anything changed.
    pub fn redact_value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => self.redact_string(text),
            Value::Number(number) => {
                let is_secret = self.rules.have_patterns() && self.rules.redact_text(&number.to_string()).is_some();
                is_secret && replace(value)
            }
            Value::Array(elements) => {
                let mut changed = false;
                for element in elements {
                    changed |= self.redact_value(element);
                }
                changed
            }
            Value::Object(members) => self.redact_members(members),
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// A body's value and its text. A text that is no JSON any more once a pattern has cut across its members stays text.
    fn redact_body(&self, text: &str, json: Option<Value>, view: View) -> (Option<Value>, String) {
        let redacted = self.redact_text(text);
        // A text may hold more than its value: of duplicate keys only the last one is in there.
        let text_changed = matches!(redacted, Cow::Owned(_));
        let Some(mut value) = json else { return (None, redacted.into_owned()) };
        let was_cut = self.rules.cut_places(&mut value, view);
        let changed = self.redact_value(&mut value) | was_cut | text_changed;
        if !changed && !self.rules.have_patterns() {
            return (Some(value), redacted.into_owned());
        }
        let compact = value.to_string();
        match self.rules.redact_text(&compact) {
            None if changed => (Some(value), compact),
            None => (Some(value), redacted.into_owned()),
            Some(across) => self.across_members(across),
        }
    }

    /// A pattern matched over the borders of members: what is left is JSON again, or only text.
    fn across_members(&self, mut text: String) -> (Option<Value>, String) {
        for _ in 0..ROUNDS_MAX {
            let Some(mut value) = parse(&text).ok().flatten() else {
                return (None, self.redact_text(&text).into_owned());
            };
            self.redact_value(&mut value);
            let compact = value.to_string();
            match self.rules.redact_text(&compact) {
                None => return (Some(value), compact),
                Some(again) => text = again,
            }
        }
        (None, REDACTED.to_owned())
    }

    /// The same of a form. Percent-encoding hides names and values from the rules of running text, so the decoded fields
    /// are asked; also those that a later one of the same name has replaced.
    fn redact_form(&self, text: &str, mut value: Value) -> (Option<Value>, String) {
        let was_cut = self.rules.cut_places(&mut value, View::Whole);
        let changed = self.redact_value(&mut value) | was_cut;
        let fields = form::fields(text);
        let is_plain = |text: &str| self.redact_text(text) == text;
        let mut is_secret =
            fields.iter().map(|(name, value)| self.names.contains(name) || !is_plain(name) || !is_plain(value));
        if !changed && is_plain(text) && !is_secret.any(|is_secret| is_secret) {
            return (Some(value), text.to_owned());
        }
        let made = form::text_of(&value, form::is_wrapped(&fields));
        match self.rules.redact_text(&made) {
            None => (Some(value), made),
            Some(_) => (None, self.redact_text(&made).into_owned()),
        }
    }

    /// A string that holds JSON is judged as JSON, too: names and values of a list stand apart in its text.
    fn redact_string(&self, text: &mut String) -> bool {
        if text.starts_with(['{', '['])
            && let Ok(Some(mut inner)) = parse(text)
            && self.redact_value(&mut inner)
        {
            *text = inner.to_string();
            self.redact_text_in_place(text);
            return true;
        }
        self.redact_text_in_place(text)
    }

    fn redact_text_in_place(&self, text: &mut String) -> bool {
        let redacted = self.redact_text(text);
        let changed = redacted.as_ref() != text.as_str();
        if changed {
            *text = redacted.into_owned();
        }
        changed
    }

    fn redact_members(&self, members: &mut Map<String, Value>) -> bool {
        let mut changed = self.redact_keys(members);
        let is_secret_pair = self.is_secret_pair(members);
        for (name, value) in members.iter_mut() {
            let is_secret = self.names.contains(name) || (is_secret_pair && PAIR_VALUES.contains(&name.as_str()));
            changed |= if is_secret { replace(value) } else { self.redact_value(value) };
        }
        changed
    }

    /// A list entry such as `{"name": "DB_PASSWORD", "value": "..."}`.
    fn is_secret_pair(&self, members: &Map<String, Value>) -> bool {
        let named = PAIR_NAMES.iter().filter_map(|key| members.get(*key).and_then(Value::as_str));
        named.into_iter().any(|name| self.names.contains(name))
    }

    fn redact_keys(&self, members: &mut Map<String, Value>) -> bool {
        let secret_keys: Vec<String> =
            members.keys().filter(|key| self.redact_text(key).as_ref() != key.as_str()).cloned().collect();
        for key in &secret_keys {
            let Some(value) = members.remove(key) else { continue };
            let new_key = free_key(members, &self.redact_text(key));
            members.insert(new_key, value);
        }
        !secret_keys.is_empty()
    }

    fn redact_parameter(&self, name: &str, value: &str) -> (String, String) {
        self.redact_pair(name, value, self.rules.cut_parameter(name))
    }

    fn redact_pair(&self, name: &str, value: &str, is_cut: bool) -> (String, String) {
        let is_secret = is_cut || self.names.contains(name);
        let value = if is_secret { Cow::Borrowed(REDACTED) } else { self.redact_text(value) };
        (self.redact_text(name).into_owned(), value.into_owned())
    }

    fn redact_raw_parameter(&self, raw: &str) -> String {
        let Some((raw_name, raw_value)) = raw.split_once('=') else { return raw.to_owned() };
        let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let (name, value) = (decoded(raw_name), decoded(raw_value));
        if value.is_empty() {
            return raw.to_owned();
        }
        let (_, kept) = self.redact_parameter(&name, &value);
        if kept == value { raw.to_owned() } else { format!("{raw_name}={}", utf8_percent_encode(&kept, QUERY_VALUE)) }
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new(DEFAULT_NAMES)
    }
}

/// A call whose value was read from the fields of a form: its text is no JSON.
fn is_form(call: &Call) -> bool {
    let declared = |(name, value): &(String, String)| {
        name == "content-type"
            && value.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
    };
    call.headers.iter().any(declared) && !matches!(parse(&call.text), Ok(Some(_)))
}

fn replace(value: &mut Value) -> bool {
    let changed = value.as_str() != Some(REDACTED);
    if changed {
        *value = Value::String(REDACTED.to_owned());
    }
    changed
}

/// Two keys may become the same one; neither value is dropped for that.
fn free_key(members: &Map<String, Value>, wanted: &str) -> String {
    if !members.contains_key(wanted) {
        return wanted.to_owned();
    }
    let mut numbered = (2..=members.len() + 2).map(|number| format!("{wanted} ({number})"));
    numbered.find(|key| !members.contains_key(key)).unwrap_or_else(|| wanted.to_owned())
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod tests;
