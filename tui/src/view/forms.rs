//! Forms, over the whole screen.

use crate::app::forms::{Form, FormField, Value, When};
use crate::app::layout::Area;
use crate::app::model::Model;
use crate::app::words::age;

use super::canvas::{Canvas, Row};
use super::{chrome, overlays};

const LABEL: usize = 13;
/// Changes of somebody else that are named one by one.
const THEIRS_SHOWN: usize = 6;

pub(super) fn form(canvas: &mut Canvas<'_>, model: &Model, form: &Form) {
    let theme = canvas.theme;
    let area = canvas.area();
    let step = if form.guided { "   first steps: team, service, filter, token" } else { "" };
    let mut head = canvas.row(area, theme.plain());
    head.text(&format!(" {}{step}", form.title()), theme.strong());
    chrome::locked_down(&mut head, model, theme);
    canvas.put(area, 0, head);
    canvas.rule(area, 1);
    let y = theirs(canvas, model, form, 2);
    let y = fields(canvas, model, form, y);
    let complaint = waits(model, form).or_else(|| form.error.clone()).or_else(|| form.complaint());
    canvas.text_at(area, y, &complaint.map(|words| format!(" ! {words}")).unwrap_or_default(), theme.bad());
    buttons(canvas, form, area, y + 1);
    foot(canvas, form, area, y + 3);
}

/// What somebody else did meanwhile, before anything of it is overwritten.
fn theirs(canvas: &mut Canvas<'_>, model: &Model, form: &Form, y: u16) -> u16 {
    let (theme, area) = (canvas.theme, canvas.area());
    let Some(token) = &form.theirs else { return y };
    let ago = age(model.now.secs_since(token.updated_at));
    let head = format!(" CHANGED MEANWHILE by {}, {ago} ago. Nothing of yours is saved or lost:", token.updated_by);
    canvas.text_at(area, y, &head, theme.attention());
    let all = form.their_differences(model.now);
    let mut row = y + 1;
    for one in all.iter().take(THEIRS_SHOWN) {
        canvas.text_at(area, row, &format!("   {:12} {}", one.what, one.words()), theme.plain());
        row += 1;
    }
    let words = " Reload takes theirs and puts yours on top; the difference is shown again.";
    canvas.text_at(area, row, words, theme.plain());
    row + 1
}

/// A small screen shows the fields around the mark.
fn fields(canvas: &mut Canvas<'_>, model: &Model, form: &Form, top: u16) -> u16 {
    let (theme, area) = (canvas.theme, canvas.area());
    let shown: Vec<(usize, &FormField)> = form.shown().collect();
    let room = usize::from(area.height.saturating_sub(top + 4)).max(1);
    let at = shown.iter().position(|(index, _)| *index == form.focus).unwrap_or_else(|| shown.len().saturating_sub(1));
    let skip = (at + 1).saturating_sub(room);
    let mut y = top;
    for (index, field) in shown.iter().skip(skip).take(room) {
        let mut row = canvas.row(area, theme.plain());
        draw_field(&mut row, field, *index == form.focus, &hint(model, form, field), theme);
        canvas.put(area, y, row);
        y += 1;
    }
    let below = shown.len().saturating_sub(skip + room);
    if skip + below > 0 && area.width >= 60 {
        let more = format!("{skip} above, {below} below");
        let x = area.width.saturating_sub(u16::try_from(more.len()).unwrap_or(0) + 1);
        canvas.text(Area { x, width: area.width - x, height: 1, y: 1 }, &more, theme.strong());
    }
    y
}

fn hint(model: &Model, form: &Form, field: &FormField) -> String {
    match (&field.refused, field.label) {
        (Some(why), _) => format!("(not now: {why})"),
        (None, "expires") => form.expires_words(model.now).unwrap_or_else(|| field.hint.clone()),
        (None, "more") => form.folded_words(),
        (None, "may") if form.pick("may") != Some("choose") => form.settings().permissions.join(" "),
        _ => field.hint.clone(),
    }
}

fn draw_field(row: &mut Row<'_>, field: &FormField, marked: bool, hint: &str, theme: &super::Theme) {
    let style = if marked { theme.marked() } else { theme.plain() };
    row.text(if marked { "> " } else { "  " }, theme.strong());
    if field.when == When::Choosing {
        row.text("            ", theme.plain());
        let on = matches!(field.value, Value::Tick(true));
        row.text(if on { "[x]" } else { "[ ]" }, style).text(" ", theme.plain()).cell(field.label, 17, theme.plain());
        row.text(hint, theme.plain());
        return;
    }
    row.cell(field.label, LABEL, theme.strong());
    match &field.value {
        Value::Text(text) if marked => {
            // The hint of a long line would be pushed off the screen: the line has a window of its own.
            row.text("[ ", theme.plain());
            overlays::field(row, &text.text(), text.before_cursor().chars().count(), theme);
            row.text(" ]", theme.plain());
        }
        Value::Text(text) => {
            row.text("[ ", theme.plain()).text(&text.text(), theme.plain()).text(" ]", theme.plain());
        }
        Value::Masked(text) => {
            row.text("[ ", theme.plain()).text(&"*".repeat(text.chars().min(40)), theme.plain());
            row.text(if marked { " " } else { "" }, style).text(" ]", theme.plain());
        }
        Value::Choice(choice) => {
            row.text("< ", theme.plain()).text(choice.label(), style).text(" >", theme.plain());
        }
        Value::Tick(tick) => {
            row.text(if *tick { "[x]" } else { "[ ]" }, style);
        }
        Value::More(open) => {
            row.text(if *open { "[less]" } else { "[more]" }, style);
        }
    }
    row.text("  ", theme.plain()).text(hint, theme.plain());
}

fn waits(model: &Model, form: &Form) -> Option<String> {
    let left = form.wait_until?.secs_since(model.now);
    (left > 0).then(|| format!("too many sign-ins failed: the next try in {left} s"))
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

/// The command, on as many rows as it takes, and the keys.
fn foot(canvas: &mut Canvas<'_>, form: &Form, area: Area, y: u16) {
    let theme = canvas.theme;
    let foot = area.height.saturating_sub(1);
    let width = usize::from(area.width.saturating_sub(1)).max(1);
    let cli = crate::safe_text::SafeText::new(&format!(" $ {}", form.cli())).wrap(width);
    for (row, part) in (y..foot).zip(&cli) {
        canvas.safe_at(area, row, part, theme.plain());
    }
    if foot + 2 > y {
        let keys = " Tab next  Shift-Tab back  Space tick, choose  Enter next or press  Esc cancel";
        canvas.text_at(area, foot, keys, theme.plain());
    }
}
