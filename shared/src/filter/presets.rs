//! Ready filters for the senders that most people have. Every value can be edited after a preset filled a form.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::{FilterSpec, Resolve, Trigger};

/// Both parts of a filter; its name is the key that it has in the file.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    trigger: Trigger,
    resolve: Option<Resolve>,
}

/// Read once. The text is part of the program and a test reads it, so a fault in it cannot reach an operator; an
/// empty list is what remains without a panic in production code.
static PRESETS: LazyLock<BTreeMap<String, Parts>> =
    LazyLock::new(|| serde_json::from_str(include_str!("presets.json")).unwrap_or_default());

/// A call that the preset of the same name opens an incident for, to try the way in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Names in lower case; the content type is among them.
    pub headers: BTreeMap<String, String>,
    /// What is posted.
    pub body: String,
}

/// A sample as it stands in the file: a body that is a text is posted as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSample {
    headers: BTreeMap<String, String>,
    body: Value,
}

/// As [`PRESETS`].
static SAMPLES: LazyLock<BTreeMap<String, Sample>> = LazyLock::new(|| {
    let stored: BTreeMap<String, StoredSample> = serde_json::from_str(include_str!("samples.json")).unwrap_or_default();
    stored.into_iter().map(|(name, stored)| (name, Sample::from(stored))).collect()
});

impl From<StoredSample> for Sample {
    fn from(stored: StoredSample) -> Self {
        let body = match stored.body {
            Value::String(text) => text,
            json => json.to_string(),
        };
        Self { headers: stored.headers, body }
    }
}

/// A call to try the preset of that name with, or `None` where it has none. It says of itself that nothing is wrong.
pub fn sample(name: &str) -> Option<&'static Sample> {
    SAMPLES.get(name)
}

/// The preset of that name, as a filter of the same name, or `None` where there is none.
pub fn preset(name: &str) -> Option<FilterSpec> {
    let Parts { trigger, resolve } = PRESETS.get(name)?.clone();
    Some(FilterSpec { name: name.to_owned(), enabled: true, trigger, resolve })
}

/// The names of all presets, in alphabetical order.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn there_is_a_preset_for_each_sender_of_the_domain() {
        let names: Vec<_> = preset_names().collect();
        let senders = [
            "alertmanager",
            "callgoose_doc_example",
            "cloudevents",
            "github_workflow",
            "grafana",
            "nagios",
            "oncall_formatted",
            "opsgenie",
            "pagerduty_v2",
            "plain_text",
            "zabbix",
        ];
        assert_eq!(names, senders);
        assert_eq!(preset("no such sender"), None);
    }

    #[test]
    fn every_preset_has_a_sample_that_says_that_nothing_is_wrong() {
        for name in preset_names() {
            let sample = sample(name).unwrap();
            assert!(sample.body.contains("Sample alert from Tollgate"), "{name}");
            assert!(sample.headers.contains_key("content-type"), "{name}");
        }
        assert!(SAMPLES.keys().all(|name| preset(name).is_some()), "a sample without its preset");
        assert_eq!(sample("no such sender"), None);
    }

    #[test]
    fn every_preset_is_valid_and_comes_back_from_the_stored_form() {
        for name in preset_names() {
            let spec = preset(name).unwrap();
            assert_eq!(spec.validate(), Ok(()), "{name}");
            assert_eq!(FilterSpec::from_json(&spec.to_json().unwrap()).unwrap(), spec, "{name}");
        }
    }

    #[test]
    fn writing_a_preset_gives_the_text_of_the_file() {
        let file: BTreeMap<String, Value> = serde_json::from_str(include_str!("presets.json")).unwrap();
        for (name, parts) in file {
            let spec = preset(&name).unwrap();
            let mut written = json!({ "trigger": spec.trigger });
            if let Some(resolve) = &spec.resolve {
                written["resolve"] = json!(resolve);
            }
            assert_eq!(written, parts, "{name}");
        }
    }
}
