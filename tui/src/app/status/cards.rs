//! What the tokens give cause to look at: hygiene, who calls most, overlaps. Each row opens its tokens.

use std::cmp::Reverse;
use std::sync::Arc;

use tollgate_shared::api::{Talker, TalkerTable, TalkersBy, TokenView};
use tollgate_shared::id::TokenId;
use tollgate_shared::time::Timestamp;

use super::super::chips;
use super::super::detail::{Kind, Line};
use super::super::model::Model;
use super::super::words::{self, count, group};
use super::{Row, Target, head};

/// Those who call most that are named.
const TALKERS: usize = 5;
/// Addresses and services that are named.
const TALKERS_BESIDE: usize = 3;
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
        let mut overlaps: Vec<_> =
            tokens.iter().filter(|token| chips::rotating(token, now).is_some()).cloned().collect();
        overlaps.sort_by_key(|token| token.overlap_until);
        let more_overlaps = overlaps.len().saturating_sub(OVERLAPS);
        overlaps.truncate(OVERLAPS);
        Self { hygiene, overlaps, more_overlaps, loaded: true }
    }
}

pub(super) fn rows(model: &Model) -> Vec<Row> {
    let cards = &model.health.cards;
    let mut rows = talkers(model);
    if !cards.loaded {
        rows.extend([Row::Text(head("TOKENS")), Row::Text(Line::plain("loading".to_owned()))]);
        return rows;
    }
    rows.extend(overlaps(cards, model.now));
    rows.extend(hygiene(cards));
    rows
}

/// Who calls most now: tokens, addresses, services. A name may be as long as a screen is wide: the numbers stand before it.
fn talkers(model: &Model) -> Vec<Row> {
    let by = model.health.talkers_by;
    let what = match by {
        TalkersBy::Calls => "WHO CALLS MOST",
        TalkersBy::Refused => "WHO IS REFUSED MOST",
        TalkersBy::NoMatch => "WHOSE CALLS MATCH NOTHING MOST",
    };
    let title = format!("{what}, in the last 10 s and the last minute");
    let mut rows = vec![Row::Text(head(&title))];
    let Some(told) = &model.health.talkers else {
        rows.push(Row::Text(Line::plain("asking the daemon".to_owned())));
        return rows;
    };
    rows.extend(table("TOKEN", &told.tokens, by, TALKERS));
    rows.extend(told.addresses.iter().flat_map(|addresses| table("ADDRESS", addresses, by, TALKERS_BESIDE)));
    rows.extend(table("SERVICE", &told.services, by, TALKERS_BESIDE));
    if rows.len() == 1 {
        rows.push(Row::Text(Line::plain("nobody for a minute".to_owned())));
    }
    rows
}

fn table(head: &str, of: &TalkerTable, by: TalkersBy, named: usize) -> Vec<Row> {
    if of.rows.is_empty() && of.others.is_none() {
        return Vec::new();
    }
    // What opens has a mark before it, which the others have not.
    let line = format!(" {:>9} {:>10} {:>9} {:>9}  {head}", "10 s", "minute", "refused", "no match");
    let mut rows = vec![Row::Text(Line::new(Kind::Strong, line))];
    // The answer to the question before may still be shown.
    let mut foremost: Vec<&Talker> = of.rows.iter().collect();
    foremost.sort_by_key(|row| Reverse((by.of(row.last_10s), by.of(row.last_minute))));
    rows.extend(foremost.into_iter().take(named).map(talker));
    rows.extend(of.others.iter().map(talker));
    let hidden = u64::from(of.known).saturating_sub(of.rows.len().min(named) as u64);
    if hidden > 0 {
        let text = format!("{:>11}and {} more: tollgate status --talkers", "", group(hidden));
        rows.push(Row::Text(Line::plain(text)));
    }
    rows
}

/// Refusals and calls that matched nothing are those of the minute.
fn talker(row: &Talker) -> Row {
    let (now, minute) = (row.last_10s, row.last_minute);
    let [calls, of_minute, refused, no_match] = [now.calls, minute.calls, minute.refused, minute.no_match]
        .map(|count| if count == 0 { "-".to_owned() } else { group(count) });
    let text = format!("{calls:>9} {of_minute:>10} {refused:>9} {no_match:>9}  {}", row.name);
    match row.id.as_deref().and_then(|id| id.parse::<TokenId>().ok()) {
        Some(token) => Row::Open(Line::plain(text), Target::Token(token)),
        None => Row::Text(Line::plain(format!(" {text}"))),
    }
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
    use super::super::super::fixtures::{self, model, now, token, tokens};
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
    fn who_calls_most_is_told_by_token_address_and_service_with_what_was_refused_and_matched_nothing() {
        let mut model = model(80, 24, 3);
        let lines =
            |model: &Model| talkers(model).iter().map(|row| row.clone().into_line().unwrap().text).collect::<Vec<_>>();
        assert_eq!(lines(&model)[1], "asking the daemon");
        model.health.talkers = Some(Box::new(fixtures::talkers()));
        let told = lines(&model);
        assert_eq!(told[1], "      10 s     minute   refused  no match  TOKEN");
        assert_eq!(told[2], "   49,900    299,400     1,200        30  am-legacy");
        assert!(talkers(&model)[2].target().is_some(), "Enter opens the token");
        assert!(
            told.iter().any(|line| line.ends_with("  10.9.9.9")) && told.iter().any(|line| line.ends_with("  Ops/DB"))
        );
        assert!(told.iter().any(|line| line.ends_with("  others")), "{told:?}");
        assert!(told.iter().all(|line| line.len() <= 78), "{told:?}");
        model.health.talkers = Some(Box::default());
        assert_eq!(lines(&model)[1], "nobody for a minute");
    }
}
