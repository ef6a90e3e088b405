//! Automation workflows and requests (domain.md §7): what a call starts, and what becomes of a request step by step.
//! Everything here is decided by the writer or for it; the runner only carries steps out and tells how they went.

mod by_hand;
mod entry;
mod explain;
mod plan;
mod record;
mod start;
mod turn;
mod view;

pub use by_hand::{cancel, retry};
pub use entry::{WorkflowEntry, public_id_of, target_of};
pub use explain::{explain, part_of};
pub use plan::{StartPlan, StartRefusal, Starts, named_workflow, plan, values_for};
pub use record::{RequestBrief, RequestRecord, StepOutput, Workflow};
pub use start::decide as decide_start;
pub use turn::{StepDone, StepOrder, Turn, Turned, turn};
pub use view::{request as view_of_request, workflow as view_of_workflow};

#[cfg(test)]
mod tests;
