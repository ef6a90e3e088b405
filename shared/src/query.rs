//! The query language: one for the command line, the console and the API, evaluated in the daemon (domain.md section 5).
//!
//! ```text
//! query   = [ or ]                                an empty query asks for everything
//! or      = and { "or" and }
//! and     = unary { [ "and" ] unary }             terms side by side are joined by "and"
//! unary   = ( "not" | "-" ) unary | "(" or ")" | term
//! term    = text | field ":" [ compare ] text | body op text
//! compare = ">=" | "<=" | ">" | "<" | "="
//! body    = "body." path | "body[" ...            path: the grammar of crate::filter::Path; `body.$` = the whole body
//! op      = "=" | "!=" | "~" | ">=" | "<=" | ">" | "<"    "~" = contains
//! text    = word | '"' characters '"'             in quotes \" and \\ stand for a quote and a backslash
//! ```
//!
//! A word ends at white space or a parenthesis; terms do not touch each other. `and`, `or`, `not` are words of the language whatever their
//! case; in quotes they are text. `-` is "not" only in front of a term. Nothing stands between a field, its `:` and its
//! value; around the operator of a body condition there may be spaces. Field names are never guessed from a beginning.
//!
//! * **Text is found whatever its case**: free text, text fields, names, and the texts of body conditions. Each character
//!   is lower-cased by its simple mapping; accents count.
//! * A field with several values (the incidents that a call touched) is true where one of them is.
//! * **Times need a `now`**, which [`Query::bind`] takes: `since:15m`, `expires:<14d`. Lengths of time are numbers with
//!   `us` `ms` `s` `m` `h` `d` `w` `y`, several in a row add up: `1h30m`.
//! * **Body conditions** compare as filter conditions do, but without case: true where one of the selected values
//!   satisfies them; `!=` is "not `=`" and so also true where the path selects nothing; `>` and its kin are false unless
//!   both sides are numbers. The row keeps the first 16 KiB of the redacted body: where what was cut off or redacted
//!   could decide, the answer is [`Verdict::CannotTell`]. `body:word` and free text search what is stored, and so
//!   always know. Of a CloudEvent in binary mode the body is the data alone, without the envelope that filters see.
//!
//! ```
//! use tollgate_shared::query::{LOGS, Query, TOKENS};
//!
//! let query = Query::parse("token:billing-ci (outcome:no_match OR status:>=400) not body.env = test", &LOGS)?;
//! assert_eq!(query.to_string(), "token:billing-ci (outcome:no_match or status:>=400) -body.env=test");
//! assert_eq!(Query::parse(&query.to_string(), &LOGS)?, query);
//!
//! for text in [
//!     "ip:10.0.0.0/8 service:Ops/DB since:15m",
//!     r#"body.alerts[0].labels.severity = "critical""#,
//!     r#"body.labels["app.kubernetes.io/name"] ~ shop -agent:curl"#,
//!     r#"call:019ab3 or incident:019ab4 or "not a keyword""#,
//! ] {
//!     Query::parse(text, &LOGS)?;
//! }
//! Query::parse("expires:<14d unused:90d debug:on created_by:piet", &TOKENS)?;
//! # Ok::<(), tollgate_shared::query::QueryError>(())
//! ```
//!
//! A text that is no query is answered with the place and, where there is one, the text to put there:
//!
//! ```
//! use tollgate_shared::query::{LOGS, Query};
//!
//! let error = Query::parse("tokn:billing-ci", &LOGS).unwrap_err();
//! assert_eq!((error.at.clone(), error.suggestion.as_deref()), (0..4, Some("token")));
//! ```
//!
//! # How it is used
//! [`Query::parse`] checks a text against a [`Schema`] and needs nothing else. [`Query::bind`] gives it `now` and the
//! [`Names`] of the moment; the [`Bound`] query judges any number of [`Row`]s, and its [`Bound::hints`] say which rows
//! need not be read at all. [`complete()`] serves a prompt.

mod bind;
mod body;
mod complete;
mod error;
mod hints;
mod parse;
mod row;
mod schema;
mod text;
mod value;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::filter::Path;

pub use bind::{Bound, Names, NoNames, Reach, Verdict};
pub use complete::{Completion, Place, complete, place};
pub use error::{QueryError, nearest};
pub use hints::Hints;
pub use row::{BodyText, Cell, Row, any_scope, any_service};
pub use schema::{AUDIT, Field, FieldId, INCIDENTS, Kind, LOGS, Named, Schema, TOKENS};

