//! Job 3: a token leaked, at night: whose is it, stop it, prove it.

use std::os::unix::process::CommandExt;

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Setup, Token};
use tollgate_tests::{process, skipped};

use super::{on_tokens, secret_on, tab_to_line, token};
use crate::desk::{go_to, marks, press};
use crate::support::{alert, with_alertmanager};

fn identify(daemon: &Daemon, value: &str) -> process::Ran {
    daemon.cli_with(&["token", "identify", "-"], value.as_bytes())
}

#[test]
fn job_3_a_pasted_value_is_identified_and_its_revoke_leaves_a_receipt_and_a_proof() {
    let daemon = with_alertmanager();
    let leaked = daemon.token("zabbix-prod", "service:Ops/DB", &["--preset", "all"]);
    assert_eq!(daemon.post(&leaked.secret, &alert("firing", "a")).status, 201);
    // Whole, and as a fragment of a log line: its ten characters are the public id.
    let whole = identify(&daemon, &leaked.secret).expect(0);
    assert!(whole.stdout.contains("zabbix-prod") && !whole.stdout.contains(&leaked.secret), "{whole:?}");
    let fragment = identify(&daemon, &format!("tg_{}", leaked.id));
    assert!(fragment.stdout.contains("zabbix-prod"), "{fragment:?}");
    assert_eq!(token(&daemon, &leaked.id)["name"], "zabbix-prod", "the id is taken everywhere");
    let mut console = on_tokens(&daemon, (100, 40));
    console.wait_for("zabbix-prod");
    let preview = press(&mut console, "R", "WHAT STOPS");
    assert!(preview.contains("1 call in the last hour") && preview.contains("127.0.0.1"), "{preview}");
    assert!(preview.contains("> [ Cancel ]") && preview.contains("suspend: 503"), "{preview}");
    console.wait_for("1 open incident that it opened");
    console.paste("zabbix-prod");
    console.wait_for("a paste does not count");
    console.type_slowly("zabbix-prod");
    go_to(&mut console, "[ Revoke ]");
    let receipt = press(&mut console, "\r", "in force since");
    assert!(receipt.contains("last accepted") && receipt.contains("in flight then"), "{receipt}");
    prove(&daemon, &leaked);
}

/// What security asks for at nine in the morning.
fn prove(daemon: &Daemon, leaked: &Token) {
    for _ in 0..3 {
        let refused = daemon.post(&leaked.secret, &alert("firing", "b"));
        assert_eq!((refused.status, refused.slug().as_str()), (401, "token-revoked"));
    }
    let whole = identify(daemon, &leaked.secret).expect(0);
    assert!(whole.stdout.contains("revoked"), "{whole:?}");
    let gone = token(daemon, &leaked.id);
    let tries = &gone["usage"]["dead_tries"];
    assert_eq!((&tries["count"], &tries["last_ip"]), (&json!(3), &json!("127.0.0.1")), "{gone}");
    let report = daemon.cli(["token", "report", &leaked.id]).expect(0).stdout;
    assert!(report.contains("token.revoke") && report.contains("AUDIT CHAIN"), "{report}");
}

#[test]
fn job_3_tries_with_a_dead_secret_outlive_a_restart() {
    let mut daemon = with_alertmanager();
    let leaked = daemon.token("zabbix-prod", "service:Ops/DB", &[]);
    daemon.cli(["token", "revoke", &leaked.id, "--confirm", "zabbix-prod", "--reason", "pastebin"]).expect(0);
    assert_eq!(daemon.post(&leaked.secret, "{}").status, 401);
    assert_eq!(daemon.terminate(), 0);
    daemon.restart();
    let gone = token(&daemon, &leaked.id);
    assert_eq!(
        (&gone["usage"]["dead_tries"]["count"], &gone["revoke_reason"]),
        (&json!(1), &json!("pastebin")),
        "{gone}"
    );
}

