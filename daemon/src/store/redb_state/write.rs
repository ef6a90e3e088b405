//! Writes one batch into a transaction.

use redb::{ReadableTable, Table, WriteTransaction};
use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::{IncidentHead, TimelineEntry};
use tollgate_shared::limits::TIMELINE_ENTRIES_MAX;

use super::handle::fail;
use super::requests;
use super::tables::{
    ANSWERS, AUDIT, BACKUPS, BODIES, CLOCK_STEPS, DEAD_SECRETS, DEDUP, FILTERS, HEADS, KEPT_QUERIES, LOCKDOWN,
    MAINTENANCES, MEASURES, META, OPEN, OPERATORS, REDACTION, RESOLVED, RESTORED, SERVICES, TEAMS, TIMELINE,
    TOKEN_OPTIONS, TOKENS, TOMBSTONES, USAGE, WORKFLOWS, kept_query_key, write_marks,
};
use crate::core::model::{Lockdown, RegistryChange};
use crate::store::StoreError;
use crate::store::marks::Marks;
use crate::store::overlay::Overlay;
use crate::store::rows::{ResolvedRow, decode, encode};
use crate::store::timeline;

const DOING: &str = "write a commit of the state";

/// Everything that a batch has changed, and the marks.
pub(super) fn write_batch(txn: &WriteTransaction, overlay: &Overlay, marks: Marks) -> Result<(), StoreError> {
    if !overlay.heads.is_empty() {
        write_heads(txn, overlay)?;
    }
    if !overlay.bodies.is_empty() {
        let mut bodies = txn.open_table(BODIES).map_err(fail(DOING))?;
        for (id, body) in &overlay.bodies {
            bodies.insert(id.0.as_u128(), encode(body)?.as_slice()).map_err(fail(DOING))?;
        }
    }
    if !overlay.timelines.is_empty() {
        let mut table = txn.open_table(TIMELINE).map_err(fail(DOING))?;
        for (id, entries) in &overlay.timelines {
            extend_timeline(&mut table, *id, entries)?;
        }
    }
    if !overlay.remembered.entries.is_empty() {
        let mut dedup = txn.open_table(DEDUP).map_err(fail(DOING))?;
        dedup.insert(marks.commit_no, encode(&overlay.remembered)?.as_slice()).map_err(fail(DOING))?;
    }
    if !overlay.answers.entries.is_empty() {
        let mut answers = txn.open_table(ANSWERS).map_err(fail(DOING))?;
        answers.insert(marks.commit_no, encode(&overlay.answers)?.as_slice()).map_err(fail(DOING))?;
    }
    for change in &overlay.registry {
        write_registry(txn, change)?;
    }
    requests::write(txn, overlay)?;
    write_small_rows(txn, overlay)?;
    write_marks(txn, marks)
}

/// Forgets these blocks of deduplication entries and of answers.
pub(super) fn drop_blocks(txn: &WriteTransaction, dedup: &[u64], answers: &[u64]) -> Result<(), StoreError> {
    for (table, blocks) in [(DEDUP, dedup), (ANSWERS, answers)] {
        let mut table = txn.open_table(table).map_err(fail(DOING))?;
        for block in blocks {
            table.remove(*block).map_err(fail(DOING))?;
        }
    }
    Ok(())
}

/// Deletes these incidents, named by their numbers among the resolved ones and their ids.
pub(super) fn drop_incidents(txn: &WriteTransaction, due: &[(u64, u128)]) -> Result<(), StoreError> {
    let mut resolved = txn.open_table(RESOLVED).map_err(fail(DOING))?;
    let mut heads = txn.open_table(HEADS).map_err(fail(DOING))?;
    let mut bodies = txn.open_table(BODIES).map_err(fail(DOING))?;
    let mut entries = txn.open_table(TIMELINE).map_err(fail(DOING))?;
    for (number, id) in due {
        resolved.remove(*number).map_err(fail(DOING))?;
        heads.remove(*id).map_err(fail(DOING))?;
        bodies.remove(*id).map_err(fail(DOING))?;
        entries.retain_in((*id, 0)..=(*id, u32::MAX), |_, _| false).map_err(fail(DOING))?;
    }
    Ok(())
}

fn write_heads(txn: &WriteTransaction, overlay: &Overlay) -> Result<(), StoreError> {
    let mut heads = txn.open_table(HEADS).map_err(fail(DOING))?;
    let mut open = txn.open_table(OPEN).map_err(fail(DOING))?;
    let mut closed: Vec<&IncidentHead> = Vec::new();
    for head in overlay.heads.values() {
        let id = head.id.0.as_u128();
        let existed = heads.insert(id, encode(head)?.as_slice()).map_err(fail(DOING))?.is_some();
        if head.state.is_open() {
            // An attach changes the head alone; the table of open ones is touched when an incident opens or closes.
            if !existed {
                open.insert(id, ()).map_err(fail(DOING))?;
            }
            continue;
        }
        let was_open = open.remove(id).map_err(fail(DOING))?.is_some();
        if was_open || !existed {
            closed.push(head);
        }
    }
    append_resolved(txn, closed)
}

