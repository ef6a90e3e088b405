//! Forms: fields, a Create button, a Cancel button.

use tollgate_shared::api::{NewFilter, NewService, NewTeam, NewToken, ServiceView, TeamView, TokenPatch, TokenView};
use tollgate_shared::name::Name;
use tollgate_shared::time::Timestamp;

use super::field::Field;
use super::key::{Code, Key};
use super::msg::Call;
use super::words;

/// What the form makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormKind {
    Token,
    /// Changes the token of this id.
    EditToken(String),
    Team,
    Service,
    Filter,
    /// Resolves the incident of this id.
    Resolve(String),
}

/// A form.
#[derive(Clone, Debug)]
pub struct Form {
    pub kind: FormKind,
    pub fields: Vec<FormField>,
    /// A field, or behind them: Create, Cancel.
    pub focus: usize,
    /// What the daemon or the form said.
    pub error: Option<String>,
    pub pending: Option<u64>,
    /// Something was typed, so that Esc asks once more.
    pub changed: bool,
    pub asked: bool,
    /// One of the steps of the first path: team, service, filter, token.
    pub guided: bool,
}

/// A field with its label.
#[derive(Clone, Debug)]
pub struct FormField {
    pub label: &'static str,
    pub value: Value,
    /// What stands behind the field.
    pub hint: &'static str,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Value {
    Text(Field),
    Choice(Choice),
    Tick(bool),
}

/// One of several; typing narrows them.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub options: Vec<(String, String)>,
    pub at: usize,
    pub typed: String,
}

impl Choice {
    fn new(options: Vec<(String, String)>, at: usize) -> Self {
        Self { options, at, typed: String::new() }
    }

    /// The words of the chosen one.
    #[must_use]
    pub fn label(&self) -> &str {
        self.options.get(self.at).map_or("", |(label, _)| label)
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &str {
        self.options.get(self.at).map_or("", |(_, value)| value)
    }

    fn key(&mut self, key: Key) -> bool {
        let len = self.options.len().max(1);
        match key.code {
            Code::Left => self.at = (self.at + len - 1) % len,
            Code::Right | Code::Char(' ') => self.at = (self.at + 1) % len,
            Code::Backspace => drop(self.typed.pop()),
            Code::Char(letter) if !key.ctrl => self.narrow(letter),
            _ => return false,
        }
        true
    }

    /// Letters look for an option; a letter that fits none begins anew.
    fn narrow(&mut self, letter: char) {
        self.typed.push(letter);
        if self.seek() {
            return;
        }
        self.typed = letter.to_string();
        if !self.seek() {
            self.typed.clear();
        }
    }

    fn seek(&mut self) -> bool {
        let typed = self.typed.to_lowercase();
        let found = self.options.iter().position(|(label, _)| label.to_lowercase().contains(&typed));
        if let Some(at) = found {
            self.at = at;
        }
        found.is_some()
    }
}

impl Form {
    fn new(kind: FormKind, fields: Vec<FormField>) -> Self {
        Self { kind, fields, focus: 0, error: None, pending: None, changed: false, asked: false, guided: false }
    }

    /// A new token. `scope`: the value to begin with, such as `service:Ops/DB`.
    #[must_use]
    pub fn token(
        teams: &[std::sync::Arc<TeamView>],
        services: &[std::sync::Arc<ServiceView>],
        scope: Option<&str>,
    ) -> Self {
        let mut scopes = vec![("global: every service".to_owned(), "global".to_owned())];
        scopes.extend(teams.iter().map(|team| (format!("team {}", team.name), format!("team:{}", team.name))));
        scopes.extend(services.iter().map(|service| {
            let name = format!("{}/{}", service.team.name, service.name);
            (format!("service {name}"), format!("service:{name}"))
        }));
        let at = scope.and_then(|wanted| scopes.iter().position(|(_, value)| value == wanted)).unwrap_or(0);
        Self::new(
            FormKind::Token,
            vec![
                text("name", "", "1 to 64 visible characters"),
                choice("scope", scopes, at, "fixed for ever; type to find, Left Right to choose"),
                choice("expires", expiries(false), 2, ""),
                text("from", "", "addresses or networks, separated by spaces; empty = any"),
                FormField { label: "debug", value: Value::Tick(true), hint: "log its calls for 48 h" },
                choice("dedup", dedups(), 3, "the same call within this time counts once"),
            ],
        )
    }

