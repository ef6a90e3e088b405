//! Changes: how they are asked for, and what their answers do to the model.

use super::super::action::Action;
use super::super::danger::Deed;
use super::super::first::{self, SampleAlert, SampleState, Step};
use super::super::forms::{Form, FormKind, Logged};
use super::super::layer::Layer;
use super::super::model::{Model, Screen};
use super::super::msg::{Call, Effect, Effects, Reply};
use super::super::secret::{Secret, ShowOnce};
use tollgate_shared::api::TokenView;
use tollgate_shared::id::IncidentId;
use tollgate_shared::token::TokenState;

/// Sends a change, unless the connection is not live: then it is refused, never queued. Returns its number.
pub(super) fn request(model: &mut Model, call: Call, cli: String, effects: &mut Effects) -> Option<u64> {
    if let Err(why) = model.may_change() {
        model.notice = Some(why);
        return None;
    }
    let generation = model.next_generation();
    model.commands.begin(cli, generation);
    super::undo::begin(model, &call, generation);
    effects.push(Effect::Request { generation, call: Box::new(call) });
    Some(generation)
}

/// A change of a token with its debug option, which is judged by the time.
pub(super) fn with_debug(model: &Model, call: Call) -> Call {
    let Some(Layer::Danger(danger)) = &model.layer else { return call };
    let (Deed::Change(form), Call::EditToken { token, patch, version, .. }) = (&danger.deed, &call) else {
        return call;
    };
    let was = form.token.as_ref().map_or(Logged::Off, |token| Logged::of(token, model.now));
    let debug = Some(form.settings().debug).filter(|now| *now != was);
    Call::EditToken { token: token.clone(), patch: patch.clone(), version: *version, debug }
}

/// Nobody is signed in any more.
pub(super) fn sign_out(model: &mut Model, effects: &mut Effects) {
    let generation = model.next_generation();
    effects.push(Effect::Request { generation, call: Box::new(Call::SignOut) });
}

pub(super) fn succeeded(model: &mut Model, generation: u64, reply: Reply, effects: &mut Effects) {
    let guided = close_form(model, generation);
    match reply {
        Reply::Token(token) => {
            model.tokens.refresh(*token);
            model.tokens.note_worst(model.now);
        }
        Reply::Created { secret, token } => show_secret(model, generation, secret, *token),
        Reply::Bulk(bulk) => {
            for token in bulk.tokens {
                match token.state {
                    TokenState::Revoked => model.tokens.remove(token.id),
                    _ => model.tokens.refresh(token),
                }
            }
            model.tokens.note_worst(model.now);
        }
        Reply::Incidents(bulk) => bulk.incidents.into_iter().for_each(|incident| model.incidents.refresh(incident)),
        Reply::Receipt(receipt, also) => {
            model.tokens.remove(receipt.id);
            model.tokens.note_worst(model.now);
            close_danger(model, generation);
            if model.layer.is_none() {
                model.layer = Some(Layer::Receipt(receipt, also));
            }
        }
        Reply::Operator(operator) => model.operators.refresh(*operator),
        Reply::Nothing => {}
        Reply::Incident(incident) => model.incidents.refresh(*incident),
        Reply::Team(team) => {
            let name = team.name.clone();
            model.services.add_team(*team);
            next_step(model, guided, Step::Service(name));
        }
        Reply::Service(service) => {
            let name = format!("{}/{}", service.team.name, service.name);
            model.services.add_service(*service);
            next_step(model, guided, Step::Filter(name));
        }
        Reply::Filter(filter) => {
            let service = filter.service.name.clone();
            model.services.add_filter(*filter);
            next_step(model, guided, Step::Token(service));
        }
        Reply::Sampled { words, incident } => sampled(model, generation, words, incident, effects),
        Reply::Request(request) => model.requests.refresh(*request),
        Reply::Workflow(workflow) => model.requests.refresh_workflow(*workflow),
        Reply::Queries(saved, words) => {
            model.logs.saved = saved;
            said(model, words);
        }
        Reply::Said(words) => said(model, words),
    }
    close_danger(model, generation);
    super::ask::done(model, generation);
    effects.push(Effect::Refresh);
}

