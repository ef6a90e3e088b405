//! Tokens, people and the lock as an operator works on them: key by key, against a real daemon.

use serde_json::{Value, json};
use tollgate_tests::daemon::Daemon;
use tollgate_tests::terminal::{Size, Terminal};
use tollgate_tests::wait;

use crate::console::{console, console_of};
use crate::support::{alert, with_alertmanager};

const SIZE: Size = (100, 30);
/// Fields begin behind it.
const LABEL_CHARS: usize = 10;
const TAB: &str = "\t";
pub(crate) const PASSPHRASE: &str = "correct horse battery";

/// Presses one key, and waits until the screen says what it should.
pub(crate) fn press(console: &mut Terminal, key: &str, words: &str) -> String {
    console.send(key);
    console.wait_for(words)
}

/// Tabs until a label has the mark. A key that is not a letter is no paste.
pub(crate) fn go_to(console: &mut Terminal, label: &str) {
    let wanted = format!("> {label}");
    for _ in 0..30 {
        if console.screen().contains(&wanted) {
            return;
        }
        // Figures change by themselves, and what was typed before may be drawn only now: the mark alone says that the
        // key was taken.
        let before = marked(&console.screen());
        console.send(TAB);
        console.wait_until("the mark moved", |screen| marked(screen) != before);
    }
    panic!("no {label}:\n{}", console.screen());
}

/// What the marks stand before.
fn marked(screen: &str) -> Vec<String> {
    let label = |line: &String| line.split_once("> ").map(|(_, rest)| rest.chars().take(LABEL_CHARS).collect());
    marks(screen).iter().filter_map(label).collect()
}

/// The lines that have a mark.
pub(crate) fn marks(screen: &str) -> Vec<String> {
    screen.lines().filter(|line| line.contains("> ")).map(str::to_owned).collect()
}

/// A reader may not revoke. Which words say it depends on whether his teams are known already.
pub(crate) fn wait_for_why_not(console: &Terminal, name: &str) {
    console.wait_until("why not", |screen| {
        screen.contains(&format!("revoke: {name} is a reader: reading only"))
            || screen.contains("revoke: needs manager of Ops, or admin")
    });
}

fn token(daemon: &Daemon, name: &str) -> Value {
    daemon.get(&format!("/v1/tokens/{name}"))
}

#[test]
fn a_token_with_chosen_fields_is_created_through_the_form_and_used() {
    let daemon = with_alertmanager();
    let mut console = Terminal::start(&console_of(&daemon), (110, 40));
    console.wait_for("no tokens yet");
    press(&mut console, "A", "1 to 64 visible characters");
    console.type_slowly("am-plant");
    go_to(&mut console, "scope");
    console.type_slowly("Ops/");
    go_to(&mut console, "expires");
    console.type_slowly("7");
    go_to(&mut console, "from");
    console.type_slowly("127.0.0.0/8");
    go_to(&mut console, "more");
    press(&mut console, " ", "delivery ids");
    go_to(&mut console, "limit");
    console.type_slowly("600");
    console.wait_for("write a limit as 600/min");
    console.type_slowly("/min:50");
    go_to(&mut console, "strict");
    let before = marks(&console.screen());
    console.send(" ");
    console.wait_until("it is ticked", |screen| marks(screen) != before);
    go_to(&mut console, "[ Create ]");
    let screen = press(&mut console, "\r", "shown this once");
    let secret = screen.lines().find(|line| line.starts_with("tg_s_")).expect("the secret stands alone").trim();
    let made = token(&daemon, "am-plant");
    assert_eq!((&made["scope"]["name"], &made["allowed_ips"]), (&json!("Ops/DB"), &json!(["127.0.0.0/8"])));
    assert_eq!(made["rate_limit"], json!({ "calls_per_min": 600, "burst": 50 }));
    assert_eq!((&made["dedup_strict"], &made["query_token"]), (&json!(true), &json!(false)));
    assert_eq!(made["expiry"], json!({ "after_secs": 604_800 }));
    assert_eq!(daemon.post(secret, &alert("firing", "a")).status, 201);
}

