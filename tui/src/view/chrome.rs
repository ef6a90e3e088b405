//! The lines that are on every screen.

use std::net::SocketAddr;

use crate::app::Model;
use crate::app::commands::CommandState;
use crate::app::connection::Phase;
use crate::app::keymap::{self, Place};
use crate::app::layout::{Area, Layout};
use crate::app::words::{self, group};
use tollgate_shared::api::StatusView;

use super::canvas::{Canvas, Row};

pub(super) fn top(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    head(canvas, model, layout.head);
    health(canvas, model, layout.health);
    attention(canvas, model, layout.attention);
}

/// ` TOLLGATE  1 Tokens     noc-2:7480 this host only    anna admin  LIVE  03:12Z`
fn head(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let theme = canvas.theme;
    let width = usize::from(area.width);
    let left = format!(" TOLLGATE  {}", model.screen.title());
    let badge = model.connection.badge(model.heard_at, model.now);
    let who = model.status.as_deref().map(|status| who(model, status)).unwrap_or_default();
    let clock = format!("  {}", words::minute(model.now));
    let place = model.status.as_deref().map(address).unwrap_or_default();
    // What is dropped first when the line is narrow: the place, who, the clock, the product's name.
    let fits = |parts: &[&str]| parts.iter().map(|part| part.chars().count()).sum::<usize>() < width;
    let left = if fits(&[&left, &badge, " "]) { left } else { format!(" {}", model.screen.title()) };
    let clock = if fits(&[&left, &badge, &clock, " "]) { clock } else { String::new() };
    let who = if fits(&[&left, &who, &badge, &clock, " "]) { who } else { String::new() };
    let place = if fits(&[&left, "  ", &place, "  ", &who, &badge, &clock]) { place } else { String::new() };
    let right = who.chars().count() + badge.chars().count() + clock.chars().count();
    let gap = width.saturating_sub(left.chars().count() + place.chars().count() + right);
    let mut row = canvas.row(area, theme.strong());
    row.text(&left, theme.strong());
    let (place, gap) = if model.lockdown().is_some() {
        locked_down(&mut row, model, theme);
        (String::new(), (gap + place.chars().count()).saturating_sub(15))
    } else {
        (place, gap)
    };
    row.cell("", gap / 2, theme.plain()).text(&place, theme.plain());
    row.cell("", gap - gap / 2, theme.plain()).text(&who, theme.plain());
    row.text(&badge, if model.phase() == Phase::Live { theme.good() } else { theme.bad() }).text(&clock, theme.plain());
    canvas.put(area, 0, row);
}

/// Name and role; whoever signed in with a passphrase is not the unix account, so it says so.
fn who(model: &Model, status: &StatusView) -> String {
    match &model.signed_in {
        Some(name) => format!("{name} {}, signed in  ", status.caller_role),
        None => format!("{} {}  ", status.caller, status.caller_role),
    }
}

/// On every screen and over every dialog: a line that is otherwise about one thing only says it too.
pub(super) fn locked_down(row: &mut Row<'_>, model: &Model, theme: &super::Theme) {
    if model.lockdown().is_some() {
        row.text("  ", theme.plain()).text(" LOCKED DOWN ", theme.alarm());
    }
}

/// Where calls are taken, and who can reach that.
fn address(status: &StatusView) -> String {
    let Ok(listen) = status.listen.parse::<SocketAddr>() else { return status.listen.clone() };
    let reach = if listen.ip().is_loopback() { "this host only" } else { "other hosts too" };
    format!("{}:{} {reach}", status.host, listen.port())
}

