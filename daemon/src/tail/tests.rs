use tollgate_shared::explain::{ConditionExplain, Explain, FilterExplain, PartExplain, Seen};
use tollgate_shared::filter::{Mode, Op};

use super::*;
use crate::store::testing::samples::log_row;

fn rows(seqs: impl IntoIterator<Item = u64>) -> Vec<Arc<LogRow>> {
    seqs.into_iter().map(|seq| log_row(seq, 0)).collect()
}

/// What a reader at `seq` is shown: `3` for a row, `4-5 lost` for a gap, `behind 7-9`.
fn shown(hub: &TailHub, seq: u64) -> Vec<String> {
    in_words(hub.after(seq, 100))
}

fn in_words(next: Next) -> Vec<String> {
    match next {
        Next::Behind { due, newest } => vec![format!("behind {due}-{newest}")],
        Next::Entries { entries, .. } => entries
            .into_iter()
            .map(|entry| match entry {
                TailEntry::Row(row) => row.seq.to_string(),
                TailEntry::Gap(gap) => format!("{}-{} {}", gap.from, gap.to, gap.reason.as_str()),
            })
            .collect(),
    }
}

fn heavy(seq: u64) -> Arc<LogRow> {
    let condition = ConditionExplain {
        path: "a".to_owned(),
        op: Op::Equals,
        values: "b".to_owned(),
        negate: false,
        ok: true,
        seen: Seen::Value("b".to_owned()),
        selected: 1,
    };
    let trigger = PartExplain {
        matched: true,
        match_all: false,
        mode: Mode::All,
        conditions_true: 8,
        conditions: vec![condition; 8],
    };
    let filter = FilterExplain {
        service_id: String::new(),
        service: String::new(),
        filter_id: String::new(),
        filter: String::new(),
        position: 1,
        trigger,
        resolve: None,
    };
    let explain = Some(Explain { matched: vec![filter; 1_000], ..Explain::default() });
    Arc::new(LogRow { explain, ..log_row(seq, 0).as_ref().clone() })
}

#[test]
fn a_reader_is_shown_what_comes_after_his_cursor_and_nothing_twice() {
    let hub = TailHub::new(2, 2);
    assert!(shown(&hub, 2).is_empty());
    hub.publish(&rows([3, 4]));
    assert_eq!(shown(&hub, 2), ["3", "4"]);
    assert_eq!(shown(&hub, 3), ["4"]);
    assert!(shown(&hub, 4).is_empty());
    assert_eq!(hub.newest(), 4);
}

#[test]
fn a_reader_from_before_the_start_is_sent_to_the_disk() {
    let hub = TailHub::new(9, 2);
    assert_eq!(shown(&hub, 4), ["behind 5-9"]);
    hub.publish(&rows([10]));
    assert_eq!(shown(&hub, 4), ["behind 5-10"]);
}

/// Seqs given out in a commit that failed never reach the log. A live reader who stood right before them was taken for a
/// slow one and skipped the row behind the hole. Now the hole is a gap in the ring and the row is shown.
#[test]
fn seqs_of_a_failed_commit_are_a_gap_and_the_row_behind_them_is_shown() {
    let hub = TailHub::new(5, 2);
    hub.publish(&rows([9]));
    assert_eq!(shown(&hub, 5), ["6-8 lost", "9"]);
    hub.publish(&rows([10, 12]));
    assert_eq!(shown(&hub, 9), ["10", "11-11 lost", "12"]);
}

#[test]
fn rows_that_did_not_reach_the_disk_are_one_gap() {
    let hub = TailHub::new(0, 2);
    hub.publish_lost(&rows([1, 2, 3]));
    hub.publish(&rows([4]));
    assert_eq!(shown(&hub, 0), ["1-3 lost", "4"]);
    assert_eq!(shown(&hub, 2), ["1-3 lost", "4"], "a reader inside the gap is told of all of it");
    hub.publish_lost(&[]);
    assert_eq!(hub.newest(), 4);
}

#[test]
fn a_reader_that_the_ring_has_passed_is_behind() {
    let hub = TailHub::new(0, 2);
    for seq in 1..=40 {
        hub.publish(&[heavy(seq)]);
    }
    assert_eq!(shown(&hub, 0), ["behind 1-40"], "the ring is bounded by what its rows hold");
    assert_eq!(shown(&hub, 39), ["40"]);
    let bytes = hub.lock().bytes;
    assert!(bytes <= RING_BYTES_MAX, "{bytes}");
}

