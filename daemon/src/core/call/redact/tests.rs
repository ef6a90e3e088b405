use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use serde_json::json;

use super::*;

const TOKEN: &str = "tg_s_01IYT0XLWR003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf_1BvyW3";
/// Stands for the secret in the corpus.
pub(super) const SEED: &str = "hunter2XyZ99";

pub(super) fn call(body: &str) -> Call {
    Call {
        headers: Vec::new(),
        query: Vec::new(),
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        text: body.to_owned(),
        json: parse(body).ok().flatten(),
    }
}

pub(super) fn redacted(call: &Call) -> Call {
    Redactor::default().redact(call)
}

/// Everything of a call in one text.
pub(super) fn whole(call: &Call) -> String {
    format!("{:?} {:?} {} {:?}", call.headers, call.query, call.text, call.json)
}

fn check_text(text: &str, expected: &str) {
    assert_eq!(Redactor::default().redact_text(text), expected, "{text}");
}

#[test]
fn secret_members_are_redacted_at_any_depth_whatever_their_type() {
    let mut value = json!({"a": [{"Db-Password": "x", "token": 5, "secret": {"k": ["v"]}, "apiKey": null, "b": 1}]});
    assert!(Redactor::default().redact_value(&mut value));
    let expected = json!({"a": [{
        "Db-Password": REDACTED, "token": REDACTED, "secret": REDACTED, "apiKey": REDACTED, "b": 1
    }]});
    assert_eq!(value, expected);
    assert!(!Redactor::default().redact_value(&mut value));
}

#[test]
fn a_body_without_secrets_stays_byte_for_byte() {
    for body in [
        " {\"b\": 1.0,\n \"a\": \"Disk full on db1:9100, tokens_used=5\"} ",
        "{\"author\": \"x\", \"signature\": \"ET MALWARE\", \"groupKey\": \"{}:{alertname=\\\"DiskFull\\\"}\"}",
        "CRITICAL - socket timeout after 10 seconds: http://am:9093/#/alerts?silence=1",
        "host = web01, state: DOWN, see tg_s_7QmX0c2LrT...",
        "the bearer token expired; basic authentication failed; --verbose on",
        "https://host:8080/a@b mail root@example.com <b>bold</b> a-b --x --",
    ] {
        let original = call(body);
        let view = redacted(&original);
        assert!(view == original, "{}", view.text);
    }
}

#[test]
fn a_body_with_a_secret_becomes_the_compact_redacted_value() {
    let view = redacted(&call("{ \"b\": 1.0, \"a\": 1, \"password\": \"x\" }"));
    assert_eq!(view.text, "{\"a\":1,\"b\":1.0,\"password\":\"[redacted]\"}");
    assert_eq!(view.json.map(|json| json.to_string()), Some(view.text));
}

#[test]
fn a_secret_under_a_key_that_was_overwritten_is_gone_too() {
    let view = redacted(&call(&format!("{{\"note\":\"{TOKEN}\",\"note\":\"fine\"}}")));
    assert_eq!(view.text, "{\"note\":\"fine\"}");
}

#[test]
fn a_token_is_redacted_in_every_place() {
    let mut original = call(&format!("{{\"k{TOKEN}\": [\"a {TOKEN} b\"], \"k[redacted]\": 1}}"));
    original.headers = vec![("x-note".to_owned(), TOKEN.to_owned())];
    original.query = vec![("q".to_owned(), format!("1{TOKEN}")), (TOKEN.to_owned(), String::new())];
    let view = redacted(&original);
    assert!(!whole(&view).contains("01IYT0XLWR"), "{}", whole(&view));
    // Both members are still there.
    assert_eq!(view.json, Some(json!({"k[redacted]": 1, "k[redacted] (2)": ["a [redacted] b"]})));
    assert_eq!(redacted(&call(&format!("x={TOKEN}."))).text, "x=[redacted].");
}

#[test]
fn secret_headers_and_parameters_are_redacted_by_name() {
    let mut original = call("x");
    let pair = |name: &str| (name.to_owned(), "abc".to_owned());
    original.headers = vec![pair("x-api-key"), pair("user-agent")];
    original.query = vec![pair("routing_key"), pair("from")];
    let view = redacted(&original);
    assert_eq!((view.headers[0].1.as_str(), view.headers[1].1.as_str()), (REDACTED, "abc"));
    assert_eq!((view.query[0].1.as_str(), view.query[1].1.as_str()), (REDACTED, "abc"));
}

#[test]
fn a_wrapped_event_keeps_its_own_body_text() {
    let mut event = call("{\"level\": 4}");
    event.headers = vec![("ce-specversion".to_owned(), "1.0".to_owned())];
    event.json = Some(json!({"specversion": "1.0", "note": TOKEN, "data": {"level": 4}}));
    let view = redacted(&event);
    assert_eq!(view.text, "{\"level\": 4}");
    assert_eq!(view.json, Some(json!({"specversion": "1.0", "note": REDACTED, "data": {"level": 4}})));
}

