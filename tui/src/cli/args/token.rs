mod change;
mod create;

pub(in crate::cli) use change::{
    Bulk, BulkRevoke, BulkSuspend, BulkTarget, TokenEdit, TokenOverlap, TokenRefresh, TokenRotate,
};
pub(in crate::cli) use create::{Rate, TokenCreate, TokenImport, TokenSettings};

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::query::Asked;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenVerb {
    /// Create a token, or many from a CSV file; secrets are shown once
    Create(Box<TokenCreate>),
    /// Make a value of another system a token, so that its senders need no change
    Import(Box<TokenImport>),
    /// List tokens
    List(TokenList),
    /// Show a token and what it was used for
    Show(TokenRef),
    /// Change a token; what is not named stays
    Edit(Box<TokenEdit>),
    /// Extend tokens by the duration that was chosen for them
    Refresh(TokenRefresh),
    /// Give a token a new secret, with an overlap or with the old one dead at once
    Rotate(TokenRotate),
    /// End or extend the overlap of a rotated token
    #[command(subcommand)]
    Overlap(TokenOverlap),
    /// Doubt tokens: their calls are answered 503 until they are resumed
    Suspend(BulkSuspend),
    /// End the suspension of tokens
    Resume(BulkTarget),
    /// Revoke tokens for good
    Revoke(BulkRevoke),
    /// Switch a token's debug option: its calls are logged for 48 h
    Debug {
        /// Name, id, or a piece of the id
        #[arg(value_name = "TOKEN")]
        token: String,
        /// `on` counts 48 h from now, also where it is on already
        #[arg(value_name = "on|off")]
        switch: Switch,
        /// Log one call in so many, 2 to 10000; without it every call is logged, and a token that floods needs --yes
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
        sample: Option<u32>,
    },
    /// Say whose value this is; it is read without echo or from a file, never from an argument
    Identify {
        /// The value, or several, one a line; `-` reads standard input [default: asked for without echo]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Where a token's calls came from
    Sources(TokenRef),
    /// The tokens that a token created
    Issued(TokenRef),
    /// All there is about a token as evidence: facts, sources, audit rows, head of the audit's chain
    Report(TokenRef),
    /// Propose an address list from the addresses that a token was used from
    Allowlist(TokenRef),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenRef {
    /// Name, id, or a piece of the id
    #[arg(value_name = "TOKEN")]
    pub(in crate::cli) token: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Switch {
    /// Log the calls of the next 48 h
    On,
    /// Log no more; rows stay until their own end
    Off,
}

/// Printed under the help of every verb that takes a query.
pub(super) const QUERY_HELP: &str = "\
A query is conditions side by side; all must hold. `or`, `not` and ( ) work too:
  state:active|expired|suspended|not_yet_valid|needs_rotation|revoked
  scope:SCOPE  team:TEAM  service:TEAM/SERVICE  owner:OPERATOR|organisation
  created_by:TEXT  name:TEXT  id:ID  created:<7d  expires:<14d  expires:never  debug:on
  used:<1h  used:never  unused:>90d  ip:10.0.0.0/8  addresses:any
  query_token:used   any other word: text in name, id, description or creator
Revoked tokens are only found where the query holds state:revoked.
A value with a space is quoted: created_by:\"uid 1000\"
@NAME is a query that was kept with `tollgate query save tokens NAME ...`";

#[derive(Debug, Args)]
#[command(after_help = QUERY_HELP)]
pub(in crate::cli) struct TokenList {
    #[command(flatten)]
    pub(in crate::cli) asked: Asked,
    /// Only those of this scope: global, team:TEAM, service:TEAM/SERVICE
    #[arg(long, value_name = "SCOPE")]
    pub(in crate::cli) scope: Option<String>,
    /// Order: name, scope, owner, state, expires, created, created_by, last_used, calls, debug, dedup; `-` reverses
    #[arg(long, value_name = "SORT", allow_hyphen_values = true)]
    pub(in crate::cli) sort: Option<String>,
    /// Only those that are active, expired, suspended, not_yet_valid, needs_rotation or revoked [default: all that live]
    #[arg(long, value_name = "STATE")]
    pub(in crate::cli) state: Option<String>,
}
