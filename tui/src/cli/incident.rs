//! `tollgate incident`.

mod change;

use tollgate_shared::api::{IncidentView, Screen};
use tollgate_shared::id::TokenId;
use tollgate_shared::incident::{TimelineEntry, TimelineEvent};
use tollgate_shared::query::{FieldId, INCIDENTS, Query};

use self::change::Change;
use super::args::{Format, IncidentFilter, IncidentList, IncidentVerb};
use super::asked;
use super::context::{Context, Done};
use super::exit::Exit;
use super::table::{Table, facts, numbers, words};
use super::team::maintenance_words;
use super::when::When;
use crate::client::IncidentQuery;

pub(super) async fn run(cx: &mut Context<'_>, verb: IncidentVerb) -> Done {
    match verb {
        IncidentVerb::List(list) => self::list(cx, list).await,
        IncidentVerb::Show { incident } => show(cx, &incident).await,
        IncidentVerb::Ack(pick) => change::run(cx, pick, Change::Acknowledge).await,
        IncidentVerb::Unack(pick) => change::run(cx, pick, Change::Unacknowledge).await,
        IncidentVerb::Resolve { pick, comment } => change::run(cx, pick, Change::Resolve(comment)).await,
    }
}

fn query_of(state: Option<String>, filter: &IncidentFilter) -> IncidentQuery {
    IncidentQuery {
        state,
        service: filter.service.clone(),
        priority: filter.priority.clone(),
        token: filter.token.clone(),
        text: filter.text.clone(),
        since_secs: filter.since.map(|since| since.as_secs()),
        ..IncidentQuery::default()
    }
}

async fn list(cx: &mut Context<'_>, list: IncidentList) -> Done {
    let client = cx.client;
    let q = asked::text(cx, Screen::Incidents, &list.asked).await?;
    let asks_for_state = q.as_deref().and_then(|q| Query::parse(q, &INCIDENTS).ok());
    let asks_for_state = asks_for_state.is_some_and(|q| q.any_field(&|field, _| field == FieldId::State));
    let none = if list.state.is_none() && !list.all && !asks_for_state {
        "no open incidents; --all shows resolved ones"
    } else {
        "no such incidents"
    };
    let state = list.state.or_else(|| (!list.all && !asks_for_state).then(|| "open".to_owned()));
    let query = IncidentQuery { q, ..query_of(state, &list.filter) };
    let fetch = async |page| client.incidents(&IncidentQuery { page, ..query.clone() }).await;
    let done = cx.list(none, incidents, fetch).await;
    done.map_err(|error| asked::drawn_too(error, query.q.as_ref()))
}

async fn show(cx: &mut Context<'_>, reference: &str) -> Done {
    let incident = cx.client.incident(reference).await?;
    if cx.format != Format::Table {
        return cx.object(&incident, |_| Vec::new());
    }
    let when = cx.when();
    // Whoever sees the incident and not its service is told nothing of it.
    let service = cx.client.service(&incident.service.id).await.ok();
    let covered = service.map(|service| maintenance_words(&service, when)).unwrap_or_default();
    incident_facts(&incident, covered, when).iter().try_for_each(|line| cx.io.line(line))?;
    if !incident.description.is_empty() {
        cx.io.line("description")?;
        cx.io.body("  ", &incident.description)?;
    }
    cx.io.line("timeline")?;
    for entry in &incident.timeline {
        cx.io.line(&format!("  {}", entry_words(entry, when)))?;
    }
    Ok(Exit::Ok)
}

fn incidents(rows: &[IncidentView], when: When) -> Table {
    let columns = [
        words("ID"),
        words("PRIO"),
        words("STATE"),
        words("SERVICE"),
        numbers("CALLS"),
        words("LAST CALL"),
        words("TITLE"),
    ];
    let mut table = Table::new(columns);
    for incident in rows {
        let head = &incident.head;
        table.row([
            short_id(&head.id.to_string(), when.relative),
            head.priority.to_string(),
            head.state.to_string(),
            incident.service.name.clone(),
            head.occurrences.to_string(),
            when.of(head.last_seen),
            head.title.clone(),
        ]);
    }
    table
}

/// The end of an id: a hint that the daemon takes. Its beginning is the time and the same for neighbours.
fn short_id(id: &str, is_short: bool) -> String {
    if is_short { id.get(id.len().saturating_sub(8)..).unwrap_or(id).to_owned() } else { id.to_owned() }
}

fn incident_facts(incident: &IncidentView, maintenance: String, when: When) -> Vec<String> {
    let head = &incident.head;
    facts(&[
        ("title", head.title.clone()),
        ("id", head.id.to_string()),
        ("state", head.state.to_string()),
        ("priority", format!("{}, urgency {}", head.priority, incident.urgency)),
        ("service", incident.service.name.clone()),
        ("maintenance", maintenance),
        ("filter", incident.filter.name.clone()),
        ("token", format!("{}  {}", incident.token.name, incident.token.id)),
        ("key", head.key.clone().unwrap_or_else(|| "none: every trigger opens a new one".to_owned())),
        ("calls", format!("{}, and {} duplicates", head.occurrences, head.duplicates)),
        ("overflow", if head.overflow { "takes what exceeds a limit".to_owned() } else { String::new() }),
        ("first call", when.full(head.first_seen)),
        ("last call", when.full(head.last_seen)),
        ("resolved", head.resolved_at.map(|at| when.full(at)).unwrap_or_default()),
    ])
}

fn entry_words(entry: &TimelineEntry, when: When) -> String {
    let event = match &entry.event {
        TimelineEvent::Opened { token: TokenId::DAEMON, .. } => "opened by tollgated itself".to_owned(),
        TimelineEvent::Opened { call, token } => format!("opened by call {call} of {token}"),
        TimelineEvent::Attached { call, token } => format!("attached: call {call} of {token}"),
        TimelineEvent::Raised { from, to } => format!("raised from {from} to {to}"),
        TimelineEvent::Acknowledged { by } => format!("acknowledged by {by}"),
        TimelineEvent::Unacknowledged { by } => format!("given back by {by}"),
        TimelineEvent::ResolvedByCall { call, token, .. } => format!("resolved by call {call} of {token}"),
        TimelineEvent::ResolvedBy { by, comment: Some(comment) } => format!("resolved by {by}: {comment}"),
        TimelineEvent::ResolvedBy { by, comment: None } => format!("resolved by {by}"),
    };
    match entry.count {
        0 | 1 => format!("{}  {event}", when.row(entry.at)),
        count => format!("{}  {event} ({count} calls, the last {})", when.row(entry.at), when.row(entry.last_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_its_random_end() {
        let id = "0192f3c4-5a6b-7c8d-9e0f-112233445566";
        assert_eq!(short_id(id, true), "33445566");
        assert_eq!(short_id(id, false), id);
    }
}
