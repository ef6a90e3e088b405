//! A revoked or rotated value never works again, whatever happens at the same moment.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::http::Connection;

use crate::support::{alert, counts, outcome, with_alertmanager};

/// Clients that post at the same time.
const CLIENTS: usize = 32;
/// Revokes raced against, each of a token of its own; `TOLLGATE_RACES` asks for more.
const RACES: usize = 100;
/// Tokens made in one request.
const BATCH: usize = 1_000;

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
    let (races, mut seed) = (asked_for("TOLLGATE_RACES", RACES), asked_for("TOLLGATE_SEED", 7_480) as u64);
    println!("{races} races of {CLIENTS} clients, TOLLGATE_SEED={seed}");
    // Calls that match nothing: what is raced is the token, not the disk.
    let tokens = created(&daemon, races);
    let field = Field::new(&tokens);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| field.send_until_the_end(&daemon));
        }
        let mut operator = daemon.connect_local();
        for (n, token) in tokens.iter().enumerate() {
            // The revoke comes into running traffic of this very token, now sooner and now later.
            let before = field.accepted.load(Ordering::SeqCst);
            let calls = 1 + usize::try_from(next_random(&mut seed) % (CLIENTS as u64)).expect("it is small");
            tollgate_tests::wait::until("calls of the token", tollgate_tests::wait::PATIENCE, || {
                let now = field.accepted.load(Ordering::SeqCst) - before;
                if now >= calls { Ok(()) } else { Err(format!("race {n}: {now} of {calls} accepted")) }
            });
            let (path, body) = (format!("/v1/tokens/{}/revoke", token.id), json!({ "confirm": token.id }).to_string());
            let headers = [("content-type", "application/json")];
            let answer = operator.request("POST", &path, &headers, body.as_bytes()).expect("an answer");
            assert_eq!(answer.status, 200, "race {n}: {answer:?}");
            field.revoked[n].store(true, Ordering::SeqCst);
            // A sender that begins now is refused too; then the next race begins.
            assert!(!Client { daemon: &daemon, connection: None }.is_accepted(&token.secret), "race {n}");
            field.race.store(n + 1, Ordering::SeqCst);
        }
    });
    let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
    let (accepted, refused, late) = (count(&field.accepted), count(&field.refused), count(&field.late));
    println!("{accepted} accepted before, {refused} refused, {late} accepted after, in {:?}", begun.elapsed());
    assert!(accepted >= races && refused >= races, "the traffic was real");
    assert_eq!(late, 0, "calls accepted after the revoke had returned");
}

/// A number from the environment, or the usual one.
fn asked_for(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().map_or(usual, |text| text.parse().expect("a number"))
}

/// The next of a row of numbers that the seed decides (xorshift).
fn next_random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Tokens made over the socket, many at once: a process for each would cost more than the test.
fn created(daemon: &Daemon, count: usize) -> Vec<Token> {
    let names: Vec<_> = (0..count).map(|n| json!({ "name": format!("race-{n}"), "scope": "service:Ops/DB" })).collect();
    let batches = names.chunks(BATCH).flat_map(|rows| {
        let answer = daemon.local("POST", "/v1/tokens/batch", &json!({ "tokens": rows }));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["items"].as_array().cloned().unwrap_or_default()
    });
    batches.map(|made| Token::of(&made)).collect()
}

/// What the clients of all races share.
struct Field<'t> {
    tokens: &'t [Token],
    race: AtomicUsize,
    revoked: Vec<AtomicBool>,
    accepted: AtomicUsize,
    refused: AtomicUsize,
    late: AtomicUsize,
}

impl<'t> Field<'t> {
    fn new(tokens: &'t [Token]) -> Self {
        let revoked = tokens.iter().map(|_| AtomicBool::new(false)).collect();
        let [race, accepted, refused, late] = [const { AtomicUsize::new(0) }; 4];
        Self { tokens, race, revoked, accepted, refused, late }
    }

    /// Posts with the token of the present race. A call is late where it began after the revoke had returned.
    fn send_until_the_end(&self, daemon: &Daemon) {
        let mut client = Client { daemon, connection: None };
        loop {
            let n = self.race.load(Ordering::SeqCst);
            let Some(token) = self.tokens.get(n) else { return };
            let was_revoked = self.revoked[n].load(Ordering::SeqCst);
            let is_accepted = client.is_accepted(&token.secret);
            self.accepted.fetch_add(usize::from(is_accepted), Ordering::SeqCst);
            self.refused.fetch_add(usize::from(!is_accepted), Ordering::SeqCst);
            self.late.fetch_add(usize::from(is_accepted && was_revoked), Ordering::SeqCst);
        }
    }
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
