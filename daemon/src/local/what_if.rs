//! `POST /v1/what-if`: a proposal over the calls of the last 48 h (domain.md §3).
//!
//! A run has a thread of its own at a lower priority than everything else here, reads the log in short stretches beside the
//! log thread, never asks the writer for anything, and ends when whoever asked for it has gone.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tollgate_shared::api::NamedRef;
use tollgate_shared::api::trying::{
    AddressCount, NAMED_MAX, NotLookedAt, ROWS_DEFAULT, ROWS_MAX, TriedRow, Verdict, WhatIf, WhatIfItem,
    WhatIfProgress, WhatIfReport,
};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::log::LogRow;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;

use super::audit;
use super::params::Call;
use crate::core::access::{Actor, Operation, Sight, allows, service_target};
use crate::core::model::Token;
use crate::core::registry::Registry;
use crate::core::trying::{Proposal, Tried};
use crate::daemon::Daemon;
use crate::edge::{Body, respond};
use crate::store::{LogHints, StoreError};

/// Rows that one reading looks at: the store's own bound for one short transaction.
const STRETCH_ROWS: usize = 1_000;

/// Rows that one reading brings along: with bodies of 16 KiB some megabytes.
const CHUNK_ROWS: usize = 100;

/// Lines waiting for a reader that does not keep up; then the run waits for him.
const QUEUE_LINES: usize = 64;

/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Below everything that senders and operators wait for.
const NICE: i32 = 10;

/// When to ask again where too many runs are under way.
const RETRY_SECS: u32 = 10;

/// One run.
struct Run {
    daemon: Arc<Daemon>,
    registry: Arc<Registry>,
    actor: Actor,
    proposal: Proposal,
    calls_of: Option<TokenId>,
    since: Timestamp,
    until: Timestamp,
    rows_max: u64,
    lines: mpsc::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
}

/// What a run has found so far.
#[derive(Default)]
struct Found {
    calls: u64,
    matched: u64,
    by_verdict: HashMap<Verdict, u64>,
    missing: u64,
    /// Whether a token's calls are looked at, and whether one was.
    tokens: HashMap<TokenId, (bool, bool)>,
    lost_from: BTreeMap<IpAddr, u64>,
}

/// Whoever asked has gone.
struct Gone;

pub(super) async fn run(call: Call) -> Result<Response<Body>, Problem> {
    let daemon = call.daemon.clone();
    let permit = daemon.trials.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Slug::Overloaded, "other runs over the log are under way; try again when one has ended")
            .with_retry_after(RETRY_SECS)
    })?;
    audit::reading(&call, "log.what-if").await?;
    let (daemon, actor, _, what) = call.json::<WhatIf>().await?;
    let (lines, rows) = mpsc::channel(QUEUE_LINES);
    let run = Run::new(daemon, actor, &what, lines, permit)?;
    thread::Builder::new().name("what-if".to_owned()).spawn(move || run.go()).map_err(|error| {
        tracing::error!(%error, "no thread for a run over the log");
        Problem::new(Slug::Overloaded, "the host gives no thread for it; try again").with_retry_after(RETRY_SECS)
    })?;
    Ok(respond::ndjson(rows))
}

