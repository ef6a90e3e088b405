//! What reaches the filters: encodings, forms, paths beside the body, keys of retries, PagerDuty's events, quotas.

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::http::Answer;

use crate::support::{alert, outcome, text, with_alertmanager};

/// Sends a call with headers beside its token.
#[track_caller]
fn send(daemon: &Daemon, target: &str, token: &Token, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", token.secret);
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    let mut connection = daemon.connect().expect("the gate listens");
    connection.request("POST", target, &all, body).expect("a call is answered")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("a vector takes bytes");
    encoder.finish().expect("a vector takes bytes")
}

/// A filter written out, given to the command line on standard input.
#[track_caller]
fn filter(daemon: &Daemon, spec: &Value) {
    let file = daemon.home().join(format!("{}.json", text(spec, "/name")));
    std::fs::write(&file, spec.to_string()).expect("a file can be written");
    let file = file.display().to_string();
    daemon.cli(["filter", "create", "--service", "Ops/DB", "--file", &file]).expect(0);
}

#[test]
fn a_gzip_body_is_inflated_and_a_bomb_is_refused_with_413_and_costs_nothing() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let gzipped = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let answer = send(&daemon, "/v1/process", &token, &gzipped, &gzip(alert("firing", "a").as_bytes()));
    assert_eq!((answer.status, outcome(&answer).as_str()), (201, "created"));
    let bomb = gzip(&vec![b' '; 64 * 1_024 * 1_024]);
    assert!(bomb.len() < 512 * 1_024, "small on the wire: {}", bomb.len());
    for (body, status, slug) in [
        (bomb.as_slice(), 413, "body-too-large"),
        (&gzip(b"{\"a\":1}")[..12], 400, "bad-encoding"),
        (b"{\"a\":1}", 400, "bad-encoding"),
    ] {
        let answer = send(&daemon, "/v1/process", &token, &gzipped, body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(text(&answer.json(), "/type"), format!("urn:tollgate:problem:{slug}"));
    }
    let brotli = send(&daemon, "/v1/process", &token, &[("content-encoding", "br")], b"{}");
    assert_eq!(brotli.status, 415, "{brotli:?}");
    assert_eq!(daemon.all("/v1/incidents").len(), 1);
}

#[test]
fn a_form_is_matched_by_its_fields_and_its_secrets_are_not_kept() {
    let daemon = Daemon::start();
    daemon.service("DB", "plain_text");
    filter(
        &daemon,
        &json!({"name": "form", "trigger": {
            "conditions": [{"path": "state", "op": "equals", "values": ["down"]}],
            "title_from": ["host"], "correlate": ["host"],
        }}),
    );
    let token = daemon.token("form", "service:Ops/DB", &["--debug"]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = b"state=down&host=db+1&p%61ssword=hunter2XyZ";
    let answer = send(&daemon, "/v1/process", &token, &form, body);
    assert_eq!((answer.status, outcome(&answer).as_str()), (201, "created"));
    let rows = daemon.get("/v1/logs");
    assert_eq!(text(&daemon.all("/v1/incidents")[0], "/head/title"), "db 1");
    assert!(!rows.to_string().contains("hunter2XyZ"), "{rows}");
    let plain = send(&daemon, "/v1/process", &token, &form, b"backup FAILED on nas01");
    assert_eq!(outcome(&plain), "created", "what curl -d declares to be a form is a text all the same");
}

#[test]
fn headers_parameters_and_the_address_are_paths_and_credentials_are_none() {
    let daemon = Daemon::start();
    daemon.service("DB", "plain_text");
    let condition = |path: &str, value: &str| json!({"path": path, "op": "equals", "values": [value]});
    filter(
        &daemon,
        &json!({"name": "beside", "trigger": { "title_from": ["@header.X-Kind"], "conditions": [
            condition("@header.X-Kind", "disk"), condition("@query.site", "hall 3"), condition("@source.ip", "127.0.0.1"),
        ]}}),
    );
    let token = daemon.token("t", "service:Ops/DB", &[]);
    let kind = [("x-kind", "disk")];
    assert_eq!(outcome(&send(&daemon, "/v1/process?site=hall%203", &token, &kind, b"x")), "created");
    assert_eq!(outcome(&send(&daemon, "/v1/process?site=hall%204", &token, &kind, b"x")), "nothing");
    // A header that a filter names makes another call of it; one that none names does not.
    let disk = |extra: &'static str| [("x-kind", "disk"), ("x-trace", extra)];
    assert_eq!(outcome(&send(&daemon, "/v1/process?site=hall%203", &token, &disk("1"), b"x")), "duplicate");
    for path in ["@header.Authorization", "@header.Cookie", "@query.token", "@header.X-Auth-Token"] {
        let spec = json!({"name": "bad", "trigger": {"conditions": [condition(path, "x")]}});
        let answer = daemon.local("POST", "/v1/filters", &json!({"service": "Ops/DB", "spec": spec}));
        assert_eq!(answer.status, 422, "{path}: {answer:?}");
        assert!(text(&answer.json(), "/errors/0/message").contains("credential"), "{answer:?}");
    }
    assert_eq!(daemon.all("/v1/filters").len(), 2);
}

#[test]
fn a_retried_idempotency_key_gives_the_first_answer_also_after_a_restart() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let keyed = [("content-type", "application/json"), ("idempotency-key", "8e03978e-40d5")];
    let (body, other) = (alert("firing", "a"), alert("firing", "b"));
    let first = send(&daemon, "/v1/process", &token, &keyed, body.as_bytes());
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    daemon.restart();
    let again = send(&daemon, "/v1/process", &token, &keyed, body.as_bytes());
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")), "{again:?}");
    assert_eq!(again.json(), first.json(), "word for word");
    let mismatch = send(&daemon, "/v1/process", &token, &keyed, other.as_bytes());
    assert_eq!(mismatch.status, 422);
    assert_eq!(text(&mismatch.json(), "/type"), "urn:tollgate:problem:idempotency-mismatch");
    let empty = send(&daemon, "/v1/process", &token, &[("idempotency-key", "")], body.as_bytes());
    assert_eq!((empty.status, text(&empty.json(), "/type")), (422, "urn:tollgate:problem:validation"));
    assert_eq!(daemon.all("/v1/incidents").len(), 1);
}

