//! Idempotency keys (http.md section 1) and maintenance (domain.md section 1) at the writer.

use serde_json::{Value, json};
use tollgate_shared::api::NewMaintenance;
use tollgate_shared::incident::IncidentState;
use tollgate_shared::limits::IDEMPOTENCY_SECS;

use super::*;
use crate::core::admin::{Command, Reply};
use crate::core::call::idempotency::Idempotency;
use crate::core::endpoint::Endpoint;
use crate::core::testing::{Basics, World, fire, recover, spec};

fn keyed(world: &mut World, b: &Basics, key: &str, body: &Value) -> Proposal {
    let mut proposal = world.proposal(b.token, body);
    let call = &proposal.content.call;
    proposal.idempotency = Some(Idempotency::of(key, b.token, Endpoint::Process, call, &[]));
    proposal
}

fn send(world: &mut World, b: &Basics, key: &str, body: &Value) -> Decision {
    let proposal = keyed(world, b, key, body);
    world.decide(&[proposal]).remove(0)
}

fn stored(world: &World, decision: &Decision) -> Value {
    let place = decision.replayed.expect("a replay").place;
    serde_json::from_slice(&world.store.reader().stored_answer(place).unwrap().unwrap()).unwrap()
}

// --- Idempotency-Key ---

#[test]
fn a_retried_key_gives_the_first_answer_whatever_became_of_its_effect() {
    let (mut world, b) = World::new();
    let first = send(&mut world, &b, "k", &fire("a"));
    assert_eq!(first.outcome, Outcome::Created);
    world.call(b.token, &recover("a"));
    let again = send(&mut world, &b, "k", &fire("a"));
    assert_eq!((again.outcome, again.replayed.map(|answered| answered.status)), (Outcome::Duplicate, Some(201)));
    let answer = stored(&world, &again);
    assert_eq!(answer["results"][0]["incident"], json!(first.results[0].incident));
    assert_eq!(answer["triggered"]["created"], json!(true));
    assert_eq!(world.incidents().len(), 1, "it opened nothing a second time");
}

#[test]
fn a_key_survives_a_restart_and_is_forgotten_after_24_hours() {
    let (mut world, b) = World::new();
    send(&mut world, &b, "k", &fire("a"));
    world.restart();
    world.wait(IDEMPOTENCY_SECS - 1);
    assert!(send(&mut world, &b, "k", &fire("a")).replayed.is_some());
    world.wait(1);
    assert_eq!(send(&mut world, &b, "k", &fire("a")).outcome, Outcome::Attached);
}

#[test]
fn another_body_under_the_same_key_is_refused_and_does_nothing() {
    let (mut world, b) = World::new();
    send(&mut world, &b, "k", &fire("a"));
    let refused = send(&mut world, &b, "k", &fire("b"));
    assert_eq!(refused.refused.map(|denied| denied.slug), Some(Slug::IdempotencyMismatch));
    assert_eq!(world.incidents().len(), 1);
}

#[test]
fn of_two_calls_under_one_key_in_one_batch_the_second_is_told_the_first_ones_answer() {
    let (mut world, b) = World::new();
    let (one, two) = (keyed(&mut world, &b, "k", &fire("a")), keyed(&mut world, &b, "k", &fire("a")));
    let decisions = world.decide(&[one, two]);
    assert_eq!(stored(&world, &decisions[1])["results"][0]["incident"], json!(decisions[0].results[0].incident));
    assert_eq!(world.incidents()[0].duplicates, 0);
}

#[test]
fn only_answers_with_an_effect_are_kept() {
    let (mut world, b) = World::new();
    assert_eq!(send(&mut world, &b, "k", &recover("a")).outcome, Outcome::NoMatch);
    assert_eq!(send(&mut world, &b, "k", &fire("a")).outcome, Outcome::Created, "the key was not used up");
    let duplicate = send(&mut world, &b, "other", &fire("a"));
    assert_eq!((duplicate.outcome, duplicate.replayed), (Outcome::Duplicate, None));
}

#[test]
fn a_key_works_also_where_deduplication_is_off() {
    let (mut world, b) = World::new();
    let mut off = keyed(&mut world, &b, "k", &fire("a"));
    off.fingerprint = None;
    world.decide(&[off]);
    let mut again = keyed(&mut world, &b, "k", &fire("a"));
    again.fingerprint = None;
    assert!(world.decide(&[again]).remove(0).replayed.is_some());
}

#[test]
fn a_long_answer_is_kept_without_its_last_results() {
    let (mut world, b) = World::new();
    let proposal = keyed(&mut world, &b, "k", &fire("a"));
    let first = world.decide(std::slice::from_ref(&proposal)).remove(0);
    let many = Decision { results: vec![first.results[0]; 250], ..first };
    let kept = answer::kept_document(&proposal, &many);
    assert!(kept.len() <= tollgate_shared::limits::IDEMPOTENCY_ANSWER_BYTES_MAX, "{}", kept.len());
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["results_total"], json!(250));
    assert!(kept["results"].as_array().unwrap().len() > 5);
}

