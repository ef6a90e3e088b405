use std::path::PathBuf;

use tollgate_shared::log::{Heartbeat, LogRow, TailItem};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::{Problem, Slug};

use super::testing::{self, FakeDaemon, NOW, Reply};
use super::*;

fn row(seq: u64) -> TailItem {
    TailItem::Row(Box::new(LogRow {
        seq,
        at: NOW,
        call: "0192f3c4-5a6b-7c8d-9e0f-112233445566".parse().unwrap(),
        token: "s_7QmX0c2LrT".parse().unwrap(),
        remote_ip: "10.0.0.1".parse().unwrap(),
        user_agent: None,
        method: "POST".into(),
        path: "/v1/process".into(),
        query: String::new(),
        from: None,
        content_type: None,
        headers: Vec::new(),
        body_bytes: 0,
        body: String::new(),
        truncated: false,
        outcome: Outcome::Created,
        status: 201,
        problem: None,
        incidents: Vec::new(),
        latency_us: 800,
        explain: None,
        summary: "disk full".into(),
    }))
}

fn ndjson(items: &[TailItem]) -> String {
    items.iter().map(|item| serde_json::to_string(item).unwrap() + "\n").collect()
}

/// The next seq or `lost` or `resumed`.
async fn step(follow: &mut Follow<'_>) -> String {
    match follow.next().await.unwrap() {
        FollowItem::Tail(TailItem::Row(row)) => row.seq.to_string(),
        FollowItem::Tail(TailItem::Gap(gap)) => format!("gap to {}", gap.to),
        FollowItem::Tail(TailItem::Heartbeat(_)) => "beat".to_owned(),
        FollowItem::Tail(TailItem::End(problem)) => problem.title.clone(),
        FollowItem::Lost { .. } => "lost".to_owned(),
        FollowItem::Resumed => "resumed".to_owned(),
    }
}

#[tokio::test]
async fn a_follow_goes_on_after_the_last_row_and_a_cut_line_is_no_row() {
    let fake = FakeDaemon::start(|target, _| match target {
        "GET /v1/logs?follow=true&after=4" => {
            // The second row is cut in the middle, as by a kill -9.
            let cut = ndjson(&[row(6)]);
            Reply::stream(ndjson(&[row(5)]) + &cut[..cut.len() / 2])
        }
        "GET /v1/logs?follow=true&after=5" => {
            let beat = Heartbeat { cursor: "c-9".into(), at: NOW };
            Reply::stream(ndjson(&[row(6), TailItem::Heartbeat(beat)]))
        }
        _ => Reply::stream(ndjson(&[row(10)])),
    });
    let client = Client::open(&[fake.socket()]).await.unwrap();
    let mut follow = Follow::start(&client, LogQuery::default()).await.unwrap();
    for expected in ["5", "lost", "resumed", "6", "beat", "lost", "resumed", "10"] {
        assert_eq!(step(&mut follow).await, expected);
    }
    assert_eq!(fake.asked().last().map(String::as_str), Some("GET /v1/logs?follow=true&after=c-9"));
}

#[tokio::test]
async fn a_follow_ends_where_trying_again_cannot_help() {
    let fake = FakeDaemon::start(|target, _| match target {
        "GET /v1/logs?follow=true&token=x&last=1" => Reply::stream(ndjson(&[row(5)])),
        _ => Reply::problem(&Problem::new(Slug::NotFound, "no token fits `x`")),
    });
    let client = Client::open(&[fake.socket()]).await.unwrap();
    let query = LogQuery { token: Some("x".into()), last: Some(1), ..LogQuery::default() };
    let mut follow = Follow::start(&client, query).await.unwrap();
    assert_eq!(step(&mut follow).await, "5");
    assert_eq!(step(&mut follow).await, "lost");
    assert!(matches!(follow.next().await, Err(ClientError::Problem(_))));
}

#[tokio::test]
async fn every_socket_that_was_tried_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let dead = directory.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let missing = directory.path().join("missing.sock");
    let Err(ClientError::NoDaemon { tried }) = Client::open(&[missing.clone(), dead.clone()]).await else {
        panic!("nobody listens there");
    };
    let tried: Vec<(PathBuf, String)> = tried.into_iter().map(|tried| (tried.path, tried.why)).collect();
    let expected = [(missing, "no such file".to_owned()), (dead, "nobody listens there any more".to_owned())];
    assert_eq!(tried, expected);
}

#[tokio::test]
async fn one_connection_serves_requests_in_turn_and_together() {
    let fake =
        FakeDaemon::start(|_, _| Reply::json(&tollgate_shared::api::Page::<String> { items: vec![], next: None }));
    let client = Client::open(&[fake.socket()]).await.unwrap();
    client.presets().await.unwrap();
    let (a, b) = tokio::join!(client.presets(), client.presets());
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn a_daemon_of_another_version_is_refused_in_words() {
    let status = StatusView { version: "9.1.0".into(), ..testing::status() };
    let fake = FakeDaemon::start_as(&status, |_, _| Reply::stream(""));
    let client = Client::open(&[fake.socket()]).await.unwrap();
    let error = client.status().await.unwrap_err();
    assert!(matches!(error, ClientError::Incompatible { .. }) && error.to_string().contains("9.1.0"), "{error}");
}

#[test]
fn versions_are_compatible_within_a_minor_version() {
    assert_eq!(minor_of("1.4.2"), minor_of("1.4.0"));
    assert_ne!(minor_of("1.4.2"), minor_of("1.5.2"));
}
