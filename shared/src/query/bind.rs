//! A query with everything that it needs to judge rows.

use std::collections::BTreeSet;
use std::ops::{Not, RangeInclusive};

use ipnet::IpNet;
use uuid::fmt::Hyphenated;

use super::body::{Body, BodyTest};
use super::hints::Hints;
use super::row::{Cell, Row};
use super::text::Needle;
use super::value::{Meaning, Moment, bounds, read_value};
use super::{Ask, Expr, FieldId, Kind, Named, Op, Query, QueryError, Term, typed_value};
use crate::id::{ServiceId, TokenId};
use crate::time::Timestamp;

/// What a query says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The row is asked for.
    Yes,
    /// It is not.
    No,
    /// What decides was cut off or redacted before the row was written.
    CannotTell,
}

/// What a name stands for in the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The token of that name; or the tokens that reach only that service, or only services of that team.
    pub tokens: BTreeSet<TokenId>,
    /// The service of that name; or the services of that team.
    pub services: BTreeSet<ServiceId>,
}

/// Whoever knows the names, for one moment. Log rows hold ids only.
pub trait Names {
    /// What `text` stands for: a name in any case, a service's name with or without its team, or an id. Tokens that are
    /// revoked count, for their rows are still there. Several objects of one name are all meant. `None` = there is no
    /// such thing.
    fn reach(&self, named: Named, text: &str) -> Option<Reach>;

    /// A name that exists and looks like `text`.
    fn near(&self, named: Named, text: &str) -> Option<String> {
        let _ = (named, text);
        None
    }
}

/// Nobody knows a name: for schemas without named fields, and for tests. Token ids are known all the same.
#[derive(Clone, Copy, Debug)]
pub struct NoNames;

/// A query that judges rows. It holds no clock: bind again where `since:15m` is to move on.
#[derive(Clone, Debug)]
pub struct Bound {
    root: Node,
    hints: Hints,
}

/// An expression whose terms are ready to be asked. The empty `And` is true.
#[derive(Clone, Debug)]
pub(super) enum Node {
    And(Vec<Node>),
    Body(BodyTest),
    Field(FieldId, Test),
    Not(Box<Node>),
    Or(Vec<Node>),
    Text(Needle),
}

/// What is asked of one value of a field. Moments are microseconds.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Label(Needle),
    Net(IpNet),
    Piece(String),
    Reach(Reach),
    Text(Needle),
    Within(RangeInclusive<i64>),
    Word(&'static str),
}

// === impl Query ===

impl Query {
    /// Makes the query ready to judge rows at `now`.
    ///
    /// # Errors
    /// A name that nobody has. A token id is taken even where no such token is known: its rows may outlive it.
    pub fn bind(&self, names: &dyn Names, now: Timestamp) -> Result<Bound, QueryError> {
        let root = match self.expr() {
            Some(expr) => node(expr, names, now)?,
            None => Node::And(Vec::new()),
        };
        let hints = Hints::of(&root);
        Ok(Bound { root, hints })
    }
}

// === impl Bound ===

impl Bound {
    /// True where the row is known to be asked for.
    pub fn passes(&self, row: &dyn Row) -> bool {
        self.judge(row) == Verdict::Yes
    }

    /// What the query says of the row.
    pub fn judge(&self, row: &dyn Row) -> Verdict {
        self.root.judge(row, &Body::of(row))
    }

    /// Which rows need not be looked at.
    pub fn hints(&self) -> &Hints {
        &self.hints
    }
}

// === impl Node ===

impl Node {
    fn judge(&self, row: &dyn Row, body: &Body<'_>) -> Verdict {
        match self {
            Self::And(list) => all(list.iter().map(|node| node.judge(row, body))),
            Self::Body(test) => test.judge(body),
            Self::Field(field, test) => row.any(*field, &mut |cell| test.holds(&cell)).into(),
            Self::Not(inner) => !inner.judge(row, body),
            // One is true unless all are false.
            Self::Or(list) => !all(list.iter().map(|node| !node.judge(row, body))),
            Self::Text(needle) => row.any_text(&mut |text| needle.is_in(text)).into(),
        }
    }

    /// How dear it is to ask, so that the cheap questions of a list are asked first. That changes no answer.
    fn cost(&self) -> u32 {
        match self {
            Self::And(list) | Self::Or(list) => list.iter().map(Self::cost).sum(),
            Self::Body(_) => 1_000,
            Self::Field(FieldId::Body, _) => 100,
            Self::Field(..) => 1,
            Self::Not(inner) => inner.cost(),
            Self::Text(_) => 200,
        }
    }
}

// === impl Test ===

impl Test {
    fn holds(&self, cell: &Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Label(needle), Cell::Text(text)) => needle.is(text),
            (Self::Net(net), Cell::Ip(ip)) => net.contains(&ip.to_canonical()),
            (Self::Piece(piece), Cell::Token(id)) => id.as_str().contains(piece),
            (Self::Piece(piece), Cell::Uuid(id)) => {
                id.as_hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH]).contains(piece)
            }
            (Self::Reach(reach), Cell::Token(id)) => reach.tokens.contains(id),
            (Self::Reach(reach), Cell::Service(id)) => reach.services.contains(id),
            (Self::Text(needle), Cell::Text(text)) => needle.is_in(text),
            (Self::Within(range), Cell::Number(number)) => range.contains(number),
            (Self::Word(word), Cell::Text(text)) => word == text,
            _ => false,
        }
    }
}

// === impl Verdict ===

impl From<bool> for Verdict {
    fn from(is_true: bool) -> Self {
        if is_true { Self::Yes } else { Self::No }
    }
}

