//! The API log: its title, the strip of counts, the rows, and the line that says where the list stands.

use ratatui::style::Style;

use crate::app::held::HeldRow;
use crate::app::layout::{Area, Layout};
use crate::app::logs::LogTab;
use crate::app::logs::column::{Column, Shape};
use crate::app::model::Model;
use crate::app::slow;
use crate::app::tail::{Entry, Page, Tail, can_load, gap_words, is_failure};
use crate::app::verdict::outcome_words;
use crate::app::words::{self, count, group};
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::log::RefusedRow;

use super::canvas::{Canvas, Row};
use super::lists::{arrow, base};
use super::theme::Theme;
use super::{empty, strip};

/// What the cells of a row need beside the row.
#[derive(Clone, Copy)]
pub(super) struct Cells<'m> {
    pub model: &'m Model,
    /// The column that `=` acts on.
    pub column: Option<Column>,
    /// Columns of the title that are scrolled away.
    pub aside: usize,
}

pub(super) fn log(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    title(canvas, model, layout.title);
    match model.logs.tab {
        LogTab::Calls => {
            strip::strip(canvas, model, layout.strip);
            calls(canvas, model, layout);
            calls_state(canvas, model, layout.state);
        }
        LogTab::Refused => {
            refused_reasons(canvas, model, layout.strip);
            refused(canvas, model, layout);
            refused_state(canvas, model, layout.state);
        }
    }
}

/// ` f token:zabbix-prod  T last 15m        41 of 18,204,117 rows   [calls] refused 37 !`
fn title(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let logs = &model.logs;
    let theme = canvas.theme;
    let refused = model.status.as_ref().map_or(0, |status| status.counters.refused);
    let refused = if refused > 0 { format!("refused {} !", group(refused)) } else { "refused".to_owned() };
    let tabs = match logs.tab {
        LogTab::Calls => format!("[calls] {refused} "),
        LogTab::Refused => format!(" calls [{refused}]"),
    };
    let numbers = if logs.tab == LogTab::Calls { numbers(model) } else { String::new() };
    let is_calls = logs.tab == LogTab::Calls;
    let asked = if is_calls { asked(model) } else { String::new() };
    let range = if is_calls { format!("T {}", logs.tail.filter.range.words()) } else { String::new() };
    let search = if logs.search.is_empty() { String::new() } else { format!("  / {}", logs.search) };
    let mut row = canvas.row(area, theme.plain());
    let right = tabs.chars().count() + 1;
    let numbers =
        if row.left() > right + numbers.chars().count() + 24 { format!("{numbers}   ") } else { String::new() };
    let room = row.left().saturating_sub(right + numbers.chars().count());
    // A long query is cut, never the time beside it: rows that are missing for their age would be looked for elsewhere.
    let behind = format!("{range}{search} ");
    let asked = theme.clipped(&asked, room.saturating_sub(behind.chars().count() + 3));
    let gap = if asked.is_empty() { "" } else { "  " };
    row.text(" ", theme.strong()).safe(&asked, theme.strong());
    let left = room.saturating_sub(1 + asked.width());
    row.cell(&format!("{gap}{behind}"), left, theme.strong());
    row.text(&numbers, theme.plain()).text(&tabs, theme.strong());
    canvas.put(area, 0, row);
}

/// The query.
fn asked(model: &Model) -> String {
    let filter = &model.logs.tail.filter;
    let parked = model.logs.parked.as_ref().filter(|parked| filter.is_empty() && !parked.is_empty());
    match (filter.is_empty(), parked) {
        (false, _) => format!("f {}", filter.text),
        (true, Some(parked)) => format!("F brings back {}", parked.text),
        (true, None) => String::new(),
    }
}

