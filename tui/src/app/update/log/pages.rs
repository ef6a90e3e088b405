//! Rows that are fetched apart from the tail, the counts over the list, and going to a time.

use tollgate_shared::api::LogHistogram;
use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use super::seek;
use crate::app::Model;
use crate::app::connection::Connection;
use crate::app::logs::strip::BUCKETS_MAX;
use crate::app::model::Screen;
use crate::app::msg::{Effect, Effects, Failure, Rows};
use crate::app::query::{LogFilter, Range};
use crate::app::tail::{Entry, Page};
use crate::app::update::resume;

/// Columns beside the strip's own.
const STRIP_ROOM: u16 = 44;

/// True while the daemon can be asked. Otherwise the rows stay as they are, and that is said.
pub(super) fn is_live(model: &mut Model) -> bool {
    let live = model.connection == Connection::Live;
    if !live {
        model.notice = Some("no connection: only the rows that are here can be shown".to_owned());
    }
    live
}

/// Asks for a page; an earlier question is not awaited any more.
pub(in crate::app::update) fn fetch(model: &mut Model, page: Page, effects: &mut Effects) {
    if !is_live(model) {
        return;
    }
    let number = model.next_generation();
    model.logs.tail.begin(number, page);
    let filter = match page {
        Page::LastBefore(sought, _) | Page::FirstAfter(sought, _) => {
            model.logs.tail.filter.with(&seek::term(model, sought))
        }
        _ => model.logs.tail.filter.clone(),
    };
    effects.push(Effect::Rows { number, filter, page });
}

/// Asks for what the screen wants to show and does not have.
pub(in crate::app::update) fn want(model: &mut Model, effects: &mut Effects) {
    if model.screen != Screen::Log {
        return;
    }
    if let Some(page) = model.logs.tail.wanted() {
        fetch(model, page, effects);
    }
    if model.logs.strip.is_due(model.now) && model.logs.tail.loaded {
        let number = model.next_generation();
        model.logs.strip.begin(number, model.now);
        let filter = model.logs.tail.filter.clone();
        let range = counted(filter.range, model);
        let buckets = model.columns.saturating_sub(STRIP_ROOM).clamp(12, BUCKETS_MAX);
        effects.push(Effect::Counts { number, filter: LogFilter { range, ..filter }, buckets });
    }
}

/// The time that is counted: of all that is kept, the shortest stretch that holds it, so that a young log is not drawn as
/// one column at the edge.
fn counted(range: Range, model: &Model) -> Range {
    let oldest = model.status.as_ref().and_then(|status| status.log.oldest_at);
    let age = oldest.map_or(0, |at| model.now.secs_since(at));
    let holds = |range: &Range| matches!(range, Range::Last(secs) if i64::from(*secs) > age);
    match range {
        Range::All => Range::LENGTHS.into_iter().map(|(_, range)| range).find(holds).unwrap_or(range),
        range => range,
    }
}

pub(in crate::app::update) fn counts(model: &mut Model, number: u64, result: Result<Box<LogHistogram>, Failure>) {
    model.logs.strip.take(number, result.map_err(|failure| failure.words), model.now);
}

/// A page came.
pub(in crate::app::update) fn rows(
    model: &mut Model,
    number: u64,
    result: Result<Rows, Failure>,
    effects: &mut Effects,
) {
    let Some(page) = model.logs.tail.end(number) else { return };
    match result {
        Ok(Rows { rows, more }) => take(model, page, rows, more, effects),
        Err(failure) if page == Page::Newest => {
            let tail = &mut model.logs.tail;
            (tail.loaded, tail.refused) = (true, Some(failure.words));
        }
        Err(failure) => {
            model.logs.tail.give_up();
            model.notice = Some(failure.words);
        }
    }
}

fn take(model: &mut Model, page: Page, rows: Vec<LogRow>, more: bool, effects: &mut Effects) {
    let nothing = rows.is_empty();
    let words = match page {
        Page::Again(seq) if nothing => return resume::gone(model, seq, effects),
        Page::LastBefore(sought, _) | Page::FirstAfter(sought, _) => {
            match rows.first() {
                Some(row) => fetch(model, Page::UpTo(row.seq), effects),
                None => model.notice = Some(seek::none_further(model, sought, more)),
            }
            return;
        }
        Page::From(_) if nothing => "no rows from that time on",
        Page::UpTo(_) if nothing => "no row up to that one is shown by this query: these are the newest",
        Page::Gap { .. } if nothing => "none of those rows can be shown: the query leaves them out, or they are gone",
        _ => "",
    };
    if !words.is_empty() {
        model.notice = Some(words.to_owned());
    }
    if !(nothing && matches!(page, Page::From(_) | Page::UpTo(_))) {
        model.logs.leave_row();
        model.logs.tail.take_page(page, rows, more);
    }
    if page == Page::Newest {
        read_on(model, effects);
    }
}

/// A list that nothing can follow begins with its newest rows: then the one that was being read is gone to.
fn read_on(model: &mut Model, effects: &mut Effects) {
    let Some(seq) = model.logs.tail.again.take() else { return };
    match model.logs.tail.index_of(seq) {
        Some(index) => model.logs.tail.go(index),
        None => fetch(model, Page::UpTo(seq), effects),
    }
}

/// Goes to the first row from a moment on.
pub(in crate::app::update) fn goto(model: &mut Model, at: Timestamp, effects: &mut Effects) {
    model.pane_top = 0;
    model.logs.leave_row();
    let tail = &mut model.logs.tail;
    let is_before = |entry: &Entry| matches!(entry, Entry::Row(row) if row.at() < at);
    let from_start = tail.at_start || tail.rows().next().is_some_and(|row| row.at() < at);
    let first = tail.entries.iter().position(|entry| matches!(entry, Entry::Row(row) if row.at() >= at));
    match first {
        Some(index) if from_start => tail.go(index),
        None if tail.is_live() && tail.entries.iter().any(is_before) => tail.go(usize::MAX),
        _ => fetch(model, Page::From(at), effects),
    }
}
