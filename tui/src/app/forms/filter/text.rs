//! Values, paths and conditions as one line of text, and back.

use tollgate_shared::filter::{Condition, Quantifier};

use super::super::check::Spot;
use super::{Cell, Part};

/// A word as [`split_words`] reads it.
pub(super) fn written(word: &str) -> String {
    let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
    if plain {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Words at spaces. Quotes hold words together; inside them `\"` is a quote and `\\` a backslash.
pub(super) fn split_words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word): (Vec<String>, Option<String>) = (Vec::new(), None);
    let mut inside = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                inside = !inside;
                word.get_or_insert_default();
            }
            '\\' if inside && chars.peek().is_some_and(|next| ['"', '\\'].contains(next)) => {
                word.get_or_insert_default().extend(chars.next());
            }
            c if c.is_whitespace() && !inside => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if inside { Err("a quote is open".to_owned()) } else { Ok(words) }
}

/// Paths at spaces and commas; a key in quotes may hold both.
pub(super) fn split_paths(text: &str) -> Vec<String> {
    let (mut paths, mut path) = (Vec::new(), String::new());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        let ends = !inside && (c.is_whitespace() || c == ',');
        if c == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && c == '\\' && !escaped;
        if ends {
            paths.push(std::mem::take(&mut path));
        } else {
            path.push(c);
        }
    }
    paths.push(path);
    paths.retain(|path| !path.is_empty());
    paths
}

/// `labels.severity  not equals page or ticket, aA`.
pub(super) fn condition_words(condition: &Condition) -> String {
    let not = if condition.negate { "not " } else { "" };
    let values: Vec<_> = condition.values.iter().map(|value| written(value)).collect();
    let between = if condition.quantifier == Quantifier::Any { " or " } else { " and " };
    let case = if condition.ignore_case { ", aA" } else { "" };
    format!("{}  {not}{} {}{case}", condition.path, condition.op, values.join(between)).trim_end().to_owned()
}

/// What the form calls a field of a filter that is called otherwise there.
const LABELS: [(&str, &str); 6] = [
    ("correlate", "key from"),
    ("title_from", "title from"),
    ("description_from", "text from"),
    ("priority_from", "priority by"),
    ("priority_map", "words"),
    ("mode", "opens when"),
];

/// The field that a broken rule means.
pub(super) fn spot(path: &str) -> Spot {
    let (part, rest) = path.split_once('.').unwrap_or(("", path));
    match (part, rest) {
        ("trigger", "conditions") => Spot::Label("opens when"),
        ("resolve", "conditions") => Spot::Label("resolves"),
        (_, rest) if rest.starts_with("conditions[") => {
            let (row, column) = row_and_cell(rest);
            let column = match column {
                Some("op" | "negate") => 1,
                Some("values") => 2,
                Some("quantifier" | "ignore_case") => 3,
                _ => 0,
            };
            let part = if part == "resolve" { Part::Resolve } else { Part::Trigger };
            Spot::Cell(Cell { part, row: row.unwrap_or(0), column })
        }
        ("resolve", rest) if rest.starts_with("correlate") => Spot::Label("its key"),
        (_, rest) => {
            let name = rest.split('[').next().unwrap_or(rest);
            Spot::Label(LABELS.iter().find(|(own, _)| *own == name).map_or("name", |(_, label)| label))
        }
    }
}

/// A rule that is broken, with the field's name on the form: `trigger.conditions[0].values[2]` is `opens 1, values`.
pub(super) fn named(path: &str, message: &str) -> String {
    let (part, rest) = path.split_once('.').unwrap_or(("", path));
    let label = match (part, rest) {
        ("trigger", "conditions") => "opens when".to_owned(),
        ("resolve", "conditions") => "resolves".to_owned(),
        (_, rest) if rest.starts_with("conditions[") => row_name(part, rest),
        ("resolve", rest) if rest.starts_with("correlate") => "its key".to_owned(),
        (_, rest) => {
            let name = rest.split('[').next().unwrap_or(rest);
            LABELS.iter().find(|(own, _)| *own == name).map_or(name, |(_, label)| *label).to_owned()
        }
    };
    format!("{label}: {message}")
}

fn row_name(part: &str, rest: &str) -> String {
    let (index, cell) = row_and_cell(rest);
    let verb = if part == "resolve" { "resolves" } else { "opens" };
    let cell = cell.map(|cell| format!(", {cell}")).unwrap_or_default();
    format!("{verb} {}{cell}", index.map_or(1, |index| index + 1))
}

/// `conditions[1].values[0]`: row 1, its values.
fn row_and_cell(rest: &str) -> (Option<usize>, Option<&str>) {
    let index = rest.trim_start_matches("conditions[").split(']').next().and_then(|text| text.parse().ok());
    (index, rest.split_once("].").map(|(_, cell)| cell.split('[').next().unwrap_or(cell)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_read_back_as_they_were_written(words in proptest::collection::vec(".{0,12}", 0..6)) {
            let line: Vec<_> = words.iter().map(|word| written(word)).collect();
            prop_assert_eq!(split_words(&line.join(" ")), Ok(words));
        }
    }

    #[test]
    fn a_quote_that_is_open_is_said_and_a_pattern_keeps_its_backslash() {
        assert!(split_words("\"a").is_err());
        assert_eq!(split_words(r#"^\d+$ "\d x""#), Ok(vec![r"^\d+$".to_owned(), r"\d x".to_owned()]));
    }

    #[test]
    fn paths_are_told_apart_at_spaces_and_commas_but_not_inside_a_key() {
        assert_eq!(split_paths("a.b, c[\"d e\"],f"), ["a.b", "c[\"d e\"]", "f"]);
    }

    #[test]
    fn a_broken_rule_is_named_as_the_form_names_its_field() {
        assert_eq!(named("trigger.conditions[1].values[0]", "too long"), "opens 2, values: too long");
        assert_eq!(named("resolve.correlate[0]", "no path"), "its key: no path");
        assert_eq!(named("trigger.title_from", "at most 4"), "title from: at most 4");
    }
}
