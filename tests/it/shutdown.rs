//! SIGTERM: calls in hand are answered, everything is on disk, the exit code is 0.

use tollgate_tests::wait::{PATIENCE, until};

use crate::support::{alert, outcome, with_alertmanager};

#[test]
fn call_in_flight_at_sigterm_is_answered_and_on_disk() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let (early, late) = (alert("firing", "early"), alert("firing", "late"));
    assert_eq!(outcome(&daemon.post(&token.secret, &early)), "created");
    let mut connection = daemon.connect().expect("the gate listens");
    let bearer = format!("Bearer {}", token.secret);
    let mut head = connection.head("POST", "/v1/process", &[("authorization", &bearer), ("expect", "100-continue")]);
    head.extend_from_slice(format!("content-length: {}\r\n\r\n", late.len()).as_bytes());
    connection.send_raw(&head).expect("a head can be sent");
    // From here on the daemon has the call in hand: it asks for the body.
    assert_eq!(connection.answer_head().expect("it asks for the body").0, 100);
    daemon.tell_to_stop();
    until("no new connections", PATIENCE, || match daemon.connect() {
        Err(_) => Ok(()),
        Ok(_) => Err("the gate still listens".to_owned()),
    });
    connection.send_raw(late.as_bytes()).expect("the body can be sent");
    let answer = connection.answer().expect("the call in flight is answered");
    assert_eq!((answer.status, outcome(&answer)), (201, "created".to_owned()));
    assert_eq!(daemon.wait(), 0);
    daemon.restart();
    assert_eq!(daemon.all("/v1/incidents?state=open").len(), 2);
    assert_eq!(daemon.get("/v1/logs")["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(outcome(&daemon.post(&token.secret, &late)), "duplicate");
}

#[test]
fn ready_daemon_exits_0_at_sigterm_with_idle_connections_and_tails_open() {
    let mut daemon = with_alertmanager();
    let idle = daemon.connect().expect("the gate listens");
    let tail = crate::support::Tail::open(&daemon, "after=0");
    assert_eq!(daemon.terminate(), 0);
    drop((idle, tail));
    assert!(!daemon.socket().try_exists().expect("one can look"), "the socket's file is gone");
}

#[test]
fn usage_and_everything_else_is_there_after_a_clean_restart() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    for key in ["a", "b", "a"] {
        assert!(daemon.post(&token.secret, &alert("firing", key)).is_success());
    }
    let views = ["/v1/teams", "/v1/services", "/v1/filters", "/v1/tokens", "/v1/incidents", "/v1/logs", "/v1/audit"];
    // What is counted by the second or the minute of this run may begin again; all else is as it was.
    let look = |daemon: &tollgate_tests::daemon::Daemon| {
        views.map(|view| {
            let mut rows = daemon.all(view);
            // Looking at the log leaves rows of its own in the audit.
            rows.retain(|row| row["action"] != "log.read");
            for row in &mut rows {
                if let Some(usage) = row.get_mut("usage").and_then(serde_json::Value::as_object_mut) {
                    usage.remove("calls_per_minute");
                    usage.remove("last_10s");
                    usage.remove("hour_hits");
                }
            }
            rows
        })
    };
    let before = look(&daemon);
    assert_eq!(daemon.terminate(), 0);
    daemon.restart();
    assert_eq!(look(&daemon), before);
}
