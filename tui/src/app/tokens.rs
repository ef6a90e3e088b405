//! The Tokens screen: the table's rows, their order, and what is worth a look.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_shared::api::{RecentUse, TokenView};
use tollgate_shared::id::TokenId;
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::TokenState;

use super::chips;
use super::cursor::Cursor;
use super::hosts::Hosts;
use super::marks::Marks;
use super::msg::Evidence;
use super::tail::Tail;
use super::words;

/// A token that ends within this long is worth a look.
pub const EXPIRING_SECS: i64 = 14 * 86_400;
/// A refusal is recent for this long.
const REFUSED_RECENTLY_SECS: i64 = 3_600;
/// What the daemon calls the last calls: ten seconds.
const RECENT_SECS: i64 = 10;
/// A limit bites for this long after the last call that it refused.
const BITES_SECS: i64 = 60;

/// The table's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Attention,
    Name,
    Scope,
    Owner,
    State,
    Expires,
    LastUsed,
    Calls,
    Debug,
    Dedup,
    Creator,
    Created,
}

impl Sort {
    /// All orders with the letter of the sort menu.
    pub const ALL: [(char, Self, &'static str); 12] = [
        ('a', Self::Attention, "attention"),
        ('n', Self::Name, "name"),
        ('s', Self::Scope, "scope"),
        ('w', Self::Owner, "owner"),
        ('t', Self::State, "state"),
        ('e', Self::Expires, "expires"),
        ('l', Self::LastUsed, "last used"),
        ('c', Self::Calls, "calls now, then in the last hour"),
        ('g', Self::Debug, "debug"),
        ('p', Self::Dedup, "dedup"),
        ('b', Self::Creator, "created by"),
        ('d', Self::Created, "date of creation"),
    ];

    #[must_use]
    pub fn words(self) -> &'static str {
        Self::ALL.iter().find(|(_, sort, _)| *sort == self).map_or("", |(_, _, words)| words)
    }
}

/// Why a token is worth a look, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    Expired,
    /// Its last call was refused, within the last hour.
    Refused,
    Expiring,
}

/// Which tab of the lower pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaneTab {
    #[default]
    Calls,
    /// Where its calls came from.
    Hosts,
    Facts,
    /// The services and filters that it can hit.
    Reach,
    /// Its audit rows.
    Changes,
}

impl PaneTab {
    /// All tabs with their names, in their order.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Calls, "calls"),
        (Self::Hosts, "hosts"),
        (Self::Facts, "facts"),
        (Self::Reach, "reach"),
        (Self::Changes, "changes"),
    ];

    /// Its place among them.
    #[must_use]
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|(tab, _)| *tab == self).unwrap_or(0)
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self.place() + 1) % Self::ALL.len()].0
    }
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// All living tokens, in the order of the screen.
    pub all: Vec<Arc<TokenView>>,
    /// Where each token stands in `all`: every visible row of the log asks for a name.
    places: HashMap<TokenId, usize>,
    /// Places in `all` of those that pass the filter.
    pub shown: Vec<u32>,
    pub cursor: Cursor<TokenId>,
    /// Marked for one change of all of them.
    pub marks: Marks<TokenId>,
    pub filter: String,
    /// False: the filter is kept but not applied.
    pub filter_on: bool,
    pub search: String,
    pub sort: Sort,
    pub reverse: bool,
    pub tab: PaneTab,
    pub loaded: bool,
    /// The selected token's own calls.
    pub calls: Tail,
    /// When the daemon told them.
    pub told_at: Option<Timestamp>,
    /// The token that is most worth a look.
    pub worst: Option<Arc<TokenView>>,
    /// The token whose limit bites most: alerts are being lost.
    pub losing: Option<Arc<TokenView>>,
    /// How many tokens carry each of the counted chips.
    pub counts: [u32; chips::COUNTED + 1],
    /// What is known of a token beside itself, and of which version and use it was asked.
    pub evidence: Option<Box<Evidence>>,
    /// The table of its hosts.
    pub hosts: Hosts,
    pub evidence_asked: Option<(TokenId, u64, u64)>,
    /// Tombstones are among the tokens.
    pub with_revoked: bool,
    now: Timestamp,
}

