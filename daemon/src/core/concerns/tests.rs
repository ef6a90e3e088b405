use std::cell::RefCell;
use std::collections::HashMap;

use tollgate_shared::api::NewMaintenance;

use super::*;
use crate::core::admin::{Command, TokenCommand};
use crate::core::testing::{Basics, START, World, fire, new_token};
use crate::store::IncidentFilter;

const MINUTE: i64 = 60;

/// What a token was used for, as the test says.
#[derive(Default)]
struct Use {
    last: Option<Timestamp>,
    limited: Option<Timestamp>,
    hosts: (u32, u32),
    /// With what hosts were asked for last.
    asked: Option<(Option<Timestamp>, Timestamp)>,
}

#[derive(Default)]
struct Book(RefCell<HashMap<TokenId, Use>>);

impl Book {
    fn of(&self, token: TokenId, change: impl FnOnce(&mut Use)) {
        change(self.0.borrow_mut().entry(token).or_default());
    }
}

impl Uses for Book {
    fn last_use(&self, token: TokenId) -> Option<Timestamp> {
        self.0.borrow().get(&token)?.last
    }

    fn limited_at(&self, token: TokenId) -> Option<Timestamp> {
        self.0.borrow().get(&token)?.limited
    }

    fn on_old_secret(&self, token: TokenId, rotated: Option<Timestamp>, since: Timestamp) -> (u32, u32) {
        let mut all = self.0.borrow_mut();
        let of = all.entry(token).or_default();
        of.asked = Some((rotated, since));
        of.hosts
    }
}

/// A world whose daemon looks at itself.
struct Watched {
    world: World,
    basics: Basics,
    own: ServiceId,
    book: Book,
    told: Told,
    disk: Option<Disk>,
    rows_lost_at: Option<Timestamp>,
    overloaded_at: Option<Timestamp>,
    connections_at: Option<Timestamp>,
    /// Overdue, failed.
    backup: (bool, bool),
}

impl Watched {
    fn new() -> Self {
        let (mut world, basics) = World::new();
        let own = world.service("Ops", "Tollgate");
        Self {
            world,
            basics,
            own,
            book: Book::default(),
            told: Told::default(),
            disk: None,
            rows_lost_at: None,
            overloaded_at: None,
            connections_at: None,
            backup: (false, false),
        }
    }

    fn open_ids(&self) -> Vec<IncidentHead> {
        let states = vec![IncidentState::Triggered, IncidentState::Acknowledged];
        let filter = IncidentFilter { states, token: Some(TokenId::DAEMON), ..IncidentFilter::default() };
        self.world.store.reader().incidents(&filter, None, 1_000).unwrap().0
    }

    fn judged(&self) -> Vec<Concern> {
        let open: BTreeSet<String> = self.open_ids().into_iter().filter_map(|head| head.key).collect();
        judge(&Observed {
            registry: &self.world.registry,
            uses: &self.book,
            disk: self.disk,
            rows_lost_at: self.rows_lost_at,
            overloaded_at: self.overloaded_at,
            connections_at: self.connections_at,
            backup_overdue: self.backup.0,
            backup_failed: self.backup.1,
            open: &open,
            now: self.world.now,
        })
    }

    /// One look: judged, then settled as the writer does. Gives how many incidents changed.
    fn look(&mut self) -> u32 {
        let concerns = self.judged();
        let open: Vec<IncidentId> = self.open_ids().iter().map(|head| head.id).collect();
        let (world, own, told) = (&mut self.world, self.own, &self.told);
        let mut made = 1 << 40;
        made += world.now.as_micros().unsigned_abs() * 1_000;
        let mut settled = Settled::default();
        let World { store, registry, pace, now, .. } = world;
        let committed = store.commit(*now, &mut |view| {
            let mut new_id = || {
                made += 1;
                uuid::Uuid::from_u128(u128::from(made))
            };
            let mut bench = Bench { registry, view, pace: &mut *pace, new_id: &mut new_id, now: *now };
            settled = settle(&mut bench, own, &concerns, &open, told);
        });
        assert_eq!(committed.unwrap().wrote, settled.changed > 0, "a look that changes nothing writes nothing");
        self.told = settled.told;
        settled.changed
    }

