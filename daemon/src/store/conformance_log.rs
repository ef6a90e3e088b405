//! What every log store must do, and what the one in files must do besides.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use super::testing::naive_log::NaiveLog;
use super::testing::samples::{START, at, log_row, token_id};
use super::{LogHints, LogSettings, LogStore, RedbLog};

fn rows(seqs: std::ops::RangeInclusive<u64>, secs: i64) -> Vec<Arc<LogRow>> {
    seqs.map(|seq| log_row(seq, secs)).collect()
}

fn seqs(rows: &[LogRow]) -> Vec<u64> {
    rows.iter().map(|row| row.seq).collect()
}

fn settings(directory: &tempfile::TempDir) -> LogSettings {
    LogSettings::new(directory.path().to_owned())
}

fn open(directory: &tempfile::TempDir) -> RedbLog {
    RedbLog::open(settings(directory)).unwrap()
}

fn files(directory: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn segment_path(directory: &tempfile::TempDir, first_seq: u64) -> PathBuf {
    directory.path().join(format!("{first_seq:020}.redb"))
}

/// Runs against each implementation.
fn for_each_log(check: impl Fn(&mut dyn LogStore)) {
    check(&mut NaiveLog::default());
    let directory = tempfile::tempdir().unwrap();
    check(&mut open(&directory));
}

const ALL: Timestamp = Timestamp::from_micros(0);
const ANY: LogHints = LogHints::NONE;

#[test]
fn rows_are_read_forwards_and_backwards_by_seq() {
    for_each_log(|log| {
        let reader = log.reader();
        assert!(reader.after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().done);
        log.append(&rows(1..=3, 0), START).unwrap();
        log.append(&rows(4..=6, 4_000), at(4_000)).unwrap();
        log.append(&rows(9..=10, 9_000), at(9_000)).unwrap();
        let page = reader.after(2, ALL, 4, 100, &ANY, &|_| true).unwrap();
        assert_eq!((seqs(&page.rows), page.scanned_to, page.done), (vec![3, 4, 5, 6], Some(6), false));
        let page = reader.after(6, ALL, 4, 100, &ANY, &|_| true).unwrap();
        assert_eq!((seqs(&page.rows), page.scanned_to, page.done), (vec![9, 10], Some(10), true));
        let page = reader.after(10, ALL, 4, 100, &ANY, &|_| true).unwrap();
        assert_eq!((page.rows.len(), page.scanned_to, page.done), (0, None, true));
        let page = reader.before(None, ALL, 3, 100, &ANY, &|_| true).unwrap();
        assert_eq!((seqs(&page.rows), page.scanned_to, page.done), (vec![10, 9, 6], Some(6), false));
        let page = reader.before(Some(6), ALL, 10, 100, &ANY, &|_| true).unwrap();
        assert_eq!((seqs(&page.rows), page.scanned_to, page.done), (vec![5, 4, 3, 2, 1], Some(1), true));
    });
}

#[test]
fn a_search_looks_at_no_more_rows_than_it_may() {
    for_each_log(|log| {
        log.append(&rows(1..=100, 0), START).unwrap();
        let reader = log.reader();
        let page = reader.after(0, ALL, 10, 30, &ANY, &|row| row.seq % 25 == 0).unwrap();
        assert_eq!((seqs(&page.rows), page.scanned_to, page.done), (vec![25], Some(30), false));
        let page = reader.before(None, ALL, 10, 30, &ANY, &|row| row.seq % 25 == 0).unwrap();
        assert_eq!((seqs(&page.rows), page.scanned_to, page.done), (vec![100, 75], Some(71), false));
    });
}

#[test]
fn rows_older_than_the_cutoff_are_never_returned() {
    for_each_log(|log| {
        log.append(&rows(1..=2, 0), START).unwrap();
        log.append(&[log_row(3, 10), log_row(4, 20), log_row(5, 30)], at(30)).unwrap();
        let reader = log.reader();
        assert_eq!(seqs(&reader.after(0, at(15), 10, 100, &ANY, &|_| true).unwrap().rows), [4, 5]);
        assert_eq!(seqs(&reader.before(None, at(15), 10, 100, &ANY, &|_| true).unwrap().rows), [5, 4]);
        let totals = reader.totals(at(15));
        assert_eq!((totals.first_seq, totals.oldest_at, totals.last_seq), (Some(4), Some(at(20)), Some(5)));
    });
}

#[test]
fn hints_leave_out_what_they_do_not_admit_and_the_counts_agree() {
    use tollgate_shared::outcome::Outcome;
    for_each_log(|log| {
        let varied = |seq: u64| {
            let outcome = if seq.is_multiple_of(3) { Outcome::Rejected } else { Outcome::Created };
            let row = log_row(seq, seq.cast_signed());
            let status = if seq.is_multiple_of(3) { 429 } else { 202 };
            Arc::new(LogRow { token: token_id(1 + seq / 200), outcome, status, ..row.as_ref().clone() })
        };
        for first in [1, 301, 451] {
            let last = if first == 1 { 300 } else { first + 149 };
            log.append(&(first..=last).map(varied).collect::<Vec<_>>(), START).unwrap();
        }
        let reader = log.reader();
        let count = |hints: &LogHints| reader.after(0, ALL, 1_000, 1_000, hints, &|_| true).unwrap().rows.len();
        let counted = |hints: &LogHints| {
            let histogram = reader.histogram(START..at(3_600), 61, hints).unwrap();
            assert_eq!((histogram.bucket_secs, histogram.complete), (120, true));
            assert!(histogram.buckets.is_sorted_by_key(|bucket| bucket.at));
            histogram.buckets.iter().map(|bucket| bucket.counts.total()).sum::<u64>()
        };
        let of_token = LogHints { tokens: Some([token_id(2)].into()), ..ANY };
        let of_outcome = LogHints { outcomes: Some([Outcome::Rejected].into_iter().collect()), ..ANY };
        let of_status = LogHints { statuses: Some(400..=499), ..ANY };
        let of_time = LogHints { since: Some(at(100)), until: Some(at(160)), ..ANY };
        let of_text = LogHints { contains: Some(b"row 59".to_vec()), ..ANY };
        // The first minute of the samples began seven seconds before them, so it does not begin in the range.
        let whole_minutes = LogHints { since: Some(at(53)), ..ANY };
        assert_eq!((count(&ANY), counted(&whole_minutes)), (600, 548));
        assert_eq!((count(&of_token), counted(&of_token)), (200, 200));
        assert_eq!((count(&of_outcome), count(&of_status)), (200, 200));
        assert_eq!(counted(&of_outcome), counted(&of_status));
        assert_eq!((count(&of_time), counted(&of_time)), (61, 61));
        assert_eq!((count(&of_text), counted(&of_text)), (11, 11));
    });
}

#[test]
fn missing_seqs_are_told_whatever_is_jumped_over() {
    for_each_log(|log| {
        log.append(&rows(1..=130, 0), START).unwrap();
        log.append(&[rows(140..=200, 0), rows(211..=299, 0)].concat(), START).unwrap();
        log.append(&rows(301..=310, 4_000), at(4_000)).unwrap();
        let reader = log.reader();
        let holes = |after, hints: &LogHints| reader.after(after, ALL, 1_000, 1_000, hints, &|_| true).unwrap().holes;
        let nobody = LogHints { tokens: Some([token_id(9)].into()), ..ANY };
        for hints in [&ANY, &nobody] {
            assert_eq!(holes(0, hints), [(131, 139), (201, 210), (300, 300)]);
            assert_eq!(holes(135, hints), [(136, 139), (201, 210), (300, 300)]);
            assert_eq!(holes(300, hints), []);
        }
    });
}

#[test]
fn small_commits_fold_into_a_block_and_read_the_same_before_and_after() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    for seq in 1..=300 {
        log.append(&rows(seq..=seq, 0), START).unwrap();
        if [127, 128, 129, 255, 256, 300].contains(&seq) {
            let page = log.reader().after(0, ALL, 1_000, 1_000, &ANY, &|_| true).unwrap();
            assert_eq!(seqs(&page.rows), (1..=seq).collect::<Vec<_>>());
            let page = log.reader().before(Some(seq), ALL, 20, 1_000, &ANY, &|_| true).unwrap();
            assert_eq!(seqs(&page.rows), (seq - 20..seq).rev().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_new_segment_begins_after_an_hour_or_at_its_size() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&rows(1..=2, 0), START).unwrap();
    log.append(&rows(3..=3, 3_599), at(3_599)).unwrap();
    assert_eq!(files(&directory).len(), 1);
    log.append(&rows(4..=4, 3_600), at(3_600)).unwrap();
    assert_eq!(files(&directory), ["00000000000000000001.redb", "00000000000000000004.redb"]);
    // A clock that was set back does not keep a segment alive.
    log.append(&rows(5..=5, 0), START).unwrap();
    assert_eq!(log.reader().totals(ALL).segments, 3);
    Box::new(log).close().unwrap();
    let mut log = RedbLog::open(LogSettings { segment_bytes: 1, ..settings(&directory) }).unwrap();
    log.append(&rows(6..=6, 0), START).unwrap();
    assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [1, 2, 3, 4, 5, 6]);
    assert_eq!(log.reader().totals(ALL).segments, 4);
}

#[test]
fn a_segment_is_deleted_when_its_newest_row_is_older_than_the_cutoff() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&[log_row(1, 0), log_row(2, 100)], START).unwrap();
    log.append(&rows(3..=3, 4_000), at(4_000)).unwrap();
    assert_eq!(log.drop_before(at(100)).unwrap(), 0);
    assert_eq!(log.drop_before(at(101)).unwrap(), 1);
    assert_eq!(files(&directory), ["00000000000000000003.redb"]);
    // The one that is being written goes too; its reader finds nothing, and writing goes on in a new one.
    assert_eq!(log.drop_before(at(4_001)).unwrap(), 1);
    assert!(files(&directory).is_empty());
    assert!(log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows.is_empty());
    log.append(&rows(4..=4, 4_002), at(4_002)).unwrap();
    assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [4]);
}

