//! The lists of the log, of incidents and of services.

use ratatui::style::Style;

use crate::app::incidents::Incidents;
use crate::app::layout::{Area, Layout};
use crate::app::logs::LogTab;
use crate::app::model::Model;
use crate::app::services::Node;
use crate::app::tail::{Entry, Tail, gap_words, is_failure};
use crate::app::verdict::outcome_words;
use crate::app::words::{age, clock, count, group};
use tollgate_shared::api::IncidentView;
use tollgate_shared::log::{LogRow, RefusedRow};
use tollgate_shared::priority::Priority;

use super::canvas::{Canvas, Row};
use super::empty;
use super::theme::Theme;

/// The style under a row: reverse where it is marked; bold only, while the keys are in the pane.
pub(super) fn base(theme: &Theme, marked: bool, in_pane: bool) -> Style {
    match (marked, in_pane) {
        (true, false) => theme.marked(),
        (true, true) => theme.strong(),
        (false, _) => theme.plain(),
    }
}

fn arrow(marked: bool) -> &'static str {
    if marked { "> " } else { "  " }
}

pub(super) fn log(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    log_title(canvas, model, layout.title);
    match model.logs.tab {
        LogTab::Calls => calls(canvas, model, layout),
        LogTab::Refused => refused(canvas, model, layout),
    }
}

fn log_title(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let logs = &model.logs;
    let theme = canvas.theme;
    let mut row = canvas.row(area, theme.plain());
    let (calls, refused) = if logs.tab == LogTab::Calls { ("[calls]", " refused ") } else { (" calls ", "[refused]") };
    row.text(&format!(" {calls} {refused}  "), theme.strong());
    let tail = &logs.tail;
    let state = match (logs.tab, tail.paused) {
        (LogTab::Refused, _) => count(logs.refused.len() as u64, "row"),
        (LogTab::Calls, false) => format!("{}  FOLLOWING", count(tail.entries.len() as u64, "row")),
        (LogTab::Calls, true) => {
            let on = tail.cursor.key.unwrap_or(0);
            format!("PAUSED on {on}   {} newer   Space or G follows", group(tail.newer))
        }
    };
    row.text(&state, theme.plain());
    let filter = if tail.filter.is_empty() { String::new() } else { format!("   f {}", tail.filter.line()) };
    row.text(&filter, theme.strong());
    if !logs.search.is_empty() {
        row.text(&format!("   / {}", logs.search), theme.plain());
    }
    canvas.put(area, 0, row);
}

fn calls(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let tail = &model.logs.tail;
    if empty::list(canvas, model, layout.list, tail.loaded, tail.entries.len()) {
        return;
    }
    let theme = canvas.theme;
    let shape = Shape::of(layout.list.width);
    let mut head = canvas.row(layout.columns, theme.strong());
    head.text("  ", theme.plain());
    shape.head(&mut head, theme.strong());
    canvas.put(layout.columns, 0, head);
    entries(canvas, model, tail, layout.list, &shape, true);
}

/// Rows of a tail. `with_mark`: the list has a mark; otherwise its end is shown.
pub(super) fn entries(canvas: &mut Canvas<'_>, model: &Model, tail: &Tail, area: Area, shape: &Shape, with_mark: bool) {
    let top = if with_mark { tail.cursor.top } else { tail.entries.len().saturating_sub(usize::from(area.height)) };
    for (row, index) in (0..area.height).zip(top..) {
        let Some(entry) = tail.entries.get(index) else { return };
        let marked = with_mark && index == tail.cursor.index;
        let theme = canvas.theme;
        let mut line = canvas.row(area, base(theme, marked, with_mark && model.in_pane));
        line.text(arrow(marked), theme.plain());
        match entry {
            Entry::Row(call) => shape.row(&mut line, theme, model, call),
            Entry::Gap(gap) => {
                line.text(&format!("{} {}", theme.rule().repeat(8), gap_words(gap)), theme.attention());
            }
        }
        line.rest();
        canvas.put(area, row, line);
    }
}

/// The columns of log rows that fit a width.
pub(super) struct Shape {
    seq: bool,
    /// The token's name.
    token: usize,
    from: usize,
    millis: bool,
}

