use proptest::prelude::*;
use serde_json::json;
use tollgate_shared::filter::{Op, Path};

use crate::core::call::Call;
use crate::core::matching::sample::{call, condition, holds};
use crate::core::matching::{SELECTED_MAX, select};

const BODY: &str = r#"{"s":"Disk full","n":1.50e3,"b":true,"z":null,"blank":"  ","list":[{"x":"a"},{"x":"b"},{"y":1}],
    "o":{"k2":[1, 2],"k1":"v"},"labels":{"app.kubernetes.io/name":"db"},"big":9007199254740993}"#;

fn texts(path: &str, call: &Call) -> Vec<String> {
    select(&Path::parse(path).unwrap(), call).iter().map(|value| value.text().into_owned()).collect()
}

#[test]
fn a_path_selects_members_elements_and_quoted_keys() {
    let call = call(BODY);
    assert_eq!(texts("list[1].x", &call), ["b"]);
    assert_eq!(texts("list[*].x", &call), ["a", "b"]);
    assert_eq!(texts(r#"labels["app.kubernetes.io/name"]"#, &call), ["db"]);
    for nothing in ["list[9]", "list.x", "o[*]", "o[0]", "s.x", "nope"] {
        assert_eq!(texts(nothing, &call), [""; 0], "{nothing}");
    }
}

#[test]
fn the_text_of_a_value_is_as_it_stood_in_the_source() {
    let call = call(BODY);
    assert_eq!(texts("s", &call), ["Disk full"]);
    assert_eq!(texts("n", &call), ["1.50e+3"], "digits and zeros stay; the parser writes the sign of an exponent");
    assert_eq!(texts("big", &call), ["9007199254740993"]);
    assert_eq!(texts("b", &call), ["true"]);
    assert_eq!(texts("o", &call), [r#"{"k1":"v","k2":[1,2]}"#]);
    assert_eq!(texts("z", &call), [""; 0], "null is absent");
}

#[test]
fn dollar_header_query_and_source_are_addressable_without_json() {
    let mut call = call("plain FAILED");
    call.headers = vec![("x-kind".into(), "one".into()), ("x-kind".into(), "two".into())];
    call.query = vec![("from".into(), "nas".into())];
    assert_eq!(texts("$", &call), ["plain FAILED"]);
    assert_eq!(texts("@header.X-Kind", &call), ["one", "two"]);
    assert_eq!(texts("@query.from", &call), ["nas"]);
    assert_eq!(texts("@query.From", &call), [""; 0]);
    assert_eq!(texts("@source.ip", &call), ["192.0.2.7"]);
    assert_eq!(texts("a", &call), [""; 0]);
}

#[test]
fn star_selects_at_most_256_elements_also_when_nested() {
    let body = json!({ "a": vec![vec![1; 300]; 300] }).to_string();
    assert_eq!(texts("a[*]", &call(&body)).len(), SELECTED_MAX);
    assert_eq!(texts("a[*][*]", &call(&body)).len(), SELECTED_MAX);
}

#[test]
fn text_operators_compare_the_text() {
    use Op::{Contains, EndsWith, Equals, Matches, StartsWith};
    for (op, yes, no) in [
        (Contains, "sk fu", "disk"),
        (Equals, "Disk full", "Disk"),
        (StartsWith, "Disk", "full"),
        (EndsWith, "full", "Disk"),
        (Matches, "k.f", "^full"),
    ] {
        assert!(holds("s", op, &[yes], BODY), "{op}");
        assert!(!holds("s", op, &[no], BODY), "{op}");
    }
}

#[test]
fn gt_and_lt_are_false_unless_both_sides_are_numeric() {
    assert!(holds("v", Op::Gt, &["9.5"], r#"{"v":10}"#));
    assert!(holds("v", Op::Lt, &["11"], r#"{"v":" 10 "}"#), "a number in a text counts");
    assert!(!holds("v", Op::Gt, &["10"], r#"{"v":10}"#));
    for word in [r#"{"v":"ten"}"#, r#"{"v":"inf"}"#, r#"{"v":true}"#, "{}"] {
        assert!(!holds("v", Op::Gt, &["1"], word) && !holds("v", Op::Lt, &["1"], word), "{word}");
    }
}

#[test]
fn exists_is_true_of_any_value_but_null() {
    for path in ["s", "b", "blank", "o", "list[*]"] {
        assert!(holds(path, Op::Exists, &[], BODY), "{path}");
    }
    assert!(!holds("z", Op::Exists, &[], BODY) && !holds("nope", Op::Exists, &[], BODY));
}

#[test]
fn is_empty_is_true_when_no_selected_value_is_non_blank() {
    for path in ["nope", "z", "blank"] {
        assert!(holds(path, Op::IsEmpty, &[], BODY), "{path}");
    }
    assert!(!holds("s", Op::IsEmpty, &[], BODY));
    assert!(holds("a[*]", Op::IsEmpty, &[], r#"{"a":[""," ",null]}"#));
    assert!(!holds("a[*]", Op::IsEmpty, &[], r#"{"a":["","x"]}"#));
}

#[test]
fn match_all_needs_every_value_and_any_needs_one() {
    let of = |values: &[&str], quantifier: &str| {
        let json = json!({ "path": "list[*].x", "op": "equals", "values": values, "match": quantifier });
        condition(json).holds(&call(BODY))
    };
    assert!(of(&["a", "b"], "all"), "by different elements");
    assert!(!of(&["a", "c"], "all"));
    assert!(of(&["a", "c"], "any"));
    assert!(!of(&["c", "d"], "any"));
}

#[test]
fn a_path_that_selects_nothing_is_false_then_negate_inverts() {
    for op in Op::ALL.into_iter().filter(|op| *op != Op::IsEmpty) {
        let values: &[&str] = if op.takes_values() { &["1"] } else { &[] };
        for quantifier in ["all", "any"] {
            let of = |negate| {
                let json = json!({ "path": "nope", "op": op, "values": values, "match": quantifier, "negate": negate });
                condition(json).holds(&call(BODY))
            };
            assert_eq!((of(false), of(true)), (false, true), "{op} {quantifier}");
        }
    }
}

#[test]
fn case_counts_unless_ignore_case() {
    let of = |op: &str, value: &str, body: &str| {
        let json = json!({ "path": "v", "op": op, "values": [value], "ignore_case": true });
        condition(json).holds(&call(body))
    };
    assert!(!holds("s", Op::Equals, &["DISK FULL"], BODY));
    assert!(of("equals", "\u{c9}T\u{c9}", "{\"v\":\"\u{e9}t\u{e9}\"}"));
    assert!(of("contains", "I", "{\"v\":\"\u{130}\"}"), "the simple mapping of U+0130 is i");
    assert!(of("equals", "\u{3a3}", "{\"v\":\"\u{3c3}\"}"));
    assert!(of("matches", "^ok$", r#"{"v":"OK"}"#));
    assert!(of("starts_with", "ok", r#"{"v":"OKAY"}"#) && of("ends_with", "AY", r#"{"v":"okay"}"#));
}

fn small_text() -> impl Strategy<Value = String> {
    "[abAB\u{e9} ]{0,4}"
}

/// The rules of `contains` and `equals` in the fewest words, to hold the evaluator against.
fn model(equals: bool, all: bool, values: &[String], seen: &[String]) -> bool {
    let found = |value: &String| seen.iter().any(|text| if equals { text == value } else { text.contains(value) });
    !seen.is_empty() && if all { values.iter().all(found) } else { values.iter().any(found) }
}

proptest! {
    #[test]
    fn contains_and_equals_agree_with_the_model_and_negate_inverts(
        equals: bool,
        all: bool,
        values in proptest::collection::vec("[abAB\u{e9}]{1,3}", 1..4),
        seen in proptest::collection::vec(small_text(), 0..4),
    ) {
        let call = call(&json!({ "a": seen }).to_string());
        let of = |negate: bool| {
            condition(json!({
                "path": "a[*]", "op": if equals { "equals" } else { "contains" }, "values": values,
                "match": if all { "all" } else { "any" }, "negate": negate,
            })).holds(&call)
        };
        prop_assert_eq!(of(false), model(equals, all, &values, &seen));
        prop_assert_eq!(of(true), !of(false));
    }

    #[test]
    fn ignore_case_is_comparing_what_was_folded(value in "[abAB]{1,3}", seen in small_text()) {
        let call = call(&json!({ "a": seen }).to_string());
        let with = condition(json!({ "path": "a", "values": [value], "ignore_case": true })).holds(&call);
        prop_assert_eq!(with, seen.to_lowercase().contains(&value.to_lowercase()));
    }
}

#[test]
fn patterns_that_explode_in_other_engines_are_answered_over_a_mebibyte() {
    let body = call(&"ab cd1 ".repeat((1 << 20) / 7));
    for pattern in ["(a+b*)*z", r"(\w+\s?){1,3}!", "[a-d].{0,60}Q", "[ab ].{40}[cd].{40}2$"] {
        let condition = condition(json!({ "path": "$", "op": "matches", "values": [pattern] }));
        assert!(!condition.holds(&body), "{pattern}");
    }
}
