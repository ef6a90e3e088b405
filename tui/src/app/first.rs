//! The first path: what was chosen on it, what senders on other hosts need, and the alert to try it all with.

use std::net::SocketAddr;

use tollgate_shared::api::StatusView;
use tollgate_shared::filter::sample;
use tollgate_shared::id::IncidentId;

/// The values of the question who sends.
pub const THIS_HOST: &str = "this host";
pub const OTHER_HOSTS: &str = "other hosts";

/// What was chosen on the way so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstPath {
    /// The filter's preset.
    pub preset: String,
    /// Senders are on other hosts.
    pub others: bool,
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
    fn a_preset_without_a_sample_offers_none() {
        assert!(SampleAlert::of("alertmanager").is_some());
        assert_eq!(SampleAlert::of("no such preset"), None);
    }
}
