//! Sample data for tests, from a fixed clock.

mod audit;

use std::sync::Arc;

use tollgate_shared::api::{
    CountedBy, HourBucket, HourView, IncidentView, LastRefusal, LastUse, LogBounds, LogHistogram, NamedRef,
    OperatorView, OutcomeCounts, ScopeView, ServiceView, StatusView, Talker, TalkerCounts, TalkerTable, TalkersView,
    TeamView, TokenView, UsageView,
};
use tollgate_shared::explain::{ConditionExplain, Explain, FilterExplain, PartExplain, Seen};
use tollgate_shared::filter::{Mode, Op};
use tollgate_shared::id::{CallId, FilterId, IncidentId, OperatorId, ServiceId, TeamId};
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::log::{Bucket, Gap, GapReason, LogRow, RefusedRow, TailItem};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::priority::Priority;
use tollgate_shared::role::{GlobalRole, TeamRole};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Expiry, Permission, TokenState};

use super::held::HeldItem;
use super::key::Key;
use super::msg::{Effects, Net};
use super::update::update;
use super::{Model, Msg};

pub(crate) use audit::{audit, audit_row, evidence, verdict};

/// `2026-11-22T03:14:00Z`.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T03:14:00Z".parse().unwrap()
}

fn uuid<T: std::str::FromStr>(kind: u64, number: u64) -> T {
    format!("0190{kind:04x}-0000-7000-8000-{number:012x}").parse().ok().unwrap()
}

pub(crate) fn token(number: u32, name: &str) -> TokenView {
    let days = i64::from(number % 400) - 2;
    let expires_at = (!number.is_multiple_of(7)).then(|| now().plus_secs(days * 86_400));
    let last_at = now().plus_secs(-i64::from(number) * 37);
    let last_use =
        LastUse { at: last_at, ip: "10.20.0.14".parse().unwrap(), user_agent: None, outcome: Outcome::Created };
    let refusal =
        LastRefusal { at: now().plus_secs(-60), ip: "10.9.9.9".parse().unwrap(), slug: "ip-not-allowed".into() };
    TokenView {
        id: format!("s_{number:010}").parse().unwrap(),
        name: name.to_owned(),
        description: String::new(),
        scope: ScopeView { kind: "service".into(), id: Some("x".into()), name: "Ops/Network".into() },
        owner: "organisation".to_owned(),
        owner_id: None,
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
        permissions: vec![Permission::IncidentsCreate],
        state: if expires_at.is_some_and(|at| at <= now()) { TokenState::Expired } else { TokenState::Active },
        expiry: Expiry::Never,
        expires_at,
        allowed_ips: Vec::new(),
        debug_until: number.is_multiple_of(3).then(|| now().plus_secs(47 * 3_600 + 120)),
        dedup_window_secs: 600,
        created_at: now().plus_secs(-9_000_000),
        created_by: "piet".into(),
        updated_at: now().plus_secs(-9_000_000),
        updated_by: "anna".into(),
        rotations: 1,
        version: 2,
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
        usage: UsageView {
            counts: OutcomeCounts { created: 12, no_match: 25, ..OutcomeCounts::default() },
            last_use: (!number.is_multiple_of(5)).then_some(last_use),
            last_refusal: (number % 11 == 4).then_some(refusal),
            calls_per_minute: vec![number % 4; 60],
            hour_hits: number % 90,
            rows_not_logged: 0,
            ..UsageView::default()
        },
    }
}

/// Tokens 1 to `count`, among them long and wide names.
pub(crate) fn tokens(count: u32) -> Vec<Arc<TokenView>> {
    let name = |number: u32| match number % 9 {
        1 => format!("zabbix-prod-{number}"),
        2 => format!("a-name-of-sixty-four-characters-that-does-not-fit-anywhere-{number:05}"),
        3 => format!("\u{76e3}\u{8996}\u{30b7}\u{30b9}\u{30c6}\u{30e0}-{number}"),
        _ => format!("sender {number}"),
    };
    (1..=count).map(|number| Arc::new(token(number, &name(number)))).collect()
}

