//! Who calls: the uid that the kernel names, the operator that it is, or the one who has signed in on the connection.

use std::sync::Arc;

use http::Request;

use crate::core::access::{Actor, Door, Who};
use crate::core::admin::operators::UNMAPPED_UID;
use crate::core::model::Operator;
use crate::core::passwd::Passwd;
use crate::core::registry::Registry;
use crate::daemon::Daemon;
use crate::edge::{ConnectionState, Peer, RequestId, Subject};

/// Says which of our programs asks: for the audit only, anybody can send it.
const CLIENT_HEADER: &str = "tollgate-client";

/// `/proc/<pid>/loginuid` of a process that nobody logged in for.
const NO_LOGIN: u32 = u32::MAX;

/// Which socket file somebody came over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// The reader socket: whatever somebody's role, he changes nothing here.
    pub reader: bool,
    /// Over it, an unknown uid is a reader.
    pub anybody_reads: bool,
}

/// The actor behind a request on the local socket.
pub(super) fn actor<B>(daemon: &Daemon, request: &Request<B>, peer: Peer, entrance: Entrance) -> Actor {
    let Peer::Local { uid, pid, .. } = peer else {
        // This door is never bound to TCP; a peer without a uid has no role.
        return Actor::of("tcp".to_owned(), Who::Unknown, Door::Gate);
    };
    let registry = daemon.registry.load();
    let signed_in = request.extensions().get::<Arc<ConnectionState>>().and_then(|state| state.subject());
    let (name, who, why) = match signed_in.and_then(|subject| signed_in_as(&registry, subject)) {
        Some(operator) => (operator.name.to_string(), Who::Operator(operator), None),
        None => known_as(&registry, &daemon.people.users(), uid, daemon.facts.uid, entrance),
    };
    if let Who::Operator(operator) = &who {
        daemon.people.saw(operator.id, daemon.clock.now());
    }
    Actor {
        uid: Some(uid),
        pid: Some(pid),
        login_uid: login_uid(pid),
        request_id: request.extensions().get::<RequestId>().map(|id| id.0.to_string()),
        read_only: entrance.reader,
        why_unknown: why,
        ..Actor::of(name, who, door(request))
    }
}

/// What a sign-in is bound to: a new passphrase, or none, ends it.
pub(super) fn proof_of(operator: &Operator) -> [u8; 32] {
    *blake3::hash(operator.passphrase.as_deref().unwrap_or_default().as_bytes()).as_bytes()
}

fn signed_in_as(registry: &Registry, subject: Subject) -> Option<Arc<Operator>> {
    let operator = registry.operators().find(|operator| operator.id.0 == subject.id)?;
    (operator.passphrase.is_some() && proof_of(operator) == subject.proof).then(|| operator.clone())
}

/// Name, role, and for nobody the reason.
fn known_as(
    registry: &Registry,
    users: &Passwd,
    uid: u32,
    own_uid: u32,
    entrance: Entrance,
) -> (String, Who, Option<String>) {
    let name = format!("uid {uid}");
    if uid == UNMAPPED_UID {
        return (name, Who::Unknown, Some("is the one of users that are not mapped and never has a role".to_owned()));
    }
    if uid == 0 {
        return ("root".to_owned(), Who::Superuser, None);
    }
    if uid == own_uid {
        return (name, Who::Superuser, None);
    }
    let holds = |operator: &&Arc<Operator>| operator.unix_users.iter().any(|user| user.uid == uid);
    let Some(operator) = registry.operators().find(holds) else {
        let guest = entrance.reader && entrance.anybody_reads;
        return (name, if guest { Who::Reader } else { Who::Unknown }, None);
    };
    let recorded = operator.unix_users.iter().find(|user| user.uid == uid).map_or("", |user| user.name.as_str());
    let present = users.name_of(uid);
    if recorded != present {
        return (name, Who::Unknown, Some(another_user(operator, recorded, present)));
    }
    (operator.name.to_string(), Who::Operator(operator.clone()), None)
}

/// The uid was given to somebody else since: his predecessor's role is not his.
fn another_user(operator: &Operator, recorded: &str, present: &str) -> String {
    let named = |name: &str| if name.is_empty() { "a user without a name".to_owned() } else { format!("`{name}`") };
    format!(
        "is {} now, but was {} when operator `{}` got it, so it has no role until an admin sets its unix users anew",
        named(present),
        named(recorded),
        operator.name
    )
}

