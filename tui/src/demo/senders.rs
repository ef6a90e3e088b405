//! Simulated senders: each posts the payloads of a real one over real HTTP, with the faults that real ones have: a wrong
//! token, a revoked one, the same call twice, a payload that matches nothing, bursts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::objects::Cast;
use crate::client::gate::deliver;

/// Calls of one burst.
const BURST_CALLS: u64 = 60;

/// A well-formed value that belongs to no daemon: somebody copied half of one.
const WRONG_TOKEN: &str = "tg_s_7QmX0c2LrTthis-was-cut-while-copying";

/// The running senders.
pub(super) struct Senders {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What all senders share.
#[derive(Clone)]
struct Line {
    cast: Arc<Cast>,
    address: Arc<str>,
    stop: CancellationToken,
}

/// One recorded call.
struct Recording {
    headers: Vec<(String, String)>,
    body: Value,
}

impl Senders {
    /// Starts all of them against `address`.
    pub(super) fn start(cast: Cast, address: String) -> Self {
        let line = Line { cast: Arc::new(cast), address: address.into(), stop: CancellationToken::new() };
        let (stop, tasks) = (line.stop.clone(), TaskTracker::new());
        tasks.spawn(alertmanager(line.clone()));
        tasks.spawn(zabbix(line.clone()));
        tasks.spawn(grafana(line.clone()));
        tasks.spawn(backup(line.clone()));
        tasks.spawn(hall(line.clone()));
        tasks.spawn(bursts(line.clone()));
        tasks.spawn(strangers(line));
        tasks.close();
        Self { stop, tasks }
    }

    /// Stops them and waits until the last answer is there.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Line {
    /// Sends a call as a token's sender. A daemon that is being stopped does not answer any more; that ends the demo, so
    /// the answer is only waited for.
    async fn send(&self, token: &str, recording: &Recording) {
        self.send_secret(self.cast.secret(token), recording).await;
    }

    async fn send_secret(&self, secret: &str, recording: &Recording) {
        let body = match &recording.body {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        let mut request = Request::post("/v1/process").header(HOST, &*self.address);
        for (name, value) in &recording.headers {
            request = request.header(name, value);
        }
        let built = request.header(AUTHORIZATION, format!("Bearer {secret}")).body(Full::new(Bytes::from(body)));
        if let Ok(request) = built {
            drop(deliver(&self.address, request).await);
        }
    }

    /// Waits; false when the demo ends.
    async fn pause(&self, millis: u64) -> bool {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(millis)) => true,
            () = self.stop.cancelled() => false,
        }
    }
}

impl Recording {
    /// A call from the fixtures; one without headers says JSON.
    fn of(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let headers = value["headers"].as_object().into_iter().flatten();
        let kept = headers.filter(|(name, _)| *name != "authorization");
        let mut headers: Vec<_> =
            kept.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
        if headers.is_empty() {
            headers.push((CONTENT_TYPE.as_str().to_owned(), "application/json".to_owned()));
        }
        Self { headers, body: value["body"].clone() }
    }

    /// With one member changed, found by a JSON pointer.
    fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        if let Some(member) = self.body.pointer_mut(pointer) {
            *member = value.into();
        }
        self
    }

    /// Without a top-level member: the mistake that makes a call match nothing.
    fn without(mut self, member: &str) -> Self {
        if let Some(object) = self.body.as_object_mut() {
            object.remove(member);
        }
        self
    }
}

macro_rules! recorded {
    ($name:literal) => {
        Recording::of(include_str!(concat!("../../../tests/fixtures/senders/", $name, ".json")))
    };
}

