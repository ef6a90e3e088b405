//! Questions before a change that cannot be taken back (operator.md: level 2 `--yes`, level 3 `--confirm NAME|ID`).

use serde::Serialize;

use super::context::Context;
use super::exit::CliError;

/// A change that names nothing is a mistake, not a success.
pub(super) fn refuse_empty(patch: &impl Serialize, help: &str) -> Result<(), CliError> {
    let value = serde_json::to_value(patch).unwrap_or_default();
    let is_empty = value.as_object().is_some_and(|fields| fields.values().all(serde_json::Value::is_null));
    match is_empty {
        true => Err(CliError::usage("nothing is named that should change", format!("see:  {help}"))),
        false => Ok(()),
    }
}

impl Context<'_> {
    /// Level 2: a yes, by `--yes` or typed.
    pub(super) fn confirm_yes(&mut self, question: &str, line_to_use: &str) -> Result<(), CliError> {
        if self.yes {
            return Ok(());
        }
        if !self.io.in_is_tty {
            return Err(CliError::usage(
                "this needs a yes, and there is no terminal to ask on",
                format!("use:  {line_to_use}"),
            ));
        }
        let answer = self.io.ask(&format!("{question} [y/N]"))?.unwrap_or_default();
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(CliError::failure("not confirmed", "nothing was changed")),
        }
    }

    /// Level 3: the name or id, by `--confirm` or typed. What was given is returned, not judged.
    pub(super) fn confirm_name(
        &mut self,
        given: Option<String>,
        question: &str,
        line_to_use: &str,
    ) -> Result<String, CliError> {
        if let Some(given) = given {
            return Ok(given);
        }
        if !self.io.in_is_tty {
            let what = "this needs the name typed, and there is no terminal to ask on";
            return Err(CliError::usage(what, format!("use:  {line_to_use}")));
        }
        Ok(self.io.ask(question)?.unwrap_or_default().trim().to_owned())
    }
}
