//! Job 9: the host's disk has died; there is a backup, a new host, and something that was revoked in between.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Setup, Token, clean_command};
use tollgate_tests::process::{self, Ran};
use tollgate_tests::terminal::Terminal;
use tollgate_tests::{binaries, wait};

use crate::support::{alert, with_alertmanager};

const PASSPHRASE: &str = "a ship in a bottle\n";

pub(super) fn passphrase_file(directory: &Path) -> String {
    let path = directory.join("passphrase");
    fs::write(&path, PASSPHRASE).expect("a passphrase file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    path.display().to_string()
}

/// A daemon with a service and two tokens that were used, and what is needed to back it up.
pub(super) fn old_host() -> (Daemon, Token, Token, String) {
    let daemon = with_alertmanager();
    let [kept, leaked] = ["am-prod", "old-ci"].map(|name| daemon.token(name, "service:Ops/DB", &[]));
    for token in [&kept, &leaked] {
        assert_eq!(daemon.post(&token.secret, &alert("firing", &token.id)).status, 201);
    }
    let passphrase = passphrase_file(daemon.home());
    (daemon, kept, leaked, passphrase)
}

pub(super) fn tollgated(home: &Path, args: &[&str]) -> Ran {
    process::run(clean_command(&binaries::tollgated(), home).args(args), b"")
}

/// Restores into the data directory of a daemon that is made for it and stopped, and whose directory is emptied.
fn new_host(backup: &Path, more: &[&str]) -> (Daemon, Ran) {
    let mut daemon = Setup::default().start();
    assert_eq!(daemon.terminate(), 0);
    fs::remove_dir_all(daemon.data_dir()).expect("an empty place");
    let data = daemon.data_dir().display().to_string();
    let file = backup.display().to_string();
    let args = [["restore", file.as_str(), "--data-dir", data.as_str()].as_slice(), more].concat();
    let ran = tollgated(daemon.home(), &args);
    (daemon, ran)
}

fn backup_of(daemon: &Daemon, passphrase: &str) -> std::path::PathBuf {
    let path = daemon.home().join("t.backup");
    let made = daemon.cli(["backup", "t.backup", "--passphrase-file", passphrase]).expect(0);
    assert!(made.stdout.contains("encrypted, with the token key"), "{}", made.stdout);
    path
}

#[test]
fn job_9_a_dead_disk_a_backup_a_review_and_the_senders_go_on_with_their_secrets() {
    let (old, kept, leaked, passphrase) = old_host();
    assert!(old.cli(["status"]).expect(0).stdout.contains("no backup yet"));
    let file = backup_of(&old, &passphrase);
    assert!(old.cli(["status"]).expect(0).stdout.contains(&file.display().to_string()), "its place");
    // After the backup: it is alive in it.
    old.cli(["token", "revoke", "old-ci", "--confirm", "old-ci", "--reason", "leaked"]).expect(0);

    let (mut new, ran) = new_host(&file, &["--passphrase-file", &passphrase]);
    let said = ran.expect(0).stdout;
    for part in ["2 tokens", "tollgate.toml", "TLS", "unix groups", "actions", "restore-review", "unix users"] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    drop(old);
    new.restart();
    assert_eq!(new.post(&kept.secret, &alert("firing", "x")).status, 503, "nobody is let in before the review");
    new.restart();
    let answer = new.post(&kept.secret, &alert("firing", "x"));
    assert_eq!((answer.status, answer.json()["type"].clone()), (503, json!("urn:tollgate:problem:locked-down")));

    let lifted = new.cli(["lockdown", "off"]).expect(1);
    assert!(lifted.stderr.contains("tollgate restore-review"), "{}", lifted.stderr);
    let review = new.cli(["restore-review"]).expect(2).stdout;
    for part in ["old; what was revoked since is unknown", "am-prod", "old-ci", "--confirm-count 2"] {
        assert!(review.contains(part), "{part}:\n{review}");
    }
    new.cli(["restore-review", "--suspend", "old-ci", "--confirm-count", "2"]).expect(1);
    new.cli(["restore-review", "--suspend", "nobody", "--confirm-count", "1"]).expect(66);
    assert_eq!(new.post(&kept.secret, &alert("firing", "x")).status, 503, "all or nothing");
    let plan = new.cli(["restore-review", "--suspend", "old-ci"]).expect(2).stdout;
    assert!(plan.contains("restore-review --suspend old-ci --confirm-count 1"), "{plan}");
    let done = new.cli(["restore-review", "--suspend", "old-ci", "--confirm-count", "1"]).expect(0).stdout;
    assert!(done.contains("1 token let in, 1 suspended"), "{done}");

    assert_eq!(new.post(&kept.secret, &alert("firing", "again")).status, 201, "no sender was touched");
    let answer = new.post(&leaked.secret, &alert("firing", "again"));
    assert_eq!(answer.json()["type"], json!("urn:tollgate:problem:token-suspended"));
    new.cli(["restore-review", "--confirm-count", "1"]).expect(1);
    assert_eq!(new.cli_json(["audit", "verify"])["intact"], json!(true));
    let actions: Vec<Value> = new.all("/v1/audit").into_iter().map(|row| row["action"].clone()).collect();
    for action in ["backup", "restore", "token.suspend", "restore.review"] {
        assert!(actions.contains(&json!(action)), "{action}: {actions:?}");
    }
}

#[test]
fn job_9_a_plain_backup_says_what_it_costs_when_it_is_made_verified_and_restored() {
    let (old, kept, _, _) = old_host();
    let made = old.cli(["--quiet", "backup", "plain.backup", "--plain"]).expect(0);
    assert!(made.stderr.contains("WARNING: no token of it can authenticate"), "{}", made.stderr);
    let file = old.home().join("plain.backup");
    let verdict = old.cli(["backup", "verify", "plain.backup"]).expect(2).stdout;
    assert!(verdict.contains("NOT inside") && verdict.contains("encrypted   NO"), "{verdict}");

    let (new, refused) = new_host(&file, &[]);
    assert!(refused.expect(1).stderr.contains("--new-token-key"));
    let data = new.data_dir().display().to_string();
    let file = file.display().to_string();
    let ran = tollgated(new.home(), &["restore", &file, "--data-dir", &data, "--new-token-key"]).expect(0);
    assert!(ran.stdout.contains("2 tokens need a new secret"), "{}", ran.stdout);
    let mut new = new;
    new.restart();
    assert_eq!(new.get("/v1/tokens/am-prod")["state"], json!("needs_rotation"));
    let review = new.cli(["restore-review"]).expect(2).stdout;
    assert!(review.contains("needs_rotation") && review.contains("--confirm-count 0"), "{review}");
    new.cli(["restore-review", "--confirm-count", "0"]).expect(0);

    assert_eq!(new.post(&kept.secret, &alert("firing", "x")).status, 401, "the old value is nobody's");
    let refused = new.cli(["log", "--refused"]).expect(0).stdout;
    assert!(refused.contains("lost its secret in a restore"), "{refused}");
    new.cli(["token", "rotate", "am-prod", "--overlap", "1h", "--yes"]).expect(65);
    let made = new.cli_json(["token", "rotate", "am-prod", "--now", "--confirm", "am-prod"]);
    assert_eq!(new.post(&Token::of(&made).secret, &alert("firing", "x")).status, 201);
    assert_eq!(new.get("/v1/tokens/am-prod")["state"], json!("active"));
}

#[test]
fn job_9_what_is_wrong_with_a_backup_is_told_apart_and_nothing_is_half_restored() {
    let (old, _, _, passphrase) = old_host();
    let file = backup_of(&old, &passphrase);
    let verify = |path: &str, phrase: &str| old.cli(["backup", "verify", path, "--passphrase-file", phrase]);
    let good = verify("t.backup", &passphrase).expect(0).stdout;
    for part in ["whole       yes", "token key   inside", "tokens      2", "the chain is intact", "tollgated 0."] {
        assert!(good.contains(part), "{part}:\n{good}");
    }
    let wrong = old.home().join("wrong");
    fs::write(&wrong, "another passphrase\n").expect("a file");
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).expect("a mode");
    let wrong = verify("t.backup", &wrong.display().to_string()).expect(77);
    assert!(wrong.stderr.contains("not the one that it was made with"), "{}", wrong.stderr);
    old.cli(["backup", "verify", "t.backup"]).expect(64);
    verify("nothing.backup", &passphrase).expect(66);

    let whole = fs::read(&file).expect("the backup");
    fs::write(old.home().join("cut"), &whole[..whole.len() / 2]).expect("a file");
    assert!(verify("cut", &passphrase).expect(65).stderr.contains("it is cut"));
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 0x10;
    fs::write(old.home().join("changed"), &changed).expect("a file");
    assert!(verify("changed", &passphrase).expect(65).stderr.contains("was changed between byte"));
    fs::write(old.home().join("other"), "something else altogether").expect("a file");
    assert!(verify("other", &passphrase).expect(65).stderr.contains("no backup of Tollgate"));

    let (new, refused) = new_host(&old.home().join("changed"), &["--passphrase-file", &passphrase]);
    refused.expect(65);
    let left: Vec<_> = fs::read_dir(new.data_dir()).expect("a directory").collect();
    assert_eq!(left.len(), 1, "only the lock file: {left:?}");
}