/// Fires, repeats itself, recovers.
async fn alertmanager(line: Line) {
    const DISKS: [&str; 4] = ["db1:9100", "db2:9100", "db3:9100", "archive:9100"];
    for round in 0_usize.. {
        let disk = DISKS[round % DISKS.len()];
        let key = format!("{{}}:{{alertname=\"DiskFull\", instance=\"{disk}\"}}");
        let summary = format!("Disk nearly full on {disk}");
        let firing = || {
            recorded!("alertmanager_firing")
                .with("/groupKey", key.as_str())
                .with("/alerts/0/annotations/summary", summary.as_str())
        };
        line.send("am-prod", &firing()).await;
        if !line.pause(900).await {
            return;
        }
        line.send("am-prod", &firing()).await;
        if !line.pause(1_700).await {
            return;
        }
        if !round.is_multiple_of(3) {
            line.send("am-prod", &recorded!("alertmanager_resolved").with("/groupKey", key.as_str())).await;
        }
        if !line.pause(1_400).await {
            return;
        }
    }
}

/// Every third call lacks the member that the filter wants: NO MATCH, closest 1 of 2.
async fn zabbix(line: Line) {
    for event in 40_211_u64.. {
        let id = event.to_string();
        let problem = recorded!("zabbix_problem").with("/event_id", id.as_str());
        let wrong = event.is_multiple_of(3);
        line.send("zabbix-prod", &if wrong { problem.without("event_update_status") } else { problem }).await;
        if !line.pause(1_100).await {
            return;
        }
        line.send("zabbix-prod", &recorded!("zabbix_recovery").with("/event_id", id.as_str())).await;
        if !line.pause(2_300).await {
            return;
        }
    }
}

async fn grafana(line: Line) {
    loop {
        line.send("grafana-dmz", &recorded!("grafana_firing")).await;
        if !line.pause(5_200).await {
            return;
        }
        line.send("grafana-dmz", &recorded!("grafana_resolved")).await;
        line.send("everything", &recorded!("pagerduty_trigger").without("routing_key")).await;
        if !line.pause(2_900).await {
            return;
        }
    }
}

/// Plain text; the good news match no filter.
async fn backup(line: Line) {
    for night in 1_u64.. {
        let text =
            format!("backup {} on nas0{}", if night.is_multiple_of(4) { "FAILED" } else { "done" }, night % 5 + 1);
        let mut recording = recorded!("plain_text");
        recording.body = Value::String(format!("{text}, night {night}"));
        line.send("backup-cron", &recording).await;
        if !line.pause(3_100).await {
            return;
        }
    }
}

async fn hall(line: Line) {
    loop {
        line.send("plc-bridge", &recorded!("cloudevents_structured_raised")).await;
        line.send("plc-bridge", &recorded!("cloudevents_binary_raised")).await;
        if !line.pause(2_700).await {
            return;
        }
        line.send("plc-bridge", &recorded!("cloudevents_structured_cleared")).await;
        line.send("everything", &recorded!("github_run_failure")).await;
        if !line.pause(3_300).await {
            return;
        }
        line.send("everything", &recorded!("github_run_success")).await;
    }
}

/// One host goes mad now and then.
async fn bursts(line: Line) {
    while line.pause(8_000).await {
        for call in 0..BURST_CALLS {
            let key = format!("{{}}:{{alertname=\"Flapping\", port=\"{}\"}}", call % 6);
            let flapping = recorded!("alertmanager_firing")
                .with("/groupKey", key)
                .with("/alerts/0/annotations/summary", format!("Port {} is flapping", call % 6))
                .with("/alerts/0/startsAt", format!("2026-01-01T00:00:{:02}Z", call % 60));
            line.send("am-prod", &flapping).await;
        }
    }
}

/// Those who are refused before a token is known: a value cut while copying, and one that was revoked.
async fn strangers(line: Line) {
    loop {
        line.send_secret(WRONG_TOKEN, &recorded!("opsgenie_create")).await;
        if !line.pause(2_100).await {
            return;
        }
        line.send("nagios-old", &recorded!("nagios_problem")).await;
        if !line.pause(2_600).await {
            return;
        }
    }
}
