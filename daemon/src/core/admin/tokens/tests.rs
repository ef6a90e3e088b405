use std::sync::Arc;

use serde_json::json;
use tollgate_shared::api::{ImportToken, NewToken, RevokeToken, RotateToken, TokenPatch};
use tollgate_shared::id::OperatorId;
use tollgate_shared::limits::DEBUG_SECS;
use tollgate_shared::name::Name;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Permission, RateLimit, Scope};
use uuid::Uuid;

use super::*;
use crate::core::access::{Door, Who};
use crate::core::admin::Command;
use crate::core::authenticate::{self, Denied, Known};
use crate::core::model::{Issuer, Operator};
use crate::core::testing::{SENDER, World, fire, mac, new_token, recover};

const DAY: i64 = 86_400;

impl World {
    fn change(&mut self, command: TokenCommand) -> Result<Reply, Problem> {
        self.admin(Command::Token(command))
    }

    fn done(&mut self, command: TokenCommand) {
        assert!(self.change(command).is_ok());
    }

    fn refusal(&mut self, command: TokenCommand) -> Problem {
        self.change(command).err().expect("a refusal")
    }

    fn created(&mut self, new: NewToken) -> Result<Reply, Problem> {
        let entropy = self.entropy();
        self.change(TokenCommand::Create(Box::new(new), entropy))
    }

    fn edited(&mut self, token: TokenId, patch: TokenPatch) -> Result<Reply, Problem> {
        self.change(TokenCommand::Edit(token.to_string(), Box::new(patch), None))
    }

    fn rotated(&mut self, token: TokenId, rotate: RotateToken) -> Result<String, Problem> {
        let entropy = self.entropy();
        match self.change(TokenCommand::Rotate(token.to_string(), rotate, entropy))? {
            Reply::Secret(_, secret) => Ok(secret.expose().to_owned()),
            _ => panic!("another reply"),
        }
    }

    fn revoke(&mut self, token: TokenId) {
        let revoke = RevokeToken { confirm: token.to_string(), reason: "leaked".to_owned() };
        self.done(TokenCommand::Revoke(token.to_string(), revoke));
    }

    fn at(&self, token: TokenId) -> Arc<Token> {
        self.registry.token(token).expect("a living token").clone()
    }

    fn present(&self, secret: &str) -> Result<Known, Denied> {
        authenticate::identify(&self.registry, secret, &|secret| mac(secret), self.now)
    }

    /// What the gate says to a call with this secret from the tests' sender; `None` = let in.
    fn slug(&self, secret: &str) -> Option<Slug> {
        let checked = self.present(secret).and_then(|known| {
            let needs = Some(Permission::IncidentsCreate);
            authenticate::check(&self.registry, &known.token, SENDER, needs, self.now)
        });
        checked.err().map(|denied| denied.slug)
    }

    fn operator(&mut self, n: u128, role: Option<GlobalRole>, team_roles: Vec<(TeamIdOf, TeamRole)>) -> Arc<Operator> {
        let operator = Operator {
            id: OperatorId(Uuid::from_u128(n)),
            name: Name::new(&format!("operator {n}")).unwrap(),
            unix_users: Vec::new(),
            passphrase: None,
            role,
            team_roles,
            enabled: true,
            created_at: self.now,
            created_by: "root".to_owned(),
            version: 1,
        };
        self.put(&operator);
        Arc::new(operator)
    }

    fn put(&mut self, operator: &Operator) {
        let change = RegistryChange::PutOperator(Box::new(operator.clone()));
        self.registry = self.registry.apply(&[change]).unwrap();
    }

    fn acts_as(&mut self, operator: &Arc<Operator>) {
        self.actor = Actor::of(operator.name.to_string(), Who::Operator(operator.clone()), Door::Cli);
    }
}

type TeamIdOf = tollgate_shared::id::TeamId;

fn personal(name: &str, scope: &str) -> NewToken {
    NewToken { personal: true, ..new_token(name, scope) }
}

fn overlap(secs: i64) -> RotateToken {
    RotateToken { overlap_secs: u32::try_from(secs).unwrap(), ..RotateToken::default() }
}

fn patch() -> TokenPatch {
    TokenPatch::default()
}

// --- name, scope, owner, permissions ---

#[test]
fn a_name_is_unique_among_the_living_tokens_of_its_scope() {
    let (mut world, b) = World::new();
    assert_eq!(world.created(new_token("Sender", "service:Ops/DB")).err().unwrap().status, 409);
    let other = world.token(new_token("sender", "team:Ops"));
    let second = world.token(new_token("second", "team:Ops"));
    let taken = TokenPatch { name: Some("SENDER".to_owned()), ..patch() };
    assert_eq!(world.edited(second, taken).err().unwrap().status, 409);
    let own = TokenPatch { name: Some("Sender".to_owned()), ..patch() };
    assert!(world.edited(other, own).is_ok(), "its own name in another case");
    world.revoke(b.token);
    assert!(world.created(new_token("sender", "service:Ops/DB")).is_ok(), "a dead token's name is free");
    let renamed = TokenPatch { name: Some("third".to_owned()), ..patch() };
    assert!(world.edited(other, renamed).is_ok());
    assert!(world.created(new_token("sender", "team:Ops")).is_ok(), "a name that was given up is free");
}

