//! The last hour in charts: rates, outcomes, latencies, queues, drops.

use tollgate_shared::api::{HourBucket, HourView};
use tollgate_shared::time::Timestamp;

use super::super::connection::Phase;
use super::super::detail::{Kind, Line};
use super::super::model::Model;
use super::super::words::{self, count, group};
use super::{Chart, Row, head};

/// Seconds of a rate.
const RATE_SECS: usize = 10;

/// The first chart, which is there also when it is empty.
const CALLS: &str = "calls";

/// What a chart shows of a minute.
type Figure = fn(&HourBucket) -> u64;

pub(super) fn rows(model: &Model) -> Vec<Row> {
    let Some(hour) = &model.health.hour else {
        let why = match &model.health.refused {
            Some(why) => format!("no figures: {why}"),
            None => "asking the daemon for its figures".to_owned(),
        };
        return vec![Row::Text(head("LAST HOUR")), Row::Text(Line::plain(why))];
    };
    let mut rows = now(model, hour);
    rows.push(Row::Text(head(&title(hour))));
    let mut none = Vec::new();
    rows.extend(outcomes(hour).into_iter().filter_map(|row| some_of(row, &mut none)));
    rows.push(axis(hour));
    rows.extend(latencies(hour));
    rows.extend(queues(hour).into_iter().filter_map(|row| some_of(row, &mut none)));
    if !none.is_empty() {
        rows.push(Row::Text(Line::plain(format!("{:12}{}", "none at all", none.join(", ")))));
    }
    rows
}

/// An empty chart is no more than its name: what it leaves room for is what has to be seen.
fn some_of(row: Row, none: &mut Vec<&'static str>) -> Option<Row> {
    match row {
        Row::Chart(chart) if chart.label != CALLS && chart.cells.iter().flatten().all(|value| *value == 0) => {
            none.push(chart.label);
            None
        }
        row => Some(row),
    }
}

/// Rates of the last ten whole seconds, and what waits at this moment.
fn now(model: &Model, hour: &HourView) -> Vec<Row> {
    let whole = hour.seconds.len().saturating_sub(1);
    let recent = &hour.seconds[whole.saturating_sub(RATE_SECS)..whole];
    let rate = |figure: Figure| words::per_second(recent.iter().map(figure).sum::<u64>() * 10 / RATE_SECS as u64);
    let repeated = rate(|one| u64::from(one.duplicate) + u64::from(one.suppressed));
    let all = format!(
        "{}/s: {} with an effect, {repeated} repeated, {} no match",
        rate(HourBucket::calls),
        rate(|one| one.effect.into()),
        rate(|one| one.no_match.into()),
    );
    let refused =
        format!("{}/s, and without a known token {}/s", rate(|one| one.refused.into()), rate(|one| one.unknown.into()));
    let title_of_now = match model.phase() {
        Phase::Live => "NOW, the last 10 s".to_owned(),
        // Old figures under a heading that says now would be taken for a quiet gate.
        _ => format!("AT {}, NOT NOW: nothing newer is known", words::moment(hour.now)),
    };
    let waiting = model.status.as_ref().map_or(0, |status| status.counters.queue_calls);
    let lost = hour.minutes.iter().map(|one| u64::from(one.drops)).sum::<u64>();
    let drops =
        if lost > 0 { format!("{} dropped in this hour  !", group(lost)) } else { "none dropped in this hour".into() };
    let kind = if lost > 0 { Kind::Bad } else { Kind::Plain };
    vec![
        Row::Text(head(&title_of_now)),
        Row::Text(Line::plain(format!("{:12}{all}", "calls"))),
        Row::Text(Line::plain(format!("{:12}{refused}", "refused"))),
        Row::Text(Line::new(
            kind,
            format!("{:12}{} of {} wait, {drops}", "queue", group(waiting), group(hour.queue_max.into())),
        )),
    ]
}

/// What the hour came to, and how much of it the daemon was there.
fn title(hour: &HourView) -> String {
    let calls: u64 = hour.minutes.iter().map(HourBucket::calls).sum();
    let begin = hour.minutes.first().map(|minute| minute.at).unwrap_or_default();
    let part = if begin < hour.since {
        format!(", counted since the start {} ago", words::age(hour.now.secs_since(hour.since)))
    } else {
        String::new()
    };
    format!("LAST HOUR, {}{part}", count(calls, "call"))
}

