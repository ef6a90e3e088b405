//! Calls over time in one line: how many by the height of a glyph, failures by a sign of their own.

use crate::app::layout::Area;
use crate::app::logs::strip::Slot;
use crate::app::model::Model;
use crate::app::words;
use tollgate_shared::time::Timestamp;

use super::canvas::Canvas;
use super::chart::glyph;
use super::theme::Theme;

/// A strip that is narrower says nothing.
const CELLS_MIN: usize = 8;

/// ` 02:59 |..:.:..:..:.:..:..:..:.!..!| 03:14  max 9/min  ! no match, refused`
pub(super) fn strip(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let strip = &model.logs.strip;
    let slots = strip.slots();
    let (Some(first), Some(counts)) = (slots.first(), &strip.counts) else {
        let words = match &strip.refused {
            Some(why) => format!(" no counts: {why}"),
            None if strip.counts.is_some() => " no calls in this time".to_owned(),
            None => String::new(),
        };
        return canvas.text(area, &words, theme.plain());
    };
    let (from, to) = (label(first.at, counts.until, counts.since), label(counts.until, counts.until, counts.since));
    let legend = strip.legend();
    let used = from.len() + to.len() + 6;
    let room = usize::from(area.width).saturating_sub(used);
    let legend = if room > legend.chars().count() + 2 + CELLS_MIN { legend } else { String::new() };
    let room = room.saturating_sub(legend.chars().count() + 2);
    if room < CELLS_MIN {
        return;
    }
    let mut row = canvas.row(area, theme.plain());
    row.text(&format!(" {from} |"), theme.plain());
    cells(&mut row, theme, &slots, room, strip.brush);
    row.text(&format!("| {to}  {legend}"), theme.plain());
    canvas.put(area, 0, row);
}

/// The slots over so many columns: several columns for a slot, or several slots in a column.
fn cells(row: &mut super::canvas::Row<'_>, theme: &Theme, slots: &[Slot], room: usize, brush: Option<Timestamp>) {
    let wide = (room / slots.len().max(1)).max(1);
    let per_cell = slots.len().div_ceil(room).max(1);
    let groups: Vec<&[Slot]> = slots.chunks(per_cell).collect();
    let sum = |group: &[Slot]| group.iter().map(|slot| slot.calls).sum::<u64>();
    let max = groups.iter().map(|group| sum(group)).max().unwrap_or(0);
    for group in groups {
        let failed = group.iter().any(|slot| slot.failed > 0);
        let marked = group.iter().any(|slot| Some(slot.at) == brush);
        let glyph = glyph(theme, sum(group), max);
        // The sign of a failure stands in the last column of a slot, so that its height shows beside it.
        let bar = glyph.repeat(if failed { wide - 1 } else { wide });
        let style = if marked { theme.marked() } else { theme.plain() };
        row.text(&bar, style);
        if failed {
            row.text("!", if marked { theme.marked() } else { theme.bad() });
        }
    }
}

/// A time, with its day where the strip is longer than one.
fn label(at: Timestamp, until: Timestamp, since: Timestamp) -> String {
    if until.secs_since(since) > 86_400 {
        at.to_utc().format("%a %H:%M").to_string()
    } else {
        words::minute(at).trim_end_matches('Z').to_owned()
    }
}