    fn own(&self) -> Vec<IncidentHead> {
        self.world.incidents().into_iter().filter(|head| head.token == TokenId::DAEMON).collect()
    }

    /// Keys of those that are open.
    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.open_ids().into_iter().filter_map(|head| head.key).collect();
        keys.sort();
        keys
    }

    fn token(&mut self, name: &str, expires: &str) -> TokenId {
        let mut new = new_token(name, "service:Ops/DB");
        new.expires = Some(expires.to_owned());
        self.world.token(new)
    }

    /// A token that never ends and was rotated now.
    fn rotated(&mut self, overlap_secs: u32) -> TokenId {
        let token = self.token("rotated", "never");
        let entropy = self.world.entropy();
        let rotate = tollgate_shared::api::RotateToken { overlap_secs, ..Default::default() };
        self.world.secret(Command::Token(TokenCommand::Rotate(token.to_string(), rotate, entropy)));
        token
    }
}

#[test]
fn a_used_token_that_ends_within_seven_days_is_one_incident_until_it_is_extended() {
    let mut it = Watched::new();
    let token = it.token("soon", "9d");
    it.book.of(token, |of| of.last = Some(START));
    assert_eq!((it.look(), it.keys().len()), (0, 0), "nine days are far");
    it.world.wait(2 * DAY_SECS + 1);
    assert_eq!(it.look(), 1);
    let head = it.own().remove(0);
    assert_eq!((head.service, head.priority), (it.own, Priority::P3));
    assert_eq!(head.title, "Token soon ends 2026-12-01 03:14Z");
    for _ in 0..5 {
        it.world.wait(MINUTE);
        assert_eq!(it.look(), 0, "it is told once");
    }
    assert_eq!(it.own()[0].occurrences, 1);
    it.world.admin(Command::Token(TokenCommand::Refresh(token.to_string()))).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!((it.look(), it.keys().len()), (1, 0));
    let (_, _, timeline) = it.world.store.reader().incident(head.id).unwrap().unwrap();
    let last = timeline.last().map(|entry| entry.event.clone());
    let over = TimelineEvent::ResolvedBy { by: "tollgated".to_owned(), comment: Some("it is over".to_owned()) };
    assert_eq!(last, Some(over));
}

#[test]
fn a_token_that_nobody_uses_may_end_unnoticed() {
    let mut it = Watched::new();
    let (never, long_ago) = (it.token("never", "3d"), it.token("long-ago", "3d"));
    it.book.of(long_ago, |of| of.last = Some(START.plus_secs(-USED_SECS)));
    assert_eq!((it.look(), it.keys()), (0, Vec::new()), "{never} {long_ago}");
}

#[test]
fn an_incident_gets_more_urgent_with_its_token_and_stays_after_its_end() {
    let mut it = Watched::new();
    let token = it.token("soon", "6d");
    it.book.of(token, |of| of.last = Some(START));
    it.look();
    it.world.wait(5 * DAY_SECS + 1);
    assert_eq!((it.look(), it.own()[0].priority), (1, Priority::P2), "less than a day is left");
    it.world.wait(2 * DAY_SECS);
    assert_eq!((it.look(), it.keys().len()), (0, 1), "it has ended, and nobody has done anything about it");
}

