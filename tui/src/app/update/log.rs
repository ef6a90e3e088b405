//! What the keys of the API log do.

mod kept;
mod pages;
mod prompts;
mod seek;

use std::sync::Arc;

use tollgate_shared::api::Screen as QueryScreen;
use tollgate_shared::log::LogRow;
use tollgate_shared::query::{LOGS, Query};
use zeroize::Zeroizing;

use super::super::action::Action;
use super::super::detail;
use super::super::held::HeldRow;
use super::super::layer::{Export, Layer, LogPick, Menu, MenuItem, Pick, Prompt, PromptKind};
use super::super::logs::column::{self, Column, LETTERS, Shape, Terms};
use super::super::logs::{DetailTab, LogTab, RawForm, export, json};
use super::super::model::{Model, Screen};
use super::super::msg::{Call, Effect, Effects, Hidden};
use super::super::query::{LogFilter, Range};
use super::super::services::Node;
use super::super::tail::{Entry, Page, can_load};
use super::super::words;
use super::follow_log;

pub use kept::kept_query;
use kept::{request, save_prompt, saved_menu};
pub(super) use pages::{counts, fetch, goto, rows, want};
pub(super) use prompts::{enter, key};
pub(super) use seek::{find, search};

/// Columns that a step to the side scrolls.
const ASIDE: usize = 8;
/// No text is scrolled further.
const ASIDE_MAX: usize = 100_000;

pub(super) fn act(model: &mut Model, action: Action, effects: &mut Effects) {
    match action {
        Action::Follow => follow(model, !model.logs.tail.paused, effects),
        Action::NextError => seek::error(model, true, effects),
        Action::PreviousError => seek::error(model, false, effects),
        Action::Only => narrow(model, true, effects),
        Action::Not => narrow(model, false, effects),
        Action::Left => sideways(model, false),
        Action::Right => sideways(model, true),
        Action::Wrap => {
            model.logs.unwrapped = !model.logs.unwrapped;
            model.logs.aside = 0;
        }
        Action::Fold => fold(model),
        Action::Form => form(model),
        Action::Compare => compare(model),
        Action::Export => model.layer = Some(Layer::Menu(export_menu(model))),
        Action::Range => model.layer = Some(Layer::Menu(range_menu(model))),
        Action::Goto => model.layer = Some(Layer::Prompt(Prompt::new(PromptKind::Goto, ""))),
        Action::Earlier => brush(model, false, effects),
        Action::Later => brush(model, true, effects),
        Action::Queries => saved_menu(model, false),
        Action::DropQuery => saved_menu(model, true),
        Action::SaveQuery => save_prompt(model),
        Action::RowIncident => row_incident(model, effects),
        Action::IncidentCalls => incident_calls(model, effects),
        _ => {}
    }
}

/// What a letter of one of these menus does.
pub(super) fn pick(model: &mut Model, pick: LogPick, effects: &mut Effects) {
    match pick {
        LogPick::Range(range) if pages::is_live(model) => {
            let filter = LogFilter { range, ..model.logs.tail.filter.clone() };
            follow_log(model, filter, false, effects);
        }
        LogPick::Query(place) => {
            let Some(saved) = model.logs.saved.get(place).cloned() else { return };
            match saved.screen {
                QueryScreen::Incidents => super::incidents::ask(model, saved.q, effects),
                _ => ask(model, saved.q, effects),
            }
        }
        LogPick::DropQuery(place) => {
            let Some(saved) = model.logs.saved.get(place) else { return };
            let (screen, name) = (saved.screen, saved.name.to_string());
            let cli = format!("tollgate query delete {screen} {}", words::shell(&name));
            request(model, Call::DropQuery { screen, name }, cli, effects);
        }
        LogPick::Value { place, only } => {
            let row = model.logs.tail.selected_row().cloned();
            let terms = row.and_then(|row| values(model, &row).into_iter().nth(place));
            terms.into_iter().for_each(|(_, terms)| add(model, &terms, only, effects));
        }
        LogPick::Export(what) => write(model, what, effects),
        LogPick::Range(_) | LogPick::Nothing => {}
    }
}

/// Follows the newest row, or stays. Where the live end is not in the list, it is asked for.
pub(super) fn follow(model: &mut Model, paused: bool, effects: &mut Effects) {
    if !paused {
        model.logs.strip.brush = None;
    }
    if !model.logs.tail.set_paused(paused) && pages::is_live(model) {
        let filter = model.logs.tail.filter.clone();
        follow_log(model, filter, false, effects);
    }
}

