//! Texts with `{{name}}` in them. A value is put in as it is, once: what stands inside a value is never read as a place
//! of its own, and in JSON a value can only ever become part of a text.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// `{{` without its `}}`.
    #[error("`{{{{` at character {0} has no `}}}}`")]
    Open(usize),
    /// A place that names no variable of the workflow.
    #[error("there is no variable `{0}` in this workflow")]
    Unknown(String),
}

/// The names that stand in `text`, in order.
///
/// # Errors
/// [`TemplateError::Open`].
pub fn names_in(text: &str) -> Result<Vec<&str>, TemplateError> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let inner = &rest[start + 2..];
        let consumed = text.len() - rest.len() + start;
        let end = inner.find("}}").ok_or_else(|| TemplateError::Open(text[..consumed].chars().count()))?;
        names.push(inner[..end].trim());
        rest = &inner[end + 2..];
    }
    Ok(names)
}

/// `text` with every place filled. A place without a value becomes empty: an optional variable may have none.
pub fn render(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let inner = &rest[start + 2..];
        let Some(end) = inner.find("}}") else { break };
        out.push_str(&rest[..start]);
        out.push_str(values.get(inner[..end].trim()).map_or("", String::as_str));
        rest = &inner[end + 2..];
    }
    out.push_str(rest);
    out
}

/// The same for every text inside a JSON value. Names of members stay as they are.
pub fn render_json(value: &Value, values: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(render(text, values)),
        Value::Array(items) => Value::Array(items.iter().map(|item| render_json(item, values)).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, inner)| (name.clone(), render_json(inner, values))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Every text inside a JSON value.
pub(super) fn texts_of<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, found)),
        Value::Object(members) => members.values().for_each(|inner| texts_of(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn places_are_filled_and_a_place_without_a_value_is_empty() {
        let values = values(&[("host", "db1"), ("site", "Kyiv")]);
        assert_eq!(render("{{host}} in {{ site }}{{gone}}!", &values), "db1 in Kyiv!");
        assert_eq!(names_in("{{host}} in {{ site }}"), Ok(vec!["host", "site"]));
        assert_eq!(names_in("\u{e9}{{host"), Err(TemplateError::Open(1)));
    }

    #[test]
    fn a_value_is_never_read_as_a_place() {
        let values = values(&[("a", "{{b}}"), ("b", "secret")]);
        assert_eq!(render("{{a}}", &values), "{{b}}");
    }

    #[test]
    fn a_value_cannot_leave_its_json_text() {
        let values = values(&[("host", r#"", "admin": "yes"#)]);
        let body = serde_json::json!({"text": "{{host}} is down", "n": [1, "{{host}}"]});
        let rendered = render_json(&body, &values);
        assert_eq!(rendered.as_object().map(serde_json::Map::len), Some(2));
        assert_eq!(rendered["text"], r#"", "admin": "yes is down"#);
    }
}
