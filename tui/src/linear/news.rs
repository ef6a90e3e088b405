//! What changed since the last prompt, said once.

use std::collections::HashSet;
use std::io;

use tollgate_shared::id::IncidentId;

use super::Desk;
use crate::app::{Net, Screen};
use crate::client::{Client, ClientError, IncidentQuery, PageQuery};
use crate::console::Topic;

/// Tokens of which it is said what is wrong with one: of more, asking for all of them before each prompt would be felt.
const TOKENS_WATCHED: u32 = 1_000;
/// Incidents that are looked at, the newest.
const INCIDENTS: u32 = 20;

/// What was said already.
#[derive(Debug, Default)]
pub(super) struct News {
    worst: Option<String>,
    known: Option<HashSet<IncidentId>>,
    is_lost: bool,
}

impl Desk {
    /// Says what is new. What cannot be said now is said before the next prompt.
    pub(super) async fn tell_news(&mut self) {
        let lines = self.gather_news().await;
        // A writer that is gone is found out by the prompt.
        lines.iter().try_for_each(|line| self.io.line(line)).ok();
    }

    /// What Enter alone asks for: also that there is none.
    pub(super) async fn say_news(&mut self) -> io::Result<()> {
        let lines = self.gather_news().await;
        match lines.as_slice() {
            [] if self.news.is_lost => self.say("still no connection; every command tries again"),
            [] => self.say("nothing new"),
            lines => lines.iter().try_for_each(|line| self.io.line(line)),
        }
    }

    async fn gather_news(&mut self) -> Vec<String> {
        match self.news_now().await {
            Ok(lines) => lines,
            Err(_) if self.news.is_lost => Vec::new(),
            Err(error) => {
                self.news.is_lost = true;
                vec![format!("news: the connection is lost: {error}; every command tries again")]
            }
        }
    }

    async fn news_now(&mut self) -> Result<Vec<String>, ClientError> {
        let client = self.client().await?;
        let status = client.status().await?;
        self.hear(Net::Status(Box::new(status)));
        let mut lines = Vec::new();
        if std::mem::take(&mut self.news.is_lost) {
            lines.push("news: there is a connection again".to_owned());
        }
        let is_watched = self.model.status.as_ref().is_some_and(|status| status.tokens <= TOKENS_WATCHED);
        if is_watched {
            self.know(&client, Topic::Tokens).await?;
        }
        let worst = self.model.worst().filter(|(_, screen)| is_watched || *screen != Screen::Tokens);
        // That the same end comes nearer is no news.
        let what = worst.as_ref().map(|(words, screen)| match screen {
            Screen::Tokens => words.chars().filter(|c| !c.is_ascii_digit()).collect(),
            _ => words.clone(),
        });
        if what != self.news.worst {
            lines.push(match &worst {
                Some((words, _)) => format!("news: {words}"),
                None => "news: nothing is wrong any more".to_owned(),
            });
            self.news.worst = what;
        }
        lines.extend(self.new_incidents(&client).await?);
        Ok(lines)
    }

    /// Each once; those that were there before the first prompt are no news.
    async fn new_incidents(&mut self, client: &Client) -> Result<Vec<String>, ClientError> {
        let page = PageQuery { limit: Some(INCIDENTS), cursor: None };
        let open = Some("open".to_owned());
        let found = client.incidents(&IncidentQuery { state: open, page, ..IncidentQuery::default() }).await?;
        let ids: HashSet<IncidentId> = found.items.iter().map(|row| row.head.id).collect();
        let Some(known) = self.news.known.replace(ids) else { return Ok(Vec::new()) };
        // Newest first: what comes behind one that was known is old as well.
        let fresh = found.items.iter().take_while(|row| !known.contains(&row.head.id));
        let words = |row: &tollgate_shared::api::IncidentView| {
            format!("news: incident {} of {}: {}", row.head.priority, row.service.name, row.head.title)
        };
        Ok(fresh.map(words).collect())
    }
}