/// Retention walks along this table and stops at the first row that is too young, so the rows of one batch stand in the
/// order of resolving, too, not in that of the ids.
fn append_resolved(txn: &WriteTransaction, mut closed: Vec<&IncidentHead>) -> Result<(), StoreError> {
    if closed.is_empty() {
        return Ok(());
    }
    let resolved_at = |head: &IncidentHead| head.resolved_at.unwrap_or(head.last_seen);
    closed.sort_by_key(|head| resolved_at(head));
    let mut table = txn.open_table(RESOLVED).map_err(fail(DOING))?;
    let first = table.last().map_err(fail(DOING))?.map_or(0, |(last, _)| last.value() + 1);
    for (number, head) in (first..).zip(closed) {
        let row = ResolvedRow { id: head.id, at: resolved_at(head) };
        table.insert(number, encode(&row)?.as_slice()).map_err(fail(DOING))?;
    }
    Ok(())
}

fn extend_timeline(
    table: &mut Table<'_, (u128, u32), &'static [u8]>,
    id: IncidentId,
    entries: &[TimelineEntry],
) -> Result<(), StoreError> {
    let id = id.0.as_u128();
    let mut last = last_entry(table, id)?;
    for entry in entries {
        let (number, entry) = match last {
            None => (0, entry.clone()),
            Some((number, mut before)) => {
                if timeline::merged(&mut before, entry) {
                    (number, before)
                } else {
                    (number + 1, entry.clone())
                }
            }
        };
        table.insert((id, number), encode(&entry)?.as_slice()).map_err(fail(DOING))?;
        trim_timeline(table, id, number)?;
        last = Some((number, entry));
    }
    Ok(())
}

fn last_entry(
    table: &Table<'_, (u128, u32), &'static [u8]>,
    id: u128,
) -> Result<Option<(u32, TimelineEntry)>, StoreError> {
    let mut range = table.range((id, 0)..=(id, u32::MAX)).map_err(fail(DOING))?;
    match range.next_back() {
        None => Ok(None),
        Some(row) => {
            let (key, row) = row.map_err(fail(DOING))?;
            Ok(Some((key.value().1, decode(row.value())?)))
        }
    }
}

/// Takes out the oldest entry but the first where there are too many. The numbers between are contiguous.
fn trim_timeline(table: &mut Table<'_, (u128, u32), &'static [u8]>, id: u128, newest: u32) -> Result<(), StoreError> {
    let kept_max = u32::try_from(TIMELINE_ENTRIES_MAX).unwrap_or(u32::MAX);
    if newest < kept_max {
        return Ok(());
    }
    let oldest_kept = newest - kept_max + 2;
    table.retain_in((id, 1)..(id, oldest_kept), |_, _| false).map_err(fail(DOING))?;
    Ok(())
}

