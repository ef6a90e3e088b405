//! Carrying a plan out: resolve, attach, create; and judging later whether that still stands.

use std::net::IpAddr;

use tollgate_shared::api::ServiceResult;
use tollgate_shared::id::{CallId, FilterId, IncidentId, ServiceId, TokenId};
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::limits::{OPEN_PER_SERVICE_MAX, OPEN_TOTAL_MAX};
use tollgate_shared::outcome::Outcome;

use super::Bench;
use crate::core::call::Call;
use crate::core::decision::{Decision, Proposal};
use crate::core::maintenance;
use crate::core::model::{Effect, IncidentBody, Maintenance, Token};
use crate::core::routing::{Plan, ServicePlan, TriggerPlan};
use crate::store::View;

/// What was done, and what of it deduplication shall remember.
pub(super) struct Done {
    pub(super) decision: Decision,
    pub(super) effects: Vec<Effect>,
    /// What the log's list says where there is nothing but what maintenance has suppressed.
    suppressed: Option<String>,
}

/// Whose doing an incident is.
#[derive(Clone, Copy)]
pub struct Origin<'c> {
    /// The call.
    pub call: CallId,
    /// Its token.
    pub token: TokenId,
    /// From where it came.
    pub source_ip: IpAddr,
    /// What maintenance tags are looked for in.
    pub payload: &'c Call,
}

impl<'c> Origin<'c> {
    fn of(proposal: &'c Proposal) -> Self {
        let payload = &proposal.content.call;
        Self { call: proposal.call, token: proposal.token, source_ip: proposal.source_ip, payload }
    }
}

/// Opens one incident, or attaches to the open one with its key, outside of a plan. Gives its id; none where the service
/// is under maintenance.
pub fn fire_once(
    bench: &mut Bench<'_>,
    origin: &Origin<'_>,
    service: ServiceId,
    trigger: &TriggerPlan,
) -> Option<IncidentId> {
    let mut done = Done { decision: Decision::of(Outcome::NoMatch), effects: Vec::new(), suppressed: None };
    fire(bench, origin, service, trigger, &mut done);
    done.effects.first().map(|effect| effect.incident)
}

/// Does what the plan says, service by service.
pub(super) fn carry_out(bench: &mut Bench<'_>, proposal: &Proposal, plan: &Plan) -> Done {
    let mut done = Done { decision: Decision::of(Outcome::NoMatch), effects: Vec::new(), suppressed: None };
    for service in &plan.services {
        if !resolve(bench, proposal, service, &mut done)
            && let Some(trigger) = &service.trigger
        {
            fire(bench, &Origin::of(proposal), service.service, trigger, &mut done);
        }
    }
    done.decision.title = done.decision.title.take().or_else(|| done.suppressed.take());
    done
}

/// Acknowledges what is triggered under the call's keys. It is no outcome of its own: nothing is opened or closed, and the
/// log's list says it in words.
pub(super) fn acknowledge(bench: &mut Bench<'_>, proposal: &Proposal, token: &Token, done: &mut Done) {
    for (service, key) in &proposal.acknowledges {
        let open = bench.view.open_incident(*service, key).and_then(|id| bench.view.incident(id));
        let Some(mut head) = open.filter(|head| head.state == IncidentState::Triggered) else { continue };
        head.state = IncidentState::Acknowledged;
        done.decision.title.get_or_insert_with(|| format!("acknowledged: {}", head.title));
        done.decision.key = done.decision.key.take().or_else(|| head.key.clone());
        let event = TimelineEvent::Acknowledged { by: format!("token {} {}", token.name, token.id) };
        bench.view.add_timeline(head.id, single(bench, event));
        bench.view.put_incident(head);
    }
}

/// True while what the effect left behind is still so.
pub(super) fn stands(view: &dyn View, effect: &Effect) -> bool {
    match &effect.key {
        Some(key) => view.open_incident(effect.service, key) == effect.open_after,
        None => view.incident(effect.incident).is_some_and(|head| head.state.is_open()),
    }
}

/// The resolve phase of one service: closes every open incident with one of the keys. True where at least one was.
fn resolve(bench: &mut Bench<'_>, proposal: &Proposal, plan: &ServicePlan, done: &mut Done) -> bool {
    let mut any = false;
    for (filter, key) in &plan.resolves {
        let Some(id) = bench.view.open_incident(plan.service, key) else { continue };
        let Some(mut head) = bench.view.incident(id) else { continue };
        head.state = IncidentState::Resolved;
        head.last_seen = bench.now;
        head.resolved_at = Some(bench.now);
        done.note(&head, Outcome::Resolved, *filter, None);
        bench.view.put_incident(head);
        let event = TimelineEvent::ResolvedByCall { call: proposal.call, token: proposal.token, filter: *filter };
        bench.view.add_timeline(id, single(bench, event));
        any = true;
    }
    any
}

/// Where a trigger goes.
enum Target {
    /// Into an open incident.
    Attach(IncidentHead),
    /// Into a new one of its own.
    Open,
    /// Into a new one that gathers what exceeds the limits.
    OpenOverflow,
}

