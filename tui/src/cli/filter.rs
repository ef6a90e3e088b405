//! `tollgate filter`.

use tollgate_shared::api::{FilterView, NewFilter, TryFilter, TryVerdict};
use tollgate_shared::filter::{Condition, FilterSpec, Mode, Trigger};

use super::args::{FilterCreate, FilterTry, FilterVerb, Format};
use super::call_file;
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::table::{Table, facts, numbers, words};
use super::verdict;
use super::when::When;

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
        FilterVerb::Delete { filter } => delete(cx, &filter).await,
        FilterVerb::Presets => {
            let presets = client.presets().await?.items;
            cx.rows(&presets, "no presets", |presets, _| {
                let mut table = Table::new([words("PRESET")]);
                presets.iter().for_each(|preset| table.row([preset.clone()]));
                table
            })
        }
        FilterVerb::Try(call) => try_call(cx, call).await,
    }
}

async fn create(cx: &mut Context<'_>, create: FilterCreate) -> Done {
    let FilterCreate { service, preset, file, name } = create;
    let spec = file.map(|file| {
        let text = call_file::read_text(cx.io, &file)?;
        FilterSpec::from_json(text.as_bytes()).map_err(|error| {
            CliError::input(format!("{} is no filter: {error}", file.display()), "the README shows one")
        })
    });
    let filter = cx.client.create_filter(&NewFilter { service, name, preset, spec: spec.transpose()? }).await?;
    filter.lints.iter().for_each(|lint| cx.note(&format!("note: {lint}")));
    cx.changed(&filter, |filter| format!("filter {} created  {}", full_name(filter), filter.id))
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

async fn try_call(cx: &mut Context<'_>, call: FilterTry) -> Done {
    let text = call_file::read_text(cx.io, &call.file)?;
    let mut content = if call.call { call_file::parse(&text)? } else { call_file::Content::of_body(text) };
    for header in &call.headers {
        content.add_header(header)?;
    }
    if let Some(query) = call.query {
        content.query = query.trim_start_matches('?').to_owned();
    }
    let call_file::Content { headers, query, body } = content;
    let verdict = cx.client.try_filter(&TryFilter { service: call.service, headers, query, body }).await?;
    cx.object(&verdict, verdict_lines)?;
    Ok(if verdict.phase == "none" { Exit::Attention } else { Exit::Ok })
}

fn verdict_lines(verdict: &TryVerdict) -> Vec<String> {
    let filter = verdict.filter.as_ref().map(|filter| filter.name.as_str()).unwrap_or_default();
    let mut lines = vec![match verdict.phase.as_str() {
        "trigger" => format!("TRIGGER  {filter} would open an incident, or attach to the open one with its key"),
        "resolve" => format!("RESOLVE  {filter} would resolve the open incident with this key"),
        _ => "NO MATCH  no incident would be opened or resolved".to_owned(),
    }];
    lines.extend(facts(&[
        ("  title", verdict.title.clone().unwrap_or_default()),
        ("  priority", verdict.priority.map(|priority| priority.to_string()).unwrap_or_default()),
        ("  key", verdict.key.clone().unwrap_or_default()),
        ("  description", verdict.description.clone().unwrap_or_default()),
        ("  the body is no JSON", verdict.json_problem.clone().unwrap_or_default()),
    ]));
    lines.extend(verdict::lines(&verdict.explain));
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
