use tollgate_shared::api::{NewToken, TokenView, UsageView};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::DEBUG_SECS;
use tollgate_shared::problem::Slug;

use super::*;
use crate::core::admin::{Command, TokenCommand};
use crate::core::authenticate;
use crate::core::testing::{SENDER, World, fire, new_token};
use crate::core::views;

impl World {
    fn measure(&mut self, token: TokenId, patch: TokenPatch) -> Result<(), Problem> {
        let command = TokenCommand::Edit(token.to_string(), Box::new(patch), None);
        self.admin(Command::Token(command)).map(drop)
    }

    fn shown(&self, token: TokenId) -> TokenView {
        views::token(&self.registry, self.registry.token(token).unwrap(), UsageView::default(), self.now)
    }

    fn last_audit(&self) -> (String, String, String) {
        let row = self.store.reader().audit(None, 1).unwrap().rows.remove(0);
        (row.actor, row.action, row.detail)
    }

    fn sweep_measures(&mut self) {
        let actor = std::mem::replace(&mut self.actor, Actor::daemon());
        self.admin(Command::Token(TokenCommand::EndMeasures)).unwrap();
        self.actor = actor;
    }

    fn slug_from(&self, token: TokenId, ip: &str) -> Option<Slug> {
        let token = self.registry.token(token).unwrap();
        authenticate::check(&self.registry, token, ip.parse().unwrap(), None, self.now).err().map(|denied| denied.slug)
    }
}

fn rate(calls_per_min: u32) -> RateLimit {
    RateLimit { calls_per_min, burst: calls_per_min }
}

fn limit_for(calls_per_min: u32, secs: u32) -> TokenPatch {
    TokenPatch { rate_limit: Some(rate(calls_per_min)), for_secs: Some(secs), ..TokenPatch::default() }
}

fn block_for(ips: &[&str], secs: u32) -> TokenPatch {
    let list = ips.iter().map(|ip| (*ip).to_owned()).collect();
    TokenPatch { block_ips: Some(list), for_secs: Some(secs), ..TokenPatch::default() }
}

#[test]
fn a_limit_for_an_hour_stands_in_place_of_the_lasting_one_and_ends_by_itself() {
    let (mut world, b) = World::new();
    world.measure(b.token, TokenPatch { rate_limit: Some(rate(600)), ..TokenPatch::default() }).unwrap();
    let version = world.shown(b.token).version;
    world.measure(b.token, limit_for(60, 3_600)).unwrap();
    let until = world.now.plus_secs(3_600);
    let (actor, action, detail) = world.last_audit();
    let words = format!("limit 600/min, 600 at once -> 60/min, 60 at once until {until}, then 600/min, 600 at once");
    assert_eq!((actor.as_str(), action.as_str(), detail), ("root", "token.edit", words));
    let view = world.shown(b.token);
    assert_eq!(
        (view.rate_limit, view.limit_at(world.now), view.version),
        (Some(rate(600)), Some(rate(60)), version + 1)
    );
    world.restart();
    world.wait(3_599);
    assert_eq!(world.shown(b.token).limit_at(world.now), Some(rate(60)), "kept over a restart");
    world.wait(1);
    let view = world.shown(b.token);
    assert_eq!((view.limited_for, view.limit_at(world.now)), (None, Some(rate(600))), "judged by the time alone");
    world.sweep_measures();
    let (actor, action, detail) = world.last_audit();
    assert_eq!((actor.as_str(), action.as_str()), (Actor::daemon().name.as_str(), "token.edit"));
    assert_eq!(detail, format!("limit 60/min, 60 at once has ended at {until} -> 600/min, 600 at once"));
    assert_eq!(world.registry.all_measures().count(), 0);
    world.sweep_measures();
    assert_eq!(world.shown(b.token).version, version + 1, "its end is no change that an open form has to know");
}

