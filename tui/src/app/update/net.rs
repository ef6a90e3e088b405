//! What the client task says.

use super::super::commands::CommandState;
use super::super::connection::Connection;
use super::super::layer::Layer;
use super::super::model::{Model, Screen};
use super::super::msg::{Dirty, Effect, Effects, Failure, Net, Reply, Slot};
use super::super::tail::{Page, Tail};
use super::{changes, follow_log, log};

pub(super) fn net(model: &mut Model, net: Net, effects: &mut Effects) {
    if heard(&net) {
        model.heard_at = Some(model.now);
    }
    effects.touch(Dirty::Stream);
    match net {
        Net::Connected(status) => connected(model, status, effects),
        Net::Lost { why, tried, attempt, retry_in_secs } => {
            let next = model.now.plus_secs(retry_in_secs.into());
            model.connection = Connection::Reconnecting { attempt, next, why, tried };
            effects.touch(Dirty::Input);
        }
        Net::Incompatible { ours, theirs } => model.connection = Connection::Incompatible { ours, theirs },
        Net::Denied { why, remedy } => model.connection = Connection::Denied { why, remedy },
        Net::Alive => {
            // The sign of life itself is not on the screen.
            effects.dirty = None;
        }
        Net::Status(status) => model.status = Some(status),
        Net::Tokens(tokens) => {
            let gone = model.tokens.replace(tokens, model.now);
            model.tokens.note_worst(model.now);
            if let Some(name) = gone {
                model.notice = Some(format!("{name} is gone; the mark is on another row now"));
            }
        }
        Net::Token(token) => {
            model.tokens.refresh(*token);
            model.tokens.note_worst(model.now);
        }
        Net::Incidents { open, resolved, more } => {
            model.incidents.replace(open, resolved, more);
            refresh_story(model, effects);
        }
        Net::Organisation { teams, services, filters } => model.services.replace(teams, services, filters),
        Net::Presets(presets) => model.services.presets = presets,
        Net::Refused(rows) => model.logs.take_refused(rows),
        Net::Tail { slot, generation, items } => tail(model, slot, generation, items),
        Net::TailEnded { slot, generation, refused } => tail_ended(model, slot, generation, refused, effects),
        Net::Rows { number, result } => log::rows(model, number, result, effects),
        Net::Counts { number, result } => log::counts(model, number, result),
        Net::Saved(saved) => model.logs.saved = saved,
        Net::Incident(incident) => model.incidents.refresh(*incident),
        Net::Done { generation, result } => done(model, generation, result, effects),
        Net::NotSent { generation } => {
            let words = "too much is under way: nothing was sent, try again".to_owned();
            done(model, generation, Err(Failure { words, fields: Vec::new() }), effects);
        }
    }
}

/// True for what only a living daemon can have said.
fn heard(net: &Net) -> bool {
    !matches!(
        net,
        Net::Lost { .. } | Net::Incompatible { .. } | Net::Denied { .. } | Net::NotSent { .. } | Net::Done { .. }
    )
}

fn connected(model: &mut Model, status: Box<tollgate_shared::api::StatusView>, effects: &mut Effects) {
    model.connection = Connection::Live;
    // What was said of the lost connection is not true any more.
    model.notice = None;
    // A log that is shorter than what is shown is another log, or lost its end: nothing in it can be gone on from.
    let same_log = status.log.last_seq.unwrap_or(0) >= model.logs.tail.last_seq();
    model.status = Some(status);
    effects.touch(Dirty::Input);
    let filter = model.logs.tail.filter.clone();
    if !(same_log && model.logs.tail.is_over) {
        follow_log(model, filter, same_log, effects);
    }
    if model.logs.tab == super::super::logs::LogTab::Refused && model.screen == Screen::Log {
        effects.push(Effect::WatchRefused(true));
    }
    // The token's own calls go on where they were; `settle` asks only where the token changed.
    if model.tokens.calls.filter.token.is_some() {
        let generation = model.next_generation();
        let calls = &mut model.tokens.calls;
        calls.generation = generation;
        if !same_log {
            calls.ask(calls.filter.clone(), generation);
        }
        let (filter, after) = (calls.filter.clone(), calls.after());
        effects.push(Effect::Follow { slot: Slot::Token, generation, filter, after, last: super::CALLS_LAST });
    }
}

/// The marked incident changed, so its story is old.
fn refresh_story(model: &mut Model, effects: &mut Effects) {
    let Some(row) = model.incidents.selected() else { return };
    let old =
        model.incidents.story.as_ref().is_some_and(|story| story.head.id == row.head.id && story.head != row.head);
    if old && model.screen == Screen::Incidents {
        effects.push(Effect::FetchIncident { incident: row.head.id.to_string() });
    }
}

fn slot(model: &mut Model, slot: Slot) -> &mut Tail {
    match slot {
        Slot::Log => &mut model.logs.tail,
        Slot::Token => &mut model.tokens.calls,
    }
}

fn tail(model: &mut Model, at: Slot, generation: u64, items: Vec<tollgate_shared::log::TailItem>) {
    let some = !items.is_empty();
    let tail = slot(model, at);
    if tail.generation == generation {
        tail.take(items);
        if some && at == Slot::Log {
            model.logs.strip.spoil(false);
        }
    }
}

fn tail_ended(model: &mut Model, at: Slot, generation: u64, refused: Option<String>, effects: &mut Effects) {
    let number = model.next_generation();
    let tail = slot(model, at);
    if tail.generation != generation {
        return;
    }
    if refused.is_some() && at == Slot::Log && tail.filter.asked("").is_some() {
        // Perhaps nothing that is still to come can fit: then the rows that are there can be read all the same.
        return log::fetch(model, Page::Newest, effects);
    }
    tail.loaded = true;
    tail.refused = refused;
    if tail.refused.is_none() {
        tail.generation = number;
        let (filter, after) = (tail.filter.clone(), tail.after());
        let last = if at == Slot::Log { super::LOG_LAST } else { super::CALLS_LAST };
        effects.push(Effect::Follow { slot: at, generation: number, filter, after, last });
    }
}

fn done(model: &mut Model, generation: u64, result: Result<Reply, Failure>, effects: &mut Effects) {
    effects.touch(Dirty::Input);
    match result {
        Ok(reply) => {
            model.commands.end(generation, CommandState::Done(model.now));
            changes::succeeded(model, generation, reply, effects);
        }
        Err(failure) => {
            model.commands.end(generation, CommandState::Failed(failure.words.clone()));
            failed(model, generation, &failure);
        }
    }
}

/// The dialog that asked stays open and says why.
fn failed(model: &mut Model, generation: u64, failure: &Failure) {
    let fields: Vec<_> = failure.fields.iter().map(|(path, words)| format!("{path}: {words}")).collect();
    let words = if fields.is_empty() { failure.words.clone() } else { fields.join("; ") };
    match &mut model.layer {
        Some(Layer::Form(form)) if form.pending == Some(generation) => {
            form.pending = None;
            form.error = Some(words);
        }
        Some(Layer::Danger(danger)) if danger.pending == Some(generation) => {
            danger.pending = None;
            danger.error = Some(words);
        }
        Some(Layer::Secret(dialog)) => dialog.notice = Some(words),
        _ => model.notice = Some(words),
    }
}
