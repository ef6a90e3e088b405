//! Every rule that a filter breaks, named at once, so that an operator corrects a file in one round.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    CONDITIONS_MAX, Condition, CorrPath, FilterSpec, NAME_CHARS_MAX, Op, PATHS_MAX, PRIORITY_MAP_MAX, Path, Resolve,
    Trigger, VALUE_CHARS_MAX, VALUES_MAX, compile_pattern,
};
use crate::priority::Priority;

/// One field and what is wrong with it. `path` is as in the JSON: `trigger.conditions[0].values[2]`.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{path}: {message}")]
pub struct FieldError {
    /// Where.
    pub path: String,
    /// Why, and what is allowed.
    pub message: String,
}

/// Collects the errors of one filter.
#[derive(Default)]
struct Report(Vec<FieldError>);

// === impl FilterSpec ===

impl FilterSpec {
    /// Checks every rule of domain.md section 3 that concerns one filter alone.
    ///
    /// # Errors
    /// All broken rules, in the order of the fields.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut report = Report::default();
        check_name(&self.name, &mut report);
        check_trigger(&self.trigger, &mut report);
        if let Some(resolve) = &self.resolve {
            check_resolve(resolve, &mut report);
        }
        if report.0.is_empty() { Ok(()) } else { Err(report.0) }
    }
}

// === impl Report ===

impl Report {
    fn add(&mut self, path: impl Into<String>, message: impl Display) {
        self.0.push(FieldError { path: path.into(), message: message.to_string() });
    }
}

/// A number that `gt` and `lt` can compare: decimal digits, a sign, a fraction, an exponent; white space around it
/// does not count. `inf` and `nan` are words, and what is too large for a 64-bit float is no number here.
pub fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plausible = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| plausible && number.is_finite())
}

fn check_name(name: &str, report: &mut Report) {
    if name.trim().is_empty() {
        report.add("name", "a filter needs a name");
    }
    if name.chars().count() > NAME_CHARS_MAX {
        report.add("name", format_args!("at most {NAME_CHARS_MAX} characters"));
    }
    if name.chars().any(is_invisible) {
        report.add("name", "only visible characters");
    }
}

/// Control characters, and those that change the direction of text or have no width.
fn is_invisible(c: char) -> bool {
    let formatting = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}');
    c.is_control() || formatting || ('\u{2060}'..='\u{206f}').contains(&c)
}

fn check_trigger(trigger: &Trigger, report: &mut Report) {
    match (trigger.match_all, trigger.conditions.len()) {
        (true, 0) => {}
        (true, _) => report.add("trigger.match_all", "every call matches already; take match_all or conditions away"),
        (false, 0) => report.add("trigger.conditions", "at least one condition, or match_all for every call"),
        (false, _) => check_conditions("trigger", &trigger.conditions, report),
    }
    check_paths("trigger.priority_from", &trigger.priority_from, report);
    check_priority_map(&trigger.priority_map, report);
    check_paths("trigger.title_from", &trigger.title_from, report);
    check_paths("trigger.description_from", &trigger.description_from, report);
    check_correlate("trigger.correlate", &trigger.correlate, report);
}

fn check_resolve(resolve: &Resolve, report: &mut Report) {
    if resolve.conditions.is_empty() {
        report.add("resolve.conditions", "at least one condition; a filter that resolves nothing has no resolve part");
    }
    check_conditions("resolve", &resolve.conditions, report);
    check_correlate("resolve.correlate", &resolve.correlate, report);
}

fn check_conditions(part: &str, conditions: &[Condition], report: &mut Report) {
    if conditions.len() > CONDITIONS_MAX {
        report.add(format!("{part}.conditions"), format_args!("at most {CONDITIONS_MAX} conditions"));
    }
    for (place, condition) in conditions.iter().enumerate() {
        check_condition(&format!("{part}.conditions[{place}]"), condition, report);
    }
}

fn check_condition(field: &str, condition: &Condition, report: &mut Report) {
    if let Err(error) = Path::parse(&condition.path) {
        report.add(format!("{field}.path"), error);
    }
    let (op, count) = (condition.op, condition.values.len());
    match (op.takes_values(), count) {
        (true, 0) => report.add(format!("{field}.values"), format_args!("{op} needs at least one value")),
        (false, 1..) => report.add(format!("{field}.values"), format_args!("{op} takes no value")),
        (true, _) => check_values(field, condition, report),
        (false, 0) => {}
    }
}

