//! Changes, as requests to the daemon.

use tollgate_shared::api::{
    BulkTokens, CancelRequest, ChangeOverlap, ResolveIncident, RetryRequest, RevokeToken, SaveQuery, ServicePatch,
    SetDebug, SetLockdown, SetPassphrase, SuspendToken, TokenCreated, TokenPatch, TokenView, WorkflowPatch,
};

use tollgate_shared::problem::{Problem, Slug};

use super::client::words;
use crate::app::forms::Logged;
use crate::app::msg::{Call, Expect, Reply};
use crate::app::secret::Secret;
use crate::client::{Client, ClientError};

pub(super) async fn ask(client: &Client, call: Call) -> Result<Reply, ClientError> {
    match call {
        Call::Guarded(expected, call) => {
            for one in &expected {
                still(client, one).await?;
            }
            change(client, *call).await
        }
        call => change(client, call).await,
    }
}

/// Refuses where an object is not any more what a change left it as.
async fn still(client: &Client, expected: &Expect) -> Result<(), ClientError> {
    let (is_so, who) = match expected {
        Expect::Token { token, version } => {
            let now = client.token(token).await?;
            (now.version == *version, format!("{} has changed {} since", now.updated_by, now.name))
        }
        Expect::Incident { incident, state } => {
            let now = client.incident(incident).await?;
            (now.head.state == *state, format!("it is {} by now", now.head.state))
        }
        Expect::Service { service, enabled } => {
            let now = client.service(service).await?;
            (now.enabled == *enabled, format!("{} has been switched since", now.name))
        }
    };
    if is_so { Ok(()) } else { Err(ClientError::Problem(Box::new(Problem::new(Slug::VersionMismatch, who)))) }
}

async fn change(client: &Client, call: Call) -> Result<Reply, ClientError> {
    Ok(match call {
        Call::Acknowledge { incident } => Reply::Incident(Box::new(client.acknowledge(&incident).await?)),
        Call::Unacknowledge { incident } => Reply::Incident(Box::new(client.unacknowledge(&incident).await?)),
        Call::Resolve { incident, comment } => {
            Reply::Incident(Box::new(client.resolve(&incident, &ResolveIncident { comment }).await?))
        }
        Call::BulkIncidents(bulk) => Reply::Incidents(Box::new(client.bulk_incidents(&bulk).await?)),
        Call::BulkTokens(bulk) => Reply::Bulk(Box::new(client.bulk_tokens(&bulk).await?)),
        Call::CreateTeam(team) => Reply::Team(Box::new(client.create_team(&team).await?)),
        Call::CreateService(service) => Reply::Service(Box::new(client.create_service(&service).await?)),
        Call::EditFilter { filter, patch, version } => {
            Reply::Filter(Box::new(client.edit_filter(&filter, &patch, &version).await?))
        }
        Call::RetryRequest { request } => {
            Reply::Request(Box::new(client.retry_request(&request, &RetryRequest::default()).await?))
        }
        Call::CancelRequest { request, comment } => {
            Reply::Request(Box::new(client.cancel_request(&request, &CancelRequest { comment }).await?))
        }
        Call::SwitchWorkflow { workflow, on, version } => {
            let patch = WorkflowPatch { enabled: Some(on), ..WorkflowPatch::default() };
            Reply::Workflow(Box::new(client.edit_workflow(&workflow, &patch, Some(version)).await?))
        }
        Call::SwitchService { service, on } => {
            let patch = ServicePatch { enabled: Some(on) };
            Reply::Service(Box::new(client.edit_service(&service, &patch).await?))
        }
        Call::RemoveTeam { team } => gone(client.delete_team(&team).await)?,
        Call::RemoveService { service } => gone(client.delete_service(&service).await)?,
        Call::RemoveFilter { filter } => gone(client.delete_filter(&filter).await)?,
        Call::CreateFilter(filter) => Reply::Filter(Box::new(client.create_filter(&filter).await?)),
        Call::SaveQuery { screen, name, q } => {
            let saved = client.save_query(screen, &name, &SaveQuery { q }).await?;
            queries(client, format!("saved as @{}: Q lists your queries", saved.name)).await?
        }
        Call::DropQuery { screen, name } => {
            client.delete_query(screen, &name).await?;
            queries(client, format!("@{name} is deleted")).await?
        }
        other => return token(client, other).await,
    })
}

