//! The table of domain.md §1, row by row, as the console shows it.

use super::super::fixtures::{self, model, press, tell};
use super::super::forms::Form;
use super::super::key::Key;
use super::super::layer::Layer;
use super::super::msg::Net;
use super::*;

fn me(role: Option<GlobalRole>, teams: &[(&str, TeamRole)]) -> Me {
    let mut operator = fixtures::operator(1, "anna");
    operator.role = role;
    operator.team_roles = teams.iter().map(|(team, role)| ((*team).to_owned(), *role)).collect();
    Me { name: "anna".into(), operator: Some(operator), ..Me::default() }
}

fn people() -> [(&'static str, Me); 5] {
    let team = |role| me(None, &[("Ops", role)]);
    [
        ("admin", me(Some(GlobalRole::Admin), &[])),
        ("reader", me(Some(GlobalRole::Reader), &[])),
        ("manager", team(TeamRole::Manager)),
        ("responder", team(TeamRole::Responder)),
        ("observer", team(TeamRole::Observer)),
    ]
}

fn token(kind: &str, name: &str) -> TokenView {
    let mut token = fixtures::token(100, "t");
    (token.scope.kind, token.scope.name) = (kind.into(), name.into());
    token
}

/// Who may do something, as letters: admin, reader, manager, responder (s), observer.
fn who(may: impl Fn(&Me) -> bool) -> String {
    let letters = ['a', 'r', 'm', 's', 'o'];
    people().iter().zip(letters).filter(|((_, me), _)| may(me)).map(|(_, letter)| letter).collect()
}

#[test]
fn create_edit_rotate_revoke_of_a_global_token_needs_admin() {
    let global = token("global", "global");
    assert_eq!(who(|me| me.change(&global).is_ok()), "a");
    assert_eq!(who(|me| me.end(&global).is_ok()), "a");
    assert_eq!(who(|me| me.create("global").is_ok()), "a");
}

#[test]
fn create_edit_rotate_revoke_of_a_team_or_service_token_needs_manager_and_suspend_responder() {
    for token in [token("team", "Ops"), token("service", "Ops/DB")] {
        assert_eq!(who(|me| me.change(&token).is_ok()), "am");
        assert_eq!(who(|me| me.end(&token).is_ok()), "am");
        assert_eq!(who(|me| me.suspend(&token).is_ok()), "ams");
    }
    assert_eq!(who(|me| me.change(&token("team", "Plant")).is_ok()), "a");
    let why = people()[3].1.change(&token("service", "Ops/DB")).unwrap_err();
    assert_eq!(why, "needs manager of Ops, or admin");
}

#[test]
fn a_personal_token_is_changed_by_its_owner_only_and_ended_by_more() {
    let mut own = token("global", "global");
    own.owner_id = Some(fixtures::operator(1, "anna").id.to_string());
    assert_eq!(who(|me| me.change(&own).is_ok()), "armso");
    let mut foreign = own.clone();
    foreign.owner_id = Some(fixtures::operator(2, "bob").id.to_string());
    assert_eq!(who(|me| me.change(&foreign).is_ok()), "");
    assert_eq!(who(|me| me.end(&foreign).is_ok()), "am");
    assert_eq!(who(|me| me.personal().is_ok()), "armso");
}

#[test]
fn teams_operators_and_the_lockdown_need_admin_and_the_audit_manager_or_reader() {
    assert_eq!(who(|me| me.admin().is_ok()), "a");
    assert_eq!(who(|me| me.audit().is_ok()), "arm");
    assert_eq!(who(|me| me.responder(Some("Ops")).is_ok()), "ams");
}

#[test]
fn a_team_role_overrides_the_global_one_also_where_it_is_lower() {
    let lowered = me(Some(GlobalRole::Admin), &[("Ops", TeamRole::Observer)]);
    assert!(lowered.change(&token("team", "Ops")).is_err());
    assert!(lowered.change(&token("team", "Plant")).is_ok());
}

#[test]
fn nobody_grants_what_he_lacks() {
    let at = |permission, scope: &'static str| who(move |me| me.grant(permission, scope, false).is_ok());
    assert_eq!(at(Permission::TokensManage, "team:Ops"), "am");
    assert_eq!(at(Permission::IncidentsCreate, "service:Ops/DB"), "ams");
    assert_eq!(at(Permission::IncidentsRead, "team:Ops"), "armso");
    assert_eq!(at(Permission::IncidentsRead, "team:Plant"), "ar");
    let form = Form::token(&[], &[], None, Some(&people()[3].1));
    let manage = form.fields.iter().find(|field| field.label == "tokens:manage").unwrap();
    assert!(manage.refused.as_ref().unwrap().starts_with("needs "), "{:?}", manage.refused);
}

#[test]
fn a_refused_key_a_menu_and_the_help_give_the_same_reason() {
    let mut model = model(80, 24, 12);
    tell(&mut model, Net::Me(Box::new(people()[4].1.clone())));
    let why = may(&model, Action::Revoke).unwrap_err();
    assert_eq!(why, "needs manager of Ops, or admin");
    press(&mut model, Key::char('R'));
    assert!(model.layer.is_none() && model.notice.as_ref().unwrap().contains(&why));
    press(&mut model, Key::char('.'));
    let Some(Layer::Menu(menu)) = &model.layer else { panic!("no menu") };
    let item = menu.items.iter().find(|item| item.letter == 'r').unwrap();
    assert_eq!(item.refused.as_deref(), Some(why.as_str()));
}

#[test]
fn what_the_object_itself_forbids_is_said_to_everybody() {
    let mut model = model(80, 24, 1);
    assert!(may(&model, Action::Refresh).is_ok());
    let mut sealed = (**model.tokens.selected().unwrap()).clone();
    sealed.sealed = true;
    tell(&mut model, Net::Token(Box::new(sealed.clone())));
    assert!(may(&model, Action::Rotate).unwrap_err().contains("sealed"));
    (sealed.sealed, sealed.expires_at) = (false, None);
    tell(&mut model, Net::Token(Box::new(sealed)));
    assert_eq!(may(&model, Action::Refresh).unwrap_err(), "it never ends");
}
