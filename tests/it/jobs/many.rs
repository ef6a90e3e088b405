//! Job 10: two hundred tokens from a CSV file.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;
use tollgate_tests::daemon::Daemon;

use crate::support::{alert, with_alertmanager};

const TOKENS: usize = 200;

/// A file with a token a line; `wrong` lines name a team that is not there.
fn file(daemon: &Daemon, name: &str, wrong: &[usize]) -> PathBuf {
    let mut text = "name,scope,expires,description\n".to_owned();
    for number in 1..=TOKENS {
        let scope = if wrong.contains(&number) { "team:Opz" } else { "service:Ops/DB" };
        text.push_str(&format!("host-{number:03},{scope},1y,\"rack {}, unit {number}\"\n", number / 40));
    }
    let path = daemon.home().join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

fn create(daemon: &Daemon, file: &std::path::Path, more: &[&str]) -> tollgate_tests::process::Ran {
    let file = file.to_str().expect("a path of ASCII");
    daemon.cli_with(&[&["token", "create", "--from", file], more].concat(), b"")
}

#[test]
fn job_10_two_hundred_tokens_come_from_a_file_dry_run_first_all_or_none() {
    let daemon = with_alertmanager();
    let tokens = || daemon.get("/v1/status")["tokens"].clone();
    let bad = file(&daemon, "bad.csv", &[17, 117]);
    let refused = create(&daemon, &bad, &["--dry-run"]).expect(65).stderr;
    assert!(refused.contains("2 lines wrong, nothing was created"), "{refused}");
    for line in ["line 18: scope:", "line 118: scope:"] {
        let said = refused.lines().find(|said| said.contains(line)).unwrap_or_else(|| panic!("{line}: {refused}"));
        assert!(said.contains("Opz") && said.contains("did you mean"), "{said}");
    }
    let good = file(&daemon, "good.csv", &[]);
    let dry = create(&daemon, &good, &["--dry-run"]).expect(0).stdout;
    assert!(dry.contains("200 tokens would be created"), "{dry}");
    assert_eq!(tokens(), json!(0));
    let needs = create(&daemon, &good, &[]).expect(64).stderr;
    assert!(needs.contains("--secrets-to"), "{needs}");
    let secrets = daemon.home().join("new.csv");
    let done = create(&daemon, &good, &["--secrets-to", secrets.to_str().expect("ASCII")]).expect(0).stdout;
    assert!(done.contains("200 tokens created") && !done.contains("tg_s_"), "{done}");
    assert_eq!(tokens(), json!(TOKENS));
    let mode = std::fs::metadata(&secrets).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let text = std::fs::read_to_string(&secrets).expect("it can be read");
    let last = text.lines().last().and_then(|line| line.rsplit(',').next()).expect("a secret");
    assert_eq!((text.lines().count(), daemon.post(last, &alert("firing", "a")).status), (TOKENS + 1, 201));
    rerun(&daemon, &good, &secrets);
}

/// A file of secrets is never written over, and a second run makes only what is missing.
fn rerun(daemon: &Daemon, good: &std::path::Path, secrets: &std::path::Path) {
    let before = std::fs::read(secrets).expect("it can be read");
    let again = create(daemon, good, &["--if-absent", "--secrets-to", secrets.to_str().expect("ASCII")]);
    assert!(again.status == Some(0) || again.stderr.contains("exists"), "{again:?}");
    assert_eq!(std::fs::read(secrets).expect("it can be read"), before);
    let twice = create(daemon, good, &["--dry-run"]).expect(65).stderr;
    assert!(twice.contains("200 lines wrong"), "without --if-absent each name is taken: {}", &twice[..300]);
    daemon.cli(["token", "revoke", "host-050", "--confirm", "host-050"]).expect(0);
    let new = daemon.home().join("one.csv");
    let done = create(daemon, good, &["--if-absent", "--secrets-to", new.to_str().expect("ASCII")]).expect(0).stdout;
    assert!(done.contains("1 token created, 199 left out"), "{done}");
}

#[test]
fn job_10_each_scope_gets_a_file_of_its_own() {
    let daemon = with_alertmanager();
    daemon.service("Web", "alertmanager");
    let path = daemon.home().join("two.csv");
    std::fs::write(&path, "name,scope\na,service:Ops/DB\nb,service:Ops/Web\nc,service:Ops/DB\n").expect("a file");
    let to = daemon.home().join("new.csv");
    create(&daemon, &path, &["--secrets-to", to.to_str().expect("ASCII"), "--split-by", "scope"]).expect(0);
    let names = |part: &str| {
        let text = std::fs::read_to_string(daemon.home().join(part)).unwrap_or_else(|error| panic!("{part}: {error}"));
        text.lines().skip(1).filter_map(|line| line.split(',').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(
        (names("new.service_Ops_DB.csv"), names("new.service_Ops_Web.csv")),
        (vec!["a".into(), "c".into()], vec!["b".into()])
    );
}
