//! The form of a token: new, or changed.

use std::sync::Arc;

use tollgate_shared::api::{NewToken, RecentUse, ServiceView, TeamView, TokenView};
use tollgate_shared::debug_cost::DebugCost;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Permission, RateLimit, Scope};

use super::super::field::Field;
use super::super::msg::Call;
use super::super::rights::Me;
use super::super::words;
use super::settings::rate_text;
use super::{Difference, Form, FormField, FormKind, Logged, Settings, Value, When};

const FROM_HINT: &str = "addresses or networks, separated by spaces; empty = any";
const STARTS_HINT: &str = "empty = at once; a date, or 2h from now";
const LIMIT_HINT: &str = "calls, 600/min or 600/min:1000; empty = none. What is above is refused: 429";
const SKIP_HINT: &str = "paths left out of what makes a call the same";
const NOTHING: &str = "nothing is different: there is nothing to change";

impl Form {
    /// A new token. `scope`: the value to begin with, such as `service:Ops/DB`.
    #[must_use]
    pub fn token(teams: &[Arc<TeamView>], services: &[Arc<ServiceView>], scope: Option<&str>, me: Option<&Me>) -> Self {
        let mut scopes = vec![("global: every service".to_owned(), "global".to_owned())];
        scopes.extend(teams.iter().map(|team| (format!("team {}", team.name), format!("team:{}", team.name))));
        scopes.extend(services.iter().map(|service| {
            let name = format!("{}/{}", service.team.name, service.name);
            (format!("service {name}"), format!("service:{name}"))
        }));
        scopes.push(("mine: my teams, whichever they are".to_owned(), "mine".to_owned()));
        let at = scope.and_then(|wanted| scopes.iter().position(|(_, value)| value == wanted));
        let at = at.unwrap_or_else(|| first_creatable(&scopes, me));
        let personal = me.is_some_and(|me| me.create(&scopes[at].1).is_err() && me.personal().is_ok());
        let mut fields = vec![
            FormField::text("name", "", "1 to 64 visible characters"),
            FormField::choice("scope", scopes, at, "fixed for ever; type to find"),
            FormField::choice("owner", owners(), usize::from(personal), ""),
            FormField::choice("may", presets(), 0, ""),
        ];
        fields.extend(permission_ticks(&[]));
        fields.push(FormField::choice("expires", expiries(false), 5, ""));
        fields.push(FormField::text("date", "", "for instance 2027-01-31").when(When::Dated));
        fields.push(FormField::text("from", "", FROM_HINT));
        fields.push(FormField::tick("debug", true, "log its calls for 48 h"));
        fields.push(FormField::new("more", Value::More(false), ""));
        fields.extend(seldom(None));
        let mut form = Self::new(FormKind::Token, fields);
        form.me = me.cloned();
        form.judge();
        form
    }

    /// Changes to a token; what is not touched stays.
    #[must_use]
    pub fn edit(token: &Arc<TokenView>, me: Option<&Me>, now: Timestamp) -> Self {
        let settings = Settings::of(token, now);
        let mut fields = vec![
            FormField::text("name", &token.name, "1 to 64 visible characters"),
            FormField::choice("may", presets(), preset_at(token), ""),
        ];
        fields.extend(permission_ticks(&token.permissions));
        fields.push(FormField::choice("expires", expiries(true), 0, &end_words(token)));
        fields.push(FormField::text("date", "", "for instance 2027-01-31").when(When::Dated));
        fields.push(FormField::text("from", &settings.allowed_ips.join(" "), FROM_HINT));
        fields.push(logged_field(settings.debug));
        fields.push(FormField::new("more", Value::More(false), ""));
        fields.extend(seldom(Some(&settings)));
        let mut form = Self::new(FormKind::EditToken(token.id.to_string()), fields);
        form.logged = settings.debug;
        form.token = Some(Arc::clone(token));
        form.me = me.cloned();
        form.judge();
        form
    }

