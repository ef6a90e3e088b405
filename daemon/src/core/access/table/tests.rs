//! The table of domain.md §1, cell by cell.

use std::sync::Arc;

use tollgate_shared::name::Name;
use tollgate_shared::token::Owner;
use uuid::Uuid;

use super::*;
use crate::core::access::Door;
use crate::core::model::Operator;
use crate::core::testing::{START, World};

const OURS: TeamId = TeamId(Uuid::from_u128(1));
const OTHERS: TeamId = TeamId(Uuid::from_u128(2));
const SERVICE: Target = Target::Service { team: OURS, service: ServiceId(Uuid::from_u128(3)) };
const ME: OperatorId = OperatorId(Uuid::from_u128(7));
const SOMEBODY: OperatorId = OperatorId(Uuid::from_u128(8));
const MY_OWN: Target = Target::Personal { of: ME, managed_team: None };
const A_STRANGERS: Target = Target::Personal { of: SOMEBODY, managed_team: None };
/// Of a member of the actor's own team.
const A_MEMBERS: Target = Target::Personal { of: SOMEBODY, managed_team: Some(OURS) };

fn operator(role: Option<GlobalRole>, team_roles: &[(TeamId, TeamRole)]) -> Operator {
    Operator {
        id: ME,
        name: Name::new("anna").unwrap(),
        unix_users: Vec::new(),
        passphrase: None,
        role,
        team_roles: team_roles.to_vec(),
        enabled: true,
        created_at: START,
        created_by: "root".to_owned(),
        version: 1,
    }
}

fn anna(role: Option<GlobalRole>, team_roles: &[(TeamId, TeamRole)]) -> Actor {
    Actor::of("anna".to_owned(), Who::Operator(Arc::new(operator(role, team_roles))), Door::Cli)
}

