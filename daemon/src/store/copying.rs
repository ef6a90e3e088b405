//! A copy of the whole state as of one moment, for backups: rows in the store's own form, in sections. What the sections
//! are and what is in a row only the same kind of store knows; whoever keeps a copy need not.

use std::io;

use serde::{Deserialize, Serialize};

use super::StoreError;

/// What is in a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyCounts {
    /// Teams.
    pub teams: u64,
    /// Services.
    pub services: u64,
    /// Filters.
    pub filters: u64,
    /// Living tokens.
    pub tokens: u64,
    /// Operators.
    pub operators: u64,
    /// Incidents, open and resolved.
    pub incidents: u64,
    /// Rows of the audit.
    pub audit_rows: u64,
}

/// What looking through a copy has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyChecked {
    /// What was counted.
    pub counts: CopyCounts,
    /// Why the audit's chain does not hold; `None` = it holds.
    pub audit_broken: Option<String>,
}

/// Takes a copy.
pub trait CopySink {
    /// What will come, before the first section.
    ///
    /// # Errors
    /// It cannot be written.
    fn begin(&mut self, counts: CopyCounts) -> io::Result<()>;

    /// The rows that follow are of this section, and so many.
    ///
    /// # Errors
    /// It cannot be written.
    fn section(&mut self, name: &str, rows: u64) -> io::Result<()>;

    /// One row.
    ///
    /// # Errors
    /// It cannot be written.
    fn row(&mut self, key: &[u8], row: &[u8]) -> io::Result<()>;
}

/// Gives copies beside the writer.
pub trait Copier: Send + Sync {
    /// Everything that was committed when the call began, in one reading. The only reading that is as long as the state:
    /// the sink must be a disk, never somebody who may stop taking.
    ///
    /// # Errors
    /// I/O, damage, or the sink's failure.
    fn copy(&self, sink: &mut dyn CopySink) -> Result<(), StoreError>;
}
