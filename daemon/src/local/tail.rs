//! `GET /v1/logs?follow=true`: history from a cursor, then live, with no gap between the two (http.md §2).
//!
//! A reader is a position in the log and nothing more. It reads from disk until it has caught up, then from the shared
//! ring. When the ring has moved past a reader that was live, he was too slow: he is told how many rows he missed and
//! goes on at the newest, and the writer never noticed.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::log::{Gap, GapReason, Heartbeat, LogRow, TailItem};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Problem;
use tollgate_shared::time::Timestamp;

use super::answers::read;
use super::logs::SCAN_ROWS;
use super::params::{Call, Query};
use crate::core::access::{Actor, Operation, Sight, Who};
use crate::core::rights;
use crate::daemon::Daemon;
use crate::edge::{Body, respond};
use crate::store::LogHints;
use crate::tail::{Next, TailEntry};

/// A sign of life with the cursor.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is asked whether the reader may still read: what he must not see any more is left out at once, and the
/// stream ends within this time.
const STANDING: Duration = Duration::from_secs(1);

/// Chunks waiting for a reader that does not keep up; with [`CHUNK_ROWS`] and rows of at most some 40 KiB this bounds
/// what one reader can hold.
const QUEUE_CHUNKS: usize = 4;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 16;

/// Rows read from disk at once.
const HISTORY_ROWS: usize = 256;

/// Which rows a reader wants.
#[derive(Clone, Default)]
pub(super) struct LogQuery {
    /// Whose sight the rows are cut to; `None` = nothing need be cut.
    reader: Option<Reader>,
    token: Option<TokenId>,
    outcome: Option<Outcome>,
    status: Option<StatusFilter>,
    since: Option<Timestamp>,
    /// Go on after this seq.
    pub(super) after: Option<u64>,
    /// The cursor was of another log: say so, then begin.
    foreign_cursor: bool,
}

/// Somebody who does not see every token's rows. What he sees is judged row by row, as he is and as the registry is then:
/// a tail may be open for days.
#[derive(Clone)]
struct Reader {
    daemon: Arc<Daemon>,
    actor: Actor,
}

impl Reader {
    fn sees(&self, token: TokenId) -> bool {
        let registry = self.daemon.registry.load();
        Sight::new(&self.actor.as_of_now(&registry), &registry).token(Operation::ReadLog, token)
    }
}

/// `404`, or `4xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StatusFilter {
    Exactly(u16),
    Hundred(u16),
}

/// A place in one log. Opaque to readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Which log.
    pub(super) store_id: u64,
    /// Everything up to here was seen.
    pub(super) seq: u64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is what a heartbeat or a page gave, or a seq")]
pub(super) struct NotACursor;

/// A reader's connection and place.
struct Tail {
    daemon: Arc<Daemon>,
    query: LogQuery,
    actor: Actor,
    lines: mpsc::Sender<Bytes>,
    at: u64,
    was_live: bool,
    beat_at: Instant,
}

/// The reader has gone.
struct Gone;

impl LogQuery {
    pub(super) fn parse(call: &Call, query: &Query<'_>) -> Result<Self, Problem> {
        let registry = call.daemon.registry.load();
        let token = query.get("token").map(|reference| {
            let dead = || reference.parse::<TokenId>().ok().and_then(|id| registry.tombstone(id)).map(|s| s.token.id);
            registry.find_token(reference).map(|token| token.id).or_else(|missing| dead().ok_or(missing))
        });
        let cursor = match query.get("after").map(str::parse::<u64>) {
            Some(Ok(seq)) => Some(Cursor { store_id: call.daemon.facts.store_id, seq }),
            _ => query.parsed::<Cursor>("after")?,
        };
        let ours = cursor.filter(|cursor| cursor.store_id == call.daemon.facts.store_id);
        let since_secs = query.parsed::<u32>("since_secs")?;
        let sees_all = matches!(call.actor.who, Who::Superuser);
        let reader = || Reader { daemon: call.daemon.clone(), actor: call.actor.clone() };
        Ok(Self {
            reader: (!sees_all).then(reader),
            token: token.transpose()?,
            outcome: query.parsed("outcome")?,
            status: query.parsed("status")?,
            since: since_secs.map(|secs| call.daemon.clock.now().plus_secs(-i64::from(secs))),
            after: ours.map(|cursor| cursor.seq).or_else(|| cursor.map(|_| 0)),
            foreign_cursor: cursor.is_some() && ours.is_none(),
        })
    }

