//! Settings and the debug option of a living token.

use ipnet::IpNet;
use tollgate_shared::api::TokenPatch;
use tollgate_shared::limits::{DEBUG_SECS, DESCRIPTION_CHARS_MAX};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;

use super::super::name_of;
use super::fields::{
    beginning_of, begins_before_end, expiry_of, grantable, ignored_of, networks_of, permissions_of, rate_of,
    unused_name, window_of,
};
use super::{Office, Right, Step, authorise, found, invalid, measures, put, sealed, text_of};
use crate::core::access::Actor;
use crate::core::model::{RegistryChange, Token, TokenOptions};

pub(super) fn settings(
    office: &Office<'_>,
    actor: &Actor,
    reference: &str,
    patch: &TokenPatch,
    version: Option<u64>,
) -> Result<Step, Problem> {
    let before = found(office, reference)?;
    if let Some(seen) = version.filter(|seen| *seen != before.generation) {
        let detail = format!(
            "the token is at version {}, changed by {} at {}; you saw {seen}: look again",
            before.generation, before.updated_by, before.updated_at
        );
        return Err(Problem::new(Slug::VersionMismatch, detail));
    }
    patched(office, actor, &before, patch)
}

pub(super) fn patched(office: &Office<'_>, actor: &Actor, before: &Token, patch: &TokenPatch) -> Result<Step, Problem> {
    authorise(office, actor, before, Right::Change)?;
    if patch.scope.is_some() {
        let detail = "the scope is fixed at creation; create a token of the other scope and revoke this one";
        return Err(invalid("scope", detail));
    }
    let mut after = before.clone();
    name_and_words(office, &mut after, patch)?;
    let words = (after.name.clone(), after.description.clone());
    times(office, &mut after, patch)?;
    reach(office, actor, &mut after, patch)?;
    deduplication(&mut after, patch)?;
    refuse_where_sealed(before, &after, words)?;
    let (old, new) = options(office, before, patch)?;
    let measures = measures::change(office, before, patch)?;
    let mut words = difference(before, &after);
    if old != new {
        words.push(format!("delivery_ids {} -> {}", old.delivery_ids, new.delivery_ids));
    }
    words.extend(measures.words(before, &after));
    let mut step = put(office, actor, before, after, ("token.edit", words.join("; ")));
    if measures.is_one() {
        measures.add_to(&mut step, office, actor, before);
    }
    if old != new {
        step.changes.push(RegistryChange::PutTokenOptions(before.id, new));
    }
    Ok(step)
}

/// What few tokens need, before and after.
fn options(office: &Office<'_>, token: &Token, patch: &TokenPatch) -> Result<(TokenOptions, TokenOptions), Problem> {
    let old = office.registry.token_options(token.id);
    let new = TokenOptions { delivery_ids: patch.delivery_ids.unwrap_or(old.delivery_ids) };
    if token.sealed && old != new {
        return Err(sealed(token, "only its name, description and debug option can change"));
    }
    Ok((old, new))
}

fn name_and_words(office: &Office<'_>, after: &mut Token, patch: &TokenPatch) -> Result<(), Problem> {
    if let Some(name) = &patch.name {
        after.name = name_of("name", name)?;
        unused_name(office.registry, (after.scope, after.owner), &after.name, Some(after.id))?;
    }
    if let Some(description) = &patch.description {
        after.description = text_of("description", description, DESCRIPTION_CHARS_MAX)?;
    }
    Ok(())
}

/// The end is counted from now; an overlap never outlives it.
fn times(office: &Office<'_>, after: &mut Token, patch: &TokenPatch) -> Result<(), Problem> {
    if let Some(expires) = &patch.expires {
        after.expiry = expiry_of(expires, office.now)?;
        after.expires_at = after.expiry.deadline(office.now);
    }
    if let Some(begin) = &patch.not_before {
        after.not_before = beginning_of(begin, office.now, after.expires_at)?;
    }
    if patch.expires.is_some() {
        begins_before_end(after.not_before, after.expires_at)?;
    }
    if let (Some(overlap), Some(end)) = (&mut after.overlap, after.expires_at) {
        overlap.until = overlap.until.min(end);
    }
    Ok(())
}

