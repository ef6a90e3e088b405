//! What the programs say where they cannot start: the cause, the place, the remedy, and the exit code.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tollgate_tests::daemon::{Daemon, Setup, clean_command};
use tollgate_tests::process::{Ran, run};
use tollgate_tests::{binaries, skipped};

use crate::support::{alert, outcome, with_alertmanager};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).expect("the file is there").permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("the mode can be set");
}

/// Starts the daemon that must refuse to start, and expects these words.
#[track_caller]
fn assert_does_not_start(daemon: &Daemon, words: &[&str]) -> Ran {
    let ran = run(&mut daemon.run_command(), b"").expect(1);
    assert!(ran.stdout.is_empty(), "no ready line: {ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} is not said: {ran:?}");
    }
    ran
}

#[test]
fn files_and_socket_are_for_the_daemons_user_alone() {
    let daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", "a"))), "created");
    assert_eq!(mode(&daemon.data_dir()), 0o700);
    assert_eq!(mode(&daemon.socket()), 0o600);
    let mut directories = vec![daemon.data_dir()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("the directory can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                assert_eq!(mode(&path), 0o700, "{}", path.display());
                directories.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
}

#[test]
fn data_directory_that_others_may_write_is_refused_with_the_remedy() {
    let mut daemon = Daemon::start();
    daemon.kill9();
    chmod(&daemon.data_dir(), 0o722);
    assert_does_not_start(&daemon, &["chmod 0700", "data"]);
    chmod(&daemon.data_dir(), 0o700);
    daemon.restart();
}

#[test]
fn key_file_missing_foreign_or_loose_stops_the_daemon_and_is_never_made_anew() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &[]);
    daemon.kill9();
    let key = daemon.data_dir().join("token.key");
    let content = std::fs::read(&key).expect("the key can be read");
    std::fs::remove_file(&key).expect("the key can be removed");
    assert_does_not_start(&daemon, &["token.key", "is missing"]);
    assert!(!key.try_exists().expect("one can look"), "a new key was made");
    std::fs::write(&key, b"something else").expect("the key can be written");
    chmod(&key, 0o600);
    assert_does_not_start(&daemon, &["token.key", "not a token key"]);
    let mut foreign = content.clone();
    *foreign.last_mut().expect("the key has bytes") ^= 1;
    std::fs::write(&key, &foreign).expect("the key can be written");
    assert_does_not_start(&daemon, &["key"]);
    std::fs::write(&key, &content).expect("the key can be written");
    chmod(&key, 0o640);
    assert_does_not_start(&daemon, &["token.key", "chmod 0600"]);
    chmod(&key, 0o600);
    daemon.restart();
    assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", "a"))), "created");
}

#[test]
fn second_daemon_on_the_same_directory_or_socket_is_refused_and_the_first_goes_on() {
    let daemon = with_alertmanager();
    let pid = format!("pid {}", daemon.pid());
    assert_does_not_start(&daemon, &["another daemon", &pid]);
    let mut other = daemon.run_command();
    other.arg("--data-dir").arg(daemon.home().join("other"));
    let ran = run(&mut other, b"");
    // A flag that is given twice is a wrong command line; then the environment says it.
    let ran = if ran.status == Some(64) {
        let mut other = clean_command(&binaries::tollgated(), daemon.home());
        other.args(["run", "--listen", "127.0.0.1:0", "--socket"]).arg(daemon.socket());
        run(other.arg("--data-dir").arg(daemon.home().join("other")), b"")
    } else {
        ran
    };
    let ran = ran.expect(1);
    assert!(ran.stderr.contains("another daemon serves"), "{ran:?}");
    let token = daemon.token("am", "service:Ops/DB", &[]);
    assert_eq!(outcome(&daemon.post(&token.secret, &alert("firing", "a"))), "created");
}

#[test]
fn what_is_not_a_dead_socket_at_the_sockets_path_is_left_alone() {
    let mut daemon = Daemon::start();
    assert_eq!(daemon.terminate(), 0);
    let socket = daemon.socket();
    std::fs::write(&socket, "precious").expect("a file can be written");
    assert_does_not_start(&daemon, &["admin.sock", "not a socket"]);
    assert_eq!(std::fs::read_to_string(&socket).expect("it is still there"), "precious");
    std::fs::remove_file(&socket).expect("it can be removed");
    std::os::unix::fs::symlink("/nowhere", &socket).expect("a link can be made");
    assert_does_not_start(&daemon, &["admin.sock", "symbolic link"]);
    std::fs::remove_file(&socket).expect("it can be removed");
    daemon.restart();
}

