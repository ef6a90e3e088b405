//! What there is to say of a token: its summary, and the tabs of its pane.

use tollgate_shared::api::{FilterView, TokenView};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::RateLimit;

use super::super::chips;
use super::super::model::Model;
use super::super::msg::Evidence;
use super::super::tokens::{self, PaneTab};
use super::super::words::{self, age, group};
use super::{Kind, Line};

/// Services that are named one by one.
const REACH_SHOWN: usize = 200;

/// The lines of the open tab. On the tab of its calls only the summary is shown, by the view.
pub(super) fn lines(model: &Model, token: &TokenView) -> Vec<Line> {
    let evidence = model.tokens.evidence_of(token);
    match model.tokens.tab {
        PaneTab::Calls => summary(model, token),
        PaneTab::Hosts => evidence.map_or_else(waiting, |evidence| hosts(model, token, evidence)),
        PaneTab::Facts => facts(model, token, evidence),
        PaneTab::Reach => reach(model, token),
        PaneTab::Changes => evidence.map_or_else(waiting, changes),
    }
}

fn waiting() -> Vec<Line> {
    vec![Line::plain("asking the daemon".to_owned())]
}

/// Two lines above the token's calls.
#[must_use]
pub fn summary(model: &Model, token: &TokenView) -> Vec<Line> {
    let ips = if token.allowed_ips.is_empty() { "any address".to_owned() } else { token.allowed_ips.join(" ") };
    let chips = chips::chips(token, model.now).join(" | ");
    let dedup = dedup_words(token.dedup_window_secs);
    let first = format!("{chips} | by {} {} | {dedup} | {ips}", token.created_by, words::date(token.created_at));
    vec![Line::plain(first), Line::plain(hour_words(model, token))]
}

fn hour_words(model: &Model, token: &TokenView) -> String {
    let calls = tokens::calls_in_hour(token);
    let hits = token.usage.hour_hits;
    let refused = match &token.usage.last_refusal {
        Some(last) => format!(", last refused {} ago: {}", age(model.now.secs_since(last.at)), last.slug),
        None => String::new(),
    };
    let debug = match debug_left(token, model.now) {
        Some(left) => format!("debug ends in {left}"),
        None => "debug is off".to_owned(),
    };
    format!("last hour: {}, {hits} with an effect{refused} | {debug}", words::count(calls, "call"))
}

fn debug_left(token: &TokenView, now: Timestamp) -> Option<String> {
    let left = token.debug_until?.secs_since(now);
    (left > 0).then(|| words::countdown(left))
}

fn dedup_words(secs: u32) -> String {
    match secs {
        0 => "dedup off".to_owned(),
        secs => format!("dedup {}", age(secs.into())),
    }
}

fn fact(name: &str, text: String) -> Line {
    Line::plain(format!("{name:14}{text}"))
}

fn facts(model: &Model, token: &TokenView, evidence: Option<&Evidence>) -> Vec<Line> {
    let mut lines = vec![Line::new(Kind::Strong, chips::chips(token, model.now).join(" | "))];
    lines.extend(standing(model, token));
    lines.extend(used(token));
    lines.extend(limits(model, token));
    lines.extend(provenance(token, evidence));
    lines
}

/// What it is and may, and what state it is in.
fn standing(model: &Model, token: &TokenView) -> Vec<Line> {
    let ends = token.expires_at.map_or_else(|| "never".to_owned(), words::moment);
    let mut lines = vec![
        fact("id", format!("{}   (stands in its secret, too)", token.id)),
        fact("scope", scope_words(token)),
        fact("owner", token.owner.clone()),
        fact("may", token.permissions.iter().map(|may| may.as_str()).collect::<Vec<_>>().join(" ")),
        fact("ends", format!("{ends}  {}", tokens::state_words(token, model.now))),
    ];
    lines.extend(token.not_before.map(|at| fact("starts", words::moment(at))));
    if let Some(suspended) = &token.suspended {
        let why = if suspended.reason.is_empty() { String::new() } else { format!(": {}", suspended.reason) };
        lines.push(Line::new(
            Kind::Bad,
            format!("{:14}{} by {}{why}", "suspended", words::moment(suspended.at), suspended.by),
        ));
    }
    if let (Some(until), Some((new, all))) = (token.overlap_until, chips::rotating(token, model.now)) {
        lines.push(fact(
            "rotating",
            format!("{new} of {all} hosts moved; the old secret dies {}", words::moment(until)),
        ));
        lines.push(fact(
            "",
            format!("{} with the old secret since; .o ends or extends", group(token.usage.old_secret_calls)),
        ));
    }
    if let Some(at) = token.revoked_at {
        let by = token.revoked_by.as_deref().unwrap_or("nobody known");
        let why = token.revoke_reason.as_deref().filter(|why| !why.is_empty()).unwrap_or("no reason given");
        lines.push(Line::new(Kind::Bad, format!("{:14}{} by {by}: {why}", "revoked", words::moment(at))));
    }
    let tries = token.usage.dead_tries;
    if tries.count > 0 {
        let last = tries.last_at.map(words::moment).unwrap_or_default();
        let ip = tries.last_ip.map(|ip| ip.to_string()).unwrap_or_default();
        lines.push(Line::new(
            Kind::Bad,
            format!("{:14}{} with a dead secret, last {last} from {ip}", "tries", tries.count),
        ));
    }
    lines
}