#[test]
fn the_number_of_a_delivery_is_a_key_only_for_tokens_that_ask_for_it() {
    let daemon = with_alertmanager();
    let plain = daemon.token("plain", "service:Ops/DB", &["--dedup", "0s"]);
    let taking = daemon.token("taking", "service:Ops/DB", &["--dedup", "0s", "--delivery-ids"]);
    let delivery = [("x-github-delivery", "72d3162e-cc78")];
    let body = alert("firing", "a");
    let replayed = |token: &Token| {
        send(&daemon, "/v1/process", token, &delivery, body.as_bytes());
        let again = send(&daemon, "/v1/process", token, &delivery, body.as_bytes());
        again.header("idempotency-replayed").map(str::to_owned)
    };
    assert_eq!((replayed(&plain), replayed(&taking)), (None, Some("true".to_owned())));
    daemon.cli(["token", "edit", "plain", "--delivery-ids"]).expect(0);
    daemon.cli(["token", "edit", "taking", "--no-delivery-ids"]).expect(0);
    assert_eq!((replayed(&plain), replayed(&taking)), (Some("true".to_owned()), None));
    assert_eq!(daemon.get("/v1/tokens/plain")["delivery_ids"], json!(true));
}

#[test]
fn a_pagerduty_client_works_unchanged_with_the_token_as_its_routing_key() {
    let daemon = Daemon::start();
    daemon.service("DB", "pagerduty_v2");
    let token = daemon.token("pd", "service:Ops/DB", &["--debug", "--preset", "sender"]);
    let event = |call: &str| {
        let recorded = tollgate_tests::fixtures::recorded(call);
        let mut event: Value = serde_json::from_slice(&recorded.body).expect("an event is JSON");
        event["routing_key"] = json!(token.secret);
        event
    };
    let post = |event: &Value| {
        let mut connection = daemon.connect().expect("the gate listens");
        let headers = [("content-type", "application/json")];
        connection.request("POST", "/v2/enqueue", &headers, event.to_string().as_bytes()).expect("an answer")
    };
    let success = |key: &str| json!({"status": "success", "message": "Event processed", "dedup_key": key});
    let opened = post(&event("pagerduty_trigger"));
    assert_eq!((opened.status, opened.json()), (202, success("srv01/mysql")));
    assert_eq!(text(&daemon.all("/v1/incidents")[0], "/head/state"), "triggered");
    assert_eq!(post(&event("pagerduty_acknowledge")).status, 202);
    assert_eq!(text(&daemon.all("/v1/incidents")[0], "/head/state"), "triggered", "a sender's token may not");
    daemon
        .cli(["token", "edit", "pd", "--permission", "incidents:create", "--permission", "incidents:update"])
        .expect(0);
    assert_eq!(post(&event("pagerduty_acknowledge")).status, 202);
    assert_eq!(text(&daemon.all("/v1/incidents")[0], "/head/state"), "acknowledged");
    let resolved = post(&event("pagerduty_resolve"));
    assert_eq!((resolved.status, resolved.json()), (202, success("srv01/mysql")));
    assert_eq!(text(&daemon.all("/v1/incidents")[0], "/head/state"), "resolved");
    // Without a key each event opens its own incident, and its answer says by which key it is resolved.
    let mut unkeyed = event("pagerduty_trigger");
    unkeyed.as_object_mut().expect("an object").remove("dedup_key");
    let key = text(&post(&unkeyed).json(), "/dedup_key").to_owned();
    assert_eq!(text(&post(&unkeyed).json(), "/dedup_key"), key, "a duplicate is told the key of its incident");
    let resolve = json!({"routing_key": token.secret, "event_action": "resolve", "dedup_key": key});
    assert_eq!(post(&resolve).status, 202);
    assert!(daemon.all("/v1/incidents").iter().all(|row| row["head"]["state"] == json!("resolved")));
    let rows = daemon.get("/v1/logs").to_string();
    assert!(!rows.contains(&token.secret) && !rows.contains("routing_key"), "the token is cut out: {rows}");
}

