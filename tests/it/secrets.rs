//! A secret is shown once: afterwards it stands in no file, no log and no answer.

use std::path::{Path, PathBuf};

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Setup, Token};
use tollgate_tests::http::Answer;

use crate::support::alert;

/// What must not be found anywhere: the whole value, and its secret part alone.
struct Needles(Vec<Vec<u8>>);

impl Needles {
    fn of(tokens: &[&Token]) -> Self {
        let parts = |token: &&Token| {
            let secret = &token.secret;
            // Long enough to be nobody else's, short enough to be a part of whatever was cut.
            [secret.as_bytes().to_vec(), secret.as_bytes()[secret.len() - 24..].to_vec()]
        };
        Self(tokens.iter().flat_map(parts).collect())
    }

    #[track_caller]
    fn assert_not_in(&self, place: &str, haystack: &[u8]) {
        for needle in &self.0 {
            let found = haystack.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{} stands in {place}", String::from_utf8_lossy(needle));
        }
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// Base64 as HTTP Basic wants it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = u32::from(group[0]) << 16
            | u32::from(group.get(1).copied().unwrap_or(0)) << 8
            | u32::from(group.get(2).copied().unwrap_or(0));
        for place in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]);
            text.push(if place > group.len() { '=' } else { digit });
        }
    }
    text
}

/// Every form and every error of presenting a token, and the token in places where it does not belong.
fn drive_everywhere(daemon: &Daemon, token: &Token) {
    let secret = &token.secret;
    let bearer = format!("Bearer {secret}");
    let basic = format!("Basic {}", base64(format!("user:{secret}").as_bytes()));
    let misspelt = format!("Bearer {secret}x");
    let query = |name: &str| format!("/v1/process?from=me&{name}={secret}&x=1");
    let body = alert("firing", secret);
    let post = |target: &str, headers: &[(&str, &str)], body: &str| -> Answer {
        let mut connection = daemon.connect().expect("the gate listens");
        connection.request("POST", target, headers, body.as_bytes()).expect("an answer")
    };
    let mut answers = vec![
        post("/v1/process", &[("authorization", &bearer)], &body),
        post("/v1/process", &[("authorization", &format!("Token {secret}"))], &body),
        post("/v1/process", &[("authorization", &basic)], &body),
        post(&query("token"), &[], &body),
        post(&query("access_token"), &[], &body),
        post(&query("token"), &[("authorization", &bearer)], &body),
        post("/v1/process", &[("authorization", &misspelt)], &body),
        post("/v1/process", &[("authorization", secret)], &body),
        post("/v1/process", &[("authorization", &format!("{secret} {secret}"))], &body),
        post(&format!("/v1/{secret}"), &[("authorization", &bearer)], &body),
        post(&format!("/v1/process?q={secret}"), &[], &body),
        post("/v1/process", &[("authorization", &bearer)], &json!({ "password": secret }).to_string()),
        post("/v1/process", &[("authorization", &bearer)], &format!("{{\"status\": \"{secret}")),
        post(
            "/v1/process",
            &[("authorization", &bearer), ("user-agent", secret), ("x-key", secret), ("cookie", secret)],
            &json!({ "note": format!("it is {secret}.") }).to_string(),
        ),
        daemon.local("GET", &format!("/v1/tokens/{secret}"), &serde_json::Value::Null),
        daemon.local("GET", &format!("/v1/tokens?q={secret}"), &serde_json::Value::Null),
    ];
    let mut connection = daemon.connect().expect("the gate listens");
    let raw = format!("GET /v1/process?token={secret} HTTP/1.1\r\nhost: {secret}\r\nauthorization: {bearer}\r\n\r\n");
    connection.send_raw(raw.as_bytes()).expect("bytes can be sent");
    answers.push(connection.answer().expect("an answer"));
    for answer in answers {
        Needles::of(&[token]).assert_not_in(&format!("the answer {answer:?}"), format!("{answer:?}").as_bytes());
    }
}

