//! What senders and operators see of a token's settings, over real sockets.

use serde_json::{Value, json};
use tollgate_tests::daemon::{Daemon, Token};
use tollgate_tests::http::Answer;

use crate::support::alert;

fn created(daemon: &Daemon, new: &Value) -> Token {
    let answer = daemon.local("POST", "/v1/tokens", new);
    assert_eq!(answer.status, 201, "{answer:?}");
    Token::of(&answer.json())
}

fn at_gate(daemon: &Daemon, method: &str, target: &str, secret: Option<&str>) -> Answer {
    let bearer = format!("Bearer {}", secret.unwrap_or(""));
    let headers = [("authorization", bearer.as_str())];
    let headers = if secret.is_some() { &headers[..] } else { &[] };
    let body: &[u8] = if target.starts_with("/v1/process") { b"{}" } else { b"" };
    daemon.connect().and_then(|mut connection| connection.request(method, target, headers, body)).expect("an answer")
}

#[test]
fn a_token_asks_what_it_is_and_extends_itself() {
    let daemon = Daemon::start();
    let new = json!({"name": "self", "scope": "global", "expires": "7d", "permissions": ["token:refresh"]});
    let token = created(&daemon, &new);
    let me = at_gate(&daemon, "GET", "/v1/token", Some(&token.secret));
    assert_eq!((me.status, me.json()["id"].as_str()), (200, Some(token.id.as_str())), "{me:?}");
    assert_eq!(me.json()["permissions"], json!(["token:refresh"]));
    assert!(me.header("tollgate-token-expires").is_some(), "less than 14 days are left: {me:?}");
    let before = me.json()["expires_at"].as_str().expect("an end").to_owned();
    let refreshed = at_gate(&daemon, "POST", "/v1/token/refresh", Some(&token.secret));
    assert!(refreshed.json()["expires_at"].as_str().is_some_and(|after| after > before.as_str()), "{refreshed:?}");
    let call = at_gate(&daemon, "POST", "/v1/process", Some(&token.secret));
    assert_eq!((call.status, call.slug().as_str()), (403, "permission-missing"));
}

#[test]
fn a_quota_is_told_in_headers_and_its_refusals_are_counted() {
    let daemon = Daemon::start();
    let limit = json!({"calls_per_min": 1, "burst": 2});
    let token = created(&daemon, &json!({"name": "few", "scope": "global", "rate_limit": limit}));
    let answers: Vec<_> = (0..3).map(|_| daemon.post(&token.secret, "{}")).collect();
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [202, 202, 429]);
    assert_eq!(
        (answers[0].header("ratelimit-limit"), answers[0].header("ratelimit-remaining")),
        (Some("2"), Some("1"))
    );
    assert!(answers[2].header("retry-after").is_some_and(|secs| secs.parse::<u32>().is_ok_and(|secs| secs > 50)));
    let usage = &daemon.get(&format!("/v1/tokens/{}", token.id))["usage"];
    assert_eq!((&usage["counts"]["rejected"], &usage["last_refusal"]["slug"]), (&json!(1), &json!("rate-limited")));
}

#[test]
fn a_token_that_takes_no_query_form_answers_401_and_counts_it() {
    let daemon = Daemon::start();
    let token = created(&daemon, &json!({"name": "strict", "scope": "global", "query_token": false}));
    let refused = at_gate(&daemon, "POST", &format!("/v1/process?token={}", token.secret), None);
    assert_eq!((refused.status, refused.slug().as_str()), (401, "token-invalid"), "{refused:?}");
    assert_eq!(daemon.post(&token.secret, "{}").status, 202);
    let usage = &daemon.get(&format!("/v1/tokens/{}", token.id))["usage"];
    assert_eq!((&usage["query_token_calls"], &usage["counts"]["rejected"]), (&json!(1), &json!(1)));
}

#[test]
fn a_suspended_token_is_told_to_come_back() {
    let daemon = Daemon::start();
    let token = created(&daemon, &json!({"name": "doubt", "scope": "global"}));
    let path = format!("/v1/tokens/{}", token.id);
    assert_eq!(daemon.local("POST", &format!("{path}/suspend"), &json!({"reason": "odd"})).status, 200);
    let answer = daemon.post(&token.secret, &alert("firing", "a"));
    assert_eq!((answer.status, answer.slug().as_str()), (503, "token-suspended"));
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_eq!(daemon.get(&path)["suspended"]["reason"], json!("odd"));
    assert_eq!(daemon.local("POST", &format!("{path}/resume"), &Value::Null).status, 200);
    assert_eq!(daemon.post(&token.secret, "{}").status, 202);
}

