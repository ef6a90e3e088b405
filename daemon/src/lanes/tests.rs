use std::time::Instant;

use super::*;
use crate::jobs::{CallWork, Draft};
use crate::store::testing::samples::log_row;

const LIMITS: LaneLimits = LaneLimits { calls: 3, bytes: 100 };

fn job(bytes: usize) -> CallJob {
    let draft = Draft { row: log_row(1, 0).as_ref().clone() };
    CallJob { bytes, arrived: Instant::now(), work: CallWork::Log(Box::new(draft)) }
}

fn is_full(result: &Result<(), NotQueued<CallJob>>) -> bool {
    matches!(result, Err(NotQueued::Full(_)))
}

#[test]
fn a_full_lane_gives_the_call_back() {
    let lanes = Lanes::new(LIMITS);
    for _ in 0..3 {
        assert!(lanes.push_call(job(10)).is_ok());
    }
    assert!(is_full(&lanes.push_call(job(10))));
    assert_eq!(lanes.waiting(), (3, 30));
    assert_eq!(lanes.take(2, Duration::ZERO).unwrap().calls.len(), 2);
    assert!(lanes.push_call(job(10)).is_ok());
    assert_eq!(lanes.waiting(), (2, 20));
}

#[test]
fn the_lane_is_bounded_in_bytes_but_one_call_always_fits() {
    let lanes = Lanes::new(LIMITS);
    assert!(lanes.push_call(job(500)).is_ok());
    assert!(is_full(&lanes.push_call(job(1))));
    drop(lanes.take(9, Duration::ZERO));
    assert!(lanes.push_call(job(60)).is_ok());
    assert!(is_full(&lanes.push_call(job(41))));
    assert!(lanes.push_call(job(40)).is_ok());
}

#[test]
fn changes_have_a_lane_of_their_own_that_a_storm_does_not_fill() {
    let lanes = Lanes::new(LIMITS);
    while lanes.push_call(job(10)).is_ok() {}
    assert!(lanes.push_admin(AdminJob::Sweep).is_ok());
    let batch = lanes.take(1, Duration::ZERO).unwrap();
    assert_eq!((batch.admin.len(), batch.calls.len()), (1, 1));
    for _ in 0..ADMIN_MAX {
        assert!(lanes.push_admin(AdminJob::Sweep).is_ok());
    }
    assert!(matches!(lanes.push_admin(AdminJob::Sweep), Err(NotQueued::Full(_))));
}

#[test]
fn closed_lanes_take_nothing_more_and_give_out_what_is_queued() {
    let lanes = Lanes::new(LIMITS);
    assert!(lanes.push_call(job(10)).is_ok() && lanes.push_call(job(10)).is_ok());
    lanes.close();
    assert!(matches!(lanes.push_call(job(1)), Err(NotQueued::Closed(_))));
    assert!(matches!(lanes.push_admin(AdminJob::Sweep), Err(NotQueued::Closed(_))));
    assert_eq!(lanes.take(1, Duration::MAX).map(|batch| batch.calls.len()), Some(1));
    assert_eq!(lanes.take(1, Duration::MAX).map(|batch| batch.calls.len()), Some(1));
    assert!(lanes.take(1, Duration::MAX).is_none());
}

#[test]
fn idle_lanes_give_an_empty_batch_after_the_time_asked_for() {
    let batch = Lanes::new(LIMITS).take(1, Duration::from_millis(1)).unwrap();
    assert!(batch.admin.is_empty() && batch.calls.is_empty());
}

#[test]
fn abandoned_lanes_wake_everyone_who_waits_for_a_job() {
    let lanes = Lanes::new(LIMITS);
    let (answer, mut waiting) = tokio::sync::oneshot::channel();
    let actor = crate::core::access::Actor::daemon();
    let command = crate::core::admin::Command::DeleteFilter(String::new());
    assert!(lanes.push_admin(AdminJob::Command { actor, command, answer }).is_ok());
    assert!(lanes.push_call(job(10)).is_ok());
    lanes.abandon();
    assert!(matches!(waiting.try_recv(), Err(tokio::sync::oneshot::error::TryRecvError::Closed)));
    assert_eq!(lanes.waiting(), (0, 0));
    assert!(lanes.push_call(job(1)).is_err() && lanes.take(1, Duration::MAX).is_none());
}
