//! The terminal while the console has it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::Receiver;

use crate::term::Env;
use crate::term::caps::{Caps, Colour};
use crate::term::clipboard::{Copy, SENT, Sensitivity};
use crate::term::guard::{Guard, Modes};
use crate::term::input::{self, Input};
use crate::term::look::Look;
use crate::term::screen::Screen;
use crate::term::signals::Signals;
use crate::term::size::Size;
use crate::term::watchdog::Watchdog;
use crate::term::writer::Writer;

/// A link that does not take the last frame within this is left alone: `q` ends the program within 100 ms.
const PATIENCE: Duration = Duration::from_millis(60);

/// Everything of the terminal.
pub(super) struct Stage {
    pub(super) caps: Caps,
    pub(super) guard: Guard,
    pub(super) screen: Screen,
    pub(super) input: Receiver<Input>,
    pub(super) signals: Signals,
    pub(super) lost: Arc<Notify>,
    pub(super) panicked: Arc<Notify>,
    env: Env,
    watchdog: Watchdog,
}

impl Stage {
    pub(super) fn open(env: &Env, look: Look) -> io::Result<Self> {
        let (keyboard, output) = (io::stdin(), io::stdout());
        let size = Size::of(&output, env);
        let caps = Caps::from_env_as(env, size.assumed, look);
        caps.take_over_colour();
        let signals = Signals::new()?;
        let duplicate = |fd: std::os::fd::BorrowedFd<'_>| -> io::Result<OwnedFd> { fd.try_clone_to_owned() };
        let writer = Writer::start(File::from(duplicate(output.as_fd())?), caps.synchronised)?
            .with_sixteen_colours(caps.colour == Colour::Ansi16);
        let modes = Modes::for_terminal(&caps);
        let guard = Guard::enter(duplicate(keyboard.as_fd())?, duplicate(output.as_fd())?, modes)?;
        let (lost, panicked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let told = Arc::clone(&panicked);
        guard.report_panics(move |_| told.notify_one());
        let told = Arc::clone(&lost);
        let watchdog = Watchdog::start(duplicate(keyboard.as_fd())?, move || told.notify_one())?;
        let screen = Screen::new(writer, size)?;
        let input = input::start()?;
        Ok(Self { caps, guard, screen, input, signals, lost, panicked, env: env.clone(), watchdog })
    }

    /// Columns and rows of the terminal, before it is taken.
    pub(super) fn size_now(env: &Env) -> (u16, u16) {
        let size = Size::of(io::stdout(), env);
        (size.columns, size.rows)
    }

    pub(super) fn size(&self) -> (u16, u16) {
        let size = self.screen.size();
        (size.columns, size.rows)
    }

    /// Asks the terminal for its size and paints everything anew.
    pub(super) fn resize(&mut self) -> io::Result<(u16, u16)> {
        self.screen.resize(Size::of(io::stdout(), &self.env))?;
        Ok(self.size())
    }

    /// Sends a text to the operator's clipboard. Says no more than is known.
    pub(super) fn copy(&mut self, text: &str, secret: bool) -> io::Result<String> {
        let sensitivity = if secret { Sensitivity::Secret } else { Sensitivity::Plain };
        match Copy::plan(text, sensitivity, &self.caps, false) {
            Err(error) => Ok(error.to_string()),
            Ok(copy) => {
                self.screen.send(&copy.osc52)?;
                if let Some(load) = copy.tmux {
                    let text = text.to_owned();
                    // tmux may be slow or gone; the sequence has been sent all the same.
                    tokio::task::spawn_blocking(move || load.run(&text));
                }
                Ok(SENT.to_owned())
            }
        }
    }

    /// The terminal shall tell of the mouse, or not.
    pub(super) fn mouse(&mut self, on: bool) -> io::Result<()> {
        let bytes = self.guard.mouse(on);
        self.screen.send(bytes).map(drop)
    }

    /// Gives the terminal back in good order.
    pub(super) async fn close(self) -> io::Result<()> {
        let Self { guard, screen, watchdog, .. } = self;
        drop(screen.finish(PATIENCE).await);
        let left = guard.leave();
        drop(watchdog);
        left
    }

    /// The terminal is gone: nothing is written.
    pub(super) fn abandon(self) {
        self.guard.abandon();
    }
}
