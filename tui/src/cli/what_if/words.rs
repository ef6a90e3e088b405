//! What a run found, in words.

use tollgate_shared::api::trying::{Baseline, Doubt, Fate, NotLookedAt, TriedEffect, TriedRow, Verdict, WhatIfReport};
use tollgate_shared::explain::SkipReason;

use crate::cli::table::{Table, numbers, words};
use crate::cli::verdict::count;
use crate::cli::when::When;

/// Lines of a list in the report; the whole is in the JSON.
const LINES_MAX: usize = 10;

pub(in crate::cli) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Gained => "GAINED",
        Verdict::Lost => "LOST",
        Verdict::Changed => "CHANGED",
        Verdict::Unchanged => "unchanged",
        Verdict::CannotTell => "CANNOT TELL",
    }
}

/// Why a call cannot be judged.
pub(in crate::cli) fn doubt_words(doubt: Doubt) -> &'static str {
    super::doubt(doubt)
}

/// `trigger Ops/DB > alerts`, `refused token-revoked`, `nothing`.
pub(in crate::cli) fn fate_words(fate: &Fate) -> String {
    if let Some(slug) = &fate.refused {
        return format!("refused {slug}");
    }
    let effect = |effect: &TriedEffect| match effect.filter.name.as_str() {
        "" => format!("{} {}", effect.phase, effect.service.name),
        filter => format!("{} {} > {filter}", effect.phase, effect.service.name),
    };
    match fate.effects.as_slice() {
        [] => "nothing".to_owned(),
        [one] => effect(one),
        [one, rest @ ..] => format!("{} and {} more", effect(one), rest.len()),
    }
}

/// The same with the first effect's priority, key and title.
fn detailed(fate: &Fate) -> String {
    let first = fate.effects.first();
    let priority = first.and_then(|effect| effect.priority).map(|priority| format!(" {priority}"));
    let key = first.and_then(|effect| effect.key.as_ref()).map(|key| format!(" key {key}"));
    let title = first.and_then(|effect| effect.title.as_ref()).map(|title| format!(" \"{title}\""));
    let parts = [priority, key, title].into_iter().flatten().collect::<String>();
    format!("{}{parts}", fate_words(fate))
}

pub(super) fn table(rows: &[TriedRow], when: When) -> Table {
    let columns = [
        words("VERDICT"),
        numbers("SEQ"),
        words("TIME"),
        words("FROM"),
        words("TOKEN"),
        words("BEFORE"),
        words("AFTER"),
    ];
    let mut table = Table::new(columns);
    for row in rows {
        // Where the same filter decides, the difference is in what it makes of the call.
        let says = if row.verdict == Verdict::Changed { detailed } else { fate_words };
        let after = row.doubt.map_or_else(|| says(&row.after), |doubt| doubt_words(doubt).to_owned());
        table.row([
            verdict_word(row.verdict).to_owned(),
            row.seq.to_string(),
            when.row(row.at),
            row.remote_ip.to_string(),
            row.token.name.clone(),
            says(&row.before),
            after,
        ]);
    }
    table
}

pub(super) fn report(report: &WhatIfReport, when: When) -> Vec<String> {
    let mut lines = vec![format!(
        "{} gained, {} lost, {} changed, {} unchanged, {} cannot tell",
        report.gained, report.lost, report.changed, report.unchanged, report.cannot_tell
    )];
    let beside = match report.baseline {
        Baseline::Today => "beside what is saved today",
        Baseline::Then => "beside what was decided then",
    };
    lines.push(format!(
        "{} since {} {beside}; {} would have an effect",
        count(report.calls, "logged call"),
        when.full(report.since),
        report.matched
    ));
    if let Some(end) = report.ends_at {
        lines.push(format!("from {} on every call with it is refused", when.full(end)));
    }
    let from = report.lost_from.iter().map(|from| format!("lost from {}: {}", from.ip, count(from.calls, "call")));
    listed(&mut lines, from.collect(), report.lost_from.len(), "address");
    let missed = report.not_looked_at.iter().map(|missed| missed_words(missed, when)).collect();
    listed(&mut lines, missed, report.not_looked_at_total as usize, "token");
    if report.missing_rows > 0 {
        lines.push(format!("not looked at: {} that the log has lost", count(report.missing_rows, "row")));
    }
    for skipped in report.skipped.iter().take(LINES_MAX) {
        let filter = skipped.filter.as_ref().map(|filter| format!(" > {filter}")).unwrap_or_default();
        let why = match skipped.why {
            SkipReason::Disabled => "disabled",
            SkipReason::Maintenance => "under maintenance",
        };
        lines.push(format!("skipped: {}{filter}, {why}", skipped.service));
    }
    lines.extend(report.lints.iter().map(|lint| format!("note: {lint}")));
    lines
}

fn missed_words(missed: &NotLookedAt, when: When) -> String {
    let what = if missed.in_part { "looked at in part" } else { "not looked at" };
    let used = missed.last_used.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", when.full(at)));
    format!("{what}: {} ({}), debug was not on all the time; {used}", missed.token.name, missed.token.id)
}

/// The first lines of a list, and how many are left.
fn listed(lines: &mut Vec<String>, list: Vec<String>, total: usize, noun: &str) {
    let hidden = total.saturating_sub(list.len().min(LINES_MAX));
    lines.extend(list.into_iter().take(LINES_MAX));
    if hidden > 0 {
        let plural = if noun.ends_with('s') { "es" } else { "s" };
        lines.push(format!("and {hidden} more {noun}{}", if hidden == 1 { "" } else { plural }));
    }
}
