//! Changes of many tokens: a batch of new ones, and one change for all that a query finds.

use http::Response;
use tollgate_shared::api::{BatchTokens, BulkResult, BulkTokens, Page, TokenCreated, TokenView};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};

use super::super::answers::{created, ok, reply, unexpected};
use super::super::params::Call;
use super::list::{find, ids_of, view};
use super::{entropy, secret_answer};
use crate::core::access::Actor;
use crate::core::admin::{BulkAction, Command, DryRun, Reply, TokenCommand};
use crate::daemon::Daemon;
use crate::edge::Body;

/// All or none. A dry run without mistakes answers an empty page.
pub(in crate::local) async fn batch(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, batch) = call.json::<BatchTokens>().await?;
    let rows = batch.tokens.into_iter().map(|new| Ok((new, entropy()?))).collect::<Result<Vec<_>, Problem>>()?;
    let dry_run = if batch.dry_run { DryRun::Yes } else { DryRun::No };
    let command = Command::Token(TokenCommand::CreateAll(rows, dry_run));
    let Reply::Secrets(secrets) = reply(&daemon, actor, command).await? else { return Err(unexpected()) };
    let made = secrets.into_iter().map(|(id, secret)| secret_answer(&daemon, id, &secret));
    let items = made.collect::<Result<Vec<TokenCreated>, Problem>>()?;
    let page = Page { items, next: None };
    Ok(if batch.dry_run { ok(&page) } else { created(&page) })
}

/// One change for many, once their number was typed; without a number they are only listed.
pub(in crate::local) async fn bulk(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, bulk) = call.json::<BulkTokens>().await?;
    let action = action_of(&bulk)?;
    let ids = wanted(&daemon, &actor, &bulk)?;
    let Some(count) = bulk.confirm_count else {
        return Ok(ok(&BulkResult { done: false, tokens: shown(&daemon, &actor, &ids) }));
    };
    if usize::try_from(count).ok() != Some(ids.len()) {
        let detail = format!("{} tokens fit, {count} were confirmed; nothing was changed: look again", ids.len());
        return Err(Problem::new(Slug::Conflict, detail).with_error("confirm_count", ids.len().to_string()));
    }
    let command = Command::Token(TokenCommand::Bulk(ids.clone(), action));
    let Reply::Tokens(_) = reply(&daemon, actor.clone(), command).await? else { return Err(unexpected()) };
    Ok(ok(&BulkResult { done: true, tokens: shown(&daemon, &actor, &ids) }))
}

fn action_of(bulk: &BulkTokens) -> Result<BulkAction, Problem> {
    match bulk.action.as_str() {
        "revoke" => Ok(BulkAction::Revoke(bulk.reason.clone())),
        "refresh" => Ok(BulkAction::Refresh),
        "suspend" => Ok(BulkAction::Suspend(bulk.reason.clone())),
        "resume" => Ok(BulkAction::Resume),
        "edit" => Ok(BulkAction::Edit(Box::new(bulk.patch.clone()))),
        _ => {
            let detail = "action: revoke, refresh, suspend, resume or edit";
            Err(Problem::new(Slug::Validation, detail).with_error("action", "unknown"))
        }
    }
}

/// The tokens that are named, or those that the query finds: never both, and never silently all.
fn wanted(daemon: &Daemon, actor: &Actor, bulk: &BulkTokens) -> Result<Vec<TokenId>, Problem> {
    let mut ids = match (bulk.tokens.is_empty(), bulk.q.trim().is_empty()) {
        (true, false) => ids_of(daemon, actor, &bulk.q)?,
        (false, true) => {
            let registry = daemon.registry.load();
            let named = bulk.tokens.iter().map(|reference| Ok(registry.find_token(reference)?.id));
            named.collect::<Result<Vec<_>, Problem>>()?
        }
        _ => {
            let detail = "name tokens, or give a query: one of them";
            return Err(Problem::new(Slug::Validation, detail).with_error("tokens", "or q"));
        }
    };
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn shown(daemon: &Daemon, actor: &Actor, ids: &[TokenId]) -> Vec<TokenView> {
    let registry = daemon.registry.load();
    let found = ids.iter().filter_map(|id| find(&registry, actor, id.as_str()).ok());
    found.map(|found| view(daemon, &registry, &found)).collect()
}
