//! The recorded calls of the senders and what each preset makes of them (`tests/fixtures`).

use std::path::PathBuf;

use serde_json::Value;

/// One expectation: this preset makes that of this call.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The preset's name.
    pub preset: String,
    /// The call's name.
    pub call: String,
    /// `trigger`, `resolve` or `none`.
    pub phase: String,
    /// The incident's priority where the phase is `trigger`.
    pub priority: Option<String>,
}

/// One recorded call.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its query, without `?`.
    pub query: String,
    /// Its body.
    pub body: Vec<u8>,
}

fn read(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// All expectations, a trigger always before its resolve.
pub fn expectations() -> Vec<Expectation> {
    let rows = read("expectations.json");
    let rows = rows.as_array().expect("the expectations are a list");
    let one = |row: &Value| Expectation {
        preset: text(&row["preset"]),
        call: text(&row["call"]),
        phase: text(&row["phase"]),
        priority: row["priority"].as_str().map(str::to_owned),
    };
    rows.iter().map(one).collect()
}

/// The presets' names.
pub fn presets() -> Vec<String> {
    read("presets.json").as_object().expect("the presets are an object").keys().cloned().collect()
}

/// A recorded call by its name.
pub fn recorded(name: &str) -> RecordedCall {
    let call = read(&format!("senders/{name}.json"));
    let pairs = |member: &str| -> Vec<(String, String)> {
        let members = call[member].as_object().into_iter().flatten();
        members.map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let query: Vec<String> = pairs("query").iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let body = match (&call["body"], &call["text"]) {
        (Value::String(text), _) | (Value::Null, Value::String(text)) => text.clone().into_bytes(),
        (json, _) => json.to_string().into_bytes(),
    };
    RecordedCall { headers: pairs("headers"), query: query.join("&"), body }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3).
pub fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
