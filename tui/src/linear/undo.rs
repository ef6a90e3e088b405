//! `undo` and `history`: what this session changed, and the way back from it.

use std::io;

use super::Desk;
use crate::app::action::Action;
use crate::app::layer::Layer;
use crate::app::update::{perform, update};
use crate::app::words::age;
use crate::app::{Msg, key};

impl Desk {
    /// Takes back the change of this number in `undo list`, 1 being the newest: asks as the console asks.
    pub(super) async fn undo(&mut self, number: usize) -> io::Result<()> {
        if self.model.undo.is_empty() {
            return self.nothing_to_undo();
        }
        let changes = self.model.undo.len();
        let Some(one) = self.model.undo.get(number - 1) else {
            return self.say(&format!("there is no change {number}; undo list has 1 to {changes}"));
        };
        let then = format!("{}: {}", one.name, one.new);
        if let Err(error) = self.look_around().await {
            return self.say_error(error);
        }
        self.model.layer = Some(Layer::Undo { at: number - 1 });
        update(&mut self.model, Msg::Key(key::Key::plain(key::Code::Enter)), (self.clock)());
        match self.ask().await? {
            Some(outcome) if outcome.refused.is_none() => self.say(&format!("undone: {then}")),
            Some(outcome) => self.say_outcome(&outcome),
            None => Ok(()),
        }
    }

    pub(super) fn undo_list(&mut self) -> io::Result<()> {
        let now = (self.clock)();
        let lines = self.model.undo.iter().enumerate().map(|(at, one)| {
            let ago = age(now.secs_since(one.at));
            format!("{}. {}: {}, {ago} ago; undo {} makes it: {}", at + 1, one.name, one.old, at + 1, one.new)
        });
        let lines: Vec<String> = lines.collect();
        if lines.is_empty() {
            return self.nothing_to_undo();
        }
        lines.iter().try_for_each(|line| self.io.line(line))
    }

    /// In the console's words.
    fn nothing_to_undo(&mut self) -> io::Result<()> {
        self.say_notice_of(Action::Undo)
    }

    /// What this session changed, as commands, the newest first.
    pub(super) fn history(&mut self) -> io::Result<()> {
        let lines = self.model.commands.newest_first().enumerate();
        let lines: Vec<String> =
            lines.map(|(at, line)| format!("{}. {}: {}", at + 1, line.result(), line.text)).collect();
        if lines.is_empty() {
            return self.say_notice_of(Action::History);
        }
        lines.iter().try_for_each(|line| self.io.line(line))
    }

    fn say_notice_of(&mut self, action: Action) -> io::Result<()> {
        perform(&mut self.model, action, (self.clock)());
        self.model.layer = None;
        let words = self.model.notice.take().unwrap_or_default();
        self.say(&words)
    }
}
