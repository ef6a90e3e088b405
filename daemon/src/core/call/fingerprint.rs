//! What makes two calls the same for deduplication (domain.md §4).

mod ignored;

use std::io::{self, BufWriter, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Call;

/// BLAKE3 over the endpoint, the query, the named headers and the content of a call. Not secret, but it stands for the
/// content: it is stored with deduplication entries only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

/// Feeds a hasher and counts, because the length of streamed JSON is known only at its end.
struct CountingHasher<'a> {
    hasher: &'a mut blake3::Hasher,
    written: u64,
}

// === impl Fingerprint ===

impl Fingerprint {
    /// The fingerprint of a call to `endpoint` (its path). `header_names` are those that some filter names, in lower
    /// case and sorted: two calls that differ in nothing else must not be taken for one.
    ///
    /// Every part has its length before it, the last one behind it, so that no two calls run into each other.
    /// What the paths of `ignore` select in a JSON body is left out.
    pub fn of(endpoint: &str, call: &Call, header_names: &[String], ignore: &[String]) -> Self {
        debug_assert!(header_names.is_sorted(), "the caller sorts, or one call had two fingerprints");
        let mut hasher = blake3::Hasher::new();
        part(&mut hasher, endpoint.as_bytes());
        count(&mut hasher, call.query.len());
        for (name, value) in &call.query {
            part(&mut hasher, name.as_bytes());
            part(&mut hasher, value.as_bytes());
        }
        for name in header_names {
            header(&mut hasher, call, name);
        }
        match &call.json {
            Some(value) if ignore.is_empty() => json(&mut hasher, value),
            Some(value) => json(&mut hasher, &ignored::without(value, ignore)),
            None => text(&mut hasher, &call.text),
        }
        Self(*hasher.finalize().as_bytes())
    }
}

// === impl CountingHasher ===

impl Write for CountingHasher<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn part(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    count(hasher, bytes.len());
    hasher.update(bytes);
}

fn count(hasher: &mut blake3::Hasher, length: usize) {
    hasher.update(&(length as u64).to_le_bytes());
}

/// A header that no call carries is left out with its name: a filter that begins to name one then changes no fingerprint
/// of the calls without it.
fn header(hasher: &mut blake3::Hasher, call: &Call, name: &str) {
    for (_, value) in call.headers.iter().filter(|(own, _)| own == name) {
        hasher.update(b"h");
        part(hasher, name.as_bytes());
        part(hasher, value.as_bytes());
    }
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(b"t");
    hasher.update(text.as_bytes());
    count(hasher, text.len());
}

