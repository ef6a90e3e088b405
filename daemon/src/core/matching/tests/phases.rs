use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_shared::filter::CorrPath;
use tollgate_shared::priority::Priority;

use crate::core::call::Call;
use crate::core::matching::sample::{call, filter};
use crate::core::matching::{
    CompiledFilter, DESCRIPTION_BYTES_MAX, TITLE_CHARS_MAX, TriggerHit, correlation_key, evaluate,
};

fn says(text: &str) -> Value {
    json!({ "path": "$", "values": [text] })
}

fn key(paths: &[&str], body: &str) -> Option<String> {
    let paths: Vec<_> = paths.iter().map(|path| CorrPath::parse(path).unwrap()).collect();
    correlation_key(&paths, &call(body))
}

fn hit(trigger: Value, call: &Call) -> TriggerHit {
    let mut trigger = trigger;
    trigger["match_all"] = json!(true);
    evaluate(&[filter(1, trigger, None)], call, call).trigger.unwrap()
}

#[test]
fn mode_all_needs_every_condition_and_any_needs_one() {
    let of = |mode: &str, body: &str| {
        filter(1, json!({ "conditions": [says("one"), says("two")], "mode": mode }), None).triggers(&call(body))
    };
    assert!(of("all", "one two") && !of("all", "one"));
    assert!(of("any", "one") && !of("any", "three"));
}

#[test]
fn match_all_matches_every_call() {
    assert!(filter(1, json!({ "match_all": true }), None).triggers(&call("")));
}

