//! `tollgate --resume`: a console that goes on where the last one ended, whatever ended it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::process::run;
use tollgate_tests::terminal::{Size, Terminal};
use tollgate_tests::wait::{self, PATIENCE};

use crate::console::{console_of, seqs};
use crate::desk::press;
use crate::support::{alert, with_alertmanager};

const SIZE: Size = (100, 30);
/// All rows of these tests at once.
const TALL: Size = (100, 60);
const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";

fn resuming(daemon: &Daemon) -> Command {
    let mut command = console_of(daemon);
    command.arg("--resume");
    command
}

fn place(daemon: &Daemon) -> PathBuf {
    daemon.home().join(".local/state/tollgate/console.json")
}

fn kept(daemon: &Daemon) -> Value {
    let bytes = std::fs::read(place(daemon)).expect("a place was kept");
    serde_json::from_slice(&bytes).expect("it is JSON")
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("it is there").permissions().mode() & 0o777
}

fn send(daemon: &Daemon, token: &Token, keys: std::ops::Range<u32>) {
    for key in keys {
        assert!(daemon.post(&token.secret, &alert("firing", &format!("disk-{key}"))).is_success());
    }
}

/// The row that is marked.
fn marked(screen: &str) -> Option<&str> {
    screen.lines().find(|line| line.starts_with("> "))
}

/// The console on screen 3 with a query, an order and the second row marked.
fn on_incidents(daemon: &Daemon) -> (Terminal, String) {
    let mut console = Terminal::start(&resuming(daemon), SIZE);
    console.wait_for("am ");
    press(&mut console, "3", "TOLLGATE  3");
    press(&mut console, "f", "filter");
    console.type_slowly("title:disk");
    console.wait_for("of the");
    press(&mut console, "\r", "f title:disk");
    press(&mut console, "o", "SORT by");
    press(&mut console, "n", "sort: title");
    let before = marked(&console.screen()).map(str::to_owned);
    console.send(DOWN);
    let screen = console
        .wait_until("another row", |screen| marked(screen).is_some() && marked(screen).map(str::to_owned) != before);
    let row = marked(&screen).expect("a row is marked").to_owned();
    (console, row)
}

/// The title in a row: what stands behind the columns that change by themselves.
fn title(row: &str) -> &str {
    row.split_whitespace().find(|word| word.starts_with("disk-")).expect("a title")
}

fn wait_for_incidents(console: &Terminal, row: &str) {
    console.wait_until("screen 3 as it was left", |screen| {
        let same_row = marked(screen).is_some_and(|line| line.contains(title(row)));
        screen.contains("TOLLGATE  3") && screen.contains("f title:disk") && screen.contains("sort: title") && same_row
    });
}

#[test]
fn a_console_whose_terminal_went_away_stands_where_it_stood() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    send(&daemon, &token, 0..3);
    let (mut console, row) = on_incidents(&daemon);
    console.hang_up();
    let (code, took) = console.wait_for_end();
    assert_eq!(code, 129);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!((mode(&place(&daemon)), mode(place(&daemon).parent().expect("a directory"))), (0o600, 0o700));
    let mut again = Terminal::start(&resuming(&daemon), SIZE);
    wait_for_incidents(&again, &row);
    again.signal(Signal::HUP);
    assert_eq!(again.wait_for_end().0, 129);
    for (end, code) in [(Some(Signal::TERM), 143), (None, 0)] {
        let mut again = Terminal::start(&resuming(&daemon), SIZE);
        wait_for_incidents(&again, &row);
        match end {
            Some(signal) => again.signal(signal),
            None => again.send("q"),
        }
        assert_eq!(again.wait_for_end().0, code);
    }
    wait_for_incidents(&Terminal::start(&resuming(&daemon), SIZE), &row);
}

#[test]
fn a_console_that_was_killed_has_left_its_place_some_seconds_before() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    send(&daemon, &token, 0..3);
    let (mut console, row) = on_incidents(&daemon);
    let screen = console.screen();
    let place_of_row = screen.lines().filter(|line| line.contains(" disk-")).position(|line| line.starts_with("> "));
    wait::until("the place is written", PATIENCE, || {
        let place = std::fs::read_to_string(place(&daemon)).unwrap_or_default();
        let kept: Value = serde_json::from_str(&place).unwrap_or_default();
        let is_there = kept["kept"]["incidents"]["mark"]["place"].as_u64() == place_of_row.map(|at| at as u64);
        if is_there { Ok(()) } else { Err(place) }
    });
    console.signal(Signal::KILL);
    console.wait_for_end();
    wait_for_incidents(&Terminal::start(&resuming(&daemon), SIZE), &row);
}

