use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use tollgate_shared::outcome::Outcome;

use super::duration;
use super::query::{Asked, LOG_QUERY_HELP};

#[derive(Debug, Args)]
#[command(after_help = LOG_QUERY_HELP)]
pub(in crate::cli) struct LogArgs {
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<LogVerb>,
    #[command(flatten)]
    pub(in crate::cli) view: LogView,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LogVerb {
    /// Show one row whole: verdict, headers, body
    Show {
        /// The row's seq
        #[arg(value_name = "SEQ")]
        seq: u64,
    },
    /// Calls that were refused before a token was known: a wrong path, a cut-off token, a host that is not served
    Refused {
        /// Rows after this seq
        #[arg(long, value_name = "SEQ")]
        after: Option<String>,
        /// Only the newest so many rows; with --after the next so many
        #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: Option<u32>,
    },
    /// Write rows into a file: --output jsonl, csv (safe for spreadsheets) or har (HTTP Archive 1.2)
    Export(LogExport),
    /// Say what a logged call would come to today, beside what it came to then; nothing is sent without --for-real
    #[command(visible_alias = "try")]
    Replay(LogReplay),
}

#[derive(Debug, Args)]
#[command(after_help = LOG_QUERY_HELP)]
pub(in crate::cli) struct LogExport {
    #[command(flatten)]
    pub(in crate::cli) asked: Asked,
    /// A new file, for its owner alone; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(in crate::cli) to: PathBuf,
    /// Replace FILE where there is one
    #[arg(long)]
    pub(in crate::cli) force: bool,
    #[command(flatten)]
    pub(in crate::cli) view: LogRange,
}

/// Which rows are exported, oldest first; without any all of the last 48 h.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(in crate::cli) struct LogRange {
    /// Rows of the last such time: 15m, 48h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) since: Option<Duration>,
    /// Only rows of this token
    #[arg(long, value_name = "TOKEN")]
    pub(in crate::cli) token: Option<String>,
    /// Only rows with this outcome: created, attached, resolved, duplicate, suppressed, no_match, started, rejected
    #[arg(long, value_name = "OUTCOME")]
    pub(in crate::cli) outcome: Option<Outcome>,
    /// Only rows answered with this status: 404, or 4xx
    #[arg(long, value_name = "STATUS")]
    pub(in crate::cli) status: Option<String>,
    /// Rows after this seq or cursor: where an interrupted export ended
    #[arg(long, value_name = "SEQ")]
    pub(in crate::cli) after: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LogReplay {
    /// The row's seq
    #[arg(value_name = "SEQ")]
    pub(in crate::cli) seq: u64,
    /// Send it to the listen address as a real call, with a token; says before what it will do
    #[arg(long)]
    pub(in crate::cli) for_real: bool,
    /// A file with the token's secret; `-` reads standard input; without it the secret is asked for
    #[arg(long, value_name = "FILE", requires = "for_real")]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// Where to send to, http://HOST:PORT [default: where the daemon listens]
    #[arg(long, value_name = "URL", requires = "for_real")]
    pub(in crate::cli) gate: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(in crate::cli) struct LogView {
    #[command(flatten)]
    pub(in crate::cli) asked: Asked,
    /// Instead of rows, how many there were and when, by outcome
    #[arg(long, conflicts_with_all = ["follow", "after", "limit"])]
    pub(in crate::cli) histogram: bool,
    /// Go on with new rows as they come, until ctrl-c; reconnects without losing a row
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    /// Rows of the last such time: 15m, 48h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) since: Option<Duration>,
    /// Only rows of this token
    #[arg(long, value_name = "TOKEN")]
    pub(in crate::cli) token: Option<String>,
    /// Only rows with this outcome: created, attached, resolved, duplicate, suppressed, no_match, started, rejected
    #[arg(long, value_name = "OUTCOME")]
    pub(in crate::cli) outcome: Option<Outcome>,
    /// Only rows answered with this status: 404, or 4xx
    #[arg(long, value_name = "STATUS")]
    pub(in crate::cli) status: Option<String>,
    /// The newest so many rows; with --after the next so many [default: 100, following 10]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) limit: Option<u32>,
    /// Rows after this seq or cursor
    #[arg(long, value_name = "SEQ", conflicts_with = "since")]
    pub(in crate::cli) after: Option<String>,
    /// Instead: calls that were refused before a token was known, the last 1,024 since the daemon's start
    #[arg(long, conflicts_with_all = ["follow", "since", "token", "outcome", "status", "words", "query", "histogram"])]
    pub(in crate::cli) refused: bool,
}
