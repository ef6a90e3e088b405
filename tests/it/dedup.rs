//! Deduplication and the life of an incident, over calls (domain.md §4 and §6).

use serde_json::json;
use tollgate_tests::daemon::Daemon;

use crate::support::{alert, outcome, with_alertmanager};

fn states(daemon: &Daemon) -> Vec<String> {
    let rows = daemon.all("/v1/incidents");
    rows.iter().filter_map(|row| row["head"]["state"].as_str()).map(str::to_owned).collect()
}

#[test]
fn fire_recover_fire_recover_inside_the_window_gives_two_incidents_both_resolved() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    for expected in [("firing", "created"), ("resolved", "resolved"), ("firing", "created"), ("resolved", "resolved")] {
        let answer = daemon.post(&token.secret, &alert(expected.0, "db1"));
        assert_eq!(outcome(&answer), expected.1, "{answer:?}");
    }
    assert_eq!(states(&daemon), ["resolved", "resolved"]);
}

#[test]
fn duplicate_is_still_a_duplicate_after_kill_9() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let call = alert("firing", "db1");
    assert_eq!(outcome(&daemon.post(&token.secret, &call)), "created");
    assert_eq!(outcome(&daemon.post(&token.secret, &call)), "duplicate");
    daemon.restart();
    let answer = daemon.post(&token.secret, &call);
    assert_eq!((answer.status, outcome(&answer)), (200, "duplicate".to_owned()));
    assert_eq!(answer.json()["resolved"]["duplicate"], json!(true), "both flags");
    assert_eq!(states(&daemon), ["triggered"]);
}

#[test]
fn same_alert_in_other_words_attaches_to_the_open_incident() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--dedup", "0s"]);
    let call = alert("firing", "db1");
    assert_eq!(outcome(&daemon.post(&token.secret, &call)), "created");
    assert_eq!(outcome(&daemon.post(&token.secret, &call)), "attached");
    let rows = daemon.all("/v1/incidents");
    assert_eq!((rows.len(), &rows[0]["head"]["occurrences"]), (1, &json!(2)));
}

#[test]
fn call_that_matched_nothing_works_again_once_the_filter_is_fixed() {
    let daemon = Daemon::start();
    daemon.service("DB", "zabbix");
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let call = alert("firing", "db1");
    let first = daemon.post(&token.secret, &call);
    assert_eq!((first.status, outcome(&first)), (202, "nothing".to_owned()));
    daemon.cli(["filter", "create", "--service", "Ops/DB", "--preset", "alertmanager"]).expect(0);
    assert_eq!(outcome(&daemon.post(&token.secret, &call)), "created");
}

#[test]
fn disabled_service_creates_nothing_until_it_is_enabled() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    daemon.cli(["service", "disable", "Ops/DB"]).expect(0);
    assert_eq!(daemon.post(&token.secret, &alert("firing", "db1")).status, 202);
    daemon.cli(["service", "enable", "Ops/DB"]).expect(0);
    assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", "db1"))), "created");
}
