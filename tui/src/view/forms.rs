//! Forms, over the whole screen.

use ratatui::style::Style;
use tollgate_shared::api::{RecentUse, TokenView};

use crate::app::connection::Phase;
use crate::app::first;
use crate::app::forms::{Cell, Choice, Form, FormField, FormKind, OnEnter, Value, When};
use crate::app::layout::Area;
use crate::app::model::Model;
use crate::app::tokens::recent;
use crate::app::trial;
use crate::app::words::age;

use super::canvas::{Canvas, Row};
use super::{chrome, empty, overlays, pane};

const LABEL: usize = 13;
/// Rows that a sentence under the fields takes at most.
const SAID_ROWS: usize = 3;
/// A lower screen has room for the lines to run only.
const SNIPPET_SCREEN_ROWS_MIN: u16 = 20;
/// On a lower screen it has one.
const SAID_SCREEN_ROWS_MIN: u16 = 12;
/// Changes of somebody else that are named one by one.
const THEIRS_SHOWN: usize = 6;
/// Fewer rows have no room for a trial beside the form.
const TRIAL_ROWS_MIN: u16 = 18;

pub(super) fn form(canvas: &mut Canvas<'_>, model: &Model, form: &Form) {
    let theme = canvas.theme;
    let area = with_trial(canvas, model, form);
    let mut head = canvas.row(area, theme.plain());
    head.text(&format!(" {}{}", form.title(), step(form)), theme.strong());
    // Over a form nothing else says that nothing can be sent now.
    if model.phase() != Phase::Live {
        head.text(&format!("   ! {}", model.connection.badge(model.heard_at, model.now)), theme.bad());
    }
    chrome::locked_down(&mut head, model, theme);
    canvas.put(area, 0, head);
    canvas.rule(area, 1);
    let y = theirs(canvas, model, form, 2);
    let (said, style) = said(model, form, area, theme);
    let more = u16::try_from(said.len()).unwrap_or(1).saturating_sub(1);
    let y = fields(canvas, model, form, Area { height: area.height.saturating_sub(more), ..area }, y);
    for (row, line) in (y..).zip(&said) {
        canvas.text_at(area, row, &format!(" {line}"), style);
    }
    let y = y + more;
    buttons(canvas, form, area, y + 1);
    let y = foot(canvas, form, area, y + 3);
    other_hosts(canvas, model, form, area, y + 1);
    lines_to_run(canvas, form, area, y + 1);
}

/// What is wrong, whole; else what the marked field's own line has no room for.
fn said(model: &Model, form: &Form, area: Area, theme: &super::Theme) -> (Vec<String>, Style) {
    let width = usize::from(area.width.saturating_sub(2));
    let complaint = waits(model, form).or_else(|| form.error.clone()).or_else(|| form.complaint());
    // On a screen of a few rows the fields and the buttons need them all.
    let room = if area.height < SAID_SCREEN_ROWS_MIN { 0 } else { width };
    let whole = |text: &str| match room {
        0 => vec![text.to_owned()],
        width => empty::wrapped(text, width).into_iter().take(SAID_ROWS).collect(),
    };
    if let Some(words) = complaint {
        return (whole(&format!("! {words}")), theme.bad());
    }
    let marked = form.fields.get(form.focus).filter(|field| field.cell.is_none() && !form.is_list(form.focus));
    let hint = marked.map(|field| (hint(model, form, field), LABEL + 6 + shown_chars(field)));
    match hint {
        Some((hint, before)) if before + hint.chars().count() > usize::from(area.width) => {
            (whole(&hint), theme.plain())
        }
        _ => (vec![String::new()], theme.plain()),
    }
}

/// Columns of what a field holds.
fn shown_chars(field: &FormField) -> usize {
    match &field.value {
        Value::Text(text) => text.text().chars().count() + 3,
        Value::Masked(text) => text.chars().min(40) + 3,
        Value::Choice(choice) => choice.label().chars().count() + 2,
        Value::Tick(_) => 2,
        Value::More(_) => 4,
    }
}

/// Which step of the first path it is.
fn step(form: &Form) -> String {
    let steps = [FormKind::Team, FormKind::Service, FormKind::Filter, FormKind::Token];
    match steps.iter().position(|kind| *kind == form.kind).filter(|_| form.guided) {
        Some(at) => format!("   step {} of 4: team, service, filter, token", at + 1),
        None => String::new(),
    }
}

/// Beside the sample alert stands what does the same with curl.
fn lines_to_run(canvas: &mut Canvas<'_>, form: &Form, area: Area, y: u16) {
    let FormKind::Sample(to) = &form.kind else { return };
    let theme = canvas.theme;
    let width = usize::from(area.width.saturating_sub(1)).max(1);
    // A line to run is of use whole only: on a low screen the words above it go.
    let lines = first::snippet(&to.address, to.tls);
    let lines = lines.iter().skip(usize::from(area.height < SNIPPET_SCREEN_ROWS_MIN));
    let rows = lines.flat_map(|line| theme.safe(line).wrap(width));
    for (row, part) in (y..area.height.saturating_sub(1)).zip(rows) {
        canvas.safe_at(Area { x: 1, width: area.width.saturating_sub(1), ..area }, row, &part, theme.plain());
    }
}