impl Run {
    fn new(
        daemon: Arc<Daemon>,
        actor: Actor,
        what: &WhatIf,
        lines: mpsc::Sender<Bytes>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, Problem> {
        let (registry, now) = (daemon.registry.load_full(), daemon.clock.now());
        let back = i64::from(what.since_secs.unwrap_or(u32::MAX)).min(LOG_ROW_SECS);
        if back == 0 {
            let detail = "since_secs: at least one second back, at most 172800 (48 h)";
            return Err(Problem::new(Slug::Validation, detail).with_error("since_secs", "out of range"));
        }
        let proposal = Proposal::new(registry.clone(), what, now)?;
        if let Some(service) = proposal.service() {
            allows(&actor, Operation::See, service_target(&registry, service))?;
        }
        let sight = Sight::new(&actor, &registry);
        let readable = |id: TokenId| match sight.token(Operation::ReadLog, id) {
            true => Ok(id),
            false => Err(Problem::new(Slug::Forbidden, "you may not read the calls of that token")),
        };
        let named = what.calls_of.as_deref().map(|reference| registry.find_token(reference).map(|token| token.id));
        let calls_of = named.transpose()?.or_else(|| proposal.token()).map(readable).transpose()?;
        let rows_max = u64::from(what.rows.unwrap_or(ROWS_DEFAULT).min(ROWS_MAX));
        let (since, until) = (now.plus_secs(-back), now);
        Ok(Self { daemon, registry, actor, proposal, calls_of, since, until, rows_max, lines, _permit: permit })
    }

    fn go(self) {
        // On Linux this is the calling thread's own. Where it is refused the run is only less polite.
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::debug!(%error, "a run over the log keeps its priority");
        }
        let mut found = Found::default();
        let item = match self.all_rows(&mut found) {
            Err(Ended::Gone) => return tracing::debug!("a run over the log was cancelled"),
            Ok(()) => WhatIfItem::Report(Box::new(self.report(found))),
            Err(Ended::Store(error)) => {
                tracing::error!(error = %crate::report(&error), "a run over the log failed");
                WhatIfItem::Failed("the log could not be read; the daemon's log says why".to_owned())
            }
        };
        drop(self.send(&item));
    }

    fn all_rows(&self, found: &mut Found) -> Result<(), Ended> {
        let totals = self.daemon.log_reader.totals(self.since);
        let (first, last) = (totals.first_seq.unwrap_or(1), totals.last_seq.unwrap_or(0));
        let total = (last + 1).saturating_sub(first);
        let hints = LogHints {
            tokens: self.calls_of.map(|token| [token].into()),
            since: Some(self.since),
            until: Some(self.until),
            ..LogHints::default()
        };
        let mut at = first.saturating_sub(1);
        let mut shown: Option<Instant> = None;
        loop {
            if shown.is_none_or(|shown| shown.elapsed() >= PROGRESS_EVERY) {
                shown = Some(Instant::now());
                self.send(&WhatIfItem::Progress(WhatIfProgress { done: (at + 1).saturating_sub(first), total }))?;
            }
            let reader = &self.daemon.log_reader;
            let page = reader.after(at, self.since, CHUNK_ROWS, STRETCH_ROWS, &hints, &|row| row.seq <= last)?;
            found.missing += page.holes.iter().map(|(from, to)| to - from + 1).sum::<u64>();
            for row in &page.rows {
                self.row(row, found)?;
            }
            match page.scanned_to {
                Some(seq) if !page.done && seq < last => at = seq,
                _ => {
                    return self.send(&WhatIfItem::Progress(WhatIfProgress { done: total, total })).map_err(Into::into);
                }
            }
            // Whoever else is ready to run goes first.
            thread::yield_now();
        }
    }

    fn row(&self, row: &LogRow, found: &mut Found) -> Result<(), Gone> {
        if self.lines.is_closed() {
            return Err(Gone);
        }
        let (wanted, seen) = found.tokens.entry(row.token).or_insert_with(|| (self.wants(row.token), false));
        if !*wanted {
            return Ok(());
        }
        *seen = true;
        let tried = self.proposal.try_row(row);
        found.calls += 1;
        found.matched += u64::from(tried.verdict != Verdict::CannotTell && !tried.after.effects.is_empty());
        if tried.verdict == Verdict::Lost {
            *found.lost_from.entry(row.remote_ip).or_default() += 1;
        }
        let count = found.by_verdict.entry(tried.verdict).or_default();
        *count += 1;
        if tried.verdict == Verdict::Unchanged || *count > self.rows_max {
            return Ok(());
        }
        self.send(&WhatIfItem::Row(Box::new(self.tried_row(row, tried))))
    }

