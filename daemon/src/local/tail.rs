//! `GET /v1/logs?follow=true`: history from a cursor, then live, with no gap between the two (http.md §2).
//!
//! A reader is a position in the log and nothing more. It reads from disk until it has caught up, then from the shared
//! ring. When the ring has moved past a reader that was live, he was too slow: he is told how many rows he missed and
//! goes on at the newest, and the writer never noticed.
//!
//! A reader that asks for few tokens sleeps until one of them has a row; and none is woken more than ten times a second,
//! so that a thousand of them cost the calls little.

mod ear;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::log::{Gap, GapReason, Heartbeat, LogRow};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;

use super::answers::read;
use super::params::Call;
use crate::core::access::{Actor, Operation, Who};
use crate::core::standing;
use crate::daemon::Daemon;
use crate::edge::{Body, respond};
use crate::store::LogPage;
use crate::tail::{Next, Seat, TailEntry, row_bytes};

use self::ear::Ear;
pub(super) use self::wanted::{Cursor, LogQuery, PARAMETERS};

/// Rows that one reading looks at, at most.
pub(super) const SCAN_ROWS: usize = 20_000;

/// A sign of life with the cursor.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is asked whether the reader may still read: what he must not see any more is left out at once, and the
/// stream ends within this time.
const STANDING: Duration = Duration::from_secs(1);

/// A reader that was just given rows is left alone for this long (performance.md: at most ten batches a second).
const PACE: Duration = Duration::from_millis(100);

/// Chunks waiting for a reader that does not keep up.
const QUEUE_CHUNKS: usize = 4;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 16;

/// Bytes after which a chunk ends, with the row that goes beyond: with those that wait this keeps what one reader holds
/// under 1 MiB.
const CHUNK_BYTES: usize = 64 * 1_024;

/// What most lines have room in.
const LINE_BYTES: usize = 4 * 1_024;

/// Rows read from disk at once.
const HISTORY_ROWS: usize = 256;

/// Bytes of them that are kept until they are sent; the rest is read again.
const HISTORY_BYTES: usize = 256 * 1_024;

/// A reader's connection and place.
struct Tail {
    daemon: Arc<Daemon>,
    query: LogQuery,
    actor: Actor,
    lines: mpsc::Sender<Bytes>,
    at: u64,
    was_live: bool,
    ear: Ear,
    beat_at: Instant,
    rests_until: Instant,
    /// When, and by which registry, it was last asked whether the reader may still read.
    judged: (Instant, u64),
}