#[test]
fn the_scope_is_fixed_and_the_refusal_says_so() {
    let (mut world, b) = World::new();
    let refusal = world.edited(b.token, TokenPatch { scope: Some("global".to_owned()), ..patch() }).err().unwrap();
    assert_eq!((refusal.status, refusal.errors[0].path.as_str()), (422, "scope"));
    assert!(refusal.detail.contains("fixed at creation"));
}

#[test]
fn a_personal_token_belongs_to_the_operator_who_makes_it_and_mine_is_for_those_only() {
    let (mut world, b) = World::new();
    assert_eq!(world.created(personal("p", "mine")).err().unwrap().errors[0].path, "personal");
    assert_eq!(world.created(new_token("m", "mine")).err().unwrap().errors[0].path, "scope");
    let anna = world.operator(1, None, vec![(b.team, TeamRole::Responder)]);
    world.acts_as(&anna);
    let (id, secret) = world.token_with_secret(personal("p", "mine"));
    assert_eq!(world.at(id).owner, Owner::Operator(anna.id));
    assert_eq!(world.at(id).issued_by, Issuer::Operator(anna.id));
    assert!(secret.starts_with("tg_p_"));
    let bert = world.operator(2, None, vec![(b.team, TeamRole::Manager)]);
    world.acts_as(&bert);
    assert!(world.created(personal("p", "mine")).is_ok(), "each owner has names of his own");
    assert_eq!(world.edited(id, TokenPatch { query_token: Some(false), ..patch() }).err().unwrap().status, 403);
    assert!(world.change(TokenCommand::Suspend(id.to_string(), String::new())).is_ok(), "his manager may suspend it");
    world.revoke(id);
}

#[test]
fn nobody_grants_what_he_lacks() {
    let (mut world, b) = World::new();
    let observer = world.operator(1, None, vec![(b.team, TeamRole::Observer)]);
    world.acts_as(&observer);
    let refusal = world.created(personal("p", "mine")).err().unwrap();
    assert!(refusal.detail.contains("incidents:create"), "{}", refusal.detail);
    let reading = NewToken { preset: Some("read-only".to_owned()), ..personal("p", "mine") };
    let Ok(Reply::Secret(id, _)) = world.created(reading) else { panic!("read permissions are his to give") };
    let more = TokenPatch { permissions: Some(vec!["tokens:manage".to_owned()]), ..patch() };
    assert_eq!(world.edited(id, more).err().unwrap().status, 403);
    assert_eq!(world.created(new_token("t", "team:Ops")).err().unwrap().status, 403, "not a team's token");
    let manager = world.operator(2, None, vec![(b.team, TeamRole::Manager)]);
    world.acts_as(&manager);
    assert!(world.created(new_token("t", "team:Ops")).is_ok());
    assert_eq!(world.created(new_token("g", "global")).err().unwrap().status, 403, "global is for admins");
    assert_eq!(world.created(personal("g", "global")).err().unwrap().status, 403);
}

#[test]
fn a_token_does_not_reach_by_rotating_what_it_could_not_grant() {
    let (mut world, _) = World::new();
    let manage = NewToken { permissions: vec!["tokens:manage".to_owned()], ..new_token("robot", "global") };
    let robot = world.token(manage);
    let all = world.token(NewToken { preset: Some("all".to_owned()), ..new_token("strong", "global") });
    let who = Who::Token(world.at(robot), None);
    world.actor = Actor::of(format!("token {robot}"), who, Door::Gate);
    assert_eq!(world.rotated(all, RotateToken::default()).err().unwrap().status, 403);
    let weak = NewToken { permissions: vec!["tokens:manage".to_owned()], ..new_token("child", "global") };
    let Ok(Reply::Secret(child, _)) = world.created(weak) else { panic!("its own permission is its to give") };
    assert_eq!(world.at(child).issued_by, Issuer::Token(robot));
}