/// The columns: admin, manager, reader, responder, observer; the team's own where the role is a team's.
fn columns() -> [(&'static str, Actor); 5] {
    [
        ("admin", anna(Some(GlobalRole::Admin), &[])),
        ("manager", anna(None, &[(OURS, TeamRole::Manager)])),
        ("reader", anna(Some(GlobalRole::Reader), &[])),
        ("responder", anna(None, &[(OURS, TeamRole::Responder)])),
        ("observer", anna(None, &[(OURS, TeamRole::Observer)])),
    ]
}

fn row(operation: Operation, target: Target) -> String {
    columns().iter().map(|(_, actor)| if allows(actor, operation, target).is_ok() { 'y' } else { '-' }).collect()
}

/// One row of the table: a `y` or `-` for admin, manager, reader, responder, observer.
#[track_caller]
fn check(operations: &[Operation], target: Target, expected: &str) {
    for operation in operations {
        assert_eq!(row(*operation, target), expected, "{operation:?} of {target:?}");
    }
}

const SEEING: [Operation; 5] =
    [Operation::See, Operation::SeeIncidents, Operation::SeeRequests, Operation::SeeTokens, Operation::ReadLog];

#[test]
fn list_see_and_log_are_all_teams_own_and_own() {
    check(&SEEING, Target::Any, "yyyyy");
    check(&SEEING, Target::Global, "y-y--");
    check(&SEEING, Target::Team(OURS), "yyyyy");
    check(&SEEING, SERVICE, "yyyyy");
    check(&SEEING, Target::Team(OTHERS), "y-y--");
    check(&SEEING, MY_OWN, "yyyyy");
    check(&SEEING, A_STRANGERS, "y-y--");
    check(&[Operation::SeeDaemon], Target::Global, "yyyyy");
}

#[test]
fn a_manager_sees_and_may_end_his_members_personal_tokens_and_change_none() {
    check(&[Operation::SeeTokens], A_MEMBERS, "yyy--");
    check(&[Operation::EndPersonalToken], A_MEMBERS, "yy---");
    check(&[Operation::ChangePersonalToken], A_MEMBERS, "-----");
}

#[test]
fn global_tokens_are_changed_by_admins_only() {
    check(&[Operation::ChangeToken, Operation::SuspendToken], Target::Global, "y----");
}

#[test]
fn team_and_service_tokens_are_changed_by_admins_and_the_teams_managers() {
    check(&[Operation::ChangeToken], Target::Team(OURS), "yy---");
    check(&[Operation::ChangeToken], SERVICE, "yy---");
    check(&[Operation::ChangeToken], Target::Team(OTHERS), "y----");
}

#[test]
fn a_responder_may_suspend_and_not_resume_his_teams_tokens() {
    check(&[Operation::SuspendToken], Target::Team(OURS), "yy-y-");
    check(&[Operation::SuspendToken], Target::Team(OTHERS), "y----");
}

#[test]
fn every_role_may_have_personal_tokens_and_only_for_himself() {
    check(&[Operation::CreatePersonalToken], Target::Any, "yyyyy");
    check(&[Operation::CreatePersonalToken], MY_OWN, "yyyyy");
    check(&[Operation::CreatePersonalToken], A_STRANGERS, "-----");
    check(&[Operation::CreatePersonalToken], Target::Team(OTHERS), "y-y--");
}

#[test]
fn personal_tokens_are_edited_by_their_owner_and_ended_by_an_admin_too() {
    check(&[Operation::ChangePersonalToken], MY_OWN, "yyyyy");
    check(&[Operation::ChangePersonalToken], A_STRANGERS, "-----");
    check(&[Operation::EndPersonalToken], MY_OWN, "yyyyy");
    check(&[Operation::EndPersonalToken], A_STRANGERS, "y----");
    let root = Actor::of("root".to_owned(), Who::Superuser, Door::Cli);
    assert!(allows(&root, Operation::ChangePersonalToken, A_STRANGERS).is_err(), "not even root");
    assert!(allows(&root, Operation::CreatePersonalToken, Target::Any).is_err(), "root is no operator");
    assert!(allows(&root, Operation::EndPersonalToken, A_STRANGERS).is_ok());
}

#[test]
fn organisation_is_the_admins_and_services_are_the_managers_too() {
    for target in [Target::Any, Target::Global, Target::Team(OURS)] {
        check(&[Operation::ChangeOrganisation], target, "y----");
    }
    check(&[Operation::ChangeServices], Target::Team(OURS), "yy---");
    check(&[Operation::ChangeServices], SERVICE, "yy---");
    check(&[Operation::ChangeServices], Target::Team(OTHERS), "y----");
    check(&[Operation::ChangeServices], Target::Global, "y----");
}

#[test]
fn a_copy_of_everything_is_taken_by_admins_in_person_and_by_no_token() {
    for target in [Target::Any, Target::Global, Target::Team(OURS)] {
        check(&[Operation::Backup], target, "y----");
    }
    let (world, basics) = World::new();
    let token = world.registry.token(basics.token).unwrap();
    let admin = Arc::new(operator(Some(GlobalRole::Admin), &[]));
    let personal =
        Token { owner: Owner::Operator(ME), permissions: Permission::ALL.to_vec(), ..token.as_ref().clone() };
    for who in [Who::Token(Arc::new(personal), Some(admin)), Who::Token(token.clone(), None)] {
        let actor = Actor::of("token".to_owned(), who, Door::Gate);
        assert!(allows(&actor, Operation::Backup, Target::Any).is_err());
    }
}

#[test]
fn incidents_are_acknowledged_and_resolved_by_responders_up() {
    check(&[Operation::ChangeIncidents], SERVICE, "yy-y-");
    check(&[Operation::ChangeIncidents], Target::Team(OTHERS), "y----");
}

#[test]
fn workflows_are_the_admins_and_a_teams_its_managers_and_responders_may_stop_a_request() {
    let changes = [Operation::ChangeWorkflows, Operation::RetryRequests];
    check(&changes, Target::Global, "y----");
    check(&changes, Target::Team(OURS), "yy---");
    check(&changes, Target::Team(OTHERS), "y----");
    check(&[Operation::CancelRequests], Target::Global, "y----");
    check(&[Operation::CancelRequests], Target::Team(OURS), "yy-y-");
    check(&[Operation::CancelRequests], Target::Team(OTHERS), "y----");
}

#[test]
fn the_audit_trail_is_the_admins_and_readers_and_the_teams_for_its_manager() {
    check(&[Operation::ReadAudit], Target::Any, "yyy--");
    check(&[Operation::ReadAudit], Target::Global, "y-y--");
    check(&[Operation::ReadAudit], Target::Team(OURS), "yyy--");
    check(&[Operation::ReadAudit], Target::Team(OTHERS), "y-y--");
}

#[test]
fn permissions_that_a_personal_token_may_carry_follow_the_roles() {
    let granted = |actor: &Actor, target| {
        let may = Permission::ALL.into_iter().filter(|permission| may_grant(actor, *permission, target));
        may.map(Permission::as_str).collect::<Vec<_>>()
    };
    let all = Permission::ALL.map(Permission::as_str);
    let reads = ["incidents:read", "requests:read", "logs:read", "tokens:read"];
    let [admin, manager, reader, responder, observer] = columns().map(|(_, actor)| actor);
    for target in [MY_OWN, Target::Any, Target::Team(OURS)] {
        assert_eq!(granted(&admin, target), all);
        assert_eq!(granted(&manager, target), all);
        assert_eq!(granted(&reader, target), reads);
        assert_eq!(
            granted(&responder, target),
            ["incidents:create", "incidents:read", "incidents:update", "logs:read"]
        );
        assert_eq!(granted(&observer, target), reads);
    }
    assert!(granted(&manager, Target::Team(OTHERS)).is_empty());
    assert!(granted(&manager, Target::Global).is_empty());
}

#[test]
fn a_team_role_overrides_the_global_one_also_where_it_is_lower() {
    let admin_but = anna(Some(GlobalRole::Admin), &[(OURS, TeamRole::Observer)]);
    assert!(allows(&admin_but, Operation::ChangeToken, Target::Team(OURS)).is_err());
    assert!(allows(&admin_but, Operation::ChangeServices, SERVICE).is_err());
    assert!(allows(&admin_but, Operation::ReadAudit, Target::Team(OURS)).is_err());
    assert!(allows(&admin_but, Operation::ChangeToken, Target::Team(OTHERS)).is_ok());
    let reader_but = anna(Some(GlobalRole::Reader), &[(OURS, TeamRole::Manager)]);
    assert!(allows(&reader_but, Operation::ChangeToken, Target::Team(OURS)).is_ok());
    assert!(allows(&reader_but, Operation::ChangeToken, Target::Team(OTHERS)).is_err());
}

#[test]
fn a_disabled_operator_may_nothing_and_is_told_why() {
    let disabled = Operator { enabled: false, ..operator(Some(GlobalRole::Admin), &[(OURS, TeamRole::Manager)]) };
    let actor = Actor::of("anna".to_owned(), Who::Operator(Arc::new(disabled)), Door::Cli);
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::Introduce) {
        for target in [Target::Any, Target::Global, Target::Team(OURS), MY_OWN] {
            let problem = allows(&actor, operation, target).unwrap_err();
            assert!(problem.detail.contains("disabled"), "{operation:?}: {}", problem.detail);
        }
    }
}