/// Characters in a query, at most.
pub const QUERY_CHARS_MAX: usize = 1_024;
/// Terms in a query, at most.
pub const TERMS_MAX: usize = 64;
/// Parentheses and negations inside one another, at most.
pub const DEPTH_MAX: usize = 16;

/// A query that was checked against a schema. Display gives the canonical text: it parses to an equal query and is never
/// longer than what was typed.
#[derive(Clone, Debug)]
pub struct Query {
    schema: &'static Schema,
    expr: Option<Expr>,
}

/// What a query asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// Every one of these, two at least, none of them an `And`.
    And(Vec<Expr>),
    /// One of these, two at least, none of them an `Or`.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// A single question.
    Term(Term),
}

/// A single question and its place. Two terms are equal where they ask the same, wherever they stand.
#[derive(Clone, Debug)]
pub struct Term {
    /// Where the term stands, in characters.
    pub at: Range<usize>,
    /// Where its value stands, quotes included.
    pub value_at: Range<usize>,
    /// What it asks.
    pub ask: Ask,
}

/// What a term asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Is the text anywhere in what the schema's [`Schema::text_help`] names?
    Text(String),
    /// Does a field have this value?
    Field {
        /// The field; its kind says what the value means.
        field: &'static Field,
        /// How to compare.
        op: Op,
        /// As typed, without quotes.
        value: String,
    },
    /// Is there such a value inside the body?
    Body {
        /// Places in the JSON body, or `$` for the whole text; no other kind of path.
        path: Path,
        /// How to compare.
        op: BodyOp,
        /// As typed, without quotes.
        value: String,
    },
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `field:value`; what that asks depends on the field's [`Kind`].
    Is,
    /// `field:>=value`.
    AtLeast,
    /// `field:<=value`.
    AtMost,
    /// `field:>value`.
    Above,
    /// `field:<value`.
    Below,
}

/// How a value inside the body is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyOp {
    /// `=`: one of the selected values is the text.
    Equals,
    /// `!=`: none is.
    Differs,
    /// `~`: one holds the text.
    Contains,
    /// `>=`.
    AtLeast,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `<`.
    Below,
}

/// An expression with what its text depends on.
struct Shown<'a> {
    expr: &'a Expr,
    schema: &'static Schema,
}

/// A value as it must be typed behind `field:` or an operator: in quotes where it needs them. For whoever builds a query,
/// such as "only rows with the value under the cursor".
///
/// ```
/// use tollgate_shared::query::typed_value;
/// assert_eq!((typed_value("web01"), typed_value("say \"hi\"")), ("web01".into(), "\"say \\\"hi\\\"\"".into()));
/// ```
pub fn typed_value(value: &str) -> Cow<'_, str> {
    if parse::is_plain_value(value) { Cow::Borrowed(value) } else { in_quotes(value) }
}

// === impl Query ===

impl Query {
    /// Reads a query and checks its fields and values.
    ///
    /// # Errors
    /// The first fault with its place. Never panics, whatever the text. A text that holds a token's secret is refused:
    /// queries are kept in histories and saved lists (operator.md, job 3).
    pub fn parse(text: &str, schema: &'static Schema) -> Result<Self, QueryError> {
        parse::parse(text, schema).map(|expr| Self { schema, expr })
    }

    /// What it is about.
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Both: what this query and another one of the same schema ask. The limits of a typed query are not asked again.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let list = |expr| match expr {
            Expr::And(list) => list,
            one => vec![one],
        };
        let expr = match (self.expr, other.expr) {
            (Some(left), Some(right)) => Some(Expr::And(list(left).into_iter().chain(list(right)).collect())),
            (left, right) => left.or(right),
        };
        Self { schema: self.schema, expr }
    }

    /// True where `test` holds for the field and the value of some term, also of one that is negated.
    pub fn any_field(&self, test: &dyn Fn(FieldId, &str) -> bool) -> bool {
        self.expr.as_ref().is_some_and(|expr| expr.any_field(test))
    }

    /// The value in a plain `field:value` that every row must satisfy.
    pub fn required(&self, field: FieldId) -> Option<&str> {
        let list = match self.expr.as_ref()? {
            Expr::And(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        list.iter().find_map(|expr| expr.word_of(field))
    }

    /// What it asks; `None` = everything.
    pub fn expr(&self) -> Option<&Expr> {
        self.expr.as_ref()
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.schema, other.schema) && self.expr == other.expr
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| write!(f, "{}", Shown { expr, schema: self.schema }))
    }
}

