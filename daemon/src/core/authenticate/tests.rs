use tollgate_shared::api::{NewToken, RevokeToken};

use super::*;
use crate::core::admin::{Command, TokenCommand};
use crate::core::testing::{SENDER, START, World, mac, new_token};

fn slug<T>(result: Result<T, Denied>) -> Option<Slug> {
    result.err().map(|denied| denied.slug)
}

fn identified(world: &World, value: &str) -> Result<TokenId, Denied> {
    identify(&world.registry, value, &mac, START).map(|known| known.token.id)
}

fn token_of(new: NewToken) -> Arc<Token> {
    let mut world = World::empty();
    let id = world.token(new);
    world.registry.token(id).unwrap().clone()
}

#[test]
fn a_living_secret_names_its_token() {
    let mut world = World::empty();
    let (id, secret) = world.token_with_secret(new_token("a", "global"));
    assert_eq!(identified(&world, &secret), Ok(id));
}

#[test]
fn a_value_with_a_wrong_checksum_is_refused_before_any_look_up() {
    let mut world = World::empty();
    let (id, secret) = world.token_with_secret(new_token("a", "global"));
    let last = if secret.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{last}", &secret[..secret.len() - 1]);
    let denied = identify(&world.registry, &wrong, &|_| panic!("looked up"), START).err().unwrap();
    assert_eq!((denied.slug, denied.token), (Slug::TokenInvalid, None));
    assert_eq!(denied.presented_id, Some(id.to_string()), "a mistyped value still names its token to the operator");
}

#[test]
fn malformed_and_unknown_look_alike_to_the_sender() {
    let (mut world, mut elsewhere) = (World::empty(), World::empty());
    elsewhere.made_elsewhere();
    world.token(new_token("a", "global"));
    let (_, foreign) = elsewhere.token_with_secret(new_token("b", "global"));
    assert_eq!(slug(identified(&world, &foreign)), Some(Slug::TokenInvalid));
    for value in ["", "tg_", "password", "tg_g_0000000000", "\u{e9}"] {
        assert_eq!(slug(identified(&world, value)), Some(Slug::TokenInvalid), "{value}");
    }
}

#[test]
fn a_rotated_secret_is_dead_at_once_and_for_ever() {
    let mut world = World::empty();
    let (id, old) = world.token_with_secret(new_token("a", "global"));
    let entropy = world.entropy();
    let (same, new) = world.secret(Command::Token(TokenCommand::Rotate(
        id.to_string(),
        tollgate_shared::api::RotateToken::default(),
        entropy,
    )));
    assert_eq!((same, identified(&world, &new)), (id, Ok(id)));
    assert_eq!(slug(identified(&world, &old)), Some(Slug::TokenRevoked));
    let revoke = RevokeToken { confirm: "a".to_owned(), reason: String::new() };
    assert!(world.admin(Command::Token(TokenCommand::Revoke(id.to_string(), revoke))).is_ok());
    world.restart();
    assert_eq!([slug(identified(&world, &old)), slug(identified(&world, &new))], [Some(Slug::TokenRevoked); 2]);
}

#[test]
fn a_token_is_expired_from_its_moment_on() {
    let token = token_of(NewToken { expires: Some("1h".to_owned()), ..new_token("a", "global") });
    let at = |secs| {
        slug(check(&World::empty().registry, &token, SENDER, Some(Permission::IncidentsCreate), START.plus_secs(secs)))
    };
    assert_eq!((at(3_599), at(3_600), at(3_601)), (None, Some(Slug::TokenExpired), Some(Slug::TokenExpired)));
}

#[test]
fn an_address_outside_the_list_is_refused_and_an_empty_list_is_any() {
    let listed = vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()];
    let token = token_of(NewToken { allowed_ips: listed, ..new_token("a", "global") });
    let from = |ip: &str| {
        slug(check(&World::empty().registry, &token, ip.parse().unwrap(), Some(Permission::IncidentsCreate), START))
    };
    assert_eq!((from("192.0.2.255"), from("2001:db8::1")), (None, None));
    assert_eq!((from("192.0.3.1"), from("::1")), (Some(Slug::IpNotAllowed), Some(Slug::IpNotAllowed)));
    let open = token_of(new_token("b", "global"));
    assert!(
        check(
            &World::empty().registry,
            &open,
            "203.0.113.1".parse().unwrap(),
            Some(Permission::IncidentsCreate),
            START
        )
        .is_ok()
    );
}

#[test]
fn a_missing_permission_is_refused_by_its_name() {
    let denied =
        check(&World::empty().registry, &token_of(new_token("a", "global")), SENDER, Some(Permission::LogsRead), START)
            .err()
            .unwrap();
    assert_eq!((denied.slug, denied.detail.as_str()), (Slug::PermissionMissing, "the token lacks logs:read"));
}

#[test]
fn the_order_of_checks_is_expiry_address_permission() {
    let listed = vec!["10.0.0.0/8".to_owned()];
    let new = NewToken { allowed_ips: listed, expires: Some("1h".to_owned()), ..new_token("a", "global") };
    let token = token_of(new);
    let late = check(&World::empty().registry, &token, SENDER, Some(Permission::LogsRead), START.plus_secs(3_600));
    let early = check(&World::empty().registry, &token, SENDER, Some(Permission::LogsRead), START);
    assert_eq!((slug(late), slug(early)), (Some(Slug::TokenExpired), Some(Slug::IpNotAllowed)));
}