#[test]
fn a_change_that_lost_the_race_shows_theirs_keeps_mine_and_saves_both() {
    let daemon = with_alertmanager();
    daemon.token("am", "service:Ops/DB", &[]);
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("am ");
    press(&mut console, "E", "EDIT TOKEN am");
    go_to(&mut console, "from");
    console.type_slowly("10.0.0.7");
    go_to(&mut console, "[ Change ... ]");
    let review = press(&mut console, "\r", "CHANGE am");
    assert!(review.contains("any address") && review.contains("> [ Cancel ]"), "{review}");
    daemon.cli(["token", "edit", "am", "--dedup", "5m"]).expect(0);
    go_to(&mut console, "[ Change ]");
    let face = press(&mut console, "\r", "CHANGED MEANWHILE");
    assert!(face.contains("10m  ->  5m") && face.contains("10.0.0.7"), "{face}");
    assert_eq!(token(&daemon, "am")["allowed_ips"], json!([]), "nothing was overwritten");
    press(&mut console, "\r", "[ Change ... ]");
    press(&mut console, "\r", "CHANGE am");
    go_to(&mut console, "[ Change ]");
    press(&mut console, "\r", "done ");
    let now = token(&daemon, "am");
    assert_eq!((&now["allowed_ips"], &now["dedup_window_secs"]), (&json!(["10.0.0.7"]), &json!(300)));
}

#[test]
fn a_token_that_is_suspended_by_a_key_answers_503_and_resumes() {
    let daemon = with_alertmanager();
    let sender = daemon.token("am", "service:Ops/DB", &[]);
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("am ");
    press(&mut console, "S", "SUSPEND am");
    console.type_slowly("doubt");
    go_to(&mut console, "[ Suspend ]");
    press(&mut console, "\r", "SUSPENDED");
    let refused = daemon.post(&sender.secret, &alert("firing", "a"));
    assert_eq!((refused.status, refused.slug().as_str()), (503, "token-suspended"));
    assert_eq!(token(&daemon, "am")["suspended"]["reason"], "doubt");
    press(&mut console, "S", "RESUME am");
    console.wait_for("doubt");
    go_to(&mut console, "[ Resume ]");
    console.send("\r");
    console.wait_until("it is resumed", |screen| screen.contains("token resume") && screen.contains("done "));
    assert_eq!(daemon.post(&sender.secret, &alert("firing", "a")).status, 201);
}

#[test]
fn an_operator_who_is_added_on_screen_six_is_there_and_in_the_audit_on_screen_seven() {
    let daemon = with_alertmanager();
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for(" LIVE ");
    press(&mut console, "6", "no operators");
    press(&mut console, "A", "NEW OPERATOR");
    console.type_slowly("bob");
    go_to(&mut console, "teams");
    console.type_slowly("Ops=responder");
    go_to(&mut console, "[ Create ]");
    press(&mut console, "\r", "Ops responder");
    assert_eq!(daemon.get("/v1/operators/bob")["team_roles"], json!([["Ops", "responder"]]));
    press(&mut console, "7", "chain INTACT");
    console.wait_until("the change", |screen| screen.contains("operator.create") && screen.contains("console"));
    press(&mut console, "f", "actor:NAME");
    console.type_slowly("action:team");
    console.send("\r");
    console.wait_until("only teams", |screen| screen.contains("team.create") && !screen.contains("operator.create"));
}

pub(crate) fn with_anna() -> Daemon {
    let daemon = with_alertmanager();
    daemon.local("POST", "/v1/operators", &json!({ "name": "anna", "role": "reader" }));
    let set = json!({ "passphrase": PASSPHRASE });
    assert_eq!(daemon.local("POST", "/v1/operators/anna/passphrase", &set).status, 200);
    daemon.token("am", "service:Ops/DB", &[]);
    daemon
}