#[test]
fn permissions_are_a_closed_list_with_presets() {
    let (mut world, _) = World::new();
    let with = |preset: Option<&str>, list: &[&str]| NewToken {
        preset: preset.map(str::to_owned),
        permissions: list.iter().map(|text| (*text).to_owned()).collect(),
        ..new_token("x", "team:Ops")
    };
    assert_eq!(world.created(with(None, &["incidents:delete"])).err().unwrap().errors[0].path, "permissions[0]");
    assert_eq!(world.created(with(Some("everything"), &[])).err().unwrap().errors[0].path, "preset");
    assert_eq!(world.created(with(Some("all"), &["logs:read"])).err().unwrap().errors[0].path, "preset");
    assert_eq!(world.created(with(None, &["requests:create"])).err().unwrap().errors[0].path, "permissions");
    let sender = world.token(new_token("sender", "global"));
    assert_eq!(world.at(sender).permissions, [Permission::IncidentsCreate, Permission::RequestsCreate]);
    let reader = world.token(with(Some("read-only"), &[]));
    assert!(world.at(reader).permissions.iter().all(|permission| permission.is_read()));
}

#[test]
fn the_right_of_a_personal_token_is_never_more_than_what_its_owner_may_now() {
    let (mut world, b) = World::new();
    let mut anna = world.operator(1, None, vec![(b.team, TeamRole::Responder)]).as_ref().clone();
    world.acts_as(&Arc::new(anna.clone()));
    let (id, secret) = world.token_with_secret(personal("p", "mine"));
    assert_eq!(world.slug(&secret), None);
    assert_eq!(world.call(id, &fire("a")).outcome, Outcome::Created, "mine reaches the owner's teams");
    anna.team_roles = vec![(b.team, TeamRole::Observer)];
    world.put(&anna);
    assert_eq!(world.slug(&secret), Some(Slug::PermissionMissing));
    anna.team_roles = vec![(b.team, TeamRole::Manager)];
    world.put(&anna);
    assert_eq!(world.slug(&secret), None);
    let waiting = world.proposal(id, &fire("b"));
    anna.enabled = false;
    world.put(&anna);
    assert_eq!(world.slug(&secret), Some(Slug::PermissionMissing), "a disabled owner's tokens are refused");
    assert_eq!(world.decide(&[waiting])[0].outcome, Outcome::Rejected, "the writer asks once more");
}

// --- times ---

#[test]
fn an_expiry_keeps_the_chosen_duration_and_a_refresh_adds_it_again() {
    let (mut world, _) = World::new();
    for preset in ["1h", "1d", "7d", "30d", "90d", "1y", "never"] {
        let id = world.token(NewToken { expires: Some(preset.to_owned()), ..new_token(preset, "global") });
        assert_eq!(world.at(id).expires_at.is_none(), preset == "never");
    }
    let id = world.token(NewToken { expires: Some("30d".to_owned()), ..new_token("t", "global") });
    world.wait(40 * DAY);
    world.done(TokenCommand::Refresh(id.to_string()));
    assert_eq!(world.at(id).expires_at, Some(world.now.plus_secs(30 * DAY)), "also when it was expired");
    let never = world.token(new_token("n", "global"));
    assert_eq!(world.refusal(TokenCommand::Refresh(never.to_string())).status, 409);
}

#[test]
fn a_refresh_of_a_date_adds_the_distance_from_creation_and_never_shortens() {
    let (mut world, _) = World::new();
    let date = world.now.plus_secs(10 * DAY);
    let id = world.token(NewToken { expires: Some(date.to_string()), ..new_token("t", "global") });
    world.wait(3 * DAY);
    world.done(TokenCommand::Refresh(id.to_string()));
    assert_eq!(world.at(id).expires_at, Some(world.now.plus_secs(10 * DAY)));
    let far = world.now.plus_secs(400 * DAY);
    assert!(world.edited(id, TokenPatch { expires: Some(far.to_string()), ..patch() }).is_ok());
    world.done(TokenCommand::Refresh(id.to_string()));
    assert!(world.at(id).expires_at >= Some(far), "edited to next year, a refresh does not shorten");
}

#[test]
fn a_token_refreshes_itself_only_while_valid_and_with_the_permission() {
    let (mut world, _) = World::new();
    let new = NewToken {
        expires: Some("1d".to_owned()),
        permissions: vec!["token:refresh".to_owned()],
        ..new_token("t", "global")
    };
    let id = world.token(new);
    let own = |world: &World| TokenCommand::RefreshSelf(id, world.at(id).mac);
    world.wait(DAY / 2);
    let command = own(&world);
    world.done(command);
    assert_eq!(world.at(id).expires_at, Some(world.now.plus_secs(DAY)));
    assert!(world.edited(id, TokenPatch { permissions: Some(vec!["logs:read".to_owned()]), ..patch() }).is_ok());
    let command = own(&world);
    assert_eq!(world.refusal(command).status, 403);
    assert!(world.edited(id, TokenPatch { permissions: Some(vec!["token:refresh".to_owned()]), ..patch() }).is_ok());
    world.wait(DAY);
    let command = own(&world);
    assert_eq!(world.refusal(command).slug().ok(), Some(Slug::TokenExpired));
}

