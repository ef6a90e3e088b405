use proptest::prelude::*;

use super::*;

fn key(text: &str) -> Segment {
    Segment::Key(text.to_owned())
}

fn fault(text: &str) -> (PathFault, usize) {
    let error = Path::parse(text).expect_err(text);
    (error.fault, error.offset)
}

#[test]
fn members_elements_and_quoted_keys_are_read() {
    assert_eq!(Path::parse("a.b[0].c"), Ok(Path::Json(vec![key("a"), key("b"), Segment::Index(0), key("c")])));
    assert_eq!(
        Path::parse("alerts[*].labels.severity"),
        Ok(Path::Json(vec![key("alerts"), Segment::All, key("labels"), key("severity")]))
    );
    assert_eq!(
        Path::parse(r#"labels["app.kubernetes.io/name"]"#),
        Ok(Path::Json(vec![key("labels"), key("app.kubernetes.io/name")]))
    );
    assert_eq!(Path::parse("[*].x"), Ok(Path::Json(vec![Segment::All, key("x")])));
    assert_eq!(Path::parse(r#"["a\"\\b"]"#), Ok(Path::Json(vec![key("a\"\\b")])));
    assert_eq!(Path::parse("$schema.@type"), Ok(Path::Json(vec![key("$schema"), key("@type")])));
}

#[test]
fn special_forms_are_read() {
    assert_eq!(Path::parse("$"), Ok(Path::Text));
    assert_eq!(Path::parse("@header.X-GitHub-Event"), Ok(Path::Header("x-github-event".into())));
    assert_eq!(Path::parse(r#"@header["X.Y"]"#), Ok(Path::Header("x.y".into())));
    assert_eq!(Path::parse("@query.From"), Ok(Path::Query("From".into())));
    assert_eq!(Path::parse("@source.ip"), Ok(Path::SourceIp));
    assert_eq!(Path::parse("@timestamp"), Ok(Path::Json(vec![key("@timestamp")])));
    assert_eq!(Path::parse(r#"["@header"].x"#), Ok(Path::Json(vec![key("@header"), key("x")])));
}

#[test]
fn a_bad_path_is_refused_with_its_offset() {
    use PathFault::*;
    assert_eq!(fault(""), (EmptySegment, 0));
    assert_eq!(fault("a..b"), (EmptySegment, 2));
    assert_eq!(fault("a."), (EmptySegment, 2));
    assert_eq!(fault("a b"), (BadCharacter, 1));
    assert_eq!(fault("caf\u{e9}.x"), (BadCharacter, 3));
    assert_eq!(fault("a[-1]"), (BadIndex, 2));
    assert_eq!(fault("a[01]"), (BadIndex, 2));
    assert_eq!(fault("a[**]"), (BadIndex, 2));
    assert_eq!(fault("a[99999999999]"), (BadIndex, 2));
    assert_eq!(fault("a[0]b"), (BadCharacter, 4));
    assert_eq!(fault(r#"a["x"#), (UnclosedQuote, 2));
    assert_eq!(fault(r#"a["x\n"]"#), (BadCharacter, 4));
    assert_eq!(fault("$.a"), (DollarNotAlone, 0));
    assert_eq!(fault("$[0]"), (DollarNotAlone, 0));
    assert_eq!(fault("@source.port"), (Source, 7));
    assert_eq!(fault("@header"), (HeaderOrQueryName, 0));
    assert_eq!(fault("@header.a.b"), (HeaderOrQueryName, 9));
    assert_eq!(fault("@header.a:b"), (HeaderOrQueryName, 7));
    assert_eq!(fault("a?"), (BadCharacter, 1));
}

#[test]
fn authorization_cookie_and_token_headers_are_never_addressable() {
    for name in ["Authorization", "proxy-authorization", "Cookie", "set-cookie", "X-Gitlab-Token", "X-Api-Key"] {
        assert_eq!(fault(&format!("@header.{name}")).0, PathFault::Credential, "{name}");
    }
    for name in ["token", "access_token", "API_KEY"] {
        assert_eq!(fault(&format!("@query.{name}")).0, PathFault::Credential, "{name}");
    }
    assert!(Path::parse("token").is_ok(), "a member of the body is not a credential of the call");
}

#[test]
fn a_path_has_at_most_256_characters_and_16_segments() {
    assert!(Path::parse(&"x".repeat(256)).is_ok());
    assert_eq!(fault(&"x".repeat(257)), (PathFault::TooLong, 256));
    assert!(Path::parse(&["x"; 16].join(".")).is_ok());
    assert_eq!(fault(&["x"; 17].join(".")), (PathFault::TooManySegments, 31));
}

#[test]
fn a_corr_path_may_end_in_a_question_mark() {
    let optional = CorrPath::parse("SERVICEDESC?").unwrap();
    assert!(optional.optional);
    assert_eq!(optional.path, Path::Json(vec![key("SERVICEDESC")]));
    assert_eq!(optional.to_string(), "SERVICEDESC?");
    assert!(!CorrPath::parse(r#"["a?"]"#).unwrap().optional);
    assert!(CorrPath::parse("a??").is_err());
    assert!(CorrPath::parse("?").is_err());
}

#[test]
fn the_error_names_the_offset_and_the_way_out() {
    let error = Path::parse("$.a").unwrap_err().to_string();
    assert!(error.contains("leave out") && error.ends_with("at character 0"), "{error}");
}

fn any_segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        "[a-z@$]{0,6}".prop_map(Segment::Key),
        "\\PC{0,6}".prop_map(Segment::Key),
        Just(key("@header")),
        Just(key("$")),
        any::<u32>().prop_map(Segment::Index),
        Just(Segment::All),
    ]
}

proptest! {
    #[test]
    fn a_printed_path_parses_to_the_same_path(segments in proptest::collection::vec(any_segment(), 1..=12)) {
        let path = Path::Json(segments);
        let text = path.to_string();
        prop_assume!(text.chars().count() <= PATH_CHARS_MAX);
        prop_assert_eq!(Path::parse(&text), Ok(path), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        let _answer = Path::parse(&text);
        let _answer = CorrPath::parse(&text);
    }

    #[test]
    fn no_text_of_path_characters_makes_the_parser_panic(text in r#"[a.\[\]"\\0*$@?h-]{0,300}"#) {
        if let Ok(path) = Path::parse(&text) {
            prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
        } else if let Err(error) = Path::parse(&text) {
            prop_assert!(error.offset <= text.chars().count());
        }
    }
}
