//! A verdict in lines: which filters were tested, what each asked, what it saw.

use tollgate_shared::explain::{ConditionExplain, Explain, FilterExplain, PartExplain, Seen, SkipReason};

/// The lines, not yet safe.
pub(super) fn lines(explain: &Explain) -> Vec<String> {
    let tested = explain.matched.len() + explain.nearest_misses.len();
    let mut lines = vec![format!(
        "{} tested, {} true",
        count(tested as u64 + u64::from(explain.misses_not_shown), "filter"),
        explain.matched.len()
    )];
    let filters = explain.matched.iter().chain(&explain.nearest_misses);
    let nearest = explain.matched.len();
    for (index, filter) in filters.enumerate() {
        // "closest" says where to look first, so only where nothing was true.
        let is_closest = nearest == 0 && index == 0;
        filter_lines(&mut lines, index + 1, filter, is_closest);
    }
    lines.extend(outside(explain));
    lines
}

fn filter_lines(lines: &mut Vec<String>, number: usize, filter: &FilterExplain, is_closest: bool) {
    let name = format!("{} > {}", filter.service, filter.filter);
    let closest = if is_closest { "   closest" } else { "" };
    lines.push(format!("{number:>2}  {name}   {}{closest}", part_words(&filter.trigger)));
    condition_lines(lines, "    ", &filter.trigger);
    if let Some(resolve) = &filter.resolve {
        lines.push(format!("      resolve part: {}", part_words(resolve)));
        condition_lines(lines, "      ", resolve);
    }
}

fn condition_lines(lines: &mut Vec<String>, indent: &str, part: &PartExplain) {
    let width = part.conditions.iter().map(|condition| condition.path.chars().count()).max().unwrap_or(0);
    let first_failed = part.conditions.iter().position(|condition| !condition.ok);
    for (index, condition) in part.conditions.iter().enumerate() {
        let mark = if first_failed == Some(index) { '>' } else { ' ' };
        lines.push(format!("{indent}{mark} {}", condition_words(condition, width)));
    }
}

fn part_words(part: &PartExplain) -> String {
    if part.match_all {
        return "takes every call".to_owned();
    }
    let of = format!("{} of {}", part.conditions_true, count(u64::from(part.conditions_total()), "condition"));
    if part.matched { format!("MATCHED  {of}") } else { format!("{of} true") }
}

/// `FAIL  event_update_status  equals "0"   MISSING  near: event_updatestatus`
fn condition_words(condition: &ConditionExplain, width: usize) -> String {
    let verdict = if condition.ok { "ok  " } else { "FAIL" };
    let not = if condition.negate { "not " } else { "" };
    let asked = format!("{not}{} {}", condition.op, condition.values);
    let seen = match &condition.seen {
        Seen::Value(value) if condition.selected > 1 => format!("saw {value:?} (one of {})", condition.selected),
        Seen::Value(value) => format!("saw {value:?}"),
        Seen::Redacted(_) => "saw a value that is redacted".to_owned(),
        Seen::Missing { near: Some(near) } => format!("MISSING  near: {near}"),
        Seen::Missing { near: None } => "MISSING".to_owned(),
    };
    format!("{verdict}  {:width$}  {}   {seen}", condition.path, asked.trim_end())
}

/// What took no part, and why: without it "why nothing" has no answer.
fn outside(explain: &Explain) -> Vec<String> {
    let mut lines = Vec::new();
    if explain.misses_not_shown > 0 {
        lines.push(format!("{} missed too and met fewer conditions", count(explain.misses_not_shown.into(), "filter")));
    }
    if explain.not_reached_services > 0 {
        lines.push(format!("not reached: {} (scope)", count(explain.not_reached_services.into(), "service")));
    }
    for skipped in &explain.skipped {
        let filter = skipped.filter.as_ref().map(|filter| format!(" > {filter}")).unwrap_or_default();
        let why = match skipped.why {
            SkipReason::Disabled => "disabled",
            SkipReason::Maintenance => "under maintenance",
        };
        lines.push(format!("skipped: {}{filter}, {why}", skipped.service));
    }
    if explain.skipped_not_shown > 0 {
        lines.push(format!("skipped: {} more", explain.skipped_not_shown));
    }
    lines.extend(explain.note.iter().map(|note| format!("note: {note}")));
    lines
}

pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use tollgate_shared::filter::{Mode, Op};

    use super::*;

    fn condition(path: &str, ok: bool, seen: Seen) -> ConditionExplain {
        let values = "\"0\"".to_owned();
        ConditionExplain { path: path.into(), op: Op::Equals, values, negate: false, ok, seen, selected: 1 }
    }

    #[test]
    fn a_miss_says_what_was_asked_what_was_seen_and_what_is_near() {
        let conditions = vec![
            condition("event_value", true, Seen::Value("0".into())),
            condition("event_update_status", false, Seen::Missing { near: Some("event_updatestatus".into()) }),
        ];
        let trigger = PartExplain { matched: false, match_all: false, mode: Mode::All, conditions_true: 1, conditions };
        let filter = FilterExplain {
            service_id: "s".into(),
            service: "Ops/Network".into(),
            filter_id: "f".into(),
            filter: "zabbix".into(),
            position: 1,
            resolve: None,
            trigger,
        };
        let explain = Explain { nearest_misses: vec![filter], not_reached_services: 41, ..Explain::default() };
        let expected = [
            "1 filter tested, 0 true",
            " 1  Ops/Network > zabbix   1 of 2 conditions true   closest",
            "      ok    event_value          equals \"0\"   saw \"0\"",
            "    > FAIL  event_update_status  equals \"0\"   MISSING  near: event_updatestatus",
            "not reached: 41 services (scope)",
        ];
        assert_eq!(lines(&explain), expected);
    }
}
