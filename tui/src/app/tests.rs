//! The model under random and chosen sequences.

mod desk;
mod first;
mod flood;
mod order;
mod resume;

use proptest::prelude::*;
use tollgate_shared::log::TailItem;
use tollgate_shared::time::Timestamp;
use zeroize::Zeroizing;

use super::fixtures::{self, model, now, press, tell, type_text};
use super::key::{Code, Key};
use super::layer::Layer;
use super::msg::{Call, Effect, Failure, FailureKind, Hidden, Reply, Rows, Slot};
use super::secret::Secret;
use super::tail::Page;
use super::update::{next_change, update};
use super::{Dirty, Model, Msg, Net, Screen};

const SECRET: &str = "tg_s_7QmX0c2LrTaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_abcdef";

fn code() -> impl Strategy<Value = Code> {
    let letters = prop::char::range(' ', '~').prop_map(Code::Char);
    let others = prop::sample::select(vec![
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::BackTab,
        Code::Backspace,
        Code::Delete,
        Code::Up,
        Code::Down,
        Code::Left,
        Code::Right,
        Code::Home,
        Code::End,
        Code::PageUp,
        Code::PageDown,
    ]);
    prop_oneof![3 => letters, 2 => others]
}

/// One thing that may happen, small enough to shrink.
#[derive(Clone, Debug)]
enum Event {
    Key(Code, bool),
    Paste(String),
    Resize(u16, u16),
    Tick(i64),
    Tokens(u32),
    Tail(u64),
    Lost,
    Connected,
    Done(u64, bool),
    Created(u64),
    Incidents(u64),
    Rows(u64, bool),
    RowsRefused,
    Counts,
    Audit(u64, bool),
    SignedIn(bool),
    Me(bool),
    Bulk(u64, u32),
    Identified(u64),
    Outdated(u64),
    Mouse(bool, u16, u16),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        10 => (code(), prop::bool::weighted(0.1)).prop_map(|(code, ctrl)| Event::Key(code, ctrl)),
        1 => "[ -~]{0,80}".prop_map(Event::Paste),
        1 => Just(Event::Paste(SECRET.to_owned())),
        1 => (0..210u16, 0..60u16).prop_map(|(columns, rows)| Event::Resize(columns, rows)),
        1 => (0..100i64).prop_map(Event::Tick),
        1 => (0..40u32).prop_map(Event::Tokens),
        2 => (0..60u64).prop_map(Event::Tail),
        1 => Just(Event::Lost),
        1 => Just(Event::Connected),
        1 => (0..30u64, any::<bool>()).prop_map(|(generation, good)| Event::Done(generation, good)),
        1 => (0..30u64).prop_map(Event::Created),
        1 => (0..20u64).prop_map(Event::Incidents),
        2 => (0..30u64, any::<bool>()).prop_map(|(count, more)| Event::Rows(count, more)),
        1 => Just(Event::RowsRefused),
        1 => Just(Event::Counts),
        1 => (0..40u64, any::<bool>()).prop_map(|(count, newest)| Event::Audit(count, newest)),
        1 => any::<bool>().prop_map(Event::SignedIn),
        1 => any::<bool>().prop_map(Event::Me),
        1 => (0..30u64, 0..12u32).prop_map(|(generation, tokens)| Event::Bulk(generation, tokens)),
        1 => (0..30u64).prop_map(Event::Identified),
        1 => (0..30u64).prop_map(Event::Outdated),
        1 => (any::<bool>(), 0..210u16, 0..60u16).prop_map(|(wheel, column, row)| Event::Mouse(wheel, column, row)),
    ]
}

