//! Job 7: one token sends thousands of calls a second: which one, stop it, clear up.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::terminal::Terminal;
use tollgate_tests::wait::{PATIENCE, until};

use super::{go, on_tokens, post_from, token};
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
        look_at_a_part(&daemon, &mut console);
        press(&mut console, ".", "ALL ACTIONS on am-legacy");
        press(&mut console, "l", "LIMIT am-legacy");
        console.type_slowly("60/min:10");
        go_to(&mut console, "[ Limit ]");
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
        console.wait_for("LIMITED until");
    });
    let usage = token(&daemon, "am-legacy")["usage"].clone();
    assert!(usage["counts"]["rejected"].as_u64() > Some(0), "{usage}");
    let rows = daemon.get("/v1/audit?action=token.edit");
    assert!(
        rows["items"][0]["detail"].as_str().is_some_and(|detail| detail.contains("60/min, 10 at once until")),
        "{rows}"
    );
    let rows = daemon.all("/v1/logs?token=am-legacy&limit=1000").len() as u64;
    let calls = usage["counts"].as_object().map(|counts| counts.values().filter_map(Value::as_u64).sum::<u64>());
    assert!(rows > 0 && rows <= calls.unwrap_or(0) / 100 + 1, "{rows} rows of {calls:?}");
    close_all(&daemon);
}

/// To see what it is costs the disk of all, so the key asks, and one call in a hundred is enough.
fn look_at_a_part(daemon: &Daemon, console: &mut Terminal) {
    // The console asks by what it was told last, which its column says.
    console.wait_until("more than 50 calls a second, here and there", |screen| {
        let recent = token(daemon, "am-legacy")["usage"]["last_10s"]["accepted"].clone();
        recent.as_u64() > Some(700) && row_of(screen, "am-legacy").is_some_and(|(_, row)| calls_a_second(row) > 70)
    });
    let refused = daemon.cli(["token", "debug", "am-legacy", "on"]).expect(64);
    assert!(refused.stderr.contains("on --sample 100, which logs one call in 100"), "{refused:?}");
    let dialog = press(console, "D", "LOG THE CALLS OF am-legacy");
    assert!(
        dialog.contains("rows/s") && dialog.contains("in the 48 h") && dialog.contains("1 call in 100"),
        "{dialog}"
    );
    assert_eq!(token(daemon, "am-legacy")["debug_until"], json!(null), "nothing is logged before the answer");
    go_to(console, "[ Log ]");
    press(console, "\r", "done ");
    console.wait_for("DEBUG 1 in 100");
}

