use tollgate_shared::api::{
    NewFilter, NewService, NewTeam, NewToken, RevokeToken, RotateToken, ServicePatch, TokenPatch,
};
use tollgate_shared::id::IncidentId;
use tollgate_shared::incident::{IncidentState, TimelineEvent};
use tollgate_shared::limits::{ALLOWED_IPS_MAX, DEBUG_SECS, FILTERS_PER_SERVICE_MAX};
use tollgate_shared::problem::Slug;
use tollgate_shared::token::{Expiry, Permission, Scope};

use super::*;
use crate::core::access::{Actor, Door, Who};
use crate::core::model::{Death, Token};
use crate::core::registry::SecretEntry;
use crate::core::testing::{START, World, fire, mac, new_token, spec};

fn slug(problem: &Problem) -> Slug {
    problem.slug().unwrap()
}

fn token(world: &World, id: TokenId) -> &Token {
    world.registry.token(id).unwrap()
}

fn edit(world: &mut World, id: TokenId, patch: TokenPatch) {
    if let Err(why) = world.admin(Command::Token(TokenCommand::Edit(id.to_string(), Box::new(patch), None))) {
        panic!("{why:?}");
    }
}

/// What becomes of a new token with this setting.
fn created(change: impl FnOnce(&mut NewToken)) -> Result<Token, Problem> {
    let mut world = World::empty();
    let mut new = new_token("a", "global");
    change(&mut new);
    let entropy = world.entropy();
    match world.admin(Command::Token(TokenCommand::Create(Box::new(new), entropy)))? {
        Reply::Secret(id, _) => Ok(token(&world, id).clone()),
        _ => panic!("another reply"),
    }
}

fn new_filter(service: &str) -> NewFilter {
    NewFilter { service: service.to_owned(), name: None, preset: None, spec: None }
}

fn last_audit(world: &World) -> AuditRow {
    world.store.reader().audit(None, 1).unwrap().rows.remove(0)
}

// --- who, and what stays behind ---

#[test]
fn an_actor_without_a_role_changes_nothing() {
    let (mut world, b) = World::new();
    world.actor = Actor { uid: Some(1001), ..Actor::of("uid 1001".to_owned(), Who::Unknown, Door::Cli) };
    let (token, entropy, other) = (b.token.to_string(), world.entropy(), world.entropy());
    let revoke = RevokeToken { confirm: token.clone(), reason: String::new() };
    let incident = IncidentId(Uuid::nil());
    let commands = [
        Command::CreateTeam(NewTeam { name: "x".to_owned() }),
        Command::CreateService(NewService { team: "Ops".to_owned(), name: "x".to_owned() }),
        Command::EditService("Ops/DB".to_owned(), ServicePatch { enabled: Some(false) }),
        Command::CreateFilter(Box::new(NewFilter { spec: Some(spec("x")), ..new_filter("Ops/DB") })),
        Command::DeleteFilter(b.filter.to_string()),
        Command::Token(TokenCommand::Create(Box::new(new_token("x", "global")), entropy)),
        Command::Token(TokenCommand::Edit(token.clone(), Box::default(), None)),
        Command::Token(TokenCommand::Rotate(token.clone(), RotateToken::default(), other)),
        Command::Token(TokenCommand::Revoke(token.clone(), revoke)),
        Command::Token(TokenCommand::SetDebug(token, true, None)),
        Command::Acknowledge(incident),
        Command::Unacknowledge(incident),
        Command::Resolve(incident, None),
    ];
    for command in commands {
        assert_eq!(slug(&world.refused(command)), Slug::UnknownOperator);
    }
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let (mut world, b) = World::new();
    let before = world.registry.version();
    edit(&mut world, b.token, TokenPatch { name: Some("sender".to_owned()), ..TokenPatch::default() });
    assert!(world.admin(Command::Token(TokenCommand::SetDebug(b.token.to_string(), false, None))).is_ok());
    assert!(world.admin(Command::EditService("Ops/DB".to_owned(), ServicePatch { enabled: Some(true) })).is_ok());
    assert_eq!(world.registry.version(), before);
}

