//! The hosts tab of a token's pane: a table with a mark, an order and a search of its own. It acts while the pane has the
//! keys.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use tollgate_shared::api::{SourceView, TokenView};
use tollgate_shared::time::Timestamp;

use super::cursor::Cursor;
use super::detail::{Kind, Line};
use super::model::{Model, Screen};
use super::order::{Choices, Order};
use super::tokens::PaneTab;
use super::words::{self, age, group};

/// Lines above the first host.
const HEAD_LINES: usize = 1;
/// A narrower screen has no room for when a host came first; its details say it.
const WIDE_COLUMNS: u16 = 80;

/// The orders of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// As the daemon tells them: who called last first.
    #[default]
    Last,
    Address,
    Calls,
    Refused,
    /// Who came last to the table first.
    First,
    Secret,
}

impl Sort {
    pub const ALL: Choices<Self> = &[
        ('l', Self::Last, "last call"),
        ('a', Self::Address, "address"),
        ('c', Self::Calls, "calls"),
        ('f', Self::Refused, "refused"),
        ('d', Self::First, "date of the first call"),
        ('s', Self::Secret, "secret: the old one first"),
    ];

    fn compare(self, a: &SourceView, b: &SourceView) -> Ordering {
        match self {
            Self::Last => b.last.cmp(&a.last),
            Self::Address => net(&a.net).cmp(&net(&b.net)),
            Self::Calls => b.calls.cmp(&a.calls),
            Self::Refused => b.refused.cmp(&a.refused),
            Self::First => b.first.cmp(&a.first),
            Self::Secret => (a.secret != "old", &a.secret).cmp(&(b.secret != "old", &b.secret)),
        }
    }
}

/// The state of the table.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Whose hosts they are.
    token: String,
    /// In the order that was chosen; what comes later stands behind.
    rows: Vec<SourceView>,
    pub order: Order<Sort>,
    pub cursor: Cursor<String>,
    pub search: String,
    /// The host whose details are open.
    open: Option<String>,
}

impl Hosts {
    /// Takes what is known of a token's hosts. Those that stay keep their places.
    pub fn take(&mut self, token: &str, sources: &[SourceView]) {
        if self.token != token {
            *self = Self { token: token.to_owned(), order: self.order, ..Self::default() };
        }
        let places: HashMap<&str, usize> =
            self.rows.iter().enumerate().map(|(at, row)| (row.net.as_str(), at)).collect();
        let mut rows = sources.to_vec();
        let fresh = places.is_empty();
        rows.sort_by_key(|row| places.get(row.net.as_str()).copied().unwrap_or(usize::MAX));
        self.rows = rows;
        if fresh {
            self.resort();
        }
        let rows = &self.rows;
        self.cursor.relocate(rows.len(), |at| rows[at].net.clone());
    }

    /// Sorts. Only on demand: never under the mark.
    pub fn resort(&mut self) {
        self.order.sort(&mut self.rows, |by, a, b| by.compare(a, b).then_with(|| net(&a.net).cmp(&net(&b.net))));
        let rows = &self.rows;
        self.cursor.relocate(rows.len(), |at| rows[at].net.clone());
    }

    #[must_use]
    pub fn selected(&self) -> Option<&SourceView> {
        self.rows.get(self.cursor.index)
    }

    /// Moves the mark. False at the end of the table.
    pub fn step(&mut self, by: isize) -> bool {
        let (rows, before) = (&self.rows, self.cursor.index);
        self.cursor.step(by, rows.len(), |at| rows[at].net.clone());
        self.cursor.index != before
    }

    /// Puts the mark on the next host that the text is in. False if there is none.
    pub fn find(&mut self, forward: bool, from_here: bool) -> bool {
        let (rows, text) = (&self.rows, self.search.as_str());
        let found = words::find(rows.len(), self.cursor.index, forward, from_here, |at| rows[at].net.contains(text));
        found.into_iter().for_each(|at| self.cursor.go(at, rows.len(), |at| rows[at].net.clone()));
        found.is_some()
    }

    /// Opens the marked host's details. False where they are open.
    pub fn open(&mut self) -> bool {
        let marked = self.selected().map(|row| row.net.clone());
        let is_open = marked.is_some() && self.open == marked;
        self.open = marked;
        !is_open
    }

    /// Closes the details. False where none are open.
    pub fn close(&mut self) -> bool {
        self.open.take().is_some()
    }

