//! How an incident's timeline grows (domain.md §6): attaches merge, 200 entries are kept, the first for ever.

use tollgate_shared::incident::{TimelineEntry, TimelineEvent};

/// Takes `next` into `last` where both are attaches; says whether it did.
pub(super) fn merged(last: &mut TimelineEntry, next: &TimelineEntry) -> bool {
    let both_attach =
        matches!(last.event, TimelineEvent::Attached { .. }) && matches!(next.event, TimelineEvent::Attached { .. });
    if both_attach {
        last.count = last.count.saturating_add(next.count);
        last.last_at = last.last_at.max(next.last_at);
        last.event = next.event.clone();
    }
    both_attach
}

/// Adds `next` at the end, merged where it can be.
pub(super) fn add(entries: &mut Vec<TimelineEntry>, next: TimelineEntry) {
    let taken = entries.last_mut().is_some_and(|last| merged(last, &next));
    if !taken {
        entries.push(next);
    }
}