#[test]
fn an_operator_without_roles_and_an_unknown_uid_may_nothing() {
    let nobody = anna(None, &[]);
    let unknown = Actor { uid: Some(4_711), ..Actor::of("uid 4711".to_owned(), Who::Unknown, Door::Cli) };
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::Introduce) {
        for target in [Target::Any, Target::Global, Target::Team(OURS)] {
            let problem = allows(&unknown, operation, target).unwrap_err();
            assert!(problem.detail.contains("--unix-user 4711"), "{}", problem.detail);
        }
        assert!(allows(&nobody, operation, Target::Team(OURS)).is_err(), "{operation:?}");
    }
}

#[test]
fn the_reader_socket_gives_at_most_a_readers_rights() {
    let admin = Actor { read_only: true, ..anna(Some(GlobalRole::Admin), &[]) };
    let guest = Actor { read_only: true, ..Actor::of("uid 5".to_owned(), Who::Reader, Door::Cli) };
    for actor in [admin, guest] {
        for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::Introduce) {
            let allowed = allows(&actor, operation, Target::Global).is_ok();
            assert_eq!(allowed, operation.is_reading(), "{operation:?}");
        }
        assert!(!may_grant(&actor, Permission::IncidentsRead, Target::Any));
    }
}

fn token(scope: Scope, permissions: &[Permission]) -> Arc<Token> {
    let (world, basics) = World::new();
    let sample = world.registry.token(basics.token).unwrap().as_ref().clone();
    Arc::new(Token { scope, owner: Owner::Organisation, permissions: permissions.to_vec(), ..sample })
}

