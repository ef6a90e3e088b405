//! Several unix users at the same sockets: what each may, who comes over which socket, and who is nobody.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_res_gid, set_thread_res_uid};
use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Setup};
use tollgate_tests::http::Connection;
use tollgate_tests::{process, skipped, wait};

use crate::support::{Tail, alert};

/// Groups of the two sockets, of nobody else.
const ADMINS: u32 = 61_117;
const READERS: u32 = 61_118;

/// Users of the matrix: a uid, the global role, the role in team `Ops`, and the letter in the table below.
const USERS: [(u32, char, Option<&str>, Option<&str>); 7] = [
    (61_001, 'A', Some("admin"), None),
    (61_002, 'R', Some("reader"), None),
    (61_003, 'M', None, Some("Ops=manager")),
    (61_004, 'P', None, Some("Ops=responder")),
    (61_005, 'O', None, Some("Ops=observer")),
    (61_006, 'm', None, Some("Net=manager")),
    (61_007, 'n', None, None),
];

fn needs_root(test: &str) -> bool {
    if !geteuid().is_root() {
        skipped(test, "only root can be others");
    }
    geteuid().is_root()
}

/// Whether a program does here what the test needs of it: containers forbid some of it.
fn works(program: &str, words: &[&str]) -> bool {
    Command::new(program).args(words).arg("true").status().is_ok_and(|status| status.success())
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("the mode can be set");
}

/// Does something on a thread of its own that has this uid and group for good.
fn as_user<T: Send>(uid: u32, gid: u32, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let (gid, uid) = (Gid::from_raw(gid), Uid::from_raw(uid));
            set_thread_res_gid(gid, gid, gid).expect("root may change its group");
            set_thread_res_uid(uid, uid, uid).expect("root may change its uid");
            work()
        });
        thread.join().expect("the thread ends")
    })
}

fn ask(socket: &Path, method: &str, target: &str, body: &Value) -> std::io::Result<(u16, String)> {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = [("content-type", "application/json")];
    let answer = Connection::unix(socket)?.request(method, target, &headers, &bytes)?;
    Ok((answer.status, answer.slug()))
}

