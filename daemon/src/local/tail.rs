//! `GET /v1/logs?follow=true`: history from a cursor, then live, with no gap between the two (http.md §2).
//!
//! A reader is a position in the log and nothing more. It reads from disk until it has caught up, then from the shared
//! ring. When the ring has moved past a reader that was live, he was too slow: he is told how many rows he missed and
//! goes on at the newest, and the writer never noticed.

mod wanted;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::log::{Gap, GapReason, Heartbeat, LogRow, TailItem};
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

pub(super) use self::wanted::{Cursor, LogQuery, PARAMETERS};

/// Rows that one reading looks at, at most.
pub(super) const SCAN_ROWS: usize = 20_000;

/// A sign of life with the cursor.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is asked whether the reader may still read: what he must not see any more is left out at once, and the
/// stream ends within this time.
const STANDING: Duration = Duration::from_secs(1);

/// Chunks waiting for a reader that does not keep up.
const QUEUE_CHUNKS: usize = 4;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 16;

/// Bytes after which a chunk ends, with the row that goes beyond: with those that wait this keeps what one reader holds
/// under 1 MiB.
const CHUNK_BYTES: usize = 64 * 1_024;

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
    beat_at: Instant,
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
    let (daemon, actor) = (call.daemon.clone(), call.actor.clone());
    let tail = Tail { daemon, query, actor, lines, at: 0, was_live: false, beat_at: Instant::now() + HEARTBEAT };
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
        let still = standing::still_allows(&self.daemon.registry.load(), &self.actor, Operation::ReadLog, now);
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
        let rows: Vec<_> = rows.into_iter().rev().map(|row| TailItem::Row(Box::new(row))).collect();
        self.send_all(&rows).await
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
            let holes = page.holes.iter().map(|(from, to)| lost(*from, *to)).collect();
            self.send_all(&interleaved(page.rows, holes)).await?;
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
        self.query.refresh(&self.daemon);
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
        self.send_all(&items).await?;
        self.at = at;
        Ok(())
    }

    async fn heartbeat(&self) -> Result<(), Gone> {
        let cursor = Cursor { store_id: self.daemon.facts.store_id, seq: self.at }.to_string();
        self.send(&[TailItem::Heartbeat(Heartbeat { cursor, at: self.daemon.clock.now() })]).await
    }

    async fn send_all(&self, mut items: &[TailItem]) -> Result<(), Gone> {
        while !items.is_empty() {
            let (chunk, more) = items.split_at(chunk_of(items));
            self.send(chunk).await?;
            items = more;
        }
        Ok(())
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

/// How many of the items make the next chunk; one at least.
fn chunk_of(items: &[TailItem]) -> usize {
    let mut bytes = 0;
    let fitting = items.iter().take(CHUNK_ROWS).take_while(|item| {
        let fits = bytes < CHUNK_BYTES;
        bytes += if let TailItem::Row(row) = item { row_bytes(row) } else { 0 };
        fits
    });
    fitting.count().max(1)
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
