//! What stands in the dialog: what would stop or change. Only what the daemon has told.

use tollgate_shared::api::{IncidentView, OperatorView, RequestView, SourceView, TokenView, WorkflowView};
use tollgate_shared::debug_cost::DebugCost;
use tollgate_shared::limits::DEBUG_ONE_IN_OFFERED;

use super::super::forms::Form;
use super::super::model::Model;
use super::super::operators;
use super::super::services::Node;
use super::super::tokens::{calls_in_hour, recent, state_words};
use super::super::words::{self, age, count, group};
use super::{Danger, Deed, Object, refreshed_end};

/// Addresses that are named one by one.
const SOURCES_SHOWN: usize = 4;
/// First seen within this: worth a second look after a leak.
const NEW_SECS: i64 = 86_400;

type Fact = (&'static str, String);

/// The facts of a dialog: a label, empty where the line goes on, and a text.
#[must_use]
pub fn facts(model: &Model, danger: &Danger) -> Vec<Fact> {
    match (&danger.deed, &danger.object) {
        (Deed::Change(form), _) => changed(model, danger, form),
        (Deed::LockDown | Deed::LiftLockdown, _) => lockdown(model, matches!(danger.deed, Deed::LockDown)),
        (deed, Object::Operator(operator)) => person(deed, operator),
        // As it is now: calls go on while the dialog is open.
        (deed, Object::Token(token)) => of_token(model, danger, deed, model.tokens.by_id(token.id).unwrap_or(token)),
        (deed, Object::Node(node)) => of_node(model, deed, node),
        (deed, Object::Request(request)) => of_request(deed, request),
        (deed, Object::Workflow(workflow)) => of_workflow(deed, workflow),
        (_, Object::Daemon(_)) => Vec::new(),
    }
}

/// The differences; and where debug is one of them, what it costs on a token that floods.
fn changed(model: &Model, danger: &Danger, form: &Form) -> Vec<Fact> {
    let all = form.differences(model.now);
    let logged = form.settings().debug;
    let logs = logged.is_on() && all.iter().any(|one| one.what == "debug");
    let mut facts: Vec<Fact> = all.into_iter().map(|one| (one.what, one.words())).collect();
    let token = danger.token().map(|token| model.tokens.by_id(token.id).unwrap_or(token));
    let Some(cost) = token.filter(|_| logs).map(|token| DebugCost::of(recent(token, model.now))) else { return facts };
    if cost.bytes(1) > 0 {
        let bytes = words::bytes(cost.bytes(logged.one_in().unwrap_or(1)));
        let calls = group(cost.rows_per_sec());
        facts.push(("LOG", format!("{calls} calls/s now; {} is up to {bytes} in the 48 h", logged.words())));
    }
    if cost.is_asked() && logged.one_in().is_none() {
        let part = words::bytes(cost.bytes(DEBUG_ONE_IN_OFFERED));
        facts.push(("INSTEAD", format!("1 call in {DEBUG_ONE_IN_OFFERED}, {part}: Esc, then choose it at debug")));
    }
    facts
}

fn of_token(model: &Model, danger: &Danger, deed: &Deed, token: &TokenView) -> Vec<Fact> {
    match deed {
        Deed::Revoke => revoke(model, danger, token),
        Deed::Rotate => rotate(model, danger, token),
        Deed::Refresh => refresh(model, token),
        Deed::Suspend => suspend(model, token),
        Deed::LogCalls => log_calls(model, token),
        _ => resume(model, token),
    }
}

fn revoke(model: &Model, danger: &Danger, token: &TokenView) -> Vec<Fact> {
    let mut facts = vec![("WHAT STOPS", use_words(model, token))];
    facts.extend(sources(model, token));
    // They may come after the dialog.
    let open = danger.open_incidents.or_else(|| model.incidents.open_by(token.id));
    if let Some(open) = open.filter(|open| *open > 0) {
        let open = count(open as u64, "open incident");
        facts.push(("", format!("{open} that it opened will not resolve by its calls")));
    }
    facts.extend(issued(model, token));
    facts.push(("AFTERWARDS", "for good, at once: 401 token-revoked. Senders that do not".to_owned()));
    facts.push(("", "retry a 401 lose their alerts until they have a new token.".to_owned()));
    facts.push(("INSTEAD", "suspend: 503, senders that retry lose nothing; S resumes it".to_owned()));
    facts.push(("", "rotate with overlap: a new secret now, the old one ends later".to_owned()));
    facts
}

/// Where it was used from, the busiest first.
fn sources(model: &Model, token: &TokenView) -> Vec<Fact> {
    let Some(evidence) = model.tokens.evidence_of(token) else { return Vec::new() };
    let mut rows: Vec<&SourceView> = evidence.sources.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.calls));
    let mut facts: Vec<Fact> = rows.iter().take(SOURCES_SHOWN).map(|row| ("", source(model, row))).collect();
    if rows.len() > SOURCES_SHOWN {
        facts.push(("", format!("and {} more: tab hosts of the lower pane", rows.len() - SOURCES_SHOWN)));
    }
    if let Some(first) = facts.first_mut() {
        first.0 = "HOSTS";
    }
    facts
}

