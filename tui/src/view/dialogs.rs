//! The dialog before a change that is not made lightly, and the receipt of a revoke.

use tollgate_shared::api::RevokeReceipt;

use crate::app::danger::{Danger, Object, Part, facts, receipt_text};
use crate::app::layout::Area;
use crate::app::model::Model;

use super::canvas::{Canvas, Row};
use super::{chrome, overlays};

const LABEL: usize = 14;

pub(super) fn danger(canvas: &mut Canvas<'_>, model: &Model, danger: &Danger) {
    let theme = canvas.theme;
    let area = canvas.area();
    let mut head = canvas.row(area, theme.plain());
    head.text(&format!(" {}", title(danger)), theme.strong());
    chrome::locked_down(&mut head, model, theme);
    canvas.put(area, 0, head);
    canvas.rule(area, 1);
    // What is typed and pressed must be visible on the smallest screen; the facts fill what is left.
    let inputs = inputs(canvas, model, danger);
    let fixed = u16::try_from(inputs.len()).unwrap_or(u16::MAX).saturating_add(4);
    let room = area.height.saturating_sub(2 + fixed);
    let mut y = 2 + draw_facts(canvas, model, danger, Area { y: 2, height: room, ..area });
    for row in inputs {
        canvas.put(area, y, row);
        y += 1;
    }
    let error = danger.error.as_ref().map(|words| format!(" ! {words}")).unwrap_or_default();
    canvas.text_at(area, y, &error, theme.bad());
    let foot = area.height.saturating_sub(1);
    let cli = theme.safe(&format!(" $ {}", danger.cli())).wrap(usize::from(area.width).max(1));
    for (row, part) in (y + 1..foot.saturating_sub(1)).zip(&cli) {
        canvas.safe_at(area, row, part, theme.plain());
    }
    footer(canvas, danger, foot);
}

fn title(danger: &Danger) -> String {
    let verb = danger.verb().to_uppercase();
    match &danger.object {
        Object::Token(token) => {
            let is_named = token.scope.kind != token.scope.name;
            let kind = if is_named { format!("{} ", token.scope.kind) } else { String::new() };
            let scope = format!("{kind}{}", token.scope.name);
            format!("{verb} {}   {}   {scope}   made by {}", token.name, token.id, token.created_by)
        }
        Object::Operator(operator) => format!("{verb} operator {}", operator.name),
        Object::Node(node) => format!("{verb} {} {}   {}", node.kind(), node.full_name(), node.id()),
        Object::Request(request) => format!("{verb} request {}", request.id),
        Object::Workflow(workflow) => format!("{verb} workflow {}   {}", workflow.full_name, workflow.public_id),
        Object::Daemon(host) => format!("{verb} {host}"),
    }
}

/// Draws the facts, and says how many rows they and the empty one below take.
fn draw_facts(canvas: &mut Canvas<'_>, model: &Model, danger: &Danger, area: Area) -> u16 {
    let theme = canvas.theme;
    let width = usize::from(area.width).saturating_sub(LABEL + 1).max(8);
    let mut row = 0;
    for (label, text) in facts(model, danger) {
        for (at, part) in theme.safe(&text).wrap(width).iter().enumerate() {
            if row >= area.height {
                return row;
            }
            let mut line = canvas.row(area, theme.plain());
            let label = if at == 0 { format!(" {label}") } else { String::new() };
            line.cell(&label, LABEL, theme.strong()).safe(part, theme.plain());
            canvas.put(area, row, line);
            row += 1;
        }
    }
    (row + 1).min(area.height)
}

/// The rows that are typed or pressed at.
fn inputs<'b>(canvas: &Canvas<'b>, model: &Model, danger: &Danger) -> Vec<Row<'b>> {
    let mut rows = Vec::new();
    if danger.choice.is_some() {
        rows.push(choice(canvas, danger));
    }
    if danger.parts().contains(&Part::Also) {
        rows.push(also(canvas, model, danger));
    }
    if danger.wants_reason() {
        rows.push(reason(canvas, danger));
    }
    if danger.wants_name() {
        rows.push(typed(canvas, danger));
    }
    rows.push(buttons(canvas, danger));
    rows
}

fn begin<'b>(canvas: &Canvas<'b>, marked: bool, label: &str) -> Row<'b> {
    let theme = canvas.theme;
    let mut row = canvas.row(canvas.area(), theme.plain());
    row.text(if marked { "> " } else { "  " }, theme.strong()).cell(label, LABEL - 2, theme.strong());
    row
}

fn choice<'b>(canvas: &Canvas<'b>, danger: &Danger) -> Row<'b> {
    let theme = canvas.theme;
    let marked = danger.mark == Part::Choice;
    let mut row = begin(canvas, marked, "how");
    let label = danger.choice.as_ref().map_or("", |choice| choice.label());
    row.text("< ", theme.plain()).text(label, if marked { theme.marked() } else { theme.plain() });
    row.text(" >  Left Right", theme.plain());
    row
}

