//! `tollgated restore`: a backup comes back on a new host, or in a new directory of this one.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tollgate_shared::api::NOT_IN_A_BACKUP;

use super::passphrase::{Asked, Prompted};
use super::{EXIT_FAILURE, say, verify, visible};
use crate::backup::BackupError;
use crate::backup::look;
use crate::backup::restore::{Brought, NewKey, restore};
use crate::config::Config;
use crate::core::access::{Actor, Door, Who};
use crate::core::model::Operator;
use crate::core::passwd::Passwd;

/// Who a unix user is here and was there.
#[derive(Debug, PartialEq, Eq)]
struct Mismatch {
    operator: String,
    was: String,
    here: String,
    command: String,
}

/// Restores a backup into the data directory, and says what comes next.
pub(super) fn run(config: &Config, file: &Path, passphrase_file: Option<&Path>, new_key: NewKey) -> ExitCode {
    let uid = rustix::process::geteuid().as_raw();
    let users = Passwd::parse(&std::fs::read_to_string("/etc/passwd").unwrap_or_default());
    let brought = look::open(file).and_then(|backup| {
        let passphrase = Prompted::of(&backup, passphrase_file, Asked::Stdin)?;
        restore(&backup, passphrase.as_ref(), new_key, &config.data_dir, &actor(uid, &users))
    });
    match brought {
        Ok(brought) => {
            // A reader that went away has seen enough; the exit code is the answer.
            drop(report(config, &brought, &users, &mut io::stdout().lock()));
            for damage in &brought.checked.damage {
                say(&format!("the restored state is damaged: {}", visible(damage)));
            }
            if brought.checked.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILURE) }
        }
        // About the directory, not about the backup.
        Err(BackupError::Files(error)) => {
            say(&format!("nothing was restored: {}", visible(&error.to_string())));
            ExitCode::from(EXIT_FAILURE)
        }
        Err(BackupError::Refused(why)) => {
            say(&format!("nothing was restored: {}", visible(&why)));
            ExitCode::from(EXIT_FAILURE)
        }
        Err(error) => verify::refused(file, &error),
    }
}

fn actor(uid: u32, users: &Passwd) -> Actor {
    let name = match users.name_of(uid) {
        "" => format!("uid {uid}"),
        name => name.to_owned(),
    };
    Actor { uid: Some(uid), ..Actor::of(name, Who::Superuser, Door::Daemon) }
}

fn report(config: &Config, brought: &Brought, users: &Passwd, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = what_came(config, brought);
    lines.push(String::new());
    lines.push("NOT in any backup, to be put in its place by hand:".to_owned());
    lines.extend(not_inside(config).into_iter().map(indented));
    lines.extend(settings_of_then(brought));
    lines.push(String::new());
    lines.extend(users_here(&mismatches(&brought.operators, users)));
    lines.push(String::new());
    lines.extend(next_steps());
    lines.iter().try_for_each(|line| writeln!(out, "{}", visible(line)))
}

fn what_came(config: &Config, brought: &Brought) -> Vec<String> {
    let Brought { looked, settled, at, checked, .. } = brought;
    let manifest = &looked.manifest;
    let whole_minutes = u64::try_from(at.secs_since(manifest.made_at)).unwrap_or(0) / 60 * 60;
    let age = humantime::format_duration(Duration::from_secs(whole_minutes));
    let mut lines = vec![
        format!("restored into {}: {}", config.data_dir.display(), checked.holds),
        format!("the backup is of {} on {}, {age} old", manifest.made_at, manifest.host),
    ];
    if let Some(why) = &looked.audit_broken {
        lines.push(format!("the audit's chain was broken when the backup was made, and is so here: {why}"));
    }
    if settled.without_secret > 0 {
        let count = settled.without_secret;
        lines.push(format!("{count} tokens need a new secret, for the token key is a new one:"));
        lines.push("  tollgate token rotate NAME --now --confirm NAME".to_owned());
        lines.push("  a sealed token is never rotated: revoke it and create another".to_owned());
    }
    if settled.cancelled > 0 {
        let count = settled.cancelled;
        lines.push(format!("{count} requests that stood as unfinished were cancelled: they may have been done since"));
        lines.push("  tollgate request list --state cancelled; tollgate request retry ID".to_owned());
    }
    lines
}

fn settings_of_then(brought: &Brought) -> Vec<String> {
    let manifest = &brought.looked.manifest;
    if manifest.settings.is_empty() {
        return Vec::new();
    }
    let head =
        format!("settings of {} that were not the defaults (`tollgated config` shows these here):", manifest.host);
    [head].into_iter().chain(manifest.settings.iter().cloned().map(indented)).collect()
}

