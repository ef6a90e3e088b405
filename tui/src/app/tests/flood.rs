//! A token that floods: what debug would cost, and what ends by itself.

use std::sync::Arc;

use tollgate_shared::api::{BlockView, LimitedFor, RecentUse, TokenPatch, TokenView};
use tollgate_shared::token::RateLimit;

use super::*;
use crate::app::chips::chips;
use crate::app::danger::{Deed, Part, facts};
use crate::app::undo;

/// One that has called so often in the last ten seconds, with bodies of 800 bytes.
fn calling(calls: u32) -> Model {
    let mut token = fixtures::token(1, "am-legacy");
    token.usage.last_use.as_mut().unwrap().at = now();
    token.usage.last_10s = RecentUse { accepted: calls, refused: 0, body_bytes: u64::from(calls) * 800 };
    let mut model = model(80, 24, 0);
    tell(&mut model, Net::Tokens(vec![Arc::new(token)]));
    model
}

fn one_in(effects: &super::super::Effects) -> Option<Option<u32>> {
    effects.list.iter().find_map(|effect| match effect {
        Effect::Request { call, .. } => match &**call {
            Call::Debug { on: true, one_in, .. } => Some(*one_in),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn debug_is_immediate_below_50_rows_a_second_and_asks_above_with_the_projection() {
    let mut quiet = calling(500);
    assert_eq!(one_in(&press(&mut quiet, Key::char('D'))), Some(None), "at once");
    let mut busy = calling(50_000);
    assert_eq!(one_in(&press(&mut busy, Key::char('D'))), None);
    let Some(Layer::Danger(danger)) = &busy.layer else { panic!("{:?}", busy.layer) };
    assert!(matches!(danger.deed, Deed::LogCalls) && danger.mark == Part::Cancel);
    let said: Vec<_> = facts(&busy, danger).into_iter().map(|(_, text)| text).collect();
    assert_eq!(said[0], "5,000 rows/s, counted with 800 bytes each");
    let gib = 5_000_u64 * 800 * 48 * 3_600;
    assert!(said[1].contains(&crate::app::words::bytes(gib)), "{said:?}");
    assert!(said[2].contains(&crate::app::words::bytes(gib / 100)), "{said:?}");
    assert!(danger.cli().ends_with("on --sample 100"));
}

#[test]
fn the_question_offers_one_call_in_a_hundred_and_takes_every_call_where_that_is_chosen() {
    let answered = |choose: bool| {
        let mut model = calling(50_000);
        press(&mut model, Key::char('D'));
        let Some(Layer::Danger(danger)) = &mut model.layer else { panic!() };
        danger.mark = Part::Choice;
        if choose {
            press(&mut model, Key::plain(Code::Right));
        }
        let Some(Layer::Danger(danger)) = &mut model.layer else { panic!() };
        danger.mark = Part::Do;
        one_in(&press(&mut model, Key::plain(Code::Enter)))
    };
    assert_eq!(answered(false), Some(Some(100)));
    assert_eq!(answered(true), Some(None));
}

#[test]
fn what_the_log_has_a_part_of_says_so_in_its_chip() {
    let mut token = fixtures::token(1, "am-legacy");
    token.debug_until = Some(now().plus_secs(2 * 86_400));
    token.debug_one_in = Some(100);
    token.limited_for =
        Some(LimitedFor { limit: RateLimit { calls_per_min: 60, burst: 10 }, until: now().plus_secs(3_600) });
    token.blocked = vec![BlockView { net: "10.9.9.9".into(), until: now().plus_secs(7_200) }];
    let words = chips(&token, now()).join(" | ");
    assert!(words.contains("DEBUG 1 in 100, 2d left"), "{words}");
    assert!(words.contains("LIMITED until 04:14Z") && words.contains("BLOCKS 1 until 05:14Z"), "{words}");
    let later = chips(&token, now().plus_secs(7_200)).join(" | ");
    assert!(!later.contains("LIMITED") && !later.contains("BLOCKS"), "{later}");
}

/// The patch that takes a change back.
fn back(token: TokenView, patch: TokenPatch) -> TokenPatch {
    let mut model = model(80, 24, 0);
    let call = Call::EditToken { token: token.id.to_string(), patch: Box::new(patch), version: 2, debug: None };
    tell(&mut model, Net::Tokens(vec![Arc::new(token)]));
    let undoable = undo::of(&model, &call, 9).unwrap();
    let Call::EditToken { patch, .. } = undoable.call else { panic!() };
    *patch
}

#[test]
fn what_was_set_for_a_time_is_taken_back_to_what_was_in_force_before() {
    let rate = |calls_per_min| RateLimit { calls_per_min, burst: calls_per_min };
    let limit = TokenPatch { rate_limit: Some(rate(60)), for_secs: Some(3_600), ..TokenPatch::default() };
    let none = RateLimit { calls_per_min: 0, burst: 0 };
    let plain = back(fixtures::token(1, "am"), limit.clone());
    assert_eq!((plain.rate_limit, plain.for_secs), (Some(none), None));
    let mut limited = fixtures::token(1, "am");
    limited.limited_for = Some(LimitedFor { limit: rate(90), until: now().plus_secs(600) });
    limited.blocked = vec![BlockView { net: "10.9.9.9".into(), until: now().plus_secs(300) }];
    let again = back(limited.clone(), limit);
    assert_eq!((again.rate_limit, again.for_secs), (Some(rate(90)), Some(600)));
    let nets = || Some(vec!["10.9.9.9".to_owned()]);
    let block = TokenPatch { block_ips: nets(), for_secs: Some(60), ..TokenPatch::default() };
    assert_eq!(back(fixtures::token(1, "am"), block).unblock_ips, nets());
    let ended = back(limited, TokenPatch { unblock_ips: nets(), ..TokenPatch::default() });
    assert_eq!((ended.block_ips, ended.for_secs), (nets(), Some(300)));
}
