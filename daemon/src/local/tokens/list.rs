//! Lists of tokens and everything that is only read of them.

use std::cell::RefCell;
use std::collections::HashMap;

use http::Response;
use tollgate_shared::api::{Identified, IdentifyToken, Page, SourceView, TokenView};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret::{self, TokenSecret};
use tollgate_shared::token::Permission;

use super::super::answers::ok;
use super::super::params::{Call, Query};
use crate::core::access::Actor;
use crate::core::authenticate::may_be_imported;
use crate::core::model::Death;
use crate::core::registry::{Registry, SecretEntry};
use crate::core::rights;
use crate::core::token_list::{Desk, Found, Order, PARAMETERS, TokenFilter};
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::Body;

/// Values that are identified at once.
const IDENTIFIED_MAX: usize = 100;

pub(in crate::local) fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let known: Vec<_> = PARAMETERS.into_iter().chain(["sort", "limit", "cursor"]).collect();
    let query = call.query(&known)?;
    let registry = call.daemon.registry.load();
    may_read(&call.actor)?;
    let filter = TokenFilter::read(&registry, call.daemon.clock.now(), &|name| query.get(name))?;
    let order = Order::parse(query.get("sort").unwrap_or("name"))?;
    page_of(call, &registry, &filter, order, &query)
}

fn page_of(
    call: &Call,
    registry: &Registry,
    filter: &TokenFilter,
    order: Order,
    query: &Query<'_>,
) -> Result<Response<Body>, Problem> {
    let limit = query.limit()?;
    let (rows, next) =
        on_desk(&call.daemon, &call.actor, registry, |desk| desk.page(filter, order, query.get("cursor"), limit))?;
    let items = rows.iter().map(|found| view(&call.daemon, registry, found)).collect();
    Ok(ok(&Page::<TokenView> { items, next }))
}

/// The ids that a query finds among what the caller may see: for a change of many.
pub(super) fn ids_of(daemon: &Daemon, actor: &Actor, text: &str) -> Result<Vec<TokenId>, Problem> {
    let registry = daemon.registry.load();
    let filter = TokenFilter::read(&registry, daemon.clock.now(), &|name| (name == "q").then_some(text))?;
    Ok(on_desk(daemon, actor, &registry, |desk| desk.ids(&filter)))
}

fn on_desk<T>(daemon: &Daemon, actor: &Actor, registry: &Registry, work: impl FnOnce(&Desk<'_>) -> T) -> T {
    let now = daemon.clock.now();
    let facts = |token| daemon.usage.facts(token, now);
    // Of scopes and owners there are far fewer than tokens.
    let known = RefCell::new(HashMap::new());
    let sees = |scope, owner| {
        let may_see = || rights::may_see(registry, actor, scope, owner);
        *known.borrow_mut().entry((scope, owner)).or_insert_with(may_see)
    };
    work(&Desk { registry, facts: &facts, sees: &sees, now })
}

/// A token reads tokens only where it carries the permission; a person by his role.
pub(super) fn may_read(actor: &Actor) -> Result<(), Problem> {
    if actor.lacks(Permission::TokensRead) && actor.lacks(Permission::TokensManage) {
        return Err(Problem::new(Slug::PermissionMissing, "the token lacks tokens:read"));
    }
    Ok(())
}

/// A token as it is shown, with its use.
pub(super) fn view(daemon: &Daemon, registry: &Registry, found: &Found) -> TokenView {
    let (id, now) = (found.token().id, daemon.clock.now());
    let usage = daemon.usage.view(id, now);
    match found {
        Found::Dead(stone) => views::tombstone(registry, stone, usage, now),
        Found::Living(token) => {
            let overlap = token.overlap.filter(|overlap| overlap.runs(now));
            let rotating = overlap.map(|overlap| daemon.usage.rotating(id, overlap.since));
            TokenView { rotating, ..views::token(registry, token, usage, now) }
        }
    }
}

/// A living token by any reference, or a dead one by its id or its name, if the caller may see it.
pub(super) fn find(registry: &Registry, actor: &Actor, reference: &str) -> Result<Found, Problem> {
    let found = match registry.find_token(reference) {
        Ok(token) => Found::Living(token.clone()),
        Err(missing) => {
            let by_id = reference.parse::<TokenId>().ok().and_then(|id| registry.tombstone(id));
            let mut named = registry.tombstones().filter(|stone| stone.token.name.as_str() == reference);
            let newest = || named.by_ref().max_by_key(|stone| stone.revoked_at);
            Found::Dead(by_id.or_else(newest).ok_or(missing)?.clone())
        }
    };
    let (scope, owner) = (found.token().scope, found.token().owner);
    if rights::may_see(registry, actor, scope, owner) {
        return Ok(found);
    }
    let shown: String = reference.chars().take(80).collect();
    Err(Problem::new(Slug::NotFound, format!("there is no token `{shown}` that {} may see", actor.name)))
}

pub(in crate::local) fn sources(call: &Call) -> Result<Response<Body>, Problem> {
    may_read(&call.actor)?;
    let registry = call.daemon.registry.load();
    let found = find(&registry, &call.actor, call.reference("token"))?;
    let now = call.daemon.clock.now();
    let rotated = match &found {
        Found::Living(token) => token.overlap.filter(|overlap| overlap.runs(now)).map(|overlap| overlap.since),
        Found::Dead(_) => None,
    };
    let sources = call.daemon.usage.sources(found.token().id, rotated);
    Ok(ok(&Page::<SourceView> { items: sources.iter().map(views::source).collect(), next: None }))
}

/// What a token with `tokens:manage` has created: what a leak of it may have left behind.
pub(in crate::local) fn issued(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["sort", "limit", "cursor"])?;
    may_read(&call.actor)?;
    let registry = call.daemon.registry.load();
    let issuer = find(&registry, &call.actor, call.reference("token"))?.token().id;
    let by = |name: &str| (name == "issued_by").then_some(issuer.as_str());
    let filter = TokenFilter::read(&registry, call.daemon.clock.now(), &by)?;
    let order = Order::parse(query.get("sort").unwrap_or("name"))?;
    page_of(call, &registry, &filter, order, &query)
}

