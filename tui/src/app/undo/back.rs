//! The change that leads back, from what is known before a change is made.

use tollgate_shared::api::{FilterPatch, OperatorPatch, OperatorView, TokenPatch, TokenView};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::RateLimit;

use super::Undoable;
use crate::app::forms::{Logged, Settings, options_of};
use crate::app::model::Model;
use crate::app::msg::Call;
use crate::app::words;

/// The way back from a request; `None` where there is none, or where nothing is known of what was before.
#[must_use]
pub fn of(model: &Model, call: &Call, number: u64) -> Option<Undoable> {
    let back = token(model, call).or_else(|| many(call)).or_else(|| incident(model, call));
    let back = back.or_else(|| organisation(model, call)).or_else(|| query(model, call))?;
    Some(Undoable { number, at: model.now, ..back })
}

fn back(name: &str, old: &str, new: &str, call: Call, cli: String) -> Undoable {
    let (name, old, new) = (name.to_owned(), old.to_owned(), new.to_owned());
    Undoable { number: 0, at: Timestamp::default(), name, old, new, call, cli }
}

fn token(model: &Model, call: &Call) -> Option<Undoable> {
    let of = |id: &str| model.tokens.all.iter().find(|token| token.id.as_str() == id);
    match call {
        Call::Debug { token, on, .. } => {
            let was = of(token)?;
            let changed = was.debug_until.is_some_and(|until| until > model.now) != *on;
            let (now, then) = if *on { ("debug on", "off") } else { ("debug off", "on") };
            // A part that was logged is logged again; of a busy token all would be more than there was.
            let one_in = was.debug_one_in.filter(|_| !on);
            let part = one_in.map_or_else(String::new, |one_in| format!(" --sample {one_in}"));
            let cli = format!("tollgate token debug {} {then}{part}", words::shell(&was.name));
            let call = Call::Debug { token: token.clone(), on: !on, one_in };
            changed.then(|| back(&was.name, now, then, call, cli))
        }
        Call::Suspend { token, .. } => {
            let cli = format!("tollgate token resume {token}");
            let call = Call::Resume { token: token.clone() };
            Some(back(&of(token)?.name, "suspended", "resumed: calls are taken", call, cli))
        }
        Call::Resume { token } => {
            let was = of(token)?;
            let reason = was.suspended.as_ref().map(|was| was.reason.clone()).unwrap_or_default();
            let why = if reason.is_empty() { String::new() } else { format!(" --reason {}", words::shell(&reason)) };
            let cli = format!("tollgate token suspend {token}{why}");
            Some(back(&was.name, "resumed", "suspended again", Call::Suspend { token: token.clone(), reason }, cli))
        }
        Call::EditToken { token, patch, debug, .. } => edited(of(token)?, patch, *debug, model.now),
        _ => None,
    }
}

/// The former values of what a change names. Sealing is for good, so nothing leads back from it.
fn edited(was: &TokenView, patch: &TokenPatch, debug: Option<Logged>, now: Timestamp) -> Option<Undoable> {
    if patch.sealed == Some(true) {
        return None;
    }
    if patch.for_secs.is_some() || patch.unblock_ips.is_some() {
        return Some(measured(was, patch, now));
    }
    let before = Settings::of(was, now);
    let mut after = before.with(patch);
    after.debug = debug.unwrap_or(before.debug);
    let mut patch_back = after.patch(&Settings { expires: String::new(), ..before.clone() });
    let end = was.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    patch_back.expires = patch.expires.as_ref().map(|_| end.clone());
    let changed = before.differences(&after, &end);
    let side = |pick: fn(&crate::app::forms::Difference) -> &String| {
        changed.iter().map(|one| format!("{} {}", one.what, pick(one))).collect::<Vec<_>>().join(", ")
    };
    let (old, new) = (side(|one| &one.new), side(|one| &one.old));
    let debug = debug.map(|_| before.debug);
    let switch = debug.map(|logged| format!(" && {}", logged.cli(was.id.as_str())));
    let cli = format!(
        "tollgate token edit {} --if-version 0{}{}",
        was.id,
        options_of(&patch_back),
        switch.unwrap_or_default()
    );
    let token = was.id.to_string();
    Some(back(&was.name, &old, &new, Call::EditToken { token, patch: Box::new(patch_back), version: 0, debug }, cli))
}

