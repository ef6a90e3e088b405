//! The keys of the palette, and going to what was found.

use tollgate_shared::api::Screen as QueryScreen;
use tollgate_shared::id::TokenId;

use super::super::action::Action;
use super::super::key::{Code, Key};
use super::super::layer::Layer;
use super::super::model::{Model, Screen};
use super::super::msg::Effects;
use super::super::palette::{Palette, Target};
use super::super::requests::RequestsTab;
use super::{act, incidents, log};

/// Finds that a page scrolls.
const PAGE: isize = 10;

pub(super) fn open(model: &mut Model) {
    model.layer = Some(Layer::Palette(Box::new(Palette::open(model))));
}

pub(super) fn key(model: &mut Model, key: Key, effects: &mut Effects) {
    let Some(Layer::Palette(palette)) = &mut model.layer else { return };
    match (key.code, key.ctrl) {
        (Code::Esc, _) | (Code::Char('c'), true) => model.layer = None,
        (Code::Backspace, _) if palette.field.is_empty() => model.layer = None,
        (Code::Down | Code::Tab, _) | (Code::Char('n'), true) => palette.step(1),
        (Code::Up | Code::BackTab, _) | (Code::Char('p'), true) => palette.step(-1),
        (Code::PageDown, _) => palette.step(PAGE),
        (Code::PageUp, _) => palette.step(-PAGE),
        (Code::Enter, _) => {
            let chosen = palette.chosen().map(|found| found.target.clone());
            model.layer = None;
            if let Some(target) = chosen {
                go(model, target, effects);
            }
        }
        _ => {
            if palette.field.key(key) {
                look(model);
            }
        }
    }
}

/// Looks again, after the line changed.
pub(super) fn look(model: &mut Model) {
    let Some(Layer::Palette(mut palette)) = model.layer.take() else { return };
    palette.look(model);
    model.layer = Some(Layer::Palette(palette));
}

fn go(model: &mut Model, target: Target, effects: &mut Effects) {
    match target {
        Target::Action(action) => act::act(model, action, effects),
        Target::Token(id) => go_to_token(model, id, effects),
        Target::Node(id) => go_to_node(model, &id, effects),
        Target::Workflow(id) => {
            act::act(model, Action::Go(Screen::Requests), effects);
            model.requests.tab = RequestsTab::Workflows;
            let at = model.requests.workflows.iter().position(|row| row.id.to_string() == id);
            at.into_iter().for_each(|at| model.requests.go(at));
        }
        Target::Operator(id) => {
            act::act(model, Action::Go(Screen::Operators), effects);
            let at = model.operators.rows.iter().position(|row| row.id == id);
            at.into_iter().for_each(|at| model.operators.go(at));
        }
        Target::Query(screen, q) => ask(model, screen, q, effects),
    }
}

/// Goes to a token; a filter that hides it is switched off.
pub(super) fn go_to_token(model: &mut Model, id: TokenId, effects: &mut Effects) {
    act::act(model, Action::Go(Screen::Tokens), effects);
    let place =
        |model: &Model| (0..model.tokens.shown.len()).find(|at| model.tokens.row(*at).is_some_and(|row| row.id == id));
    let mut at = place(model);
    if at.is_none() && model.tokens.filter_on && !model.tokens.filter.is_empty() {
        act::act(model, Action::FilterSwitch, effects);
        model.notice = Some("the filter hid it, so it is off; F brings it back".to_owned());
        at = place(model);
    }
    match at {
        Some(at) => model.tokens.go(at),
        None => model.notice = Some(format!("{id} is not among the tokens here")),
    }
}

fn go_to_node(model: &mut Model, id: &str, effects: &mut Effects) {
    act::act(model, Action::Go(Screen::Services), effects);
    model.services.unfold(id);
    let at = model.services.nodes.iter().position(|node| node.id() == id);
    at.into_iter().for_each(|at| model.services.go(at));
}

/// A kept query, on the screen that it is about.
fn ask(model: &mut Model, screen: QueryScreen, q: String, effects: &mut Effects) {
    match screen {
        QueryScreen::Logs => {
            act::act(model, Action::Go(Screen::Log), effects);
            log::ask(model, q, effects);
        }
        QueryScreen::Incidents => {
            act::act(model, Action::Go(Screen::Incidents), effects);
            incidents::ask(model, q, effects);
        }
        QueryScreen::Tokens => {
            act::act(model, Action::Go(Screen::Tokens), effects);
            super::layers::set_filter(model, &q);
            super::watch_revoked(model, effects);
        }
        QueryScreen::Audit => act::act(model, Action::Go(Screen::Audit), effects),
    }
}

/// A command with a query behind it, `tokens zabbix`: the screen, with the query asked.
///
/// # Errors
/// What is wrong with the query.
pub(super) fn command(model: &mut Model, screen: Screen, text: &str, effects: &mut Effects) -> Result<(), String> {
    let about = match screen {
        Screen::Log => {
            super::super::query::LogFilter::parse(text).map_err(|error| error.to_string())?;
            QueryScreen::Logs
        }
        Screen::Incidents => {
            let query = tollgate_shared::query::Query::parse(text, &tollgate_shared::query::INCIDENTS);
            query.map_err(|error| error.to_string())?;
            QueryScreen::Incidents
        }
        _ => QueryScreen::Tokens,
    };
    ask(model, about, text.to_owned(), effects);
    Ok(())
}
