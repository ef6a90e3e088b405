//! The audit trail: its pages, the walk along its chain, and what the doors themselves write into it.

use http::{Response, Uri};
use tollgate_shared::api::Page;
use tollgate_shared::audit::AuditRow;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::query::{self, AUDIT, Bound, typed_value};

use super::answers::{ok, read, reply};
use super::params::{Call, Query, pairs};
use crate::core::access::{Actor, Operation, Sight, Target, allows, service_target};
use crate::core::admin::{Command, Note};
use crate::core::asked::{bound, parsed, secs, term};
use crate::core::audit::Walk;
use crate::core::call::credential;
use crate::core::registry::Registry;
use crate::daemon::Daemon;
use crate::edge::Body;
use crate::store::StoreError;

/// Rows that one query looks at: a rare action does not walk years of them in one go; `next` goes on.
const SCAN_ROWS: usize = 20_000;

/// Rows of one reading.
const CHUNK_ROWS: usize = 1_000;

pub(super) async fn list(call: &Call) -> Result<Response<Body>, Problem> {
    let query = call.query(&["q", "actor", "action", "target", "since_secs", "before", "limit"])?;
    let bound = bound(&asked(&query)?, &call.daemon.registry.load(), call.daemon.clock.now())?;
    let (before, limit, actor) = (query.parsed("before")?, query.limit()?, call.actor.clone());
    let page = read(&call.daemon, move |daemon| search(daemon, &actor, &bound, before, limit)).await?;
    Ok(ok(&page))
}

/// What `q` asks, and the older parameters with it.
fn asked(query: &Query<'_>) -> Result<query::Query, Problem> {
    let mut asked = parsed(query.get("q").unwrap_or_default(), &AUDIT)?;
    for name in ["actor", "action", "target"] {
        if let Some(value) = query.get(name) {
            asked = asked.and(term(name, &format!("{name}:{}", typed_value(value)), &AUDIT)?);
        }
    }
    if let Some(since) = query.parsed::<u32>("since_secs")? {
        asked = asked.and(term("since_secs", &format!("since:{}", secs(since)), &AUDIT)?);
    }
    Ok(asked)
}

/// A page, newest first; it begins and ends where the query's times and seqs do.
fn search(
    daemon: &Daemon,
    actor: &Actor,
    bound: &Bound,
    before: Option<u64>,
    limit: usize,
) -> Result<Page<AuditRow>, StoreError> {
    let registry = daemon.registry.load();
    let last = u64::try_from(bound.hints().seq.end().saturating_add(1)).ok();
    let first = u64::try_from(*bound.hints().seq.start()).unwrap_or(0);
    let (mut items, mut at, mut looked_at) = (Vec::new(), before.into_iter().chain(last).min(), 0);
    let sees_all = Sight::new(actor, &registry).of_everything(Operation::ReadAudit);
    while looked_at < SCAN_ROWS {
        let page = daemon.reader.audit(at, CHUNK_ROWS)?;
        for row in page.rows {
            if row.at.as_micros() < *bound.hints().at.start() || row.seq < first {
                return Ok(Page { items, next: None });
            }
            looked_at += 1;
            let next = row.seq;
            if bound.passes(&row) && (sees_all || sees(daemon, &registry, actor, &row)?) {
                items.push(row);
            }
            if items.len() == limit {
                return Ok(Page { items, next: (next > 1).then(|| next.to_string()) });
            }
        }
        at = page.next;
        if at.is_none() {
            return Ok(Page { items, next: None });
        }
    }
    Ok(Page { items, next: at.map(|seq| seq.to_string()) })
}

/// Whether a row is about something of a team whose audit the actor may read. What is gone belongs to no team any more.
fn sees(daemon: &Daemon, registry: &Registry, actor: &Actor, row: &AuditRow) -> Result<bool, StoreError> {
    let mut words = row.target.split(' ');
    let (kind, id) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let sight = Sight::new(actor, registry);
    let target = match kind {
        "team" => id.parse().map_or(Target::Global, Target::Team),
        "service" => id.parse().map_or(Target::Global, |id| service_target(registry, id)),
        "filter" => {
            let entry = id.parse().ok().and_then(|id| registry.filter(id)).map(|(entry, _)| entry.service.id);
            entry.map_or(Target::Global, |service| service_target(registry, service))
        }
        "token" => return Ok(id.parse().is_ok_and(|id| sight.token(Operation::ReadAudit, id))),
        "incident" => {
            let found = id.parse().ok().map(|id| daemon.reader.incident(id)).transpose()?.flatten();
            found.map_or(Target::Global, |(head, ..)| service_target(registry, head.service))
        }
        _ => Target::Global,
    };
    Ok(allows(actor, Operation::ReadAudit, target).is_ok())
}

