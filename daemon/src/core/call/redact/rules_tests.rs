use proptest::prelude::*;
use serde_json::json;
use tollgate_shared::time::Timestamp;

use super::rules::RuleError;
use super::tests::{call, whole};
use super::*;
use crate::core::model::{RedactionRule, RedactionWhat};

fn rule(what: RedactionWhat) -> RedactionRule {
    RedactionRule { name: "x".to_owned(), what, created_at: Timestamp::default(), created_by: "root".to_owned() }
}

/// A text that begins with `/` is a pattern, everything else a path.
fn rules(texts: &[&str]) -> Result<Rules, RuleError> {
    let what = |text: &&str| match text.strip_prefix('/') {
        Some(pattern) => RedactionWhat::Pattern { pattern: pattern.to_owned(), ignore_case: false },
        None => RedactionWhat::Path((*text).to_owned()),
    };
    let rules: Vec<_> = texts.iter().map(what).map(rule).collect();
    Rules::compile(&rules).map_err(|(_, why)| why)
}

fn redactor(texts: &[&str]) -> Redactor {
    Redactor::default().with_rules(Arc::new(rules(texts).unwrap()))
}

fn check(rule: &str, body: &str, expected: &str) {
    let once = redactor(&[rule]).redact(&call(body));
    assert_eq!(once.text, expected, "{rule} on {body}");
    let twice = redactor(&[rule]).redact(&once);
    assert!(twice == once, "{rule} on {body}: {} is not final", twice.text);
}

#[test]
fn a_path_cuts_what_is_there_whatever_its_type() {
    check("pin", "{\"pin\": 1234}", "{\"pin\":\"[redacted]\"}");
    check("a.pin", "{\"a\": {\"pin\": {\"x\": [1]}}}", "{\"a\":{\"pin\":\"[redacted]\"}}");
    check(
        "a[*].n",
        "{\"a\":[{\"n\":1},{\"m\":2},{\"n\":null}]}",
        "{\"a\":[{\"n\":\"[redacted]\"},{\"m\":2},{\"n\":\"[redacted]\"}]}",
    );
    check("a[1]", "{\"a\":[1,2,3]}", "{\"a\":[1,\"[redacted]\",3]}");
    check("nothing.here", "{ \"a\": 1 }", "{ \"a\": 1 }");
    check("$", "any text", "[redacted]");
}

#[test]
fn a_path_cuts_a_field_of_a_form() {
    let form = Call { json: Some(json!({"pin": "1234", "x": "1"})), ..call("pin=1234&x=1") };
    assert_eq!(redactor(&["pin"]).redact(&form).text, "{\"pin\":\"[redacted]\",\"x\":\"1\"}");
}

#[test]
fn an_earlier_member_of_the_same_name_goes_with_the_one_that_a_path_cuts() {
    check("pin", "{\"pin\":\"1234\",\"pin\":\"[redacted]\"}", "{\"pin\":\"[redacted]\"}");
}

#[test]
fn a_pattern_cuts_what_it_matches_or_its_groups_in_texts_numbers_and_keys() {
    check(r"/\d{16}", "card 4111111111111111 was used", "card [redacted] was used");
    check(r"/\d{16}", "{\"card\":4111111111111111}", "{\"card\":\"[redacted]\"}");
    check(r"/\d{16}", "{\"4111111111111111\":true}", "{\"[redacted]\":true}");
    check(r"/customer (\w+)", "customer smith called", "customer [redacted] called");
    check(r"/a|red", "a [redacted] car", "[redacted] [redacted] c[redacted]r");
    check(r"/^a", "aaaab", "[redacted]aaab");
    check(r"/\ba", "aaaab", "[redacted]");
}

#[test]
fn a_pattern_across_members_leaves_no_second_copy_of_what_it_cut() {
    let body = "{\"pin\": 1234, \"x\": 1}";
    let view = redactor(&[r#"/"pin":\s*(\d+)"#]).redact(&call(body));
    assert!(!whole(&view).contains("1234"), "{}", whole(&view));
    assert_eq!((view.text.as_str(), view.json), (r#"{"pin":[redacted],"x":1}"#, None));
}

#[test]
fn headers_and_parameters_are_cut_by_their_names() {
    let redactor = redactor(&["@header.X-Pin", "@query.pin"]);
    assert_eq!(redactor.redact_header("x-pin", "1234").1, REDACTED);
    assert_eq!(redactor.redact_header("x-other", "1234").1, "1234");
    assert_eq!(redactor.redact_query("a=1&pin=12%2034&b=2"), "a=1&pin=[redacted]&b=2");
    assert_eq!(redactor.redact_query("a=1&p%69n=1234"), "a=1&p%69n=[redacted]");
    let mut sent = call("x");
    sent.headers = vec![("x-pin".to_owned(), "1234".to_owned())];
    sent.query = vec![("pin".to_owned(), "1234".to_owned())];
    assert!(!whole(&redactor.redact(&sent)).contains("1234"));
}

#[test]
fn a_path_below_data_cuts_the_own_body_of_a_wrapped_event_too() {
    let mut event = call("{\"pin\": 1234}");
    event.headers = vec![("ce-specversion".to_owned(), "1.0".to_owned())];
    event.json = Some(json!({"specversion": "1.0", "data": {"pin": 1234}}));
    let view = redactor(&["data.pin"]).redact(&event);
    assert!(!whole(&view).contains("1234"), "{}", whole(&view));
}

#[test]
fn a_rule_that_cannot_work_is_refused_with_the_reason() {
    for (rule, words) in [
        ("a..b", "segment is missing"),
        ("@source.ip", "not cut"),
        ("@header.authorization", "credential"),
        ("/a(b", "unclosed group"),
        ("/a*", "empty text"),
    ] {
        let why = rules(&[rule]).unwrap_err().to_string();
        assert!(why.contains(words), "{rule}: {why}");
    }
}

#[test]
fn rules_on_a_large_body_cost_little() {
    let body = json!({ "text": "a1 b2 \"c\" ".repeat(40_000) }).to_string();
    let redactor = redactor(&[r"/(?-u:\d)x", r"/(\w+) z", "a.b.c", r"/q{1,20}y"]);
    let sent = call(&body);
    assert_eq!(redactor.redact(&sent).text, body);
}

fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b",
        "1",
        "22",
        " ",
        "\"",
        ":",
        "{",
        "}",
        "[",
        "]",
        ",",
        "[redacted]",
        "password",
        "=",
        "redacted",
        "x1",
    ]);
    prop::collection::vec(pieces, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn redacting_twice_with_any_rules_changes_nothing_more(
        chosen in prop::sample::subsequence(
            vec![r"/^a", r"/\ba", r"/b$", r"/\d+", r"/a(.)b", r"/red", r"/[\[\]]", r#"/":\s*"?(\w)"#, r"/\]\W", "a", "a[*].b", "b.a"], 1..5),
        name in soup(), value in soup(), text in soup(),
    ) {
        let redactor = redactor(&chosen);
        let json = json!({"a": [{name: value.clone()}, value, 11], "b": {"a": text.clone()}}).to_string();
        for body in [json, text] {
            let once = redactor.redact(&call(&body));
            let twice = redactor.redact(&once);
            prop_assert_eq!(&once.text, &twice.text, "of {}", body);
            prop_assert!(once == twice, "{} and {}", whole(&once), whole(&twice));
        }
    }
}