#[test]
fn an_overlap_that_ends_with_hosts_on_the_old_secret_is_one_incident_also_after_its_end() {
    let mut it = Watched::new();
    let token = it.rotated(8 * 86_400);
    it.book.of(token, |of| of.hosts = (3, 40));
    assert_eq!(it.look(), 0, "a week is left");
    it.world.wait(7 * DAY_SECS);
    assert_eq!(it.look(), 1);
    let head = it.own().remove(0);
    assert_eq!(head.title, "The old secret of rotated ends 2026-11-30 03:14Z, and hosts still have it");
    let (_, body, _) = it.world.store.reader().incident(head.id).unwrap().unwrap();
    assert!(body.description.starts_with("3 of 40 hosts"), "{}", body.description);
    it.world.wait(DAY_SECS + MINUTE);
    it.world.admin(Command::Token(TokenCommand::EndOverlaps)).unwrap_or_else(|why| panic!("{why:?}"));
    assert_eq!((it.look(), it.own()[0].priority), (1, Priority::P2), "they are cut off now: worse, not over");
    assert_eq!((it.own().len(), it.keys().len()), (1, 1));
    it.book.of(token, |of| of.hosts = (0, 40));
    assert_eq!((it.look(), it.keys().len()), (1, 0), "all of them have the new one");
}

#[test]
fn of_a_short_overlap_the_last_quarter_counts() {
    let mut it = Watched::new();
    let token = it.rotated(3_600);
    it.book.of(token, |of| of.hosts = (1, 2));
    it.world.wait(44 * MINUTE);
    assert!(it.judged().is_empty());
    it.world.wait(MINUTE);
    assert_eq!(it.judged().len(), 1);
    let asked = it.book.0.borrow()[&token].asked;
    assert_eq!(asked, Some((Some(START), START.plus_secs(-USED_SECS))), "who called in the 30 days before counts too");
}

#[test]
fn calls_lost_to_a_limit_are_an_incident_until_ten_quiet_minutes_have_passed() {
    let mut it = Watched::new();
    let token = it.basics.token;
    it.book.of(token, |of| of.limited = Some(START));
    assert_eq!((it.look(), it.keys()), (1, vec![format!("limit:{token}")]));
    it.world.wait(QUIET_SECS - 1);
    it.book.of(token, |of| of.limited = Some(START.plus_secs(QUIET_SECS - 2)));
    assert_eq!(it.look(), 0, "it goes on");
    it.world.wait(QUIET_SECS);
    assert_eq!((it.look(), it.keys().len()), (1, 0));
}

#[test]
fn what_the_daemon_itself_loses_is_an_incident_for_each_kind() {
    let mut it = Watched::new();
    (it.rows_lost_at, it.overloaded_at, it.connections_at) = (Some(START), Some(START), Some(START));
    assert_eq!((it.look(), it.keys()), (3, ["connections", "log-rows", "queue"].map(str::to_owned).to_vec()));
    it.world.wait(QUIET_SECS);
    assert_eq!((it.look(), it.keys().len()), (3, 0));
}

#[test]
fn a_disk_that_is_short_is_an_incident_and_does_not_flap() {
    let mut it = Watched::new();
    let free = |free: u64| Some(Disk { free, total: 500 * GIB });
    it.disk = free(2 * GIB);
    assert_eq!(it.look(), 0);
    it.disk = free(2 * GIB - 1);
    assert_eq!((it.look(), it.keys()), (1, vec!["disk".to_owned()]));
    it.disk = free(2 * GIB + GIB / 10);
    assert_eq!((it.look(), it.keys().len()), (0, 1), "a little more is not enough");
    it.disk = free(100 << 20);
    assert_eq!((it.look(), it.own()[0].priority), (1, Priority::P1));
    it.disk = free(3 * GIB);
    assert_eq!((it.look(), it.keys().len()), (1, 0));
    it.disk = Some(Disk { free: 2 * GIB, total: 4 * GIB });
    assert_eq!(it.look(), 0, "of a small disk a tenth is enough");
}

#[test]
fn what_somebody_resolved_by_hand_stays_so_until_it_is_worse_or_new() {
    let mut it = Watched::new();
    let token = it.token("soon", "6d");
    it.book.of(token, |of| of.last = Some(START));
    it.look();
    let id = it.own()[0].id;
    it.world.admin(Command::Resolve(id, None)).unwrap_or_else(|why| panic!("{why:?}"));
    it.world.wait(MINUTE);
    assert_eq!((it.look(), it.keys().len()), (0, 0), "he knows");
    it.world.wait(5 * DAY_SECS);
    assert_eq!((it.look(), it.keys().len()), (1, 1), "now it is urgent");
}

