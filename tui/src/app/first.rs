//! The first path: how far it was gone, what was chosen on it, what senders on other hosts need, and the alert to try it
//! all with.

use std::net::SocketAddr;
use std::sync::Arc;

use tollgate_shared::api::{StatusView, TokenView};
use tollgate_shared::filter::{FilterSpec, preset, preset_names, sample};
use tollgate_shared::id::IncidentId;
use tollgate_shared::token::TokenState;

use super::model::Model;

/// The values of the question who sends.
pub const THIS_HOST: &str = "this host";
pub const OTHER_HOSTS: &str = "other hosts";

/// What was chosen on the way so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstPath {
    /// The filter's preset.
    pub preset: String,
    /// Senders are on other hosts; unknown until it was asked.
    pub others: Option<bool>,
}

/// What is made next. Names as the scopes of tokens write them.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Team,
    /// In this team.
    Service(String),
    /// On this service.
    Filter(String),
    /// For this service.
    Token(String),
    /// All is there, and no call came yet: this token's first one.
    Call(Arc<TokenView>),
}

impl Step {
    /// What is missing, and what it is missing for.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Team => "Nothing is set up yet: a sender needs a token, a service and a filter".to_owned(),
            Self::Service(team) => format!("Team {team} has no service yet, where incidents would open"),
            Self::Filter(service) => format!("Service {service} has no filter yet, so no call can match"),
            Self::Token(service) => format!("No sender has a token yet, so none can call {service}"),
            Self::Call(token) => format!("No call came yet, with {} neither", token.name),
        }
    }

    /// What the key does that goes on.
    #[must_use]
    pub fn way_on(&self) -> &'static str {
        match self {
            Self::Team => "leads through the four steps: team, service, filter, token",
            Self::Service(_) => "goes on with the service",
            Self::Filter(_) => "goes on with the filter",
            Self::Token(_) => "goes on with the token",
            Self::Call(_) => "sends a sample alert, or shows the line to run",
        }
    }
}

/// Where the first path goes on, judged by what there is; none once it was gone to its end, or while it is unknown.
#[must_use]
pub fn next(model: &Model) -> Option<Step> {
    let made = &model.services;
    if !made.loaded {
        return None;
    }
    let Some(team) = made.teams.first() else { return Some(Step::Team) };
    let Some(service) = made.services.first() else { return Some(Step::Service(team.name.clone())) };
    let Some(filter) = made.filters.first() else {
        return Some(Step::Filter(format!("{}/{}", service.team.name, service.name)));
    };
    let mut living = model.tokens.all.iter().filter(|token| token.state != TokenState::Revoked);
    match living.clone().max_by_key(|token| token.created_at) {
        _ if !model.tokens.loaded => None,
        None => Some(Step::Token(filter.service.name.clone())),
        Some(newest) => living.all(|token| is_untried(token)).then(|| Step::Call(Arc::clone(newest))),
    }
}

/// No call of it came so far, not even one that was refused.
#[must_use]
pub fn is_untried(token: &TokenView) -> bool {
    let usage = &token.usage;
    usage.last_use.is_none() && usage.last_refusal.is_none() && usage.counts.total() == 0
}

/// The preset that a filter still is, whatever its name; none where it was changed, or written out.
#[must_use]
pub fn preset_of(spec: &FilterSpec) -> Option<&'static str> {
    let same = |of: &FilterSpec| of.trigger == spec.trigger && of.resolve == spec.resolve;
    preset_names().find(|name| preset(name).is_some_and(|of| same(&of)))
}

/// Presets in the order of a list to choose from: what most people have stands first.
#[must_use]
pub fn ordered(presets: &[String]) -> Vec<String> {
    const FOREMOST: [&str; 4] = ["alertmanager", "grafana", "zabbix", "nagios"];
    let mut presets = presets.to_vec();
    presets.sort_by_key(|name| FOREMOST.iter().position(|one| one == name).unwrap_or(FOREMOST.len()));
    presets
}

