//! What each token is used for: exact, in memory, without a write per request; flushed every few seconds (domain.md §2).

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_shared::api::{LastRefusal, LastUse, UsageView};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::{REJECTED_ROWS_PER_SEC, USER_AGENT_BYTES_MAX};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;

use crate::core::model::UsageRecord;

/// Locks that the gate's threads and the writer share the tokens over.
const SHARDS: usize = 64;

/// Minutes that the sparkline looks back.
const MINUTES: usize = 60;

/// Usage of all tokens.
pub struct UsageBook {
    shards: Vec<Mutex<HashMap<TokenId, Entry>>>,
    dirty: Mutex<HashSet<TokenId>>,
}

#[derive(Default)]
struct Entry {
    record: UsageRecord,
    /// The last hour; only tokens that were used since the start have one.
    hour: Option<Box<Hour>>,
    refusals: RefusalPace,
}

/// Calls of the last 60 minutes, in a ring by minute.
struct Hour {
    minute: i64,
    calls: [u32; MINUTES],
    hits: [u32; MINUTES],
}

#[derive(Default)]
struct RefusalPace {
    sec: i64,
    rows: u32,
}

/// One accepted or refused use.
#[derive(Clone, Debug)]
pub struct Use<'a> {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub ip: IpAddr,
    /// By what program.
    pub user_agent: Option<&'a str>,
}

