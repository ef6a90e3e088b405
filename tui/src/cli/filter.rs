//! `tollgate filter`.

mod edit;
pub(super) mod file;

use std::path::{Path, PathBuf};

use tollgate_shared::api::{FilterView, NewFilter, ProposedFilter, TryFilter, TryVerdict, WhatIf};
use tollgate_shared::filter::{Condition, Mode, Trigger, lints};

use super::args::{FilterCreate, FilterTry, FilterVerb, Format};
use super::call_file;
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::table::{Table, facts, numbers, words};
use super::when::When;
use super::{verdict, what_if};

pub(super) async fn run(cx: &mut Context<'_>, verb: FilterVerb) -> Done {
    let client = cx.client;
    match verb {
        FilterVerb::Create(create) => self::create(cx, create).await,
        FilterVerb::List { service } => {
            cx.list("no filters yet", filters, async |page| client.filters(service.as_deref(), &page).await).await
        }
        FilterVerb::Show { filter } => {
            let filter = client.filter(&filter).await?;
            let when = cx.when();
            cx.object(&filter, |filter| filter_facts(filter, when))
        }
        FilterVerb::Edit(edit) => edit::edit(cx, *edit).await,
        FilterVerb::Move { filter, to } => edit::move_to(cx, &filter, to).await,
        FilterVerb::Enable { filter } => edit::switch(cx, &filter, true).await,
        FilterVerb::Disable { filter } => edit::switch(cx, &filter, false).await,
        FilterVerb::Delete { filter } => delete(cx, &filter).await,
        FilterVerb::Presets { preset: Some(name) } => {
            let preset = file::of_preset(&name)?;
            cx.io.json(&preset, cx.format != Format::Jsonl)?;
            Ok(Exit::Ok)
        }
        FilterVerb::Presets { preset: None } => {
            let presets = client.presets().await?.items;
            cx.rows(&presets, "no presets", |presets, _| {
                let mut table = Table::new([words("PRESET")]);
                presets.iter().for_each(|preset| table.row([preset.clone()]));
                table
            })
        }
        FilterVerb::Lint { filter, file } => lint(cx, filter, file).await,
        FilterVerb::Try(call) if call.log => try_log(cx, call).await,
        FilterVerb::Try(call) => try_call(cx, call).await,
    }
}

async fn create(cx: &mut Context<'_>, create: FilterCreate) -> Done {
    let FilterCreate { service, preset, file, name, dry_run, over } = create;
    let spec = file.map(|file| file::read(cx.io, &file)).transpose()?;
    if dry_run {
        let mut spec = match (spec, preset) {
            (Some(spec), _) => spec,
            (None, preset) => file::of_preset(&preset.unwrap_or_default())?,
        };
        spec.name = name.unwrap_or(spec.name);
        let proposed = ProposedFilter { service: Some(service), spec: Some(spec), ..ProposedFilter::default() };
        return what_if::over(cx, WhatIf { filter: Some(proposed), ..WhatIf::default() }, over).await;
    }
    let filter = cx.client.create_filter(&NewFilter { service, name, preset, spec }).await?;
    lints_noted(cx, &filter);
    cx.changed(&filter, |filter| format!("filter {} created  {}", full_name(filter), filter.id))
}

/// What is probably not meant in a filter that was just saved.
fn lints_noted(cx: &mut Context<'_>, filter: &FilterView) {
    filter.lints.iter().for_each(|lint| cx.note(&format!("note: {lint}")));
}

async fn lint(cx: &mut Context<'_>, filter: Option<String>, file: Option<PathBuf>) -> Done {
    let spec = match (filter, file) {
        (Some(filter), _) => cx.client.filter(&filter).await?.spec,
        (None, file) => file::read(cx.io, &file.unwrap_or_else(|| PathBuf::from("-")))?,
    };
    let found = lints(&spec);
    if cx.format != Format::Table {
        cx.rows(&found, "", |_, _| Table::new([words("LINT")]))?;
    } else if found.is_empty() {
        cx.note("nothing looks like a mistake");
    } else {
        found.iter().try_for_each(|lint| cx.io.line(&lint.to_string()))?;
    }
    Ok(if found.is_empty() { Exit::Ok } else { Exit::Attention })
}

async fn delete(cx: &mut Context<'_>, reference: &str) -> Done {
    let filter = cx.client.filter(reference).await?;
    let name = full_name(&filter);
    let line = format!("{} filter delete {} --yes", cx.tollgate(), filter.id);
    cx.confirm_yes(&format!("delete the filter {name}?"), &line)?;
    // By id: the name may mean another filter by now.
    cx.client.delete_filter(&filter.id.to_string()).await?;
    if cx.format == Format::Table {
        cx.note(&format!("filter {name} deleted"));
    }
    Ok(Exit::Ok)
}

/// Over all logged calls: the draft beside what is saved, or what is saved beside what was decided then.
async fn try_log(cx: &mut Context<'_>, call: FilterTry) -> Done {
    let FilterTry { service, draft, replaces, over, .. } = call;
    let spec = draft.map(|draft| file::read(cx.io, &draft)).transpose()?;
    let service = replaces.is_none().then_some(service);
    let proposed = ProposedFilter { service, filter: replaces, spec, ..ProposedFilter::default() };
    what_if::over(cx, WhatIf { filter: Some(proposed), ..WhatIf::default() }, over).await
}

