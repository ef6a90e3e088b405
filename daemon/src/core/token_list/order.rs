//! Orders of a list and places in it.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Scope, TokenState};

use super::Row;
use crate::core::registry::Registry;
use crate::core::views;
use crate::usage::UsageFacts;

/// Names of the columns, as `sort` takes them.
const COLUMNS: [(&str, Column); 11] = [
    ("name", Column::Name),
    ("scope", Column::Scope),
    ("owner", Column::Owner),
    ("state", Column::State),
    ("expires", Column::Expires),
    ("created", Column::Created),
    ("created_by", Column::CreatedBy),
    ("last_used", Column::LastUsed),
    ("calls", Column::Calls),
    ("debug", Column::Debug),
    ("dedup", Column::Dedup),
];

/// By which column, and which way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    column: Column,
    down: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Column {
    Name,
    Scope,
    Owner,
    State,
    Expires,
    Created,
    CreatedBy,
    LastUsed,
    Calls,
    Debug,
    Dedup,
}

/// Where a row stands: its column's value, then its name, then its id, so that no two rows stand at one place. Texts are
/// compared without their case, and without copying them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rank<'a> {
    key: Key<'a>,
    name: &'a str,
    id: TokenId,
}

#[derive(Clone, Copy, Debug)]
enum Key<'a> {
    Number(i64),
    Text(&'a str),
}

/// A rank that outlives its row: what a cursor holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Place {
    key: PlaceKey,
    name: String,
    id: TokenId,
}

#[derive(Serialize, Deserialize)]
enum PlaceKey {
    Number(i64),
    Text(String),
}

/// The names that ranks of an order borrow.
#[derive(Default)]
pub(super) struct Words {
    scopes: HashMap<Scope, String>,
    owners: HashMap<Owner, String>,
}

impl Order {
    /// `expires`, `-expires`; the latest use and the most calls come first, what is missing last. `-` turns it round.
    ///
    /// # Errors
    /// No such column.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (down, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        match COLUMNS.iter().find(|(known, _)| *known == name) {
            Some((_, column)) => Ok(Self { column: *column, down }),
            None => {
                let known = COLUMNS.map(|(name, _)| name).join(", ");
                let shown: String = name.chars().take(40).collect();
                let detail = format!("`{shown}` is no column; {known}");
                Err(Problem::new(Slug::Validation, detail).with_error("sort", "unknown"))
            }
        }
    }

    /// True where it sorts by what a token was used for.
    pub(super) fn needs_use(self) -> bool {
        matches!(self.column, Column::LastUsed | Column::Calls)
    }

    /// The names that this order compares: there are far fewer scopes and owners than tokens.
    pub(super) fn words(self, registry: &Registry) -> Words {
        let mut words = Words::default();
        if self.column == Column::Scope {
            let teams = registry.teams().map(|team| Scope::Team(team.id));
            let services = registry.services().iter().map(|entry| Scope::Service(entry.service.id));
            let all = [Scope::Global, Scope::Mine].into_iter().chain(teams).chain(services);
            words.scopes = all.map(|scope| (scope, views::scope(registry, scope).name)).collect();
        }
        if self.column == Column::Owner {
            let operators = registry.operators().map(|operator| Owner::Operator(operator.id));
            let all = operators.chain([Owner::Organisation]);
            words.owners = all.map(|owner| (owner, views::owner_name(registry, owner))).collect();
        }
        words
    }

    pub(super) fn rank<'a>(self, words: &'a Words, row: Row<'a>, facts: UsageFacts, now: Timestamp) -> Rank<'a> {
        let moment = |at: Option<Timestamp>| Key::Number(at.map_or(i64::MAX, Timestamp::as_micros));
        let token = row.token();
        let key = match self.column {
            Column::Name => Key::Number(0),
            Column::Scope => Key::Text(words.scopes.get(&token.scope).map_or("", String::as_str)),
            Column::Owner => Key::Text(words.owners.get(&token.owner).map_or("", String::as_str)),
            Column::State => Key::Number(match row {
                Row::Living(token) => views::state_of(token, now) as i64,
                Row::Dead(_) => TokenState::Revoked as i64,
            }),
            Column::Expires => moment(token.expires_at),
            Column::Created => moment(Some(token.created_at)),
            Column::CreatedBy => Key::Text(&token.created_by),
            Column::LastUsed => Key::Number(facts.last_used.map_or(i64::MAX, |at| -at.as_micros())),
            Column::Calls => Key::Number(-i64::from(facts.calls)),
            Column::Debug => moment(token.debug_until.filter(|until| *until > now)),
            Column::Dedup => Key::Number(i64::from(token.dedup_window_secs)),
        };
        Rank { key, name: token.name.as_str(), id: token.id }
    }

    pub(super) fn compare(self, a: &Rank<'_>, b: &Rank<'_>) -> Ordering {
        if self.down { b.compare(a) } else { a.compare(b) }
    }
}

impl Rank<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        let by_key = match (self.key, other.key) {
            (Key::Number(a), Key::Number(b)) => a.cmp(&b),
            (Key::Text(a), Key::Text(b)) => folded(a, b),
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        };
        by_key.then_with(|| folded(self.name, other.name)).then_with(|| self.id.as_str().cmp(other.id.as_str()))
    }

    /// Opaque: the order and the place, as hexadecimal digits.
    pub(super) fn cursor(&self, order: Order) -> String {
        let key = match self.key {
            Key::Number(number) => PlaceKey::Number(number),
            Key::Text(text) => PlaceKey::Text(text.to_owned()),
        };
        let place = Place { key, name: self.name.to_owned(), id: self.id };
        let bytes = postcard::to_allocvec(&(order, place)).unwrap_or_default();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Place {
    /// The place that a cursor names, if it is one of this order.
    pub(super) fn from_cursor(order: Order, cursor: &str) -> Option<Self> {
        let pairs = cursor.as_bytes().chunks(2).map(|pair| {
            let digits = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(digits, 16).ok()
        });
        let bytes = pairs.collect::<Option<Vec<_>>>()?;
        let (made_for, place): (Order, Self) = postcard::from_bytes(&bytes).ok()?;
        (made_for == order).then_some(place)
    }

    pub(super) fn rank(&self) -> Rank<'_> {
        let key = match &self.key {
            PlaceKey::Number(number) => Key::Number(*number),
            PlaceKey::Text(text) => Key::Text(text),
        };
        Rank { key, name: &self.name, id: self.id }
    }
}

/// Compares without case. Names are mostly ASCII: those are not copied.
fn folded(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        return a.bytes().map(lower).cmp(b.bytes().map(lower));
    }
    a.to_lowercase().cmp(&b.to_lowercase())
}
