//! A call to the daemon's listen address, as a sender would make it.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// An answer lists 100 results at most.
const ANSWER_BYTES_MAX: usize = 1_024 * 1_024;

/// What a sender is told.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// A `ProcessAnswer`, or a problem.
    pub body: Bytes,
}

/// Sends one request to `address` (`host:port`) and reads the whole answer.
///
/// # Errors
/// No connection, or an answer that is cut off or too long.
pub async fn deliver(
    address: &str,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; its errors come back through it.
    tokio::spawn(async move { connection.await.ok() });
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
    Ok(Answer { status, body })
}