/// The end of what was set for a time; what was in force before is set again for the rest of its time.
fn measured(was: &TokenView, patch: &TokenPatch, now: Timestamp) -> Undoable {
    let left = |until: Timestamp| u32::try_from(until.secs_since(now)).unwrap_or(0).max(1);
    let none = RateLimit { calls_per_min: 0, burst: 0 };
    let mut undo = TokenPatch::default();
    if patch.rate_limit.is_some() {
        let ran = was.limited_for.filter(|one| now < one.until);
        undo.rate_limit = Some(ran.map(|one| one.limit).or(was.rate_limit).unwrap_or(none));
        undo.for_secs = ran.map(|one| left(one.until));
    }
    undo.unblock_ips.clone_from(&patch.block_ips);
    if let Some(ended) = &patch.unblock_ips {
        let until = was.blocked.iter().filter(|one| ended.contains(&one.net)).map(|one| one.until).max();
        (undo.block_ips, undo.for_secs) = (Some(ended.clone()), Some(until.map_or(1, left)));
    }
    let words = |patch: &TokenPatch| options_of(patch).replace(" --", ", ").trim_start_matches(", ").to_owned();
    let (old, new) = (words(patch), words(&undo));
    let cli = format!("tollgate token edit {} --if-version 0{}", was.id, options_of(&undo));
    let call = Call::EditToken { token: was.id.to_string(), patch: Box::new(undo), version: 0, debug: None };
    back(&was.name, &old, &new, call, cli)
}

/// Of what was done to many at once, what has a bulk change that leads back.
fn many(call: &Call) -> Option<Undoable> {
    let by = |ids: &[String]| ids.iter().map(|id| format!("id:{id}")).collect::<Vec<_>>().join(" or ");
    match call {
        Call::BulkTokens(bulk) => {
            let (to, old, new) = match bulk.action.as_str() {
                "suspend" => ("resume", "suspended", "resumed: calls are taken"),
                "resume" => ("suspend", "resumed", "suspended again"),
                _ => return None,
            };
            let number = bulk.tokens.len();
            let query = words::shell(&by(&bulk.tokens));
            let cli = format!("tollgate token {to} --query {query} --confirm-count {number}");
            let mut undo = (**bulk).clone();
            undo.action = to.to_owned();
            let name = words::count(number as u64, "token");
            Some(back(&name, old, new, Call::BulkTokens(Box::new(undo)), cli))
        }
        Call::BulkIncidents(bulk) => {
            let (to, verb, old) = match bulk.action.as_str() {
                "acknowledge" => ("unacknowledge", "unack", "acknowledged"),
                "unacknowledge" => ("acknowledge", "ack", "given back"),
                _ => return None,
            };
            let cli = format!("tollgate incident {verb} {}", bulk.incidents.join(" "));
            let mut undo = (**bulk).clone();
            undo.action = to.to_owned();
            let name = words::count(bulk.incidents.len() as u64, "incident");
            Some(back(&name, old, &format!("{to}d"), Call::BulkIncidents(Box::new(undo)), cli))
        }
        _ => None,
    }
}

fn incident(model: &Model, call: &Call) -> Option<Undoable> {
    let title = |id: &str| {
        let row = model.incidents.rows.iter().find(|row| row.head.id.to_string() == id);
        row.map_or_else(|| id.to_owned(), |row| row.head.title.clone())
    };
    match call {
        Call::Acknowledge { incident } => {
            let cli = format!("tollgate incident unack {incident}");
            let call = Call::Unacknowledge { incident: incident.clone() };
            Some(back(&title(incident), "acknowledged", "given back", call, cli))
        }
        Call::Unacknowledge { incident } => {
            let cli = format!("tollgate incident ack {incident}");
            let call = Call::Acknowledge { incident: incident.clone() };
            Some(back(&title(incident), "given back", "acknowledged", call, cli))
        }
        _ => None,
    }
}

fn organisation(model: &Model, call: &Call) -> Option<Undoable> {
    let switched = |on: bool| if on { ("enabled", "disabled", "disable") } else { ("disabled", "enabled", "enable") };
    match call {
        Call::SwitchService { service, on } => {
            let was = model.services.services.iter().find(|one| one.id.to_string() == *service)?;
            let name = format!("{}/{}", was.team.name, was.name);
            let (old, new, verb) = switched(*on);
            let cli = format!("tollgate service {verb} {}", words::shell(&name));
            Some(back(&name, old, new, Call::SwitchService { service: service.clone(), on: !on }, cli))
        }
        Call::SwitchWorkflow { workflow, on, version } => {
            let was = model.requests.workflows.iter().find(|one| one.id.to_string() == *workflow)?;
            let (old, new, verb) = switched(*on);
            let cli = format!("tollgate workflow {verb} {}", words::shell(&was.full_name));
            let call = Call::SwitchWorkflow { workflow: workflow.clone(), on: !on, version: *version };
            Some(back(&was.full_name, old, new, call, cli))
        }
        Call::EditFilter { filter, patch, .. } => filter_edited(model, filter, patch),
        Call::EditOperator { operator, patch, .. } => {
            let was = model.operators.rows.iter().find(|one| one.id.to_string() == *operator)?;
            Some(operator_edited(was, patch))
        }
        _ => None,
    }
}

