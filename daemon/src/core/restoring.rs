//! What becomes of a state that came out of a backup (storage.md, Backup): it is locked down until somebody has looked at
//! its tokens, for what was revoked after the backup is alive in it, and what had to be done then may be done since.

use tollgate_shared::audit::AuditRow;
use tollgate_shared::time::Timestamp;

use super::access::Actor;
use super::model::{Backups, Lockdown, Mac, RegistryChange, Restored, Token};
use super::workflows;
use crate::store::{Loaded, View};

/// What was done to a restored state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Tokens that need a new secret.
    pub without_secret: usize,
    /// Requests that stood as queued or running and were cancelled.
    pub cancelled: usize,
}

/// Locks a restored state down, marks its tokens where their key is gone, stops what would be done a second time, and
/// says so in the audit.
pub fn settle(view: &mut dyn View, loaded: &Loaded, restored: &Restored, actor: &Actor, detail: String) -> Settled {
    let now = restored.at;
    let mut settled = Settled::default();
    if restored.new_key {
        settled.without_secret = loaded.tokens.len();
        for token in &loaded.tokens {
            view.put_registry(RegistryChange::PutToken(Box::new(without_secret(token))));
        }
    }
    settled.cancelled = cancel_unfinished(view, now);
    let reason = format!(
        "restored from a backup of {}; what was revoked since is unknown: tollgate restore-review",
        restored.backup_made_at
    );
    view.put_registry(RegistryChange::SetLockdown(Some(Lockdown { at: now, by: actor.name.clone(), reason })));
    view.put_registry(RegistryChange::SetRestored(Some(restored.clone())));
    // The last backups were made on another host, or of another life of this one.
    view.put_registry(RegistryChange::SetBackups(Backups::default()));
    view.audit(AuditRow {
        seq: 0,
        at: now,
        actor: actor.name.clone(),
        uid: actor.uid,
        action: "restore".to_owned(),
        target: "state".to_owned(),
        detail,
        pid: actor.pid,
        login_uid: actor.login_uid,
        origin: actor.origin(),
        request_id: None,
        previous: String::new(),
        hash: String::new(),
    });
    settled
}

/// Its secret is gone with the key, also an old one of an overlap.
fn without_secret(token: &Token) -> Token {
    Token { mac: Mac::lost(token.id), overlap: None, generation: token.generation + 1, ..token.clone() }
}

/// A step that stood as running was very likely carried out after the backup was made: it must not be done again because
/// a backup was brought back. Whoever wants it retries the request.
fn cancel_unfinished(view: &mut dyn View, now: Timestamp) -> usize {
    let mut cancelled = 0;
    for id in view.unfinished() {
        let Some(record) = view.request(id) else { continue };
        let mut record = record.as_ref().clone();
        let note = "cancelled by a restore: it may have been done since the backup; retry it if not".to_owned();
        if workflows::cancel(&mut record, note, now).is_ok() {
            view.put_request(record);
            cancelled += 1;
        }
    }
    cancelled
}

#[cfg(test)]
mod tests;