    /// The lines of the tab. The mark is seen where the keys act on it.
    #[must_use]
    pub fn lines(&self, model: &Model, token: &TokenView) -> Vec<Line> {
        let since = if model.columns < WIDE_COLUMNS { "" } else { " SINCE" };
        let head = format!("  {:20} {:6} {:>10} {:>8}  {:6}{since:12}", "FROM", "SECRET", "CALLS", "REFUSED", "LAST");
        let mut lines = vec![Line::new(Kind::Strong, format!("{}{}", head.trim_end(), self.order.words(Sort::ALL)))];
        for (at, row) in self.rows.iter().enumerate() {
            let marked = model.in_pane && at == self.cursor.index;
            lines.push(host(row, token, model, marked));
            if self.open.as_ref() == Some(&row.net) {
                lines.extend(details(row, token, model.now));
            }
        }
        lines
    }

    /// The line on which the mark stands.
    fn line(&self) -> usize {
        let before = &self.rows[..self.cursor.index.min(self.rows.len())];
        let opened = before.iter().any(|row| self.open.as_ref() == Some(&row.net));
        HEAD_LINES + before.len() + if opened { DETAIL_LINES } else { 0 }
    }

    /// The first line of the pane, so that the mark is seen with its details.
    #[must_use]
    pub fn top(&self, top: usize, height: usize) -> usize {
        let line = self.line();
        let marked_open = self.selected().is_some_and(|row| self.open.as_ref() == Some(&row.net));
        let last = line + if marked_open { DETAIL_LINES } else { 0 };
        // The first host is seen with the head above it, where there is room for all of it.
        let highest = if line == HEAD_LINES && last < height { 0 } else { line };
        top.max((last + 1).saturating_sub(height)).min(highest)
    }
}

/// True while the keys act on this table.
#[must_use]
pub fn is_here(model: &Model) -> bool {
    model.screen == Screen::Tokens && model.in_pane && model.tokens.tab == PaneTab::Hosts && known(model)
}

fn known(model: &Model) -> bool {
    let evidence = model.tokens.selected().and_then(|token| model.tokens.evidence_of(token));
    evidence.is_some_and(|evidence| !evidence.sources.is_empty())
}

/// The host that an action means.
#[must_use]
pub fn marked(model: &Model) -> Option<&SourceView> {
    model.tokens.hosts.selected().filter(|_| is_here(model))
}

/// How many lines the details of a host have.
const DETAIL_LINES: usize = 4;

fn details(row: &SourceView, token: &TokenView, now: Timestamp) -> [Line; DETAIL_LINES] {
    let fact = |name: &str, text: String| Line::plain(format!("      {name:9} {text}"));
    let secret = match row.secret.as_str() {
        "old" => "the old secret, which ends with the overlap",
        _ => "the secret in force",
    };
    let whole = if row.merged { "a network: its addresses were too many to be counted one by one; " } else { "" };
    let blocked = match blocked_until(row, token, now) {
        Some(until) => format!("until {}: its calls get 403", words::moment(until)),
        None => "no".to_owned(),
    };
    let all = words::count(row.calls, "call");
    [
        fact("calls", format!("{whole}{all} taken, {} refused; the last with {secret}", group(row.refused))),
        fact("first", format!("{}   last {}", words::moment(row.first), words::moment(row.last))),
        fact("blocked", blocked),
        Line::plain("      Enter its calls in the log   B block it for a time   Esc closes".to_owned()),
    ]
}

fn host(row: &SourceView, token: &TokenView, model: &Model, marked: bool) -> Line {
    let (now, wide) = (model.now, model.columns >= WIDE_COLUMNS);
    let merged = if row.merged { " merged" } else { "" };
    let new = if wide && now.secs_since(row.first) < 86_400 { "  NEW" } else { "" };
    let net = format!("{}{merged}", row.net);
    let last = age(now.secs_since(row.last));
    let since = if wide { words::date(row.first) } else { String::new() };
    let until = blocked_until(row, token, now);
    let words = match until {
        Some(until) if wide => format!("  BLOCKED until {}", words::minute(until)),
        Some(_) => "  BLOCKED".to_owned(),
        None => String::new(),
    };
    let (calls, refused) = (group(row.calls), group(row.refused));
    let sign = if marked { "> " } else { "  " };
    let since = if wide { format!(" {since:11}") } else { since };
    let text = format!("{sign}{net:20} {:6} {calls:>10} {refused:>8}  {last:6}{since}{new}{words}", row.secret);
    let kind = match (marked, until) {
        (true, _) => Kind::Marked,
        (false, Some(_)) => Kind::Bad,
        (false, None) => Kind::Plain,
    };
    Line::new(kind, text.trim_end().to_owned())
}

