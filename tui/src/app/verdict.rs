//! A verdict in lines: which filters were tested, what each asked, what it saw.

use tollgate_shared::explain::{ConditionExplain, Explain, FilterExplain, PartExplain, Seen, SkipReason};
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;

use super::detail::{Kind, Line};
use super::words::count;

/// An outcome as the screen says it: what had no effect is in capitals.
#[must_use]
pub fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NoMatch => "NO MATCH",
        Outcome::Rejected => "REFUSED",
        other => other.as_str(),
    }
}

/// The lines for one row. The first is one sentence: outcome, reach, tested, true, told.
#[must_use]
pub fn lines(row: &LogRow) -> Vec<Line> {
    let told = format!("Sender was told {}.", row.status);
    let outcome = outcome_words(row.outcome);
    let Some(explain) = &row.explain else {
        let why = row.problem.as_deref().map_or_else(String::new, |slug| format!("  {slug}."));
        return vec![
            Line::new(Kind::Strong, format!("{outcome}{why}  {told}")),
            Line::plain("No filter was tested: the call was refused or decided before.".to_owned()),
        ];
    };
    let shown = explain.matched.len() + explain.nearest_misses.len();
    let tested = count(shown as u64 + u64::from(explain.misses_not_shown), "filter");
    let first = format!("{outcome}  {tested} tested, {} true.  {told}", explain.matched.len());
    let mut lines = vec![Line::new(Kind::Strong, first)];
    for (index, filter) in explain.matched.iter().chain(&explain.nearest_misses).enumerate() {
        let closest = explain.matched.is_empty() && index == 0;
        filter_lines(&mut lines, index + 1, filter, closest);
    }
    outside(&mut lines, explain);
    lines
}

fn filter_lines(lines: &mut Vec<Line>, number: usize, filter: &FilterExplain, closest: bool) {
    let closest = if closest { "   closest" } else { "" };
    let trigger = part_words(&filter.trigger);
    lines.push(Line::plain(format!("{number:>2}  {} > {}   {trigger}{closest}", filter.service, filter.filter)));
    condition_lines(lines, "    ", &filter.trigger);
    if let Some(resolve) = &filter.resolve {
        lines.push(Line::plain(format!("      resolve part: {}", part_words(resolve))));
        condition_lines(lines, "      ", resolve);
    }
}

pub(super) fn condition_lines(lines: &mut Vec<Line>, indent: &str, part: &PartExplain) {
    let width = part.conditions.iter().map(|condition| condition.path.chars().count()).max().unwrap_or(0).min(40);
    let first_failed = part.conditions.iter().position(|condition| !condition.ok);
    for (index, condition) in part.conditions.iter().enumerate() {
        let mark = if first_failed == Some(index) { '>' } else { ' ' };
        let kind = if condition.ok { Kind::Plain } else { Kind::Bad };
        lines.push(Line::new(kind, format!("{indent}{mark} {}", condition_words(condition, width))));
    }
}

pub(super) fn part_words(part: &PartExplain) -> String {
    if part.match_all {
        return "takes every call".to_owned();
    }
    let of = format!("{} of {}", part.conditions_true, count(part.conditions_total().into(), "condition"));
    if part.matched { format!("MATCHED  {of}") } else { format!("{of} true") }
}

fn condition_words(condition: &ConditionExplain, width: usize) -> String {
    let verdict = if condition.ok { "ok  " } else { "FAIL" };
    let not = if condition.negate { "not " } else { "" };
    let asked = format!("{not}{} {}", condition.op, condition.values);
    format!("{verdict}  {:width$}  {}   {}", condition.path, asked.trim_end(), seen_words(&condition.seen))
}

fn seen_words(seen: &Seen) -> String {
    match seen {
        Seen::Value(value) => format!("saw \"{value}\""),
        Seen::Redacted(_) => "saw a value that is redacted".to_owned(),
        Seen::Missing { near: Some(near) } => format!("MISSING  near: {near}"),
        Seen::Missing { near: None } => "MISSING".to_owned(),
    }
}

fn outside(lines: &mut Vec<Line>, explain: &Explain) {
    let mut say = |text: String| lines.push(Line::plain(text));
    if explain.misses_not_shown > 0 {
        say(format!("{} missed too and met fewer conditions", count(explain.misses_not_shown.into(), "filter")));
    }
    if explain.not_reached_services > 0 {
        say(format!("Not reached: {} (scope)", count(explain.not_reached_services.into(), "service")));
    }
    for skipped in &explain.skipped {
        let filter = skipped.filter.as_ref().map(|filter| format!(" > {filter}")).unwrap_or_default();
        let why = match skipped.why {
            SkipReason::Disabled => "disabled",
            SkipReason::Maintenance => "under maintenance",
        };
        say(format!("Skipped: {}{filter}, {why}", skipped.service));
    }
    if explain.skipped_not_shown > 0 {
        say(format!("Skipped: {} more", explain.skipped_not_shown));
    }
    if let Some(note) = &explain.note {
        say(format!("Note: {note}"));
    }
}
