//! Conditions over a call of which not everything is known: true, false, or unknown and why.

use tollgate_shared::api::trying::Doubt;
use tollgate_shared::filter::{CorrPath, Mode, Path};

use super::recall::Recalled;
use crate::core::matching::{CompiledCondition, CompiledFilter};

/// The answer of a condition or of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown(Doubt),
}

/// The answer of a resolve part; `No` where there is none.
pub(super) fn resolves(filter: &CompiledFilter, recalled: &Recalled) -> Truth {
    filter.resolve.as_ref().map_or(Truth::No, |part| of_part(&part.conditions, part.mode, recalled))
}

/// The answer of a trigger.
pub(super) fn triggers(filter: &CompiledFilter, recalled: &Recalled) -> Truth {
    if filter.trigger.match_all {
        return Truth::Yes;
    }
    of_part(&filter.trigger.conditions, filter.trigger.mode, recalled)
}

/// Why the key of a part is not known.
pub(super) fn key_doubt(correlate: &[CorrPath], recalled: &Recalled) -> Option<Doubt> {
    correlate.iter().find_map(|path| recalled.doubt_at(&path.path))
}

/// Why a title or a priority made from these paths is not known.
pub(super) fn paths_doubt(paths: &[Path], recalled: &Recalled) -> Option<Doubt> {
    paths.iter().find_map(|path| recalled.doubt_at(path))
}

fn of_condition(condition: &CompiledCondition, recalled: &Recalled) -> Truth {
    match recalled.doubt_at(&condition.path) {
        Some(doubt) => Truth::Unknown(doubt),
        None if condition.holds(&recalled.call) => Truth::Yes,
        None => Truth::No,
    }
}

/// One answer may settle the part whatever the unknown ones are: one false of all, one true of any.
fn of_part(conditions: &[CompiledCondition], mode: Mode, recalled: &Recalled) -> Truth {
    let (settles, otherwise) = match mode {
        Mode::All => (Truth::No, Truth::Yes),
        Mode::Any => (Truth::Yes, Truth::No),
    };
    let mut answer = if conditions.is_empty() { Truth::No } else { otherwise };
    for condition in conditions {
        match of_condition(condition, recalled) {
            found if found == settles => return found,
            unknown @ Truth::Unknown(_) => answer = unknown,
            _ => {}
        }
    }
    answer
}
