//! `tollgate log --follow`: a line for each row as it comes, until ctrl-c.

use std::io::Write as _;
use std::pin::pin;

use tollgate_shared::log::{Gap, GapReason, LogRow, TailItem};

use super::args::{Format, LogView};
use super::asked;
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::log::{query, row_cells};
use super::names::Names;
use super::verdict::count;
use super::when::When;
use crate::client::{Follow, FollowItem};
use crate::safe_text::{Ellipsis, SafeText};

/// Rows to begin with where nobody says how many, as `tail -f` has them.
const LAST_DEFAULT: u32 = 10;

pub(super) async fn run(cx: &mut Context<'_>, view: LogView, q: Option<String>) -> Done {
    let has_beginning = view.since.is_some() || view.after.is_some();
    let last = if has_beginning { view.limit } else { view.limit.or(Some(LAST_DEFAULT)) };
    let mut query = query(view, q.clone());
    query.last = last;
    // One future for the whole follow: a ctrl-c that comes while a row is written counts too.
    let mut names = Names::default();
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut follow = Follow::start(cx.client, query).await.map_err(|error| asked::drawn(error, q.as_ref()))?;
    loop {
        let item = tokio::select! {
            biased;
            _ = &mut interrupt => return Ok(Exit::Interrupted),
            item = follow.next() => item?,
        };
        match item {
            FollowItem::Tail(item) => write_item(cx, &item, &mut names).await?,
            FollowItem::Lost { error, retry_in } => {
                cx.note(&format!("tollgate: {error}; trying again in {} ms", retry_in.as_millis()));
            }
            FollowItem::Resumed => cx.note("tollgate: connected again, going on after the last row"),
        }
    }
}

async fn write_item(cx: &mut Context<'_>, item: &TailItem, names: &mut Names) -> Result<(), CliError> {
    let when = cx.when();
    match (cx.format, item) {
        (Format::Table | Format::Csv | Format::Har, TailItem::Row(row)) => {
            let width = cx.io.out_is_tty.then_some(cx.io.width);
            names.learn(cx, std::slice::from_ref(row.as_ref())).await;
            let line = row_line(row, when, width, names);
            writeln!(cx.io.out, "{line}")?;
        }
        (Format::Table | Format::Csv | Format::Har, TailItem::Gap(gap)) => cx.io.line(&gap_words(gap))?,
        // An end is an error by then, and told as one.
        (Format::Table | Format::Csv | Format::Har, TailItem::Heartbeat(_) | TailItem::End(_)) => {}
        // An array without end is no JSON: both forms are lines.
        (Format::Json | Format::Jsonl, item) => cx.io.json(item, false)?,
    }
    Ok(cx.io.out.flush()?)
}

/// Fixed columns, because the rows to come are not known; safe.
fn row_line(row: &LogRow, when: When, width: Option<usize>, names: &Names) -> String {
    let [time, seq, from, outcome, status, millis, token, summary] = row_cells(row, when, names);
    let line = format!("{time}  {seq:>8}  {from:<15}  {outcome:<10}  {status:>3}  {millis:>6}  {token}  {summary}");
    let plain = SafeText::new(&line).to_plain().into_owned();
    match width {
        Some(width) => SafeText::new(&plain).truncate(width, Ellipsis::Ascii).as_screen_str().to_owned(),
        None => plain,
    }
}

fn gap_words(gap: &Gap) -> String {
    let why = match gap.reason {
        GapReason::SlowReader => "this reader was too slow",
        GapReason::Expired => "older than 48 h",
        GapReason::Shed => "the daemon was short of disk",
        GapReason::Lost => "the daemon lost them in a crash or a failed write",
    };
    format!("-------- {} not shown, {} to {}: {why}", count(gap.count, "row"), gap.from, gap.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_how_many_rows_are_missing_and_why() {
        let gap = Gap { from: 5, to: 7, count: 3, reason: GapReason::SlowReader };
        assert_eq!(gap_words(&gap), "-------- 3 rows not shown, 5 to 7: this reader was too slow");
    }
}
