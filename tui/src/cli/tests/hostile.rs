//! What senders wrote comes out of every command and every export as text.

use std::sync::Arc;

use tollgate_shared::api::LogBounds;

use super::*;
use crate::hostile::{RECORDS, assert_harmless, page, rows};

/// Answers every page of the log with hostile rows.
fn hostile() -> FakeDaemon {
    let rows = Arc::new(rows());
    let log = LogBounds { last_seq: Some(RECORDS), ..LogBounds::default() };
    let status = StatusView { log, ..crate::client::testing::status() };
    FakeDaemon::start_as(&status, move |target, _| match target.strip_prefix("GET /v1/logs/") {
        Some(seq) => Reply::json(&rows[seq.parse::<usize>().unwrap() - 1]),
        None => Reply::json(&page(&rows, target)),
    })
}

#[tokio::test]
async fn ten_thousand_hostile_records_are_only_text_in_lists_and_exports() {
    let fake = hostile();
    let lists = ["table", "csv", "json", "jsonl"].map(|form| vec!["log", "--limit", "10000", "--output", form]);
    let exports = ["jsonl", "csv", "har"].map(|form| vec!["log", "export", "--output", form]);
    for words in lists.into_iter().chain(exports) {
        let did = tollgate(&fake, &words).await;
        assert_eq!(did.exit(), 0, "{words:?}: {}", did.err);
        assert_harmless(&format!("{words:?}"), &did.out, 50 * usize::try_from(RECORDS).unwrap());
        assert_harmless(&format!("{words:?}, notes"), &did.err, 0);
    }
    for seq in (1..=91).step_by(10).chain([9_000]) {
        let did = tollgate(&fake, &["log", "show", &seq.to_string()]).await;
        assert_harmless(&format!("row {seq}"), &did.out, 100);
    }
}
