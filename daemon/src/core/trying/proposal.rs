//! A proposal: the registry as it is beside the registry as it might be, and the verdict on one logged call between them.

use std::sync::Arc;

use tollgate_shared::api::trying::{Baseline, Doubt, Fate, NAMED_MAX, ProposedFilter, ProposedToken, Verdict, WhatIf};
use tollgate_shared::explain::{SKIPPED_MAX, SkipReason, Skipped};
use tollgate_shared::filter::{Lint, lints};
use tollgate_shared::id::{FilterId, ServiceId, TeamId, TokenId};
use tollgate_shared::limits::FILTERS_PER_SERVICE_MAX;
use tollgate_shared::log::LogRow;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::Scope;
use uuid::Uuid;

use super::fate::{self, Tried};
use super::judge::{self, Judged};
use super::recall::Recalled;
use super::requests;
use crate::core::admin::filters::{self, compiles};
use crate::core::admin::tokens::fields::{expiry_of, networks_of, scope_of};
use crate::core::authenticate;
use crate::core::endpoint::Endpoint;
use crate::core::matching::TriggerHit;
use crate::core::model::{FilterRecord, RegistryChange, Token};
use crate::core::registry::{Registry, ServiceEntry};
use crate::core::{rights, routing};

/// Filters that are asked one by one for a call; beyond that the index finds them, and what is not known of a call leaves
/// the whole call open.
const PLAIN_FILTERS_MAX: usize = 2_000;

/// What is proposed, ready to be asked about one call after the other.
pub struct Proposal {
    registry: Arc<Registry>,
    kind: Kind,
    /// With what it is compared.
    pub baseline: Baseline,
    /// From then on the token's calls are refused.
    pub ends_at: Option<Timestamp>,
    /// What looks like a mistake in the proposed filter.
    pub lints: Vec<String>,
}

enum Kind {
    Filter { service: ServiceId, before: Arc<ServiceEntry>, after: Arc<ServiceEntry> },
    Token(Box<TokenChange>),
}

/// A token before and after, judged at the first moment at which that makes a difference.
struct TokenChange {
    before: Arc<Token>,
    /// `None` = revoked.
    after: Option<Token>,
    at: Timestamp,
    rescoped: bool,
}

// === impl Proposal ===

impl Proposal {
    /// Reads what is proposed.
    ///
    /// # Errors
    /// What saving it would be refused for: an object that is not there, a filter that does not compile, no scope.
    pub fn new(registry: Arc<Registry>, what: &WhatIf, now: Timestamp) -> Result<Self, Problem> {
        match (&what.filter, &what.token) {
            (Some(filter), None) => Self::of_filter(registry, filter, now),
            (None, Some(token)) => Self::of_token(registry, token, now),
            _ => Err(invalid("filter", "propose one thing: a filter, or a token")),
        }
    }

    fn of_filter(registry: Arc<Registry>, proposed: &ProposedFilter, now: Timestamp) -> Result<Self, Problem> {
        let saved = proposed.filter.as_deref().map(|reference| registry.find_filter(reference)).transpose()?;
        let before = match (&saved, &proposed.service) {
            (Some((entry, _)), None) => (*entry).clone(),
            (None, Some(service)) => registry.find_service(service)?.clone(),
            (Some(_), Some(_)) => return Err(invalid("service", "the filter says it; leave one of the two out")),
            (None, None) => return Err(invalid("service", "name the service, or the saved filter that is meant")),
        };
        let record = saved.map(|(_, record)| record.as_ref().clone());
        let changes = filter_changes(&before, record.as_ref(), proposed, now)?;
        let service = before.service.id;
        let next = registry.apply(&changes).map_err(|why| Problem::new(Slug::Validation, why))?;
        let after = next.service(service).cloned().unwrap_or_else(|| before.clone());
        let baseline = if changes.is_empty() { Baseline::Then } else { Baseline::Today };
        let subject = proposed.spec.as_ref().or_else(|| record.as_ref().map(|record| &record.spec));
        let lints = subject.filter(|_| !proposed.delete).map(lints).unwrap_or_default();
        let lints = lints.iter().map(Lint::to_string).collect();
        Ok(Self { registry, kind: Kind::Filter { service, before, after }, baseline, ends_at: None, lints })
    }

