//! Forms, key by key.

use std::sync::Arc;

use tollgate_shared::api::RecentUse;
use tollgate_shared::token::RateLimit;

use super::super::fixtures::{self, now};
use super::super::key::Code;
use super::*;

fn type_into(form: &mut Form, text: &str) {
    assert!(text.chars().all(|letter| form.key(Key::char(letter))));
}

fn go(form: &mut Form, label: &str) {
    form.focus = form.fields.iter().position(|field| field.label == label).unwrap();
}

fn create() -> Form {
    Form::token(&[], &[], None, None)
}

fn edit() -> Form {
    Form::edit(&Arc::new(fixtures::token(100, "zabbix")), None, now())
}

#[test]
fn a_name_too_long_is_said_while_it_is_typed() {
    let mut form = Form::team();
    type_into(&mut form, &"n".repeat(64));
    assert_eq!(form.complaint(), None);
    type_into(&mut form, "n");
    assert!(form.complaint().unwrap().contains("65 characters"));
    assert!(form.submit().is_err());
}

#[test]
fn a_token_ends_in_a_year_unless_somebody_chooses_otherwise() {
    let mut form = create();
    type_into(&mut form, "zabbix-prod");
    let Ok(Call::CreateToken(token)) = form.submit() else { panic!("no token") };
    assert_eq!((token.expires.as_deref(), token.debug, token.dedup_window_secs), (Some("365d"), true, Some(600)));
    assert_eq!(token.query_token, Some(false), "an address ends up in logs: off unless somebody ticks it");
    assert_eq!(form.expires_words(now()).as_deref(), Some("2027-11-22"));
    let line = "tollgate token create zabbix-prod --scope global --expires 365d --debug --no-query-token";
    assert_eq!(form.cli(), line);
}

#[test]
fn typing_in_a_choice_finds_the_option() {
    let mut form = create();
    go(&mut form, "expires");
    type_into(&mut form, "nev");
    assert_eq!(form.pick("expires"), Some("never"));
    form.key(Key::plain(Code::Right));
    assert_eq!(form.pick("expires"), Some("date"));
}

#[test]
fn what_is_seldom_needed_is_folded_and_every_default_stands_there_in_words() {
    let mut form = create();
    let labels = |form: &Form| form.shown().map(|(_, field)| field.label).collect::<Vec<_>>();
    assert_eq!(labels(&form), ["name", "scope", "owner", "may", "expires", "from", "debug", "more"]);
    assert_eq!(form.folded_words(), "dedup 10 min, no limit, ?token= off, not sealed");
    go(&mut form, "more");
    form.enter();
    assert_eq!(form.fields[form.focus].label, "description");
    assert!(labels(&form).ends_with(&["limit", "?token=", "delivery ids", "sealed"]));
    go(&mut form, "may");
    type_into(&mut form, "choose");
    assert!(labels(&form).contains(&"tokens:manage"));
    go(&mut form, "sealed");
    form.step(1);
    assert!(form.on_button());
}

#[test]
fn every_field_reaches_the_request_and_the_command() {
    let mut form = create();
    type_into(&mut form, "all");
    let texts = [
        ("description", "what it is"),
        ("starts", "2026-12-01"),
        ("from", "10.0.0.0/24, 2001:db8::1"),
        ("dedup skip", "alerts[*].startsAt"),
        ("limit", "600/min:50"),
    ];
    for (label, text) in texts {
        go(&mut form, label);
        type_into(&mut form, text);
    }
    for label in ["report only", "strict", "?token=", "sealed"] {
        go(&mut form, label);
        assert!(form.key(Key::char(' ')));
    }
    for (label, text) in [("may", "choose"), ("expires", "a date"), ("dedup", "1 hour")] {
        go(&mut form, label);
        type_into(&mut form, text);
    }
    go(&mut form, "date");
    type_into(&mut form, "2027-01-31");
    go(&mut form, "logs:read");
    form.key(Key::char(' '));
    assert_eq!(form.complaint(), None);
    let Ok(Call::CreateToken(token)) = form.submit() else { panic!("no token") };
    assert_eq!(token.permissions, ["logs:read"]);
    assert_eq!((token.preset.as_deref(), token.expires.as_deref()), (None, Some("2027-01-31T00:00:00Z")));
    assert_eq!(token.not_before.as_deref(), Some("2026-12-01T00:00:00Z"));
    assert_eq!(token.allowed_ips, ["10.0.0.0/24", "2001:db8::1"]);
    assert_eq!(token.rate_limit, Some(RateLimit { calls_per_min: 600, burst: 50 }));
    assert!(token.ip_report_only && token.dedup_strict && token.sealed && token.query_token == Some(true));
    let line = form.cli();
    for option in [
        "--permission logs:read",
        "--not-before 2026-12-01T00:00:00Z",
        "--allow-ip 10.0.0.0/24 --allow-ip 2001:db8::1",
        "--ip-report-only",
        "--dedup 3600s",
        "--dedup-ignore 'alerts[*].startsAt'",
        "--strict-dedup",
        "--rate 600/min:50",
        "--sealed",
        "--description 'what it is'",
    ] {
        assert!(line.contains(option), "{option} is not in {line}");
    }
    assert!(!line.contains("query-token"), "{line}");
}

