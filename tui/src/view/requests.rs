//! The lists of requests and of workflows.

use tollgate_shared::api::{RequestView, WorkflowView};
use tollgate_shared::request::RequestState;

use crate::app::layout::Layout;
use crate::app::model::Model;
use crate::app::requests::{RequestsTab, Sort, WorkflowSort};
use crate::app::words::{age, group};

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
    let wide = layout.list.width >= 60;
    let mut head = canvas.row(layout.columns, theme.strong());
    head.text("  ", theme.plain());
    if on_requests {
        head.cell("STATE", 11, theme.strong()).cell("STEPS", 6, theme.strong());
        if wide {
            head.right("AGE", 5, theme.strong()).text("  ", theme.strong()).cell("WORKFLOW", 20, theme.strong());
        }
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
            (true, Some(request), _) => request_row(&mut line, theme, request, model, wide),
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
        RequestsTab::Requests => format!("{count} requests"),
        RequestsTab::Workflows => format!("{count} workflows"),
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

fn request_row(line: &mut Row<'_>, theme: &Theme, request: &RequestView, model: &Model, wide: bool) {
    let style = match request.state {
        RequestState::Failed => theme.bad(),
        RequestState::Running | RequestState::Queued => theme.attention(),
        RequestState::Succeeded | RequestState::Cancelled => theme.plain(),
    };
    line.cell(request.state.as_str(), 11, style);
    line.cell(&format!("{}/{}", request.steps_done, request.steps.len()), 6, theme.plain());
    if wide {
        line.right(&age(model.now.secs_since(request.created_at)), 5, theme.plain()).text("  ", theme.plain());
        line.cell(&request.workflow.name, 19, theme.plain()).text(" ", theme.plain());
    }
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
