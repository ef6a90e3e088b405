use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration;
use super::query::Asked;

/// Printed under the help of `audit`.
const QUERY_HELP: &str = "\
A query is conditions side by side; all must hold. `or`, `not` and ( ) work too:
  actor:piet  action:token.revoke  target:zabbix-prod  detail:expires  uid:1000
  since:24h  until:2026-11-22  seq:>=100   any other word: text in any of them
@NAME is a query that was kept with `tollgate query save audit NAME ...`";

#[derive(Debug, Args)]
#[command(after_help = QUERY_HELP)]
pub(in crate::cli) struct AuditArgs {
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<AuditVerb>,
    #[command(flatten)]
    pub(in crate::cli) view: AuditView,
    /// The newest so many rows [default: 100]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) limit: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditVerb {
    /// Walk the chain of rows: exit 1 where one was changed or is missing
    Verify,
    /// Write all rows, newest first, as JSON lines or with --output csv for a spreadsheet
    Export {
        #[command(flatten)]
        view: AuditView,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(in crate::cli) struct AuditView {
    #[command(flatten)]
    pub(in crate::cli) asked: Asked,
    /// Only what this one did: an operator, `root`, a token's id
    #[arg(long, value_name = "WHO")]
    pub(in crate::cli) actor: Option<String>,
    /// Only this kind of change, such as token.revoke
    #[arg(long, value_name = "ACTION")]
    pub(in crate::cli) action: Option<String>,
    /// Only changes of this object: an id or a name
    #[arg(long, value_name = "OBJECT")]
    pub(in crate::cli) target: Option<String>,
    /// Only rows of the last such time: 15m, 30d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) since: Option<Duration>,
}
