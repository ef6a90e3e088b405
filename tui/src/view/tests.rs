//! Screens at their sizes, and what no screen may ever show.

mod desk;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::theme::Meaning;
use super::{Theme, render};
use crate::app::fixtures::{self, model, press, tell, type_text};
use crate::app::forms::Form;
use crate::app::key::{Code, Key};
use crate::app::layer::Layer;
use crate::app::msg::{Effect, Reply, Slot};
use crate::app::secret::Secret;
use crate::app::{Model, Net};
use tollgate_shared::api::LogHistogram;
use tollgate_shared::log::TailItem;

const SIZES: [(u16, u16); 5] = [(80, 24), (120, 40), (200, 50), (60, 15), (20, 5)];
pub(super) const COLOUR: Theme = Theme::DARK;
const NO_COLOUR: Theme = Theme::MONO;
const ASCII: Theme = Theme::ASCII;
/// The themes that are pictured.
const THEMES: [(&str, Theme); 5] = [
    ("dark", Theme::DARK),
    ("light", Theme::LIGHT),
    ("16", Theme::SIXTEEN),
    ("mono", Theme::MONO),
    ("ascii", Theme::ASCII),
];
/// How many rows a screen has.
const COUNTS: [u32; 4] = [12, 0, 1, 1_000];
const SCREENS: [(&str, char); 8] = [
    ("tokens", '1'),
    ("log", '2'),
    ("incidents", '3'),
    ("requests", '4'),
    ("services", '5'),
    ("operators", '6'),
    ("audit", '7'),
    ("status", '8'),
];

pub(super) fn draw(model: &Model, theme: &Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(model.columns, model.rows)).unwrap();
    terminal.draw(|frame| render(model, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The text.
fn picture(buffer: &Buffer) -> String {
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
    }
    lines.join("\n")
}

/// What each row is not plain in: `9  selected 0-79`, columns from and to, by the names of meanings. Where a theme shows
/// two of them alike, the first name stands for both.
fn styles(buffer: &Buffer, theme: &Theme) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let mut lines = Vec::new();
    for (row, cells) in buffer.content().chunks(width).enumerate() {
        let names: Vec<String> = cells.iter().map(|cell| meaning(cell, theme)).collect();
        let mut runs: Vec<String> = Vec::new();
        let mut from = 0;
        for part in names.chunk_by(|a, b| a == b) {
            let to = from + part.len() - 1;
            if part[0] != "plain" {
                runs.push(if from == to { format!("{} {from}", part[0]) } else { format!("{} {from}-{to}", part[0]) });
            }
            from = to + 1;
        }
        if !runs.is_empty() {
            lines.push(format!("{row:2}  {}", runs.join("  ")));
        }
    }
    lines.join("\n")
}

fn meaning(cell: &ratatui::buffer::Cell, theme: &Theme) -> String {
    let is = |meaning: &Meaning| {
        let style = theme.style(*meaning);
        style.add_modifier == cell.modifier && style.fg.unwrap_or_default() == cell.fg
    };
    assert_eq!(cell.bg, Color::Reset, "no theme sets a background");
    Meaning::ALL.into_iter().find(is).map_or_else(
        || format!("{:?}/{:?}", cell.fg, cell.modifier).replace(' ', ""),
        |meaning| format!("{meaning:?}").to_lowercase(),
    )
}

fn snapshot(name: &str, model: &Model, theme: &Theme) {
    let buffer = draw(model, theme);
    insta::assert_snapshot!(name, format!("{}\n==== styles\n{}", picture(&buffer), styles(&buffer, theme)));
}

