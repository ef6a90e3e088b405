//! Doubt and death: suspend, resume, revoke.

use tollgate_shared::api::RevokeToken;
use tollgate_shared::problem::Problem;

use super::secrets::names;
use super::{Done, Office, Reply, Right, Step, authorise, found, invalid, put, reason_of, target_of};
use crate::core::access::Actor;
use crate::core::model::{DeadSecret, Death, RegistryChange, Suspension, Token, Tombstone};

/// Reversible: calls are answered 503, everything stays.
pub(super) fn suspend(office: &Office<'_>, actor: &Actor, token: &Token, reason: &str) -> Result<Step, Problem> {
    authorise(office, actor, token, Right::Suspend)?;
    Ok(doubt(office, actor, token, reason_of(reason)?))
}

/// The same where it was allowed as a part of something else.
pub(super) fn doubt(office: &Office<'_>, actor: &Actor, token: &Token, reason: String) -> Step {
    let mut after = token.clone();
    // Who doubted first stays on record.
    if after.suspended.is_none() {
        after.suspended = Some(Suspension { at: office.now, by: actor.name.clone(), reason: reason.clone() });
    }
    put(office, actor, token, after, ("token.suspend", reason))
}

pub(super) fn resume(office: &Office<'_>, actor: &Actor, token: &Token) -> Result<Step, Problem> {
    authorise(office, actor, token, Right::End)?;
    let after = Token { suspended: None, ..token.clone() };
    Ok(put(office, actor, token, after, ("token.resume", String::new())))
}

/// Final, confirmed by the name.
pub(super) fn revoke(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    revoke: &RevokeToken,
) -> Result<Done, Problem> {
    let token = found(office, reference)?;
    if !names(&token, &revoke.confirm) {
        let message = format!("type the token's name, `{}`, to revoke it; nothing was changed", token.name);
        return Err(invalid("confirm", message));
    }
    let step = revoked(office, actor, &token, &revoke.reason)?;
    let audit_seq = office.write(actor, &step.changes, step.action, step.target, step.detail);
    Ok(Done { changes: step.changes, reply: Reply::Revoked(step.id, audit_seq) })
}

/// Kills every secret of the token and leaves its tombstone.
pub(super) fn revoked(office: &Office<'_>, actor: &Actor, token: &Token, reason: &str) -> Result<Step, Problem> {
    authorise(office, actor, token, Right::End)?;
    let reason = reason_of(reason)?;
    let dead = |mac| {
        let dead = DeadSecret { mac, token: token.id, at: office.now, death: Death::Revoked };
        RegistryChange::PutDeadSecret(dead)
    };
    let older = token.overlap.map(|overlap| overlap.mac);
    let mut changes: Vec<_> = older.into_iter().chain([token.mac]).map(dead).collect();
    changes.push(RegistryChange::Bury(Box::new(Tombstone {
        token: token.clone(),
        revoked_at: office.now,
        revoked_by: actor.name.clone(),
        reason: reason.clone(),
    })));
    Ok(Step { id: token.id, changes, action: "token.revoke", target: target_of(token), detail: reason })
}