#[test]
fn under_maintenance_nothing_is_opened_and_afterwards_it_comes() {
    let mut it = Watched::new();
    let new = NewMaintenance {
        service: "Ops/Tollgate".to_owned(),
        from: None,
        until: Some(START.plus_secs(3_600)),
        tags: Vec::new(),
        comment: String::new(),
    };
    it.world.admin(Command::AddMaintenance(new)).unwrap_or_else(|why| panic!("{why:?}"));
    let token = it.basics.token;
    it.book.of(token, |of| of.limited = Some(START));
    assert_eq!((it.look(), it.told.len()), (0, 0));
    it.world.wait(3_600);
    it.book.of(token, |of| of.limited = Some(START.plus_secs(3_600)));
    assert_eq!(it.look(), 1);
}

#[test]
fn more_than_a_hundred_things_are_gathered_in_one_more_incident() {
    let mut it = Watched::new();
    for number in 0..CONCERNS_MAX + 20 {
        let token = it.token(&format!("t-{number}"), "3d");
        it.book.of(token, |of| of.last = Some(START));
    }
    let judged = it.judged();
    assert_eq!((judged.len(), judged.last().map(|one| one.key.as_str())), (CONCERNS_MAX + 1, Some("more")));
    assert!(judged.last().is_some_and(|one| one.description.starts_with("20 when")));
    it.look();
    assert_eq!((it.look(), it.keys().len()), (0, CONCERNS_MAX + 1));
}

#[test]
fn other_incidents_of_the_service_are_left_alone() {
    let mut it = Watched::new();
    let filter = it.world.filter("Ops/Tollgate", crate::core::testing::spec("alerts"));
    let sender = it.world.token(new_token("sender-2", "service:Ops/Tollgate"));
    it.world.call(sender, &fire("theirs"));
    assert_eq!((it.look(), it.world.incidents().len()), (0, 1), "{filter}");
    assert!(it.world.incidents()[0].state.is_open());
}

#[test]
fn when_another_service_is_set_what_is_open_on_the_old_one_is_resolved() {
    let mut it = Watched::new();
    it.overloaded_at = Some(START);
    it.look();
    let elsewhere = it.world.service("Ops", "Other");
    it.own = elsewhere;
    it.world.wait(MINUTE);
    it.told = Told::default();
    assert_eq!(it.look(), 2);
    let open: Vec<ServiceId> = it.open_ids().iter().map(|head| head.service).collect();
    assert_eq!(open, [elsewhere]);
}

#[test]
fn the_same_look_at_the_same_moment_says_the_same() {
    let mut it = Watched::new();
    let token = it.token("soon", "6d");
    it.book.of(token, |of| (of.last, of.limited) = (Some(START), Some(START)));
    it.disk = Some(Disk { free: 0, total: GIB });
    assert_eq!(it.judged(), it.judged());
    let order: Vec<Priority> = it.judged().iter().map(|one| one.priority).collect();
    assert_eq!(order, [Priority::P1, Priority::P2, Priority::P3], "the worst first");
}

#[test]
fn a_scheduled_backup_that_fails_is_told_gets_worse_when_it_is_overdue_and_is_over_with_the_next_good_one() {
    let mut it = Watched::new();
    it.backup = (false, true);
    assert_eq!((it.look(), it.judged()[0].priority), (1, Priority::P3));
    it.world.wait(MINUTE);
    it.backup = (true, true);
    assert_eq!((it.look(), it.judged()[0].priority), (1, Priority::P2));
    assert_eq!(it.keys().into_iter().collect::<Vec<_>>(), ["backup"]);
    it.world.wait(MINUTE);
    it.backup = (false, false);
    assert_eq!((it.look(), it.keys().len()), (1, 0));
}
