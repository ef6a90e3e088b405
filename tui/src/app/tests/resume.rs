//! What one console leaves, the next one takes.

use proptest::prelude::*;
use tollgate_shared::api::LogBounds;
use tollgate_shared::log::{Gap, GapReason};

use super::events::{check, event, message};
use super::*;
use crate::app::logs::LogTab;
use crate::app::query::Range;
use crate::app::resume::{Kept, Mark, keep, take};
use crate::app::tail::{Entry, Left};
use crate::app::times::Form;

/// The next console, before it has heard anything.
fn next(kept: &Kept) -> Model {
    let mut model = Model::new(now(), 80, 24);
    update(&mut model, Msg::Resume(Ok(Some(Box::new(kept.clone())))), now());
    model
}

/// A log with these rows.
fn bounds(first: u64, last: u64) -> LogBounds {
    LogBounds { first_seq: Some(first), last_seq: Some(last), ..LogBounds::default() }
}

fn connect(model: &mut Model, log: LogBounds) -> crate::app::Effects {
    let status = tollgate_shared::api::StatusView { log, ..fixtures::status() };
    tell(model, Net::Connected(Box::new(status)))
}

fn followed(effects: &crate::app::Effects) -> (Option<String>, u32) {
    let follow = effects.list.iter().find_map(|effect| match effect {
        Effect::Follow { slot: Slot::Log, after, last, .. } => Some((after.clone(), *last)),
        _ => None,
    });
    follow.expect("the log is followed")
}

fn arrive(model: &mut Model, items: Vec<crate::app::held::HeldItem>) {
    let generation = model.logs.tail.generation;
    tell(model, Net::Tail { slot: Slot::Log, generation, items });
}

fn rows(seqs: std::ops::RangeInclusive<u64>) -> Vec<crate::app::held::HeldItem> {
    seqs.map(|seq| TailItem::Row(fixtures::row(seq).into())).collect()
}

fn left(last_seq: u64, paused_on: Option<u64>) -> Kept {
    let mut kept = Kept { screen: Screen::Log, ..Kept::default() };
    kept.log.left = Left { last_seq, cursor: Some(format!("7-{last_seq}")), paused_on, newer: 2 };
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_and_taken_is_kept_the_same_and_holds_no_secret(
        events in prop::collection::vec(event(), 1..80)
    ) {
        let mut model = model(80, 24, 12);
        for event in &events {
            let message = message(&model, event);
            update(&mut model, message, now());
        }
        let kept = keep(&model);
        prop_assert_eq!(&keep(&next(&kept)), &kept);
        let text = serde_json::to_string(&kept).unwrap();
        prop_assert!(!text.contains(&SECRET[5..]), "{}", text);
        prop_assert_eq!(serde_json::from_str::<Kept>(&text).unwrap(), kept);
    }

    #[test]
    fn no_place_whatever_it_says_breaks_a_model(
        at in (any::<u64>(), prop::option::of(any::<u64>()), any::<u64>(), any::<u32>(), any::<i16>()),
        log in (0..50u64, 0..50u64),
        events in prop::collection::vec(event(), 1..40)
    ) {
        let (last_seq, paused_on, newer, place, pane_more) = at;
        let mut kept = left(last_seq % 60, paused_on.map(|seq| seq % 60));
        (kept.log.left.newer, kept.pane_more) = (newer % 1_000, pane_more);
        kept.tokens.mark = Some(Mark { id: "s_0000000003".into(), place });
        kept.audit.mark = Some(Mark { id: "no number".into(), place });
        let mut model = next(&kept);
        connect(&mut model, bounds(log.0, log.0 + log.1));
        for event in &events {
            let message = message(&model, event);
            update(&mut model, message, now());
            check(&model);
        }
    }
}

