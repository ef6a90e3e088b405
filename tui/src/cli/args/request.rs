use std::time::Duration;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RequestVerb {
    /// List requests, newest first
    List(RequestList),
    /// Show one with its variables, steps and their outputs
    Show {
        /// Id or a piece of it
        #[arg(value_name = "REQUEST")]
        request: String,
    },
    /// Do a failed or cancelled one again, with the workflow as it is now
    Retry {
        /// Id or a piece of it
        #[arg(value_name = "REQUEST")]
        request: String,
        /// Repeat also the steps that succeeded
        #[arg(long)]
        from_start: bool,
    },
    /// Stop a queued or running one; a program under way is ended
    Cancel {
        /// Id or a piece of it
        #[arg(value_name = "REQUEST")]
        request: String,
        /// Words for the audit, at most 500 characters
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
    /// Print what becomes of one until it ends; exit 1 where it fails or is cancelled
    Follow {
        /// Id or a piece of it
        #[arg(value_name = "REQUEST")]
        request: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RequestList {
    /// queued, running, succeeded, failed or cancelled
    #[arg(long, value_name = "STATE")]
    pub(in crate::cli) state: Option<String>,
    /// Only those of this workflow
    #[arg(long, value_name = "WORKFLOW")]
    pub(in crate::cli) workflow: Option<String>,
    /// Only those of the last 15m, 48h, 7d
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub(in crate::cli) since: Option<Duration>,
}
