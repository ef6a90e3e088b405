//! Rows of the log that are fetched apart from the tails, and the counts over them.

use crate::app::msg::Rows;
use crate::app::query::{LogFilter, moment};
use crate::app::tail::Page;
use crate::client::{Client, ClientError, LogQuery};

/// Rows of a page of the list.
const ROWS: u32 = 200;
/// Rows of a gap that are loaded at a time.
const GAP_ROWS: u32 = 1_000;
/// Answers in which one row is looked for. Each is of a stretch of the log that the daemon looks through at a time.
const STRETCHES_MAX: u32 = 100;

/// One page.
pub(super) async fn rows(client: &Client, filter: &LogFilter, page: Page) -> Result<Rows, ClientError> {
    let mut query = query(filter, page);
    let limit = query.limit.unwrap_or(ROWS) as usize;
    let forward = query.after.is_some();
    let mut answer = client.logs(&query).await?;
    let seeks = matches!(page, Page::LastBefore(..) | Page::FirstAfter(..));
    for _ in 1..if seeks { STRETCHES_MAX } else { 1 } {
        match answer.next.take_if(|_| answer.items.is_empty()) {
            // Going forward there is always one, which stays where it is at the end.
            Some(next) if forward && query.after.as_ref() != Some(&next) => query.after = Some(next),
            Some(_) if forward => break,
            Some(next) => query.before = next.parse().ok(),
            None => break,
        }
        answer = client.logs(&query).await?;
    }
    // Going forward there is always a cursor for rows to come; a page that is not full was the last.
    let more = if forward { answer.items.len() >= limit } else { answer.next.is_some() };
    Ok(Rows { rows: answer.items, more })
}

fn query(filter: &LogFilter, page: Page) -> LogQuery {
    let base = LogQuery { token: filter.token.clone(), limit: Some(ROWS), q: filter.asked(""), ..LogQuery::default() };
    let behind = |seq: u64| Some(seq.to_string());
    match page {
        Page::Older { before } => LogQuery { before: Some(before), ..base },
        Page::Newer { after } => LogQuery { after: behind(after), ..base },
        Page::Gap { from, to } => {
            let q = filter.asked(&format!("seq:<={to}"));
            LogQuery { q, after: behind(from.saturating_sub(1)), limit: Some(GAP_ROWS), ..base }
        }
        Page::Newest => base,
        Page::From(at) => LogQuery { q: filter.asked(&format!("since:{}", moment(at))), after: behind(0), ..base },
        Page::UpTo(seq) | Page::Again(seq) => LogQuery { before: Some(seq.saturating_add(1)), ..base },
        Page::LastBefore(_, seq) => LogQuery { before: Some(seq), limit: Some(1), ..base },
        Page::FirstAfter(_, seq) => LogQuery { after: behind(seq), limit: Some(1), ..base },
    }
}

/// The counts of what a filter's query asks for.
pub(super) async fn counts(
    client: &Client,
    filter: &LogFilter,
    buckets: u16,
) -> Result<tollgate_shared::api::LogHistogram, ClientError> {
    // A length of time stays the same question while time passes: the daemon audits each new one.
    let query = LogQuery { q: filter.asked(""), token: filter.token.clone(), ..LogQuery::default() };
    client.histogram(&query, buckets.into()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tail::Sought;
    use tollgate_shared::query::{LOGS, Query};

    #[test]
    fn each_page_asks_for_its_rows_and_no_others() {
        let filter = LogFilter { text: "a or b".into(), ..LogFilter::default() };
        let at = crate::app::fixtures::now();
        let pages = [
            Page::Older { before: 5 },
            Page::Newer { after: 5 },
            Page::Gap { from: 6, to: 8 },
            Page::From(at),
            Page::UpTo(5),
            Page::Again(5),
            Page::Newest,
            Page::LastBefore(Sought::Failed, 5),
            Page::FirstAfter(Sought::Text, 5),
        ];
        for page in pages {
            let asked = query(&filter, page);
            let q = asked.q.unwrap();
            assert!(Query::parse(&q, &LOGS).is_ok() && q.starts_with("(a or b)"), "{page:?}: {q}");
            assert!(asked.before.is_some() != asked.after.is_some() || page == Page::Newest, "{page:?}");
        }
        let gap = query(&filter, Page::Gap { from: 6, to: 8 });
        assert_eq!((gap.after.as_deref(), gap.q.as_deref()), (Some("5"), Some("(a or b) seq:<=8")));
    }
}
