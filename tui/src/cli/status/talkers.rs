//! `tollgate status --talkers`: who calls most now.

use tollgate_shared::api::{Talker, TalkerTable, TalkersBy, TalkersView};

use crate::cli::context::{Context, Done};
use crate::cli::table::{Table, numbers, words};
use crate::cli::when::When;

pub(super) async fn run(cx: &mut Context<'_>, by: &str, rows: u32) -> Done {
    let by = TalkersBy::ALL.into_iter().find(|one| one.as_str().replace('_', "-") == by).unwrap_or_default();
    let talkers = cx.client.talkers(by, rows).await?;
    let when = cx.when();
    cx.object(&talkers, |talkers| lines(talkers, when))
}

fn lines(talkers: &TalkersView, when: When) -> Vec<String> {
    let mut lines = vec![format!("{}, the last 10 s and the last minute", when.full(talkers.now))];
    lines.extend(table("TOKEN", &talkers.tokens));
    match &talkers.addresses {
        Some(addresses) => lines.extend(table("ADDRESS", addresses)),
        None => lines.push("addresses: not shown to who sees single teams only".to_owned()),
    }
    lines.extend(table("SERVICE", &talkers.services));
    lines
}

fn table(head: &'static str, of: &TalkerTable) -> Vec<String> {
    let mut table = Table::new([
        words(head),
        numbers("CALLS/10S"),
        numbers("REFUSED"),
        numbers("NO MATCH"),
        numbers("CALLS/MIN"),
        numbers("REFUSED"),
        numbers("NO MATCH"),
    ]);
    of.rows.iter().chain(&of.others).for_each(|row| table.row(cells(row)));
    let mut lines = vec![String::new()];
    lines.extend(table.lines(None));
    let hidden = usize::try_from(of.known).unwrap_or(usize::MAX).saturating_sub(of.rows.len());
    match (of.rows.is_empty() && of.others.is_none(), hidden) {
        (true, _) => lines.push("nobody for a minute".to_owned()),
        (false, 0) => {}
        (false, hidden) => lines.push(format!("and {hidden} more; --top shows more of them")),
    }
    lines
}

fn cells(row: &Talker) -> [String; 7] {
    let (now, minute) = (row.last_10s, row.last_minute);
    let counts = [now.calls, now.refused, now.no_match, minute.calls, minute.refused, minute.no_match];
    let [a, b, c, d, e, f] = counts.map(|count| count.to_string());
    [row.name.clone(), a, b, c, d, e, f]
}

#[cfg(test)]
mod tests {
    use tollgate_shared::api::TalkerCounts;
    use tollgate_shared::time::Timestamp;

    use super::*;

    #[test]
    fn each_table_has_its_rows_the_others_and_says_how_many_there_are_more() {
        let counts = |calls| TalkerCounts { calls, refused: 2, no_match: 1 };
        let row = |name: &str, calls| Talker {
            id: None,
            name: name.to_owned(),
            last_10s: counts(calls),
            last_minute: counts(calls * 6),
        };
        let tokens =
            TalkerTable { rows: vec![row("am\u{1b}legacy", 50_000)], known: 3, others: Some(row("others", 7)) };
        let view = TalkersView { tokens, keys_max: 1_000, ..TalkersView::default() };
        let lines = lines(&view, When { now: Timestamp::default(), relative: false });
        assert_eq!(lines[2], "TOKEN         CALLS/10S  REFUSED  NO MATCH  CALLS/MIN  REFUSED  NO MATCH");
        assert!(lines[3].contains("legacy") && lines[3].contains("50000") && !lines[3].contains('\u{1b}'), "{lines:?}");
        assert!(lines[4].starts_with("others ") && lines[5] == "and 2 more; --top shows more of them");
        assert!(lines.contains(&"nobody for a minute".to_owned()));
        assert!(lines.contains(&"addresses: not shown to who sees single teams only".to_owned()));
    }
}