// --- maintenance ---

fn plan(world: &mut World, new: NewMaintenance) -> tollgate_shared::id::MaintenanceId {
    match world.admin(Command::AddMaintenance(new)).unwrap_or_else(|why| panic!("{why:?}")) {
        Reply::Maintenance(id) => id,
        _ => panic!("another reply"),
    }
}

fn window(world: &World, from: i64, secs: i64) -> NewMaintenance {
    let from = world.now.plus_secs(from);
    let until = Some(from.plus_secs(secs));
    NewMaintenance { service: "Ops/DB".to_owned(), from: Some(from), until, ..NewMaintenance::default() }
}

#[test]
fn under_maintenance_create_and_attach_are_suppressed_and_recoveries_still_resolve() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("open"));
    let new = window(&world, 0, 3_600);
    plan(&mut world, new);
    world.wait(700);
    for key in ["new", "open"] {
        let suppressed = world.call(b.token, &fire(key));
        assert_eq!((suppressed.outcome, suppressed.results[0].incident), (Outcome::Suppressed, None), "{key}");
        assert_eq!(suppressed.results[0].filter, b.filter);
        let title = suppressed.title.unwrap();
        assert!(title.starts_with("suppressed, under maintenance until 2026-"), "{title}");
    }
    assert_eq!(world.incidents()[0].occurrences, 1);
    assert_eq!(world.call(b.token, &recover("open")).outcome, Outcome::Resolved);
    assert_eq!(world.incidents()[0].state, IncidentState::Resolved);
    let nothing = world.call(b.token, &json!({"status": "other"}));
    assert_eq!(nothing.outcome, Outcome::NoMatch, "only where a trigger was true");
}

#[test]
fn a_window_suppresses_from_its_beginning_to_its_end_and_suppressed_is_not_remembered() {
    let (mut world, b) = World::new();
    let new = window(&world, 100, 100);
    plan(&mut world, new);
    world.wait(99);
    assert_eq!(world.call(b.token, &fire("before")).outcome, Outcome::Created);
    world.wait(1);
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Suppressed);
    world.wait(99);
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Suppressed);
    world.wait(1);
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Created, "sending again works");
}

#[test]
fn a_maintenance_that_is_ended_suppresses_nothing_from_the_next_call_on() {
    let (mut world, b) = World::new();
    let new = window(&world, 0, 3_600);
    let id = plan(&mut world, new);
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Suppressed);
    assert!(world.admin(Command::EndMaintenance(id)).is_ok());
    assert_eq!(world.call(b.token, &fire("a")).outcome, Outcome::Created);
    assert_eq!(world.refused(Command::EndMaintenance(id)).slug(), Ok(Slug::NotFound));
}

#[test]
fn all_texts_of_a_group_of_tags_must_be_in_the_payload_and_one_group_is_enough() {
    let (mut world, b) = World::new();
    let tags = |tags: &[&str]| NewMaintenance {
        service: "Ops/DB".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..NewMaintenance::default()
    };
    plan(&mut world, tags(&["db1", "reboot"]));
    plan(&mut world, tags(&["the lab"]));
    for (text, outcome) in [
        ("reboot of db1", Outcome::Suppressed),
        ("db1 is down", Outcome::Created),
        ("in the lab", Outcome::Suppressed),
        ("in the LAB", Outcome::Created),
    ] {
        let body = json!({"status": "firing", "key": text, "title": text});
        assert_eq!(world.call(b.token, &body).outcome, outcome, "{text}");
    }
}

#[test]
fn maintenance_survives_a_restart_and_another_service_is_not_touched() {
    let (mut world, _) = World::new();
    world.service("Ops", "Web");
    world.filter("Ops/Web", spec("web"));
    let new = window(&world, 0, 3_600);
    plan(&mut world, new);
    world.restart();
    let global = world.token(crate::core::testing::new_token("all", "global"));
    let decision = world.call(global, &fire("a"));
    let outcomes: Vec<_> = decision.results.iter().map(|result| result.outcome).collect();
    assert_eq!((decision.outcome, outcomes), (Outcome::Created, vec![Outcome::Suppressed, Outcome::Created]));
    assert_eq!(decision.title.as_deref(), Some("a"), "the incident's title is the list's");
}

#[test]
fn the_verdict_names_the_service_under_maintenance_and_until_when() {
    let (mut world, b) = World::new();
    let mut new = window(&world, 0, 3_600);
    new.comment = "patch night".to_owned();
    plan(&mut world, new);
    let token = world.registry.token(b.token).unwrap().clone();
    let call = crate::core::testing::call(&fire("a"));
    let explain = routing::explain_for(&world.registry, &token, &call, &call);
    let explain = routing::with_maintenance(explain, &world.registry, &call, world.now);
    assert_eq!(explain.skipped.len(), 1);
    let note = explain.note.unwrap();
    assert!(note.starts_with("Ops/DB is under maintenance until 2026-11-22T04:14:07"), "{note}");
    assert!(note.ends_with("by root: patch night"), "{note}");
}
