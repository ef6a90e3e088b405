//! Steps with real parts: executables in a directory of the test's own, and a real server on this host.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tollgate_shared::id::RequestId;
use tollgate_shared::workflow::{HttpStep, RunStep, Step};
use uuid::Uuid;

use super::actions::{self, ActionError};
use super::{AutomationSettings, post, program};
use crate::core::call::redact::Redactor;
use crate::core::workflows::{StepDone, StepOrder};

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("tg-actions-").tempdir().unwrap();
        set_mode(dir.path(), 0o755);
        Self { dir }
    }

    fn settings(&self) -> AutomationSettings {
        AutomationSettings {
            actions: Some(self.dir.path().to_path_buf()),
            post_allowlist: Vec::new(),
            concurrency: 2,
            uid: rustix::process::geteuid().as_raw(),
        }
    }

    fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        // Written under another name and renamed: a file that some thread still holds open for writing cannot be run.
        let fresh = self.dir.path().join(format!(".{name}"));
        std::fs::write(&fresh, format!("#!/bin/sh\n{body}\n")).unwrap();
        set_mode(&fresh, 0o755);
        std::fs::rename(&fresh, &path).unwrap();
        path
    }

    fn found(&self, program: &str) -> Result<PathBuf, ActionError> {
        actions::find(&self.settings(), program)
    }

    async fn run(&self, step: &RunStep, payload: &str) -> StepDone {
        self.run_until(step, payload, &CancellationToken::new()).await
    }

    async fn run_until(&self, step: &RunStep, payload: &str, stop: &CancellationToken) -> StepDone {
        let path = self.found(&step.program).unwrap();
        let order = order(Step { name: "go".to_owned(), run: Some(step.clone()), ..Step::default() });
        // A fork of another test may hold a freshly written script open for a moment: the kernel says "text file busy".
        for _ in 0..50 {
            let done = program::run(&order, step, &path, payload, &redactor(), stop).await;
            if !done.error.as_deref().is_some_and(|error| error.contains("busy")) {
                return done;
            }
            tokio::task::yield_now().await;
        }
        panic!("the script stays busy");
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn redactor() -> Redactor {
    Redactor::new(["password"])
}

fn order(step: Step) -> StepOrder {
    StepOrder {
        request: RequestId(Uuid::from_u128(7)),
        workflow: "Ops/restart".to_owned(),
        steps: Arc::new(vec![step]),
        at: 0,
        attempt: 1,
        variables: BTreeMap::from([("host".to_owned(), "db1; touch /tmp/tollgate-canary $(id)".to_owned())]),
    }
}

fn run_step(program: &str) -> RunStep {
    RunStep { timeout_secs: 30, ..RunStep::new(program) }
}

// --- which programs may be started ---

#[test]
fn a_program_is_named_by_its_file_or_its_absolute_path_in_the_directory() {
    let place = Place::new();
    let path = std::fs::canonicalize(place.script("go.sh", "true")).unwrap();
    assert_eq!(place.found("go.sh"), Ok(path.clone()));
    assert_eq!(place.found(&place.dir.path().join("go.sh").display().to_string()), Ok(path));
}

#[test]
fn what_leads_out_of_the_directory_is_refused() {
    let place = Place::new();
    place.script("go.sh", "true");
    for outside in ["/bin/sh", "../bin/sh", "x/../../bin/sh", ".", "", "go.sh/", "go.sh/x"] {
        let found = place.found(outside);
        assert!(matches!(found, Err(ActionError::Outside(_) | ActionError::Missing(..))), "{outside}: {found:?}");
    }
    assert!(matches!(place.found("missing.sh"), Err(ActionError::Missing(..))));
    let none = AutomationSettings { actions: None, ..place.settings() };
    assert_eq!(actions::find(&none, "go.sh"), Err(ActionError::NoDirectory));
}

#[test]
fn a_program_that_others_may_write_is_refused_and_so_is_its_directory() {
    let place = Place::new();
    let path = place.script("go.sh", "true");
    for (mode, refused) in [(0o775, true), (0o757, true), (0o755, false), (0o500, false)] {
        set_mode(&path, mode);
        assert_eq!(matches!(place.found("go.sh"), Err(ActionError::Writable { .. })), refused, "{mode:o}");
    }
    set_mode(&path, 0o755);
    std::fs::create_dir(place.dir.path().join("sub")).unwrap();
    set_mode(&place.dir.path().join("sub"), 0o777);
    std::fs::copy(&path, place.dir.path().join("sub/go.sh")).unwrap();
    assert!(matches!(place.found("sub/go.sh"), Err(ActionError::Writable { .. })));
    set_mode(place.dir.path(), 0o777);
    assert!(matches!(place.found("go.sh"), Err(ActionError::Writable { .. })));
}

#[test]
fn links_directories_and_files_without_the_bit_are_refused() {
    let place = Place::new();
    let path = place.script("go.sh", "true");
    std::os::unix::fs::symlink("/bin/sh", place.dir.path().join("link")).unwrap();
    assert!(matches!(place.found("link"), Err(ActionError::Link(_))));
    std::fs::create_dir(place.dir.path().join("sub")).unwrap();
    set_mode(&place.dir.path().join("sub"), 0o755);
    assert!(matches!(place.found("sub"), Err(ActionError::NotExecutable(_))));
    set_mode(&path, 0o644);
    assert!(matches!(place.found("go.sh"), Err(ActionError::NotExecutable(_))));
    set_mode(&path, 0o4755);
    assert!(matches!(place.found("go.sh"), Err(ActionError::SetId(_))));
}

#[test]
fn a_program_of_somebody_else_is_refused() {
    let place = Place::new();
    place.script("go.sh", "true");
    let settings = AutomationSettings { uid: 65_534, ..place.settings() };
    let found = actions::find(&settings, "go.sh");
    // Root's programs are everybody's to start.
    let by_root = rustix::process::geteuid().is_root();
    assert_eq!(matches!(found, Err(ActionError::Owner { .. })), !by_root, "{found:?}");
}

// --- running them ---

#[tokio::test]
async fn a_program_gets_the_payload_the_variables_and_nothing_of_the_daemons_environment() {
    let place = Place::new();
    place.script("go.sh", "env; echo \"--\"; pwd; cat; echo; printf '%s|' \"$@\"");
    let step = RunStep { args: vec!["-o".to_owned(), "$(id); x\ny".to_owned()], ..run_step("go.sh") };
    let done = place.run(&step, r#"{"alert":"disk"}"#).await;
    assert_eq!((done.error.as_deref(), done.exit_status), (None, Some(0)), "{done:?}");
    let output = &done.output.text;
    assert!(output.contains("TOLLGATE_VAR_HOST=db1; touch /tmp/tollgate-canary $(id)\n"), "{output}");
    assert!(output.contains("TOLLGATE_REQUEST_ID=00000000-0000-0000-0000-000000000007\n"), "{output}");
    assert!(output.contains("--\n/\n{\"alert\":\"disk\"}\n-o|$(id); x\ny|"), "{output}");
    assert!(!output.contains("HOME=") && !output.contains("CARGO"), "{output}");
    assert!(!Path::new("/tmp/tollgate-canary").try_exists().unwrap(), "no shell has read the value");
}

#[tokio::test]
async fn the_exit_status_and_the_signal_are_told() {
    let place = Place::new();
    place.script("three.sh", "echo bad >&2; exit 3");
    let done = place.run(&run_step("three.sh"), "").await;
    assert_eq!((done.exit_status, done.error.as_deref()), (Some(3), Some("it ended with status 3")));
    assert_eq!(done.output.text, "bad\n");
    place.script("dies.sh", "kill -9 $$");
    let done = place.run(&run_step("dies.sh"), "").await;
    assert_eq!((done.exit_status, done.signal), (None, Some(9)));
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_at_its_time_limit() {
    let place = Place::new();
    place.script("hang.sh", "echo begun; exec sleep 600");
    let done = place.run(&RunStep { timeout_secs: 1, ..run_step("hang.sh") }, "").await;
    assert_eq!(done.error.as_deref(), Some("it was ended at its time limit of 1 s"));
    assert_eq!((done.signal, done.output.text.as_str()), (Some(15), "begun\n"));
}

#[tokio::test]
async fn a_program_that_ignores_sigterm_gets_sigkill() {
    let place = Place::new();
    place.script("deaf.sh", "trap '' TERM; echo begun; while :; do sleep 1; done");
    let done = place.run(&RunStep { timeout_secs: 1, ..run_step("deaf.sh") }, "").await;
    assert_eq!(done.signal, Some(9), "{done:?}");
}

#[tokio::test]
async fn what_a_program_has_forked_ends_with_it_and_does_not_hold_the_step_up() {
    let place = Place::new();
    let pipe = place.dir.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    // Whoever is left of the program holds the pipe open: its end is read when all of them are dead.
    place.script("fork.sh", &format!("exec 3> {}; sleep 600 & echo forked", pipe.display()));
    let all_dead = tokio::task::spawn_blocking(move || std::fs::read(pipe));
    let done = place.run(&run_step("fork.sh"), "").await;
    assert_eq!((done.error.as_deref(), done.exit_status), (None, Some(0)), "{done:?}");
    assert_eq!(done.output.text, "forked\n");
    let ended = tokio::time::timeout(Duration::from_secs(60), all_dead).await;
    assert!(ended.is_ok_and(|read| read.unwrap().unwrap().is_empty()), "it lives on");
}

#[tokio::test]
async fn of_ten_megabytes_the_last_16_kib_are_kept() {
    let place = Place::new();
    place.script("big.sh", "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo password=hunter2; echo end");
    let done = place.run(&run_step("big.sh"), "").await;
    assert_eq!(done.error, None);
    assert!(done.output.truncated && done.output.text.len() <= 16 * 1_024, "{}", done.output.text.len());
    assert!(done.output.text.ends_with("end\n") && !done.output.text.contains("hunter2"));
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_not_held_up_by_it() {
    let place = Place::new();
    place.script("blind.sh", "echo done");
    let done = place.run(&run_step("blind.sh"), &"x".repeat(512 * 1_024)).await;
    assert_eq!((done.error.as_deref(), done.output.text.as_str()), (None, "done\n"));
}

#[tokio::test]
async fn a_cancelled_step_is_ended_at_once() {
    let place = Place::new();
    place.script("hang.sh", "exec sleep 600");
    let stop = CancellationToken::new();
    stop.cancel();
    let done = place.run_until(&run_step("hang.sh"), "", &stop).await;
    assert_eq!((done.error.as_deref(), done.signal), (Some("it was stopped"), Some(15)));
}

// --- posting ---

/// Takes one connection, gives `answer`, and returns what was sent.
fn serve(answer: &'static str) -> (SocketAddr, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        let mut buffer = [0; 4_096];
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
                    break;
                }
            }
            match stream.read(&mut buffer).unwrap() {
                0 => break,
                read => seen.extend_from_slice(&buffer[..read]),
            }
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(seen).unwrap()
    });
    (address, thread)
}