/// Enter: what the marked thing leads to.
pub(super) fn open(model: &mut Model, effects: &mut Effects) {
    if model.logs.tab == LogTab::Calls {
        if let Some(Entry::Gap(gap)) = model.logs.tail.selected()
            && can_load(gap)
        {
            let page = Page::Gap { from: gap.from, to: gap.to };
            return fetch(model, page, effects);
        }
        // Reading a row means that the list must not run away.
        follow(model, true, effects);
        if model.in_pane && model.logs.detail == DetailTab::Verdict {
            return closest_filter(model, effects);
        }
        if model.in_pane && model.logs.detail == DetailTab::Body {
            return fold(model);
        }
    }
    model.in_pane = true;
}

/// From a verdict to the filter that it names first.
fn closest_filter(model: &mut Model, effects: &mut Effects) {
    let row = model.logs.tail.selected_row();
    let explain = row.and_then(|row| row.explain.as_ref());
    let filter = explain.and_then(|explain| explain.matched.iter().chain(&explain.nearest_misses).next());
    let Some(filter) = filter.map(|filter| (filter.filter_id.clone(), filter.filter.clone())) else {
        model.notice = Some("no filter was tested, so there is none to go to".to_owned());
        return;
    };
    let (id, name) = filter;
    let is_it = |node: &Node| matches!(node, Node::Filter(_)) && node.id() == id;
    match model.services.nodes.iter().position(is_it) {
        Some(index) => {
            super::act::act(model, Action::Go(Screen::Services), effects);
            model.services.go(index);
        }
        None => model.notice = Some(format!("the filter {name} is gone, or its branch is folded on screen 5")),
    }
}

/// `q` on what is shown for a while. True if there was something.
pub(super) fn close_something(model: &mut Model) -> bool {
    let logs = &mut model.logs;
    if model.screen != Screen::Log {
        return false;
    }
    logs.compared.take().is_some() || (!model.in_pane && logs.held.take().is_some())
}

/// Moves the marked line of a folded body. False where the pane shows none.
pub(super) fn step_in_body(model: &mut Model, by: isize) -> bool {
    if model.screen != Screen::Log {
        return false;
    }
    let Some(lines) = detail::body_lines(model) else { return false };
    let at = model.logs.body_at.saturating_add_signed(by).min(lines.len().saturating_sub(1));
    model.logs.body_at = at;
    // One line above the JSON; long lines take several rows, so the mark stays in the upper half.
    let rows = usize::from(model.layout().pane.height);
    let lowest = (at + 2).saturating_sub((rows / 2).max(1));
    model.pane_top = model.pane_top.clamp(lowest, (at + 1).max(lowest));
    if at == 0 {
        model.pane_top = 0;
    }
    true
}

/// Asks with another query; the row that was being read stays marked where it passes.
pub(super) fn ask(model: &mut Model, text: String, effects: &mut Effects) {
    if !pages::is_live(model) {
        return;
    }
    let tail = &model.logs.tail;
    let reading = tail.cursor.key.filter(|_| tail.paused);
    let filter = LogFilter { text, range: tail.filter.range, token: None };
    model.logs.parked = None;
    model.logs.history.remember(&filter.text);
    follow_log(model, filter, false, effects);
    if let Some(seq) = reading {
        fetch(model, Page::UpTo(seq), effects);
    }
}

/// `F`.
pub(super) fn switch_filter(model: &mut Model, effects: &mut Effects) {
    if !pages::is_live(model) {
        return;
    }
    let current = model.logs.tail.filter.clone();
    let parked = model.logs.parked.take().map(|parked| parked.text).unwrap_or_default();
    ask(model, parked, effects);
    model.logs.parked = Some(current);
}

/// `=` and `!`: the value under the cursor, or a menu of the row's values where no column is marked.
fn narrow(model: &mut Model, only: bool, effects: &mut Effects) {
    if model.screen == Screen::Incidents {
        return super::incidents::narrow(model, only);
    }
    let Some(row) = model.logs.tail.selected_row().cloned() else {
        model.notice = Some("no row is marked".to_owned());
        return;
    };
    if let Some(lines) = detail::body_lines(model) {
        let at = model.logs.body_at.min(lines.len().saturating_sub(1));
        return match lines.get(at).and_then(json::terms) {
            Some(terms) => add(model, &terms, only, effects),
            None => model.notice = Some("this line is no single value".to_owned()),
        };
    }
    match model.logs.column {
        Some(column) => {
            let terms = column.terms(&row, &model.tokens);
            add(model, &terms, only, effects);
        }
        None => model.layer = Some(Layer::Menu(value_menu(model, &row, only))),
    }
}

/// All values of a row that can be asked for.
fn values(model: &Model, row: &LogRow) -> Vec<(char, Terms)> {
    let columns = LETTERS.iter().map(|(letter, column)| (*letter, column.terms(row, &model.tokens)));
    columns.chain(column::other_terms(row)).collect()
}

