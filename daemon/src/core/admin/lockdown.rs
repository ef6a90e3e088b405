//! Lockdown: all ingestion is answered 503 `locked-down` until an admin lifts it.

use tollgate_shared::api::SetLockdown;
use tollgate_shared::limits::COMMENT_CHARS_MAX;
use tollgate_shared::problem::{Problem, Slug};

use super::{Done, Office, Reply, invalid, text_of};
use crate::core::access::Actor;
use crate::core::model::{Lockdown, RegistryChange};

pub(super) fn set(office: &mut Office<'_>, actor: &Actor, set: &SetLockdown) -> Result<Done, Problem> {
    let reason = text_of("reason", &set.reason, COMMENT_CHARS_MAX)?;
    if set.on && reason.trim().is_empty() {
        return Err(invalid("reason", "say why: senders are turned away until somebody lifts it"));
    }
    if let Some(restored) = office.registry.restored().filter(|_| !set.on) {
        let detail = format!(
            "the state was restored from a backup of {}; look at its tokens first: tollgate restore-review",
            restored.backup_made_at
        );
        return Err(Problem::new(Slug::Conflict, detail));
    }
    let before = office.registry.lockdown();
    if before.is_some() == set.on {
        return Ok(Done { changes: Vec::new(), reply: Reply::Lockdown });
    }
    let lockdown = set.on.then(|| Lockdown { at: office.now, by: actor.name.clone(), reason: reason.clone() });
    let action = if set.on { "lockdown.on" } else { "lockdown.off" };
    let changes = vec![RegistryChange::SetLockdown(lockdown)];
    office.write(actor, &changes, action, "ingestion".to_owned(), reason);
    Ok(Done { changes, reply: Reply::Lockdown })
}