#[test]
fn the_next_console_shows_screen_queries_orders_and_marks_as_they_were_left() {
    let mut first = model(80, 24, 12);
    type_text(&mut first, "onjj");
    let token = first.tokens.cursor.key;
    type_text(&mut first, "tm3");
    let incidents = |model: &mut Model| {
        let open = (1..=3).map(|at| std::sync::Arc::new(fixtures::incident(at))).collect();
        let query = model.incidents.query().to_owned();
        tell(model, Net::Incidents { query, open, resolved: Vec::new(), more: false });
    };
    incidents(&mut first);
    type_text(&mut first, "ftitle:cpu");
    press(&mut first, Key::plain(Code::Enter));
    incidents(&mut first);
    type_text(&mut first, "jj");
    let incident = first.incidents.cursor.key;
    let kept = keep(&first);

    let mut second = Model::new(now(), 80, 24);
    let effects = update(&mut second, Msg::Resume(Ok(Some(Box::new(kept)))), now());
    assert!(effects.list.iter().any(|effect| matches!(effect, Effect::Mouse(true))), "{effects:?}");
    assert_eq!((second.screen, second.times.form, second.mouse), (Screen::Incidents, Form::Local, true));
    let effects = tell(&mut second, Net::Connected(Box::new(fixtures::status())));
    let asks = |effect: &Effect| matches!(effect, Effect::WatchIncidents { query } if query == "title:cpu");
    assert!(effects.list.iter().any(asks), "{effects:?}");
    tell(&mut second, Net::Tokens(fixtures::tokens(12)));
    incidents(&mut second);
    assert_eq!((second.incidents.cursor.key, second.tokens.cursor.key), (incident, token));
    assert!(second.tokens.all.windows(2).all(|pair| pair[0].name.to_lowercase() <= pair[1].name.to_lowercase()));
    press(&mut second, Key::char('1'));
    assert_eq!(second.tokens.cursor.key, token, "entering a screen moves no mark");
}

#[test]
fn a_mark_whose_row_is_gone_goes_to_its_place_and_nothing_is_said() {
    let mut first = model(80, 24, 12);
    type_text(&mut first, "jjj");
    let gone = first.tokens.cursor.key.unwrap();
    let mut second = next(&keep(&first));
    connect(&mut second, bounds(1, 9));
    let rest = fixtures::tokens(12).into_iter().filter(|token| token.id != gone).collect();
    tell(&mut second, Net::Tokens(rest));
    assert_eq!((second.tokens.cursor.index, second.notice.as_ref()), (3, None));
    assert!(second.tokens.selected().is_some());
}

#[test]
fn a_log_that_followed_goes_on_with_what_came_and_says_how_many_that_were() {
    let mut model = next(&left(10, None));
    let effects = connect(&mut model, bounds(1, 14));
    assert_eq!(followed(&effects), (None, 204), "what was seen before stands above it");
    arrive(&mut model, rows(1..=14));
    let words = |model: &Model| model.logs.tail.away.and_then(|away| away.words());
    assert_eq!(words(&model).as_deref(), Some("4 rows came while you were away"));
    arrive(&mut model, rows(15..=16));
    assert_eq!(words(&model).as_deref(), Some("4 rows came while you were away"), "these came before his eyes");
    assert_eq!(keep(&model).log.left.last_seq, 16);
    press(&mut model, Key::char(' '));
    assert_eq!(words(&model), None);

    let mut model = next(&left(10, None));
    connect(&mut model, bounds(1, 10));
    arrive(&mut model, rows(1..=10));
    assert_eq!(words(&model).as_deref(), Some("nothing came while you were away"));

    let mut model = next(&left(10, None));
    assert_eq!(followed(&connect(&mut model, bounds(1, 90_000))), (None, 1_000));
    assert_eq!(keep(&model).log.left.last_seq, 10, "a console that ends before anything came forgets nothing");
    arrive(&mut model, rows(89_001..=90_000));
    assert_eq!(words(&model).as_deref(), Some(">= 1,000 rows came while you were away"));
}

#[test]
fn where_rows_were_erased_meanwhile_stands_a_gap() {
    let mut model = next(&left(10, None));
    let effects = connect(&mut model, bounds(31, 40));
    assert_eq!(followed(&effects).0.as_deref(), Some("7-10"), "the daemon begins with the gap");

    let mut model = next(&left(10, None));
    assert_eq!(followed(&connect(&mut model, bounds(31, 60_000))), (None, 1_000));
    arrive(&mut model, rows(59_001..=59_300));
    press(&mut model, Key::char('k'));
    for _ in 0..299 {
        model.logs.tail.step(-1);
    }
    let effects = update(&mut model, Msg::Tick, now());
    assert_eq!(pages(&effects), [Page::Older { before: 59_001 }]);
    let number = model.generation;
    tell(&mut model, Net::Rows { number, result: Ok(Rows { rows: vec![fixtures::row(31)], more: false }) });
    let expired = Gap { from: 11, to: 30, count: 20, reason: GapReason::Expired };
    assert!(matches!(model.logs.tail.entries.front(), Some(Entry::Gap(gap)) if *gap == expired));
}

