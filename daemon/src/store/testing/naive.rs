//! A store so plain that it is right by inspection: everything in vectors and maps, a batch works on a copy. The reference
//! that the conformance tests and the random histories compare with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{FilterId, IncidentId, MaintenanceId, RequestId, ServiceId, TeamId, TokenId};
use tollgate_shared::incident::{IncidentHead, TimelineEntry, TimelineEvent};
use tollgate_shared::priority::Priority;
use tollgate_shared::time::Timestamp;

use crate::core::audit::{self, AuditHead, FIRST_PREVIOUS};
use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::IdempotencyKey;
use crate::core::measures::Measures;
use crate::core::model::{
    AnswerPlace, Answered, DeadSecret, DedupEntry, FilterRecord, IncidentBody, Mac, Maintenance, RegistryChange,
    Service, StoredAnswer, Team, Token, TokenOptions, Tombstone, UsageRecord,
};
use crate::core::workflows::{RequestBrief, RequestRecord, StepOutput, Workflow};
use crate::store::{AuditPage, Committed, IncidentFilter, Loaded, Reader, Store, StoreError, View, WholeRequest};

/// A store in memory. Clones are handles to the same "disk".
#[derive(Clone, Default)]
pub(crate) struct NaiveStore {
    disk: Arc<Mutex<State>>,
    log_seq: u64,
    fail_next: Arc<Mutex<bool>>,
}

#[derive(Clone, Default)]
struct State {
    operators: BTreeMap<tollgate_shared::id::OperatorId, crate::core::model::Operator>,
    kept_queries: BTreeMap<crate::core::model::KeptQueryKey, crate::core::model::KeptQuery>,
    lockdown: Option<crate::core::model::Lockdown>,
    restored: Option<crate::core::model::Restored>,
    backups: crate::core::model::Backups,
    redaction: crate::core::model::RedactionRules,
    clock_steps: crate::core::model::ClockSteps,
    token_options: BTreeMap<TokenId, TokenOptions>,
    measures: BTreeMap<TokenId, Measures>,
    maintenances: BTreeMap<MaintenanceId, Maintenance>,
    /// Each with its place.
    answers: Vec<(u64, IdempotencyKey, StoredAnswer)>,
    teams: BTreeMap<TeamId, Team>,
    services: BTreeMap<ServiceId, Service>,
    filters: BTreeMap<FilterId, FilterRecord>,
    tokens: BTreeMap<TokenId, Token>,
    tombstones: BTreeMap<TokenId, Tombstone>,
    dead: BTreeMap<Mac, DeadSecret>,
    usage: BTreeMap<TokenId, UsageRecord>,
    heads: BTreeMap<IncidentId, IncidentHead>,
    bodies: BTreeMap<IncidentId, IncidentBody>,
    timelines: BTreeMap<IncidentId, Vec<TimelineEntry>>,
    dedup: Vec<(TokenId, Fingerprint, DedupEntry)>,
    workflows: BTreeMap<tollgate_shared::id::WorkflowId, Workflow>,
    requests: BTreeMap<RequestId, RequestRecord>,
    payloads: BTreeMap<RequestId, String>,
    outputs: BTreeMap<(RequestId, usize), StepOutput>,
    audit: Vec<AuditRow>,
    high_water: Timestamp,
    next_log_seq: u64,
}

impl State {
    fn audit_head(&self) -> AuditHead {
        let last = self.audit.last();
        AuditHead { seq: last.map_or(0, |row| row.seq), hash: last.map_or(FIRST_PREVIOUS, audit::hash_of) }
    }
}

struct NaiveView {
    state: State,
    touched: Vec<IncidentId>,
    changed: bool,
    log_seq: u64,
}

impl NaiveStore {
    /// The next commit fails.
    pub(crate) fn break_next_commit(&self) {
        *lock(&self.fail_next) = true;
    }

    /// The next commit does not fail after all: the one that should have had nothing to write.
    pub(crate) fn unbreak(&self) {
        *lock(&self.fail_next) = false;
    }
}

