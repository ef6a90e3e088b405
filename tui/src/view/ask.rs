//! The dialog before a change of many, or before one is taken back: one table of what is and what will be.

use crate::app::ask::{Ask, Line, Stop, What};
use crate::app::layout::Area;
use crate::app::model::Model;
use crate::app::words::count;
use crate::safe_text::SafeText;

use super::canvas::{Canvas, Row};
use super::{chrome, overlays};

const LABEL: usize = 10;
/// Columns that a name keeps.
const NAME_MIN: usize = 16;
/// Rows that the command may take.
const CLI_ROWS_MAX: usize = 4;

pub(super) fn ask(canvas: &mut Canvas<'_>, model: &Model, ask: &Ask) {
    let theme = canvas.theme;
    let area = canvas.area();
    let mut head = canvas.row(area, theme.plain());
    head.text(&format!(" {}", title(ask)), theme.strong());
    chrome::locked_down(&mut head, model, theme);
    canvas.put(area, 0, head);
    canvas.rule(area, 1);
    // What is typed and pressed, and the command, must be visible on the smallest screen; the table gets what is left.
    let inputs = inputs(canvas, ask);
    let cli = command(ask, area);
    let below = u16::try_from(inputs.len() + cli.len()).unwrap_or(u16::MAX).saturating_add(4);
    let room = area.height.saturating_sub(2).saturating_sub(below).max(u16::from(area.height > 5));
    let mut y = 2 + table(canvas, ask, Area { y: 2, height: room, ..area });
    canvas.text_at(area, y, &format!(" {}", ask.afterwards()), theme.plain());
    y += 1;
    for row in inputs {
        canvas.put(area, y, row);
        y += 1;
    }
    let error = ask.error.as_ref().map(|words| format!(" ! {words}")).unwrap_or_default();
    canvas.text_at(area, y, &error, theme.bad());
    let foot = area.height.saturating_sub(1);
    for (row, part) in (y + 1..foot).zip(&cli) {
        canvas.safe_at(area, row, part, theme.plain());
    }
    if foot > y {
        canvas.text_at(area, foot, &keys(ask), theme.plain());
    }
}

/// The command, as far as it fits; of a long one the rest is said to be elsewhere.
fn command(ask: &Ask, area: Area) -> Vec<SafeText<'static>> {
    let width = usize::from(area.width).max(1);
    let rows = if area.height < 20 { 2 } else { CLI_ROWS_MAX };
    let mut cli = SafeText::new(&format!(" $ {}", ask.cli())).wrap(width);
    if cli.len() > rows {
        cli.truncate(rows - 1);
        cli.extend(
            SafeText::new(" ... the whole line is in :history afterwards, y copies it").wrap(width).into_iter().take(1),
        );
    }
    cli
}

fn title(ask: &Ask) -> String {
    let verb = ask.button().to_uppercase();
    let (number, left) = (ask.number(), ask.lines.len() - ask.number());
    let what = match ask.what {
        What::Undo(..) => return "UNDO".to_owned(),
        What::Tokens(_) => "token",
        What::Incidents(_) => "incident",
    };
    let left = if left > 0 { format!("   {left} of the marked are left out") } else { String::new() };
    format!("{verb} {}{left}", count(number as u64, what))
}

/// Draws the table and says how many rows it took.
fn table(canvas: &mut Canvas<'_>, ask: &Ask, area: Area) -> u16 {
    let theme = canvas.theme;
    if area.height == 0 {
        return 0;
    }
    let widths = widths(ask, area.width);
    let with_head = area.height > 2;
    if with_head {
        let mut head = canvas.row(area, theme.strong());
        cells(&mut head, widths, ["NAME", "NOW", "THEN"], theme.strong());
        canvas.put(area, 0, head);
    }
    let first = u16::from(with_head);
    let rows = usize::from(area.height - first);
    // Where not all fit, the last row says what is below.
    let cut = ask.lines.len() > rows;
    let shown = if cut { rows.saturating_sub(1).max(1) } else { rows };
    let top = ask.top.min(ask.lines.len().saturating_sub(shown));
    let mut y = first;
    for line in ask.lines.iter().skip(top).take(shown) {
        let mut row = canvas.row(area, theme.plain());
        draw(&mut row, widths, line, theme);
        canvas.put(area, y, row);
        y += 1;
    }
    if cut && y < area.height {
        let words =
            format!("   {} to {} of {}   Up Down scroll", top + 1, (top + shown).min(ask.lines.len()), ask.lines.len());
        canvas.text_at(area, y, &words, theme.strong());
        y += 1;
    }
    y
}