    /// Puts addresses in, report-only: nobody is locked out by a list that is not complete.
    pub fn propose(&mut self, addresses: &str) {
        let more = self.fields.iter_mut().filter(|field| matches!(field.value, Value::More(_)));
        more.for_each(|field| field.value = Value::More(true));
        for (label, value) in [("from", Value::Text(Field::new(addresses))), ("report only", Value::Tick(true))] {
            if let Some(field) = self.field(label) {
                field.value = value;
            }
        }
        self.focus = self.fields.iter().position(|field| field.label == "from").unwrap_or(0);
        self.changed = true;
    }

    /// Somebody else was faster: his values, with what was typed here on top. Says what he changed.
    #[must_use]
    pub fn reloaded(&self, now: Timestamp) -> Self {
        let (Some(was), Some(theirs)) = (&self.token, &self.theirs) else { return self.clone() };
        let before = Self::edit(was, self.me.as_ref(), now);
        let mut fresh = Self::edit(theirs, self.me.as_ref(), now);
        for ((mine, old), new) in self.fields.iter().zip(&before.fields).zip(&mut fresh.fields) {
            if !mine.same(old) || matches!(mine.value, Value::More(_)) {
                new.value = mine.value.clone();
            }
        }
        (fresh.focus, fresh.changed) = (self.focus.min(fresh.fields.len()), self.changed);
        fresh.judge();
        fresh
    }

    /// What somebody else has changed since this form was opened.
    #[must_use]
    pub fn their_differences(&self, now: Timestamp) -> Vec<Difference> {
        let (Some(was), Some(theirs)) = (&self.token, &self.theirs) else { return Vec::new() };
        let mut all = Settings::of(was, now).differences(&Settings::of(theirs, now), "");
        let ends = Difference::new("expires", end_words(was), end_words(theirs));
        all.extend(Some(ends).filter(Difference::is_one));
        let secret = Difference::new("rotations", was.rotations.to_string(), theirs.rotations.to_string());
        all.extend(Some(secret).filter(Difference::is_one));
        all
    }

    /// What this form would make different.
    #[must_use]
    pub fn differences(&self, now: Timestamp) -> Vec<Difference> {
        if self.filter.is_some() {
            return self.filter_differences();
        }
        let Some(token) = &self.token else { return self.operator_differences() };
        Settings::of(token, now).differences(&self.settings(), &end_words(token))
    }

