//! The bytes of blocks and heads as they were when they were first written, and a segment of the first format. The bytes
//! are never made anew: a test here that fails asks for a new version.

use std::fmt::Write;
use std::sync::Arc;

use redb::{Database, TableDefinition};
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::block::{Block, PackedRow, RowMark};
use super::head::{Head, encode_head};
use super::{LogSettings, RedbLog};
use crate::store::rows::{decode, encode};
use crate::store::testing::samples::{START, at, log_row, token_id};
use crate::store::{LogHints, LogStore, OutcomeSet};

fn rows() -> Vec<LogRow> {
    let refused = LogRow {
        token: token_id(2),
        outcome: Outcome::Rejected,
        status: 429,
        problem: Some("rate-limited".to_owned()),
        incidents: Vec::new(),
        ..log_row(8, 61).as_ref().clone()
    };
    vec![log_row(7, 0).as_ref().clone(), refused]
}

fn packed(row: &LogRow) -> PackedRow {
    PackedRow { seq: row.seq, mark: RowMark::of(row), bytes: encode(row).unwrap() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn golden(name: &str) -> Vec<u8> {
    let mut lines = include_str!("golden_v2.txt").lines().filter_map(|line| line.split_once(": "));
    from_hex(lines.find(|(found, _)| *found == name).map(|(_, bytes)| bytes).unwrap())
}

#[test]
fn a_block_of_version_1_reads_its_golden_bytes() {
    // How tightly the same rows are packed is the compressor's affair; that they are read is ours.
    let block = Block::unpack(7, golden("block")).unwrap();
    assert_eq!((block.first_seq(), block.last_seq()), (7, 8));
    for row in rows() {
        assert_eq!(block.mark(row.seq), RowMark::of(&row));
        assert_eq!(decode::<LogRow>(block.bytes(row.seq)).unwrap(), row);
    }
    let again = Block::pack(&rows().iter().map(packed).collect::<Vec<_>>()).unwrap();
    let again = Block::unpack(7, again).unwrap();
    assert!((7..=8).all(|seq| (again.mark(seq), again.bytes(seq)) == (block.mark(seq), block.bytes(seq))));
}

#[test]
fn a_head_of_version_1_reads_and_writes_its_golden_bytes() {
    let stored = encode_head(&rows().iter().map(packed).collect::<Vec<_>>()).unwrap();
    assert_eq!(hex(&stored), hex(&golden("head")));
    let head = Head::decode(&stored).unwrap();
    assert_eq!((head.last_seq, head.first_at, head.last_at), (8, START, at(61)));
    assert_eq!(head.outcomes, OutcomeSet::from_iter([Outcome::Created, Outcome::Rejected]));
    assert_eq!(head.statuses().collect::<Vec<_>>(), [202, 429]);
    let minute = START.as_secs() / 60;
    assert_eq!(head.minutes().unwrap(), [(minute, Outcome::Created, 1), (minute + 1, Outcome::Rejected, 1)]);
    let mut of_the_future = stored;
    of_the_future[0] = 99;
    assert!(Head::decode(&of_the_future).is_err());
}

#[test]
fn damaged_blocks_are_refused_and_never_panic() {
    let good = golden("block");
    for length in 0..good.len() {
        assert!(Block::unpack(7, good[..length].to_vec()).is_err(), "cut to {length}");
    }
    for index in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[index] ^= flip;
            if let Ok(block) = Block::unpack(7, bad) {
                for seq in block.first_seq()..=block.last_seq() {
                    let (_, row) = (block.mark(seq), decode::<LogRow>(block.bytes(seq)));
                    drop(row);
                }
            }
        }
    }
}

#[test]
fn a_segment_of_format_1_is_read_and_not_written_on() {
    const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
    const META: TableDefinition<'_, &str, i64> = TableDefinition::new("meta");
    let directory = tempfile::tempdir().unwrap();
    let database = Database::create(directory.path().join("00000000000000000007.redb")).unwrap();
    let txn = database.begin_write().unwrap();
    let mut table = txn.open_table(ROWS).unwrap();
    for (seq, name) in [(7, "row of format 1"), (8, "second row of format 1")] {
        table.insert(seq, golden(name).as_slice()).unwrap();
    }
    drop(table);
    let mut meta = txn.open_table(META).unwrap();
    let marks = [("begun_at", START), ("first_at", START), ("last_at", at(61))];
    for (name, mark) in [("format_version", Timestamp::from_micros(1))].into_iter().chain(marks) {
        meta.insert(name, mark.as_micros()).unwrap();
    }
    drop(meta);
    txn.commit().unwrap();
    database.close().unwrap();
    let mut log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
    log.append(&[Arc::new(LogRow { seq: 9, ..rows()[0].clone() })], START).unwrap();
    let reader = log.reader();
    let read = |hints: &LogHints| {
        let page = reader.after(0, Timestamp::default(), 10, 10, hints, &|_| true).unwrap();
        page.rows.iter().map(|row| row.seq).collect::<Vec<_>>()
    };
    assert_eq!(read(&LogHints::NONE), [7, 8, 9]);
    assert_eq!(read(&LogHints { tokens: Some([token_id(2)].into()), ..LogHints::NONE }), [8]);
    let histogram = reader.histogram(at(-60)..at(600), 3_600, &LogHints::NONE).unwrap();
    assert_eq!(histogram.buckets.iter().map(|bucket| bucket.counts.total()).sum::<u64>(), 3);
    assert_eq!((reader.totals(START).segments, reader.totals(START).first_seq), (2, Some(7)));
}