fn also<'b>(canvas: &Canvas<'b>, model: &Model, danger: &Danger) -> Row<'b> {
    let theme = canvas.theme;
    let marked = danger.mark == Part::Also;
    let issued = danger.token().and_then(|token| model.tokens.evidence_of(token)).map_or(0, |known| known.issued.len());
    let mut row = begin(canvas, marked, "");
    row.text(if danger.also { "[x]" } else { "[ ]" }, if marked { theme.marked() } else { theme.plain() });
    row.text(&format!(" also revoke what it issued: {issued}"), theme.plain());
    row
}

fn reason<'b>(canvas: &Canvas<'b>, danger: &Danger) -> Row<'b> {
    let theme = canvas.theme;
    let mut row = begin(canvas, danger.mark == Part::Reason, "reason");
    row.text("[ ", theme.plain());
    if danger.mark == Part::Reason || !danger.wants_name() {
        let cursor = danger.reason.before_cursor().chars().count();
        overlays::field(&mut row, &danger.reason.text(), cursor, theme);
    } else {
        row.text(&danger.reason.text(), theme.plain());
    }
    row.text(" ]", theme.plain());
    row
}

fn typed<'b>(canvas: &Canvas<'b>, danger: &Danger) -> Row<'b> {
    let theme = canvas.theme;
    let mut row = canvas.row(canvas.area(), theme.plain());
    let typed = danger.typed.text();
    if canvas.columns < 50 {
        row.text(" name [ ", theme.plain());
    } else {
        row.text(&format!(" Type the name to {} it:  [ ", danger.verb()), theme.plain());
    }
    let cursor = danger.typed.before_cursor().chars().count();
    if danger.mark == Part::Reason {
        row.text(&typed, theme.plain());
    } else {
        overlays::field(&mut row, &typed, cursor, theme);
    }
    row.text(" ]   name: ", theme.plain()).text(&danger.names()[0], theme.strong());
    row
}

fn buttons<'b>(canvas: &Canvas<'b>, danger: &Danger) -> Row<'b> {
    let theme = canvas.theme;
    let mut row = canvas.row(canvas.area(), theme.plain());
    let narrow = canvas.columns < 50;
    for part in danger.parts() {
        let label = match part {
            Part::Cancel => "Cancel",
            Part::Suspend => "Suspend",
            Part::Rotate => "Rotate",
            Part::Do => danger.button(),
            Part::Choice | Part::Also | Part::Reason => continue,
        };
        let marked = part == danger.mark;
        if narrow && !marked {
            continue;
        }
        row.text(if marked { " > " } else { "   " }, theme.strong());
        row.text(&format!("[ {label} ]"), if marked { theme.marked() } else { theme.plain() });
    }
    let state = match (danger.pending, danger.wants_name(), danger.is_confirmed()) {
        (Some(_), ..) => "  asking the daemon",
        (None, false, _) => "",
        (None, true, true) => "  (name complete)",
        (None, true, false) => "  (name incomplete)",
    };
    row.text(state, theme.plain());
    row
}

fn footer(canvas: &mut Canvas<'_>, danger: &Danger, foot: u16) {
    let (theme, area) = (canvas.theme, canvas.area());
    let (above, keys) = match (danger.wants_name(), danger.token()) {
        (true, Some(token)) => (
            format!(" A paste is not counted. Name hard to type? Its id {} works too.", token.id),
            " Letters go to the name. Tab next, Enter marked button, Esc cancel",
        ),
        (true, None) => (
            " A paste is not counted.".to_owned(),
            " Letters go to the name. Tab next, Enter marked button, Esc cancel",
        ),
        (false, _) if danger.wants_reason() => {
            (String::new(), " Letters go to the reason. Tab next, Enter marked button, Esc cancel")
        }
        (false, _) => (String::new(), " Tab next, Enter marked button, Esc cancel"),
    };
    if foot >= 12 {
        canvas.text_at(area, foot - 1, &above, theme.plain());
        canvas.text_at(area, foot, keys, theme.plain());
    }
}

pub(super) fn receipt(canvas: &mut Canvas<'_>, receipt: &RevokeReceipt, also: &[String]) {
    let theme = canvas.theme;
    let area = canvas.area();
    for (row, line) in (0..area.height).zip(receipt_text(receipt, also).lines()) {
        let style = if row == 0 { theme.strong() } else { theme.plain() };
        canvas.text_at(area, row, &format!(" {line}"), style);
    }
    canvas.text_at(area, area.height.saturating_sub(1), " y copy   w write to a file   q close", theme.strong());
}
