//! Requests and workflows (domain.md §7): real programs in an actions directory, a real HTTP server, kill -9.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_tests::daemon::{Daemon, Setup, Token};
use tollgate_tests::http::Answer;
use tollgate_tests::wait::{PATIENCE, until};

use crate::support::text;

/// A daemon with an actions directory, and a token that may start requests.
struct Flows {
    actions: TempDir,
    daemon: Daemon,
    token: Token,
}

impl Flows {
    fn start() -> Self {
        Self::with(|setup| setup)
    }

    fn with(more: impl FnOnce(Setup) -> Setup) -> Self {
        let actions = tempfile::Builder::new().prefix("tg-actions-").tempdir().expect("a directory can be made");
        set_mode(actions.path(), 0o755);
        let setup = Setup::default().env("TOLLGATE_ACTIONS", &actions.path().display().to_string());
        let daemon = more(setup).start();
        let token = daemon.token("starter", "global", &["--debug"]);
        Self { actions, daemon, token }
    }

    fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.actions.path().join(name);
        // Written under another name: what a thread of this program still holds open for writing cannot be run.
        let fresh = self.actions.path().join(format!(".{name}"));
        std::fs::write(&fresh, format!("#!/bin/sh\n{body}\n")).expect("a script can be written");
        set_mode(&fresh, 0o755);
        std::fs::rename(&fresh, &path).expect("a script can be put in place");
        path
    }

    /// The file where scripts write what they did.
    fn diary(&self) -> PathBuf {
        self.actions.path().join("diary")
    }

    fn diary_lines(&self) -> Vec<String> {
        std::fs::read_to_string(self.diary()).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn save(&self, spec: &Value) -> Answer {
        self.daemon.local("POST", "/v1/workflows", &json!({ "spec": spec }))
    }

    /// Creates a workflow and gives its public id.
    #[track_caller]
    fn create(&self, spec: &Value) -> String {
        let answer = self.save(spec);
        assert_eq!(answer.status, 201, "{answer:?}");
        text(&answer.json(), "/public_id").to_owned()
    }

    fn send(&self, body: &Value) -> Answer {
        self.send_as(&self.token, body)
    }

    fn send_as(&self, token: &Token, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", token.secret);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let mut connection = self.daemon.connect().expect("the daemon listens");
        connection.request("POST", "/v1/request", &headers, body.to_string().as_bytes()).expect("an answer comes")
    }

    /// Starts a workflow by its id and gives the request's.
    #[track_caller]
    fn begin(&self, workflow: &str, more: &Value) -> String {
        let mut body = json!({ "workflowId": workflow });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let answer = self.send(&body);
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.json()["request"]["status"], "queued", "{answer:?}");
        text(&answer.json(), "/request/id").to_owned()
    }

    fn show(&self, id: &str) -> Value {
        self.daemon.get(&format!("/v1/requests/{id}"))
    }

    #[track_caller]
    fn wait_for(&self, id: &str, state: &str) -> Value {
        until(&format!("request {id} is {state}"), PATIENCE, || {
            let request = self.show(id);
            if request["state"] == state { Ok(request) } else { Err(request.to_string()) }
        })
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode can be set");
}

fn running(program: &str) -> Value {
    json!({ "name": "restart", "steps": [{ "name": "go", "run": { "program": program } }] })
}

