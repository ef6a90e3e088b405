//! What a `Content-Type` says about a body, as far as the body rules of http.md §1 ask.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Top-level types that are never text.
const BINARY_TYPES: [&str; 6] = ["image", "audio", "video", "font", "model", "multipart"];
/// Subtypes of `application` that are never text. An unknown subtype is tried as text: more senders name odd types for
/// plain JSON than send binary data.
const BINARY_SUBTYPES: [&str; 20] = [
    "octet-stream",
    "pdf",
    "zip",
    "gzip",
    "x-gzip",
    "x-bzip2",
    "x-xz",
    "zstd",
    "x-tar",
    "x-7z-compressed",
    "x-rar-compressed",
    "vnd.rar",
    "java-archive",
    "wasm",
    "cbor",
    "msgpack",
    "x-msgpack",
    "protobuf",
    "x-protobuf",
    "grpc",
];
const LATIN1_NAMES: [&str; 6] = ["iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1"];

/// The declared media type, in lower case. Empty where none, or none that can be read, was declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Media {
    top: String,
    sub: String,
    charset: String,
}

// === impl Media ===

impl Media {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let declared = declared.to_ascii_lowercase();
        let mut pieces = declared.split(';').map(str::trim);
        let Some((top, sub)) = pieces.next().and_then(|media| media.split_once('/')) else {
            return Self::default();
        };
        let charset = pieces.find_map(|piece| piece.strip_prefix("charset=")).unwrap_or_default();
        Self {
            top: top.trim().to_owned(),
            sub: sub.trim().to_owned(),
            charset: charset.trim_matches(['"', '\'', ' ']).to_owned(),
        }
    }

    /// JSON by `application/json`, `text/json` or a `+json` suffix (RFC 6839).
    pub(super) fn is_json(&self) -> bool {
        self.sub == "json" || self.sub.ends_with("+json")
    }

    /// The fields of a web form (`curl -d`, GitHub's second content type).
    pub(super) fn is_form(&self) -> bool {
        self.top == "application" && self.sub == "x-www-form-urlencoded"
    }

    /// The structured mode of CloudEvents, one event or a batch.
    pub(super) fn is_cloud_event(&self) -> bool {
        self.top == "application" && self.sub.starts_with("cloudevents")
    }

    /// Certainly not text. An encoding of text by a suffix (`image/svg+xml`) does not make the type one of ours.
    pub(super) fn is_binary(&self) -> bool {
        let archive = self.sub.ends_with("+zip") || self.sub.ends_with("+gzip") || self.sub.ends_with("+cbor");
        let document = self.sub.starts_with("vnd.openxmlformats") || self.sub.starts_with("vnd.ms-");
        let named = BINARY_SUBTYPES.contains(&self.sub.as_str()) || self.sub.starts_with("grpc+");
        BINARY_TYPES.contains(&self.top.as_str())
            || (self.top == "application" && (archive || named || (document && !self.is_json())))
    }

    pub(super) fn is_latin1(&self) -> bool {
        LATIN1_NAMES.contains(&self.charset.as_str())
    }
}
