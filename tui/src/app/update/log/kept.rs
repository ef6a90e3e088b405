//! Queries that the operator keeps, of the screen that he is on.

use tollgate_shared::api::Screen as QueryScreen;

use super::item;
use crate::app::Model;
use crate::app::layer::{Layer, LogPick, Menu, MenuItem, Prompt, PromptKind};
use crate::app::model::Screen;
use crate::app::msg::{Call, Effect, Effects};

pub(super) fn saved_menu(model: &mut Model, drops: bool) {
    let screen = kept_query(model).0;
    let saved = model.logs.saved.iter().enumerate().filter(|(_, saved)| saved.screen == screen);
    let letters = ('a'..='z').chain('A'..='Z').chain(std::iter::repeat(' '));
    // Nothing is deleted by a slip: there the mark begins on a line that is no query.
    let none = drops.then(|| item(' ', "none of them".to_owned(), LogPick::Nothing));
    let items: Vec<MenuItem> = saved
        .zip(letters)
        .map(|((place, saved), letter)| {
            let pick = if drops { LogPick::DropQuery(place) } else { LogPick::Query(place) };
            item(letter, format!("@{}  {}", saved.name, saved.q), pick)
        })
        .collect();
    let items: Vec<MenuItem> = none.filter(|_| !items.is_empty()).into_iter().chain(items).collect();
    if items.is_empty() {
        model.notice = Some("no saved queries: f types a query, .w keeps it under a name".to_owned());
        return;
    }
    let title = if drops { "DELETE which saved query" } else { "SAVED QUERIES of yours" };
    model.layer = Some(Layer::Menu(Menu { title: title.to_owned(), items, at: 0 }));
}

pub(super) fn save_prompt(model: &mut Model) {
    if kept_query(model).1.is_empty() {
        model.notice = Some("there is no query to save: f types one".to_owned());
        return;
    }
    model.layer = Some(Layer::Prompt(Prompt::new(PromptKind::SaveQuery, "")));
}

/// The query of this screen, and what it is about.
#[must_use]
pub fn kept_query(model: &Model) -> (QueryScreen, String) {
    match model.screen {
        Screen::Incidents => (QueryScreen::Incidents, model.incidents.filter.clone()),
        _ => (QueryScreen::Logs, model.logs.tail.filter.text.clone()),
    }
}

/// A change of the operator's own saved queries: also a reader's. Nothing is queued while there is no connection.
pub(super) fn request(model: &mut Model, call: Call, cli: String, effects: &mut Effects) {
    if let Err(why) = model.connection.may_change(model.heard_at, model.now) {
        model.notice = Some(why);
        return;
    }
    let generation = model.next_generation();
    model.commands.begin(cli, generation);
    super::super::undo::begin(model, &call, generation);
    effects.push(Effect::Request { generation, call: Box::new(call) });
}
