//! The tables of operators and of the audit, and the screen of the lock.

use tollgate_shared::api::OperatorView;
use tollgate_shared::audit::AuditRow;

use crate::app::audit::chain_words;
use crate::app::layout::{Area, Layout};
use crate::app::lock::Lock;
use crate::app::model::Model;
use crate::app::operators::{Sort, role, seen, teams};
use crate::app::times::Form;
use crate::app::words::{self, age, count, group};

use super::canvas::{Canvas, Row};
use super::{chrome, empty, lists};

pub(super) fn operators(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let operators = &model.operators;
    let theme = canvas.theme;
    let search = if operators.search.is_empty() { String::new() } else { format!("  / {}", operators.search) };
    let total = count(operators.rows.len() as u64, "operator");
    let total = if operators.loaded { total } else { "not known yet".to_owned() };
    let sort = operators.order.words(Sort::ALL);
    let line = format!(" {total}{sort}{search}   root and the daemon's own account are admin without one");
    canvas.text(layout.title, &line, theme.plain());
    if empty::list(canvas, model, layout.list, operators.loaded, operators.rows.len()) {
        return;
    }
    let mut head = canvas.row(layout.columns, theme.strong());
    head.text("    ", theme.plain());
    let width = layout.list.width;
    operator_cells(&mut head, width, ["NAME", "EVERYWHERE", "IN TEAMS", "UNIX USERS", "PASSPHRASE", "SEEN"], theme);
    canvas.put(layout.columns, 0, head);
    for row in 0..layout.list.height {
        let index = operators.cursor.top + usize::from(row);
        let Some(operator) = operators.rows.get(index) else { break };
        let line = operator_row(canvas, model, operator, index, layout.list);
        canvas.put(layout.list, row, line);
    }
}

fn operator_row<'b>(canvas: &Canvas<'b>, model: &Model, operator: &OperatorView, index: usize, area: Area) -> Row<'b> {
    let theme = canvas.theme;
    let marked = index == model.operators.cursor.index;
    let mut row = canvas.row(area, lists::base(theme, marked, model.in_pane));
    row.text(if marked { "> " } else { "  " }, theme.plain());
    row.text(if operator.enabled { "  " } else { "o " }, theme.attention());
    let everywhere = if operator.enabled { role(operator) } else { "DISABLED" };
    let passphrase = if operator.has_passphrase { "set" } else { "-" };
    let (teams, users) = (teams(operator), operator.unix_users.join(" "));
    let cells = [operator.name.as_str(), everywhere, &teams, &users, passphrase, &seen(operator, model.now)];
    operator_cells(&mut row, area.width, cells, theme);
    row.rest();
    row
}

/// What goes first when it is narrow: the passphrase, the unix users, the last time.
fn operator_cells(row: &mut Row<'_>, width: u16, cells: [&str; 6], theme: &super::Theme) {
    let [name, everywhere, teams, users, passphrase, seen] = cells;
    let plain = theme.plain();
    let wide = width >= 76;
    let fixed = 4 + 11 + if wide { 17 + 11 + 6 } else { 0 };
    let rest = usize::from(width).saturating_sub(fixed);
    let name_width = (rest * 2 / 5).max(8);
    row.cell(name, name_width, plain).text(" ", plain).cell(everywhere, 10, plain).text(" ", plain);
    row.cell(teams, rest.saturating_sub(name_width + 2), plain).text(" ", plain);
    if wide {
        row.cell(users, 16, plain).text(" ", plain).cell(passphrase, 10, plain).text(" ", plain).right(seen, 5, plain);
    }
}

pub(super) fn audit(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let audit = &model.audit;
    let theme = canvas.theme;
    let mut title = canvas.row(layout.title, theme.plain());
    let more = if audit.next.is_some() { ", older ones below" } else { "" };
    let rows = if audit.loaded { count(audit.rows.len() as u64, "row") } else { "rows: not known yet".to_owned() };
    title.text(&format!(" {rows}{more}   "), theme.plain());
    let chain = chain_words(&audit.chain);
    title.text(&chain, if chain.contains("BROKEN") { theme.bad() } else { theme.strong() });
    if audit.filter != Default::default() {
        title.text(&format!("   f {}", audit.filter.line()), theme.strong());
    }
    if !audit.search.is_empty() {
        title.text(&format!("   / {}", audit.search), theme.plain());
    }
    canvas.put(layout.title, 0, title);
    if empty::list(canvas, model, layout.list, audit.loaded, audit.rows.len()) {
        return;
    }
    let mut head = canvas.row(layout.columns, theme.strong());
    head.text("  ", theme.plain());
    audit_cells(&mut head, layout.list.width, [model.times.column("WHEN"), "WHO", "ACTION", "ON", "BY", "SEQ"], theme);
    canvas.put(layout.columns, 0, head);
    for row in 0..layout.list.height {
        let index = audit.cursor.top + usize::from(row);
        let Some(entry) = audit.rows.get(index) else { break };
        let marked = index == audit.cursor.index;
        let mut line = canvas.row(layout.list, lists::base(theme, marked, model.in_pane));
        line.text(if marked { "> " } else { "  " }, theme.plain());
        audit_row(&mut line, model, entry, layout.list.width, theme);
        canvas.put(layout.list, row, line);
    }
}

