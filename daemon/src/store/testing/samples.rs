//! Rows that tests store, each made from a number.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{CallId, FilterId, IncidentId, MaintenanceId, ServiceId, TeamId, TokenId};
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::log::LogRow;
use tollgate_shared::name::Name;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::priority::Priority;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Expiry, Owner, Permission, RateLimit, Scope};
use uuid::Uuid;

use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::IdempotencyKey;
use crate::core::measures::{Block, Measures, TimedLimit};
use crate::core::model::{
    DeadSecret, Death, DedupEntry, Effect, IncidentBody, Issuer, Mac, Maintenance, Overlap, Service, StoredAnswer,
    Suspension, Team, Token, Tombstone,
};

/// 2026-11-22T03:14:07Z, where the tests begin.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_317_247_000_000);
pub(in crate::store) const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

pub(crate) fn at(secs: i64) -> Timestamp {
    START.plus_secs(secs)
}

fn uuid(kind: u128, n: u64) -> Uuid {
    Uuid::from_u128((0x0198_0000_0000_7000_8000_0000_0000_0000 | (kind << 56)) + u128::from(n))
}

pub(in crate::store) fn team_id(n: u64) -> TeamId {
    TeamId(uuid(1, n))
}

pub(in crate::store) fn service_id(n: u64) -> ServiceId {
    ServiceId(uuid(2, n))
}

pub(in crate::store) fn filter_id(n: u64) -> FilterId {
    FilterId(uuid(3, n))
}

pub(in crate::store) fn incident_id(n: u64) -> IncidentId {
    IncidentId(uuid(4, n))
}

pub(in crate::store) fn call_id(n: u64) -> CallId {
    CallId(uuid(5, n))
}

pub(crate) fn token_id(n: u64) -> TokenId {
    format!("s_{n:010}").parse().unwrap()
}

pub(crate) fn team(n: u64) -> Team {
    Team { id: team_id(n), name: Name::new(&format!("team {n}")).unwrap(), created_at: START }
}

pub(crate) fn service(n: u64) -> Service {
    let name = Name::new(&format!("service {n}")).unwrap();
    Service { id: service_id(n), team: team_id(1), name, enabled: true, created_at: START }
}

pub(crate) fn token(n: u64) -> Token {
    Token {
        id: token_id(n),
        name: Name::new(&format!("token {n}")).unwrap(),
        description: "zabbix in the second hall".to_owned(),
        scope: Scope::Service(service_id(1)),
        owner: Owner::Organisation,
        permissions: vec![Permission::IncidentsCreate, Permission::TokenRefresh],
        sealed: false,
        not_before: Some(at(1)),
        expiry: Expiry::AfterSecs(86_400),
        expires_at: Some(at(86_400)),
        allowed_ips: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        ip_report_only: true,
        debug_until: None,
        dedup_window_secs: 600,
        dedup_ignore: vec!["alerts[*].startsAt".to_owned()],
        dedup_strict: false,
        rate_limit: Some(RateLimit { calls_per_min: 600, burst: 60 }),
        query_token: true,
        suspended: Some(Suspension { at: at(4), by: "anna".to_owned(), reason: "doubt".to_owned() }),
        overlap: Some(Overlap { mac: Mac([8; 32]), since: at(2), until: at(3) }),
        rotate_key: Some("once".to_owned()),
        imported: false,
        issued_by: Issuer::Superuser,
        mac: Mac([7; 32]),
        generation: 3,
        rotations: 1,
        created_at: START,
        created_by: "root".to_owned(),
        updated_at: at(1),
        updated_by: "uid 1000".to_owned(),
    }
}

pub(in crate::store) fn tombstone(n: u64) -> Tombstone {
    let (revoked_by, reason) = ("root".to_owned(), "leaked".to_owned());
    Tombstone { token: token(n), revoked_at: at(9), revoked_by, reason }
}

pub(in crate::store) fn dead_secret(n: u64) -> DeadSecret {
    DeadSecret { mac: Mac([7; 32]), token: token_id(n), at: at(9), death: Death::Revoked }
}

pub(crate) fn audit_row(n: u64) -> AuditRow {
    AuditRow {
        seq: 0,
        at: at(n.cast_signed()),
        actor: "uid 1000".to_owned(),
        uid: Some(1_000),
        action: "team.create".to_owned(),
        target: format!("team {n}"),
        detail: String::new(),
        pid: Some(4_711),
        login_uid: Some(1_001),
        origin: "cli".to_owned(),
        request_id: Some("01a20132-eae1-710a-af75-b0be1d1d2199".to_owned()),
        previous: "0".repeat(64),
        hash: "f".repeat(64),
    }
}

