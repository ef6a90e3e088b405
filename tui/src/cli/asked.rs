//! Queries on the command line: put together, checked before anything is asked, and drawn where they are wrong.

use tollgate_shared::api::Screen;
use tollgate_shared::query::{Query, QueryError};

use super::args::Asked;
use super::context::Context;
use super::exit::{CliError, Exit};
use crate::client::ClientError;

/// The text of a query, kept ones put in; `None` = everything.
///
/// # Errors
/// It is no query, with its place drawn; or no query is kept under a name.
pub(super) async fn text(cx: &Context<'_>, screen: Screen, asked: &Asked) -> Result<Option<String>, CliError> {
    let mut parts = Vec::new();
    for word in asked.words.iter().chain(&asked.query) {
        match word.trim().strip_prefix('@') {
            Some(name) if !name.is_empty() => parts.push(cx.client.saved_query(screen, name).await?.q),
            _ => parts.push(word.clone()),
        }
    }
    let kept = |word: &&String| word.trim().starts_with('@');
    let text = match parts.as_slice() {
        // What a kept query asks is one condition among others, whatever `or` it holds.
        [_, _, ..] if asked.words.iter().chain(&asked.query).any(|word| kept(&word)) => {
            parts.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(" ")
        }
        parts => parts.join(" "),
    };
    Query::parse(&text, screen.schema()).map_err(|error| wrong(&error, &text, Exit::Usage))?;
    Ok((!text.trim().is_empty()).then_some(text))
}

/// Draws the place where the daemon found the fault: a name that nobody has.
pub(super) fn drawn(error: ClientError, text: Option<&String>) -> CliError {
    match (&error, text) {
        (ClientError::Problem(problem), Some(text)) => match problem.query_error() {
            Some(wrong_at) => wrong(&wrong_at, text, Exit::BadInput),
            None => error.into(),
        },
        _ => error.into(),
    }
}

/// The same for an error that is wrapped already.
pub(super) fn drawn_too(error: CliError, text: Option<&String>) -> CliError {
    match error {
        CliError::Client(error) => drawn(error, text),
        other => other,
    }
}

fn wrong(error: &QueryError, text: &str, exit: Exit) -> CliError {
    let drawn = error.drawn(text).to_string();
    let next = drawn.lines().map(|line| format!("  {line}")).collect();
    CliError::Said { exit, what: "this is not a query that can be asked:".to_owned(), next }
}
