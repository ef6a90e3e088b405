//! What an incident says: title, description, priority.

use std::borrow::Cow;

use tollgate_shared::filter::Path;
use tollgate_shared::priority::Priority;

use super::compile::CompiledTrigger;
use super::select::select;
use crate::core::call::Call;

/// Characters of a title, the `?from=` prefix included, at most.
pub const TITLE_CHARS_MAX: usize = 1024;
/// Bytes of a description, at most; it is cut between characters.
pub const DESCRIPTION_BYTES_MAX: usize = 4096;

/// The title: the first path with a non-blank value, after `"<from> - "` if the call had `?from=`. Give the redacted
/// view of the call: redaction comes before truncation.
pub(super) fn title(paths: &[Path], redacted: &Call) -> String {
    let from = redacted.from_param().map(fold_white_space);
    let title = match (first_text(paths, redacted), from) {
        (Some(text), Some(from)) => format!("{from} - {}", fold_white_space(&text)),
        (Some(text), None) => fold_white_space(&text),
        (None, Some(from)) => format!("Incident from {from}"),
        (None, None) => "Incident from unknown source".to_owned(),
    };
    title.chars().take(TITLE_CHARS_MAX).collect()
}

/// The description: the first path with a non-blank value, else the body text.
pub(super) fn description(paths: &[Path], redacted: &Call) -> String {
    let text = first_text(paths, redacted).unwrap_or(Cow::Borrowed(&redacted.text));
    text[..text.floor_char_boundary(DESCRIPTION_BYTES_MAX)].to_owned()
}

/// The most urgent of the values of the first path that knows one, else the trigger's own. A word is looked up in the
/// trigger's map, then in the built-in table.
pub(super) fn priority(trigger: &CompiledTrigger, call: &Call) -> Priority {
    let known = |path: &Path| select(path, call).iter().filter_map(|value| word(trigger, &value.text())).min();
    trigger.priority_from.iter().find_map(known).unwrap_or(trigger.priority)
}

fn word(trigger: &CompiledTrigger, text: &str) -> Option<Priority> {
    // A word of the map has at most 200 characters, so a long text (all of a body under `$`) is not lower-cased.
    const WORD_BYTES_MAX: usize = 1024;
    let text = text.trim();
    if text.len() > WORD_BYTES_MAX {
        return None;
    }
    trigger.priority_map.get(&text.to_lowercase()).copied().or_else(|| Priority::from_word(text))
}

fn first_text<'a>(paths: &[Path], call: &'a Call) -> Option<Cow<'a, str>> {
    let texts = paths.iter().flat_map(|path| select(path, call)).map(|value| value.text());
    texts.into_iter().find(|text| !text.trim().is_empty())
}

/// Every run of white space becomes one space. Stops where a title is full.
fn fold_white_space(text: &str) -> String {
    let mut folded = String::new();
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
        // At most four bytes a character: beyond this many bytes the title has enough characters.
        if folded.len() > 4 * TITLE_CHARS_MAX {
            break;
        }
    }
    folded
}
