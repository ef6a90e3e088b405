//! Orders of a list and places in it.

use std::cmp::Ordering;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::TokenState;

use super::Found;
use crate::core::model::Token;
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

/// Where a row stands: its column's value, then its name, then its id, so that no two rows stand at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Rank {
    key: Key,
    name: String,
    id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    Number(i64),
    Text(String),
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

    pub(super) fn rank(
        self,
        registry: &Registry,
        token: &Token,
        facts: UsageFacts,
        now: Timestamp,
        found: &Found,
    ) -> Rank {
        let moment = |at: Option<Timestamp>| Key::Number(at.map_or(i64::MAX, Timestamp::as_micros));
        let key = match self.column {
            Column::Name => Key::Number(0),
            Column::Scope => Key::Text(views::scope(registry, token.scope).name.to_lowercase()),
            Column::Owner => Key::Text(views::owner_name(registry, token.owner).to_lowercase()),
            Column::State => Key::Number(match found {
                Found::Living(token) => views::state_of(token, now) as i64,
                Found::Dead(_) => TokenState::Revoked as i64,
            }),
            Column::Expires => moment(token.expires_at),
            Column::Created => moment(Some(token.created_at)),
            Column::CreatedBy => Key::Text(token.created_by.to_lowercase()),
            Column::LastUsed => Key::Number(facts.last_used.map_or(i64::MAX, |at| -at.as_micros())),
            Column::Calls => Key::Number(-i64::from(facts.calls)),
            Column::Debug => moment(token.debug_until.filter(|until| *until > now)),
            Column::Dedup => Key::Number(i64::from(token.dedup_window_secs)),
        };
        Rank { key, name: token.name.key(), id: token.id.to_string() }
    }

    pub(super) fn compare(self, a: &Rank, b: &Rank) -> Ordering {
        if self.down { b.cmp(a) } else { a.cmp(b) }
    }
}

impl Rank {
    /// Opaque: the order and the place, as hexadecimal digits.
    pub(super) fn cursor(&self, order: Order) -> String {
        let bytes = postcard::to_allocvec(&(order, self)).unwrap_or_default();
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a string does not fail.
            drop(write!(text, "{byte:02x}"));
            text
        })
    }

    /// The place that a cursor names, if it is one of this order.
    pub(super) fn from_cursor(order: Order, cursor: &str) -> Option<Self> {
        let digits = cursor.as_bytes();
        let pairs = digits.chunks(2).map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        });
        let bytes = pairs.collect::<Option<Vec<_>>>()?;
        let (made_for, rank): (Order, Self) = postcard::from_bytes(&bytes).ok()?;
        let known = rank.id.parse::<TokenId>().is_ok();
        (made_for == order && known).then_some(rank)
    }
}
