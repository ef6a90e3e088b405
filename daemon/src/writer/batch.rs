//! One batch of calls: decide all in one transaction, commit, then count, log and answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tollgate_shared::limits::RESULTS_LISTED_MAX;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;

use super::Writer;
use crate::core::answer;
use crate::core::decide::{self, Bench};
use crate::core::decision::{Decision, Proposal};
use crate::core::endpoint::Endpoint;
use crate::daemon::Daemon;
use crate::events::Kind;
use crate::jobs::{Answer, CallJob, CallWork, Draft, LogJob};
use crate::logger::LogTask;
use crate::refused::Refusal;
use crate::talkers::Talk;
use crate::usage::Use;

/// What was decided for one job of the batch, and its place in the log.
#[derive(Default)]
struct Decided {
    decision: Option<Decision>,
    seq: Option<u64>,
}

/// Decides and answers `jobs`.
pub(super) fn run(writer: &mut Writer, jobs: Vec<CallJob>) {
    let now = writer.daemon.clock.now();
    let mut decided = Vec::with_capacity(jobs.len());
    match decide_all(writer, &jobs, now, &mut decided) {
        Ok(()) => finish(writer, jobs, decided, now),
        Err(error) => {
            writer.commit_failed(&error);
            refuse(&writer.daemon, jobs, now);
        }
    }
}

/// Nothing was decided, or nobody knows what: the senders shall try again. Counted like every refusal; rows that have no
/// place in the log are counted as lost.
pub(super) fn refuse(daemon: &Daemon, jobs: Vec<CallJob>, now: Timestamp) {
    for job in jobs {
        let lost = match job.work {
            CallWork::Decide { proposal, draft, answer } => {
                let by = used_by(&proposal, now);
                daemon.meters.count(Outcome::Rejected, now);
                talk(daemon, &proposal, &Decision::of(Outcome::Rejected), now);
                daemon.usage.refused(proposal.token, &by, Slug::StorageUnavailable, false);
                // A sender that has hung up does not wait for its answer.
                drop(answer.send(Answer::StorageUnavailable));
                draft.is_some()
            }
            CallWork::Log(_) => true,
        };
        daemon.meters.dropped(&daemon.meters.log_rows_lost, u64::from(lost), now);
    }
    daemon.events.changed(Kind::Usage);
}

fn decide_all(
    writer: &mut Writer,
    jobs: &[CallJob],
    now: Timestamp,
    decided: &mut Vec<Decided>,
) -> Result<(), crate::store::StoreError> {
    let (daemon, pace) = (&writer.daemon, &mut writer.pace);
    let registry = daemon.registry.load_full();
    let committed = writer.store.commit(now, &mut |view| {
        decided.clear();
        for job in jobs {
            let mut new_id = || daemon.ids.new_id(now);
            let mut bench = Bench { registry: &registry, view: &mut *view, pace: &mut *pace, new_id: &mut new_id, now };
            let (decision, logged) = match &job.work {
                CallWork::Decide { proposal, draft, .. } => {
                    (Some(decide::decide(&mut bench, proposal)), draft.is_some())
                }
                CallWork::Log(_) => (None, true),
            };
            let seq = logged.then(|| view.next_log_seq());
            decided.push(Decided { decision, seq });
        }
    })?;
    daemon.meters.commits.fetch_add(u64::from(committed.wrote), Ordering::Relaxed);
    daemon.meters.last_batch.store(jobs.len() as u64, Ordering::Relaxed);
    tracing::trace!(jobs = jobs.len(), wrote = committed.wrote, "a batch is committed");
    Ok(())
}

