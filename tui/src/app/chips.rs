//! What there is to say of a token in one or two words each: chips. The words carry it, a colour only adds.

use tollgate_shared::api::TokenView;
use tollgate_shared::query::{Bound, NoNames, Query, TOKENS};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::TokenState;

use super::tokens::EXPIRING_SECS;
use super::words::{self, age};

/// What `is:` can ask for; the first ones are counted above the table.
pub const WORDS: [&str; 19] = [
    "active",
    "expiring",
    "expired",
    "suspended",
    "rotating",
    "starting",
    "never-used",
    "revoked",
    "sealed",
    "personal",
    "debug",
    "limited",
    "blocking",
    "imported",
    "open-to-any",
    "idle",
    "endless",
    "in-address",
    "needs-rotation",
];

/// A token that was not used for so long may not be needed any more.
const IDLE_SECS: i64 = 90 * 86_400;

/// Words that are counted above the table.
pub const COUNTED: usize = 7;

/// Whether a chip is on a token. `None` for a word that is no chip.
#[must_use]
pub fn is(token: &TokenView, word: &str, now: Timestamp) -> Option<bool> {
    let revoked = token.state == TokenState::Revoked;
    let ends_in = token.expires_at.map(|at| at.secs_since(now));
    let expired = !revoked && (token.state == TokenState::Expired || ends_in.is_some_and(|secs| secs <= 0));
    let lives = !revoked && !expired;
    Some(match word {
        "active" => token.state == TokenState::Active && lives,
        "expiring" => lives && ends_in.is_some_and(|secs| secs < EXPIRING_SECS),
        "expired" => expired,
        "suspended" => token.suspended.is_some() && !revoked,
        "rotating" => rotating(token, now).is_some(),
        "starting" => token.state == TokenState::NotYetValid,
        "needs-rotation" => token.state == TokenState::NeedsRotation,
        "never-used" => lives && token.usage.last_use.is_none(),
        "revoked" => revoked,
        "sealed" => token.sealed,
        "personal" => token.owner_id.is_some(),
        "debug" => token.debug_until.is_some_and(|until| until > now),
        "limited" => token.limit_at(now).is_some(),
        "blocking" => blocks(token, now) > 0,
        "imported" => token.imported,
        "open-to-any" => lives && token.allowed_ips.is_empty(),
        "idle" => lives && token.usage.last_use.as_ref().is_some_and(|last| now.secs_since(last.at) > IDLE_SECS),
        "endless" => lives && token.expires_at.is_none(),
        "in-address" => lives && token.usage.query_token_calls > 0,
        _ => return None,
    })
}

/// How far a rotation is, while its overlap runs.
#[must_use]
pub fn rotating(token: &TokenView, now: Timestamp) -> Option<(u32, u32)> {
    let runs = token.overlap_until.is_some_and(|until| until > now) && token.state != TokenState::Revoked;
    runs.then(|| token.rotating.unwrap_or_default())
}

/// All chips of a token, the weightiest first.
#[must_use]
pub fn chips(token: &TokenView, now: Timestamp) -> Vec<String> {
    let mut chips = vec![state(token, now)];
    let left = |at: Timestamp| age(at.secs_since(now));
    if let Some((new, all)) = rotating(token, now) {
        chips.push(format!("ROTATING {new}/{all}, {} left", token.overlap_until.map(left).unwrap_or_default()));
    }
    if is(token, "expiring", now) == Some(true) {
        chips.push(format!("EXPIRING in {} !", token.expires_at.map(left).unwrap_or_default()));
    }
    if let Some(until) = token.debug_until.filter(|until| *until > now) {
        let part = token.debug_one_in.map_or_else(String::new, |one_in| format!("1 in {one_in}, "));
        chips.push(format!("DEBUG {part}{} left", left(until)));
    }
    let timed = token.limited_for.filter(|one| now < one.until);
    chips.extend(timed.map(|one| format!("LIMITED until {}", words::minute(one.until))));
    if let Some(last) = token.blocked.iter().map(|one| one.until).filter(|until| now < *until).max() {
        chips.push(format!("BLOCKS {} until {}", blocks(token, now), words::minute(last)));
    }
    let flags = [
        (token.sealed, "SEALED"),
        (token.owner_id.is_some(), "PERSONAL"),
        (token.imported, "IMPORTED"),
        (token.ip_report_only && !token.allowed_ips.is_empty(), "REPORT ONLY"),
        (token.rate_limit.is_some() && timed.is_none(), "LIMITED"),
        (token.dedup_strict, "STRICT DEDUP"),
    ];
    chips.extend(flags.iter().filter(|(on, _)| *on).map(|(_, chip)| (*chip).to_owned()));
    chips
}

/// Addresses and networks that are blocked now.
fn blocks(token: &TokenView, now: Timestamp) -> usize {
    token.blocked.iter().filter(|one| now < one.until).count()
}

