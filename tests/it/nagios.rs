//! Nagios' own plugins as the second real sender: a check of Debian's monitoring-plugins says what is, and the notification
//! command is `tollgate send --nagios`. Skipped with a line where the plugins are not installed.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::process::{Ran, run};
use tollgate_tests::skipped;

use crate::support::text;

/// Where Debian and Red Hat put the plugins.
const DIRECTORIES: [&str; 2] = ["/usr/lib/nagios/plugins", "/usr/lib64/nagios/plugins"];

fn check_tcp() -> Option<PathBuf> {
    let path = DIRECTORIES.iter().map(|directory| Path::new(directory).join("check_tcp")).find(|path| {
        let asked = Command::new(path).arg("--version").output();
        asked.is_ok_and(|output| !output.stdout.is_empty())
    });
    if path.is_none() {
        skipped("nagios_plugin", "check_tcp is not installed (apt-get install monitoring-plugins-basic)");
    }
    path
}

/// What Nagios makes of a plugin's exit code, and the first line that it printed.
fn checked(plugin: &Path, address: SocketAddr) -> (&'static str, String) {
    let output = Command::new(plugin)
        .args(["-H", &address.ip().to_string(), "-p", &address.port().to_string(), "-t", "10"])
        .output()
        .expect("the plugin runs");
    let state = match output.status.code() {
        Some(0) => "OK",
        Some(1) => "WARNING",
        Some(2) => "CRITICAL",
        _ => "UNKNOWN",
    };
    let line = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
    (state, line.split('|').next().unwrap_or_default().trim().to_owned())
}

/// Runs the notification command as Nagios does with `enable_environment_macros=1`.
fn notify(daemon: &Daemon, token: &Token, kind: &str, state: &str, output: &str) -> Ran {
    let secret = daemon.home().join("nagios.token");
    std::fs::write(&secret, &token.secret).expect("a file can be written");
    let mut command = daemon.cli_command();
    command.args(["send", "--nagios", "--token-file"]).arg(&secret);
    for (name, value) in [
        ("NOTIFICATIONTYPE", kind),
        ("HOSTNAME", "web01"),
        ("HOSTADDRESS", "127.0.0.1"),
        ("HOSTSTATE", "UP"),
        ("SERVICEDESC", "TCP"),
        ("SERVICESTATE", state),
        ("SERVICEOUTPUT", output),
        ("LONGSERVICEOUTPUT", ""),
    ] {
        command.env(format!("NAGIOS_{name}"), value);
    }
    run(&mut command, b"")
}

#[test]
fn nagios_plugin_opens_an_incident_when_a_port_is_dead_and_resolves_it_when_it_lives_again() {
    let Some(plugin) = check_tcp() else { return };
    let daemon = Daemon::start();
    daemon.service("DB", "nagios");
    let token = daemon.token("nagios", "service:Ops/DB", &["--debug"]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    drop(listener);
    let (state, output) = checked(&plugin, address);
    assert_eq!(state, "CRITICAL", "nobody listens: {output}");
    let said = notify(&daemon, &token, "PROBLEM", state, &output).expect(0);
    assert!(said.stdout.starts_with("201 opened"), "{said:?}");
    let head = daemon.all("/v1/incidents")[0]["head"].clone();
    assert_eq!(
        (text(&head, "/title"), text(&head, "/priority"), text(&head, "/state")),
        (output.as_str(), "P1", "triggered")
    );
    let ignored = notify(&daemon, &token, "ACKNOWLEDGEMENT", state, &output).expect(2);
    assert!(ignored.stdout.contains("NO MATCH"), "{ignored:?}");
    let _living = TcpListener::bind(address).expect("the port is free still");
    let (state, output) = checked(&plugin, address);
    assert_eq!(state, "OK", "somebody listens: {output}");
    notify(&daemon, &token, "RECOVERY", state, &output).expect(0);
    let rows = daemon.all("/v1/incidents");
    assert_eq!((rows.len(), text(&rows[0], "/head/state")), (1, "resolved"));
    assert_eq!(daemon.get("/v1/status")["counters"]["refused"], json!(0));
}

#[test]
fn a_notification_command_without_macros_says_what_is_missing() {
    let daemon = Daemon::start();
    daemon.service("DB", "nagios");
    let token = daemon.token("nagios", "service:Ops/DB", &[]);
    let secret = daemon.home().join("nagios.token");
    std::fs::write(&secret, &token.secret).expect("a file can be written");
    let file = secret.display().to_string();
    let missing = daemon.cli(["send", "--nagios", "--token-file", &file]).expect(65);
    assert!(missing.stderr.contains("enable_environment_macros=1"), "{missing:?}");
    let given = [
        "send",
        "--nagios",
        "--token-file",
        &file,
        "--macro",
        "HOSTNAME=web01",
        "--macro",
        "HOSTSTATE=DOWN",
        "--macro",
        "HOSTOUTPUT=PING CRITICAL",
    ];
    daemon.cli(given).expect(0);
    let head = daemon.all("/v1/incidents")[0]["head"].clone();
    assert_eq!((text(&head, "/title"), text(&head, "/key")), ("PING CRITICAL", "host\u{1f}web01\u{1f}"));
}
