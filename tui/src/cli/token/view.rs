//! Tokens in tables and lists of facts.

use tollgate_shared::api::{DeadTries, RecentUse, RevokeReceipt, ScopeView, TokenView};
use tollgate_shared::token::RateLimit;

use crate::cli::table::{Table, facts, numbers, words};
use crate::cli::verdict::count;
use crate::cli::when::{When, span};

/// `global`, `team:Ops`, `service:Ops/DB`: as `--scope` takes it.
pub(in crate::cli) fn scope_words(scope: &ScopeView) -> String {
    if matches!(scope.kind.as_str(), "global" | "mine") {
        scope.kind.clone()
    } else {
        format!("{}:{}", scope.kind, scope.name)
    }
}

pub(super) fn debug_words(token: &TokenView, when: When) -> String {
    let part = token.debug_one_in.map_or_else(String::new, |one_in| format!(", 1 call in {one_in} is logged"));
    match token.debug_until.filter(|until| *until > when.now) {
        Some(until) if when.relative => format!("on, ends {}{part}", when.of(until)),
        Some(until) => format!("on until {}{part}", when.of(until)),
        None => "off".to_owned(),
    }
}

pub(in crate::cli) fn tokens(rows: &[TokenView], when: When) -> Table {
    let columns = [
        words("NAME"),
        words("ID"),
        words("SCOPE"),
        words("STATE"),
        words("ENDS"),
        words("LAST CALL"),
        numbers("CALLS"),
        words("DEBUG"),
    ];
    let mut table = Table::new(columns);
    for token in rows {
        let last = when.or_never(token.usage.last_use.as_ref().map(|last| last.at));
        table.row([
            token.name.clone(),
            token.id.to_string(),
            scope_words(&token.scope),
            token.state.to_string(),
            when.or_never(token.expires_at),
            last,
            token.usage.counts.total().to_string(),
            if token.debug_until.is_some_and(|until| until > when.now) { "on".to_owned() } else { "-".to_owned() },
        ]);
    }
    table
}

pub(in crate::cli) fn token_facts(token: &TokenView, when: When) -> Vec<String> {
    let permissions: Vec<&str> = token.permissions.iter().map(|permission| permission.as_str()).collect();
    let addresses = addresses_words(token);
    let dedup = dedup_words(token);
    let revoked =
        token.revoked_at.map(|at| format!("{} by {}", when.full(at), token.revoked_by.as_deref().unwrap_or("?")));
    let mut list = vec![
        ("name", token.name.clone()),
        ("id", token.id.to_string()),
        ("description", token.description.clone()),
        ("scope", scope_words(&token.scope)),
        ("owner", owner_words(token)),
        ("may", permissions.join(", ")),
        ("state", state_words(token, when)),
        ("sealed", if token.sealed { "for good".to_owned() } else { String::new() }),
        ("starts", token.not_before.map(|at| when.full(at)).unwrap_or_default()),
        ("ends", token.expires_at.map_or_else(|| "never".to_owned(), |at| when.full(at))),
        ("overlap", overlap_words(token, when)),
        ("used from", addresses),
        ("dedup window", dedup),
        ("not compared", token.dedup_ignore.join(", ")),
        ("quota", quota_words(token, when)),
        ("blocked", blocked_words(token, when)),
        ("delivery ids", if token.delivery_ids { "count as Idempotency-Key".to_owned() } else { String::new() }),
        ("as ?token=", if token.query_token { "taken".to_owned() } else { "refused".to_owned() }),
        ("debug", debug_words(token, when)),
        ("created", format!("{} by {}", when.full(token.created_at), token.created_by)),
        ("changed", format!("{} by {}", when.full(token.updated_at), token.updated_by)),
        ("version", token.version.to_string()),
        ("issued by", token.issued_by.clone()),
        ("imported", if token.imported { "its value is from another system".to_owned() } else { String::new() }),
        ("rotated", count(token.rotations.into(), "time")),
        ("revoked", revoked.unwrap_or_default()),
        ("because", token.revoke_reason.clone().unwrap_or_default()),
    ];
    list.extend(usage_facts(token, when));
    facts(&list)
}

fn owner_words(token: &TokenView) -> String {
    if token.owner_id.is_some() { format!("{} (personal)", token.owner) } else { token.owner.clone() }
}

fn state_words(token: &TokenView, when: When) -> String {
    match &token.suspended {
        Some(suspended) => {
            let because = if suspended.reason.is_empty() { "" } else { ": " };
            format!("suspended, {} by {}{because}{}", when.full(suspended.at), suspended.by, suspended.reason)
        }
        None => token.state.to_string(),
    }
}

fn overlap_words(token: &TokenView, when: When) -> String {
    let Some(until) = token.overlap_until.filter(|until| *until > when.now) else { return String::new() };
    let hosts = token.rotating.map(|(new, all)| format!("; ROTATING {new}/{all} addresses have the new one"));
    format!("the old secret lives until {}{}", when.full(until), hosts.unwrap_or_default())
}

fn addresses_words(token: &TokenView) -> String {
    let report = if token.ip_report_only { " (others are counted, not refused)" } else { "" };
    match token.allowed_ips.is_empty() {
        true => "any address".to_owned(),
        false => format!("{}{report}", token.allowed_ips.join(", ")),
    }
}

