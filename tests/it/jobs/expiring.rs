//! Job 5: six tokens end within 14 days: refreshed in one go, and no refresh makes one shorter.

use serde_json::Value;
use tollgate_tests::daemon::{Daemon, Setup};
use tollgate_tests::wait;

use super::{go, on_tokens, token};
use crate::desk::{go_to, press};
use crate::support::{alert, with_alertmanager};

/// Nine that end soon, and one that does not.
fn with_expiring() -> Daemon {
    let daemon = with_alertmanager();
    for number in 1..=9 {
        daemon.token(&format!("soon-{number}"), "service:Ops/DB", &["--expires", "9d"]);
    }
    daemon.token("later", "service:Ops/DB", &["--expires", "90d"]);
    daemon
}

/// When a token ends, as text that can be compared.
fn end(daemon: &Daemon, name: &str) -> String {
    token(daemon, name)["expires_at"].as_str().expect("it ends").to_owned()
}

#[test]
fn job_5_six_of_nine_are_refreshed_at_once_from_a_list_on_standard_input() {
    let daemon = with_expiring();
    let found = daemon.cli_with(&["--output", "json", "expiring", "--within", "14d"], b"").expect(2).json();
    let ids: Vec<&str> = found.as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), 9);
    let six = ids[..6].join("\n");
    let asked = daemon.cli_with(&["token", "refresh", "-"], six.as_bytes()).expect(64);
    assert!(asked.stdout.contains("ENDS NOW") && asked.stdout.contains("ENDS THEN"), "old and new, first: {asked:?}");
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    let before: Vec<String> = ids.iter().map(|id| end(&daemon, id)).collect();
    let done = daemon.cli_with(&["--yes", "token", "refresh", "-"], six.as_bytes()).expect(0);
    assert_eq!(done.stdout.lines().filter(|line| line.contains(" -> ")).count(), 6, "{done:?}");
    let after: Vec<String> = ids.iter().map(|id| end(&daemon, id)).collect();
    let moved: Vec<bool> = before.iter().zip(&after).map(|(before, after)| after > before).collect();
    assert_eq!(moved, [true, true, true, true, true, true, false, false, false]);
}

#[test]
fn job_5_one_that_cannot_be_refreshed_stops_all_and_a_refresh_never_shortens() {
    let daemon = with_expiring();
    daemon.token("for-ever", "service:Ops/DB", &[]);
    let before = end(&daemon, "soon-1");
    let refused = daemon.cli_with(&["--yes", "token", "refresh", "soon-1", "for-ever"], b"").expect(1);
    assert!(
        refused.stderr.contains("for-ever never ends") && refused.stderr.contains("nothing was changed"),
        "{refused:?}"
    );
    assert_eq!(end(&daemon, "soon-1"), before, "all or nothing");
    // Chosen for nine days, then set to a far date by hand.
    let far = "2031-01-01T00:00:00Z";
    daemon.cli(["token", "edit", "soon-2", "--expires", far]).expect(0);
    let set = end(&daemon, "soon-2");
    daemon.cli(["--yes", "token", "refresh", "soon-2"]).expect(0);
    assert!(end(&daemon, "soon-2") >= set, "{} after {set}", end(&daemon, "soon-2"));
}

#[test]
fn job_5_on_screen_it_is_called_extend_and_shows_the_new_date_first() {
    let daemon = with_expiring();
    let mut console = on_tokens(&daemon, (110, 40));
    console.wait_for("soon-1");
    console.send("f");
    console.wait_for("filter");
    console.type_slowly("is:expiring");
    console.send("\r");
    let list = console.wait_until("only those that end", |screen| !screen.contains("later "));
    assert!(list.contains("EXPIRE<14d 9"), "{list}");
    press(&mut console, ".", "ALL ACTIONS on soon-");
    let dialog = press(&mut console, "x", "EXTEND TO");
    assert!(dialog.contains("[ Extend ]") && dialog.contains("> [ Cancel ]"), "{dialog}");
    go_to(&mut console, "[ Extend ]");
    press(&mut console, "\r", "done ");
}

/// The daemon's own incidents: state, key and title.
fn own(daemon: &Daemon) -> Vec<[String; 3]> {
    let of = |row: &Value, name: &str| row["head"][name].as_str().unwrap_or_default().to_owned();
    let rows = daemon.all("/v1/incidents");
    let own = rows.iter().filter(|row| row["token"]["name"] == "tollgated itself");
    own.map(|row| ["state", "key", "title"].map(|name| of(row, name))).collect()
}

/// Waits for a look of the daemon at itself; the first comes seconds after a start.
#[track_caller]
fn wait_for_own(daemon: &Daemon, state: &str) {
    wait::until("the daemon's own incident", wait::PATIENCE, || match own(daemon).as_slice() {
        [[is, ..]] if is == state => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn job_5_a_host_without_mail_is_told_by_an_incident_that_ends_with_its_cause() {
    let mut daemon = Setup::default().env("TOLLGATE_SELF_SERVICE", "Ops/Own").start();
    // The start does not fail; that there is no such service is said.
    let status = daemon.cli(["status"]).expect(2);
    assert!(status.stdout.contains("NOT opened") && status.stdout.contains("Ops/Own"), "{status:?}");
    daemon.service("DB", "alertmanager");
    daemon.cli(["service", "create", "Own", "--team", "Ops"]).expect(0);
    assert!(daemon.cli(["status"]).expect(0).stdout.contains("on Ops/Own"));
    let (used, unused) = (daemon.token("used", "service:Ops/DB", &["--expires", "6d"]), "unused");
    daemon.token(unused, "service:Ops/DB", &["--expires", "6d"]);
    assert_eq!(daemon.post(&used.secret, &alert("firing", "disk")).status, 201);
    daemon.terminate();
    daemon.restart();
    wait_for_own(&daemon, "triggered");
    let [[_, key, title]] = own(&daemon).try_into().expect("one, for the token that is used");
    assert_eq!(key, format!("expires:{}", used.id));
    assert!(title.starts_with("Token used ends 2"), "{title}");
    let mut console = on_tokens(&daemon, (110, 40));
    go(&mut console, "3");
    press(&mut console, "/", "/");
    console.type_slowly("used ends");
    console.send("\r");
    console.wait_for("opened by tollgated itself");
    drop(console);
    daemon.cli(["token", "edit", "used", "--expires", "90d"]).expect(0);
    daemon.terminate();
    daemon.restart();
    wait_for_own(&daemon, "resolved");
}

#[test]
fn job_5_monitoring_gets_its_own_exit_codes_a_line_and_figures() {
    let daemon = with_expiring();
    let check = |warn: &str, crit: &str| daemon.cli_with(&["check", "--nagios", "--warn", warn, "--crit", crit], b"");
    let warning = check("14d", "3d").expect(1);
    assert!(warning.stdout.starts_with("TOLLGATE WARNING - 9 tokens ending soon"), "{warning:?}");
    assert!(warning.stdout.contains("| expired=0") && warning.stdout.contains("ending_warn=9"), "{warning:?}");
    check("14d", "10d").expect(2);
    let fine = check("3d", "1d").expect(0);
    assert!(fine.stdout.starts_with("TOLLGATE OK"), "{fine:?}");
    // A slip of the pen does not read as "tokens are ending".
    daemon.cli_with(&["expiring", "--withn", "3d"], b"").expect(64);
}