fn reach(office: &Office<'_>, actor: &Actor, after: &mut Token, patch: &TokenPatch) -> Result<(), Problem> {
    if let Some(list) = &patch.permissions {
        if list.is_empty() {
            return Err(invalid("permissions", "a token without any permission is of no use; suspend or revoke it"));
        }
        let wanted = permissions_of(list, None, after.scope)?;
        let added: Vec<_> = wanted.iter().copied().filter(|p| !after.permissions.contains(p)).collect();
        grantable(office.registry, actor, after.scope, &added)?;
        after.permissions = wanted;
    }
    if let Some(list) = &patch.allowed_ips {
        after.allowed_ips = networks_of(list)?;
    }
    after.ip_report_only = patch.ip_report_only.unwrap_or(after.ip_report_only);
    after.query_token = patch.query_token.unwrap_or(after.query_token);
    if let Some(limit) = patch.rate_limit.filter(|_| patch.for_secs.is_none()) {
        after.rate_limit = rate_of(limit)?;
    }
    match patch.sealed {
        Some(false) if after.sealed => return Err(sealed(after, "that cannot be undone")),
        Some(true) => after.sealed = true,
        _ => {}
    }
    Ok(())
}

fn deduplication(after: &mut Token, patch: &TokenPatch) -> Result<(), Problem> {
    if let Some(secs) = patch.dedup_window_secs {
        after.dedup_window_secs = window_of(secs)?;
    }
    if let Some(list) = &patch.dedup_ignore {
        after.dedup_ignore = ignored_of(list)?;
    }
    after.dedup_strict = patch.dedup_strict.unwrap_or(after.dedup_strict);
    Ok(())
}

/// Of a sealed token only name and description change (and debug, elsewhere).
fn refuse_where_sealed(
    before: &Token,
    after: &Token,
    (name, description): (tollgate_shared::name::Name, String),
) -> Result<(), Problem> {
    let allowed = Token { name, description, ..before.clone() };
    if before.sealed && *after != allowed {
        return Err(sealed(before, "only its name, description and debug option can change"));
    }
    Ok(())
}

pub(super) fn debug(
    office: &Office<'_>,
    actor: &Actor,
    reference: &str,
    on: bool,
    one_in: Option<u32>,
) -> Result<Step, Problem> {
    let before = found(office, reference)?;
    authorise(office, actor, &before, Right::Change)?;
    let mut after = before.as_ref().clone();
    after.debug_until = on.then(|| office.now.plus_secs(DEBUG_SECS));
    let sampled = measures::sampled(office, &after, one_in)?;
    let part = one_in.map_or_else(String::new, |one_in| format!(", one call in {one_in}"));
    let detail = after.debug_until.map_or_else(|| "off".to_owned(), |until| format!("on until {until}{part}"));
    let mut step = put(office, actor, &before, after, ("token.debug", detail));
    step.changes.extend(sampled);
    Ok(step)
}

/// What an edit changed, as `field old -> new`.
fn difference(before: &Token, after: &Token) -> Vec<String> {
    let (old, new) = (facts(before), facts(after));
    let changed = old.iter().zip(&new).filter(|(old, new)| old.1 != new.1);
    changed.map(|((field, old), (_, new))| format!("{field} {old} -> {new}")).collect()
}

fn facts(token: &Token) -> [(&'static str, String); 14] {
    let moment = |at: Option<Timestamp>, none: &str| at.map_or_else(|| none.to_owned(), |at| at.to_string());
    let permissions = token.permissions.iter().map(|p| p.as_str()).collect::<Vec<_>>();
    [
        ("name", token.name.to_string()),
        ("description", token.description.clone()),
        ("expires", moment(token.expires_at, "never")),
        ("not_before", moment(token.not_before, "none")),
        ("permissions", permissions.join(" ")),
        ("sealed", token.sealed.to_string()),
        ("allowed_ips", token.allowed_ips.iter().map(IpNet::to_string).collect::<Vec<_>>().join(" ")),
        ("ip_report_only", token.ip_report_only.to_string()),
        ("dedup_window_secs", token.dedup_window_secs.to_string()),
        ("dedup_ignore", token.dedup_ignore.join(" ")),
        ("dedup_strict", token.dedup_strict.to_string()),
        ("rate_limit", measures::rate_words(token.rate_limit)),
        ("query_token", token.query_token.to_string()),
        ("overlap", moment(token.overlap.map(|overlap| overlap.until), "none")),
    ]
}
