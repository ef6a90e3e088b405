//! A block: up to 256 rows without a hole between their seqs, compressed together.
//!
//! Stored: version, compression, the number of rows, for each part its packed and unpacked length, the packed parts. The
//! first part has a mark for each row, each other one has up to 32 rows as they would stand alone. The marks answer most
//! questions, so that a row is decoded, and the part that it is in unpacked, only when it is wanted.

use std::cell::OnceCell;

use tollgate_shared::id::TokenId;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use crate::store::StoreError;
use crate::store::rows::decode;

/// Fewer rows wait in the tail.
pub(super) const BLOCK_ROWS_MIN: usize = 128;
/// Rows of one block at most.
pub(super) const BLOCK_ROWS_MAX: usize = 256;

const VERSION: u8 = 1;
/// LZ4 unpacks three times as fast as deflate and half again as fast as zstd; the rows take half as much room again as with
/// zstd. Reading is what somebody waits for, and it is plain Rust.
const LZ4: u8 = 1;
/// Rows of a part: LZ4 looks back 64 KiB, so larger parts would hardly be smaller together.
const PART_ROWS: usize = 32;
/// Version, compression, number of rows (u16).
const HEADER_BYTES: usize = 4;
/// The two lengths of a part, u32 each.
const LENGTHS_BYTES: usize = 8;
/// Bytes of a row's mark: its end in its part (u32), moment (i64), token (u32), outcome (u8), status (u16), little-endian.
const MARK_BYTES: usize = 19;
/// More than 32 rows with full bodies, headers and explanations ever take: a damaged length must not ask for the memory.
const UNPACKED_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// A token in 32 bits. Two tokens may have the same: then rows are looked at in vain, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TokenMark(pub(super) u32);

/// What is known of a row without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowMark {
    pub(super) at: Timestamp,
    pub(super) token: TokenMark,
    /// `None` for a row that did not decode when it was packed.
    pub(super) outcome: Option<Outcome>,
    pub(super) status: u16,
}

/// A row on its way into a block.
#[derive(Clone, Debug)]
pub(super) struct PackedRow {
    pub(super) seq: u64,
    pub(super) mark: RowMark,
    pub(super) bytes: Vec<u8>,
}

/// A block that is being read; its parts are unpacked as they are needed.
#[derive(Debug)]
pub(super) struct Block {
    first_seq: u64,
    rows: usize,
    marks: Vec<u8>,
    stored: Vec<u8>,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    /// Where it is in what is stored.
    start: usize,
    end: usize,
    unpacked_bytes: usize,
    unpacked: OnceCell<Vec<u8>>,
}

// === impl TokenMark ===

impl TokenMark {
    pub(super) fn of(token: TokenId) -> Self {
        let [a, b, c, d, ..] = *blake3::hash(token.as_str().as_bytes()).as_bytes();
        Self(u32::from_le_bytes([a, b, c, d]))
    }
}

// === impl RowMark ===

impl RowMark {
    pub(super) fn of(row: &LogRow) -> Self {
        Self { at: row.at, token: TokenMark::of(row.token), outcome: Some(row.outcome), status: row.status }
    }

    /// Of a row that does not decode: it has no outcome, so that only a reading of all rows comes upon it.
    const UNREADABLE: Self =
        Self { at: Timestamp::from_micros(i64::MAX), token: TokenMark(0), outcome: None, status: 0 };

    fn write(self, end: u32, out: &mut Vec<u8>) {
        out.extend(end.to_le_bytes());
        out.extend(self.at.as_micros().to_le_bytes());
        out.extend(self.token.0.to_le_bytes());
        out.push(self.outcome.map_or(u8::MAX, |outcome| outcome as u8));
        out.extend(self.status.to_le_bytes());
    }
}

// === impl PackedRow ===

impl PackedRow {
    /// A row of the tail, which may not decode any more; it is kept as it is.
    pub(super) fn stored(seq: u64, bytes: &[u8]) -> Self {
        let mark = decode::<LogRow>(bytes).map_or(RowMark::UNREADABLE, |row| RowMark::of(&row));
        Self { seq, mark, bytes: bytes.to_vec() }
    }
}

// === impl Block ===

impl Block {
    /// The value that is stored for these rows.
    ///
    /// # Errors
    /// Their lengths do not fit.
    pub(super) fn pack(rows: &[PackedRow]) -> Result<Vec<u8>, StoreError> {
        let too_large = |_| damaged("its rows are too large for a block");
        let mut parts = vec![Vec::with_capacity(rows.len() * MARK_BYTES)];
        for rows in rows.chunks(PART_ROWS) {
            let mut part = Vec::new();
            for row in rows {
                part.extend_from_slice(&row.bytes);
                row.mark.write(u32::try_from(part.len()).map_err(too_large)?, &mut parts[0]);
            }
            parts.push(part);
        }
        let mut stored = vec![VERSION, LZ4];
        stored.extend(u16::try_from(rows.len()).map_err(too_large)?.to_le_bytes());
        let packed: Vec<_> = parts.iter().map(|part| lz4_flex::block::compress(part)).collect();
        for (packed, part) in packed.iter().zip(&parts) {
            stored.extend(u32::try_from(packed.len()).map_err(too_large)?.to_le_bytes());
            stored.extend(u32::try_from(part.len()).map_err(too_large)?.to_le_bytes());
        }
        packed.iter().for_each(|packed| stored.extend_from_slice(packed));
        Ok(stored)
    }

