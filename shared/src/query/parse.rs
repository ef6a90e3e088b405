//! From a text to a checked expression.

use std::ops::Range;

use super::error::nearest;
use super::value::read_value;
use super::{Ask, BodyOp, DEPTH_MAX, Expr, Field, Op, QUERY_CHARS_MAX, QueryError, Schema, TERMS_MAX, Term};
use crate::filter::{Path, parse_number};
use crate::secret;

/// The text being read, one character at a time.
struct Parser {
    chars: Vec<char>,
    at: usize,
    schema: &'static Schema,
    terms: usize,
    depth: usize,
}

/// A word of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    And,
    Not,
    Or,
}

/// A word or a quoted text, and where it stands.
struct Value {
    text: String,
    at: Range<usize>,
}

/// Reads a whole query; see [`super::Query::parse`].
pub(super) fn parse(text: &str, schema: &'static Schema) -> Result<Option<Expr>, QueryError> {
    check_text(text)?;
    let mut parser = Parser { chars: text.chars().collect(), at: 0, schema, terms: 0, depth: 0 };
    parser.skip_space();
    if parser.peek().is_none() {
        return Ok(None);
    }
    let expr = parser.or_list()?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some(_) => Err(parser.fault_here("this `)` closes nothing; leave it out, or quote it to search for it")),
    }
}

/// True where the text, typed without quotes, reads as this free text.
pub(super) fn is_plain_word(text: &str, schema: &Schema) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let is_word = !text.is_empty() && chars.iter().copied().all(is_word_char) && !text.starts_with('-');
    is_word && keyword(text).is_none() && !begins_body(&chars) && field_end(&chars).is_none() && {
        instead_of_word(text, schema).is_none()
    }
}

/// True where the text, typed without quotes after `field:` or an operator, reads as this value.
pub(super) fn is_plain_value(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_word_char) && !text.starts_with(is_op_char)
}

fn check_text(text: &str) -> Result<(), QueryError> {
    let count = text.chars().count();
    if count > QUERY_CHARS_MAX {
        let message = format!("a query may have at most {QUERY_CHARS_MAX} characters");
        return Err(QueryError::new(QUERY_CHARS_MAX..count, message));
    }
    let Some(secret) = secret::find_in(text).into_iter().next() else { return Ok(()) };
    let chars_before = |byte: usize| text[..byte].chars().count();
    let message =
        "this is a token's secret, and queries are kept in histories; ask `tollgate token identify` whose it is";
    Err(QueryError::new(chars_before(secret.start)..chars_before(secret.end), message))
}

// === impl Parser ===

impl Parser {
    fn or_list(&mut self) -> Result<Expr, QueryError> {
        let mut list = vec![self.and_list()?];
        while self.take_keyword(Keyword::Or) {
            list.push(self.and_list()?);
        }
        // Parentheses that change nothing are forgotten: one form for one meaning.
        let flat = list.into_iter().flat_map(|expr| match expr {
            Expr::Or(inner) => inner,
            other => vec![other],
        });
        Ok(one_or(flat.collect(), Expr::Or))
    }

    fn and_list(&mut self) -> Result<Expr, QueryError> {
        let mut list = vec![self.unary()?];
        loop {
            let explicit = self.take_keyword(Keyword::And);
            self.skip_space();
            let ends = matches!(self.peek(), None | Some(')')) || self.peek_keyword() == Some(Keyword::Or);
            if ends && !explicit {
                let flat = list.into_iter().flat_map(|expr| match expr {
                    Expr::And(inner) => inner,
                    other => vec![other],
                });
                return Ok(one_or(flat.collect(), Expr::And));
            }
            list.push(self.unary()?);
        }
    }

    fn unary(&mut self) -> Result<Expr, QueryError> {
        self.skip_space();
        if self.take_keyword(Keyword::Not) {
            return self.nested(|parser| Ok(Expr::Not(Box::new(parser.unary()?))));
        }
        match self.peek() {
            Some('-') => self.dash(),
            Some('(') => self.nested(Self::group),
            None => Err(self.fault_here("a term is missing here")),
            Some(')') => Err(self.fault_here("a term is missing before this `)`")),
            Some(_) if self.peek_keyword().is_some() => {
                let at = self.word_at(self.at);
                Err(QueryError::new(at, "a term is missing before this word; quote it to search for it"))
            }
            Some(_) => self.term(),
        }
    }

