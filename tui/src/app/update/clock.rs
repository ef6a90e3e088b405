//! Time passes: the screen changes only where a text on it does.

use tollgate_shared::time::Timestamp;

use super::super::connection::{Connection, DELAYED_AFTER_SECS};
use super::super::layer::Layer;
use super::super::model::{Model, Screen};
use super::super::msg::{Dirty, Effects};
use super::super::tail::Entry;
use super::super::times::Form;
use super::super::tokens::quiet_at;
use super::super::words::age_changes_in;

pub(super) fn tick(model: &mut Model, before: Timestamp, effects: &mut Effects) {
    super::lock::tick(model, effects);
    if let Some(Layer::Secret(dialog)) = &mut model.layer
        && dialog.tick(model.now)
    {
        effects.touch(Dirty::Input);
    }
    if next_change(model, before).is_some_and(|at| at <= model.now) {
        effects.touch(Dirty::Clock);
    }
}

/// When a relative time on the screen changes its text next, seen from `from`.
#[must_use]
pub fn next_change(model: &Model, from: Timestamp) -> Option<Timestamp> {
    let minute = from.plus_secs(60 - from.as_secs().rem_euclid(60));
    let badge = match (&model.connection, model.heard_at) {
        (Connection::Reconnecting { .. }, _) => Some(from.plus_secs(1)),
        (Connection::Live, Some(at)) => Some(at.plus_secs(DELAYED_AFTER_SECS + 1).max(from.plus_secs(1))),
        _ => None,
    };
    let secret = match &model.layer {
        Some(Layer::Secret(dialog)) if !dialog.hidden => {
            Some(dialog.shown_at.plus_secs(super::super::secret::HIDDEN_AFTER_SECS))
        }
        _ => None,
    };
    let waits = match &model.layer {
        Some(Layer::Form(form)) => form.wait_until,
        _ => model.lock.as_ref().and_then(|lock| lock.wait_until),
    };
    let countdown = waits.filter(|until| *until >= from).map(|_| from.plus_secs(1));
    let undo = match &model.layer {
        Some(Layer::Undo { .. }) => model.undo.iter().map(|one| change_of(one.at, from)).min(),
        _ => None,
    };
    [Some(minute), badge, secret, countdown, undo, super::lock::due(model), ages(model, from)]
        .into_iter()
        .flatten()
        .min()
}

/// When the age of a moment changes its text.
fn change_of(at: Timestamp, from: Timestamp) -> Timestamp {
    from.plus_secs(age_changes_in(from.secs_since(at)))
}

/// The next change among the ages of the visible rows.
fn ages(model: &Model, from: Timestamp) -> Option<Timestamp> {
    let rows = usize::from(model.layout().list.height);
    let change = |at: Timestamp| change_of(at, from);
    match model.screen {
        Screen::Tokens => {
            let visible = (model.tokens.cursor.top..).take(rows).map_while(|at| model.tokens.row(at));
            let used = visible.clone().filter_map(|token| token.usage.last_use.as_ref()).map(|last| change(last.at));
            used.chain(visible.filter_map(|token| quiet_at(token)).filter(|at| *at > from)).min()
        }
        Screen::Incidents => {
            let visible = model.incidents.rows.iter().skip(model.incidents.cursor.top).take(rows);
            visible.map(|row| change(row.head.last_seen)).min()
        }
        Screen::Operators => {
            let visible = model.operators.rows.iter().skip(model.operators.cursor.top).take(rows);
            visible.filter_map(|row| row.last_seen).map(change).min()
        }
        Screen::Requests => {
            let visible = model.requests.rows.iter().skip(model.requests.cursor.top).take(rows);
            visible.map(|row| change(row.created_at)).min()
        }
        Screen::Log if model.times.form == Form::Ago => {
            let tail = &model.logs.tail;
            let visible = tail.entries.iter().skip(tail.cursor.top).take(rows);
            let calls = visible.filter_map(|entry| match entry {
                Entry::Row(row) => Some(change(row.at())),
                Entry::Gap(_) => None,
            });
            let refused = model.logs.refused.iter().skip(model.logs.refused_cursor.top).take(rows);
            calls.chain(refused.map(|row| change(row.at))).min()
        }
        Screen::Audit if model.times.form == Form::Ago => {
            let visible = model.audit.rows.iter().skip(model.audit.cursor.top).take(rows);
            visible.map(|row| change(row.at)).min()
        }
        Screen::Log | Screen::Services | Screen::Audit | Screen::Status => None,
    }
}
