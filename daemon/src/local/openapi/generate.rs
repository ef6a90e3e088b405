//! Makes the OpenAPI 3.1 document from the route table, a line of words for each route, and the wire types.

use http::Method;
use serde_json::{Map, Value, json};
use tollgate_shared::api::{
    AuditVerdict, BackupView, BackupWritten, BulkIncidents, BulkIncidentsResult, BulkResult, BulkTokens, CancelRequest,
    ChangeOverlap, EventsItem, FilterPatch, FilterView, HourView, Identified, IdentifyToken, ImportToken, IncidentView,
    LockdownView, LogHistogram, MaintenanceView, NewBackup, NewFilter, NewMaintenance, NewOperator, NewRedactionRule,
    NewService, NewTeam, NewToken, NewWorkflow, OperatorPatch, OperatorView, RedactionRuleView, RedactionTried,
    ReplayVerdict, RequestView, ResolveIncident, RestoreReviewed, RetryRequest, ReviewRestore, RevokeReceipt,
    RevokeToken, SaveQuery, SavedQuery, ServicePatch, ServiceView, SetDebug, SetLockdown, SetPassphrase, SignIn,
    SignedIn, SourceView, StatusView, SuspendToken, TalkersView, TeamView, TokenCreated, TokenPatch, TokenView,
    TryFilter, TryRedaction, TryVerdict, TryWorkflow, WhatIf, WhatIfItem, WorkflowPatch, WorkflowTrial, WorkflowView,
};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::log::{LogRow, RefusedRow};
use tollgate_shared::problem::Problem;

use super::gate;
use super::schemas::Schemas;
use crate::core::token_list::PARAMETERS;
use crate::local::{Act, Route, people_routes};

/// What the document says of a route.
struct Words {
    summary: &'static str,
    query: &'static [&'static str],
    takes: Option<fn(&mut Schemas) -> Value>,
    status: u16,
    gives: Gives,
}

enum Gives {
    Nothing,
    One(fn(&mut Schemas) -> Value),
    Page(fn(&mut Schemas) -> Value),
    Lines(fn(&mut Schemas) -> Value),
    Bytes,
}

impl Words {
    const fn new(summary: &'static str, gives: Gives) -> Self {
        Self { summary, query: &[], takes: None, status: 200, gives }
    }

    const fn query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }

    fn takes(mut self, takes: fn(&mut Schemas) -> Value) -> Self {
        self.takes = Some(takes);
        self
    }

    const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

const PAGE: &[&str] = &["limit", "cursor"];
const PAGE_OF_TEAM: &[&str] = &["team", "limit", "cursor"];

