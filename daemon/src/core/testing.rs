//! A small world for tests of the core: a store, the registry beside it, a clock that the test moves.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_shared::api::{NewFilter, NewService, NewTeam, NewToken};
use tollgate_shared::filter::FilterSpec;
use tollgate_shared::id::{CallId, FilterId, ServiceId, TeamId, TokenId};
use tollgate_shared::incident::IncidentHead;
use tollgate_shared::problem::Problem;
use tollgate_shared::time::Timestamp;
use uuid::Uuid;

use super::access::{Actor, Door, Who};
use super::admin::{self, Command, Entropy, Office, Reply, TokenCommand};
use super::call::Call;
use super::call::fingerprint::Fingerprint;
use super::decide::{Bench, Pace, decide};
use super::decision::{Content, Decision, Proposal, Seen};
use super::endpoint::Endpoint;
use super::model::Mac;
use super::passwd::Passwd;
use super::registry::Registry;
use super::routing;
use super::workflows;
use crate::store::testing::naive::NaiveStore;
use crate::store::{IncidentFilter, Store};

/// 2026-11-22T03:14:07Z: where every test begins.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_317_247_000_000);

/// The host's unix users.
const USERS: &str = "root:x:0:0::/:\nanna:x:1000:1000::/:\nben:x:1001:1001::/:\nnoc:x:1500:1500::/:\n";

/// From where the calls of a test come.
pub(crate) const SENDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// A store, its registry and a clock.
pub(crate) struct World {
    pub(crate) store: Box<dyn Store>,
    pub(crate) registry: Registry,
    pub(crate) pace: Pace,
    pub(crate) now: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) users: Passwd,
    made: u64,
}

/// The world's first team, service, filter and token: a token of the service, a filter that opens at `status` firing and
/// resolves at `status` resolved, by `key`.
pub(crate) struct Basics {
    pub(crate) team: TeamId,
    pub(crate) service: ServiceId,
    pub(crate) filter: FilterId,
    pub(crate) token: TokenId,
}

impl World {
    pub(crate) fn empty() -> Self {
        Self::on(Box::new(NaiveStore::default()))
    }

    pub(crate) fn on(mut store: Box<dyn Store>) -> Self {
        let registry = Registry::from_loaded(&store.load().unwrap(), 0).unwrap();
        Self {
            store,
            registry,
            pace: Pace::default(),
            now: START,
            actor: Actor { uid: Some(0), ..Actor::of("root".to_owned(), Who::Superuser, Door::Cli) },
            users: Passwd::parse(USERS),
            made: 0,
        }
    }

    /// A world with `Ops/DB`, its filter and its token.
    pub(crate) fn new() -> (Self, Basics) {
        Self::with_basics(Self::empty())
    }

    pub(crate) fn with_basics(mut world: Self) -> (Self, Basics) {
        let team = world.team("Ops");
        let service = world.service("Ops", "DB");
        let filter = world.filter("Ops/DB", spec("alerts"));
        let token = world.token(new_token("sender", "service:Ops/DB"));
        (world, Basics { team, service, filter, token })
    }

    /// Closes and opens everything again.
    pub(crate) fn restart(&mut self) {
        let loaded = self.store.reopen().unwrap();
        self.registry = Registry::from_loaded(&loaded, self.registry.version()).unwrap();
        self.pace = Pace::default();
    }

    pub(crate) fn wait(&mut self, secs: i64) {
        self.now = self.now.plus_secs(secs);
    }

    /// Makes this world's random numbers other ones than another world's.
    pub(crate) fn made_elsewhere(&mut self) {
        self.made = 1 << 32;
    }

