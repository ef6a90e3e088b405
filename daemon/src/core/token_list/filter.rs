//! Which tokens a list holds.

use tollgate_shared::id::{OperatorId, TeamId};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::{Owner, Scope, TokenState};

use super::Row;
use crate::core::model::Token;
use crate::core::registry::Registry;
use crate::core::views;
use crate::usage::UsageFacts;

/// The parameters of a filter.
pub const PARAMETERS: [&str; 14] = [
    "q",
    "scope",
    "team",
    "owner",
    "state",
    "expires_within_secs",
    "unused_secs",
    "never_used",
    "no_expiry",
    "no_allowlist",
    "uses_query_token",
    "debug",
    "created_by",
    "issued_by",
];

/// What a token must be to be listed; the default lists all living ones.
#[derive(Clone, Debug, Default)]
pub struct TokenFilter {
    text: Option<String>,
    scopes: Option<Vec<Scope>>,
    scope_kind: Option<String>,
    team: Option<(TeamId, Vec<Scope>)>,
    owner: Option<Owner>,
    state: Option<TokenState>,
    expires_within_secs: Option<i64>,
    unused_secs: Option<i64>,
    never_used: bool,
    no_expiry: bool,
    no_allowlist: bool,
    uses_query_token: bool,
    debug: Option<bool>,
    created_by: Option<String>,
    issued_by: Option<String>,
}

impl TokenFilter {
    /// Reads the parameters; `get` gives those that are there and not empty.
    ///
    /// # Errors
    /// A value that is none, with its parameter named.
    pub fn read<'q>(registry: &Registry, get: &dyn Fn(&str) -> Option<&'q str>) -> Result<Self, Problem> {
        let flag = |name: &str| get(name).map_or(Ok(false), |text| truth(name, text));
        let secs = |name: &str| get(name).map(|text| seconds(name, text)).transpose();
        let scope = get("scope");
        let kind = scope.filter(|scope| matches!(*scope, "global" | "team" | "service" | "mine"));
        Ok(Self {
            text: get("q").map(str::to_lowercase),
            scopes: scope.filter(|_| kind.is_none()).map(|scope| scopes_named(registry, scope)),
            scope_kind: kind.map(str::to_owned),
            team: get("team").map(|team| team_scopes(registry, team)).transpose()?,
            owner: get("owner").map(|owner| owner_named(registry, owner)).transpose()?,
            state: get("state").map(state_named).transpose()?,
            expires_within_secs: secs("expires_within_secs")?,
            unused_secs: secs("unused_secs")?,
            never_used: flag("never_used")?,
            no_expiry: flag("no_expiry")?,
            no_allowlist: flag("no_allowlist")?,
            uses_query_token: flag("uses_query_token")?,
            debug: get("debug").map(|text| truth("debug", text)).transpose()?,
            created_by: get("created_by").map(str::to_lowercase),
            issued_by: get("issued_by").map(str::to_owned),
        })
    }

    /// True where revoked tokens are asked for.
    pub(super) fn dead(&self) -> bool {
        self.state == Some(TokenState::Revoked)
    }

    /// True where it asks what a token was used for.
    pub(super) fn needs_use(&self) -> bool {
        self.unused_secs.is_some() || self.never_used || self.uses_query_token
    }

    /// What can be told from the token alone; its brief first, so that most tokens are not fetched whole.
    pub(super) fn fits(&self, row: Row<'_>, now: Timestamp) -> bool {
        let brief = row.brief();
        self.fits_scope(brief.scope)
            && self.owner.is_none_or(|owner| brief.owner == owner)
            && self.fits_time(brief.expires_at, now)
            && self.text.as_ref().is_none_or(|text| brief.has(text))
            && self.fits_whole(row, now)
    }

    fn fits_whole(&self, row: Row<'_>, now: Timestamp) -> bool {
        let token = || row.token();
        self.state.is_none_or(|state| self.dead() || views::state_of(token(), now) == state)
            && (!self.no_allowlist || token().allowed_ips.is_empty())
            && self.debug.is_none_or(|on| token().debug_until.is_some_and(|until| until > now) == on)
            && self.created_by.as_ref().is_none_or(|by| token().created_by.to_lowercase() == *by)
            && self.issued_by.as_ref().is_none_or(|by| issued_by(token(), by))
    }

    fn fits_scope(&self, scope: Scope) -> bool {
        let kind = match scope {
            Scope::Global => "global",
            Scope::Team(_) => "team",
            Scope::Service(_) => "service",
            Scope::Mine => "mine",
        };
        self.scope_kind.as_ref().is_none_or(|wanted| wanted == kind)
            && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
            && self
                .team
                .as_ref()
                .is_none_or(|(team, services)| scope == Scope::Team(*team) || services.contains(&scope))
    }

    /// Expiring means: not expired yet, and soon.
    fn fits_time(&self, end: Option<Timestamp>, now: Timestamp) -> bool {
        let soon = |secs| end.is_some_and(|end| end > now && end <= now.plus_secs(secs));
        self.expires_within_secs.is_none_or(soon) && (!self.no_expiry || end.is_none())
    }

    /// What its use tells. One that was never used is unused since it was created.
    pub(super) fn fits_use(&self, row: Row<'_>, facts: UsageFacts, now: Timestamp) -> bool {
        let since = || facts.last_used.unwrap_or_else(|| row.token().created_at);
        self.unused_secs.is_none_or(|secs| since() <= now.plus_secs(-secs))
            && (!self.never_used || facts.last_used.is_none())
            && (!self.uses_query_token || facts.query_token)
    }
}

