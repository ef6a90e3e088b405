//! Looks at the bytes on their way to hyper, for what hyper does not tell.
//!
//! hyper drops one of `Content-Length` and `Transfer-Encoding` before a handler could object to the pair, and it has
//! one timer for both an idle connection and a slow head. So the tap scans each head as it passes, notes how it is
//! framed, and closes a connection whose head, once begun, is not complete in time, or whose peer stops reading.
//! It never changes a byte.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Enough of a line to know a header's name and a length; a longer `Content-Length` line counts as unreadable.
const LINE_KEPT_BYTES: usize = 256;
/// A TLS record that begins a handshake (RFC 8446 §5.1); no method of HTTP begins so.
const TLS_HANDSHAKE: u8 = 0x16;
/// How much of an unread body is thrown away after the last answer, so that a reset does not overtake the answer.
const LINGER_BYTES_MAX: usize = 256 * 1024;
const LINGER: Duration = Duration::from_secs(1);

/// How one head was framed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) bare_line_feed: bool,
    pub(crate) content_length: bool,
    pub(crate) transfer_encoding: bool,
    /// The scan does not follow the body, so no further request may be read from this connection.
    pub(crate) last: bool,
}

/// What the tap and the service of one connection share.
#[derive(Debug, Default)]
pub(crate) struct TapNotes {
    /// One entry for each head that has passed and is not yet answered: at most a read buffer's worth.
    heads: Mutex<VecDeque<Framing>>,
    timed_out: AtomicBool,
    /// The first byte was that of a TLS handshake.
    spoke_tls: AtomicBool,
    streaming: AtomicBool,
}

/// Limits of the tap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TapTimes {
    pub(crate) head: Duration,
    pub(crate) write_stall: Duration,
    /// The same while a stream without end is written.
    pub(crate) stream_stall: Duration,
}

/// The wrapped stream.
pub(crate) struct HeadTap<S> {
    inner: S,
    notes: Arc<TapNotes>,
    times: TapTimes,
    scan: Scan,
    head_timer: Option<Pin<Box<Sleep>>>,
    write_timer: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

struct Linger {
    timer: Pin<Box<Sleep>>,
    left: usize,
}

enum Scan {
    Head(HeadScan),
    /// So many body bytes are still to come before the next head.
    Body(u64),
    /// Chunked or unreadable framing: the connection ends with this request.
    Unfollowed,
}

#[derive(Default)]
struct HeadScan {
    begun: bool,
    request_line_seen: bool,
    line: Vec<u8>,
    line_bytes: usize,
    length: Option<u64>,
    framing: Framing,
}

// === impl TapNotes ===

impl TapNotes {
    /// The framing of the head that hyper has just handed over. `None` means that hyper and the scan disagree on
    /// where a head ends, which is reason enough to refuse.
    pub(crate) fn next_head(&self) -> Option<Framing> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Whether the peer takes this for a server that speaks TLS.
    pub(crate) fn spoke_tls(&self) -> bool {
        self.spoke_tls.load(Ordering::Relaxed)
    }

    pub(crate) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// Whether what is written from now on is a stream without end. Its reader may stand still: what he misses is told to
    /// him when he goes on, and what waits for him is bounded.
    pub(crate) fn set_streaming(&self, streaming: bool) {
        self.streaming.store(streaming, Ordering::Relaxed);
    }

    fn push(&self, framing: Framing) {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).push_back(framing);
    }

    fn time_out(&self) -> io::Error {
        self.timed_out.store(true, Ordering::Relaxed);
        io::ErrorKind::TimedOut.into()
    }
}

// === impl HeadTap ===

impl<S> HeadTap<S> {
    pub(crate) fn new(inner: S, notes: Arc<TapNotes>, times: TapTimes) -> Self {
        let head_timer = Some(Box::pin(sleep(times.head)));
        let scan = Scan::Head(HeadScan::default());
        HeadTap { inner, notes, times, scan, head_timer, write_timer: None, linger: None }
    }

