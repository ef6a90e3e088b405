//! The form that edits all marked tokens at once: what is left as it is stays different from token to token.

use tollgate_shared::api::TokenPatch;
use tollgate_shared::token::RateLimit;

use super::check::{Wrong, addresses};
use super::token::{expiries, rate};
use super::{Form, FormField, FormKind, Value};

const KEEP: &str = "";

impl Form {
    /// The form for so many tokens.
    #[must_use]
    pub fn edit_many(tokens: usize) -> Self {
        let windows = [
            ("as it is", KEEP),
            ("off", "0"),
            ("1 min", "60"),
            ("5 min", "300"),
            ("10 min", "600"),
            ("1 hour", "3600"),
            ("24 hours", "86400"),
        ];
        let query = [("as it is", KEEP), ("taken", "on"), ("refused", "off")];
        let options = |all: &[(&str, &str)]| {
            all.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
        };
        let mut ends = expiries(true);
        ends.retain(|(_, value)| value != "date");
        let fields = vec![
            FormField::choice("expires", ends, 0, "counted from now"),
            FormField::choice("dedup", options(&windows), 0, "the same content within this is one call"),
            FormField::text("from", "", "addresses; empty = as it is, `any` = any address"),
            FormField::text("limit", "", "600/min; empty = as it is, `none` = no limit"),
            FormField::choice("?token=", options(&query), 0, "the token in an address, where logs keep it"),
        ];
        Self::new(FormKind::EditMany(tokens), fields)
    }

    /// What is wrong with what is typed so far.
    pub(super) fn many_complaint(&self) -> Option<Wrong> {
        let from = self.words("from");
        let from = if from == ["any"] { None } else { addresses("from", &from) };
        let limit = self.line("limit");
        let limit = if limit.trim() == "none" { None } else { rate(&limit).err() };
        from.map(|words| Wrong::new("from", words)).or_else(|| limit.map(|words| Wrong::new("limit", words)))
    }

    /// The change that it describes.
    ///
    /// # Errors
    /// What cannot be read, or that nothing is to be changed.
    pub fn many_patch(&self) -> Result<TokenPatch, String> {
        if let Some(wrong) = self.many_complaint() {
            return Err(wrong.words);
        }
        let kept = |label: &str| self.pick(label).filter(|value| *value != KEEP);
        let none = RateLimit { calls_per_min: 0, burst: 0 };
        let rate_limit = match self.line("limit").trim() {
            "none" => Some(none),
            text => rate(text)?,
        };
        let from = self.words("from");
        let patch = TokenPatch {
            expires: kept("expires").map(str::to_owned),
            dedup_window_secs: kept("dedup").and_then(|secs| secs.parse().ok()),
            allowed_ips: (!from.is_empty()).then(|| if from == ["any"] { Vec::new() } else { from }),
            rate_limit,
            query_token: kept("?token=").map(|on| on == "on"),
            ..TokenPatch::default()
        };
        let is_text = |field: &FormField| matches!(&field.value, Value::Text(text) if !text.is_empty());
        let some = patch.expires.is_some() || patch.dedup_window_secs.is_some() || patch.query_token.is_some();
        match some || self.fields.iter().any(is_text) {
            true => Ok(patch),
            false => Err("all is left as it is: there is nothing to change".to_owned()),
        }
    }
}
