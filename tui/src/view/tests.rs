//! Screens at their sizes, and what no screen may ever show.

mod desk;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::{Theme, render};
use crate::app::fixtures::{self, model, press, tell, type_text};
use crate::app::key::{Code, Key};
use crate::app::msg::{Effect, Reply, Slot};
use crate::app::secret::Secret;
use crate::app::{Model, Net};
use tollgate_shared::api::LogHistogram;
use tollgate_shared::log::TailItem;

const SIZES: [(u16, u16); 5] = [(80, 24), (120, 40), (200, 50), (60, 15), (20, 5)];
pub(super) const COLOUR: Theme = Theme { colour: true, ascii: false };
const NO_COLOUR: Theme = Theme { colour: false, ascii: false };
const ASCII: Theme = Theme { colour: false, ascii: true };

pub(super) fn draw(model: &Model, theme: &Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(model.columns, model.rows)).unwrap();
    terminal.draw(|frame| render(model, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The text, and under it where it is marked (`r` reverse, `b` bold, `u` underlined), so that a lost mark shows.
fn picture(buffer: &Buffer, with_marks: bool) -> String {
    let width = usize::from(buffer.area.width);
    let mut lines = Vec::new();
    for row in buffer.content().chunks(width.max(1)) {
        let mut text = String::new();
        let mut skip = 0;
        for cell in row {
            if skip == 0 {
                text.push_str(cell.symbol());
                skip = unicode_width::UnicodeWidthStr::width(cell.symbol());
            }
            skip = skip.saturating_sub(1);
        }
        lines.push(text.trim_end().to_owned());
        let reversed = row.iter().any(|cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED));
        if with_marks && reversed {
            lines.push("~~~~ the row above has reverse video".to_owned());
        }
    }
    lines.join("\n")
}

fn snapshot(name: &str, model: &Model, theme: &Theme) {
    let marks = !theme.colour;
    insta::assert_snapshot!(name, picture(&draw(model, theme), marks));
}

fn at(columns: u16, rows: u16, count: u32, screen: char) -> Model {
    let mut model = model(columns, rows, count);
    let effects = press(&mut model, Key::char(screen));
    for effect in effects.list {
        if let Effect::Counts { number, .. } = effect {
            let counts = LogHistogram { buckets: Vec::new(), ..fixtures::histogram() };
            let counts = if count == 0 { counts } else { fixtures::histogram() };
            tell(&mut model, Net::Counts { number, result: Ok(Box::new(counts)) });
        }
    }
    if screen == '7' {
        let generation = model.audit.asked.unwrap_or(0);
        tell(&mut model, Net::Audit { generation, page: Ok(fixtures::audit(u64::from(count.min(200)))) });
        tell(&mut model, Net::Verdict(Ok(Box::new(fixtures::verdict(true)))));
    }
    if let Some(row) = model.incidents.selected().filter(|_| screen == '3').map(|row| row.head.id) {
        let story = (1..=u64::from(count)).map(fixtures::incident).find(|incident| incident.head.id == row).unwrap();
        tell(&mut model, Net::Incident(Box::new(story)));
    }
    model
}

#[test]
fn each_screen_at_each_size() {
    for (columns, rows) in SIZES {
        let screens = [
            ("tokens", '1'),
            ("log", '2'),
            ("incidents", '3'),
            ("services", '5'),
            ("operators", '6'),
            ("audit", '7'),
            ("status", '8'),
        ];
        for (name, key) in screens {
            let model = at(columns, rows, 12, key);
            snapshot(&format!("{name}_{columns}x{rows}"), &model, &COLOUR);
            snapshot(&format!("{name}_{columns}x{rows}_no_color"), &model, &NO_COLOUR);
        }
    }
}

#[test]
fn each_screen_with_no_row_with_one_and_with_a_thousand() {
    for count in [0, 1, 1_000] {
        for (name, key) in [("tokens", '1'), ("log", '2'), ("incidents", '3'), ("services", '5'), ("operators", '6')] {
            snapshot(&format!("{name}_rows_{count}"), &at(80, 24, count, key), &ASCII);
        }
    }
}

#[test]
fn the_dialogs() {
    for (columns, rows) in [(80, 24), (60, 15), (20, 5)] {
        let name = |what: &str| format!("{what}_{columns}x{rows}");
        let mut revoke = at(columns, rows, 12, '1');
        press(&mut revoke, Key::char('R'));
        type_text(&mut revoke, "zab");
        snapshot(&name("revoke"), &revoke, &NO_COLOUR);
        let mut create = at(columns, rows, 12, '1');
        press(&mut create, Key::char('A'));
        type_text(&mut create, &"a name that is too long ".repeat(4));
        snapshot(&name("create"), &create, &NO_COLOUR);
        let mut secret = at(columns, rows, 12, '1');
        let value = format!("tg_s_7QmX0c2LrT{}_abcdef", "A".repeat(43));
        let token = Box::new(fixtures::token(2, "fresh"));
        let result = Ok(Reply::Created { secret: Secret::new(value), token });
        tell(&mut secret, Net::Done { generation: 1, result });
        snapshot(&name("secret"), &secret, &NO_COLOUR);
        for (what, key) in [("help", '?'), ("menu", '.'), ("sort", 'o'), ("command", ':'), ("filter", 'f')] {
            let mut model = at(columns, rows, 12, '1');
            press(&mut model, Key::char(key));
            snapshot(&name(what), &model, &NO_COLOUR);
        }
    }
}

/// The log after some keys; `~` is Enter.
fn log_after(columns: u16, rows: u16, keys: &str) -> Model {
    let mut model = at(columns, rows, 12, '2');
    for key in keys.chars() {
        press(&mut model, if key == '~' { Key::plain(Code::Enter) } else { Key::char(key) });
    }
    model
}

/// Puts the marked token's facts in.
fn with_evidence(model: &mut Model) {
    let token = model.tokens.selected().unwrap().id.to_string();
    tell(model, Net::Evidence(Box::new(fixtures::evidence(&token))));
}

/// The rotate dialog of a token whose overlap runs.
fn rotating(columns: u16, rows: u16) -> Model {
    let mut model = at(columns, rows, 1, '1');
    let mut token = (**model.tokens.selected().unwrap()).clone();
    (token.overlap_until, token.rotating) = (Some(fixtures::now().plus_secs(7_200)), Some((27, 40)));
    token.state = tollgate_shared::token::TokenState::Active;
    token.expires_at = Some(fixtures::now().plus_secs(20 * 86_400));
    tell(&mut model, Net::Token(Box::new(token)));
    with_evidence(&mut model);
    press(&mut model, Key::char('.'));
    press(&mut model, Key::char('o'));
    model
}

/// The edit form of a token that somebody else has changed meanwhile.
fn outdated(columns: u16, rows: u16) -> Model {
    let mut model = at(columns, rows, 12, '1');
    press(&mut model, Key::char('E'));
    type_text(&mut model, "x");
    let mut token = (**model.tokens.selected().unwrap()).clone();
    (token.version, token.dedup_window_secs, token.updated_at) = (9, 60, fixtures::now().plus_secs(-5));
    tell(&mut model, Net::Token(Box::new(token)));
    model
}

fn locked(columns: u16, rows: u16, operator: Option<&str>) -> Model {
    let mut model = at(columns, rows, 12, '1');
    tell(&mut model, Net::SignedIn(operator.map(str::to_owned)));
    type_text(&mut model, ".k");
    type_text(&mut model, "secret");
    model
}

#[test]
fn the_log_and_what_its_keys_show() {
    for (columns, rows) in [(80, 24), (60, 15), (20, 5), (200, 50)] {
        let shown = [
            ("body", "kv~jj"),
            ("folded", "kz"),
            ("headers", "kvv"),
            ("bytes", "kppp"),
            ("compared", "kkckc"),
            ("found", "/cpu~"),
            ("column", "kl"),
            ("values", "k="),
            ("range", "T"),
            ("export", "kx"),
            ("brush", "["),
            ("query", "fbody.value > 0 outcome:no"),
            ("query_wrong", "ftoken:x outcome:no_mach status:200"),
            ("goto", ".t"),
        ];
        for (name, keys) in shown {
            let model = log_after(columns, rows, keys);
            snapshot(&format!("log_{name}_{columns}x{rows}"), &model, &NO_COLOUR);
        }
    }
    let gap = {
        let mut model = at(80, 24, 12, '2');
        model.logs.tail.go(5);
        model
    };
    snapshot("log_gap", &gap, &ASCII);
}

#[test]
fn the_dialogs_of_tokens_and_people() {
    for (columns, rows) in [(80, 24), (200, 50), (60, 15)] {
        let name = |what: &str| format!("{what}_{columns}x{rows}");
        snapshot(&name("rotate_overlap"), &rotating(columns, rows), &NO_COLOUR);
        snapshot(&name("edit_outdated"), &outdated(columns, rows), &NO_COLOUR);
        snapshot(&name("locked_signed_in"), &locked(columns, rows, Some("anna")), &NO_COLOUR);
        snapshot(&name("locked"), &locked(columns, rows, None), &NO_COLOUR);
        for (what, key) in [("suspend", 'S'), ("revoke_known", 'R'), ("refresh", 'x')] {
            let mut model = at(columns, rows, 12, '1');
            with_evidence(&mut model);
            if key == 'x' {
                press(&mut model, Key::char('.'));
            }
            press(&mut model, Key::char(key));
            snapshot(&name(what), &model, &NO_COLOUR);
        }
        let mut down = at(columns, rows, 12, '1');
        let lockdown = tollgate_shared::api::LockdownView {
            at: fixtures::now().plus_secs(-1_380),
            by: "anna".into(),
            reason: "secrets seen in a pastebin".into(),
        };
        let status = tollgate_shared::api::StatusView { lockdown: Some(lockdown), ..fixtures::status() };
        tell(&mut down, Net::Status(Box::new(status)));
        snapshot(&name("locked_down"), &down, &NO_COLOUR);
        press(&mut down, Key::char('A'));
        snapshot(&name("locked_down_form"), &down, &NO_COLOUR);
        for (what, key) in [("operator_add", 'A'), ("operator_remove", 'R')] {
            let mut model = at(columns, rows, 12, '6');
            press(&mut model, Key::char(key));
            snapshot(&name(what), &model, &NO_COLOUR);
        }
    }
}

#[test]
fn the_tabs_of_a_token() {
    let mut model = at(100, 40, 12, '1');
    with_evidence(&mut model);
    for tab in ["hosts", "facts", "reach", "changes"] {
        press(&mut model, Key::char('v'));
        snapshot(&format!("tab_{tab}"), &model, &NO_COLOUR);
    }
}

#[test]
fn a_lock_hides_everything_that_is_behind_it() {
    let model = locked(120, 40, Some("anna"));
    let picture = picture(&draw(&model, &COLOUR), false);
    for behind in ["zabbix", "10.20.0.14", "token", "secret"] {
        assert!(!picture.contains(behind), "{behind}:\n{picture}");
    }
    assert!(picture.contains("******"));
}

#[test]
fn the_faces_of_a_connection_that_is_not_there() {
    let faces = [
        ("connecting", None),
        (
            "no_daemon",
            Some(Net::Lost {
                why: "no daemon answers".into(),
                tried: vec!["/run/tollgate/admin.sock  no such file".into()],
                attempt: 3,
                retry_in_secs: 2,
            }),
        ),
        ("other_version", Some(Net::Incompatible { ours: "0.1.0".into(), theirs: "0.2.0".into() })),
        (
            "no_access",
            Some(Net::Denied {
                why: "/run/tollgate/admin.sock: you are not in the group tollgate".into(),
                remedy: vec![
                    "sudo usermod -aG tollgate bob".into(),
                    "then log in again, so that it takes effect".into(),
                ],
            }),
        ),
    ];
    for (name, net) in faces {
        let mut model = Model::new(fixtures::now(), 80, 24);
        net.into_iter().for_each(|net| drop(tell(&mut model, net)));
        snapshot(&format!("face_{name}"), &model, &COLOUR);
    }
    let mut stale = at(80, 24, 4, '1');
    tell(
        &mut stale,
        Net::Lost { why: "the daemon ended the connection".into(), tried: Vec::new(), attempt: 1, retry_in_secs: 1 },
    );
    snapshot("face_stale", &stale, &COLOUR);
}

#[test]
fn no_size_breaks_any_screen_or_dialog() {
    let mut models: Vec<Model> = ['1', '2', '3', '5', '6', '7', '8'].map(|key| at(80, 24, 12, key)).into();
    for keys in
        ["kv", "kvv", "kp", "kpp", "kppp", "kw", "kc", "f", "T", "x", "k=", "/", ".t", "kkcjc", "klh!", "v\r", "[", "Q"]
    {
        let mut model = at(80, 24, 12, '2');
        for key in keys.chars() {
            press(&mut model, if key == '\r' { Key::plain(Code::Enter) } else { Key::char(key) });
        }
        models.push(model);
    }
    models.extend(desk::models());
    models.push(rotating(80, 24));
    models.push(outdated(80, 24));
    models.push(locked(80, 24, Some("anna")));
    for key in ['R', 'S', 'A', '.', '?', ':', '/', 'f', 'o', 'E'] {
        let mut model = at(80, 24, 12, '1');
        press(&mut model, Key::char(key));
        models.push(model);
    }
    for model in &mut models {
        for columns in (0..=210).step_by(7).chain([1, 19, 20, 21, 39, 40]) {
            for rows in [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 14, 24, 40, 60] {
                let message = crate::app::Msg::Resize { columns, rows };
                crate::app::update::update(model, message, fixtures::now());
                if columns > 0 && rows > 0 {
                    draw(model, &ASCII);
                }
            }
        }
    }
}

#[test]
fn a_screen_that_shrinks_under_the_model_is_no_panic() {
    let model = at(200, 50, 12, '1');
    let mut terminal = Terminal::new(TestBackend::new(30, 6)).unwrap();
    terminal.draw(|frame| render(&model, &COLOUR, frame)).unwrap();
}

#[test]
fn what_a_sender_wrote_reaches_no_cell_as_a_control_or_a_reordering() {
    let evil = "\u{1b}[2J\u{1b}]52;c;eA==\u{7}\r\n\t\u{9b}31m\u{202e}evil\u{2066}\u{200b}\u{e0041}\u{2028}\u{0}\u{7f}";
    let mut model = at(120, 40, 12, '2');
    let mut row = fixtures::row(20);
    for text in [&mut row.summary, &mut row.body, &mut row.path, &mut row.query, &mut row.method] {
        *text = evil.to_owned();
    }
    row.headers = vec![(evil.to_owned(), evil.to_owned())];
    let generation = model.logs.tail.generation;
    tell(&mut model, Net::Tail { slot: Slot::Log, generation, items: vec![TailItem::Row(Box::new(row))] });
    let mut incident = fixtures::incident(1);
    incident.head.title = evil.to_owned();
    incident.description = evil.to_owned();
    tell(&mut model, Net::Incident(Box::new(incident)));
    let mut refused = fixtures::refused(1);
    refused[0].target = evil.to_owned();
    refused[0].detail = evil.to_owned();
    tell(&mut model, Net::Refused(refused));
    let keys = [
        "2", "v", "v", "v", "p", "p", "z", "w", "l", "ll", "k", "cG", "c", "v", "w", "=", "\x1b", "x", "\x1b", "\t",
        "3", "5", "1",
    ];
    for keys in keys {
        if keys == "\x1b" {
            press(&mut model, Key::plain(Code::Esc));
            continue;
        }
        type_text(&mut model, keys.trim_matches('\t'));
        if keys == "\t" {
            press(&mut model, Key::plain(Code::Tab));
        }
        let buffer = draw(&model, &COLOUR);
        for cell in buffer.content() {
            let bad = |c: char| {
                c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
            };
            assert!(!cell.symbol().chars().any(bad), "{:?} after {keys:?}", cell.symbol());
        }
    }
}

#[test]
fn a_hundred_thousand_tokens_draw_like_ten() {
    let mut model = model(80, 24, 10);
    tell(&mut model, Net::Tokens(fixtures::tokens(100_000)));
    press(&mut model, Key::char('G'));
    super::tokens::ROWS_BUILT.with(|built| built.set(0));
    draw(&model, &COLOUR);
    let built = super::tokens::ROWS_BUILT.with(std::cell::Cell::get);
    assert_eq!(built, usize::from(model.layout().list.height));
}

#[test]
fn the_same_model_draws_the_same_cells() {
    let model = at(80, 24, 12, '1');
    assert_eq!(draw(&model, &COLOUR), draw(&model, &COLOUR));
}

#[test]
fn the_editor_of_a_filter_with_its_trial() {
    for (columns, rows) in [(80, 24), (200, 50)] {
        let mut model = at(columns, rows, 10, '5');
        model.services.go(2);
        press(&mut model, Key::char('E'));
        (0..4).for_each(|_| drop(press(&mut model, Key::plain(Code::Tab))));
        snapshot(&format!("filter_editor_{columns}x{rows}"), &model, &COLOUR);
    }
}

#[test]
fn requests_with_the_output_of_a_step() {
    for (columns, rows) in [(80, 24), (200, 50)] {
        let mut model = at(columns, rows, 10, '4');
        let request = fixtures::request(1);
        let rows_of = vec![request.clone(), fixtures::request(2)];
        tell(&mut model, Net::Requests { rows: rows_of, more: false, workflows: Vec::new() });
        tell(&mut model, Net::Request(Box::new(request)));
        snapshot(&format!("requests_{columns}x{rows}"), &model, &COLOUR);
        assert!(!picture(&draw(&model, &COLOUR), false).contains('\u{1b}'));
    }
}