#[test]
fn an_overlap_counts_who_still_has_the_old_secret_and_a_revoke_counts_the_tries_since() {
    let mut daemon = Daemon::start();
    let token = created(&daemon, &json!({"name": "forty", "scope": "global"}));
    let path = format!("/v1/tokens/{}", token.id);
    let rotate = json!({"overlap_secs": 3600, "idempotency_key": "once"});
    let rotated = daemon.local("POST", &format!("{path}/rotate"), &rotate);
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert_eq!(daemon.local("POST", &format!("{path}/rotate"), &rotate).status, 409, "already rotated");
    let new = Token::of(&rotated.json());
    assert!(daemon.post(&token.secret, "{}").header("tollgate-token-expires").is_some());
    assert_eq!(daemon.get(&path)["rotating"], json!([0, 1]));
    assert_eq!(daemon.get(&path)["usage"]["old_secret_calls"], json!(1));
    assert!(daemon.post(&new.secret, r#"{"another":1}"#).is_success());
    assert_eq!(daemon.get(&path)["rotating"], json!([1, 1]));
    assert_eq!(daemon.get(&format!("{path}/sources"))["items"][0]["calls"], json!(2));
    let revoke = json!({"confirm": "forty", "reason": "leaked"});
    assert_eq!(daemon.local("POST", &format!("{path}/revoke"), &revoke).status, 200);
    for secret in [&token.secret, &new.secret] {
        assert_eq!(daemon.post(secret, "{}").slug(), "token-revoked");
    }
    assert_eq!(daemon.terminate(), 0);
    daemon.restart();
    let stone = daemon.get(&path);
    assert_eq!((&stone["state"], &stone["usage"]["dead_tries"]["count"]), (&json!("revoked"), &json!(2)));
    assert_eq!(daemon.get(&format!("{path}/sources"))["items"][0]["calls"], json!(2), "kept with the tombstone");
}

#[test]
fn values_are_identified_imported_changed_in_bulk_and_guarded_against_lost_updates() {
    let daemon = Daemon::start();
    let token = created(&daemon, &json!({"name": "one", "scope": "global", "expires": "1d"}));
    let foreign = "legacy-0123456789abcdef";
    let import = json!({"value": foreign, "token": {"name": "old", "scope": "global", "expires": "1d"}});
    assert_eq!(daemon.local("POST", "/v1/tokens/import", &import).status, 201);
    assert_eq!(daemon.post(foreign, "{}").status, 202);
    let lines = format!("{}\n{foreign}\nlegacy-unknown-0123456789\n{}", token.secret, &token.secret[..30]);
    let identified = daemon.local("POST", "/v1/tokens/identify", &json!({"value": lines}));
    let found = identified.json();
    let what: Vec<_> = found["items"].as_array().into_iter().flatten().map(|item| item["what"].clone()).collect();
    assert_eq!(what, ["current", "current", "unknown", "malformed"]);
    assert_eq!(found["items"][3]["token"]["id"], json!(token.id), "a fragment names its token");
    assert!(!found.to_string().contains(foreign) && !found.to_string().contains(&token.secret[..30]));
    let bulk = |count: Value| json!({"action": "refresh", "q": "expires:<25h", "confirm_count": count});
    let dry = daemon.local("POST", "/v1/tokens/bulk", &bulk(Value::Null)).json();
    assert_eq!((&dry["done"], dry["tokens"].as_array().map(Vec::len)), (&json!(false), Some(2)));
    assert_eq!(daemon.local("POST", "/v1/tokens/bulk", &bulk(json!(3))).status, 409);
    assert_eq!(daemon.local("POST", "/v1/tokens/bulk", &bulk(json!(2))).json()["done"], json!(true));
    let batch = json!({"tokens": [{"name": "a", "scope": "global"}, {"name": "b", "scope": "team:Nope"}]});
    let refused = daemon.local("POST", "/v1/tokens/batch", &batch);
    assert_eq!((refused.status, refused.json()["errors"][0]["path"].clone()), (422, json!("tokens[1].scope")));
    let path = format!("/v1/tokens/{}", token.id);
    let shown = daemon.local("GET", &path, &Value::Null);
    let tag = shown.header("etag").expect("a tag").to_owned();
    let edit = |tag: &str| {
        let headers = [("if-match", tag), ("content-type", "application/json")];
        let body = json!({"description": "now"}).to_string();
        daemon.connect_local().request("PATCH", &path, &headers, body.as_bytes()).expect("an answer").status
    };
    assert_eq!((edit(&tag), edit(&tag)), (200, 412));
}

#[test]
fn last_used_moves_with_calls_with_questions_about_itself_and_with_management() {
    let daemon = Daemon::start();
    let permissions = json!(["incidents:create", "token:refresh", "tokens:read"]);
    let new = json!({"name": "used", "scope": "global", "expires": "7d", "permissions": permissions});
    let token = created(&daemon, &new);
    let last = || daemon.get(&format!("/v1/tokens/{}", token.id))["usage"]["last_use"]["at"].clone();
    let mut before = last();
    assert_eq!(before, Value::Null, "never used");
    let uses =
        [("POST", "/v1/process"), ("GET", "/v1/token"), ("POST", "/v1/token/refresh"), ("GET", "/v1/tokens?limit=1")];
    for (method, target) in uses {
        let answer = at_gate(&daemon, method, target, Some(&token.secret));
        assert!(answer.is_success(), "{method} {target}: {answer:?}");
        let now = last();
        assert!(now.as_str() > before.as_str(), "{method} {target}: {before} -> {now}");
        if target == "/v1/token" {
            assert_eq!(answer.json()["last_use"]["at"], before, "it is told of the use before this one");
        }
        before = now;
    }
    let counts = &daemon.get(&format!("/v1/tokens/{}", token.id))["usage"]["counts"];
    assert_eq!((&counts["no_match"], &counts["rejected"]), (&json!(1), &json!(0)), "only the call counts as a call");
}

#[test]
fn a_services_token_manages_its_services_tokens_over_the_gate() {
    let daemon = Daemon::start();
    daemon.service("DB", "alertmanager");
    daemon.service("Web", "alertmanager");
    let permissions = json!(["tokens:manage", "tokens:read", "incidents:create"]);
    let robot = created(&daemon, &json!({"name": "robot", "scope": "service:Ops/DB", "permissions": permissions}));
    let other = created(&daemon, &json!({"name": "other", "scope": "service:Ops/Web"}));
    let bearer = format!("Bearer {}", robot.secret);
    let ask = |method: &str, target: &str, body: &Value| {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        daemon.connect().and_then(|mut door| door.request(method, target, &headers, &bytes)).expect("an answer")
    };
    let made = ask("POST", "/v1/tokens", &json!({"name": "made", "scope": "service:Ops/DB"}));
    assert_eq!(made.status, 201, "{made:?}");
    let made = Token::of(&made.json());
    assert_eq!(daemon.post(&made.secret, &alert("firing", "a")).status, 201);
    let seen = ask("GET", "/v1/tokens", &Value::Null).json();
    let names: Vec<_> = seen["items"].as_array().into_iter().flatten().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["made", "robot"], "nothing of another service");
    let revoked = ask("POST", &format!("/v1/tokens/{}/revoke", made.id), &json!({"confirm": "made"}));
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(daemon.post(&made.secret, &alert("firing", "b")).slug(), "token-revoked");
    let refused = ask("POST", &format!("/v1/tokens/{}/suspend", other.id), &json!({"reason": "doubt"}));
    assert_eq!((refused.status, refused.slug().as_str()), (403, "scope-missing"), "{refused:?}");
    let refused = ask("POST", "/v1/tokens", &json!({"name": "wide", "scope": "team:Ops"}));
    assert_eq!((refused.status, refused.slug().as_str()), (403, "scope-missing"), "{refused:?}");
    let issued = daemon.get(&format!("/v1/tokens/{}/issued", robot.id));
    assert_eq!(issued["items"].as_array().map(Vec::len), Some(0), "the revoked one left the list: {issued}");
}