#[test]
fn what_pagerduty_refuses_is_refused_in_its_shape() {
    let daemon = Daemon::start();
    daemon.service("DB", "pagerduty_v2");
    let token = daemon.token("pd", "service:Ops/DB", &["--rate", "1/min:4"]);
    let post = |body: &str| {
        let mut connection = daemon.connect().expect("the gate listens");
        connection.request("POST", "/v2/enqueue", &[], body.as_bytes()).expect("an answer")
    };
    let invalid = |body: &str, error: &str| {
        let answer = post(body);
        let json = answer.json();
        assert_eq!((answer.status, text(&json, "/status")), (400, "invalid event"), "{answer:?}");
        assert_eq!(text(&json, "/message"), "Event object is invalid");
        assert!(text(&json, "/errors/0").contains(error), "{json}");
    };
    let with = |rest: &str| format!("{{\"routing_key\":\"{}\",{rest}}}", token.secret);
    invalid("not JSON", "no JSON object");
    invalid("{}", "'routing_key' is missing or blank");
    invalid("{\"routing_key\":\"RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\"}", "the token is not known here");
    invalid(&with("\"event_action\":\"page\",\"dedup_key\":\"a\""), "'event_action' is invalid");
    invalid(&with("\"event_action\":\"resolve\""), "'dedup_key' is missing or blank");
    invalid(&with("\"event_action\":\"trigger\",\"payload\":{\"summary\":\"a\"}"), "'payload.source' is missing");
    let good = with("\"event_action\":\"resolve\",\"dedup_key\":\"a\"");
    let last = post(&good);
    assert_eq!((last.status, last.header("ratelimit-remaining")), (202, Some("0")));
    let throttled = post(&good);
    assert_eq!((throttled.status, text(&throttled.json(), "/status")), (429, "throttle exceeded"));
    assert!(throttled.header("retry-after").is_some());
    assert_eq!(post(&"x".repeat(65 * 1_024)).status, 413);
    assert_eq!(daemon.get("/v1/refused")["items"].as_array().map(Vec::len), Some(4), "before a token was known");
}

#[test]
fn a_quota_is_told_in_headers_from_the_first_call_on() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--rate", "60/min:2"]);
    let call = |key: &str| send(&daemon, "/v1/process", &token, &[], alert("firing", key).as_bytes());
    let first = call("a");
    assert_eq!(
        (first.status, first.header("ratelimit-limit"), first.header("ratelimit-remaining")),
        (201, Some("2"), Some("1"))
    );
    assert!(first.header("ratelimit-reset").is_some());
    let free = daemon.token("free", "service:Ops/DB", &[]);
    let unlimited = send(&daemon, "/v1/process", &free, &[], alert("firing", "c").as_bytes());
    assert_eq!(unlimited.header("ratelimit-limit"), None, "off by default");
}

#[test]
fn the_last_hour_shows_what_became_of_calls_and_how_long_they_took() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let calls = [alert("firing", "a"), alert("firing", "a"), "{}".to_owned()];
    calls.iter().for_each(|body| assert!(daemon.post(&token.secret, body).is_success()));
    assert_eq!(daemon.post("tg_s_unknown", "x").status, 401);
    let hour = daemon.get("/v1/status/hour");
    let minutes = hour["minutes"].as_array().expect("minutes");
    assert_eq!((minutes.len(), hour["seconds"].as_array().map(Vec::len)), (60, Some(60)));
    let sum = |member: &str| minutes.iter().filter_map(|minute| minute[member].as_u64()).sum::<u64>();
    assert_eq!(["effect", "duplicate", "no_match", "unknown", "refused", "drops"].map(sum), [1, 1, 1, 1, 0, 0]);
    let slowest = minutes.iter().filter_map(|minute| minute["slowest_us"].as_u64()).max();
    assert!(slowest > Some(0) && sum("p50_us") > 0, "{hour}");
    assert_eq!(hour["since"], daemon.get("/v1/status")["started_at"]);
    let said = daemon.cli(["status", "--hour"]).expect(0).stdout;
    assert!(said.contains("4 calls: effect 1, duplicate 1, suppressed 0, no_match 1"), "{said}");
    assert!(said.contains("the daemon was not running"), "{said}");
}
