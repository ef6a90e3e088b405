//! The query language through the real socket: history and tail, errors with their place, counts, kept queries.

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Setup, Token};
use tollgate_tests::http::Answer;

use crate::support::{Tail, alert, text, with_alertmanager};

/// Calls of one round, as [`round`] sends them: a seq of the log is this plus the rounds before.
const ROUND: u64 = 5;

struct Senders {
    billing: Token,
    other: Token,
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn senders(daemon: &Daemon) -> Senders {
    Senders {
        billing: daemon.token("billing-ci", "service:Ops/DB", &["--debug"]),
        other: daemon.token("other", "global", &["--debug"]),
    }
}

/// 1 and 2 open incidents, 3 repeats 1, 4 and 5 match nothing.
fn round(daemon: &Daemon, senders: &Senders, number: usize) {
    let critical = json!({
        "version": "4", "status": "firing", "groupKey": format!("a{number}"),
        "commonLabels": { "severity": "critical" }, "commonAnnotations": { "summary": "disk full on \"web 01\"" },
        "alerts": [{ "labels": { "severity": "critical" } }],
    });
    for (token, body) in [
        (&senders.billing, critical.to_string()),
        (&senders.other, alert("firing", &format!("b{number}"))),
        (&senders.billing, critical.to_string()),
        (&senders.billing, json!({ "hello": "World", "alerts": [] }).to_string()),
        (&senders.other, json!({ "hello": "Wörld", "n": 7 }).to_string()),
    ] {
        assert!(daemon.post(&token.secret, &body).is_success());
    }
}

/// The issue's examples and what each finds in a round.
const QUERIES: [(&str, &[u64]); 24] = [
    ("", &[1, 2, 3, 4, 5]),
    ("token:billing-ci", &[1, 3, 4]),
    ("token:BILLING-CI outcome:no_match", &[4]),
    ("outcome:no_match", &[4, 5]),
    ("status:>=400", &[]),
    ("status:2xx -status:202", &[1, 2, 3]),
    ("ip:10.0.0.0/8", &[]),
    ("ip:127.0.0.0/8 not token:other", &[1, 3, 4]),
    ("service:db", &[1, 2, 3, 4]),
    ("service:Ops/DB outcome:created", &[1, 2]),
    ("team:ops outcome:duplicate", &[3]),
    ("since:15m", &[1, 2, 3, 4, 5]),
    ("world", &[4]),
    ("WÖRLD", &[5]),
    (r#""disk full""#, &[1, 3]),
    (r#"disk or hello"#, &[1, 3, 4, 5]),
    (r#"(disk or hello) and not outcome:duplicate"#, &[1, 4, 5]),
    (r#"body:"full on \\\"web 01""#, &[1, 3]),
    (r#"body.alerts[0].labels.severity = "critical""#, &[1, 3]),
    ("body.commonLabels.severity = CRITICAL", &[1, 2, 3]),
    ("body.n > 6", &[5]),
    ("body.hello != world -disk", &[2, 5]),
    ("method:post path:process bytes:<60", &[4, 5]),
    ("token:billing-ci outcome:no_match status:2xx ip:127.0.0.1 service:db since:15m hello", &[4]),
];

#[test]
fn every_example_finds_the_right_rows_in_history_and_in_the_tail() {
    let daemon = with_alertmanager();
    let senders = senders(&daemon);
    round(&daemon, &senders, 0);
    for (query, expected) in QUERIES {
        let rows = daemon.get(&format!("/v1/logs?q={}", encoded(query)))["items"].clone();
        assert_eq!(seqs(&rows), expected, "{query}");
    }
    let mut tails: Vec<_> = QUERIES
        .iter()
        .filter(|(_, expected)| !expected.is_empty())
        .map(|(query, expected)| (query, expected, Tail::open(&daemon, &format!("after=0&q={}", encoded(query)))))
        .collect();
    round(&daemon, &senders, 1);
    round(&daemon, &senders, 2);
    for (query, expected, tail) in &mut tails {
        let all: Vec<u64> = (0..3).flat_map(|number| expected.iter().map(move |seq| seq + number * ROUND)).collect();
        let seen: Vec<u64> = all.iter().map(|_| next_row(tail)).collect();
        assert_eq!(seen, all, "{query}");
    }
}

#[test]
fn a_call_and_an_incident_are_found_by_pieces_of_their_ids() {
    let daemon = with_alertmanager();
    round(&daemon, &senders(&daemon), 0);
    let row = daemon.get("/v1/logs/1");
    let (call, incident) = (text(&row, "/call").to_owned(), text(&row, "/incidents/0").to_owned());
    // The end of an id is its random part.
    for (query, expected) in [
        (format!("call:{call}"), vec![1]),
        (format!("call:{}", &call[24..]), vec![1]),
        (format!("incident:{}", &incident[24..]), vec![1]),
        (format!("incident:{incident} outcome:no_match"), Vec::new()),
    ] {
        assert_eq!(seqs(&daemon.get(&format!("/v1/logs?q={}", encoded(&query)))["items"]), expected, "{query}");
    }
    let mut tail = Tail::open(&daemon, &format!("after=0&q=call:{call}"));
    assert_eq!(next_row(&mut tail), 1);
}

#[test]
fn what_is_no_query_is_refused_with_its_place_and_a_suggestion() {
    let daemon = with_alertmanager();
    senders(&daemon);
    for (target, query, at, suggestion) in [
        ("/v1/logs", "outcome:no_mach", [8, 15], Some("no_match")),
        ("/v1/logs", "a tokn:x", [2, 6], Some("token")),
        ("/v1/logs", "token:billing-c", [6, 15], Some("billing-ci")),
        ("/v1/logs", "service:DC", [8, 10], Some("DB")),
        ("/v1/logs", "since:2100-01-01", [6, 16], None),
        ("/v1/logs/histogram", "(a", [0, 1], None),
        ("/v1/tokens", "state:dead", [6, 10], None),
        ("/v1/tokens", "expire:<14d", [0, 6], Some("expires")),
        ("/v1/incidents", "state:opne", [6, 10], Some("open")),
        ("/v1/audit", "actr:piet", [0, 4], Some("actor")),
    ] {
        let answer = daemon.local("GET", &format!("{target}?q={}", encoded(query)), &Value::Null);
        let problem = refused(&answer, 422);
        assert_eq!(problem["errors"][0]["path"], "q", "{query}: {problem}");
        assert_eq!(problem["errors"][0]["at"], json!(at), "{query}: {problem}");
        assert_eq!(problem["errors"][0]["suggestion"].as_str(), suggestion, "{query}: {problem}");
        assert!(text(&problem, "/detail").contains(&format!("character {}", at[0] + 1)), "{problem}");
    }
    let over = daemon.local("GET", "/v1/logs?follow=true&q=until:5m", &Value::Null);
    assert!(text(&refused(&over, 422), "/detail").contains("nothing to follow"));
    let drawn = daemon.cli(["log", "token:billing-c or a"]).expect(65);
    assert!(drawn.stderr.contains("    token:billing-c or a\n          ^^^^^^^^^\n"), "{}", drawn.stderr);
    assert!(drawn.stderr.contains("did you mean `billing-ci`?"), "{}", drawn.stderr);
    daemon.cli(["log", "tokn:a"]).expect(64);
}

#[test]
fn tokens_incidents_and_audit_are_asked_in_the_same_language() {
    let daemon = with_alertmanager();
    round(&daemon, &senders(&daemon), 0);
    daemon.cli(["token", "revoke", "other", "--confirm", "other"]).expect(0);
    let names = |query: &str| -> Vec<String> {
        let page = daemon.get(&format!("/v1/tokens?q={}", encoded(query)));
        let items = page["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|token| text(token, "/name").to_owned()).collect()
    };
    assert_eq!(names("used:<1h debug:on scope:Ops/DB"), ["billing-ci"]);
    assert_eq!(names("billing or oth"), ["billing-ci"], "who was revoked is asked for by his state");
    assert_eq!(
        (names("state:revoked"), names("state:revoked or billing")),
        (vec!["other".into()], vec!["billing-ci".into(), "other".into()])
    );
    let count = |target: &str, query: &str| {
        let page = daemon.get(&format!("{target}?q={}", encoded(query)));
        page["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("/v1/incidents", "state:open service:db"), 2);
    assert_eq!(count("/v1/incidents", "token:billing-ci occurrences:>=1 since:1h"), 1);
    assert_eq!(count("/v1/incidents", "state:resolved or nothing"), 0);
    // Words stand in the description too, which no list holds.
    assert_eq!(count("/v1/incidents", "b0"), 1);
    assert_eq!(count("/v1/audit", "action:token.create -billing"), 1);
    assert_eq!(count("/v1/audit", "action:token.revoke since:1h target:other"), 1);
    let bulk = json!({ "action": "suspend", "q": "name:billing -state:suspended", "confirm_count": 1 });
    assert_eq!(daemon.local("POST", "/v1/tokens/bulk", &bulk).json()["done"], true);
    assert_eq!(names("state:suspended"), ["billing-ci"]);
    let all = json!({ "action": "suspend", "q": "  ", "confirm_count": 1 });
    assert_eq!(daemon.local("POST", "/v1/tokens/bulk", &all).status, 422);
}

#[test]
fn counts_come_from_the_index_where_it_says_all_and_agree_with_the_rows() {
    let daemon = with_alertmanager();
    let senders = senders(&daemon);
    (0..4).for_each(|number| round(&daemon, &senders, number));
    let count = |query: &str| {
        let found = daemon.get(&format!("/v1/logs/histogram?buckets=10&q={}", encoded(query)));
        let sum = |outcome: &str| -> u64 {
            let buckets = found["buckets"].as_array().cloned().unwrap_or_default();
            buckets.iter().filter_map(|bucket| bucket["counts"][outcome].as_u64()).sum()
        };
        assert_eq!(found["exact"], true, "{found}");
        (text(&found, "/counted_by").to_owned(), sum("created"), sum("no_match"))
    };
    assert_eq!(count(""), ("heads".into(), 8, 8));
    assert_eq!(count("token:billing-ci"), ("heads".into(), 4, 4));
    assert_eq!(count("outcome:no_match or outcome:rejected"), ("heads".into(), 0, 8));
    assert_eq!(count("hello"), ("rows".into(), 0, 8));
    assert_eq!(count("service:db outcome:created"), ("rows".into(), 8, 0));
    let strip = daemon.cli(["log", "--histogram", "outcome:created"]).expect(0).stdout;
    assert!(strip.contains("8 calls: created 8") && strip.contains("exact, counted by the index"), "{strip}");
    assert_eq!(daemon.local("GET", "/v1/logs/histogram?buckets=0", &Value::Null).status, 422);
    assert_eq!(daemon.local("GET", "/v1/logs/histogram?since=2100-01-01", &Value::Null).status, 422);
}

#[test]
fn a_query_is_kept_under_a_name_and_used_by_it() {
    let mut daemon = with_alertmanager();
    round(&daemon, &senders(&daemon), 0);
    daemon.cli(["query", "save", "logs", "lost calls", "outcome:no_match or status:>=400"]).expect(0);
    daemon.restart();
    let rows = daemon.cli_json(["log", "@lost calls", "token:billing-ci"]);
    assert_eq!(seqs(&rows), [4]);
    let kept = daemon.get("/v1/queries?screen=logs");
    assert_eq!(kept["items"][0]["q"], "outcome:no_match or status:>=400");
    assert_eq!(daemon.get("/v1/queries?screen=tokens")["items"], json!([]));
    daemon.cli(["log", "@none"]).expect(66);
    let bad = daemon.local("PUT", "/v1/queries/logs/x", &json!({ "q": "tokn:a" }));
    assert_eq!(refused(&bad, 422)["errors"][0]["at"], json!([0, 4]));
    daemon.cli(["query", "delete", "logs", "LOST calls"]).expect(0);
    assert_eq!(daemon.get("/v1/queries")["items"], json!([]));
    let audited = daemon.get("/v1/audit?q=action:query");
    assert_eq!(audited["items"].as_array().map(Vec::len), Some(2), "{audited}");
}

#[test]
fn a_reading_is_audited_once_with_the_query_as_it_was_asked() {
    let daemon = with_alertmanager();
    senders(&daemon);
    for _ in 0..3 {
        daemon.get(&format!("/v1/logs?limit=1&q={}", encoded("token:billing-ci body:\"disk full\"")));
    }
    let rows = daemon.get("/v1/audit?q=action:log.read");
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows["items"][0]["detail"], "q=token:billing-ci body:\"disk full\"");
}

#[test]
fn more_tails_of_one_uid_than_the_setting_allows_are_refused_in_words() {
    let daemon = Setup::default().env("TOLLGATE_TAILS_PER_UID", "2").start();
    let tails = [Tail::open(&daemon, ""), Tail::open(&daemon, "")];
    let answer = daemon.local("GET", "/v1/logs?follow=true", &Value::Null);
    let problem = refused(&answer, 429);
    assert!(text(&problem, "/detail").contains("2 tails of the log are open"), "{problem}");
    assert!(text(&problem, "/detail").contains("limits.tails_per_uid"), "{problem}");
    drop(tails);
    tollgate_tests::wait::until("the places are given back", tollgate_tests::wait::PATIENCE, || {
        let open = daemon.get("/v1/status").to_string();
        if open.contains("\"tails\":0") { Ok(()) } else { Err(open) }
    });
    let mut tail = Tail::open(&daemon, "");
    assert!(tail.next().get("heartbeat").is_some());
}

#[test]
fn a_cursor_of_another_daemon_is_a_gap_and_no_error() {
    let daemon = with_alertmanager();
    let senders = senders(&daemon);
    round(&daemon, &senders, 0);
    let mut tail = Tail::open(&daemon, "after=deadbeef.3");
    let first = tail.next();
    assert_eq!(first, json!({ "gap": { "from": 1, "to": 5, "count": 5, "reason": "expired" } }));
    round(&daemon, &senders, 1);
    assert_eq!(next_row(&mut tail), 6);
}

fn seqs(rows: &Value) -> Vec<u64> {
    rows.as_array().into_iter().flatten().filter_map(|row| row["seq"].as_u64()).collect()
}

/// The next row's seq; heartbeats are left out, a gap is a fault.
#[track_caller]
fn next_row(tail: &mut Tail) -> u64 {
    loop {
        let item = tail.next();
        assert!(item.get("gap").is_none(), "{item}");
        if let Some(seq) = item.pointer("/row/seq").and_then(Value::as_u64) {
            return seq;
        }
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    answer.json()
}
