use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use tollgate_shared::api::RevokeToken;
use tollgate_shared::log::GapReason;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::*;
use crate::core::admin::TokenCommand;
use crate::core::decision::Proposal;
use crate::core::testing::{Basics, World, fire};
use crate::daemon::testing::daemon;
use crate::jobs::{Answer, CallWork, Draft, LOG_QUEUE_JOBS};
use crate::logger;
use crate::store::testing::naive::NaiveStore;
use crate::store::testing::naive_log::NaiveLog;
use crate::store::testing::samples::log_row;
use crate::store::{Committed, Loaded, Reader, View};
use crate::tail::{Next, TailEntry};

/// A store that does not commit: it fails, or worse.
struct Broken {
    store: NaiveStore,
    panics: bool,
}

impl Store for Broken {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.store.load()
    }
    fn raise_log_seq(&mut self, next: u64) {
        self.store.raise_log_seq(next);
    }
    fn commit(&mut self, _: Timestamp, _: &mut dyn FnMut(&mut dyn View)) -> Result<Committed, StoreError> {
        assert!(!self.panics, "told to panic");
        Err(StoreError::Damaged { what: "the disk".to_owned(), detail: "it is full".to_owned() })
    }
    fn reopen(&mut self) -> Result<Loaded, StoreError> {
        self.store.reopen()
    }
    fn sweep_dedup(&mut self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
    fn drop_resolved_before(&mut self, _: Timestamp, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
    fn drop_finished_requests(&mut self, _: Timestamp, _: usize, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
    fn reader(&self) -> Arc<dyn Reader> {
        self.store.reader()
    }
    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A writer with everything around it, on the test's own thread.
struct Bench {
    world: World,
    basics: Basics,
    store: NaiveStore,
    log: NaiveLog,
    daemon: Arc<Daemon>,
    writer: Writer,
    tasks: Receiver<LogTask>,
}

impl Bench {
    fn new() -> Self {
        Self::over(|store| Box::new(store))
    }

    fn over(make: impl FnOnce(NaiveStore) -> Box<dyn Store>) -> Self {
        let (store, log) = (NaiveStore::default(), NaiveLog::default());
        let (world, basics) = World::with_basics(World::on(Box::new(store.clone())));
        let daemon = daemon(&store, &log, world.registry.clone(), 0);
        let (sender, tasks) = sync_channel(LOG_QUEUE_JOBS);
        let mut writing = store.clone();
        writing.load().unwrap();
        let writer = Writer::new(daemon.clone(), make(writing), sender);
        Self { world, basics, store, log, daemon, writer, tasks }
    }

    fn proposal(&mut self, key: &str) -> Box<Proposal> {
        Box::new(self.world.proposal(self.basics.token, &fire(key)))
    }

    fn job(&mut self, key: &str, debug: bool) -> (CallJob, oneshot::Receiver<Answer>) {
        let (answer, waiting) = oneshot::channel();
        let draft = debug.then(|| Box::new(Draft { row: log_row(0, 0).as_ref().clone() }));
        let work = CallWork::Decide { proposal: self.proposal(key), draft, answer };
        (CallJob { bytes: 1, arrived: Instant::now(), work }, waiting)
    }

    fn call(&mut self, key: &str, debug: bool) -> oneshot::Receiver<Answer> {
        let (job, waiting) = self.job(key, debug);
        self.writer.calls(vec![job]);
        waiting
    }

    /// Lets the log thread do what it has been given.
    fn run_log_thread(self) -> Arc<Daemon> {
        let Self { daemon, writer, tasks, log, .. } = self;
        drop(writer);
        logger::run(&daemon, Box::new(log), &tasks).unwrap();
        daemon
    }
}

fn outcome(waiting: &mut oneshot::Receiver<Answer>) -> Option<Outcome> {
    match waiting.try_recv() {
        Ok(Answer::Decided(decision)) => Some(decision.outcome),
        Ok(Answer::StorageUnavailable) => None,
        Err(why) => panic!("no answer: {why}"),
    }
}

fn shown(daemon: &Daemon) -> Vec<(u64, Option<GapReason>)> {
    let Next::Entries { entries, .. } = daemon.tail.after(0, 100) else { panic!("behind") };
    entries
        .into_iter()
        .map(|entry| match entry {
            TailEntry::Row(row) => (row.seq, None),
            TailEntry::Gap(gap) => (gap.to, Some(gap.reason)),
        })
        .collect()
}

#[test]
fn a_call_with_debug_off_is_answered_after_the_commit_and_one_with_debug_on_after_its_row() {
    let mut bench = Bench::new();
    let (mut off, mut on) = (bench.call("a", false), bench.call("b", true));
    assert_eq!(outcome(&mut off), Some(Outcome::Created));
    assert!(matches!(on.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
    let daemon = bench.run_log_thread();
    assert_eq!(outcome(&mut on), Some(Outcome::Created));
    assert_eq!(shown(&daemon), [(1, None)]);
}

#[test]
fn a_failed_commit_is_503_for_all_and_leaves_nothing_and_the_store_comes_back() {
    let mut bench = Bench::new();
    bench.store.break_next_commit();
    let mut first = bench.call("a", true);
    assert_eq!(outcome(&mut first), None);
    assert!(bench.world.incidents().is_empty());
    let (usage, calls) = (bench.daemon.usage.view(bench.basics.token, bench.world.now), bench.daemon.meters.calls());
    assert_eq!((usage.counts.rejected, calls.rejected), (1, 1), "counted like every refusal");
    assert_eq!(usage.last_refusal.unwrap().slug, "storage-unavailable");
    assert_eq!(bench.daemon.meters.log_rows_lost.load(Ordering::Relaxed), 1);
    let mut second = bench.call("a", true);
    let daemon = bench.run_log_thread();
    assert_eq!(outcome(&mut second), Some(Outcome::Created));
    assert_eq!(
        shown(&daemon),
        [(1, Some(GapReason::Lost)), (2, None)],
        "the seq of a failed commit is not given again"
    );
}

#[test]
fn a_seq_in_the_log_threads_hands_is_not_given_out_again_after_a_reopening() {
    let mut bench = Bench::new();
    let mut first = bench.call("a", true);
    bench.store.break_next_commit();
    drop(bench.call("b", false));
    let mut second = bench.call("c", true);
    let daemon = bench.run_log_thread();
    assert_eq!((outcome(&mut first), outcome(&mut second)), (Some(Outcome::Created), Some(Outcome::Created)));
    assert_eq!(shown(&daemon), [(1, None), (2, None)]);
}

#[test]
fn where_the_log_thread_has_ended_the_sender_is_told_the_truth_and_the_row_is_a_gap() {
    let mut bench = Bench::new();
    drop(std::mem::replace(&mut bench.tasks, sync_channel(1).1));
    let mut waiting = bench.call("a", true);
    assert_eq!(outcome(&mut waiting), Some(Outcome::Created));
    assert_eq!(bench.daemon.meters.log_rows_lost.load(Ordering::Relaxed), 1);
    assert_eq!(shown(&bench.daemon), [(1, Some(GapReason::Lost))]);
}

/// A disk that refuses every commit but can be reopened made the shutdown write the usage for ever. Now it is tried once.
#[test]
fn the_last_flush_of_usage_ends_although_every_commit_fails() {
    let bench = Bench::over(|store| Box::new(Broken { store, panics: false }));
    let by = crate::usage::Use {
        at: bench.world.now,
        ip: crate::core::testing::SENDER,
        user_agent: None,
        seen: crate::core::decision::Seen::default(),
        body_bytes: 0,
    };
    bench.daemon.usage.used(bench.basics.token, &by, Outcome::Created);
    bench.daemon.lanes.close();
    assert!(bench.writer.run().is_ok());
    assert_eq!(bench.daemon.meters.commits_failed.load(Ordering::Relaxed), 1);
}

/// A panic of the writer left queued calls without an answer and the lanes open. Now everyone is woken and nothing more
/// is taken.
#[test]
fn a_panicking_writer_leaves_nobody_waiting() {
    let mut bench = Bench::over(|store| Box::new(Broken { store, panics: true }));
    let (first, mut waiting) = bench.job("a", false);
    assert!(bench.daemon.lanes.push_call(first).is_ok());
    let Bench { writer, daemon, .. } = bench;
    assert!(std::thread::spawn(move || writer.run()).join().is_err());
    assert!(matches!(waiting.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    assert!(daemon.lanes.push_admin(AdminJob::Sweep).is_err());
}

#[test]
fn a_revoke_that_has_returned_is_in_force_and_says_how_many_calls_are_in_flight() {
    let mut bench = Bench::new();
    let token = bench.basics.token;
    let (waiting_job, _answer) = bench.job("a", false);
    assert!(bench.daemon.lanes.push_call(waiting_job).is_ok());
    let (in_hand, mut refused) = bench.job("b", false);
    let (answer, mut waiting) = oneshot::channel();
    let revoke = RevokeToken { confirm: token.to_string(), reason: "leaked".to_owned() };
    let command = Command::Token(TokenCommand::Revoke(token.to_string(), revoke));
    bench.writer.change(AdminJob::Command { actor: Actor::daemon(), command, answer });
    let Ok(Ok(AdminAnswer::Receipt(receipt))) = waiting.try_recv() else { panic!("no receipt") };
    assert_eq!((receipt.id, receipt.in_flight), (token, 1));
    assert!(bench.daemon.registry.load().token(token).is_none());
    bench.writer.calls(vec![in_hand]);
    assert_eq!(outcome(&mut refused), Some(Outcome::Rejected));
    assert_eq!(bench.daemon.refused.total(), 1);
}

#[test]
fn a_failure_to_audit_refuses_the_change() {
    let mut bench = Bench::over(|store| Box::new(Broken { store, panics: false }));
    let set = tollgate_shared::api::SetLockdown { on: true, reason: "leak".to_owned() };
    let refused = bench.writer.execute(&Actor::daemon(), Command::SetLockdown(set)).err().unwrap();
    assert_eq!(refused.slug(), Ok(Slug::StorageUnavailable));
    assert!(bench.daemon.registry.load().lockdown().is_none(), "neither the row nor the change is in force");
}

/// 100,000 calls for one key: its row is written once for each group commit, not once for each call.
#[test]
fn a_storm_for_one_key_writes_its_row_once_per_group_commit() {
    let mut bench = Bench::new();
    let patch = tollgate_shared::api::TokenPatch { dedup_window_secs: Some(0), ..Default::default() };
    let edit = TokenCommand::Edit(bench.basics.token.to_string(), Box::new(patch), None);
    assert!(bench.world.admin(Command::Token(edit)).is_ok());
    let proposal = bench.proposal("a");
    let (mut commits, mut rows) = (0, 0);
    let (calls, mut left) = (100_000_u64, 100_000_usize);
    while left > 0 {
        let group = left.min(BATCH_CALLS_MAX);
        left -= group;
        let World { store, registry, pace, now, .. } = &mut bench.world;
        let committed = store
            .commit(*now, &mut |view| {
                for _ in 0..group {
                    let mut new_id = || bench.daemon.ids.new_id(*now);
                    let view = &mut *view;
                    let mut bench = crate::core::decide::Bench { registry, view, pace, new_id: &mut new_id, now: *now };
                    crate::core::decide::decide(&mut bench, &proposal);
                }
            })
            .unwrap();
        commits += 1;
        rows += committed.incident_rows;
    }
    assert_eq!((commits, rows), (196, 196));
    let head = bench.world.incidents().remove(0);
    assert_eq!((head.occurrences, bench.world.incidents().len()), (calls, 1));
    let (_, _, timeline) = bench.world.store.reader().incident(head.id).unwrap().unwrap();
    assert_eq!(timeline.iter().map(|entry| entry.count).collect::<Vec<_>>(), [1, calls - 1], "attaches are merged");
}

/// Domain.md section 6: resolved incidents are kept 90 days, then dropped; open ones stay however old they are.
#[test]
fn resolved_incidents_are_dropped_after_90_days_by_the_sweep() {
    let mut bench = Bench::new();
    drop(bench.call("open", false));
    drop(bench.call("resolved", false));
    let ids: Vec<_> = bench.world.incidents().iter().map(|head| head.id).collect();
    let (answer, _waiting) = oneshot::channel();
    let command = Command::Resolve(ids[1], None);
    bench.writer.change(AdminJob::Command { actor: Actor::daemon(), command, answer });
    let kept = |bench: &Bench| bench.world.incidents().iter().map(|head| head.id).collect::<Vec<_>>();
    let start = bench.world.now;
    for (day, expected) in [(1, &ids[..]), (89, &ids[..]), (90, &ids[..]), (91, &ids[..1]), (400, &ids[..1])] {
        bench.daemon.clock.set(start.plus_secs(day * 86_400));
        bench.writer.change(AdminJob::Sweep);
        assert_eq!(kept(&bench), expected, "day {day}");
    }
}

/// Storage.md, Clocks: irreversible deletion waits for elapsed time, also where the daemon is started again meanwhile.
#[test]
fn steps_of_the_wall_clock_are_kept_before_a_commit_whose_mark_has_the_new_time() {
    let mut bench = Bench::new();
    bench.writer.keep_clock();
    assert!(bench.store.load().unwrap().clock_steps.steps.is_empty(), "nothing to keep");
    bench.daemon.clock.set(bench.world.now.plus_secs(5 * 86_400));
    bench.writer.keep_clock();
    let loaded = bench.store.load().unwrap();
    let gained: Vec<i64> = loaded.clock_steps.steps.iter().map(|step| step.gained_us).collect();
    assert_eq!((gained, loaded.high_water), (vec![5 * 86_400 * 1_000_000], bench.daemon.clock.now()));
    let mut broken = Bench::over(|store| Box::new(Broken { store, panics: false }));
    broken.daemon.clock.set(broken.world.now.plus_secs(86_400));
    broken.writer.keep_clock();
    assert!(broken.daemon.clock.take_steps().is_some(), "what could not be kept is given again");
}
