//! What is set on a token for a time and ends by itself: a quota, blocked addresses; and how much of it debug logs.
//!
//! All of it is judged by the time at each call, so that nothing has to happen at the moment at which it ends; the sweep
//! only takes what is over out of the store and says so in the audit.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tollgate_shared::id::TokenId;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::RateLimit;

/// The measures on one token; no row of it exists while there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// A quota that stands in place of the lasting one.
    pub limit: Option<TimedLimit>,
    /// From where calls are refused, in the order in which it was said.
    pub blocks: Vec<Block>,
    /// While debug is on: one call in so many is logged.
    pub debug_one_in: Option<u32>,
}

/// A quota that ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedLimit {
    /// The quota.
    pub limit: RateLimit,
    /// Until when.
    pub until: Timestamp,
}

/// Addresses whose calls are refused for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The network; one address is one of its own.
    pub net: IpNet,
    /// Until when.
    pub until: Timestamp,
}

impl Measures {
    /// True where there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The quota that is in force instead of the lasting one.
    pub fn limit_at(&self, now: Timestamp) -> Option<TimedLimit> {
        self.limit.filter(|limit| now < limit.until)
    }

    /// What blocks an address; where several do, the one that lasts longest.
    pub fn block_of(&self, ip: IpAddr, now: Timestamp) -> Option<Block> {
        let ip = ip.to_canonical();
        let holding = self.blocks_at(now).filter(|block| block.net.contains(&ip));
        holding.max_by_key(|block| block.until)
    }

    /// The blocks that are in force.
    pub fn blocks_at(&self, now: Timestamp) -> impl Iterator<Item = Block> {
        self.blocks.iter().copied().filter(move |block| now < block.until)
    }

    /// Without what is over: the quota and blocks by their time, sampling once the token's debug is off.
    pub fn still(&self, debug_until: Option<Timestamp>, now: Timestamp) -> Self {
        let logs = debug_until.is_some_and(|until| now < until);
        Self {
            limit: self.limit_at(now),
            blocks: self.blocks_at(now).collect(),
            debug_one_in: self.debug_one_in.filter(|_| logs),
        }
    }
}

/// Counts the calls of tokens of which one in so many is logged. In memory: after a restart the next call is logged.
#[derive(Default)]
pub struct Samplers(RwLock<HashMap<TokenId, Arc<AtomicU64>>>);

impl Samplers {
    /// Counts a call; true where it is to be logged: the first, and from there on each so many-th.
    pub fn takes(&self, token: TokenId, one_in: u32) -> bool {
        self.counter(token).fetch_add(1, Ordering::Relaxed).is_multiple_of(u64::from(one_in.max(1)))
    }

    /// Forgets the tokens that `keep` does not hold.
    pub fn retain(&self, keep: impl Fn(TokenId) -> bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|token, _| keep(*token));
    }

    fn counter(&self, token: TokenId) -> Arc<AtomicU64> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&token).cloned();
        known
            .unwrap_or_else(|| self.0.write().unwrap_or_else(PoisonError::into_inner).entry(token).or_default().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn block(net: &str, secs: i64) -> Block {
        Block { net: net.parse().unwrap(), until: START.plus_secs(secs) }
    }

    #[test]
    fn an_address_is_blocked_by_any_network_that_holds_it_until_the_last_of_them_ends() {
        let blocks = vec![block("10.9.9.9/32", 60), block("10.9.0.0/16", 3_600), block("2001:db8::/64", 60)];
        let measures = Measures { blocks, ..Measures::default() };
        let until = |ip: &str, after: i64| {
            let block = measures.block_of(ip.parse().unwrap(), START.plus_secs(after))?;
            Some(block.until.secs_since(START))
        };
        assert_eq!(
            (until("10.9.9.9", 0), until("10.9.9.9", 3_599), until("10.9.9.9", 3_600)),
            (Some(3_600), Some(3_600), None)
        );
        assert_eq!((until("::ffff:10.9.1.1", 0), until("10.8.9.9", 0)), (Some(3_600), None));
        assert_eq!((until("2001:db8::7", 59), until("2001:db8::7", 60)), (Some(60), None));
    }

    #[test]
    fn one_call_in_a_hundred_is_logged_and_the_first_is_one_of_them() {
        let (samplers, token): (_, TokenId) = (Samplers::default(), "s_7QmX0c2LrT".parse().unwrap());
        let taken: Vec<_> = (0..250).filter(|_| samplers.takes(token, 100)).collect();
        assert_eq!(taken, [0, 100, 200]);
        samplers.retain(|_| false);
        assert!(samplers.takes(token, 100), "counted anew");
    }
}
