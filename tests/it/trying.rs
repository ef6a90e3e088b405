//! Trying: a proposal over logged calls says what it would change, changes nothing, and stands in nobody's way.

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::http::Connection;
use tollgate_tests::wait::{self, PATIENCE};

/// Calls of the run that nobody reads: their lines are more than all buffers between hold.
const MANY_CALLS: usize = 1_000;

fn filter(value: &str) -> Value {
    json!({ "name": "alerts", "trigger": {
        "conditions": [{ "path": "status", "op": "equals", "values": [value] }],
        "title_from": ["title"], "correlate": ["key"] } })
}

/// A service `Ops/DB` with a filter for `firing`, and a token with debug on.
fn world(daemon: &Daemon) -> Token {
    daemon.cli(["team", "create", "Ops"]).expect(0);
    daemon.cli(["service", "create", "Ops/DB"]).expect(0);
    save(daemon, &["filter", "create", "--service", "Ops/DB", "--file", "-"], "firing");
    daemon.token("sender", "service:Ops/DB", &["--debug"])
}

fn save(daemon: &Daemon, args: &[&str], value: &str) {
    daemon.cli_with(args, filter(value).to_string().as_bytes()).expect(0);
}

fn call(status: &str, key: usize) -> String {
    json!({ "status": status, "title": "disk full", "key": key.to_string() }).to_string()
}

/// The log is one commit behind: waits until the row is there.
fn logged(daemon: &Daemon, rows: usize) {
    wait::until("the calls are in the log", PATIENCE, || {
        let last = daemon.get("/v1/status")["log"]["last_seq"].as_u64().unwrap_or(0);
        if last >= rows as u64 { Ok(()) } else { Err(format!("last seq {last}")) }
    });
}

fn count(report: &Value, member: &str) -> u64 {
    report["report"][member].as_u64().expect("a report counts")
}

#[test]
fn a_proposed_filter_gains_and_loses_logged_calls_and_is_not_saved() {
    let daemon = Daemon::start();
    let token = world(&daemon);
    for (number, status) in ["firing", "firing", "burning", "else"].into_iter().enumerate() {
        daemon.post(&token.secret, &call(status, number));
    }
    logged(&daemon, 4);
    let proposed = filter("burning").to_string();
    let args = ["--output", "json", "what-if", "filter", "Ops/DB/alerts", "--file", "-"];
    let found = daemon.cli_with(&args, proposed.as_bytes()).expect(2).json();
    let counts = ["calls", "gained", "lost", "unchanged", "cannot_tell"].map(|member| count(&found, member));
    assert_eq!(counts, [4, 1, 2, 1, 0]);
    assert_eq!(found["rows"][0]["verdict"], "lost");
    let saved = daemon.cli_json(["filter", "show", "Ops/DB/alerts"]);
    assert_eq!(saved["spec"]["trigger"]["conditions"][0]["values"][0], "firing", "nothing was saved");
    let revoked =
        daemon.cli_with(&["--output", "json", "what-if", "token", "sender", "--revoke"], b"").expect(2).json();
    assert_eq!((count(&revoked, "lost"), revoked["report"]["lost_from"][0]["calls"].as_u64()), (4, Some(4)));
    assert_eq!(daemon.post(&token.secret, &call("firing", 9)).status, 201, "the token works on");
}

#[test]
fn tokens_without_debug_are_named_because_their_calls_were_not_looked_at() {
    let daemon = Daemon::start();
    world(&daemon);
    let silent = daemon.token("silent", "global", &[]);
    daemon.post(&silent.secret, &call("firing", 1));
    let found = daemon.cli_with(&["--output", "json", "filter", "try", "--service", "Ops/DB", "--log"], b"").expect(0);
    let report = &found.json()["report"];
    assert_eq!(report["not_looked_at_total"], 1);
    assert_eq!(report["not_looked_at"][0]["token"]["name"], "silent");
}

#[test]
fn a_logged_call_is_replayed_as_a_dry_run_and_sent_for_real_only_when_asked() {
    let daemon = Daemon::start();
    let token = world(&daemon);
    assert_eq!(daemon.post(&token.secret, &call("burning", 1)).status, 202);
    logged(&daemon, 1);
    save(&daemon, &["filter", "edit", "Ops/DB/alerts", "--file", "-"], "burning");
    let replayed = daemon.cli_json(["log", "replay", "1"]);
    assert_eq!((replayed["verdict"].as_str(), replayed["then_outcome"].as_str()), (Some("gained"), Some("no_match")));
    assert!(daemon.all("/v1/incidents").is_empty(), "a dry run opens nothing");
    let file = daemon.home().join("token");
    std::fs::write(&file, &token.secret).unwrap();
    let args = ["--yes", "log", "replay", "1", "--for-real", "--token-file", file.to_str().unwrap()];
    let sent = daemon.cli_with(&args, b"").expect(0);
    assert!(sent.stderr.contains("this sends a real call"), "{}", sent.stderr);
    assert_eq!(daemon.all("/v1/incidents").len(), 1);
    assert!(!daemon.log_text().contains(&token.secret));
}

