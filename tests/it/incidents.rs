//! Incidents by hand and by token, many at once, and times in which none are opened.

use serde_json::{Value, json};
use tollgate_tests::daemon::Daemon;

use crate::support::{alert, outcome, text, with_alertmanager};

fn open(daemon: &Daemon) -> Vec<Value> {
    daemon.all("/v1/incidents?state=open")
}

/// A daemon with `count` open incidents, and their ids, newest first.
fn with_incidents(count: u32) -> (Daemon, Vec<String>) {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    for n in 0..count {
        assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", &format!("disk {n}")))), "created");
    }
    let ids = open(&daemon).iter().map(|row| text(row, "/head/id").to_owned()).collect();
    (daemon, ids)
}

#[test]
fn several_incidents_are_acknowledged_given_back_and_resolved_in_one_line() {
    let (daemon, ids) = with_incidents(4);
    let [a, b, c, d] = ids.as_slice() else { panic!("{ids:?}") };
    let said = daemon.cli(["incident", "ack", a, b, c]).expect(0);
    assert!(said.stdout.contains("acknowledge: 3 incidents"), "{said:?}");
    daemon.cli(["incident", "unack", a, b]).expect(0);
    daemon.cli_with(&["incident", "resolve", "-", "--comment", "patched"], format!("{a}\n{c}\n").as_bytes()).expect(0);
    let left: Vec<(String, String)> = open(&daemon)
        .iter()
        .map(|row| (text(row, "/head/id").to_owned(), text(row, "/head/state").to_owned()))
        .collect();
    let triggered = |id: &String| (id.clone(), "triggered".to_owned());
    assert_eq!(left, [triggered(b), triggered(d)]);
    let whole = daemon.get(&format!("/v1/incidents/{a}"));
    let last = whole["timeline"].as_array().and_then(|rows| rows.last()).cloned().unwrap_or_default();
    assert_eq!(text(&last, "/event/resolved_by/comment"), "patched", "{last}");
    let unknown = daemon.cli(["incident", "resolve", b, "ffffffff-0000-7000-8000-000000000000"]).expect(66);
    assert!(unknown.stderr.contains("there is no incident"), "{unknown:?}");
    assert_eq!(open(&daemon).len(), 2, "all or nothing");
}

#[test]
fn a_filter_resolves_what_it_finds_only_with_its_count() {
    let (daemon, _) = with_incidents(5);
    let line = ["incident", "resolve", "--service", "Ops/DB", "--text", "disk"];
    let asked = daemon.cli(line).expect(64);
    assert!(asked.stderr.contains("--confirm-count 5"), "{asked:?}");
    let bad = daemon.local("POST", "/v1/incidents/bulk", &json!({"action": "resolve", "q": "state:opne"}));
    assert_eq!((bad.status, text(&bad.json(), "/errors/0/path")), (422, "q"), "{bad:?}");
    let wrong = [&line[..], &["--confirm-count", "4"]].concat();
    let refused = daemon.cli_with(&wrong, b"").expect(1);
    assert!(refused.stderr.contains("5 incidents fit, 4 were confirmed"), "{refused:?}");
    assert_eq!(open(&daemon).len(), 5, "nothing was changed");
    let one = ["incident", "ack", "-Q", "title:\"disk 3\" priority:P1", "--confirm-count", "1"];
    daemon.cli(one).expect(0);
    assert_eq!(daemon.all("/v1/incidents?state=acknowledged").len(), 1);
    let right = [&line[..], &["--confirm-count", "5", "--comment", "power is back"]].concat();
    let done = daemon.cli_with(&right, b"").expect(0);
    assert!(done.stdout.contains("resolve: 5 incidents"), "{done:?}");
    assert!(open(&daemon).is_empty());
    let audit = daemon.get("/v1/audit?action=incident.resolve");
    assert_eq!(text(&audit, "/items/0/target"), "5 incidents");
}

