//! Which tokens a list holds: a query, and older parameters as what they mean in it.

use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::query::{Bound, FieldId, NoNames, Query, TOKENS, typed_value};
use tollgate_shared::time::Timestamp;

use super::row::TokenRow;
use crate::core::asked::{parsed, secs, term};
use crate::core::registry::Registry;

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

/// What a token must be to be listed.
#[derive(Clone, Debug)]
pub struct TokenFilter {
    bound: Bound,
    with_dead: bool,
    needs_use: bool,
}

/// Gives the parameters that are there and not empty.
type Given<'a, 'q> = &'a dyn Fn(&str) -> Option<&'q str>;

impl TokenFilter {
    /// Reads the parameters; what several of them ask must all hold.
    ///
    /// # Errors
    /// 422 with the place in `q`, or with the parameter named; 404 for a team that is none.
    pub fn read<'q>(registry: &Registry, now: Timestamp, get: Given<'_, 'q>) -> Result<Self, Problem> {
        let mut query = parsed(get("q").unwrap_or_default(), &TOKENS)?;
        for (parameter, text) in words(get).into_iter().chain(flags(get)?).chain(references(registry, get)?) {
            query = query.and(term(parameter, &text, &TOKENS)?);
        }
        let bound = query.bind(&NoNames, now).map_err(|error| Problem::of_query(&error))?;
        Ok(Self { bound, with_dead: asks_for_dead(&query), needs_use: query.any_field(&|field, _| is_of_use(field)) })
    }

    /// True where revoked tokens are looked at, too.
    pub(super) fn with_dead(&self) -> bool {
        self.with_dead
    }

    /// True where it asks what a token was used for.
    pub(super) fn needs_use(&self) -> bool {
        self.needs_use
    }

    pub(super) fn fits(&self, row: &TokenRow<'_>) -> bool {
        self.bound.passes(row)
    }
}

/// Who looks for tokens means living ones, unless he says so: of revoked ones there are more with every year.
fn asks_for_dead(query: &Query) -> bool {
    query.any_field(&|field, value| field == FieldId::State && value.eq_ignore_ascii_case("revoked"))
}

fn is_of_use(field: FieldId) -> bool {
    matches!(field, FieldId::Ip | FieldId::QueryToken | FieldId::Unused | FieldId::Used)
}

fn words(get: Given<'_, '_>) -> Vec<(&'static str, String)> {
    let same = ["scope", "state", "created_by", "issued_by"];
    let given = same.into_iter().filter_map(|name| get(name).map(|value| (name, value)));
    given.map(|(name, value)| (name, format!("{name}:{}", typed_value(value)))).collect()
}

fn flags(get: Given<'_, '_>) -> Result<Vec<(&'static str, String)>, Problem> {
    let mut terms = Vec::new();
    for (name, term) in [
        ("never_used", "used:never"),
        ("no_expiry", "expires:never"),
        ("no_allowlist", "addresses:any"),
        ("uses_query_token", "query_token:used"),
    ] {
        if get(name).map(|text| truth(name, text)).transpose()?.unwrap_or(false) {
            terms.push((name, term.to_owned()));
        }
    }
    if let Some(on) = get("debug").map(|text| truth("debug", text)).transpose()? {
        terms.push(("debug", format!("debug:{}", if on { "on" } else { "off" })));
    }
    for (name, field) in [("expires_within_secs", "expires:<="), ("unused_secs", "unused:>=")] {
        if let Some(text) = get(name) {
            let number = text.parse().map_err(|_| unknown(name, text, "a number of seconds"))?;
            terms.push((name, format!("{field}{}", secs(number))));
        }
    }
    Ok(terms)
}

/// What is looked up: a mistake is told, where the language would just find nothing.
fn references(registry: &Registry, get: Given<'_, '_>) -> Result<Vec<(&'static str, String)>, Problem> {
    let mut terms = Vec::new();
    if let Some(team) = get("team") {
        let name = registry.find_team(team)?.name.to_string();
        terms.push(("team", format!("team:{}", typed_value(&name))));
    }
    if let Some(owner) = get("owner") {
        terms.push(("owner", format!("owner:{}", typed_value(&owner_named(registry, owner)?))));
    }
    Ok(terms)
}

fn owner_named(registry: &Registry, text: &str) -> Result<String, Problem> {
    if text == "organisation" {
        return Ok(text.to_owned());
    }
    let key = text.to_lowercase();
    let mut operators = registry.operators().filter(|op| op.name.key() == key || op.id.to_string() == key);
    let found = operators.next().map(|operator| operator.id.to_string());
    found.ok_or_else(|| unknown("owner", text, "organisation, or an operator's name or id"))
}

fn truth(name: &str, text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(unknown(name, text, "true or false")),
    }
}

fn unknown(name: &str, text: &str, wanted: &str) -> Problem {
    let shown: String = text.chars().take(40).collect();
    Problem::new(Slug::Validation, format!("{name}: `{shown}` is not known; {wanted}")).with_error(name, "unknown")
}
