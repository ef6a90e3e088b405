//! The tails that the console follows: the log's, and the selected token's own.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::mpsc::{Sender, error::TrySendError};
use tokio::task::JoinHandle;
use tollgate_shared::log::{Gap, GapReason, TailItem};

use crate::app::Net;
use crate::app::held::{self, HeldItem};
use crate::app::msg::Slot;
use crate::app::query::LogFilter;
use crate::client::{Client, ClientError, Lines, LogQuery};

/// Rows that arrive within this time make one message.
const BATCH_TIME: Duration = Duration::from_millis(50);
/// No more rows in one message.
const BATCH_ROWS: usize = 256;
/// A mark that runs down a table must not open a stream for each row.
const SETTLE: Duration = Duration::from_millis(150);
/// Before a tail that broke is asked for again.
const BROKEN_WAIT: Duration = Duration::from_millis(500);

/// A daemon of another version, or something between that changed what was sent.
const UNREADABLE: &str = "a line of the log has not the expected shape";

/// One task for each tail.
pub(super) struct Tails {
    client: Arc<Client>,
    net: Sender<Net>,
    tasks: [Option<JoinHandle<()>>; 2],
}

impl Tails {
    pub(super) fn new(client: Arc<Client>, net: Sender<Net>) -> Self {
        Self { client, net, tasks: [None, None] }
    }

    pub(super) fn follow(&mut self, slot: Slot, generation: u64, filter: &LogFilter, after: Option<String>, last: u32) {
        self.stop(slot);
        let last = after.is_none().then_some(last);
        let query = LogQuery { q: filter.asked(""), token: filter.token.clone(), after, last, ..LogQuery::default() };
        let tail = Tail { slot, generation, net: self.net.clone(), missed: None };
        let client = Arc::clone(&self.client);
        self.tasks[slot as usize] = Some(tokio::spawn(tail.run(client, query)));
    }

    pub(super) fn stop(&mut self, slot: Slot) {
        if let Some(task) = self.tasks[slot as usize].take() {
            task.abort();
        }
    }
}

impl Drop for Tails {
    fn drop(&mut self) {
        self.tasks.iter().flatten().for_each(JoinHandle::abort);
    }
}

struct Tail {
    slot: Slot,
    generation: u64,
    net: Sender<Net>,
    /// Rows that the loop had no room for: they become a gap, never a longer queue.
    missed: Option<Gap>,
}

impl Tail {
    async fn run(mut self, client: Arc<Client>, query: LogQuery) {
        if self.slot == Slot::Token {
            tokio::time::sleep(SETTLE).await;
        }
        let error = match self.open(&client, query).await {
            Ok(lines) => self.read(lines).await,
            Err(error) => Some(error),
        };
        let refused = error.filter(|error| !error.is_passing()).map(|error| super::client::words(&error));
        if refused.is_none() {
            tokio::time::sleep(BROKEN_WAIT).await;
        }
        let ended = Net::TailEnded { slot: self.slot, generation: self.generation, refused };
        // If the loop is gone, nobody wants to know.
        self.net.send(ended).await.ok();
    }

    /// Opens the stream. A query may name a time to begin at, and the daemon would then send all rows since: so the newest
    /// ones come as a page, and the stream goes on behind them.
    async fn open(&mut self, client: &Client, mut query: LogQuery) -> Result<Lines<TailItem>, ClientError> {
        if let (Some(last), true) = (query.last, query.q.is_some()) {
            // Asked for before the page: what comes in between is behind it, or in it and then known to be there.
            let newest = client.status().await?.log.last_seq.unwrap_or(0);
            let page = LogQuery { last: None, limit: Some(last), ..query.clone() };
            let rows = client.logs(&page).await?.items;
            let after = rows.last().map_or(newest, |row| row.seq.max(newest));
            self.hand_over(rows.into_iter().map(|row| TailItem::Row(row.into())).collect());
            (query.last, query.after) = (None, Some(after.to_string()));
        }
        client.follow_log(&query).await
    }

    async fn read(&mut self, mut lines: Lines<TailItem>) -> Option<ClientError> {
        // An empty batch says that the question was taken, so that "loading" ends.
        self.hand_over(Vec::new());
        loop {
            match batch(&mut lines).await {
                (items, None) => self.hand_over(items),
                (items, Some(end)) => {
                    self.hand_over(items);
                    return end;
                }
            }
        }
    }

    fn hand_over(&mut self, items: Vec<HeldItem>) {
        let mut batch: Vec<HeldItem> = self.missed.take().map(TailItem::Gap).into_iter().collect();
        batch.extend(items);
        let message = Net::Tail { slot: self.slot, generation: self.generation, items: batch };
        if let Err(TrySendError::Full(Net::Tail { items, .. })) = self.net.try_send(message) {
            self.missed = as_gap(&items);
        }
    }
}

/// Items until there are enough or a little time has passed, and how the stream ended, if it did.
async fn batch(lines: &mut Lines<TailItem>) -> (Vec<HeldItem>, Option<Option<ClientError>>) {
    let mut items = Vec::new();
    let mut until = None;
    while items.len() < BATCH_ROWS {
        let next = match until {
            None => next(lines).await,
            Some(until) => match tokio::time::timeout_at(until, next(lines)).await {
                Ok(next) => next,
                Err(_) => break,
            },
        };
        match next {
            Ok(Some(TailItem::End(why))) => return (items, Some(Some(ClientError::Problem(why)))),
            Ok(Some(item)) => items.push(item),
            Ok(None) => return (items, Some(None)),
            Err(error) => return (items, Some(Some(error))),
        }
        until = until.or_else(|| Some(tokio::time::Instant::now() + BATCH_TIME));
    }
    (items, None)
}

/// The next item. A row stays the line that it came as.
async fn next(lines: &mut Lines<TailItem>) -> Result<Option<HeldItem>, ClientError> {
    let item = |line: BytesMut| held::item(&line).map_err(|error| ClientError::broken(UNREADABLE, error));
    lines.next_line().await?.map(item).transpose()
}

/// What could not be handed over, as one gap.
fn as_gap(items: &[HeldItem]) -> Option<Gap> {
    let mut gap: Option<Gap> = None;
    for item in items {
        let (from, to, count) = match item {
            TailItem::Row(row) => (row.seq(), row.seq(), 1),
            TailItem::Gap(gap) => (gap.from, gap.to, gap.count),
            TailItem::Heartbeat(_) | TailItem::End(_) => continue,
        };
        let before = gap.unwrap_or(Gap { from, to, count: 0, reason: GapReason::SlowReader });
        gap = Some(Gap { to, count: before.count + count, ..before });
    }
    gap
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;
    use tokio::sync::mpsc;

    #[test]
    fn a_full_queue_becomes_one_gap_and_the_rows_after_it_follow() {
        let (net, mut loop_end) = mpsc::channel(1);
        let mut tail = Tail { slot: Slot::Log, generation: 1, net, missed: None };
        let mut items = fixtures::tail(12);
        let last = items.split_off(8);
        let middle = items.split_off(4);
        tail.hand_over(items);
        tail.hand_over(middle);
        drop(loop_end.try_recv());
        tail.hand_over(last);
        let Ok(Net::Tail { items, .. }) = loop_end.try_recv() else { panic!("nothing came") };
        // Row 5, the gap of 6 to 8, rows 9 and 10 had no room.
        let expected = Gap { from: 5, to: 10, count: 6, reason: GapReason::SlowReader };
        assert_eq!(items.first(), Some(&TailItem::Gap(expected)));
        assert_eq!(items.len(), 3);
    }
}
