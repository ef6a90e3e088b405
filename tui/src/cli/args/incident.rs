use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum IncidentVerb {
    /// List incidents, newest first
    List(IncidentList),
    /// Show one with its timeline
    Show {
        /// Id or a piece of it
        #[arg(value_name = "INCIDENT")]
        incident: String,
    },
    /// Acknowledge: you are on it
    Ack {
        /// Id or a piece of it
        #[arg(value_name = "INCIDENT")]
        incident: String,
    },
    /// Give it back: nobody is on it
    Unack {
        /// Id or a piece of it
        #[arg(value_name = "INCIDENT")]
        incident: String,
    },
    /// Resolve it for good
    Resolve {
        /// Id or a piece of it
        #[arg(value_name = "INCIDENT")]
        incident: String,
        /// Words for the timeline, at most 500 characters
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct IncidentList {
    /// Also those that are resolved
    #[arg(long, conflicts_with = "state")]
    pub(in crate::cli) all: bool,
    /// open, triggered, acknowledged or resolved [default: open]
    #[arg(long, value_name = "STATE")]
    pub(in crate::cli) state: Option<String>,
    /// Only those of this service
    #[arg(long, value_name = "SERVICE")]
    pub(in crate::cli) service: Option<String>,
}
