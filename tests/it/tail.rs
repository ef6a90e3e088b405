//! The tail of the API log: history, then live, and nothing missing that is not said.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, sync_channel};

use rustix::process::Signal;
use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::process::Guarded;
use tollgate_tests::wait::PATIENCE;

use crate::support::{Tail, alert, outcome, with_alertmanager};

/// `tollgate log --follow --output jsonl`, and its lines as they come.
struct Follower {
    process: Guarded,
    lines: Receiver<Value>,
}

impl Follower {
    fn start(daemon: &Daemon, args: &[&str]) -> Self {
        let mut command = daemon.cli_command();
        command.args(["--output", "jsonl", "log", "--follow"]).args(args);
        let mut process = Guarded::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()));
        let stdout = process.child().stdout.take().expect("standard output is a pipe");
        let (sender, lines) = sync_channel(10_000);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = line.expect("the command writes text");
                let sent = sender.send(serde_json::from_str(&line).expect("a line is JSON"));
                if sent.is_err() {
                    return;
                }
            }
        });
        Self { process, lines }
    }

    /// The next so many rows; heartbeats are left out, a gap is a fault.
    #[track_caller]
    fn rows(&self, count: usize) -> Vec<Value> {
        let mut rows = Vec::new();
        while rows.len() < count {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{} of {count} rows came", rows.len()));
            assert!(line.get("gap").is_none(), "{line}");
            rows.extend(line.get("row").cloned());
        }
        rows
    }
}

fn keys(rows: &[Value]) -> Vec<String> {
    let key = |row: &Value| {
        let body: Value = serde_json::from_str(row["body"].as_str().unwrap_or_default()).unwrap_or_default();
        body["groupKey"].as_str().unwrap_or_default().to_owned()
    };
    rows.iter().map(key).collect()
}

