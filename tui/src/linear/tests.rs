//! Lines in, lines out, against a fake daemon.

mod back;

use std::sync::Arc;

use tollgate_shared::api::{IncidentView, OperatorView, Page, RevokeReceipt, StatusView, TokenCreated, TokenView};
use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::app::fixtures;
use crate::app::fixtures::now;
use crate::cli::tests::Buffer;
use crate::client::testing::{FakeDaemon, Reply, status};
use crate::hostile;

const SECRET: &str = "tg_s_7QmX0c2LrTaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_1BvyW3";

fn page<T>(items: Vec<T>) -> Page<T> {
    Page { items, next: None }
}

fn zabbix() -> TokenView {
    TokenView { expires_at: Some(now().plus_secs(9 * 86_400)), ..fixtures::token(3, "zabbix-prod") }
}

fn at_now() -> StatusView {
    StatusView { now: now(), ..status() }
}

/// Two tokens, one of which can be revoked; no open incident.
fn site() -> FakeDaemon {
    FakeDaemon::start_as(&at_now(), |target, _| match target {
        "GET /v1/tokens?limit=20" => {
            Reply::json(&Page { items: vec![zabbix(), fixtures::token(4, "grafana")], next: Some("more".to_owned()) })
        }
        "GET /v1/tokens?limit=20&cursor=more" => Reply::json(&page(vec![fixtures::token(5, "ups")])),
        "GET /v1/tokens?limit=1000" => Reply::json(&page(vec![zabbix()])),
        "GET /v1/tokens/s_0000000003" => Reply::json(&zabbix()),
        "POST /v1/tokens/s_0000000003/revoke" => Reply::json(&RevokeReceipt {
            id: zabbix().id,
            name: "zabbix-prod".into(),
            revoked_at: now(),
            audit_seq: 7,
            last_use: None,
            in_flight: 0,
        }),
        "POST /v1/tokens" => Reply::json(&TokenCreated { id: zabbix().id, secret: SECRET.into(), token: zabbix() }),
        target if target.starts_with("GET /v1/incidents") => Reply::json(&page::<IncidentView>(Vec::new())),
        _ => Reply::json(&page::<TokenView>(Vec::new())),
    })
}

/// What comes out of a session in which this is typed.
async fn typed(fake: &FakeDaemon, lines: &str, is_tty: bool) -> String {
    let out = Buffer::default();
    let io = Io {
        out: Box::new(out.clone()),
        err: Box::new(out.clone()),
        input: Box::new(io::Cursor::new(lines.as_bytes().to_vec())),
        out_is_tty: is_tty,
        in_is_tty: false,
        err_is_tty: is_tty,
        width: 200,
        is_dumb: false,
        lines: None,
    };
    let args = ConsoleArgs { sockets: vec![fake.socket()], ..ConsoleArgs::default() };
    assert_eq!(Desk::new(&args, io, Ready::Always, now).work().await, Exit::Ok);
    let text = out.text();
    let wide: Vec<&str> = text.lines().filter(|line| line.width() > WIDTH).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    text
}

#[tokio::test]
async fn lists_pages_and_the_end_of_the_input_read_as_sentences() {
    let text = typed(&site(), "tokens\nnext\nnext\nprev\nshow 7\nincidents\nwrap\nnonsense\n", false).await;
    insta::assert_snapshot!("lists", text);
}

#[tokio::test]
async fn a_query_with_a_fault_is_drawn_and_asks_nothing() {
    let fake = site();
    let text = typed(&fake, "filter stat:active\n", false).await;
    assert!(text.contains("stat:active\n") && text.contains("^^^^"), "{text}");
    assert!(!fake.asked().iter().any(|asked| asked.contains("stat") && asked.contains("q=")), "{:?}", fake.asked());
}

#[tokio::test]
async fn a_backup_is_neither_poured_into_the_lines_nor_looked_through_in_place_of_them() {
    let fake = site();
    let text = typed(&fake, "backup - --plain\nbackup verify t.backup\nincidents\n", false).await;
    assert!(text.contains("a backup is nothing for a terminal"), "{text}");
    assert!(text.contains("that is a program of its own"), "{text}");
    assert!(fake.asked().iter().any(|asked| asked.contains("/v1/incidents")), "the session goes on: {text}");
}

