//! The language as people type it; `oracle` compares with a plain evaluator, `rows` asks each resource.

mod oracle;
mod rows;

use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    let query = Query::parse(text, &LOGS).unwrap_or_else(|error| panic!("{}", error.drawn(text)));
    query.to_string()
}

fn fault(text: &str) -> QueryError {
    Query::parse(text, &LOGS).expect_err(text)
}

/// The fault is at `at`; putting the suggestion there makes it a query.
fn check_mended(text: &str, at: Range<usize>, mended: &str) {
    let error = fault(text);
    assert_eq!(error.at, at, "{text}: {error}");
    let suggestion = error.suggestion.as_deref().unwrap_or_else(|| panic!("{text}: {error} suggests nothing"));
    let chars: Vec<char> = text.chars().collect();
    let parts = [chars[..at.start].iter().collect(), suggestion.to_owned(), chars[at.end..].iter().collect::<String>()];
    assert_eq!(parts.concat(), mended);
    assert!(Query::parse(mended, &LOGS).is_ok(), "{mended}");
}

#[test]
fn terms_side_by_side_are_joined_by_and_which_binds_closer_than_or() {
    assert_eq!(canonical("a AND b c or d"), "a b c or d");
    assert_eq!(canonical("a (b or c)"), "a (b or c)");
    assert_eq!(canonical("(a b) c or (d or(e or f g))"), "a b c or d or e or f g");
    assert_eq!(canonical("a or (b c)"), "a or b c");
    assert_eq!(canonical("NOT (a b) not c"), "-(a b) -c");
    assert_eq!(canonical("not not a"), "not -a");
    assert_eq!(canonical("-not -a"), "-not -a", "three in a row are not longer than what was typed");
    assert_eq!(canonical("not not not not a"), "not -not -a");
    assert_eq!(Query::parse("a or b c", &LOGS), Query::parse("a or (b and c)", &LOGS));
}

#[test]
fn two_queries_together_ask_both() {
    let both = |left: &str, right: &str| {
        let parsed = |text| Query::parse(text, &LOGS).unwrap();
        parsed(left).and(parsed(right)).to_string()
    };
    assert_eq!(both("a or b", "status:400"), "(a or b) status:400");
    assert_eq!((both("a b", "c d"), both("", "c"), both("a", "")), ("a b c d".into(), "c".into(), "a".into()));
    let query = Query::parse("state:open (title:x or -priority:p1)", &INCIDENTS).unwrap();
    assert_eq!((query.required(FieldId::State), query.required(FieldId::Title)), (Some("open"), None));
    assert!(query.any_field(&|field, value| field == FieldId::Priority && value == "p1"));
}

