//! The Operators screen: who may what, and when he was last here.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_shared::api::OperatorView;
use tollgate_shared::id::OperatorId;
use tollgate_shared::time::Timestamp;

use super::cursor::Cursor;
use super::detail::{Kind, Line};
use super::order::{Choices, Order, merge};
use super::words;

/// The orders of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Name,
    /// Admins first; who is disabled last.
    Role,
    Teams,
    Users,
    /// Who was here last first.
    Seen,
    Made,
}

impl Sort {
    pub const ALL: Choices<Self> = &[
        ('n', Self::Name, "name"),
        ('e', Self::Role, "role everywhere"),
        ('t', Self::Teams, "teams"),
        ('x', Self::Users, "unix users"),
        ('l', Self::Seen, "last seen"),
        ('d', Self::Made, "date of making"),
    ];

    fn compare(self, a: &OperatorView, b: &OperatorView) -> Ordering {
        let rank = |row: &OperatorView| (!row.enabled, row.role.is_none(), row.role);
        match self {
            Self::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            Self::Role => rank(a).cmp(&rank(b)),
            Self::Teams => teams(a).cmp(&teams(b)),
            Self::Users => a.unix_users.cmp(&b.unix_users),
            Self::Seen => b.last_seen.cmp(&a.last_seen),
            Self::Made => b.created_at.cmp(&a.created_at),
        }
    }
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Operators {
    /// In the order that was chosen.
    pub rows: Vec<Arc<OperatorView>>,
    pub order: Order<Sort>,
    pub cursor: Cursor<OperatorId>,
    pub search: String,
    pub loaded: bool,
    /// Why they cannot be seen.
    pub refused: Option<String>,
}

impl Operators {
    pub fn replace(&mut self, rows: Result<Vec<OperatorView>, String>) {
        let first = !std::mem::replace(&mut self.loaded, true);
        match rows {
            Ok(rows) => {
                self.rows = merge(&self.rows, rows.into_iter().map(Arc::new).collect(), |row| row.id);
                self.refused = None;
            }
            Err(why) => (self.rows, self.refused) = (Vec::new(), Some(why)),
        }
        if first {
            self.resort();
        }
        self.relocate();
    }

    /// Sorts. Only on demand: never under the mark.
    pub fn resort(&mut self) {
        self.order.sort(&mut self.rows, |by, a, b| by.compare(a, b).then_with(|| Sort::Name.compare(a, b)));
        self.relocate();
    }

    /// Takes one anew.
    pub fn refresh(&mut self, operator: OperatorView) {
        match self.rows.iter_mut().find(|old| old.id == operator.id) {
            Some(old) => *old = Arc::new(operator),
            None => {
                self.rows.push(Arc::new(operator));
                self.resort();
            }
        }
        self.relocate();
    }

    #[must_use]
    pub fn selected(&self) -> Option<&Arc<OperatorView>> {
        self.rows.get(self.cursor.index)
    }

    pub fn step(&mut self, by: isize) {
        let rows = &self.rows;
        self.cursor.step(by, rows.len(), |at| rows[at].id);
    }

    pub fn go(&mut self, index: usize) {
        let rows = &self.rows;
        self.cursor.go(index, rows.len(), |at| rows[at].id);
    }

    #[must_use]
    pub fn find(&self, forward: bool, from_here: bool) -> Option<usize> {
        let text = self.search.to_lowercase();
        words::find(self.rows.len(), self.cursor.index, forward, from_here, |at| {
            let row = &self.rows[at];
            let hay = format!("{} {} {}", row.name, row.unix_users.join(" "), teams(row)).to_lowercase();
            !text.is_empty() && hay.contains(&text)
        })
    }

    fn relocate(&mut self) {
        let rows = &self.rows;
        self.cursor.relocate(rows.len(), |at| rows[at].id);
    }
}

/// `Ops manager, Plant observer`.
#[must_use]
pub fn teams(operator: &OperatorView) -> String {
    operator.team_roles.iter().map(|(team, role)| format!("{team} {role}")).collect::<Vec<_>>().join(", ")
}

/// `admin`, `reader` or a dash.
#[must_use]
pub fn role(operator: &OperatorView) -> &'static str {
    operator.role.map_or("-", |role| role.as_str())
}

/// `4m`, or that nobody knows.
#[must_use]
pub fn seen(operator: &OperatorView, now: Timestamp) -> String {
    operator.last_seen.map_or_else(|| "-".to_owned(), |at| words::age(now.secs_since(at)))
}

/// What the pane shows of one.
#[must_use]
pub fn lines(operator: &OperatorView, now: Timestamp) -> Vec<Line> {
    let state = if operator.enabled { "enabled" } else { "DISABLED: may nothing, his personal tokens are refused" };
    let users = match operator.unix_users.as_slice() {
        [] => "none: he comes in with a passphrase only".to_owned(),
        users => users.join(", "),
    };
    let seen = operator.last_seen.map_or_else(
        || "not since the daemon started".to_owned(),
        |at| format!("{}, {} ago", words::moment(at), words::age(now.secs_since(at))),
    );
    let fact = |name: &str, text: String| Line::plain(format!("{name:14}{text}"));
    let mut lines = vec![
        Line::new(Kind::Strong, format!("{}  {}", operator.name, operator.id)),
        Line::new(if operator.enabled { Kind::Plain } else { Kind::Bad }, format!("{:14}{state}", "state")),
        fact("unix users", users),
        fact("passphrase", if operator.has_passphrase { "set".to_owned() } else { "none".to_owned() }),
        fact("everywhere", role(operator).to_owned()),
    ];
    match operator.team_roles.as_slice() {
        [] => lines.push(fact("in teams", "no role".to_owned())),
        roles => lines.extend(roles.iter().map(|(team, role)| fact("in team", format!("{team}: {role}")))),
    }
    lines.push(fact("last seen", seen));
    let made = format!("{} by {}", words::moment(operator.created_at), operator.created_by);
    lines.push(fact("made", made));
    lines
}
