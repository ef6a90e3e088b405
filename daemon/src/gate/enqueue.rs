//! `POST /v2/enqueue`: PagerDuty's Events API v2, so that a tool with a PagerDuty URL setting works unchanged. The token is
//! the event's `routing_key`; it is cut out before anything else sees the event. Answers have PagerDuty's shapes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tollgate_shared::api::EnqueueAnswer;
use tollgate_shared::id::CallId;
use tollgate_shared::problem::{Problem, Slug};
use zeroize::Zeroizing;

use super::intake::Intake;
use super::presented::{self, Holder};
use super::process::{self, Refused};
use super::{refusals, request_id, shape};
use crate::core::call::decode::{self, RawCall};
use crate::core::call::{Call, inflate};
use crate::core::endpoint::Endpoint;
use crate::daemon::Daemon;
use crate::edge::{Body, Peer, body, respond};

/// Bytes of an event: nobody is known before it is read.
const BODY_BYTES_MAX: usize = 64 * 1_024;

/// It has this long to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Characters of a dedup key (PagerDuty's own limit).
const DEDUP_KEY_CHARS_MAX: usize = 255;

/// What an event may do.
const ACTIONS: [&str; 3] = ["trigger", "acknowledge", "resolve"];

const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

/// An event whose token is cut out.
struct Event {
    members: Map<String, Value>,
    token: Zeroizing<String>,
}

/// Takes one event, from its head to its answer.
pub(super) async fn take(daemon: &Arc<Daemon>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
    let now = daemon.clock.now();
    let call = CallId(request_id(&request).unwrap_or_else(|| daemon.ids.new_id(now)));
    let (parts, incoming) = request.into_parts();
    let intake = Intake::new(&parts, peer, call, now, &daemon.redactor());
    let target = format!("{} {}", parts.method, parts.uri.path());
    let event = match read(&parts.headers, incoming).await {
        Ok(event) => event,
        Err(problem) => {
            let slug = problem.slug().unwrap_or(Slug::MalformedJson);
            refusals::note_target(daemon, target, peer, slug, problem.detail.clone(), None);
            return closing_if_unread(slug, shape::enqueue(&problem));
        }
    };
    let registry = daemon.registry.load_full();
    let known = match presented::known(daemon, &registry, &event.token, target, peer) {
        Ok(known) => known,
        Err(problem) => return shape::enqueue(&problem),
    };
    let (mut response, marks) =
        match process::let_in(daemon, intake, parts, Holder { known, via_query: false }, Endpoint::Enqueue) {
            Ok(admitted) => {
                let marks = admitted.marks;
                (proceed(daemon, admitted, event.members).await, marks)
            }
            Err(Refused(problem, marks)) => (shape::enqueue(&problem), marks),
        };
    marks.put(response.headers_mut());
    response
}

/// Body → gzip → JSON → the token out of it.
async fn read(headers: &HeaderMap, incoming: Incoming) -> Result<Event, Problem> {
    let bytes = body::read_body(incoming, BODY_BYTES_MAX as u64, BODY_DEADLINE)
        .await
        .map_err(|error| Problem::new(error.slug(), error.to_string()))?;
    let bytes = inflate::inflated(headers, &bytes, BODY_BYTES_MAX)
        .map_err(|error| Problem::new(error.slug(), error.to_string()))?;
    event_of(headers, &bytes)
}

fn event_of(headers: &HeaderMap, bytes: &[u8]) -> Result<Event, Problem> {
    let raw = RawCall { headers, raw_query: None, source_ip: IpAddr::from([0; 4]), body: bytes };
    let decoded = decode::decode(raw).map_err(|error| Problem::new(error.slug(), error.to_string()))?;
    let Some(Value::Object(mut members)) = decoded.call.json else {
        let why = decoded.json_problem.map_or_else(|| "the body is no JSON object".to_owned(), |why| why.to_string());
        return Err(Problem::new(Slug::MalformedJson, why));
    };
    match members.remove("routing_key") {
        Some(Value::String(token)) if !token.is_empty() => Ok(Event { members, token: Zeroizing::new(token) }),
        _ => Err(Problem::new(Slug::CredentialMissing, "'routing_key' is missing or blank; it is the API token")),
    }
}

/// Check the event → match → queue → durable → answer.
async fn proceed(daemon: &Arc<Daemon>, admitted: process::Admitted, mut members: Map<String, Value>) -> Response<Body> {
    let errors = mistakes(&members);
    // What the sender sent makes the call the same one again; a key that is made here does not.
    let sent = Value::Object(members.clone());
    let key = members.entry("dedup_key").or_insert(Value::Null);
    if key.is_null() && errors.is_empty() {
        *key = Value::String(admitted.intake.call.0.simple().to_string());
    }
    let arrived = match admitted.content_of(daemon, Value::Object(members).to_string().as_bytes()) {
        Ok(arrived) => arrived,
        Err(error) => return shape::enqueue(&admitted.refuse(daemon, error.slug(), &error.to_string(), 0, None).0),
    };
    if !errors.is_empty() {
        let detail = format!("the event is not one of PagerDuty's: {}", errors.join("; "));
        admitted.refuse(daemon, Slug::Validation, &detail, arrived.body_bytes, Some(&arrived.content));
        return respond::json(StatusCode::BAD_REQUEST, &EnqueueAnswer::invalid(errors));
    }
    let compared = Call { text: sent.to_string(), json: Some(sent), ..arrived.content.call.clone() };
    admitted.finish(daemon, arrived, &compared).await
}

