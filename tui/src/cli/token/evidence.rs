//! Where a token was used from, what it issued, and all of it as evidence.

use serde::Serialize;
use tollgate_shared::api::{AuditVerdict, SourceView, TokenView};
use tollgate_shared::audit::AuditRow;

use super::tokens;
use super::view::token_facts;
use crate::cli::args::Format;
use crate::cli::audit;
use crate::cli::context::{Context, Done};
use crate::cli::exit::{CliError, Exit};
use crate::cli::table::{Table, facts, numbers, words};
use crate::cli::verdict::count;
use crate::cli::when::When;
use crate::client::AuditQuery;

/// All there is about a token.
#[derive(Serialize)]
struct Report {
    token: TokenView,
    sources: Vec<SourceView>,
    issued: Vec<TokenView>,
    /// Newest first.
    audit: Vec<AuditRow>,
    chain: AuditVerdict,
}

/// An address list from what was seen.
#[derive(Serialize)]
struct Proposal {
    token: TokenView,
    allowed_ips: Vec<String>,
    /// Networks in it that stand for several addresses.
    merged: Vec<String>,
    /// Addresses whose calls were all refused.
    left_out: Vec<String>,
    /// The line that sets it.
    line: String,
}

pub(super) async fn sources(cx: &mut Context<'_>, reference: &str) -> Done {
    let client = cx.client;
    let fetch = async |page| client.token_sources(reference, &page).await;
    cx.list("no calls came yet", sources_table, fetch).await
}

pub(super) async fn issued(cx: &mut Context<'_>, reference: &str) -> Done {
    let client = cx.client;
    cx.list("it created no tokens", tokens, async |page| client.issued_tokens(reference, &page).await).await
}

pub(super) async fn report(cx: &mut Context<'_>, reference: &str) -> Done {
    let report = collect(cx, reference).await?;
    if cx.format != Format::Table {
        return cx.object(&report, |_| Vec::new());
    }
    // Exact times also on a terminal: it is evidence.
    let when = When { relative: false, ..cx.when() };
    print(cx, &report, when)?;
    Ok(if report.chain.intact { Exit::Ok } else { Exit::Attention })
}

async fn collect(cx: &Context<'_>, reference: &str) -> Result<Report, CliError> {
    let client = cx.client;
    let token = client.token(reference).await?;
    let id = token.id.as_str();
    let query = AuditQuery { target: Some(id.to_owned()), ..AuditQuery::default() };
    Ok(Report {
        sources: cx.all(async |page| client.token_sources(id, &page).await).await?,
        issued: cx.all(async |page| client.issued_tokens(id, &page).await).await?,
        audit: audit::rows(cx, query, None).await?,
        chain: client.verify_audit().await?,
        token,
    })
}

fn print(cx: &mut Context<'_>, report: &Report, when: When) -> Result<(), CliError> {
    let head = format!("REPORT on token {} at {}, by {}", report.token.id, when.of(when.now), cx.status.caller);
    cx.io.line(&head)?;
    cx.io.line("")?;
    token_facts(&report.token, when).iter().try_for_each(|line| cx.io.line(line))?;
    section(cx, "SOURCES", &sources_table(&report.sources, when))?;
    section(cx, "ISSUED TOKENS", &tokens(&report.issued, when))?;
    section(cx, "AUDIT, newest first", &audit::table(&report.audit, when))?;
    cx.io.line("")?;
    cx.io.line("AUDIT CHAIN")?;
    audit::verdict_facts(&report.chain).iter().try_for_each(|line| cx.io.line(line))?;
    Ok(())
}

/// Never cut to a terminal's width: half an address is no evidence.
fn section(cx: &mut Context<'_>, head: &str, table: &Table) -> Result<(), CliError> {
    cx.io.line("")?;
    cx.io.line(head)?;
    cx.table_lines(table, None)
}

pub(super) async fn allowlist(cx: &mut Context<'_>, reference: &str) -> Done {
    let client = cx.client;
    let token = client.token(reference).await?;
    let sources = cx.all(async |page| client.token_sources(token.id.as_str(), &page).await).await?;
    let (used, refused): (Vec<SourceView>, Vec<SourceView>) = sources.into_iter().partition(|source| source.calls > 0);
    if used.is_empty() {
        let what = format!("no call of {} was accepted yet, so there is nothing to propose", token.name);
        return Err(CliError::failure(what, "wait until each of its senders has called"));
    }
    let proposal = propose(token, &used, &refused, &cx.tollgate());
    let since = used.iter().map(|source| source.first).min().map(|first| cx.when().full(first));
    cx.object(&proposal, |proposal| proposal_lines(proposal, &since.unwrap_or_default()))
}

fn propose(token: TokenView, used: &[SourceView], refused: &[SourceView], tollgate: &str) -> Proposal {
    let nets = |sources: &[SourceView]| sources.iter().map(|source| source.net.clone()).collect::<Vec<_>>();
    let allowed_ips = nets(used);
    let merged: Vec<SourceView> = used.iter().filter(|source| source.merged).cloned().collect();
    let options: String = allowed_ips.iter().map(|net| format!(" --allow-ip {net}")).collect();
    let line = format!("{tollgate} token edit {} --if-version {} --ip-report-only{options}", token.id, token.version);
    Proposal { allowed_ips, merged: nets(&merged), left_out: nets(refused), line, token }
}

fn proposal_lines(proposal: &Proposal, since: &str) -> Vec<String> {
    let is_new = proposal.token.allowed_ips.is_empty();
    let now = if is_new { "any address".to_owned() } else { proposal.token.allowed_ips.join(", ") };
    let seen = count(proposal.allowed_ips.len() as u64, "address");
    let mut lines = facts(&[
        ("token", format!("{}  {}", proposal.token.name, proposal.token.id)),
        ("used from now", now),
        ("seen", format!("{seen} since {since}")),
        ("merged", proposal.merged.join(", ")),
        ("left out", proposal.left_out.join(", ")),
    ]);
    if !proposal.merged.is_empty() {
        lines.push("note: a merged network lets in more addresses than were seen".to_owned());
    }
    lines.push(
        "A sender that has not called since then would be counted, not refused, until --ip-enforce. To set it:"
            .to_owned(),
    );
    lines.push(proposal.line.clone());
    lines
}

fn sources_table(rows: &[SourceView], when: When) -> Table {
    let columns = [
        words("ADDRESS"),
        words("SECRET"),
        words("FIRST"),
        words("LAST"),
        numbers("CALLS"),
        numbers("REFUSED"),
        words("NOTE"),
    ];
    let mut table = Table::new(columns);
    for row in rows {
        table.row([
            row.net.clone(),
            row.secret.clone(),
            when.of(row.first),
            when.of(row.last),
            row.calls.to_string(),
            row.refused.to_string(),
            if row.merged { "several addresses, merged".to_owned() } else { String::new() },
        ]);
    }
    table
}
