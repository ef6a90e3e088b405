//! The console on a real terminal, with a real daemon that comes, goes and hangs.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tollgate_tests::daemon::{Daemon, Token, clean_command};
use tollgate_tests::http::Connection;
use tollgate_tests::process::run;
use tollgate_tests::terminal::{Size, Terminal};
use tollgate_tests::{binaries, skipped, wait};

use crate::support::{alert, with_alertmanager};

const SIZE: Size = (100, 30);

/// The console, looking for a daemon at one socket.
pub(crate) fn console(home: &Path, socket: &Path) -> Command {
    let mut command = clean_command(&binaries::tollgate(), home);
    command.env("TERM", "xterm-256color").arg("--socket").arg(socket);
    command
}

pub(crate) fn console_of(daemon: &Daemon) -> Command {
    console(daemon.home(), &daemon.socket())
}

/// The same command under a shell that goes on when it has stopped or ended; `"$@"` is the command.
fn under_shell(command: &Command, flags: &[&str], script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(flags).arg("-c").arg(script).arg("sh").arg(command.get_program()).args(command.get_args());
    shell.env_clear();
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    shell.envs(set).current_dir(command.get_current_dir().expect("it is set"));
    shell
}

/// The column SEQ of the log, from the top.
pub(crate) fn seqs(screen: &str) -> Vec<u64> {
    let seq = |line: &str| {
        let mut words = line.trim_start_matches(['>', ' ']).split_whitespace();
        let time = words.next()?;
        let is_time = time.len() == 8 && time.bytes().all(|byte| byte == b':' || byte.is_ascii_digit());
        words.next().filter(|_| is_time)?.parse().ok()
    };
    screen.lines().filter_map(seq).collect()
}

fn logged(daemon: &Daemon) -> Vec<u64> {
    let mut seqs: Vec<u64> = daemon.all("/v1/logs").iter().filter_map(|row| row["seq"].as_u64()).collect();
    seqs.sort_unstable();
    seqs
}

fn send(daemon: &Daemon, token: &Token, keys: std::ops::Range<u32>) {
    for key in keys {
        assert!(daemon.post(&token.secret, &alert("firing", &format!("key-{key}"))).is_success());
    }
}

/// Posts until the daemon is gone; how many calls were acknowledged.
fn send_until_gone(daemon: &Daemon, token: &Token, acknowledged: impl Fn(u32)) {
    let bearer = format!("Bearer {}", token.secret);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let Ok(mut connection) = daemon.connect() else { return };
    for number in 0..12 {
        let body = alert("firing", &format!("killed-{number}"));
        match connection.request("POST", "/v1/process", &headers, body.as_bytes()) {
            Ok(answer) => assert!(answer.is_success(), "{answer:?}"),
            Err(_) => return,
        }
        acknowledged(number);
    }
}

#[test]
fn first_screen_needs_no_daemon_and_the_console_goes_live_when_one_comes() {
    let mut daemon = Daemon::start();
    daemon.kill9();
    let start = Instant::now();
    let console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("TOLLGATE");
    assert!(start.elapsed() < Duration::from_secs(5), "the first screen took {:?}", start.elapsed());
    let screen = console.wait_for("RECONNECTING");
    assert!(screen.contains("tollgated run"), "it says how to start one:\n{screen}");
    assert!(screen.contains(&daemon.socket().display().to_string()), "it says what was tried:\n{screen}");
    daemon.restart();
    console.wait_for(" LIVE ");
}

#[test]
fn no_row_is_lost_or_doubled_when_the_daemon_is_killed_under_the_tail() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let mut console = Terminal::start(&console_of(&daemon), (120, 100));
    console.wait_for(" LIVE ");
    console.send("2");
    console.wait_for("FOLLOWING");
    send(&daemon, &token, 0..8);
    let (told, fourth) = std::sync::mpsc::sync_channel(16);
    std::thread::scope(|scope| {
        scope.spawn(|| send_until_gone(&daemon, &token, |number| told.send(number).expect("it is read")));
        assert!(fourth.iter().take(4).any(|number| number == 3), "four calls were acknowledged");
        daemon.kill9_now();
    });
    daemon.kill9();
    console.wait_for("RECONNECTING");
    daemon.restart();
    send(&daemon, &token, 8..16);
    console.wait_for(" LIVE ");
    send(&daemon, &token, 16..20);
    let logged = logged(&daemon);
    assert!(logged.len() >= 24, "{logged:?}");
    console.wait_until("the last row", |screen| seqs(screen).last() == logged.last());
    assert_eq!(seqs(&console.screen()), logged);
}