/// What PagerDuty would say of the event.
fn mistakes(event: &Map<String, Value>) -> Vec<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
    let mut errors = Vec::new();
    let action = text(event.get("event_action"));
    if action.is_empty() {
        errors.push("'event_action' is missing or blank".to_owned());
    } else if !ACTIONS.contains(&action.as_str()) {
        errors.push(format!("'event_action' is invalid (must be one of {})", ACTIONS.join(", ")));
    }
    match event.get("dedup_key") {
        Some(Value::String(key)) if key.chars().count() > DEDUP_KEY_CHARS_MAX => {
            errors.push(format!("'dedup_key' is too long ({DEDUP_KEY_CHARS_MAX} characters are the limit)"));
        }
        Some(Value::String(key)) if !key.is_empty() => {}
        None | Some(Value::Null) if action == "trigger" => {}
        _ => errors.push("'dedup_key' is missing or blank".to_owned()),
    }
    if action == "trigger" {
        let payload = event.get("payload");
        let member = |name: &str| text(payload.and_then(|payload| payload.get(name)));
        for name in ["summary", "source", "severity"] {
            if member(name).is_empty() {
                errors.push(format!("'payload.{name}' is missing or blank"));
            }
        }
        let severity = member("severity");
        if !severity.is_empty() && !SEVERITIES.contains(&severity.as_str()) {
            errors.push(format!("'payload.severity' is invalid (must be one of {})", SEVERITIES.join(", ")));
        }
    }
    errors
}

/// What is left of a body that was not read is never read.
fn closing_if_unread(slug: Slug, response: Response<Body>) -> Response<Body> {
    if matches!(slug, Slug::BodyTooLarge | Slug::BodyTimeout | Slug::MalformedRequest) {
        respond::closing(response)
    } else {
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(event: &Value, expected: &[&str]) {
        assert_eq!(mistakes(event.as_object().unwrap()), expected, "{event}");
    }

    fn trigger() -> Value {
        json!({"event_action": "trigger", "payload": {"summary": "disk full", "source": "db1", "severity": "critical"}})
    }

    fn with(mut event: Value, pointer: &str, value: Value) -> Value {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[name] = value;
        event
    }

    #[test]
    fn what_pagerduty_takes_is_taken() {
        check(&trigger(), &[]);
        check(&with(trigger(), "/dedup_key", json!("srv01/disk")), &[]);
        check(&with(trigger(), "/dedup_key", Value::Null), &[]);
        for action in ["acknowledge", "resolve"] {
            check(&json!({"event_action": action, "dedup_key": "a"}), &[]);
        }
    }

    #[test]
    fn every_mistake_of_an_event_is_named_as_pagerduty_names_it() {
        check(&json!({"dedup_key": "a"}), &["'event_action' is missing or blank"]);
        check(
            &json!({"event_action": "page", "dedup_key": "a"}),
            &["'event_action' is invalid (must be one of trigger, acknowledge, resolve)"],
        );
        check(&json!({"event_action": "resolve"}), &["'dedup_key' is missing or blank"]);
        check(
            &json!({"event_action": "trigger"}),
            &[
                "'payload.summary' is missing or blank",
                "'payload.source' is missing or blank",
                "'payload.severity' is missing or blank",
            ],
        );
        check(
            &with(trigger(), "/payload/severity", json!("fatal")),
            &["'payload.severity' is invalid (must be one of critical, error, warning, info)"],
        );
        check(
            &with(trigger(), "/dedup_key", json!("x".repeat(256))),
            &["'dedup_key' is too long (255 characters are the limit)"],
        );
        check(&with(trigger(), "/dedup_key", json!(5)), &["'dedup_key' is missing or blank"]);
    }

    #[test]
    fn the_token_is_cut_out_of_the_event() {
        let headers = HeaderMap::new();
        let event = event_of(&headers, br#"{"routing_key":"hunter2","event_action":"resolve"}"#).ok().unwrap();
        assert_eq!(event.token.as_str(), "hunter2");
        assert_eq!(Value::Object(event.members), json!({"event_action": "resolve"}));
        for (body, slug) in [
            (&b"{\"event_action\":\"resolve\"}"[..], Slug::CredentialMissing),
            (b"{\"routing_key\":\"\"}", Slug::CredentialMissing),
            (b"{\"routing_key\":5}", Slug::CredentialMissing),
            (b"[1]", Slug::MalformedJson),
            (b"not JSON", Slug::MalformedJson),
        ] {
            assert_eq!(event_of(&headers, body).err().map(|problem| problem.slug()), Some(Ok(slug)));
        }
    }
}