#[test]
fn a_paused_row_is_shown_again_after_a_restart_with_what_came_since_counted() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    send(&daemon, &token, 0..6);
    let mut console = Terminal::start(&resuming(&daemon), TALL);
    console.wait_for(" LIVE ");
    press(&mut console, "2", "FOLLOWING");
    console.wait_until("all six", |screen| seqs(screen).len() == 6);
    press(&mut console, UP, "PAUSED on 5");
    press(&mut console, UP, "PAUSED on 4");
    send(&daemon, &token, 6..8);
    console.wait_for("2 newer");
    console.hang_up();
    console.wait_for_end();
    daemon.restart();
    send(&daemon, &token, 8..11);
    let mut again = Terminal::start(&resuming(&daemon), TALL);
    again.wait_until("row 4, and 5 newer ones", |screen| {
        screen.contains("PAUSED on 4")
            && screen.contains("5 newer")
            && marked(screen).is_some_and(|row| seqs(row) == [4])
    });
    send(&daemon, &token, 11..12);
    again.wait_for("6 newer");
    press(&mut again, "G", "FOLLOWING");
    again.wait_until("all twelve", |screen| seqs(screen) == (1..=12).collect::<Vec<u64>>());
    press(&mut again, "q", "");
    assert_eq!(again.wait_for_end().0, 0);
    // It followed: it goes on behind what was seen, with that above it.
    send(&daemon, &token, 12..14);
    let third = Terminal::start(&resuming(&daemon), TALL);
    let screen = third.wait_for("FOLLOWING, 2 rows came while you were away");
    assert_eq!(seqs(&screen), (1..=14).collect::<Vec<u64>>(), "{screen}");
}

#[test]
fn a_place_that_is_damaged_or_of_another_daemon_is_told_and_ignored() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let path = place(&daemon);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
    std::fs::write(&path, "{\"tollgate_console\":1,\"kept\":{\"screen\":\"incid").expect("a file");
    let mut console = Terminal::start(&resuming(&daemon), SIZE);
    console
        .wait_until("the reason", |screen| screen.contains("the kept place is damaged") && screen.contains(" LIVE "));
    press(&mut console, "5", "TOLLGATE  5");
    console.send("q");
    assert_eq!(console.wait_for_end().0, 0);
    assert_eq!(kept(&daemon)["kept"]["screen"], "services");
    let other = with_alertmanager();
    let mut command = console_of(&other);
    command.env("HOME", daemon.home()).arg("--resume");
    let console = Terminal::start(&command, SIZE);
    let screen = console.wait_for("the kept place is of another tollgated");
    assert!(screen.contains("TOLLGATE  1"), "{screen}");
}

#[test]
fn without_a_home_nothing_is_kept_and_that_is_said() {
    let daemon = with_alertmanager();
    let mut command = resuming(&daemon);
    command.env_remove("HOME");
    let mut console = Terminal::start(&command, SIZE);
    console.wait_until("the reason", |screen| screen.contains("HOME and XDG_STATE_HOME") && screen.contains(" LIVE "));
    console.send("q");
    assert_eq!(console.wait_for_end().0, 0);
    assert!(!place(&daemon).try_exists().expect("it can be seen"));
}

#[test]
fn a_console_without_resume_writes_no_file_and_the_forced_form_refuses_it() {
    let daemon = with_alertmanager();
    let home = tempfile::tempdir().expect("a directory");
    let mut command = console_of(&daemon);
    command.env("HOME", home.path()).current_dir(home.path());
    let mut console = Terminal::start(&command, SIZE);
    console.wait_for(" LIVE ");
    press(&mut console, "3", "TOLLGATE  3");
    console.send("q");
    assert_eq!(console.wait_for_end().0, 0);
    assert_eq!(home.path().read_dir().expect("it can be read").count(), 0, "a file was written");
    for (args, sent) in [(&["console", "--forced", "--resume"][..], ""), (&["console", "--forced"], "--resume")] {
        let mut command = console_of(&daemon);
        let said = run(command.args(args).env("SSH_ORIGINAL_COMMAND", sent), b"").expect(77).stderr;
        assert!(said.contains("`--resume` is not for this account"), "{said}");
    }
    let said = run(console_of(&daemon).args(["--resume", "demo"]), b"").expect(64).stderr;
    assert!(said.contains("its daemon is gone with it"), "{said}");
}
