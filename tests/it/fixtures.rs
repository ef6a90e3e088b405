//! Every recorded call of every sender, through the real gate and the real presets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::fixtures::{Expectation, expectations, presets, recorded};
use tollgate_tests::http::Answer;

use crate::support::text;

/// Posts a recorded call as its sender sends it. A sender whose own `Authorization` scheme cannot be changed gets the token
/// in its URL, as in the field.
fn post(daemon: &Daemon, token: &Token, call: &str) -> Answer {
    let call = recorded(call);
    let bearer = format!("Bearer {}", token.secret);
    let mut headers: Vec<(&str, &str)> =
        call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut query = vec![call.query.clone()];
    if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        query.push(format!("token={}", token.secret));
    } else {
        headers.push(("authorization", &bearer));
    }
    query.retain(|pair| !pair.is_empty());
    let target = if query.is_empty() { "/v1/process".to_owned() } else { format!("/v1/process?{}", query.join("&")) };
    let mut connection = daemon.connect().expect("the gate listens");
    connection.request("POST", &target, &headers, &call.body).expect("a call is answered")
}

/// A daemon with a service for each preset, all named as the preset.
fn with_all_presets() -> Daemon {
    let daemon = Daemon::start();
    for preset in presets() {
        daemon.service(&preset, &preset);
    }
    daemon
}

#[test]
fn every_preset_makes_of_each_recorded_call_what_is_expected() {
    let daemon = with_all_presets();
    let mut by_preset: BTreeMap<String, Vec<Expectation>> = BTreeMap::new();
    for expectation in expectations() {
        by_preset.entry(expectation.preset.clone()).or_default().push(expectation);
    }
    for (preset, calls) in by_preset {
        let mut opened_key = None;
        for expected in &calls {
            // A token of its own for each call, so that no deduplication comes between.
            let token = daemon.token(&expected.call, &format!("service:Ops/{preset}"), &[]);
            let answer = post(&daemon, &token, &expected.call);
            let body = answer.json();
            let outcomes: Vec<&str> =
                body["results"].as_array().into_iter().flatten().filter_map(|row| row["outcome"].as_str()).collect();
            let incident = || {
                let id = text(&body, "/results/0/incident");
                daemon.get(&format!("/v1/incidents/{id}"))
            };
            match expected.phase.as_str() {
                "trigger" => {
                    assert!(matches!(outcomes[..], ["created"] | ["attached"]), "{expected:?}: {answer:?}");
                    let head = incident()["head"].clone();
                    assert_eq!(head["priority"].as_str(), expected.priority.as_deref(), "{expected:?}: {head}");
                    assert!(!text(&head, "/title").is_empty());
                    opened_key = head["key"].as_str().map(str::to_owned);
                }
                "resolve" => {
                    assert_eq!((answer.status, &outcomes[..]), (200, &["resolved"][..]), "{expected:?}: {answer:?}");
                    let head = incident()["head"].clone();
                    assert_eq!(text(&head, "/state"), "resolved");
                    assert_eq!(head["key"].as_str().map(str::to_owned), opened_key, "{expected:?}");
                }
                _ => assert_eq!((answer.status, outcomes.len()), (202, 0), "{expected:?}: {answer:?}"),
            }
        }
    }
}

#[test]
fn no_preset_matches_another_senders_call() {
    let daemon = with_all_presets();
    let services: BTreeMap<String, String> = daemon
        .all("/v1/services")
        .iter()
        .map(|service| (text(service, "/id").to_owned(), text(service, "/name").to_owned()))
        .collect();
    let token = daemon.token("all", "global", &["--dedup", "0s"]);
    for expected in expectations() {
        let answer = post(&daemon, &token, &expected.call);
        assert!(answer.is_success(), "{expected:?}: {answer:?}");
        let body = answer.json();
        let touched: BTreeSet<&str> = body["results"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| services[text(row, "/service")].as_str())
            .collect();
        let own = BTreeSet::from([expected.preset.as_str()]);
        let allowed = if expected.phase == "none" { BTreeSet::new() } else { own };
        assert_eq!(touched, allowed, "{expected:?}: {answer:?}");
    }
    assert_eq!(daemon.get("/v1/status")["counters"]["refused"], json!(0));
}
