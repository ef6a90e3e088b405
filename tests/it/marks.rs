//! Many rows at once, undo, and values that must not be seen: key by key, against a real daemon.

use serde_json::json;
use tollgate_tests::terminal::{Size, Terminal};

use crate::console::console_of;
use crate::desk::go_to;
use crate::support::{alert, outcome, with_alertmanager};

const SIZE: Size = (100, 30);

/// Presses one key, and waits until the screen says what it should.
fn press(console: &mut Terminal, key: &str, words: &str) -> String {
    console.send(key);
    console.wait_for(words)
}

#[test]
fn six_of_nine_tokens_are_extended_in_one_dialog_with_one_table() {
    let daemon = with_alertmanager();
    let names: Vec<String> = (1..=9).map(|n| format!("sender-{n}")).collect();
    for name in &names {
        daemon.token(name, "service:Ops/DB", &["--expires", "5d"]);
    }
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("sender-9");
    for n in 1..=6 {
        press(&mut console, " ", &format!("{n} marked"));
    }
    press(&mut console, ".", "ALL ACTIONS");
    let face = press(&mut console, "x", "EXTEND 6 tokens");
    assert!(face.contains("NOW") && face.contains("THEN") && face.contains("> [ Cancel ]"), "{face}");
    assert!(face.contains("$ tollgate token refresh s_"), "{face}");
    go_to(&mut console, "[ Extend ]");
    press(&mut console, "\r", "extend: done to 6 tokens");
    let changed = |name: &String| daemon.get(&format!("/v1/tokens/{name}"))["version"].as_u64() > Some(1);
    assert_eq!(names.iter().filter(|name| changed(name)).count(), 6);
    let audit = daemon.get("/v1/audit?action=token.refresh");
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(6), "the other three were left alone: {audit}");
    assert!(!console.screen().contains("marked"), "{}", console.screen());
}

#[test]
fn a_storm_of_incidents_is_resolved_at_once_with_a_comment_and_its_number_typed() {
    let daemon = with_alertmanager();
    let sender = daemon.token("am", "service:Ops/DB", &[]);
    for n in 0..5 {
        assert_eq!(outcome(&daemon.post(&sender.secret, &alert("firing", &format!("disk {n}")))), "created");
    }
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("am ");
    press(&mut console, "3", "5 open");
    press(&mut console, "f", "filter");
    console.type_slowly("title:disk");
    console.wait_for("5 of the 5 incidents here");
    press(&mut console, "\r", "f title:disk");
    press(&mut console, "*", "5 marked");
    press(&mut console, " ", "4 marked");
    press(&mut console, ".", "ALL ACTIONS");
    press(&mut console, "v", "RESOLVE 4 incidents");
    go_to(&mut console, "comment");
    console.type_slowly("power is back");
    go_to(&mut console, "[ Resolve ]");
    press(&mut console, "\r", "type their number, 4");
    console.send("4");
    console.wait_until("the number is typed", |screen| !screen.contains("number not typed"));
    press(&mut console, "\r", "resolve: done to 4 incidents");
    assert_eq!(daemon.all("/v1/incidents?state=open").len(), 1);
    let resolved = daemon.all("/v1/incidents?state=resolved");
    let id = resolved[0]["head"]["id"].as_str().expect("an id");
    let story = daemon.get(&format!("/v1/incidents/{id}")).to_string();
    assert!(story.contains("power is back"), "{story}");
}

#[test]
fn a_suspension_is_undone_and_not_where_somebody_else_was_faster() {
    let daemon = with_alertmanager();
    let sender = daemon.token("am", "service:Ops/DB", &[]);
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("am ");
    let suspend = |console: &mut Terminal| {
        press(console, "S", "SUSPEND am");
        go_to(console, "[ Suspend ]");
        console.send("\r");
        console.wait_until("it is suspended", |screen| screen.contains("SUSPENDED") && screen.contains("done "));
    };
    suspend(&mut console);
    assert_eq!(daemon.post(&sender.secret, &alert("firing", "a")).status, 503);
    let list = press(&mut console, "u", "UNDO");
    assert!(list.contains("$ tollgate token resume s_"), "{list}");
    press(&mut console, "\r", "> [ Cancel ]");
    go_to(&mut console, "[ Undo ]");
    press(&mut console, "\r", "undone");
    assert_eq!(daemon.post(&sender.secret, &alert("firing", "a")).status, 201);
    suspend(&mut console);
    daemon.cli(["token", "edit", "am", "--description", "seen in a pastebin"]).expect(0);
    press(&mut console, "u", "UNDO");
    press(&mut console, "\r", "> [ Cancel ]");
    go_to(&mut console, "[ Undo ]");
    press(&mut console, "\r", "nothing was undone");
    assert_eq!(daemon.get("/v1/tokens/am")["state"], json!("suspended"), "his change stands");
    console.send("\x1b");
    console.wait_for("nothing of this session can be undone");
    console.type_slowly(":history");
    let history = press(&mut console, "\r", "CHANGES of this console");
    assert!(history.contains("$ tollgate token suspend s_") && history.contains("FAILED"), "{history}");
}

#[test]
fn a_pasted_value_is_identified_and_stands_in_no_byte_that_came_out() {
    let daemon = with_alertmanager();
    let sender = daemon.token("am-legacy", "service:Ops/DB", &[]);
    daemon.token("other", "service:Ops/DB", &[]);
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("other");
    // Into a search, as somebody in a hurry does.
    press(&mut console, "/", "Enter keeps it");
    console.paste(&sender.secret);
    let caught = console.wait_for("IDENTIFY");
    assert!(caught.contains("characters, not shown"), "{caught}");
    press(&mut console, "\r", "CURRENT: the secret of am-legacy");
    console.send("\r");
    console.wait_until("the token is marked", |screen| {
        screen.lines().any(|line| line.starts_with("> ") && line.contains("am-legacy"))
    });
    console.type_slowly(":identify");
    press(&mut console, "\r", "nothing yet");
    console.type_slowly("not-a-secret-of-ours-at-all");
    press(&mut console, "\r", "UNKNOWN");
    console.send("\x1b");
    console.wait_until("it is closed", |screen| !screen.contains("IDENTIFY"));
    console.type_slowly("2f");
    console.wait_for("filter");
    console.send("\x1b[A");
    let bytes = console.bytes();
    let bytes = String::from_utf8_lossy(&bytes);
    assert!(!bytes.contains(&sender.secret[14..30]), "the secret was echoed");
    assert!(!bytes.contains("not-a-secret-of-ours"), "what was typed was echoed");
}

#[test]
fn the_palette_leads_to_an_object_by_a_few_letters() {
    let daemon = with_alertmanager();
    daemon.service("Power", "zabbix");
    daemon.token("ups-snmp-bridge", "service:Ops/Power", &[]);
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("ups-snmp");
    press(&mut console, "2", "TOLLGATE  2");
    press(&mut console, "P", "PALETTE");
    console.type_slowly("upsbri");
    console.wait_for("1 of 1 tokens");
    console.send("\r");
    console.wait_until("the token", |screen| {
        screen.contains("TOLLGATE  1") && screen.contains("> ") && screen.contains("ups-snmp-bridge  s_")
    });
    press(&mut console, "P", "PALETTE");
    console.type_slowly("ops/pow");
    console.wait_for("service");
    press(&mut console, "\r", "service Ops/Power");
    press(&mut console, "P", "PALETTE");
    console.type_slowly("add-team");
    console.wait_for("> action");
    press(&mut console, "\r", "NEW TEAM");
}