fn message(model: &Model, event: &Event) -> Msg {
    match event {
        Event::Key(code, ctrl) => Msg::Key(Key { code: *code, ctrl: *ctrl }),
        Event::Paste(text) => Msg::Paste { text: Hidden(Zeroizing::new(text.clone())), burst: false },
        Event::Resize(columns, rows) => Msg::Resize { columns: *columns, rows: *rows },
        Event::Tick(_) => Msg::Tick,
        Event::Tokens(count) => Msg::Net(Net::Tokens(fixtures::tokens(*count))),
        Event::Tail(count) => {
            let generation = model.logs.tail.generation;
            Msg::Net(Net::Tail { slot: Slot::Log, generation, items: fixtures::tail(*count) })
        }
        Event::Lost => Msg::Net(Net::Lost { why: "gone".into(), tried: Vec::new(), attempt: 1, retry_in_secs: 1 }),
        Event::Connected => Msg::Net(Net::Connected(Box::new(fixtures::status()))),
        Event::Done(generation, true) => {
            let result = Ok(Reply::Token(Box::new(fixtures::token(1, "changed"))));
            Msg::Net(Net::Done { generation: *generation, result })
        }
        Event::Done(generation, false) => {
            let result = Err(Failure { words: "no".into(), ..Failure::default() });
            Msg::Net(Net::Done { generation: *generation, result })
        }
        Event::Created(generation) => {
            let token = Box::new(fixtures::token(2, "fresh"));
            let result = Ok(Reply::Created { secret: Secret::new(SECRET.to_owned()), token });
            Msg::Net(Net::Done { generation: *generation, result })
        }
        Event::Rows(count, more) => {
            let first = model.logs.tail.entries.front().map_or(30, super::tail::Entry::seq);
            let rows = (first.saturating_sub(*count)..first).map(fixtures::row).collect();
            Msg::Net(Net::Rows { number: model.generation, result: Ok(Rows { rows, more: *more }) })
        }
        Event::RowsRefused => {
            let result = Err(Failure { words: "no".into(), ..Failure::default() });
            Msg::Net(Net::Rows { number: model.generation, result })
        }
        Event::Counts => {
            Msg::Net(Net::Counts { number: model.generation, result: Ok(Box::new(fixtures::histogram())) })
        }
        Event::Audit(count, newest) => {
            let page = super::msg::AuditPage { newest: *newest, ..fixtures::audit(*count) };
            Msg::Net(Net::Audit { generation: model.audit.asked.unwrap_or(0), page: Ok(page) })
        }
        Event::SignedIn(on) => Msg::Net(Net::SignedIn(on.then(|| "anna".to_owned()))),
        Event::Me(superuser) => {
            let operator = (!superuser).then(|| fixtures::operator(2, "bob"));
            let me = super::rights::Me { name: "bob".into(), superuser: *superuser, read_only: false, operator };
            Msg::Net(Net::Me(Box::new(me)))
        }
        Event::Bulk(generation, tokens) => {
            let tokens = fixtures::tokens(*tokens).iter().map(|token| (**token).clone()).collect();
            let result = Ok(Reply::Bulk(Box::new(tollgate_shared::api::BulkResult { done: true, tokens })));
            Msg::Net(Net::Done { generation: *generation, result })
        }
        Event::Identified(generation) => {
            let token = Some(fixtures::token(1, "found"));
            let found = tollgate_shared::api::Identified { what: "current".into(), detail: String::new(), token };
            Msg::Net(Net::Identified { generation: *generation, result: Ok(vec![found]) })
        }
        Event::Outdated(generation) => {
            let failure = Failure { words: "no".into(), kind: FailureKind::Outdated, ..Failure::default() };
            Msg::Net(Net::Done { generation: *generation, result: Err(failure) })
        }
        Event::Mouse(true, column, _) => Msg::Mouse(super::msg::Mouse::Wheel { down: column % 2 == 0 }),
        Event::Mouse(false, column, row) => Msg::Mouse(super::msg::Mouse::Press { column: *column, row: *row }),
        Event::Incidents(count) => {
            let rows = (1..=*count).map(|at| std::sync::Arc::new(fixtures::incident(at)));
            let (open, resolved) = rows.partition(|row| row.head.state.is_open());
            Msg::Net(Net::Incidents { query: model.incidents.query().to_owned(), open, resolved, more: false })
        }
    }
}

/// Signing in and out is no change of anything in the daemon.
fn changes(effect: &Effect) -> bool {
    matches!(effect, Effect::Request { call, .. } if !matches!(**call, Call::SignIn { .. } | Call::SignOut))
}

