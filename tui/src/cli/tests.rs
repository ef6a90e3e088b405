//! Commands run in this process against a fake daemon.

mod actions;
mod hostile;
mod people;
mod tokens;
mod watch;

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use tollgate_shared::api::{Page, TeamView, TokenCreated, TokenView, UsageView};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::{Expiry, TokenState};

use super::*;
use crate::client::testing::{FakeDaemon, NOW, Reply};

#[derive(Clone, Default)]
pub(crate) struct Buffer(Rc<RefCell<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// What a command did.
struct Did {
    ran: Ran,
    out: String,
    err: String,
}

impl Did {
    fn exit(&self) -> u8 {
        match self.ran {
            Ran::Command(exit) => exit as u8,
            Ran::Console(_) | Ran::Demo(..) | Ran::Playback(_) => panic!("a command was asked for"),
        }
    }
}

async fn tollgate_with(fake: Option<&FakeDaemon>, words: &[&str], typed: Option<&'static str>) -> Did {
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut io = Io {
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
        input: Box::new(typed.unwrap_or_default().as_bytes()),
        out_is_tty: false,
        in_is_tty: typed.is_some(),
        err_is_tty: false,
        width: 80,
        is_dumb: false,
        lines: None,
    };
    let argv = ["tollgate"].iter().chain(words).map(OsString::from).collect();
    let socket = fake.map(|fake| fake.socket().into_os_string());
    let var = |name: &str| (name == "TOLLGATE_SOCKET").then(|| socket.clone()).flatten();
    let ran = run(argv, &mut io, var).await;
    Did { ran, out: out.text(), err: err.text() }
}

async fn tollgate(fake: &FakeDaemon, words: &[&str]) -> Did {
    tollgate_with(Some(fake), words, None).await
}

fn token() -> TokenView {
    TokenView {
        id: "s_7QmX0c2LrT".parse().unwrap(),
        name: "zabbix-prod".into(),
        description: String::new(),
        scope: tollgate_shared::api::ScopeView { kind: "global".into(), id: None, name: "global".into() },
        owner: "organisation".into(),
        owner_id: None,
        permissions: Vec::new(),
        state: TokenState::Active,
        sealed: false,
        not_before: None,
        expiry: Expiry::AfterSecs(30 * 86_400),
        expires_at: Some(NOW.plus_secs(86_400)),
        allowed_ips: Vec::new(),
        ip_report_only: false,
        debug_until: None,
        dedup_window_secs: 600,
        dedup_ignore: Vec::new(),
        dedup_strict: false,
        rate_limit: None,
        limited_for: None,
        blocked: Vec::new(),
        debug_one_in: None,
        query_token: true,
        delivery_ids: false,
        suspended: None,
        overlap_until: None,
        rotating: None,
        imported: false,
        issued_by: "root".into(),
        created_at: NOW,
        created_by: "root".into(),
        updated_at: NOW,
        updated_by: "maria".into(),
        rotations: 0,
        version: 7,
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
        usage: UsageView::default(),
    }
}

/// Creates and rotates tokens with this secret; refuses a wrong confirmation.
fn tokens() -> FakeDaemon {
    FakeDaemon::start(|target, body| match target {
        "POST /v1/tokens" | "POST /v1/tokens/s_7QmX0c2LrT/rotate" => {
            Reply::json(&TokenCreated { id: token().id, secret: "tg_s_SECRET".into(), token: token() })
        }
        "POST /v1/tokens/s_7QmX0c2LrT/revoke" => {
            assert!(body.contains("confirm"));
            Reply::problem(
                &Problem::new(Slug::Validation, "nothing was changed").with_error("confirm", "is another name"),
            )
        }
        _ => Reply::json(&token()),
    })
}

#[tokio::test]
async fn usage_errors_are_64_and_help_is_0() {
    for words in [&["team", "creat"][..], &["--nonsense"], &["token", "create", "x"], &["filter", "create"]] {
        let did = tollgate_with(None, words, None).await;
        assert_eq!((did.exit(), did.out.as_str()), (64, ""), "{words:?}: {}", did.err);
    }
    for words in [&["--help"][..], &["--version"], &["token", "create", "--help"]] {
        let did = tollgate_with(None, words, None).await;
        assert_eq!(did.exit(), 0);
        assert!(did.err.is_empty() && !did.out.is_empty());
    }
}

#[tokio::test]
async fn the_other_programs_verb_names_the_right_command() {
    let did = tollgate_with(None, &["run"], None).await;
    assert_eq!(did.exit(), 64);
    assert!(did.err.contains("did you mean:  tollgated run"), "{}", did.err);
}

#[tokio::test]
async fn no_command_asks_for_the_console_with_the_sockets() {
    let did = tollgate_with(None, &["--socket", "/x.sock"], None).await;
    assert_eq!(
        did.ran,
        Ran::Console(ConsoleArgs {
            sockets: vec!["/x.sock".into()],
            named: Some("/x.sock".into()),
            ..ConsoleArgs::default()
        })
    );
}

#[tokio::test]
async fn no_daemon_is_69_and_says_how_to_start_one() {
    let did = tollgate_with(None, &["status", "--socket", "/nowhere/x.sock"], None).await;
    assert_eq!(did.exit(), 69);
    assert!(did.err.starts_with("tollgate: no daemon answers\n") && did.err.contains("/nowhere/x.sock"), "{}", did.err);
}

#[tokio::test]
async fn all_pages_become_one_array_and_hostile_names_are_escaped() {
    let fake = FakeDaemon::start(|target, _| {
        let id = "0192f3c4-5a6b-7c8d-9e0f-112233445566".parse().unwrap();
        let team = |name: &str| TeamView { id, name: name.into(), services: 0, created_at: NOW };
        match target {
            "GET /v1/teams?limit=1000" => Reply::json(&Page { items: vec![team("a\u{202e}")], next: Some("n".into()) }),
            _ => Reply::json(&Page { items: vec![team("b\u{1b}[2J")], next: None }),
        }
    });
    let did = tollgate(&fake, &["team", "list", "--output", "json"]).await;
    let rows: Vec<TeamView> = serde_json::from_str(&did.out).unwrap();
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["a\u{202e}", "b\u{1b}[2J"]);
    assert!(!did.out.contains(['\u{202e}', '\u{1b}']), "{}", did.out);
    let did = tollgate(&fake, &["team", "list"]).await;
    assert!(did.out.contains("a<U+202E>") && did.out.contains("b<^[>[2J"), "{}", did.out);
    let did = tollgate(&fake, &["--output", "jsonl", "team", "list"]).await;
    assert_eq!(did.out.lines().count(), 2);
}