impl Tokens {
    /// Takes all tokens anew. Rows that stay keep their place; new ones come last, until the next sort.
    /// Returns the name of the marked token if it is gone.
    pub fn replace(&mut self, fresh: Vec<Arc<TokenView>>, now: Timestamp) -> Option<String> {
        let first = !std::mem::replace(&mut self.loaded, true);
        (self.now, self.told_at) = (now, Some(now));
        let marked = self.selected().map(|token| token.name.clone());
        if first {
            self.all = fresh;
            self.resort(now);
            return None;
        }
        let mut by_id: HashMap<TokenId, Arc<TokenView>> = HashMap::with_capacity(fresh.len());
        let order: Vec<TokenId> = fresh.iter().map(|token| token.id).collect();
        by_id.extend(fresh.into_iter().map(|token| (token.id, token)));
        self.all = self.all.iter().filter_map(|old| by_id.remove(&old.id)).collect();
        self.all.extend(order.into_iter().filter_map(|id| by_id.remove(&id)));
        self.note_places();
        if self.refilter() { marked } else { None }
    }

    /// Looks for the worst again: after new data, not at each frame.
    pub fn note_worst(&mut self, now: Timestamp) {
        self.now = now;
        for (count, word) in self.counts.iter_mut().zip(chips::WORDS) {
            let on = self.all.iter().filter(|token| chips::is(token, word, now) == Some(true));
            *count = u32::try_from(on.count()).unwrap_or(u32::MAX);
        }
        let worth = self.all.iter().filter_map(|token| Some((attention(token, now)?, token)));
        self.worst = worth.min_by_key(|(attention, _)| *attention).map(|(_, token)| Arc::clone(token));
        let refused = |token: &&Arc<TokenView>| token.usage.last_10s.refused;
        let limited = self.all.iter().filter(|token| is_over_its_limit(token, now));
        self.losing = limited.max_by_key(refused).map(Arc::clone);
    }

    /// Takes one token anew.
    pub fn refresh(&mut self, token: TokenView) {
        match self.all.iter_mut().find(|old| old.id == token.id) {
            Some(old) => *old = Arc::new(token),
            None => {
                self.all.push(Arc::new(token));
                self.note_places();
            }
        }
        self.refilter();
    }

    pub fn remove(&mut self, id: TokenId) {
        self.all.retain(|token| token.id != id);
        self.note_places();
        self.refilter();
    }

    /// Sorts. Only on demand: never under the mark.
    pub fn resort(&mut self, now: Timestamp) {
        let (sort, reverse) = (self.sort, self.reverse);
        self.now = now;
        self.all.sort_by_cached_key(|token| token.name.to_lowercase());
        self.all.sort_by(|a, b| {
            let order = compare(sort, a, b, now);
            if reverse { order.reverse() } else { order }
        });
        self.note_places();
        self.refilter();
    }

    /// How many tokens pass a filter.
    #[must_use]
    pub fn count(&self, filter: &str) -> usize {
        let (wanted, query) = (filter.to_lowercase(), chips::query(filter, self.now));
        let passes = |token: &&Arc<TokenView>| match &query {
            Some(query) => chips::passes_query(token, query, &wanted),
            None => chips::passes(token, &wanted, self.now),
        };
        self.all.iter().filter(passes).count()
    }

    /// Applies the filter again. True if the marked token went.
    pub fn refilter(&mut self) -> bool {
        let wanted = if self.filter_on { self.filter.to_lowercase() } else { String::new() };
        let now = self.now;
        let query = if self.filter_on { chips::query(&self.filter, now) } else { None };
        let passes = |token: &TokenView| match &query {
            Some(query) => chips::passes_query(token, query, &wanted),
            None => chips::passes(token, &wanted, now),
        };
        self.shown = (0u32..).zip(&self.all).filter(|(_, token)| passes(token)).map(|(at, _)| at).collect();
        let (shown, all) = (&self.shown, &self.all);
        self.cursor.relocate(shown.len(), |at| all[shown[at] as usize].id)
    }

    #[must_use]
    pub fn selected(&self) -> Option<&Arc<TokenView>> {
        let token = self.row(self.cursor.index)?;
        (Some(token.id) == self.cursor.key).then_some(token)
    }

