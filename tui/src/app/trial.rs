//! The live trial of a filter that is being edited: against one logged call as it is typed, over all of them on a key.

use std::sync::Arc;

use tollgate_shared::api::{Doubt, TriedRow, TryFilter, TryVerdict, Verdict, WhatIfProgress, WhatIfReport};
use tollgate_shared::explain::{FilterExplain, PartExplain};
use tollgate_shared::filter::FilterSpec;

use super::detail::{Kind, Line};
use super::forms::Form;
use super::held::HeldRow;
use super::model::Model;
use super::verdict::{condition_lines, outcome_words, part_words};
use super::words;

/// Rows of one run that are kept for the pane.
pub const ROWS_KEPT: usize = 60;

/// What is known of the draft.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// The logged call that it is tried on.
    pub call: Option<Arc<HeldRow>>,
    /// The question under way or answered, so that the same is not asked twice.
    pub asked: Option<String>,
    /// Answers of another number are of an older draft.
    pub generation: u64,
    pub verdict: Option<Result<Box<TryVerdict>, String>>,
    pub over: Over,
}

/// The draft over all logged calls.
#[derive(Clone, Debug, Default)]
pub enum Over {
    #[default]
    NotAsked,
    Running {
        generation: u64,
        /// What runs; another draft makes the result old.
        spec: Box<FilterSpec>,
        progress: WhatIfProgress,
        rows: Vec<TriedRow>,
    },
    Done {
        spec: Box<FilterSpec>,
        report: Box<WhatIfReport>,
        rows: Vec<TriedRow>,
    },
    Failed(String),
}

impl Trial {
    /// Tells one question from another.
    #[must_use]
    pub fn key(question: &TryFilter) -> String {
        serde_json::to_string(question).unwrap_or_default()
    }

    /// The number of the run that is waited for.
    #[must_use]
    pub fn running(&self) -> Option<u64> {
        match &self.over {
            Over::Running { generation, .. } => Some(*generation),
            _ => None,
        }
    }

    /// The title of the pane.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.call {
            None => "TRIAL".to_owned(),
            Some(row) => {
                let (seq, at) = (words::group(row.seq), words::clock(row.at));
                format!("TRIAL on row {seq}  {at}  {}  PgUp older PgDn newer", outcome_words(row.outcome))
            }
        }
    }
}

/// The lines of the pane: what would become of the call, what over all calls, then condition by condition.
#[must_use]
pub fn lines(model: &Model, form: &Form) -> Vec<Line> {
    let trial = &model.trial;
    let mut lines = Vec::new();
    match (&trial.call, &trial.verdict) {
        (None, _) => lines.push(Line::plain(
            "no logged call to try it on: D on a token (screen 1) logs its calls for 48 h".to_owned(),
        )),
        _ if form.tried().is_none() => {
            lines.push(Line::plain("not tried: what is typed is no filter yet".to_owned()));
        }
        (Some(_), None) => lines.push(Line::plain("trying it".to_owned())),
        (Some(_), Some(Err(why))) => lines.push(Line::new(Kind::Bad, format!("not tried: {why}"))),
        (Some(_), Some(Ok(verdict))) => lines.push(outcome(verdict)),
    }
    over(&mut lines, trial, form);
    if let Some(Ok(verdict)) = &trial.verdict
        && form.tried().is_some()
    {
        conditions(&mut lines, verdict, form);
    }
    lines.extend(form.filter_lints().into_iter().map(|lint| Line::new(Kind::Bad, format!("! {lint}"))));
    rows(&mut lines, trial);
    lines
}