fn scope_words(token: &TokenView) -> String {
    match token.scope.kind.as_str() {
        kind @ ("team" | "service") => format!("{kind} {}", token.scope.name),
        kind => kind.to_owned(),
    }
}

fn used(token: &TokenView) -> Vec<Line> {
    let usage = &token.usage;
    let last = match &usage.last_use {
        None => "never".to_owned(),
        Some(last) => {
            let agent = last.user_agent.as_deref().map(|agent| format!(" by {agent}")).unwrap_or_default();
            format!("{} from {}{agent}: {}", words::moment(last.at), last.ip, last.outcome)
        }
    };
    let mut lines = vec![fact("last used", last)];
    if let Some(last) = &usage.last_refusal {
        lines.push(fact("last refused", format!("{} from {}: {}", words::moment(last.at), last.ip, last.slug)));
    }
    let c = usage.counts;
    let effects = format!(
        "{} in all: {} created, {} attached, {} resolved, {} started",
        group(c.total()),
        group(c.created),
        group(c.attached),
        group(c.resolved),
        group(c.started)
    );
    let rest = format!(
        "{} duplicate, {} no match, {} suppressed, {} refused",
        group(c.duplicate),
        group(c.no_match),
        group(c.suppressed),
        group(c.rejected)
    );
    lines.extend([fact("calls", effects), fact("", rest)]);
    lines.push(fact("hosts", format!("{} seen; v shows them", group(usage.sources.into()))));
    let odd = [
        (usage.query_token_calls, "with ?token= in the address"),
        (usage.ip_violations, "from outside its address list, let in by report-only"),
        (usage.rows_not_logged, "refusals were counted, not logged"),
    ];
    lines.extend(
        odd.iter().filter(|(count, _)| *count > 0).map(|(count, what)| fact("", format!("{} {what}", group(*count)))),
    );
    lines
}

fn limits(model: &Model, token: &TokenView) -> Vec<Line> {
    let from = match (token.allowed_ips.as_slice(), token.ip_report_only) {
        ([], _) => "any address".to_owned(),
        (list, true) => format!("{}   (others are reported, not refused)", list.join(" ")),
        (list, false) => list.join(" "),
    };
    let strict = if token.dedup_strict { ", strict: for the whole time" } else { "" };
    let skip = if token.dedup_ignore.is_empty() {
        String::new()
    } else {
        format!(", without {}", token.dedup_ignore.join(" "))
    };
    let part = token.debug_one_in.map_or_else(String::new, |one_in| format!(", 1 call in {one_in} is logged"));
    let debug =
        debug_left(token, model.now).map_or_else(|| "off".to_owned(), |left| format!("on, ends in {left}{part}"));
    let mut lines = vec![
        fact("from", from),
        fact("dedup", format!("{}{strict}{skip}", dedup_words(token.dedup_window_secs).trim_start_matches("dedup "))),
        fact("limit", limit_words(model, token)),
        fact("?token=", if token.query_token { "taken".to_owned() } else { "refused".to_owned() }),
        fact(
            "delivery ids",
            if token.delivery_ids { "taken as Idempotency-Key".to_owned() } else { "not looked at".to_owned() },
        ),
        fact("debug", debug),
    ];
    let blocked = token.blocked.iter().filter(|one| model.now < one.until);
    lines.extend(blocked.map(|one| {
        Line::new(Kind::Bad, format!("{:14}{} until {}: 403", "blocked", one.net, words::moment(one.until)))
    }));
    lines
}

/// The limit in force, and what comes after it where it ends by itself.
fn limit_words(model: &Model, token: &TokenView) -> String {
    let of = |rate: Option<RateLimit>| {
        rate.map_or_else(
            || "none".to_owned(),
            |rate| format!("{} calls a minute, {} at once", group(rate.calls_per_min.into()), group(rate.burst.into())),
        )
    };
    match token.limited_for.filter(|one| model.now < one.until) {
        Some(one) => {
            format!("{} until {}, then {}", of(Some(one.limit)), words::moment(one.until), of(token.rate_limit))
        }
        None => of(token.rate_limit),
    }
}