/// What holds after every message.
fn check(model: &Model) {
    let tail = &model.logs.tail;
    let seqs: Vec<u64> = tail.entries.iter().map(super::tail::Entry::seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "rows rise: {seqs:?}");
    if !tail.paused && !tail.entries.is_empty() {
        assert_eq!(tail.cursor.index + 1, tail.entries.len(), "following shows the end");
        assert!(tail.newer == 0 && tail.is_live());
    }
    assert_eq!(model.tokens.cursor.key, model.tokens.selected().map(|token| token.id), "the mark is on a row");
    assert!(model.layout().list.height == 0 || model.tokens.cursor.top <= model.tokens.cursor.index);
    assert!(!format!("{model:?}").contains(&SECRET[5..]), "no secret in Debug");
    assert!(model.tokens.marked().len() == model.tokens.marks.len(), "only what is there is marked");
    assert!(model.incidents.marked().len() == model.incidents.marks.len(), "only what is there is marked");
    assert!(model.undo.iter().all(|one| !one.cli.is_empty()), "each way back has its command");
    let seqs: Vec<u64> = model.audit.rows.iter().map(|row| row.seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] > pair[1]), "the audit falls: {seqs:?}");
    if let Some(Layer::Form(form)) = &model.layer {
        assert!(form.is_shown(form.focus) || form.theirs.is_some(), "the mark of a form is on it");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_breaks_the_model(events in prop::collection::vec(event(), 1..80)) {
        let mut model = model(80, 24, 12);
        let mut clock = now();
        for event in &events {
            if let Event::Tick(secs) = event {
                clock = clock.plus_secs(*secs);
            }
            let live = model.may_change().is_ok();
            let marked = model.tokens.cursor.key;
            let message = message(&model, event);
            let was_locked = model.lock.is_some();
            let is_data = matches!(event, Event::Tail(_) | Event::Lost | Event::Connected | Event::Incidents(_));
            let effects = update(&mut model, message, clock);
            prop_assert!(live || !effects.list.iter().any(changes) || matches!(event, Event::Connected), "a change while not live");
            if is_data {
                prop_assert_eq!(model.tokens.cursor.key, marked, "data moved the mark");
            }
            if was_locked && matches!(event, Event::Key(..) | Event::Paste(_)) {
                prop_assert!(!effects.list.iter().any(changes), "a key under the lock changed something");
            }
            check(&model);
        }
    }

    #[test]
    fn the_mark_stays_on_its_token_while_that_exists(steps in prop::collection::vec((0..30u32, 0..40u32), 1..20)) {
        let mut model = model(80, 24, 30);
        for (down, count) in steps {
            (0..down % 7).for_each(|_| drop(press(&mut model, Key::char('j'))));
            let marked = model.tokens.cursor.key;
            tell(&mut model, Net::Tokens(fixtures::tokens(count)));
            let exists = model.tokens.all.iter().any(|token| Some(token.id) == marked);
            if exists {
                prop_assert_eq!(model.tokens.cursor.key, marked);
            }
        }
    }
}

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

#[test]
fn nothing_is_changed_while_there_is_no_connection_and_the_reason_is_said() {
    let mut model = model(80, 24, 4);
    tell(&mut model, Net::Lost { why: "gone".into(), tried: Vec::new(), attempt: 1, retry_in_secs: 1 });
    for key in ['D', 'R', 'A', 'E'] {
        let effects = press(&mut model, Key::char(key));
        assert!(!effects.list.iter().any(changes) && model.layer.is_none(), "{key}");
        assert!(model.notice.as_ref().is_some_and(|words| words.contains("RECONNECTING")), "{key}");
    }
}