/// Closes the form that asked. True if it was a step of the first path.
fn close_form(model: &mut Model, generation: u64) -> bool {
    let asked = matches!(&model.layer, Some(Layer::Form(form)) if form.pending == Some(generation));
    if let (true, Some(path), Some(Layer::Form(form))) = (asked, &mut model.guided, &model.layer) {
        match form.kind {
            FormKind::Filter => *path = form.first_path(),
            FormKind::Token => path.others = path.others.or_else(|| form.who_sends()),
            _ => {}
        }
    }
    if asked {
        model.layer = None;
    }
    asked && model.guided.is_some()
}

fn close_danger(model: &mut Model, generation: u64) {
    if matches!(&model.layer, Some(Layer::Danger(danger)) if danger.pending == Some(generation)) {
        model.layer = None;
    }
}

/// The first path goes on with the next form.
fn next_step(model: &mut Model, guided: bool, step: Step) {
    if guided && model.layer.is_none() {
        super::dialogs::go_on(model, step);
    }
}

/// The answer to a step of the first path was lost with the connection. Where what it made is there, the path goes on.
pub(super) fn catch_up(model: &mut Model) {
    let Some(Layer::Form(form)) = &model.layer else { return };
    let unanswered = form.guided && form.error.is_some() && form.pending.is_none();
    let made = match (&form.kind, first::next(model)) {
        (FormKind::Team, Some(step)) if step != Step::Team => step,
        (FormKind::Service, Some(step @ (Step::Filter(_) | Step::Token(_)))) => step,
        (FormKind::Filter, Some(step @ Step::Token(_))) => step,
        _ => return,
    };
    if unanswered {
        if let (FormKind::Filter, path) = (&form.kind, form.first_path()) {
            model.guided = Some(path);
        }
        super::dialogs::go_on(model, made);
    }
}

/// The secret is shown whatever else is open: it comes once.
fn show_secret(model: &mut Model, generation: u64, secret: Secret, token: TokenView) {
    let rotated = matches!(&model.layer, Some(Layer::Danger(danger)) if danger.pending == Some(generation));
    let (listen, tls) =
        model.status.as_ref().map_or_else(Default::default, |status| (status.listen.clone(), status.tls));
    let path = model.guided.take().unwrap_or_default();
    let dialog = ShowOnce {
        secret,
        name: token.name.clone(),
        id: token.id.to_string(),
        scope: token.scope.name.clone(),
        rotated,
        // This program speaks no TLS: there a sample goes the way that the line on the screen says.
        sample: SampleAlert::of(&path.preset).filter(|_| !tls),
        other_hosts: model
            .status
            .as_ref()
            .filter(|_| path.others == Some(true))
            .map(|status| first::other_hosts(status)),
        listen,
        tls,
        shown_at: model.now,
        hidden: false,
        asked: false,
        notice: None,
    };
    let id = token.id;
    model.tokens.refresh(token);
    model.tokens.note_worst(model.now);
    model.screen = Screen::Tokens;
    model.in_pane = false;
    if let Some(index) = (0..model.tokens.shown.len()).find(|at| model.tokens.row(*at).is_some_and(|row| row.id == id))
    {
        model.tokens.go(index);
    }
    model.layer = Some(Layer::Secret(Box::new(dialog)));
}

/// Sends the preset's sample through the gate, with the secret that is shown.
pub(super) fn send_sample(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Secret(dialog)) = &model.layer else { return };
    let Some(sample) = dialog.sample.as_ref().filter(|sample| sample.may_be_sent()) else { return };
    let (preset, secret, cli) = (sample.preset.clone(), dialog.secret.clone(), sample.cli());
    let call = Call::SendSample { preset, address: first::reachable(&dialog.listen), secret };
    let asked = request(model, call, cli, effects);
    let refused = model.notice.take();
    let Some(Layer::Secret(dialog)) = &mut model.layer else { return };
    match (asked, &mut dialog.sample) {
        (Some(generation), Some(sample)) => {
            sample.state = SampleState::Sending(generation);
            dialog.notice = Some(format!("sending a sample alert of {} to {}", sample.preset, dialog.listen));
        }
        _ => dialog.notice = refused,
    }
}