fn dedup_words(token: &TokenView) -> String {
    let strict = if token.dedup_strict { ", strict" } else { "" };
    match token.dedup_window_secs {
        0 => "off".to_owned(),
        secs => format!("{}{strict}", span(secs.into())),
    }
}

/// The quota in force, and what comes after it where it ends by itself.
fn quota_words(token: &TokenView, when: When) -> String {
    let lasting = token.rate_limit.map(rate_words);
    match token.limited_for.filter(|one| when.now < one.until) {
        Some(one) => {
            let then = lasting.unwrap_or_else(|| "none".to_owned());
            format!("{} until {}, then {then}", rate_words(one.limit), when.full(one.until))
        }
        None => lasting.unwrap_or_default(),
    }
}

fn blocked_words(token: &TokenView, when: When) -> String {
    let blocked = token.blocked.iter().filter(|one| when.now < one.until);
    let each: Vec<_> = blocked.map(|one| format!("{} until {}", one.net, when.full(one.until))).collect();
    if each.is_empty() { String::new() } else { format!("{}: 403 ip-blocked", each.join(", ")) }
}

fn rate_words(rate: RateLimit) -> String {
    format!("{}/min, {} at once", rate.calls_per_min, rate.burst)
}

fn usage_facts(token: &TokenView, when: When) -> Vec<(&'static str, String)> {
    let usage = &token.usage;
    let counts = &usage.counts;
    let by_outcome = [
        (counts.created, "created"),
        (counts.attached, "attached"),
        (counts.resolved, "resolved"),
        (counts.duplicate, "duplicate"),
        (counts.suppressed, "suppressed"),
        (counts.no_match, "no match"),
        (counts.started, "started"),
        (counts.rejected, "refused"),
    ];
    let by_outcome: Vec<String> =
        by_outcome.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let last = usage.last_use.as_ref().map(|last| format!("{} from {}, {}", when.full(last.at), last.ip, last.outcome));
    let refusal =
        usage.last_refusal.as_ref().map(|last| format!("{} from {}, {}", when.full(last.at), last.ip, last.slug));
    let hour: u64 = usage.calls_per_minute.iter().map(|calls| u64::from(*calls)).sum();
    let some = |count: u64| if count > 0 { count.to_string() } else { String::new() };
    vec![
        (
            "calls",
            format!("{}{}{}", counts.total(), if by_outcome.is_empty() { "" } else { ": " }, by_outcome.join(", ")),
        ),
        ("last 10 s", recent_words(usage.last_10s)),
        ("last hour", format!("{}, {} with an effect", count(hour, "call"), usage.hour_hits)),
        ("last call", last.unwrap_or_else(|| "never".to_owned())),
        ("last refusal", refusal.unwrap_or_default()),
        ("addresses", some(usage.sources.into())),
        ("by ?token=", some(usage.query_token_calls)),
        ("other addresses", some(usage.ip_violations)),
        ("old secret", some(usage.old_secret_calls)),
        ("only counted", some(usage.rows_not_logged)),
        ("tried while dead", dead_words(&usage.dead_tries, when)),
    ]
}

/// Nothing where it was quiet.
fn recent_words(recent: RecentUse) -> String {
    match recent.calls() {
        0 => String::new(),
        calls => {
            format!("{}, {} refused, {}.{}/s", count(calls.into(), "call"), recent.refused, calls / 10, calls % 10)
        }
    }
}

/// Tries with a revoked or replaced secret: who still has a leaked one shows here.
fn dead_words(tries: &DeadTries, when: When) -> String {
    match (tries.count, tries.last_at) {
        (0, _) => String::new(),
        (calls, None) => count(calls, "call"),
        (calls, Some(at)) => {
            let ip = tries.last_ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
            format!("{}, the last {}{ip}", count(calls, "call"), when.full(at))
        }
    }
}

/// The receipt has exact times also on a terminal: it is evidence.
pub(super) fn receipt_lines(receipt: &RevokeReceipt) -> Vec<String> {
    let last = receipt.last_use.as_ref().map(|last| format!("{}  from {}, {}", last.at, last.ip, last.outcome));
    let in_flight = match receipt.in_flight {
        0 => "none".to_owned(),
        calls => format!("{}, refused where decided after the revoke", count(calls.into(), "call")),
    };
    let mut lines = vec![format!("REVOKED {}   {}", receipt.name, receipt.id)];
    lines.extend(facts(&[
        ("  in force since", format!("{}  (audit row {}, on disk)", receipt.revoked_at, receipt.audit_seq)),
        ("  last accepted", last.unwrap_or_else(|| "never".to_owned())),
        ("  in flight then", in_flight),
        ("  from now on", "401 token-revoked".to_owned()),
    ]));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_as_the_option_takes_it() {
        let scope = |kind: &str, name: &str| ScopeView { kind: kind.into(), id: None, name: name.into() };
        assert_eq!(scope_words(&scope("global", "global")), "global");
        assert_eq!(scope_words(&scope("service", "Ops/DB")), "service:Ops/DB");
    }
}
