//! The lists of this session: what was changed, as commands, and what of it can be undone.

use crate::app::commands::CommandState;
use crate::app::layout::Area;
use crate::app::model::Model;
use crate::app::words::{age, clock};

use super::canvas::{Canvas, Row};
use super::overlays::open_box;

pub(super) fn undo(canvas: &mut Canvas<'_>, model: &Model, at: usize) {
    let title = "UNDO   newest first   Enter asks  y copies the command  Esc closes";
    let area = open_box(canvas, title, model.undo.len() * 2);
    let theme = canvas.theme;
    // Two rows each: what, and the command that does the same.
    let per = if area.height >= 2 { 2 } else { 1 };
    let shown = usize::from(area.height / per).max(1);
    let top = (at + 1).saturating_sub(shown);
    for (place, (index, one)) in (0_u16..).zip(model.undo.iter().enumerate().skip(top).take(shown)) {
        let ago = age(model.now.secs_since(one.at));
        let mut line = begin(canvas, area, index == at);
        line.right(&ago, 4, theme.plain()).text(" ago  ", theme.plain()).text(&one.name, theme.strong());
        line.text(&format!("  {}  ->  {}", one.old, one.new), theme.plain()).rest();
        canvas.put(area, place * per, line);
        if per == 2 {
            canvas.text_at(area, place * per + 1, &format!("      $ {}", one.cli), theme.plain());
        }
    }
}

pub(super) fn history(canvas: &mut Canvas<'_>, model: &Model, at: usize) {
    let title = "CHANGES of this console   newest first   y copies the command  Esc closes";
    let area = open_box(canvas, title, model.commands.len());
    let theme = canvas.theme;
    let top = (at + 1).saturating_sub(usize::from(area.height));
    for (row, (index, line)) in (0..area.height).zip(model.commands.newest_first().enumerate().skip(top)) {
        let (state, style) = match &line.state {
            CommandState::Running => ("running".to_owned(), theme.plain()),
            CommandState::Done(at) => (format!("{}Z", clock(*at)), theme.plain()),
            CommandState::Failed(why) => (format!("FAILED {why}"), theme.bad()),
        };
        let mut cells = begin(canvas, area, index == at);
        let failed = matches!(line.state, CommandState::Failed(_));
        let room = if failed { cells.left() / 2 } else { 9 };
        cells.cell(&state, room, style).text("  $ ", theme.strong()).text(&line.text, theme.plain()).rest();
        canvas.put(area, row, cells);
    }
}

fn begin<'b>(canvas: &Canvas<'b>, area: Area, marked: bool) -> Row<'b> {
    let theme = canvas.theme;
    let mut row = canvas.row(area, if marked { theme.marked() } else { theme.plain() });
    row.text(if marked { "> " } else { "  " }, theme.plain());
    row
}