#[test]
fn the_audit_says_who_did_what_to_what_and_never_holds_a_secret() {
    let mut world = World::empty();
    let (id, secret) = world.token_with_secret(new_token("a", "global"));
    let entropy = world.entropy();
    let (_, rotated) =
        world.secret(Command::Token(TokenCommand::Rotate(id.to_string(), RotateToken::default(), entropy)));
    edit(&mut world, id, TokenPatch { name: Some("b".to_owned()), ..TokenPatch::default() });
    let row = last_audit(&world);
    assert_eq!((row.actor.as_str(), row.uid, row.action.as_str()), ("root", Some(0), "token.edit"));
    assert_eq!((row.target, row.detail.as_str()), (format!("token {id} b"), "name a -> b"));
    let rows = format!("{:?}", world.store.reader().audit(None, 100).unwrap().rows);
    assert!(!rows.contains(&secret[15..]) && !rows.contains(&rotated[15..]));
}

// --- names ---

#[test]
fn names_are_unique_case_insensitively_among_siblings() {
    let (mut world, _) = World::new();
    assert_eq!(slug(&world.refused(Command::CreateTeam(NewTeam { name: "OPS".to_owned() }))), Slug::Conflict);
    let service = NewService { team: "Ops".to_owned(), name: "db".to_owned() };
    assert_eq!(slug(&world.refused(Command::CreateService(service))), Slug::Conflict);
    let filter = NewFilter { spec: Some(spec("ALERTS")), ..new_filter("Ops/DB") };
    assert_eq!(slug(&world.refused(Command::CreateFilter(Box::new(filter)))), Slug::Conflict);
    world.team("Net");
    world.service("Net", "DB");
    world.filter("Net/DB", spec("alerts"));
}

#[test]
fn token_names_are_unique_among_the_living_tokens_of_a_scope() {
    let (mut world, b) = World::new();
    let entropy = world.entropy();
    let problem =
        world.refused(Command::Token(TokenCommand::Create(Box::new(new_token("SENDER", "service:Ops/DB")), entropy)));
    assert_eq!((slug(&problem), problem.errors[0].path.as_str()), (Slug::Conflict, "name"));
    let other = world.token(new_token("sender", "global"));
    let revoke = RevokeToken { confirm: "sender".to_owned(), reason: String::new() };
    assert!(world.admin(Command::Token(TokenCommand::Revoke(b.token.to_string(), revoke))).is_ok());
    let again = world.token(new_token("sender", "service:Ops/DB"));
    assert!(again != other && again != b.token, "a dead token's name is free");
    let third = world.token(new_token("third", "global"));
    let rename = TokenPatch { name: Some("Sender".to_owned()), ..TokenPatch::default() };
    assert_eq!(
        slug(&world.refused(Command::Token(TokenCommand::Edit(third.to_string(), Box::new(rename.clone()), None)))),
        Slug::Conflict
    );
    edit(&mut world, other, rename);
}

#[test]
fn bad_names_texts_and_scopes_are_refused_by_their_field() {
    let field = |change: &dyn Fn(&mut NewToken)| {
        created(|new| change(new)).err().and_then(|problem| problem.errors.first().map(|error| error.path.clone()))
    };
    assert_eq!(field(&|new| new.name = "a\u{200b}".to_owned()).as_deref(), Some("name"));
    assert_eq!(field(&|new| new.description = "x".repeat(501)).as_deref(), Some("description"));
    for scope in ["", "Global", "team", "team:", "team:nobody", "service:Ops", "mine"] {
        assert_eq!(field(&|new| new.scope = scope.to_owned()).as_deref(), Some("scope"), "{scope}");
    }
}

// --- tokens, domain.md section 2 ---

#[test]
fn a_new_token_has_the_defaults_of_a_sender() {
    let made = created(|_| {}).unwrap();
    assert_eq!(made.permissions, [Permission::IncidentsCreate, Permission::RequestsCreate]);
    assert_eq!((made.scope, made.expiry, made.expires_at), (Scope::Global, Expiry::Never, None));
    assert_eq!((made.dedup_window_secs, made.debug_until, made.allowed_ips.len()), (600, None, 0));
}

