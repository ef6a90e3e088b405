use std::cell::Cell;

use serde_json::{Value, json};
use tollgate_shared::api::{RevokeToken, RotateToken, ServicePatch, TokenPatch};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::incident::{IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::limits::OPEN_PER_SERVICE_MAX;
use tollgate_shared::priority::Priority;
use tollgate_shared::token::Scope;

use super::*;
use crate::core::admin::{Command, TokenCommand};
use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::IdempotencyKey;
use crate::core::model::{IncidentBody, RegistryChange, UsageRecord};
use crate::core::testing::{Basics, START, World, fire, new_token, recover, spec, unkeyed};
use crate::core::workflows::{RequestBrief, RequestRecord, StepOutput};
use tollgate_shared::id::{IncidentId, RequestId, ServiceId, TokenId};
use tollgate_shared::incident::IncidentHead;

fn outcomes(decisions: &[Decision]) -> Vec<Outcome> {
    decisions.iter().map(|decision| decision.outcome).collect()
}

fn with(mut body: Value, name: &str, value: &str) -> Value {
    body[name] = json!(value);
    body
}

fn edit(world: &mut World, token: TokenId, patch: TokenPatch) {
    assert!(world.admin(Command::Token(TokenCommand::Edit(token.to_string(), Box::new(patch), None))).is_ok());
}

fn without_dedup(world: &mut World, basics: &Basics) {
    edit(world, basics.token, TokenPatch { dedup_window_secs: Some(0), ..TokenPatch::default() });
}

// --- deduplication, domain.md section 4 ---

#[test]
fn the_window_is_fixed_and_does_not_slide() {
    let (mut world, b) = World::new();
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Created);
    for _ in 0..5 {
        world.wait(100);
        assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Duplicate);
    }
    world.wait(99);
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Duplicate);
    world.wait(1);
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Attached, "600 s after the first accepted call");
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Duplicate, "a new window has begun");
}

#[test]
fn a_call_is_remembered_only_if_it_had_an_effect() {
    let (mut world, b) = World::new();
    assert_eq!(world.call(b.token, &recover("a")).outcome, Outcome::NoMatch);
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Created);
    assert_eq!(
        world.call(b.token, &recover("a")).outcome,
        Outcome::Resolved,
        "the recovery without effect is forgotten"
    );
}

#[test]
fn after_a_filter_is_fixed_sending_the_same_call_again_works() {
    let (mut world, b) = World::new();
    let body = json!({ "state": "bad" });
    assert_eq!(world.call(b.token, &body).outcome, Outcome::NoMatch);
    let mut fixed = spec("fixed");
    fixed.trigger.conditions[0].path = "state".to_owned();
    fixed.trigger.conditions[0].values = vec!["bad".to_owned()];
    world.filter("Ops/DB", fixed);
    assert_eq!(world.call(b.token, &body).outcome, Outcome::Created);
}

#[test]
fn fire_recover_fire_recover_inside_the_window_opens_and_closes_twice() {
    let (mut world, b) = World::new();
    for body in [fire("a"), recover("a"), fire("a"), recover("a")] {
        world.wait(10);
        world.call(b.token, &body);
    }
    let heads = world.incidents();
    assert_eq!(heads.iter().map(|head| head.state).collect::<Vec<_>>(), [IncidentState::Resolved; 2]);
    assert_eq!(world.call(b.token, &recover("a")).outcome, Outcome::Duplicate, "nothing has opened since");
}

#[test]
fn fire_recover_fire_in_one_batch_gives_created_resolved_created() {
    let (mut world, b) = World::new();
    let decisions = world.batch(b.token, &[fire("a"), recover("a"), fire("a")]);
    assert_eq!(outcomes(&decisions), [Outcome::Created, Outcome::Resolved, Outcome::Created]);
    assert_eq!(world.incidents().len(), 2);
}