impl Store for NaiveStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let state = lock(&self.disk).clone();
        self.log_seq = self.log_seq.max(state.next_log_seq).max(1);
        Ok(Loaded {
            teams: state.teams.into_values().collect(),
            services: state.services.into_values().collect(),
            filters: state.filters.into_values().collect(),
            tokens: state.tokens.into_values().collect(),
            tombstones: state.tombstones.into_values().collect(),
            dead_secrets: state.dead.into_values().collect(),
            operators: state.operators.into_values().collect(),
            kept_queries: state.kept_queries.into_values().collect(),
            lockdown: state.lockdown,
            restored: state.restored,
            backups: state.backups,
            workflows: state.workflows.into_values().collect(),
            redaction: state.redaction,
            clock_steps: state.clock_steps,
            token_options: state.token_options.into_iter().collect(),
            measures: state.measures.into_iter().collect(),
            maintenances: state.maintenances.into_values().collect(),
            usage: state.usage.into_iter().collect(),
            high_water: state.high_water,
            next_log_seq: self.log_seq,
            store_id: 42,
        })
    }

    fn raise_log_seq(&mut self, next: u64) {
        self.log_seq = self.log_seq.max(next);
    }

    fn commit(&mut self, now: Timestamp, decide: &mut dyn FnMut(&mut dyn View)) -> Result<Committed, StoreError> {
        let state = lock(&self.disk).clone();
        let mut view = NaiveView { state, touched: Vec::new(), changed: false, log_seq: self.log_seq };
        decide(&mut view);
        self.log_seq = view.log_seq;
        if !view.changed {
            return Ok(Committed { wrote: false, incident_rows: 0 });
        }
        if std::mem::take(&mut *lock(&self.fail_next)) {
            let source = Box::new(std::io::Error::other("told to fail"));
            return Err(StoreError::Io { doing: "commit".to_owned(), source });
        }
        view.state.high_water = view.state.high_water.max(now);
        view.state.next_log_seq = view.log_seq;
        *lock(&self.disk) = view.state;
        let touched: std::collections::BTreeSet<_> = view.touched.iter().collect();
        Ok(Committed { wrote: true, incident_rows: touched.len() })
    }

    fn reopen(&mut self) -> Result<Loaded, StoreError> {
        self.load()
    }

    fn sweep_dedup(&mut self, now: Timestamp) -> Result<(), StoreError> {
        lock(&self.disk).dedup.retain(|(_, _, entry)| entry.at >= now.plus_secs(-86_400));
        lock(&self.disk).answers.retain(|(_, _, answer)| answer.at > now.plus_secs(-86_400));
        Ok(())
    }

    fn drop_resolved_before(&mut self, cutoff: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut state = lock(&self.disk);
        let due = |head: &&IncidentHead| head.resolved_at.is_some_and(|at| at < cutoff);
        let ids: Vec<_> = state.heads.values().filter(due).map(|head| head.id).take(limit).collect();
        for id in &ids {
            state.heads.remove(id);
            state.bodies.remove(id);
            state.timelines.remove(id);
        }
        Ok(ids.len())
    }

    fn drop_finished_requests(
        &mut self,
        cutoff: Timestamp,
        keep_max: usize,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let mut state = lock(&self.disk);
        let mut ended: Vec<_> = state.requests.values().filter_map(|r| r.finished_at.map(|at| (at, r.id))).collect();
        ended.sort();
        let beyond = ended.len().saturating_sub(keep_max);
        let due = ended.iter().enumerate().filter(|(place, (at, _))| *place < beyond || *at < cutoff);
        let due: Vec<_> = due.map(|(_, (_, id))| *id).take(limit).collect();
        for id in &due {
            state.requests.remove(id);
            state.payloads.remove(id);
            state.outputs.retain(|(of, _), _| of != id);
        }
        Ok(due.len())
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(self.clone())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Reader for NaiveStore {
    fn incidents(
        &self,
        filter: &IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> Result<(Vec<IncidentHead>, Option<IncidentId>), StoreError> {
        let state = lock(&self.disk);
        let mut page: Vec<_> = state
            .heads
            .values()
            .rev()
            .filter(|head| before.is_none_or(|before| head.id < before))
            .filter(|head| filter.passes(head))
            .cloned()
            .collect();
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().map(|head| head.id).filter(|_| more);
        Ok((page, next))
    }

    fn incident(&self, id: IncidentId) -> Result<Option<(IncidentHead, IncidentBody, Vec<TimelineEntry>)>, StoreError> {
        let state = lock(&self.disk);
        let timeline = state.timelines.get(&id).cloned().unwrap_or_default();
        Ok(state.heads.get(&id).cloned().zip(state.bodies.get(&id).cloned()).map(|(h, b)| (h, b, timeline)))
    }

    fn descriptions(&self, ids: &[IncidentId]) -> Result<Vec<(IncidentId, String)>, StoreError> {
        let state = lock(&self.disk);
        let description = |id: &IncidentId| state.bodies.get(id).map(|body| (*id, body.description.clone()));
        Ok(ids.iter().filter_map(description).collect())
    }

    fn stored_answer(&self, place: AnswerPlace) -> Result<Option<Vec<u8>>, StoreError> {
        let state = lock(&self.disk);
        Ok(state.answers.iter().find(|(at, _, _)| *at == place.block).map(|(_, _, answer)| answer.body.clone()))
    }

    fn incident_ids_like(&self, hint: &str, limit: usize) -> Result<Vec<IncidentId>, StoreError> {
        let hint = hint.to_lowercase().replace('-', "");
        let fits = |id: &&IncidentId| id.to_string().replace('-', "").contains(&hint);
        Ok(lock(&self.disk).heads.keys().rev().filter(fits).take(limit).copied().collect())
    }

    fn open_counts(&self, service: Option<ServiceId>) -> (u32, u32) {
        let state = lock(&self.disk);
        let open: Vec<_> = state
            .heads
            .values()
            .filter(|head| head.state.is_open() && service.is_none_or(|service| service == head.service))
            .collect();
        let p1 = open.iter().filter(|head| head.priority == Priority::P1).count();
        (open.len() as u32, p1 as u32)
    }

    fn requests(
        &self,
        only_unfinished: bool,
        before: Option<RequestId>,
        limit: usize,
        pass: &dyn Fn(&RequestRecord) -> bool,
    ) -> Result<(Vec<RequestRecord>, Option<RequestId>), StoreError> {
        let state = lock(&self.disk);
        let older = state.requests.values().rev().filter(|record| before.is_none_or(|before| record.id < before));
        let wanted = older.filter(|record| !only_unfinished || !record.state.is_finished());
        let mut page: Vec<_> = wanted.filter(|record| pass(record)).cloned().collect();
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().map(|record| record.id).filter(|_| more);
        Ok((page, next))
    }

    fn request(&self, id: RequestId) -> Result<Option<WholeRequest>, StoreError> {
        let state = lock(&self.disk);
        let outputs = state.outputs.iter().filter(|((of, _), _)| *of == id);
        let outputs = outputs.map(|((_, step), output)| (*step, output.clone())).collect();
        let payload = state.payloads.get(&id).cloned();
        Ok(state.requests.get(&id).cloned().map(|record| WholeRequest { record, payload, outputs }))
    }

    fn request_ids_like(&self, hint: &str, limit: usize) -> Result<Vec<RequestId>, StoreError> {
        let hint = hint.to_lowercase().replace('-', "");
        let fits = |id: &&RequestId| id.to_string().replace('-', "").contains(&hint);
        Ok(lock(&self.disk).requests.keys().rev().filter(fits).take(limit).copied().collect())
    }

    fn audit(&self, before: Option<u64>, limit: usize) -> Result<AuditPage, StoreError> {
        let state = lock(&self.disk);
        let mut older = state.audit.iter().rev().filter(|row| before.is_none_or(|before| row.seq < before));
        let rows: Vec<_> = older.by_ref().take(limit).cloned().collect();
        let next = older.next().and_then(|_| rows.last().map(|row| row.seq));
        Ok(AuditPage { rows, next })
    }

    fn audit_after(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        Ok(lock(&self.disk).audit.iter().filter(|row| row.seq > after).take(limit).cloned().collect())
    }

    fn audit_head(&self) -> Result<AuditHead, StoreError> {
        Ok(lock(&self.disk).audit_head())
    }
}

impl View for NaiveView {
    fn open_incident(&self, service: ServiceId, key: &str) -> Option<IncidentId> {
        let open =
            |head: &&IncidentHead| head.state.is_open() && head.service == service && head.key.as_deref() == Some(key);
        self.state.heads.values().find(open).map(|head| head.id)
    }

    fn incident(&self, id: IncidentId) -> Option<IncidentHead> {
        let seen = |head: &&IncidentHead| head.state.is_open() || self.touched.contains(&id);
        self.state.heads.get(&id).filter(seen).cloned()
    }

    fn open_count(&self, service: ServiceId) -> u32 {
        self.state.heads.values().filter(|head| head.state.is_open() && head.service == service).count() as u32
    }

    fn open_total(&self) -> usize {
        self.state.heads.values().filter(|head| head.state.is_open()).count()
    }

    fn overflow_incident(&self, service: ServiceId) -> Option<IncidentId> {
        let overflow = |head: &&IncidentHead| head.state.is_open() && head.service == service && head.overflow;
        self.state.heads.values().find(overflow).map(|head| head.id)
    }

    fn dedup(&self, token: TokenId, fingerprint: &Fingerprint) -> Option<DedupEntry> {
        let equal = |(t, f, _): &&(TokenId, Fingerprint, DedupEntry)| *t == token && f == fingerprint;
        self.state.dedup.iter().find(equal).map(|(_, _, entry)| entry.clone())
    }

    fn request(&self, id: RequestId) -> Option<Arc<RequestRecord>> {
        self.state.requests.get(&id).cloned().map(Arc::new)
    }

    fn unfinished(&self) -> Vec<RequestId> {
        self.state.requests.values().filter(|record| !record.state.is_finished()).map(|record| record.id).collect()
    }

    fn unfinished_load(&self) -> (usize, u64) {
        let unfinished = self.state.requests.values().filter(|record| !record.state.is_finished());
        unfinished.fold((0, 0), |(count, bytes), record| (count + 1, bytes + record.payload_bytes))
    }

    fn started_by(&self, token: TokenId, fingerprint: &Fingerprint) -> Vec<RequestBrief> {
        let equal = |record: &&RequestRecord| record.token == token && record.fingerprint.as_ref() == Some(fingerprint);
        self.state.requests.values().filter(equal).map(RequestRecord::brief).collect()
    }

    fn put_request(&mut self, record: RequestRecord) {
        self.changed = true;
        self.state.requests.insert(record.id, record);
    }

    fn put_request_payload(&mut self, id: RequestId, payload: String) {
        self.changed = true;
        self.state.payloads.insert(id, payload);
    }

    fn drop_request_payload(&mut self, id: RequestId) {
        self.changed = true;
        self.state.payloads.remove(&id);
    }

    fn put_request_output(&mut self, id: RequestId, step: usize, output: StepOutput) {
        self.changed = true;
        self.state.outputs.insert((id, step), output);
    }

    fn answered(&self, key: &IdempotencyKey) -> Option<Answered> {
        let found = self.state.answers.iter().rev().find(|(_, known, _)| known == key)?;
        Some(found.2.at_place(AnswerPlace { block: found.0, index: 0 }))
    }

    fn put_incident(&mut self, head: IncidentHead) {
        self.changed = true;
        self.touched.push(head.id);
        self.state.heads.insert(head.id, head);
    }

    fn put_incident_body(&mut self, id: IncidentId, body: IncidentBody) {
        self.changed = true;
        self.state.bodies.insert(id, body);
    }

    fn add_timeline(&mut self, id: IncidentId, entry: TimelineEntry) {
        self.changed = true;
        let timeline = self.state.timelines.entry(id).or_default();
        match timeline.last_mut() {
            Some(TimelineEntry { last_at, count, event: event @ TimelineEvent::Attached { .. }, .. })
                if matches!(entry.event, TimelineEvent::Attached { .. }) =>
            {
                *count += entry.count;
                *last_at = (*last_at).max(entry.last_at);
                *event = entry.event;
            }
            _ => timeline.push(entry),
        }
        if timeline.len() > 200 {
            timeline.remove(1);
        }
    }

    fn remember(&mut self, token: TokenId, fingerprint: Fingerprint, entry: DedupEntry) {
        self.changed = true;
        self.state.dedup.retain(|(t, f, _)| *t != token || *f != fingerprint);
        self.state.dedup.push((token, fingerprint, entry));
    }

    fn remember_answer(&mut self, key: IdempotencyKey, answer: StoredAnswer) {
        self.changed = true;
        let place = self.state.answers.last().map_or(0, |(place, _, _)| place + 1);
        self.state.answers.push((place, key, answer));
    }

    fn put_registry(&mut self, change: RegistryChange) {
        self.changed = true;
        let state = &mut self.state;
        match change {
            RegistryChange::PutTeam(team) => drop(state.teams.insert(team.id, team)),
            RegistryChange::PutService(service) => drop(state.services.insert(service.id, service)),
            RegistryChange::PutFilter(filter) => drop(state.filters.insert(filter.id, *filter)),
            RegistryChange::DeleteFilter(id) => drop(state.filters.remove(&id)),
            RegistryChange::DeleteService(id) => drop(state.services.remove(&id)),
            RegistryChange::DeleteTeam(id) => drop(state.teams.remove(&id)),
            RegistryChange::PutOperator(operator) => drop(state.operators.insert(operator.id, *operator)),
            RegistryChange::DeleteOperator(id) => drop(state.operators.remove(&id)),
            RegistryChange::PutWorkflow(workflow) => drop(state.workflows.insert(workflow.id, *workflow)),
            RegistryChange::DeleteWorkflow(id) => drop(state.workflows.remove(&id)),
            RegistryChange::PutQuery(kept) => drop(state.kept_queries.insert(kept.key(), *kept)),
            RegistryChange::DeleteQuery(key) => drop(state.kept_queries.remove(&key)),
            RegistryChange::SetLockdown(lockdown) => state.lockdown = lockdown,
            RegistryChange::SetRestored(restored) => state.restored = restored,
            RegistryChange::SetBackups(backups) => state.backups = backups,
            RegistryChange::SetRedaction(rules) => state.redaction = rules,
            RegistryChange::SetClockSteps(steps) => state.clock_steps = steps,
            RegistryChange::PutToken(token) => drop(state.tokens.insert(token.id, *token)),
            RegistryChange::PutTokenOptions(id, options) => drop(state.token_options.insert(id, options)),
            RegistryChange::PutMeasures(id, of) if of.is_empty() => drop(state.measures.remove(&id)),
            RegistryChange::PutMeasures(id, of) => drop(state.measures.insert(id, of)),
            RegistryChange::PutMaintenance(one) => drop(state.maintenances.insert(one.id, *one)),
            RegistryChange::DeleteMaintenance(id) => drop(state.maintenances.remove(&id)),
            RegistryChange::PutDeadSecret(dead) => drop(state.dead.insert(dead.mac, dead)),
            RegistryChange::Bury(tombstone) => {
                state.tokens.remove(&tombstone.token.id);
                state.token_options.remove(&tombstone.token.id);
                state.measures.remove(&tombstone.token.id);
                state.tombstones.insert(tombstone.token.id, *tombstone);
            }
        }
    }

    fn put_usage(&mut self, token: TokenId, usage: UsageRecord) {
        self.changed = true;
        self.state.usage.insert(token, usage);
    }

    fn audit(&mut self, mut row: AuditRow) -> u64 {
        self.changed = true;
        audit::link(&mut row, self.state.audit_head());
        self.state.audit.push(row);
        self.state.audit.len() as u64
    }

    fn next_log_seq(&mut self) -> u64 {
        self.log_seq += 1;
        self.log_seq - 1
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