fn source(model: &Model, row: &SourceView) -> String {
    let new = if model.now.secs_since(row.first) < NEW_SECS { "  NEW" } else { "" };
    let last = age(model.now.secs_since(row.last));
    format!("{:18} {:>7} calls, {last} ago, since {}{new}", row.net, group(row.calls), words::date(row.first))
}

/// Revoking does not touch what a thief has made with it.
fn issued(model: &Model, token: &TokenView) -> Vec<Fact> {
    let issued = model.tokens.evidence_of(token).map(|evidence| evidence.issued.as_slice()).unwrap_or_default();
    if issued.is_empty() {
        return Vec::new();
    }
    let named = issued.iter().take(3).map(|one| format!("{}, used {}", one.name, times(one))).collect::<Vec<_>>();
    let more = if issued.len() > 3 { " ..." } else { "" };
    vec![("IT ISSUED", format!("{}: {}{more}", count(issued.len() as u64, "token"), named.join("; ")))]
}

fn times(token: &TokenView) -> String {
    count(token.usage.counts.total(), "time")
}

fn rotate(model: &Model, danger: &Danger, token: &TokenView) -> Vec<Fact> {
    let mut facts = vec![("IN USE", use_words(model, token))];
    if let (Some(until), Some((new, all))) = (token.overlap_until, token.rotating) {
        let left = words::countdown(until.secs_since(model.now));
        facts.push(("OVERLAP", format!("runs; the old secret dies in {left}, {}", words::moment(until))));
        facts.push(("", format!("{new} of {all} hosts use the new secret; the tab hosts says which")));
        facts.push(("", format!("{} came with the old one since", count(token.usage.old_secret_calls, "call"))));
    }
    facts.extend(sources(model, token));
    let words: &[&str] = match danger.way() {
        "now" => {
            &["the old secret is dead at once: 401. Every sender needs the", "new one, which is shown once, here."]
        }
        "end" => &[
            "the old secret is dead at once: 401. Hosts that still have it",
            "lose their alerts until they get the new one.",
        ],
        way if way.starts_with('+') => &["both secrets are taken until then; nothing else changes."],
        _ => &[
            "a new secret, shown once, here. Both are taken until the old",
            "one dies; the state says how many hosts have moved.",
        ],
    };
    facts.extend(
        words.iter().enumerate().map(|(at, line)| (if at == 0 { "AFTERWARDS" } else { "" }, (*line).to_owned())),
    );
    facts
}