#[test]
fn call_starts_a_workflow_whose_program_gets_payload_and_variables_and_whose_output_is_shown() {
    let flows = Flows::start();
    flows.script("go.sh", "echo \"$TOLLGATE_VAR_HOST $TOLLGATE_WORKFLOW\"; cat; echo; echo password=hunter2 >&2");
    let mut spec = running("go.sh");
    spec["variables"] = json!([{ "name": "host", "required": true, "pattern": "[a-z0-9]+" }]);
    let workflow = flows.create(&spec);
    let id = flows.begin(&workflow, &json!({ "variables": { "host": "db1" }, "api_key": "s3cret-value" }));
    flows.daemon.cli(["request", "follow", &id]).expect(0);
    let shown = flows.daemon.cli(["request", "show", &id]).expect(0).stdout;
    assert!(shown.contains("db1 restart") && shown.contains("status 0"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("s3cret-value"), "what is kept is redacted: {shown}");
    let listed = flows.daemon.cli(["request", "list", "--state", "succeeded"]).expect(0).stdout;
    assert!(listed.contains(&id) && listed.contains("1/1"), "{listed}");
    // Debug is on: the call is in the log, with what it started.
    let rows = flows.daemon.all("/v1/logs");
    let row = rows.iter().find(|row| row["path"] == "/v1/request").expect("the call is in the log");
    assert_eq!((row["outcome"].as_str(), row["status"].as_u64()), (Some("started"), Some(201)), "{row}");
    assert!(text(row, "/summary").contains(&id), "{row}");
}

#[test]
fn request_is_refused_for_team_tokens_unknown_and_disabled_workflows_and_bad_variables_and_nothing_is_saved() {
    let flows = Flows::start();
    flows.script("go.sh", "true");
    let mut spec = running("go.sh");
    spec["variables"] =
        json!([{ "name": "host", "required": true, "pattern": "[a-z0-9]+" }, { "name": "site", "required": true }]);
    let workflow = flows.create(&spec);
    flows.daemon.cli(["team", "create", "Ops"]).expect(0);
    let team = flows.daemon.token("team", "team:Ops", &[]);
    let refused = flows.send_as(&team, &json!({ "workflowId": workflow }));
    assert_eq!((refused.status, refused.slug().as_str()), (403, "scope-missing"));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
    let unknown = flows.send(&json!({ "workflowId": "w_0000000000" }));
    assert_eq!((unknown.status, unknown.slug().as_str()), (404, "not-found"));
    let bad = flows.send(&json!({ "workflowId": workflow, "variables": { "host": "db1; rm -rf /" } }));
    assert_eq!((bad.status, bad.slug().as_str()), (422, "validation"));
    let paths: Vec<_> = bad.json()["errors"].as_array().expect("a list").iter().map(|e| e["path"].clone()).collect();
    assert_eq!(paths, ["variables.host", "variables.site"]);
    assert!(!bad.body.contains("rm -rf"), "no echo: {bad:?}");
    flows.daemon.cli(["workflow", "disable", "restart"]).expect(0);
    let disabled = flows.send(&json!({ "workflowId": workflow, "variables": { "host": "db1", "site": "x" } }));
    assert_eq!((disabled.status, disabled.slug().as_str()), (409, "conflict"));
    let nothing = flows.send(&json!({ "kind": "nobody waits for this" }));
    assert_eq!((nothing.status, nothing.json()["requests"].clone()), (202, json!([])));
    assert!(flows.daemon.all("/v1/requests").is_empty());
}

#[test]
fn program_outside_the_directory_or_writable_by_others_is_refused_at_save_and_again_at_run() {
    let flows = Flows::start();
    let path = flows.script("go.sh", "echo ran >> $(dirname \"$0\")/diary");
    for outside in ["/bin/sh", "../../bin/sh", "missing.sh"] {
        let answer = flows.save(&running(outside));
        assert_eq!((answer.status, answer.slug().as_str()), (422, "validation"), "{answer:?}");
        assert_eq!(answer.json()["errors"][0]["path"], "steps[0].run.program");
    }
    set_mode(&path, 0o777);
    let answer = flows.save(&running("go.sh"));
    assert!(answer.status == 422 && answer.body.contains("may be written by others"), "{answer:?}");
    assert!(flows.daemon.all("/v1/workflows").is_empty(), "nothing is half saved");

    set_mode(&path, 0o755);
    let workflow = flows.create(&running("go.sh"));
    set_mode(&path, 0o777);
    let request = flows.wait_for(&flows.begin(&workflow, &json!({})), "failed");
    assert!(text(&request, "/steps/0/error").contains("may be written by others"), "{request}");
    assert!(flows.diary_lines().is_empty(), "it was not started");
    let listed = flows.daemon.get("/v1/workflows");
    assert_eq!(listed["items"][0]["problems"][0]["path"], "steps[0].run.program", "{listed}");
}

#[test]
fn queued_and_running_requests_survive_kill_9_and_the_running_step_is_done_again_with_the_same_id() {
    let mut flows = Flows::with(|setup| setup.env("TOLLGATE_AUTOMATION_CONCURRENCY", "1"));
    let diary = flows.diary();
    let gate = flows.actions.path().join("open");
    let wait = "while [ ! -e \"$DIR/open\" ]; do sleep 0.05; done";
    let body = format!(
        "DIR=$(dirname \"$0\"); echo \"$TOLLGATE_REQUEST_ID $TOLLGATE_ATTEMPT $TOLLGATE_VAR_N\" >> \"$DIR/diary\"; {wait}"
    );
    flows.script("go.sh", &body);
    let mut spec = running("go.sh");
    spec["variables"] = json!([{ "name": "n" }]);
    let workflow = flows.create(&spec);
    let ids: Vec<_> = (0..4).map(|n| flows.begin(&workflow, &json!({ "n": n }))).collect();
    until("the first program runs", PATIENCE, || match flows.diary_lines().len() {
        1 => Ok(()),
        lines => Err(format!("{lines} lines in {}", diary.display())),
    });
    flows.daemon.kill9();
    std::fs::write(&gate, "").expect("the gate opens");
    flows.daemon.restart();
    for id in &ids {
        let request = flows.wait_for(id, "succeeded");
        assert_eq!(text(&request, "/id"), id);
    }
    let lines = flows.diary_lines();
    let tries = |n: usize| lines.iter().filter(|line| line.ends_with(&format!(" {n}"))).cloned().collect::<Vec<_>>();
    assert_eq!(tries(0), [format!("{} 1 0", ids[0]), format!("{} 2 0", ids[0])], "the same id, the next try");
    for (n, id) in ids.iter().enumerate().skip(1) {
        assert_eq!(tries(n), [format!("{id} 1 {n}")], "a queued one is done once");
    }
}

#[test]
fn step_under_way_at_an_orderly_end_is_done_again_after_the_next_start() {
    let mut flows = Flows::with(|setup| setup.env("TOLLGATE_SHUTDOWN", "5s"));
    flows.script("go.sh", "DIR=$(dirname \"$0\"); echo x >> \"$DIR/diary\"; [ -e \"$DIR/open\" ] || exec sleep 600");
    let workflow = flows.create(&running("go.sh"));
    let id = flows.begin(&workflow, &json!({}));
    until("the program runs", PATIENCE, || match flows.diary_lines().len() {
        1 => Ok(()),
        lines => Err(format!("{lines} lines")),
    });
    assert_eq!(flows.daemon.terminate(), 0);
    std::fs::write(flows.actions.path().join("open"), "").expect("the gate opens");
    flows.daemon.restart();
    let request = flows.wait_for(&id, "succeeded");
    assert_eq!(request["steps"][0]["attempts"], 2, "{request}");
}

#[test]
fn cancelled_request_ends_its_program_and_a_retry_does_it_again() {
    let flows = Flows::start();
    let body = "DIR=$(dirname \"$0\"); echo $$ >> \"$DIR/diary\"; [ -e \"$DIR/open\" ] || exec sleep 600";
    flows.script("go.sh", body);
    let workflow = flows.create(&running("go.sh"));
    let id = flows.begin(&workflow, &json!({}));
    let pid = until("the program runs", PATIENCE, || flows.diary_lines().pop().ok_or_else(|| "no line".to_owned()));
    flows.daemon.cli(["request", "cancel", &id, "--comment", "wrong host"]).expect(0);
    until("the program has ended", PATIENCE, || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) if !stat.contains(") Z ") => Err(stat),
        _ => Ok(()),
    });
    let again = flows.daemon.cli(["request", "cancel", &id]);
    assert_eq!(again.status, Some(1), "{again:?}");
    std::fs::write(flows.actions.path().join("open"), "").expect("the gate opens");
    flows.daemon.cli(["request", "retry", &id]).expect(0);
    flows.daemon.cli(["request", "follow", &id]).expect(0);
    let actions: Vec<_> = flows.daemon.all("/v1/audit").iter().map(|row| text(row, "/action").to_owned()).collect();
    for action in ["workflow.create", "request.cancel", "request.retry"] {
        assert!(actions.iter().any(|known| known == action), "{action} is audited: {actions:?}");
    }
}

