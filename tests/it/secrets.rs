//! A secret is shown once: afterwards it stands in no file, no log and no answer.

use std::path::{Path, PathBuf};

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Setup, Token};
use tollgate_tests::http::Answer;

use crate::support::alert;

/// What must not be found anywhere: values whole and their secret parts alone, also as an encoder would have written them.
struct Needles {
    forms: Vec<(&'static str, Vec<u8>)>,
    /// The bytes that a form begins with: most of a file is passed over by this.
    begins: [bool; 256],
}

impl Needles {
    fn of(tokens: &[&Token]) -> Self {
        Self::of_values(tokens.iter().map(|token| token.secret.as_str()))
    }

    fn of_values<'v>(values: impl Iterator<Item = &'v str>) -> Self {
        let forms: Vec<_> = values.flat_map(forms_of).collect();
        let mut begins = [false; 256];
        for (_, form) in &forms {
            begins[usize::from(form[0])] = true;
        }
        Self { forms, begins }
    }

    #[track_caller]
    fn assert_not_in(&self, place: &str, haystack: &[u8]) {
        for (at, _) in haystack.iter().enumerate().filter(|(_, byte)| self.begins[usize::from(**byte)]) {
            let found = self.forms.iter().find(|(_, form)| haystack[at..].starts_with(form));
            if let Some((what, form)) = found {
                let around = &haystack[at.saturating_sub(80)..(at + form.len() + 20).min(haystack.len())];
                panic!("a secret ({what}) stands in {place}: {}", String::from_utf8_lossy(around));
            }
        }
    }
}

