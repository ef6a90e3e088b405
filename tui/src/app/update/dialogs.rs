//! How dialogs come up.

use std::sync::Arc;

use super::super::action::Action;
use super::super::danger::{Danger, Deed};
use super::super::forms::Form;
use super::super::keymap::{self, Place};
use super::super::layer::{Layer, Menu, MenuItem, Pick};
use super::super::model::{Model, Screen};
use super::super::msg::{Call, Effects};
use super::super::words;
use super::changes;
use tollgate_shared::api::TokenView;

/// All actions on what is marked, with letter, reason and command line.
pub(super) fn action_menu(model: &Model) -> Menu {
    let refused = model.may_change().err();
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
            refused: refused.clone().filter(|_| entry.action.changes()),
        }
    });
    Menu { title: format!("ALL ACTIONS {object}"), items: items.collect(), at: 0 }
}

/// What is marked, in words.
fn object(model: &Model) -> String {
    match model.screen {
        Screen::Tokens => model.tokens.selected().map(|token| format!("on {}", token.name)),
        Screen::Log => model.logs.tail.selected_row().map(|row| format!("on row {}", row.seq)),
        Screen::Incidents => model.incidents.selected().map(|row| format!("on {}", row.head.title)),
        Screen::Services => model.services.selected().map(|node| format!("on {}", node.name())),
        Screen::Status => None,
    }
    .unwrap_or_default()
}

/// The command that an action is equal to, for what is marked.
#[must_use]
pub(super) fn cli(model: &Model, action: Action) -> String {
    let token = token_of(model).map(|token| words::shell(&token.name));
    let incident = model.incidents.selected().map(|row| row.head.id.to_string());
    let object = match action {
        Action::Acknowledge | Action::Unacknowledge | Action::Resolve => incident,
        _ => token,
    };
    let line = action.info().cli.replace("{}", object.as_deref().unwrap_or("TOKEN"));
    match action {
        Action::Debug if is_on(model) => line.replace(" on", " off"),
        _ => line,
    }
}

/// `A`: what belongs to the place; on an empty registry the first path.
pub(super) fn add(model: &mut Model) {
    if model.is_empty_registry() {
        let mut form = Form::team();
        form.guided = true;
        model.guided = true;
        return changes::open(model, form);
    }
    if model.screen == Screen::Tokens {
        return add_token(model);
    }
    let mut menu = action_menu(model);
    menu.title = "ADD".to_owned();
    menu.items.retain(|item| matches!(item.pick, Pick::Action(action) if action.changes()));
    model.layer = Some(Layer::Menu(menu));
}

pub(super) fn add_token(model: &mut Model) {
    let services = &model.services;
    let on_services = model.screen == Screen::Services;
    let service = services.selected_service().map(|service| format!("service:{}/{}", service.team.name, service.name));
    let team = services.selected_team().map(|team| format!("team:{}", team.name));
    let scope = service.or(team).filter(|_| on_services);
    let form = Form::token(&services.teams, &services.services, scope.as_deref());
    changes::open(model, form);
}

/// The token that an action means: the marked one, or the marked call's.
fn token_of(model: &Model) -> Option<&Arc<TokenView>> {
    match model.screen {
        Screen::Log => model.tokens.by_id(model.logs.tail.selected_row()?.token),
        _ => model.tokens.selected(),
    }
}

fn needs_token(model: &mut Model) -> Option<Arc<TokenView>> {
    let token = token_of(model).cloned();
    if token.is_none() {
        model.notice = Some("no token is marked".to_owned());
    }
    token
}

pub(super) fn edit(model: &mut Model) {
    if let Some(token) = needs_token(model) {
        changes::open(model, Form::edit(&token));
    }
}

fn is_on(model: &Model) -> bool {
    token_of(model).and_then(|token| token.debug_until).is_some_and(|until| until > model.now)
}

/// Debug is immediate: the same key takes it back.
pub(super) fn debug(model: &mut Model, effects: &mut Effects) {
    let on = !is_on(model);
    let Some(token) = needs_token(model) else { return };
    let switch = if on { "on" } else { "off" };
    let cli = format!("tollgate token debug {} {switch}", words::shell(&token.name));
    changes::request(model, Call::Debug { token: token.id.to_string(), on }, cli, effects);
}

pub(super) fn danger(model: &mut Model, deed: Deed) {
    if let Some(token) = needs_token(model) {
        let open = model.incidents.open_by(token.id);
        model.layer = Some(Layer::Danger(Danger::new(deed, token, open)));
    }
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