fn value_menu(model: &Model, row: &LogRow, only: bool) -> Menu {
    let items = values(model, row).into_iter().enumerate().map(|(place, (letter, terms))| MenuItem {
        letter,
        words: if only { terms.only } else { terms.not },
        cli: String::new(),
        pick: Pick::Log(LogPick::Value { place, only }),
        refused: None,
    });
    let title = if only { "ONLY rows with   (h l mark a column: then = acts at once)" } else { "NOT rows with" };
    Menu { title: title.to_owned(), items: items.collect(), at: 0 }
}

/// Adds a term to the query.
fn add(model: &mut Model, terms: &Terms, only: bool, effects: &mut Effects) {
    let current = &model.logs.tail.filter;
    let wanted = current.with(if only { &terms.only } else { &terms.not });
    match Query::parse(&wanted.text, &LOGS) {
        Ok(query) => {
            let text = query.to_string();
            ask(model, text, effects);
        }
        Err(error) => model.notice = Some(format!("not added: {error}")),
    }
}

/// `h l`: the marked column; at the last one and in the pane, long texts to the side.
fn sideways(model: &mut Model, right: bool) {
    let logs = &mut model.logs;
    let scrolls = model.in_pane || logs.tab == LogTab::Refused || logs.column == Some(Column::Title);
    if scrolls && (right || logs.aside > 0) {
        if model.in_pane && !logs.unwrapped {
            model.notice = Some("lines are wrapped, nothing is to the side; w cuts them instead".to_owned());
            return;
        }
        logs.aside = if right { (logs.aside + ASIDE).min(ASIDE_MAX) } else { logs.aside.saturating_sub(ASIDE) };
        return;
    }
    if !model.in_pane && logs.tab == LogTab::Calls {
        let shape = Shape::of(model.layout().list.width);
        model.logs.column = Some(shape.beside(model.logs.column, right));
    }
}

fn fold(model: &mut Model) {
    if let Some(lines) = detail::body_lines(model) {
        let at = model.logs.body_at.min(lines.len().saturating_sub(1));
        match lines.get(at).filter(|line| line.is_branch) {
            Some(line) => model.logs.folds.toggle(&line.path),
            None => model.notice = Some("this line has nothing to fold".to_owned()),
        }
        return;
    }
    let Some(row) = model.logs.tail.selected_row().cloned() else { return };
    model.logs.detail = DetailTab::Body;
    model.pane_top = 0;
    model.logs.folds.toggle_all(&row.body);
}

/// `p`: the next form of the body.
fn form(model: &mut Model) {
    let logs = &mut model.logs;
    (logs.detail, logs.raw) = match (logs.detail, logs.raw) {
        (DetailTab::Body, _) => (DetailTab::Raw, RawForm::Text),
        (DetailTab::Raw, RawForm::Text) => (DetailTab::Raw, RawForm::Hex),
        _ => (DetailTab::Body, RawForm::Text),
    };
    (model.pane_top, logs.aside) = (0, 0);
}

/// `c`: with the held row, with the last call that matched, or holds this one for the next `c`.
fn compare(model: &mut Model) {
    let Some(row) = model.logs.tail.selected_row().cloned() else {
        model.notice = Some("no row is marked".to_owned());
        return;
    };
    let logs = &mut model.logs;
    model.pane_top = 0;
    let was_compared = logs.compared.take().is_some();
    let held = logs.held.take();
    let other = held.filter(|held| held.seq != row.seq).or_else(|| {
        let failed = row.explain.as_ref().is_some_and(|explain| explain.matched.is_empty());
        logs.last_match(&row).filter(|_| failed && !was_compared).cloned()
    });
    match other {
        Some(other) => {
            logs.compared = Some(other);
            logs.tail.set_paused(true);
        }
        None => {
            model.notice = Some(format!("row {} is held: c on another row compares the two, q lets it go", row.seq));
            model.logs.held = Some(row);
            model.logs.tail.set_paused(true);
        }
    }
}

fn range_menu(model: &Model) -> Menu {
    let current = model.logs.tail.filter.range;
    let mut items: Vec<MenuItem> =
        Range::LENGTHS.iter().map(|(letter, range)| item(*letter, range.words(), LogPick::Range(*range))).collect();
    items.push(MenuItem {
        letter: 't',
        words: "go to a time or a row:  14:05  -30m  2026-11-22T03:14Z  18204117".to_owned(),
        cli: String::new(),
        pick: Pick::Action(Action::Goto),
        refused: None,
    });
    let at = Range::LENGTHS.iter().position(|(_, range)| *range == current).unwrap_or(0);
    Menu { title: format!("TIME of the rows, now: {}", current.words()), items, at }
}

