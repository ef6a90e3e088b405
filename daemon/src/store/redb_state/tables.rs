//! The tables of `state.redb` and the numbers in `meta`.

use redb::{Database, ReadableTable, TableDefinition, TableHandle, WriteTransaction};
use tollgate_shared::time::Timestamp;

use super::handle::fail;
use crate::core::audit::AuditHead;
use crate::core::model::KeptQueryKey;
use crate::store::StoreError;
use crate::store::marks::Marks;

/// The format that this program writes.
pub(in crate::store) const FORMAT_VERSION: u64 = 1;

/// Numbers and marks by name; numbers are eight bytes, least significant first.
pub(in crate::store) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
/// By id.
pub(in crate::store) const TEAMS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("teams");
/// By id.
pub(in crate::store) const SERVICES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("services");
/// By id.
pub(in crate::store) const FILTERS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("filters");
/// Living tokens by public id.
pub(in crate::store) const TOKENS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("tokens");
/// Revoked tokens by public id.
pub(in crate::store) const TOMBSTONES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("tombstones");
/// By MAC: written by rotation and revocation only, so its random keys cost no call anything.
pub(in crate::store) const DEAD_SECRETS: TableDefinition<'static, &[u8; 32], &[u8]> =
    TableDefinition::new("dead_secrets");
/// By id.
pub(in crate::store) const OPERATORS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("operators");
/// By owner, screen and name; see [`kept_query_key`].
pub(super) const KEPT_QUERIES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("kept_queries");
/// By the token's public id.
pub(in crate::store) const USAGE: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("usage");
/// By id, which is by age.
pub(in crate::store) const HEADS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("incident_heads");
/// By id, written once.
pub(in crate::store) const BODIES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("incident_bodies");
/// By incident and number; number 0 is the first entry and stays.
pub(in crate::store) const TIMELINE: TableDefinition<'static, (u128, u32), &[u8]> = TableDefinition::new("timeline");
/// The ids of open incidents: what a start reads instead of all heads.
pub(in crate::store) const OPEN: TableDefinition<'static, u128, ()> = TableDefinition::new("open");
/// Resolved incidents in the order of resolving: what retention walks along.
pub(in crate::store) const RESOLVED: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("resolved");
/// One block a commit, by commit number.
pub(in crate::store) const DEDUP: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("dedup");
/// By id.
pub(in crate::store) const WORKFLOWS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("workflows");
/// By id, which is by age.
pub(in crate::store) const REQUESTS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("requests");
/// By request, written once, dropped when it has succeeded.
pub(in crate::store) const REQUEST_PAYLOADS: TableDefinition<'static, u128, &[u8]> =
    TableDefinition::new("request_payloads");
/// By request and step.
pub(in crate::store) const REQUEST_OUTPUTS: TableDefinition<'static, (u128, u32), &[u8]> =
    TableDefinition::new("request_outputs");
/// The ids of queued and running requests: what a start reads instead of all.
pub(in crate::store) const UNFINISHED: TableDefinition<'static, u128, ()> = TableDefinition::new("requests_unfinished");
/// Ended requests in the order of ending: what retention walks along.
pub(in crate::store) const FINISHED: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("requests_finished");
/// By seq.
pub(in crate::store) const AUDIT: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("audit");

/// Answers under idempotency keys: one block a commit, by commit number.
pub(super) const ANSWERS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("answers");
/// What some tokens can besides, by the token's public id.
pub(super) const TOKEN_OPTIONS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("token_options");
/// What is set on some tokens for a time, by the token's public id.
pub(super) const MEASURES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("token_measures");
/// By id.
pub(super) const MAINTENANCES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("maintenances");

/// The row in `meta` that is there while ingestion is locked down.
pub(in crate::store) const LOCKDOWN: &str = "lockdown";
/// The row in `meta` that is there from a restore until its review.
pub(super) const RESTORED: &str = "restored";
/// The row in `meta` with the last backups; there from the first one on.
pub(super) const BACKUPS: &str = "backups";
/// The row in `meta` with the rules of redaction; there from the first rule on.
pub(in crate::store) const REDACTION: &str = "redaction";
/// The row in `meta` with the steps of the wall clock; there from the first one on.
pub(in crate::store) const CLOCK_STEPS: &str = "clock_steps";

