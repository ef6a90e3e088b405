//! `tollgate token create --from FILE`: all tokens of a CSV file, or none.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tollgate_shared::api::{NewToken, TokenCreated, TokenView};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::RateLimit;

use super::{dedup_secs, scope_words};
use crate::cli::args::{Rate, TokenCreate};
use crate::cli::context::{Context, Done};
use crate::cli::csv::{self, Record};
use crate::cli::exit::{CliError, Exit};
use crate::cli::secret::NewFile;
use crate::cli::verdict::count;
use crate::cli::{call_file, csv::CsvError};
use crate::client::{ClientError, TokenQuery};

/// What a file's first line may name. Lists are separated by spaces or semicolons.
const FIELDS: &str = "name, scope, description, expires, dedup, allowed_ips, debug, personal, permissions, preset, \
                      sealed, not_before, ip_report_only, dedup_ignore, dedup_strict, rate_limit, query_token";

/// A file's tokens, each with its line.
#[derive(Default)]
struct Rows {
    lines: Vec<usize>,
    tokens: Vec<NewToken>,
    /// `line 117: scope: ...`, by line.
    errors: Vec<(usize, String)>,
}

/// What was done, as JSON says it.
#[derive(Serialize)]
struct Created<'a> {
    dry_run: bool,
    created: Vec<&'a TokenView>,
    /// Those whose name was taken in their scope.
    left_out: usize,
    files: Vec<&'a Path>,
}

pub(super) async fn create(cx: &mut Context<'_>, file: &Path, args: TokenCreate) -> Done {
    let text = call_file::read_text(cx.io, file)?;
    let mut rows = read(&text).map_err(|error| no_table(file, &error))?;
    let left_out = if args.if_absent { leave_out_present(cx, &mut rows).await? } else { 0 };
    // Asked first also where rows are wrong already: all that is wrong is said at once.
    try_first(cx, &mut rows).await?;
    if !rows.errors.is_empty() {
        return Err(all_wrong(file, rows));
    }
    if args.dry_run || rows.tokens.is_empty() {
        let would = if args.dry_run { "would be created" } else { "created" };
        let words = format!("{} {would}, {left_out} left out", count(rows.tokens.len() as u64, "token"));
        let done = Created { dry_run: args.dry_run, created: Vec::new(), left_out, files: Vec::new() };
        return cx.changed(&done, |_| words);
    }
    let Some(secrets_to) = args.secrets_to else {
        let next = "add:  --secrets-to FILE, or --dry-run";
        return Err(CliError::usage("the secrets of many tokens need a file to go to", next));
    };
    let files = prepare(&secrets_to, args.split_by.is_some(), &rows)?;
    let created = match cx.client.create_tokens(&rows.tokens, false).await {
        Ok(created) => created.items,
        Err(error) => {
            files.into_iter().for_each(|(_, file)| file.abandon());
            return Err(error.into());
        }
    };
    deliver(cx, &rows, files, &created, left_out)
}

/// Writes and syncs the secrets, and only then says that it is done.
fn deliver(
    cx: &mut Context<'_>,
    rows: &Rows,
    files: BTreeMap<String, NewFile>,
    created: &[TokenCreated],
    left_out: usize,
) -> Done {
    let is_split = files.len() > 1 || !files.contains_key("");
    let mut paths = Vec::new();
    for (scope, file) in files {
        let of_scope = rows.tokens.iter().zip(created).filter(|(new, _)| !is_split || new.scope == scope);
        let lines: Vec<zeroize::Zeroizing<String>> = of_scope.map(|(_, created)| secret_line(created)).collect();
        let path = file.path().to_path_buf();
        file.write(std::iter::once("name,scope,id,secret").chain(lines.iter().map(|line| line.as_str())))
            .map_err(|error| lost(&path, created.len(), &error))?;
        paths.push(path);
    }
    let done = Created {
        dry_run: false,
        created: created.iter().map(|created| &created.token).collect(),
        left_out,
        files: paths.iter().map(PathBuf::as_path).collect(),
    };
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let tokens = count(created.len() as u64, "token");
    cx.changed(&done, |_| format!("{tokens} created, {left_out} left out; secrets in {} (mode 0600)", names.join(", ")))
}

fn secret_line(created: &TokenCreated) -> zeroize::Zeroizing<String> {
    let token = &created.token;
    let scope = scope_words(&token.scope);
    zeroize::Zeroizing::new(csv::line([token.name.as_str(), &scope, created.id.as_str(), &created.secret]))
}

fn lost(path: &Path, created: usize, error: &std::io::Error) -> CliError {
    let what =
        format!("{} exist now, but {} could not be written: {error}", count(created as u64, "token"), path.display());
    CliError::failure(what, "secrets that are in no file are lost; give those tokens new ones:  tollgate token rotate")
}

