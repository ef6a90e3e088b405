use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const HOUR: i64 = 3_600;

#[test]
fn a_clock_set_back_an_hour_does_not_go_back_and_goes_on_with_the_boot_clock() {
    let clock = Clock::manual(START);
    clock.pass(10);
    assert_eq!(clock.now(), START.plus_secs(10));
    clock.set(START.plus_secs(-HOUR));
    assert_eq!(clock.now(), START.plus_secs(10));
    assert_eq!(clock.behind_secs(), HOUR + 10);
    clock.pass(60);
    assert_eq!(clock.now(), START.plus_secs(70), "what shall end does not wait for the wall clock");
    assert_eq!((clock.jumped_secs(), clock.take_jump()), (0, None));
}

#[test]
fn a_forward_jump_is_believed_told_once_and_erasing_waits_for_the_boot_clock() {
    let clock = Clock::manual(START);
    clock.set(START.plus_secs(5 * 24 * HOUR));
    assert_eq!(clock.now(), START.plus_secs(5 * 24 * HOUR));
    assert_eq!(clock.erasing_now(), START);
    assert_eq!((clock.take_jump(), clock.take_jump()), (Some(5 * 24 * HOUR), None));
    clock.pass(47 * HOUR);
    assert_eq!(clock.erasing_now(), START.plus_secs(47 * HOUR));
    clock.pass(HOUR + 1);
    assert_eq!(clock.erasing_now(), clock.now(), "whatever is from before the jump is 48 h old by now");
}

#[test]
fn a_host_that_starts_with_a_dead_clock_goes_on_where_it_was() {
    let clock = Clock::started_at(Timestamp::from_micros(0), START, &ClockSteps::default());
    assert_eq!((clock.now(), clock.erasing_now()), (START, START));
    clock.pass(HOUR);
    assert_eq!(clock.now(), START.plus_secs(HOUR));
    clock.set(START.plus_secs(2 * HOUR));
    assert_eq!(clock.now(), START.plus_secs(2 * HOUR), "a time server has set it");
}

#[test]
fn what_erasing_waits_for_after_a_jump_outlives_a_restart() {
    let clock = Clock::manual(START);
    clock.set(START.plus_secs(5 * 24 * HOUR));
    clock.now();
    let kept = clock.take_steps().unwrap();
    assert_eq!(clock.take_steps(), None, "it is kept already");
    clock.give_back_steps();
    assert_eq!(clock.take_steps().as_ref(), Some(&kept));
    clock.pass(10 * HOUR);
    let before = clock.now();
    let clock = Clock::started_at(before.plus_secs(2 * HOUR), before, &kept);
    assert_eq!(clock.take_steps(), None);
    assert_eq!(clock.erasing_now(), START.plus_secs(12 * HOUR), "the time that it was away has passed, too");
    assert_eq!((clock.jumped_secs(), clock.take_jump()), (5 * 24 * HOUR, None), "shown, and told once");
    clock.pass(36 * HOUR + 1);
    assert_eq!(clock.erasing_now(), clock.now());
}

#[test]
fn a_clock_that_is_corrected_all_the_time_keeps_few_steps() {
    let clock = Clock::manual(START);
    for _ in 0..20_000 {
        clock.pass(10);
        clock.set(Timestamp::from_micros(clock.source.read().0 + 2 * MICROS));
        clock.now();
    }
    let steps = clock.steps.lock().unwrap().len();
    assert!(steps <= 600, "{steps}");
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Set(i64),
    Restart(i64),
    RestartWithDeadClock,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Time passes, the wall clock is set anywhere, the host starts again with any clock; at each moment a row is written.
    #[test]
    fn after_any_sequence_of_steps_no_row_is_readable_past_48_h_and_none_is_erased_before(
        moves in prop::collection::vec((0..30_i64 * HOUR, prop_oneof![
            6 => Just(None),
            2 => (-100_i64 * HOUR..100 * HOUR).prop_map(Some),
            1 => (-900_i64..900).prop_map(Some),
        ]), 1..40),
    ) {
        let clock = Clock::manual(START);
        let mut elapsed = 0;
        let mut rows: Vec<(i64, Timestamp)> = vec![(0, clock.now())];
        let mut last = clock.now();
        for (secs, step) in moves {
            clock.pass(secs);
            elapsed += secs;
            if let Some(by) = step {
                clock.set(Timestamp::from_micros(clock.source.read().0 + by * MICROS));
            }
            let now = clock.now();
            prop_assert!(now >= last.plus_secs(secs), "now never goes back, nor slower than the boot clock");
            last = now;
            let (hidden, erased) = (now.plus_secs(-LOG_ROW_SECS), clock.erasing_now().plus_secs(-LOG_ROW_SECS));
            for (written, at) in &rows {
                let age = elapsed - written;
                prop_assert!(*at < hidden || age <= LOG_ROW_SECS, "a row of {age} s can be read");
                prop_assert!(*at >= erased || age >= LOG_ROW_SECS - JUMP_MIN_US / MICROS, "a row of {age} s is erased");
                prop_assert!(*at < erased || age <= LOG_ROW_SECS + STEP_EVERY_US / MICROS, "a row of {age} s is kept");
            }
            rows.push((elapsed, now));
        }
    }

    /// The daemon is started again and again, after some time with a wall clock that went on, or none.
    #[test]
    fn after_any_sequence_of_steps_and_restarts_no_row_is_erased_before_48_h(
        moves in prop::collection::vec((0..20_i64 * HOUR, prop_oneof![
            3 => (-100_i64 * HOUR..100 * HOUR).prop_map(Move::Set),
            2 => (0..20 * HOUR).prop_map(Move::Restart),
            1 => Just(Move::RestartWithDeadClock),
        ]), 1..40),
    ) {
        let mut clock = Clock::manual(START);
        let mut kept = ClockSteps::default();
        let mut elapsed = 0;
        let mut rows: Vec<(i64, Timestamp)> = vec![(0, clock.now())];
        for (secs, next) in moves {
            clock.pass(secs);
            elapsed += secs;
            let high_water = clock.now();
            let wall = Timestamp::from_micros(clock.source.read().0);
            match next {
                Move::Set(by) => clock.set(wall.plus_secs(by)),
                Move::Restart(away) => {
                    clock = Clock::started_at(wall.plus_secs(away), high_water, &kept);
                    elapsed += away;
                }
                Move::RestartWithDeadClock => clock = Clock::started_at(Timestamp::from_micros(0), high_water, &kept),
            }
            let now = clock.now();
            kept = clock.take_steps().unwrap_or(kept);
            let erased = clock.erasing_now().plus_secs(-LOG_ROW_SECS);
            for (written, at) in &rows {
                let age = elapsed - written;
                prop_assert!(*at >= erased || age >= LOG_ROW_SECS - JUMP_MIN_US / MICROS, "a row of {age} s is erased");
            }
            rows.push((elapsed, now));
        }
    }
}