    /// Changes to a token; what is not touched stays.
    #[must_use]
    pub fn edit(token: &TokenView) -> Self {
        let mut windows = dedups();
        let secs = token.dedup_window_secs.to_string();
        let at = windows.iter().position(|(_, value)| *value == secs).unwrap_or_else(|| {
            windows.push((words::age(token.dedup_window_secs.into()), secs));
            windows.len() - 1
        });
        Self::new(
            FormKind::EditToken(token.id.to_string()),
            vec![
                text("name", &token.name, ""),
                choice("expires", expiries(true), 0, ""),
                text("from", &token.allowed_ips.join(" "), "addresses or networks; empty = any"),
                choice("dedup", windows, at, ""),
            ],
        )
    }

    #[must_use]
    pub fn team() -> Self {
        Self::new(FormKind::Team, vec![text("name", "", "for instance Ops")])
    }

    #[must_use]
    pub fn service(teams: &[std::sync::Arc<TeamView>], team: Option<&str>) -> Self {
        let options: Vec<_> = teams.iter().map(|team| (team.name.clone(), team.name.clone())).collect();
        let at = team.and_then(|name| options.iter().position(|(label, _)| label == name)).unwrap_or(0);
        let fields = vec![text("name", "", "for instance DB"), choice("team", options, at, "")];
        Self::new(FormKind::Service, fields)
    }

    #[must_use]
    pub fn filter(services: &[std::sync::Arc<ServiceView>], presets: &[String], service: Option<&str>) -> Self {
        let name = |service: &ServiceView| format!("{}/{}", service.team.name, service.name);
        let options: Vec<_> = services.iter().map(|service| (name(service), name(service))).collect();
        let at = service.and_then(|wanted| options.iter().position(|(label, _)| label == wanted)).unwrap_or(0);
        let presets = presets.iter().map(|preset| (preset.clone(), preset.clone())).collect();
        let fields = vec![
            choice("preset", presets, 0, "who sends? type to find"),
            choice("service", options, at, "where its incidents open"),
            text("name", "", "empty = the preset's name"),
        ];
        Self::new(FormKind::Filter, fields)
    }

    #[must_use]
    pub fn resolve(incident: String) -> Self {
        Self::new(FormKind::Resolve(incident), vec![text("comment", "", "for the timeline; may be empty")])
    }

    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.kind {
            FormKind::Token => "NEW TOKEN",
            FormKind::EditToken(_) => "EDIT TOKEN",
            FormKind::Team => "NEW TEAM",
            FormKind::Service => "NEW SERVICE",
            FormKind::Filter => "NEW FILTER from a preset",
            FormKind::Resolve(_) => "RESOLVE",
        }
    }