#[test]
fn a_revoke_needs_the_name_typed_and_the_button_marked() {
    let mut model = model(80, 24, 4);
    let name = model.tokens.selected().unwrap().name.clone();
    press(&mut model, Key::char('R'));
    update(&mut model, Msg::Paste { text: Hidden(Zeroizing::new(name.clone())), burst: false }, now());
    // Cancel, Suspend, Rotate, Revoke.
    (0..3).for_each(|_| drop(press(&mut model, Key::plain(Code::Tab))));
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(!effects.list.iter().any(changes), "a paste does not count");
    type_text(&mut model, &name);
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(effects.list.iter().any(changes));
    assert!(model.commands.last().unwrap().text.contains("token revoke"));
}

#[test]
fn the_mark_of_a_revoke_starts_on_cancel() {
    let mut model = model(80, 24, 4);
    let name = model.tokens.selected().unwrap().name.clone();
    press(&mut model, Key::char('R'));
    type_text(&mut model, &name);
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(!effects.list.iter().any(changes) && model.layer.is_none());
}

fn created(model: &mut Model) {
    let token = Box::new(fixtures::token(2, "fresh"));
    let result = Ok(Reply::Created { secret: Secret::new(SECRET.to_owned()), token });
    tell(model, Net::Done { generation: 1, result });
}

#[test]
fn the_secret_hides_after_a_minute_any_key_shows_it_and_enter_does_nothing() {
    let mut model = model(80, 24, 4);
    created(&mut model);
    press(&mut model, Key::plain(Code::Enter));
    let hidden = |model: &Model| matches!(&model.layer, Some(Layer::Secret(dialog)) if dialog.hidden);
    assert!(matches!(model.layer, Some(Layer::Secret(_))) && !hidden(&model));
    let later = now().plus_secs(60);
    update(&mut model, Msg::Tick, later);
    assert!(hidden(&model));
    // The key that shows it does nothing else: not even Esc.
    update(&mut model, Msg::Key(Key::plain(Code::Esc)), later);
    assert!(matches!(model.layer, Some(Layer::Secret(_))) && !hidden(&model));
    update(&mut model, Msg::Key(Key::plain(Code::Esc)), later);
    update(&mut model, Msg::Key(Key::plain(Code::Esc)), later);
    assert!(model.layer.is_none());
}

#[test]
fn escape_closes_what_is_open_and_only_q_leaves() {
    let mut model = model(80, 24, 4);
    for key in [Key::plain(Code::Esc), Key::plain(Code::Backspace)] {
        assert!(press(&mut model, key).list.is_empty() && !model.quit);
        assert!(model.notice.as_deref().is_some_and(|words| words.contains("q leaves")), "{:?}", model.notice);
    }
    press(&mut model, Key::char('q'));
    assert!(model.quit);
}

#[test]
fn a_secret_stands_in_no_debug_text_and_in_no_command() {
    let mut model = model(80, 24, 4);
    created(&mut model);
    let effects = press(&mut model, Key::char('y'));
    let effects = format!("{effects:?} {:?}", press(&mut model, Key::char('w')));
    assert!(!effects.contains("7QmX0c2LrTaaa"), "{effects}");
    assert!(!format!("{model:?}").contains("7QmX0c2LrTaaa"));
}

#[test]
fn nothing_that_is_not_on_the_screen_makes_a_frame() {
    let mut model = model(80, 24, 0);
    assert_eq!(tell(&mut model, Net::Alive).dirty, None);
    assert_eq!(update(&mut model, Msg::Tick, now().plus_secs(1)).dirty, None);
    assert_eq!(update(&mut model, Msg::Tick, now().plus_secs(60)).dirty, Some(Dirty::Clock), "the clock's minute");
}

#[test]
fn an_age_on_the_screen_makes_a_frame_when_its_text_changes() {
    let mut model = model(80, 24, 1);
    // The one token was used 37 s ago, so its text changes each second.
    assert_eq!(next_change(&model, now()), Some(now().plus_secs(1)));
    assert_eq!(update(&mut model, Msg::Tick, now().plus_secs(1)).dirty, Some(Dirty::Clock));
}

#[test]
fn silence_turns_live_into_delayed() {
    let mut model = model(80, 24, 1);
    let later: Timestamp = now().plus_secs(30);
    update(&mut model, Msg::Tick, later);
    assert!(model.may_change().is_err());
    assert_eq!(model.connection.badge(model.heard_at, later), "DELAYED 30s");
}

