//! The credential of a call (http.md §1 Credentials), and the query string without it.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use tollgate_shared::secret;
use zeroize::Zeroizing;

use super::secret_names::SecretNames;

/// A cut query string is at most this long, so that a row of the log stays small.
pub const QUERY_BYTES_MAX: usize = 2 * 1_024;
/// Parameters that carry the token of the call.
const TOKEN_PARAMETERS: [&str; 2] = ["token", "access_token"];
/// Stands where a value was.
const CUT: &str = "[cut]";
/// Ends a query string that was longer than the limit.
const SHORTENED: &str = "...";
/// Schemes that may be named in a reason. Any other word before the value may itself be part of a secret.
const FOREIGN_SCHEMES: [&str; 8] =
    ["ApiKey", "AWS4-HMAC-SHA256", "Digest", "GenieKey", "Key", "Negotiate", "NTLM", "Splunk"];

/// The credential as presented, not checked. No `Debug`, no `Clone`; overwritten with zeros when dropped.
pub struct Presented {
    /// The value, as it came.
    pub value: Zeroizing<String>,
    /// It came in the query: the answer carries `Cache-Control: private, no-store`, and the token may refuse this form.
    pub via_query: bool,
}

/// Why there is no single credential. Holds nothing of what was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// 401 `credential-missing`.
    #[error("no token was presented: {0}; send `Authorization: Bearer TOKEN`")]
    Missing(MissingWhy),
    /// 400 `multiple-credentials`.
    #[error("more than one credential was presented; send exactly one, in the header or in the query")]
    Multiple,
}

/// What stood in the place of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissingWhy {
    /// Basic, but not base64 of `user:password`.
    #[error("the Basic credential cannot be decoded")]
    BadBasic,
    /// A value of length nought, often a variable that was not set.
    #[error("the token is empty")]
    Empty,
    /// A scheme that other products use, by its name.
    #[error("the authorization scheme {0} is not known here")]
    ForeignScheme(&'static str),
    /// The header holds one word only.
    #[error("the authorization header has no scheme before the value")]
    NoScheme,
    /// Neither header nor parameter.
    #[error("there is no authorization header and no token parameter")]
    Nothing,
    /// A scheme that is not named, for it may be part of a secret.
    #[error("the authorization scheme is not known here")]
    UnknownScheme,
}

/// Finds the credential of a call. An `Authorization` header with an unknown scheme does not count as a credential, nor
/// does an empty value: senders with a fixed header can still use the query.
///
/// # Errors
/// `Missing` with what stood there instead, or `Multiple` (two headers, two parameters, or one of each, even when equal).
pub fn extract(headers: &HeaderMap, raw_query: Option<&str>) -> Result<Presented, CredentialError> {
    let mut header_values = headers.get_all(AUTHORIZATION).iter();
    let header = header_values.next().map(|value| from_header(value.as_bytes()));
    if header_values.next().is_some() {
        return Err(CredentialError::Multiple);
    }
    let mut in_query = query_tokens(raw_query).into_iter();
    let from_query = in_query.next();
    if in_query.next().is_some() {
        return Err(CredentialError::Multiple);
    }
    match (header, from_query) {
        (Some(Ok(_)), Some(value)) if !value.is_empty() => Err(CredentialError::Multiple),
        (Some(Ok(value)), _) => Ok(Presented { value, via_query: false }),
        (_, Some(value)) if !value.is_empty() => Ok(Presented { value, via_query: true }),
        (Some(Err(why)), _) => Err(CredentialError::Missing(why)),
        (None, Some(_)) => Err(CredentialError::Missing(MissingWhy::Empty)),
        (None, None) => Err(CredentialError::Missing(MissingWhy::Nothing)),
    }
}