/// The list as it is now comes with the words, so that the next key finds it.
async fn queries(client: &Client, words: String) -> Result<Reply, ClientError> {
    Ok(Reply::Queries(client.saved_queries(None).await?.items, words))
}

fn gone(deleted: Result<(), ClientError>) -> Result<Reply, ClientError> {
    deleted.map(|()| Reply::Nothing)
}

async fn token(client: &Client, call: Call) -> Result<Reply, ClientError> {
    let view = match call {
        Call::Debug { token, on, one_in } => client.debug_token(&token, &SetDebug { on, one_in }).await?,
        Call::CreateToken(token) => return Ok(created(client.create_token(&token).await?)),
        Call::EditToken { token, patch, version, debug } => edit(client, &token, &patch, version, debug).await?,
        Call::Rotate { token, rotate } => return Ok(created(client.rotate_token_with(&token, &rotate).await?)),
        Call::Overlap { token, secs } => client.change_overlap(&token, &ChangeOverlap { secs }).await?,
        Call::Refresh { token } => client.refresh_token(&token).await?,
        Call::Suspend { token, reason } => client.suspend_token(&token, &SuspendToken { reason }).await?,
        Call::Resume { token } => client.resume_token(&token).await?,
        Call::Revoke { token, confirm, reason, also } => return revoke(client, &token, confirm, reason, also).await,
        other => return person(client, other).await,
    };
    Ok(Reply::Token(Box::new(view)))
}

/// The settings first, because only they carry the version that was looked at.
async fn edit(
    client: &Client,
    token: &str,
    patch: &TokenPatch,
    version: u64,
    debug: Option<Logged>,
) -> Result<TokenView, ClientError> {
    let edited = client.edit_token_version(token, patch, version).await?;
    match debug {
        Some(logged) => {
            let set = SetDebug { on: logged.is_on(), one_in: logged.one_in() };
            client.debug_token(token, &set).await
        }
        None => Ok(edited),
    }
}

/// What it issued is revoked after it, all or none; the receipt says what became of that.
async fn revoke(
    client: &Client,
    token: &str,
    confirm: String,
    reason: String,
    also: Vec<String>,
) -> Result<Reply, ClientError> {
    let revoke = RevokeToken { confirm, reason: reason.clone() };
    let receipt = client.revoke_token(token, &revoke).await?;
    let mut became = Vec::new();
    if !also.is_empty() {
        let bulk = BulkTokens {
            action: "revoke".to_owned(),
            confirm_count: u32::try_from(also.len()).ok(),
            tokens: also,
            q: String::new(),
            patch: TokenPatch::default(),
            reason,
        };
        became = match client.bulk_tokens(&bulk).await {
            Ok(done) => done.tokens.iter().map(|one| format!("{} revoked too", one.name)).collect(),
            Err(error) => vec![format!("NOT revoked: {}", words(&error))],
        };
    }
    Ok(Reply::Receipt(Box::new(receipt), became))
}

async fn person(client: &Client, call: Call) -> Result<Reply, ClientError> {
    let view = match call {
        Call::CreateOperator(operator) => client.create_operator(&operator).await?,
        Call::EditOperator { operator, patch, version } => {
            client.edit_operator_version(&operator, &patch, version).await?
        }
        Call::SetPassphrase { operator, passphrase } => {
            let passphrase = passphrase.map(|hidden| hidden.0.to_string());
            client.set_passphrase(&operator, &SetPassphrase { passphrase }).await?
        }
        Call::RemoveOperator { operator } => {
            client.delete_operator(&operator).await?;
            return Ok(Reply::Nothing);
        }
        Call::SetLockdown { on, reason } => {
            client.set_lockdown(&SetLockdown { on, reason }).await?;
            return Ok(Reply::Nothing);
        }
        // Signing in and out is the client task's own: it begins all connections anew.
        _ => return Ok(Reply::Nothing),
    };
    Ok(Reply::Operator(Box::new(view)))
}

fn created(mut created: TokenCreated) -> Reply {
    let secret = Secret::new(std::mem::take(&mut created.secret));
    Reply::Created { secret, token: Box::new(created.token.clone()) }
}
