//! Reads what lives in memory, at each opening.

use redb::{Key, ReadTransaction, ReadableTable, TableDefinition};
use tollgate_shared::id::TokenId;
use tollgate_shared::time::Timestamp;

use super::handle::fail;
use super::requests;
use super::tables::{
    ANSWERS, BACKUPS, CLOCK_STEPS, DEAD_SECRETS, DEDUP, FILTERS, HEADS, KEPT_QUERIES, LOCKDOWN, MAINTENANCES, MEASURES,
    META, OPEN, OPERATORS, REDACTION, RESOLVED, RESTORED, SERVICES, TEAMS, TOKEN_OPTIONS, TOKENS, TOMBSTONES, USAGE,
    WORKFLOWS, read_marks, store_id,
};
use crate::core::model::AnswerPlace;
use crate::store::dedup::DedupBounds;
use crate::store::memory::Memory;
use crate::store::rows::{AnswerBlock, DedupBlock, ResolvedRow, Stored, decode};
use crate::store::{Loaded, StoreError};

const DOING: &str = "load the state";

/// The registry and the marks for the caller, open incidents and deduplication for the store itself.
pub(in crate::store) fn load(txn: &ReadTransaction, bounds: DedupBounds) -> Result<(Loaded, Memory), StoreError> {
    let meta = txn.open_table(META).map_err(fail(DOING))?;
    let marks = read_marks(&meta)?;
    let mut memory = Memory::new(bounds, marks);
    load_open(txn, &mut memory)?;
    load_dedup(txn, &mut memory)?;
    requests::load(txn, marks.high_water, &mut memory.requests)?;
    // A block stays while one of its entries may count, so it brings back entries that no window reaches.
    memory.dedup.forget_before(marks.high_water);
    let redaction = meta.get(REDACTION).map_err(fail(DOING))?.map(|row| decode(row.value())).transpose()?;
    let clock_steps = meta.get(CLOCK_STEPS).map_err(fail(DOING))?.map(|row| decode(row.value())).transpose()?;
    let restored = meta.get(RESTORED).map_err(fail(DOING))?.map(|row| decode(row.value())).transpose()?;
    let backups = meta.get(BACKUPS).map_err(fail(DOING))?.map(|row| decode(row.value())).transpose()?;
    load_answers(txn, &mut memory)?;
    memory.answers.forget_before(marks.high_water);
    let loaded = Loaded {
        teams: all(txn, TEAMS)?,
        services: all(txn, SERVICES)?,
        filters: all(txn, FILTERS)?,
        tokens: all(txn, TOKENS)?,
        tombstones: all(txn, TOMBSTONES)?,
        dead_secrets: all(txn, DEAD_SECRETS)?,
        operators: all(txn, OPERATORS)?,
        workflows: all(txn, WORKFLOWS)?,
        kept_queries: all(txn, KEPT_QUERIES)?,
        lockdown: meta.get(LOCKDOWN).map_err(fail(DOING))?.map(|row| decode(row.value())).transpose()?,
        restored,
        backups: backups.unwrap_or_default(),
        redaction: redaction.unwrap_or_default(),
        clock_steps: clock_steps.unwrap_or_default(),
        token_options: by_token(txn, TOKEN_OPTIONS, "a token's options")?,
        measures: by_token(txn, MEASURES, "the measures on a token")?,
        maintenances: all(txn, MAINTENANCES)?,
        usage: by_token(txn, USAGE, "a usage record")?,
        high_water: marks.high_water,
        next_log_seq: marks.next_log_seq,
        store_id: store_id(&meta)?,
    };
    Ok((loaded, memory))
}

/// Incidents resolved before `cutoff` in the order of resolving, at most `limit`: number and id.
pub(super) fn resolved_before(
    txn: &ReadTransaction,
    cutoff: Timestamp,
    limit: usize,
) -> Result<Vec<(u64, u128)>, StoreError> {
    const DOING: &str = "look for incidents past their retention";
    let resolved = txn.open_table(RESOLVED).map_err(fail(DOING))?;
    let mut due = Vec::new();
    for row in resolved.iter().map_err(fail(DOING))?.take(limit) {
        let (number, row) = row.map_err(fail(DOING))?;
        let row: ResolvedRow = decode(row.value())?;
        if row.at >= cutoff {
            break;
        }
        due.push((number.value(), row.id.0.as_u128()));
    }
    Ok(due)
}

fn all<K: Key + 'static, T: Stored>(
    txn: &ReadTransaction,
    table: TableDefinition<'static, K, &'static [u8]>,
) -> Result<Vec<T>, StoreError> {
    let table = txn.open_table(table).map_err(fail(DOING))?;
    let rows = table.iter().map_err(fail(DOING))?;
    rows.map(|row| decode(row.map_err(fail(DOING))?.1.value())).collect()
}

/// Rows by the public id of their token.
fn by_token<T: Stored>(
    txn: &ReadTransaction,
    table: TableDefinition<'static, &'static str, &'static [u8]>,
    what: &str,
) -> Result<Vec<(TokenId, T)>, StoreError> {
    let table = txn.open_table(table).map_err(fail(DOING))?;
    let rows = table.iter().map_err(fail(DOING))?;
    rows.map(|row| {
        let (id, row) = row.map_err(fail(DOING))?;
        let no_id = |_| StoreError::Damaged { what: what.to_owned(), detail: "its key is no token id".to_owned() };
        Ok((id.value().parse().map_err(no_id)?, decode(row.value())?))
    })
    .collect()
}

fn load_open(txn: &ReadTransaction, memory: &mut Memory) -> Result<(), StoreError> {
    let open = txn.open_table(OPEN).map_err(fail(DOING))?;
    let heads = txn.open_table(HEADS).map_err(fail(DOING))?;
    for row in open.iter().map_err(fail(DOING))? {
        let id = row.map_err(fail(DOING))?.0.value();
        let head = heads.get(id).map_err(fail(DOING))?.ok_or_else(|| StoreError::Damaged {
            what: format!("open incident {}", uuid::Uuid::from_u128(id)),
            detail: "it has no head".to_owned(),
        })?;
        memory.load_open(decode(head.value())?);
    }
    Ok(())
}

fn load_dedup(txn: &ReadTransaction, memory: &mut Memory) -> Result<(), StoreError> {
    let table = txn.open_table(DEDUP).map_err(fail(DOING))?;
    for row in table.iter().map_err(fail(DOING))? {
        let (number, row) = row.map_err(fail(DOING))?;
        let block: DedupBlock = decode(row.value())?;
        memory.dedup.begin_block(number.value());
        for (token, fingerprint, entry) in block.entries {
            memory.dedup.insert(number.value(), token, fingerprint, entry);
        }
    }
    Ok(())
}

fn load_answers(txn: &ReadTransaction, memory: &mut Memory) -> Result<(), StoreError> {
    let table = txn.open_table(ANSWERS).map_err(fail(DOING))?;
    for row in table.iter().map_err(fail(DOING))? {
        let (number, row) = row.map_err(fail(DOING))?;
        let block: AnswerBlock = decode(row.value())?;
        memory.answers.begin_block(number.value());
        for (index, (key, answer)) in (0..).zip(block.entries) {
            memory.answers.insert(key, answer.at_place(AnswerPlace { block: number.value(), index }));
        }
    }
    Ok(())
}
