//! `POST /v1/filters/try` and `POST /v1/logs/{seq}/replay`: what would become of a call; nothing is changed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Response, Uri};
use tollgate_shared::api::trying::{Doubt, ProposedFilter, WhatIf};
use tollgate_shared::api::{NamedRef, ReplayVerdict, TryFilter, TryVerdict};
use tollgate_shared::explain::Explain;
use tollgate_shared::log::LogRow;
use tollgate_shared::problem::{Problem, Slug};

use super::answers::ok;
use super::params::Call;
use super::{audit, logs};
use crate::core::access::{Actor, Operation, allows, service_target};
use crate::core::call::Call as Content;
use crate::core::call::decode::{self, Decoded, RawCall};
use crate::core::call::json::JsonProblem;
use crate::core::matching::{self, ServiceMatch};
use crate::core::registry::{Registry, ServiceEntry};
use crate::core::routing;
use crate::core::trying::{self, Proposal, Recalled, mark_redacted};
use crate::core::workflows;
use crate::daemon::Daemon;
use crate::edge::Body;

/// What is tried, decoded.
struct Subject {
    call: Content,
    redacted: Content,
    json_problem: Option<JsonProblem>,
    recalled: Option<Recalled>,
    /// It went to `/v1/request`.
    is_request: bool,
}

pub(super) async fn try_filters(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, tried) = call.json::<TryFilter>().await?;
    let registry = daemon.registry.load_full();
    let entry = registry.find_service(&tried.service)?.clone();
    allows(&actor, Operation::See, service_target(&registry, entry.service.id))?;
    let (entry, lints) = drafted(&daemon, &registry, entry, &tried)?;
    let subject = subject(&daemon, &actor, &tried).await?;
    let mut verdict = verdict(&entry, &subject);
    verdict.lints = lints;
    Ok(ok(&verdict))
}

/// The service with the draft among its filters, and what looks like a mistake in the draft.
fn drafted(
    daemon: &Daemon,
    registry: &Arc<Registry>,
    entry: Arc<ServiceEntry>,
    tried: &TryFilter,
) -> Result<(Arc<ServiceEntry>, Vec<String>), Problem> {
    let Some(spec) = tried.draft.clone() else {
        let none = tried.replaces.is_none();
        return if none {
            Ok((entry, Vec::new()))
        } else {
            Err(invalid("replaces", "there is no draft to replace it"))
        };
    };
    let service = tried.replaces.is_none().then(|| entry.service.id.to_string());
    let filter = ProposedFilter { service, filter: tried.replaces.clone(), spec: Some(spec), ..Default::default() };
    let what = WhatIf { filter: Some(filter), ..WhatIf::default() };
    let proposal = Proposal::new(registry.clone(), &what, daemon.clock.now())?;
    if proposal.service() != Some(entry.service.id) {
        return Err(invalid("replaces", "that filter is of another service"));
    }
    Ok((proposal.proposed_entry().unwrap_or(entry), proposal.lints))
}

async fn subject(daemon: &Arc<Daemon>, actor: &Actor, tried: &TryFilter) -> Result<Subject, Problem> {
    let Some(seq) = tried.call else { return decoded(daemon, tried) };
    if !tried.body.is_empty() || !tried.headers.is_empty() || !tried.query.is_empty() {
        return Err(invalid("call", "give a logged call, or headers, query and body; not both"));
    }
    let row = logs::row_at(daemon, actor, seq).await?;
    audit::reading_of(daemon, actor, "log.try", &Uri::try_from(format!("/v1/logs/{seq}")).unwrap_or_default()).await?;
    let recalled = Recalled::of(&row).ok_or_else(|| {
        invalid("call", "the call was refused before its body was read, so nothing of it was kept to try")
    })?;
    let (call, redacted) = (recalled.call.clone(), recalled.call.clone());
    Ok(Subject { call, redacted, json_problem: None, recalled: Some(recalled), is_request: trying::is_request(&row) })
}

fn decoded(daemon: &Daemon, tried: &TryFilter) -> Result<Subject, Problem> {
    let decoded = decode_sample(&tried.headers, &tried.query, &tried.body)?;
    let redacted = daemon.redactor().redact(&decoded.call);
    Ok(Subject { call: decoded.call, redacted, json_problem: decoded.json_problem, recalled: None, is_request: false })
}

/// A call that somebody gives as an example, decoded as the gate would.
pub(super) fn decode_sample(given: &[(String, String)], query: &str, body: &str) -> Result<Decoded, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::from_str(value).ok());
        let (name, value) = parsed.ok_or_else(|| {
            Problem::new(Slug::Validation, format!("`{name}` is no header")).with_error("headers", "malformed")
        })?;
        headers.append(name, value);
    }
    let query = Some(query).filter(|query| !query.is_empty());
    let source_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let raw = RawCall { headers: &headers, raw_query: query, source_ip, body: body.as_bytes() };
    decode::decode(raw).map_err(|error| Problem::new(error.slug(), error.to_string()))
}