/// All on the scale of the calls, so that heights can be compared.
fn outcomes(hour: &HourView) -> Vec<Row> {
    let all: Figure = HourBucket::calls;
    let scale = hour.minutes.iter().map(all).max().unwrap_or(0);
    let parts: [(&str, Figure, bool); 7] = [
        (CALLS, all, false),
        ("effect", |m| m.effect.into(), false),
        ("duplicate", |m| m.duplicate.into(), false),
        ("suppressed", |m| m.suppressed.into(), false),
        ("no match", |m| m.no_match.into(), true),
        ("refused", |m| m.refused.into(), true),
        ("no token", |m| m.unknown.into(), true),
    ];
    if scale == 0 {
        let words = "no calls".to_owned();
        return vec![Row::Chart(Chart { label: CALLS, cells: cells(hour, all), scale, words, kind: Kind::Plain })];
    }
    let row = |(label, figure, is_failure): (&'static str, Figure, bool)| {
        let total: u64 = hour.minutes.iter().map(figure).sum();
        let most = highest(hour, figure, group);
        // The title has said how many calls there were.
        let words = if label == CALLS { most } else { format!("{}, {most}", group(total)) };
        let fails = is_failure && total > 0;
        let words = if fails { format!("{words}  !") } else { words };
        Row::Chart(Chart {
            label,
            cells: cells(hour, figure),
            scale,
            words,
            kind: if fails { Kind::Worth } else { Kind::Plain },
        })
    };
    parts.into_iter().map(row).collect()
}

fn axis(hour: &HourView) -> Row {
    let from = hour.minutes.first().map(|minute| minute.at).unwrap_or_default();
    let is_partly = from < hour.since;
    let words = if is_partly { "_ not running" } else { "" };
    Row::Axis { from: minute(from), to: minute(hour.now), words: words.to_owned() }
}

fn minute(at: Timestamp) -> String {
    words::minute(at).trim_end_matches('Z').to_owned()
}

/// On the scale of the slowest hundredth.
fn latencies(hour: &HourView) -> Vec<Row> {
    if hour.minutes.iter().all(|minute| minute.p50_us.is_none()) {
        return vec![Row::Text(Line::plain(format!("{:12}no call was answered", "latency")))];
    }
    let parts: [(&str, Figure); 3] = [
        ("half within", |m| m.p50_us.unwrap_or(0)),
        ("95% within", |m| m.p95_us.unwrap_or(0)),
        ("99% within", |m| m.p99_us.unwrap_or(0)),
    ];
    let scale = hour.minutes.iter().filter_map(|minute| minute.p99_us).max().unwrap_or(0);
    let row = |(label, figure): (&'static str, Figure)| {
        let is_recent = |minute: &&HourBucket| hour.now.secs_since(minute.at) < 120;
        let last = hour.minutes.iter().rev().find(|minute| minute.p50_us.is_some());
        let most = highest(hour, figure, latency);
        let words = match (last, last.filter(is_recent)) {
            (_, None) => most,
            (_, Some(last)) if hour.minutes.iter().all(|minute| figure(minute) <= figure(last)) => {
                format!("now {}, the highest of the hour", latency(figure(last)))
            }
            (_, Some(last)) => format!("now {}, {most}", latency(figure(last))),
        };
        Row::Chart(Chart { label, cells: cells(hour, figure), scale, words, kind: Kind::Plain })
    };
    let mut rows: Vec<Row> = parts.into_iter().map(row).collect();
    let slowest =
        hour.minutes.iter().max_by_key(|minute| minute.slowest_us).filter(|minute| minute.slowest_us.is_some());
    rows.extend(slowest.map(|at| {
        let took = latency(at.slowest_us.unwrap_or(0));
        Row::Text(Line::plain(format!("{:12}{took} at {}", "slowest", minute(at.at))))
    }));
    rows
}

fn queues(hour: &HourView) -> Vec<Row> {
    let depth = |label: &'static str, figure: Figure, most: u32| {
        let peak = hour.minutes.iter().map(figure).max().unwrap_or(0);
        let words = highest(hour, figure, |value| format!("{} of {}", group(value), group(most.into())));
        Row::Chart(Chart { label, cells: cells(hour, figure), scale: peak, words, kind: Kind::Plain })
    };
    let drops: Figure = |m| m.drops.into();
    let lost: u64 = hour.minutes.iter().map(drops).sum();
    let words = format!("{}, {}  !", group(lost), highest(hour, drops, group));
    let scale = hour.minutes.iter().map(drops).max().unwrap_or(0);
    vec![
        depth("queue", |m| m.queue.into(), hour.queue_max),
        depth("log queue", |m| m.log_queue.into(), hour.log_queue_max),
        Row::Chart(Chart { label: "drops", cells: cells(hour, drops), scale, words, kind: Kind::Bad }),
    ]
}