    /// The values of the fields.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            name: self.line("name"),
            description: self.line("description"),
            permissions: self.permissions(),
            expires: self.expires(),
            not_before: moment(&self.line("starts")),
            allowed_ips: self.words("from"),
            ip_report_only: self.tick("report only"),
            dedup_window_secs: self.pick("dedup").and_then(|secs| secs.parse().ok()).unwrap_or(600),
            dedup_ignore: self.words("dedup skip"),
            dedup_strict: self.tick("strict"),
            rate: rate(&self.line("limit")).ok().flatten(),
            query_token: self.tick("?token="),
            delivery_ids: self.tick("delivery ids"),
            sealed: self.tick("sealed"),
            debug: self.logged_now(),
        }
    }

    /// The value of the expiry as a date, to be shown beside it.
    #[must_use]
    pub fn expires_words(&self, now: Timestamp) -> Option<String> {
        let text = match self.pick("expires")? {
            "never" => return Some("it does not end by itself".to_owned()),
            "" | "date" => return None,
            text => text,
        };
        let secs = humantime::parse_duration(text).ok()?.as_secs();
        let at = now.plus_secs(i64::try_from(secs).ok()?);
        Some(if secs < 2 * 86_400 { words::moment(at) } else { words::date(at) })
    }

    /// The choice of the edit form, or the tick of a new token, which has no calls yet of which a part could do.
    fn logged_now(&self) -> Logged {
        match self.pick("debug") {
            Some(value) => Logged::parse(value),
            None if self.tick("debug") => Logged::Every,
            None => Logged::Off,
        }
    }

    /// What the chosen way of logging would cost, of what the token does now. None on a form that has no such choice.
    #[must_use]
    pub fn debug_words(&self, recent: impl Fn(&TokenView) -> RecentUse) -> Option<String> {
        let token = self.token.as_ref().filter(|_| self.pick("debug").is_some())?;
        let logged = self.logged_now();
        let cost = DebugCost::of(recent(token));
        let bytes = words::bytes(cost.bytes(logged.one_in().unwrap_or(1)));
        Some(match logged {
            Logged::Off => "its calls are counted, not logged".to_owned(),
            logged if cost.bytes(1) == 0 => format!("for {}; no call in the last 10 s", span(logged, self.logged)),
            logged => format!("for {}; up to {bytes}, if it goes on so", span(logged, self.logged)),
        })
    }

    /// What the folded fields hold, in words.
    #[must_use]
    pub fn folded_words(&self) -> String {
        let settings = self.settings();
        let window = self.find("dedup").map_or("", |value| match value {
            Value::Choice(choice) => choice.label(),
            _ => "",
        });
        let or = |on: bool, yes: &str, no: &str| if on { yes.to_owned() } else { no.to_owned() };
        let parts = [
            if settings.not_before.is_empty() { String::new() } else { format!("starts {}", settings.not_before) },
            or(settings.ip_report_only, "addresses are reported only", ""),
            format!("dedup {window}{}", if settings.dedup_strict { " strict" } else { "" }),
            settings.rate.map_or_else(|| "no limit".to_owned(), rate_text),
            or(settings.query_token, "?token= on", "?token= off"),
            or(settings.sealed, "SEALED", "not sealed"),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn permissions(&self) -> Vec<String> {
        let scope = self.scope_kind();
        let preset = self.pick("may").filter(|may| *may != "choose").unwrap_or_default();
        if let Some(list) = Permission::preset(preset, scope) {
            return list.iter().map(|may| may.as_str().to_owned()).collect();
        }
        let all = Permission::ALL.iter().map(|may| may.as_str());
        all.filter(|may| self.tick(may)).map(str::to_owned).collect()
    }

    /// Global or not is all that a preset asks.
    fn scope_kind(&self) -> Scope {
        let global = match &self.token {
            Some(token) => token.scope.kind == "global",
            None => self.pick("scope") == Some("global"),
        };
        if global { Scope::Global } else { Scope::Mine }
    }

    /// The scope as the wire writes it.
    pub(super) fn scope(&self) -> String {
        match &self.token {
            Some(token) if token.scope.kind == "mine" || token.scope.kind == "global" => token.scope.kind.clone(),
            Some(token) => format!("{}:{}", token.scope.kind, token.scope.name),
            None => self.pick("scope").unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn is_personal(&self) -> bool {
        self.token.as_ref().map_or_else(|| self.pick("owner") == Some("me"), |token| token.owner_id.is_some())
    }

    /// The end as the wire takes it; empty = as it is.
    fn expires(&self) -> String {
        match self.pick("expires").unwrap_or_default() {
            "date" => moment(&self.line("date")),
            other => other.to_owned(),
        }
    }

    pub(super) fn new_token(&self) -> NewToken {
        let settings = self.settings();
        let preset = self.pick("may").filter(|may| *may != "choose").map(str::to_owned);
        NewToken {
            name: settings.name,
            scope: self.scope(),
            description: settings.description,
            expires: Some(settings.expires),
            dedup_window_secs: Some(settings.dedup_window_secs),
            allowed_ips: settings.allowed_ips,
            debug: settings.debug.is_on(),
            personal: self.is_personal(),
            permissions: if preset.is_some() { Vec::new() } else { settings.permissions },
            preset,
            sealed: settings.sealed,
            not_before: Some(settings.not_before).filter(|text| !text.is_empty()),
            ip_report_only: settings.ip_report_only,
            dedup_ignore: settings.dedup_ignore,
            dedup_strict: settings.dedup_strict,
            rate_limit: settings.rate,
            query_token: Some(settings.query_token),
            delivery_ids: settings.delivery_ids,
        }
    }

    pub(super) fn token_change(&self) -> Result<Call, String> {
        let token = self.token.as_ref().ok_or(NOTHING)?;
        let old = Settings::of(token, Timestamp::default());
        let new = self.settings();
        let patch = old.patch(&new);
        // Whether debug is on is judged where the time is known: in the list of differences.
        Ok(Call::EditToken { token: token.id.to_string(), patch: Box::new(patch), version: token.version, debug: None })
    }

    pub(super) fn token_cli(&self) -> String {
        let new = self.new_token();
        // What the command line does by itself is not written.
        let plain = Settings { dedup_window_secs: 600, query_token: true, ..Settings::default() };
        let mut wanted = self.settings();
        (wanted.name, wanted.expires, wanted.permissions) = Default::default();
        let options = plain.options(&wanted).replace(" --seal", " --sealed");
        let may = match new.preset.as_deref() {
            Some("sender") | None => String::new(),
            Some(preset) => format!(" --preset {preset}"),
        };
        let single: String = new.permissions.iter().map(|may| format!(" --permission {may}")).collect();
        let (name, scope) = (words::shell(&new.name), words::shell(&new.scope));
        let expires = words::shell(&new.expires.unwrap_or_default());
        let flags = [(new.personal, " --personal"), (new.debug, " --debug")];
        let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag).collect();
        format!("tollgate token create {name} --scope {scope} --expires {expires}{may}{single}{flags}{options}")
    }

    pub(super) fn edit_cli(&self, id: &str) -> String {
        let Some(token) = &self.token else { return String::new() };
        let new = self.settings();
        let options = Settings::of(token, Timestamp::default()).options(&new);
        let edit = format!("tollgate token edit {id} --if-version {}{options}", token.version);
        match (options.is_empty(), new.debug == self.logged) {
            (_, true) => edit,
            (true, false) => new.debug.cli(id),
            (false, false) => format!("{edit} && {}", new.debug.cli(id)),
        }
    }
}

/// The time that is counted from now where it is switched on, and runs on where it is on already.
fn span(new: Logged, was: Logged) -> &'static str {
    if new == was { "what is left of 48 h" } else { "48 h" }
}

/// Which calls are logged: all, or the parts that a busy token needs.
fn logged_field(logged: Logged) -> FormField {
    let mut all = vec![Logged::Off, Logged::Every, Logged::OneIn(10), Logged::OneIn(100), Logged::OneIn(1_000)];
    if !all.contains(&logged) {
        all.push(logged);
    }
    let at = all.iter().position(|one| *one == logged).unwrap_or(0);
    let options = all.into_iter().map(|one| (one.words(), one.value())).collect();
    FormField::choice("debug", options, at, "")
}

/// The fields that are folded away until somebody wants them.
fn seldom(settings: Option<&Settings>) -> Vec<FormField> {
    let new = Settings { dedup_window_secs: 600, ..Settings::default() };
    let was = settings.unwrap_or(&new);
    let (windows, at) = dedups(was.dedup_window_secs);
    let rate = was.rate.map(rate_text).unwrap_or_default();
    let fields = vec![
        FormField::text("description", &was.description, "at most 500 characters"),
        FormField::text("starts", &was.not_before, STARTS_HINT),
        FormField::tick("report only", was.ip_report_only, "count calls from other addresses, do not refuse them"),
        FormField::choice("dedup", windows, at, "the same call within this time counts once"),
        FormField::text("dedup skip", &was.dedup_ignore.join(" "), SKIP_HINT),
        FormField::tick(
            "strict",
            was.dedup_strict,
            "a duplicate for the whole time, also once its incident is resolved",
        ),
        FormField::text("limit", &rate, LIMIT_HINT),
        FormField::tick("?token=", was.query_token, "take it in the address too; addresses end up in logs"),
        FormField::tick(
            "delivery ids",
            was.delivery_ids,
            "the sender's own delivery number tells a second try from a second call",
        ),
        FormField::tick("sealed", was.sealed, "for good: only name, description and debug change later"),
    ];
    fields.into_iter().map(|field| field.when(When::More)).collect()
}

fn permission_ticks(on: &[Permission]) -> impl Iterator<Item = FormField> {
    Permission::ALL
        .into_iter()
        .map(move |may| FormField::tick(may.as_str(), on.contains(&may), meaning(may)).when(When::Choosing))
}

fn meaning(permission: Permission) -> &'static str {
    match permission {
        Permission::IncidentsCreate => "post calls that open and resolve incidents",
        Permission::IncidentsRead => "read incidents",
        Permission::IncidentsUpdate => "acknowledge and resolve incidents",
        Permission::RequestsCreate => "start workflows; global tokens only",
        Permission::RequestsRead => "read requests",
        Permission::LogsRead => "read the API log",
        Permission::TokensRead => "list tokens",
        Permission::TokensManage => "create, edit, rotate and revoke tokens",
        Permission::TokenRefresh => "refresh itself",
    }
}

