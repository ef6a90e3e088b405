//! One table of counters, a minute of seconds a row, with room for so many rows.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use tollgate_shared::api::{TalkerCounts, TalkersBy};
use tollgate_shared::time::Timestamp;

use super::{Ranking, Standing};

/// Seconds that a row remembers, and those of them that are "now".
const SECONDS: i64 = 60;
const NOW_SECONDS: i64 = 10;

/// Counters by key.
pub(super) struct Table<K> {
    rows: HashMap<K, Minute>,
    others: Minute,
    rows_max: usize,
}

/// The last minute, second by second.
#[derive(Clone)]
struct Minute {
    newest: i64,
    seconds: Box<[Second; SECONDS as usize]>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Second {
    calls: u32,
    refused: u32,
    no_match: u32,
}

impl<K: Hash + Eq + Copy + Ord> Table<K> {
    pub(super) fn new(rows_max: usize) -> Self {
        Self { rows: HashMap::new(), others: Minute::default(), rows_max }
    }

    /// Counts; without a key, or where no room can be made, among the others.
    pub(super) fn count(&mut self, key: Option<K>, at: Timestamp, count: TalkerCounts) {
        let second = at.as_secs();
        let Some(key) = key else { return self.others.add(second, Second::of(count)) };
        if !self.rows.contains_key(&key) && self.rows.len() >= self.rows_max {
            self.make_room(second);
        }
        self.rows.entry(key).or_default().add(second, Second::of(count));
    }

    pub(super) fn ranking(&self, by: TalkersBy, now: Timestamp) -> Ranking<K> {
        let now = now.as_secs();
        let mut rows: Vec<_> = self.rows.iter().filter_map(|(key, minute)| minute.standing(*key, now)).collect();
        rows.sort_by_key(|row| (Reverse(by.of(row.last_10s)), Reverse(by.of(row.last_minute)), row.key));
        Ranking { rows, others: self.others.standing((), now) }
    }

    /// Forgets who was silent for a minute, then gathers the quieter half: once in so many new keys, so that a flood of
    /// addresses costs each of its calls little.
    fn make_room(&mut self, second: i64) {
        self.rows.retain(|_, minute| minute.calls(second) > 0);
        if self.rows.len() < self.rows_max {
            return;
        }
        let mut quiet: Vec<_> = self.rows.iter().map(|(key, minute)| (minute.calls(second), *key)).collect();
        quiet.sort_unstable();
        for (_, key) in quiet.into_iter().take(self.rows_max.div_ceil(2)) {
            if let Some(minute) = self.rows.remove(&key) {
                self.others.merge(&minute);
            }
        }
    }
}

impl Default for Minute {
    fn default() -> Self {
        Self { newest: 0, seconds: Box::new([Second::default(); SECONDS as usize]) }
    }
}

impl Minute {
    /// Threads may come a little late to each other: what is too old for the ring goes to its newest second.
    fn add(&mut self, second: i64, count: Second) {
        self.turn_to(second);
        let second = if self.holds(second) { second } else { self.newest };
        self.seconds[slot(second)].add(count);
    }

    fn merge(&mut self, other: &Self) {
        self.turn_to(other.newest);
        for second in other.newest - SECONDS + 1..=other.newest {
            let count = other.seconds[slot(second)];
            if count != Second::default() && self.holds(second) {
                self.seconds[slot(second)].add(count);
            }
        }
    }

    fn turn_to(&mut self, second: i64) {
        for passed in (second - SECONDS + 1).max(self.newest + 1)..=second {
            self.seconds[slot(passed)] = Second::default();
        }
        self.newest = self.newest.max(second);
    }

    fn holds(&self, second: i64) -> bool {
        second <= self.newest && second > self.newest - SECONDS
    }

    fn since(&self, back: i64, now: i64) -> TalkerCounts {
        let mut sum = TalkerCounts::default();
        for second in (now - back + 1..=now).filter(|second| self.holds(*second)) {
            sum += self.seconds[slot(second)].counts();
        }
        sum
    }

    fn calls(&self, now: i64) -> u64 {
        self.since(SECONDS, now).calls
    }

    /// `None` where there was nothing for a minute.
    fn standing<K>(&self, key: K, now: i64) -> Option<Standing<K>> {
        let last_minute = self.since(SECONDS, now);
        (last_minute.calls > 0).then(|| Standing { key, last_10s: self.since(NOW_SECONDS, now), last_minute })
    }
}

impl Second {
    fn of(count: TalkerCounts) -> Self {
        let short = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Self { calls: short(count.calls), refused: short(count.refused), no_match: short(count.no_match) }
    }

    fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.refused = self.refused.saturating_add(other.refused);
        self.no_match = self.no_match.saturating_add(other.no_match);
    }

    fn counts(self) -> TalkerCounts {
        TalkerCounts { calls: self.calls.into(), refused: self.refused.into(), no_match: self.no_match.into() }
    }
}

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SECONDS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const CALL: TalkerCounts = TalkerCounts { calls: 1, refused: 0, no_match: 0 };

    #[test]
    fn ten_seconds_and_a_minute_later_it_is_quiet() {
        let mut table = Table::new(10);
        table.count(Some(1), START, CALL);
        let counts = |after: i64| {
            let ranking = table.ranking(TalkersBy::Calls, START.plus_secs(after));
            ranking.rows.first().map(|row| (row.last_10s.calls, row.last_minute.calls))
        };
        assert_eq!(
            [counts(0), counts(9), counts(10), counts(59), counts(60)],
            [Some((1, 1)), Some((1, 1)), Some((0, 1)), Some((0, 1)), None]
        );
    }

    #[test]
    fn whoever_begins_to_flood_gets_a_row_also_where_the_table_is_full() {
        let mut table = Table::new(1_000);
        for key in 0..5_000_u32 {
            table.count(Some(key), START, CALL);
        }
        (0..50).for_each(|_| table.count(Some(77_777), START, CALL));
        let ranking = table.ranking(TalkersBy::Calls, START);
        assert_eq!((ranking.rows[0].key, ranking.rows[0].last_10s.calls), (77_777, 50));
        assert!(ranking.rows.len() <= 1_000);
        let others = ranking.others.unwrap().last_minute.calls;
        assert_eq!(ranking.rows.iter().map(|row| row.last_minute.calls).sum::<u64>() + others, 5_050);
    }

    proptest! {
        #[test]
        fn the_rows_and_the_others_together_are_every_call_of_the_window(
            steps in prop::collection::vec((0_i64..25, prop::option::of(0_u8..40), 0_u8..3), 1..300),
        ) {
            let (mut table, mut now, mut model) = (Table::new(8), START, Vec::new());
            for (secs, key, kind) in steps {
                now = now.plus_secs(secs);
                let count = TalkerCounts { calls: 1, refused: u64::from(kind == 1), no_match: u64::from(kind == 2) };
                table.count(key, now, count);
                model.push((now, count));
                let ranking = table.ranking(TalkersBy::Calls, now);
                prop_assert!(ranking.rows.len() <= 8);
                for back in [10, 60] {
                    let (mut expected, mut found) = (TalkerCounts::default(), TalkerCounts::default());
                    model.iter().filter(|(at, _)| now.secs_since(*at) < back).for_each(|(_, count)| expected += *count);
                    let of = |ten, minute| if back == 10 { ten } else { minute };
                    ranking.rows.iter().for_each(|row| found += of(row.last_10s, row.last_minute));
                    ranking.others.iter().for_each(|row| found += of(row.last_10s, row.last_minute));
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
