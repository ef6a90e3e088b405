//! What an operator would have set up: teams, services, filters, tokens with debug on; one token revoked already.

use std::collections::BTreeMap;

use tollgate_shared::api::{NewFilter, NewService, NewTeam, NewToken, RevokeToken, TokenCreated};
use zeroize::Zeroizing;

use crate::client::{Client, ClientError};

/// Services with the presets of their filters.
const SERVICES: [(&str, &str, &[&str]); 6] = [
    ("Ops", "Database", &["alertmanager"]),
    ("Ops", "Network", &["zabbix", "nagios"]),
    ("Ops", "Backup", &["plain_text"]),
    ("Ops", "Website", &["grafana", "pagerduty_v2"]),
    ("Plant", "Hall 3", &["cloudevents"]),
    ("Plant", "Builds", &["github_workflow", "oncall_formatted"]),
];

/// Tokens: name, scope, expiry, description.
const TOKENS: [(&str, &str, &str, &str); 7] = [
    ("am-prod", "service:Ops/Database", "1y", "Alertmanager of the database cluster"),
    ("zabbix-prod", "service:Ops/Network", "6d", "Zabbix webhook, expires soon"),
    ("grafana-dmz", "team:Ops", "90d", "Grafana in the DMZ"),
    ("backup-cron", "service:Ops/Backup", "never", "nightly script, plain text"),
    ("plc-bridge", "team:Plant", "1y", "CloudEvents from the hall"),
    ("everything", "global", "30d", "reaches every service"),
    (REVOKED, "service:Ops/Network", "never", "revoked; its host has not noticed"),
];

/// The token that is revoked before its sender starts.
const REVOKED: &str = "nagios-old";

/// The secrets that the senders use, by token name.
pub(super) struct Cast(BTreeMap<&'static str, Zeroizing<String>>);

impl Cast {
    /// The secret of a sender's token.
    pub(super) fn secret(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |secret| secret.as_str())
    }
}

/// Makes everything through the local socket.
pub(super) async fn create(client: &Client) -> Result<Cast, ClientError> {
    for team in ["Ops", "Plant"] {
        client.create_team(&NewTeam { name: team.to_owned() }).await?;
    }
    for (team, name, presets) in SERVICES {
        client.create_service(&NewService { team: team.to_owned(), name: name.to_owned() }).await?;
        for preset in presets {
            let service = format!("{team}/{name}");
            let filter = NewFilter { service, name: None, preset: Some((*preset).to_owned()), spec: None };
            client.create_filter(&filter).await?;
        }
    }
    let mut secrets = BTreeMap::new();
    for (name, scope, expires, description) in TOKENS {
        let created: TokenCreated = client.create_token(&token(name, scope, expires, description)).await?;
        secrets.insert(name, Zeroizing::new(created.secret.clone()));
    }
    let revoke = RevokeToken { confirm: REVOKED.to_owned(), reason: "replaced by zabbix-prod".to_owned() };
    client.revoke_token(REVOKED, &revoke).await?;
    Ok(Cast(secrets))
}

fn token(name: &str, scope: &str, expires: &str, description: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        scope: scope.to_owned(),
        description: description.to_owned(),
        expires: Some(expires.to_owned()),
        dedup_window_secs: None,
        allowed_ips: Vec::new(),
        debug: true,
    }
}
