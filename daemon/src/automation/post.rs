//! An `http` step: one POST to an allowed host. The name is resolved once and the connection goes to that address; no
//! redirect is followed (security.md, outgoing HTTP).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tollgate_shared::limits::POST_ANSWER_BYTES_MAX;
use tollgate_shared::workflow::{HttpStep, WebAddress, render_json};

use super::AutomationSettings;
use super::output::Tail;
use crate::core::call::redact::Redactor;
use crate::core::workflows::{StepDone, StepOrder};

/// What came back.
struct Answer {
    status: StatusCode,
    body: Tail,
}

/// Why nothing came back.
struct Failure {
    message: String,
    /// Trying again cannot mend it.
    is_final: bool,
}

/// Posts once.
pub(super) async fn post(
    order: &StepOrder,
    step: &HttpStep,
    settings: &AutomationSettings,
    payload: &str,
    redactor: &Redactor,
    stop: &CancellationToken,
) -> StepDone {
    let limit = Duration::from_secs(u64::from(step.timeout_secs));
    let answer = tokio::select! {
        answer = tokio::time::timeout(limit, exchange(order, step, settings, payload)) => answer,
        () = stop.cancelled() => return StepDone { error: Some("it was stopped".to_owned()), ..StepDone::default() },
    };
    match answer {
        Ok(Ok(answer)) => judged(answer, redactor),
        Ok(Err(failure)) => {
            StepDone { error: Some(failure.message), final_failure: failure.is_final, ..StepDone::default() }
        }
        Err(_) => {
            let error = format!("no answer within its time limit of {} s", step.timeout_secs);
            StepDone { error: Some(error), ..StepDone::default() }
        }
    }
}

/// The address that a URL names, if the allowlist has its scheme, host and port.
///
/// # Errors
/// Why not, and what to do.
pub(super) fn allowed(settings: &AutomationSettings, url: &str) -> Result<WebAddress, String> {
    let address = WebAddress::parse(url).map_err(|error| error.to_string())?;
    let origin = address.origin();
    if settings.post_allowlist.iter().any(|known| known.origin() == origin) {
        return Ok(address);
    }
    Err(format!("{origin} is not on the allowlist; an admin adds it to automation.post_allowlist in tollgate.toml"))
}

/// 2xx is success. A redirect leads somewhere that nobody has allowed; most other 4xx stay what they are.
fn judged(answer: Answer, redactor: &Redactor) -> StepDone {
    let status = answer.status;
    let error = match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(format!("it was answered {status}; redirects are not followed")),
        _ => Some(format!("it was answered {status}")),
    };
    let again = matches!(status.as_u16(), 408 | 425 | 429 | 500..=599);
    StepDone {
        final_failure: error.is_some() && !again,
        error,
        http_status: Some(status.as_u16()),
        output: answer.body.into_output(redactor),
        ..StepDone::default()
    }
}

async fn exchange(
    order: &StepOrder,
    step: &HttpStep,
    settings: &AutomationSettings,
    payload: &str,
) -> Result<Answer, Failure> {
    let address = allowed(settings, &step.url).map_err(Failure::for_good)?;
    let peer = resolve(&address).await?;
    let request = request_of(order, step, &address, payload).map_err(|error| Failure::for_good(error.to_string()))?;
    let stream = TcpStream::connect(peer).await.map_err(|error| Failure::passing(format!("{peer}: {error}")))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| Failure::passing(error.to_string()))?;
    let talking = async {
        let response = sender.send_request(request).await.map_err(|error| Failure::passing(error.to_string()))?;
        read(response).await
    };
    tokio::pin!(connection);
    tokio::pin!(talking);
    tokio::select! {
        answer = &mut talking => answer,
        // The connection may end with the last byte of the answer: what was read of it is there.
        _ = &mut connection => talking.await,
    }
}

/// One address that the name stands for now. A name that leads to this host itself, or to what only this host's link can
/// reach, is no host that an admin meant: those are allowed by their address only.
async fn resolve(address: &WebAddress) -> Result<SocketAddr, Failure> {
    if let Some(ip) = address.ip {
        return Ok(SocketAddr::new(ip, address.port));
    }
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let found = found.map_err(|error| Failure::passing(format!("{} cannot be resolved: {error}", address.host)))?;
    let named_so = address.host == "localhost";
    let mut refused = None;
    for peer in found {
        let ip = peer.ip().to_canonical();
        if named_so || !is_too_near(ip) {
            return Ok(SocketAddr::new(ip, peer.port()));
        }
        refused = Some(ip);
    }
    Err(match refused {
        Some(ip) => Failure::for_good(format!(
            "{} leads to {ip}, which is only allowed where the allowlist names the address itself",
            address.host
        )),
        None => Failure::passing(format!("{} has no address", address.host)),
    })
}

/// Loopback, link-local (where clouds keep their credentials), unspecified, multicast and broadcast.
pub(super) fn is_too_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let first = ip.octets()[0];
            ip.is_loopback() || ip.is_link_local() || first == 0 || ip.is_multicast() || ip.is_broadcast()
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip.is_unicast_link_local(),
    }
}

fn request_of(
    order: &StepOrder,
    step: &HttpStep,
    address: &WebAddress,
    payload: &str,
) -> Result<Request<Full<Bytes>>, http::Error> {
    let mut request = Request::post(&address.path_and_query)
        .header(header::HOST, address.host_header())
        .header(header::USER_AGENT, concat!("tollgate/", env!("CARGO_PKG_VERSION")))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("tollgate-request-id", order.request.to_string())
        // The same at every try of this step: a receiver that knows the header takes it once.
        .header("idempotency-key", format!("{}-{}", order.request, order.at));
    for (name, value) in &step.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(Bytes::from(body_of(order, step, payload).to_string())))
}

/// The body that the step names, with its places filled, or everything that the request has.
fn body_of(order: &StepOrder, step: &HttpStep, payload: &str) -> Value {
    match &step.body {
        Some(body) => render_json(body, &order.variables),
        None => {
            let payload = serde_json::from_str(payload).unwrap_or_else(|_| Value::String(payload.to_owned()));
            let name = order.steps.get(order.at).map_or("", |step| step.name.as_str());
            json!({
                "request_id": order.request,
                "workflow": order.workflow,
                "step": name,
                "variables": order.variables,
                "payload": payload,
            })
        }
    }
}

/// Reads as much of an answer as is of use; the rest is not waited for.
async fn read(response: http::Response<Incoming>) -> Result<Answer, Failure> {
    let status = response.status();
    let (mut incoming, mut body, mut bytes) = (response.into_body(), Tail::default(), 0);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Failure::passing(format!("the answer broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        let fits = data.len().min(POST_ANSWER_BYTES_MAX - bytes);
        body.push(&data[..fits]);
        bytes += fits;
        if bytes == POST_ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(Answer { status, body })
}

impl Failure {
    fn for_good(message: String) -> Self {
        Self { message, is_final: true }
    }

    fn passing(message: String) -> Self {
        Self { message, is_final: false }
    }
}