/// A line as it is written, a row borrowed from where it is. Reads back as a [`tollgate_shared::log::TailItem`].
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Row(&'a LogRow),
    Gap(Gap),
    Heartbeat(Heartbeat),
    End(&'a Problem),
}

/// The reader has gone.
struct Gone;

/// One of the places that a uid or a token has for its tails; given back when it is dropped.
struct Place {
    daemon: Arc<Daemon>,
    seat: Seat,
}

impl Place {
    fn take(daemon: &Arc<Daemon>, actor: &Actor) -> Result<Self, Problem> {
        let seat = match &actor.who {
            Who::Token(token, _) => Seat::Token(token.id),
            _ => Seat::Uid(actor.uid),
        };
        daemon.tail.open(seat).map_err(|full| {
            let detail = format!(
                "{full} for {}; end one, or raise limits.tails_per_uid in tollgate.toml",
                actor.uid.map_or_else(|| actor.name.clone(), |uid| format!("uid {uid}"))
            );
            Problem::new(Slug::RateLimited, detail).with_retry_after(15)
        })?;
        Ok(Self { daemon: daemon.clone(), seat })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.daemon.tail.close(self.seat);
    }
}

/// Opens a tail; `last` rows of history come first where no cursor and no beginning was given.
///
/// # Errors
/// The caller has as many tails open as one uid may.
pub(super) fn stream(call: &Call, query: LogQuery, last: usize) -> Result<Response<Body>, Problem> {
    let place = Place::take(&call.daemon, &call.actor)?;
    let (lines, rows) = mpsc::channel(QUEUE_CHUNKS);
    let tail = Tail::new(call.daemon.clone(), query, call.actor.clone(), lines);
    // Ends by itself when the reader has gone: the channel is closed then.
    tokio::spawn(tail.run(place, last));
    Ok(respond::ndjson(rows))
}

impl Tail {
    async fn run(mut self, place: Place, last: usize) {
        // Every way out is that the reader has gone or the store cannot be read; both end the stream.
        drop(self.follow(last).await);
        drop(place);
    }

    fn new(daemon: Arc<Daemon>, query: LogQuery, actor: Actor, lines: mpsc::Sender<Bytes>) -> Self {
        let now = Instant::now();
        let judged = (now, daemon.registry.load().version());
        let ear = Ear::new(&daemon, query.tokens(), query.version());
        let beat_at = now + HEARTBEAT;
        Self { daemon, query, actor, lines, at: 0, was_live: false, ear, beat_at, rests_until: now, judged }
    }

    async fn follow(&mut self, last: usize) -> Result<(), Gone> {
        self.begin(last).await?;
        self.send(&[self.heartbeat()]).await?;
        self.ear.seek(self.at);
        let mut ticks = tokio::time::interval_at(Instant::now() + STANDING, STANDING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.may_stay().await?;
            match self.hear() {
                Next::Behind { .. } if !self.was_live => {
                    self.history().await?;
                    self.ear.seek(self.at);
                }
                Next::Behind { due, newest } => self.skip(due, newest).await?,
                Next::Entries { entries, to } if entries.is_empty() => {
                    self.at = to;
                    self.was_live = true;
                    self.wait(&mut ticks).await?;
                }
                Next::Entries { entries, to } => self.live(entries, to).await?,
            }
        }
    }

    /// What is next in the ring. The names are looked up after that: a token that was made before a row was published is
    /// known then, and where it counts for the query, what was heard without it is not taken.
    fn hear(&mut self) -> Next {
        loop {
            let next = self.ear.hear(CHUNK_ROWS);
            self.query.refresh(&self.daemon);
            if !self.ear.turns_to(&self.query, self.at) {
                return next;
            }
            // What has left the ring may be of a token that was not listened for: it is read from disk.
            self.was_live = false;
        }
    }

    async fn wait(&mut self, ticks: &mut Interval) -> Result<(), Gone> {
        let rung = tokio::select! {
            () = self.ear.rung() => true,
            _ = ticks.tick() => false,
            () = self.lines.closed() => return Err(Gone),
        };
        if rung && Instant::now() < self.rests_until {
            tokio::select! {
                () = tokio::time::sleep_until(self.rests_until) => {}
                () = self.lines.closed() => return Err(Gone),
            }
        }
        if Instant::now() >= self.beat_at {
            self.send(&[self.heartbeat()]).await?;
            self.beat_at = Instant::now() + HEARTBEAT;
        }
        Ok(())
    }

    /// A reader whose right is gone is told so, as the last line. What he must not see any more is left out row by row;
    /// this looks whenever the registry has changed, and each second for what ends by itself.
    async fn may_stay(&mut self) -> Result<(), Gone> {
        let version = self.daemon.registry.load().version();
        if version == self.judged.1 && self.judged.0.elapsed() < STANDING {
            return Ok(());
        }
        self.judged = (Instant::now(), version);
        let now = self.daemon.clock.now();
        let still = standing::still_allows(&self.daemon.registry.load(), &self.actor, Operation::ReadLog, now);
        let Err(problem) = still else { return Ok(()) };
        self.send(&[Line::End(&problem)]).await?;
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
                self.send(&[Line::Gap(gap)]).await?;
            }
        } else if let Some(after) = self.query.begins_after() {
            self.at = after.min(newest);
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
        let lines: Vec<_> = rows.iter().rev().map(Line::Row).collect();
        self.send_all(&lines).await
    }

    /// Reads from disk until the ring can take over. Holes in the numbering are rows that never reached the disk.
    async fn history(&mut self) -> Result<(), Gone> {
        self.skip_erased(true).await?;
        loop {
            // Asked before the disk is read: what was published by now is on disk, or never will be.
            let published = self.daemon.tail.newest();
            self.query.refresh(&self.daemon);
            let (query, cutoff, after) = (self.query.clone(), self.cutoff(), self.at);
            let page = read(&self.daemon, move |daemon| {
                let pass = |row: &LogRow| query.passes(row);
                daemon.log_reader.after(after, cutoff, HISTORY_ROWS, SCAN_ROWS, &query.hints(), &pass)
            });
            let (page, is_whole) = shortened(page.await.map_err(|_| Gone)?);
            self.send_all(&interleaved(&page.rows, &page.holes)).await?;
            self.at = page.scanned_to.unwrap_or(self.at).max(self.at);
            if page.done && is_whole {
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
        self.send_all(&[Line::Gap(gap)]).await
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
            self.send(&[Line::Gap(gap)]).await?;
        }
        Ok(())
    }

    /// Rows from `due` on, of which the first at least was for this reader, have left the ring before he took them.
    async fn skip(&mut self, due: u64, newest: u64) -> Result<(), Gone> {
        let gap = Gap { from: due, to: newest, count: newest - due + 1, reason: GapReason::SlowReader };
        self.at = newest;
        self.ear.seek(newest);
        self.daemon.tail.count_gap();
        self.send_all(&[Line::Gap(gap)]).await
    }

    async fn live(&mut self, entries: Vec<TailEntry>, to: u64) -> Result<(), Gone> {
        let cutoff = self.cutoff();
        let lines = entries.iter().filter_map(|entry| match entry {
            // The ring is swept once a minute; nothing is shown for that minute longer.
            TailEntry::Row(row) if row.at < cutoff => {
                Some(Line::Gap(Gap { from: row.seq, to: row.seq, count: 1, reason: GapReason::Expired }))
            }
            TailEntry::Row(row) => self.query.passes(row).then(|| Line::Row(row)),
            TailEntry::Gap(gap) => Some(Line::Gap(*gap)),
        });
        let lines: Vec<_> = lines.collect();
        self.send_all(&lines).await?;
        self.at = to;
        self.rests_until = Instant::now() + PACE;
        Ok(())
    }

    fn heartbeat(&self) -> Line<'static> {
        let cursor = Cursor { store_id: self.daemon.facts.store_id, seq: self.at }.to_string();
        Line::Heartbeat(Heartbeat { cursor, at: self.daemon.clock.now() })
    }

    async fn send_all(&self, mut lines: &[Line<'_>]) -> Result<(), Gone> {
        while !lines.is_empty() {
            lines = &lines[self.send(lines).await?..];
        }
        Ok(())
    }

    /// Sends what fits into one chunk, one line at least, and says how many lines that were. Waits for the reader; what
    /// happens meanwhile is found in the ring afterwards, or told as a gap.
    async fn send(&self, lines: &[Line<'_>]) -> Result<usize, Gone> {
        let (mut bytes, mut sent) = (Vec::with_capacity(LINE_BYTES), 0);
        while bytes.len() < CHUNK_BYTES && sent < lines.len().min(CHUNK_ROWS) {
            serde_json::to_writer(&mut bytes, &lines[sent]).map_err(|_| Gone)?;
            bytes.push(b'\n');
            sent += 1;
        }
        self.lines.send(Bytes::from(bytes)).await.map_err(|_| Gone)?;
        Ok(sent)
    }

    fn cutoff(&self) -> Timestamp {
        self.daemon.clock.now().plus_secs(-LOG_ROW_SECS)
    }
}

/// Cuts a page where its rows hold too many bytes; false where something was cut off.
fn shortened(mut page: LogPage) -> (LogPage, bool) {
    let mut bytes = 0;
    let kept = page.rows.iter().take_while(|row| {
        let fits = bytes < HISTORY_BYTES;
        bytes += row_bytes(row);
        fits
    });
    let kept = kept.count();
    if kept == page.rows.len() {
        return (page, true);
    }
    page.rows.truncate(kept);
    page.rows.shrink_to_fit();
    page.scanned_to = page.rows.last().map(|row| row.seq);
    page.holes.retain(|(from, _)| page.scanned_to.is_some_and(|to| *from <= to));
    (page, false)
}

fn lost(from: u64, to: u64) -> Gap {
    Gap { from, to, count: to - from + 1, reason: GapReason::Lost }
}

/// Rows and holes in rising seq.
fn interleaved<'a>(rows: &'a [LogRow], holes: &[(u64, u64)]) -> Vec<Line<'a>> {
    let mut lines: Vec<(u64, Line<'_>)> = holes.iter().map(|(from, to)| (*from, Line::Gap(lost(*from, *to)))).collect();
    lines.extend(rows.iter().map(|row| (row.seq, Line::Row(row))));
    lines.sort_by_key(|(seq, _)| *seq);
    lines.into_iter().map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests;
