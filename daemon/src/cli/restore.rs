//! `tollgated restore`: a backup comes back on a new host, or in a new directory of this one.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::passphrase::Prompted;
use super::{EXIT_FAILURE, say, verify, visible};
use crate::backup::BackupError;
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
    let brought = Prompted::of(file, passphrase_file)
        .and_then(|passphrase| restore(file, passphrase.as_ref(), new_key, &config.data_dir, &actor(uid, &users)));
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
    let Brought { looked, settled, operators, at, checked } = brought;
    let manifest = &looked.manifest;
    let mut line = |text: &str| writeln!(out, "{}", visible(text));
    let age = humantime::format_duration(std::time::Duration::from_secs(
        u64::try_from(at.secs_since(manifest.made_at)).unwrap_or(0) / 60 * 60,
    ));
    line(&format!("restored into {}: {}", config.data_dir.display(), checked.holds))?;
    line(&format!("the backup is of {} on {}, {age} old", manifest.made_at, manifest.host))?;
    if settled.without_secret > 0 {
        line(&format!(
            "{} tokens need a new secret, for the token key is a new one: tollgate token rotate NAME --now --confirm NAME",
            settled.without_secret
        ))?;
        line("  a sealed token is never rotated: revoke it and create another")?;
    }
    if settled.cancelled > 0 {
        line(&format!(
            "{} requests that stood as queued or running were cancelled, for they may have been done since: \
             tollgate request list --state cancelled",
            settled.cancelled
        ))?;
    }
    line("")?;
    line("NOT in any backup, to be put in its place by hand:")?;
    for text in not_inside(config) {
        line(&format!("  {text}"))?;
    }
    if !manifest.settings.is_empty() {
        line(&format!(
            "settings of {} that were not the defaults (`tollgated config` shows this host's):",
            manifest.host
        ))?;
        for setting in &manifest.settings {
            line(&format!("  {setting}"))?;
        }
    }
    line("")?;
    let mismatches = mismatches(operators, users);
    if mismatches.is_empty() {
        line("unix users: every operator's uid and name are the same here")?;
    } else {
        line(
            "unix users that are not the same here; until it is mended only root and the daemon's user are let in for them:",
        )?;
        for it in &mismatches {
            line(&format!("  operator {}: was {}, here {}", it.operator, it.was, it.here))?;
            line(&format!("    {}", it.command))?;
        }
    }
    line("")?;
    line("next:")?;
    line("  1. start the daemon; every call is answered 503 until step 2 is done")?;
    line(
        "  2. tollgate restore-review    what was revoked after the backup is alive in it: look, suspend, take calls again",
    )
}

fn not_inside(config: &Config) -> Vec<String> {
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
    vec![
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