fn item(letter: char, words: String, pick: LogPick) -> MenuItem {
    MenuItem { letter, words, cli: String::new(), pick: Pick::Log(pick), refused: None }
}

/// `[ ]`: the brush goes to the next stretch with calls, and the list to its first row.
fn brush(model: &mut Model, later: bool, effects: &mut Effects) {
    if model.logs.strip.step(later) {
        if let Some(at) = model.logs.strip.brush {
            goto(model, at, effects);
        }
        return;
    }
    let range = model.logs.tail.filter.range;
    let moved = range.moved(later, model.now);
    let oldest = model.status.as_ref().and_then(|status| status.log.oldest_at);
    let is_oldest = !later && oldest.is_none_or(|oldest| range.span(model.now).0 <= oldest);
    if moved == range || is_oldest {
        let words = if later { "no later calls: this is the newest" } else { "no earlier calls are kept" };
        model.notice = Some(words.to_owned());
        return;
    }
    if !pages::is_live(model) {
        return;
    }
    let filter = LogFilter { range: moved, ..model.logs.tail.filter.clone() };
    follow_log(model, filter, false, effects);
    model.notice = Some(format!("time: {}", moved.words()));
}

fn row_incident(model: &mut Model, effects: &mut Effects) {
    let Some(id) = model.logs.tail.selected_row().and_then(|row| row.incidents.first().copied()) else {
        model.notice = Some("this call touched no incident".to_owned());
        return;
    };
    super::act::act(model, Action::Go(Screen::Incidents), effects);
    match model.incidents.rows.iter().position(|row| row.head.id == id) {
        Some(index) => model.incidents.go(index),
        // It is older than those that are listed, or the query hides it.
        None => super::incidents::ask(model, format!("id:{id}"), effects),
    }
}

fn incident_calls(model: &mut Model, effects: &mut Effects) {
    let Some(id) = model.incidents.selected().map(|row| row.head.id) else {
        model.notice = Some("no incident is marked".to_owned());
        return;
    };
    if !pages::is_live(model) {
        return;
    }
    model.logs.tab = LogTab::Calls;
    super::act::act(model, Action::Go(Screen::Log), effects);
    let filter = LogFilter { text: format!("incident:{id}"), ..LogFilter::default() };
    model.logs.parked = None;
    model.logs.history.remember(&filter.text);
    follow_log(model, filter, false, effects);
}

fn export_menu(model: &Model) -> Menu {
    let here = model.logs.tail.rows().count() as u64;
    let mut items = Vec::new();
    if let Some(row) = model.logs.tail.selected_row() {
        items.push(item('r', format!("row {} to a file, one line of JSON", row.seq), LogPick::Export(Export::Row)));
        let body = "its body to a file, byte for byte as it is kept: do not cat it".to_owned();
        items.push(item('b', body, LogPick::Export(Export::Body)));
    }
    if here > 0 {
        let words = format!("the {} that are here to a file, JSON lines", words::count(here, "row"));
        items.push(item('l', words, LogPick::Export(Export::Shown)));
    }
    let all = format!("copy the command for all:  {}", export_command(model));
    items.push(item('y', all, LogPick::Export(Export::Command)));
    let title = "EXPORT   new files of mode 0600 in the working directory".to_owned();
    Menu { title, items, at: 0 }
}

fn export_command(model: &Model) -> String {
    format!("tollgate log export --output jsonl{}", model.logs.tail.filter.options())
}

fn write(model: &mut Model, what: Export, effects: &mut Effects) {
    let row = model.logs.tail.selected_row().cloned();
    let file = match (what, row) {
        (Export::Row, Some(row)) => Some((format!("tollgate-row-{}.jsonl", row.seq), export::json_line(&row) + "\n")),
        (Export::Body, Some(row)) => Some((format!("tollgate-body-{}.bin", row.seq), row.body.clone())),
        (Export::Shown, _) => shown(model),
        (Export::Command, _) => {
            let text = Hidden(Zeroizing::new(export_command(model)));
            return effects.push(Effect::Copy { text, secret: false });
        }
        (Export::Row | Export::Body, None) => None,
    };
    let Some((name, text)) = file else { return };
    let generation = model.next_generation();
    effects.push(Effect::WriteFile { generation, name, text: Hidden(Zeroizing::new(text)) });
}

fn shown(model: &Model) -> Option<(String, String)> {
    let rows: Vec<&Arc<HeldRow>> = model.logs.tail.rows().collect();
    let (first, last) = (rows.first()?.seq, rows.last()?.seq);
    Some((format!("tollgate-log-{first}-{last}.jsonl"), export::json_lines(rows.into_iter())))
}