/// Only what was changed is changed back: a place, a switch, or the filter as it was written.
fn filter_edited(model: &Model, id: &str, patch: &FilterPatch) -> Option<Undoable> {
    let was = model.services.filters.iter().find(|one| one.id.to_string() == id)?;
    let name = format!("{}/{}", was.service.name, was.spec.name);
    let undo = FilterPatch {
        spec: patch.spec.as_ref().map(|_| was.spec.clone()),
        name: patch.name.as_ref().map(|_| was.spec.name.clone()),
        enabled: patch.enabled.map(|_| was.spec.enabled),
        position: patch.position.map(|_| was.position),
    };
    let mut steps: Vec<(String, String, String)> = Vec::new();
    if patch.spec.is_some() || patch.name.is_some() {
        let line = format!("tollgate filter edit {id} --file FILTER.json");
        steps.push(("edited".to_owned(), "as it was before".to_owned(), line));
    } else if let Some(on) = patch.enabled {
        let (old, new, verb) = if on { ("enabled", "disabled", "disable") } else { ("disabled", "enabled", "enable") };
        steps.push((old.to_owned(), new.to_owned(), format!("tollgate filter {verb} {id}")));
    }
    if let Some(place) = patch.position {
        let line = format!("tollgate filter move {id} --to {}", was.position);
        steps.push((format!("place {place}"), format!("place {}", was.position), line));
    }
    let joined = |pick: fn(&(String, String, String)) -> &String, by: &str| {
        steps.iter().map(|step| pick(step).as_str()).collect::<Vec<_>>().join(by)
    };
    let (olds, news, lines) =
        (joined(|step| &step.0, ", "), joined(|step| &step.1, ", "), joined(|step| &step.2, " && "));
    let call = Call::EditFilter { filter: id.to_owned(), patch: Box::new(undo), version: String::new() };
    Some(back(&name, &olds, &news, call, lines))
}

fn operator_edited(was: &OperatorView, patch: &OperatorPatch) -> Undoable {
    // The kernel's number stands behind a unix user's name.
    let users =
        || was.unix_users.iter().filter_map(|user| user.split(' ').next()).map(str::to_owned).collect::<Vec<_>>();
    let roles = || was.team_roles.iter().map(|(team, role)| format!("{team}={role}")).collect::<Vec<_>>();
    let undo = OperatorPatch {
        name: patch.name.as_ref().map(|_| was.name.clone()),
        unix_users: patch.unix_users.as_ref().map(|_| users()),
        role: patch.role.as_ref().map(|_| was.role.map_or_else(|| "none".to_owned(), |role| role.to_string())),
        team_roles: patch.team_roles.as_ref().map(|_| roles()),
        enabled: patch.enabled.map(|_| was.enabled),
    };
    let (old, new) = match patch.enabled {
        Some(true) => ("enabled", "disabled"),
        Some(false) => ("disabled", "enabled"),
        None => ("edited", "as he was before"),
    };
    let id = was.id;
    let cli = match patch.enabled {
        Some(on) => format!("tollgate operator {} {id}", if on { "disable" } else { "enable" }),
        None => {
            let mut line = format!("tollgate operator edit {id}");
            line.extend(undo.name.iter().map(|name| format!(" --name {}", words::shell(name))));
            line.extend(undo.role.iter().map(|role| format!(" --role {role}")));
            line.extend(undo.unix_users.iter().flatten().map(|user| format!(" --unix-user {}", words::shell(user))));
            line.extend(undo.team_roles.iter().flatten().map(|role| format!(" --team-role {}", words::shell(role))));
            line
        }
    };
    back(&was.name, old, new, Call::EditOperator { operator: id.to_string(), patch: undo, version: 0 }, cli)
}

/// A kept query that was written over or forgotten.
fn query(model: &Model, call: &Call) -> Option<Undoable> {
    let was = |screen, name: &str| {
        let same = |one: &&tollgate_shared::api::SavedQuery| {
            one.screen == screen && one.name.to_string().to_lowercase() == name.to_lowercase()
        };
        model.logs.saved.iter().find(same).map(|one| one.q.clone())
    };
    let (screen, name, old) = match call {
        Call::SaveQuery { screen, name, .. } => (*screen, name, "kept"),
        Call::DropQuery { screen, name } => (*screen, name, "forgotten"),
        _ => return None,
    };
    let word = words::shell(name);
    let (call, cli, new) = match was(screen, name) {
        Some(q) => {
            let cli = format!("tollgate query save {screen} {word} {}", words::shell(&q));
            let new = format!("it is again {q}");
            (Call::SaveQuery { screen, name: name.clone(), q }, cli, new)
        }
        None if old == "kept" => {
            let cli = format!("tollgate query delete {screen} {word}");
            (Call::DropQuery { screen, name: name.clone() }, cli, "forgotten".to_owned())
        }
        None => return None,
    };
    Some(back(&format!("@{name}"), old, &new, call, cli))
}
