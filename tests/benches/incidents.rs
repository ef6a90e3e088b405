//! A page of 100 incidents among 1,000,000 within 20 ms, however it is cut. Builds them through the store (a thousand
//! services, one in ten open), times the pages that the list's route makes, by its options and by queries in the language,
//! prints them and fails where one is missed.
//!
//! Run with `cargo bench -p tollgate-tests --bench incidents`.

use std::error::Error;
use std::fs::OpenOptions;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate_daemon::core::model::{IncidentBody, RegistryChange, Service, Team};
use tollgate_daemon::core::registry::Registry;
use tollgate_daemon::local::incident_search::IncidentSearch;
use tollgate_daemon::store::{
    IncidentFilter, OpenFile, RedbStore, StateSettings, Store, StoreError, View, incident_page,
};
use tollgate_shared::id::{CallId, FilterId, IncidentId, ServiceId, TeamId, TokenId};
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
use tollgate_shared::name::Name;
use tollgate_shared::priority::Priority;
use tollgate_shared::time::Timestamp;
use uuid::Uuid;

const INCIDENTS: u64 = 1_000_000;
const SERVICES: u64 = 1_000;
const BATCH: u64 = 10_000;
const PAGE_ROWS: usize = 100;
/// Pages of each kind that are timed, one after the other.
const PAGES: usize = 20;
const NOW: Timestamp = Timestamp::from_micros(1_795_317_247_000_000);
/// When the youngest one is opened.
const ASKED_AT: Timestamp = NOW.plus_secs(1_000);
const PAGE_MAX: Duration = Duration::from_millis(20);
/// What operators type.
const QUERIES: [&str; 12] = [
    "state:open priority:P1",
    "state:acknowledged",
    "state:open service:Ops/s410",
    "state:open service:s417",
    "state:open team:Ops since:5m",
    "priority:P1 since:10m",
    "state:resolved service:Ops/s7",
    "title:\"DiskFull on db777\"",
    "var/lib",
    "nowhere",
    "state:open nowhere",
    "state:open occurrences:>100",
];

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::TempDir::new()?;
    let path = dir.path().join("state.redb");
    let open: OpenFile =
        Arc::new(move || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path));
    let settings =
        StateSettings { label: "state.redb".to_owned(), key_check: [0; 32], first_store_id: 1, cache_bytes: 64 << 20 };
    let mut store = RedbStore::open(open, settings)?;
    store.load()?;
    let token: TokenId = "s_7QmX0c2LrT".parse()?;
    let building = Instant::now();
    store.commit(NOW, &mut |view| put_registry(view))?;
    for batch in 0..INCIDENTS / BATCH {
        store.commit(NOW, &mut |view| (batch * BATCH..(batch + 1) * BATCH).for_each(|n| put(view, n, token)))?;
    }
    println!("built {INCIDENTS} incidents in {:?}", building.elapsed());
    let registry = Registry::from_loaded(&store.reopen()?, 0)?;
    let reader = store.reader();
    let mut slowest = Duration::ZERO;
    for (name, filter) in kinds() {
        let timed =
            pages(|before| incident_page(reader.as_ref(), &filter, before, PAGE_ROWS).map(|(h, n)| (h.len(), n)))?;
        slowest = slowest.max(timed.said(name));
    }
    for q in QUERIES {
        let search =
            IncidentSearch::new(q, IncidentFilter::default(), &registry, ASKED_AT).map_err(|why| why.detail)?;
        let search = search.ok_or("a query that can find something")?;
        let timed = pages(|before| {
            let page = search.page(reader.as_ref(), &registry, before, PAGE_ROWS)?;
            Ok((page.items.len(), page.next.and_then(|next| next.parse().ok())))
        })?;
        slowest = slowest.max(timed.said(q));
    }
    if slowest > PAGE_MAX { Err(format!("a page took {slowest:?}; {PAGE_MAX:?} is the limit").into()) } else { Ok(()) }
}

