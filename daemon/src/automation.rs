//! Automation: carries out the steps of requests (domain.md §7). It decides nothing: it asks the writer for a step, does it,
//! and tells how it went.

pub mod actions;
mod output;
mod post;
mod program;
pub mod runner;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tollgate_shared::filter::FieldError;
use tollgate_shared::id::RequestId;
use tollgate_shared::workflow::{StepWork, WebAddress, WorkflowSpec};

/// What the configuration says of automation.
#[derive(Clone, Debug)]
pub struct AutomationSettings {
    /// Where programs are; `None` = no step may start one.
    pub actions: Option<PathBuf>,
    /// Where steps may post to: scheme, host and port.
    pub post_allowlist: Vec<WebAddress>,
    /// Steps that are carried out at once.
    pub concurrency: usize,
    /// The daemon's own uid: programs are root's or its.
    pub uid: u32,
}

/// What the writer and the doors know of the runner.
pub struct Automation {
    settings: AutomationSettings,
    bell: Notify,
    /// Requests that a person has changed since the runner last looked. It looks at every bell, and there are no more
    /// unfinished requests than their limit: the set stays small.
    touched: Mutex<BTreeSet<RequestId>>,
}

impl Automation {
    /// Automation under these settings.
    pub fn new(settings: AutomationSettings) -> Self {
        Self { settings, bell: Notify::new(), touched: Mutex::default() }
    }

    /// There may be something to do.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// A person has cancelled or retried a request: if it is in hand, its step is to be stopped.
    pub fn touched(&self, id: RequestId) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        self.wake();
    }

    /// What the settings are.
    pub fn settings(&self) -> &AutomationSettings {
        &self.settings
    }

    /// Everything of a workflow that this host would not carry out as things stand. Asks the file system: not for the
    /// threads of a runtime.
    pub fn problems(&self, spec: &WorkflowSpec) -> Vec<FieldError> {
        let mut problems = Vec::new();
        for (place, step) in spec.steps.iter().enumerate() {
            let fault = match step.work() {
                Some(StepWork::Run(run)) => actions::find(&self.settings, &run.program)
                    .err()
                    .map(|error| (format!("steps[{place}].run.program"), error.to_string())),
                Some(StepWork::Http(http)) => post::allowed(&self.settings, &http.url)
                    .err()
                    .map(|message| (format!("steps[{place}].http.url"), message)),
                Some(StepWork::Incident(_)) | None => None,
            };
            problems.extend(fault.map(|(path, message)| FieldError { path, message }));
        }
        problems
    }

    fn take_touched(&self) -> BTreeSet<RequestId> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