async fn post_to(url: &str, allowlist: &[String], step: impl FnOnce(&mut HttpStep)) -> StepDone {
    let settings = AutomationSettings {
        post_allowlist: allowlist.iter().map(|origin| origin.parse().unwrap()).collect(),
        ..Place::new().settings()
    };
    let mut http = HttpStep::new(url);
    step(&mut http);
    let order = order(Step { name: "tell".to_owned(), http: Some(http.clone()), ..Step::default() });
    let stop = CancellationToken::new();
    post::post(&order, &http, &settings, r#"{"alert":1.50}"#, &redactor(), &stop).await
}

#[tokio::test]
async fn a_post_brings_the_request_the_variables_and_the_payload() {
    let (address, server) = serve("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\npassword=hunter2\n");
    let origin = format!("http://{address}");
    let done = post_to(&format!("{origin}/hook?a=b"), std::slice::from_ref(&origin), |_| {}).await;
    assert_eq!((done.error.as_deref(), done.http_status), (None, Some(200)), "{done:?}");
    assert!(!done.output.text.contains("hunter2"), "{}", done.output.text);
    let seen = server.join().unwrap();
    assert!(seen.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("host: {address}\r\n")), "{seen}");
    assert!(seen.contains("idempotency-key: 00000000-0000-0000-0000-000000000007-0\r\n"), "{seen}");
    assert!(seen.contains(r#""payload":{"alert":1.50}"#) && seen.contains(r#""step":"tell""#), "{seen}");
}

#[tokio::test]
async fn a_body_of_its_own_has_its_places_filled() {
    let (address, server) = serve("HTTP/1.1 204 No Content\r\n\r\n");
    let origin = format!("http://{address}");
    let body = serde_json::json!({ "text": "{{host}} restarted" });
    let done = post_to(&origin, std::slice::from_ref(&origin), |step| step.body = Some(body)).await;
    assert_eq!((done.error.as_deref(), done.http_status), (None, Some(204)), "{done:?}");
    assert!(server.join().unwrap().contains(r#"{"text":"db1; touch /tmp/tollgate-canary $(id) restarted"}"#));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_is_a_failure_for_good() {
    let (address, server) = serve("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    let origin = format!("http://{address}");
    let done = post_to(&origin, std::slice::from_ref(&origin), |_| {}).await;
    assert!(done.final_failure && done.error.as_deref().is_some_and(|error| error.contains("redirects")), "{done:?}");
    server.join().map(drop).unwrap();
}

#[tokio::test]
async fn statuses_that_may_pass_are_tried_again_and_others_are_not() {
    for (answer, again) in [
        ("HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 429 x\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 408 x\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 400 x\r\ncontent-length: 0\r\n\r\n", false),
        ("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n", false),
    ] {
        let (address, server) = serve(answer);
        let origin = format!("http://{address}");
        let done = post_to(&origin, std::slice::from_ref(&origin), |_| {}).await;
        assert_eq!((done.error.is_some(), done.final_failure), (true, !again), "{answer}");
        server.join().map(drop).unwrap();
    }
}

#[tokio::test]
async fn a_host_that_is_not_on_the_allowlist_is_not_called() {
    let (address, _server) = serve("HTTP/1.1 200 OK\r\n\r\n");
    let listed = format!("http://{address}");
    let other_port = format!("http://127.0.0.1:{}", if address.port() == 9 { 10 } else { 9 });
    for url in [other_port, format!("http://localhost:{}", address.port()), "http://10.0.0.1/".to_owned()] {
        let done = post_to(&url, std::slice::from_ref(&listed), |_| {}).await;
        assert!(
            done.final_failure && done.error.as_deref().is_some_and(|e| e.contains("allowlist")),
            "{url}: {done:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_at_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let done = post_to(&origin, std::slice::from_ref(&origin), |step| step.timeout_secs = 1).await;
    assert_eq!((done.error.as_deref(), done.final_failure), (Some("no answer within its time limit of 1 s"), false));
}

#[test]
fn addresses_that_no_name_may_lead_to() {
    for near in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "fe80::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "255.255.255.255",
        "0.1.2.3",
    ] {
        assert!(post::is_too_near(near.parse().unwrap()), "{near}");
    }
    for fine in ["10.0.0.1", "192.168.1.7", "172.16.0.1", "8.8.8.8", "fd00::1", "2001:db8::7"] {
        assert!(!post::is_too_near(fine.parse().unwrap()), "{fine}");
    }
}
