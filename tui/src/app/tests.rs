//! The model under chosen sequences; under random ones in `events`.

mod desk;
mod events;
mod first;
mod flood;
mod lock;
mod log;
mod order;
mod resume;
mod secret;
mod tokens;

use tollgate_shared::log::TailItem;
use tollgate_shared::time::Timestamp;
use zeroize::Zeroizing;

use super::fixtures::{self, model, now, press, tell, type_text};
use super::key::{Code, Key};
use super::layer::Layer;
use super::msg::{Call, Effect, Failure, FailureKind, Hidden, Reply, Rows, Slot};
use super::secret::Secret;
use super::tail::{Page, Sought};
use super::update::{next_change, update};
use super::{Dirty, Model, Msg, Net, Screen};

const SECRET: &str = "tg_s_7QmX0c2LrTaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_abcdef";

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

/// Signing in and out is no change of anything in the daemon.
fn changes(effect: &Effect) -> bool {
    matches!(effect, Effect::Request { call, .. } if !matches!(**call, Call::SignIn { .. } | Call::SignOut))
}

fn log_of(count: u32) -> Model {
    let mut model = model(80, 24, count);
    press(&mut model, Key::char('2'));
    model
}

fn request_of(effects: &super::Effects) -> Option<&Call> {
    effects.list.iter().find_map(|effect| match effect {
        Effect::Request { call, .. } => Some(&**call),
        _ => None,
    })
}

fn created(model: &mut Model) {
    let token = Box::new(fixtures::token(2, "fresh"));
    let result = Ok(Reply::Created { secret: Secret::new(SECRET.to_owned()), token });
    tell(model, Net::Done { generation: 1, result });
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
