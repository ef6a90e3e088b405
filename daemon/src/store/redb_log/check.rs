//! Whether everything in a segment is what the rest of it says.

use std::collections::HashSet;

use redb::{Database, ReadableDatabase, ReadableTable};
use tollgate_shared::log::LogRow;

use super::block::{Block, PackedRow, RowMark};
use super::head::{Head, encode_head};
use super::tables::Contents;
use super::tables::{BLOCKS, FORMAT_VERSION, HEADS, ROWS_V1, TAIL, open_if_there, read_block};

pub(in crate::store) use super::tables::read_contents;
use crate::store::StoreError;
use crate::store::redb_state::fail;
use crate::store::rows::decode;

const DOING: &str = "read a log segment";

/// What a segment was found to hold.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Looked {
    pub(in crate::store) format: i64,
    pub(in crate::store) first_seq: u64,
    pub(in crate::store) last_seq: u64,
    pub(in crate::store) rows: u64,
    pub(in crate::store) blocks: u64,
    pub(in crate::store) loose: u64,
}

/// One look through a segment.
struct Look<'a> {
    contents: Contents,
    looked: Looked,
    /// The last seq that was seen; rows and blocks rise.
    at: u64,
    /// Whether every seq from the first on was there.
    damaged: &'a mut dyn FnMut(String),
}

/// Looks at every row; says what is wrong, one thing after the other. `None` where there is no row.
///
/// # Errors
/// The tables cannot be read at all, or are of a newer format.
pub(in crate::store) fn look(
    database: &Database,
    damaged: &mut dyn FnMut(String),
) -> Result<Option<Looked>, StoreError> {
    let Some(contents) = read_contents(database)? else { return Ok(None) };
    let (format, span) = (contents.format, contents.span);
    let looked = Looked { format, first_seq: span.first_seq, last_seq: span.last_seq, rows: 0, blocks: 0, loose: 0 };
    let mut look = Look { contents, looked, at: 0, damaged };
    let txn = database.begin_read().map_err(fail(DOING))?;
    if format == FORMAT_VERSION {
        look.blocks(&txn)?;
        look.block_pieces(&txn)?;
        look.loose(&txn, TAIL)?;
    } else {
        look.loose(&txn, ROWS_V1)?;
    }
    look.totals();
    Ok(Some(look.looked))
}

impl Look<'_> {
    fn blocks(&mut self, txn: &redb::ReadTransaction) -> Result<(), StoreError> {
        let Some(heads) = open_if_there(txn, HEADS).map_err(fail::<redb::Error>(DOING))? else { return Ok(()) };
        for entry in heads.iter().map_err(fail(DOING))? {
            let (first, head) = entry.map_err(fail(DOING))?;
            self.looked.blocks += 1;
            if let Err(error) = self.block(txn, first.value(), head.value()) {
                (self.damaged)(format!("block at seq {}: {}", first.value(), crate::report(&error)));
            }
        }
        Ok(())
    }

    /// A block unpacks, its rows decode, and its marks and its head are those of its rows.
    fn block(&mut self, txn: &redb::ReadTransaction, first: u64, stored_head: &[u8]) -> Result<(), StoreError> {
        let head = Head::decode(stored_head)?;
        self.rises(first);
        self.at = head.last_seq;
        let block = Block::unpack(first, read_block(txn, first).map_err(fail::<redb::Error>(DOING))?)?;
        block.check_parts()?;
        if block.last_seq() != head.last_seq {
            (self.damaged)(format!("block at seq {first}: its head says that it ends at {}", head.last_seq));
        }
        let mut packed = Vec::new();
        for seq in first..=block.last_seq() {
            let bytes = block.bytes(seq);
            self.row(seq, bytes, Some(block.mark(seq)));
            packed.push(PackedRow::stored(seq, bytes));
        }
        if encode_head(&packed)? != stored_head {
            (self.damaged)(format!("block at seq {first}: its head does not fit its rows; a search may pass it by"));
        }
        Ok(())
    }

    /// Every piece of a block is of one that has a head.
    fn block_pieces(&mut self, txn: &redb::ReadTransaction) -> Result<(), StoreError> {
        let blocks = match txn.open_table(BLOCKS) {
            Ok(blocks) => blocks,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(fail(DOING)(error)),
        };
        let mut found = HashSet::new();
        for entry in blocks.iter().map_err(fail(DOING))? {
            found.insert(entry.map_err(fail(DOING))?.0.value().0);
        }
        if found.len() as u64 != self.looked.blocks {
            (self.damaged)(format!("there are {} blocks and {} heads", found.len(), self.looked.blocks));
        }
        Ok(())
    }

    fn loose(
        &mut self,
        txn: &redb::ReadTransaction,
        table: redb::TableDefinition<'static, u64, &'static [u8]>,
    ) -> Result<(), StoreError> {
        let Some(rows) = open_if_there(txn, table).map_err(fail::<redb::Error>(DOING))? else { return Ok(()) };
        for entry in rows.iter().map_err(fail(DOING))? {
            let (seq, bytes) = entry.map_err(fail(DOING))?;
            self.looked.loose += 1;
            self.rises(seq.value());
            self.at = seq.value();
            self.row(seq.value(), bytes.value(), None);
        }
        Ok(())
    }

    fn row(&mut self, seq: u64, bytes: &[u8], mark: Option<RowMark>) {
        self.looked.rows += 1;
        let row = match decode::<LogRow>(bytes) {
            Ok(row) => row,
            Err(error) => return (self.damaged)(format!("row {seq}: {error}")),
        };
        if row.seq != seq {
            (self.damaged)(format!("row {seq}: it says that it is row {}", row.seq));
        }
        let own = RowMark::of(&row);
        if mark.is_some_and(|mark| mark != own) {
            (self.damaged)(format!("row {seq}: its mark is another's; a search may pass it by"));
        }
        let tokens = self.contents.tokens.as_ref();
        if tokens.is_some_and(|tokens| !tokens.contains(&own.token)) {
            (self.damaged)(format!("row {seq}: its token is not among the segment's; a search may pass it by"));
        }
        if self.contents.format == FORMAT_VERSION
            && !(self.contents.span.first_at..=self.contents.span.last_at).contains(&row.at)
        {
            (self.damaged)(format!("row {seq}: it is of {}, which the segment's span leaves out", row.at));
        }
    }

    fn rises(&mut self, seq: u64) {
        if seq <= self.at {
            (self.damaged)(format!("seq {seq} comes after {}", self.at));
        }
    }

    fn totals(&mut self) {
        let span = self.contents.span;
        if self.contents.format == FORMAT_VERSION && span.rows != self.looked.rows {
            (self.damaged)(format!("it says that it has {} rows and has {}", span.rows, self.looked.rows));
        }
    }
}
