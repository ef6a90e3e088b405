//! Operators, signing in and out, and the lockdown.

use std::sync::Arc;

use http::{Response, StatusCode};
use tollgate_shared::api::{
    LockdownView, NewOperator, OperatorPatch, OperatorView, SetLockdown, SetPassphrase, SignIn, SignedIn,
};
use tollgate_shared::problem::{Problem, Slug};
use zeroize::Zeroizing;

use super::answers::{created, ok, page, reply, tagged, unexpected, version_of};
use super::caller::proof_of;
use super::params::Call;
use crate::core::access::{Actor, Operation, Target, Who, allows};
use crate::core::admin::{Command, Note, Reply};
use crate::core::model::Operator;
use crate::core::views;
use crate::daemon::Daemon;
use crate::edge::{Body, ConnectionState, Subject, respond};

pub(super) fn list(call: &Call) -> Result<Response<Body>, Problem> {
    allows(&call.actor, Operation::See, Target::Global)?;
    let query = call.query(&["limit", "cursor"])?;
    let registry = call.daemon.registry.load();
    let seen = |operator: &Operator| call.daemon.people.last_seen(operator.id);
    let mut all: Vec<_> = registry.operators().map(|op| views::operator(&registry, op, seen(op))).collect();
    all.sort_by_key(|view| view.name.to_lowercase());
    Ok(page(all, query.parsed("cursor")?, query.limit()?))
}

pub(super) fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let registry = call.daemon.registry.load();
    let operator = registry.find_operator(call.reference("operator"))?;
    // Everybody may see himself.
    if call.actor.operator().is_none_or(|own| own.id != operator.id) {
        allows(&call.actor, Operation::See, Target::Global)?;
    }
    let view = views::operator(&registry, operator, call.daemon.people.last_seen(operator.id));
    Ok(tagged(ok(&view), view.version))
}

pub(super) async fn create(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, new) = call.json::<NewOperator>().await?;
    let done = reply(&daemon, actor, Command::CreateOperator(new)).await?;
    changed(&daemon, &done).map(|view| tagged(created(&view), view.version))
}

pub(super) async fn edit(call: Call) -> Result<Response<Body>, Problem> {
    let version = version_of(call.request.headers())?;
    let (daemon, actor, params, patch) = call.json::<OperatorPatch>().await?;
    let command = Command::EditOperator(params.get("operator").to_owned(), patch, version);
    let done = reply(&daemon, actor, command).await?;
    changed(&daemon, &done).map(|view| tagged(ok(&view), view.version))
}

