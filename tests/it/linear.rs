//! The console line by line, its form for one SSH account, and its recordings: with the real programs on real terminals.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use rustix::process::getuid;
use tollgate_tests::daemon::Daemon;
use tollgate_tests::output::{Writer, judge};
use tollgate_tests::process::{Ran, run};
use tollgate_tests::terminal::{Size, Terminal};
use tollgate_tests::wait;

use crate::console::console_of;
use crate::desk::{PASSPHRASE, go_to, press, sign_in, with_anna};
use crate::support::{alert, with_alertmanager};

/// Lines are kept from 78 columns on; a terminal that is wider shows that nothing is cut to it.
const SIZE: Size = (100, 50);
const PROMPT: &str = "tollgate> ";

fn linear(daemon: &Daemon) -> Command {
    let mut command = console_of(daemon);
    command.arg("--linear");
    command
}

/// Types a line and waits for words that come after it; the screen may have scrolled meanwhile.
#[track_caller]
fn say(terminal: &mut Terminal, line: &str, words: &str) -> String {
    let from = terminal.bytes().len();
    terminal.send(&format!("{line}\n"));
    let said = || String::from_utf8_lossy(&terminal.bytes()[from..]).into_owned();
    wait::until(words, wait::PATIENCE, || if said().contains(words) { Ok(said()) } else { Err(said()) })
}

/// As [`say`], and for the next prompt.
#[track_caller]
fn line(terminal: &mut Terminal, line: &str, words: &str) -> String {
    let from = terminal.bytes().len();
    say(terminal, line, words);
    let said = || String::from_utf8_lossy(&terminal.bytes()[from..]).into_owned();
    wait::until("the prompt", wait::PATIENCE, || if said().contains(PROMPT) { Ok(said()) } else { Err(said()) })
}

/// All that came out, with the line ends that the program wrote: the terminal makes two characters of each.
fn written(terminal: &Terminal) -> Vec<u8> {
    String::from_utf8_lossy(&terminal.bytes()).replace("\r\n", "\n").into_bytes()
}