#[test]
fn of_two_equal_calls_exactly_one_takes_effect() {
    let (mut world, b) = World::new();
    let decisions = world.batch(b.token, &[fire("a"), fire("a")]);
    assert_eq!(outcomes(&decisions), [Outcome::Created, Outcome::Duplicate]);
    assert_eq!(world.incidents()[0].occurrences, 1);
}

#[test]
fn a_window_of_zero_is_off() {
    let (mut world, b) = World::new();
    without_dedup(&mut world, &b);
    let decisions = world.batch(b.token, &[fire("a"), fire("a")]);
    assert_eq!(outcomes(&decisions), [Outcome::Created, Outcome::Attached]);
}

#[test]
fn a_window_closed_while_the_call_waits_counts_as_closed() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    let waiting = world.proposal(b.token, &fire("a"));
    without_dedup(&mut world, &b);
    assert_eq!(world.decide(&[waiting])[0].outcome, Outcome::Attached);
}

#[test]
fn a_duplicate_counts_on_the_open_incident_and_changes_nothing_else() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    let before = world.incidents().remove(0);
    world.wait(5);
    let decision = world.call(b.token, &fire("a"));
    assert_eq!((decision.outcome, decision.results.len()), (Outcome::Duplicate, 0));
    assert_eq!(world.incidents(), [IncidentHead { duplicates: 1, ..before }]);
}

#[test]
fn a_repeated_recovery_does_not_count_on_what_is_resolved_in_the_same_batch_either() {
    let (mut world, b) = World::new();
    world.batch(b.token, &[fire("a"), recover("a"), recover("a")]);
    assert_eq!(world.incidents()[0].duplicates, 0);
    world.call(b.token, &recover("a"));
    assert_eq!(world.incidents()[0].duplicates, 0);
}

#[test]
fn an_incident_resolved_by_hand_ends_the_duplicates() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    let id = world.incidents()[0].id;
    assert!(world.admin(Command::Resolve(id, None)).is_ok());
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Created);
}

#[test]
fn deduplication_is_scoped_to_the_token() {
    let (mut world, b) = World::new();
    let other = world.token(new_token("other", "service:Ops/DB"));
    world.call(b.token, &fire("a"));
    assert_eq!(world.call(other, &fire("a")).outcome, Outcome::Attached);
}

#[test]
fn deduplication_survives_a_restart() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    world.restart();
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Duplicate);
}

// --- evaluation over open state, domain.md section 3 ---

#[test]
fn a_disabled_service_is_skipped() {
    let (mut world, b) = World::new();
    assert!(world.admin(Command::EditService("Ops/DB".to_owned(), ServicePatch { enabled: Some(false) })).is_ok());
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::NoMatch);
}

#[test]
fn a_service_where_something_was_resolved_is_done_and_others_are_not() {
    let (mut world, b) = World::new();
    world.service("Ops", "Net");
    world.filter("Ops/Net", spec("alerts"));
    // A second filter of the first service opens at what the first one resolves by.
    let mut clumsy = spec("clumsy");
    clumsy.trigger.conditions[0].values = vec!["resolved".to_owned()];
    clumsy.resolve = None;
    world.filter("Ops/DB", clumsy.clone());
    world.filter("Ops/Net", clumsy);
    let team = world.token(new_token("team", "team:Ops"));
    world.call(b.token, &fire("a"));
    let decision = world.call(team, &recover("a"));
    let by_service: Vec<_> = decision.results.iter().map(|r| (r.service == b.service, r.outcome)).collect();
    assert_eq!(by_service, [(true, Outcome::Resolved), (false, Outcome::Created)]);
}

#[test]
fn a_recovery_that_finds_nothing_open_leaves_the_trigger_phase_to_other_filters() {
    let (mut world, b) = World::new();
    let mut clumsy = spec("clumsy");
    clumsy.trigger.conditions[0].values = vec!["resolved".to_owned()];
    clumsy.resolve = None;
    world.filter("Ops/DB", clumsy);
    assert_eq!(world.call(b.token, &recover("a")).outcome, Outcome::Created);
}

