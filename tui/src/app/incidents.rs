//! The Incidents screen: open ones first.

use std::sync::Arc;

use tollgate_shared::api::IncidentView;
use tollgate_shared::id::{IncidentId, TokenId};
use tollgate_shared::incident::{TimelineEntry, TimelineEvent};
use tollgate_shared::time::Timestamp;

use super::cursor::Cursor;
use super::history::QueryHistory;
use super::marks::Marks;
use super::order::merge;
use super::words;

pub mod sort;
pub mod terms;

pub use sort::Sort;

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Incidents {
    /// Those that fit the query: open ones, then the latest resolved ones, in the order that was chosen.
    pub rows: Vec<Arc<IncidentView>>,
    pub open: usize,
    /// There are more open ones than were fetched.
    pub more: bool,
    pub cursor: Cursor<IncidentId>,
    /// Marked for one change of all of them.
    pub marks: Marks<IncidentId>,
    /// The marked incident with its story, once it has come.
    pub story: Option<Arc<IncidentView>>,
    /// The story that has been asked for.
    pub asked: Option<IncidentId>,
    pub search: String,
    /// The query; the daemon evaluates it.
    pub filter: String,
    /// False: the query is kept but not asked.
    pub filter_off: bool,
    /// Queries of this session, the newest last.
    pub history: QueryHistory,
    /// Why the daemon does not take the query.
    pub refused: Option<String>,
    pub sort: Sort,
    pub reverse: bool,
    pub loaded: bool,
    /// The query that the rows are the answer to.
    answered: String,
    /// The operator has put the mark somewhere.
    chosen: bool,
}

impl Incidents {
    /// The query in force; empty = everything.
    #[must_use]
    pub fn query(&self) -> &str {
        if self.filter_off { "" } else { &self.filter }
    }

    /// The daemon does not take the query.
    pub fn refuse(&mut self, query: &str, why: String) {
        if query == self.query() {
            (self.rows, self.open, self.more) = (Vec::new(), 0, false);
            (self.refused, self.loaded) = (Some(why), true);
            self.relocate();
        }
    }

    /// Takes all anew, unless they answer a query that is not asked any more. The order is kept for rows that stay, as in
    /// the other tables; the answer to another query is another table.
    pub fn replace(&mut self, query: &str, open: Vec<Arc<IncidentView>>, resolved: Vec<Arc<IncidentView>>, more: bool) {
        if query != self.query() {
            return;
        }
        let first = !std::mem::replace(&mut self.loaded, true) | (query != self.answered);
        (self.asked, self.refused, self.answered) = (None, None, query.to_owned());
        (self.open, self.more) = (open.len(), more);
        let fresh: Vec<_> = open.into_iter().chain(resolved).collect();
        let old = std::mem::take(&mut self.rows);
        self.rows = if first { fresh } else { merge(&old, fresh, |row| row.head.id) };
        if first {
            self.resort();
        }
        self.relocate();
    }

    /// Takes one anew: after a change, or with its story.
    pub fn refresh(&mut self, incident: IncidentView) {
        let incident = Arc::new(incident);
        if let Some(row) = self.rows.iter_mut().find(|row| row.head.id == incident.head.id) {
            *row = Arc::clone(&incident);
        }
        if Some(incident.head.id) == self.cursor.key {
            self.story = Some(incident);
        }
        self.open = self.rows.iter().filter(|row| row.head.state.is_open()).count();
    }

    /// Sorts. Only on demand: never under the mark.
    pub fn resort(&mut self) {
        let (sort, reverse) = (self.sort, self.reverse);
        self.rows.sort_by_cached_key(|row| sort::attention(row));
        self.rows.sort_by(|a, b| {
            let order = sort.compare(a, b);
            if reverse { order.reverse() } else { order }
        });
        if reverse && sort == Sort::Attention {
            self.rows.reverse();
        }
        self.relocate();
    }

    #[must_use]
    pub fn selected(&self) -> Option<&Arc<IncidentView>> {
        let row = self.rows.get(self.cursor.index)?;
        (Some(row.head.id) == self.cursor.key).then_some(row)
    }

    pub fn step(&mut self, by: isize) {
        self.chosen = true;
        let rows = &self.rows;
        self.cursor.step(by, rows.len(), |at| rows[at].head.id);
    }

    pub fn go(&mut self, index: usize) {
        self.chosen = true;
        let rows = &self.rows;
        self.cursor.go(index, rows.len(), |at| rows[at].head.id);
    }

