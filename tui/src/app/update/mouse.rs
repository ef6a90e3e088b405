//! The mouse, while the operator has switched it on: the wheel scrolls, a click marks a row.

use super::super::model::{Model, Screen};
use super::super::msg::{Effect, Effects, Mouse};
use super::walk;

/// Rows of one notch of the wheel.
const NOTCH: isize = 3;

/// `m`.
pub(super) fn switch(model: &mut Model, effects: &mut Effects) {
    model.mouse = !model.mouse;
    effects.push(Effect::Mouse(model.mouse));
    let words = match model.mouse {
        true => "mouse on: the wheel scrolls, a click marks, Shift selects text as before; m switches it off",
        false => "mouse off: the terminal selects text as before",
    };
    model.notice = Some(words.to_owned());
}

/// Nothing under a dialog or the lock is reached by it.
pub(super) fn mouse(model: &mut Model, mouse: Mouse) {
    if !model.mouse || model.layer.is_some() || model.lock.is_some() {
        return;
    }
    model.touched_at = model.now;
    match mouse {
        Mouse::Wheel { down } => walk::step(model, if down { NOTCH } else { -NOTCH }),
        Mouse::Press { column, row } => press(model, column, row),
    }
}

fn press(model: &mut Model, column: u16, row: u16) {
    let layout = model.layout();
    let is_in = |area: super::super::layout::Area| {
        (area.x..area.x + area.width).contains(&column) && (area.y..area.y + area.height).contains(&row)
    };
    if is_in(layout.pane) {
        model.in_pane = model.screen != Screen::Log || model.in_pane;
        return;
    }
    if !is_in(layout.list) || model.screen == Screen::Status {
        return;
    }
    model.in_pane = false;
    let (top, index) = walk::cursor(model);
    let wanted = (top + usize::from(row - layout.list.y)).cast_signed();
    walk::step(model, wanted - index.cast_signed());
}