#[test]
fn a_resolve_part_without_a_key_resolves_nothing() {
    let (mut world, b) = World::new();
    world.batch(b.token, &[fire("a"), unkeyed("b")]);
    assert_eq!(world.call(b.token, &json!({ "status": "resolved" })).outcome, Outcome::NoMatch);
    assert!(world.incidents().iter().all(|head| head.state.is_open()));
}

#[test]
fn attach_raises_the_priority_and_never_lowers_it() {
    let (mut world, b) = World::new();
    let mut seen = Vec::new();
    for severity in ["warning", "critical", "info"] {
        world.call(b.token, &with(fire("a"), "severity", severity));
        seen.push(world.incidents()[0].priority);
    }
    assert_eq!(seen, [Priority::P3, Priority::P1, Priority::P1]);
    let head = world.incidents().remove(0);
    assert_eq!((head.occurrences, head.last_seen), (3, world.now));
    let (_, _, timeline) = world.store.reader().incident(head.id).unwrap().unwrap();
    let raised =
        |entry: &&TimelineEntry| matches!(entry.event, TimelineEvent::Raised { from: Priority::P3, to: Priority::P1 });
    assert_eq!(timeline.iter().filter(raised).count(), 1);
}

#[test]
fn acknowledged_stays_acknowledged_when_a_call_attaches() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    let id = world.incidents()[0].id;
    assert!(world.admin(Command::Acknowledge(id)).is_ok());
    assert_eq!(world.call(b.token, &with(fire("a"), "severity", "fatal")).outcome, Outcome::Attached);
    assert_eq!(world.incidents()[0].state, IncidentState::Acknowledged);
}

#[test]
fn resolved_is_final_and_the_next_trigger_opens_a_new_incident() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    world.call(b.token, &recover("a"));
    let first = world.incidents().remove(0);
    assert_eq!((first.state, first.resolved_at), (IncidentState::Resolved, Some(START)));
    world.call(b.token, &fire("a"));
    let heads = world.incidents();
    assert_eq!((heads.len(), &heads[0]), (2, &first));
    assert_eq!(world.refused(Command::Acknowledge(first.id)).status, 409);
}

#[test]
fn a_key_counts_within_the_service_not_the_filter() {
    let (mut world, b) = World::new();
    let mut other = spec("other");
    other.trigger.conditions[0].values = vec!["broken".to_owned()];
    other.resolve.as_mut().unwrap().conditions[0].values = vec!["mended".to_owned()];
    world.filter("Ops/DB", other);
    world.call(b.token, &fire("a"));
    assert_eq!(world.call(b.token, &with(fire("a"), "status", "broken")).outcome, Outcome::Attached);
    assert_eq!(world.call(b.token, &with(fire("a"), "status", "mended")).outcome, Outcome::Resolved);
}

#[test]
fn a_key_does_not_reach_into_another_service() {
    let (mut world, b) = World::new();
    world.service("Ops", "Net");
    world.filter("Ops/Net", spec("alerts"));
    let net = world.token(new_token("net", "service:Ops/Net"));
    world.call(b.token, &fire("a"));
    assert_eq!(world.call(net, &recover("a")).outcome, Outcome::NoMatch);
    assert_eq!(world.call(net, &fire("a")).outcome, Outcome::Created);
}

#[test]
fn a_trigger_without_a_key_always_opens_a_new_incident() {
    let (mut world, b) = World::new();
    let decisions = world.batch(b.token, &[unkeyed("a"), unkeyed("b")]);
    assert_eq!(outcomes(&decisions), [Outcome::Created; 2]);
    assert_eq!(world.call(b.token, &unkeyed("a")).outcome, Outcome::Duplicate, "while its incident is open");
}

