//! After a restore: its tokens are looked at, then calls are taken again. And what is known of backups.

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_shared::api::ReviewRestore;
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::TokenState;

use super::{Done, Office, Reply, Scheduled, tokens};
use crate::core::access::Actor;
use crate::core::model::{BackupRecord, RegistryChange, Token};
use crate::core::views::state_of;

/// Suspends what is named and lifts the lockdown of the restore, once somebody has counted what is let in by that: the
/// tokens that were revoked since the backup are among them unless they are named.
pub(super) fn review(office: &mut Office<'_>, actor: &Actor, review: &ReviewRestore) -> Result<Done, Problem> {
    let Some(restored) = office.registry.restored().cloned() else {
        return Err(Problem::new(Slug::Conflict, "nothing waits for a review: no backup was restored, or it is done"));
    };
    let named = named(office, &review.suspend)?;
    let now = office.now;
    let active = office.registry.tokens().filter(|token| state_of(token, now) == TokenState::Active);
    let let_in = count(active.filter(|token| !named.contains_key(&token.id)).count());
    if let_in != review.confirm_count {
        let detail = format!(
            "{let_in} tokens would be let in again, {} were confirmed; nothing was changed: look again",
            review.confirm_count
        );
        return Err(Problem::new(Slug::Conflict, detail).with_error("confirm_count", let_in.to_string()));
    }
    let doubted = named.values().map(AsRef::as_ref);
    let mut changes = tokens::suspend_in_doubt(office, actor, doubted, "in doubt after a restore");
    let suspended = count(changes.len());
    let lifted = [RegistryChange::SetRestored(None), RegistryChange::SetLockdown(None)];
    let detail = format!("backup of {}; {let_in} tokens let in, {suspended} suspended", restored.backup_made_at);
    office.write(actor, &lifted, "restore.review", "ingestion".to_owned(), detail);
    changes.extend(lifted);
    Ok(Done { changes, reply: Reply::Reviewed(let_in, suspended) })
}

/// Each once, however often it was named.
fn named(office: &Office<'_>, references: &[String]) -> Result<BTreeMap<TokenId, Arc<Token>>, Problem> {
    let found = references.iter().map(|reference| {
        let token = office.registry.find_token(reference)?;
        Ok((token.id, token.clone()))
    });
    found.collect()
}

/// A backup is on a disk: from now on it is the last one.
pub(super) fn note_backup(office: &mut Office<'_>, actor: &Actor, record: BackupRecord, scheduled: Scheduled) -> Done {
    let mut backups = office.registry.backups().clone();
    let detail = format!("of {}, {} bytes", record.made_at, record.bytes);
    let target = format!("backup {}", record.place);
    if scheduled == Scheduled::Yes {
        backups.scheduled = Some(record.clone());
    }
    backups.last = Some(record);
    let changes = vec![RegistryChange::SetBackups(backups)];
    office.write(actor, &changes, "backup.written", target, detail);
    Done { changes, reply: Reply::Noted }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
