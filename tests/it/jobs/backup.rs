//! Backups on the host where all is well still: through a pipe to another one, what monitoring is told of them, and what is
//! said of those that would die with the disk.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use serde_json::json;
use tollgate_tests::daemon::{Daemon, Setup};
use tollgate_tests::process::{self, Ran};
use tollgate_tests::terminal::Terminal;
use tollgate_tests::{binaries, wait};

use super::restore::{old_host, passphrase_file, tollgated};

/// A line of a shell in which `$TG` is the command line for this daemon.
fn shell(daemon: &Daemon, line: &str) -> Command {
    let command = daemon.cli_command();
    let tollgate = format!("{} --socket {}", binaries::tollgate().display(), daemon.socket().display());
    let mut shell = Command::new("sh");
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("TG", tollgate).current_dir(daemon.home()).args(["-c", line]);
    shell
}

fn in_shell(daemon: &Daemon, line: &str) -> Ran {
    process::run(&mut shell(daemon, line), b"")
}

#[test]
fn job_9_a_backup_goes_through_a_pipe_and_is_looked_through_at_its_other_end() {
    let (host, _, _, passphrase) = old_host();
    let made = format!("$TG backup - --passphrase-file {passphrase}");
    let piped = in_shell(&host, &format!("{made} | $TG backup verify - --passphrase-file {passphrase}")).expect(0);
    for part in ["whole       yes", "token key   inside", "tokens      2", "not inside  tollgate.toml, TLS"] {
        assert!(piped.stdout.contains(part), "{part}: {piped:?}");
    }
    for part in ["encrypted, with the token key", "does not count it", "not in it: tollgate.toml, TLS certificate"] {
        assert!(piped.stderr.contains(part), "{part}: {piped:?}");
    }
    assert_eq!(host.get("/v1/status")["backup"]["last"], json!(null), "nobody here knows that it came to a disk");

    in_shell(&host, &format!("{made} --quiet > t.backup")).expect(0);
    let verify = ["backup", "verify", "t.backup", "--passphrase-file", &passphrase];
    let said = host.cli(verify).expect(0).stdout;
    let redirected =
        in_shell(&host, &format!("$TG backup verify - --passphrase-file {passphrase} < t.backup")).expect(0);
    assert_eq!(redirected.stdout, said, "a file by another way");

    let whole = fs::read(host.home().join("t.backup")).expect("the backup");
    for (bytes, exit, says) in [
        (&whole[..whole.len() - 1], 65, "it is cut"),
        (b"".as_slice(), 65, "it is no backup"),
        (b"something else, and more than a head of it".as_slice(), 65, "it is no backup"),
    ] {
        let told = host.cli_with(&["backup", "verify", "-", "--passphrase-file", &passphrase], bytes).expect(exit);
        let line = format!("tollgated: standard input: {says}");
        assert!(told.stderr.starts_with(&line), "{told:?}");
    }
}

#[test]
fn job_9_a_reader_that_goes_away_or_a_full_disk_at_the_end_of_a_pipe_is_a_failure() {
    let (host, ..) = old_host();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = host.cli_command();
    command.args(["backup", "-", "--plain"]).stdin(Stdio::null()).stdout(writer);
    let ended = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("what was written is no backup") && !said.contains("WARNING"), "{said}");
    let full = in_shell(&host, "$TG backup - --plain > /dev/full").expect(1);
    assert!(full.stderr.contains("No space left on device"), "{full:?}");
}

#[test]
fn job_9_nothing_but_the_backup_comes_on_standard_output_and_no_terminal_is_given_one() {
    let (host, ..) = old_host();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = host.cli_command();
    command.args(["backup", "-", "--plain"]).stdin(Stdio::null()).stderr(Stdio::null()).stdout(writer);
    let mut running = process::Guarded::spawn(&mut command);
    // The writing end that is ours, or no end would come.
    drop(command);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).expect("a pipe can be read");
    assert!(running.wait(wait::PATIENCE).success());
    assert!(bytes.starts_with(b"tollgate-backup\n"), "its first bytes are the backup's");
    assert_eq!(bytes[bytes.len() - 8..], bytes.len().to_le_bytes(), "and its last");
    let json = host.cli(["--output", "json", "backup", "-", "--plain"]).expect(64);
    assert!(json.stderr.contains("standard output is the backup itself") && json.stdout.is_empty(), "{json:?}");

    let mut command = host.cli_command();
    command.args(["backup", "-", "--plain"]);
    let mut terminal = Terminal::start(&command, (100, 24));
    terminal.wait_for("a backup is nothing for a terminal");
    assert_eq!(terminal.wait_for_end().0, 64);
}