#[test]
fn services_are_evaluated_in_order_of_team_then_service() {
    let (mut world, _) = World::new();
    for (team, service) in [("Net", "Edge"), ("Ops", "Web")] {
        if team == "Net" {
            world.team(team);
        }
        world.service(team, service);
        world.filter(&format!("{team}/{service}"), spec("alerts"));
    }
    let global = world.token(new_token("all", "global"));
    let decision = world.call(global, &fire("a"));
    let order: Vec<_> = decision
        .results
        .iter()
        .map(|result| (world.registry.service(result.service).unwrap().service.team, result.service))
        .collect();
    assert_eq!(order.len(), 3);
    assert!(order.is_sorted());
}

// --- limits, domain.md section 6 ---

#[test]
fn beyond_100_unkeyed_incidents_a_minute_calls_go_to_one_overflow_incident() {
    let (mut world, b) = World::new();
    let bodies: Vec<_> = (0..130).map(|n| unkeyed(&format!("alert {n}"))).collect();
    let decisions = world.batch(b.token, &bodies);
    let created = decisions.iter().filter(|decision| decision.outcome == Outcome::Created).count();
    assert_eq!(created, 101);
    let heads = world.incidents();
    let overflow: Vec<_> = heads.iter().filter(|head| head.overflow).collect();
    assert_eq!((heads.len(), overflow.len(), overflow[0].occurrences), (101, 1, 30));
    assert!(overflow[0].title.contains("Overflow"));
    assert_eq!(world.call(b.token, &fire("keyed")).outcome, Outcome::Created, "a key is not paced");
    world.wait(60);
    assert_eq!(world.call(b.token, &unkeyed("next minute")).outcome, Outcome::Created);
    assert_eq!(world.incidents().iter().filter(|head| !head.overflow).count(), 102);
}

#[test]
fn the_hundred_of_a_minute_are_those_of_the_last_60_seconds() {
    let (mut world, b) = World::new();
    let storm = |world: &mut World, name: &str| {
        let bodies: Vec<_> = (0..60).map(|n| unkeyed(&format!("{name} {n}"))).collect();
        let decided = world.batch(b.token, &bodies);
        decided.iter().filter(|decision| decision.outcome == Outcome::Created).count()
    };
    assert_eq!(storm(&mut world, "a"), 60);
    world.wait(30);
    assert_eq!(storm(&mut world, "b"), 41, "the hundred, and the one that takes the others");
    world.wait(30);
    assert_eq!(storm(&mut world, "c"), 60, "those of a minute ago count no more");
    world.wait(29);
    assert_eq!(storm(&mut world, "d"), 0, "forty and sixty are a hundred still");
}

#[test]
fn the_pace_is_counted_for_each_token_and_service_on_its_own() {
    let (token, other): (TokenId, TokenId) = ("s_0000000001".parse().unwrap(), "s_0000000002".parse().unwrap());
    let (db, net) = (ServiceId(Uuid::from_u128(1)), ServiceId(Uuid::from_u128(2)));
    let mut pace = Pace::default();
    assert_eq!((0..200).filter(|_| pace.may_open(token, db, START)).count(), 100);
    assert!(pace.may_open(other, db, START) && pace.may_open(token, net, START));
    assert!(!pace.may_open(token, db, START));
}

/// A view whose service is full: it has 10,000 open incidents, of which it knows those that were put.
#[derive(Default)]
struct FullView {
    heads: Vec<IncidentHead>,
    asked: Cell<u32>,
}

