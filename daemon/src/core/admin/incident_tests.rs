//! Maintenances and bulk changes of incidents.

use tollgate_shared::api::{NewMaintenance, NewToken};
use tollgate_shared::incident::{IncidentState, TimelineEvent};
use tollgate_shared::token::Scope;

use super::*;
use crate::core::access::{Door, Who};
use crate::core::testing::{World, fire, new_token, spec};

fn planned(world: &World, secs: i64) -> NewMaintenance {
    let until = Some(world.now.plus_secs(secs));
    NewMaintenance { service: "Ops/DB".to_owned(), until, ..NewMaintenance::default() }
}

#[test]
fn a_maintenance_that_makes_no_sense_is_refused_with_its_field_and_nothing_is_saved() {
    let (mut world, _) = World::new();
    let good = planned(&world, 60);
    let now = world.now;
    let bad = [
        (NewMaintenance { until: None, ..good.clone() }, "until"),
        (NewMaintenance { until: Some(now), ..good.clone() }, "until"),
        (NewMaintenance { from: Some(now.plus_secs(90)), ..good.clone() }, "until"),
        (NewMaintenance { tags: vec![String::new()], ..good.clone() }, "tags[0]"),
        (NewMaintenance { tags: vec!["x".repeat(201)], ..good.clone() }, "tags[0]"),
        (NewMaintenance { tags: vec!["x".to_owned(); 11], ..good.clone() }, "tags"),
        (NewMaintenance { comment: "x".repeat(501), ..good.clone() }, "comment"),
    ];
    for (new, field) in bad {
        let refused = world.refused(Command::AddMaintenance(new));
        assert_eq!((refused.status, refused.errors[0].path.as_str()), (422, field));
    }
    let elsewhere = NewMaintenance { service: "Ops/None".to_owned(), ..good };
    assert_eq!(world.refused(Command::AddMaintenance(elsewhere)).slug(), Ok(Slug::NotFound));
    assert_eq!(world.registry.maintenances().count(), 0);
}

#[test]
fn a_service_takes_32_maintenances_and_those_that_are_over_do_not_count() {
    let (mut world, _) = World::new();
    for _ in 0..32 {
        let new = planned(&world, 60);
        assert!(world.admin(Command::AddMaintenance(new)).is_ok());
    }
    let new = planned(&world, 60);
    assert_eq!(world.refused(Command::AddMaintenance(new)).slug(), Ok(Slug::Validation));
    world.wait(60);
    let new = planned(&world, 60);
    assert!(world.admin(Command::AddMaintenance(new)).is_ok());
    assert!(world.admin(Command::SweepMaintenances).is_ok());
    assert_eq!(world.registry.maintenances().count(), 1);
}

#[test]
fn a_deleted_service_takes_its_maintenances_along() {
    let (mut world, _) = World::new();
    world.service("Ops", "Web");
    let new = NewMaintenance { service: "Ops/Web".to_owned(), ..planned(&world, 60) };
    assert!(world.admin(Command::AddMaintenance(new)).is_ok());
    assert!(world.admin(Command::DeleteService("Ops/Web".to_owned())).is_ok());
    world.restart();
    assert_eq!(world.registry.maintenances().count(), 0);
}

fn ids(world: &World) -> Vec<IncidentId> {
    world.incidents().iter().map(|head| head.id).collect()
}

fn bulk(world: &mut World, ids: Vec<IncidentId>, action: IncidentAction) -> Result<u32, Problem> {
    match world.admin(Command::BulkIncidents(ids, action))? {
        Reply::Incidents(count) => Ok(count),
        _ => panic!("another reply"),
    }
}

#[test]
fn a_bulk_change_changes_what_is_open_and_each_timeline_says_who() {
    let (mut world, b) = World::new();
    for key in ["a", "b", "c"] {
        world.call(b.token, &fire(key));
    }
    let all = ids(&world);
    assert_eq!(bulk(&mut world, vec![all[0]], IncidentAction::Resolve(None)).ok(), Some(1));
    assert_eq!(bulk(&mut world, all.clone(), IncidentAction::Acknowledge).ok(), Some(2), "one is resolved already");
    assert_eq!(bulk(&mut world, all.clone(), IncidentAction::Acknowledge).ok(), Some(0), "nothing is left to do");
    assert_eq!(bulk(&mut world, vec![all[1]], IncidentAction::Unacknowledge).ok(), Some(1));
    let comment = Some("patched".to_owned());
    assert_eq!(bulk(&mut world, all.clone(), IncidentAction::Resolve(comment.clone())).ok(), Some(2));
    assert!(world.incidents().iter().all(|head| head.state == IncidentState::Resolved));
    let (_, _, timeline) = world.store.reader().incident(all[2]).unwrap().unwrap();
    let last = timeline.last().map(|entry| entry.event.clone());
    assert_eq!(last, Some(TimelineEvent::ResolvedBy { by: "root".to_owned(), comment }));
}

#[test]
fn a_bulk_change_with_too_long_words_or_too_many_incidents_changes_nothing() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    let all = ids(&world);
    let long = IncidentAction::Resolve(Some("x".repeat(501)));
    assert_eq!(bulk(&mut world, all.clone(), long).err().map(|why| why.status), Some(422));
    let many = vec![all[0]; 10_001];
    assert_eq!(bulk(&mut world, many, IncidentAction::Acknowledge).err().map(|why| why.status), Some(422));
    assert_eq!(world.incidents()[0].state, IncidentState::Triggered);
}

#[test]
fn a_token_with_incidents_update_changes_incidents_of_its_team_only() {
    let (mut world, b) = World::new();
    world.team("Net");
    world.service("Net", "Web");
    world.filter("Net/Web", spec("web"));
    let sender = world.token(new_token("web", "service:Net/Web"));
    world.call(b.token, &fire("a"));
    world.call(sender, &fire("b"));
    let permissions = vec!["incidents:update".to_owned()];
    let robot = NewToken { permissions, ..new_token("robot", "team:Ops") };
    let robot = world.token(robot);
    let record = world.registry.token(robot).unwrap().clone();
    assert_eq!(record.scope, Scope::Team(b.team));
    world.actor = Actor::of(format!("token {robot}"), Who::Token(record, None), Door::Gate);
    let all = ids(&world);
    let both = bulk(&mut world, all.clone(), IncidentAction::Acknowledge).err().map(|why| why.slug());
    assert_eq!(both, Some(Ok(Slug::ScopeMissing)), "all or nothing where one is out of reach");
    assert!(world.admin(Command::Acknowledge(all[0])).is_ok());
    assert!(world.admin(Command::Unacknowledge(all[0])).is_ok());
    assert!(world.admin(Command::Resolve(all[0], None)).is_ok());
    assert_eq!(world.refused(Command::Resolve(all[1], None)).slug(), Ok(Slug::ScopeMissing));
    assert_eq!(world.refused(Command::Resolve(all[0], None)).slug(), Ok(Slug::Conflict), "resolved is final");
}
