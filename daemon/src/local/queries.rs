//! Queries that an operator keeps: his own, and nobody else's.

use http::{Response, StatusCode};
use tollgate_shared::api::{Page, SaveQuery, SavedQuery, Screen};
use tollgate_shared::problem::{Problem, Slug};

use super::answers::{ok, reply, unexpected};
use super::params::Call;
use crate::core::admin::queries::{NewQuery, keeper, missing};
use crate::core::admin::{Command, Reply};
use crate::core::model::KeptQuery;
use crate::edge::{Body, respond};

pub(super) fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["screen"])?;
    let screen = query.parsed::<Screen>("screen")?;
    let (owner, registry) = (keeper(&call.actor)?, call.daemon.registry.load());
    let kept = registry.kept_queries(owner).filter(|kept| screen.is_none_or(|screen| kept.screen == screen));
    Ok(ok(&Page { items: kept.map(|kept| view(kept)).collect::<Vec<_>>(), next: None }))
}

pub(super) fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let (screen, name) = (screen_of(call.reference("screen"))?, call.reference("name"));
    let registry = call.daemon.registry.load();
    let kept = registry.kept_query(&(keeper(&call.actor)?, screen, name.to_lowercase()));
    kept.map(|kept| ok(&view(kept))).ok_or_else(|| missing(screen, name))
}

pub(super) async fn save(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, SaveQuery { q }) = call.json::<SaveQuery>().await?;
    let mut shown = q.clone();
    super::clean(&mut shown);
    let new = NewQuery { screen: screen_of(params.get("screen"))?, name: params.get("name").to_owned(), q, shown };
    let Reply::Query(key) = reply(&daemon, actor, Command::SaveQuery(new)).await? else { return Err(unexpected()) };
    let registry = daemon.registry.load();
    registry.kept_query(&key).map(|kept| ok(&view(kept))).ok_or_else(unexpected)
}

pub(super) async fn delete(call: Call) -> Result<Response<Body>, Problem> {
    let screen = screen_of(call.reference("screen"))?;
    let command = Command::DeleteQuery(screen, call.reference("name").to_owned());
    reply(&call.daemon, call.actor.clone(), command).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

fn screen_of(text: &str) -> Result<Screen, Problem> {
    text.parse().map_err(|why: tollgate_shared::api::NotAScreen| {
        Problem::new(Slug::Validation, why.to_string()).with_error("screen", "unknown")
    })
}

fn view(kept: &KeptQuery) -> SavedQuery {
    SavedQuery { screen: kept.screen, name: kept.name.clone(), q: kept.q.clone(), saved_at: kept.saved_at }
}
