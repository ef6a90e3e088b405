//! Job 2: "my Zabbix webhook creates nothing": each real cause has a place where it is seen.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::fixtures::recorded;
use tollgate_tests::wait::{PATIENCE, until};

use super::{go, on_tokens, post_from, token};
use crate::desk::press;

/// A service with the Zabbix preset, and the sender's token.
fn with_zabbix(debug: &[&str]) -> (Daemon, Token) {
    let daemon = Daemon::start();
    daemon.service("Network", "zabbix");
    let sender = daemon.token("zabbix-prod", "service:Ops/Network", debug);
    (daemon, sender)
}

fn problem() -> Value {
    serde_json::from_slice(&recorded("zabbix_problem").body).expect("it is JSON")
}

/// Without a field, as a script sends it that is older than the preset.
fn without(field: &str) -> String {
    let mut body = problem();
    body.as_object_mut().expect("an object").remove(field);
    body.to_string()
}

fn call(daemon: &Daemon, method: &str, target: &str, authorization: &str) -> (u16, String) {
    let mut connection = daemon.connect().expect("it listens");
    let headers = [("authorization", authorization), ("content-type", "application/json")];
    let answer = connection.request(method, target, &headers, problem().to_string().as_bytes()).expect("an answer");
    (answer.status, answer.slug())
}

#[test]
fn job_2_what_never_reached_a_token_is_one_tab_away_in_the_log_and_says_why() {
    let (daemon, sender) = with_zabbix(&[]);
    let revoked = daemon.token("old", "service:Ops/Network", &[]);
    daemon.cli(["token", "revoke", "old", "--confirm", "old"]).expect(0);
    let bearer = |value: &str| format!("Bearer {value}");
    let causes = [
        ("POST", "/api/v1/process", bearer(&sender.secret), 404, "/api/v1/process"),
        ("POST", "/v1/process/", bearer(&sender.secret), 404, "/v1/process/"),
        ("GET", "/v1/process", bearer(&sender.secret), 405, "method-not-allowed"),
        ("POST", "/v1/process", bearer(&format!("\"{}\"", sender.secret)), 401, "a quote mark"),
        ("POST", "/v1/process", bearer("{$TG_TOKEN}"), 401, "the value is a"),
        ("POST", "/v1/process", bearer(&sender.secret[..sender.secret.len() - 4]), 401, "token-invalid"),
        ("POST", "/v1/process", bearer(&revoked.secret), 401, "token-revoked"),
    ];
    let mut console = on_tokens(&daemon, (150, 40));
    go(&mut console, "2");
    console.wait_for("Only calls of tokens with debug on are logged");
    for (method, target, authorization, status, _) in &causes {
        assert_eq!(call(&daemon, method, target, authorization).0, *status, "{method} {target}");
    }
    console.wait_for(&format!("refused {} !", causes.len()));
    console.send("\t");
    let is_there = |screen: &str, status: u16, words: &str| {
        screen.lines().any(|line| line.contains(&status.to_string()) && line.contains(words))
    };
    let screen = console.wait_until("a row for each cause", |screen| {
        causes.iter().all(|(_, _, _, status, words)| is_there(screen, *status, words))
    });
    assert!(screen.contains(&format!("[refused {} !]", causes.len())), "{screen}");
    assert!(!screen.contains(&sender.secret), "{screen}");
    // The pane has room for the whole reason.
    console.send("\x1b[A");
    console.wait_for("bytes instead of 65");
    console.send("\x1b[A");
    console.wait_for("is a placeholder");
    let said = daemon.cli(["log", "refused"]).expect(0).stdout;
    assert_eq!(said, daemon.cli(["log", "--refused"]).expect(0).stdout);
    assert!(said.contains("placeholder") && said.contains("/api/v1/process"), "{said}");
}