    pub(crate) fn entropy(&mut self) -> Entropy {
        self.made += 1;
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&self.made.to_be_bytes());
        Entropy { id: self.made.to_be_bytes(), secret }
    }

    /// Carries out a command as the writer does. What holds for every command is checked here: a change has one row in
    /// the audit, and a refusal leaves nothing behind.
    pub(crate) fn admin(&mut self, command: Command) -> Result<Reply, Problem> {
        let Self { store, registry, now, actor, made, users, .. } = self;
        let audited = audit_rows(store.as_ref());
        let mut command = Some(command);
        let mut outcome = None;
        let committed = store
            .commit(*now, &mut |view| {
                let mut new_id = || next_id(made);
                let mac_of = |secret: &str| mac(secret);
                let mut office = Office { registry, view, mac_of: &mac_of, new_id: &mut new_id, users, now: *now };
                outcome = command.take().map(|command| admin::execute(&mut office, actor, command));
            })
            .unwrap();
        let done = outcome.unwrap();
        assert!(done.is_ok() || !committed.wrote, "a refusal wrote something");
        let rows = audit_rows(store.as_ref()) - audited;
        let several = matches!(
            &done,
            Ok(admin::Done { reply: Reply::Secrets(_) | Reply::Tokens(_) | Reply::Deleted | Reply::Reviewed(..), .. })
        );
        let one_each = if several { committed.wrote == (rows > 0) } else { rows == usize::from(committed.wrote) };
        assert!(one_each, "one audit row for each change");
        let done = done?;
        if !done.changes.is_empty() {
            *registry = registry.apply(&done.changes).unwrap();
        }
        Ok(done.reply)
    }

    pub(crate) fn refused(&mut self, command: Command) -> Problem {
        self.admin(command).err().expect("a refusal")
    }

    pub(crate) fn team(&mut self, name: &str) -> TeamId {
        match self.admin(Command::CreateTeam(NewTeam { name: name.to_owned() })).unwrap_or_else(|why| panic!("{why:?}"))
        {
            Reply::Team(id) => id,
            _ => panic!("another reply"),
        }
    }

    pub(crate) fn service(&mut self, team: &str, name: &str) -> ServiceId {
        let new = NewService { team: team.to_owned(), name: name.to_owned() };
        match self.admin(Command::CreateService(new)).unwrap_or_else(|why| panic!("{why:?}")) {
            Reply::Service(id) => id,
            _ => panic!("another reply"),
        }
    }

    pub(crate) fn filter(&mut self, service: &str, spec: FilterSpec) -> FilterId {
        let new = NewFilter { service: service.to_owned(), name: None, preset: None, spec: Some(spec) };
        match self.admin(Command::CreateFilter(Box::new(new))).unwrap_or_else(|why| panic!("{why:?}")) {
            Reply::Filter(id) => id,
            _ => panic!("another reply"),
        }
    }

    pub(crate) fn token(&mut self, new: NewToken) -> TokenId {
        self.token_with_secret(new).0
    }

    pub(crate) fn token_with_secret(&mut self, new: NewToken) -> (TokenId, String) {
        let entropy = self.entropy();
        self.secret(Command::Token(TokenCommand::Create(Box::new(new), entropy)))
    }

    /// Carries out a command that shows a secret.
    pub(crate) fn secret(&mut self, command: Command) -> (TokenId, String) {
        match self.admin(command).unwrap_or_else(|why| panic!("{why:?}")) {
            Reply::Secret(id, secret) => (id, secret.expose().to_owned()),
            _ => panic!("another reply"),
        }
    }

    /// A call as the gate would propose it now.
    pub(crate) fn proposal(&mut self, token: TokenId, body: &Value) -> Proposal {
        let token = self.registry.token(token).expect("a living token").clone();
        let call = call(body);
        let plan = routing::plan_for(&self.registry, &token, &call, &call);
        let print = || Fingerprint::of("/v1/process", &call, self.registry.header_names(), &token.dedup_ignore);
        let fingerprint = (token.dedup_window_secs > 0).then(print);
        Proposal {
            call: CallId(next_id(&mut self.made)),
            token: token.id,
            mac: token.mac,
            seen: Seen::default(),
            source_ip: SENDER,
            user_agent: None,
            json_problem: None,
            idempotency: None,
            acknowledges: Vec::new(),
            fingerprint,
            plan,
            endpoint: Endpoint::Process,
            start: None,
            content: Arc::new(Content { redacted: call.clone(), call }),
        }
    }

    /// A call to `/v1/request` as the gate would propose it now.
    pub(crate) fn request_proposal(&mut self, token: TokenId, body: &Value) -> Proposal {
        let plain = self.proposal(token, body);
        let token = self.registry.token(token).expect("a living token");
        let (endpoint, headers) = (Endpoint::Request, self.registry.workflow_header_names());
        let print = || Fingerprint::of(endpoint.path(), &plain.content.call, headers, &token.dedup_ignore);
        let fingerprint = (token.dedup_window_secs > 0).then(print);
        let start = Some(workflows::plan(&self.registry, &plain.content));
        let plan = routing::Plan { routing: self.registry.routing(), services: Vec::new() };
        Proposal { endpoint, fingerprint, start, plan, ..plain }
    }

    /// Decides proposals in one batch.
    pub(crate) fn decide(&mut self, proposals: &[Proposal]) -> Vec<Decision> {
        let Self { store, registry, pace, now, made, .. } = self;
        let mut decisions = Vec::new();
        store
            .commit(*now, &mut |view| {
                for proposal in proposals {
                    let mut new_id = || next_id(made);
                    let mut bench = Bench { registry, view: &mut *view, pace, new_id: &mut new_id, now: *now };
                    decisions.push(decide(&mut bench, proposal));
                }
            })
            .unwrap();
        decisions
    }

    /// Sends calls, matched now and decided in one batch.
    pub(crate) fn batch(&mut self, token: TokenId, bodies: &[Value]) -> Vec<Decision> {
        let proposals: Vec<_> = bodies.iter().map(|body| self.proposal(token, body)).collect();
        self.decide(&proposals)
    }

    /// Sends one call.
    pub(crate) fn call(&mut self, token: TokenId, body: &Value) -> Decision {
        self.batch(token, std::slice::from_ref(body)).remove(0)
    }

    /// All incidents, oldest first.
    pub(crate) fn incidents(&self) -> Vec<IncidentHead> {
        let (mut heads, _) = self.store.reader().incidents(&IncidentFilter::default(), None, 100_000).unwrap();
        heads.reverse();
        heads
    }
}

