//! A token's settings as a form holds them, and what makes two of them different.

use tollgate_shared::api::{TokenPatch, TokenView};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::RateLimit;

use super::super::words;

/// What can be changed of a token, as the wire writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub name: String,
    pub description: String,
    pub permissions: Vec<String>,
    /// A new end; empty = as it is.
    pub expires: String,
    /// The beginning; empty = none.
    pub not_before: String,
    pub allowed_ips: Vec<String>,
    pub ip_report_only: bool,
    pub dedup_window_secs: u32,
    pub dedup_ignore: Vec<String>,
    pub dedup_strict: bool,
    pub rate: Option<RateLimit>,
    pub query_token: bool,
    pub delivery_ids: bool,
    pub sealed: bool,
    pub debug: Logged,
}

/// Which calls of a token are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logged {
    #[default]
    Off,
    Every,
    /// One in so many.
    OneIn(u32),
}

impl Logged {
    #[must_use]
    pub fn of(token: &TokenView, now: Timestamp) -> Self {
        match token.debug_until.filter(|until| *until > now) {
            None => Self::Off,
            Some(_) => token.debug_one_in.map_or(Self::Every, Self::OneIn),
        }
    }

    /// The value of the field: `off`, `all`, or the number.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        match value {
            "off" => Self::Off,
            number => number.parse().map_or(Self::Every, Self::OneIn),
        }
    }

    #[must_use]
    pub fn value(self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::Every => "all".to_owned(),
            Self::OneIn(number) => number.to_string(),
        }
    }

    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Off => "no".to_owned(),
            Self::Every => "every call".to_owned(),
            Self::OneIn(number) => format!("1 call in {}", words::group(number.into())),
        }
    }

    #[must_use]
    pub fn is_on(self) -> bool {
        self != Self::Off
    }

    /// One call in so many; none = every one.
    #[must_use]
    pub fn one_in(self) -> Option<u32> {
        match self {
            Self::OneIn(number) => Some(number),
            _ => None,
        }
    }

    /// The command that makes it so.
    #[must_use]
    pub fn cli(self, token: &str) -> String {
        match self {
            Self::Off => format!("tollgate token debug {token} off"),
            Self::Every => format!("tollgate token debug {token} on --yes"),
            Self::OneIn(number) => format!("tollgate token debug {token} on --sample {number}"),
        }
    }
}

/// One setting that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: &'static str,
    pub old: String,
    pub new: String,
}

impl Difference {
    pub(super) fn new(what: &'static str, old: String, new: String) -> Self {
        Self { what, old, new }
    }

    pub(super) fn is_one(&self) -> bool {
        self.old != self.new
    }

    /// `10m  ->  1h`.
    #[must_use]
    pub fn words(&self) -> String {
        let shown = |text: &str| if text.is_empty() { "(nothing)".to_owned() } else { text.to_owned() };
        format!("{}  ->  {}", shown(&self.old), shown(&self.new))
    }
}

impl Settings {
    #[must_use]
    pub fn of(token: &TokenView, now: Timestamp) -> Self {
        Self {
            name: token.name.clone(),
            description: token.description.clone(),
            permissions: token.permissions.iter().map(|may| may.as_str().to_owned()).collect(),
            expires: String::new(),
            not_before: token.not_before.map(words::exact).unwrap_or_default(),
            allowed_ips: token.allowed_ips.clone(),
            ip_report_only: token.ip_report_only,
            dedup_window_secs: token.dedup_window_secs,
            dedup_ignore: token.dedup_ignore.clone(),
            dedup_strict: token.dedup_strict,
            rate: token.rate_limit,
            query_token: token.query_token,
            delivery_ids: token.delivery_ids,
            sealed: token.sealed,
            debug: Logged::of(token, now),
        }
    }