/// Walks the whole chain, in short transactions; `head` is one that was noted elsewhere.
pub(super) async fn verify(call: &Call) -> Result<Response<Body>, Problem> {
    allows(&call.actor, Operation::ReadAudit, Target::Global)?;
    let query = call.query(&["head"])?;
    let noted = query.get("head").map(str::to_lowercase);
    if noted.as_ref().is_some_and(|head| head.len() != 64 || !head.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Err(Problem::new(Slug::Validation, "a head is 64 hex digits").with_error("head", "malformed"));
    }
    let verdict = read(&call.daemon, move |daemon| {
        let mut walk = Walk::new(daemon.reader.audit_head()?, noted);
        loop {
            let rows = daemon.reader.audit_after(walk.at(), CHUNK_ROWS)?;
            let is_last = rows.len() < CHUNK_ROWS;
            if !rows.into_iter().all(|row| walk.step(row)) || is_last {
                return Ok(walk.end());
            }
        }
    })
    .await?;
    Ok(ok(&verdict))
}

/// Audits a reading of the log before anything of it is shown: one row a query, not one a page.
///
/// # Errors
/// The audit cannot be written: then nothing is read either.
pub(super) async fn reading(call: &Call, what: &'static str) -> Result<(), Problem> {
    reading_of(&call.daemon, &call.actor, what, call.request.uri()).await
}

/// The same for a request whose body was taken already.
///
/// # Errors
/// As [`reading`].
pub(super) async fn reading_of(daemon: &Daemon, actor: &Actor, what: &'static str, uri: &Uri) -> Result<(), Problem> {
    let mut words = credential::readable(&asked_words(uri.query().unwrap_or_default())).into_owned();
    super::clean(&mut words);
    let path = daemon.redactor().redact_text(&credential::readable(uri.path())).into_owned();
    let key = format!("{} {what} {path} {words}", actor.name);
    if !daemon.people.readings.is_new(key, daemon.clock.now()) {
        return Ok(());
    }
    let note = Note { action: what, target: path, detail: words.chars().take(500).collect() };
    reply(daemon, actor.clone(), Command::Note(note)).await.map(drop)
}

/// A query string as a person reads it, so that nothing hides behind percent signs from who redacts it.
fn asked_words(query: &str) -> String {
    let words = pairs(query).filter(|(name, _)| !is_place(name)).map(|(name, value)| format!("{name}={value}"));
    words.collect::<Vec<_>>().join(" ")
}

/// A parameter that only says where in the answer to go on.
fn is_place(name: &str) -> bool {
    ["before", "after", "limit", "last", "cursor", "buckets"].contains(&name)
}

/// Audits a refusal of somebody's right: ten a second at most, the rest counted. It is on disk before
/// the refusal is told; the refusal stands either way.
pub(super) async fn refusal(daemon: &Daemon, actor: Actor, target: String, problem: &Problem) {
    let is_of_right = matches!(
        problem.slug(),
        Ok(Slug::Forbidden | Slug::UnknownOperator | Slug::PermissionMissing | Slug::ScopeMissing | Slug::RateLimited)
    );
    if !is_of_right {
        return;
    }
    let Some(uncounted) = daemon.people.refusals.row(daemon.clock.now()) else { return };
    let more =
        if uncounted > 0 { format!("; {uncounted} refusals before it were only counted") } else { String::new() };
    let target = daemon.redactor().redact_text(&credential::readable(&target)).into_owned();
    let detail = format!("{}: {}{more}", problem.type_.rsplit(':').next().unwrap_or_default(), problem.detail);
    let note = Note { action: "refused", target: target.chars().take(256).collect(), detail };
    if let Err(unwritten) = reply(daemon, actor, Command::Note(note)).await {
        tracing::warn!(detail = unwritten.detail, "a refusal was not audited");
    }
}
