//! Rows in words: what a person would be read out, the most important first.

use tollgate_shared::api::{IncidentView, OperatorView, RequestView, TokenView, WorkflowView};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::TokenId;
use tollgate_shared::log::{LogRow, RefusedRow};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::TokenState;

use super::list::Row;
use crate::app::operators;
use crate::app::services::Node;
use crate::app::tokens::{calls_in_hour, state_words};
use crate::app::words::{age, clock, count, moment};

/// A row in one sentence.
pub(super) fn words(row: &Row, name: impl Fn(TokenId) -> String, now: Timestamp) -> String {
    match row {
        Row::Token(token) => of_token(token, now),
        Row::Call(call) => of_call(call, &name(call.token)),
        Row::Refused(row) => of_refused(row),
        Row::Incident(incident) => of_incident(incident, now),
        Row::Request(request) => of_request(request, now),
        Row::Workflow(workflow) => of_workflow(workflow),
        Row::Node(node) => of_node(node),
        Row::Operator(operator) => of_operator(operator),
        Row::Change(row) => of_change(row),
    }
}

/// What is known of a row that no command shows.
pub(super) fn facts(row: &Row, now: Timestamp) -> Vec<String> {
    let facts = match row {
        Row::Refused(row) => vec![
            ("when", moment(row.at)),
            ("from", row.remote_ip.map(|ip| ip.to_string()).unwrap_or_default()),
            ("status", row.status.to_string()),
            ("reason", row.reason.clone()),
            ("token", row.presented_id.clone().unwrap_or_default()),
            ("target", row.target.clone()),
            ("detail", row.detail.clone()),
        ],
        Row::Change(row) => vec![
            ("row", row.seq.to_string()),
            ("when", moment(row.at)),
            ("who", row.actor.clone()),
            ("uid", row.uid.map(|uid| uid.to_string()).unwrap_or_default()),
            ("login uid", row.login_uid.map(|uid| uid.to_string()).unwrap_or_default()),
            ("program", row.origin.clone()),
            ("action", row.action.clone()),
            ("on", row.target.clone()),
            ("detail", row.detail.clone()),
            ("request id", row.request_id.clone().unwrap_or_default()),
            ("hash", row.hash.clone()),
        ],
        other => vec![("", words(other, |id| id.to_string(), now))],
    };
    let shown = facts.into_iter().filter(|(_, value)| !value.is_empty());
    shown.map(|(label, value)| if label.is_empty() { value } else { format!("{label}: {value}") }).collect()
}

fn of_token(token: &TokenView, now: Timestamp) -> String {
    let state = match (token.state, state_words(token, now)) {
        (TokenState::Active, words) if words == "never" => "never ends".to_owned(),
        (TokenState::Active, words) => match words.strip_prefix("in ") {
            Some(left) => format!("ends in {}", left.replace(" !", ", soon")),
            None => spoken(&words),
        },
        (_, words) => spoken(&words),
    };
    let mut parts = vec![state, scope(token)];
    parts.push(match &token.usage.last_use {
        None => "never used".to_owned(),
        Some(last) => format!(
            "{} in the last hour, the last {} ago from {}",
            count(calls_in_hour(token), "call"),
            age(now.secs_since(last.at)),
            last.ip
        ),
    });
    if let Some(refusal) = token.usage.last_refusal.as_ref().filter(|last| now.secs_since(last.at) < 3_600) {
        parts.push(format!("refused {} ago: {}", age(now.secs_since(refusal.at)), refusal.slug));
    }
    if token.debug_until.is_some_and(|until| until > now) {
        parts.push("debug on".to_owned());
    }
    format!("{}: {}", token.name, parts.join(", "))
}

/// A state of the table as it is read out: letters in capitals are spelt by some readers.
fn spoken(state: &str) -> String {
    match state.split_once(' ') {
        Some(("ROTATING", moved)) => format!("rotating, {} hosts have moved", moved.replace('/', " of ")),
        Some((word @ ("SUSPENDED" | "REVOKED" | "EXPIRED"), ago)) => format!("{} {ago} ago", word.to_lowercase()),
        _ => state.to_lowercase(),
    }
}