    /// A row of the table.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<&Arc<TokenView>> {
        self.shown.get(index).and_then(|at| self.all.get(*at as usize))
    }

    pub fn step(&mut self, by: isize) {
        let (shown, all) = (&self.shown, &self.all);
        self.cursor.step(by, shown.len(), |at| all[shown[at] as usize].id);
    }

    pub fn go(&mut self, index: usize) {
        let (shown, all) = (&self.shown, &self.all);
        self.cursor.go(index, shown.len(), |at| all[shown[at] as usize].id);
    }

    /// The place of the next row that the search text is in, the mark's own included if `from_here`.
    #[must_use]
    pub fn find(&self, forward: bool, from_here: bool) -> Option<usize> {
        let text = self.search.to_lowercase();
        let len = self.shown.len();
        if text.is_empty() || len == 0 {
            return None;
        }
        let first = usize::from(!from_here);
        let offsets = first..len + first;
        let place = |offset| {
            if forward { (self.cursor.index + offset) % len } else { (self.cursor.index + len - offset % len) % len }
        };
        offsets.map(place).find(|at| self.row(*at).is_some_and(|token| matches_text(token, &text)))
    }

    #[must_use]
    pub fn by_id(&self, id: TokenId) -> Option<&Arc<TokenView>> {
        self.all.get(*self.places.get(&id)?)
    }

    /// What is known of a token beside itself, once it has come.
    #[must_use]
    pub fn evidence_of(&self, token: &TokenView) -> Option<&Evidence> {
        self.evidence.as_deref().filter(|evidence| evidence.token == token.id.as_str())
    }

    /// Tombstones among the tokens.
    #[must_use]
    pub fn revoked(&self) -> usize {
        self.counts[chips::COUNTED] as usize
    }

    /// The name of a token, or its id where the token is gone.
    #[must_use]
    pub fn name_of(&self, id: TokenId) -> String {
        self.by_id(id).map_or_else(|| id.to_string(), |token| token.name.clone())
    }

    /// The tokens that are marked, in the order of the screen; those that the filter hides come with them.
    #[must_use]
    pub fn marked(&self) -> Vec<Arc<TokenView>> {
        self.all.iter().filter(|token| self.marks.has(token.id)).map(Arc::clone).collect()
    }

    /// Marks the row, or takes its mark away, and goes on to the next one.
    pub fn mark(&mut self) {
        if let Some(id) = self.selected().map(|token| token.id) {
            self.marks.switch(id);
            self.step(1);
        }
    }

    /// Marks all rows that are shown, or none of them.
    pub fn mark_all(&mut self) {
        let shown: Vec<TokenId> = (0..self.shown.len()).filter_map(|at| self.row(at)).map(|token| token.id).collect();
        self.marks.switch_all(&shown);
    }

    fn note_places(&mut self) {
        self.places = self.all.iter().enumerate().map(|(at, token)| (token.id, at)).collect();
        let places = &self.places;
        self.marks.keep(|id| places.contains_key(&id));
    }
}

/// True if a lower-case text stands in the name, the id, the scope, the creator's or the owner's name.
#[must_use]
pub fn matches_text(token: &TokenView, text: &str) -> bool {
    [token.name.as_str(), token.id.as_str(), &token.scope.name, &token.created_by, &token.owner]
        .iter()
        .any(|hay| hay.to_lowercase().contains(text))
}

/// Why this token is worth a look.
#[must_use]
pub fn attention(token: &TokenView, now: Timestamp) -> Option<Attention> {
    if token.state == TokenState::Revoked {
        return None;
    }
    let ends_in = token.expires_at.map(|at| at.secs_since(now));
    if token.state == TokenState::Expired || ends_in.is_some_and(|secs| secs <= 0) {
        return Some(Attention::Expired);
    }
    if was_refused(token, now) || is_over_its_limit(token, now) {
        return Some(Attention::Refused);
    }
    ends_in.filter(|secs| *secs < EXPIRING_SECS).map(|_| Attention::Expiring)
}

/// Its limit bites: what is above it is lost, unless the sender tries again. Which call was the last one says nothing: one
/// a second may be let in.
#[must_use]
pub fn is_over_its_limit(token: &TokenView, now: Timestamp) -> bool {
    let last = token.usage.last_refusal.as_ref().filter(|last| last.slug == Slug::RateLimited.as_str());
    let bites = last.is_some_and(|last| was_refused(token, now) || now.secs_since(last.at) < BITES_SECS);
    bites && token.state != TokenState::Revoked
}

fn was_refused(token: &TokenView, now: Timestamp) -> bool {
    let used_at = token.usage.last_use.as_ref().map(|last| last.at);
    let refusal = token.usage.last_refusal.as_ref();
    refusal.is_some_and(|refusal| Some(refusal.at) > used_at && now.secs_since(refusal.at) < REFUSED_RECENTLY_SECS)
}

/// Calls of the last hour.
#[must_use]
pub fn calls_in_hour(token: &TokenView) -> u64 {
    token.usage.calls_per_minute.iter().map(|calls| u64::from(*calls)).sum()
}

