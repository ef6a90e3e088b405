//! Incidents by hand: acknowledge, give back, resolve (domain.md §6). Resolved is final.

use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, comment_of};
use crate::core::access::Actor;

pub(super) fn acknowledge(office: &mut Office<'_>, actor: &Actor, id: IncidentId) -> Result<Done, Problem> {
    let event = TimelineEvent::Acknowledged { by: actor.name.clone() };
    change(office, actor, id, IncidentState::Acknowledged, event, "incident.acknowledge")
}

pub(super) fn unacknowledge(office: &mut Office<'_>, actor: &Actor, id: IncidentId) -> Result<Done, Problem> {
    let event = TimelineEvent::Unacknowledged { by: actor.name.clone() };
    change(office, actor, id, IncidentState::Triggered, event, "incident.unacknowledge")
}

pub(super) fn resolve(
    office: &mut Office<'_>,
    actor: &Actor,
    id: IncidentId,
    comment: Option<String>,
) -> Result<Done, Problem> {
    let comment = comment_of("comment", comment)?;
    let event = TimelineEvent::ResolvedBy { by: actor.name.clone(), comment };
    change(office, actor, id, IncidentState::Resolved, event, "incident.resolve")
}

fn change(
    office: &mut Office<'_>,
    actor: &Actor,
    id: IncidentId,
    to: IncidentState,
    event: TimelineEvent,
    action: &str,
) -> Result<Done, Problem> {
    let mut head = open_head(office, id)?;
    if head.state != to {
        head.state = to;
        head.resolved_at = (to == IncidentState::Resolved).then_some(office.now);
        let target = format!("incident {id} {}", head.title);
        office.view.put_incident(head);
        let entry = TimelineEntry { at: office.now, last_at: office.now, count: 1, event };
        office.view.add_timeline(id, entry);
        office.write(actor, &[], action, target, String::new());
    }
    Ok(Done { changes: Vec::new(), reply: Reply::Incident(id) })
}

fn open_head(office: &Office<'_>, id: IncidentId) -> Result<IncidentHead, Problem> {
    office.view.incident(id).filter(|head| head.state.is_open()).ok_or_else(|| {
        let detail = "the incident is not open; resolved is final, the next trigger opens a new one";
        Problem::new(Slug::Conflict, detail)
    })
}