    fn of_token(registry: Arc<Registry>, proposed: &ProposedToken, now: Timestamp) -> Result<Self, Problem> {
        let before = registry.find_token(&proposed.token)?.clone();
        let ProposedToken { token: _, scope, allowed_ips, expires, revoke } = proposed;
        let mut after = before.as_ref().clone();
        if !revoke && scope.is_none() && allowed_ips.is_none() && expires.is_none() {
            return Err(invalid("token", "say what would change: scope, allowed_ips, expires or revoke"));
        }
        if let Some(scope) = scope {
            after.scope = scope_of(&registry, scope)?;
        }
        if let Some(list) = allowed_ips {
            (after.allowed_ips, after.ip_report_only) = (networks_of(list)?, false);
        }
        if let Some(expires) = expires {
            after.expires_at = expiry_of(expires, now)?.deadline(now);
        }
        let ends_at = if *revoke { Some(now) } else { expires.as_ref().and(after.expires_at) };
        // Calls as they were, at the moment when the two part: the earlier end, or now.
        let parting = [before.expires_at, after.expires_at].into_iter().flatten().min();
        let parting = parting.filter(|_| before.expires_at != after.expires_at && !revoke);
        let change = TokenChange {
            at: parting.map_or(now, |at| at.max(now)),
            rescoped: after.scope != before.scope,
            after: (!revoke).then_some(after),
            before,
        };
        let (baseline, kind) = (Baseline::Today, Kind::Token(Box::new(change)));
        Ok(Self { registry, kind, baseline, ends_at, lints: Vec::new() })
    }

    /// The service whose filters are proposed.
    pub fn service(&self) -> Option<ServiceId> {
        match &self.kind {
            Kind::Filter { service, .. } => Some(*service),
            Kind::Token(_) => None,
        }
    }

    /// That service with the proposal in it.
    pub fn proposed_entry(&self) -> Option<Arc<ServiceEntry>> {
        match &self.kind {
            Kind::Filter { after, .. } => Some(after.clone()),
            Kind::Token(_) => None,
        }
    }

    /// The only token whose calls are concerned.
    pub fn token(&self) -> Option<TokenId> {
        match &self.kind {
            Kind::Filter { .. } => None,
            Kind::Token(change) => Some(change.before.id),
        }
    }

    /// Whether calls of this token, living or dead, are concerned.
    pub fn concerns(&self, token: TokenId) -> bool {
        match &self.kind {
            Kind::Token(change) => change.before.id == token,
            Kind::Filter { before, .. } => {
                let dead = || self.registry.tombstone(token).map(|stone| &stone.token);
                let token = self.registry.token(token).map(AsRef::as_ref).or_else(dead);
                token.is_some_and(|token| reaches(&self.registry, token, before))
            }
        }
    }

    /// The verdict on one call of a token that is concerned.
    pub fn try_row(&self, row: &LogRow) -> Tried {
        match &self.kind {
            Kind::Filter { service, before, after } => self.try_filters(row, *service, before, after),
            Kind::Token(change) => self.try_token(row, change),
        }
    }

    fn try_filters(&self, row: &LogRow, service: ServiceId, before: &ServiceEntry, after: &ServiceEntry) -> Tried {
        if requests::is_request(row) {
            // No filter is asked for it.
            let nothing = Fate::default();
            return Tried { verdict: Verdict::Unchanged, doubt: None, before: nothing.clone(), after: nothing };
        }
        let then = fate::then(row);
        // No filter lets a call in that was refused.
        if let Some(refused) = then.clone().filter(|fate| fate.refused.is_some()) {
            return Tried { verdict: Verdict::Unchanged, doubt: None, before: refused.clone(), after: refused };
        }
        let (Some(recalled), Some(mut then)) = (Recalled::of(row), then) else { return not_kept(None) };
        let now = judge::judge(after, &recalled);
        if self.baseline == Baseline::Today {
            return between(judge::judge(before, &recalled), now);
        }
        let id = service.to_string();
        then.effects.retain(|effect| effect.service.id == id);
        let (verdict, doubt) = fate::compare_with_then(&then, &now);
        Tried { verdict, doubt, before: then, after: fate_of(now) }
    }

