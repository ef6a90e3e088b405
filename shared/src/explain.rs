//! A verdict: why a call matched which filters and missed the others. Log rows, the answer of a trial and the screen
//! all use these types.
//!
//! Shape of the JSON: plain objects, nothing left out, and one tagged value, `seen`, which is `{"value":"1"}`,
//! `{"redacted":"[redacted]"}` or `{"missing":{"near":null}}`. The same types go through postcard, so no field may be
//! skipped or flattened.
//!
//! Every text that comes from a call was taken from its redacted view and then cut to [`SEEN_CHARS_MAX`] characters.

use serde::{Deserialize, Serialize};

use crate::filter::{Mode, Op};

/// Characters of a value seen and of a summary of values, at most; a text that was cut ends in `...`.
pub const SEEN_CHARS_MAX: usize = 80;
/// Misses that a verdict keeps.
pub const NEAREST_MISSES_MAX: usize = 20;
/// Services and filters that a verdict names as skipped.
pub const SKIPPED_MAX: usize = 100;

/// The verdict on one call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explain {
    /// Every filter of which at least one part was true, in order of service, then position.
    pub matched: Vec<FilterExplain>,
    /// The filters that missed, most conditions met first, [`NEAREST_MISSES_MAX`] at most.
    pub nearest_misses: Vec<FilterExplain>,
    /// Filters that were tested, missed and are not listed above.
    pub misses_not_shown: u32,
    /// Services outside the token's scope.
    pub not_reached_services: u32,
    /// What the token reaches but was not tested, [`SKIPPED_MAX`] at most.
    pub skipped: Vec<Skipped>,
    /// How many more were skipped.
    pub skipped_not_shown: u32,
    /// A sentence that an operator needs to read this verdict, such as "the body was cut".
    pub note: Option<String>,
}

/// A service or filter that took no part, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The service's id.
    pub service_id: String,
    /// Its full name, `Team/Service`.
    pub service: String,
    /// The filter's name where only that filter was skipped.
    pub filter: Option<String>,
    /// Why it took no part.
    pub why: SkipReason,
}

/// Why a service or filter took no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The service, or the named filter, is disabled.
    Disabled,
    /// The service is under maintenance: recoveries were tested, incidents were suppressed.
    Maintenance,
}

/// One filter's answer to one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterExplain {
    /// The service's id.
    pub service_id: String,
    /// Its full name, `Team/Service`.
    pub service: String,
    /// The filter's id.
    pub filter_id: String,
    /// Its name.
    pub filter: String,
    /// The filter's place in its service; the smallest is asked first.
    pub position: u32,
    /// The trigger part's answer.
    pub trigger: PartExplain,
    /// `None` = the filter has no resolve part.
    pub resolve: Option<PartExplain>,
}

/// One part's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartExplain {
    /// True where the part took the call.
    pub matched: bool,
    /// The part takes every call; then it has no conditions.
    pub match_all: bool,
    /// Whether all conditions had to be true or any.
    pub mode: Mode,
    /// How many of `conditions` were true.
    pub conditions_true: u32,
    /// Condition by condition, in the order of the filter.
    pub conditions: Vec<ConditionExplain>,
}

/// One condition's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionExplain {
    /// As it stands in the filter.
    pub path: String,
    /// What was asked of the values.
    pub op: Op,
    /// The values asked for: `"failure" or "timed_out"`; empty where the operator takes none.
    pub values: String,
    /// The answer was inverted.
    pub negate: bool,
    /// The answer, after `negate`.
    pub ok: bool,
    /// What stood in the call.
    pub seen: Seen,
    /// How many values the path selected; `seen` shows one of them.
    pub selected: u32,
}

/// What a condition found in the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// The first value selected, cut.
    Value(String),
    /// The condition was tested against the true value; this is what stands in its place in everything that is kept.
    /// So it can be told apart from a value that really is the text `[redacted]`.
    Redacted(String),
    /// The path selects nothing. `near` is a path that exists and looks like it.
    Missing {
        /// A path of the call, such as `host` for `hsot`.
        near: Option<String>,
    },
}

// === impl FilterExplain ===