#[test]
fn a_revoke_needs_the_name_or_the_id() {
    let (mut world, b) = World::new();
    let revoke = |confirm: &str| RevokeToken { confirm: confirm.to_owned(), reason: "leaked".to_owned() };
    for wrong in ["", "yes", "Sender", "sender "] {
        let problem = world.refused(Command::Token(TokenCommand::Revoke("sender".to_owned(), revoke(wrong))));
        assert_eq!((slug(&problem), problem.errors[0].path.as_str()), (Slug::Validation, "confirm"), "{wrong}");
    }
    assert!(world.admin(Command::Token(TokenCommand::Revoke("sender".to_owned(), revoke("sender")))).is_ok());
    let stone = world.registry.tombstone(b.token).unwrap();
    assert_eq!((stone.reason.as_str(), stone.revoked_by.as_str(), stone.revoked_at), ("leaked", "root", START));
    assert_eq!(
        slug(&world.refused(Command::Token(TokenCommand::SetDebug(b.token.to_string(), true, None)))),
        Slug::NotFound
    );
    let other = world.token(new_token("other", "global"));
    assert!(world.admin(Command::Token(TokenCommand::Revoke("other".to_owned(), revoke(other.as_str())))).is_ok());
}

#[test]
fn a_rotation_keeps_the_id_and_the_settings_and_kills_the_old_secret() {
    let mut world = World::empty();
    let (id, old) = world.token_with_secret(NewToken { debug: true, ..new_token("a", "global") });
    let before = token(&world, id).clone();
    world.wait(60);
    let entropy = world.entropy();
    let (same, new) =
        world.secret(Command::Token(TokenCommand::Rotate("a".to_owned(), RotateToken::default(), entropy)));
    let after = token(&world, id).clone();
    assert_eq!((same, after.mac), (id, mac(&new)));
    assert_eq!(world.registry.secret(&mac(&old)), Some(SecretEntry::Dead(id, Death::Rotated)));
    let generation = before.generation + 1;
    assert!(after.generation == generation && after.rotations == 1 && after.updated_at == world.now);
    let same_settings = Token { mac: after.mac, rotations: 1, generation, updated_at: world.now, ..before };
    assert_eq!(after, same_settings);
}

#[test]
fn debug_ends_after_48_hours_and_switching_it_on_again_restarts_the_clock() {
    let (mut world, b) = World::new();
    let until = |world: &World| token(world, b.token).debug_until;
    let debug = |world: &mut World, on| {
        assert!(world.admin(Command::Token(TokenCommand::SetDebug(b.token.to_string(), on, None))).is_ok());
    };
    debug(&mut world, true);
    assert_eq!(until(&world), Some(START.plus_secs(DEBUG_SECS)));
    world.wait(3_600);
    edit(&mut world, b.token, TokenPatch { dedup_window_secs: Some(1), ..TokenPatch::default() });
    let entropy = world.entropy();
    world.secret(Command::Token(TokenCommand::Rotate(b.token.to_string(), RotateToken::default(), entropy)));
    assert_eq!(until(&world), Some(START.plus_secs(DEBUG_SECS)), "other edits do not touch it");
    debug(&mut world, true);
    assert_eq!(until(&world), Some(START.plus_secs(3_600 + DEBUG_SECS)));
    debug(&mut world, false);
    assert_eq!(until(&world), None);
    assert_eq!(created(|new| new.debug = true).unwrap().debug_until, Some(START.plus_secs(DEBUG_SECS)));
}

#[test]
fn an_expiry_is_never_a_duration_or_a_date_in_the_future() {
    let expiry = |text: &str| created(|new| new.expires = Some(text.to_owned())).map(|t| (t.expiry, t.expires_at));
    assert_eq!(expiry("never").unwrap(), (Expiry::Never, None));
    for (text, secs) in [("1h", 3_600), ("1d", 86_400), ("90d", 7_776_000), (" 30d ", 2_592_000), ("1y", 31_557_600)] {
        assert_eq!(expiry(text).unwrap(), (Expiry::AfterSecs(secs), Some(START.plus_secs(i64::from(secs)))), "{text}");
    }
    let date = START.plus_secs(1);
    assert_eq!(expiry(&date.to_string()).unwrap(), (Expiry::At(date), Some(date)));
    for bad in ["", "soon", "-1h", "0s", "101y", "1", &START.to_string(), "2001-01-01T00:00:00Z", "2027-01-31"] {
        let problem = expiry(bad).err().unwrap();
        assert_eq!((slug(&problem), problem.errors[0].path.as_str()), (Slug::Validation, "expires"), "{bad}");
    }
}

