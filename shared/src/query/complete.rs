//! What could stand at the cursor of a prompt.

use std::ops::Range;

use super::{BodyOp, Field, Kind, Schema};

/// One thing that could stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The characters that it replaces; they end at the cursor.
    pub replace: Range<usize>,
    /// What to put there.
    pub text: String,
    /// A line of help.
    pub help: String,
}

/// What is being typed at the cursor. A prompt that knows names offers them where this is a value of a
/// [`Kind::Named`] or [`Kind::Label`] field.
#[derive(Clone, Debug)]
pub enum Place {
    /// The beginning of a term, perhaps empty: a field, a keyword or free text.
    Term {
        /// What is typed of it, a leading `-` left out.
        typed: Range<usize>,
        /// A term could also be joined to one before it by a keyword.
        is_first: bool,
    },
    /// The value of a field.
    Value {
        /// The field.
        field: &'static Field,
        /// What is typed of the value, operator left out.
        typed: Range<usize>,
        /// An operator was typed.
        is_compared: bool,
    },
    /// The operator of a body condition is next.
    BodyOperator {
        /// What is typed of it.
        typed: Range<usize>,
    },
    /// Nothing that can be completed: inside quotes, a body path, an unknown field.
    Other,
}

/// What could stand at the cursor (in characters), best first: fields, keywords, words of a field, operators.
///
/// ```
/// use tollgate_shared::query::{LOGS, complete};
///
/// let offered = complete(&LOGS, "token:zabbix-prod outcome:no", 28);
/// assert_eq!((offered[0].replace.clone(), offered[0].text.as_str()), (26..28, "no_match"));
/// assert_eq!(complete(&LOGS, "out", 3)[0].text, "outcome:");
/// ```
pub fn complete(schema: &'static Schema, text: &str, cursor: usize) -> Vec<Completion> {
    let chars: Vec<char> = text.chars().take(cursor).collect();
    let typed_at = |at: &Range<usize>| chars[at.clone()].iter().collect::<String>().to_ascii_lowercase();
    match place(schema, text, cursor) {
        Place::Term { typed, is_first } => terms(schema, &typed_at(&typed), &typed, is_first),
        Place::Value { field, typed, is_compared } => values(field, &typed_at(&typed), &typed, is_compared),
        Place::BodyOperator { typed } => {
            let ops = BodyOp::ALL.into_iter().map(|op| (op.as_str().to_owned(), op.help().to_owned()));
            offers(ops, &typed_at(&typed), &typed)
        }
        Place::Other => Vec::new(),
    }
}

/// What is being typed at the cursor (in characters; beyond the end is the end). Only what stands before it counts.
pub fn place(schema: &'static Schema, text: &str, cursor: usize) -> Place {
    let chars: Vec<char> = text.chars().take(cursor).collect();
    let words = words(&chars);
    let Some(last) = words.last() else { return Place::Other };
    let before = words.len().checked_sub(2).and_then(|at| words.get(at));
    if let Some(before) = before
        && last.iter_is(&chars, |c| "=!<>~".contains(c))
        && is_bare_path(schema, &chars[before.at.clone()])
    {
        return Place::BodyOperator { typed: last.at.clone() };
    }
    let body_ops = before.is_some_and(|before| ends_in_body_op(schema, &chars[before.at.clone()]));
    if last.is_quoted || body_ops { Place::Other } else { place_in_word(schema, &chars, last, words.len() == 1) }
}

/// A stretch without unquoted white space or parentheses. The last one ends at the cursor and may be empty.
struct Word {
    at: Range<usize>,
    /// A quote is open at its end, or has just been closed.
    is_quoted: bool,
}

// === impl Word ===

impl Word {
    fn iter_is(&self, chars: &[char], wanted: impl Fn(char) -> bool) -> bool {
        chars[self.at.clone()].iter().copied().all(wanted)
    }
}

