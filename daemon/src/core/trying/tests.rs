use std::sync::Arc;

use serde_json::json;
use tollgate_shared::api::NewWorkflow;
use tollgate_shared::api::trying::{Baseline, Doubt, ProposedFilter, ProposedToken, Verdict, WhatIf};
use tollgate_shared::explain::Explain;
use tollgate_shared::filter::FilterSpec;
use tollgate_shared::id::{CallId, TokenId};
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use uuid::Uuid;

use super::*;
use crate::core::admin::{Command, Reply};
use crate::core::testing::{Basics, SENDER, START, World, new_token};

/// A logged call of the token, as it would be written today.
fn row(token: TokenId, body: &str) -> LogRow {
    LogRow {
        seq: 1,
        at: START,
        call: CallId(Uuid::nil()),
        token,
        remote_ip: SENDER,
        user_agent: None,
        method: "POST".to_owned(),
        path: "/v1/process".to_owned(),
        query: String::new(),
        from: None,
        content_type: Some("application/json".to_owned()),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body_bytes: body.len() as u64,
        body: body.to_owned(),
        truncated: false,
        outcome: Outcome::NoMatch,
        status: 202,
        problem: None,
        incidents: Vec::new(),
        latency_us: 1,
        explain: Some(Explain::default()),
        summary: String::new(),
    }
}

fn spec(path: &str, value: &str) -> FilterSpec {
    let condition = json!({ "path": path, "op": "equals", "values": [value] });
    let filter = json!({ "name": "alerts", "trigger": { "conditions": [condition], "correlate": ["key"] } });
    FilterSpec::from_json(filter.to_string().as_bytes()).unwrap()
}

fn edited(world: &World, basics: &Basics, spec: FilterSpec) -> Proposal {
    let filter = ProposedFilter { filter: Some(basics.filter.to_string()), spec: Some(spec), ..Default::default() };
    proposal(world, &WhatIf { filter: Some(filter), ..WhatIf::default() })
}

fn of_token(world: &World, basics: &Basics, token: ProposedToken) -> Proposal {
    let token = ProposedToken { token: basics.token.to_string(), ..token };
    proposal(world, &WhatIf { token: Some(token), ..WhatIf::default() })
}

fn proposal(world: &World, what: &WhatIf) -> Proposal {
    Proposal::new(Arc::new(world.registry.clone()), what, START).unwrap()
}

const FIRING: &str = r#"{"status":"firing","key":"a"}"#;
const OTHER: &str = r#"{"status":"burning","key":"a"}"#;