#[test]
fn nothing_ticked_is_no_token_with_a_default_that_nobody_chose() {
    let mut form = create();
    type_into(&mut form, "none");
    go(&mut form, "may");
    type_into(&mut form, "choose");
    assert!(form.submit().unwrap_err().contains("at least one"));
    go(&mut form, "logs:read");
    form.key(Key::char(' '));
    assert!(form.submit().is_ok());
}

#[test]
fn each_limit_is_said_while_typing_with_the_field_named() {
    let cases = [
        ("from", "10.0.0.0/33", "`10.0.0.0/33` is no address"),
        ("starts", "soon", "starts: `soon`"),
        ("dedup skip", "a[", "dedup skip: `a[`"),
        ("limit", "600", "600/min"),
        ("limit", "0/min", "1 to 1,000,000"),
    ];
    for (label, text, words) in cases {
        let mut form = create();
        go(&mut form, label);
        type_into(&mut form, text);
        let complaint = form.complaint().unwrap_or_default();
        assert!(complaint.contains(words), "{label} {text}: {complaint}");
    }
    let mut form = create();
    go(&mut form, "description");
    type_into(&mut form, &"d".repeat(501));
    assert!(form.complaint().unwrap().contains("501 characters"));
}

#[test]
fn an_edit_sends_only_what_is_different_with_the_version_that_was_looked_at() {
    let mut form = edit();
    assert!(form.differences(now()).is_empty());
    go(&mut form, "dedup");
    type_into(&mut form, "1 hour");
    go(&mut form, "from");
    type_into(&mut form, "10.0.0.7");
    let words: Vec<String> =
        form.differences(now()).iter().map(|one| format!("{} {}", one.what, one.words())).collect();
    assert_eq!(words, ["from any address  ->  10.0.0.7", "dedup 10m  ->  1h"]);
    let Ok(Call::EditToken { patch, version, .. }) = form.submit() else { panic!("no change") };
    assert_eq!((patch.dedup_window_secs, patch.name.as_deref(), version), (Some(3_600), None, 2));
    assert_eq!(form.cli(), "tollgate token edit s_0000000100 --if-version 2 --allow-ip 10.0.0.7 --dedup 3600s");
}

#[test]
fn a_token_that_somebody_else_changed_is_merged_and_nothing_typed_is_lost() {
    let mut form = edit();
    go(&mut form, "from");
    type_into(&mut form, "10.0.0.7");
    let mut theirs = fixtures::token(100, "zabbix");
    (theirs.version, theirs.dedup_window_secs, theirs.allowed_ips) = (3, 60, vec!["10.9.9.9".to_owned()]);
    form.theirs = Some(Arc::new(theirs));
    assert_eq!(form.button(), "Reload, keep mine");
    let told: Vec<_> = form.their_differences(now()).iter().map(|one| one.what).collect();
    assert_eq!(told, ["from", "dedup"]);
    let merged = form.reloaded(now());
    let settings = merged.settings();
    assert_eq!((settings.allowed_ips.as_slice(), settings.dedup_window_secs), (["10.0.0.7".to_owned()].as_slice(), 60));
    let Ok(Call::EditToken { patch, version, .. }) = merged.submit() else { panic!("no change") };
    assert_eq!((patch.dedup_window_secs, version), (None, 3), "theirs is not changed back");
}

