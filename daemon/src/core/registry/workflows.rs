//! The workflows of a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tollgate_shared::id::WorkflowId;

use super::Registry;
use crate::core::workflows::{Workflow, WorkflowEntry};

/// Workflows by id and by public id, and what their triggers read.
#[derive(Clone)]
pub(super) struct Workflows {
    /// The registry's version at the last change of them.
    version: u64,
    entries: Arc<BTreeMap<WorkflowId, Arc<WorkflowEntry>>>,
    public: Arc<BTreeMap<String, WorkflowId>>,
    /// Lower case, sorted.
    header_names: Arc<Vec<String>>,
}

impl Workflows {
    pub(super) fn new(version: u64) -> Self {
        Self { version, entries: Arc::default(), public: Arc::default(), header_names: Arc::default() }
    }

    fn changed(&mut self, version: u64) {
        self.version = version;
        let names: BTreeSet<_> = self.entries.values().flat_map(|entry| entry.header_names.iter().cloned()).collect();
        self.header_names = Arc::new(names.into_iter().collect());
    }
}

impl Registry {
    /// The version of the last change of workflows.
    pub fn workflows_version(&self) -> u64 {
        self.workflows.version
    }

    /// All workflows by id.
    pub fn workflows(&self) -> impl ExactSizeIterator<Item = &Arc<WorkflowEntry>> {
        self.workflows.entries.values()
    }

    /// One workflow.
    pub fn workflow(&self, id: WorkflowId) -> Option<&Arc<WorkflowEntry>> {
        self.workflows.entries.get(&id)
    }

    /// One workflow by what a sender may name it by: its public id or its id, nothing that a person may change.
    pub fn workflow_named(&self, named: &str) -> Option<&Arc<WorkflowEntry>> {
        let id = self.workflows.public.get(named).copied().or_else(|| named.parse().ok())?;
        self.workflow(id)
    }

    /// Lower-case names of the headers that some trigger reads, sorted.
    pub fn workflow_header_names(&self) -> &[String] {
        &self.workflows.header_names
    }

    pub(super) fn put_workflow(&mut self, workflow: &Workflow) -> Result<(), String> {
        let team = workflow.team.map(|team| self.team(team).map_or("?", |team| team.name.as_str()));
        let entry = WorkflowEntry::new(workflow.clone(), team)?;
        Arc::make_mut(&mut self.workflows.public).insert(workflow.public_id.clone(), workflow.id);
        Arc::make_mut(&mut self.workflows.entries).insert(workflow.id, Arc::new(entry));
        self.workflows.changed(self.version);
        Ok(())
    }

    pub(super) fn delete_workflow(&mut self, id: WorkflowId) {
        if let Some(gone) = Arc::make_mut(&mut self.workflows.entries).remove(&id) {
            Arc::make_mut(&mut self.workflows.public).remove(&gone.workflow.public_id);
            self.workflows.changed(self.version);
        }
    }
}
