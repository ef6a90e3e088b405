//! The tables of a segment's file.
//!
//! Format 1 has a row per key in `rows`. Format 2 has the newest rows in `tail`, the others in `blocks`, in pieces under
//! the seq of a block's first row and a number, and for each block a head under that seq. `tokens` has the marks of the tokens in the segment.

use std::collections::HashSet;

use redb::{AccessGuard, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use redb::{StorageError, TableDefinition, TableError, WriteTransaction};
use tollgate_shared::time::Timestamp;

use super::block::TokenMark;
use super::head::Head;
use crate::store::StoreError;
use crate::store::redb_state::fail;

/// The format that this program writes.
pub(super) const FORMAT_VERSION: i64 = 2;
/// A row per key.
pub(super) const FORMAT_UNPACKED: i64 = 1;
/// Tokens that a segment remembers; with more of them it may hold any token.
pub(super) const TOKENS_MAX: usize = 16_384;

pub(super) const ROWS_V1: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("rows");
pub(super) const TAIL: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("tail");
pub(super) const BLOCKS: TableDefinition<'static, (u64, u8), &[u8]> = TableDefinition::new("blocks");
pub(super) const HEADS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("heads");
pub(super) const TOKENS: TableDefinition<'static, u32, ()> = TableDefinition::new("tokens");
/// A rest of this length is not cut further.
const PIECE_BYTES_MIN: usize = 8_192;
/// What redb needs in a page beside a key of nine bytes and its value, and a little more.
const PAGE_OVERHEAD_BYTES: usize = 64;
const META: TableDefinition<'static, &str, i64> = TableDefinition::new("meta");

const FORMAT: &str = "format_version";
const BEGUN_AT: &str = "begun_at";
const FIRST_AT: &str = "first_at";
const LAST_AT: &str = "last_at";
const ROW_COUNT: &str = "rows";

type BytesTable = ReadOnlyTable<u64, &'static [u8]>;
type Entry<'a> = (AccessGuard<'a, u64>, AccessGuard<'a, &'static [u8]>);

/// What is in a segment, as far as it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// When the segment was begun: its age counts from here.
    pub(super) begun_at: Timestamp,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    /// The earliest row's moment.
    pub(super) first_at: Timestamp,
    /// The latest row's moment.
    pub(super) last_at: Timestamp,
    /// How many rows there are; 0 where that is not known.
    pub(super) rows: u64,
}

/// What a file was found to hold.
#[derive(Debug)]
pub(in crate::store) struct Contents {
    pub(super) format: i64,
    pub(super) span: Span,
    /// `None` = there may be rows of any token.
    pub(super) tokens: Option<HashSet<TokenMark>>,
}

