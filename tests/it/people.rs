//! People: who calls, what he may, and what the audit says of it.

use std::os::unix::process::CommandExt;

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Setup};
use tollgate_tests::http::{Answer, Connection};
use tollgate_tests::process;

use crate::support::{alert, with_alertmanager};

/// A uid that no host gives to anybody.
const STRANGER: u32 = 61_117;

fn audit(daemon: &Daemon, query: &str) -> Vec<Value> {
    daemon.get(&format!("/v1/audit?{query}"))["items"].as_array().cloned().unwrap_or_default()
}

fn manage(daemon: &Daemon, method: &str, target: &str, secret: &str) -> Answer {
    let bearer = format!("Bearer {secret}");
    daemon
        .connect()
        .expect("a connection")
        .request(method, target, &[("authorization", &bearer)], b"")
        .expect("an answer")
}

fn on(connection: &mut Connection, method: &str, target: &str, body: &Value) -> Answer {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    connection.request(method, target, &[], &bytes).expect("an answer")
}

#[test]
fn a_lockdown_answers_503_at_once_survives_a_restart_and_is_audited() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("sender", "service:Ops/DB", &[]);
    assert_eq!(daemon.local("POST", "/v1/lockdown", &json!({ "on": true, "reason": "" })).status, 422);
    assert_eq!(daemon.local("POST", "/v1/lockdown", &json!({ "on": true, "reason": "leak" })).status, 200);
    let refused = daemon.post(&token.secret, &alert("firing", "a"));
    assert_eq!((refused.status, refused.slug().as_str()), (503, "locked-down"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(daemon.post("nonsense", "x").status, 503, "before any credential is looked at");
    daemon.restart();
    assert_eq!(daemon.post(&token.secret, &alert("firing", "a")).status, 503);
    assert_eq!(daemon.get("/v1/status")["lockdown"]["reason"], "leak");
    assert_eq!(daemon.local("POST", "/v1/lockdown", &json!({ "on": false })).status, 204);
    assert_eq!(daemon.post(&token.secret, &alert("firing", "a")).status, 201);
    assert_eq!(audit(&daemon, "action=lockdown").len(), 2);
}

#[test]
fn an_unknown_uid_is_refused_with_the_remedy_and_an_operators_uid_has_his_role() {
    let daemon = Setup::default().env("TOLLGATE_SOCKET_MODE", "0660").env("TOLLGATE_SOCKET_GROUP", "61117").start();
    if daemon.get("/v1/status")["caller_uid"] != json!(0) {
        return;
    }
    std::os::unix::fs::chown(daemon.home(), Some(0), Some(STRANGER)).unwrap();
    std::fs::set_permissions(daemon.home(), std::os::unix::fs::PermissionsExt::from_mode(0o750)).unwrap();
    let as_stranger = |arguments: &[&str]| {
        let mut command = daemon.cli_command();
        process::run(command.uid(STRANGER).gid(STRANGER).args(arguments), b"")
    };
    let refused = as_stranger(&["team", "list"]).expect(77);
    assert!(refused.stderr.contains("uid 61117") && refused.stderr.contains("operator add"), "{}", refused.stderr);
    let row = &audit(&daemon, "action=refused")[0];
    assert_eq!((&row["uid"], &row["actor"], &row["origin"]), (&json!(STRANGER), &json!("uid 61117"), &json!("cli")));
    let new = json!({ "name": "bob", "unix_users": [STRANGER.to_string()], "role": "reader" });
    assert_eq!(daemon.local("POST", "/v1/operators", &new).status, 201);
    as_stranger(&["team", "list"]).expect(0);
    as_stranger(&["team", "create", "Net"]).expect(77);
    assert_eq!(audit(&daemon, "action=refused&actor=bob").len(), 1);
    assert!(daemon.get("/v1/operators/bob")["last_seen"].is_string());
}

#[test]
fn a_sign_in_holds_for_its_connection_and_no_passphrase_is_written_anywhere() {
    let daemon = Daemon::start();
    let (passphrase, wrong) = ("correct horse battery staple", "incorrect zebra capacitor");
    daemon.local("POST", "/v1/operators", &json!({ "name": "anna", "role": "reader" }));
    let set = json!({ "passphrase": passphrase });
    assert_eq!(daemon.local("POST", "/v1/operators/anna/passphrase", &set).status, 200);
    assert_eq!(daemon.local("POST", "/v1/operators/anna/passphrase", &json!({ "passphrase": "short" })).status, 422);
    let mut connection = daemon.connect_local();
    let given = |passphrase: &str| json!({ "operator": "anna", "passphrase": passphrase });
    assert_eq!(on(&mut connection, "POST", "/v1/sign-in", &given(wrong)).status, 403);
    let mut connection = daemon.connect_local();
    assert_eq!(on(&mut connection, "POST", "/v1/sign-in", &given(passphrase)).status, 200);
    assert_eq!(on(&mut connection, "GET", "/v1/status", &Value::Null).json()["caller"], "anna");
    assert_eq!(on(&mut connection, "GET", "/v1/status", &Value::Null).json()["caller_role"], "reader");
    assert_eq!(daemon.get("/v1/status")["caller"], "root", "another connection is another caller");
    assert_eq!(on(&mut connection, "POST", "/v1/sign-out", &Value::Null).status, 200);
    assert_eq!(on(&mut connection, "GET", "/v1/status", &Value::Null).json()["caller"], "root");
    let rows = audit(&daemon, "action=sign-in");
    assert_eq!((rows.len(), &rows[0]["actor"], &rows[0]["uid"]), (1, &json!("anna"), &json!(0)));
    let everything = format!("{:?}{}", audit(&daemon, "limit=1000"), daemon.log_text());
    for secret in [passphrase, wrong, "argon2id"] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn management_at_a_loopback_gate_does_what_the_token_may_and_takes_only_a_bearer() {
    let daemon = with_alertmanager();
    let sender = daemon.token("sender", "service:Ops/DB", &[]);
    assert_eq!(manage(&daemon, "GET", "/v1/tokens", &sender.secret).slug(), "permission-missing");
    assert_eq!(audit(&daemon, "action=refused")[0]["origin"], json!(format!("token {}", sender.id)));
    assert_eq!(daemon.connect().unwrap().request("GET", "/v1/tokens", &[], b"").unwrap().status, 401);
    let in_query = format!("/v1/tokens?token={}", sender.secret);
    assert_eq!(daemon.connect().unwrap().request("GET", &in_query, &[], b"").unwrap().status, 401);
    assert_eq!(manage(&daemon, "GET", "/v1/tokens", "tg_s_nonsense").status, 401);
    assert_eq!(manage(&daemon, "GET", "/v1/openapi.json", &sender.secret).json()["openapi"], "3.1.0");
    assert_eq!(daemon.get("/v1/openapi.json")["openapi"], "3.1.0");
    assert_eq!(manage(&daemon, "POST", "/v1/sign-out", &sender.secret).status, 403);
}

#[test]
fn the_audit_verifies_and_readings_of_the_log_are_one_row_a_query() {
    let daemon = with_alertmanager();
    let verdict = daemon.get("/v1/audit/verify");
    assert_eq!((&verdict["intact"], &verdict["rows"]), (&json!(true), &json!(3)));
    let head = verdict["head"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        daemon.get("/v1/logs?outcome=created&limit=1");
    }
    let rows = audit(&daemon, "action=log.read");
    assert_eq!((rows.len(), &rows[0]["detail"]), (1, &json!("outcome=created")));
    let verdict = daemon.get(&format!("/v1/audit/verify?head={head}"));
    assert_eq!((&verdict["intact"], &verdict["rows"]), (&json!(true), &json!(4)));
    let foreign = "f".repeat(64);
    assert_eq!(daemon.get(&format!("/v1/audit/verify?head={foreign}"))["intact"], json!(false));
}

#[test]
fn a_team_in_use_is_409_and_lists_what_is_of_it() {
    let daemon = with_alertmanager();
    let refused = daemon.local("DELETE", "/v1/teams/Ops", &Value::Null);
    assert_eq!((refused.status, refused.slug().as_str()), (409, "in-use"));
    assert_eq!(refused.json()["errors"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_operator_carries_an_etag_and_a_lost_update_is_412() {
    let daemon = Daemon::start();
    let made = daemon.local("POST", "/v1/operators", &json!({ "name": "anna", "role": "reader" }));
    let tag = made.header("etag").expect("a tag").to_owned();
    assert_eq!(daemon.local("GET", "/v1/operators/anna", &Value::Null).header("etag"), Some(tag.as_str()));
    let edit = |tag: &str, role: &str| {
        let headers = [("if-match", tag), ("content-type", "application/json")];
        let body = json!({ "role": role }).to_string();
        daemon.connect_local().request("PATCH", "/v1/operators/anna", &headers, body.as_bytes()).expect("an answer")
    };
    let first = edit(&tag, "admin");
    assert_eq!(first.status, 200, "{first:?}");
    let lost = edit(&tag, "none");
    assert_eq!((lost.status, lost.slug().as_str()), (412, "version-mismatch"), "{lost:?}");
    assert_eq!(daemon.get("/v1/operators/anna")["role"], json!("admin"), "nothing was changed");
    assert_eq!(edit(first.header("etag").expect("a new tag"), "none").status, 200);
    assert_eq!(edit("\"many\"", "reader").status, 422, "no version at all");
}

#[test]
fn a_body_with_a_secret_that_does_not_fit_is_not_repeated() {
    let daemon = Daemon::start();
    let secret = "correct horse battery staple";
    daemon.local("POST", "/v1/operators", &json!({ "name": "anna" }));
    for (target, body) in [
        ("/v1/sign-in", json!(secret)),
        ("/v1/sign-in", json!({ "operator": "anna", secret: 1 })),
        ("/v1/operators/anna/passphrase", json!(secret)),
        ("/v1/tokens/import", json!({ "value": [secret], "token": secret })),
        ("/v1/tokens/identify", json!({ secret: secret })),
    ] {
        let answer = daemon.local("POST", target, &body);
        assert!((400..500).contains(&answer.status), "{target}: {answer:?}");
        assert!(!format!("{answer:?}").contains(secret), "{target}: {answer:?}");
    }
}
