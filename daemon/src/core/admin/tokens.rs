//! The life of a token: create, edit, rotate, revoke, debug (domain.md §2).

use std::net::IpAddr;

use ipnet::IpNet;
use tollgate_shared::api::{NewToken, RevokeToken, TokenPatch};
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::{
    ALLOWED_IPS_MAX, COMMENT_CHARS_MAX, DEBUG_SECS, DEDUP_WINDOW_SECS_DEFAULT, DEDUP_WINDOW_SECS_MAX,
    DESCRIPTION_CHARS_MAX,
};
use tollgate_shared::name::Name;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret::{SecretKind, TokenSecret};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Expiry, Permission, Scope};

use super::{Done, Entropy, Office, Reply, invalid, name_of, text_of};
use crate::core::access::Actor;
use crate::core::call::decode::normal_ip;
use crate::core::model::{DeadSecret, Death, RegistryChange, Token, Tombstone};
use crate::core::registry::Registry;

/// Longest life that can be given as a duration: 100 years, far beyond any use and far from overflow.
const EXPIRY_SECS_MAX: u64 = 100 * 365 * 86_400;

pub(super) fn create(
    office: &mut Office<'_>,
    actor: &Actor,
    new: &NewToken,
    entropy: Entropy,
) -> Result<Done, Problem> {
    let name = name_of("name", &new.name)?;
    let scope = scope_of(office.registry, &new.scope)?;
    unused_name(office.registry, scope, &name, None)?;
    let expiry = new.expires.as_deref().map_or(Ok(Expiry::Never), |text| expiry_of(text, office.now))?;
    let kind = match scope {
        Scope::Global => SecretKind::Global,
        Scope::Team(_) => SecretKind::Team,
        Scope::Service(_) => SecretKind::Service,
    };
    let secret = TokenSecret::from_entropy(kind, entropy.id, entropy.secret);
    let token = Token {
        id: fresh_id(office.registry, &secret)?,
        name,
        description: text_of("description", &new.description, DESCRIPTION_CHARS_MAX)?,
        scope,
        permissions: Permission::sender(scope),
        expiry,
        expires_at: expiry.deadline(office.now),
        allowed_ips: networks_of(&new.allowed_ips)?,
        debug_until: new.debug.then(|| office.now.plus_secs(DEBUG_SECS)),
        dedup_window_secs: window_of(new.dedup_window_secs.unwrap_or(DEDUP_WINDOW_SECS_DEFAULT))?,
        mac: (office.mac_of)(secret.expose()),
        generation: 1,
        rotations: 0,
        created_at: office.now,
        created_by: actor.name.clone(),
        updated_at: office.now,
        updated_by: actor.name.clone(),
    };
    let (id, target) = (token.id, target_of(&token));
    let detail = format!("scope {}", new.scope);
    let changes = vec![RegistryChange::PutToken(Box::new(token))];
    office.write(actor, &changes, "token.create", target, detail);
    Ok(Done { changes, reply: Reply::Secret(id, secret) })
}

pub(super) fn edit(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    patch: &TokenPatch,
) -> Result<Done, Problem> {
    let before = office.registry.find_token(reference)?.clone();
    let mut token = before.as_ref().clone();
    if let Some(name) = &patch.name {
        token.name = name_of("name", name)?;
        unused_name(office.registry, token.scope, &token.name, Some(token.id))?;
    }
    if let Some(description) = &patch.description {
        token.description = text_of("description", description, DESCRIPTION_CHARS_MAX)?;
    }
    if let Some(expires) = &patch.expires {
        token.expiry = expiry_of(expires, office.now)?;
        token.expires_at = token.expiry.deadline(office.now);
    }
    if let Some(secs) = patch.dedup_window_secs {
        token.dedup_window_secs = window_of(secs)?;
    }
    if let Some(list) = &patch.allowed_ips {
        token.allowed_ips = networks_of(list)?;
    }
    let detail = difference(&before, &token);
    put(office, actor, &before, token, "token.edit", detail)
}

