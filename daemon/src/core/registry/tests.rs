use std::sync::Arc;

use tollgate_shared::api::RevokeToken;
use tollgate_shared::token::Scope;

use super::*;
use crate::core::admin::{Command, TokenCommand};
use crate::core::model::Death;
use crate::core::testing::{World, mac, new_token, spec};

#[test]
fn a_snapshot_taken_before_a_change_stays_as_it_was() {
    let (mut world, b) = World::new();
    let before = world.registry.clone();
    world.team("Net");
    world.filter("Ops/DB", spec("more"));
    let revoke = RevokeToken { confirm: "sender".to_owned(), reason: String::new() };
    assert!(world.admin(Command::Token(TokenCommand::Revoke(b.token.to_string(), revoke))).is_ok());
    assert_eq!((before.teams().len(), before.filter_count(), before.token_count()), (1, 1, 1));
    assert!(before.token(b.token).is_some() && before.tombstone(b.token).is_none());
    assert_eq!((world.registry.teams().len(), world.registry.filter_count(), world.registry.token_count()), (2, 2, 0));
    assert!(before.version() < world.registry.version());
}

#[test]
fn a_change_to_one_token_leaves_everything_else_shared() {
    let (mut world, b) = World::new();
    for n in 0..300 {
        world.token(new_token(&format!("token {n}"), "global"));
    }
    let before = world.registry.clone();
    assert!(world.admin(Command::Token(TokenCommand::SetDebug(b.token.to_string(), true, None))).is_ok());
    let after = &world.registry;
    assert_eq!(before.tokens.pieces_not_shared_with(&after.tokens), 1);
    assert_eq!(before.tombstones.pieces_not_shared_with(&after.tombstones), 0);
    assert!(
        before.services.pieces_not_shared_with(&after.services) == 0
            && Arc::ptr_eq(&before.routes.order, &after.routes.order)
    );
    let others = before.tokens().filter(|token| token.id != b.token);
    assert!(others.into_iter().all(|token| after.token(token.id).is_some_and(|same| Arc::ptr_eq(token, same))));
}

#[test]
fn only_changes_of_teams_services_and_filters_move_the_routing_version() {
    let (mut world, b) = World::new();
    let routing = world.registry.routing();
    world.token(new_token("another", "global"));
    assert!(world.admin(Command::Token(TokenCommand::SetDebug(b.token.to_string(), true, None))).is_ok());
    assert_eq!(world.registry.routing(), routing);
    world.filter("Ops/DB", spec("more"));
    assert!(world.registry.routing() > routing);
}

#[test]
fn a_registry_read_from_disk_is_the_one_that_was_written_and_newer_than_any_before() {
    let (mut world, b) = World::new();
    let (id, old) = world.token_with_secret(new_token("rotated", "team:Ops"));
    let entropy = world.entropy();
    let (_, new) = world.secret(Command::Token(TokenCommand::Rotate(
        id.to_string(),
        tollgate_shared::api::RotateToken::default(),
        entropy,
    )));
    let before = world.registry.clone();
    world.restart();
    let after = &world.registry;
    assert!(after.version() > before.version() && after.routing() > before.routing());
    assert_eq!(after.token(b.token), before.token(b.token));
    assert_eq!(after.secret(&mac(&old)), Some(SecretEntry::Dead(id, Death::Rotated)));
    assert_eq!(after.secret(&mac(&new)), Some(SecretEntry::Living(id)));
    assert_eq!(after.services().iter().next().unwrap().full_name, "Ops/DB");
    assert_eq!(after.filter_name(b.filter), "alerts");
}

#[test]
fn a_scope_reaches_its_services_and_no_other() {
    let (mut world, b) = World::new();
    world.service("Ops", "Web");
    let net = world.team("Net");
    world.service("Net", "Edge");
    let reached =
        |scope| world.registry.reached(scope).iter().map(|entry| entry.full_name.as_str()).collect::<Vec<_>>();
    assert_eq!(reached(Scope::Global).len(), 3);
    assert_eq!(reached(Scope::Team(b.team)), ["Ops/DB", "Ops/Web"]);
    assert_eq!(reached(Scope::Team(net)), ["Net/Edge"]);
    assert_eq!(reached(Scope::Service(b.service)), ["Ops/DB"]);
    let nowhere = ServiceId(uuid::Uuid::from_u128(u128::MAX));
    assert!(reached(Scope::Service(nowhere)).is_empty());
}

#[test]
fn an_object_is_found_by_id_name_or_a_piece_of_its_id() {
    let (world, b) = World::new();
    let registry = &world.registry;
    let service = b.service.to_string();
    for reference in [service.as_str(), "Ops/DB", "ops/db", "db", "DB"] {
        assert_eq!(registry.find_service(reference).map(|entry| entry.service.id), Ok(b.service), "{reference}");
    }
    assert_eq!(registry.find_team("OPS").map(|team| team.id), Ok(b.team));
    for reference in [b.filter.to_string().as_str(), "Ops/DB/alerts", "ALERTS"] {
        assert_eq!(registry.find_filter(reference).map(|(_, record)| record.id), Ok(b.filter), "{reference}");
    }
    let id = b.token.to_string();
    for reference in [id.as_str(), "sender", "Sender", &id[5..]] {
        assert_eq!(registry.find_token(reference).map(|token| token.id), Ok(b.token), "{reference}");
    }
    assert!(matches!(registry.find_token(&id[9..]), Err(LookupError::Missing { .. })), "three characters are a guess");
}

#[test]
fn a_reference_that_fits_several_names_them_and_changes_nothing() {
    let (mut world, _) = World::new();
    world.team("Net");
    world.service("Net", "DB");
    let ambiguous = world.registry.find_service("db").err().unwrap();
    assert_eq!(ambiguous.to_string(), "`db` fits several services: Ops/DB, Net/DB; give the id");
    for n in 0..8 {
        let scope = if n == 0 { "global".to_owned() } else { scope_of_a_new_team(&mut world, n) };
        world.token(new_token("same", &scope));
    }
    let message = world.registry.find_token("same").err().unwrap().to_string();
    assert!(message.contains("and 3 more"), "{message}");
    let refused = world.refused(Command::Token(TokenCommand::SetDebug("same".to_owned(), true, None)));
    assert_eq!(refused.status, 409);
}

fn scope_of_a_new_team(world: &mut World, n: usize) -> String {
    let name = format!("team {n}");
    world.team(&name);
    format!("team:{name}")
}

#[test]
fn a_missing_reference_is_cut_before_it_is_repeated() {
    let (world, _) = World::new();
    let message = world.registry.find_team(&"x".repeat(500)).err().unwrap().to_string();
    assert_eq!(message.len(), "there is no team ``".len() + 80);
}

#[test]
fn a_missing_reference_says_which_name_was_probably_meant() {
    let (mut world, _) = World::new();
    world.team("Plant");
    let message = world.registry.find_team("Plnat").err().unwrap().to_string();
    assert_eq!(message, "there is no team `Plnat`; did you mean `Plant`?");
    assert!(!world.registry.find_team("Zebra").err().unwrap().to_string().contains("mean"));
}

#[test]
fn a_filter_of_a_service_that_does_not_exist_is_no_change() {
    let (world, b) = World::new();
    let (_, record) = world.registry.filter(b.filter).unwrap();
    let mut stray = record.as_ref().clone();
    stray.service = ServiceId(uuid::Uuid::from_u128(u128::MAX));
    assert!(world.registry.apply(&[RegistryChange::PutFilter(Box::new(stray))]).is_err());
}
