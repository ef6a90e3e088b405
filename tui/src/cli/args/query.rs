use clap::{Args, Subcommand};
use tollgate_shared::api::Screen;

/// Printed under the help of `log`.
pub(super) const LOG_QUERY_HELP: &str = "\
A query is conditions side by side; all must hold. `or`, `not` and ( ) work too:
  token:NAME  service:OPS/DB  team:OPS  outcome:no_match  status:>=400  status:4xx
  ip:10.0.0.0/8  since:15m  until:5m  call:ID  incident:ID  request:ID
  from:TEXT  body:TEXT  method:  path:  agent:  problem:
  bytes:>16384  latency:>5ms  seq:>=100
  body.alerts[0].labels.severity = critical   (= != ~ > >= < <=)
  any other word: text in title, body, ?from=, path, query, agent or problem
A value with a space is quoted, and then the whole query for the shell:
  tollgate log 'body:\"disk full\" or status:5xx'
@NAME is a query that was kept with `tollgate query save logs NAME ...`";

/// A query, as words behind the verb or behind an option.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(in crate::cli) struct Asked {
    /// Only those that fit, see below; @NAME is one that was kept
    #[arg(value_name = "QUERY")]
    pub(in crate::cli) words: Vec<String>,
    /// The same as QUERY; for one that begins with the name of a verb or with `-`
    #[arg(long, short = 'Q', value_name = "QUERY", allow_hyphen_values = true)]
    pub(in crate::cli) query: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum QueryVerb {
    /// The queries that you keep
    List {
        /// Only those for logs, tokens, incidents or audit
        #[arg(long, value_name = "SCREEN")]
        screen: Option<Screen>,
    },
    /// Keep a query, in place of one of that name; use it as @NAME
    Save {
        /// What it is about: logs, tokens, incidents or audit
        #[arg(value_name = "SCREEN")]
        screen: Screen,
        /// How it shall be called
        #[arg(value_name = "NAME")]
        name: String,
        /// The query
        #[arg(value_name = "QUERY", required = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Forget a query
    Delete {
        /// What it is about: logs, tokens, incidents or audit
        #[arg(value_name = "SCREEN")]
        screen: Screen,
        /// How it is called
        #[arg(value_name = "NAME")]
        name: String,
    },
}