#[test]
fn not_before_is_answered_token_not_yet_valid() {
    let (mut world, _) = World::new();
    let new = NewToken { not_before: Some("2h".to_owned()), ..new_token("t", "global") };
    let (_, secret) = world.token_with_secret(new);
    assert_eq!(world.slug(&secret), Some(Slug::TokenNotYetValid));
    world.wait(7_200);
    assert_eq!(world.slug(&secret), None);
    let never_valid =
        NewToken { not_before: Some("2d".to_owned()), expires: Some("1d".to_owned()), ..new_token("u", "global") };
    assert_eq!(world.created(never_valid).err().unwrap().errors[0].path, "not_before");
}

#[test]
fn debug_runs_48_hours_and_only_switching_it_on_restarts_the_clock() {
    let (mut world, _) = World::new();
    let id = world.token(NewToken { debug: true, ..new_token("t", "global") });
    let until = world.at(id).debug_until;
    assert_eq!(until, Some(world.now.plus_secs(DEBUG_SECS)));
    world.wait(100);
    assert!(world.edited(id, TokenPatch { description: Some("x".to_owned()), ..patch() }).is_ok());
    assert_eq!(world.at(id).debug_until, until, "an edit does not touch it");
    world.done(TokenCommand::SetDebug(id.to_string(), true, None));
    assert_eq!(world.at(id).debug_until, Some(world.now.plus_secs(DEBUG_SECS)));
    world.done(TokenCommand::SetDebug(id.to_string(), false, None));
    assert_eq!(world.at(id).debug_until, None);
}

#[test]
fn a_sealed_token_changes_name_description_and_debug_only() {
    let (mut world, _) = World::new();
    let id = world.token(NewToken { sealed: true, expires: Some("1d".to_owned()), ..new_token("t", "global") });
    let words = TokenPatch { name: Some("u".to_owned()), description: Some("d".to_owned()), ..patch() };
    assert!(world.edited(id, words).is_ok());
    world.done(TokenCommand::SetDebug(id.to_string(), true, None));
    for refused in [
        TokenPatch { expires: Some("2d".to_owned()), ..patch() },
        TokenPatch { allowed_ips: Some(vec!["10.0.0.1".to_owned()]), ..patch() },
        TokenPatch { query_token: Some(false), ..patch() },
        TokenPatch { sealed: Some(false), ..patch() },
    ] {
        assert_eq!(world.edited(id, refused).err().unwrap().status, 409);
    }
    assert_eq!(world.refusal(TokenCommand::Refresh(id.to_string())).status, 409);
    assert_eq!(world.rotated(id, RotateToken::default()).err().unwrap().status, 409);
    let open = world.token(new_token("open", "global"));
    assert!(world.edited(open, TokenPatch { sealed: Some(true), ..patch() }).is_ok());
    assert_eq!(world.rotated(open, RotateToken::default()).err().unwrap().status, 409);
}

// --- addresses, deduplication, quota, query ---

#[test]
fn report_only_notices_a_foreign_address_and_lets_the_call_in() {
    let (mut world, _) = World::new();
    let new = NewToken { allowed_ips: vec!["::ffff:10.0.0.0/104".to_owned()], ..new_token("t", "global") };
    let (id, secret) = world.token_with_secret(new);
    assert_eq!(world.at(id).allowed_ips[0].to_string(), "10.0.0.0/8", "IPv4-mapped is IPv4");
    assert_eq!(world.slug(&secret), Some(Slug::IpNotAllowed));
    assert!(world.edited(id, TokenPatch { ip_report_only: Some(true), ..patch() }).is_ok());
    let noticed = authenticate::check(&world.registry, &world.at(id), SENDER, None, world.now).unwrap();
    assert!(noticed.ip_violation);
    let inside = authenticate::check(&world.registry, &world.at(id), [10, 1, 1, 1].into(), None, world.now).unwrap();
    assert!(!inside.ip_violation);
}

#[test]
fn dedup_ignore_takes_paths_into_the_body_and_leaves_them_out_of_same_content() {
    let (mut world, b) = World::new();
    for bad in ["a..b", "$", "@header.host"] {
        let refused = world.edited(b.token, TokenPatch { dedup_ignore: Some(vec![bad.to_owned()]), ..patch() });
        assert_eq!(refused.err().unwrap().errors[0].path, "dedup_ignore[0]", "{bad}");
    }
    let at = |when: &str| {
        let mut body = fire("a");
        body["at"] = json!(when);
        body
    };
    assert!(world.edited(b.token, TokenPatch { dedup_ignore: Some(vec!["at".to_owned()]), ..patch() }).is_ok());
    assert_eq!(world.call(b.token, &at("10:00")).outcome, Outcome::Created);
    assert_eq!(world.call(b.token, &at("10:05")).outcome, Outcome::Duplicate);
}