#[test]
fn an_edited_filter_gains_loses_and_leaves_calls_unchanged() {
    let (world, basics) = World::new();
    let proposal = edited(&world, &basics, spec("status", "burning"));
    let verdict = |body| proposal.try_row(&row(basics.token, body)).verdict;
    assert_eq!(proposal.baseline, Baseline::Today);
    assert_eq!(verdict(FIRING), Verdict::Lost);
    assert_eq!(verdict(OTHER), Verdict::Gained);
    assert_eq!(verdict(r#"{"status":"else"}"#), Verdict::Unchanged);
}

#[test]
fn a_call_whose_body_was_cut_cannot_be_told_where_a_filter_reads_the_body() {
    let (world, basics) = World::new();
    let cut = LogRow { truncated: true, body: FIRING[..12].to_owned(), ..row(basics.token, FIRING) };
    let tried = edited(&world, &basics, spec("status", "burning")).try_row(&cut);
    assert_eq!((tried.verdict, tried.doubt), (Verdict::CannotTell, Some(Doubt::Cut)));
}

#[test]
fn a_redacted_value_leaves_only_the_conditions_that_read_it_open() {
    let (world, basics) = World::new();
    let logged = row(basics.token, r#"{"status":"else","key":"a","db":"[redacted]"}"#);
    let of = |path| edited(&world, &basics, spec(path, "x")).try_row(&logged);
    assert_eq!(of("status").verdict, Verdict::Unchanged);
    assert_eq!((of("db").verdict, of("db").doubt), (Verdict::CannotTell, Some(Doubt::Redacted)));
    assert_eq!(of("db.password").doubt, Some(Doubt::Redacted), "what stood below it is gone too");
    assert_eq!(of("$").doubt, Some(Doubt::Redacted), "the whole text holds it");
}

#[test]
fn a_deleted_filter_loses_its_calls_and_a_disabled_one_too() {
    let (world, basics) = World::new();
    let gone = ProposedFilter { filter: Some(basics.filter.to_string()), delete: true, ..Default::default() };
    let gone = proposal(&world, &WhatIf { filter: Some(gone), ..WhatIf::default() });
    assert_eq!(gone.try_row(&row(basics.token, FIRING)).verdict, Verdict::Lost);
    let (_, record) = world.registry.filter(basics.filter).unwrap();
    let off = edited(&world, &basics, FilterSpec { enabled: false, ..record.spec.clone() });
    assert_eq!(off.try_row(&row(basics.token, FIRING)).verdict, Verdict::Lost);
    assert_eq!(off.skipped().len(), 1, "the verdict names what is skipped");
}

#[test]
fn the_saved_filters_are_compared_with_what_was_decided_then() {
    let (world, basics) = World::new();
    let saved = ProposedFilter { service: Some("Ops/DB".to_owned()), ..Default::default() };
    let saved = proposal(&world, &WhatIf { filter: Some(saved), ..WhatIf::default() });
    assert_eq!(saved.baseline, Baseline::Then);
    let missed = saved.try_row(&row(basics.token, FIRING));
    assert_eq!(missed.verdict, Verdict::Gained, "nothing was true then, the trigger is now");
    assert_eq!(saved.try_row(&row(basics.token, OTHER)).verdict, Verdict::Unchanged);
}

#[test]
fn a_revocation_and_an_address_list_lose_calls_and_an_open_list_gains_refused_ones() {
    let (world, basics) = World::new();
    let revoked = of_token(&world, &basics, ProposedToken { revoke: true, ..Default::default() });
    let tried = revoked.try_row(&row(basics.token, FIRING));
    assert_eq!((tried.verdict, tried.after.refused.as_deref()), (Verdict::Lost, Some("token-revoked")));
    assert_eq!(revoked.ends_at, Some(START));
    let elsewhere = ProposedToken { allowed_ips: Some(vec!["10.0.0.0/8".to_owned()]), ..Default::default() };
    let tried = of_token(&world, &basics, elsewhere).try_row(&row(basics.token, FIRING));
    assert_eq!((tried.verdict, tried.after.refused.as_deref()), (Verdict::Lost, Some("ip-not-allowed")));
    let here = ProposedToken { allowed_ips: Some(vec!["192.0.2.0/24".to_owned()]), ..Default::default() };
    assert_eq!(of_token(&world, &basics, here).try_row(&row(basics.token, FIRING)).verdict, Verdict::Unchanged);
}

#[test]
fn an_end_is_judged_at_the_moment_at_which_it_makes_a_difference() {
    let (world, basics) = World::new();
    let sooner = of_token(&world, &basics, ProposedToken { expires: Some("1h".to_owned()), ..Default::default() });
    assert_eq!(sooner.ends_at, Some(START.plus_secs(3_600)));
    let tried = sooner.try_row(&row(basics.token, FIRING));
    assert_eq!((tried.verdict, tried.after.refused.as_deref()), (Verdict::Lost, Some("token-expired")));
}

#[test]
fn another_scope_changes_what_a_call_reaches() {
    let (mut world, basics) = World::new();
    world.service("Ops", "Web");
    let elsewhere = ProposedToken { scope: Some("service:Ops/Web".to_owned()), ..Default::default() };
    let tried = of_token(&world, &basics, elsewhere).try_row(&row(basics.token, FIRING));
    assert_eq!((tried.verdict, tried.after.effects.len()), (Verdict::Lost, 0));
    let wider = ProposedToken { scope: Some("global".to_owned()), ..Default::default() };
    assert_eq!(of_token(&world, &basics, wider).try_row(&row(basics.token, FIRING)).verdict, Verdict::Unchanged);
}

#[test]
fn a_replay_says_then_and_now_and_that_a_refused_call_left_nothing_to_judge() {
    let (world, basics) = World::new();
    let tried = replay(&world.registry, &row(basics.token, FIRING), START);
    assert_eq!((tried.verdict, tried.after.effects.len()), (Verdict::Gained, 1));
    let mut refused = row(basics.token, "");
    (refused.outcome, refused.headers, refused.problem) = (Outcome::Rejected, Vec::new(), Some("rate-limited".into()));
    let tried = replay(&world.registry, &refused, START);
    assert_eq!((tried.verdict, tried.doubt), (Verdict::CannotTell, Some(Doubt::NotKept)));
}

#[test]
fn a_proposal_that_could_not_be_saved_is_refused() {
    let (world, basics) = World::new();
    let refused = |what: WhatIf| Proposal::new(Arc::new(world.registry.clone()), &what, START).err().unwrap().status;
    let filter = |filter| WhatIf { filter: Some(filter), ..WhatIf::default() };
    let bad = ProposedFilter { service: Some("Ops/DB".into()), spec: Some(spec("a..b", "x")), ..Default::default() };
    assert_eq!(refused(filter(bad)), 422);
    assert_eq!(refused(filter(ProposedFilter { filter: Some("none".into()), ..Default::default() })), 404);
    assert_eq!(refused(WhatIf::default()), 422);
    let nothing = ProposedToken { token: basics.token.to_string(), ..Default::default() };
    assert_eq!(refused(WhatIf { token: Some(nothing), ..WhatIf::default() }), 422);
}

/// A world with a global token that starts workflows, and one of them with a trigger.
fn with_workflow() -> (World, TokenId, String) {
    let (mut world, _) = World::new();
    let token = world.token(new_token("starter", "global"));
    let spec = json!({
        "name": "restart", "variables": [{ "name": "host", "required": true }],
        "trigger": { "conditions": [{ "path": "kind", "op": "equals", "values": ["stuck"] }] },
        "steps": [{ "name": "go", "run": { "program": "go.sh" } }],
    });
    let spec = serde_json::from_str(&spec.to_string()).unwrap();
    let created = world.admin(Command::CreateWorkflow(Box::new(NewWorkflow { team: None, spec }))).unwrap();
    let Reply::Workflow(id) = created else { panic!("another reply") };
    let public_id = world.registry.workflow(id).unwrap().workflow.public_id.clone();
    (world, token, public_id)
}

fn request_row(token: TokenId, body: &serde_json::Value, outcome: Outcome) -> LogRow {
    LogRow { path: "/v1/request".to_owned(), outcome, ..row(token, &body.to_string()) }
}

#[test]
fn a_logged_request_is_judged_by_the_workflows_and_never_by_filters() {
    let (world, token, public_id) = with_workflow();
    let by_trigger = json!({ "kind": "stuck", "host": "web1", "status": "firing", "key": "a" });
    let gained = replay(&world.registry, &request_row(token, &by_trigger, Outcome::NoMatch), START);
    assert_eq!((gained.verdict, gained.doubt), (Verdict::Gained, None));
    let effect = &gained.after.effects[0];
    assert_eq!((effect.phase.as_str(), effect.service.id.as_str()), ("start", public_id.as_str()));
    let named = json!({ "workflowId": public_id, "host": "web1" });
    let same = replay(&world.registry, &request_row(token, &named, Outcome::Started), START);
    assert_eq!((same.verdict, same.before.effects.len(), same.after.effects.len()), (Verdict::Unchanged, 1, 1));
    let gone = json!({ "workflowId": "w_0000000000", "host": "web1" });
    let lost = replay(&world.registry, &request_row(token, &gone, Outcome::Started), START);
    assert_eq!((lost.verdict, lost.after.refused.as_deref()), (Verdict::Lost, Some("not-found")));
    let without = replay(&world.registry, &request_row(token, &json!({ "kind": "stuck" }), Outcome::NoMatch), START);
    assert_eq!((without.verdict, without.after.refused.as_deref()), (Verdict::Lost, Some("validation")));
}

#[test]
fn of_a_request_whose_body_was_cut_nobody_can_tell_what_it_would_start() {
    let (world, token, _) = with_workflow();
    let whole = request_row(token, &json!({ "kind": "stuck", "host": "web1" }), Outcome::Started);
    let cut = LogRow { truncated: true, ..whole };
    let tried = replay(&world.registry, &cut, START);
    assert_eq!((tried.verdict, tried.doubt), (Verdict::CannotTell, Some(Doubt::Cut)));
}

#[test]
fn a_proposed_filter_changes_nothing_for_a_request_and_a_narrower_scope_loses_it() {
    let (world, token, _) = with_workflow();
    let service = ProposedFilter {
        service: Some("Ops/DB".to_owned()),
        spec: Some(FilterSpec { name: "other".into(), ..spec("kind", "stuck") }),
        ..Default::default()
    };
    let filter = proposal(&world, &WhatIf { filter: Some(service), ..WhatIf::default() });
    let row = request_row(token, &json!({ "kind": "stuck", "host": "web1" }), Outcome::Started);
    assert_eq!(filter.try_row(&row).verdict, Verdict::Unchanged);
    let narrower = ProposedToken { scope: Some("team:Ops".to_owned()), token: token.to_string(), ..Default::default() };
    let tried = proposal(&world, &WhatIf { token: Some(narrower), ..WhatIf::default() }).try_row(&row);
    assert_eq!((tried.verdict, tried.after.refused.as_deref()), (Verdict::Lost, Some("scope-missing")));
    assert_eq!(tried.before.effects.len(), 1, "what it started is said");
}
