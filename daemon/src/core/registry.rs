//! The registry: teams, services, filters, tokens, as one immutable snapshot.
//!
//! The hot path reads a snapshot without a lock; a change makes the next one. Everything large is shared behind `Arc`s and
//! the tokens are sharded, so that a change to one token of 100,000 copies one shard's map and no other.

mod listed;
mod load;
mod lookup;
mod order;
mod read;
mod routes;
mod shards;
mod workflows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tollgate_shared::filter::FieldError;
use tollgate_shared::id::{FilterId, MaintenanceId, OperatorId, ServiceId, TeamId, TokenId};
use tollgate_shared::name::Name;

use self::routes::Routes;
use self::shards::Shards;
use self::workflows::Workflows;
use super::matching::{CompiledFilter, Filters};
use super::measures::Measures;
use super::model::{
    Backups, DeadSecret, Death, FilterRecord, KeptQuery, KeptQueryKey, Lockdown, Mac, Maintenance, Operator,
    RedactionRules, RegistryChange, Restored, Service, Team, Token, TokenOptions, Tombstone,
};
use crate::core::call::redact::Rules;
use crate::store::Loaded;

pub use self::listed::{Brief, Listed, head_of};
pub use self::lookup::{Ambiguity, LookupError};
pub use self::order::{Iter as ServicesIter, Services};

/// One state of the registry.
#[derive(Clone)]
pub struct Registry {
    /// Counts up with every change.
    version: u64,
    /// The version of the last change that can alter which incidents a call opens: teams, services, filters.
    routing: u64,
    teams: Arc<BTreeMap<TeamId, Arc<Team>>>,
    services: Shards<ServiceId, Arc<ServiceEntry>>,
    routes: Routes,
    tokens: Shards<TokenId, Listed<Token>>,
    /// Living tokens by their name's key: names are unique within a scope only.
    token_names: Shards<String, Vec<TokenId>>,
    secrets: Shards<Mac, SecretEntry>,
    tombstones: Shards<TokenId, Listed<Tombstone>>,
    operators: Arc<BTreeMap<OperatorId, Arc<Operator>>>,
    lockdown: Option<Arc<Lockdown>>,
    restored: Option<Arc<Restored>>,
    backups: Arc<Backups>,
    workflows: Workflows,
    kept_queries: Arc<BTreeMap<KeptQueryKey, Arc<KeptQuery>>>,
    redaction: Arc<Redaction>,
    token_options: Shards<TokenId, TokenOptions>,
    /// Of the few tokens that have any.
    measures: Arc<BTreeMap<TokenId, Arc<Measures>>>,
    /// Planned and running, by service.
    maintenances: Arc<BTreeMap<ServiceId, Vec<Arc<Maintenance>>>>,
}

/// A service with its filters, ready to evaluate.
pub struct ServiceEntry {
    /// The service.
    pub service: Arc<Service>,
    /// `Ops/DB`.
    pub full_name: String,
    /// By position.
    pub records: Vec<Arc<FilterRecord>>,
    /// The same, compiled.
    pub compiled: Filters,
    /// Lower-case names of the headers that its filters read.
    header_names: BTreeSet<String>,
}

/// The rules of redaction, as they are kept and as they are applied.
#[derive(Default)]
pub struct Redaction {
    /// As they are kept.
    pub saved: RedactionRules,
    /// As they are applied.
    pub rules: Arc<Rules>,
}

/// Whose secret a MAC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretEntry {
    /// The current secret of a living token.
    Living(TokenId),
    /// The old secret of a living token, alive until its overlap's deadline.
    Overlapping(TokenId),
    /// One that never works again.
    Dead(TokenId, Death),
}

impl Redaction {
    fn of(saved: &RedactionRules) -> Result<Arc<Self>, String> {
        let rules = Rules::compile(&saved.rules).map_err(|(name, why)| format!("redaction rule {name}: {why}"))?;
        Ok(Arc::new(Self { saved: saved.clone(), rules: Arc::new(rules) }))
    }
}