/// What was told of the last ten seconds, as long as they are the last ones: nothing is told of a token that falls silent.
#[must_use]
pub fn recent(token: &TokenView, now: Timestamp) -> RecentUse {
    match quiet_at(token) {
        Some(at) if now < at => token.usage.last_10s,
        _ => RecentUse::default(),
    }
}

/// From when on the last call is not "now" any more.
#[must_use]
pub fn quiet_at(token: &TokenView) -> Option<Timestamp> {
    let used = token.usage.last_use.as_ref().map(|last| last.at);
    let refused = token.usage.last_refusal.as_ref().map(|last| last.at);
    used.max(refused).map(|last| last.plus_secs(RECENT_SECS))
}

/// Calls of the minute: the running one has only begun, so the one before it counts too.
fn calls_in_minute(token: &TokenView) -> u32 {
    token.usage.calls_per_minute.iter().rev().take(2).copied().max().unwrap_or(0)
}

/// The column CALLS: now, which is the last ten seconds, where there is more than one a second; below that in the minute,
/// and where that is hardly any, in the hour.
#[must_use]
pub fn calls_words(token: &TokenView, now: Timestamp) -> String {
    let (recent, minute) = (recent(token, now).calls(), calls_in_minute(token));
    match (recent, minute, calls_in_hour(token)) {
        (_, _, 0) => "-".to_owned(),
        (11.., ..) => format!("{}/s", words::group((recent / 10).into())),
        (_, 10.., _) => format!("{}/m", words::group(minute.into())),
        (_, _, hour) => format!("{}/h", words::group(hour)),
    }
}

/// The column STATE/EXPIRES: words first, so that colour only adds.
#[must_use]
pub fn state_words(token: &TokenView, now: Timestamp) -> String {
    let left = |at: Timestamp| words::age(at.secs_since(now));
    let since = |at: Timestamp| words::age(now.secs_since(at));
    if let Some((new, all)) = chips::rotating(token, now) {
        return format!("ROTATING {new}/{all}");
    }
    match (token.state, token.expires_at) {
        (TokenState::Revoked, _) => format!("REVOKED {}", token.revoked_at.map(since).unwrap_or_default()),
        (TokenState::Suspended, _) => {
            let at = token.suspended.as_ref().map(|suspended| since(suspended.at));
            format!("SUSPENDED {}", at.unwrap_or_default()).trim_end().to_owned()
        }
        (TokenState::NeedsRotation, _) => "NEEDS ROTATION".to_owned(),
        (TokenState::NotYetValid, _) => format!("STARTS in {}", token.not_before.map(left).unwrap_or_default()),
        (_, Some(at)) if at <= now || token.state == TokenState::Expired => format!("EXPIRED {}", since(at)),
        (TokenState::Expired, None) => "EXPIRED".to_owned(),
        (_, Some(at)) => {
            let mark = if at.secs_since(now) < EXPIRING_SECS { " !" } else { "" };
            format!("in {}{mark}", left(at))
        }
        (TokenState::Active, None) => "never".to_owned(),
    }
}

/// The sign before a row: worth a look, suspended, rotating, or nothing.
#[must_use]
pub fn sign(token: &TokenView, now: Timestamp) -> char {
    if token.suspended.is_some() && token.state != TokenState::Revoked {
        'o'
    } else if attention(token, now).is_some() {
        '!'
    } else if chips::rotating(token, now).is_some() {
        'r'
    } else {
        ' '
    }
}

fn compare(sort: Sort, a: &TokenView, b: &TokenView, now: Timestamp) -> Ordering {
    // What is missing comes last.
    let last = |at: Option<Timestamp>| at.map_or(i64::MAX, Timestamp::as_micros);
    let used = |token: &TokenView| std::cmp::Reverse(token.usage.last_use.as_ref().map(|last| last.at));
    match sort {
        Sort::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        Sort::Scope => a.scope.name.cmp(&b.scope.name),
        Sort::Owner => a.owner.cmp(&b.owner),
        Sort::State => a.state.cmp(&b.state),
        Sort::Debug => b.debug_until.cmp(&a.debug_until),
        Sort::Dedup => a.dedup_window_secs.cmp(&b.dedup_window_secs),
        Sort::Creator => a.created_by.cmp(&b.created_by),
        Sort::Attention => rank(a, now).cmp(&rank(b, now)),
        Sort::Expires => last(a.expires_at).cmp(&last(b.expires_at)),
        Sort::LastUsed => used(a).cmp(&used(b)),
        Sort::Calls => calls_key(b, now).cmp(&calls_key(a, now)),
        Sort::Created => b.created_at.cmp(&a.created_at),
    }
}

