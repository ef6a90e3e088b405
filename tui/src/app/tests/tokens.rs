//! The dialogs that change a token.

use super::*;

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
