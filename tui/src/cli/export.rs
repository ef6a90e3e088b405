//! `tollgate log export`: rows of the log into a file, page by page, however many there are.

mod har;
mod rows;

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::pin::pin;

use tollgate_shared::api::Screen;
use tollgate_shared::api::trying::WhatIfProgress;

use self::rows::Form;
use super::args::LogExport;
use super::asked;
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::verdict::count;
use super::what_if::progress::Progress;
use crate::client::LogQuery;

/// Rows of one page: with the largest bodies they still are few megabytes.
const PAGE_ROWS: u32 = 200;
/// What is gathered before the file is written.
const BUFFER_BYTES: usize = 64 * 1_024;

/// How far an export has come.
struct Export {
    form: Form,
    rows: u64,
    /// The last seq that was looked at; to go on from here.
    at: u64,
    /// The newest row when it began: a log that grows has an end all the same.
    end: u64,
}

/// Why it stopped before its end.
enum Stopped {
    Interrupted,
    Failed(CliError),
}

pub(super) async fn run(cx: &mut Context<'_>, args: LogExport) -> Done {
    let form = Form::of(cx)?;
    let LogExport { asked, to, force, view } = args;
    let query = LogQuery {
        q: asked::text(cx, Screen::Logs, &asked).await?,
        token: view.token,
        outcome: view.outcome.map(|outcome| outcome.as_str().to_owned()),
        status: view.status,
        since_secs: view.since.map(|since| since.as_secs()),
        after: view.after,
        ..LogQuery::default()
    };
    let first = query.after.as_deref().and_then(|after| after.rsplit('.').next()?.parse().ok()).unwrap_or(0);
    let end = cx.client.status().await?.log.last_seq.unwrap_or(0);
    // A query that the daemon refuses leaves no file behind.
    let one = LogQuery { limit: Some(1), ..query.clone() };
    cx.client.logs(&one).await.map_err(|error| asked::drawn(error, query.q.as_ref()))?;
    let place = to.display().to_string();
    let into_file = place != "-";
    let stdout = if into_file {
        let file: Box<dyn Write> = Box::new(BufWriter::with_capacity(BUFFER_BYTES, new_file(&to, force)?));
        Some(std::mem::replace(&mut cx.io.out, file))
    } else {
        None
    };
    let mut export = Export { form, rows: 0, at: first, end };
    let done = export.write(cx, query).await;
    let flushed = cx.io.out.flush();
    if let Some(stdout) = stdout {
        cx.io.out = stdout;
    }
    let done = done.and_then(|()| flushed.map_err(|error| Stopped::Failed(error.into())));
    export.say(cx, done, &place)
}

impl Export {
    /// The beginning, every row, and the end, which is written also where it stops on the way: the file is whole as far
    /// as it goes.
    async fn write(&mut self, cx: &mut Context<'_>, query: LogQuery) -> Result<(), Stopped> {
        self.form.begin(cx).map_err(Stopped::Failed)?;
        let mut progress = Progress::new(cx);
        let done = self.pages(cx, query, &mut progress).await;
        progress.clear(cx);
        self.form.end(cx).map_err(Stopped::Failed)?;
        done
    }

    async fn pages(&mut self, cx: &mut Context<'_>, mut query: LogQuery, bar: &mut Progress) -> Result<(), Stopped> {
        let mut interrupt = pin!(tokio::signal::ctrl_c());
        let first = self.at;
        query.limit = Some(PAGE_ROWS);
        query.after = Some(query.after.unwrap_or_else(|| "0".to_owned()));
        loop {
            let page = tokio::select! {
                biased;
                _ = &mut interrupt => return Err(Stopped::Interrupted),
                page = cx.client.logs(&query) => {
                    page.map_err(|error| Stopped::Failed(asked::drawn(error, query.q.as_ref())))?
                }
            };
            for row in &page.items {
                if row.seq > self.end {
                    return Ok(());
                }
                self.form.row(cx, row).map_err(Stopped::Failed)?;
                self.rows += 1;
                self.at = row.seq;
            }
            let Some(next) = page.next else { return Ok(()) };
            // The cursor also says how far was looked where no row passed.
            let looked = next.rsplit('.').next().and_then(|seq| seq.parse().ok()).unwrap_or(self.at);
            if looked <= self.at && page.items.is_empty() {
                return Ok(());
            }
            self.at = self.at.max(looked);
            if self.at >= self.end {
                return Ok(());
            }
            bar.show(cx, WhatIfProgress { done: self.at - first, total: self.end.saturating_sub(first) });
            query.after = Some(next);
        }
    }

    fn say(&self, cx: &mut Context<'_>, done: Result<(), Stopped>, place: &str) -> Done {
        let rows = count(self.rows, "row");
        let place = if place == "-" { "standard output" } else { place };
        let so_far = format!("{rows} up to seq {} are in {place}; go on with:  --after {}", self.at, self.at);
        match done {
            Ok(()) if self.rows == 0 => {
                cx.note("no such rows; only calls of tokens whose debug option is on are logged");
                Ok(Exit::Ok)
            }
            Ok(()) => {
                cx.note(&format!("{rows} exported to {place}"));
                Ok(Exit::Ok)
            }
            Err(Stopped::Interrupted) => {
                cx.io.note(&format!("tollgate: interrupted: {so_far}"));
                Ok(Exit::Interrupted)
            }
            Err(Stopped::Failed(error)) if error.is_broken_pipe() => Err(error),
            Err(Stopped::Failed(error)) => {
                cx.io.note(&format!("tollgate: the export is not complete: {so_far}"));
                Err(error)
            }
        }
    }
}

/// A file for its owner alone. One that is there already is somebody's; with `--force` it is replaced, never written into:
/// it may be open to others or a link to something else.
fn new_file(path: &Path, force: bool) -> Result<fs::File, CliError> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    if force && is_file {
        fs::remove_file(path).map_err(|error| {
            CliError::input(format!("{} cannot be replaced: {error}", path.display()), "name a new file")
        })?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => CliError::input(
            format!("{} exists already, nothing was changed", path.display()),
            "name a new file, or replace it with --force",
        ),
        _ => CliError::input(
            format!("{} cannot be made: {error}", path.display()),
            "name a file in a directory of yours",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_new_for_its_owner_alone_and_replaced_only_when_that_was_said() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.jsonl");
        fs::write(&path, "mine").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = new_file(&path, false).unwrap_err();
        assert_eq!((refused.exit(), fs::read_to_string(&path).unwrap().as_str()), (Exit::BadInput, "mine"));
        drop(new_file(&path, true).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(new_file(&link, true).is_err(), "a link is not followed and not replaced");
    }
}