#[test]
fn job_2_what_never_became_a_call_is_there_too() {
    let (daemon, _) = with_zabbix(&[]);
    let long = format!("POST /v1/process HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(40_000));
    let heads = [
        ("\u{16}\u{3}\u{1}\u{2}a handshake\r\n\r\n", "http:// instead of https://"),
        ("POST /v1/process HTTP/1.1\r\nHost: noc-2.example\r\n\r\n", "host_allowlist"),
        ("POST /v1/process HTTP/1.1\r\nHost: localhost\r\nOrigin: http://page.example\r\n\r\n", "web pages"),
        (&long, "too many bytes"),
    ];
    for (head, why) in heads {
        let mut stream = TcpStream::connect(daemon.gate()).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it is read");
        until(why, PATIENCE, || {
            let said = daemon.cli(["log", "refused"]).expect(0).stdout;
            if said.contains(why) { Ok(()) } else { Err(said) }
        });
    }
}

#[test]
fn job_2_a_known_token_that_is_refused_says_when_why_and_from_where_with_debug_off() {
    let (daemon, suspended) = with_zabbix(&[]);
    let expired = daemon.token("expired", "service:Ops/Network", &["--expires", "1s"]);
    let fenced = daemon.token("fenced", "service:Ops/Network", &["--allow-ip", "192.0.2.0/24"]);
    daemon.cli(["token", "suspend", "zabbix-prod"]).expect(0);
    until("its end", PATIENCE, || match token(&daemon, "expired")["state"].as_str() {
        Some("expired") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    for (sender, slug) in [(&suspended, "token-suspended"), (&expired, "token-expired"), (&fenced, "ip-not-allowed")] {
        let refused = post_from(&daemon, 7, &sender.secret, &problem().to_string());
        assert_eq!(refused.slug(), slug);
        let last = token(&daemon, &sender.id)["usage"]["last_refusal"].clone();
        assert_eq!((&last["slug"], &last["ip"]), (&json!(slug), &json!("127.0.0.7")), "{last}");
        assert!(last["at"].is_string(), "{last}");
    }
    let mut console = on_tokens(&daemon, (120, 40));
    console.send("f");
    console.wait_for("filter");
    console.type_slowly("fenced");
    console.send("\r");
    console.wait_for("ip-not-allowed");
    assert!(console.screen().contains("last refused"), "{}", console.screen());
}

#[test]
fn job_2_calls_that_match_nothing_are_counted_with_debug_off() {
    let (daemon, sender) = with_zabbix(&[]);
    for _ in 0..2 {
        assert_eq!(daemon.post(&sender.secret, &without("event_update_status")).status, 202);
    }
    let counts = token(&daemon, "zabbix-prod")["usage"]["counts"].clone();
    assert_eq!((&counts["no_match"], &counts["duplicate"]), (&json!(2), &json!(0)), "{counts}");
    let mut console = on_tokens(&daemon, (120, 40));
    console.wait_for("zabbix-prod");
    // The share of calls with an effect comes from counters, so it is there without debug.
    console.wait_until("HIT", |screen| screen.contains("2/h") && screen.contains(" 0%"));
    console.wait_for("0 with an effect");
    console.send("v");
    console.wait_for("[hosts]");
    console.send("v");
    console.wait_for("2 no match");
}

#[test]
fn job_2_the_verdict_names_the_field_that_is_missing_and_the_last_call_that_matched() {
    let (daemon, sender) = with_zabbix(&["--debug"]);
    assert_eq!(daemon.post(&sender.secret, &problem().to_string()).status, 201);
    let misspelt = problem().to_string().replace("event_update_status", "event_updatestatus");
    for number in 0..2 {
        let body = misspelt.replace("40211", &format!("4021{number}"));
        assert_eq!(daemon.post(&sender.secret, &body).status, 202);
    }
    let mut console = on_tokens(&daemon, (120, 44));
    go(&mut console, "2");
    let verdict = console.wait_for("MISSING  near: event_updatestatus");
    assert!(verdict.contains("1 filter tested, 0 true.  Sender was told 202."), "{verdict}");
    assert!(verdict.contains("Ops/Network > zabbix") && verdict.contains("closest"), "{verdict}");
    assert!(verdict.contains("This condition failed in the last 2 calls"), "{verdict}");
    assert!(verdict.contains("Last call that matched, 1, had it = \"0\"."), "{verdict}");
    press(&mut console, "c", "event_update_status");
    console.wait_until("the two are compared", |screen| screen.contains("event_updatestatus"));
}

#[test]
fn job_2_a_filter_that_the_token_does_not_reach_or_that_is_switched_off_is_named() {
    let (daemon, sender) = with_zabbix(&["--debug"]);
    daemon.service("Lab", "zabbix");
    daemon.cli(["service", "disable", "Ops/Network"]).expect(0);
    assert_eq!(daemon.post(&sender.secret, &problem().to_string()).status, 202);
    let mut console = on_tokens(&daemon, (120, 44));
    go(&mut console, "2");
    let verdict = console.wait_for("0 filters tested");
    assert!(verdict.contains("Not reached: 1 service (scope)"), "{verdict}");
    assert!(verdict.contains("Skipped: Ops/Network, disabled"), "{verdict}");
    go(&mut console, "1");
    for _ in 0..3 {
        console.send("v");
        let before = console.screen();
        console.wait_until("another tab", |screen| screen != before || screen.contains("[reach]"));
    }
    console.wait_for("DISABLED: its filters are not tested");
}

#[test]
fn job_2_from_the_verdict_one_key_opens_the_filter_with_the_call_already_in_it() {
    let (daemon, sender) = with_zabbix(&["--debug"]);
    assert_eq!(daemon.post(&sender.secret, &without("event_update_status")).status, 202);
    let mut console = on_tokens(&daemon, (120, 44));
    go(&mut console, "2");
    console.wait_for("MISSING");
    let editor = press(&mut console, "E", "EDIT FILTER");
    assert!(editor.contains("zabbix"), "{editor}");
    console.wait_for("NO MATCH");
}
