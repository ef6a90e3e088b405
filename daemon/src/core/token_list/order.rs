//! Orders of a list and places in it.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Scope, TokenState};

use super::Row;
use crate::core::registry::{Registry, head_of};
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

/// Where a row stands: its column's value, then its name, then its id, so that no two rows stand at one place. Names are
/// in lower case, and borrowed.
#[derive(Clone, Copy)]
pub(super) struct Rank<'a> {
    key: Key<'a>,
    name: NameOf<'a>,
}

/// A name that is fetched only where its first bytes do not decide, and the id that goes with it.
#[derive(Clone, Copy)]
enum NameOf<'a> {
    Row(u128, Row<'a>),
    Place(u128, &'a Place),
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
            words.scopes = all.map(|scope| (scope, views::scope(registry, scope).name.to_lowercase())).collect();
        }
        if self.column == Column::Owner {
            let operators = registry.operators().map(|operator| Owner::Operator(operator.id));
            let all = operators.chain([Owner::Organisation]);
            words.owners = all.map(|owner| (owner, views::owner_name(registry, owner).to_lowercase())).collect();
        }
        words
    }

    pub(super) fn rank<'a>(self, words: &'a Words, row: Row<'a>, facts: UsageFacts, now: Timestamp) -> Rank<'a> {
        let moment = |at: Option<Timestamp>| Key::Number(at.map_or(i64::MAX, Timestamp::as_micros));
        let (brief, token) = (row.brief(), || row.token());
        let key = match self.column {
            Column::Name => Key::Number(0),
            Column::Scope => Key::Text(words.scopes.get(&brief.scope).map_or("", String::as_str)),
            Column::Owner => Key::Text(words.owners.get(&brief.owner).map_or("", String::as_str)),
            Column::State => Key::Number(match row {
                Row::Living(token) => views::state_of(&token.object, now) as i64,
                Row::Dead(_) => TokenState::Revoked as i64,
            }),
            Column::Expires => moment(brief.expires_at),
            Column::Created => moment(Some(token().created_at)),
            Column::CreatedBy => Key::Text(&token().created_by),
            Column::LastUsed => Key::Number(facts.last_used.map_or(i64::MAX, |at| -at.as_micros())),
            Column::Calls => Key::Number(-i64::from(facts.calls)),
            Column::Debug => moment(token().debug_until.filter(|until| *until > now)),
            Column::Dedup => Key::Number(i64::from(token().dedup_window_secs)),
        };
        Rank { key, name: NameOf::Row(brief.head(), row) }
    }

    pub(super) fn compare(self, a: &Rank<'_>, b: &Rank<'_>) -> Ordering {
        if self.down { b.compare(a) } else { a.compare(b) }
    }
}

/// The order of two texts whatever their case. Nearly all are ASCII, which needs no look at Unicode's tables.
fn folded(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        return a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    a.chars().flat_map(char::to_lowercase).cmp(b.chars().flat_map(char::to_lowercase))
}

impl Rank<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        let by_key = match (self.key, other.key) {
            (Key::Number(a), Key::Number(b)) => a.cmp(&b),
            (Key::Text(a), Key::Text(b)) => folded(a, b),
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        };
        let (a, b) = (self.name, other.name);
        by_key
            .then_with(|| a.head().cmp(&b.head()))
            .then_with(|| a.name().cmp(b.name()))
            .then_with(|| a.id().as_str().cmp(b.id().as_str()))
    }

    /// Opaque: the order and the place, as hexadecimal digits.
    pub(super) fn cursor(&self, order: Order) -> String {
        let key = match self.key {
            Key::Number(number) => PlaceKey::Number(number),
            Key::Text(text) => PlaceKey::Text(text.to_owned()),
        };
        let place = Place { key, name: self.name.name().to_owned(), id: self.name.id() };
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
        Rank { key, name: NameOf::Place(head_of(&self.name), self) }
    }
}

impl NameOf<'_> {
    fn head(&self) -> u128 {
        match self {
            Self::Row(head, _) | Self::Place(head, _) => *head,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Row(_, row) => row.brief().name(),
            Self::Place(_, place) => &place.name,
        }
    }

    fn id(&self) -> TokenId {
        match self {
            Self::Row(_, row) => row.token().id,
            Self::Place(_, place) => place.id,
        }
    }
}
