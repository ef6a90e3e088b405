//! The lists of requests and of workflows.

use tollgate_shared::api::{RequestView, WorkflowView};
use tollgate_shared::request::RequestState;

use crate::app::layout::Layout;
use crate::app::model::Model;
use crate::app::requests::{RequestsTab, Sort, WorkflowSort};
use crate::app::words::{self, age, group};

use super::canvas::{Canvas, Row};
use super::{Theme, empty, lists};

pub(super) fn requests(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let (requests, theme) = (&model.requests, canvas.theme);
    let on_requests = requests.tab == RequestsTab::Requests;
    let len = if on_requests { requests.rows.len() } else { requests.workflows.len() };
    title(canvas, model, layout, len);
    if empty::list(canvas, model, layout.list, requests.loaded, len) {
        return;
    }
    let columns = RequestColumns::of(layout.list.width);
    let mut head = canvas.row(layout.columns, theme.strong());
    head.text("  ", theme.plain());
    if on_requests {
        columns.put(&mut head, ["STATE", "STEPS", "AGE", "WORKFLOW"], [theme.strong(); 2]);
        head.text("WHAT", theme.strong());
    } else {
        head.cell("STATE", 9, theme.strong()).right("QUEUED", 7, theme.strong()).right("RUNS", 6, theme.strong());
        head.text("  ", theme.strong()).cell("ID", 14, theme.strong()).text("WORKFLOW", theme.strong());
    }
    canvas.put(layout.columns, 0, head);
    let cursor = if on_requests { &requests.cursor } else { &requests.workflow_cursor };
    for (row, index) in (0..layout.list.height).zip(cursor.top..len) {
        let marked = index == cursor.index;
        let mut line = canvas.row(layout.list, lists::base(theme, marked, model.in_pane));
        line.text(if marked { "> " } else { "  " }, theme.plain());
        match (on_requests, requests.rows.get(index), requests.workflows.get(index)) {
            (true, Some(request), _) => request_row(&mut line, theme, request, model, columns),
            (false, _, Some(workflow)) => workflow_row(&mut line, theme, workflow),
            _ => {}
        }
        line.rest();
        canvas.put(layout.list, row, line);
    }
}

fn title(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout, len: usize) {
    let requests = &model.requests;
    let tabs = match requests.tab {
        RequestsTab::Requests => "[requests]  workflows ",
        RequestsTab::Workflows => " requests  [workflows]",
    };
    let count = group(len as u64);
    let count = match requests.tab {
        _ if !requests.loaded => "not known yet".to_owned(),
        RequestsTab::Requests if requests.more => format!("the newest {count}"),
        RequestsTab::Requests => words::count(len as u64, "request"),
        RequestsTab::Workflows => words::count(len as u64, "workflow"),
    };
    let search = if requests.search.is_empty() { String::new() } else { format!("  / {}", requests.search) };
    let sort = match requests.tab {
        RequestsTab::Requests => requests.order.words(Sort::ALL),
        RequestsTab::Workflows => requests.workflow_order.words(WorkflowSort::ALL),
    };
    let words = format!(" {tabs}  {count}   v changes the list{sort}{search}");
    let style = canvas.theme.plain();
    canvas.text(layout.title, &words, style);
}

/// Which columns stand before what became of it, with the width of the workflow's.
#[derive(Clone, Copy)]
struct RequestColumns {
    steps: bool,
    age: bool,
    workflow: usize,
}

/// Of what became of a request so much is read.
const WHAT_MIN: usize = 24;

impl RequestColumns {
    /// What goes first where there is too little room: STEPS, a part of WORKFLOW, AGE, WORKFLOW.
    fn of(width: u16) -> Self {
        let mut columns = Self { steps: true, age: true, workflow: 20 };
        let fits = |columns: Self| usize::from(width) >= columns.width() + WHAT_MIN;
        columns.steps = fits(columns);
        if !fits(columns) {
            columns.workflow = 13;
        }
        columns.age = fits(columns);
        if !fits(columns) {
            columns.workflow = 0;
        }
        columns
    }

    fn width(self) -> usize {
        2 + 11 + self.workflow + if self.steps { 6 } else { 0 } + if self.age { 7 } else { 0 }
    }

    /// `styles`: of the state, and of the rest.
    fn put(self, row: &mut Row<'_>, cells: [&str; 4], styles: [ratatui::style::Style; 2]) {
        let ([state, steps, age, workflow], [first, rest]) = (cells, styles);
        row.cell(state, 11, first);
        if self.steps {
            row.cell(steps, 6, rest);
        }
        if self.age {
            row.right(age, 5, rest).text("  ", rest);
        }
        if self.workflow > 0 {
            row.cell(workflow, self.workflow - 1, rest).text(" ", rest);
        }
    }
}

fn request_row(line: &mut Row<'_>, theme: &Theme, request: &RequestView, model: &Model, columns: RequestColumns) {
    let style = match request.state {
        RequestState::Failed => theme.bad(),
        RequestState::Running | RequestState::Queued => theme.attention(),
        RequestState::Succeeded | RequestState::Cancelled => theme.plain(),
    };
    let (steps, ago) =
        (format!("{}/{}", request.steps_done, request.steps.len()), age(model.now.secs_since(request.created_at)));
    columns.put(line, [request.state.as_str(), &steps, &ago, &request.workflow.name], [style, theme.plain()]);
    line.text(&request.detail, theme.plain());
}

fn workflow_row(line: &mut Row<'_>, theme: &Theme, workflow: &WorkflowView) {
    let (state, style) = match (workflow.problems.is_empty(), workflow.spec.enabled) {
        (_, false) => ("disabled", theme.attention()),
        (false, true) => ("BROKEN", theme.bad()),
        (true, true) => ("enabled", theme.plain()),
    };
    line.cell(state, 9, style).right(&group(workflow.queued.into()), 7, theme.plain());
    line.right(&group(workflow.running.into()), 6, theme.plain()).text("  ", theme.plain());
    line.cell(&workflow.public_id, 14, theme.plain()).text(&workflow.full_name, theme.plain());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_request_keeps_24_columns_at_60() {
        for width in [40, 50, 60, 80, 120] {
            let columns = RequestColumns::of(width);
            assert!(usize::from(width) - columns.width() >= WHAT_MIN, "{width}");
        }
        let narrow = RequestColumns::of(60);
        assert_eq!((narrow.steps, narrow.age, narrow.workflow), (false, true, 13));
    }
}
