//! The tables of a change of many: what each is now, and what it will be.

use std::sync::Arc;

use tollgate_shared::api::{IncidentView, TokenView};
use tollgate_shared::incident::IncidentState;

use super::super::action::Action;
use super::super::danger::refreshed_end;
use super::super::forms::Settings;
use super::super::model::Model;
use super::super::rights;
use super::super::tokens::{calls_in_hour, state_words};
use super::super::words::{age, date, group, moment};
use super::{Ask, IncidentsDeed, Line, TokensDeed, What};

/// The question about tokens.
#[must_use]
pub fn tokens(model: &Model, deed: TokensDeed, marked: &[Arc<TokenView>]) -> Ask {
    let lines = marked.iter().map(|token| token_line(model, &deed, token)).collect();
    Ask::new(What::Tokens(deed), lines)
}

/// The question about incidents.
#[must_use]
pub fn incidents(model: &Model, deed: IncidentsDeed, marked: &[Arc<IncidentView>]) -> Ask {
    let lines = marked.iter().map(|row| incident_line(model, deed, row)).collect();
    Ask::new(What::Incidents(deed), lines)
}

fn token_line(model: &Model, deed: &TokensDeed, token: &TokenView) -> Line {
    let action = match deed {
        TokensDeed::Refresh => Action::Refresh,
        TokensDeed::Revoke => Action::Revoke,
        TokensDeed::Suspend | TokensDeed::Resume => Action::Suspend,
        TokensDeed::Edit(..) => Action::Edit,
    };
    let (old, new) = old_and_new(model, deed, token);
    let refused = rights::may_token(model, action, token).err();
    let left_out = refused.or_else(|| pointless(model, deed, token, &old).map(str::to_owned));
    Line { id: token.id.to_string(), name: token.name.clone(), old, new, left_out }
}

fn old_and_new(model: &Model, deed: &TokensDeed, token: &TokenView) -> (String, String) {
    let state = state_words(token, model.now).trim_end_matches(" !").to_owned();
    match deed {
        TokensDeed::Refresh => {
            let (old, new) = (token.expires_at, refreshed_end(token, model.now));
            // Of the same day the time tells them apart.
            let shown = if old.map(date) == new.map(date) { moment } else { date };
            let words = |at: Option<_>| at.map_or_else(|| "never".to_owned(), shown);
            (words(old), words(new))
        }
        TokensDeed::Revoke => (in_use(model, token), "401 for good".to_owned()),
        TokensDeed::Suspend => (in_use(model, token), "503, waits".to_owned()),
        TokensDeed::Resume => (state, "taken again".to_owned()),
        TokensDeed::Edit(patch, _) => {
            let was = Settings::of(token, model.now);
            let end = token.expires_at.map_or_else(|| "never".to_owned(), date);
            let changed = was.differences(&was.with(patch), &end);
            let side = |pick: fn(&super::super::forms::Difference) -> &String| {
                changed.iter().map(|one| format!("{} {}", one.what, pick(one))).collect::<Vec<_>>().join(", ")
            };
            (side(|one| &one.old), side(|one| &one.new))
        }
    }
}

/// Why a change would change nothing of it.
fn pointless(model: &Model, deed: &TokensDeed, token: &TokenView, old: &str) -> Option<&'static str> {
    match deed {
        TokensDeed::Suspend => token.suspended.is_some().then_some("it is suspended already"),
        TokensDeed::Resume => token.suspended.is_none().then_some("it is not suspended"),
        TokensDeed::Refresh => {
            (refreshed_end(token, model.now) <= token.expires_at).then_some("it would not end later")
        }
        TokensDeed::Edit(..) => old.is_empty().then_some("it is so already"),
        TokensDeed::Revoke => None,
    }
}

fn in_use(model: &Model, token: &TokenView) -> String {
    let last = token.usage.last_use.as_ref().map(|last| age(model.now.secs_since(last.at)));
    match last {
        None => "never used".to_owned(),
        Some(last) => format!("{}/h, last {last}", group(calls_in_hour(token))),
    }
}

fn incident_line(model: &Model, deed: IncidentsDeed, row: &IncidentView) -> Line {
    let (action, to) = match deed {
        IncidentsDeed::Acknowledge => (Action::Acknowledge, IncidentState::Acknowledged),
        IncidentsDeed::Unacknowledge => (Action::Unacknowledge, IncidentState::Triggered),
        IncidentsDeed::Resolve => (Action::Resolve, IncidentState::Resolved),
    };
    let state = row.head.state;
    let left_out = rights::may_incident(model, action, row).err().or_else(|| {
        let words =
            if state.is_open() { format!("it is {state} already") } else { "it is resolved, for good".to_owned() };
        (state == to || !state.is_open()).then_some(words)
    });
    let name = format!("{} {}  {}", row.head.priority, row.service.name, row.head.title);
    Line { id: row.head.id.to_string(), name, old: state.as_str().to_owned(), new: to.as_str().to_owned(), left_out }
}
