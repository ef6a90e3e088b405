//! Two calls side by side: only what differs, place by place.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_shared::filter::{Path, Segment};
use tollgate_shared::log::LogRow;

use crate::app::detail::{Kind, Line};
use crate::app::verdict::outcome_words;
use crate::app::words;

/// The lines of the comparison; `a` is the row that was taken first.
#[must_use]
pub fn lines(a: &LogRow, b: &LogRow) -> Vec<Line> {
    let mut lines =
        vec![Line::new(Kind::Strong, format!("A {}", head(a))), Line::new(Kind::Strong, format!("B {}", head(b)))];
    let facts = differences(&facts(a), &facts(b));
    lines.extend(facts.lines);
    match (places(a), places(b)) {
        (Some(left), Some(right)) => {
            let body = differences(&left, &right);
            let same = words::count(body.same, "place");
            let kept = if a.truncated || b.truncated { " of what is kept" } else { "" };
            let word = if body.lines.is_empty() { "The bodies are equal" } else { "Bodies" };
            lines.push(Line::plain(format!("{word}{kept}: {same} alike, {} different", body.different)));
            lines.extend(body.lines);
        }
        _ => lines.extend(texts(a, b)),
    }
    lines
}

struct Differences {
    lines: Vec<Line>,
    same: u64,
    different: u64,
}

fn head(row: &LogRow) -> String {
    let outcome = outcome_words(row.outcome);
    format!("{}  {}  {outcome} {}  {}", row.seq, words::moment(row.at), row.status, row.summary)
}

fn facts(row: &LogRow) -> BTreeMap<String, String> {
    let fixed = [
        ("token", row.token.to_string()),
        ("from", row.remote_ip.to_string()),
        ("call", format!("{} {}", row.method, row.path)),
        ("query", row.query.clone()),
        ("status", row.status.to_string()),
        ("agent", row.user_agent.clone().unwrap_or_default()),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value));
    let headers = row.headers.iter().map(|(name, value)| (format!("header {}", name.to_lowercase()), value.clone()));
    fixed.chain(headers).collect()
}

/// Each single value of the body by its path.
fn places(row: &LogRow) -> Option<BTreeMap<String, String>> {
    let body: Value = serde_json::from_str(&row.body).ok()?;
    let mut found = BTreeMap::new();
    collect(&body, &mut Vec::new(), &mut found);
    Some(found)
}

fn collect(value: &Value, path: &mut Vec<Segment>, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                path.push(Segment::Key(name.clone()));
                collect(value, path, found);
                path.pop();
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for (at, value) in (0u32..).zip(elements) {
                path.push(Segment::Index(at));
                collect(value, path, found);
                path.pop();
            }
        }
        leaf => {
            let name = if path.is_empty() { "$".to_owned() } else { Path::Json(path.clone()).to_string() };
            found.insert(name, leaf.to_string());
        }
    }
}

fn differences(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Differences {
    let mut found = Differences { lines: Vec::new(), same: 0, different: 0 };
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for name in names {
        let (left, right) = (a.get(name), b.get(name));
        if left == right {
            found.same += 1;
            continue;
        }
        found.different += 1;
        found.lines.push(Line::new(Kind::Bad, format!("  {name}")));
        let shown = |side: Option<&String>| side.map_or("MISSING", String::as_str).to_owned();
        found.lines.push(Line::plain(format!("    A  {}", shown(left))));
        found.lines.push(Line::plain(format!("    B  {}", shown(right))));
    }
    found
}

/// Bodies of which one at least is no whole JSON: line by line, from the first that differs.
fn texts(a: &LogRow, b: &LogRow) -> Vec<Line> {
    if a.body == b.body {
        return vec![Line::plain("The bodies are equal".to_owned())];
    }
    let same = a.body.lines().zip(b.body.lines()).take_while(|(left, right)| left == right).count();
    let why = "at least one body is no JSON, or cut";
    let first = format!("Bodies: {why}. {} alike, then:", words::count(same as u64, "line"));
    let side = |name: &str, body: &str| {
        Line::new(Kind::Body, format!("    {name}  {}", body.lines().nth(same).unwrap_or("ends here")))
    };
    vec![Line::plain(first), side("A", &a.body), side("B", &b.body)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;

    fn texts_of(lines: &[Line]) -> String {
        lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn only_what_differs_is_shown_and_what_is_missing_is_a_word() {
        let (a, mut b) = (fixtures::row(4), fixtures::row(6));
        b.body = r#"{"title":"High CPU","host":"web02"}"#.into();
        let text = texts_of(&lines(&a, &b));
        assert!(text.contains("1 place alike, 2 different"), "{text}");
        assert!(text.contains("host\n    A  MISSING\n    B  \"web02\""), "{text}");
        assert!(!text.contains("agent"), "{text}");
    }

    #[test]
    fn bodies_that_are_no_json_are_compared_line_by_line() {
        let (mut a, mut b) = (fixtures::row(4), fixtures::row(6));
        (a.body, b.body) = ("one\ntwo".into(), "one\nthree".into());
        assert!(texts_of(&lines(&a, &b)).contains("A  two\n    B  three"));
        b.body = a.body.clone();
        assert!(texts_of(&lines(&a, &b)).contains("equal"));
    }
}