fn write_registry(txn: &WriteTransaction, change: &RegistryChange) -> Result<(), StoreError> {
    match change {
        RegistryChange::PutTeam(team) => put(txn, TEAMS, team.id.0.as_u128(), &encode(team)?),
        RegistryChange::PutService(service) => put(txn, SERVICES, service.id.0.as_u128(), &encode(service)?),
        RegistryChange::PutFilter(filter) => put(txn, FILTERS, filter.id.0.as_u128(), &encode(filter.as_ref())?),
        RegistryChange::PutOperator(operator) => {
            put(txn, OPERATORS, operator.id.0.as_u128(), &encode(operator.as_ref())?)
        }
        RegistryChange::DeleteFilter(id) => remove(txn, FILTERS, id.0.as_u128()),
        RegistryChange::DeleteService(id) => remove(txn, SERVICES, id.0.as_u128()),
        RegistryChange::DeleteTeam(id) => remove(txn, TEAMS, id.0.as_u128()),
        RegistryChange::DeleteOperator(id) => remove(txn, OPERATORS, id.0.as_u128()),
        RegistryChange::PutWorkflow(workflow) => {
            put(txn, WORKFLOWS, workflow.id.0.as_u128(), &encode(workflow.as_ref())?)
        }
        RegistryChange::DeleteWorkflow(id) => remove(txn, WORKFLOWS, id.0.as_u128()),
        RegistryChange::PutQuery(kept) => {
            put_text(txn, KEPT_QUERIES, &kept_query_key(&kept.key()), &encode(kept.as_ref())?)
        }
        RegistryChange::DeleteQuery(key) => {
            let mut table = txn.open_table(KEPT_QUERIES).map_err(fail(DOING))?;
            table.remove(kept_query_key(key).as_str()).map_err(fail(DOING))?;
            Ok(())
        }
        RegistryChange::SetLockdown(lockdown) => write_lockdown(txn, lockdown.as_ref()),
        RegistryChange::SetRestored(Some(restored)) => put_text(txn, META, RESTORED, &encode(restored)?),
        RegistryChange::SetRestored(None) => {
            txn.open_table(META).map_err(fail(DOING))?.remove(RESTORED).map_err(fail(DOING))?;
            Ok(())
        }
        RegistryChange::SetBackups(backups) => put_text(txn, META, BACKUPS, &encode(backups)?),
        RegistryChange::SetRedaction(rules) => put_text(txn, META, REDACTION, &encode(rules)?),
        RegistryChange::SetClockSteps(steps) => put_text(txn, META, CLOCK_STEPS, &encode(steps)?),
        RegistryChange::PutToken(token) => put_text(txn, TOKENS, token.id.as_str(), &encode(token.as_ref())?),
        RegistryChange::PutTokenOptions(id, options) => put_text(txn, TOKEN_OPTIONS, id.as_str(), &encode(options)?),
        RegistryChange::PutMeasures(id, measures) => {
            let mut table = txn.open_table(MEASURES).map_err(fail(DOING))?;
            match measures.is_empty() {
                true => table.remove(id.as_str()).map_err(fail(DOING))?,
                false => table.insert(id.as_str(), encode(measures)?.as_slice()).map_err(fail(DOING))?,
            };
            Ok(())
        }
        RegistryChange::PutMaintenance(one) => put(txn, MAINTENANCES, one.id.0.as_u128(), &encode(one.as_ref())?),
        RegistryChange::DeleteMaintenance(id) => remove(txn, MAINTENANCES, id.0.as_u128()),
        RegistryChange::PutDeadSecret(dead) => {
            let mut table = txn.open_table(DEAD_SECRETS).map_err(fail(DOING))?;
            table.insert(&dead.mac.0, encode(dead)?.as_slice()).map_err(fail(DOING))?;
            Ok(())
        }
        RegistryChange::Bury(tombstone) => {
            let id = tombstone.token.id;
            for table in [TOKENS, TOKEN_OPTIONS, MEASURES] {
                txn.open_table(table).map_err(fail(DOING))?.remove(id.as_str()).map_err(fail(DOING))?;
            }
            put_text(txn, TOMBSTONES, id.as_str(), &encode(tombstone.as_ref())?)
        }
    }
}

fn write_small_rows(txn: &WriteTransaction, overlay: &Overlay) -> Result<(), StoreError> {
    if !overlay.usage.is_empty() {
        let mut usage = txn.open_table(USAGE).map_err(fail(DOING))?;
        for (token, record) in &overlay.usage {
            usage.insert(token.as_str(), encode(record)?.as_slice()).map_err(fail(DOING))?;
        }
    }
    if !overlay.audit.is_empty() {
        let mut audit = txn.open_table(AUDIT).map_err(fail(DOING))?;
        for row in &overlay.audit {
            audit.insert(row.seq, encode(row)?.as_slice()).map_err(fail(DOING))?;
        }
    }
    Ok(())
}

fn write_lockdown(txn: &WriteTransaction, lockdown: Option<&Lockdown>) -> Result<(), StoreError> {
    let mut meta = txn.open_table(META).map_err(fail(DOING))?;
    match lockdown {
        Some(lockdown) => meta.insert(LOCKDOWN, encode(lockdown)?.as_slice()).map_err(fail(DOING))?,
        None => meta.remove(LOCKDOWN).map_err(fail(DOING))?,
    };
    Ok(())
}

fn remove(
    txn: &WriteTransaction,
    table: redb::TableDefinition<'static, u128, &'static [u8]>,
    id: u128,
) -> Result<(), StoreError> {
    txn.open_table(table).map_err(fail(DOING))?.remove(id).map_err(fail(DOING))?;
    Ok(())
}

fn put(
    txn: &WriteTransaction,
    table: redb::TableDefinition<'static, u128, &'static [u8]>,
    id: u128,
    row: &[u8],
) -> Result<(), StoreError> {
    txn.open_table(table).map_err(fail(DOING))?.insert(id, row).map_err(fail(DOING))?;
    Ok(())
}

fn put_text(
    txn: &WriteTransaction,
    table: redb::TableDefinition<'static, &'static str, &'static [u8]>,
    id: &str,
    row: &[u8],
) -> Result<(), StoreError> {
    txn.open_table(table).map_err(fail(DOING))?.insert(id, row).map_err(fail(DOING))?;
    Ok(())
}
