//! `tollgate scan`: secrets in files, and which of them live. A value that was found is never written anywhere.

mod find;
mod walk;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tollgate_shared::api::{Identified, IdentifyToken};
use tollgate_shared::token::TokenState;
use zeroize::Zeroizing;

use super::args::{Format, Global, ScanArgs};
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::io::Io;
use super::table::{Table, numbers, words};
use super::verdict::count;
use super::when::When;
use crate::client::{Client, ClientError};

/// Values in one question to the daemon.
const VALUES_AT_ONCE: usize = 200;

/// No daemon said anything of a value.
const NOT_ASKED: &str = "not_asked";

/// A secret in a file: its first line there, and how often. Never its value.
#[derive(Debug, Serialize)]
struct Hit {
    file: PathBuf,
    line: u64,
    times: u64,
    /// The public id that the value names.
    id: String,
    /// Absent where nobody knows it.
    name: Option<String>,
    /// `current`, `old`, `rotated`, `revoked`, `unknown`; `not_asked` where no daemon could be asked.
    what: String,
    state: Option<TokenState>,
    #[serde(skip)]
    value: usize,
}

/// A value that was found, for looking it up again; overwritten when dropped.
#[derive(PartialEq, Eq)]
struct Value(Zeroizing<String>);

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What was found.
#[derive(Default)]
pub(super) struct Finds {
    /// Each value once, and its number.
    values: BTreeMap<Value, usize>,
    hits: Vec<Hit>,
    failed: Vec<String>,
    files: usize,
    bytes: u64,
}

/// Looks through the files. A daemon is asked afterwards, and only where something was found.
pub(super) fn search(io: &mut Io, args: &ScanArgs, quiet: bool) -> Finds {
    let (files, failed) = walk::files(&args.paths);
    let all: u64 = files.iter().map(|file| file.bytes).sum();
    let shows = io.err_is_tty && !quiet;
    let mut finds = Finds { failed, files: files.len(), ..Finds::default() };
    let mut percent = None;
    for file in &files {
        if let Err(error) = look(&mut finds, &file.path) {
            finds.failed.push(format!("{} cannot be read to its end: {error}", file.path.display()));
        }
        let now = finds.bytes.saturating_mul(100).checked_div(all);
        if shows && now != percent {
            percent = now;
            bar(io, now.unwrap_or(100).min(100));
        }
    }
    if shows {
        // A bar that cannot be cleared is no reason to fail.
        write!(io.err, "\r\x1b[K").ok();
    }
    finds
}

fn bar(io: &mut Io, percent: u64) {
    let full = usize::try_from(percent / 5).unwrap_or(20);
    // Nobody misses a bar that cannot be drawn.
    write!(io.err, "\rscanning [{}{}] {percent:>3} %", "#".repeat(full), ".".repeat(20 - full)).ok();
    io.err.flush().ok();
}

fn look(finds: &mut Finds, path: &Path) -> std::io::Result<()> {
    let file = walk::open(path)?;
    // Where the hits of this file begin.
    let first = finds.hits.len();
    let Finds { values, hits, .. } = finds;
    let read = find::secrets_in(file, |secret, line| {
        let next = values.len();
        let value = *values.entry(Value(Zeroizing::new(secret.expose().to_owned()))).or_insert(next);
        match hits[first..].iter_mut().find(|hit| hit.value == value) {
            Some(hit) => hit.times += 1,
            None => hits.push(Hit {
                file: path.to_path_buf(),
                line,
                times: 1,
                id: secret.token_id().to_owned(),
                name: None,
                what: NOT_ASKED.to_owned(),
                state: None,
                value,
            }),
        }
    });
    finds.bytes += read?;
    Ok(())
}

/// Asks which of the values live, and says it all.
pub(super) async fn report(cx: &mut Context<'_>, mut finds: Finds) -> Done {
    ask(cx.client, &mut finds).await?;
    say(cx.io, &finds, cx.quiet);
    cx.rows(&finds.hits, "no tokens found", table)?;
    Ok(exit(&finds))
}

/// The same where no daemon answers: every value may live.
pub(super) fn report_offline(io: &mut Io, finds: &Finds, global: &Global, error: &CliError) -> Done {
    if !finds.hits.is_empty() {
        let why = error.lines().into_iter().next().unwrap_or_default();
        io.note(&format!("{why}, so whether these tokens live is not known"));
    }
    say(io, finds, global.quiet);
    match global.output {
        Format::Json => io.json(&finds.hits, true)?,
        Format::Jsonl => finds.hits.iter().try_for_each(|hit| io.json(hit, false))?,
        Format::Table | Format::Csv | Format::Har => finds
            .hits
            .iter()
            .try_for_each(|hit| io.line(&format!("{}:{}  {}  unknown", hit.file.display(), hit.line, hit.id)))?,
    }
    Ok(exit(finds))
}

async fn ask(client: &Client, finds: &mut Finds) -> Result<(), ClientError> {
    let mut known: Vec<Option<Identified>> = Vec::new();
    known.resize_with(finds.values.len(), || None);
    let values: Vec<(&Value, &usize)> = finds.values.iter().collect();
    for some in values.chunks(VALUES_AT_ONCE) {
        let lines: Vec<&str> = some.iter().map(|(value, _)| value.0.as_str()).collect();
        let answers = client.identify(&IdentifyToken { value: lines.join("\n") }).await?.items;
        for ((_, number), answer) in some.iter().zip(answers) {
            known[**number] = Some(answer);
        }
    }
    for hit in &mut finds.hits {
        if let Some(known) = &known[hit.value] {
            hit.what.clone_from(&known.what);
            hit.name = known.token.as_ref().map(|token| token.name.clone());
            hit.state = known.token.as_ref().map(|token| token.state);
        }
    }
    Ok(())
}

fn say(io: &mut Io, finds: &Finds, quiet: bool) {
    finds.failed.iter().for_each(|failed| io.note(failed));
    if !quiet {
        let hits = count(finds.hits.len() as u64, "place");
        io.note(&format!("{} bytes in {} read; tokens in {hits}", finds.bytes, count(finds.files as u64, "file")));
    }
}

/// What may live counts as living; a file that was not read proves nothing.
fn exit(finds: &Finds) -> Exit {
    match finds.hits.iter().any(may_live) {
        true => Exit::Attention,
        false if !finds.failed.is_empty() => Exit::Failure,
        false => Exit::Ok,
    }
}

fn may_live(hit: &Hit) -> bool {
    match hit.what.as_str() {
        "current" | "old" => !matches!(hit.state, Some(TokenState::Revoked | TokenState::Expired)),
        NOT_ASKED => true,
        _ => false,
    }
}

fn table(rows: &[Hit], _: When) -> Table {
    let columns = [words("WHERE"), words("ID"), words("NAME"), words("STATE"), words("VALUE"), numbers("TIMES")];
    let mut table = Table::new(columns);
    for hit in rows {
        table.row([
            format!("{}:{}", hit.file.display(), hit.line),
            hit.id.clone(),
            hit.name.clone().unwrap_or_default(),
            hit.state.map_or_else(|| "unknown".to_owned(), |state| state.to_string()),
            hit.what.clone(),
            hit.times.to_string(),
        ]);
    }
    table
}