/// The phase that a real call would come to if the incident with its key were open for a resolve, and none for a trigger.
fn verdict(entry: &ServiceEntry, subject: &Subject) -> TryVerdict {
    let ServiceMatch { resolve_keys, trigger } = matching::evaluate(&entry.compiled, &subject.call, &subject.redacted);
    let resolve = resolve_keys.into_iter().find(|hit| hit.key.is_some());
    let decided = resolve.as_ref().map(|hit| hit.filter).or_else(|| trigger.as_ref().map(|hit| hit.filter));
    let record = decided.and_then(|id| entry.records.iter().find(|record| record.id.0 == id));
    let phase = match (&resolve, &trigger) {
        (Some(_), _) => "resolve",
        (None, Some(_)) => "trigger",
        (None, None) => "none",
    };
    let opened = trigger.as_ref().filter(|_| resolve.is_none());
    TryVerdict {
        phase: phase.to_owned(),
        filter: record.map(|record| NamedRef { id: record.id.to_string(), name: record.spec.name.clone() }),
        key: resolve.as_ref().and_then(|hit| hit.key.clone()).or_else(|| opened.and_then(|hit| hit.key.clone())),
        title: opened.map(|hit| hit.title.clone()),
        priority: opened.map(|hit| hit.priority),
        description: opened.map(|hit| hit.description.clone()),
        json_problem: subject.json_problem.as_ref().map(ToString::to_string),
        explain: explained(entry, subject),
        doubt: doubt(entry, subject),
        lints: Vec::new(),
    }
}

fn explained(entry: &ServiceEntry, subject: &Subject) -> Explain {
    let mut explain = routing::explain_service(entry, &subject.call, &subject.redacted);
    if subject.recalled.is_some() {
        mark_redacted(&mut explain);
    }
    explain
}

fn doubt(entry: &ServiceEntry, subject: &Subject) -> Option<Doubt> {
    let judged = trying::judge(entry, subject.recalled.as_ref()?);
    if subject.is_request { Some(Doubt::Request) } else { judged.doubt }
}

/// A logged call through today's registry, beside what became of it.
pub(super) async fn replay(call: &Call) -> Result<Response<Body>, Problem> {
    let row = logs::row(call).await?;
    audit::reading(call, "log.replay").await?;
    let (daemon, registry) = (&call.daemon, call.daemon.registry.load_full());
    let tried = trying::replay(&registry, &row, daemon.clock.now());
    let explain = match (registry.token(row.token), Recalled::of(&row)) {
        (Some(token), Some(recalled)) if tried.after.refused.is_none() => {
            let call = &recalled.call;
            let mut explain = match trying::is_request(&row) {
                true => workflows::explain(&registry, call, call),
                false => {
                    let explain = routing::explain_for(&registry, token, call, call);
                    routing::with_maintenance(explain, &registry, call, daemon.clock.now())
                }
            };
            mark_redacted(&mut explain);
            explain
        }
        _ => Explain::default(),
    };
    Ok(ok(&ReplayVerdict {
        seq: row.seq,
        at: row.at,
        token: NamedRef { id: row.token.to_string(), name: registry.token_name(row.token) },
        then_outcome: row.outcome,
        then: tried.before,
        now: tried.after,
        verdict: tried.verdict,
        doubt: tried.doubt,
        not_sendable: not_sendable(&row),
        explain,
    }))
}

/// Sending what was kept would be another call than the one that came.
fn not_sendable(row: &LogRow) -> Option<String> {
    if row.truncated {
        return Some(format!("the log keeps the first 16 KiB of its {} bytes", row.body_bytes));
    }
    // The token's own value is not sent again: another one takes its place.
    let is_credential = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("token") || name.eq_ignore_ascii_case("access_token")
    };
    let query: Vec<_> = row.query.split('&').filter(|pair| !is_credential(pair)).collect();
    match Recalled::of(&LogRow { query: query.join("&"), ..row.clone() }) {
        None => Some("it was refused before its body was read, so nothing of it was kept".to_owned()),
        Some(recalled) if recalled.whole_doubt() == Some(Doubt::Redacted) => {
            Some("values in it were redacted before it was written".to_owned())
        }
        Some(_) => None,
    }
}

fn invalid(field: &str, message: &str) -> Problem {
    Problem::new(Slug::Validation, format!("{field}: {message}")).with_error(field, message)
}
