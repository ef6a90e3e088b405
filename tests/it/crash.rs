//! SIGKILL under load: what was acknowledged is there afterwards, once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::wait::{PATIENCE, until};

use crate::support::{alert, text, with_alertmanager};

const CYCLES: usize = 20;
const CLIENTS: u64 = 6;
/// Answers in a cycle before the daemon is killed.
const ANSWERS: u64 = 60;

/// What the clients were told.
#[derive(Default)]
struct Acknowledged {
    /// The incident of each key, as answered.
    incidents: Mutex<BTreeMap<String, String>>,
    /// Next number of a unique key.
    next: AtomicU64,
    answers: AtomicU64,
}

impl Acknowledged {
    /// Posts until the daemon dies. Every fourth call is one that all clients share, so equal calls meet.
    fn post_until_killed(&self, daemon: &Daemon, token: &Token, cycle: usize, stop: &AtomicBool) {
        let bearer = format!("Bearer {}", token.secret);
        let Ok(mut connection) = daemon.connect() else { return };
        while !stop.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let key = if number.is_multiple_of(4) { format!("shared-{cycle}") } else { format!("unique-{number}") };
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let answered = connection.request("POST", "/v1/process", &headers, alert("firing", &key).as_bytes());
            let Ok(answer) = answered else { return };
            assert!(answer.is_success(), "{answer:?}");
            if let Some(incident) = answer.json()["results"][0]["incident"].as_str() {
                let mut incidents = self.incidents.lock().expect("no client panicked");
                let known = incidents.entry(key.clone()).or_insert_with(|| incident.to_owned());
                assert_eq!(known, incident, "two incidents of key {key}");
            }
            self.answers.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The open incidents by key; a key that has two is a fault.
fn open_by_key(daemon: &Daemon) -> BTreeMap<String, Value> {
    let mut by_key = BTreeMap::new();
    for row in daemon.all("/v1/incidents?state=open") {
        let key = text(&row, "/head/key").to_owned();
        let double = by_key.insert(key.clone(), row["head"].clone());
        assert!(double.is_none(), "two open incidents of key {key}");
    }
    by_key
}

/// All rows of the log, and the numbers that a gap row accounts for.
fn assert_log_is_whole(daemon: &Daemon) -> u64 {
    let last = daemon.get("/v1/status")["log"]["last_seq"].as_u64().unwrap_or(0);
    let mut next = 1;
    for item in crate::support::tail_until(daemon, "", last) {
        if let Some(gap) = item.get("gap") {
            assert_eq!(gap["from"].as_u64(), Some(next), "a gap begins where the rows end: {item}");
            assert_eq!(text(gap, "/reason"), "lost", "{item}");
            next = gap["to"].as_u64().expect("a gap has an end") + 1;
        } else if let Some(row) = item.get("row") {
            assert_eq!(row["seq"].as_u64(), Some(next), "rows are contiguous");
            next += 1;
        }
    }
    assert_eq!(next, last + 1, "nothing is missing at the end");
    last
}

#[test]
fn every_acknowledged_call_is_there_after_kill_9_under_load_twenty_times() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let told = Acknowledged::default();
    for cycle in 0..CYCLES {
        let stop = AtomicBool::new(false);
        let goal = told.answers.load(Ordering::SeqCst) + ANSWERS;
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| told.post_until_killed(&daemon, &token, cycle, &stop));
            }
            until("answers under load", PATIENCE, || {
                let answers = told.answers.load(Ordering::SeqCst);
                if answers >= goal { Ok(()) } else { Err(format!("{answers} of {goal} in cycle {cycle}")) }
            });
            daemon.kill9_now();
            stop.store(true, Ordering::SeqCst);
        });
        daemon.restart();
        let open = open_by_key(&daemon);
        for (key, incident) in told.incidents.lock().expect("no client panicked").iter() {
            let found = open.get(key).map(|head| text(head, "/id"));
            assert_eq!(found, Some(incident.as_str()), "cycle {cycle}: {key} was acknowledged");
        }
        assert_log_is_whole(&daemon);
    }
    let rows = assert_log_is_whole(&daemon);
    let answers = told.answers.load(Ordering::SeqCst);
    assert!(rows >= answers, "{answers} answers, but only {rows} places in the log");
}