/// The query string as it may be logged: the names stay, the values of credential and other secret-named parameters and
/// whatever has the form of a token are replaced by `[cut]`. ASCII, at most [`QUERY_BYTES_MAX`] bytes.
pub fn cut_query(raw_query: Option<&str>) -> String {
    let mut out = String::new();
    let raw = raw_query.unwrap_or_default();
    // A `;` separates parameters for some senders; cutting at both hides more, never less.
    for pair in raw.split_inclusive(['&', ';']) {
        let (pair, separator) = match pair.strip_suffix(['&', ';']) {
            Some(inner) => (inner, &pair[inner.len()..]),
            None => (pair, ""),
        };
        push_cut_pair(&mut out, pair);
        out.push_str(separator);
        if out.len() > QUERY_BYTES_MAX {
            out.truncate(QUERY_BYTES_MAX - SHORTENED.len());
            out.push_str(SHORTENED);
            break;
        }
    }
    out
}

/// Is this decoded parameter name one that carries the token of the call?
pub(super) fn is_token_parameter(name: &str) -> bool {
    TOKEN_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name.trim()))
}

/// Splits a raw query at `&` and decodes names and values as forms do (`+` is a space), in order.
pub(super) fn query_pairs(raw_query: Option<&str>) -> impl Iterator<Item = (String, Zeroizing<String>)> {
    raw_query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decoded(name), Zeroizing::new(form_decoded(value)))
    })
}

fn form_decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn query_tokens(raw_query: Option<&str>) -> Vec<Zeroizing<String>> {
    query_pairs(raw_query).filter(|(name, _)| is_token_parameter(name)).map(|(_, value)| value).collect()
}

fn from_header(bytes: &[u8]) -> Result<Zeroizing<String>, MissingWhy> {
    let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
    let text = text.trim();
    if text.is_empty() {
        return Err(MissingWhy::Empty);
    }
    let (scheme, value) = match text.split_once([' ', '\t']) {
        Some((scheme, value)) => (scheme, value.trim()),
        None => (text, ""),
    };
    let is = |known: &str| scheme.eq_ignore_ascii_case(known);
    if is("Bearer") || is("Token") {
        return some_value(value);
    }
    if is("Basic") {
        return basic_password(value);
    }
    let foreign = FOREIGN_SCHEMES.into_iter().find(|known| is(known)).map(MissingWhy::ForeignScheme);
    Err(foreign.unwrap_or(if value.is_empty() { MissingWhy::NoScheme } else { MissingWhy::UnknownScheme }))
}

fn some_value(value: &str) -> Result<Zeroizing<String>, MissingWhy> {
    if value.is_empty() { Err(MissingWhy::Empty) } else { Ok(Zeroizing::new(value.to_owned())) }
}

/// The password of `user:password` (RFC 7617); the user's name says nothing to us.
fn basic_password(value: &str) -> Result<Zeroizing<String>, MissingWhy> {
    let decoded = base64_decoded(value).ok_or(MissingWhy::BadBasic)?;
    let text = std::str::from_utf8(&decoded).map_err(|_| MissingWhy::BadBasic)?;
    let (_user, password) = text.split_once(':').ok_or(MissingWhy::BadBasic)?;
    some_value(password)
}

/// Base64 of RFC 4648 §4, the padding optional. Written out here because the result is a secret: a buffer that grows
/// inside a library would leave copies behind.
pub(super) fn base64_decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if digits.len() % 4 == 1 || text.len() - digits.len() > 2 {
        return None;
    }
    let mut out = Zeroizing::new(Vec::with_capacity(digits.len()));
    for chunk in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in chunk {
            bits = bits << 6 | base64_digit(*digit)?;
        }
        bits <<= 6 * (4 - chunk.len());
        out.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(out)
}

fn base64_digit(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

fn push_cut_pair(out: &mut String, pair: &str) {
    let (name, value) = match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    };
    let plain_name = fully_decoded(name);
    let name_is_secret = !secret::find_in(&plain_name).is_empty();
    push_loggable(out, if name_is_secret { CUT } else { name });
    let Some(value) = value else { return };
    out.push('=');
    let is_secret = SecretNames::default_names().contains(&plain_name)
        || !secret::find_in(value).is_empty()
        || !secret::find_in(&fully_decoded(value)).is_empty();
    push_loggable(out, if is_secret { CUT } else { value });
}