fn words(chars: &[char]) -> Vec<Word> {
    let mut words = Vec::new();
    let (mut start, mut is_open, mut had_quote, mut is_escaped) = (0, false, false, false);
    for (at, c) in chars.iter().enumerate() {
        let ends = !is_open && (c.is_whitespace() || matches!(c, '(' | ')'));
        if ends {
            if at > start {
                words.push(Word { at: start..at, is_quoted: had_quote });
            }
            (start, had_quote) = (at + 1, false);
        }
        if *c == '"' && !is_escaped {
            (is_open, had_quote) = (!is_open, true);
        }
        is_escaped = is_open && *c == '\\' && !is_escaped;
    }
    words.push(Word { at: start..chars.len(), is_quoted: had_quote });
    words
}

fn place_in_word(schema: &'static Schema, chars: &[char], word: &Word, is_first: bool) -> Place {
    let minus = usize::from(chars.get(word.at.start) == Some(&'-'));
    let typed = word.at.start + minus..word.at.end;
    let text: String = chars[typed.clone()].iter().collect();
    if schema.has_body && (text.starts_with("body.") || text.starts_with("body[")) {
        return Place::Other;
    }
    let Some((name, value)) = text.split_once(':') else { return Place::Term { typed, is_first } };
    let Some(field) = schema.field(name) else { return Place::Other };
    let op_chars = value.chars().take_while(|c| "=<>".contains(*c)).count();
    let typed = typed.start + name.chars().count() + 1 + op_chars..typed.end;
    Place::Value { field, typed, is_compared: op_chars > 0 }
}

fn is_bare_path(schema: &Schema, word: &[char]) -> bool {
    let begins = matches!(word, ['b', 'o', 'd', 'y', '.' | '[', ..] | ['-', 'b', 'o', 'd', 'y', '.' | '[', ..]);
    // What stands in brackets may be any key; outside, an operator ends the path.
    let outside = word.rsplit(|c| *c == ']').next().unwrap_or_default();
    schema.has_body && begins && !outside.iter().any(|c| "=!<>~".contains(*c))
}

fn ends_in_body_op(schema: &Schema, word: &[char]) -> bool {
    let ops = word.iter().rev().take_while(|c| "=!<>~".contains(**c)).count();
    ops > 0 && (ops == word.len() || is_bare_path(schema, &word[..word.len() - ops]))
}

fn terms(schema: &Schema, typed: &str, at: &Range<usize>, is_first: bool) -> Vec<Completion> {
    let fields = schema.fields.iter().map(|field| (format!("{}:", field.name), field.help.to_owned()));
    let body = schema.has_body.then(|| ("body.".to_owned(), "a place in the body: body.status = firing".to_owned()));
    let joins = [("or", "one of both"), ("and", "both, as without a word")];
    let joins = joins.into_iter().filter(|_| !is_first).chain([("not", "the opposite of what follows")]);
    let keywords = joins.map(|(word, help)| (format!("{word} "), help.to_owned()));
    offers(fields.chain(body).chain(keywords), typed, at)
}

fn values(field: &Field, typed: &str, at: &Range<usize>, is_compared: bool) -> Vec<Completion> {
    let words = field.kind.words().iter().map(|word| ((*word).to_owned(), format!("{} is {word}", field.name)));
    let mut offered = if is_compared { Vec::new() } else { offers(words, typed, at) };
    if typed.is_empty() && !is_compared && field.kind.is_compared() {
        let ops = [(">=", "at least"), ("<=", "at most"), (">", "more than"), ("<", "less than")];
        offered.extend(offers(ops.map(|(op, help)| (op.to_owned(), format!("{help}: {}", field.help))), typed, at));
    }
    let examples: &[&str] = match field.kind {
        Kind::Since | Kind::Until => &["5m", "15m", "1h", "6h", "24h"],
        Kind::Status if !is_compared => &["4xx", "5xx"],
        _ => &[],
    };
    let examples = examples.iter().map(|example| ((*example).to_owned(), field.help.to_owned()));
    offered.extend(offers(examples, typed, at));
    offered
}

/// Those that begin with what is typed.
fn offers(all: impl IntoIterator<Item = (String, String)>, typed: &str, at: &Range<usize>) -> Vec<Completion> {
    let fitting = all.into_iter().filter(|(text, _)| text.to_ascii_lowercase().starts_with(typed) && text != typed);
    fitting.map(|(text, help)| Completion { replace: at.clone(), text, help }).collect()
}
