//! The lines of the pane: texts with data in them, not yet safe. The view makes them so.

mod log;
pub mod token;

use tollgate_shared::api::{FilterView, MaintenanceView};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::filter::Condition;

use super::incidents::event_words;
use super::model::{Model, Screen};
use super::services::Node;
use super::words;

/// A line of the pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: Kind,
    pub text: String,
}

/// How a line is shown; the words say it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Strong,
    /// What is worth a look.
    Worth,
    /// What failed.
    Bad,
    /// A line of a sender's body: tabs are tabs.
    Body,
    /// The line of the pane that the keys act on.
    Marked,
}

impl Line {
    #[must_use]
    pub fn new(kind: Kind, text: String) -> Self {
        Self { kind, text }
    }

    #[must_use]
    pub fn plain(text: String) -> Self {
        Self::new(Kind::Plain, text)
    }
}

pub use log::body_lines;

/// What the pane of the screen shows.
#[must_use]
pub fn lines(model: &Model) -> Vec<Line> {
    match model.screen {
        Screen::Tokens => model.tokens.selected().map(|marked| token::lines(model, marked)).unwrap_or_default(),
        Screen::Log => log::lines(model),
        Screen::Incidents => incident_lines(model),
        Screen::Services => model.services.selected().map(|node| node_lines(model, node)).unwrap_or_default(),
        Screen::Requests => super::requests::lines(&model.requests, model.now),
        Screen::Operators => {
            model.operators.selected().map(|operator| super::operators::lines(operator, model.now)).unwrap_or_default()
        }
        Screen::Audit => model.audit.selected().map(audit_lines).unwrap_or_default(),
        Screen::Status => super::status::lines(model),
    }
}

fn audit_lines(row: &AuditRow) -> Vec<Line> {
    let fact = |name: &str, text: String| Line::plain(format!("{name:12}{text}"));
    let or_none = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let login = row.login_uid.map(|uid| format!(", logged in as uid {uid}")).unwrap_or_default();
    let uid = or_none(row.uid.map(|uid| uid.to_string()));
    let pid = or_none(row.pid.map(|pid| pid.to_string()));
    vec![
        Line::new(Kind::Strong, format!("{} by {}", row.action, row.actor)),
        fact("on", row.target.clone()),
        fact("what", if row.detail.is_empty() { "the action says it all".to_owned() } else { row.detail.clone() }),
        fact("when", row.at.to_string()),
        fact("who", format!("uid {uid}{login}, pid {pid}, by {}", row.origin)),
        fact("request", or_none(row.request_id.clone())),
        fact("hash", row.hash.clone()),
        fact("follows", row.previous.clone()),
    ]
}

fn incident_lines(model: &Model) -> Vec<Line> {
    let Some(row) = model.incidents.selected() else { return Vec::new() };
    let story = model.incidents.story.as_ref().filter(|story| story.head.id == row.head.id);
    let head = &row.head;
    let mut lines = vec![
        Line::new(Kind::Strong, head.title.clone()),
        Line::plain(format!(
            "{} {} | {} | filter {} | token {}",
            head.priority, head.state, row.service.name, row.filter.name, row.token.name
        )),
        Line::plain(format!(
            "{}, {}",
            words::count(head.occurrences, "call"),
            words::count(head.duplicates, "duplicate")
        )),
    ];
    lines.extend(head.key.iter().map(|key| Line::plain(format!("key {key}"))));
    lines.extend(model.maintenance_of(&row.service.id).map(|one| Line::new(Kind::Bad, maintenance_words(one))));
    let planned = model.maintenances.iter().find(|one| one.service.id == row.service.id && one.from > model.now);
    lines.extend(planned.map(|one| Line::plain(format!("a maintenance begins {}", words::moment(one.from)))));
    match story {
        None => lines.push(Line::plain("its story is being fetched".to_owned())),
        Some(story) => {
            let name = |token| model.tokens.name_of(token);
            let moment = |at| model.times.moment(at, model.now);
            lines.extend(story.timeline.iter().map(|entry| Line::plain(event_words(entry, name, moment))));
            lines.extend(
                story
                    .description
                    .split('\n')
                    .filter(|_| !story.description.is_empty())
                    .map(|line| Line::new(Kind::Body, line.to_owned())),
            );
        }
    }
    lines
}

/// What a maintenance keeps from happening, until when, and why.
fn maintenance_words(one: &MaintenanceView) -> String {
    let until = one.until.map_or_else(|| "it is ended".to_owned(), words::moment);
    let calls = match one.tags.as_slice() {
        [] => "its calls open nothing".to_owned(),
        tags => format!("calls that hold {} open nothing", tags.join(" and ")),
    };
    let why = if one.comment.is_empty() { String::new() } else { format!(": {}", one.comment) };
    format!("MAINTENANCE until {until}, {calls}; by {}{why}", one.created_by)
}

fn node_lines(model: &Model, node: &Node) -> Vec<Line> {
    match node {
        Node::Team(team) => vec![
            Line::new(Kind::Strong, format!("team {}", team.name)),
            Line::plain(words::count(team.services.into(), "service")),
            Line::plain(format!("since {}   id {}", words::date(team.created_at), team.id)),
        ],
        Node::Service(service) => vec![
            Line::new(Kind::Strong, format!("service {}/{}", service.team.name, service.name)),
            match model.maintenance_words(service) {
                _ if !service.enabled => Line::plain("DISABLED: its filters are not tested".to_owned()),
                Some(words) => Line::new(Kind::Bad, format!("{words}: nothing is opened here")),
                None => Line::plain("enabled".to_owned()),
            },
            Line::plain(format!(
                "{}, {}",
                words::count(service.filters.into(), "filter"),
                words::count(service.open_incidents.into(), "open incident")
            )),
            Line::plain(format!("since {}   id {}", words::date(service.created_at), service.id)),
        ],
        Node::Filter(filter) => filter_lines(filter),
    }
}

fn filter_lines(filter: &FilterView) -> Vec<Line> {
    let spec = &filter.spec;
    let state = if spec.enabled { "" } else { "  DISABLED" };
    let mut lines = vec![Line::new(Kind::Strong, format!("filter {} > {}{state}", filter.service.name, spec.name))];
    let trigger = &spec.trigger;
    lines.push(Line::plain(format!(
        "opens an incident of {} when {}",
        trigger.priority,
        when(trigger.match_all, trigger.mode)
    )));
    lines.extend(trigger.conditions.iter().map(condition_line));
    if let Some(resolve) = &spec.resolve {
        lines.push(Line::plain(format!("resolves it when {}", when(false, resolve.mode))));
        lines.extend(resolve.conditions.iter().map(condition_line));
    }
    if trigger.correlate.is_empty() {
        lines.push(Line::plain("no key: each call opens a new incident".to_owned()));
    } else {
        lines.push(Line::plain(format!("key from {}", trigger.correlate.join(", "))));
    }
    lines.extend(filter.lints.iter().map(|lint| Line::new(Kind::Bad, format!("! {lint}"))));
    lines
}

fn when(match_all: bool, mode: tollgate_shared::filter::Mode) -> &'static str {
    match mode {
        _ if match_all => "any call comes",
        tollgate_shared::filter::Mode::All => "all of these are true:",
        tollgate_shared::filter::Mode::Any => "one of these is true:",
    }
}

fn condition_line(condition: &Condition) -> Line {
    let not = if condition.negate { "not " } else { "" };
    let values: Vec<_> = condition.values.iter().map(|value| format!("\"{value}\"")).collect();
    Line::plain(format!("  {}  {not}{} {}", condition.path, condition.op, values.join(" or ")))
}
