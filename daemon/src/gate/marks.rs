//! Headers that help a sender: how much of its quota is left, and when what it presented ends (http.md §1).

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_shared::time::Timestamp;

use crate::core::quota::Standing;

/// What is said in headers to the holder of a known token.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// Where it stands in its quota, if it has one.
    pub(super) quota: Option<Standing>,
    /// When the token, or the old secret that was presented, ends: only where that is near.
    pub(super) ends: Option<Timestamp>,
}

impl Marks {
    /// Puts them on an answer.
    pub(super) fn put(self, headers: &mut HeaderMap) {
        if let Some(quota) = self.quota {
            headers.insert(HeaderName::from_static("ratelimit-limit"), quota.limit.into());
            headers.insert(HeaderName::from_static("ratelimit-remaining"), quota.remaining.into());
            headers.insert(HeaderName::from_static("ratelimit-reset"), quota.reset_secs.into());
        }
        if let Some(value) = self.ends.and_then(|ends| HeaderValue::from_str(&ends.to_string()).ok()) {
            headers.insert(HeaderName::from_static("tollgate-token-expires"), value);
        }
    }
}