/// On the first path, for senders on other hosts: what they need.
fn other_hosts(canvas: &mut Canvas<'_>, model: &Model, form: &Form, area: Area, y: u16) {
    let Some(status) = model.status.as_ref().filter(|_| form.is_for_other_hosts()) else { return };
    let theme = canvas.theme;
    for (row, line) in (y..area.height.saturating_sub(1)).zip(first::other_hosts(status)) {
        canvas.text_at(area, row, &format!(" {line}"), theme.plain());
    }
}

/// Below a filter stands its trial. Returns what is left for the form.
fn with_trial(canvas: &mut Canvas<'_>, model: &Model, form: &Form) -> Area {
    let (theme, all) = (canvas.theme, canvas.area());
    let height = if all.height < TRIAL_ROWS_MIN { 0 } else { all.height * 2 / 5 };
    if !form.is_filter() || height == 0 {
        return all;
    }
    let form_area = Area { height: all.height - height, ..all };
    let below = Area { y: form_area.height, height, ..all };
    let mut head = canvas.row(below, theme.plain());
    let rule = theme.rule();
    head.text(&rule.repeat(2), theme.plain()).text(&format!(" {} ", model.trial.title()), theme.strong());
    head.text(&rule.repeat(head.left()), theme.plain());
    canvas.put(below, 0, head);
    let inside = Area { y: below.y + 1, height: height - 1, ..below };
    pane::lines(canvas, inside, &trial::lines(model, form), 0);
    form_area
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

/// A small screen shows the lines around the mark. The cells of a condition stand on one line.
fn fields(canvas: &mut Canvas<'_>, model: &Model, form: &Form, area: Area, top: u16) -> u16 {
    let theme = canvas.theme;
    let lines = grouped(form);
    let room = usize::from(area.height.saturating_sub(top + 4)).max(1);
    let listed = form.fields.first().filter(|_| form.is_list(0));
    if let Some((field, Value::Choice(choice))) = listed.map(|field| (field, &field.value)) {
        return list(canvas, model, form, (field, choice), &lines[1..], (area, top, room));
    }
    let marked = |line: &Vec<(usize, &FormField)>| line.iter().any(|(index, _)| *index == form.focus);
    let at = lines.iter().position(marked).unwrap_or_else(|| lines.len().saturating_sub(1));
    let skip = (at + 1).saturating_sub(room);
    let mut y = top;
    for line in lines.iter().skip(skip).take(room) {
        let mut row = canvas.row(area, theme.plain());
        match line.as_slice() {
            [(index, field)] => draw_field(&mut row, field, *index == form.focus, &hint(model, form, field), theme),
            cells => draw_cells(&mut row, form, cells, theme),
        }
        canvas.put(area, y, row);
        y += 1;
    }
    let below = lines.len().saturating_sub(skip + room);
    if skip + below > 0 && area.width >= 60 {
        let more = format!("{skip} above, {below} below");
        let x = area.width.saturating_sub(u16::try_from(more.len()).unwrap_or(0) + 1);
        canvas.text(Area { x, width: area.width - x, height: 1, y: 1 }, &more, theme.strong());
    }
    y
}

/// The one choice that the step is about, whole; the fields that are filled in already stand below it.
fn list(
    canvas: &mut Canvas<'_>,
    model: &Model,
    form: &Form,
    (field, choice): (&FormField, &Choice),
    others: &[Vec<(usize, &FormField)>],
    (area, top, room): (Area, u16, usize),
) -> u16 {
    let theme = canvas.theme;
    let mut head = canvas.row(area, theme.plain());
    head.text("> ", theme.strong()).cell(field.label, LABEL, theme.strong()).text(&field.hint, theme.plain());
    canvas.put(area, top, head);
    let shown = room.saturating_sub(1 + others.len()).clamp(1, choice.options.len().max(1));
    let skip = (choice.at + 1).saturating_sub(shown);
    let mut y = top + 1;
    for (at, (label, _)) in choice.options.iter().enumerate().skip(skip).take(shown) {
        let here = at == choice.at;
        let mut row = canvas.row(area, if here { theme.marked() } else { theme.plain() });
        row.text(if here { "    > " } else { "      " }, theme.plain()).text(label, theme.plain());
        row.rest();
        canvas.put(area, y, row);
        y += 1;
    }
    for line in others.iter().take(room.saturating_sub(1 + shown)) {
        let [(_, field)] = line.as_slice() else { continue };
        let mut row = canvas.row(area, theme.plain());
        draw_field(&mut row, field, false, &hint(model, form, field), theme);
        canvas.put(area, y, row);
        y += 1;
    }
    y
}

/// The fields by lines.
fn grouped(form: &Form) -> Vec<Vec<(usize, &FormField)>> {
    let row = |field: &FormField| field.cell.map(|Cell { part, row, .. }| (part, row));
    let mut lines: Vec<Vec<(usize, &FormField)>> = Vec::new();
    for (index, field) in form.shown() {
        let joins = lines
            .last()
            .and_then(|line| line.first())
            .is_some_and(|(_, first)| field.cell.is_some() && row(first) == row(field));
        match lines.last_mut() {
            Some(line) if joins => line.push((index, field)),
            _ => lines.push(vec![(index, field)]),
        }
    }
    lines
}

/// `> 1 labels.severity        equals         page ticket             one`.
fn draw_cells(row: &mut Row<'_>, form: &Form, cells: &[(usize, &FormField)], theme: &super::Theme) {
    let here = cells.iter().any(|(index, _)| *index == form.focus);
    let number = cells.first().and_then(|(_, field)| field.cell).map_or(0, |cell| cell.row + 1);
    row.text(if here { "> " } else { "  " }, theme.strong()).text(&format!("{number} "), theme.strong());
    let texts = row.left().saturating_sub(16 + 9 + 8);
    let widths = [texts / 2, 15, texts - texts / 2, 8];
    for ((index, field), width) in cells.iter().zip(widths) {
        let marked = *index == form.focus;
        match &field.value {
            Value::Text(text) => {
                draw_text_cell(row, &text.text(), text.before_cursor().chars().count(), width, marked, theme);
            }
            Value::Choice(choice) => {
                let style = if marked { theme.marked() } else { theme.plain() };
                row.text(" ", theme.plain()).cell(choice.label(), width, style);
            }
            _ => {}
        }
    }
}

fn draw_text_cell(row: &mut Row<'_>, text: &str, cursor: usize, width: usize, marked: bool, theme: &super::Theme) {
    let inner = width.saturating_sub(2);
    row.text(" [", theme.plain());
    if marked {
        overlays::field_within(row, text, cursor, inner, theme);
    } else {
        row.cell(text, inner, theme.plain());
    }
    row.text("]", theme.plain());
}

fn hint(model: &Model, form: &Form, field: &FormField) -> String {
    match (&field.refused, field.label) {
        (Some(why), _) => format!("(not now: {why})"),
        (None, "expires") => form.expires_words(model.now).unwrap_or_else(|| field.hint.clone()),
        (None, "debug") => form.debug_words(|token| fresh(model, token)).unwrap_or_else(|| field.hint.clone()),
        (None, "more") => form.folded_words(),
        (None, "may") if form.pick("may") != Some("choose") => form.settings().permissions.join(" "),
        _ => field.hint.clone(),
    }
}

/// What the token does now, not when the form was opened.
fn fresh(model: &Model, token: &TokenView) -> RecentUse {
    recent(model.tokens.by_id(token.id).map_or(token, |fresh| fresh), model.now)
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

/// What the keys do now; Enter first. A narrow screen leaves out what is seen at the field.
fn keys(form: &Form, width: usize) -> String {
    let own = match form.fields.get(form.focus).map(|field| &field.value) {
        Some(Value::Choice(_)) if form.is_list(form.focus) => "Up Down choose",
        Some(Value::Choice(_)) => "Left Right choose",
        Some(Value::Tick(_)) => "Space ticks",
        Some(Value::More(true)) => "Space folds",
        _ => "",
    };
    let line = |parts: &[&str]| {
        let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
        format!(" {}", parts.join("  "))
    };
    let enter = format!("Enter {}", enter_words(form));
    let whole = line(&[&enter, own, "Tab Shift-Tab next, back", "Esc cancel"]);
    let short = line(&[&enter, own, "Tab next", "Esc cancel"]);
    if whole.len() < width { whole } else { short }
}

fn enter_words(form: &Form) -> String {
    match form.on_enter() {
        OnEnter::Next => "next field".to_owned(),
        OnEnter::Unfold => "opens the rest".to_owned(),
        OnEnter::Cancel => "cancels".to_owned(),
        OnEnter::Send if form.theirs.is_some() => "reloads".to_owned(),
        OnEnter::Send => match form.button() {
            "Change ..." => "shows the change first".to_owned(),
            button => format!("= {button}"),
        },
    }
}

/// The command, on as many rows as it takes, and the keys. Returns the row behind the command.
fn foot(canvas: &mut Canvas<'_>, form: &Form, area: Area, y: u16) -> u16 {
    let theme = canvas.theme;
    let foot = area.height.saturating_sub(1);
    let width = usize::from(area.width.saturating_sub(1)).max(1);
    let cli = theme.safe(&format!(" $ {}", form.cli())).wrap(width);
    for (row, part) in (y..foot).zip(&cli) {
        canvas.safe_at(area, row, part, theme.plain());
    }
    if foot + 2 > y {
        // A cell has no room for its hint: it stands where the keys do otherwise, before what Enter does.
        let cell = form.fields.get(form.focus).filter(|field| field.cell.is_some());
        let keys = keys(form, usize::from(area.width));
        let words = cell.map_or(keys, |field| format!(" {}  Enter {}", field.hint, enter_words(form)));
        canvas.text_at(area, foot, &words, theme.plain());
    }
    y + u16::try_from(cli.len()).unwrap_or(1)
}
