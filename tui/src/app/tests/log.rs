//! The API log: rows, pages, the query bar, counts over time.

use super::*;

#[test]
fn a_row_that_came_twice_is_shown_once_and_resume_goes_on_after_the_last() {
    let mut model = model(80, 24, 4);
    let generation = model.logs.tail.generation;
    let items = vec![TailItem::Row(fixtures::row(4).into()), TailItem::Row(fixtures::row(5).into())];
    tell(&mut model, Net::Tail { slot: Slot::Log, generation, items });
    assert_eq!(model.logs.tail.entries.len(), 5);
    tell(&mut model, Net::Lost { why: "gone".into(), tried: Vec::new(), attempt: 1, retry_in_secs: 1 });
    let effects = tell(&mut model, Net::Connected(Box::new(fixtures::status())));
    let follow = effects.list.iter().find_map(|effect| match effect {
        Effect::Follow { slot: Slot::Log, after, .. } => Some(after.clone()),
        _ => None,
    });
    assert_eq!(follow, Some(Some("5".to_owned())));
    assert_eq!(model.logs.tail.entries.len(), 5, "stale rows stay");
}

#[test]
fn reading_pins_the_row_and_counts_what_is_newer() {
    let mut model = model(80, 24, 4);
    press(&mut model, Key::char('2'));
    press(&mut model, Key::char('k'));
    let marked = model.logs.tail.cursor.key;
    let generation = model.logs.tail.generation;
    let items = (5..9).map(|seq| TailItem::Row(fixtures::row(seq).into())).collect();
    tell(&mut model, Net::Tail { slot: Slot::Log, generation, items });
    assert_eq!((model.logs.tail.cursor.key, model.logs.tail.newer), (marked, 4));
    press(&mut model, Key::char(' '));
    assert_eq!((model.logs.tail.cursor.key, model.logs.tail.newer), (Some(8), 0));
}

fn pages(effects: &crate::app::Effects) -> Vec<Page> {
    let page = |effect: &Effect| match effect {
        Effect::Rows { page, .. } => Some(*page),
        _ => None,
    };
    effects.list.iter().filter_map(page).collect()
}

#[test]
fn older_rows_are_asked_for_before_the_first_is_reached_and_the_mark_stays() {
    let mut model = log_of(200);
    let effects = update(&mut model, Msg::Key(Key::char('k')), now());
    assert_eq!(pages(&effects), [], "the first is far away");
    let mut asked = Vec::new();
    for _ in 0..80 {
        asked.extend(pages(&press(&mut model, Key::ctrl('u'))));
    }
    assert_eq!(asked, [Page::Older { before: 1 }], "asked once");
    let marked = model.logs.tail.cursor.key;
    let number = model.generation;
    let result = Ok(Rows { rows: Vec::new(), more: false });
    tell(&mut model, Net::Rows { number, result });
    assert!(model.logs.tail.at_start && model.logs.tail.cursor.key == marked);
}

#[test]
fn enter_on_a_gap_asks_for_its_rows() {
    let mut model = log_of(12);
    model.logs.tail.go(5);
    assert_eq!(pages(&press(&mut model, Key::plain(Code::Enter))), [Page::Gap { from: 6, to: 8 }]);
}

#[test]
fn a_value_under_the_cursor_becomes_part_of_the_query_and_the_row_stays_marked() {
    let mut model = log_of(12);
    press(&mut model, Key::char('k'));
    press(&mut model, Key::char('l'));
    let effects = press(&mut model, Key::char('='));
    assert_eq!(model.logs.tail.filter.text, "outcome:created");
    assert_eq!(pages(&effects), [Page::UpTo(11)]);
    let number = model.generation;
    let rows = [10, 11].map(fixtures::row).to_vec();
    tell(&mut model, Net::Rows { number, result: Ok(Rows { rows, more: true }) });
    assert_eq!((model.logs.tail.cursor.key, model.logs.tail.paused), (Some(11), true));
    press(&mut model, Key::char('l'));
    press(&mut model, Key::char('!'));
    assert_eq!(model.logs.tail.filter.text, "outcome:created -status:201");
    press(&mut model, Key::char('F'));
    assert!(model.logs.tail.filter.is_empty());
    press(&mut model, Key::char('F'));
    assert_eq!(model.logs.tail.filter.text, "outcome:created -status:201");
}

#[test]
fn the_query_bar_completes_mends_and_remembers() {
    let mut model = log_of(12);
    press(&mut model, Key::char('f'));
    type_text(&mut model, "out");
    press(&mut model, Key::plain(Code::Tab));
    type_text(&mut model, "no");
    press(&mut model, Key::plain(Code::Tab));
    press(&mut model, Key::plain(Code::Enter));
    assert_eq!(model.logs.tail.filter.text, "outcome:no_match");
    press(&mut model, Key::char('f'));
    press(&mut model, Key::ctrl('u'));
    type_text(&mut model, "stat:200 x");
    press(&mut model, Key::plain(Code::Enter));
    assert!(matches!(&model.layer, Some(Layer::Prompt(prompt)) if prompt.error.is_some()), "it stays open");
    press(&mut model, Key::ctrl('u'));
    press(&mut model, Key::plain(Code::Up));
    let Some(Layer::Prompt(prompt)) = &model.layer else { panic!() };
    assert_eq!(prompt.field.text(), "outcome:no_match");
    press(&mut model, Key::plain(Code::Esc));
    assert!(model.layer.is_none());
}

