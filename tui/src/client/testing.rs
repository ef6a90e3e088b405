//! A daemon that says what a test tells it to, on a socket of its own.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::UnixListener;
use tollgate_shared::api::{Counters, LogBounds, StatusView};
use tollgate_shared::problem::{MEDIA_TYPE, Problem};
use tollgate_shared::time::Timestamp;

/// The daemon's time in all tests: 2025-11-22T03:14:07Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_763_781_247_000_000);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    kind: &'static str,
    body: String,
}

/// The running fake. Dropping it ends it and removes its directory.
pub(crate) struct FakeDaemon {
    directory: tempfile::TempDir,
    asked: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Reply {
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self { status: 200, kind: "application/json", body: serde_json::to_string(value).unwrap() }
    }

    pub(crate) fn problem(problem: &Problem) -> Self {
        Self { status: problem.status, kind: MEDIA_TYPE, body: serde_json::to_string(problem).unwrap() }
    }

    /// A stream that says this and ends.
    pub(crate) fn stream(body: impl Into<String>) -> Self {
        Self { status: 200, kind: "application/x-ndjson", body: body.into() }
    }
}

impl FakeDaemon {
    /// Answers each `METHOD target` with what `answer` makes of it and of the body; `GET /v1/status` by itself.
    pub(crate) fn start(answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_as(&status(), answer)
    }

    /// As [`FakeDaemon::start`], with another status.
    pub(crate) fn start_as(status: &StatusView, answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let status = Reply::json(status);
        let answer = move |target: &str, body: &str| match target {
            "GET /v1/status" => status.clone(),
            _ => answer(target, body),
        };
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("admin.sock")).unwrap();
        let (asked, heads) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let task = tokio::spawn(serve(listener, asked.clone(), heads.clone(), Arc::new(answer)));
        Self { directory, asked, heads, task }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("admin.sock")
    }

    /// A path beside the socket.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Everything that was asked but the status, `METHOD target body`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// `CLIENT IF-MATCH` of every request, also of those for the status.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: UnixListener,
    asked: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
    answer: Arc<impl Fn(&str, &str) -> Reply + Send + Sync + 'static>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (asked, heads, answer) = (asked.clone(), heads.clone(), answer.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let head =
                |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
            heads.lock().unwrap().push(format!("{} {}", head("tollgate-client"), head("if-match")));
            reply(request, asked.clone(), answer.clone())
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { connection.await.ok() });
    }
}

async fn reply(
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<String>>>,
    answer: Arc<impl Fn(&str, &str) -> Reply>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = format!("{} {}", request.method(), request.uri());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    let reply = answer(&target, &body);
    if target != "GET /v1/status" {
        asked.lock().unwrap().push(format!("{target} {body}").trim_end().to_owned());
    }
    let response = Response::builder().status(reply.status).header("content-type", reply.kind);
    Ok(response.body(Full::from(reply.body)).unwrap())
}

/// The status of a daemon without any object.
pub(crate) fn status() -> StatusView {
    StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: 1,
        host: "noc-2".to_owned(),
        caller_uid: 0,
        caller: "root".to_owned(),
        caller_role: "admin".to_owned(),
        now: NOW,
        started_at: NOW.plus_secs(-60),
        listen: "127.0.0.1:7480".to_owned(),
        tls: false,
        socket: "/run/tollgate/admin.sock".to_owned(),
        data_dir: "/var/lib/tollgate".to_owned(),
        teams: 0,
        services: 0,
        filters: 0,
        tokens: 0,
        tokens_debug: 0,
        tokens_expiring: 0,
        tokens_suspended: 0,
        operators: 1,
        lockdown: None,
        restored: None,
        backup: Default::default(),
        open_incidents: 0,
        open_p1: 0,
        store: "healthy".to_owned(),
        log: LogBounds { last_seq: Some(4), ..LogBounds::default() },
        counters: Counters::default(),
        self_service: None,
    }
}
