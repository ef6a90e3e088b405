//! `tollgate send`: a call to the listen address, as a sender would make it. The only command that does not use the
//! local socket for its work.

mod nagios;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tollgate_shared::api::{ProcessAnswer, RequestAnswer};
use tollgate_shared::filter::{self, preset_names};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Problem;
use zeroize::Zeroizing;

use super::args::{Format, SendArgs};
use super::call_file::{self, Content};
use super::exit::{CliError, Exit, problem_exit, problem_lines};
use super::io::Io;
use super::verdict::count;
use crate::app::first::reachable;
use crate::client::gate::{Answer, deliver};

pub(super) use self::nagios::environment;

/// Connect, send and answer together.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Sends the call to `listen`, the daemon's address, or to `--gate`.
pub(super) async fn run(io: &mut Io, args: SendArgs, listen: Option<&str>, format: Format) -> Result<Exit, CliError> {
    let address = address(args.gate.as_deref(), listen)?;
    let request = request(io, &args, &address)?;
    report(io, &delivered(&address, request).await?, format, args.request)
}

/// Sends one request and waits for its answer, a bounded time.
///
/// # Errors
/// Nothing takes it there.
pub(super) async fn delivered(address: &str, request: Request<Full<Bytes>>) -> Result<Answer, CliError> {
    let unreachable = |why: String| CliError::Said {
        exit: Exit::NoDaemon,
        what: format!("{address} does not take the call: {why}"),
        next: vec![
            "`tollgate status` says where the daemon listens; --gate http://HOST:PORT names another place".to_owned(),
        ],
    };
    let sent = tokio::time::timeout(SEND_TIMEOUT, deliver(address, request)).await;
    let answer = sent.map_err(|_| unreachable(format!("no answer within {} s", SEND_TIMEOUT.as_secs())))?;
    answer.map_err(|error| unreachable(error.to_string()))
}

/// This program speaks no TLS: a test call goes the way that a sender's goes.
pub(super) fn over_tls(listen: &str) -> CliError {
    let line = super::show_once::call_line(listen, true);
    let what = "the daemon takes calls over TLS, which this program does not speak; nothing was sent";
    CliError::failure(what, format!("use:  read -rs TG; {line}"))
}

pub(super) fn address(gate: Option<&str>, listen: Option<&str>) -> Result<String, CliError> {
    let Some(gate) = gate else { return Ok(reachable(listen.unwrap_or_default())) };
    let address = gate.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let address = address.filter(|address| !address.is_empty() && !address.contains(['/', '@', '?', '#']));
    let wrong = || CliError::usage(format!("`{gate}` is no address to send to"), "use:  --gate http://HOST:PORT");
    let address = address.ok_or_else(wrong)?;
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port { address.to_owned() } else { format!("{address}:80") })
}

fn request(io: &mut Io, args: &SendArgs, address: &str) -> Result<Request<Full<Bytes>>, CliError> {
    let is_input = |path: &std::path::Path| path.as_os_str() == "-";
    if args.file.as_deref().is_some_and(is_input) && is_input(&args.token_file) {
        return Err(CliError::usage(
            "standard input cannot be both the body and the token",
            "put one of them into a file",
        ));
    }
    let authorization = authorization(&Zeroizing::new(call_file::read_text(io, &args.token_file)?))?;
    let mut content = match (&args.file, &args.sample) {
        (Some(file), _) => Content::of_body(call_file::read_text(io, file)?),
        (None, Some(preset)) => sample(preset)?,
        (None, None) => Content::of_body(nagios::body(&args.environment, &args.macros)?),
    };
    for header in &args.headers {
        content.add_header(header)?;
    }
    let builder = Request::post(target(args)?).header(HOST, address);
    let mut request = builder
        .body(Full::new(Bytes::from(content.body)))
        .map_err(|error| CliError::usage(format!("the call cannot be written: {error}"), "check --gate and --from"))?;
    for (name, value) in content.headers {
        let wrong = || CliError::usage(format!("`{name}: {value}` is no header"), "write it as --header 'Name: value'");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        request.headers_mut().append(name, HeaderValue::from_str(&value).map_err(|_| wrong())?);
    }
    request.headers_mut().insert(AUTHORIZATION, authorization);
    Ok(request)
}

/// The sample alert of a preset.
fn sample(preset: &str) -> Result<Content, CliError> {
    let unknown = || {
        let known = preset_names().filter(|name| filter::sample(name).is_some()).collect::<Vec<_>>().join(", ");
        CliError::usage(format!("there is no sample of a preset `{preset}`"), format!("there are: {known}"))
    };
    let sample = filter::sample(preset).ok_or_else(unknown)?;
    let headers = sample.headers.clone().into_iter().collect();
    Ok(Content { headers, query: String::new(), body: sample.body.clone() })
}

/// Path and query: where the call goes, its sender's name, the workflow and its variables.
fn target(args: &SendArgs) -> Result<String, CliError> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut pairs = Vec::new();
    pairs.extend(args.from.as_ref().map(|from| format!("from={}", encoded(from))));
    pairs.extend(args.workflow.as_ref().map(|id| format!("workflowId={}", encoded(id))));
    for variable in &args.variables {
        let (name, value) = variable
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| CliError::usage(format!("`{variable}` is no variable"), "write it as --var NAME=VALUE"))?;
        pairs.push(format!("{}={}", encoded(name), encoded(value)));
    }
    let path = if args.request { "/v1/request" } else { "/v1/process" };
    let mark = if pairs.is_empty() { "" } else { "?" };
    Ok(format!("{path}{mark}{}", pairs.join("&")))
}

