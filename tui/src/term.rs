//! The terminal's plumbing: modes, input, output, signals, size and what the terminal can do.
//!
//! Nothing here knows what Tollgate is about. Invariants:
//! * Nothing writes through `print!` or `eprint!`: they panic when the terminal is gone.
//! * A mode that is switched on is switched off by [`guard`], which is the only place that switches modes.
//! * Bytes of frames leave through [`writer`] alone, one frame in flight.
//! * Time is an argument of every decision; only the loops of the threads read the monotonic clock.

pub mod caps;
pub mod clipboard;
pub mod frame;
pub mod guard;
pub mod input;
pub mod look;
pub mod paste;
pub mod screen;
mod sgr;
pub mod signals;
pub mod size;
pub mod watchdog;
pub mod writer;

/// The environment as text. Tests pass their own.
pub type Env = std::collections::BTreeMap<String, String>;

/// The exit code of a program whose terminal is gone: 128 + SIGHUP.
pub const EXIT_TERMINAL_LOST: i32 = 129;

/// The environment of this process; what is not UTF-8 is read lossily, since only known words are looked for.
#[must_use]
pub fn process_env() -> Env {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}