    fn observe(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.scan {
                Scan::Unfollowed => return,
                Scan::Body(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= here as u64;
                    bytes = &bytes[here..];
                    if *left == 0 {
                        self.scan = Scan::Head(HeadScan::default());
                    }
                }
                Scan::Head(head) => {
                    if !head.begun && bytes[0] == TLS_HANDSHAKE {
                        self.notes.spoke_tls.store(true, Ordering::Relaxed);
                    }
                    head.begun = true;
                    let Some(used) = head.take(bytes) else {
                        // Armed only when a head comes in pieces: most arrive whole and need no timer.
                        let limit = self.times.head;
                        self.head_timer.get_or_insert_with(|| Box::pin(sleep(limit)));
                        return;
                    };
                    bytes = &bytes[used..];
                    let (framing, next) = head.finish();
                    self.notes.push(framing);
                    self.head_timer = None;
                    self.scan = next;
                }
            }
        }
    }

    /// Whether the peer may still be sending something that nobody will read.
    fn has_unread(&self) -> bool {
        match &self.scan {
            Scan::Head(head) => head.begun,
            Scan::Body(_) | Scan::Unfollowed => true,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTap<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.inner).poll_read(cx, buf) {
            self.observe(&buf.filled()[before..]);
            if self.head_timer.is_none() || result.is_err() || buf.filled().len() == before {
                return Poll::Ready(result);
            }
            // A trickle of bytes must not outlive the limit either, so the timer is looked at below.
        }
        let has_bytes = buf.filled().len() > before;
        let expired = self.head_timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
        match (expired, has_bytes) {
            (true, _) => Poll::Ready(Err(self.notes.time_out())),
            (false, true) => Poll::Ready(Ok(())),
            (false, false) => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> HeadTap<S> {
    fn watch_write<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.write_timer = None;
            return outcome;
        }
        let streams = self.notes.streaming.load(Ordering::Relaxed);
        let limit = if streams { self.times.stream_stall } else { self.times.write_stall };
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(self.notes.time_out()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HeadTap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watch_write(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.watch_write(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// Ends our side first, then reads what is left for a moment: closing a socket with unread bytes makes the
    /// kernel send a reset, and a reset can destroy the answer before the peer has read it.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            if !self.has_unread() {
                return Poll::Ready(Ok(()));
            }
            self.linger = Some(Linger { timer: Box::pin(sleep(LINGER)), left: LINGER_BYTES_MAX });
        }
        let this = &mut *self;
        let Some(linger) = &mut this.linger else { return Poll::Ready(Ok(())) };
        linger.drain(&mut this.inner, cx)
    }
}

// === impl Linger ===

impl Linger {
    fn drain<S: AsyncRead + Unpin>(&mut self, inner: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scrap = [0; 4096];
        while self.left > 0 && self.timer.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scrap);
            match ready!(Pin::new(&mut *inner).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => self.left = self.left.saturating_sub(buf.filled().len()),
                // The end of the stream and a reset both mean that nobody is left to wait for.
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

// === impl HeadScan ===

impl HeadScan {
    /// Takes bytes up to the end of the head; returns how many, or `None` when the head goes on.
    fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, &byte) in bytes.iter().enumerate() {
            if byte != b'\n' {
                self.line_bytes += 1;
                if self.line.len() < LINE_KEPT_BYTES {
                    self.line.push(byte);
                }
            } else if self.end_line() {
                return Some(index + 1);
            }
        }
        None
    }

    /// Looks at a whole line; true when it was the empty line after the headers.
    fn end_line(&mut self) -> bool {
        let whole = self.line.len() == self.line_bytes;
        let mut line = std::mem::take(&mut self.line);
        self.line_bytes = 0;
        let bare = whole && line.pop_if(|last| *last == b'\r').is_none();
        self.framing.bare_line_feed |= bare;
        if whole && line.is_empty() {
            return self.request_line_seen;
        }
        if self.request_line_seen {
            self.header_line(&line, whole);
        }
        self.request_line_seen = true;
        line.clear();
        self.line = line;
        false
    }

    fn header_line(&mut self, line: &[u8], whole: bool) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.framing.transfer_encoding = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            let agrees = !self.framing.content_length || self.length == length;
            self.framing.content_length = true;
            self.framing.last |= !whole || !agrees || length.is_none();
            self.length = length;
        }
    }

    fn finish(&mut self) -> (Framing, Scan) {
        let mut framing = self.framing;
        framing.last |= framing.transfer_encoding;
        let next = match self.length {
            _ if framing.last => Scan::Unfollowed,
            Some(length) if length > 0 => Scan::Body(length),
            _ => Scan::Head(HeadScan::default()),
        };
        (framing, next)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const TIMES: TapTimes = TapTimes {
        head: Duration::from_secs(5),
        write_stall: Duration::from_secs(30),
        stream_stall: Duration::from_secs(3_600),
    };

    /// Feeds the text in pieces of `step` bytes and returns the heads seen.
    fn heads_of(text: &str, step: usize) -> Vec<Framing> {
        let notes = Arc::new(TapNotes::default());
        let mut tap = HeadTap::new(tokio::io::empty(), Arc::clone(&notes), TIMES);
        for piece in text.as_bytes().chunks(step) {
            tap.observe(piece);
        }
        std::iter::from_fn(|| notes.next_head()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn pipelined_heads_are_told_apart_however_they_are_cut() {
        let text = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\nGET / HTTP/1.1\nA: b\r\n\r\n";
        for step in 1..text.len() {
            let heads = heads_of(text, step);
            assert_eq!(heads.len(), 3, "step {step}");
            assert!(heads[0].content_length && !heads[0].last);
            assert_eq!(heads[1], Framing::default());
            assert!(heads[2].bare_line_feed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn both_framings_are_seen_in_either_order_and_end_the_scan() {
        for lines in
            ["content-LENGTH:4\r\nTransfer-Encoding: chunked", "transfer-encoding: chunked\r\nContent-Length: 4"]
        {
            let heads = heads_of(&format!("POST / HTTP/1.1\r\n{lines}\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 7);
            assert_eq!(heads.len(), 1);
            assert!(heads[0].content_length && heads[0].transfer_encoding && heads[0].last);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn unreadable_or_contradicting_lengths_end_the_scan() {
        let padded = format!("Content-Length: {}5", " ".repeat(300));
        for lines in ["Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 5", padded.as_str()] {
            let heads = heads_of(&format!("POST / HTTP/1.1\r\n{lines}\r\n\r\n"), 9);
            assert!(heads[0].last, "{lines}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn trickling_head_is_cut_after_the_limit_and_a_complete_one_is_not() {
        let (mut peer, ours) = tokio::io::duplex(64);
        let notes = Arc::new(TapNotes::default());
        let mut tap = HeadTap::new(ours, Arc::clone(&notes), TIMES);
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut buf = [0; 64];
        assert_eq!(tap.read(&mut buf).await.unwrap(), 18);
        // Idle for longer than the limit: no head has begun, so the tap does not mind.
        assert!(tokio::time::timeout(Duration::from_secs(20), tap.read(&mut buf)).await.is_err());

        let begun = tokio::time::Instant::now();
        let trickle = tokio::spawn(async move {
            for _ in 0..60 {
                if peer.write_all(b"x").await.is_err() {
                    break;
                }
                sleep(Duration::from_millis(500)).await;
            }
        });
        let error = loop {
            if let Err(error) = tap.read(&mut buf).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(notes.timed_out());
        assert!(begun.elapsed() >= Duration::from_secs(5) && begun.elapsed() < Duration::from_secs(6));
        trickle.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn peer_that_stops_reading_is_cut() {
        let (_peer, ours) = tokio::io::duplex(8);
        let notes = Arc::new(TapNotes::default());
        let mut tap = HeadTap::new(ours, Arc::clone(&notes), TIMES);
        let error = tap.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(notes.timed_out());
    }

    #[tokio::test(start_paused = true)]
    async fn reader_of_a_stream_may_stand_still_for_an_hour() {
        let (mut peer, ours) = tokio::io::duplex(8);
        let notes = Arc::new(TapNotes::default());
        notes.set_streaming(true);
        let mut tap = HeadTap::new(ours, Arc::clone(&notes), TIMES);
        let begun = tokio::time::Instant::now();
        let reader = tokio::spawn(async move {
            sleep(Duration::from_secs(3_000)).await;
            let mut all = [0; 64];
            peer.read_exact(&mut all).await.map(|_| peer)
        });
        tap.write_all(&[0; 64]).await.unwrap();
        let _peer = reader.await.unwrap().unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(3_000));
        let error = tap.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
