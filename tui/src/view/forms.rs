//! Forms, over the whole screen.

use crate::app::forms::{Form, FormField, Value};
use crate::app::layout::Area;
use crate::app::model::Model;

use super::canvas::{Canvas, Row};
use super::overlays;

pub(super) fn form(canvas: &mut Canvas<'_>, model: &Model, form: &Form) {
    let theme = canvas.theme;
    let area = canvas.area();
    let step = if form.guided { "   first steps: team, service, filter, token" } else { "" };
    canvas.text(area, &format!(" {}{step}", form.title()), theme.strong());
    canvas.rule(area, 1);
    // A small screen shows the fields around the mark.
    let room = usize::from(area.height.saturating_sub(6)).max(1);
    let top = (form.focus.min(form.fields.len().saturating_sub(1)) + 1).saturating_sub(room);
    let mut y = 2;
    for (index, field) in form.fields.iter().enumerate().skip(top).take(room) {
        let hint = if field.label == "expires" { form.expires_words(model.now) } else { None };
        let hint = hint.unwrap_or_else(|| field.hint.to_owned());
        let mut row = canvas.row(area, theme.plain());
        draw_field(&mut row, field, index == form.focus, &hint, theme);
        canvas.put(area, y, row);
        y += 1;
    }
    let complaint = form.error.clone().or_else(|| form.complaint());
    canvas.text_at(area, y, &complaint.map(|words| format!(" ! {words}")).unwrap_or_default(), theme.bad());
    buttons(canvas, form, area, y + 1);
    let cli = format!(" $ {}", form.cli());
    canvas.text_at(area, y + 3, &cli, theme.plain());
    let foot = area.height.saturating_sub(1);
    if foot > y + 1 {
        canvas.text_at(
            area,
            foot,
            " Tab next  Shift-Tab back  Space tick  Enter next or press  Esc cancel",
            theme.plain(),
        );
    }
}

fn draw_field(row: &mut Row<'_>, field: &FormField, marked: bool, hint: &str, theme: &super::Theme) {
    row.text(if marked { "> " } else { "  " }, theme.strong()).cell(field.label, 9, theme.strong());
    match &field.value {
        Value::Text(text) if marked => {
            row.text("[ ", theme.plain());
            overlays::field(row, &text.text(), text.before_cursor().chars().count(), theme);
            row.text(" ]", theme.plain());
        }
        Value::Text(text) => {
            row.text("[ ", theme.plain()).text(&text.text(), theme.plain()).text(" ]", theme.plain());
        }
        Value::Choice(choice) => {
            let style = if marked { theme.marked() } else { theme.plain() };
            row.text("< ", theme.plain()).text(choice.label(), style).text(" >", theme.plain());
        }
        Value::Tick(tick) => {
            let style = if marked { theme.marked() } else { theme.plain() };
            row.text(if *tick { "[x]" } else { "[ ]" }, style);
        }
    }
    row.text("  ", theme.plain()).text(hint, theme.plain());
}

fn buttons(canvas: &mut Canvas<'_>, form: &Form, area: Area, y: u16) {
    let theme = canvas.theme;
    let mark = |on: bool| if on { theme.marked() } else { theme.plain() };
    let mut row = canvas.row(area, theme.plain());
    row.text(if area.width < 50 { "" } else { "           " }, theme.plain());
    row.text(if form.on_button() { "> " } else { "  " }, theme.strong());
    row.text(&format!("[ {} ]", form.button()), mark(form.on_button()));
    row.text(if form.on_cancel() { " > " } else { "   " }, theme.strong());
    row.text("[ Cancel ]", mark(form.on_cancel()));
    if form.pending.is_some() {
        row.text("   asking the daemon", theme.plain());
    }
    canvas.put(area, y, row);
}