async fn try_call(cx: &mut Context<'_>, call: FilterTry) -> Done {
    let draft = call.draft.as_ref().map(|draft| file::read(cx.io, draft)).transpose()?;
    let content = call.file.as_ref().map(|file| content(cx, &call, file)).transpose()?.unwrap_or_default();
    let call_file::Content { headers, query, body } = content;
    let (service, replaces) = (call.service, call.replaces);
    let tried = TryFilter { service, headers, query, body, call: call.call, draft, replaces };
    let verdict = cx.client.try_filter(&tried).await?;
    cx.object(&verdict, verdict_lines)?;
    Ok(if verdict.phase == "none" || verdict.doubt.is_some() { Exit::Attention } else { Exit::Ok })
}

fn content(cx: &mut Context<'_>, call: &FilterTry, file: &Path) -> Result<call_file::Content, CliError> {
    let text = call_file::read_text(cx.io, file)?;
    let mut content = if call.recorded { call_file::parse(&text)? } else { call_file::Content::of_body(text) };
    for header in &call.headers {
        content.add_header(header)?;
    }
    if let Some(query) = &call.query {
        query.trim_start_matches('?').clone_into(&mut content.query);
    }
    Ok(content)
}

fn verdict_lines(verdict: &TryVerdict) -> Vec<String> {
    let filter = verdict.filter.as_ref().map(|filter| filter.name.as_str()).unwrap_or_default();
    let guess = |doubt| format!("CANNOT TELL  {}; what follows is a guess", what_if::doubt_words(doubt));
    let mut lines: Vec<String> = verdict.doubt.map(guess).into_iter().collect();
    lines.push(match verdict.phase.as_str() {
        "trigger" => format!("TRIGGER  {filter} would open an incident, or attach to the open one with its key"),
        "resolve" => format!("RESOLVE  {filter} would resolve the open incident with this key"),
        _ => "NO MATCH  no incident would be opened or resolved".to_owned(),
    });
    lines.extend(facts(&[
        ("  title", verdict.title.clone().unwrap_or_default()),
        ("  priority", verdict.priority.map(|priority| priority.to_string()).unwrap_or_default()),
        ("  key", verdict.key.clone().unwrap_or_default()),
        ("  description", verdict.description.clone().unwrap_or_default()),
        ("  the body is no JSON", verdict.json_problem.clone().unwrap_or_default()),
    ]));
    lines.extend(verdict::lines(&verdict.explain));
    lines.extend(verdict.lints.iter().map(|lint| format!("note: {lint}")));
    lines
}

pub(super) fn full_name(filter: &FilterView) -> String {
    format!("{}/{}", filter.service.name, filter.spec.name)
}

fn filters(rows: &[FilterView], _: When) -> Table {
    let mut table = Table::new([numbers("POS"), words("FILTER"), words("STATE"), words("TRIGGER"), words("ID")]);
    for filter in rows {
        let state = if filter.spec.enabled { "enabled" } else { "disabled" };
        let trigger = trigger_words(&filter.spec.trigger);
        table.row([filter.position.to_string(), full_name(filter), state.into(), trigger, filter.id.to_string()]);
    }
    table
}

fn filter_facts(filter: &FilterView, when: When) -> Vec<String> {
    let spec = &filter.spec;
    let resolve = spec.resolve.as_ref().map(|part| conditions_words(&part.conditions, part.mode)).unwrap_or_default();
    let mut lines = facts(&[
        ("filter", full_name(filter)),
        ("id", filter.id.to_string()),
        ("position", filter.position.to_string()),
        ("state", if spec.enabled { "enabled" } else { "disabled" }.to_owned()),
        ("trigger", trigger_words(&spec.trigger)),
        ("resolve", resolve),
        ("priority", spec.trigger.priority.to_string()),
        ("priority from", spec.trigger.priority_from.join(", ")),
        ("title from", spec.trigger.title_from.join(", ")),
        ("description from", spec.trigger.description_from.join(", ")),
        ("key", spec.trigger.correlate.join(", ")),
        ("created", when.full(filter.created_at)),
    ]);
    lines.extend(filter.lints.iter().map(|lint| format!("note: {lint}")));
    lines
}

pub(super) fn trigger_words(trigger: &Trigger) -> String {
    if trigger.match_all { "every call".to_owned() } else { conditions_words(&trigger.conditions, trigger.mode) }
}

fn conditions_words(conditions: &[Condition], mode: Mode) -> String {
    let words: Vec<String> = conditions.iter().map(condition_words).collect();
    words.join(if mode == Mode::Any { " or " } else { " and " })
}

fn condition_words(condition: &Condition) -> String {
    let not = if condition.negate { "not " } else { "" };
    let values: Vec<String> = condition.values.iter().map(|value| format!(" {value:?}")).collect();
    format!("{} {not}{}{}", condition.path, condition.op, values.join(","))
}
