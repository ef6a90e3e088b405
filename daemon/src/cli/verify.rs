//! `tollgated verify`: what a backup is worth, before it is needed.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use tollgate_shared::api::NOT_IN_A_BACKUP;

use super::passphrase::{self, Prompted};
use super::source::Source;
use super::{EXIT_FAILURE, say, visible};
use crate::backup::BackupError;
use crate::backup::look::{Looked, look};

/// It is whole, but tokens of it would not work, or the audit in it is broken.
const EXIT_ATTENTION: u8 = 2;
/// It is no whole backup.
const EXIT_BAD_INPUT: u8 = 65;
/// There is no such file.
const EXIT_NO_FILE: u8 = 66;
/// The passphrase is wrong.
const EXIT_NOT_PERMITTED: u8 = 77;

/// What is told of a backup, as JSON.
#[derive(Serialize)]
struct Verdict<'v> {
    whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<&'v Looked>,
}

/// Looks through a backup and says what it found.
pub(super) fn verify(file: &Path, passphrase_file: Option<&Path>, json: bool) -> ExitCode {
    let looked = Source::of(file).and_then(|Source { file, asked }| {
        let passphrase = Prompted::of(&file, passphrase_file, asked)?;
        look(&file, passphrase.as_ref())
    });
    let mut out = std::io::stdout().lock();
    // A reader that went away has seen enough; the exit code is the answer.
    drop(if json { write_json(&looked, &mut out) } else { write_words(&looked, &mut out) });
    match &looked {
        Ok(looked) if looked.manifest.with_key && looked.audit_broken.is_none() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(EXIT_ATTENTION),
        Err(error) => refused(file, error),
    }
}

/// Says why a backup does not open, and gives the exit code.
pub(super) fn refused(file: &Path, error: &BackupError) -> ExitCode {
    let file = visible(&Source::name(file));
    say(&format!("{file}: {}", visible(&crate::report(error))));
    ExitCode::from(exit_of(error))
}

pub(super) fn exit_of(error: &BackupError) -> u8 {
    match error {
        BackupError::NotOne | BackupError::Newer { .. } | BackupError::Cut | BackupError::Damaged { .. } => {
            EXIT_BAD_INPUT
        }
        BackupError::PassphraseMissing | BackupError::Passphrase(_) | BackupError::Refused(_) => super::EXIT_USAGE,
        BackupError::PassphraseWrong => EXIT_NOT_PERMITTED,
        BackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => EXIT_NO_FILE,
        _ => EXIT_FAILURE,
    }
}

fn write_json(looked: &Result<Looked, BackupError>, out: &mut dyn Write) -> std::io::Result<()> {
    let why_not = looked.as_ref().err().map(|error| crate::report(error));
    let verdict = Verdict { whole: looked.is_ok(), why_not, backup: looked.as_ref().ok() };
    writeln!(out, "{}", serde_json::to_string_pretty(&verdict).map_err(std::io::Error::other)?)
}

fn write_words(looked: &Result<Looked, BackupError>, out: &mut dyn Write) -> std::io::Result<()> {
    let Ok(looked) = looked else { return Ok(()) };
    let Looked { manifest, encrypted, audit_broken, bytes } = looked;
    let counts = manifest.counts;
    let lines = [
        ("whole", format!("yes, {bytes} bytes, every seal and every row holds")),
        ("made at", format!("{} on {}", manifest.made_at, manifest.host)),
        ("made by", format!("{}, tollgated {}", manifest.made_by, manifest.version)),
        ("encrypted", if *encrypted { "yes" } else { "NO: whoever has the file reads it" }.to_owned()),
        (
            "token key",
            if manifest.with_key { "inside: tokens work again after a restore" } else { passphrase::NO_KEY }.to_owned(),
        ),
        ("tokens", counts.tokens.to_string()),
        ("filters", format!("{} of {} services in {} teams", counts.filters, counts.services, counts.teams)),
        ("incidents", counts.incidents.to_string()),
        ("operators", counts.operators.to_string()),
        (
            "audit",
            match audit_broken {
                None => format!("{} rows, the chain is intact", counts.audit_rows),
                Some(why) => format!("{} rows, the chain is BROKEN at {why}", counts.audit_rows),
            },
        ),
        ("not inside", NOT_IN_A_BACKUP.join(", ")),
    ];
    lines.iter().try_for_each(|(name, words)| writeln!(out, "{name:11} {}", visible(words)))
}