#[test]
fn a_clean_restart_goes_on_in_the_same_segment() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&rows(1..=2, 0), START).unwrap();
    Box::new(log).close().unwrap();
    let mut log = open(&directory);
    assert_eq!(log.reader().totals(ALL).last_seq, Some(2));
    log.append(&rows(3..=3, 5), at(5)).unwrap();
    assert_eq!(files(&directory).len(), 1);
    assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [1, 2, 3]);
}

#[test]
fn an_unclean_start_keeps_the_rows_and_begins_a_new_segment() {
    let directory = tempfile::tempdir().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&rows(1..=2, 0), START).unwrap();
    // What is on the disk while it is being written is what a crash leaves.
    fs::copy(segment_path(&directory, 1), segment_path(&crashed, 1)).unwrap();
    let mut log = open(&crashed);
    log.append(&rows(3..=3, 5), at(5)).unwrap();
    assert_eq!(files(&crashed).len(), 2);
    assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [1, 2, 3]);
    assert_eq!(log.reader().totals(ALL).damaged, 0);
}

#[test]
fn a_segment_that_does_not_open_is_moved_aside_and_never_stops_the_log() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(segment_path(&directory, 1), vec![0xa5; 8_192]).unwrap();
    fs::write(segment_path(&directory, 2), b"").unwrap();
    fs::write(directory.path().join("notes.txt"), b"not ours").unwrap();
    let mut log = open(&directory);
    assert_eq!(files(&directory), ["00000000000000000001.redb.damaged", "notes.txt"]);
    let totals = log.reader().totals(ALL);
    assert_eq!((totals.damaged, totals.segments, totals.last_seq), (1, 0, None));
    log.append(&rows(3..=3, 0), START).unwrap();
    assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [3]);
    // Its bytes are as private as the others': they go when they are old enough, by the file's own date.
    log.drop_before(Timestamp::from_micros(i64::MAX)).unwrap();
    assert_eq!(files(&directory), ["notes.txt"]);
}