fn check_values(field: &str, condition: &Condition, report: &mut Report) {
    if condition.values.len() > VALUES_MAX {
        report.add(format!("{field}.values"), format_args!("at most {VALUES_MAX} values"));
    }
    for (place, value) in condition.values.iter().enumerate() {
        if let Some(message) = value_fault(condition, value) {
            report.add(format!("{field}.values[{place}]"), message);
        }
    }
}

fn value_fault(condition: &Condition, value: &str) -> Option<String> {
    let too_long = value.chars().count() > VALUE_CHARS_MAX;
    match condition.op {
        // An empty text is in every value, so such a condition says nothing; what was meant is `exists`.
        Op::Contains | Op::StartsWith | Op::EndsWith | Op::Matches if value.is_empty() => {
            Some("an empty text is found in every value; use exists or is_empty".to_owned())
        }
        Op::Matches => compile_pattern(value, condition.ignore_case).err().map(|error| error.to_string()),
        _ if too_long => Some(format!("at most {VALUE_CHARS_MAX} characters")),
        Op::Gt | Op::Lt if parse_number(value).is_none() => Some(format!("{} compares numbers", condition.op)),
        _ => None,
    }
}

fn check_paths(field: &str, paths: &[String], report: &mut Report) {
    check_path_list(field, paths, |text| Path::parse(text).err(), report);
}

fn check_correlate(field: &str, paths: &[String], report: &mut Report) {
    check_path_list(field, paths, |text| CorrPath::parse(text).err(), report);
}

fn check_path_list<E: Display>(field: &str, paths: &[String], fault: impl Fn(&str) -> Option<E>, report: &mut Report) {
    if paths.len() > PATHS_MAX {
        report.add(field, format_args!("at most {PATHS_MAX} paths"));
    }
    for (place, text) in paths.iter().enumerate() {
        if let Some(error) = fault(text) {
            report.add(format!("{field}[{place}]"), error);
        }
    }
}