impl Not for Verdict {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::CannotTell => Self::CannotTell,
        }
    }
}

// === impl NoNames ===

impl Names for NoNames {
    fn reach(&self, _: Named, _: &str) -> Option<Reach> {
        None
    }
}

/// One false is enough; without one, one unknown is enough.
fn all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut answer = Verdict::Yes;
    for verdict in verdicts {
        match verdict {
            Verdict::No => return Verdict::No,
            Verdict::CannotTell => answer = Verdict::CannotTell,
            Verdict::Yes => {}
        }
    }
    answer
}

fn node(expr: &Expr, names: &dyn Names, now: Timestamp) -> Result<Node, QueryError> {
    match expr {
        Expr::And(list) => nodes(list, names, now).map(Node::And),
        Expr::Or(list) => nodes(list, names, now).map(Node::Or),
        Expr::Not(inner) => Ok(Node::Not(Box::new(node(inner, names, now)?))),
        Expr::Term(term) => leaf(term, names, now),
    }
}

fn nodes(list: &[Expr], names: &dyn Names, now: Timestamp) -> Result<Vec<Node>, QueryError> {
    let mut nodes = list.iter().map(|expr| node(expr, names, now)).collect::<Result<Vec<_>, _>>()?;
    nodes.sort_by_key(Node::cost);
    Ok(nodes)
}

fn leaf(term: &Term, names: &dyn Names, now: Timestamp) -> Result<Node, QueryError> {
    match &term.ask {
        Ask::Text(text) => Ok(Node::Text(Needle::new(text))),
        Ask::Body { path, op, value } => Ok(Node::Body(BodyTest::new(path, *op, value))),
        Ask::Field { field, op, value } => {
            let test = match field.kind {
                Kind::Named(named) => Test::Reach(reach(named, value, term, names)?),
                _ => {
                    let meaning = read_value(field, *op, value).map_err(|fault| fault.at(term.value_at.clone()))?;
                    refuse_future(&meaning, field.name, term, now)?;
                    settle(meaning, now)
                }
            };
            Ok(Node::Field(field.id, test))
        }
    }
}

/// Nothing has happened after now: whoever asks for that has mistaken a date, and would take silence for good news.
fn refuse_future(meaning: &Meaning, field: &str, term: &Term, now: Timestamp) -> Result<(), QueryError> {
    match meaning {
        Meaning::Since(Moment::At(at)) if *at > now => {
            let message = format!("{field}: is in the future, it is {now} now, so nothing can be found");
            Err(QueryError::new(term.value_at.clone(), message))
        }
        _ => Ok(()),
    }
}

fn reach(named: Named, text: &str, term: &Term, names: &dyn Names) -> Result<Reach, QueryError> {
    let own_id = || text.parse::<TokenId>().ok().filter(|_| named == Named::Token);
    let by_id = || own_id().map(|id| Reach { tokens: BTreeSet::from([id]), services: BTreeSet::new() });
    names.reach(named, text).or_else(by_id).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let error = QueryError::new(term.value_at.clone(), format!("there is no {} `{shown}`", named.as_str()));
        match names.near(named, text) {
            Some(near) => error.suggest(typed_value(&near)),
            None => error,
        }
    })
}

/// Turns what is relative to now into moments. Rows give `i64::MAX` for a time that never comes and `i64::MIN` for one
/// that never was.
fn settle(meaning: Meaning, now: Timestamp) -> Test {
    let now = now.as_micros();
    match meaning {
        Meaning::Age { op, moment } => Test::Within(age(op, moment, now)),
        Meaning::Ip(net) => Test::Net(net),
        Meaning::Label(needle) => Test::Label(needle),
        Meaning::Left { op, moment } => Test::Within(left(op, moment, now)),
        Meaning::NeverComes => Test::Within(i64::MAX..=i64::MAX),
        Meaning::NeverWas => Test::Within(i64::MIN..=i64::MIN),
        Meaning::Over => Test::Within(i64::MIN..=now),
        Meaning::Piece(piece) => Test::Piece(piece),
        Meaning::Since(moment) => Test::Within(bounds(Op::AtLeast, before(moment, now))),
        Meaning::Switch(true) => Test::Within(bounds(Op::Above, now)),
        Meaning::Switch(false) => Test::Within(bounds(Op::AtMost, now)),
        Meaning::Text(needle) => Test::Text(needle),
        Meaning::Until(moment) => Test::Within(bounds(Op::Below, before(moment, now))),
        Meaning::Within(range) => Test::Within(range),
        Meaning::Word(word) => Test::Word(word),
    }
}

fn before(moment: Moment, now: i64) -> i64 {
    match moment {
        Moment::At(at) => at.as_micros(),
        Moment::Away(micros) => now.saturating_sub(micros),
    }
}

/// The more time has passed, the smaller is the moment.
fn age(op: Op, moment: Moment, now: i64) -> RangeInclusive<i64> {
    let turned = match (moment, op) {
        (Moment::At(_), op) | (_, op @ Op::Is) => op,
        (_, Op::AtLeast) => Op::AtMost,
        (_, Op::AtMost) => Op::AtLeast,
        (_, Op::Above) => Op::Below,
        (_, Op::Below) => Op::Above,
    };
    bounds(turned, before(moment, now))
}

fn left(op: Op, moment: Moment, now: i64) -> RangeInclusive<i64> {
    match moment {
        Moment::At(at) => bounds(op, at.as_micros()),
        // What is over has no time left, so it is not within the next days either.
        Moment::Away(micros) => {
            let range = bounds(op, now.saturating_add(micros));
            (*range.start()).max(now.saturating_add(1))..=*range.end()
        }
    }
}
