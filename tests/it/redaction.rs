//! Operators' rules of redaction: tried, saved, in force at once, kept over a restart; filters see the original.

use serde_json::{Value, json};

use crate::support::{alert, outcome, text, with_alertmanager};

const SECRET: &str = "kx-7755-kilo";

fn body(key: &str) -> String {
    let mut body: Value = serde_json::from_str(&alert("firing", key)).expect("it is JSON");
    body["customer"] = json!({ "pin": SECRET, "note": format!("card {SECRET} seen") });
    body.to_string()
}

#[test]
fn a_rule_is_tried_on_a_sample_saved_and_in_force_at_once_and_after_a_restart() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    std::fs::write(daemon.home().join("sample.json"), body("s")).expect("a file can be written");

    let missed =
        daemon.cli(["redaction", "add", "pin", "--path", "customer.pim", "--sample", "sample.json"]).expect(65);
    assert!(missed.stderr.contains("cuts nothing"), "{missed:?}");
    let untold = daemon.cli(["redaction", "add", "pin", "--path", "customer.pin"]).expect(64);
    assert!(untold.stderr.contains("--sample"), "{untold:?}");
    assert_eq!(daemon.all("/v1/redaction").len(), 0);
    let tried = daemon.cli(["redaction", "try", "sample.json", "--pattern", "kx-(\\d+)-kilo"]).expect(0);
    assert!(tried.stdout.contains("kx-[redacted]-kilo") && !tried.stdout.contains("7755"), "{tried:?}");
    assert!(tried.stdout.contains("cuts something here"), "{tried:?}");
    daemon.cli(["redaction", "try", "sample.json", "--pattern", "zzz"]).expect(2);

    assert!(outcome(&daemon.post(&token.secret, &body("before"))) == "created");
    let saved = daemon.cli(["redaction", "add", "pin", "--path", "customer.pin", "--sample", "sample.json"]).expect(0);
    assert!(saved.stdout.contains("redaction rule pin saved"), "{saved:?}");
    daemon.cli(["redaction", "add", "cards", "--pattern", "(?i)card (\\S+)", "--untried"]).expect(0);
    assert_eq!(outcome(&daemon.post(&token.secret, &body("after"))), "created", "filters see the original");
    daemon.restart();
    assert_eq!(outcome(&daemon.post(&token.secret, &body("restarted"))), "created");
    let rows = daemon.all("/v1/logs");
    let bodies: Vec<&str> = rows.iter().map(|row| text(row, "/body")).collect();
    assert!(bodies[0].contains(SECRET), "no rule was in force: {}", bodies[0]);
    for body in &bodies[1..] {
        assert!(body.contains("card [redacted] seen") && !body.contains(SECRET), "{body}");
    }

    let twice = daemon.cli(["redaction", "add", "PIN", "--path", "a", "--untried"]).expect(1);
    assert!(twice.stderr.contains("already"), "{twice:?}");
    daemon.cli(["redaction", "remove", "pin"]).expect(64);
    daemon.cli(["redaction", "remove", "pin", "--yes"]).expect(0);
    daemon.cli(["redaction", "remove", "pin", "--yes"]).expect(66);
    let listed = daemon.cli(["redaction", "list"]).expect(0);
    assert!(listed.stdout.contains("cards") && listed.stdout.contains("pattern (?i)card"), "{listed:?}");
    let audit = daemon.get("/v1/audit?action=redaction");
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(3), "{audit}");
}

#[test]
fn a_filter_matches_on_what_a_rule_keeps_out_of_the_log() {
    let daemon = with_alertmanager();
    let filter = json!({"name": "pin", "trigger": {
        "conditions": [{"path": "customer.pin", "op": "equals", "values": [SECRET]}],
        "title_from": ["customer.pin"], "priority": "P1",
    }});
    let made = daemon.local("POST", "/v1/filters", &json!({ "service": "Ops/DB", "spec": filter }));
    assert_eq!(made.status, 201, "{made:?}");
    let rule = json!({ "name": "pin", "path": "customer.pin", "sample": { "body": body("x") } });
    assert_eq!(daemon.local("POST", "/v1/redaction", &rule).status, 201);
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let call = json!({ "customer": { "pin": SECRET } }).to_string();
    assert_eq!(outcome(&daemon.post(&token.secret, &call)), "created");
    let (row, incidents) = (daemon.get("/v1/logs/1"), daemon.all("/v1/incidents"));
    assert!(!row["body"].to_string().contains(SECRET), "{row}");
    assert!(!incidents[0]["title"].to_string().contains(SECRET), "{incidents:?}");
}