#[test]
fn a_strict_token_discards_within_the_time_whatever_became_of_the_effect() {
    let (mut world, b) = World::new();
    assert!(world.edited(b.token, TokenPatch { dedup_strict: Some(true), ..patch() }).is_ok());
    let outcomes: Vec<_> =
        [fire("a"), recover("a"), fire("a")].iter().map(|body| world.call(b.token, body).outcome).collect();
    assert_eq!(outcomes, [Outcome::Created, Outcome::Resolved, Outcome::Duplicate]);
}

#[test]
fn a_quota_is_off_by_default_and_bounded() {
    let (mut world, b) = World::new();
    assert_eq!(world.at(b.token).rate_limit, None);
    let limit = |calls_per_min, burst| TokenPatch { rate_limit: Some(RateLimit { calls_per_min, burst }), ..patch() };
    assert_eq!(world.edited(b.token, limit(60, 0)).err().unwrap().status, 422);
    assert_eq!(world.edited(b.token, limit(2_000_000, 1)).err().unwrap().status, 422);
    assert!(world.edited(b.token, limit(60, 5)).is_ok());
    assert!(world.edited(b.token, limit(0, 0)).is_ok());
    assert_eq!(world.at(b.token).rate_limit, None, "no calls a minute is no quota");
}

// --- rotation ---

#[test]
fn a_rotation_keeps_the_settings_and_the_old_secret_is_dead_at_once_and_for_ever() {
    let (mut world, _) = World::new();
    let (id, old) = world.token_with_secret(NewToken { dedup_window_secs: Some(7), ..new_token("t", "global") });
    let new = world.rotated(id, RotateToken::default()).unwrap();
    assert_eq!((world.slug(&old), world.slug(&new)), (Some(Slug::TokenRevoked), None));
    assert_eq!((world.at(id).dedup_window_secs, world.at(id).rotations), (7, 1));
    assert_eq!(world.present(&old).err().and_then(|denied| denied.dead), Some(id), "its tries are counted");
    world.restart();
    assert_eq!((world.slug(&old), world.slug(&new)), (Some(Slug::TokenRevoked), None));
}

#[test]
fn an_overlap_keeps_the_old_secret_alive_until_its_deadline_and_not_after() {
    let (mut world, _) = World::new();
    let (id, old) = world.token_with_secret(new_token("t", "global"));
    let new = world.rotated(id, overlap(3_600)).unwrap();
    assert!(world.present(&old).is_ok_and(|known| known.old_secret));
    assert!(world.present(&new).is_ok_and(|known| !known.old_secret));
    world.wait(3_599);
    assert_eq!(world.slug(&old), None);
    world.wait(1);
    assert_eq!((world.slug(&old), world.slug(&new)), (Some(Slug::TokenRevoked), None));
    world.restart();
    assert_eq!(world.slug(&old), Some(Slug::TokenRevoked), "a restart does not revive it");
    world.done(TokenCommand::EndOverlaps);
    assert_eq!(world.at(id).overlap, None);
    world.restart();
    world.wait(-7_200);
    assert_eq!(world.slug(&old), Some(Slug::TokenRevoked), "no clock revives what is buried");
}

#[test]
fn an_overlap_is_30_days_at_most_and_never_outlives_the_token() {
    let (mut world, _) = World::new();
    let id = world.token(NewToken { expires: Some("2d".to_owned()), ..new_token("t", "global") });
    assert_eq!(world.rotated(id, overlap(30 * DAY + 1)).err().unwrap().status, 422);
    assert!(world.rotated(id, overlap(30 * DAY)).is_ok());
    let until = |world: &World| world.at(id).overlap.map(|overlap| overlap.until);
    assert_eq!(until(&world), world.at(id).expires_at);
    assert!(world.edited(id, TokenPatch { expires: Some("1d".to_owned()), ..patch() }).is_ok());
    assert_eq!(until(&world), Some(world.now.plus_secs(DAY)), "an edit that shortens the life shortens it, too");
    assert!(world.edited(id, TokenPatch { expires: Some("never".to_owned()), ..patch() }).is_ok());
    world.done(TokenCommand::ChangeOverlap(id.to_string(), 30 * 86_400));
    world.wait(1);
    assert_eq!(world.refusal(TokenCommand::ChangeOverlap(id.to_string(), 30 * 86_400)).status, 422);
}

