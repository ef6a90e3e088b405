//! What the client task says.

use super::super::audit::Chain;
use super::super::commands::CommandState;
use super::super::connection::Connection;
use super::super::danger::Deed;
use super::super::held::HeldItem;
use super::super::layer::Layer;
use super::super::model::{Model, Screen};
use super::super::msg::{AuditPage, Dirty, Effect, Effects, Failure, FailureKind, Net, Reply, Slot};
use super::super::status::{self, Cards};
use super::super::tail::{Page, Tail};
use super::{changes, identify, log, resume, trial, undo};
use tollgate_shared::api::{HourView, StatusView, TalkersView, TokenView};

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
        Net::Status(status) => new_status(model, status, effects),
        Net::Hour(answer) => hour(model, answer, effects),
        Net::Talkers(talkers) => told_talkers(model, talkers, effects),
        Net::Tokens(tokens) => {
            let gone = model.tokens.replace(tokens, model.now);
            note_tokens(model);
            if let Some(name) = gone {
                model.notice = Some(format!("{name} is gone; the mark is on another row now"));
            }
        }
        Net::Token(token) => {
            meet(model, &token);
            model.tokens.refresh(*token);
            note_tokens(model);
        }
        Net::Incidents { query, open, resolved, more } => {
            model.incidents.replace(&query, open, resolved, more);
            refresh_story(model, effects);
        }
        Net::IncidentsRefused { query, why } => model.incidents.refuse(&query, why),
        Net::Maintenances(maintenances) => model.maintenances = maintenances,
        Net::Organisation { teams, services, filters } => {
            model.services.replace(teams, services, filters);
            meet_filter(model);
            changes::catch_up(model);
        }
        Net::Tried { generation, result } => trial::tried(model, generation, result),
        Net::TriedOver { generation, item } => trial::told(model, generation, item),
        Net::Requests { rows, more, workflows } => model.requests.replace(rows, more, workflows),
        Net::Request(request) => model.requests.refresh(*request),
        Net::Presets(presets) => model.services.presets = presets,
        Net::Refused(rows) => model.logs.take_refused(rows),
        Net::Tail { slot, generation, items } => tail(model, slot, generation, items),
        Net::TailEnded { slot, generation, refused } => tail_ended(model, slot, generation, refused, effects),
        Net::Rows { number, result } => log::rows(model, number, result, effects),
        Net::Counts { number, result } => log::counts(model, number, result),
        Net::Saved(saved) => model.logs.saved = saved,
        Net::Incident(incident) => model.incidents.refresh(*incident),
        Net::Identified { generation, result } => identify::answered(model, generation, result),
        Net::Me(me) => model.me = Some(*me),
        Net::Operators(rows) => {
            model.operators.replace(rows);
            meet_operator(model);
        }
        Net::Audit { generation, page } => audit(model, generation, page),
        Net::Verdict(verdict) => {
            model.audit.chain = verdict.map_or_else(Chain::Failed, Chain::Walked);
        }
        Net::Evidence(evidence) => {
            model.tokens.hosts.take(&evidence.token, &evidence.sources);
            model.tokens.evidence = Some(evidence);
        }
        Net::SignedIn(operator) => {
            model.signed_in = operator;
            model.me = None;
            effects.touch(Dirty::Input);
        }
        Net::Done { generation, result } => done(model, generation, result, effects),
        Net::NotSent { generation } => {
            let words = "too much is under way: nothing was sent, try again".to_owned();
            let failure = Failure { words, ..Failure::default() };
            done(model, generation, Err(failure), effects);
        }
    }
}

/// What is known by looking through all tokens is looked for once, when they come.
fn note_tokens(model: &mut Model) {
    model.tokens.note_worst(model.now);
    model.health.cards = Cards::of(&model.tokens.all, model.now);
}

/// Figures that show the same again are no reason for a frame.
fn hour(model: &mut Model, answer: Result<Box<HourView>, String>, effects: &mut Effects) {
    let before = status::is_shown(model).then(|| status::rows(model));
    model.health.take(answer);
    if before.is_none_or(|before| before == status::rows(model)) {
        effects.dirty = None;
    }
}

fn told_talkers(model: &mut Model, talkers: Box<TalkersView>, effects: &mut Effects) {
    let before = status::is_shown(model).then(|| status::rows(model));
    model.health.talkers = Some(talkers);
    if before.is_none_or(|before| before == status::rows(model)) {
        effects.dirty = None;
    }
}

/// The daemon said something new of itself, because something changed: then the audit has new rows as well.
fn new_status(model: &mut Model, status: Box<StatusView>, effects: &mut Effects) {
    if model.signed_in.as_ref().is_some_and(|name| *name != status.caller) {
        model.notice = Some("the sign-in has ended: the passphrase or the operator was changed".to_owned());
        changes::sign_out(model, effects);
    }
    model.health.clock_ahead_secs = status.now.secs_since(model.now);
    model.status = Some(status);
    let audit = &model.audit;
    if model.screen == Screen::Audit && audit.asked.is_none() && audit.refused.is_none() {
        super::fetch_audit(model, None, effects);
    }
}

/// A form that changes this token, and was told that somebody else was faster, sees what he made of it.
fn meet(model: &mut Model, fresh: &TokenView) {
    let Some(Layer::Form(form)) = &mut model.layer else { return };
    let is_other = |was: &std::sync::Arc<TokenView>| was.id == fresh.id && was.version != fresh.version;
    if form.token.as_ref().is_some_and(is_other) {
        form.theirs = Some(std::sync::Arc::new(fresh.clone()));
        form.focus = form.fields.len();
        form.error = None;
    }
}