#[test]
fn port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has an address").to_string();
    let home = tempfile::tempdir().expect("a directory can be made");
    let mut command = clean_command(&binaries::tollgated(), home.path());
    command.args(["run", "--listen", &address, "--data-dir"]).arg(home.path().join("data"));
    let ran = run(command.arg("--socket").arg(home.path().join("admin.sock")), b"").expect(1);
    assert!(ran.stderr.contains(&address), "{ran:?}");
}

#[test]
fn wrong_command_line_of_either_program_exits_64_and_help_exits_0() {
    let home = tempfile::tempdir().expect("a directory can be made");
    for (program, args, status) in [
        (binaries::tollgated(), &[][..], 64),
        (binaries::tollgated(), &["run", "--nosuch"], 64),
        (binaries::tollgated(), &["token", "list"], 64),
        (binaries::tollgated(), &["--help"], 0),
        (binaries::tollgated(), &["--version"], 0),
        (binaries::tollgate(), &["run"], 64),
        (binaries::tollgate(), &["token", "list", "--nosuch"], 64),
        (binaries::tollgate(), &["--version"], 0),
    ] {
        let ran = run(clean_command(&program, home.path()).args(args), b"");
        assert_eq!(ran.status, Some(status), "{} {args:?}: {ran:?}", program.display());
        assert_eq!(ran.stdout.is_empty(), status == 64, "{} {args:?}: {ran:?}", program.display());
    }
    let ran = run(clean_command(&binaries::tollgate(), home.path()).arg("run"), b"");
    assert!(ran.stderr.contains("tollgated run"), "the other program is named: {ran:?}");
}

#[test]
fn every_mistake_of_the_configuration_is_said_at_once_with_its_origin() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let file = home.path().join("tollgate.toml");
    std::fs::write(&file, "nosuch = 1\n[gate]\nbody_limit = \"lots\"\n[log]\nlevel = \"loud\"\n")
        .expect("a file can be written");
    let mut command = clean_command(&binaries::tollgated(), home.path());
    command.env("TOLLGATE_SHUTDOWN", "soon").env("TOLLGATE_NOSUCH", "1");
    let ran = run(command.args(["run", "--listen", "nowhere", "--config"]).arg(&file), b"").expect(64);
    for word in ["tollgate.toml", "nosuch", "body_limit", "level", "TOLLGATE_SHUTDOWN", "TOLLGATE_NOSUCH", "--listen"] {
        assert!(ran.stderr.contains(word), "{word} is not said:\n{}", ran.stderr);
    }
    assert!(!home.path().join(".local").try_exists().expect("one can look"), "nothing was made");
}

#[test]
fn plain_http_beyond_this_host_needs_the_word() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let mut command = clean_command(&binaries::tollgated(), home.path());
    let ran = run(command.args(["run", "--listen", "0.0.0.0:0"]), b"").expect(64);
    assert!(ran.stderr.contains("allow_plain_http"), "{ran:?}");
}

#[test]
fn a_build_without_tls_refuses_the_settings_instead_of_speaking_plain_http() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let mut command = clean_command(&binaries::tollgated(), home.path());
    command.env("TOLLGATE_TLS_CERTIFICATE", "/c.pem").env("TOLLGATE_TLS_KEY", "/k.pem");
    let ran = run(command.args(["run", "--listen", "127.0.0.1:0"]), b"").expect(1);
    assert!(ran.stderr.contains("built without TLS") && ran.stdout.is_empty(), "{ran:?}");
    let mut command = clean_command(&binaries::tollgated(), home.path());
    let ran = run(command.env("TOLLGATE_TLS_KEY", "/k.pem").args(["run", "--listen", "127.0.0.1:0"]), b"").expect(64);
    assert!(ran.stderr.contains("TOLLGATE_TLS_KEY") && ran.stderr.contains("gate.tls_certificate"), "{ran:?}");
}

#[test]
fn command_line_without_a_daemon_names_the_socket_and_how_to_start_one() {
    let mut daemon = Daemon::start();
    daemon.kill9();
    for args in [&["token", "list"][..], &["status"], &["log", "--follow"]] {
        let ran = daemon.cli_with(args, b"").expect(69);
        assert!(ran.stdout.is_empty(), "{ran:?}");
        assert!(ran.stderr.contains("admin.sock") && ran.stderr.contains("tollgated run"), "{ran:?}");
    }
}

#[test]
fn setting_in_the_environment_is_in_force() {
    let daemon = Setup::default().env("TOLLGATE_BODY_LIMIT", "1KiB").start();
    daemon.service("DB", "alertmanager");
    let token = daemon.token("am", "service:Ops/DB", &[]);
    let answer = daemon.post(&token.secret, &"x".repeat(1025));
    assert_eq!((answer.status, answer.slug().as_str()), (413, "body-too-large"));
}

