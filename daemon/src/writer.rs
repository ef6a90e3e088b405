//! The writer: the one thread that decides (architecture.md rule 1).
//!
//! It drains its lanes, administrative changes first, then a batch of calls in one transaction; swaps the snapshot after
//! the commit and before the answer; hands rows to the log thread. A failed commit's outcome is unknown: everyone in it
//! is told 503, memory is thrown away and rebuilt from disk.

mod batch;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::oneshot;
use tollgate_shared::api::RevokeReceipt;
use tollgate_shared::id::TokenId;
use tollgate_shared::limits::REQUESTS_FINISHED_MAX;
use tollgate_shared::problem::{Problem, Slug};

use crate::core::access::Actor;
use crate::core::admin::{self, Command, Office, Reply, TokenCommand};
use crate::core::concerns::{self, Settled, Told};
use crate::core::decide::{Bench, Pace};
use crate::core::model::{RegistryChange, UsageRecord};
use crate::core::registry::Registry;
use crate::core::workflows::{self, Turn, Turned};
use crate::daemon::Daemon;
use crate::events::Kind;
use crate::jobs::{AdminAnswer, AdminJob, CallJob, Concerns, TurnLost};
use crate::logger::LogTask;
use crate::store::{Store, StoreError};

/// Calls of one transaction at most: enough to share an fsync among many, few enough to answer the first soon.
const BATCH_CALLS_MAX: usize = 512;

/// How long the writer sleeps without work; it wakes at once when there is some.
const IDLE: Duration = Duration::from_secs(60);

/// Seconds that a sender shall wait after a failed commit.
const RETRY_AFTER_SECS: u32 = 2;

/// Incidents dropped in one transaction.
const DROP_MAX: usize = 1_000;

/// The writer's own things.
pub struct Writer {
    daemon: Arc<Daemon>,
    store: Box<dyn Store>,
    log: SyncSender<LogTask>,
    pace: Pace,
    /// What was told of the daemon itself since its start.
    told: Told,
}

/// Leaves nobody waiting where the writer panics: what is queued is given up, and the lanes take no more.
struct Abandon(Arc<Daemon>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.lanes.abandon();
    }
}

impl Writer {
    /// A writer that has the store to itself.
    pub fn new(daemon: Arc<Daemon>, store: Box<dyn Store>, log: SyncSender<LogTask>) -> Self {
        Self { daemon, store, log, pace: Pace::default(), told: Told::default() }
    }

    /// Works until the lanes are closed and empty, then closes the store.
    ///
    /// # Errors
    /// The store did not close cleanly.
    pub fn run(mut self) -> Result<(), StoreError> {
        let _abandon = Abandon(self.daemon.clone());
        while let Some(batch) = self.daemon.lanes.take(BATCH_CALLS_MAX, IDLE) {
            self.keep_clock();
            for job in batch.admin {
                self.change(job);
            }
            if !batch.calls.is_empty() {
                self.daemon.meters.hour.queued(batch.waited, self.daemon.clock.now());
                self.calls(batch.calls);
            }
        }
        self.flush_usage_whole();
        self.store.close()
    }

    fn change(&mut self, job: AdminJob) {
        match job {
            AdminJob::Command { actor, command, answer } => self.command(&actor, command, answer),
            AdminJob::Turn { turn, answer } => {
                // Where the runner is gone, its step will be found in nobody's hands.
                drop(answer.send(self.turn(&turn)));
            }
            AdminJob::FlushUsage(records) => {
                self.flush_usage(records);
            }
            AdminJob::Sweep => self.sweep(),
            AdminJob::Concerns(concerns) => self.tell_of_itself(&concerns),
            AdminJob::RebuiltIndex(rebuilt, done) => {
                let next = self.daemon.registry.load().with_rebuilt_index(&rebuilt);
                if next.index().wants_rebuild() {
                    self.daemon.melt.notify_one();
                }
                self.daemon.registry.store(Arc::new(next));
                // Where the daemon is stopping, nobody waits for it.
                done.send(()).ok();
            }
        }
    }

