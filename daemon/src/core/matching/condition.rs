//! One condition: the truth of an operator over the values that a path selects.

use std::borrow::Cow;

use regex::Regex;
use tollgate_shared::filter::{Condition, FieldError, Op, Path, Quantifier, compile_pattern, parse_number};

use super::select::{Selected, select};
use crate::core::call::Call;

/// A condition that is ready to be asked: its path read, its patterns compiled, its literals lower-cased.
#[derive(Debug, Clone)]
pub struct CompiledCondition {
    /// Which values.
    pub path: Path,
    /// What is asked of them.
    pub op: Op,
    /// Must every literal be found, or any.
    pub quantifier: Quantifier,
    /// Inverts the finished answer.
    pub negate: bool,
    /// Compare lower-cased characters.
    pub ignore_case: bool,
    /// The values as written, for showing.
    pub values: Vec<String>,
    pub(super) literals: Vec<Literal>,
}

/// One value in the form in which it is compared.
#[derive(Debug, Clone)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    Pattern(Regex),
}

// === impl CompiledCondition ===

impl CompiledCondition {
    /// Compiles a condition whose filter has passed `FilterSpec::validate`; `field` names it in an error.
    ///
    /// # Errors
    /// A path or value that validation would have refused.
    pub(super) fn compile(condition: &Condition, field: &str) -> Result<Self, FieldError> {
        let path = Path::parse(&condition.path).map_err(|error| field_error(format!("{field}.path"), &error))?;
        let literals = condition.values.iter().map(|value| literal(condition, value)).collect::<Result<_, _>>();
        Ok(Self {
            path,
            op: condition.op,
            quantifier: condition.quantifier,
            negate: condition.negate,
            ignore_case: condition.ignore_case,
            values: condition.values.clone(),
            literals: literals.map_err(|message| FieldError { path: format!("{field}.values"), message })?,
        })
    }

    /// Is the condition true of this call?
    pub fn holds(&self, call: &Call) -> bool {
        self.holds_for(&select(&self.path, call))
    }

    /// The same for values already selected by the condition's path. A path that selects nothing is false, whatever
    /// the operator except `is_empty`; `negate` inverts the finished answer.
    pub fn holds_for(&self, selected: &[Selected<'_>]) -> bool {
        let plain = match self.op {
            Op::Exists => !selected.is_empty(),
            Op::IsEmpty => selected.iter().all(|value| value.text().trim().is_empty()),
            _ => self.values_found(&self.readable(selected)),
        };
        plain != self.negate
    }

    /// The place of the value to show for this condition: the first that satisfies some literal, else the first.
    pub(super) fn telling(&self, selected: &[Selected<'_>]) -> usize {
        let readable = self.readable(selected);
        let tells = |text: &Cow<'_, str>| self.literals.iter().any(|literal| self.satisfies(text, literal));
        readable.iter().position(tells).unwrap_or(0)
    }

    fn readable<'a>(&self, selected: &[Selected<'a>]) -> Vec<Cow<'a, str>> {
        // A pattern brings its own case rule, so its text stays as it is.
        let fold_text = self.ignore_case && self.op != Op::Matches;
        let texts = selected.iter().map(Selected::text);
        if fold_text { texts.map(fold).collect() } else { texts.collect() }
    }

    fn values_found(&self, texts: &[Cow<'_, str>]) -> bool {
        let found = |literal: &Literal| texts.iter().any(|text| self.satisfies(text, literal));
        match self.quantifier {
            // Nothing selected is false although there is nothing to violate; a condition has at least one literal.
            Quantifier::All => !texts.is_empty() && self.literals.iter().all(found),
            Quantifier::Any => self.literals.iter().any(found),
        }
    }

    fn satisfies(&self, text: &str, literal: &Literal) -> bool {
        match (self.op, literal) {
            (Op::Contains, Literal::Text(wanted)) => text.contains(wanted.as_str()),
            (Op::Equals, Literal::Text(wanted)) => text == wanted,
            (Op::StartsWith, Literal::Text(wanted)) => text.starts_with(wanted.as_str()),
            (Op::EndsWith, Literal::Text(wanted)) => text.ends_with(wanted.as_str()),
            (Op::Matches, Literal::Pattern(pattern)) => pattern.is_match(text),
            (Op::Gt, Literal::Number(bound)) => parse_number(text).is_some_and(|number| number > *bound),
            (Op::Lt, Literal::Number(bound)) => parse_number(text).is_some_and(|number| number < *bound),
            _ => false,
        }
    }
}

/// Lower case by Unicode's simple mapping, character by character: the length in characters never changes. The only
/// character whose full mapping is longer is U+0130, and the first character of that is its simple mapping.
pub(super) fn fold(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() {
        let has_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if has_upper { Cow::Owned(text.to_ascii_lowercase()) } else { text };
    }
    Cow::Owned(text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect())
}

pub(super) fn field_error(path: impl Into<String>, error: &impl ToString) -> FieldError {
    FieldError { path: path.into(), message: error.to_string() }
}

fn literal(condition: &Condition, value: &str) -> Result<Literal, String> {
    match condition.op {
        Op::Matches => {
            compile_pattern(value, condition.ignore_case).map(Literal::Pattern).map_err(|error| error.to_string())
        }
        Op::Gt | Op::Lt => parse_number(value).map(Literal::Number).ok_or_else(|| format!("{value:?} is no number")),
        _ if condition.ignore_case => Ok(Literal::Text(fold(Cow::Borrowed(value)).into_owned())),
        _ => Ok(Literal::Text(value.to_owned())),
    }
}
