//! What the keys of the Incidents screen ask for: the query, its terms, the order.

use tollgate_shared::query::{Expr, INCIDENTS, Query};

use super::super::connection::Connection;
use super::super::incidents::terms;
use super::super::layer::{Layer, Menu, MenuItem, Pick};
use super::super::model::Model;
use super::super::msg::{Effect, Effects};

/// Enter on the query bar.
///
/// # Errors
/// The first fault of the query, in a sentence; the bar stays open then.
pub(super) fn enter(model: &mut Model, text: &str, effects: &mut Effects) -> Result<(), String> {
    Query::parse(text, &INCIDENTS).map_err(|error| error.to_string())?;
    ask(model, text.trim().to_owned(), effects);
    Ok(())
}

/// Asks the daemon with another query. Without a connection the rows stay as they are, and that is said.
pub(super) fn ask(model: &mut Model, text: String, effects: &mut Effects) {
    if model.connection != Connection::Live {
        model.notice = Some("no connection: only the rows that are here can be shown".to_owned());
        return;
    }
    model.incidents.history.remember(&text);
    (model.incidents.filter, model.incidents.filter_off) = (text, false);
    watch(model, effects);
}

/// `F`.
pub(super) fn switch_filter(model: &mut Model, effects: &mut Effects) {
    if model.incidents.filter.is_empty() {
        model.notice = Some("there is no filter: f types one".to_owned());
        return;
    }
    model.incidents.filter_off = !model.incidents.filter_off;
    watch(model, effects);
}

fn watch(model: &mut Model, effects: &mut Effects) {
    effects.push(Effect::WatchIncidents { query: model.incidents.query().to_owned() });
}

/// `=` and `!`: a menu of the row's values.
pub(super) fn narrow(model: &mut Model, only: bool) {
    let Some(row) = model.incidents.selected() else {
        model.notice = Some("no incident is marked".to_owned());
        return;
    };
    let items = terms::values(row).into_iter().enumerate().map(|(place, (letter, terms))| MenuItem {
        letter,
        words: if only { terms.only } else { terms.not },
        cli: String::new(),
        pick: Pick::Incident { place, only },
        refused: None,
    });
    let title = if only { "ONLY incidents with" } else { "NOT incidents with" };
    model.layer = Some(Layer::Menu(Menu { title: title.to_owned(), items: items.collect(), at: 0 }));
}

/// A value of that menu becomes part of the query.
pub(super) fn add(model: &mut Model, place: usize, only: bool, effects: &mut Effects) {
    let Some(terms) = model.incidents.selected().and_then(|row| terms::values(row).into_iter().nth(place)) else {
        return;
    };
    let term = if only { terms.1.only } else { terms.1.not };
    let wanted = match model.incidents.query() {
        "" => term,
        text => format!("{} {term}", grouped(text)),
    };
    match Query::parse(&wanted, &INCIDENTS) {
        Ok(query) => ask(model, query.to_string(), effects),
        Err(error) => model.notice = Some(format!("not added: {error}")),
    }
}

/// The text so that another term may stand beside it.
fn grouped(text: &str) -> String {
    let is_or = Query::parse(text, &INCIDENTS).is_ok_and(|query| matches!(query.expr(), Some(Expr::Or(_))));
    if is_or { format!("({text})") } else { text.to_owned() }
}
