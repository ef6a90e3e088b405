//! The loop on real sockets. Time is paused where the test waits for a limit.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tollgate_shared::problem::Problem;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::*;
use crate::edge::Body;
use crate::edge::body::read_body;
use crate::edge::door::EdgeLimits;
use crate::edge::{RequestId, respond};
use crate::local::bind::{SocketPlan, bind};

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const WAIT: Duration = Duration::from_secs(120);

struct Running {
    address: SocketAddr,
    settings: EdgeSettings,
    stop: CancellationToken,
    refused: Arc<Mutex<Vec<RefusedHead>>>,
    /// One permit for each request that has come to its handler.
    begun: Arc<Semaphore>,
    task: JoinHandle<Drained>,
}

/// A handler for every test: the path says what it does.
async fn act(request: Request<Incoming>, peer: Peer) -> Response<Body> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/panic" => panic!("as asked"),
        "/hang" => std::future::pending().await,
        "/missing" => respond::problem(Problem::new(Slug::NotFound, "nothing here")),
        "/sleep" => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            respond::json(StatusCode::OK, "slept")
        }
        "/stream" => {
            let (rows, receiver) = mpsc::channel(4);
            tokio::spawn(async move {
                let sent = rows.send(Bytes::from_static(b"{\"row\":1}\n")).await;
                assert!(sent.is_ok());
                rows.closed().await;
            });
            respond::ndjson(receiver)
        }
        "/body" => match read_body(request.into_body(), 100, Duration::from_secs(10)).await {
            Ok(body) => respond::json(StatusCode::OK, &body.len()),
            Err(error) => error.response(),
        },
        _ => {
            assert!(request.extensions().get::<RequestId>().is_some());
            let uid = match peer {
                Peer::Local { uid, .. } => Some(uid),
                Peer::Tcp(_) => None,
            };
            respond::json(StatusCode::OK, &uid)
        }
    }
}

async fn start_with(change: impl FnOnce(&mut EdgeLimits)) -> Running {
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = door.local_addr().unwrap();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&refused);
    let mut settings =
        EdgeSettings { on_refused: Arc::new(move |head| sink.lock().unwrap().push(head)), ..EdgeSettings::new() };
    change(&mut settings.limits);
    let stop = CancellationToken::new();
    let begun = Arc::new(Semaphore::new(0));
    let counting = Arc::clone(&begun);
    let handler = move |request, peer| {
        counting.add_permits(1);
        act(request, peer)
    };
    let task = tokio::spawn(serve(door, handler, settings.clone(), stop.clone()));
    Running { address, settings, stop, refused, begun, task }
}

async fn start() -> Running {
    start_with(|_| ()).await
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends the text on a fresh connection and returns all that comes until the end of the stream.
    async fn exchange(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        to_end(&mut stream).await
    }

    /// Waits until so many requests have come to their handlers.
    async fn begun(&self, requests: u32) {
        let all = tokio::time::timeout(WAIT, self.begun.acquire_many(requests)).await;
        all.expect("all requests begin").expect("it is never closed").forget();
    }

    /// A connection reports after its answer, so the test waits for the report.
    async fn reported(&self, count: usize) {
        let wait = async {
            while self.refused.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WAIT, wait).await.expect("all refusals are reported");
    }

    fn reasons(&self) -> Vec<Slug> {
        self.refused.lock().unwrap().iter().map(|head| head.reason).collect()
    }
}

async fn to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(WAIT, stream.read_to_end(&mut text)).await;
    // A reset also ends the stream; what came before it is what matters.
    drop(read.expect("the connection ends"));
    String::from_utf8(text).unwrap()
}