fn kinds() -> [(&'static str, IncidentFilter); 11] {
    let all = IncidentFilter::default;
    let open = || vec![IncidentState::Triggered, IncidentState::Acknowledged];
    let services = |numbers: &[u64]| numbers.iter().map(|n| service_id(*n)).collect();
    let hundred: Vec<u64> = (300..400).collect();
    [
        ("all", all()),
        ("open", IncidentFilter { states: open(), ..all() }),
        ("acknowledged", IncidentFilter { states: vec![IncidentState::Acknowledged], ..all() }),
        ("of one service", IncidentFilter { services: services(&[417]), ..all() }),
        ("open, of one service", IncidentFilter { services: services(&[410]), states: open(), ..all() }),
        ("open, of one without any", IncidentFilter { services: services(&[417]), states: open(), ..all() }),
        ("open, of a hundred services", IncidentFilter { services: services(&hundred), states: open(), ..all() }),
        ("of a service without any", IncidentFilter { services: services(&[99_999]), ..all() }),
        ("P1", IncidentFilter { priorities: vec![Priority::P1], ..all() }),
        ("open P1", IncidentFilter { priorities: vec![Priority::P1], states: open(), ..all() }),
        ("with a text that is nowhere", IncidentFilter { text: Some("nowhere".to_owned()), ..all() }),
    ]
}

/// Pages of one cut, timed.
struct Timed {
    median: Duration,
    worst: Duration,
    rows: usize,
}

impl Timed {
    /// Prints them; gives the median.
    fn said(&self, name: &str) -> Duration {
        let Self { median, worst, rows } = self;
        println!("{name:<40} median {median:>10.3?}  slowest of {PAGES} {worst:>10.3?}  rows on them {rows}");
        self.median
    }
}

/// Some pages in a row, from the first one again where there are no more.
fn pages(
    mut page: impl FnMut(Option<IncidentId>) -> Result<(usize, Option<IncidentId>), StoreError>,
) -> Result<Timed, StoreError> {
    let (mut times, mut before, mut rows) = (Vec::new(), None, 0);
    for _ in 0..PAGES {
        let start = Instant::now();
        let (found, next) = page(before)?;
        times.push(start.elapsed());
        rows += found;
        before = next;
    }
    times.sort_unstable();
    Ok(Timed { median: times[times.len() / 2], worst: times[times.len() - 1], rows })
}

fn service_id(number: u64) -> ServiceId {
    ServiceId(Uuid::from_u128(u128::from(number)))
}

fn put_registry(view: &mut dyn View) {
    let team = TeamId(Uuid::from_u128(1));
    let name = |text: &str| Name::new(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    view.put_registry(RegistryChange::PutTeam(Team { id: team, name: name("Ops"), created_at: NOW }));
    for number in 0..SERVICES {
        let (id, name) = (service_id(number), name(&format!("s{number}")));
        view.put_registry(RegistryChange::PutService(Service { id, team, name, enabled: true, created_at: NOW }));
    }
}

/// One in ten is open, and one in a hundred of those acknowledged.
fn state_of(n: u64) -> IncidentState {
    match (n.is_multiple_of(10), n.is_multiple_of(1_000)) {
        (true, false) => IncidentState::Triggered,
        (true, true) => IncidentState::Acknowledged,
        (false, _) => IncidentState::Resolved,
    }
}

fn put(view: &mut dyn View, n: u64, token: TokenId) {
    let id = IncidentId(Uuid::from_u128((0x0198_0000_0000_7000_8000_0000_0000_0000_u128) + u128::from(n)));
    let is_open = state_of(n).is_open();
    let at = NOW.plus_secs(i64::try_from(n / 1_000).unwrap_or(0));
    view.put_incident(IncidentHead {
        id,
        service: service_id(n * 7_919 % SERVICES),
        filter: FilterId(Uuid::from_u128(1)),
        token,
        key: Some(format!("{{}}:{{alertname=\"DiskFull\", instance=\"db{n}:9100\"}}")),
        title: format!("DiskFull on db{n}: /var/lib has 3 percent left"),
        priority: if n.is_multiple_of(50) { Priority::P1 } else { Priority::P3 },
        state: state_of(n),
        overflow: false,
        occurrences: 1 + n % 9,
        duplicates: 0,
        first_seen: at,
        last_seen: at,
        resolved_at: (!is_open).then_some(at),
    });
    let source_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    view.put_incident_body(id, IncidentBody { description: format!("/var/lib on db{n}"), source_ip });
    let event = TimelineEvent::Opened { call: CallId(Uuid::from_u128(u128::from(n))), token };
    view.add_timeline(id, TimelineEntry { at, last_at: at, count: 1, event });
}
