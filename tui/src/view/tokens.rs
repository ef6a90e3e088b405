//! The table of tokens.

use crate::app::Model;
use crate::app::chips;
use crate::app::layout::{Area, Layout};
use crate::app::tokens::{attention, calls_in_hour, calls_words, matches_text, sign, state_words};
use crate::app::words::{self, age, group};
use tollgate_shared::api::TokenView;
use tollgate_shared::time::Timestamp;

use super::canvas::{Canvas, Row};
use super::{chart, empty, lists};

#[cfg(test)]
thread_local! {
    /// Rows that were built, so that a test can see that only the visible ones are.
    pub(super) static ROWS_BUILT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Scope,
    State,
    Last,
    Calls,
    /// The last hour, a bar for three minutes.
    Hour,
    Hit,
    Debug,
    From,
    Dedup,
    Creator,
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Self::Scope => "SCOPE",
            Self::State => "STATE/EXPIRES",
            Self::Last => "LAST",
            Self::Calls => "CALLS",
            Self::Hour => "LAST HOUR",
            Self::Hit => "HIT",
            Self::Debug => "DBG",
            Self::From => "LAST FROM",
            Self::Dedup => "DEDUP",
            Self::Creator => "BY",
        }
    }

    const fn width(self) -> usize {
        match self {
            Self::Scope => 16,
            Self::State | Self::Creator => 14,
            Self::Last | Self::Debug => 5,
            Self::Calls => 9,
            Self::Hit => 4,
            Self::From => 15,
            Self::Hour => HOUR,
            Self::Dedup => 5,
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Self::Last | Self::Calls | Self::Hit | Self::Debug | Self::Dedup)
    }
}

/// The sparkline.
const HOUR: usize = 20;
/// The narrowest name and the mark before it.
const NAME_MIN: usize = 16;
const MARK: usize = 4;

/// The columns that fit. What goes first: the extras, then DBG, HIT, LAST, SCOPE, CALLS.
fn columns(width: u16) -> (usize, Vec<Column>) {
    use Column::{Calls, Creator, Debug, Dedup, From, Hit, Hour, Last, Scope, State};
    let mut shown = vec![Scope, State, Last, Calls, Hour, Hit, Debug, From, Creator, Dedup];
    let width = usize::from(width);
    let need = |columns: &[Column]| columns.iter().map(|column| column.width() + 1).sum::<usize>() + MARK;
    for gone in [Dedup, Creator, From, Hour, Debug, Hit, Last, Scope, Calls, State] {
        let extra = matches!(gone, Dedup | Creator | From | Hour);
        if need(&shown) + if extra { 30 } else { NAME_MIN } > width {
            shown.retain(|column| *column != gone);
        }
    }
    let name = width.saturating_sub(need(&shown));
    (name, shown)
}

pub(super) fn table(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let tokens = &model.tokens;
    title(canvas, model, layout.title);
    let (name, columns) = columns(layout.list.width);
    if empty::list(canvas, model, layout.list, tokens.loaded, tokens.shown.len()) {
        return;
    }
    let theme = canvas.theme;
    let mut head = canvas.row(layout.columns, theme.strong());
    head.cell("", MARK, theme.plain()).cell("NAME", name, theme.strong());
    for column in &columns {
        head.text(" ", theme.plain());
        put(&mut head, *column, column.title(), theme.strong());
    }
    canvas.put(layout.columns, 0, head);
    for row in 0..layout.list.height {
        let index = tokens.cursor.top + usize::from(row);
        let Some(token) = tokens.row(index) else { break };
        let line = line(canvas, model, token, index, name, &columns, layout.list);
        canvas.put(layout.list, row, line);
    }
}

