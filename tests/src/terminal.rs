//! A terminal for the console: a real pty, and a screen that is read as a person would read it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Termios, tcgetattr};

use crate::wait::{self, PATIENCE};

/// Columns and rows.
pub type Size = (u16, u16);

/// Before and after a synchronized frame (DEC private mode 2026).
const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// How long a key may have no effect on the screen before the next one is typed.
const UNSEEN: Duration = Duration::from_millis(60);

/// A program on a terminal of its own, in a session of its own. It is killed when this is dropped.
pub struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    reader: Option<JoinHandle<()>>,
    child: Box<dyn Child + Send + Sync>,
    /// The program's side of the terminal, kept open so that its settings can be read after the program has ended.
    tty: File,
    shared: Arc<Shared>,
}

/// The settings of a terminal, as text that can be compared and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings(String);

struct Shared {
    heard: Mutex<Heard>,
    /// Told after each read.
    read: Condvar,
    stop: AtomicBool,
}

struct Heard {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    /// Bytes that the screen does not show yet: of a frame whose end has not come.
    pending: Vec<u8>,
    /// When the last bytes came out.
    read_at: Option<Instant>,
}

/// What is between the program and the screen.
struct Line {
    size: Size,
    /// What the program is told.
    reported: Size,
    pace: Option<Pace>,
}

/// How fast the screen's side takes bytes: the slow line between a console and its operator.
#[derive(Clone, Copy, Debug)]
struct Pace {
    chunk: usize,
    pause: Duration,
}

impl Terminal {
    /// Starts a program; its environment is what `command` sets, nothing else.
    ///
    /// # Panics
    /// There is no pty, or the program does not start.
    #[track_caller]
    pub fn start(command: &Command, size: Size) -> Self {
        Self::start_seeing(command, size, |_| ()).0
    }

    /// Starts a program behind a line that carries no more than so many bytes a second.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[track_caller]
    pub fn start_behind(command: &Command, size: Size, bytes_per_s: u32) -> Self {
        let line = Line { pace: Some(Pace::of(bytes_per_s)), ..Line::of(size) };
        Self::launch(command, line, |_| ()).0
    }

    /// Starts a program on a terminal that does not know its size, as a serial line: it is 80 by 24, and says 0 by 0.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[track_caller]
    pub fn start_serial(command: &Command) -> Self {
        Self::launch(command, Line { reported: (0, 0), ..Line::of((80, 24)) }, |_| ()).0
    }

    /// Starts a program after a look at the terminal's settings.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[track_caller]
    pub fn start_seeing<T>(command: &Command, size: Size, look: impl FnOnce(Settings) -> T) -> (Self, T) {
        Self::launch(command, Line::of(size), look)
    }