pub(super) fn set_debug(office: &mut Office<'_>, actor: &Actor, reference: &str, on: bool) -> Result<Done, Problem> {
    let before = office.registry.find_token(reference)?.clone();
    let mut token = before.as_ref().clone();
    token.debug_until = on.then(|| office.now.plus_secs(DEBUG_SECS));
    let detail = token.debug_until.map_or_else(|| "off".to_owned(), |until| format!("on until {until}"));
    put(office, actor, &before, token, "token.debug", detail)
}

pub(super) fn rotate(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    entropy: Entropy,
) -> Result<Done, Problem> {
    let before = office.registry.find_token(reference)?.clone();
    let secret = TokenSecret::for_id(before.id, entropy.secret);
    let mut token = before.as_ref().clone();
    token.mac = (office.mac_of)(secret.expose());
    token.rotations += 1;
    stamp(office, actor, &mut token);
    let dead = DeadSecret { mac: before.mac, token: token.id, at: office.now, death: Death::Rotated };
    let (id, target) = (token.id, target_of(&token));
    let changes = vec![RegistryChange::PutDeadSecret(dead), RegistryChange::PutToken(Box::new(token))];
    office.write(actor, &changes, "token.rotate", target, "the old secret is dead".to_owned());
    Ok(Done { changes, reply: Reply::Secret(id, secret) })
}

pub(super) fn revoke(
    office: &mut Office<'_>,
    actor: &Actor,
    reference: &str,
    revoke: &RevokeToken,
) -> Result<Done, Problem> {
    let token = office.registry.find_token(reference)?.clone();
    if revoke.confirm != token.name.as_str() && revoke.confirm != token.id.as_str() {
        let message = format!("type the token's name, `{}`, to revoke it; nothing was changed", token.name);
        return Err(invalid("confirm", message));
    }
    let reason = text_of("reason", &revoke.reason, COMMENT_CHARS_MAX)?;
    let dead = DeadSecret { mac: token.mac, token: token.id, at: office.now, death: Death::Revoked };
    let (id, target) = (token.id, target_of(&token));
    let tombstone = Tombstone {
        token: token.as_ref().clone(),
        revoked_at: office.now,
        revoked_by: actor.name.clone(),
        reason: reason.clone(),
    };
    let changes = vec![RegistryChange::PutDeadSecret(dead), RegistryChange::Bury(Box::new(tombstone))];
    let audit_seq = office.write(actor, &changes, "token.revoke", target, reason);
    Ok(Done { changes, reply: Reply::Revoked(id, audit_seq) })
}

/// Writes a changed token; one that did not change is left alone.
fn put(
    office: &mut Office<'_>,
    actor: &Actor,
    before: &Token,
    mut token: Token,
    action: &str,
    detail: String,
) -> Result<Done, Problem> {
    let id = token.id;
    if token == *before {
        return Ok(Done { changes: Vec::new(), reply: Reply::Token(id) });
    }
    stamp(office, actor, &mut token);
    let target = target_of(&token);
    let changes = vec![RegistryChange::PutToken(Box::new(token))];
    office.write(actor, &changes, action, target, detail);
    Ok(Done { changes, reply: Reply::Token(id) })
}

fn stamp(office: &Office<'_>, actor: &Actor, token: &mut Token) {
    token.generation += 1;
    token.updated_at = office.now;
    token.updated_by = actor.name.clone();
}

fn target_of(token: &Token) -> String {
    format!("token {} {}", token.id, token.name)
}