impl Shape {
    pub(super) fn of(width: u16) -> Self {
        Self {
            seq: width >= 72,
            token: if width >= 96 { 12 } else { 0 },
            from: if width >= 130 {
                24
            } else if width >= 50 {
                15
            } else {
                0
            },
            millis: width >= 66,
        }
    }

    /// For a pane under a table: time, sender, outcome and why are enough.
    pub(super) fn short(width: u16) -> Self {
        Self { seq: false, token: 0, millis: false, from: if width >= 46 { 15 } else { 0 } }
    }

    pub(super) fn head(&self, row: &mut Row<'_>, style: Style) {
        row.cell("TIME", 9, style);
        if self.seq {
            row.right("SEQ", 9, style).text(" ", style);
        }
        if self.token > 0 {
            row.cell("TOKEN", self.token + 1, style);
        }
        if self.from > 0 {
            row.cell("FROM", self.from + 1, style);
        }
        row.cell("OUTCOME", 11, style).cell("ST", 4, style);
        if self.millis {
            row.right("MS", 6, style).text(" ", style);
        }
        row.text("TITLE OR FIRST REASON", style);
    }

    fn row(&self, line: &mut Row<'_>, theme: &Theme, model: &Model, call: &LogRow) {
        let style = if is_failure(call) { theme.attention() } else { theme.plain() };
        line.cell(&clock(call.at), 9, theme.plain());
        if self.seq {
            line.right(&call.seq.to_string(), 9, theme.plain()).text(" ", theme.plain());
        }
        if self.token > 0 {
            line.cell(&model.tokens.name_of(call.token), self.token, theme.plain()).text(" ", theme.plain());
        }
        if self.from > 0 {
            line.cell(&call.remote_ip.to_string(), self.from, theme.plain()).text(" ", theme.plain());
        }
        line.cell(outcome_words(call.outcome), 11, style).cell(&call.status.to_string(), 4, theme.plain());
        if self.millis {
            let tenths = call.latency_us / 100;
            line.right(&format!("{}.{}", tenths / 10, tenths % 10), 6, theme.plain()).text(" ", theme.plain());
        }
        line.text(&call.summary, style);
    }
}

fn refused(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let logs = &model.logs;
    if empty::list(canvas, model, layout.list, logs.refused_loaded, logs.refused.len()) {
        return;
    }
    let theme = canvas.theme;
    canvas.text(layout.columns, "  TIME     FROM            ST  REASON                 WHAT", theme.strong());
    for (row, index) in (0..layout.list.height).zip(logs.refused_cursor.top..) {
        let Some(refused) = logs.refused.get(index) else { return };
        let marked = index == logs.refused_cursor.index;
        let mut line = canvas.row(layout.list, base(theme, marked, model.in_pane));
        line.text(arrow(marked), theme.plain());
        refused_row(&mut line, theme, refused);
        canvas.put(layout.list, row, line);
    }
}

fn refused_row(line: &mut Row<'_>, theme: &Theme, row: &RefusedRow) {
    let from = row.remote_ip.map_or_else(|| "?".to_owned(), |ip| ip.to_string());
    line.cell(&clock(row.at), 9, theme.plain()).cell(&from, 15, theme.plain()).text(" ", theme.plain());
    line.cell(&row.status.to_string(), 4, theme.plain()).cell(&row.reason, 22, theme.attention());
    line.text(" ", theme.plain()).text(&row.target, theme.plain()).text("  ", theme.plain());
    line.text(&row.detail, theme.plain()).rest();
}