fn title(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let tokens = &model.tokens;
    if !tokens.loaded {
        return lists::unknown(canvas, area, "tokens");
    }
    let living = tokens.all.len().saturating_sub(tokens.revoked());
    let total = words::count(living as u64, "token");
    let chips = chips::WORDS.iter().zip(tokens.counts).filter(|(_, count)| *count > 0);
    let chips: String = chips.map(|(word, count)| format!("  {word} {}", group(count.into()))).collect();
    let filter = match (tokens.filter.as_str(), tokens.filter_on) {
        ("", _) => String::new(),
        (text, true) => format!("  f {text}: {} shown", group(tokens.shown.len() as u64)),
        (text, false) => format!("  f {text} (off, F)"),
    };
    let reverse = if tokens.reverse { ", reversed" } else { "" };
    let search = if tokens.search.is_empty() { String::new() } else { format!("  / {}", tokens.search) };
    let sort = tokens.sort.words();
    let marks = tokens.marks.words(tokens.shown.iter().map(|at| tokens.all[*at as usize].id));
    let style = canvas.theme.plain();
    canvas.text(area, &format!(" {total}{marks}{filter}{search}  sort: {sort}{reverse} |{chips}"), style);
}

fn put(row: &mut Row<'_>, column: Column, text: &str, style: ratatui::style::Style) {
    if column.is_number() {
        row.right(text, column.width(), style);
    } else {
        row.cell(text, column.width(), style);
    }
}

fn line<'b>(
    canvas: &Canvas<'b>,
    model: &Model,
    token: &TokenView,
    index: usize,
    name: usize,
    columns: &[Column],
    area: Area,
) -> Row<'b> {
    #[cfg(test)]
    ROWS_BUILT.with(|built| built.set(built.get() + 1));
    let theme = canvas.theme;
    let marked = index == model.tokens.cursor.index;
    let worth = attention(token, model.now);
    let base = lists::base(theme, marked, model.in_pane);
    let style = if worth.is_some() { theme.attention() } else { theme.plain() };
    let found = !model.tokens.search.is_empty() && matches_text(token, &model.tokens.search.to_lowercase());
    let name_style = if found { style.patch(theme.found()) } else { style };
    let mut row = canvas.row(area, base);
    row.text(lists::marks(marked, model.tokens.marks.has(token.id)), theme.plain());
    row.text(&format!("{} ", sign(token, model.now)), style).cell(&token.name, name, name_style);
    for column in columns {
        row.text(" ", theme.plain());
        if *column == Column::Hour {
            chart::own_scale(&mut row, theme, &model.minutes_of(token).0, HOUR, theme.plain());
            continue;
        }
        let style = if *column == Column::State { style } else { theme.plain() };
        put(&mut row, *column, &cell(*column, token, model.now), style);
    }
    row.rest();
    row
}

fn cell(column: Column, token: &TokenView, now: Timestamp) -> String {
    let usage = &token.usage;
    match column {
        Column::Scope => scope(token),
        Column::State => state_words(token, now),
        Column::Last => usage.last_use.as_ref().map_or_else(|| "never".to_owned(), |last| age(now.secs_since(last.at))),
        Column::Calls => calls_words(token, now),
        Column::Hit => match calls_in_hour(token) {
            0 => "-".to_owned(),
            calls => format!("{}%", (u64::from(usage.hour_hits) * 100 / calls).min(100)),
        },
        Column::Debug => match token.debug_until.map(|until| until.secs_since(now)) {
            Some(left) if left > 0 => age(left),
            _ => "-".to_owned(),
        },
        Column::From => usage.last_use.as_ref().map_or_else(String::new, |last| last.ip.to_string()),
        Column::Dedup => {
            if token.dedup_window_secs == 0 {
                "off".to_owned()
            } else {
                age(token.dedup_window_secs.into())
            }
        }
        Column::Creator => token.created_by.clone(),
        // It is drawn, not written.
        Column::Hour => String::new(),
    }
}

/// `global`, `t:Ops`, `s:Ops/DB`.
fn scope(token: &TokenView) -> String {
    match token.scope.kind.as_str() {
        "team" => format!("t:{}", token.scope.name),
        "service" => format!("s:{}", token.scope.name),
        _ => token.scope.name.clone(),
    }
}
