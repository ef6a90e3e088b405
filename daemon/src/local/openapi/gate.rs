//! The gate's own routes in the document, made from its table: one that is missing here does not compile.

use http::Method;
use serde_json::{Value, json};
use tollgate_shared::api::{EnqueueAnswer, ProcessAnswer, RequestAnswer, WhoAmI};

use super::schemas::Schemas;
use crate::gate::{Operation, ROUTES};

/// Every route of the gate with its description.
pub(super) fn operations(schemas: &mut Schemas) -> Vec<(Method, &'static str, Value)> {
    ROUTES.into_iter().map(|(method, path, operation)| (method, path, described(schemas, operation))).collect()
}

/// Where a sender may have put its token besides `Authorization`.
pub(super) fn query_token() -> Value {
    json!({ "type": "apiKey", "in": "query", "name": "token" })
}

/// Any refusal.
pub(super) fn problem() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": "an RFC 9457 problem", "content": { "application/problem+json": { "schema": schema } } })
}

fn described(schemas: &mut Schemas, operation: Operation) -> Value {
    match operation {
        Operation::Health => open("Health", "The process runs (gate only)"),
        Operation::Ready => open("Ready", "Calls are taken; 503 while the store cannot be written (gate only)"),
        Operation::Process => {
            let answer = schemas.of::<ProcessAnswer>();
            call("Process", "Send a call; any textual body is taken, JSON best (gate only)", &["from"], &answer)
        }
        Operation::Request => {
            let summary = "Start workflows with a global token: the one that workflowId names, or every one whose \
                           trigger matches (gate only)";
            call("Request", summary, &["workflowId"], &schemas.of::<RequestAnswer>())
        }
        Operation::Enqueue => enqueue(schemas),
        Operation::WhoAmI => of_token("WhoAmI", "What the token is; never its secret (gate only)", schemas),
        Operation::RefreshSelf => {
            let summary = "Extend the token by its chosen duration; needs token:refresh (gate only)";
            of_token("RefreshSelf", summary, schemas)
        }
    }
}

fn document(schema: &Value) -> Value {
    json!({ "description": "done", "content": { "application/json": { "schema": schema } } })
}

fn open(id: &str, summary: &str) -> Value {
    let done = document(&json!({ "type": "string" }));
    json!({ "operationId": id, "summary": summary, "security": [], "responses": { "200": done, "default": problem() } })
}

fn call(id: &str, summary: &str, in_query: &[&str], answer: &Value) -> Value {
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": false, "schema": { "type": "string" } });
    let mut parameters: Vec<Value> = in_query.iter().map(|name| parameter(name, "query")).collect();
    parameters.push(parameter("Idempotency-Key", "header"));
    let done = document(answer);
    json!({
        "operationId": id,
        "summary": summary,
        "security": [{ "token": [] }, { "query_token": [] }],
        "parameters": parameters,
        "requestBody": { "required": false, "content": { "*/*": {} } },
        "responses": { "200": done, "201": done, "202": done, "default": problem() },
    })
}

fn enqueue(schemas: &mut Schemas) -> Value {
    let answer = document(&schemas.of::<EnqueueAnswer>());
    let text = json!({ "type": "string" });
    let payload = json!({
        "type": "object",
        "properties": { "summary": text, "source": text, "severity": { "type": "string", "enum": ["critical", "error", "warning", "info"] } },
        "required": ["summary", "source", "severity"],
    });
    let event = json!({
        "type": "object",
        "properties": {
            "routing_key": { "type": "string", "description": "the API token" },
            "event_action": { "type": "string", "enum": ["trigger", "acknowledge", "resolve"] },
            "dedup_key": { "type": "string", "maxLength": 255 },
            "payload": payload,
        },
        "required": ["routing_key", "event_action"],
    });
    json!({
        "operationId": "Enqueue",
        "summary": "Send a PagerDuty event, the token as its routing key; answered in PagerDuty's shapes (gate only)",
        "security": [],
        "requestBody": { "required": true, "content": { "application/json": { "schema": event } } },
        "responses": { "202": answer, "400": answer, "429": answer, "default": answer },
    })
}

fn of_token(id: &str, summary: &str, schemas: &mut Schemas) -> Value {
    let done = document(&schemas.of::<WhoAmI>());
    json!({ "operationId": id, "summary": summary, "security": [{ "token": [] }],
        "responses": { "200": done, "default": problem() } })
}