pub(super) fn incidents(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let incidents = &model.incidents;
    incident_title(canvas, incidents, layout.title);
    if empty::list(canvas, model, layout.list, incidents.loaded, incidents.rows.len()) {
        return;
    }
    let theme = canvas.theme;
    let wide = layout.list.width >= 60;
    let mut head = canvas.row(layout.columns, theme.strong());
    head.cell("", 2, theme.plain()).cell("PR", 3, theme.strong()).cell("STATE", 13, theme.strong());
    if wide {
        head.cell("SERVICE", 17, theme.strong()).right("LAST", 5, theme.strong()).right("CALLS", 7, theme.strong());
        head.text("  ", theme.plain());
    }
    head.text("TITLE", theme.strong());
    canvas.put(layout.columns, 0, head);
    for (row, index) in (0..layout.list.height).zip(incidents.cursor.top..) {
        let Some(incident) = incidents.rows.get(index) else { return };
        let marked = index == incidents.cursor.index;
        let mut line = canvas.row(layout.list, base(theme, marked, model.in_pane));
        line.text(arrow(marked), theme.plain());
        incident_row(&mut line, theme, incident, model, wide);
        canvas.put(layout.list, row, line);
    }
}

fn incident_title(canvas: &mut Canvas<'_>, incidents: &Incidents, area: Area) {
    let more = if incidents.more { "+" } else { "" };
    let resolved = incidents.rows.len() - incidents.open.min(incidents.rows.len());
    let search = if incidents.search.is_empty() { String::new() } else { format!("  / {}", incidents.search) };
    let style = canvas.theme.plain();
    let words =
        format!(" {}{more} open, the latest {} resolved{search}", group(incidents.open as u64), group(resolved as u64));
    canvas.text(area, &words, style);
}

fn incident_row(line: &mut Row<'_>, theme: &Theme, incident: &IncidentView, model: &Model, wide: bool) {
    let head = &incident.head;
    let hot = head.state.is_open() && head.priority == Priority::P1;
    let style = if hot { theme.bad() } else { theme.plain() };
    line.cell(head.priority.as_str(), 3, style).cell(head.state.as_str(), 13, style);
    if wide {
        line.cell(&incident.service.name, 16, theme.plain()).text(" ", theme.plain());
        line.right(&age(model.now.secs_since(head.last_seen)), 5, theme.plain());
        line.right(&group(head.occurrences), 7, theme.plain()).text("  ", theme.plain());
    }
    line.text(&head.title, style).rest();
}

pub(super) fn services(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let services = &model.services;
    let theme = canvas.theme;
    let (teams, filters) = (services.teams.len() as u64, services.filters.len() as u64);
    let words = format!(
        " {}, {}, {}",
        count(teams, "team"),
        count(services.services.len() as u64, "service"),
        count(filters, "filter")
    );
    canvas.text(layout.title, &words, theme.plain());
    if empty::list(canvas, model, layout.list, services.loaded, services.nodes.len()) {
        return;
    }
    canvas.text(layout.columns, "  TEAM / SERVICE / FILTER", theme.strong());
    for (row, index) in (0..layout.list.height).zip(services.cursor.top..) {
        let Some(node) = services.nodes.get(index) else { return };
        let marked = index == services.cursor.index;
        let mut line = canvas.row(layout.list, base(theme, marked, model.in_pane));
        line.text(arrow(marked), theme.plain());
        node_row(&mut line, theme, node, services.is_folded(node));
        canvas.put(layout.list, row, line);
    }
}

fn node_row(line: &mut Row<'_>, theme: &Theme, node: &Node, folded: bool) {
    let sign = if folded { "+ " } else { "- " };
    match node {
        Node::Team(team) => {
            line.text(sign, theme.plain()).text(&team.name, theme.strong());
            line.text(&format!("  {}", count(team.services.into(), "service")), theme.plain());
        }
        Node::Service(service) => {
            line.text("  ", theme.plain()).text(sign, theme.plain()).text(&service.name, theme.plain());
            let open = if service.open_incidents > 0 {
                format!(", {} open", group(service.open_incidents.into()))
            } else {
                String::new()
            };
            line.text(&format!("  {}{open}", count(service.filters.into(), "filter")), theme.plain());
            if !service.enabled {
                line.text("  DISABLED", theme.attention());
            }
        }
        Node::Filter(filter) => {
            let lints = if filter.lints.is_empty() {
                String::new()
            } else {
                format!("  ! {}", count(filter.lints.len() as u64, "lint"))
            };
            line.text(&format!("      {} ", filter.position), theme.plain()).text(&filter.spec.name, theme.plain());
            line.text(&lints, theme.attention());
        }
    }
    line.rest();
}