#[test]
fn job_9_a_passphrase_is_asked_for_on_the_terminal_while_the_backup_goes_through_a_pipe() {
    let (host, ..) = old_host();
    let mut terminal = Terminal::start(&shell(&host, "$TG backup - | $TG backup verify -"), (120, 40));
    for question in ["a passphrase for the backup", "the same again:", "passphrase of the backup (it is not shown)"] {
        terminal.wait_for(question);
        terminal.send("a ship in a bottle\r");
    }
    let screen = terminal.wait_for("not inside");
    assert!(screen.contains("whole       yes") && !screen.contains("a ship"), "{screen}");
    assert_eq!(terminal.wait_for_end().0, 0);
}

#[test]
fn job_9_what_is_not_in_a_backup_is_said_when_it_is_made() {
    let (host, _, _, passphrase) = old_host();
    let made = host.cli(["backup", "t.backup", "--passphrase-file", &passphrase]).expect(0);
    let list = "not in it: tollgate.toml, TLS certificate and key, the service's unit, the unix groups of the sockets, \
                the directory of actions, the passphrase, the API log\n";
    assert!(made.stderr.contains(list), "{made:?}");
    assert!(made.stderr.contains("on the same disk as the data"), "{made:?}");
    let quiet = host.cli(["--quiet", "backup", "u.backup", "--passphrase-file", &passphrase]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let made = host.cli_json(["backup", "v.backup", "--passphrase-file", &passphrase]);
    assert_eq!(made["not_inside"][0], json!("tollgate.toml"));
}

#[test]
fn job_9_monitoring_is_told_of_a_scheduled_backup_that_fails_and_of_its_age() {
    let home = tempfile::tempdir().expect("a directory");
    let to = home.path().join("usb");
    let mut daemon = scheduled(home.path(), &to);
    let check = |daemon: &Daemon| daemon.cli(["check", "--nagios"]);
    let failed = wait::until("the failure is known", wait::PATIENCE, || {
        let ran = check(&daemon);
        if ran.status == Some(1) { Ok(ran) } else { Err(format!("{ran:?}")) }
    });
    assert!(failed.stdout.starts_with("TOLLGATE WARNING - the scheduled backup failed: "), "{failed:?}");
    assert!(failed.stdout.ends_with(" backup_age=U;;172800;0\n"), "{failed:?}");
    fs::create_dir(&to).expect("a directory");
    daemon.restart();
    let well = wait::until("the first one is written", wait::PATIENCE, || {
        let ran = check(&daemon);
        if ran.stdout.contains("backup_age=U") { Err(ran.stdout) } else { Ok(ran) }
    });
    assert!(well.expect(0).stdout.contains("s;;172800;0\n"));
}

#[test]
fn job_9_backups_on_the_disk_of_the_data_are_warned_of_and_made_all_the_same() {
    let home = tempfile::tempdir().expect("a directory");
    let to = home.path().join("usb");
    fs::create_dir(&to).expect("a directory");
    let daemon = scheduled(home.path(), &to);
    let backup = wait::until("the first one is written", wait::PATIENCE, || {
        let backup = daemon.get("/v1/status")["backup"].clone();
        if backup["last_scheduled"].is_null() { Err(backup.to_string()) } else { Ok(backup) }
    });
    assert_eq!((&backup["same_disk"], &backup["overdue"]), (&json!(true), &json!(false)));
    let warning = format!("{} is on the same disk as the data", to.display());
    let status = daemon.cli(["status"]).expect(0).stdout;
    assert!(status.contains(&format!("{warning}: a backup on the disk that dies is none\n")), "{status}");
    assert_eq!(daemon.log_text().matches(&warning).count(), 1, "once, not with every look");
}

#[test]
fn job_9_the_configuration_is_shown_with_a_warning_where_backups_go_to_the_disk_of_the_data() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("tollgate.toml");
    let config = |to: &str| {
        let text = format!("[backup]\nevery = \"24h\"\nto = \"{to}\"\npassphrase_file = \"/etc/passphrase\"\n");
        fs::write(&file, text).expect("a file");
        let (file, data) = (file.display().to_string(), home.path().join("data").display().to_string());
        tollgated(home.path(), &["config", "--config", &file, "--data-dir", &data]).expect(0)
    };
    let here = config(&home.path().display().to_string());
    assert!(here.stdout.contains("backup.to = "), "{here:?}");
    assert!(here.stderr.contains("a backup on the disk that dies is none"), "{here:?}");
    assert_eq!(here.stderr.lines().count(), 1, "one sentence");
    assert_eq!(config("/proc").stderr, "", "another disk");
    assert_eq!(config("/no/such/stick").stderr, "", "nobody knows where that will be");
}

fn scheduled(home: &std::path::Path, to: &std::path::Path) -> Daemon {
    let setup = Setup::default()
        .env("TOLLGATE_BACKUP_EVERY", "24h")
        .env("TOLLGATE_BACKUP_TO", &to.display().to_string())
        .env("TOLLGATE_BACKUP_PASSPHRASE_FILE", &passphrase_file(home));
    setup.start()
}