#[test]
fn post_is_tried_again_until_it_is_taken_and_other_hosts_are_refused_at_save() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let origin = format!("http://{}", listener.local_addr().expect("it has an address"));
    let flows = Flows::with(|setup| setup.env("TOLLGATE_POST_ALLOWLIST", &origin));
    let server = std::thread::spawn(move || {
        let mut keys = Vec::new();
        for answer in
            ["HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken"]
        {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let mut seen = Vec::new();
            let mut buffer = [0; 4_096];
            while !String::from_utf8_lossy(&seen).contains("db1 is down") {
                let read = stream.read(&mut buffer).expect("a request can be read");
                seen.extend_from_slice(&buffer[..read]);
            }
            let seen = String::from_utf8_lossy(&seen).into_owned();
            keys.extend(seen.lines().find(|line| line.starts_with("idempotency-key: ")).map(str::to_owned));
            stream.write_all(answer.as_bytes()).expect("an answer can be written");
        }
        keys
    });
    let step = |url: String| {
        json!({
            "name": "tell",
            "variables": [{ "name": "host" }],
            "steps": [{ "name": "post", "http": { "url": url, "body": { "text": "{{host}} is down" } } }],
        })
    };
    for elsewhere in
        ["http://127.0.0.1:1/", "http://169.254.169.254/latest", "https://127.0.0.1/", "http://2130706433/"]
    {
        let answer = flows.save(&step(elsewhere.to_owned()));
        assert_eq!((answer.status, answer.json()["errors"][0]["path"].as_str()), (422, Some("steps[0].http.url")));
    }
    let workflow = flows.create(&step(format!("{origin}/hook")));
    let request = flows.wait_for(&flows.begin(&workflow, &json!({ "host": "db1" })), "succeeded");
    let post = &request["steps"][0];
    assert_eq!((post["attempts"].as_u64(), post["http_status"].as_u64()), (Some(2), Some(200)), "{post}");
    assert_eq!(post["output"], "taken");
    let keys = server.join().expect("the server saw both tries");
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
}

