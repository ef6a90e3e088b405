//! What senders write reaches no terminal as anything but text.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::json;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::output::{Writer, judge};
use tollgate_tests::process::{Guarded, run};
use tollgate_tests::terminal::Terminal;
use tollgate_tests::wait::{self, PATIENCE};

use crate::console::{console_of, gate};
use crate::support::with_alertmanager;

const CALLS: usize = 2_700;
/// Bodies that are no text are refused and leave no row.
const ROWS_MIN: usize = 2_000;
const CLIENTS: usize = 8;

/// Everything that has ever driven a terminal from a log.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = (0..=0x9f).filter(|code| !(0x20..0x7f).contains(code)).map(one).collect();
    let sequences = [
        "\x1b[2J\x1b[H\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b]52;c;?\x1b\\",
        "\x1bP1$r0m\x1b\\",
        "\x1b[6n\x1b[c\x1b[>c",
        "\x1b[?1049l\x1b[?25h\x1b[?2004l",
        "\x1bc",
        "\x1b_apc\x1b\\",
        "\x1b^pm\x1b\\",
        "\u{9b}2J",
        "\u{9d}52;c;ZXZpbA==\u{9c}",
        "\u{90}q\u{9c}",
        "\r\nforged 201 created",
        "a\rb",
        "a\x08\x08b",
        "\u{202e}txt.exe\u{202c}",
        "\u{2066}a\u{2069}\u{200f}",
        "\u{200b}\u{200d}\u{2060}\u{feff}",
        "\u{2028}\u{2029}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{e0041}\u{e0042}\u{e007f}",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}",
        "<U+202E>^[\\x1b",
        "\u{fff9}a\u{fffa}b\u{fffb}",
        "\u{61c}\u{180e}\u{ad}",
        "\u{e000}\u{10ffff}",
    ];
    texts.extend(sequences.map(str::to_owned));
    texts.push("\x1b[31mlong ".repeat(2_000));
    texts.push(texts.concat());
    texts
}

fn one(code: u32) -> String {
    char::from_u32(code).map(|c| format!("a{c}b")).expect("it is a character")
}

/// The call of this number: headers and body; every fourth is no text at all.
fn call(texts: &[String], number: usize) -> (String, Vec<u8>) {
    let text = &texts[number % texts.len()];
    // A header takes tabs and bytes above ASCII, no other control.
    let agent: String = text.chars().filter(|c| *c == '\t' || !c.is_control()).take(100).collect();
    if number % 4 == 3 {
        return (agent, [text.as_bytes(), &[0xff, 0xc0, 0x80, 0x9b, b'2', b'J']].concat());
    }
    let key = format!("{} {text}", number % 300);
    let body = json!({
        "version": "4", "status": "firing", "groupKey": key.chars().take(300).collect::<String>(),
        "commonLabels": { "severity": "critical", text.chars().take(50).collect::<String>(): text },
        "commonAnnotations": { "summary": text, "description": text }, "alerts": [], "x": text,
    });
    (agent, body.to_string().into_bytes())
}

fn send_all(daemon: &Daemon, token: &Token) {
    let texts = hostile();
    let bearer = format!("Bearer {}", token.secret);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (texts, bearer) = (&texts, &bearer);
            scope.spawn(move || {
                let mut connection = gate(daemon);
                for number in (client..CALLS).step_by(CLIENTS) {
                    let (agent, body) = call(texts, number);
                    let headers = [("authorization", bearer.as_str()), ("user-agent", agent.as_str())];
                    let answer = connection.request("POST", "/v1/process?q=%1b%5b2J%e2%80%ae%0a", &headers, &body);
                    let status = answer.expect("a call is answered").status;
                    assert!(status < 500, "{status} for call {number}");
                }
            });
        }
    });
}

#[track_caller]
fn assert_harmless(what: &str, writer: Writer, bytes: &[u8], printed_min: usize) {
    let (offences, printed) = judge(writer, bytes);
    assert!(offences.is_empty(), "{what}: {offences:#?}");
    assert!(printed >= printed_min, "{what}: only {printed} characters, so there was nothing to see");
}

#[test]
fn no_byte_that_a_sender_wrote_drives_the_terminal_of_an_operator() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug", "--dedup", "0s"]);
    let recording = daemon.home().join("recording");
    let mut command = console_of(&daemon);
    command.arg("--record").arg(&recording);
    let mut console = Terminal::start(&command, (130, 45));
    console.wait_for("am ");
    console.send("2");
    console.wait_for("FOLLOWING");
    // The console follows while they come.
    send_all(&daemon, &token);
    let rows = daemon.get("/v1/status")["log"]["last_seq"].as_u64().and_then(|seq| usize::try_from(seq).ok());
    let rows = rows.expect("there are rows");
    assert!(rows >= ROWS_MIN, "{rows} rows in the log");
    let last = rows.to_string();
    console.wait_for(&last);
    tour(&mut console);
    console.send("q");
    assert_eq!(console.wait_for_end().0, 0);
    console.wait_for_output();
    assert_harmless("console", Writer::Console, &console.bytes(), 20_000);
    commands(&daemon);
    lines(&daemon);
    exports(&daemon);
    playback(&daemon, &recording);
    follow(&daemon, rows);
}

