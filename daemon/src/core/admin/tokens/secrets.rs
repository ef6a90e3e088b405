//! Secrets and their time: rotation with or without an overlap, its end, and refreshing.

use tollgate_shared::api::RotateToken;
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::OVERLAP_SECS_MAX;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret::TokenSecret;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Expiry, Permission};

use super::super::without_secret;
use super::fields::grantable;
use super::{
    Done, Entropy, Office, Reply, Right, Step, authorise, found, invalid, put, sealed, stamp, target_of, write,
};
use crate::core::access::{Actor, Who};
use crate::core::authenticate;
use crate::core::model::{DeadSecret, Death, Mac, Overlap, RegistryChange, Token};

/// Characters of an idempotency key.
const KEY_CHARS_MAX: usize = 64;

/// A new secret for the same token. The old one dies at once, or lives on for the overlap.
pub(super) fn rotate(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    rotate: &RotateToken,
    entropy: Entropy,
) -> Result<Done, Problem> {
    let before = found(office, reference)?;
    may_rotate(office, actor, &before, rotate)?;
    let overlap = overlap_of(office.now, &before, rotate)?;
    let secret = TokenSecret::for_id(before.id, entropy.secret);
    let mut after = before.as_ref().clone();
    after.mac = (office.mac_of)(secret.expose());
    after.overlap = overlap;
    after.rotate_key.clone_from(&rotate.idempotency_key);
    after.rotations += 1;
    after.imported = false;
    stamp(office, actor, &mut after);
    let older = before.overlap.map(|overlap| overlap.mac);
    let current = overlap.is_none().then_some(before.mac);
    let mut changes: Vec<_> = older.into_iter().chain(current).map(|mac| died(office, &before, mac)).collect();
    let detail = overlap.map_or_else(
        || "the old secret is dead".to_owned(),
        |overlap| format!("the old secret lives until {}", overlap.until),
    );
    let (id, target) = (after.id, target_of(&after));
    changes.push(RegistryChange::PutToken(Box::new(after)));
    let step = Step { id, changes, action: "token.rotate", target, detail };
    Ok(write(office, actor, vec![step], Reply::Secret(id, secret)))
}

fn may_rotate(office: &Office<'_>, actor: &Actor, token: &Token, rotate: &RotateToken) -> Result<(), Problem> {
    authorise(office, actor, token, Right::Change)?;
    // Who sees a secret holds its rights: a token must not reach by rotating what it could not grant.
    if matches!(actor.who, Who::Token(..)) {
        grantable(office.registry, actor, token.scope, &token.permissions)?;
    }
    if token.sealed {
        return Err(sealed(token, "its secret is never replaced"));
    }
    if let Some(typed) = rotate.confirm.as_deref().filter(|typed| !names(token, typed)) {
        let shown: String = typed.chars().take(80).collect();
        let detail = format!("`{shown}` is not the token's name `{}`; nothing was changed", token.name);
        return Err(invalid("confirm", detail));
    }
    let key = rotate.idempotency_key.as_deref();
    if key.is_some_and(|key| key.is_empty() || key.chars().count() > KEY_CHARS_MAX) {
        return Err(invalid("idempotency_key", format!("1 to {KEY_CHARS_MAX} characters")));
    }
    key.map_or(Ok(()), |key| without_secret("idempotency_key", key))?;
    if key.is_some() && key == token.rotate_key.as_deref() {
        let detail = "already rotated with this idempotency key; its secret was shown then and is alive";
        return Err(Problem::new(Slug::Conflict, detail));
    }
    match token.overlap.filter(|overlap| overlap.runs(office.now) && !rotate.now) {
        Some(overlap) => {
            let detail = format!(
                "an overlap runs until {}; end it, or rotate with `now`, which kills both older secrets",
                overlap.until
            );
            Err(Problem::new(Slug::Conflict, detail))
        }
        None => Ok(()),
    }
}

/// Whether somebody who typed this meant the token.
pub(super) fn names(token: &Token, typed: &str) -> bool {
    typed == token.name.as_str() || typed == token.id.as_str()
}

/// The overlap that was asked for; it never outlives the token.
fn overlap_of(now: Timestamp, token: &Token, rotate: &RotateToken) -> Result<Option<Overlap>, Problem> {
    if rotate.overlap_secs > OVERLAP_SECS_MAX {
        return Err(invalid("overlap_secs", format!("{} s; 30 d are the limit", rotate.overlap_secs)));
    }
    if rotate.now && rotate.overlap_secs > 0 {
        return Err(invalid("overlap_secs", "`now` kills the older secrets; there is no overlap then"));
    }
    if rotate.overlap_secs > 0 && token.needs_rotation() {
        let why = "the old secret was lost in a restore, so nothing can live on; rotate it with `now`";
        return Err(invalid("overlap_secs", why));
    }
    let until = within_life(token, now.plus_secs(i64::from(rotate.overlap_secs)));
    Ok((until > now).then_some(Overlap { mac: token.mac, since: now, until }))
}