#[test]
fn rotating_again_during_an_overlap_is_refused_unless_now_which_kills_both() {
    let (mut world, _) = World::new();
    let (id, first) = world.token_with_secret(new_token("t", "global"));
    let second = world.rotated(id, overlap(3_600)).unwrap();
    assert_eq!(world.rotated(id, overlap(3_600)).err().unwrap().status, 409);
    let third = world.rotated(id, RotateToken { now: true, ..RotateToken::default() }).unwrap();
    let slugs = [&first, &second, &third].map(|secret| world.slug(secret));
    assert_eq!(slugs, [Some(Slug::TokenRevoked), Some(Slug::TokenRevoked), None]);
    let fourth = world.rotated(id, overlap(60)).unwrap();
    world.wait(61);
    world.rotated(id, overlap(60)).unwrap();
    world.restart();
    assert_eq!(world.slug(&third), Some(Slug::TokenRevoked), "the one before the last stays dead");
    assert_eq!(world.slug(&fourth), None);
}

#[test]
fn a_retried_rotation_answers_already_rotated_and_kills_nothing() {
    let (mut world, _) = World::new();
    let (id, old) = world.token_with_secret(new_token("t", "global"));
    let with_key = |now| RotateToken { now, idempotency_key: Some("change-4711".to_owned()), ..RotateToken::default() };
    let new = world.rotated(id, with_key(false)).unwrap();
    for now in [false, true] {
        let refusal = world.rotated(id, with_key(now)).err().unwrap();
        assert!(refusal.status == 409 && refusal.detail.contains("already rotated"), "{}", refusal.detail);
    }
    assert_eq!((world.slug(&old), world.slug(&new)), (Some(Slug::TokenRevoked), None));
    let typo = RotateToken { confirm: Some("x".to_owned()), ..RotateToken::default() };
    assert_eq!(world.rotated(id, typo).err().unwrap().errors[0].path, "confirm");
}

#[test]
fn an_overlap_can_be_ended_and_a_revoke_kills_both_secrets() {
    let (mut world, _) = World::new();
    let (id, old) = world.token_with_secret(new_token("t", "global"));
    let new = world.rotated(id, overlap(3_600)).unwrap();
    world.done(TokenCommand::ChangeOverlap(id.to_string(), 0));
    assert_eq!((world.slug(&old), world.slug(&new)), (Some(Slug::TokenRevoked), None));
    assert_eq!(world.refusal(TokenCommand::ChangeOverlap(id.to_string(), 60)).status, 409);
    let newest = world.rotated(id, overlap(3_600)).unwrap();
    world.revoke(id);
    world.restart();
    for secret in [&old, &new, &newest] {
        assert_eq!(world.slug(secret), Some(Slug::TokenRevoked));
    }
}

#[test]
fn the_old_secrets_deadline_is_what_its_holder_is_told() {
    let (mut world, _) = World::new();
    let (id, old) = world.token_with_secret(NewToken { expires: Some("10d".to_owned()), ..new_token("t", "global") });
    let new = world.rotated(id, overlap(DAY)).unwrap();
    let ends = |world: &World, secret: &str| world.present(secret).ok().and_then(|known| known.ends_soon(world.now));
    assert_eq!(ends(&world, &old), Some(world.now.plus_secs(DAY)));
    assert_eq!(ends(&world, &new), Some(world.now.plus_secs(10 * DAY)));
    assert!(world.edited(id, TokenPatch { expires: Some("15d".to_owned()), ..patch() }).is_ok());
    assert_eq!(ends(&world, &new), None, "more than 14 days are left");
}

// --- suspension, revocation, import ---

#[test]
fn a_suspended_token_answers_503_and_everything_stays() {
    let (mut world, b) = World::new();
    let (id, secret) = world.token_with_secret(new_token("t", "team:Ops"));
    let responder = world.operator(1, None, vec![(b.team, TeamRole::Responder)]);
    let root = world.actor.clone();
    world.acts_as(&responder);
    world.done(TokenCommand::Suspend(id.to_string(), "odd calls".to_owned()));
    assert_eq!(world.slug(&secret), Some(Slug::TokenSuspended));
    assert_eq!(world.call(id, &fire("a")).refused.map(|denied| denied.slug), Some(Slug::TokenSuspended));
    assert_eq!(world.refusal(TokenCommand::Resume(id.to_string())).status, 403, "a responder suspends, not resumes");
    world.actor = root;
    world.done(TokenCommand::Resume(id.to_string()));
    assert_eq!(world.slug(&secret), None);
}

#[test]
fn a_revoke_is_confirmed_by_the_name_and_final() {
    let (mut world, b) = World::new();
    let revoke = |confirm: &str| {
        let revoke = RevokeToken { confirm: confirm.to_owned(), reason: String::new() };
        TokenCommand::Revoke(b.token.to_string(), revoke)
    };
    assert_eq!(world.refusal(revoke("sende")).errors[0].path, "confirm");
    world.done(revoke("sender"));
    assert!(world.registry.token(b.token).is_none());
    let stone = world.registry.tombstone(b.token).expect("a tombstone");
    assert_eq!((stone.token.created_by.as_str(), stone.revoked_by.as_str()), ("root", "root"));
    assert_eq!(world.refusal(TokenCommand::Resume(b.token.to_string())).status, 404);
}

