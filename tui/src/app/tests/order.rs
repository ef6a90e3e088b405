//! `o` and `s` on the screens whose tables can be sorted here, and on the one that cannot.

use super::*;
use tollgate_shared::request::RequestState;

fn press_all(model: &mut Model, keys: &str) {
    for key in keys.chars() {
        press(model, Key::char(key));
    }
}

/// Three requests: succeeded, failed, running; the newest first.
fn requests() -> Vec<tollgate_shared::api::RequestView> {
    let states = [RequestState::Succeeded, RequestState::Failed, RequestState::Running];
    let make = |(number, state): (u64, RequestState)| tollgate_shared::api::RequestView {
        state,
        steps_done: u32::try_from(3 - number).unwrap(),
        created_at: now().plus_secs(-i64::try_from(number).unwrap()),
        ..fixtures::request(number)
    };
    (0..).zip(states).map(make).collect()
}

fn with_requests() -> Model {
    let mut model = model(80, 24, 4);
    press(&mut model, Key::char('4'));
    tell(&mut model, Net::Requests { rows: requests(), more: false, workflows: Vec::new() });
    model
}

fn states(model: &Model) -> Vec<RequestState> {
    model.requests.rows.iter().map(|row| row.state).collect()
}

#[test]
fn requests_are_sorted_by_a_letter_and_the_same_letter_again_reverses() {
    use RequestState::{Failed, Running, Succeeded};
    let mut model = with_requests();
    assert_eq!(states(&model), [Succeeded, Failed, Running]);
    press_all(&mut model, "os");
    assert_eq!(states(&model), [Failed, Running, Succeeded]);
    press_all(&mut model, "os");
    assert_eq!(states(&model), [Succeeded, Running, Failed]);
    press_all(&mut model, "op");
    assert_eq!(states(&model), [Running, Failed, Succeeded], "by steps done");
}

#[test]
fn news_do_not_move_sorted_rows_until_somebody_asks() {
    use RequestState::{Failed, Running, Succeeded};
    let mut model = with_requests();
    press_all(&mut model, "os");
    let marked = model.requests.selected().map(|row| row.id);
    let mut rows = requests();
    rows[1].state = Succeeded;
    rows.insert(0, tollgate_shared::api::RequestView { state: Running, ..fixtures::request(9) });
    tell(&mut model, Net::Requests { rows, more: false, workflows: Vec::new() });
    assert_eq!(
        states(&model),
        [Running, Succeeded, Running, Succeeded],
        "the new one first, the others where they were"
    );
    assert_eq!(model.requests.selected().map(|row| row.id), marked);
    press_all(&mut model, "s");
    assert_eq!(states(&model), [Running, Running, Succeeded, Succeeded]);
    assert!(!states(&model).contains(&Failed));
}

#[test]
fn operators_are_sorted_by_role_name_and_last_visit() {
    let mut model = model(80, 24, 4);
    press_all(&mut model, "6on");
    let names = |model: &Model| model.operators.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&model), ["piet", "control room", "bob", "anna"], "by name it was, so it is reversed");
    press_all(&mut model, "oe");
    assert_eq!(names(&model), ["anna", "bob", "control room", "piet"], "who is disabled is the last");
    tell(&mut model, Net::Operators(Ok(fixtures::operators().into_iter().rev().collect())));
    assert_eq!(names(&model), ["anna", "bob", "control room", "piet"], "the rows stay where they are");
}

#[test]
fn the_audit_has_one_order_and_says_what_finds_the_rest() {
    let mut model = model(80, 24, 4);
    press_all(&mut model, "7ow");
    let words = model.notice.clone().unwrap_or_default();
    assert!(words.contains("f actor:NAME"), "{words}");
    press_all(&mut model, "od");
    assert!(model.notice.as_deref().is_some_and(|words| words.contains("newest first")), "{:?}", model.notice);
}

#[test]
fn a_service_says_its_maintenance_with_its_end() {
    let mut model = model(80, 24, 4);
    let Net::Organisation { teams, mut services, filters } = fixtures::organisation() else { panic!("another") };
    let (over, runs) = (now().plus_secs(-1), now().plus_secs(3_600));
    let id = fixtures::maintenance("x").id;
    services[0].maintenance = Some(tollgate_shared::api::ServiceMaintenance { id, until: Some(runs) });
    services[1].maintenance = Some(tollgate_shared::api::ServiceMaintenance { id, until: Some(over) });
    services[2].maintenance = Some(tollgate_shared::api::ServiceMaintenance { id, until: None });
    tell(&mut model, Net::Organisation { teams, services, filters });
    model.maintenances.clear();
    let words: Vec<_> = model.services.services.iter().map(|one| model.maintenance_words(one)).collect();
    assert!(words[0].as_deref().is_some_and(|words| words.contains("until 2026-11-22 04:14:00Z")), "{words:?}");
    assert_eq!(words[1], None, "it is over, and the daemon need not be asked for that");
    assert_eq!(words[2].as_deref(), Some("MAINTENANCE until somebody ends it"));
}
