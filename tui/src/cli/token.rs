//! `tollgate token`.

mod batch;
mod bulk;
mod change;
mod evidence;
mod identify;
mod view;

pub(super) use identify::{one_line, read_secret};
pub(super) use view::{scope_words, tokens};

use std::time::Duration;

use tollgate_shared::api::{ImportToken, NewToken, Screen, TokenPatch, TokenView};
use tollgate_shared::limits::{DEDUP_WINDOW_SECS_MAX, MEASURE_SECS_MAX};
use tollgate_shared::problem::Slug;
use tollgate_shared::token::{Permission, RateLimit, Scope};

use super::args::{Rate, Switch, TokenCreate, TokenEdit, TokenImport, TokenList, TokenSettings, TokenVerb};
use super::asked;
use super::confirm::refuse_empty;
use super::context::{Context, Done};
use super::exit::CliError;
use super::secret::Destination;
use super::when::When;
use crate::client::{ClientError, TokenQuery};
use view::token_facts;

pub(super) async fn run(cx: &mut Context<'_>, verb: TokenVerb) -> Done {
    match verb {
        TokenVerb::Create(mut args) => match args.from.take() {
            Some(file) => batch::create(cx, &file, *args).await,
            None => create(cx, *args).await,
        },
        TokenVerb::Import(args) => import(cx, *args).await,
        TokenVerb::List(args) => list(cx, args).await,
        TokenVerb::Show(args) => {
            let token = cx.client.token(&args.token).await?;
            let when = cx.when();
            cx.object(&token, |token| token_facts(token, when))
        }
        TokenVerb::Edit(args) => edit(cx, *args).await,
        TokenVerb::Refresh(args) => bulk::refresh(cx, args).await,
        TokenVerb::Rotate(args) => change::rotate(cx, args).await,
        TokenVerb::Overlap(verb) => change::overlap(cx, verb).await,
        TokenVerb::Suspend(args) => change::suspend(cx, args).await,
        TokenVerb::Resume(args) => change::resume(cx, args).await,
        TokenVerb::Revoke(args) => change::revoke(cx, args).await,
        TokenVerb::Debug { token, switch, sample } => change::debug(cx, &token, switch == Switch::On, sample).await,
        TokenVerb::Identify { file } => identify::run(cx, file).await,
        TokenVerb::Sources(args) => evidence::sources(cx, &args.token).await,
        TokenVerb::Issued(args) => evidence::issued(cx, &args.token).await,
        TokenVerb::Report(args) => evidence::report(cx, &args.token).await,
        TokenVerb::Allowlist(args) => evidence::allowlist(cx, &args.token).await,
    }
}

async fn create(cx: &mut Context<'_>, mut args: TokenCreate) -> Done {
    let new = new_token(args.name(), args.scope.unwrap_or_default(), args.settings)?;
    let destination = Destination::prepare(cx, args.secret_file)?;
    match cx.client.create_token(&new).await {
        Ok(created) => destination.deliver(cx, &created, "created"),
        Err(error) => {
            destination.abandon();
            Err(error.into())
        }
    }
}

async fn import(cx: &mut Context<'_>, args: TokenImport) -> Done {
    let token = new_token(args.name.into_name(), args.scope, args.settings)?;
    let value = read_secret(cx.io, args.value_file.as_deref(), "the value to import (it is not shown):")?;
    let import = ImportToken { value: one_line(&value)?.to_owned(), token };
    let token = cx.client.import_token(&import).await?;
    cx.changed(&token, |token| format!("token {} imported  {}", token.name, token.id))
}

fn new_token(name: String, scope: String, settings: TokenSettings) -> Result<NewToken, CliError> {
    Ok(NewToken {
        name,
        scope,
        description: settings.description,
        expires: settings.expires,
        dedup_window_secs: settings.dedup.map(dedup_secs).transpose()?,
        allowed_ips: settings.allow_ip,
        debug: settings.debug,
        personal: settings.personal,
        permissions: settings.permission,
        preset: settings.preset,
        sealed: settings.sealed,
        not_before: settings.not_before,
        ip_report_only: settings.ip_report_only,
        dedup_ignore: settings.dedup_ignore,
        dedup_strict: settings.strict_dedup,
        rate_limit: settings.rate.map(RateLimit::from),
        query_token: settings.no_query_token.then_some(false),
        delivery_ids: settings.delivery_ids,
    })
}

async fn edit(cx: &mut Context<'_>, args: TokenEdit) -> Done {
    let (reference, if_version) = (args.token.clone(), args.if_version);
    let preset = args.preset.clone();
    let mut patch = patch(args)?;
    if preset.is_none() {
        refuse_empty(&patch, "tollgate token edit --help")?;
    }
    let token = cx.client.token(&reference).await?;
    if let Some(preset) = preset {
        patch.permissions = Some(preset_of(&preset, &token));
    }
    let version = if_version.unwrap_or(token.version);
    // By id: the name may mean another token by now.
    match cx.client.edit_token_version(token.id.as_str(), &patch, version).await {
        Ok(token) => {
            let when = cx.when();
            cx.changed(&token, |token| {
                let until = until_words(token, &patch, when);
                format!("token {} changed{until}  {}  version {}", token.name, token.id, token.version)
            })
        }
        Err(ClientError::Problem(problem)) if problem.slug() == Ok(Slug::VersionMismatch) => {
            Err(lost_update(cx, &cx.client.token(token.id.as_str()).await?, version))
        }
        Err(error) => Err(error.into()),
    }
}

