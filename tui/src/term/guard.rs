//! The only place that switches modes of the terminal, and so the only one that has to know how to switch them back.
//!
//! However the program ends (normally, by an error, a panic in any thread, SIGTERM), the terminal is as it was. Where
//! the terminal is gone nothing is written any more: [`Guard::abandon`].

use super::caps::Caps;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// A link that takes nothing for so long does not hold up the end of the program.
const PATIENCE: Duration = Duration::from_millis(300);
/// After SIGTSTP: time for the stop to arrive. It counts on while the process is stopped.
const STOP_ARRIVES: Duration = Duration::from_millis(50);

/// The modes to switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Keys arrive one by one and unechoed.
    pub raw: bool,
    /// The shell's screen comes back afterwards; without it the screen is cleared.
    pub alternate_screen: bool,
    /// The terminal tells a paste from keys.
    pub bracketed_paste: bool,
    pub hidden_cursor: bool,
    /// The terminal tells of the mouse. Off until the operator wants it: selecting text is the terminal's.
    pub mouse: bool,
}

/// Presses and the wheel, with numbers that have no end at column 223.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

impl Modes {
    /// What the console wants of such a terminal. No mouse, no focus reports, no keyboard protocol: the fewest modes
    /// leave the least behind on a link that drops.
    #[must_use]
    pub fn for_terminal(caps: &Caps) -> Self {
        Self {
            raw: true,
            alternate_screen: caps.alternate_screen,
            bracketed_paste: !caps.dumb,
            hidden_cursor: !caps.dumb,
            mouse: false,
        }
    }

    fn enter_bytes(self) -> Vec<u8> {
        let screen = if self.alternate_screen { "\x1b[?1049h" } else { "" };
        let paste = if self.bracketed_paste { "\x1b[?2004h" } else { "" };
        let cursor = if self.hidden_cursor { "\x1b[?25l" } else { "" };
        let mouse = if self.mouse { MOUSE_ON } else { "" };
        [screen, paste, cursor, mouse].concat().into_bytes()
    }

    /// CAN ends a sequence that may be half sent; a synchronised frame that was never ended is ended.
    fn leave_bytes(self) -> Vec<u8> {
        let frame = if self.alternate_screen { "\x18\x1b[?2026l\x1b[0m" } else { "\x18\x1b[0m" };
        let paste = if self.bracketed_paste { "\x1b[?2004l" } else { "" };
        let cursor = if self.hidden_cursor { "\x1b[?25h" } else { "" };
        let screen = if self.alternate_screen { "\x1b[?1049l" } else { "\x1b[999;1H\r\n" };
        let mouse = if self.mouse { MOUSE_OFF } else { "" };
        [frame, mouse, paste, cursor, screen].concat().into_bytes()
    }
}

/// The terminal in our modes. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Guard {
    shared: Shared,
}

type Shared = Arc<Mutex<State>>;

#[derive(Debug)]
struct State {
    keyboard: OwnedFd,
    screen: File,
    modes: Modes,
    /// The settings to go back to; `None` where the keyboard was left as it is.
    original: Option<Termios>,
    entered: bool,
}

impl Guard {
    /// Switches the modes on, over duplicates of standard input and output.
    ///
    /// # Errors
    /// If the keyboard is no terminal, or one of them is gone; the terminal is then as it was.
    pub fn enter(keyboard: OwnedFd, screen: OwnedFd, modes: Modes) -> io::Result<Self> {
        let original = if modes.raw { Some(tcgetattr(&keyboard)?) } else { None };
        let state = State { keyboard, screen: File::from(screen), modes, original, entered: false };
        let guard = Self { shared: Arc::new(Mutex::new(state)) };
        lock(&guard.shared).enter()?;
        Ok(guard)
    }

    /// Restores the terminal before the guard is dropped, to see whether it worked. Also for SIGTERM. Twice is once.
    ///
    /// # Errors
    /// If the terminal is gone or takes nothing; the keyboard has been restored all the same if it is there.
    pub fn leave(&self) -> io::Result<()> {
        lock(&self.shared).leave()
    }

