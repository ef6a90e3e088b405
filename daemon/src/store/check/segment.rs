//! A file of the log.

use std::path::Path;

use super::untouched;
use super::{Checked, Seqs};
use crate::store::StoreError;
use crate::store::redb_log::check::{Looked, look, read_contents};
use crate::store::redb_log::guard::guarded;
use crate::store::redb_log::segment::Unusable;
use crate::store::redb_state::fail;

/// Looks through a segment; `None` where it holds no row or cannot be read so far.
pub(super) fn check_segment(path: &Path, checked: &mut Checked) -> Option<Seqs> {
    let looked = match guarded(|| opened(path, checked).map_err(Unusable::Damaged)).map_err(Unusable::into_error) {
        Ok(looked) => looked?,
        Err(error) => {
            checked.failed(&error);
            return None;
        }
    };
    let Looked { format, first_seq, last_seq, rows, blocks, loose } = looked;
    checked.holds =
        format!("format {format}, seq {first_seq} to {last_seq}, {rows} rows: {blocks} blocks and {loose} alone");
    let named = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    if named != Some(first_seq) {
        checked.damaged(format!("its first row is {first_seq}, which is not what its name says"));
    }
    Some(Seqs { first: first_seq, last: last_seq })
}

fn opened(path: &Path, checked: &mut Checked) -> Result<Option<Looked>, StoreError> {
    let Some((mut database, repaired)) = untouched::open(path)? else { return Ok(None) };
    if repaired {
        checked.note("it was not closed in order; the daemon repairs that when it starts, and begins a new one");
    }
    // Before the pages are looked at: of a newer format nothing is known of them.
    read_contents(&database)?;
    if !database.check_integrity().map_err(fail("check the pages"))? {
        checked.damaged("pages do not fit their checksums, or what is free and what is used is mixed up");
    }
    let mut damage = Vec::new();
    let looked = look(&database, &mut |what| damage.push(what))?;
    damage.into_iter().for_each(|what| checked.damaged(what));
    if looked.is_none() {
        checked.note("it holds no row; the daemon deletes it when it starts");
    }
    Ok(looked)
}
