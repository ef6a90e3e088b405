//! A real Alertmanager as the sender. Skipped with a line where it is not installed.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::http::{Answer, Connection};
use tollgate_tests::process::Guarded;
use tollgate_tests::skipped;
use tollgate_tests::wait::until;

use crate::support::with_alertmanager;

/// Its groups are sent every second here; a loaded machine gets a minute.
const A_WHILE: Duration = Duration::from_secs(60);

/// A running Alertmanager; killed when it is dropped.
struct Alertmanager {
    address: SocketAddr,
    log: std::path::PathBuf,
    _process: Guarded,
}

/// The program's name: Debian's, then upstream's.
fn program() -> Option<&'static str> {
    ["prometheus-alertmanager", "alertmanager"].into_iter().find(|name| {
        let asked = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    })
}

impl Alertmanager {
    fn start(program: &str, daemon: &Daemon, token: &Token) -> Self {
        let config = daemon.home().join("alertmanager.yml");
        let text = format!(
            "route:\n  receiver: tollgate\n  group_by: [alertname]\n  group_wait: 1s\n  group_interval: 1s\n  \
             repeat_interval: 1s\nreceivers:\n- name: tollgate\n  webhook_configs:\n  - url: \
             http://{}/v1/process?from=am\n    send_resolved: true\n    http_config:\n      authorization:\n        \
             credentials: {}\n",
            daemon.gate(),
            token.secret
        );
        std::fs::write(&config, text).expect("a file can be written");
        let log = daemon.home().join("alertmanager.log");
        // Freed again at once: Alertmanager cannot tell which port it was given.
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = free.local_addr().expect("it has an address");
        drop(free);
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.path={}", daemon.home().join("alertmanager").display()));
        command.arg(format!("--web.listen-address={address}")).arg("--cluster.listen-address=");
        let stderr = File::create(&log).expect("a file can be written");
        let process = Guarded::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr));
        let started = Self { address, log, _process: process };
        until("a ready Alertmanager", A_WHILE, || match started.request("GET", "/-/ready", &Value::Null) {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("{other:?}\n{}", started.log_text())),
        });
        started
    }

    fn request(&self, method: &str, target: &str, body: &Value) -> std::io::Result<Answer> {
        let headers = [("content-type", "application/json"), ("connection", "close")];
        Connection::tcp(self.address)?.request(method, target, &headers, body.to_string().as_bytes())
    }

    /// Posts an alert to its API; one that has ended is a recovery.
    #[track_caller]
    fn post(&self, name: &str, ended: bool) {
        let mut alert = json!({
            "startsAt": "2026-01-01T00:00:00Z",
            "labels": { "alertname": name, "severity": "critical" },
            "annotations": { "summary": format!("{name} on db1") },
        });
        if ended {
            alert["endsAt"] = json!("2026-01-01T00:00:01Z");
        }
        let answer = self.request("POST", "/api/v2/alerts", &json!([alert])).expect("Alertmanager answers");
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Waits until the only incident fits.
#[track_caller]
fn incident_where(daemon: &Daemon, alertmanager: &Alertmanager, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    until(what, A_WHILE, || {
        let rows = daemon.all("/v1/incidents");
        assert!(rows.len() <= 1, "repeats open nothing: {rows:?}");
        match rows.first().map(|row| &row["head"]) {
            Some(head) if fits(head) => Ok(head.clone()),
            other => Err(format!("{other:?}\n{}", alertmanager.log_text())),
        }
    })
}

#[test]
fn real_alertmanager_opens_repeats_and_resolves_one_incident_and_is_told_401_after_the_revoke() {
    let Some(program) = program() else {
        skipped(
            "real_alertmanager",
            "prometheus-alertmanager is not installed (apt-get install prometheus-alertmanager)",
        );
        return;
    };
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let alertmanager = Alertmanager::start(program, &daemon, &token);
    alertmanager.post("DiskFull", false);
    let head = incident_where(&daemon, &alertmanager, "the incident", |head| head["state"] == json!("triggered"));
    assert_eq!(head["title"], json!("am - DiskFull on db1"));
    assert_eq!(head["priority"], json!("P1"));
    let key = head["key"].as_str().expect("it has a key");
    assert!(key.contains("alertname=\"DiskFull\""), "Alertmanager's group key: {key}");
    incident_where(&daemon, &alertmanager, "a repeat", |head| {
        head["occurrences"].as_u64() > Some(1) || head["duplicates"].as_u64() > Some(0)
    });
    alertmanager.post("DiskFull", true);
    let resolved = incident_where(&daemon, &alertmanager, "the recovery", |head| head["state"] == json!("resolved"));
    assert_eq!(resolved["id"], head["id"]);
    daemon.cli(["token", "revoke", "am", "--confirm", "am"]).expect(0);
    alertmanager.post("Another", false);
    until("Alertmanager's word of the refusal", A_WHILE, || {
        let log = alertmanager.log_text();
        if log.contains("401") { Ok(()) } else { Err(log) }
    });
    assert_eq!(daemon.all("/v1/incidents").len(), 1, "nothing came through");
}