#[test]
fn incident_step_opens_an_incident_and_trigger_conditions_start_workflows() {
    let flows = Flows::start();
    flows.daemon.service("DB", "alertmanager");
    let spec = json!({
        "name": "escalate",
        "variables": [{ "name": "host" }],
        "trigger": { "conditions": [{ "path": "kind", "op": "equals", "values": ["disk"] }] },
        "steps": [{ "name": "open", "incident": { "service": "Ops/DB", "title": "{{host}} is full", "key": "{{host}}", "priority": "P1" } }],
    });
    flows.create(&spec);
    let answer = flows.send(&json!({ "kind": "disk", "host": "db1" }));
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = text(&answer.json(), "/request/id").to_owned();
    let again = flows.send(&json!({ "kind": "disk", "host": "db1" }));
    assert_eq!((again.status, again.json()["request"]["duplicate"].clone()), (200, json!(true)), "{again:?}");
    assert_eq!(text(&again.json(), "/request/id"), id);
    let request = flows.wait_for(&id, "succeeded");
    let incidents = flows.daemon.all("/v1/incidents?state=open");
    assert_eq!((incidents.len(), text(&incidents[0], "/head/title")), (1, "db1 is full"));
    assert_eq!(incidents[0]["head"]["id"], request["steps"][0]["incident"]);
    assert_eq!(text(&incidents[0], "/filter/name"), "workflow escalate");
}