impl FilterExplain {
    /// True if either part was true.
    pub fn matched(&self) -> bool {
        self.trigger.matched || self.resolve.as_ref().is_some_and(|part| part.matched)
    }

    /// Conditions met, of the part that came nearer. This orders the misses.
    pub fn conditions_met(&self) -> u32 {
        let resolve = self.resolve.as_ref().map_or(0, |part| part.conditions_true);
        self.trigger.conditions_true.max(resolve)
    }

    /// How many conditions that part has, of which [`FilterExplain::conditions_met`] were true.
    pub fn conditions_total(&self) -> u32 {
        let nearer = self.resolve.as_ref().filter(|part| part.conditions_true > self.trigger.conditions_true);
        nearer.unwrap_or(&self.trigger).conditions_total()
    }
}

// === impl PartExplain ===

impl PartExplain {
    /// How many conditions the part has; 0 for `match_all`.
    pub fn conditions_total(&self) -> u32 {
        u32::try_from(self.conditions.len()).unwrap_or(u32::MAX)
    }

    /// The first condition that was false: the one to show where there is room for one.
    pub fn first_failed(&self) -> Option<&ConditionExplain> {
        self.conditions.iter().find(|condition| !condition.ok)
    }
}

/// Cuts a text to [`SEEN_CHARS_MAX`] characters; a text that was cut ends in `...`.
pub fn cut_seen(text: &str) -> String {
    const MARK: &str = "...";
    match text.char_indices().nth(SEEN_CHARS_MAX) {
        None => text.to_owned(),
        Some(_) => text.chars().take(SEEN_CHARS_MAX - MARK.len()).chain(MARK.chars()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(ok: bool, seen: Seen) -> ConditionExplain {
        let (path, values) = ("event_value".to_owned(), "\"1\"".to_owned());
        ConditionExplain { path, op: Op::Equals, values, negate: false, ok, seen, selected: u32::from(ok) }
    }

    fn part(conditions: Vec<ConditionExplain>) -> PartExplain {
        let conditions_true = conditions.iter().map(|condition| u32::from(condition.ok)).sum();
        PartExplain { matched: false, match_all: false, mode: Mode::All, conditions_true, conditions }
    }

    #[test]
    fn the_first_failed_condition_is_found_and_the_nearer_part_counts() {
        let trigger =
            part(vec![condition(true, Seen::Value("1".into())), condition(false, Seen::Missing { near: None })]);
        assert_eq!(trigger.first_failed().map(|condition| condition.selected), Some(0));
        let filter = FilterExplain {
            service_id: "s".into(),
            service: "Network".into(),
            filter_id: "f".into(),
            filter: "zabbix".into(),
            position: 1,
            resolve: Some(part(vec![])),
            trigger,
        };
        assert!(!filter.matched());
        assert_eq!((filter.conditions_met(), filter.trigger.conditions_total()), (1, 2));
    }

    #[test]
    fn the_json_of_what_was_seen_is_an_object_with_one_member() {
        let json = |seen: Seen| serde_json::to_string(&seen).unwrap();
        assert_eq!(json(Seen::Value("1".into())), r#"{"value":"1"}"#);
        assert_eq!(json(Seen::Redacted("[redacted]".into())), r#"{"redacted":"[redacted]"}"#);
        assert_eq!(json(Seen::Missing { near: Some("host".into()) }), r#"{"missing":{"near":"host"}}"#);
    }

    #[test]
    fn a_verdict_comes_back_from_its_json_with_nothing_left_out() {
        let text = serde_json::to_string(&Explain::default()).unwrap();
        assert!(text.contains("\"note\":null") && text.contains("\"skipped\":[]"), "{text}");
        assert_eq!(serde_json::from_str::<Explain>(&text).unwrap(), Explain::default());
    }

    #[test]
    fn a_value_seen_is_cut_at_80_characters() {
        assert_eq!(cut_seen(&"\u{e9}".repeat(80)).chars().count(), 80);
        let cut = cut_seen(&"\u{e9}".repeat(81));
        assert_eq!(cut.chars().count(), 80);
        assert!(cut.ends_with("\u{e9}..."));
    }
}
