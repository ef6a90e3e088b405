//! The log in files against a plain vector, on a disk that fails, and cut off by the power at every moment.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use redb::StorageBackend;
use redb::backends::FileBackend;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::redb_log::OpenBackend;
use super::testing::disk::Disk;
use super::testing::naive_log::NaiveLog;
use super::testing::samples::{START, at, log_row, token_id};
use super::{LogHints, LogPage, LogReader, LogSettings, LogStore, RedbLog};

const ALL: Timestamp = Timestamp::from_micros(0);

/// Fails at a certain change of any file, and at every later one until it is mended.
#[derive(Debug, Default)]
struct Fuse {
    left: AtomicUsize,
    armed: AtomicBool,
    blown: AtomicBool,
}

/// A segment's file behind a fuse.
#[derive(Debug)]
struct Fused {
    file: FileBackend,
    fuse: Arc<Fuse>,
}

#[derive(Clone, Debug)]
enum Step {
    /// That many rows, after leaving out so many seqs, so many seconds later.
    Append {
        rows: usize,
        missing: u64,
        secs: i64,
    },
    /// Closed and opened again.
    Restart,
    /// As after a failure.
    Reopen,
    /// Everything older than so many seconds.
    DropBefore(i64),
    Read {
        from: u64,
        rising: bool,
        limit: usize,
        scan: usize,
        cutoff: i64,
        hints: LogHints,
    },
    Count {
        from: i64,
        secs: i64,
        bucket: u32,
        hints: LogHints,
    },
}

// === impl Fuse ===

impl Fuse {
    fn arm(&self, nth: usize) {
        self.left.store(nth, Ordering::Relaxed);
        self.armed.store(true, Ordering::Relaxed);
    }

    fn mend(&self) {
        self.armed.store(false, Ordering::Relaxed);
        self.blown.store(false, Ordering::Relaxed);
    }

    fn change(&self) -> io::Result<()> {
        if self.armed.load(Ordering::Relaxed) && self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.armed.store(false, Ordering::Relaxed);
            self.blown.store(true, Ordering::Relaxed);
        }
        if self.blown.load(Ordering::Relaxed) { Err(io::Error::other("the disk failed as told")) } else { Ok(()) }
    }
}