pub(crate) fn status() -> StatusView {
    StatusView {
        version: "0.1.0".into(),
        pid: 4711,
        host: "noc-2".into(),
        caller_uid: 1000,
        caller: "anna".into(),
        caller_role: "admin".into(),
        now: now(),
        started_at: now().plus_secs(-90_000),
        listen: "127.0.0.1:7480".into(),
        tls: false,
        socket: "/run/tollgate/admin.sock".into(),
        data_dir: "/var/lib/tollgate".into(),
        teams: 2,
        services: 3,
        filters: 4,
        tokens: 9,
        tokens_debug: 2,
        tokens_expiring: 6,
        tokens_suspended: 0,
        operators: 0,
        lockdown: None,
        restored: None,
        backup: Default::default(),
        open_incidents: 3,
        open_p1: 1,
        store: "healthy".into(),
        log: LogBounds {
            oldest_at: Some(now().plus_secs(-170_000)),
            first_seq: Some(100),
            last_seq: Some(18_204_117),
            segments: 12,
            disk_bytes: 1_300_000_000,
            damaged: 0,
        },
        counters: Default::default(),
        self_service: None,
    }
}

fn condition(path: &str, ok: bool, seen: Seen) -> ConditionExplain {
    let path = path.to_owned();
    ConditionExplain { path, op: Op::Equals, values: "\"0\"".into(), negate: false, ok, seen, selected: 1 }
}

fn explain() -> Explain {
    let near = Some("event_updatestatus".to_owned());
    let conditions = vec![
        condition("event_value", true, Seen::Value("0".into())),
        condition("event_update_status", false, Seen::Missing { near }),
    ];
    let trigger = PartExplain { matched: false, match_all: false, mode: Mode::All, conditions_true: 1, conditions };
    let miss = FilterExplain {
        service_id: "s".into(),
        service: "Ops/Network".into(),
        filter_id: "f".into(),
        filter: "zabbix".into(),
        position: 1,
        trigger,
        resolve: None,
    };
    Explain { nearest_misses: vec![miss], not_reached_services: 41, ..Explain::default() }
}

pub(crate) fn row(seq: u64) -> LogRow {
    let matched = !seq.is_multiple_of(3);
    LogRow {
        seq,
        at: now().plus_secs(seq.cast_signed() - 200),
        call: uuid::<CallId>(1, seq),
        token: "s_0000000001".parse().unwrap(),
        remote_ip: "10.20.0.14".parse().unwrap(),
        user_agent: Some("zabbix".into()),
        method: "POST".into(),
        path: "/v1/process".into(),
        query: "from=zabbix".into(),
        from: Some("zabbix".into()),
        content_type: Some("application/json".into()),
        headers: vec![("content-type".into(), "application/json".into())],
        body_bytes: 30,
        body: "{\"title\":\"High CPU\",\"value\":1}".into(),
        truncated: false,
        outcome: if matched { Outcome::Created } else { Outcome::NoMatch },
        status: if matched { 201 } else { 202 },
        problem: None,
        incidents: Vec::new(),
        latency_us: 1_100,
        explain: Some(explain()),
        summary: if matched { "High CPU on web01".into() } else { "closest: zabbix, 1 of 2".into() },
    }
}

/// Rows 1 to `count`; after the fifth a gap.
pub(crate) fn tail(count: u64) -> Vec<HeldItem> {
    let gap = TailItem::Gap(Gap { from: 6, to: 8, count: 3, reason: GapReason::SlowReader });
    let rows = (1..=count).filter(|seq| !(6..=8).contains(seq)).map(|seq| TailItem::Row(row(seq).into()));
    let mut items: Vec<_> = rows.collect();
    if count > 8 {
        items.insert(5, gap);
    }
    items
}