#[test]
fn a_filter_is_moved_switched_and_edited_and_a_lost_update_is_refused() {
    let daemon = Daemon::start();
    world(&daemon);
    daemon.cli(["filter", "create", "--service", "Ops/DB", "--preset", "zabbix"]).expect(0);
    daemon.cli(["filter", "move", "Ops/DB/zabbix", "--to", "1"]).expect(0);
    daemon.cli(["filter", "disable", "Ops/DB/alerts"]).expect(0);
    let filters = daemon.all("/v1/filters");
    let names: Vec<_> = filters.iter().map(|filter| (&filter["spec"]["name"], &filter["position"])).collect();
    assert_eq!(names, [(&json!("zabbix"), &json!(1)), (&json!("alerts"), &json!(2))]);
    assert_eq!(filters[1]["spec"]["enabled"], false);
    let target = format!("/v1/filters/{}", filters[1]["id"].as_str().unwrap());
    let version = format!("\"{}\"", filters[1]["version"].as_str().unwrap());
    let patch = |body: Value| {
        let headers = [("content-type", "application/json"), ("if-match", version.as_str())];
        daemon.connect_local().request("PATCH", &target, &headers, body.to_string().as_bytes()).unwrap()
    };
    assert_eq!(patch(json!({ "enabled": true })).status, 200);
    assert_eq!(patch(json!({ "enabled": false })).slug(), "version-mismatch");
    let taken = daemon.local("PATCH", &target, &json!({ "name": "Zabbix" }));
    assert_eq!(taken.status, 409);
}

#[test]
fn a_bad_path_in_a_file_is_shown_with_a_mark_under_its_character() {
    let daemon = Daemon::start();
    world(&daemon);
    let bad = json!({ "name": "b", "trigger": { "conditions": [{ "path": "alerts[x].s", "op": "exists" }] } });
    let refused =
        daemon.cli_with(&["filter", "create", "--service", "Ops/DB", "--file", "-"], bad.to_string().as_bytes());
    let said = refused.expect(65).stderr;
    assert!(said.contains("    alerts[x].s\n           ^\n"), "{said}");
}

/// Opens a run and reads nothing of its answer.
fn unread_run(daemon: &Daemon) -> Connection {
    let mut everything = filter("x");
    everything["trigger"] = json!({ "match_all": true, "title_from": ["title"] });
    let what = json!({ "filter": { "service": "Ops/DB", "spec": everything }, "rows": 1_000 });
    let mut connection = daemon.connect_local();
    let body = what.to_string();
    connection
        .send("POST", "/v1/what-if", &[("content-type", "application/json")], body.as_bytes())
        .expect("a request can be sent");
    assert_eq!(connection.answer_head().expect("it answers").0, 200);
    connection
}

#[test]
fn a_run_that_nobody_reads_holds_up_no_call_and_hanging_up_ends_it() {
    let daemon = Daemon::start();
    let token = world(&daemon);
    let bearer = format!("Bearer {}", token.secret);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let long = json!({ "status": "else", "title": "t".repeat(2_000) }).to_string();
    let mut gate = daemon.connect().unwrap();
    for _ in 0..MANY_CALLS {
        assert_eq!(gate.request("POST", "/v1/process", &headers, long.as_bytes()).unwrap().status, 202);
    }
    logged(&daemon, MANY_CALLS);
    let runs = [unread_run(&daemon), unread_run(&daemon)];
    let third = daemon.local("POST", "/v1/what-if", &json!({ "filter": { "service": "Ops/DB" } }));
    assert_eq!((third.status, third.slug()), (503, "overloaded".to_owned()));
    assert!(third.header("retry-after").is_some());
    for number in 0..50 {
        assert_eq!(daemon.post(&token.secret, &call("firing", number)).status, 201, "calls go on meanwhile");
    }
    drop(runs);
    wait::until("a run ends when its reader hangs up", PATIENCE, || {
        let again = daemon.local("POST", "/v1/what-if", &json!({ "filter": { "service": "Ops/DB" } }));
        if again.status == 200 { Ok(()) } else { Err(again.status.to_string()) }
    });
}
