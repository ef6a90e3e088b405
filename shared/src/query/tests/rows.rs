//! What each resource answers.

use std::net::IpAddr;

use proptest::prelude::*;

use super::super::*;
use crate::api::{IncidentView, LastUse, NamedRef, ScopeView, TokenView, UsageView};
use crate::audit::AuditRow;
use crate::explain::{Explain, FilterExplain, PartExplain};
use crate::filter::Mode;
use crate::id::{ServiceId, TokenId};
use crate::incident::{IncidentHead, IncidentState};
use crate::log::LogRow;
use crate::outcome::Outcome;
use crate::priority::Priority;
use crate::time::Timestamp;
use crate::token::{Expiry, TokenState};

pub(super) const NOW: Timestamp = Timestamp::from_micros(1_763_781_247_000_000);
const DAY: i64 = 86_400;

/// Two tokens and a service; the second token reaches only that service.
pub(super) struct TwoTokens;

impl Names for TwoTokens {
    fn reach(&self, named: Named, text: &str) -> Option<Reach> {
        let text = text.to_lowercase();
        let tokens = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
        let services = || [service()].into();
        match (named, text.as_str()) {
            (Named::Token, "one") => Some(Reach { tokens: tokens(&["g_0000000001"]), ..Reach::default() }),
            (Named::Token, "two") => Some(Reach { tokens: tokens(&["s_0000000002"]), ..Reach::default() }),
            (Named::Service, "db" | "ops/db") | (Named::Team, "ops") => {
                Some(Reach { tokens: tokens(&["s_0000000002"]), services: services() })
            }
            _ => None,
        }
    }

    fn near(&self, named: Named, _: &str) -> Option<String> {
        (named == Named::Token).then(|| "one".to_owned())
    }
}

pub(super) fn service() -> ServiceId {
    "019ab300-0000-7000-8000-0000000000aa".parse().unwrap()
}

pub(super) fn log_row() -> LogRow {
    LogRow {
        seq: 41,
        at: NOW.plus_secs(-600),
        call: "019ab300-0000-7000-8000-000000000001".parse().unwrap(),
        token: "g_0000000001".parse().unwrap(),
        remote_ip: IpAddr::from([10, 20, 0, 14]),
        user_agent: Some("curl/8.1".to_owned()),
        method: "POST".to_owned(),
        path: "/v1/process".to_owned(),
        query: "from=zabbix".to_owned(),
        from: Some("zabbix".to_owned()),
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body_bytes: 100,
        body: r#"{"alerts":[{"sev":"Critical","n":90.5}],"password":"[redacted]","gone":null}"#.to_owned(),
        truncated: false,
        outcome: Outcome::NoMatch,
        status: 202,
        problem: None,
        incidents: vec!["019ab300-0000-7000-8000-0000000000bb".parse().unwrap()],
        latency_us: 900,
        explain: Some(Explain { matched: vec![matched()], ..Explain::default() }),
        summary: "High CPU on web01".to_owned(),
    }
}

fn matched() -> FilterExplain {
    let part =
        PartExplain { matched: true, match_all: true, mode: Mode::All, conditions_true: 0, conditions: Vec::new() };
    FilterExplain {
        service_id: service().to_string(),
        service: "Ops/DB".to_owned(),
        filter_id: "f".to_owned(),
        filter: "f".to_owned(),
        position: 1,
        trigger: part,
        resolve: None,
    }
}

fn judge(text: &str, schema: &'static Schema, row: &dyn Row) -> Verdict {
    let query = Query::parse(text, schema).unwrap_or_else(|error| panic!("{}", error.drawn(text)));
    query.bind(&TwoTokens, NOW).unwrap_or_else(|error| panic!("{}", error.drawn(text))).judge(row)
}

fn check(schema: &'static Schema, row: &dyn Row, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert_eq!(judge(text, schema, row), Verdict::Yes, "{text}");
        let opposite = if text.is_empty() { "cpu -cpu".to_owned() } else { format!("not ({text})") };
        assert_eq!(judge(&opposite, schema, row), Verdict::No, "{opposite}");
    }
    for text in no {
        assert_eq!(judge(text, schema, row), Verdict::No, "{text}");
    }
}

