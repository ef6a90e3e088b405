//! One change to many tokens, all or nothing, and refreshes.

use std::io::Read as _;

use tollgate_shared::api::{BulkResult, BulkTokens, Screen, TokenPatch, TokenView};
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::Expiry;

use super::{quoted, tokens};
use crate::cli::args::{Asked, Bulk, Format, TokenRefresh};
use crate::cli::asked;
use crate::cli::context::{Context, Done};
use crate::cli::exit::CliError;
use crate::cli::table::{Table, words};
use crate::cli::verdict::count;
use crate::cli::when::When;

/// References on standard input: a hundred thousand ids are 1.3 MB.
const REFERENCES_BYTES_MAX: u64 = 8 * 1_024 * 1_024;

/// A bulk change that changes nothing yet.
pub(super) fn action(action: &str) -> BulkTokens {
    BulkTokens {
        action: action.to_owned(),
        tokens: Vec::new(),
        q: String::new(),
        confirm_count: None,
        patch: TokenPatch::default(),
        reason: String::new(),
    }
}

/// Changes what a query finds. Without a count it is only listed; on a terminal the count is asked for.
pub(super) async fn by_query(cx: &mut Context<'_>, args: Bulk, mut bulk: BulkTokens) -> Done {
    let asked = Asked { words: Vec::new(), query: args.query };
    let query = asked::text(cx, Screen::Tokens, &asked).await?;
    let query = query.ok_or_else(|| CliError::usage("an empty query would mean every token", "say which ones"))?;
    bulk.q = query.clone();
    bulk.confirm_count = args.confirm_count;
    if bulk.confirm_count.is_none() {
        let found = cx.client.bulk_tokens(&bulk).await?;
        show(cx, &bulk, &found)?;
        if found.tokens.is_empty() {
            return Ok(crate::cli::Exit::Ok);
        }
        let line = format!("{} token {} --query {}", cx.tollgate(), bulk.action, quoted(&query));
        bulk.confirm_count = Some(typed_count(cx, &bulk.action, found.tokens.len(), &line)?);
    }
    run(cx, &bulk).await
}

/// The count, typed: the same as was listed, or nothing happens.
fn typed_count(cx: &mut Context<'_>, action: &str, found: usize, line: &str) -> Result<u32, CliError> {
    let what = format!("{action} {}: nothing was changed", count(found as u64, "token"));
    if !cx.io.in_is_tty {
        return Err(CliError::usage(what, format!("use:  {line} --confirm-count {found}")));
    }
    let question = format!("{action} these {}? Their number to go on:", count(found as u64, "token"));
    let typed = cx.io.ask(&question)?.unwrap_or_default();
    let typed = typed.trim().parse().ok().filter(|typed| usize::try_from(*typed) == Ok(found));
    typed.ok_or_else(|| CliError::failure("that is not their number", "nothing was changed"))
}

async fn run(cx: &mut Context<'_>, bulk: &BulkTokens) -> Done {
    let result = cx.client.bulk_tokens(bulk).await?;
    if cx.format == Format::Table {
        let done = format!("{}: {}", bulk.action, count(result.tokens.len() as u64, "token"));
        return cx.changed(&result, |_| done);
    }
    cx.object(&result, |_| Vec::new())
}

fn show(cx: &mut Context<'_>, bulk: &BulkTokens, found: &BulkResult) -> Done {
    if cx.format != Format::Table {
        return cx.object(found, |_| Vec::new());
    }
    match bulk.action.as_str() {
        "refresh" => cx.rows(&found.tokens, "no such tokens", extensions),
        _ => cx.rows(&found.tokens, "no such tokens", tokens),
    }
}

