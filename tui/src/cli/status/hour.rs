//! `tollgate status --hour`: the gate's last hour as strips of text, a column a minute.

use tollgate_shared::api::{HourBucket, HourView};

use crate::cli::context::{Context, Done};
use crate::cli::histogram::level;
use crate::cli::verdict::count;
use crate::cli::when::When;

/// A minute in which the daemon did not run.
const NOT_RUNNING: char = '_';

/// What a strip shows of a minute.
type Part = fn(&HourBucket) -> u64;

pub(super) async fn run(cx: &mut Context<'_>) -> Done {
    let hour = cx.client.hour().await?;
    let when = cx.when();
    cx.object(&hour, |hour| lines(hour, when))
}

fn lines(hour: &HourView, when: When) -> Vec<String> {
    let of = |part: fn(&HourBucket) -> u32| hour.minutes.iter().map(|minute| u64::from(part(minute))).sum::<u64>();
    let highest = |part: Part| hour.minutes.iter().map(part).max().unwrap_or(0);
    let begin = hour.minutes.first().map(|minute| minute.at).unwrap_or_default();
    let number = |value: u64| value.to_string();
    let waiting = |value: u64, most: u32| format!("{value} of {most}");
    let strips: [(&str, Part, String); 8] = [
        ("calls", HourBucket::calls, number(highest(HourBucket::calls))),
        ("effect", |m| m.effect.into(), number(highest(|m| m.effect.into()))),
        ("refused", refused, number(highest(refused))),
        ("p50", |m| m.p50_us.unwrap_or(0), time(highest(|m| m.p50_us.unwrap_or(0)))),
        ("p99", |m| m.p99_us.unwrap_or(0), time(highest(|m| m.p99_us.unwrap_or(0)))),
        ("queue", |m| m.queue.into(), waiting(highest(|m| m.queue.into()), hour.queue_max)),
        ("log queue", |m| m.log_queue.into(), waiting(highest(|m| m.log_queue.into()), hour.log_queue_max)),
        ("drops", |m| m.drops.into(), number(highest(|m| m.drops.into()))),
    ];
    let mut lines = vec![format!("{} to {}, a column is a minute", when.full(begin), when.full(hour.now))];
    lines.push(format!("{:<9} {:<60} the highest", "", ""));
    lines.extend(strips.iter().map(|(name, part, highest)| format!("{name:<9} {} {highest}", strip(hour, *part))));
    let calls = hour.minutes.iter().map(HourBucket::calls).sum();
    lines.push(format!(
        "{}: effect {}, duplicate {}, suppressed {}, no_match {}, refused {}, of no known token {}",
        count(calls, "call"),
        of(|m| m.effect),
        of(|m| m.duplicate),
        of(|m| m.suppressed),
        of(|m| m.no_match),
        of(|m| m.refused),
        of(|m| m.unknown)
    ));
    if begin < hour.since {
        lines.push(format!("{NOT_RUNNING} the daemon was not running; it started {}", when.full(hour.since)));
    }
    lines
}

fn refused(minute: &HourBucket) -> u64 {
    u64::from(minute.refused) + u64::from(minute.unknown)
}

fn strip(hour: &HourView, part: Part) -> String {
    let highest = hour.minutes.iter().map(part).max().unwrap_or(0);
    let column = |minute: &HourBucket| match part(minute) {
        0 if minute.at.plus_secs(60) <= hour.since => NOT_RUNNING,
        value => level(value, highest),
    };
    hour.minutes.iter().map(column).collect()
}

/// Microseconds in the unit that fits.
fn time(us: u64) -> String {
    match us {
        0 => "-".to_owned(),
        1..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use tollgate_shared::time::Timestamp;

    use super::*;

    #[test]
    fn a_minute_without_calls_is_told_from_one_without_a_daemon() {
        let minute = |minute: i64| Timestamp::default().plus_secs(minute * 60);
        let empty = |at| HourBucket { at: minute(at), ..HourBucket::default() };
        let mut minutes: Vec<_> = (0..60).map(empty).collect();
        minutes[58] = HourBucket { effect: 3, unknown: 1, p50_us: Some(900), p99_us: Some(12_340), ..empty(58) };
        let (now, since) = (minute(60), minute(56).plus_secs(30));
        let hour = HourView { now, since, minutes, seconds: Vec::new(), queue_max: 8, log_queue_max: 32 };
        let lines = lines(&hour, When { now, relative: false });
        assert_eq!(lines[2], format!("calls     {}  @  4", "_".repeat(56)));
        assert_eq!(lines[6], format!("p99       {}  @  12.3 ms", "_".repeat(56)));
        assert_eq!(lines[7], format!("queue     {}     0 of 8", "_".repeat(56)));
        assert!(lines[10].starts_with("4 calls: effect 3, ") && lines[10].ends_with("of no known token 1"));
        assert_eq!(lines[11], "_ the daemon was not running; it started 1970-01-01T00:56:30Z");
        assert_eq!([time(0), time(950), time(2_040), time(1_950_000)], ["-", "950 µs", "2.0 ms", "1.9 s"]);
    }
}