    #[must_use]
    pub fn button(&self) -> &'static str {
        match self.kind {
            FormKind::EditToken(_) => "Change",
            FormKind::Resolve(_) => "Resolve",
            _ => "Create",
        }
    }

    /// True while the mark is on the button that does it.
    #[must_use]
    pub fn on_button(&self) -> bool {
        self.focus == self.fields.len()
    }

    #[must_use]
    pub fn on_cancel(&self) -> bool {
        self.focus > self.fields.len()
    }

    /// Moves the mark.
    pub fn step(&mut self, by: isize) {
        let len = self.fields.len() + 2;
        self.focus = (self.focus + len).saturating_add_signed(by) % len;
    }

    /// Gives a key to the field under the mark.
    pub fn key(&mut self, key: Key) -> bool {
        let focus = self.focus;
        let Some(field) = self.fields.get_mut(focus) else { return false };
        let taken = match &mut field.value {
            Value::Text(field) => field.key(key),
            Value::Choice(choice) => choice.key(key),
            Value::Tick(tick) if key == Key::char(' ') => {
                *tick = !*tick;
                true
            }
            Value::Tick(_) => false,
        };
        self.changed |= taken;
        taken
    }

    /// What is wrong with what has been typed so far; said while typing.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let optional = matches!(self.kind, FormKind::Filter);
        let name = self.text("name")?;
        if name.is_empty() { None } else { name_problem(&name, optional) }
    }

    /// The value of the expiry as a date, to be shown beside it.
    #[must_use]
    pub fn expires_words(&self, now: Timestamp) -> Option<String> {
        let days: i64 = match self.choice("expires")? {
            "never" => return Some("it does not end by itself".to_owned()),
            "" => return None,
            text => text.trim_end_matches('d').parse().ok()?,
        };
        Some(words::date(now.plus_secs(days * 86_400)))
    }

    /// The change that the form describes.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn submit(&self) -> Result<Call, String> {
        let name = self.text("name").unwrap_or_default();
        let wants_name = !matches!(self.kind, FormKind::Filter | FormKind::Resolve(_));
        if let Some(problem) = name_problem(&name, !wants_name) {
            return Err(problem);
        }
        Ok(match &self.kind {
            FormKind::Token => Call::CreateToken(self.new_token(name)),
            FormKind::EditToken(token) => Call::EditToken { token: token.clone(), patch: self.patch(name) },
            FormKind::Team => Call::CreateTeam(NewTeam { name }),
            FormKind::Service => Call::CreateService(NewService { team: self.chosen("team")?, name }),
            FormKind::Filter => Call::CreateFilter(NewFilter {
                service: self.chosen("service")?,
                name: (!name.is_empty()).then_some(name),
                preset: Some(self.chosen("preset")?),
                spec: None,
            }),
            FormKind::Resolve(incident) => {
                let comment = self.text("comment").filter(|words| !words.is_empty());
                Call::Resolve { incident: incident.clone(), comment }
            }
        })
    }

    /// The command that does the same.
    #[must_use]
    pub fn cli(&self) -> String {
        let name = words::shell(&self.text("name").unwrap_or_default());
        let pick = |label: &str| words::shell(self.choice(label).unwrap_or_default());
        match &self.kind {
            FormKind::Token => self.token_cli(&name),
            FormKind::EditToken(token) => self.edit_cli(token, &name),
            FormKind::Team => format!("tollgate team create {name}"),
            FormKind::Service => format!("tollgate service create {name} --team {}", pick("team")),
            FormKind::Filter => {
                format!("tollgate filter create --service {} --preset {}", pick("service"), pick("preset"))
            }
            FormKind::Resolve(incident) => {
                let comment = self.text("comment").filter(|words| !words.is_empty());
                let comment = comment.map(|text| format!(" --comment {}", words::shell(&text))).unwrap_or_default();
                format!("tollgate incident resolve {incident}{comment}")
            }
        }
    }

    fn token_cli(&self, name: &str) -> String {
        let pick = |label: &str| words::shell(self.choice(label).unwrap_or_default());
        let mut line = format!("tollgate token create {name} --scope {} --expires {}", pick("scope"), pick("expires"));
        line.extend(self.addresses().iter().map(|ip| format!(" --allow-ip {}", words::shell(ip))));
        if self.tick("debug") {
            line.push_str(" --debug");
        }
        if self.choice("dedup") != Some("600") {
            line.push_str(&format!(" --dedup {}s", pick("dedup")));
        }
        line
    }

    fn edit_cli(&self, token: &str, name: &str) -> String {
        let mut line = format!("tollgate token edit {token} --name {name}");
        if let Some(expires) = self.choice("expires").filter(|value| !value.is_empty()) {
            line.push_str(&format!(" --expires {expires}"));
        }
        line.push_str(&format!(" --dedup {}s", self.choice("dedup").unwrap_or_default()));
        match self.addresses() {
            list if list.is_empty() => line.push_str(" --any-ip"),
            list => line.extend(list.iter().map(|ip| format!(" --allow-ip {}", words::shell(ip)))),
        }
        line
    }

    fn new_token(&self, name: String) -> NewToken {
        NewToken {
            name,
            scope: self.choice("scope").unwrap_or_default().to_owned(),
            description: String::new(),
            expires: self.choice("expires").map(str::to_owned),
            dedup_window_secs: self.choice("dedup").and_then(|secs| secs.parse().ok()),
            allowed_ips: self.addresses(),
            debug: self.tick("debug"),
            ..NewToken::default()
        }
    }

    fn patch(&self, name: String) -> TokenPatch {
        TokenPatch {
            name: Some(name),
            description: None,
            expires: self.choice("expires").filter(|value| !value.is_empty()).map(str::to_owned),
            dedup_window_secs: self.choice("dedup").and_then(|secs| secs.parse().ok()),
            allowed_ips: Some(self.addresses()),
            ..TokenPatch::default()
        }
    }

    fn addresses(&self) -> Vec<String> {
        let text = self.text("from").unwrap_or_default();
        text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn value(&self, label: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.label == label).map(|field| &field.value)
    }

    fn text(&self, label: &str) -> Option<String> {
        match self.value(label)? {
            Value::Text(field) => Some(field.text()),
            _ => None,
        }
    }

    fn choice(&self, label: &str) -> Option<&str> {
        match self.value(label)? {
            Value::Choice(choice) => Some(choice.value()),
            _ => None,
        }
    }

    fn chosen(&self, label: &str) -> Result<String, String> {
        match self.choice(label) {
            Some(value) if !value.is_empty() => Ok(value.to_owned()),
            _ => Err(format!("there is no {label} to choose yet")),
        }
    }

    fn tick(&self, label: &str) -> bool {
        matches!(self.value(label), Some(Value::Tick(true)))
    }
}