/// ` IN 5,041/s  REFUSED 4,996  OPEN 3 (1 P1)  EXPIRE<14d 6  DEBUG 2  LOG 1.2 GB`
fn health(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let theme = canvas.theme;
    let mut row = canvas.row(area, theme.plain());
    let Some(status) = &model.status else { return canvas.put(area, 0, row) };
    let counters = &status.counters;
    let p1 = if status.open_p1 > 0 { format!(" ({} P1)", status.open_p1) } else { String::new() };
    let parts = [
        (format!(" IN {}/s", words::per_second(counters.calls_per_10_secs)), false),
        (format!("REFUSED {}", group(counters.refused)), false),
        (format!("OPEN {}{p1}", group(status.open_incidents.into())), status.open_p1 > 0),
        (format!("EXPIRE<14d {}", group(status.tokens_expiring.into())), status.tokens_expiring > 0),
        (format!("DEBUG {}", group(status.tokens_debug.into())), false),
        (format!("LOG {}", words::bytes(status.log.disk_bytes)), false),
        (format!("STORE {} !", status.store), status.store != "healthy"),
    ];
    let shown = if status.store == "healthy" { &parts[..6] } else { &parts[..] };
    for (at, (text, hot)) in shown.iter().enumerate() {
        // A number that is cut in half would be a wrong number, and one with a sign of a cut behind it looks like one.
        let gap = if at == 0 { "" } else { "  " };
        if row.left() < gap.len() + text.chars().count() {
            break;
        }
        row.text(gap, theme.plain()).text(text, if *hot { theme.attention() } else { theme.plain() });
    }
    canvas.put(area, 0, row);
}

/// The worst thing, or an empty line.
fn attention(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let theme = canvas.theme;
    let Some((words, _)) = model.worst() else { return };
    let goes = if model.phase() == Phase::Live { "   0 = go" } else { "" };
    let style = if model.lockdown().is_some() { theme.alarm() } else { theme.attention() };
    // A name in it may be as long as the line: the key that goes there stays.
    let mut row = canvas.row(area, theme.plain());
    let words = theme.clipped(&words, row.left().saturating_sub(3 + goes.len()));
    row.text(" ! ", style).safe(&words, style).text(goes, style);
    canvas.put(area, 0, row);
}

pub(super) fn bottom(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    command(canvas, model, layout);
    footer(canvas, model, layout.footer);
}

/// The notice, or the last change as a command line.
fn command(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let theme = canvas.theme;
    let area = if layout.command.height > 0 { layout.command } else { layout.footer };
    if let Some(notice) = &model.notice {
        return canvas.text(area, &format!(" {notice}"), theme.strong());
    }
    if layout.command.height == 0 {
        return;
    }
    let Some(line) = model.commands.last() else { return };
    let result = line.result();
    let room = usize::from(area.width).saturating_sub(result.chars().count() + 5);
    let style = if matches!(line.state, CommandState::Failed(_)) { theme.bad() } else { theme.plain() };
    let mut row = canvas.row(area, theme.plain());
    row.text(" $ ", theme.strong())
        .cell(&line.text, room.max(20), theme.plain())
        .text("  ", style)
        .text(&result, style);
    canvas.put(area, 0, row);
}

fn footer(canvas: &mut Canvas<'_>, model: &Model, area: Area) {
    let notice_here = model.notice.is_some() && model.rows < 14;
    if area.height == 0 || notice_here {
        return;
    }
    // What may not be done stands in brackets; pressing it says why.
    let hints_here = keymap::footer(Place::of(model)).into_iter().map(|(key, hint, action)| {
        if model.may(action).is_err() { (format!("({key}"), format!("{hint})")) } else { (key, hint.to_owned()) }
    });
    hints(canvas, area, 0, &hints_here.collect::<Vec<_>>());
}

/// Keys and what they do; the last two stay when the line is narrow.
pub(super) fn hints(canvas: &mut Canvas<'_>, area: Area, at: u16, hints: &[(String, String)]) {
    let theme = canvas.theme;
    let width = |(key, hint): &(String, String)| key.chars().count() + hint.chars().count() + 3;
    let (own, last) = hints.split_at(hints.len().saturating_sub(2));
    let kept: usize = last.iter().map(width).sum();
    let mut row = canvas.row(area, theme.plain());
    row.text(" ", theme.plain());
    for hint in own {
        if row.left() < kept + width(hint) {
            break;
        }
        row.text(&hint.0, theme.strong()).text(&format!(" {}  ", hint.1), theme.plain());
    }
    for (key, hint) in last {
        row.text(key, theme.strong()).text(&format!(" {hint}  "), theme.plain());
    }
    canvas.put(area, at, row);
}