#[test]
fn an_imported_value_works_is_flagged_and_a_dead_one_is_refused_for_ever() {
    let (mut world, _) = World::new();
    let mut import = |value: &str, name: &str| {
        let entropy = world.entropy();
        let import = ImportToken { value: value.to_owned(), token: new_token(name, "global") };
        let done = world.change(TokenCommand::Import(Box::new(import), entropy));
        (done, world.present(value).ok().map(|known| known.token.id))
    };
    assert_eq!(import("0123456789abcdef012", "short").0.err().unwrap().errors[0].path, "value");
    assert_eq!(import("tg_0123456789abcdef0123456789", "ours").0.err().unwrap().errors[0].path, "value");
    assert_eq!(import("with space 0123456789abcdef", "space").0.err().unwrap().errors[0].path, "value");
    for value in ["0123456789abcdef0123", "$2y$10$abcdefghijklmnopqrstuv"] {
        let (done, found) = import(value, value);
        assert!(matches!(done, Ok(Reply::Token(id)) if Some(id) == found), "{value}");
        assert_eq!(import(value, "again").0.err().unwrap().status, 409, "one value, one token");
    }
    let id = world.present("0123456789abcdef0123").unwrap().token.id;
    assert!(world.at(id).imported);
    assert_eq!(world.present("0123456789abcdef0124").err().map(|denied| denied.slug), Some(Slug::TokenInvalid));
    world.revoke(id);
    assert_eq!(world.slug("0123456789abcdef0123"), Some(Slug::TokenRevoked));
    let entropy = world.entropy();
    let again = ImportToken { value: "0123456789abcdef0123".to_owned(), token: new_token("again", "global") };
    assert_eq!(world.refusal(TokenCommand::Import(Box::new(again), entropy)).status, 409);
}

// --- many at once, lost updates ---

#[test]
fn a_batch_is_made_whole_or_not_at_all_and_every_bad_row_is_named() {
    let (mut world, _) = World::new();
    let mut batch = |rows: &[(&str, &str)], dry_run| {
        let rows = rows.iter().map(|(name, scope)| (new_token(name, scope), world.entropy())).collect();
        let done = world.change(TokenCommand::CreateAll(rows, dry_run));
        (done, world.registry.token_count())
    };
    let (refused, count) = batch(&[("a", "global"), ("b", "team:Opz"), ("A", "global"), ("", "global")], DryRun::No);
    let paths: Vec<_> = refused.err().unwrap().errors.into_iter().map(|error| error.path).collect();
    assert_eq!(paths, ["tokens[1].scope", "tokens[2].name", "tokens[3].name"]);
    assert_eq!(count, 1);
    let twice = [("x", "team:Ops"), ("X", "team:ops")];
    assert_eq!(batch(&twice, DryRun::No).0.err().unwrap().errors[0].path, "tokens[1].name", "one scope in two words");
    let good = [("a", "global"), ("b", "team:Ops"), ("a", "team:Ops")];
    let (checked, count) = batch(&good, DryRun::Yes);
    assert!(matches!(checked, Ok(Reply::Secrets(secrets)) if secrets.is_empty()) && count == 1);
    let (made, count) = batch(&good, DryRun::No);
    assert!(matches!(made, Ok(Reply::Secrets(secrets)) if secrets.len() == 3) && count == 4);
}

#[test]
fn a_change_of_many_tokens_is_made_whole_or_not_at_all() {
    let (mut world, _) = World::new();
    let expiring = |name: &str| NewToken { expires: Some("1d".to_owned()), ..new_token(name, "global") };
    let (one, two) = (world.token(expiring("one")), world.token(expiring("two")));
    let never = world.token(new_token("never", "global"));
    world.wait(100);
    let before = world.at(one).expires_at;
    let refusal = world.refusal(TokenCommand::Bulk(vec![one, two, never], BulkAction::Refresh));
    assert_eq!((refusal.status, refusal.errors.last().unwrap().path.as_str()), (409, never.as_str()));
    assert_eq!(world.at(one).expires_at, before);
    world.done(TokenCommand::Bulk(vec![one, two], BulkAction::Refresh));
    assert!(world.at(one).expires_at > before);
    world.done(TokenCommand::Bulk(vec![one, two, never], BulkAction::Revoke("audit".to_owned())));
    assert_eq!(world.registry.token_count(), 1);
}

