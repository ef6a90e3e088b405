//! Rotate, overlap, suspend, resume, revoke: one token. What a query finds is changed in `bulk`.

use std::time::Duration;

use tollgate_shared::api::{BulkTokens, ChangeOverlap, RevokeToken, RotateToken, SetDebug, SuspendToken, TokenView};
use tollgate_shared::debug_cost::DebugCost;
use tollgate_shared::limits::DEBUG_ONE_IN_OFFERED;

use super::view::{debug_words, receipt_lines};
use super::{bulk, names, quoted};
use crate::app::words::bytes;
use crate::cli::args::{BulkRevoke, BulkSuspend, BulkTarget, TokenOverlap, TokenRotate};
use crate::cli::context::{Context, Done};
use crate::cli::exit::CliError;
use crate::cli::secret::Destination;

/// Without an overlap a rotate is a revoke of the old secret, so it wants the name (operator.md, job 4).
pub(super) async fn rotate(cx: &mut Context<'_>, args: TokenRotate) -> Done {
    let token = cx.client.token(&args.token).await?;
    let confirm = match args.overlap {
        Some(overlap) => {
            let question = format!("the old secret of {} lives for {} more; go on?", token.name, in_words(overlap));
            let line = format!("{} token rotate {} --overlap {} --yes", cx.tollgate(), token.id, short(overlap));
            cx.confirm_yes(&question, &line)?;
            None
        }
        None => Some(confirm_death(cx, &token, args.confirm)?),
    };
    let rotate = RotateToken {
        overlap_secs: args.overlap.map(secs).transpose()?.unwrap_or(0),
        now: args.now,
        confirm,
        idempotency_key: args.key,
    };
    let destination = Destination::prepare(cx, args.secret_file)?;
    // By id: the name may mean another token by now.
    match cx.client.rotate_token_with(token.id.as_str(), &rotate).await {
        Ok(created) => destination.deliver(cx, &created, "rotated"),
        Err(error) => {
            destination.abandon();
            Err(error.into())
        }
    }
}

fn confirm_death(cx: &mut Context<'_>, token: &TokenView, given: Option<String>) -> Result<String, CliError> {
    let tollgate = cx.tollgate();
    let line = format!(
        "{tollgate} token rotate {id} --overlap 24h --yes, or {tollgate} token rotate {id} --now --confirm {name}",
        id = token.id,
        name = quoted(&token.name)
    );
    let question = format!("the old secret of {} is dead at once; its name or id to go on:", token.name);
    let typed = cx.confirm_name(given, &question, &line)?;
    match names(token, &typed) {
        true => Ok(typed),
        false => {
            Err(CliError::usage("that is not the token's name or id, nothing was changed", format!("use:  {line}")))
        }
    }
}

pub(super) async fn overlap(cx: &mut Context<'_>, verb: TokenOverlap) -> Done {
    let (reference, secs) = match verb {
        TokenOverlap::End { token } => (token, 0),
        TokenOverlap::Extend { token, duration } => (token, secs(duration)?),
    };
    let token = cx.client.token(&reference).await?;
    if secs == 0 {
        let still =
            token.rotating.map(|(new, all)| format!(" ({} of {all} addresses still use it)", all.saturating_sub(new)));
        let question = format!("the old secret of {} is dead at once{}; go on?", token.name, still.unwrap_or_default());
        cx.confirm_yes(&question, &format!("{} token overlap end {} --yes", cx.tollgate(), token.id))?;
    }
    let token = cx.client.change_overlap(token.id.as_str(), &ChangeOverlap { secs }).await?;
    let when = cx.when();
    cx.changed(&token, |token| match token.overlap_until.filter(|until| *until > when.now) {
        Some(until) => format!("the old secret of {} lives until {}", token.name, when.full(until)),
        None => format!("the old secret of {} is dead", token.name),
    })
}

pub(super) async fn suspend(cx: &mut Context<'_>, args: BulkSuspend) -> Done {
    let BulkSuspend { target, reason } = args;
    let Some(reference) = target.token else {
        return bulk::by_query(cx, target.bulk, BulkTokens { reason, ..bulk::action("suspend") }).await;
    };
    let token = cx.client.suspend_token(&reference, &SuspendToken { reason }).await?;
    cx.changed(&token, |token| format!("token {} is suspended: its calls are answered 503  {}", token.name, token.id))
}

pub(super) async fn resume(cx: &mut Context<'_>, target: BulkTarget) -> Done {
    let Some(reference) = target.token else {
        return bulk::by_query(cx, target.bulk, bulk::action("resume")).await;
    };
    let token = cx.client.resume_token(&reference).await?;
    cx.changed(&token, |token| format!("token {} is {} again  {}", token.name, token.state, token.id))
}

pub(super) async fn revoke(cx: &mut Context<'_>, args: BulkRevoke) -> Done {
    let BulkRevoke { target, confirm, reason } = args;
    let Some(reference) = target.token else {
        return bulk::by_query(cx, target.bulk, BulkTokens { reason, ..bulk::action("revoke") }).await;
    };
    let token = cx.client.token(&reference).await?;
    let line = format!("{} token revoke {} --confirm {}", cx.tollgate(), token.id, quoted(&token.name));
    let question = format!("{} is refused for good from now on; its name or id to revoke it:", token.name);
    let confirm = cx.confirm_name(confirm, &question, &line)?;
    let receipt = cx.client.revoke_token(token.id.as_str(), &RevokeToken { confirm, reason }).await?;
    cx.object(&receipt, receipt_lines)
}

/// A token that floods fills the disk of all: then it needs a yes, or a part is logged (operator.md, job 7).
pub(super) async fn debug(cx: &mut Context<'_>, reference: &str, on: bool, sample: Option<u32>) -> Done {
    let token = cx.client.token(reference).await?;
    let cost = DebugCost::of(token.usage.last_10s);
    if on && sample.is_none() && cost.is_asked() {
        let debug = format!("{} token debug {} on", cx.tollgate(), token.id);
        let line = format!("{debug} --sample {DEBUG_ONE_IN_OFFERED}, which logs one call in 100, or {debug} --yes");
        let words = flood_words(&token, cost);
        if !cx.yes && !cx.io.in_is_tty {
            return Err(CliError::usage(words, format!("use:  {line}")));
        }
        cx.confirm_yes(&format!("{words}; log every call?"), &line)?;
    }
    // By id: the name may mean another token by now.
    let token = cx.client.debug_token(token.id.as_str(), &SetDebug { on, one_in: sample }).await?;
    let when = cx.when();
    cx.changed(&token, |token| format!("debug of {} is {}", token.name, debug_words(token, when)))
}

fn flood_words(token: &TokenView, cost: DebugCost) -> String {
    format!(
        "{} would get {} rows/s, which is up to {} in 48 h ({} with --sample {DEBUG_ONE_IN_OFFERED})",
        token.name,
        cost.rows_per_sec(),
        bytes(cost.bytes(1)),
        bytes(cost.bytes(DEBUG_ONE_IN_OFFERED)),
    )
}

fn secs(duration: Duration) -> Result<u32, CliError> {
    let secs = u32::try_from(duration.as_secs());
    secs.map_err(|_| CliError::usage("the overlap is too long", "an overlap is at most 30d"))
}

fn in_words(duration: Duration) -> String {
    crate::cli::when::span(duration.as_secs())
}

/// As an option takes it: `90s`.
fn short(duration: Duration) -> String {
    format!("{}s", duration.as_secs())
}
