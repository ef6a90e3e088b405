//! What every command works with.

use std::io::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use tollgate_shared::api::{Page, StatusView};

use super::args::Format;
use super::csv;
use super::exit::{CliError, Exit};
use super::io::Io;
use super::table::{Table, facts};
use super::when::When;
use crate::client::{Client, ClientError, PageQuery};

/// Rows asked for at once where all are wanted.
const PAGE_ROWS: u32 = 1_000;

/// A daemon, where to write, and how.
pub(super) struct Context<'a> {
    pub(super) client: &'a Client,
    pub(super) io: &'a mut Io,
    pub(super) status: StatusView,
    /// Never [`Format::Csv`]: that is `csv`.
    pub(super) format: Format,
    /// Lists are comma-separated values; all else is as in a table.
    pub(super) csv: bool,
    /// An export is an HTTP Archive.
    pub(super) har: bool,
    pub(super) quiet: bool,
    pub(super) yes: bool,
    /// The socket, where it was named: the lines that we suggest name it too.
    pub(super) socket: Option<PathBuf>,
}

/// What a command returns.
pub(super) type Done = Result<Exit, CliError>;

impl Context<'_> {
    pub(super) fn when(&self) -> When {
        When { now: self.status.now, relative: self.io.out_is_tty && !self.csv }
    }

    /// The beginning of a line that we suggest.
    pub(super) fn tollgate(&self) -> String {
        self.socket
            .as_ref()
            .map_or_else(|| "tollgate".to_owned(), |path| format!("tollgate --socket {}", path.display()))
    }

    /// An object: as it is in JSON, or what `words` makes of it.
    pub(super) fn object<T: Serialize>(&mut self, object: &T, words: impl FnOnce(&T) -> Vec<String>) -> Done {
        match self.format {
            Format::Table | Format::Csv | Format::Har => {
                words(object).iter().try_for_each(|line| self.io.line(line))?;
            }
            Format::Json => self.io.json(object, true)?,
            Format::Jsonl => self.io.json(object, false)?,
        }
        Ok(Exit::Ok)
    }

    /// The result of a change: as [`Context::object`], but `--quiet` leaves out the words.
    pub(super) fn changed<T: Serialize>(&mut self, object: &T, words: impl FnOnce(&T) -> String) -> Done {
        if self.quiet && self.format == Format::Table {
            return Ok(Exit::Ok);
        }
        self.object(object, |object| vec![words(object)])
    }

    /// A whole collection, page by page: JSON lines as they come, an array or a table when all are there.
    pub(super) async fn list<T: Serialize>(
        &mut self,
        none: &str,
        table: impl FnOnce(&[T], When) -> Table,
        mut fetch: impl AsyncFnMut(PageQuery) -> Result<Page<T>, ClientError>,
    ) -> Done {
        let mut rows = Vec::new();
        let mut query = PageQuery { limit: Some(PAGE_ROWS), cursor: None };
        loop {
            let page = fetch(query.clone()).await?;
            if self.format == Format::Jsonl {
                page.items.iter().try_for_each(|row| self.io.json(row, false))?;
            } else {
                rows.extend(page.items);
            }
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        if self.format == Format::Jsonl {
            return Ok(Exit::Ok);
        }
        self.rows(&rows, none, table)
    }

    /// Rows that are all there.
    pub(super) fn rows<T: Serialize>(
        &mut self,
        rows: &[T],
        none: &str,
        table: impl FnOnce(&[T], When) -> Table,
    ) -> Done {
        match self.format {
            Format::Json => self.io.json(&rows, true)?,
            Format::Jsonl => rows.iter().try_for_each(|row| self.io.json(row, false))?,
            Format::Table | Format::Csv | Format::Har if self.csv => self.csv_lines(&table(rows, self.when()))?,
            Format::Table | Format::Csv | Format::Har if rows.is_empty() => self.note(none),
            Format::Table | Format::Csv | Format::Har => {
                let width = self.io.out_is_tty.then_some(self.io.width);
                self.table_lines(&table(rows, self.when()), width)?;
            }
        }
        Ok(Exit::Ok)
    }

    /// All rows of a collection.
    pub(super) async fn all<T>(
        &self,
        mut fetch: impl AsyncFnMut(PageQuery) -> Result<Page<T>, ClientError>,
    ) -> Result<Vec<T>, CliError> {
        let mut rows = Vec::new();
        let mut query = PageQuery { limit: Some(PAGE_ROWS), cursor: None };
        loop {
            let page = fetch(query.clone()).await?;
            rows.extend(page.items);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    /// A table, no wider than `width` where one is given.
    pub(super) fn table_lines(&mut self, table: &Table, width: Option<usize>) -> Result<(), CliError> {
        for line in table.lines(width) {
            // A cell is safe already; a second time would disarm the escapes themselves.
            writeln!(self.io.out, "{line}")?;
        }
        Ok(())
    }

    fn csv_lines(&mut self, table: &Table) -> Result<(), CliError> {
        for row in table.cells() {
            writeln!(self.io.out, "{}", csv::safe_line(row.iter().map(String::as_str)))?;
        }
        Ok(())
    }

    /// Facts under each other, on standard error: standard output is for the one thing that a script wants.
    pub(super) fn notes(&mut self, list: &[(&str, String)]) {
        facts(list).iter().for_each(|line| self.note(line));
    }

    /// A line for the person at the terminal.
    pub(super) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.io.note(text);
        }
    }
}
