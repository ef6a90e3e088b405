//! `tollgate log --histogram`: the calls that a query asks for as a strip of text.

use std::collections::BTreeMap;

use tollgate_shared::api::{CountedBy, LogHistogram, OutcomeCounts};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::asked;
use super::context::{Context, Done};
use super::verdict::count;
use super::when::When;
use crate::client::LogQuery;

/// Columns where nobody looks at a screen, and at most.
const COLUMNS: (usize, usize) = (60, 240);
/// From few to many; plain ASCII, for a serial console too.
const LEVELS: [char; 8] = ['.', ':', '-', '=', '+', '*', '#', '@'];

pub(super) async fn run(cx: &mut Context<'_>, query: LogQuery) -> Done {
    let columns = if cx.io.out_is_tty { cx.io.width.clamp(20, COLUMNS.1 + 1) - 1 } else { COLUMNS.0 };
    let buckets = u32::try_from(columns).unwrap_or(u32::MAX);
    let found = cx.client.histogram(&query, buckets).await.map_err(|error| asked::drawn(error, query.q.as_ref()))?;
    let when = cx.when();
    cx.object(&found, |found| lines(found, when))
}

fn lines(found: &LogHistogram, when: When) -> Vec<String> {
    let columns = columns(found);
    let highest = columns.iter().map(OutcomeCounts::total).max().unwrap_or(0);
    let strip: String = columns.iter().map(|counts| level(counts.total(), highest)).collect();
    let marks: String = columns.iter().map(mark).collect();
    let (begin, end) = (when.full(found.since), when.full(found.until));
    let mut lines = vec![
        format!("{begin} to {end}"),
        format!("a column is {} min, the highest {}", found.bucket_secs / 60, count(highest, "call")),
        strip,
    ];
    if !marks.trim().is_empty() {
        lines.push(marks);
        lines.push("X rejected, ? nothing matched".to_owned());
    }
    lines.push(totals(&columns));
    lines.push(how(found, when));
    lines
}

/// Every stretch of the range, also those without a call.
fn columns(found: &LogHistogram) -> Vec<OutcomeCounts> {
    let length = i64::from(found.bucket_secs.max(60)) * 1_000_000;
    let place = |at: Timestamp| at.as_micros().div_euclid(length);
    let known: BTreeMap<i64, OutcomeCounts> = found.buckets.iter().map(|b| (place(b.at), b.counts)).collect();
    let (first, end) = (place(found.since), found.until.as_micros().max(found.since.as_micros() + 1));
    let last = (end - 1).div_euclid(length);
    (first..=last).map(|at| known.get(&at).copied().unwrap_or_default()).collect()
}

/// How high a column is.
pub(super) fn level(calls: u64, highest: u64) -> char {
    if calls == 0 {
        return ' ';
    }
    let steps = LEVELS.len() as u64;
    let step = (calls * steps).div_ceil(highest.max(1)).clamp(1, steps) - 1;
    usize::try_from(step).ok().and_then(|step| LEVELS.get(step)).copied().unwrap_or('@')
}

/// What wants to be seen, the worse first.
fn mark(counts: &OutcomeCounts) -> char {
    match (counts.rejected, counts.no_match) {
        (0, 0) => ' ',
        (0, _) => '?',
        _ => 'X',
    }
}

fn totals(columns: &[OutcomeCounts]) -> String {
    let mut sums = OutcomeCounts::default();
    for outcome in Outcome::ALL {
        *sums.of(outcome) = columns.iter().map(|counts| *counts.clone().of(outcome)).sum();
    }
    let named = Outcome::ALL.into_iter().map(|outcome| (outcome, *sums.of(outcome)));
    let words: Vec<_> =
        named.filter(|(_, calls)| *calls > 0).map(|(outcome, calls)| format!("{outcome} {calls}")).collect();
    let of = if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
    format!("{}{of}", count(columns.iter().map(OutcomeCounts::total).sum(), "call"))
}

fn how(found: &LogHistogram, when: When) -> String {
    let by = match found.counted_by {
        CountedBy::Heads => "counted by the index",
        CountedBy::Rows => "counted row by row",
    };
    match found.exact {
        true => format!("exact, {by}"),
        false => {
            let since = when.full(found.counted_since);
            format!("{by} from {since} on; before that it would be too many rows: ask for a shorter time")
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_shared::log::Bucket;

    use super::*;

    #[test]
    fn a_strip_has_a_column_for_every_stretch_and_marks_what_went_wrong() {
        let minute = |minute: i64| Timestamp::from_micros(minute * 60_000_000);
        let bucket = |at, created, rejected| Bucket {
            at: minute(at),
            counts: OutcomeCounts { created, rejected, ..OutcomeCounts::default() },
        };
        let found = LogHistogram {
            since: minute(10),
            until: minute(15),
            bucket_secs: 60,
            buckets: vec![bucket(10, 1, 0), bucket(12, 4, 4)],
            exact: true,
            counted_since: minute(10),
            counted_by: CountedBy::Heads,
        };
        let lines = lines(&found, When { now: minute(15), relative: false });
        assert_eq!(lines[1..4], ["a column is 1 min, the highest 8 calls", ". @  ", "  X  "]);
        assert_eq!(lines[5..], ["9 calls: created 5, rejected 4", "exact, counted by the index"]);
    }
}