#[test]
fn job_3_the_dialog_shows_what_the_leaked_token_issued_and_revokes_that_too() {
    let daemon = with_alertmanager();
    let leaked = daemon.token("deploy", "global", &["--preset", "all"]);
    let bearer = format!("Bearer {}", leaked.secret);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let new = json!({ "name": "thief", "scope": "global" }).to_string();
    let made = daemon.connect().expect("it listens").request("POST", "/v1/tokens", &headers, new.as_bytes());
    let made = Token::of(&made.expect("an answer").json());
    let mut console = on_tokens(&daemon, (100, 40));
    console.wait_for("deploy");
    // By name it is the first, so it has the mark.
    press(&mut console, "R", "REVOKE deploy");
    console.wait_for("1 token: thief");
    console.type_slowly("deploy");
    tab_to_line(&mut console, "also revoke what it issued: 1");
    console.send(" ");
    console.wait_for("[x] also revoke");
    go_to(&mut console, "[ Revoke ]");
    press(&mut console, "\r", "in force since");
    console.wait_for("thief");
    for secret in [&leaked.secret, &made.secret] {
        assert_eq!(daemon.post(secret, "{}").slug(), "token-revoked");
    }
}

#[test]
fn job_3_the_responder_who_is_awake_may_suspend_but_not_resume_and_senders_keep_their_alerts() {
    const RESPONDER: u32 = 61_203;
    let daemon = Setup::default().start();
    if !rustix::process::geteuid().is_root() {
        return skipped("job_3_the_responder_who_is_awake", "only root can be others");
    }
    daemon.service("DB", "alertmanager");
    let doubted = daemon.token("am", "team:Ops", &[]);
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("the owner may");
    };
    open(daemon.home(), 0o755);
    open(&daemon.socket(), 0o666);
    let uid = RESPONDER.to_string();
    daemon.cli(["operator", "add", "nina", "--unix-user", &uid, "--team-role", "Ops=responder"]).expect(0);
    let as_responder =
        |arguments: &[&str]| process::run(daemon.cli_command().uid(RESPONDER).gid(RESPONDER).args(arguments), b"");
    as_responder(&["token", "suspend", "am", "--reason", "seen in a chat"]).expect(0);
    let waits = daemon.post(&doubted.secret, &alert("firing", "a"));
    assert_eq!((waits.status, waits.slug().as_str()), (503, "token-suspended"));
    assert!(waits.header("retry-after").is_some(), "a sender that retries loses nothing");
    as_responder(&["token", "resume", "am"]).expect(77);
    as_responder(&["token", "revoke", "am", "--confirm", "am"]).expect(77);
    daemon.cli(["token", "resume", "am"]).expect(0);
    assert_eq!(daemon.post(&doubted.secret, &alert("firing", "a")).status, 201);
}

#[test]
fn job_3_a_rotation_now_is_as_hard_as_a_revoke_and_shows_the_new_secret_once() {
    let daemon = with_alertmanager();
    let leaked = daemon.token("am", "service:Ops/DB", &[]);
    let hint = daemon.cli(["token", "rotate", "am", "--now"]).expect(64).stderr;
    assert!(hint.contains("--overlap") && hint.contains("--confirm am"), "{hint}");
    let mut console = on_tokens(&daemon, (100, 40));
    console.wait_for("am ");
    press(&mut console, ".", "ALL ACTIONS on am");
    press(&mut console, "o", "ROTATE am");
    tab_to_line(&mut console, "Left Right");
    while !console.screen().contains("now: the old secret is dead at once") {
        let before = marks(&console.screen());
        console.send("\x1b[C");
        console.wait_until("another way", |screen| marks(screen) != before);
    }
    console.type_slowly("am");
    go_to(&mut console, "[ Rotate ]");
    let shown = press(&mut console, "\r", "shown this once");
    assert_eq!(daemon.post(&leaked.secret, "{}").status, 401);
    assert_eq!(daemon.post(&secret_on(&shown), &alert("firing", "a")).status, 201);
}