#[test]
fn lists_are_cut_by_priority_token_text_and_age() {
    let (daemon, ids) = with_incidents(3);
    for (query, expected) in [
        ("priority=P1,P2", 3),
        ("priority=p5", 0),
        ("token=am", 3),
        ("text=DISK%201", 1),
        ("since_secs=3600", 3),
        ("service=Ops%2FDB&state=resolved", 0),
    ] {
        assert_eq!(daemon.all(&format!("/v1/incidents?{query}")).len(), expected, "{query}");
    }
    let bad = daemon.local("GET", "/v1/incidents?priority=P9", &Value::Null);
    assert_eq!((bad.status, bad.slug().as_str()), (422, "validation"));
    let first = daemon.get("/v1/incidents?limit=2");
    let next = text(&first, "/next");
    let second = daemon.get(&format!("/v1/incidents?limit=2&cursor={next}"));
    assert_eq!(text(&second, "/items/0/head/id"), ids[2]);
}

#[test]
fn a_token_with_incidents_update_works_over_the_gate_and_reaches_its_team_only() {
    let (daemon, ids) = with_incidents(1);
    let may = ["--permission", "incidents:update", "--permission", "incidents:read"];
    let own = daemon.token("robot", "team:Ops", &may);
    daemon.cli(["team", "create", "Net"]).expect(0);
    let stranger = daemon.token("stranger", "team:Net", &may);
    let sender = daemon.token("sender", "team:Ops", &[]);
    let act = |secret: &str, verb: &str| {
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let target = format!("/v1/incidents/{}/{verb}", ids[0]);
        let body: &[u8] = if verb == "resolve" { b"{}" } else { b"" };
        daemon.connect().and_then(|mut gate| gate.request("POST", &target, &headers, body)).expect("an answer")
    };
    assert_eq!((act(&sender.secret, "acknowledge").status, act(&stranger.secret, "acknowledge").status), (403, 403));
    assert_eq!(text(&open(&daemon)[0], "/head/state"), "triggered");
    for (verb, state) in [("acknowledge", "acknowledged"), ("unacknowledge", "triggered"), ("resolve", "resolved")] {
        let answer = act(&own.secret, verb);
        assert_eq!((answer.status, text(&answer.json(), "/head/state")), (200, state), "{answer:?}");
    }
    let again = act(&own.secret, "resolve");
    assert_eq!((again.status, again.slug().as_str()), (409, "conflict"), "resolved is final");
}

#[test]
fn under_maintenance_calls_are_suppressed_said_so_and_opened_again_when_it_is_ended() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let call = |daemon: &Daemon, state: &str, key: &str| daemon.post(&token.secret, &alert(state, key));
    assert_eq!(outcome(&call(&daemon, "firing", "open")), "created");
    let added = daemon.cli(["maintenance", "add", "--service", "Ops/DB", "--for", "2h", "--comment", "patch night"]);
    assert!(added.expect(0).stdout.contains("Ops/DB is under maintenance until"));
    let suppressed = call(&daemon, "firing", "new");
    assert_eq!((suppressed.status, outcome(&suppressed).as_str()), (202, "suppressed"), "{suppressed:?}");
    daemon.restart();
    assert_eq!(outcome(&call(&daemon, "firing", "new")), "suppressed", "it survives a restart");
    assert_eq!(outcome(&call(&daemon, "resolved", "open")), "resolved", "recoveries still resolve");
    let rows = daemon.get("/v1/logs?outcome=suppressed");
    assert!(text(&rows, "/items/0/summary").starts_with("suppressed, under maintenance until"), "{rows}");
    assert!(text(&rows, "/items/0/explain/note").contains("patch night"), "the verdict names it: {rows}");
    let listed = daemon.cli_json(["maintenance", "list"]);
    let id = text(&listed, "/0/id").to_owned();
    assert_eq!((text(&listed, "/0/state"), text(&listed, "/0/service/name")), ("running", "Ops/DB"));
    daemon.cli(["maintenance", "end", &id[id.len() - 8..]]).expect(0);
    assert_eq!(outcome(&call(&daemon, "firing", "new")), "created");
    daemon.cli(["maintenance", "end", &id]).expect(66);
    let tagged = ["maintenance", "add", "--service", "Ops/DB", "--tag", "the lab", "--tag", "is down"];
    daemon.cli(tagged).expect(0);
    assert_eq!(outcome(&call(&daemon, "firing", "the lab")), "suppressed");
    assert_eq!(outcome(&call(&daemon, "firing", "elsewhere")), "created");
}

