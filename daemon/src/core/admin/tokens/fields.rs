//! The settings of a token, from the text that a person gave.

use std::net::IpAddr;

use ipnet::IpNet;
use tollgate_shared::filter::Path;
use tollgate_shared::limits::{ALLOWED_IPS_MAX, DEDUP_IGNORE_MAX, DEDUP_WINDOW_SECS_MAX, RATE_MAX};
use tollgate_shared::name::Name;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Expiry, Owner, Permission, RateLimit, Scope};

use super::super::without_secret;
use super::invalid;
use crate::core::access::{Actor, Target, may_grant};
use crate::core::call::decode::normal_ip;
use crate::core::registry::Registry;
use crate::core::rights;

/// Longest life that can be given as a duration: 100 years, far beyond any use and far from overflow.
const EXPIRY_SECS_MAX: u64 = 100 * 365 * 86_400;

/// `global`, `team:<team>`, `service:<team>/<service>`, `mine`.
pub(in crate::core) fn scope_of(registry: &Registry, text: &str) -> Result<Scope, Problem> {
    let found = match text.split_once(':') {
        None if text == "global" => Ok(Scope::Global),
        None if text == "mine" => Ok(Scope::Mine),
        Some(("team", team)) => registry.find_team(team).map(|team| Scope::Team(team.id)),
        Some(("service", service)) => registry.find_service(service).map(|entry| Scope::Service(entry.service.id)),
        _ => {
            let detail = format!("`{text}` is no scope; global, team:NAME, service:TEAM/SERVICE or mine (personal)");
            return Err(invalid("scope", detail));
        }
    };
    found.map_err(|why| Problem::from(why.clone()).with_error("scope", why.to_string()))
}

/// The name is free among the living tokens of the scope; `mine` is a scope of each owner's own.
pub(super) fn unused_name(
    registry: &Registry,
    (scope, owner): (Scope, Owner),
    name: &Name,
    own: Option<tollgate_shared::id::TokenId>,
) -> Result<(), Problem> {
    let same = |token: &&std::sync::Arc<crate::core::model::Token>| {
        token.scope == scope && (scope != Scope::Mine || token.owner == owner) && Some(token.id) != own
    };
    match registry.tokens_named(name).find(same) {
        Some(token) => {
            let detail = format!("there is already a token `{}` of that scope: {}", token.name, token.id);
            Err(Problem::new(Slug::Conflict, detail).with_error("name", "is taken"))
        }
        None => Ok(()),
    }
}

/// Single permissions, or those of a preset.
pub(super) fn permissions_of(list: &[String], preset: Option<&str>, scope: Scope) -> Result<Vec<Permission>, Problem> {
    if list.is_empty() {
        let preset = preset.unwrap_or("sender");
        return Permission::preset(preset, scope)
            .ok_or_else(|| invalid("preset", format!("`{preset}` is no preset; sender, read-only or all")));
    }
    if preset.is_some() {
        return Err(invalid("preset", "give a preset or single permissions, not both"));
    }
    let parsed = list.iter().enumerate().map(|(at, text)| {
        text.parse::<Permission>().map_err(|why| invalid(&format!("permissions[{at}]"), why.to_string()))
    });
    let mut permissions = parsed.collect::<Result<Vec<_>, _>>()?;
    permissions.sort_unstable();
    permissions.dedup();
    if permissions.contains(&Permission::RequestsCreate) && scope != Scope::Global {
        return Err(invalid("permissions", "requests:create is for global tokens only"));
    }
    Ok(permissions)
}

/// Nobody grants what he lacks.
pub(super) fn grantable(
    registry: &Registry,
    actor: &Actor,
    scope: Scope,
    permissions: &[Permission],
) -> Result<(), Problem> {
    let lacking: Vec<_> = permissions.iter().filter(|p| !may_grant_in(registry, actor, scope, **p)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let names = lacking.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(", ");
    let detail = format!("{} may not grant {names} there: nobody grants what he lacks", actor.name);
    Err(Problem::new(Slug::Forbidden, detail).with_error("permissions", format!("not yours to grant: {names}")))
}

fn may_grant_in(registry: &Registry, actor: &Actor, scope: Scope, permission: Permission) -> bool {
    if scope == Scope::Mine {
        let teams = actor.teams();
        return may_grant(actor, permission, Target::Global)
            || teams.into_iter().any(|team| may_grant(actor, permission, Target::Team(team)));
    }
    may_grant(actor, permission, rights::target_of_scope(registry, scope))
}

/// `never`, a duration, or a date in the future.
pub(in crate::core) fn expiry_of(text: &str, now: Timestamp) -> Result<Expiry, Problem> {
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
        secs => u32::try_from(secs).map(Expiry::AfterSecs).map_err(|_| invalid("expires", "too long; say never")),
    }
}

