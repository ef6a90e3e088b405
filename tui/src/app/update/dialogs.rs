//! How dialogs come up.

use std::sync::Arc;

use super::super::action::Action;
use super::super::detail;
use super::super::first::{self, Step, Trying};
use super::super::forms::Form;
use super::super::hosts;
use super::super::keymap::{self, Place};
use super::super::layer::{Layer, Menu, MenuItem, Pick};
use super::super::model::{Model, Screen};
use super::super::msg::{Call, Effect, Effects};
use super::super::rights;
use super::super::services::Node;
use super::super::tokens::{PaneTab, recent};
use super::super::words;
use super::changes;
use tollgate_shared::api::{FilterView, TokenView};
use tollgate_shared::debug_cost::DebugCost;

/// All actions on what is marked, with letter, reason and command line.
pub(super) fn action_menu(model: &Model) -> Menu {
    let object = object(model);
    let items = keymap::menu(Place::of(model)).map(|entry| {
        let info = entry.action.info();
        MenuItem {
            letter: entry.letter,
            words: info.help.to_owned(),
            cli: if info.danger == super::super::action::Danger::None {
                String::new()
            } else {
                cli(model, entry.action)
            },
            pick: Pick::Action(entry.action),
            refused: model.may(entry.action).err(),
        }
    });
    Menu { title: format!("ALL ACTIONS {object}"), items: items.collect(), at: 0 }
}

/// What is marked, in words.
fn object(model: &Model) -> String {
    if model.marks() > 0 {
        return format!("on {} marked", model.marks());
    }
    match model.screen {
        Screen::Tokens => model.tokens.selected().map(|token| format!("on {}", token.name)),
        Screen::Log => model.logs.tail.selected_row().map(|row| format!("on row {}", row.seq)),
        Screen::Incidents => model.incidents.selected().map(|row| format!("on {}", row.head.title)),
        Screen::Services => model.services.selected().map(|node| format!("on {}", node.name())),
        Screen::Requests => {
            let workflow = model.requests.selected_workflow().map(|row| format!("on {}", row.full_name));
            workflow.or_else(|| model.requests.selected().map(|row| format!("on {}", row.id)))
        }
        Screen::Operators => model.operators.selected().map(|row| format!("on {}", row.name)),
        Screen::Audit => model.audit.selected().map(|row| format!("on row {}", row.seq)),
        Screen::Status => None,
    }
    .unwrap_or_default()
}

/// The command that an action is equal to, for what is marked.
#[must_use]
pub(super) fn cli(model: &Model, action: Action) -> String {
    let token = model.marked_token().map(|token| words::shell(&token.name));
    let operator = model.operators.selected().map(|row| words::shell(&row.name));
    let node = model.services.selected();
    let incident = model.incidents.selected().map(|row| row.head.id.to_string());
    let object = match action {
        Action::Acknowledge | Action::Unacknowledge | Action::Resolve => incident,
        Action::RetryRequest | Action::CancelRequest => model.requests.selected().map(|row| row.id.to_string()),
        Action::SwitchWorkflow => model.requests.selected_workflow().map(|row| words::shell(&row.full_name)),
        Action::EditFilter | Action::Remove | Action::Switch => {
            node.as_ref().map(|node| words::shell(&node.full_name()))
        }
        Action::EditOperator
        | Action::RemoveOperator
        | Action::DisableOperator
        | Action::Passphrase
        | Action::DropPassphrase => operator,
        _ => token,
    };
    // The dialog names all of them.
    let object = object.filter(|_| model.marks() == 0 || !rights::is_of_rows(action));
    let line = action.info().cli.replace("{}", object.as_deref().unwrap_or("TOKEN"));
    match action {
        Action::Debug if is_on(model) => line.replace(" on", " off"),
        Action::SwitchWorkflow if model.requests.selected_workflow().is_some_and(|row| !row.spec.enabled) => {
            line.replace("disable", "enable")
        }
        Action::Remove => line.replace("filter", node.map_or("filter", Node::kind)),
        Action::Switch => {
            let line = line.replace("service", node.map_or("service", Node::kind));
            if node.is_some_and(|node| !node.is_on()) { line.replace("disable", "enable") } else { line }
        }
        _ => line,
    }
}

/// `A`: what belongs to the place. While the first path was not gone to its end: where it was left.
pub(super) fn add(model: &mut Model) {
    match (model.screen, first::next(model)) {
        (_, Some(Step::Team)) => go_on(model, Step::Team),
        (Screen::Services, step) => add_menu(model, step.as_ref()),
        (Screen::Tokens, step @ Some(Step::Call(_))) => add_menu(model, step.as_ref()),
        (_, Some(step)) => go_on(model, step),
        (Screen::Tokens, None) => add_token(model),
        _ => model.notice = Some("senders fill this list: nothing is added here by hand".to_owned()),
    }
}