/// A value as it is, in part, and as encoders write it.
fn forms_of(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let percent = |digits: fn(u8) -> String| value.bytes().map(digits).collect::<String>().into_bytes();
    let mut forms = vec![
        ("whole", value.as_bytes().to_vec()),
        // Long enough to be nobody else's, short enough to be a part of whatever was cut.
        ("its last 24 characters", value.as_bytes()[value.len() - 24..].to_vec()),
        ("in upper case", value.to_uppercase().into_bytes()),
        ("in lower case", value.to_lowercase().into_bytes()),
        ("percent-encoded", percent(|byte| format!("%{byte:02X}"))),
        ("percent-encoded, lower case", percent(|byte| format!("%{byte:02x}"))),
        ("in hexadecimal digits", percent(|byte| format!("{byte:02x}"))),
        ("backwards", value.bytes().rev().collect()),
    ];
    // Whatever stood before it: in base64 a text has three faces. Digits that hold bits of a neighbour are left out.
    for before in 0..3 {
        let text = base64(&[&b"\0\0\0"[..before], value.as_bytes()].concat());
        let whole = text.trim_end_matches('=').len() - 1;
        forms.push(("in base64", text.as_bytes()[(before * 8).div_ceil(6)..whole].to_vec()));
    }
    forms
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
        post(&format!("/v1/process?q={}", percent(secret)), &[("authorization", &bearer)], &body),
        post(&format!("/v1/{}", percent(secret)), &[("authorization", &bearer)], &body),
        post("/v1/process", &[("authorization", &bearer), ("content-type", "image/png")], secret),
        post("/v1/process", &[("authorization", &bearer)], &json!({ "password": secret }).to_string()),
        post("/v1/process", &[("authorization", &bearer)], &format!("{{\"status\": \"{secret}")),
        post(
            "/v1/process",
            &[("authorization", &bearer), ("user-agent", secret), ("x-key", secret), ("cookie", secret)],
            &json!({ "note": format!("it is {secret}.") }).to_string(),
        ),
    ];
    for target in ["/v1/token", "/v1/tokens", "/v1/audit", "/v1/nothing", &format!("/v1/tokens/{secret}")] {
        for target in [target.to_owned(), format!("{target}?token={secret}"), format!("{target}?q={secret}")] {
            let mut connection = daemon.connect().expect("the gate listens");
            answers.push(connection.request("GET", &target, &[("authorization", &bearer)], b"").expect("an answer"));
        }
    }
    answers.push(post("/v1/token/refresh", &[("authorization", &bearer)], ""));
    answers.extend(put_where_it_does_not_belong(daemon, secret));
    let mut connection = daemon.connect().expect("the gate listens");
    let raw = format!("GET /v1/process?token={secret} HTTP/1.1\r\nhost: {secret}\r\nauthorization: {bearer}\r\n\r\n");
    connection.send_raw(raw.as_bytes()).expect("bytes can be sent");
    answers.push(connection.answer().expect("an answer"));
    for answer in answers {
        Needles::of(&[token]).assert_not_in(&format!("the answer {answer:?}"), format!("{answer:?}").as_bytes());
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A secret that a person gives in the wrong place: as a name, a reference, a reason, in a query.
fn put_where_it_does_not_belong(daemon: &Daemon, secret: &str) -> Vec<Answer> {
    let words = format!("see {secret}, please");
    let null = serde_json::Value::Null;
    let asked = [
        ("GET", format!("/v1/tokens/{secret}"), null.clone()),
        ("GET", format!("/v1/tokens/{}", percent(secret)), null.clone()),
        ("GET", format!("/v1/tokens?q={secret}"), null.clone()),
        ("GET", format!("/v1/tokens?{secret}=1"), null.clone()),
        ("GET", format!("/v1/tokens?sort={secret}"), null.clone()),
        ("GET", format!("/v1/logs?token={secret}"), null.clone()),
        ("GET", format!("/v1/audit?target={secret}"), null.clone()),
        ("DELETE", format!("/v1/teams/{secret}"), null.clone()),
        ("POST", format!("/v1/tokens/{secret}/revoke"), json!({ "confirm": secret, "reason": words })),
        ("POST", "/v1/tokens/am/revoke".to_owned(), json!({ "confirm": secret, "reason": words })),
        ("POST", "/v1/tokens/am/suspend".to_owned(), json!({ "reason": words })),
        ("POST", "/v1/tokens/am/resume".to_owned(), null.clone()),
        ("POST", "/v1/tokens".to_owned(), json!({ "name": secret, "scope": "global" })),
        ("POST", "/v1/tokens".to_owned(), json!({ "name": &secret[..50], "scope": "global" })),
        ("POST", "/v1/tokens".to_owned(), json!({ "name": "said", "scope": "global", "description": words })),
        ("POST", "/v1/tokens".to_owned(), json!({ "name": "said", "scope": secret })),
        ("PATCH", "/v1/tokens/am".to_owned(), json!({ "description": words })),
        (
            "POST",
            "/v1/tokens/import".to_owned(),
            json!({ "value": secret, "token": { "name": "i", "scope": "global" } }),
        ),
        ("POST", "/v1/tokens/identify".to_owned(), json!({ "value": secret })),
        (
            "POST",
            "/v1/tokens/bulk".to_owned(),
            json!({ "action": "revoke", "q": format!("q={secret}"), "reason": words }),
        ),
        ("POST", "/v1/lockdown".to_owned(), json!({ "on": true, "reason": words })),
        ("POST", "/v1/lockdown".to_owned(), json!({ "on": false })),
        ("POST", "/v1/teams".to_owned(), json!({ "name": &secret[..50] })),
        ("POST", "/v1/operators".to_owned(), json!({ "name": &secret[..50] })),
        ("POST", "/v1/filters/try".to_owned(), json!({ "payload": words })),
    ];
    asked.into_iter().map(|(method, target, body)| daemon.local(method, &target, &body)).collect()
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
    for line in [
        "taking calls",
        "the token is known",
        "a call is refused",
        "matched, and given to the writer",
        "refused before a token was known",
        "a management request is answered",
        "a change is committed",
        "a token asked about itself",
    ] {
        assert!(log.contains(line), "the log tells of it at TRACE: {line}");
    }
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
    body["commonLabels"]["password"] = json!("correct-horse-battery-staple");
    body["nested"] = json!([{ "api_key": { "deep": "correct-horse-battery-staple" } }]);
    let answer = daemon.post(&token.secret, &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    let row = daemon.get("/v1/logs/1");
    let logged = crate::support::text(&row, "/body");
    assert!(logged.contains("[redacted]") && !logged.contains("correct-horse"), "{logged}");
    assert_eq!(daemon.terminate(), 0);
    for file in files_below(&daemon.data_dir()) {
        let content = std::fs::read(&file).expect("a file can be read");
        Needles::of_values(std::iter::once("correct-horse-battery-staple"))
            .assert_not_in(&file.display().to_string(), &content);
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
