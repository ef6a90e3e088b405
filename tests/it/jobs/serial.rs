//! Job 6: a colleague who may only read, on a serial console of 80 by 24 that does not know its size.

use std::os::unix::process::CommandExt;
use std::process::Command;

use tollgate_tests::daemon::{Daemon, Setup, clean_command};
use tollgate_tests::terminal::Terminal;
use tollgate_tests::{process, skipped};

use crate::console::console;
use crate::desk::{press, wait_for_why_not};
use crate::support::{alert, with_alertmanager};

/// A uid that no host gives to anybody.
const BOB: u32 = 61_206;

fn on_serial_line(command: &mut Command) -> Terminal {
    command.env("TERM", "vt220").env("LANG", "C");
    Terminal::start_serial(command)
}

/// The same command as another user; nothing where that cannot be.
fn as_bob(test: &str, inner: &Command, home: &std::path::Path) -> Option<Command> {
    let known = process::run(Command::new("/bin/sh").args(["-c", "command -v setpriv"]), b"").status == Some(0);
    if !rustix::process::getuid().is_root() || !known {
        skipped(test, "only root with setpriv can be others");
        return None;
    }
    let mut command = clean_command("setpriv".as_ref(), home);
    let bob = BOB.to_string();
    command.arg(format!("--reuid={bob}")).arg(format!("--regid={bob}")).args(["--clear-groups", "--"]);
    command.arg(inner.get_program()).args(inner.get_args());
    Some(command)
}

fn let_in(daemon: &Daemon, socket_mode: u32) {
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("the owner may");
    };
    mode(daemon.home(), 0o755);
    mode(&daemon.socket(), socket_mode);
}

#[test]
fn job_6_a_line_that_reports_0_by_0_is_served_as_80_by_24_in_ascii_without_colour_or_modes() {
    let daemon = with_alertmanager();
    let sender = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let mut console = on_serial_line(&mut console(daemon.home(), &daemon.socket()));
    let screen = console.wait_for(" LIVE ");
    console.wait_for("am ");
    assert!(!screen.contains("too small"), "{screen}");
    daemon.post(&sender.secret, "{\"n\":1}");
    console.send("2");
    console.wait_for("NO MATCH");
    press(&mut console, "?", "KEYS of 2 API log");
    console.send("\x1b");
    console.wait_until("help is closed", |screen| !screen.contains("KEYS of"));
    let bytes = console.bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let strange: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
    assert!(strange.is_empty(), "only ASCII: {strange:?}");
    for unknown in ["\x1b[?1049", "\x1b[?2026", "38;5;", "48;5;", "38;2;"] {
        assert!(!text.contains(unknown), "{unknown:?} is not for a vt220");
    }
}

#[test]
fn job_6_who_is_in_no_group_is_told_the_two_commands_that_help() {
    let daemon = Setup::default().env("TOLLGATE_SOCKET_MODE", "0660").start();
    daemon.cli(["team", "create", "Ops"]).expect(0);
    let_in(&daemon, 0o660);
    let mut inner = daemon.cli_command();
    inner.args(["team", "list"]);
    let Some(mut outside) = as_bob("job_6_who_is_in_no_group", &inner, daemon.home()) else { return };
    let said = process::run(&mut outside, b"").expect(77).stderr;
    assert!(said.contains("usermod -aG") && said.contains("log in again"), "{said}");
    // In the group, and not yet known to the daemon.
    let_in(&daemon, 0o666);
    let said = process::run(inner.uid(BOB).gid(BOB), b"").expect(77).stderr;
    assert!(said.contains("operator add") && said.contains(&BOB.to_string()), "{said}");
}

#[test]
fn job_6_a_reader_finds_the_refused_calls_and_is_told_in_words_what_he_may_not() {
    let daemon = with_alertmanager();
    let fenced = daemon.token("fenced", "service:Ops/DB", &["--debug", "--allow-ip", "192.0.2.0/24"]);
    daemon.post(&fenced.secret, &alert("firing", "a"));
    daemon.cli(["operator", "add", "bob", "--unix-user", &BOB.to_string(), "--role", "reader"]).expect(0);
    let_in(&daemon, 0o666);
    let inner = console(daemon.home(), &daemon.socket());
    let Some(mut command) = as_bob("job_6_a_reader", &inner, daemon.home()) else { return };
    let mut console = on_serial_line(&mut command);
    let tokens = console.wait_for("bob reader");
    console.wait_for("fenced");
    assert!(tokens.contains(" LIVE "), "{tokens}");
    // Grey cannot be seen here: brackets, and the reason in words.
    console.wait_for("(E edit)");
    console.send("R");
    wait_for_why_not(&console, "bob");
    console.send("2");
    console.wait_for("REFUSED");
    console.send("f");
    console.wait_for(" filter ");
    console.send("\x15");
    console.type_slowly("outcome:rejected");
    console.send("\r");
    console.wait_for("ip-not-allowed");
    console.send("\r");
    console.wait_for("ip-not-allowed.  Sender was told 403.");
    let refused = process::run(daemon.cli_command().uid(BOB).gid(BOB).args(["token", "suspend", "fenced"]), b"");
    assert_eq!(refused.status, Some(77), "{refused:?}");
}

#[test]
fn job_6_a_line_that_is_pasted_without_marks_runs_no_key() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let mut console = on_serial_line(&mut console(daemon.home(), &daemon.socket()));
    console.wait_for("am ");
    console.send("Run Dangerous 2\r");
    let screen = console.wait_for("text came faster than anyone types: ignored");
    assert!(screen.contains("1 Tokens") && !screen.contains("WHAT STOPS"), "{screen}");
}
