//! The typed client of the daemon's local socket, for the command line and the console.
//!
//! A [`Client`] keeps at most one idle connection and opens another one where a request finds it in use, so it can be
//! shared by reference. A request has a deadline; a stream ([`Lines`], [`Follow`]) has its own connection and none.

mod appears;
mod backup;
mod connect;
mod error;
mod flows;
mod follow;
pub mod gate;
mod lines;
mod people;
mod queries;
mod redaction;
mod remedy;
mod routes;
mod search;
mod target;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tokens;
mod trying;

pub use appears::Appears;
pub use backup::BackupBytes;
pub use error::{ClientError, Tried};
pub use flows::RequestQuery;
pub use follow::{Backoff, Follow, FollowItem};
pub use lines::Lines;
pub use people::AuditQuery;
pub use routes::{IncidentQuery, LogQuery, PageQuery};
pub use search::socket_candidates;
pub use target::encode_segment;
pub use tokens::TokenQuery;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tollgate_shared::api::{SignIn, StatusView};
use tollgate_shared::problem::{MEDIA_TYPE, Problem};
use zeroize::Zeroizing;

/// A request and its whole answer take no longer than this.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// 1,000 log rows with full bodies, escaped, are some 100 MiB; a larger answer is not the daemon's.
const ANSWER_BYTES_MAX: usize = 256 * 1_024 * 1_024;

/// Says in the audit which program asked.
const ORIGIN: &str = "tollgate-client";

type Message = Request<Full<Bytes>>;
type Sender = SendRequest<Full<Bytes>>;

/// A daemon's local socket.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    origin: Origin,
    /// Who has signed in: shown at the beginning of each connection.
    ticket: Option<Arc<Ticket>>,
    /// Held only to take or put back a connection, never over an await.
    idle: Mutex<Option<Sender>>,
}

/// What a sign-in brought: further connections show it instead of the passphrase. Overwritten when dropped; in `Debug`
/// it is not there.
pub struct Ticket {
    operator: String,
    value: Zeroizing<String>,
}

/// Which of our programs asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Cli,
    /// The console.
    #[default]
    Console,
}

/// A request in the making.
struct Unsent {
    head: hyper::http::request::Builder,
    body: Bytes,
}

impl Unsent {
    fn header(mut self, name: header::HeaderName, value: String) -> Self {
        self.head = self.head.header(name, value);
        self
    }

    fn done(self) -> Result<Message, ClientError> {
        let message = self.head.body(Full::new(self.body));
        message.map_err(|error| ClientError::broken("the request could not be written", error))
    }
}

/// All that is read before the rest of the answer is trusted to have our shape.
#[derive(serde::Deserialize)]
struct VersionOnly {
    version: String,
}

impl Client {
    /// Connects to the first of `candidates` that answers.
    ///
    /// # Errors
    /// [`ClientError::NoDaemon`] with everything that was tried; [`ClientError::Denied`] where a socket is there and
    /// may not be used, or does not belong to whom it should.
    pub async fn open(candidates: &[PathBuf]) -> Result<Self, ClientError> {
        Self::open_as(candidates, None).await
    }

    /// As [`Client::open`], as the operator who got the ticket.
    ///
    /// # Errors
    /// Also the daemon's refusal of a ticket that has ended.
    pub async fn open_as(candidates: &[PathBuf], ticket: Option<Arc<Ticket>>) -> Result<Self, ClientError> {
        let (socket, sender) = connect::first(candidates).await?;
        let client = Self { socket, origin: Origin::default(), ticket, idle: Mutex::new(None) };
        let sender = client.introduce(sender).await?;
        client.put_back(sender);
        Ok(client)
    }

    /// Says in the audit that another program than the console asks.
    #[must_use]
    pub fn of(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// True where somebody has signed in with a passphrase.
    pub fn is_signed_in(&self) -> bool {
        self.ticket.is_some()
    }

    /// The socket file in use.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks the daemon for its status and refuses one of another minor or major version, whose answers may mean
    /// something else than this program thinks.
    ///
    /// # Errors
    /// [`ClientError::Incompatible`], and those of every request.
    pub async fn status(&self) -> Result<StatusView, ClientError> {
        let bytes = self.ask(Method::GET, "/v1/status", None).await?;
        let VersionOnly { version } = decode(&bytes)?;
        if minor_of(&version) != minor_of(env!("CARGO_PKG_VERSION")) {
            return Err(ClientError::Incompatible { daemon: version, ours: env!("CARGO_PKG_VERSION") });
        }
        decode(&bytes)
    }

    async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        decode(&self.ask(Method::GET, target, None).await?)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, ClientError> {
        decode(&self.ask(method, target, Some(encode(body)?)).await?)
    }

    /// As [`Client::send`], refused where the object is not of this version any more.
    async fn send_if_version<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: &(impl Serialize + Sync),
        version: impl std::fmt::Display,
    ) -> Result<T, ClientError> {
        let request = self.request(&method, target, Some(encode(body)?));
        let request = request.header(header::IF_MATCH, format!("\"{version}\""));
        decode(&self.ask_with(request).await?)
    }

    /// As [`Client::send`], where nothing in the answer matters.
    async fn send_for_nothing(
        &self,
        method: Method,
        target: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<(), ClientError> {
        self.ask(method, target, Some(encode(body)?)).await.map(drop)
    }

    async fn post_empty<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        decode(&self.ask(Method::POST, target, None).await?)
    }

    async fn delete(&self, target: &str) -> Result<(), ClientError> {
        self.ask(Method::DELETE, target, None).await.map(drop)
    }

    async fn ask(&self, method: Method, target: &str, body: Option<Bytes>) -> Result<Bytes, ClientError> {
        self.ask_with(self.request(&method, target, body)).await
    }

