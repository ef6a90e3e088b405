//! Who calls most now, cut to what the caller sees.

use http::Response;
use tollgate_shared::api::{Talker, TalkerTable, TalkersBy, TalkersView};
use tollgate_shared::id::{ServiceId, TokenId};
use tollgate_shared::limits::TALKERS_MAX;
use tollgate_shared::problem::{Problem, Slug};

use super::answers::ok;
use super::params::Call;
use crate::core::access::{Operation, Sight, Target, allows};
use crate::core::registry::Registry;
use crate::edge::Body;
use crate::talkers::{Ranking, Standing};

/// Rows of each table where the caller names no limit: what a screen can hold.
const ROWS_DEFAULT: usize = 10;

pub(super) fn show(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["by", "limit"])?;
    let rows = query.parsed("limit")?.unwrap_or(ROWS_DEFAULT).clamp(1, TALKERS_MAX);
    let by = by(query.get("by"))?;
    let (daemon, registry) = (&call.daemon, call.daemon.registry.load());
    let now = daemon.clock.now();
    let (sight, all) = (Sight::new(&call.actor, &registry), daemon.meters.talkers.rankings(by, now));
    let sees_token = |token: &TokenId| sight.token(Operation::SeeTokens, *token);
    let sees_service = |service: &ServiceId| sight.service(Operation::See, *service);
    // An address is of no team: who sees what was refused before a token was known sees addresses, too.
    let sees_addresses = allows(&call.actor, Operation::ReadLog, Target::Global).is_ok();
    Ok(ok(&TalkersView {
        now,
        since: daemon.facts.started_at,
        keys_max: u32::try_from(TALKERS_MAX).unwrap_or(u32::MAX),
        tokens: Cut { rows, gathered: sight.of_everything(Operation::SeeTokens) }.table(
            all.tokens,
            "others",
            sees_token,
            |token| named_token(&registry, *token),
        ),
        addresses: sees_addresses.then(|| {
            Cut { rows, gathered: true }.table(all.addresses, "others", |_| true, |ip| (ip.to_string(), ip.to_string()))
        }),
        services: Cut { rows, gathered: sight.of_everything(Operation::See) }.table(
            all.services,
            // What matched nowhere is among them, which is most of what a wrong sender sends.
            "no service, or others",
            sees_service,
            |service| named_service(&registry, *service),
        ),
    }))
}

fn by(text: Option<&str>) -> Result<TalkersBy, Problem> {
    let Some(text) = text else { return Ok(TalkersBy::default()) };
    TalkersBy::ALL.into_iter().find(|by| by.as_str() == text).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        let detail = format!("by: `{shown}` is none of calls, refused, no_match");
        Problem::new(Slug::Validation, detail).with_error("by", "unknown")
    })
}

/// What is left of a table for one caller.
struct Cut {
    rows: usize,
    /// He may know what was gathered of all.
    gathered: bool,
}

impl Cut {
    fn table<K>(
        &self,
        ranking: Ranking<K>,
        others_are: &str,
        sees: impl Fn(&K) -> bool,
        named: impl Fn(&K) -> (String, String),
    ) -> TalkerTable {
        let seen: Vec<_> = ranking.rows.into_iter().filter(|row| sees(&row.key)).collect();
        let known = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let rows = seen.into_iter().take(self.rows).map(|row| {
            let (id, name) = named(&row.key);
            talker(Some(id), name, &row)
        });
        let others = ranking.others.filter(|_| self.gathered);
        TalkerTable { rows: rows.collect(), known, others: others.map(|row| talker(None, others_are.to_owned(), &row)) }
    }
}

fn talker<K>(id: Option<String>, name: String, row: &Standing<K>) -> Talker {
    Talker { id, name, last_10s: row.last_10s, last_minute: row.last_minute }
}

/// A token that was revoked within the minute keeps its name.
fn named_token(registry: &Registry, id: TokenId) -> (String, String) {
    let dead = || registry.tombstone(id).map(|stone| stone.token.name.to_string());
    let name = registry.token(id).map(|token| token.name.to_string()).or_else(dead);
    (id.to_string(), name.unwrap_or_else(|| id.to_string()))
}

fn named_service(registry: &Registry, id: ServiceId) -> (String, String) {
    let name = registry.service(id).map(|entry| entry.full_name.clone());
    (id.to_string(), name.unwrap_or_else(|| "(deleted)".to_owned()))
}
