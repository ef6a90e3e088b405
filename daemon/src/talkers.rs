//! Who calls most now: calls, refusals and calls that matched nothing, by token, by address and by service, second by
//! second for the last minute. In memory alone, and bounded: a table that is full gathers its quietest in one row, so that
//! whoever begins to flood always gets a row of its own, and the sum stays exact.

mod table;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_shared::api::{TalkerCounts, TalkersBy};
use tollgate_shared::id::{ServiceId, TokenId};
use tollgate_shared::limits::{RESULTS_LISTED_MAX, TALKERS_MAX};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use self::table::Table;

/// All three tables.
pub struct Talkers(
    /// Held for a few additions, never over I/O or an await.
    Mutex<Tables>,
);

struct Tables {
    tokens: Table<TokenId>,
    addresses: Table<IpAddr>,
    services: Table<ServiceId>,
}

/// One call, as far as it is counted here.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    /// When.
    pub at: Timestamp,
    /// With whose secret.
    pub token: TokenId,
    /// From where.
    pub ip: IpAddr,
    /// What became of it.
    pub outcome: Outcome,
}

/// One row: in the last ten seconds, and in the last minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<K> {
    /// Who or what.
    pub key: K,
    /// The running second and the nine before it.
    pub last_10s: TalkerCounts,
    /// The running second and the 59 before it.
    pub last_minute: TalkerCounts,
}

/// A table, the foremost first.
pub struct Ranking<K> {
    /// Those who called in the last minute.
    pub rows: Vec<Standing<K>>,
    /// What was gathered, where there is anything.
    pub others: Option<Standing<()>>,
}

/// All of them.
pub struct Rankings {
    /// By token.
    pub tokens: Ranking<TokenId>,
    /// By address.
    pub addresses: Ranking<IpAddr>,
    /// By service.
    pub services: Ranking<ServiceId>,
}

impl Default for Talkers {
    fn default() -> Self {
        let tables = Tables {
            tokens: Table::new(TALKERS_MAX),
            addresses: Table::new(TALKERS_MAX),
            services: Table::new(TALKERS_MAX),
        };
        Self(Mutex::new(tables))
    }
}

impl Talkers {
    /// Counts a call of a known token. `services`: where it matched, or the one that its token reaches; none = in no
    /// service. Of a call that matched in very many the last ones are gathered.
    pub fn count(&self, talk: Talk, services: impl Iterator<Item = ServiceId>) {
        let count = counts_of(talk.outcome);
        let mut tables = self.tables();
        tables.tokens.count(Some(talk.token), talk.at, count);
        tables.addresses.count(Some(talk.ip.to_canonical()), talk.at, count);
        let mut nowhere = true;
        for (place, service) in services.enumerate() {
            nowhere = false;
            tables.services.count(Some(service).filter(|_| place < RESULTS_LISTED_MAX), talk.at, count);
        }
        if nowhere {
            tables.services.count(None, talk.at, count);
        }
    }

    /// Counts a call that was refused before a token was known.
    pub fn unknown(&self, ip: Option<IpAddr>, at: Timestamp) {
        self.tables().addresses.count(ip.map(|ip| ip.to_canonical()), at, counts_of(Outcome::Rejected));
    }

    /// All tables, ordered by the last ten seconds and then by the last minute.
    pub fn rankings(&self, by: TalkersBy, now: Timestamp) -> Rankings {
        let tables = self.tables();
        Rankings {
            tokens: tables.tokens.ranking(by, now),
            addresses: tables.addresses.ranking(by, now),
            services: tables.services.ranking(by, now),
        }
    }

    /// Counters survive a panic elsewhere: a poisoned lock is taken all the same.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counts_of(outcome: Outcome) -> TalkerCounts {
    let one = |is: bool| u64::from(is);
    TalkerCounts { calls: 1, refused: one(outcome == Outcome::Rejected), no_match: one(outcome == Outcome::NoMatch) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    #[test]
    fn a_call_counts_for_its_token_its_address_and_each_service_that_it_matched_in() {
        let (talkers, token) = (Talkers::default(), "s_7QmX0c2LrT".parse().unwrap());
        let services = [ServiceId(Uuid::from_u128(1)), ServiceId(Uuid::from_u128(2))];
        let talk = Talk { at: START, token, ip: [10, 0, 0, 1].into(), outcome: Outcome::Created };
        talkers.count(talk, services.into_iter());
        let mapped = Talk { outcome: Outcome::NoMatch, ip: "::ffff:10.0.0.1".parse().unwrap(), ..talk };
        talkers.count(mapped, std::iter::empty());
        talkers.unknown(Some([10, 0, 0, 2].into()), START);
        talkers.unknown(None, START);
        let all = talkers.rankings(TalkersBy::Calls, START);
        let counts = |calls, refused, no_match| TalkerCounts { calls, refused, no_match };
        assert_eq!(all.tokens.rows[0].last_10s, counts(2, 0, 1));
        let addresses: Vec<_> = all.addresses.rows.iter().map(|row| (row.key.to_string(), row.last_minute)).collect();
        assert_eq!(addresses, [("10.0.0.1".to_owned(), counts(2, 0, 1)), ("10.0.0.2".to_owned(), counts(1, 1, 0))]);
        assert_eq!(all.addresses.others.unwrap().last_10s, counts(1, 1, 0), "an address that nobody knows");
        assert_eq!(all.services.rows.len(), 2);
        assert_eq!(all.services.others.unwrap().last_10s, counts(1, 0, 1), "what matched nowhere has no service");
    }

    #[test]
    fn the_tables_are_ordered_by_what_was_asked_for() {
        let talkers = Talkers::default();
        let send = |number: u8, outcome, times| {
            let token = format!("s_000000000{number}").parse().unwrap();
            for _ in 0..times {
                talkers.count(Talk { at: START, token, ip: [10, 0, 0, number].into(), outcome }, std::iter::empty());
            }
        };
        send(1, Outcome::Created, 9);
        send(2, Outcome::Rejected, 5);
        send(3, Outcome::NoMatch, 4);
        let first = |by| talkers.rankings(by, START).addresses.rows[0].key.to_string();
        assert_eq!(TalkersBy::ALL.map(first), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    }
}