fn refresh(model: &Model, token: &TokenView) -> Vec<Fact> {
    let ends = token.expires_at.map(words::moment).unwrap_or_default();
    let mut facts = vec![("ENDS", format!("{ends}  {}", state_words(token, model.now)))];
    if let Some(new) = refreshed_end(token, model.now) {
        let moved = if Some(new) == token.expires_at {
            "the same: a refresh never makes it shorter".to_owned()
        } else {
            format!("{}  in {}", words::moment(new), age(new.secs_since(model.now)))
        };
        facts.push(("EXTEND TO", moved));
    }
    facts.push(("AFTERWARDS", "the same secret; its senders notice nothing".to_owned()));
    facts
}

fn suspend(model: &Model, token: &TokenView) -> Vec<Fact> {
    let mut facts = vec![("WHAT WAITS", use_words(model, token))];
    facts.extend(sources(model, token));
    facts.push(("AFTERWARDS", "at once: 503 token-suspended with Retry-After. Senders that retry".to_owned()));
    facts.push(("", "keep their alerts; nothing is lost for good. S resumes it.".to_owned()));
    facts
}

/// What debug would cost: the disk is everybody's, and where it is short the rows of all are shed.
fn log_calls(model: &Model, token: &TokenView) -> Vec<Fact> {
    let cost = DebugCost::of(recent(token, model.now));
    let rows = format!("{} rows/s, counted with {} bytes each", group(cost.rows_per_sec()), group(cost.row_bytes()));
    let part = words::bytes(cost.bytes(DEBUG_ONE_IN_OFFERED));
    vec![
        ("NOW", rows),
        ("EVERY CALL", format!("up to {} in the 48 h, if it goes on so", words::bytes(cost.bytes(1)))),
        ("ONE IN 100", format!("up to {part}; each 100th call is logged, all are counted")),
        ("AFTERWARDS", "D switches it off; where the disk is short the oldest rows of all".to_owned()),
        ("", "tokens go first".to_owned()),
    ]
}

fn resume(model: &Model, token: &TokenView) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(suspended) = &token.suspended {
        let since = age(model.now.secs_since(suspended.at));
        facts.push(("SUSPENDED", format!("{since} ago by {}", suspended.by)));
        let reason = if suspended.reason.is_empty() { "none was given" } else { &suspended.reason };
        facts.push(("BECAUSE", reason.to_owned()));
    }
    if let Some(last) = &token.usage.last_refusal {
        facts.push(("WAITS", format!("last call {} ago from {}", age(model.now.secs_since(last.at)), last.ip)));
    }
    facts.extend(sources(model, token));
    facts.push(("AFTERWARDS", "its calls are taken again, whoever has the secret".to_owned()));
    facts
}

fn person(deed: &Deed, operator: &OperatorView) -> Vec<Fact> {
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let mut facts = vec![
        ("EVERYWHERE", operators::role(operator).to_owned()),
        ("IN TEAMS", or_none(operators::teams(operator))),
        ("UNIX USERS", or_none(operator.unix_users.join(", "))),
    ];
    let words: &[&str] = match deed {
        Deed::RemoveOperator => &[
            "he may nothing from the next request on, for good.",
            "The audit keeps his name. To be able to undo it, disable him (S).",
        ],
        Deed::DisableOperator => &["he may nothing and his personal tokens are refused,", "until S enables him again."],
        Deed::EnableOperator => &["he may again what he might, and his personal tokens work."],
        _ => &["nobody signs in as him any more; who is signed in is signed out.", "His unix users go on."],
    };
    facts.extend(
        words.iter().enumerate().map(|(at, line)| (if at == 0 { "AFTERWARDS" } else { "" }, (*line).to_owned())),
    );
    facts
}

fn of_request(deed: &Deed, request: &RequestView) -> Vec<Fact> {
    let steps = format!("{} of {} done", request.steps_done, count(request.steps.len() as u64, "step"));
    let words = match deed {
        Deed::RetryRequest => "it is queued again; steps that succeeded and have not changed are not repeated",
        _ => "a program under way is ended; . t retries it later",
    };
    vec![
        ("WORKFLOW", request.workflow.name.clone()),
        ("STATE", format!("{}, {steps}", request.state)),
        ("", request.detail.clone()),
        ("AFTERWARDS", words.to_owned()),
    ]
}