/// `now` (no beginning), a duration from now, or a date; it lies before the end.
pub(super) fn beginning_of(
    text: &str,
    now: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<Option<Timestamp>, Problem> {
    let text = text.trim();
    if text == "now" {
        return Ok(None);
    }
    let from_now = || humantime::parse_duration(text).ok().and_then(|d| i64::try_from(d.as_secs()).ok());
    let at = text.parse::<Timestamp>().ok().or_else(|| from_now().map(|secs| now.plus_secs(secs)));
    let at = at.ok_or_else(|| {
        invalid("not_before", format!("`{text}` is no beginning; now, a duration such as 2h, or a date"))
    })?;
    begins_before_end(Some(at), expires_at).map(|()| Some(at))
}

/// A token that ends before it begins would never be valid.
pub(super) fn begins_before_end(begin: Option<Timestamp>, end: Option<Timestamp>) -> Result<(), Problem> {
    match (begin, end) {
        (Some(begin), Some(end)) if end <= begin => {
            Err(invalid("not_before", format!("the token would end ({end}) before it begins ({begin})")))
        }
        _ => Ok(()),
    }
}

pub(super) fn window_of(secs: u32) -> Result<u32, Problem> {
    if secs > DEDUP_WINDOW_SECS_MAX {
        let detail = format!("{secs} s; {DEDUP_WINDOW_SECS_MAX} s (24 h) are the limit, 0 is off");
        return Err(invalid("dedup_window_secs", detail));
    }
    Ok(secs)
}

/// Paths into the JSON body; they are stored as they print.
pub(super) fn ignored_of(list: &[String]) -> Result<Vec<String>, Problem> {
    if list.len() > DEDUP_IGNORE_MAX {
        return Err(invalid("dedup_ignore", format!("{} paths; {DEDUP_IGNORE_MAX} are the limit", list.len())));
    }
    let parsed = list.iter().enumerate().map(|(at, text)| {
        let field = format!("dedup_ignore[{at}]");
        without_secret(&field, text)?;
        match Path::parse(text) {
            Ok(path @ Path::Json(_)) => Ok(path.to_string()),
            Ok(_) => Err(invalid(&field, "only places in the JSON body can be left out, such as alerts[*].startsAt")),
            Err(why) => Err(invalid(&field, format!("at character {}: {}", why.offset, why.fault))),
        }
    });
    parsed.collect()
}

/// A quota; no calls a minute is none.
pub(super) fn rate_of(limit: RateLimit) -> Result<Option<RateLimit>, Problem> {
    if limit.calls_per_min == 0 {
        return Ok(None);
    }
    if limit.calls_per_min > RATE_MAX || !(1..=RATE_MAX).contains(&limit.burst) {
        return Err(invalid("rate_limit", format!("calls_per_min and burst are 1 to {RATE_MAX}")));
    }
    Ok(Some(limit))
}

/// Addresses and CIDRs, IPv4-mapped ones as IPv4.
pub(in crate::core) fn networks_of(list: &[String]) -> Result<Vec<IpNet>, Problem> {
    networks_in("allowed_ips", list, ALLOWED_IPS_MAX)
}

/// The same of any field that takes at most so many.
pub(super) fn networks_in(field: &str, list: &[String], max: usize) -> Result<Vec<IpNet>, Problem> {
    if list.len() > max {
        return Err(invalid(field, format!("{} entries; {max} are the limit", list.len())));
    }
    let parsed = list.iter().enumerate().map(|(at, text)| {
        network_of(text.trim()).ok_or_else(|| {
            let message = format!("`{text}` is no address and no CIDR, such as 10.20.0.14 or 10.20.0.0/16");
            invalid(&format!("{field}[{at}]"), message)
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