#[test]
fn a_lost_update_is_412_and_changes_nothing() {
    let (mut world, b) = World::new();
    let edit = |description: &str, version| {
        let patch = TokenPatch { description: Some(description.to_owned()), ..patch() };
        TokenCommand::Edit(b.token.to_string(), Box::new(patch), version)
    };
    let seen = world.at(b.token).generation;
    world.done(edit("first", Some(seen)));
    assert_eq!(world.refusal(edit("second", Some(seen))).status, 412);
    assert_eq!(world.at(b.token).description, "first");
    world.done(edit("third", None));
}

#[test]
fn a_clock_set_back_an_hour_revives_no_expired_token() {
    let (mut world, _) = World::new();
    let (id, secret) = world.token_with_secret(NewToken { expires: Some("1h".to_owned()), ..new_token("t", "global") });
    let clock = crate::clock::Clock::manual(world.now);
    let set = |world: &mut World, at: Timestamp| {
        clock.set(at);
        world.now = clock.now();
    };
    let start = world.now;
    set(&mut world, start.plus_secs(3_600));
    assert_eq!(world.slug(&secret), Some(Slug::TokenExpired));
    set(&mut world, start);
    assert_eq!(world.slug(&secret), Some(Slug::TokenExpired));
    assert_eq!(world.at(id).scope, Scope::Global);
}

#[test]
fn a_services_token_manages_its_own_services_tokens_and_no_others() {
    let (mut world, b) = World::new();
    world.service("Ops", "Web");
    let managing = NewToken { permissions: manager(), ..new_token("robot", "service:Ops/DB") };
    let robot = world.token(managing);
    let (ours, theirs) =
        (world.token(new_token("ours", "service:Ops/DB")), world.token(new_token("theirs", "service:Ops/Web")));
    let token = world.at(robot);
    world.actor = Actor::of(format!("token {robot}"), Who::Token(token, None), Door::Gate);
    assert!(world.created(new_token("made", "service:Ops/DB")).is_ok());
    world.done(TokenCommand::Suspend(ours.to_string(), "doubt".to_owned()));
    world.done(TokenCommand::Resume(ours.to_string()));
    world.revoke(ours);
    let refused = world.refusal(TokenCommand::Suspend(theirs.to_string(), "doubt".to_owned()));
    assert_eq!(refused.slug(), Ok(Slug::ScopeMissing), "{}", refused.detail);
    for scope in ["service:Ops/Web", "team:Ops", "global"] {
        let refused = world.created(new_token("more", scope)).err().expect(scope);
        assert_eq!(refused.slug(), Ok(Slug::ScopeMissing), "{scope}: {}", refused.detail);
    }
    assert!(world.registry.token(b.token).is_some());
}

fn manager() -> Vec<String> {
    ["tokens:manage", "incidents:create"].map(str::to_owned).to_vec()
}

#[test]
fn no_text_field_keeps_a_tokens_value() {
    let (mut world, b) = World::new();
    let (_, secret) = world.token_with_secret(new_token("leaked", "global"));
    let (words, before) = (format!("see {secret}, please"), world.at(b.token));
    let described = NewToken { description: words.clone(), ..new_token("n", "global") };
    let named = NewToken { name: secret[..50].to_owned(), ..new_token("n", "global") };
    let ignoring = NewToken { dedup_ignore: vec![format!("a[\"{secret}\"]")], ..new_token("n", "global") };
    let keyed = RotateToken { idempotency_key: Some(secret[..60].to_owned()), ..RotateToken::default() };
    let (token, entropy) = (b.token.to_string(), world.entropy());
    let revoke = RevokeToken { confirm: token.clone(), reason: words.clone() };
    let mut fields = Vec::new();
    for new in [described, named, ignoring] {
        fields.push(world.created(new).err().expect("a refusal"));
    }
    for command in [
        TokenCommand::Suspend(token.clone(), words.clone()),
        TokenCommand::Revoke(token.clone(), revoke),
        TokenCommand::Rotate(token.clone(), keyed, entropy),
        TokenCommand::Edit(token, Box::new(TokenPatch { description: Some(words.clone()), ..patch() }), None),
    ] {
        fields.push(world.refusal(command));
    }
    let lockdown = tollgate_shared::api::SetLockdown { on: true, reason: words };
    fields.push(world.admin(Command::SetLockdown(lockdown)).err().expect("a refusal"));
    for problem in &fields {
        assert_eq!(problem.slug(), Ok(Slug::Validation), "{}", problem.detail);
        assert!(!serde_json::to_string(problem).unwrap().contains(&secret[..50]), "{}", problem.detail);
    }
    let paths: Vec<_> = fields.iter().map(|problem| problem.errors[0].path.as_str()).collect();
    let wanted =
        ["description", "name", "dedup_ignore[0]", "reason", "reason", "idempotency_key", "description", "reason"];
    assert_eq!(paths, wanted);
    assert_eq!(world.at(b.token), before, "nothing was changed");
}
