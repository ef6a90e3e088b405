//! Rows that are marked: the next action without a number is for all of them.

use std::collections::BTreeSet;
use std::io;

use tollgate_shared::id::{IncidentId, TokenId};
use tollgate_shared::limits::{BULK_INCIDENTS_MAX, BULK_TOKENS_MAX};

use super::change::without_keys;
use super::kinds::Kind;
use super::list::{Row, net_of_many};
use super::{Desk, rows};
use crate::app::action::Action;
use crate::app::ask::{self, TokensDeed};
use crate::app::field::Field;
use crate::app::forms::Form;
use crate::app::layer::Layer;
use crate::app::msg::Call;
use crate::app::update::perform;
use crate::app::words::count;
use crate::cli;
use crate::client::{Client, ClientError};

/// Names that are read out after a mark; of more only the number.
const NAMES: usize = 3;

/// Which rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Picked {
    /// By their numbers on the page.
    Rows(Vec<usize>),
    Page,
    /// All that the list's filter finds, on all its pages.
    All,
    /// All that a query finds.
    Query(String),
}

/// A row that is marked, by id: a mark stays on what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Token(TokenId),
    Incident(IncidentId),
}

/// The marks of all lists.
#[derive(Debug, Default)]
pub(super) struct Marked(BTreeSet<Mark>);

impl Mark {
    pub(super) fn of(row: &Row) -> Option<Self> {
        match row {
            Row::Token(token) => Some(Self::Token(token.id)),
            Row::Incident(incident) => Some(Self::Incident(incident.head.id)),
            _ => None,
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Token(_) => Kind::Tokens,
            Self::Incident(_) => Kind::Incidents,
        }
    }
}

impl Marked {
    pub(super) fn has(&self, row: &Row) -> bool {
        Mark::of(row).is_some_and(|mark| self.0.contains(&mark))
    }

    fn of(&self, kind: Kind) -> Vec<Mark> {
        self.0.iter().copied().filter(|mark| mark.kind() == kind).collect()
    }

    pub(super) fn count(&self, kind: Kind) -> usize {
        self.of(kind).len()
    }

    fn set(&mut self, mark: Mark, on: bool) {
        let _ = if on { self.0.insert(mark) } else { self.0.remove(&mark) };
    }

    fn clear(&mut self, kind: Kind) {
        self.0.retain(|mark| mark.kind() != kind);
    }
}

/// Reads `3`, `3-7`, `1, 4 6-8`, `page`, `all` or a query.
pub(super) fn picked(text: &str) -> Picked {
    let numbers = text.split([' ', ',']).filter(|part| !part.is_empty()).map(range).collect::<Option<Vec<_>>>();
    match (text, numbers) {
        ("all", _) => Picked::All,
        ("page", _) => Picked::Page,
        (_, Some(ranges)) => Picked::Rows(ranges.into_iter().flatten().collect()),
        (query, None) => Picked::Query(query.to_owned()),
    }
}

fn range(part: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (1 <= first && first <= last && last - first < BULK_TOKENS_MAX).then_some(first..=last)
}

/// How many of a list one change takes.
const fn at_once(kind: Kind) -> usize {
    if matches!(kind, Kind::Incidents) { BULK_INCIDENTS_MAX } else { BULK_TOKENS_MAX }
}

const fn nouns(kind: Kind) -> &'static str {
    if matches!(kind, Kind::Incidents) { "incident" } else { "token" }
}

