//! Operators by the rules of domain.md §1, and what stands in the way of deletions.

use std::sync::Arc;

use tollgate_shared::api::{NewOperator, OperatorPatch, SetLockdown};
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::role::{GlobalRole, TeamRole};

use crate::core::access::{Actor, Door, Who};
use crate::core::admin::{Command, Note, Reply, TokenCommand};
use crate::core::model::{Operator, RegistryChange, UnixUser};
use crate::core::testing::{World, fire, new_token, recover};

fn new(name: &str, users: &[&str], role: Option<&str>, teams: &[&str]) -> NewOperator {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    NewOperator {
        name: name.to_owned(),
        unix_users: texts(users),
        role: role.map(str::to_owned),
        team_roles: texts(teams),
    }
}

fn create(world: &mut World, new: NewOperator) -> Result<Arc<Operator>, Problem> {
    let Reply::Operator(id) = world.admin(Command::CreateOperator(new))? else { panic!("another reply") };
    Ok(world.registry.operator(id).unwrap().clone())
}

fn become_operator(world: &mut World, operator: &Arc<Operator>) {
    let who = Who::Operator(world.registry.operator(operator.id).unwrap().clone());
    world.actor = Actor::of(operator.name.to_string(), who, Door::Cli);
}

fn newest_audit(world: &World) -> tollgate_shared::audit::AuditRow {
    world.store.reader().audit(None, 1).unwrap().rows.remove(0)
}

#[test]
fn an_operator_has_unix_users_by_name_or_uid_and_roles() {
    let (mut world, basics) = World::new();
    let anna = create(&mut world, new("Anna", &["anna", "4711"], Some("reader"), &["Ops=manager"])).unwrap();
    let user = |uid, name: &str| UnixUser { uid, name: name.to_owned() };
    assert_eq!(anna.unix_users, [user(1_000, "anna"), user(4_711, "")]);
    assert_eq!(
        (anna.role, anna.team_roles.as_slice()),
        (Some(GlobalRole::Reader), &[(basics.team, TeamRole::Manager)][..])
    );
    let row = newest_audit(&world);
    assert_eq!((row.action.as_str(), row.target), ("operator.create", format!("operator {} Anna", anna.id)));
    assert!(row.detail.contains("anna (1000)") && row.detail.contains("Ops=manager"), "{}", row.detail);
    world.restart();
    assert_eq!(world.registry.operator(anna.id), Some(&anna));
}

#[test]
fn unknown_users_teams_roles_and_taken_names_are_refused_by_field() {
    let (mut world, _) = World::new();
    create(&mut world, new("anna", &["anna"], None, &[])).unwrap();
    let wrong = [
        (new("ANNA", &[], None, &[]), "conflict", ""),
        (new("root", &[], None, &[]), "validation", "name"),
        (new("ben", &["nobody-here"], None, &[]), "validation", "unix_users[0]"),
        (new("ben", &["anna"], None, &[]), "conflict", "unix_users[0]"),
        (new("ben", &["0"], None, &[]), "validation", "unix_users[0]"),
        (new("ben", &["65534"], None, &[]), "validation", "unix_users[0]"),
        (new("ben", &[], Some("boss"), &[]), "validation", "role"),
        (new("ben", &[], None, &["Nowhere=manager"]), "validation", "team_roles[0]"),
        (new("ben", &[], None, &["Ops=king"]), "validation", "team_roles[0]"),
        (new("ben", &[], None, &["Ops=manager", "Ops=observer"]), "validation", "team_roles[1]"),
    ];
    for (given, slug, field) in wrong {
        let problem = create(&mut world, given).unwrap_err();
        assert_eq!(problem.slug().unwrap().as_str(), slug, "{}", problem.detail);
        assert_eq!(problem.errors.first().map_or("", |error| error.path.as_str()), field);
    }
}

