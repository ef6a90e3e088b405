use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::store::testing::samples::{at, log_row, token_id};
use crate::store::{LogReader, LogSettings, LogStore, RedbLog};

const ROWS: u64 = 900;

/// Rows in commits of every size: single ones, folded ones, whole blocks.
fn rows() -> Vec<Arc<LogRow>> {
    let row = |seq: u64| {
        let outcome = Outcome::ALL[(seq / 7 % 8) as usize];
        let base = log_row(seq, seq.cast_signed() * 2);
        Arc::new(LogRow {
            token: token_id(1 + seq / 100 % 4),
            outcome,
            status: [201, 202, 400, 401, 503][(seq / 5 % 5) as usize],
            body: format!(r#"{{"sev":"{}","n":{}}}"#, ["Critical", "warning"][(seq % 2) as usize], seq % 10),
            summary: format!("disk {} full", seq % 3),
            ..base.as_ref().clone()
        })
    };
    (1..=ROWS).filter(|seq| seq % 97 != 0).map(row).collect()
}

fn on_disk(directory: &std::path::Path, rows: &[Arc<LogRow>]) -> RedbLog {
    let mut log = RedbLog::open(LogSettings::new(directory.to_owned())).unwrap();
    let mut rest = rows;
    for size in [1, 2, 126, 257, 40, 300, 9].into_iter().cycle() {
        let (commit, more) = rest.split_at(rest.len().min(size));
        log.append(commit, at(0)).unwrap();
        rest = more;
        if rest.is_empty() {
            return log;
        }
    }
    log
}

fn query() -> impl Strategy<Value = String> {
    let terms = [
        "token:{1}",
        "token:{2}",
        "token:{9}",
        "outcome:created",
        "outcome:rejected",
        "-outcome:no_match",
        "status:4xx",
        "status:>=400",
        "status:<300",
        "since:10m",
        "since:25m",
        "until:5m",
        "until:20m",
        "seq:>300",
        "seq:<=640",
        "seq:7",
        "disk",
        "\"disk 1\"",
        "body.sev = critical",
        "body.n > 7",
        "body:warning",
        "nothing",
    ];
    let id =
        |text: &str| (1..10).fold(text.to_owned(), |text, n| text.replace(&format!("{{{n}}}"), token_id(n).as_str()));
    prop::sample::select(terms.map(id).to_vec()).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" or "))),
            inner.prop_map(|inner| format!("not {inner}")),
        ]
    })
}

/// All seqs that a query finds, in readings of 50 rows.
fn found(reader: &dyn LogReader, wanted: &LogQuery, forwards: bool) -> Vec<u64> {
    let (hints, pass, mut seqs) = (wanted.hints(), |row: &LogRow| wanted.passes(row), Vec::new());
    let mut place = None;
    loop {
        let all = Timestamp::from_micros(i64::MIN);
        let page = match forwards {
            true => reader.after(place.unwrap_or(0), all, 50, 70, &hints, &pass),
            false => reader.before(place, all, 50, 70, &hints, &pass),
        };
        let page = page.unwrap();
        seqs.extend(page.rows.iter().map(|row| row.seq));
        place = page.scanned_to.or(place);
        if page.done {
            seqs.sort_unstable();
            return seqs;
        }
    }
}

#[test]
fn the_store_with_hints_finds_what_asking_every_row_finds() {
    let directory = tempfile::tempdir().unwrap();
    let rows = rows();
    let log = on_disk(directory.path(), &rows);
    let (reader, now) = (log.reader(), at(1_800));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    let run = runner.run(&query(), |text| {
        let wanted = LogQuery::asking(&text, now);
        let plain: Vec<u64> =
            rows.iter().filter(|row| wanted.bound().passes(row.as_ref())).map(|row| row.seq).collect();
        prop_assert_eq!(found(reader.as_ref(), &wanted, true), plain.clone(), "{}", text);
        prop_assert_eq!(found(reader.as_ref(), &wanted, false), plain.clone(), "{}", text);
        if let Some(after) = wanted.begins_after() {
            prop_assert!(plain.first().is_none_or(|first| *first > after), "{}", text);
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn nothing_can_be_followed_whose_end_is_over() {
    let over = |text: &str| LogQuery::asking(text, at(600)).is_over(40);
    assert!(over("until:5m") && over("seq:<=40") && over("token:s_0000000001 token:s_0000000002"));
    assert!(!over("until:2100-01-01") && !over("seq:<=41") && !over("since:5m") && !over(""));
}
