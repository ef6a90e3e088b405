//! The idle lock, and the lockdown of the daemon.

use super::*;

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
