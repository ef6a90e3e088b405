//! Every rule that a workflow breaks, named at once. What only the daemon knows (the actions directory, the allowlist,
//! whether a service exists) is checked there.

mod address;

use std::collections::BTreeSet;
use std::fmt::Display;

use super::{HttpStep, IncidentStep, RunStep, Step, StepWork, Variable, WorkflowSpec, WorkflowTrigger, template};
use crate::filter::{FieldError, FilterSpec, PatternError, Trigger, compile_pattern};
use crate::limits::{
    POST_HEADERS_MAX, POST_SECS_MAX, RUN_ARGS_MAX, RUN_SECS_MAX, STEP_RETRIES_MAX, STEPS_MAX, VARIABLE_CHARS_MAX,
    VARIABLES_MAX,
};
use crate::name::Name;

pub use address::{UrlError, WebAddress};

/// Characters of a variable's name.
const VARIABLE_NAME_CHARS_MAX: usize = 64;
/// Characters of one argument of a program, and of a title.
const TEXT_CHARS_MAX: usize = 1_024;
/// Bytes of an incident's description, as for calls.
const DESCRIPTION_BYTES_MAX: usize = 4_096;
/// Bytes of an incident's key (domain.md §3).
const KEY_BYTES_MAX: usize = 255;
/// Bytes of a body that a step posts, before values are put in.
const BODY_BYTES_MAX: usize = 16 * 1_024;
/// Bytes of a compiled pattern that is held against a whole value.
const PATTERN_BYTES_MAX: usize = 2 * 1_024 * 1_024;

/// Headers that HTTP sets by itself, and those that would keep a credential where everybody who sees the workflow reads it.
const FORBIDDEN_HEADERS: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Collects the errors of one workflow.
struct Report<'a> {
    errors: Vec<FieldError>,
    /// The workflow's variables: what a template may name.
    variables: BTreeSet<&'a str>,
}

impl WorkflowSpec {
    /// Checks every rule of domain.md §7 that needs nothing but the workflow itself.
    ///
    /// # Errors
    /// Every field that breaks one, as `steps[0].run.program`, with what is allowed.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let variables = self.variables.iter().map(|variable| variable.name.as_str()).collect();
        let mut report = Report { errors: Vec::new(), variables };
        if let Err(error) = Name::new(&self.name) {
            report.add("name", error);
        }
        check_variables(&self.variables, &mut report);
        if let Some(trigger) = &self.trigger {
            check_trigger(trigger, &mut report);
        }
        check_steps(&self.steps, &mut report);
        if report.errors.is_empty() { Ok(()) } else { Err(report.errors) }
    }
}

impl WorkflowTrigger {
    /// The same as a filter, which is what the matcher knows; `name` is for its verdict.
    pub fn as_filter(&self, name: &str) -> FilterSpec {
        let (match_all, conditions, mode) = (self.match_all, self.conditions.clone(), self.mode);
        let trigger = Trigger { match_all, conditions, mode, ..Trigger::default() };
        FilterSpec { name: name.to_owned(), enabled: true, trigger, resolve: None }
    }
}

impl Report<'_> {
    fn add(&mut self, path: impl Into<String>, message: impl Display) {
        self.errors.push(FieldError { path: path.into(), message: message.to_string() });
    }

    fn within(&mut self, path: String, number: u32, bounds: std::ops::RangeInclusive<u32>) {
        if !bounds.contains(&number) {
            self.add(path, format_args!("{} to {}", bounds.start(), bounds.end()));
        }
    }

    /// Names in a template are variables of the workflow.
    fn template(&mut self, path: String, text: &str) {
        match template::names_in(text) {
            Err(error) => self.add(path, error),
            Ok(names) => {
                if let Some(name) = names.into_iter().find(|name| !self.variables.contains(name)) {
                    self.add(path, template::TemplateError::Unknown(name.to_owned()));
                }
            }
        }
    }
}

fn check_variables(variables: &[Variable], report: &mut Report<'_>) {
    if variables.len() > VARIABLES_MAX {
        report.add("variables", format_args!("at most {VARIABLES_MAX} variables"));
    }
    let mut seen = BTreeSet::new();
    for (place, variable) in variables.iter().enumerate() {
        let field = format!("variables[{place}]");
        check_variable_name(&field, &variable.name, report);
        if !seen.insert(variable.name.to_ascii_uppercase()) {
            report.add(format!("{field}.name"), "another variable has this name: case does not count");
        }
        check_variable_value(&field, variable, report);
    }
}

fn check_variable_name(field: &str, name: &str, report: &mut Report<'_>) {
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !letter || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        report.add(format!("{field}.name"), "a letter, then letters, digits and `_`");
    }
    if name.chars().count() > VARIABLE_NAME_CHARS_MAX {
        report.add(format!("{field}.name"), format_args!("at most {VARIABLE_NAME_CHARS_MAX} characters"));
    }
}

fn check_variable_value(field: &str, variable: &Variable, report: &mut Report<'_>) {
    if let Some(pattern) = &variable.pattern
        && let Err(error) = anchored(pattern)
    {
        return report.add(format!("{field}.pattern"), error);
    }
    if let Some(default) = &variable.default
        && let Err(message) = variable.accepts(default)
    {
        report.add(format!("{field}.default"), message);
    }
}

impl Variable {
    /// Whether `value` may be this variable's: its length, no NUL (an environment cannot hold one), its pattern.
    ///
    /// # Errors
    /// What is wrong, without the value.
    pub fn accepts(&self, value: &str) -> Result<(), String> {
        if value.chars().count() > VARIABLE_CHARS_MAX {
            return Err(format!("at most {VARIABLE_CHARS_MAX} characters"));
        }
        if value.contains('\0') {
            return Err("the character U+0000 cannot be handed to a program".to_owned());
        }
        let Some(pattern) = &self.pattern else { return Ok(()) };
        let whole = anchored(pattern).is_ok_and(|regex| regex.is_match(value));
        if whole { Ok(()) } else { Err(format!("does not match the pattern {pattern}")) }
    }
}