impl UsageBook {
    /// The book as it was flushed last.
    pub fn from_records(records: &[(TokenId, UsageRecord)]) -> Self {
        let book = Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), dirty: Mutex::default() };
        for (token, record) in records {
            book.shard(*token).entry(*token).or_default().record = record.clone();
        }
        book
    }

    /// Counts a call that was let in.
    pub fn used(&self, token: TokenId, by: &Use<'_>, outcome: Outcome) {
        {
            let mut shard = self.shard(token);
            let entry = shard.entry(token).or_default();
            *entry.record.counts.of(outcome) += 1;
            let user_agent = by.user_agent.map(cut_user_agent);
            entry.record.last_use = Some(LastUse { at: by.at, ip: by.ip, user_agent, outcome });
            entry.hour.get_or_insert_default().count(by.at, outcome.has_effect());
        }
        self.touch(token);
    }

    /// Counts a call that was refused; true where it may also become a log row (at most 10 a second).
    pub fn refused(&self, token: TokenId, by: &Use<'_>, slug: Slug, logged: bool) -> bool {
        let may_log = {
            let mut shard = self.shard(token);
            let entry = shard.entry(token).or_default();
            entry.record.counts.rejected += 1;
            entry.record.last_refusal = Some(LastRefusal { at: by.at, ip: by.ip, slug: slug.as_str().to_owned() });
            entry.hour.get_or_insert_default().count(by.at, false);
            let may_log = entry.refusals.may_log(by.at.as_secs());
            entry.record.rows_not_logged += u64::from(logged && !may_log);
            may_log
        };
        self.touch(token);
        may_log
    }

    /// What is known of a token's use.
    pub fn view(&self, token: TokenId, now: Timestamp) -> UsageView {
        let shard = self.shard(token);
        let Some(entry) = shard.get(&token) else { return UsageView::default() };
        let (calls, hits) = entry.hour.as_ref().map_or((Vec::new(), 0), |hour| hour.since(now));
        UsageView {
            counts: entry.record.counts,
            last_use: entry.record.last_use.clone(),
            last_refusal: entry.record.last_refusal.clone(),
            calls_per_minute: calls,
            hour_hits: hits,
            rows_not_logged: entry.record.rows_not_logged,
        }
    }

    /// Takes up to `limit` tokens whose usage has changed since they were taken last, with their records.
    pub fn take_dirty(&self, limit: usize) -> Vec<(TokenId, UsageRecord)> {
        let taken: Vec<TokenId> = {
            let mut dirty = self.dirty();
            let taken: Vec<_> = dirty.iter().copied().take(limit).collect();
            for token in &taken {
                dirty.remove(token);
            }
            taken
        };
        let record = |token| self.shard(token).get(&token).map(|entry| entry.record.clone());
        taken.into_iter().filter_map(|token| record(token).map(|record| (token, record))).collect()
    }

    /// Gives back what could not be written, for the next flush.
    pub fn put_back(&self, tokens: impl Iterator<Item = TokenId>) {
        self.dirty().extend(tokens);
    }

    fn touch(&self, token: TokenId) {
        self.dirty().insert(token);
    }

    /// Counters survive a panic elsewhere: a poisoned lock is taken all the same.
    fn dirty(&self) -> MutexGuard<'_, HashSet<TokenId>> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, token: TokenId) -> MutexGuard<'_, HashMap<TokenId, Entry>> {
        let sum: usize = token.as_str().bytes().rev().take(3).fold(0, |sum, byte| sum * 31 + usize::from(byte));
        self.shards[sum % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut_user_agent(text: &str) -> String {
    text[..text.floor_char_boundary(USER_AGENT_BYTES_MAX)].to_owned()
}

impl Default for Hour {
    fn default() -> Self {
        Self { minute: 0, calls: [0; MINUTES], hits: [0; MINUTES] }
    }
}

impl Hour {
    /// Moves the ring on to `minute`, forgetting what is more than an hour old.
    fn turn_to(&mut self, minute: i64) {
        let passed = (minute - self.minute).clamp(0, MINUTES as i64);
        for step in 0..passed {
            let slot = Self::slot(minute - step);
            self.calls[slot] = 0;
            self.hits[slot] = 0;
        }
        self.minute = self.minute.max(minute);
    }

    fn slot(minute: i64) -> usize {
        usize::try_from(minute.rem_euclid(MINUTES as i64)).unwrap_or(0)
    }

    fn count(&mut self, at: Timestamp, hit: bool) {
        self.turn_to(at.as_secs().div_euclid(60));
        let slot = Self::slot(self.minute);
        self.calls[slot] = self.calls[slot].saturating_add(1);
        self.hits[slot] = self.hits[slot].saturating_add(u32::from(hit));
    }

    /// Calls per minute, oldest first, and the hits of the hour.
    fn since(&self, now: Timestamp) -> (Vec<u32>, u32) {
        let minute = now.as_secs().div_euclid(60);
        let age = |back: i64| {
            (minute - back <= self.minute && minute - back > self.minute - MINUTES as i64)
                .then(|| Self::slot(minute - back))
        };
        let backs = (0..MINUTES as i64).rev();
        let calls = backs.clone().map(|back| age(back).map_or(0, |slot| self.calls[slot])).collect();
        let hits = backs.filter_map(age).map(|slot| self.hits[slot]).sum();
        (calls, hits)
    }
}

impl RefusalPace {
    fn may_log(&mut self, sec: i64) -> bool {
        if sec != self.sec {
            *self = Self { sec, rows: 0 };
        }
        self.rows = self.rows.saturating_add(1);
        self.rows <= REJECTED_ROWS_PER_SEC
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> TokenId {
        "s_7QmX0c2LrT".parse().unwrap()
    }

    fn by(at: Timestamp) -> Use<'static> {
        Use { at, ip: [10, 0, 0, 1].into(), user_agent: Some("probe") }
    }

    #[test]
    fn counters_are_exact_also_with_debug_off() {
        let (book, now) = (UsageBook::from_records(&[]), Timestamp::from_micros(1_700_000_000_000_000));
        book.used(token(), &by(now), Outcome::Created);
        book.used(token(), &by(now.plus_secs(60)), Outcome::NoMatch);
        book.refused(token(), &by(now.plus_secs(61)), Slug::IpNotAllowed, false);
        let view = book.view(token(), now.plus_secs(61));
        assert_eq!((view.counts.created, view.counts.no_match, view.counts.rejected), (1, 1, 1));
        assert_eq!(view.calls_per_minute[58..], [1, 2]);
        assert_eq!(view.hour_hits, 1);
        assert_eq!(view.last_refusal.unwrap().slug, "ip-not-allowed");
        assert_eq!(book.take_dirty(10).len(), 1);
        assert!(book.take_dirty(10).is_empty());
    }

    #[test]
    fn an_hour_later_the_sparkline_is_empty_and_the_counters_stay() {
        let (book, now) = (UsageBook::from_records(&[]), Timestamp::from_micros(1_700_000_000_000_000));
        book.used(token(), &by(now), Outcome::Created);
        let view = book.view(token(), now.plus_secs(3_600));
        assert_eq!(view.calls_per_minute.iter().sum::<u32>(), 0);
        assert_eq!((view.counts.created, view.hour_hits), (1, 0));
    }

    #[test]
    fn ten_refusals_a_second_become_rows_and_the_rest_is_counted() {
        let (book, now) = (UsageBook::from_records(&[]), Timestamp::from_micros(1_700_000_000_000_000));
        let rows = (0..25).filter(|_| book.refused(token(), &by(now), Slug::TokenExpired, true)).count();
        assert_eq!(rows, 10);
        assert!(book.refused(token(), &by(now.plus_secs(1)), Slug::TokenExpired, true));
        assert_eq!(book.view(token(), now).rows_not_logged, 15);
    }
}
