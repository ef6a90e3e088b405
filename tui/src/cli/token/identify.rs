//! `tollgate token identify`, and how a value is read: from a file, from standard input, or typed without echo. Never
//! from an argument, which `ps` and the shell's history would show.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tollgate_shared::api::{Identified, IdentifyToken};
use zeroize::Zeroizing;

use super::scope_words;
use crate::cli::context::{Context, Done};
use crate::cli::exit::{CliError, Exit};
use crate::cli::io::Io;
use crate::cli::table::{Table, words};
use crate::cli::when::When;

/// A few thousand values.
const VALUES_BYTES_MAX: u64 = 256 * 1_024;

pub(super) async fn run(cx: &mut Context<'_>, file: Option<PathBuf>) -> Done {
    let value = read_secret(cx.io, file.as_deref(), "the value (it is not shown):")?;
    let found = cx.client.identify(&IdentifyToken { value: value.trim_end().to_owned() }).await?.items;
    cx.rows(&found, "nothing was given", identified)?;
    let is_known = found.iter().all(|found| found.token.is_some());
    Ok(if is_known && !found.is_empty() { Exit::Ok } else { Exit::NoObject })
}

/// A value from a file, from standard input (`-`, or no terminal), or typed without echo.
pub(in crate::cli) fn read_secret(
    io: &mut Io,
    file: Option<&Path>,
    question: &str,
) -> Result<Zeroizing<String>, CliError> {
    match file {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            read_all(file, &path.display().to_string())
        }
        None if io.in_is_tty => {
            let typed = io.ask_hidden(question)?;
            typed.ok_or_else(|| CliError::input("nothing was typed", "paste the value, then Enter"))
        }
        _ => read_all(&mut io.input, "standard input"),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::input(format!("{} cannot be read: {error}", path.display()), "name a readable file")
}

fn read_all(source: impl Read, name: &str) -> Result<Zeroizing<String>, CliError> {
    // The whole room at once: a growing string would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(VALUES_BYTES_MAX as usize + 1));
    let read = source.take(VALUES_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| CliError::input(format!("{name} cannot be read: {error}"), "name a readable file"))?;
    if bytes.len() as u64 > VALUES_BYTES_MAX {
        let next = "use:  tollgate scan FILE  for files with anything in them";
        return Err(CliError::input(format!("{name} has more than {VALUES_BYTES_MAX} bytes"), next));
    }
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| CliError::input(format!("{name} is not UTF-8 text"), "give the value alone"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The value alone: the line end that a file has does not belong to it, anything more is not guessed at.
pub(in crate::cli) fn one_line(text: &str) -> Result<&str, CliError> {
    let value = text.strip_suffix('\n').unwrap_or(text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    match value.contains(['\n', '\r']) || value.is_empty() {
        true => Err(CliError::input("that is not one line with a value", "give the value alone")),
        false => Ok(value),
    }
}

fn identified(rows: &[Identified], when: When) -> Table {
    let columns = [
        words("WHAT"),
        words("ID"),
        words("NAME"),
        words("SCOPE"),
        words("STATE"),
        words("LAST CALL"),
        words("DETAIL"),
    ];
    let mut table = Table::new(columns);
    for row in rows {
        let token = row.token.as_ref();
        table.row([
            row.what.clone(),
            token.map(|token| token.id.to_string()).unwrap_or_default(),
            token.map(|token| token.name.clone()).unwrap_or_default(),
            token.map(|token| scope_words(&token.scope)).unwrap_or_default(),
            token.map(|token| token.state.to_string()).unwrap_or_default(),
            token.map(|token| when.or_never(token.usage.last_use.as_ref().map(|last| last.at))).unwrap_or_default(),
            row.detail.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_end_of_a_file_does_not_belong_to_the_value() {
        assert_eq!(one_line("abc\r\n").unwrap(), "abc");
        assert_eq!(one_line(" abc ").unwrap(), " abc ");
        assert!(one_line("a\nb\n").is_err() && one_line("\n").is_err());
    }
}