    fn try_token(&self, row: &LogRow, change: &TokenChange) -> Tried {
        let refusal_of = |token: &Token| refusal(&self.registry, token, row, change.at);
        let refused_before = refusal_of(&change.before);
        let refused_after = match &change.after {
            Some(after) => refusal_of(after),
            None => Some(Slug::TokenRevoked.as_str().to_owned()),
        };
        let recalled = Recalled::of(row);
        let judged = |token: &Token| recalled.as_ref().map(|recalled| self.judge_all(token, recalled));
        let refusal = |slug| Fate { refused: Some(slug), effects: Vec::new() };
        let fate = |token: &Token| match &recalled {
            Some(recalled) if requests::is_request(row) => requests::now(&self.registry, recalled),
            _ => judged(token).map(fate_of).unwrap_or_default(),
        };
        let plain = |verdict, before, after| Tried { verdict, doubt: None, before, after };
        let after_token = change.after.as_ref().unwrap_or(&change.before);
        match (refused_before, refused_after) {
            (Some(before), Some(after)) => plain(Verdict::Unchanged, refusal(before), refusal(after)),
            (None, Some(after)) => plain(Verdict::Lost, fate(&change.before), refusal(after)),
            (Some(before), None) => plain(Verdict::Gained, refusal(before), fate(after_token)),
            // Which workflows start is not asked of the token.
            (None, None) if !change.rescoped || requests::is_request(row) => {
                plain(Verdict::Unchanged, Fate::default(), Fate::default())
            }
            (None, None) => match (judged(&change.before), judged(after_token)) {
                (Some(before), Some(after)) => between(before, after),
                _ => not_kept(None),
            },
        }
    }

    fn judge_all(&self, token: &Token, recalled: &Recalled) -> Judged {
        judge_reached(&self.registry, token, recalled)
    }

    /// Services and filters concerned that take no part.
    pub fn skipped(&self) -> Vec<Skipped> {
        match &self.kind {
            Kind::Filter { after, .. } => skipped_of(after),
            Kind::Token(change) => {
                let token = change.after.as_ref().unwrap_or(&change.before);
                let disabled = reached(&self.registry, token).into_iter().filter(|entry| !entry.service.enabled);
                disabled.flat_map(|entry| skipped_of(entry)).take(SKIPPED_MAX).collect()
            }
        }
    }
}

/// Why a token's call of this row's kind would be refused, before anything of it is judged.
fn refusal(registry: &Registry, token: &Token, row: &LogRow, at: Timestamp) -> Option<String> {
    let endpoint = if requests::is_request(row) { Endpoint::Request } else { Endpoint::Process };
    if endpoint == Endpoint::Request && token.scope != Scope::Global {
        return Some(Slug::ScopeMissing.as_str().to_owned());
    }
    let denied = authenticate::check(registry, token, row.remote_ip, Some(endpoint.permission()), at).err()?;
    Some(denied.slug.as_str().to_owned())
}

/// What a call comes to in everything that a token reaches.
pub(super) fn judge_reached(registry: &Registry, token: &Token, recalled: &Recalled) -> Judged {
    let entries = reached(registry, token);
    let filters: usize = entries.iter().map(|entry| entry.records.len()).sum();
    let mut judged = Judged::default();
    if filters <= PLAIN_FILTERS_MAX {
        entries.iter().for_each(|entry| judged.add(judge::judge(entry, recalled)));
        return judged;
    }
    let plan = routing::plan_for(registry, token, &recalled.call, &recalled.call);
    for found in plan.services {
        let Some(entry) = registry.service(found.service) else { continue };
        let resolves = found.resolves.into_iter();
        judged.effects.extend(resolves.map(|(filter, key)| {
            let effect = judge::effect(entry, filter.0, "resolve");
            tollgate_shared::api::trying::TriedEffect { key: Some(key), ..effect }
        }));
        let resolved = judged.effects.iter().any(|effect| effect.service.id == entry.service.id.to_string());
        if let Some(trigger) = found.trigger.filter(|_| !resolved) {
            let hit = TriggerHit {
                filter: trigger.filter.0,
                filter_name: String::new(),
                key: trigger.key,
                title: trigger.title,
                description: trigger.description,
                priority: trigger.priority,
            };
            judged.effects.push(judge::opened(entry, hit));
        }
    }
    judged.doubt = recalled.whole_doubt();
    judged
}

fn reached<'r>(registry: &'r Registry, token: &Token) -> Vec<&'r Arc<ServiceEntry>> {
    match rights::own_teams(registry, token) {
        None => registry.reached(token.scope).iter().collect(),
        Some(teams) => teams.into_iter().flat_map(|team| registry.reached(Scope::Team(team))).collect(),
    }
}

/// Whether a token reaches a service.
pub(super) fn reaches(registry: &Registry, token: &Token, entry: &ServiceEntry) -> bool {
    let of_team = |team: TeamId| entry.service.team == team;
    match token.scope {
        Scope::Global => true,
        Scope::Team(team) => of_team(team),
        Scope::Service(service) => entry.service.id == service,
        Scope::Mine => rights::own_teams(registry, token).unwrap_or_default().into_iter().any(of_team),
    }
}

