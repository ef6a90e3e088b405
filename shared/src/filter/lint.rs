//! What is allowed but probably not meant. Lints are shown beside a saved filter; they never refuse it.

use serde::{Deserialize, Serialize};

use super::{Condition, FilterSpec, Mode, Op, Path, Resolve, Segment};

/// One remark. `path` is the field as in the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lint {
    /// Which kind.
    pub rule: LintRule,
    /// The field, `trigger.conditions[0].values[2]`.
    pub path: String,
    /// What it probably does not do as meant.
    pub message: String,
}

impl std::fmt::Display for Lint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// The kinds of remark, so that a screen or a script can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LintRule {
    /// A path writes `a.0` where `a[0]` is probably meant.
    BareNumber,
    /// The resolve part's key has another number of components than the trigger's.
    KeyShape,
    /// Every condition is negated or asks for emptiness, so that the calls of any sender match.
    OnlyNegative,
    /// A resolve part that names no path which its trigger names.
    NoSharedGuard,
    /// A resolve part for which no key can be computed resolves nothing.
    ResolveWithoutKey,
    /// `contains` with three characters or fewer in a resolve part: "ok" is in "broken".
    ShortContains,
    /// Two conditions under one `[*]` may be met by different elements.
    TwoUnderAll,
}

/// Collects the remarks on one filter.
#[derive(Default)]
struct Remarks(Vec<Lint>);

/// At this length and below, `contains` finds its text inside unrelated words.
const SHORT_CHARS: usize = 3;

/// Every remark on a filter, trigger first. Paths that do not parse are left to [`FilterSpec::validate`].
pub fn lints(spec: &FilterSpec) -> Vec<Lint> {
    let mut remarks = Remarks::default();
    part("trigger", &spec.trigger.conditions, spec.trigger.mode, &mut remarks);
    if let Some(resolve) = &spec.resolve {
        part("resolve", &resolve.conditions, resolve.mode, &mut remarks);
        short_contains(&resolve.conditions, &mut remarks);
        key(spec, resolve, &mut remarks);
        shared_guard(spec, resolve, &mut remarks);
    }
    remarks.0
}

// === impl Remarks ===

impl Remarks {
    fn add(&mut self, rule: LintRule, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Lint { rule, path: path.into(), message: message.into() });
    }
}

fn part(name: &str, conditions: &[Condition], mode: Mode, remarks: &mut Remarks) {
    let positive = |condition: &Condition| condition.negate == (condition.op == Op::IsEmpty);
    let guarded = match mode {
        Mode::All => conditions.iter().any(positive),
        Mode::Any => conditions.iter().all(positive),
    };
    if !guarded && !conditions.is_empty() {
        let message =
            "says only what must be absent, which is true of the calls of most senders; add what must be there";
        remarks.add(LintRule::OnlyNegative, format!("{name}.conditions"), message);
    }
    bare_numbers(name, conditions, remarks);
    if mode == Mode::All {
        two_under_all(name, conditions, remarks);
    }
}

fn bare_numbers(name: &str, conditions: &[Condition], remarks: &mut Remarks) {
    for (place, condition) in conditions.iter().enumerate() {
        let Ok(path) = Path::parse(&condition.path) else { continue };
        let number = path.segments().iter().find_map(|segment| match segment {
            Segment::Key(key) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => Some(key),
            _ => None,
        });
        if let Some(number) = number {
            let message = format!("selects a member named {number}; for an element of an array write [{number}]");
            remarks.add(LintRule::BareNumber, format!("{name}.conditions[{place}].path"), message);
        }
    }
}

fn two_under_all(name: &str, conditions: &[Condition], remarks: &mut Remarks) {
    let stems: Vec<Option<Vec<Segment>>> = conditions.iter().map(|condition| stem(&condition.path)).collect();
    for (place, this) in stems.iter().enumerate() {
        let earlier = stems[..place].iter().position(|other| this.is_some() && other == this);
        if let Some(earlier) = earlier {
            let message = format!("may be met by another element of the array than conditions[{earlier}]");
            remarks.add(LintRule::TwoUnderAll, format!("{name}.conditions[{place}].path"), message);
        }
    }
}

/// The path up to and with its first `[*]`.
fn stem(path: &str) -> Option<Vec<Segment>> {
    let path = Path::parse(path).ok()?;
    let all = path.segments().iter().position(|segment| *segment == Segment::All)?;
    Some(path.segments()[..=all].to_vec())
}

fn short_contains(conditions: &[Condition], remarks: &mut Remarks) {
    for (place, condition) in conditions.iter().enumerate() {
        let short = condition.values.iter().find(|value| value.chars().count() <= SHORT_CHARS);
        if let (Op::Contains, Some(short)) = (condition.op, short) {
            let message = format!("{short:?} is found inside other words, as \"ok\" is in \"broken\"; use equals");
            remarks.add(LintRule::ShortContains, format!("resolve.conditions[{place}].values"), message);
        }
    }
}