    /// What the store may leave closed; [`LogQuery::passes`] decides on what it shows.
    pub(super) fn hints(&self) -> LogHints {
        LogHints {
            tokens: self.token.map(|token| [token].into()),
            outcomes: self.outcome.map(|outcome| [outcome].into_iter().collect()),
            statuses: self.status.map(StatusFilter::range),
            since: self.since,
            ..LogHints::default()
        }
    }

    pub(super) fn passes(&self, row: &LogRow) -> bool {
        self.token.is_none_or(|token| row.token == token)
            && self.outcome.is_none_or(|outcome| row.outcome == outcome)
            && self.status.is_none_or(|status| status.fits(row.status))
            && self.since.is_none_or(|since| row.at >= since)
            && self.reader.as_ref().is_none_or(|reader| reader.sees(row.token))
    }
}

impl StatusFilter {
    const fn range(self) -> RangeInclusive<u16> {
        match self {
            Self::Exactly(status) => status..=status,
            Self::Hundred(class) => class.saturating_mul(100)..=class.saturating_mul(100).saturating_add(99),
        }
    }

    fn fits(self, status: u16) -> bool {
        match self {
            Self::Exactly(wanted) => status == wanted,
            Self::Hundred(wanted) => status / 100 == wanted,
        }
    }
}

impl FromStr for StatusFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a status is a number such as 404, or a class such as 4xx";
        match text.strip_suffix("xx") {
            Some(class) => class.parse().map(Self::Hundred).map_err(|_| wrong),
            None => text.parse().map(Self::Exactly).map_err(|_| wrong),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.store_id, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (store_id, seq) = text.split_once('.').ok_or(NotACursor)?;
        let store_id = u64::from_str_radix(store_id, 16).map_err(|_| NotACursor)?;
        Ok(Self { store_id, seq: seq.parse().map_err(|_| NotACursor)? })
    }
}

/// Opens a tail; `last` rows of history come first where no cursor and no time was given.
pub(super) fn stream(call: &Call, query: LogQuery, last: usize) -> Response<Body> {
    let (lines, rows) = mpsc::channel(QUEUE_CHUNKS);
    let (daemon, actor) = (call.daemon.clone(), call.actor.clone());
    let tail = Tail { daemon, query, actor, lines, at: 0, was_live: false, beat_at: Instant::now() + HEARTBEAT };
    // Ends by itself when the reader has gone: the channel is closed then.
    tokio::spawn(tail.run(last));
    respond::ndjson(rows)
}

impl Tail {
    async fn run(mut self, last: usize) {
        let daemon = self.daemon.clone();
        let _counted = daemon.tail.open();
        // Every way out is that the reader has gone or the store cannot be read; both end the stream.
        drop(self.follow(last).await);
    }

    async fn follow(&mut self, last: usize) -> Result<(), Gone> {
        let mut bell = self.daemon.tail.subscribe();
        self.begin(last).await?;
        self.heartbeat().await?;
        loop {
            self.may_stay().await?;
            bell.mark_unchanged();
            match self.daemon.tail.after(self.at, CHUNK_ROWS) {
                Next::Behind { .. } if !self.was_live => self.history().await?,
                Next::Behind { newest, .. } => self.skip_to(newest).await?,
                Next::Entries(entries) if entries.is_empty() => {
                    self.was_live = true;
                    tokio::select! {
                        rung = bell.changed() => rung.map_err(|_| Gone)?,
                        () = tokio::time::sleep(STANDING) => (),
                        () = self.lines.closed() => return Err(Gone),
                    }
                    if Instant::now() >= self.beat_at {
                        self.heartbeat().await?;
                        self.beat_at = Instant::now() + HEARTBEAT;
                    }
                }
                Next::Entries(entries) => self.live(entries).await?,
            }
        }
    }

