//! `GET /v1/logs/histogram`: calls by time and outcome, by the heads of blocks where they say all that is asked, else by
//! asking each row.

use std::cell::RefCell;
use std::collections::BTreeMap;

use http::Response;
use tollgate_shared::api::{CountedBy, LogHistogram, OutcomeCounts};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::log::{Bucket, LogRow};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::query::{FieldId, LOGS, typed_value};
use tollgate_shared::time::Timestamp;

use super::answers::{ok, read};
use super::audit;
use super::params::{Call, Query};
use super::tail::SCAN_ROWS;
use super::tail::{LogQuery, PARAMETERS};
use crate::core::access::{Actor, Operation, Sight};
use crate::core::asked::{bound, term};
use crate::core::registry::Registry;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::store::{LogHints, StoreError};

/// Buckets where nobody says how many.
const BUCKETS_DEFAULT: u32 = 60;
/// Buckets at most.
const BUCKETS_MAX: u32 = 480;
/// Rows that one histogram asks, the newest first: some seconds of one core.
const ROWS_MAX: usize = 300_000;

const MINUTE: i64 = 60 * 1_000_000;

/// What is counted.
struct Asked {
    wanted: LogQuery,
    /// Moments that count, microseconds: whole minutes.
    from: i64,
    to: i64,
    bucket_minutes: i64,
}

pub(super) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let known: Vec<_> = PARAMETERS.into_iter().chain(["since", "until", "buckets"]).collect();
    let query = call.query(&known)?;
    let asked = Asked::read(call, &query)?;
    audit::reading(call, "log.read").await?;
    let sight = asked.wanted.is_cut().then(|| call.actor.clone());
    let histogram = read(&call.daemon, move |daemon| asked.count(daemon, sight.as_ref())).await?;
    Ok(ok(&histogram))
}

impl Asked {
    fn read(call: &Call, query: &Query<'_>) -> Result<Self, Problem> {
        let buckets = query.parsed::<u32>("buckets")?.unwrap_or(BUCKETS_DEFAULT);
        if buckets == 0 || buckets > BUCKETS_MAX {
            let detail = format!("buckets: {buckets}; give a number from 1 to {BUCKETS_MAX}");
            return Err(Problem::new(Slug::Validation, detail).with_error("buckets", "out of range"));
        }
        let wanted = LogQuery::parse(&call.daemon, &call.actor, query)?;
        let now = call.daemon.clock.now();
        let registry = call.daemon.registry.load();
        let (mut from, mut to) = (now.plus_secs(-LOG_ROW_SECS).as_micros(), now.as_micros());
        let asked_at = wanted.bound().hints().at.clone();
        for at in [at_of(query, &registry, "since", now)?, at_of(query, &registry, "until", now)?, asked_at] {
            (from, to) = (from.max(*at.start()), to.min(at.end().saturating_add(1)));
        }
        // Heads know minutes: only whole ones count, and the running one, which holds nothing later than now.
        let first = from.div_euclid(MINUTE) + i64::from(from.rem_euclid(MINUTE) != 0);
        let end = to.div_euclid(MINUTE) + i64::from(to == now.as_micros());
        let (minutes, buckets) = ((end - first).max(0), i64::from(buckets));
        let bucket_minutes = (minutes + buckets - 1).div_euclid(buckets).max(1);
        Ok(Self { wanted, from: first * MINUTE, to: (first + minutes) * MINUTE, bucket_minutes })
    }

    fn count(&self, daemon: &Daemon, sight: Option<&Actor>) -> Result<LogHistogram, StoreError> {
        let mut hints = self.wanted.hints();
        hints.since = Some(Timestamp::from_micros(self.from));
        hints.until = Some(Timestamp::from_micros(self.to - 1));
        if let Some(actor) = sight {
            let seen = seen_tokens(actor, &daemon.registry.load());
            hints.tokens = Some(hints.tokens.map_or_else(|| seen.clone(), |tokens| &tokens & &seen));
        }
        let said = self.wanted.bound().hints();
        let heads_are_enough = said.exact && *said.seq.start() <= 0 && *said.seq.end() == i64::MAX;
        if said.pass_nothing() || self.from >= self.to {
            return Ok(self.answer(BTreeMap::new(), None, CountedBy::Heads));
        }
        if heads_are_enough { self.by_heads(daemon, &hints) } else { self.by_rows(daemon, &hints) }
    }

    fn by_heads(&self, daemon: &Daemon, hints: &LogHints) -> Result<LogHistogram, StoreError> {
        let (from, to) = (Timestamp::from_micros(self.from), Timestamp::from_micros(self.to));
        let bucket_secs = u32::try_from(self.bucket_minutes * 60).unwrap_or(u32::MAX);
        // The range is of whole minutes, so it needs no hint, and heads need not be opened for a part of a minute.
        let hints = LogHints { since: None, until: None, ..hints.clone() };
        let found = daemon.log_reader.histogram(from..to, bucket_secs, &hints)?;
        let oldest = found.buckets.first().map_or(self.to, |bucket| bucket.at.as_micros() + self.bucket_micros());
        let buckets = found.buckets.into_iter().map(|bucket| (bucket.at.as_micros(), bucket.counts)).collect();
        Ok(self.answer(buckets, (!found.complete).then_some(oldest), CountedBy::Heads))
    }