fn of_workflow(deed: &Deed, workflow: &WorkflowView) -> Vec<Fact> {
    let words = match deed {
        Deed::SwitchOff => "nothing starts it any more; what is queued waits, what runs ends. S undoes it.",
        _ => "calls start it again, and what is queued goes on",
    };
    let now = format!("{} queued, {} running", group(workflow.queued.into()), group(workflow.running.into()));
    vec![("NOW", now), ("AFTERWARDS", words.to_owned())]
}

fn of_node(model: &Model, deed: &Deed, node: &Node) -> Vec<Fact> {
    let mut facts = Vec::new();
    match node {
        Node::Team(team) => facts.push(("HOLDS", count(team.services.into(), "service"))),
        Node::Service(service) => {
            facts.push(("HOLDS", count(service.filters.into(), "filter")));
            facts.push(("OPEN", count(service.open_incidents.into(), "incident")));
        }
        Node::Filter(filter) => {
            let of = |row: &&std::sync::Arc<IncidentView>| row.head.state.is_open() && row.head.filter == filter.id;
            let open = model.incidents.rows.iter().filter(of).count() as u64;
            facts.push(("OPEN", format!("{} that it opened", count(open, "incident"))));
        }
    }
    let words: &[&str] = match (deed, node) {
        (Deed::RemoveNode, Node::Filter(_)) => &[
            "for good, at once: its calls match what else there is, or nothing.",
            "Its incidents stay; no call resolves them through it any more.",
            "To be able to undo it, disable it (S).",
        ],
        (Deed::RemoveNode, Node::Service(_)) => &["for good. Refused while it has filters, tokens or open incidents."],
        (Deed::RemoveNode, Node::Team(_)) => &["for good. Refused while it has services or tokens."],
        (Deed::SwitchOff, Node::Filter(_)) => &["neither part is asked: it opens and resolves nothing. S undoes it."],
        (Deed::SwitchOff, _) => &["its filters are not tested: it creates nothing. S undoes it."],
        _ => &["it takes calls again, from the next one on."],
    };
    facts.extend(
        words.iter().enumerate().map(|(at, line)| (if at == 0 { "AFTERWARDS" } else { "" }, (*line).to_owned())),
    );
    facts
}

fn lockdown(model: &Model, on: bool) -> Vec<Fact> {
    let Some(status) = &model.status else { return Vec::new() };
    let rate = words::per_second(status.counters.calls_per_10_secs);
    let rate = format!("{rate} calls/s now, {} tokens", group(status.tokens.into()));
    if on {
        return vec![
            ("WHAT STOPS", rate),
            ("AFTERWARDS", "every call of every sender is answered 503 locked-down, at once,".to_owned()),
            ("", "also after a restart, until somebody lifts it. Senders that retry".to_owned()),
            ("", "keep their alerts. Nothing else stops: this console goes on.".to_owned()),
        ];
    }
    let mut facts = Vec::new();
    if let Some(lockdown) = &status.lockdown {
        let since = format!("{}, {} ago", words::moment(lockdown.at), age(model.now.secs_since(lockdown.at)));
        facts.extend([("SINCE", since), ("BY", lockdown.by.clone()), ("BECAUSE", lockdown.reason.clone())]);
    }
    facts.push(("AFTERWARDS", "calls are taken again at once, of every living token".to_owned()));
    facts
}

fn use_words(model: &Model, token: &TokenView) -> String {
    let calls = count(calls_in_hour(token), "call");
    match &token.usage.last_use {
        None => "it was never used".to_owned(),
        Some(last) => {
            let ago = age(model.now.secs_since(last.at));
            format!("{calls} in the last hour, last accepted {ago} ago from {}", last.ip)
        }
    }
}
