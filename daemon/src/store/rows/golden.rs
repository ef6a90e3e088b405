//! The bytes of each row version, as they were when the version was first released. They are never made anew: a test here
//! that fails means that stored rows would no longer be read, and asks for a new version, not for new bytes.

use std::fmt::{Debug, Write};

use tollgate_shared::api::{DeadTries, LastRefusal, LastUse, OutcomeCounts, Screen};
use tollgate_shared::explain::{ConditionExplain, Explain, FilterExplain, PartExplain, Seen};
use tollgate_shared::filter::{FilterSpec, Mode, Op};
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::request::{RequestState, StepRun, StepState};
use tollgate_shared::workflow::{StepKind, WorkflowSpec};

use super::*;
use crate::core::model::{BackupRecord, ClockStep, RedactionRule, RedactionWhat, SourceRecord};
use crate::store::testing::samples::{
    IP, START, acknowledged, at, attached, audit_row, body, dead_secret, dedup_entry, filter_id, fingerprint, head,
    incident_id, log_row, maintenance, measures, opened, resolved, service, service_id, stored_answer, team, token,
    token_id, tombstone,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The bytes kept under a name.
fn golden(name: &str) -> &'static str {
    let mut lines = include_str!("golden_v1.txt").lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| *found == name).map(|(_, bytes)| bytes).unwrap()
}

#[track_caller]
fn check<T: Stored + PartialEq + Debug>(row: &T, name: &str) {
    let bytes = encode(row).unwrap();
    assert_eq!(hex(&bytes), golden(name));
    assert_eq!(decode::<T>(&bytes).unwrap(), *row);
    let too_long = [bytes.as_slice(), &[0]].concat();
    assert!(decode::<T>(&too_long).is_err(), "a byte too many");
    assert!(decode::<T>(&bytes[..bytes.len() - 1]).is_err(), "a byte too few");
    let mut of_the_future = bytes;
    of_the_future[0] = 99;
    let error = decode::<T>(&of_the_future).unwrap_err().to_string();
    assert!(error.contains("row version 99 is unknown"), "{error}");
}

fn filter() -> FilterRecord {
    let json = br#"{"name":"disk full","trigger":{"match_all":true,"priority":"P2"}}"#;
    FilterRecord {
        id: filter_id(1),
        service: service_id(1),
        position: 1,
        spec: FilterSpec::from_json(json).unwrap(),
        created_at: START,
    }
}

fn backups() -> Backups {
    let (place, by) = ("/mnt/usb/t.backup".to_owned(), "root".to_owned());
    let record = BackupRecord { made_at: START, place, bytes: 70_000, with_key: true, by };
    Backups { last: Some(record), scheduled: None }
}

fn usage() -> UsageRecord {
    let agent = Some("Zabbix".to_owned());
    UsageRecord {
        counts: OutcomeCounts { created: 1, attached: 300, ..OutcomeCounts::default() },
        last_use: Some(LastUse { at: START, ip: IP, user_agent: agent, outcome: Outcome::Attached }),
        last_refusal: Some(LastRefusal {
            at: at(1),
            ip: "2001:db8::1".parse().unwrap(),
            slug: "token-expired".to_owned(),
        }),
        rows_not_logged: 4,
        query_token_calls: 5,
        ip_violations: 6,
        old_secret_calls: 7,
        sources: vec![SourceRecord {
            net: "10.0.0.0/24".parse().unwrap(),
            merged: true,
            old_secret: false,
            first: START,
            last: at(2),
            calls: 8,
            refused: 9,
        }],
        dead_tries: DeadTries { count: 10, last_at: Some(at(3)), last_ip: Some(IP) },
    }
}

fn redaction_rules() -> RedactionRules {
    let rule = |name: &str, what| RedactionRule {
        name: name.to_owned(),
        what,
        created_at: START,
        created_by: "root".to_owned(),
    };
    let pattern = RedactionWhat::Pattern { pattern: r"\d{16}".to_owned(), ignore_case: true };
    RedactionRules { rules: vec![rule("pin", RedactionWhat::Path("pin".to_owned())), rule("card", pattern)] }
}

fn explained_row() -> LogRow {
    let condition = |seen| ConditionExplain {
        path: "$.status".to_owned(),
        op: Op::Equals,
        values: "\"1\"".to_owned(),
        negate: false,
        ok: true,
        seen,
        selected: 1,
    };
    let trigger = PartExplain {
        matched: true,
        match_all: false,
        mode: Mode::All,
        conditions_true: 2,
        conditions: vec![condition(Seen::Value("1".to_owned())), condition(Seen::Missing { near: None })],
    };
    let matched = FilterExplain {
        service_id: service_id(1).to_string(),
        service: "Ops/DB".to_owned(),
        filter_id: filter_id(1).to_string(),
        filter: "disk full".to_owned(),
        position: 1,
        trigger,
        resolve: None,
    };
    let explain = Explain { matched: vec![matched], note: Some("the body was cut".to_owned()), ..Explain::default() };
    LogRow { explain: Some(explain), ..log_row(7, 0).as_ref().clone() }
}

