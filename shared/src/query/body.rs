//! Conditions on places inside a body, where some of the body may not be there any more.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::Value;

use super::bind::Verdict;
use super::row::{BodyText, Row};
use super::text::Needle;
use super::{BodyOp, Op};
use crate::filter::{Path, Segment, parse_number};
use crate::log::REDACTED;

/// Values that one path selects at most, as in filters.
const SELECTED_MAX: usize = 256;

/// A row's body, parsed once for all conditions and only if there is one.
pub(super) struct Body<'a> {
    stored: Option<BodyText<'a>>,
    json: OnceCell<Option<Value>>,
}

/// A condition that is ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct BodyTest {
    path: Path,
    compare: Compare,
    negate: bool,
}

#[derive(Clone, Debug)]
enum Compare {
    Contains(Needle),
    Equals(Needle),
    Number(Op, f64),
}

/// What a path leads to.
#[derive(Default)]
struct Selection<'a> {
    values: Vec<&'a Value>,
    /// Something on the way was redacted, so there may have been more.
    is_blocked: bool,
}

// === impl Body ===

impl<'a> Body<'a> {
    pub(super) fn of(row: &'a dyn Row) -> Self {
        Self { stored: row.body(), json: OnceCell::new() }
    }

    fn json(&self, text: &str) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_str(text).ok()).as_ref()
    }
}

// === impl BodyTest ===

impl BodyTest {
    /// `value` was checked to be a number where the operator needs one; a text that is none is less than nothing.
    pub(super) fn new(path: &Path, op: BodyOp, value: &str) -> Self {
        let number = |op| Compare::Number(op, parse_number(value).unwrap_or(f64::NAN));
        let compare = match op {
            BodyOp::Equals | BodyOp::Differs => Compare::Equals(Needle::new(value)),
            BodyOp::Contains => Compare::Contains(Needle::new(value)),
            BodyOp::AtLeast => number(Op::AtLeast),
            BodyOp::AtMost => number(Op::AtMost),
            BodyOp::Above => number(Op::Above),
            BodyOp::Below => number(Op::Below),
        };
        Self { path: path.clone(), compare, negate: op == BodyOp::Differs }
    }

    pub(super) fn judge(&self, body: &Body<'_>) -> Verdict {
        let answer = match &body.stored {
            None => Verdict::No,
            Some(stored) if self.path == Path::Text => self.judge_whole(stored),
            // A document without its end cannot be read.
            Some(stored) if stored.is_cut => Verdict::CannotTell,
            // A body that is not JSON has no places, for filters neither.
            Some(stored) => body.json(stored.text).map_or(Verdict::No, |json| self.judge_inside(json)),
        };
        if self.negate { !answer } else { answer }
    }

    fn judge_whole(&self, stored: &BodyText<'_>) -> Verdict {
        let holds = self.compare.holds(stored.text);
        // A cut text is certainly not the whole that is asked for or against, but it certainly holds what is in it.
        let is_known = if matches!(self.compare, Compare::Contains(_)) { holds } else { holds && !stored.is_cut };
        answer(is_known, stored.is_cut || stored.text.contains(REDACTED))
    }

    fn judge_inside(&self, json: &Value) -> Verdict {
        let selection = select(self.path.segments(), json);
        let texts: Vec<Cow<'_, str>> = selection.values.iter().filter_map(|value| text_of(value)).collect();
        let holds = texts.iter().any(|text| self.compare.holds(text));
        answer(holds, selection.is_blocked || texts.iter().any(|text| text.contains(REDACTED)))
    }
}

// === impl Compare ===

impl Compare {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Contains(needle) => needle.is_in(text),
            Self::Equals(needle) => needle.is(text),
            Self::Number(op, value) => parse_number(text).is_some_and(|number| match op {
                Op::Is => false,
                Op::AtLeast => number >= *value,
                Op::AtMost => number <= *value,
                Op::Above => number > *value,
                Op::Below => number < *value,
            }),
        }
    }
}

// === impl Selection ===

impl<'a> Selection<'a> {
    fn step(&mut self, place: &'a Value, segment: &Segment) {
        match (segment, place) {
            (Segment::Key(key), Value::Object(members)) => match members.get(key) {
                Some(value) => self.values.push(value),
                None => self.is_blocked |= members.keys().any(|key| key.contains(REDACTED)),
            },
            (Segment::Index(index), Value::Array(array)) => self.values.extend(array.get(*index as usize)),
            (Segment::All, Value::Array(array)) => self.values.extend(array),
            // The redactor replaces the value of a secret member whole, whatever was in it.
            (_, Value::String(text)) => self.is_blocked |= text.contains(REDACTED),
            _ => {}
        }
    }
}

/// `hides` = something that could have made it true is not there.
fn answer(holds: bool, hides: bool) -> Verdict {
    match (holds, hides) {
        (true, _) => Verdict::Yes,
        (false, true) => Verdict::CannotTell,
        (false, false) => Verdict::No,
    }
}

fn select<'a>(segments: &[Segment], root: &'a Value) -> Selection<'a> {
    let start = Selection { values: vec![root], is_blocked: false };
    segments.iter().fold(start, |places, segment| {
        let mut next = Selection { values: Vec::new(), is_blocked: places.is_blocked };
        for place in places.values {
            next.step(place, segment);
        }
        next.values.truncate(SELECTED_MAX);
        next
    })
}

/// The text of a value as filters see it (domain.md section 3); `null` counts as absent.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Borrowed(number.as_str())),
        other => Some(Cow::Owned(other.to_string())),
    }
}
