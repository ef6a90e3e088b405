//! What operators have cut beside the built-in rules: places in a call, and regular expressions.

use std::ops::Range;

use regex::Regex;
use serde_json::Value;
use tollgate_shared::filter::{Path, PathError, PatternError, Segment, compile_pattern};

use super::{REDACTED, replace};
use crate::core::call::redact_text::{cut, merged};
use crate::core::model::{RedactionRule, RedactionWhat};

/// The member that a wrapped event's body stands under.
const EVENT_DATA: &str = "data";

/// Operators' rules, ready to be applied.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    places: Vec<Vec<Segment>>,
    headers: Vec<String>,
    parameters: Vec<String>,
    text: bool,
    patterns: Vec<Regex>,
}

/// A rule that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Its path is none.
    #[error("path: {0}")]
    Path(PathError),
    /// Its path names what no rule may cut.
    #[error("path: the sender's address is what the log is searched by; it is not cut")]
    SourceIp,
    /// Its expression is none that we take.
    #[error("pattern: {0}")]
    Pattern(PatternError),
    /// Its expression matches between any two characters.
    #[error(
        "pattern: it matches an empty text, so it would say nothing about what is cut; ask for at least one character"
    )]
    Empty,
}

/// Which part of a call a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// What paths begin at.
    Whole,
    /// What an event has under `data`.
    DataOfEvent,
}

// === impl Rules ===

impl Rules {
    /// Makes rules ready.
    ///
    /// # Errors
    /// The name of the first one that is wrong, and why.
    pub fn compile<'a>(rules: impl IntoIterator<Item = &'a RedactionRule>) -> Result<Self, (String, RuleError)> {
        let mut compiled = Self::default();
        for rule in rules {
            compiled.add(&rule.what).map_err(|why| (rule.name.clone(), why))?;
        }
        Ok(compiled)
    }

    /// Whether texts are searched at all.
    pub(super) fn have_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Whether bodies are cut whole.
    pub(super) const fn cut_text(&self) -> bool {
        self.text
    }

    pub(super) fn cut_header(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.eq_ignore_ascii_case(name))
    }

    pub(super) fn cut_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter == name)
    }

    /// Cuts every named place of a body. True where one was there, also where it was cut already: its text may hold more,
    /// such as an earlier member of the same name.
    pub(super) fn cut_places(&self, value: &mut Value, view: View) -> bool {
        let mut found = false;
        for place in &self.places {
            if view == View::DataOfEvent
                && let [Segment::Key(key), rest @ ..] = place.as_slice()
                && key == EVENT_DATA
            {
                found |= cut_place(value, rest);
            }
            found |= cut_place(value, place);
        }
        found
    }

    /// A text without what the patterns match; `None` where there is nothing.
    pub(super) fn redact_text(&self, text: &str) -> Option<String> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for pattern in &self.patterns {
            find(pattern, text, &mut found);
        }
        if found.is_empty() {
            return None;
        }
        // What was cut is not cut again, and no half of it either.
        let marks: Vec<_> = text.match_indices(REDACTED).map(|(start, mark)| start..start + mark.len()).collect();
        found.retain(|range| !marks.iter().any(|mark| mark.start <= range.start && range.end <= mark.end));
        for range in &mut found {
            for mark in &marks {
                if mark.start < range.end && range.start < mark.end {
                    *range = range.start.min(mark.start)..range.end.max(mark.end);
                }
            }
        }
        (!found.is_empty()).then(|| cut(text, &merged(found)))
    }

    fn add(&mut self, what: &RedactionWhat) -> Result<(), RuleError> {
        match what {
            RedactionWhat::Path(path) => match Path::parse(path).map_err(RuleError::Path)? {
                Path::Text => self.text = true,
                Path::Header(name) => self.headers.push(name),
                Path::Query(name) => self.parameters.push(name),
                Path::SourceIp => return Err(RuleError::SourceIp),
                Path::Json(segments) => self.places.push(segments),
            },
            RedactionWhat::Pattern { pattern, ignore_case } => {
                let pattern = compile_pattern(pattern, *ignore_case).map_err(RuleError::Pattern)?;
                if pattern.is_match("") {
                    return Err(RuleError::Empty);
                }
                self.patterns.push(pattern);
            }
        }
        Ok(())
    }
}

/// Adds what a pattern matches: its groups where it has some, else all of it.
fn find(pattern: &Regex, text: &str, found: &mut Vec<Range<usize>>) {
    if pattern.captures_len() == 1 {
        found.extend(pattern.find_iter(text).map(|hit| hit.range()).filter(|range| !range.is_empty()));
        return;
    }
    for hit in pattern.captures_iter(text) {
        let groups = hit.iter().skip(1).flatten().map(|group| group.range());
        found.extend(groups.filter(|range| !range.is_empty()));
    }
}

fn cut_place(value: &mut Value, place: &[Segment]) -> bool {
    let Some((first, rest)) = place.split_first() else {
        replace(value);
        return true;
    };
    match (first, value) {
        (Segment::Key(key), Value::Object(members)) => members.get_mut(key).is_some_and(|value| cut_place(value, rest)),
        (Segment::Index(index), Value::Array(elements)) => {
            let element = usize::try_from(*index).ok().and_then(|index| elements.get_mut(index));
            element.is_some_and(|value| cut_place(value, rest))
        }
        (Segment::All, Value::Array(elements)) => {
            elements.iter_mut().fold(false, |found, value| cut_place(value, rest) | found)
        }
        _ => false,
    }
}