/// A table, or nothing where none has been written.
pub(super) fn open_if_there(
    txn: &redb::ReadTransaction,
    table: TableDefinition<'static, u64, &'static [u8]>,
) -> Result<Option<BytesTable>, redb::Error> {
    match txn.open_table(table) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes a block in pieces that fill redb's pages: a value of 65 KiB alone would take a page of 128.
pub(super) fn write_block(
    blocks: &mut redb::Table<'_, (u64, u8), &'static [u8]>,
    first_seq: u64,
    mut stored: &[u8],
) -> Result<(), StorageError> {
    let mut number = 0;
    while !stored.is_empty() {
        // The last piece takes the rest, the largest block there can be included.
        let fits = if stored.len() <= PIECE_BYTES_MIN || number == u8::MAX {
            stored.len()
        } else {
            page_filled_by(stored.len())
        };
        let (piece, rest) = stored.split_at(fits);
        blocks.insert((first_seq, number), piece)?;
        (stored, number) = (rest, number.saturating_add(1));
    }
    Ok(())
}

/// The bytes of a block.
pub(super) fn read_block(txn: &redb::ReadTransaction, first_seq: u64) -> Result<Vec<u8>, redb::Error> {
    let blocks = txn.open_table(BLOCKS)?;
    let mut stored = Vec::new();
    for piece in blocks.range((first_seq, 0)..=(first_seq, u8::MAX))? {
        stored.extend_from_slice(piece?.1.value());
    }
    Ok(stored)
}

/// How many of so many bytes fill the largest page that they can fill.
const fn page_filled_by(bytes: usize) -> usize {
    let page = 1 << (bytes + PAGE_OVERHEAD_BYTES).ilog2();
    page - PAGE_OVERHEAD_BYTES
}

/// Writes what the segment holds beside its rows.
pub(super) fn write_span(txn: &WriteTransaction, span: Span) -> Result<(), StoreError> {
    const DOING: &str = "write a log segment's marks";
    let mut meta = txn.open_table(META).map_err(fail(DOING))?;
    let marks = [
        (FORMAT, FORMAT_VERSION),
        (BEGUN_AT, span.begun_at.as_micros()),
        (FIRST_AT, span.first_at.as_micros()),
        (LAST_AT, span.last_at.as_micros()),
        (ROW_COUNT, i64::try_from(span.rows).unwrap_or(i64::MAX)),
    ];
    for (name, mark) in marks {
        meta.insert(name, mark).map_err(fail(DOING))?;
    }
    Ok(())
}

/// What is in a segment of any known format; `None` where it holds no row.
pub(in crate::store) fn read_contents(database: &Database) -> Result<Option<Contents>, StoreError> {
    const DOING: &str = "read a log segment's marks";
    let txn = database.begin_read().map_err(fail(DOING))?;
    let meta = match txn.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(fail(DOING)(error)),
    };
    let mark = |name: &str| -> Result<i64, StoreError> {
        let mark = meta.get(name).map_err(fail(DOING))?;
        mark.map(|mark| mark.value()).ok_or_else(|| damaged(&format!("it has no {name}")))
    };
    let format = mark(FORMAT)?;
    if !(FORMAT_UNPACKED..=FORMAT_VERSION).contains(&format) {
        let (found, known) = (u32::try_from(format).unwrap_or(u32::MAX), FORMAT_VERSION as u32);
        return Err(StoreError::NewerFormat { file: "a log segment".to_owned(), found, known });
    }
    let packed = format > FORMAT_UNPACKED;
    let Some((first_seq, last_seq)) = seqs(&txn, packed)? else { return Ok(None) };
    let span = Span {
        begun_at: Timestamp::from_micros(mark(BEGUN_AT)?),
        first_seq,
        last_seq,
        first_at: Timestamp::from_micros(mark(FIRST_AT)?),
        last_at: Timestamp::from_micros(mark(LAST_AT)?),
        rows: if packed { u64::try_from(mark(ROW_COUNT)?).unwrap_or(0) } else { 0 },
    };
    let tokens = if packed { read_tokens(&txn)? } else { None };
    Ok(Some(Contents { format, span, tokens }))
}

/// The first and the last seq: blocks come before the rows that stand alone.
fn seqs(txn: &redb::ReadTransaction, packed: bool) -> Result<Option<(u64, u64)>, StoreError> {
    const DOING: &str = "read a log segment's seqs";
    let loose = open_if_there(txn, if packed { TAIL } else { ROWS_V1 }).map_err(fail::<redb::Error>(DOING))?;
    let loose = match &loose {
        Some(table) => ends(table).map_err(fail(DOING))?.map(|(first, (last, _))| (first, last.value())),
        None => None,
    };
    let heads = open_if_there(txn, HEADS).map_err(fail::<redb::Error>(DOING))?;
    let blocks = match &heads {
        Some(table) => ends(table).map_err(fail(DOING))?,
        None => None,
    };
    let Some((first, (_, newest))) = blocks else { return Ok(loose) };
    let last_packed = Head::decode(newest.value())?.last_seq;
    Ok(Some((first, loose.map_or(last_packed, |(_, last)| last))))
}

/// The first key and the last entry.
fn ends(table: &BytesTable) -> Result<Option<(u64, Entry<'_>)>, StorageError> {
    Ok(table.first()?.map(|(first, _)| first.value()).zip(table.last()?))
}

fn read_tokens(txn: &redb::ReadTransaction) -> Result<Option<HashSet<TokenMark>>, StoreError> {
    const DOING: &str = "read a log segment's tokens";
    let table = txn.open_table(TOKENS).map_err(fail(DOING))?;
    if table.len().map_err(fail(DOING))? > TOKENS_MAX as u64 {
        return Ok(None);
    }
    let marks = table.iter().map_err(fail(DOING))?.map(|entry| entry.map(|(mark, _)| TokenMark(mark.value())));
    marks.collect::<Result<_, _>>().map(Some).map_err(fail(DOING))
}

fn damaged(detail: &str) -> StoreError {
    StoreError::Damaged { what: "a log segment".to_owned(), detail: detail.to_owned() }
}