#[test]
fn follow_goes_from_history_into_live_and_over_a_kill_9_without_loss_or_double() {
    let mut daemon = with_alertmanager();
    let wanted = daemon.token("wanted", "service:Ops/DB", &["--debug"]);
    let noise = daemon.token("noise", "service:Ops/DB", &["--debug"]);
    let mut sent = Vec::new();
    // Each wanted call is followed by two that the filter must leave out: a duplicate, and another token's.
    let post = |daemon: &Daemon, sent: &mut Vec<String>, count: usize| {
        for _ in 0..count {
            let key = format!("wanted-{}", sent.len());
            assert_eq!(outcome(&daemon.post(&wanted.secret, &alert("firing", &key))), "created");
            assert_eq!(outcome(&daemon.post(&wanted.secret, &alert("firing", &key))), "duplicate");
            let other = format!("noise-{}", sent.len());
            assert_eq!(outcome(&daemon.post(&noise.secret, &alert("firing", &other))), "created");
            sent.push(key);
        }
    };
    post(&daemon, &mut sent, 30);
    let mut follower = Follower::start(&daemon, &["--after", "0", "--token", "wanted", "--outcome", "created"]);
    post(&daemon, &mut sent, 30);
    let mut rows = follower.rows(60);
    daemon.restart();
    post(&daemon, &mut sent, 20);
    rows.extend(follower.rows(20));
    assert_eq!(keys(&rows), sent);
    let seqs: Vec<u64> = rows.iter().filter_map(|row| row["seq"].as_u64()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    follower.process.signal(Signal::INT);
    assert_eq!(follower.process.wait(PATIENCE).code(), Some(130));
    let rest: Vec<Value> = follower.lines.iter().filter(|line| line.get("heartbeat").is_none()).collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn tail_from_a_cursor_in_the_middle_begins_with_the_next_row() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    for key in ["a", "b", "c"] {
        assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", key))), "created");
    }
    let follower = Follower::start(&daemon, &["--after", "1"]);
    assert_eq!(keys(&follower.rows(2)), ["b", "c"]);
}

/// A tail sleeps until one of the tokens that its query names has a row; the names are looked up again when tokens change.
#[test]
fn tail_of_a_service_shows_the_rows_of_a_token_that_is_made_while_it_is_open() {
    let daemon = with_alertmanager();
    daemon.service("Web", "alertmanager");
    let (db, web) =
        (daemon.token("db", "service:Ops/DB", &["--debug"]), daemon.token("web", "service:Ops/Web", &["--debug"]));
    let mut tail = Tail::open(&daemon, "q=service:Ops/DB");
    assert!(tail.next().get("heartbeat").is_some(), "it is live");
    let mut next = |what: &str| {
        let mut items = std::iter::repeat_with(|| tail.next());
        let row = items.find(|item| item.get("heartbeat").is_none()).expect("it does not end");
        assert_eq!(keys(&[row["row"].clone()]), [what], "{row}");
    };
    let call =
        |token: &Token, key: &str| assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", key))), "created");
    call(&db, "first");
    next("first");
    call(&web, "of another service");
    let late = daemon.token("late", "service:Ops/DB", &["--debug"]);
    call(&late, "of the new token");
    call(&db, "last");
    next("of the new token");
    next("last");
}

#[test]
fn debug_off_writes_no_row_and_switching_off_erases_none() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    assert!(daemon.post(&token.secret, &alert("firing", "a")).is_success());
    assert_eq!(daemon.get("/v1/logs")["items"], json!([]));
    daemon.cli(["token", "debug", "am", "on"]).expect(0);
    assert!(daemon.post(&token.secret, &alert("firing", "b")).is_success());
    daemon.cli(["token", "debug", "am", "off"]).expect(0);
    assert!(daemon.post(&token.secret, &alert("firing", "c")).is_success());
    let rows = daemon.get("/v1/logs")["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(keys(&rows), ["b"]);
}

/// What a reader has seen so far, checked as it comes.
struct Seen {
    next: u64,
    missed: u64,
}

impl Seen {
    /// Rows follow each other; where they do not, a gap says exactly what is missing.
    #[track_caller]
    fn take(&mut self, item: &Value) {
        if let Some(gap) = item.get("gap") {
            assert_eq!((&gap["from"], &gap["reason"]), (&json!(self.next), &json!("slow_reader")), "{gap}");
            let to = gap["to"].as_u64().expect("a gap has an end");
            assert_eq!(gap["count"].as_u64(), Some(to + 1 - self.next), "{gap}");
            self.missed += to + 1 - self.next;
            self.next = to + 1;
        } else if item.get("row").is_some() {
            assert_eq!(item["row"]["seq"], json!(self.next));
            self.next += 1;
        }
    }
}

#[test]
fn reader_that_does_not_keep_up_is_told_what_it_missed_and_slows_nobody() {
    // 1,500 rows of some 17 KiB, of which 180 are read meanwhile, are a quarter more than ring, queue and socket hold.
    // Reading nothing at all for 30 s would end the connection, and that is not what is tested here.
    const STEPS: usize = 15;
    const CALLS: usize = 100;
    const READ: usize = 12;
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug", "--dedup", "0s"]);
    let mut tail = Tail::open(&daemon, "after=0");
    assert!(tail.next().get("heartbeat").is_some(), "it is live");
    let mut seen = Seen { next: 1, missed: 0 };
    for _ in 0..STEPS {
        flood(&daemon, &token, CALLS);
        (0..READ).for_each(|_| seen.take(&tail.next()));
    }
    let last = (STEPS * CALLS) as u64;
    while seen.next <= last {
        seen.take(&tail.next());
    }
    assert!(seen.missed > 0, "{last} rows of 16 KiB are more than what is kept for a slow reader");
    assert!(daemon.get("/v1/status")["counters"]["tail_gaps"].as_u64() > Some(0));
    assert_eq!(daemon.get("/v1/status")["log"]["last_seq"], json!(last), "and all are on disk");
}

/// Posts so many calls of 16 KiB, each answered before this returns.
pub(crate) fn flood(daemon: &Daemon, token: &Token, calls: usize) {
    const CLIENTS: usize = 12;
    let bearer = format!("Bearer {}", token.secret);
    let body = json!({ "filler": "x".repeat(16 * 1024) }).to_string();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (bearer, body) = (&bearer, &body);
            scope.spawn(move || {
                let mut connection = daemon.connect().expect("the gate listens");
                for _ in (client..calls).step_by(CLIENTS) {
                    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
                    let answer = connection.request("POST", "/v1/process", &headers, body.as_bytes());
                    assert_eq!(answer.expect("a call is answered").status, 202);
                }
            });
        }
    });
}
