//! Which rows of the log somebody wants, and from where.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tollgate_shared::id::TokenId;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Problem;
use tollgate_shared::query::{Bound, LOGS, Query, typed_value};
use tollgate_shared::time::Timestamp;

use super::super::params;
use crate::core::access::{Actor, Operation, Sight, Who};
use crate::core::asked::{bound, parsed, secs, term};
use crate::core::registry::Registry;
use crate::daemon::Daemon;
use crate::store::LogHints;

/// Parameters that ask for rows; `q` is the language, the others are older and mean the same as its terms.
pub(in crate::local) const PARAMETERS: [&str; 5] = ["q", "token", "outcome", "status", "since_secs"];

/// Which rows a reader wants.
#[derive(Clone)]
pub(in crate::local) struct LogQuery {
    /// Whose sight the rows are cut to; `None` = nothing need be cut.
    reader: Option<Reader>,
    asked: Query,
    /// The moment that `since:15m` counts from, also when names are looked up again.
    at: Timestamp,
    bound: Arc<Bound>,
    /// Of the registry that the names were looked up in.
    version: u64,
    /// Go on after this seq.
    pub(in crate::local) after: Option<u64>,
    /// The cursor was of another log: say so, then begin.
    pub(super) foreign_cursor: bool,
}

/// Somebody who does not see every token's rows. What he sees is judged row by row, as he is and as the registry is then:
/// a tail may be open for days.
#[derive(Clone)]
struct Reader {
    daemon: Arc<Daemon>,
    actor: Actor,
}

/// A place in one log. Opaque to readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::local) struct Cursor {
    /// Which log.
    pub(in crate::local) store_id: u64,
    /// Everything up to here was seen.
    pub(in crate::local) seq: u64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is what a heartbeat or a page gave, or a seq")]
pub(in crate::local) struct NotACursor;

// === impl Reader ===

impl Reader {
    fn sees(&self, token: TokenId) -> bool {
        let registry = self.daemon.registry.load();
        Sight::new(&self.actor.as_of_now(&registry), &registry).token(Operation::ReadLog, token)
    }
}

// === impl LogQuery ===

impl LogQuery {
    /// Reads `q`, the older parameters and `after`.
    ///
    /// # Errors
    /// 422 with the place in `q` or the parameter named; what a reference to a token does not find.
    pub(in crate::local) fn parse(
        daemon: &Arc<Daemon>,
        actor: &Actor,
        query: &params::Query<'_>,
    ) -> Result<Self, Problem> {
        let registry = daemon.registry.load();
        let (asked, at) = (asked(&registry, query)?, daemon.clock.now());
        let cursor = match query.get("after").map(str::parse::<u64>) {
            Some(Ok(seq)) => Some(Cursor { store_id: daemon.facts.store_id, seq }),
            _ => query.parsed::<Cursor>("after")?,
        };
        let ours = cursor.filter(|cursor| cursor.store_id == daemon.facts.store_id);
        let sees_all = matches!(actor.who, Who::Superuser);
        let reader = || Reader { daemon: daemon.clone(), actor: actor.clone() };
        Ok(Self {
            reader: (!sees_all).then(reader),
            bound: Arc::new(bound(&asked, &registry, at)?),
            version: registry.version(),
            asked,
            at,
            after: ours.map(|cursor| cursor.seq).or_else(|| cursor.map(|_| 0)),
            foreign_cursor: cursor.is_some() && ours.is_none(),
        })
    }

    /// A query of somebody who sees everything.
    #[cfg(test)]
    pub(in crate::local) fn asking(text: &str, at: Timestamp) -> Self {
        let asked = Query::parse(text, &LOGS).unwrap();
        let bound = Arc::new(asked.bind(&tollgate_shared::query::NoNames, at).unwrap());
        Self { reader: None, asked, at, bound, version: 0, after: None, foreign_cursor: false }
    }