#[test]
fn version_1_of_every_row_reads_and_writes_its_golden_bytes() {
    check(&AuditRow { seq: 3, ..audit_row(1) }, "audit row");
    check(&dead_secret(1), "dead secret");
    check(&DedupBlock { entries: vec![(token_id(1), fingerprint(1), dedup_entry(1))] }, "dedup block");
    check(&body(1), "incident body");
    check(&resolved(head(1, 1, Some("db-1")), 5), "incident head");
    check(&ResolvedRow { id: incident_id(1), at: at(5) }, "resolved row");
    check(&service(1), "service");
    check(&team(1), "team");
    let (name, q) = ("errors".to_owned().try_into().unwrap(), "status:>=400".to_owned());
    check(&KeptQuery { owner: None, screen: Screen::Logs, name, q, saved_at: at(0) }, "kept query");
    check(&opened(1), "timeline opened");
    check(&attached(2), "timeline attached");
    check(&acknowledged(3), "timeline acknowledged");
    check(&token(1), "token");
    check(&tombstone(1), "tombstone");
    check(&redaction_rules(), "redaction rules");
    check(&ClockSteps { steps: vec![ClockStep { at: at(7), gained_us: 432_000_000_000 }] }, "clock steps");
    check(&backups(), "backups");
    let host = "noc-1".to_owned();
    check(&Restored { backup_made_at: START, backup_host: host, at: at(8), new_key: true }, "restored");
    check(&usage(), "usage");
    check(&filter(), "filter");
    check(&AnswerBlock { entries: vec![(IdempotencyKey([6; 32]), stored_answer(1))] }, "answer block");
    check(&TokenOptions { delivery_ids: true }, "token options");
    check(&measures(), "measures");
    check(&maintenance(1), "maintenance");
}

#[test]
fn version_1_of_a_log_row_reads_and_writes_its_golden_bytes() {
    check(log_row(7, 0).as_ref(), "log row");
    check(&explained_row(), "log row explained");
}

fn workflow() -> Workflow {
    let json = br#"{"name":"restart","steps":[{"name":"go","run":{"program":"go.sh"}}]}"#;
    Workflow {
        id: WorkflowId(uuid::Uuid::from_u128(0x0198_0000_0000_7000_8600_0000_0000_0001)),
        public_id: "w_7QmX0c2LrT".to_owned(),
        team: Some(team(1).id),
        spec: WorkflowSpec::from_json(json).unwrap(),
        version: 3,
        created_at: START,
        created_by: "root".to_owned(),
        updated_at: at(60),
        updated_by: "anna".to_owned(),
    }
}

fn request() -> RequestRecord {
    let workflow = workflow();
    let run = StepRun {
        state: StepState::Failed,
        attempts: 2,
        started_at: Some(at(61)),
        finished_at: Some(at(62)),
        exit_status: Some(1),
        error: Some("it ended with status 1".to_owned()),
        ..StepRun::pending("go", StepKind::Run)
    };
    RequestRecord {
        id: RequestId(uuid::Uuid::from_u128(0x0198_0000_0000_7000_8700_0000_0000_0001)),
        workflow: workflow.id,
        version: 3,
        name: "Ops/restart".to_owned(),
        public_id: workflow.public_id,
        team: workflow.team,
        steps: std::sync::Arc::new(workflow.spec.steps),
        state: RequestState::Failed,
        token: token_id(1),
        call: opened_call(),
        source_ip: IP,
        fingerprint: Some(fingerprint(1)),
        variables: [("host".to_owned(), "db1".to_owned())].into(),
        runs: vec![run],
        failures: 1,
        note: String::new(),
        retries: 0,
        payload_bytes: 17,
        created_at: START,
        started_at: Some(at(61)),
        finished_at: Some(at(62)),
    }
}

fn opened_call() -> CallId {
    crate::store::testing::samples::call_id(1)
}

#[test]
fn version_1_of_a_workflow_reads_and_writes_its_golden_bytes() {
    check(&workflow(), "workflow");
}

#[test]
fn version_1_of_a_request_reads_and_writes_its_golden_bytes() {
    check(&request(), "request");
}

#[test]
fn version_1_of_a_steps_output_and_of_an_ended_requests_row_read_and_write_their_golden_bytes() {
    check(&StepOutput { text: "done\n".to_owned(), truncated: true }, "step output");
    check(&FinishedRow { id: request().id, at: at(62) }, "request finished");
}

#[test]
fn version_1_of_a_payload_reads_its_golden_bytes() {
    // Not written anew: another version of the compressor may find shorter bytes for the same text.
    let bytes = encode(&PayloadRow::of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")).unwrap();
    let golden = golden("request payload");
    let stored: Vec<u8> =
        (0..golden.len() / 2).map(|at| u8::from_str_radix(&golden[2 * at..2 * at + 2], 16).unwrap()).collect();
    for bytes in [bytes, stored] {
        assert_eq!(decode::<PayloadRow>(&bytes).unwrap().text().unwrap(), "a".repeat(40), "{}", hex(&bytes));
    }
}

#[test]
fn an_empty_row_is_damage() {
    assert_eq!(
        decode::<AuditRow>(&[]).unwrap_err().to_string(),
        "an audit row is damaged: the row is empty; stop the daemon and run tollgated check"
    );
}