/// An open incident of a service under a key.
pub(in crate::store) fn head(n: u64, service: u64, key: Option<&str>) -> IncidentHead {
    IncidentHead {
        id: incident_id(n),
        service: service_id(service),
        filter: filter_id(1),
        token: token_id(1),
        key: key.map(str::to_owned),
        title: format!("disk {n} is full"),
        priority: Priority::P2,
        state: IncidentState::Triggered,
        overflow: false,
        occurrences: 1,
        duplicates: 0,
        first_seen: START,
        last_seen: START,
        resolved_at: None,
    }
}

pub(in crate::store) fn resolved(mut head: IncidentHead, secs: i64) -> IncidentHead {
    head.state = IncidentState::Resolved;
    head.resolved_at = Some(at(secs));
    head
}

pub(in crate::store) fn body(n: u64) -> IncidentBody {
    IncidentBody { description: format!("/var/lib/{n} has 0 bytes left"), source_ip: IP }
}

pub(in crate::store) fn opened(n: u64) -> TimelineEntry {
    entry(n, TimelineEvent::Opened { call: call_id(n), token: token_id(1) })
}

pub(in crate::store) fn attached(n: u64) -> TimelineEntry {
    entry(n, TimelineEvent::Attached { call: call_id(n), token: token_id(1) })
}

pub(in crate::store) fn acknowledged(n: u64) -> TimelineEntry {
    entry(n, TimelineEvent::Acknowledged { by: "root".to_owned() })
}

fn entry(n: u64, event: TimelineEvent) -> TimelineEntry {
    let moment = at(n.cast_signed());
    TimelineEntry { at: moment, last_at: moment, count: 1, event }
}

pub(in crate::store) fn fingerprint(n: u64) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Fingerprint(bytes)
}

pub(in crate::store) fn dedup_entry(n: u64) -> DedupEntry {
    let effect = Effect {
        service: service_id(1),
        key: Some("db-1".to_owned()),
        open_after: Some(incident_id(n)),
        incident: incident_id(n),
    };
    DedupEntry { at: at(n.cast_signed()), effects: vec![effect] }
}

pub(in crate::store) fn stored_answer(n: u64) -> StoredAnswer {
    let body = format!("{{\"n\":{n}}}").into_bytes();
    StoredAnswer { at: at(n.cast_signed()), print: fingerprint(n), status: 201, body }
}

pub(in crate::store) fn idempotency_key(n: u64) -> IdempotencyKey {
    IdempotencyKey(fingerprint(n).0)
}

/// A maintenance of service 1, for calls with both of its tags.
pub(in crate::store) fn maintenance(n: u64) -> Maintenance {
    Maintenance {
        id: MaintenanceId(incident_id(n).0),
        service: service_id(1),
        from: START,
        until: Some(at(3_600)),
        tags: vec!["db1".to_owned(), "reboot".to_owned()],
        comment: "patch night".to_owned(),
        created_at: START,
        created_by: "anna".to_owned(),
    }
}

/// A row of the log, `secs` after the start.
pub(crate) fn log_row(seq: u64, secs: i64) -> Arc<LogRow> {
    Arc::new(LogRow {
        seq,
        at: at(secs),
        call: call_id(seq),
        token: token_id(1),
        remote_ip: IP,
        user_agent: Some("Zabbix".to_owned()),
        method: "POST".to_owned(),
        path: "/v1/process".to_owned(),
        query: "from=zabbix".to_owned(),
        from: Some("zabbix".to_owned()),
        content_type: Some("application/json".to_owned()),
        headers: vec![("host".to_owned(), "alerts".to_owned())],
        body_bytes: 2,
        body: "{}".to_owned(),
        truncated: false,
        outcome: Outcome::Created,
        status: 202,
        problem: None,
        incidents: vec![incident_id(1)],
        latency_us: 412,
        explain: None,
        summary: format!("row {seq}"),
    })
}

pub(in crate::store) fn measures() -> Measures {
    let limit = RateLimit { calls_per_min: 60, burst: 10 };
    Measures {
        limit: Some(TimedLimit { limit, until: at(3_600) }),
        blocks: vec![Block { net: "10.9.9.0/24".parse().unwrap(), until: at(600) }],
        debug_one_in: Some(100),
    }
}