#[test]
fn a_lasting_limit_ends_the_one_for_a_time() {
    let (mut world, b) = World::new();
    world.measure(b.token, limit_for(60, 3_600)).unwrap();
    world.measure(b.token, TokenPatch { rate_limit: Some(rate(90)), ..TokenPatch::default() }).unwrap();
    assert_eq!((world.shown(b.token).limited_for, world.shown(b.token).limit_at(world.now)), (None, Some(rate(90))));
    world.measure(b.token, limit_for(60, 3_600)).unwrap();
    world
        .measure(
            b.token,
            TokenPatch { rate_limit: Some(RateLimit { calls_per_min: 0, burst: 0 }), ..TokenPatch::default() },
        )
        .unwrap();
    assert_eq!(world.shown(b.token).limit_at(world.now), None);
    assert_eq!(world.registry.all_measures().count(), 0, "nothing is left of it");
}

#[test]
fn calls_from_a_blocked_address_are_refused_with_their_own_slug_until_the_time_is_over() {
    let (mut world, b) = World::new();
    let other = world.token(new_token("other", "service:Ops/DB"));
    world.measure(b.token, block_for(&["10.9.9.9", "2001:db8::/32", "::ffff:10.8.0.0/112"], 3_600)).unwrap();
    let until = world.now.plus_secs(3_600);
    assert_eq!(
        world.last_audit().2,
        format!(
            "10.9.9.9 blocked until {until}; 2001:db8::/32 blocked until {until}; 10.8.0.0/16 blocked until {until}"
        )
    );
    let slugs =
        |world: &World| ["10.9.9.9", "2001:db8::7", "10.8.1.1", "10.9.9.8"].map(|ip| world.slug_from(b.token, ip));
    let blocked = Some(Slug::IpBlocked);
    assert_eq!(slugs(&world), [blocked, blocked, blocked, None]);
    assert_eq!(world.slug_from(other, "10.9.9.9"), None, "other tokens are taken from there");
    let told = authenticate::check(
        &world.registry,
        world.registry.token(b.token).unwrap(),
        "10.9.9.9".parse().unwrap(),
        None,
        world.now,
    );
    assert_eq!(told.unwrap_err().detail, format!("calls of this token from 10.9.9.9 are refused until {until}"));
    world.wait(3_600);
    assert_eq!(slugs(&world), [None; 4]);
    world.sweep_measures();
    assert!(world.last_audit().2.contains(&format!("10.9.9.9 is blocked no more, since {until}")));
}

#[test]
fn a_call_that_waited_while_its_address_was_blocked_is_refused_by_the_writer() {
    let (mut world, b) = World::new();
    let waiting = world.proposal(b.token, &fire("a"));
    world.measure(b.token, block_for(&[&SENDER.to_string()], 60)).unwrap();
    let decided = world.decide(&[waiting]).remove(0);
    assert_eq!(decided.refused.map(|denied| denied.slug), Some(Slug::IpBlocked));
    assert!(world.incidents().is_empty());
}

