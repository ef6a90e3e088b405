//! The file that `--resume` reads and writes: the place of the last console, in the operator's own directory.
//!
//! It is written when something in it changed, at most every few seconds, so that also a console that is killed leaves a
//! place; and once more at the end. A thread of its own writes it: a home directory that hangs holds nothing up. It is
//! not synced: what is lost with the power is a place in a list.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::app::Model;
use crate::app::resume::{Kept, keep};
use crate::cli::armour;

/// The form of the file; another number is another form.
const FORM: u32 = 1;
/// No place is larger.
const BYTES_MAX: u64 = 1_024 * 1_024;
/// It is not written more often than this.
const INTERVAL: Duration = Duration::from_secs(3);
/// Places that wait for the disk: one of the last few seconds, and the one of the end.
const WAITING: usize = 2;
/// How long the end of the console waits for the disk.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is read first.
#[derive(Deserialize)]
struct Head {
    tollgate_console: u32,
}

#[derive(Deserialize)]
struct Body {
    kept: Kept,
}

#[derive(Serialize)]
struct Whole<'k> {
    tollgate_console: u32,
    version: &'static str,
    kept: &'k Kept,
}

/// Why no place was taken.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("the kept place cannot be read, so this console begins anew: {0}: {1}")]
    Read(PathBuf, #[source] io::Error),
    #[error("the kept place is damaged, so this console begins anew: {0}")]
    Damaged(PathBuf),
    #[error("the kept place is of form {1}, this program reads form {FORM} and begins anew: {0}")]
    Form(PathBuf, u32),
}

