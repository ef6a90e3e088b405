//! Writes frames on a thread of its own, one in flight.
//!
//! A terminal takes about 20 KB and then blocks; behind a slow link a drawing loop would stand still with it. So the
//! loop collects a frame in a [`FrameSink`], and [`Writer::commit`] hands it over whole. Until it is written
//! [`Writer::ready`] is false and the loop must not draw: a frame that was drawn is never dropped, because ratatui
//! takes it for shown. ratatui flushes several times a frame, so a flush means nothing here; the commit is the end of
//! a frame.

use rustix::event::{PollFd, PollFlags, poll};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{self as sync, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use zeroize::Zeroize;

use super::sgr;

const SYNCHRONISED_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNCHRONISED_END: &[u8] = b"\x1b[?2026l";
/// A link slower than this cannot carry a scrolling tail: a frame of 80x24 would take longer than half a second.
pub const SLOW_LINK_BYTES_PER_S: u64 = 4 * 1024;
/// Below this time spent in writes the measure of a link says more about buffers than about the link.
const MEASURED_MIN: Duration = Duration::from_millis(200);

/// Where ratatui's backend writes to: the bytes of the frame that is being drawn.
#[derive(Clone, Debug)]
pub struct FrameSink {
    frame: Arc<Mutex<Vec<u8>>>,
    synchronised: bool,
    /// Colours are sent in the form of terminals with sixteen.
    sixteen: bool,
}

impl FrameSink {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // A panic while bytes were added leaves a short frame, which is no reason for a second panic.
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for FrameSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut frame = self.lock();
        if frame.is_empty() && self.synchronised {
            frame.extend_from_slice(SYNCHRONISED_BEGIN);
        }
        frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was written so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    pub frames: u64,
    pub bytes: u64,
    /// How long the last frame took to be written.
    pub last_write: Duration,
    /// Bytes and time of late, older frames fading by a quarter with each new one.
    recent_bytes: f64,
    recent_time: Duration,
}

impl Stats {
    /// The rate of the link of late; `None` as long as writes hardly wait, so that there is nothing to measure.
    #[must_use]
    pub fn bytes_per_s(&self) -> Option<f64> {
        (self.recent_time >= MEASURED_MIN).then(|| self.recent_bytes / self.recent_time.as_secs_f64())
    }

    /// True if a tail should show a counter and one row a second instead of scrolling.
    #[must_use]
    pub fn slow_link(&self) -> bool {
        self.bytes_per_s().is_some_and(|rate| rate < SLOW_LINK_BYTES_PER_S as f64)
    }

    fn count(&mut self, bytes: usize, took: Duration) {
        self.frames += 1;
        self.bytes += bytes as u64;
        self.last_write = took;
        self.recent_bytes = self.recent_bytes * 0.75 + bytes as f64;
        self.recent_time = self.recent_time.mul_f64(0.75) + took;
    }
}

/// The loop's end of the writer thread.
#[derive(Debug)]
pub struct Writer {
    sink: FrameSink,
    /// The buffer that is not in use; two of them take turns.
    spare: Vec<u8>,
    frames: SyncSender<Vec<u8>>,
    written: Receiver<Written>,
    in_flight: bool,
    stats: Stats,
}

/// The thread's answer: the emptied buffer comes back with it.
#[derive(Debug)]
struct Written {
    buffer: Vec<u8>,
    bytes: usize,
    took: Duration,
    result: io::Result<()>,
}

impl Writer {
    /// Starts the thread over a terminal (a duplicate of standard output, unbuffered). `synchronised` wraps each
    /// frame in the private mode 2026, so that the terminal shows it at once.
    ///
    /// # Errors
    /// If the thread cannot be made.
    pub fn start(terminal: impl Write + AsFd + Send + 'static, synchronised: bool) -> io::Result<Self> {
        let (frames, to_write) = sync::sync_channel(1);
        let (answer, written) = channel(1);
        let run = move || write_frames(terminal, &to_write, &answer);
        std::thread::Builder::new().name("writer".to_owned()).spawn(run)?;
        let sink = FrameSink { frame: Arc::default(), synchronised, sixteen: false };
        Ok(Self { sink, spare: Vec::new(), frames, written, in_flight: false, stats: Stats::default() })
    }

    /// Sends the sixteen colours as `31` and the like. Before the first sink is taken.
    #[must_use]
    pub fn with_sixteen_colours(mut self, on: bool) -> Self {
        self.sink.sixteen = on;
        self
    }

    /// A sink for ratatui's backend. Bytes of our own (a clipboard text, a title) may be written to one as well,
    /// between frames; they leave with the next commit.
    #[must_use]
    pub fn sink(&self) -> FrameSink {
        self.sink.clone()
    }

    /// True if no frame is in flight, so that the next may be drawn.
    ///
    /// # Errors
    /// The error of the last write: the terminal is gone, and so the program ends.
    pub fn ready(&mut self) -> io::Result<bool> {
        if self.in_flight
            && let Ok(written) = self.written.try_recv()
        {
            self.settle(written)?;
        }
        Ok(!self.in_flight)
    }

    /// Waits until the frame in flight is written; for ever if there is none. Safe to drop and call again.
    ///
    /// # Errors
    /// As [`Writer::ready`].
    pub async fn settled(&mut self) -> io::Result<()> {
        if !self.in_flight {
            std::future::pending::<()>().await;
        }
        let written = self.written.recv().await.ok_or_else(thread_gone)?;
        self.settle(written)
    }

    /// How many bytes wait for the next commit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.sink.lock().len()
    }

    /// Takes back what was drawn since so many bytes waited, if it goes to no place on the screen: ratatui resets the
    /// style and hides the cursor also where no cell differs, and an idle screen has no frames.
    pub fn take_back_blank(&self, waiting: usize) {
        let mut frame = self.sink.lock();
        if frame.get(waiting..).is_some_and(|drawn| !goes_somewhere(drawn)) {
            frame.truncate(waiting);
        }
    }

    /// Ends the frame and hands it over. False if the last one is still in flight: the bytes then wait, and join the
    /// next commit. A frame without bytes is none.
    ///
    /// # Errors
    /// As [`Writer::ready`].
    pub fn commit(&mut self) -> io::Result<bool> {
        if !self.ready()? {
            return Ok(false);
        }
        let mut frame = self.sink.lock();
        if frame.is_empty() {
            return Ok(true);
        }
        if self.sink.sixteen {
            sgr::to_sixteen(&mut frame);
        }
        if self.sink.synchronised {
            frame.extend_from_slice(SYNCHRONISED_END);
        }
        let bytes = std::mem::replace(&mut *frame, std::mem::take(&mut self.spare));
        drop(frame);
        self.in_flight = true;
        self.frames.send(bytes).map_err(|_| thread_gone())?;
        Ok(true)
    }

    /// What was written so far, the frame in flight not included.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Writes what is pending and waits for it, before the guard leaves its modes. A link that does not take it within
    /// `patience` is left alone.
    ///
    /// # Errors
    /// As [`Writer::ready`], or `TimedOut`.
    pub async fn finish(mut self, patience: Duration) -> io::Result<()> {
        let finished = async {
            while !self.commit()? || self.in_flight {
                self.settled().await?;
            }
            Ok(())
        };
        tokio::time::timeout(patience, finished).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn settle(&mut self, written: Written) -> io::Result<()> {
        self.in_flight = false;
        self.spare = written.buffer;
        self.stats.count(written.bytes, written.took);
        written.result
    }
}

/// Whether there is a cursor position among the sequences; every cell that is drawn comes behind one.
fn goes_somewhere(drawn: &[u8]) -> bool {
    let sequences = drawn.split(|byte| *byte == 0x1b).filter_map(|part| part.strip_prefix(b"["));
    sequences.filter_map(|part| part.iter().find(|byte| !matches!(byte, b'0'..=b'9' | b';'))).any(|end| *end == b'H')
}

fn thread_gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the writer of the terminal has ended after an error")
}

