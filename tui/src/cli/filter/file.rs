//! Filters from files, with everything that is wrong in them said at its place.

use std::path::Path as FilePath;

use tollgate_shared::filter::{CorrPath, FieldError, FilterSpec, Path, preset, preset_names};

use crate::cli::call_file;
use crate::cli::exit::{CliError, Exit};
use crate::cli::io::Io;

/// Characters of a line that are shown on either side of the place.
const AROUND_CHARS: usize = 60;

/// Reads a filter; `-` is standard input.
///
/// # Errors
/// No JSON, no filter, or a filter that breaks rules: all of them, each with its field, paths with the character.
pub(in crate::cli) fn read(io: &mut Io, file: &FilePath) -> Result<FilterSpec, CliError> {
    let text = call_file::read_text(io, file)?;
    let name = file.display().to_string();
    let spec = FilterSpec::from_json(text.as_bytes()).map_err(|error| CliError::Said {
        exit: Exit::BadInput,
        what: format!("{name} is no filter: {error}"),
        next: pointed(&text, error.line(), error.column()),
    })?;
    checked(&name, spec)
}

/// A filter that keeps the rules.
///
/// # Errors
/// All that it breaks, each with its field; `what` is named before them.
pub(in crate::cli) fn checked(what: &str, spec: FilterSpec) -> Result<FilterSpec, CliError> {
    match spec.validate() {
        Ok(()) => Ok(spec),
        Err(errors) => {
            let what = format!("{what}: {} bad field{}", errors.len(), if errors.len() == 1 { "" } else { "s" });
            let next = errors.iter().flat_map(|error| field_lines(&spec, error)).collect();
            Err(CliError::Said { exit: Exit::BadInput, what, next })
        }
    }
}

/// A preset by its name.
///
/// # Errors
/// There is none; the names that there are.
pub(in crate::cli) fn of_preset(name: &str) -> Result<FilterSpec, CliError> {
    preset(name).ok_or_else(|| {
        let known: Vec<_> = preset_names().collect();
        CliError::input(format!("there is no preset `{name}`"), format!("one of {}", known.join(", ")))
    })
}

/// The line of a JSON text with a mark under the column.
fn pointed(text: &str, line: usize, column: usize) -> Vec<String> {
    let Some(found) = text.lines().nth(line.saturating_sub(1)) else { return vec!["it ends too early".to_owned()] };
    // The parser counts bytes.
    let at = found[..found.floor_char_boundary(column.saturating_sub(1))].chars().count();
    caret(found, at)
}

/// A text and a mark under one of its characters; of a long text only what is around it.
fn caret(text: &str, at: usize) -> Vec<String> {
    let start = at.saturating_sub(AROUND_CHARS);
    let shown: String = text.chars().skip(start).take(2 * AROUND_CHARS).collect();
    vec![format!("  {shown}"), format!("  {}^", " ".repeat(at - start))]
}

fn field_lines(spec: &FilterSpec, error: &FieldError) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", error.path, error.message)];
    if let Some(text) = path_at(spec, &error.path)
        && let Some(offset) = offset_of(&error.path, &text)
    {
        lines.extend(caret(&text, offset));
    }
    lines
}

/// Where reading a path stopped; `None` where the text is a path.
fn offset_of(field: &str, text: &str) -> Option<usize> {
    let error = if field.contains("correlate") { CorrPath::parse(text).err()? } else { Path::parse(text).err()? };
    Some(error.offset)
}

/// The text of a field that holds a path: `trigger.conditions[0].path`, `trigger.title_from[1]`.
fn path_at(spec: &FilterSpec, field: &str) -> Option<String> {
    if !["path", "_from", "correlate"].iter().any(|word| field.contains(word)) {
        return None;
    }
    let pointer = format!("/{}", field.replace('[', ".").replace(']', "").replace('.', "/"));
    let value = serde_json::to_value(spec).ok()?;
    value.pointer(&pointer)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_path_is_shown_with_a_mark_under_the_character() {
        let json = r#"{"name":"f","trigger":{"conditions":[{"path":"alerts[x].status","values":["firing"]}]}}"#;
        let spec = FilterSpec::from_json(json.as_bytes()).unwrap();
        let errors = spec.validate().unwrap_err();
        let lines = field_lines(&spec, &errors[0]);
        assert!(lines[0].starts_with("trigger.conditions[0].path: "), "{lines:?}");
        assert_eq!(lines[1..], ["  alerts[x].status".to_owned(), "         ^".to_owned()]);
    }

    #[test]
    fn broken_json_is_shown_with_a_mark_under_the_column() {
        let text = "{\n  \"name\": \"f\",\n  \"trigger\": }";
        let error = FilterSpec::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(pointed(text, error.line(), error.column())[0], "    \"trigger\": }");
        assert!(pointed(text, error.line(), error.column())[1].ends_with('^'));
    }
}