/// The trigger phase of one service: attaches to the open incident with the key, or opens one.
fn fire(bench: &mut Bench<'_>, origin: &Origin<'_>, service: ServiceId, trigger: &TriggerPlan, done: &mut Done) {
    let planned = bench.registry.maintenances_of(service);
    if let Some(one) = maintenance::in_force(planned, origin.payload, bench.now) {
        return done.suppress(service, trigger, one);
    }
    match target(bench, origin, service, trigger) {
        Target::Attach(head) => attach(bench, origin, head, trigger, done),
        Target::Open => open(bench, origin, service, trigger, false, done),
        Target::OpenOverflow => open(bench, origin, service, trigger, true, done),
    }
}

fn target(bench: &mut Bench<'_>, origin: &Origin<'_>, service: ServiceId, trigger: &TriggerPlan) -> Target {
    let by_key = trigger.key.as_ref().and_then(|key| bench.view.open_incident(service, key));
    if let Some(head) = by_key.and_then(|id| bench.view.incident(id)) {
        return Target::Attach(head);
    }
    if !is_beyond_limits(bench, origin, service, trigger) {
        return Target::Open;
    }
    let overflow = bench.view.overflow_incident(service).and_then(|id| bench.view.incident(id));
    overflow.map_or(Target::OpenOverflow, Target::Attach)
}

/// True where the limits of §6 say that no further incident of its own may be opened.
fn is_beyond_limits(bench: &mut Bench<'_>, origin: &Origin<'_>, service: ServiceId, trigger: &TriggerPlan) -> bool {
    let full = bench.view.open_count(service) >= OPEN_PER_SERVICE_MAX || bench.view.open_total() >= OPEN_TOTAL_MAX;
    full || (trigger.key.is_none() && !bench.pace.may_open(origin.token, service, bench.now))
}

fn attach(bench: &mut Bench<'_>, origin: &Origin<'_>, mut head: IncidentHead, trigger: &TriggerPlan, done: &mut Done) {
    let (id, before) = (head.id, head.priority);
    head.occurrences += 1;
    head.last_seen = bench.now;
    head.priority = before.min(trigger.priority);
    let raised = (head.priority != before).then_some(head.priority);
    done.note(&head, Outcome::Attached, trigger.filter, Some(id));
    bench.view.put_incident(head);
    let attached = TimelineEvent::Attached { call: origin.call, token: origin.token };
    bench.view.add_timeline(id, single(bench, attached));
    if let Some(to) = raised {
        bench.view.add_timeline(id, single(bench, TimelineEvent::Raised { from: before, to }));
    }
}

fn open(
    bench: &mut Bench<'_>,
    origin: &Origin<'_>,
    service: ServiceId,
    trigger: &TriggerPlan,
    overflow: bool,
    done: &mut Done,
) {
    let id = IncidentId((bench.new_id)());
    let head = IncidentHead {
        id,
        service,
        filter: trigger.filter,
        token: origin.token,
        key: trigger.key.clone().filter(|_| !overflow),
        title: if overflow { OVERFLOW_TITLE.to_owned() } else { trigger.title.clone() },
        priority: trigger.priority,
        state: IncidentState::Triggered,
        overflow,
        occurrences: 1,
        duplicates: 0,
        first_seen: bench.now,
        last_seen: bench.now,
        resolved_at: None,
    };
    done.note(&head, Outcome::Created, trigger.filter, Some(id));
    bench.view.put_incident(head);
    let body = IncidentBody { description: trigger.description.clone(), source_ip: origin.source_ip };
    bench.view.put_incident_body(id, body);
    let opened = TimelineEvent::Opened { call: origin.call, token: origin.token };
    bench.view.add_timeline(id, single(bench, opened));
}

/// What the incident says that takes everything beyond the limits.
const OVERFLOW_TITLE: &str = "Overflow: more incidents than the limit of this service; further calls are gathered here";

fn single(bench: &Bench<'_>, event: TimelineEvent) -> TimelineEntry {
    TimelineEntry { at: bench.now, last_at: bench.now, count: 1, event }
}

impl Done {
    /// A trigger under maintenance: it is listed, and nothing is opened or attached to.
    fn suppress(&mut self, service: ServiceId, trigger: &TriggerPlan, by: &Maintenance) {
        let outcome = Outcome::Suppressed;
        self.decision.results.push(ServiceResult { service, outcome, incident: None, filter: trigger.filter });
        self.decision.outcome = self.decision.outcome.min(outcome);
        self.suppressed.get_or_insert_with(|| format!("suppressed, {}: {}", by.words(), trigger.title));
    }

    /// Notes one result; the strongest outcome of all is the call's.
    fn note(&mut self, head: &IncidentHead, outcome: Outcome, filter: FilterId, open_after: Option<IncidentId>) {
        let result = ServiceResult { service: head.service, outcome, incident: Some(head.id), filter };
        self.decision.results.push(result);
        self.decision.outcome = self.decision.outcome.min(outcome);
        self.decision.title.get_or_insert_with(|| head.title.clone());
        let key = head.key.clone();
        self.decision.key = self.decision.key.take().or_else(|| key.clone());
        self.effects.push(Effect { service: head.service, key, open_after, incident: head.id });
    }
}
