//! The lines of the pane: texts with data in them, not yet safe. The view makes them so.

mod log;

use tollgate_shared::api::{FilterView, TokenView};
use tollgate_shared::filter::Condition;

use super::incidents::event_words;
use super::model::{Model, Screen};
use super::services::Node;
use super::tokens::{self, PaneTab};
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
        Screen::Tokens => model.tokens.selected().map(|token| token_lines(model, token)).unwrap_or_default(),
        Screen::Log => log::lines(model),
        Screen::Incidents => incident_lines(model),
        Screen::Services => model.services.selected().map(node_lines).unwrap_or_default(),
        Screen::Status => super::status::lines(model),
    }
}

/// The facts of a token. On the tab of its calls only the first lines of it are shown, by the view.
fn token_lines(model: &Model, token: &TokenView) -> Vec<Line> {
    match model.tokens.tab {
        PaneTab::Calls => token_summary(model, token),
        PaneTab::Facts => token_facts(model, token),
    }
}

/// Two lines above the token's calls.
#[must_use]
pub fn token_summary(model: &Model, token: &TokenView) -> Vec<Line> {
    let ips = if token.allowed_ips.is_empty() { "any address".to_owned() } else { token.allowed_ips.join(" ") };
    let dedup = dedup_words(token.dedup_window_secs);
    let first = format!("by {} {} | {dedup} | {ips}", token.created_by, words::date(token.created_at));
    vec![Line::plain(first), Line::plain(hour_words(model, token))]
}

fn hour_words(model: &Model, token: &TokenView) -> String {
    let calls = tokens::calls_in_hour(token);
    let hits = token.usage.hour_hits;
    let refused = match &token.usage.last_refusal {
        Some(last) => format!(", last refused {} ago: {}", words::age(model.now.secs_since(last.at)), last.slug),
        None => String::new(),
    };
    let debug = match debug_left(token, model) {
        Some(left) => format!("debug ends in {left}"),
        None => "debug is off".to_owned(),
    };
    format!("last hour: {}, {hits} with an effect{refused} | {debug}", words::count(calls, "call"))
}

fn debug_left(token: &TokenView, model: &Model) -> Option<String> {
    let left = token.debug_until?.secs_since(model.now);
    (left > 0).then(|| words::countdown(left))
}

fn dedup_words(secs: u32) -> String {
    match secs {
        0 => "dedup off".to_owned(),
        secs => format!("dedup {}", words::age(secs.into())),
    }
}

fn token_facts(model: &Model, token: &TokenView) -> Vec<Line> {
    let mut lines = token_summary(model, token);
    let usage = &token.usage;
    let mut say = |name: &str, text: String| lines.push(Line::plain(format!("{name:12}{text}")));
    say("id", token.id.to_string());
    say("scope", format!("{} {}", token.scope.kind, token.scope.name));
    say("may", token.permissions.iter().map(|may| may.as_str()).collect::<Vec<_>>().join(" "));
    let ends = token.expires_at.map_or_else(|| "never".to_owned(), words::moment);
    say("ends", format!("{ends}  {}", tokens::state_words(token, model.now)));
    if let Some(last) = &usage.last_use {
        let agent = last.user_agent.as_deref().map(|agent| format!(" by {agent}")).unwrap_or_default();
        say("last used", format!("{} from {}{agent}: {}", words::moment(last.at), last.ip, last.outcome));
    } else {
        say("last used", "never".to_owned());
    }
    if let Some(last) = &usage.last_refusal {
        say("last refused", format!(" {} from {}: {}", words::moment(last.at), last.ip, last.slug));
    }
    let counts = usage.counts;
    let effects = format!("{} created, {} attached, {} resolved", counts.created, counts.attached, counts.resolved);
    say("calls", format!("{} in all: {effects}", words::group(counts.total())));
    let rest = format!("{} duplicate, {} no match, {} refused", counts.duplicate, counts.no_match, counts.rejected);
    say("", rest);
    say("changed", format!("{} by {}, version {}", words::moment(token.updated_at), token.updated_by, token.version));
    say("rotated", words::count(token.rotations.into(), "time"));
    if !token.description.is_empty() {
        say("description", token.description.clone());
    }
    lines
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
    match story {
        None => lines.push(Line::plain("its story is being fetched".to_owned())),
        Some(story) => {
            let name = |token| model.tokens.name_of(token);
            lines.extend(story.timeline.iter().map(|entry| Line::plain(event_words(entry, name))));
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

fn node_lines(node: &Node) -> Vec<Line> {
    match node {
        Node::Team(team) => vec![
            Line::new(Kind::Strong, format!("team {}", team.name)),
            Line::plain(words::count(team.services.into(), "service")),
            Line::plain(format!("since {}   id {}", words::date(team.created_at), team.id)),
        ],
        Node::Service(service) => vec![
            Line::new(Kind::Strong, format!("service {}/{}", service.team.name, service.name)),
            Line::plain(if service.enabled {
                "enabled".to_owned()
            } else {
                "DISABLED: its filters are not tested".to_owned()
            }),
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
