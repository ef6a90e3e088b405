//! A stream of NDJSON lines.

use std::marker::PhantomData;

use bytes::{Buf as _, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::{ClientError, Sender, decode};

/// A log row with its body, headers and verdict is some 200 KiB at most; a longer line is not the daemon's.
const LINE_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// An answer without end, item by item.
#[derive(Debug)]
pub struct Lines<T> {
    body: Incoming,
    buffer: BytesMut,
    /// Bytes of `buffer` that are known to hold no line break.
    searched: usize,
    /// The connection lives as long as its sender.
    _connection: Sender,
    _item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(body: Incoming, connection: Sender) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, _connection: connection, _item: PhantomData }
    }

    /// The next item; `None` where the daemon ended the stream between two lines, as it does when it stops. May be
    /// dropped while it waits: nothing that came is lost.
    ///
    /// # Errors
    /// [`ClientError::Broken`] where the stream broke, or a line is not what it should be. A line that was cut off is
    /// not an item.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        self.next_line().await?.map(|line| decode(&line)).transpose()
    }

    /// As [`Lines::next`], for a reader that takes the line as it is.
    ///
    /// # Errors
    /// [`ClientError::Broken`] where the stream broke, or a line is longer than any that a daemon sends.
    pub async fn next_line(&mut self) -> Result<Option<BytesMut>, ClientError> {
        loop {
            if let Some(line) = self.take_line()? {
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(ClientError::broken("the stream broke off", error)),
                Some(Ok(frame)) => frame.into_data().into_iter().for_each(|data| self.buffer.extend_from_slice(&data)),
            }
        }
    }

    fn take_line(&mut self) -> Result<Option<BytesMut>, ClientError> {
        let Some(end) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            let too_long = self.searched > LINE_BYTES_MAX;
            let error = || ClientError::broken("the stream broke off", "a line is longer than any that a daemon sends");
            return if too_long { Err(error()) } else { Ok(None) };
        };
        let line = self.buffer.split_to(self.searched + end);
        self.buffer.advance(1);
        self.searched = 0;
        Ok(Some(line))
    }
}
