//! Every preset against a recorded call of every sender.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tollgate_shared::filter::{preset, preset_names, sample as preset_sample};
use tollgate_shared::priority::Priority;

use super::sample::{self, compiled};
use super::{CompiledFilter, evaluate};
use crate::core::call::Call;

#[derive(Deserialize)]
struct Expectation {
    preset: String,
    call: String,
    phase: String,
    priority: Option<Priority>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn expectations() -> Vec<Expectation> {
    serde_json::from_value(read(&fixtures().join("expectations.json"))).unwrap()
}

fn strings(object: &Value) -> Vec<(String, String)> {
    let pairs = object.as_object().into_iter().flatten();
    pairs.map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().to_owned())).collect()
}

/// The recorded call as the gate would hand it on: credentials cut, CloudEvents binary mode wrapped, forms unwrapped.
fn recorded(name: &str) -> Call {
    let file = read(&fixtures().join(format!("senders/{name}.json")));
    let headers: Vec<_> = strings(&file["headers"]).into_iter().filter(|(name, _)| name != "authorization").collect();
    let body = match &file["body"] {
        Value::String(text) if text.starts_with("payload=") => {
            percent_encoding::percent_decode_str(&text["payload=".len()..]).decode_utf8().unwrap().into_owned()
        }
        Value::String(text) => text.clone(),
        json => wrapped(&headers, json).to_string(),
    };
    Call { headers, query: strings(&file["query"]), ..sample::call(&body) }
}

fn wrapped(headers: &[(String, String)], body: &Value) -> Value {
    let attributes = headers.iter().filter_map(|(name, value)| Some((name.strip_prefix("ce-")?, value)));
    let mut event: Map<String, Value> = attributes.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    if event.is_empty() {
        return body.clone();
    }
    event.insert("data".to_owned(), body.clone());
    Value::Object(event)
}

fn preset_filter(name: &str) -> Arc<CompiledFilter> {
    compiled(0, &preset(name).unwrap())
}

#[test]
fn the_presets_in_the_program_are_those_of_the_fixtures() {
    for (name, parts) in read(&fixtures().join("presets.json")).as_object().unwrap() {
        let built_in = preset(name).unwrap();
        assert_eq!(json!(built_in.trigger), parts["trigger"], "{name}");
        assert_eq!(json!(built_in.resolve), parts["resolve"], "{name}");
    }
}

#[test]
fn every_preset_gives_the_expected_phase_and_priority() {
    for Expectation { preset, call: name, phase, priority } in expectations() {
        let call = recorded(&name);
        let found = evaluate(&[preset_filter(&preset)], &call, &call);
        let got = match (&found.trigger, found.resolve_keys.as_slice()) {
            (Some(_), []) => "trigger",
            (None, [_]) => "resolve",
            (None, []) => "none",
            other => panic!("{preset} on {name}: {other:?}"),
        };
        assert_eq!(got, phase, "{preset} on {name}");
        assert_eq!(found.trigger.map(|hit| hit.priority), priority, "{preset} on {name}");
    }
}

#[test]
fn no_preset_matches_another_senders_call() {
    let mut tested = 0;
    for entry in fs::read_dir(fixtures().join("senders")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        let call = recorded(&name);
        let own: Vec<_> = expectations().into_iter().filter(|expected| expected.call == name).collect();
        assert!(!own.is_empty(), "{name} has no expectation");
        for preset in preset_names().filter(|preset| own.iter().all(|expected| expected.preset != *preset)) {
            let filter = preset_filter(preset);
            assert!(!filter.triggers(&call) && !filter.resolves(&call), "{preset} on {name}");
            tested += 1;
        }
    }
    assert!(tested > 200, "{tested}");
}

#[test]
fn the_key_of_each_trigger_call_is_among_the_keys_of_its_resolve_calls() {
    let all = expectations();
    for preset in preset_names() {
        let filter = preset_filter(preset);
        let of_phase = |phase| all.iter().filter(move |item| item.preset == preset && item.phase == phase);
        let key = |item: &Expectation, phase: &str| {
            let call = recorded(&item.call);
            let found = evaluate(std::slice::from_ref(&filter), &call, &call);
            if phase == "trigger" { found.trigger.unwrap().key } else { found.resolve_keys[0].key.clone() }
        };
        let resolved: Vec<_> = of_phase("resolve").map(|item| key(item, "resolve")).collect();
        for item in of_phase("trigger").filter(|_| !resolved.is_empty()) {
            let opened = key(item, "trigger");
            assert!(opened.is_some() && resolved.contains(&opened), "{preset}: {opened:?} in {resolved:?}");
        }
    }
}

#[test]
fn the_sample_of_each_preset_opens_an_incident_of_its_own_and_resolves_none() {
    for name in preset_names() {
        let stored = preset_sample(name).unwrap();
        let headers = stored.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let call = Call { headers, ..sample::call(&stored.body) };
        let found = evaluate(&[preset_filter(name)], &call, &call);
        assert!(found.resolve_keys.is_empty(), "{name}");
        let hit = found.trigger.unwrap_or_else(|| panic!("{name} does not open an incident"));
        assert!(hit.title.contains("Sample alert from Tollgate"), "{name}: {}", hit.title);
        assert!(hit.priority >= Priority::P3, "{name}: nobody is to be woken by a sample");
    }
}

#[test]
fn titles_of_presets_say_what_the_sender_said() {
    for (preset, call, title) in [
        ("alertmanager", "alertmanager_firing", "Disk nearly full on db1:9100"),
        ("zabbix", "zabbix_problem", "Problem: High CPU on web01"),
        ("nagios", "nagios_host_problem", "PING CRITICAL - Packet loss = 100%"),
        ("github_workflow", "github_run_failure", "GitHub - test"),
        ("plain_text", "plain_text", "backup FAILED on nas01"),
    ] {
        let call = recorded(call);
        let hit = evaluate(&[preset_filter(preset)], &call, &call).trigger.unwrap();
        assert_eq!(hit.title, title, "{preset}");
    }
}
