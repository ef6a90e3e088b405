//! A filter is mended in the console while a logged call shows what it would do.

use serde_json::json;
use tollgate_tests::daemon::Daemon;
use tollgate_tests::terminal::Terminal;

use crate::console::console_of;

const BODY: &str = r#"{"status":"burning","title":"disk full","key":"a"}"#;

/// Tabs until something stands on the screen. A key that is not a letter is no paste.
fn tab_to(console: &mut Terminal, wanted: &str) {
    for _ in 0..60 {
        if console.screen().contains(wanted) {
            return;
        }
        let before = console.screen();
        console.send("\t");
        console.wait_until("the mark moved", |screen| screen != before);
    }
    panic!("no {wanted}:\n{}", console.screen());
}

#[test]
fn a_call_that_matched_nothing_opens_an_incident_after_its_filter_was_edited_in_the_console() {
    let daemon = Daemon::start();
    daemon.cli(["team", "create", "Ops"]).expect(0);
    daemon.cli(["service", "create", "Ops/DB"]).expect(0);
    let spec = json!({ "name": "alerts", "trigger": {
        "conditions": [{ "path": "status", "op": "equals", "values": ["firing"] }],
        "title_from": ["title"], "correlate": ["key"] } });
    daemon.cli_with(&["filter", "create", "--service", "Ops/DB", "--file", "-"], spec.to_string().as_bytes()).expect(0);
    let token = daemon.token("sender", "service:Ops/DB", &["--debug"]);
    daemon.post(&token.secret, BODY);
    assert_eq!(daemon.all("/v1/incidents").len(), 0);
    let mut console = Terminal::start(&console_of(&daemon), (110, 40));
    console.wait_for("sender");
    console.send("2");
    console.wait_for("NO MATCH");
    console.send("E");
    console.wait_for("NO MATCH: no filter of the service takes this call");
    tab_to(&mut console, "> 1 ");
    tab_to(&mut console, "up to 10 words");
    console.send("\u{15}");
    console.type_slowly("burning");
    console.wait_for("OPENS P3 \"disk full\"");
    console.send("\u{14}");
    console.wait_for("of 1 logged call: 1 gained, 0 lost");
    tab_to(&mut console, "> [ Change ... ]");
    console.send("\r");
    let review = console.wait_for("status  equals firing  ->  status  equals burning");
    assert!(review.contains("> [ Cancel ]"), "{review}");
    tab_to(&mut console, "> [ Change ]");
    console.send("\r");
    console.wait_for("done ");
    assert_eq!(daemon.post(&token.secret, BODY).status, 201);
    assert_eq!(daemon.all("/v1/incidents").len(), 1);
}