    #[track_caller]
    fn launch<T>(command: &Command, line: Line, look: impl FnOnce(Settings) -> T) -> (Self, T) {
        let Line { size, reported, pace } = line;
        let pair = native_pty_system().openpty(pty_size(reported)).expect("there is a pty");
        let path: PathBuf = pair.master.tty_name().expect("a pty has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let tty = File::from(rustix::fs::open(&path, flags, Mode::empty()).expect("a pty can be opened"));
        let seen = look(Settings::of(&tty));
        let child = pair.slave.spawn_command(builder(command)).expect("the program starts");
        drop(pair.slave);
        let heard = Heard::of(size);
        let shared = Arc::new(Shared { heard: Mutex::new(heard), read: Condvar::new(), stop: AtomicBool::new(false) });
        let output = pair.master.try_clone_reader().expect("a pty can be read");
        let keyboard = pair.master.take_writer().expect("a pty can be written to");
        let reader = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || read(output, &shared, pace)
        });
        let terminal =
            Self { master: Some(pair.master), keyboard: Some(keyboard), reader: Some(reader), child, tty, shared };
        (terminal, seen)
    }

    /// Types bytes, as the terminal would send them.
    ///
    /// # Panics
    /// The terminal is gone.
    pub fn send(&mut self, bytes: &str) {
        let keyboard = self.keyboard.as_mut().expect("the terminal is there");
        keyboard.write_all(bytes.as_bytes()).and_then(|()| keyboard.flush()).expect("keys can be typed");
    }

    /// Types letter by letter and looks at the screen in between, as a hand does: what comes faster than that is taken
    /// for a paste. A key that changes nothing on the screen is waited for a moment.
    ///
    /// # Panics
    /// The terminal is gone.
    pub fn type_slowly(&mut self, text: &str) {
        for letter in text.chars() {
            let (before, since) = (self.heard().bytes.len(), Instant::now());
            self.send(&letter.to_string());
            wait::until("the key's effect", PATIENCE, || {
                let seen = self.heard().bytes.len() > before || since.elapsed() > UNSEEN;
                if seen { Ok(()) } else { Err(String::new()) }
            });
        }
    }

    /// Pastes a text with the marks of a bracketed paste.
    ///
    /// # Panics
    /// The terminal is gone.
    pub fn paste(&mut self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        self.heard().parser.screen().contents()
    }

    /// Waits until the screen holds a text, and gives the screen.
    ///
    /// # Panics
    /// It does not in time: with the screen as it is.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as wanted, and gives it.
    ///
    /// # Panics
    /// It is not in time: with the screen as it is.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        wait::until(what, PATIENCE, || {
            let screen = self.screen();
            if is_so(&screen) { Ok(screen) } else { Err(format!("the screen:\n{screen}\n")) }
        })
    }

    /// Waits until the screen is as wanted after a moment, and says how long after it the bytes came that made it so. To
    /// the microsecond, since nothing is looked at in turns.
    ///
    /// # Panics
    /// It is not in time: with the screen as it is.
    #[track_caller]
    pub fn time_until(&self, since: Instant, is_so: impl Fn(&str) -> bool) -> Duration {
        let mut heard = self.heard();
        loop {
            let screen = heard.parser.screen().contents();
            if let Some(at) = heard.read_at.filter(|at| *at >= since && is_so(&screen)) {
                return at - since;
            }
            let Some(rest) = PATIENCE.checked_sub(since.elapsed()) else {
                panic!("it does not come, the screen:\n{screen}\n");
            };
            let waited = self.shared.read.wait_timeout(heard, rest);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many bytes came out so far.
    pub fn byte_count(&self) -> usize {
        self.heard().bytes.len()
    }

    /// All bytes that came out so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.heard().bytes.clone()
    }

    /// True while the other screen is shown, as full-screen programs do.
    pub fn on_alternate_screen(&self) -> bool {
        self.heard().parser.screen().alternate_screen()
    }

    /// True while there is no cursor.
    pub fn cursor_is_hidden(&self) -> bool {
        self.heard().parser.screen().hide_cursor()
    }

    /// True while pastes are marked.
    pub fn pastes_are_marked(&self) -> bool {
        self.heard().parser.screen().bracketed_paste()
    }

    /// The terminal's settings now.
    pub fn settings(&self) -> Settings {
        Settings::of(&self.tty)
    }

    /// Makes the terminal another size; the program gets SIGWINCH.
    ///
    /// # Panics
    /// The terminal is gone.
    pub fn resize(&self, size: Size) {
        self.heard().parser.screen_mut().set_size(size.1, size.0);
        let master = self.master.as_ref().expect("the terminal is there");
        master.resize(pty_size(size)).expect("a pty can be resized");
    }

    /// The program's process id.
    ///
    /// # Panics
    /// It has none any more.
    pub fn pid(&self) -> Pid {
        let raw = self.child.process_id().and_then(|pid| i32::try_from(pid).ok());
        raw.and_then(Pid::from_raw).expect("the program runs")
    }

    /// Sends a signal to the program.
    ///
    /// # Panics
    /// It is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the program runs");
    }

    /// Waits for the program's end; its exit code, and how long it took from now on.
    ///
    /// # Panics
    /// It does not end in time, or what it did cannot be known.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> (u32, Duration) {
        let start = Instant::now();
        let (child, shared) = (&mut self.child, &self.shared);
        let status = wait::until("the end of the program", PATIENCE, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(format!("it runs, on the screen:\n{}\n", shared.heard().parser.screen().contents())),
            Err(error) => Err(error.to_string()),
        });
        let took = start.elapsed();
        (status.exit_code(), took)
    }

    /// Waits until all that the program wrote has been read. Only after its end.
    ///
    /// # Panics
    /// It is not read in time.
    #[track_caller]
    pub fn wait_for_output(&mut self) {
        // What is written last comes out last.
        let mark = b"\x1b]0;the end\x07";
        self.tty.write_all(mark).expect("the tty can be written to");
        wait::until("the last output", PATIENCE, || {
            let heard = self.heard();
            if heard.bytes.ends_with(mark) { Ok(()) } else { Err("it is still read".to_owned()) }
        });
        let mut heard = self.heard();
        let end = heard.bytes.len() - mark.len();
        heard.bytes.truncate(end);
    }

    /// Closes the terminal under the program, as a lost connection does.
    ///
    /// # Panics
    /// The reader does not end.
    pub fn hang_up(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // The reader holds the terminal open and sees the order with the next bytes.
        self.tty.write_all(b"\x1b[m").expect("the tty can be written to");
        self.reader.take().into_iter().for_each(|reader| reader.join().expect("the reader ends"));
        self.keyboard = None;
        self.master = None;
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.shared.heard()
    }
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn of((columns, rows): Size) -> Self {
        let parser = vt100::Parser::new(rows, columns, 0);
        Self { parser, bytes: Vec::new(), pending: Vec::new(), read_at: None }
    }

    /// A synchronized frame is shown at its end, as terminals do it: nobody sees half of one.
    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pending.extend_from_slice(bytes);
        while !self.pending.is_empty() {
            let shown = if self.pending.starts_with(FRAME_BEGINS) {
                let Some(end) = place_of(&self.pending, FRAME_ENDS) else { return };
                end + FRAME_ENDS.len()
            } else {
                place_of(&self.pending, FRAME_BEGINS).unwrap_or_else(|| self.pending.len() - begun(&self.pending))
            };
            if shown == 0 {
                return;
            }
            self.parser.process(&self.pending[..shown]);
            self.pending.drain(..shown);
        }
    }
}

