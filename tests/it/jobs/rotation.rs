//! Job 4: a token that forty hosts use gets a new secret, and none of them goes silent unseen.

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Token};

use super::{on_tokens, post_from, secret_on, token};
use crate::desk::{go_to, press};
use crate::support::{alert, with_alertmanager};

const HOSTS: u8 = 40;
/// Those that have not been told the new secret yet.
const LEFT: u8 = 3;

fn call(daemon: &Daemon, host: u8, secret: &str) -> tollgate_tests::http::Answer {
    post_from(daemon, host, secret, &alert("firing", &format!("host {host}")))
}

/// Forty hosts with one secret.
fn with_hosts() -> (Daemon, Token) {
    let daemon = with_alertmanager();
    let token = daemon.token("am-prod", "service:Ops/DB", &[]);
    for host in 1..=HOSTS {
        assert_eq!(call(&daemon, host, &token.secret).status, 201);
    }
    (daemon, token)
}

#[test]
fn job_4_an_overlap_counts_the_hosts_that_moved_and_names_those_that_did_not() {
    let (daemon, old) = with_hosts();
    let mut console = on_tokens(&daemon, (120, 70));
    console.wait_for("am-prod");
    press(&mut console, ".", "ALL ACTIONS on am-prod");
    // An overlap is offered first; without one it is a revoke and wants the name.
    let dialog = press(&mut console, "o", "the old secret lives 24 hours more");
    assert!(dialog.contains("40 calls in the last hour") && dialog.contains("> [ Cancel ]"), "{dialog}");
    go_to(&mut console, "[ Rotate ]");
    let new = secret_on(&press(&mut console, "\r", "shown this once"));
    press(&mut console, "\x1b", "Do you have it?");
    console.send("\x1b");
    console.wait_for("ROTATING 0/40");
    for host in 1..=HOSTS {
        let moved = host <= HOSTS - LEFT;
        let answer = call(&daemon, host, if moved { &new } else { &old.secret });
        assert_eq!(answer.status, 200, "both secrets are taken: {answer:?}");
        // Whoever still has the old one is told its end with each answer.
        assert_eq!(answer.header("tollgate-token-expires").is_some(), !moved, "{answer:?}");
    }
    console.wait_for("ROTATING 37/40");
    console.send("v");
    console.wait_for("[hosts]");
    // The tab is asked for when it opens.
    console.wait_until("who is left", |screen| old_hosts(screen) == [38, 39, 40]);
    let said = daemon.cli(["token", "sources", "am-prod"]).expect(0).stdout;
    assert_eq!(said.lines().filter(|line| line.contains(" old ")).count(), usize::from(LEFT), "{said}");
    let show = daemon.cli(["token", "show", "am-prod"]).expect(0).stdout;
    assert!(show.contains("ROTATING 37/40"), "{show}");
}

/// The hosts in the tab that came with the old secret last.
fn old_hosts(screen: &str) -> Vec<u8> {
    let host = |line: &str| {
        let mut words = line.split_whitespace();
        let host = words.next()?.strip_prefix("127.0.0.")?.parse().ok()?;
        (words.next()? == "old").then_some(host)
    };
    let mut hosts: Vec<u8> = screen.lines().filter_map(host).collect();
    hosts.sort_unstable();
    hosts
}

#[test]
fn job_4_an_overlap_is_extended_never_past_the_tokens_end_and_its_end_says_who_loses() {
    let (daemon, old) = with_hosts();
    let rotate = ["--output", "json", "token", "rotate", "am-prod", "--overlap", "7d", "--yes"];
    let new = Token::of(&daemon.cli_with(&rotate, b"").expect(0).json());
    daemon.cli(["token", "overlap", "extend", "am-prod", "--for", "31d"]).expect(65);
    daemon.cli(["token", "overlap", "extend", "am-prod", "--for", "29d"]).expect(0);
    let again = daemon.cli(["token", "rotate", "am-prod", "--overlap", "1h", "--yes"]).expect(1);
    assert!(again.stderr.contains("overlap"), "a slip is refused: {again:?}");
    assert_eq!(call(&daemon, 1, &new.secret).status, 200);
    let asked = daemon.cli(["token", "overlap", "end", "am-prod"]).expect(64);
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert_eq!(call(&daemon, 2, &old.secret).status, 200, "asking ends nothing");
    // At three in the morning the new one leaked, too.
    let now = ["--output", "json", "token", "rotate", "am-prod", "--now", "--confirm", "am-prod"];
    let newest = Token::of(&daemon.cli_with(&now, b"").expect(0).json());
    for dead in [&old, &new] {
        assert_eq!(call(&daemon, 3, &dead.secret).status, 401);
    }
    assert_eq!(call(&daemon, 4, &newest.secret).status, 200);
}

#[test]
fn job_4_an_address_list_is_proposed_from_all_forty_and_locks_nobody_out() {
    let (daemon, token_40) = with_hosts();
    let proposed = daemon.cli(["token", "allowlist", "am-prod"]).expect(0).stdout;
    for host in 1..=HOSTS {
        assert!(proposed.contains(&format!("--allow-ip 127.0.0.{host}")), "127.0.0.{host}: {proposed}");
    }
    let mut console = on_tokens(&daemon, (120, 44));
    console.wait_for("am-prod");
    press(&mut console, ".", "ALL ACTIONS on am-prod");
    console.send("p");
    console.wait_until("the proposal or the question", |screen| {
        screen.contains("EDIT TOKEN am-prod") || screen.contains(".p again then")
    });
    if !console.screen().contains("EDIT TOKEN am-prod") {
        console.wait_for("[hosts]");
        console.wait_for("SINCE");
        press(&mut console, ".", "ALL ACTIONS on am-prod");
        press(&mut console, "p", "EDIT TOKEN am-prod");
    }
    go_to(&mut console, "[ Change ... ]");
    press(&mut console, "\r", "CHANGE am-prod");
    go_to(&mut console, "[ Change ]");
    press(&mut console, "\r", "done ");
    let now = token(&daemon, "am-prod");
    assert_eq!(
        (now["allowed_ips"].as_array().map(Vec::len), &now["ip_report_only"]),
        (Some(40), &json!(true)),
        "{now}"
    );
    assert_eq!(call(&daemon, 41, &token_40.secret).status, 201, "a host that was forgotten is counted, not refused");
    assert_eq!(token(&daemon, "am-prod")["usage"]["ip_violations"], json!(1));
}