#[test]
fn a_maintenance_that_makes_no_sense_is_refused_with_its_field() {
    let daemon = with_alertmanager();
    for (new, field) in [
        (json!({"service": "Ops/DB"}), "until"),
        (json!({"service": "Ops/DB", "until": "2020-01-01T00:00:00Z"}), "until"),
        (json!({"service": "Ops/DB", "tags": [" "]}), "tags[0]"),
    ] {
        let answer = daemon.local("POST", "/v1/maintenance", &new);
        assert_eq!((answer.status, text(&answer.json(), "/errors/0/path")), (422, field), "{answer:?}");
    }
    assert!(daemon.all("/v1/maintenance").is_empty());
    daemon.cli(["maintenance", "add", "--service", "Ops/DB"]).expect(64);
}

#[test]
fn a_query_finds_incidents_by_what_it_demands_and_by_their_words() {
    let (daemon, ids) = with_incidents(3);
    daemon.cli(["incident", "ack", &ids[0]]).expect(0);
    daemon.cli(["incident", "resolve", &ids[1]]).expect(0);
    for (q, expected) in [
        ("state:open", 2),
        ("state:open state:triggered", 1),
        ("state:acknowledged priority:p1", 1),
        ("state:open priority:P4", 0),
        ("service:ops/db", 3),
        ("service:DB state:resolved", 1),
        ("service:nowhere", 0),
        ("team:Ops since:1h", 3),
        ("team:Net", 0),
        ("-state:open", 1),
        ("state:open or state:resolved", 3),
        ("\"disk 1\"", 1),
        ("groupKey", 3),
        ("state:open nowhere", 0),
    ] {
        let found = daemon.all(&format!("/v1/incidents?q={}", q.replace(' ', "%20").replace('"', "%22")));
        assert_eq!(found.len(), expected, "{q}");
    }
    let mixed = daemon.all("/v1/incidents?state=open&service=DB&q=state:resolved");
    assert!(mixed.is_empty(), "what the options ask must hold too");
}

#[test]
fn a_service_says_which_maintenance_covers_it_now() {
    let (daemon, ids) = with_incidents(1);
    assert_eq!(daemon.get("/v1/services/Ops%2FDB")["maintenance"], Value::Null);
    daemon.cli(["maintenance", "add", "--service", "Ops/DB", "--tag", "the lab"]).expect(0);
    assert_eq!(daemon.get("/v1/services/Ops%2FDB")["maintenance"], Value::Null, "one with tags covers some calls only");
    daemon.cli(["maintenance", "add", "--service", "Ops/DB", "--for", "2h"]).expect(0);
    daemon.cli(["maintenance", "add", "--service", "Ops/DB", "--for", "1h"]).expect(0);
    let covered = daemon.get("/v1/services/Ops%2FDB")["maintenance"].clone();
    let all = daemon.all("/v1/maintenance?service=Ops%2FDB");
    let last = all.iter().filter_map(|one| one["until"].as_str()).max();
    assert_eq!((covered["until"].as_str(), covered["id"].is_string()), (last, true), "{covered}");
    assert!(daemon.cli(["service", "list"]).expect(0).stdout.contains("maintenance"));
    for args in [["service", "show", "Ops/DB"], ["incident", "show", ids[0].as_str()]] {
        let said = daemon.cli(args).expect(0).stdout;
        assert!(said.contains("maintenance") && said.contains("no incident is opened"), "{said}");
    }
}
