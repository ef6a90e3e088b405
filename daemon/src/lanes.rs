//! The writer's queue: one lane for administrative changes, drained before every batch, and one for calls, bounded in
//! number and in bytes. A full lane is the sender's 503, never a wait.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::jobs::{AdminJob, CallJob};

/// Administrative changes waiting at most; a person makes few.
const ADMIN_MAX: usize = 1_024;

/// What the calls' lane holds at most.
#[derive(Clone, Copy, Debug)]
pub struct LaneLimits {
    /// Calls.
    pub calls: usize,
    /// Their bytes, as [`CallJob::bytes`] counts them.
    pub bytes: usize,
}

/// Both lanes.
pub struct Lanes {
    limits: LaneLimits,
    queues: Mutex<Queues>,
    bell: Condvar,
}

#[derive(Default)]
struct Queues {
    admin: VecDeque<AdminJob>,
    calls: VecDeque<CallJob>,
    bytes: usize,
    closed: bool,
}

/// What the writer takes at once.
pub struct Batch {
    /// Changes, to be made before the calls are decided.
    pub admin: Vec<AdminJob>,
    /// Calls in order of arrival.
    pub calls: Vec<CallJob>,
    /// Calls that were waiting, with those taken now: between two batches the lane only grows, so never more did.
    pub waited: usize,
}

/// The job was not taken; it is given back.
pub enum NotQueued<J> {
    /// The lane is full.
    Full(J),
    /// The daemon is shutting down.
    Closed(J),
}

impl Lanes {
    /// Empty lanes.
    pub fn new(limits: LaneLimits) -> Self {
        Self { limits, queues: Mutex::default(), bell: Condvar::new() }
    }

    /// Queues a call.
    ///
    /// # Errors
    /// The lane is full or closed.
    pub fn push_call(&self, job: CallJob) -> Result<(), NotQueued<CallJob>> {
        let mut queues = self.lock();
        if queues.closed {
            return Err(NotQueued::Closed(job));
        }
        let bytes = queues.bytes + job.bytes;
        if queues.calls.len() >= self.limits.calls || (bytes > self.limits.bytes && !queues.calls.is_empty()) {
            return Err(NotQueued::Full(job));
        }
        queues.bytes = bytes;
        queues.calls.push_back(job);
        drop(queues);
        self.bell.notify_one();
        Ok(())
    }

    /// Queues a change.
    ///
    /// # Errors
    /// The lane is full or closed.
    pub fn push_admin(&self, job: AdminJob) -> Result<(), NotQueued<AdminJob>> {
        let mut queues = self.lock();
        if queues.closed {
            return Err(NotQueued::Closed(job));
        }
        if queues.admin.len() >= ADMIN_MAX {
            return Err(NotQueued::Full(job));
        }
        queues.admin.push_back(job);
        drop(queues);
        self.bell.notify_one();
        Ok(())
    }

    /// Takes all changes and up to `calls_max` calls; waits up to `idle` for the first. `None` once closed and empty.
    pub fn take(&self, calls_max: usize, idle: Duration) -> Option<Batch> {
        let mut queues = self.lock();
        if queues.is_empty() && !queues.closed {
            let waited = self.bell.wait_timeout_while(queues, idle, |queues| queues.is_empty() && !queues.closed);
            queues = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if queues.closed && queues.is_empty() {
            return None;
        }
        let admin = queues.admin.drain(..).collect();
        let waited = queues.calls.len();
        let calls: Vec<CallJob> = queues.calls.drain(..waited.min(calls_max)).collect();
        queues.bytes -= calls.iter().map(|job| job.bytes).sum::<usize>();
        Some(Batch { admin, calls, waited })
    }

    /// Takes no more jobs; what is queued is still done.
    pub fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_all();
    }

    /// Closes and gives up what is queued: nobody is left to do it. Who waits for one of these jobs is woken by its end.
    pub fn abandon(&self) {
        let mut queues = self.lock();
        queues.closed = true;
        queues.bytes = 0;
        let left = (std::mem::take(&mut queues.admin), std::mem::take(&mut queues.calls));
        drop(queues);
        drop(left);
        self.bell.notify_all();
    }

    /// Calls that wait at most.
    pub fn calls_max(&self) -> usize {
        self.limits.calls
    }

    /// Calls waiting, and their bytes.
    pub fn waiting(&self) -> (usize, usize) {
        let queues = self.lock();
        (queues.calls.len(), queues.bytes)
    }

    /// Calls of one token that are waiting.
    pub fn waiting_of(&self, token: tollgate_shared::id::TokenId) -> usize {
        self.lock().calls.iter().filter(|job| job.token() == Some(token)).count()
    }

    /// The queues are always whole between two statements: a poisoned lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn is_empty(&self) -> bool {
        self.admin.is_empty() && self.calls.is_empty()
    }
}

#[cfg(test)]
mod tests;