/// Whose values are these? They come over the socket, are wiped here and are in no answer.
pub(in crate::local) async fn identify(call: Call) -> Result<Response<Body>, Problem> {
    may_read(&call.actor)?;
    let (daemon, actor, _, asked) = call.secret_json::<IdentifyToken>().await?;
    let lines: Vec<&str> = asked.value.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() || lines.len() > IDENTIFIED_MAX {
        let detail = format!("{} values; 1 to {IDENTIFIED_MAX} at once, one a line", lines.len());
        return Err(Problem::new(Slug::Validation, detail).with_error("value", "one value a line"));
    }
    let registry = daemon.registry.load();
    let items = lines.into_iter().map(|line| identified(&daemon, &registry, &actor, line)).collect();
    Ok(ok(&Page::<Identified> { items, next: None }))
}

fn identified(daemon: &Daemon, registry: &Registry, actor: &Actor, line: &str) -> Identified {
    let shown = |id: TokenId| find(registry, actor, id.as_str()).ok().map(|found| view(daemon, registry, &found));
    let what = |what: &str, detail: String, token| Identified { what: what.to_owned(), detail, token };
    // People paste with line ends and quotes; senders do not get away with that, and are told so.
    let value = line.trim();
    let form = TokenSecret::parse(value).err();
    if let Some(malformed) = form.filter(|form| !may_be_imported(*form)) {
        let named = secret::presented_id(value).and_then(|id| id.parse().ok()).and_then(shown);
        return what("malformed", malformed.to_string(), named);
    }
    let mac = daemon.mac_key.mac(value);
    match registry.secret(&mac) {
        Some(SecretEntry::Living(id)) => what("current", String::new(), shown(id)),
        Some(SecretEntry::Overlapping(id)) => {
            let now = daemon.clock.now();
            let runs = registry.token(id).and_then(|token| token.overlap).is_some_and(|overlap| overlap.runs(now));
            what(if runs { "old" } else { "rotated" }, String::new(), shown(id))
        }
        Some(SecretEntry::Dead(id, Death::Rotated)) => what("rotated", String::new(), shown(id)),
        Some(SecretEntry::Dead(id, Death::Revoked)) => what("revoked", String::new(), shown(id)),
        None => match form {
            Some(form) => what("unknown", form.to_string(), None),
            None => what("unknown", "well-formed, but no token of this daemon".to_owned(), None),
        },
    }
}
