//! The rules of domain.md §7, over the world of the core's tests.

mod model;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tollgate_shared::api::{NewWorkflow, ServicePatch, TokenPatch, WorkflowPatch};
use tollgate_shared::id::{RequestId, TokenId, WorkflowId};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;
use tollgate_shared::request::{RequestState, StepState};
use tollgate_shared::workflow::WorkflowSpec;
use uuid::Uuid;

use super::*;
use crate::core::admin::{Command, Reply, TokenCommand};
use crate::core::answer::status_of;
use crate::core::decide::Bench;
use crate::core::decision::Decision;
use crate::core::testing::{Basics, World, new_token};

fn spec(extra: Value) -> WorkflowSpec {
    let mut whole = json!({ "name": "restart", "steps": [{ "name": "go", "run": { "program": "go.sh" } }] });
    for (name, value) in extra.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_str(&whole.to_string()).unwrap()
}

struct Flows {
    world: World,
    basics: Basics,
    token: TokenId,
}

impl Flows {
    fn new() -> Self {
        let (mut world, basics) = World::new();
        let token = world.token(new_token("starter", "global"));
        Self { world, basics, token }
    }

    fn create(&mut self, team: Option<&str>, extra: Value) -> WorkflowId {
        let new = NewWorkflow { team: team.map(str::to_owned), spec: spec(extra) };
        match self.world.admin(Command::CreateWorkflow(Box::new(new))).unwrap_or_else(|why| panic!("{why:?}")) {
            Reply::Workflow(id) => id,
            _ => panic!("another reply"),
        }
    }

    fn public(&self, id: WorkflowId) -> String {
        self.world.registry.workflow(id).unwrap().workflow.public_id.clone()
    }

    fn send(&mut self, body: &Value) -> Decision {
        let proposal = self.world.request_proposal(self.token, body);
        self.world.decide(&[proposal]).remove(0)
    }

    /// Starts the workflow and gives the request.
    fn start(&mut self, workflow: WorkflowId, mut body: Value) -> RequestId {
        body["workflowId"] = json!(self.public(workflow));
        let decision = self.send(&body);
        assert_eq!(decision.outcome, Outcome::Started, "{decision:?}");
        decision.started[0].id
    }

    fn turn(&mut self, turn: &Turn) -> Turned {
        // Ids of incidents that no turn before has given out.
        let mut ids = 1_000 * (1 + self.world.incidents().len() as u128);
        let World { store, registry, pace, now, .. } = &mut self.world;
        let mut turned = Turned::default();
        store
            .commit(*now, &mut |view| {
                let mut new_id = || {
                    ids += 1;
                    Uuid::from_u128(ids)
                };
                let mut bench = Bench { registry, view, pace, new_id: &mut new_id, now: *now };
                turned = super::turn(&mut bench, turn);
            })
            .unwrap();
        turned
    }

    fn claim(&mut self) -> Option<Box<StepOrder>> {
        self.turn(&Turn { claim: true, ..Turn::default() }).order
    }

    fn report(&mut self, order: &StepOrder, error: Option<&str>) {
        let done = done(order, error);
        self.turn(&Turn { done: Some(done), ..Turn::default() });
    }

    fn record(&self, id: RequestId) -> RequestRecord {
        self.world.store.reader().request(id).unwrap().unwrap().record
    }
}

fn done(order: &StepOrder, error: Option<&str>) -> StepDone {
    StepDone {
        request: Some(order.request),
        step: order.at,
        attempt: order.attempt,
        error: error.map(str::to_owned),
        ..StepDone::default()
    }
}

fn two_steps() -> Value {
    json!({ "steps": [
        { "name": "one", "run": { "program": "one.sh" } },
        { "name": "two", "run": { "program": "two.sh", "retries": 2 } },
    ]})
}

// --- what a call starts ---

#[test]
fn a_workflow_id_starts_that_workflow_of_any_team_and_no_other() {
    let mut flows = Flows::new();
    let named = flows.create(Some("Ops"), json!({}));
    flows.create(None, json!({ "name": "all", "trigger": { "match_all": true } }));
    let body = json!({ "workflowId": flows.public(named) });
    let decision = flows.send(&body);
    assert_eq!((status_of(&decision), decision.started.len()), (201, 1));
    assert_eq!(flows.record(decision.started[0].id).name, "Ops/restart");
    let by_id = flows.send(&json!({ "workflowId": named.to_string(), "n": 1 }));
    assert_eq!(by_id.outcome, Outcome::Started);
}