/// The thread: ends when the writer is dropped, or after the first error, since a terminal does not come back.
fn write_frames(mut terminal: impl Write + AsFd, frames: &sync::Receiver<Vec<u8>>, answer: &Sender<Written>) {
    while let Ok(mut buffer) = frames.recv() {
        let started = Instant::now();
        let result = write_whole(&mut terminal, &buffer);
        let took = started.elapsed();
        let bytes = buffer.len();
        // A frame may have held a secret that is shown once.
        buffer.zeroize();
        let failed = result.is_err();
        if answer.blocking_send(Written { buffer, bytes, took, result }).is_err() || failed {
            return;
        }
    }
}

/// As `write_all`, and patient with a terminal that another program has set to non-blocking.
fn write_whole(terminal: &mut (impl Write + AsFd), mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match terminal.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(terminal)?,
            Err(error) => return Err(error),
        }
    }
    terminal.flush()
}

fn wait_for_room(terminal: &impl AsFd) -> io::Result<()> {
    match poll(&mut [PollFd::new(terminal, PollFlags::OUT)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{PipeReader, Read};

    const LONG: Duration = Duration::from_secs(20);

    fn over_a_pipe(synchronised: bool) -> (Writer, PipeReader) {
        let (reader, terminal) = io::pipe().unwrap();
        (Writer::start(terminal, synchronised).unwrap(), reader)
    }

    fn draw(writer: &Writer, bytes: &[u8]) {
        let mut sink = writer.sink();
        // As ratatui does it: in parts, each with a flush.
        for part in bytes.chunks(1000) {
            sink.write_all(part).unwrap();
            sink.flush().unwrap();
        }
    }

    #[tokio::test]
    async fn frame_arrives_whole_and_wrapped() {
        let (mut writer, mut reader) = over_a_pipe(true);
        draw(&writer, b"hello");
        assert!(writer.commit().unwrap());
        writer.finish(LONG).await.unwrap();
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen).unwrap();
        assert_eq!(seen, b"\x1b[?2026hhello\x1b[?2026l");
    }

    #[tokio::test]
    async fn slow_reader_holds_one_frame_in_flight_and_no_byte_is_lost() {
        let (mut writer, mut reader) = over_a_pipe(false);
        // Larger than the buffer of a pipe, so that the write blocks until the test reads.
        let (first, second) = (vec![b'1'; 300_000], vec![b'2'; 5_000]);
        draw(&writer, &first);
        assert!(writer.commit().unwrap());
        assert!(!writer.ready().unwrap());
        draw(&writer, &second);
        assert!(!writer.commit().unwrap(), "a second frame waits for the first");
        assert_eq!(writer.stats().frames, 0);

        let mut seen = vec![0; first.len()];
        reader.read_exact(&mut seen).unwrap();
        writer.settled().await.unwrap();
        assert!(writer.ready().unwrap());
        assert!(writer.commit().unwrap());
        writer.settled().await.unwrap();
        let stats = writer.stats();
        assert_eq!((stats.frames, stats.bytes), (2, 305_000));
        drop(writer);
        reader.read_to_end(&mut seen).unwrap();
        assert_eq!(seen, [first, second].concat());
    }

    #[tokio::test]
    async fn lost_terminal_is_an_error_for_the_loop() {
        let (mut writer, reader) = over_a_pipe(false);
        drop(reader);
        draw(&writer, b"x");
        assert!(writer.commit().unwrap());
        assert_eq!(writer.settled().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        draw(&writer, b"y");
        let after: io::Result<bool> = writer.commit();
        assert!(after.is_err() || writer.settled().await.is_err());
    }

    #[tokio::test]
    async fn buffers_take_turns_and_an_empty_frame_is_none() {
        let (mut writer, reader) = over_a_pipe(false);
        assert!(writer.commit().unwrap() && writer.ready().unwrap());
        draw(&writer, &[b'x'; 900]);
        writer.commit().unwrap();
        writer.settled().await.unwrap();
        assert!(writer.spare.capacity() >= 900 && writer.spare.is_empty());
        drop(reader);
    }

    #[tokio::test]
    async fn finish_leaves_a_link_alone_that_takes_nothing() {
        let (mut writer, _reader) = over_a_pipe(false);
        draw(&writer, &vec![b'x'; 300_000]);
        writer.commit().unwrap();
        let error = writer.finish(Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn rate_of_the_link_is_known_once_writes_wait() {
        let mut stats = Stats::default();
        stats.count(2_300, Duration::from_micros(50));
        assert!(stats.bytes_per_s().is_none() && !stats.slow_link());
        stats.count(2_300, Duration::from_millis(2_400));
        assert!(stats.slow_link());
        for _ in 0..40 {
            stats.count(2_300, Duration::from_millis(20));
        }
        assert!(!stats.slow_link(), "a link that became fast is measured as fast again");
    }
}