/// Everything is on disk: count it, show it, answer. Callers whose row goes to the log are answered by the log thread.
fn finish(writer: &mut Writer, jobs: Vec<CallJob>, decided: Vec<Decided>, now: Timestamp) {
    let daemon = &writer.daemon;
    let mut log = LogJob { rows: Vec::new(), answers: Vec::new() };
    let (mut incidents, mut started) = (false, false);
    for (job, decided) in jobs.into_iter().zip(decided) {
        let latency_us = u64::try_from(job.arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
        match (job.work, decided.decision) {
            (CallWork::Decide { proposal, draft, answer }, Some(decision)) => {
                count(daemon, &proposal, &decision, now);
                started |= decision.outcome == Outcome::Started;
                incidents |=
                    decision.key.is_some() || decision.outcome.has_effect() || decision.outcome == Outcome::Duplicate;
                match (draft, decided.seq) {
                    (Some(draft), Some(seq)) => {
                        log.rows.push(Arc::new(filled(*draft, seq, latency_us, proposal.endpoint, &decision)));
                        log.answers.push((answer, decision));
                    }
                    // A sender that has hung up does not wait for its answer.
                    _ => drop(answer.send(Answer::Decided(decision))),
                }
            }
            (CallWork::Log(draft), _) => log.rows.push(Arc::new(LogRow { seq: decided.seq.unwrap_or(0), ..draft.row })),
            (CallWork::Decide { answer, .. }, None) => drop(answer.send(Answer::StorageUnavailable)),
        }
    }
    if incidents {
        daemon.events.changed(Kind::Incidents);
    }
    if started {
        daemon.events.changed(Kind::Requests);
        daemon.automation.wake();
    }
    daemon.events.changed(Kind::Usage);
    hand_to_log(writer, log, now);
}

/// The row with what only the writer knows.
fn filled(draft: Draft, seq: u64, latency_us: u64, endpoint: Endpoint, decision: &Decision) -> LogRow {
    let summary = match (&decision.refused, &decision.title) {
        (None, None) if decision.replayed.is_some() => {
            "sent again under its idempotency key: the first answer was given again".to_owned()
        }
        (Some(denied), _) => denied.detail.clone(),
        (None, Some(title)) => title.clone(),
        (None, None) => draft.row.summary,
    };
    LogRow {
        seq,
        latency_us,
        summary,
        outcome: decision.outcome,
        status: answer::status_at(endpoint, decision),
        problem: decision.refused.as_ref().map(|denied| denied.slug.as_str().to_owned()),
        incidents: decision.results.iter().filter_map(|r| r.incident).take(RESULTS_LISTED_MAX).collect(),
        ..draft.row
    }
}

fn used_by(proposal: &Proposal, now: Timestamp) -> Use<'_> {
    Use {
        at: now,
        ip: proposal.source_ip,
        user_agent: proposal.user_agent.as_deref(),
        seen: proposal.seen,
        body_bytes: proposal.content.call.text.len(),
    }
}

/// Counts a call among those who call most: in the services where something was done, else in those where a filter
/// matched, else in the one that its token reaches.
fn talk(daemon: &Daemon, proposal: &Proposal, decision: &Decision, now: Timestamp) {
    let (token, ip) = (proposal.token, proposal.source_ip);
    let done = decision.results.iter().map(|result| result.service);
    let matched = proposal.plan.services.iter().map(|plan| plan.service).filter(|_| decision.results.is_empty());
    let own = || daemon.registry.load().token(token).and_then(|token| token.scope.service());
    let nowhere = decision.results.is_empty() && proposal.plan.services.is_empty();
    let own = if nowhere { own() } else { None };
    let services = done.chain(matched).chain(own);
    daemon.meters.talkers.count(Talk { at: now, token, ip, outcome: decision.outcome }, services);
}

fn count(daemon: &Daemon, proposal: &Proposal, decision: &Decision, now: Timestamp) {
    let by = used_by(proposal, now);
    daemon.meters.count(decision.outcome, now);
    // The secret of a token that is gone meanwhile is nobody's: its call counts for its address alone.
    if decision.refused.as_ref().is_none_or(|denied| denied.token.is_some()) {
        talk(daemon, proposal, decision, now);
    }
    match &decision.refused {
        None => daemon.usage.used(proposal.token, &by, decision.outcome),
        Some(denied) => match denied.token {
            // Its row has its place in the log already, so it is none of those that are only counted.
            Some(token) => {
                daemon.usage.refused(token, &by, denied.slug, false);
            }
            None => {
                if let Some(dead) = denied.dead {
                    daemon.usage.tried_dead(dead, now, proposal.source_ip);
                }
                daemon.meters.unknown(Some(proposal.source_ip), now);
                daemon.refused.note(Refusal {
                    at: now,
                    remote_ip: Some(proposal.source_ip),
                    target: format!("POST {}", proposal.endpoint.path()),
                    slug: denied.slug,
                    detail: denied.detail.clone(),
                    presented_id: denied.presented_id.clone(),
                });
                daemon.events.changed(Kind::Refused);
            }
        },
    }
}

/// Waits where the log thread is behind: rows are not dropped for slowness.
fn hand_to_log(writer: &Writer, log: LogJob, now: Timestamp) {
    if log.rows.is_empty() {
        return;
    }
    let meters = &writer.daemon.meters;
    meters.log_pushed(now);
    if let Err(unsent) = writer.log.send(LogTask::Rows(log)) {
        meters.log_taken();
        let LogTask::Rows(log) = unsent.0 else { return };
        meters.dropped(&meters.log_rows_lost, log.rows.len() as u64, now);
        // The log thread has ended and will not say it.
        writer.daemon.tail.publish_lost(&log.rows);
        for (answer, decision) in log.answers {
            drop(answer.send(Answer::Decided(decision)));
        }
    }
}