#[test]
fn a_log_that_was_paused_shows_its_row_again_and_counts_what_came() {
    let mut model = next(&left(10, Some(6)));
    let effects = connect(&mut model, bounds(1, 14));
    assert_eq!((followed(&effects).0.as_deref(), pages(&effects)), (Some("7-10"), vec![Page::Again(6)]));
    let number = model.generation;
    // In either order: what came is not lost where the page is late.
    arrive(&mut model, rows(11..=14));
    assert_eq!(keep(&model).log.left.paused_on, Some(6));
    let page = (1..=6).map(fixtures::row).collect();
    tell(&mut model, Net::Rows { number, result: Ok(Rows { rows: page, more: false }) });
    let tail = &model.logs.tail;
    assert_eq!((tail.paused, tail.cursor.key, tail.newer_below()), (true, Some(6), 6), "two had come before");
    assert_eq!(keep(&model).log.left.paused_on, Some(6));
    let number = model.generation;
    assert_eq!(tail.loading(), Some(Page::Older { before: 1 }));
    let effects = tell(&mut model, Net::Rows { number, result: Ok(Rows { rows: Vec::new(), more: false }) });
    assert_eq!(pages(&effects), [Page::Newer { after: 6 }]);
    let number = model.generation;
    tell(
        &mut model,
        Net::Rows { number, result: Ok(Rows { rows: (7..=14).map(fixtures::row).collect(), more: false }) },
    );
    assert!(model.logs.tail.is_live() && model.logs.tail.cursor.key == Some(6));
}

#[test]
fn what_a_page_brings_before_the_stream_tells_it_is_counted_once() {
    let mut model = next(&left(10, Some(10)));
    let mut effects = connect(&mut model, bounds(1, 14));
    for rows in [1..11, 0..0, 11..15] {
        let asked = effects.list.iter().find_map(|effect| match effect {
            Effect::Rows { number, .. } => Some(*number),
            _ => None,
        });
        let result = Ok(Rows { rows: rows.map(fixtures::row).collect(), more: false });
        effects = tell(&mut model, Net::Rows { number: asked.expect("a page is asked for"), result });
    }
    assert!(model.logs.tail.is_live());
    arrive(&mut model, rows(11..=15));
    assert_eq!((model.logs.tail.newer, model.logs.tail.entries.len()), (7, 15), "two had come before");
}

#[test]
fn the_row_is_asked_for_again_where_the_connection_was_lost_before_it_came() {
    let mut model = next(&left(10, Some(6)));
    connect(&mut model, bounds(1, 14));
    tell(&mut model, Net::Lost { why: "gone".into(), tried: Vec::new(), attempt: 1, retry_in_secs: 1 });
    let effects = connect(&mut model, bounds(1, 14));
    assert_eq!((followed(&effects).0.as_deref(), pages(&effects)), (Some("7-10"), vec![Page::Again(6)]));
}

#[test]
fn a_row_that_was_erased_meanwhile_is_a_gap_and_the_rows_behind_it_follow() {
    let mut model = next(&left(10, Some(6)));
    connect(&mut model, bounds(9, 14));
    let number = model.generation;
    arrive(&mut model, rows(11..=14));
    let effects = tell(&mut model, Net::Rows { number, result: Ok(Rows { rows: Vec::new(), more: false }) });
    let gap = Gap { from: 6, to: 8, count: 3, reason: GapReason::Expired };
    assert!(matches!(model.logs.tail.selected(), Some(Entry::Gap(one)) if *one == gap));
    assert_eq!(pages(&effects), [Page::Newer { after: 8 }]);
    let number = model.generation;
    tell(
        &mut model,
        Net::Rows { number, result: Ok(Rows { rows: (9..=14).map(fixtures::row).collect(), more: false }) },
    );
    assert!(model.logs.tail.is_live() && model.logs.tail.entries.len() == 7);

    // Not erased, but the query does not show it: a token was renamed, or the right to see it is gone.
    let mut model = next(&left(10, Some(6)));
    connect(&mut model, bounds(1, 14));
    let number = model.generation;
    let effects = tell(&mut model, Net::Rows { number, result: Ok(Rows { rows: Vec::new(), more: false }) });
    assert_eq!(followed(&effects), (None, 200));
    assert!(!model.logs.tail.paused && model.notice.as_ref().is_some_and(|words| words.contains("row 6 ")));
}

