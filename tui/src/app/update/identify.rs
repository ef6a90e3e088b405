//! The keys of `:identify`.

use zeroize::Zeroizing;

use super::super::connection::Connection;
use super::super::identify::Identify;
use super::super::key::{Code, Key};
use super::super::layer::Layer;
use super::super::model::Model;
use super::super::msg::{Effect, Effects, Hidden};
use super::palette;
use tollgate_shared::api::Identified;
use tollgate_shared::token::TokenState;

pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    let live = model.connection == Connection::Live;
    // A session that is played back holds no value: what only closes this must not count there either.
    let generation = if key.code == Code::Enter { model.next_generation() } else { 0 };
    let Some(Layer::Identify(identify)) = &mut model.layer else { return };
    let answers = identify.found.as_ref().map_or(0, Vec::len);
    match key.code {
        Code::Esc => model.layer = None,
        Code::Char('c') if key.ctrl => model.layer = None,
        Code::Down if answers > 0 => identify.at = (identify.at + 1).min(answers - 1),
        Code::Up if answers > 0 => identify.at = identify.at.saturating_sub(1),
        Code::Enter if identify.pending.is_some() => {}
        Code::Enter if answers > 0 => show(model, effects),
        Code::Enter if !live => identify.error = Some("no connection: nothing was sent".to_owned()),
        Code::Enter if identify.value.chars() == 0 => identify.error = Some("paste or type the value first".to_owned()),
        Code::Enter => {
            identify.pending = Some(generation);
            let value = Hidden(Zeroizing::new(identify.value.expose().to_owned()));
            effects.push(Effect::Identify { generation, value });
        }
        _ => {
            if identify.value.key(key) {
                (identify.found, identify.error, identify.caught) = (None, None, false);
            }
        }
    }
}

/// The daemon's answer. The value has served and is forgotten.
pub(super) fn answered(model: &mut Model, generation: u64, result: Result<Vec<Identified>, String>) {
    let Some(Layer::Identify(identify)) = &mut model.layer else { return };
    if identify.pending != Some(generation) {
        return;
    }
    identify.pending = None;
    identify.value = Default::default();
    match result {
        Ok(found) => (identify.found, identify.at, identify.error) = (Some(found), 0, None),
        Err(why) => identify.error = Some(why),
    }
}

/// Goes to the token that was named.
fn show(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Identify(identify)) = &model.layer else { return };
    let token = identify.chosen().and_then(|found| found.token.as_ref()).map(|token| (token.id, token.state));
    match token {
        None => {}
        Some((id, TokenState::Revoked)) => {
            model.layer = None;
            model.notice =
                Some(format!("{id} is revoked; what is left of it:  f is:revoked   or  tollgate token show {id}"));
        }
        Some((id, _)) => {
            model.layer = None;
            palette::go_to_token(model, id, effects);
        }
    }
}

/// A secret that was pasted where it must not stand: held unseen, and asked about if the operator wants to.
pub(super) fn caught(model: &mut Model, text: &str) {
    model.layer = Some(Layer::Identify(Box::new(Identify::caught(text))));
}