#[test]
fn a_row_larger_than_the_ring_is_kept_until_the_next_one() {
    let hub = TailHub::new(0, 2);
    let body = "x".repeat(RING_BYTES_MAX + 1);
    hub.publish(&[Arc::new(LogRow { body, ..log_row(1, 0).as_ref().clone() })]);
    assert_eq!(shown(&hub, 0), ["1"]);
    hub.publish(&rows([2]));
    assert_eq!(shown(&hub, 1), ["2"]);
}

#[test]
fn open_tails_and_gaps_are_counted() {
    let hub = TailHub::new(0, 2);
    hub.open(Seat::Uid(Some(7))).unwrap();
    hub.count_gap();
    assert_eq!(hub.counts(), (1, 1));
    hub.close(Seat::Uid(Some(7)));
    assert_eq!(hub.counts(), (0, 1));
}

#[test]
fn one_uid_has_so_many_tails_and_another_one_its_own() {
    let hub = TailHub::new(0, 2);
    let (anna, piet) = (Seat::Uid(Some(1_000)), Seat::Uid(Some(1_001)));
    assert_eq!([anna, anna, anna, piet].map(|seat| hub.open(seat).is_ok()), [true, true, false, true]);
    assert_eq!(hub.open(anna).unwrap_err().to_string(), "2 tails of the log are open, which is the limit");
    hub.close(anna);
    assert!(hub.open(anna).is_ok());
}

/// The token of every third row, beginning with the first.
fn third() -> TokenId {
    crate::store::testing::samples::token_id(3)
}

fn mixed(seqs: impl IntoIterator<Item = u64>) -> Vec<Arc<LogRow>> {
    let row = |seq: u64| {
        let row = log_row(seq, 0).as_ref().clone();
        Arc::new(if seq % 3 == 1 { LogRow { token: third(), ..row } } else { row })
    };
    seqs.into_iter().map(row).collect()
}

fn heard(hub: &TailHub, listener: &Listener, limit: usize) -> (Vec<String>, u64) {
    let next = hub.hear(listener, limit);
    let to = if let Next::Entries { to, .. } = &next { *to } else { 0 };
    (in_words(next), to)
}

async fn is_rung(listener: &Listener) -> bool {
    tokio::time::timeout(std::time::Duration::ZERO, listener.rung()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_one_token_is_woken_for_its_rows_alone_and_passes_over_the_others() {
    let hub = TailHub::new(1, 2);
    let listener = hub.listen(Some([third()].into()), 1);
    hub.publish(&mixed(2..=3));
    assert!(!is_rung(&listener).await);
    assert_eq!(heard(&hub, &listener, 9), (vec![], 3), "nothing was missed up to there");
    hub.publish(&mixed(4..=12));
    assert!(is_rung(&listener).await);
    hub.publish(&mixed(13..=13));
    assert!(!is_rung(&listener).await, "it knows already");
    assert_eq!(heard(&hub, &listener, 2), (vec!["4".to_owned(), "7".to_owned()], 9));
    assert_eq!(heard(&hub, &listener, 9), (vec!["10".to_owned(), "13".to_owned()], 13));
    assert_eq!(heard(&hub, &listener, 9), (vec![], 13));
    hub.publish_lost(&mixed(14..=15));
    assert!(is_rung(&listener).await, "what was lost may have been for it");
    assert_eq!(heard(&hub, &listener, 9), (vec!["14-15 lost".to_owned()], 15));
    hub.leave(&listener);
    hub.publish(&mixed(16..=16));
    assert!(!is_rung(&listener).await);
}

#[test]
fn a_reader_of_one_token_is_behind_only_where_a_row_of_that_token_has_left_the_ring() {
    let hub = TailHub::new(0, 2);
    let (quiet, all) = (hub.listen(Some([third()].into()), 0), hub.listen(None, 0));
    (1..=40).for_each(|seq| hub.publish(&[heavy(seq)]));
    assert_eq!(heard(&hub, &all, 9).0, ["behind 1-40"]);
    assert_eq!(heard(&hub, &quiet, 9), (vec![], 40), "none of them was for it");
    hub.publish(&mixed(43..=43));
    (44..=90).for_each(|seq| hub.publish(&[heavy(seq)]));
    assert_eq!(heard(&hub, &quiet, 9).0, ["behind 41-90"], "with the hole before it, which is everybody's");
    hub.seek(&quiet, 90);
    assert_eq!(heard(&hub, &quiet, 9), (vec![], 90));
    hub.seek(&quiet, 89);
    assert_eq!(heard(&hub, &quiet, 9), (vec![], 90), "a row of another token");
}