/// The files, made before any token is: one, or one for each scope.
fn prepare(path: &Path, is_split: bool, rows: &Rows) -> Result<BTreeMap<String, NewFile>, CliError> {
    let mut files: BTreeMap<String, NewFile> = BTreeMap::new();
    let scopes = rows.tokens.iter().map(|token| if is_split { token.scope.as_str() } else { "" });
    for scope in scopes {
        if files.contains_key(scope) {
            continue;
        }
        match NewFile::create(&part_of(path, scope)) {
            Ok(file) => drop(files.insert(scope.to_owned(), file)),
            Err(error) => {
                files.into_values().for_each(NewFile::abandon);
                return Err(error);
            }
        }
    }
    Ok(files)
}

/// `new.csv` of the scope `team:Ops` is `new.team_Ops.csv`.
fn part_of(path: &Path, scope: &str) -> PathBuf {
    if scope.is_empty() {
        return path.to_path_buf();
    }
    let plain: String = scope.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned());
    path.with_extension(format!("{plain}.{}", extension.unwrap_or_else(|| "csv".to_owned())))
}

fn no_table(file: &Path, error: &CsvError) -> CliError {
    CliError::input(
        format!("{}: {error}", file.display()),
        "write comma-separated values with a line of field names first",
    )
}

fn all_wrong(file: &Path, mut rows: Rows) -> CliError {
    rows.errors.sort();
    let wrong: HashSet<usize> = rows.errors.iter().map(|(line, _)| *line).collect();
    let what = format!("{}: {} wrong, nothing was created", file.display(), count(wrong.len() as u64, "line"));
    CliError::Said {
        exit: Exit::BadInput,
        what,
        next: rows.errors.into_iter().map(|(line, error)| format!("line {line}: {error}")).collect(),
    }
}

/// Leaves out the tokens whose name is taken in their scope, so that a run can be repeated.
async fn leave_out_present(cx: &Context<'_>, rows: &mut Rows) -> Result<usize, CliError> {
    let query = TokenQuery::default();
    let living = cx.all(async |page| cx.client.tokens(&TokenQuery { page, ..query.clone() }).await).await?;
    let mut present = HashSet::new();
    for token in &living {
        let name = token.name.to_lowercase();
        present.insert((scope_words(&token.scope).to_lowercase(), name.clone()));
        present.extend(token.scope.id.as_ref().map(|id| (format!("{}:{id}", token.scope.kind), name)));
    }
    let before = rows.tokens.len();
    let pairs = std::mem::take(&mut rows.lines).into_iter().zip(std::mem::take(&mut rows.tokens));
    let absent = pairs.filter(|(_, new)| !present.contains(&(new.scope.to_lowercase(), new.name.to_lowercase())));
    (rows.lines, rows.tokens) = absent.unzip();
    Ok(before - rows.tokens.len())
}

