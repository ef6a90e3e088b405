//! What a registry answers: its objects by id, and walks over them.

use std::sync::Arc;

use tollgate_shared::id::{FilterId, MaintenanceId, OperatorId, ServiceId, TeamId, TokenId};
use tollgate_shared::name::Name;
use tollgate_shared::token::Scope;

use super::{Listed, Redaction, Registry, SecretEntry, ServiceEntry, Services};
use crate::core::measures::Measures;
use crate::core::model::{
    Backups, FilterRecord, KeptQuery, KeptQueryKey, Lockdown, Mac, Maintenance, Operator, Restored, Team, Token,
    TokenOptions, Tombstone,
};

impl Registry {
    /// Counts up with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The version of the last change of teams, services or filters.
    pub fn routing(&self) -> u64 {
        self.routing
    }

    /// Lower-case names of the headers that some filter reads, sorted.
    pub fn header_names(&self) -> &[String] {
        &self.routes.header_names
    }

    /// All teams by id.
    pub fn teams(&self) -> impl ExactSizeIterator<Item = &Arc<Team>> {
        self.teams.values()
    }

    /// One team.
    pub fn team(&self, id: TeamId) -> Option<&Arc<Team>> {
        self.teams.get(&id)
    }

    /// All services in the order of evaluation.
    pub fn services(&self) -> Services<'_> {
        self.routes.order.all()
    }

    /// One service.
    pub fn service(&self, id: ServiceId) -> Option<&Arc<ServiceEntry>> {
        self.services.get(&id)
    }

    /// One filter with its service.
    pub fn filter(&self, id: FilterId) -> Option<(&Arc<ServiceEntry>, &Arc<FilterRecord>)> {
        let entry = self.services.get(self.routes.homes.get(&id)?)?;
        entry.records.iter().find(|record| record.id == id).map(|record| (entry, record))
    }

    /// How many filters there are.
    pub fn filter_count(&self) -> usize {
        self.routes.homes.len()
    }

    /// The services that a scope reaches, in the order of evaluation. A team is one stretch of that order.
    pub fn reached(&self, scope: Scope) -> Services<'_> {
        let order = &self.routes.order;
        match scope {
            Scope::Global => order.all(),
            Scope::Team(team) => order.stretch(|(of, _)| of < team, |(of, _)| of <= team),
            Scope::Service(id) => match self.services.get(&id).map(|entry| entry.key()) {
                Some(key) => order.stretch(|known| known < key, |known| known <= key),
                None => Services::NONE,
            },
            // What a personal token reaches depends on its owner: see `rights::own_teams`.
            Scope::Mine => Services::NONE,
        }
    }

    /// An operator.
    pub fn operator(&self, id: OperatorId) -> Option<&Arc<Operator>> {
        self.operators.get(&id)
    }

    /// All operators by id.
    pub fn operators(&self) -> impl ExactSizeIterator<Item = &Arc<Operator>> {
        self.operators.values()
    }

    /// Set while ingestion is locked down.
    pub fn lockdown(&self) -> Option<&Arc<Lockdown>> {
        self.lockdown.as_ref()
    }

    /// Set from a restore until its review.
    pub fn restored(&self) -> Option<&Arc<Restored>> {
        self.restored.as_ref()
    }

    /// The last backups that are known of.
    pub fn backups(&self) -> &Backups {
        &self.backups
    }

    /// The query that somebody keeps under a name.
    pub fn kept_query(&self, key: &KeptQueryKey) -> Option<&Arc<KeptQuery>> {
        self.kept_queries.get(key)
    }

    /// What somebody keeps, by screen and name.
    pub fn kept_queries(&self, owner: Option<OperatorId>) -> impl Iterator<Item = &Arc<KeptQuery>> {
        let all = self.kept_queries.iter();
        all.filter(move |((whose, ..), _)| *whose == owner).map(|(_, kept)| kept)
    }

    /// What operators have cut from calls.
    pub fn redaction(&self) -> &Arc<Redaction> {
        &self.redaction
    }

    /// What a token can besides.
    pub fn token_options(&self, id: TokenId) -> TokenOptions {
        self.token_options.get(&id).copied().unwrap_or_default()
    }

    /// What is set on a token for a time, over or not: the caller judges that.
    pub fn measures(&self, id: TokenId) -> Option<&Arc<Measures>> {
        self.measures.get(&id)
    }

    /// The tokens that something is set on for a time, by their ids.
    pub fn all_measures(&self) -> impl Iterator<Item = (TokenId, &Arc<Measures>)> {
        self.measures.iter().map(|(id, measures)| (*id, measures))
    }

    /// The maintenances of a service, planned and running, the earliest first.
    pub fn maintenances_of(&self, service: ServiceId) -> &[Arc<Maintenance>] {
        self.maintenances.get(&service).map_or(&[], Vec::as_slice)
    }

    /// One maintenance.
    pub fn maintenance(&self, id: MaintenanceId) -> Option<&Arc<Maintenance>> {
        self.maintenances().find(|one| one.id == id)
    }

    /// All maintenances, by service.
    pub fn maintenances(&self) -> impl Iterator<Item = &Arc<Maintenance>> {
        self.maintenances.values().flatten()
    }

    /// A living token.
    pub fn token(&self, id: TokenId) -> Option<&Arc<Token>> {
        self.tokens.get(&id).map(|listed| &listed.object)
    }

    /// Living tokens of this name, whatever its case, in any scope.
    pub fn tokens_named(&self, name: &Name) -> impl Iterator<Item = &Arc<Token>> + use<'_> {
        self.tokens_keyed(&name.key())
    }

    /// Living tokens whose name has this key.
    pub(super) fn tokens_keyed(&self, key: &str) -> impl Iterator<Item = &Arc<Token>> + use<'_> {
        let ids = self.token_names.get(&key.to_owned()).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.token(*id))
    }

    /// All living tokens, in no order.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.tokens.values().map(|listed| &listed.object)
    }

    /// The same with their briefs, for lists.
    pub fn listed_tokens(&self) -> impl Iterator<Item = &Listed<Token>> {
        self.tokens.values()
    }

    /// How many tokens live.
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// What a revoked token left.
    pub fn tombstone(&self, id: TokenId) -> Option<&Arc<Tombstone>> {
        self.tombstones.get(&id).map(|listed| &listed.object)
    }

    /// All tombstones, in no order.
    pub fn tombstones(&self) -> impl Iterator<Item = &Arc<Tombstone>> {
        self.tombstones.values().map(|listed| &listed.object)
    }

    /// The same with their briefs, for lists.
    pub fn listed_tombstones(&self) -> impl Iterator<Item = &Listed<Tombstone>> {
        self.tombstones.values()
    }

    /// Whose secret this is: one probe, nothing compared in variable time.
    pub fn secret(&self, mac: &Mac) -> Option<SecretEntry> {
        self.secrets.get(mac).copied()
    }
}