/// Counts of a quarter of an hour, the newest minute before [`now`].
pub(crate) fn histogram() -> LogHistogram {
    let bucket = |minute: i64| Bucket {
        at: now().plus_secs(-60 * minute),
        counts: OutcomeCounts {
            created: minute.unsigned_abs() * 3 % 10,
            no_match: u64::from(minute % 7 == 3),
            ..OutcomeCounts::default()
        },
    };
    LogHistogram {
        since: now().plus_secs(-900),
        until: now(),
        bucket_secs: 60,
        buckets: (1..=15).rev().filter(|minute| minute % 4 != 0).map(bucket).collect(),
        exact: true,
        counted_since: now().plus_secs(-900),
        counted_by: CountedBy::Heads,
    }
}

/// A token that floods from one address, and others beside it.
pub(crate) fn talkers() -> TalkersView {
    let counts = |calls, refused, no_match| TalkerCounts { calls, refused, no_match };
    let row = |id: Option<&str>, name: &str, now: u64, minute: TalkerCounts| Talker {
        id: id.map(str::to_owned),
        name: name.to_owned(),
        last_10s: counts(now, 0, 0),
        last_minute: minute,
    };
    let table = |rows: Vec<Talker>, known, others| TalkerTable { rows, known, others };
    let flood = counts(299_400, 1_200, 30);
    let quiet = counts(12, 0, 1);
    TalkersView {
        now: now(),
        since: now().plus_secs(-40 * 60),
        keys_max: 1_000,
        tokens: table(
            vec![
                row(Some("s_0000000001"), "am-legacy", 49_900, flood),
                row(Some("s_0000000002"), "grafana-dmz", 2, quiet),
            ],
            2,
            None,
        ),
        addresses: Some(table(
            vec![row(Some("10.9.9.9"), "10.9.9.9", 49_900, flood), row(Some("10.20.0.14"), "10.20.0.14", 2, quiet)],
            1_000,
            Some(row(None, "others", 0, counts(40, 40, 0))),
        )),
        services: table(vec![row(Some("x"), "Ops/DB", 49_902, flood)], 1, None),
    }
}

/// The last hour of a daemon that was started forty minutes ago: quiet minutes, a storm, and a few drops in it.
pub(crate) fn hour() -> HourView {
    let bucket = |at: Timestamp, minute: i64, ran: bool| {
        let calls = if ran && minute % 5 != 0 { u32::try_from(minute * 37 % 100).unwrap() } else { 0 };
        let storm = if minute == 48 { 4_000 } else { 0 };
        let answered = |us: u64| (calls > 0).then_some(us * (1 + minute.unsigned_abs() % 4) + u64::from(storm) * 3);
        HourBucket {
            at,
            effect: calls / 2 + storm / 4,
            duplicate: calls / 4,
            no_match: u32::from(calls > 0),
            refused: storm / 2,
            unknown: u32::from(minute % 13 == 0 && ran),
            p50_us: answered(400),
            p95_us: answered(900),
            p99_us: answered(2_100),
            slowest_us: answered(9_870),
            queue: calls / 10 + storm / 50,
            log_queue: storm / 2_000,
            drops: storm / 200,
            ..HourBucket::default()
        }
    };
    let minute = |minute: i64| bucket(now().plus_secs((minute - 59) * 60), minute, minute >= 19);
    let second = |second: i64| bucket(now().plus_secs(second - 59), second, true);
    HourView {
        now: now(),
        since: now().plus_secs(-40 * 60 + 15),
        minutes: (0..60).map(minute).collect(),
        seconds: (0..60).map(second).collect(),
        queue_max: 4_096,
        log_queue_max: 64,
    }
}