/// The dry run. Its refusal names every wrong field as `tokens[17].scope`.
async fn try_first(cx: &Context<'_>, rows: &mut Rows) -> Result<(), CliError> {
    if rows.tokens.is_empty() {
        return Ok(());
    }
    match cx.client.create_tokens(&rows.tokens, true).await {
        Ok(_) => Ok(()),
        Err(ClientError::Problem(problem)) if problem.slug() == Ok(Slug::Validation) && !problem.errors.is_empty() => {
            take_errors(rows, &problem);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn take_errors(rows: &mut Rows, problem: &Problem) {
    for error in &problem.errors {
        let place = error.path.strip_prefix("tokens[").and_then(|rest| rest.split_once(']'));
        let place = place.and_then(|(index, field)| Some((*rows.lines.get(index.parse::<usize>().ok()?)?, field)));
        let (line, field) = place.unwrap_or((1, &error.path));
        rows.errors.push((line, format!("{}: {}", field.trim_start_matches('.'), error.message)));
    }
}

fn read(text: &str) -> Result<Rows, CsvError> {
    let mut records = csv::read(text)?.into_iter();
    let head = records.next().ok_or(CsvError { line: 1, what: "the file is empty" })?;
    let names: Vec<String> = head.fields.iter().map(|name| name.trim().to_lowercase()).collect();
    let mut rows = Rows::default();
    for name in &names {
        if set(&mut NewToken::default(), name, "").is_err() {
            rows.errors.push((head.line, format!("`{name}` is no field; one of: {FIELDS}")));
        }
    }
    for name in ["name", "scope"] {
        match names.iter().filter(|known| *known == name).count() {
            1 => {}
            0 => rows.errors.push((head.line, format!("{name}: the field is missing"))),
            _ => rows.errors.push((head.line, format!("{name}: the field is there twice"))),
        }
    }
    if rows.errors.is_empty() {
        records.for_each(|record| row(&mut rows, &names, &record));
    }
    Ok(rows)
}

fn row(rows: &mut Rows, names: &[String], record: &Record) {
    let (have, want) = (record.fields.len(), names.len());
    if have != want {
        let wrong = format!("{} instead of {want}", count(have as u64, "field"));
        rows.errors.push((record.line, wrong));
        return;
    }
    let mut token = NewToken::default();
    let before = rows.errors.len();
    for (name, value) in names.iter().zip(&record.fields) {
        if let Err(why) = set(&mut token, name, value.trim()) {
            rows.errors.push((record.line, format!("{name}: {why}")));
        }
    }
    if rows.errors.len() == before {
        rows.lines.push(record.line);
        rows.tokens.push(token);
    }
}

/// Sets a field; an empty value is as if the field were not there.
fn set(token: &mut NewToken, field: &str, value: &str) -> Result<(), String> {
    let text = || (!value.is_empty()).then(|| value.to_owned());
    match field {
        "name" => token.name = value.to_owned(),
        "scope" => token.scope = value.to_owned(),
        "description" => token.description = value.to_owned(),
        "expires" => token.expires = text(),
        "dedup" | "dedup_window" => token.dedup_window_secs = dedup(value)?,
        "allowed_ips" => token.allowed_ips = list(value),
        "debug" => token.debug = yes(value)?.unwrap_or(false),
        "personal" => token.personal = yes(value)?.unwrap_or(false),
        "permissions" => token.permissions = list(value),
        "preset" => token.preset = text(),
        "sealed" => token.sealed = yes(value)?.unwrap_or(false),
        "not_before" => token.not_before = text(),
        "ip_report_only" => token.ip_report_only = yes(value)?.unwrap_or(false),
        "dedup_ignore" => token.dedup_ignore = list(value),
        "dedup_strict" => token.dedup_strict = yes(value)?.unwrap_or(false),
        "rate_limit" => token.rate_limit = text().map(|text| text.parse::<Rate>().map(RateLimit::from)).transpose()?,
        "query_token" => token.query_token = yes(value)?,
        _ => return Err("no such field".to_owned()),
    }
    Ok(())
}

fn dedup(value: &str) -> Result<Option<u32>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let window = humantime::parse_duration(value).map_err(|_| "write a duration as 0s, 10m or 24h".to_owned())?;
    dedup_secs(window).map(Some).map_err(|_| "the window is too long, at most 24h".to_owned())
}

fn list(value: &str) -> Vec<String> {
    value.split([' ', ';']).filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

fn yes(value: &str) -> Result<Option<bool>, String> {
    match value.to_lowercase().as_str() {
        "" => Ok(None),
        "true" | "yes" | "1" => Ok(Some(true)),
        "false" | "no" | "0" => Ok(Some(false)),
        _ => Err("write true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_fields_and_lists_have_spaces_or_semicolons() {
        let rows =
            read("Scope,name,allowed_ips,dedup,rate_limit,query_token\nteam:Ops,a,10.0.0.1; ::1,1m,600/min,no\n");
        let rows = rows.unwrap();
        assert!(rows.errors.is_empty(), "{:?}", rows.errors);
        let token = &rows.tokens[0];
        assert_eq!((token.name.as_str(), token.scope.as_str()), ("a", "team:Ops"));
        assert_eq!(
            (token.allowed_ips.as_slice(), token.dedup_window_secs),
            (&["10.0.0.1".into(), "::1".into()][..], Some(60))
        );
        assert_eq!((token.rate_limit.map(|rate| rate.burst), token.query_token), (Some(600), Some(false)));
    }

    #[test]
    fn every_wrong_row_is_named_with_its_line() {
        let rows = read("name,scope,debug,dedup\na,global,maybe,soon\nb,global\nc,global,yes,\n").unwrap();
        let errors: Vec<String> = rows.errors.iter().map(|(line, error)| format!("{line} {error}")).collect();
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors[0].starts_with("2 debug: ") && errors[1].starts_with("2 dedup: "), "{errors:?}");
        assert_eq!((errors[2].as_str(), rows.lines.as_slice()), ("3 2 fields instead of 4", &[4][..]));
        assert!(read("name,scop\n").unwrap().errors[0].1.contains("allowed_ips"), "the known fields are named");
    }

    #[test]
    fn the_daemons_errors_get_the_lines_of_the_file() {
        let mut rows = read("name,scope\na,global\n\nb,team:Opz\n").unwrap();
        let problem = Problem::new(Slug::Validation, "").with_error("tokens[1].scope", "no team fits `Opz`");
        take_errors(&mut rows, &problem);
        assert_eq!(rows.errors, [(4, "scope: no team fits `Opz`".to_owned())]);
    }

    #[test]
    fn a_file_for_each_scope_keeps_the_ending() {
        assert_eq!(part_of(Path::new("/x/new.csv"), "service:Ops/DB"), Path::new("/x/new.service_Ops_DB.csv"));
        assert_eq!(part_of(Path::new("new"), "global"), Path::new("new.global.csv"));
        assert_eq!(part_of(Path::new("new.csv"), ""), Path::new("new.csv"));
    }
}
