//! `u`: what can be undone, and `:history`: what was changed.

use zeroize::Zeroizing;

use super::super::ask::{Ask, Line, What};
use super::super::key::{Code, Key};
use super::super::layer::Layer;
use super::super::model::Model;
use super::super::msg::{Call, Effect, Effects, FailureKind, Hidden};
use super::super::undo;

/// Notes the way back from a change that is being sent. What takes a change back is not itself taken back.
pub(super) fn begin(model: &mut Model, call: &Call, number: u64) {
    let is_undo = matches!(&model.layer, Some(Layer::Ask(ask)) if matches!(ask.what, What::Undo(..)));
    let undoable = if is_undo { None } else { undo::of(model, call, number) };
    model.undo.begin(undoable);
}

/// `u`.
pub(super) fn list(model: &mut Model) {
    if model.undo.is_empty() {
        let words = "nothing of this session can be undone; what is final, such as a revoke, never can";
        model.notice = Some(words.to_owned());
        return;
    }
    model.layer = Some(Layer::Undo { at: 0 });
}

/// `:history`.
pub(super) fn history(model: &mut Model) {
    if model.commands.last().is_none() {
        model.notice = Some("this console has changed nothing yet".to_owned());
        return;
    }
    model.layer = Some(Layer::History { at: 0 });
}

/// A key in one of the two lists.
pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    let (at, len) = match &model.layer {
        Some(Layer::Undo { at }) => (*at, model.undo.len()),
        Some(Layer::History { at }) => (*at, model.commands.len()),
        _ => return,
    };
    let is_undo = matches!(model.layer, Some(Layer::Undo { .. }));
    let moved = match key.code {
        Code::Down | Code::Char('j') => (at + 1).min(len.saturating_sub(1)),
        Code::Up | Code::Char('k') => at.saturating_sub(1),
        Code::Home | Code::Char('g') => 0,
        Code::End | Code::Char('G') => len.saturating_sub(1),
        Code::PageDown => (at + 10).min(len.saturating_sub(1)),
        Code::PageUp => at.saturating_sub(10),
        Code::Enter if is_undo => return question(model, at),
        Code::Char('y') if !key.ctrl => return copy(model, at, is_undo, effects),
        Code::Esc | Code::Backspace | Code::Enter | Code::Char('q' | 'u' | 'c') => {
            model.layer = None;
            return;
        }
        _ => return,
    };
    model.layer = Some(if is_undo { Layer::Undo { at: moved } } else { Layer::History { at: moved } });
}

/// The way back is asked about, with the command that does the same.
fn question(model: &mut Model, at: usize) {
    let Some(one) = model.undo.get(at).cloned() else { return };
    let line = Line { id: String::new(), name: one.name, old: one.old, new: one.new, left_out: None };
    let what = What::Undo(one.number, Box::new(one.call), one.cli);
    model.layer = Some(Layer::Ask(Box::new(Ask::new(what, vec![line]))));
}

fn copy(model: &mut Model, at: usize, is_undo: bool, effects: &mut Effects) {
    let line = match is_undo {
        true => model.undo.get(at).map(|one| one.cli.clone()),
        false => model.commands.newest_first().nth(at).map(|line| line.text.clone()),
    };
    model.layer = None;
    if let Some(line) = line {
        effects.push(Effect::Copy { text: Hidden(Zeroizing::new(line)), secret: false });
    }
}

/// The daemon did not do it. Where somebody was faster there is nothing to go back to any more.
pub(super) fn failed(model: &mut Model, kind: FailureKind) {
    let Some(Layer::Ask(ask)) = &mut model.layer else { return };
    let What::Undo(number, ..) = ask.what else { return };
    if kind == FailureKind::Outdated {
        let words = ask.error.take().unwrap_or_default();
        ask.error = Some(format!("nothing was undone: {words}"));
        model.undo.remove(number);
    }
}