#[test]
fn a_list_that_nothing_can_follow_still_stands_on_its_row() {
    let mut kept = left(10, Some(2));
    kept.log.range = Range::Between(now().plus_secs(-900), now().plus_secs(-300));
    let mut model = next(&kept);
    connect(&mut model, bounds(1, 14));
    let generation = model.logs.tail.generation;
    let ended = Net::TailEnded { slot: Slot::Log, generation, refused: Some("nothing to follow".into()) };
    assert_eq!(pages(&tell(&mut model, ended)), [Page::Newest]);
    let number = model.generation;
    tell(
        &mut model,
        Net::Rows { number, result: Ok(Rows { rows: (1..=4).map(fixtures::row).collect(), more: false }) },
    );
    assert_eq!((model.logs.tail.cursor.key, model.logs.tail.is_over), (Some(2), true));
}

#[test]
fn a_shorter_log_is_another_one_and_is_begun_anew() {
    for paused_on in [None, Some(6)] {
        let mut model = next(&left(10, paused_on));
        let effects = connect(&mut model, bounds(1, 4));
        assert_eq!((followed(&effects), pages(&effects)), ((None, 200), Vec::new()));
        assert!(!model.logs.tail.paused);
    }
}

#[test]
fn the_place_of_another_daemon_is_told_and_given_up() {
    let mut first = model(80, 24, 12);
    type_text(&mut first, "tm");
    press(&mut first, Key::char('3'));
    let kept = keep(&first);
    assert!(kept.daemon.is_some());
    let mut second = next(&kept);
    let status = tollgate_shared::api::StatusView { host: "noc-3".into(), ..fixtures::status() };
    let effects = tell(&mut second, Net::Connected(Box::new(status)));
    assert!(effects.list.iter().any(|effect| matches!(effect, Effect::Mouse(false))));
    assert_eq!((second.screen, second.times.form), (Screen::Tokens, Form::Utc));
    let words = second.notice.clone().unwrap();
    assert!(words.contains("another tollgated (noc-2, /var/lib/tollgate)"), "{words}");
    // The same one after a restart, with the same words of itself.
    let mut second = next(&kept);
    let status = tollgate_shared::api::StatusView { pid: 1, started_at: now(), ..fixtures::status() };
    tell(&mut second, Net::Connected(Box::new(status)));
    assert_eq!((second.screen, second.notice.as_ref()), (Screen::Incidents, None));
}

#[test]
fn why_there_is_no_place_is_still_said_once_there_is_a_connection() {
    let mut model = Model::new(now(), 80, 24);
    update(&mut model, Msg::Resume(Err("it is damaged".into())), now());
    connect(&mut model, bounds(1, 4));
    assert_eq!(model.notice.as_deref(), Some("it is damaged"));
    connect(&mut model, bounds(1, 4));
    assert_eq!(model.notice, None);
}

#[test]
fn tombstones_the_audit_and_the_refusals_are_asked_for_where_they_were_looked_at() {
    let mut kept = Kept { screen: Screen::Audit, ..Kept::default() };
    kept.tokens.filter = "is:revoked".into();
    kept.audit.filter = "actor:anna".into();
    let mut model = next(&kept);
    let effects = connect(&mut model, bounds(1, 4));
    let has = |wanted: &dyn Fn(&Effect) -> bool| effects.list.iter().any(wanted);
    assert!(has(&|effect| matches!(effect, Effect::WatchRevoked(true))));
    assert!(has(&|effect| matches!(effect, Effect::FetchAudit { filter, .. } if filter.line() == "actor:anna")));
    let mut kept = Kept { screen: Screen::Log, ..Kept::default() };
    kept.log.tab = LogTab::Refused;
    let effects = connect(&mut next(&kept), bounds(1, 4));
    assert!(effects.list.iter().any(|effect| matches!(effect, Effect::WatchRefused(true))));
}

#[test]
fn a_filter_with_a_secret_is_not_kept() {
    let mut model = model(80, 24, 2);
    model.tokens.filter = SECRET.to_owned();
    let real = tollgate_shared::secret::find_in(SECRET).is_empty();
    assert!(real || keep(&model).tokens.filter.is_empty());
    let mut kept = Kept::default();
    take(&mut model, &kept);
    kept.tokens.filter = "x".repeat(5_000);
    take(&mut model, &kept);
    assert!(model.tokens.filter.is_empty(), "longer than any query");
}