/// What the column of calls says, where it says it of a second.
fn calls_a_second(row: &str) -> u32 {
    let cell = row.split_whitespace().find_map(|cell| cell.strip_suffix("/s"));
    cell.and_then(|number| number.replace(',', "").parse().ok()).unwrap_or(0)
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

#[test]
fn job_7_a_limit_for_a_time_ends_by_itself_and_the_audit_says_until_when() {
    let daemon = with_alertmanager();
    let busy = daemon.token("am-legacy", "service:Ops/DB", &["--dedup", "0s", "--rate", "1000/min"]);
    let said = daemon.cli(["token", "edit", "am-legacy", "--limit", "1/min:1", "--for", "8s"]).expect(0);
    assert!(said.stdout.contains("am-legacy changed until "), "{said:?}");
    let call = || daemon.post(&busy.secret, &alert("firing", "a"));
    assert_eq!(call().status, 201);
    let refused = call();
    assert_eq!((refused.status, refused.slug().as_str()), (429, "rate-limited"));
    assert!(refused.json()["detail"].as_str().is_some_and(|why| why.contains("; this limit ends at ")), "{refused:?}");
    let shown = daemon.cli(["token", "show", "am-legacy"]).expect(0).stdout;
    assert!(shown.contains("1/min, 1 at once until ") && shown.contains(", then 1000/min, 1000 at once"), "{shown}");
    // By the quota alone a second call would fit after a minute.
    until("it has ended by itself", PATIENCE, || match call().status {
        429 => Err("it still bites".to_owned()),
        _ => Ok(()),
    });
    assert_eq!(token(&daemon, "am-legacy")["limited_for"], json!(null));
    let row = &daemon.get("/v1/audit?action=token.edit")["items"][0]["detail"];
    let row = row.as_str().unwrap_or_default();
    assert!(
        row.starts_with("limit 1000/min, 1000 at once -> 1/min, 1 at once until ")
            && row.ends_with(", then 1000/min, 1000 at once"),
        "{row}"
    );
    for wrong in [&["--for", "1h"][..], &["--block-ip", "10.9.9.9"], &["--limit", "60/min", "--for", "31d"]] {
        let line = [&["token", "edit", "am-legacy"], wrong].concat();
        let code = daemon.cli_with(&line, b"").status;
        assert!(matches!(code, Some(64 | 65)), "{wrong:?}: {code:?}");
    }
}

#[test]
fn job_7_one_bad_host_of_forty_is_seen_and_blocked_while_the_others_go_on() {
    let daemon = with_alertmanager();
    let busy = daemon.token("am-legacy", "service:Ops/DB", &["--dedup", "0s"]);
    let other = daemon.token("am-prod", "service:Ops/DB", &[]);
    let call = |host: u8, sender: &Token| post_from(&daemon, host, &sender.secret, &alert("firing", &host.to_string()));
    (0..30).for_each(|_| assert!(call(66, &busy).is_success()));
    (10..13).for_each(|host| assert!(call(host, &busy).is_success()));
    assert_eq!(call(77, &Token { secret: "tg_s_nobody".to_owned(), ..other.clone() }).status, 401);
    let talkers = daemon.get("/v1/status/talkers?limit=50");
    let first = |table: &str| talkers[table]["rows"][0]["name"].as_str().unwrap_or_default().to_owned();
    assert_eq!([first("tokens"), first("addresses"), first("services")], ["am-legacy", "127.0.0.66", "Ops/DB"]);
    assert_eq!(talkers["tokens"]["rows"][0]["last_minute"]["calls"], json!(33));
    let of_nobody =
        talkers["addresses"]["rows"].as_array().and_then(|rows| rows.iter().find(|row| row["name"] == "127.0.0.77"));
    assert_eq!(of_nobody.map(|row| &row["last_minute"]["refused"]), Some(&json!(1)), "{talkers}");
    let shown = daemon.cli(["status", "--talkers", "--by", "refused"]).expect(0).stdout;
    assert!(shown.contains("ADDRESS") && shown.contains("127.0.0.66"), "{shown}");

    let mut console = on_tokens(&daemon, (130, 44));
    press(&mut console, "8", "WHO CALLS MOST, in the last 10 s and the last minute");
    console.wait_for("127.0.0.66");
    go(&mut console, "1");
    console.wait_until("it is there", |screen| row_of(screen, "am-legacy").is_some());
    press(&mut console, "/", "find");
    console.type_slowly("am-legacy");
    console.send("\r");
    console
        .wait_until("it is marked", |screen| row_of(screen, "am-legacy").is_some_and(|(_, row)| row.starts_with('>')));
    press(&mut console, "v", "127.0.0.66");
    press(&mut console, ".", "ALL ACTIONS on am-legacy");
    press(&mut console, "b", "BLOCK addresses of am-legacy");
    console.type_slowly("0.66");
    console.wait_for("127.0.0.66, 30 taken");
    go_to(&mut console, "[ Block ]");
    press(&mut console, "\r", "done ");
    console.wait_for("BLOCKED until");
    press(&mut console, "v", "BLOCKS 1 until");
    let refused = call(66, &busy);
    assert_eq!((refused.status, refused.slug().as_str()), (403, "ip-blocked"));
    let why = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(why.starts_with("calls of this token from 127.0.0.66 are refused until "), "{why}");
    assert!(call(10, &busy).is_success() && call(66, &other).is_success(), "the other hosts and tokens go on");
    let shown = daemon.cli(["token", "show", "am-legacy"]).expect(0).stdout;
    assert!(shown.contains("127.0.0.66 until ") && shown.contains(": 403 ip-blocked"), "{shown}");
    let row = daemon.get("/v1/audit?action=token.edit")["items"][0]["detail"].clone();
    assert!(row.as_str().is_some_and(|words| words.starts_with("127.0.0.66 blocked until ")), "{row}");
    daemon.cli(["token", "edit", "am-legacy", "--unblock-ip", "127.0.0.66"]).expect(0);
    assert!(call(66, &busy).is_success());
}
