//! Following the log over lost connections and restarts of the daemon, without a lost or doubled row.

use std::time::Duration;

use tollgate_shared::log::TailItem;

use super::{Client, ClientError, Lines, LogQuery};

/// A stream says something every 15 s; after three times that it is dead, whatever the socket says.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// Waits between attempts to connect: 100 ms, doubled each time up to 2 s.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

/// A follow of the log that goes on where it was.
#[derive(Debug)]
pub struct Follow<'c> {
    client: &'c Client,
    query: LogQuery,
    lines: Option<Lines<TailItem>>,
    backoff: Backoff,
}

/// What a follow says.
#[derive(Debug)]
pub enum FollowItem {
    /// A row, a gap or a sign of life.
    Tail(TailItem),
    /// The connection was lost; the next call of [`Follow::next`] waits so long and tries again.
    Lost {
        /// Why.
        error: ClientError,
        /// How long until the next attempt.
        retry_in: Duration,
    },
    /// There is a connection again; rows go on after the last one.
    Resumed,
}

// === impl Backoff ===

impl Backoff {
    /// The next wait.
    pub fn wait(&mut self) -> Duration {
        let wait = Duration::from_millis(100) * 2_u32.pow(self.attempts.min(5));
        self.attempts += 1;
        wait.min(Duration::from_secs(2))
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

// === impl Follow ===

impl<'c> Follow<'c> {
    /// Begins to follow. A query without any beginning means "from now on": now is made a seq at once, because
    /// otherwise the rows of a connection lost before its first item would be nobody's.
    ///
    /// # Errors
    /// Those of a first connection: only later ones are retried.
    pub async fn start(client: &'c Client, mut query: LogQuery) -> Result<Self, ClientError> {
        if query.after.is_none() && query.since_secs.is_none() && query.last.is_none() {
            query.after = Some(client.status().await?.log.last_seq.unwrap_or(0).to_string());
        }
        let lines = client.follow_log(&query).await?;
        Ok(Self { client, query, lines: Some(lines), backoff: Backoff::default() })
    }

    /// The next thing to show; waits for ever where nothing happens.
    ///
    /// # Errors
    /// What no new attempt can mend: access was taken away, the token in the query is gone.
    pub async fn next(&mut self) -> Result<FollowItem, ClientError> {
        let Some(lines) = &mut self.lines else { return self.resume().await };
        let waited = tokio::time::timeout(SILENCE_MAX, lines.next()).await;
        match waited.unwrap_or(Err(ClientError::TooSlow { secs: SILENCE_MAX.as_secs() })) {
            Ok(Some(TailItem::End(problem))) => self.lost(ClientError::Problem(problem)),
            Ok(Some(item)) => {
                self.backoff.reset();
                self.note(&item);
                Ok(FollowItem::Tail(item))
            }
            Ok(None) => self.lost(ClientError::broken("the daemon ended the stream", "it is probably restarting")),
            Err(error) => self.lost(error),
        }
    }

    /// Remembers the place behind `item`, in the form that came last: the items are in order.
    fn note(&mut self, item: &TailItem) {
        self.query.after = Some(match item {
            TailItem::Row(row) => row.seq.to_string(),
            TailItem::Gap(gap) => gap.to.to_string(),
            TailItem::Heartbeat(beat) => beat.cursor.clone(),
            TailItem::End(_) => return,
        });
        // What was the beginning is now behind us.
        self.query.last = None;
        self.query.since_secs = None;
    }

    fn lost(&mut self, error: ClientError) -> Result<FollowItem, ClientError> {
        self.lines = None;
        if !error.is_passing() {
            return Err(error);
        }
        // The wait is computed twice, here to say it and in `resume` to keep it.
        Ok(FollowItem::Lost { error, retry_in: self.backoff.clone().wait() })
    }

    async fn resume(&mut self) -> Result<FollowItem, ClientError> {
        tokio::time::sleep(self.backoff.wait()).await;
        match self.client.follow_log(&self.query).await {
            Ok(lines) => {
                self.lines = Some(lines);
                Ok(FollowItem::Resumed)
            }
            Err(error) => self.lost(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_100_ms_to_2_s() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..7).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
        backoff.reset();
        assert_eq!(backoff.wait().as_millis(), 100);
    }
}