#[test]
fn quotes_make_text_of_anything() {
    assert_eq!(canonical(r#""and" "-x" "a b" "token:x" "web01""#), r#""and" "-x" "a b" "token:x" web01"#);
    assert_eq!(canonical(r#"from:"say \"hi\" \\o/""#), r#"from:"say \"hi\" \\o/""#);
    assert_eq!(canonical("billing-ci a=b 12:30 status:=400"), "billing-ci a=b 12:30 status:400");
}

#[test]
fn everyday_queries_read_as_they_are_typed() {
    let text =
        "token:billing-ci outcome:no_match status:>=400 ip:10.0.0.0/8 service:db since:15m call:019a incident:019b";
    assert_eq!(canonical(text), text);
    assert_eq!(canonical(r#"body.alerts[0].labels.severity = "critical""#), "body.alerts[0].labels.severity=critical");
    assert_eq!(canonical(r#"body["a b"].c ~ "x y" body.$ ~ z"#), r#"body["a b"].c~"x y" body.$~z"#);
    assert_eq!(canonical(r#"body[0].n>=-1.5"#), "body[0].n>=-1.5");
}

#[test]
fn an_empty_query_asks_for_everything() {
    assert_eq!(Query::parse(" \t ", &LOGS).map(|query| query.expr().is_none()), Ok(true));
}

#[test]
fn a_fault_has_a_place_and_a_text_to_put_there() {
    check_mended("a tokn:x", 2..6, "a token:x");
    check_mended("outcome:nomatch", 8..15, "outcome:no_match");
    check_mended("outcome:sup", 8..11, "outcome:suppressed");
    check_mended("status>=400", 0..11, "status:>=400");
    check_mended("outcome=created", 0..15, "outcome:created");
    check_mended("outcome!=created", 0..16, "-outcome:created");
    check_mended("a outcome:!=created b", 2..19, "a -outcome:created b");
    check_mended("a && b", 2..4, "a and b");
    check_mended("since:15", 6..8, "since:15m");
    check_mended("a(b)", 1..1, "a (b)");
    check_mended("a\"b\"", 1..1, "a \"b\"");
    check_mended("(a)or b", 3..3, "(a) or b");
    check_mended("a -- b", 2..4, "a \"--\" b");
    check_mended("from:\"c:\\temp\"", 8..9, "from:\"c:\\\\temp\"");
}

#[test]
fn a_fault_without_remedy_still_has_its_place() {
    let at = |text: &str| fault(text).at;
    assert_eq!((at("a )"), at("(a"), at("a or"), at("a or )")), (2..3, 0..1, 4..4, 5..6));
    assert_eq!((at("()"), at("and b"), at("a \"b c"), at("\"\"")), (1..2, 0..3, 2..6, 0..2));
    assert_eq!((at("token:"), at("status: 400"), at("status:44"), at("status:>4xx")), (6..6, 7..8, 7..9, 8..11));
    assert_eq!((at("from:>x"), at("ip:10.0.0"), at("call:xyz1"), at("since:<1h")), (5..6, 3..9, 5..9, 6..7));
    assert_eq!(
        (at("body.a..b = 1"), at("body.a 1"), at("body.n > x"), at("body.@header.x = 1")),
        (7..9, 7..8, 9..10, 5..14)
    );
    assert_eq!((at("body.a ="), at("http://host/"), at("tok:x a").start), (8..8, 0..4, 0));
}

#[test]
fn a_field_name_is_not_guessed_from_its_beginning() {
    assert_eq!(fault("out:created").suggestion.as_deref(), Some("outcome"));
    assert!(fault("xyzzy:1").message.contains("there are agent, body, bytes"), "{}", fault("xyzzy:1"));
}

#[test]
fn a_token_secret_is_refused_in_a_query_and_not_repeated() {
    let secret = format!("tg_s_7QmX0c2LrT{}_4Kd9aZ", "x".repeat(43));
    let error = fault(&format!("a {secret}"));
    assert_eq!(error.at, 2..2 + secret.len());
    assert!(!error.to_string().contains("7QmX0c2LrT"));
}

#[test]
fn limits_are_1024_characters_64_terms_and_16_levels() {
    let parses = |text: String| Query::parse(&text, &LOGS).is_ok();
    assert!(parses("\u{e9}".repeat(1_024)) && !parses("\u{e9}".repeat(1_025)));
    assert!(parses("a ".repeat(64)) && !parses("a ".repeat(65)));
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parses(nested(16)) && !parses(nested(17)));
    assert!(parses("not ".repeat(16) + "a") && !parses("not ".repeat(17) + "a"));
    assert!(!parses("(".repeat(1_024)) && !parses("-(".repeat(500)));
}

#[test]
fn what_is_no_body_condition_in_one_schema_says_so() {
    let error = Query::parse("body.a = 1", &TOKENS).unwrap_err();
    assert!(error.message.starts_with("tokens have no body"), "{error}");
}

#[test]
fn a_drawn_fault_stands_under_its_place_also_in_long_queries() {
    let text = format!("{} tokn:x", "a ".repeat(50));
    let drawn = fault(&text).drawn(&text).to_string();
    let lines: Vec<&str> = drawn.lines().collect();
    let caret = lines[1].find('^').unwrap();
    assert_eq!(&lines[0][caret..caret + 4], "tokn");
    assert_eq!(lines[1].trim(), "^^^^");
    assert!(lines.iter().all(|line| line.chars().count() < 80), "{drawn}");
}

#[test]
fn every_example_of_the_help_is_a_query() {
    for schema in [&LOGS, &TOKENS, &INCIDENTS, &AUDIT] {
        for field in schema.fields {
            let (_, examples) = field.help.rsplit_once(": ").expect(field.help);
            for example in examples.split(", ") {
                assert!(example.starts_with(field.name), "{example}");
                Query::parse(example, schema).unwrap_or_else(|error| panic!("{}", error.drawn(example)));
            }
        }
    }
}

#[test]
fn completion_offers_fields_words_and_operators() {
    let offered = |text: &str| {
        let offers = complete(&LOGS, text, text.chars().count());
        offers.into_iter().map(|offer| offer.text).collect::<Vec<_>>()
    };
    assert_eq!(offered("to"), ["token:"]);
    assert_eq!(offered("a (-bo"), ["body:", "body."]);
    assert_eq!(offered("a o"), ["outcome:", "or "]);
    assert_eq!(offered("outcome:re"), ["resolved", "rejected"]);
    assert_eq!(offered("status:"), [">=", "<=", ">", "<", "4xx", "5xx"]);
    assert_eq!(offered("since:1"), ["15m", "1h"]);
    assert_eq!(offered("body.a[0].b "), ["!=", ">=", "<=", "=", "~", ">", "<"]);
    assert_eq!(offered("body.a >"), [">="]);
    for nothing in ["body.a", "body.a = o", "body.a=o", "from:\"o", "\"o", "xyz:o"] {
        assert_eq!(offered(nothing), [""; 0], "{nothing}");
    }
    assert_eq!(complete(&TOKENS, "expires:n", 9)[0].text, "never");
}

fn any_query_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "token:",
        "x",
        "outcome:",
        "no_match",
        "status:",
        ">=",
        "400",
        "4xx",
        "(",
        ")",
        "-",
        "not ",
        " or ",
        " and ",
        "\"",
        "\\",
        "body.",
        "body[",
        "a[0]",
        "[\"",
        "\"]",
        "=",
        "~",
        " ",
        "since:",
        "15m",
        "\u{e9}",
        "\u{301}",
        "\0",
        "$",
        ".",
        "tg_s_",
        "ip:",
        "10.0.0.0/8",
        "!",
        "&&",
        ":",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_the_parser_panic_and_every_fault_is_inside_the_text(text in prop_oneof![any_query_text(), any::<String>()]) {
        for schema in [&LOGS, &TOKENS, &INCIDENTS, &AUDIT] {
            if let Err(error) = Query::parse(&text, schema) {
                prop_assert!(error.at.start <= error.at.end && error.at.end <= text.chars().count(), "{error:?}");
                let _shown = error.drawn(&text).to_string();
            }
        }
    }

    #[test]
    fn the_canonical_text_parses_to_the_same_query_and_is_never_longer(text in any_query_text()) {
        if let Ok(query) = Query::parse(&text, &LOGS) {
            let canonical = query.to_string();
            let again = Query::parse(&canonical, &LOGS);
            prop_assert_eq!(again.as_ref(), Ok(&query), "{}", canonical);
            prop_assert!(canonical.chars().count() <= text.chars().count(), "{} is longer than {}", canonical, text);
            prop_assert_eq!(again.map(|again| again.to_string()), Ok(canonical));
        }
    }

    #[test]
    fn completion_never_panics_and_replaces_what_stands_before_the_cursor(text in any_query_text(), cursor in 0_usize..80) {
        for offer in complete(&LOGS, &text, cursor) {
            prop_assert!(offer.replace.start <= offer.replace.end);
            prop_assert_eq!(offer.replace.end, cursor.min(text.chars().count()));
        }
    }
}
