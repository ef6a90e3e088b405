//! What deduplication remembers, in memory: bounded, the oldest goes first (domain.md §4).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tollgate_shared::id::TokenId;
use tollgate_shared::limits::{DEDUP_ENTRIES_MAX, DEDUP_WINDOW_SECS_MAX};
use tollgate_shared::time::Timestamp;

use crate::core::call::fingerprint::Fingerprint;
use crate::core::model::DedupEntry;

/// How many entries may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DedupBounds {
    /// Of all tokens.
    pub(super) total: usize,
    /// Of one token.
    pub(super) token: usize,
}

/// The entries and the order they came in.
#[derive(Debug)]
pub(super) struct Dedup {
    bounds: DedupBounds,
    entries: HashMap<(TokenId, Fingerprint), Kept>,
    /// By arrival, which is what "oldest" means: a commit's entries share a moment.
    by_age: BTreeMap<u64, (TokenId, Fingerprint)>,
    ages_of: HashMap<TokenId, BTreeSet<u64>>,
    next_age: u64,
    /// For each block on disk how many of its entries are still remembered. One with none is rubbish.
    living: BTreeMap<u64, u32>,
}

#[derive(Debug)]
struct Kept {
    age: u64,
    block: u64,
    entry: DedupEntry,
}

impl Default for DedupBounds {
    fn default() -> Self {
        Self { total: DEDUP_ENTRIES_MAX, token: DEDUP_ENTRIES_MAX / 4 }
    }
}

impl Dedup {
    pub(super) fn new(bounds: DedupBounds) -> Self {
        Self {
            bounds,
            entries: HashMap::new(),
            by_age: BTreeMap::new(),
            ages_of: HashMap::new(),
            next_age: 0,
            living: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, token: TokenId, fingerprint: &Fingerprint) -> Option<&DedupEntry> {
        self.entries.get(&(token, *fingerprint)).map(|kept| &kept.entry)
    }

    /// Registers a block of the disk although nothing of it may be remembered, so that it is found when it is rubbish.
    pub(super) fn begin_block(&mut self, block: u64) {
        self.living.entry(block).or_insert(0);
    }

    /// Takes an entry in; replaces an older one of the same call; keeps the bounds.
    pub(super) fn insert(&mut self, block: u64, token: TokenId, fingerprint: Fingerprint, entry: DedupEntry) {
        self.remove(&(token, fingerprint));
        let age = self.next_age;
        self.next_age += 1;
        self.entries.insert((token, fingerprint), Kept { age, block, entry });
        self.by_age.insert(age, (token, fingerprint));
        self.ages_of.entry(token).or_default().insert(age);
        *self.living.entry(block).or_insert(0) += 1;
        self.keep_bounds(token);
    }

    /// Forgets what no window can reach any more.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        let horizon = now.plus_secs(-i64::from(DEDUP_WINDOW_SECS_MAX));
        while let Some(key) = self.by_age.first_key_value().map(|(_, key)| *key) {
            if self.entries.get(&key).is_some_and(|kept| kept.entry.at >= horizon) {
                break;
            }
            self.remove(&key);
        }
    }

    /// At most `limit` blocks of the disk of which nothing is remembered, oldest first.
    pub(super) fn rubbish(&self, limit: usize) -> Vec<u64> {
        self.living.iter().filter(|(_, living)| **living == 0).map(|(block, _)| *block).take(limit).collect()
    }

    /// These blocks are no longer on disk.
    pub(super) fn blocks_dropped(&mut self, blocks: &[u64]) {
        for block in blocks {
            self.living.remove(block);
        }
    }

    fn keep_bounds(&mut self, token: TokenId) {
        let oldest_of_token = self
            .ages_of
            .get(&token)
            .filter(|ages| ages.len() > self.bounds.token)
            .and_then(|ages| ages.first())
            .and_then(|age| self.by_age.get(age))
            .copied();
        if let Some(key) = oldest_of_token {
            self.remove(&key);
        }
        if self.entries.len() > self.bounds.total
            && let Some(key) = self.by_age.first_key_value().map(|(_, key)| *key)
        {
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &(TokenId, Fingerprint)) {
        let Some(kept) = self.entries.remove(key) else { return };
        self.by_age.remove(&kept.age);
        if let Some(ages) = self.ages_of.get_mut(&key.0) {
            ages.remove(&kept.age);
            if ages.is_empty() {
                self.ages_of.remove(&key.0);
            }
        }
        if let Some(living) = self.living.get_mut(&kept.block) {
            *living = living.saturating_sub(1);
        }
    }
}