fn provenance(token: &TokenView, evidence: Option<&Evidence>) -> Vec<Line> {
    let imported = if token.imported { ", its value came from another system" } else { "" };
    let mut lines = vec![
        fact("created", format!("{} by {}{imported}", words::moment(token.created_at), token.created_by)),
        fact("issued by", token.issued_by.clone()),
        fact(
            "changed",
            format!("{} by {}, version {}", words::moment(token.updated_at), token.updated_by, token.version),
        ),
        fact("rotated", words::count(token.rotations.into(), "time")),
    ];
    if let Some(evidence) = evidence.filter(|evidence| !evidence.issued.is_empty()) {
        let names: Vec<_> = evidence.issued.iter().map(|one| format!("{} ({})", one.name, one.state)).collect();
        lines.push(fact("it issued", names.join(", ")));
    }
    if !token.description.is_empty() {
        lines.push(fact("description", token.description.clone()));
    }
    lines
}

/// Where its calls came from, and an address list made of it.
fn hosts(model: &Model, token: &TokenView, evidence: &Evidence) -> Vec<Line> {
    if evidence.sources.is_empty() {
        return vec![Line::plain("no call came yet, so there is no address".to_owned())];
    }
    let mut lines = model.tokens.hosts.lines(model, token);
    let keys = if model.in_pane {
        "Enter details   B block   / find   o sort   y copy   Esc to the list"
    } else {
        "Enter or Tab goes in: details, its calls, B blocks one for a time"
    };
    lines.push(Line::plain(format!("  {keys}")));
    let seen = seen(evidence);
    if !seen.is_empty() && token.allowed_ips.is_empty() {
        lines.push(Line::plain(format!("a list of those that were let in: {}", seen.join(" "))));
        lines.push(Line::plain(".p edits the token with it, report-only: others are counted, not refused".to_owned()));
    }
    lines
}

/// Addresses from which calls were let in.
#[must_use]
pub fn seen(evidence: &Evidence) -> Vec<String> {
    evidence.sources.iter().filter(|row| row.calls > 0).map(|row| row.net.clone()).collect()
}

fn changes(evidence: &Evidence) -> Vec<Line> {
    if evidence.changes.is_empty() {
        return vec![Line::plain("no audit row of it that you may read".to_owned())];
    }
    let line = |row: &AuditRow| {
        let detail = if row.detail.is_empty() { String::new() } else { format!(": {}", row.detail) };
        Line::plain(format!("{}  {} {}{detail}", words::moment(row.at), row.actor, row.action))
    };
    evidence.changes.iter().map(line).collect()
}

/// Why a call of it could match, or not: before any call came.
fn reach(model: &Model, token: &TokenView) -> Vec<Line> {
    let services = &model.services;
    let reached = |service: &&std::sync::Arc<tollgate_shared::api::ServiceView>| match token.scope.kind.as_str() {
        "team" => service.team.name == token.scope.name,
        "service" => format!("{}/{}", service.team.name, service.name) == token.scope.name,
        _ => true,
    };
    if token.scope.kind == "mine" {
        return vec![Line::plain(format!("every team that {} is a member of, judged at each call", token.owner))];
    }
    let all: Vec<_> = services.services.iter().filter(reached).collect();
    let of = |id: String| services.filters.iter().filter(move |filter| filter.service.id == id);
    let filters: usize = all.iter().map(|service| of(service.id.to_string()).count()).sum();
    let counted = format!("{}, {}", words::count(all.len() as u64, "service"), words::count(filters as u64, "filter"));
    let mut lines = vec![Line::new(Kind::Strong, format!("reaches {counted}"))];
    for service in all.iter().take(REACH_SHOWN) {
        let disabled = if service.enabled { "" } else { "   DISABLED: its filters are not tested" };
        let kind = if service.enabled { Kind::Plain } else { Kind::Bad };
        lines.push(Line::new(kind, format!("{}/{}{disabled}", service.team.name, service.name)));
        lines.extend(of(service.id.to_string()).map(|filter| reached_filter(filter)));
    }
    lines
}

fn reached_filter(filter: &FilterView) -> Line {
    let state = if filter.spec.enabled { "" } else { "   DISABLED" };
    let conditions = words::count(filter.spec.trigger.conditions.len() as u64, "condition");
    Line::plain(format!("  {}. {}, {conditions}{state}", filter.position, filter.spec.name))
}
