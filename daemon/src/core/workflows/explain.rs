//! Why a call started which workflows: the verdict of a log row and of a trial.

use tollgate_shared::explain::{Explain, PartExplain, SkipReason};

use super::entry::WorkflowEntry;
use crate::core::call::Call;
use crate::core::matching::{ExplainBuilder, ServiceLabel, explain as explain_filters};
use crate::core::registry::Registry;

/// Every workflow with a trigger, as filters are explained: the workflow stands where a filter's service does.
pub fn explain(registry: &Registry, call: &Call, redacted: &Call) -> Explain {
    let mut verdict = ExplainBuilder::new(call, redacted);
    for entry in registry.workflows() {
        let Some(trigger) = &entry.trigger else { continue };
        let label = ServiceLabel { id: &entry.workflow.public_id, name: &entry.full_name };
        if entry.workflow.spec.enabled {
            verdict.service(label, std::slice::from_ref(trigger));
        } else {
            verdict.skip(label, None, SkipReason::Disabled);
        }
    }
    verdict.finish(0, None)
}

/// The verdict of one workflow's trigger; `None` where it has none.
pub fn part_of(entry: &WorkflowEntry, call: &Call, redacted: &Call) -> Option<PartExplain> {
    let trigger = entry.trigger.as_ref()?;
    let label = ServiceLabel { id: &entry.workflow.public_id, name: &entry.full_name };
    let explained = explain_filters(label, std::slice::from_ref(trigger), call, redacted);
    explained.into_iter().next().map(|one| one.trigger)
}
