//! Going to the next row that failed, or that has the text that is searched for: among the rows that are here, and where
//! none is, with the daemon among all. The query stays, so that what happened before and after is in view.

use super::pages;
use crate::app::Model;
use crate::app::connection::Connection;
use crate::app::logs::LogTab;
use crate::app::logs::column::Terms;
use crate::app::msg::Effects;
use crate::app::tail::{Page, Sought};

/// What a row that failed has.
const FAILED: &str = "(outcome:no_match or outcome:rejected)";
/// Rows that stay in view on either side of a find.
const CONTEXT_ROWS: usize = 3;

/// `{` and `}`.
pub(super) fn error(model: &mut Model, forward: bool, effects: &mut Effects) {
    model.pane_top = 0;
    model.logs.leave_row();
    if model.logs.tail.step_to_error(forward) {
        return;
    }
    match beyond(model, Sought::Failed, forward) {
        Some(page) => pages::fetch(model, page, effects),
        None => model.notice = Some(none_further(model, Sought::Failed, false)),
    }
}

/// Goes to the next find among the rows that are here, round the end of the list. False if there is none.
pub(in crate::app::update) fn find(model: &mut Model, forward: bool, from_here: bool) -> bool {
    let here = model.logs.find(&model.tokens, forward, from_here);
    take(model, here, from_here)
}

/// The same among all rows of the query: what is not here on the way is asked for. False if there is nothing to ask.
pub(in crate::app::update) fn search(model: &mut Model, forward: bool, from_here: bool, effects: &mut Effects) -> bool {
    let here = model.logs.find(&model.tokens, forward, from_here);
    let page = match here {
        Some((_, false)) => None,
        // To go round the few rows that are here would pass over all the others. What was just typed may stand before.
        Some(_) if from_here => None,
        Some(_) => beyond(model, Sought::Text, forward),
        None => beyond(model, Sought::Text, forward).or_else(|| beyond(model, Sought::Text, !forward)),
    };
    match page {
        Some(page) => {
            model.logs.leave_row();
            pages::fetch(model, page, effects);
            true
        }
        None => take(model, here, from_here),
    }
}

/// Goes to what was found among the rows that are here. False if nothing was.
fn take(model: &mut Model, found: Option<(usize, bool)>, from_here: bool) -> bool {
    model.logs.leave_row();
    let Some((index, went_round)) = found else { return false };
    if went_round && !from_here {
        model.notice = Some("the search went on at the other end of the list".to_owned());
    }
    go(model, index);
    true
}

/// What is sought, as a term of the query language.
pub(super) fn term(model: &Model, sought: Sought) -> String {
    match sought {
        Sought::Failed => FAILED.to_owned(),
        Sought::Text => Terms::text(&model.logs.search).only,
    }
}

/// Why nothing was gone to; `more`: the daemon has not looked through all of them.
pub(super) fn none_further(model: &Model, sought: Sought, more: bool) -> String {
    let what = match sought {
        Sought::Failed => "no further row that failed".to_owned(),
        Sought::Text => format!("`{}` is in no further row", model.logs.search),
    };
    let rest = if more { " of those that were looked through; T or f ask for fewer" } else { "" };
    format!("{what}{rest}")
}

/// The question for what is not here in that direction; `None` where there is nothing, or nobody to ask.
fn beyond(model: &Model, sought: Sought, forward: bool) -> Option<Page> {
    let tail = &model.logs.tail;
    if model.logs.tab != LogTab::Calls || model.connection != Connection::Live {
        return None;
    }
    match forward {
        false if !tail.at_start => tail.entries.front().map(|first| Page::LastBefore(sought, first.seq())),
        true if !tail.is_live() => tail.entries.back().map(|last| Page::FirstAfter(sought, last.last_seq())),
        _ => None,
    }
}

/// Marks a find, and keeps lines around it in view: what happened before and after is the context.
fn go(model: &mut Model, index: usize) {
    model.logs.go(index);
    let rows = usize::from(model.layout().list.height);
    let context = CONTEXT_ROWS.min(rows.saturating_sub(1) / 2);
    let (top, index) = match model.logs.tab {
        LogTab::Calls => (&mut model.logs.tail.cursor.top, model.logs.tail.cursor.index),
        LogTab::Refused => (&mut model.logs.refused_cursor.top, model.logs.refused_cursor.index),
    };
    let lowest = (index + 1 + context).saturating_sub(rows);
    *top = (*top).clamp(lowest, index.saturating_sub(context).max(lowest));
}