/// Where a sample alert goes, and through which token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trying {
    pub name: String,
    /// The listen address as a sender on this host reaches it.
    pub address: String,
    /// Calls are taken over TLS, which this program does not speak.
    pub tls: bool,
}

impl Trying {
    #[must_use]
    pub fn of(token: &TokenView, status: Option<&StatusView>) -> Self {
        let address = status.map(|status| reachable(&status.listen)).unwrap_or_default();
        Self { name: token.name.clone(), address, tls: status.is_some_and(|status| status.tls) }
    }
}

/// The lines to run: they read the secret from standard input, because a command line ends up in the shell's history.
#[must_use]
pub fn snippet(address: &str, tls: bool) -> [String; 4] {
    let scheme = if tls { "https" } else { "http" };
    [
        "To try it, without the secret in the shell's history or in ps:".to_owned(),
        "read -rs TG     then paste the secret and press Enter".to_owned(),
        "curl -sS -H @- -H 'Content-Type: application/json' -d '{\"test\":1}' \\".to_owned(),
        format!("  {scheme}://{address}/v1/process <<<\"Authorization: Bearer $TG\""),
    ]
}

/// The sample alert that can be sent while the new secret is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleAlert {
    pub preset: String,
    pub state: SampleState,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleState {
    Offered,
    /// The request of this number is under way.
    Sending(u64),
    /// It is in this incident; without one it opened none, or the gate did not take it.
    Sent(Option<IncidentId>),
}

impl SampleAlert {
    /// The sample of a preset; none where it has none.
    #[must_use]
    pub fn of(preset: &str) -> Option<Self> {
        sample(preset).map(|_| Self { preset: preset.to_owned(), state: SampleState::Offered })
    }

    /// The command that does the same.
    #[must_use]
    pub fn cli(&self) -> String {
        format!("tollgate send --sample {} --token-file FILE", self.preset)
    }

    /// It was not sent yet, or in vain.
    #[must_use]
    pub fn may_be_sent(&self) -> bool {
        matches!(self.state, SampleState::Offered | SampleState::Sent(None))
    }

    /// The incident that it is in.
    #[must_use]
    pub fn incident(&self) -> Option<IncidentId> {
        match self.state {
            SampleState::Sent(incident) => incident,
            SampleState::Offered | SampleState::Sending(_) => None,
        }
    }
}

/// An address that can be connected to: a daemon that listens on all addresses is reached on this host's own.
#[must_use]
pub fn reachable(listen: &str) -> String {
    let port = |prefix: &str| listen.strip_prefix(prefix).map(str::to_owned);
    match (port("0.0.0.0:"), port("[::]:")) {
        (Some(port), _) => format!("127.0.0.1:{port}"),
        (_, Some(port)) => format!("[::1]:{port}"),
        _ => listen.to_owned(),
    }
}

/// What to put into `tollgate.toml` so that other hosts can send; for a daemon that they reach already, that it is so.
/// Nothing is changed by the console.
#[must_use]
pub fn other_hosts(status: &StatusView) -> Vec<String> {
    let Some(listen) = status.listen.parse::<SocketAddr>().ok() else { return Vec::new() };
    if !listen.ip().is_loopback() {
        return vec![
            format!("Other hosts can send already: calls are taken at {listen}. Where senders call this host"),
            "by a name, that name is in host_allowlist of [gate] in tollgate.toml.".to_owned(),
        ];
    }
    let all = if listen.is_ipv6() { "[::]" } else { "0.0.0.0" };
    let mut lines = vec![
        "For other hosts: in tollgate.toml, then restart tollgated:".to_owned(),
        "  [gate]".to_owned(),
        format!("  listen = \"{all}:{}\"", listen.port()),
    ];
    if !status.tls {
        lines.push("  allow_plain_http = true  # readable on the way; or tls_certificate, tls_key".to_owned());
    }
    lines.push(format!("  host_allowlist = [\"{}\"]  # its names for senders", host_name(&status.host)));
    lines
}