    /// The screen is entered: a mark that nobody chose stands at the top, not where news pushed it.
    pub fn enter(&mut self) {
        if !self.chosen {
            let rows = &self.rows;
            self.cursor.go(0, rows.len(), |at| rows[at].head.id);
        }
    }

    /// The mark, where the operator put it somewhere.
    #[must_use]
    pub fn chosen_mark(&self) -> Option<(IncidentId, usize)> {
        self.cursor.mark().filter(|_| self.chosen)
    }

    /// Marks a row as soon as there are any, as if the operator had.
    pub fn await_mark(&mut self, mark: Option<(IncidentId, usize)>) {
        (self.chosen, self.cursor.awaited) = (mark.is_some(), mark);
    }

    /// The next row with the search text in its title, service or id.
    #[must_use]
    pub fn find(&self, forward: bool, from_here: bool) -> Option<usize> {
        let (text, len) = (self.search.to_lowercase(), self.rows.len());
        if text.is_empty() || len == 0 {
            return None;
        }
        let first = usize::from(!from_here);
        let place = |offset| {
            if forward { (self.cursor.index + offset) % len } else { (self.cursor.index + len - offset % len) % len }
        };
        (first..len + first).map(place).find(|at| has_text(&self.rows[*at], &text))
    }

    /// Open incidents that this token opened; `None` where not all are known.
    #[must_use]
    pub fn open_by(&self, token: TokenId) -> Option<usize> {
        let fed = |row: &&Arc<IncidentView>| row.head.state.is_open() && row.head.token == token;
        let all = self.loaded && !self.more && self.answered.is_empty();
        all.then(|| self.rows.iter().filter(fed).count())
    }

    /// The incidents that are marked, in the order of the screen.
    #[must_use]
    pub fn marked(&self) -> Vec<Arc<IncidentView>> {
        self.rows.iter().filter(|row| self.marks.has(row.head.id)).map(Arc::clone).collect()
    }

    /// Marks the row, or takes its mark away, and goes on to the next one.
    pub fn mark(&mut self) {
        if let Some(id) = self.selected().map(|row| row.head.id) {
            self.marks.switch(id);
            self.step(1);
        }
    }

    /// Marks all that are open, or none of them: of what is resolved nothing changes any more.
    pub fn mark_all(&mut self) {
        let open = self.rows.iter().filter(|row| row.head.state.is_open());
        let all: Vec<IncidentId> = open.map(|row| row.head.id).collect();
        self.marks.switch_all(&all);
    }

    /// After the rows changed. What is not listed any more is not marked either: nothing unseen is changed.
    fn relocate(&mut self) {
        let here: std::collections::HashSet<IncidentId> = self.rows.iter().map(|row| row.head.id).collect();
        self.marks.keep(|id| here.contains(&id));
        let rows = &self.rows;
        self.cursor.relocate(rows.len(), |at| rows[at].head.id);
    }
}

fn has_text(row: &IncidentView, text: &str) -> bool {
    let id = row.head.id.to_string();
    [row.head.title.as_str(), &row.service.name, &id].iter().any(|hay| hay.to_lowercase().contains(text))
}

/// One line of the story; `name` gives a token's name.
#[must_use]
pub fn event_words(
    entry: &TimelineEntry,
    name: impl Fn(TokenId) -> String,
    moment: impl Fn(Timestamp) -> String,
) -> String {
    let what = match &entry.event {
        TimelineEvent::Opened { token: TokenId::DAEMON, .. } => "opened by tollgated itself".to_owned(),
        TimelineEvent::Opened { token, .. } => format!("opened by a call of {}", name(*token)),
        TimelineEvent::Attached { token, .. } if entry.count > 1 => {
            format!(
                "{} attached, the last from {} at {}",
                words::count(entry.count, "call"),
                name(*token),
                moment(entry.last_at)
            )
        }
        TimelineEvent::Attached { token, .. } => format!("a call of {} attached", name(*token)),
        TimelineEvent::Raised { from, to } => format!("priority raised from {from} to {to}"),
        TimelineEvent::Acknowledged { by } => format!("acknowledged by {by}"),
        TimelineEvent::Unacknowledged { by } => format!("given back by {by}"),
        TimelineEvent::ResolvedByCall { token, .. } => format!("resolved by a call of {}", name(*token)),
        TimelineEvent::ResolvedBy { by, comment: None } => format!("resolved by {by}"),
        TimelineEvent::ResolvedBy { by, comment: Some(words) } => format!("resolved by {by}: {words}"),
    };
    format!("{}  {what}", moment(entry.at))
}