impl Registry {
    /// The registry as the store has it. Its versions are above `before`, so that nothing made with an earlier snapshot
    /// passes for current.
    ///
    /// # Errors
    /// A stored filter that does not compile; its id and the reason.
    pub fn from_loaded(loaded: &Loaded, before: u64) -> Result<Self, String> {
        let mut registry = Self::empty(before + 1);
        for team in &loaded.teams {
            Arc::make_mut(&mut registry.teams).insert(team.id, Arc::new(team.clone()));
        }
        let entries = load::entries(loaded)?;
        entries.iter().for_each(|entry| registry.services.insert(entry.service.id, entry.clone()));
        registry.routes = Routes::of(entries);
        for token in &loaded.tokens {
            registry.put_token(token);
        }
        for dead in &loaded.dead_secrets {
            registry.put_dead(dead);
        }
        for tombstone in &loaded.tombstones {
            registry.put_tombstone(tombstone);
        }
        registry.operators = Arc::new(loaded.operators.iter().map(|op| (op.id, Arc::new(op.clone()))).collect());
        registry.kept_queries =
            Arc::new(loaded.kept_queries.iter().map(|kept| (kept.key(), Arc::new(kept.clone()))).collect());
        for (token, options) in &loaded.token_options {
            registry.token_options.insert(*token, *options);
        }
        registry.measures = Arc::new(loaded.measures.iter().map(|(id, of)| (*id, Arc::new(of.clone()))).collect());
        for one in &loaded.maintenances {
            registry.put_maintenance(one);
        }
        registry.lockdown = loaded.lockdown.clone().map(Arc::new);
        registry.restored = loaded.restored.clone().map(Arc::new);
        registry.backups = Arc::new(loaded.backups.clone());
        for workflow in &loaded.workflows {
            registry.put_workflow(workflow)?;
        }
        registry.redaction = Redaction::of(&loaded.redaction)?;
        Ok(registry)
    }

    fn empty(version: u64) -> Self {
        Self {
            version,
            routing: version,
            teams: Arc::default(),
            services: Shards::new(),
            routes: Routes::of(Vec::new()),
            tokens: Shards::new(),
            token_names: Shards::new(),
            secrets: Shards::new(),
            tombstones: Shards::new(),
            operators: Arc::default(),
            lockdown: None,
            restored: None,
            backups: Arc::default(),
            workflows: Workflows::new(version),
            kept_queries: Arc::default(),
            redaction: Arc::default(),
            token_options: Shards::new(),
            measures: Arc::default(),
            maintenances: Arc::default(),
        }
    }

    /// The registry after `changes`; this one stays as it is.
    ///
    /// # Errors
    /// A filter that does not compile; nothing has changed.
    pub fn apply(&self, changes: &[RegistryChange]) -> Result<Self, String> {
        let mut next = self.clone();
        next.version += 1;
        let mut routing = false;
        let mut touched = BTreeSet::new();
        for change in changes {
            next.apply_one(change, &mut touched)?;
            routing |= alters_calls(change);
        }
        if routing {
            next.routing = next.version;
            let changed = touched.iter().map(|id| (self.services.get(id), next.services.get(id)));
            next.routes.change(&changed.collect::<Vec<_>>());
        }
        Ok(next)
    }

    /// Applies one change and notes whose filters or names it touched.
    fn apply_one(&mut self, change: &RegistryChange, touched: &mut BTreeSet<ServiceId>) -> Result<(), String> {
        match change {
            RegistryChange::PutTeam(team) => self.put_team(team, touched)?,
            RegistryChange::PutService(service) => {
                let records = self.services.get(&service.id).map(|entry| entry.records.clone()).unwrap_or_default();
                touched.insert(service.id);
                self.put_service_entry(service.clone(), records)?;
            }
            RegistryChange::DeleteService(id) => {
                touched.insert(*id);
                self.services.remove(id);
            }
            RegistryChange::DeleteTeam(id) => drop(Arc::make_mut(&mut self.teams).remove(id)),
            RegistryChange::PutOperator(operator) => {
                Arc::make_mut(&mut self.operators).insert(operator.id, Arc::new(operator.as_ref().clone()));
            }
            RegistryChange::DeleteOperator(id) => drop(Arc::make_mut(&mut self.operators).remove(id)),
            RegistryChange::PutWorkflow(workflow) => self.put_workflow(workflow)?,
            RegistryChange::DeleteWorkflow(id) => self.delete_workflow(*id),
            RegistryChange::PutQuery(kept) => {
                Arc::make_mut(&mut self.kept_queries).insert(kept.key(), Arc::new(kept.as_ref().clone()));
            }
            RegistryChange::DeleteQuery(key) => drop(Arc::make_mut(&mut self.kept_queries).remove(key)),
            RegistryChange::SetLockdown(lockdown) => self.lockdown = lockdown.clone().map(Arc::new),
            RegistryChange::SetRestored(restored) => self.restored = restored.clone().map(Arc::new),
            RegistryChange::SetBackups(backups) => self.backups = Arc::new(backups.clone()),
            RegistryChange::SetRedaction(rules) => self.redaction = Redaction::of(rules)?,
            // The clock's own, which has them already.
            RegistryChange::SetClockSteps(_) => {}
            RegistryChange::PutFilter(filter) => {
                touched.insert(filter.service);
                self.put_filter(filter)?;
            }
            RegistryChange::DeleteFilter(id) => touched.extend(self.delete_filter(*id)?),
            RegistryChange::PutToken(token) => self.put_token(token),
            RegistryChange::PutTokenOptions(id, options) => self.token_options.insert(*id, *options),
            RegistryChange::PutMeasures(id, measures) => self.put_measures(*id, measures),
            RegistryChange::PutMaintenance(one) => self.put_maintenance(one),
            RegistryChange::DeleteMaintenance(id) => self.delete_maintenance(*id),
            RegistryChange::PutDeadSecret(dead) => self.put_dead(dead),
            RegistryChange::Bury(tombstone) => self.bury(tombstone),
        }
        Ok(())
    }

