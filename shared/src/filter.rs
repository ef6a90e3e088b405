//! API filters as an operator writes them (domain.md section 3): which calls open an incident and which resolve one.
//!
//! Paths are plain texts here, so that [`FilterSpec::validate`] can name every bad field at once; [`Path::parse`] and
//! [`CorrPath::parse`] read them. The types are for JSON: fields that have their default are left out on output, which
//! a format without field names cannot read back. Where a filter is stored, its canonical JSON bytes
//! ([`FilterSpec::to_json`]) are stored inside the row.

mod lint;
pub mod path;
mod pattern;
pub mod presets;
mod validate;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::priority::Priority;

pub use lint::{Lint, LintRule, lints};
pub use path::{CorrPath, Path, PathError, Segment};
pub use pattern::{PatternError, compile_pattern};
pub use presets::{Sample, preset, preset_names, sample};
pub use validate::{FieldError, parse_number};

/// Conditions in one part, at most.
pub const CONDITIONS_MAX: usize = 8;
/// Values in one condition, at most.
pub const VALUES_MAX: usize = 10;
/// Characters in one value, at most; a pattern of `matches` may have [`PATTERN_CHARS_MAX`].
pub const VALUE_CHARS_MAX: usize = 200;
/// Characters in a pattern of `matches`, at most.
pub const PATTERN_CHARS_MAX: usize = 256;
/// Paths in one of the lists `title_from`, `description_from`, `priority_from`, `correlate`, at most.
pub const PATHS_MAX: usize = 4;
/// Words in a `priority_map`, at most.
pub const PRIORITY_MAP_MAX: usize = 32;
/// Characters in a filter's name, at most.
pub const NAME_CHARS_MAX: usize = 64;
/// Filters of one service, at most.
pub const FILTERS_PER_SERVICE_MAX: usize = 32;

/// What `filter create --file F.json` reads: a filter without what the daemon adds (id, service, position).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSpec {
    /// 1 to [`NAME_CHARS_MAX`] characters, unique within the service, case-insensitively.
    pub name: String,
    /// A filter that is not enabled is not evaluated at all, neither part.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Which calls open an incident.
    pub trigger: Trigger,
    /// Which calls resolve; `None` = only people resolve what it opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve: Option<Resolve>,
}

/// Which calls open an incident, and what that incident looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Every call matches; then there are no conditions.
    #[serde(default, skip_serializing_if = "is_no")]
    pub match_all: bool,
    /// 1 to [`CONDITIONS_MAX`], none with `match_all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Must all of them be true, or any.
    #[serde(default, skip_serializing_if = "Mode::is_all")]
    pub mode: Mode,
    /// The priority when nothing under `priority_from` says one.
    #[serde(default)]
    pub priority: Priority,
    /// Up to [`PATHS_MAX`]; the first that selects a known word decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priority_from: Vec<String>,
    /// A sender's own words or numbers, asked before the built-in table. Upper and lower case are the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub priority_map: BTreeMap<String, Priority>,
    /// Up to [`PATHS_MAX`]; the first with a non-blank value is the title.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub title_from: Vec<String>,
    /// Up to [`PATHS_MAX`]; the first with a non-blank value, else the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub description_from: Vec<String>,
    /// The components of the correlation key, each a [`CorrPath`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlate: Vec<String>,
}

/// Which calls resolve the open incidents that have the call's key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// 1 to [`CONDITIONS_MAX`].
    pub conditions: Vec<Condition>,
    /// Must all of them be true, or any.
    #[serde(default, skip_serializing_if = "Mode::is_all")]
    pub mode: Mode,
    /// Empty means the trigger's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlate: Vec<String>,
}

/// One test of the values that a path selects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// A [`Path`].
    pub path: String,
    /// The test.
    #[serde(default, skip_serializing_if = "Op::is_contains")]
    pub op: Op,
    /// Up to [`VALUES_MAX`]; none for `exists` and `is_empty`, at least one otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Must every value be found, or any.
    #[serde(default, rename = "match", skip_serializing_if = "Quantifier::is_all")]
    pub quantifier: Quantifier,
    /// Inverts the finished answer, also that of a path which selects nothing: "not contains x" is true then.
    #[serde(default, skip_serializing_if = "is_no")]
    pub negate: bool,
    /// Compare lower-cased characters.
    #[serde(default, skip_serializing_if = "is_no")]
    pub ignore_case: bool,
}

/// What a condition asks of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// The text holds the value.
    #[default]
    Contains,
    /// The text is the value.
    Equals,
    /// The text begins with the value.
    StartsWith,
    /// The text ends with the value.
    EndsWith,
    /// A regular expression that may match anywhere in the text.
    Matches,
    /// Greater than the value. Both sides are numbers, else false.
    Gt,
    /// Less than the value. Both sides are numbers, else false.
    Lt,
    /// The path selects something.
    Exists,
    /// The path selects nothing, or only blank texts.
    IsEmpty,
}

/// The wire's `match`: must every value of a condition be found, or is one enough?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantifier {
    /// Every value, each by some selected value.
    #[default]
    All,
    /// At least one.
    Any,
}

