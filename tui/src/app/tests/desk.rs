//! Marks, undo, the list of changes, the palette and the prompt for a value: the operator's desk.

use tollgate_shared::api::{BulkIncidentsResult, BulkResult, Identified};
use tollgate_shared::token::{Expiry, TokenState};

use super::*;
use crate::app::ask::What;
use crate::app::commands::CommandState;
use crate::app::palette::Target;
use crate::app::times::Form as TimeForm;

/// A token that ends in so many days, and was made for 90.
fn ending(number: u32, days: i64) -> tollgate_shared::api::TokenView {
    let mut token = fixtures::token(number, &format!("sender-{number}"));
    token.expires_at = Some(now().plus_secs(days * 86_400));
    token.expiry = Expiry::AfterSecs(90 * 86_400);
    token.state = TokenState::Active;
    token
}

/// Nine tokens that end soon.
fn nine() -> Model {
    let mut model = model(80, 24, 0);
    let tokens = (1..=9).map(|number| std::sync::Arc::new(ending(number, number.into()))).collect();
    tell(&mut model, Net::Tokens(tokens));
    model
}

fn press_all(model: &mut Model, keys: &str) -> super::super::Effects {
    let mut last = super::super::Effects::default();
    for key in keys.chars() {
        last = press(model, if key == '\r' { Key::plain(Code::Enter) } else { Key::char(key) });
    }
    last
}

fn tab_to_button(model: &mut Model) {
    for _ in 0..4 {
        if matches!(&model.layer, Some(Layer::Ask(ask)) if ask.mark == crate::app::ask::Stop::Do) {
            return;
        }
        press(model, Key::plain(Code::Tab));
    }
    panic!("no button: {:?}", model.layer);
}

#[test]
fn six_of_nine_are_extended_in_one_request_of_all_or_nothing() {
    let mut model = nine();
    press_all(&mut model, "      ");
    assert_eq!(model.tokens.marks.len(), 6);
    press_all(&mut model, ".x");
    let Some(Layer::Ask(ask)) = &model.layer else { panic!("{:?}", model.layer) };
    assert_eq!(ask.number(), 6);
    assert!(ask.lines.iter().all(|line| line.new.starts_with("2027-02-") && line.old < line.new), "{:?}", ask.lines);
    assert!(ask.cli().starts_with("tollgate token refresh s_0000000001 ") && ask.cli().ends_with(" --yes"));
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(request_of(&effects).is_none() && model.layer.is_none(), "the mark started on Cancel");
    press_all(&mut model, ".x");
    tab_to_button(&mut model);
    let effects = press(&mut model, Key::plain(Code::Enter));
    let Some(Call::BulkTokens(bulk)) = request_of(&effects) else { panic!("{effects:?}") };
    assert_eq!((bulk.action.as_str(), bulk.tokens.len(), bulk.confirm_count), ("refresh", 6, Some(6)));
    let generation = model.generation;
    let tokens = (1..=6).map(|number| ending(number, 90)).collect();
    tell(&mut model, Net::Done { generation, result: Ok(Reply::Bulk(Box::new(BulkResult { done: true, tokens }))) });
    assert!(model.layer.is_none() && model.tokens.marks.is_empty());
    assert!(model.undo.is_empty(), "an end that was moved is not moved back");
}

#[test]
fn what_a_change_does_not_concern_is_left_out_with_the_reason() {
    let mut model = nine();
    let mut sealed = ending(2, 2);
    sealed.sealed = true;
    let mut endless = ending(3, 3);
    endless.expires_at = None;
    [sealed, endless].into_iter().for_each(|token| drop(tell(&mut model, Net::Token(Box::new(token)))));
    // Wherever the mark stands: the menu speaks of all that are marked.
    press_all(&mut model, "j*.x");
    let Some(Layer::Ask(ask)) = &model.layer else { panic!("{:?}", model.notice) };
    assert_eq!((ask.lines.len(), ask.number()), (9, 7));
    let left: Vec<&str> = ask.lines.iter().filter_map(|line| line.left_out.as_deref()).collect();
    assert!(left.iter().any(|why| why.contains("sealed")) && left.iter().any(|why| why.contains("never ends")));
}