fn sampled(model: &mut Model, generation: u64, words: String, incident: Option<IncidentId>, effects: &mut Effects) {
    match model.layer.as_mut() {
        Some(Layer::Secret(dialog)) => {
            let words = if incident.is_some() { format!("{words}. Esc Esc goes to it") } else { words };
            if let Some(sample) = dialog.sample.as_mut().filter(|one| one.state == SampleState::Sending(generation)) {
                sample.state = SampleState::Sent(incident);
            }
            dialog.notice = Some(words);
        }
        _ => {
            incident.into_iter().for_each(|incident| go_to_incident(model, incident, effects));
            model.notice = Some(words);
        }
    }
}

/// The sample did not get through: it can be sent again.
pub(super) fn not_sampled(model: &mut Model, generation: u64) {
    if let Some(Layer::Secret(dialog)) = &mut model.layer
        && let Some(sample) = dialog.sample.as_mut().filter(|one| one.state == SampleState::Sending(generation))
    {
        sample.state = SampleState::Offered;
    }
}

/// The secret is put away. What was sent on the first path is what there is to see next.
pub(super) fn put_away(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Secret(dialog)) = model.layer.take() else { return };
    if let Some(incident) = dialog.sample.and_then(|sample| sample.incident()) {
        go_to_incident(model, incident, effects);
    }
}

fn go_to_incident(model: &mut Model, incident: IncidentId, effects: &mut Effects) {
    super::act::act(model, Action::Go(Screen::Incidents), effects);
    let at = model.incidents.rows.iter().position(|row| row.head.id == incident);
    at.into_iter().for_each(|at| model.incidents.go(at));
}

fn said(model: &mut Model, words: String) {
    match &mut model.layer {
        Some(Layer::Secret(dialog)) => dialog.notice = Some(words),
        _ => model.notice = Some(words),
    }
}

/// Presses the button of a form. What changes an object shows the difference first.
pub(super) fn submit(model: &mut Model, effects: &mut Effects) {
    let now = model.now;
    let Some(Layer::Form(form)) = &mut model.layer else { return };
    if form.pending.is_some() || form.wait_until.is_some_and(|until| until > now) {
        return;
    }
    if form.theirs.is_some() {
        *form = form.reloaded(now);
        return;
    }
    if super::ask::is_of_many(form) {
        let form = form.clone();
        return super::ask::review(model, form);
    }
    let (submitted, cli) = (form.submit(), form.cli());
    let reviewed = matches!(form.kind, FormKind::EditToken(_) | FormKind::EditOperator(_) | FormKind::EditFilter(_));
    let asked = match submitted {
        Ok(_) if reviewed && form.differences(now).is_empty() => {
            Err("nothing is different: there is nothing to change".to_owned())
        }
        Ok(_) if reviewed => {
            let form = form.clone();
            return super::danger::review(model, form);
        }
        Ok(call) => send(model, call, cli, effects),
        Err(words) => Err(words),
    };
    if let Some(Layer::Form(form)) = &mut model.layer {
        match asked {
            Ok(generation) => (form.pending, form.error) = (Some(generation), None),
            Err(why) => form.point_out(why),
        }
    }
}

/// A sign-in is asked for also where the unix account has no access: that is what it is for.
fn send(model: &mut Model, call: Call, cli: String, effects: &mut Effects) -> Result<u64, String> {
    if matches!(call, Call::SignIn { .. }) {
        let generation = model.next_generation();
        effects.push(Effect::Request { generation, call: Box::new(call) });
        return Ok(generation);
    }
    request(model, call, cli, effects).ok_or_else(|| model.notice.take().unwrap_or_default())
}

/// Opens a form.
pub(super) fn open(model: &mut Model, form: Form) {
    if !form.guided && form.kind == FormKind::Token {
        model.guided = None;
    }
    model.layer = Some(Layer::Form(form));
}
