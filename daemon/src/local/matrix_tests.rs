//! The authorisation matrix: every route of the table, for everybody, at nothing in particular and at an object of a team.
//! It is generated from the route table: a route without an entry here fails.

use std::sync::Arc;

use tollgate_shared::api::{NewOperator, OperatorPatch};
use tollgate_shared::id::ServiceId;
use tollgate_shared::token::{Owner, Permission, Scope};

use super::*;
use crate::core::access::{Who, service_target};
use crate::core::admin::{Command, Reply};
use crate::core::model::Token;
use crate::core::testing::World;

/// Whoever may, by the route's operation, at an object of team Ops; one letter for each of [`people`].
///
/// Letters: `S` superuser, `A` admin, `R` reader, `M` manager, `P` responder, `O` observer, `m` manager of another team,
/// `r` a reader who is observer in Ops, `n` operator without a role, `d` disabled admin, `u` unknown uid, `g` guest on the
/// reader socket, `a` admin on the reader socket, `T` the team's token with all permissions, `V` the service's own token
/// with all permissions, `W` one of another service of the team, `s` a sender's token.
const SEES: &str = "SARMPOrgaTV";
const DAEMON: &str = "SARMPOmrgaTVW";
const SERVICES: &str = "SAM";
const ORGANISATION: &str = "SA";
const TOKENS: &str = "SAMTV";
const INCIDENTS: &str = "SAMPTV";
/// As a change of tokens, and a responder may.
const SUSPENSION: &str = "SAMPTV";
/// As services; only people change workflows.
const WORKFLOWS: &str = "SAM";
const RETRY: &str = "SAMT";
const CANCEL: &str = "SAMPT";
const AUDIT: &str = "SARMga";
/// Whoever has a role of his own, anywhere.
const PERSONS: &str = "SARMPOmr";
/// In person: no token takes a copy of everything.
const ADMINS: &str = "SA";
const EVERYBODY: &str = "SARMPOmrndugaTVWs";

fn expected(act: Act) -> &'static str {
    match act {
        Act::Status | Act::StatusHour | Act::StatusTalkers | Act::Events => DAEMON,
        Act::TeamList
        | Act::ServiceList
        | Act::ServiceShow
        | Act::PresetList
        | Act::FilterList
        | Act::FilterShow
        | Act::FilterTry
        | Act::WhatIf
        | Act::LogReplay
        | Act::TokenList
        | Act::TokenShow
        | Act::TokenSources
        | Act::TokenIssued
        | Act::TokenIdentify
        | Act::IncidentList
        | Act::IncidentShow
        | Act::MaintenanceList
        | Act::LogList
        | Act::LogHistogram
        | Act::QueryList
        | Act::QueryShow
        | Act::LogShow
        | Act::RefusedList
        | Act::OperatorList
        | Act::OperatorShow
        | Act::WorkflowList
        | Act::WorkflowShow
        | Act::WorkflowTry
        | Act::RequestList
        | Act::RequestShow
        | Act::RedactionList
        | Act::RedactionTry => SEES,
        Act::WorkflowCreate | Act::WorkflowEdit | Act::WorkflowDelete => WORKFLOWS,
        Act::RequestRetry => RETRY,
        Act::RequestCancel => CANCEL,
        Act::ServiceCreate
        | Act::ServiceEdit
        | Act::ServiceDelete
        | Act::FilterCreate
        | Act::FilterEdit
        | Act::FilterDelete
        | Act::MaintenanceAdd
        | Act::MaintenanceEnd => SERVICES,
        Act::TeamCreate
        | Act::TeamDelete
        | Act::OperatorCreate
        | Act::OperatorEdit
        | Act::OperatorDelete
        | Act::OperatorPassphrase
        | Act::LockdownSet
        | Act::RestoreReview
        | Act::RedactionAdd
        | Act::RedactionRemove => ORGANISATION,
        Act::TokenCreate
        | Act::TokenEdit
        | Act::TokenRotate
        | Act::TokenOverlap
        | Act::TokenRefresh
        | Act::TokenResume
        | Act::TokenImport
        | Act::TokenBulk
        | Act::TokenBatch
        | Act::TokenRevoke
        | Act::TokenDebug => TOKENS,
        Act::TokenSuspend => SUSPENSION,
        Act::IncidentAcknowledge | Act::IncidentUnacknowledge | Act::IncidentResolve | Act::IncidentBulk => INCIDENTS,
        Act::Backup | Act::BackupWritten => ADMINS,
        Act::QuerySave | Act::QueryDelete => PERSONS,
        Act::AuditList | Act::AuditVerify => AUDIT,
        Act::SignIn | Act::SignOut | Act::OpenApi => EVERYBODY,
    }
}

struct People {
    world: World,
    service: ServiceId,
}

impl People {
    fn new() -> Self {
        let (mut world, basics) = World::new();
        world.team("Net");
        Self { world, service: basics.service }
    }

