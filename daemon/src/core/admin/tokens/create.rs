//! New tokens: one, many at once, or one around a value from another system.

use std::collections::HashSet;

use tollgate_shared::api::{ImportToken, NewToken};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::{
    BULK_TOKENS_MAX, DEBUG_SECS, DEDUP_WINDOW_SECS_DEFAULT, DESCRIPTION_CHARS_MAX, IMPORT_CHARS_MAX, IMPORT_CHARS_MIN,
};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret::{SecretKind, TokenSecret};
use tollgate_shared::token::{Expiry, Owner, Scope};

use super::super::name_of;
use super::fields::{
    beginning_of, expiry_of, grantable, ignored_of, networks_of, permissions_of, rate_of, scope_of, unused_name,
    window_of,
};
use super::{Done, DryRun, Entropy, Office, Reply, Step, invalid, target_of, text_of, write};
use crate::core::access::{Actor, Operation, Who, allows};
use crate::core::authenticate::may_be_imported;
use crate::core::model::{Mac, RegistryChange, Token, TokenOptions};
use crate::core::registry::{Registry, SecretEntry};
use crate::core::rights;

/// The public id and the MAC of a new token's secret.
type Value = (TokenId, Mac);

pub(super) fn one(office: &mut Office<'_>, actor: &Actor, new: &NewToken, entropy: Entropy) -> Result<Done, Problem> {
    let (step, secret) = with_fresh_secret(office, actor, new, entropy)?;
    let id = step.id;
    Ok(write(office, actor, vec![step], Reply::Secret(id, secret)))
}

/// All or none; every bad row is named.
pub(super) fn all(
    office: &mut Office<'_>,
    actor: &Actor,
    rows: Vec<(NewToken, Entropy)>,
    dry_run: DryRun,
) -> Result<Done, Problem> {
    if rows.is_empty() || rows.len() > BULK_TOKENS_MAX {
        return Err(invalid("tokens", format!("{} rows; 1 to {BULK_TOKENS_MAX} at once", rows.len())));
    }
    let (mut steps, mut secrets, mut bad) = (Vec::new(), Vec::new(), Problem::new(Slug::Validation, ""));
    let mut names = HashSet::new();
    for (at, (new, entropy)) in rows.into_iter().enumerate() {
        let made = with_fresh_secret(office, actor, &new, entropy).and_then(|(step, secret)| {
            let fresh = name_of_step(&step).is_none_or(|name| names.insert(name));
            fresh.then_some((step, secret)).ok_or_else(|| invalid("name", "stands twice in the batch"))
        });
        match made {
            Ok((step, secret)) => {
                secrets.push((step.id, secret));
                steps.push(step);
            }
            Err(why) => bad = note_row(bad, at, why),
        }
    }
    if !bad.errors.is_empty() {
        bad.detail = format!("{} mistakes in the batch; no token was made", bad.errors.len());
        return Err(bad);
    }
    match dry_run {
        DryRun::Yes => Ok(Done { changes: Vec::new(), reply: Reply::Secrets(Vec::new()) }),
        DryRun::No => Ok(write(office, actor, steps, Reply::Secrets(secrets))),
    }
}

/// The name that a step takes, and where: two rows may mean one scope by different words.
fn name_of_step(step: &Step) -> Option<(Scope, Owner, String)> {
    step.changes.iter().find_map(|change| match change {
        RegistryChange::PutToken(token) => Some((token.scope, token.owner, token.name.key())),
        _ => None,
    })
}

/// Adds a row's mistakes under its place: `tokens[17].scope`.
fn note_row(bad: Problem, at: usize, why: Problem) -> Problem {
    if why.errors.is_empty() {
        return bad.with_error(format!("tokens[{at}]"), why.detail);
    }
    let named = |error: tollgate_shared::problem::FieldError| (format!("tokens[{at}].{}", error.path), error.message);
    why.errors.into_iter().map(named).fold(bad, |bad, (path, message)| bad.with_error(path, message))
}

fn with_fresh_secret(
    office: &Office<'_>,
    actor: &Actor,
    new: &NewToken,
    entropy: Entropy,
) -> Result<(Step, TokenSecret), Problem> {
    let mut secret = None;
    let step = planned(office, actor, new, "token.create", |kind| {
        let fresh = TokenSecret::from_entropy(kind, entropy.id, entropy.secret);
        let value = (fresh_id(office.registry, &fresh)?, (office.mac_of)(fresh.expose()));
        secret = Some(fresh);
        Ok((value, false))
    })?;
    let secret = secret.ok_or_else(|| Problem::new(Slug::Internal, "no secret was made"))?;
    Ok((step, secret))
}

