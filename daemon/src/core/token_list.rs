//! Finding tokens: the filters, the orders and the pages of `GET /v1/tokens` (domain.md §2, Find).
//!
//! 100,000 tokens are ordinary: rows are compared by small ranks, and only the page that is shown is made into views. The
//! cursor holds the last row's rank, so a page goes on at the same place whatever was created or revoked meanwhile.

mod filter;
mod order;
mod row;

use std::sync::Arc;

use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Scope};

use super::model::{Token, Tombstone};
use super::registry::{Brief, Listed, Registry};
use crate::usage::UsageFacts;

pub use filter::{PARAMETERS, TokenFilter};
pub use order::Order;

use order::Rank;
use row::TokenRow;

/// Rows that are gathered before the worst of them are dropped.
const GATHERED_MAX: usize = 4_096;

/// A token in a list.
#[derive(Clone, Debug)]
pub enum Found {
    /// A living one.
    Living(Arc<Token>),
    /// What a revoked one left.
    Dead(Arc<Tombstone>),
}

/// What a list is made from.
pub struct Desk<'a> {
    /// The registry.
    pub registry: &'a Registry,
    /// What is known of a token's use.
    pub facts: &'a dyn Fn(TokenId) -> UsageFacts,
    /// Whether the caller may see tokens of a scope and owner: it depends on nothing else.
    pub sees: &'a dyn Fn(Scope, Owner) -> bool,
    /// Now.
    pub now: Timestamp,
}

/// A row that passed the filter, borrowed: most rows are looked at and not shown.
#[derive(Clone, Copy)]
enum Row<'r> {
    Living(&'r Listed<Token>),
    Dead(&'r Listed<Tombstone>),
}

impl Found {
    /// The token, living or as it was.
    pub fn token(&self) -> &Token {
        match self {
            Self::Living(token) => token,
            Self::Dead(stone) => &stone.token,
        }
    }
}

impl<'r> Row<'r> {
    fn token(self) -> &'r Token {
        match self {
            Self::Living(listed) => &listed.object,
            Self::Dead(listed) => &listed.object.token,
        }
    }

    fn brief(self) -> &'r Brief {
        match self {
            Self::Living(listed) => &listed.brief,
            Self::Dead(listed) => &listed.brief,
        }
    }

    fn owned(self) -> Found {
        match self {
            Self::Living(listed) => Found::Living(listed.object.clone()),
            Self::Dead(listed) => Found::Dead(listed.object.clone()),
        }
    }
}

impl Desk<'_> {
    /// A page in an order, after a cursor; and the cursor of the next one.
    ///
    /// # Errors
    /// A cursor that is none of this order's.
    pub fn page(
        &self,
        filter: &TokenFilter,
        order: Order,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Found>, Option<String>), Problem> {
        let after = cursor.map(|cursor| order::Place::from_cursor(order, cursor).ok_or_else(bad_cursor)).transpose()?;
        let words = order.words(self.registry);
        let mut kept: Vec<(Rank<'_>, Row<'_>)> = Vec::new();
        let mut bound: Option<Rank<'_>> = None;
        let nearest = |kept: &mut Vec<(Rank<'_>, Row<'_>)>| {
            if kept.len() > limit + 1 {
                kept.select_nth_unstable_by(limit, |a, b| order.compare(&a.0, &b.0));
                kept.truncate(limit + 1);
            }
        };
        for (row, facts) in self.rows(filter, order.needs_use()) {
            let rank = order.rank(&words, row, facts, self.now);
            let before = after.as_ref().is_some_and(|after| order.compare(&rank, &after.rank()).is_le());
            if before || bound.as_ref().is_some_and(|bound| order.compare(&rank, bound).is_gt()) {
                continue;
            }
            kept.push((rank, row));
            if kept.len() >= GATHERED_MAX + limit {
                nearest(&mut kept);
                bound = kept.last().map(|(rank, _)| *rank);
            }
        }
        nearest(&mut kept);
        kept.sort_unstable_by(|a, b| order.compare(&a.0, &b.0));
        let more = kept.len() > limit;
        kept.truncate(limit);
        let next = kept.last().filter(|_| more).map(|(rank, _)| rank.cursor(order));
        Ok((kept.into_iter().map(|(_, row)| row.owned()).collect(), next))
    }

    /// The ids of all that a filter finds.
    pub fn ids(&self, filter: &TokenFilter) -> Vec<TokenId> {
        self.rows(filter, false).map(|(row, _)| row.token().id).collect()
    }

    /// What passes the filter. Use is looked up only where filter or order ask for it.
    fn rows<'f>(&'f self, filter: &'f TokenFilter, with_use: bool) -> impl Iterator<Item = (Row<'f>, UsageFacts)> + 'f {
        let with_use = with_use || filter.needs_use();
        let living = self.registry.listed_tokens().map(Row::Living);
        let dead = filter.with_dead().then(|| self.registry.listed_tombstones().map(Row::Dead));
        living.chain(dead.into_iter().flatten()).filter_map(move |row| {
            let brief = row.brief();
            if !(self.sees)(brief.scope, brief.owner) {
                return None;
            }
            let facts = if with_use { (self.facts)(row.token().id) } else { UsageFacts::default() };
            let asked = TokenRow { row, facts, registry: self.registry, now: self.now };
            filter.fits(&asked).then_some((row, facts))
        })
    }
}

fn bad_cursor() -> Problem {
    let detail = "the cursor belongs to another order or another program; begin again without it";
    Problem::new(Slug::Validation, detail).with_error("cursor", "unknown")
}

#[cfg(test)]
mod tests;