#[test]
fn a_sealed_token_lets_only_name_description_and_debug_be_changed() {
    let mut token = fixtures::token(100, "zabbix");
    token.sealed = true;
    let mut form = Form::edit(&Arc::new(token), None, now());
    for (index, field) in form.fields.iter().enumerate().filter(|(_, field)| field.refused.is_none()) {
        let free = ["name", "description", "debug", "more"].contains(&field.label);
        assert!(free, "{} is free at {index}", field.label);
    }
    go(&mut form, "from");
    assert!(!form.key(Key::char('1')) && form.error.as_ref().unwrap().contains("sealed"));
    form.paste("10.0.0.1");
    assert_eq!(form.settings().allowed_ips, Vec::<String>::new());
}

#[test]
fn a_passphrase_is_typed_twice_has_twelve_characters_and_is_in_no_debug_text() {
    let mut form = Form::passphrase(&fixtures::operator(1, "anna"));
    type_into(&mut form, "too short");
    assert!(form.complaint().unwrap().contains("9 characters"));
    type_into(&mut form, " no more");
    go(&mut form, "again");
    type_into(&mut form, "too sh");
    assert_eq!(form.complaint(), None, "a beginning is no mistake");
    assert_eq!(form.submit().unwrap_err(), "the two are not the same");
    type_into(&mut form, "ort no more");
    let call = form.submit().unwrap();
    assert!(matches!(&call, Call::SetPassphrase { operator, .. } if operator == "anna"));
    assert!(!format!("{form:?} {call:?} {}", form.cli()).contains("no more"));
}

#[test]
fn roles_in_teams_are_checked_while_they_are_typed() {
    let mut form = Form::operator();
    type_into(&mut form, "bob");
    go(&mut form, "teams");
    type_into(&mut form, "Night Shift=chief");
    assert!(form.complaint().unwrap().contains("`chief` is no role"));
    let mut form = Form::operator();
    type_into(&mut form, "bob");
    go(&mut form, "teams");
    type_into(&mut form, "Night Shift=manager, Ops=observer");
    let Ok(Call::CreateOperator(new)) = form.submit() else { panic!("no operator") };
    assert_eq!(new.team_roles, ["Night Shift=manager", "Ops=observer"]);
    assert!(form.cli().contains("--team-role 'Night Shift=manager'"), "{}", form.cli());
}

#[test]
fn an_operator_that_somebody_else_changed_keeps_his_change_and_mine() {
    let was = Arc::new(fixtures::operator(2, "bob"));
    let mut form = Form::edit_operator(&was);
    type_into(&mut form, "by");
    let mut theirs = (*was).clone();
    (theirs.version, theirs.team_roles) = (2, Vec::new());
    form.reload_operator(&Arc::new(theirs));
    let Ok(Call::EditOperator { patch, version, .. }) = form.submit() else { panic!("no change") };
    assert_eq!((patch.name.as_deref(), patch.team_roles, version), (Some("bobby"), None, 2));
}

#[test]
fn enter_on_a_field_before_the_last_goes_on_and_on_the_last_one_it_sends() {
    let mut form = Form::operator();
    for label in ["name", "unix", "role"] {
        go(&mut form, label);
        assert_eq!(form.on_enter(), OnEnter::Next, "{label}");
    }
    go(&mut form, "teams");
    assert_eq!(form.on_enter(), OnEnter::Send);
    assert_eq!(Form::team().on_enter(), OnEnter::Send, "one field is the last one");
    form.step(1);
    assert!(form.on_button() && form.on_enter() == OnEnter::Send);
    form.step(1);
    assert_eq!(form.on_enter(), OnEnter::Cancel);
}

#[test]
fn what_is_folded_away_is_no_field_until_it_is_opened() {
    let mut form = create();
    go(&mut form, "debug");
    assert_eq!(form.on_enter(), OnEnter::Send);
    go(&mut form, "more");
    assert_eq!(form.on_enter(), OnEnter::Unfold);
    form.enter();
    assert_eq!(form.fields[form.focus].label, "description");
    go(&mut form, "debug");
    assert_eq!(form.on_enter(), OnEnter::Next, "now others follow");
    go(&mut form, "sealed");
    assert_eq!(form.on_enter(), OnEnter::Send);
}

