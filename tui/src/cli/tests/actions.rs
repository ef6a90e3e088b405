//! The console's table of actions against the command line, the API and the roles: nothing in it may be made up.

use clap::Parser as _;

use crate::app::Model;
use crate::app::action::Action;
use crate::app::fixtures;
use crate::app::keymap::{self, Place};
use crate::app::rights::Me;
use crate::cli::args::Args;

/// The generated description of the API.
const OPENAPI: &str = include_str!("../../../../daemon/openapi.json");

/// Things that only a person at a screen can do; their line says where.
const AT_A_SCREEN: [Action; 2] = [Action::SignIn, Action::SignOut];

/// What takes no role: who one is, and a call with a secret that one has.
const WITHOUT_A_ROLE: [Action; 3] = [Action::SignIn, Action::SignOut, Action::Sample];

/// A command line with something in place of what stands for something.
fn filled(cli: &str) -> Vec<String> {
    let word = |word: &str| match word {
        "SEQ" => "1".to_owned(),
        "SCOPE" => "global".to_owned(),
        word => word.replace("{}", "x"),
    };
    cli.split(' ').map(word).collect()
}

#[test]
fn every_action_has_a_command_that_the_command_line_takes() {
    for action in Action::ALL.into_iter().filter(|action| !AT_A_SCREEN.contains(action)) {
        let line = action.info().cli;
        let parsed = Args::try_parse_from(filled(line));
        assert!(parsed.is_ok(), "{action:?}: {line}: {}", parsed.err().unwrap());
    }
}

#[test]
fn every_action_uses_an_operation_that_the_api_has() {
    let api: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
    for action in Action::ALL {
        let Some((verb, path)) = action.info().operation.split_once(' ') else { continue };
        let operation = &api["paths"][path][verb.to_lowercase()];
        assert!(operation.is_object(), "{action:?}: {verb} {path}");
    }
}

/// The model of somebody, on each screen with rows.
fn as_seen_by(me: &Me) -> Vec<Model> {
    let on = |screen: char| {
        let mut model = fixtures::model(80, 24, 12);
        fixtures::press(&mut model, crate::app::key::Key::char(screen));
        model.me = Some(me.clone());
        model
    };
    ('1'..='8').map(on).collect()
}

#[test]
fn every_change_needs_a_role_and_who_has_none_may_make_none() {
    let nobody = Me { name: "eve".into(), ..Me::default() };
    for model in as_seen_by(&nobody) {
        for action in Action::ALL.into_iter().filter(|action| action.changes() && !WITHOUT_A_ROLE.contains(action)) {
            let why = model.may(action).expect_err(action.info().name);
            assert!(why.contains("role"), "{action:?}: {why}");
        }
    }
}

#[test]
fn a_reader_is_told_which_role_it_takes_and_an_admin_is_never_told_so() {
    let reader = Me { name: "bob".into(), operator: Some(reader()), ..Me::default() };
    let admin = Me { name: "root".into(), superuser: true, ..Me::default() };
    let speaks_of_roles = |why: &str| ["reader", "needs"].iter().any(|word| why.contains(word));
    for (readers, admins) in as_seen_by(&reader).iter().zip(as_seen_by(&admin)) {
        for action in Action::ALL.into_iter().filter(|action| action.changes() && !WITHOUT_A_ROLE.contains(action)) {
            if let Err(why) = admins.may(action) {
                assert!(!speaks_of_roles(&why), "{action:?}: {why}");
            } else if let Err(why) = readers.may(action) {
                assert!(speaks_of_roles(&why), "{action:?}: {why}");
            }
        }
    }
}

fn reader() -> tollgate_shared::api::OperatorView {
    let mut operator = fixtures::operator(1, "bob");
    operator.role = Some(tollgate_shared::role::GlobalRole::Reader);
    operator
}

#[test]
fn every_action_can_be_reached_and_every_letter_of_a_place_is_its_own() {
    for action in Action::ALL {
        assert!(!action.info().help.is_empty(), "{action:?}");
        let by_name = crate::app::commands::parse(action.info().name);
        assert_eq!(by_name, Ok(action), "by its name after the colon");
    }
    for place in Place::ALL {
        let keys: Vec<_> = keymap::here(place).flat_map(|binding| binding.keys).collect();
        let mut once = keys.clone();
        once.sort_by_key(ToString::to_string);
        once.dedup();
        assert_eq!(keys.len(), once.len(), "{place:?}");
    }
}
