//! The pane of the API log: a row's verdict, body, headers and bytes, and how long it is kept.

use std::sync::Arc;

use tollgate_shared::explain::{ConditionExplain, Seen};
use tollgate_shared::log::{Gap, GapReason, LogRow, RefusedRow};

use super::{Kind, Line};
use crate::app::held::HeldRow;
use crate::app::logs::{DetailTab, LogTab, RawForm, compare, hex, json};
use crate::app::model::Model;
use crate::app::tail::{Entry, can_load, gap_words, retention};
use crate::app::{slow, verdict, words};

pub(super) fn lines(model: &Model) -> Vec<Line> {
    let logs = &model.logs;
    if logs.tab == LogTab::Refused {
        return logs.selected_refused().map(refused_lines).unwrap_or_default();
    }
    if let Some((first, second)) = logs.comparison() {
        return compare::lines(first, second);
    }
    if slow::following(model).is_some_and(|slow| slow.since(&logs.tail) > 0) {
        return vec![Line::plain("The line is slow: Space stops, and shows the newest call here.".to_owned())];
    }
    match logs.tail.selected() {
        None => Vec::new(),
        Some(Entry::Gap(gap)) => gap_lines(gap),
        Some(Entry::Row(row)) => row_lines(model, row),
    }
}

fn row_lines(model: &Model, row: &LogRow) -> Vec<Line> {
    let mut lines = match model.logs.detail {
        DetailTab::Verdict => {
            let mut lines = verdict::lines(row);
            history(&mut lines, model, row);
            lines
        }
        DetailTab::Body => body(model, row),
        DetailTab::Headers => header_lines(row),
        DetailTab::Raw => raw(row, model.logs.raw),
    };
    lines.extend(row.incidents.first().map(|incident| {
        let more =
            if row.incidents.len() > 1 { format!(" and {} more", row.incidents.len() - 1) } else { String::new() };
        Line::plain(format!("incident {incident}{more}   .n goes there"))
    }));
    let token = model.tokens.by_id(row.token);
    let name = token.map(|token| format!("token {}   ", token.name)).unwrap_or_default();
    let left = token.and_then(|token| token.debug_until).map(|until| until.secs_since(model.now));
    let debug = match left.filter(|left| *left > 0) {
        Some(left) => format!("   debug ends in {}", words::countdown(left)),
        None if token.is_some() => "   debug is off".to_owned(),
        None => String::new(),
    };
    lines.push(Line::plain(format!("{name}{}{debug}", retention(row, model.now))));
    lines
}

/// How many calls of the token are looked at for whether they failed by the same condition.
const CALLS_BACK: usize = 100;
/// And while the list runs, where each of these rows may be another one ten times a second.
const CALLS_BACK_FOLLOWING: usize = 20;

/// What other rows say of a call that matched nothing.
fn history(lines: &mut Vec<Line>, model: &Model, row: &LogRow) {
    let Some(failed) = first_failed(row) else { return };
    let same = |other: &&Arc<HeldRow>| other.token_id() == row.token && other.seq() <= row.seq;
    let fails_too = |other: &LogRow| first_failed(other).is_some_and(|other| other.path == failed.path);
    let back = if model.logs.tail.paused { CALLS_BACK } else { CALLS_BACK_FOLLOWING };
    let before = model.logs.tail.rows().rev().filter(same).take(back);
    let times = before.take_while(|other| other.look(fails_too)).count();
    if times > 1 {
        let least = if times == back { "at least " } else { "" };
        lines.push(Line::plain(format!("This condition failed in {least}the last {times} calls of this token.")));
    }
    let Some(matched) = model.logs.last_match(row) else { return };
    let parts = matched.explain.iter().flat_map(|explain| &explain.matched);
    let conditions = parts.flat_map(|filter| &filter.trigger.conditions);
    let had =
        conditions.filter(|condition| condition.path == failed.path).find_map(|condition| match &condition.seen {
            Seen::Value(value) => Some(format!(" had it = \"{value}\".")),
            _ => None,
        });
    let had = had.unwrap_or_default();
    lines.push(Line::plain(format!("Last call that matched, {},{had}   c compares the two", matched.seq)));
}

/// The condition that kept the nearest filter from matching.
fn first_failed(row: &LogRow) -> Option<&ConditionExplain> {
    let explain = row.explain.as_ref().filter(|explain| explain.matched.is_empty())?;
    explain.nearest_misses.first()?.trigger.conditions.iter().find(|condition| !condition.ok)
}