#[test]
fn tokens_are_listed_filtered_and_revoked_line_by_line_without_a_cursor() {
    let daemon = with_alertmanager();
    let sender = daemon.token("am-prod", "service:Ops/DB", &["--debug"]);
    daemon.token("ci", "global", &["--expires", "9d"]);
    let mut terminal = Terminal::start(&linear(&daemon), SIZE);
    terminal.wait_for(PROMPT);
    line(&mut terminal, "tokens", "1. am-prod: ");
    line(&mut terminal, "filter expires:<14d", "1 token that fits: expires:<14d");
    line(&mut terminal, "actions 1", "revoke: revoke for good; wants the name typed");
    say(&mut terminal, "revoke 1", "may be left empty");
    say(&mut terminal, "drill", "type ci to revoke it");
    line(&mut terminal, "nagios", "the name is not complete; nothing was changed");
    assert_eq!(daemon.get("/v1/tokens/ci")["state"], "active");
    say(&mut terminal, "revoke 1", "may be left empty");
    say(&mut terminal, "drill", "type ci to revoke it");
    line(&mut terminal, "ci", "REVOKED ci");
    line(&mut terminal, "audit", "token.revoke");
    let row = &daemon.get("/v1/audit?action=token.revoke")["items"][0];
    assert_eq!(row["uid"].as_u64(), Some(getuid().as_raw().into()), "the peer is who did it: {row}");
    // What changed meanwhile is said before the next prompt.
    assert!(daemon.post(&sender.secret, &alert("firing", "a")).is_success());
    line(&mut terminal, "", "news: incident P1 of Ops/DB");
    terminal.send("\x04");
    assert_eq!(terminal.wait_for_end().0, 0);
    terminal.wait_for_output();
    assert!(!terminal.on_alternate_screen());
    let (offences, printed) = judge(Writer::Command, &written(&terminal));
    assert!(offences.is_empty() && printed > 500, "{offences:#?}");
    let wide: Vec<String> = terminal.screen().lines().filter(|line| line.len() > 78).map(str::to_owned).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn a_change_is_taken_back_and_marked_tokens_are_changed_together_line_by_line() {
    let daemon = with_alertmanager();
    for name in ["am", "ci", "ups"] {
        daemon.token(name, "service:Ops/DB", &["--expires", "9d"]);
    }
    let token = |name: &str| daemon.get(&format!("/v1/tokens/{name}"));
    let mut terminal = Terminal::start(&linear(&daemon), SIZE);
    terminal.wait_for(PROMPT);
    line(&mut terminal, "tokens", "3. ups: ");
    line(&mut terminal, "edit 2 --rate 60/min", "ci: limit 60/min; undo takes it back");
    assert_eq!(token("ci")["rate_limit"]["calls_per_min"], 60);
    say(&mut terminal, "undo", "type yes to do it");
    line(&mut terminal, "yes", "undone: ci: limit none");
    assert!(token("ci")["rate_limit"].is_null());
    // Undoing must not undo somebody else.
    line(&mut terminal, "debug 1", "am: debug on; undo takes it back");
    daemon.cli(["token", "edit", "am", "--description", "mine now"]).expect(0);
    say(&mut terminal, "undo", "am: now debug on, then off");
    line(&mut terminal, "yes", "nothing was undone");
    assert!(token("am")["debug_until"].is_string() && token("am")["description"] == "mine now");
    line(&mut terminal, "mark 1-2", "2 tokens are marked");
    say(&mut terminal, "suspend", "may be left empty");
    say(&mut terminal, "storm", "type yes to do it");
    line(&mut terminal, "yes", "suspend: done to 2 tokens; undo takes it back");
    let states = || ["am", "ci", "ups"].map(|name| token(name)["state"].as_str().unwrap_or_default().to_owned());
    assert_eq!(states(), ["suspended", "suspended", "active"]);
    assert_eq!(token("ci")["suspended"]["reason"], "storm");
    say(&mut terminal, "undo", "2 tokens: now suspended");
    line(&mut terminal, "yes", "undone: 2 tokens");
    assert_eq!(states(), ["active", "active", "active"]);
    line(&mut terminal, "mark all", "3 tokens are marked");
    for (number, words) in [("2", "type their number, 3; nothing was changed"), ("3", "revoke: done to 3 tokens")] {
        say(&mut terminal, "revoke", "may be left empty");
        say(&mut terminal, "drill", "type their number, 3, to revoke them");
        line(&mut terminal, number, words);
        let left = daemon.get("/v1/tokens")["items"].as_array().map(Vec::len);
        assert_eq!(left, Some(if number == "2" { 3 } else { 0 }));
    }
    line(&mut terminal, "history", "tollgate token revoke --query");
    terminal.send("quit\n");
    assert_eq!(terminal.wait_for_end().0, 0);
    let (offences, _) = judge(Writer::Command, &written(&terminal));
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn the_log_is_followed_line_by_line_until_enter() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    assert!(daemon.post(&token.secret, &alert("firing", "before")).is_success());
    let mut terminal = Terminal::start(&linear(&daemon), SIZE);
    terminal.wait_for(PROMPT);
    terminal.send("follow\n");
    let screen = terminal.wait_for("Enter ends it");
    assert!(screen.contains("row 1 at "), "{screen}");
    assert!(daemon.post(&token.secret, &alert("firing", "while")).is_success());
    terminal.wait_for("row 2 at ");
    line(&mut terminal, "", "the end of following");
    line(&mut terminal, "log", "1. row 2 at ");
    terminal.send("quit\n");
    assert_eq!(terminal.wait_for_end().0, 0);
}

#[test]
fn a_dumb_terminal_and_who_asks_for_it_get_lines_and_a_script_may_be_piped() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    for (name, value) in [("TERM", "dumb"), ("TOLLGATE_A11Y", "1")] {
        let mut command = console_of(&daemon);
        command.env(name, value);
        let mut terminal = Terminal::start(&command, SIZE);
        terminal.wait_for(PROMPT);
        say(&mut terminal, "token create x --scope global", "Enter alone makes nothing");
        assert!(terminal.screen().contains("keeps what it shows"));
        line(&mut terminal, "", "nothing was changed");
        assert_eq!(daemon.get("/v1/tokens")["items"].as_array().map(Vec::len), Some(1));
        terminal.send("q\n");
        assert_eq!(terminal.wait_for_end().0, 0);
    }
    let script = "tokens\nrevoke 1\nleaked\nam\ntokens\n";
    let ran = run(&mut linear(&daemon), script.as_bytes()).expect(0);
    assert!(
        ran.stdout.contains("REVOKED am")
            && ran.stdout.ends_with("no tokens; add-token NAME --scope SCOPE makes one\n"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains(PROMPT), "nobody is asked: {ran:?}");
}

/// As sshd starts it for an account with a forced command; `asked` is what the client typed.
fn forced(daemon: &Daemon, asked: &str) -> Ran {
    let mut command = console_of(daemon);
    run(command.args(["console", "--forced"]).env("SSH_ORIGINAL_COMMAND", asked), b"status\n")
}

#[test]
fn a_forced_command_runs_commands_and_nothing_else() {
    let daemon = with_alertmanager();
    daemon.token("am prod", "service:Ops/DB", &[]);
    let row = forced(&daemon, "tollgate token show 'am prod' --output json").expect(0).json();
    assert_eq!(row["name"], "am prod");
    forced(&daemon, "team create Net").expect(0);
    let audit = &daemon.get("/v1/audit?action=team.create")["items"][0];
    assert_eq!(audit["uid"].as_u64(), Some(getuid().as_raw().into()), "{audit}");
    let spoilt = daemon.home().join("spoilt");
    for (asked, exit) in [
        ("status; touch spoilt", 64),
        ("status && touch spoilt", 64),
        ("token list $(touch spoilt)", 64),
        ("token list `touch spoilt`", 64),
        ("log export > spoilt", 64),
        ("log export --to spoilt", 77),
        ("token create x --scope global --secret-file spoilt", 77),
        ("--record spoilt", 77),
        ("token identify /etc/passwd", 77),
        ("scan /etc", 77),
        ("--socket /tmp/other.sock status", 77),
        ("demo --headless", 77),
        ("sh -c 'touch spoilt'", 64),
        ("!sh", 64),
    ] {
        let ran = forced(&daemon, asked).expect(exit);
        assert_eq!(ran.stdout, "", "{asked}");
        assert!(!ran.stderr.is_empty() && !spoilt.try_exists().unwrap(), "{asked}");
    }
    assert_eq!(daemon.get("/v1/tokens")["items"].as_array().map(Vec::len), Some(1), "nothing was made");
    let ran = forced(&daemon, "--linear").expect(0);
    assert!(ran.stdout.contains("daemon") && ran.stdout.contains("listens on"), "{ran:?}");
    let secret = forced(&daemon, "token create y --scope global").expect(0);
    assert!(secret.stdout.starts_with("tg_g_"), "to the client's standard output: {}", secret.stderr);
}

#[test]
fn a_forced_console_writes_no_file_and_is_not_left_by_ctrl_z() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let mut command = console_of(&daemon);
    command.args(["console", "--forced"]);
    let mut console = Terminal::start(&command, SIZE);
    console.wait_for("am ");
    press(&mut console, "\x1a", "q leaves it");
    press(&mut console, "A", "1 to 64 visible characters");
    console.type_slowly("new");
    go_to(&mut console, "[ Create ]");
    press(&mut console, "\r", "shown this once");
    press(&mut console, "w", "no file is written on this host");
    let mut names = std::fs::read_dir(daemon.home()).expect("a directory").flatten();
    assert!(!names.any(|entry| entry.file_name().to_string_lossy().contains("new")));
}

