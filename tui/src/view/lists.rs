//! The lists of incidents and of services.

use ratatui::style::Style;

use crate::app::incidents::{Incidents, Sort, terms};
use crate::app::layout::{Area, Layout};
use crate::app::model::Model;
use crate::app::services::Node;
use crate::app::words::{age, count, group};
use tollgate_shared::api::IncidentView;
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

pub(super) fn arrow(marked: bool) -> &'static str {
    if marked { "> " } else { "  " }
}

/// Where nothing was told yet: none would be a number.
pub(super) fn unknown(canvas: &mut Canvas<'_>, area: Area, what: &str) {
    let style = canvas.theme.plain();
    canvas.text(area, &format!(" {what}: not known yet"), style);
}

/// As [`arrow`], with the sign of a row that is marked for a change of many.
pub(super) fn marks(here: bool, marked: bool) -> &'static str {
    match (here, marked) {
        (true, true) => ">*",
        (false, true) => " *",
        (here, false) => arrow(here),
    }
}

pub(super) fn incidents(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let incidents = &model.incidents;
    if incidents.loaded {
        incident_title(canvas, incidents, layout.title);
    } else {
        unknown(canvas, layout.title, "incidents");
    }
    if empty::list(canvas, model, layout.list, incidents.loaded, incidents.rows.len()) {
        return;
    }
    let theme = canvas.theme;
    let columns = IncidentColumns::of(layout.list.width);
    let mut head = canvas.row(layout.columns, theme.strong());
    head.cell("", 2, theme.plain());
    columns.put(&mut head, ["PR", "STATE", "SERVICE", "LAST", "CALLS"], [theme.strong(); 2]);
    head.text("TITLE", theme.strong());
    canvas.put(layout.columns, 0, head);
    for (row, index) in (0..layout.list.height).zip(incidents.cursor.top..) {
        let Some(incident) = incidents.rows.get(index) else { return };
        let marked = index == incidents.cursor.index;
        let mut line = canvas.row(layout.list, base(theme, marked, model.in_pane));
        line.text(marks(marked, incidents.marks.has(incident.head.id)), theme.plain());
        incident_row(&mut line, theme, incident, model, columns);
        canvas.put(layout.list, row, line);
    }
}

/// Which columns stand before the title, with the width of the service's.
#[derive(Clone, Copy)]
struct IncidentColumns {
    state: bool,
    service: usize,
    last: bool,
    calls: bool,
}

/// A title with the word for a maintenance before it: then 24 columns are left of it.
const TITLE_MIN: usize = 30;
const MAINTENANCE: [&str; 2] = ["MAINTENANCE ", "MAINT "];

impl IncidentColumns {
    /// What goes first where a title would be cut too short: CALLS, LAST, a part of SERVICE, SERVICE, STATE.
    fn of(width: u16) -> Self {
        let mut columns = Self { state: true, service: 17, last: true, calls: true };
        let title = |columns: Self| usize::from(width).saturating_sub(columns.width());
        columns.calls = title(columns) >= TITLE_MIN;
        columns.last = columns.calls || title(columns) >= TITLE_MIN;
        if title(columns) < TITLE_MIN {
            columns.service = 12;
        }
        if title(columns) < 20 {
            columns.service = 0;
        }
        columns.state = title(columns) >= 12;
        columns
    }

    fn width(self) -> usize {
        let [state, last, calls] =
            [(self.state, 13), (self.last, 5), (self.calls, 7)].map(|(on, width)| if on { width } else { 0 });
        let gap = if self.last { 2 } else { 0 };
        2 + 3 + state + self.service + last + calls + gap
    }

    /// `styles`: of priority and state, and of the rest.
    fn put(self, row: &mut Row<'_>, cells: [&str; 5], styles: [Style; 2]) {
        let [priority, state, service, last, calls] = cells;
        let [first, rest] = styles;
        row.cell(priority, 3, first);
        if self.state {
            row.cell(state, 13, first);
        }
        if self.service > 0 {
            row.cell(service, self.service - 1, rest).text(" ", rest);
        }
        if self.last {
            row.right(last, 5, rest);
        }
        if self.calls {
            row.right(calls, 7, rest);
        }
        if self.last {
            row.text("  ", rest);
        }
    }
}

/// ` 12 open, the latest 100 resolved  sort: attention | triggered 9  P1 1  Ops/DB 4`
fn incident_title(canvas: &mut Canvas<'_>, incidents: &Incidents, area: Area) {
    let more = if incidents.more { "+" } else { "" };
    let resolved = incidents.rows.len() - incidents.open.min(incidents.rows.len());
    let search = if incidents.search.is_empty() { String::new() } else { format!("  / {}", incidents.search) };
    let filter = match (incidents.filter.as_str(), incidents.filter_off) {
        ("", _) => String::new(),
        (text, false) => format!("  f {text}"),
        (text, true) => format!("  f {text} (off, F)"),
    };
    let sort = match (incidents.sort, incidents.reverse) {
        (Sort::Attention, false) => String::new(),
        (sort, reverse) => format!("  sort: {}{}", sort.words(), if reverse { ", reversed" } else { "" }),
    };
    let chips: Vec<String> =
        terms::chips(incidents).iter().map(|(word, count)| format!("{word} {}", group(*count as u64))).collect();
    let chips = if chips.is_empty() { String::new() } else { format!(" | {}", chips.join("  ")) };
    let (open, resolved) = (group(incidents.open as u64), group(resolved as u64));
    let marks = incidents.marks.words(incidents.rows.iter().map(|row| row.head.id));
    let style = canvas.theme.plain();
    canvas.text(
        area,
        &format!(" {open}{more} open, the latest {resolved} resolved{marks}{filter}{search}{sort}{chips}"),
        style,
    );
}

fn incident_row(line: &mut Row<'_>, theme: &Theme, incident: &IncidentView, model: &Model, columns: IncidentColumns) {
    let head = &incident.head;
    let hot = head.state.is_open() && head.priority == Priority::P1;
    let style = if hot { theme.bad() } else { theme.plain() };
    let (last, calls) = (age(model.now.secs_since(head.last_seen)), group(head.occurrences));
    let cells = [head.priority.as_str(), head.state.as_str(), &incident.service.name, &last, &calls];
    columns.put(line, cells, [style, theme.plain()]);
    if head.state.is_open() && model.maintenance_of(&incident.service.id).is_some() {
        let [whole, short] = MAINTENANCE;
        line.text(if line.left() >= whole.len() + TITLE_MIN - short.len() { whole } else { short }, theme.attention());
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
    if services.loaded {
        canvas.text(layout.title, &words, theme.plain());
    } else {
        unknown(canvas, layout.title, "services");
    }
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
        if let Node::Service(service) = node
            && let Some(words) = model.maintenance_words(service)
        {
            line.text(&format!("  {words}"), theme.attention());
        }
        line.rest();
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_keeps_24_columns_at_60_also_under_maintenance_and_most_of_a_small_screen() {
        for (width, title) in [(60, 30), (70, 30), (80, 30), (120, 30), (40, 20), (20, 12)] {
            let columns = IncidentColumns::of(width);
            assert!(usize::from(width) - columns.width() >= title, "{width}: {} before it", columns.width());
        }
        assert!(IncidentColumns::of(80).calls, "at 80 nothing is left out");
        let narrow = IncidentColumns::of(60);
        assert_eq!((narrow.state, narrow.service, narrow.last, narrow.calls), (true, 12, false, false));
    }
}