    fn dash(&mut self) -> Result<Expr, QueryError> {
        let is_alone = self.chars.get(self.at + 1).is_none_or(|c| c.is_whitespace() || matches!(c, '-' | ')'));
        if is_alone {
            let at = self.word_at(self.at);
            let message = "`-` means not and stands directly before a term; quote it to search for it";
            let quoted = format!("\"{}\"", self.text(at.clone()));
            return Err(QueryError::new(at, message).suggest(quoted));
        }
        self.at += 1;
        self.nested(|parser| Ok(Expr::Not(Box::new(parser.unary()?))))
    }

    fn group(&mut self) -> Result<Expr, QueryError> {
        let start = self.at;
        self.at += 1;
        let expr = self.or_list()?;
        if !self.take(')') {
            return Err(QueryError::new(start..start + 1, "this `(` is never closed"));
        }
        self.check_gap()?;
        Ok(expr)
    }

    /// Runs `read` one level deeper.
    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Expr, QueryError>) -> Result<Expr, QueryError> {
        if self.depth == DEPTH_MAX {
            return Err(self.fault_here(&format!("at most {DEPTH_MAX} parentheses and negations inside one another")));
        }
        self.depth += 1;
        let expr = read(self)?;
        self.depth -= 1;
        Ok(expr)
    }

    fn term(&mut self) -> Result<Expr, QueryError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(self.fault_here(&format!("a query may have at most {TERMS_MAX} terms")));
        }
        let start = self.at;
        let rest = &self.chars[start..];
        let (ask, value_at) = if begins_body(rest) {
            self.body_condition()?
        } else if let Some(colon) = field_end(rest) {
            self.field_condition(colon)?
        } else {
            self.free_text()?
        };
        let at = start..self.at;
        self.check_gap()?;
        Ok(Expr::Term(Term { at, value_at, ask }))
    }

    /// `error(5)` is a text without its quotes more often than two terms, so terms do not touch.
    fn check_gap(&self) -> Result<(), QueryError> {
        if self.peek().is_none_or(|c| c.is_whitespace() || c == ')') {
            return Ok(());
        }
        let message = "a space is missing here; a text with parentheses or quotes in it must stand in quotes";
        Err(QueryError::new(self.at..self.at, message).suggest(" "))
    }

    fn free_text(&mut self) -> Result<(Ask, Range<usize>), QueryError> {
        let is_quoted = self.peek() == Some('"');
        let value = self.value()?;
        if value.text.is_empty() {
            return Err(QueryError::new(value.at, "an empty text is found everywhere; leave it out"));
        }
        if !is_quoted && let Some((message, instead)) = instead_of_word(&value.text, self.schema) {
            return Err(QueryError::new(value.at, message).suggest(instead));
        }
        Ok((Ask::Text(value.text), value.at))
    }

    fn field_condition(&mut self, name_chars: usize) -> Result<(Ask, Range<usize>), QueryError> {
        let name_at = self.at..self.at + name_chars;
        let name = self.text(name_at.clone());
        let field = self.schema.field(&name).ok_or_else(|| self.unknown_field(&name, name_at))?;
        self.at += name_chars + 1;
        let op_at = self.at;
        let op = self.field_op(field)?;
        let value = self.value_after(field.name, field.kind.example())?;
        if op != Op::Is && !field.kind.is_compared() {
            let message = format!("{} cannot be compared; quote the value to search for the character", field.name);
            return Err(QueryError::new(op_at..value.at.start, message));
        }
        read_value(field, op, &value.text).map_err(|fault| fault.at(value.at.clone()))?;
        Ok((Ask::Field { field, op, value: value.text }, value.at))
    }

    fn field_op(&mut self, field: &Field) -> Result<Op, QueryError> {
        const OPS: [Op; 4] = [Op::AtLeast, Op::AtMost, Op::Above, Op::Below];
        if self.begins("!=") {
            let at = self.word_at(self.at);
            let (start, value) = (self.at - field.name.chars().count() - 1, self.text(self.at + 2..at.end));
            let error = QueryError::new(start..at.end, "a field has no `!=`; put `-` in front of the term");
            return Err(error.suggest(format!("-{}:{value}", field.name)));
        }
        let found = OPS.into_iter().find(|op| self.begins(op.as_str()));
        let op = found.unwrap_or(Op::Is);
        // `field:=value` is what people of other languages type; it is the same as `field:value`.
        self.at += if found.is_none() && self.peek() == Some('=') { 1 } else { op.as_str().len() };
        Ok(op)
    }

    fn body_condition(&mut self) -> Result<(Ask, Range<usize>), QueryError> {
        let start = self.at;
        self.at += "body".len();
        if !self.schema.has_body {
            let message = format!("{} have no body; this can be asked of the API log", plural(self.schema.resource));
            return Err(QueryError::new(self.word_at(start), message));
        }
        self.take('.');
        let path = self.path()?;
        self.skip_space();
        let op = BodyOp::ALL.into_iter().find(|op| self.begins(op.as_str())).ok_or_else(|| {
            self.fault_here("after the path there must be one of = != ~ > < >= <=, then a value; ~ is contains")
        })?;
        self.at += op.as_str().len();
        self.skip_space();
        let value = self.value_after(op.as_str(), "critical or \"two words\"")?;
        if op.is_numeric() && parse_number(&value.text).is_none() {
            return Err(QueryError::new(value.at, format!("{} compares numbers, such as 90 or 0.5", op.as_str())));
        }
        Ok((Ask::Body { path, op, value: value.text }, value.at))
    }

    /// The path of a body condition; the dot before it is already taken.
    fn path(&mut self) -> Result<Path, QueryError> {
        let start = self.at;
        self.skip_path();
        let at = start..self.at;
        let path = Path::parse(&self.text(at.clone())).map_err(|error| {
            let place = start + error.offset.min(at.len());
            QueryError::new(place..at.end.max(place), error.fault.to_string())
        })?;
        match path {
            Path::Json(_) | Path::Text => Ok(path),
            Path::Header(_) | Path::Query(_) | Path::SourceIp => {
                let message =
                    "only places inside the body can be asked here; for the others there are ip: and free text";
                Err(QueryError::new(at, message))
            }
        }
    }

    /// Goes on to the first character that cannot belong to a path.
    fn skip_path(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '[' if self.begins("[\"") => self.skip_quoted_key(),
                c if c.is_ascii_alphanumeric() || "_$@:/-.[]*".contains(c) => self.at += 1,
                // Another letter is a fault of the path, which says how to write it; white space and operators end it.
                c if c.is_alphanumeric() => self.at += 1,
                _ => return,
            }
        }
    }

    fn skip_quoted_key(&mut self) {
        self.at += 2;
        while let Some(c) = self.peek() {
            self.at += if c == '\\' { 2 } else { 1 };
            if c == '"' {
                break;
            }
        }
        self.at = self.at.min(self.chars.len());
    }

    /// The value after a field or an operator: `after` names it in the message where there is none.
    fn value_after(&mut self, after: &str, example: &str) -> Result<Value, QueryError> {
        let missing = self.peek().is_none_or(|c| c.is_whitespace() || c == '(' || c == ')');
        if missing {
            return Err(self.fault_here(&format!("the value after {after} is missing: {example}")));
        }
        if self.peek().is_some_and(is_op_char) {
            return Err(self.fault_here("a value that begins with an operator must stand in quotes"));
        }
        self.value()
    }

    /// A word or a quoted text.
    fn value(&mut self) -> Result<Value, QueryError> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let at = self.word_at(self.at);
        self.at = at.end;
        Ok(Value { text: self.text(at.clone()), at })
    }

    fn quoted(&mut self) -> Result<Value, QueryError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else {
                let at = start..self.chars.len();
                return Err(QueryError::new(at, "the quoted text has no end; close it with \""));
            };
            self.at += 1;
            match (c, self.peek()) {
                ('"', _) => return Ok(Value { text, at: start..self.at }),
                ('\\', Some(escaped @ ('"' | '\\'))) => {
                    text.push(escaped);
                    self.at += 1;
                }
                ('\\', _) => {
                    let message = "in quotes a backslash is written twice; \\\" is a quote";
                    return Err(QueryError::new(self.at - 1..self.at, message).suggest("\\\\"));
                }
                _ => text.push(c),
            }
        }
    }

    fn unknown_field(&self, name: &str, at: Range<usize>) -> QueryError {
        let mut names: Vec<&str> = self.schema.fields.iter().map(|field| field.name).collect();
        if let Some(near) = nearest(name, names.iter().copied()) {
            return QueryError::new(at, format!("{} have no field `{name}`", plural(self.schema.resource)))
                .suggest(near);
        }
        names.sort_unstable();
        let message = format!(
            "{} have no field `{name}`; there are {}; quote the term to search for it as text",
            plural(self.schema.resource),
            names.join(", ")
        );
        QueryError::new(at, message)
    }

    fn fault_here(&self, message: &str) -> QueryError {
        let end = if self.at < self.chars.len() { self.at + 1 } else { self.at };
        QueryError::new(self.at..end, message)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// True where the rest begins with this ASCII text.
    fn begins(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(place, c)| self.chars.get(self.at + place) == Some(&c))
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn word_at(&self, start: usize) -> Range<usize> {
        let len = self.chars[start..].iter().take_while(|c| is_word_char(**c)).count();
        start..start + len
    }

    fn text(&self, at: Range<usize>) -> String {
        self.chars[at].iter().collect()
    }

    fn peek_keyword(&self) -> Option<Keyword> {
        keyword(&self.text(self.word_at(self.at)))
    }

    fn take_keyword(&mut self, wanted: Keyword) -> bool {
        self.skip_space();
        let found = self.peek_keyword() == Some(wanted);
        if found {
            self.at = self.word_at(self.at).end;
        }
        found
    }
}