fn door<B>(request: &Request<B>) -> Door {
    match request.headers().get(CLIENT_HEADER).map(http::HeaderValue::as_bytes) {
        Some(b"console") => Door::Console,
        _ => Door::Cli,
    }
}

/// Advisory: the process may be gone, and another have its pid.
fn login_uid(pid: i32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != NO_LOGIN)
}

#[cfg(test)]
mod tests {
    use tollgate_shared::api::{NewOperator, OperatorPatch};

    use super::*;
    use crate::core::admin::Command;
    use crate::core::testing::World;

    fn world(user: &str) -> World {
        let (mut world, _) = World::new();
        let new = NewOperator { name: "Anna".to_owned(), unix_users: vec![user.to_owned()], ..NewOperator::default() };
        world.admin(Command::CreateOperator(new)).map(drop).unwrap();
        world
    }

    fn known(world: &World, users: &str, uid: u32) -> (String, Who, Option<String>) {
        known_as(&world.registry, &Passwd::parse(users), uid, 990, Entrance::default())
    }

    #[test]
    fn root_and_the_daemons_own_uid_are_admin_and_an_operators_uid_is_he() {
        let world = world("anna");
        let users = "anna:x:1000:1000::/:\n";
        assert!(matches!(known(&world, users, 0), (name, Who::Superuser, None) if name == "root"));
        assert!(matches!(known(&world, users, 990), (name, Who::Superuser, None) if name == "uid 990"));
        assert!(matches!(known(&world, users, 1_000), (name, Who::Operator(_), None) if name == "Anna"));
        assert!(matches!(known(&world, users, 1_001), (name, Who::Unknown, None) if name == "uid 1001"));
    }

    #[test]
    fn a_uid_that_was_given_to_somebody_else_is_refused_with_both_names() {
        let world = world("anna");
        for (users, present) in [("carla:x:1000:1000::/:\n", "`carla`"), ("", "without a name")] {
            let (_, who, why) = known(&world, users, 1_000);
            assert!(matches!(who, Who::Unknown));
            let why = why.unwrap();
            assert!(why.contains(present) && why.contains("`anna`") && why.contains("`Anna`"), "{why}");
        }
    }

    #[test]
    fn uid_65534_never_gets_a_role() {
        let world = world("anna");
        let guest = Entrance { reader: true, anybody_reads: true };
        let (_, who, _) = known_as(&world.registry, &Passwd::default(), UNMAPPED_UID, UNMAPPED_UID, guest);
        assert!(matches!(who, Who::Unknown));
    }

    #[test]
    fn an_unknown_uid_reads_over_the_reader_socket_only_where_the_configuration_says_so() {
        let world = world("anna");
        let over = |entrance| known_as(&world.registry, &Passwd::default(), 7, 990, entrance).1;
        assert!(matches!(over(Entrance { reader: true, anybody_reads: true }), Who::Reader));
        assert!(matches!(over(Entrance { reader: true, anybody_reads: false }), Who::Unknown));
        assert!(matches!(over(Entrance { reader: false, anybody_reads: true }), Who::Unknown));
    }

    #[test]
    fn a_sign_in_ends_with_its_passphrase() {
        let mut world = world("anna");
        let set = |hash: Option<&str>| Command::SetPassphrase("Anna".to_owned(), hash.map(str::to_owned));
        world.admin(set(Some("$one"))).map(drop).unwrap();
        let anna = world.registry.find_operator("Anna").unwrap().clone();
        let subject = Subject { id: anna.id.0, proof: proof_of(&anna), ticket: [0; 32] };
        assert!(signed_in_as(&world.registry, subject).is_some());
        let renamed = OperatorPatch { name: Some("Anna B".to_owned()), ..OperatorPatch::default() };
        world.admin(Command::EditOperator("Anna".to_owned(), renamed, None)).map(drop).unwrap();
        assert!(signed_in_as(&world.registry, subject).is_some(), "any other change leaves it");
        world.admin(Command::SetPassphrase("Anna B".to_owned(), Some("$two".to_owned()))).map(drop).unwrap();
        assert!(signed_in_as(&world.registry, subject).is_none());
    }
}
