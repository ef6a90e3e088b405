//! Finding tokens: the filters, the orders and the pages of `GET /v1/tokens` (domain.md §2, Find).
//!
//! 100,000 tokens are ordinary: rows are compared by small ranks, and only the page that is shown is made into views. The
//! cursor holds the last row's rank, so a page goes on at the same place whatever was created or revoked meanwhile.

mod filter;
mod order;

use std::sync::Arc;

use tollgate_shared::id::TokenId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;

use super::model::{Token, Tombstone};
use super::registry::Registry;
use crate::usage::UsageFacts;

pub use filter::{PARAMETERS, TokenFilter};
pub use order::Order;

use order::Rank;

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
    /// Whether the caller may see a token.
    pub sees: &'a dyn Fn(&Token) -> bool,
    /// Now.
    pub now: Timestamp,
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
        let after = cursor.map(|cursor| Rank::from_cursor(order, cursor).ok_or_else(bad_cursor)).transpose()?;
        let mut ranked: Vec<(Rank, Found)> = self
            .found(filter)
            .map(|(found, facts)| (order.rank(self.registry, found.token(), facts, self.now, &found), found))
            .filter(|(rank, _)| after.as_ref().is_none_or(|after| order.compare(rank, after).is_gt()))
            .collect();
        let more = ranked.len() > limit;
        if more {
            ranked.select_nth_unstable_by(limit, |a, b| order.compare(&a.0, &b.0));
            ranked.truncate(limit);
        }
        ranked.sort_unstable_by(|a, b| order.compare(&a.0, &b.0));
        let next = ranked.last().filter(|_| more).map(|(rank, _)| rank.cursor(order));
        Ok((ranked.into_iter().map(|(_, found)| found).collect(), next))
    }

    /// The ids of all that a filter finds.
    pub fn ids(&self, filter: &TokenFilter) -> Vec<TokenId> {
        self.found(filter).map(|(found, _)| found.token().id).collect()
    }

    fn found<'f>(&'f self, filter: &'f TokenFilter) -> impl Iterator<Item = (Found, UsageFacts)> + 'f {
        let living = (!filter.dead()).then(|| self.registry.tokens().cloned().map(Found::Living));
        let dead = filter.dead().then(|| self.registry.tombstones().cloned().map(Found::Dead));
        let all = living.into_iter().flatten().chain(dead.into_iter().flatten());
        all.filter_map(|found| {
            let token = found.token();
            if !filter.fits_token(token, self.now) || !(self.sees)(token) {
                return None;
            }
            let facts = (self.facts)(token.id);
            filter.fits_use(token, facts, self.now).then_some((found, facts))
        })
    }
}

fn bad_cursor() -> Problem {
    let detail = "the cursor belongs to another order or another program; begin again without it";
    Problem::new(Slug::Validation, detail).with_error("cursor", "unknown")
}

#[cfg(test)]
mod tests;