fn keyword(word: &str) -> Option<Keyword> {
    match word {
        _ if word.eq_ignore_ascii_case("and") => Some(Keyword::And),
        _ if word.eq_ignore_ascii_case("not") => Some(Keyword::Not),
        _ if word.eq_ignore_ascii_case("or") => Some(Keyword::Or),
        _ => None,
    }
}

/// Words that other languages have: searching for them as text is hardly ever meant, and finds nothing without a word.
fn instead_of_word(word: &str, schema: &Schema) -> Option<(String, String)> {
    let keyword = match word {
        "&&" | "&" => Some("and"),
        "||" | "|" => Some("or"),
        "!" => Some("not"),
        _ => None,
    };
    if let Some(keyword) = keyword {
        return Some((format!("`{word}` is written `{keyword}`"), keyword.to_owned()));
    }
    if word.chars().all(is_op_char) {
        let message = "an operator stands directly behind `field:` or a body path; quote it to search for it";
        return Some((message.to_owned(), format!("\"{word}\"")));
    }
    let (name, rest) = word.split_at(word.find(is_op_char)?);
    let field = schema.field(name)?;
    let compared = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')).unwrap_or(rest);
    let (minus, compared) = compared.strip_prefix("!=").map_or(("", compared), |value| ("-", value));
    let instead = format!("{minus}{}:{compared}", field.name);
    Some((format!("between {} and its value stands a colon; quote the term to search for it", field.name), instead))
}

/// `body.` or `body[`.
fn begins_body(rest: &[char]) -> bool {
    matches!(rest, ['b', 'o', 'd', 'y', '.' | '[', ..])
}

/// Characters before the `:` where the rest begins with a field's name, known or not.
fn field_end(rest: &[char]) -> Option<usize> {
    let name = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
    let begins_with_letter = rest.first().is_some_and(char::is_ascii_alphabetic);
    (begins_with_letter && rest.get(name) == Some(&':')).then_some(name)
}

fn is_word_char(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '(' | ')' | '"')
}

fn is_op_char(c: char) -> bool {
    matches!(c, '=' | '!' | '<' | '>' | '~')
}

/// The only one, or all joined.
fn one_or(mut list: Vec<Expr>, join: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        last => join(list.into_iter().chain(last).collect()),
    }
}

/// Resources are named so that "have" fits behind them.
fn plural(resource: &str) -> String {
    match resource.strip_prefix("the ") {
        Some(single) => format!("rows of the {single}"),
        None => resource.to_owned(),
    }
}
