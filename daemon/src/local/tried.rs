//! `POST /v1/filters/try`: what would become of a call; nothing is changed, nothing is logged.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tollgate_shared::api::{NamedRef, TryFilter, TryVerdict};
use tollgate_shared::problem::{Problem, Slug};

use super::answers::ok;
use super::params::Call;
use crate::core::access::{Operation, allows, service_target};
use crate::core::call::decode::{self, Decoded, RawCall};
use crate::core::matching::{self, ServiceMatch};
use crate::core::registry::ServiceEntry;
use crate::core::routing;
use crate::daemon::Daemon;
use crate::edge::Body;

pub(super) async fn try_filters(call: Call) -> Result<Response<Body>, Problem> {
    let (daemon, actor, _, tried) = call.json::<TryFilter>().await?;
    let decoded = decode_parts(&tried.headers, &tried.query, &tried.body)?;
    let registry = daemon.registry.load_full();
    let entry = registry.find_service(&tried.service)?;
    allows(&actor, Operation::See, service_target(&registry, entry.service.id))?;
    Ok(ok(&verdict(&daemon, entry, decoded)))
}

/// A call that somebody wrote down, decoded as the gate would.
///
/// # Errors
/// A header that is none, or a body that the gate would refuse.
pub(super) fn decode_parts(headers: &[(String, String)], query: &str, body: &str) -> Result<Decoded, Problem> {
    let given = headers;
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
fn verdict(daemon: &Arc<Daemon>, entry: &ServiceEntry, decoded: Decoded) -> TryVerdict {
    let redacted = daemon.redactor.redact(&decoded.call);
    let ServiceMatch { resolve_keys, trigger } = matching::evaluate(&entry.compiled, &decoded.call, &redacted);
    let explain = routing::explain_service(entry, &decoded.call, &redacted);
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
        json_problem: decoded.json_problem.map(|problem| problem.to_string()),
        explain,
    }
}