/// Every place of the console that shows what a sender wrote.
fn tour(console: &mut Terminal) {
    let keys = [
        "1",
        "\r",
        "v",
        "q",
        "2",
        "g",
        "v",
        &"j".repeat(6),
        "v",
        &"k".repeat(3),
        "G",
        "\r",
        "jjj",
        "q",
        "k",
        "v",
        "{",
        "{",
        "\t",
        "j",
        "\t",
        "3",
        "j",
        "\r",
        "jjj",
        "q",
        "jjj",
        "G",
        "8",
        "5",
        "1",
    ];
    for key in keys {
        // As a hand types: what comes faster is taken for a paste.
        console.type_slowly(key);
        console.send("\x0c");
        console.wait_for("TOLLGATE");
    }
    console.wait_for("1 Tokens");
}

/// Each command that shows it, in each form; the standard output is a pipe.
fn commands(daemon: &Daemon) {
    let incident = daemon.get("/v1/incidents")["items"][0]["head"]["id"].as_str().map(str::to_owned);
    let incident = incident.expect("there is an incident");
    let asked: [&[&str]; 6] = [
        &["log"],
        &["log", "show", "1"],
        &["log", "show", "40"],
        &["incident", "list"],
        &["incident", "show", &incident],
        &["token", "list"],
    ];
    for args in asked {
        for form in ["table", "json", "jsonl"] {
            let ran = daemon.cli_with(&[&["--output", form], args].concat(), b"");
            assert_harmless(&format!("{args:?} {form}"), Writer::Command, ran.stdout.as_bytes(), 10);
            assert_harmless(&format!("{args:?} {form}, errors"), Writer::Command, ran.stderr.as_bytes(), 0);
        }
    }
}

/// The console line by line.
fn lines(daemon: &Daemon) {
    let mut command = daemon.cli_command();
    let words = "log\nshow 1\nnext\nshow 22\nnext\nincidents\nshow 1\nactions 1\nrefused\nfollow\n\naudit\n";
    // And whoever types it has no power over his own terminal either.
    let typed = format!("{words}\x1b[2J\u{202e}\n\u{9b}2J\n");
    let ran = run(command.arg("--linear"), &[typed.as_bytes(), b"\xff\xc0\x80\n"].concat()).expect(0);
    assert_harmless("lines", Writer::Command, ran.stdout.as_bytes(), 5_000);
    assert_harmless("lines, errors", Writer::Command, ran.stderr.as_bytes(), 0);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 78), "{}", ran.stdout);
}

fn exports(daemon: &Daemon) {
    for form in ["jsonl", "csv", "har"] {
        let ran = daemon.cli_with(&["--output", form, "log", "export"], b"").expect(0);
        assert_harmless(&format!("export {form}"), Writer::Command, ran.stdout.as_bytes(), 100_000);
    }
}

/// What was recorded while they came, and its last screen.
fn playback(daemon: &Daemon, recording: &Path) {
    let bytes = std::fs::read(recording).expect("there is a recording");
    assert_harmless("recording", Writer::Command, &bytes, 50_000);
    let name = recording.to_str().expect("a name");
    let ran = daemon.cli_with(&["playback", name, "--print"], b"").expect(0);
    assert_harmless("playback", Writer::Command, ran.stdout.as_bytes(), 200);
}

fn follow(daemon: &Daemon, rows: usize) {
    for form in ["table", "jsonl"] {
        let path = daemon.home().join(form);
        let file = File::create(&path).expect("a file can be made");
        let mut command: Command = daemon.cli_command();
        command.args(["--output", form, "log", "--follow", "--after", "0"]).stdin(Stdio::null()).stdout(file);
        let mut process = Guarded::spawn(command.stderr(Stdio::null()));
        let lines = || std::fs::read(&path).map(|all| all.iter().filter(|byte| **byte == b'\n').count());
        wait::until("all rows", PATIENCE, || match lines() {
            Ok(count) if count >= rows => Ok(()),
            other => Err(format!("{other:?} lines of {rows}")),
        });
        process.signal(Signal::INT);
        process.wait(PATIENCE);
        let bytes = std::fs::read(&path).expect("it can be read");
        assert_harmless(&format!("log --follow {form}"), Writer::Command, &bytes, 50_000);
    }
}