    fn wants(&self, token: TokenId) -> bool {
        self.proposal.concerns(token) && Sight::new(&self.actor, &self.registry).token(Operation::ReadLog, token)
    }

    fn tried_row(&self, row: &LogRow, tried: Tried) -> TriedRow {
        let Tried { verdict, doubt, before, after } = tried;
        TriedRow {
            seq: row.seq,
            at: row.at,
            token: self.named(row.token),
            remote_ip: row.remote_ip,
            summary: row.summary.clone(),
            outcome: row.outcome,
            verdict,
            doubt,
            before,
            after,
        }
    }

    fn named(&self, token: TokenId) -> NamedRef {
        NamedRef { id: token.to_string(), name: self.registry.token_name(token) }
    }

    fn send(&self, item: &WhatIfItem) -> Result<(), Gone> {
        let mut line = serde_json::to_vec(item).map_err(|_| Gone)?;
        line.push(b'\n');
        self.lines.blocking_send(line.into()).map_err(|_| Gone)
    }

    fn report(&self, found: Found) -> WhatIfReport {
        let (not_looked_at, not_looked_at_total) = self.not_looked_at(&found);
        let count = |verdict| found.by_verdict.get(&verdict).copied().unwrap_or(0);
        let mut lost_from: Vec<_> =
            found.lost_from.iter().map(|(ip, calls)| AddressCount { ip: *ip, calls: *calls }).collect();
        lost_from.sort_by_key(|from| std::cmp::Reverse(from.calls));
        lost_from.truncate(NAMED_MAX);
        WhatIfReport {
            baseline: self.proposal.baseline,
            since: self.since,
            until: self.until,
            calls: found.calls,
            matched: found.matched,
            gained: count(Verdict::Gained),
            lost: count(Verdict::Lost),
            changed: count(Verdict::Changed),
            unchanged: count(Verdict::Unchanged),
            cannot_tell: count(Verdict::CannotTell),
            missing_rows: found.missing,
            not_looked_at,
            not_looked_at_total,
            lost_from,
            skipped: self.proposal.skipped(),
            ends_at: self.proposal.ends_at,
            lints: self.proposal.lints.clone(),
        }
    }

    /// Tokens whose calls of that time are not in the log, or not all: "0 lost" of them would mean "not looked at".
    fn not_looked_at(&self, found: &Found) -> (Vec<NotLookedAt>, u32) {
        let sight = Sight::new(&self.actor, &self.registry);
        let concerned = self.registry.tokens().filter(|token| {
            self.calls_of.is_none_or(|only| only == token.id)
                && self.proposal.concerns(token.id)
                && sight.token(Operation::ReadLog, token.id)
        });
        let mut missed: Vec<_> = concerned.filter_map(|token| self.missed(token, found)).collect();
        missed.sort_by_key(|missed| std::cmp::Reverse(missed.last_used));
        let total = u32::try_from(missed.len()).unwrap_or(u32::MAX);
        missed.truncate(NAMED_MAX);
        (missed, total)
    }

    fn missed(&self, token: &Token, found: &Found) -> Option<NotLookedAt> {
        let last_used = self.daemon.usage.facts(token.id, self.until).last_used.filter(|at| *at >= self.since)?;
        // What came before debug was switched on is not in the log.
        let debug_since =
            token.debug_until.filter(|until| *until > self.until).map(|until| until.plus_secs(-LOG_ROW_SECS));
        // Of one that is logged in part most calls are not there, however long debug has been on.
        let in_whole = self.registry.measures(token.id).is_none_or(|measures| measures.debug_one_in.is_none());
        let all_along = in_whole && debug_since.is_some_and(|since| since <= self.since.max(token.created_at));
        let in_part = found.tokens.get(&token.id).is_some_and(|(_, seen)| *seen);
        (!all_along).then(|| NotLookedAt { token: self.named(token.id), in_part, last_used: Some(last_used) })
    }
}

/// Why a run ended before its report.
enum Ended {
    Gone,
    Store(StoreError),
}

impl From<Gone> for Ended {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