pub(super) async fn delete(call: Call) -> Result<Response<Body>, Problem> {
    let command = Command::DeleteOperator(call.reference("operator").to_owned());
    reply(&call.daemon, call.actor.clone(), command).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn set_passphrase(call: Call) -> Result<Response<Body>, Problem> {
    // Asked before the hash is made: nobody orders work that he has no right to.
    allows(&call.actor, Operation::ChangeOrganisation, Target::Global)?;
    let (daemon, actor, params, mut set) = call.secret_json::<SetPassphrase>().await?;
    let hash = match set.passphrase.take().map(Zeroizing::new) {
        Some(passphrase) => {
            let hashed = daemon.people.passphrases.hash(passphrase).await;
            Some(hashed.map_err(|why| {
                Problem::new(Slug::Validation, format!("passphrase: {why}")).with_error("passphrase", why.to_string())
            }))
        }
        None => None,
    };
    let command = Command::SetPassphrase(params.get("operator").to_owned(), hash.transpose()?);
    let done = reply(&daemon, actor, command).await?;
    changed(&daemon, &done).map(|view| tagged(ok(&view), view.version))
}

fn changed(daemon: &Daemon, done: &Reply) -> Result<OperatorView, Problem> {
    let Reply::Operator(id) = done else { return Err(unexpected()) };
    let registry = daemon.registry.load();
    let operator = registry.operator(*id).ok_or_else(unexpected)?;
    Ok(views::operator(&registry, operator, daemon.people.last_seen(*id)))
}

/// From now on the caller is this operator, on this connection only; the ticket is for the others of the same program.
pub(super) async fn sign_in(call: Call) -> Result<Response<Body>, Problem> {
    let connection = connection_of(&call)?;
    let (daemon, actor, _, mut given) = call.secret_json::<SignIn>().await?;
    let (now, uid) = (daemon.clock.now(), actor.uid.unwrap_or(u32::MAX));
    if let Some(ticket) = given.ticket.take().map(Zeroizing::new) {
        let subject = daemon.people.tickets.subject(&ticket, uid, now).filter(|subject| still(&daemon, *subject));
        let subject = subject.ok_or_else(|| Problem::new(Slug::Forbidden, "the sign-in has ended; sign in again"))?;
        connection.set(Some(subject));
        return Ok(ok(&SignedIn { operator: std::mem::take(&mut given.operator), ticket: String::new() }));
    }
    let keys = [format!("operator {}", given.operator.to_lowercase()), format!("uid {uid}")];
    let wait = daemon.people.back_off.wait_secs(&keys, now);
    if wait > 0 {
        let detail = "too many sign-ins failed; wait, then try again";
        return Err(Problem::new(Slug::RateLimited, detail).with_retry_after(wait));
    }
    let name = given.operator.to_lowercase();
    let operator = daemon.registry.load().operators().find(|op| op.enabled && op.name.key() == name).cloned();
    let stored = operator.as_ref().and_then(|operator| operator.passphrase.clone());
    let passphrase = Zeroizing::new(std::mem::take(&mut given.passphrase));
    let fits = daemon.people.passphrases.fits(passphrase, stored).await;
    let Some(operator) = operator.filter(|_| fits) else {
        daemon.people.back_off.failed(&keys, now);
        return Err(Problem::new(Slug::Forbidden, "the operator's name or the passphrase is wrong"));
    };
    daemon.people.back_off.succeeded(&keys);
    let actor = Actor { name: operator.name.to_string(), who: Who::Operator(operator.clone()), ..actor };
    noted(&daemon, actor, "sign-in", &operator).await?;
    let (ticket, subject) = daemon.people.tickets.issue(operator.id.0, proof_of(&operator), uid, now)?;
    connection.set(Some(subject));
    Ok(ok(&SignedIn { operator: operator.name.to_string(), ticket: ticket.to_string() }))
}

/// Whether somebody who signed in is still the operator that he was then.
fn still(daemon: &Daemon, subject: Subject) -> bool {
    let registry = daemon.registry.load();
    let operator = registry.operators().find(|operator| operator.id.0 == subject.id);
    operator.is_some_and(|operator| operator.enabled && proof_of(operator) == subject.proof)
}

/// From now on the caller is again who the kernel says, and the ticket of his sign-in opens nothing more.
pub(super) async fn sign_out(call: Call) -> Result<Response<Body>, Problem> {
    let connection = connection_of(&call)?;
    if let (Some(subject), Who::Operator(operator)) = (connection.subject(), &call.actor.who) {
        noted(&call.daemon, call.actor.clone(), "sign-out", operator).await?;
        call.daemon.people.tickets.end(subject);
    }
    connection.set(None);
    Ok(ok(&SignedIn { operator: String::new(), ticket: String::new() }))
}

async fn noted(daemon: &Daemon, actor: Actor, action: &'static str, operator: &Operator) -> Result<(), Problem> {
    let target = format!("operator {} {}", operator.id, operator.name);
    let note = Note { action, target, detail: String::new() };
    reply(daemon, actor, Command::Note(note)).await.map(drop)
}

fn connection_of(call: &Call) -> Result<Arc<ConnectionState>, Problem> {
    let missing = || Problem::new(Slug::Internal, "the connection cannot remember who signs in");
    call.request.extensions().get::<Arc<ConnectionState>>().cloned().ok_or_else(missing)
}

pub(super) async fn set_lockdown(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, set) = call.json::<SetLockdown>().await?;
    reply(&daemon, actor, Command::SetLockdown(set)).await?;
    Ok(lockdown(&daemon).map_or_else(|| respond::empty(StatusCode::NO_CONTENT), |view| ok(&view)))
}

/// The lockdown in force.
pub(super) fn lockdown(daemon: &Daemon) -> Option<LockdownView> {
    let registry = daemon.registry.load();
    let lockdown = registry.lockdown()?;
    Some(LockdownView { at: lockdown.at, by: lockdown.by.clone(), reason: lockdown.reason.clone() })
}
