//! The dialog before a change of many, and before one is taken back.

use super::super::action::Action;
use super::super::ask::{self, Ask, IncidentsDeed, TokensDeed, What};
use super::super::forms::{Form, FormKind};
use super::super::key::{Code, Key};
use super::super::layer::Layer;
use super::super::model::{Model, Screen};
use super::super::msg::Effects;
use super::super::rights;
use super::super::words::count;
use super::{changes, undo};

/// Lines that a page of the table scrolls.
const PAGE: isize = 8;

/// Opens the dialog of an action for all that are marked. False where nothing is marked, or the action is about no row.
pub(super) fn open(model: &mut Model, action: Action) -> bool {
    let marked = model.marks();
    if marked == 0 || !rights::is_of_rows(action) {
        return false;
    }
    if let Err(why) = model.may(action) {
        model.notice = Some(format!("{}: {why}", action.info().name));
        return true;
    }
    match question(model, action) {
        Some(ask) => model.layer = Some(Layer::Ask(Box::new(ask))),
        None => changes::open(model, Form::edit_many(marked)),
    }
    true
}

fn question(model: &Model, action: Action) -> Option<Ask> {
    let tokens = model.tokens.marked();
    let all_suspended = tokens.iter().all(|token| token.suspended.is_some());
    let about_tokens = |deed| Some(ask::tokens(model, deed, &tokens));
    let about_incidents = |deed| Some(ask::incidents(model, deed, &model.incidents.marked()));
    match action {
        Action::Refresh => about_tokens(TokensDeed::Refresh),
        Action::Revoke => about_tokens(TokensDeed::Revoke),
        Action::Suspend if all_suspended => about_tokens(TokensDeed::Resume),
        Action::Suspend => about_tokens(TokensDeed::Suspend),
        Action::Acknowledge => about_incidents(IncidentsDeed::Acknowledge),
        Action::Unacknowledge => about_incidents(IncidentsDeed::Unacknowledge),
        Action::Resolve => about_incidents(IncidentsDeed::Resolve),
        _ => None,
    }
}

/// The form for all marked tokens was filled in: the table of old and new comes first.
pub(super) fn review(model: &mut Model, form: Form) {
    match form.many_patch() {
        Ok(patch) => {
            let deed = TokensDeed::Edit(Box::new(patch), Box::new(form));
            let ask = ask::tokens(model, deed, &model.tokens.marked());
            model.layer = Some(Layer::Ask(Box::new(ask)));
        }
        Err(why) => {
            if let Some(Layer::Form(form)) = &mut model.layer {
                form.point_out(why);
            }
        }
    }
}

/// `Space` and `*`.
pub(super) fn mark(model: &mut Model, all: bool) {
    match (model.screen, all) {
        (Screen::Tokens, false) => model.tokens.mark(),
        (Screen::Tokens, true) => model.tokens.mark_all(),
        (Screen::Incidents, false) => model.incidents.mark(),
        (Screen::Incidents, true) => model.incidents.mark_all(),
        _ => {}
    }
}

/// Esc: true if something was marked.
pub(super) fn unmark(model: &mut Model) -> bool {
    let some = model.marks() > 0;
    match model.screen {
        Screen::Tokens => model.tokens.marks.clear(),
        Screen::Incidents => model.incidents.marks.clear(),
        _ => {}
    }
    some
}

pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    let Some(Layer::Ask(ask)) = &mut model.layer else { return };
    match key.code {
        Code::Esc => cancel(model),
        Code::Char('c') if key.ctrl => cancel(model),
        Code::Tab => ask.step(true),
        Code::BackTab => ask.step(false),
        Code::Down => ask.scroll(1),
        Code::Up => ask.scroll(-1),
        Code::PageDown => ask.scroll(PAGE),
        Code::PageUp => ask.scroll(-PAGE),
        Code::Enter => press(model, effects),
        _ => ask.key(key),
    }
}

/// A change that was only looked at goes back to its form; a list of what can be undone comes back.
fn cancel(model: &mut Model) {
    let Some(Layer::Ask(ask)) = model.layer.take() else { return };
    match ask.what {
        What::Tokens(TokensDeed::Edit(_, form)) => model.layer = Some(Layer::Form(*form)),
        What::Undo(..) => undo::list(model),
        _ => {}
    }
}

fn press(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Ask(ask)) = &mut model.layer else { return };
    match ask.mark {
        ask::Stop::Cancel => return cancel(model),
        ask::Stop::Reason => return ask.step(true),
        ask::Stop::Do => {}
    }
    if ask.pending.is_some() {
        return;
    }
    if let Some(why) = ask.missing() {
        ask.error = Some(why);
        return;
    }
    let (call, cli) = (ask.call(), ask.cli());
    let asked = changes::request(model, call, cli, effects);
    let refused = model.notice.take();
    if let Some(Layer::Ask(ask)) = &mut model.layer {
        ask.pending = asked;
        ask.error = if asked.is_some() { None } else { refused };
    }
}

/// It was done: the marks have served, and the words say how many.
pub(super) fn done(model: &mut Model, generation: u64) {
    let Some(Layer::Ask(ask)) = &model.layer else { return };
    if ask.pending != Some(generation) {
        return;
    }
    let number = ask.number() as u64;
    let words = match &ask.what {
        What::Undo(..) => "undone".to_owned(),
        What::Tokens(_) => format!("{}: done to {}", ask.button().to_lowercase(), count(number, "token")),
        What::Incidents(_) => format!("{}: done to {}", ask.button().to_lowercase(), count(number, "incident")),
    };
    match ask.what {
        What::Undo(number, ..) => model.undo.remove(number),
        _ => drop(unmark(model)),
    }
    model.layer = None;
    model.notice = Some(words);
}

/// True for the form of many.
pub(super) fn is_of_many(form: &Form) -> bool {
    matches!(form.kind, FormKind::EditMany(_))
}