#[tokio::test]
async fn a_revoke_says_what_stops_and_wants_the_name() {
    let fake = site();
    let text = typed(&fake, "tokens\nrevoke 1\nleaked\nzabbix\nrevoke 1\nleaked\nzabbix-prod\n", false).await;
    insta::assert_snapshot!("revoke", text);
    let asked = fake.asked();
    let revokes: Vec<_> = asked.iter().filter(|asked| asked.contains("/revoke")).collect();
    assert_eq!(revokes.len(), 1, "the wrong name changed nothing: {asked:?}");
    assert!(revokes[0].contains(r#""confirm":"zabbix-prod""#) && revokes[0].contains("leaked"), "{revokes:?}");
}

#[tokio::test]
async fn actions_are_listed_with_the_reason_where_one_cannot_be_done() {
    let fake = FakeDaemon::start_as(
        &StatusView { caller: "bob".into(), caller_uid: 1_000, caller_role: "reader".into(), ..at_now() },
        |target, _| match target {
            "GET /v1/tokens?limit=20" => Reply::json(&page(vec![zabbix()])),
            "GET /v1/operators/bob" => Reply::json(&OperatorView {
                role: Some(tollgate_shared::role::GlobalRole::Reader),
                team_roles: Vec::new(),
                ..fixtures::operator(1, "bob")
            }),
            "GET /v1/tokens/s_0000000003" => Reply::json(&zabbix()),
            target if target.starts_with("GET /v1/incidents") => Reply::json(&page::<IncidentView>(Vec::new())),
            _ => Reply::json(&page::<TokenView>(Vec::new())),
        },
    );
    let text = typed(&fake, "tokens\nactions 1\nrevoke 1\nadd-team x\n", false).await;
    assert!(text.contains("you may look only: needs manager of a team, or admin"), "{text}");
    assert!(text.contains("revoke: not now: ") && text.contains("debug: not now: "), "{text}");
    assert!(text.contains("nothing was changed"), "{text}");
    assert!(!fake.asked().iter().any(|asked| asked.starts_with("POST")), "{:?}", fake.asked());
}

#[tokio::test]
async fn a_secret_is_shown_only_after_the_warning_was_taken_or_to_a_pipe() {
    let line = "token create x --scope global\n";
    let fake = site();
    let text = typed(&fake, &format!("{line}\n"), true).await;
    assert!(text.contains("keeps what it shows") && !text.contains(SECRET), "{text}");
    assert!(!fake.asked().iter().any(|asked| asked.starts_with("POST")), "nothing was made: {:?}", fake.asked());
    let text = typed(&fake, &format!("{line}show\n"), true).await;
    assert!(text.lines().any(|line| line == SECRET), "alone on its line: {text}");
    let text = typed(&fake, line, false).await;
    assert!(!text.contains("keeps what") && text.lines().any(|line| line == SECRET), "{text}");
    let text = typed(&fake, &format!("filter {SECRET}\n"), true).await;
    assert!(text.contains("it was not sent") && !text.contains(SECRET), "{text}");
}

#[tokio::test]
async fn what_happens_without_a_daemon_is_said_and_the_next_line_tries_again() {
    let args = ConsoleArgs { sockets: vec!["/nowhere/x.sock".into()], ..ConsoleArgs::default() };
    let out = Buffer::default();
    let io = Io {
        out: Box::new(out.clone()),
        err: Box::new(io::sink()),
        input: Box::new(&b"tokens\nquit\n"[..]),
        ..Io::of_process()
    };
    assert_eq!(Desk::new(&args, io, Ready::Always, now).work().await, Exit::Ok);
    assert_eq!(out.text().matches("no daemon answers").count(), 3, "{}", out.text());
}

#[tokio::test]
async fn results_for_machines_are_not_broken() {
    let text = typed_wide(&site(), "token list --output jsonl\n").await;
    let rows = text.lines().filter(|line| serde_json::from_str::<TokenView>(line).is_ok()).count();
    assert_eq!(rows, 1, "{text}");
}

async fn typed_wide(fake: &FakeDaemon, lines: &'static str) -> String {
    let out = Buffer::default();
    let io = Io {
        out: Box::new(out.clone()),
        err: Box::new(io::sink()),
        input: Box::new(lines.as_bytes()),
        ..Io::of_process()
    };
    let args = ConsoleArgs { sockets: vec![fake.socket()], ..ConsoleArgs::default() };
    Desk::new(&args, io, Ready::Always, now).work().await;
    out.text()
}

#[tokio::test]
async fn ten_thousand_hostile_records_are_only_lines_of_text() {
    let rows = Arc::new(hostile::rows());
    let shown = Arc::clone(&rows);
    let fake = FakeDaemon::start(move |target, _| match target {
        target if target.starts_with("GET /v1/logs?") => Reply::json(&hostile::page(&shown, target)),
        target if target.starts_with("GET /v1/logs/") => Reply::json(&shown[8_999]),
        target if target.starts_with("GET /v1/incidents") => Reply::json(&page::<IncidentView>(Vec::new())),
        _ => Reply::json(&page::<TokenView>(Vec::new())),
    });
    // Bytes that are no text, and a line that would drive the terminal if it came back.
    let text =
        typed(&fake, "log\nshow 1\nnext\nshow 21\n\u{1b}[2J\u{202e}evil\nfilter \u{1b}]52;c;x\u{7}\n", true).await;
    hostile::assert_harmless("lists", &text, 2_000);
    let mut all = String::new();
    for row in rows.iter() {
        let out = Buffer::default();
        let mut wrapped = Wrapped::new(Box::new(out.clone()), WIDTH, Rc::default(), false);
        let words = rows::words(&list::Row::Call(Box::new(row.clone())), |id| id.to_string(), now());
        io::Write::write_fmt(&mut wrapped, format_args!("{}\n", crate::safe_text::SafeText::new(&words).to_plain()))
            .unwrap();
        all.push_str(&out.text());
    }
    assert!(all.lines().all(|line| line.width() <= WIDTH));
    hostile::assert_harmless("rows", &all, 500_000);
}