/// The columns of old and new, as wide as what is in them; the name has the rest.
fn widths(ask: &Ask, width: u16) -> [usize; 3] {
    let width = usize::from(width).saturating_sub(5);
    let widest = |pick: fn(&Line) -> &String, least: usize| {
        let widths = ask.lines.iter().take(100).map(|line| SafeText::new(pick(line)).width());
        widths.max().unwrap_or(0).clamp(least, (width.saturating_sub(NAME_MIN) / 2).max(least))
    };
    let (old, new) = (widest(|line| &line.old, 4), widest(|line| &line.new, 4));
    [width.saturating_sub(old + new), old, new]
}

fn cells(row: &mut Row<'_>, widths: [usize; 3], texts: [&str; 3], style: ratatui::style::Style) {
    let [name, old, new] = widths;
    row.text("   ", style).cell(texts[0], name, style).text(" ", style);
    row.cell(texts[1], old, style).text(" ", style).cell(texts[2], new, style);
}

fn draw(row: &mut Row<'_>, widths: [usize; 3], line: &Line, theme: &super::Theme) {
    match &line.left_out {
        None => cells(row, widths, [&line.name, &line.old, &line.new], theme.plain()),
        Some(why) => {
            // The reason is what has to be read whole; the name is given what is left, but enough to know it by.
            let why = format!("left out: {why}");
            let all: usize = widths.iter().sum::<usize>() + 2;
            let name = all.saturating_sub(why.chars().count() + 1).clamp(NAME_MIN.min(all), widths[0].max(NAME_MIN));
            row.text(" - ", theme.strong()).cell(&line.name, name, theme.plain()).text(" ", theme.plain());
            row.text(&why, theme.attention());
        }
    }
}

/// The rows that are typed or pressed at.
fn inputs<'b>(canvas: &Canvas<'b>, ask: &Ask) -> Vec<Row<'b>> {
    let theme = canvas.theme;
    let mut rows = Vec::new();
    if let Some(label) = ask.reason_label() {
        let marked = ask.mark == Stop::Reason;
        let mut row = canvas.row(canvas.area(), theme.plain());
        row.text(if marked { "> " } else { "  " }, theme.strong()).cell(label, LABEL, theme.strong());
        typed(&mut row, &ask.reason, marked || !ask.wants_count(), theme);
        rows.push(row);
    }
    if ask.wants_count() {
        let mut row = canvas.row(canvas.area(), theme.plain());
        row.text("  ", theme.plain()).cell("how many", LABEL, theme.strong());
        typed(&mut row, &ask.count, ask.mark != Stop::Reason, theme);
        row.text(&format!("  type {} to {} them", ask.number(), ask.button().to_lowercase()), theme.plain());
        rows.push(row);
    }
    rows.push(buttons(canvas, ask));
    rows
}

fn typed(row: &mut Row<'_>, field: &crate::app::field::Field, has_cursor: bool, theme: &super::Theme) {
    row.text("[ ", theme.plain());
    if has_cursor {
        overlays::field(row, &field.text(), field.before_cursor().chars().count(), theme);
    } else {
        row.text(&field.text(), theme.plain());
    }
    row.text(" ]", theme.plain());
}

fn buttons<'b>(canvas: &Canvas<'b>, ask: &Ask) -> Row<'b> {
    let theme = canvas.theme;
    let mut row = canvas.row(canvas.area(), theme.plain());
    for (stop, label) in [(Stop::Cancel, "Cancel"), (Stop::Do, ask.button())] {
        let marked = stop == ask.mark;
        if canvas.columns < 40 && !marked {
            continue;
        }
        row.text(if marked { " > " } else { "   " }, theme.strong());
        row.text(&format!("[ {label} ]"), if marked { theme.marked() } else { theme.plain() });
    }
    let state = match (ask.pending, ask.missing()) {
        (Some(_), _) => "  asking the daemon".to_owned(),
        (None, Some(_)) if ask.number() > 0 => "  (number not typed)".to_owned(),
        (None, Some(why)) => format!("  ({why})"),
        (None, None) => String::new(),
    };
    row.text(&state, theme.plain());
    row
}

fn keys(ask: &Ask) -> String {
    let typed = match (ask.wants_count(), ask.reason_label()) {
        (true, _) => "Digits go to the number. ",
        (false, Some("comment")) => "Letters go to the comment. ",
        (false, Some(_)) => "Letters go to the reason. ",
        (false, None) => "",
    };
    format!(" {typed}Tab next, Enter marked button, Esc cancel")
}
