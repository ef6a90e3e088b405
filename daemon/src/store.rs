//! The only place that knows redb. Its face is in the domain's words: a transaction in which the core decides over a view,
//! pages of incidents, log segments older than a moment.
//!
//! Every implementation passes the same `conformance` tests. Nothing outside this room may make a second one
//! (a shared database for several hosts) impossible: no table names, no file names, no ids that assume one node.

mod answers;
mod batch_view;
mod check;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod conformance_log;
mod copying;
#[cfg(test)]
mod crash_tests;
mod dedup;
#[cfg(test)]
mod history_tests;
mod log_hints;
#[cfg(test)]
mod log_tests;
mod log_traits;
mod marks;
mod memory;
mod memory_requests;
mod open;
mod overlay;
mod redb_log;
mod redb_state;
mod rows;
#[cfg(test)]
pub(crate) mod testing;
mod timeline;
mod traits;

pub use check::{Checked, check_log, check_state};
pub use copying::{Copier, CopyChecked, CopyCounts, CopySink};
pub use log_hints::{LogHints, OutcomeSet};
pub use log_traits::{LogPage, LogReader, LogStore};
pub use redb_log::{LogSettings, RedbLog};
pub use redb_state::{CopyCheck, CopyInto, OpenFile, RedbStore, StateSettings};
pub use traits::{
    AuditPage, Committed, IncidentFilter, Loaded, PAGE_SCAN_ROWS, Reader, SCAN_ROWS_MAX, Store, StoreError, View,
    WholeRequest, incident_page,
};