#[test]
fn job_9_a_backup_never_replaces_a_file_and_a_restore_never_a_daemon_or_its_files() {
    let (old, _, _, passphrase) = old_host();
    let file = backup_of(&old, &passphrase);
    let mode = fs::metadata(&file).expect("the backup").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let again = old.cli(["backup", "t.backup", "--passphrase-file", &passphrase]).expect(65);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    old.cli(["backup", "u.backup"]).expect(64);
    let names: Vec<_> = fs::read_dir(old.home())
        .expect("the home")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.ends_with(".new"))
        .collect();
    assert!(names.is_empty(), "{names:?}");

    let (data, file) = (old.data_dir().display().to_string(), file.display().to_string());
    let restore = ["restore", &file, "--data-dir", &data, "--passphrase-file", &passphrase];
    let running = tollgated(old.home(), &restore).expect(1);
    assert!(running.stderr.contains(&format!("another daemon (pid {})", old.pid())), "{}", running.stderr);
    let mut old = old;
    old.terminate();
    let full = tollgated(old.home(), &restore).expect(1);
    assert!(full.stderr.contains("is not empty"), "{}", full.stderr);
}

#[test]
fn job_9_either_program_given_the_others_verb_names_the_right_command() {
    let daemon = Daemon::start();
    let restore = daemon.cli(["restore", "t.backup"]).expect(64);
    assert!(restore.stderr.contains("tollgated restore"), "{}", restore.stderr);
    let backup = tollgated(daemon.home(), &["backup", "t.backup"]).expect(64);
    assert!(backup.stderr.contains("tollgate backup FILE"), "{}", backup.stderr);
}

