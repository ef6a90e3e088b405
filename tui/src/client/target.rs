//! Paths and query strings of requests.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::PageQuery;

/// All but the unreserved characters of RFC 3986, so that a reference is one segment whatever it holds.
const REFERENCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path, and a query string in the making.
#[derive(Default)]
pub(super) struct Target(String);

/// A reference as one segment of a path.
pub fn encode_segment(reference: &str) -> String {
    utf8_percent_encode(reference, REFERENCE).to_string()
}

/// The path of an object, or of a verb on it.
pub(super) fn item(collection: &str, reference: &str, verb: &str) -> String {
    format!("/v1/{collection}/{}{verb}", encode_segment(reference))
}

impl Target {
    pub(super) fn at(path: &str) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn text(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let mark = if self.0.contains('?') { '&' } else { '?' };
            // Writing to a String cannot fail.
            write!(self.0, "{mark}{name}={}", utf8_percent_encode(value, REFERENCE)).ok();
        }
        self
    }

    pub(super) fn number(self, name: &str, value: Option<impl Into<u64>>) -> Self {
        self.text(name, value.map(|value| value.into().to_string()).as_deref())
    }

    pub(super) fn flag(self, name: &str, is_set: bool) -> Self {
        self.text(name, is_set.then_some("true"))
    }

    pub(super) fn page(self, page: &PageQuery) -> Self {
        self.number("limit", page.limit).text("cursor", page.cursor.as_deref())
    }

    pub(super) fn done(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_one_segment_whatever_it_holds() {
        assert_eq!(item("services", "Ops/DB", ""), "/v1/services/Ops%2FDB");
        assert_eq!(item("tokens", "a b?c#d%\u{e9}", "/rotate"), "/v1/tokens/a%20b%3Fc%23d%25%C3%A9/rotate");
    }
}