fn name_problem(name: &str, optional: bool) -> Option<String> {
    if optional && name.is_empty() {
        return None;
    }
    Name::new(name).err().map(|error| error.to_string())
}

fn text(label: &'static str, value: &str, hint: &'static str) -> FormField {
    FormField { label, value: Value::Text(Field::new(value)), hint }
}

fn choice(label: &'static str, options: Vec<(String, String)>, at: usize, hint: &'static str) -> FormField {
    FormField { label, value: Value::Choice(Choice::new(options, at)), hint }
}

fn expiries(keep: bool) -> Vec<(String, String)> {
    let all = [("as it is", ""), ("30 days", "30d"), ("90 days", "90d"), ("1 year", "365d"), ("never", "never")];
    all.into_iter().skip(usize::from(!keep)).map(|(label, value)| (label.to_owned(), value.to_owned())).collect()
}

fn dedups() -> Vec<(String, String)> {
    let all =
        [("off", "0"), ("1 min", "60"), ("5 min", "300"), ("10 min", "600"), ("1 hour", "3600"), ("24 hours", "86400")];
    all.into_iter().map(|(label, value)| (label.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_into(form: &mut Form, text: &str) {
        assert!(text.chars().all(|letter| form.key(Key::char(letter))));
    }

    #[test]
    fn a_name_too_long_is_said_while_it_is_typed() {
        let mut form = Form::team();
        type_into(&mut form, &"n".repeat(64));
        assert_eq!(form.complaint(), None);
        type_into(&mut form, "n");
        assert!(form.complaint().unwrap().contains("65 characters"));
        assert!(form.submit().is_err());
    }

    #[test]
    fn a_token_ends_in_a_year_unless_somebody_chooses_otherwise() {
        let mut form = Form::token(&[], &[], None);
        type_into(&mut form, "zabbix-prod");
        let Ok(Call::CreateToken(token)) = form.submit() else { panic!("no token") };
        assert_eq!((token.expires.as_deref(), token.debug, token.dedup_window_secs), (Some("365d"), true, Some(600)));
        let now: Timestamp = "2026-11-22T03:14:00Z".parse().unwrap();
        assert_eq!(form.expires_words(now).as_deref(), Some("2027-11-22"));
        assert_eq!(form.cli(), "tollgate token create zabbix-prod --scope global --expires 365d --debug");
    }

    #[test]
    fn typing_in_a_choice_finds_the_option() {
        let mut form = Form::token(&[], &[], None);
        form.focus = 2;
        type_into(&mut form, "nev");
        assert_eq!(form.choice("expires"), Some("never"));
        form.key(Key::plain(Code::Right));
        assert_eq!(form.choice("expires"), Some("30d"));
    }
}