#[test]
fn the_first_path_leads_from_a_team_to_a_token() {
    let mut model = model(80, 24, 0);
    press(&mut model, Key::char('A'));
    type_text(&mut model, "Ops");
    press(&mut model, Key::plain(Code::Enter));
    press(&mut model, Key::plain(Code::Enter));
    let Net::Organisation { teams, services, filters } = fixtures::organisation() else { panic!() };
    let steps = [
        Reply::Team(Box::new(teams[0].clone())),
        Reply::Service(Box::new(services[0].clone())),
        Reply::Filter(Box::new((*filters[0]).clone())),
    ];
    let titles = ["NEW SERVICE", "NEW FILTER from a preset", "NEW TOKEN"];
    for (reply, title) in steps.into_iter().zip(titles) {
        let generation = model.generation;
        let Some(Layer::Form(form)) = &mut model.layer else { panic!("no form before {title}") };
        form.pending = Some(generation);
        tell(&mut model, Net::Done { generation, result: Ok(reply) });
        let Some(Layer::Form(form)) = &model.layer else { panic!("no form {title}") };
        assert_eq!(form.title(), title);
    }
}

#[test]
fn a_refusal_of_the_daemon_stays_in_the_form_that_asked() {
    let mut model = model(80, 24, 4);
    press(&mut model, Key::char('A'));
    type_text(&mut model, "zabbix");
    press(&mut model, Key::plain(Code::BackTab));
    press(&mut model, Key::plain(Code::BackTab));
    press(&mut model, Key::plain(Code::Enter));
    let generation = model.generation;
    let failure = Failure { words: "x".into(), fields: vec![("name".into(), "is taken".into())], ..Failure::default() };
    tell(&mut model, Net::Done { generation, result: Err(failure) });
    let Some(Layer::Form(form)) = &model.layer else { panic!("the form is gone") };
    assert_eq!(form.error.as_deref(), Some("name: is taken"));
}

#[test]
fn a_paste_where_no_field_is_open_runs_no_key() {
    let mut model = model(80, 24, 4);
    let effects = update(&mut model, Msg::Paste { text: Hidden(Zeroizing::new("qRD2\n".into())), burst: true }, now());
    assert!(effects.list.is_empty() && model.layer.is_none() && model.screen == Screen::Tokens);
    assert!(model.notice.as_ref().unwrap().contains("ignored"));
}

fn log(count: u32) -> Model {
    let mut model = model(80, 24, count);
    press(&mut model, Key::char('2'));
    model
}

fn pages(effects: &super::Effects) -> Vec<Page> {
    let page = |effect: &Effect| match effect {
        Effect::Rows { page, .. } => Some(*page),
        _ => None,
    };
    effects.list.iter().filter_map(page).collect()
}

#[test]
fn older_rows_are_asked_for_before_the_first_is_reached_and_the_mark_stays() {
    let mut model = log(200);
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
    let mut model = log(12);
    model.logs.tail.go(5);
    assert_eq!(pages(&press(&mut model, Key::plain(Code::Enter))), [Page::Gap { from: 6, to: 8 }]);
}

#[test]
fn a_value_under_the_cursor_becomes_part_of_the_query_and_the_row_stays_marked() {
    let mut model = log(12);
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
    let mut model = log(12);
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
    let mut model = log(2);
    let effects = press(&mut model, Key::char('{'));
    assert_eq!(pages(&effects), [Page::FailedBefore(1)]);
    let number = model.generation;
    let result = Ok(Rows { rows: vec![fixtures::row(0)], more: false });
    let effects = tell(&mut model, Net::Rows { number, result });
    assert_eq!(pages(&effects), [Page::UpTo(0)]);
}