fn scope(token: &TokenView) -> String {
    match token.scope.kind.as_str() {
        kind @ ("global" | "mine") => kind.to_owned(),
        kind => format!("{kind} {}", token.scope.name),
    }
}

pub(super) fn of_call(call: &LogRow, token: &str) -> String {
    let outcome = call.outcome.as_str().replace('_', " ");
    let summary = if call.summary.is_empty() { String::new() } else { format!(": {}", call.summary) };
    format!(
        "row {} at {}Z, {token} from {}, {outcome}, status {}{summary}",
        call.seq,
        clock(call.at),
        call.remote_ip,
        call.status
    )
}

fn of_refused(row: &RefusedRow) -> String {
    let from = row.remote_ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
    format!("{}Z{from}, status {}, {}: {} {}", clock(row.at), row.status, row.reason, row.target, row.detail)
}

fn of_incident(incident: &IncidentView, now: Timestamp) -> String {
    let head = &incident.head;
    format!(
        "{} {}, {}: {}, {}, the last {} ago",
        head.priority,
        head.state,
        incident.service.name,
        head.title,
        count(head.occurrences, "call"),
        age(now.secs_since(head.last_seen))
    )
}

fn of_request(request: &RequestView, now: Timestamp) -> String {
    format!(
        "{}, {}, {} of {} done, {} ago: {}",
        request.workflow.name,
        request.state,
        request.steps_done,
        count(request.steps.len() as u64, "step"),
        age(now.secs_since(request.created_at)),
        request.detail
    )
}

fn of_workflow(workflow: &WorkflowView) -> String {
    let state = if workflow.spec.enabled { "enabled" } else { "disabled" };
    let problems = match workflow.problems.len() {
        0 => String::new(),
        some => format!(", {}", count(some as u64, "problem")),
    };
    format!("{}: {state}, {} queued, {} running{problems}", workflow.full_name, workflow.queued, workflow.running)
}

fn of_node(node: &Node) -> String {
    let off = if node.is_on() { "" } else { ", disabled" };
    let holds = match node {
        Node::Team(team) => format!(", {}", count(team.services.into(), "service")),
        Node::Service(service) => format!(
            ", {}, {}",
            count(service.filters.into(), "filter"),
            count(service.open_incidents.into(), "open incident")
        ),
        Node::Filter(_) => String::new(),
    };
    format!("{} {}{holds}{off}", node.kind(), node.full_name())
}

fn of_operator(operator: &OperatorView) -> String {
    let parts = [
        operators::role(operator).to_owned(),
        operators::teams(operator),
        operator.unix_users.join(" "),
        if operator.enabled { String::new() } else { "disabled".to_owned() },
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}: {}", operator.name, parts.join(", "))
}

fn of_change(row: &AuditRow) -> String {
    let (target, detail) = (without_id(&row.target), &row.detail);
    format!("row {} at {}, {}: {} {target} {detail}", row.seq, moment(row.at), row.actor, row.action)
        .trim_end()
        .to_owned()
}

/// Nobody hears an id of 36 letters out where a name stands behind it; `show N` has it.
fn without_id(target: &str) -> String {
    let is_long = |word: &str| word.len() == 36 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    match target.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
        [kind, id, name] if is_long(id) => format!("{kind} {name}"),
        _ => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_out_as_words() {
        assert_eq!(spoken("SUSPENDED 5m"), "suspended 5m ago");
        assert_eq!(spoken("ROTATING 27/40"), "rotating, 27 of 40 hosts have moved");
        assert_eq!((spoken("EXPIRED"), spoken("NEEDS ROTATION")), ("expired".to_owned(), "needs rotation".to_owned()));
        assert_eq!(spoken("STARTS in 3d"), "starts in 3d");
    }

    #[test]
    fn a_long_id_is_left_out_only_where_a_name_stands_behind_it() {
        let id = "01a203dd-58d8-77ad-8023-c90cc16ecbe6";
        assert_eq!(without_id(&format!("incident {id} Disk  full on db")), "incident Disk  full on db");
        assert_eq!(without_id(&format!("service {id}")), format!("service {id}"));
        assert_eq!(without_id(id), id);
        assert_eq!(without_id("token s_kEQljyaTkX grafana"), "token s_kEQljyaTkX grafana");
    }
}