impl Desk {
    /// Marks rows, or takes their marks away.
    pub(super) async fn mark(&mut self, picked: Picked, on: bool) -> io::Result<()> {
        let kind = self.list.kind;
        if !kind.has_marks() {
            return self.say("only tokens and incidents are marked: type tokens or incidents, then mark N");
        }
        if !on && picked == Picked::All {
            self.marked.clear(kind);
            return self.say(&format!("no {} is marked", nouns(kind)));
        }
        let rows = match self.pick(kind, picked).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(why)) => return self.say(&why),
            Err(error) => return self.say_query_error(error),
        };
        let before = self.marked.count(kind);
        rows.iter().filter_map(Mark::of).for_each(|mark| self.marked.set(mark, on));
        self.say_marks(&rows, on, before)
    }

    fn say_marks(&mut self, rows: &[Row], on: bool, before: usize) -> io::Result<()> {
        let kind = self.list.kind;
        let now = self.marked.count(kind);
        let names = match rows.len() {
            0 => "no row fits; ".to_owned(),
            1..=NAMES => {
                let names: Vec<String> = rows.iter().map(name_of).collect();
                format!("{}: {}; ", if on { "marked" } else { "unmarked" }, names.join(", "))
            }
            _ => String::new(),
        };
        let verb = if now == 1 { "is" } else { "are" };
        let hint = if before == 0 && now > 0 { "; an action without a number is for all of them" } else { "" };
        self.say(&format!("{names}{} {verb} marked{hint}", count(now as u64, nouns(kind))))
    }

    /// The rows that are meant, or why there are none.
    async fn pick(&mut self, kind: Kind, picked: Picked) -> Result<Result<Vec<Row>, String>, ClientError> {
        let filter = match picked {
            Picked::Rows(numbers) => return Ok(self.numbered(&numbers)),
            Picked::Page => return Ok(Ok(self.list.rows().to_vec())),
            Picked::All => self.list.filter().to_owned(),
            Picked::Query(query) => query,
        };
        let client = self.look_around().await?;
        let filter = self.resolve_kept(&client, kind, &filter).await?;
        let (rows, _) = self.all_rows(&client, kind, &filter, at_once(kind)).await?;
        let most = at_once(kind);
        Ok(match rows.len() > most {
            true => Err(format!("more than {most} fit, and {most} are changed at once: narrow the query")),
            false => Ok(rows),
        })
    }

    fn numbered(&self, numbers: &[usize]) -> Result<Vec<Row>, String> {
        let row = |number: &usize| self.list.row(*number).cloned().ok_or_else(|| self.no_row(*number));
        numbers.iter().map(row).collect()
    }

    /// Reads out what is marked, as it is now.
    pub(super) async fn say_marked(&mut self) -> io::Result<()> {
        let kind = self.list.kind;
        if self.marked.count(kind) == 0 {
            return self.say("nothing is marked here: mark N, mark 3-7, mark all or mark QUERY in tokens or incidents");
        }
        let rows = match self.look_at_marked(kind).await {
            Ok(rows) => rows,
            Err(error) => return self.say_error(error),
        };
        self.say(&format!("{} marked", count(rows.len() as u64, nouns(kind))))?;
        let now = self.model.now;
        for row in rows {
            let words = rows::words(&row, |id| id.to_string(), now);
            let place = self.list.number_of(&row).map_or_else(String::new, |number| format!("row {number}. "));
            self.io.line(&format!("{place}{words}"))?;
        }
        Ok(())
    }

    async fn look_at_marked(&mut self, kind: Kind) -> Result<Vec<Row>, ClientError> {
        let client = self.look_around().await?;
        self.fresh_marked(&client, kind).await
    }

    /// The marked rows as they are now. What is gone is not marked any more.
    async fn fresh_marked(&mut self, client: &Client, kind: Kind) -> Result<Vec<Row>, ClientError> {
        let mut rows = Vec::new();
        for mark in self.marked.of(kind) {
            let row = match mark {
                Mark::Token(id) => client.token(id.as_str()).await.map(|row| Row::Token(Box::new(row))),
                Mark::Incident(id) => client.incident(&id.to_string()).await.map(|row| Row::Incident(Box::new(row))),
            };
            match row {
                Ok(row) => rows.push(row),
                Err(ClientError::Problem(_)) => self.marked.set(mark, false),
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }

    /// Does an action to all that are marked: the console's dialog of many, line by line.
    pub(super) async fn act_on_marked(&mut self, action: Action, words: &[String]) -> io::Result<()> {
        let (kind, name) = (self.list.kind, action.info().name);
        let before = self.marked.count(kind);
        let rows = match self.look_at_marked(kind).await {
            Ok(rows) => rows,
            Err(error) => return self.say_error(error),
        };
        if rows.len() < before {
            self.say(&format!("{} of those that were marked are gone", before - rows.len()))?;
        }
        if rows.is_empty() {
            return self.say("nothing is marked any more; nothing was changed");
        }
        self.put_marked(kind, &rows);
        if let Err(why) = self.model.may(action) {
            self.forget_marks();
            return self.say(&format!("{name}: {}; nothing was changed", without_keys(&why)));
        }
        if let Err(why) = self.open_question(action, words) {
            self.forget_marks();
            return why.iter().try_for_each(|line| self.io.line(line));
        }
        let outcome = self.ask().await?;
        if self.model.marks() == 0 {
            self.marked.clear(kind);
        }
        self.forget_marks();
        outcome.map_or(Ok(()), |outcome| self.say_outcome(&outcome))
    }

    /// Into the model, where the console's tables look for them.
    fn put_marked(&mut self, kind: Kind, rows: &[Row]) {
        self.stand_at(kind);
        net_of_many(rows).into_iter().for_each(|net| self.hear(net));
        self.model.notice = None;
        let (tokens, incidents) = (&mut self.model.tokens, &mut self.model.incidents);
        tokens.marks.clear();
        incidents.marks.clear();
        for mark in rows.iter().filter_map(Mark::of) {
            match mark {
                Mark::Token(id) => tokens.marks.switch(id),
                Mark::Incident(id) => incidents.marks.switch(id),
            }
        }
        // The names of the other tokens are not known any more.
        tokens.loaded &= kind != Kind::Tokens;
    }

    /// An action with a row's number is for that row alone.
    pub(super) fn forget_marks(&mut self) {
        self.model.tokens.marks.clear();
        self.model.incidents.marks.clear();
    }

    /// Opens the dialog, with what was typed behind the action; or what to type instead.
    fn open_question(&mut self, action: Action, words: &[String]) -> Result<(), Vec<String>> {
        let name = action.info().name;
        if action == Action::Edit {
            let marked = self.model.tokens.marked();
            let deed = edit(words, marked.len())?;
            self.model.layer = Some(Layer::Ask(Box::new(ask::tokens(&self.model, deed, &marked))));
            return Ok(());
        }
        perform(&mut self.model, action, (self.clock)());
        let Some(Layer::Ask(ask)) = &mut self.model.layer else {
            return Err(vec![format!("{name}: name a row: {name} N")]);
        };
        let option = ask.reason_label().map(|label| format!("--{label}"));
        match words {
            [] => Ok(()),
            [word, text] if Some(word) == option.as_ref() => {
                ask.reason = Field::new(text.trim());
                Ok(())
            }
            _ => {
                self.model.layer = None;
                let takes = option.map_or_else(|| "nothing".to_owned(), |option| format!("{option} TEXT"));
                Err(vec![format!("{name} of all that are marked takes {takes} behind it; nothing was changed")])
            }
        }
    }
}

/// The change of all marked tokens that options of `token edit` describe.
fn edit(words: &[String], marked: usize) -> Result<TokensDeed, Vec<String>> {
    let wrong = |why: &str| {
        let how = "edit of all that are marked takes options: edit --expires 90d --rate 600/min; help edit has all";
        vec![format!("{why}nothing was changed"), how.to_owned()]
    };
    let line: Vec<String> = ["token", "edit", "TOKEN"].map(str::to_owned).iter().chain(words).cloned().collect();
    match cli::reversible(&line) {
        Some(cli::Reversible { call: Call::EditToken { patch, .. }, preset: None, .. }) => {
            Ok(TokensDeed::Edit(patch, Box::new(Form::edit_many(marked))))
        }
        Some(_) => Err(wrong("a preset depends on the token: --permission names them; ")),
        None => Err(wrong(&cli::misread(&line).map(|why| format!("{why}; ")).unwrap_or_default())),
    }
}

fn name_of(row: &Row) -> String {
    match row {
        Row::Token(token) => token.name.clone(),
        Row::Incident(incident) => incident.head.title.clone(),
        other => rows::words(other, |id| id.to_string(), tollgate_shared::time::Timestamp::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_by_number_by_range_by_page_and_by_query() {
        assert_eq!(picked("3"), Picked::Rows(vec![3]));
        assert_eq!(picked("1, 4 6-8"), Picked::Rows(vec![1, 4, 6, 7, 8]));
        assert_eq!((picked("all"), picked("page")), (Picked::All, Picked::Page));
        assert_eq!(picked("expires:<14d"), Picked::Query("expires:<14d".to_owned()));
        assert_eq!(picked("7-3"), Picked::Query("7-3".to_owned()), "no range: a text that is looked for");
        assert_eq!(picked("0"), Picked::Query("0".to_owned()));
    }
}