fn state(token: &TokenView, now: Timestamp) -> String {
    let since = |at: Timestamp| age(now.secs_since(at));
    if let Some(suspended) = token.suspended.as_ref().filter(|_| token.state != TokenState::Revoked) {
        return format!("SUSPENDED {}", since(suspended.at));
    }
    match token.state {
        TokenState::Revoked => format!("REVOKED {}", token.revoked_at.map(since).unwrap_or_default()),
        TokenState::NeedsRotation => "NEEDS ROTATION".to_owned(),
        TokenState::NotYetValid => {
            format!("STARTS in {}", token.not_before.map(|at| age(at.secs_since(now))).unwrap_or_default())
        }
        _ if is(token, "expired", now) == Some(true) => {
            format!("EXPIRED {}", token.expires_at.map(since).unwrap_or_default())
        }
        _ => "ACTIVE".to_owned(),
    }
}

/// Whether a token passes a filter: every `is:` word has to hold, and the rest stands in its texts. Tombstones are only
/// there for those who ask for them.
#[must_use]
pub fn passes(token: &TokenView, filter: &str, now: Timestamp) -> bool {
    let mut rest = Vec::new();
    let mut revoked = false;
    for word in filter.split_whitespace() {
        match word.strip_prefix("is:") {
            Some(chip) => {
                // A chip that is half typed hides nothing.
                if is(token, chip, now) == Some(false) {
                    return false;
                }
                revoked |= chip == "revoked";
            }
            None => rest.push(word),
        }
    }
    let shown = revoked || token.state != TokenState::Revoked;
    shown && (rest.is_empty() || super::tokens::matches_text(token, &rest.join(" ")))
}

/// A filter in the query language; none where it names no field, so that plain words keep their meaning.
#[must_use]
pub fn query(filter: &str, now: Timestamp) -> Option<Bound> {
    let query = Query::parse(filter, &TOKENS).ok()?;
    query.any_field(&|_, _| true).then(|| query.bind(&NoNames, now).ok()).flatten()
}

/// As [`passes`], for a filter in the query language.
#[must_use]
pub fn passes_query(token: &TokenView, query: &Bound, filter: &str) -> bool {
    (token.state != TokenState::Revoked || wants_revoked(filter)) && query.passes(token)
}

/// True where the filter asks for tombstones.
#[must_use]
pub fn wants_revoked(filter: &str) -> bool {
    filter.split_whitespace().any(|word| matches!(word, "is:revoked" | "state:revoked"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{now, token};
    use super::*;

    #[test]
    fn every_state_has_a_word_and_a_filter() {
        let plain = token(100, "plain");
        let mut suspended = plain.clone();
        suspended.state = TokenState::Suspended;
        suspended.suspended = Some(tollgate_shared::api::SuspensionView {
            at: now().plus_secs(-840),
            by: "anna".into(),
            reason: String::new(),
        });
        let mut rotating = plain.clone();
        (rotating.overlap_until, rotating.rotating) = (Some(now().plus_secs(7_200)), Some((27, 40)));
        let mut starting = plain.clone();
        (starting.state, starting.not_before) = (TokenState::NotYetValid, Some(now().plus_secs(10_800)));
        let mut revoked = plain.clone();
        (revoked.state, revoked.revoked_at) = (TokenState::Revoked, Some(now().plus_secs(-60)));
        let cases = [
            (&plain, "active", "ACTIVE"),
            (&suspended, "suspended", "SUSPENDED 14m"),
            (&rotating, "rotating", "ROTATING 27/40, 2h left"),
            (&starting, "starting", "STARTS in 3h"),
            (&revoked, "revoked", "REVOKED 1m"),
        ];
        for (token, word, chip) in cases {
            assert!(chips(token, now()).iter().any(|one| one == chip), "{:?}", chips(token, now()));
            assert!(passes(token, &format!("is:{word}"), now()), "{word}");
        }
        assert!(WORDS.iter().all(|word| is(&plain, word, now()).is_some()));
    }

    #[test]
    fn a_filter_that_names_a_field_is_a_query_and_plain_words_stay_words() {
        assert!(query("zabbix prod", now()).is_none() && query("is:active", now()).is_none());
        let bound = query("name:old or expires:<14d", now()).unwrap();
        let mut token = token(100, "old");
        assert!(passes_query(&token, &bound, "name:old or expires:<14d"));
        token.state = TokenState::Revoked;
        assert!(!passes_query(&token, &bound, "name:old or expires:<14d"));
    }

    #[test]
    fn a_tombstone_is_there_only_for_who_asks() {
        let mut revoked = token(100, "old");
        revoked.state = TokenState::Revoked;
        assert!(!passes(&revoked, "old", now()) && !passes(&revoked, "", now()));
        assert!(passes(&revoked, "is:revoked old", now()));
        assert!(!passes(&token(101, "new"), "is:revoked", now()));
        assert!(passes(&token(101, "new"), "is:rev", now()), "half a word hides nothing");
    }
}
