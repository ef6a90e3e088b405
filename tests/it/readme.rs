//! The commands of the README do what it says.

use tollgate_shared::filter::{preset, preset_names};
use tollgate_tests::binaries;
use tollgate_tests::daemon::{Daemon, clean_command};
use tollgate_tests::fixtures::recorded;
use tollgate_tests::process::run;

/// The content of the block that begins with this line of three backticks.
fn block(document: &str, opening: &str) -> String {
    let lines = document.lines().skip_while(|line| *line != opening).skip(1);
    lines.take_while(|line| !line.starts_with("```")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn quick_start_of_the_readme_opens_an_incident_as_it_is_written() {
    let readme = std::fs::read_to_string(binaries::workspace().join("README.md")).expect("there is a README");
    let script = block(&readme, "```sh quickstart");
    assert!(script.lines().count() >= 5, "the README has a quick start: {script:?}");
    let daemon = Daemon::start();
    std::fs::write(daemon.home().join("firing.json"), recorded("alertmanager_firing").body).expect("a file is written");
    let programs = binaries::tollgate().parent().expect("a program has a directory").to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = clean_command("/bin/sh".as_ref(), daemon.home());
    shell.env("PATH", format!("{}:{path}", programs.display())).env("TOLLGATE_SOCKET", daemon.socket());
    let ran = run(shell.args(["-e", "-u", "-c", &script]), b"").expect(0);
    let incidents = daemon.all("/v1/incidents?state=open");
    assert_eq!(incidents.len(), 1, "{ran:?}");
    let title = incidents[0]["head"]["title"].as_str().expect("it has a title");
    assert!(ran.stdout.matches(title).count() >= 2, "the list and the log show it: {ran:?}");
}

#[test]
fn there_is_a_section_for_each_preset_with_every_field_that_zabbix_must_send() {
    let senders = std::fs::read_to_string(binaries::workspace().join("docs/senders.md")).expect("there is a page");
    let headings: Vec<&str> = senders.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings, preset_names().collect::<Vec<_>>());
    let zabbix = preset("zabbix").expect("a preset");
    let conditions = zabbix.trigger.conditions.iter().chain(zabbix.resolve.iter().flat_map(|part| &part.conditions));
    let paths =
        conditions.map(|condition| &condition.path).chain(&zabbix.trigger.title_from).chain(&zabbix.trigger.correlate);
    for path in paths {
        assert!(senders.contains(&format!("| `{path}` |")), "{path}");
    }
}

#[test]
fn every_test_that_the_readme_promises_is_there() {
    let readme = std::fs::read_to_string(binaries::workspace().join("README.md")).expect("there is a README");
    let named: Vec<&str> = readme.split('`').filter(|word| word.starts_with("tests/it/")).collect();
    assert!(named.len() >= 3, "{named:?}");
    for file in named {
        assert!(binaries::workspace().join(file).try_exists().expect("one can look"), "{file} is promised");
    }
}
