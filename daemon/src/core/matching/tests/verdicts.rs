use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_shared::explain::{Explain, FilterExplain, NEAREST_MISSES_MAX, SKIPPED_MAX, Seen, SkipReason};
use tollgate_shared::filter::preset;

use crate::core::call::Call;
use crate::core::matching::sample::{call, compiled, filter};
use crate::core::matching::{CompiledFilter, ExplainBuilder, ServiceLabel, explain};

const NETWORK: ServiceLabel<'static> = ServiceLabel { id: "svc-1", name: "Network" };

fn equals(path: &str, value: &str) -> Value {
    json!({ "path": path, "op": "equals", "values": [value] })
}

fn seen(path: &str, value: &str, open: &Call, redacted: &Call) -> Seen {
    let filter = filter(1, json!({ "conditions": [equals(path, value)] }), None);
    explain(NETWORK, &[filter], open, redacted)[0].trigger.conditions[0].seen.clone()
}

fn missing(near: &str) -> Seen {
    Seen::Missing { near: Some(near.to_owned()) }
}

#[test]
fn explain_gives_the_verdict_and_the_first_failed_condition_with_the_value_seen() {
    let call = call(r#"{"event_value":"1","event_updatestatus":"0","event_id":"7"}"#);
    let zabbix = compiled(3, &preset("zabbix").unwrap());
    let verdict = &explain(NETWORK, &[zabbix], &call, &call)[0];
    assert!(!verdict.matched());
    assert_eq!((verdict.service.as_str(), verdict.filter.as_str(), verdict.position), ("Network", "zabbix", 3));
    assert_eq!((verdict.trigger.conditions_true, verdict.trigger.conditions_total()), (1, 2));
    let failed = verdict.trigger.first_failed().unwrap();
    assert_eq!((failed.path.as_str(), failed.values.as_str()), ("event_update_status", "\"0\""));
    assert_eq!(failed.seen, missing("event_updatestatus"));
    let resolve = verdict.resolve.as_ref().unwrap();
    assert_eq!(resolve.first_failed().unwrap().seen, Seen::Value("1".into()));
}

#[test]
fn a_near_key_is_offered_where_a_path_is_missing() {
    let mut body = call(r#"{"label":{"Severity":"x"},"list":[{"a":1},{"host name":"y"}],"nil":null}"#);
    body.headers = vec![("x-github-events".into(), "ping".into())];
    let of = |path: &str| seen(path, "1", &body, &body);
    assert_eq!(of("labels.severity"), missing("label"));
    assert_eq!(of("label.severity"), missing("label.Severity"));
    assert_eq!(of("list[*].hostname"), missing("list[*][\"host name\"]"));
    assert_eq!(of("@header.X-GitHub-Event"), missing("@header.x-github-events"));
    for nothing in ["nil", "list[9]", "unlike.anything"] {
        assert_eq!(of(nothing), Seen::Missing { near: None }, "{nothing}");
    }
}

#[test]
fn a_redacted_value_is_told_apart_from_the_text_redacted() {
    let (open, cut) = (call(r#"{"password":"hunter2"}"#), call(r#"{"password":"[redacted]"}"#));
    assert_eq!(seen("password", "x", &open, &cut), Seen::Redacted("[redacted]".into()));
    assert_eq!(seen("password", "x", &cut, &cut), Seen::Value("[redacted]".into()));
    let nested = call(r#"{"password":{"old":"hunter2"}}"#);
    assert_eq!(seen("password.old", "x", &nested, &cut), Seen::Redacted(String::new()));
}

#[test]
fn the_value_that_satisfied_the_condition_is_the_one_shown() {
    let body = call(r#"{"a":["x","y","z"]}"#);
    assert_eq!(seen("a[*]", "y", &body, &body), Seen::Value("y".into()));
    assert_eq!(seen("a[*]", "q", &body, &body), Seen::Value("x".into()));
}

fn needs(position: u32, total: usize, met: usize) -> Arc<CompiledFilter> {
    let conditions: Vec<_> = (0..total).map(|n| equals("a", if n < met { "1" } else { "2" })).collect();
    filter(position, json!({ "conditions": conditions }), None)
}

#[test]
fn a_verdict_keeps_all_matches_and_the_20_nearest_misses() {
    let call = call(r#"{"a":1}"#);
    let mut builder = ExplainBuilder::new(&call, &call);
    for round in 0..30 {
        let met = round as usize % 4;
        builder.service(NETWORK, &[needs(2 * round, 5, met), needs(2 * round + 1, 2, 2)]);
    }
    let verdict = builder.finish(41, None);
    assert_eq!(verdict.matched.len(), 30);
    assert_eq!(verdict.nearest_misses.len(), NEAREST_MISSES_MAX);
    assert_eq!(verdict.misses_not_shown, 10);
    assert_eq!(verdict.not_reached_services, 41);
    let met: Vec<_> = verdict.nearest_misses.iter().map(FilterExplain::conditions_met).collect();
    assert!(met.is_sorted_by(|a, b| a >= b) && met[0] == 3, "{met:?}");
    let positions: Vec<_> = verdict.nearest_misses[..7].iter().map(|miss| miss.position).collect();
    assert_eq!(positions, [6, 14, 22, 30, 38, 46, 54], "equally near misses stay in order");
}

#[test]
fn disabled_filters_and_skipped_services_are_named_and_counted() {
    let call = call("{}");
    let mut disabled = CompiledFilter::clone(&needs(1, 1, 1));
    disabled.enabled = false;
    let mut builder = ExplainBuilder::new(&call, &call);
    builder.service(NETWORK, &[Arc::new(disabled)]);
    for _ in 0..SKIPPED_MAX {
        builder.skip(NETWORK, None, SkipReason::Maintenance);
    }
    let verdict = builder.finish(0, Some("the body was cut".into()));
    assert_eq!(verdict.skipped[0].filter.as_deref(), Some("filter 1"));
    assert_eq!((verdict.skipped.len(), verdict.skipped_not_shown), (SKIPPED_MAX, 1));
    assert_eq!(verdict.misses_not_shown, 0);
}

#[test]
fn a_verdict_comes_back_from_postcard_and_from_json() {
    let call = call(r#"{"event_value":"1","a":1}"#);
    let mut builder = ExplainBuilder::new(&call, &call);
    builder.service(NETWORK, &[compiled(1, &preset("zabbix").unwrap()), needs(2, 1, 1)]);
    builder.skip(NETWORK, None, SkipReason::Disabled);
    let verdict = builder.finish(1, Some("note".into()));
    let bytes = postcard::to_stdvec(&verdict).unwrap();
    assert_eq!(postcard::from_bytes::<Explain>(&bytes).unwrap(), verdict);
    let text = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Explain>(&text).unwrap(), verdict);
}

#[test]
fn explain_and_evaluate_agree_on_what_matched() {
    let call = call(r#"{"a":1}"#);
    let filters = [needs(1, 2, 1), needs(2, 2, 2), filter(3, json!({ "match_all": true }), None)];
    let matched: Vec<_> = explain(NETWORK, &filters, &call, &call).iter().map(FilterExplain::matched).collect();
    let truth: Vec<_> = filters.iter().map(|filter| filter.triggers(&call) || filter.resolves(&call)).collect();
    assert_eq!(matched, truth);
}