fn gap_lines(gap: &Gap) -> Vec<Line> {
    let range = format!("rows {} to {} of the whole log", words::group(gap.from), words::group(gap.to));
    let why = match gap.reason {
        _ if can_load(gap) => "They are still in the daemon. Enter loads them.",
        GapReason::Expired => "They are gone for good, or belonged to another log: rows live 48 h.",
        GapReason::Shed => "They are gone for good. 8 shows the disk; backups and old files beside the log take room.",
        GapReason::SlowReader | GapReason::Lost => {
            "They are gone for good: the calls were decided, their rows not written."
        }
    };
    vec![Line::new(Kind::Strong, gap_words(gap)), Line::plain(range), Line::plain(why.to_owned())]
}

fn refused_lines(row: &RefusedRow) -> Vec<Line> {
    let from = row.remote_ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
    let mut lines = vec![
        Line::new(Kind::Strong, format!("REFUSED {}  {}", row.status, row.reason)),
        Line::plain(row.detail.clone()),
        Line::plain(format!("{}  from {from}  {}", words::moment(row.at), row.target)),
    ];
    if let Some(id) = &row.presented_id {
        lines.push(Line::plain(format!("the value presented names the token {id}")));
    }
    let kept = "Refused before a token was known: the last 1,024 are kept in memory, until the daemon stops.";
    lines.push(Line::plain(kept.to_owned()));
    lines
}

fn size_line(row: &LogRow, what: &str) -> Line {
    let note = if row.truncated { ", cut: only its first part is kept" } else { "" };
    Line::new(Kind::Strong, format!("{} as it came, redacted{note}{what}", words::bytes(row.body_bytes)))
}

/// Folded JSON, or the text where it is none.
fn body(model: &Model, row: &LogRow) -> Vec<Line> {
    let logs = &model.logs;
    let Some(parsed) = json::lines(&row.body, &logs.folds) else {
        let mut lines = vec![size_line(row, if row.truncated { "" } else { ", not JSON" })];
        lines.extend(row.body.split('\n').map(|line| Line::new(Kind::Body, line.to_owned())));
        return lines;
    };
    let marked = logs.body_at.min(parsed.len().saturating_sub(1));
    let keys = if model.in_pane { "   z folds, = only this value, ! not it" } else { "   z folds, Enter goes in" };
    let mut lines = vec![size_line(row, keys)];
    lines.extend(parsed.into_iter().enumerate().map(|(at, line)| {
        let kind = if model.in_pane && at == marked { Kind::Marked } else { Kind::Body };
        Line::new(kind, line.text)
    }));
    lines
}

/// How many lines of JSON the marked row's body has; `None` where the body tab shows none.
#[must_use]
pub fn body_lines(model: &Model) -> Option<Vec<json::JsonLine>> {
    let logs = &model.logs;
    let shown = model.in_pane && logs.tab == LogTab::Calls && logs.detail == DetailTab::Body;
    let row = logs.tail.selected_row().filter(|_| shown && logs.comparison().is_none())?;
    json::lines(&row.body, &logs.folds)
}

fn raw(row: &LogRow, form: RawForm) -> Vec<Line> {
    let mut lines = match form {
        RawForm::Text => vec![size_line(row, "   text, p shows the bytes")],
        RawForm::Hex => vec![size_line(row, "   bytes, p shows JSON")],
    };
    match form {
        RawForm::Text => lines.extend(row.body.split('\n').map(|line| Line::plain(line.to_owned()))),
        RawForm::Hex => lines.extend(hex::lines(row.body.as_bytes()).into_iter().map(Line::plain)),
    }
    lines
}

fn header_lines(row: &LogRow) -> Vec<Line> {
    let query = if row.query.is_empty() { String::new() } else { format!("?{}", row.query) };
    let mut lines = vec![
        Line::new(Kind::Strong, format!("{} {}{query}", row.method, row.path)),
        Line::plain(format!("call {}  token {}", row.call, row.token)),
        Line::plain(format!("at {}  from {}", words::moment(row.at), row.remote_ip)),
    ];
    lines.extend(row.headers.iter().map(|(name, value)| Line::plain(format!("{name}: {value}"))));
    lines
}
