//! The dialog before a revoke or a rotation, and the receipt after.

use tollgate_shared::api::{RevokeReceipt, TokenView};

use crate::app::danger::{Danger, Deed, receipt_text};
use crate::app::model::Model;
use crate::app::tokens::calls_in_hour;
use crate::app::words::{age, count, group};

use super::canvas::{Canvas, Row};
use super::overlays;

pub(super) fn danger(canvas: &mut Canvas<'_>, model: &Model, danger: &Danger) {
    let theme = canvas.theme;
    let area = canvas.area();
    let token = &danger.token;
    let verb = danger.deed.verb().to_uppercase();
    let scope = format!("{} {}", token.scope.kind, token.scope.name);
    let head = format!(" {verb} {}   {}   {scope}   made by {}", token.name, token.id, token.created_by);
    canvas.text(area, &head, theme.strong());
    canvas.rule(area, 1);
    // The typing must be visible on the smallest screen; the facts fill what is left.
    let fixed: u16 = 6;
    let room = area.height.saturating_sub(2 + fixed);
    let facts = facts(model, danger);
    for (row, (label, text)) in (0..room).zip(&facts) {
        let mut line = canvas.row(area, theme.plain());
        line.cell(label, 14, theme.strong()).text(text, theme.plain());
        canvas.put(area, 2 + row, line);
    }
    let y = 2 + room.min(u16::try_from(facts.len()).unwrap_or(room) + 1);
    canvas.put(area, y, typed(canvas, danger));
    canvas.put(area, y + 1, buttons(canvas, danger));
    let error = danger.error.as_ref().map(|words| format!(" ! {words}")).unwrap_or_default();
    canvas.text_at(area, y + 2, &error, theme.bad());
    canvas.text_at(area, y + 3, &format!(" $ {}", danger.cli()), theme.plain());
    let id = &token.id;
    canvas.text_at(
        area,
        y + 4,
        &format!(" A paste is not counted. Name hard to type? Its id {id} works too."),
        theme.plain(),
    );
    canvas.text_at(area, y + 5, " Letters go to the name. Tab next, Enter marked button, Esc cancel", theme.plain());
}

fn typed<'b>(canvas: &Canvas<'b>, danger: &Danger) -> Row<'b> {
    let theme = canvas.theme;
    let mut row = canvas.row(canvas.area(), theme.plain());
    let typed = danger.typed.text();
    if canvas.columns < 50 {
        row.text(" name [ ", theme.plain());
    } else {
        row.text(&format!(" Type the name to {} it:  [ ", danger.deed.verb()), theme.plain());
    }
    if typed.is_empty() {
        row.text(" ", theme.marked());
    } else {
        overlays::field(&mut row, &typed, danger.typed.before_cursor().chars().count(), theme);
    }
    row.text(" ]   name: ", theme.plain()).text(&danger.token.name, theme.strong());
    row
}

fn buttons<'b>(canvas: &Canvas<'b>, danger: &Danger) -> Row<'b> {
    let theme = canvas.theme;
    let mark = |on: bool| if on { theme.marked() } else { theme.plain() };
    let mut row = canvas.row(canvas.area(), theme.plain());
    row.text(if danger.marked_deed { "     " } else { "   > " }, theme.strong());
    row.text("[ Cancel ]", mark(!danger.marked_deed));
    row.text(if danger.marked_deed { "   > " } else { "     " }, theme.strong());
    row.text(&format!("[ {} ]", danger.deed.button()), mark(danger.marked_deed));
    let state = match (danger.pending, danger.is_confirmed()) {
        (Some(_), _) => "  asking the daemon",
        (None, true) => "  (name complete)",
        (None, false) => "  (name incomplete)",
    };
    row.text(state, theme.plain());
    row
}

/// What would stop: only what the daemon has told.
fn facts(model: &Model, danger: &Danger) -> Vec<(&'static str, String)> {
    let token = &danger.token;
    let mut facts = vec![(" WHAT STOPS", use_words(model, token))];
    let counts = token.usage.counts;
    let effects = format!(
        "{} created, {} attached, {} resolved",
        group(counts.created),
        group(counts.attached),
        group(counts.resolved)
    );
    facts.push(("", format!("in its life {}: {effects}", count(counts.total(), "call"))));
    if let Some(open) = danger.open_incidents.filter(|open| *open > 0) {
        facts.push((
            "",
            format!("{} that it opened will not resolve by its calls", count(open as u64, "open incident")),
        ));
    }
    match danger.deed {
        Deed::Revoke => {
            facts.push((" AFTERWARDS", "for good, at once: 401 token-revoked. Senders that do not".to_owned()));
            facts.push(("", "retry a 401 lose their alerts until they have a new token.".to_owned()));
            facts.push((" INSTEAD", "rotate: a new secret for the same token, the old one is dead".to_owned()));
        }
        Deed::Rotate => {
            facts.push((" AFTERWARDS", "the old secret is dead at once: 401. Every sender needs the".to_owned()));
            facts.push(("", "new one, which is shown once, here. There is no overlap.".to_owned()));
        }
    }
    facts
}

fn use_words(model: &Model, token: &TokenView) -> String {
    let calls = count(calls_in_hour(token), "call");
    match &token.usage.last_use {
        None => "it was never used".to_owned(),
        Some(last) => format!(
            "{calls} in the last hour, last accepted {} ago from {}",
            age(model.now.secs_since(last.at)),
            last.ip
        ),
    }
}

pub(super) fn receipt(canvas: &mut Canvas<'_>, receipt: &RevokeReceipt) {
    let theme = canvas.theme;
    let area = canvas.area();
    for (row, line) in (0..area.height).zip(receipt_text(receipt).lines()) {
        let style = if row == 0 { theme.strong() } else { theme.plain() };
        canvas.text_at(area, row, &format!(" {line}"), style);
    }
    canvas.text_at(area, area.height.saturating_sub(1), " y copy   w write to a file   q close", theme.strong());
}