fn place_of(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

/// How many of the last bytes may be the beginning of a frame's mark.
fn begun(bytes: &[u8]) -> usize {
    (1..FRAME_BEGINS.len()).rev().find(|length| bytes.ends_with(&FRAME_BEGINS[..*length])).unwrap_or(0)
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        self.shared.stop.store(true, Ordering::SeqCst);
        drop(self.tty.write_all(b" "));
    }
}

impl Settings {
    fn of(tty: &File) -> Self {
        let Termios { input_modes, output_modes, local_modes, special_codes, control_modes, .. } =
            tcgetattr(tty).expect("a pty has settings");
        Self(format!("{input_modes:?} {output_modes:?} {local_modes:?} {control_modes:?} {special_codes:?}"))
    }
}

fn pty_size((cols, rows): Size) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// The same command for the pty.
fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    for (name, value) in command.get_envs() {
        value.into_iter().for_each(|value| builder.env(name, value));
    }
    command.get_current_dir().into_iter().for_each(|directory| builder.cwd(directory));
    builder
}

impl Line {
    const fn of(size: Size) -> Self {
        Self { size, reported: size, pace: None }
    }
}

impl Pace {
    /// A hundred small pieces a second.
    const fn of(bytes_per_s: u32) -> Self {
        Self { chunk: bytes_per_s as usize / 100, pause: Duration::from_millis(10) }
    }

    /// A thread that is parked may wake early.
    fn wait(self, since: Instant) {
        while let Some(rest) = self.pause.checked_sub(since.elapsed()).filter(|rest| !rest.is_zero()) {
            std::thread::park_timeout(rest);
        }
    }
}

fn read(mut output: Box<dyn Read + Send>, shared: &Shared, pace: Option<Pace>) {
    let mut buffer = vec![0; pace.map_or(64 * 1024, |pace| pace.chunk)];
    while !shared.stop.load(Ordering::SeqCst) {
        match output.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                let read_at = Instant::now();
                let mut heard = shared.heard();
                heard.take(&buffer[..length]);
                heard.read_at = Some(read_at);
                drop(heard);
                shared.read.notify_all();
                pace.into_iter().for_each(|pace| pace.wait(read_at));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The other side is closed.
            Err(_) => return,
        }
    }
}