const FORMAT: &str = "format_version";
const STORE_ID: &str = "store_id";
const KEY_CHECK: &str = "key_check";
const HIGH_WATER: &str = "high_water";
const NEXT_LOG_SEQ: &str = "next_log_seq";
const COMMIT_NO: &str = "commit_no";
const AUDIT_SEQ: &str = "audit_seq";
const AUDIT_HEAD: &str = "audit_head";

/// Makes every table, so that readers find them, and writes what an empty database knows of itself.
pub(in crate::store) fn initialise(
    txn: &WriteTransaction,
    key_check: &[u8; 32],
    store_id: u64,
) -> Result<(), StoreError> {
    const DOING: &str = "create the tables of the state";
    for table in [TEAMS, SERVICES, FILTERS, OPERATORS, HEADS, BODIES] {
        txn.open_table(table).map_err(fail(DOING))?;
    }
    for table in [TOKENS, TOMBSTONES, USAGE] {
        txn.open_table(table).map_err(fail(DOING))?;
    }
    for table in [RESOLVED, DEDUP, AUDIT] {
        txn.open_table(table).map_err(fail(DOING))?;
    }
    txn.open_table(DEAD_SECRETS).map_err(fail(DOING))?;
    txn.open_table(TIMELINE).map_err(fail(DOING))?;
    txn.open_table(OPEN).map_err(fail(DOING))?;
    make_new_tables(txn)?;
    let mut meta = txn.open_table(META).map_err(fail(DOING))?;
    meta.insert(FORMAT, FORMAT_VERSION.to_le_bytes().as_slice()).map_err(fail(DOING))?;
    meta.insert(STORE_ID, store_id.to_le_bytes().as_slice()).map_err(fail(DOING))?;
    meta.insert(KEY_CHECK, key_check.as_slice()).map_err(fail(DOING))?;
    drop(meta);
    write_marks(txn, Marks::default())
}

/// `operator id or nothing/screen/name in lower case`.
pub(super) fn kept_query_key((owner, screen, name): &KeptQueryKey) -> String {
    let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
    format!("{owner}/{screen}/{name}")
}

