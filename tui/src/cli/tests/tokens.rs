//! `token` beyond create and revoke.

use tollgate_shared::api::{AuditVerdict, BulkResult, Identified, SourceView};

use super::*;

fn page<T>(items: Vec<T>) -> Page<T> {
    Page { items, next: None }
}

fn named(id: &str, name: &str) -> TokenView {
    TokenView { id: id.parse().unwrap(), name: name.into(), ..token() }
}

fn source(net: &str, calls: u64, merged: bool) -> SourceView {
    SourceView { net: net.into(), merged, secret: "new".into(), first: NOW, last: NOW, calls, refused: 1 }
}

fn posts(fake: &FakeDaemon) -> Vec<String> {
    fake.asked().into_iter().filter(|asked| !asked.starts_with("GET")).collect()
}

/// Two tokens behind every list and bulk change; one behind every reference.
fn two() -> FakeDaemon {
    FakeDaemon::start(|target, body| match target {
        "POST /v1/tokens/bulk" => {
            let done = body.contains(r#""confirm_count":2"#);
            Reply::json(&BulkResult { done, tokens: vec![token(), named("s_8QmX0c2LrT", "am")] })
        }
        target if target.starts_with("GET /v1/tokens?") => Reply::json(&page(vec![token()])),
        target if target.contains("/rotate") => {
            Reply::json(&TokenCreated { id: token().id, secret: "tg_s_SECRET".into(), token: token() })
        }
        _ => Reply::json(&token()),
    })
}

#[tokio::test]
async fn every_setting_of_a_new_token_is_sent() {
    let fake = tokens();
    let words = "token create n --scope mine --personal --sealed --permission incidents:read --not-before 1d \
                 --ip-report-only --dedup-ignore a.b --strict-dedup --rate 600/min:50 --no-query-token --description d";
    let did = tollgate(&fake, &words.split_whitespace().collect::<Vec<_>>()).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    let asked = &fake.asked()[0];
    for part in [
        r#""personal":true"#,
        r#""sealed":true"#,
        r#""permissions":["incidents:read"]"#,
        r#""not_before":"1d""#,
        r#""ip_report_only":true"#,
        r#""dedup_ignore":["a.b"]"#,
        r#""dedup_strict":true"#,
        r#""rate_limit":{"calls_per_min":600,"burst":50}"#,
        r#""query_token":false"#,
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    assert!(fake.heads().iter().all(|head| head == "cli -"), "{:?}", fake.heads());
}

#[tokio::test]
async fn an_edit_holds_only_for_the_version_that_was_seen() {
    let fake = FakeDaemon::start(|target, _| match target {
        "PATCH /v1/tokens/s_7QmX0c2LrT" => Reply::problem(&Problem::new(Slug::VersionMismatch, "")),
        _ => Reply::json(&token()),
    });
    let did = tollgate(&fake, &["token", "edit", "zabbix-prod", "--no-rate", "--seal", "--any-ip"]).await;
    assert_eq!(did.exit(), 1);
    assert!(
        did.err.contains("changed by maria at 2025-11-22") && did.err.contains("nothing was changed"),
        "{}",
        did.err
    );
    let patch = &posts(&fake)[0];
    assert!(patch.contains(r#""calls_per_min":0"#) && patch.contains(r#""sealed":true"#), "{patch}");
    assert!(patch.contains(r#""allowed_ips":[]"#), "{patch}");
    assert!(fake.heads().contains(&r#"cli "7""#.to_owned()), "{:?}", fake.heads());
    let did = tollgate(&fake, &["token", "edit", "x", "--if-version", "3"]).await;
    assert_eq!(did.exit(), 64, "a version alone changes nothing");
}

#[tokio::test]
async fn a_query_is_sent_as_it_is_typed_and_a_wrong_one_is_drawn_with_its_place_and_64() {
    let fake = two();
    let did = tollgate(&fake, &["token", "list", "state:expired", "unused:>90d", "zab", "--sort", "-expires"]).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    let expected = "GET /v1/tokens?q=state%3Aexpired%20unused%3A%3E90d%20zab&sort=-expires&limit=1000";
    assert_eq!(fake.asked(), [expected]);
    let did = tollgate(&fake, &["token", "list", "stat:expired"]).await;
    assert_eq!(did.exit(), 64);
    assert!(did.err.contains("    stat:expired\n    ^^^^\n"), "{}", did.err);
    assert!(did.err.contains("did you mean `state`?"), "{}", did.err);
}

#[tokio::test]
async fn a_list_as_csv_has_a_head_and_no_formulas() {
    let fake = FakeDaemon::start(|_, _| Reply::json(&page(vec![named("s_7QmX0c2LrT", "=cmd,1")])));
    let did = tollgate(&fake, &["token", "list", "--output", "csv"]).await;
    let lines: Vec<&str> = did.out.lines().collect();
    assert_eq!(lines[0], "name,id,scope,state,ends,last_call,calls,debug");
    assert!(lines[1].starts_with("\"'=cmd,1\",s_7QmX0c2LrT,global,active,2025-11-23T03:14:07Z"), "{}", lines[1]);
}

#[tokio::test]
async fn a_bulk_change_without_its_count_lists_and_says_the_line() {
    let fake = two();
    let did = tollgate(&fake, &["token", "revoke", "--query", "state:expired team:Ops", "--reason", "old"]).await;
    assert_eq!(did.exit(), 64);
    assert!(did.out.contains("zabbix-prod") && did.out.contains("am"), "{}", did.out);
    let line = "token revoke --query 'state:expired team:Ops' --confirm-count 2";
    assert!(did.err.contains(line), "{}", did.err);
    let bulk = &posts(&fake)[0];
    assert!(bulk.contains(r#""q":"state:expired team:Ops""#), "{bulk}");
    assert!(bulk.contains(r#""action":"revoke""#) && bulk.contains(r#""confirm_count":null"#), "{bulk}");
}

#[tokio::test]
async fn a_bulk_change_runs_with_its_count_given_or_typed() {
    for verb in ["revoke", "refresh", "suspend", "resume"] {
        let fake = two();
        let did = tollgate(&fake, &["token", verb, "--query", "a", "--confirm-count", "2"]).await;
        assert_eq!((did.exit(), did.out.trim()), (0, format!("{verb}: 2 tokens").as_str()), "{}", did.err);
        assert!(posts(&fake)[0].contains(r#""confirm_count":2"#));
        let did = tollgate_with(Some(&fake), &["token", verb, "--query", "a"], Some("3\n")).await;
        assert_eq!((did.exit(), posts(&fake).len()), (1, 2), "{verb}: another number changes nothing");
        let did = tollgate_with(Some(&fake), &["token", verb, "--query", "a"], Some("2\n")).await;
        assert_eq!((did.exit(), posts(&fake).len()), (0, 4), "{verb}: {}", did.err);
    }
}

#[tokio::test]
async fn several_refreshes_are_one_table_one_yes_and_one_change() {
    let fake = two();
    let did = tollgate(&fake, &["token", "refresh", "zabbix-prod", "am"]).await;
    assert_eq!(did.exit(), 64);
    assert!(did.out.contains("ENDS THEN") && did.out.contains("2025-12-22"), "{}", did.out);
    assert!(did.err.contains("token refresh s_7QmX0c2LrT s_8QmX0c2LrT --yes"), "{}", did.err);
    let did = tollgate(&fake, &["token", "refresh", "zabbix-prod", "am", "--yes"]).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(posts(&fake)[2].contains(r#""tokens":["s_7QmX0c2LrT","s_8QmX0c2LrT"],"q":"","confirm_count":2"#));
    let fake = two();
    let did = tollgate(&fake, &["token", "refresh", "zabbix-prod", "--yes"]).await;
    assert_eq!((did.exit(), posts(&fake)), (0, vec!["POST /v1/tokens/s_7QmX0c2LrT/refresh".to_owned()]));
}

#[tokio::test]
async fn a_rotate_wants_an_overlap_or_the_name() {
    let fake = two();
    let did = tollgate(&fake, &["token", "rotate", "zabbix-prod"]).await;
    assert_eq!((did.exit(), posts(&fake).len()), (64, 0));
    assert!(did.err.contains("--overlap 24h --yes") && did.err.contains("--now --confirm zabbix-prod"), "{}", did.err);
    let did = tollgate(&fake, &["token", "rotate", "x", "--overlap", "1h", "--yes", "--key", "k1"]).await;
    assert_eq!((did.exit(), did.out.as_str()), (0, "tg_s_SECRET\n"), "{}", did.err);
    let asked = &posts(&fake)[0];
    assert!(asked.contains(r#""overlap_secs":3600,"now":false,"confirm":null,"idempotency_key":"k1""#), "{asked}");
    let did = tollgate(&fake, &["token", "rotate", "x", "--now", "--confirm", "zabbix-prod"]).await;
    assert_eq!(did.exit(), 0);
    assert!(posts(&fake)[1].contains(r#""overlap_secs":0,"now":true,"confirm":"zabbix-prod""#));
    let did = tollgate(&fake, &["token", "rotate", "x", "--now", "--overlap", "1h"]).await;
    assert_eq!(did.exit(), 64);
}

#[tokio::test]
async fn overlap_suspend_and_resume_ask_for_what_they_say() {
    let fake = two();
    for (words, asked) in [
        (&["token", "overlap", "extend", "x", "--for", "2h"][..], r#"/overlap {"secs":7200}"#),
        (&["token", "overlap", "end", "x", "--yes"], r#"/overlap {"secs":0}"#),
        (&["token", "suspend", "x", "--reason", "leak?"], r#"/suspend {"reason":"leak?"}"#),
        (&["token", "resume", "x"], "/resume"),
    ] {
        let did = tollgate(&fake, words).await;
        assert_eq!(did.exit(), 0, "{words:?}: {}", did.err);
        assert!(fake.asked().last().unwrap().ends_with(asked), "{:?}", fake.asked());
    }
    assert_eq!(tollgate(&fake, &["token", "overlap", "end", "x"]).await.exit(), 64);
}

#[tokio::test]
async fn an_imported_value_comes_from_a_file_or_is_typed_and_is_never_said() {
    let fake = two();
    let file = fake.path("value");
    std::fs::write(&file, "old-system-value-1234567\r\n").unwrap();
    let file = file.display().to_string();
    let did = tollgate(&fake, &["token", "import", "old", "--scope", "global", "--value-file", &file]).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(posts(&fake)[0].starts_with(r#"POST /v1/tokens/import {"value":"old-system-value-1234567","token":{"#));
    let typed = Some("another-value-123456789\n");
    let did = tollgate_with(Some(&fake), &["token", "import", "old", "--scope", "global"], typed).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(posts(&fake)[1].contains("another-value-123456789"));
    assert!(!format!("{}{}", did.out, did.err).contains("another"), "{}{}", did.out, did.err);
}

#[tokio::test]
async fn identify_names_the_token_and_not_the_value() {
    let fake = FakeDaemon::start(|_, body| {
        let known = body.contains("tg_s_KNOWN");
        let what = if known { "rotated" } else { "unknown" };
        Reply::json(&page(vec![Identified { what: what.into(), detail: String::new(), token: known.then(token) }]))
    });
    let did = tollgate_with(Some(&fake), &["token", "identify"], Some("tg_s_KNOWN\n")).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(did.out.contains("rotated") && did.out.contains("zabbix-prod"), "{}", did.out);
    assert!(!format!("{}{}", did.out, did.err).contains("tg_s_KNOWN"));
    let did = tollgate_with(Some(&fake), &["token", "identify", "-"], Some("other\n")).await;
    assert_eq!(did.exit(), 66);
}

/// A token with three sources, and an audit.
fn used() -> FakeDaemon {
    FakeDaemon::start(|target, _| match target {
        target if target.contains("/sources") => {
            let refused = source("10.9.9.9", 0, false);
            Reply::json(&page(vec![source("10.0.0.1", 5, false), source("10.1.0.0/24", 9, true), refused]))
        }
        target if target.contains("/issued") => Reply::json(&page(vec![named("s_8QmX0c2LrT", "child")])),
        "GET /v1/audit/verify" => Reply::json(&AuditVerdict {
            intact: true,
            rows: 12,
            head: "abc123".into(),
            broken_at: None,
            detail: String::new(),
            newest: None,
        }),
        target if target.starts_with("GET /v1/audit?") => Reply::json(&page(vec![people::audit_row("=evil")])),
        _ => Reply::json(&token()),
    })
}

#[tokio::test]
async fn an_address_list_is_proposed_from_what_was_accepted() {
    let did = tollgate(&used(), &["token", "allowlist", "zabbix-prod"]).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    let line = "token edit s_7QmX0c2LrT --if-version 7 --ip-report-only --allow-ip 10.0.0.1 --allow-ip 10.1.0.0/24";
    assert!(did.out.contains(line), "{}", did.out);
    assert!(
        did.out.contains("merged         10.1.0.0/24") && did.out.contains("left out       10.9.9.9"),
        "{}",
        did.out
    );
}

#[tokio::test]
async fn a_report_holds_facts_sources_issued_audit_and_chain() {
    let did = tollgate(&used(), &["token", "report", "zabbix-prod"]).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    for part in ["REPORT on token s_7QmX0c2LrT", "10.1.0.0/24", "child", "token.create", "abc123", "intact"] {
        assert!(did.out.contains(part), "{part}: {}", did.out);
    }
    let did = tollgate(&used(), &["token", "report", "zabbix-prod", "--output", "json"]).await;
    let value: serde_json::Value = serde_json::from_str(&did.out).unwrap();
    assert_eq!(
        (value["chain"]["head"].as_str(), value["sources"][0]["net"].as_str()),
        (Some("abc123"), Some("10.0.0.1"))
    );
    for (verb, part) in [("sources", "several addresses, merged"), ("issued", "child")] {
        assert!(tollgate(&used(), &["token", verb, "zabbix-prod"]).await.out.contains(part));
    }
}

/// Creates batches; refuses a team named Opz. Knows `zabbix-prod`.
fn batches() -> FakeDaemon {
    FakeDaemon::start(|target, body| match target {
        "POST /v1/tokens/batch" if body.contains("Opz") => {
            let problem = Problem::new(Slug::Validation, "").with_error("tokens[1].scope", "no team fits `Opz`");
            Reply::problem(&problem)
        }
        "POST /v1/tokens/batch" if body.contains(r#""dry_run":true"#) => Reply::json(&page::<TokenCreated>(vec![])),
        "POST /v1/tokens/batch" => {
            let made = body.matches(r#""name":"#).count();
            let created = |at| TokenCreated {
                id: token().id,
                secret: format!("tg_s_SECRET{at}"),
                token: named("s_7QmX0c2LrT", &format!("t{at}")),
            };
            Reply::json(&page((0..made).map(created).collect()))
        }
        _ => Reply::json(&page(vec![token()])),
    })
}

fn csv(fake: &FakeDaemon, text: &str) -> String {
    let path = fake.path("tokens.csv");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn many_tokens_are_tried_first_and_every_bad_row_is_said_at_once() {
    let fake = batches();
    let from = csv(&fake, "name,scope,debug\na,global,\nb,team:Opz,\nc,global,perhaps\n");
    let to = fake.path("new.csv").display().to_string();
    let did = tollgate(&fake, &["token", "create", "--from", &from, "--secrets-to", &to]).await;
    assert_eq!(did.exit(), 65);
    assert!(did.err.contains("line 3: scope: no team fits `Opz`"), "{}", did.err);
    assert!(did.err.contains("line 4: debug: write true or false"), "{}", did.err);
    assert_eq!((posts(&fake).len(), fake.path("new.csv").try_exists().unwrap()), (1, false), "nothing was made");
}

#[tokio::test]
async fn the_secrets_of_many_tokens_go_to_new_files_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let fake = batches();
    let from = csv(&fake, "name,scope\nzabbix-prod,global\nt0,global\nt1,team:Ops\n");
    let to = fake.path("new.csv");
    let path = to.display().to_string();
    let words = ["token", "create", "--from", &from, "--secrets-to", &path, "--if-absent"];
    let did = tollgate(&fake, &words).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(did.out.contains("2 tokens created, 1 left out"), "{}", did.out);
    let text = std::fs::read_to_string(&to).unwrap();
    assert_eq!(
        text,
        "name,scope,id,secret\nt0,global,s_7QmX0c2LrT,tg_s_SECRET0\nt1,global,s_7QmX0c2LrT,tg_s_SECRET1\n"
    );
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!format!("{}{}", did.out, did.err).contains("SECRET"));
    let before = posts(&fake).len();
    let did = tollgate(&fake, &words).await;
    assert_eq!(did.exit(), 65, "the file exists");
    assert!(posts(&fake)[before..].iter().all(|asked| asked.contains(r#""dry_run":true"#)), "no second tokens");
    let words = [&words[..], &["--split-by", "scope"]].concat();
    assert_eq!(tollgate(&fake, &words).await.exit(), 0);
    let split = std::fs::read_to_string(fake.path("new.team_Ops.csv")).unwrap();
    assert_eq!(split, "name,scope,id,secret\nt1,global,s_7QmX0c2LrT,tg_s_SECRET1\n");
}

#[tokio::test]
async fn a_dry_run_of_many_tokens_creates_none() {
    let fake = batches();
    let from = csv(&fake, "name,scope\na,global\n");
    let did = tollgate(&fake, &["token", "create", "--from", &from, "--dry-run"]).await;
    assert_eq!((did.exit(), posts(&fake).len()), (0, 1), "{}", did.err);
    assert!(did.out.contains("1 token would be created"), "{}", did.out);
    for words in [&["token", "create", "n", "--from", &from][..], &["token", "create", "--from", &from, "--debug"]] {
        assert_eq!(tollgate(&fake, words).await.exit(), 64, "{words:?}");
    }
}

#[tokio::test]
async fn an_edit_sends_the_permissions_of_a_preset_seals_and_lets_the_daemon_refuse_another_scope() {
    let fake = two();
    let words = "token edit am --preset read-only --sealed --scope global";
    let did = tollgate(&fake, &words.split_whitespace().collect::<Vec<_>>()).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    let asked = posts(&fake).remove(0);
    for part in [r#""permissions":["incidents:read","#, r#""sealed":true"#, r#""scope":"global""#] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}