/// What an edit changed, as `field old → new`.
fn difference(before: &Token, after: &Token) -> String {
    let list = |nets: &[IpNet]| nets.iter().map(IpNet::to_string).collect::<Vec<_>>().join(" ");
    let end = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let pairs = [
        ("name", before.name.to_string(), after.name.to_string()),
        ("description", before.description.clone(), after.description.clone()),
        ("expires", end(before.expires_at), end(after.expires_at)),
        ("dedup_window_secs", before.dedup_window_secs.to_string(), after.dedup_window_secs.to_string()),
        ("allowed_ips", list(&before.allowed_ips), list(&after.allowed_ips)),
    ];
    let changed = pairs.iter().filter(|(_, old, new)| old != new);
    changed.map(|(field, old, new)| format!("{field} {old} -> {new}")).collect::<Vec<_>>().join("; ")
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

/// `global`, `team:<team>`, `service:<team>/<service>`.
fn scope_of(registry: &Registry, text: &str) -> Result<Scope, Problem> {
    let found = match text.split_once(':') {
        None if text == "global" => Ok(Scope::Global),
        Some(("team", team)) => registry.find_team(team).map(|team| Scope::Team(team.id)),
        Some(("service", service)) => registry.find_service(service).map(|entry| Scope::Service(entry.service.id)),
        _ => return Err(invalid("scope", format!("`{text}` is no scope; global, team:NAME or service:TEAM/SERVICE"))),
    };
    found.map_err(|why| Problem::from(why.clone()).with_error("scope", why.to_string()))
}

fn unused_name(registry: &Registry, scope: Scope, name: &Name, own: Option<TokenId>) -> Result<(), Problem> {
    let key = name.key();
    let clash = registry.tokens().find(|t| t.scope == scope && Some(t.id) != own && t.name.key() == key);
    match clash {
        Some(token) => {
            let detail = format!("there is already a token `{}` of that scope: {}", token.name, token.id);
            Err(Problem::new(Slug::Conflict, detail).with_error("name", "is taken"))
        }
        None => Ok(()),
    }
}

/// `never`, a duration, or a date in the future.
fn expiry_of(text: &str, now: Timestamp) -> Result<Expiry, Problem> {
    let text = text.trim();
    if text == "never" {
        return Ok(Expiry::Never);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        let future = (at > now).then_some(Expiry::At(at));
        return future.ok_or_else(|| invalid("expires", format!("{at} is already past; it is {now}")));
    }
    let duration = humantime::parse_duration(text).map_err(|_| {
        let detail = format!(
            "`{text}` is no expiry; never, a duration such as 30d or 12h, or a date such as 2027-01-31T00:00:00Z"
        );
        invalid("expires", detail)
    })?;
    match duration.as_secs() {
        0 => Err(invalid("expires", "an expiry is at least one second away")),
        secs if secs > EXPIRY_SECS_MAX => Err(invalid("expires", "more than 100 years; say never")),
        secs => Ok(u32::try_from(secs)
            .map_or_else(|_| Expiry::At(now.plus_secs(i64::try_from(secs).unwrap_or(i64::MAX))), Expiry::AfterSecs)),
    }
}

fn window_of(secs: u32) -> Result<u32, Problem> {
    if secs > DEDUP_WINDOW_SECS_MAX {
        return Err(invalid(
            "dedup_window_secs",
            format!("{secs} s; {DEDUP_WINDOW_SECS_MAX} s (24 h) are the limit, 0 is off"),
        ));
    }
    Ok(secs)
}

/// Addresses and CIDRs, IPv4-mapped ones as IPv4.
fn networks_of(list: &[String]) -> Result<Vec<IpNet>, Problem> {
    if list.len() > ALLOWED_IPS_MAX {
        return Err(invalid("allowed_ips", format!("{} entries; {ALLOWED_IPS_MAX} are the limit", list.len())));
    }
    let parsed = list.iter().enumerate().map(|(at, text)| {
        network_of(text.trim()).ok_or_else(|| {
            let message = format!("`{text}` is no address and no CIDR, such as 10.20.0.14 or 10.20.0.0/16");
            invalid(&format!("allowed_ips[{at}]"), message)
        })
    });
    parsed.collect()
}

fn network_of(text: &str) -> Option<IpNet> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(IpNet::from(normal_ip(ip)));
    }
    let net: IpNet = text.parse().ok()?;
    match (normal_ip(net.addr()), net) {
        (IpAddr::V4(v4), IpNet::V6(v6)) => {
            ipnet::Ipv4Net::new(v4, v6.prefix_len().checked_sub(96)?).ok().map(|net| IpNet::V4(net.trunc()))
        }
        _ => Some(net.trunc()),
    }
}

/// Wipes what a secret was made from.
impl Drop for Entropy {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}