#[test]
fn an_edited_expiry_counts_from_the_edit() {
    let (mut world, b) = World::new();
    world.wait(100);
    edit(&mut world, b.token, TokenPatch { expires: Some("1h".to_owned()), ..TokenPatch::default() });
    assert_eq!(token(&world, b.token).expires_at, Some(START.plus_secs(3_700)));
    edit(&mut world, b.token, TokenPatch { expires: Some("never".to_owned()), ..TokenPatch::default() });
    assert_eq!(token(&world, b.token).expires_at, None);
}

#[test]
fn addresses_are_normalised_and_mapped_ones_are_ipv4() {
    let list = |texts: &[&str]| {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        created(|new| new.allowed_ips = texts)
            .map(|t| t.allowed_ips.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let given =
        ["10.20.0.14", " 10.20.3.4/16 ", "::ffff:192.0.2.7", "::ffff:10.0.0.9/104", "2001:DB8::1", "2001:db8::5/32"];
    let kept = ["10.20.0.14/32", "10.20.0.0/16", "192.0.2.7/32", "10.0.0.0/8", "2001:db8::1/128", "2001:db8::/32"];
    assert_eq!(list(&given).unwrap(), kept);
    for bad in ["", "10.0.0", "10.0.0.0/33", "host", "::ffff:10.0.0.0/64"] {
        let problem = list(&["10.0.0.1", bad]).err().unwrap();
        assert_eq!(problem.errors[0].path, "allowed_ips[1]", "{bad}");
    }
    let many = vec!["10.0.0.1"; ALLOWED_IPS_MAX + 1];
    assert!(list(&many[1..]).is_ok() && list(&many).is_err());
}

#[test]
fn a_dedup_window_is_0_to_24_hours() {
    let window = |secs| created(|new| new.dedup_window_secs = Some(secs)).map(|t| t.dedup_window_secs).ok();
    assert_eq!([window(0), window(86_400), window(86_401)], [Some(0), Some(86_400), None]);
}

#[test]
fn the_same_entropy_twice_makes_no_second_token() {
    let mut world = World::empty();
    let same = || Entropy { id: [7; 8], secret: [7; 32] };
    world.secret(Command::Token(TokenCommand::Create(Box::new(new_token("a", "global")), same())));
    assert_eq!(
        slug(&world.refused(Command::Token(TokenCommand::Create(Box::new(new_token("b", "global")), same())))),
        Slug::Internal
    );
}

// --- filters ---

#[test]
fn a_filter_is_a_preset_or_a_spec_and_every_bad_field_is_named() {
    let (mut world, _) = World::new();
    for new in [
        new_filter("Ops/DB"),
        NewFilter { preset: Some("zabbix".to_owned()), spec: Some(spec("x")), ..new_filter("Ops/DB") },
        NewFilter { preset: Some("nobody".to_owned()), ..new_filter("Ops/DB") },
    ] {
        assert_eq!(slug(&world.refused(Command::CreateFilter(Box::new(new)))), Slug::Validation);
    }
    let mut bad = spec("bad");
    bad.trigger.conditions[0].path = "a..b".to_owned();
    bad.trigger.title_from = vec!["[".to_owned()];
    let problem = world.refused(Command::CreateFilter(Box::new(NewFilter { spec: Some(bad), ..new_filter("Ops/DB") })));
    let fields: Vec<_> = problem.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(fields, ["trigger.conditions[0].path", "trigger.title_from[0]"]);
    let named = NewFilter { preset: Some("zabbix".to_owned()), name: Some("Zab".to_owned()), ..new_filter("Ops/DB") };
    assert!(world.admin(Command::CreateFilter(Box::new(named))).is_ok());
    assert!(world.registry.find_filter("Ops/DB/Zab").is_ok());
}

#[test]
fn a_service_has_32_filters_at_most_and_a_new_one_goes_last() {
    let (mut world, b) = World::new();
    for n in 1..FILTERS_PER_SERVICE_MAX {
        world.filter("Ops/DB", spec(&format!("filter {n}")));
    }
    let one_more = || Command::CreateFilter(Box::new(NewFilter { spec: Some(spec("more")), ..new_filter("Ops/DB") }));
    assert_eq!(slug(&world.refused(one_more())), Slug::Validation);
    assert!(world.admin(Command::DeleteFilter(b.filter.to_string())).is_ok());
    assert!(world.admin(one_more()).is_ok());
    let records = &world.registry.service(b.service).unwrap().records;
    assert!(records.is_sorted_by_key(|record| record.position));
    assert_eq!(records.last().map(|record| (record.spec.name.as_str(), record.position)), Some(("more", 33)));
}

// --- incidents, domain.md section 6 ---

#[test]
fn an_incident_is_acknowledged_given_back_and_resolved_with_words() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    let id = world.incidents()[0].id;
    let mut states = Vec::new();
    for command in
        [Command::Acknowledge(id), Command::Unacknowledge(id), Command::Resolve(id, Some("rebooted".to_owned()))]
    {
        assert!(world.admin(command).is_ok());
        states.push(world.incidents()[0].state);
    }
    assert_eq!(states, [IncidentState::Acknowledged, IncidentState::Triggered, IncidentState::Resolved]);
    assert_eq!(world.incidents()[0].resolved_at, Some(START));
    let (_, _, timeline) = world.store.reader().incident(id).unwrap().unwrap();
    let last = timeline.last().map(|entry| entry.event.clone());
    assert_eq!(last, Some(TimelineEvent::ResolvedBy { by: "root".to_owned(), comment: Some("rebooted".to_owned()) }));
    for command in [Command::Acknowledge(id), Command::Unacknowledge(id), Command::Resolve(id, None)] {
        assert_eq!(slug(&world.refused(command)), Slug::Conflict, "resolved is final");
    }
}

#[test]
fn a_comment_is_500_characters_at_most() {
    let (mut world, b) = World::new();
    world.call(b.token, &fire("a"));
    let id = world.incidents()[0].id;
    assert_eq!(slug(&world.refused(Command::Resolve(id, Some("x".repeat(501))))), Slug::Validation);
    assert!(world.admin(Command::Resolve(id, Some("\u{e9}".repeat(500)))).is_ok());
}

mod random {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 4] = ["a", "A", "b", "c"];

    /// A command by numbers: names by their place in the list, tokens by their place among the living.
    #[derive(Clone, Debug)]
    enum Step {
        Team(usize),
        Service(usize, usize),
        Token(usize, usize),
        Rename(usize, usize),
        Rotate(usize),
        Revoke(usize, bool),
    }

    /// Who is there: lower-case names, and living tokens with their scopes and ids in order of creation.
    #[derive(Default)]
    struct Model {
        teams: BTreeSet<String>,
        services: BTreeSet<(String, String)>,
        tokens: Vec<(String, String, TokenId)>,
    }

    fn step() -> impl Strategy<Value = Step> {
        let (name, nth) = (0..NAMES.len(), 0..4_usize);
        prop_oneof![
            2 => name.clone().prop_map(Step::Team),
            2 => (name.clone(), name.clone()).prop_map(|(team, service)| Step::Service(team, service)),
            4 => (0..3_usize, name.clone()).prop_map(|(scope, name)| Step::Token(scope, name)),
            2 => (nth.clone(), name).prop_map(|(token, name)| Step::Rename(token, name)),
            1 => nth.clone().prop_map(Step::Rotate),
            1 => (nth, any::<bool>()).prop_map(|(token, right)| Step::Revoke(token, right)),
        ]
    }

    fn lower(name: usize) -> String {
        NAMES[name].to_lowercase()
    }

    impl Model {
        fn name_is_free(&self, scope: &str, name: &str, own: Option<usize>) -> bool {
            let mut others = self.tokens.iter().enumerate().filter(|(at, _)| Some(*at) != own);
            !others.any(|(_, (s, n, _))| s == scope && n == name)
        }

        /// Does the step in the world; what the model says of it must come true.
        fn step(&mut self, world: &mut World, step: &Step) -> Result<(), TestCaseError> {
            match *step {
                Step::Team(name) => {
                    let done = world.admin(Command::CreateTeam(NewTeam { name: NAMES[name].to_owned() })).is_ok();
                    prop_assert_eq!(done, self.teams.insert(lower(name)));
                }
                Step::Service(team, name) => {
                    let new = NewService { team: NAMES[team].to_owned(), name: NAMES[name].to_owned() };
                    let done = world.admin(Command::CreateService(new)).is_ok();
                    let may = self.teams.contains(&lower(team)) && self.services.insert((lower(team), lower(name)));
                    prop_assert_eq!(done, may);
                }
                Step::Token(scope, name) => {
                    let scope = ["global", "team:a", "service:a/b"][scope];
                    let exists = match scope {
                        "global" => true,
                        "team:a" => self.teams.contains("a"),
                        _ => self.services.contains(&("a".to_owned(), "b".to_owned())),
                    };
                    let entropy = world.entropy();
                    let done = world
                        .admin(Command::Token(TokenCommand::Create(Box::new(new_token(NAMES[name], scope)), entropy)));
                    prop_assert_eq!(done.is_ok(), exists && self.name_is_free(scope, &lower(name), None));
                    if let Ok(Reply::Secret(id, _)) = done {
                        self.tokens.push((scope.to_owned(), lower(name), id));
                    }
                }
                Step::Rename(nth, name) => {
                    let Some((scope, _, id)) = self.tokens.get(nth).cloned() else { return Ok(()) };
                    let patch = TokenPatch { name: Some(NAMES[name].to_owned()), ..TokenPatch::default() };
                    let done =
                        world.admin(Command::Token(TokenCommand::Edit(id.to_string(), Box::new(patch), None))).is_ok();
                    prop_assert_eq!(done, self.name_is_free(&scope, &lower(name), Some(nth)));
                    if done {
                        self.tokens[nth].1 = lower(name);
                    }
                }
                Step::Rotate(nth) => {
                    let Some((_, _, id)) = self.tokens.get(nth) else { return Ok(()) };
                    let (entropy, old) = (world.entropy(), token(world, *id).mac);
                    prop_assert!(
                        world
                            .admin(Command::Token(TokenCommand::Rotate(
                                id.to_string(),
                                RotateToken::default(),
                                entropy
                            )))
                            .is_ok()
                    );
                    prop_assert_eq!(world.registry.secret(&old), Some(SecretEntry::Dead(*id, Death::Rotated)));
                }
                Step::Revoke(nth, right) => {
                    let Some((_, _, id)) = self.tokens.get(nth).cloned() else { return Ok(()) };
                    let confirm = if right { id.to_string() } else { "no".to_owned() };
                    let revoke = RevokeToken { confirm, reason: String::new() };
                    prop_assert_eq!(
                        world.admin(Command::Token(TokenCommand::Revoke(id.to_string(), revoke))).is_ok(),
                        right
                    );
                    if right {
                        self.tokens.remove(nth);
                    }
                }
            }
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        /// That a refusal writes nothing and a change exactly one audit row is checked by the world at every step.
        #[test]
        fn random_commands_keep_names_unique_and_refusals_leave_nothing(steps in proptest::collection::vec(step(), 1..40)) {
            let (mut world, mut model) = (World::empty(), Model::default());
            for step in &steps {
                model.step(&mut world, step)?;
            }
            world.restart();
            prop_assert_eq!(world.registry.teams().len(), model.teams.len());
            prop_assert_eq!(world.registry.services().len(), model.services.len());
            prop_assert_eq!(world.registry.token_count(), model.tokens.len());
            for (_, name, id) in &model.tokens {
                prop_assert_eq!(&token(&world, *id).name.key(), name);
            }
        }
    }
}
