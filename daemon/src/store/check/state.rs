//! The state's file.

use std::collections::HashSet;
use std::path::Path;

use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::incident::{IncidentHead, TimelineEntry};

use super::Checked;
use super::untouched;
use crate::core::audit::{AuditHead, Walk};
use crate::core::model::IncidentBody;
use crate::core::registry::Registry;
use crate::core::workflows::{RequestRecord, StepOutput};
use crate::store::dedup::DedupBounds;
use crate::store::redb_log::guard::guarded;
use crate::store::redb_log::segment::Unusable;
use crate::store::redb_state::{fail, load, tables};
use crate::store::rows::{DedupBlock, FinishedRow, PayloadRow, ResolvedRow, Stored, decode};
use crate::store::{Loaded, StoreError};

/// Looks through the state. `key_check` is what the token key says of itself; `None` = there is no key to compare.
/// Also gives the log seq that would be given out next, where the state can be read so far.
pub fn check_state(path: &Path, label: &str, key_check: Option<&[u8; 32]>) -> (Checked, Option<u64>) {
    let mut checked = Checked::of(label);
    let looked = guarded(|| look(path, label, key_check, &mut checked).map_err(Unusable::Damaged));
    let next_seq = looked.map_err(Unusable::into_error).unwrap_or_else(|error| {
        checked.failed(&error);
        None
    });
    (checked, next_seq)
}

fn look(
    path: &Path,
    label: &str,
    key_check: Option<&[u8; 32]>,
    checked: &mut Checked,
) -> Result<Option<u64>, StoreError> {
    const DOING: &str = "read the state";
    let Some((mut database, repaired)) = untouched::open(path)? else {
        checked.damaged("there is no such file");
        return Ok(None);
    };
    if repaired {
        checked.note("it was not closed in order; the daemon repairs that when it starts");
    }
    // Before the pages are looked at: of a newer format nothing is known of them.
    identify(&database, label, key_check)?;
    // Of what an earlier release wrote: made here as the daemon makes it, and not kept.
    tables::add_missing(&database)?;
    if !database.check_integrity().map_err(fail("check the pages"))? {
        checked.damaged("pages do not fit their checksums, or what is free and what is used is mixed up");
    }
    let txn = database.begin_read().map_err(fail(DOING))?;
    let meta = txn.open_table(tables::META).map_err(fail(DOING))?;
    let (loaded, _) = load::load(&txn, DedupBounds::default())?;
    rows_of_incidents(&txn, &loaded, checked)?;
    decode_all::<u64, DedupBlock>(&txn, tables::DEDUP, checked, |_, _, _| {})?;
    rows_of_requests(&txn, checked)?;
    references(&loaded, checked);
    let marks = tables::read_marks(&meta)?;
    let audit_rows = audit(&txn, AuditHead { seq: marks.audit_seq, hash: marks.audit_hash }, checked)?;
    checked.holds = format!(
        "{} teams, {} services, {} filters, {} tokens, {} operators, {audit_rows} audit rows",
        loaded.teams.len(),
        loaded.services.len(),
        loaded.filters.len(),
        loaded.tokens.len(),
        loaded.operators.len()
    );
    Ok(Some(loaded.next_log_seq))
}

fn identify(database: &redb::Database, label: &str, key_check: Option<&[u8; 32]>) -> Result<(), StoreError> {
    const DOING: &str = "read what the state says of itself";
    let meta = database.begin_read().map_err(fail(DOING))?.open_table(tables::META).map_err(fail(DOING))?;
    match key_check {
        Some(key_check) => tables::check_identity(&meta, label, key_check),
        None => tables::check_identity(&meta, label, &tables::key_check(&meta)?),
    }
}