/// What can be added here, with the mark on what the first path wants next.
fn add_menu(model: &mut Model, step: Option<&Step>) {
    let mut menu = action_menu(model);
    menu.title = step.map_or_else(|| "ADD".to_owned(), |step| format!("ADD   {}", step.words()));
    menu.items.retain(|item| matches!(item.pick, Pick::Action(action) if adds(action)));
    let wanted = match step {
        Some(Step::Service(_)) => Action::AddService,
        Some(Step::Filter(_)) => Action::AddFilter,
        Some(Step::Token(_)) => Action::AddToken,
        Some(Step::Call(_)) => Action::Sample,
        _ => Action::AddTeam,
    };
    menu.at = menu.items.iter().position(|item| item.pick == Pick::Action(wanted)).unwrap_or(0);
    model.layer = Some(Layer::Menu(menu));
}

fn adds(action: Action) -> bool {
    let objects = matches!(action, Action::AddTeam | Action::AddService | Action::AddFilter | Action::AddToken);
    objects || matches!(action, Action::WriteFilter | Action::Sample)
}

/// The form of a step of the first path.
pub(super) fn go_on(model: &mut Model, step: Step) {
    let made = &model.services;
    let mut path = model.guided.clone().unwrap_or_default();
    let mut form = match step {
        Step::Team => Form::team(),
        Step::Service(team) => Form::service(&made.teams, Some(&team)),
        Step::Filter(service) => {
            Form::filter(&made.services, &made.presets, Some(&service)).asking_who_sends(model.status.as_deref())
        }
        Step::Token(service) => {
            if path.preset.is_empty() {
                path.preset =
                    preset_here(model, |filter| filter.service.name == service).unwrap_or_default().to_owned();
            }
            let scope = format!("service:{service}");
            let form = Form::token(&made.teams, &made.services, Some(&scope), model.me.as_ref());
            // Whoever goes on here was not asked, or not in this session.
            if path.others.is_none() { form.asking_who_sends(model.status.as_deref()) } else { form }
        }
        Step::Call(token) => return sample_of(model, &token),
    };
    form.guided = true;
    model.guided = Some(path);
    changes::open(model, form);
}

/// The preset of the first such filter that is one still.
fn preset_here(model: &Model, fits: impl Fn(&FilterView) -> bool) -> Option<&'static str> {
    let filters = model.services.filters.iter();
    filters.filter(|filter| fits(filter)).find_map(|filter| first::preset_of(&filter.spec))
}

/// A sample alert with the secret of a token: the marked one, or the newest while none was used.
pub(super) fn sample(model: &mut Model) {
    let newest = match first::next(model) {
        Some(Step::Call(token)) => Some(token),
        _ => None,
    };
    match model.marked_token().cloned().or(newest) {
        Some(token) => sample_of(model, &token),
        None => model.notice = Some("no token is marked".to_owned()),
    }
}

fn sample_of(model: &mut Model, token: &TokenView) {
    let scope = &token.scope;
    let fits = |filter: &FilterView| match scope.kind.as_str() {
        "service" => filter.service.name == scope.name,
        "team" => filter.service.name.split('/').next() == Some(scope.name.as_str()),
        _ => true,
    };
    let to = Trying::of(token, model.status.as_deref());
    let form = Form::sample(to, &model.services.presets, preset_here(model, fits));
    changes::open(model, form);
}

/// The editor of the marked filter; in the log of the one that took the marked call, or came nearest.
pub(super) fn edit_filter(model: &mut Model) {
    let node = model.services.selected();
    let filter = match (model.screen, node) {
        (Screen::Log, _) => nearest(model),
        (_, Some(Node::Filter(filter))) => Some(Arc::clone(filter)),
        _ => None,
    };
    match filter {
        Some(filter) => changes::open(model, Form::edit_filter(&filter)),
        None => model.notice = Some("no filter to edit here: mark one on screen 5".to_owned()),
    }
}

fn nearest(model: &Model) -> Option<Arc<FilterView>> {
    let explain = model.logs.tail.selected_row()?.explain.as_ref()?;
    let id = &explain.matched.iter().chain(&explain.nearest_misses).next()?.filter_id;
    model.services.filters.iter().find(|filter| filter.id.to_string() == *id).cloned()
}

pub(super) fn add_one(model: &mut Model, action: Action) {
    let services = &model.services;
    let form = match action {
        Action::AddTeam => Form::team(),
        Action::AddService => {
            let team = services.selected_team().map(|team| team.name.clone());
            Form::service(&services.teams, team.as_deref())
        }
        Action::AddFilter => {
            let service = services.selected_service().map(|service| format!("{}/{}", service.team.name, service.name));
            Form::filter(&services.services, &services.presets, service.as_deref())
        }
        Action::WriteFilter => {
            let service = services.selected_service().map(|service| format!("{}/{}", service.team.name, service.name));
            Form::write_filter(&services.services, service.as_deref())
        }
        _ => return add_token(model),
    };
    changes::open(model, form);
}