#[test]
fn sigterm_and_a_panic_leave_the_terminal_as_it_was() {
    let daemon = Daemon::start();
    for (how, code) in [("SIGTERM", 143), ("panic", 101)] {
        let (mut console, before) = Terminal::start_seeing(&console_of(&daemon), SIZE, |settings| settings);
        console.wait_for(" LIVE ");
        assert!(console.on_alternate_screen() && console.cursor_is_hidden() && console.pastes_are_marked());
        assert_ne!(console.settings(), before, "keys come one by one");
        if how == "SIGTERM" {
            console.signal(Signal::TERM);
        } else {
            console.type_slowly(":debug-panic\r");
        }
        assert_eq!(console.wait_for_end().0, code, "{how}:\n{}", console.screen());
        console.wait_for_output();
        assert_eq!(console.settings(), before, "{how}");
        assert!(!console.on_alternate_screen() && !console.cursor_is_hidden() && !console.pastes_are_marked(), "{how}");
        assert_eq!(console.screen().contains("it was asked for"), how == "panic", "{}", console.screen());
    }
}

#[test]
fn lost_terminal_ends_the_console_within_a_second() {
    let daemon = Daemon::start();
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for(" LIVE ");
    console.hang_up();
    let (code, took) = console.wait_for_end();
    assert_eq!(code, 129);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn terminal_lost_without_sighup_ends_the_console_within_a_second() {
    let daemon = Daemon::start();
    // The shell leads the session and gets SIGHUP, which it ignores; the console gets none.
    let shell = under_shell(&console_of(&daemon), &[], "trap '' HUP; \"$@\"; echo $? > code");
    let mut shell = Terminal::start(&shell, SIZE);
    shell.wait_for(" LIVE ");
    let start = Instant::now();
    shell.hang_up();
    let code = daemon.home().join("code");
    wait::until("the exit code", wait::PATIENCE, || match std::fs::read_to_string(&code) {
        Ok(text) if text == "129\n" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_brings_the_screen_again() {
    let daemon = Daemon::start();
    let script = "\"$@\"; echo stopped with $?; read line; fg >/dev/null; echo ended with $?";
    let (mut shell, before) =
        Terminal::start_seeing(&under_shell(&console_of(&daemon), &["-m"], script), SIZE, |settings| settings);
    shell.wait_for(" LIVE ");
    shell.send("\x1a");
    shell.wait_for("stopped with");
    assert!(!shell.on_alternate_screen() && !shell.cursor_is_hidden() && !shell.pastes_are_marked());
    assert_eq!(shell.settings(), before);
    shell.send("\r");
    let screen = shell.wait_for(" LIVE ");
    assert!(screen.contains("TOLLGATE  1 Tokens"), "{screen}");
    assert!(shell.on_alternate_screen() && shell.cursor_is_hidden() && shell.pastes_are_marked());
    shell.send("q");
    shell.wait_for("ended with 0");
    assert_eq!(shell.settings(), before);
}

#[test]
fn q_quits_at_once_while_the_daemon_hangs() {
    const BOUND: Duration = Duration::from_millis(100);
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let median = || {
        let mut took: Vec<Duration> = (0..3).map(|_| time_to_quit(&daemon)).collect();
        took.sort_unstable();
        took[1]
    };
    let mut took = median();
    if took > BOUND {
        // Other tests share the cores: once more, and then it counts.
        took = median();
    }
    assert!(took <= BOUND, "{took:?}");
}

/// From the key to the end of the process, while the daemon stands still and a change waits for its answer.
fn time_to_quit(daemon: &Daemon) -> Duration {
    let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw).expect("the daemon runs");
    let mut console = Terminal::start(&console_of(daemon), SIZE);
    console.wait_for("am ");
    kill_process(pid, Signal::STOP).expect("it can be stopped");
    console.send("D");
    console.wait_for("running");
    let start = Instant::now();
    console.send("q");
    let (code, _) = console.wait_for_end();
    let took = start.elapsed();
    kill_process(pid, Signal::CONT).expect("it goes on");
    assert_eq!(code, 0);
    took
}

#[test]
fn what_does_not_fit_a_field_is_said_while_it_is_typed_or_pasted() {
    let daemon = with_alertmanager();
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("no tokens yet");
    let paste = "x".repeat(100_000);
    console.send("f");
    console.wait_for("of 0 tokens");
    console.paste(&paste);
    console.wait_for("the paste has 100000 characters");
    console.send("\x1b");
    console.wait_until("no prompt", |screen| !screen.contains("100000"));
    console.send("A");
    console.wait_for("1 to 64 visible characters");
    console.paste(&paste);
    console.wait_for("the paste has 100000 characters");
    console.type_slowly(&"n".repeat(65));
    console.wait_for("65 characters");
}

#[test]
fn paste_outside_of_a_field_runs_no_key() {
    let daemon = Daemon::start();
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for(" LIVE ");
    console.paste("qqq2R");
    let screen = console.wait_for("ignored, since no field is open");
    assert!(screen.contains("1 Tokens"), "{screen}");
}

const DOWN: &str = "\x1b[B";

#[test]
fn every_size_down_to_one_cell_is_lived_through() {
    let daemon = with_alertmanager();
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for(" LIVE ");
    for size in [(1, 1), (20, 5), (3, 60), (250, 2), (19, 4), (1, 1)] {
        console.resize(size);
        // Not a letter: letters that a busy machine brings together are taken for a paste.
        console.send(DOWN);
    }
    console.resize((110, 33));
    let screen = console.wait_until("the whole screen", |screen| screen.contains(" LIVE ") && screen.contains("help"));
    assert_eq!(screen.lines().count(), 33, "{screen}");
    console.send("q");
    assert_eq!(console.wait_for_end().0, 0);
}

#[test]
fn daemon_of_another_version_has_a_face_of_its_own() {
    let home = tempfile::tempdir().expect("a directory");
    let socket = home.path().join("admin.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer_as_version_nine));
    let console = Terminal::start(&console(home.path(), &socket), SIZE);
    let screen = console.wait_for("OTHER VERSION");
    assert!(screen.contains("9.9.9") && screen.contains(env!("CARGO_PKG_VERSION")), "{screen}");
}

fn answer_as_version_nine(stream: std::os::unix::net::UnixStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
        line.clear();
    }
    let body = "{\"version\":\"9.9.9\"}";
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    // Whoever asked may have gone.
    drop(reader.into_inner().write_all(answer.as_bytes()));
}

#[test]
fn socket_without_permission_has_a_face_of_its_own() {
    let daemon = Daemon::start();
    std::fs::set_permissions(daemon.socket(), Permissions::from_mode(0o000)).expect("the owner may");
    let mut command = console_of(&daemon);
    if rustix::process::getuid().is_root() {
        if run(Command::new("/bin/sh").args(["-c", "command -v setpriv"]), b"").status != Some(0) {
            return skipped("socket_without_permission", "root may use any socket and there is no setpriv");
        }
        std::fs::set_permissions(daemon.home(), Permissions::from_mode(0o755)).expect("the owner may");
        let inner = command;
        command = clean_command("setpriv".as_ref(), daemon.home());
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        command.env("TERM", "xterm-256color").arg(inner.get_program()).args(inner.get_args());
    }
    let console = Terminal::start(&command, SIZE);
    let screen = console.wait_for("NO ACCESS");
    assert!(screen.contains(&daemon.socket().display().to_string()), "{screen}");
}

#[test]
fn without_a_terminal_there_is_help_and_64() {
    let home = tempfile::tempdir().expect("a directory");
    let ran = run(&mut clean_command(&binaries::tollgate(), home.path()), b"").expect(64);
    assert!(ran.stderr.contains("Usage: tollgate"), "{ran:?}");
    assert_eq!(ran.stdout, "");
}

#[test]
fn demo_shows_the_console_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a directory");
    let temporary = home.path().join("tmp");
    std::fs::create_dir(&temporary).expect("a directory");
    let mut demo = clean_command(&binaries::tollgate(), home.path());
    demo.env("TERM", "xterm-256color").env("TMPDIR", &temporary).arg("demo");
    let (mut console, before) = Terminal::start_seeing(&demo, SIZE, |settings| settings);
    console.wait_for(" LIVE ");
    console.send("2");
    console.wait_until("rows", |screen| seqs(screen).len() > 2);
    console.send("q");
    assert_eq!(console.wait_for_end().0, 0, "{}", console.screen());
    assert_eq!(console.settings(), before);
    let ran = run(demo.args(["--headless", "--seconds", "3"]), b"").expect(0);
    assert!(ran.stdout.contains("incidents open"), "{ran:?}");
    let left: Vec<_> = std::fs::read_dir(&temporary).expect("it can be read").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    let processes: Value = running_in(&temporary).into();
    assert_eq!(processes, Value::Array(Vec::new()), "no process uses its directory");
}

/// Command lines and working files of processes that name a directory.
fn running_in(directory: &Path) -> Vec<String> {
    let name = directory.display().to_string();
    let of = |entry: std::fs::DirEntry| {
        let files = std::fs::read_dir(entry.path().join("fd")).ok()?;
        let open: Vec<String> = files
            .flatten()
            .filter_map(|file| Some(std::fs::read_link(file.path()).ok()?.display().to_string()))
            .collect();
        open.into_iter().find(|file| file.starts_with(&name))
    };
    std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(of).collect()
}

/// A connection that is kept, for many calls.
pub(crate) fn gate(daemon: &Daemon) -> Connection {
    daemon.connect().expect("the gate listens")
}
