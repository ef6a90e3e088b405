//! Reading a request body: never more than the limit, never longer than the deadline.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use tollgate_shared::problem::{Problem, Slug};

use super::{Body, respond};

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body broke off or its framing is wrong, send it again")]
    Broken,
    #[error("the body is larger than {limit_bytes} bytes, send less or raise the limit")]
    TooLarge { limit_bytes: u64 },
    #[error("the body did not arrive in {} s, send it faster", .limit.as_secs())]
    TooSlow { limit: Duration },
}

/// Reads the whole body. A declared length above the limit is refused before anything is read; `limit` is for the
/// whole body, so a trickle does not prolong it.
///
/// # Errors
/// [`BodyError`]; the connection must be closed after it ([`BodyError::response`] does so).
pub async fn read_body<B>(body: B, limit_bytes: u64, limit: Duration) -> Result<Bytes, BodyError>
where
    B: HttpBody<Data = Bytes>,
{
    if body.size_hint().lower() > limit_bytes {
        return Err(BodyError::TooLarge { limit_bytes });
    }
    match tokio::time::timeout(limit, collect(body, limit_bytes)).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(BodyError::TooSlow { limit }),
    }
}

async fn collect<B: HttpBody<Data = Bytes>>(body: B, limit_bytes: u64) -> Result<Bytes, BodyError> {
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut total = 0_u64;
    while let Some(frame) = body.frame().await {
        // Trailers are read and left out: nothing here gives them a meaning.
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        total += data.len() as u64;
        if total > limit_bytes {
            return Err(BodyError::TooLarge { limit_bytes });
        }
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    // Most bodies arrive in one piece, which is then handed on without a copy.
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

// === impl BodyError ===

impl BodyError {
    #[must_use]
    pub fn slug(&self) -> Slug {
        match self {
            BodyError::Broken => Slug::MalformedRequest,
            BodyError::TooLarge { .. } => Slug::BodyTooLarge,
            BodyError::TooSlow { .. } => Slug::BodyTimeout,
        }
    }

    /// The answer, which also closes the connection: what is left of the body is never read.
    #[must_use]
    pub fn response(&self) -> Response<Body> {
        respond::closing(respond::problem(Problem::new(self.slug(), self.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use hyper::body::{Frame, SizeHint};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Gives `pieces` pieces of ten bytes, `pause` apart, and declares nothing.
    struct Pieces {
        left: usize,
        pause: Duration,
        timer: Pin<Box<tokio::time::Sleep>>,
    }

    impl Pieces {
        fn new(left: usize, pause: Duration) -> Self {
            Pieces { left, pause, timer: Box::pin(tokio::time::sleep(pause)) }
        }
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::ready!(self.timer.as_mut().poll(cx));
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            let next = tokio::time::Instant::now() + self.pause;
            self.timer.as_mut().reset(next);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"0123456789")))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn declared_length_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
        let over = read_body(Full::new(Bytes::from_static(b"12345")), 4, LIMIT).await;
        assert_eq!(over, Err(BodyError::TooLarge { limit_bytes: 4 }));
        let at = read_body(Full::new(Bytes::from_static(b"1234")), 4, LIMIT).await;
        assert_eq!(at.unwrap(), "1234");
    }

    #[tokio::test(start_paused = true)]
    async fn endless_body_stops_at_the_limit_and_pieces_are_joined() {
        let endless = read_body(Pieces::new(usize::MAX, Duration::ZERO), 1000, LIMIT).await;
        assert_eq!(endless, Err(BodyError::TooLarge { limit_bytes: 1000 }));
        let joined = read_body(Pieces::new(3, Duration::ZERO), 30, LIMIT).await;
        assert_eq!(joined.unwrap(), "012345678901234567890123456789");
    }

    #[tokio::test(start_paused = true)]
    async fn trickle_does_not_prolong_the_deadline() {
        let slow = read_body(Pieces::new(100, Duration::from_secs(3)), 10_000, LIMIT).await;
        let error = slow.unwrap_err();
        assert_eq!(error, BodyError::TooSlow { limit: LIMIT });
        assert_eq!(error.response().headers()["connection"], "close");
        assert_eq!(error.response().status(), 408);
    }
}
