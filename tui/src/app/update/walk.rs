//! Moving about: rows, pages, panes, tabs, finds.

use super::super::detail;
use super::super::logs::LogTab;
use super::super::model::{Model, Screen};
use super::super::msg::{Effect, Effects};
use super::log;

/// Moves by rows, in the list or in the pane.
pub(super) fn step(model: &mut Model, by: isize) {
    if log::step_in_body(model, by) {
        return;
    }
    if model.screen == Screen::Status {
        return super::super::status::step(model, by);
    }
    if model.in_pane {
        let last = detail::lines(model).len().saturating_sub(1);
        model.pane_top = model.pane_top.saturating_add_signed(by).min(last);
        return;
    }
    model.pane_top = 0;
    match model.screen {
        Screen::Tokens => model.tokens.step(by),
        Screen::Log => {
            model.logs.leave_row();
            model.logs.step(by);
        }
        Screen::Incidents => model.incidents.step(by),
        Screen::Services => model.services.step(by),
        Screen::Requests => model.requests.step(by),
        Screen::Operators => model.operators.step(by),
        Screen::Audit => model.audit.step(by),
        Screen::Status => {}
    }
}

/// The first row that is shown, and the marked one.
#[must_use]
pub(super) fn cursor(model: &Model) -> (usize, usize) {
    let of = |top, index| (top, index);
    match model.screen {
        Screen::Tokens => of(model.tokens.cursor.top, model.tokens.cursor.index),
        Screen::Log if model.logs.tab == LogTab::Refused => {
            of(model.logs.refused_cursor.top, model.logs.refused_cursor.index)
        }
        Screen::Log => of(model.logs.tail.cursor.top, model.logs.tail.cursor.index),
        Screen::Incidents => of(model.incidents.cursor.top, model.incidents.cursor.index),
        Screen::Requests => model.requests.top_and_index(),
        Screen::Services => of(model.services.cursor.top, model.services.cursor.index),
        Screen::Operators => of(model.operators.cursor.top, model.operators.cursor.index),
        Screen::Audit => of(model.audit.cursor.top, model.audit.cursor.index),
        Screen::Status => (0, 0),
    }
}

/// Moves by half a page.
pub(super) fn page(model: &mut Model, down: bool) {
    let layout = model.layout();
    let rows = if model.in_pane { layout.pane.height } else { layout.list.height };
    let half = isize::try_from((rows / 2).max(1)).unwrap_or(1);
    step(model, if down { half } else { -half });
}

/// The first row, or the last; the last row of a log follows.
pub(super) fn end(model: &mut Model, last: bool, effects: &mut Effects) {
    if !model.in_pane && model.screen == Screen::Log && model.logs.tab == LogTab::Calls {
        model.logs.leave_row();
        if last {
            return log::follow(model, false, effects);
        }
        if !model.logs.tail.at_start {
            let (from, _) = model.logs.tail.filter.range.span(model.now);
            return log::fetch(model, super::super::tail::Page::From(from), effects);
        }
    }
    step(model, if last { isize::MAX } else { isize::MIN + 1 });
}

/// The other pane; in the log: calls or refused.
pub(super) fn next_pane(model: &mut Model, effects: &mut Effects) {
    model.pane_top = 0;
    if model.screen == Screen::Log {
        model.logs.tab = match model.logs.tab {
            LogTab::Calls => LogTab::Refused,
            LogTab::Refused => LogTab::Calls,
        };
        return effects.push(Effect::WatchRefused(model.logs.tab == LogTab::Refused));
    }
    model.in_pane = !model.in_pane;
}

pub(super) fn next_tab(model: &mut Model) {
    model.pane_top = 0;
    match model.screen {
        Screen::Tokens => {
            model.tokens.tab = model.tokens.tab.next();
        }
        Screen::Log => {
            model.logs.compared = None;
            model.logs.detail = model.logs.detail.next();
        }
        Screen::Requests => model.requests.next_tab(),
        Screen::Incidents | Screen::Services | Screen::Operators | Screen::Audit | Screen::Status => {}
    }
}

/// Sets the text that is looked for, and goes to the first find from the mark on.
pub(super) fn search(model: &mut Model, text: &str) -> bool {
    note_search(model, text);
    text.is_empty() || find(model, true, true)
}

/// Sets the text that is looked for.
pub(super) fn note_search(model: &mut Model, text: &str) {
    match model.screen {
        Screen::Tokens => model.tokens.search = text.to_owned(),
        Screen::Log => model.logs.search = text.to_owned(),
        Screen::Incidents => model.incidents.search = text.to_owned(),
        Screen::Services => model.services.search = text.to_owned(),
        Screen::Requests => model.requests.search = text.to_owned(),
        Screen::Operators => model.operators.search = text.to_owned(),
        Screen::Audit => model.audit.search = text.to_owned(),
        Screen::Status => {}
    }
}

#[must_use]
pub(super) fn search_text(model: &Model) -> &str {
    match model.screen {
        Screen::Tokens => &model.tokens.search,
        Screen::Log => &model.logs.search,
        Screen::Incidents => &model.incidents.search,
        Screen::Services => &model.services.search,
        Screen::Requests => &model.requests.search,
        Screen::Operators => &model.operators.search,
        Screen::Audit => &model.audit.search,
        Screen::Status => "",
    }
}

/// Goes to the next find. False if there is none.
pub(super) fn find(model: &mut Model, forward: bool, from_here: bool) -> bool {
    let found = match model.screen {
        Screen::Tokens => model.tokens.find(forward, from_here),
        Screen::Incidents => model.incidents.find(forward, from_here),
        Screen::Services => model.services.find(forward, from_here),
        Screen::Requests => model.requests.find(forward, from_here),
        Screen::Operators => model.operators.find(forward, from_here),
        Screen::Audit => model.audit.find(forward, from_here),
        Screen::Log => return log::find(model, forward, from_here),
        Screen::Status => None,
    };
    let Some(index) = found else { return false };
    match model.screen {
        Screen::Tokens => model.tokens.go(index),
        Screen::Incidents => model.incidents.go(index),
        Screen::Services => model.services.go(index),
        Screen::Requests => model.requests.go(index),
        Screen::Operators => model.operators.go(index),
        Screen::Audit => model.audit.go(index),
        Screen::Log | Screen::Status => {}
    }
    true
}