impl StorageBackend for Fused {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fuse.change()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fuse.change()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.fuse.change()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

/// Rows whose fields vary with their seq, each with its own.
fn varied(seq: u64, secs: i64) -> Arc<LogRow> {
    let outcome = Outcome::ALL[(seq % 7) as usize];
    let row = LogRow {
        token: token_id(1 + (seq / 100) % 4 + seq % 2),
        outcome,
        status: if seq % 7 == 3 { 429 } else { 202 },
        body: format!("{{\"n\":{},\"text\":\"{}\"}}", seq % 50, "x".repeat((seq % 40) as usize)),
        ..log_row(seq, secs).as_ref().clone()
    };
    Arc::new(row)
}

fn seqs(rows: &[LogRow]) -> Vec<u64> {
    rows.iter().map(|row| row.seq).collect()
}

fn all(reader: &dyn LogReader) -> LogPage {
    reader.after(0, ALL, usize::MAX, usize::MAX, &LogHints::NONE, &|_| true).unwrap()
}

fn hints() -> impl Strategy<Value = LogHints> {
    let tokens = prop::option::of(prop::collection::btree_set((1..=6_u64).prop_map(token_id), 1..3));
    let outcomes = prop::option::of(prop::sample::subsequence(Outcome::ALL.to_vec(), 1..4));
    let statuses = prop::option::of(prop_oneof![Just(200..=299), Just(429..=429), Just(500..=599)]);
    let moment = || prop::option::of((0..9_000_i64).prop_map(at));
    let contains = prop::option::of((0..50_u64).prop_map(|n| format!("\"n\":{n},").into_bytes()));
    (tokens, outcomes, statuses, moment(), moment(), contains).prop_map(
        |(tokens, outcomes, statuses, since, until, contains)| LogHints {
            tokens,
            outcomes: outcomes.map(|outcomes| outcomes.into_iter().collect()),
            statuses,
            since,
            until,
            contains,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![4 => 1..4_usize, 2 => 100..140_usize, 1 => 250..800_usize];
    let missing = prop_oneof![4 => Just(0), 1 => 1..5_u64];
    let secs = prop_oneof![4 => 0..90_i64, 1 => Just(3_600)];
    let limit = prop_oneof![Just(1), Just(100), Just(usize::MAX)];
    let scan = prop_oneof![Just(7), Just(300), Just(usize::MAX)];
    prop_oneof![
        8 => (size, missing, secs).prop_map(|(rows, missing, secs)| Step::Append { rows, missing, secs }),
        1 => Just(Step::Restart),
        1 => Just(Step::Reopen),
        1 => (0..4_000_i64).prop_map(Step::DropBefore),
        6 => (0..3_000_u64, any::<bool>(), limit, scan, 0..9_000_i64, hints()).prop_map(
            |(from, rising, limit, scan, cutoff, hints)| Step::Read { from, rising, limit, scan, cutoff, hints }
        ),
        2 => (-600..9_000_i64, 1..9_000_i64, 1..400_u32, hints())
            .prop_map(|(from, secs, bucket, hints)| Step::Count { from, secs, bucket, hints }),
    ]
}

/// Reads a page from both and on to the end; they agree on the rows, whatever each of them jumps over.
fn compare_reading(ours: &dyn LogReader, model: &dyn LogReader, step: &Step) {
    let Step::Read { from, rising, limit, scan, cutoff, hints } = step else { return };
    let read = |reader: &dyn LogReader, at: u64, limit, scan| {
        let pass = |row: &LogRow| row.seq % 11 != 5;
        let page = if *rising {
            reader.after(at, super::testing::samples::at(*cutoff), limit, scan, hints, &pass)
        } else {
            reader.before(Some(at), super::testing::samples::at(*cutoff), limit, scan, hints, &pass)
        };
        page.unwrap()
    };
    let expected = read(model, *from, usize::MAX, usize::MAX);
    let (mut position, mut found) = (*from, Vec::new());
    loop {
        let page = read(ours, position, *limit, *scan);
        assert!(page.rows.len() <= *limit);
        found.extend(page.rows);
        let Some(scanned_to) = page.scanned_to.filter(|_| !page.done) else { break };
        assert!(if *rising { scanned_to > position } else { scanned_to < position }, "a page goes on");
        position = scanned_to;
    }
    assert_eq!(found, expected.rows);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_history_reads_and_counts_the_same_as_in_a_plain_vector(steps in prop::collection::vec(step(), 1..30)) {
        let directory = tempfile::tempdir().unwrap();
        let settings = || LogSettings::new(directory.path().to_owned());
        let mut log = RedbLog::open(settings()).unwrap();
        let mut model = NaiveLog::default();
        let (mut next, mut now) = (1, 0);
        for step in steps {
            match step {
                Step::Append { rows, missing, secs } => {
                    (next, now) = (next + missing, now + secs);
                    let rows: Vec<_> = (next..).take(rows).map(|seq| varied(seq, now + (seq % 5) as i64)).collect();
                    next += rows.len() as u64;
                    log.append(&rows, at(now)).unwrap();
                    model.append(&rows, at(now)).unwrap();
                }
                Step::Restart => {
                    Box::new(log).close().unwrap();
                    log = RedbLog::open(settings()).unwrap();
                }
                Step::Reopen => log.reopen().unwrap(),
                Step::DropBefore(age) => {
                    // Whole files go, so the reference keeps what is still there.
                    log.drop_before(at(now - age)).unwrap();
                    let first = all(log.reader().as_ref()).rows.first().map_or(u64::MAX, |row| row.seq);
                    prop_assert!(model.rows().iter().all(|row| row.seq >= first || row.at < at(now - age)));
                    model.rows().retain(|row| row.seq >= first);
                }
                Step::Read { .. } => compare_reading(log.reader().as_ref(), model.reader().as_ref(), &step),
                Step::Count { from, secs, bucket, hints } => {
                    let count = |reader: Arc<dyn LogReader>| {
                        reader.histogram(at(from)..at(from + secs), bucket, &hints).unwrap()
                    };
                    prop_assert_eq!(count(log.reader()), count(model.reader()));
                }
            }
        }
        let (ours, model) = (all(log.reader().as_ref()), all(model.reader().as_ref()));
        prop_assert_eq!(ours.rows, model.rows);
    }
}

/// Commits of the histories below: some for the tail, some that fold it, some of several blocks.
const COMMITS: [u64; 4] = [2, 126, 1, 257];

#[test]
fn after_a_disk_failure_at_any_change_no_acknowledged_row_is_missing_and_none_is_double() {
    for nth in 0.. {
        let directory = tempfile::tempdir().unwrap();
        let fuse = Arc::new(Fuse::default());
        let wrapped = Arc::clone(&fuse);
        let backend = OpenBackend::wrapped(move |file| Box::new(Fused { file, fuse: Arc::clone(&wrapped) }));
        let settings = || LogSettings { backend: backend.clone(), ..LogSettings::new(directory.path().to_owned()) };
        let mut log = RedbLog::open(settings()).unwrap();
        let (mut next, mut acknowledged, mut failures) = (1, Vec::new(), 0);
        fuse.arm(nth);
        for count in COMMITS {
            let rows: Vec<_> = (next..next + count).map(|seq| varied(seq, 0)).collect();
            // A seq is never given out again, whether its row was written or not.
            next += count;
            match log.append(&rows, START) {
                Ok(()) => acknowledged.extend(rows.iter().map(|row| row.seq)),
                Err(_) => {
                    assert!(fuse.blown.load(Ordering::Relaxed), "change {nth}: a commit failed on a healthy disk");
                    failures += 1;
                    fuse.mend();
                    log.reopen().unwrap();
                    let shown = seqs(&all(log.reader().as_ref()).rows);
                    assert!(
                        acknowledged.iter().all(|seq| shown.binary_search(seq).is_ok()),
                        "change {nth}: rows are missing"
                    );
                }
            }
        }
        let unused = fuse.armed.load(Ordering::Relaxed);
        fuse.mend();
        drop(log);
        let log = RedbLog::open(settings()).unwrap();
        let shown = seqs(&all(log.reader().as_ref()).rows);
        assert!(shown.is_sorted_by(|a, b| a < b), "change {nth}: a seq is there twice");
        assert!(acknowledged.iter().all(|seq| shown.binary_search(seq).is_ok()), "change {nth}: rows are missing");
        if unused {
            assert_eq!((failures, shown.len() as u64), (0, COMMITS.iter().sum()));
            return;
        }
    }
}

#[test]
fn after_a_power_failure_at_any_moment_every_acknowledged_row_is_there_and_no_commit_is_half() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let given = Mutex::new(disk.clone());
    let backend = OpenBackend::wrapped(move |_| Box::new(given.lock().unwrap().clone()));
    let settings = LogSettings { backend, ..LogSettings::new(directory.path().to_owned()) };
    let mut log = RedbLog::open(settings).unwrap();
    let mut acknowledged = Vec::new();
    let mut next = 1;
    for count in COMMITS {
        log.append(&(next..next + count).map(|seq| varied(seq, 0)).collect::<Vec<_>>(), START).unwrap();
        next += count;
        acknowledged.push((disk.moments(), next - 1));
    }
    let ends: Vec<u64> = [0].into_iter().chain(acknowledged.iter().map(|(_, last)| *last)).collect();
    for moment in 0..=disk.moments() {
        let promised = acknowledged.iter().rev().find(|(at, _)| *at <= moment).map_or(0, |(_, last)| *last);
        for kept in [0, 1, 2 + moment as u64] {
            let crashed = tempfile::tempdir().unwrap();
            let path = crashed.path().join("00000000000000000001.redb");
            std::fs::write(path, disk.crash_image(moment, kept)).unwrap();
            let mut log = RedbLog::open(LogSettings::new(crashed.path().to_owned())).unwrap();
            let shown = seqs(&all(log.reader().as_ref()).rows);
            let last = shown.last().copied().unwrap_or(0);
            assert!(last >= promised && ends.contains(&last), "moment {moment}, kept {kept}: {last}, not {promised}");
            assert_eq!(shown, (1..=last).collect::<Vec<_>>(), "moment {moment}, kept {kept}");
            log.append(&[varied(next, 1)], at(1)).unwrap();
        }
    }
}