    /// A reader whose right is gone is told so, as the last line.
    async fn may_stay(&mut self) -> Result<(), Gone> {
        let now = self.daemon.clock.now();
        let still = rights::still_allows(&self.daemon.registry.load(), &self.actor, Operation::ReadLog, now);
        let Err(problem) = still else { return Ok(()) };
        self.send(&[TailItem::End(Box::new(problem))]).await?;
        Err(Gone)
    }

    /// Finds the place to begin: the cursor, the time, the newest `last` rows, or now.
    async fn begin(&mut self, last: usize) -> Result<(), Gone> {
        let newest = self.daemon.tail.newest();
        if let Some(after) = self.query.after {
            self.at = after.min(newest);
            if self.query.foreign_cursor && newest > 0 {
                self.at = newest;
                let gap = Gap { from: 1, to: newest, count: newest, reason: GapReason::Expired };
                self.send(&[TailItem::Gap(gap)]).await?;
            }
        } else if self.query.since.is_some() {
            self.at = 0;
            self.skip_erased(false).await?;
        } else {
            self.at = newest;
            self.newest_rows(last).await?;
        }
        Ok(())
    }

    async fn newest_rows(&mut self, last: usize) -> Result<(), Gone> {
        if last == 0 {
            return Ok(());
        }
        let (query, cutoff) = (self.query.clone(), self.cutoff());
        let (before, limit) = (self.at.saturating_add(1), last.min(SCAN_ROWS));
        let page = read(&self.daemon, move |daemon| {
            daemon.log_reader.before(Some(before), cutoff, limit, SCAN_ROWS, &query.hints(), &|row| query.passes(row))
        });
        let rows = page.await.map_err(|_| Gone)?.rows;
        for chunk in rows.into_iter().rev().collect::<Vec<_>>().chunks(CHUNK_ROWS) {
            let items: Vec<_> = chunk.iter().map(|row| TailItem::Row(Box::new(row.clone()))).collect();
            self.send(&items).await?;
        }
        Ok(())
    }

    /// Reads from disk until the ring can take over. Holes in the numbering are rows that never reached the disk.
    async fn history(&mut self) -> Result<(), Gone> {
        self.skip_erased(true).await?;
        loop {
            // Asked before the disk is read: what was published by now is on disk, or never will be.
            let published = self.daemon.tail.newest();
            let (query, cutoff, after) = (self.query.clone(), self.cutoff(), self.at);
            let page = read(&self.daemon, move |daemon| {
                let pass = |row: &LogRow| query.passes(row);
                daemon.log_reader.after(after, cutoff, HISTORY_ROWS, SCAN_ROWS, &query.hints(), &pass)
            });
            let page = page.await.map_err(|_| Gone)?;
            let holes = page.holes.iter().map(|(from, to)| lost(*from, *to)).collect();
            for chunk in interleaved(page.rows, holes).chunks(CHUNK_ROWS) {
                self.send(chunk).await?;
            }
            self.at = page.scanned_to.unwrap_or(self.at).max(self.at);
            if page.done {
                return self.close_history(published).await;
            }
        }
    }

    /// All on disk is shown. Where the log that was published before it was read goes further, the rest never reached the
    /// disk (or the daemon was restarted with an older log): a gap, or this would be read again for ever. Rows published
    /// since then are no gap, however slow the reader was: they come from the ring, or from disk once more.
    async fn close_history(&mut self, published: u64) -> Result<(), Gone> {
        if published <= self.at {
            return Ok(());
        }
        let gap = lost(self.at + 1, published);
        self.at = published;
        self.send(&[TailItem::Gap(gap)]).await
    }

