//! The dialogs before a change that is not made lightly: how they come up, and their keys.

use std::sync::Arc;

use tollgate_shared::api::TokenView;

use super::super::action::Action;
use super::super::danger::{Danger, Deed, Object, Part};
use super::super::forms::Form;
use super::super::key::{Code, Key};
use super::super::layer::Layer;
use super::super::model::Model;
use super::super::msg::{Effect, Effects};
use super::super::services::Node;
use super::changes;

/// Opens the dialog of an action on what is marked.
pub(super) fn open(model: &mut Model, action: Action, effects: &mut Effects) {
    let opened = match action {
        Action::Revoke => on_token(model, Deed::Revoke),
        Action::Rotate => on_token(model, Deed::Rotate),
        Action::Refresh => on_token(model, Deed::Refresh),
        Action::Suspend if is_suspended(model) => on_token(model, Deed::Resume),
        Action::Suspend => on_token(model, Deed::Suspend),
        Action::RemoveOperator => on_operator(model, Deed::RemoveOperator),
        Action::DisableOperator if is_enabled(model) => on_operator(model, Deed::DisableOperator),
        Action::DisableOperator => on_operator(model, Deed::EnableOperator),
        Action::DropPassphrase => on_operator(model, Deed::DropPassphrase),
        Action::Remove => on_node(model, Deed::RemoveNode),
        Action::Switch if is_switched_on(model) => on_node(model, Deed::SwitchOff),
        Action::Switch => on_node(model, Deed::SwitchOn),
        Action::RetryRequest => on_request(model, Deed::RetryRequest),
        Action::CancelRequest => on_request(model, Deed::CancelRequest),
        Action::SwitchWorkflow => on_workflow(model),
        Action::LockDown => on_daemon(model, Deed::LockDown),
        _ => on_daemon(model, Deed::LiftLockdown),
    };
    if let Some(danger) = opened {
        ask_evidence(&danger, effects);
        model.layer = Some(Layer::Danger(Box::new(danger)));
    }
}

/// The question before the calls of a busy token are logged.
pub(super) fn log_calls(model: &mut Model, token: Arc<TokenView>) {
    let danger = Danger::new(Deed::LogCalls, Object::Token(token), model.now);
    model.layer = Some(Layer::Danger(Box::new(danger)));
}

/// The difference that a form makes, before it is made.
pub(super) fn review(model: &mut Model, form: Form) {
    let object = match (&form.token, &form.operator, &form.filter) {
        (Some(token), ..) => Object::Token(Arc::clone(token)),
        (None, Some(operator), _) => Object::Operator(Arc::clone(operator)),
        (None, None, Some(filter)) => Object::Node(Node::Filter(Arc::clone(filter))),
        (None, None, None) => return,
    };
    let danger = Danger::new(Deed::Change(Box::new(form)), object, model.now);
    model.layer = Some(Layer::Danger(Box::new(danger)));
}

/// Where it was used from is part of what would stop.
fn ask_evidence(danger: &Danger, effects: &mut Effects) {
    if let Some(token) = danger.token() {
        effects.push(Effect::FetchEvidence { token: token.id.to_string() });
    }
}

fn is_suspended(model: &Model) -> bool {
    model.marked_token().is_some_and(|token| token.suspended.is_some())
}

fn is_enabled(model: &Model) -> bool {
    model.operators.selected().is_some_and(|operator| operator.enabled)
}

fn on_token(model: &mut Model, deed: Deed) -> Option<Danger> {
    let Some(token) = model.marked_token().cloned() else {
        model.notice = Some("no token is marked".to_owned());
        return None;
    };
    Some(of_token(model, deed, token))
}

fn of_token(model: &Model, deed: Deed, token: Arc<TokenView>) -> Danger {
    let open = model.incidents.open_by(token.id);
    Danger { open_incidents: open, ..Danger::new(deed, Object::Token(token), model.now) }
}

fn on_operator(model: &mut Model, deed: Deed) -> Option<Danger> {
    let Some(operator) = model.operators.selected().cloned() else {
        model.notice = Some("no operator is marked".to_owned());
        return None;
    };
    Some(Danger::new(deed, Object::Operator(operator), model.now))
}

