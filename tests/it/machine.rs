//! What the command line writes for machines is what its README promises.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollgate_tests::binaries;
use tollgate_tests::daemon::Daemon;

use crate::support::alert;

/// The rows of the README's table with this heading, cut at their bars.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let rows = document.lines().skip_while(|line| *line != heading).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// A daemon as the README supposes it.
fn prepared() -> Daemon {
    let daemon = Daemon::start();
    daemon.service("DB", "alertmanager");
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    daemon.token("old", "global", &[]);
    daemon.cli(["token", "revoke", "old", "--confirm", "old"]).expect(0);
    for (file, content) in
        [("am.token", &*token.secret), ("firing.json", &alert("firing", "a")), ("legacy", "legacy-value-0123456789")]
    {
        std::fs::write(daemon.home().join(file), content).expect("a file is written");
    }
    daemon
}

#[test]
fn json_results_have_the_members_that_the_readme_promises() {
    let readme = std::fs::read_to_string(binaries::workspace().join("tui/README.md")).expect("there is a README");
    let shapes: BTreeMap<String, BTreeSet<String>> = table(&readme, "| shape | members |")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].split(' ').map(|word| word.trim_matches('`').to_owned()).collect()))
        .collect();
    let commands = table(&readme, "| command | gives |");
    assert!(shapes.len() > 15 && commands.len() > 30, "the tables were found");
    let daemon = prepared();
    let mut wrong = Vec::new();
    for row in commands {
        let (command, gives) = (row[0].trim_matches('`'), &row[1]);
        let words: Vec<_> = command.split(' ').skip(1).collect();
        let ran = daemon.cli_with(&[&["--output", "json"], words.as_slice()].concat(), b"");
        let Ok(value) = serde_json::from_str::<Value>(&ran.stdout) else {
            wrong.push(format!("{command}: no JSON: {ran:?}"));
            continue;
        };
        let shape = &shapes[gives.strip_prefix("array of ").unwrap_or(gives)];
        let objects = match value {
            Value::Array(rows) if gives.starts_with("array of ") => rows,
            object @ Value::Object(_) => vec![object],
            other => {
                wrong.push(format!("{command}: {other}"));
                continue;
            }
        };
        for object in objects {
            let members: BTreeSet<_> =
                object.as_object().into_iter().flat_map(|members| members.keys()).cloned().collect();
            let missing: Vec<_> = shape.difference(&members).collect();
            if !missing.is_empty() {
                wrong.push(format!("{command}: without {missing:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_failure_writes_no_result_and_says_why_on_standard_error() {
    let daemon = Daemon::start();
    for words in [&["token", "show", "nobody"][..], &["team", "create", ""], &["token", "list", "--sort", "luck"]] {
        let ran = daemon.cli_with(&[&["--output", "json"], words].concat(), b"");
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{words:?}: {ran:?}");
        assert!(ran.status.is_some_and(|status| status > 2), "{words:?}: {ran:?}");
    }
}