    /// What `new` makes different. `end`: the end as it is, in words.
    #[must_use]
    pub fn differences(&self, new: &Self, end: &str) -> Vec<Difference> {
        let list = |list: &[String], none: &str| if list.is_empty() { none.to_owned() } else { list.join(" ") };
        let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
        let ends = if new.expires.is_empty() { end.to_owned() } else { new.expires.clone() };
        let all = [
            Difference::new("name", self.name.clone(), new.name.clone()),
            Difference::new("description", self.description.clone(), new.description.clone()),
            Difference::new("may", list(&self.permissions, "nothing"), list(&new.permissions, "nothing")),
            Difference::new("expires", end.to_owned(), ends),
            Difference::new("starts", start(&self.not_before), start(&new.not_before)),
            Difference::new("from", list(&self.allowed_ips, "any address"), list(&new.allowed_ips, "any address")),
            Difference::new("report only", yes(self.ip_report_only), yes(new.ip_report_only)),
            Difference::new("dedup", window(self.dedup_window_secs), window(new.dedup_window_secs)),
            Difference::new("dedup skip", list(&self.dedup_ignore, "nothing"), list(&new.dedup_ignore, "nothing")),
            Difference::new("strict", yes(self.dedup_strict), yes(new.dedup_strict)),
            Difference::new("limit", rate_words(self.rate), rate_words(new.rate)),
            Difference::new("?token=", yes(self.query_token), yes(new.query_token)),
            Difference::new("delivery ids", yes(self.delivery_ids), yes(new.delivery_ids)),
            Difference::new("sealed", yes(self.sealed), yes(new.sealed)),
            Difference::new("debug", self.debug.words(), new.debug.words()),
        ];
        all.into_iter().filter(Difference::is_one).collect()
    }

    /// The change that leads from here to `new`: what is the same stays out of it.
    #[must_use]
    pub fn patch(&self, new: &Self) -> TokenPatch {
        let changed = |old: &String, new: &String| (old != new).then(|| new.clone());
        let list = |old: &Vec<String>, new: &Vec<String>| (old != new).then(|| new.clone());
        let flag = |old: bool, new: bool| (old != new).then_some(new);
        let none = RateLimit { calls_per_min: 0, burst: 0 };
        TokenPatch {
            name: changed(&self.name, &new.name),
            description: changed(&self.description, &new.description),
            expires: (!new.expires.is_empty()).then(|| new.expires.clone()),
            dedup_window_secs: (self.dedup_window_secs != new.dedup_window_secs).then_some(new.dedup_window_secs),
            allowed_ips: list(&self.allowed_ips, &new.allowed_ips),
            scope: None,
            permissions: list(&self.permissions, &new.permissions),
            ip_report_only: flag(self.ip_report_only, new.ip_report_only),
            dedup_ignore: list(&self.dedup_ignore, &new.dedup_ignore),
            dedup_strict: flag(self.dedup_strict, new.dedup_strict),
            rate_limit: (self.rate != new.rate).then(|| new.rate.unwrap_or(none)),
            query_token: flag(self.query_token, new.query_token),
            delivery_ids: flag(self.delivery_ids, new.delivery_ids),
            sealed: flag(self.sealed, new.sealed),
            // What ends by itself is no setting: it has forms of its own.
            for_secs: None,
            block_ips: None,
            unblock_ips: None,
            not_before: changed(&self.not_before, &new.not_before)
                .map(|text| if text.is_empty() { "now".to_owned() } else { text }),
        }
    }

    /// The options of `tollgate token edit` that make the same change.
    #[must_use]
    pub fn options(&self, new: &Self) -> String {
        options_of(&self.patch(new))
    }

