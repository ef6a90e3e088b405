//! One change to many tokens: all or none, in one transaction, with one audit row each.

use std::collections::BTreeSet;

use tollgate_shared::id::TokenId;
use tollgate_shared::limits::BULK_TOKENS_MAX;
use tollgate_shared::problem::{Problem, Slug};

use super::{BulkAction, Done, Office, Reply, Step, edit, end, invalid, secrets, write};
use crate::core::access::Actor;
use crate::core::model::Token;

pub(super) fn carry_out(
    office: &mut Office<'_>,
    actor: &Actor,
    tokens: &[TokenId],
    action: &BulkAction,
) -> Result<Done, Problem> {
    let ids: BTreeSet<_> = tokens.iter().copied().collect();
    if ids.is_empty() || ids.len() > BULK_TOKENS_MAX {
        return Err(invalid("tokens", format!("{} tokens; 1 to {BULK_TOKENS_MAX} at once", ids.len())));
    }
    if let BulkAction::Edit(patch) = action
        && patch.name.is_some()
    {
        return Err(invalid("patch.name", "a name is one token's; it is not changed in bulk"));
    }
    let mut steps = Vec::new();
    let mut bad: Option<Problem> = None;
    for id in &ids {
        let gone = || Problem::new(Slug::Conflict, format!("token {id} was revoked meanwhile"));
        let token = office.registry.token(*id).ok_or_else(gone);
        match token.and_then(|token| step(office, actor, token, action)) {
            Ok(step) => steps.push(step),
            Err(why) => {
                let message = why.detail.clone();
                bad = Some(bad.unwrap_or(why).with_error(id.as_str(), message));
            }
        }
    }
    match bad {
        Some(mut bad) => {
            bad.detail = format!("{}; nothing was changed in any of the {} tokens", bad.detail, ids.len());
            Err(bad)
        }
        None => Ok(write(office, actor, steps, Reply::Tokens(ids.into_iter().collect()))),
    }
}

fn step(office: &Office<'_>, actor: &Actor, token: &Token, action: &BulkAction) -> Result<Step, Problem> {
    match action {
        BulkAction::Revoke(reason) => end::revoked(office, actor, token, reason),
        BulkAction::Refresh => secrets::refresh(office, actor, token),
        BulkAction::Suspend(reason) => end::suspend(office, actor, token, reason),
        BulkAction::Resume => end::resume(office, actor, token),
        BulkAction::Edit(patch) => edit::patched(office, actor, token, patch),
    }
}
