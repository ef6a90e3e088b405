//! Job 7: one token sends thousands of calls a second: which one, stop it, clear up.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::wait::{PATIENCE, until};

use super::{go, on_tokens, token};
use crate::desk::{go_to, press};
use crate::support::{alert, with_alertmanager};

const SENDERS: u32 = 8;

/// Calls as fast as they are answered, until it is told to stop.
struct Flood<'f> {
    stop: &'f AtomicBool,
    refused: &'f AtomicU32,
}

impl Flood<'_> {
    fn send(&self, daemon: &Daemon, token: &Token, sender: u32) {
        let bearer = format!("Bearer {}", token.secret);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let mut connection = daemon.connect().expect("it listens");
        for number in 0_u32.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let body = alert("firing", &format!("host {sender} {}", number % 30));
            let answer = connection.request("POST", "/v1/process", &headers, body.as_bytes()).expect("an answer");
            if answer.status == 429 {
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Does something while a token floods the daemon.
fn flooded(daemon: &Daemon, token: &Token, work: impl FnOnce(&AtomicU32)) {
    /// Ends the flood also where the work panics, so that the test ends.
    struct Stop<'s>(&'s AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (stop, refused) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let flood = Flood { stop: &stop, refused: &refused };
            scope.spawn(move || flood.send(daemon, token, sender));
        }
        let _stop = Stop(&stop);
        work(&refused);
    });
}

#[test]
fn job_7_the_busiest_token_is_found_limited_and_said_to_lose_calls_and_its_incidents_are_closed() {
    let daemon = with_alertmanager();
    for name in ["am-prod", "grafana-dmz", "backup-cron"] {
        let quiet = daemon.token(name, "service:Ops/DB", &[]);
        assert_eq!(daemon.post(&quiet.secret, &alert("firing", name)).status, 201);
    }
    let busy = daemon.token("am-legacy", "service:Ops/DB", &["--dedup", "0s"]);
    let mut console = on_tokens(&daemon, (130, 44));
    console.wait_for("am-legacy");
    flooded(&daemon, &busy, |refused| {
        // An hour is not now: where there is more than one call a second, the seconds count.
        console.wait_until("calls a second", |screen| {
            row_of(screen, "am-legacy").is_some_and(|(_, row)| row.contains("/s"))
        });
        // One choice, not a press for each column.
        press(&mut console, "o", "SORT by");
        console.send("c");
        console.wait_until("it stands first", |screen| row_of(screen, "am-legacy").is_some_and(|(at, _)| at == 0));
        console.send("g");
        console.wait_until("it is marked", |screen| {
            row_of(screen, "am-legacy").is_some_and(|(_, row)| row.starts_with('>'))
        });
        press(&mut console, "E", "EDIT TOKEN am-legacy");
        go_to(&mut console, "more");
        press(&mut console, " ", "delivery ids");
        go_to(&mut console, "limit");
        console.type_slowly("60/min:10");
        go_to(&mut console, "[ Change ... ]");
        press(&mut console, "\r", "CHANGE am-legacy");
        go_to(&mut console, "[ Change ]");
        press(&mut console, "\r", "done ");
        until("the limit bites", PATIENCE, || match refused.load(Ordering::Relaxed) {
            0 => Err("no call was refused".to_owned()),
            _ => Ok(()),
        });
        // Wherever a limit bites, alerts are being lost: it says so on every screen.
        for screen in ["2", "8", "1"] {
            go(&mut console, screen);
            console.wait_for("! am-legacy is over its limit, 429: alerts are being lost");
        }
        console.wait_for("LIMITED");
    });
    let usage = token(&daemon, "am-legacy")["usage"].clone();
    assert!(usage["counts"]["rejected"].as_u64() > Some(0), "{usage}");
    let rows = daemon.get("/v1/audit?action=token.edit");
    assert!(rows["items"][0]["detail"].as_str().is_some_and(|detail| detail.contains("rate")), "{rows}");
    close_all(&daemon);
}

/// The place of a token in the list, and its row.
fn row_of<'s>(screen: &'s str, name: &str) -> Option<(usize, &'s str)> {
    let rows = screen.lines().skip_while(|line| !line.contains("STATE/EXPIRES")).skip(1);
    rows.enumerate().find(|(_, row)| row.contains(name))
}

/// The hour's aftermath: all that this token opened, with their number, and nobody else's.
fn close_all(daemon: &Daemon) {
    let open = |query: &str| daemon.all(&format!("/v1/incidents?state=open{query}")).len();
    let flooded = open("&token=am-legacy");
    assert!(flooded > 1 && open("") == flooded + 3, "{flooded}");
    let line = ["incident", "resolve", "--token", "am-legacy"];
    let asked = daemon.cli(line).expect(64);
    assert!(asked.stderr.contains(&format!("--confirm-count {flooded}")), "{asked:?}");
    let count = flooded.to_string();
    daemon.cli_with(&[&line[..], &["--confirm-count", &count, "--comment", "flood"]].concat(), b"").expect(0);
    assert_eq!((open("&token=am-legacy"), open("")), (0, 3));
}

#[test]
fn job_7_no_limit_is_set_by_itself_and_one_that_is_set_leaves_other_tokens_alone() {
    let daemon = with_alertmanager();
    let plain = daemon.token("plain", "service:Ops/DB", &[]);
    assert_eq!(token(&daemon, "plain")["rate_limit"], json!(null));
    let limited = daemon.token("limited", "service:Ops/DB", &["--rate", "60/min:2"]);
    let calls = |sender: &Token| {
        let one = |number: u32| daemon.post(&sender.secret, &alert("firing", &number.to_string())).status;
        (0..4).map(one).collect::<Vec<u16>>()
    };
    assert!(calls(&limited).contains(&429));
    assert!(!calls(&plain).contains(&429));
    daemon.cli(["token", "edit", "limited", "--no-rate"]).expect(0);
    assert!(!calls(&limited).contains(&429), "lifted at once");
}
