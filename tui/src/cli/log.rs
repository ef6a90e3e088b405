//! `tollgate log`.

use tollgate_shared::api::Screen;
use tollgate_shared::log::{LogRow, RefusedRow};
use tollgate_shared::outcome::Outcome;

use super::args::{Format, LogArgs, LogVerb, LogView};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::names::Names;
use super::table::{Table, facts, numbers, words};
use super::when::When;
use super::{asked, export, follow, histogram, verdict};
use crate::client::{ClientError, LogQuery};

/// Rows where nobody says how many.
const ROWS_DEFAULT: u32 = 100;
/// Rows of one page.
const PAGE_ROWS_MAX: u32 = 1_000;

pub(super) async fn run(cx: &mut Context<'_>, args: LogArgs) -> Done {
    let LogArgs { verb, view } = args;
    match verb {
        Some(LogVerb::Show { .. }) if view != LogView::default() => {
            Err(CliError::usage("`log show` takes a seq and no filters", "use:  tollgate log show SEQ"))
        }
        Some(LogVerb::Replay(_)) if view != LogView::default() => {
            Err(CliError::usage("`log replay` takes a seq and no filters", "use:  tollgate log replay SEQ"))
        }
        Some(LogVerb::Export(_)) if view != LogView::default() => {
            Err(CliError::usage("options stand behind the verb", "use:  tollgate log export --since 1h --to FILE"))
        }
        Some(LogVerb::Export(args)) => export::run(cx, args).await,
        Some(LogVerb::Show { seq }) => show(cx, seq).await,
        Some(LogVerb::Replay(replay)) => super::replay::run(cx, replay).await,
        None if view.refused => refused(cx, view).await,
        None => {
            let q = asked::text(cx, Screen::Logs, &view.asked).await?;
            match (view.histogram, view.follow) {
                (true, _) => histogram::run(cx, query(view, q)).await,
                (_, true) => follow::run(cx, view, q).await,
                _ => self::view(cx, view, q).await,
            }
        }
    }
}

/// What the options ask for, without the number of rows.
pub(super) fn query(view: LogView, q: Option<String>) -> LogQuery {
    LogQuery {
        q,
        token: view.token,
        outcome: view.outcome.map(|outcome| outcome.as_str().to_owned()),
        status: view.status,
        since_secs: view.since.map(|since| since.as_secs()),
        after: view.after,
        ..LogQuery::default()
    }
}

async fn view(cx: &mut Context<'_>, view: LogView, q: Option<String>) -> Done {
    let (limit, goes_on) = (view.limit.unwrap_or(ROWS_DEFAULT), view.after.is_some());
    let query = query(view, q.clone());
    let found = if goes_on { after(cx, query, limit).await } else { newest(cx, query, limit).await };
    let (rows, is_all) = found.map_err(|error| asked::drawn(error, q.as_ref()))?;
    let mut names = Names::default();
    names.learn(cx, &rows).await;
    let table = |rows: &[LogRow], when| rows_table(rows, when, &names);
    cx.rows(&rows, "no such rows; only calls of tokens whose debug option is on are logged", table)?;
    if !is_all {
        cx.note(&format!("there are more rows than {limit}; see them with --limit"));
    }
    Ok(Exit::Ok)
}

/// The rows after a cursor, in order, and whether they are all.
async fn after(cx: &Context<'_>, mut query: LogQuery, limit: u32) -> Result<(Vec<LogRow>, bool), ClientError> {
    let mut rows = Vec::new();
    loop {
        let wanted = missing(limit, &rows);
        query.limit = Some(wanted);
        let page = cx.client.logs(&query).await?;
        // A page may be short although there is more: the daemon looks at so many rows at once. At the log's end it says so.
        let is_last = page.next.is_none();
        rows.extend(page.items);
        if is_last || rows.len() >= limit as usize {
            return Ok((rows, is_last));
        }
        query.after = page.next;
    }
}

/// The newest rows, in order, and whether they are all.
async fn newest(cx: &Context<'_>, mut query: LogQuery, limit: u32) -> Result<(Vec<LogRow>, bool), ClientError> {
    let mut pages: Vec<LogRow> = Vec::new();
    loop {
        query.limit = Some(missing(limit, &pages));
        let page = cx.client.logs(&query).await?;
        // Each page is older than the one before but in rising order itself: collected backwards, turned at the end.
        pages.extend(page.items.into_iter().rev());
        query.before = older(page.next.as_deref(), query.before);
        if query.before.is_none() || pages.len() >= limit as usize {
            pages.reverse();
            return Ok((pages, query.before.is_none()));
        }
    }
}

/// The seq for the next older page; none where it does not lead on, so that no answer can make a loop without end.
pub(super) fn older(next: Option<&str>, before: Option<u64>) -> Option<u64> {
    next?.parse().ok().filter(|next| before.is_none_or(|before| *next < before))
}

fn missing<T>(limit: u32, rows: &[T]) -> u32 {
    let have = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    limit.saturating_sub(have).min(PAGE_ROWS_MAX)
}