#[test]
fn revoking_many_wants_their_number_typed_and_a_paste_does_not_count() {
    let mut model = nine();
    press_all(&mut model, "  R");
    update(&mut model, Msg::Paste { text: Hidden(Zeroizing::new("2".into())), burst: false }, now());
    tab_to_button(&mut model);
    assert!(request_of(&press(&mut model, Key::plain(Code::Enter))).is_none());
    press_all(&mut model, "3\r");
    assert!(model.layer.is_some(), "3 is not their number");
    press(&mut model, Key::plain(Code::Backspace));
    let effects = press_all(&mut model, "2\r");
    let Some(Call::BulkTokens(bulk)) = request_of(&effects) else { panic!("{effects:?}") };
    assert_eq!((bulk.action.as_str(), bulk.confirm_count), ("revoke", Some(2)));
}

#[test]
fn marks_stay_on_their_ids_and_esc_takes_them_away() {
    let mut model = nine();
    press_all(&mut model, " ");
    let first = model.tokens.all[0].id;
    let rest = (1..=9).rev().map(|number| std::sync::Arc::new(ending(number, 30 - i64::from(number)))).collect();
    tell(&mut model, Net::Tokens(rest));
    press_all(&mut model, "s");
    assert!(model.tokens.marks.has(first) && model.tokens.marks.len() == 1);
    press_all(&mut model, "D");
    assert!(model.notice.as_deref().is_some_and(|words| words.contains("one row at a time")), "{:?}", model.notice);
    press(&mut model, Key::plain(Code::Esc));
    assert!(model.tokens.marks.is_empty());
    tell(&mut model, Net::Tokens(Vec::new()));
    assert!(model.tokens.marks.is_empty(), "what is gone is not marked");
}

#[test]
fn marked_tokens_are_edited_by_a_form_that_leaves_alone_what_is_not_chosen() {
    let mut model = nine();
    press_all(&mut model, "  E");
    assert!(matches!(&model.layer, Some(Layer::Form(form)) if form.title().contains("2 marked")));
    press(&mut model, Key::plain(Code::Tab));
    type_text(&mut model, "1 h");
    while !matches!(&model.layer, Some(Layer::Form(form)) if form.on_button()) {
        press(&mut model, Key::plain(Code::Tab));
    }
    press(&mut model, Key::plain(Code::Enter));
    let Some(Layer::Ask(ask)) = &model.layer else { panic!("{:?}", model.layer) };
    assert_eq!((ask.lines[0].old.as_str(), ask.lines[0].new.as_str()), ("dedup 10m", "dedup 1h"));
    assert!(ask.cli().contains("tollgate token edit s_0000000001 --dedup 3600s && "), "{}", ask.cli());
    tab_to_button(&mut model);
    let effects = press(&mut model, Key::plain(Code::Enter));
    let Some(Call::BulkTokens(bulk)) = request_of(&effects) else { panic!("{effects:?}") };
    assert_eq!((bulk.patch.dedup_window_secs, bulk.patch.expires.clone()), (Some(3_600), None));
}

#[test]
fn incidents_are_resolved_together_with_a_comment_and_their_number() {
    let mut model = model(80, 24, 5);
    press_all(&mut model, "3*.v");
    let Some(Layer::Ask(ask)) = &model.layer else { panic!("{:?}", model.layer) };
    assert_eq!((ask.lines.len(), ask.number()), (4, 4), "the fourth is resolved already, so it is not marked");
    press(&mut model, Key::plain(Code::BackTab));
    type_text(&mut model, "storm");
    tab_to_button(&mut model);
    let effects = press_all(&mut model, "4\r");
    let Some(Call::BulkIncidents(bulk)) = request_of(&effects) else { panic!("{effects:?}") };
    assert_eq!((bulk.action.as_str(), bulk.comment.as_deref(), bulk.incidents.len()), ("resolve", Some("storm"), 4));
    let generation = model.generation;
    let result = BulkIncidentsResult { done: true, count: 4, incidents: Vec::new() };
    tell(&mut model, Net::Done { generation, result: Ok(Reply::Incidents(Box::new(result))) });
    assert!(model.incidents.marks.is_empty() && model.undo.is_empty(), "resolved is for good");
}

