//! The console inside tmux, as most operators have it: keys that arrive late, a clipboard that is lost or not, windows that
//! shrink to one cell, and somebody who attaches again.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use tollgate_tests::daemon::{Daemon, clean_command};
use tollgate_tests::process::{Ran, run};
use tollgate_tests::terminal::{Size, Terminal};
use tollgate_tests::wait::{PATIENCE, until};
use tollgate_tests::{binaries, skipped};

use crate::desk::press;
use crate::support::{alert, with_alertmanager};

const SIZE: Size = (100, 30);
const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";
/// What the console says of a copy: no more than it knows.
const HONEST: &str = "Sent to your terminal; it does not confirm.";

/// A tmux server of its own with one window; it is ended when this is dropped.
struct Tmux<'d> {
    daemon: &'d Daemon,
    /// Its socket's name: never that of a server that is still ending.
    name: String,
}

impl<'d> Tmux<'d> {
    /// Starts a program in a window. `settings` are all that is not tmux' default. Nothing where there is no tmux.
    fn start(test: &str, daemon: &'d Daemon, settings: &str, program: &str) -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let tmux = Self { daemon, name: format!("tg{}", STARTED.fetch_add(1, Ordering::Relaxed)) };
        if !Command::new("tmux").arg("-V").output().is_ok_and(|ran| ran.status.success()) {
            skipped(test, "there is no tmux");
            return None;
        }
        // The line of tmux' own would only be in the way.
        std::fs::write(daemon.home().join("tmux.conf"), format!("set -g status off\n{settings}\n")).expect("a file");
        let (columns, rows) = (SIZE.0.to_string(), SIZE.1.to_string());
        tmux.tell(&["new-session", "-d", "-s", "tg", "-x", &columns, "-y", &rows, program]).expect(0);
        Some(tmux)
    }

    /// The console in a window.
    fn console(test: &str, daemon: &'d Daemon, settings: &str) -> Option<Self> {
        Self::start(test, daemon, settings, &line(daemon))
    }

    fn command(&self) -> Command {
        let mut command = clean_command("tmux".as_ref(), self.daemon.home());
        command.env("TERM", "xterm-256color").env("TMUX_TMPDIR", self.daemon.home());
        command.args(["-u", "-L", &self.name, "-f"]).arg(self.daemon.home().join("tmux.conf"));
        command
    }

    fn tell(&self, words: &[&str]) -> Ran {
        run(self.command().args(words), b"")
    }

    /// Somebody attaches with a terminal of a size.
    fn attach(&self, size: Size) -> Terminal {
        Terminal::start(self.command().args(["attach-session", "-t", "tg"]), size)
    }

    /// The program in the window.
    fn pane_pid(&self) -> Pid {
        let said = self.tell(&["list-panes", "-t", "tg", "-F", "#{pane_pid}"]).expect(0).stdout;
        said.trim().parse().ok().and_then(Pid::from_raw).expect("a process id")
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        // It ends by itself with its last window.
        drop(self.command().arg("kill-server").output());
    }
}

/// The console's command line for a shell; the paths of a test have nothing to quote.
fn line(daemon: &Daemon) -> String {
    format!("{} --socket {}", binaries::tollgate().display(), daemon.socket().display())
}

/// Base64 as OSC 52 has it.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        let digit =
            |place: usize| if place > group.len() { '=' } else { char::from(DIGITS[bits >> (18 - 6 * place) & 63]) };
        (0..4).map(digit).collect::<String>()
    };
    text.as_bytes().chunks(3).map(digits).collect()
}

/// True where the terminal was handed a text for its clipboard.
fn was_handed(terminal: &Terminal, text: &str) -> bool {
    let bytes = String::from_utf8_lossy(&terminal.bytes()).into_owned();
    bytes.contains("\x1b]52;") && bytes.contains(&base64(text))
}

