//! `tollgate audit`.

use std::io::Write as _;

use chrono::SecondsFormat;
use tollgate_shared::api::{AuditVerdict, Screen};
use tollgate_shared::audit::AuditRow;

use super::args::{AuditArgs, AuditVerb, AuditView};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::log::older;
use super::table::{Table, facts, numbers, words};
use super::when::When;
use super::{asked, csv};
use crate::client::AuditQuery;

/// Rows where nobody says how many.
const ROWS_DEFAULT: u32 = 100;
/// Rows of one page.
const PAGE_ROWS_MAX: u32 = 1_000;

/// The head of an export; the order never changes.
const EXPORT_HEAD: [&str; 13] = [
    "seq",
    "at",
    "actor",
    "uid",
    "login_uid",
    "pid",
    "origin",
    "action",
    "target",
    "detail",
    "request_id",
    "previous",
    "hash",
];

pub(super) async fn run(cx: &mut Context<'_>, args: AuditArgs) -> Done {
    match args.verb {
        Some(_) if args.view != AuditView::default() || args.limit.is_some() => {
            Err(CliError::usage("options stand behind the verb", "use:  tollgate audit export --since 30d"))
        }
        Some(AuditVerb::Verify) => verify(cx).await,
        Some(AuditVerb::Export { view }) => {
            let query = query(cx, view).await?;
            export(cx, query).await
        }
        None => {
            let limit = args.limit.unwrap_or(ROWS_DEFAULT);
            let query = query(cx, args.view).await?;
            let rows = rows(cx, query, Some(limit)).await?;
            cx.rows(&rows, "no such changes", table)
        }
    }
}

async fn query(cx: &Context<'_>, view: AuditView) -> Result<AuditQuery, CliError> {
    Ok(AuditQuery {
        q: asked::text(cx, Screen::Audit, &view.asked).await?,
        actor: view.actor,
        action: view.action,
        target: view.target,
        since_secs: view.since.map(|since| since.as_secs()),
        ..AuditQuery::default()
    })
}

/// The newest rows that fit, `limit` of them or all.
pub(super) async fn rows(
    cx: &Context<'_>,
    mut query: AuditQuery,
    limit: Option<u32>,
) -> Result<Vec<AuditRow>, CliError> {
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    let mut rows: Vec<AuditRow> = Vec::new();
    loop {
        let missing = u32::try_from(limit - rows.len()).unwrap_or(PAGE_ROWS_MAX);
        query.limit = Some(missing.min(PAGE_ROWS_MAX));
        let page = cx.client.audit_rows(&query).await.map_err(|error| asked::drawn(error, query.q.as_ref()))?;
        rows.extend(page.items);
        query.before = older(page.next.as_deref(), query.before);
        if query.before.is_none() || rows.len() >= limit {
            rows.truncate(limit);
            return Ok(rows);
        }
    }
}

async fn verify(cx: &mut Context<'_>) -> Done {
    let verdict = cx.client.verify_audit().await?;
    cx.object(&verdict, verdict_facts)?;
    Ok(if verdict.intact { Exit::Ok } else { Exit::Failure })
}

pub(super) fn verdict_facts(verdict: &AuditVerdict) -> Vec<String> {
    let chain = match verdict.broken_at {
        _ if verdict.intact => "intact".to_owned(),
        Some(seq) => format!("BROKEN at row {seq}"),
        None => "BROKEN".to_owned(),
    };
    facts(&[
        ("chain", chain),
        ("detail", verdict.detail.clone()),
        ("rows", verdict.rows.to_string()),
        ("head", verdict.head.clone()),
        ("newest", verdict.newest.as_ref().map(|row| format!("row {} at {}", row.seq, row.at)).unwrap_or_default()),
    ])
}

/// Page by page: an audit of years does not have to fit into memory.
async fn export(cx: &mut Context<'_>, mut query: AuditQuery) -> Done {
    query.limit = Some(PAGE_ROWS_MAX);
    if cx.csv {
        writeln!(cx.io.out, "{}", csv::line(EXPORT_HEAD))?;
    }
    loop {
        let page = cx.client.audit_rows(&query).await.map_err(|error| asked::drawn(error, query.q.as_ref()))?;
        for row in &page.items {
            match cx.csv {
                true => writeln!(cx.io.out, "{}", csv_line(row))?,
                false => cx.io.json(row, false)?,
            }
        }
        query.before = older(page.next.as_deref(), query.before);
        if query.before.is_none() {
            return Ok(Exit::Ok);
        }
    }
}

fn csv_line(row: &AuditRow) -> String {
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let cells = [
        row.seq.to_string(),
        row.at.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true),
        row.actor.clone(),
        number(row.uid),
        number(row.login_uid),
        row.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        row.origin.clone(),
        row.action.clone(),
        row.target.clone(),
        row.detail.clone(),
        row.request_id.clone().unwrap_or_default(),
        row.previous.clone(),
        row.hash.clone(),
    ];
    let safe = cells.map(|cell| crate::safe_text::SafeText::new(&cell).to_plain().into_owned());
    csv::safe_line(safe.iter().map(String::as_str))
}

pub(super) fn table(rows: &[AuditRow], when: When) -> Table {
    let columns = [
        numbers("SEQ"),
        words("TIME"),
        words("WHO"),
        words("ORIGIN"),
        words("ACTION"),
        words("TARGET"),
        words("DETAIL"),
    ];
    let mut table = Table::new(columns);
    for row in rows {
        let (seq, at) = (row.seq.to_string(), when.of(row.at));
        let (action, target) = (row.action.clone(), row.target.clone());
        table.row([seq, at, who(row), row.origin.clone(), action, target, row.detail.clone()]);
    }
    table
}

/// Under sudo the person is the one who logged in.
fn who(row: &AuditRow) -> String {
    match row.login_uid.filter(|login| row.uid.is_some_and(|uid| uid != *login)) {
        Some(login) => format!("{} (login: uid {login})", row.actor),
        None => row.actor.clone(),
    }
}