    fn operator(&mut self, name: &str, role: Option<&str>, teams: &[&str]) -> Actor {
        let team_roles = teams.iter().map(|team| (*team).to_owned()).collect();
        let new =
            NewOperator { name: name.to_owned(), unix_users: Vec::new(), role: role.map(str::to_owned), team_roles };
        let Ok(Reply::Operator(id)) = self.world.admin(Command::CreateOperator(new)) else { panic!("no operator") };
        if name == "disabled" {
            let off = OperatorPatch { enabled: Some(false), ..OperatorPatch::default() };
            self.world.admin(Command::EditOperator(name.to_owned(), off, None)).map(drop).unwrap();
        }
        let operator = self.world.registry.operator(id).unwrap().clone();
        Actor { uid: Some(1_000), ..Actor::of(name.to_owned(), Who::Operator(operator), Door::Cli) }
    }

    fn team_scope(&self) -> Scope {
        Scope::Team(self.world.registry.service(self.service).unwrap().service.team)
    }

    fn token(&self, scope: Scope, permissions: &[Permission]) -> Actor {
        let sample = self.world.registry.tokens().next().unwrap().as_ref().clone();
        let permissions = permissions.to_vec();
        let token = Arc::new(Token { scope, owner: Owner::Organisation, permissions, ..sample });
        Actor::of("token".to_owned(), Who::Token(token, None), Door::Gate)
    }

    fn all(&mut self) -> Vec<(char, Actor)> {
        let of = |who| Actor { uid: Some(7), ..Actor::of("uid 7".to_owned(), who, Door::Cli) };
        let reader_socket = |actor| Actor { read_only: true, ..actor };
        let admin = self.operator("admin", Some("admin"), &[]);
        vec![
            ('S', of(Who::Superuser)),
            ('a', reader_socket(admin.clone())),
            ('A', admin),
            ('R', self.operator("reader", Some("reader"), &[])),
            ('M', self.operator("manager", None, &["Ops=manager"])),
            ('P', self.operator("responder", None, &["Ops=responder"])),
            ('O', self.operator("observer", None, &["Ops=observer"])),
            ('m', self.operator("other", None, &["Net=manager"])),
            ('r', self.operator("both", Some("reader"), &["Ops=observer"])),
            ('n', self.operator("nobody", None, &[])),
            ('d', self.operator("disabled", Some("admin"), &["Ops=manager"])),
            ('u', of(Who::Unknown)),
            ('g', reader_socket(of(Who::Reader))),
            ('T', self.token(self.team_scope(), &Permission::ALL)),
            ('V', self.token(Scope::Service(self.service), &Permission::ALL)),
            ('W', self.token(Scope::Service(ServiceId(uuid::Uuid::from_u128(99))), &Permission::ALL)),
            ('s', self.token(self.team_scope(), &[Permission::IncidentsCreate])),
        ]
    }
}

/// What a change of a token is, whatever its route asks at the door.
fn operation_on(route: Route) -> Operation {
    if route.needs == Operation::ChangeSomeToken { Operation::ChangeToken } else { route.needs }
}

#[test]
fn every_route_is_open_to_whom_the_matrix_names_and_to_nobody_else() {
    let mut people = People::new();
    let everybody = people.all();
    let ours = service_target(&people.world.registry, people.service);
    let Scope::Team(team) = people.team_scope() else { unreachable!("it is a team's") };
    let teams = Target::Team(team);
    let mut wrong = Vec::new();
    for (method, path, route) in people_routes::all() {
        for (letter, actor) in &everybody {
            let mut may = expected(route.act).contains(*letter);
            // The daemon belongs to no team, and a token's scope ends at its team.
            let target = match route.act {
                Act::Status | Act::StatusHour | Act::StatusTalkers | Act::Events => Target::Any,
                // A request belongs to a team or to all, never to a service.
                Act::RequestRetry | Act::RequestCancel => teams,
                _ => ours,
            };
            if matches!(route.act, Act::SignIn | Act::SignOut) && actor.door == Door::Gate {
                may = false;
            }
            let door = allowed(actor, route);
            let object = door.and_then(|()| allows(actor, operation_on(route), target));
            if object.is_ok() != may {
                wrong.push(format!("{method} {path}: {letter} {}", if may { "is refused" } else { "is let in" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_introductions_are_open_to_those_without_any_role() {
    let mut people = People::new();
    let everybody = people.all();
    for (method, path, route) in people_routes::all() {
        for (letter, actor) in everybody.iter().filter(|(letter, _)| "nduv".contains(*letter)) {
            let open = allowed(actor, route).is_ok();
            assert_eq!(open, route.needs == Operation::Introduce, "{method} {path} {letter}");
        }
    }
}

#[test]
fn a_refusal_names_the_uid_and_the_command_that_would_add_it() {
    let actor = Actor { uid: Some(4_711), ..Actor::of("uid 4711".to_owned(), Who::Unknown, Door::Cli) };
    let problem = allowed(&actor, route(Act::Status, Operation::SeeDaemon)).unwrap_err();
    assert_eq!(problem.slug(), Ok(Slug::UnknownOperator));
    assert!(
        problem.detail.contains("uid 4711") && problem.detail.contains("tollgate operator add"),
        "{}",
        problem.detail
    );
}