    /// A service's full name has its team's in it.
    fn put_team(&mut self, team: &Team, touched: &mut BTreeSet<ServiceId>) -> Result<(), String> {
        Arc::make_mut(&mut self.teams).insert(team.id, Arc::new(team.clone()));
        let services: Vec<_> = self.services.values().filter(|s| s.service.team == team.id).cloned().collect();
        services.into_iter().try_for_each(|entry| {
            touched.insert(entry.service.id);
            self.put_service_entry(entry.service.as_ref().clone(), entry.records.clone())
        })
    }

    fn put_service_entry(&mut self, service: Service, mut records: Vec<Arc<FilterRecord>>) -> Result<(), String> {
        records.sort_by_key(|record| (record.position, record.id));
        let compiled = self.compiled(service.id, &records)?;
        let team = self.teams.get(&service.team).map_or("?", |team| team.name.as_str());
        let entry = Arc::new(ServiceEntry::new(Arc::new(service), team, records, compiled));
        self.services.insert(entry.service.id, entry);
        Ok(())
    }

    /// The filters of a service, compiled. What has not changed is not compiled again: the index knows it by its pointer.
    fn compiled(&self, service: ServiceId, records: &[Arc<FilterRecord>]) -> Result<Filters, String> {
        let Some(old) = self.services.get(&service) else {
            return records.iter().map(|record| compile(record)).collect();
        };
        let known = |record| old.records.iter().position(|known| Arc::ptr_eq(known, record));
        let places: Vec<_> = records.iter().map(known).collect();
        if places.len() == old.records.len() && (0..).zip(&places).all(|(place, known)| *known == Some(place)) {
            return Ok(old.compiled.clone());
        }
        let pairs = records.iter().zip(places);
        pairs.map(|(record, known)| known.map_or_else(|| compile(record), |at| Ok(old.compiled[at].clone()))).collect()
    }

    fn put_filter(&mut self, filter: &FilterRecord) -> Result<(), String> {
        let Some(entry) = self.services.get(&filter.service).cloned() else {
            return Err(format!("filter {} names a service that does not exist", filter.id));
        };
        let mut records: Vec<_> = entry.records.iter().filter(|record| record.id != filter.id).cloned().collect();
        records.push(Arc::new(filter.clone()));
        self.put_service_entry(entry.service.as_ref().clone(), records)
    }

    /// Gives the service that had it.
    fn delete_filter(&mut self, id: FilterId) -> Result<Option<ServiceId>, String> {
        let Some(entry) = self.routes.homes.get(&id).and_then(|service| self.services.get(service)).cloned() else {
            return Ok(None);
        };
        let records = entry.records.iter().filter(|record| record.id != id).cloned().collect();
        self.put_service_entry(entry.service.as_ref().clone(), records)?;
        Ok(Some(entry.service.id))
    }

    fn put_token(&mut self, token: &Token) {
        self.forget_name(token.id, Some(&token.name));
        let key = token.name.key();
        let mut named = self.token_names.get(&key).cloned().unwrap_or_default();
        if !named.contains(&token.id) {
            named.push(token.id);
            self.token_names.insert(key, named);
        }
        self.secrets.insert(token.mac, SecretEntry::Living(token.id));
        if let Some(overlap) = token.overlap {
            self.secrets.insert(overlap.mac, SecretEntry::Overlapping(token.id));
        }
        self.tokens.insert(token.id, Listed { object: Arc::new(token.clone()), brief: Brief::of(token) });
    }

    fn put_dead(&mut self, dead: &DeadSecret) {
        self.secrets.insert(dead.mac, SecretEntry::Dead(dead.token, dead.death));
    }

