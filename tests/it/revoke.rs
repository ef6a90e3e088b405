//! A revoked or rotated value never works again, whatever happens at the same moment.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::http::Connection;

use crate::support::{alert, counts, outcome, with_alertmanager};

/// Clients that post at the same time.
const CLIENTS: usize = 32;
/// Revokes raced against; each is one token.
const RACES: usize = 100;

/// `tollgate token rotate`, and the new value.
fn rotate(daemon: &Daemon, token: &Token) -> Token {
    Token::of(&daemon.cli_json(["token", "rotate", &token.id, "--confirm", &token.id]))
}

#[test]
fn revoked_token_is_refused_also_after_kill_9_right_after_the_revoke() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", "a"))), "created");
    daemon.cli(["token", "revoke", "am", "--confirm", "am"]).expect(0);
    daemon.kill9();
    daemon.restart();
    let answer = daemon.post(&token.secret, &alert("firing", "b"));
    assert_eq!((answer.status, answer.slug().as_str()), (401, "token-revoked"), "{answer:?}");
    assert!(answer.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")), "{answer:?}");
    let tombstone = daemon.get(&format!("/v1/tokens/{}", token.id));
    assert_eq!(tombstone["state"], json!("revoked"));
    assert!(daemon.all("/v1/tokens").is_empty(), "the row leaves the list");
}

#[test]
fn rotated_value_is_refused_at_once_and_after_kill_9_and_the_new_one_works() {
    let mut daemon = with_alertmanager();
    let old = daemon.token("am", "service:Ops/DB", &[]);
    let new = rotate(&daemon, &old);
    assert_eq!(old.id, new.id, "the settings and the id stay");
    for round in ["at once", "after kill -9"] {
        let answer = daemon.post(&old.secret, &alert("firing", round));
        assert_eq!(answer.status, 401, "{round}: {answer:?}");
        assert!(daemon.post(&new.secret, &alert("firing", round)).is_success(), "{round}");
        daemon.restart();
    }
}

#[test]
fn token_of_a_revoked_name_is_another_token() {
    let daemon = with_alertmanager();
    let old = daemon.token("am", "service:Ops/DB", &[]);
    daemon.cli(["token", "revoke", "am", "--confirm", "am"]).expect(0);
    let new = daemon.token("am", "service:Ops/DB", &[]);
    assert_ne!(old.id, new.id);
    assert_eq!(daemon.post(&old.secret, &alert("firing", "a")).slug(), "token-revoked");
    assert_eq!(outcome(&daemon.post(&new.secret, &alert("firing", "a"))), "created");
}

#[test]
fn revoke_without_the_right_name_changes_nothing() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let before = counts(&daemon);
    for args in [
        &["token", "revoke", "am"][..],
        &["token", "revoke", "am", "--confirm", "an"],
        &["token", "revoke", "am", "--confirm", ""],
        &["token", "revoke", "am", "--yes"],
        &["token", "rotate", "am", "--confirm", "an"],
    ] {
        let ran = daemon.cli_with(args, b"").expect(64);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{ran:?}");
    }
    assert_eq!(counts(&daemon), before);
    assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", "a"))), "created");
}

#[test]
fn no_call_is_accepted_after_its_tokens_revoke_has_returned() {
    let daemon = with_alertmanager();
    // Calls that match nothing: what is raced is the token, not the disk.
    let tokens: Vec<Token> = (0..RACES).map(|n| created(&daemon, &format!("race-{n}"))).collect();
    let [race, accepted, late] = [const { AtomicUsize::new(0) }; 3];
    let revoked: Vec<AtomicBool> = tokens.iter().map(|_| AtomicBool::new(false)).collect();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client { daemon: &daemon, connection: None };
                loop {
                    let n = race.load(Ordering::SeqCst);
                    let Some(token) = tokens.get(n) else { return };
                    let was_revoked = revoked[n].load(Ordering::SeqCst);
                    let is_accepted = client.is_accepted(&token.secret);
                    accepted.fetch_add(usize::from(is_accepted), Ordering::SeqCst);
                    late.fetch_add(usize::from(is_accepted && was_revoked), Ordering::SeqCst);
                }
            });
        }
        let mut seen = 0;
        for (n, token) in tokens.iter().enumerate() {
            // The revoke comes into running traffic of this very token.
            tollgate_tests::wait::until("calls of the token", tollgate_tests::wait::PATIENCE, || {
                let now = accepted.load(Ordering::SeqCst);
                if now > seen { Ok(()) } else { Err(format!("race {n}, {now} accepted")) }
            });
            let answer = daemon.local(
                "POST",
                &format!("/v1/tokens/{}/revoke", token.id),
                &json!({ "confirm": token.id, "reason": "race" }),
            );
            assert_eq!(answer.status, 200, "{answer:?}");
            revoked[n].store(true, Ordering::SeqCst);
            // Some more calls with the dead value before the next race begins.
            assert!(!Client { daemon: &daemon, connection: None }.is_accepted(&token.secret));
            seen = accepted.load(Ordering::SeqCst);
            race.store(n + 1, Ordering::SeqCst);
        }
    });
    assert!(accepted.load(Ordering::SeqCst) >= RACES, "the traffic was real");
    assert_eq!(late.load(Ordering::SeqCst), 0, "calls accepted after the revoke had returned");
}

/// A token made over the socket: a process for each would cost more than the test.
fn created(daemon: &Daemon, name: &str) -> Token {
    let answer = daemon.local("POST", "/v1/tokens", &json!({ "name": name, "scope": "service:Ops/DB" }));
    assert_eq!(answer.status, 201, "{answer:?}");
    Token::of(&answer.json())
}

/// A sender that keeps its connection while the daemon does: a refusal that leaves a body unread closes it.
struct Client<'d> {
    daemon: &'d Daemon,
    connection: Option<Connection>,
}

impl Client<'_> {
    fn is_accepted(&mut self, secret: &str) -> bool {
        let mut connection = self.connection.take().unwrap_or_else(|| self.daemon.connect().expect("the gate listens"));
        let bearer = format!("Bearer {secret}");
        let answer = connection.request("POST", "/v1/process", &[("authorization", &bearer)], b"{\"nothing\": 1}");
        let answer = answer.expect("a call is answered");
        self.connection = (answer.header("connection") != Some("close")).then_some(connection);
        answer.is_success()
    }
}
