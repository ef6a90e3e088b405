//! The log thread: writes rows behind the state, one commit later, then shows them and answers their senders.
//!
//! Only the state decides what a sender is told: a row that cannot be written is counted and shown as a gap, and the
//! sender still gets the truth about his call.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use tollgate_shared::limits::LOG_ROW_SECS;

use crate::daemon::Daemon;
use crate::jobs::{Answer, LogJob};
use crate::store::{LogStore, StoreError};

/// Batches written in one commit at most.
const JOBS_PER_COMMIT: usize = 8;

/// Work of the log thread.
pub enum LogTask {
    /// Rows to write.
    Rows(LogJob),
    /// Unlink what has expired.
    Expire,
}

/// Works until every sender of tasks is gone, then closes the log.
///
/// # Errors
/// The log did not close cleanly.
pub fn run(daemon: &Daemon, mut log: Box<dyn LogStore>, tasks: &Receiver<LogTask>) -> Result<(), StoreError> {
    while let Ok(first) = tasks.recv() {
        let mut jobs = Vec::new();
        let mut expire = false;
        let mut next = Some(first);
        while let Some(task) = next.take() {
            match task {
                LogTask::Rows(job) => {
                    daemon.meters.log_taken();
                    jobs.push(job);
                }
                LogTask::Expire => expire = true,
            }
            if jobs.len() < JOBS_PER_COMMIT {
                next = tasks.try_recv().ok();
            }
        }
        write(daemon, log.as_mut(), jobs);
        if expire {
            drop_expired(daemon, log.as_mut());
        }
    }
    log.close()
}

fn write(daemon: &Daemon, log: &mut dyn LogStore, jobs: Vec<LogJob>) {
    let mut rows = Vec::new();
    let mut answers = Vec::new();
    for job in jobs {
        rows.extend(job.rows);
        answers.extend(job.answers);
    }
    if rows.is_empty() {
        return;
    }
    let count = rows.len() as u64;
    let now = daemon.clock.now();
    match log.append(&rows, now) {
        Ok(()) => {
            daemon.meters.log_rows.fetch_add(count, Ordering::Relaxed);
            daemon.tail.publish(&rows);
        }
        Err(error) => {
            daemon.meters.dropped(&daemon.meters.log_rows_lost, count, now);
            daemon.tail.publish_lost(&rows);
            tracing::error!(rows = count, error = %crate::report(&error), "log rows are lost; beginning a new segment");
            reopen(log);
        }
    }
    for (answer, decision) in answers {
        // A sender that has hung up does not wait for its answer.
        drop(answer.send(Answer::Decided(decision)));
    }
}

fn reopen(log: &mut dyn LogStore) {
    if let Err(error) = log.reopen() {
        tracing::error!(error = %crate::report(&error), "the log does not open; rows are counted and lost until it does");
    }
}

fn drop_expired(daemon: &Daemon, log: &mut dyn LogStore) {
    daemon.tail.forget_before(daemon.clock.now().plus_secs(-LOG_ROW_SECS));
    let cutoff = daemon.clock.erasing_now().plus_secs(-LOG_ROW_SECS);
    match log.drop_before(cutoff) {
        Ok(0) => {}
        Ok(segments) => tracing::info!(segments, "log segments older than 48 h were erased"),
        Err(error) => tracing::error!(error = %crate::report(&error), "expired log segments could not be erased"),
    }
}

#[cfg(test)]
mod week_tests;