async fn refused(cx: &mut Context<'_>, view: LogView) -> Done {
    let after = view.after.as_deref().map(str::parse).transpose();
    let after =
        after.map_err(|_| CliError::usage("--after takes a seq here", "use:  tollgate log --refused --after SEQ"))?;
    let mut rows = all_refused(cx, after).await?;
    if let Some(limit) = view.limit.map(|limit| limit as usize).filter(|limit| *limit < rows.len()) {
        // As for the log: the newest, or with --after the next ones.
        rows = if after.is_some() { rows[..limit].to_vec() } else { rows[rows.len() - limit..].to_vec() };
    }
    cx.rows(&rows, "no calls were refused before a token was known", refused_table)
}

/// The ring holds some thousand rows at most, so it is read whole.
async fn all_refused(cx: &Context<'_>, mut after: Option<u64>) -> Result<Vec<RefusedRow>, CliError> {
    let mut rows: Vec<RefusedRow> = Vec::new();
    loop {
        let page = cx.client.refused(after, Some(PAGE_ROWS_MAX)).await?;
        let is_last = page.items.is_empty() || page.next.is_none();
        after = page.items.last().map(|row| row.seq);
        rows.extend(page.items);
        if is_last {
            return Ok(rows);
        }
    }
}

async fn show(cx: &mut Context<'_>, seq: u64) -> Done {
    let row = cx.client.log_row(seq).await?;
    let mut names = Names::default();
    names.learn(cx, std::slice::from_ref(&row)).await;
    if cx.format != Format::Table {
        return cx.object(&row, |_| Vec::new());
    }
    let when = cx.when();
    row_facts(&row, when, &names.of(row.token)).iter().try_for_each(|line| cx.io.line(line))?;
    if let Some(explain) = &row.explain {
        cx.io.line("verdict")?;
        verdict::lines(explain).iter().try_for_each(|line| cx.io.line(&format!("  {line}")))?;
    }
    cx.io.line("headers")?;
    row.headers.iter().try_for_each(|(name, value)| cx.io.line(&format!("  {name}: {value}")))?;
    cx.io.line(if row.truncated { "body, its beginning" } else { "body" })?;
    cx.io.body("  ", &row.body)?;
    Ok(Exit::Ok)
}

fn rows_table(rows: &[LogRow], when: When, names: &Names) -> Table {
    let columns = [
        words("TIME"),
        numbers("SEQ"),
        words("FROM"),
        words("OUTCOME"),
        numbers("ST"),
        numbers("MS"),
        words("TOKEN"),
        words("TITLE OR FIRST REASON"),
    ];
    let mut table = Table::new(columns);
    rows.iter().for_each(|row| table.row(row_cells(row, when, names)));
    table
}

/// A row's cells in the order of every list of rows.
pub(super) fn row_cells(row: &LogRow, when: When, names: &Names) -> [String; 8] {
    [
        when.row(row.at),
        row.seq.to_string(),
        row.remote_ip.to_string(),
        outcome_words(row.outcome).to_owned(),
        row.status.to_string(),
        millis(row.latency_us),
        names.of(row.token),
        row.summary.clone(),
    ]
}

/// What wants to be seen is in capitals.
pub(super) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NoMatch => "NO MATCH",
        Outcome::Rejected => "REJECTED",
        other => other.as_str(),
    }
}

fn millis(micros: u64) -> String {
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}

fn row_facts(row: &LogRow, when: When, name: &str) -> Vec<String> {
    let query = if row.query.is_empty() { String::new() } else { format!("?{}", row.query) };
    let incidents: Vec<String> = row.incidents.iter().map(ToString::to_string).collect();
    facts(&[
        ("seq", row.seq.to_string()),
        ("time", when.full(row.at)),
        ("call", row.call.to_string()),
        ("token", format!("{name} {}", row.token)),
        ("from", format!("{}  {}", row.remote_ip, row.user_agent.as_deref().unwrap_or_default()).trim_end().to_owned()),
        ("target", format!("{} {}{query}", row.method, row.path)),
        (
            "outcome",
            format!("{}, answered {} in {} ms", outcome_words(row.outcome), row.status, millis(row.latency_us)),
        ),
        ("refused as", row.problem.clone().unwrap_or_default()),
        ("summary", row.summary.clone()),
        ("incidents", incidents.join(", ")),
        ("body", format!("{} bytes, {}", row.body_bytes, row.content_type.as_deref().unwrap_or("no content type"))),
    ])
}

fn refused_table(rows: &[RefusedRow], when: When) -> Table {
    let columns = [
        words("TIME"),
        numbers("SEQ"),
        words("FROM"),
        numbers("ST"),
        words("REASON"),
        words("TOKEN"),
        words("TARGET"),
        words("DETAIL"),
    ];
    let mut table = Table::new(columns);
    for row in rows {
        table.row([
            when.row(row.at),
            row.seq.to_string(),
            row.remote_ip.map(|ip| ip.to_string()).unwrap_or_default(),
            row.status.to_string(),
            row.reason.clone(),
            row.presented_id.clone().unwrap_or_default(),
            row.target.clone(),
            row.detail.clone(),
        ]);
    }
    table
}
