//! The API log and what was refused: pages. The live tail is next door.

use std::sync::Arc;

use http::Response;
use tollgate_shared::api::Page;
use tollgate_shared::limits::LOG_ROW_SECS;
use tollgate_shared::log::LogRow;
use tollgate_shared::problem::{Problem, Slug};

use super::answers::{ok, read};
use super::audit;
use super::params::Call;
use super::tail::{self, Cursor, LogQuery, SCAN_ROWS};
use crate::core::access::{Actor, Operation, Sight, Target, allows};
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::store::{LogHints, LogPage, StoreError};

/// Readings of one request: some seconds of one core, where nothing is skipped.
const READINGS_MAX: usize = 15;

/// Parameters of the list beside those that ask for rows.
const PLACES: [&str; 5] = ["limit", "before", "after", "follow", "last"];

pub(super) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let known: Vec<_> = tail::PARAMETERS.into_iter().chain(PLACES).collect();
    let query = call.query(&known)?;
    let wanted = LogQuery::parse(&call.daemon, &call.actor, &query)?;
    let follows = query.parsed::<bool>("follow")?.unwrap_or(false);
    if follows && wanted.is_over(call.daemon.tail.newest()) {
        let detail = "q: no row that is still to come can fit, so there is nothing to follow; ask without follow";
        return Err(Problem::new(Slug::Validation, detail).with_error("q", "nothing that is still to come fits"));
    }
    audit::reading(call, if follows { "log.tail" } else { "log.read" }).await?;
    if follows {
        let last = query.parsed::<usize>("last")?.unwrap_or(0);
        return tail::stream(call, wanted, last);
    }
    let limit = query.limit()?;
    let (before, after) = (query.parsed::<u64>("before")?, wanted.after);
    let store_id = call.daemon.facts.store_id;
    let cutoff = call.daemon.clock.now().plus_secs(-LOG_ROW_SECS);
    let page = read(&call.daemon, move |daemon| {
        if wanted.bound().hints().pass_nothing() {
            return Ok(LogPage { done: true, ..LogPage::default() });
        }
        let pass = |row: &LogRow| wanted.passes(row);
        let hints = wanted.hints();
        match after {
            Some(after) => filled(limit, Some(after), |at, limit| {
                daemon.log_reader.after(at.unwrap_or(0), cutoff, limit, SCAN_ROWS, &hints, &pass)
            }),
            None => {
                filled(limit, before, |at, limit| daemon.log_reader.before(at, cutoff, limit, SCAN_ROWS, &hints, &pass))
            }
        }
    })
    .await?;
    Ok(ok(&rising(page, after.is_some(), store_id)))
}

/// Reads on from `start` until the page is full, the log ends, or so much was looked at that the answer would be late: one
/// reading looks at a bounded stretch only. A page that is not full has a `next` where there is more.
fn filled(
    limit: usize,
    start: Option<u64>,
    read: impl Fn(Option<u64>, usize) -> Result<LogPage, StoreError>,
) -> Result<LogPage, StoreError> {
    let mut page = read(start, limit)?;
    let mut readings = 1;
    while !page.done && page.rows.len() < limit && page.scanned_to.is_some() && readings < READINGS_MAX {
        readings += 1;
        let more = read(page.scanned_to, limit - page.rows.len())?;
        page.rows.extend(more.rows);
        page.done = more.done || more.scanned_to.is_none();
        page.scanned_to = more.scanned_to.or(page.scanned_to);
    }
    Ok(page)
}

/// Rows rise whichever way they were read; `next` is where that reading goes on.
fn rising(page: LogPage, forwards: bool, store_id: u64) -> Page<LogRow> {
    let LogPage { mut rows, scanned_to, done, .. } = page;
    let next = scanned_to.filter(|_| !done);
    if forwards {
        return Page { items: rows, next: next.map(|seq| Cursor { store_id, seq }.to_string()) };
    }
    rows.reverse();
    Page { items: rows, next: next.map(|seq| seq.to_string()) }
}

pub(super) async fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let row = row(call).await?;
    audit::reading(call, "log.read").await?;
    Ok(ok(&row))
}

/// The row that the path names.
///
/// # Errors
/// No number, no row any more, or the row of a token that the caller may not see.
pub(super) async fn row(call: &Call) -> Result<LogRow, Problem> {
    let seq: u64 = call.reference("seq").parse().map_err(|_| {
        Problem::new(Slug::Validation, "a row of the log is named by its seq, a number").with_error("seq", "no number")
    })?;
    row_at(&call.daemon, &call.actor, seq).await
}

/// One row of the log.
///
/// # Errors
/// No such row any more, or the row of a token that the actor may not see.
pub(super) async fn row_at(daemon: &Arc<Daemon>, actor: &Actor, seq: u64) -> Result<LogRow, Problem> {
    let cutoff = daemon.clock.now().plus_secs(-LOG_ROW_SECS);
    let page = read(daemon, move |daemon| {
        daemon.log_reader.after(seq.saturating_sub(1), cutoff, 1, 1, &LogHints::default(), &|row| row.seq == seq)
    })
    .await?;
    let gone = || Problem::new(Slug::NotFound, format!("row {seq} is not in the log: rows are erased after 48 h"));
    let row = page.rows.into_iter().next().ok_or_else(gone)?;
    if !Sight::new(actor, &daemon.registry.load()).token(Operation::ReadLog, row.token) {
        return Err(Problem::new(Slug::Forbidden, "the row is of a token that you may not see"));
    }
    Ok(row)
}

/// What had no known token belongs to no team: for those who see everything.
pub(super) fn refused(call: &Call) -> Result<Response<Body>, Problem> {
    allows(&call.actor, Operation::ReadLog, Target::Global)?;
    let query = call.query(&["after", "limit"])?;
    let after = query.parsed("after")?.unwrap_or(0);
    Ok(ok(&Page { items: call.daemon.refused.after(after, query.limit()?), next: None }))
}