    /// Forgets the modes without a write: the terminal is gone (SIGHUP, a hang-up, an error of the writer).
    pub fn abandon(&self) {
        lock(&self.shared).entered = false;
    }

    /// Ctrl-z: gives the terminal back, stops the process group, and returns in our modes once it goes on. The caller
    /// then paints everything. The writer must be idle before. Where nobody can continue us (no job control) the
    /// system ignores the stop, and this returns at once.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn suspend(&self) -> io::Result<()> {
        self.leave()?;
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        // The stop may reach another thread first. An early return only means that SIGCONT will ask for the modes
        // again.
        let waited = poll(&mut [], Timespec::try_from(STOP_ARRIVES).ok().as_ref());
        waited.map(|_| ()).or_else(|error| if error == rustix::io::Errno::INTR { Ok(()) } else { Err(error) })?;
        self.resume()
    }

    /// Switches the modes on again: after SIGCONT, whatever stopped us may have changed them. The settings to go back
    /// to stay those of the start.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn resume(&self) -> io::Result<()> {
        lock(&self.shared).enter()
    }

    /// Notes that the terminal is to tell of the mouse, or not any more, and says what has to be sent to it: the caller's
    /// writer sends it, so that it falls into no frame.
    #[must_use]
    pub fn mouse(&self, on: bool) -> &'static [u8] {
        lock(&self.shared).modes.mouse = on;
        if on { MOUSE_ON.as_bytes() } else { MOUSE_OFF.as_bytes() }
    }

    /// From now on a panic in any thread restores the terminal first and is then reported on standard error, and to
    /// `on_panic`, which tells the loop to end: the screen is no longer ours. It gets the message without the
    /// backtrace, last, so that an exit cannot cut the report short. It replaces the hook that is installed.
    pub fn report_panics(&self, on_panic: impl Fn(&str) + Send + Sync + 'static) {
        let shared = Arc::clone(&self.shared);
        std::panic::set_hook(Box::new(move |panic| {
            let message = message_of(panic);
            let backtrace = Backtrace::capture();
            restore_in_panic(&shared);
            // Not `eprintln!`: it panics where the terminal is gone.
            drop(io::stderr().write_all(message.as_bytes()));
            // It takes seconds to be put into words, so it comes when the operator has his terminal back.
            if backtrace.status() == BacktraceStatus::Captured {
                drop(writeln!(io::stderr(), "{backtrace}"));
            }
            on_panic(&message);
        }));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Whoever wants the error calls `leave`; here nobody is left to take it.
        drop(self.leave());
    }
}

impl State {
    fn enter(&mut self) -> io::Result<()> {
        if let Some(original) = &self.original {
            let mut raw = original.clone();
            raw.make_raw();
            tcsetattr(&self.keyboard, OptionalActions::Now, &raw)?;
        }
        self.entered = true;
        let entered = write_patiently(&mut self.screen, &self.modes.enter_bytes());
        entered.inspect_err(|_| drop(self.leave()))
    }

    fn leave(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.entered) {
            return Ok(());
        }
        let written = write_patiently(&mut self.screen, &self.modes.leave_bytes());
        let restored = match &self.original {
            // `Now`, as waiting for the output to drain can hang on a link that takes none.
            Some(original) => tcsetattr(&self.keyboard, OptionalActions::Now, original).map_err(io::Error::from),
            None => Ok(()),
        };
        written.and(restored)
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    // A panic under the lock leaves a state that is still true: the modes are noted before they are switched.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn message_of(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    format!("thread {name}: {panic}\n")
}