#[test]
fn a_block_is_moved_by_saying_it_again_and_ended_by_its_own_words() {
    let (mut world, b) = World::new();
    world.measure(b.token, block_for(&["10.9.9.9"], 60)).unwrap();
    world.measure(b.token, block_for(&["10.9.9.9"], 600)).unwrap();
    let view = world.shown(b.token);
    assert_eq!(
        view.blocked.iter().map(|one| (one.net.as_str(), one.until)).collect::<Vec<_>>(),
        [("10.9.9.9", world.now.plus_secs(600))]
    );
    let end = |ip: &str| TokenPatch { unblock_ips: Some(vec![ip.to_owned()]), ..TokenPatch::default() };
    let why = world.measure(b.token, end("10.9.9.8")).unwrap_err();
    assert_eq!(
        (why.errors[0].path.as_str(), why.errors[0].message.as_str()),
        ("unblock_ips[0]", "10.9.9.8 is not blocked; blocked: 10.9.9.9")
    );
    world.measure(b.token, end("10.9.9.9")).unwrap();
    assert_eq!((world.last_audit().2.as_str(), world.shown(b.token).blocked.len()), ("10.9.9.9 is blocked no more", 0));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_field_named_and_nothing_is_changed() {
    let (mut world, b) = World::new();
    let many: Vec<String> = (0..64).map(|n| format!("10.0.0.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    world.measure(b.token, block_for(&many, 60)).unwrap();
    let patch = TokenPatch::default;
    let version = world.shown(b.token).version;
    for (wrong, field) in [
        (limit_for(60, 0), "for_secs"),
        (limit_for(60, MEASURE_SECS_MAX + 1), "for_secs"),
        (limit_for(0, 60), "rate_limit"),
        (TokenPatch { for_secs: Some(60), ..patch() }, "for_secs"),
        (TokenPatch { block_ips: Some(vec!["10.1.1.1".to_owned()]), ..patch() }, "for_secs"),
        (block_for(&["10.9.9"], 60), "block_ips[0]"),
        (block_for(&["10.1.1.1", "0.0.0.0/0"], 60), "block_ips[1]"),
        (block_for(&["10.1.1.1"], 60), "block_ips"),
    ] {
        let problem = world.measure(b.token, wrong).unwrap_err();
        assert_eq!((problem.status, problem.errors[0].path.as_str()), (422, field), "{problem:?}");
    }
    assert_eq!((world.shown(b.token).version, world.shown(b.token).blocked.len()), (version, 64));
}

#[test]
fn a_sealed_token_can_be_narrowed_for_a_time_and_not_widened() {
    let (mut world, _) = World::new();
    let sealed = world.token(NewToken { sealed: true, rate_limit: Some(rate(100)), ..new_token("fixed", "global") });
    world.measure(sealed, limit_for(10, 60)).unwrap();
    world.measure(sealed, block_for(&["10.9.9.9"], 60)).unwrap();
    assert_eq!(world.measure(sealed, limit_for(1_000, 60)).unwrap_err().status, 409);
    assert_eq!(world.shown(sealed).limit_at(world.now), Some(rate(10)));
}

#[test]
fn one_call_in_a_hundred_is_kept_with_debug_and_goes_with_it() {
    let (mut world, b) = World::new();
    let debug = |world: &mut World, on, one_in| {
        world.admin(Command::Token(TokenCommand::SetDebug(b.token.to_string(), on, one_in)))
    };
    debug(&mut world, true, Some(100)).unwrap();
    let until = world.now.plus_secs(DEBUG_SECS);
    assert_eq!(world.last_audit().2, format!("on until {until}, one call in 100"));
    assert_eq!(world.shown(b.token).debug_one_in, Some(100));
    for (on, one_in) in [(true, 1), (true, DEBUG_ONE_IN_MAX + 1), (false, 100)] {
        assert_eq!(debug(&mut world, on, Some(one_in)).err().unwrap().status, 422);
    }
    debug(&mut world, true, None).unwrap();
    assert_eq!(world.shown(b.token).debug_one_in, None, "every call again");
    debug(&mut world, true, Some(100)).unwrap();
    debug(&mut world, false, None).unwrap();
    assert_eq!(world.registry.all_measures().count(), 0);
    debug(&mut world, true, Some(2)).unwrap();
    world.wait(DEBUG_SECS);
    assert_eq!(world.shown(b.token).debug_one_in, None);
    world.sweep_measures();
    assert_eq!(world.registry.all_measures().count(), 0);
}

#[test]
fn what_was_set_for_a_time_goes_with_the_token() {
    let (mut world, b) = World::new();
    world.measure(b.token, block_for(&["10.9.9.9"], 600)).unwrap();
    let revoke = tollgate_shared::api::RevokeToken { confirm: b.token.to_string(), reason: String::new() };
    world.admin(Command::Token(TokenCommand::Revoke(b.token.to_string(), revoke))).unwrap();
    world.restart();
    assert_eq!(world.registry.all_measures().count(), 0);
}