/// Suspends the marked token, and answers as the daemon does.
fn suspended() -> Model {
    let mut model = nine();
    press_all(&mut model, "S");
    press(&mut model, Key::plain(Code::Tab));
    press(&mut model, Key::plain(Code::Enter));
    let generation = model.generation;
    let mut token = ending(1, 1);
    (token.version, token.state) = (7, TokenState::Suspended);
    tell(&mut model, Net::Done { generation, result: Ok(Reply::Token(Box::new(token))) });
    model
}

#[test]
fn a_suspension_is_undone_by_a_resume_that_is_asked_about_and_bound_to_the_version() {
    let mut model = suspended();
    assert_eq!(model.undo.len(), 1);
    assert!(press_all(&mut model, "u").list.is_empty(), "u changes nothing by itself");
    press_all(&mut model, "\r");
    let Some(Layer::Ask(ask)) = &model.layer else { panic!("{:?}", model.layer) };
    assert!(matches!(ask.what, What::Undo(..)) && ask.cli() == "tollgate token resume s_0000000001");
    tab_to_button(&mut model);
    let effects = press(&mut model, Key::plain(Code::Enter));
    let Some(Call::Guarded(expected, call)) = request_of(&effects) else { panic!("{effects:?}") };
    assert_eq!(expected, &[super::super::msg::Expect::Token { token: "s_0000000001".into(), version: 7 }]);
    assert!(matches!(**call, Call::Resume { .. }));
    let generation = model.generation;
    let failure = Failure { words: "anna has changed it".into(), kind: FailureKind::Outdated, ..Failure::default() };
    tell(&mut model, Net::Done { generation, result: Err(failure) });
    let Some(Layer::Ask(ask)) = &model.layer else { panic!() };
    assert!(ask.error.as_deref().is_some_and(|why| why.contains("nothing was undone")), "{:?}", ask.error);
    assert!(model.undo.is_empty(), "there is nothing to go back to");
}

#[test]
fn what_was_undone_leaves_the_list_and_is_not_in_it_again() {
    let mut model = suspended();
    press_all(&mut model, "u\r");
    tab_to_button(&mut model);
    press(&mut model, Key::plain(Code::Enter));
    let generation = model.generation;
    tell(&mut model, Net::Done { generation, result: Ok(Reply::Token(Box::new(ending(1, 1)))) });
    assert!(model.undo.is_empty() && model.layer.is_none());
    press_all(&mut model, "u");
    assert!(model.notice.as_deref().is_some_and(|words| words.contains("nothing of this session")));
}

#[test]
fn a_revoke_is_never_among_what_can_be_undone() {
    let mut model = nine();
    press_all(&mut model, "R");
    (0..3).for_each(|_| drop(press(&mut model, Key::plain(Code::Tab))));
    type_text(&mut model, "sender-1");
    let effects = press(&mut model, Key::plain(Code::Enter));
    assert!(matches!(request_of(&effects), Some(Call::Revoke { .. })), "{effects:?}");
    let generation = model.generation;
    tell(&mut model, Net::Done { generation, result: Ok(Reply::Nothing) });
    assert!(model.undo.is_empty());
}

#[test]
fn an_edit_is_undone_to_the_former_values_if_nobody_was_faster() {
    let mut model = nine();
    let patch = tollgate_shared::api::TokenPatch { dedup_window_secs: Some(60), ..Default::default() };
    let token = model.tokens.all[0].clone();
    let call = Call::EditToken { token: token.id.to_string(), patch: Box::new(patch), version: 2, debug: None };
    let undoable = super::super::undo::of(&model, &call, 9).unwrap();
    let Call::EditToken { patch, .. } = &undoable.call else { panic!() };
    assert_eq!(patch.dedup_window_secs, Some(600));
    model.undo.begin(Some(undoable));
    let mut after = (*token).clone();
    after.version = 3;
    model.undo.end(9, Some(&Reply::Token(Box::new(after))), now());
    let one = model.undo.get(0).unwrap();
    assert!(matches!(&one.call, Call::EditToken { version: 3, .. }));
    assert_eq!(one.cli, "tollgate token edit s_0000000001 --if-version 3 --dedup 600s");
}