fn preset_at(token: &TokenView) -> usize {
    let scope = if token.scope.kind == "global" { Scope::Global } else { Scope::Mine };
    let same = |name: &str| Permission::preset(name, scope).is_some_and(|list| list == token.permissions);
    let all = presets();
    all.iter().position(|(_, value)| same(value)).unwrap_or(all.len() - 1)
}

fn end_words(token: &TokenView) -> String {
    token.expires_at.map_or_else(|| "it never ends".to_owned(), |at| format!("it ends {}", words::moment(at)))
}

/// The first scope that he may create a token in.
fn first_creatable(scopes: &[(String, String)], me: Option<&Me>) -> usize {
    let may = |(_, scope): &(String, String)| me.is_none_or(|me| me.create(scope).is_ok());
    scopes.iter().position(may).unwrap_or_else(|| scopes.len().saturating_sub(1))
}

/// A date without a time is its first moment.
fn moment(text: &str) -> String {
    let text = text.trim();
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_date { format!("{text}T00:00:00Z") } else { text.to_owned() }
}

/// A quota as it is typed.
pub(super) fn rate(text: &str) -> Result<Option<RateLimit>, String> {
    let wrong = || "write a limit as 600/min, or with its burst as 600/min:1000; 1 to 1,000,000".to_owned();
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (rate, burst) = text.split_once(':').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| (1..=1_000_000).contains(number));
    let calls_per_min = rate.strip_suffix("/min").and_then(number).ok_or_else(wrong)?;
    let burst = burst.map_or(Some(calls_per_min), number).ok_or_else(wrong)?;
    Ok(Some(RateLimit { calls_per_min, burst }))
}