    /// Moves over what was erased after 48 h; a reader who comes with a cursor is told how much that was.
    async fn skip_erased(&mut self, tell: bool) -> Result<(), Gone> {
        // Asked first: a row that is published while an empty log is looked at is not an erased one.
        let published = self.daemon.tail.newest();
        let cutoff = self.cutoff();
        let totals = read(&self.daemon, move |daemon| Ok(daemon.log_reader.totals(cutoff))).await.map_err(|_| Gone)?;
        let first = totals.first_seq.unwrap_or(published + 1);
        if first <= self.at + 1 {
            return Ok(());
        }
        let (from, to) = (self.at + 1, first - 1);
        self.at = to;
        if tell {
            let gap = Gap { from, to, count: to - from + 1, reason: GapReason::Expired };
            self.send(&[TailItem::Gap(gap)]).await?;
        }
        Ok(())
    }

    async fn skip_to(&mut self, newest: u64) -> Result<(), Gone> {
        let gap = Gap { from: self.at + 1, to: newest, count: newest - self.at, reason: GapReason::SlowReader };
        self.at = newest;
        self.daemon.tail.count_gap();
        self.send(&[TailItem::Gap(gap)]).await
    }

    async fn live(&mut self, entries: Vec<TailEntry>) -> Result<(), Gone> {
        let mut items = Vec::with_capacity(entries.len());
        let (mut at, cutoff) = (self.at, self.cutoff());
        for entry in entries {
            match entry {
                // The ring is swept once a minute; nothing is shown for that minute longer.
                TailEntry::Row(row) if row.at < cutoff => {
                    items.push(TailItem::Gap(Gap { from: row.seq, to: row.seq, count: 1, reason: GapReason::Expired }));
                    at = row.seq;
                }
                TailEntry::Row(row) => {
                    at = row.seq;
                    if self.query.passes(&row) {
                        items.push(TailItem::Row(Box::new(LogRow::clone(&row))));
                    }
                }
                TailEntry::Gap(gap) => {
                    at = gap.to;
                    items.push(TailItem::Gap(gap));
                }
            }
        }
        self.send(&items).await?;
        self.at = at;
        Ok(())
    }

    async fn heartbeat(&self) -> Result<(), Gone> {
        let cursor = Cursor { store_id: self.daemon.facts.store_id, seq: self.at }.to_string();
        self.send(&[TailItem::Heartbeat(Heartbeat { cursor, at: self.daemon.clock.now() })]).await
    }

    /// Waits for the reader; what happens meanwhile is found in the ring afterwards, or told as a gap.
    async fn send(&self, items: &[TailItem]) -> Result<(), Gone> {
        if items.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for item in items {
            serde_json::to_writer(&mut bytes, item).map_err(|_| Gone)?;
            bytes.push(b'\n');
        }
        self.lines.send(Bytes::from(bytes)).await.map_err(|_| Gone)
    }

    fn cutoff(&self) -> Timestamp {
        self.daemon.clock.now().plus_secs(-LOG_ROW_SECS)
    }
}

fn lost(from: u64, to: u64) -> Gap {
    Gap { from, to, count: to - from + 1, reason: GapReason::Lost }
}

/// Rows and holes in rising seq.
fn interleaved(rows: Vec<LogRow>, holes: Vec<Gap>) -> Vec<TailItem> {
    let mut items: Vec<(u64, TailItem)> = holes.into_iter().map(|gap| (gap.from, TailItem::Gap(gap))).collect();
    items.extend(rows.into_iter().map(|row| (row.seq, TailItem::Row(Box::new(row)))));
    items.sort_by_key(|(seq, _)| *seq);
    items.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests;