    /// Sends a request and reads its whole answer within the deadline.
    async fn ask_with(&self, request: Unsent) -> Result<Bytes, ClientError> {
        let exchange = self.exchange(request.done()?);
        tokio::time::timeout(REQUEST_TIMEOUT, exchange)
            .await
            .unwrap_or(Err(ClientError::TooSlow { secs: REQUEST_TIMEOUT.as_secs() }))
    }

    async fn exchange(&self, message: Message) -> Result<Bytes, ClientError> {
        let (response, sender) = self.deliver(message).await?;
        let status = response.status();
        let is_problem = is_problem(&response);
        let bytes = read_all(response.into_body()).await?;
        self.put_back(sender);
        if status.is_success() { Ok(bytes) } else { Err(refusal(status, is_problem, &bytes)) }
    }

    /// Sends a request over the idle connection or a new one. A daemon may close an idle connection at the very
    /// moment in which it is used; where hyper says that the request was not sent, it is sent once more over a new
    /// connection.
    async fn deliver(&self, mut message: Message) -> Result<(Response<Incoming>, Sender), ClientError> {
        if let Some(mut sender) = self.take_idle() {
            match sender.try_send_request(message).await {
                Ok(response) => return Ok((response, sender)),
                Err(mut failure) => match failure.take_message() {
                    Some(unsent) => message = unsent,
                    None => {
                        return Err(ClientError::broken("the connection ended before an answer", failure.into_error()));
                    }
                },
            }
        }
        let mut sender = self.introduce(connect::one(&self.socket).await?).await?;
        let sent = sender.send_request(message).await;
        let response = sent.map_err(|error| ClientError::broken("the connection ended before an answer", error))?;
        Ok((response, sender))
    }

    /// Opens a stream of NDJSON lines over a connection of its own. Only the answer's head has a deadline.
    async fn stream<T: DeserializeOwned>(&self, target: &str) -> Result<Lines<T>, ClientError> {
        self.open_stream(Method::GET, target, None).await
    }

    async fn open_stream<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Option<Bytes>,
    ) -> Result<Lines<T>, ClientError> {
        let opening = async {
            let mut sender = self.introduce(connect::one(&self.socket).await?).await?;
            let sent = sender.send_request(self.request(&method, target, body).done()?).await;
            let response = sent.map_err(|error| ClientError::broken("the connection ended before an answer", error))?;
            let status = response.status();
            if status.is_success() {
                return Ok(Lines::new(response.into_body(), sender));
            }
            let is_problem = is_problem(&response);
            Err(refusal(status, is_problem, &read_all(response.into_body()).await?))
        };
        tokio::time::timeout(REQUEST_TIMEOUT, opening)
            .await
            .unwrap_or(Err(ClientError::TooSlow { secs: REQUEST_TIMEOUT.as_secs() }))
    }

    /// Shows the ticket on a new connection: from then on it is the operator's.
    async fn introduce(&self, mut sender: Sender) -> Result<Sender, ClientError> {
        let Some(ticket) = &self.ticket else { return Ok(sender) };
        let shown = SignIn {
            operator: ticket.operator.clone(),
            passphrase: String::new(),
            ticket: Some(ticket.value.to_string()),
        };
        let message = self.request(&Method::POST, "/v1/sign-in", Some(encode(&shown)?)).done()?;
        let sent = sender.send_request(message).await;
        let response = sent.map_err(|error| ClientError::broken("the connection ended before an answer", error))?;
        let (status, is_problem) = (response.status(), is_problem(&response));
        let bytes = read_all(response.into_body()).await?;
        if status.is_success() { Ok(sender) } else { Err(refusal(status, is_problem, &bytes)) }
    }

    fn request(&self, method: &Method, target: &str, body: Option<Bytes>) -> Unsent {
        let origin = match self.origin {
            Origin::Cli => "cli",
            Origin::Console => "console",
        };
        let mut head = Request::builder().method(method).uri(target).header(header::HOST, "tollgate");
        head = head.header(ORIGIN, origin);
        if body.is_some() {
            head = head.header(header::CONTENT_TYPE, "application/json");
        }
        Unsent { head, body: body.unwrap_or_default() }
    }

    fn take_idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.take().filter(|sender| !sender.is_closed())
    }

    fn put_back(&self, sender: Sender) {
        if !sender.is_closed() {
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        }
    }
}

impl Ticket {
    /// Of an answer to a sign-in.
    pub(crate) fn new(operator: String, value: String) -> Self {
        Self { operator, value: Zeroizing::new(value) }
    }

    /// Whose it is.
    pub fn operator(&self) -> &str {
        &self.operator
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({}, not shown)", self.operator)
    }
}

fn is_problem(response: &Response<Incoming>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with(MEDIA_TYPE))
}

async fn read_all(body: Incoming) -> Result<Bytes, ClientError> {
    let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| ClientError::broken("the answer broke off", error))
}

fn refusal(status: StatusCode, is_problem: bool, bytes: &[u8]) -> ClientError {
    match serde_json::from_slice::<Problem>(bytes) {
        Ok(problem) if is_problem => ClientError::Problem(Box::new(problem)),
        _ => ClientError::NotADaemon { status: status.as_u16() },
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| ClientError::broken("the answer has not the expected shape", error))
}

fn encode(body: &impl Serialize) -> Result<Bytes, ClientError> {
    let bytes = serde_json::to_vec(body);
    bytes.map(Bytes::from).map_err(|error| ClientError::broken("the request could not be written", error))
}

/// `1.4` of `1.4.2`.
fn minor_of(version: &str) -> Option<&str> {
    let patch = version.rfind('.')?;
    Some(&version[..patch])
}
