//! Changes: how they are asked for, and what their answers do to the model.

use super::super::forms::{Form, FormKind};
use super::super::layer::Layer;
use super::super::model::{Model, Screen};
use super::super::msg::{Call, Effect, Effects, Reply};
use super::super::secret::{Secret, ShowOnce};
use tollgate_shared::api::TokenView;

/// Sends a change, unless the connection is not live: then it is refused, never queued. Returns its number.
pub(super) fn request(model: &mut Model, call: Call, cli: String, effects: &mut Effects) -> Option<u64> {
    if let Err(why) = model.may_change() {
        model.notice = Some(why);
        return None;
    }
    let generation = model.next_generation();
    model.commands.begin(cli, generation);
    effects.push(Effect::Request { generation, call: Box::new(call) });
    Some(generation)
}

pub(super) fn succeeded(model: &mut Model, generation: u64, reply: Reply, effects: &mut Effects) {
    let guided = close_form(model, generation);
    match reply {
        Reply::Token(token) => {
            model.tokens.refresh(*token);
            model.tokens.note_worst(model.now);
        }
        Reply::Created { secret, token } => show_secret(model, generation, secret, *token),
        Reply::Receipt(receipt) => {
            model.tokens.remove(receipt.id);
            model.tokens.note_worst(model.now);
            close_danger(model, generation);
            if model.layer.is_none() {
                model.layer = Some(Layer::Receipt(receipt));
            }
        }
        Reply::Incident(incident) => model.incidents.refresh(*incident),
        Reply::Team(team) => {
            let name = team.name.clone();
            model.services.add_team(*team);
            next_step(model, guided, |model| Form::service(&model.services.teams, Some(&name)));
        }
        Reply::Service(service) => {
            let name = format!("{}/{}", service.team.name, service.name);
            model.services.add_service(*service);
            next_step(model, guided, |model| {
                Form::filter(&model.services.services, &model.services.presets, Some(&name))
            });
        }
        Reply::Filter(filter) => {
            let scope = format!("service:{}", filter.service.name);
            model.services.add_filter(*filter);
            next_step(model, guided, |model| {
                Form::token(&model.services.teams, &model.services.services, Some(&scope))
            });
        }
        Reply::Said(words) => said(model, words),
    }
    effects.push(Effect::Refresh);
}

/// Closes the form that asked. True if it was a step of the first path.
fn close_form(model: &mut Model, generation: u64) -> bool {
    let asked = matches!(&model.layer, Some(Layer::Form(form)) if form.pending == Some(generation));
    let guided = asked && model.guided;
    if asked {
        model.layer = None;
    }
    guided
}

fn close_danger(model: &mut Model, generation: u64) {
    if matches!(&model.layer, Some(Layer::Danger(danger)) if danger.pending == Some(generation)) {
        model.layer = None;
    }
}

/// The first path goes on with the next form.
fn next_step(model: &mut Model, guided: bool, form: impl FnOnce(&Model) -> Form) {
    if guided && model.layer.is_none() {
        let mut form = form(model);
        form.guided = true;
        model.layer = Some(Layer::Form(form));
    }
}

/// The secret is shown whatever else is open: it comes once.
fn show_secret(model: &mut Model, generation: u64, secret: Secret, token: TokenView) {
    let rotated = matches!(&model.layer, Some(Layer::Danger(danger)) if danger.pending == Some(generation));
    let listen = model.status.as_ref().map_or_else(String::new, |status| status.listen.clone());
    let dialog = ShowOnce {
        secret,
        name: token.name.clone(),
        id: token.id.to_string(),
        scope: token.scope.name.clone(),
        rotated,
        listen,
        shown_at: model.now,
        hidden: false,
        asked: false,
        notice: None,
    };
    let id = token.id;
    model.guided = false;
    model.tokens.refresh(token);
    model.tokens.note_worst(model.now);
    model.screen = Screen::Tokens;
    model.in_pane = false;
    if let Some(index) = (0..model.tokens.shown.len()).find(|at| model.tokens.row(*at).is_some_and(|row| row.id == id))
    {
        model.tokens.go(index);
    }
    model.layer = Some(Layer::Secret(dialog));
}

fn said(model: &mut Model, words: String) {
    match &mut model.layer {
        Some(Layer::Secret(dialog)) => dialog.notice = Some(words),
        _ => model.notice = Some(words),
    }
}

/// Presses the button of a form.
pub(super) fn submit(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Form(form)) = &model.layer else { return };
    if form.pending.is_some() {
        return;
    }
    let (submitted, cli) = (form.submit(), form.cli());
    let error = match submitted {
        Err(words) => Some(words),
        Ok(call) => match request(model, call, cli, effects) {
            Some(generation) => {
                if let Some(Layer::Form(form)) = &mut model.layer {
                    (form.pending, form.error) = (Some(generation), None);
                }
                return;
            }
            None => model.notice.take(),
        },
    };
    if let Some(Layer::Form(form)) = &mut model.layer {
        form.error = error;
    }
}

/// Opens a form.
pub(super) fn open(model: &mut Model, form: Form) {
    model.guided = form.guided || (model.guided && form.kind != FormKind::Token);
    model.layer = Some(Layer::Form(form));
}
