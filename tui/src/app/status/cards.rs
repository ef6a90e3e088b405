//! What the tokens give cause to look at: hygiene, who calls most, overlaps. Each row opens its tokens.

use std::sync::Arc;

use tollgate_shared::api::TokenView;
use tollgate_shared::id::TokenId;
use tollgate_shared::time::Timestamp;

use super::super::chips;
use super::super::detail::{Kind, Line};
use super::super::model::Model;
use super::super::tokens::calls_in_hour;
use super::super::words::{self, count, group};
use super::{Row, Target, head};

/// Those who call most that are named.
const TALKERS: usize = 5;
/// Overlaps that are named; the filter shows the others.
const OVERLAPS: usize = 5;

/// The cards: the filter that opens one, and what is said of one token or of several. A worse one counts as attention.
const HYGIENE: [(&str, &str, &str, bool); 7] = [
    ("is:expired", "has expired: its calls are refused", "have expired: their calls are refused", true),
    ("is:expiring", "expires within 14 days", "expire within 14 days", true),
    ("is:idle", "was not used for 90 days", "were not used for 90 days", false),
    ("is:never-used", "was never used", "were never used", false),
    ("is:endless", "never ends", "never end", false),
    ("is:open-to-any", "may come from any address", "may come from any address", false),
    ("is:in-address", "came as ?token= in an address", "came as ?token= in an address", false),
];

/// Counted when the tokens come, not at each frame.
#[derive(Clone, Debug, Default)]
pub struct Cards {
    hygiene: [u64; HYGIENE.len()],
    /// Those with the most calls in the last whole minute: name, calls, calls in the hour.
    talkers: Vec<(TokenId, String, u64, u64)>,
    overlaps: Vec<Arc<TokenView>>,
    more_overlaps: usize,
    loaded: bool,
}

impl Cards {
    /// Looks through all living tokens.
    #[must_use]
    pub fn of(tokens: &[Arc<TokenView>], now: Timestamp) -> Self {
        let mut hygiene = [0; HYGIENE.len()];
        for (counted, (filter, ..)) in hygiene.iter_mut().zip(HYGIENE) {
            let chip = filter.trim_start_matches("is:");
            *counted = tokens.iter().filter(|token| chips::is(token, chip, now) == Some(true)).count() as u64;
        }
        let minute = |token: &TokenView| token.usage.calls_per_minute.iter().rev().nth(1).copied().unwrap_or(0);
        let mut talkers: Vec<_> = tokens.iter().filter(|token| minute(token) > 0).collect();
        talkers.sort_by_key(|token| (std::cmp::Reverse(minute(token)), token.name.to_lowercase()));
        let named = talkers.iter().take(TALKERS);
        let talkers = named.map(|token| (token.id, token.name.clone(), minute(token).into(), calls_in_hour(token)));
        let mut overlaps: Vec<_> =
            tokens.iter().filter(|token| chips::rotating(token, now).is_some()).cloned().collect();
        overlaps.sort_by_key(|token| token.overlap_until);
        let more_overlaps = overlaps.len().saturating_sub(OVERLAPS);
        overlaps.truncate(OVERLAPS);
        Self { hygiene, talkers: talkers.collect(), overlaps, more_overlaps, loaded: true }
    }
}

pub(super) fn rows(model: &Model) -> Vec<Row> {
    let cards = &model.health.cards;
    if !cards.loaded {
        return vec![Row::Text(head("TOKENS")), Row::Text(Line::plain("loading".to_owned()))];
    }
    let mut rows = talkers(cards);
    rows.extend(overlaps(cards, model.now));
    rows.extend(hygiene(cards));
    rows
}

fn talkers(cards: &Cards) -> Vec<Row> {
    let mut rows = vec![Row::Text(head("WHO CALLS MOST, the last whole minute"))];
    if cards.talkers.is_empty() {
        rows.push(Row::Text(Line::plain("no token was used in it".to_owned())));
    }
    rows.extend(cards.talkers.iter().map(|(id, name, minute, hour)| {
        // A name may be as long as a screen is wide: the numbers stand before it.
        let text = format!("{:>9}/min {:>11}/h  {name}", group(*minute), group(*hour));
        Row::Open(Line::plain(text), Target::Token(*id))
    }));
    rows
}

fn overlaps(cards: &Cards, now: Timestamp) -> Vec<Row> {
    if cards.overlaps.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![Row::Text(head("OVERLAPS: the old secret still works"))];
    rows.extend(cards.overlaps.iter().map(|token| {
        let (new, all) = chips::rotating(token, now).unwrap_or_default();
        let left = token.overlap_until.map_or_else(String::new, |until| words::countdown(until.secs_since(now)));
        let text = format!("{new} of {all} hosts moved, it dies in {left}  {}", token.name);
        Row::Open(Line::plain(text), Target::Token(token.id))
    }));
    if cards.more_overlaps > 0 {
        let text = format!("and {} more", count(cards.more_overlaps as u64, "token"));
        rows.push(Row::Open(Line::plain(text), Target::Tokens("is:rotating")));
    }
    rows
}

fn hygiene(cards: &Cards) -> Vec<Row> {
    let mut rows = vec![Row::Text(head("HYGIENE, Enter shows the tokens"))];
    for (counted, (filter, one, many, worse)) in cards.hygiene.iter().zip(HYGIENE) {
        if *counted > 0 {
            let sign = if worse { "  !" } else { "" };
            let text = format!("{:>5} {}{sign}", group(*counted), if *counted == 1 { one } else { many });
            let kind = if worse { Kind::Worth } else { Kind::Plain };
            rows.push(Row::Open(Line::new(kind, text), Target::Tokens(filter)));
        }
    }
    if rows.len() == 1 {
        rows.push(Row::Text(Line::plain("nothing to see to".to_owned())));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::{now, token, tokens};
    use super::*;

    #[test]
    fn every_card_counts_what_its_filter_shows() {
        let mut all = tokens(30);
        let mut odd = token(77, "odd");
        odd.usage.query_token_calls = 3;
        odd.usage.last_use.as_mut().unwrap().at = now().plus_secs(-91 * 86_400);
        odd.expires_at = None;
        all.push(Arc::new(odd));
        let cards = Cards::of(&all, now());
        for (counted, (filter, ..)) in cards.hygiene.iter().zip(HYGIENE) {
            let shown = all.iter().filter(|token| chips::passes(token, filter, now())).count() as u64;
            assert_eq!(*counted, shown, "{filter}");
            assert!(shown > 0, "{filter} has an example");
        }
    }

    #[test]
    fn who_calls_most_stands_first_and_who_is_quiet_not_at_all() {
        let mut all: Vec<_> = (1..=9).map(|number| token(number, &format!("t{number}"))).collect();
        for (token, calls) in all.iter_mut().zip([0, 5, 7, 0, 900, 1, 2, 3, 4]) {
            token.usage.calls_per_minute = vec![0; 60];
            token.usage.calls_per_minute[58] = calls;
            token.usage.calls_per_minute[59] = 50;
        }
        let all: Vec<_> = all.into_iter().map(Arc::new).collect();
        let names: Vec<_> = Cards::of(&all, now()).talkers.into_iter().map(|(_, name, ..)| name).collect();
        assert_eq!(names, ["t5", "t3", "t2", "t9", "t8"]);
    }
}