#[test]
fn the_log_is_searched_by_what_domain_5_names() {
    let yes = [
        "",
        "token:ONE",
        "token:g_0000000001",
        "outcome:no_match",
        "status:2xx",
        "status:<400",
        "ip:10.0.0.0/8",
        "ip:10.20.0.14",
        "ip:::ffff:10.20.0.14",
        "service:db",
        "team:Ops",
        "since:15m",
        "until:5m",
        "since:2025-11-22",
        "call:019AB300-",
        "incident:00bb",
        "from:ZAB",
        "title:\"high cpu\"",
        "body:critical",
        "method:post",
        "agent:curl",
        "bytes:100",
        "latency:<1ms",
        "latency:900us",
        "seq:41",
        "\"high cpu\"",
        "zabbix web01",
        "x or cpu",
        "status:>300 or outcome:no_match",
    ];
    let no = [
        "token:two",
        "token:s_0000000009",
        "outcome:created",
        "status:>=400",
        "ip:10.0.0.0/16",
        "since:5m",
        "until:15m",
        "problem:x",
        "body:zzz",
        "cpu -web01",
        "method:pos",
    ];
    check(&LOGS, &log_row(), &yes, &no);
}

#[test]
fn a_call_is_found_by_the_requests_that_it_started_or_had_started_before() {
    let ids = ["019ab300-0000-7000-8000-0000000000aa", "019ab300-0000-7000-8000-0000000000ab"];
    let summary = format!("started Ops/restart {}, tell {}", ids[0], ids[1]);
    let started =
        LogRow { path: "/v1/request".to_owned(), outcome: Outcome::Started, summary: summary.clone(), ..log_row() };
    check(&LOGS, &started, &["request:019AB300", "request:00aa", &format!("request:{}", ids[1])], &["request:00ac"]);
    let again = LogRow { outcome: Outcome::Duplicate, ..started.clone() };
    check(&LOGS, &again, &["request:00ab"], &[]);
    for other in [LogRow { summary, ..log_row() }, LogRow { outcome: Outcome::NoMatch, ..started }] {
        check(&LOGS, &other, &[], &["request:00aa"]);
    }
}

#[test]
fn a_service_is_found_by_its_matched_filter_or_by_a_token_that_reaches_only_it() {
    let refused = LogRow { explain: None, token: "s_0000000002".parse().unwrap(), ..log_row() };
    check(&LOGS, &refused, &["service:Ops/DB", "team:ops"], &[]);
    check(&LOGS, &LogRow { explain: None, ..log_row() }, &[], &["service:db", "team:ops"]);
}

#[test]
fn body_conditions_compare_as_filters_do_but_without_case() {
    let yes = [
        "body.alerts[0].sev = critical",
        "body.alerts[*].sev ~ RIT",
        "body.alerts[0].n = 90.5",
        "body.alerts[0].n > 90",
        "body.alerts[0].n <= 90.50",
        "body.alerts[0].sev != warning",
        "body.nothing != x",
        "body.gone != null",
        "body.$ ~ alerts",
        "body.alerts ~ sev",
    ];
    let no = [
        "body.alerts[1].sev = critical",
        "body.alerts[0].sev > 1",
        "body.alerts[0].n = 90.50",
        "body.gone = null",
        "body.alerts[0].sev != CRITICAL",
        "body.alerts.sev = critical",
    ];
    check(&LOGS, &log_row(), &yes, &no);
}

