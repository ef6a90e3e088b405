//! The live trial: what is asked while a filter is typed, and what its answers do.

use std::sync::Arc;

use tollgate_shared::api::{ProposedFilter, TryVerdict, WhatIf, WhatIfItem, WhatIfProgress};

use super::super::danger::Deed;
use super::super::forms::Form;
use super::super::held::HeldRow;
use super::super::layer::Layer;
use super::super::model::Model;
use super::super::msg::{Effect, Effects};
use super::super::tail::Entry;
use super::super::trial::{Over, ROWS_KEPT, Trial};

/// Rows of each verdict that a run names.
const ROWS: u32 = 20;

/// A draft that differs from the one that was tried last is tried; when the form is gone, so is the trial.
pub(super) fn want(model: &mut Model, effects: &mut Effects) {
    let form = match &model.layer {
        Some(Layer::Form(form)) if form.is_filter() => form,
        // The difference is looked at; the form comes back.
        Some(Layer::Danger(danger)) if matches!(&danger.deed, Deed::Change(form) if form.is_filter()) => return,
        _ => return end(model, effects),
    };
    if model.trial.call.is_none() {
        model.trial.call = start(model);
    }
    let question = model.trial.call.as_ref().and_then(|row| form.trial(row.seq));
    let Some(question) = question else { return };
    let key = Trial::key(&question);
    if model.trial.asked.as_ref() == Some(&key) {
        return;
    }
    let generation = model.next_generation();
    (model.trial.asked, model.trial.generation) = (Some(key), generation);
    effects.push(Effect::TryFilter { generation, question: Box::new(question) });
}

fn end(model: &mut Model, effects: &mut Effects) {
    if model.trial.call.is_some() || model.trial.running().is_some() {
        model.trial = Trial::default();
        effects.push(Effect::StopTrying);
    }
}

/// The marked call of the log, or the newest one.
fn start(model: &Model) -> Option<Arc<HeldRow>> {
    let marked = model.logs.tail.selected_row().cloned();
    marked.or_else(|| logged(model).last())
}

fn logged(model: &Model) -> impl DoubleEndedIterator<Item = Arc<HeldRow>> {
    model.logs.tail.entries.iter().filter_map(|entry| match entry {
        Entry::Row(row) => Some(Arc::clone(row)),
        Entry::Gap(_) => None,
    })
}

/// The call before or after the one that it is tried on.
pub(super) fn step(model: &mut Model, newer: bool) {
    let Some(at) = model.trial.call.as_ref().map(|row| row.seq) else { return };
    let next = match newer {
        true => logged(model).find(|row| row.seq > at),
        false => logged(model).rev().find(|row| row.seq < at),
    };
    if let Some(next) = next {
        model.trial.call = Some(next);
        model.trial.verdict = None;
    }
}

/// The draft over all logged calls.
pub(super) fn over(model: &mut Model, effects: &mut Effects) {
    let Some(Layer::Form(form)) = &mut model.layer else { return };
    let Some(spec) = form.tried() else {
        form.error = Some("what is typed is no filter yet, so it cannot be tried".to_owned());
        return;
    };
    let proposed = proposed(form);
    let generation = model.next_generation();
    let what = WhatIf { filter: Some(proposed), rows: Some(ROWS), ..WhatIf::default() };
    model.trial.over =
        Over::Running { generation, spec: Box::new(spec), progress: WhatIfProgress::default(), rows: Vec::new() };
    effects.push(Effect::TryOver { generation, what: Box::new(what) });
}

fn proposed(form: &Form) -> ProposedFilter {
    let spec = form.tried();
    match &form.filter {
        Some(filter) => ProposedFilter { filter: Some(filter.id.to_string()), spec, ..ProposedFilter::default() },
        None => {
            let service = form.pick("service").map(str::to_owned);
            ProposedFilter { service, spec, ..ProposedFilter::default() }
        }
    }
}

pub(super) fn tried(model: &mut Model, generation: u64, result: Result<Box<TryVerdict>, String>) {
    if model.trial.generation == generation {
        model.trial.verdict = Some(result);
    }
}

pub(super) fn told(model: &mut Model, generation: u64, item: Result<WhatIfItem, String>) {
    if model.trial.running() != Some(generation) {
        return;
    }
    let Over::Running { spec, progress, rows, .. } = &mut model.trial.over else { return };
    match item {
        Ok(WhatIfItem::Progress(now)) => *progress = now,
        Ok(WhatIfItem::Row(row)) if rows.len() < ROWS_KEPT => rows.push(*row),
        Ok(WhatIfItem::Row(_)) => {}
        Ok(WhatIfItem::Report(report)) => {
            let (spec, rows) = (spec.clone(), std::mem::take(rows));
            model.trial.over = Over::Done { spec, report, rows };
        }
        Ok(WhatIfItem::Failed(why)) | Err(why) => model.trial.over = Over::Failed(why),
    }
}