#[test]
fn a_segment_found_damaged_while_reading_is_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&rows(1..=2, 0), START).unwrap();
    log.append(&rows(3..=4, 4_000), at(4_000)).unwrap();
    fs::write(segment_path(&directory, 1), vec![0xa5; 8_192]).unwrap();
    let page = log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap();
    assert_eq!((seqs(&page.rows), page.done), (vec![3, 4], true));
    assert_eq!(log.reader().totals(ALL).damaged, 1);
}

#[test]
fn files_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&rows(1..=1, 0), START).unwrap();
    assert_eq!(fs::metadata(segment_path(&directory, 1)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn no_more_sealed_segments_stay_open_than_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = RedbLog::open(LogSettings { open_sealed_max: 2, ..settings(&directory) }).unwrap();
    for n in 1..=6_i64 {
        log.append(&rows(n.unsigned_abs()..=n.unsigned_abs(), n * 4_000), at(n * 4_000)).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [1, 2, 3, 4, 5, 6]);
        assert_eq!(seqs(&log.reader().before(None, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [6, 5, 4, 3, 2, 1]);
    }
    let descriptors =
        fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let open = descriptors.filter(|path| path.starts_with(directory.path())).count();
    assert_eq!(open, 3, "two sealed ones and the one that is written");
}

#[test]
fn seqs_must_rise() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&rows(5..=6, 0), START).unwrap();
    assert!(log.append(&rows(6..=7, 0), START).is_err());
    assert!(log.append(&[log_row(8, 0), log_row(8, 0)], START).is_err());
    log.append(&rows(7..=7, 0), START).unwrap();
}

#[test]
fn after_a_reopening_rows_go_into_a_new_segment() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.reopen().unwrap();
    log.append(&rows(1..=2, 0), START).unwrap();
    log.reopen().unwrap();
    log.append(&rows(4..=4, 1), at(1)).unwrap();
    assert_eq!(files(&directory).len(), 2);
    assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [1, 2, 4]);
}

#[test]
fn a_failed_append_shows_nothing_and_the_log_goes_on_after_a_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(&directory);
    log.append(&rows(1..=1, 0), START).unwrap();
    // The directory is gone, so no new segment can begin.
    let away = directory.path().with_extension("away");
    fs::rename(directory.path(), &away).unwrap();
    assert!(log.append(&rows(2..=2, 4_000), at(4_000)).is_err());
    fs::rename(&away, directory.path()).unwrap();
    log.reopen().unwrap();
    assert_eq!(log.reader().totals(ALL).last_seq, Some(1));
    log.append(&rows(3..=3, 4_000), at(4_000)).unwrap();
    assert_eq!(seqs(&log.reader().after(0, ALL, 10, 100, &ANY, &|_| true).unwrap().rows), [1, 3]);
}