fn blocked_until(row: &SourceView, token: &TokenView, now: Timestamp) -> Option<Timestamp> {
    let blocked = token.blocked.iter().filter(|one| now < one.until && holds(&one.net, &row.net));
    blocked.map(|one| one.until).max()
}

fn net(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whether a blocked network holds all of another one.
fn holds(blocked: &str, other: &str) -> bool {
    net(blocked).zip(net(other)).is_some_and(|(blocked, other)| blocked.contains(&other))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{self, model, press, tell, type_text};
    use super::super::forms::Value;
    use super::super::key::{Code, Key};
    use super::super::layer::Layer;
    use super::super::msg::Net;
    use super::*;

    /// The hosts tab of the first token, with the keys in it.
    fn hosts() -> Model {
        let mut model = model(80, 24, 3);
        model.tokens.tab = PaneTab::Hosts;
        let id = model.tokens.selected().unwrap().id.to_string();
        tell(&mut model, Net::Evidence(Box::new(fixtures::evidence(&id))));
        press(&mut model, Key::plain(Code::Enter));
        assert!(is_here(&model) && model.tokens.hosts.rows.len() > 1);
        model
    }

    fn text(model: &Model) -> String {
        super::super::detail::lines(model).iter().map(|line| format!("{}\n", line.text)).collect()
    }

    #[test]
    fn the_mark_goes_over_the_hosts_and_stays_on_its_host_when_they_change() {
        let mut model = hosts();
        press(&mut model, Key::char('j'));
        let net = marked(&model).unwrap().net.clone();
        assert!(text(&model).contains(&format!("> {net}")), "{}", text(&model));
        let id = model.tokens.selected().unwrap().id.to_string();
        let mut other = fixtures::evidence(&id);
        other.sources.reverse();
        let fresh = SourceView { net: "192.0.2.7".into(), ..other.sources[0].clone() };
        other.sources.insert(0, fresh);
        tell(&mut model, Net::Evidence(Box::new(other)));
        assert_eq!(marked(&model).map(|row| row.net.clone()), Some(net));
        assert_eq!(model.tokens.hosts.rows.last().unwrap().net, "192.0.2.7", "what is new stands behind");
    }

    #[test]
    fn enter_opens_a_hosts_details_and_then_its_calls() {
        let mut model = hosts();
        let (net, token) = (marked(&model).unwrap().net.clone(), model.tokens.selected().unwrap().name.clone());
        press(&mut model, Key::plain(Code::Enter));
        assert!(text(&model).contains("Enter its calls in the log"), "{}", text(&model));
        press(&mut model, Key::plain(Code::Esc));
        assert!(is_here(&model) && !text(&model).contains("its calls in the log"), "{}", text(&model));
        press(&mut model, Key::plain(Code::Enter));
        press(&mut model, Key::plain(Code::Enter));
        assert_eq!(model.screen, Screen::Log);
        assert_eq!(model.logs.tail.filter.text, format!("token:{token} ip:{net}"));
    }

    #[test]
    fn the_marked_host_is_the_one_that_is_blocked() {
        let mut model = hosts();
        press(&mut model, Key::char('j'));
        let net = marked(&model).unwrap().net.clone();
        press(&mut model, Key::char('B'));
        let Some(Layer::Form(form)) = &model.layer else { panic!("{:?}", model.layer) };
        let host = form.fields.iter().find(|field| field.label == "host").unwrap();
        assert!(matches!(&host.value, Value::Choice(choice) if choice.value() == net), "{:?}", host.value);
    }

    #[test]
    fn hosts_are_found_and_sorted_while_the_pane_has_the_keys() {
        let mut model = hosts();
        let last = model.tokens.hosts.rows.last().unwrap().net.clone();
        press(&mut model, Key::char('/'));
        type_text(&mut model, &last);
        press(&mut model, Key::plain(Code::Enter));
        assert_eq!(marked(&model).unwrap().net, last);
        assert_eq!(model.tokens.search, "", "the list of tokens is not searched");
        press(&mut model, Key::char('o'));
        press(&mut model, Key::char('c'));
        let calls: Vec<u64> = model.tokens.hosts.rows.iter().map(|row| row.calls).collect();
        assert!(calls.is_sorted_by(|a, b| a >= b), "{calls:?}");
        assert_eq!(marked(&model).unwrap().net, last, "the mark stays on what was read");
        assert!(text(&model).contains("sort: calls"));
    }
}