impl View for FullView {
    fn open_incident(&self, _: ServiceId, key: &str) -> Option<IncidentId> {
        self.heads.iter().find(|head| head.key.as_deref() == Some(key)).map(|head| head.id)
    }
    fn incident(&self, id: IncidentId) -> Option<IncidentHead> {
        self.heads.iter().find(|head| head.id == id).cloned()
    }
    fn open_count(&self, _: ServiceId) -> u32 {
        self.asked.set(self.asked.get() + 1);
        OPEN_PER_SERVICE_MAX
    }
    fn open_total(&self) -> usize {
        OPEN_PER_SERVICE_MAX as usize
    }
    fn overflow_incident(&self, _: ServiceId) -> Option<IncidentId> {
        self.heads.iter().find(|head| head.overflow).map(|head| head.id)
    }
    fn dedup(&self, _: TokenId, _: &Fingerprint) -> Option<DedupEntry> {
        None
    }
    fn request(&self, _: RequestId) -> Option<Arc<RequestRecord>> {
        None
    }
    fn unfinished(&self) -> Vec<RequestId> {
        Vec::new()
    }
    fn unfinished_load(&self) -> (usize, u64) {
        (0, 0)
    }
    fn started_by(&self, _: TokenId, _: &Fingerprint) -> Vec<RequestBrief> {
        Vec::new()
    }
    fn put_request(&mut self, _: RequestRecord) {}
    fn put_request_payload(&mut self, _: RequestId, _: String) {}
    fn drop_request_payload(&mut self, _: RequestId) {}
    fn put_request_output(&mut self, _: RequestId, _: usize, _: StepOutput) {}
    fn answered(&self, _: &IdempotencyKey) -> Option<Answered> {
        None
    }
    fn remember_answer(&mut self, _: IdempotencyKey, _: StoredAnswer) {}
    fn put_incident(&mut self, head: IncidentHead) {
        self.heads.retain(|other| other.id != head.id);
        self.heads.push(head);
    }
    fn put_incident_body(&mut self, _: IncidentId, _: IncidentBody) {}
    fn add_timeline(&mut self, _: IncidentId, _: TimelineEntry) {}
    fn remember(&mut self, _: TokenId, _: Fingerprint, _: DedupEntry) {}
    fn put_registry(&mut self, _: RegistryChange) {}
    fn put_usage(&mut self, _: TokenId, _: UsageRecord) {}
    fn audit(&mut self, _: AuditRow) -> u64 {
        0
    }
    fn next_log_seq(&mut self) -> u64 {
        0
    }
}

#[test]
fn beyond_10_000_open_incidents_keyed_calls_attach_to_the_overflow_incident_too() {
    let (mut world, b) = World::new();
    let mut view = FullView::default();
    let mut ids = 0;
    let mut outcomes = Vec::new();
    for key in ["a", "b", "c"] {
        let proposal = world.proposal(b.token, &fire(key));
        let mut new_id = || {
            ids += 1;
            Uuid::from_u128(ids)
        };
        let (registry, now) = (&world.registry, world.now);
        let mut bench = Bench { registry, view: &mut view, pace: &mut world.pace, new_id: &mut new_id, now };
        outcomes.push(decide(&mut bench, &proposal).outcome);
    }
    assert_eq!(outcomes, [Outcome::Created, Outcome::Attached, Outcome::Attached]);
    assert_eq!((view.heads.len(), view.heads[0].occurrences, &view.heads[0].key), (1, 3, &None));
    assert_eq!(view.asked.get(), 3);
}

#[test]
fn a_call_that_matches_in_more_than_10_000_services_is_refused_whole() {
    let (mut world, b) = World::new();
    let mut proposal = world.proposal(b.token, &fire("a"));
    let one = proposal.plan.services[0].clone();
    proposal.plan.services = vec![one; SERVICES_PER_CALL_MAX + 1];
    let decision = world.decide(&[proposal]).remove(0);
    assert_eq!(decision.refused.map(|denied| denied.slug), Some(Slug::Validation));
    assert_eq!((decision.outcome, world.incidents().len()), (Outcome::Rejected, 0));
}

// --- the token is checked again at the commit, architecture.md rule 1 ---

/// Proposes a call, makes the change, decides: what is the refusal?
fn refused_after(change: impl FnOnce(&mut World, &Basics)) -> Option<Slug> {
    let (mut world, b) = World::new();
    let proposal = world.proposal(b.token, &fire("a"));
    change(&mut world, &b);
    let decision = world.decide(&[proposal]).remove(0);
    assert_eq!(decision.refused.is_some(), world.incidents().is_empty(), "a refused call does nothing");
    decision.refused.map(|denied| denied.slug)
}

