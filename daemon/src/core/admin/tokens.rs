//! The life of a token (domain.md §2). Each room prepares [`Step`]s: what would change, and how the audit tells it. They
//! are written here, together, so that a change of many tokens is one transaction with one row for each.

mod bulk;
mod create;
mod edit;
mod end;
pub(in crate::core) mod fields;
mod measures;
mod secrets;

use tollgate_shared::api::{ImportToken, NewToken, RevokeToken, RotateToken, TokenPatch};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::COMMENT_CHARS_MAX;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::Owner;

use super::{Done, Entropy, Office, Reply, invalid, text_of};
use crate::core::access::{Actor, Operation, allows};
use crate::core::model::{Mac, RegistryChange, Token};
use crate::core::rights;

/// A change of tokens.
pub enum TokenCommand {
    /// Create one, with fresh entropy.
    Create(Box<NewToken>, Entropy),
    /// Create all of them or none.
    CreateAll(Vec<(NewToken, Entropy)>, DryRun),
    /// Take a value from another system over as a token's secret. The entropy makes the public id.
    Import(Box<ImportToken>, Entropy),
    /// Change settings; with a version: only where the token is still at it.
    Edit(String, Box<TokenPatch>, Option<u64>),
    /// Replace the secret, with fresh entropy.
    Rotate(String, RotateToken, Entropy),
    /// Let the old secret of a running overlap live for so many seconds from now; 0 ends it.
    ChangeOverlap(String, u32),
    /// Add the chosen duration again.
    Refresh(String),
    /// The same by the token itself, found by this secret.
    RefreshSelf(TokenId, Mac),
    /// Answer its calls with 503, for this reason.
    Suspend(String, String),
    /// Let it work again.
    Resume(String),
    /// End it for good.
    Revoke(String, RevokeToken),
    /// Switch the debug option; on, perhaps for one call in so many.
    SetDebug(String, bool, Option<u32>),
    /// The same change to all of these tokens, or to none.
    Bulk(Vec<TokenId>, BulkAction),
    /// Bury the old secrets whose overlap is over: the daemon's own housekeeping.
    EndOverlaps,
    /// Take quotas and blocks away whose time is over: housekeeping, too.
    EndMeasures,
}

/// Whether a batch is only checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// Check, make nothing.
    Yes,
    /// Make them.
    No,
}

/// One change for many tokens.
pub enum BulkAction {
    /// End them, for this reason.
    Revoke(String),
    /// Extend them.
    Refresh,
    /// Suspend them, for this reason.
    Suspend(String),
    /// Resume them.
    Resume,
    /// Change settings.
    Edit(Box<TokenPatch>),
}

/// What is asked of the caller, by what he wants to do to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// Edit, rotate, refresh, switch debug.
    Change,
    /// Suspend.
    Suspend,
    /// Resume or revoke.
    End,
}

/// A prepared change of one token. One without changes writes nothing.
struct Step {
    id: TokenId,
    changes: Vec<RegistryChange>,
    action: &'static str,
    target: String,
    detail: String,
}