/// A moment or a duration as it is typed.
pub(super) fn is_moment(text: &str) -> bool {
    let text = moment(text);
    text.parse::<Timestamp>().is_ok() || humantime::parse_duration(&text).is_ok()
}

/// A date as it is typed.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    moment(text).parse().ok()
}

fn owners() -> Vec<(String, String)> {
    vec![("organisation".to_owned(), "organisation".to_owned()), ("me: a personal token".to_owned(), "me".to_owned())]
}

fn presets() -> Vec<(String, String)> {
    let all =
        [("send alerts", "sender"), ("read only", "read-only"), ("everything", "all"), ("choose one by one", "choose")];
    all.map(|(label, value)| (label.to_owned(), value.to_owned())).into()
}

pub(super) fn expiries(keep: bool) -> Vec<(String, String)> {
    let all = [
        ("as it is", ""),
        ("1 hour", "1h"),
        ("1 day", "1d"),
        ("7 days", "7d"),
        ("30 days", "30d"),
        ("90 days", "90d"),
        ("1 year", "365d"),
        ("never", "never"),
        ("a date", "date"),
    ];
    all.into_iter().skip(usize::from(!keep)).map(|(label, value)| (label.to_owned(), value.to_owned())).collect()
}

/// The windows, and the place of the one in force.
fn dedups(secs: u32) -> (Vec<(String, String)>, usize) {
    let all =
        [("off", "0"), ("1 min", "60"), ("5 min", "300"), ("10 min", "600"), ("1 hour", "3600"), ("24 hours", "86400")];
    let mut windows: Vec<_> = all.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
    let wanted = secs.to_string();
    let at = windows.iter().position(|(_, value)| *value == wanted).unwrap_or_else(|| {
        windows.push((words::age(secs.into()), wanted));
        windows.len() - 1
    });
    (windows, at)
}
