//! `tollgate token`.

use std::time::Duration;

use tollgate_shared::api::{NewToken, RevokeReceipt, RevokeToken, ScopeView, SetDebug, TokenPatch, TokenView};
use tollgate_shared::limits::DEDUP_WINDOW_SECS_MAX;

use super::args::{Switch, TokenCreate, TokenEdit, TokenList, TokenRevoke, TokenRotate, TokenVerb};
use super::context::{Context, Done};
use super::exit::CliError;
use super::secret::Destination;
use super::table::{Table, facts, numbers, words};
use super::when::{When, span};
use crate::client::TokenQuery;

pub(super) async fn run(cx: &mut Context<'_>, verb: TokenVerb) -> Done {
    match verb {
        TokenVerb::Create(create) => self::create(cx, create).await,
        TokenVerb::List(list) => self::list(cx, list).await,
        TokenVerb::Show { token } => {
            let token = cx.client.token(&token).await?;
            let when = cx.when();
            cx.object(&token, |token| token_facts(token, when))
        }
        TokenVerb::Edit(edit) => self::edit(cx, edit).await,
        TokenVerb::Rotate(rotate) => self::rotate(cx, rotate).await,
        TokenVerb::Revoke(revoke) => self::revoke(cx, revoke).await,
        TokenVerb::Debug { token, switch } => {
            let token = cx.client.debug_token(&token, &SetDebug { on: switch == Switch::On }).await?;
            let when = cx.when();
            cx.changed(&token, |token| format!("debug of {} is {}", token.name, debug_words(token, when)))
        }
    }
}

async fn create(cx: &mut Context<'_>, create: TokenCreate) -> Done {
    let dedup_window_secs = create.dedup.map(dedup_secs).transpose()?;
    let destination = Destination::prepare(cx, create.secret_file)?;
    let new = NewToken {
        name: create.name.into_name(),
        scope: create.scope,
        description: create.description,
        expires: create.expires,
        dedup_window_secs,
        allowed_ips: create.allow_ip,
        debug: create.debug,
        ..NewToken::default()
    };
    match cx.client.create_token(&new).await {
        Ok(created) => destination.deliver(cx, &created, "created"),
        Err(error) => {
            destination.abandon();
            Err(error.into())
        }
    }
}

async fn rotate(cx: &mut Context<'_>, rotate: TokenRotate) -> Done {
    let token = cx.client.token(&rotate.token).await?;
    let asks = cx.io.in_is_tty && cx.io.out_is_tty;
    if asks || rotate.confirm.is_some() {
        let question = format!("the old secret of {} is dead at once; its name or id to go on:", token.name);
        let typed = cx.confirm_name(rotate.confirm, &question, "")?;
        if !names(&token, &typed) {
            let line = format!("use:  {} token rotate {} --confirm {}", cx.tollgate(), token.id, quoted(&token.name));
            return Err(CliError::usage("that is not the token's name or id, nothing was changed", line));
        }
    }
    let destination = Destination::prepare(cx, rotate.secret_file)?;
    // By id: the name may mean another token by now.
    match cx.client.rotate_token(token.id.as_str()).await {
        Ok(created) => destination.deliver(cx, &created, "rotated"),
        Err(error) => {
            destination.abandon();
            Err(error.into())
        }
    }
}

async fn revoke(cx: &mut Context<'_>, revoke: TokenRevoke) -> Done {
    let token = cx.client.token(&revoke.token).await?;
    let line = format!("{} token revoke {} --confirm {}", cx.tollgate(), token.id, quoted(&token.name));
    let question = format!("{} is refused for good from now on; its name or id to revoke it:", token.name);
    let confirm = cx.confirm_name(revoke.confirm, &question, &line)?;
    let receipt = cx.client.revoke_token(token.id.as_str(), &RevokeToken { confirm, reason: revoke.reason }).await?;
    cx.object(&receipt, receipt_lines)
}

async fn edit(cx: &mut Context<'_>, edit: TokenEdit) -> Done {
    let allowed_ips = (edit.any_ip || !edit.allow_ip.is_empty()).then_some(edit.allow_ip);
    let patch = TokenPatch {
        name: edit.name,
        description: edit.description,
        expires: edit.expires,
        dedup_window_secs: edit.dedup.map(dedup_secs).transpose()?,
        allowed_ips,
        ..TokenPatch::default()
    };
    let token = cx.client.edit_token(&edit.token, &patch).await?;
    cx.changed(&token, |token| format!("token {} changed  {}", token.name, token.id))
}

async fn list(cx: &mut Context<'_>, list: TokenList) -> Done {
    let client = cx.client;
    let TokenList { query: text, scope, sort, state } = list;
    let query = TokenQuery { text, scope, state, sort, ..TokenQuery::default() };
    cx.list("no such tokens", tokens, async |page| client.tokens(&TokenQuery { page, ..query.clone() }).await).await
}

fn dedup_secs(window: Duration) -> Result<u32, CliError> {
    let secs = u32::try_from(window.as_secs()).ok().filter(|secs| *secs <= DEDUP_WINDOW_SECS_MAX);
    secs.ok_or_else(|| CliError::usage("the deduplication window is too long", "use:  --dedup 24h or less"))
}

fn names(token: &TokenView, typed: &str) -> bool {
    typed == token.name || typed == token.id.as_str()
}