#[test]
fn edits_are_audited_from_before_to_after_and_take_effect_at_once() {
    let (mut world, _) = World::new();
    let anna = create(&mut world, new("anna", &["anna"], Some("admin"), &[])).unwrap();
    let patch = OperatorPatch { role: Some("none".to_owned()), ..OperatorPatch::default() };
    world.admin(Command::EditOperator("anna".to_owned(), patch, None)).map(drop).unwrap();
    let row = newest_audit(&world);
    assert!(row.action == "operator.edit" && row.detail.contains("role admin") && row.detail.contains("-> "));
    assert_eq!(
        (world.registry.operator(anna.id).unwrap().role, world.registry.operator(anna.id).unwrap().version),
        (None, 2)
    );
    let off = OperatorPatch { enabled: Some(false), ..OperatorPatch::default() };
    world.admin(Command::EditOperator("anna".to_owned(), off.clone(), None)).map(drop).unwrap();
    assert_eq!(newest_audit(&world).action, "operator.disable");
    let seq = newest_audit(&world).seq;
    world.admin(Command::EditOperator("anna".to_owned(), off, None)).map(drop).unwrap();
    assert_eq!(newest_audit(&world).seq, seq, "nothing changed, nothing is written");
}

#[test]
fn a_passphrase_is_in_no_audit_row() {
    let (mut world, _) = World::new();
    let anna = create(&mut world, new("anna", &[], None, &[])).unwrap();
    world.admin(Command::SetPassphrase("anna".to_owned(), Some("$argon2id$secret".to_owned()))).map(drop).unwrap();
    assert_eq!(world.registry.operator(anna.id).unwrap().passphrase.as_deref(), Some("$argon2id$secret"));
    world.admin(Command::SetPassphrase("anna".to_owned(), None)).map(drop).unwrap();
    for row in world.store.reader().audit(None, 100).unwrap().rows {
        assert!(!format!("{row:?}").contains("argon2"), "{row:?}");
    }
}

#[test]
fn people_are_the_admins_and_a_manager_stays_in_his_team() {
    let (mut world, basics) = World::new();
    world.team("Net");
    let anna = create(&mut world, new("anna", &["anna"], None, &["Ops=manager"])).unwrap();
    become_operator(&mut world, &anna);
    let slug = |problem: Problem| problem.slug().unwrap();
    assert_eq!(slug(world.refused(Command::CreateOperator(new("ben", &[], None, &[])))), Slug::Forbidden);
    let service = |team: &str| {
        Command::CreateService(tollgate_shared::api::NewService { team: team.to_owned(), name: "Web".to_owned() })
    };
    assert_eq!(slug(world.refused(service("Net"))), Slug::Forbidden);
    assert!(world.admin(service("Ops")).is_ok());
    assert_eq!(slug(world.refused(Command::DeleteTeam("Ops".to_owned()))), Slug::Forbidden);
    assert!(world.admin(Command::DeleteService("Ops/Web".to_owned())).is_ok());
    world.call(basics.token, &fire("a"));
    let incident = world.incidents()[0].id;
    assert!(world.admin(Command::Acknowledge(incident)).is_ok());
    assert_eq!(newest_audit(&world).actor, "anna");
}

#[test]
fn another_teams_incidents_and_tokens_are_not_a_responders() {
    let (mut world, basics) = World::new();
    world.team("Net");
    let ben = create(&mut world, new("ben", &["ben"], None, &["Net=responder"])).unwrap();
    world.call(basics.token, &fire("a"));
    let incident = world.incidents()[0].id;
    become_operator(&mut world, &ben);
    assert_eq!(world.refused(Command::Acknowledge(incident)).slug(), Ok(Slug::Forbidden));
    assert_eq!(
        world.refused(Command::Token(TokenCommand::SetDebug("sender".to_owned(), true, None))).slug(),
        Ok(Slug::Forbidden)
    );
}