#[test]
fn a_call_whose_token_was_revoked_meanwhile_is_refused() {
    let slug = refused_after(|world, b| {
        let revoke = RevokeToken { confirm: "sender".to_owned(), reason: String::new() };
        assert!(world.admin(Command::Token(TokenCommand::Revoke(b.token.to_string(), revoke))).is_ok());
    });
    assert_eq!(slug, Some(Slug::TokenRevoked));
}

#[test]
fn a_call_whose_secret_was_rotated_meanwhile_is_refused() {
    let slug = refused_after(|world, b| {
        let entropy = world.entropy();
        world.secret(Command::Token(TokenCommand::Rotate(b.token.to_string(), RotateToken::default(), entropy)));
    });
    assert_eq!(slug, Some(Slug::TokenRevoked));
}

#[test]
fn a_call_whose_token_expired_meanwhile_is_refused() {
    let slug = refused_after(|world, b| {
        edit(world, b.token, TokenPatch { expires: Some("1h".to_owned()), ..TokenPatch::default() });
        world.wait(3_600);
    });
    assert_eq!(slug, Some(Slug::TokenExpired));
}

#[test]
fn a_token_that_expires_while_the_call_waits_needs_no_edit_to_be_refused() {
    let (mut world, b) = World::new();
    edit(&mut world, b.token, TokenPatch { expires: Some("1h".to_owned()), ..TokenPatch::default() });
    let proposal = world.proposal(b.token, &fire("a"));
    world.wait(3_600);
    assert_eq!(world.decide(&[proposal])[0].refused.as_ref().map(|denied| denied.slug), Some(Slug::TokenExpired));
}

#[test]
fn a_call_whose_address_was_taken_off_the_list_meanwhile_is_refused() {
    let slug = refused_after(|world, b| {
        edit(world, b.token, TokenPatch { allowed_ips: Some(vec!["10.0.0.0/8".to_owned()]), ..TokenPatch::default() });
    });
    assert_eq!(slug, Some(Slug::IpNotAllowed));
}

#[test]
fn an_edit_that_leaves_the_call_allowed_does_not_refuse_it() {
    let slug = refused_after(|world, b| {
        edit(world, b.token, TokenPatch { name: Some("renamed".to_owned()), ..TokenPatch::default() });
    });
    assert_eq!(slug, None);
}

#[test]
fn a_call_matched_before_the_filters_changed_is_matched_again() {
    let (mut world, b) = World::new();
    let proposal = world.proposal(b.token, &fire("a"));
    assert!(world.admin(Command::DeleteFilter(b.filter.to_string())).is_ok());
    assert_eq!(world.decide(&[proposal])[0].outcome, Outcome::NoMatch);
    let proposal = world.proposal(b.token, &fire("a"));
    world.filter("Ops/DB", spec("again"));
    assert_eq!(world.decide(&[proposal])[0].outcome, Outcome::Created);
    assert_eq!(
        routing::plan(
            &world.registry,
            Scope::Team(b.team),
            &crate::core::testing::call(&fire("a")),
            &crate::core::testing::call(&fire("a"))
        )
        .services
        .len(),
        1
    );
}

#[test]
fn declared_json_that_does_not_parse_is_refused_only_where_no_filter_took_it_as_text() {
    let (mut world, b) = World::new();
    let broken = |mut proposal: Proposal| {
        proposal.json_problem = Some("the body is not JSON".to_owned());
        proposal
    };
    let proposal = world.proposal(b.token, &json!({ "status": "else" }));
    let decision = world.decide(&[broken(proposal)]).remove(0);
    assert_eq!(decision.refused.map(|denied| denied.slug), Some(Slug::MalformedJson));
    let proposal = world.proposal(b.token, &fire("a"));
    assert_eq!(world.decide(&[broken(proposal)])[0].outcome, Outcome::Created);
}