/// Carries a change of tokens out.
///
/// # Errors
/// The problem that the caller is told; nothing has been put into the view.
pub(super) fn execute(office: &mut Office<'_>, actor: &Actor, command: TokenCommand) -> Result<Done, Problem> {
    let step = match command {
        TokenCommand::Create(new, entropy) => return create::one(office, actor, &new, entropy),
        TokenCommand::CreateAll(rows, dry_run) => return create::all(office, actor, rows, dry_run),
        TokenCommand::Rotate(token, rotate, entropy) => {
            return secrets::rotate(office, actor, &token, &rotate, entropy);
        }
        TokenCommand::Revoke(token, revoke) => return end::revoke(office, actor, &token, &revoke),
        TokenCommand::Bulk(tokens, action) => return bulk::carry_out(office, actor, &tokens, &action),
        TokenCommand::EndOverlaps => return Ok(secrets::end_overlaps(office, actor)),
        TokenCommand::EndMeasures => return Ok(measures::end_over(office, actor)),
        TokenCommand::Import(import, entropy) => create::import(office, actor, &import, entropy)?,
        TokenCommand::Edit(token, patch, version) => edit::settings(office, actor, &token, &patch, version)?,
        TokenCommand::ChangeOverlap(token, secs) => secrets::change_overlap(office, actor, &token, secs)?,
        TokenCommand::Refresh(token) => secrets::refresh(office, actor, &*found(office, &token)?)?,
        TokenCommand::RefreshSelf(token, mac) => secrets::refresh_self(office, actor, token, mac)?,
        TokenCommand::Suspend(token, reason) => end::suspend(office, actor, &*found(office, &token)?, &reason)?,
        TokenCommand::Resume(token) => end::resume(office, actor, &*found(office, &token)?)?,
        TokenCommand::SetDebug(token, on, one_in) => edit::debug(office, actor, &token, on, one_in)?,
    };
    let id = step.id;
    Ok(write(office, actor, vec![step], Reply::Token(id)))
}

/// Writes prepared steps, each with its audit row.
fn write(office: &mut Office<'_>, actor: &Actor, steps: Vec<Step>, reply: Reply) -> Done {
    let mut changes = Vec::new();
    for step in steps.into_iter().filter(|step| !step.changes.is_empty()) {
        office.write(actor, &step.changes, step.action, step.target, step.detail);
        changes.extend(step.changes);
    }
    Done { changes, reply }
}

/// Suspends those of these tokens that are not suspended; a row of the audit for each.
pub(super) fn suspend_in_doubt<'t>(
    office: &mut Office<'_>,
    actor: &Actor,
    tokens: impl Iterator<Item = &'t Token>,
    reason: &str,
) -> Vec<RegistryChange> {
    let steps = tokens.map(|token| end::doubt(office, actor, token, reason.to_owned())).collect();
    write(office, actor, steps, Reply::Noted).changes
}

/// The living token that a reference means.
fn found(office: &Office<'_>, reference: &str) -> Result<std::sync::Arc<Token>, Problem> {
    Ok(office.registry.find_token(reference)?.clone())
}

/// Whether `actor` has `right` over `token`: an organisation's token is its team's matter, a personal one its owner's.
fn authorise(office: &Office<'_>, actor: &Actor, token: &Token, right: Right) -> Result<(), Problem> {
    let operation = match (token.owner, right) {
        (Owner::Organisation, Right::Suspend) => Operation::SuspendToken,
        (Owner::Organisation, Right::Change | Right::End) => Operation::ChangeToken,
        (Owner::Operator(_), Right::Change) => Operation::ChangePersonalToken,
        (Owner::Operator(_), Right::Suspend | Right::End) => Operation::EndPersonalToken,
    };
    allows(actor, operation, rights::target_of(office.registry, actor, token.scope, token.owner))
}

/// A step that puts a changed token; one that did not change is left alone.
fn put(office: &Office<'_>, actor: &Actor, before: &Token, mut after: Token, how: (&'static str, String)) -> Step {
    let (action, detail) = how;
    let (id, target) = (after.id, target_of(&after));
    if after == *before {
        return Step { id, changes: Vec::new(), action, target, detail };
    }
    stamp(office, actor, &mut after);
    Step { id, changes: vec![RegistryChange::PutToken(Box::new(after))], action, target, detail }
}

fn stamp(office: &Office<'_>, actor: &Actor, token: &mut Token) {
    token.generation += 1;
    token.updated_at = office.now;
    token.updated_by = actor.name.clone();
}

fn target_of(token: &Token) -> String {
    format!("token {} {}", token.id, token.name)
}

fn reason_of(text: &str) -> Result<String, Problem> {
    text_of("reason", text, COMMENT_CHARS_MAX)
}

fn sealed(token: &Token, what: &str) -> Problem {
    let detail = format!("token {} is sealed: {what}; create a new token instead", token.id);
    Problem::new(Slug::Conflict, detail)
}

#[cfg(test)]
mod tests;