/// Signs in as anna in the console.
pub(crate) fn sign_in(console: &mut Terminal) {
    console.type_slowly(":sign-in");
    press(console, "\r", "SIGN IN");
    console.type_slowly("anna");
    console.send(TAB);
    console.wait_for("> passphrase");
    console.type_slowly("wrong");
    // The last field: Enter sends, once the letters are there.
    console.wait_for("[ ***** ");
    console.send("\r");
    console.wait_for("the passphrase is wrong");
    console.type_slowly(PASSPHRASE);
    assert!(!console.screen().contains("horse"), "{}", console.screen());
    go_to(console, "[ Sign in ]");
    press(console, "\r", "anna reader, signed in");
}

#[test]
fn signing_in_changes_who_one_is_greys_what_he_may_not_and_is_one_audit_row() {
    let daemon = with_anna();
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("root admin");
    console.wait_for("am ");
    sign_in(&mut console);
    console.wait_for("(E edit)");
    console.send("R");
    wait_for_why_not(&console, "anna");
    for screen in ["2", "3", "1"] {
        console.send(screen);
        console.wait_until("the screen", |text| text.contains(&format!("TOLLGATE  {screen} ")));
    }
    let rows = daemon.get("/v1/audit?action=sign-in");
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(1), "{rows}");
    console.type_slowly(":sign-out");
    press(&mut console, "\r", "root admin");
    let out = console.bytes();
    assert!(!String::from_utf8_lossy(&out).contains(PASSPHRASE), "it was never on the screen");
}

#[test]
fn an_idle_console_hides_the_screen_and_only_the_passphrase_brings_it_back() {
    let daemon = with_anna();
    let mut command = console(daemon.home(), &daemon.socket());
    command.args(["--lock-after", "4s"]);
    let mut console = Terminal::start(&command, SIZE);
    console.wait_for("am ");
    sign_in(&mut console);
    let screen = console.wait_for("LOCKED");
    assert!(screen.contains("passphrase of anna") && !screen.contains("am "), "{screen}");
    console.type_slowly("guess");
    console.send("\r");
    console.wait_for("the passphrase is wrong");
    console.type_slowly(PASSPHRASE);
    console.send("\r");
    console.wait_for("anna reader, signed in");
    wait::until("two sign-ins are in the audit", wait::PATIENCE, || {
        let rows = daemon.get("/v1/audit?action=sign-in");
        if rows["items"].as_array().map(Vec::len) == Some(2) { Ok(()) } else { Err(rows.to_string()) }
    });
}

#[test]
fn a_lockdown_by_name_and_reason_stands_on_every_screen_until_it_is_lifted() {
    let daemon = with_alertmanager();
    let sender = daemon.token("am", "service:Ops/DB", &[]);
    let host = daemon.get("/v1/status")["host"].as_str().expect("a host").to_owned();
    let mut console = Terminal::start(&console_of(&daemon), SIZE);
    console.wait_for("am ");
    console.type_slowly(":lockdown on");
    press(&mut console, "\r", "LOCK DOWN");
    console.type_slowly(&host);
    console.wait_for("name complete");
    console.send("\x1b[Z");
    console.wait_for("> reason");
    console.type_slowly("leak");
    go_to(&mut console, "[ Lock down ]");
    let banner = press(&mut console, "\r", "! LOCKED DOWN");
    assert!(banner.contains("leak") && banner.contains("by root"), "{banner}");
    assert_eq!(daemon.post(&sender.secret, &alert("firing", "a")).slug(), "locked-down");
    for screen in ["2", "3", "5", "6", "7", "8", "1"] {
        console.send(screen);
        console.wait_until("the banner", |text| {
            text.contains(&format!("TOLLGATE  {screen} ")) && text.contains(" LOCKED DOWN ") && text.contains("leak")
        });
    }
    console.type_slowly(":lockdown off");
    press(&mut console, "\r", "LIFT THE LOCKDOWN");
    go_to(&mut console, "[ Lift ]");
    console.send("\r");
    console.wait_until("no banner", |screen| !screen.contains("LOCKED DOWN") && screen.contains("TOLLGATE  1"));
    assert_eq!(daemon.post(&sender.secret, &alert("firing", "a")).status, 201);
}