/// The file holds the secret, or a ready `Authorization: Bearer ...` line as `curl -H @FILE` takes it. What is wrong
/// with it is said without showing any of it.
pub(super) fn authorization(text: &str) -> Result<HeaderValue, CliError> {
    let secret = text.trim();
    let secret = secret.strip_prefix("Authorization:").map_or(secret, str::trim_start);
    let secret = secret.strip_prefix("Bearer ").map_or(secret, str::trim_start);
    let wrong =
        |why: &str| CliError::input(format!("the token file holds no token: {why}"), "it holds the secret on one line");
    if secret.is_empty() {
        return Err(wrong("it is empty"));
    }
    if secret.contains(char::is_whitespace) {
        return Err(wrong("there is more than one word"));
    }
    let value = Zeroizing::new(format!("Bearer {secret}"));
    let mut header = HeaderValue::from_str(&value).map_err(|_| wrong("it has characters that no header can hold"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// 201 and 200 had an effect or were a duplicate, 202 matched nothing, the rest was refused. A shortage (429, 503) is
/// 75: the same call may be taken in a moment.
pub(super) fn report(io: &mut Io, answer: &Answer, format: Format, is_request: bool) -> Result<Exit, CliError> {
    if format != Format::Table {
        let value = serde_json::from_slice::<serde_json::Value>(&answer.body);
        let value = value.map_err(|_| not_ours(answer.status))?;
        io.json(&value, format == Format::Json)?;
        return Ok(exit_of(answer));
    }
    if answer.status.is_success() && is_request {
        let said = serde_json::from_slice::<RequestAnswer>(&answer.body).map_err(|_| not_ours(answer.status))?;
        request_lines(answer.status, &said).iter().try_for_each(|line| io.line(line))?;
    } else if answer.status.is_success() {
        let said = serde_json::from_slice::<ProcessAnswer>(&answer.body).map_err(|_| not_ours(answer.status))?;
        answer_lines(answer.status, &said).iter().try_for_each(|line| io.line(line))?;
    } else {
        let problem = serde_json::from_slice::<Problem>(&answer.body).map_err(|_| not_ours(answer.status))?;
        io.note(&format!("tollgate: the call was refused with {}", answer.status.as_u16()));
        problem_lines(&problem).iter().for_each(|line| io.note(&format!("  {line}")));
    }
    Ok(exit_of(answer))
}

fn exit_of(answer: &Answer) -> Exit {
    match answer.status.as_u16() {
        200 | 201 => Exit::Ok,
        202 => Exit::Attention,
        _ => match serde_json::from_slice::<Problem>(&answer.body).map(|problem| problem_exit(&problem)) {
            Ok(Exit::TryAgain) => Exit::TryAgain,
            _ => Exit::Failure,
        },
    }
}

fn not_ours(status: StatusCode) -> CliError {
    let what = format!("what answers there is no tollgated: it said {} in another form", status.as_u16());
    CliError::failure(what, "`tollgate status` says where the daemon listens")
}

fn request_lines(status: StatusCode, answer: &RequestAnswer) -> Vec<String> {
    let what = match status.as_u16() {
        201 => "started",
        202 => "NO MATCH: no workflow was started",
        _ => "duplicate: what the equal call started still stands",
    };
    let mut lines = vec![format!("{} {what}  call {}", status.as_u16(), answer.id)];
    for request in answer.request.iter().chain(answer.requests.iter().flatten()) {
        lines.push(format!("  {:<10}  request {}  workflow {}", request.status, request.id, request.workflow_id));
    }
    lines
}

fn answer_lines(status: StatusCode, answer: &ProcessAnswer) -> Vec<String> {
    let is_duplicate = answer.triggered.duplicate || answer.resolved.duplicate;
    let is_suppressed = answer.results.iter().any(|result| result.outcome == Outcome::Suppressed);
    let what = match status.as_u16() {
        201 => "opened",
        202 if is_suppressed => "suppressed: under maintenance nothing is opened",
        202 => "NO MATCH: nothing was opened or resolved",
        _ if is_duplicate => "duplicate: its effect still stands",
        _ => "attached or resolved",
    };
    let mut lines = vec![format!("{} {what}  call {}", status.as_u16(), answer.id)];
    for result in &answer.results {
        let incident = result.incident.map(|incident| format!("incident {incident}")).unwrap_or_default();
        lines.push(format!("  {:<10}  {incident}  service {}", result.outcome, result.service));
    }
    let hidden = (answer.results_total as usize).saturating_sub(answer.results.len());
    if hidden > 0 {
        lines.push(format!("  and {} more", count(hidden as u64, "result")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_plain_http_with_host_and_port() {
        let of = |gate: &str| address(Some(gate), None).ok();
        assert_eq!(of("http://noc:7480/"), Some("noc:7480".to_owned()));
        assert_eq!(of("http://noc"), Some("noc:80".to_owned()));
        for bad in ["https://noc", "noc:7480", "http://", "http://noc/v1/process", "http://a@b"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_file_holds_a_secret_or_a_ready_header_and_errors_do_not_show_it() {
        for text in ["tg_s_abc\n", "Bearer tg_s_abc", "Authorization: Bearer tg_s_abc\r\n"] {
            assert_eq!(authorization(text).unwrap(), "Bearer tg_s_abc");
        }
        for text in ["", "two words", "tg_\u{1}x"] {
            let error = authorization(text).unwrap_err();
            assert!(!error.lines().join(" ").contains("two words"), "{text}");
        }
    }
}