#[test]
fn a_previous_error_beyond_the_rows_here_is_looked_for_by_the_daemon() {
    let mut model = log_of(2);
    let effects = press(&mut model, Key::char('{'));
    assert_eq!(pages(&effects), [Page::LastBefore(Sought::Failed, 1)]);
    let number = model.generation;
    let result = Ok(Rows { rows: vec![fixtures::row(0)], more: false });
    let effects = tell(&mut model, Net::Rows { number, result });
    assert_eq!(pages(&effects), [Page::UpTo(0)]);
}

#[test]
fn a_query_that_nothing_to_come_can_fit_shows_the_rows_that_are_there() {
    let mut model = log_of(4);
    press(&mut model, Key::char('f'));
    type_text(&mut model, "until:5m");
    press(&mut model, Key::plain(Code::Enter));
    let generation = model.logs.tail.generation;
    let ended = Net::TailEnded { slot: Slot::Log, generation, refused: Some("nothing to follow".into()) };
    let effects = tell(&mut model, ended);
    assert_eq!(pages(&effects), [Page::Newest]);
    let number = model.generation;
    let rows = [1, 2].map(fixtures::row).to_vec();
    tell(&mut model, Net::Rows { number, result: Ok(Rows { rows, more: false }) });
    assert!(model.logs.tail.is_over && model.logs.tail.refused.is_none());
    assert_eq!(model.logs.tail.cursor.key, Some(2));
}

#[test]
fn counts_are_asked_for_once_and_the_brush_goes_to_their_rows() {
    let mut model = log_of(12);
    let number = (1..=model.generation).next_back().unwrap();
    let numbers: Vec<u64> = (0..=number).collect();
    for number in numbers {
        tell(&mut model, Net::Counts { number, result: Ok(Box::new(fixtures::histogram())) });
    }
    assert!(model.logs.strip.total().is_some());
    let effects = press(&mut model, Key::char('['));
    assert!(model.logs.strip.brush.is_some());
    let goes = !pages(&effects).is_empty() || model.logs.tail.paused;
    assert!(goes, "the list goes to the marked time");
}

/// Looks for a text and gives what is asked of the daemon for it.
fn look_for(model: &mut Model, text: &str) -> (crate::app::Effects, Vec<Page>) {
    press(model, Key::char('/'));
    press(model, Key::ctrl('u'));
    type_text(model, text);
    let effects = press(model, Key::plain(Code::Enter));
    let asked = pages(&effects);
    (effects, asked)
}

#[test]
fn a_text_that_is_in_no_row_here_is_looked_for_by_the_daemon_and_the_query_stays() {
    let mut model = log_of(2);
    let (effects, asked) = look_for(&mut model, r#"say "no""#);
    assert_eq!(asked, [Page::LastBefore(Sought::Text, 1)]);
    let terms = effects.list.iter().find_map(|effect| match effect {
        Effect::Rows { filter, .. } => Some(filter.text.clone()),
        _ => None,
    });
    assert_eq!(terms.as_deref(), Some(r#""say \"no\"""#));
    let number = model.generation;
    let found = Ok(Rows { rows: vec![fixtures::row(0)], more: false });
    let effects = tell(&mut model, Net::Rows { number, result: found });
    assert_eq!(pages(&effects), [Page::UpTo(0)]);
    assert_eq!(model.logs.tail.filter.text, "", "search is not filter");
}

#[test]
fn a_text_that_no_row_has_is_told_with_how_far_was_looked() {
    for (more, words) in [(false, "in no further row"), (true, "of those that were looked through")] {
        let mut model = log_of(2);
        look_for(&mut model, "nowhere");
        let number = model.generation;
        tell(&mut model, Net::Rows { number, result: Ok(Rows { rows: Vec::new(), more }) });
        let told = model.notice.clone().unwrap_or_default();
        assert!(told.contains("`nowhere`") && told.ends_with(words) != more && told.contains(words), "{told}");
        assert_eq!(model.logs.tail.entries.len(), 2, "the list stays");
    }
}

#[test]
fn the_next_find_goes_back_through_the_whole_log_and_not_round_the_rows_that_are_here() {
    let mut model = log_of(4);
    let (_, asked) = look_for(&mut model, &fixtures::row(2).summary);
    assert_eq!(asked, [], "it is here");
    let mut turns = 0;
    let asked = loop {
        let asked = pages(&press(&mut model, Key::char('N')));
        turns += 1;
        assert!(turns < 9);
        if !asked.is_empty() {
            break asked;
        }
    };
    assert_eq!(asked, [Page::LastBefore(Sought::Text, 1)]);
    tell(&mut model, Net::Lost { why: "gone".into(), tried: Vec::new(), attempt: 1, retry_in_secs: 1 });
    assert_eq!(pages(&press(&mut model, Key::char('N'))), [], "without the daemon it goes round what is here");
}