fn is_switched_on(model: &Model) -> bool {
    model.services.selected().is_some_and(Node::is_on)
}

fn on_node(model: &mut Model, deed: Deed) -> Option<Danger> {
    let Some(node) = model.services.selected().cloned() else {
        model.notice = Some("nothing is marked".to_owned());
        return None;
    };
    Some(Danger::new(deed, Object::Node(node), model.now))
}

fn on_request(model: &mut Model, deed: Deed) -> Option<Danger> {
    let Some(request) = model.requests.selected().cloned() else {
        model.notice = Some("no request is marked".to_owned());
        return None;
    };
    Some(Danger::new(deed, Object::Request(request), model.now))
}

fn on_workflow(model: &mut Model) -> Option<Danger> {
    let Some(workflow) = model.requests.selected_workflow().cloned() else {
        model.notice = Some("no workflow is marked: v shows them".to_owned());
        return None;
    };
    let deed = if workflow.spec.enabled { Deed::SwitchOff } else { Deed::SwitchOn };
    Some(Danger::new(deed, Object::Workflow(workflow), model.now))
}

fn on_daemon(model: &Model, deed: Deed) -> Option<Danger> {
    let host = model.status.as_ref().map(|status| status.host.clone()).unwrap_or_default();
    Some(Danger::new(deed, Object::Daemon(host), model.now))
}

pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    let Some(Layer::Danger(danger)) = &mut model.layer else { return };
    match key.code {
        Code::Esc => cancel(model),
        Code::Char('c') if key.ctrl => cancel(model),
        Code::Tab | Code::Down => danger.step(1),
        Code::BackTab | Code::Up => danger.step(-1),
        Code::Enter => press(model, effects),
        _ => danger.key(key),
    }
}

/// A change that was only looked at goes back to its form; nothing that was typed is lost.
fn cancel(model: &mut Model) {
    let Some(Layer::Danger(danger)) = model.layer.take() else { return };
    if let Deed::Change(form) = danger.deed {
        model.layer = Some(Layer::Form(*form));
    }
}

fn press(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Danger(danger)) = &mut model.layer else { return };
    match danger.mark {
        Part::Cancel => cancel(model),
        Part::Choice | Part::Reason => danger.step(1),
        Part::Also => danger.also = !danger.also,
        Part::Suspend => instead(model, Deed::Suspend, Action::Suspend),
        Part::Rotate => instead(model, Deed::Rotate, Action::Rotate),
        Part::Do => go(model, effects),
    }
}

/// The milder step has a dialog of its own; the reason that was typed goes with it.
fn instead(model: &mut Model, deed: Deed, action: Action) {
    let why = model.may(action).err();
    let Some(Layer::Danger(danger)) = &mut model.layer else { return };
    if why.is_some() {
        danger.error = why;
        return;
    }
    let (token, reason) = (danger.token().cloned(), danger.reason.clone());
    if let Some(token) = token {
        let danger = Danger { reason, ..of_token(model, deed, token) };
        model.layer = Some(Layer::Danger(Box::new(danger)));
    }
}

fn go(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Danger(danger)) = &model.layer else { return };
    if danger.pending.is_some() {
        return;
    }
    let issued = danger.token().and_then(|token| model.tokens.evidence_of(token));
    let also = issued.map(|evidence| evidence.issued.iter().map(|one| one.id.to_string()).collect());
    let call = match danger.missing() {
        Some(why) => Err(why.to_owned()),
        None => danger.call(also.unwrap_or_default()),
    };
    let cli = danger.cli();
    let asked = call.map(|call| changes::with_debug(model, call)).and_then(|call| {
        changes::request(model, call, cli, effects).ok_or_else(|| model.notice.take().unwrap_or_default())
    });
    if let Some(Layer::Danger(danger)) = &mut model.layer {
        match asked {
            Ok(generation) => (danger.pending, danger.error) = (Some(generation), None),
            Err(why) => danger.error = Some(why),
        }
    }
}
