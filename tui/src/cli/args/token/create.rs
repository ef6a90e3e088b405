use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::cli::args::duration;
use crate::cli::args::team::NameArg;

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenCreate {
    /// The name: 1 to 64 visible characters
    #[arg(value_name = "NAME", required_unless_present_any = ["name_option", "from"])]
    name: Option<String>,
    /// The name, as an option
    #[arg(long = "name", id = "name_option", value_name = "NAME", conflicts_with = "name")]
    name_option: Option<String>,
    /// What it reaches, fixed for ever: global, team:TEAM, service:TEAM/SERVICE, or mine for a personal one
    #[arg(long, value_name = "SCOPE", required_unless_present = "from")]
    pub(in crate::cli) scope: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) settings: TokenSettings,
    /// Write the secret to a new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub(in crate::cli) secret_file: Option<PathBuf>,
    /// Create all tokens of a CSV file or none; its first line names the fields: name, scope, expires, ...
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "name_option", "scope", "settings"])]
    pub(in crate::cli) from: Option<PathBuf>,
    /// With --from: write names, ids and secrets to a new CSV file (mode 0600)
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(in crate::cli) secrets_to: Option<PathBuf>,
    /// With --from: one file for each scope, as whoever runs its senders gets it
    #[arg(long, value_name = "FIELD", requires = "secrets_to", value_parser = ["scope"])]
    pub(in crate::cli) split_by: Option<String>,
    /// With --from: leave out those whose name is taken in their scope
    #[arg(long, requires = "from")]
    pub(in crate::cli) if_absent: bool,
    /// With --from: only say what is wrong
    #[arg(long, requires = "from")]
    pub(in crate::cli) dry_run: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenImport {
    #[command(flatten)]
    pub(in crate::cli) name: NameArg,
    /// What it reaches, fixed for ever: global, team:TEAM, service:TEAM/SERVICE
    #[arg(long, value_name = "SCOPE")]
    pub(in crate::cli) scope: String,
    /// Where the value is: a file, or `-` for standard input [default: asked for without echo]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) value_file: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) settings: TokenSettings,
}

/// What a new token has beside its name and scope.
#[derive(Debug, Args)]
#[group(id = "settings", multiple = true)]
pub(in crate::cli) struct TokenSettings {
    /// When it ends: a duration such as 30d or 1y, an RFC 3339 date, or never [default: never]
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) expires: Option<String>,
    /// Not accepted before this RFC 3339 date, or this duration from now
    #[arg(long, value_name = "WHEN")]
    pub(in crate::cli) not_before: Option<String>,
    /// What it may do, together: sender, read-only or all [default: sender]
    #[arg(long, value_name = "PRESET", conflicts_with = "permission")]
    pub(in crate::cli) preset: Option<String>,
    /// A single thing it may do, such as incidents:create; may be repeated
    #[arg(long, value_name = "PERMISSION")]
    pub(in crate::cli) permission: Vec<String>,
    /// Your own: it may never do more than you may
    #[arg(long)]
    pub(in crate::cli) personal: bool,
    /// Only its name, description and debug option can change later
    #[arg(long)]
    pub(in crate::cli) sealed: bool,
    /// Log its calls for the next 48 h
    #[arg(long)]
    pub(in crate::cli) debug: bool,
    /// How long the same call counts as a duplicate, such as 10m; 0s = never, at most 24h [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) dedup: Option<Duration>,
    /// A path that is left out of what makes a call the same; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) dedup_ignore: Vec<String>,
    /// A duplicate for the whole window, also where its incident was resolved meanwhile
    #[arg(long)]
    pub(in crate::cli) strict_dedup: bool,
    /// An address or CIDR that it may be used from; may be repeated [default: any]
    #[arg(long = "allow-ip", value_name = "CIDR")]
    pub(in crate::cli) allow_ip: Vec<String>,
    /// Count calls from other addresses instead of refusing them
    #[arg(long)]
    pub(in crate::cli) ip_report_only: bool,
    /// A quota, 600/min or with its burst 600/min:1000; calls above it are refused and may be lost [default: none]
    #[arg(long, value_name = "RATE")]
    pub(in crate::cli) rate: Option<Rate>,
    /// Refuse it as ?token= in an address
    #[arg(long)]
    pub(in crate::cli) no_query_token: bool,
    /// Take X-GitHub-Delivery, X-Webhook-Id or ce-source with ce-id as Idempotency-Key
    #[arg(long)]
    pub(in crate::cli) delivery_ids: bool,
    /// Free text, at most 500 characters
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(in crate::cli) description: String,
}

/// A quota as people write it: `600/min`, `600/min:1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Rate {
    pub(in crate::cli) calls_per_min: u32,
    pub(in crate::cli) burst: u32,
}

impl TokenCreate {
    /// The name; clap has made sure that there is exactly one where no file is given.
    pub(in crate::cli) fn name(&mut self) -> String {
        self.name.take().or_else(|| self.name_option.take()).unwrap_or_default()
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a quota as 600/min, or with its burst as 600/min:1000".to_owned();
        let (rate, burst) = text.split_once(':').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
        let per_min = rate.strip_suffix("/min").ok_or_else(wrong)?;
        let calls_per_min = per_min.trim().parse().ok().filter(|calls| *calls > 0).ok_or_else(wrong)?;
        let burst = burst.map(|burst| burst.trim().parse().map_err(|_| wrong())).transpose()?;
        Ok(Self { calls_per_min, burst: burst.unwrap_or(calls_per_min) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_calls_a_minute_and_perhaps_a_burst() {
        assert_eq!("600/min".parse(), Ok(Rate { calls_per_min: 600, burst: 600 }));
        assert_eq!("600/min:50".parse(), Ok(Rate { calls_per_min: 600, burst: 50 }));
        for text in ["600", "600/s", "0/min", "/min", "600/min:", "-1/min"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