pub(crate) fn refused(count: u64) -> Vec<RefusedRow> {
    let row = |seq: u64| RefusedRow {
        seq,
        at: now().plus_secs(-60 + seq.cast_signed()),
        remote_ip: Some("203.0.113.9".parse().unwrap()),
        target: "POST /api/v1/process".into(),
        status: 404,
        reason: "not-found".into(),
        detail: "there is nothing at this path".into(),
        presented_id: None,
    };
    (1..=count).map(row).collect()
}

pub(crate) fn incident(number: u64) -> IncidentView {
    let state = if number.is_multiple_of(4) { IncidentState::Resolved } else { IncidentState::Triggered };
    let token: tollgate_shared::id::TokenId = "s_0000000001".parse().unwrap();
    let opened = TimelineEvent::Opened { call: uuid::<CallId>(1, number), token };
    let at = now().plus_secs(-600 - number.cast_signed());
    IncidentView {
        head: IncidentHead {
            id: uuid::<IncidentId>(2, number),
            service: uuid::<ServiceId>(3, 1),
            filter: uuid::<FilterId>(4, 1),
            token,
            key: Some("web01/cpu".into()),
            title: format!("High CPU on web{number:02} \u{1f525} since a while, with a title that goes on and on"),
            priority: if number == 1 { Priority::P1 } else { Priority::P3 },
            state,
            overflow: false,
            occurrences: number * 3,
            duplicates: 1,
            first_seen: at,
            last_seen: at,
            resolved_at: None,
        },
        urgency: "high".into(),
        service: NamedRef { id: "x".into(), name: "Ops/Network".into() },
        filter: NamedRef { id: "y".into(), name: "zabbix".into() },
        token: NamedRef { id: token.to_string(), name: "zabbix-prod-1".into() },
        description: "CPU has been at 100 %\nfor 10 minutes".into(),
        timeline: vec![TimelineEntry { at, last_at: at, count: 1, event: opened }],
    }
}

/// A maintenance of a service that runs for another hour.
pub(crate) fn maintenance(service: &str) -> tollgate_shared::api::MaintenanceView {
    tollgate_shared::api::MaintenanceView {
        id: uuid(7, 1),
        service: NamedRef { id: service.into(), name: "Ops/Network".into() },
        state: "running".into(),
        from: now().plus_secs(-600),
        until: Some(now().plus_secs(3_600)),
        tags: Vec::new(),
        comment: "new switch".into(),
        created_at: now().plus_secs(-900),
        created_by: "anna".into(),
    }
}

pub(crate) fn organisation() -> Net {
    let team = |number, name: &str, services| TeamView {
        id: uuid::<TeamId>(5, number),
        name: name.into(),
        services,
        created_at: now(),
    };
    let service = |number, team: &TeamView, name: &str| ServiceView {
        id: uuid::<ServiceId>(3, number),
        team: NamedRef { id: team.id.to_string(), name: team.name.clone() },
        name: name.into(),
        enabled: number != 3,
        filters: 1,
        open_incidents: 2,
        maintenance: None,
        created_at: now(),
    };
    let teams = vec![team(1, "Ops", 2), team(2, "Plant", 1)];
    let services = vec![service(1, &teams[0], "DB"), service(2, &teams[0], "Network"), service(3, &teams[1], "Power")];
    let filter = |number: u64, service: &ServiceView| tollgate_shared::api::FilterView {
        id: uuid::<FilterId>(4, number),
        service: NamedRef { id: service.id.to_string(), name: format!("{}/{}", service.team.name, service.name) },
        position: 1,
        version: "1".to_owned(),
        spec: tollgate_shared::filter::preset("zabbix").unwrap(),
        lints: Vec::new(),
        created_at: now(),
    };
    let filters = vec![Arc::new(filter(1, &services[0])), Arc::new(filter(2, &services[1]))];
    Net::Organisation { teams, services, filters }
}