/// As [`meet`], for an operator.
fn meet_operator(model: &mut Model) {
    let Some(Layer::Form(form)) = model.layer.as_mut() else { return };
    let Some(was) = form.operator.as_ref().filter(|_| form.outdated) else { return };
    let fresh = model.operators.rows.iter().find(|row| row.id == was.id && row.version != was.version);
    if let Some(fresh) = fresh.cloned() {
        form.reload_operator(&fresh);
    }
}

/// As [`meet`], for a filter.
fn meet_filter(model: &mut Model) {
    let Some(Layer::Form(form)) = model.layer.as_mut() else { return };
    let Some(was) = form.filter.as_ref().filter(|_| form.outdated) else { return };
    let fresh = model.services.filters.iter().find(|row| row.id == was.id && row.version != was.version);
    if let Some(fresh) = fresh.cloned() {
        form.reload_filter(&fresh);
    }
}

fn audit(model: &mut Model, generation: u64, page: Result<AuditPage, String>) {
    let audit = &mut model.audit;
    if audit.asked != Some(generation) {
        return;
    }
    audit.asked = None;
    match page {
        Ok(page) => audit.take(page),
        Err(why) => (audit.refused, audit.loaded) = (Some(why), true),
    }
}

/// True for what only a living daemon can have said.
fn heard(net: &Net) -> bool {
    !matches!(
        net,
        Net::Lost { .. } | Net::Incompatible { .. } | Net::Denied { .. } | Net::NotSent { .. } | Net::Done { .. }
    )
}

fn connected(model: &mut Model, status: Box<StatusView>, effects: &mut Effects) {
    model.connection = Connection::Live;
    // What was said of the lost connection is not true any more.
    resume::meet(model, &status, effects);
    // A log that is shorter than what is shown is another log, or lost its end: nothing in it can be gone on from.
    let same_log = status.log.last_seq.unwrap_or(0) >= model.logs.tail.last_seq();
    model.health.begin_anew();
    model.health.clock_ahead_secs = status.now.secs_since(model.now);
    model.status = Some(status);
    effects.touch(Dirty::Input);
    // The client task begins anew with every connection, and knows nothing of the query.
    effects.push(Effect::WatchIncidents { query: model.incidents.query().to_owned() });
    resume::log(model, same_log, effects);
    if model.tokens.with_revoked {
        effects.push(Effect::WatchRevoked(true));
    }
    super::watch_revoked(model, effects);
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

fn tail(model: &mut Model, at: Slot, generation: u64, items: Vec<HeldItem>) {
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
        tail.again = tail.again.or_else(|| tail.cursor.key.filter(|_| tail.paused));
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
    if super::lock::answered(model, generation, result.as_ref().err()) {
        return;
    }
    match result {
        Ok(reply) => {
            model.commands.end(generation, CommandState::Done(model.now));
            model.undo.end(generation, Some(&reply), model.now);
            changes::succeeded(model, generation, reply, effects);
        }
        Err(failure) => {
            model.commands.end(generation, CommandState::Failed(failure.words.clone()));
            model.undo.end(generation, None, model.now);
            failed(model, generation, &failure, effects);
        }
    }
}

/// The dialog that asked stays open and says why.
fn failed(model: &mut Model, generation: u64, failure: &Failure, effects: &mut Effects) {
    let fields: Vec<_> = failure.fields.iter().map(|(path, words)| format!("{path}: {words}")).collect();
    let words = if fields.is_empty() { failure.words.clone() } else { fields.join("; ") };
    let now = model.now;
    match &mut model.layer {
        Some(Layer::Form(form)) if form.pending == Some(generation) => {
            form.pending = None;
            form.error = Some(words);
            failure.fields.first().into_iter().for_each(|(path, _)| form.point_at(path));
            form.refused();
            if let FailureKind::Wait(secs) = failure.kind {
                form.wait_until = Some(now.plus_secs(secs.into()));
            }
        }
        Some(Layer::Danger(danger)) if danger.pending == Some(generation) => {
            danger.pending = None;
            danger.error = Some(words.clone());
            back_to_form(model, words, failure, effects);
        }
        Some(Layer::Ask(ask)) if ask.pending == Some(generation) => {
            ask.pending = None;
            ask.error = Some(words);
            undo::failed(model, failure.kind);
        }
        Some(Layer::Secret(dialog)) => {
            dialog.notice = Some(words);
            changes::not_sampled(model, generation);
        }
        _ => model.notice = Some(words),
    }
}

/// A refused change goes back to its form, where it can be mended. Where somebody else was faster, his token is asked for.
fn back_to_form(model: &mut Model, words: String, failure: &Failure, effects: &mut Effects) {
    let (kind, fields) = (failure.kind, &failure.fields);
    let Some(Layer::Danger(danger)) = &mut model.layer else { return };
    let Deed::Change(form) = &mut danger.deed else { return };
    form.outdated = kind == FailureKind::Outdated;
    match &form.token {
        Some(token) if form.outdated => effects.push(Effect::FetchToken { token: token.id.to_string() }),
        None if form.outdated => effects.push(Effect::Refresh),
        _ => {}
    }
    form.error = Some(words);
    fields.first().into_iter().for_each(|(path, _)| form.point_at(path));
    let form = (**form).clone();
    model.layer = Some(Layer::Form(form));
}
