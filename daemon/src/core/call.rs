//! A sender's call once decoded: what filters look at, what the log keeps.

mod cloudevents;
pub mod credential;
pub mod decode;
pub mod fingerprint;
mod form;
pub mod idempotency;
pub mod inflate;
pub mod json;
mod media;
pub mod redact;
mod redact_text;
pub mod secret_names;

use std::net::IpAddr;

use serde_json::Value;

/// One call, decoded. Filters see it as it came; the log, titles and explanations are made from its redacted view.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// Header names in lower case with their values, in order of arrival. Never `authorization`, `cookie` or any
    /// other header that carried a credential: those are cut before a `Call` exists.
    pub headers: Vec<(String, String)>,
    /// Query parameters, percent-decoded, in order, without the credential parameters (`token`, `access_token`).
    pub query: Vec<(String, String)>,
    /// The sender's address, IPv4-mapped IPv6 normalised to IPv4.
    pub source_ip: IpAddr,
    /// The whole body as text, as it arrived (`$` in a path).
    pub text: String,
    /// The body as JSON, an object or array, where the body rules of http.md §1 found one; CloudEvents binary mode is
    /// already wrapped. `None` = only `$` is addressable.
    pub json: Option<Value>,
}

impl Call {
    /// The `?from=` parameter, where one was given and is not blank.
    pub fn from_param(&self) -> Option<&str> {
        self.query
            .iter()
            .find(|(name, _)| name == "from")
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.trim().is_empty())
    }
}