#[test]
fn job_9_a_passphrase_is_typed_twice_and_is_not_on_the_screen() {
    let (old, ..) = old_host();
    let mut command = old.cli_command();
    command.args(["backup", "typed.backup"]);
    let mut terminal = Terminal::start(&command, (120, 24));
    for question in ["a passphrase for the backup", "the same again:"] {
        terminal.wait_for(question);
        terminal.send("a ship in a bottle\r");
    }
    let screen = terminal.wait_for("encrypted, with the token key");
    assert!(!screen.contains("a ship"), "{screen}");
    let verify = ["backup", "verify", "typed.backup", "--passphrase-file"];
    old.cli_with(&[verify.as_slice(), &[&passphrase_file(old.home())]].concat(), b"").expect(0);
}

#[test]
fn job_9_the_daemon_makes_backups_by_itself_and_says_where_it_cannot() {
    let home = tempfile::tempdir().expect("a directory");
    let passphrase = passphrase_file(home.path());
    let to = home.path().join("usb").display().to_string();
    let setup = Setup::default()
        .env("TOLLGATE_BACKUP_EVERY", "24h")
        .env("TOLLGATE_BACKUP_KEEP", "2")
        .env("TOLLGATE_BACKUP_TO", &to)
        .env("TOLLGATE_BACKUP_PASSPHRASE_FILE", &passphrase);
    let mut daemon = setup.start();
    let backup = |daemon: &Daemon| daemon.get("/v1/status")["backup"].clone();
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| value.to_string());
    let why = wait::until("the failure is known", wait::PATIENCE, || text(&backup(&daemon)["failed"]["why"]));
    assert!(why.contains("is no directory"), "{why}");
    assert!(daemon.cli(["status"]).expect(2).stdout.contains("FAILED"), "not mounted is no reason to keep still");

    fs::create_dir(&to).expect("a directory");
    daemon.restart();
    let last = |daemon: &Daemon| text(&backup(daemon)["last_scheduled"]["place"]);
    let place = wait::until("the first one is written", wait::PATIENCE, || last(&daemon));
    assert!(place.starts_with(&to) && place.ends_with(".backup"), "{place}");
    daemon.cli(["backup", "verify", &place, "--passphrase-file", &passphrase]).expect(0);
    daemon.cli(["status"]).expect(0);
    // The next one is due in a day, also after a restart: the state remembers.
    daemon.restart();
    assert_eq!(last(&daemon), Ok(place));
}

#[test]
fn job_9_a_secret_is_in_no_backup_and_a_stick_that_is_pulled_leaves_nothing_behind() {
    let (old, kept, ..) = old_host();
    old.cli(["backup", "plain.backup", "--plain"]).expect(0);
    let bytes = fs::read(old.home().join("plain.backup")).expect("the backup");
    let secret = kept.secret.as_bytes();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret), "a secret is stored nowhere");
    let gone = old.cli(["backup", "not/there/t.backup", "--plain"]).expect(65);
    assert!(gone.stderr.contains("cannot be made"), "{}", gone.stderr);
    let left = fs::read_dir(old.data_dir()).expect("the data directory").filter_map(Result::ok);
    assert!(!left.into_iter().any(|entry| entry.file_name() == "backup.spool"), "what is prepared has no name");
}
