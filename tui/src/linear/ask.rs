//! The question before a change of many, or before one is taken back: whom it concerns and whom not, then the yes or their
//! number.

use std::io;

use super::Desk;
use super::act::without_columns;
use super::change::{Outcome, without_keys};
use crate::app::ask::{Ask, Line, Stop, What};
use crate::app::field::Field;
use crate::app::layer::Layer;
use crate::app::words::count;

/// Lines of a table that are read out; `marks` has all.
const READ_OUT: usize = 20;

impl Desk {
    /// Asks what the open dialog asks, and does it where it is agreed. What was said already is no outcome.
    pub(super) async fn ask(&mut self) -> io::Result<Option<Outcome>> {
        let Some(Layer::Ask(mut ask)) = self.model.layer.take() else { return Ok(None) };
        self.table(&ask)?;
        if ask.number() == 0 {
            return self.say("none of them can be changed so; nothing was changed").map(|()| None);
        }
        let label = if matches!(ask.what, What::Undo(..)) { "it is" } else { "afterwards:" };
        self.say(&format!("{label} {}", without_keys(ask.afterwards())))?;
        if !self.answers(&mut ask)? {
            return self.say("nothing was changed").map(|()| None);
        }
        if let Some(why) = ask.missing() {
            return self.say(&why).map(|()| None);
        }
        ask.mark = Stop::Do;
        self.model.layer = Some(Layer::Ask(ask));
        Ok(Some(self.press().await))
    }

    /// Whom it concerns, one a line, then whom not and why.
    fn table(&mut self, ask: &Ask) -> io::Result<()> {
        let is_undo = matches!(ask.what, What::Undo(..));
        if !is_undo {
            let (taken, all) = (ask.number(), ask.lines.len() as u64);
            let whom = count(all, noun(ask));
            let whom = if taken as u64 == all { whom } else { format!("{taken} of {whom}") };
            self.say(&format!("{}: {whom}", ask.button().to_lowercase()))?;
        }
        let (out, taken): (Vec<&Line>, Vec<&Line>) = ask.lines.iter().partition(|line| line.left_out.is_some());
        let lead = if is_undo { "undo: " } else { "" };
        let lines = taken
            .iter()
            .take(READ_OUT)
            .map(|line| format!("{lead}{}: now {}, then {}", without_columns(&line.name), line.old, line.new));
        lines.collect::<Vec<_>>().iter().try_for_each(|line| self.io.line(line))?;
        self.rest(taken.len(), "changed")?;
        let lines = out.iter().take(READ_OUT).map(|line| {
            format!(
                "not {}: {}",
                without_columns(&line.name),
                without_keys(line.left_out.as_deref().unwrap_or_default())
            )
        });
        lines.collect::<Vec<_>>().iter().try_for_each(|line| self.io.line(line))?;
        self.rest(out.len(), "left out")
    }

    fn rest(&mut self, lines: usize, what: &str) -> io::Result<()> {
        match lines.saturating_sub(READ_OUT) {
            0 => Ok(()),
            rest => self.say(&format!("and {rest} more that are {what}; marks lists all that are marked")),
        }
    }

    /// Why, and the yes or the number. False where it is not agreed.
    fn answers(&mut self, ask: &mut Ask) -> io::Result<bool> {
        if ask.reason_label().is_some() && ask.reason.text().is_empty() {
            let why = self.io.ask("why (it is kept with the change; may be left empty):")?;
            let Some(why) = why else { return Ok(false) };
            ask.reason = Field::new(why.trim());
        }
        if !ask.wants_count() {
            return self.is_agreed();
        }
        let (number, verb) = (ask.number(), ask.button().to_lowercase());
        let question = format!("type their number, {number}, to {verb} them; Enter alone changes nothing:");
        let typed = self.io.ask(&question)?.unwrap_or_default();
        ask.count = Field::new(typed.trim());
        Ok(!typed.trim().is_empty())
    }
}

fn noun(ask: &Ask) -> &'static str {
    if matches!(ask.what, What::Incidents(_)) { "incident" } else { "token" }
}