fn numbers(model: &Model) -> String {
    if !model.logs.tail.loaded {
        return "rows: not known yet".to_owned();
    }
    let bounds = model.status.as_ref().map(|status| &status.log);
    let all = bounds.and_then(|log| Some(log.last_seq? + 1 - log.first_seq?)).unwrap_or(0);
    if model.logs.tail.filter.asked("").is_none() && all > 0 {
        return count(all, "row");
    }
    let exact = model.logs.strip.counts.as_ref().is_some_and(|counts| counts.exact);
    match model.logs.strip.total() {
        // The counts and the bounds are of two moments: no part is shown as more than the whole.
        Some(found) if all > 0 => {
            format!("{}{} of {} rows", if exact { "" } else { ">=" }, group(found.min(all)), group(all))
        }
        _ => format!("{} here", count(model.logs.tail.rows().count() as u64, "row")),
    }
}

/// ` PAUSED on 18204117    v 12 newer   Space or G follows         oldest here 02:59:01  rows live 48 h`
fn calls_state(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let logs = &model.logs;
    let tail = &logs.tail;
    let left = match tail.loading() {
        Some(page) if !matches!(page, Page::Older { .. } | Page::Newer { .. }) => "  asking the daemon".to_owned(),
        _ if !tail.loaded || tail.refused.is_some() => String::new(),
        _ if tail.is_over => "  END: nothing newer can fit this question".to_owned(),
        _ if !tail.paused => following(model),
        Some(_) => format!("{}  loading", paused(tail, theme)),
        None => paused(tail, theme),
    };
    let held = logs.held.as_ref().map(|row| format!("  c: {} is held", row.seq)).unwrap_or_default();
    let column = match (logs.column, tail.selected_row()) {
        (Some(column), Some(row)) => format!("  = {}", column.terms(row, &model.tokens).only),
        _ => String::new(),
    };
    let mut row = canvas.row(area, theme.plain());
    row.text(&left, theme.strong()).text(&held, theme.attention()).text(&column, theme.plain());
    let retention = retention(model);
    if row.left() > retention.chars().count() + 1 {
        let gap = row.left() - retention.chars().count() - 1;
        row.cell("", gap, theme.plain()).text(&retention, theme.plain());
    }
    canvas.put(area, 0, row);
}

fn following(model: &Model) -> String {
    match slow::following(model).map(|slow| slow.since(&model.logs.tail)) {
        Some(since) if since > 0 => {
            format!("  FOLLOWING, slow line: the newest of {} more  Space", group(since as u64))
        }
        _ => match model.logs.tail.away.and_then(|away| away.words()) {
            Some(words) => format!("  FOLLOWING, {words}"),
            None => "  FOLLOWING".to_owned(),
        },
    }
}

fn paused(tail: &Tail, theme: &Theme) -> String {
    let down = if theme.ascii { 'v' } else { '\u{25bc}' };
    let on = tail.again.or(tail.cursor.key).unwrap_or(0);
    match tail.newer_below() {
        0 if tail.is_live() => format!("  PAUSED on {on}  Space or G follows"),
        0 => format!("  PAUSED on {on}  newer rows are not loaded, G goes there"),
        newer => format!("  PAUSED on {on}  {down} {} newer  Space or G follows", group(newer)),
    }
}

/// How far back the rows go that are here, and all that are kept.
fn retention(model: &Model) -> String {
    let tail = &model.logs.tail;
    let oldest = model.status.as_ref().and_then(|status| status.log.oldest_at);
    let hours = LOG_ROW_SECS / 3_600;
    let kept = match oldest.map(|at| model.now.secs_since(at)).filter(|age| *age >= 0) {
        Some(age) => format!("rows live {hours} h, oldest {}", words::countdown(age)),
        None => format!("rows live {hours} h"),
    };
    if tail.at_start && tail.paused && tail.cursor.index == 0 && !tail.entries.is_empty() {
        return format!("first row, rows live {hours} h");
    }
    kept
}