pub(crate) fn operator(number: u64, name: &str) -> OperatorView {
    let disabled = number == 4;
    OperatorView {
        id: uuid::<OperatorId>(6, number),
        name: name.into(),
        unix_users: if number == 3 { Vec::new() } else { vec![format!("{name} ({})", 1_000 + number)] },
        has_passphrase: number >= 3,
        role: (number == 1).then_some(GlobalRole::Admin),
        team_roles: if number == 1 { Vec::new() } else { vec![("Ops".into(), TeamRole::Responder)] },
        enabled: !disabled,
        last_seen: (number < 3).then(|| now().plus_secs(-240)),
        created_at: now().plus_secs(-9_000_000),
        created_by: "root".into(),
        version: 1,
    }
}

pub(crate) fn operators() -> Vec<OperatorView> {
    let names = ["anna", "bob", "control room", "piet"];
    names.iter().zip(1..).map(|(name, number)| operator(number, name)).collect()
}

/// A model that has been told all this.
pub(crate) fn model(columns: u16, rows: u16, count: u32) -> Model {
    let mut model = Model::new(now(), columns, rows);
    tell(&mut model, Net::Connected(Box::new(status())));
    let (open, resolved) =
        (1..=u64::from(count.min(1_000))).map(|at| Arc::new(incident(at))).partition(|row| row.head.state.is_open());
    tell(&mut model, Net::Incidents { query: String::new(), open, resolved, more: false });
    tell(&mut model, Net::Presets(vec!["alertmanager".into(), "zabbix".into()]));
    if count > 0 {
        tell(&mut model, organisation());
    } else {
        tell(&mut model, Net::Organisation { teams: Vec::new(), services: Vec::new(), filters: Vec::new() });
    }
    tell(&mut model, Net::Tokens(tokens(count)));
    let generation = model.logs.tail.generation;
    tell(&mut model, Net::Tail { slot: super::msg::Slot::Log, generation, items: tail(count.into()) });
    let generation = model.tokens.calls.generation;
    tell(&mut model, Net::Tail { slot: super::msg::Slot::Token, generation, items: tail(count.min(4).into()) });
    tell(&mut model, Net::Refused(refused(count.min(1_024).into())));
    tell(&mut model, Net::Operators(Ok(if count > 0 { operators() } else { Vec::new() })));
    model
}

pub(crate) fn tell(model: &mut Model, net: Net) -> Effects {
    update(model, Msg::Net(net), now())
}

pub(crate) fn press(model: &mut Model, key: Key) -> Effects {
    update(model, Msg::Key(key), now())
}

/// Types a text key by key.
pub(crate) fn type_text(model: &mut Model, text: &str) {
    for letter in text.chars() {
        press(model, Key::char(letter));
    }
}

/// A request whose second step failed; odd ones hold output that would clear a screen.
pub(crate) fn request(number: u64) -> tollgate_shared::api::RequestView {
    use tollgate_shared::request::{RequestState, StepRun, StepState};
    use tollgate_shared::workflow::StepKind;
    let done = StepRun {
        state: StepState::Succeeded,
        attempts: 1,
        exit_status: Some(0),
        output: "ok\u{1b}[2Jhidden".to_owned(),
        ..StepRun::pending("drain", StepKind::Run)
    };
    let failed = StepRun {
        state: StepState::Failed,
        attempts: 3,
        exit_status: Some(7),
        error: Some("exit status 7".to_owned()),
        ..StepRun::pending("restart", StepKind::Run)
    };
    tollgate_shared::api::RequestView {
        id: uuid(9, number),
        workflow: NamedRef { id: "w".to_owned(), name: "Ops/Restart".to_owned() },
        team: None,
        state: RequestState::Failed,
        detail: "step restart failed: exit status 7".to_owned(),
        token: NamedRef { id: "t".to_owned(), name: "deploy".to_owned() },
        call: uuid(8, number),
        variables: std::collections::BTreeMap::new(),
        payload: String::new(),
        steps_done: 1,
        steps: vec![done, failed],
        retries: 1,
        created_at: now().plus_secs(-90),
        started_at: None,
        finished_at: None,
    }
}