/// When what was set for a time ends.
fn until_words(token: &TokenView, patch: &TokenPatch, when: When) -> String {
    let limit = token.limited_for.filter(|_| patch.rate_limit.is_some()).map(|one| one.until);
    let block = token.blocked.iter().filter(|_| patch.block_ips.is_some()).map(|one| one.until).max();
    let until = limit.or(block).filter(|_| patch.for_secs.is_some());
    until.map_or_else(String::new, |until| format!(" until {}", when.full(until)))
}

/// Somebody was faster: who, when, and what to do.
fn lost_update(cx: &Context<'_>, token: &TokenView, version: u64) -> CliError {
    let what = format!(
        "{} was changed by {} at {} and is version {} now, not {version}; nothing was changed",
        token.name, token.updated_by, token.updated_at, token.version
    );
    CliError::failure(what, format!("look at it and repeat:  {} token show {}", cx.tollgate(), token.id))
}

/// What a preset means for this token: only global ones may also create requests.
pub(super) fn preset_of(preset: &str, token: &TokenView) -> Vec<String> {
    let scope = if token.scope.kind == "global" { Scope::Global } else { Scope::Mine };
    let permissions = Permission::preset(preset, scope).unwrap_or_default();
    permissions.into_iter().map(|permission| permission.as_str().to_owned()).collect()
}

pub(super) fn patch(args: TokenEdit) -> Result<TokenPatch, CliError> {
    let list = |list: Vec<String>, empty: bool| (empty || !list.is_empty()).then_some(list);
    let switch = |on: bool, off: bool| (on || off).then_some(on);
    let for_secs = args.for_time.map(for_secs).transpose()?;
    let no_rate = args.no_rate.then_some(RateLimit { calls_per_min: 0, burst: 0 });
    Ok(TokenPatch {
        name: args.name,
        description: args.description,
        expires: args.expires,
        not_before: args.not_before,
        dedup_window_secs: args.dedup.map(dedup_secs).transpose()?,
        allowed_ips: list(args.allow_ip, args.any_ip),
        scope: args.scope,
        permissions: list(args.permission, false),
        ip_report_only: switch(args.ip_report_only, args.ip_enforce),
        dedup_ignore: list(args.dedup_ignore, args.no_dedup_ignore),
        dedup_strict: switch(args.strict_dedup, args.no_strict_dedup),
        rate_limit: args.rate.map(RateLimit::from).or(no_rate),
        for_secs,
        block_ips: list(args.block_ip, false),
        unblock_ips: list(args.unblock_ip, false),
        query_token: switch(args.query_token, args.no_query_token),
        delivery_ids: switch(args.delivery_ids, args.no_delivery_ids),
        sealed: args.seal.then_some(true),
    })
}

async fn list(cx: &mut Context<'_>, args: TokenList) -> Done {
    let client = cx.client;
    let q = asked::text(cx, Screen::Tokens, &args.asked).await?;
    let query = TokenQuery { q, scope: args.scope, state: args.state, sort: args.sort, ..TokenQuery::default() };
    let fetch = async |page| client.tokens(&TokenQuery { page, ..query.clone() }).await;
    let done = cx.list("no such tokens", tokens, fetch).await;
    done.map_err(|error| asked::drawn_too(error, query.q.as_ref()))
}

/// A deduplication window in seconds.
fn dedup_secs(window: Duration) -> Result<u32, CliError> {
    let secs = u32::try_from(window.as_secs()).ok().filter(|secs| *secs <= DEDUP_WINDOW_SECS_MAX);
    secs.ok_or_else(|| CliError::usage("the deduplication window is too long", "use:  --dedup 24h or less"))
}

/// How long a quota or a block holds, in seconds.
fn for_secs(time: Duration) -> Result<u32, CliError> {
    let secs = u32::try_from(time.as_secs()).ok().filter(|secs| (1..=MEASURE_SECS_MAX).contains(secs));
    secs.ok_or_else(|| CliError::usage("what is set for a time lasts from 1s to 30d", "use:  --for 1h"))
}

impl From<Rate> for RateLimit {
    fn from(rate: Rate) -> Self {
        Self { calls_per_min: rate.calls_per_min, burst: rate.burst }
    }
}

/// True where `typed` confirms a change of this token.
fn names(token: &TokenView, typed: &str) -> bool {
    typed == token.name || typed == token.id.as_str()
}

/// A name as a shell takes it.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
    if is_plain { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_suggested_line_survive_the_shell() {
        assert_eq!(quoted("zabbix-prod"), "zabbix-prod");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
