//! The tails: some are read all along by one thread, some are opened and left alone.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use super::load::token_of;
use super::{Done, READ, STOPPED};

const ROW: &[u8] = b"{\"row\":{";
const GAP: &[u8] = b"{\"gap\":{";
const BUFFER_BYTES: usize = 64 * 1_024;
/// A stopped reader that goes on is told what it missed within this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Open tails.
pub(super) struct Readers {
    stopped: Vec<UnixStream>,
    stop: Arc<AtomicBool>,
    reading: JoinHandle<io::Result<Seen>>,
}

/// What the tails that are read were told.
#[derive(Default)]
struct Seen {
    rows: u64,
    gaps: u64,
}

/// What all were told.
pub(super) struct Told {
    rows: u64,
    gaps: u64,
    stopped_with_gap: usize,
    missed_min: u64,
    missed_max: u64,
    buffered_max: usize,
}

impl Readers {
    /// Opens all, each of one token, and waits until each has begun.
    pub(super) fn open(socket: &Path, tokens: &[(String, String)]) -> Done<Self> {
        let mut streams = Vec::with_capacity(READ + STOPPED);
        for tail in 0..READ + STOPPED {
            streams.push(open(socket, token_of(tokens, tail))?);
        }
        let read = streams.split_off(STOPPED);
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let reading = std::thread::spawn(move || read_all(&read, &stopping));
        Ok(Self { stopped: streams, stop, reading })
    }

    /// Ends the reading, and lets the stopped ones go on until they are told what they missed.
    pub(super) fn close(self) -> Done<Told> {
        self.stop.store(true, Ordering::Relaxed);
        let read = self.reading.join().map_err(|_| "the reader panicked")??;
        let (mut missed, mut buffered_max) = (Vec::new(), 0);
        for stream in self.stopped {
            let (buffered, gap) = read_to_gap(stream)?;
            buffered_max = buffered_max.max(buffered);
            missed.extend(gap);
        }
        Ok(Told {
            rows: read.rows,
            gaps: read.gaps,
            stopped_with_gap: missed.len(),
            missed_min: missed.iter().copied().min().unwrap_or(0),
            missed_max: missed.iter().copied().max().unwrap_or(0),
            buffered_max,
        })
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows and {} gaps read; {} of {STOPPED} stopped ones told a gap of {} to {} rows behind at most {} KiB that waited",
            self.rows,
            self.gaps,
            self.stopped_with_gap,
            self.missed_min,
            self.missed_max,
            self.buffered_max / 1_024
        )
    }
}

fn open(socket: &Path, token: &str) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    let target = format!("/v1/logs?follow=true&q=token:{token}");
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut buffer = [0; 1_024];
    while !contains(&head, b"{\"heartbeat\"") {
        let count = stream.read(&mut buffer)?;
        head.extend_from_slice(&buffer[..count]);
        if count == 0 || head.len() > 16 * 1_024 {
            return Err(io::Error::other(format!("no tail: {}", String::from_utf8_lossy(&head))));
        }
    }
    Ok(stream)
}

fn read_all(streams: &[UnixStream], stop: &AtomicBool) -> io::Result<Seen> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (n, stream) in streams.iter().enumerate() {
        stream.set_nonblocking(true)?;
        epoll::add(&epoll, stream, epoll::EventData::new_u64(n as u64), epoll::EventFlags::IN)?;
    }
    let mut read = Seen::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    // What was cut at the end of the last reading, so that nothing is missed between two.
    let mut ends: Vec<Vec<u8>> = vec![Vec::new(); streams.len()];
    while !stop.load(Ordering::Relaxed) {
        let timeout = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        let mut events = [MaybeUninit::<epoll::Event>::uninit(); 256];
        let (events, _) = epoll::wait(&epoll, &mut events, Some(&timeout))?;
        for event in events {
            let n = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            let Some(mut stream) = streams.get(n) else { continue };
            let count = match stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::other("a tail ended")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            let end = &mut ends[n];
            end.extend_from_slice(&buffer[..count]);
            read.rows += count_of(end, ROW);
            read.gaps += count_of(end, GAP);
            end.drain(..end.len().saturating_sub(ROW.len() - 1));
        }
    }
    Ok(read)
}

/// Reads what has waited, up to the gap: how much that was, and how many rows were missed.
fn read_to_gap(mut stream: UnixStream) -> io::Result<(usize, Option<u64>)> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let (mut all, mut buffer) = (Vec::new(), vec![0; BUFFER_BYTES]);
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
        if let Some(gap) = gap_in(&all) {
            return Ok((all.len(), Some(gap)));
        }
    }
    Ok((all.len(), None))
}

fn gap_in(bytes: &[u8]) -> Option<u64> {
    let at = bytes.windows(GAP.len()).position(|window| window == GAP)?;
    let text = std::str::from_utf8(bytes.get(at..)?.split(|byte| *byte == b'}').next()?).ok()?;
    text.split("\"count\":").nth(1)?.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn count_of(bytes: &[u8], wanted: &[u8]) -> u64 {
    bytes.windows(wanted.len()).filter(|window| *window == wanted).count() as u64
}
