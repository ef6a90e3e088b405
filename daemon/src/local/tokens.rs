//! Tokens: every change of one token's life. Who may do what is decided by the writer, when it has found the token.

mod list;
mod many;

use std::sync::Arc;

use http::Response;
use serde::de::DeserializeOwned;
use tollgate_shared::api::{
    ChangeOverlap, ImportToken, NewToken, RevokeToken, RotateToken, SetDebug, SuspendToken, TokenCreated, TokenPatch,
    TokenView,
};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret::TokenSecret;

use super::answers::{change, created, ok, reply, tagged, unexpected, version_of};
use super::params::Call;
use crate::core::access::Actor;
use crate::core::admin::{Command, Entropy, Reply, TokenCommand};
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::jobs::AdminAnswer;

pub(super) use list::{identify, issued, list, sources};
pub(super) use many::{batch, bulk};

pub(super) fn show(call: &Call) -> Result<Response<Body>, Problem> {
    list::may_read(&call.actor)?;
    let registry = call.daemon.registry.load();
    let found = list::find(&registry, &call.actor, call.reference("token"))?;
    let view = list::view(&call.daemon, &registry, &found);
    Ok(tagged(ok(&view), view.version))
}

pub(super) async fn create(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewToken>().await?;
    let command = TokenCommand::Create(Box::new(new), entropy()?);
    with_secret(&daemon, actor, command).await.map(|token| created(&token))
}

pub(super) async fn import(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, import) = call.secret_json::<ImportToken>().await?;
    let command = TokenCommand::Import(Box::new(import), entropy()?);
    let view = changed(&daemon, actor, command).await?;
    Ok(tagged(created(&view), view.version))
}

pub(super) async fn edit(call: Call) -> Result<Response<Body>, Problem> {
    let version = version_of(call.request.headers())?;
    let (daemon, actor, params, patch) = call.json::<TokenPatch>().await?;
    let command = TokenCommand::Edit(params.get("token").to_owned(), Box::new(patch), version);
    answer(&daemon, actor, command).await
}

pub(super) async fn rotate(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, rotate) = optional::<RotateToken>(call).await?;
    let command = TokenCommand::Rotate(params.get("token").to_owned(), rotate, entropy()?);
    with_secret(&daemon, actor, command).await.map(|token| ok(&token))
}

pub(super) async fn change_overlap(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, overlap) = call.json::<ChangeOverlap>().await?;
    answer(&daemon, actor, TokenCommand::ChangeOverlap(params.get("token").to_owned(), overlap.secs)).await
}

pub(super) async fn refresh(call: Call) -> Result<Response<Body>, Problem> {
    let command = TokenCommand::Refresh(call.reference("token").to_owned());
    answer(&call.daemon, call.actor.clone(), command).await
}

pub(super) async fn suspend(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, suspend) = optional::<SuspendToken>(call).await?;
    answer(&daemon, actor, TokenCommand::Suspend(params.get("token").to_owned(), suspend.reason)).await
}

pub(super) async fn resume(call: Call) -> Result<Response<Body>, Problem> {
    let command = TokenCommand::Resume(call.reference("token").to_owned());
    answer(&call.daemon, call.actor.clone(), command).await
}

pub(super) async fn revoke(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, revoke) = call.json::<RevokeToken>().await?;
    let command = Command::Token(TokenCommand::Revoke(params.get("token").to_owned(), revoke));
    match change(&daemon, actor, command).await? {
        AdminAnswer::Receipt(receipt) => Ok(ok(&*receipt)),
        AdminAnswer::Reply(_) => Err(unexpected()),
    }
}

pub(super) async fn set_debug(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, params, set) = call.json::<SetDebug>().await?;
    answer(&daemon, actor, TokenCommand::SetDebug(params.get("token").to_owned(), set.on, set.one_in)).await
}

/// Reads a body that may be left out.
async fn optional<T: DeserializeOwned + Default>(
    call: Call,
) -> Result<(Arc<Daemon>, Actor, crate::edge::routes::Params, T), Problem> {
    let (daemon, actor, params, body) = call.json_or_nothing::<T>().await?;
    Ok((daemon, actor, params, body.unwrap_or_default()))
}

/// Carries out a change of one token and shows it, with its version as the tag.
async fn answer(daemon: &Arc<Daemon>, actor: Actor, command: TokenCommand) -> Result<Response<Body>, Problem> {
    let view = changed(daemon, actor, command).await?;
    Ok(tagged(ok(&view), view.version))
}

async fn changed(daemon: &Arc<Daemon>, actor: Actor, command: TokenCommand) -> Result<TokenView, Problem> {
    let done = reply(daemon, actor, Command::Token(command)).await?;
    let Reply::Token(id) = done else { return Err(unexpected()) };
    shown(daemon, id)
}

/// What was changed is shown to who changed it.
fn shown(daemon: &Daemon, id: TokenId) -> Result<TokenView, Problem> {
    let registry = daemon.registry.load();
    let found = list::find(&registry, &Actor::daemon(), id.as_str())?;
    Ok(list::view(daemon, &registry, &found))
}

async fn with_secret(daemon: &Arc<Daemon>, actor: Actor, command: TokenCommand) -> Result<TokenCreated, Problem> {
    let done = reply(daemon, actor, Command::Token(command)).await?;
    let Reply::Secret(id, secret) = done else { return Err(unexpected()) };
    secret_answer(daemon, id, &secret)
}

/// The only answer that holds a secret.
fn secret_answer(daemon: &Daemon, id: TokenId, secret: &TokenSecret) -> Result<TokenCreated, Problem> {
    Ok(TokenCreated { id, secret: secret.expose().to_owned(), token: shown(daemon, id)? })
}

fn entropy() -> Result<Entropy, Problem> {
    let mut entropy = Entropy { id: [0; 8], secret: [0; 32] };
    let filled = getrandom::fill(&mut entropy.id).and_then(|()| getrandom::fill(&mut entropy.secret));
    filled.map(|()| entropy).map_err(|_| Problem::new(Slug::Internal, "the host gives no random bytes; try again"))
}