#[test]
fn an_organisations_token_does_what_its_permissions_say_inside_its_scope() {
    let all = token(Scope::Team(OURS), &Permission::ALL);
    let actor = Actor::of("token".to_owned(), Who::Token(all, None), Door::Gate);
    for operation in [Operation::SeeTokens, Operation::ReadLog, Operation::ChangeToken, Operation::ChangeIncidents] {
        assert!(allows(&actor, operation, SERVICE).is_ok(), "{operation:?}");
        let problem = allows(&actor, operation, Target::Team(OTHERS)).unwrap_err();
        assert_eq!(problem.slug(), Ok(Slug::ScopeMissing), "{operation:?}");
        assert!(allows(&actor, operation, Target::Global).is_err());
    }
    for operation in [Operation::ChangeOrganisation, Operation::ChangeServices, Operation::ReadAudit] {
        assert_eq!(allows(&actor, operation, Target::Team(OURS)).unwrap_err().slug(), Ok(Slug::Forbidden));
    }
    let sender = token(Scope::Global, &[Permission::IncidentsCreate]);
    let actor = Actor::of("token".to_owned(), Who::Token(sender, None), Door::Gate);
    for operation in SEEING {
        assert_eq!(allows(&actor, operation, Target::Any).unwrap_err().slug(), Ok(Slug::PermissionMissing));
    }
}

#[test]
fn a_services_token_reaches_its_service_and_not_its_team() {
    let Target::Service { service, .. } = SERVICE else { unreachable!("it is a service") };
    let actor =
        |scope| Actor::of("token".to_owned(), Who::Token(token(scope, &[Permission::IncidentsRead]), None), Door::Gate);
    assert!(allows(&actor(Scope::Service(service)), Operation::SeeIncidents, SERVICE).is_ok());
    assert!(allows(&actor(Scope::Service(service)), Operation::SeeIncidents, Target::Team(OURS)).is_err());
}

#[test]
fn a_personal_token_may_what_its_owner_may_now_and_no_more() {
    let mine = token(Scope::Mine, &Permission::ALL);
    let act =
        |owner: Operator| Actor::of("token".to_owned(), Who::Token(mine.clone(), Some(Arc::new(owner))), Door::Gate);
    let observer = act(operator(None, &[(OURS, TeamRole::Observer)]));
    assert!(allows(&observer, Operation::SeeIncidents, SERVICE).is_ok());
    assert!(allows(&observer, Operation::ChangeIncidents, SERVICE).is_err());
    assert!(allows(&observer, Operation::SeeIncidents, Target::Team(OTHERS)).is_err());
    let admin = act(operator(Some(GlobalRole::Admin), &[(OURS, TeamRole::Responder)]));
    assert!(allows(&admin, Operation::ChangeIncidents, SERVICE).is_ok());
    assert!(allows(&admin, Operation::ChangeIncidents, Target::Team(OTHERS)).is_err(), "`mine` is his teams only");
    assert!(allows(&admin, Operation::ChangeOrganisation, Target::Global).is_err());
    let gone = act(Operator { enabled: false, ..operator(Some(GlobalRole::Admin), &[(OURS, TeamRole::Manager)]) });
    assert!(allows(&gone, Operation::SeeIncidents, SERVICE).is_err());
}