#[rustfmt::skip]
fn words(act: Act) -> Words {
    use Gives::{Bytes, Lines, Nothing, One, Page};
    let incident = || One(Schemas::of::<IncidentView>);
    let token = || One(Schemas::of::<TokenView>);
    match act {
        Act::Status => Words::new("What the daemon says of itself", One(Schemas::of::<StatusView>)),
        Act::StatusHour => Words::new("The gate's last hour by minute, and its last minute by second", One(Schemas::of::<HourView>)),
        Act::StatusTalkers => Words::new("Who calls most now, by token, by address and by service; by: calls, refused or no_match", One(Schemas::of::<TalkersView>)).query(&["by", "limit"]),
        Act::Events => Words::new("Kinds of things that changed, without end", Lines(Schemas::of::<EventsItem>)),
        Act::TeamList => Words::new("Teams that the caller sees", Page(Schemas::of::<TeamView>)).query(PAGE),
        Act::TeamCreate => Words::new("Create a team", One(Schemas::of::<TeamView>)).takes(Schemas::of_request::<NewTeam>).status(201),
        Act::TeamDelete => Words::new("Delete a team; 409 in-use lists what is of it", Nothing).status(204),
        Act::ServiceList => Words::new("Services that the caller sees", Page(Schemas::of::<ServiceView>)).query(&["team", "limit", "cursor"]),
        Act::ServiceCreate => Words::new("Create a service", One(Schemas::of::<ServiceView>)).takes(Schemas::of_request::<NewService>).status(201),
        Act::ServiceShow => Words::new("A service", One(Schemas::of::<ServiceView>)),
        Act::ServiceEdit => Words::new("Change a service", One(Schemas::of::<ServiceView>)).takes(Schemas::of_request::<ServicePatch>),
        Act::ServiceDelete => Words::new("Delete a service; 409 in-use lists what is of it", Nothing).status(204),
        Act::PresetList => Words::new("Names of the filter presets", Page(|_| json!({ "type": "string" }))),
        Act::FilterList => Words::new("Filters that the caller sees", Page(Schemas::of::<FilterView>)).query(&["service", "limit", "cursor"]),
        Act::FilterCreate => Words::new("Create a filter", One(Schemas::of::<FilterView>)).takes(Schemas::of_request::<NewFilter>).status(201),
        Act::FilterShow => Words::new("A filter", One(Schemas::of::<FilterView>)),
        Act::FilterEdit => Words::new("Change a filter; If-Match takes the version of its ETag", One(Schemas::of::<FilterView>)).takes(Schemas::of_request::<FilterPatch>),
        Act::FilterDelete => Words::new("Delete a filter", Nothing).status(204),
        Act::FilterTry => Words::new("What would become of a call; nothing is changed", One(Schemas::of::<TryVerdict>)).takes(Schemas::of_request::<TryFilter>),
        Act::WhatIf => Words::new("What a proposal would change in the calls of the last 48 h; hanging up ends the work", Lines(Schemas::of::<WhatIfItem>)).takes(Schemas::of_request::<WhatIf>),
        Act::TokenList => Words::new("Tokens that the caller sees", Page(Schemas::of::<TokenView>)).query(&["q", "scope", "team", "owner", "state", "expires_within_secs", "unused_secs", "never_used", "no_expiry", "no_allowlist", "uses_query_token", "debug", "created_by", "issued_by", "sort", "limit", "cursor"]),
        Act::TokenCreate => Words::new("Create a token; the secret is in this answer only", One(Schemas::of::<TokenCreated>)).takes(Schemas::of_request::<NewToken>).status(201),
        Act::TokenShow => Words::new("A token, or the tombstone of a revoked one", token()),
        Act::TokenEdit => Words::new("Change a token", token()).takes(Schemas::of_request::<TokenPatch>),
        Act::TokenRotate => Words::new("Replace a token's secret; the new one is in this answer only", One(Schemas::of::<TokenCreated>)),
        Act::TokenSources => Words::new("Where a token's calls came from", Page(Schemas::of::<SourceView>)).query(PAGE),
        Act::TokenIssued => Words::new("Tokens that a token or its owner issued with it", Page(Schemas::of::<TokenView>)).query(PAGE),
        Act::TokenOverlap => Words::new("End or extend the overlap of a rotation", token()).takes(Schemas::of_request::<ChangeOverlap>),
        Act::TokenRefresh => Words::new("Add the chosen duration again; never and sealed are 409", token()),
        Act::TokenSuspend => Words::new("Answer a token's calls 503 until it is resumed", token()).takes(Schemas::of_request::<SuspendToken>),
        Act::TokenResume => Words::new("Let a suspended token work again", token()),
        Act::TokenImport => Words::new("Take a value from another system over as a token's secret", token()).takes(Schemas::of_request::<ImportToken>).status(201),
        Act::TokenIdentify => Words::new("Whose values are these; nothing of them is kept", Page(Schemas::of::<Identified>)).takes(Schemas::of_request::<IdentifyToken>),
        Act::TokenBulk => Words::new("One change to many tokens, all or nothing; without confirm_count a dry run", One(Schemas::of::<BulkResult>)).takes(Schemas::of_request::<BulkTokens>),
        Act::TokenBatch => Words::new("Create many tokens, all or nothing; 422 names every bad row", Page(Schemas::of::<TokenCreated>)).takes(|_| json!({ "type": "object" })).status(201),
        Act::TokenRevoke => Words::new("End a token for good", One(Schemas::of::<RevokeReceipt>)).takes(Schemas::of_request::<RevokeToken>),
        Act::TokenDebug => Words::new("Switch a token's debug option", token()).takes(Schemas::of_request::<SetDebug>),
        Act::IncidentList => Words::new("Incidents that the caller sees, newest first", Page(Schemas::of::<IncidentView>)).query(&["q", "state", "service", "priority", "token", "text", "since_secs", "limit", "cursor"]),
        Act::IncidentShow => Words::new("An incident with its words and its story", incident()),
        Act::IncidentAcknowledge => Words::new("Take an incident", incident()),
        Act::IncidentUnacknowledge => Words::new("Give an incident back", incident()),
        Act::IncidentResolve => Words::new("Resolve an incident; final", incident()).takes(Schemas::of_request::<ResolveIncident>),
        Act::IncidentBulk => Words::new("One change to many incidents; without confirm_count a dry run", One(Schemas::of::<BulkIncidentsResult>)).takes(Schemas::of_request::<BulkIncidents>),
        Act::MaintenanceList => Words::new("Maintenances, planned and running, the earliest first", Page(Schemas::of::<MaintenanceView>)).query(&["service", "limit", "cursor"]),
        Act::MaintenanceAdd => Words::new("Plan a maintenance: what would open an incident is suppressed while it runs", One(Schemas::of::<MaintenanceView>)).takes(Schemas::of_request::<NewMaintenance>).status(201),
        Act::MaintenanceEnd => Words::new("End a maintenance now", Nothing).status(204),
        Act::LogList => Words::new("Rows of the API log; with follow=true NDJSON lines of rows, gaps and heartbeats without end", Page(Schemas::of::<LogRow>)).query(&["q", "token", "outcome", "status", "since_secs", "limit", "before", "after", "follow", "last"]),
        Act::LogHistogram => Words::new("Calls that a query asks for, by time and outcome", One(Schemas::of::<LogHistogram>)).query(&["q", "token", "outcome", "status", "since_secs", "since", "until", "buckets"]),
        Act::QueryList => Words::new("Queries that the caller keeps", Page(Schemas::of::<SavedQuery>)).query(&["screen"]),
        Act::QueryShow => Words::new("A query that the caller keeps; screen: logs, tokens, incidents or audit", One(Schemas::of::<SavedQuery>)),
        Act::QuerySave => Words::new("Keep a query, in place of one of that name", One(Schemas::of::<SavedQuery>)).takes(Schemas::of_request::<SaveQuery>),
        Act::QueryDelete => Words::new("Forget a query", Nothing).status(204),
        Act::LogShow => Words::new("A row of the API log", One(Schemas::of::<LogRow>)),
        Act::LogReplay => Words::new("What a logged call would come to today, beside what it came to then; nothing is changed", One(Schemas::of::<ReplayVerdict>)),
        Act::RefusedList => Words::new("Calls refused before a token was known", Page(Schemas::of::<RefusedRow>)).query(&["after", "limit"]),
        Act::AuditList => Words::new("The audit trail, newest first", Page(Schemas::of::<AuditRow>)).query(&["q", "actor", "action", "target", "since_secs", "before", "limit"]),
        Act::AuditVerify => Words::new("Walk the audit's chain; head is a hash that was noted elsewhere", One(Schemas::of::<AuditVerdict>)).query(&["head"]),
        Act::OperatorList => Words::new("Operators", Page(Schemas::of::<OperatorView>)).query(PAGE),
        Act::OperatorCreate => Words::new("Create an operator", One(Schemas::of::<OperatorView>)).takes(Schemas::of_request::<NewOperator>).status(201),
        Act::OperatorShow => Words::new("An operator", One(Schemas::of::<OperatorView>)),
        Act::OperatorEdit => Words::new("Change an operator", One(Schemas::of::<OperatorView>)).takes(Schemas::of_request::<OperatorPatch>),
        Act::OperatorDelete => Words::new("Delete an operator", Nothing).status(204),
        Act::OperatorPassphrase => Words::new("Set or take away an operator's passphrase", One(Schemas::of::<OperatorView>)).takes(Schemas::of_request::<SetPassphrase>),
        Act::SignIn => Words::new("Be this operator on this connection (local socket only)", One(Schemas::of::<SignedIn>)).takes(Schemas::of_request::<SignIn>),
        Act::SignOut => Words::new("Be again whom the kernel names (local socket only)", One(Schemas::of::<SignedIn>)),
        Act::LockdownSet => Words::new("Answer all ingestion 503, or lift that (then 204)", One(Schemas::of::<LockdownView>)).takes(Schemas::of_request::<SetLockdown>),
        Act::Backup => Words::new("A backup of the whole state, made now, as bytes; encrypted, or plain and without the token key (local socket only)", Bytes).takes(Schemas::of_request::<NewBackup>),
        Act::BackupWritten => Words::new("A backup is whole on a disk: it is the last one now (local socket only)", One(Schemas::of::<BackupView>)).takes(Schemas::of_request::<BackupWritten>),
        Act::RestoreReview => Words::new("After a restore: suspend these tokens and take calls again, all or nothing", One(Schemas::of::<RestoreReviewed>)).takes(Schemas::of_request::<ReviewRestore>),
        Act::WorkflowList => Words::new("Workflows that the caller sees", Page(Schemas::of::<WorkflowView>)).query(PAGE_OF_TEAM),
        Act::WorkflowCreate => Words::new("Create a workflow; 422 names every bad field", One(Schemas::of::<WorkflowView>)).takes(Schemas::of_request::<NewWorkflow>).status(201),
        Act::WorkflowTry => Words::new("What would become of a request; nothing is started", One(Schemas::of::<WorkflowTrial>)).takes(Schemas::of_request::<TryWorkflow>),
        Act::WorkflowShow => Words::new("A workflow", One(Schemas::of::<WorkflowView>)),
        Act::WorkflowEdit => Words::new("Change, enable or disable a workflow", One(Schemas::of::<WorkflowView>)).takes(Schemas::of_request::<WorkflowPatch>),
        Act::WorkflowDelete => Words::new("Delete a workflow; 409 in-use while requests of it are queued or running", Nothing).status(204),
        Act::RequestList => Words::new("Requests that the caller sees, newest first", Page(Schemas::of::<RequestView>)).query(&["state", "workflow", "since_secs", "limit", "cursor"]),
        Act::RequestShow => Words::new("A request with variables, payload and outputs", One(Schemas::of::<RequestView>)),
        Act::RequestRetry => Words::new("Queue a failed or cancelled request again", One(Schemas::of::<RequestView>)).takes(Schemas::of_request::<RetryRequest>),
        Act::RequestCancel => Words::new("Stop a queued or running request", One(Schemas::of::<RequestView>)).takes(Schemas::of_request::<CancelRequest>),
        Act::RedactionList => Words::new("Rules of redaction beside the built-in ones", Page(Schemas::of::<RedactionRuleView>)).query(PAGE),
        Act::RedactionAdd => Words::new("Add a rule of redaction; with a sample 422 where it cuts nothing there", One(Schemas::of::<RedactionRuleView>)).takes(Schemas::of_request::<NewRedactionRule>).status(201),
        Act::RedactionRemove => Words::new("Remove a rule of redaction; rows that are kept stay as they are", Nothing).status(204),
        Act::RedactionTry => Words::new("What the log would keep of a call; nothing is changed", One(Schemas::of::<RedactionTried>)).takes(Schemas::of_request::<TryRedaction>),
        Act::OpenApi => Words::new("This document", One(|_| json!({ "type": "object" }))),
    }
}