/// An hour is not now: who calls most at this moment stands first.
fn calls_key(token: &TokenView, now: Timestamp) -> (u32, u64) {
    let recent = recent(token, now).calls();
    (if recent > 10 { recent } else { 0 }, calls_in_hour(token))
}

fn rank(token: &TokenView, now: Timestamp) -> u8 {
    match (attention(token, now), sign(token, now)) {
        (Some(attention), _) => attention as u8,
        (None, 'o') => 10,
        (None, 'r') => 11,
        (None, _) => u8::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{now, token};
    use super::*;

    #[test]
    fn calls_are_said_of_now_where_there_is_more_than_one_a_second_else_of_the_minute_or_the_hour() {
        let mut busy = token(1, "busy");
        busy.usage.last_use.as_mut().unwrap().at = now();
        for (recent, minutes, words) in [
            (0, vec![0; 60], "-"),
            (0, vec![9; 60], "540/h"),
            (10, vec![59; 60], "59/m"),
            (11, vec![59; 60], "1/s"),
            (49_905, [vec![0; 59], vec![49_905]].concat(), "4,990/s"),
            (0, [vec![0; 58], vec![299_400, 12]].concat(), "299,400/m"),
            (0, [vec![299_400], vec![0; 59]].concat(), "299,400/h"),
        ] {
            (busy.usage.last_10s.accepted, busy.usage.calls_per_minute) = (recent, minutes);
            assert_eq!(calls_words(&busy, now()), words);
        }
        busy.usage.last_10s.refused = 40;
        assert_eq!(calls_words(&busy, now().plus_secs(9)), "4/s", "what is refused is called, too");
        assert_eq!(
            calls_words(&busy, now().plus_secs(10)),
            "299,400/h",
            "nothing is told of a token that falls silent"
        );
    }

    #[test]
    fn who_calls_most_now_stands_before_who_called_most_in_the_hour() {
        let (mut now_busy, mut hour_busy) = (token(1, "now"), token(2, "hour"));
        now_busy.usage.last_use.as_mut().unwrap().at = now();
        (now_busy.usage.last_10s.accepted, now_busy.usage.calls_per_minute) = (500, vec![0; 60]);
        hour_busy.usage.calls_per_minute = vec![9_000; 60];
        assert_eq!(compare(Sort::Calls, &now_busy, &hour_busy, now()), Ordering::Less);
        assert_eq!(compare(Sort::Calls, &now_busy, &hour_busy, now().plus_secs(10)), Ordering::Greater);
    }

    #[test]
    fn a_limit_bites_also_while_one_call_a_second_is_let_in_and_before_what_has_expired() {
        let mut limited = token(1, "limited");
        (limited.expires_at, limited.state) = (None, TokenState::Active);
        let ip = std::net::IpAddr::from([10, 0, 0, 1]);
        let slug = "rate-limited".to_owned();
        limited.usage.last_refusal = Some(tollgate_shared::api::LastRefusal { at: now(), ip, slug });
        limited.usage.last_use.as_mut().unwrap().at = now().plus_secs(1);
        assert!(is_over_its_limit(&limited, now().plus_secs(1)));
        assert!(!is_over_its_limit(&limited, now().plus_secs(BITES_SECS)));
        let mut expired = token(2, "expired");
        expired.state = TokenState::Expired;
        let mut tokens = Tokens::default();
        tokens.replace(vec![Arc::new(expired), Arc::new(limited)], now());
        tokens.note_worst(now().plus_secs(1));
        assert_eq!(tokens.worst.unwrap().name, "expired");
        assert_eq!(tokens.losing.unwrap().name, "limited");
    }

    #[test]
    fn a_limit_that_bites_is_told_from_other_refusals() {
        let mut limited = token(1, "limited");
        (limited.expires_at, limited.state, limited.usage.last_use) = (None, TokenState::Active, None);
        for (slug, bites) in [("rate-limited", true), ("ip-not-allowed", false)] {
            let ip = std::net::IpAddr::from([10, 0, 0, 1]);
            let refusal = tollgate_shared::api::LastRefusal { at: now(), ip, slug: slug.to_owned() };
            limited.usage.last_refusal = Some(refusal);
            assert_eq!(is_over_its_limit(&limited, now()), bites, "{slug}");
        }
    }
}
