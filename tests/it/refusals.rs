//! Bad input: each refusal has its documented status and slug, leaves nothing half done, and is visible afterwards.

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::http::Answer;
use tollgate_tests::wait::{PATIENCE, until};

use crate::support::{alert, counts, outcome, text, with_alertmanager};

/// The default limit of a body, bytes.
const BODY_LIMIT: usize = 512 * 1024;

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, slug: &str) {
    assert_eq!((answer.status, answer.slug().as_str()), (status, slug), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert!(answer.header("x-request-id").is_some(), "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], json!(status), "{answer:?}");
    assert!(!text(&body, "/title").is_empty(), "{answer:?}");
}

fn request(daemon: &Daemon, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let answer = daemon.connect().and_then(|mut connection| connection.request(method, target, headers, body));
    answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
}

/// The newest refusal of an unknown sender, as `tollgate log --refused` shows it.
#[track_caller]
fn newest_refused(daemon: &Daemon) -> Value {
    let rows = daemon.cli_json(["log", "--refused"]);
    rows.as_array().and_then(|rows| rows.last()).cloned().unwrap_or_else(|| panic!("nobody was refused: {rows}"))
}

/// The newest refusal of a token's own calls.
#[track_caller]
fn last_refusal(daemon: &Daemon, token: &Token) -> Value {
    daemon.cli_json(["token", "show", &token.id])["usage"].clone()
}

/// The same token with the last character of its secret exchanged: the checksum is wrong.
fn misspelt(secret: &str) -> String {
    let last = if secret.ends_with('A') { 'B' } else { 'A' };
    format!("{}{last}", &secret[..secret.len() - 1])
}

#[test]
fn call_without_a_usable_token_is_refused_and_shown_among_the_refused() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let dead = daemon.token("dead", "service:Ops/DB", &[]);
    daemon.cli(["token", "revoke", "dead", "--confirm", "dead"]).expect(0);
    let foreign = Daemon::start();
    foreign.cli(["team", "create", "Ops"]).expect(0);
    let stranger = foreign.token("am", "global", &[]);
    let before = counts(&daemon);
    let bearer = |secret: &str| format!("Bearer {secret}");
    let good = bearer(&token.secret);
    let query = format!("/v1/process?token={}", token.secret);
    let one = |value: String| vec![("authorization", value)];
    let cases = [
        ("no token", "/v1/process", vec![], 401, "credential-missing"),
        ("another scheme", "/v1/process", one("GenieKey abc".to_owned()), 401, "credential-missing"),
        ("an empty token", "/v1/process?token=", vec![], 401, "credential-missing"),
        ("header and query", &query, one(good.clone()), 400, "multiple-credentials"),
        ("two headers", "/v1/process", [one(good.clone()), one(good)].concat(), 400, "multiple-credentials"),
        ("bad checksum", "/v1/process", one(bearer(&misspelt(&token.secret))), 401, "token-invalid"),
        ("no token at all", "/v1/process", one(bearer("hunter2")), 401, "token-invalid"),
        ("of another daemon", "/v1/process", one(bearer(&stranger.secret)), 401, "token-invalid"),
        ("revoked", "/v1/process", one(bearer(&dead.secret)), 401, "token-revoked"),
    ];
    for (what, target, headers, status, slug) in cases {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = request(&daemon, "POST", target, &headers, alert("firing", what).as_bytes());
        assert_refused(&answer, status, slug);
        let shown = answer.header("www-authenticate").unwrap_or_else(|| panic!("{what}: {answer:?}"));
        assert_eq!(shown.contains("error="), slug != "credential-missing", "{what}: {shown}");
        let row = newest_refused(&daemon);
        assert_eq!((text(&row, "/reason"), &row["status"]), (slug, &json!(status)), "{what}: {row}");
        assert!(!text(&row, "/detail").is_empty(), "{what}: {row}");
    }
    assert_eq!(counts(&daemon), before);
}

#[test]
fn unknown_path_wrong_method_and_hostile_head_are_refused_and_shown() {
    let daemon = with_alertmanager();
    let before = counts(&daemon);
    let answer = request(&daemon, "POST", "/v1/proces", &[], b"{}");
    assert_refused(&answer, 404, "not-found");
    assert_eq!(text(&newest_refused(&daemon), "/reason"), "not-found");
    let answer = request(&daemon, "GET", "/v1/process", &[], b"");
    assert_refused(&answer, 405, "method-not-allowed");
    assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")), "{answer:?}");
    assert_eq!(text(&newest_refused(&daemon), "/reason"), "method-not-allowed");
    let answer = request(&daemon, "POST", "/v1/process", &[("origin", "https://evil.example")], b"{}");
    assert_refused(&answer, 403, "origin-not-allowed");
    assert_eq!(text(&newest_refused(&daemon), "/reason"), "origin-not-allowed");
    let mut connection = daemon.connect().expect("the gate listens");
    connection.send_raw(b"POST /v1/process HTTP/1.1\r\nhost: evil.example\r\n\r\n").expect("bytes can be sent");
    assert_refused(&connection.answer().expect("an answer"), 403, "host-not-allowed");
    let mut connection = daemon.connect().expect("the gate listens");
    let both =
        b"POST /v1/process HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}";
    connection.send_raw(both).expect("bytes can be sent");
    assert_refused(&connection.answer().expect("an answer"), 400, "malformed-request");
    assert_eq!(text(&newest_refused(&daemon), "/reason"), "malformed-request");
    let mut connection = daemon.connect().expect("the gate listens");
    connection.send_raw(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ").expect("bytes can be sent");
    // The daemon answers and closes before all is sent.
    drop(connection.send_raw(&vec![b'x'; 32 * 1024]));
    drop(connection.send_raw(b"\r\n\r\n"));
    until("a row of the huge head", PATIENCE, || {
        let row = newest_refused(&daemon);
        if row["reason"] == json!("headers-too-large") { Ok(()) } else { Err(row.to_string()) }
    });
    assert_eq!(counts(&daemon), before);
}

#[test]
fn expired_and_forbidden_tokens_are_refused_and_counted_on_the_token() {
    let daemon = with_alertmanager();
    let short = daemon.token("short", "service:Ops/DB", &["--expires", "1s", "--debug"]);
    let fenced = daemon.token("fenced", "service:Ops/DB", &["--allow-ip", "192.0.2.0/24", "--debug"]);
    until("the token's end", PATIENCE, || {
        let state = daemon.get(&format!("/v1/tokens/{}", short.id))["state"].clone();
        if state == json!("expired") { Ok(()) } else { Err(state.to_string()) }
    });
    for (token, status, slug) in [(&short, 401, "token-expired"), (&fenced, 403, "ip-not-allowed")] {
        assert_refused(&daemon.post(&token.secret, &alert("firing", "a")), status, slug);
        let usage = last_refusal(&daemon, token);
        assert_eq!(text(&usage, "/last_refusal/slug"), slug, "{usage}");
        assert_eq!(usage["counts"]["rejected"], json!(1), "{usage}");
        let row = &crate::support::tail_until(&daemon, &format!("after=0&token={}", token.id), 1)[..];
        let row = row.iter().find_map(|item| item.get("row")).cloned().unwrap_or_default();
        assert_eq!((text(&row, "/problem"), &row["status"]), (slug, &json!(status)), "{row}");
    }
    assert!(daemon.all("/v1/incidents").is_empty());
}

#[test]
fn bad_body_is_refused_and_counted_on_the_token() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let bearer = format!("Bearer {}", token.secret);
    let before = counts(&daemon);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = "x".repeat(BODY_LIMIT + 1);
    let cases: [(&str, &[u8], u16, &str); 7] = [
        ("application/json", huge.as_bytes(), 413, "body-too-large"),
        ("image/png", b"\x89PNG\r\n", 415, "unsupported-media-type"),
        ("application/octet-stream", b"\0\x01", 415, "unsupported-media-type"),
        ("application/json", b"{\"a\": \xff}", 400, "bad-encoding"),
        ("application/json", b"{\"status\": \"firing\"", 400, "malformed-json"),
        ("application/json", b"not json", 400, "malformed-json"),
        ("application/json", deep.as_bytes(), 400, "malformed-json"),
    ];
    for (n, (media, body, status, slug)) in cases.into_iter().enumerate() {
        let headers = [("authorization", bearer.as_str()), ("content-type", media)];
        let answer = request(&daemon, "POST", "/v1/process", &headers, body);
        assert_refused(&answer, status, slug);
        let usage = last_refusal(&daemon, &token);
        assert_eq!(text(&usage, "/last_refusal/slug"), slug, "{usage}");
        assert_eq!(usage["counts"]["rejected"], json!(n + 1), "{usage}");
    }
    let broken = request(
        &daemon,
        "POST",
        "/v1/process",
        &[("authorization", &bearer), ("content-type", "application/json")],
        b"{\n  \"a\": }",
    );
    assert!(text(&broken.json(), "/detail").contains("line 2"), "the place is named: {broken:?}");
    assert_eq!(counts(&daemon), before);
    assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", "a"))), "created", "the token still works");
}

#[test]
fn chunked_body_without_end_is_cut_at_the_limit() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let bearer = format!("Bearer {}", token.secret);
    let mut connection = daemon.connect().expect("the gate listens");
    let mut head = connection.head("POST", "/v1/process", &[("authorization", &bearer)]);
    head.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
    connection.send_raw(&head).expect("a head can be sent");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..9 {
        // The answer may come, and the connection end, before all is sent.
        if connection.send_raw(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let answer = connection.answer().expect("an answer comes while the body goes on");
    assert_refused(&answer, 413, "body-too-large");
    assert_eq!(text(&last_refusal(&daemon, &token), "/last_refusal/slug"), "body-too-large");
}

#[test]
fn body_that_does_not_arrive_is_refused_after_its_deadline() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let bearer = format!("Bearer {}", token.secret);
    let mut connection = daemon.connect().expect("the gate listens");
    let mut head = connection.head("POST", "/v1/process", &[("authorization", &bearer)]);
    head.extend_from_slice(b"content-length: 100\r\n\r\n{\"status\":");
    let start = std::time::Instant::now();
    connection.send_raw(&head).expect("a head can be sent");
    let answer = connection.answer().expect("an answer comes");
    assert_refused(&answer, 408, "body-timeout");
    let took = start.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(25)).contains(&took), "{took:?}");
    assert_eq!(text(&last_refusal(&daemon, &token), "/last_refusal/slug"), "body-timeout");
    assert!(daemon.all("/v1/incidents").is_empty());
}