#[test]
fn command_line_creates_tries_edits_and_sends() {
    let flows = Flows::start();
    flows.script("go.sh", "echo \"hello $TOLLGATE_VAR_HOST\"");
    let mut spec = running("go.sh");
    spec["variables"] = json!([{ "name": "host", "required": true }]);
    let create = ["workflow", "create", "--file", "-"];
    flows.daemon.cli_with(&create, spec.to_string().as_bytes()).expect(0);
    let shown = flows.daemon.cli(["workflow", "show", "restart"]).expect(0).stdout;
    assert!(shown.contains("go: run go.sh") && shown.contains("host, required"), "{shown}");
    let view = flows.daemon.cli_json(["workflow", "show", "restart"]);
    let tried = flows.daemon.cli_with(&["workflow", "try", "--workflow", "restart", "-"], b"{}").expect(2).stdout;
    assert!(tried.contains("WOULD NOT START") && tried.contains("variables.host: missing"), "{tried}");
    let fits = br#"{"host":"db1"}"#;
    let tried = flows.daemon.cli_with(&["workflow", "try", "--workflow", "restart", "-"], fits).expect(0).stdout;
    assert!(tried.contains("WOULD START") && tried.contains("host = db1"), "{tried}");

    let edit = ["workflow", "edit", "restart", "--file", "-"];
    let mut changed = view.clone();
    changed["spec"]["steps"][0]["run"]["timeout_secs"] = json!(9);
    flows.daemon.cli_with(&edit, changed.to_string().as_bytes()).expect(0);
    let lost = flows.daemon.cli_with(&edit, changed.to_string().as_bytes());
    assert!(lost.status != Some(0) && lost.stderr.contains("version"), "{lost:?}");
    let bad = flows.daemon.cli_with(&create, br#"{"name":"x","steps":[{"name":"y"}]}"#);
    assert!(bad.status == Some(65) && bad.stderr.contains("steps[0]"), "{bad:?}");

    let secret = flows.daemon.home().join("secret");
    std::fs::write(&secret, &flows.token.secret).expect("a file can be written");
    let (secret, public) = (secret.display().to_string(), text(&view, "/public_id").to_owned());
    let send = ["send", "-", "--token-file", &secret, "--request", "--workflow", &public, "--var", "host=db2"];
    let sent = flows.daemon.cli_with(&send, b"").expect(0).stdout;
    assert!(sent.starts_with("201 started") && sent.contains(&public), "{sent}");
    let id = text(&flows.daemon.all("/v1/requests")[0], "/id").to_owned();
    let request = flows.wait_for(&id, "succeeded");
    assert_eq!(request["steps"][0]["output"], "hello db2\n");
    flows.daemon.cli(["workflow", "delete", "restart", "--yes"]).expect(0);
    assert!(flows.daemon.all("/v1/workflows").is_empty());
    assert!(text(&flows.show(&id), "/workflow/name").ends_with("(deleted)"));
}

#[test]
fn a_logged_request_is_found_by_its_id_and_replayed_as_a_request() {
    let flows = Flows::start();
    flows.script("go.sh", "exit 0");
    let workflow = flows.create(&running("go.sh"));
    let id = flows.begin(&workflow, &json!({ "status": "firing" }));
    let again = flows.send(&json!({ "workflowId": workflow, "status": "firing" }));
    assert_eq!(again.status, 200, "{again:?}");
    flows.wait_for(&id, "succeeded");
    let rows = until("both calls are in the log", PATIENCE, || {
        let rows = flows.daemon.get(&format!("/v1/logs?q=request:{id}"))["items"].as_array().cloned();
        rows.filter(|rows| rows.len() == 2).ok_or_else(|| "not yet".to_owned())
    });
    let outcomes: Vec<_> = rows.iter().map(|row| text(row, "/outcome")).collect();
    assert_eq!(outcomes, ["started", "duplicate"]);
    assert_eq!(flows.daemon.get("/v1/logs?q=request:ffffffff")["items"], json!([]));
    let seq = rows[0]["seq"].to_string();
    let same = flows.daemon.cli(["log", "replay", &seq]).expect(0).stdout;
    assert!(same.contains("unchanged") && same.contains("now   start restart"), "{same}");
    flows.daemon.cli(["team", "create", "Ops"]).expect(0);
    flows.daemon.cli(["service", "create", "Ops/DB"]).expect(0);
    flows.daemon.cli(["filter", "create", "--service", "Ops/DB", "--preset", "alertmanager"]).expect(0);
    let row: u64 = seq.parse().expect("a number");
    let tried = flows.daemon.local("POST", "/v1/filters/try", &json!({ "service": "Ops/DB", "call": row }));
    assert_eq!(text(&tried.json(), "/doubt"), "request", "no filter was asked for it: {tried:?}");
    flows.daemon.cli(["workflow", "delete", &workflow, "--yes"]).expect(0);
    let lost = flows.daemon.cli(["log", "replay", &seq]).expect(2).stdout;
    assert!(lost.contains("LOST") && lost.contains("refused not-found"), "{lost}");
}
