//! The log as it grows, a line a row, until Enter.

use std::io;

use tollgate_shared::log::TailItem;
use tollgate_shared::query::{LOGS, Query};

use super::{Desk, rows};
use crate::app::tail::gap_words;
use crate::client::{Client, ClientError, Follow, FollowItem, LogQuery};

/// Rows to begin with.
const LAST: u32 = 10;

impl Desk {
    pub(super) async fn follow(&mut self, query: &str) -> io::Result<()> {
        if let Err(error) = Query::parse(query, &LOGS) {
            self.say("this is not a query that can be asked:")?;
            return error.drawn(query).to_string().lines().try_for_each(|line| self.io.line(&format!("  {line}")));
        }
        match self.begin_to_follow(query).await {
            Ok((client, query)) => self.follow_until_enter(&client, query).await,
            Err(error) => self.say_error(error),
        }
    }

    /// The newest rows, and the question that goes on behind them.
    async fn begin_to_follow(&mut self, query: &str) -> Result<(Client, LogQuery), ClientError> {
        let client = self.look_around().await?;
        self.know_tokens(&client).await?;
        let q = (!query.is_empty()).then(|| query.to_owned());
        // Asked for before the page: what comes in between is behind it, or in it and then known to be there.
        let newest = client.status().await?.log.last_seq.unwrap_or(0);
        let page = LogQuery { q: q.clone(), limit: Some(LAST), ..LogQuery::default() };
        let rows = client.logs(&page).await?.items;
        let after = rows.last().map_or(newest, |row| row.seq.max(newest));
        for row in rows {
            // A writer that is gone is found out by the next line.
            self.tail_item(&TailItem::Row(Box::new(row))).ok();
        }
        Ok((client, LogQuery { q, after: Some(after.to_string()), ..LogQuery::default() }))
    }

    async fn follow_until_enter(&mut self, client: &Client, query: LogQuery) -> io::Result<()> {
        self.say("following; Enter ends it")?;
        let mut follow = match Follow::start(client, query).await {
            Ok(follow) => follow,
            Err(error) => return self.say_error(error),
        };
        loop {
            let item = tokio::select! {
                biased;
                _ = tokio::signal::ctrl_c() => break,
                () = self.ready.wait() => break drop(self.read().await?),
                item = follow.next() => item,
            };
            match item {
                Ok(FollowItem::Tail(item)) => self.tail_item(&item)?,
                Ok(FollowItem::Lost { error, .. }) => self.say(&format!("news: {error}; trying again"))?,
                Ok(FollowItem::Resumed) => self.say("news: connected again, going on after the last row")?,
                Err(error) => return self.say_error(error),
            }
        }
        self.say("the end of following")
    }

    fn tail_item(&mut self, item: &TailItem) -> io::Result<()> {
        let line = match item {
            TailItem::Row(row) => rows::of_call(row, &self.model.tokens.name_of(row.token)),
            TailItem::Gap(gap) => gap_words(gap),
            TailItem::Heartbeat(_) | TailItem::End(_) => return Ok(()),
        };
        self.io.line(&line)?;
        self.io.out.flush()
    }
}
