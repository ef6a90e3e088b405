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

#[derive(Clone, Copy, Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    /// The last hour minute by minute: calls, times, queues, drops
    #[arg(long)]
    pub(in crate::cli) hour: bool,
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
