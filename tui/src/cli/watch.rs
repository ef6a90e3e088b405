//! What wants attention, for people, cron lines, monitoring and login banners: expiring, hygiene, check, digest.

use std::collections::BTreeSet;
use std::io::Write as _;

use serde::Serialize;
use tollgate_shared::api::{BackupView, StatusView, TokenView};
use tollgate_shared::id::TokenId;
use tollgate_shared::time::Timestamp;

use super::args::{CheckArgs, ExpiringArgs, Format};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::io::Io;
use super::table::{Table, numbers, words};
use super::token::tokens;
use super::verdict::count;
use super::when::span;
use crate::client::TokenQuery;

/// The cards: what is wrong, and the query that finds it.
const CARDS: [(&str, &str); 7] = [
    ("ends within 14 d", "state:active expires:<14d"),
    ("expired", "state:expired"),
    ("idle for 90 d", "state:active unused:>90d"),
    ("never used", "state:active used:never"),
    ("never ends", "expires:never"),
    ("used from anywhere", "addresses:any"),
    ("comes as ?token=", "query_token:used"),
];

/// One card.
#[derive(Serialize)]
struct Card {
    card: &'static str,
    query: &'static str,
    tokens: Vec<TokenId>,
}

pub(super) async fn expiring(cx: &mut Context<'_>, args: ExpiringArgs) -> Done {
    let query = TokenQuery {
        expires_within_secs: Some(args.within.as_secs()),
        sort: Some("expires".to_owned()),
        ..TokenQuery::default()
    };
    let rows = find(cx, &query).await?;
    cx.rows(&rows, "no token ends within that time", tokens)?;
    Ok(if rows.is_empty() { Exit::Ok } else { Exit::Attention })
}

async fn find(cx: &Context<'_>, query: &TokenQuery) -> Result<Vec<TokenView>, CliError> {
    cx.all(async |page| cx.client.tokens(&TokenQuery { page, ..query.clone() }).await).await
}

pub(super) async fn hygiene(cx: &mut Context<'_>) -> Done {
    let mut cards = Vec::new();
    for (card, query) in CARDS {
        let found = find(cx, &TokenQuery { q: Some(query.to_owned()), ..TokenQuery::default() }).await?;
        cards.push(Card { card, query, tokens: found.iter().map(|token| token.id).collect() });
    }
    let tollgate = cx.tollgate();
    cx.rows(&cards, "", |cards, _| {
        let mut table = Table::new([words("TOKENS THAT"), numbers("COUNT"), words("SEE THEM")]);
        for card in cards {
            let line =
                if card.tokens.is_empty() { String::new() } else { format!("{tollgate} token list '{}'", card.query) };
            table.row([card.card.to_owned(), card.tokens.len().to_string(), line]);
        }
        table
    })
}

/// One line, and Nagios' own exit codes.
pub(super) async fn check(cx: &mut Context<'_>, args: CheckArgs) -> Done {
    let within = |secs| TokenQuery { expires_within_secs: Some(secs), ..TokenQuery::default() };
    let expired = find(cx, &TokenQuery { state: Some("expired".to_owned()), ..TokenQuery::default() }).await?;
    let warn = find(cx, &within(args.warn.as_secs().max(args.crit.as_secs()))).await?;
    let now = cx.status.now;
    let crit_until = now.plus_secs(i64::try_from(args.crit.as_secs()).unwrap_or(i64::MAX / 2_000_000));
    let dead: BTreeSet<TokenId> = expired.iter().map(|token| token.id).collect();
    // What has ended is counted once, under its own name, whichever query found it.
    let (soon, later): (Vec<&TokenView>, Vec<&TokenView>) = warn
        .iter()
        .filter(|token| !dead.contains(&token.id))
        .partition(|token| token.expires_at.is_some_and(|at| at <= crit_until));
    let (exit, line) = nagios(&cx.status, expired.len(), &soon, &later);
    writeln!(cx.io.out, "{}", crate::safe_text::SafeText::new(&line).to_plain())?;
    Ok(exit)
}

