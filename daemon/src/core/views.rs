//! Records as the API shows them.

use tollgate_shared::api::{
    BlockView, FilterView, IncidentView, LastUse, LimitedFor, MaintenanceView, NamedRef, OperatorView, ScopeView,
    ServiceMaintenance, ServiceView, SourceView, SuspensionView, TeamView, TokenView, UsageView, WhoAmI,
};
use tollgate_shared::filter::lints;
use tollgate_shared::id::{OperatorId, ServiceId};
use tollgate_shared::incident::{IncidentHead, TimelineEntry};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Scope, TokenState};

use super::admin::filter_version;
use super::measures::Block;
use super::model::{FilterRecord, Issuer, Maintenance, Operator, SourceRecord, Team, Token, Tombstone, UnixUser};
use super::registry::{Registry, ServiceEntry};
use super::rights;

/// A team.
pub fn team(registry: &Registry, team: &Team) -> TeamView {
    let services = registry.reached(Scope::Team(team.id)).len();
    TeamView { id: team.id, name: team.name.to_string(), services: count(services), created_at: team.created_at }
}

/// A service; `open_incidents` comes from the store.
pub fn service(registry: &Registry, entry: &ServiceEntry, open_incidents: u32, now: Timestamp) -> ServiceView {
    let team = registry.team(entry.service.team).map_or_else(String::new, |team| team.name.to_string());
    ServiceView {
        id: entry.service.id,
        team: NamedRef { id: entry.service.team.to_string(), name: team },
        name: entry.service.name.to_string(),
        enabled: entry.service.enabled,
        filters: count(entry.records.len()),
        open_incidents,
        maintenance: covering(registry, entry.service.id, now),
        created_at: entry.service.created_at,
    }
}

/// One with tags covers only calls that hold them, so it says nothing of the service as a whole.
fn covering(registry: &Registry, service: ServiceId, now: Timestamp) -> Option<ServiceMaintenance> {
    let running = registry.maintenances_of(service).iter().filter(|one| one.tags.is_empty() && one.runs(now));
    let last = running.max_by_key(|one| (one.until.is_none(), one.until))?;
    Some(ServiceMaintenance { id: last.id, until: last.until })
}

/// An operator; `last_seen` is known to the doors.
pub fn operator(registry: &Registry, operator: &Operator, last_seen: Option<Timestamp>) -> OperatorView {
    let team = |id| registry.team(id).map_or_else(|| "(deleted)".to_owned(), |team| team.name.to_string());
    let unix_user = |user: &UnixUser| match user.name.as_str() {
        "" => user.uid.to_string(),
        name => format!("{name} ({})", user.uid),
    };
    OperatorView {
        id: operator.id,
        name: operator.name.to_string(),
        unix_users: operator.unix_users.iter().map(unix_user).collect(),
        has_passphrase: operator.passphrase.is_some(),
        role: operator.role,
        team_roles: operator.team_roles.iter().map(|(id, role)| (team(*id), *role)).collect(),
        enabled: operator.enabled,
        last_seen,
        created_at: operator.created_at,
        created_by: operator.created_by.clone(),
        version: operator.version,
    }
}

/// A maintenance.
pub fn maintenance(registry: &Registry, one: &Maintenance, now: Timestamp) -> MaintenanceView {
    let service = registry.service(one.service).map_or_else(|| "(deleted)".to_owned(), |entry| entry.full_name.clone());
    let state = if one.is_over(now) {
        "over"
    } else if one.runs(now) {
        "running"
    } else {
        "planned"
    };
    MaintenanceView {
        id: one.id,
        service: NamedRef { id: one.service.to_string(), name: service },
        state: state.to_owned(),
        from: one.from,
        until: one.until,
        tags: one.tags.clone(),
        comment: one.comment.clone(),
        created_at: one.created_at,
        created_by: one.created_by.clone(),
    }
}

/// A filter.
pub fn filter(entry: &ServiceEntry, record: &FilterRecord) -> FilterView {
    FilterView {
        id: record.id,
        service: NamedRef { id: entry.service.id.to_string(), name: entry.full_name.clone() },
        position: record.position,
        spec: record.spec.clone(),
        lints: lints(&record.spec).into_iter().map(|lint| lint.to_string()).collect(),
        created_at: record.created_at,
        version: filter_version(record),
    }
}

/// A living token.
pub fn token(registry: &Registry, token: &Token, usage: UsageView, now: Timestamp) -> TokenView {
    let overlap = token.overlap.filter(|overlap| overlap.runs(now));
    let measures = registry.measures(token.id).map(|all| all.still(token.debug_until, now)).unwrap_or_default();
    TokenView {
        id: token.id,
        name: token.name.to_string(),
        description: token.description.clone(),
        scope: scope(registry, token.scope),
        owner: owner_name(registry, token.owner),
        owner_id: match token.owner {
            Owner::Organisation => None,
            Owner::Operator(id) => Some(id.to_string()),
        },
        sealed: token.sealed,
        not_before: token.not_before,
        permissions: token.permissions.clone(),
        state: state_of(token, now),
        expiry: token.expiry,
        expires_at: token.expires_at,
        allowed_ips: token.allowed_ips.iter().map(short_network).collect(),
        ip_report_only: token.ip_report_only,
        dedup_ignore: token.dedup_ignore.clone(),
        dedup_strict: token.dedup_strict,
        rate_limit: token.rate_limit,
        limited_for: measures.limit.map(|timed| LimitedFor { limit: timed.limit, until: timed.until }),
        blocked: measures.blocks.iter().map(block).collect(),
        debug_one_in: measures.debug_one_in,
        query_token: token.query_token,
        delivery_ids: registry.token_options(token.id).delivery_ids,
        suspended: token.suspended.as_ref().map(|suspension| SuspensionView {
            at: suspension.at,
            by: suspension.by.clone(),
            reason: suspension.reason.clone(),
        }),
        overlap_until: overlap.map(|overlap| overlap.until),
        rotating: None,
        imported: token.imported,
        issued_by: issuer_name(registry, token.issued_by),
        debug_until: token.debug_until.filter(|until| *until > now),
        dedup_window_secs: token.dedup_window_secs,
        created_at: token.created_at,
        created_by: token.created_by.clone(),
        updated_at: token.updated_at,
        updated_by: token.updated_by.clone(),
        rotations: token.rotations,
        version: token.generation,
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
        usage,
    }
}