/// `most 9 at 03:02`.
fn highest(hour: &HourView, figure: Figure, say: impl Fn(u64) -> String) -> String {
    // Of several minutes alike the latest is of interest.
    let at = hour.minutes.iter().max_by_key(|minute| figure(minute));
    at.map_or_else(String::new, |at| format!("most {} at {}", say(figure(at)), minute(at.at)))
}

fn cells(hour: &HourView, figure: Figure) -> Vec<Option<u64>> {
    let ran = |bucket: &HourBucket| bucket.at.plus_secs(60) > hour.since;
    hour.minutes.iter().map(|bucket| ran(bucket).then(|| figure(bucket))).collect()
}

/// `0.8 ms`, `12.4 ms`, `1.2 s`.
fn latency(us: u64) -> String {
    match us {
        0..100 => "under 0.1 ms".to_owned(),
        100..1_000_000 => format!("{}.{} ms", group(us / 1_000), us % 1_000 / 100),
        _ => format!("{}.{} s", group(us / 1_000_000), us % 1_000_000 / 100_000),
    }
}

/// The minutes of a token's last hour, by the figures that came with it; nothing where the daemon did not run.
#[must_use]
pub fn minutes_of(
    calls: &[u32],
    told_at: Timestamp,
    started_at: Option<Timestamp>,
    now: Timestamp,
) -> Vec<Option<u64>> {
    let running = now.as_secs().div_euclid(60);
    let first = started_at.map_or(i64::MIN, |at| at.as_secs().div_euclid(60));
    // It is told again when the token is used: in the minutes since then it was not.
    let since = usize::try_from(running - told_at.as_secs().div_euclid(60)).unwrap_or(0).min(60);
    let calls = calls.get(since.min(calls.len())..).unwrap_or_default();
    // A token that was not used since the start has no figures: none of its minutes had a call.
    let missing = (60 - since).saturating_sub(calls.len());
    let before = std::iter::repeat_n(0, missing).chain(calls.iter().copied());
    let all = before.chain(std::iter::repeat_n(0, since));
    (running - 59..).zip(all).map(|(minute, calls)| (minute >= first).then(|| u64::from(calls))).collect()
}

/// `most 9/min at 03:02`, or nothing.
#[must_use]
pub fn peak_words(cells: &[Option<u64>], now: Timestamp) -> Option<String> {
    let (at, most) =
        cells.iter().enumerate().filter_map(|(at, calls)| Some((at, (*calls)?))).max_by_key(|(_, calls)| *calls)?;
    let ago = i64::try_from(cells.len() - 1 - at).unwrap_or(0) * 60;
    (most > 0).then(|| format!("most {}/min at {}", group(most), minute(now.plus_secs(-ago))))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::{hour, now};
    use super::*;

    #[test]
    fn a_minute_without_a_daemon_is_not_a_minute_without_calls() {
        let hour = hour();
        let cells = cells(&hour, HourBucket::calls);
        assert_eq!(cells.len(), 60);
        assert!(cells[..19].iter().all(Option::is_none) && cells[20..].iter().all(Option::is_some), "{cells:?}");
        assert!(cells.contains(&Some(0)), "a quiet minute is counted as one");
    }

    #[test]
    fn the_running_minute_of_a_token_is_the_last_and_the_start_cuts_the_first_ones() {
        let started = now().plus_secs(-10 * 60);
        let cells = minutes_of(&[3; 60], now(), Some(started), now());
        assert_eq!((cells.len(), cells.iter().flatten().count()), (60, 11));
        assert_eq!(cells[59], Some(3));
        let unused = minutes_of(&[], now(), Some(started), now());
        assert_eq!((unused.len(), unused[59], unused[48]), (60, Some(0), None));
        assert_eq!(peak_words(&unused, now()), None);
        let mut calls = [0; 60];
        calls[47] = 9;
        assert_eq!(peak_words(&minutes_of(&calls, now(), None, now()), now()).as_deref(), Some("most 9/min at 03:02"));
        let later = now().plus_secs(300);
        let moved = minutes_of(&calls, now(), None, later);
        assert_eq!(
            (moved.len(), moved[42], peak_words(&moved, later).as_deref()),
            (60, Some(9), Some("most 9/min at 03:02"))
        );
    }

    #[test]
    fn a_latency_has_a_unit_that_fits() {
        assert_eq!([40, 950, 12_340, 1_250_000].map(latency), ["under 0.1 ms", "0.9 ms", "12.3 ms", "1.2 s"]);
    }
}
