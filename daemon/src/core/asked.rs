//! Queries over what the daemon has: names looked up in the registry, older parameters as what they mean in the language.

use std::collections::BTreeSet;

use tollgate_shared::id::{ServiceId, TokenId};
use tollgate_shared::name::Name;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::query::{Bound, Named, Names, Query, Reach, Schema, nearest};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::Scope;

use super::model::Token;
use super::registry::Registry;

/// Seconds in a parameter that still make a length of time in a query: 95 years.
const SECS_MAX: u32 = 3_000_000_000;

/// Reads the query of a request.
///
/// # Errors
/// 422 with the place in `q`.
pub fn parsed(text: &str, schema: &'static Schema) -> Result<Query, Problem> {
    Query::parse(text, schema).map_err(|error| Problem::of_query(&error))
}

/// Makes a query ready to judge rows.
///
/// # Errors
/// 422 with the place in `q`: a name that nobody has, or a time in the future.
pub fn bound(query: &Query, registry: &Registry, now: Timestamp) -> Result<Bound, Problem> {
    query.bind(registry, now).map_err(|error| Problem::of_query(&error))
}

/// An older parameter in the language, such as `status:4xx`.
///
/// # Errors
/// 422 that names the parameter.
pub fn term(parameter: &str, text: &str, schema: &'static Schema) -> Result<Query, Problem> {
    Query::parse(text, schema).map_err(|error| {
        let detail = format!("{parameter}: {}", error.message);
        Problem::new(Slug::Validation, detail).with_error(parameter, error.message)
    })
}

/// Seconds of a parameter as a length of time in the language.
pub fn secs(secs: u32) -> String {
    format!("{}s", secs.min(SECS_MAX))
}

// === impl Names for Registry ===

impl Names for Registry {
    fn reach(&self, named: Named, text: &str) -> Option<Reach> {
        let key = text.trim().to_lowercase();
        match named {
            Named::Token => tokens_named(self, text.trim(), &key),
            Named::Service => services_named(self, text.trim(), &key),
            Named::Team => {
                let is_meant = |name: &Name, id: String| name.key() == key || id == key;
                let teams = self.teams().filter(|team| is_meant(&team.name, team.id.to_string()));
                let reaches: Vec<_> = teams.map(|team| of_team(self, Scope::Team(team.id))).collect();
                reaches.into_iter().reduce(together)
            }
        }
    }

    fn near(&self, named: Named, text: &str) -> Option<String> {
        let names: Vec<String> = match named {
            Named::Token => self.listed_tokens().map(|token| token.object.name.to_string()).collect(),
            Named::Team => self.teams().map(|team| team.name.to_string()).collect(),
            Named::Service if text.contains('/') => {
                self.services().iter().map(|entry| entry.full_name.clone()).collect()
            }
            Named::Service => self.services().iter().map(|entry| entry.service.name.to_string()).collect(),
        };
        nearest(text, names.iter().map(String::as_str)).map(str::to_owned)
    }
}

/// Living and revoked ones of that name or id: the rows of a revoked token are still there.
fn tokens_named(registry: &Registry, text: &str, key: &str) -> Option<Reach> {
    let by_id =
        text.parse::<TokenId>().ok().filter(|id| registry.token(*id).is_some() || registry.tombstone(*id).is_some());
    let name = Name::new(text).ok();
    let living: Vec<TokenId> = name.iter().flat_map(|name| registry.tokens_named(name)).map(|token| token.id).collect();
    let dead = registry.listed_tombstones().filter(|stone| stone.brief.name() == key);
    let tokens: BTreeSet<TokenId> =
        living.into_iter().chain(dead.map(|stone| stone.object.token.id)).chain(by_id).collect();
    (!tokens.is_empty()).then_some(Reach { tokens, services: BTreeSet::new() })
}

fn services_named(registry: &Registry, text: &str, key: &str) -> Option<Reach> {
    let is_meant = |name: &Name, full: &str| name.key() == key || full.to_lowercase() == key;
    let named = registry.services().iter().filter(|entry| is_meant(&entry.service.name, &entry.full_name));
    // An id is taken also where the service is gone: calls that matched it are still in the log.
    let by_id = text.parse::<ServiceId>().ok();
    let services: BTreeSet<ServiceId> = named.map(|entry| entry.service.id).chain(by_id).collect();
    (!services.is_empty()).then(|| {
        let scopes: Vec<Scope> = services.iter().map(|service| Scope::Service(*service)).collect();
        Reach { tokens: tokens_of(registry, &scopes), services }
    })
}

fn of_team(registry: &Registry, team: Scope) -> Reach {
    let services: BTreeSet<ServiceId> = registry.reached(team).iter().map(|entry| entry.service.id).collect();
    let scopes: Vec<Scope> = services.iter().map(|service| Scope::Service(*service)).chain([team]).collect();
    Reach { tokens: tokens_of(registry, &scopes), services }
}

/// Tokens that reach one of these and nothing else.
fn tokens_of(registry: &Registry, scopes: &[Scope]) -> BTreeSet<TokenId> {
    let living = registry.listed_tokens().map(|token| (token.brief.scope, &*token.object));
    let dead = registry.listed_tombstones().map(|stone| (stone.brief.scope, &stone.object.token));
    let reaching = living.chain(dead).filter(|(scope, _)| scopes.contains(scope));
    reaching.map(|(_, token): (_, &Token)| token.id).collect()
}

fn together(mut all: Reach, one: Reach) -> Reach {
    all.tokens.extend(one.tokens);
    all.services.extend(one.services);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::{World, new_token};

    #[test]
    fn a_name_stands_for_every_object_of_that_name_living_or_not() {
        let (mut world, b) = World::new();
        let own = world.token(new_token("db-only", "service:Ops/DB"));
        let registry = &world.registry;
        let tokens = |named, text: &str| registry.reach(named, text).map(|reach| reach.tokens);
        assert_eq!(tokens(Named::Token, "DB-Only"), Some([own].into()));
        assert_eq!(tokens(Named::Token, own.as_str()), Some([own].into()));
        assert!(tokens(Named::Service, "ops/db").is_some_and(|tokens| tokens.contains(&own)));
        assert_eq!(tokens(Named::Service, "ops/db"), tokens(Named::Service, "DB"));
        assert!(tokens(Named::Team, "ops").is_some_and(|tokens| tokens.contains(&own)));
        assert_eq!((tokens(Named::Team, "none"), tokens(Named::Token, "none")), (None, None));
        assert_eq!(registry.near(Named::Token, "db-onyl").as_deref(), Some("db-only"));
        let confirm = tollgate_shared::api::RevokeToken { confirm: own.to_string(), reason: String::new() };
        let revoke = crate::core::admin::TokenCommand::Revoke(own.to_string(), confirm);
        world.admin(crate::core::admin::Command::Token(revoke)).unwrap();
        assert_eq!(world.registry.reach(Named::Token, "db-only").map(|reach| reach.tokens), Some([own].into()));
        let _unused = b;
    }
}
