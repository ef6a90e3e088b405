//! Requests in the state's file: written, loaded, dropped and read.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, WriteTransaction};
use tollgate_shared::id::RequestId;
use tollgate_shared::limits::DEDUP_WINDOW_SECS_MAX;
use tollgate_shared::time::Timestamp;
use uuid::Uuid;

use super::handle::{Handle, fail};
use super::hints::newest_like;
use super::tables::{FINISHED, REQUEST_OUTPUTS, REQUEST_PAYLOADS, REQUESTS, UNFINISHED};
use crate::core::workflows::{RequestRecord, StepOutput};
use crate::store::memory_requests::Requests;
use crate::store::overlay::Overlay;
use crate::store::rows::{FinishedRow, PayloadRow, decode, encode};
use crate::store::traits::SCAN_ROWS_MAX;
use crate::store::{StoreError, WholeRequest};

const WRITING: &str = "write requests";
const READING: &str = "read requests";

/// Writes what a batch has changed.
pub(super) fn write(txn: &WriteTransaction, overlay: &Overlay) -> Result<(), StoreError> {
    if !overlay.requests.is_empty() {
        write_records(txn, overlay)?;
    }
    if !overlay.payloads.is_empty() {
        let mut table = txn.open_table(REQUEST_PAYLOADS).map_err(fail(WRITING))?;
        for (id, payload) in &overlay.payloads {
            let key = id.0.as_u128();
            match payload {
                Some(payload) => {
                    let row = encode(&PayloadRow::of(payload))?;
                    table.insert(key, row.as_slice()).map_err(fail(WRITING))?;
                }
                None => drop(table.remove(key).map_err(fail(WRITING))?),
            }
        }
    }
    if !overlay.outputs.is_empty() {
        let mut table = txn.open_table(REQUEST_OUTPUTS).map_err(fail(WRITING))?;
        for ((id, step), output) in &overlay.outputs {
            table.insert((id.0.as_u128(), *step), encode(output)?.as_slice()).map_err(fail(WRITING))?;
        }
    }
    Ok(())
}

fn write_records(txn: &WriteTransaction, overlay: &Overlay) -> Result<(), StoreError> {
    let mut records = txn.open_table(REQUESTS).map_err(fail(WRITING))?;
    let mut unfinished = txn.open_table(UNFINISHED).map_err(fail(WRITING))?;
    let mut finished = txn.open_table(FINISHED).map_err(fail(WRITING))?;
    for record in overlay.requests.values() {
        let key = record.id.0.as_u128();
        records.insert(key, encode(record.as_ref())?.as_slice()).map_err(fail(WRITING))?;
        if !record.state.is_finished() {
            unfinished.insert(key, ()).map_err(fail(WRITING))?;
            continue;
        }
        let was_unfinished = unfinished.remove(key).map_err(fail(WRITING))?.is_some();
        if was_unfinished {
            let number = finished.last().map_err(fail(WRITING))?.map_or(0, |(last, _)| last.value() + 1);
            let row = FinishedRow { id: record.id, at: record.finished_at.unwrap_or(record.created_at) };
            finished.insert(number, encode(&row)?.as_slice()).map_err(fail(WRITING))?;
        }
    }
    Ok(())
}

/// Reads the unfinished ones and those that deduplication may still ask for.
pub(super) fn load(txn: &ReadTransaction, now: Timestamp, memory: &mut Requests) -> Result<(), StoreError> {
    let records = txn.open_table(REQUESTS).map_err(fail(READING))?;
    let unfinished = txn.open_table(UNFINISHED).map_err(fail(READING))?;
    for row in unfinished.iter().map_err(fail(READING))? {
        let id = row.map_err(fail(READING))?.0.value();
        let row = records.get(id).map_err(fail(READING))?.ok_or_else(|| StoreError::Damaged {
            what: format!("unfinished request {}", Uuid::from_u128(id)),
            detail: "it has no row".to_owned(),
        })?;
        memory.load(decode(row.value())?);
    }
    let cutoff = now.plus_secs(-i64::from(DEDUP_WINDOW_SECS_MAX));
    for row in records.range(first_of(cutoff)..).map_err(fail(READING))? {
        let record: RequestRecord = decode(row.map_err(fail(READING))?.1.value())?;
        if record.state.is_finished() {
            memory.load(record);
        }
    }
    memory.loaded();
    Ok(())
}

/// The smallest id of a moment: ids begin with their milliseconds.
fn first_of(moment: Timestamp) -> u128 {
    let millis = u128::from((moment.as_micros().max(0) / 1_000).unsigned_abs());
    (millis & 0xffff_ffff_ffff) << 80
}

