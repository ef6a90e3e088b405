//! A page of 100 incidents among 1,000,000 within 20 ms, however it is cut. Builds them through the store (a thousand
//! services, one in ten open), times the pages that the list's route makes, prints them and fails where one is missed.
//!
//! Run with `cargo bench -p tollgate-tests --bench incidents`.

use std::error::Error;
use std::fs::OpenOptions;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate_daemon::core::model::IncidentBody;
use tollgate_daemon::store::{
    IncidentFilter, OpenFile, Reader, RedbStore, StateSettings, Store, StoreError, View, incident_page,
};
use tollgate_shared::id::{CallId, FilterId, IncidentId, ServiceId, TokenId};
use tollgate_shared::incident::{IncidentHead, IncidentState, TimelineEntry, TimelineEvent};
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
const PAGE_MAX: Duration = Duration::from_millis(20);

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
    for batch in 0..INCIDENTS / BATCH {
        store.commit(NOW, &mut |view| (batch * BATCH..(batch + 1) * BATCH).for_each(|n| put(view, n, token)))?;
    }
    println!("built {INCIDENTS} incidents in {:?}", building.elapsed());
    let reader = store.reader();
    let mut slowest = Duration::ZERO;
    for (name, filter) in kinds() {
        let (median, worst, rows) = pages(reader.as_ref(), &filter)?;
        println!("{name:<28} median {median:>10.3?}  slowest of {PAGES} {worst:>10.3?}  rows on them {rows}");
        slowest = slowest.max(median);
    }
    if slowest > PAGE_MAX { Err(format!("a page took {slowest:?}; {PAGE_MAX:?} is the limit").into()) } else { Ok(()) }
}

fn kinds() -> [(&'static str, IncidentFilter); 7] {
    let all = IncidentFilter::default;
    let open = vec![IncidentState::Triggered, IncidentState::Acknowledged];
    let service = vec![ServiceId(Uuid::from_u128(417))];
    let never = vec![ServiceId(Uuid::from_u128(99_999))];
    [
        ("all", all()),
        ("open", IncidentFilter { states: open.clone(), ..all() }),
        ("of one service", IncidentFilter { services: service.clone(), ..all() }),
        ("open, of one service", IncidentFilter { services: service, states: open, ..all() }),
        ("of a service without any", IncidentFilter { services: never, ..all() }),
        ("P1", IncidentFilter { priorities: vec![Priority::P1], ..all() }),
        ("with a text that is nowhere", IncidentFilter { text: Some("nowhere".to_owned()), ..all() }),
    ]
}

/// Median and slowest of some pages in a row, and how many rows they had.
fn pages(reader: &dyn Reader, filter: &IncidentFilter) -> Result<(Duration, Duration, usize), StoreError> {
    let (mut times, mut before, mut rows) = (Vec::new(), None, 0);
    for _ in 0..PAGES {
        let start = Instant::now();
        let (page, next) = incident_page(reader, filter, before, PAGE_ROWS)?;
        times.push(start.elapsed());
        rows += page.len();
        before = next;
    }
    times.sort_unstable();
    Ok((times[times.len() / 2], times[times.len() - 1], rows))
}

fn put(view: &mut dyn View, n: u64, token: TokenId) {
    let id = IncidentId(Uuid::from_u128((0x0198_0000_0000_7000_8000_0000_0000_0000_u128) + u128::from(n)));
    let is_open = n.is_multiple_of(10);
    let at = NOW.plus_secs(i64::try_from(n / 1_000).unwrap_or(0));
    view.put_incident(IncidentHead {
        id,
        service: ServiceId(Uuid::from_u128(u128::from(n * 7_919 % SERVICES))),
        filter: FilterId(Uuid::from_u128(1)),
        token,
        key: Some(format!("{{}}:{{alertname=\"DiskFull\", instance=\"db{n}:9100\"}}")),
        title: format!("DiskFull on db{n}: /var/lib has 3 percent left"),
        priority: if n.is_multiple_of(50) { Priority::P1 } else { Priority::P3 },
        state: if is_open { IncidentState::Triggered } else { IncidentState::Resolved },
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