#[test]
fn without_a_workflow_id_every_enabled_workflow_whose_trigger_matches_is_started() {
    let mut flows = Flows::new();
    let condition = json!({ "path": "kind", "op": "equals", "values": ["disk"] });
    let trigger = json!({ "conditions": [condition] });
    for (name, enabled) in [("a", true), ("b", true), ("c", false)] {
        flows.create(None, json!({ "name": name, "enabled": enabled, "trigger": trigger.clone() }));
    }
    flows.create(None, json!({ "name": "untriggered" }));
    let decision = flows.send(&json!({ "kind": "disk" }));
    assert_eq!(decision.started.len(), 2, "{decision:?}");
    let nothing = flows.send(&json!({ "kind": "net" }));
    assert_eq!((nothing.outcome, status_of(&nothing)), (Outcome::NoMatch, 202));
}

#[test]
fn an_unknown_workflow_is_404_and_a_disabled_one_409() {
    let mut flows = Flows::new();
    let off = flows.create(None, json!({ "enabled": false }));
    let disabled = json!({ "workflowId": flows.public(off) });
    for (body, slug) in [(json!({ "workflowId": "w_0000000000" }), Slug::NotFound), (disabled, Slug::Conflict)] {
        let decision = flows.send(&body);
        assert_eq!(decision.refused.map(|denied| denied.slug), Some(slug));
    }
    let malformed = flows.send(&json!({ "workflowId": 7 }));
    assert_eq!(malformed.errors[0].path, "workflowId");
    assert!(flows.world.store.reader().requests(false, None, 9, &|_| true).unwrap().0.is_empty());
}

#[test]
fn missing_and_malformed_variables_are_named_together_and_nothing_is_started() {
    let mut flows = Flows::new();
    let variables = json!([
        { "name": "host", "required": true, "pattern": "[a-z0-9-]+" },
        { "name": "site", "required": true },
        { "name": "level", "default": "low" },
        { "name": "note" },
    ]);
    let workflow = flows.create(None, json!({ "variables": variables }));
    let id = flows.public(workflow);
    let decision = flows.send(&json!({ "workflowId": id, "variables": { "host": "db1; rm -rf /" } }));
    assert_eq!(status_of(&decision), 422);
    let paths: Vec<_> = decision.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["variables.host", "variables.site"]);
    let bad = flows.send(&json!({ "workflowId": id, "variables": { "host": ["db1"], "site": 7 } }));
    assert_eq!(bad.errors.len(), 1, "{bad:?}");
    assert!(flows.world.store.reader().requests(false, None, 9, &|_| true).unwrap().0.is_empty());

    let request = flows.start(workflow, json!({ "host": "db1", "variables": { "site": 7, "note": null } }));
    let values: Vec<_> = flows.record(request).variables.into_iter().collect();
    let expected = [("host", "db1"), ("level", "low"), ("site", "7")];
    assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn one_bad_variable_refuses_a_call_that_starts_several_workflows_whole() {
    let mut flows = Flows::new();
    let all = json!({ "match_all": true });
    flows.create(None, json!({ "name": "a", "trigger": all.clone() }));
    let strict =
        flows.create(None, json!({ "name": "b", "trigger": all, "variables": [{ "name": "host", "required": true }] }));
    let decision = flows.send(&json!({ "x": 1 }));
    assert_eq!(status_of(&decision), 422);
    assert!(decision.errors[0].message.contains(&flows.public(strict)), "{decision:?}");
    assert!(flows.claim().is_none());
}

#[test]
fn a_duplicate_is_answered_with_the_earlier_request_until_that_fails_or_is_cancelled() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, json!({}));
    let body = json!({ "workflowId": flows.public(workflow) });
    let first = flows.send(&body).started[0].clone();
    let again = flows.send(&body);
    assert_eq!((again.outcome, status_of(&again)), (Outcome::Duplicate, 200));
    assert_eq!((again.started[0].id, again.started[0].duplicate), (first.id, true));
    flows.world.restart();
    assert_eq!(flows.send(&body).outcome, Outcome::Duplicate, "also after a restart");
    flows.world.admin(Command::CancelRequest(first.id, None)).map(drop).unwrap();
    assert_eq!(flows.send(&body).outcome, Outcome::Started);
    flows.world.wait(600);
    assert_eq!(flows.send(&body).outcome, Outcome::Started, "the window is over");
}

