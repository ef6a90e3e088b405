//! Marks, undo, the list of changes, the palette, the prompt for a value, and the incidents' query.

use super::*;

/// Nine tokens, of which some are marked; the second never ends.
fn with_marks(columns: u16, rows: u16, keys: &str) -> Model {
    let mut model = at(columns, rows, 0, '1');
    let token = |number: u32| {
        let mut token = fixtures::token(number, &format!("sender-{number}"));
        token.expires_at = (number != 2).then(|| fixtures::now().plus_secs(i64::from(number) * 86_400));
        token.expiry = tollgate_shared::token::Expiry::AfterSecs(90 * 86_400);
        token.state = tollgate_shared::token::TokenState::Active;
        std::sync::Arc::new(token)
    };
    tell(&mut model, Net::Tokens((1..=9).map(token).collect()));
    type_text(&mut model, keys);
    model
}

/// After two changes: one is done, one was refused.
fn with_changes(columns: u16, rows: u16, keys: &str) -> Model {
    let mut model = with_marks(columns, rows, "D");
    let generation = model.generation;
    let token = (**model.tokens.selected().unwrap()).clone();
    tell(&mut model, Net::Done { generation, result: Ok(Reply::Token(Box::new(token))) });
    type_text(&mut model, "jD");
    let generation = model.generation;
    let failure = crate::app::msg::Failure { words: "needs manager of Ops".into(), ..Default::default() };
    tell(&mut model, Net::Done { generation, result: Err(failure) });
    for key in keys.chars() {
        press(&mut model, if key == '~' { Key::plain(Code::Enter) } else { Key::char(key) });
    }
    model
}

/// The prompt for a value, with what the daemon knows of it.
fn identified(columns: u16, rows: u16) -> Model {
    let mut model = at(columns, rows, 12, '1');
    let text = format!("tg_s_7QmX0c2LrT{}_abcdef", "A".repeat(43));
    let paste = crate::app::Msg::Paste { text: crate::app::msg::Hidden(text.into()), burst: true };
    crate::app::update::update(&mut model, paste, fixtures::now());
    press(&mut model, Key::plain(Code::Enter));
    let generation = model.generation;
    let token = Some(fixtures::token(3, "zabbix-prod"));
    let found = tollgate_shared::api::Identified { what: "current".into(), detail: String::new(), token };
    tell(&mut model, Net::Identified { generation, result: Ok(vec![found]) });
    model
}

/// The incidents under a maintenance, after some keys.
fn incidents_after(columns: u16, rows: u16, keys: &str) -> Model {
    let mut model = at(columns, rows, 12, '3');
    tell(&mut model, Net::Maintenances(vec![fixtures::maintenance("x")]));
    type_text(&mut model, keys);
    model
}

#[test]
fn the_desk() {
    for (columns, rows) in [(80, 24), (60, 15), (200, 50)] {
        let name = |what: &str| format!("{what}_{columns}x{rows}");
        let faces = [
            ("marks", with_marks(columns, rows, "   ")),
            ("marks_refresh", with_marks(columns, rows, "*.x")),
            ("marks_revoke", with_marks(columns, rows, "*R")),
            ("marks_edit", with_marks(columns, rows, "   E")),
            ("undo", with_changes(columns, rows, "u")),
            ("undo_ask", with_changes(columns, rows, "u~")),
            ("history", with_changes(columns, rows, ":history~")),
            ("identify", at(columns, rows, 12, '1')),
            ("identified", identified(columns, rows)),
            ("palette", with_marks(columns, rows, "P")),
            ("palette_found", with_marks(columns, rows, "Psend")),
            ("incidents_query", incidents_after(columns, rows, "fpriority:p1 stat")),
            ("incidents_wrong", incidents_after(columns, rows, "fprioriti:p1 state:open")),
            ("incidents_values", incidents_after(columns, rows, "=")),
            ("incidents_resolve", incidents_after(columns, rows, "*.v")),
            ("command_query", with_marks(columns, rows, ":tokens expires:<4d")),
            ("log_local", log_after(columns, rows, "t")),
            ("log_ago", log_after(columns, rows, "tt")),
        ];
        for (what, mut model) in faces {
            if what == "identify" {
                type_text(&mut model, ".z");
            }
            snapshot(&name(what), &model, &NO_COLOUR);
        }
    }
}

/// One of each, to be drawn at every size.
pub(super) fn models() -> Vec<Model> {
    let marks = ["   ", "*.x", "*R", "   E", "P", "Psend", ":tokens x", ".z"].map(|keys| with_marks(80, 24, keys));
    let changes = ["u", "u~", ":history~"].map(|keys| with_changes(80, 24, keys));
    let incidents = ["fpriority:p1 stat", "=", "*.v", "tt", "oc"].map(|keys| incidents_after(80, 24, keys));
    marks.into_iter().chain(changes).chain(incidents).chain([identified(80, 24)]).collect()
}
