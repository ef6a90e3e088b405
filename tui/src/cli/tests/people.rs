//! `operator`, `audit`, `lockdown`, and deleting teams and services.

use tollgate_shared::api::{
    AuditVerdict, LockdownView, OperatorView, RedactionRuleView, RedactionTried, RuleTried, StatusView,
};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::role::{GlobalRole, TeamRole};

use super::*;
use crate::client::testing::status;

pub(super) fn audit_row(detail: &str) -> AuditRow {
    AuditRow {
        seq: 3,
        at: NOW,
        actor: "root".into(),
        uid: Some(0),
        action: "token.create".into(),
        target: "token s_7QmX0c2LrT zabbix-prod".into(),
        detail: detail.into(),
        pid: Some(1),
        login_uid: Some(1000),
        origin: "cli".into(),
        request_id: None,
        previous: "0".repeat(64),
        hash: "f".repeat(64),
    }
}

fn operator() -> OperatorView {
    OperatorView {
        id: "0192f3c4-5a6b-7c8d-9e0f-112233445566".parse().unwrap(),
        name: "anna".into(),
        unix_users: vec!["anna (1000)".into()],
        has_passphrase: false,
        role: Some(GlobalRole::Reader),
        team_roles: vec![("Ops".into(), TeamRole::Manager)],
        enabled: true,
        last_seen: None,
        created_at: NOW,
        created_by: "root".into(),
        version: 1,
    }
}

fn operators() -> FakeDaemon {
    FakeDaemon::start(|target, _| match target {
        "GET /v1/operators?limit=1000" => Reply::json(&Page { items: vec![operator()], next: None }),
        _ => Reply::json(&operator()),
    })
}

