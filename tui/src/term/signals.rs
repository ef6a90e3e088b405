//! The signals that the console answers, as one stream.

use std::io;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What the system asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: restore the terminal and end.
    Terminate,
    /// SIGHUP: the terminal is gone. Write nothing, exit with 129.
    HangUp,
    /// SIGINT from elsewhere; the key itself arrives as input, since the terminal is in raw mode.
    Interrupt,
    /// SIGCONT: we were stopped and another program may have used the screen. Enter the modes again, paint everything.
    Continue,
    /// SIGWINCH, also with the size unchanged, as a multiplexer sends it when somebody attaches: paint everything.
    WindowChange,
}

/// The handlers. They stay installed for the rest of the process, as tokio's do.
pub struct Signals {
    streams: [(Signal, Stream); 5],
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// If the system refuses one, or outside a runtime with the signal driver.
    pub fn new() -> io::Result<Self> {
        let stream = |meaning, kind| signal(kind).map(|stream| (meaning, stream));
        let streams = [
            stream(Signal::HangUp, SignalKind::hangup())?,
            stream(Signal::Terminate, SignalKind::terminate())?,
            stream(Signal::Interrupt, SignalKind::interrupt())?,
            stream(Signal::Continue, SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            stream(Signal::WindowChange, SignalKind::window_change())?,
        ];
        Ok(Self { streams })
    }

    /// The next signal; of several, the one that stands first above in [`Signals::new`]. Safe to drop and call again.
    pub async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            let mut ready = self.streams.iter_mut().filter_map(|(meaning, stream)| match stream.poll_recv(context) {
                std::task::Poll::Ready(Some(())) => Some(*meaning),
                _ => None,
            });
            ready.next().map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Signal as Raw, getpid, kill_process};

    #[tokio::test]
    async fn signals_arrive_as_one_stream() {
        let mut signals = Signals::new().unwrap();
        kill_process(getpid(), Raw::CONT).unwrap();
        assert_eq!(signals.next().await, Signal::Continue);
        kill_process(getpid(), Raw::WINCH).unwrap();
        assert_eq!(signals.next().await, Signal::WindowChange);
    }
}
