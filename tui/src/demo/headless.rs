//! The demo without a terminal: the tail as it comes, then a summary of what the daemon counted.

use std::time::Duration;

use tollgate_shared::log::{LogRow, TailItem};

use super::DemoError;
use crate::cli::{Exit, Io};
use crate::client::{Client, Follow, FollowItem, LogQuery};
use crate::safe_text::SafeText;
use crate::term::signals::{Signal, Signals};

/// Prints rows for `seconds`, then the summary. A signal ends it early; the stage is struck all the same.
pub(super) async fn show(client: &Client, io: &mut Io, signals: &mut Signals, seconds: u32) -> Result<Exit, DemoError> {
    let line = |io: &mut Io, text: &str| io.line(text).map_err(DemoError::Output);
    let status = client.status().await.map_err(DemoError::Tail)?;
    line(io, &format!("tollgate demo: a daemon at {}, for {seconds} s; all of it goes at the end", status.listen))?;
    line(io, "TIME          SEQ  TOKEN         OUTCOME     ST      MS  TITLE OR FIRST REASON")?;
    let query = LogQuery { after: Some("0".to_owned()), ..LogQuery::default() };
    let mut follow = Follow::start(client, query).await.map_err(DemoError::Tail)?;
    let end = tokio::time::sleep(Duration::from_secs(u64::from(seconds)));
    tokio::pin!(end);
    let mut exit = Exit::Ok;
    loop {
        let item = tokio::select! {
            biased;
            () = &mut end => break,
            signal = signals.next() => match signal {
                Signal::Terminate | Signal::HangUp | Signal::Interrupt => {
                    exit = Exit::Interrupted;
                    break;
                }
                Signal::Continue | Signal::WindowChange => continue,
            },
            item = follow.next() => item.map_err(DemoError::Tail)?,
        };
        match item {
            FollowItem::Tail(TailItem::Row(row)) => line(io, &row_line(client, &row).await)?,
            FollowItem::Tail(TailItem::Gap(gap)) => {
                line(io, &format!("-------- {} rows are missing: {}", gap.count, gap.reason.as_str()))?;
            }
            FollowItem::Tail(TailItem::Heartbeat(_) | TailItem::End(_))
            | FollowItem::Lost { .. }
            | FollowItem::Resumed => {}
        }
    }
    summary(client, io).await?;
    Ok(exit)
}

async fn row_line(client: &Client, row: &LogRow) -> String {
    let name = client.token(row.token.as_str()).await.map_or_else(|_| row.token.to_string(), |token| token.name);
    let time = row.at.to_utc().format("%H:%M:%S");
    let millis = format!("{}.{}", row.latency_us / 1_000, row.latency_us % 1_000 / 100);
    let fields = format!("{time} {:>8}  {name:<12}  {:<10} {:>3} {millis:>7}  ", row.seq, row.outcome, row.status);
    SafeText::new(&(fields + &row.summary)).to_plain().into_owned()
}

async fn summary(client: &Client, io: &mut Io) -> Result<(), DemoError> {
    let status = client.status().await.map_err(DemoError::Tail)?;
    let (calls, counters) = (status.counters.calls, status.counters);
    let lines = [
        String::new(),
        format!(
            "{} calls: {} created, {} attached, {} resolved, {} duplicate, {} matched nothing, {} refused",
            calls.total(),
            calls.created,
            calls.attached,
            calls.resolved,
            calls.duplicate,
            calls.no_match,
            calls.rejected
        ),
        format!("{} refused before a token was known (wrong or revoked)", counters.refused),
        format!("{} incidents open, {} of them P1", status.open_incidents, status.open_p1),
        format!("{} log rows on disk in {} commits of the state", counters.log_rows, counters.commits),
    ];
    lines.iter().try_for_each(|text| io.line(text)).map_err(DemoError::Output)
}