#[test]
fn the_list_of_changes_has_each_with_its_end_and_y_copies_one() {
    let mut model = suspended();
    press_all(&mut model, ":history\r");
    assert!(matches!(model.layer, Some(Layer::History { at: 0 })));
    assert!(matches!(model.commands.last().unwrap().state, CommandState::Done(_)));
    let effects = press_all(&mut model, "y");
    let [Effect::Copy { text, secret: false }] = effects.list.as_slice() else { panic!("{effects:?}") };
    assert!(text.0.starts_with("tollgate token suspend s_0000000001"));
}

fn paste(model: &mut Model, text: &str) -> super::super::Effects {
    update(model, Msg::Paste { text: Hidden(Zeroizing::new(text.into())), burst: true }, now())
}

#[test]
fn a_pasted_secret_is_caught_over_any_screen_and_asked_about_unseen() {
    for keys in ["", "/", "f", ":", "2f", "P", "u"] {
        let mut model = nine();
        press_all(&mut model, keys);
        assert!(paste(&mut model, &format!("see {SECRET} in the log")).list.is_empty(), "nothing is sent by itself");
        assert!(matches!(model.layer, Some(Layer::Identify(_))), "{keys:?}: {:?}", model.layer);
        assert!(!format!("{model:?}").contains(&SECRET[5..]), "{keys:?}");
        let effects = press(&mut model, Key::plain(Code::Enter));
        let [Effect::Identify { generation, value }] = effects.list.as_slice() else { panic!("{effects:?}") };
        assert_eq!(*value.0, SECRET);
        let found = Identified { what: "current".into(), detail: String::new(), token: Some(ending(4, 4)) };
        tell(&mut model, Net::Identified { generation: *generation, result: Ok(vec![found]) });
        press(&mut model, Key::plain(Code::Enter));
        assert_eq!(model.tokens.selected().unwrap().name, "sender-4");
        assert!(model.logs.history.queries().is_empty() && model.commands.last().is_none());
    }
}

#[test]
fn letters_that_are_not_shown_are_known_as_such() {
    let mut model = nine();
    assert!(!model.hides_typing());
    press_all(&mut model, ":identify\r");
    assert!(model.hides_typing());
    press(&mut model, Key::plain(Code::Esc));
    press_all(&mut model, ":sign-in\r");
    assert!(!model.hides_typing(), "the name is shown");
    press(&mut model, Key::plain(Code::Tab));
    assert!(model.hides_typing());
}

#[test]
fn a_form_keeps_what_was_typed_when_a_secret_is_pasted_into_it() {
    let mut model = nine();
    press_all(&mut model, "Asender");
    paste(&mut model, SECRET);
    let Some(Layer::Form(form)) = &model.layer else { panic!("{:?}", model.layer) };
    assert!(form.error.as_deref().is_some_and(|why| why.contains(":identify")), "{:?}", form.error);
}

#[test]
fn the_palette_leads_to_an_action_and_to_a_token_that_a_filter_hides() {
    let mut model = nine();
    press_all(&mut model, "fsender-1\r");
    press(&mut model, Key::ctrl('p'));
    type_text(&mut model, "sender-7");
    let Some(Layer::Palette(palette)) = &model.layer else { panic!() };
    assert!(matches!(palette.chosen().map(|found| &found.target), Some(Target::Token(_))));
    press(&mut model, Key::plain(Code::Enter));
    assert_eq!(model.tokens.selected().unwrap().name, "sender-7");
    assert!(!model.tokens.filter_on);
    press_all(&mut model, "Psuspend\r");
    assert!(matches!(model.layer, Some(Layer::Danger(_))), "{:?}", model.layer);
}

