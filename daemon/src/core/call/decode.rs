//! From a call's parts on the wire to a [`Call`] (http.md §1 Body).

use std::net::IpAddr;

use http::HeaderMap;
use serde_json::Value;
use tollgate_shared::problem::Slug;

use super::Call;
use super::cloudevents;
use super::credential::{is_token_parameter, query_pairs};
use super::form;
use super::json::{JsonProblem, parse};
use super::media::Media;
use super::secret_names::SecretNames;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A call as it came, its size already limited.
#[derive(Clone, Copy)]
pub struct RawCall<'a> {
    /// All headers.
    pub headers: &'a HeaderMap,
    /// What follows the `?`, not decoded.
    pub raw_query: Option<&'a str>,
    /// The sender, after trusted proxies were walked.
    pub source_ip: IpAddr,
    /// The whole body, without its content encoding: see [`super::inflate`].
    pub body: &'a [u8],
}

/// A decoded call.
pub struct Decoded {
    /// What filters look at.
    pub call: Call,
    /// The body was declared to be JSON and is not. It was taken as text; the gate answers 400 `malformed-json` only if
    /// nothing matched.
    pub json_problem: Option<JsonProblem>,
}

/// Why a body cannot be read at all. Holds nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// 400 `bad-encoding`.
    #[error(
        "the body is not UTF-8: byte {at} cannot stand there; send UTF-8, or declare charset=iso-8859-1 for plain text"
    )]
    BadEncoding {
        /// The first wrong byte, from 1.
        at: usize,
    },
    /// 400 `bad-encoding`.
    #[error("the body is declared as gzip and its data is broken or cut off; compress it again")]
    BadGzip,
    /// 413 `body-too-large`.
    #[error("the body inflates to more than {limit_bytes} bytes; send less or raise the limit")]
    InflatesTooFar {
        /// The limit, that of a plain body.
        limit_bytes: usize,
    },
    /// 413 `body-too-large`.
    #[error("the body inflates to more than {ratio} times its size, which no alert does; send it without gzip")]
    InflatesTooMuch {
        /// The limit.
        ratio: usize,
    },
    /// 415 `unsupported-media-type`.
    #[error("{0}; send JSON or text, plain or with gzip")]
    UnsupportedMediaType(&'static str),
}

impl DecodeError {
    /// The problem that the sender is told.
    pub fn slug(&self) -> Slug {
        match self {
            Self::BadEncoding { .. } | Self::BadGzip => Slug::BadEncoding,
            Self::InflatesTooFar { .. } | Self::InflatesTooMuch { .. } => Slug::BodyTooLarge,
            Self::UnsupportedMediaType(_) => Slug::UnsupportedMediaType,
        }
    }
}

/// Decodes a call. JSON is what parses as an object or array, whatever textual type was declared.
///
/// # Errors
/// A body that is no text, or is not UTF-8.
pub fn decode(parts: RawCall<'_>) -> Result<Decoded, DecodeError> {
    let media = Media::of(parts.headers);
    if media.is_binary() {
        return Err(DecodeError::UnsupportedMediaType("the declared content type is not text"));
    }
    let body = parts.body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(parts.body);
    let text = body_text(body, &media)?;
    let (json, problem) = match parse(&text) {
        Ok(value) => (value, None),
        Err(problem) => (None, Some(problem)),
    };
    let json = json.or_else(|| form::value(&text).filter(|_| media.is_form()));
    let json = match json {
        json if media.is_cloud_event() || !cloudevents::is_binary_mode(parts.headers) => json,
        json => Some(cloudevents::wrapped(parts.headers, json.or_else(|| text_data(&text)))),
    };
    let call = Call {
        headers: kept_headers(parts.headers),
        query: kept_query(parts.raw_query),
        source_ip: normal_ip(parts.source_ip),
        text,
        json,
    };
    Ok(Decoded { call, json_problem: problem.filter(|_| media.is_json()) })
}

/// An address in one form: IPv4 mapped into IPv6 (`::ffff:192.0.2.1`) is IPv4.
pub fn normal_ip(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

fn text_data(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::String(text.to_owned()))
}

/// The body as text. Latin-1 is read only where it was declared, and never for JSON, which is UTF-8 by its definition.
fn body_text(body: &[u8], media: &Media) -> Result<String, DecodeError> {
    let bad = match std::str::from_utf8(body) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => DecodeError::BadEncoding { at: error.valid_up_to() + 1 },
    };
    if media.is_json() || !media.is_latin1() {
        return Err(bad);
    }
    let text: String = body.iter().copied().map(char::from).collect();
    let apparent_json = matches!(parse(&text), Ok(Some(_)));
    if apparent_json { Err(bad) } else { Ok(text) }
}