/// The pattern for the whole value, whatever alternatives it has.
fn anchored(pattern: &str) -> Result<regex::Regex, PatternError> {
    compile_pattern(pattern, false)?;
    let whole = regex::RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(PATTERN_BYTES_MAX).build();
    // Only a comment of `(?x)` can break it here: it takes the closing bracket along.
    whole.map_err(|_| {
        PatternError::Syntax("the pattern does not end where it seems to; take the comment away".to_owned())
    })
}

fn check_trigger(trigger: &WorkflowTrigger, report: &mut Report<'_>) {
    // The rules are those of filters, so the filter's own check speaks.
    if let Err(errors) = trigger.as_filter("trigger").validate() {
        report.errors.extend(errors);
    }
}

fn check_steps(steps: &[Step], report: &mut Report<'_>) {
    if steps.is_empty() {
        report.add("steps", "at least one step");
    }
    if steps.len() > STEPS_MAX {
        report.add("steps", format_args!("at most {STEPS_MAX} steps"));
    }
    for (place, step) in steps.iter().enumerate() {
        let field = format!("steps[{place}]");
        if let Err(error) = Name::new(&step.name) {
            report.add(format!("{field}.name"), error);
        }
        match step.work() {
            Some(StepWork::Run(run)) => check_run(&format!("{field}.run"), run, report),
            Some(StepWork::Http(http)) => check_http(&format!("{field}.http"), http, report),
            Some(StepWork::Incident(incident)) => check_incident(&format!("{field}.incident"), incident, report),
            None => report.add(field, "exactly one of run, http and incident"),
        }
    }
}

fn check_run(field: &str, run: &RunStep, report: &mut Report<'_>) {
    if run.program.is_empty() || run.program.contains('\0') {
        report.add(format!("{field}.program"), "the name of a file in the actions directory, or its absolute path");
    }
    if run.args.len() > RUN_ARGS_MAX {
        report.add(format!("{field}.args"), format_args!("at most {RUN_ARGS_MAX} arguments"));
    }
    for (place, arg) in run.args.iter().enumerate() {
        if arg.contains('\0') || arg.chars().count() > TEXT_CHARS_MAX {
            report
                .add(format!("{field}.args[{place}]"), format_args!("at most {TEXT_CHARS_MAX} characters, no U+0000"));
        } else if arg.contains("{{") {
            let message = "an argument is taken as it is; a program finds variables in TOLLGATE_VAR_<NAME>";
            report.add(format!("{field}.args[{place}]"), message);
        }
    }
    report.within(format!("{field}.timeout_secs"), run.timeout_secs, 1..=RUN_SECS_MAX);
    report.within(format!("{field}.retries"), run.retries, 0..=STEP_RETRIES_MAX);
}

fn check_http(field: &str, http: &HttpStep, report: &mut Report<'_>) {
    if let Err(error) = WebAddress::parse(&http.url) {
        report.add(format!("{field}.url"), error);
    }
    if http.headers.len() > POST_HEADERS_MAX {
        report.add(format!("{field}.headers"), format_args!("at most {POST_HEADERS_MAX} headers"));
    }
    for (name, value) in &http.headers {
        if let Some(message) = header_fault(name, value) {
            report.add(format!("{field}.headers.{name}"), message);
        }
    }
    if let Some(body) = &http.body {
        check_body(&format!("{field}.body"), body, report);
    }
    report.within(format!("{field}.timeout_secs"), http.timeout_secs, 1..=POST_SECS_MAX);
    report.within(format!("{field}.retries"), http.retries, 0..=STEP_RETRIES_MAX);
}

fn header_fault(name: &str, value: &str) -> Option<&'static str> {
    let token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if !token {
        Some("not the name of a header")
    } else if FORBIDDEN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        Some("this header is set by Tollgate, or would keep a credential in plain sight")
    } else if value.len() > TEXT_CHARS_MAX || !value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        Some("at most 1,024 visible ASCII characters")
    } else {
        None
    }
}

fn check_body(field: &str, body: &serde_json::Value, report: &mut Report<'_>) {
    if body.to_string().len() > BODY_BYTES_MAX {
        report.add(field, format_args!("at most {BODY_BYTES_MAX} bytes"));
    }
    let mut texts = Vec::new();
    template::texts_of(body, &mut texts);
    for text in texts {
        report.template(field.to_owned(), text);
    }
}

fn check_incident(field: &str, incident: &IncidentStep, report: &mut Report<'_>) {
    if incident.service.is_empty() {
        report.add(format!("{field}.service"), "a service, such as Ops/DB");
    }
    if incident.title.trim().is_empty() || incident.title.chars().count() > TEXT_CHARS_MAX {
        report.add(format!("{field}.title"), format_args!("1 to {TEXT_CHARS_MAX} characters"));
    }
    if incident.description.len() > DESCRIPTION_BYTES_MAX {
        report.add(format!("{field}.description"), format_args!("at most {DESCRIPTION_BYTES_MAX} bytes"));
    }
    report.template(format!("{field}.title"), &incident.title);
    report.template(format!("{field}.description"), &incident.description);
    if let Some(key) = &incident.key {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            report.add(format!("{field}.key"), format_args!("1 to {KEY_BYTES_MAX} bytes, or leave it out"));
        }
        report.template(format!("{field}.key"), key);
    }
}