#[test]
fn the_fields_of_a_form_are_redacted_also_where_they_are_encoded() {
    let form = |text: &str| Call {
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        json: form::value(text),
        ..call(text)
    };
    for (text, expected) in [
        ("state=down&host=db%201", "state=down&host=db%201"),
        ("p%61ssword=abc&b=c+d", "b=c%20d&password=%5Bredacted%5D"),
        ("token=abc&token=def", "token=%5Bredacted%5D"),
        ("a=password%3Dabc&a=fine", "a=fine"),
        ("payload=%7B%22password%22%3A%22abc%22%7D", "payload=%7B%22password%22%3A%22[redacted]%22%7D"),
        ("payload=%7B%22a%22%3A1%7D", "payload=%7B%22a%22%3A1%7D"),
    ] {
        let view = redacted(&form(text));
        assert_eq!(view.text.replace("%5B", "[").replace("%5D", "]"), expected.replace("%5B", "[").replace("%5D", "]"));
        assert!(!whole(&view).contains("abc"), "{}", whole(&view));
        assert!(redacted(&view) == view, "redacting twice changes nothing more: {text}");
    }
}

#[test]
fn the_original_is_untouched() {
    let original = call("{\"password\":\"x\"}");
    let before = original.clone();
    assert!(redacted(&original) != before);
    assert!(original == before);
}

#[test]
fn configured_names_are_used() {
    let redactor = Redactor::new(["kennwort"]);
    assert_eq!(redactor.redact_text("kennwort=abc password=abc"), "kennwort=[redacted] password=abc");
}

#[test]
fn values_in_running_text_end_where_they_should() {
    check_text("password=abc, host=web01", "password=[redacted], host=web01");
    check_text("password=abc,host=web01", "password=[redacted],host=web01");
    check_text("password=a,b;c host=web01", "password=[redacted] host=web01");
    check_text("Server=x;Password=abc;Timeout=5", "Server=x;Password=[redacted];Timeout=5");
    check_text("https://h/p?token=abc&x=1", "https://h/p?token=[redacted]&x=1");
    check_text("password: \"a b\" end", "password: \"[redacted]\" end");
    check_text("{\\\"token\\\":\\\"a b\\\",\\\"n\\\":1}", "{\\\"token\\\":\\\"[redacted]\\\",\\\"n\\\":1}");
    check_text("curl -H 'Authorization: Bearer abc' url", "curl -H 'Authorization: [redacted]' url");
    check_text("Cookie: a=b; c=\"d\"\nHost: x", "Cookie: [redacted]\nHost: x");
    check_text("mysql --password abc --host x", "mysql --password [redacted] --host x");
    check_text("mysql --password=abc --host x", "mysql --password=[redacted] --host x");
    check_text("postgres://app:abc@db:5432/x", "postgres://app:[redacted]@db:5432/x");
    check_text("amqp://u:p/q@r@mq/v", "amqp://u:[redacted]@mq/v");
    check_text("<Password a='1'>abc</Password>", "<Password a='1'>[redacted]</Password>");
    check_text("Bearer abc, GenieKey 1-2", "Bearer [redacted], GenieKey [redacted]");
    check_text("Basic dXNlcjphYmM= x", "Basic [redacted] x");
    check_text("\"token\": [\"a\", \"b\"], \"x\": 1", "\"token\": [redacted], \"x\": 1");
    check_text("{\"password\":\"abc", "{\"password\":\"[redacted]");
    check_text("password= next", "password= [redacted]");
    check_text("password=", "password=");
    check_text("password=\"\"", "password=\"\"");
}

#[test]
fn hostile_texts_cost_little() {
    for piece in [
        "authorization:",
        "token=",
        "token=a&",
        "://a:b",
        "a--",
        "--a",
        "<token",
        "\"token\":[",
        "tg_s_",
        "\\\"",
        "bearer ",
        "-----BEGIN PRIVATE KEY-----",
        "token:\"",
        "cookie:a=\"",
    ] {
        let body = piece.repeat(512 * 1_024 / piece.len());
        let once = Redactor::default().redact_text(&body).into_owned();
        assert_eq!(Redactor::default().redact_text(&once), once);
    }
}

fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "password",
        "token",
        "authorization",
        "cookie",
        "secret",
        "a",
        "b1",
        "=",
        ":",
        " ",
        "\"",
        "'",
        "\\",
        "://",
        "@",
        "/",
        ",",
        ";",
        "&",
        "\n",
        "<",
        ">",
        "--",
        "{",
        "}",
        "[",
        "]",
        "[redacted]",
        "Bearer ",
        "Basic ",
        "\u{e9}",
        "-----BEGIN PRIVATE KEY-----",
        "-----END",
        TOKEN,
        "tg_s_",
        "\t",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn redacting_twice_changes_nothing_more(text in soup()) {
        let once = Redactor::default().redact_text(&text).into_owned();
        let twice = Redactor::default().redact_text(&once).into_owned();
        prop_assert_eq!(&once, &twice);
        prop_assert!(!once.contains("01IYT0XLWR003aUlTJC7"));
    }

    #[test]
    fn redacting_a_call_twice_changes_nothing_more(name in soup(), value in soup(), other in soup()) {
        let body = json!({name: [value.clone()], "x": {other: value}}).to_string();
        let once = redacted(&call(&body));
        let twice = redacted(&once);
        prop_assert_eq!(&once.text, &twice.text);
        prop_assert!(once == twice);
    }
}