/// Names are lower case already. Whatever is named like a credential never becomes part of a call.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let names = SecretNames::default_names();
    headers
        .iter()
        .filter(|(name, _)| !names.contains(name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

fn kept_query(raw_query: Option<&str>) -> Vec<(String, String)> {
    query_pairs(raw_query)
        .filter(|(name, _)| !is_token_parameter(name))
        .map(|(name, value)| (name, value.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn decode_with(headers: &[(&str, &str)], body: &[u8]) -> Result<Decoded, DecodeError> {
        let source_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        decode(RawCall { headers: &header_map(headers), raw_query: None, source_ip, body })
    }

    fn decoded(content_type: &str, body: &[u8]) -> Decoded {
        decode_with(&[("content-type", content_type)], body).unwrap_or_else(|error| panic!("{error}"))
    }

    fn refused(content_type: &str, body: &[u8]) -> DecodeError {
        decode_with(&[("content-type", content_type)], body).err().expect("a refusal")
    }

    #[test]
    fn json_wins_whatever_textual_type_was_declared() {
        for kind in
            ["application/json", "application/x-www-form-urlencoded", "text/plain", "application/xml", "nonsense", ""]
        {
            let decoded = decoded(kind, b" {\"a\": [1.0]}");
            assert_eq!(decoded.call.json.map(|value| value.to_string()).as_deref(), Some("{\"a\":[1.0]}"), "{kind}");
            assert_eq!((decoded.call.text.as_str(), decoded.json_problem), (" {\"a\": [1.0]}", None));
        }
        assert!(decode_with(&[], b"[]").is_ok_and(|decoded| decoded.call.json == Some(json!([]))));
    }

    #[test]
    fn only_objects_and_arrays_are_json() {
        for body in ["\"text\"", "5", "null", "true"] {
            let decoded = decoded("application/json", body.as_bytes());
            assert!(decoded.call.json.is_none() && decoded.json_problem.is_none() && decoded.call.text == body);
        }
    }

    #[test]
    fn declared_json_that_does_not_parse_is_text_with_a_place() {
        let broken = decoded("application/problem+json; charset=utf-8", b"{\n \"a\": x}");
        assert_eq!(broken.call.text, "{\n \"a\": x}");
        assert!(broken.call.json.is_none());
        let expected = JsonProblem { line: 2, column: 7, reason: "expected value".to_owned() };
        assert_eq!(broken.json_problem, Some(expected));
        assert!(decoded("text/plain", b"{\n \"a\": x}").json_problem.is_none());
        assert!(decoded("application/json", b"backup failed").json_problem.is_some());
        assert!(decoded("application/json", b"{} {}").json_problem.is_some());
    }

    #[test]
    fn an_empty_body_is_an_empty_text() {
        let plain = decoded("text/plain", b"");
        assert!(plain.call.text.is_empty() && plain.call.json.is_none() && plain.json_problem.is_none());
        let problem = decoded("application/json", b"").json_problem.expect("nothing is not JSON");
        assert_eq!(problem.reason, "eof while parsing a value");
    }

    #[test]
    fn what_is_not_text_is_refused() {
        for kind in [
            "image/png",
            "Audio/ogg",
            "video/mp4",
            "application/octet-stream",
            "multipart/form-data; boundary=x",
            "application/pdf",
            "application/zip",
            "application/gzip",
            "application/cbor",
            "application/epub+zip",
        ] {
            assert!(matches!(refused(kind, b"{}"), DecodeError::UnsupportedMediaType(_)), "{kind}");
        }
    }

    #[test]
    fn a_form_is_an_object_of_strings_and_keeps_its_text() {
        let form = decoded("application/x-www-form-urlencoded; charset=utf-8", b"state=down&host=db+1%21&n=5&state=up");
        assert_eq!(
            form.call.json,
            Some(json!({"state": "up", "host": "db 1!", "n": "5"})),
            "the last of equal names wins"
        );
        assert_eq!(form.call.text, "state=down&host=db+1%21&n=5&state=up");
        assert_eq!(decoded("text/plain", b"state=down").call.json, None);
    }

    #[test]
    fn the_one_field_payload_of_a_form_is_unwrapped_as_github_sends_it() {
        let kind = "application/x-www-form-urlencoded";
        let json = |body: &str| decoded(kind, body.as_bytes()).call.json;
        assert_eq!(
            json("payload=%7B%22action%22%3A%22completed%22%2C%22n%22%3A1.0%7D").map(|json| json.to_string()),
            Some("{\"action\":\"completed\",\"n\":1.0}".to_owned())
        );
        assert_eq!(json("payload=plain"), Some(json!({"payload": "plain"})));
        assert_eq!(json("payload=%7B%7D&x=1"), Some(json!({"payload": "{}", "x": "1"})), "only where it is alone");
    }

    #[test]
    fn a_text_that_curl_sends_as_a_form_stays_a_text() {
        let text = decoded("application/x-www-form-urlencoded", b"backup FAILED on nas01");
        assert_eq!((text.call.json, text.call.text.as_str()), (None, "backup FAILED on nas01"));
    }

    #[test]
    fn json_that_is_not_utf8_is_refused() {
        let body = b"{\"a\":\"\xe9\"}";
        for kind in ["application/json", "application/json; charset=latin1", "text/plain", "text/plain; charset=latin1"]
        {
            assert_eq!(refused(kind, body), DecodeError::BadEncoding { at: 7 }, "{kind}");
        }
    }

    #[test]
    fn latin1_text_is_read_only_where_declared() {
        assert_eq!(refused("text/plain", b"caf\xe9"), DecodeError::BadEncoding { at: 4 });
        assert_eq!(refused("text/plain; charset=utf-16", b"\xff\xfe"), DecodeError::BadEncoding { at: 1 });
        for kind in ["text/plain; charset=ISO-8859-1", "text/plain;x=y; charset=\"latin1\""] {
            assert_eq!(decoded(kind, b"[WARN] caf\xe9").call.text, "[WARN] caf\u{e9}");
            assert_eq!(decoded(kind, "caf\u{e9}".as_bytes()).call.text, "caf\u{e9}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_tolerated() {
        let decoded = decoded("application/json", b"\xef\xbb\xbf{\"a\":1}");
        assert_eq!((decoded.call.text.as_str(), decoded.call.json), ("{\"a\":1}", Some(json!({"a": 1}))));
    }

    #[test]
    fn of_duplicate_keys_the_last_wins() {
        assert_eq!(decoded("", b"{\"a\":1,\"a\":2}").call.json, Some(json!({"a": 2})));
    }

    #[test]
    fn numbers_keep_their_text() {
        let body = "[1.0,1e999999,12345678901234567890123,-0]";
        assert_eq!(
            decoded("", body.as_bytes()).call.json.map(|value| value.to_string()).as_deref(),
            Some("[1.0,1e+999999,12345678901234567890123,-0]")
        );
    }

    #[test]
    fn escaped_nul_bytes_are_fine() {
        assert_eq!(decoded("", b"[\"\\u0000\"]").call.json, Some(json!(["\0"])));
    }

    #[test]
    fn sixty_four_levels_parse_and_sixty_five_do_not() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(decoded("application/json", nested(64).as_bytes()).call.json.is_some());
        let deep = decoded("application/json", format!(" \n{}", nested(65)).as_bytes());
        let reason = "nested deeper than 64 levels at byte 67".to_owned();
        assert_eq!(deep.json_problem, Some(JsonProblem { line: 2, column: 65, reason }));
        assert!(deep.call.json.is_none());
        let in_a_string = format!("[\"{}\\\"{}\"]", "[".repeat(100), "{".repeat(100));
        assert!(decoded("", in_a_string.as_bytes()).call.json.is_some());
    }

    #[test]
    fn a_hundred_thousand_brackets_cost_nothing() {
        for opening in ["[", "{\"a\":"] {
            let decoded = decoded("application/json", opening.repeat(100_000).as_bytes());
            assert!(decoded.json_problem.is_some_and(|problem| problem.reason.starts_with("nested deeper")));
        }
    }

    #[test]
    fn the_parsers_own_marker_key_does_no_harm() {
        let marker = "$serde_json::private::Number";
        for value in ["\"1\"", "\"hunter2\"", "77", "{}"] {
            let decoded = decoded("application/json", format!("{{\"{marker}\":{value}}}").as_bytes());
            assert!(decoded.call.json.is_none_or(|json| json.is_object()), "{value}");
            let reason = decoded.json_problem.map(|problem| problem.reason).unwrap_or_default();
            assert!(!reason.contains("77") && !reason.contains("hunter2"), "{reason}");
        }
    }

    #[test]
    fn cloudevents_in_binary_mode_are_wrapped() {
        let headers = [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-type", "raised"),
            ("ce-source", "/hall%203"),
            ("ce-id", "\"e \\\"1\\\"\""),
            ("ce-data", "forged"),
            ("ce-severity", "Euro%20%E2%82%AC"),
        ];
        let json = |body: &[u8]| decode_with(&headers, body).ok().and_then(|decoded| decoded.call.json);
        let event = json!({
            "specversion": "1.0", "type": "raised", "source": "/hall 3", "id": "e \"1\"", "severity": "Euro \u{20ac}",
            "datacontenttype": "application/json", "data": {"level": 4}
        });
        assert_eq!(json(b"{\"level\":4}"), Some(event.clone()));
        assert_eq!(json(b"plain").and_then(|event| event.get("data").cloned()), Some(json!("plain")));
        assert_eq!(json(b"").map(|event| event.get("data").is_none()), Some(true));
    }

    #[test]
    fn cloudevents_in_structured_mode_stay_as_they_are() {
        let headers = [("content-type", "application/cloudevents+json; charset=utf-8"), ("ce-specversion", "1.0")];
        let json = decode_with(&headers, b"{\"id\":\"1\"}").ok().and_then(|decoded| decoded.call.json);
        assert_eq!(json, Some(json!({"id": "1"})));
    }

    #[test]
    fn credential_headers_never_enter_a_call() {
        let headers = [
            ("Authorization", "Bearer x"),
            ("Proxy-Authorization", "x"),
            ("Cookie", "x"),
            ("Set-Cookie", "x"),
            ("X-Api-Key", "x"),
            ("Api-Key", "x"),
            ("X-Auth-Token", "x"),
            ("X-Gitlab-Token", "x"),
            ("User-Agent", "curl"),
        ];
        let kept = decode_with(&headers, b"").map(|decoded| decoded.call.headers).unwrap_or_default();
        assert_eq!(kept, [("user-agent".to_owned(), "curl".to_owned())]);
    }

    #[test]
    fn the_query_is_decoded_and_has_no_token() {
        let raw_query = Some("from=Backup+Server%21&TOKEN=x&%61ccess_token=y&a=1&&a=2&b&%zz=%");
        let source_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let call = decode(RawCall { headers: &HeaderMap::new(), raw_query, source_ip, body: b"" }).map(|d| d.call);
        let query = call.map(|call| call.query).unwrap_or_default();
        let pairs: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("from", "Backup Server!"), ("a", "1"), ("a", "2"), ("b", ""), ("%zz", "%")]);
    }

    #[test]
    fn a_mapped_address_is_ipv4() {
        assert_eq!(normal_ip("::ffff:192.0.2.1".parse().unwrap()), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        for same in ["2001:db8::1", "192.0.2.1", "::1"] {
            assert_eq!(normal_ip(same.parse().unwrap()).to_string(), same);
        }
    }

    #[test]
    fn every_senders_fixture_decodes() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/senders");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let fixture: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
            let headers: Vec<(&str, &str)> = fixture["headers"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
                .collect();
            let as_text = fixture["body"].as_str();
            let body = as_text.map_or_else(|| fixture["body"].to_string(), str::to_owned);
            let decoded = decode_with(&headers, body.as_bytes()).unwrap_or_else(|error| panic!("{fixture}: {error}"));
            let binary_event = headers.iter().any(|(name, _)| *name == "ce-specversion");
            let json = decoded.call.json.map(|json| if binary_event { json["data"].clone() } else { json });
            let is_form = headers.iter().any(|(_, value)| value.starts_with("application/x-www-form"));
            match (is_form, &json) {
                (true, json) => assert!(json.as_ref().is_some_and(|json| json.get("payload").is_none()), "{fixture}"),
                (false, json) => assert_eq!(*json, as_text.is_none().then(|| fixture["body"].clone())),
            }
            assert_eq!((decoded.call.text, decoded.json_problem), (body, None));
            seen += 1;
        }
        assert!(seen >= 20, "the fixtures are gone");
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(body in prop::collection::vec(any::<u8>(), 0..200), kind in 0..4_usize) {
            let kind = ["application/json", "text/plain", "text/plain; charset=latin1", ";;/;charset"][kind];
            let _whatever = decode_with(&[("content-type", kind)], &body).is_ok();
        }
    }
}
