//! Quotas of calls: GCRA, one number a token (domain.md §2, `rate_limit`). Off by default: nothing is kept of a token
//! that has none.
//!
//! The number is the *theoretical arrival time*: when the bucket will be empty again, in nanoseconds. A call moves it on
//! by one interval and is let in while it stays within `burst` intervals of now.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tollgate_shared::id::TokenId;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::RateLimit;

/// The buckets of all tokens with a quota. In memory only: a restart fills them.
#[derive(Default)]
pub struct Quotas {
    buckets: RwLock<HashMap<TokenId, Arc<AtomicU64>>>,
}

/// Where a token stands after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Calls that may come at once.
    pub limit: u32,
    /// Calls that may still come at once.
    pub remaining: u32,
    /// Seconds until all of them may come again.
    pub reset_secs: u32,
    /// Seconds to wait, where this call was one too many.
    pub retry_after_secs: Option<u32>,
}

impl Quotas {
    /// Counts a call against the token's quota.
    pub fn take(&self, token: TokenId, limit: RateLimit, now: Timestamp) -> Standing {
        let now = u64::try_from(now.as_micros()).unwrap_or(0).saturating_mul(1_000);
        let bucket = self.bucket(token);
        let interval = 60_000_000_000 / u64::from(limit.calls_per_min.max(1));
        let depth = interval * u64::from(limit.burst.max(1));
        let next = |emptied: u64| emptied.max(now) + interval;
        // A quota that was lowered must not hold what the wider one had let in.
        let within = |emptied: u64| emptied.min(now + depth);
        let fits = |emptied: u64| next(within(emptied)) <= now + depth;
        let after = |emptied: u64| if fits(emptied) { next(within(emptied)) } else { within(emptied) };
        let before = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |emptied| Some(after(emptied)));
        let before = before.unwrap_or_else(|unchanged| unchanged);
        let emptied = after(before);
        let wait = (!fits(before)).then(|| whole_secs(next(emptied) - (now + depth)).max(1));
        let ahead = emptied.saturating_sub(now);
        Standing {
            limit: limit.burst,
            remaining: u32::try_from((depth - ahead.min(depth)) / interval).unwrap_or(u32::MAX),
            reset_secs: whole_secs(ahead),
            retry_after_secs: wait,
        }
    }

    /// Forgets the tokens that `keep` does not hold: those revoked, and those whose quota was taken away.
    pub fn retain(&self, keep: impl Fn(TokenId) -> bool) {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner).retain(|token, _| keep(*token));
    }

    fn bucket(&self, token: TokenId) -> Arc<AtomicU64> {
        let known = self.buckets.read().unwrap_or_else(PoisonError::into_inner).get(&token).cloned();
        known.unwrap_or_else(|| {
            self.buckets.write().unwrap_or_else(PoisonError::into_inner).entry(token).or_default().clone()
        })
    }
}

fn whole_secs(nanos: u64) -> u32 {
    u32::try_from(nanos.div_ceil(1_000_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn token() -> TokenId {
        "s_7QmX0c2LrT".parse().unwrap()
    }

    #[test]
    fn a_burst_is_let_in_at_once_and_then_one_call_an_interval() {
        let (quotas, limit) = (Quotas::default(), RateLimit { calls_per_min: 60, burst: 3 });
        let remaining: Vec<_> = (0..3).map(|_| quotas.take(token(), limit, START).remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let full = quotas.take(token(), limit, START);
        assert_eq!((full.retry_after_secs, full.remaining, full.reset_secs, full.limit), (Some(1), 0, 3, 3));
        assert_eq!(quotas.take(token(), limit, START.plus_secs(1)).retry_after_secs, None);
        assert_eq!(quotas.take(token(), limit, START.plus_secs(1)).retry_after_secs, Some(1));
        assert_eq!(quotas.take(token(), limit, START.plus_secs(60)).remaining, 2);
    }

    #[test]
    fn a_lowered_quota_does_not_hold_what_the_wider_one_had_let_in() {
        let (quotas, wide) = (Quotas::default(), RateLimit { calls_per_min: 1, burst: 100 });
        for _ in 0..100 {
            quotas.take(token(), wide, START);
        }
        let narrow = RateLimit { calls_per_min: 60, burst: 1 };
        assert_eq!(quotas.take(token(), narrow, START).retry_after_secs, Some(1));
        assert_eq!(quotas.take(token(), narrow, START.plus_secs(1)).retry_after_secs, None);
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate_are_let_in(
            calls_per_min in 1_u32..10_000, burst in 1_u32..50, steps in prop::collection::vec(0_i64..3_000_000, 1..200),
        ) {
            let (quotas, limit) = (Quotas::default(), RateLimit { calls_per_min, burst });
            let (mut now, mut let_in) = (START, 0_u64);
            for step in steps {
                now = Timestamp::from_micros(now.as_micros() + step);
                let_in += u64::from(quotas.take(token(), limit, now).retry_after_secs.is_none());
                let passed = u64::try_from(now.micros_since(START)).unwrap();
                let earned = passed * u64::from(calls_per_min) / 60_000_000;
                // The interval is cut to whole nanoseconds, which may let one call in early.
                prop_assert!(let_in <= earned + u64::from(burst) + 1);
            }
        }
    }
}