    /// A wall clock that was set forward is written down before any commit whose high-water mark has its new time: where
    /// the daemon is started again after that, erasing still waits.
    fn keep_clock(&mut self) {
        let now = self.daemon.clock.now();
        if self.daemon.meters.store_down.load(Ordering::Relaxed) {
            return;
        }
        let Some(steps) = self.daemon.clock.take_steps() else { return };
        let mut change = Some(RegistryChange::SetClockSteps(steps));
        let committed = self.store.commit(now, &mut |view| {
            if let Some(change) = change.take() {
                view.put_registry(change);
            }
        });
        if let Err(error) = committed {
            self.daemon.clock.give_back_steps();
            self.commit_failed(&error);
        }
    }

    fn command(&mut self, actor: &Actor, command: Command, answer: oneshot::Sender<Result<AdminAnswer, Problem>>) {
        let result = if self.ensure_open() { self.execute(actor, command) } else { Err(unavailable()) };
        // A caller that has gone away has nothing to be told; the change stands.
        drop(answer.send(result));
    }

    /// Commit, then swap, then answer: a revoke that has returned is in force.
    fn execute(&mut self, actor: &Actor, command: Command) -> Result<AdminAnswer, Problem> {
        let (daemon, registry) = (self.daemon.clone(), self.daemon.registry.load_full());
        let (now, users) = (daemon.clock.now(), daemon.people.users());
        let mut command = Some(command);
        let mut outcome: Result<(Reply, Option<Registry>), Problem> = Err(unavailable());
        let committed = self.store.commit(now, &mut |view| {
            let Some(command) = command.take() else { return };
            let mut new_id = || daemon.ids.new_id(now);
            let mac_of = |secret: &str| daemon.mac_key.mac(secret);
            let mut office =
                Office { registry: &registry, view, mac_of: &mac_of, users: &users, new_id: &mut new_id, now };
            outcome = admin::execute(&mut office, actor, command).and_then(|done| {
                let next = (!done.changes.is_empty()).then(|| registry.apply(&done.changes)).transpose();
                next.map(|next| (done.reply, next)).map_err(|why| Problem::new(Slug::Internal, why))
            });
        });
        if let Err(error) = committed {
            self.commit_failed(&error);
            return Err(unavailable());
        }
        let (reply, next) = outcome?;
        let changed = next.is_some();
        tracing::debug!(actor = actor.name, origin = actor.origin(), changed, "a change is committed");
        if let Some(next) = next {
            if next.index().wants_rebuild() {
                self.daemon.melt.notify_one();
            }
            self.daemon.registry.store(Arc::new(next));
        }
        self.announce(&reply, changed);
        Ok(self.answer_of(reply))
    }

    /// The runner's turn, in one transaction.
    fn turn(&mut self, turn: &Turn) -> Result<Turned, TurnLost> {
        if !self.ensure_open() {
            return Err(TurnLost);
        }
        let (daemon, registry, pace) = (self.daemon.clone(), self.daemon.registry.load_full(), &mut self.pace);
        let now = daemon.clock.now();
        let mut turned = Turned::default();
        let committed = self.store.commit(now, &mut |view| {
            let mut new_id = || daemon.ids.new_id(now);
            let mut bench = Bench { registry: &registry, view, pace: &mut *pace, new_id: &mut new_id, now };
            turned = workflows::turn(&mut bench, turn);
        });
        if let Err(error) = committed {
            self.commit_failed(&error);
            return Err(TurnLost);
        }
        if turned.changed {
            daemon.events.changed(Kind::Requests);
        }
        if turned.incidents {
            daemon.events.changed(Kind::Incidents);
        }
        Ok(turned)
    }

    /// Incidents about the daemon itself. Where the commit fails, the next look finds the same again.
    fn tell_of_itself(&mut self, about: &Concerns) {
        if !self.ensure_open() {
            return;
        }
        let (daemon, registry, pace) = (self.daemon.clone(), self.daemon.registry.load_full(), &mut self.pace);
        // It may have been deleted while this waited.
        if registry.service(about.service).is_none() {
            return;
        }
        let (now, told) = (daemon.clock.now(), &self.told);
        let mut settled = Settled::default();
        let committed = self.store.commit(now, &mut |view| {
            let mut new_id = || daemon.ids.new_id(now);
            let mut bench = Bench { registry: &registry, view, pace: &mut *pace, new_id: &mut new_id, now };
            settled = concerns::settle(&mut bench, about.service, &about.concerns, &about.open, told);
        });
        if let Err(error) = committed {
            return self.commit_failed(&error);
        }
        self.told = settled.told;
        if settled.changed > 0 {
            daemon.events.changed(Kind::Incidents);
        }
    }