#[test]
fn secret_is_in_no_file_no_trace_log_and_no_output_but_the_creating_one() {
    let mut daemon = Setup::default().flag("--log-level").flag("trace").start();
    daemon.service("DB", "alertmanager");
    let first = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let rotated = Token::of(&daemon.cli_json(["token", "rotate", "am", "--confirm", "am"]));
    let other = daemon.token("other", "global", &["--debug"]);
    for token in [&first, &rotated, &other] {
        drive_everywhere(&daemon, token);
    }
    daemon.cli(["token", "revoke", "other", "--confirm", "other"]).expect(0);
    drive_everywhere(&daemon, &other);
    let needles = Needles::of(&[&first, &rotated, &other]);
    for args in [
        &["token", "list"][..],
        &["token", "list", "--state", "revoked"],
        &["token", "show", "am"],
        &["log"],
        &["log", "--refused"],
        &["log", "show", "1"],
        &["audit"],
        &["status"],
        &["incident", "list", "--all"],
        &["token", "show", &rotated.secret],
    ] {
        for form in ["table", "json"] {
            let ran = daemon.cli_with(&[&["--output", form], args].concat(), b"");
            let shown = format!("{}{}", ran.stdout, ran.stderr);
            if args != ["token", "show", rotated.secret.as_str()] {
                assert_eq!(ran.status, Some(0), "{args:?}: {shown}");
            }
            needles.assert_not_in(&format!("{args:?}"), shown.as_bytes());
        }
    }
    for row in daemon.all("/v1/incidents") {
        let incident = daemon.get(&format!("/v1/incidents/{}", crate::support::text(&row, "/head/id")));
        needles.assert_not_in("an incident", incident.to_string().as_bytes());
    }
    for row in daemon.get("/v1/logs?limit=1000")["items"].as_array().into_iter().flatten() {
        needles.assert_not_in("a log row", row.to_string().as_bytes());
    }
    assert_eq!(daemon.terminate(), 0);
    let log = daemon.log_text();
    assert!(log.contains("taking calls"), "there is a log: {log}");
    needles.assert_not_in("the daemon's own log", log.as_bytes());
    let files = files_below(&daemon.data_dir());
    assert!(files.len() >= 3, "state, log and key: {files:?}");
    for file in files {
        let content = std::fs::read(&file).expect("a file can be read");
        needles.assert_not_in(&file.display().to_string(), &content);
    }
}

#[test]
fn member_named_like_a_secret_is_redacted_in_the_log_and_on_disk() {
    let mut daemon = Daemon::start();
    daemon.service("DB", "alertmanager");
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let mut body: serde_json::Value = serde_json::from_str(&alert("firing", "a")).expect("it is JSON");
    body["commonLabels"]["password"] = json!("correct-horse-battery");
    body["nested"] = json!([{ "api_key": { "deep": "correct-horse-battery" } }]);
    let answer = daemon.post(&token.secret, &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    let row = daemon.get("/v1/logs/1");
    let logged = crate::support::text(&row, "/body");
    assert!(logged.contains("[redacted]") && !logged.contains("correct-horse"), "{logged}");
    assert_eq!(daemon.terminate(), 0);
    for file in files_below(&daemon.data_dir()) {
        let content = std::fs::read(&file).expect("a file can be read");
        Needles(vec![b"correct-horse-battery".to_vec()]).assert_not_in(&file.display().to_string(), &content);
    }
}

#[test]
fn secret_file_is_new_for_its_owner_alone_and_the_secret_is_shown_nowhere_else() {
    use std::os::unix::fs::PermissionsExt;
    let daemon = Daemon::start();
    let path = daemon.home().join("secret");
    let file = path.to_str().expect("the path is text");
    let ran = daemon.cli(["token", "create", "am", "--scope", "global", "--secret-file", file]).expect(0);
    let secret = std::fs::read_to_string(&path).expect("the file can be read").trim().to_owned();
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert!(secret.starts_with("tg_") && !format!("{ran:?}").contains(&secret), "{ran:?}");
    assert_eq!(daemon.post(&secret, "{}").status, 202, "it works");
    let again = daemon.cli(["token", "create", "b", "--scope", "global", "--secret-file", file]).expect(65);
    assert!(again.stderr.contains("exists already"), "{again:?}");
    assert_eq!(daemon.all("/v1/tokens").len(), 1, "no token without a place for its secret");
}