/// Several references are one change: one table of old and new ends, one yes, all or nothing.
pub(super) async fn refresh(cx: &mut Context<'_>, args: TokenRefresh) -> Done {
    if args.bulk.query.is_some() {
        return by_query(cx, args.bulk, action("refresh")).await;
    }
    let references = references(cx, args.tokens)?;
    let mut bulk = action("refresh");
    let found = match references.as_slice() {
        [one] => vec![cx.client.token(one).await?],
        _ => {
            bulk.tokens = references;
            cx.client.bulk_tokens(&bulk).await?.tokens
        }
    };
    // By id: a name may mean another token by now.
    bulk.tokens = found.iter().map(|token| token.id.to_string()).collect();
    if let Some(refused) = found.iter().find(|token| token.sealed || extended(token, cx.status.now).is_none()) {
        let why = if refused.sealed { "is sealed" } else { "never ends" };
        let what = format!("{} {why}, so it is not extended; nothing was changed", refused.name);
        return Err(CliError::failure(what, format!("look at it:  {} token show {}", cx.tollgate(), refused.id)));
    }
    let line = format!("{} token refresh {} --yes", cx.tollgate(), bulk.tokens.join(" "));
    if !cx.yes {
        if cx.format == Format::Table {
            cx.rows(&found, "no such tokens", extensions)?;
        }
        cx.confirm_yes(&format!("extend {}?", count(found.len() as u64, "token")), &line)?;
    }
    let result = match bulk.tokens.as_slice() {
        [one] => BulkResult { done: true, tokens: vec![cx.client.refresh_token(one).await?] },
        ids => {
            bulk.confirm_count = u32::try_from(ids.len()).ok();
            cx.client.bulk_tokens(&bulk).await?
        }
    };
    let when = cx.when();
    if cx.format == Format::Table && !cx.quiet {
        // The answer's order is the daemon's own.
        let lines = found.iter().filter_map(|old| {
            let new = result.tokens.iter().find(|new| new.id == old.id)?;
            Some(extended_words(old, new, when))
        });
        lines.collect::<Vec<_>>().iter().try_for_each(|line| cx.io.line(line))?;
        return Ok(crate::cli::Exit::Ok);
    }
    cx.changed(&result, |_| String::new())
}

fn references(cx: &mut Context<'_>, given: Vec<String>) -> Result<Vec<String>, CliError> {
    if given != ["-"] {
        return Ok(given);
    }
    let mut text = String::new();
    cx.io.input.by_ref().take(REFERENCES_BYTES_MAX).read_to_string(&mut text)?;
    let references: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    match references.is_empty() {
        true => Err(CliError::input("standard input names no token", "write one name or id a line")),
        false => Ok(references),
    }
}

fn extended_words(old: &TokenView, new: &TokenView, when: When) -> String {
    format!("{}  {}  {} -> {}", new.name, new.id, when.or_never(old.expires_at), when.or_never(new.expires_at))
}

/// Old and new ends. The new ones are what the daemon will make of it, as far as can be said before.
fn extensions(rows: &[TokenView], when: When) -> Table {
    let mut table = Table::new([words("NAME"), words("ID"), words("STATE"), words("ENDS NOW"), words("ENDS THEN")]);
    for token in rows {
        let then = match extended(token, when.now) {
            Some(_) if token.sealed => "(sealed: refused)".to_owned(),
            Some(then) => when.of(then),
            None => "(never ends: refused)".to_owned(),
        };
        let (name, id, state) = (token.name.clone(), token.id.to_string(), token.state.to_string());
        table.row([name, id, state, when.or_never(token.expires_at), then]);
    }
    table
}

/// domain.md section 2: now and the chosen duration, or the distance from creation to the chosen date; never shorter.
fn extended(token: &TokenView, now: Timestamp) -> Option<Timestamp> {
    let then = match token.expiry {
        Expiry::Never => return None,
        Expiry::AfterSecs(secs) => now.plus_secs(i64::from(secs)),
        Expiry::At(at) => now.plus_secs(at.secs_since(token.created_at)),
    };
    Some(token.expires_at.map_or(then, |old| old.max(then)))
}