#[test]
fn a_step_of_the_first_path_asks_one_thing_and_the_rest_is_filled_in() {
    let mut form = create();
    form.guided = true;
    assert_eq!(form.on_enter(), OnEnter::Send);
    go(&mut form, "scope");
    assert_eq!(form.on_enter(), OnEnter::Next, "whoever goes there goes through the rest");
}

#[test]
fn the_mark_goes_to_the_first_field_that_is_wrong_with_the_reason() {
    let wrong = |form: &mut Form| {
        let why = form.submit().unwrap_err();
        form.point_out(why);
        (form.fields[form.focus].label, form.error.clone().unwrap_or_default())
    };
    let mut form = create();
    for (label, text) in [("from", "10.0.0"), ("limit", "6/h")] {
        go(&mut form, label);
        type_into(&mut form, text);
    }
    assert_eq!(wrong(&mut form).0, "name", "the first of three");
    type_into(&mut form, "am");
    let (label, why) = wrong(&mut form);
    assert!(label == "from" && why.contains("`10.0.0` is no address"), "{label}: {why}");
    form.key(Key::ctrl('u'));
    let (label, why) = wrong(&mut form);
    assert!(label == "limit" && why.contains("600/min"), "{label}: {why}");
    assert!(form.is_shown(form.focus), "the fold is open: what is wrong is seen");
    let mut filter = Form::write_filter(&[], None);
    filter.field("name").unwrap().value = Value::Text(Field::new("f"));
    assert_eq!(wrong(&mut filter).0, "service");
    let mut words = Form::edit_many(3);
    go(&mut words, "from");
    type_into(&mut words, "nowhere");
    words.point_out(words.many_patch().unwrap_err());
    assert_eq!(words.fields[words.focus].label, "from");
}

#[test]
fn a_condition_that_breaks_a_rule_is_marked_in_its_row_and_cell() {
    let mut form = Form::write_filter(&[], None);
    let at = |form: &Form, row: usize, column: usize| {
        let cell = Cell { part: Part::Trigger, row, column };
        form.fields.iter().position(|field| field.cell == Some(cell)).unwrap()
    };
    form.focus = at(&form, 0, 2);
    type_into(&mut form, "\"open");
    form.focus = at(&form, 0, 0);
    type_into(&mut form, "title");
    form.point_out(String::new());
    assert_eq!(form.fields[form.focus].label, "service");
    form.fields.retain(|field| field.label != "service");
    form.field("name").unwrap().value = Value::Text(Field::new("f"));
    form.point_out(String::new());
    assert_eq!(form.focus, at(&form, 0, 2), "the quote that is open");
}

#[test]
fn the_field_that_the_daemon_names_gets_the_mark() {
    let mut form = create();
    form.point_at("allowed_ips[3]");
    assert_eq!(form.fields[form.focus].label, "from");
    form.point_at("rate_limit.burst");
    assert!(form.fields[form.focus].label == "limit" && form.is_shown(form.focus));
    form.point_at("no such field");
    assert_eq!(form.fields[form.focus].label, "limit", "it stays where it is");
}

#[test]
fn the_edit_form_offers_a_part_of_the_calls_with_what_it_would_cost() {
    let mut form = edit();
    let now = RecentUse { accepted: 50_000, refused: 0, body_bytes: 50_000 * 800 };
    let said = |form: &Form| form.debug_words(|_| now).unwrap();
    go(&mut form, "debug");
    type_into(&mut form, "every");
    let all = 5_000_u64 * 800 * 48 * 3_600;
    assert!(said(&form).contains(&crate::app::words::bytes(all)), "{}", said(&form));
    type_into(&mut form, "1 call in 100");
    assert_eq!(form.settings().debug, Logged::OneIn(100));
    assert!(said(&form).contains(&crate::app::words::bytes(all / 100)), "{}", said(&form));
    assert!(form.cli().ends_with(" on --sample 100"), "{}", form.cli());
    let words: Vec<_> = form.differences(fixtures::now()).iter().map(Difference::words).collect();
    assert!(words.iter().any(|words| words.ends_with("1 call in 100")), "{words:?}");
    assert!(form.debug_words(|_| RecentUse::default()).unwrap().contains("no call in the last 10 s"));
    assert_eq!(create().debug_words(|_| now), None, "a new token has no calls yet");
}