#[test]
fn bad_changes_over_the_local_socket_are_refused_and_change_nothing() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let before = counts(&daemon);
    let filter = |path: &str, op: &str, value: &str| {
        let condition = json!({ "path": path, "op": op, "values": [value] });
        let trigger = json!({ "conditions": [condition] });
        json!({ "service": "Ops/DB", "name": "x", "spec": { "name": "x", "trigger": trigger } })
    };
    let token = |name: &str, more: Value| {
        let mut new = json!({ "name": name, "scope": "service:Ops/DB" });
        for (member, value) in more.as_object().into_iter().flatten() {
            new[member] = value.clone();
        }
        new
    };
    let long = "x".repeat(65);
    let cases = [
        ("POST", "/v1/teams", json!({ "name": "ops" }), 409, "conflict", ""),
        ("POST", "/v1/teams", json!({ "name": long }), 422, "validation", "64"),
        ("POST", "/v1/teams", json!({ "name": "" }), 422, "validation", ""),
        ("POST", "/v1/teams", json!({ "name": "a\u{202e}b" }), 422, "validation", ""),
        ("POST", "/v1/teams", json!({ "nome": "X" }), 422, "validation", "nome"),
        ("POST", "/v1/services", json!({ "team": "Ops", "name": "db" }), 409, "conflict", ""),
        ("POST", "/v1/services", json!({ "team": "Nobody", "name": "X" }), 404, "not-found", ""),
        ("POST", "/v1/filters", filter("a..b", "equals", "x"), 422, "validation", "at character 2"),
        ("POST", "/v1/filters", filter("a", "matches", "("), 422, "validation", ""),
        ("POST", "/v1/tokens", token("am", json!({})), 409, "conflict", ""),
        ("POST", "/v1/tokens", token(&long, json!({})), 422, "validation", "64"),
        ("POST", "/v1/tokens", token("x", json!({ "expires": "yesterday" })), 422, "validation", ""),
        ("POST", "/v1/tokens", token("x", json!({ "allowed_ips": ["300.1.1.1"] })), 422, "validation", ""),
        ("POST", "/v1/tokens", token("x", json!({ "scope": "team:Nobody" })), 404, "not-found", ""),
        ("GET", "/v1/tokens/nobody", Value::Null, 404, "not-found", ""),
        ("POST", "/v1/tokens/nobody/rotate", Value::Null, 404, "not-found", ""),
        ("POST", "/v1/tokens/am/revoke", json!({ "confirm": "an" }), 422, "validation", "confirm"),
        ("GET", "/v1/incidents/i_0123456789", Value::Null, 404, "not-found", ""),
        ("GET", "/v1/logs/99999", Value::Null, 404, "not-found", ""),
        ("GET", "/v1/logs?status=abc", Value::Null, 422, "validation", ""),
        ("GET", "/v1/logs?nosuch=1", Value::Null, 422, "validation", "nosuch"),
        ("GET", "/v1/nosuch", Value::Null, 404, "not-found", ""),
        ("DELETE", "/v1/teams", Value::Null, 405, "method-not-allowed", ""),
    ];
    for (method, target, body, status, slug, said) in cases {
        let answer = daemon.local(method, target, &body);
        assert_eq!((answer.status, answer.slug().as_str()), (status, slug), "{method} {target} {body}: {answer:?}");
        assert!(answer.body.contains(said), "{method} {target} {body}: {said:?} is not named: {answer:?}");
    }
    let broken = daemon.connect_local().request("POST", "/v1/teams", &[], b"{\"name\"").expect("an answer");
    assert_refused(&broken, 400, "malformed-json");
    assert_eq!(counts(&daemon), before);
}