/// A name as a shell takes it.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
    if is_plain { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// `global`, `team:Ops`, `service:Ops/DB`: as `--scope` takes it.
pub(super) fn scope_words(scope: &ScopeView) -> String {
    if scope.kind == "global" { scope.kind.clone() } else { format!("{}:{}", scope.kind, scope.name) }
}

fn debug_words(token: &TokenView, when: When) -> String {
    match token.debug_until.filter(|until| *until > when.now) {
        Some(until) if when.relative => format!("on, ends {}", when.of(until)),
        Some(until) => format!("on until {}", when.of(until)),
        None => "off".to_owned(),
    }
}

fn tokens(rows: &[TokenView], when: When) -> Table {
    let columns = [
        words("NAME"),
        words("ID"),
        words("SCOPE"),
        words("STATE"),
        words("ENDS"),
        words("LAST CALL"),
        numbers("CALLS"),
        words("DEBUG"),
    ];
    let mut table = Table::new(columns);
    for token in rows {
        let last = when.or_never(token.usage.last_use.as_ref().map(|last| last.at));
        table.row([
            token.name.clone(),
            token.id.to_string(),
            scope_words(&token.scope),
            token.state.to_string(),
            when.or_never(token.expires_at),
            last,
            token.usage.counts.total().to_string(),
            if token.debug_until.is_some_and(|until| until > when.now) { "on".to_owned() } else { "-".to_owned() },
        ]);
    }
    table
}

fn token_facts(token: &TokenView, when: When) -> Vec<String> {
    let permissions: Vec<&str> = token.permissions.iter().map(|permission| permission.as_str()).collect();
    let addresses = if token.allowed_ips.is_empty() { "any address".to_owned() } else { token.allowed_ips.join(", ") };
    let dedup = if token.dedup_window_secs == 0 { "off".to_owned() } else { span(token.dedup_window_secs.into()) };
    let revoked =
        token.revoked_at.map(|at| format!("{} by {}", when.full(at), token.revoked_by.as_deref().unwrap_or("?")));
    let mut list = vec![
        ("name", token.name.clone()),
        ("id", token.id.to_string()),
        ("description", token.description.clone()),
        ("scope", scope_words(&token.scope)),
        ("may", permissions.join(", ")),
        ("state", token.state.to_string()),
        ("ends", token.expires_at.map_or_else(|| "never".to_owned(), |at| when.full(at))),
        ("used from", addresses),
        ("dedup window", dedup),
        ("debug", debug_words(token, when)),
        ("created", format!("{} by {}", when.full(token.created_at), token.created_by)),
        ("changed", format!("{} by {}", when.full(token.updated_at), token.updated_by)),
        ("rotated", super::verdict::count(token.rotations.into(), "time")),
        ("revoked", revoked.unwrap_or_default()),
        ("because", token.revoke_reason.clone().unwrap_or_default()),
    ];
    list.extend(usage_facts(token, when));
    facts(&list)
}

fn usage_facts(token: &TokenView, when: When) -> [(&'static str, String); 4] {
    let usage = &token.usage;
    let counts = &usage.counts;
    let by_outcome = [
        (counts.created, "created"),
        (counts.attached, "attached"),
        (counts.resolved, "resolved"),
        (counts.duplicate, "duplicate"),
        (counts.suppressed, "suppressed"),
        (counts.no_match, "no match"),
        (counts.started, "started"),
        (counts.rejected, "refused"),
    ];
    let by_outcome: Vec<String> =
        by_outcome.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let last = usage.last_use.as_ref().map(|last| format!("{} from {}, {}", when.full(last.at), last.ip, last.outcome));
    let refusal =
        usage.last_refusal.as_ref().map(|last| format!("{} from {}, {}", when.full(last.at), last.ip, last.slug));
    let hour: u64 = usage.calls_per_minute.iter().map(|calls| u64::from(*calls)).sum();
    [
        (
            "calls",
            format!("{}{}{}", counts.total(), if by_outcome.is_empty() { "" } else { ": " }, by_outcome.join(", ")),
        ),
        ("last hour", format!("{}, {} with an effect", super::verdict::count(hour, "call"), usage.hour_hits)),
        ("last call", last.unwrap_or_else(|| "never".to_owned())),
        ("last refusal", refusal.unwrap_or_default()),
    ]
}

/// The receipt has exact times also on a terminal: it is evidence.
fn receipt_lines(receipt: &RevokeReceipt) -> Vec<String> {
    let last = receipt.last_use.as_ref().map(|last| format!("{}  from {}, {}", last.at, last.ip, last.outcome));
    let in_flight = match receipt.in_flight {
        0 => "none".to_owned(),
        calls => format!("{}, refused where decided after the revoke", super::verdict::count(calls.into(), "call")),
    };
    let mut lines = vec![format!("REVOKED {}   {}", receipt.name, receipt.id)];
    lines.extend(facts(&[
        ("  in force since", format!("{}  (audit row {}, on disk)", receipt.revoked_at, receipt.audit_seq)),
        ("  last accepted", last.unwrap_or_else(|| "never".to_owned())),
        ("  in flight then", in_flight),
        ("  from now on", "401 token-revoked".to_owned()),
    ]));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_suggested_line_survive_the_shell() {
        assert_eq!(quoted("zabbix-prod"), "zabbix-prod");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

    #[test]
    fn a_scope_is_written_as_the_option_takes_it() {
        let scope = |kind: &str, name: &str| ScopeView { kind: kind.into(), id: None, name: name.into() };
        assert_eq!(scope_words(&scope("global", "global")), "global");
        assert_eq!(scope_words(&scope("service", "Ops/DB")), "service:Ops/DB");
    }
}
