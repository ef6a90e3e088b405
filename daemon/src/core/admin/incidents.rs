//! Incidents by hand: acknowledge, give back, resolve, one or many (domain.md §6). Resolved is final.

use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::limits::BULK_INCIDENTS_MAX;
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, comment_of};
use crate::core::access::{Actor, Operation, allows, service_target};

/// What can be done to an open incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentAction {
    /// Somebody is on it.
    Acknowledge,
    /// Nobody is on it any more.
    Unacknowledge,
    /// Close it for good, with words.
    Resolve(Option<String>),
}

impl IncidentAction {
    fn state(&self) -> IncidentState {
        match self {
            Self::Acknowledge => IncidentState::Acknowledged,
            Self::Unacknowledge => IncidentState::Triggered,
            Self::Resolve(_) => IncidentState::Resolved,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Acknowledge => "incident.acknowledge",
            Self::Unacknowledge => "incident.unacknowledge",
            Self::Resolve(_) => "incident.resolve",
        }
    }

    fn event(&self, by: String) -> TimelineEvent {
        match self {
            Self::Acknowledge => TimelineEvent::Acknowledged { by },
            Self::Unacknowledge => TimelineEvent::Unacknowledged { by },
            Self::Resolve(comment) => TimelineEvent::ResolvedBy { by, comment: comment.clone() },
        }
    }

    /// The same with its words checked.
    fn checked(self) -> Result<Self, Problem> {
        match self {
            Self::Resolve(comment) => comment_of("comment", comment).map(Self::Resolve),
            other => Ok(other),
        }
    }
}

pub(super) fn acknowledge(office: &mut Office<'_>, actor: &Actor, id: IncidentId) -> Result<Done, Problem> {
    one(office, actor, id, &IncidentAction::Acknowledge)
}

pub(super) fn unacknowledge(office: &mut Office<'_>, actor: &Actor, id: IncidentId) -> Result<Done, Problem> {
    one(office, actor, id, &IncidentAction::Unacknowledge)
}

pub(super) fn resolve(
    office: &mut Office<'_>,
    actor: &Actor,
    id: IncidentId,
    comment: Option<String>,
) -> Result<Done, Problem> {
    one(office, actor, id, &IncidentAction::Resolve(comment).checked()?)
}

fn one(office: &mut Office<'_>, actor: &Actor, id: IncidentId, action: &IncidentAction) -> Result<Done, Problem> {
    let head = open_head(office, id)?;
    let target = format!("incident {id} {}", head.title);
    if change(office, actor, head, action) {
        office.write(actor, &[], action.name(), target, String::new());
    }
    Ok(Done { changes: Vec::new(), reply: Reply::Incident(id) })
}

/// One change to many incidents, all or nothing where one of them is out of reach; one that is no longer open is left
/// out. The audit has one row for all: each incident's own timeline says who.
pub(super) fn bulk(
    office: &mut Office<'_>,
    actor: &Actor,
    ids: &[IncidentId],
    action: IncidentAction,
) -> Result<Done, Problem> {
    if ids.len() > BULK_INCIDENTS_MAX {
        let message = format!("{} incidents; {BULK_INCIDENTS_MAX} at once", ids.len());
        return Err(super::invalid("incidents", message));
    }
    let action = action.checked()?;
    let open = ids.iter().filter_map(|id| office.view.incident(*id)).filter(|head| head.state.is_open());
    let heads: Vec<IncidentHead> = open.collect();
    for head in &heads {
        allows(actor, Operation::ChangeIncidents, service_target(office.registry, head.service))?;
    }
    let mut changed = Vec::new();
    for head in heads {
        let id = head.id;
        if change(office, actor, head, &action) {
            changed.push(id);
        }
    }
    if let (Some(first), Some(last)) = (changed.first(), changed.last()) {
        let target = format!("{} incidents", changed.len());
        office.write(actor, &[], action.name(), target, format!("in one change: {first} to {last}"));
    }
    let count = u32::try_from(changed.len()).unwrap_or(u32::MAX);
    Ok(Done { changes: Vec::new(), reply: Reply::Incidents(count) })
}

/// False where it is so already.
fn change(office: &mut Office<'_>, actor: &Actor, mut head: IncidentHead, action: &IncidentAction) -> bool {
    let (id, to) = (head.id, action.state());
    if head.state == to {
        return false;
    }
    head.state = to;
    head.resolved_at = (to == IncidentState::Resolved).then_some(office.now);
    office.view.put_incident(head);
    let event = action.event(actor.name.clone());
    office.view.add_timeline(id, TimelineEntry { at: office.now, last_at: office.now, count: 1, event });
    true
}

fn open_head(office: &Office<'_>, id: IncidentId) -> Result<IncidentHead, Problem> {
    office.view.incident(id).filter(|head| head.state.is_open()).ok_or_else(|| {
        let detail = "the incident is not open; resolved is final, the next trigger opens a new one";
        Problem::new(Slug::Conflict, detail)
    })
}