    /// These settings after a change. The end stays a text, as it was chosen.
    #[must_use]
    pub fn with(&self, patch: &TokenPatch) -> Self {
        let mut new = self.clone();
        let change = patch.clone();
        change.name.into_iter().for_each(|name| new.name = name);
        change.description.into_iter().for_each(|text| new.description = text);
        change.permissions.into_iter().for_each(|list| new.permissions = list);
        change.expires.into_iter().for_each(|end| new.expires = end);
        change.not_before.into_iter().for_each(|start| new.not_before = start);
        change.allowed_ips.into_iter().for_each(|list| new.allowed_ips = list);
        change.ip_report_only.into_iter().for_each(|on| new.ip_report_only = on);
        change.dedup_window_secs.into_iter().for_each(|secs| new.dedup_window_secs = secs);
        change.dedup_ignore.into_iter().for_each(|list| new.dedup_ignore = list);
        change.dedup_strict.into_iter().for_each(|on| new.dedup_strict = on);
        change.rate_limit.into_iter().for_each(|rate| new.rate = (rate.calls_per_min > 0).then_some(rate));
        change.query_token.into_iter().for_each(|on| new.query_token = on);
        change.delivery_ids.into_iter().for_each(|on| new.delivery_ids = on);
        change.sealed.into_iter().for_each(|on| new.sealed = on);
        new
    }
}

/// A change of a token as options of `tollgate token edit`.
#[must_use]
pub fn options_of(patch: &TokenPatch) -> String {
    let mut line = String::new();
    let mut say = |option: &str, value: &str| line.push_str(&format!(" {option} {}", words::shell(value)));
    patch.name.iter().for_each(|name| say("--name", name));
    patch.description.iter().for_each(|text| say("--description", text));
    patch.expires.iter().for_each(|end| say("--expires", end));
    patch.not_before.iter().for_each(|start| say("--not-before", start));
    patch.permissions.iter().flatten().for_each(|may| say("--permission", may));
    patch.allowed_ips.iter().flatten().for_each(|ip| say("--allow-ip", ip));
    patch.dedup_window_secs.iter().for_each(|secs| say("--dedup", &format!("{secs}s")));
    patch.dedup_ignore.iter().flatten().for_each(|path| say("--dedup-ignore", path));
    patch.rate_limit.iter().filter(|rate| rate.calls_per_min > 0).for_each(|rate| say("--rate", &rate_text(*rate)));
    patch.block_ips.iter().flatten().for_each(|ip| say("--block-ip", ip));
    patch.unblock_ips.iter().flatten().for_each(|ip| say("--unblock-ip", ip));
    patch.for_secs.iter().for_each(|secs| say("--for", &format!("{secs}s")));
    let flags = [
        (patch.allowed_ips.as_ref().is_some_and(Vec::is_empty), "--any-ip"),
        (patch.ip_report_only == Some(true), "--ip-report-only"),
        (patch.ip_report_only == Some(false), "--ip-enforce"),
        (patch.dedup_ignore.as_ref().is_some_and(Vec::is_empty), "--no-dedup-ignore"),
        (patch.dedup_strict == Some(true), "--strict-dedup"),
        (patch.dedup_strict == Some(false), "--no-strict-dedup"),
        (patch.rate_limit.is_some_and(|rate| rate.calls_per_min == 0), "--no-rate"),
        (patch.query_token == Some(true), "--query-token"),
        (patch.query_token == Some(false), "--no-query-token"),
        (patch.delivery_ids == Some(true), "--delivery-ids"),
        (patch.delivery_ids == Some(false), "--no-delivery-ids"),
        (patch.sealed == Some(true), "--seal"),
    ];
    flags.iter().filter(|(on, _)| *on).for_each(|(_, flag)| line.push_str(&format!(" {flag}")));
    line
}

/// `600/min`, `600/min:1000`.
#[must_use]
pub(super) fn rate_text(rate: RateLimit) -> String {
    let burst = if rate.burst == rate.calls_per_min { String::new() } else { format!(":{}", rate.burst) };
    format!("{}/min{burst}", rate.calls_per_min)
}

fn rate_words(rate: Option<RateLimit>) -> String {
    rate.map_or_else(|| "none".to_owned(), rate_text)
}

fn start(text: &str) -> String {
    if text.is_empty() { "at once".to_owned() } else { text.to_owned() }
}

fn window(secs: u32) -> String {
    if secs == 0 { "off".to_owned() } else { words::age(secs.into()) }
}
