//! The columns of the list, and what a value under the cursor is in the query language.

use tollgate_shared::log::LogRow;
use tollgate_shared::query::typed_value;

use crate::app::query::moment;
use crate::app::tokens::Tokens;

/// Characters of a title that become a text to look for: a query is no longer than 1,024.
const TITLE_CHARS_MAX: usize = 80;

/// A column of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Time,
    Seq,
    Token,
    From,
    Outcome,
    Status,
    Millis,
    Title,
}

/// The columns that fit a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub seq: bool,
    /// The token's name has so many columns.
    pub token: usize,
    pub from: usize,
    pub millis: bool,
}

/// A value of a row as a term, and as its opposite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub only: String,
    pub not: String,
}

impl Column {
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Time => "TIME",
            Self::Seq => "SEQ",
            Self::Token => "TOKEN",
            Self::From => "FROM",
            Self::Outcome => "OUTCOME",
            Self::Status => "ST",
            Self::Millis => "MS",
            Self::Title => "TITLE OR FIRST REASON",
        }
    }

    /// The row's value of this column as a term. A time, a place in the log and a latency are limits.
    #[must_use]
    pub fn terms(self, row: &LogRow, tokens: &Tokens) -> Terms {
        match self {
            Self::Time => limits("since:", "until:", &moment(row.at)),
            Self::Seq => limits("seq:>=", "seq:<", &row.seq.to_string()),
            Self::Millis => limits("latency:>=", "latency:<", &format!("{}us", row.latency_us)),
            Self::Token => Terms::is("token", &tokens.name_of(row.token)),
            Self::From => Terms::is("ip", &row.remote_ip.to_string()),
            Self::Outcome => Terms::is("outcome", row.outcome.as_str()),
            Self::Status => Terms::is("status", &row.status.to_string()),
            Self::Title => Terms::text(&row.summary),
        }
    }
}

impl Terms {
    /// `field:value`.
    #[must_use]
    pub fn is(field: &str, value: &str) -> Self {
        Self::of(format!("{field}:{}", typed_value(value)))
    }

    /// A text that is found anywhere.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let text: String = text.chars().take(TITLE_CHARS_MAX).collect();
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        Self::of(format!("\"{quoted}\""))
    }

    /// A term and its opposite.
    #[must_use]
    pub fn of(only: String) -> Self {
        Self { not: format!("-{only}"), only }
    }
}

fn limits(from: &str, to: &str, value: &str) -> Terms {
    Terms { only: format!("{from}{value}"), not: format!("{to}{value}") }
}

/// What else of a row can be asked for, beside the columns.
#[must_use]
pub fn other_terms(row: &LogRow) -> Vec<(char, Terms)> {
    let mut terms = Vec::new();
    terms.extend(row.from.as_deref().filter(|from| !from.is_empty()).map(|from| ('q', Terms::is("from", from))));
    terms.push(('p', Terms::is("path", &row.path)));
    terms.push(('m', Terms::is("method", &row.method)));
    terms.extend(
        row.user_agent.as_deref().filter(|agent| !agent.is_empty()).map(|agent| ('a', Terms::is("agent", agent))),
    );
    terms.extend(row.problem.as_deref().map(|problem| ('r', Terms::is("problem", problem))));
    terms.extend(row.incidents.first().map(|incident| ('n', Terms::is("incident", &incident.to_string()))));
    terms
}

/// The columns in the menu of values, with their letters.
pub const LETTERS: [(char, Column); 8] = [
    ('t', Column::Token),
    ('i', Column::From),
    ('o', Column::Outcome),
    ('s', Column::Status),
    ('w', Column::Title),
    ('l', Column::Millis),
    ('b', Column::Time),
    ('e', Column::Seq),
];

impl Shape {
    #[must_use]
    pub fn of(width: u16) -> Self {
        Self {
            seq: width >= 72,
            token: if width >= 96 { 12 } else { 0 },
            from: match width {
                130.. => 24,
                50.. => 15,
                _ => 0,
            },
            millis: width >= 66,
        }
    }

    /// For a pane under a table: time, sender, outcome and why are enough.
    #[must_use]
    pub fn short(width: u16) -> Self {
        Self { seq: false, token: 0, millis: false, from: if width >= 46 { 15 } else { 0 } }
    }

    /// The columns from left to right.
    pub fn columns(self) -> impl Iterator<Item = Column> {
        use Column::{From, Millis, Outcome, Seq, Status, Time, Title, Token};
        let shown = [
            (Time, true),
            (Seq, self.seq),
            (Token, self.token > 0),
            (From, self.from > 0),
            (Outcome, true),
            (Status, true),
            (Millis, self.millis),
            (Title, true),
        ];
        shown.into_iter().filter(|(_, is_shown)| *is_shown).map(|(column, _)| column)
    }

    /// The column left or right of one; the first press marks the outcome.
    #[must_use]
    pub fn beside(self, column: Option<Column>, right: bool) -> Column {
        let columns: Vec<Column> = self.columns().collect();
        let at = columns.iter().position(|shown| Some(*shown) == column);
        let Some(at) = at else { return Column::Outcome };
        let to = if right { (at + 1).min(columns.len() - 1) } else { at.saturating_sub(1) };
        columns[to]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;
    use tollgate_shared::query::{LOGS, Query};

    #[test]
    fn each_value_of_a_row_is_a_term_of_the_language_and_so_is_its_opposite() {
        let mut row = fixtures::row(3);
        row.summary = "\"quoted\\ (and or\" \u{1b}[2J".repeat(9);
        row.path = "/v1/a b)".into();
        row.remote_ip = "2001:db8::1".parse().unwrap();
        let tokens = Tokens::default();
        let columns = LETTERS.iter().map(|(_, column)| column.terms(&row, &tokens));
        for terms in columns.chain(other_terms(&row).into_iter().map(|(_, terms)| terms)) {
            for text in [&terms.only, &terms.not] {
                assert!(Query::parse(text, &LOGS).is_ok(), "{text}: {:?}", Query::parse(text, &LOGS));
            }
        }
    }

    #[test]
    fn the_marked_column_stays_within_those_that_are_shown() {
        let shape = Shape::of(80);
        let mut column = None;
        for _ in 0..20 {
            column = Some(shape.beside(column, true));
        }
        assert_eq!(column, Some(Column::Title));
        assert_eq!(shape.beside(Some(Column::Time), false), Column::Time);
    }
}