#[test]
fn a_strict_tokens_duplicate_stays_one_whatever_became_of_the_request() {
    let mut flows = Flows::new();
    let strict = TokenPatch { dedup_strict: Some(true), ..TokenPatch::default() };
    let edit = TokenCommand::Edit(flows.token.to_string(), Box::new(strict), None);
    flows.world.admin(Command::Token(edit)).map(drop).unwrap();
    let workflow = flows.create(None, json!({}));
    let body = json!({ "workflowId": flows.public(workflow) });
    let first = flows.send(&body).started[0].id;
    flows.world.admin(Command::CancelRequest(first, None)).map(drop).unwrap();
    assert_eq!(flows.send(&body).outcome, Outcome::Duplicate);
}

#[test]
fn a_workflow_disabled_while_the_call_waits_counts_as_disabled() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, json!({}));
    let body = json!({ "workflowId": flows.public(workflow) });
    let waiting = flows.world.request_proposal(flows.token, &body);
    let off = WorkflowPatch { enabled: Some(false), spec: None };
    flows.world.admin(Command::EditWorkflow("restart".to_owned(), Box::new(off), None)).map(drop).unwrap();
    let decision = flows.world.decide(&[waiting]).remove(0);
    assert_eq!(decision.refused.map(|denied| denied.slug), Some(Slug::Conflict));
}

// --- what becomes of a request ---

#[test]
fn steps_are_done_one_after_the_other_and_the_payload_goes_with_success() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, two_steps());
    let id = flows.start(workflow, json!({ "why": "test" }));
    assert_eq!(flows.record(id).state, RequestState::Queued);
    let one = flows.claim().unwrap();
    assert_eq!((one.at, one.attempt, flows.record(id).state), (0, 1, RequestState::Running));
    flows.report(&one, None);
    let two = flows.claim().unwrap();
    assert_eq!(two.at, 1);
    assert!(flows.world.store.reader().request(id).unwrap().unwrap().payload.is_some());
    flows.report(&two, None);
    let whole = flows.world.store.reader().request(id).unwrap().unwrap();
    assert_eq!((whole.record.state, whole.payload), (RequestState::Succeeded, None));
    assert!(flows.claim().is_none());
}

#[test]
fn a_failed_step_is_tried_again_with_growing_pauses_and_then_stops_the_request() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, two_steps());
    let id = flows.start(workflow, json!({}));
    let one = flows.claim().unwrap();
    flows.report(&one, None);
    for pause in [1, 2] {
        let order = flows.claim().unwrap();
        flows.report(&order, Some("status 1"));
        let turned = flows.turn(&Turn { claim: true, ..Turn::default() });
        assert!(turned.order.is_none());
        assert_eq!(turned.next_due, Some(flows.world.now.plus_secs(pause)));
        flows.world.wait(pause);
    }
    let last = flows.claim().unwrap();
    assert_eq!(last.attempt, 3);
    flows.report(&last, Some("status 1"));
    let record = flows.record(id);
    assert_eq!((record.state, record.runs[1].state), (RequestState::Failed, StepState::Failed));
    assert!(flows.claim().is_none());
}

#[test]
fn a_failure_that_trying_cannot_mend_is_not_tried_again() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, json!({ "steps": [{ "name": "x", "run": { "program": "x", "retries": 9 } }] }));
    let id = flows.start(workflow, json!({}));
    let order = flows.claim().unwrap();
    let done = StepDone { final_failure: true, ..done(&order, Some("not allowed")) };
    flows.turn(&Turn { done: Some(done), ..Turn::default() });
    assert_eq!(flows.record(id).state, RequestState::Failed);
}

#[test]
fn a_step_that_is_in_nobodys_hands_is_done_again_with_the_same_request_id() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, json!({}));
    let id = flows.start(workflow, json!({}));
    let first = flows.claim().unwrap();
    let held = Turn { in_hand: BTreeSet::from([id]), claim: true, ..Turn::default() };
    assert!(flows.turn(&held).order.is_none(), "it is being done");
    flows.world.restart();
    let again = flows.claim().unwrap();
    assert_eq!((again.request, again.at, again.attempt), (first.request, 0, 2));
    flows.report(&first, None);
    assert_eq!(flows.record(id).state, RequestState::Running, "a late word of the first try counts no more");
}