    /// The block that was stored under this seq.
    ///
    /// # Errors
    /// Its bytes are not those of a block. Damage inside a part shows only when its rows are asked for.
    pub(super) fn unpack(first_seq: u64, stored: Vec<u8>) -> Result<Self, StoreError> {
        let header: [u8; HEADER_BYTES] = stored.first_chunk().copied().ok_or_else(|| damaged("it is too short"))?;
        let [version, compression, rows @ ..] = header;
        if (version, compression) != (VERSION, LZ4) {
            return Err(damaged(&format!(
                "version {version} with compression {compression} is unknown to this program"
            )));
        }
        let rows = usize::from(u16::from_le_bytes(rows));
        if rows == 0 || rows > BLOCK_ROWS_MAX {
            return Err(damaged("its number of rows is wrong"));
        }
        let mut parts = parts(&stored, 1 + rows.div_ceil(PART_ROWS))?;
        let marks = parts.remove(0).unpack(&stored)?;
        if marks.len() != rows * MARK_BYTES {
            return Err(damaged("its marks are not those of its rows"));
        }
        Ok(Self { first_seq, rows, marks, stored, parts })
    }

    pub(super) const fn first_seq(&self) -> u64 {
        self.first_seq
    }

    pub(super) const fn last_seq(&self) -> u64 {
        self.first_seq.saturating_add(self.rows as u64 - 1)
    }

    /// The mark of a row that is in the block.
    pub(super) fn mark(&self, seq: u64) -> RowMark {
        let mark = self.mark_bytes(self.index(seq));
        let outcome = Outcome::ALL.get(usize::from(mark[16])).copied();
        let token = TokenMark(u32::from_le_bytes([mark[12], mark[13], mark[14], mark[15]]));
        let micros = [mark[4], mark[5], mark[6], mark[7], mark[8], mark[9], mark[10], mark[11]];
        let at = Timestamp::from_micros(i64::from_le_bytes(micros));
        RowMark { at, token, outcome, status: u16::from_le_bytes([mark[17], mark[18]]) }
    }

    /// The bytes of a row that is in the block; none where its part is damaged.
    pub(super) fn bytes(&self, seq: u64) -> &[u8] {
        let index = self.index(seq);
        let start = if index.is_multiple_of(PART_ROWS) { 0 } else { self.end(index - 1) };
        let Some(part) = self.parts.get(index / PART_ROWS) else { return &[] };
        let unpacked = part.unpacked.get_or_init(|| part.unpack(&self.stored).unwrap_or_default());
        unpacked.get(start..self.end(index)).unwrap_or_default()
    }

    /// Whether every part unpacks.
    ///
    /// # Errors
    /// The first one that does not.
    pub(super) fn check_parts(&self) -> Result<(), StoreError> {
        self.parts.iter().try_for_each(|part| part.unpack(&self.stored).map(drop))
    }

    fn index(&self, seq: u64) -> usize {
        let index = usize::try_from(seq - self.first_seq).unwrap_or(usize::MAX);
        debug_assert!(index < self.rows, "the seq is in the block");
        index
    }

    fn mark_bytes(&self, index: usize) -> [u8; MARK_BYTES] {
        self.marks.as_chunks().0.get(index).copied().unwrap_or([u8::MAX; MARK_BYTES])
    }

    fn end(&self, index: usize) -> usize {
        let [a, b, c, d, ..] = self.mark_bytes(index);
        u32::from_le_bytes([a, b, c, d]) as usize
    }
}

// === impl Part ===

impl Part {
    fn unpack(&self, stored: &[u8]) -> Result<Vec<u8>, StoreError> {
        let packed = stored.get(self.start..self.end).unwrap_or_default();
        let unpacked = lz4_flex::block::decompress(packed, self.unpacked_bytes)
            .map_err(|error| damaged(&format!("it does not unpack ({error})")))?;
        if unpacked.len() == self.unpacked_bytes { Ok(unpacked) } else { Err(damaged("it ends too early")) }
    }
}

/// Where a block's parts are. They fill it to its end.
fn parts(stored: &[u8], count: usize) -> Result<Vec<Part>, StoreError> {
    let mut start = HEADER_BYTES + count * LENGTHS_BYTES;
    let lengths = stored.get(HEADER_BYTES..start).ok_or_else(|| damaged("it is too short"))?;
    let mut parts = Vec::with_capacity(count);
    for [a, b, c, d, e, f, g, h] in lengths.as_chunks::<LENGTHS_BYTES>().0.iter().copied() {
        let end = start + u32::from_le_bytes([a, b, c, d]) as usize;
        let unpacked_bytes = u32::from_le_bytes([e, f, g, h]) as usize;
        if unpacked_bytes > UNPACKED_BYTES_MAX {
            return Err(damaged("it is too large"));
        }
        parts.push(Part { start, end, unpacked_bytes, unpacked: OnceCell::new() });
        start = end;
    }
    if start == stored.len() { Ok(parts) } else { Err(damaged("its length is wrong")) }
}

fn damaged(detail: &str) -> StoreError {
    StoreError::Damaged { what: "a block of log rows".to_owned(), detail: detail.to_owned() }
}
