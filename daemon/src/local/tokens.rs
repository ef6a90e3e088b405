//! Tokens: list, show, and every change of their life.

use std::sync::Arc;

use http::Response;
use tollgate_shared::api::{NewToken, RevokeToken, SetDebug, TokenCreated, TokenPatch, TokenView};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};

use super::answers::{change, created, ok, page, reply, unexpected};
use super::params::Call;
use crate::core::admin::{Command, Entropy, Reply};
use crate::core::registry::Registry;
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::jobs::AdminAnswer;

pub(super) fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["q", "scope", "state", "sort", "limit", "cursor"])?;
    let (daemon, registry) = (&call.daemon, call.daemon.registry.load());
    let state = query.get("state");
    let mut rows = match state {
        Some("revoked") => dead(daemon, &registry),
        None | Some("active" | "expired") => living(daemon, &registry),
        Some(other) => {
            let detail = format!("`{other}` is no state; active, expired or revoked");
            return Err(Problem::new(Slug::Validation, detail).with_error("state", "unknown"));
        }
    };
    rows.retain(|row| state.is_none_or(|state| row.state.as_str() == state));
    if let Some(text) = query.get("q").map(str::to_lowercase) {
        let fits = |row: &TokenView| {
            [row.name.as_str(), row.id.as_str(), &row.created_by, &row.description]
                .iter()
                .any(|field| field.to_lowercase().contains(&text))
        };
        rows.retain(fits);
    }
    if let Some(scope) = query.get("scope") {
        rows.retain(|row| row.scope.name.eq_ignore_ascii_case(scope) || row.scope.kind == scope);
    }
    sort(&mut rows, query.get("sort").unwrap_or("name"))?;
    Ok(page(rows, query.parsed("cursor")?, query.limit()?))
}

fn living(daemon: &Daemon, registry: &Registry) -> Vec<TokenView> {
    let now = daemon.clock.now();
    registry.tokens().map(|token| views::token(registry, token, daemon.usage.view(token.id, now), now)).collect()
}

fn dead(daemon: &Daemon, registry: &Registry) -> Vec<TokenView> {
    let now = daemon.clock.now();
    let view = |id| daemon.usage.view(id, now);
    registry.tombstones().map(|stone| views::tombstone(registry, stone, view(stone.token.id), now)).collect()
}

/// Sorts by a column; a `-` before it turns the order round. What is missing (never used, never expires) comes last.
fn sort(rows: &mut [TokenView], column: &str) -> Result<(), Problem> {
    let (down, name) = column.strip_prefix('-').map_or((false, column), |name| (true, name));
    rows.sort_by(|a, b| a.name.to_lowercase().cmp(&b.name.to_lowercase()).then(a.id.cmp(&b.id)));
    match name {
        "name" => {}
        "created" => rows.sort_by_key(|row| row.created_at),
        "expires" => rows.sort_by_key(|row| (row.expires_at.is_none(), row.expires_at)),
        "last_used" => rows.sort_by_key(|row| {
            let at = row.usage.last_use.as_ref().map(|last| last.at);
            (at.is_none(), std::cmp::Reverse(at))
        }),
        "calls" => rows.sort_by_key(|row| std::cmp::Reverse(row.usage.calls_per_minute.iter().sum::<u32>())),
        "state" => rows.sort_by_key(|row| row.state),
        other => {
            let detail = format!("`{other}` is no column; name, created, expires, last_used, calls or state");
            return Err(Problem::new(Slug::Validation, detail).with_error("sort", "unknown"));
        }
    }
    if down {
        rows.reverse();
    }
    Ok(())
}

pub(super) fn show(call: &Call) -> Result<Response<Body>, Problem> {
    find(&call.daemon, call.reference("token")).map(|view| ok(&view))
}

/// A living token by any reference, or a dead one by its id or its name.
fn find(daemon: &Daemon, reference: &str) -> Result<TokenView, Problem> {
    let registry = daemon.registry.load();
    let now = daemon.clock.now();
    let missing = match registry.find_token(reference) {
        Ok(token) => return Ok(views::token(&registry, token, daemon.usage.view(token.id, now), now)),
        Err(missing) => missing,
    };
    let by_id = reference.parse::<TokenId>().ok().and_then(|id| registry.tombstone(id));
    let mut by_name = registry.tombstones().filter(|stone| stone.token.name.as_str() == reference);
    let newest = || by_name.by_ref().max_by_key(|stone| stone.revoked_at);
    let stone = by_id.or_else(newest).ok_or(missing)?;
    Ok(views::tombstone(&registry, stone, daemon.usage.view(stone.token.id, now), now))
}

pub(super) async fn create(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewToken>().await?;
    let done = reply(&daemon, actor, Command::CreateToken(new, entropy()?)).await?;
    with_secret(&daemon, done).map(|token| created(&token))
}

pub(super) async fn edit(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, patch) = call.json::<TokenPatch>().await?;
    let done = reply(&daemon, actor, Command::EditToken(params.get("token").to_owned(), patch)).await?;
    changed(&daemon, &done)
}

pub(super) async fn rotate(call: Call) -> Result<Response<Body>, Problem> {
    let command = Command::RotateToken(call.reference("token").to_owned(), entropy()?);
    let done = reply(&call.daemon, call.actor.clone(), command).await?;
    with_secret(&call.daemon, done).map(|token| ok(&token))
}

pub(super) async fn revoke(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, revoke) = call.json::<RevokeToken>().await?;
    let command = Command::RevokeToken(params.get("token").to_owned(), revoke);
    match change(&daemon, actor, command).await? {
        AdminAnswer::Receipt(receipt) => Ok(ok(&*receipt)),
        AdminAnswer::Reply(_) => Err(unexpected()),
    }
}

pub(super) async fn set_debug(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, set) = call.json::<SetDebug>().await?;
    let done = reply(&daemon, actor, Command::SetDebug(params.get("token").to_owned(), set.on)).await?;
    changed(&daemon, &done)
}

fn changed(daemon: &Arc<Daemon>, done: &Reply) -> Result<Response<Body>, Problem> {
    let Reply::Token(id) = done else { return Err(unexpected()) };
    find(daemon, id.as_str()).map(|view| ok(&view))
}

/// The only answer that holds a secret.
fn with_secret(daemon: &Daemon, done: Reply) -> Result<TokenCreated, Problem> {
    let Reply::Secret(id, secret) = done else { return Err(unexpected()) };
    let token = find(daemon, id.as_str())?;
    Ok(TokenCreated { id, secret: secret.expose().to_owned(), token })
}

fn entropy() -> Result<Entropy, Problem> {
    let mut entropy = Entropy { id: [0; 8], secret: [0; 32] };
    let filled = getrandom::fill(&mut entropy.id).and_then(|()| getrandom::fill(&mut entropy.secret));
    filled.map(|()| entropy).map_err(|_| Problem::new(Slug::Internal, "the host gives no random bytes; try again"))
}
