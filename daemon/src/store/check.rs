//! Looks through the files of a daemon that does not run: formats, checksums, rows, blocks and their heads, the order of
//! seqs, the audit's chain, and what refers to what. Changes nothing: what the engine writes while it looks, such as the
//! repair of a file that was not closed, stays in memory.

mod segment;
mod state;
mod untouched;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::state::check_state;

use self::segment::check_segment;
use super::StoreError;

/// What was found out of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The file, below the data directory.
    pub file: String,
    /// What is in it, in words.
    pub holds: String,
    /// What is wrong with it, the worst first; empty = nothing.
    pub damage: Vec<String>,
    /// What an operator may want to know and need not act on.
    pub notes: Vec<String>,
}

/// The seqs of a segment, for looking at several side by side.
#[derive(Clone, Copy, Debug)]
struct Seqs {
    first: u64,
    last: u64,
}

/// More findings of one file say nothing more.
const FINDINGS_MAX: usize = 20;

// === impl Checked ===

impl Checked {
    fn of(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    fn damaged(&mut self, what: impl Into<String>) {
        if self.damage.len() < FINDINGS_MAX {
            self.damage.push(what.into());
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        if self.notes.len() < FINDINGS_MAX {
            self.notes.push(what.into());
        }
    }

    /// Takes in what went wrong, with its causes.
    fn failed(&mut self, error: &StoreError) {
        self.damaged(crate::report(error));
    }
}

/// Looks through every file of the log. `next_seq` is what the state will give out next, where that is known.
///
/// # Errors
/// The directory cannot be listed.
pub fn check_log(directory: &Path, next_seq: Option<u64>) -> io::Result<Vec<Checked>> {
    let mut all = Vec::new();
    let mut last: Option<(String, Seqs)> = None;
    for path in files(directory)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut checked = Checked::of(format!("log/{name}"));
        if name.ends_with(".damaged") {
            checked.damaged(
                "it did not open and was moved aside; its rows are not shown, it is deleted 48 h after its last change",
            );
        } else if name.ends_with(".redb") {
            let seqs = check_segment(&path, &mut checked);
            if let Some(seqs) = seqs {
                beside(&mut checked, seqs, last.as_ref(), next_seq);
                last = Some((checked.file.clone(), seqs));
            }
        } else {
            checked.note("it is none of ours; nothing reads it");
        }
        all.push(checked);
    }
    Ok(all)
}

/// What two neighbours say of each other.
fn beside(checked: &mut Checked, seqs: Seqs, before: Option<&(String, Seqs)>, next_seq: Option<u64>) {
    if let Some((file, before)) = before {
        if seqs.first <= before.last {
            checked.note(format!(
                "it begins at seq {}, {file} ends at {}: those that both have count as of this one",
                seqs.first, before.last
            ));
        } else if seqs.first > before.last + 1 {
            checked.note(format!(
                "rows {} to {} are in no file: they were never written",
                before.last + 1,
                seqs.first - 1
            ));
        }
    }
    if next_seq.is_some_and(|next| seqs.last >= next) {
        let next = next_seq.unwrap_or_default();
        checked
            .note(format!("it ends at seq {}, the state would go on at {next}: the state is the older one", seqs.last));
    }
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
