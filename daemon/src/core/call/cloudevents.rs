//! The binary mode of CloudEvents over HTTP: attributes in `ce-` headers, the data as the body (http.md §1 Body).

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

const PREFIX: &str = "ce-";
/// The attribute that the event's data takes; a header may not pretend to be it.
const DATA: &str = "data";

/// Does the call carry an event in binary mode? The structured mode is told apart by its content type, before this.
pub(super) fn is_binary_mode(headers: &HeaderMap) -> bool {
    headers.contains_key("ce-specversion")
}

/// The event as one object: every `ce-` attribute, `datacontenttype`, and `data` where there is a body.
pub(super) fn wrapped(headers: &HeaderMap, data: Option<Value>) -> Value {
    let mut event = Map::new();
    for name in headers.keys() {
        let attribute = name.as_str().strip_prefix(PREFIX).filter(|attribute| !attribute.is_empty());
        let value = headers.get(name);
        if let (Some(attribute), Some(value)) = (attribute.filter(|attribute| *attribute != DATA), value) {
            event.insert(attribute.to_owned(), Value::String(attribute_value(value.as_bytes())));
        }
    }
    if let Some(content_type) = headers.get(CONTENT_TYPE) {
        let text = String::from_utf8_lossy(content_type.as_bytes()).into_owned();
        event.insert("datacontenttype".to_owned(), Value::String(text));
    }
    if let Some(data) = data {
        event.insert(DATA.to_owned(), data);
    }
    Value::Object(event)
}

/// A header value as the HTTP binding writes it: percent-encoded UTF-8, and from some senders still in quotes.
fn attribute_value(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = match inner {
        Some(inner) => unescaped(inner),
        None => text.into_owned(),
    };
    percent_decode_str(&plain).decode_utf8_lossy().into_owned()
}

/// A quoted string without its backslashes (RFC 9110 §5.6.4).
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    out
}