    fn announce(&self, reply: &Reply, registry_changed: bool) {
        let kind = match reply {
            Reply::Token(_)
            | Reply::Tokens(_)
            | Reply::Secret(..)
            | Reply::Secrets(_)
            | Reply::Revoked(..)
            | Reply::Reviewed(..) => Kind::Tokens,
            Reply::Incident(_) | Reply::Incidents(_) => Kind::Incidents,
            Reply::Request(_) => Kind::Requests,
            _ => Kind::Registry,
        };
        if registry_changed || matches!(kind, Kind::Incidents | Kind::Requests) {
            self.daemon.events.changed(kind);
        }
        // A cancelled step has to be stopped, a retried or a held one can begin.
        match reply {
            Reply::Request(id) => self.daemon.automation.touched(*id),
            Reply::Workflow(_) => self.daemon.automation.wake(),
            _ => {}
        }
    }

    fn answer_of(&self, reply: Reply) -> AdminAnswer {
        match reply {
            Reply::Revoked(id, audit_seq) => self
                .receipt(id, audit_seq)
                .map_or(AdminAnswer::Reply(Reply::Deleted), |receipt| AdminAnswer::Receipt(Box::new(receipt))),
            reply => AdminAnswer::Reply(reply),
        }
    }

    /// What a revoke proves: calls that wait for this writer now are refused, for the token is gone.
    fn receipt(&self, id: TokenId, audit_seq: u64) -> Option<RevokeReceipt> {
        let registry = self.daemon.registry.load();
        let tombstone = registry.tombstone(id)?;
        Some(RevokeReceipt {
            id,
            name: tombstone.token.name.to_string(),
            revoked_at: tombstone.revoked_at,
            audit_seq,
            last_use: self.daemon.usage.view(id, tombstone.revoked_at).last_use,
            in_flight: u32::try_from(self.daemon.lanes.waiting_of(id)).unwrap_or(u32::MAX),
        })
    }

    /// Writes usage; what could not be written is given back for the next flush. True where it is on disk.
    fn flush_usage(&mut self, records: Vec<(TokenId, UsageRecord)>) -> bool {
        if !self.ensure_open() {
            self.daemon.usage.put_back(records.into_iter().map(|(token, _)| token));
            return false;
        }
        let now = self.daemon.clock.now();
        let committed = self.store.commit(now, &mut |view| {
            for (token, record) in &records {
                view.put_usage(*token, record.clone());
            }
        });
        if let Err(error) = committed {
            self.daemon.usage.put_back(records.into_iter().map(|(token, _)| token));
            self.commit_failed(&error);
            return false;
        }
        true
    }

    /// At the end nothing may wait for the next flush. A disk that refuses is not asked again: the daemon has to end.
    fn flush_usage_whole(&mut self) {
        loop {
            let records = self.daemon.usage.take_dirty(BATCH_CALLS_MAX);
            if records.is_empty() {
                return;
            }
            if !self.flush_usage(records) {
                return tracing::error!("the usage counted since the last flush is lost");
            }
        }
    }

    fn sweep(&mut self) {
        if !self.ensure_open() {
            return;
        }
        self.end_overlaps();
        self.end_measures();
        self.end_maintenances();
        if !self.ensure_open() {
            return;
        }
        let now = self.daemon.clock.now();
        let kept_secs = self.daemon.facts.incidents_kept_secs;
        let cutoff = now.plus_secs(-kept_secs);
        let swept = self.store.sweep_dedup(now).and_then(|()| self.store.drop_resolved_before(cutoff, DROP_MAX));
        let requests =
            swept.is_ok().then(|| self.store.drop_finished_requests(cutoff, REQUESTS_FINISHED_MAX, DROP_MAX));
        if let Some(Err(error)) = &requests {
            self.commit_failed(error);
        }
        match swept {
            Ok(0) => {}
            Ok(dropped) => {
                tracing::info!(dropped, kept_secs, "incidents resolved longer ago than they are kept were dropped");
            }
            Err(error) => self.commit_failed(&error),
        }
    }

