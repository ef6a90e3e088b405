use super::wanted::NotACursor;
use tollgate_shared::log::TailItem;

use super::*;
use crate::core::testing::World;
use crate::daemon::testing::daemon;
use crate::store::LogStore;
use crate::store::testing::naive::NaiveStore;
use crate::store::testing::naive_log::NaiveLog;
use crate::store::testing::samples::log_row;

/// A reader's stream: `3` for a row, `4-5 lost` for a gap; heartbeats are left out.
struct Screen {
    tail: Tail,
    lines: mpsc::Receiver<Bytes>,
}

/// A tail at `at` over a log with rows `on_disk`, of which the newest was published.
fn screen(on_disk: &[u64], published: u64, at: u64) -> Screen {
    let mut log = NaiveLog::default();
    let rows: Vec<_> = on_disk.iter().map(|seq| log_row(*seq, 0)).collect();
    log.append(&rows, crate::core::testing::START).unwrap();
    let daemon = daemon(&NaiveStore::default(), &log, World::empty().registry, published);
    let (lines, receiver) = mpsc::channel(64);
    let query = LogQuery::asking("", crate::core::testing::START);
    let tail = Tail { at, ..Tail::new(daemon, query, Actor::daemon(), lines) };
    Screen { tail, lines: receiver }
}

impl Screen {
    fn shown(&mut self) -> Vec<String> {
        let mut shown = Vec::new();
        while let Ok(chunk) = self.lines.try_recv() {
            for line in chunk.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                match serde_json::from_slice::<TailItem>(line).unwrap() {
                    TailItem::Row(row) => shown.push(row.seq.to_string()),
                    TailItem::Gap(gap) => shown.push(format!("{}-{} {}", gap.from, gap.to, gap.reason.as_str())),
                    TailItem::Heartbeat(_) => {}
                    TailItem::End(problem) => shown.push(problem.title.clone()),
                }
            }
        }
        shown
    }
}

#[test]
fn a_cursor_reads_back_as_it_was_written_and_nothing_else_is_one() {
    let cursor = Cursor { store_id: u64::MAX, seq: 7 };
    assert_eq!(cursor.to_string(), "ffffffffffffffff.7");
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for bad in ["", "7", "x.7", "1.", ".1", "1.-2", "1.2.3"] {
        assert_eq!(bad.parse::<Cursor>(), Err(NotACursor), "{bad}");
    }
}

#[test]
fn rows_and_holes_come_in_rising_seq() {
    let rows = [1, 4, 7].map(|seq| log_row(seq, 0).as_ref().clone());
    let seqs: Vec<_> = interleaved(&rows, &[(5, 6), (2, 3)])
        .into_iter()
        .map(|line| match line {
            Line::Row(row) => (row.seq, row.seq),
            Line::Gap(gap) => (gap.from, gap.to),
            Line::Heartbeat(_) | Line::End(_) => panic!("none was given"),
        })
        .collect();
    assert_eq!(seqs, [(1, 1), (2, 3), (4, 4), (5, 6), (7, 7)]);
}

#[tokio::test]
async fn history_shows_rows_and_holes_and_what_was_published_but_is_not_on_disk() {
    let mut screen = screen(&[1, 2, 5], 7, 0);
    assert!(screen.tail.history().await.is_ok());
    assert_eq!(screen.shown(), ["1", "2", "3-4 lost", "5", "6-7 lost"]);
    assert_eq!(screen.tail.at, 7);
}

#[tokio::test]
async fn what_was_erased_after_48_hours_is_told_as_expired() {
    let mut screen = screen(&[4, 5], 5, 1);
    assert!(screen.tail.history().await.is_ok());
    assert_eq!(screen.shown(), ["2-3 expired", "4", "5"]);
}

#[tokio::test]
async fn an_empty_log_is_expired_up_to_what_was_published() {
    let mut screen = screen(&[], 5, 1);
    assert!(screen.tail.history().await.is_ok());
    assert_eq!((screen.shown(), screen.tail.at), (vec!["2-5 expired".to_owned()], 5));
}

/// A reader that took its time with a page of history found the ring beyond his place and was told that rows were lost
/// which were on disk. Now only what was published before the page was read can be lost; the rest is read again.
#[tokio::test]
async fn rows_published_while_history_is_sent_are_not_lost() {
    let mut screen = screen(&[1, 2, 3], 3, 3);
    let far: Vec<_> = [50, 51].map(|seq| log_row(seq, 0)).to_vec();
    screen.tail.daemon.tail.publish(&far);
    assert!(screen.tail.close_history(3).await.is_ok());
    assert!(screen.shown().is_empty());
    assert_eq!(screen.tail.at, 3);
}

#[tokio::test]
async fn a_slow_live_reader_is_told_how_much_he_missed_and_goes_on_at_the_newest() {
    let mut screen = screen(&[], 10, 3);
    assert!(screen.tail.skip(4, 10).await.is_ok());
    assert_eq!((screen.shown(), screen.tail.at), (vec!["4-10 slow_reader".to_owned()], 10));
    assert_eq!(screen.tail.daemon.tail.counts().1, 1);
}

/// He takes nothing at all: what waits for him is bounded, and when he goes on he is told what he missed.
#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_told_a_gap_when_he_goes_on() {
    let mut screen = screen(&[], 0, 0);
    let (lines, receiver) = mpsc::channel(QUEUE_CHUNKS);
    (screen.tail.lines, screen.lines) = (lines, receiver);
    let daemon = screen.tail.daemon.clone();
    let Screen { mut tail, mut lines } = screen;
    let task = tokio::spawn(async move { drop(tail.follow(0).await) });
    tokio::task::yield_now().await;
    let rows: Vec<_> = (1..=3_000).map(big_row).collect();
    for chunk in rows.chunks(50) {
        daemon.tail.publish(chunk);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(3_000)).await;
    let (mut held, mut next, mut missed) = (0, 1, 0);
    while next <= 3_000 {
        let chunk = lines.recv().await.unwrap();
        held += if missed == 0 { chunk.len() } else { 0 };
        for line in chunk.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<TailItem>(line).unwrap() {
                TailItem::Row(row) => next = row.seq + 1,
                TailItem::Gap(gap) => {
                    assert_eq!((gap.from, gap.reason), (next, GapReason::SlowReader));
                    (missed, next) = (gap.count, gap.to + 1);
                }
                TailItem::Heartbeat(_) | TailItem::End(_) => {}
            }
        }
    }
    assert!(missed > 1_000, "{missed}");
    assert!(held < 1 << 20, "{held} bytes waited");
    drop(lines);
    task.await.unwrap();
}

fn big_row(seq: u64) -> Arc<LogRow> {
    Arc::new(LogRow { body: "x".repeat(16 * 1_024), ..log_row(seq, 0).as_ref().clone() })
}
