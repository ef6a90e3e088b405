//! The pane under or beside the list.

use ratatui::style::Style;

use crate::app::action::Action;
use crate::app::detail::{self, Kind, Line};
use crate::app::layout::{Area, Layout};
use crate::app::logs::column::Shape;
use crate::app::logs::{DetailTab, LogTab};
use crate::app::model::{Model, Screen};
use crate::app::status;
use crate::app::tail::Entry;
use crate::app::tokens::PaneTab;
use crate::app::words;
use crate::safe_text::SafeText;

use super::canvas::Canvas;
use super::chart;
use super::log::{self, Cells};
use super::theme::Theme;

/// A lower pane keeps its rows for the calls.
const WITH_HOUR_ROWS_MIN: u16 = 8;
/// A single line of data is cut after so many rows: the rest is one key away, in `tollgate log show`.
const WRAPPED_ROWS_MAX: usize = 40;

pub(super) fn pane(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    if layout.pane.height == 0 {
        return;
    }
    title(canvas, model, layout.pane_title);
    let text = detail::lines(model);
    if model.screen == Screen::Tokens && model.tokens.tab == PaneTab::Calls && !text.is_empty() {
        return calls(canvas, model, layout.pane, &text);
    }
    let look = match model.screen {
        Screen::Log => {
            let logs = &model.logs;
            Look { cut: logs.unwrapped, aside: if model.in_pane { logs.aside } else { 0 }, wanted: &logs.search }
        }
        _ => Look::default(),
    };
    lines_as(canvas, layout.pane, &text, model.pane_top, look);
}

/// How lines of text are shown.
#[derive(Clone, Copy, Default)]
pub(super) struct Look<'t> {
    /// Cut at the edge, instead of going on below.
    pub cut: bool,
    /// Columns that are scrolled away to the left, where lines are cut.
    pub aside: usize,
    /// A text that is shown as found.
    pub wanted: &'t str,
}

/// `-- zabbix-prod  s_7QmX0c2LrT ------------------ [calls] facts --`
fn title(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let theme = canvas.theme;
    let name = subject(model);
    let tabs = tabs(model);
    let rule = theme.rule();
    let mut row = canvas.row(area, if model.in_pane { theme.strong() } else { theme.plain() });
    row.text(&rule.repeat(2), theme.plain()).text(" ", theme.plain());
    let room = row.left().saturating_sub(tabs.chars().count() + 4);
    row.safe(&theme.clipped(&name, room), theme.strong());
    row.text(" ", theme.plain());
    let fill = row.left().saturating_sub(tabs.chars().count() + 3);
    row.text(&rule.repeat(fill), theme.plain()).text(&tabs, theme.strong()).text(&rule.repeat(3), theme.plain());
    canvas.put(area, 0, row);
}

fn subject(model: &Model) -> String {
    let text = match model.screen {
        Screen::Tokens => model.tokens.selected().map(|token| format!("{}  {}", token.name, token.id)),
        Screen::Log if model.logs.tab == LogTab::Refused => {
            model.logs.selected_refused().map(|row| format!("refused {}", row.seq))
        }
        Screen::Log => model.logs.tail.selected().map(|entry| match entry {
            Entry::Row(row) => log_subject(row),
            Entry::Gap(_) => "rows that are not here".to_owned(),
        }),
        Screen::Incidents => model.incidents.selected().map(|row| row.head.id.to_string()),
        Screen::Services => model.services.selected().map(|node| node.name().to_owned()),
        Screen::Requests => {
            let workflow = model.requests.selected_workflow().map(|row| row.full_name.clone());
            workflow.or_else(|| model.requests.selected().map(|row| row.id.to_string()))
        }
        Screen::Operators => model.operators.selected().map(|row| row.name.clone()),
        Screen::Audit => model.audit.selected().map(|row| format!("row {}", row.seq)),
        Screen::Status => None,
    };
    text.unwrap_or_else(|| "nothing marked".to_owned())
}

/// `18204117  POST /v1/process?from=zabbix  1.2 KB`
fn log_subject(row: &tollgate_shared::log::LogRow) -> String {
    let query = if row.query.is_empty() { String::new() } else { format!("?{}", row.query) };
    format!("{}  {} {}{query}  {}", row.seq, row.method, row.path, words::bytes(row.body_bytes))
}

fn tabs(model: &Model) -> String {
    let (names, at): (&[&str], usize) = match model.screen {
        Screen::Tokens => (&PaneTab::ALL.map(|(_, name)| name), model.tokens.tab.place()),
        Screen::Log if model.logs.comparison().is_some() => (&["compared"], 0),
        Screen::Log if model.logs.tab == LogTab::Calls => {
            (&DetailTab::ALL.map(DetailTab::name), model.logs.detail as usize)
        }
        // There are no tabs: the way on stands there instead.
        Screen::Incidents if model.in_pane => (&["Enter: its calls"], 0),
        _ => (&[], 0),
    };
    let shown = names
        .iter()
        .enumerate()
        .map(|(index, name)| if index == at { format!("[{name}]") } else { format!(" {name} ") });
    shown.collect()
}

