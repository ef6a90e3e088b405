//! `tollgate request`.

use tollgate_shared::api::{CancelRequest, RequestView, RetryRequest};
use tollgate_shared::request::{RequestState, StepRun, StepState};

use super::args::{Format, RequestList, RequestVerb};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::table::{Table, facts, words};
use super::when::When;
use crate::client::RequestQuery;

pub(super) async fn run(cx: &mut Context<'_>, verb: RequestVerb) -> Done {
    let client = cx.client;
    let request = match verb {
        RequestVerb::List(list) => return self::list(cx, list).await,
        RequestVerb::Show { request } => return show(cx, &request).await,
        RequestVerb::Follow { request } => return follow(cx, &request).await,
        RequestVerb::Retry { request, from_start } => {
            client.retry_request(&request, &RetryRequest { from_start }).await?
        }
        RequestVerb::Cancel { request, comment } => client.cancel_request(&request, &CancelRequest { comment }).await?,
    };
    cx.changed(&request, line)
}

async fn list(cx: &mut Context<'_>, list: RequestList) -> Done {
    let client = cx.client;
    let since_secs = list.since.map(|since| since.as_secs());
    let query = RequestQuery { state: list.state, workflow: list.workflow, since_secs, ..RequestQuery::default() };
    let fetch = async |page| client.requests(&RequestQuery { page, ..query.clone() }).await;
    cx.list("no such requests", requests, fetch).await
}

async fn show(cx: &mut Context<'_>, reference: &str) -> Done {
    let request = cx.client.request_shown(reference).await?;
    if cx.format != Format::Table {
        return cx.object(&request, |_| Vec::new());
    }
    let when = cx.when();
    request_facts(&request, when).iter().try_for_each(|line| cx.io.line(line))?;
    for (name, value) in &request.variables {
        cx.io.line(&format!("variable {name} = {value}"))?;
    }
    for (place, step) in request.steps.iter().enumerate() {
        cx.io.line(&format!("step {}  {}", place + 1, step_words(step, when)))?;
        if !step.output.is_empty() {
            let cut = if step.truncated { "output (its end)" } else { "output" };
            cx.io.line(&format!("  {cut}"))?;
            cx.io.body("    ", &step.output)?;
        }
    }
    Ok(Exit::Ok)
}

/// State by state until the end. What changed is asked for at each event of the daemon, so nothing is missed for long.
async fn follow(cx: &mut Context<'_>, reference: &str) -> Done {
    let mut events = cx.client.events().await?;
    let mut before = String::new();
    let mut request = cx.client.request_shown(reference).await?;
    loop {
        let now = line(&request);
        if now != before {
            match cx.format {
                Format::Table | Format::Csv | Format::Har => cx.io.line(&now)?,
                // An array without end is no JSON: both forms are lines.
                Format::Json | Format::Jsonl => cx.io.json(&request, false)?,
            }
            cx.io.out.flush()?;
            before = now;
        }
        if request.state.is_finished() {
            let ok = request.state == RequestState::Succeeded;
            return Ok(if ok { Exit::Ok } else { Exit::Failure });
        }
        if events.next().await?.is_none() {
            return Err(CliError::failure("the daemon ended while the request went on", "follow it again later"));
        }
        // By its id: a piece of it may fit another one by now.
        request = cx.client.request_shown(&request.id.to_string()).await?;
    }
}

fn line(request: &RequestView) -> String {
    format!("{} {}  {}  {}", request.id, request.state, request.workflow.name, request.detail)
}

fn requests(rows: &[RequestView], when: When) -> Table {
    let columns = [words("ID"), words("STATE"), words("WORKFLOW"), words("STEPS"), words("CREATED"), words("DETAIL")];
    let mut table = Table::new(columns);
    for request in rows {
        let id = request.id.to_string();
        // The end of an id is a hint that the daemon takes; its beginning is the time and the same for neighbours.
        let short = if when.relative { id.get(id.len().saturating_sub(8)..).unwrap_or(&id).to_owned() } else { id };
        table.row([
            short,
            request.state.to_string(),
            request.workflow.name.clone(),
            format!("{}/{}", request.steps_done, request.steps.len()),
            when.of(request.created_at),
            request.detail.clone(),
        ]);
    }
    table
}

fn request_facts(request: &RequestView, when: When) -> Vec<String> {
    facts(&[
        ("request", request.id.to_string()),
        ("state", request.state.to_string()),
        ("detail", request.detail.clone()),
        ("workflow", request.workflow.name.clone()),
        ("team", request.team.as_ref().map_or_else(|| "global".to_owned(), |team| team.name.clone())),
        ("token", format!("{}  {}", request.token.name, request.token.id)),
        ("call", request.call.to_string()),
        ("created", when.full(request.created_at)),
        ("started", request.started_at.map(|at| when.full(at)).unwrap_or_default()),
        ("ended", request.finished_at.map(|at| when.full(at)).unwrap_or_default()),
        ("retries", if request.retries > 0 { request.retries.to_string() } else { String::new() }),
        (
            "payload",
            if request.payload.is_empty() { String::new() } else { format!("{} bytes", request.payload.len()) },
        ),
    ])
}

fn step_words(step: &StepRun, when: When) -> String {
    let mut words = vec![format!("{} ({}): {}", step.name, step.kind, state_word(step.state))];
    if step.attempts > 1 {
        words.push(format!("try {}", step.attempts));
    }
    words.extend(step.exit_status.map(|status| format!("status {status}")));
    words.extend(step.signal.map(|signal| format!("signal {signal}")));
    words.extend(step.http_status.map(|status| format!("HTTP {status}")));
    words.extend(step.incident.map(|incident| format!("incident {incident}")));
    words.extend(step.error.clone());
    words.extend(step.next_at.map(|at| format!("next try {}", when.of(at))));
    if let (Some(from), Some(to)) = (step.started_at, step.finished_at) {
        words.push(format!("{} ms", to.micros_since(from) / 1_000));
    }
    words.join(", ")
}

fn state_word(state: StepState) -> &'static str {
    state.as_str()
}
