//! What each token is used for: exact, in memory, without a write per request; flushed every few seconds (domain.md §2).

mod hour;
mod sources;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_shared::api::{DeadTries, LastRefusal, LastUse, UsageView};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::{REJECTED_ROWS_PER_SEC, USER_AGENT_BYTES_MAX};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;

use self::hour::Hour;
use crate::core::decision::Seen;
use crate::core::model::{SourceRecord, UsageRecord};

/// Locks that the gate's threads and the writer share the tokens over.
const SHARDS: usize = 64;

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
    /// What the gate noticed of it.
    pub seen: Seen,
    /// Bytes of its body, as far as it was read.
    pub body_bytes: usize,
}

/// What lists of many tokens sort and filter by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageFacts {
    /// When the last call was let in.
    pub last_used: Option<Timestamp>,
    /// From where that was.
    pub last_ip: Option<IpAddr>,
    /// Calls of the last hour.
    pub calls: u32,
    /// It was ever used with `?token=`.
    pub query_token: bool,
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
            entry.record.query_token_calls += u64::from(by.seen.via_query);
            entry.record.ip_violations += u64::from(by.seen.ip_violation);
            entry.record.old_secret_calls += u64::from(by.seen.old_secret);
            sources::note(&mut entry.record.sources, by, true);
            let user_agent = by.user_agent.map(cut_user_agent);
            entry.record.last_use = Some(LastUse { at: by.at, ip: by.ip, user_agent, outcome });
            entry.hour.get_or_insert_default().count(by, Some(outcome));
        }
        self.touch(token);
    }

    /// Notes a use that is no call: a question of the token about itself, or management at the gate. It counts for "last
    /// used" and for the sources, and for no outcome.
    pub fn asked(&self, token: TokenId, by: &Use<'_>) {
        {
            let mut shard = self.shard(token);
            let record = &mut shard.entry(token).or_default().record;
            record.query_token_calls += u64::from(by.seen.via_query);
            record.ip_violations += u64::from(by.seen.ip_violation);
            record.old_secret_calls += u64::from(by.seen.old_secret);
            sources::note(&mut record.sources, by, true);
            let outcome = record.last_use.as_ref().map_or(Outcome::NoMatch, |last| last.outcome);
            let user_agent = by.user_agent.map(cut_user_agent);
            record.last_use = Some(LastUse { at: by.at, ip: by.ip, user_agent, outcome });
        }
        self.touch(token);
    }

    /// Counts a call that was refused; true where it may also become a log row (at most 10 a second).
    pub fn refused(&self, token: TokenId, by: &Use<'_>, slug: Slug, logged: bool) -> bool {
        let may_log = {
            let mut shard = self.shard(token);
            let entry = shard.entry(token).or_default();
            entry.record.counts.rejected += 1;
            entry.record.query_token_calls += u64::from(by.seen.via_query);
            sources::note(&mut entry.record.sources, by, false);
            entry.record.last_refusal = Some(LastRefusal { at: by.at, ip: by.ip, slug: slug.as_str().to_owned() });
            entry.hour.get_or_insert_default().count(by, None);
            // Of a token that is logged in part the others do not use the pace up.
            let may_log = logged && entry.refusals.may_log(by.at.as_secs());
            entry.record.rows_not_logged += u64::from(logged && !may_log);
            may_log
        };
        self.touch(token);
        may_log
    }

    /// Counts a try with a secret of the token that is dead.
    pub fn tried_dead(&self, token: TokenId, at: Timestamp, ip: IpAddr) {
        {
            let mut shard = self.shard(token);
            let tries = &mut shard.entry(token).or_default().record.dead_tries;
            *tries = DeadTries { count: tries.count + 1, last_at: Some(at), last_ip: Some(ip) };
        }
        self.touch(token);
    }

    /// Where the token's calls came from, the latest first. `rotated`: when the overlap that runs began; whoever has not
    /// called since has the old secret.
    pub fn sources(&self, token: TokenId, rotated: Option<Timestamp>) -> Vec<SourceRecord> {
        let mut sources = self.shard(token).get(&token).map_or_else(Vec::new, |entry| entry.record.sources.clone());
        sources.iter_mut().for_each(|source| source.old_secret = sources::has_old_secret(source, rotated));
        sources.sort_by_key(|source| std::cmp::Reverse(source.last));
        sources
    }

    /// Whether calls from this address, or its network, were seen before.
    pub fn has_source(&self, token: TokenId, ip: IpAddr) -> bool {
        let shard = self.shard(token);
        shard.get(&token).is_some_and(|entry| entry.record.sources.iter().any(|source| source.net.contains(&ip)))
    }

    /// Of the addresses seen since a rotation and in the 30 days before: those whose last call had the new secret, and all.
    pub fn rotating(&self, token: TokenId, since: Timestamp) -> (u32, u32) {
        let shard = self.shard(token);
        let all = shard.get(&token).map_or(&[][..], |entry| entry.record.sources.as_slice());
        sources::moved_on(all, since)
    }

    /// Of the addresses that called since `since`: those that have the old secret, and all. `rotated` as in
    /// [`UsageBook::sources`]; without it only those whose last call had it.
    pub fn hosts_on_old_secret(&self, token: TokenId, rotated: Option<Timestamp>, since: Timestamp) -> (u32, u32) {
        let shard = self.shard(token);
        let all = shard.get(&token).map_or(&[][..], |entry| entry.record.sources.as_slice());
        sources::on_old_secret(all, rotated, since)
    }

    /// The last call that was let in.
    pub fn last_used(&self, token: TokenId) -> Option<Timestamp> {
        self.shard(token).get(&token).and_then(|entry| entry.record.last_use.as_ref()).map(|last| last.at)
    }

    /// When the last refused call was refused, where that was for this reason.
    pub fn last_refused_for(&self, token: TokenId, slug: Slug) -> Option<Timestamp> {
        let shard = self.shard(token);
        let last = shard.get(&token).and_then(|entry| entry.record.last_refusal.as_ref());
        last.filter(|last| last.slug == slug.as_str()).map(|last| last.at)
    }

    /// What lists need of a token's use: cheap enough for 100,000 tokens.
    pub fn facts(&self, token: TokenId, now: Timestamp) -> UsageFacts {
        self.shard(token).get(&token).map_or_else(UsageFacts::default, |entry| UsageFacts {
            last_used: entry.record.last_use.as_ref().map(|last| last.at),
            last_ip: entry.record.last_use.as_ref().map(|last| last.ip),
            calls: entry.hour.as_ref().map_or(0, |hour| hour.total(now)),
            query_token: entry.record.query_token_calls > 0,
        })
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
            last_10s: entry.hour.as_ref().map(|hour| hour.recent(now)).unwrap_or_default(),
            hour_hits: hits,
            rows_not_logged: entry.record.rows_not_logged,
            query_token_calls: entry.record.query_token_calls,
            ip_violations: entry.record.ip_violations,
            old_secret_calls: entry.record.old_secret_calls,
            sources: u32::try_from(entry.record.sources.len()).unwrap_or(u32::MAX),
            dead_tries: entry.record.dead_tries,
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
    use tollgate_shared::api::{OutcomeCounts, RecentUse};

    use super::*;

    fn token() -> TokenId {
        "s_7QmX0c2LrT".parse().unwrap()
    }

    fn by(at: Timestamp) -> Use<'static> {
        Use { at, ip: [10, 0, 0, 1].into(), user_agent: Some("probe"), seen: Seen::default(), body_bytes: 500 }
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
    fn now_is_the_running_second_and_the_nine_before_it() {
        let (book, now) = (UsageBook::from_records(&[]), Timestamp::from_micros(1_700_000_000_000_000));
        for second in 0..12 {
            book.used(token(), &by(now.plus_secs(second)), Outcome::Created);
        }
        book.refused(token(), &by(now.plus_secs(11)), Slug::RateLimited, false);
        let recent = |after: i64| book.view(token(), now.plus_secs(after)).last_10s;
        assert_eq!(recent(11), RecentUse { accepted: 10, refused: 1, body_bytes: 5_000 });
        assert_eq!((recent(20).calls(), recent(21).calls()), (2, 0));
        book.used(token(), &by(now.plus_secs(-30)), Outcome::Created);
        assert_eq!(recent(11).accepted, 10, "what comes too late is in the hour alone");
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
        let later = by(now.plus_secs(2));
        let part = (0..300).filter(|n| book.refused(token(), &later, Slug::TokenExpired, n % 100 == 0)).count();
        assert_eq!(
            (part, book.view(token(), now).rows_not_logged),
            (3, 15),
            "of a part that is logged nothing is missing"
        );
    }

    #[test]
    fn usage_is_exact_and_says_how_a_call_came() {
        let (book, now) = (UsageBook::from_records(&[]), Timestamp::from_micros(1_700_000_000_000_000));
        let seen = Seen { via_query: true, ip_violation: true, old_secret: true };
        book.used(token(), &Use { seen, ..by(now) }, Outcome::Created);
        book.used(token(), &by(now), Outcome::Created);
        book.refused(token(), &by(now), Slug::RateLimited, false);
        let view = book.view(token(), now);
        assert_eq!((view.query_token_calls, view.ip_violations, view.old_secret_calls, view.sources), (1, 1, 1, 1));
        let source = book.sources(token(), None).remove(0);
        assert_eq!((source.calls, source.refused, source.old_secret), (2, 1, false));
    }

    #[test]
    fn last_used_moves_with_every_use_also_one_that_is_no_call() {
        let (book, now) = (UsageBook::from_records(&[]), Timestamp::from_micros(1_700_000_000_000_000));
        book.asked(token(), &by(now));
        let first = book.view(token(), now);
        assert_eq!((first.last_use.unwrap().at, first.counts, first.sources), (now, OutcomeCounts::default(), 1));
        book.used(token(), &by(now.plus_secs(1)), Outcome::Created);
        book.asked(token(), &by(now.plus_secs(2)));
        let last = book.view(token(), now.plus_secs(2)).last_use.unwrap();
        assert_eq!((last.at, last.outcome), (now.plus_secs(2), Outcome::Created), "the outcome is the last call's");
    }

    #[test]
    fn tries_with_a_dead_secret_are_kept_with_the_usage() {
        let (book, now) = (UsageBook::from_records(&[]), Timestamp::from_micros(1_700_000_000_000_000));
        book.tried_dead(token(), now, [10, 0, 0, 1].into());
        book.tried_dead(token(), now.plus_secs(5), [10, 0, 0, 2].into());
        let again = UsageBook::from_records(&book.take_dirty(10));
        let tries = again.view(token(), now).dead_tries;
        let last = (Some(now.plus_secs(5)), Some([10, 0, 0, 2].into()));
        assert_eq!((tries.count, (tries.last_at, tries.last_ip)), (2, last));
    }
}