/// The filter of [`Basics`] under a name.
pub(crate) fn spec(name: &str) -> FilterSpec {
    let is = |value: &str| json!([{ "path": "status", "op": "equals", "values": [value] }]);
    let trigger = json!({
        "conditions": is("firing"), "correlate": ["key"], "priority_from": ["severity"], "title_from": ["title"],
    });
    serde_json::from_value(json!({ "name": name, "trigger": trigger, "resolve": { "conditions": is("resolved") } }))
        .unwrap()
}

pub(crate) fn new_token(name: &str, scope: &str) -> NewToken {
    NewToken { name: name.to_owned(), scope: scope.to_owned(), ..NewToken::default() }
}

/// A call that opens, or attaches to, the incident of `key`.
pub(crate) fn fire(key: &str) -> Value {
    json!({ "status": "firing", "key": key, "title": key })
}

/// A call that resolves it.
pub(crate) fn recover(key: &str) -> Value {
    json!({ "status": "resolved", "key": key })
}

/// A call that opens an incident without a key.
pub(crate) fn unkeyed(text: &str) -> Value {
    json!({ "status": "firing", "title": text })
}

pub(crate) fn call(body: &Value) -> Call {
    Call { headers: Vec::new(), query: Vec::new(), source_ip: SENDER, text: body.to_string(), json: Some(body.clone()) }
}

/// Stands for the keyed hash.
pub(crate) fn mac(secret: &str) -> Mac {
    Mac(*blake3::hash(secret.as_bytes()).as_bytes())
}

fn next_id(made: &mut u64) -> Uuid {
    *made += 1;
    Uuid::from_u128(u128::from(*made))
}

fn audit_rows(store: &dyn Store) -> usize {
    store.reader().audit(None, 100_000).unwrap().rows.len()
}
