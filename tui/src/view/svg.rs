//! The console as a picture for the README, made of the cells of the real screen, so that it cannot drift from it.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use tollgate_shared::api::{LastUse, TokenView};
use tollgate_shared::log::{LogRow, TailItem};
use tollgate_shared::outcome::Outcome;
use unicode_width::UnicodeWidthStr as _;

use super::tests::{COLOUR, draw};
use crate::app::fixtures::{self, now, press, tell};
use crate::app::held::HeldItem;
use crate::app::key::Key;
use crate::app::msg::Slot;
use crate::app::{Model, Net};

const COLUMNS: u16 = 104;
const ROWS: u16 = 27;
const CELL_WIDTH: f64 = 8.43;
const CELL_HEIGHT: f64 = 18.0;
const MARGIN: f64 = 16.0;
/// A card of its own colours with an edge: it looks the same on a light page and on a dark one.
const PAPER: &str = "#15181e";
const INK: &str = "#d7dae0";
const EDGE: &str = "#4a5160";

/// How a run of cells looks.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    ink: &'static str,
    bold: bool,
    reversed: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let ink = match cell.fg {
            Color::Red => "#ff7b72",
            Color::Yellow => "#e3b341",
            Color::Green => "#56d364",
            Color::Cyan => "#76e3ea",
            Color::Indexed(245) => "#8b93a1",
            _ => INK,
        };
        let has = |modifier| cell.modifier.contains(modifier);
        Self { ink, bold: has(Modifier::BOLD), reversed: has(Modifier::REVERSED) }
    }
}

/// Cells of one look, from a column on.
struct Run {
    column: usize,
    columns: usize,
    look: Look,
    text: String,
}

/// The runs of a row. Two spaces end a run, so that a font of another width shifts no column.
fn runs(row: &[Cell]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while column < row.len() {
        let cell = &row[column];
        let (symbol, look) = (cell.symbol(), Look::of(cell));
        let columns = symbol.width().max(1);
        let goes_on = runs.last().is_some_and(|run| run.look == look && (look.reversed || !run.text.ends_with("  ")));
        match runs.last_mut().filter(|_| goes_on) {
            Some(run) => {
                run.text.push_str(symbol);
                run.columns += columns;
            }
            None => runs.push(Run { column, columns, look, text: symbol.to_owned() }),
        }
        column += columns;
    }
    runs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The picture of a buffer.
fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let width = columns as f64 * CELL_WIDTH + 2.0 * MARGIN;
    let height = rows as f64 * CELL_HEIGHT + 2.0 * MARGIN;
    let mut out = String::new();
    let size = format!("width=\"{width:.0}\" height=\"{height:.0}\"");
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">"
    )
    .unwrap();
    writeln!(out, "<title>The console of Tollgate: tokens, and the live calls of the marked one</title>").unwrap();
    let edge = format!("x=\"0.5\" y=\"0.5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"8\"", width - 1.0, height - 1.0);
    writeln!(out, "<rect {edge} fill=\"{PAPER}\" stroke=\"{EDGE}\"/>").unwrap();
    let font = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";
    writeln!(out, "<g font-family=\"{font}\" font-size=\"14\" xml:space=\"preserve\">").unwrap();
    for (row, cells) in buffer.content().chunks(columns).enumerate() {
        runs(cells).iter().for_each(|run| draw_run(&mut out, row, run));
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn draw_run(out: &mut String, row: usize, run: &Run) {
    let x = MARGIN + run.column as f64 * CELL_WIDTH;
    let y = MARGIN + row as f64 * CELL_HEIGHT;
    let width = run.columns as f64 * CELL_WIDTH;
    let ink = if run.look.reversed { PAPER } else { run.look.ink };
    if run.look.reversed {
        let size = format!("width=\"{width:.1}\" height=\"{CELL_HEIGHT}\"");
        writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" {size} fill=\"{}\" shape-rendering=\"crispEdges\"/>",
            run.look.ink
        )
        .unwrap();
    }
    if run.text.trim().is_empty() {
        return;
    }
    if run.text.starts_with('\u{2500}') && run.text.chars().all(|c| c == '\u{2500}') {
        let middle = y + CELL_HEIGHT / 2.0;
        writeln!(out, "<path d=\"M{x:.1} {middle:.1}h{width:.1}\" stroke=\"{ink}\"/>").unwrap();
        return;
    }
    let text = run.text.trim_end();
    let length = text.width() as f64 * CELL_WIDTH;
    let weight = if run.look.bold { " font-weight=\"bold\"" } else { "" };
    let place = format!("x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\"", y + 13.5);
    writeln!(out, "<text {place} fill=\"{ink}\"{weight}>{}</text>", escaped(text)).unwrap();
}

