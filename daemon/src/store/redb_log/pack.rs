//! Rows on their way into a segment: a few go to the tail, which folds into a block when it has enough of them; many go
//! into blocks at once. What a commit writes is decided here, inside its transaction.

use std::sync::Arc;

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use tollgate_shared::log::LogRow;

use super::block::{BLOCK_ROWS_MAX, BLOCK_ROWS_MIN, Block, PackedRow, RowMark};
use super::head::encode_head;
use super::tables::{BLOCKS, HEADS, TAIL, write_block};
use crate::store::StoreError;
use crate::store::redb_state::fail;
use crate::store::rows::encode;

const DOING: &str = "write log rows";

/// Puts rows behind those that the segment has.
pub(super) fn put_rows(txn: &WriteTransaction, rows: &[Arc<LogRow>]) -> Result<(), StoreError> {
    let mut tail = txn.open_table(TAIL).map_err(fail(DOING))?;
    let waiting = tail.len().map_err(fail(DOING))?;
    if waiting + (rows.len() as u64) < BLOCK_ROWS_MIN as u64 {
        for row in rows {
            tail.insert(row.seq, encode(row.as_ref())?.as_slice()).map_err(fail(DOING))?;
        }
        return Ok(());
    }
    let mut packed = Vec::with_capacity(BLOCK_ROWS_MIN + rows.len());
    for entry in tail.iter().map_err(fail(DOING))? {
        let (seq, bytes) = entry.map_err(fail(DOING))?;
        packed.push(PackedRow::stored(seq.value(), bytes.value()));
    }
    drop(tail);
    if waiting > 0 {
        // Emptied whole: taking the rows out one by one would write each page again and again.
        txn.delete_table(TAIL).map_err(fail(DOING))?;
        txn.open_table(TAIL).map_err(fail(DOING))?;
    }
    for row in rows {
        packed.push(PackedRow { seq: row.seq, mark: RowMark::of(row), bytes: encode(row.as_ref())? });
    }
    put_blocks(txn, &packed)
}

fn put_blocks(txn: &WriteTransaction, rows: &[PackedRow]) -> Result<(), StoreError> {
    let mut blocks = txn.open_table(BLOCKS).map_err(fail(DOING))?;
    let mut heads = txn.open_table(HEADS).map_err(fail(DOING))?;
    for run in rows.chunk_by(|row, next| row.seq + 1 == next.seq) {
        // As even as can be, so that no block is much smaller than the others.
        let count = run.len().div_ceil(BLOCK_ROWS_MAX);
        for block in run.chunks(run.len().div_ceil(count)) {
            let first_seq = block[0].seq;
            write_block(&mut blocks, first_seq, &Block::pack(block)?).map_err(fail(DOING))?;
            heads.insert(first_seq, encode_head(block)?.as_slice()).map_err(fail(DOING))?;
        }
    }
    Ok(())
}