/// Where the place is kept: `$XDG_STATE_HOME/tollgate/console.json`, else below `~/.local/state`.
///
/// # Errors
/// A sentence, where the environment names neither.
pub fn place(var: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, String> {
    // The XDG specification wants a path that is not absolute to be ignored.
    let var = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = var("XDG_STATE_HOME").or_else(|| var("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or("--resume: HOME and XDG_STATE_HOME are not set, so no place is read or kept")?;
    Ok(state.join("tollgate/console.json"))
}

/// The place that another console left; none at the first time.
///
/// # Errors
/// A sentence that says why there is none.
pub(super) fn read(path: &Path) -> Result<Option<Box<Kept>>, String> {
    read_file(path).map_err(|wrong| wrong.to_string())
}

fn read_file(path: &Path) -> Result<Option<Box<Kept>>, Wrong> {
    let unread = |error| Wrong::Read(path.to_owned(), error);
    let damaged = |_| Wrong::Damaged(path.to_owned());
    let about = match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        about => about.map_err(unread)?,
    };
    // Something else in its place, as a pipe, would be waited for.
    if !about.is_file() || about.len() > BYTES_MAX {
        return Err(Wrong::Damaged(path.to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes)).map_err(unread)?;
    let head: Head = serde_json::from_slice(&bytes).map_err(damaged)?;
    if head.tollgate_console != FORM {
        return Err(Wrong::Form(path.to_owned(), head.tollgate_console));
    }
    let body: Body = serde_json::from_slice(&bytes).map_err(damaged)?;
    Ok(Some(Box::new(body.kept)))
}

/// The file while a console runs.
pub(super) struct Keeper {
    places: Option<SyncSender<Vec<u8>>>,
    /// Why it could not be written; ends with the thread.
    failures: Receiver<String>,
    written: Option<Kept>,
    rests_until: Option<Instant>,
}

impl Keeper {
    /// `found`: what stands in the file.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn begin(path: PathBuf, found: Option<Kept>) -> io::Result<Self> {
        let (places, queue) = sync_channel(WAITING);
        let (tell, failures) = sync_channel(1);
        std::thread::Builder::new().name("resume".to_owned()).spawn(move || write_all(&path, &queue, &tell))?;
        Ok(Self { places: Some(places), failures, written: found, rests_until: None })
    }

    /// Time passed: writes what has changed. Says why the last place could not be kept, where that is new.
    pub(super) fn tick(&mut self, model: &Model, now: Instant) -> Option<String> {
        if self.rests_until.is_none_or(|until| now >= until) {
            let kept = keep(model);
            if self.written.as_ref() != Some(&kept) && self.send(&kept) {
                (self.written, self.rests_until) = (Some(kept), Some(now + INTERVAL));
            }
        }
        self.failures.try_recv().ok()
    }

    /// The console ends: its place is the one that stays, whoever else has written meanwhile.
    pub(super) fn leave(&mut self, model: &Model) {
        self.send(&keep(model));
        self.places = None;
    }

    /// False where the disk is behind.
    fn send(&self, kept: &Kept) -> bool {
        let whole = Whole { tollgate_console: FORM, version: env!("CARGO_PKG_VERSION"), kept };
        // Also a file is looked at on a terminal.
        let text = serde_json::to_value(whole).map(|value| armour(&value.to_string()) + "\n");
        let fits = text.ok().filter(|text| text.len() as u64 <= BYTES_MAX);
        self.places.as_ref().zip(fits).is_some_and(|(places, text)| places.try_send(text.into_bytes()).is_ok())
    }
}

impl Drop for Keeper {
    /// What waits is written, unless the disk hangs: the console ends in any case.
    fn drop(&mut self) {
        self.places = None;
        let until = Instant::now() + PATIENCE;
        while self.failures.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

fn write_all(path: &Path, queue: &Receiver<Vec<u8>>, tell: &SyncSender<String>) {
    let mut said = None;
    while let Ok(place) = queue.recv() {
        let failure =
            write(path, &place).err().map(|error| format!("this place is not kept: {}: {error}", path.display()));
        if failure != said {
            // One sentence that waits is enough.
            failure.iter().for_each(|words| drop(tell.try_send(words.clone())));
            said = failure;
        }
    }
}

/// Another file takes the place of the old one, so that none is ever half written.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut file = tempfile::Builder::new().prefix(".console.").tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::app::fixtures;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_place_is_read_as_it_was_left_and_nobody_else_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/tollgate/console.json");
        assert_eq!(read(&path), Ok(None));
        let mut model = fixtures::model(80, 24, 9);
        let mut keeper = Keeper::begin(path.clone(), None).unwrap();
        assert_eq!(keeper.tick(&model, Instant::now()), None);
        model.tokens.go(4);
        model.tokens.filter = "sender\u{1f525}\u{202e}".to_owned();
        keeper.leave(&model);
        drop(keeper);
        assert_eq!(read(&path), Ok(Some(Box::new(keep(&model)))));
        let left: Vec<_> = path.parent().unwrap().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["console.json"], "no other file stays");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(
            !std::fs::read_to_string(&path).unwrap().contains('\u{202e}'),
            "also a file is looked at on a terminal"
        );
    }

    #[test]
    fn what_is_no_place_is_told_and_never_fatal() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("console.json");
        for (text, words) in [
            ("", "is damaged"),
            ("{\"tollgate_console\":1}", "is damaged"),
            ("{\"tollgate_console\":1,\"kept\":{\"screen\":\"kitchen\"}}", "is damaged"),
            ("{\"tollgate_console\":7,\"kept\":[]}", "is of form 7"),
        ] {
            std::fs::write(&path, text).unwrap();
            let told = read(&path).unwrap_err();
            assert!(told.contains(words) && told.contains("anew"), "{told}");
        }
        std::fs::write(&path, "{\"tollgate_console\":1,\"kept\":{\"later\":true}}").unwrap();
        assert_eq!(read(&path), Ok(Some(Box::default())), "what is not known or not there is no fault");
        std::fs::write(&path, "x".repeat(2_000_000)).unwrap();
        assert!(read(&path).is_err() && read(home.path()).is_err());
    }

    #[test]
    fn a_place_that_cannot_be_kept_is_said_once() {
        let home = tempfile::tempdir().unwrap();
        let blocked = home.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let mut keeper = Keeper::begin(blocked.join("console.json"), None).unwrap();
        let mut model = fixtures::model(80, 24, 9);
        let start = Instant::now();
        keeper.tick(&model, start);
        let words = keeper.failures.recv().unwrap();
        assert!(words.starts_with("this place is not kept: "), "{words}");
        model.tokens.go(4);
        assert_eq!(keeper.tick(&model, start + INTERVAL), None);
    }

    #[test]
    fn the_state_directory_is_that_of_the_environment() {
        let among = |vars: &'static [(&str, &str)]| {
            place(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
        };
        assert_eq!(among(&[("HOME", "/h")]), Ok("/h/.local/state/tollgate/console.json".into()));
        assert_eq!(among(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Ok("/s/tollgate/console.json".into()));
        assert_eq!(
            among(&[("HOME", "/h"), ("XDG_STATE_HOME", "s")]),
            Ok("/h/.local/state/tollgate/console.json".into())
        );
        assert!(among(&[("HOME", "")]).unwrap_err().contains("HOME"));
    }
}
