use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{QUERY_HELP, Rate};
use crate::cli::args::duration;

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenEdit {
    /// Name, id, or a piece of the id
    #[arg(value_name = "TOKEN")]
    pub(in crate::cli) token: String,
    /// Only if the token is still of this version, as `token show` said it [default: as it is now]
    #[arg(long, value_name = "VERSION")]
    pub(in crate::cli) if_version: Option<u64>,
    /// A new name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// A new description
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) description: Option<String>,
    /// A new end, counted from now where it is a duration
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) expires: Option<String>,
    /// A new beginning: an RFC 3339 date, or a duration from now
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) not_before: Option<String>,
    /// The whole new list of what it may do, one an option
    #[arg(long, value_name = "PERMISSION")]
    pub(in crate::cli) permission: Vec<String>,
    /// What it may do, together: sender, read-only or all
    #[arg(long, value_name = "PRESET", conflicts_with = "permission", value_parser = ["sender", "read-only", "all"])]
    pub(in crate::cli) preset: Option<String>,
    /// Always refused, with the way around: what a token reaches is fixed when it is created
    #[arg(long, value_name = "SCOPE")]
    pub(in crate::cli) scope: Option<String>,
    /// A new deduplication window, such as 10m; 0s = off
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) dedup: Option<Duration>,
    /// The whole new list of paths left out of what makes a call the same, one an option
    #[arg(long, value_name = "PATH", conflicts_with = "no_dedup_ignore")]
    pub(in crate::cli) dedup_ignore: Vec<String>,
    /// Every part of a call counts again
    #[arg(long)]
    pub(in crate::cli) no_dedup_ignore: bool,
    /// A duplicate for the whole window
    #[arg(long, conflicts_with = "no_strict_dedup")]
    pub(in crate::cli) strict_dedup: bool,
    /// No duplicate any more once its incident is resolved
    #[arg(long)]
    pub(in crate::cli) no_strict_dedup: bool,
    /// The whole new list of addresses and CIDRs, one an option
    #[arg(long = "allow-ip", value_name = "CIDR", conflicts_with = "any_ip")]
    pub(in crate::cli) allow_ip: Vec<String>,
    /// It may be used from any address
    #[arg(long)]
    pub(in crate::cli) any_ip: bool,
    /// Count calls from other addresses instead of refusing them
    #[arg(long, conflicts_with = "ip_enforce")]
    pub(in crate::cli) ip_report_only: bool,
    /// Refuse calls from other addresses
    #[arg(long)]
    pub(in crate::cli) ip_enforce: bool,
    /// A new quota, 600/min or 600/min:1000; with --for it ends by itself and the lasting one is in force again
    #[arg(long, value_name = "RATE", visible_alias = "limit", conflicts_with = "no_rate")]
    pub(in crate::cli) rate: Option<Rate>,
    /// No quota any more
    #[arg(long)]
    pub(in crate::cli) no_rate: bool,
    /// Refuse its calls from there for a time, an address or a CIDR an option; with --for
    #[arg(long = "block-ip", value_name = "CIDR", requires = "for_time")]
    pub(in crate::cli) block_ip: Vec<String>,
    /// Take its calls from there again
    #[arg(long = "unblock-ip", value_name = "CIDR")]
    pub(in crate::cli) unblock_ip: Vec<String>,
    /// How long --rate or --block-ip hold, from now on, at most 30d
    #[arg(id = "for_time", long = "for", value_name = "DURATION", value_parser = duration, conflicts_with = "no_rate")]
    pub(in crate::cli) for_time: Option<Duration>,
    /// Take it as ?token= in an address
    #[arg(long, conflicts_with = "no_query_token")]
    pub(in crate::cli) query_token: bool,
    /// Refuse it as ?token= in an address
    #[arg(long)]
    pub(in crate::cli) no_query_token: bool,
    /// Take X-GitHub-Delivery, X-Webhook-Id or ce-source with ce-id as Idempotency-Key
    #[arg(long, conflicts_with = "no_delivery_ids")]
    pub(in crate::cli) delivery_ids: bool,
    /// Take no number of a delivery as Idempotency-Key
    #[arg(long)]
    pub(in crate::cli) no_delivery_ids: bool,
    /// Seal it for good: only name, description and debug can change later
    #[arg(long, visible_alias = "sealed")]
    pub(in crate::cli) seal: bool,
}

#[derive(Debug, Args)]
#[command(after_help = QUERY_HELP)]
pub(in crate::cli) struct TokenRefresh {
    /// Names, ids, or pieces of ids; `-` reads them from standard input, one a line
    #[arg(value_name = "TOKEN", required_unless_present = "query", conflicts_with = "query")]
    pub(in crate::cli) tokens: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) bulk: Bulk,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenRotate {
    /// Name, id, or a piece of the id
    #[arg(value_name = "TOKEN")]
    pub(in crate::cli) token: String,
    /// How long the old secret lives on, at most 30d and never past the token's end
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with_all = ["now", "confirm"])]
    pub(in crate::cli) overlap: Option<Duration>,
    /// The old secret dies at once, also during an overlap, where both die; with --confirm
    #[arg(long)]
    pub(in crate::cli) now: bool,
    /// The token's name or id, instead of being asked for it: the old secret dies at once
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) confirm: Option<String>,
    /// A key of your choosing: the same again, as from a script that tries twice, kills nothing
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) key: Option<String>,
    /// Write the new secret to a new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) secret_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenOverlap {
    /// The old secret is dead from now on
    End {
        /// Name, id, or a piece of the id
        #[arg(value_name = "TOKEN")]
        token: String,
    },
    /// The old secret lives on, counted from now
    Extend {
        /// Name, id, or a piece of the id
        #[arg(value_name = "TOKEN")]
        token: String,
        /// How long from now, at most 30d
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        duration: Duration,
    },
}

/// One token, or all that a query finds.
#[derive(Debug, Args)]
#[command(after_help = QUERY_HELP)]
pub(in crate::cli) struct BulkTarget {
    /// Name, id, or a piece of the id
    #[arg(value_name = "TOKEN", required_unless_present = "query", conflicts_with = "query")]
    pub(in crate::cli) token: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) bulk: Bulk,
}

/// All that a query finds.
#[derive(Debug, Args)]
pub(in crate::cli) struct Bulk {
    /// Instead of one token, all that fit; without --confirm-count they are only listed
    #[arg(long, short = 'Q', value_name = "QUERY")]
    pub(in crate::cli) query: Option<String>,
    /// How many it must be; nothing is changed where it is another number
    #[arg(long, value_name = "COUNT", requires = "query")]
    pub(in crate::cli) confirm_count: Option<u32>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BulkSuspend {
    #[command(flatten)]
    pub(in crate::cli) target: BulkTarget,
    /// Why, at most 500 characters
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(in crate::cli) reason: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BulkRevoke {
    #[command(flatten)]
    pub(in crate::cli) target: BulkTarget,
    /// The token's name or id, instead of being asked for it
    #[arg(long, value_name = "NAME", conflicts_with = "query")]
    pub(in crate::cli) confirm: Option<String>,
    /// Why, at most 500 characters; kept with what is left of the token
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(in crate::cli) reason: String,
}