#[test]
fn a_query_that_nothing_to_come_can_fit_shows_the_rows_that_are_there() {
    let mut model = log(4);
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
    let mut model = log(12);
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

fn request_of(effects: &super::Effects) -> Option<&Call> {
    effects.list.iter().find_map(|effect| match effect {
        Effect::Request { call, .. } => Some(&**call),
        _ => None,
    })
}

#[test]
fn suspend_wants_no_name_takes_a_reason_and_starts_on_cancel() {
    let mut model = model(80, 24, 4);
    press(&mut model, Key::char('S'));
    type_text(&mut model, "doubt");
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(request_of(&effects).is_none() && model.layer.is_none(), "Enter pressed Cancel");
    press(&mut model, Key::char('S'));
    type_text(&mut model, "doubt");
    press(&mut model, Key::plain(Code::Tab));
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(matches!(request_of(&effects), Some(Call::Suspend { reason, .. }) if reason == "doubt"));
    assert!(model.commands.last().unwrap().text.ends_with("--reason doubt"));
}

#[test]
fn a_rotation_with_an_overlap_wants_no_name_and_one_that_kills_at_once_does() {
    let mut model = model(80, 24, 3);
    press(&mut model, Key::char('G'));
    let name = model.tokens.selected().unwrap().name.clone();
    type_text(&mut model, ".o");
    press(&mut model, Key::plain(Code::Tab));
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(
        matches!(request_of(&effects), Some(Call::Rotate { rotate, .. }) if rotate.overlap_secs > 0),
        "{effects:?}"
    );
    model.layer = None;
    type_text(&mut model, ".o");
    press(&mut model, Key::plain(Code::BackTab));
    press(&mut model, Key::plain(Code::Left));
    while !matches!(&model.layer, Some(Layer::Danger(danger)) if danger.wants_name()) {
        press(&mut model, Key::plain(Code::Left));
    }
    press(&mut model, Key::plain(Code::Tab));
    press(&mut model, Key::plain(Code::Tab));
    assert!(request_of(&press(&mut model, Key::plain(Code::Enter))).is_none(), "the name is not typed");
    type_text(&mut model, &name);
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(matches!(request_of(&effects), Some(Call::Rotate { rotate, .. }) if rotate.now), "{effects:?}");
}

#[test]
fn an_edit_shows_the_difference_first_and_a_lost_update_goes_back_to_the_form() {
    let mut model = model(80, 24, 1);
    press(&mut model, Key::char('E'));
    type_text(&mut model, "-2");
    press(&mut model, Key::plain(Code::BackTab));
    press(&mut model, Key::plain(Code::BackTab));
    for _ in 0..20 {
        if matches!(&model.layer, Some(Layer::Form(form)) if form.on_button()) {
            break;
        }
        press(&mut model, Key::plain(Code::Tab));
    }
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(request_of(&effects).is_none() && matches!(model.layer, Some(Layer::Danger(_))));
    press(&mut model, Key::plain(Code::Tab));
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(matches!(request_of(&effects), Some(Call::EditToken { version: 2, .. })), "{effects:?}");
    let failure = Failure { words: "outdated".into(), kind: FailureKind::Outdated, ..Failure::default() };
    let generation = model.generation;
    let effects = tell(&mut model, Net::Done { generation, result: Err(failure) });
    assert!(effects.list.iter().any(|effect| matches!(effect, Effect::FetchToken { .. })));
    let mut theirs = (**model.tokens.selected().unwrap()).clone();
    (theirs.version, theirs.dedup_window_secs) = (3, 60);
    tell(&mut model, Net::Token(Box::new(theirs)));
    let Some(Layer::Form(form)) = &model.layer else { panic!("the form is gone") };
    assert!(form.theirs.is_some() && form.settings().name.ends_with("-2"));
    press(&mut model, Key::plain(Code::Enter));
    let Some(Layer::Form(form)) = &model.layer else { panic!("the form is gone") };
    assert!(form.theirs.is_none() && form.settings().name.ends_with("-2"));
    assert_eq!(form.settings().dedup_window_secs, 60);
}

#[test]
fn a_signed_in_operator_who_leaves_is_locked_and_comes_back_by_the_passphrase_only() {
    let mut model = model(80, 24, 4);
    tell(&mut model, Net::SignedIn(Some("anna".into())));
    update(&mut model, Msg::Tick, now().plus_secs(899));
    assert!(model.lock.is_none());
    assert_eq!(next_change(&model, now().plus_secs(899)).unwrap(), now().plus_secs(900));
    update(&mut model, Msg::Tick, now().plus_secs(900));
    assert!(model.lock.is_some());
    for key in ['R', '2', 'q'] {
        assert!(press(&mut model, Key::char(key)).list.is_empty());
    }
    assert!(model.layer.is_none() && model.screen == Screen::Tokens);
    let effects = press(&mut model, Key::plain(Code::Enter));
    let passphrase = match request_of(&effects) {
        Some(Call::SignIn { operator, passphrase }) if operator == "anna" => passphrase.0.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(passphrase, "R2q");
    let generation = model.generation;
    let failure = Failure { words: "wrong".into(), kind: FailureKind::Wait(8), ..Failure::default() };
    tell(&mut model, Net::Done { generation, result: Err(failure) });
    assert!(model.lock.as_ref().unwrap().wait_until.is_some());
    type_text(&mut model, "again");
    assert!(press(&mut model, Key::plain(Code::Enter)).list.is_empty(), "not before its time");
    let later = now().plus_secs(1_000);
    update(&mut model, Msg::Key(Key::plain(Code::Enter)), later);
    let generation = model.generation;
    update(&mut model, Msg::Net(Net::Done { generation, result: Ok(Reply::Nothing) }), later);
    assert!(model.lock.is_none());
}

#[test]
fn a_secret_under_the_lock_stays_for_who_left_it_and_for_nobody_else() {
    let mut model = model(80, 24, 4);
    tell(&mut model, Net::SignedIn(Some("anna".into())));
    created(&mut model);
    update(&mut model, Msg::Tick, now().plus_secs(900));
    assert!(matches!(&model.layer, Some(Layer::Secret(dialog)) if dialog.hidden));
    press(&mut model, Key::plain(Code::Esc));
    press(&mut model, Key::plain(Code::Esc));
    assert!(model.lock.is_none() && model.layer.is_none() && model.signed_in.is_none());
}

#[test]
fn without_a_sign_in_it_locks_only_where_somebody_asked_for_it() {
    let mut model = model(80, 24, 4);
    update(&mut model, Msg::Tick, now().plus_secs(100_000));
    assert!(model.lock.is_none());
    type_text(&mut model, ".k");
    assert!(model.lock.is_some());
    press(&mut model, Key::plain(Code::Enter));
    assert!(model.lock.is_none());
    model.lock_after_secs = Some(60);
    update(&mut model, Msg::Tick, now().plus_secs(200_000));
    assert!(model.lock.is_some());
}

#[test]
fn a_lockdown_wants_the_hosts_name_and_a_reason_and_is_lifted_with_a_question() {
    let mut model = model(80, 24, 4);
    type_text(&mut model, ":lockdown on");
    press(&mut model, Key::plain(Code::Enter));
    type_text(&mut model, "noc-2");
    press(&mut model, Key::plain(Code::Tab));
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(request_of(&effects).is_none(), "a reason is missing");
    press(&mut model, Key::plain(Code::BackTab));
    press(&mut model, Key::plain(Code::BackTab));
    type_text(&mut model, "leak");
    press(&mut model, Key::plain(Code::Tab));
    press(&mut model, Key::plain(Code::Tab));
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(matches!(request_of(&effects), Some(Call::SetLockdown { on: true, reason }) if reason == "leak"));
}

#[test]
fn older_rows_of_the_audit_are_asked_for_when_the_mark_nears_the_end() {
    let mut model = model(80, 24, 4);
    press(&mut model, Key::char('7'));
    let generation = model.audit.asked.unwrap();
    let mut page = fixtures::audit(100);
    page.rows.truncate(50);
    page.next = Some(51);
    tell(&mut model, Net::Audit { generation, page: Ok(page) });
    let effects = press(&mut model, Key::char('G'));
    let before = effects.list.iter().find_map(|effect| match effect {
        Effect::FetchAudit { before, .. } => Some(*before),
        _ => None,
    });
    assert_eq!(before, Some(Some(51)));
}
