//! A `run` step: the program itself and no shell, an environment of its own, its own process group, the payload on its
//! standard input (security.md, actions).

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;
use tollgate_shared::workflow::{RunStep, Variable};

use super::output::Tail;
use crate::core::call::redact::Redactor;
use crate::core::workflows::{StepDone, StepOrder};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// What has left the process group may hold the pipe open; its output is not waited for.
const DRAIN: Duration = Duration::from_millis(500);
/// Where programs are found that a program starts by name.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How a program ended.
enum End {
    /// By itself.
    Exited(ExitStatus),
    /// At its time limit.
    TimedOut(ExitStatus),
    /// Because its request was cancelled, or the daemon stops.
    Stopped(ExitStatus),
}

/// Runs a program to its end, or ends it.
pub(super) async fn run(
    order: &StepOrder,
    step: &RunStep,
    path: &Path,
    payload: &str,
    redactor: &Redactor,
    stop: &CancellationToken,
) -> StepDone {
    let mut tail = Tail::default();
    let outcome = carry_out(order, step, path, payload, &mut tail, stop).await;
    let mut done = StepDone { output: tail.into_output(redactor), ..StepDone::default() };
    let status = match outcome {
        Ok(End::Exited(status)) => {
            done.error = failure(status);
            status
        }
        Ok(End::TimedOut(status)) => {
            done.error = Some(format!("it was ended at its time limit of {} s", step.timeout_secs));
            status
        }
        Ok(End::Stopped(status)) => {
            done.error = Some("it was stopped".to_owned());
            status
        }
        Err(error) => {
            done.error = Some(format!("it could not be started: {error}"));
            return done;
        }
    };
    done.exit_status = status.code();
    done.signal = status.signal();
    done
}

fn failure(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("it ended with status {code}")),
        (None, Some(signal)) => Some(format!("signal {signal} ended it")),
        (None, None) => Some("it ended in an unknown way".to_owned()),
    }
}

async fn carry_out(
    order: &StepOrder,
    step: &RunStep,
    path: &Path,
    payload: &str,
    tail: &mut Tail,
    stop: &CancellationToken,
) -> io::Result<End> {
    let (reader, mut child) = start(order, step, path)?;
    let stdin = child.stdin.take();
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut output = pipe::Receiver::from_owned_fd(reader.into())?;
    let limit = Duration::from_secs(u64::from(step.timeout_secs));
    let ended = {
        // The three go on side by side: a program that does not read its input, or writes without end, blocks nobody.
        let input = async {
            feed(stdin, payload).await;
            std::future::pending::<io::Result<End>>().await
        };
        let reading = async {
            drain(&mut output, tail).await;
            std::future::pending::<io::Result<End>>().await
        };
        tokio::select! {
            ended = input => ended,
            ended = reading => ended,
            ended = wait(&mut child, group, limit, stop) => ended,
        }
    };
    // Nothing of a step outlives it, unless it has left the group.
    signal(group, Signal::KILL);
    drop(tokio::time::timeout(DRAIN, drain(&mut output, tail)).await);
    ended
}

/// Starts the program. Both of its outputs go into one pipe, so that their order is kept.
fn start(order: &StepOrder, step: &RunStep, path: &Path) -> io::Result<(io::PipeReader, Child)> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(path);
    command
        .args(&step.args)
        .env_clear()
        .envs(environment(order))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true);
    // The command holds the pipe's other end; it goes here, or the end of output would never be seen.
    command.spawn().map(|child| (reader, child))
}

/// What the program finds in its environment: nothing of the daemon's.
pub(super) fn environment(order: &StepOrder) -> Vec<(String, String)> {
    let named = |name: &str, value: String| (name.to_owned(), value);
    let step = order.steps.get(order.at).map_or("", |step| step.name.as_str());
    let mut all = vec![
        named("PATH", PATH.to_owned()),
        named("LANG", "C.UTF-8".to_owned()),
        named("TOLLGATE_REQUEST_ID", order.request.to_string()),
        named("TOLLGATE_WORKFLOW", order.workflow.clone()),
        named("TOLLGATE_STEP", step.to_owned()),
        named("TOLLGATE_ATTEMPT", order.attempt.to_string()),
    ];
    all.extend(order.variables.iter().map(|(name, value)| {
        let variable = Variable { name: name.clone(), ..Variable::default() };
        (variable.env_name(), value.clone())
    }));
    all
}

/// A program need not read its input: that it does not is no failure.
async fn feed(stdin: Option<ChildStdin>, payload: &str) {
    if let Some(mut stdin) = stdin {
        drop(stdin.write_all(payload.as_bytes()).await);
    }
}

async fn drain(output: &mut pipe::Receiver, tail: &mut Tail) {
    let mut buffer = vec![0; 16 * 1_024];
    while let Ok(read @ 1..) = output.read(&mut buffer).await {
        tail.push(&buffer[..read]);
    }
}

/// Waits for the end; at the limit or the stop the whole group gets SIGTERM, and SIGKILL if that does not help.
async fn wait(child: &mut Child, group: Option<Pid>, limit: Duration, stop: &CancellationToken) -> io::Result<End> {
    let stopped = tokio::select! {
        status = child.wait() => return status.map(End::Exited),
        () = tokio::time::sleep(limit) => false,
        () = stop.cancelled() => true,
    };
    signal(group, Signal::TERM);
    let status = match tokio::time::timeout(GRACE, child.wait()).await {
        Ok(status) => status?,
        Err(_) => {
            signal(group, Signal::KILL);
            child.wait().await?
        }
    };
    Ok(if stopped { End::Stopped(status) } else { End::TimedOut(status) })
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        // Where nobody is left in the group there is nothing to end.
        let _gone = kill_process_group(group, signal);
    }
}