fn audit_row(line: &mut Row<'_>, model: &Model, entry: &AuditRow, width: u16, theme: &super::Theme) {
    let today = words::date(entry.at) == words::date(model.now);
    // Older than today: the day and the minute; the pane has the rest.
    let older = || model.times.shifted(entry.at).to_utc().format("%m-%d %H:%M").to_string();
    let when = match model.times.form {
        Form::Ago => age(model.now.secs_since(entry.at)),
        _ if today => words::clock(model.times.shifted(entry.at)),
        _ => older(),
    };
    let cells = [&when, &entry.actor, &entry.action, &target(entry), &entry.origin, &group(entry.seq)];
    audit_cells(line, width, cells.map(String::as_str), theme);
    line.rest();
}

/// The name and the kind are read first; the id is in the pane.
fn target(entry: &AuditRow) -> String {
    let mut words = entry.target.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(kind), Some(_), Some(name)) => format!("{kind} {name}"),
        _ => entry.target.clone(),
    }
}

/// What goes first when it is narrow: seq, then by what, then the ends of who and of the action.
fn audit_cells(row: &mut Row<'_>, width: u16, cells: [&str; 6], theme: &super::Theme) {
    let [when, who, action, on, by, seq] = cells;
    let plain = theme.plain();
    let (wide, wider) = (width >= 70, width >= 78);
    // Narrower still, so that what it was done to can be read.
    let (who_width, action_width) = if wide { (12, 18) } else { (8, 15) };
    let fixed = 2 + 12 + who_width + 1 + action_width + 1 + if wide { 9 } else { 0 } + if wider { 7 } else { 0 };
    let rest = usize::from(width).saturating_sub(fixed);
    row.cell(when, 11, plain).text(" ", plain).cell(who, who_width, plain).text(" ", plain);
    row.cell(action, action_width, plain).text(" ", plain).cell(on, rest, plain);
    if wide {
        row.text(" ", plain).cell(by, 8, plain);
    }
    if wider {
        row.right(seq, 7, plain);
    }
}

/// Nothing of what is behind it: who left, since when, and how one comes back.
pub(super) fn lock(canvas: &mut Canvas<'_>, model: &Model, lock: &Lock) {
    let theme = canvas.theme;
    let area = canvas.area();
    let mut head = canvas.row(area, theme.plain());
    let badge = model.connection.badge(model.heard_at, model.now);
    head.text(&format!(" TOLLGATE   LOCKED   {badge}   {}", words::minute(model.now)), theme.strong());
    chrome::locked_down(&mut head, model, theme);
    canvas.put(area, 0, head);
    canvas.rule(area, 1);
    let ago = age(model.now.secs_since(lock.since));
    let mut y = 3.min(area.height.saturating_sub(1));
    let mut say = |canvas: &mut Canvas<'_>, text: &str| {
        canvas.text_at(area, y, text, theme.plain());
        y += 1;
    };
    match &lock.operator {
        Some(operator) => {
            say(canvas, &format!(" {operator} is signed in and left {ago} ago. What the daemon says is still taken."));
            say(canvas, "");
            say(canvas, &format!(" passphrase of {operator}  [ {} ]", "*".repeat(lock.passphrase.chars().min(40))));
            let left = lock.wait_until.map_or(0, |until| until.secs_since(model.now));
            let error = match (&lock.error, lock.pending) {
                (_, Some(_)) => " asking the daemon".to_owned(),
                (Some(_), None) if left > 0 => format!(" ! too many sign-ins failed: the next try in {left} s"),
                (Some(why), None) => format!(" ! {why}"),
                (None, None) => String::new(),
            };
            say(canvas, &error);
            say(canvas, "");
            say(canvas, &format!(" Enter unlocks.  Esc twice signs {operator} out and throws away what was open"));
        }
        None => {
            say(canvas, &format!(" Hidden since {ago}. Nobody is signed in: the unix account is the key,"));
            say(canvas, " so this keeps eyes off the screen, and nobody from the keyboard.");
            say(canvas, "");
            say(canvas, " Enter unlocks.");
        }
    }
    say(canvas, " ctrl-c, then q: leaves the console");
    if lock.asked {
        say(canvas, "");
        canvas.text_at(area, y, " Once more: Esc signs out, q leaves; any other key stays locked.", theme.attention());
    }
}