/// Registers a value from another system: stored like any other, flagged, and never one that is or was in use here.
pub(super) fn import(
    office: &Office<'_>,
    actor: &Actor,
    import: &ImportToken,
    entropy: Entropy,
) -> Result<Step, Problem> {
    let chars = import.value.chars().count();
    if !(IMPORT_CHARS_MIN..=IMPORT_CHARS_MAX).contains(&chars) {
        let detail = format!("the value has {chars} characters; {IMPORT_CHARS_MIN} to {IMPORT_CHARS_MAX} are taken");
        return Err(invalid("value", detail));
    }
    if !import.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("value", "only visible ASCII characters, no white space"));
    }
    if !TokenSecret::parse(&import.value).err().is_some_and(may_be_imported) {
        return Err(invalid("value", "a value that begins with `tg_` is never imported; create a token instead"));
    }
    let mac = (office.mac_of)(&import.value);
    match office.registry.secret(&mac) {
        Some(SecretEntry::Dead(id, _)) => {
            let detail = format!("this value belonged to {id} and is dead: it is refused for ever");
            return Err(Problem::new(Slug::Conflict, detail));
        }
        Some(SecretEntry::Living(id) | SecretEntry::Overlapping(id)) => {
            return Err(Problem::new(Slug::Conflict, format!("this value is already a secret of token {id}")));
        }
        None => {}
    }
    planned(office, actor, &import.token, "token.import", |kind| {
        let named = TokenSecret::from_entropy(kind, entropy.id, entropy.secret);
        Ok(((fresh_id(office.registry, &named)?, mac), true))
    })
}

/// The new token with everything checked; `value` gives its id and MAC, and whether it was imported.
fn planned(
    office: &Office<'_>,
    actor: &Actor,
    new: &NewToken,
    action: &'static str,
    value: impl FnOnce(SecretKind) -> Result<(Value, bool), Problem>,
) -> Result<Step, Problem> {
    let (registry, now) = (office.registry, office.now);
    let scope = scope_of(registry, &new.scope)?;
    let owner = owner_of(actor, new.personal, scope)?;
    let operation = if new.personal { Operation::CreatePersonalToken } else { Operation::ChangeToken };
    allows(actor, operation, rights::target_of_scope(registry, scope))?;
    let name = name_of("name", &new.name)?;
    unused_name(registry, (scope, owner), &name, None)?;
    let permissions = permissions_of(&new.permissions, new.preset.as_deref(), scope)?;
    grantable(registry, actor, scope, &permissions)?;
    let expiry = new.expires.as_deref().map_or(Ok(Expiry::Never), |text| expiry_of(text, now))?;
    let expires_at = expiry.deadline(now);
    let begin = new.not_before.as_deref().map(|text| beginning_of(text, now, expires_at)).transpose()?.flatten();
    let ((id, mac), imported) = value(kind_of(scope, new.personal))?;
    let token = Token {
        id,
        name,
        description: text_of("description", &new.description, DESCRIPTION_CHARS_MAX)?,
        scope,
        owner,
        permissions,
        sealed: new.sealed,
        not_before: begin,
        expiry,
        expires_at,
        allowed_ips: networks_of(&new.allowed_ips)?,
        ip_report_only: new.ip_report_only,
        debug_until: new.debug.then(|| now.plus_secs(DEBUG_SECS)),
        dedup_window_secs: window_of(new.dedup_window_secs.unwrap_or(DEDUP_WINDOW_SECS_DEFAULT))?,
        dedup_ignore: ignored_of(&new.dedup_ignore)?,
        dedup_strict: new.dedup_strict,
        rate_limit: new.rate_limit.map(rate_of).transpose()?.flatten(),
        query_token: new.query_token.unwrap_or(true),
        suspended: None,
        overlap: None,
        rotate_key: None,
        imported,
        issued_by: actor.issuer(),
        mac,
        generation: 1,
        rotations: 0,
        created_at: now,
        created_by: actor.name.clone(),
        updated_at: now,
        updated_by: actor.name.clone(),
    };
    let (target, detail) = (target_of(&token), format!("scope {}", new.scope));
    let mut changes = vec![RegistryChange::PutToken(Box::new(token))];
    if new.delivery_ids {
        changes.push(RegistryChange::PutTokenOptions(id, TokenOptions { delivery_ids: true }));
    }
    Ok(Step { id, changes, action, target, detail })
}

/// A personal token is an operator's own; `mine` is for personal tokens only.
fn owner_of(actor: &Actor, personal: bool, scope: Scope) -> Result<Owner, Problem> {
    match (&actor.who, personal) {
        (Who::Operator(operator), true) => Ok(Owner::Operator(operator.id)),
        (_, true) => Err(invalid("personal", format!("{} is no operator and owns no personal tokens", actor.name))),
        (_, false) if scope == Scope::Mine => Err(invalid("scope", "`mine` is for personal tokens only")),
        (_, false) => Ok(Owner::Organisation),
    }
}

fn kind_of(scope: Scope, personal: bool) -> SecretKind {
    match scope {
        _ if personal => SecretKind::Personal,
        Scope::Global => SecretKind::Global,
        Scope::Team(_) => SecretKind::Team,
        Scope::Service(_) => SecretKind::Service,
        Scope::Mine => SecretKind::Personal,
    }
}

/// The id inside a new secret; 60 random bits, so a clash means broken entropy and is refused.
fn fresh_id(registry: &Registry, secret: &TokenSecret) -> Result<TokenId, Problem> {
    let id: TokenId =
        secret.token_id().parse().map_err(|_| Problem::new(Slug::Internal, "the new secret has no id"))?;
    if registry.token(id).is_some() || registry.tombstone(id).is_some() {
        return Err(Problem::new(Slug::Internal, "the random source repeats itself; no token was made"));
    }
    Ok(id)
}
