//! `tollgate restore-review`: what a restore has brought back to life, before calls are taken again.

use std::collections::BTreeSet;

use tollgate_shared::api::{RestoreReviewed, RestoredView, ReviewRestore, TokenView};
use tollgate_shared::id::TokenId;
use tollgate_shared::token::TokenState;

use super::args::{Format, ReviewArgs};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::table::{Table, words};
use super::token::{quoted, scope_words};
use super::verdict::count;
use super::when::{When, span};
use crate::client::{PageQuery, TokenQuery};

/// Shows the tokens by last use; with the count, suspends what is named and takes calls again.
pub(super) async fn review(cx: &mut Context<'_>, args: ReviewArgs) -> Done {
    let Some(restored) = cx.status.restored.clone() else {
        return Err(CliError::failure(
            "nothing waits for a review: no backup was restored, or it is done",
            format!("a lockdown of another kind is lifted with:  {} lockdown off", cx.tollgate()),
        ));
    };
    let Some(confirm_count) = args.confirm_count else { return show(cx, &restored, &args.suspend).await };
    let review = ReviewRestore { suspend: args.suspend, confirm_count };
    let done = cx.client.review_restore(&review).await?;
    cx.changed(&done, |RestoreReviewed { let_in, suspended }| {
        format!("calls are taken again: {} let in, {suspended} suspended", count(u64::from(*let_in), "token"))
    })
}

/// Changes nothing; 2, for it wants a decision.
async fn show(cx: &mut Context<'_>, restored: &RestoredView, suspend: &[String]) -> Done {
    let mut suspended = BTreeSet::new();
    for reference in suspend {
        suspended.insert(cx.client.token(reference).await?.id);
    }
    let client = cx.client;
    let by_use = |page: PageQuery| async move {
        client.tokens(&TokenQuery { sort: Some("-last_used".to_owned()), page, ..TokenQuery::default() }).await
    };
    let tokens = cx.all(by_use).await?;
    let let_in = tokens.iter().filter(|token| is_let_in(token, &suspended)).count();
    if cx.format == Format::Table && !cx.csv {
        for line in head(restored, cx.when()) {
            cx.io.line(&line)?;
        }
    }
    cx.rows(&tokens, "there are no tokens", |tokens, when| table(tokens, &suspended, when))?;
    if cx.format == Format::Table && !cx.csv {
        for line in next(&cx.tollgate(), suspend, let_in) {
            cx.io.line(&line)?;
        }
    }
    Ok(Exit::Attention)
}

/// As the daemon counts.
fn is_let_in(token: &TokenView, suspended: &BTreeSet<TokenId>) -> bool {
    token.state == TokenState::Active && !suspended.contains(&token.id)
}

fn head(restored: &RestoredView, when: When) -> Vec<String> {
    let age = span(when.now.secs_since(restored.backup_made_at).max(0).unsigned_abs());
    let mut lines = vec![
        format!("backup is {age} old; what was revoked since is unknown"),
        format!(
            "made {} on {}, restored {}",
            when.full(restored.backup_made_at),
            restored.backup_host,
            when.full(restored.at)
        ),
    ];
    if restored.new_key {
        lines.push("the token key was not in it: every token in state needs_rotation wants a new secret".to_owned());
    }
    lines.push("every call is answered 503 until this review is confirmed".to_owned());
    lines.push(String::new());
    lines
}

fn table(tokens: &[TokenView], suspended: &BTreeSet<TokenId>, when: When) -> Table {
    let columns =
        [words("LAST CALL"), words("NAME"), words("ID"), words("SCOPE"), words("FROM"), words("STATE"), words("THEN")];
    let mut table = Table::new(columns);
    for token in tokens {
        let last = token.usage.last_use.as_ref();
        let then = match token.state {
            _ if suspended.contains(&token.id) => "suspended",
            TokenState::Active => "let in",
            _ => "-",
        };
        table.row([
            when.or_never(last.map(|last| last.at)),
            token.name.clone(),
            token.id.to_string(),
            scope_words(&token.scope),
            last.map(|last| last.ip.to_string()).unwrap_or_default(),
            token.state.to_string(),
            then.to_owned(),
        ]);
    }
    table
}

fn next(tollgate: &str, suspend: &[String], let_in: usize) -> Vec<String> {
    let flags: String = suspend.iter().map(|reference| format!(" --suspend {}", quoted(reference))).collect();
    vec![
        String::new(),
        "suspend what was revoked after the backup, or may have been; a suspended token can be revoked later:"
            .to_owned(),
        format!("  {tollgate} restore-review --suspend TOKEN [--suspend TOKEN]"),
        format!("{} would be let in again with:", count(let_in as u64, "token")),
        format!("  {tollgate} restore-review{flags} --confirm-count {let_in}"),
    ]
}

#[cfg(test)]
mod tests {
    use tollgate_shared::time::Timestamp;

    use super::*;

    #[test]
    fn the_head_says_how_old_the_backup_is_and_what_nobody_can_know() {
        let now = Timestamp::from_micros(1_795_317_247_000_000);
        let restored = RestoredView {
            backup_made_at: now.plus_secs(-26 * 3_600),
            backup_host: "noc-1".to_owned(),
            at: now,
            new_key: true,
        };
        let lines = head(&restored, When { now, relative: true });
        assert_eq!(lines[0], "backup is 26 h old; what was revoked since is unknown");
        assert!(lines[1].contains("noc-1") && lines[2].contains("needs_rotation"), "{lines:?}");
    }

    #[test]
    fn the_line_to_run_holds_what_was_named_and_the_count() {
        let lines = next("tollgate", &["old-ci".to_owned()], 7);
        assert_eq!(lines.last().unwrap(), "  tollgate restore-review --suspend old-ci --confirm-count 7");
    }
}