// === impl Expr ===

impl Expr {
    fn any_field(&self, test: &dyn Fn(FieldId, &str) -> bool) -> bool {
        match self {
            Self::And(list) | Self::Or(list) => list.iter().any(|expr| expr.any_field(test)),
            Self::Not(inner) => inner.any_field(test),
            Self::Term(Term { ask: Ask::Field { field, value, .. }, .. }) => test(field.id, value),
            Self::Term(_) => false,
        }
    }

    /// The value of a `field:value` without comparison.
    fn word_of(&self, wanted: FieldId) -> Option<&str> {
        match self {
            Self::Term(Term { ask: Ask::Field { field, op: Op::Is, value }, .. }) if field.id == wanted => Some(value),
            _ => None,
        }
    }
}

// === impl Term ===

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.ask == other.ask
    }
}

// === impl Op ===

impl Op {
    /// As it is typed; empty for [`Op::Is`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
        }
    }
}

// === impl BodyOp ===

impl BodyOp {
    /// All, those of two characters first, so that the first one that a text begins with is the right one.
    pub const ALL: [Self; 7] =
        [Self::Differs, Self::AtLeast, Self::AtMost, Self::Equals, Self::Contains, Self::Above, Self::Below];

    /// As it is typed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::Differs => "!=",
            Self::Contains => "~",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
        }
    }

    /// A line of help.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Equals => "is, whatever the case",
            Self::Differs => "is not, or is missing",
            Self::Contains => "contains, whatever the case",
            Self::AtLeast => "is a number and at least",
            Self::AtMost => "is a number and at most",
            Self::Above => "is a number and more than",
            Self::Below => "is a number and less than",
        }
    }

    /// Both sides must be numbers.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::AtLeast | Self::AtMost | Self::Above | Self::Below)
    }
}

// === impl Shown ===

impl<'a> Shown<'a> {
    fn child(&self, expr: &'a Expr) -> Self {
        Shown { expr, schema: self.schema }
    }

    /// Writes a child, in parentheses where it would otherwise read as something else. Only where the source had some
    /// too, so the text stays within the limits that the source kept.
    fn write_child(&self, f: &mut fmt::Formatter<'_>, expr: &'a Expr, needs_parens: bool) -> fmt::Result {
        let child = self.child(expr);
        if needs_parens { write!(f, "({child})") } else { write!(f, "{child}") }
    }

    fn write_list(&self, f: &mut fmt::Formatter<'_>, list: &'a [Expr], is_or: bool) -> fmt::Result {
        for (place, expr) in list.iter().enumerate() {
            if place > 0 {
                f.write_str(if is_or { " or " } else { " " })?;
            }
            self.write_child(f, expr, matches!(expr, Expr::Or(_)))?;
        }
        Ok(())
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expr {
            Expr::And(list) => self.write_list(f, list, false),
            Expr::Or(list) => self.write_list(f, list, true),
            // `--` is refused, because it looks like an option of the command line; so every second one is a word.
            Expr::Not(inner) if negations(inner) % 2 == 1 => write!(f, "not {}", self.child(inner)),
            Expr::Not(inner) => {
                f.write_str("-")?;
                self.write_child(f, inner, matches!(**inner, Expr::And(_) | Expr::Or(_)))
            }
            Expr::Term(term) => write_ask(f, &term.ask, self.schema),
        }
    }
}

/// How many negations stand directly inside one another, from here on.
fn negations(expr: &Expr) -> usize {
    std::iter::successors(Some(expr), |expr| if let Expr::Not(inner) = expr { Some(inner) } else { None }).count() - 1
}

fn write_ask(f: &mut fmt::Formatter<'_>, ask: &Ask, schema: &Schema) -> fmt::Result {
    match ask {
        Ask::Text(text) => write_text(f, text, parse::is_plain_word(text, schema)),
        Ask::Field { field, op, value } => {
            write!(f, "{}:{}", field.name, op.as_str())?;
            f.write_str(&typed_value(value))
        }
        Ask::Body { path, op, value } => {
            let path = path.to_string();
            let dot = if path.starts_with('[') { "" } else { "." };
            write!(f, "body{dot}{path}{}", op.as_str())?;
            f.write_str(&typed_value(value))
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str, is_plain: bool) -> fmt::Result {
    f.write_str(&if is_plain { Cow::Borrowed(text) } else { in_quotes(text) })
}

fn in_quotes(text: &str) -> Cow<'_, str> {
    Cow::Owned(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests;