    /// Looks the names up again where the registry has changed: a tail may be open for days, and a token that was made
    /// meanwhile for a service counts for `service:`. Where a name is gone, the objects that had it are still meant.
    pub(super) fn refresh(&mut self, daemon: &Daemon) {
        let registry = daemon.registry.load();
        if registry.version() != self.version {
            self.version = registry.version();
            if let Ok(bound) = bound(&self.asked, &registry, self.at) {
                self.bound = Arc::new(bound);
            }
        }
    }

    /// What the query says of the rows beforehand.
    pub(in crate::local) fn bound(&self) -> &Bound {
        &self.bound
    }

    /// The tokens whose rows alone can pass; `None` = rows of any.
    pub(super) fn tokens(&self) -> Option<&BTreeSet<TokenId>> {
        self.bound.hints().tokens.as_ref()
    }

    /// Of the registry that the names were looked up in.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Cut to what somebody sees.
    pub(in crate::local) fn is_cut(&self) -> bool {
        self.reader.is_some()
    }

    /// What the store may leave closed; [`LogQuery::passes`] decides on what it shows.
    pub(in crate::local) fn hints(&self) -> LogHints {
        let hints = self.bound.hints();
        let status = |number: i64| u16::try_from(number.clamp(0, i64::from(u16::MAX))).unwrap_or(u16::MAX);
        let moment = |micros: i64, none: i64| (micros != none).then(|| Timestamp::from_micros(micros));
        let statuses = status(*hints.status.start())..=status(*hints.status.end());
        LogHints {
            tokens: hints.tokens.clone(),
            outcomes: (hints.outcomes.len() < Outcome::ALL.len()).then(|| hints.outcomes.iter().copied().collect()),
            statuses: (statuses != (0..=u16::MAX)).then_some(statuses),
            since: moment(*hints.at.start(), i64::MIN),
            until: moment(*hints.at.end(), i64::MAX),
            ..LogHints::default()
        }
    }

    /// The seq before the first row that can pass, where the query says so.
    pub(super) fn begins_after(&self) -> Option<u64> {
        let hints = self.bound.hints();
        let by_seq = u64::try_from(hints.seq.start().saturating_sub(1)).ok().filter(|_| *hints.seq.start() != i64::MIN);
        by_seq.or_else(|| (*hints.at.start() != i64::MIN).then_some(0))
    }

    /// True where no row that is still to come can pass.
    pub(in crate::local) fn is_over(&self, newest: u64) -> bool {
        let hints = self.bound.hints();
        hints.pass_nothing()
            || *hints.at.end() < self.at.as_micros()
            || u64::try_from(*hints.seq.end()).is_ok_and(|last| last <= newest)
    }

    pub(in crate::local) fn passes(&self, row: &LogRow) -> bool {
        self.bound.passes(row) && self.sees(row.token)
    }

    fn sees(&self, token: TokenId) -> bool {
        self.reader.as_ref().is_none_or(|reader| reader.sees(token))
    }
}

fn asked(registry: &Registry, query: &params::Query<'_>) -> Result<Query, Problem> {
    let mut asked = parsed(query.get("q").unwrap_or_default(), &LOGS)?;
    if let Some(reference) = query.get("token") {
        let dead = || reference.parse::<TokenId>().ok().and_then(|id| registry.tombstone(id)).map(|s| s.token.id);
        let id = registry.find_token(reference).map(|token| token.id).or_else(|missing| dead().ok_or(missing))?;
        asked = asked.and(term("token", &format!("token:{id}"), &LOGS)?);
    }
    for name in ["outcome", "status"] {
        if let Some(value) = query.get(name) {
            asked = asked.and(term(name, &format!("{name}:{}", typed_value(value)), &LOGS)?);
        }
    }
    if let Some(since) = query.parsed::<u32>("since_secs")? {
        asked = asked.and(term("since_secs", &format!("since:{}", secs(since)), &LOGS)?);
    }
    Ok(asked)
}

// === impl Cursor ===

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.store_id, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (store_id, seq) = text.split_once('.').ok_or(NotACursor)?;
        let store_id = u64::from_str_radix(store_id, 16).map_err(|_| NotACursor)?;
        Ok(Self { store_id, seq: seq.parse().map_err(|_| NotACursor)? })
    }
}

#[cfg(test)]
mod tests;