fn outcome(verdict: &TryVerdict) -> Line {
    let by = verdict.filter.as_ref().map(|filter| filter.name.as_str()).unwrap_or_default();
    let key = verdict.key.as_ref().map_or_else(|| "no key".to_owned(), |key| format!("key {key}"));
    let doubt = match verdict.doubt {
        None => "",
        Some(Doubt::Cut) => "   A GUESS: the log kept only the beginning of the body",
        Some(Doubt::Redacted) => "   A GUESS: a value that it reads was redacted",
        Some(Doubt::Request) => "   A GUESS: it went to /v1/request, which asks no filter",
        Some(Doubt::NotKept) => "   A GUESS: nothing of the body was kept",
    };
    let words = match verdict.phase.as_str() {
        "trigger" => {
            let priority = verdict.priority.map(|priority| priority.to_string()).unwrap_or_default();
            let title = verdict.title.as_deref().unwrap_or_default();
            format!("OPENS {priority} \"{title}\", {key}, by {by}{doubt}")
        }
        "resolve" => format!("RESOLVES what is open with {key}, by {by}{doubt}"),
        _ => format!("NO MATCH: no filter of the service takes this call{doubt}"),
    };
    Line::new(Kind::Strong, words)
}

fn over(lines: &mut Vec<Line>, trial: &Trial, form: &Form) {
    let old = |spec: &FilterSpec| if form.tried().as_ref() == Some(spec) { "" } else { "  (of an older draft)" };
    lines.push(match &trial.over {
        Over::NotAsked => Line::plain("ctrl-t: what it would change in all logged calls of 48 h".to_owned()),
        Over::Running { progress, .. } => {
            let (done, total) = (words::group(progress.done), words::group(progress.total));
            Line::plain(format!("trying it over the log: {done} of {total} rows"))
        }
        Over::Failed(why) => Line::new(Kind::Bad, format!("over the log: {why}")),
        Over::Done { spec, report, .. } => {
            let unknown = match report.cannot_tell {
                0 => String::new(),
                more => format!(", {} cannot be told", words::group(more)),
            };
            let text = format!(
                "of {}: {} gained, {} lost, {} changed, {} as before{unknown}{}",
                words::count(report.calls, "logged call"),
                words::group(report.gained),
                words::group(report.lost),
                words::group(report.changed),
                words::group(report.unchanged),
                old(spec)
            );
            Line::new(Kind::Strong, text)
        }
    });
    if let Over::Done { report, .. } = &trial.over
        && report.not_looked_at_total > 0
    {
        let tokens = words::count(report.not_looked_at_total.into(), "token");
        lines.push(Line::plain(format!("not looked at: {tokens} that reach the service had debug off")));
    }
}

/// The draft among the filters of the verdict.
fn own<'v>(verdict: &'v TryVerdict, form: &Form) -> Option<&'v FilterExplain> {
    let id = form.filter.as_ref().map(|filter| filter.id.to_string());
    let name = form.tried().map(|spec| spec.name);
    let mut all = verdict.explain.matched.iter().chain(&verdict.explain.nearest_misses);
    all.find(|one| match &id {
        Some(id) => one.filter_id == *id,
        None => Some(&one.filter) == name.as_ref(),
    })
}

fn conditions(lines: &mut Vec<Line>, verdict: &TryVerdict, form: &Form) {
    let Some(own) = own(verdict, form) else {
        let why = if form.tried().is_some_and(|spec| !spec.enabled) {
            "this filter is switched off: it is not asked"
        } else {
            "this filter is not among the nearest of its service"
        };
        return lines.push(Line::plain(why.to_owned()));
    };
    let mut part = |name: &str, part: &PartExplain| {
        lines.push(Line::plain(format!("{name}: {}", part_words(part))));
        condition_lines(lines, " ", part);
    };
    part("opens", &own.trigger);
    if let Some(resolve) = &own.resolve {
        part("resolves", resolve);
    }
}

fn rows(lines: &mut Vec<Line>, trial: &Trial) {
    let (Over::Done { rows, .. } | Over::Running { rows, .. }) = &trial.over else { return };
    for row in rows {
        let verdict = match row.verdict {
            Verdict::Gained => "gained",
            Verdict::Lost => "LOST",
            Verdict::Changed => "changed",
            Verdict::Unchanged => "as before",
            Verdict::CannotTell => "cannot tell",
        };
        let kind = if row.verdict == Verdict::Lost { Kind::Bad } else { Kind::Plain };
        let (seq, at) = (words::group(row.seq), words::clock(row.at));
        lines.push(Line::new(kind, format!("{verdict:11} {seq:>9}  {at}  {}  {}", row.token.name, row.summary)));
    }
}