/// A token that has ended stays critical until it is refreshed or revoked: its sender is refused right now.
fn nagios(status: &StatusView, expired: usize, soon: &[&TokenView], later: &[&TokenView]) -> (Exit, String) {
    let names = |tokens: &[&TokenView]| {
        let names: Vec<&str> = tokens.iter().take(3).map(|token| token.name.as_str()).collect();
        format!("{}{}", names.join(", "), if tokens.len() > 3 { ", ..." } else { "" })
    };
    let backup = Backup::of(&status.backup, status.now);
    let mut critical = Vec::new();
    critical.extend(status.lockdown.as_ref().map(|lockdown| format!("locked down by {}", lockdown.by)));
    critical.extend((status.store != "healthy").then(|| format!("store: {}", status.store)));
    critical.extend((expired > 0).then(|| format!("{} expired", count(expired as u64, "token"))));
    critical.extend(
        (!soon.is_empty()).then(|| format!("{} about to end: {}", count(soon.len() as u64, "token"), names(soon))),
    );
    critical.extend(backup.overdue());
    let mut warning = Vec::new();
    warning.extend(
        (!later.is_empty()).then(|| format!("{} ending soon: {}", count(later.len() as u64, "token"), names(later))),
    );
    warning.extend(backup.failed());
    let (exit, word) = match (critical.is_empty(), warning.is_empty()) {
        (false, _) => (Exit::Attention, "CRITICAL"),
        (true, false) => (Exit::Failure, "WARNING"),
        (true, true) => (Exit::Ok, "OK"),
    };
    critical.extend(warning);
    if critical.is_empty() {
        critical.push(format!("{}, none ends soon", count(status.tokens.into(), "token")));
        critical.extend(backup.age_secs.map(|age| format!("backup {} old", span(age))));
    }
    // A bar would begin the performance data.
    let text = critical.join("; ").replace('|', "/");
    let perf = format!(
        "expired={expired};;0;0 ending_crit={};;0;0 ending_warn={};0;;0 tokens={} open_incidents={} {}",
        soon.len(),
        later.len(),
        status.tokens,
        status.open_incidents,
        backup.perf()
    );
    (exit, format!("TOLLGATE {word} - {text} | {perf}"))
}

/// Backups as a monitoring system sees them. Where there is a schedule it is judged by its own, as the daemon judges it: one
/// made by hand is no sign that the schedule works.
struct Backup<'v> {
    view: &'v BackupView,
    /// Of the last good one; absent = there is none.
    age_secs: Option<u64>,
}

impl<'v> Backup<'v> {
    fn of(view: &'v BackupView, now: Timestamp) -> Self {
        let last = if view.every_secs.is_some() { &view.last_scheduled } else { &view.last };
        let age_secs = last.as_ref().map(|made| u64::try_from(now.secs_since(made.made_at)).unwrap_or(0));
        Self { view, age_secs }
    }

    /// Critical: an age beyond what the schedule promises.
    fn overdue(&self) -> Option<String> {
        let last = self
            .age_secs
            .map_or_else(|| "none was made yet".to_owned(), |age| format!("the last is {} old", span(age)));
        self.view.overdue.then(|| format!("the scheduled backup is overdue, {last}{}", self.why()))
    }

    /// A warning, as long as the last good one is young enough.
    fn failed(&self) -> Option<String> {
        let warns = self.view.failed.is_some() && !self.view.overdue;
        warns.then(|| format!("the scheduled backup failed{}", self.why()))
    }

    fn why(&self) -> String {
        self.view.failed.as_ref().map(|failed| format!(": {}", failed.why)).unwrap_or_default()
    }

    /// `U` is the plugins' word for what is not known. The bound is where the daemon says overdue.
    fn perf(&self) -> String {
        let age = self.age_secs.map_or_else(|| "U".to_owned(), |age| format!("{age}s"));
        let crit = self.view.every_secs.map(|every| every.saturating_mul(2).to_string()).unwrap_or_default();
        format!("backup_age={age};;{crit};0")
    }
}

/// Without a daemon nobody takes alerts: that is critical. Anything else that keeps us from knowing is unknown.
pub(super) fn nagios_failure(io: &mut Io, error: &CliError) -> Exit {
    let (exit, word) = match error.exit() {
        Exit::NoDaemon => (Exit::Attention, "CRITICAL"),
        _ => (Exit::Unknown, "UNKNOWN"),
    };
    let line = format!("TOLLGATE {word} - {}", error.lines().join("; ").replace('|', "/"));
    // Nobody else can be told if this cannot be written.
    io.line(&line).ok();
    exit
}

/// The line for a login banner; none where all is well.
pub(super) fn digest(cx: &mut Context<'_>) -> Done {
    let status = cx.status.clone();
    if cx.format != Format::Table {
        return cx.object(&status, |_| Vec::new());
    }
    let news = news(&status);
    if !news.is_empty() {
        cx.io.line(&format!("tollgate: {}", news.join("; ")))?;
    }
    Ok(Exit::Ok)
}

fn news(status: &StatusView) -> Vec<String> {
    let mut news = Vec::new();
    news.extend(
        status.lockdown.as_ref().map(|lockdown| format!("LOCKED DOWN by {}: {}", lockdown.by, lockdown.reason)),
    );
    news.extend((status.store != "healthy").then(|| format!("store: {}", status.store)));
    let backup_fails = status.backup.overdue || status.backup.failed.is_some();
    news.extend(backup_fails.then(|| "the scheduled backup fails (tollgate status)".to_owned()));
    if status.open_incidents > 0 {
        news.push(format!("{} open, {} of them P1", count(status.open_incidents.into(), "incident"), status.open_p1));
    }
    if status.tokens_expiring > 0 {
        news.push(format!("{} ending within 14 d (tollgate expiring)", count(status.tokens_expiring.into(), "token")));
    }
    if status.tokens_suspended > 0 {
        news.push(format!("{} suspended", count(status.tokens_suspended.into(), "token")));
    }
    if status.counters.log_rows_lost > 0 {
        news.push(format!("{} lost", count(status.counters.log_rows_lost, "log row")));
    }
    news
}