fn add_token(model: &mut Model) {
    let services = &model.services;
    let on_services = model.screen == Screen::Services;
    let service = services.selected_service().map(|service| format!("service:{}/{}", service.team.name, service.name));
    let team = services.selected_team().map(|team| format!("team:{}", team.name));
    let scope = service.or(team).filter(|_| on_services);
    let form = Form::token(&services.teams, &services.services, scope.as_deref(), model.me.as_ref());
    changes::open(model, form);
}

/// The forms about operators.
pub(super) fn person(model: &mut Model, action: Action) {
    let marked = model.operators.selected().cloned();
    let form = match (action, &marked) {
        (Action::AddOperator, _) => Form::operator(),
        (_, None) => {
            model.notice = Some("no operator is marked".to_owned());
            return;
        }
        (Action::EditOperator, Some(operator)) => Form::edit_operator(operator),
        (_, Some(operator)) => Form::passphrase(operator),
    };
    changes::open(model, form);
}

pub(super) fn sign_in(model: &mut Model) {
    let name = model.signed_in.clone().unwrap_or_default();
    changes::open(model, Form::sign_in(&name));
}

fn needs_token(model: &mut Model) -> Option<Arc<TokenView>> {
    let token = model.marked_token().cloned();
    if token.is_none() {
        model.notice = Some("no token is marked".to_owned());
    }
    token
}

pub(super) fn edit(model: &mut Model) {
    if let Some(token) = needs_token(model) {
        let form = Form::edit(&token, model.me.as_ref(), model.now);
        changes::open(model, form);
    }
}

/// The edit form with the addresses that were let in so far.
pub(super) fn allowlist(model: &mut Model, effects: &mut Effects) {
    let Some(token) = needs_token(model) else { return };
    let Some(evidence) = model.tokens.evidence_of(&token) else {
        effects.push(Effect::FetchEvidence { token: token.id.to_string() });
        model.tokens.tab = PaneTab::Hosts;
        model.notice = Some("asking which addresses it came from; .p again then".to_owned());
        return;
    };
    let seen = detail::token::seen(evidence).join(" ");
    if seen.is_empty() {
        model.notice = Some("no call was let in yet, so there is nothing to propose".to_owned());
        return;
    }
    let mut form = Form::edit(&token, model.me.as_ref(), model.now);
    form.propose(&seen);
    changes::open(model, form);
}

pub(super) fn limit(model: &mut Model) {
    if let Some(token) = needs_token(model) {
        let form = Form::limit(&token, model.now);
        changes::open(model, form);
    }
}

/// The hosts are those that are known; one that is not can be typed.
pub(super) fn block(model: &mut Model, effects: &mut Effects) {
    let Some(token) = needs_token(model) else { return };
    let Some(evidence) = model.tokens.evidence_of(&token) else {
        effects.push(Effect::FetchEvidence { token: token.id.to_string() });
        model.tokens.tab = PaneTab::Hosts;
        model.notice = Some("asking which addresses it came from; .b again then".to_owned());
        return;
    };
    let marked = hosts::marked(model).map(|row| row.net.as_str());
    let form = Form::block(&token, &evidence.sources, marked, model.now);
    changes::open(model, form);
}

fn is_on(model: &Model) -> bool {
    model.marked_token().and_then(|token| token.debug_until).is_some_and(|until| until > model.now)
}

/// Debug is immediate: the same key takes it back. Of a token that floods the question comes first, with what it costs.
pub(super) fn debug(model: &mut Model, effects: &mut Effects) {
    let on = !is_on(model);
    let Some(token) = needs_token(model) else { return };
    if on && DebugCost::of(recent(&token, model.now)).is_asked() {
        return super::danger::log_calls(model, token);
    }
    let switch = if on { "on" } else { "off" };
    let cli = format!("tollgate token debug {} {switch}", words::shell(&token.name));
    changes::request(model, Call::Debug { token: token.id.to_string(), on, one_in: None }, cli, effects);
}

pub(super) fn acknowledge(model: &mut Model, action: Action, effects: &mut Effects) {
    let Some(incident) = model.incidents.selected().map(|row| row.head.id.to_string()) else {
        model.notice = Some("no incident is marked".to_owned());
        return;
    };
    let cli = cli(model, action);
    let call = match action {
        Action::Acknowledge => Call::Acknowledge { incident },
        _ => Call::Unacknowledge { incident },
    };
    changes::request(model, call, cli, effects);
}

pub(super) fn resolve(model: &mut Model) {
    match model.incidents.selected().map(|row| row.head.id.to_string()) {
        Some(incident) => changes::open(model, Form::resolve(incident)),
        None => model.notice = Some("no incident is marked".to_owned()),
    }
}