#[test]
fn queued_requests_of_a_disabled_workflow_wait_until_it_is_enabled() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, json!({}));
    flows.start(workflow, json!({}));
    let switch = |flows: &mut Flows, on| {
        let patch = WorkflowPatch { enabled: Some(on), spec: None };
        flows.world.admin(Command::EditWorkflow("restart".to_owned(), Box::new(patch), None)).map(drop).unwrap();
    };
    switch(&mut flows, false);
    assert!(flows.claim().is_none());
    switch(&mut flows, true);
    assert!(flows.claim().is_some());
}

#[test]
fn a_cancelled_request_stays_cancelled_whatever_its_step_still_says() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, json!({}));
    let id = flows.start(workflow, json!({}));
    let order = flows.claim().unwrap();
    flows.world.admin(Command::CancelRequest(id, Some("wrong host".to_owned()))).map(drop).unwrap();
    let said = StepDone { signal: Some(15), ..done(&order, None) };
    flows.turn(&Turn { done: Some(said), ..Turn::default() });
    let record = flows.record(id);
    assert_eq!((record.state, record.runs[0].state), (RequestState::Cancelled, StepState::Cancelled));
    assert_eq!((record.runs[0].signal, record.note.as_str()), (Some(15), "cancelled by root: wrong host"));
    assert_eq!(flows.world.refused(Command::CancelRequest(id, None)).slug(), Ok(Slug::Conflict));
}

#[test]
fn a_retry_takes_the_workflow_as_it_is_now_and_repeats_no_step_that_has_succeeded() {
    let mut flows = Flows::new();
    let mut steps = two_steps();
    steps["steps"][1]["run"]["retries"] = json!(0);
    let workflow = flows.create(None, steps.clone());
    let id = flows.start(workflow, json!({}));
    assert_eq!(flows.world.refused(Command::RetryRequest(id, false)).slug(), Ok(Slug::Conflict), "it has not ended");
    let one = flows.claim().unwrap();
    flows.report(&one, None);
    let two = flows.claim().unwrap();
    flows.report(&two, Some("no such host"));
    steps["steps"][1]["run"]["program"] = json!("mended.sh");
    let patch = WorkflowPatch { enabled: None, spec: Some(spec(steps)) };
    flows.world.admin(Command::EditWorkflow("restart".to_owned(), Box::new(patch), None)).map(drop).unwrap();
    flows.world.admin(Command::RetryRequest(id, false)).map(drop).unwrap();
    let again = flows.claim().unwrap();
    assert_eq!((again.request, again.at, again.attempt), (id, 1, 2));
    assert_eq!(again.steps[1].run.as_ref().unwrap().program, "mended.sh");
    flows.report(&again, None);
    assert_eq!((flows.record(id).state, flows.record(id).retries), (RequestState::Succeeded, 1));
    assert_eq!(flows.world.refused(Command::RetryRequest(id, true)).slug(), Ok(Slug::Conflict), "it has succeeded");
}

#[test]
fn a_retry_from_the_start_repeats_everything() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, two_steps());
    let id = flows.start(workflow, json!({}));
    let one = flows.claim().unwrap();
    flows.report(&one, None);
    flows.world.admin(Command::CancelRequest(id, None)).map(drop).unwrap();
    flows.world.admin(Command::RetryRequest(id, true)).map(drop).unwrap();
    assert_eq!(flows.claim().unwrap().at, 0);
}

// --- steps that open incidents ---

fn opening(key: &str) -> Value {
    json!({
        "variables": [{ "name": "host" }],
        "steps": [{ "name": "open", "incident": {
            "service": "Ops/DB", "title": "{{host}} is down", "priority": "P1", "key": key,
        }}],
    })
}

#[test]
fn an_incident_step_opens_an_incident_and_attaches_where_one_is_open_under_its_key() {
    let mut flows = Flows::new();
    let workflow = flows.create(Some("Ops"), opening("{{host}}"));
    let first = flows.start(workflow, json!({ "host": "db1" }));
    let second = flows.start(workflow, json!({ "host": "db1", "n": 2 }));
    assert!(flows.claim().is_none(), "the writer does it by itself");
    let heads = flows.world.incidents();
    assert_eq!((heads.len(), heads[0].occurrences, heads[0].title.as_str()), (1, 2, "db1 is down"));
    assert_eq!((heads[0].service, heads[0].key.as_deref()), (flows.basics.service, Some("db1")));
    for id in [first, second] {
        let record = flows.record(id);
        assert_eq!((record.state, record.runs[0].incident), (RequestState::Succeeded, Some(heads[0].id)));
    }
    assert_eq!(flows.world.registry.filter_name(heads[0].filter), "workflow Ops/restart");
}

