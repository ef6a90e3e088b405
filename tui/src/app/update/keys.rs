//! Keys: to the layer on top, or to the screen.

use super::super::connection::Connection;
use super::super::key::{Code, Key};
use super::super::keymap::{self, Place};
use super::super::layer::Layer;
use super::super::model::Model;
use super::super::msg::{Effect, Effects};
use super::{act, layers, lock};

pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    // These work everywhere, also over a dialog.
    match (key.ctrl, key.code) {
        (true, Code::Char('z')) => return effects.push(Effect::Background),
        (true, Code::Char('l')) => effects.push(Effect::Repaint),
        _ => {}
    }
    model.touched_at = model.now;
    let Some(key) = meant(model, key) else { return };
    if model.lock.is_some() {
        return lock::key(model, key, effects);
    }
    if model.layer.is_some() {
        return layers::key(model, key, effects);
    }
    model.notice = None;
    if (key.ctrl, key.code) == (true, Code::Char('c')) {
        model.notice = Some("q leaves the console; ctrl-c only cancels".to_owned());
        return;
    }
    let retries = matches!(
        model.connection,
        Connection::Reconnecting { .. } | Connection::Denied { .. } | Connection::Incompatible { .. }
    );
    if key.code == Code::Enter && retries {
        return effects.push(Effect::ReconnectNow);
    }
    let place = Place::of(model);
    match keymap::find(place, key) {
        Some(action) => act::act(model, action, effects),
        None => model.notice = Some(keymap::near(place, key)),
    }
}

/// What comes in one go may be pasted, and nothing pasted sends a form or presses a button. Elsewhere Enter is Enter.
fn meant(model: &mut Model, key: Key) -> Option<Key> {
    const WORDS: &str = "Enter came in one go with letters, as in a paste: it does nothing here, press it again";
    if key.code != Code::EnterWithText {
        return Some(key);
    }
    let error = match &mut model.layer {
        _ if model.lock.is_some() => None,
        Some(Layer::Form(form)) => Some(&mut form.error),
        Some(Layer::Danger(danger)) => Some(&mut danger.error),
        Some(Layer::Ask(ask)) => Some(&mut ask.error),
        _ => None,
    };
    match error {
        Some(error) => {
            *error = Some(WORDS.to_owned());
            None
        }
        None => Some(Key::plain(Code::Enter)),
    }
}
