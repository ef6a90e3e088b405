//! Ten jobs of an operator, key by key and command by command, on the real programs: a sender's first incident, a webhook
//! that creates nothing, a leak at night, a rotation, tokens that end, a colleague on a serial line, a flood, an auditor,
//! a dead disk and a new host, two hundred tokens from a file.

mod auditor;
mod backup;
mod expiring;
mod first;
mod flood;
mod leak;
mod many;
mod restore;
mod rotation;
mod serial;
mod webhook;

use std::net::Ipv4Addr;

use serde_json::Value;
use tollgate_tests::daemon::Daemon;
use tollgate_tests::http::{Answer, Connection};
use tollgate_tests::terminal::Terminal;

use crate::console::console_of;

/// The console on its first screen, with a connection.
fn on_tokens(daemon: &Daemon, size: (u16, u16)) -> Terminal {
    let console = Terminal::start(&console_of(daemon), size);
    console.wait_for(" LIVE ");
    console
}

/// Goes to a screen by its digit.
fn go(console: &mut Terminal, screen: &str) -> String {
    console.send(screen);
    console.wait_for(&format!("TOLLGATE  {screen} "))
}

fn token(daemon: &Daemon, name: &str) -> Value {
    daemon.get(&format!("/v1/tokens/{name}"))
}

/// The secret that stands on the screen: alone on its line, from the first column, so that a mouse can take it whole.
#[track_caller]
fn secret_on(screen: &str) -> String {
    let alone = screen.lines().find(|line| line.starts_with("tg_s_"));
    alone.unwrap_or_else(|| panic!("no secret alone on a line:\n{screen}")).trim_end().to_owned()
}

/// A call of another host: 127.0.0.1 to 127.255.255.254 are all addresses of this one.
#[track_caller]
fn post_from(daemon: &Daemon, host: u8, secret: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {secret}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let connection = Connection::tcp_from(Ipv4Addr::new(127, 0, 0, host), daemon.gate());
    let answer = connection.and_then(|mut it| it.request("POST", "/v1/process", &headers, body.as_bytes()));
    answer.unwrap_or_else(|error| panic!("a call from 127.0.0.{host}: {error}"))
}

/// Tabs until the line with these words has the mark.
fn tab_to_line(console: &mut Terminal, words: &str) {
    let has_mark = |screen: &str| screen.lines().any(|line| line.starts_with("> ") && line.contains(words));
    for _ in 0..12 {
        let before = console.screen();
        if has_mark(&before) {
            return;
        }
        console.send("\t");
        console.wait_until("the mark moved", |screen| screen != before);
    }
    panic!("no {words}:\n{}", console.screen());
}