/// A trigger with `conditions` conditions of `values` values each.
fn trigger(conditions: usize, values: usize) -> Value {
    let condition = json!({ "path": "a", "op": "equals", "values": vec!["x"; values] });
    json!({ "conditions": vec![condition; conditions] })
}

#[test]
fn filters_beyond_their_limits_are_refused_with_the_place_and_nothing_of_them_is_saved() {
    let daemon = with_alertmanager();
    let new = |trigger: Value| json!({ "service": "Ops/DB", "spec": { "name": "x", "trigger": trigger } });
    let with = |member: &str, value: Value| {
        let mut condition = json!({ "path": "a", "op": "equals", "values": ["x"] });
        condition[member] = value;
        new(json!({ "conditions": [condition] }))
    };
    let mut match_all = trigger(1, 1);
    match_all["match_all"] = json!(true);
    let mut resolve_nothing = new(trigger(1, 1));
    resolve_nothing["spec"]["resolve"] = json!({ "conditions": [] });
    let cases = [
        ("the 9th condition", new(trigger(9, 1)), "trigger.conditions", "8"),
        ("the 11th value", new(trigger(1, 11)), "trigger.conditions[0].values", "10"),
        ("a long value", with("values", json!(["x".repeat(201)])), "trigger.conditions[0].values[0]", "200"),
        ("no value", with("values", json!([])), "trigger.conditions[0].values", ""),
        ("a bad path", with("path", json!("a..b")), "trigger.conditions[0].path", "at character 2"),
        ("a long path", with("path", json!("a".repeat(257))), "trigger.conditions[0].path", "256"),
        ("a deep path", with("path", json!("a.".repeat(16) + "a")), "trigger.conditions[0].path", "16"),
        ("match_all with conditions", new(match_all), "trigger.match_all", ""),
        ("nothing at all", new(json!({})), "trigger.conditions", ""),
        ("a resolve part without conditions", resolve_nothing, "resolve.conditions", ""),
        ("an unknown preset", json!({ "service": "Ops/DB", "preset": "pager" }), "preset", "alertmanager"),
        (
            "a preset and a spec",
            json!({ "service": "Ops/DB", "preset": "grafana", "spec": { "name": "x", "trigger": trigger(1, 1) } }),
            "spec",
            "",
        ),
    ];
    let before = counts(&daemon);
    for (what, body, place, said) in cases {
        let answer = daemon.local("POST", "/v1/filters", &body);
        assert_refused(&answer, 422, "validation");
        let errors = answer.json()["errors"].clone();
        let named = errors.as_array().into_iter().flatten().find(|error| error["path"].as_str() == Some(place));
        let message = named.unwrap_or_else(|| panic!("{what}: {place} is not named: {errors}"))["message"].to_string();
        assert!(message.contains(said), "{what}: {message}");
    }
    for pattern in ["(".to_owned(), "x".repeat(257), "(a{1000}){1000}".to_owned(), "a{99999}".to_owned()] {
        let condition = json!({ "path": "a", "op": "matches", "values": [pattern] });
        let answer = daemon.local("POST", "/v1/filters", &new(json!({ "conditions": [condition] })));
        assert_refused(&answer, 422, "validation");
        assert!(text(&answer.json(), "/errors/0/path").starts_with("trigger.conditions[0].values"), "{answer:?}");
    }
    assert_eq!(counts(&daemon), before);
}

