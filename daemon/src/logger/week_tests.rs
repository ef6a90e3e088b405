//! A week in virtual time: the log fills, expires and is tailed all along, while the wall clock is set about and the host
//! starts again with a dead one. The same seed gives the same answer.

use std::collections::VecDeque;
use std::sync::Arc;

use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use super::*;
use crate::clock::Clock;
use crate::core::model::ClockSteps;
use crate::core::registry::Registry;
use crate::core::testing::START;
use crate::daemon::testing;
use crate::store::testing::naive::NaiveStore;
use crate::store::testing::naive_log::NaiveLog;
use crate::store::testing::samples::log_row;
use crate::store::{Loaded, LogHints, LogSettings, RedbLog};
use crate::tail::{Next, TailEntry};

const STEP_SECS: i64 = 600;
const STEPS: i64 = 7 * 86_400 / STEP_SECS;
/// A segment's hour, the sweep's minute and what the clock's guard keeps as one, on top of 48 h; and a step of this test.
const GONE_AFTER_SECS: i64 = LOG_ROW_SECS + 65 * 60 + 300 + STEP_SECS;
const MIB: u64 = 1_024 * 1_024;

struct Written {
    seq: u64,
    elapsed: i64,
    at: Timestamp,
    bytes: u64,
}

struct Week {
    directory: tempfile::TempDir,
    daemon: Arc<Daemon>,
    log: Box<dyn LogStore>,
    random: u64,
    elapsed: i64,
    seq: u64,
    /// Everything that may still be on the disk.
    written: VecDeque<Written>,
    tail_at: u64,
    /// What the state keeps of the clock's steps.
    kept: ClockSteps,
    digest: blake3::Hasher,
    figures: Figures,
}

/// What the run was like.
#[derive(Debug, Default, PartialEq)]
struct Figures {
    rows: u64,
    jumps: u32,
    starts: u32,
    disk_bytes_max: u64,
    live_bytes_max: u64,
    oldest_readable_secs_max: i64,
    oldest_on_disk_secs_max: i64,
}

