use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration;

#[derive(Debug, Args)]
pub(in crate::cli) struct ExpiringArgs {
    /// How far to look ahead
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "14d")]
    pub(in crate::cli) within: Duration,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// Answer as a Nagios plugin: one line with performance data, exit 0 to 3
    #[arg(long, required = true)]
    pub(in crate::cli) nagios: bool,
    /// WARNING where a token ends within this time
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "14d")]
    pub(in crate::cli) warn: Duration,
    /// CRITICAL where a token ends within this time
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "3d")]
    pub(in crate::cli) crit: Duration,
}

#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    /// The last hour minute by minute: calls, times, queues, drops
    #[arg(long)]
    pub(in crate::cli) hour: bool,
    /// Who calls most now: tokens, addresses, services, in the last ten seconds and the last minute
    #[arg(long, conflicts_with = "hour")]
    pub(in crate::cli) talkers: bool,
    /// What puts them in order
    #[arg(long, value_name = "COUNT", requires = "talkers", default_value = "calls", value_parser = ["calls", "refused", "no-match"])]
    pub(in crate::cli) by: String,
    /// How many of each
    #[arg(long, value_name = "ROWS", requires = "talkers", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(in crate::cli) top: u32,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScanArgs {
    /// Files, and directories with all below them; links are followed only where they are named here
    #[arg(value_name = "PATH", required = true)]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LockdownVerb {
    /// Answer every call with 503 until it is lifted; senders keep them and try again
    On {
        /// Why, at most 500 characters
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Lift it: calls are taken again
    Off,
}
