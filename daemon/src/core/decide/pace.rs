//! How fast a token opens incidents that have no key (domain.md §6): beyond 100 a minute into one service its calls go to
//! the overflow incident.

use std::collections::{HashMap, VecDeque};

use tollgate_shared::id::{ServiceId, TokenId};
use tollgate_shared::limits::UNKEYED_PER_MINUTE_MAX;
use tollgate_shared::time::Timestamp;

/// The minute that is looked back over: it ends now, so that no two hundreds fit around the turn of one.
const MINUTE_SECS: i64 = 60;

/// When each token opened its last incidents without a key, at most a hundred of each service. Forgotten at a restart:
/// then a storm gets another hundred.
#[derive(Default)]
pub struct Pace {
    opened: HashMap<(TokenId, ServiceId), VecDeque<Timestamp>>,
    swept_at: Timestamp,
}

impl Pace {
    /// Counts one more incident without a key; false where a hundred were opened in the last minute.
    pub fn may_open(&mut self, token: TokenId, service: ServiceId, now: Timestamp) -> bool {
        self.sweep(now);
        let opened = self.opened.entry((token, service)).or_default();
        while opened.front().is_some_and(|first| is_over(*first, now)) {
            opened.pop_front();
        }
        let may = opened.len() < UNKEYED_PER_MINUTE_MAX as usize;
        if may {
            opened.push_back(now);
        }
        may
    }

    /// Once a minute those are forgotten that have opened nothing in it.
    fn sweep(&mut self, now: Timestamp) {
        if is_over(self.swept_at, now) {
            self.swept_at = now;
            self.opened.retain(|_, opened| opened.back().is_some_and(|last| !is_over(*last, now)));
        }
    }
}

fn is_over(at: Timestamp, now: Timestamp) -> bool {
    at.plus_secs(MINUTE_SECS) <= now
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn token(number: u8) -> TokenId {
        format!("s_000000000{number}").parse().unwrap()
    }

    fn service(number: u8) -> ServiceId {
        ServiceId(Uuid::from_u128(number.into()))
    }

    #[test]
    fn no_two_hundreds_fit_around_the_turn_of_a_minute() {
        let (mut pace, turn) = (Pace::default(), START.plus_secs(60 - START.as_secs().rem_euclid(60)));
        let opened = |pace: &mut Pace, at| (0..150).filter(|_| pace.may_open(token(1), service(1), at)).count();
        assert_eq!(opened(&mut pace, turn.plus_secs(-1)), 100);
        assert_eq!((opened(&mut pace, turn), opened(&mut pace, turn.plus_secs(58))), (0, 0));
        assert_eq!(opened(&mut pace, turn.plus_secs(59)), 100, "a minute after the first hundred");
    }

    proptest! {
        #[test]
        fn in_any_60_seconds_a_token_opens_at_most_100_in_a_service_and_is_refused_nothing_below(
            steps in prop::collection::vec((0_i64..40_000_000, 1_usize..90, 1_u8..3, 1_u8..3), 1..40),
        ) {
            let (mut pace, mut now, mut model) = (Pace::default(), START, Vec::new());
            for (micros, times, from, to) in steps {
                now = Timestamp::from_micros(now.as_micros() + micros);
                for _ in 0..times {
                    let of_minute = |(at, pair): &&(Timestamp, (u8, u8))| *pair == (from, to) && now.micros_since(*at) < 60_000_000;
                    let expected = model.iter().filter(of_minute).count() < 100;
                    prop_assert_eq!(pace.may_open(token(from), service(to), now), expected);
                    if expected {
                        model.push((now, (from, to)));
                    }
                }
                prop_assert!(pace.opened.len() <= 4);
            }
        }
    }
}