#[test]
fn a_copied_id_reaches_the_terminal_in_a_default_tmux_and_the_words_say_no_more_than_is_known() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let Some(tmux) = Tmux::console("a_copied_id_reaches_the_terminal", &daemon, "") else { return };
    let mut terminal = tmux.attach(SIZE);
    terminal.wait_for("am ");
    press(&mut terminal, "y", HONEST);
    until("the terminal has it", PATIENCE, || {
        if was_handed(&terminal, &token.id) { Ok(()) } else { Err("no OSC 52 with the id".to_owned()) }
    });
}

#[test]
fn a_copied_secret_reaches_the_terminal_only_where_tmux_lets_it_and_is_in_no_buffer_otherwise() {
    let daemon = with_alertmanager();
    for (settings, arrives) in [("", false), ("set -g set-clipboard on", true)] {
        let Some(tmux) = Tmux::console("a_copied_secret_reaches_the_terminal", &daemon, settings) else { return };
        let mut terminal = tmux.attach((100, 40));
        terminal.wait_for(" LIVE ");
        press(&mut terminal, ".", "ALL ACTIONS");
        press(&mut terminal, "n", "NEW TOKEN");
        terminal.type_slowly(if arrives { "with" } else { "without" });
        crate::desk::go_to(&mut terminal, "[ Create ]");
        let shown = press(&mut terminal, "\r", "shown this once");
        let secret = shown.lines().find(|line| line.starts_with("tg_")).expect("it is shown").trim_end().to_owned();
        press(&mut terminal, "y", HONEST);
        if arrives {
            until("the terminal has it", PATIENCE, || {
                if was_handed(&terminal, &secret) { Ok(()) } else { Err("no OSC 52".to_owned()) }
            });
        } else {
            // What tmux was told before is done when it answers.
            let buffers = tmux.tell(&["list-buffers"]).expect(0).stdout;
            assert_eq!(buffers, "", "a secret in a buffer of tmux outlives the dialog");
            assert!(!was_handed(&terminal, &secret), "tmux' default drops it, and the words did not promise it");
        }
    }
}

#[test]
fn a_lone_escape_that_tmux_holds_back_closes_and_arrows_move() {
    let daemon = with_alertmanager();
    for name in ["a-first", "b-second", "c-third"] {
        daemon.token(name, "service:Ops/DB", &[]);
    }
    let Some(tmux) = Tmux::console("a_lone_escape_that_tmux_holds_back", &daemon, "") else { return };
    let mut terminal = tmux.attach(SIZE);
    terminal.wait_for("c-third");
    let marked = |screen: &str, name: &str| screen.lines().any(|line| line.starts_with('>') && line.contains(name));
    terminal.send(DOWN);
    terminal.wait_until("the second row", |screen| marked(screen, "b-second"));
    terminal.send(UP);
    terminal.wait_until("the first row", |screen| marked(screen, "a-first"));
    press(&mut terminal, "?", "KEYS of 1 Tokens");
    terminal.send("\x1b");
    terminal.wait_until("help is closed", |screen| !screen.contains("KEYS of 1 Tokens"));
    // An arrow behind an escape is no Alt chord.
    press(&mut terminal, ".", "ALL ACTIONS");
    terminal.send("\x1b");
    terminal.send(DOWN);
    terminal.wait_until("closed, and the second row", |screen| {
        !screen.contains("ALL ACTIONS") && (marked(screen, "b-second") || marked(screen, "a-first"))
    });
    // Esc is never the only way back.
    press(&mut terminal, ":", "tokens log incidents");
    terminal.send("\x03");
    terminal.wait_until("no command line", |screen| !screen.contains("tokens log incidents"));
}

