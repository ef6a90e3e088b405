//! Operator rules of redaction (domain.md §5): what is cut from every call beside headers, tokens and secret names.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// `POST /v1/redaction`: exactly one of `path` and `pattern`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewRedactionRule {
    /// What people call it; unique among the rules.
    pub name: String,
    /// A place in a call, written as in filters: `alerts[*].annotations.note`, `@header.x-pin`, `@query.pin`; `$` cuts the
    /// whole body. What is there is replaced whole, whatever its type.
    pub path: Option<String>,
    /// A regular expression of at most 256 characters, looked for in texts, numbers and names of members. What it matches
    /// is replaced; where it has groups, only what they match.
    pub pattern: Option<String>,
    /// The pattern ignores case.
    pub ignore_case: bool,
    /// A call that the rule is tried on before it is saved: 422 where it cuts nothing there.
    pub sample: Option<Sample>,
}

/// A call as a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sample {
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Without its `?`.
    pub query: String,
    /// The body as text.
    pub body: String,
}

/// `POST /v1/redaction/try`; nothing of it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TryRedaction {
    /// Rules to try beside the saved ones; a saved one of the same name is left out for it.
    pub rules: Vec<NewRedactionRule>,
    /// The call to try them on.
    pub sample: Sample,
}

/// What the log would keep of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionTried {
    /// The headers that would be kept.
    pub headers: Vec<(String, String)>,
    /// The query that would be kept.
    pub query: String,
    /// The body that would be kept, not yet cut to its first 16 KiB.
    pub body: String,
    /// True where anything was cut, by whatever rule.
    pub changed: bool,
    /// Each rule by name, the saved ones first: whether it alone cuts something that the built-in rules leave.
    pub rules: Vec<RuleTried>,
}

/// Whether one rule does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTried {
    /// The rule.
    pub name: String,
    /// It cuts something of this sample that is not cut without it.
    pub cuts: bool,
}

/// A saved rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionRuleView {
    /// Its name, which is also its reference.
    pub name: String,
    /// The place it cuts.
    pub path: Option<String>,
    /// Or the expression.
    pub pattern: Option<String>,
    /// The expression ignores case.
    pub ignore_case: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}