#[test]
fn a_recording_of_a_session_plays_without_a_daemon_and_holds_no_secret() {
    let mut daemon = with_anna();
    let file = daemon.home().join("session");
    let mut command = console_of(&daemon);
    command.arg("--record").arg(&file);
    let mut console = Terminal::start(&command, SIZE);
    console.wait_for("am ");
    press(&mut console, "A", "1 to 64 visible characters");
    console.type_slowly("new");
    go_to(&mut console, "[ Create ]");
    let screen = press(&mut console, "\r", "shown this once");
    let secret = screen.lines().find(|line| line.starts_with("tg_")).expect("it stands alone").trim().to_owned();
    press(&mut console, "\x1b", "Do you have it?");
    press(&mut console, "\x1b", "TOLLGATE  1 Tokens");
    press(&mut console, "/", "/");
    console.paste(&secret);
    console.wait_for("not kept and not sent");
    console.send("\x1b");
    console.wait_until("it is put away", |screen| !screen.contains("not sent"));
    sign_in(&mut console);
    let last = console.wait_for("new ");
    console.send("q");
    assert_eq!(console.wait_for_end().0, 0);
    let text = std::fs::read_to_string(&file).expect("the recording");
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    for hidden in [secret.as_str(), &secret[16..40], PASSPHRASE, "horse"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let again = run(&mut command, b"");
    assert_eq!(again.status, Some(64), "no terminal, no console: {again:?}");
    let mut console = Terminal::start(&command, SIZE);
    assert_eq!(console.wait_for_end().0, 65, "{}", console.screen());
    console.wait_for("exists");
    daemon.kill9();
    let file = file.to_str().expect("a name");
    let printed = daemon.cli_with(&["playback", file, "--print"], b"").expect(0).stdout;
    let first = |screen: &str| screen.lines().next().unwrap_or_default().to_owned();
    assert_eq!(first(&printed), first(&last), "{printed}");
    assert!(printed.contains("anna reader, signed in") && printed.contains("new "), "{printed}");
    let (offences, _) = judge(Writer::Command, printed.as_bytes());
    assert!(offences.is_empty(), "{offences:#?}");
    let mut command = console_of(&daemon);
    command.args(["playback", file, "--speed", "1000"]);
    let mut shown = Terminal::start(&command, SIZE);
    shown.wait_for("anna reader, signed in");
    shown.send("q");
    assert_eq!(shown.wait_for_end().0, 0);
}
