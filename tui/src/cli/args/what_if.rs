use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum WhatIfVerb {
    /// A filter that would be added, changed, moved or deleted
    Filter(WhatIfFilter),
    /// A token with another scope, address list or end, or revoked
    Token(WhatIfToken),
}

/// Over which calls.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Over {
    /// Calls of the last such time: 15m, 12h [default: 48h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) since: Option<Duration>,
    /// Only calls of this token
    #[arg(long, value_name = "TOKEN")]
    pub(in crate::cli) calls_of: Option<String>,
    /// How many calls of each verdict are listed [default: 20]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(in crate::cli) rows: Option<u32>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WhatIfFilter {
    /// The saved filter that would be changed; without it a new one is meant
    #[arg(value_name = "FILTER")]
    pub(in crate::cli) filter: Option<String>,
    /// The service of a new filter
    #[arg(long, value_name = "SERVICE", conflicts_with = "filter")]
    pub(in crate::cli) service: Option<String>,
    /// The filter as it would be, as JSON; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// A preset as it would be
    #[arg(long, value_name = "PRESET", conflicts_with = "file")]
    pub(in crate::cli) preset: Option<String>,
    /// Its place among the service's filters, from 1
    #[arg(long, value_name = "PLACE")]
    pub(in crate::cli) position: Option<u32>,
    /// It would be deleted
    #[arg(long, conflicts_with_all = ["file", "preset", "position", "service"], requires = "filter")]
    pub(in crate::cli) delete: bool,
    /// It would be switched on or off
    #[arg(long, value_name = "BOOL", requires = "filter", conflicts_with_all = ["file", "preset", "delete"])]
    pub(in crate::cli) enabled: Option<bool>,
    #[command(flatten)]
    pub(in crate::cli) over: Over,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WhatIfToken {
    /// The token: name, id, or a piece of the id
    #[arg(value_name = "TOKEN")]
    pub(in crate::cli) token: String,
    /// Another reach, for a token that would take its place: global, team:OPS, service:OPS/DB
    #[arg(long, value_name = "SCOPE")]
    pub(in crate::cli) scope: Option<String>,
    /// Only from this address or network; may be repeated
    #[arg(long = "allow-ip", value_name = "CIDR", conflicts_with = "any_ip")]
    pub(in crate::cli) allow_ip: Vec<String>,
    /// From any address
    #[arg(long)]
    pub(in crate::cli) any_ip: bool,
    /// Another end: never, a duration such as 30d, or a date
    #[arg(long, value_name = "END")]
    pub(in crate::cli) expires: Option<String>,
    /// It would be revoked
    #[arg(long, conflicts_with_all = ["scope", "allow_ip", "any_ip", "expires"])]
    pub(in crate::cli) revoke: bool,
    #[command(flatten)]
    pub(in crate::cli) over: Over,
}