/// Must every condition of a part be true, or is one enough?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every condition.
    #[default]
    All,
    /// At least one.
    Any,
}

// === impl FilterSpec ===

impl FilterSpec {
    /// Every path that the filter reads, as text: of conditions, priority, title, description and correlation.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let trigger = &self.trigger;
        let lists = [&trigger.priority_from, &trigger.title_from, &trigger.description_from, &trigger.correlate];
        let conditions = trigger.conditions.iter().chain(self.resolve.iter().flat_map(|part| &part.conditions));
        let resolve_correlate = self.resolve.iter().flat_map(|part| &part.correlate);
        let listed = lists.into_iter().flatten().chain(resolve_correlate).map(String::as_str);
        conditions.map(|condition| condition.path.as_str()).chain(listed)
    }

    /// The names of the headers that the filter reads, in lower case.
    pub fn header_names(&self) -> Vec<String> {
        let parsed = self.paths().filter_map(|path| CorrPath::parse(path).ok());
        let named = parsed.filter_map(|parsed| match parsed.path {
            Path::Header(name) => Some(name.to_lowercase()),
            _ => None,
        });
        named.collect()
    }

    /// The canonical JSON: fields in the order of this file, defaults left out, no spaces. This is the stored form.
    ///
    /// # Errors
    /// None in practice: every field is a text, a bool or a list of those.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads the JSON form, written by a person or by [`FilterSpec::to_json`]. Unknown fields are refused by name.
    ///
    /// # Errors
    /// The first thing that is not JSON or not of this shape, with line and column. Rules beyond the shape are
    /// checked by [`FilterSpec::validate`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The paths whose values make the key of a recovery: the resolve part's own, or else the trigger's.
    pub fn resolve_correlate(&self) -> &[String] {
        match &self.resolve {
            Some(resolve) if !resolve.correlate.is_empty() => &resolve.correlate,
            _ => &self.trigger.correlate,
        }
    }
}

// === impl Op ===

impl Op {
    /// Every operator, in the order in which a form offers them.
    pub const ALL: [Self; 9] = [
        Self::Contains,
        Self::Equals,
        Self::StartsWith,
        Self::EndsWith,
        Self::Matches,
        Self::Gt,
        Self::Lt,
        Self::Exists,
        Self::IsEmpty,
    ];

    /// `exists` and `is_empty` look at the path alone; all others compare with at least one value.
    pub fn takes_values(self) -> bool {
        !matches!(self, Self::Exists | Self::IsEmpty)
    }

    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Equals => "equals",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Matches => "matches",
            Self::Gt => "gt",
            Self::Lt => "lt",
            Self::Exists => "exists",
            Self::IsEmpty => "is_empty",
        }
    }

    fn is_contains(&self) -> bool {
        *self == Self::Contains
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl Quantifier, Mode ===

impl Quantifier {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl Mode {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

fn yes() -> bool {
    true
}

// A reference, because that is what skip_serializing_if hands over.
fn is_yes(flag: &bool) -> bool {
    *flag
}

fn is_no(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"name":"disk","trigger":{"conditions":[{"path":"title","values":["disk"]}]}}"#;

    #[test]
    fn a_small_filter_has_the_defaults_of_the_domain() {
        let spec = FilterSpec::from_json(SMALL.as_bytes()).unwrap();
        assert!(spec.enabled);
        assert_eq!(spec.resolve, None);
        assert_eq!(spec.trigger.mode, Mode::All);
        assert_eq!(spec.trigger.priority, Priority::P3);
        let condition = &spec.trigger.conditions[0];
        assert_eq!((condition.op, condition.quantifier), (Op::Contains, Quantifier::All));
        assert!(!condition.negate && !condition.ignore_case);
    }

    #[test]
    fn defaults_are_left_out_on_output_and_the_stored_form_reads_back() {
        let spec = FilterSpec::from_json(SMALL.as_bytes()).unwrap();
        let stored = spec.to_json().unwrap();
        let expected = SMALL.replace("]}]}}", r#"]}],"priority":"P3"}}"#);
        assert_eq!(String::from_utf8(stored.clone()).unwrap(), expected);
        assert_eq!(FilterSpec::from_json(&stored).unwrap(), spec);
    }

    #[test]
    fn unknown_fields_are_refused_by_name() {
        let wrong = SMALL.replace("\"path\"", "\"paht\"");
        let error = FilterSpec::from_json(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("paht"), "{error}");
    }

    #[test]
    fn operators_have_their_wire_names() {
        for op in Op::ALL {
            assert_eq!(serde_json::to_string(&op).unwrap(), format!("\"{op}\""));
        }
    }

    #[test]
    fn an_empty_resolve_correlate_means_the_triggers() {
        let mut spec = FilterSpec::from_json(SMALL.as_bytes()).unwrap();
        spec.trigger.correlate = vec!["id".into()];
        spec.resolve = Some(Resolve::default());
        assert_eq!(spec.resolve_correlate(), ["id"]);
        spec.resolve = Some(Resolve { correlate: vec!["ref".into()], ..Resolve::default() });
        assert_eq!(spec.resolve_correlate(), ["ref"]);
    }
}
