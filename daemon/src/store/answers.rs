//! Which idempotency keys were answered, in memory: where the answer is on disk, not the answer itself. Bounded, the oldest
//! goes first (storage.md, Bounds).

use std::collections::{BTreeMap, HashMap, VecDeque};

use tollgate_shared::limits::IDEMPOTENCY_SECS;
use tollgate_shared::time::Timestamp;

use crate::core::call::idempotency::IdempotencyKey;
use crate::core::model::{AnswerPlace, Answered};

/// The keys and the order they came in.
#[derive(Debug)]
pub(super) struct Answers {
    max: usize,
    entries: HashMap<IdempotencyKey, Answered>,
    /// By arrival; one that was replaced meanwhile is in here twice and counts at its later place only.
    by_age: VecDeque<(IdempotencyKey, AnswerPlace)>,
    /// For each block on disk how many of its answers are still known. One with none is rubbish.
    living: BTreeMap<u64, u32>,
}

impl Answers {
    pub(super) fn new(max: usize) -> Self {
        Self { max, entries: HashMap::new(), by_age: VecDeque::new(), living: BTreeMap::new() }
    }

    pub(super) fn get(&self, key: &IdempotencyKey) -> Option<Answered> {
        self.entries.get(key).copied()
    }

    /// Registers a block of the disk although nothing of it may be known, so that it is found when it is rubbish.
    pub(super) fn begin_block(&mut self, block: u64) {
        self.living.entry(block).or_insert(0);
    }

    /// Takes one in; replaces an older one under the same key; keeps the bound.
    pub(super) fn insert(&mut self, key: IdempotencyKey, answered: Answered) {
        self.remove(&key);
        self.entries.insert(key, answered);
        self.by_age.push_back((key, answered.place));
        *self.living.entry(answered.place.block).or_insert(0) += 1;
        while self.entries.len() > self.max {
            self.drop_oldest();
        }
    }

    /// Forgets what is not kept any more.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        let horizon = now.plus_secs(-IDEMPOTENCY_SECS);
        while let Some((key, place)) = self.by_age.front() {
            let known = self.entries.get(key).filter(|known| known.place == *place);
            if known.is_some_and(|known| known.at > horizon) {
                return;
            }
            self.drop_oldest();
        }
    }

    /// At most `limit` blocks of the disk of which nothing is known, oldest first.
    pub(super) fn rubbish(&self, limit: usize) -> Vec<u64> {
        self.living.iter().filter(|(_, living)| **living == 0).map(|(block, _)| *block).take(limit).collect()
    }

    /// These blocks are no longer on disk.
    pub(super) fn blocks_dropped(&mut self, blocks: &[u64]) {
        for block in blocks {
            self.living.remove(block);
        }
    }

    fn drop_oldest(&mut self) {
        let Some((key, place)) = self.by_age.pop_front() else { return };
        if self.entries.get(&key).is_some_and(|known| known.place == place) {
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &IdempotencyKey) {
        let Some(answered) = self.entries.remove(key) else { return };
        if let Some(living) = self.living.get_mut(&answered.place.block) {
            *living = living.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::call::fingerprint::Fingerprint;

    fn answered(block: u64, index: u32, at: i64) -> Answered {
        let (print, at) = (Fingerprint([0; 32]), Timestamp::from_micros(at * 1_000_000));
        Answered { at, print, status: 201, place: AnswerPlace { block, index } }
    }

    fn key(n: u8) -> IdempotencyKey {
        IdempotencyKey([n; 32])
    }

    #[test]
    fn beyond_the_bound_the_oldest_goes_and_its_block_becomes_rubbish() {
        let mut answers = Answers::new(2);
        for n in 1..=3 {
            answers.insert(key(n), answered(u64::from(n), 0, 0));
        }
        assert!(answers.get(&key(1)).is_none() && answers.get(&key(2)).is_some());
        assert_eq!(answers.rubbish(10), [1]);
        answers.blocks_dropped(&[1]);
        assert!(answers.rubbish(10).is_empty());
    }

    #[test]
    fn a_key_that_is_used_again_keeps_its_later_answer() {
        let mut answers = Answers::new(10);
        answers.insert(key(1), answered(1, 0, 0));
        answers.insert(key(1), answered(2, 0, IDEMPOTENCY_SECS));
        answers.forget_before(Timestamp::from_micros((IDEMPOTENCY_SECS + 1) * 1_000_000));
        assert_eq!(answers.get(&key(1)).map(|found| found.place.block), Some(2));
        assert_eq!(answers.rubbish(10), [1]);
        answers.forget_before(Timestamp::from_micros(2 * IDEMPOTENCY_SECS * 1_000_000));
        assert!(answers.get(&key(1)).is_none());
        assert_eq!(answers.rubbish(10), [1, 2]);
    }
}
