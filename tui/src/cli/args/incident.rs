use clap::{Args, Subcommand};

use super::query::Asked;

/// Printed under the help of `incident list`.
const QUERY_HELP: &str = "\
A query is conditions side by side; all must hold. `or`, `not` and ( ) work too:
  state:open|triggered|acknowledged|resolved  priority:P1  urgency:high
  service:OPS/DB  team:OPS  token:NAME  title:TEXT  key:TEXT  id:ID
  age:>1h  seen:<5m  since:24h  until:2026-11-22  occurrences:>=10
  any other word: text in title, description or key
@NAME is a query that was kept with `tollgate query save incidents NAME ...`";

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
#[command(after_help = QUERY_HELP)]
pub(in crate::cli) struct IncidentList {
    #[command(flatten)]
    pub(in crate::cli) asked: Asked,
    /// Also those that are resolved
    #[arg(long, conflicts_with = "state")]
    pub(in crate::cli) all: bool,
    /// open, triggered, acknowledged or resolved [default: open, unless the query asks for a state]
    #[arg(long, value_name = "STATE")]
    pub(in crate::cli) state: Option<String>,
    /// Only those of this service
    #[arg(long, value_name = "SERVICE")]
    pub(in crate::cli) service: Option<String>,
}