/// A dialog at the usual size and at another one, each in a theme of its own. `number` makes that fall differently from
/// dialog to dialog.
fn pictured(what: &str, number: usize, other: (u16, u16), model: impl Fn(u16, u16) -> Model) {
    for (place, (columns, rows)) in [(80, 24), other].into_iter().enumerate() {
        let (name, theme) = THEMES[(number + 2 * place) % THEMES.len()];
        snapshot(&format!("{what}_{columns}x{rows}_{name}"), &model(columns, rows), &theme);
    }
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
    if screen == '8' {
        tell(&mut model, Net::Hour(Ok(Box::new(fixtures::hour()))));
        tell(&mut model, Net::Talkers(Box::new(fixtures::talkers())));
        press(&mut model, Key::char('j'));
    }
    if screen == '4' {
        let rows = (1..=u64::from(count.min(500))).map(fixtures::request).collect();
        tell(&mut model, Net::Requests { rows, more: count > 500, workflows: Vec::new() });
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

/// Each pair of a screen, a size, a theme and a number of rows is in one of the pictures.
#[test]
fn each_screen_at_each_size_in_each_theme_with_no_row_with_one_and_with_many() {
    let mut pairs = std::collections::HashSet::new();
    for (screen, (name, key)) in SCREENS.into_iter().enumerate() {
        for (size, (columns, rows)) in SIZES.into_iter().enumerate() {
            let (theme, many) = ((screen + size) % THEMES.len(), (screen + [0, 0, 2, 3, 1][size]) % COUNTS.len());
            let at_all = [screen, size, theme, many];
            for (a, first) in at_all.into_iter().enumerate() {
                pairs.extend(at_all.into_iter().enumerate().skip(a + 1).map(|(b, second)| (a, first, b, second)));
            }
            let model = at(columns, rows, COUNTS[many], key);
            snapshot(
                &format!("{name}_{columns}x{rows}_{}_rows_{}", THEMES[theme].0, COUNTS[many]),
                &model,
                &THEMES[theme].1,
            );
        }
    }
    assert_eq!(pairs.len(), 8 * 5 + 8 * 5 + 8 * 4 + 5 * 5 + 5 * 4 + 5 * 4);
}

#[test]
fn how_each_theme_shows_each_meaning() {
    let mut lines = Vec::new();
    for (name, theme) in THEMES {
        for meaning in Meaning::ALL {
            let style = theme.style(meaning);
            let colour = style.fg.map(|colour| format!("{colour:?} ")).unwrap_or_default();
            lines.push(format!("{name:6} {:9} {colour}{:?}", format!("{meaning:?}"), style.add_modifier));
        }
    }
    insta::assert_snapshot!("themes", lines.join("\n"));
}

/// Words and signs say all that a colour says.
#[test]
fn every_theme_shows_the_same_text() {
    for (columns, rows) in SIZES {
        for (name, key) in SCREENS {
            let model = at(columns, rows, 12, key);
            let [first, others @ ..] =
                [Theme::DARK, Theme::LIGHT, Theme::SIXTEEN, Theme::MONO].map(|theme| picture(&draw(&model, &theme)));
            assert!(others.iter().all(|other| *other == first), "{name} {columns}x{rows}");
        }
    }
}

/// The row that a key acts on can be seen, whatever the terminal can show.
#[test]
fn the_mark_is_visible_in_every_theme() {
    for (name, key) in SCREENS.into_iter().filter(|(name, _)| *name != "status") {
        let model = at(80, 24, 12, key);
        for (theme_name, theme) in THEMES {
            let buffer = draw(&model, &theme);
            // The second half of a wide character has no style of its own, and a pane may stand beside the list.
            let is = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::REVERSED);
            let reversed = |row: &&[ratatui::buffer::Cell]| row.iter().filter(is).count() >= 60;
            let marked = buffer.content().chunks(80).filter(reversed).count();
            assert_eq!(marked, 1, "{name} {theme_name}");
        }
    }
}

/// Every screen and dialog, for what must hold on all of them.
fn everything(columns: u16, rows: u16) -> Vec<Model> {
    let mut models: Vec<Model> = SCREENS.map(|(_, key)| at(columns, rows, 12, key)).into();
    for keys in ["kv~", "kvv", "kp", "kppp", "kkckc", "k=", "f", "[", "T", ".", "Q"] {
        models.push(log_after(columns, rows, keys));
    }
    models.extend([rotating(columns, rows), outdated(columns, rows), locked(columns, rows, Some("anna"))]);
    for key in ['R', 'S', 'A', '.', '?', ':', '/', 'f', 'o', 'E'] {
        let mut model = at(columns, rows, 12, '1');
        press(&mut model, Key::char(key));
        models.push(model);
    }
    models
}

#[test]
fn the_ascii_theme_draws_nothing_beyond_ascii_but_data() {
    let data =
        |symbol: &str| symbol.chars().all(|c| "\u{76e3}\u{8996}\u{30b7}\u{30b9}\u{30c6}\u{30e0}\u{1f525}".contains(c));
    for (columns, rows) in SIZES {
        for model in everything(columns, rows) {
            for cell in draw(&model, &Theme::ASCII).content() {
                let symbol = cell.symbol();
                assert!(symbol.bytes().all(|byte| byte <= 0x7e) || data(symbol), "{symbol:?} on {:?}", model.screen);
            }
            for cell in draw(&model, &Theme::LATIN).content() {
                assert!(cell.symbol().bytes().all(|byte| byte <= 0x7e), "{:?} on {:?}", cell.symbol(), model.screen);
            }
        }
    }
}

#[test]
fn the_dialogs() {
    let small = |number: usize| if number.is_multiple_of(2) { (60, 15) } else { (20, 5) };
    let pressed = |key: char| {
        move |columns, rows| {
            let mut model = at(columns, rows, 12, '1');
            press(&mut model, Key::char(key));
            model
        }
    };
    pictured("revoke", 0, small(0), |columns, rows| {
        let mut model = pressed('R')(columns, rows);
        type_text(&mut model, "zab");
        model
    });
    pictured("create", 1, small(1), |columns, rows| {
        let mut model = pressed('A')(columns, rows);
        type_text(&mut model, &"a name that is too long ".repeat(4));
        model
    });
    pictured("secret", 2, small(2), |columns, rows| {
        let mut model = at(columns, rows, 12, '1');
        let value = format!("tg_s_7QmX0c2LrT{}_abcdef", "A".repeat(43));
        let token = Box::new(fixtures::token(2, "fresh"));
        let result = Ok(Reply::Created { secret: Secret::new(value), token });
        tell(&mut model, Net::Done { generation: 1, result });
        model
    });
    pictured("first_who_sends", 3, (60, 15), who_sends);
    pictured("first_preset", 1, (60, 15), |columns, rows| {
        let mut model = who_sends(columns, rows);
        if let Some(Layer::Form(form)) = &mut model.layer {
            form.focus = 0;
        }
        press(&mut model, Key::plain(Code::Down));
        model
    });
    pictured("sample", 2, (60, 15), |columns, rows| {
        let mut model = at(columns, rows, 12, '1');
        type_text(&mut model, ".t");
        type_text(&mut model, "secret");
        model
    });
    pictured("first_sample", 4, (60, 15), |columns, rows| {
        let mut model = who_sends(columns, rows);
        press(&mut model, Key::plain(Code::Tab));
        answer_filter(&mut model);
        model
    });
    for (number, (what, key)) in
        (3..).zip([("help", '?'), ("menu", '.'), ("sort", 'o'), ("command", ':'), ("filter", 'f')])
    {
        pictured(what, number, small(number), pressed(key));
    }
}

/// The first path at its third step, with senders on other hosts.
fn who_sends(columns: u16, rows: u16) -> Model {
    let mut model = at(columns, rows, 0, '1');
    press(&mut model, Key::char('A'));
    let Net::Organisation { services, .. } = fixtures::organisation() else { panic!("another message") };
    let presets = vec!["alertmanager".to_owned(), "zabbix".to_owned()];
    let services: Vec<_> = services.into_iter().map(std::sync::Arc::new).collect();
    let mut form = Form::filter(&services, &presets, Some("Ops/DB")).asking_who_sends(model.status.as_deref());
    (form.guided, form.focus) = (true, form.fields.len() - 1);
    model.layer = Some(Layer::Form(form));
    type_text(&mut model, "other");
    model
}

/// The filter of [`who_sends`] is there, and then the token.
fn answer_filter(model: &mut Model) {
    let effects = press(model, Key::plain(Code::Enter));
    let Some(Effect::Request { generation, .. }) = effects.list.first() else { panic!("nothing was asked") };
    let Net::Organisation { filters, .. } = fixtures::organisation() else { panic!("another message") };
    let filter = Reply::Filter(Box::new((*filters[0]).clone()));
    tell(model, Net::Done { generation: *generation, result: Ok(filter) });
    let value = format!("tg_s_7QmX0c2LrT{}_abcdef", "A".repeat(43));
    let token = Box::new(fixtures::token(2, "am-prod"));
    tell(model, Net::Done { generation: 99, result: Ok(Reply::Created { secret: Secret::new(value), token }) });
}

/// Lets rows arrive behind those that are there.
fn arrive(model: &mut Model, seqs: std::ops::RangeInclusive<u64>) {
    let generation = model.logs.tail.generation;
    let items = seqs.map(|seq| TailItem::Row(fixtures::row(seq).into())).collect();
    tell(model, Net::Tail { slot: Slot::Log, generation, items });
}

/// The rows of a picture that differ.
fn changed(before: &str, after: &str) -> Vec<usize> {
    before.lines().zip(after.lines()).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect()
}

#[test]
fn over_a_slow_line_following_shows_the_newest_row_and_a_counter_and_nothing_scrolls() {
    let mut model = at(80, 24, 0, '2');
    arrive(&mut model, 1..=100);
    crate::app::update::update(&mut model, crate::app::Msg::SlowLine, fixtures::now());
    arrive(&mut model, 101..=150);
    let before = picture(&draw(&model, &ASCII));
    assert!(before.contains("slow line: the newest of 50 more") && before.contains("Space stops"), "{before}");
    arrive(&mut model, 151..=1_150);
    let after = picture(&draw(&model, &ASCII));
    assert!(after.contains("the newest of 1,050 more"), "{after}");
    let rows = changed(&before, &after);
    assert!(rows.len() <= 4, "the newest row, the counter, the pane's head: {rows:?}\n{before}\n{after}");
    // Who stops reads the list as it is.
    press(&mut model, Key::char(' '));
    let stopped = picture(&draw(&model, &ASCII));
    assert!(stopped.contains("PAUSED on 1150") && !stopped.contains("Space stops"), "{stopped}");
    press(&mut model, Key::char(' '));
    assert!(!picture(&draw(&model, &ASCII)).contains("more  Space"), "what was seen is not counted again");
    let later = fixtures::now().plus_secs(crate::app::slow::HELD_SECS);
    crate::app::update::update(&mut model, crate::app::Msg::Tick, later);
    assert_eq!(model.slow, None, "a line that was not measured slow again is as any other");
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
    for (number, (name, keys)) in shown.into_iter().enumerate() {
        let other = [(60, 15), (20, 5), (200, 50)][number % 3];
        pictured(&format!("log_{name}"), number, other, |columns, rows| log_after(columns, rows, keys));
    }
    let gap = {
        let mut model = at(80, 24, 12, '2');
        model.logs.tail.go(5);
        model
    };
    snapshot("log_gap", &gap, &ASCII);
}

/// A token's dialog, once its facts are known.
fn informed(columns: u16, rows: u16, keys: &str) -> Model {
    let mut model = at(columns, rows, 12, '1');
    with_evidence(&mut model);
    keys.chars().for_each(|key| drop(press(&mut model, Key::char(key))));
    model
}

fn locked_down(columns: u16, rows: u16) -> Model {
    let mut model = at(columns, rows, 12, '1');
    let lockdown = tollgate_shared::api::LockdownView {
        at: fixtures::now().plus_secs(-1_380),
        by: "anna".into(),
        reason: "secrets seen in a pastebin".into(),
    };
    let status = tollgate_shared::api::StatusView { lockdown: Some(lockdown), ..fixtures::status() };
    tell(&mut model, Net::Status(Box::new(status)));
    model
}

#[test]
fn the_dialogs_of_tokens_and_people() {
    let (wide, low) = ((200, 50), (60, 15));
    pictured("rotate_overlap", 0, wide, rotating);
    pictured("edit_outdated", 1, low, outdated);
    pictured("locked_signed_in", 2, wide, |columns, rows| locked(columns, rows, Some("anna")));
    pictured("locked", 3, low, |columns, rows| locked(columns, rows, None));
    pictured("suspend", 4, wide, |columns, rows| informed(columns, rows, "S"));
    pictured("revoke_known", 0, low, |columns, rows| informed(columns, rows, "R"));
    pictured("refresh", 1, wide, |columns, rows| informed(columns, rows, ".x"));
    pictured("locked_down", 2, low, locked_down);
    pictured("locked_down_form", 3, wide, |columns, rows| {
        let mut model = locked_down(columns, rows);
        press(&mut model, Key::char('A'));
        model
    });
    for (number, (what, key)) in [("operator_add", 'A'), ("operator_remove", 'R')].into_iter().enumerate() {
        pictured(what, number, low, |columns, rows| {
            let mut model = at(columns, rows, 12, '6');
            press(&mut model, Key::char(key));
            model
        });
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
    let picture = picture(&draw(&model, &COLOUR));
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
    let mut models = everything(80, 24);
    for keys in ["kw", "kc", "x", "/", ".t", "kkcjc", "klh!", "v~"] {
        models.push(log_after(80, 24, keys));
    }
    models.extend(desk::models());
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
    tell(&mut model, Net::Tail { slot: Slot::Log, generation, items: vec![TailItem::Row(row.into())] });
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
    pictured("filter_editor", 0, (200, 50), |columns, rows| {
        let mut model = at(columns, rows, 10, '5');
        model.services.go(2);
        press(&mut model, Key::char('E'));
        (0..4).for_each(|_| drop(press(&mut model, Key::plain(Code::Tab))));
        model
    });
}

#[test]
fn requests_with_the_output_of_a_step() {
    let mut model = at(80, 24, 10, '4');
    let request = fixtures::request(1);
    let rows_of = vec![request.clone(), fixtures::request(2)];
    tell(&mut model, Net::Requests { rows: rows_of, more: false, workflows: Vec::new() });
    tell(&mut model, Net::Request(Box::new(request)));
    snapshot("requests_output", &model, &COLOUR);
    assert!(!picture(&draw(&model, &COLOUR)).contains('\u{1b}'));
}
