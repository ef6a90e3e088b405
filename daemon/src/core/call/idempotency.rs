//! Which call is the same one sent again, in its sender's own words (http.md §1 Idempotency-Key).

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tollgate_shared::id::TokenId;

use super::Call;
use super::fingerprint::Fingerprint;
use crate::core::endpoint::Endpoint;

/// Characters of a key at most.
const KEY_CHARS_MAX: usize = 255;

/// Headers in which senders number their deliveries; read only for tokens that ask for it.
const DELIVERY_HEADERS: [&str; 2] = ["x-github-delivery", "x-webhook-id"];

/// BLAKE3 over token, endpoint and key: keys of different tokens or endpoints have nothing to do with each other, and what
/// a sender wrote is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdempotencyKey(pub [u8; 32]);

/// The key of a call, and what a retry of it must equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key within its scope.
    pub key: IdempotencyKey,
    /// The call's content; no header counts, for a retry may pass another proxy.
    pub print: Fingerprint,
}

/// A key that cannot be used. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Idempotency-Key: one header with 1 to {KEY_CHARS_MAX} visible characters; send a fresh UUID for each call")]
pub struct BadKey;

/// The key that a call came with, if any: `Idempotency-Key`, or, where the token takes them, the number of its delivery.
///
/// # Errors
/// An `Idempotency-Key` that is empty, too long, not plain text, or there twice.
pub fn find(headers: &HeaderMap, delivery_ids: bool) -> Result<Option<String>, BadKey> {
    let mut own = headers.get_all("idempotency-key").iter();
    if let Some(value) = own.next() {
        let text = value.to_str().map_err(|_| BadKey)?.trim();
        // The draft of the header writes it as a quoted string; most senders do not.
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let usable = (1..=KEY_CHARS_MAX).contains(&inner.len()) && own.next().is_none();
        return if usable { Ok(Some(format!("key {inner}"))) } else { Err(BadKey) };
    }
    Ok(delivery_ids.then(|| delivery(headers)).flatten())
}

/// A number of a delivery that is of no use is no refusal: the sender did not choose this way.
fn delivery(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        (1..=KEY_CHARS_MAX).contains(&value.len()).then_some(value)
    };
    let numbered = DELIVERY_HEADERS.iter().find_map(|name| text(name).map(|value| format!("{name} {value}")));
    numbered.or_else(|| Some(format!("ce {}\u{1f}{}", text("ce-source")?, text("ce-id")?)))
}

impl Idempotency {
    /// The key `found` of a call of `token`. What the token leaves out of "same content" is left out here, too.
    pub fn of(found: &str, token: TokenId, endpoint: Endpoint, call: &Call, ignore: &[String]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [token.as_str(), endpoint.path(), found] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let print = Fingerprint::of(endpoint.path(), call, &[], ignore);
        Self { key: IdempotencyKey(*hasher.finalize().as_bytes()), print }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_header_is_the_key_with_or_without_quotes() {
        for text in ["8e03978e", "\"8e03978e\"", "  8e03978e "] {
            assert_eq!(
                find(&headers(&[("idempotency-key", text)]), false),
                Ok(Some("key 8e03978e".to_owned())),
                "{text}"
            );
        }
        assert_eq!(find(&HeaderMap::new(), true), Ok(None));
    }

    #[test]
    fn a_key_that_is_empty_too_long_or_there_twice_is_refused() {
        let long = "x".repeat(KEY_CHARS_MAX + 1);
        for text in ["", "\"\"", "  ", long.as_str()] {
            assert_eq!(find(&headers(&[("idempotency-key", text)]), false), Err(BadKey), "{text}");
        }
        let twice = headers(&[("idempotency-key", "a"), ("idempotency-key", "a")]);
        assert_eq!(find(&twice, false), Err(BadKey));
        assert!(find(&headers(&[("idempotency-key", &"x".repeat(KEY_CHARS_MAX))]), false).is_ok());
    }

    #[test]
    fn numbers_of_deliveries_count_only_where_the_token_takes_them() {
        for (pairs, expected) in [
            (&[("x-github-delivery", "72d3")][..], Some("x-github-delivery 72d3")),
            (&[("x-webhook-id", "9")], Some("x-webhook-id 9")),
            (&[("ce-source", "/hall"), ("ce-id", "7")], Some("ce /hall\u{1f}7")),
            (&[("ce-id", "7")], None),
            (&[("x-github-delivery", "")], None),
            (&[("x-github-delivery", "72d3"), ("idempotency-key", "a")], Some("key a")),
        ] {
            assert_eq!(find(&headers(pairs), true), Ok(expected.map(str::to_owned)));
            let without = pairs.iter().any(|(name, _)| *name == "idempotency-key");
            assert_eq!(find(&headers(pairs), false).map(|key| key.is_some()), Ok(without));
        }
    }

    #[test]
    fn a_key_counts_for_its_token_and_endpoint_only_and_a_header_does_not_make_another_call() {
        let call = crate::core::testing::call(&serde_json::json!({"a": 1}));
        let token: TokenId = "s_7QmX0c2LrT".parse().unwrap();
        let other: TokenId = "s_7QmX0c2LrU".parse().unwrap();
        let of = |token, endpoint, call: &Call| Idempotency::of("key a", token, endpoint, call, &[]);
        let first = of(token, Endpoint::Process, &call);
        assert_ne!(first.key, of(other, Endpoint::Process, &call).key);
        assert_ne!(first.key, of(token, Endpoint::Enqueue, &call).key);
        let proxied = Call { headers: vec![("via".to_owned(), "1.1 b".to_owned())], ..call };
        assert_eq!(first, of(token, Endpoint::Process, &proxied));
    }
}
