//! Messages in, effects out.

mod act;
mod ask;
mod changes;
mod clock;
mod danger;
mod dialogs;
mod identify;
mod incidents;
mod keys;
mod layers;
mod lock;
mod log;
mod mouse;
mod net;
mod palette;
mod resume;
mod sort;
mod trial;
mod undo;
mod walk;

use tollgate_shared::time::Timestamp;

use super::action::Action;
use super::model::{Model, Screen};
use super::msg::{Call, Dirty, Effect, Effects, Msg, Slot};
use super::query::LogFilter;
use super::tokens::PaneTab;

pub use clock::next_change;
pub use log::kept_query;

/// Rows that a log begins with.
const LOG_LAST: u32 = 200;
/// Rows that a token's own calls begin with.
const CALLS_LAST: u32 = 50;

/// Takes one message.
pub fn update(model: &mut Model, msg: Msg, now: Timestamp) -> Effects {
    let mut effects = Effects::default();
    let before = model.now;
    model.now = now;
    match msg {
        Msg::Key(key) => {
            keys::key(model, key, &mut effects);
            effects.touch(Dirty::Input);
        }
        Msg::Paste { text, burst } => {
            model.touched_at = now;
            if model.lock.is_some() {
                lock::paste(model, &text);
            } else {
                layers::paste(model, &text, burst);
            }
            effects.touch(Dirty::Input);
        }
        Msg::Resize { columns, rows } => {
            (model.columns, model.rows) = (columns, rows);
            effects.touch(Dirty::Input);
        }
        Msg::Mouse(mouse) => {
            mouse::mouse(model, mouse);
            effects.touch(Dirty::Input);
        }
        Msg::Tick => clock::tick(model, before, &mut effects),
        Msg::Resume(found) => resume::begin(model, found, &mut effects),
        Msg::SlowLine => super::slow::measured(model),
        Msg::Net(net) => net::net(model, net, &mut effects),
    }
    lock::hide_secret(model);
    settle(model, &mut effects);
    effects
}

/// Does an action on what is marked, as its key does: for who works without a screen.
pub fn perform(model: &mut Model, action: Action, now: Timestamp) -> Effects {
    let mut effects = Effects::default();
    model.now = now;
    act::act(model, action, &mut effects);
    effects
}

/// Asks for a change that was typed whole, as the button of a dialog does: with its line in the log of commands and its way
/// back. Where it is refused here, the notice says why.
pub fn request(model: &mut Model, call: Call, cli: String, now: Timestamp) -> Effects {
    let mut effects = Effects::default();
    model.now = now;
    changes::request(model, call, cli, &mut effects);
    effects
}

/// The command that an action is equal to, for what is marked.
#[must_use]
pub fn command_line(model: &Model, action: Action) -> String {
    dialogs::cli(model, action)
}

/// What follows from the new state: scrolling, and what has to be asked for.
fn settle(model: &mut Model, effects: &mut Effects) {
    let rows = usize::from(model.layout().list.height);
    let tokens = &mut model.tokens;
    tokens.cursor.scroll(rows, tokens.shown.len());
    let tail = &mut model.logs.tail;
    tail.cursor.scroll(rows, tail.entries.len());
    model.logs.refused_cursor.scroll(rows, model.logs.refused.len());
    model.incidents.cursor.scroll(rows, model.incidents.rows.len());
    model.services.cursor.scroll(rows, model.services.nodes.len());
    model.requests.scroll(rows);
    model.operators.cursor.scroll(rows, model.operators.rows.len());
    model.audit.cursor.scroll(rows, model.audit.rows.len());
    super::slow::settle(model);
    if model.connection == super::connection::Connection::Live {
        want_calls(model, effects);
        want_story(model, effects);
        want_request(model, effects);
        log::want(model, effects);
        want_evidence(model, effects);
        want_older(model, effects);
        want_hour(model, effects);
        trial::want(model, effects);
    }
}