/// The host's name as the setting takes it.
fn host_name(host: &str) -> String {
    host.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-._".contains(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    fn status(listen: &str, tls: bool) -> StatusView {
        StatusView { listen: listen.to_owned(), tls, host: "noc-2".to_owned(), ..fixtures::status() }
    }

    #[test]
    fn the_lines_for_other_hosts_are_address_plain_http_or_tls_and_names() {
        let lines = other_hosts(&status("127.0.0.1:7480", false));
        let settings: Vec<&str> = lines[1..].iter().map(|line| line.split("  #").next().unwrap().trim()).collect();
        let expected =
            ["[gate]", "listen = \"0.0.0.0:7480\"", "allow_plain_http = true", "host_allowlist = [\"noc-2\"]"];
        assert_eq!(settings, expected);
        assert!(lines.iter().all(|line| line.len() < 79), "{lines:#?}");
        let over_tls = other_hosts(&status("[::1]:7480", true)).join("\n");
        assert!(over_tls.contains("listen = \"[::]:7480\"") && !over_tls.contains("allow_plain_http"), "{over_tls}");
    }

    #[test]
    fn a_gate_that_other_hosts_reach_needs_no_lines() {
        let words = other_hosts(&status("10.0.0.5:7480", false)).join(" ");
        assert!(words.contains("can send already") && !words.contains("listen ="), "{words}");
    }

    #[test]
    fn a_daemon_that_listens_everywhere_is_reached_on_this_host() {
        assert_eq!(reachable("0.0.0.0:7480"), "127.0.0.1:7480");
        assert_eq!(reachable("[::]:7480"), "[::1]:7480");
        assert_eq!(reachable("10.0.0.1:7480"), "10.0.0.1:7480");
    }

    #[test]
    fn the_first_path_goes_on_where_it_was_left_as_the_lists_say_it() {
        let mut model = fixtures::model(80, 24, 3);
        model.tokens.replace(Vec::new(), fixtures::now());
        let whole = model.services.clone();
        let at = |model: &Model| next(model).map(|step| step.words()).unwrap_or_default();
        assert!(at(&model).starts_with("No sender has a token yet"), "{}", at(&model));
        model.services.filters.clear();
        assert!(at(&model).starts_with("Service "), "{}", at(&model));
        model.services.services.clear();
        assert!(at(&model).starts_with("Team Ops has no service"), "{}", at(&model));
        model.services.teams.clear();
        assert!(at(&model).starts_with("Nothing is set up"), "{}", at(&model));
        model.services = whole;
        let mut token = fixtures::token(1, "am");
        model.tokens.replace(vec![Arc::new(token.clone())], fixtures::now());
        assert_eq!(next(&model), None, "a call came");
        token.usage = tollgate_shared::api::UsageView::default();
        model.tokens.replace(vec![Arc::new(token)], fixtures::now());
        assert!(at(&model).contains("with am neither"), "{}", at(&model));
        model.services.loaded = false;
        assert_eq!(next(&model), None, "what is not known yet is not missing");
    }

    #[test]
    fn a_filter_is_known_as_its_preset_under_another_name_and_not_once_it_was_changed() {
        let mut spec = preset("zabbix").unwrap();
        spec.name = "zbx".to_owned();
        assert_eq!(preset_of(&spec), Some("zabbix"));
        spec.trigger.conditions.pop();
        assert_eq!(preset_of(&spec), None);
    }

    #[test]
    fn zabbix_is_the_third_preset_of_the_list() {
        let names: Vec<String> = preset_names().map(str::to_owned).collect();
        assert_eq!(ordered(&names)[..4], ["alertmanager", "grafana", "zabbix", "nagios"]);
        assert_eq!(ordered(&names).len(), names.len());
    }

    #[test]
    fn a_preset_without_a_sample_offers_none() {
        assert!(SampleAlert::of("alertmanager").is_some());
        assert_eq!(SampleAlert::of("no such preset"), None);
    }
}