    fn by_rows(&self, daemon: &Daemon, hints: &LogHints) -> Result<LogHistogram, StoreError> {
        let cutoff = Timestamp::from_micros(self.from);
        let tally = RefCell::new((BTreeMap::<i64, OutcomeCounts>::new(), 0_usize, None));
        let pass = |row: &LogRow| {
            let (buckets, rows, oldest) = &mut *tally.borrow_mut();
            (*rows, *oldest) = (*rows + 1, Some(row.at.as_micros()));
            if self.wanted.passes(row) {
                let at = row.at.as_micros().div_euclid(self.bucket_micros()) * self.bucket_micros();
                *buckets.entry(at).or_default().of(row.outcome) += 1;
            }
            false
        };
        let mut before = None;
        loop {
            let page = daemon.log_reader.before(before, cutoff, 1, SCAN_ROWS, hints, &pass)?;
            let is_done = page.done || page.scanned_to.is_none();
            if is_done || tally.borrow().1 >= ROWS_MAX {
                let (buckets, _, oldest) = tally.take();
                return Ok(self.answer(buckets, oldest.filter(|_| !is_done), CountedBy::Rows));
            }
            before = page.scanned_to;
        }
    }

    /// `counted_since` is there where not all was counted.
    fn answer(
        &self,
        buckets: BTreeMap<i64, OutcomeCounts>,
        counted_since: Option<i64>,
        counted_by: CountedBy,
    ) -> LogHistogram {
        let bucket = |(at, counts)| Bucket { at: Timestamp::from_micros(at), counts };
        LogHistogram {
            since: Timestamp::from_micros(self.from),
            until: Timestamp::from_micros(self.to),
            bucket_secs: u32::try_from(self.bucket_minutes * 60).unwrap_or(u32::MAX),
            buckets: buckets.into_iter().filter(|(_, counts)| counts.total() > 0).map(bucket).collect(),
            exact: counted_since.is_none(),
            counted_since: Timestamp::from_micros(counted_since.unwrap_or(self.from).max(self.from)),
            counted_by,
        }
    }

    fn bucket_micros(&self) -> i64 {
        self.bucket_minutes * MINUTE
    }
}

/// A parameter means what the field of that name means in the language.
fn at_of(
    query: &Query<'_>,
    registry: &Registry,
    name: &str,
    now: Timestamp,
) -> Result<std::ops::RangeInclusive<i64>, Problem> {
    let Some(value) = query.get(name) else { return Ok(i64::MIN..=i64::MAX) };
    let asked = term(name, &format!("{name}:{}", typed_value(value)), &LOGS)?;
    debug_assert!(asked.any_field(&|field, _| matches!(field, FieldId::Since | FieldId::Until)), "{name}");
    let bound = bound(&asked, registry, now).map_err(|problem| {
        let said = problem.errors.first().map(|wrong| wrong.message.clone()).unwrap_or_default();
        Problem::new(Slug::Validation, said.clone()).with_error(name, said)
    })?;
    Ok(bound.hints().at.clone())
}

fn seen_tokens(actor: &Actor, registry: &Registry) -> std::collections::BTreeSet<TokenId> {
    let sight = Sight::new(actor, registry);
    let dead = registry.tombstones().map(|stone| stone.token.id);
    registry.tokens().map(|token| token.id).chain(dead).filter(|id| sight.token(Operation::ReadLog, *id)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tollgate_shared::outcome::Outcome;

    use super::*;
    use crate::core::testing::World;
    use crate::daemon::testing::daemon;
    use crate::store::LogStore;
    use crate::store::testing::naive::NaiveStore;
    use crate::store::testing::naive_log::NaiveLog;
    use crate::store::testing::samples::{at, log_row};

    /// 600 rows, one a second, every fifth of them refused.
    fn with_rows() -> Arc<Daemon> {
        let mut log = NaiveLog::default();
        let row = |seq: u64| {
            let (refused, base) = (seq.is_multiple_of(5), log_row(seq, seq.cast_signed()));
            let status = if refused { 429 } else { 201 };
            let outcome = if refused { Outcome::Rejected } else { Outcome::Created };
            Arc::new(LogRow { status, outcome, summary: format!("row {seq}"), ..base.as_ref().clone() })
        };
        log.append(&(1..=600).map(row).collect::<Vec<_>>(), at(0)).unwrap();
        daemon(&NaiveStore::default(), &log, World::empty().registry, 600)
    }

    fn asked(text: &str) -> Asked {
        let minute = |secs| at(secs).as_micros().div_euclid(MINUTE) * MINUTE;
        Asked { wanted: LogQuery::asking(text, at(601)), from: minute(60), to: minute(540), bucket_minutes: 2 }
    }

    #[test]
    fn heads_and_rows_count_the_same_where_heads_say_all() {
        let daemon = with_rows();
        for text in ["", "outcome:rejected", "status:>=400", "-outcome:created or outcome:attached", "status:4xx"] {
            let asked = asked(text);
            let by_heads = asked.count(&daemon, None).unwrap();
            assert_eq!((by_heads.counted_by, by_heads.exact), (CountedBy::Heads, true), "{text}");
            let hints = LogHints {
                since: Some(Timestamp::from_micros(asked.from)),
                until: Some(Timestamp::from_micros(asked.to - 1)),
                ..asked.wanted.hints()
            };
            let by_rows = asked.by_rows(&daemon, &hints).unwrap();
            assert_eq!(by_heads.buckets, by_rows.buckets, "{text}");
            assert!(!by_heads.buckets.is_empty());
        }
    }

    #[test]
    fn what_heads_do_not_know_is_asked_of_each_row() {
        let found = asked("\"row 30\"").count(&with_rows(), None).unwrap();
        assert_eq!((found.counted_by, found.exact), (CountedBy::Rows, true));
        assert_eq!(found.buckets.iter().map(|bucket| bucket.counts.total()).sum::<u64>(), 10);
        let nothing = asked("outcome:created outcome:rejected").count(&with_rows(), None).unwrap();
        assert!(nothing.exact && nothing.buckets.is_empty());
    }
}