#[tokio::test]
async fn operators_are_added_edited_switched_and_removed() {
    let id = "/v1/operators/0192f3c4-5a6b-7c8d-9e0f-112233445566";
    for (words, asked) in [
        (
            "operator add anna --unix-user anna --role reader --team-role Ops=manager",
            r#"POST /v1/operators {"name":"anna","unix_users":["anna"],"role":"reader","team_roles":["Ops=manager"]}"#,
        ),
        ("operator edit anna --role none --no-team-role", r#""role":"none","team_roles":[],"enabled":null}"#),
        ("operator disable anna", r#""enabled":false}"#),
        ("operator enable anna", r#""enabled":true}"#),
        ("operator remove anna --yes", &format!("DELETE {id}")),
        ("operator passphrase anna --remove", r#"POST /v1/operators/anna/passphrase {"passphrase":null}"#),
    ] {
        let fake = operators();
        let did = tollgate(&fake, &words.split(' ').collect::<Vec<_>>()).await;
        assert_eq!(did.exit(), 0, "{words}: {}", did.err);
        assert!(fake.asked().last().unwrap().ends_with(asked), "{words}: {:?}", fake.asked());
    }
    let fake = operators();
    assert_eq!(tollgate(&fake, &["operator", "remove", "anna"]).await.exit(), 64);
    assert_eq!(tollgate(&fake, &["operator", "edit", "anna"]).await.exit(), 64);
    let did = tollgate(&fake, &["operator", "list"]).await;
    assert!(did.out.contains("anna (1000)") && did.out.contains("reader, Ops=manager"), "{}", did.out);
}

#[tokio::test]
async fn an_operator_who_was_changed_meanwhile_is_not_edited() {
    let fake = FakeDaemon::start(|target, _| match target.starts_with("PATCH ") {
        true => Reply::problem(&Problem::new(Slug::VersionMismatch, "version 2 is asked for, it is 1")),
        false => Reply::json(&operator()),
    });
    let did = tollgate(&fake, &["operator", "edit", "anna", "--if-version", "2", "--role", "none"]).await;
    assert_eq!(did.exit(), 1, "{}", did.err);
    assert!(did.err.contains("is version 1 now, not 2; nothing was changed"), "{}", did.err);
    assert!(did.err.contains("operator show anna"), "{}", did.err);
}

#[tokio::test]
async fn redaction_rules_are_listed_tried_added_and_removed() {
    let rule = || RedactionRuleView {
        name: "pin".into(),
        path: Some("customer.pin".into()),
        pattern: None,
        ignore_case: false,
        created_at: NOW,
        created_by: "root".into(),
    };
    let fake = || {
        FakeDaemon::start(move |target, _| match target {
            "GET /v1/redaction?limit=1000" => Reply::json(&Page { items: vec![rule()], next: None }),
            "POST /v1/redaction/try" => Reply::json(&RedactionTried {
                headers: Vec::new(),
                query: String::new(),
                body: "pin [redacted]\u{1b}[2J".into(),
                changed: true,
                rules: vec![RuleTried { name: "the rule given here".into(), cuts: true }],
            }),
            _ => Reply::json(&rule()),
        })
    };
    let listed = tollgate(&fake(), &["redaction", "list"]).await;
    assert!(listed.out.contains("path customer.pin"), "{}", listed.out);
    let daemon = fake();
    let tried = tollgate_with(Some(&daemon), &["redaction", "try", "-", "--path", "customer.pin"], Some("{}")).await;
    assert_eq!(tried.exit(), 0, "{}", tried.err);
    assert!(tried.out.contains("pin [redacted]") && !tried.out.contains('\u{1b}'), "{}", tried.out);
    let daemon = fake();
    let added = tollgate(&daemon, &["redaction", "add", "pin", "--path", "customer.pin", "--untried"]).await;
    assert_eq!(added.exit(), 0, "{}", added.err);
    let asked = r#"{"name":"pin","path":"customer.pin","pattern":null,"ignore_case":false,"sample":null}"#;
    assert!(daemon.asked().last().unwrap().ends_with(asked), "{:?}", daemon.asked());
    assert_eq!(tollgate(&fake(), &["redaction", "add", "pin", "--untried"]).await.exit(), 64);
    assert_eq!(tollgate(&fake(), &["redaction", "remove", "pin"]).await.exit(), 64);
}

#[tokio::test]
async fn a_passphrase_is_typed_twice_and_never_said() {
    let fake = operators();
    let typed = Some("correct horse battery\ncorrect horse battery\n");
    let did = tollgate_with(Some(&fake), &["operator", "passphrase", "anna"], typed).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert_eq!(fake.asked(), [r#"POST /v1/operators/anna/passphrase {"passphrase":"correct horse battery"}"#]);
    assert!(!format!("{}{}", did.out, did.err).contains("horse"));
    let typed = Some("correct horse battery\ncorrect horse bakery\n");
    let did = tollgate_with(Some(&fake), &["operator", "passphrase", "anna"], typed).await;
    assert_eq!((did.exit(), fake.asked().len()), (65, 1), "{}", did.err);
}

#[tokio::test]
async fn the_audit_is_filtered_verified_and_exported() {
    let fake = |intact: bool| {
        FakeDaemon::start(move |target, _| match target {
            "GET /v1/audit/verify" => Reply::json(&AuditVerdict {
                intact,
                rows: 3,
                head: "abc".into(),
                broken_at: (!intact).then_some(2),
                detail: String::new(),
                newest: None,
            }),
            target if target.contains("before=3") => Reply::json(&Page { items: vec![audit_row("+x")], next: None }),
            _ => Reply::json(&Page { items: vec![audit_row("=1+1, \"a\"")], next: Some("3".to_owned()) }),
        })
    };
    let words =
        ["audit", "--actor", "root", "--action", "token.create", "--target", "x y", "--since", "1h", "--limit", "1"];
    let audit = fake(true);
    let did = tollgate(&audit, &words).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(did.out.contains("root (login: uid 1000)"), "{}", did.out);
    assert_eq!(audit.asked(), ["GET /v1/audit?actor=root&action=token.create&target=x%20y&since_secs=3600&limit=1"]);
    assert_eq!(tollgate(&audit, &["audit", "verify"]).await.exit(), 0);
    let did = tollgate(&fake(false), &["audit", "verify"]).await;
    assert_eq!(did.exit(), 1);
    assert!(did.out.contains("BROKEN at row 2") && did.out.contains("abc"), "{}", did.out);
    let did = tollgate(&audit, &["audit", "export", "--output", "csv"]).await;
    let lines: Vec<&str> = did.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", did.out);
    assert!(lines[0].starts_with("seq,at,actor,uid") && lines[1].contains(r#","'=1+1, ""a""","#), "{}", did.out);
    assert!(lines[2].contains(r#","'+x","#), "{}", did.out);
    let did = tollgate(&audit, &["audit", "export"]).await;
    let rows: Vec<AuditRow> = did.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
}

fn locked() -> StatusView {
    let lockdown = LockdownView { at: NOW, by: "anna".into(), reason: "restore".into() };
    StatusView { lockdown: Some(lockdown), tokens: 1, ..status() }
}

#[tokio::test]
async fn a_lockdown_wants_a_yes_and_the_status_is_loud_about_it() {
    let fake = FakeDaemon::start_as(&locked(), |_, _| Reply::stream(""));
    let did = tollgate(&fake, &["lockdown", "on", "--reason", "leak at noc-2"]).await;
    assert_eq!((did.exit(), fake.asked().len()), (64, 0));
    assert!(did.err.contains("lockdown on --reason 'leak at noc-2' --yes"), "{}", did.err);
    let did = tollgate(&fake, &["lockdown", "on", "--reason", "leak", "--yes"]).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert_eq!(fake.asked(), [r#"POST /v1/lockdown {"on":true,"reason":"leak"}"#]);
    assert!(did.out.starts_with("LOCKED DOWN since 2025-11-22"), "{}", did.out);
    assert_eq!(tollgate(&fake, &["lockdown", "off"]).await.exit(), 0);
    let did = tollgate(&fake, &["status"]).await;
    assert_eq!(did.exit(), 2);
    assert!(did.out.starts_with("*** LOCKED DOWN since 2025-11-22T03:14:07Z by anna: restore"), "{}", did.out);
}

#[tokio::test]
async fn what_is_still_in_use_is_not_deleted_and_is_listed() {
    let fake = FakeDaemon::start(|_, _| {
        let problem = Problem::new(Slug::InUse, "2 services").with_error("services", "Ops/DB, Ops/Net");
        Reply::problem(&problem)
    });
    let did = tollgate(&fake, &["team", "delete", "Ops", "--yes"]).await;
    assert_eq!((did.exit(), fake.asked()), (1, vec!["DELETE /v1/teams/Ops".to_owned()]));
    assert!(did.err.contains("Ops/DB, Ops/Net"), "{}", did.err);
    assert_eq!(tollgate(&fake, &["team", "delete", "Ops"]).await.exit(), 64);
}
