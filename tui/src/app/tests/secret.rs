//! A secret on the screen.

use super::*;

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
fn a_secret_stands_in_no_debug_text_and_in_no_command() {
    let mut model = model(80, 24, 4);
    created(&mut model);
    let effects = press(&mut model, Key::char('y'));
    let effects = format!("{effects:?} {:?}", press(&mut model, Key::char('w')));
    assert!(!effects.contains("7QmX0c2LrTaaa"), "{effects}");
    assert!(!format!("{model:?}").contains("7QmX0c2LrTaaa"));
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