/// Why calls were refused, the most frequent reason first: ` 30 not-found  4 token-malformed`.
fn refused_reasons(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let mut reasons: Vec<(usize, &str)> = Vec::new();
    for row in &model.logs.refused {
        match reasons.iter_mut().find(|(_, reason)| *reason == row.reason) {
            Some((count, _)) => *count += 1,
            None => reasons.push((1, &row.reason)),
        }
    }
    reasons.sort_by_key(|(count, reason)| (std::cmp::Reverse(*count), *reason));
    let words: Vec<String> =
        reasons.iter().map(|(count, reason)| format!("{} {reason}", group(*count as u64))).collect();
    let style = canvas.theme.attention();
    canvas.text(area, &format!(" {}", words.join("   ")), style);
}

fn refused_state(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let logs = &model.logs;
    let words = format!(
        "  {} of the last 1,024 refused, kept in memory until the daemon stops",
        group(logs.refused.len() as u64)
    );
    let style = canvas.theme.plain();
    canvas.text(area, &words, style);
}

fn calls(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let tail = &model.logs.tail;
    if empty::list(canvas, model, layout.list, tail.loaded, tail.entries.len()) {
        return;
    }
    let theme = canvas.theme;
    let shape = Shape::of(layout.list.width);
    let cells = Cells { model, column: model.logs.column, aside: title_aside(model) };
    let mut names = canvas.row(layout.columns, theme.strong());
    names.text("  ", theme.plain());
    head(&mut names, shape, theme, cells);
    canvas.put(layout.columns, 0, names);
    entries(canvas, tail, layout.list, shape, cells, Some((model.in_pane, &model.logs.search)));
}

/// How far the titles are scrolled: only while the keys are in the list.
fn title_aside(model: &Model) -> usize {
    if model.in_pane || model.logs.column != Some(Column::Title) { 0 } else { model.logs.aside }
}

/// Rows of a tail. `marked`: the list has a mark, the keys are in the pane or not, and a text is looked for; otherwise the
/// end is shown.
pub(super) fn entries(
    canvas: &mut Canvas<'_>,
    tail: &Tail,
    area: Area,
    shape: Shape,
    cells: Cells<'_>,
    marked: Option<(bool, &str)>,
) {
    let top =
        if marked.is_some() { tail.cursor.top } else { tail.entries.len().saturating_sub(usize::from(area.height)) };
    let (top, newest) = standing(cells.model, tail, area).filter(|_| marked.is_some()).unwrap_or((top, None));
    for (at, index) in (0..area.height).zip(top..) {
        let index = newest.filter(|_| at + 1 == area.height).unwrap_or(index);
        let Some(entry) = tail.entries.get(index) else { return };
        let is_marked = marked.is_some() && index == tail.cursor.index;
        let theme = canvas.theme;
        let mut line = canvas.row(area, base(theme, is_marked, marked.is_some_and(|(in_pane, _)| in_pane)));
        line.text(arrow(is_marked), theme.plain());
        line.look_for(marked.map_or("", |(_, text)| text));
        match entry {
            Entry::Row(call) => row(&mut line, shape, theme, cells, call),
            Entry::Gap(gap) => {
                let loads = if can_load(gap) { "   Enter loads them" } else { "" };
                line.text(&format!("{} {}{loads}", theme.rule().repeat(8), gap_words(gap)), theme.attention());
            }
        }
        line.rest();
        canvas.put(area, at, line);
    }
}

/// Over a slow line: the first row that is shown, where the list has stood still since, and the newest, which is the last.
fn standing(model: &Model, tail: &Tail, area: Area) -> Option<(usize, Option<usize>)> {
    let first = tail.index_of(slow::following(model)?.first)?;
    let newest = tail.entries.len().checked_sub(1)?;
    Some((first, (newest >= first + usize::from(area.height)).then_some(newest)))
}