    /// Old secrets whose overlap is over get their row among the dead, so that no clock can bring them back.
    fn end_overlaps(&mut self) {
        let (now, registry) = (self.daemon.clock.now(), self.daemon.registry.load_full());
        if registry.tokens().any(|token| token.overlap.is_some_and(|overlap| !overlap.runs(now)))
            && let Err(problem) = self.execute(&Actor::daemon(), Command::Token(TokenCommand::EndOverlaps))
        {
            tracing::error!(detail = problem.detail, "ended overlaps were not written; the next sweep tries again");
        }
        let limited = |token| registry.measures(token).is_some_and(|measures| measures.limit.is_some());
        let has_quota = |token| registry.token(token).is_some_and(|token| token.rate_limit.is_some()) || limited(token);
        self.daemon.quotas.retain(has_quota);
    }

    /// Quotas and blocks whose time is over leave the store; they have done nothing since then.
    fn end_measures(&mut self) {
        let (now, registry) = (self.daemon.clock.now(), self.daemon.registry.load_full());
        let debug_until = |id| registry.token(id).and_then(|token| token.debug_until);
        if registry.all_measures().any(|(id, all)| all.still(debug_until(id), now) != **all)
            && let Err(problem) = self.execute(&Actor::daemon(), Command::Token(TokenCommand::EndMeasures))
        {
            tracing::error!(
                detail = problem.detail,
                "quotas and blocks that are over were not taken away; they do nothing"
            );
        }
        let is_sampled = |token| registry.measures(token).is_some_and(|all| all.debug_one_in.is_some());
        self.daemon.samplers.retain(is_sampled);
    }

    /// Maintenances whose end has passed leave the list; the audit keeps them.
    fn end_maintenances(&mut self) {
        let (now, registry) = (self.daemon.clock.now(), self.daemon.registry.load_full());
        if registry.maintenances().any(|one| one.is_over(now))
            && let Err(problem) = self.execute(&Actor::daemon(), Command::SweepMaintenances)
        {
            tracing::error!(detail = problem.detail, "maintenances that are over were not taken away; they do nothing");
        }
    }

    fn calls(&mut self, jobs: Vec<CallJob>) {
        if self.ensure_open() {
            batch::run(self, jobs);
        } else {
            batch::refuse(&self.daemon, jobs, self.daemon.clock.now());
        }
    }

    /// The outcome on disk is unknown: memory is worthless until it is read again.
    fn commit_failed(&mut self, error: &StoreError) {
        self.daemon.meters.commits_failed.fetch_add(1, Ordering::Relaxed);
        tracing::error!(error = %crate::report(error), "commit failed; reopening the store");
        self.daemon.meters.store_down.store(true, Ordering::Relaxed);
        self.ensure_open();
    }

    /// Reopens the store where it is down; true when it can be used.
    fn ensure_open(&mut self) -> bool {
        if !self.daemon.meters.store_down.load(Ordering::Relaxed) {
            return true;
        }
        let before = self.daemon.registry.load().version();
        let reopened = self.store.reopen().map_err(|error| crate::report(&error));
        match reopened.and_then(|loaded| Registry::from_loaded(&loaded, before)) {
            Ok(registry) => {
                self.store.raise_log_seq(self.daemon.tail.newest() + 1);
                self.daemon.registry.store(Arc::new(registry));
                self.daemon.meters.store_down.store(false, Ordering::Relaxed);
                tracing::info!("the store is open again");
                true
            }
            Err(error) => {
                tracing::error!(error, "the store does not open; calls are answered 503");
                false
            }
        }
    }
}

fn unavailable() -> Problem {
    Problem::new(Slug::StorageUnavailable, "the change may or may not be on disk; look before trying again")
        .with_retry_after(RETRY_AFTER_SECS)
}

#[cfg(test)]
mod tests;
