use std::time::Duration;

use clap::{Args, Subcommand};

use super::query::Asked;
use crate::cli::args::duration;

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
    Ack(IncidentPick),
    /// Give it back: nobody is on it
    Unack(IncidentPick),
    /// Resolve it for good
    Resolve {
        #[command(flatten)]
        pick: IncidentPick,
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
    #[command(flatten)]
    pub(in crate::cli) filter: IncidentFilter,
}

/// Which incidents a change is for: named ones, or all open ones that a filter finds.
#[derive(Debug, Args)]
pub(in crate::cli) struct IncidentPick {
    /// Ids or pieces of ids; `-` reads them from standard input, one a line
    #[arg(
        value_name = "INCIDENT",
        required_unless_present_any = ["incident_filter", "query"],
        conflicts_with_all = ["incident_filter", "query"]
    )]
    pub(in crate::cli) incidents: Vec<String>,
    /// All that this query finds, as in `incident list`; @NAME is one that was kept
    #[arg(long, short = 'Q', value_name = "QUERY", allow_hyphen_values = true)]
    pub(in crate::cli) query: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) filter: IncidentFilter,
    /// How many incidents the query or the options must find; asked for on a terminal
    #[arg(long, value_name = "N", conflicts_with = "incidents")]
    pub(in crate::cli) confirm_count: Option<u32>,
}

#[derive(Clone, Debug, Default, Args)]
#[group(id = "incident_filter", multiple = true)]
pub(in crate::cli) struct IncidentFilter {
    /// Only those of this service
    #[arg(long, value_name = "SERVICE")]
    pub(in crate::cli) service: Option<String>,
    /// Only of these priorities, such as P1,P2
    #[arg(long, value_name = "PRIORITIES")]
    pub(in crate::cli) priority: Option<String>,
    /// Only those that this token opened
    #[arg(long, value_name = "TOKEN")]
    pub(in crate::cli) token: Option<String>,
    /// Only those with this text in title or key
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) text: Option<String>,
    /// Only those opened in this time, such as 2h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) since: Option<Duration>,
}