#[test]
fn data_directory_of_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        skipped("data_directory_of_somebody_else_is_refused", "only root can give a directory away");
        return;
    }
    let mut daemon = Daemon::start();
    daemon.kill9();
    std::os::unix::fs::chown(daemon.data_dir(), Some(65_533), None).expect("root may give it away");
    assert_does_not_start(&daemon, &["65533", "chown"]);
}

#[test]
fn damaged_log_file_is_moved_aside_told_by_the_status_and_named_by_the_check() {
    let mut daemon = with_alertmanager();
    let token = daemon.token("am", "service:Ops/DB", &["--debug"]);
    assert_eq!(daemon.post(&token.secret, &alert("firing", "a")).status, 201);
    let check = |daemon: &Daemon| {
        let mut command = clean_command(&binaries::tollgated(), daemon.home());
        run(command.args(["check", "--data-dir"]).arg(daemon.data_dir()), b"")
    };
    let running = check(&daemon).expect(1);
    assert!(running.stderr.contains("while no daemon runs"), "{running:?}");
    assert_eq!(daemon.terminate(), 0);
    let well = check(&daemon).expect(0);
    assert!(
        well.stdout.contains("all 3 files are well") && well.stdout.contains("1 rows: 0 blocks and 1 alone"),
        "{well:?}"
    );

    let segment = daemon.data_dir().join("log").join("00000000000000000001.redb");
    let length = std::fs::metadata(&segment).expect("it is there").len();
    let file = std::fs::OpenOptions::new().write(true).open(&segment).expect("it can be written");
    file.set_len(length / 2).expect("it can be cut");
    std::os::unix::fs::FileExt::write_all_at(&file, &[0x55; 512], 0).expect("it can be written");
    let damaged = check(&daemon).expect(1);
    assert!(damaged.stdout.contains("DAMAGED  log/00000000000000000001.redb"), "{damaged:?}");
    assert!(damaged.stdout.contains("nothing was changed"), "{damaged:?}");

    daemon.restart();
    assert_eq!(daemon.get("/v1/status")["log"]["damaged"], 1);
    let status = daemon.cli(["status"]).expect(2);
    assert!(
        status.stdout.contains("1 left out or moved aside") && status.stdout.contains("tollgated check"),
        "{status:?}"
    );
    assert_eq!(daemon.post(&token.secret, &alert("resolved", "a")).status, 200, "the daemon goes on");
    assert_eq!(daemon.all("/v1/logs").len(), 1);
    assert_eq!(daemon.terminate(), 0);
    let aside = check(&daemon).expect(1);
    assert!(
        aside.stdout.contains("00000000000000000001.redb.damaged") && aside.stdout.contains("moved aside"),
        "{aside:?}"
    );
    daemon.restart();
    assert_eq!(daemon.get("/v1/status")["log"]["damaged"], 1, "also after another start");
}

/// Writes another version where the state says which one it is: behind the names of its eight marks, which are in the order
/// of the alphabet, come their values; before this one the audit's hash and two numbers.
fn write_format_version(path: &Path, version: u64) {
    const NAMES: &[u8] = b"audit_headaudit_seqcommit_noformat_versionhigh_waterkey_checknext_log_seqstore_id";
    const BEFORE_BYTES: usize = 32 + 8 + 8;
    let mut bytes = std::fs::read(path).expect("the file can be read");
    let places: Vec<usize> =
        bytes.windows(NAMES.len()).enumerate().filter(|(_, seen)| *seen == NAMES).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the marks are in the file");
    for place in places {
        let value = place + NAMES.len() + BEFORE_BYTES;
        assert_eq!(bytes[value..value + 8], 1_u64.to_le_bytes(), "today's version");
        bytes[value..value + 8].copy_from_slice(&version.to_le_bytes());
    }
    std::fs::write(path, bytes).expect("the file can be written");
}

#[test]
fn state_of_a_newer_format_is_refused_by_name_at_the_start_and_by_the_check() {
    let mut daemon = Daemon::start();
    assert_eq!(daemon.terminate(), 0);
    let path = daemon.data_dir().join("state.redb");
    write_format_version(&path, 9);
    let started = run(&mut daemon.run_command(), b"").expect(1);
    let words = "state.redb has format version 9, this program knows up to 1";
    assert!(started.stderr.contains(words) && started.stderr.contains("newer tollgated"), "{started:?}");
    let mut command = clean_command(&binaries::tollgated(), daemon.home());
    let checked = run(command.args(["check", "--data-dir"]).arg(daemon.data_dir()), b"").expect(1);
    assert!(checked.stdout.contains(words), "{checked:?}");
    let nothing =
        run(clean_command(&binaries::tollgated(), daemon.home()).args(["check", "--data-dir", "/nonexistent"]), b"");
    assert!(nothing.expect(1).stderr.contains("is no data directory"));
}