/// Never waits for the lock: the thread that panics may be the one that holds it, and then it is switching modes
/// already.
fn restore_in_panic(shared: &Shared) {
    let mut state = match shared.try_lock() {
        Ok(state) => state,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    drop(state.leave());
}

/// Writes all, but does not wait for room longer than [`PATIENCE`].
fn write_patiently(screen: &mut File, bytes: &[u8]) -> io::Result<()> {
    let patience = Timespec::try_from(PATIENCE).ok();
    let room = poll(&mut [PollFd::from_borrowed_fd(screen.as_fd(), PollFlags::OUT)], patience.as_ref());
    match room {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) | Err(rustix::io::Errno::INTR) => screen.write_all(bytes),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{PipeReader, Read};

    const MODES: Modes =
        Modes { raw: false, alternate_screen: true, bracketed_paste: true, hidden_cursor: true, mouse: false };

    fn entered(modes: Modes) -> (Guard, PipeReader) {
        let (keyboard, _) = io::pipe().unwrap();
        let (reader, screen) = io::pipe().unwrap();
        (Guard::enter(keyboard.into(), screen.into(), modes).unwrap(), reader)
    }

    fn rest(mut reader: PipeReader) -> String {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    /// The private modes that are on after some bytes.
    fn modes_left_on(bytes: &str) -> Vec<&str> {
        let mut on = Vec::new();
        for sequence in bytes.split('\x1b').filter_map(|part| part.strip_prefix("[?")) {
            let (mode, switch) = sequence.split_at(sequence.len() - 1);
            on.retain(|other| *other != mode);
            // The cursor is shown by default, so its mode counts the other way round.
            if (switch == "h") != (mode == "25") {
                on.push(mode);
            }
        }
        on
    }

    #[test]
    fn each_mode_that_is_switched_on_is_switched_off() {
        for bits in 0..16 {
            let modes = Modes {
                raw: false,
                alternate_screen: bits & 1 > 0,
                bracketed_paste: bits & 2 > 0,
                hidden_cursor: bits & 4 > 0,
                mouse: bits & 8 > 0,
            };
            let enter = String::from_utf8(modes.enter_bytes()).unwrap();
            let leave = String::from_utf8(modes.leave_bytes()).unwrap();
            // The mouse is two modes: that it is told of, and how.
            let on = i32::count_ones(bits) + u32::from(modes.mouse);
            assert_eq!(modes_left_on(&enter).len(), on as usize);
            assert!(modes_left_on(&(enter + &leave)).is_empty(), "{modes:?}");
        }
    }

    #[test]
    fn dropped_guard_restores_once() {
        let (guard, reader) = entered(MODES);
        guard.leave().unwrap();
        guard.leave().unwrap();
        drop(guard);
        let written = rest(reader);
        assert_eq!(written.matches("\x1b[?1049l").count(), 1);
        assert!(modes_left_on(&written).is_empty());
    }

    #[test]
    fn resumed_guard_has_its_modes_again() {
        let (guard, reader) = entered(MODES);
        guard.leave().unwrap();
        guard.resume().unwrap();
        drop(guard);
        assert_eq!(rest(reader).matches("\x1b[?1049h").count(), 2);
    }

    #[test]
    fn lost_terminal_is_not_written_to() {
        let (guard, reader) = entered(MODES);
        guard.abandon();
        drop(guard);
        assert!(!rest(reader).contains("\x1b[?1049l"));
    }

    #[test]
    fn panic_under_the_lock_does_not_hang_the_hook() {
        let (guard, _reader) = entered(MODES);
        let held = lock(&guard.shared);
        restore_in_panic(&guard.shared);
        assert!(held.entered);
        drop(held);
        restore_in_panic(&guard.shared);
        assert!(!lock(&guard.shared).entered);
    }

    #[test]
    fn terminal_that_takes_nothing_does_not_hold_up_the_end() {
        let (keyboard, _) = io::pipe().unwrap();
        let (_reader, mut screen) = io::pipe().unwrap();
        let guard = Guard::enter(keyboard.into(), screen.try_clone().unwrap().into(), MODES).unwrap();
        fill(&mut screen);
        assert_eq!(guard.leave().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    fn fill(screen: &mut io::PipeWriter) {
        let flags = rustix::fs::fcntl_getfl(&*screen).unwrap();
        rustix::fs::fcntl_setfl(&*screen, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
        while screen.write(&[b'x'; 4096]).is_ok() {}
    }

    #[test]
    fn keyboard_that_is_no_terminal_is_refused() {
        let (keyboard, _) = io::pipe().unwrap();
        let (_reader, screen) = io::pipe().unwrap();
        assert!(Guard::enter(keyboard.into(), screen.into(), Modes { raw: true, ..MODES }).is_err());
    }
}
