//! `tollgate redaction`.

use std::path::Path;

use tollgate_shared::api::{NewRedactionRule, RedactionRuleView, RedactionTried, Sample, TryRedaction};

use super::args::{Format, RedactionAdd, RedactionTry, RedactionVerb, RuleArgs, SampleArgs};
use super::call_file;
use super::context::{Context, Done};
use super::exit::{CliError, Exit};
use super::table::{Table, words};
use super::token::quoted;
use super::when::When;

/// What a rule that is only tried is called.
const TRIED: &str = "the rule given here";

pub(super) async fn run(cx: &mut Context<'_>, verb: RedactionVerb) -> Done {
    let client = cx.client;
    match verb {
        RedactionVerb::List => {
            let none = "no rules beside the built-in ones";
            cx.list(none, table, async |page| client.redaction_rules(&page).await).await
        }
        RedactionVerb::Add(args) => add(cx, args).await,
        RedactionVerb::Remove { name } => remove(cx, &name).await,
        RedactionVerb::Try(args) => try_rules(cx, args).await,
    }
}

async fn add(cx: &mut Context<'_>, args: RedactionAdd) -> Done {
    let RedactionAdd { name, rule, sample, untried: _, of } = args;
    let mut rule = rule_of(name, rule).ok_or_else(|| {
        CliError::usage("a rule needs --path or --pattern", "tollgate redaction add NAME --path PATH --sample FILE")
    })?;
    if let Some(file) = sample {
        let sample = read_sample(cx, &file, of)?;
        let tried = TryRedaction { rules: vec![rule.clone()], sample: sample.clone() };
        let tried = cx.client.try_redaction(&tried).await?;
        if cx.format == Format::Table {
            cx.note("of the sample the log would keep:");
            kept_lines(&tried).iter().for_each(|line| cx.note(line));
        }
        rule.sample = Some(sample);
    }
    let saved = cx.client.add_redaction(&rule).await?;
    cx.changed(&saved, |saved| format!("redaction rule {} saved; it holds for calls from now on", saved.name))
}

async fn remove(cx: &mut Context<'_>, name: &str) -> Done {
    let line = format!("{} redaction remove {} --yes", cx.tollgate(), quoted(name));
    cx.confirm_yes(&format!("from now on the log keeps what {name} cuts; remove it?"), &line)?;
    cx.client.remove_redaction(name).await?;
    if cx.format == Format::Table {
        cx.note(&format!("redaction rule {name} removed"));
    }
    Ok(Exit::Ok)
}

async fn try_rules(cx: &mut Context<'_>, args: RedactionTry) -> Done {
    let RedactionTry { file, rule, of } = args;
    let sample = read_sample(cx, &file, of)?;
    let rules = rule_of(TRIED.to_owned(), rule).into_iter().collect::<Vec<_>>();
    let is_one_tried = !rules.is_empty();
    let tried = cx.client.try_redaction(&TryRedaction { rules, sample }).await?;
    cx.object(&tried, |tried| kept_lines(tried).into_iter().chain(rule_lines(tried)).collect())?;
    let cuts = match tried.rules.last() {
        Some(last) if is_one_tried => last.cuts,
        _ => tried.changed,
    };
    Ok(if cuts { Exit::Ok } else { Exit::Attention })
}

fn rule_of(name: String, args: RuleArgs) -> Option<NewRedactionRule> {
    let RuleArgs { path, pattern, ignore_case } = args;
    let is_there = path.is_some() || pattern.is_some();
    is_there.then_some(NewRedactionRule { name, path, pattern, ignore_case, sample: None })
}

fn read_sample(cx: &mut Context<'_>, file: &Path, args: SampleArgs) -> Result<Sample, CliError> {
    let text = call_file::read_text(cx.io, file)?;
    let mut content = if args.call { call_file::parse(&text)? } else { call_file::Content::of_body(text) };
    for header in &args.headers {
        content.add_header(header)?;
    }
    if let Some(query) = args.query {
        content.query = query.trim_start_matches('?').to_owned();
    }
    let call_file::Content { headers, query, body } = content;
    Ok(Sample { headers, query, body })
}

fn kept_lines(tried: &RedactionTried) -> Vec<String> {
    let headers = tried.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let query = Some(&tried.query).filter(|query| !query.is_empty()).map(|query| format!("?{query}"));
    query.into_iter().chain(headers).chain(tried.body.lines().map(str::to_owned)).collect()
}

fn rule_lines(tried: &RedactionTried) -> impl Iterator<Item = String> + '_ {
    let nothing = (!tried.changed).then(|| "NOTHING CUT".to_owned());
    let each = tried.rules.iter().map(|rule| {
        let does = if rule.cuts { "cuts something here" } else { "cuts nothing here" };
        format!("{}: {does}", rule.name)
    });
    nothing.into_iter().chain(each)
}

fn table(rules: &[RedactionRuleView], when: When) -> Table {
    let mut table = Table::new([words("NAME"), words("CUTS"), words("SINCE"), words("BY")]);
    for rule in rules {
        let what = match (&rule.path, &rule.pattern) {
            (Some(path), _) => format!("path {path}"),
            (None, Some(pattern)) if rule.ignore_case => format!("pattern {pattern} (case ignored)"),
            (None, pattern) => format!("pattern {}", pattern.as_deref().unwrap_or_default()),
        };
        table.row([rule.name.clone(), what, when.of(rule.created_at), rule.created_by.clone()]);
    }
    table
}