/// The key check that was kept at creation.
pub(in crate::store) fn key_check(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<[u8; 32], StoreError> {
    bytes(meta, KEY_CHECK)
}

/// Makes the tables that a file of an earlier release does not have yet; an empty table says what a missing one did.
pub(in crate::store) fn add_missing(database: &Database) -> Result<(), StoreError> {
    const DOING: &str = "add new tables to the state";
    let found: Vec<String> = {
        let txn = redb::ReadableDatabase::begin_read(database).map_err(fail(DOING))?;
        txn.list_tables().map_err(fail(DOING))?.map(|table| table.name().to_owned()).collect()
    };
    let is_there = |name: &str| found.iter().any(|table| table == name);
    // One table of each release that brought some: they are made together.
    let old = [ANSWERS.name(), TOKEN_OPTIONS.name(), MAINTENANCES.name(), FINISHED.name(), KEPT_QUERIES.name()];
    if old.into_iter().chain([MEASURES.name()]).all(is_there) {
        return Ok(());
    }
    let mut txn = database.begin_write().map_err(fail(DOING))?;
    txn.set_two_phase_commit(true);
    make_new_tables(&txn)?;
    txn.commit().map_err(fail(DOING))
}

fn make_new_tables(txn: &WriteTransaction) -> Result<(), StoreError> {
    const DOING: &str = "make a table of the state";
    txn.open_table(ANSWERS).map_err(fail(DOING))?;
    txn.open_table(TOKEN_OPTIONS).map_err(fail(DOING))?;
    txn.open_table(MEASURES).map_err(fail(DOING))?;
    for table in [MAINTENANCES, WORKFLOWS, REQUESTS, REQUEST_PAYLOADS] {
        txn.open_table(table).map_err(fail(DOING))?;
    }
    txn.open_table(REQUEST_OUTPUTS).map_err(fail(DOING))?;
    txn.open_table(UNFINISHED).map_err(fail(DOING))?;
    txn.open_table(FINISHED).map_err(fail(DOING))?;
    txn.open_table(KEPT_QUERIES).map_err(fail(DOING))?;
    Ok(())
}

/// Makes a copied database another one: its log begins anew, so cursors into the old one must not fit; and where the
/// token key is another one, it says so.
pub(super) fn rebrand(txn: &WriteTransaction, key_check: &[u8; 32], store_id: u64) -> Result<(), StoreError> {
    const DOING: &str = "write what the state says of itself";
    let mut meta = txn.open_table(META).map_err(fail(DOING))?;
    meta.insert(STORE_ID, store_id.to_le_bytes().as_slice()).map_err(fail(DOING))?;
    meta.insert(KEY_CHECK, key_check.as_slice()).map_err(fail(DOING))?;
    Ok(())
}

/// The format and the end of the audit's chain, out of rows of `meta` that were read one by one.
pub(super) fn marks_of(rows: &std::collections::BTreeMap<String, Vec<u8>>) -> Option<(u64, AuditHead)> {
    let number = |name: &str| Some(u64::from_le_bytes(rows.get(name)?.as_slice().try_into().ok()?));
    let hash = rows.get(AUDIT_HEAD)?.as_slice().try_into().ok()?;
    Some((number(FORMAT)?, AuditHead { seq: number(AUDIT_SEQ)?, hash }))
}

/// Refuses a file of a newer format or of another key; what it cannot find is damage.
pub(in crate::store) fn check_identity(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    label: &str,
    key_check: &[u8; 32],
) -> Result<(), StoreError> {
    let found = number(meta, FORMAT)?;
    if found > FORMAT_VERSION {
        let (found, known) = (u32::try_from(found).unwrap_or(u32::MAX), FORMAT_VERSION as u32);
        return Err(StoreError::NewerFormat { file: label.to_owned(), found, known });
    }
    let stored = meta.get(KEY_CHECK).map_err(fail("read the key check"))?.ok_or_else(|| missing(KEY_CHECK))?;
    if stored.value() != key_check.as_slice() {
        return Err(StoreError::ForeignKey { file: label.to_owned() });
    }
    Ok(())
}

pub(in crate::store) fn store_id(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, StoreError> {
    number(meta, STORE_ID)
}

pub(in crate::store) fn read_marks(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Marks, StoreError> {
    Ok(Marks {
        high_water: Timestamp::from_micros(number(meta, HIGH_WATER)?.cast_signed()),
        next_log_seq: number(meta, NEXT_LOG_SEQ)?,
        commit_no: number(meta, COMMIT_NO)?,
        audit_seq: number(meta, AUDIT_SEQ)?,
        audit_hash: bytes(meta, AUDIT_HEAD)?,
    })
}

pub(in crate::store) fn write_marks(txn: &WriteTransaction, marks: Marks) -> Result<(), StoreError> {
    const DOING: &str = "write the marks of the state";
    let mut meta = txn.open_table(META).map_err(fail(DOING))?;
    let numbers = [
        (HIGH_WATER, marks.high_water.as_micros().cast_unsigned()),
        (NEXT_LOG_SEQ, marks.next_log_seq),
        (COMMIT_NO, marks.commit_no),
        (AUDIT_SEQ, marks.audit_seq),
    ];
    for (name, number) in numbers {
        meta.insert(name, number.to_le_bytes().as_slice()).map_err(fail(DOING))?;
    }
    meta.insert(AUDIT_HEAD, marks.audit_hash.as_slice()).map_err(fail(DOING))?;
    Ok(())
}

fn number(meta: &impl ReadableTable<&'static str, &'static [u8]>, name: &str) -> Result<u64, StoreError> {
    Ok(u64::from_le_bytes(bytes(meta, name)?))
}

fn bytes<const N: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<[u8; N], StoreError> {
    let row = meta.get(name).map_err(fail("read a mark of the state"))?.ok_or_else(|| missing(name))?;
    row.value().try_into().map_err(|_| missing(name))
}

fn missing(name: &str) -> StoreError {
    StoreError::Damaged { what: format!("{name} in meta"), detail: "it is missing or has not its length".to_owned() }
}
