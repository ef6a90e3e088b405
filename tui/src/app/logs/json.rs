//! A body as folded JSON: one line for each value, each with the path that the query language has for it.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_shared::filter::{Path, Segment};
use tollgate_shared::query::typed_value;

use super::column::Terms;

/// Which branches are folded, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds(BTreeSet<String>);

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonLine {
    /// Indented.
    pub text: String,
    /// The path of the value that begins here; empty at the root.
    pub path: Vec<Segment>,
    /// The value begins here and has members.
    pub is_branch: bool,
    /// A single value as text, for a query.
    pub leaf: Option<String>,
}

impl Folds {
    /// Folds a branch, or opens it.
    pub fn toggle(&mut self, path: &[Segment]) {
        let name = name_of(path);
        if !self.0.remove(&name) {
            self.0.insert(name);
        }
    }

    /// Opens all, or folds every branch below the root.
    pub fn toggle_all(&mut self, body: &str) {
        if !std::mem::take(&mut self.0).is_empty() {
            return;
        }
        let branches = lines(body, self).unwrap_or_default().into_iter();
        self.0 =
            branches.filter(|line| line.is_branch && !line.path.is_empty()).map(|line| name_of(&line.path)).collect();
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The lines of a body; `None` where it is no JSON, or not all of it.
#[must_use]
pub fn lines(body: &str, folds: &Folds) -> Option<Vec<JsonLine>> {
    let value: Value = serde_json::from_str(body).ok()?;
    let mut writer = Writer { folds, lines: Vec::new(), path: Vec::new() };
    writer.value(&value, "", "");
    Some(writer.lines)
}

/// The term that asks for a value at its place; `None` where the language has no word for it.
#[must_use]
pub fn terms(line: &JsonLine) -> Option<Terms> {
    let value = line.leaf.as_ref()?;
    if line.path.is_empty() {
        return None;
    }
    let path = Path::Json(line.path.clone()).to_string();
    let dot = if path.starts_with('[') { "" } else { "." };
    let term = |op| format!("body{dot}{path}{op}{}", typed_value(value));
    Some(Terms { only: term("="), not: term("!=") })
}

struct Writer<'f> {
    folds: &'f Folds,
    lines: Vec<JsonLine>,
    path: Vec<Segment>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, key: &str, comma: &str) {
        match value {
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    (Segment::Key(name.clone()), format!("{}: ", Value::from(name.as_str())), value)
                });
                self.branch(members, ('{', '}'), key, comma);
            }
            Value::Array(elements) => {
                let elements = elements
                    .iter()
                    .enumerate()
                    .map(|(at, value)| (Segment::Index(u32::try_from(at).unwrap_or(u32::MAX)), String::new(), value));
                self.branch(elements, ('[', ']'), key, comma);
            }
            leaf => {
                let shown = leaf.to_string();
                let plain = leaf.as_str().map_or_else(|| shown.clone(), str::to_owned);
                self.push(format!("{key}{shown}{comma}"), false, Some(plain));
            }
        }
    }

    fn branch<'v>(
        &mut self,
        members: impl ExactSizeIterator<Item = (Segment, String, &'v Value)>,
        (open, close): (char, char),
        key: &str,
        comma: &str,
    ) {
        let len = members.len();
        if len == 0 {
            return self.push(format!("{key}{open}{close}{comma}"), false, None);
        }
        if self.folds.0.contains(&name_of(&self.path)) {
            let more = crate::app::words::count(len as u64, if open == '{' { "member" } else { "element" });
            return self.push(format!("{key}{open}...{close}{comma}  + {more}"), true, None);
        }
        self.push(format!("{key}{open}"), true, None);
        for (at, (segment, name, value)) in members.enumerate() {
            self.path.push(segment);
            self.value(value, &name, if at + 1 < len { "," } else { "" });
            self.path.pop();
        }
        let indent = self.indent();
        let path = self.path.clone();
        self.lines.push(JsonLine { text: format!("{indent}{close}{comma}"), path, is_branch: false, leaf: None });
    }

    fn push(&mut self, text: String, is_branch: bool, leaf: Option<String>) {
        let text = format!("{}{text}", self.indent());
        self.lines.push(JsonLine { text, path: self.path.clone(), is_branch, leaf });
    }

    fn indent(&self) -> String {
        "  ".repeat(self.path.len())
    }
}

/// Unique for each place in a body, also where no query could name it.
fn name_of(path: &[Segment]) -> String {
    let step = |segment: &Segment| match segment {
        Segment::Key(key) => format!("/k{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Index(at) => format!("/i{at}"),
        Segment::All => "/*".to_owned(),
    };
    path.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tollgate_shared::query::{LOGS, Query};

    const BODY: &str =
        r#"{"alerts":[{"labels":{"app.kubernetes.io/name":"shop","n":1.50}}],"empty":{},"s":"a\"\u001b"}"#;

    fn texts(body: &str, folds: &Folds) -> Vec<String> {
        lines(body, folds).unwrap().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_branch_folds_and_opens_at_its_line() {
        let mut folds = Folds::default();
        let all = lines(BODY, &folds).unwrap();
        assert_eq!(all.first().map(|line| line.text.as_str()), Some("{"));
        assert!(all.iter().any(|line| line.text.trim() == "\"n\": 1.50"), "numbers stay as they were sent");
        let labels = all.iter().find(|line| line.text.contains("labels")).unwrap();
        folds.toggle(&labels.path);
        assert!(texts(BODY, &folds).iter().any(|text| text.ends_with("\"labels\": {...}  + 2 members")));
        folds.toggle(&labels.path);
        assert_eq!(texts(BODY, &folds).len(), all.len());
        folds.toggle_all(BODY);
        assert!(texts(BODY, &folds).len() < all.len() && texts(BODY, &folds).len() > 3);
        folds.toggle_all(BODY);
        assert!(folds.is_empty());
    }

    #[test]
    fn a_single_value_is_a_term_at_its_path() {
        let asked: Vec<String> =
            lines(BODY, &Folds::default()).unwrap().iter().filter_map(terms).map(|terms| terms.only).collect();
        assert_eq!(asked[0], "body.alerts[0].labels[\"app.kubernetes.io/name\"]=shop");
        assert!(asked.iter().all(|text| Query::parse(text, &LOGS).is_ok()), "{asked:?}");
    }

    proptest! {
        #[test]
        fn any_body_is_lines_or_no_json(body in "[\\[\\]{}:,\"a-z0-9 ]{0,60}") {
            if let Some(lines) = lines(&body, &Folds::default()) {
                prop_assert!(!lines.is_empty());
            }
        }
    }
}