#[test]
fn the_resolve_part_of_every_enabled_filter_is_tested() {
    let resolving = |position, path: &str| {
        filter(
            position,
            json!({ "conditions": [says("nothing")], "correlate": [path] }),
            Some(json!({ "conditions": [says("OK")] })),
        )
    };
    let mut disabled = CompiledFilter::clone(&resolving(3, "a"));
    disabled.enabled = false;
    let call = call(r#"{"state":"OK","a":"1","b":"2"}"#);
    let found = evaluate(&[resolving(1, "a"), resolving(2, "b"), Arc::new(disabled), resolving(4, "c")], &call, &call);
    let keys: Vec<_> = found.resolve_keys.iter().map(|hit| hit.key.as_deref()).collect();
    assert_eq!(keys, [Some("1"), Some("2"), None], "a resolve part that yields no key is reported without one");
    assert_eq!(found.trigger, None);
}

#[test]
fn the_first_trigger_by_position_whose_own_resolve_part_was_false_wins() {
    let clumsy =
        filter(1, json!({ "conditions": [says("Backup")] }), Some(json!({ "conditions": [says("complete")] })));
    let general = |position| filter(position, json!({ "match_all": true }), None);
    let call = call("Backup incomplete");
    let found = evaluate(&[clumsy, general(2), general(3)], &call, &call);
    assert_eq!(found.resolve_keys.len(), 1);
    assert_eq!(found.trigger.unwrap().filter_name, "filter 2", "a clumsy resolve part cannot swallow an alert");
}

#[test]
fn a_disabled_filter_opens_nothing() {
    let mut disabled = CompiledFilter::clone(&filter(1, json!({ "match_all": true }), None));
    disabled.enabled = false;
    let call = call("x");
    assert_eq!(evaluate(&[Arc::new(disabled)], &call, &call).trigger, None);
}

#[test]
fn the_key_is_the_first_value_of_each_path_joined_by_unit_separators() {
    let body = r#"{"a":"x","l":[{"id":1},{"id":2}],"e":""}"#;
    assert_eq!(key(&["a", "l[*].id"], body).as_deref(), Some("x\u{1f}1"));
    assert_eq!(key(&["a", "nope"], body), None, "a missing component is no key");
    assert_eq!(key(&["a", "e"], body), None, "an empty component is no key");
    assert_eq!(key(&["a", "e?", "nope?"], body).as_deref(), Some("x\u{1f}\u{1f}"));
    assert_eq!(key(&["nope?"], body), None, "a key of nothing identifies nothing");
    assert_eq!(key(&[], body), None);
}

#[test]
fn a_key_longer_than_255_bytes_is_its_sha_256() {
    let body = |length: usize| json!({ "a": "x".repeat(length) }).to_string();
    assert_eq!(key(&["a"], &body(255)).map(|key| key.len()), Some(255));
    let hashed = key(&["a"], &body(256)).unwrap();
    assert!(hashed.starts_with("h:") && hashed.len() == 66, "{hashed}");
    assert_ne!(Some(hashed), key(&["a"], &body(257)));
}

#[test]
fn an_empty_resolve_correlate_uses_the_triggers() {
    let trigger = json!({ "conditions": [says("never")], "correlate": ["a"] });
    let own = filter(1, trigger.clone(), Some(json!({ "conditions": [says("x")], "correlate": ["b"] })));
    let inherited = filter(1, trigger, Some(json!({ "conditions": [says("x")] })));
    let call = call(r#"{"a":"1","b":"2"}"#);
    assert_eq!(own.resolve_key(&call).as_deref(), Some("2"));
    assert_eq!(inherited.resolve_key(&call).as_deref(), Some("1"));
}

#[test]
fn the_title_is_the_first_non_blank_path_with_white_space_folded() {
    let body = call(r#"{"a":"  ","b":" Disk\n\t full "}"#);
    assert_eq!(hit(json!({ "title_from": ["nope", "a", "b"] }), &body).title, "Disk full");
}

#[test]
fn the_title_is_prefixed_by_from_and_has_1024_characters_at_most() {
    let mut body = call(&json!({ "t": "\u{e9}".repeat(2000) }).to_string());
    body.query = vec![("from".into(), "nas".into())];
    let title = hit(json!({ "title_from": ["t"] }), &body).title;
    assert!(title.starts_with("nas - \u{e9}"));
    assert_eq!(title.chars().count(), TITLE_CHARS_MAX);
}

#[test]
fn without_a_title_the_incident_is_from_its_source() {
    let mut body = call("not json");
    assert_eq!(hit(json!({ "title_from": ["t"] }), &body).title, "Incident from unknown source");
    body.query = vec![("from".into(), "nas".into())];
    assert_eq!(hit(json!({ "title_from": ["t"] }), &body).title, "Incident from nas");
}

#[test]
fn the_description_falls_back_to_the_body_and_is_cut_at_4_kib_between_characters() {
    let found = call(r#"{"m":"line 1\nline 2"}"#);
    assert_eq!(hit(json!({ "description_from": ["x", "m"] }), &found).description, "line 1\nline 2");
    assert_eq!(hit(json!({ "description_from": ["x"] }), &found).description, found.text);
    let long = call(&format!("x{}", "\u{e9}".repeat(4000)));
    let description = hit(json!({}), &long).description;
    assert_eq!(description.len(), DESCRIPTION_BYTES_MAX - 1);
}

#[test]
fn texts_are_made_from_the_redacted_view_and_keys_from_the_call() {
    let (open, redacted) = (call(r#"{"password":"hunter2"}"#), call(r#"{"password":"[redacted]"}"#));
    let paths = json!(["password"]);
    let trigger = json!({
        "conditions": [says("hunter2")], "title_from": paths, "description_from": paths, "correlate": paths,
    });
    let hit = evaluate(&[filter(1, trigger, None)], &open, &redacted).trigger.unwrap();
    assert_eq!((hit.title.as_str(), hit.description.as_str()), ("[redacted]", "[redacted]"));
    assert_eq!(hit.key.as_deref(), Some("hunter2"));
}

#[test]
fn the_first_path_that_knows_a_priority_decides_with_the_most_urgent_of_its_values() {
    let body = call(r#"{"x":"purple","a":[{"s":"info"},{"s":"Major"},{"s":"warning"}],"b":"critical"}"#);
    let of = |paths: Value| hit(json!({ "priority": "P4", "priority_from": paths }), &body).priority;
    assert_eq!(of(json!(["x", "a[*].s", "b"])), Priority::P2);
    assert_eq!(of(json!(["x"])), Priority::P4);
}

#[test]
fn the_priority_map_comes_before_the_built_in_table() {
    let map = json!({ "5": "P1", "Critical": "P5" });
    let of = |body: &str| {
        hit(json!({ "priority": "P4", "priority_from": ["s"], "priority_map": map }), &call(body)).priority
    };
    assert_eq!(of(r#"{"s":5}"#), Priority::P1);
    assert_eq!(of(r#"{"s":"CRITICAL"}"#), Priority::P5);
    assert_eq!(of(r#"{"s":"error"}"#), Priority::P2);
    assert_eq!(of(r#"{"s":0}"#), Priority::P4, "numbers only by a map");
}