/// The token's summary, then its own calls; the newest at the foot.
fn calls(canvas: &mut Canvas<'_>, model: &Model, area: Area, summary: &[Line]) {
    let theme = canvas.theme;
    let mut top = if area.height > 4 { 2 } else { u16::from(area.height > 2) };
    for (row, line) in (0..top).zip(summary) {
        canvas.text_at(area, row, &format!(" {}", line.text), theme.plain());
    }
    if area.height >= WITH_HOUR_ROWS_MIN {
        top += u16::from(hour(canvas, model, area, top));
    }
    let tail = &model.tokens.calls;
    let rest = Area { y: area.y + top, height: area.height - top, ..area };
    if tail.entries.is_empty() {
        let debug = model.tokens.selected().and_then(|token| token.debug_until).is_some_and(|until| until > model.now);
        let words = match (debug, tail.loaded) {
            (false, _) => match model.may(Action::Debug) {
                Ok(()) => " No calls in the log: debug is off.  D switches it on for 48 h.".to_owned(),
                Err(why) => format!(" No calls in the log: debug is off.  (D: {why})"),
            },
            (true, false) => " loading its calls".to_owned(),
            (true, true) => " Debug is on: its calls will be here as they come. None so far.".to_owned(),
        };
        return canvas.text(rest, &words, theme.plain());
    }
    let shape = Shape::short(rest.width);
    let cells = Cells { model, column: None, aside: 0 };
    let with_head = rest.height > 2;
    if with_head {
        let mut head = canvas.row(rest, theme.strong());
        head.text("  ", theme.plain());
        log::head(&mut head, shape, theme, cells);
        canvas.put(rest, 0, head);
    }
    let head = u16::from(with_head);
    let rows = Area { y: rest.y + head, height: rest.height - head, ..rest };
    log::entries(canvas, tail, rows, shape, cells, None);
}

/// ` 02:15 |..:.:..:..:.:..:..:..| 03:14  most 9/min at 03:02`. False where there is no room for it.
fn hour(canvas: &mut Canvas<'_>, model: &Model, area: Area, y: u16) -> bool {
    let theme = canvas.theme;
    let Some(token) = model.tokens.selected() else { return false };
    let (cells, now) = model.minutes_of(token);
    let words = status::peak_words(&cells, now).unwrap_or_else(|| "no calls in the last hour".to_owned());
    let free = usize::from(area.width).saturating_sub(18 + words.chars().count());
    let Some(columns) = chart::columns(cells.len(), free) else { return false };
    let mut row = canvas.row(area, theme.plain());
    let (from, to) = (words::clock(now.plus_secs(-59 * 60)), words::clock(now));
    row.text(&format!(" {} ", &from[..5]), theme.muted()).text("|", theme.muted());
    chart::own_scale(&mut row, theme, &cells, columns, theme.plain());
    row.text(&format!("| {}  ", &to[..5]), theme.muted()).text(&words, theme.plain());
    canvas.put(area, y, row);
    true
}

/// Lines of text from `top` on, wrapped to the width. Only what is visible is made safe and wrapped.
pub(super) fn lines(canvas: &mut Canvas<'_>, area: Area, lines: &[Line], top: usize) {
    lines_as(canvas, area, lines, top, Look::default());
}

/// As [`lines`], the way that is wanted.
pub(super) fn lines_as(canvas: &mut Canvas<'_>, area: Area, lines: &[Line], top: usize, look: Look<'_>) {
    let theme = canvas.theme;
    let width = usize::from(area.width.saturating_sub(2));
    let inner = Area { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    let mut row = 0;
    for line in lines.iter().skip(top) {
        if row >= area.height {
            return;
        }
        let style = style_of(theme, line.kind);
        if look.cut {
            let mut cells = canvas.row(inner, theme.plain());
            cells.look_for(look.wanted).aside(&line.text, look.aside, style);
            canvas.put(inner, row, cells);
            row += 1;
            continue;
        }
        for part in wrapped(theme, line, width) {
            canvas.found_at(inner, row, &part, style, look.wanted);
            row += 1;
        }
    }
}

/// How a line of this kind is shown.
pub(super) fn style_of(theme: &Theme, kind: Kind) -> Style {
    match kind {
        Kind::Plain | Kind::Body => theme.plain(),
        Kind::Strong => theme.strong(),
        Kind::Worth => theme.attention(),
        Kind::Bad => theme.bad(),
        Kind::Marked => theme.marked(),
    }
}

fn wrapped(theme: &Theme, line: &Line, width: usize) -> Vec<SafeText<'static>> {
    let enough = width.saturating_mul(WRAPPED_ROWS_MAX);
    let end = line.text.floor_char_boundary(enough.saturating_mul(4));
    let text = &line.text[..end];
    let mut rows = match line.kind {
        Kind::Body => SafeText::lines(text).flat_map(|line| theme.fit_for_locale(line).wrap(width)).collect(),
        _ => theme.safe(text).wrap(width),
    };
    if rows.is_empty() {
        rows.push(SafeText::default());
    }
    rows.truncate(WRAPPED_ROWS_MAX);
    rows
}