/// The column names; the marked one in brackets, so that it shows without reverse video too.
pub(super) fn head(row: &mut Row<'_>, shape: Shape, theme: &Theme, cells: Cells<'_>) {
    for column in shape.columns() {
        let is_marked = cells.column == Some(column);
        let style = if is_marked { theme.marked() } else { theme.strong() };
        let (width, right) = width(shape, column);
        let name = if column == Column::Time { cells.model.times.column("TIME") } else { column.title() };
        let name = if is_marked && name.len() + 2 <= width { format!("[{name}]") } else { name.to_owned() };
        match (column, right) {
            (Column::Title, _) => row.text(&name, style),
            (_, true) => row.right(&name, width, style).text(" ", theme.plain()),
            (_, false) => row.cell(&name, width, style).text(" ", theme.plain()),
        };
    }
}

/// A column's width without the space behind it, and whether it is of numbers.
fn width(shape: Shape, column: Column) -> (usize, bool) {
    match column {
        Column::Time => (8, false),
        Column::Seq => (9, true),
        Column::Token => (shape.token, false),
        Column::From => (shape.from, false),
        Column::Outcome => (10, false),
        Column::Status => (3, false),
        Column::Millis => (6, true),
        Column::Title => (0, false),
    }
}

fn row(line: &mut Row<'_>, shape: Shape, theme: &Theme, cells: Cells<'_>, call: &HeldRow) {
    let hot = if is_failure(call.became()) { theme.attention() } else { theme.plain() };
    for column in shape.columns() {
        let (width, right) = width(shape, column);
        let style = if matches!(column, Column::Outcome | Column::Title) { hot } else { theme.plain() };
        let text = match column {
            Column::Title => {
                line.aside(&call.shown().summary, cells.aside, style);
                return;
            }
            column => cell(column, cells.model, call),
        };
        if right {
            line.right(&text, width, style).text(" ", theme.plain());
        } else {
            line.cell(&text, width, style).text(" ", theme.plain());
        }
    }
}

fn cell(column: Column, model: &Model, call: &HeldRow) -> String {
    match column {
        Column::Time => model.times.clock(call.at(), model.now),
        Column::Seq => call.seq().to_string(),
        Column::Token => model.tokens.name_of(call.token_id()),
        Column::From => call.ip().to_string(),
        Column::Outcome => outcome_words(call.became()).to_owned(),
        Column::Status => call.shown().status.to_string(),
        Column::Millis => {
            let micros = call.shown().latency_us;
            format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
        }
        Column::Title => String::new(),
    }
}

fn refused(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let logs = &model.logs;
    if empty::list(canvas, model, layout.list, logs.refused_loaded, logs.refused.len()) {
        return;
    }
    let theme = canvas.theme;
    let names = format!("  {:8} FROM            ST  REASON                 WHAT", model.times.column("TIME"));
    canvas.text(layout.columns, &names, theme.strong());
    for (row, index) in (0..layout.list.height).zip(logs.refused_cursor.top..) {
        let Some(refused) = logs.refused.get(index) else { return };
        let marked = index == logs.refused_cursor.index;
        let mut line = canvas.row(layout.list, base(theme, marked, model.in_pane));
        line.text(arrow(marked), theme.plain());
        line.look_for(&logs.search);
        let aside = if model.in_pane { 0 } else { logs.aside };
        let time = model.times.clock(refused.at, model.now);
        refused_row(&mut line, theme, refused, &time, aside);
        canvas.put(layout.list, row, line);
    }
}

fn refused_row(line: &mut Row<'_>, theme: &Theme, row: &RefusedRow, time: &str, aside: usize) {
    let from = row.remote_ip.map_or_else(|| "?".to_owned(), |ip| ip.to_string());
    let plain: Style = theme.plain();
    line.cell(time, 9, plain).cell(&from, 15, plain).text(" ", plain);
    line.cell(&row.status.to_string(), 4, plain).cell(&row.reason, 22, theme.attention());
    line.text(" ", plain).aside(&format!("{}  {}", row.target, row.detail), aside, plain).rest();
}
