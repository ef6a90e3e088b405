//! Standard input, byte by byte: what is not read yet is still the kernel's to say, so a line can be waited for.

use std::io::{self, BufRead, Read};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

/// Standard input without a buffer of more than a byte. A command that asks something reads the same input, so nobody
/// may take more of it than his line.
pub(super) struct Unbuffered {
    byte: [u8; 1],
    is_full: bool,
}

/// How the next line is waited for.
pub(super) enum Ready {
    /// The kernel says.
    Stdin,
    /// All input is there.
    #[cfg(test)]
    Always,
}

impl Unbuffered {
    pub(super) fn stdin() -> Self {
        Self { byte: [0], is_full: false }
    }
}

impl Read for Unbuffered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(first) = into.first_mut() else { return Ok(0) };
        let got = self.fill_buf()?.first().copied();
        got.into_iter().for_each(|byte| *first = byte);
        self.consume(1);
        Ok(usize::from(got.is_some()))
    }
}

impl BufRead for Unbuffered {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while !self.is_full {
            match rustix::io::read(rustix::stdio::stdin(), &mut self.byte) {
                Ok(0) => return Ok(&[]),
                Ok(_) => self.is_full = true,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(&self.byte)
    }

    fn consume(&mut self, bytes: usize) {
        if bytes > 0 {
            self.is_full = false;
        }
    }
}

impl Ready {
    /// Until there is something to read, or the end. A file is always there.
    pub(super) async fn wait(&self) {
        #[cfg(test)]
        if matches!(self, Self::Always) {
            return;
        }
        // Nobody waits for this thread at the end; what it waits for ends it as well.
        tokio::task::spawn_blocking(wait_for_stdin).await.ok();
    }
}

fn wait_for_stdin() {
    let mut watched = [PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN)];
    while rustix::event::poll(&mut watched, None) == Err(Errno::INTR) {}
}