/// Tokens as a site has them.
fn site() -> Vec<TokenView> {
    let names = [
        ("zabbix-prod", "Ops/Network", 14),
        ("alertmanager-eu", "Ops/DB", 31),
        ("grafana-plant", "Plant/Line-2", 6),
        ("backup-nightly", "Ops/Storage", 0),
        ("ups-monitor", "Plant/Power", 2),
        ("nagios-dc1", "Ops/Network", 9),
        ("ci-deploy", "Ops/Releases", 1),
        ("door-sensors", "Plant/Access", 3),
        ("mail-gateway", "Ops/Mail", 0),
    ];
    let token = |(index, (name, scope, calls)): (usize, &(&str, &str, u32))| {
        let number = u32::try_from(index).unwrap();
        let mut token = fixtures::token(number * 11 + 3, name);
        token.scope.name = (*scope).to_owned();
        token.expires_at = Some(now().plus_secs(i64::from(number * 31 + 4) * 86_400));
        token.debug_until = (index % 4 == 0).then(|| now().plus_secs(i64::from(47 - number * 4) * 3_600 + 120));
        let calls_in = |minute: u32| if (minute * 7 + number * 5) % 11 < 6 { calls * (minute % 5) / 3 } else { 0 };
        token.usage.calls_per_minute = (0..60).map(calls_in).collect();
        token.usage.hour_hits = token.usage.calls_per_minute.iter().sum::<u32>() * (90 - number * 9) / 100;
        token.usage.last_refusal = None;
        let at = now().plus_secs(if *calls > 0 { -3 - i64::from(number) * 17 } else { -9 * 3_600 });
        let ip = "10.20.0.14".parse().unwrap();
        token.usage.last_use = Some(LastUse { at, ip, user_agent: None, outcome: Outcome::Created });
        if index == 0 {
            token.id = "s_7QmX0c2LrT".parse().unwrap();
        }
        token
    };
    names.iter().enumerate().map(token).collect()
}

fn calls() -> Vec<HeldItem> {
    let calls = [
        (Outcome::Created, 201, "Link down: core-sw-2 port 14"),
        (Outcome::Attached, 200, "Link down: core-sw-2 port 14"),
        (Outcome::Duplicate, 200, "Link down: core-sw-2 port 14"),
        (Outcome::NoMatch, 202, "closest: zabbix, 1 of 2: event_update_status MISSING near event_updatestatus"),
        (Outcome::Created, 201, "CPU above 95 % on web01"),
        (Outcome::Resolved, 200, "Link down: core-sw-2 port 14"),
        (Outcome::Created, 201, "Disk /var full on db-3"),
    ];
    let row = |(index, (outcome, status, summary)): (usize, &(Outcome, u16, &str))| -> LogRow {
        let seq = 190 + index as u64;
        LogRow { outcome: *outcome, status: *status, summary: (*summary).to_owned(), ..fixtures::row(seq) }
    };
    calls.iter().enumerate().map(row).map(|row| TailItem::Row(row.into())).collect()
}

fn home() -> Model {
    let mut model = fixtures::model(COLUMNS, ROWS, 1);
    let mut status = fixtures::status();
    (status.tokens, status.tokens_debug, status.tokens_expiring) = (9, 3, 1);
    status.counters.calls_per_10_secs = 412;
    status.counters.refused = 17;
    tell(&mut model, Net::Status(Box::new(status)));
    tell(&mut model, Net::Tokens(site().into_iter().map(Into::into).collect()));
    press(&mut model, Key::char('g'));
    let generation = model.tokens.calls.generation;
    tell(&mut model, Net::Tail { slot: Slot::Token, generation, items: calls() });
    model
}

#[test]
fn picture_of_the_readme_is_the_screen_as_it_is() {
    let drawn = svg(&draw(&home(), &COLOUR));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("console.svg");
    if std::env::var_os("UPDATE_SVG").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "tui/console.svg is not the screen any more: run this test with UPDATE_SVG=1 and look at it"
    );
}