#[test]
fn the_33rd_filter_of_a_service_is_refused() {
    let daemon = with_alertmanager();
    let filter = |name: &str| json!({ "service": "Ops/DB", "spec": { "name": name, "trigger": trigger(1, 1) } });
    for n in 2..=32 {
        let made = daemon.local("POST", "/v1/filters", &filter(&format!("filter {n}")));
        assert_eq!(made.status, 201, "{n}: {made:?}");
    }
    let before = counts(&daemon);
    let one_more = daemon.local("POST", "/v1/filters", &filter("one more"));
    assert_refused(&one_more, 422, "validation");
    assert!(text(&one_more.json(), "/detail").contains("32"), "{one_more:?}");
    assert_eq!(counts(&daemon), before);
}

#[test]
fn reference_that_fits_several_objects_is_refused_with_the_list() {
    let daemon = Daemon::start();
    for team in ["Ops", "Net"] {
        daemon.cli(["team", "create", team]).expect(0);
        daemon.cli(["service", "create", &format!("{team}/DB")]).expect(0);
    }
    let answer = daemon.local("GET", "/v1/services/DB", &Value::Null);
    assert_refused(&answer, 409, "conflict");
    assert!(answer.body.contains("Ops/DB") && answer.body.contains("Net/DB"), "{answer:?}");
    let ran = daemon.cli(["service", "show", "DB"]).expect(1);
    assert!(ran.stderr.contains("Ops/DB") && ran.stderr.contains("Net/DB"), "{ran:?}");
}

#[test]
fn command_line_names_what_is_wrong_by_its_exit_code() {
    let daemon = with_alertmanager();
    let cases: [(&[&str], i32); 8] = [
        (&["token", "show", "nobody"], 66),
        (&["team", "create", "Ops"], 1),
        (&["team", "create", &"x".repeat(65)], 65),
        (&["token", "create", "x", "--scope", "team:Nobody"], 66),
        (&["token", "create", "x"], 64),
        (&["nosuch"], 64),
        (&["log", "--outcome", "nosuch"], 64),
        (&["--help"], 0),
    ];
    for (args, status) in cases {
        let ran = daemon.cli_with(args, b"");
        assert_eq!(ran.status, Some(status), "{args:?}: {ran:?}");
        assert_eq!(status != 0, ran.stdout.is_empty(), "{args:?}: {ran:?}");
    }
}