/// Every head has a body and its service, every entry a head.
fn rows_of_incidents(txn: &redb::ReadTransaction, loaded: &Loaded, checked: &mut Checked) -> Result<(), StoreError> {
    let services: HashSet<_> = loaded.services.iter().map(|service| service.id).collect();
    let mut heads: HashSet<u128> = HashSet::new();
    decode_all::<u128, IncidentHead>(txn, tables::HEADS, checked, |id, head, checked| {
        if head.id.0.as_u128() != id {
            checked.damaged(format!("the incident under {} says that it is {}", uuid::Uuid::from_u128(id), head.id));
        }
        if head.state.is_open() && !services.contains(&head.service) {
            checked.damaged(format!("the open incident {} is of a service that is not there", head.id));
        }
        heads.insert(id);
    })?;
    let mut bodies = 0;
    decode_all::<u128, IncidentBody>(txn, tables::BODIES, checked, |id, _, checked| {
        bodies += 1;
        if !heads.contains(&id) {
            checked.damaged(format!("incident {} has a body and no head", uuid::Uuid::from_u128(id)));
        }
    })?;
    if bodies < heads.len() {
        checked.damaged(format!("{} incidents have no body", heads.len() - bodies));
    }
    decode_all::<(u128, u32), TimelineEntry>(txn, tables::TIMELINE, checked, |(id, _), _, checked| {
        if !heads.contains(&id) {
            checked.damaged(format!("incident {} has a history and no head", uuid::Uuid::from_u128(id)));
        }
    })?;
    decode_all::<u64, ResolvedRow>(txn, tables::RESOLVED, checked, |_, row, checked| {
        if !heads.contains(&row.id.0.as_u128()) {
            checked.damaged(format!("incident {} is listed as resolved and not there", row.id));
        }
    })
}

/// What the registry refers to is there, and its filters and rules still compile.
/// Every row of a request decodes. What is unfinished was read by loading it.
fn rows_of_requests(txn: &redb::ReadTransaction, checked: &mut Checked) -> Result<(), StoreError> {
    decode_all::<u128, RequestRecord>(txn, tables::REQUESTS, checked, |_, _, _| {})?;
    decode_all::<u128, PayloadRow>(txn, tables::REQUEST_PAYLOADS, checked, |_, row, checked| {
        if let Err(error) = row.text() {
            checked.failed(&error);
        }
    })?;
    decode_all::<(u128, u32), StepOutput>(txn, tables::REQUEST_OUTPUTS, checked, |_, _, _| {})?;
    decode_all::<u64, FinishedRow>(txn, tables::FINISHED, checked, |_, _, _| {})
}

fn references(loaded: &Loaded, checked: &mut Checked) {
    let teams: HashSet<_> = loaded.teams.iter().map(|team| team.id).collect();
    let services: HashSet<_> = loaded.services.iter().map(|service| service.id).collect();
    for service in loaded.services.iter().filter(|service| !teams.contains(&service.team)) {
        checked.damaged(format!("service {} {} is of a team that is not there", service.id, service.name));
    }
    for filter in loaded.filters.iter().filter(|filter| !services.contains(&filter.service)) {
        checked.damaged(format!("filter {} {} is of a service that is not there", filter.id, filter.spec.name));
    }
    if !checked.damage.is_empty() {
        return;
    }
    if let Err(why) = Registry::from_loaded(loaded, 0) {
        checked.damaged(why);
    }
}

fn audit(txn: &redb::ReadTransaction, head: AuditHead, checked: &mut Checked) -> Result<u64, StoreError> {
    let mut walk = Some(Walk::new(head, None));
    let mut rows = 0;
    let mut goes_on = true;
    decode_all::<u64, AuditRow>(txn, tables::AUDIT, checked, |_, row, _| {
        rows += 1;
        if let Some(walk) = walk.as_mut().filter(|_| goes_on) {
            goes_on = walk.step(row);
        }
    })?;
    if let Some(verdict) = walk.take().map(Walk::end)
        && !verdict.intact
    {
        let at = verdict.broken_at.unwrap_or_default();
        checked.damaged(format!("the audit's chain breaks at row {at}: {}", verdict.detail));
    }
    Ok(rows)
}

/// Hands every row of a table on; one that does not decode is damage, and the next one is looked at.
fn decode_all<K: redb::Key + 'static, T: Stored>(
    txn: &redb::ReadTransaction,
    table: TableDefinition<'static, K, &'static [u8]>,
    checked: &mut Checked,
    mut each: impl for<'k> FnMut(K::SelfType<'k>, T, &mut Checked),
) -> Result<(), StoreError> {
    const DOING: &str = "read a table of the state";
    let table = txn.open_table(table).map_err(fail(DOING))?;
    for entry in table.iter().map_err(fail(DOING))? {
        let (key, row) = entry.map_err(fail(DOING))?;
        match decode(row.value()) {
            Ok(row) => each(key.value(), row, checked),
            Err(error) => checked.failed(&error),
        }
    }
    Ok(())
}
