use std::time::Duration;

use clap::{Args, Subcommand};
use tollgate_shared::time::Timestamp;

use crate::cli::args::duration;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MaintenanceVerb {
    /// Plan one: while it runs, nothing is opened in the service; recoveries still resolve
    Add(MaintenanceAdd),
    /// List those that are planned or running; ended ones are in the audit
    List {
        /// Only those of this service
        #[arg(long, value_name = "SERVICE")]
        service: Option<String>,
    },
    /// End one now
    End {
        /// Id or a piece of it
        #[arg(value_name = "MAINTENANCE")]
        maintenance: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MaintenanceAdd {
    /// The service: Team/Service, id, or a piece of the id
    #[arg(long, value_name = "SERVICE")]
    pub(in crate::cli) service: String,
    /// How long it runs, such as 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, conflicts_with = "until", required_unless_present_any = ["until", "tags"])]
    pub(in crate::cli) lasts: Option<Duration>,
    /// When it ends, an RFC 3339 date
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) until: Option<Timestamp>,
    /// When it begins, an RFC 3339 date [default: now]
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) from: Option<Timestamp>,
    /// Only for calls whose payload holds this text; may be repeated, and then all of them are looked for
    #[arg(long = "tag", id = "tags", value_name = "TEXT")]
    pub(in crate::cli) tags: Vec<String>,
    /// Why, at most 500 characters
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(in crate::cli) comment: String,
}