#[test]
fn deleting_a_team_or_service_in_use_is_409_and_lists_what_uses_it() {
    let (mut world, basics) = World::new();
    world.call(basics.token, &fire("a"));
    let problem = world.refused(Command::DeleteService("Ops/DB".to_owned()));
    assert_eq!(problem.slug(), Ok(Slug::InUse));
    let listed: Vec<_> = problem.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(listed, ["filters", "incidents", "tokens"]);
    let problem = world.refused(Command::DeleteTeam("Ops".to_owned()));
    let listed: Vec<_> = problem.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(listed, ["filters", "incidents", "services", "tokens"]);
    world.call(basics.token, &recover("a"));
    let revoke = tollgate_shared::api::RevokeToken { confirm: "sender".to_owned(), reason: String::new() };
    world.admin(Command::Token(TokenCommand::Revoke("sender".to_owned(), revoke))).map(drop).unwrap();
    world.admin(Command::DeleteFilter("alerts".to_owned())).map(drop).unwrap();
    let anna = create(&mut world, new("anna", &[], None, &["Ops=manager"])).unwrap();
    assert!(world.admin(Command::DeleteTeam("Ops".to_owned())).is_err(), "an empty service is still a service");
    world.admin(Command::DeleteService("Ops/DB".to_owned())).map(drop).unwrap();
    world.admin(Command::DeleteTeam("Ops".to_owned())).map(drop).unwrap();
    assert!(world.registry.team(basics.team).is_none() && world.registry.services().is_empty());
    assert!(world.registry.operator(anna.id).unwrap().team_roles.is_empty(), "the role went with the team");
    world.restart();
    assert!(world.registry.team(basics.team).is_none());
}

#[test]
fn lockdown_needs_a_reason_survives_a_restart_and_is_audited() {
    let (mut world, _) = World::new();
    let lock = |on, reason: &str| Command::SetLockdown(SetLockdown { on, reason: reason.to_owned() });
    assert_eq!(world.refused(lock(true, " ")).slug(), Ok(Slug::Validation));
    world.admin(lock(true, "leak")).map(drop).unwrap();
    assert_eq!((newest_audit(&world).action.as_str(), newest_audit(&world).detail.as_str()), ("lockdown.on", "leak"));
    world.restart();
    assert_eq!(world.registry.lockdown().unwrap().reason, "leak");
    world.admin(lock(false, "")).map(drop).unwrap();
    assert!(world.registry.lockdown().is_none());
}

#[test]
fn a_call_queued_before_a_lockdown_is_refused_after_it() {
    let (mut world, basics) = World::new();
    let proposal = world.proposal(basics.token, &fire("a"));
    world.admin(Command::SetLockdown(SetLockdown { on: true, reason: "leak".to_owned() })).map(drop).unwrap();
    let decision = world.decide(&[proposal]).remove(0);
    assert_eq!(decision.refused.map(|denied| denied.slug), Some(Slug::LockedDown));
    assert!(world.incidents().is_empty());
}

#[test]
fn a_note_is_a_row_and_nothing_else() {
    let (mut world, _) = World::new();
    let note = Note { action: "log.read", target: "log".to_owned(), detail: "token=sender".to_owned() };
    assert!(matches!(world.admin(Command::Note(note)), Ok(Reply::Noted)));
    assert_eq!(newest_audit(&world).action, "log.read");
}

#[test]
fn an_operator_with_personal_tokens_is_in_use() {
    let (mut world, _) = World::new();
    let anna = create(&mut world, new("anna", &[], None, &["Ops=manager"])).unwrap();
    let id = world.token(new_token("hers", "team:Ops"));
    let mut token = world.registry.token(id).unwrap().as_ref().clone();
    token.owner = tollgate_shared::token::Owner::Operator(anna.id);
    world.registry = world.registry.apply(&[RegistryChange::PutToken(Box::new(token))]).unwrap();
    assert_eq!(world.refused(Command::DeleteOperator("anna".to_owned())).slug(), Ok(Slug::InUse));
}

#[test]
fn a_lost_update_of_an_operator_is_412_and_changes_nothing() {
    let (mut world, _) = World::new();
    let anna = create(&mut world, new("anna", &[], Some("reader"), &[])).unwrap();
    let edit = |role: &str, version| {
        let patch = OperatorPatch { role: Some(role.to_owned()), ..OperatorPatch::default() };
        Command::EditOperator("anna".to_owned(), patch, version)
    };
    world.admin(edit("admin", Some(anna.version))).map(drop).unwrap();
    let problem = world.admin(edit("none", Some(anna.version))).map(drop).unwrap_err();
    assert_eq!((problem.status, problem.slug()), (412, Ok(Slug::VersionMismatch)), "{}", problem.detail);
    assert_eq!(world.registry.operator(anna.id).unwrap().role, Some(GlobalRole::Admin));
    world.admin(edit("none", None)).map(drop).unwrap();
}
