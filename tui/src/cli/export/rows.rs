//! One row in each form.

use std::io::Write as _;

use chrono::SecondsFormat;
use tollgate_shared::log::LogRow;

use super::har;
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::csv;
use crate::cli::exit::CliError;
use crate::safe_text::SafeText;

/// The head of the comma-separated form; the order never changes.
const HEAD: [&str; 20] = [
    "seq",
    "at",
    "outcome",
    "status",
    "problem",
    "token",
    "remote_ip",
    "method",
    "path",
    "query",
    "from",
    "user_agent",
    "content_type",
    "latency_us",
    "call",
    "incidents",
    "summary",
    "body_bytes",
    "truncated",
    "body",
];

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Jsonl,
    Csv,
    /// True until the first row: entries stand between commas.
    Har(bool),
}

impl Form {
    /// The form that was asked for.
    ///
    /// # Errors
    /// An array of all rows, which would have to fit into somebody's memory.
    pub(super) fn of(cx: &Context<'_>) -> Result<Self, CliError> {
        match cx.format {
            _ if cx.har => Ok(Self::Har(true)),
            _ if cx.csv => Ok(Self::Csv),
            Format::Json => Err(CliError::usage(
                "an export is written row by row; one JSON document of all rows is not",
                "use:  tollgate log export --output jsonl",
            )),
            _ => Ok(Self::Jsonl),
        }
    }

    pub(super) fn begin(self, cx: &mut Context<'_>) -> Result<(), CliError> {
        match self {
            Self::Jsonl => Ok(()),
            Self::Csv => Ok(writeln!(cx.io.out, "{}", csv::line(HEAD))?),
            Self::Har(_) => Ok(writeln!(cx.io.out, "{}", har::beginning())?),
        }
    }

    pub(super) fn row(&mut self, cx: &mut Context<'_>, row: &LogRow) -> Result<(), CliError> {
        match self {
            Self::Jsonl => Ok(cx.io.json(row, false)?),
            Self::Csv => Ok(writeln!(cx.io.out, "{}", csv_line(row))?),
            Self::Har(is_first) => {
                if !std::mem::take(is_first) {
                    write!(cx.io.out, ",")?;
                }
                Ok(cx.io.json(&har::entry(row), false)?)
            }
        }
    }

    pub(super) fn end(self, cx: &mut Context<'_>) -> Result<(), CliError> {
        match self {
            Self::Jsonl | Self::Csv => Ok(()),
            Self::Har(_) => Ok(writeln!(cx.io.out, "{}", har::END)?),
        }
    }
}

/// What a sender wrote neither drives a terminal nor becomes a formula; a line break is an escape, so a row is a line.
fn csv_line(row: &LogRow) -> String {
    let incidents: Vec<String> = row.incidents.iter().map(ToString::to_string).collect();
    let cells = [
        row.seq.to_string(),
        row.at.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true),
        row.outcome.as_str().to_owned(),
        row.status.to_string(),
        row.problem.clone().unwrap_or_default(),
        row.token.to_string(),
        row.remote_ip.to_string(),
        row.method.clone(),
        row.path.clone(),
        row.query.clone(),
        row.from.clone().unwrap_or_default(),
        row.user_agent.clone().unwrap_or_default(),
        row.content_type.clone().unwrap_or_default(),
        row.latency_us.to_string(),
        row.call.to_string(),
        incidents.join(" "),
        row.summary.clone(),
        row.body_bytes.to_string(),
        row.truncated.to_string(),
        row.body.clone(),
    ];
    let safe = cells.map(|cell| SafeText::new(&cell).to_plain().into_owned());
    csv::safe_line(safe.iter().map(String::as_str))
}
