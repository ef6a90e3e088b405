//! What wants attention, and the scan.

use tollgate_shared::api::{BackupFailure, BackupMade, BackupView, Identified, StatusView};
use tollgate_shared::secret::{SecretKind, TokenSecret};

use super::*;
use crate::client::testing::status;

/// Lists this many tokens that end within a day where ends are asked for, and none otherwise.
fn ending(soon: usize) -> FakeDaemon {
    FakeDaemon::start(move |target, _| {
        let items = if target.contains("expires_within_secs") || target.contains("expires%3A%3C14d") {
            vec![token(); soon]
        } else {
            Vec::new()
        };
        Reply::json(&Page { items, next: None })
    })
}

#[tokio::test]
async fn expiring_is_2_where_a_token_ends_soon() {
    let fake = ending(1);
    let did = tollgate(&fake, &["expiring", "--within", "7d"]).await;
    assert_eq!(did.exit(), 2);
    assert!(did.out.contains("zabbix-prod"), "{}", did.out);
    assert_eq!(fake.asked(), ["GET /v1/tokens?expires_within_secs=604800&sort=expires&limit=1000"]);
    assert_eq!(tollgate(&ending(0), &["expiring"]).await.exit(), 0);
}

#[tokio::test]
async fn nagios_gets_one_line_and_0_to_3_whatever_happens() {
    for (fake, words, exit, says) in [
        (ending(0), &["check", "--nagios"][..], 0, "TOLLGATE OK - 0 tokens, none ends soon | "),
        (
            ending(1),
            &["check", "--nagios", "--crit", "1h"],
            1,
            "TOLLGATE WARNING - 1 token ending soon: zabbix-prod | ",
        ),
        (ending(1), &["check", "--nagios"], 2, "TOLLGATE CRITICAL - 1 token about to end: zabbix-prod | "),
    ] {
        let did = tollgate(&fake, words).await;
        assert_eq!((did.exit(), did.out.lines().count()), (exit, 1), "{words:?}: {}{}", did.out, did.err);
        assert!(did.out.starts_with(says) && did.out.contains("expired=0;;0;0"), "{}", did.out);
    }
    let did = tollgate_with(None, &["check", "--nagios", "--socket", "/nowhere/x.sock"], None).await;
    assert_eq!(did.exit(), 2);
    assert!(did.out.starts_with("TOLLGATE CRITICAL - no daemon answers"), "{}", did.out);
    for words in [&["check"][..], &["check", "--nagios", "--warn", "soon"]] {
        assert_eq!(tollgate_with(None, words, None).await.exit(), 3, "{words:?}");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_stays_critical() {
    let fake = FakeDaemon::start(|target, _| {
        let items = if target.contains("state=expired") { vec![token()] } else { Vec::new() };
        Reply::json(&Page { items, next: None })
    });
    let did = tollgate(&fake, &["check", "--nagios"]).await;
    assert_eq!(did.exit(), 2);
    assert!(did.out.contains("1 token expired") && did.out.contains("expired=1;;0;0"), "{}", did.out);
}

#[tokio::test]
async fn a_scheduled_backup_that_failed_warns_and_one_that_is_overdue_is_critical_with_its_age_in_seconds() {
    let made = |age_secs: i64, by: &str| BackupMade {
        made_at: NOW.plus_secs(-age_secs),
        place: "/mnt/usb/t.backup".to_owned(),
        bytes: 1,
        with_key: true,
        by: by.to_owned(),
    };
    let failure = || BackupFailure { at: NOW, why: "/mnt/usb is no directory | mount it".to_owned() };
    let by_hand = BackupView { last: Some(made(7_200, "root")), ..BackupView::default() };
    let planned =
        BackupView { last_scheduled: Some(made(7_300, "tollgated")), every_secs: Some(3_600), ..by_hand.clone() };
    let failed = BackupView { failed: Some(failure()), ..planned.clone() };
    let overdue = BackupView { overdue: true, ..failed.clone() };
    let never = BackupView { last_scheduled: None, overdue: true, ..planned.clone() };
    let why = "/mnt/usb is no directory / mount it | ";
    for (backup, exit, says, age) in [
        (BackupView::default(), 0, "OK - 0 tokens, none ends soon | ", "U;;;0"),
        (by_hand, 0, "OK - 0 tokens, none ends soon; backup 2 h old | ", "7200s;;;0"),
        (planned, 0, "OK - 0 tokens, none ends soon; backup 2 h old | ", "7300s;;7200;0"),
        (failed, 1, &format!("WARNING - the scheduled backup failed: {why}"), "7300s;;7200;0"),
        (
            overdue,
            2,
            &format!("CRITICAL - the scheduled backup is overdue, the last is 2 h old: {why}"),
            "7300s;;7200;0",
        ),
        (never, 2, "CRITICAL - the scheduled backup is overdue, none was made yet | ", "U;;7200;0"),
    ] {
        let status = StatusView { backup, now: NOW, ..status() };
        let fake = FakeDaemon::start_as(&status, |_, _| Reply::json(&Page::<TokenView> { items: vec![], next: None }));
        let did = tollgate(&fake, &["check", "--nagios"]).await;
        assert_eq!((did.exit(), did.out.lines().count()), (exit, 1), "{}{}", did.out, did.err);
        assert!(did.out.starts_with(&format!("TOLLGATE {says}")), "{says}: {}", did.out);
        assert!(did.out.ends_with(&format!(" backup_age={age}\n")), "{age}: {}", did.out);
    }
}

#[tokio::test]
async fn the_digest_is_one_line_or_nothing() {
    let fake = ending(0);
    let did = tollgate(&fake, &["digest"]).await;
    assert_eq!((did.exit(), did.out.as_str(), did.err.as_str()), (0, "", ""));
    let status = StatusView { tokens_expiring: 2, open_incidents: 3, open_p1: 1, ..status() };
    let fake = FakeDaemon::start_as(&status, |_, _| Reply::stream(""));
    let did = tollgate(&fake, &["digest"]).await;
    let line = "tollgate: 3 incidents open, 1 of them P1; 2 tokens ending within 14 d (tollgate expiring)\n";
    assert_eq!(did.out, line);
    let did = tollgate_with(None, &["digest", "--socket", "/nowhere/x.sock"], None).await;
    assert_eq!((did.exit(), did.err.as_str()), (69, "tollgate: no daemon answers\n"));
}

#[tokio::test]
async fn hygiene_counts_each_card_and_says_how_to_see_it() {
    let fake = ending(1);
    let did = tollgate(&fake, &["hygiene"]).await;
    assert_eq!(did.exit(), 0, "{}", did.err);
    assert!(did.out.contains("token list 'state:active expires:<14d'"), "{}", did.out);
    let asked = fake.asked().join("\n");
    for part in ["unused%3A%3E90d", "used%3Anever", "expires%3Anever", "addresses%3Aany", "query_token%3Aused"] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

fn secret(seed: u8) -> String {
    TokenSecret::from_entropy(SecretKind::Service, [seed; 8], [seed; 32]).expose().to_owned()
}

/// A directory with one secret twice in a file, and another in a second file.
fn leaky(fake: &FakeDaemon) -> String {
    let dir = fake.path("tree");
    std::fs::create_dir_all(dir.join("sub")).unwrap();
    std::fs::write(dir.join("a.log"), format!("x\ntoken={}\n{}", secret(1), secret(1))).unwrap();
    std::fs::write(dir.join("sub/b.bin"), [&[0, 255][..], secret(2).as_bytes()].concat()).unwrap();
    dir.display().to_string()
}

#[tokio::test]
async fn a_scan_says_where_living_tokens_stand_and_never_their_values() {
    for (alive, exit) in [(true, 2), (false, 0)] {
        let fake = FakeDaemon::start(move |_, body| {
            let first = Identified { what: "current".into(), detail: String::new(), token: Some(token()) };
            let dead = Identified { what: "unknown".into(), detail: String::new(), token: None };
            let values = body.matches("tg_s_").count();
            let items = if alive { vec![first, dead] } else { vec![dead; values] };
            Reply::json(&Page { items, next: None })
        });
        let did = tollgate(&fake, &["scan", &leaky(&fake)]).await;
        assert_eq!(did.exit(), exit, "{}", did.err);
        assert!(did.out.contains("a.log:2") && did.out.contains("b.bin:1"), "{}", did.out);
        assert!(!format!("{}{}", did.out, did.err).contains(&secret(1)), "{}", did.out);
        assert!(!alive || did.out.contains("zabbix-prod"), "{}", did.out);
        assert_eq!(fake.asked().len(), 1, "one question for all values");
    }
}

#[tokio::test]
async fn a_scan_without_a_daemon_says_unknown_and_counts_as_found() {
    let fake = ending(0);
    let path = leaky(&fake);
    let did = tollgate_with(None, &["scan", &path, "--socket", "/nowhere/x.sock"], None).await;
    assert_eq!(did.exit(), 2);
    assert!(did.out.contains("a.log:2  s_") && did.out.contains("  unknown"), "{}", did.out);
    assert!(did.err.contains("not known"), "{}", did.err);
    let did = tollgate_with(None, &["scan", "/nowhere/at/all", "--socket", "/nowhere/x.sock"], None).await;
    assert_eq!(did.exit(), 1, "{}", did.err);
}
