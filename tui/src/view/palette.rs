//! The palette and the prompt of `:identify`, over the screen.

use crate::app::identify::{Identify, lines};
use crate::app::keymap::{self, Place};
use crate::app::layout::Area;
use crate::app::model::Model;
use crate::app::palette::{Found, Palette, Target};
use crate::app::words::group;

use super::canvas::Canvas;
use super::overlays::{field, open_box};

/// Columns of a find's name.
const LABEL: usize = 26;

pub(super) fn palette(canvas: &mut Canvas<'_>, model: &Model, palette: &Palette) {
    let theme = canvas.theme;
    let rows = usize::from(canvas.rows.saturating_sub(4)).max(1);
    let area = open_box(canvas, "PALETTE   type a few letters   Enter goes there  Esc closes", rows);
    let mut line = canvas.row(area, theme.plain());
    line.text(" > ", theme.strong());
    field(&mut line, &palette.field.text(), palette.field.before_cursor().chars().count(), theme);
    canvas.put(area, 0, line);
    canvas.text_at(area, 1, &counts(palette), theme.plain());
    let list = Area { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    let top = (palette.at + 1).saturating_sub(usize::from(list.height));
    for (row, (index, found)) in (0..list.height).zip(palette.found.iter().enumerate().skip(top)) {
        let marked = index == palette.at;
        let mut line = canvas.row(list, if marked { theme.marked() } else { theme.plain() });
        line.text(if marked { "> " } else { "  " }, theme.plain());
        let label = LABEL.min(line.left() / 2);
        line.cell(found.kind.as_str(), 9, theme.plain()).cell(&found.label, label, theme.strong());
        line.text(" ", theme.plain()).text(&detail(model, found), theme.plain()).rest();
        canvas.put(list, row, line);
    }
}

/// ` 3 of 96 actions  42 of 1,310 tokens`
fn counts(palette: &Palette) -> String {
    let words = palette.counts.iter().filter(|(_, fit, _)| *fit > 0).map(|(kind, fit, all)| {
        let name = if kind.as_str() == "query" { "queries".to_owned() } else { format!("{}s", kind.as_str()) };
        format!("{} of {} {name}", group(*fit as u64), group(*all as u64))
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "   nothing fits".to_owned() } else { format!("   {}", words.join("  ")) }
}

/// Of an action also its key here, and why it cannot be done now.
fn detail(model: &Model, found: &Found) -> String {
    let Target::Action(action) = found.target else { return found.detail.clone() };
    let place = Place::of(model);
    let key = keymap::here(place).find(|binding| binding.action == action).and_then(|binding| binding.keys.first());
    let key = key
        .map(ToString::to_string)
        .or_else(|| keymap::menu(place).find(|entry| entry.action == action).map(|entry| format!(".{}", entry.letter)));
    let key = key.map_or_else(|| " ".repeat(7), |key| format!("{key:7}"));
    match model.may(action) {
        Ok(()) => format!("{key}{}", found.detail),
        Err(why) => format!("{key}(not now: {why}) {}", found.detail),
    }
}

pub(super) fn identify(canvas: &mut Canvas<'_>, model: &Model, identify: &Identify) {
    let theme = canvas.theme;
    let found: Vec<(usize, String)> = identify
        .found
        .iter()
        .flatten()
        .enumerate()
        .flat_map(|(at, one)| lines(one, model.now).into_iter().map(move |line| (at, line)))
        .collect();
    let area = open_box(canvas, "IDENTIFY   whose value is this?   nothing that you type is shown", 4 + found.len());
    let chars = identify.value.chars();
    let held = if chars == 0 { "nothing yet".to_owned() } else { format!("{chars} characters, not shown") };
    canvas.text_at(area, 0, &format!("  value  ( {held} )"), theme.strong());
    let say = match (&identify.error, identify.pending, identify.caught) {
        (Some(why), ..) => format!("  ! {why}"),
        (None, Some(_), _) => "  asking the daemon".to_owned(),
        (None, None, true) => "  A secret was pasted. It was not shown, not kept and not sent.".to_owned(),
        (None, None, false) => String::new(),
    };
    canvas.text_at(area, 1, &say, if identify.error.is_some() { theme.bad() } else { theme.plain() });
    for (row, (at, line)) in (2..area.height.saturating_sub(2)).zip(&found) {
        let marked = *at == identify.at && !line.starts_with(' ');
        canvas.text_at(area, row, &format!("  {line}"), if marked { theme.strong() } else { theme.plain() });
    }
    let keys = match &identify.found {
        Some(found) if found.iter().any(|one| one.token.is_some()) => {
            "  Enter goes to the token: R revokes, S suspends.  Esc closes"
        }
        Some(_) => "  paste another value, or Esc",
        None => "  paste or type it, Enter asks over the local socket, Esc forgets it",
    };
    canvas.text_at(area, area.height.saturating_sub(1), keys, theme.plain());
}