/// Drops ended requests that are due; gives the ids of those that are gone, and how many rows were looked at.
pub(super) fn drop_finished(
    txn: &WriteTransaction,
    cutoff: Timestamp,
    keep_max: usize,
    limit: usize,
) -> Result<(Vec<RequestId>, usize), StoreError> {
    let mut finished = txn.open_table(FINISHED).map_err(fail(WRITING))?;
    let mut records = txn.open_table(REQUESTS).map_err(fail(WRITING))?;
    let mut payloads = txn.open_table(REQUEST_PAYLOADS).map_err(fail(WRITING))?;
    let mut outputs = txn.open_table(REQUEST_OUTPUTS).map_err(fail(WRITING))?;
    let (mut gone, mut looked_at) = (Vec::new(), 0);
    while looked_at < limit {
        let total = finished.len().map_err(fail(WRITING))?;
        let Some((number, row)) = first_finished(&finished)? else { break };
        if row.at >= cutoff && total <= keep_max as u64 {
            break;
        }
        finished.remove(number).map_err(fail(WRITING))?;
        looked_at += 1;
        let key = row.id.0.as_u128();
        let record: Option<RequestRecord> =
            records.get(key).map_err(fail(WRITING))?.map(|row| decode(row.value())).transpose()?;
        // One that was retried has a later row, or none yet.
        if record.is_some_and(|record| record.finished_at == Some(row.at)) {
            records.remove(key).map_err(fail(WRITING))?;
            payloads.remove(key).map_err(fail(WRITING))?;
            outputs.retain_in((key, 0)..=(key, u32::MAX), |_, _| false).map_err(fail(WRITING))?;
            gone.push(row.id);
        }
    }
    Ok((gone, looked_at))
}

/// True where there is something to drop, so that a sweep without work writes nothing.
pub(super) fn is_due(txn: &ReadTransaction, cutoff: Timestamp, keep_max: usize) -> Result<bool, StoreError> {
    let finished = txn.open_table(FINISHED).map_err(fail(READING))?;
    let total = finished.len().map_err(fail(READING))?;
    Ok(first_finished(&finished)?.is_some_and(|(_, row)| row.at < cutoff || total > keep_max as u64))
}

fn first_finished(table: &impl ReadableTable<u64, &'static [u8]>) -> Result<Option<(u64, FinishedRow)>, StoreError> {
    let first = table.first().map_err(fail(WRITING))?;
    first.map(|(number, row)| Ok((number.value(), decode(row.value())?))).transpose()
}

/// A request by its id, for the writer.
pub(super) fn record(handle: &Handle, id: RequestId) -> Result<Option<RequestRecord>, StoreError> {
    let table = handle.read()?.open_table(REQUESTS).map_err(fail(READING))?;
    table.get(id.0.as_u128()).map_err(fail(READING))?.map(|row| decode(row.value())).transpose()
}

pub(super) fn page(
    txn: &ReadTransaction,
    only_unfinished: bool,
    before: Option<RequestId>,
    limit: usize,
    pass: &dyn Fn(&RequestRecord) -> bool,
) -> Result<(Vec<RequestRecord>, Option<RequestId>), StoreError> {
    let ids = ids_before(txn, only_unfinished, before)?;
    let records = txn.open_table(REQUESTS).map_err(fail(READING))?;
    let (mut page, mut last) = (Vec::new(), None);
    for id in &ids {
        if page.len() >= limit {
            break;
        }
        last = Some(*id);
        let Some(row) = records.get(id.0.as_u128()).map_err(fail(READING))? else { continue };
        let record: RequestRecord = decode(row.value())?;
        if pass(&record) {
            page.push(record);
        }
    }
    let walked_all = last == ids.last().copied() && ids.len() < SCAN_ROWS_MAX;
    Ok((page, if walked_all { None } else { last }))
}

pub(super) fn whole(txn: &ReadTransaction, id: RequestId) -> Result<Option<WholeRequest>, StoreError> {
    let key = id.0.as_u128();
    let records = txn.open_table(REQUESTS).map_err(fail(READING))?;
    let Some(row) = records.get(key).map_err(fail(READING))? else { return Ok(None) };
    let record = decode(row.value())?;
    let payloads = txn.open_table(REQUEST_PAYLOADS).map_err(fail(READING))?;
    let payload = payloads.get(key).map_err(fail(READING))?;
    let payload = payload.map(|row| decode::<PayloadRow>(row.value())?.text()).transpose()?;
    let table = txn.open_table(REQUEST_OUTPUTS).map_err(fail(READING))?;
    let mut outputs = Vec::new();
    for row in table.range((key, 0)..=(key, u32::MAX)).map_err(fail(READING))? {
        let (place, row) = row.map_err(fail(READING))?;
        let output: StepOutput = decode(row.value())?;
        outputs.push((place.value().1 as usize, output));
    }
    Ok(Some(WholeRequest { record, payload, outputs }))
}

pub(super) fn ids_like(handle: &Handle, hint: &str, limit: usize) -> Result<Vec<RequestId>, StoreError> {
    newest_like(hint, limit, |id: &RequestId| id.0, |before| ids_before(&handle.read()?, false, before))
}

fn ids_before(
    txn: &ReadTransaction,
    only_unfinished: bool,
    before: Option<RequestId>,
) -> Result<Vec<RequestId>, StoreError> {
    let end = before.map_or(u128::MAX, |id| id.0.as_u128());
    if only_unfinished {
        keys_before(&txn.open_table(UNFINISHED).map_err(fail(READING))?, end)
    } else {
        keys_before(&txn.open_table(REQUESTS).map_err(fail(READING))?, end)
    }
}

fn keys_before<V: redb::Value + 'static>(
    table: &impl ReadableTable<u128, V>,
    end: u128,
) -> Result<Vec<RequestId>, StoreError> {
    let rows = table.range(..end).map_err(fail(READING))?.rev().take(SCAN_ROWS_MAX);
    rows.map(|row| Ok(RequestId(Uuid::from_u128(row.map_err(fail(READING))?.0.value())))).collect()
}