fn users_here(mismatches: &[Mismatch]) -> Vec<String> {
    if mismatches.is_empty() {
        return vec!["unix users: every operator's uid and name are the same here".to_owned()];
    }
    let head = "unix users that are not the same here: these operators are refused until it is mended, by root:";
    let mut lines = vec![head.to_owned()];
    for it in mismatches {
        lines.push(format!("  operator {}: was {}, here {}", it.operator, it.was, it.here));
        lines.push(format!("    {}", it.command));
    }
    lines
}

fn next_steps() -> [String; 3] {
    let uid = rustix::process::geteuid().as_raw();
    [
        "next:".to_owned(),
        format!("  1. start the daemon as uid {uid}, whose the files are; every call is answered 503 until step 2 is done"),
        "  2. tollgate restore-review    what was revoked after the backup is alive in it: look, suspend, take calls again"
            .to_owned(),
    ]
}

fn indented(line: String) -> String {
    format!("  {line}")
}

/// As [`NOT_IN_A_BACKUP`], as this host has it.
fn not_inside(config: &Config) -> [String; NOT_IN_A_BACKUP.len()] {
    let tls = config.gate.tls.as_ref().map_or_else(
        || "TLS certificate and key, where the old host had them: gate.tls_certificate, gate.tls_key".to_owned(),
        |tls| format!("TLS certificate and key: {} and {}", tls.certificate.display(), tls.key.display()),
    );
    let actions = config.automation.actions.as_ref().map_or_else(
        || "the directory of actions, where workflows start programs: automation.actions".to_owned(),
        |path| format!("the directory of actions: {} (owned by root, writable by nobody else)", path.display()),
    );
    let passphrase = config.backup.as_ref().map_or_else(
        || "a schedule of backups and its passphrase file: [backup] every, keep, to, passphrase_file".to_owned(),
        |plan| format!("the passphrase of the schedule: {}", plan.passphrase_file.display()),
    );
    [
        "the configuration: tollgate.toml (`tollgated config` says which file is read)".to_owned(),
        tls,
        "the service's unit: systemctl cat tollgated, on the old host".to_owned(),
        "unix groups of the sockets: getent group tollgate-admin tollgate-reader; groupadd, usermod -aG".to_owned(),
        actions,
        passphrase,
        "the API log: it is kept for 48 h on its own host and is in no backup".to_owned(),
    ]
}

/// Unix users whose name or uid is another one here: the daemon refuses them (security.md, uid reuse).
fn mismatches(operators: &[Operator], users: &Passwd) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for operator in operators {
        let differs = operator.unix_users.iter().any(|user| users.name_of(user.uid) != user.name);
        if !differs {
            continue;
        }
        let (mut was, mut here, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for user in &operator.unix_users {
            was.push(format!("{} ({})", user.name, user.uid));
            match users.uid_of(&user.name) {
                Some(uid) => {
                    here.push(format!("{} ({uid})", user.name));
                    wanted.push(user.name.clone());
                }
                None => here.push(format!("no user {}", user.name)),
            }
        }
        let name = &operator.name;
        let command = if wanted.is_empty() {
            format!("tollgate operator edit {name} --unix-user USER    once there is one")
        } else {
            let flags: String = wanted.iter().map(|user| format!(" --unix-user {user}")).collect();
            format!("tollgate operator edit {name}{flags}")
        };
        found.push(Mismatch { operator: name.to_string(), was: was.join(", "), here: here.join(", "), command });
    }
    found
}

#[cfg(test)]
mod tests {
    use tollgate_shared::id::OperatorId;
    use tollgate_shared::name::Name;
    use uuid::Uuid;

    use super::*;
    use crate::core::model::UnixUser;
    use crate::core::testing::START;

    fn operator(name: &str, users: &[(u32, &str)]) -> Operator {
        Operator {
            id: OperatorId(Uuid::from_u128(1)),
            name: Name::new(name).unwrap(),
            unix_users: users.iter().map(|(uid, name)| UnixUser { uid: *uid, name: (*name).to_owned() }).collect(),
            passphrase: None,
            role: None,
            team_roles: Vec::new(),
            enabled: true,
            created_at: START,
            created_by: "root".to_owned(),
            version: 1,
        }
    }

    #[test]
    fn users_whose_uid_or_name_is_another_one_here_come_with_the_command() {
        let users = Passwd::parse("root:x:0:0::/:\nanna:x:1007:1007::/:\nben:x:1001:1001::/:\n");
        let all = [
            operator("anna", &[(1_000, "anna")]),
            operator("ben", &[(1_001, "ben")]),
            operator("carl", &[(1_002, "carl")]),
        ];
        let found = mismatches(&all, &users);
        assert_eq!(found.len(), 2, "ben is who he was");
        assert_eq!((found[0].was.as_str(), found[0].here.as_str()), ("anna (1000)", "anna (1007)"));
        assert_eq!(found[0].command, "tollgate operator edit anna --unix-user anna");
        assert!(found[1].here == "no user carl" && found[1].command.contains("once there is one"), "{:?}", found[1]);
        assert!(users_here(&[]).concat().contains("the same here"));
    }
}