/// One row of the matrix: a request (`{uid}` becomes the caller's), and the letters of those who may.
struct Row(&'static str, &'static str, Value, &'static str);

/// What the table of roles says, as requests that would succeed for whoever may.
fn matrix() -> Vec<Row> {
    let none = || Value::Null;
    vec![
        Row("GET", "/v1/status", none(), "ARMPOm"),
        Row("GET", "/v1/status/hour", none(), "ARMPOm"),
        Row("GET", "/v1/teams", none(), "ARMPOm"),
        Row("GET", "/v1/services/Ops%2FDB", none(), "ARMPO"),
        Row("GET", "/v1/tokens", none(), "ARMPOm"),
        Row("GET", "/v1/tokens/ours", none(), "ARMPO"),
        Row("GET", "/v1/incidents", none(), "ARMPOm"),
        Row("GET", "/v1/logs", none(), "ARMPOm"),
        Row("GET", "/v1/audit", none(), "ARMm"),
        Row("GET", "/v1/operators", none(), "AR"),
        Row("POST", "/v1/teams", json!({ "name": "team {uid}" }), "A"),
        Row("POST", "/v1/services", json!({ "team": "Ops", "name": "service {uid}" }), "AM"),
        Row("POST", "/v1/tokens", json!({ "name": "global {uid}", "scope": "global" }), "A"),
        Row("POST", "/v1/tokens", json!({ "name": "team {uid}", "scope": "team:Ops" }), "AM"),
        Row("POST", "/v1/tokens", json!({ "name": "service {uid}", "scope": "service:Ops/DB" }), "AM"),
        Row(
            "POST",
            "/v1/tokens",
            json!({ "name": "own {uid}", "scope": "mine", "personal": true, "permissions": ["incidents:read"] }),
            "ARMPOm",
        ),
        Row("PATCH", "/v1/tokens/ours", json!({ "description": "by {uid}" }), "AM"),
        Row("POST", "/v1/tokens/ours/suspend", json!({ "reason": "doubt" }), "AMP"),
        Row("POST", "/v1/tokens/ours/resume", none(), "AM"),
        Row("POST", "/v1/tokens/ours/rotate", json!({ "now": true }), "AM"),
        Row("POST", "/v1/incidents/{incident}/acknowledge", none(), "AMP"),
        Row("POST", "/v1/incidents/{incident}/unacknowledge", none(), "AMP"),
        Row("POST", "/v1/operators", json!({ "name": "operator {uid}" }), "A"),
        Row("POST", "/v1/lockdown", json!({ "on": false }), "A"),
        Row("GET", "/v1/openapi.json", none(), "ARMPOmn"),
    ]
}

#[test]
fn each_of_several_users_may_what_the_table_of_roles_says_and_no_more() {
    if !needs_root("each_of_several_users_may_what_the_table_of_roles_says_and_no_more") {
        return;
    }
    let daemon = Daemon::start();
    chmod(daemon.home(), 0o755);
    chmod(&daemon.socket(), 0o666);
    daemon.service("DB", "alertmanager");
    daemon.cli(["team", "create", "Net"]).expect(0);
    let sender = daemon.token("ours", "team:Ops", &[]);
    daemon.post(&sender.secret, &alert("firing", "a"));
    let incident = daemon.all("/v1/incidents")[0]["head"]["id"].as_str().expect("an id").to_owned();
    for (uid, _, role, team) in USERS {
        let teams: Vec<_> = team.into_iter().collect();
        let unix_users = [uid.to_string()];
        let new = json!({ "name": format!("u{uid}"), "unix_users": unix_users, "role": role, "team_roles": teams });
        assert_eq!(daemon.local("POST", "/v1/operators", &new).status, 201);
    }
    let socket = daemon.socket();
    let mut wrong = Vec::new();
    for Row(method, target, body, may) in matrix() {
        let target = target.replace("{incident}", &incident);
        for (uid, letter, ..) in USERS {
            let body: Value = body.to_string().replace("{uid}", &uid.to_string()).parse().expect("JSON");
            let (status, slug) = as_user(uid, uid, || ask(&socket, method, &target, &body)).expect("an answer");
            // What a caller may not see is not there for him.
            let refused = status == 403 || (status == 404 && method == "GET");
            if refused == may.contains(letter) || (!refused && status >= 300) {
                wrong.push(format!("{method} {target} by {letter}: {status} {slug}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_kernel_keeps_the_groups_of_the_two_sockets_apart_and_over_the_reader_socket_nobody_changes_anything() {
    if !needs_root("the_kernel_keeps_the_groups_of_the_two_sockets_apart") {
        return;
    }
    let reader = tempfile::Builder::new().prefix("tg-r-").tempdir().expect("a directory");
    chmod(reader.path(), 0o755);
    let socket = reader.path().join("reader.sock");
    let path = socket.to_str().expect("the path is text").to_owned();
    let daemon = Setup::default()
        .env("TOLLGATE_SOCKET_MODE", "0660")
        .env("TOLLGATE_SOCKET_GROUP", &ADMINS.to_string())
        .env("TOLLGATE_READER_SOCKET", &path)
        .env("TOLLGATE_READER_GROUP", &READERS.to_string())
        .start();
    chmod(daemon.home(), 0o755);
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&daemon.socket()), mode(&socket)), (0o660, 0o660));
    let new = json!({ "name": "anna", "unix_users": ["61001"], "role": "admin" });
    assert_eq!(daemon.local("POST", "/v1/operators", &new).status, 201);
    let team = |name: &str| json!({ "name": name });
    let denied = |asked: std::io::Result<(u16, String)>| {
        asked.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    // An admin in the admins' group: everything there, and the reader socket is closed to that group.
    as_user(61_001, ADMINS, || {
        assert_eq!(ask(&daemon.socket(), "POST", "/v1/teams", &team("A")).expect("an answer").0, 201);
        assert!(denied(ask(&socket, "GET", "/v1/teams", &Value::Null)), "by the kernel");
    });
    // The same person in the readers' group only looks, whatever his role.
    as_user(61_001, READERS, || {
        assert!(denied(ask(&daemon.socket(), "GET", "/v1/teams", &Value::Null)), "by the kernel");
        assert_eq!(ask(&socket, "GET", "/v1/teams", &Value::Null).expect("an answer").0, 200);
        assert_eq!(ask(&socket, "GET", "/v1/audit", &Value::Null).expect("an answer").0, 200);
        let refused = ask(&socket, "POST", "/v1/teams", &team("B")).expect("an answer");
        assert_eq!(refused, (403, "forbidden".to_owned()));
    });
    // Membership of the group opens the door; a role is still asked for.
    let stranger = as_user(61_050, READERS, || ask(&socket, "GET", "/v1/teams", &Value::Null)).expect("an answer");
    assert_eq!(stranger, (403, "unknown-operator".to_owned()));
    let refused = ask(&socket, "POST", "/v1/teams", &team("C")).expect("an answer");
    assert_eq!(refused, (403, "forbidden".to_owned()), "not even root");
    let mut command = daemon.cli_command();
    let ran = process::run(command.arg("--socket").arg(&socket).args(["team", "create", "D"]), b"").expect(64);
    assert!(!ran.stderr.is_empty(), "one socket at a time: {ran:?}");
    let names: Vec<_> = daemon.all("/v1/teams").iter().map(|team| team["name"].clone()).collect();
    assert_eq!(names, ["A"]);
}

#[test]
fn where_it_is_set_a_stranger_of_the_readers_group_reads_and_changes_nothing() {
    if !needs_root("where_it_is_set_a_stranger_of_the_readers_group_reads_and_changes_nothing") {
        return;
    }
    let reader = tempfile::Builder::new().prefix("tg-r-").tempdir().expect("a directory");
    chmod(reader.path(), 0o755);
    let socket = reader.path().join("reader.sock");
    let _daemon = Setup::default()
        .env("TOLLGATE_READER_SOCKET", socket.to_str().expect("the path is text"))
        .env("TOLLGATE_READER_GROUP", &READERS.to_string())
        .env("TOLLGATE_READER_ROLE", "reader")
        .start();
    as_user(61_050, READERS, || {
        for target in ["/v1/status", "/v1/teams", "/v1/tokens", "/v1/incidents", "/v1/logs", "/v1/operators"] {
            assert_eq!(ask(&socket, "GET", target, &Value::Null).expect("an answer").0, 200, "{target}");
        }
        let asked = [("/v1/teams", json!({ "name": "B" })), ("/v1/lockdown", json!({ "on": true, "reason": "x" }))];
        for (target, body) in asked {
            let refused = ask(&socket, "POST", target, &body).expect("an answer");
            assert_eq!(refused, (403, "forbidden".to_owned()), "{target}");
        }
    });
}

#[test]
fn a_uid_that_the_daemons_user_namespace_does_not_map_gets_no_answer() {
    let namespace = ["--user", "--map-root-user"];
    if !needs_root("a_uid_that_the_daemons_user_namespace_does_not_map_gets_no_answer") {
        return;
    }
    if !works("unshare", &namespace) {
        skipped("a_uid_that_the_daemons_user_namespace_does_not_map_gets_no_answer", "no user namespaces here");
        return;
    }
    let daemon = Setup::default().wrapped(&["unshare", namespace[0], namespace[1]]).start();
    chmod(daemon.home(), 0o755);
    chmod(&daemon.socket(), 0o666);
    // In there root is the only one who has a number; everybody else is shown as 65534.
    assert_eq!(daemon.get("/v1/status")["caller_role"], json!("admin"));
    let new = json!({ "name": "everybody", "unix_users": ["65534"], "role": "admin" });
    let refused = daemon.local("POST", "/v1/operators", &new);
    assert_eq!((refused.status, refused.slug().as_str()), (422, "validation"), "{refused:?}");
    let socket = daemon.socket();
    for uid in [1, 1_000, 61_001, 65_534] {
        let answered = as_user(uid, uid, || ask(&socket, "GET", "/v1/status", &Value::Null));
        assert!(answered.is_err(), "{uid}: {answered:?}");
    }
    assert!(daemon.log_text().contains("unmapped"), "the daemon's log says why");
}

#[test]
fn a_uid_that_was_given_to_somebody_else_has_no_role_and_is_told_why() {
    const USER: u32 = 61_009;
    if !needs_root("a_uid_that_was_given_to_somebody_else_has_no_role_and_is_told_why") {
        return;
    }
    if !works("unshare", &["--mount"]) {
        skipped("a_uid_that_was_given_to_somebody_else_has_no_role_and_is_told_why", "no mount namespaces here");
        return;
    }
    let directory = tempfile::Builder::new().prefix("tg-p-").tempdir().expect("a directory");
    let passwd: PathBuf = directory.path().join("passwd");
    let user = |name: &str| format!("root:x:0:0::/root:/bin/sh\n{name}:x:{USER}:{USER}::/:/bin/sh\n");
    std::fs::write(&passwd, user("berta")).expect("a file");
    let mount = format!("mount --bind {} /etc/passwd && exec \"$0\" \"$@\"", passwd.display());
    let daemon = Setup::default().wrapped(&["unshare", "--mount", "sh", "-c", &mount]).start();
    chmod(daemon.home(), 0o755);
    chmod(&daemon.socket(), 0o666);
    let new = json!({ "name": "Berta", "unix_users": ["berta"], "role": "reader" });
    let made = daemon.local("POST", "/v1/operators", &new);
    assert_eq!(made.json()["unix_users"], json!([format!("berta ({USER})")]), "{made:?}");
    let socket = daemon.socket();
    let asked = || as_user(USER, USER, || ask(&socket, "GET", "/v1/teams", &Value::Null)).expect("an answer");
    assert_eq!(asked().0, 200);
    // Berta leaves, and her uid is given to the next who comes. Written in place: the mount is of this very file.
    std::fs::write(&passwd, user("carl")).expect("a file");
    let refused = wait::until("the new user list is read", wait::PATIENCE, || match asked() {
        (403, slug) => Ok(slug),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(refused, "unknown-operator");
    let rows = daemon.get("/v1/audit?action=refused");
    let detail = rows["items"][0]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("`carl` now") && detail.contains("`berta`"), "{rows}");
    let patch = json!({ "unix_users": ["carl"] });
    assert_eq!(daemon.local("PATCH", "/v1/operators/Berta", &patch).status, 200);
    assert_eq!(asked().0, 200, "an admin has said that it is right");
}

#[test]
fn an_open_tail_ends_with_the_reason_when_its_reader_may_read_no_more() {
    let daemon = Daemon::start();
    daemon.service("DB", "alertmanager");
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let permissions = json!(["logs:read"]);
    let reader = json!({ "name": "shipper", "scope": "global", "permissions": permissions });
    let reader = tollgate_tests::daemon::Token::of(&daemon.local("POST", "/v1/tokens", &reader).json());
    let bearer = format!("Bearer {}", reader.secret);
    let mut by_token = daemon.connect().expect("the gate listens");
    by_token.send("GET", "/v1/logs?follow=true&after=0", &[("authorization", &bearer)], b"").expect("a request");
    assert_eq!(by_token.answer_head().expect("an answer").0, 200);
    let mut by_token = Tail::on(by_token);
    daemon.post(&token.secret, &alert("firing", "a"));
    while by_token.next()["row"]["seq"] != json!(1) {}
    let revoke = json!({ "confirm": reader.id });
    assert_eq!(daemon.local("POST", &format!("/v1/tokens/{}/revoke", reader.id), &revoke).status, 200);
    daemon.post(&token.secret, &alert("resolved", "a"));
    assert_eq!(last_line(&mut by_token)["type"], json!("urn:tollgate:problem:token-revoked"));

    let passphrase = "correct horse battery staple";
    let new = json!({ "name": "anna", "role": "reader" });
    assert_eq!(daemon.local("POST", "/v1/operators", &new).status, 201);
    daemon.local("POST", "/v1/operators/anna/passphrase", &json!({ "passphrase": passphrase }));
    let mut signed_in = daemon.connect_local();
    let sign_in = json!({ "operator": "anna", "passphrase": passphrase }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = signed_in.request("POST", "/v1/sign-in", &headers, sign_in.as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200);
    signed_in.send("GET", "/v1/logs?follow=true&last=5", &[], b"").expect("a request");
    assert_eq!(signed_in.answer_head().expect("an answer").0, 200);
    let mut tail = Tail::on(signed_in);
    while tail.next()["row"]["seq"] != json!(2) {}
    assert_eq!(daemon.local("DELETE", "/v1/operators/anna", &Value::Null).status, 204);
    daemon.post(&token.secret, &alert("firing", "b"));
    let end = last_line(&mut tail);
    assert_eq!(end["type"], json!("urn:tollgate:problem:unknown-operator"), "{end}");
}

/// Reads on to the end of a tail; after its operator's removal no row may come.
fn last_line(tail: &mut Tail) -> Value {
    loop {
        let item = tail.next();
        assert!(item["row"].is_null(), "a row after the right to read was gone: {item}");
        if item["end"].is_object() {
            return item["end"].clone();
        }
    }
}
