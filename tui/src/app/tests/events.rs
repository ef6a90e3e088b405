//! The model under random sequences of what can come to it.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;

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
pub(super) enum Event {
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

pub(super) fn event() -> impl Strategy<Value = Event> {
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

pub(super) fn message(model: &Model, event: &Event) -> Msg {
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
            let first = model.logs.tail.entries.front().map_or(30, crate::app::tail::Entry::seq);
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
            let page = crate::app::msg::AuditPage { newest: *newest, ..fixtures::audit(*count) };
            Msg::Net(Net::Audit { generation: model.audit.asked.unwrap_or(0), page: Ok(page) })
        }
        Event::SignedIn(on) => Msg::Net(Net::SignedIn(on.then(|| "anna".to_owned()))),
        Event::Me(superuser) => {
            let operator = (!superuser).then(|| fixtures::operator(2, "bob"));
            let me = crate::app::rights::Me { name: "bob".into(), superuser: *superuser, read_only: false, operator };
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
        Event::Mouse(true, column, _) => Msg::Mouse(crate::app::msg::Mouse::Wheel { down: column % 2 == 0 }),
        Event::Mouse(false, column, row) => Msg::Mouse(crate::app::msg::Mouse::Press { column: *column, row: *row }),
        Event::Incidents(count) => {
            let rows = (1..=*count).map(|at| std::sync::Arc::new(fixtures::incident(at)));
            let (open, resolved) = rows.partition(|row| row.head.state.is_open());
            Msg::Net(Net::Incidents { query: model.incidents.query().to_owned(), open, resolved, more: false })
        }
    }
}

/// What holds after every message.
pub(super) fn check(model: &Model) {
    let tail = &model.logs.tail;
    let seqs: Vec<u64> = tail.entries.iter().map(crate::app::tail::Entry::seq).collect();
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