/// A part of a request target as it may be looked through for secrets: decoded, where decoding brings one to light.
pub fn readable(text: &str) -> Cow<'_, str> {
    let decoded = fully_decoded(text);
    let hides_one = secret::find_in(text).is_empty() && !secret::find_in(&decoded).is_empty();
    if hides_one { Cow::Owned(decoded) } else { Cow::Borrowed(text) }
}

/// Decodes until nothing changes: a name that was encoded twice must not slip through. Three rounds are enough; what is
/// encoded more often no receiver reads as a token.
fn fully_decoded(text: &str) -> String {
    let mut current = form_decoded(text);
    for _ in 0..3 {
        let next = form_decoded(&current);
        if next == current {
            break;
        }
        current = next;
    }
    current
}

/// Appends with everything but visible ASCII percent-encoded, so that no log line can be forged or cut inside a
/// character.
fn push_loggable(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "tg_s_01IYT0XLWR003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf_1BvyW3";

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    /// The value and whether it came in the query.
    fn check(values: &[&str], query: Option<&str>, expected: Result<(&str, bool), CredentialError>) {
        let found =
            extract(&headers(values), query).map(|presented| (presented.value.to_string(), presented.via_query));
        assert_eq!(found, expected.map(|(value, via_query)| (value.to_owned(), via_query)), "{values:?} {query:?}");
    }

    fn missing(why: MissingWhy) -> Result<(&'static str, bool), CredentialError> {
        Err(CredentialError::Missing(why))
    }

    #[test]
    fn a_token_is_found_in_each_of_its_five_places() {
        check(&["Bearer abc"], None, Ok(("abc", false)));
        check(&["bEARER   abc "], None, Ok(("abc", false)));
        check(&["Token abc"], Some("from=x"), Ok(("abc", false)));
        check(&["Basic dXNlcjphYmM="], None, Ok(("abc", false)));
        check(&["basic OmE6Yg=="], None, Ok(("a:b", false)));
        check(&[], Some("from=x&token=abc"), Ok(("abc", true)));
        check(&[], Some("access_token=a%5Fc"), Ok(("a_c", true)));
        check(&[], Some("%74oken=abc"), Ok(("abc", true)));
        check(&[], Some("Token=abc"), Ok(("abc", true)));
    }

    #[test]
    fn more_than_one_credential_is_refused_even_when_they_are_equal() {
        let multiple = Err(CredentialError::Multiple);
        check(&["Bearer abc", "Bearer abc"], None, multiple);
        check(&["Bearer abc", "GenieKey abc"], None, multiple);
        check(&["Bearer abc"], Some("token=abc"), multiple);
        check(&[], Some("token=abc&token=abc"), multiple);
        check(&[], Some("token=abc&access_token=abc"), multiple);
        check(&[], Some("token=abc&TOKEN=abc"), multiple);
    }

    #[test]
    fn a_missing_credential_says_what_stood_there() {
        check(&[], None, missing(MissingWhy::Nothing));
        check(&[], Some("from=x"), missing(MissingWhy::Nothing));
        check(&[], Some("token="), missing(MissingWhy::Empty));
        check(&[], Some("token"), missing(MissingWhy::Empty));
        check(&["Bearer"], None, missing(MissingWhy::Empty));
        check(&["Bearer  "], None, missing(MissingWhy::Empty));
        check(&[""], None, missing(MissingWhy::Empty));
        check(&["geniekey 123"], None, missing(MissingWhy::ForeignScheme("GenieKey")));
        check(&["hunter2 abc"], None, missing(MissingWhy::UnknownScheme));
        check(&[TOKEN], None, missing(MissingWhy::NoScheme));
        check(&["Basic !!!"], None, missing(MissingWhy::BadBasic));
        check(&["Basic YWJj"], None, missing(MissingWhy::BadBasic));
        check(&["Basic dXNlcjo="], None, missing(MissingWhy::Empty));
    }

    #[test]
    fn a_header_that_is_no_credential_does_not_hide_the_query() {
        check(&["GenieKey 123"], Some("token=abc"), Ok(("abc", true)));
        check(&["Bearer abc"], Some("token="), Ok(("abc", false)));
    }

    #[test]
    fn no_reason_repeats_what_was_presented() {
        for value in [TOKEN, "hunter2 hunter3", "Basic hunter2"] {
            let reason = extract(&headers(&[value]), None).err().map(|error| error.to_string()).unwrap();
            assert!(!reason.contains("hunter") && !reason.contains("tg_s_"), "{reason}");
        }
    }

    #[test]
    fn a_header_that_is_no_text_is_no_panic() {
        let mut map = HeaderMap::new();
        map.insert(AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap());
        map.insert(HeaderName::from_static("x-other"), HeaderValue::from_static("1"));
        assert!(extract(&map, Some("%&%zz=%&=&&token%")).is_ok());
    }

    #[test]
    fn base64_is_decoded_strictly() {
        let decoded = |text: &str| base64_decoded(text).map(|bytes| bytes.to_vec());
        for (text, expected) in
            [("", ""), ("Zg==", "f"), ("Zg", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")]
        {
            assert_eq!(decoded(text), Some(expected.as_bytes().to_vec()), "{text}");
        }
        for text in ["Z", "Zm9vY", "Zm 9", "Zg===", "Z=g=", "Zm9-"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn the_query_keeps_names_and_loses_credentials() {
        let encoded = TOKEN.replace('_', "%5F");
        for (raw, expected) in [
            ("", ""),
            ("from=a&x=1", "from=a&x=1"),
            ("from=a&token=abc", "from=a&token=[cut]"),
            ("Token=abc&ACCESS_TOKEN=d", "Token=[cut]&ACCESS_TOKEN=[cut]"),
            ("%74oken=abc", "%74oken=[cut]"),
            ("%2574oken=abc", "%2574oken=[cut]"),
            ("a=1;token=abc", "a=1;token=[cut]"),
            ("token[]=abc&token=", "token[]=[cut]&token=[cut]"),
            ("%zztoken=abc&%", "%zztoken=[cut]&%"),
            ("password=abc&routing_key=d", "password=[cut]&routing_key=[cut]"),
            ("a=b=c&d", "a=b=c&d"),
            (&format!("x={TOKEN}"), "x=[cut]"),
            (&format!("x={encoded}"), "x=[cut]"),
            (TOKEN, "[cut]"),
            (&format!("{TOKEN}=1"), "[cut]=1"),
            ("a=x\ny\u{e9}", "a=x%0Ay%C3%A9"),
        ] {
            assert_eq!(cut_query((!raw.is_empty()).then_some(raw)), expected, "{raw}");
        }
    }

    #[test]
    fn the_query_is_bounded() {
        let long = cut_query(Some(&format!("a={}&token=abc", "\u{e9}".repeat(100_000))));
        assert!(long.len() == QUERY_BYTES_MAX && long.ends_with(SHORTENED));
        assert!(cut_query(Some(&"&".repeat(100_000))).len() <= QUERY_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn a_seeded_token_never_survives_in_the_query(before in ".{0,40}", name in "[a-z%=;&+]{0,8}", after in ".{0,40}") {
            let cut = cut_query(Some(&format!("{before}&{name}={TOKEN}&{after}")));
            prop_assert!(!cut.contains("XLWR003aUl"), "{}", cut);
            prop_assert!(cut.is_ascii() && cut.len() <= QUERY_BYTES_MAX);
        }
    }

    #[test]
    fn a_secret_that_is_percent_encoded_is_brought_to_light_and_all_else_stays() {
        let hidden: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let twice = hidden.replace('%', "%25");
        for target in [format!("POST /v1/{hidden}"), format!("/v1/{twice}?x=1")] {
            assert!(readable(&target).contains(TOKEN), "{target}");
        }
        assert_eq!(readable("/v1/services/Ops%2FDB"), "/v1/services/Ops%2FDB");
    }
}