#[tokio::test]
async fn to_a_pipe_the_secret_is_alone_on_its_line() {
    let fake = tokens();
    let did = tollgate(&fake, &["token", "create", "zabbix-prod", "--scope", "global", "--dedup", "1m"]).await;
    assert_eq!((did.exit(), did.out.as_str()), (0, "tg_s_SECRET\n"));
    assert!(did.err.contains("s_7QmX0c2LrT") && !did.err.contains("SECRET"), "{}", did.err);
    assert!(fake.asked()[0].contains(r#""dedup_window_secs":60"#), "{:?}", fake.asked());
    let did = tollgate(&fake, &["token", "create", "--name", "n", "--scope", "global", "--output", "json"]).await;
    let value: serde_json::Value = serde_json::from_str(&did.out).unwrap();
    assert_eq!((value["id"].as_str(), value["secret"].as_str()), (Some("s_7QmX0c2LrT"), Some("tg_s_SECRET")));
}

#[tokio::test]
async fn a_secret_file_that_exists_is_refused_before_the_token_is_created() {
    let fake = tokens();
    let file = fake.path("secret").display().to_string();
    let words = ["token", "create", "n", "--scope", "global", "--output", "json", "--secret-file", &file];
    let did = tollgate(&fake, &words).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(!did.out.contains("SECRET") && did.out.contains("secret_file"), "{}", did.out);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "tg_s_SECRET\n");
    let did = tollgate(&fake, &words).await;
    assert_eq!(did.exit(), 65);
    assert_eq!(fake.asked().len(), 1, "no second token");
}

#[tokio::test]
async fn a_revoke_without_terminal_and_name_is_64_with_the_line_to_use() {
    let fake = tokens();
    let did = tollgate(&fake, &["token", "revoke", "zabbix-prod"]).await;
    assert_eq!(did.exit(), 64);
    assert!(did.err.contains("token revoke s_7QmX0c2LrT --confirm zabbix-prod"), "{}", did.err);
    assert!(!fake.asked().iter().any(|asked| asked.starts_with("POST")), "nothing was changed");
}

#[tokio::test]
async fn a_wrong_name_is_refused_by_the_daemon_and_is_64() {
    let fake = tokens();
    let did = tollgate_with(Some(&fake), &["token", "revoke", "zabbix-prod"], Some("nagios\n")).await;
    assert_eq!(did.exit(), 64, "{}", did.err);
    assert!(fake.asked()[1].contains(r#""confirm":"nagios""#), "{:?}", fake.asked());
    let did = tollgate(&fake, &["token", "rotate", "zabbix-prod", "--confirm", "nagios"]).await;
    assert_eq!(did.exit(), 64);
    assert!(!fake.asked().iter().any(|asked| asked.contains("/rotate")), "the old value lives");
}

#[tokio::test]
async fn an_empty_daemon_says_the_commands_to_the_first_incident() {
    let fake = FakeDaemon::start(|_, _| Reply::stream(""));
    let did = tollgate(&fake, &["status"]).await;
    assert_eq!(did.exit(), 0);
    let socket = fake.socket().display().to_string();
    for line in ["team create", "service create", "filter create", "token create"] {
        assert!(did.out.contains(&format!("tollgate --socket {socket} {line}")), "{}", did.out);
    }
    assert!(did.out.contains("http://127.0.0.1:7480/v1/process"), "{}", did.out);
}

#[tokio::test]
async fn a_reader_who_went_away_ends_the_command_quietly() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let fake = FakeDaemon::start(|_, _| Reply::stream(""));
    let err = Buffer::default();
    let mut io = Io {
        out: Box::new(Gone),
        err: Box::new(err.clone()),
        input: Box::new(&b""[..]),
        out_is_tty: false,
        in_is_tty: false,
        err_is_tty: false,
        width: 80,
        is_dumb: false,
        lines: None,
    };
    let socket = fake.socket().into_os_string();
    let ran = run(vec!["tollgate".into(), "status".into(), "--socket".into(), socket], &mut io, |_| None).await;
    assert_eq!((ran, err.text()), (Ran::Command(Exit::Ok), String::new()));
}