fn issued_by(token: &Token, by: &str) -> bool {
    match token.issued_by {
        crate::core::model::Issuer::Superuser => by == "root",
        crate::core::model::Issuer::Operator(id) => id.to_string() == by,
        crate::core::model::Issuer::Token(id) => id.as_str() == by,
    }
}

/// The scopes that are called so: a team or services by their names, or `team:NAME`, `service:TEAM/SERVICE`.
fn scopes_named(registry: &Registry, text: &str) -> Vec<Scope> {
    let name = text.split_once(':').map_or(text, |(_, name)| name).to_lowercase();
    let teams = registry.teams().filter(|team| team.name.key() == name || team.id.to_string() == name);
    let services = registry.services().iter();
    let services =
        services.filter(|entry| entry.full_name.to_lowercase() == name || entry.service.id.to_string() == name);
    let services = services.map(|entry| Scope::Service(entry.service.id));
    teams.map(|team| Scope::Team(team.id)).chain(services).collect()
}

fn team_scopes(registry: &Registry, text: &str) -> Result<(TeamId, Vec<Scope>), Problem> {
    let team = registry.find_team(text)?.id;
    let services = registry.reached(Scope::Team(team)).iter();
    Ok((team, services.map(|entry| Scope::Service(entry.service.id)).collect()))
}

fn owner_named(registry: &Registry, text: &str) -> Result<Owner, Problem> {
    if text == "organisation" {
        return Ok(Owner::Organisation);
    }
    let key = text.to_lowercase();
    let mut operators = registry.operators().filter(|op| op.name.key() == key || op.id.to_string() == key);
    let found: Option<OperatorId> = operators.next().map(|operator| operator.id);
    found.map(Owner::Operator).ok_or_else(|| unknown("owner", text, "organisation, or an operator's name or id"))
}

fn state_named(text: &str) -> Result<TokenState, Problem> {
    use TokenState::{Active, Expired, NotYetValid, Revoked, Suspended};
    let all = [NotYetValid, Active, Suspended, Expired, Revoked];
    let found = all.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| unknown("state", text, "active, expired, suspended, not_yet_valid or revoked"))
}

fn truth(name: &str, text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(unknown(name, text, "true or false")),
    }
}

fn seconds(name: &str, text: &str) -> Result<i64, Problem> {
    let secs = text.parse::<u32>().map(i64::from);
    secs.map_err(|_| unknown(name, text, "a number of seconds"))
}

fn unknown(name: &str, text: &str, wanted: &str) -> Problem {
    let shown: String = text.chars().take(40).collect();
    Problem::new(Slug::Validation, format!("{name}: `{shown}` is not known; {wanted}")).with_error(name, "unknown")
}