#[test]
fn somebody_who_attaches_again_in_another_size_sees_the_whole_screen_with_what_came_meanwhile() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    let Some(tmux) = Tmux::console("somebody_who_attaches_again", &daemon, "") else { return };
    let mut first = tmux.attach(SIZE);
    first.wait_for("am ");
    press(&mut first, "2", "FOLLOWING");
    tmux.tell(&["detach-client", "-s", "tg"]).expect(0);
    first.wait_for_end();
    assert_eq!(daemon.post(&token.secret, &alert("firing", "while-away")).status, 201);
    let again = tmux.attach((120, 40));
    again.wait_until("all of it", |screen| {
        // At first tmux shows it in the size that it had.
        let is_whole = screen.lines().count() == 40 && screen.contains("TOLLGATE  2") && screen.contains("? help");
        is_whole && screen.contains("while-away is down")
    });
}

#[test]
fn a_window_goes_through_every_size_to_one_cell_and_back() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let settings = "set -g default-terminal screen";
    let Some(tmux) = Tmux::console("a_window_goes_through_every_size", &daemon, settings) else { return };
    let pane = || tmux.tell(&["capture-pane", "-p", "-t", "tg"]).expect(0).stdout;
    let wait_for = |what: &str, is_so: &dyn Fn(&str) -> bool| {
        until(what, PATIENCE, || {
            let screen = pane();
            if is_so(&screen) { Ok(()) } else { Err(screen) }
        });
    };
    wait_for("the tokens", &|screen| screen.contains("am "));
    let pid = tmux.pane_pid();
    for (columns, rows) in [("1", "1"), ("80", "24"), ("3", "60"), ("250", "2"), ("19", "4"), ("1", "1"), ("2", "1")] {
        tmux.tell(&["resize-window", "-t", "tg", "-x", columns, "-y", rows]).expect(0);
        tmux.tell(&["send-keys", "-t", "tg", "Down"]).expect(0);
    }
    tmux.tell(&["resize-window", "-t", "tg", "-x", "110", "-y", "33"]).expect(0);
    wait_for("the whole screen", &|screen| {
        screen.contains(" LIVE ") && screen.contains("am ") && screen.contains("? help")
    });
    assert_eq!(tmux.pane_pid(), pid, "it is still the same program");
}

#[test]
fn in_a_real_shell_ctrl_z_and_a_stop_from_outside_are_both_gone_on_from_with_fg() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let shell = "exec bash --norc --noprofile -i";
    let Some(tmux) = Tmux::start("in_a_real_shell_ctrl_z", &daemon, "", shell) else { return };
    let mut terminal = tmux.attach(SIZE);
    // An answer that was not typed as it stands.
    terminal.send("echo sh-$((40+2)) $0\r");
    terminal.wait_for("sh-42");
    if !terminal.screen().contains("bash") {
        return skipped("in_a_real_shell_ctrl_z", "there is no bash");
    }
    terminal.send(&format!("{}\r", line(&daemon)));
    terminal.wait_for("am ");
    terminal.send("\x1a");
    terminal.wait_for("Stopped");
    assert!(terminal.screen().contains("sh-42"), "the shell's own screen is back:\n{}", terminal.screen());
    terminal.send("echo sh-$((50+3))\r");
    terminal.wait_for("sh-53");
    terminal.send("fg\r");
    terminal.wait_for("am ");
    terminal.wait_for("TOLLGATE  1 Tokens");
    kill_process(child_of(tmux.pane_pid()), Signal::TSTP).expect("it runs");
    terminal.wait_for("Stopped");
    terminal.send("fg\r");
    terminal.wait_until("the whole screen", |screen| {
        screen.starts_with(" TOLLGATE  1 Tokens") && screen.contains("? help")
    });
    terminal.send("q");
    terminal.wait_for("sh-53");
    terminal.send("echo sh-$((60+4))\r");
    terminal.wait_for("sh-64");
}

/// The program that a shell runs.
fn child_of(shell: Pid) -> Pid {
    let shell = shell.as_raw_nonzero();
    let path = format!("/proc/{shell}/task/{shell}/children");
    let children = std::fs::read_to_string(path).expect("the shell runs");
    children.split_whitespace().next().and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw).expect("one child")
}