fn within_life(token: &Token, until: Timestamp) -> Timestamp {
    token.expires_at.map_or(until, |end| until.min(end))
}

fn died(office: &Office<'_>, token: &Token, mac: Mac) -> RegistryChange {
    RegistryChange::PutDeadSecret(DeadSecret { mac, token: token.id, at: office.now, death: Death::Rotated })
}

/// Ends or moves the end of a running overlap. Its whole length stays within 30 d and within the token's life.
pub(super) fn change_overlap(office: &Office<'_>, actor: &Actor, reference: &str, secs: u32) -> Result<Step, Problem> {
    let before = found(office, reference)?;
    authorise(office, actor, &before, Right::Change)?;
    let running = before.overlap.filter(|overlap| overlap.runs(office.now));
    let Some(overlap) = running else {
        return Err(Problem::new(Slug::Conflict, format!("no overlap of token {} is running", before.id)));
    };
    if secs == 0 {
        return Ok(overlap_ended(office, actor, &before, overlap));
    }
    let wanted = office.now.plus_secs(i64::from(secs));
    if before.sealed && wanted > overlap.until {
        return Err(sealed(&before, "its overlap is not extended"));
    }
    let latest = overlap.since.plus_secs(i64::from(OVERLAP_SECS_MAX));
    if wanted > latest {
        return Err(invalid("secs", format!("an overlap lasts 30 d at most: until {latest}")));
    }
    let mut after = before.as_ref().clone();
    let until = within_life(&before, wanted);
    after.overlap = Some(Overlap { until, ..overlap });
    Ok(put(office, actor, &before, after, ("token.overlap", format!("{} -> {until}", overlap.until))))
}

fn overlap_ended(office: &Office<'_>, actor: &Actor, before: &Token, overlap: Overlap) -> Step {
    let after = Token { overlap: None, ..before.clone() };
    let mut step = put(office, actor, before, after, ("token.overlap", "ended; the old secret is dead".to_owned()));
    step.changes.insert(0, died(office, before, overlap.mac));
    step
}

/// Writes the death of every old secret whose overlap is over. It was refused from its deadline on; from here on it is
/// refused whatever a clock says.
pub(super) fn end_overlaps(office: &mut Office<'_>, actor: &Actor) -> Done {
    let over = |token: &&std::sync::Arc<Token>| token.overlap.is_some_and(|overlap| !overlap.runs(office.now));
    let ended: Vec<_> = office.registry.tokens().filter(over).cloned().collect();
    let steps =
        ended.iter().filter_map(|token| token.overlap.map(|overlap| overlap_ended(office, actor, token, overlap)));
    let steps: Vec<_> = steps.collect();
    write(office, actor, steps, Reply::Deleted)
}

/// Adds the chosen duration again, also to an expired token; never shortens.
pub(super) fn refresh(office: &Office<'_>, actor: &Actor, token: &Token) -> Result<Step, Problem> {
    authorise(office, actor, token, Right::Change)?;
    refreshed(office, actor, token)
}

/// The same by the token itself: only while it is valid, and only where it may.
pub(super) fn refresh_self(office: &Office<'_>, actor: &Actor, id: TokenId, mac: Mac) -> Result<Step, Problem> {
    let gone = || Problem::new(Slug::TokenRevoked, "the token was revoked or rotated meanwhile");
    let token = office.registry.token(id).ok_or_else(gone)?;
    let old = token.overlap.filter(|overlap| overlap.runs(office.now)).map(|overlap| overlap.mac);
    if token.mac != mac && old != Some(mac) {
        return Err(gone());
    }
    // Its address was checked at the gate; here counts what may have changed since.
    authenticate::check_anywhere(office.registry, token, Some(Permission::TokenRefresh), office.now)
        .map_err(|denied| Problem::new(denied.slug, denied.detail))?;
    refreshed(office, actor, token)
}

fn refreshed(office: &Office<'_>, actor: &Actor, before: &Token) -> Result<Step, Problem> {
    if before.sealed {
        return Err(sealed(before, "it is never extended"));
    }
    let chosen = match before.expiry {
        Expiry::Never => {
            return Err(Problem::new(Slug::Conflict, format!("token {} never expires", before.id)));
        }
        Expiry::AfterSecs(secs) => office.now.plus_secs(i64::from(secs)),
        // The distance from creation to the date that was given.
        Expiry::At(date) => {
            let distance_us = date.micros_since(before.created_at).max(0);
            Timestamp::from_micros(office.now.as_micros().saturating_add(distance_us))
        }
    };
    let end = before.expires_at.map_or(chosen, |old| old.max(chosen));
    let detail = format!("{} -> {end}", before.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string()));
    let after = Token { expires_at: Some(end), ..before.clone() };
    Ok(put(office, actor, before, after, ("token.refresh", detail)))
}
