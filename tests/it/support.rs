//! What several rooms of tests say the same way.

use serde_json::{Value, json};
use tollgate_tests::daemon::Daemon;
use tollgate_tests::http::{Answer, Connection};

/// An Alertmanager call; the preset's key of an incident is `groupKey`.
pub(crate) fn alert(status: &str, key: &str) -> String {
    json!({
        "version": "4",
        "status": status,
        "groupKey": key,
        "commonLabels": { "severity": "critical" },
        "commonAnnotations": { "summary": format!("{key} is down") },
        "alerts": [],
    })
    .to_string()
}

/// A daemon with service `Ops/DB`, whose one filter is the Alertmanager preset.
#[track_caller]
pub(crate) fn with_alertmanager() -> Daemon {
    let daemon = Daemon::start();
    daemon.service("DB", "alertmanager");
    daemon
}

/// What became of a call: the outcome of its one result, or `duplicate`, or `nothing`.
#[track_caller]
pub(crate) fn outcome(answer: &Answer) -> String {
    assert!(answer.is_success(), "{answer:?}");
    let body = answer.json();
    if body["triggered"]["duplicate"] == json!(true) {
        return "duplicate".to_owned();
    }
    body["results"][0]["outcome"].as_str().unwrap_or("nothing").to_owned()
}

/// The text of a member that must be there.
#[track_caller]
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer}: {value}"))
}

/// How many teams, services, filters, tokens, incidents and audit rows there are: what a refusal must not change.
#[track_caller]
pub(crate) fn counts(daemon: &Daemon) -> [usize; 6] {
    let names = ["teams", "services", "filters", "tokens", "incidents", "audit"];
    names.map(|name| daemon.get(&format!("/v1/{name}?limit=1000"))["items"].as_array().map_or(0, Vec::len))
}

/// Reads the tail from the beginning of the log (or where `query` says) up to a row or gap that reaches `last`.
#[track_caller]
pub(crate) fn tail_until(daemon: &Daemon, query: &str, last: u64) -> Vec<Value> {
    let mut items = Vec::new();
    if last == 0 {
        return items;
    }
    let mut tail = Tail::open(daemon, if query.is_empty() { "after=0" } else { query });
    loop {
        let item = tail.next();
        let reached = item.pointer("/row/seq").or_else(|| item.pointer("/gap/to")).and_then(Value::as_u64);
        items.push(item);
        if reached.is_some_and(|seq| seq >= last) {
            return items;
        }
    }
}

/// A reader of `GET /v1/logs?follow=true`.
pub(crate) struct Tail {
    connection: Connection,
    rest: Vec<u8>,
}

impl Tail {
    /// Opens it; `query` comes after `follow=true&`.
    #[track_caller]
    pub(crate) fn open(daemon: &Daemon, query: &str) -> Self {
        let mut connection = Connection::unix(&daemon.socket()).expect("the local socket listens");
        connection.send("GET", &format!("/v1/logs?follow=true&{query}"), &[], b"").expect("a request can be sent");
        let (status, _) = connection.answer_head().expect("a tail is answered");
        assert_eq!(status, 200, "{query}");
        Self { connection, rest: Vec::new() }
    }

    /// Over a connection whose answer's head was read.
    pub(crate) fn on(connection: Connection) -> Self {
        Self { connection, rest: Vec::new() }
    }

    /// The next line.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return serde_json::from_slice(&line).expect("a line of a tail is JSON");
            }
            let chunk = self.connection.chunk().expect("the tail goes on").expect("a tail has no end");
            self.rest.extend_from_slice(&chunk);
        }
    }
}