fn skipped_of(entry: &ServiceEntry) -> Vec<Skipped> {
    let skipped = |filter: Option<String>| Skipped {
        service_id: entry.service.id.to_string(),
        service: entry.full_name.clone(),
        filter,
        why: SkipReason::Disabled,
    };
    if !entry.service.enabled {
        return vec![skipped(None)];
    }
    entry.compiled.iter().filter(|filter| !filter.enabled).map(|filter| skipped(Some(filter.name.clone()))).collect()
}

/// What saving the proposal would change, refused where saving would be.
fn filter_changes(
    entry: &ServiceEntry,
    saved: Option<&FilterRecord>,
    proposed: &ProposedFilter,
    now: Timestamp,
) -> Result<Vec<RegistryChange>, Problem> {
    if proposed.delete {
        let saved = saved.ok_or_else(|| invalid("filter", "name the saved filter that would be deleted"))?;
        return Ok(vec![RegistryChange::DeleteFilter(saved.id)]);
    }
    let mut record = match (saved, &proposed.spec) {
        (None, None) => return Ok(Vec::new()),
        (Some(_), None) if proposed.position.is_none() => return Ok(Vec::new()),
        (Some(saved), None) => saved.clone(),
        (Some(saved), Some(spec)) => FilterRecord { spec: spec.clone(), ..saved.clone() },
        (None, Some(spec)) => FilterRecord {
            id: FilterId(Uuid::nil()),
            service: entry.service.id,
            position: u32::try_from(entry.records.len()).unwrap_or(u32::MAX).saturating_add(1),
            spec: spec.clone(),
            created_at: now,
        },
    };
    compiles(record.id, &record.spec)?;
    if saved.is_none() && entry.records.len() >= FILTERS_PER_SERVICE_MAX {
        let detail = format!("service `{}` has {FILTERS_PER_SERVICE_MAX} filters, which is the limit", entry.full_name);
        return Err(Problem::new(Slug::Validation, detail));
    }
    record.position = proposed.position.unwrap_or(record.position);
    Ok(filters::placed(entry, record, proposed.position.is_some()))
}

fn between(before: Judged, after: Judged) -> Tried {
    let (verdict, doubt) = fate::compare(&before, &after);
    Tried { verdict, doubt, before: fate_of(before), after: fate_of(after) }
}

pub(super) fn fate_of(judged: Judged) -> Fate {
    let mut effects = judged.effects;
    effects.truncate(NAMED_MAX);
    Fate { refused: None, effects }
}

fn not_kept(refused: Option<String>) -> Tried {
    let fate = Fate { refused, effects: Vec::new() };
    Tried { verdict: Verdict::CannotTell, doubt: Some(Doubt::NotKept), before: fate.clone(), after: fate }
}

fn invalid(field: &str, message: &str) -> Problem {
    Problem::new(Slug::Validation, format!("{field}: {message}")).with_error(field, message)
}

/// A logged call through a registry, beside what was decided then.
pub fn replay(registry: &Registry, row: &LogRow, now: Timestamp) -> Tried {
    let then = fate::then(row);
    let before = then.clone().unwrap_or_default();
    let Some(token) = registry.token(row.token) else {
        let after = Fate { refused: Some(Slug::TokenRevoked.as_str().to_owned()), effects: Vec::new() };
        let verdict = if before.refused.is_some() { Verdict::Unchanged } else { Verdict::Lost };
        return Tried { verdict, doubt: None, before, after };
    };
    if let Some(slug) = refusal(registry, token, row, now) {
        let after = Fate { refused: Some(slug), effects: Vec::new() };
        let verdict = if before.refused.is_some() { Verdict::Unchanged } else { Verdict::Lost };
        return Tried { verdict, doubt: None, before, after };
    }
    if requests::is_request(row) {
        return requests::tried(registry, row, before.refused);
    }
    let (Some(recalled), Some(then)) = (Recalled::of(row), then) else { return not_kept(before.refused) };
    let judged = judge_reached(registry, token, &recalled);
    let (verdict, doubt) = match &then.refused {
        Some(_) => (Verdict::Gained, judged.doubt),
        None => fate::compare_with_then(&then, &judged),
    };
    Tried { verdict, doubt, before: then, after: fate_of(judged) }
}