#[test]
fn what_was_cut_or_redacted_cannot_be_told() {
    let row = log_row();
    for text in ["body.password = x", "body.password.inner > 1", "not body.password ~ x", "body.$ ~ hunter2"] {
        assert_eq!(judge(text, &LOGS, &row), Verdict::CannotTell, "{text}");
    }
    check(
        &LOGS,
        &row,
        &["body.password = \"[redacted]\"", "body.password = x or seq:41"],
        &["body.password = x seq:42"],
    );
    let cut = LogRow { truncated: true, ..log_row() };
    assert_eq!(judge("body.alerts[0].sev = critical", &LOGS, &cut), Verdict::CannotTell);
    assert_eq!(judge("body.a != 1", &LOGS, &cut), Verdict::CannotTell);
    check(&LOGS, &cut, &["body.$ ~ alerts", "body:alerts"], &["body:zzz"]);
    let key = LogRow { body: r#"{"k[redacted]":1}"#.to_owned(), ..log_row() };
    assert_eq!(judge("body.k = 1", &LOGS, &key), Verdict::CannotTell);
    check(&LOGS, &LogRow { body: "plain".to_owned(), ..log_row() }, &["body.$ = PLAIN"], &["body.a = 1"]);
}

#[test]
fn a_beginning_in_the_future_is_a_fault_with_its_place() {
    for (text, schema) in [("a since:2025-11-23", &LOGS), ("a since:2026-01-01T00:00:00Z", &AUDIT)] {
        let error = Query::parse(text, schema).unwrap().bind(&TwoTokens, NOW).unwrap_err();
        assert_eq!(error.at, 8..text.len());
        assert!(error.message.contains("future"), "{error}");
    }
    assert!(Query::parse("until:2026-01-01", &LOGS).unwrap().bind(&TwoTokens, NOW).is_ok());
}

#[test]
fn a_name_that_nobody_has_is_a_fault_with_its_place() {
    let error = Query::parse("a token:oen", &LOGS).unwrap().bind(&TwoTokens, NOW).unwrap_err();
    assert_eq!((error.at.clone(), error.suggestion.as_deref()), (8..11, Some("one")));
    assert_eq!(error.to_string(), "there is no token `oen`, at character 9");
}

fn token(expires_in: Option<i64>, last_use_ago: Option<i64>) -> TokenView {
    let last_use = last_use_ago.map(|ago| LastUse {
        at: NOW.plus_secs(-ago),
        ip: IpAddr::from([10, 0, 0, 1]),
        user_agent: None,
        outcome: Outcome::Created,
    });
    TokenView {
        id: "s_7QmX0c2LrT".parse::<TokenId>().unwrap(),
        name: "Zabbix prod".to_owned(),
        description: "the big one".to_owned(),
        scope: ScopeView { kind: "service".to_owned(), id: Some("019a".to_owned()), name: "Ops/DB".to_owned() },
        owner: "organisation".to_owned(),
        owner_id: None,
        permissions: Vec::new(),
        state: TokenState::Active,
        sealed: false,
        not_before: None,
        ip_report_only: false,
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
        issued_by: "root".to_owned(),
        expiry: Expiry::Never,
        expires_at: expires_in.map(|secs| NOW.plus_secs(secs)),
        allowed_ips: Vec::new(),
        debug_until: Some(NOW.plus_secs(60)),
        dedup_window_secs: 600,
        created_at: NOW.plus_secs(-100 * DAY),
        created_by: "uid 1000 (piet)".to_owned(),
        updated_at: NOW,
        updated_by: "root".to_owned(),
        rotations: 0,
        version: 1,
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
        usage: UsageView { last_use, ..UsageView::default() },
    }
}

#[test]
fn tokens_are_found_by_what_domain_2_names() {
    let yes = [
        "name:zabbix",
        "id:s_7QmX0c2LrT",
        "id:QmX0",
        "state:active",
        "scope:service",
        "scope:ops/db",
        "scope:DB",
        "service:db",
        "team:ops",
        "created_by:Piet",
        "expires:<14d",
        "expires:14d",
        "-expires:<10d",
        "debug:on",
        "unused:90d",
        "used:>90d",
        "created:100d",
        "created:<2025-11-22",
        "ip:10.0.0.1",
        "\"big one\"",
        "qmx0c2",
    ];
    let no = [
        "id:qmx0",
        "state:expired",
        "team:DB",
        "expires:over",
        "expires:never",
        "debug:off",
        "used:never",
        "unused:<1d",
    ];
    check(&TOKENS, &token(Some(10 * DAY), Some(95 * DAY)), &yes, &no);
}

#[test]
fn what_never_ends_outlasts_everything_and_what_is_over_has_no_time_left() {
    check(
        &TOKENS,
        &token(None, None),
        &["expires:never", "expires:>99y", "used:never", "unused:90d", "used:>99y"],
        &["expires:<14d", "expires:over"],
    );
    check(&TOKENS, &token(Some(-1), None), &["expires:over", "expires:<2026-01-01"], &["expires:<14d", "expires:>0s"]);
    check(&TOKENS, &token(Some(0), None), &["expires:over"], &["expires:<14d"]);
}

#[test]
fn incidents_and_audit_rows_answer_too() {
    let head = IncidentHead {
        id: "019ab300-0000-7000-8000-0000000000bb".parse().unwrap(),
        service: service(),
        filter: "019ab300-0000-7000-8000-0000000000cc".parse().unwrap(),
        token: "s_7QmX0c2LrT".parse().unwrap(),
        key: Some("web01".to_owned()),
        title: "High CPU".to_owned(),
        priority: Priority::P1,
        state: IncidentState::Acknowledged,
        overflow: false,
        occurrences: 12,
        duplicates: 0,
        first_seen: NOW.plus_secs(-7_200),
        last_seen: NOW.plus_secs(-60),
        resolved_at: None,
    };
    let named = |id: &str, name: &str| NamedRef { id: id.to_owned(), name: name.to_owned() };
    let view = IncidentView {
        head,
        urgency: "high".to_owned(),
        service: named("019a", "Ops/DB"),
        filter: named("f", "cpu"),
        token: named("s_7QmX0c2LrT", "zabbix"),
        description: "load 99".to_owned(),
        timeline: Vec::new(),
    };
    let yes = [
        "state:open",
        "state:acknowledged",
        "priority:p1",
        "urgency:high",
        "service:DB",
        "team:Ops",
        "token:zabbix",
        "token:s_7QmX0c2LrT",
        "title:cpu",
        "key:web",
        "id:00bb",
        "age:>1h",
        "seen:<5m",
        "since:3h",
        "occurrences:>=12",
        "\"load 99\"",
    ];
    check(&INCIDENTS, &view, &yes, &["state:resolved", "priority:P2", "age:>3h", "until:3h", "service:Ops"]);

    let audit = AuditRow {
        seq: 9,
        at: NOW,
        actor: "uid 1000".to_owned(),
        uid: Some(1_000),
        action: "token.revoke".to_owned(),
        target: "token s_7QmX0c2LrT zabbix-prod".to_owned(),
        detail: String::new(),
        pid: None,
        login_uid: None,
        origin: "cli".to_owned(),
        request_id: None,
        previous: String::new(),
        hash: String::new(),
    };
    let yes = ["actor:1000", "action:token.revoke", "target:zabbix", "uid:1000", "since:1h", "seq:<10", "revoke"];
    check(&AUDIT, &audit, &yes, &["uid:0", "detail:x", "until:1h"]);
}

proptest! {
    #[test]
    fn lengths_of_time_compare_what_is_left_and_what_has_passed(
        op in prop::sample::select(vec!["<", "<=", ">", ">=", ""]),
        days in 0_i64..4,
        secs in prop_oneof![-2_i64..2, DAY - 2..DAY + 2, 2 * DAY - 2..2 * DAY + 2],
    ) {
        let compare = |secs: i64, alone: &str| match if op.is_empty() { alone } else { op } {
            "<" => secs < days * DAY,
            "<=" => secs <= days * DAY,
            ">" => secs > days * DAY,
            _ => secs >= days * DAY,
        };
        let ends = token(Some(secs), None);
        let text = format!("expires:{op}{days}d");
        prop_assert_eq!(judge(&text, &TOKENS, &ends), (secs > 0 && compare(secs, "<=")).into(), "{}", text);
        let idle = token(None, Some(secs));
        for field in ["unused", "used"] {
            let text = format!("{field}:{op}{days}d");
            prop_assert_eq!(judge(&text, &TOKENS, &idle), compare(secs, ">=").into(), "{}", text);
        }
    }
}