#[test]
fn a_command_takes_a_query_and_a_filter_of_tokens_may_name_fields() {
    let mut model = nine();
    press_all(&mut model, ":tokens expires:<4d\r");
    assert_eq!((model.screen, model.tokens.shown.len()), (Screen::Tokens, 3), "{}", model.tokens.filter);
    press_all(&mut model, ":incidents priority:p1\r");
    assert_eq!((model.screen, model.incidents.query()), (Screen::Incidents, "priority:p1"));
    press_all(&mut model, ":log outcom:x\r");
    assert!(matches!(&model.layer, Some(Layer::Prompt(prompt)) if prompt.error.is_some()), "it stays open");
}

#[test]
fn incidents_are_asked_for_by_a_query_and_another_ones_answer_is_not_taken() {
    let mut model = model(80, 24, 5);
    press_all(&mut model, "3fprio");
    press(&mut model, Key::plain(Code::Tab));
    type_text(&mut model, "p1");
    let effects = press(&mut model, Key::plain(Code::Enter));
    let asked =
        effects.list.iter().any(|effect| matches!(effect, Effect::WatchIncidents { query } if query == "priority:p1"));
    assert!(asked, "{effects:?}");
    let rows: Vec<_> = (1..=3).map(|at| std::sync::Arc::new(fixtures::incident(at))).collect();
    let answer = |query: &str, rows: Vec<_>| Net::Incidents {
        query: query.into(),
        open: rows,
        resolved: Vec::new(),
        more: false,
    };
    tell(&mut model, answer("", rows.clone()));
    assert_eq!(model.incidents.rows.len(), 5, "the answer to everything came late");
    tell(&mut model, answer("priority:p1", rows[..1].to_vec()));
    assert_eq!(model.incidents.rows.len(), 1);
    assert_eq!(model.incidents.open_by(rows[0].head.token), None, "not all are known while a query is asked");
    press_all(&mut model, "=");
    press_all(&mut model, "s");
    assert_eq!(model.incidents.query(), "priority:p1 service:Ops/Network");
    press_all(&mut model, "F");
    assert_eq!(model.incidents.query(), "");
    tell(&mut model, Net::IncidentsRefused { query: String::new(), why: "no".into() });
    assert_eq!(model.incidents.refused.as_deref(), Some("no"));
}

#[test]
fn incidents_are_sorted_by_any_column_and_never_by_themselves() {
    let mut model = model(80, 24, 5);
    press_all(&mut model, "3oc");
    let calls = |model: &Model| model.incidents.rows.iter().map(|row| row.head.occurrences).collect::<Vec<_>>();
    assert_eq!(calls(&model), [15, 12, 9, 6, 3]);
    press_all(&mut model, "oc");
    assert_eq!(calls(&model), [3, 6, 9, 12, 15]);
}

#[test]
fn times_turn_through_three_forms_and_ages_in_the_log_make_frames() {
    let mut model = log_of(4);
    press_all(&mut model, "tt");
    assert_eq!(model.times.form, TimeForm::Ago);
    assert!(next_change(&model, now()).unwrap() <= now().plus_secs(60));
    press_all(&mut model, "t");
    assert_eq!(model.times.form, TimeForm::Utc);
}

#[test]
fn the_mouse_does_nothing_until_it_is_switched_on_and_never_reaches_under_a_dialog() {
    use super::super::msg::Mouse;
    let mut model = nine();
    let wheel = || Msg::Mouse(Mouse::Wheel { down: true });
    update(&mut model, wheel(), now());
    assert_eq!(model.tokens.cursor.index, 0);
    let effects = press_all(&mut model, "m");
    assert!(matches!(effects.list.as_slice(), [Effect::Mouse(true)]));
    update(&mut model, wheel(), now());
    assert_eq!(model.tokens.cursor.index, 3);
    let row = model.layout().list.y + 1;
    update(&mut model, Msg::Mouse(Mouse::Press { column: 4, row }), now());
    assert_eq!(model.tokens.cursor.index, 1);
    press_all(&mut model, "?");
    update(&mut model, wheel(), now());
    assert_eq!(model.tokens.cursor.index, 1);
}