fn key(spec: &FilterSpec, resolve: &Resolve, remarks: &mut Remarks) {
    let (own, trigger) = (resolve.correlate.len(), spec.trigger.correlate.len());
    if own == 0 && trigger == 0 {
        let message =
            "without a correlation key a recovery resolves nothing; name the paths that identify the incident";
        remarks.add(LintRule::ResolveWithoutKey, "resolve.correlate", message);
    } else if own != 0 && own != trigger {
        let message = format!("has {own} components and the trigger's key has {trigger}, so the keys never agree");
        remarks.add(LintRule::KeyShape, "resolve.correlate", message);
    }
}

fn shared_guard(spec: &FilterSpec, resolve: &Resolve, remarks: &mut Remarks) {
    let named = |condition: &Condition| Path::parse(&condition.path).ok();
    let guards: Vec<Path> = spec.trigger.conditions.iter().filter_map(named).collect();
    let shared = resolve.conditions.iter().filter_map(named).any(|path| guards.contains(&path));
    // A trigger that takes every call has no guard to share.
    if !shared && !spec.trigger.match_all {
        let message = "names no path that the trigger names, so calls of another sender may resolve";
        remarks.add(LintRule::NoSharedGuard, "resolve.conditions", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{preset, preset_names};

    fn found(json: &str) -> Vec<(LintRule, String)> {
        let spec = FilterSpec::from_json(json.as_bytes()).unwrap();
        assert_eq!(spec.validate(), Ok(()));
        lints(&spec).into_iter().map(|lint| (lint.rule, lint.path)).collect()
    }

    fn one(rule: LintRule, path: &str) -> Vec<(LintRule, String)> {
        vec![(rule, path.to_owned())]
    }

    #[test]
    fn contains_with_three_characters_or_fewer_in_a_resolve_part() {
        let text = |value: &str| {
            format!(
                r#"{{"name":"f","trigger":{{"conditions":[{{"path":"s","values":["no"]}}],"correlate":["id"]}},
                    "resolve":{{"conditions":[{{"path":"s","values":["{value}"]}}]}}}}"#
            )
        };
        assert_eq!(found(&text("ok")), one(LintRule::ShortContains, "resolve.conditions[0].values"));
        assert_eq!(found(&text("okay")), []);
    }

    #[test]
    fn a_resolve_part_without_a_correlation_key() {
        let json = r#"{"name":"f","trigger":{"conditions":[{"path":"s","op":"exists"}]},
            "resolve":{"conditions":[{"path":"s","op":"equals","values":["ok"]}]}}"#;
        assert_eq!(found(json), one(LintRule::ResolveWithoutKey, "resolve.correlate"));
    }

    #[test]
    fn a_resolve_part_that_shares_no_guard_with_its_trigger() {
        let json = r#"{"name":"f","trigger":{"conditions":[{"path":"a","op":"exists"}],"correlate":["id"]},
            "resolve":{"conditions":[{"path":"b","op":"exists"}]}}"#;
        assert_eq!(found(json), one(LintRule::NoSharedGuard, "resolve.conditions"));
    }

    #[test]
    fn two_conditions_under_one_star_may_be_met_by_different_elements() {
        let json = r#"{"name":"f","trigger":{"conditions":[{"path":"a[*].x","op":"exists"},
            {"path":"b[*].x","op":"exists"},{"path":"a[*].y","op":"exists"}]}}"#;
        assert_eq!(found(json), one(LintRule::TwoUnderAll, "trigger.conditions[2].path"));
    }

    #[test]
    fn conditions_that_only_negate_match_other_senders() {
        let json = r#"{"name":"f","trigger":{"conditions":[{"path":"a","values":["test"],"negate":true}]}}"#;
        assert_eq!(found(json), one(LintRule::OnlyNegative, "trigger.conditions"));
    }

    #[test]
    fn a_bare_number_is_a_member_and_not_an_element() {
        let json = r#"{"name":"f","trigger":{"conditions":[{"path":"alerts.0.x","op":"exists"}]}}"#;
        assert_eq!(found(json), one(LintRule::BareNumber, "trigger.conditions[0].path"));
    }

    #[test]
    fn keys_with_different_numbers_of_components_never_agree() {
        let json = r#"{"name":"f","trigger":{"conditions":[{"path":"a","op":"exists"}],"correlate":["id","host"]},
            "resolve":{"conditions":[{"path":"a","op":"exists"}],"correlate":["id"]}}"#;
        assert_eq!(found(json), one(LintRule::KeyShape, "resolve.correlate"));
    }

    #[test]
    fn presets_have_no_lints_but_the_documented_example_of_callgoose() {
        for name in preset_names() {
            let rules: Vec<_> = lints(&preset(name).unwrap()).into_iter().map(|lint| lint.rule).collect();
            let expected: &[LintRule] = if name == "callgoose_doc_example" { &[LintRule::NoSharedGuard] } else { &[] };
            assert_eq!(rules, expected, "{name}");
        }
    }
}
