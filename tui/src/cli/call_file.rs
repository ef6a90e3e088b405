//! Bodies and recorded calls from files and standard input.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::exit::CliError;
use super::io::Io;

/// More than any daemon accepts, so that its own limit can be tried.
const FILE_BYTES_MAX: u64 = 8 * 1_024 * 1_024;

/// What a sender sends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) headers: Vec<(String, String)>,
    pub(super) query: String,
    pub(super) body: String,
}

impl Content {
    /// A body alone; what looks like JSON is declared as such.
    pub(super) fn of_body(body: String) -> Self {
        let kind = if is_json(&body) { "application/json" } else { "text/plain" };
        Self { headers: vec![("content-type".to_owned(), kind.to_owned())], query: String::new(), body }
    }

    /// Adds `Name: value` in place of a content type that was only guessed or recorded; other headers may repeat.
    pub(super) fn add_header(&mut self, text: &str) -> Result<(), CliError> {
        let (name, value) = header(text)?;
        if name.eq_ignore_ascii_case("content-type") {
            self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        }
        self.headers.push((name, value));
        Ok(())
    }
}

/// An object or an array: only those are JSON to the daemon (http.md section 1).
fn is_json(body: &str) -> bool {
    body.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}

/// A file, or standard input for `-`, as text.
pub(super) fn read_text(io: &mut Io, path: &Path) -> Result<String, CliError> {
    let name = path.display();
    let bytes = read(io, path)
        .map_err(|error| CliError::input(format!("{name} cannot be read: {error}"), "name a readable file"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let what = format!("{name} has more than {FILE_BYTES_MAX} bytes");
        return Err(CliError::input(what, "no daemon takes so large a body; send less"));
    }
    String::from_utf8(bytes)
        .map_err(|_| CliError::input(format!("{name} is not UTF-8 text"), "convert it, for instance with iconv"))
}

fn read(io: &mut Io, path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io.input.by_ref().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// `Name: value`.
fn header(text: &str) -> Result<(String, String), CliError> {
    let pair = text.split_once(':').filter(|(name, _)| !name.trim().is_empty());
    let pair = pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    pair.ok_or_else(|| CliError::usage(format!("`{text}` is no header"), "write it as --header 'Name: value'"))
}

/// A recorded call: `headers` and `query` as objects (or the query as text), and `body` or `text`. A body that is a
/// string is that text, not its JSON.
pub(super) fn parse(text: &str) -> Result<Content, CliError> {
    let wrong =
        |why: &str| CliError::input(format!("this is no recorded call: {why}"), "without --call the file is the body");
    let value = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let Value::Object(mut call) = value else { return Err(wrong("it is no JSON object")) };
    let headers = match call.remove("headers") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(headers)) => pairs(headers),
        Some(_) => return Err(wrong("`headers` is no object")),
    };
    let query = match call.remove("query") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(query)) => query.trim_start_matches('?').to_owned(),
        Some(Value::Object(query)) => encode_query(query),
        Some(_) => return Err(wrong("`query` is neither text nor an object")),
    };
    let body =
        call.remove("text").or_else(|| call.remove("body")).ok_or_else(|| wrong("it has neither `body` nor `text`"))?;
    Ok(Content { headers, query, body: as_text(body) })
}

fn pairs(object: Map<String, Value>) -> Vec<(String, String)> {
    object.into_iter().map(|(name, value)| (name, as_text(value))).collect()
}

fn encode_query(query: Map<String, Value>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = pairs(query).into_iter().map(|(name, value)| format!("{}={}", encode(&name), encode(&value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_call_gives_its_headers_query_and_body() {
        let text = r#"{"headers":{"ce-id":"1"},"query":{"from":"a b"},"body":{"n":1.50}}"#;
        let content = parse(text).unwrap();
        assert_eq!(content.headers, [("ce-id".to_owned(), "1".to_owned())]);
        assert_eq!((content.query.as_str(), content.body.as_str()), ("from=a%20b", r#"{"n":1.50}"#));
        assert_eq!(parse(r#"{"body":"backup FAILED"}"#).unwrap().body, "backup FAILED");
        assert!(parse("[]").is_err() && parse("{}").is_err());
    }

    #[test]
    fn only_objects_and_arrays_are_declared_as_json() {
        for (body, kind) in [("{\"a\":1}", "application/json"), ("{broken", "text/plain"), ("5", "text/plain")] {
            assert_eq!(Content::of_body(body.to_owned()).headers[0].1, kind, "{body}");
        }
    }
}
