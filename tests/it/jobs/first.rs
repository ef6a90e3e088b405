//! Job 1: from a fresh install to the first incident.

use std::process::Command;

use tollgate_tests::binaries;
use tollgate_tests::daemon::{Daemon, clean_command};
use tollgate_tests::process::run;
use tollgate_tests::terminal::Terminal;

use super::{go, on_tokens, secret_on};
use crate::desk::{go_to, press};
use crate::support::{alert, with_alertmanager};

#[test]
fn job_1_the_guided_path_leads_from_nothing_to_the_first_incident() {
    let daemon = Daemon::start();
    let mut console = on_tokens(&daemon, SIZE);
    let empty = console.wait_for("A  leads through the four steps: team, service, filter, token");
    assert!(empty.contains(&format!(":{} this host only", daemon.gate().port())), "where calls are taken:\n{empty}");
    let mut keys = Keys { console: &mut console, pressed: 0 };
    keys.press("A", "NEW TEAM");
    keys.write("Ops", "NEW SERVICE");
    keys.write("DB", "NEW FILTER from a preset");
    keys.press(DOWN, "> grafana");
    keys.press(DOWN, "> zabbix");
    keys.press("\r", "NEW TOKEN");
    let shown = keys.write("zabbix-prod", "shown this once");
    let secret = secret_on(&shown);
    // The line to run reads the secret, so that neither the shell's history nor ps has it.
    assert!(
        shown.contains("read -rs TG") && shown.contains(&format!("http://{}/v1/process", daemon.gate())),
        "{shown}"
    );
    assert_eq!(shown.matches(&secret).count(), 1, "{shown}");
    assert!(shown.contains("Enter: a sample alert of zabbix to 127.0.0.1:"), "{shown}");
    keys.press("y", "Sent to your terminal");
    keys.press("\r", "201: the sample opened an incident");
    // A, Ops Enter, DB Enter, Down Down Enter, zabbix-prod Enter, y, Enter: as operator.md counts them.
    assert_eq!(keys.pressed, 1 + 4 + 3 + 3 + 12 + 1 + 1);
    press(&mut console, "\x1b", "Do you have it?");
    console.send("\x1b");
    // The first incident is on the screen, and nobody has typed a line of curl.
    console.wait_until("the incident", |screen| {
        screen.contains("TOLLGATE  3 ") && screen.contains("Sample alert from Tollgate") && !screen.contains(&secret)
    });
    go(&mut console, "2");
    let log = console.wait_for("created");
    assert!(log.contains("Sample alert"), "debug was on from the start, so the call is there:\n{log}");
}

const SIZE: (u16, u16) = (80, 24);
const DOWN: &str = "\x1b[B";

/// Keys that are counted.
struct Keys<'a> {
    console: &'a mut Terminal,
    pressed: usize,
}

impl Keys<'_> {
    fn press(&mut self, key: &str, words: &str) -> String {
        self.pressed += 1;
        press(self.console, key, words)
    }

    /// A line and Enter, once the line is seen: what comes in one go is a paste, and sends nothing.
    fn write(&mut self, line: &str, words: &str) -> String {
        self.pressed += line.len();
        self.console.type_slowly(line);
        self.console.wait_for(&format!("[ {line} "));
        self.press("\r", words)
    }
}

/// From the empty registry to the form of the filter.
fn up_to_the_filter(console: &mut Terminal) {
    let mut keys = Keys { console, pressed: 0 };
    keys.press("A", "NEW TEAM");
    keys.write("Ops", "NEW SERVICE");
    keys.write("DB", "NEW FILTER from a preset");
}

#[test]
fn job_1_a_path_that_was_left_goes_on_where_it_was_as_the_daemon_says_it() {
    let daemon = Daemon::start();
    let mut console = on_tokens(&daemon, SIZE);
    let mut keys = Keys { console: &mut console, pressed: 0 };
    keys.press("A", "NEW TEAM");
    keys.write("Ops", "NEW SERVICE");
    keys.press("\x1b", "Team Ops has no service yet");
    drop(console);
    // Another console, and nothing but the daemon knows how far it was.
    let mut console = on_tokens(&daemon, SIZE);
    console.wait_for("A  goes on with the service");
    let mut keys = Keys { console: &mut console, pressed: 0 };
    keys.press("A", "step 2 of 4");
    keys.write("DB", "step 3 of 4");
    keys.press("\x1b", "Service Ops/DB has no filter yet");
    keys.press("\r", "step 3 of 4");
    keys.press("\r", "step 4 of 4");
    keys.press("\x1b", "No sender has a token yet");
    keys.press("A", "step 4 of 4");
    let secret = secret_on(&keys.write("am", "shown this once"));
    keys.press("\x1b", "Do you have it?");
    keys.press("\x1b", "TOLLGATE  1 ");
    keys.press("3", "No call came yet");
    keys.press("A", "SAMPLE ALERT through am");
    keys.console.paste(&secret);
    keys.console.wait_until("it is there, unseen", |screen| screen.contains("[ *****") && !screen.contains(&secret));
    keys.press("\r", "Sample alert from Tollgate");
    assert_eq!(daemon.all("/v1/incidents").len(), 1);
}