    /// Takes a token out of the index of names, unless `kept` is its name still.
    fn forget_name(&mut self, id: TokenId, kept: Option<&Name>) {
        let Some(key) = self.token(id).map(|token| token.name.key()) else { return };
        if kept.is_some_and(|kept| kept.key() == key) {
            return;
        }
        let mut named = self.token_names.get(&key).cloned().unwrap_or_default();
        named.retain(|other| *other != id);
        if named.is_empty() { self.token_names.remove(&key) } else { self.token_names.insert(key, named) }
    }

    fn put_measures(&mut self, id: TokenId, measures: &Measures) {
        let all = Arc::make_mut(&mut self.measures);
        if measures.is_empty() {
            all.remove(&id)
        } else {
            all.insert(id, Arc::new(measures.clone()))
        };
    }

    fn put_maintenance(&mut self, one: &Maintenance) {
        let of_service = Arc::make_mut(&mut self.maintenances).entry(one.service).or_default();
        of_service.retain(|known| known.id != one.id);
        of_service.push(Arc::new(one.clone()));
        of_service.sort_by_key(|one| (one.from, one.id));
    }

    fn delete_maintenance(&mut self, id: MaintenanceId) {
        let all = Arc::make_mut(&mut self.maintenances);
        all.values_mut().for_each(|of_service| of_service.retain(|one| one.id != id));
        all.retain(|_, of_service| !of_service.is_empty());
    }

    fn bury(&mut self, tombstone: &Tombstone) {
        self.token_options.remove(&tombstone.token.id);
        self.put_measures(tombstone.token.id, &Measures::default());
        self.forget_name(tombstone.token.id, None);
        self.tokens.remove(&tombstone.token.id);
        self.put_tombstone(tombstone);
    }

    fn put_tombstone(&mut self, tombstone: &Tombstone) {
        let listed = Listed { object: Arc::new(tombstone.clone()), brief: Brief::of(&tombstone.token) };
        self.tombstones.insert(tombstone.token.id, listed);
    }
}

impl ServiceEntry {
    /// A service of the named team with its filters in order of position, compiled.
    fn new(service: Arc<Service>, team: &str, records: Vec<Arc<FilterRecord>>, compiled: Filters) -> Self {
        let full_name = format!("{team}/{}", service.name);
        let header_names = compiled.iter().flat_map(|filter| filter.header_names()).collect();
        Self { service, full_name, records, compiled, header_names }
    }
}

/// Whether what calls do may be something else after it.
fn alters_calls(change: &RegistryChange) -> bool {
    match change {
        RegistryChange::PutTeam(_)
        | RegistryChange::DeleteTeam(_)
        | RegistryChange::PutService(_)
        | RegistryChange::DeleteService(_)
        | RegistryChange::PutFilter(_)
        | RegistryChange::DeleteFilter(_)
        // What his personal tokens reach may be something else.
        | RegistryChange::PutOperator(_)
        | RegistryChange::DeleteOperator(_) => true,
        RegistryChange::PutWorkflow(_)
        | RegistryChange::DeleteWorkflow(_)
        | RegistryChange::PutQuery(_)
        | RegistryChange::DeleteQuery(_)
        | RegistryChange::SetLockdown(_)
        | RegistryChange::SetRestored(_)
        | RegistryChange::SetBackups(_)
        | RegistryChange::SetRedaction(_)
        | RegistryChange::SetClockSteps(_)
        | RegistryChange::PutToken(_)
        | RegistryChange::PutTokenOptions(..)
        | RegistryChange::PutMeasures(..)
        // Which incidents a filter would open stays the same: the writer asks about maintenance at the commit.
        | RegistryChange::PutMaintenance(_)
        | RegistryChange::DeleteMaintenance(_)
        | RegistryChange::PutDeadSecret(_)
        | RegistryChange::Bury(_) => false,
    }
}

fn compile(record: &FilterRecord) -> Result<Arc<CompiledFilter>, String> {
    named(record, CompiledFilter::compile(record.id.0, record.position, &record.spec))
}

/// A filter that passed all checks when it was saved: it is not checked against the rules once more.
fn compile_stored(record: &FilterRecord) -> Result<Arc<CompiledFilter>, String> {
    named(record, CompiledFilter::compile_stored(record.id.0, record.position, &record.spec))
}

fn named(record: &FilterRecord, made: Result<CompiledFilter, Vec<FieldError>>) -> Result<Arc<CompiledFilter>, String> {
    made.map(Arc::new).map_err(|errors| {
        let first = errors.first().map_or_else(String::new, |error| format!("{}: {}", error.path, error.message));
        format!("filter {} ({}) does not compile: {first}", record.id, record.spec.name)
    })
}

#[cfg(test)]
mod tests;
