//! `tollgate filter edit | move | enable | disable`.

use tollgate_shared::api::trying::{ProposedFilter, WhatIf};
use tollgate_shared::api::{FilterPatch, FilterView};
use tollgate_shared::filter::FilterSpec;

use super::{file, full_name};
use crate::cli::args::FilterEdit;
use crate::cli::context::{Context, Done};
use crate::cli::exit::CliError;
use crate::cli::what_if;

pub(super) async fn edit(cx: &mut Context<'_>, edit: FilterEdit) -> Done {
    let filter = cx.client.filter(&edit.filter).await?;
    let spec = edited(cx, &filter, &edit)?;
    if spec == filter.spec {
        return Err(CliError::usage("nothing is named that should change", "see:  tollgate filter edit --help"));
    }
    if edit.dry_run {
        let proposed = ProposedFilter { filter: Some(filter.id.to_string()), spec: Some(spec), ..Default::default() };
        return what_if::over(cx, WhatIf { filter: Some(proposed), ..WhatIf::default() }, edit.over).await;
    }
    let patch = FilterPatch { spec: Some(spec), ..FilterPatch::default() };
    let changed = change(cx, &filter, &patch).await?;
    super::lints_noted(cx, &changed);
    cx.changed(&changed, |filter| format!("filter {} changed", full_name(filter)))
}

pub(super) async fn move_to(cx: &mut Context<'_>, reference: &str, to: u32) -> Done {
    let filter = cx.client.filter(reference).await?;
    let patch = FilterPatch { position: Some(to), ..FilterPatch::default() };
    let changed = change(cx, &filter, &patch).await?;
    cx.changed(&changed, |filter| format!("filter {} is at place {}", full_name(filter), filter.position))
}

pub(super) async fn switch(cx: &mut Context<'_>, reference: &str, on: bool) -> Done {
    let filter = cx.client.filter(reference).await?;
    let patch = FilterPatch { enabled: Some(on), ..FilterPatch::default() };
    let changed = change(cx, &filter, &patch).await?;
    let state = if on { "enabled" } else { "disabled" };
    cx.changed(&changed, |filter| format!("filter {} is {state}", full_name(filter)))
}

/// By id and version: the name may mean another filter by now, and the filter may be another one.
async fn change(cx: &Context<'_>, filter: &FilterView, patch: &FilterPatch) -> Result<FilterView, CliError> {
    Ok(cx.client.edit_filter(&filter.id.to_string(), patch, &filter.version).await?)
}

fn edited(cx: &mut Context<'_>, filter: &FilterView, edit: &FilterEdit) -> Result<FilterSpec, CliError> {
    let mut spec = match (&edit.file, &edit.preset) {
        (Some(file), _) => file::read(cx.io, file)?,
        (None, Some(preset)) => FilterSpec { name: filter.spec.name.clone(), ..file::of_preset(preset)? },
        (None, None) => filter.spec.clone(),
    };
    let trigger = &mut spec.trigger;
    trigger.priority = edit.priority.unwrap_or(trigger.priority);
    let lists = [
        (&edit.priority_from, &mut trigger.priority_from),
        (&edit.title_from, &mut trigger.title_from),
        (&edit.description_from, &mut trigger.description_from),
        (&edit.correlate, &mut trigger.correlate),
    ];
    for (given, list) in lists {
        if !given.is_empty() {
            list.clone_from(given);
        }
    }
    if let Some(name) = &edit.name {
        spec.name.clone_from(name);
    }
    file::checked("the filter", spec)
}
