//! The plan by the index against the plan by testing every filter.

use serde_json::json;
use tollgate_shared::filter::FilterSpec;
use tollgate_shared::id::TeamId;
use tollgate_shared::name::Name;
use tollgate_shared::time::Timestamp;
use uuid::Uuid;

use super::*;
use crate::core::model::{FilterRecord, RegistryChange, Service, Team};
use crate::store::Loaded;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn team(number: u128) -> Team {
    Team { id: TeamId(Uuid::from_u128(number)), name: Name::new(&format!("team {number}")).unwrap(), created_at: NOW }
}

fn service(number: u128, enabled: bool) -> Service {
    Service {
        id: ServiceId(Uuid::from_u128(number)),
        team: team(number % 3).id,
        name: Name::new(&format!("service {number}")).unwrap(),
        enabled,
        created_at: NOW,
    }
}

/// A filter for alerts of one host, which is the word given.
fn filter(number: u128, service: u128, host: &str) -> FilterRecord {
    let part = |status: &str| {
        json!([{ "path": "host", "op": "equals", "values": [host] },
        { "path": "@header.x-status", "op": "equals", "values": [status] }])
    };
    let spec = json!({ "name": "f", "trigger": { "conditions": part("firing"), "correlate": ["host"] },
        "resolve": { "conditions": part("ok") } });
    FilterRecord {
        id: FilterId(Uuid::from_u128(number)),
        service: ServiceId(Uuid::from_u128(service)),
        position: u32::try_from(number).unwrap(),
        spec: FilterSpec::from_json(spec.to_string().as_bytes()).unwrap(),
        created_at: NOW,
    }
}

fn registry() -> Registry {
    let loaded = Loaded {
        teams: (0..3).map(team).collect(),
        services: (0..9).map(|number| service(number, number != 4)).collect(),
        filters: (0..36)
            .map(|number| filter(number, number % 9, ["db", "web", "nas"][(number / 12) as usize]))
            .collect(),
        ..Loaded::default()
    };
    Registry::from_loaded(&loaded, 0).unwrap()
}

fn call(host: &str, status: &str) -> Call {
    let json = json!({ "host": host });
    Call {
        headers: vec![("x-status".into(), status.into())],
        query: Vec::new(),
        source_ip: std::net::Ipv4Addr::LOCALHOST.into(),
        text: json.to_string(),
        json: Some(json),
    }
}

/// Both ways agree for every scope; gives how many services the global plan has for an alert of the host.
fn agree(registry: &Registry, host: &str) -> usize {
    for status in ["firing", "ok", "other"] {
        let call = call(host, status);
        for scope in [Scope::Global, Scope::Team(team(1).id), Scope::Team(team(7).id)] {
            assert_eq!(plan(registry, scope, &call, &call), plan_plainly(registry, scope, &call, &call), "{scope:?}");
        }
    }
    plan(registry, Scope::Global, &call(host, "firing"), &call(host, "firing")).services.len()
}

fn changed(registry: &Registry, changes: &[RegistryChange]) -> Registry {
    registry.apply(changes).unwrap()
}

#[test]
fn a_plan_by_the_index_is_the_plan_by_testing_every_filter() {
    let registry = registry();
    assert_eq!(agree(&registry, "db"), 8, "one of nine services is disabled");
    assert_eq!(agree(&registry, "other"), 0);
}

#[test]
fn a_change_is_in_force_in_the_next_registry_and_not_in_the_last() {
    let before = registry();
    let put = RegistryChange::PutFilter(Box::new(filter(99, 5, "new")));
    let after = changed(&before, &[put]);
    assert_eq!((agree(&before, "new"), agree(&after, "new")), (0, 1));
    let gone = changed(&after, &[RegistryChange::DeleteFilter(FilterId(Uuid::from_u128(99)))]);
    assert_eq!(agree(&gone, "new"), 0);
    assert_eq!(gone.filter_count(), before.filter_count());
    assert!(gone.filter(FilterId(Uuid::from_u128(99))).is_none());
}

#[test]
fn a_service_is_skipped_while_it_is_disabled() {
    let registry = changed(&registry(), &[RegistryChange::PutService(service(4, true))]);
    assert_eq!(agree(&registry, "db"), 9);
    let registry = changed(&registry, &[RegistryChange::PutService(service(4, false))]);
    assert_eq!(agree(&registry, "db"), 8);
}

#[test]
fn a_service_that_moves_to_another_team_is_reached_there_alone() {
    let mut moved = service(0, true);
    moved.team = team(2).id;
    let registry = changed(&registry(), &[RegistryChange::PutService(moved)]);
    assert_eq!(agree(&registry, "db"), 8);
    assert_eq!(registry.services().len(), 9);
    assert_eq!(registry.reached(Scope::Team(team(2).id)).len(), 4);
    assert_eq!(registry.reached(Scope::Service(ServiceId(Uuid::from_u128(0)))).len(), 1);
}

#[test]
fn headers_that_a_filter_reads_are_known_as_long_as_it_stands() {
    let empty = Registry::from_loaded(&Loaded { services: vec![service(1, true)], ..Loaded::default() }, 0).unwrap();
    let one = changed(&empty, &[RegistryChange::PutFilter(Box::new(filter(1, 1, "db")))]);
    assert_eq!(one.header_names(), ["x-status"]);
    let none = changed(&one, &[RegistryChange::DeleteFilter(FilterId(Uuid::from_u128(1)))]);
    assert_eq!(none.header_names(), [""; 0]);
}

#[test]
fn a_renamed_team_renames_its_services_and_compiles_nothing_again() {
    let before = registry();
    let mut renamed = team(1);
    renamed.name = Name::new("Ops").unwrap();
    let after = changed(&before, &[RegistryChange::PutTeam(renamed)]);
    let of = |registry: &Registry| registry.service(ServiceId(Uuid::from_u128(1))).unwrap().clone();
    assert_eq!(of(&after).full_name, "Ops/service 1");
    assert!(std::sync::Arc::ptr_eq(&of(&before).compiled, &of(&after).compiled));
    assert_eq!(after.index().layer_count(), 1);
    assert!(after.services().iter().any(|entry| entry.full_name == "Ops/service 1"), "in the order too");
}

#[test]
fn a_rebuilt_index_keeps_what_changed_while_it_was_built() {
    let before = registry();
    let rebuilt = before.index().rebuilt();
    let after = changed(&before, &[RegistryChange::PutFilter(Box::new(filter(99, 5, "new")))]);
    let installed = after.with_rebuilt_index(&rebuilt);
    assert_eq!(agree(&installed, "new"), 1);
    assert_eq!(agree(&installed, "db"), 8);
    assert_eq!((installed.version(), installed.routing()), (after.version(), after.routing()));
}
