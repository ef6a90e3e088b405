use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::duration;
use super::team::NameArg;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenVerb {
    /// Create a token; its secret is shown once
    Create(TokenCreate),
    /// List tokens
    List(TokenList),
    /// Show a token and what it was used for
    Show {
        /// Name, id, or a piece of the id
        #[arg(value_name = "TOKEN")]
        token: String,
    },
    /// Change a token; what is not named stays
    Edit(TokenEdit),
    /// Give a token a new secret; the old one is dead at once
    Rotate(TokenRotate),
    /// Revoke a token for good
    Revoke(TokenRevoke),
    /// Switch a token's debug option: its calls are logged for 48 h
    Debug {
        /// Name, id, or a piece of the id
        #[arg(value_name = "TOKEN")]
        token: String,
        /// `on` counts 48 h from now, also where it is on already
        #[arg(value_name = "on|off")]
        switch: Switch,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Switch {
    /// Log the calls of the next 48 h
    On,
    /// Log no more; rows stay until their own end
    Off,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenCreate {
    #[command(flatten)]
    pub(in crate::cli) name: NameArg,
    /// What it reaches, fixed for ever: global, team:TEAM, service:TEAM/SERVICE
    #[arg(long, value_name = "SCOPE")]
    pub(in crate::cli) scope: String,
    /// When it ends: a duration such as 30d or 1y, an RFC 3339 date, or never [default: never]
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) expires: Option<String>,
    /// Log its calls for the next 48 h
    #[arg(long)]
    pub(in crate::cli) debug: bool,
    /// How long the same call counts as a duplicate, such as 10m; 0s = never, at most 24h [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) dedup: Option<Duration>,
    /// An address or CIDR that it may be used from; may be repeated [default: any]
    #[arg(long = "allow-ip", value_name = "CIDR")]
    pub(in crate::cli) allow_ip: Vec<String>,
    /// Free text, at most 500 characters
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(in crate::cli) description: String,
    /// Write the secret to a new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenList {
    /// Only those with this text in their name, id or creator
    #[arg(long, short = 'Q', value_name = "TEXT")]
    pub(in crate::cli) query: Option<String>,
    /// Only those of this scope: global, team:TEAM, service:TEAM/SERVICE
    #[arg(long, value_name = "SCOPE")]
    pub(in crate::cli) scope: Option<String>,
    /// Order: name, -name, expires, last_used, created, calls, state
    #[arg(long, value_name = "SORT", allow_hyphen_values = true)]
    pub(in crate::cli) sort: Option<String>,
    /// Only those that are active, expired or revoked [default: all that live]
    #[arg(long, value_name = "STATE")]
    pub(in crate::cli) state: Option<String>,
}

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true)]
pub(in crate::cli) struct TokenEdit {
    /// Name, id, or a piece of the id
    #[arg(value_name = "TOKEN", group = "object")]
    pub(in crate::cli) token: String,
    /// A new name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// A new description
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) description: Option<String>,
    /// A new end, counted from now where it is a duration
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) expires: Option<String>,
    /// A new deduplication window, such as 10m; 0s = off
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) dedup: Option<Duration>,
    /// The whole new list of addresses and CIDRs, one an option
    #[arg(long = "allow-ip", value_name = "CIDR", conflicts_with = "any_ip")]
    pub(in crate::cli) allow_ip: Vec<String>,
    /// It may be used from any address
    #[arg(long)]
    pub(in crate::cli) any_ip: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenRotate {
    /// Name, id, or a piece of the id
    #[arg(value_name = "TOKEN")]
    pub(in crate::cli) token: String,
    /// Write the new secret to a new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) secret_file: Option<PathBuf>,
    /// The old secret dies at once (there is no other way yet)
    #[arg(long)]
    pub(in crate::cli) now: bool,
    /// The token's name or id, instead of being asked for it
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenRevoke {
    /// Name, id, or a piece of the id
    #[arg(value_name = "TOKEN")]
    pub(in crate::cli) token: String,
    /// The token's name or id, instead of being asked for it
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) confirm: Option<String>,
    /// Why, at most 500 characters; kept with what is left of the token
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(in crate::cli) reason: String,
}