#[test]
fn job_1_a_line_that_is_pasted_with_its_end_sends_nothing() {
    let daemon = Daemon::start();
    let mut console = on_tokens(&daemon, SIZE);
    press(&mut console, "A", "NEW TEAM");
    console.paste("Ops\n");
    console.wait_for("[ Ops ");
    // Without the marks of a paste, in one go: too short for a burst.
    console.send("x\r");
    console.wait_for("in one go with letters");
    console.wait_for("[ Opsx ");
    assert!(daemon.all("/v1/teams").is_empty(), "{}", console.screen());
    press(&mut console, "\r", "NEW SERVICE");
}

#[test]
fn job_1_for_senders_on_other_hosts_the_path_shows_lines_that_the_daemon_takes() {
    let daemon = Daemon::start();
    let mut console = on_tokens(&daemon, (100, 34));
    console.wait_for("A  leads through the four steps");
    up_to_the_filter(&mut console);
    go_to(&mut console, "sent from");
    console.send(" ");
    console.wait_for("allow_plain_http = true");
    // The last field: Enter sends.
    press(&mut console, "\r", "NEW TOKEN");
    let shown = Keys { console: &mut console, pressed: 0 }.write("am-prod", "shown this once");
    let is_setting = |line: &&str| line.contains(" = ") || line.contains("[gate]");
    let lines: Vec<&str> = shown.lines().filter(is_setting).map(str::trim).collect();
    assert_eq!(lines.len(), 4, "{shown}");
    let file = daemon.home().join("other-hosts.toml");
    std::fs::write(&file, lines.join("\n")).expect("a file");
    let mut config = clean_command(&binaries::tollgated(), daemon.home());
    let said = run(config.arg("config").arg("--config").arg(&file), b"").expect(0).stdout;
    let listen = format!("0.0.0.0:{}", daemon.gate().port());
    assert!(said.contains(&listen) && said.contains("other-hosts.toml"), "{said}");
}

#[test]
fn job_1_the_sample_alert_can_be_sent_without_the_console_too() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let send =
        |preset: &str| daemon.cli_with(&["send", "--sample", preset, "--token-file", "-"], token.secret.as_bytes());
    assert!(send("alertmanager").expect(0).stdout.starts_with("201 opened"));
    assert_eq!(daemon.all("/v1/incidents")[0]["head"]["title"], "Sample alert from Tollgate");
    let unknown = send("alertmanger").expect(64);
    assert!(unknown.stderr.contains("alertmanager"), "{unknown:?}");
}

#[test]
fn job_1_without_the_console_status_says_the_commands_that_are_left_and_they_work() {
    let daemon = Daemon::start();
    let steps = || daemon.cli(["status"]).expect(0).stdout;
    let said = steps();
    let commands: Vec<&str> = said
        .lines()
        .skip_while(|line| *line != "To the first incident:")
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(commands.len(), 6, "four commands and two ways to call:\n{said}");
    let alert_file = daemon.home().join("alert.json");
    std::fs::write(&alert_file, alert("firing", "disk")).expect("a file");
    for command in &commands[..5] {
        let mut shell = clean_command("/bin/sh".as_ref(), daemon.home());
        // What the operator has in his path.
        let line = command.replacen("tollgate", "\"$TOLLGATE\"", 1);
        run(
            shell.env("TOLLGATE", binaries::tollgate()).env("TOLLGATE_SOCKET", daemon.socket()).args(["-c", &line]),
            b"",
        )
        .expect(0);
    }
    assert_eq!(daemon.all("/v1/incidents").len(), 1);
    assert!(!steps().contains("To the first incident"), "nothing is left to do");
}

#[test]
fn job_1_a_client_that_finds_no_socket_says_where_it_looked() {
    let home = tempfile::tempdir().expect("a directory");
    let mut command: Command = clean_command(&binaries::tollgate(), home.path());
    let said = run(command.arg("status"), b"");
    if said.status == Some(0) {
        return tollgate_tests::skipped("job_1_a_client_that_finds_no_socket", "a daemon runs on this host");
    }
    let said = said.expect(69).stderr;
    for place in ["/run/tollgate/admin.sock", "/run/tollgate/reader.sock", ".local/share/tollgate/admin.sock"] {
        assert!(said.contains(place), "{place}:\n{said}");
    }
    assert!(said.contains("tollgated run") && said.contains("--socket"), "{said}");
}