/// What is known of the marked token beside itself is asked for while a tab shows it, and again when it was used.
fn want_evidence(model: &mut Model, effects: &mut Effects) {
    let shown = matches!(model.tokens.tab, PaneTab::Hosts | PaneTab::Facts | PaneTab::Changes);
    if model.screen != Screen::Tokens || !shown {
        return;
    }
    let Some(token) = model.tokens.selected() else { return };
    let wanted = (token.id, token.version, token.usage.counts.total());
    if model.tokens.evidence_asked != Some(wanted) {
        let token = token.id.to_string();
        model.tokens.evidence_asked = Some(wanted);
        effects.push(Effect::FetchEvidence { token });
    }
}

/// The last hour is asked for again and again while it is looked at.
fn want_hour(model: &mut Model, effects: &mut Effects) {
    if super::status::is_shown(model) && model.health.is_due(model.now) {
        effects.push(Effect::FetchHour { talkers_by: model.health.talkers_by });
    }
}

/// The mark nears the last row of the audit that is here.
fn want_older(model: &mut Model, effects: &mut Effects) {
    if model.screen == Screen::Audit
        && let Some(before) = model.audit.wants_older()
    {
        fetch_audit(model, Some(before), effects);
    }
}

/// Asks for a page of the audit; what was asked before is not waited for any more.
fn fetch_audit(model: &mut Model, before: Option<u64>, effects: &mut Effects) {
    let generation = model.next_generation();
    model.audit.asked = Some(generation);
    effects.push(Effect::FetchAudit { generation, filter: model.audit.filter.clone(), before });
}

/// Tombstones are fetched while the filter asks for them.
fn watch_revoked(model: &mut Model, effects: &mut Effects) {
    let wanted = model.tokens.filter_on && super::chips::wants_revoked(&model.tokens.filter.to_lowercase());
    if std::mem::replace(&mut model.tokens.with_revoked, wanted) != wanted {
        effects.push(Effect::WatchRevoked(wanted));
    }
}

/// The selected token's own calls are followed while they can be seen.
fn want_calls(model: &mut Model, effects: &mut Effects) {
    let seen = model.screen == Screen::Tokens && model.tokens.tab == PaneTab::Calls;
    let id = model.tokens.selected().filter(|_| seen).map(|token| token.id.to_string());
    if model.tokens.calls.filter.token == id {
        return;
    }
    let generation = model.next_generation();
    let filter = LogFilter { token: id.clone(), ..LogFilter::default() };
    model.tokens.calls.ask(filter.clone(), generation);
    effects.push(match id {
        Some(_) => Effect::Follow { slot: Slot::Token, generation, filter, after: None, last: CALLS_LAST },
        None => Effect::Unfollow { slot: Slot::Token },
    });
}

/// The marked incident's story is asked for once.
fn want_story(model: &mut Model, effects: &mut Effects) {
    if model.screen != Screen::Incidents {
        return;
    }
    let Some(row) = model.incidents.selected() else { return };
    let known = model.incidents.story.as_ref().is_some_and(|story| story.head.id == row.head.id);
    let asked = model.incidents.asked == Some(row.head.id);
    if !known && !asked {
        let incident = row.head.id;
        model.incidents.asked = Some(incident);
        effects.push(Effect::FetchIncident { incident: incident.to_string() });
    }
}

/// The marked request is asked for whole: when it is marked, and when it went on.
fn want_request(model: &mut Model, effects: &mut Effects) {
    if model.screen != Screen::Requests {
        return;
    }
    let Some(row) = model.requests.wants_story().cloned() else { return };
    let request = row.id.to_string();
    model.requests.asked = Some(row);
    effects.push(Effect::FetchRequest { request });
}

/// Asks for the log anew, or goes on after what is there.
fn follow_log(model: &mut Model, filter: LogFilter, resume: bool, effects: &mut Effects) {
    let generation = model.next_generation();
    let tail = &mut model.logs.tail;
    let after = tail.after().filter(|_| resume);
    if after.is_some() {
        tail.generation = generation;
        tail.forget_page();
        model.logs.strip.forget_question();
    } else {
        tail.ask(filter.clone(), generation);
        model.logs.leave_row();
    }
    model.logs.strip.spoil(after.is_none());
    effects.push(Effect::Follow { slot: Slot::Log, generation, filter, after, last: LOG_LAST });
}
