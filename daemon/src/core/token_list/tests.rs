use std::collections::HashMap;

use tollgate_shared::api::NewToken;
use tollgate_shared::token::Scope;

use super::*;
use crate::core::testing::{START, World, new_token};

/// Tokens, and what is known of their use.
struct Shelf {
    world: World,
    facts: HashMap<TokenId, UsageFacts>,
}

impl Shelf {
    fn new(names: &[&str]) -> Self {
        let (mut world, b) = World::new();
        world.admin(revoke(b.token)).unwrap();
        for name in names {
            world.token(new_token(name, "global"));
        }
        Self { world, facts: HashMap::new() }
    }

    fn page(&self, query: &[(&str, &'static str)], sort: &str, cursor: Option<&str>, limit: usize) -> Page {
        let get = |name: &str| query.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let filter = TokenFilter::read(&self.world.registry, self.world.now, &get).unwrap();
        let facts = |id| self.facts.get(&id).copied().unwrap_or_default();
        let desk = Desk { registry: &self.world.registry, facts: &facts, sees: &|_, _| true, now: self.world.now };
        let (found, next) = desk.page(&filter, Order::parse(sort).unwrap(), cursor, limit).unwrap();
        Page { names: found.iter().map(|found| found.token().name.to_string()).collect(), next }
    }

    fn names(&self, query: &[(&str, &'static str)]) -> Vec<String> {
        self.page(query, "name", None, 100).names
    }
}

struct Page {
    names: Vec<String>,
    next: Option<String>,
}

fn revoke(token: TokenId) -> crate::core::admin::Command {
    let confirm = tollgate_shared::api::RevokeToken { confirm: token.to_string(), reason: String::new() };
    crate::core::admin::Command::Token(crate::core::admin::TokenCommand::Revoke(token.to_string(), confirm))
}

#[test]
fn a_page_goes_on_at_its_place_whatever_is_created_or_revoked_meanwhile() {
    for (sort, first, second) in [("name", ["b", "d"], ["f", "h"]), ("-name", ["h", "f"], ["d", "b"])] {
        let mut shelf = Shelf::new(&["d", "b", "h", "f"]);
        let page = shelf.page(&[], sort, None, 2);
        assert_eq!(page.names, first);
        for name in ["a", "i"] {
            shelf.world.token(new_token(name, "global"));
        }
        let last = shelf.world.registry.find_token(first[1]).unwrap().id;
        shelf.world.admin(revoke(last)).unwrap();
        let rest = shelf.page(&[], sort, page.next.as_deref(), 2).names;
        assert_eq!(rest, second, "{sort}");
    }
}

#[test]
fn every_column_sorts_and_what_is_missing_comes_last() {
    let mut shelf = Shelf::new(&["never"]);
    let soon = NewToken { expires: Some("1d".to_owned()), debug: true, ..new_token("soon", "team:Ops") };
    let soon = shelf.world.token(soon);
    shelf.facts.insert(soon, UsageFacts { last_used: Some(START), calls: 3, query_token: true, last_ip: None });
    for sort in ["name", "scope", "owner", "state", "created", "created_by", "dedup", "-expires", "-calls"] {
        assert_eq!(shelf.page(&[], sort, None, 10).names, ["never", "soon"], "{sort}");
    }
    for sort in ["expires", "last_used", "calls", "debug", "-name"] {
        assert_eq!(shelf.page(&[], sort, None, 10).names, ["soon", "never"], "{sort}");
    }
    assert_eq!(Order::parse("colour").unwrap_err().errors[0].path, "sort");
}

#[test]
fn the_hygiene_questions_find_what_they_ask_for() {
    let mut shelf = Shelf::new(&["plain"]);
    let fenced = NewToken {
        allowed_ips: vec!["10.0.0.1".to_owned()],
        expires: Some("5d".to_owned()),
        debug: true,
        ..new_token("fenced", "service:Ops/DB")
    };
    let fenced = shelf.world.token(fenced);
    shelf.facts.insert(fenced, UsageFacts { last_used: Some(START), calls: 0, query_token: true, last_ip: None });
    shelf.world.wait(86_400);
    for (question, answer) in [
        (("no_expiry", "true"), "plain"),
        (("no_allowlist", "true"), "plain"),
        (("never_used", "true"), "plain"),
        (("debug", "false"), "plain"),
        (("scope", "global"), "plain"),
        (("expires_within_secs", "432000"), "fenced"),
        (("uses_query_token", "true"), "fenced"),
        (("debug", "true"), "fenced"),
        (("scope", "Ops/DB"), "fenced"),
        (("scope", "service:Ops/DB"), "fenced"),
        (("team", "Ops"), "fenced"),
        (("q", "FENC"), "fenced"),
        (("state", "revoked"), "sender"),
    ] {
        assert_eq!(shelf.names(&[question]), [answer], "{question:?}");
    }
    assert_eq!(shelf.names(&[("unused_secs", "86400")]).len(), 2);
    assert_eq!(shelf.names(&[("unused_secs", "86401")]).len(), 0);
    assert_eq!(shelf.names(&[("created_by", "ROOT"), ("owner", "organisation"), ("state", "active")]).len(), 2);
    assert_eq!(shelf.world.registry.token(fenced).map(|token| token.scope != Scope::Global), Some(true));
}

#[test]
fn a_cursor_of_another_order_is_refused() {
    let shelf = Shelf::new(&["a", "b"]);
    let page = shelf.page(&[], "name", None, 1);
    let filter = TokenFilter::read(&shelf.world.registry, START, &|_| None).unwrap();
    let facts = |_| UsageFacts::default();
    let desk = Desk { registry: &shelf.world.registry, facts: &facts, sees: &|_, _| true, now: START };
    for bad in [page.next.as_deref().unwrap(), "", "zz", "00", "\u{e9}\u{e9}"] {
        assert!(desk.page(&filter, Order::parse("-name").unwrap(), Some(bad), 1).is_err());
    }
}

#[test]
fn created_by_is_sorted_whatever_its_case_like_every_other_text() {
    let mut shelf = Shelf::new(&[]);
    for (name, by) in [("a", "Zoe"), ("b", "anna"), ("c", "Bert"), ("d", "émile"), ("e", "Émile"), ("f", "ANNA")] {
        shelf.world.actor.name = by.to_owned();
        shelf.world.token(new_token(name, "global"));
    }
    assert_eq!(shelf.page(&[], "created_by", None, 100).names, ["b", "f", "c", "a", "d", "e"]);
    let first = shelf.page(&[], "created_by", None, 2);
    assert_eq!(shelf.page(&[], "created_by", first.next.as_deref(), 100).names, ["c", "a", "d", "e"]);
}