#[test]
fn an_incident_step_fails_where_its_service_is_disabled() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, opening("k"));
    let off = ServicePatch { enabled: Some(false) };
    flows.world.admin(Command::EditService("Ops/DB".to_owned(), off)).map(drop).unwrap();
    let id = flows.start(workflow, json!({}));
    assert!(flows.claim().is_none());
    assert_eq!(flows.record(id).runs[0].error.as_deref(), Some("the service is disabled"));
    assert_eq!(flows.record(id).state, RequestState::Failed);
}

// --- changes by people ---

#[test]
fn a_teams_workflow_reaches_its_own_services_only_and_nothing_is_half_saved() {
    let mut flows = Flows::new();
    flows.world.team("Net");
    let new = NewWorkflow { team: Some("Net".to_owned()), spec: spec(opening("k")) };
    let problem = flows.world.refused(Command::CreateWorkflow(Box::new(new)));
    assert_eq!(problem.errors[0].path, "steps[0].incident.service");
    assert_eq!(flows.world.registry.workflows().len(), 0);
}

#[test]
fn names_are_unique_among_the_workflows_of_an_owner() {
    let mut flows = Flows::new();
    flows.create(None, json!({}));
    flows.create(Some("Ops"), json!({}));
    let new = NewWorkflow { team: None, spec: spec(json!({ "name": "RESTART" })) };
    assert_eq!(flows.world.refused(Command::CreateWorkflow(Box::new(new))).slug(), Ok(Slug::Conflict));
    assert_eq!(flows.world.registry.find_workflow("ops/restart").unwrap().full_name, "Ops/restart");
}

#[test]
fn a_lost_update_is_refused_and_the_version_counts_every_change() {
    let mut flows = Flows::new();
    flows.create(None, json!({}));
    let off = || Box::new(WorkflowPatch { enabled: Some(false), spec: None });
    let edit = |version| Command::EditWorkflow("restart".to_owned(), off(), version);
    assert_eq!(flows.world.refused(edit(Some(7))).slug(), Ok(Slug::VersionMismatch));
    flows.world.admin(edit(Some(1))).map(drop).unwrap();
    assert_eq!(flows.world.registry.find_workflow("restart").unwrap().workflow.version, 2);
}

#[test]
fn a_workflow_with_unfinished_requests_is_in_use_and_so_are_its_team_and_service() {
    let mut flows = Flows::new();
    let workflow = flows.create(Some("Ops"), opening("k"));
    let held = flows.create(Some("Ops"), json!({ "name": "held" }));
    let id = flows.start(held, json!({}));
    assert_eq!(flows.world.refused(Command::DeleteWorkflow("held".to_owned())).slug(), Ok(Slug::InUse));
    let problem = flows.world.refused(Command::DeleteService("Ops/DB".to_owned()));
    assert!(problem.errors.iter().any(|error| error.path == "workflows"), "{problem:?}");
    let problem = flows.world.refused(Command::DeleteTeam("Ops".to_owned()));
    assert_eq!(problem.errors.iter().filter(|error| error.path == "workflows").count(), 3, "{problem:?}");
    flows.world.admin(Command::CancelRequest(id, None)).map(drop).unwrap();
    flows.world.admin(Command::DeleteWorkflow("held".to_owned())).map(drop).unwrap();
    assert_eq!(flows.world.refused(Command::RetryRequest(id, false)).slug(), Ok(Slug::Conflict), "it is deleted");
    flows.world.admin(Command::DeleteWorkflow(workflow.to_string())).map(drop).unwrap();
}

#[test]
fn requests_are_kept_until_they_are_old_or_too_many() {
    let mut flows = Flows::new();
    let workflow = flows.create(None, json!({}));
    let mut ids = Vec::new();
    for n in 0..3 {
        let id = flows.start(workflow, json!({ "n": n }));
        flows.world.wait(10);
        flows.world.admin(Command::CancelRequest(id, None)).map(drop).unwrap();
        ids.push(id);
    }
    let now = flows.world.now;
    let store = &mut flows.world.store;
    assert_eq!(store.drop_finished_requests(now.plus_secs(-15), 100, 100).unwrap(), 1, "the first is too old");
    assert_eq!(store.drop_finished_requests(now.plus_secs(-100), 1, 100).unwrap(), 1, "two are too many");
    let left = store.reader().requests(false, None, 9, &|_| true).unwrap().0;
    assert_eq!(left.iter().map(|record| record.id).collect::<Vec<_>>(), [ids[2]]);
}
