//! Going on where another console ended: its place is taken at once, the daemon is asked with the first connection.

use tollgate_shared::api::StatusView;

use super::super::model::{Model, Screen};
use super::super::msg::{Dirty, Effect, Effects, Slot};
use super::super::resume::{self, Kept, Whose};
use super::super::tail::{Left, Page};
use super::{LOG_LAST, act, follow_log, log};

/// What was found at the start: a place, none yet, or why there is none.
pub(super) fn begin(model: &mut Model, found: Result<Option<Box<Kept>>, String>, effects: &mut Effects) {
    match found {
        Ok(Some(kept)) => {
            resume::take(model, &kept);
            if model.mouse {
                effects.push(Effect::Mouse(true));
            }
        }
        Ok(None) => {}
        Err(words) => {
            model.notice = Some(words.clone());
            model.resume.words = Some(words);
        }
    }
    effects.touch(Dirty::Input);
}

/// A daemon speaks: the place of another one is given up. What is there to say is said now.
pub(super) fn meet(model: &mut Model, status: &StatusView, effects: &mut Effects) {
    let resume = std::mem::take(&mut model.resume);
    model.notice = resume.words;
    let here = Whose::of(status);
    if let Some(whose) = resume.whose.filter(|whose| *whose != here) {
        if model.mouse {
            effects.push(Effect::Mouse(false));
        }
        resume::take(model, &Kept::default());
        model.resume = resume::Resume::default();
        let (host, data_dir) = (whose.host, whose.data_dir);
        let words = format!("the kept place is of another tollgated ({host}, {data_dir}): this console begins anew");
        model.notice = Some(words);
    } else if resume.is_taken && model.screen == Screen::Audit {
        act::ask_audit(model, effects);
    }
}

/// The log is asked for: for the first time where it was left, later where it stands.
pub(super) fn log(model: &mut Model, same_log: bool, effects: &mut Effects) {
    let filter = model.logs.tail.filter.clone();
    match model.logs.tail.left.take() {
        Some(left) => log_left(model, left, effects),
        None if same_log && model.logs.tail.is_over => {}
        None => follow_log(model, filter, same_log, effects),
    }
    if let Some(seq) = model.logs.tail.again {
        log::fetch(model, Page::Again(seq), effects);
    }
}

fn log_left(model: &mut Model, left: Left, effects: &mut Effects) {
    let Some(bounds) = model.status.as_ref().map(|status| status.log) else { return };
    let generation = model.next_generation();
    let tail = &mut model.logs.tail;
    let filter = tail.filter.clone();
    tail.ask(filter.clone(), generation);
    let last = tail.go_on(left, &bounds, LOG_LAST);
    let after = tail.after();
    model.logs.strip.spoil(true);
    effects.push(Effect::Follow { slot: Slot::Log, generation, filter, after, last });
}

/// The row that was being read is not there any more: a gap where it was erased, else the newest rows.
pub(super) fn gone(model: &mut Model, seq: u64, effects: &mut Effects) {
    let first = model.status.as_ref().and_then(|status| status.log.first_seq);
    match first.filter(|first| *first > seq) {
        Some(first) => model.logs.tail.stand_on_gap(seq, first),
        None => {
            let filter = model.logs.tail.filter.clone();
            follow_log(model, filter, false, effects);
            model.notice = Some(format!("row {seq} is not shown by this query any more: these are the newest"));
        }
    }
}
