//! Ends the program when its terminal is gone.
//!
//! SIGHUP does not always arrive (sudo, task runners, killed multiplexers), and crossterm 0.29 then spins a core for
//! ever. So a thread of its own waits in `poll(2)` for the hang-up of the terminal, which needs no event mask and no
//! time-out: it sleeps until the moment it is needed.

use super::EXIT_TERMINAL_LOST;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::thread::JoinHandle;
use std::time::Duration;

/// The loop has this long to end by itself; together with the wake-up it stays below the second that is promised.
pub const GRACE: Duration = Duration::from_millis(500);

/// The running watchdog. Dropping it ends the thread: the program is leaving in good order.
#[derive(Debug)]
pub struct Watchdog {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches a terminal (a duplicate of standard input, or `/dev/tty`). When it hangs up, `on_lost` tells the loop,
    /// which must exit with 129 without writing; if the watchdog still stands after [`GRACE`], it exits the process
    /// itself.
    ///
    /// # Errors
    /// If the thread or its pipe cannot be made.
    pub fn start(terminal: OwnedFd, on_lost: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Self::start_with(terminal, GRACE, on_lost, || std::process::exit(EXIT_TERMINAL_LOST))
    }

    fn start_with(
        terminal: OwnedFd,
        grace: Duration,
        on_lost: impl FnOnce() + Send + 'static,
        exit: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let watch = move || {
            if wait_for_hang_up(&terminal, &stopped) == Woken::Lost {
                on_lost();
                if !stops_within(&stopped, grace) {
                    exit();
                }
            }
        };
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(watch)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in `on_lost` has been reported by the hook; leaving is all that is left to do.
            drop(thread.join());
        }
    }
}

#[derive(PartialEq, Eq)]
enum Woken {
    Lost,
    Stopped,
}

fn wait_for_hang_up(terminal: &OwnedFd, stopped: &PipeReader) -> Woken {
    loop {
        let mut fds = [hang_up_of(terminal), hang_up_of(stopped)];
        let polled = poll(&mut fds, None);
        let [terminal, stopped] = fds.map(|fd| is_gone(fd.revents()));
        match polled {
            Err(rustix::io::Errno::INTR) => {}
            _ if stopped => return Woken::Stopped,
            // A poll that fails for good would be a busy loop, and the terminal would go unwatched.
            Err(_) => return Woken::Lost,
            Ok(_) if terminal => return Woken::Lost,
            Ok(_) => {}
        }
    }
}

fn stops_within(stopped: &PipeReader, grace: Duration) -> bool {
    let grace = Timespec::try_from(grace).ok();
    let mut fds = [hang_up_of(stopped)];
    // The pipe is no terminal: an interruption here only shortens the grace.
    poll(&mut fds, grace.as_ref()).is_ok_and(|ready| ready > 0)
}

/// An empty mask: hang-up and error are always reported, and waiting input must not wake us.
fn hang_up_of(fd: &impl AsFd) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::empty())
}

fn is_gone(events: PollFlags) -> bool {
    events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::mpsc::{Receiver, sync_channel};

    const LONG: Duration = Duration::from_secs(20);

    /// A watchdog over a pipe, whose writing end stands for the terminal's other side.
    fn watched(grace: Duration) -> (Watchdog, PipeWriter, Receiver<&'static str>) {
        let (terminal, other_side) = io::pipe().unwrap();
        let (said, heard) = sync_channel(4);
        let exit = said.clone();
        let lost = move || said.send("lost").unwrap();
        let watchdog = Watchdog::start_with(terminal.into(), grace, lost, move || exit.send("exit").unwrap()).unwrap();
        (watchdog, other_side, heard)
    }

    #[test]
    fn loop_that_does_not_react_to_a_lost_terminal_is_ended() {
        let (_watchdog, other_side, heard) = watched(Duration::from_millis(1));
        drop(other_side);
        assert_eq!(heard.recv_timeout(LONG), Ok("lost"));
        assert_eq!(heard.recv_timeout(LONG), Ok("exit"));
    }

    #[test]
    fn loop_that_reacts_leaves_by_itself() {
        let (watchdog, other_side, heard) = watched(LONG);
        drop(other_side);
        assert_eq!(heard.recv_timeout(LONG), Ok("lost"));
        drop(watchdog);
        assert!(heard.recv().is_err(), "the thread is gone without an exit");
    }

    #[test]
    fn waiting_input_is_no_hang_up() {
        let (watchdog, mut other_side, heard) = watched(LONG);
        other_side.write_all(b"keys that nobody reads").unwrap();
        drop(watchdog);
        assert!(heard.recv().is_err());
    }
}
