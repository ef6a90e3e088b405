//! Job 8: an auditor asks who created a token and where it was used from.

use serde_json::json;
use tollgate_tests::daemon::Daemon;

use super::{go, on_tokens, post_from};
use crate::desk::press;
use crate::support::{alert, with_alertmanager};

/// A token that was used from three places, changed, and is revoked.
fn with_history() -> (Daemon, String) {
    let daemon = with_alertmanager();
    let token = daemon.token("zabbix-prod", "service:Ops/DB", &["--description", "plant 2"]);
    for host in [5, 6, 7, 7] {
        post_from(&daemon, host, &token.secret, &alert("firing", &format!("host {host}")));
    }
    daemon.cli(["token", "edit", "zabbix-prod", "--dedup", "5m"]).expect(0);
    daemon.cli(["token", "revoke", "zabbix-prod", "--confirm", "zabbix-prod", "--reason", "contract ended"]).expect(0);
    (daemon, token.id)
}

#[test]
fn job_8_one_command_gives_the_whole_evidence_of_a_token_that_is_gone() {
    let (daemon, id) = with_history();
    let report = daemon.cli(["token", "report", &id]).expect(0).stdout;
    for part in ["created", "by root", "SOURCES", "127.0.0.5", "127.0.0.6", "127.0.0.7", "ISSUED TOKENS"] {
        assert!(report.contains(part), "{part}:\n{report}");
    }
    for part in ["token.create", "token.edit", "token.revoke", "contract ended", "AUDIT CHAIN", "intact"] {
        assert!(report.contains(part), "{part}:\n{report}");
    }
    let json = daemon.cli_json(["token", "report", &id]);
    assert_eq!((&json["token"]["created_by"], &json["chain"]["intact"]), (&json!("root"), &json!(true)), "{json}");
    let calls: Vec<(&str, Option<u64>)> = json["sources"]
        .as_array()
        .expect("sources")
        .iter()
        .map(|row| (row["net"].as_str().unwrap_or_default(), row["calls"].as_u64()))
        .collect();
    assert!(calls.contains(&("127.0.0.7", Some(2))), "{calls:?}");
}

#[test]
fn job_8_the_audit_is_asked_by_target_actor_and_action_in_the_command_and_on_the_screen() {
    let (daemon, id) = with_history();
    let said = daemon.cli(["audit", "-Q", &format!("target:{id} action:token.revoke")]).expect(0).stdout;
    assert_eq!(said.lines().count(), 2, "a head and the row:\n{said}");
    let by_option = daemon.cli_json(["audit", "--target", &id]);
    assert_eq!(by_option.as_array().map(Vec::len), Some(3), "{by_option}");
    let mut console = on_tokens(&daemon, (130, 40));
    go(&mut console, "7");
    let screen = console.wait_for("chain INTACT");
    assert!(screen.contains("token.revoke"), "{screen}");
    press(&mut console, "f", "actor:NAME");
    console.type_slowly("action:token.revoke");
    console.send("\r");
    console.wait_until("one row", |screen| screen.contains("token.revoke") && !screen.contains("token.edit"));
    console.wait_for("contract ended");
}

#[test]
fn job_8_the_chain_is_verified_against_a_head_that_the_auditor_kept() {
    let (daemon, id) = with_history();
    let kept = daemon.cli_json(["audit", "verify"])["head"].as_str().expect("a head").to_owned();
    daemon.cli(["token", "create", "next", "--scope", "global", "--secret-file", "next.secret"]).expect(0);
    let now = daemon.cli_json(["audit", "verify"]);
    assert_eq!(now["intact"], json!(true));
    assert_ne!(now["head"], json!(kept.clone()));
    assert_eq!(daemon.get(&format!("/v1/audit/verify?head={kept}"))["intact"], json!(true), "what he kept is in it");
    let exported = daemon.cli(["audit", "export", "--target", &id]).expect(0);
    assert_eq!(exported.json_lines().len(), 3);
}
