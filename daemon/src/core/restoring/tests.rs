//! What a restore does to a state, and how it is lifted.

use serde_json::json;
use tollgate_shared::api::{NewWorkflow, ReviewRestore, RotateToken, SetLockdown};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::request::RequestState;
use tollgate_shared::token::TokenState;

use super::*;
use crate::core::access::Actor;
use crate::core::admin::{Command, Reply, TokenCommand};
use crate::core::authenticate;
use crate::core::testing::{World, mac, new_token};
use crate::core::views::state_of;

/// A restored state; 26 hours have passed since its backup.
fn restored(world: &mut World, new_key: bool) -> Settled {
    let backup_made_at = world.now;
    world.wait(26 * 3_600);
    let restored = Restored { backup_made_at, backup_host: "noc-1".to_owned(), at: world.now, new_key };
    let loaded = world.store.load().unwrap();
    let mut settled = Settled::default();
    let (actor, now) = (Actor::daemon(), world.now);
    world
        .store
        .commit(now, &mut |view| settled = settle(view, &loaded, &restored, &actor, "backup of then".to_owned()))
        .unwrap();
    world.restart();
    settled
}

fn review(world: &mut World, suspend: &[&str], confirm_count: u32) -> Result<Reply, Problem> {
    let suspend = suspend.iter().map(|name| (*name).to_owned()).collect();
    world.admin(Command::ReviewRestore(ReviewRestore { suspend, confirm_count }))
}

#[test]
fn a_restored_state_is_locked_down_over_restarts_until_its_review() {
    let (mut world, _) = World::new();
    restored(&mut world, false);
    let lockdown = world.registry.lockdown().unwrap().reason.clone();
    assert!(lockdown.contains("what was revoked since is unknown: tollgate restore-review"), "{lockdown}");
    world.restart();
    assert!(world.registry.lockdown().is_some() && world.registry.restored().is_some());
    let off = world.refused(Command::SetLockdown(SetLockdown { on: false, reason: String::new() }));
    assert_eq!(off.slug(), Ok(Slug::Conflict));
    assert!(off.detail.contains("tollgate restore-review"), "{}", off.detail);
    assert!(review(&mut world, &[], 1).is_ok());
    world.restart();
    assert!(world.registry.lockdown().is_none() && world.registry.restored().is_none());
    assert_eq!(review(&mut world, &[], 1).err().unwrap().slug(), Ok(Slug::Conflict), "once");
}

#[test]
fn a_review_is_all_or_nothing_and_counts_what_it_lets_in() {
    let (mut world, basics) = World::new();
    let doubted = world.token(new_token("old-ci", "service:Ops/DB"));
    restored(&mut world, false);
    for (suspend, count) in [(&["old-ci"][..], 2), (&["old-ci"], 0), (&[], 1)] {
        let refused = review(&mut world, suspend, count).err().unwrap();
        assert_eq!((refused.slug(), refused.errors[0].path.as_str()), (Ok(Slug::Conflict), "confirm_count"));
    }
    assert_eq!(review(&mut world, &["old-ci", "nobody"], 1).err().unwrap().slug(), Ok(Slug::NotFound));
    assert!(world.registry.lockdown().is_some() && world.registry.token(doubted).unwrap().suspended.is_none());
    let done = review(&mut world, &["old-ci", doubted.as_str()], 1).unwrap();
    assert!(matches!(done, Reply::Reviewed(1, 1)), "named twice, suspended once");
    let state = |world: &World, id| state_of(world.registry.token(id).unwrap(), world.now);
    assert_eq!(state(&world, doubted), TokenState::Suspended);
    assert_eq!(state(&world, basics.token), TokenState::Active);
}

#[test]
fn a_token_whose_key_is_gone_is_refused_as_unknown_named_to_the_operator_and_works_after_a_rotation() {
    let (mut world, _) = World::new();
    let (token, secret) = world.token_with_secret(new_token("am-prod", "service:Ops/DB"));
    assert_eq!(restored(&mut world, true).without_secret, 2);
    let denied = authenticate::identify(&world.registry, &secret, &mac, world.now).unwrap_err();
    assert_eq!((denied.slug, denied.token), (Slug::TokenInvalid, None));
    assert!(denied.detail.contains("`am-prod` lost its secret in a restore"), "{}", denied.detail);
    assert!(review(&mut world, &[], 0).is_ok(), "none of them is let in by it");

    let overlap = RotateToken { overlap_secs: 60, ..RotateToken::default() };
    let entropy = world.entropy();
    let refused = world.refused(Command::Token(TokenCommand::Rotate("am-prod".to_owned(), overlap, entropy)));
    assert!(refused.detail.contains("nothing can live on"), "{}", refused.detail);
    let (now, entropy) = (RotateToken { now: true, ..RotateToken::default() }, world.entropy());
    let (same, secret) = world.secret(Command::Token(TokenCommand::Rotate("am-prod".to_owned(), now, entropy)));
    assert_eq!(same, token);
    let known = authenticate::identify(&world.registry, &secret, &mac, world.now).unwrap();
    assert!(!known.token.needs_rotation());
}

#[test]
fn what_may_have_been_done_since_the_backup_is_not_done_again() {
    let (mut world, _) = World::new();
    let starter = world.token(new_token("starter", "global"));
    let spec = json!({ "name": "restart", "steps": [{ "name": "go", "run": { "program": "go.sh" } }] });
    let spec = serde_json::from_str(&spec.to_string()).unwrap();
    let Reply::Workflow(id) = world.admin(Command::CreateWorkflow(Box::new(NewWorkflow { team: None, spec }))).unwrap()
    else {
        panic!("another reply")
    };
    let public = world.registry.workflow(id).unwrap().workflow.public_id.clone();
    let proposal = world.request_proposal(starter, &json!({ "workflowId": public }));
    world.decide(&[proposal]);
    assert_eq!(restored(&mut world, false).cancelled, 1);
    let (requests, _) = world.store.reader().requests(false, None, 10, &|_| true).unwrap();
    assert_eq!(requests[0].state, RequestState::Cancelled);
    assert!(requests[0].note.contains("cancelled by a restore"), "{}", requests[0].note);
}
