//! `tollgate log export`: every row once, in a file of one's own, safe to open elsewhere.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tollgate_tests::daemon::Daemon;

use crate::support::with_alertmanager;

/// More than one page.
const CALLS: usize = 230;

fn filled() -> Daemon {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let mut connection = daemon.connect().expect("a connection");
    let bearer = format!("Bearer {}", token.secret);
    for n in 0..CALLS {
        let body = json!({ "text": format!("=HYPERLINK(\"{n}\")\u{1b}[31m, \"quoted\"\nline") }).to_string();
        let target = "/v1/process?from=%3Dcmd%7C%27%20/C&x=1";
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json"), ("user-agent", "@SUM(1)")];
        let answer = connection.request("POST", target, &headers, body.as_bytes()).expect("an answer");
        assert!(answer.is_success(), "{answer:?}");
    }
    daemon
}

fn read(daemon: &Daemon, name: &str) -> String {
    std::fs::read_to_string(daemon.home().join(name)).expect("the file can be read")
}

#[test]
fn rows_are_exported_once_each_to_a_file_for_its_owner_that_is_not_overwritten() {
    let daemon = filled();
    let done = daemon.cli(["log", "export", "--to", "rows.jsonl"]).expect(0);
    assert!(done.stderr.contains(&format!("{CALLS} rows exported to rows.jsonl")), "{done:?}");
    assert!(done.stdout.is_empty(), "{done:?}");
    let rows: Vec<Value> =
        read(&daemon, "rows.jsonl").lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let seqs: Vec<u64> = rows.iter().filter_map(|row| row["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=CALLS as u64).collect::<Vec<_>>());
    let mode = std::fs::metadata(daemon.home().join("rows.jsonl")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = daemon.cli(["log", "export", "--to", "rows.jsonl"]).expect(65);
    assert!(again.stderr.contains("exists already") && again.stderr.contains("--force"), "{again:?}");
    daemon.cli(["log", "export", "--to", "rows.jsonl", "--force", "--after", "200"]).expect(0);
    assert_eq!(read(&daemon, "rows.jsonl").lines().count(), CALLS - 200, "on from where one ended");
    let piped = daemon.cli(["log", "export", "--outcome", "created"]).expect(0);
    assert!(piped.stdout.is_empty() && piped.stderr.contains("no such rows"), "{piped:?}");
    daemon.cli(["--output", "json", "log", "export"]).expect(64);
    daemon.cli(["--output", "har", "token", "list"]).expect(64);
    daemon.cli(["log", "--token", "am", "export"]).expect(64);
}

#[test]
fn comma_separated_rows_hold_no_formula_and_no_escape_sequence() {
    let daemon = filled();
    daemon.cli(["--output", "csv", "log", "export", "--to", "rows.csv"]).expect(0);
    let text = read(&daemon, "rows.csv");
    assert!(!text.contains('\u{1b}'), "no escape sequence");
    let mut lines = text.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("seq,at,outcome,status,") && head.ends_with(",body")));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), CALLS, "a row is a line");
    for line in lines {
        assert!(line.contains(",\"'@SUM(1)\",") || line.contains(",'@SUM(1),"), "{line}");
        let cells = line.split(',').map(|cell| cell.trim_start_matches('"'));
        assert!(!cells.clone().any(|cell| cell.starts_with(['=', '+', '@']) && cell.len() > 1), "{line}");
    }
}

#[test]
fn an_http_archive_has_every_member_that_its_format_asks_for() {
    let daemon = filled();
    daemon.cli(["--output", "har", "log", "export", "--to", "rows.har"]).expect(0);
    let archive: Value = serde_json::from_str(&read(&daemon, "rows.har")).expect("it is one JSON document");
    assert_eq!(archive["log"]["version"], "1.2");
    assert!(archive["log"]["creator"]["name"].is_string() && archive["log"]["creator"]["version"].is_string());
    let entries = archive["log"]["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), CALLS);
    for entry in entries {
        for member in ["startedDateTime", "time", "request", "response", "cache", "timings"] {
            assert!(!entry[member].is_null(), "{member}: {entry}");
        }
        let request = ["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"];
        let response = [
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
            "headersSize",
            "bodySize",
        ];
        assert!(request.iter().all(|member| !entry["request"][*member].is_null()), "{entry}");
        assert!(response.iter().all(|member| !entry["response"][*member].is_null()), "{entry}");
        assert!(["send", "wait", "receive"].iter().all(|member| entry["timings"][*member].is_number()), "{entry}");
        assert_eq!(entry["request"]["queryString"][0], json!({ "name": "from", "value": "=cmd|' /C" }));
        assert_eq!(entry["request"]["postData"]["mimeType"], "application/json");
    }
}

#[test]
fn query_is_evaluated_in_the_daemon_and_a_refused_one_leaves_no_file() {
    let daemon = filled();
    let other = daemon.token("other", "service:Ops/DB", &["--debug"]);
    for n in 0..3 {
        assert!(daemon.post(&other.secret, &json!({ "disk": { "free": n } }).to_string()).is_success());
    }
    let exported = |args: &[&str]| -> Vec<Value> {
        let mut all = vec!["--output", "jsonl", "log", "export"];
        all.extend_from_slice(args);
        let done = daemon.cli_with(&all, b"").expect(0);
        done.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    };
    let seqs = |rows: Vec<Value>| rows.iter().filter_map(|row| row["seq"].as_u64()).collect::<Vec<_>>();
    let first = CALLS as u64 + 1;
    assert_eq!(seqs(exported(&["token:other"])), [first, first + 1, first + 2], "as words behind the verb");
    assert_eq!(seqs(exported(&["token:other", "body.disk.free", ">=", "1"])), [first + 1, first + 2]);
    assert_eq!(seqs(exported(&["-Q", "-token:am body.disk.free = 0"])), [first], "as an option");
    assert_eq!(exported(&["token:am"]).len(), CALLS, "more than one page");
    assert_eq!(seqs(exported(&["token:other", "--after", &(first + 1).to_string()])), [first + 2]);
    daemon.cli(["query", "save", "logs", "mine", "token:other"]).expect(0);
    assert_eq!(exported(&["@mine"]).len(), 3, "one that was kept");

    let wrong = daemon.cli(["log", "export", "tokn:other", "--to", "wrong.jsonl"]).expect(64);
    assert!(wrong.stderr.contains("token"), "with a suggestion: {wrong:?}");
    let nobody = daemon.cli(["log", "export", "token:nobody", "--to", "nobody.jsonl"]).expect(65);
    assert!(nobody.stderr.contains("nobody"), "{nobody:?}");
    for name in ["wrong.jsonl", "nobody.jsonl"] {
        assert!(!daemon.home().join(name).try_exists().expect("it can be asked"), "{name}");
    }
    daemon.cli(["--output", "csv", "log", "export", "token:other", "--to", "rows.csv"]).expect(0);
    assert_eq!(read(&daemon, "rows.csv").lines().count(), 1 + 3, "in every form");
}
