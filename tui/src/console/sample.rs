//! The sample alert at the end of the first path: a real call to the listen address, as a sender would make it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use tollgate_shared::api::ProcessAnswer;
use tollgate_shared::filter;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Problem;
use zeroize::Zeroizing;

use crate::app::msg::{Failure, Reply};
use crate::app::secret::Secret;
use crate::client::gate::{Answer, deliver};

/// Connect, send and answer together: somebody sits in front of it.
const WAIT: Duration = Duration::from_secs(10);

/// Sends the sample of a preset with the secret, and says what the gate answered.
pub(super) async fn send(preset: &str, address: &str, secret: &Secret) -> Result<Reply, Failure> {
    let request = request(preset, address, secret).map_err(failed)?;
    let sent = tokio::time::timeout(WAIT, deliver(address, request)).await;
    let unreachable = |why: &str| failed(format!("nothing takes calls at {address}: {why}. The sample was not sent"));
    let answer = sent.map_err(|_| unreachable(&format!("no answer within {} s", WAIT.as_secs())))?;
    told(address, &answer.map_err(|error| unreachable(&error.to_string()))?)
}

fn failed(words: String) -> Failure {
    Failure { words, ..Failure::default() }
}

fn request(preset: &str, address: &str, secret: &Secret) -> Result<Request<Full<Bytes>>, String> {
    let sample = filter::sample(preset).ok_or_else(|| format!("there is no sample of {preset}"))?;
    let bearer = Zeroizing::new(format!("Bearer {}", secret.expose()));
    let mut authorization =
        HeaderValue::from_str(&bearer).map_err(|_| "the secret fits no header; send with a file".to_owned())?;
    authorization.set_sensitive(true);
    let mut builder = Request::post("/v1/process").header(HOST, address).header(AUTHORIZATION, authorization);
    for (name, value) in &sample.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::from(sample.body.clone()))).map_err(|error| error.to_string())
}

/// What came back, in a sentence that says what to do next.
fn told(address: &str, answer: &Answer) -> Result<Reply, Failure> {
    let status = answer.status.as_u16();
    let not_ours = || failed(format!("what answers at {address} is no tollgated: it said {status} in another form"));
    if !answer.status.is_success() {
        let problem = serde_json::from_slice::<Problem>(&answer.body).map_err(|_| not_ours())?;
        return Err(failed(format!("the sample was refused with {status}: {}", problem.detail)));
    }
    let said = serde_json::from_slice::<ProcessAnswer>(&answer.body).map_err(|_| not_ours())?;
    let incident = said.results.iter().find_map(|result| result.incident);
    let suppressed = said.results.iter().any(|result| result.outcome == Outcome::Suppressed);
    let words = match (answer.status, incident) {
        (StatusCode::CREATED, Some(_)) => "201: the sample opened an incident",
        (_, Some(_)) => "200: the sample joined the incident that is open already",
        (StatusCode::OK, None) => "200: the sample was sent before; its incident is on screen 3",
        (_, None) if suppressed => "202: it arrived; the service is under maintenance, so nothing is opened",
        (_, None) => "202: it arrived and matched no filter. Screen 2 shows why",
    };
    Ok(Reply::Sampled { words: words.to_owned(), incident })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(status: u16, body: &serde_json::Value) -> Result<(String, bool), String> {
        let answer = Answer { status: StatusCode::from_u16(status).unwrap(), body: Bytes::from(body.to_string()) };
        match told("127.0.0.1:7480", &answer) {
            Ok(Reply::Sampled { words, incident }) => Ok((words, incident.is_some())),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.words),
        }
    }

    fn answer(outcome: &str, incident: Option<&str>) -> serde_json::Value {
        let id = "01900000-0000-7000-8000-000000000001";
        json!({
            "id": id, "resolved": { "duplicate": false, "resolved": false },
            "triggered": { "duplicate": false, "created": true }, "results_total": 1,
            "results": [{ "service": id, "outcome": outcome, "incident": incident, "filter": id }],
        })
    }

    #[test]
    fn each_answer_of_the_gate_is_one_sentence_with_what_to_do_next() {
        let id = Some("01900000-0000-7000-8000-000000000002");
        let (words, opened) = said(201, &answer("created", id)).unwrap();
        assert!(words.contains("opened an incident") && opened);
        assert!(said(200, &answer("attached", id)).unwrap().0.contains("joined"));
        assert!(said(202, &answer("suppressed", None)).unwrap().0.contains("maintenance"));
        let mut nothing = answer("created", None);
        nothing["results"] = json!([]);
        assert!(said(202, &nothing).unwrap().0.contains("Screen 2"));
        assert!(said(200, &nothing).unwrap().0.contains("sent before"));
    }

    #[test]
    fn a_refusal_and_another_server_are_told_apart() {
        let problem = serde_json::to_value(Problem::new(
            tollgate_shared::problem::Slug::LockedDown,
            "ingestion is locked down since 03:00",
        ));
        let refused = said(503, &problem.unwrap()).unwrap_err();
        assert!(refused.contains("503") && refused.contains("locked down"), "{refused}");
        assert!(said(200, &json!("hello")).unwrap_err().contains("is no tollgated"));
        assert!(said(404, &json!({})).unwrap_err().contains("is no tollgated"));
    }

    #[tokio::test]
    async fn a_gate_that_nobody_answers_at_is_named_and_the_secret_is_not() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let secret = Secret::new("tg_s_neverShown".to_owned());
        let failure = send("alertmanager", &free.to_string(), &secret).await.unwrap_err();
        assert!(failure.words.contains(&free.to_string()) && failure.words.contains("was not sent"), "{failure:?}");
        assert!(!format!("{failure:?}").contains("neverShown"));
    }
}
