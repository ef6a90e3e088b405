//! Teams, services, filters, presets.

use http::header::{ETAG, IF_MATCH};
use http::{HeaderValue, Response, StatusCode};
use tollgate_shared::api::{FilterPatch, FilterView, NewFilter, NewService, NewTeam, Page, ServicePatch, ServiceView};
use tollgate_shared::filter::preset_names;
use tollgate_shared::problem::Problem;

use super::answers::{created, ok, page, reply, unexpected};
use super::params::Call;
use crate::core::access::{Operation, Sight, allows, service_target};
use crate::core::admin::{Command, Reply};
use crate::core::registry::{Registry, ServiceEntry};
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::{Body, respond};

pub(super) fn teams(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["limit", "cursor"])?;
    let registry = call.daemon.registry.load();
    let sight = Sight::new(&call.actor, &registry);
    let seen = registry.teams().filter(|team| sight.team(Operation::See, team.id));
    let all = seen.map(|team| views::team(&registry, team)).collect();
    Ok(page(all, query.parsed("cursor")?, query.limit()?))
}

pub(super) async fn create_team(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewTeam>().await?;
    let Reply::Team(id) = reply(&daemon, actor, Command::CreateTeam(new)).await? else { return Err(unexpected()) };
    let registry = daemon.registry.load();
    let team = registry.team(id).ok_or_else(unexpected)?;
    Ok(created(&views::team(&registry, team)))
}

pub(super) fn services(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["team", "limit", "cursor"])?;
    let registry = call.daemon.registry.load();
    let team = query.get("team").map(|team| registry.find_team(team)).transpose()?;
    let wanted = registry.services().iter().filter(|entry| team.is_none_or(|team| entry.service.team == team.id));
    let sight = Sight::new(&call.actor, &registry);
    let wanted = wanted.filter(|entry| sight.service(Operation::See, entry.service.id));
    let all = wanted.map(|entry| service_view(&call.daemon, &registry, entry)).collect();
    Ok(page(all, query.parsed("cursor")?, query.limit()?))
}

fn service_view(daemon: &Daemon, registry: &Registry, entry: &ServiceEntry) -> ServiceView {
    views::service(registry, entry, daemon.reader.open_counts(Some(entry.service.id)).0, daemon.clock.now())
}

pub(super) async fn delete_team(call: Call) -> Result<Response<Body>, Problem> {
    let command = Command::DeleteTeam(call.reference("team").to_owned());
    reply(&call.daemon, call.actor.clone(), command).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn delete_service(call: Call) -> Result<Response<Body>, Problem> {
    let command = Command::DeleteService(call.reference("service").to_owned());
    reply(&call.daemon, call.actor.clone(), command).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn create_service(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewService>().await?;
    let done = reply(&daemon, actor, Command::CreateService(new)).await?;
    service_of(&daemon, &done).map(|view| created(&view))
}

pub(super) fn show_service(call: &Call) -> Result<Response<Body>, Problem> {
    let registry = call.daemon.registry.load();
    let entry = registry.find_service(call.reference("service"))?;
    allows(&call.actor, Operation::See, service_target(&registry, entry.service.id))?;
    Ok(ok(&service_view(&call.daemon, &registry, entry)))
}

pub(super) async fn edit_service(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, patch) = call.json::<ServicePatch>().await?;
    let command = Command::EditService(params.get("service").to_owned(), patch);
    let done = reply(&daemon, actor, command).await?;
    service_of(&daemon, &done).map(|view| ok(&view))
}

fn service_of(daemon: &Daemon, done: &Reply) -> Result<ServiceView, Problem> {
    let Reply::Service(id) = done else { return Err(unexpected()) };
    let registry = daemon.registry.load();
    let entry = registry.service(*id).ok_or_else(unexpected)?;
    Ok(service_view(daemon, &registry, entry))
}

pub(super) fn presets() -> Response<Body> {
    ok(&Page { items: preset_names().collect::<Vec<_>>(), next: None })
}

pub(super) fn filters(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["service", "limit", "cursor"])?;
    let registry = call.daemon.registry.load();
    let service = query.get("service").map(|service| registry.find_service(service)).transpose()?;
    let wanted = registry.services().iter().filter(|e| service.is_none_or(|only| e.service.id == only.service.id));
    let sight = Sight::new(&call.actor, &registry);
    let wanted = wanted.filter(|entry| sight.service(Operation::See, entry.service.id));
    let all = wanted.flat_map(|entry| entry.records.iter().map(|record| views::filter(entry, record))).collect();
    Ok(page(all, query.parsed("cursor")?, query.limit()?))
}

pub(super) async fn create_filter(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewFilter>().await?;
    let Reply::Filter(id) = reply(&daemon, actor, Command::CreateFilter(Box::new(new))).await? else {
        return Err(unexpected());
    };
    let registry = daemon.registry.load();
    let (entry, record) = registry.filter(id).ok_or_else(unexpected)?;
    Ok(created(&views::filter(entry, record)))
}

pub(super) fn show_filter(call: &Call) -> Result<Response<Body>, Problem> {
    let registry = call.daemon.registry.load();
    let (entry, record) = registry.find_filter(call.reference("filter"))?;
    allows(&call.actor, Operation::See, service_target(&registry, entry.service.id))?;
    Ok(tagged(&views::filter(entry, record)))
}

pub(super) async fn edit_filter(call: Call) -> Result<Response<Body>, Problem> {
    let seen = call.request.headers().get(IF_MATCH).map(|value| value.to_str().unwrap_or("").trim().to_owned());
    let seen = seen.filter(|seen| seen != "*").map(|seen| seen.trim_matches('"').to_owned());
    let (daemon, actor, params, patch) = call.json::<FilterPatch>().await?;
    let command = Command::EditFilter(params.get("filter").to_owned(), Box::new(patch), seen);
    let Reply::Filter(id) = reply(&daemon, actor, command).await? else { return Err(unexpected()) };
    let registry = daemon.registry.load();
    let (entry, record) = registry.filter(id).ok_or_else(unexpected)?;
    Ok(tagged(&views::filter(entry, record)))
}

/// An answer with `ETag: "VERSION"`.
fn tagged(view: &FilterView) -> Response<Body> {
    let mut response = ok(view);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", view.version)) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

pub(super) async fn delete_filter(call: Call) -> Result<Response<Body>, Problem> {
    let command = Command::DeleteFilter(call.reference("filter").to_owned());
    reply(&call.daemon, call.actor.clone(), command).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}
