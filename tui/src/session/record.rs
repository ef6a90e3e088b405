//! Recording: `tollgate --record FILE`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tollgate_shared::time::Timestamp;

use super::scrub::scrub;
use super::{Entry, FORM, Header};
use crate::app::key::{Code, Key};
use crate::app::{Model, Msg};
use crate::cli::armour;

/// A file takes no more.
pub const BYTES_MAX: u64 = 64 * 1_024 * 1_024;
/// Lines that may wait for the disk; the console does not.
const QUEUE: usize = 1_024;
/// How long the end of the console waits for the disk.
const PATIENCE: Duration = Duration::from_millis(50);
/// In the place of a letter that nobody may see.
const STAR: Key = Key::char('*');
/// A secret begins so.
const SECRET_BEGINS: &str = "tg_";

/// A file that is being written, by a thread of its own.
pub struct Recorder {
    lines: Option<SyncSender<Vec<u8>>>,
    done: Receiver<io::Result<()>>,
    started: Timestamp,
    room: u64,
    typed: String,
}

impl Recorder {
    /// Begins a new file of mode 0600.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    pub fn create(path: &Path, model: &Model) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Self::begin(file, model, BYTES_MAX)
    }

    pub(super) fn begin(file: File, model: &Model, bytes_max: u64) -> io::Result<Self> {
        let (lines, queue) = sync_channel(QUEUE);
        let (tell, done) = sync_channel(1);
        std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            // Whoever waits for it may be gone.
            tell.send(write(file, &queue)).ok();
        })?;
        let header = Header {
            tollgate_session: FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: model.now,
            columns: model.columns,
            rows: model.rows,
            lock_after_secs: model.lock_after_secs,
            offset_secs: model.times.offset_secs,
        };
        let mut recorder = Self { lines: Some(lines), done, started: model.now, room: bytes_max, typed: String::new() };
        let line = serde_json::to_vec(&header).map_err(io::Error::other)?;
        recorder.put(line);
        Ok(recorder)
    }

    /// Keeps a message that `update` is about to take; `model` is as it was before. Says once why it ends before the
    /// console does.
    pub fn note(&mut self, model: &Model, msg: &Msg, now: Timestamp) -> Option<String> {
        self.lines.as_ref()?;
        let t = u64::try_from(now.micros_since(self.started)).unwrap_or(0);
        let star = Msg::Key(STAR);
        let msg = if self.hides(model, msg) { &star } else { msg };
        let Some(line) = line_of(t, msg) else { return self.end(t, "a message could not be written") };
        if line.len() as u64 + 1 > self.room {
            let mib = BYTES_MAX / (1_024 * 1_024);
            return self.end(t, &format!("the recording has {mib} MiB and ends here"));
        }
        if self.put(line) { None } else { self.end(t, "the recording ends here: the disk does not keep up") }
    }

    /// A letter for a field that does not show it, or one of a secret that is typed letter by letter.
    fn hides(&mut self, model: &Model, msg: &Msg) -> bool {
        let Msg::Key(Key { code: Code::Char(letter), ctrl: false }) = msg else {
            self.typed.clear();
            return false;
        };
        if model.hides_typing() {
            return true;
        }
        if self.typed == SECRET_BEGINS {
            return true;
        }
        self.typed.push(*letter);
        if !SECRET_BEGINS.starts_with(&self.typed) {
            self.typed.clear();
            self.typed.extend(SECRET_BEGINS.starts_with(*letter).then_some(*letter));
        }
        false
    }

    fn end(&mut self, t: u64, why: &str) -> Option<String> {
        let entry = Entry { t, msg: None, end: Some(why.to_owned()) };
        if let Ok(line) = serde_json::to_vec(&entry) {
            self.room = u64::MAX;
            self.put(line);
        }
        self.lines = None;
        Some(why.to_owned())
    }

    /// Waits until all of it is written.
    #[cfg(test)]
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.lines = None;
        self.done.recv().map_err(io::Error::other)?
    }

    /// False where the disk is behind by a whole queue.
    fn put(&mut self, mut line: Vec<u8>) -> bool {
        line.push(b'\n');
        self.room = self.room.saturating_sub(line.len() as u64);
        self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok())
    }
}

impl Drop for Recorder {
    /// What waits is written, unless the disk hangs: the console ends in any case.
    fn drop(&mut self) {
        self.lines = None;
        self.done.recv_timeout(PATIENCE).map(drop).ok();
    }
}

fn write(file: File, queue: &Receiver<Vec<u8>>) -> io::Result<()> {
    let mut out = io::BufWriter::new(file);
    while let Ok(line) = queue.recv() {
        out.write_all(&line)?;
        // A console that is killed leaves what came before.
        while let Ok(line) = queue.try_recv() {
            out.write_all(&line)?;
        }
        out.flush()?;
    }
    out.flush()
}

fn line_of(t: u64, msg: &Msg) -> Option<Vec<u8>> {
    let mut value = serde_json::to_value(msg).ok()?;
    scrub(&mut value);
    // Also a file is looked at on a terminal.
    let line = armour(&serde_json::json!({ "t": t, "msg": value, "end": null }).to_string());
    Some(line.into_bytes())
}