/// Reads until the text so far contains `mark`.
async fn until(stream: &mut (impl AsyncRead + Unpin), mark: &str) -> String {
    let mut text = String::new();
    let mut buf = [0; 1024];
    while !text.contains(mark) {
        let count = tokio::time::timeout(WAIT, stream.read(&mut buf)).await.expect("bytes come").unwrap();
        assert!(count > 0, "the stream ended before {mark:?}: {text}");
        text.push_str(std::str::from_utf8(&buf[..count]).unwrap());
    }
    text
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_tls_handshake_at_a_plain_door_is_called_so() {
    let running = start().await;
    running.exchange("\u{16}\u{3}\u{1}\u{2}hello\r\n\r\n").await;
    running.exchange("nonsense\r\n\r\n").await;
    running.reported(2).await;
    let whats: Vec<&str> = running.refused.lock().unwrap().iter().map(|head| head.what).collect();
    assert!(whats[0].contains("TLS handshake") && whats[0].contains("http://"), "{whats:?}");
    assert_eq!(whats[1], "the head is not valid HTTP/1.1");
    assert_eq!(running.reasons(), [Slug::MalformedRequest, Slug::MalformedRequest]);
}

#[tokio::test]
async fn keep_alive_serves_pipelined_requests_with_an_id_each() {
    let edge = start().await;
    let text = format!("{GET}POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello{GET}");
    let mut stream = edge.connect().await;
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answers = to_end(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    let mut ids: Vec<&str> = answers.lines().filter(|line| line.starts_with("x-request-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn smuggling_shapes_are_refused_and_the_connection_ends() {
    let edge = start().await;
    let smuggled = "GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for lines in [
        "Host: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Host: localhost\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n",
        "Host: localhost\r\nContent-Length: +4\r\n\r\nbody",
        "Host: localhost\r\nContent-Length : 4\r\n\r\nbody",
        "Host: localhost\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "Host: localhost\r\nFoo: a\r\n Transfer-Encoding: chunked\r\n\r\n",
        "Host: localhost\r\nHost: localhost\r\n\r\n",
        "Host: localhost\nContent-Length: 0\n\n",
        "Content-Length: 0\r\n\r\n",
    ] {
        let answer = edge.exchange(&format!("POST / HTTP/1.1\r\n{lines}{smuggled}")).await;
        // hyper ends some of them without an answer; none is served, and nothing after it is.
        assert!(answer.is_empty() || status(&answer) == 400, "{lines:?}: {answer}");
        assert!(answer.matches("x-request-id").count() <= 1 && !answer.contains("500 Internal"), "{lines:?}: {answer}");
    }
    assert_eq!(edge.settings.counters.panics.load(Ordering::Relaxed), 0);
    edge.reported(12).await;
    assert_eq!(edge.settings.counters.bad_heads.load(Ordering::Relaxed), 12);
    assert!(edge.reasons().iter().all(|reason| *reason == Slug::MalformedRequest), "{:?}", edge.reasons());
}

#[tokio::test]
async fn refused_head_is_answered_with_a_problem_and_an_id() {
    let edge = start().await;
    let answer = edge.exchange("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert_eq!(status(&answer), 403, "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let problem: Problem = serde_json::from_str(body).unwrap();
    assert_eq!(problem.slug(), Ok(Slug::HostNotAllowed));
    assert!(head.contains(problem.request_id.as_deref().unwrap()), "{head}");
    assert!(head.contains("connection: close") && head.contains("cache-control: no-store"), "{head}");
    assert_eq!(edge.refused.lock().unwrap()[0].request_id.unwrap().0.to_string(), problem.request_id.unwrap());
}

#[tokio::test]
async fn huge_heads_get_431() {
    let edge = start().await;
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "a".repeat(17 * 1024));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-Many: 1\r\n".repeat(70));
    for head in [long, many] {
        assert_eq!(status(&edge.exchange(&head).await), 431);
    }
    edge.reported(2).await;
    assert_eq!(edge.reasons(), [Slug::HeadersTooLarge, Slug::HeadersTooLarge]);
}

#[tokio::test]
async fn http_1_0_and_chunked_requests_end_their_connection() {
    let edge = start().await;
    let old = edge.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert_eq!(status(&old), 200, "{old}");
    let chunked = "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = edge.exchange(&format!("{chunked}{GET}")).await;
    assert!(answer.contains("connection: close") && answer.ends_with("\r\n\r\n3"), "{answer}");
}

#[tokio::test]
async fn body_over_the_limit_is_refused_before_and_while_it_is_read() {
    let edge = start().await;
    let declared = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    let answer = edge.exchange(declared).await;
    assert_eq!(status(&answer), 413, "{answer}");
    let piece = format!("60\r\n{}\r\n", "x".repeat(0x60));
    let chunked = "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = edge.exchange(&format!("{chunked}{piece}{piece}")).await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn unread_body_is_not_taken_for_a_request() {
    let edge = start().await;
    let answer =
        edge.exchange(&format!("POST /missing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n{GET}")).await;
    assert_eq!(status(&answer), 404);
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn panic_is_a_500_and_the_daemon_goes_on() {
    let edge = start().await;
    let answer = edge.exchange("GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(status(&answer), 500, "{answer}");
    assert!(answer.contains("urn:tollgate:problem:internal"), "{answer}");
    assert_eq!(edge.settings.counters.panics.load(Ordering::Relaxed), 1);
    let answer = edge.exchange("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), 200);
}

#[tokio::test(start_paused = true)]
async fn slow_heads_are_closed_after_5_s_and_idle_connections_after_60_s() {
    let edge = start().await;
    let begun = tokio::time::Instant::now();
    let mut silent = edge.connect().await;
    let mut half = edge.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
    assert_eq!(to_end(&mut silent).await, "");
    assert_eq!(to_end(&mut half).await, "");
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());

    let mut idle = edge.connect().await;
    idle.write_all(GET.as_bytes()).await.unwrap();
    until(&mut idle, "\r\n\r\n").await;
    let begun = tokio::time::Instant::now();
    to_end(&mut idle).await;
    let rested = begun.elapsed();
    assert!(rested > Duration::from_secs(50) && rested < Duration::from_secs(62), "{rested:?}");
    // The idle one is no offence and is not counted.
    assert_eq!(edge.settings.counters.timeouts.load(Ordering::Relaxed), 2);
    assert_eq!(edge.reasons(), [Slug::BodyTimeout, Slug::BodyTimeout]);
}

#[tokio::test(start_paused = true)]
async fn hanging_handler_and_trickled_body_are_cut() {
    let edge = start().await;
    let begun = tokio::time::Instant::now();
    let answer = edge.exchange("GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(status(&answer), 503, "{answer}");
    assert!(answer.contains("retry-after: 5"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(32));

    let begun = tokio::time::Instant::now();
    let answer = edge.exchange("POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab").await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(13));
}

#[tokio::test]
async fn one_address_gets_its_share_and_no_more() {
    let edge = start_with(|limits| limits.per_address_max = 2).await;
    let mut kept = [edge.connect().await, edge.connect().await];
    for stream in &mut kept {
        stream.write_all(GET.as_bytes()).await.unwrap();
        until(stream, "\r\n\r\n").await;
    }
    let mut third = edge.connect().await;
    assert_eq!(to_end(&mut third).await, "");
    assert_eq!(edge.reasons(), [Slug::Overloaded]);
    assert_eq!(edge.settings.counters.refused.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_total_new_peers_wait_until_a_place_is_free() {
    let edge = start_with(|limits| limits.connections_max = 1).await;
    let mut first = edge.connect().await;
    first.write_all(GET.as_bytes()).await.unwrap();
    until(&mut first, "\r\n\r\n").await;
    let mut second = edge.connect().await;
    second.write_all(GET.as_bytes()).await.unwrap();
    let mut buf = [0; 16];
    assert!(tokio::time::timeout(Duration::from_secs(2), second.read(&mut buf)).await.is_err());
    assert_eq!(edge.settings.counters.accepted.load(Ordering::Relaxed), 1);
    drop(first);
    assert_eq!(status(&until(&mut second, "\r\n\r\n").await), 200);
}

#[tokio::test(start_paused = true)]
async fn drain_finishes_requests_closes_idle_connections_and_ends_streams() {
    let edge = start().await;
    let mut idle = edge.connect().await;
    idle.write_all(GET.as_bytes()).await.unwrap();
    until(&mut idle, "\r\n\r\n").await;
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    until(&mut stream, "{\"row\":1}\n").await;
    let mut busy = edge.connect().await;
    busy.write_all(b"GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    edge.begun(3).await;
    edge.stop.cancel();
    assert_eq!(edge.task.await.unwrap(), Drained { cut: 0 });
    assert!(to_end(&mut busy).await.ends_with("\"slept\""));
    assert!(to_end(&mut stream).await.contains("0\r\n\r\n"), "the stream ends in good order");
    to_end(&mut idle).await;
    assert!(TcpStream::connect(edge.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn drain_gives_up_at_its_deadline() {
    let edge = start_with(|limits| limits.drain = Duration::from_secs(2)).await;
    let mut hanging = edge.connect().await;
    hanging.write_all(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    edge.begun(1).await;
    edge.stop.cancel();
    assert_eq!(edge.task.await.unwrap(), Drained { cut: 1 });
}

#[tokio::test]
async fn local_socket_tells_the_uid_and_needs_no_known_host() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("admin.sock");
    let door = bind(&SocketPlan { path: path.clone(), mode: 0o600, group: None }).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(door, act, EdgeSettings::new(), stop.clone()));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: tollgate\r\n\r\n").await.unwrap();
    let answer = until(&mut stream, "\r\n\r\n").await;
    assert_eq!(status(&answer), 200, "{answer}");
    stop.cancel();
    let rest = to_end(&mut stream).await;
    let uid = rustix::process::geteuid().as_raw().to_string();
    assert!(format!("{answer}{rest}").ends_with(&uid), "{answer}{rest}");
    task.await.unwrap();
    assert!(!path.try_exists().unwrap(), "a clean exit takes its socket file along");
}

/// A door in a process that has no file descriptor left.
struct EmptyHanded(Arc<std::sync::atomic::AtomicU64>);

impl Door for EmptyHanded {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<Arrival<TcpStream>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error()))
    }
}

#[tokio::test(start_paused = true)]
async fn accept_without_file_descriptors_backs_off_and_can_be_stopped() {
    let tries = Arc::default();
    let settings = EdgeSettings::new();
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(EmptyHanded(Arc::clone(&tries)), act, settings.clone(), stop.clone()));
    tokio::time::sleep(Duration::from_millis(1050)).await;
    stop.cancel();
    assert_eq!(task.await.unwrap(), Drained { cut: 0 });
    assert_eq!(tries.load(Ordering::Relaxed), 11);
    assert_eq!(settings.counters.accept_errors.load(Ordering::Relaxed), 11);
}

#[test]
fn connections_stay_below_the_file_descriptors_of_the_process() {
    let greedy = EdgeLimits { connections_max: usize::MAX, ..EdgeLimits::default() };
    let soft = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let bound = greedy.within_file_descriptors().connections_max;
    assert!(soft.is_none_or(|soft| (bound as u64) < soft), "{bound}");
}
