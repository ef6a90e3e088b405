//! `tollgate what-if`, and every dry run over the logged calls.

pub(super) mod progress;
mod words;

use std::pin::pin;

use tollgate_shared::api::trying::{Doubt, ProposedFilter, ProposedToken, TriedRow, WhatIf, WhatIfItem, WhatIfReport};

use super::args::{Format, Over, WhatIfFilter, WhatIfToken, WhatIfVerb};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::filter::file;
use progress::Progress;

pub(super) use words::{doubt_words, fate_words, verdict_word};

pub(super) async fn run(cx: &mut Context<'_>, verb: WhatIfVerb) -> Done {
    match verb {
        WhatIfVerb::Filter(filter) => of_filter(cx, filter).await,
        WhatIfVerb::Token(token) => of_token(cx, token).await,
    }
}

async fn of_filter(cx: &mut Context<'_>, args: WhatIfFilter) -> Done {
    let WhatIfFilter { filter, service, file, preset, position, delete, enabled, over: calls } = args;
    let mut spec = match (file, preset) {
        (Some(file), _) => Some(file::read(cx.io, &file)?),
        (None, Some(preset)) => Some(file::of_preset(&preset)?),
        (None, None) => None,
    };
    if let (Some(enabled), Some(filter)) = (enabled, &filter) {
        let mut switched = cx.client.filter(filter).await?.spec;
        switched.enabled = enabled;
        spec = Some(switched);
    }
    if filter.is_none() && (service.is_none() || spec.is_none()) {
        return Err(CliError::usage(
            "say which filter is proposed",
            "use:  tollgate what-if filter --service TEAM/SERVICE --file FILE, or FILTER with what would change",
        ));
    }
    if spec.is_none() && position.is_none() && !delete {
        return Err(CliError::usage(
            "say what would change",
            "use:  --file, --preset, --position, --enabled or --delete; the filter as it is: tollgate filter try --log",
        ));
    }
    let proposed = ProposedFilter { service, filter, spec, position, delete };
    over(cx, WhatIf { filter: Some(proposed), ..WhatIf::default() }, calls).await
}

async fn of_token(cx: &mut Context<'_>, args: WhatIfToken) -> Done {
    let WhatIfToken { token, scope, allow_ip, any_ip, expires, revoke, over: calls } = args;
    let allowed_ips = (any_ip || !allow_ip.is_empty()).then_some(allow_ip);
    if scope.is_none() && allowed_ips.is_none() && expires.is_none() && !revoke {
        let next = "use:  --scope, --allow-ip, --any-ip, --expires or --revoke";
        return Err(CliError::usage("say what would change", next));
    }
    let proposed = ProposedToken { token, scope, allowed_ips, expires, revoke };
    over(cx, WhatIf { token: Some(proposed), ..WhatIf::default() }, calls).await
}

/// Runs a proposal over the logged calls and shows what it would change. ctrl-c ends the run in the daemon too.
pub(super) async fn over(cx: &mut Context<'_>, mut what: WhatIf, calls: Over) -> Done {
    let Over { since, calls_of, rows } = calls;
    what.calls_of = calls_of;
    what.rows = rows;
    what.since_secs = since.map(|since| u32::try_from(since.as_secs()).unwrap_or(u32::MAX));
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut progress = Progress::new(cx);
    let mut lines = cx.client.what_if(&what).await?;
    let mut found = Vec::new();
    loop {
        let item = tokio::select! {
            biased;
            _ = &mut interrupt => {
                progress.clear(cx);
                cx.note("cancelled; nothing was changed");
                return Ok(Exit::Interrupted);
            }
            item = lines.next() => item,
        };
        let item = item.inspect_err(|_| progress.clear(cx))?;
        match item {
            Some(WhatIfItem::Progress(done)) => progress.show(cx, done),
            Some(WhatIfItem::Row(row)) if cx.format == Format::Jsonl => cx.io.json(&row, false)?,
            Some(WhatIfItem::Row(row)) => found.push(*row),
            Some(WhatIfItem::Report(report)) => {
                progress.clear(cx);
                return show(cx, &found, &report);
            }
            Some(WhatIfItem::Failed(why)) => {
                progress.clear(cx);
                return Err(CliError::failure(why, "nothing was changed; what was found so far is incomplete"));
            }
            None => {
                progress.clear(cx);
                return Err(CliError::failure("the daemon ended the run", "it is probably stopping; run it again"));
            }
        }
    }
}

/// 2 where something would be lost or become different, or cannot be told.
fn show(cx: &mut Context<'_>, rows: &[TriedRow], report: &WhatIfReport) -> Done {
    match cx.format {
        Format::Jsonl => cx.io.json(report, false)?,
        Format::Json => cx.io.json(&serde_json::json!({ "rows": rows, "report": report }), true)?,
        Format::Table | Format::Csv | Format::Har => {
            let when = cx.when();
            if !rows.is_empty() {
                cx.rows(rows, "", words::table)?;
            }
            words::report(report, when).iter().try_for_each(|line| cx.io.line(line))?;
        }
    }
    let attention = report.lost + report.changed + report.cannot_tell > 0;
    Ok(if attention { Exit::Attention } else { Exit::Ok })
}

/// Why a call cannot be judged, for a sentence.
fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Cut => "the log keeps only the beginning of the call",
        Doubt::Redacted => "a filter reads a value that was redacted",
        Doubt::Request => "the call went to /v1/request, where workflows are asked and no filter",
        Doubt::NotKept => "the call was refused before its body was read",
    }
}