fn check_priority_map(map: &BTreeMap<String, Priority>, report: &mut Report) {
    const FIELD: &str = "trigger.priority_map";
    if map.len() > PRIORITY_MAP_MAX {
        report.add(FIELD, format_args!("at most {PRIORITY_MAP_MAX} words"));
    }
    let mut seen = BTreeMap::new();
    for word in map.keys() {
        if word.trim().is_empty() || word.chars().count() > VALUE_CHARS_MAX {
            report.add(FIELD, format_args!("each word has 1 to {VALUE_CHARS_MAX} characters"));
        }
        if let Some(other) = seen.insert(word.trim().to_lowercase(), word) {
            report.add(FIELD, format_args!("{other:?} and {word:?} are the same word: case does not count"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Mode;

    fn condition(path: &str, op: Op, values: &[&str]) -> Condition {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Condition { path: path.into(), op, values, ..Condition::default() }
    }

    fn spec(conditions: Vec<Condition>) -> FilterSpec {
        let trigger = Trigger { conditions, ..Trigger::default() };
        FilterSpec { name: "f".into(), enabled: true, trigger, resolve: None }
    }

    fn bad_fields(spec: &FilterSpec) -> Vec<String> {
        spec.validate().expect_err("valid").into_iter().map(|error| error.path).collect()
    }

    fn only_fault(condition: Condition) -> String {
        let errors = spec(vec![condition]).validate().expect_err("valid");
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].to_string()
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let mut bad = spec(vec![condition("a b", Op::Contains, &[]), condition("ok", Op::Gt, &["x", "2"])]);
        bad.name = "  ".into();
        bad.trigger.title_from = vec!["t".into(), "".into()];
        bad.trigger.correlate = vec!["a..b?".into()];
        bad.resolve = Some(Resolve { mode: Mode::Any, ..Resolve::default() });
        let expected = [
            "name",
            "trigger.conditions[0].path",
            "trigger.conditions[0].values",
            "trigger.conditions[1].values[0]",
            "trigger.title_from[1]",
            "trigger.correlate[0]",
            "resolve.conditions",
        ];
        assert_eq!(bad_fields(&bad), expected);
    }

    #[test]
    fn a_bad_path_is_refused_with_its_offset() {
        let message = only_fault(condition("a b", Op::Exists, &[]));
        assert!(message.ends_with("at character 1"), "{message}");
    }

    #[test]
    fn a_trigger_has_1_to_8_conditions_or_match_all() {
        let exists = || condition("a", Op::Exists, &[]);
        assert_eq!(bad_fields(&spec(vec![])), ["trigger.conditions"]);
        assert!(spec(vec![exists(); 8]).validate().is_ok());
        assert_eq!(bad_fields(&spec(vec![exists(); 9])), ["trigger.conditions"]);
        let mut all = spec(vec![]);
        all.trigger.match_all = true;
        assert!(all.validate().is_ok());
        all.trigger.conditions.push(exists());
        assert_eq!(bad_fields(&all), ["trigger.match_all"]);
    }

    #[test]
    fn operators_that_take_values_need_one_and_the_others_take_none() {
        for op in Op::ALL {
            let (none, some) = (condition("a", op, &[]), condition("a", op, &["1"]));
            let (bad, good) = if op.takes_values() { (none, some) } else { (some, none) };
            assert!(only_fault(bad).starts_with("trigger.conditions[0].values: "), "{op}");
            assert!(spec(vec![good]).validate().is_ok(), "{op}");
        }
    }

    #[test]
    fn values_are_at_most_10_of_at_most_200_characters() {
        assert!(spec(vec![condition("a", Op::Equals, &["\u{e9}".repeat(200).as_str(); 10])]).validate().is_ok());
        assert!(only_fault(condition("a", Op::Equals, &["v"; 11])).contains("at most 10"));
        assert!(only_fault(condition("a", Op::Equals, &["\u{e9}".repeat(201).as_str()])).contains("at most 200"));
    }

    #[test]
    fn a_pattern_is_at_most_256_characters_and_must_compile() {
        assert!(spec(vec![condition("a", Op::Matches, &["a".repeat(256).as_str()])]).validate().is_ok());
        assert!(only_fault(condition("a", Op::Matches, &["a".repeat(257).as_str()])).contains("256"));
        assert!(only_fault(condition("a", Op::Matches, &["a("])).contains("unclosed group"));
        assert!(only_fault(condition("a", Op::Matches, &[r"\w{200}"])).contains("too large"));
    }

    #[test]
    fn gt_and_lt_compare_numbers() {
        for number in ["4", "-1.5", " 2e3 ", "0"] {
            assert!(spec(vec![condition("a", Op::Lt, &[number])]).validate().is_ok(), "{number}");
        }
        for word in ["", "inf", "NaN", "1e999", "0x10", "1,5"] {
            assert!(only_fault(condition("a", Op::Gt, &[word])).contains("compares numbers"), "{word}");
        }
    }

    #[test]
    fn an_empty_text_is_a_value_only_of_equals() {
        for op in [Op::Contains, Op::StartsWith, Op::EndsWith, Op::Matches] {
            assert!(only_fault(condition("a", op, &[""])).contains("use exists"), "{op}");
        }
        assert!(spec(vec![condition("a", Op::Equals, &[""])]).validate().is_ok());
    }

    #[test]
    fn path_lists_hold_4_and_the_priority_map_32() {
        let mut bad = spec(vec![condition("a", Op::Exists, &[])]);
        bad.trigger.priority_from = vec!["a".into(); 5];
        bad.trigger.title_from = vec!["a".into(); 5];
        bad.trigger.description_from = vec!["a".into(); 5];
        bad.trigger.correlate = vec!["a".into(); 5];
        bad.trigger.priority_map = (0..33).map(|word| (word.to_string(), Priority::P1)).collect();
        let fields = ["priority_from", "priority_map", "title_from", "description_from", "correlate"];
        assert_eq!(bad_fields(&bad), fields.map(|field| format!("trigger.{field}")));
    }

    #[test]
    fn two_words_of_the_priority_map_that_differ_in_case_are_refused() {
        let mut bad = spec(vec![condition("a", Op::Exists, &[])]);
        bad.trigger.priority_map = [("Bad".into(), Priority::P1), ("bad".into(), Priority::P2)].into();
        assert_eq!(bad_fields(&bad), ["trigger.priority_map"]);
    }

    #[test]
    fn a_name_is_1_to_64_visible_characters() {
        for name in ["", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            let mut bad = spec(vec![condition("a", Op::Exists, &[])]);
            bad.name = name.into();
            assert_eq!(bad_fields(&bad), ["name"], "{name:?}");
        }
    }
}