impl Week {
    fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (daemon, log) = started(&directory, Clock::manual(START), 0);
        let digest = blake3::Hasher::new();
        let (written, figures, kept) = (VecDeque::new(), Figures::default(), ClockSteps::default());
        Self { directory, daemon, log, random: seed, elapsed: 0, seq: 0, written, tail_at: 0, kept, digest, figures }
    }

    /// Splitmix64.
    fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn run(mut self) -> (Figures, String) {
        for step in 0..STEPS {
            self.daemon.clock.pass(STEP_SECS);
            self.elapsed += STEP_SECS;
            if self.below(60) == 0 {
                let by = self.below(144 * 3_600).cast_signed() - 72 * 3_600;
                self.daemon.clock.set(self.daemon.clock.now().plus_secs(by));
                self.figures.jumps += 1;
            }
            self.keep_clock();
            if self.below(100) == 0 {
                self = self.start_again();
            }
            self.write();
            drop_expired(&self.daemon, self.log.as_mut());
            self.tail();
            self.look(step % 48 == 0);
        }
        (self.figures, self.digest.finalize().to_hex().to_string())
    }

    /// As the writer does before each commit.
    fn keep_clock(&mut self) {
        self.daemon.clock.now();
        self.kept = self.daemon.clock.take_steps().unwrap_or_else(|| std::mem::take(&mut self.kept));
    }

    /// The host comes back without a battery for its clock.
    fn start_again(self) -> Self {
        let Self { directory, daemon, log, seq, .. } = self;
        let high_water = daemon.clock.now();
        log.close().unwrap();
        let clock = Clock::started_at(Timestamp::from_micros(0), high_water, &self.kept);
        let (daemon, log) = started(&directory, clock, seq);
        let figures = Figures { starts: self.figures.starts + 1, ..self.figures };
        Self { directory, daemon, log, figures, ..self }
    }

    fn write(&mut self) {
        let now = self.daemon.clock.now();
        let count = 40 + self.below(60);
        let rows: Vec<Arc<LogRow>> = (0..count)
            .map(|_| {
                self.seq += 1;
                let words: Vec<String> = (0..40).map(|_| format!("{:x}", self.below(1 << 48))).collect();
                let body = words.join(" ");
                Arc::new(LogRow { at: now, body, ..log_row(self.seq, 0).as_ref().clone() })
            })
            .collect();
        for row in &rows {
            let bytes = serde_json::to_vec(row.as_ref()).unwrap().len() as u64;
            self.written.push_back(Written { seq: row.seq, elapsed: self.elapsed, at: now, bytes });
        }
        self.figures.rows += count;
        write(&self.daemon, self.log.as_mut(), vec![LogJob { rows, answers: Vec::new() }]);
    }

    /// Reads on as a tail does: from the ring, or from disk where the ring begins later (after a start).
    fn tail(&mut self) {
        loop {
            let seqs: Vec<u64> = match self.daemon.tail.after(self.tail_at, 64) {
                Next::Entries { entries, .. } if entries.is_empty() => break,
                Next::Entries { entries, .. } => entries
                    .into_iter()
                    .map(|entry| match entry {
                        TailEntry::Row(row) => row.seq,
                        TailEntry::Gap(gap) => panic!("a gap: {gap:?}"),
                    })
                    .collect(),
                Next::Behind { .. } => {
                    let cutoff = self.daemon.clock.now().plus_secs(-LOG_ROW_SECS);
                    let reader = &self.daemon.log_reader;
                    let page = reader.after(self.tail_at, cutoff, 64, 1_000, &LogHints::NONE, &|_| true).unwrap();
                    page.rows.iter().map(|row| row.seq).collect()
                }
            };
            for seq in seqs {
                assert_eq!(seq, self.tail_at + 1, "the tail loses nothing and doubles nothing");
                self.tail_at = seq;
                self.digest.update(&seq.to_le_bytes());
            }
        }
        assert_eq!(self.tail_at, self.seq, "and is up to date");
    }

    fn look(&mut self, whole: bool) {
        let now = self.daemon.clock.now();
        let cutoff = now.plus_secs(-LOG_ROW_SECS);
        let totals = self.daemon.log_reader.totals(cutoff);
        let first = totals.first_seq.unwrap_or(self.seq + 1);
        let age = |written: &Written| self.elapsed - written.elapsed;
        let oldest = self.written.iter().find(|written| written.seq >= first).map_or(0, age);
        assert!(oldest <= LOG_ROW_SECS, "a row of {oldest} s can be read");
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        let on_disk = files.filter_map(|file| file.unwrap().path().file_stem()?.to_str()?.parse::<u64>().ok()).min();
        let on_disk = on_disk.unwrap_or(u64::MAX);
        self.written.retain(|written| written.seq >= on_disk);
        let lain = self.written.front().map_or(0, |written| self.elapsed - written.elapsed);
        assert!(lain <= GONE_AFTER_SECS, "bytes of {lain} s are on the disk");
        let live: u64 =
            self.written.iter().filter(|one| self.elapsed - one.elapsed <= LOG_ROW_SECS).map(|one| one.bytes).sum();
        assert!(totals.disk_bytes <= live + live / 2 + 64 * MIB, "{} bytes for {live} living ones", totals.disk_bytes);
        if whole {
            let reader = &self.daemon.log_reader;
            let page = reader.after(0, cutoff, usize::MAX, usize::MAX, &LogHints::NONE, &|_| true).unwrap();
            let readable = self.written.iter().filter(|written| written.at >= cutoff).count();
            assert_eq!(page.rows.len(), readable, "what is younger is there");
            assert!(page.rows.iter().all(|row| row.at >= cutoff));
        }
        self.digest.update(&now.as_micros().to_le_bytes());
        self.digest.update(&first.to_le_bytes());
        let figures = &mut self.figures;
        figures.disk_bytes_max = figures.disk_bytes_max.max(totals.disk_bytes);
        figures.live_bytes_max = figures.live_bytes_max.max(live);
        figures.oldest_readable_secs_max = figures.oldest_readable_secs_max.max(oldest);
        figures.oldest_on_disk_secs_max = figures.oldest_on_disk_secs_max.max(lain);
    }
}

fn started(directory: &tempfile::TempDir, clock: Clock, last_seq: u64) -> (Arc<Daemon>, Box<dyn LogStore>) {
    let log = RedbLog::open(LogSettings::new(directory.path().to_owned())).unwrap();
    let registry = Registry::from_loaded(&Loaded::default(), 0).unwrap();
    let mut daemon = testing::daemon(&NaiveStore::default(), &NaiveLog::default(), registry, last_seq);
    let inner = Arc::get_mut(&mut daemon).unwrap();
    inner.clock = clock;
    inner.log_reader = log.reader();
    (daemon, Box::new(log))
}

#[test]
fn in_a_week_of_virtual_time_rows_end_on_time_whatever_the_clock_does() {
    let (figures, digest) = Week::new(0x7011_6a7e).run();
    println!("{figures:?}");
    assert!(figures.jumps >= 5 && figures.starts >= 1, "the week was not dull: {figures:?}");
    let (again, same) = Week::new(0x7011_6a7e).run();
    assert_eq!(digest, same, "the same answer for the same seed");
    assert_eq!((figures.rows, figures.oldest_on_disk_secs_max), (again.rows, again.oldest_on_disk_secs_max));
}