/// The whole document, as it is committed.
pub(super) fn document() -> String {
    let mut schemas = Schemas::default();
    let mut paths: Map<String, Value> = Map::new();
    for (method, path, route) in people_routes::all() {
        let operation = operation(&mut schemas, &method, path, route);
        let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        item[method.as_str().to_lowercase()] = operation;
    }
    for (method, path, operation) in gate::operations(&mut schemas) {
        let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        item[method.as_str().to_lowercase()] = operation;
    }
    schemas.of::<Problem>();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tollgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Management, served on the local socket (the kernel names the caller) and on a loopback gate \
                            (a token does). {x} in a path takes an id, a name or a unique piece of the id. \
                            What is marked (gate only) is served where senders call, and to their tokens.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "query_token": gate::query_token(),
            },
        },
        "security": [{ "token": [] }, {}],
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap();
    text.push('\n');
    text
}

fn operation(schemas: &mut Schemas, method: &Method, path: &str, route: Route) -> Value {
    let words = words(route.act);
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": place == "path", "schema": { "type": "string" } });
    let mut parameters: Vec<Value> = in_path.map(|name| parameter(name, "path")).collect();
    parameters.extend(words.query.iter().map(|name| parameter(name, "query")));
    if matches!(route.act, Act::TokenEdit | Act::OperatorEdit) {
        parameters.push(parameter("If-Match", "header"));
    }
    if route.act == Act::TokenList {
        let known = words.query;
        let filters = PARAMETERS.iter().filter(|name| !known.contains(name));
        parameters.extend(filters.map(|name| parameter(name, "query")));
    }
    let mut operation = json!({
        "operationId": format!("{:?}", route.act),
        "summary": words.summary,
        "responses": {
            words.status.to_string(): answer(schemas, &words.gives),
            "default": gate::problem(),
        },
    });
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(takes) = words.takes {
        let schema = takes(schemas);
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    assert!(method != Method::GET || operation.get("requestBody").is_none(), "{path}: a GET takes no body");
    operation
}

fn answer(schemas: &mut Schemas, gives: &Gives) -> Value {
    let content =
        |media: &str, schema: Value| json!({ "description": "done", "content": { media: { "schema": schema } } });
    match gives {
        Gives::Nothing => json!({ "description": "done" }),
        Gives::One(of) => content("application/json", of(schemas)),
        Gives::Bytes => content("application/octet-stream", json!({})),
        Gives::Lines(of) => content("application/x-ndjson", of(schemas)),
        Gives::Page(of) => {
            let items = json!({ "type": "array", "items": of(schemas) });
            let next = json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
            let page =
                json!({ "type": "object", "properties": { "items": items, "next": next }, "required": ["items"] });
            content("application/json", page)
        }
    }
}