fn block(block: &Block) -> BlockView {
    BlockView { net: short_network(&block.net), until: block.until }
}

/// Where a living token stands. One that is expired is so whether or not it is suspended, too.
pub fn state_of(token: &Token, now: Timestamp) -> TokenState {
    if token.expires_at.is_some_and(|end| end <= now) {
        TokenState::Expired
    } else if token.suspended.is_some() {
        TokenState::Suspended
    } else if token.needs_rotation() {
        TokenState::NeedsRotation
    } else if token.not_before.is_some_and(|begin| now < begin) {
        TokenState::NotYetValid
    } else {
        TokenState::Active
    }
}

/// `organisation`, or the operator's name.
pub fn owner_name(registry: &Registry, owner: Owner) -> String {
    match owner {
        Owner::Organisation => "organisation".to_owned(),
        Owner::Operator(id) => operator_name(registry, id),
    }
}

/// `root`, the operator's name, or the token's id.
pub fn issuer_name(registry: &Registry, issuer: Issuer) -> String {
    match issuer {
        Issuer::Superuser => "root".to_owned(),
        Issuer::Operator(id) => operator_name(registry, id),
        Issuer::Token(id) => id.to_string(),
    }
}

fn operator_name(registry: &Registry, id: OperatorId) -> String {
    registry.operator(id).map_or_else(|| "(deleted)".to_owned(), |operator| operator.name.to_string())
}

/// Where a token's calls came from.
pub fn source(source: &SourceRecord) -> SourceView {
    SourceView {
        net: short_network(&source.net),
        merged: source.merged,
        secret: if source.old_secret { "old" } else { "new" }.to_owned(),
        first: source.first,
        last: source.last,
        calls: source.calls,
        refused: source.refused,
    }
}

/// What a token is told about itself.
pub fn who_am_i(registry: &Registry, token: &Token, last_use: Option<LastUse>) -> WhoAmI {
    WhoAmI {
        id: token.id,
        name: token.name.to_string(),
        scope: scope(registry, token.scope),
        permissions: rights::effective(registry, token),
        expires_at: token.expires_at,
        last_use,
    }
}

/// What a revoked token left.
pub fn tombstone(registry: &Registry, stone: &Tombstone, usage: UsageView, now: Timestamp) -> TokenView {
    TokenView {
        state: TokenState::Revoked,
        debug_until: None,
        revoked_at: Some(stone.revoked_at),
        revoked_by: Some(stone.revoked_by.clone()),
        revoke_reason: Some(stone.reason.clone()),
        ..token(registry, &stone.token, usage, now)
    }
}

/// A scope with the name of what it reaches.
pub fn scope(registry: &Registry, scope: Scope) -> ScopeView {
    let gone = || "(deleted)".to_owned();
    let (kind, id, name) = match scope {
        Scope::Global => ("global", None, "global".to_owned()),
        Scope::Mine => ("mine", None, "mine".to_owned()),
        Scope::Team(id) => {
            ("team", Some(id.to_string()), registry.team(id).map_or_else(gone, |team| team.name.to_string()))
        }
        Scope::Service(id) => {
            ("service", Some(id.to_string()), registry.service(id).map_or_else(gone, |entry| entry.full_name.clone()))
        }
    };
    ScopeView { kind: kind.to_owned(), id, name }
}

/// An incident for a list: without its words and its story.
pub fn incident(registry: &Registry, head: IncidentHead) -> IncidentView {
    let service = registry.service(head.service).map_or_else(|| "(deleted)".to_owned(), |e| e.full_name.clone());
    IncidentView {
        urgency: head.priority.urgency().as_str().to_owned(),
        service: NamedRef { id: head.service.to_string(), name: service },
        filter: NamedRef { id: head.filter.to_string(), name: registry.filter_name(head.filter) },
        token: NamedRef { id: head.token.to_string(), name: registry.token_name(head.token) },
        head,
        description: String::new(),
        timeline: Vec::new(),
    }
}

/// An incident whole.
pub fn incident_whole(
    registry: &Registry,
    head: IncidentHead,
    description: String,
    timeline: Vec<TimelineEntry>,
) -> IncidentView {
    IncidentView { description, timeline, ..incident(registry, head) }
}

/// `10.0.0.1` for a network of one address, else the CIDR.
fn short_network(net: &ipnet::IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
