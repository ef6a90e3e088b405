//! HTTP Archive 1.2: what the tools of browsers and proxies read. What it has no place for stands in `_tollgate`.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tollgate_shared::log::LogRow;

/// Closes what [`beginning`] opens.
pub(super) const END: &str = "]}}";

/// Everything before the first entry.
pub(super) fn beginning() -> String {
    let creator = json!({ "name": "tollgate", "version": env!("CARGO_PKG_VERSION") });
    format!(r#"{{"log":{{"version":"1.2","creator":{creator},"entries":["#)
}

/// One call. Times that are not known are -1, as the format has it; the answer's body is not kept.
pub(super) fn entry(row: &LogRow) -> Value {
    let millis = row.latency_us as f64 / 1_000.0;
    json!({
        "startedDateTime": row.at.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "time": millis,
        "request": request(row),
        "response": {
            "status": row.status,
            "statusText": hyper::StatusCode::from_u16(row.status).ok().and_then(|s| s.canonical_reason()).unwrap_or(""),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "content": { "size": 0, "mimeType": "application/json" },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": { "send": 0, "wait": millis, "receive": 0 },
        "comment": row.summary,
        "_tollgate": {
            "seq": row.seq,
            "call": row.call,
            "token": row.token,
            "remote_ip": row.remote_ip,
            "outcome": row.outcome,
            "problem": row.problem,
            "incidents": row.incidents,
            "truncated": row.truncated,
        },
    })
}

fn request(row: &LogRow) -> Value {
    let named = |name: &str| row.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let query = if row.query.is_empty() { String::new() } else { format!("?{}", row.query) };
    let pairs = row.query.split('&').filter(|pair| !pair.is_empty());
    let mut request = json!({
        "method": row.method,
        "url": format!("http://{}{}{query}", named("host").unwrap_or("localhost"), row.path),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": row.headers.iter().map(|(name, value)| pair(name, value)).collect::<Vec<_>>(),
        "queryString": pairs.map(parameter).collect::<Vec<_>>(),
        "headersSize": -1,
        "bodySize": row.body_bytes,
    });
    if !row.body.is_empty() {
        let kind = row.content_type.as_deref().unwrap_or("text/plain");
        request["postData"] = json!({ "mimeType": kind, "params": [], "text": row.body });
    }
    request
}

fn parameter(text: &str) -> Value {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    pair(&decoded(name), &decoded(value))
}

fn pair(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}