/// Compact, with sorted keys (the map of serde_json is a sorted one; a test holds that) and numbers as in the source.
fn json(hasher: &mut blake3::Hasher, value: &Value) {
    hasher.update(b"j");
    let mut counting = CountingHasher { hasher, written: 0 };
    let mut buffered = BufWriter::new(&mut counting);
    let written = serde_json::to_writer(&mut buffered, value).map_err(io::Error::from).and_then(|()| buffered.flush());
    drop(buffered);
    // Neither the writer nor a parsed value can fail; a half-hashed call must never be taken for another one.
    assert!(written.is_ok(), "a parsed JSON value can be written into a hasher");
    let length = counting.written;
    hasher.update(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn call(body: &str) -> Call {
        Call {
            headers: vec![("x-kind".to_owned(), "disk".to_owned())],
            query: vec![("from".to_owned(), "nas".to_owned())],
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            text: body.to_owned(),
            json: serde_json::from_str(body).ok().filter(|value: &Value| value.is_object() || value.is_array()),
        }
    }

    fn of(call: &Call) -> Fingerprint {
        Fingerprint::of("/v1/process", call, &[], &[])
    }

    fn body(text: &str) -> Fingerprint {
        of(&call(text))
    }

    #[test]
    fn fingerprints_have_their_golden_values() {
        // Entries on disk are compared with these. Never regenerate them without a new storage version.
        let hex = |print: Fingerprint| print.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(body("{\"b\":1.0,\"a\":[true,null]}")),
            "ba833f4cacc03b4e0e4b632e7278736230b398f21426c7f8e6c72ac917efc659"
        );
        // The layout, written out by hand.
        let mut layout = b"\x0b\0\0\0\0\0\0\0/v1/process\x01\0\0\0\0\0\0\0".to_vec();
        layout.extend(b"\x04\0\0\0\0\0\0\0from\x03\0\0\0\0\0\0\0nas");
        let with = |rest: &[u8]| *blake3::hash(&[&layout, rest].concat()).as_bytes();
        assert_eq!(body("backup FAILED").0, with(b"tbackup FAILED\x0d\0\0\0\0\0\0\0"));
        let named = Fingerprint::of("/v1/process", &call("{}"), &["x-kind".to_owned()], &[]);
        assert_eq!(named.0, with(b"h\x06\0\0\0\0\0\0\0x-kind\x04\0\0\0\0\0\0\0diskj{}\x02\0\0\0\0\0\0\0"));
        assert_eq!(body("{\"b\":1.0,\"a\":[true,null]}").0, with(b"j{\"a\":[true,null],\"b\":1.0}\x19\0\0\0\0\0\0\0"));
    }

    #[test]
    fn the_map_of_json_is_sorted() {
        let value: Value = serde_json::from_str("{\"b\":{\"d\":1,\"c\":2},\"a\":3}").unwrap();
        assert_eq!(value.to_string(), "{\"a\":3,\"b\":{\"c\":2,\"d\":1}}");
    }

    #[test]
    fn key_order_and_spaces_of_json_do_not_matter() {
        assert_eq!(body("{\"a\":1,\"b\":2}"), body(" {\n \"b\" : 2, \"a\" : 1 }\n"));
    }

    #[test]
    fn spaces_of_a_text_matter() {
        assert_ne!(body("a b"), body("a  b"));
    }

    #[test]
    fn numbers_differ_as_they_do_in_the_source() {
        assert_ne!(body("[1]"), body("[1.0]"));
        assert_ne!(body("[1e2]"), body("[100]"));
        assert_eq!(body("[12345678901234567890123456789]"), body("[ 12345678901234567890123456789 ]"));
        assert_ne!(body("[12345678901234567890123456789]"), body("[12345678901234567890123456788]"));
    }

    #[test]
    fn only_headers_that_a_filter_names_matter() {
        let mut other = call("{}");
        other.headers[0].1 = "fan".to_owned();
        assert_eq!(of(&call("{}")), of(&other));
        let names = ["x-absent".to_owned(), "x-kind".to_owned()];
        assert_ne!(
            Fingerprint::of("/v1/process", &call("{}"), &names, &[]),
            Fingerprint::of("/v1/process", &other, &names, &[])
        );
        assert_eq!(of(&call("{}")), Fingerprint::of("/v1/process", &call("{}"), &names[..1], &[]));
    }

    #[test]
    fn endpoint_and_query_matter_and_the_address_does_not() {
        let mut other = call("{}");
        other.source_ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(of(&call("{}")), of(&other));
        other.query[0].1 = "nas2".to_owned();
        assert_ne!(of(&call("{}")), of(&other));
        assert_ne!(of(&call("{}")), Fingerprint::of("/v1/request", &call("{}"), &[], &[]));
    }

    #[test]
    fn what_dedup_ignore_names_is_left_out_of_same_content() {
        let ignoring = |text: &str, paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
            Fingerprint::of("/v1/process", &call(text), &[], &paths)
        };
        let (first, second) =
            (r#"{"a":1,"at":"10:00","b":[{"t":1,"k":1}]}"#, r#"{"a":1,"at":"10:05","b":[{"t":2,"k":1}]}"#);
        assert_ne!(ignoring(first, &["at"]), ignoring(second, &["at"]));
        assert_eq!(ignoring(first, &["at", "b[*].t"]), ignoring(second, &["at", "b[*].t"]));
        assert_eq!(ignoring(first, &["at", "b[0]"]), ignoring(second, &["at", "b[0]"]));
        assert_ne!(ignoring(r#"{"b":[1,2]}"#, &["b[0]"]), ignoring(r#"{"b":[2]}"#, &["b[0]"]), "others keep places");
        assert_eq!(ignoring(first, &["absent.x"]), body(first));
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let with_query = |pairs: &[(&str, &str)]| {
            let mut call = call("x");
            call.query = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            of(&call)
        };
        let all = [
            with_query(&[("ab", "c")]),
            with_query(&[("a", "bc")]),
            with_query(&[("a", "b"), ("c", "")]),
            with_query(&[("", "abc")]),
            with_query(&[]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other != one));
        }
        let mut as_text = call("{}");
        as_text.json = None;
        assert_ne!(of(&as_text), of(&call("{}")));
    }
}
