//! What matching costs by the number of filters: the index, the plain evaluator, and the `quamina` crate beside them.
//!
//! `cargo bench -p tollgate-tests --features matching-bench --bench matching`. Figures are microseconds of CPU time per
//! event including its parsing, medians of interleaved rounds. `tests/benches/README.md` holds the last result.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use quamina::{Quamina, QuaminaBuilder};
use serde_json::{Value, json};
use tollgate_daemon::core::call::Call;
use tollgate_daemon::core::matching::{CompiledFilter, FilterIndex, Filters, ServiceKey, evaluate};
use tollgate_daemon::core::model::{FilterRecord, RegistryChange, Service, Team};
use tollgate_daemon::core::registry::Registry;
use tollgate_daemon::store::Loaded;
use tollgate_shared::filter::FilterSpec;
use tollgate_shared::id::{FilterId, ServiceId, TeamId};
use tollgate_shared::name::Name;
use tollgate_shared::time::Timestamp;
use uuid::Uuid;

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const FILTERS_PER_SERVICE: usize = 10;
const SERVICES_PER_TEAM: usize = 20;
/// Events that are sent in turn. One in eight matches one filter.
const EVENTS: usize = 64;
const ROUNDS: usize = 5;
/// CPU time of one measurement.
const SPAN_NS: u64 = 60_000_000;
/// Changes that are timed.
const CHANGES: usize = 100;
/// Changes of the registry that are timed.
const REGISTRY_CHANGES: usize = 300;
const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// The sets of filters.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Three `equals`.
    Equals,
    /// One `equals` and one `contains`.
    Contains,
    /// Both in turn.
    Mixed,
    /// As mixed, each also with the `version` and `status = firing` that every filter of a preset has, and a resolve part.
    Firing,
}

/// One thing to measure at all sizes.
struct Subject<'a> {
    run: Box<dyn FnMut(&[u8]) -> usize + 'a>,
    samples: Vec<f64>,
}

// === the filters ===

fn by_name(number: usize) -> Value {
    json!([{ "path": "commonLabels.alertname", "op": "equals", "values": [alert(number)] },
        { "path": "commonLabels.severity", "op": "equals", "values": [severity(number)] },
        { "path": "commonLabels.cluster", "op": "equals", "values": [cluster(number)] }])
}

fn by_text(number: usize) -> Value {
    json!([{ "path": "commonLabels.severity", "op": "equals", "values": [severity(number)] },
        { "path": "commonAnnotations.summary", "op": "contains", "values": [host(number)] }])
}

fn conditions(kind: Kind, number: usize) -> Value {
    match kind {
        Kind::Equals => by_name(number),
        Kind::Contains => by_text(number),
        Kind::Mixed | Kind::Firing if number.is_multiple_of(2) => by_name(number),
        Kind::Mixed | Kind::Firing => by_text(number),
    }
}

fn spec(kind: Kind, number: usize) -> FilterSpec {
    let with_status = |status: &str| {
        let mut all = vec![
            json!({ "path": "version", "op": "equals", "values": ["4"] }),
            json!({ "path": "status", "op": "equals", "values": [status] }),
        ];
        all.extend(conditions(kind, number).as_array().cloned().unwrap_or_default());
        all
    };
    let mut trigger = json!({ "title_from": ["commonAnnotations.summary"], "correlate": ["groupKey"] });
    trigger["conditions"] = if kind == Kind::Firing { with_status("firing").into() } else { conditions(kind, number) };
    let mut filter = json!({ "name": format!("filter {number}"), "trigger": trigger });
    if kind == Kind::Firing {
        filter["resolve"] = json!({ "conditions": with_status("resolved") });
    }
    FilterSpec::from_json(filter.to_string().as_bytes()).expect("a filter")
}

fn alert(number: usize) -> String {
    format!("Alert{number}HighLatency")
}

fn host(number: usize) -> String {
    format!("host-{number:06}.example.net")
}

fn severity(number: usize) -> &'static str {
    ["critical", "warning", "info", "page"][number % 4]
}

fn cluster(number: usize) -> String {
    format!("cluster-{}", number % 16)
}

fn key(service: usize) -> ServiceKey {
    let id = |number: usize| Uuid::from_u128(number as u128);
    (TeamId(id(service / SERVICES_PER_TEAM)), ServiceId(id(service)))
}

fn services(kind: Kind, size: usize) -> Vec<(ServiceKey, Filters)> {
    let of = |service: usize| {
        let numbers = service * FILTERS_PER_SERVICE..(service + 1) * FILTERS_PER_SERVICE;
        numbers.map(move |number| compiled(kind, number)).collect::<Filters>()
    };
    (0..size / FILTERS_PER_SERVICE).map(|service| (key(service), of(service))).collect()
}

fn compiled(kind: Kind, number: usize) -> Arc<CompiledFilter> {
    let position = u32::try_from(number % FILTERS_PER_SERVICE).expect("small");
    let id = Uuid::from_u128(number as u128);
    Arc::new(CompiledFilter::compile(id, position, &spec(kind, number)).expect("a valid filter"))
}

// === the events ===

/// An Alertmanager call of about 800 bytes. Every eighth is of the alert and host of one of the first filters.
fn event(number: usize) -> Vec<u8> {
    let known = number.is_multiple_of(8);
    let (alert, host) = if known { (alert(number), host(number + 1)) } else { ("Nobody".to_owned(), host(999_999)) };
    // The alert's own severity fits the filter by name; the filter by text is met by every other known event.
    let severity = severity(number + usize::from(number.is_multiple_of(16)));
    let labels = json!({ "alertname": alert, "severity": severity, "cluster": cluster(number), "job": "node" });
    let summary = format!("Latency of {host} is above 500 ms for 10 minutes");
    let event = json!({
        "version": "4", "status": "firing", "receiver": "tollgate", "truncatedAlerts": 0,
        "groupKey": format!("{{}}:{{alertname=\"{alert}\"}}"), "groupLabels": { "alertname": alert },
        "commonLabels": labels, "externalURL": "http://alertmanager.example.net:9093",
        "commonAnnotations": { "summary": summary, "runbook_url": "https://runbooks.example.net/latency" },
        "alerts": [{ "status": "firing", "labels": labels, "annotations": { "summary": summary },
            "startsAt": "2026-11-02T12:00:00.000Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.net/graph?g0.expr=up", "fingerprint": "d8e8fca2dc0f896f" }],
    });
    event.to_string().into_bytes()
}

fn decoded(event: &[u8]) -> Call {
    Call {
        headers: Vec::new(),
        query: Vec::new(),
        source_ip: Ipv4Addr::LOCALHOST.into(),
        text: String::from_utf8(event.to_vec()).expect("text"),
        json: serde_json::from_slice(event).ok(),
    }
}

// === measuring ===

/// Nanoseconds that this thread was on a CPU, in steps of a tick.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// How often another thread was put in the place of this one although it had work.
fn preemptions() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// Steal and all ticks of the machine so far.
fn steal() -> (f64, f64) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> = text.lines().next().unwrap_or("").split_whitespace().skip(1).flat_map(str::parse).collect();
    (ticks.get(7).copied().unwrap_or(0.0), ticks.iter().sum())
}

fn millis<T>(work: impl FnOnce() -> T) -> (T, f64) {
    // By the wall: the scheduler's own count moves in steps of a tick, which is longer than what is measured here.
    let start = Instant::now();
    let made = work();
    (made, start.elapsed().as_secs_f64() * 1e3)
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// All but the one worst: a neighbour on this machine takes the CPU away now and then.
fn nearly_worst(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.iter().rev().nth(1).copied().unwrap_or(f64::NAN)
}

impl<'a> Subject<'a> {
    fn new(run: impl FnMut(&[u8]) -> usize + 'a) -> Self {
        Self { run: Box::new(run), samples: Vec::new() }
    }

    fn sample(&mut self, events: &[Vec<u8>]) {
        let (start, mut count) = (cpu_ns(), 0);
        loop {
            for event in events {
                black_box((self.run)(black_box(event)));
            }
            count += events.len();
            let spent = cpu_ns() - start;
            if spent > SPAN_NS {
                return self.samples.push(spent as f64 / 1e3 / count as f64);
            }
        }
    }
}

/// Measures the subjects in turn, round by round, and prints the medians as a row of a table.
fn table(title: &str, rows: Vec<(String, Vec<Option<Subject<'_>>>)>, events: &[Vec<u8>]) {
    let mut rows = rows;
    for _ in 0..=ROUNDS {
        rows.iter_mut().flat_map(|(_, subjects)| subjects.iter_mut().flatten()).for_each(|s| s.sample(events));
    }
    println!("\n{title}\n\n| us per event | 100 | 1,000 | 10,000 | 100,000 | growth |\n|---|---|---|---|---|---|");
    for (name, subjects) in &rows {
        // The first round only warms up.
        let medians: Vec<_> = subjects.iter().map(|s| s.as_ref().map(|s| median(&s.samples[1..]))).collect();
        let known: Vec<f64> = medians.iter().copied().flatten().collect();
        let growth =
            known.last().zip(known.first()).map_or(String::new(), |(last, first)| format!("{:.2}", last / first));
        let cells: Vec<_> = medians.iter().map(|m| m.map_or("-".to_owned(), |m| format!("{m:.2}"))).collect();
        println!("| {name} | {} | {growth} |", cells.join(" | "));
    }
}

// === the other matcher ===

/// The same conditions as a pattern of the other matcher.
fn pattern(kind: Kind, number: usize) -> String {
    let text = json!({ "commonLabels": { "severity": [severity(number)] },
        "commonAnnotations": { "summary": [{ "wildcard": format!("*{}*", host(number)) }] } });
    let name = json!({ "commonLabels": { "alertname": [alert(number)], "severity": [severity(number)],
        "cluster": [cluster(number)] } });
    let by_name = kind == Kind::Equals || (kind != Kind::Contains && number.is_multiple_of(2));
    if by_name { name.to_string() } else { text.to_string() }
}

fn other(kind: Kind, size: usize) -> Option<Quamina<usize>> {
    // The most that it may take of this machine's memory: far above its own default.
    const BYTES_MAX: usize = 1 << 30;
    let mut made = QuaminaBuilder::new().with_arena_byte_budget(BYTES_MAX).build().ok()?;
    let (added, took) = millis(|| (0..size).try_for_each(|number| made.add_pattern(number, &pattern(kind, number))));
    match added {
        Ok(()) => println!("quamina {kind:?} {size}: built in {took:.0} ms"),
        Err(error) => {
            println!("quamina {kind:?} {size}: refused after {took:.0} ms: {error}");
            return None;
        }
    }
    Some(made)
}

// === the tables ===

fn ours(index: &FilterIndex) -> Subject<'_> {
    Subject::new(|event| {
        let call = decoded(event);
        index.evaluate(None, &call, &call).len()
    })
}

fn plain(services: &[(ServiceKey, Filters)]) -> Subject<'_> {
    Subject::new(|event| {
        let call = decoded(event);
        services.iter().filter(|(_, filters)| evaluate(filters, &call, &call).trigger.is_some()).count()
    })
}

fn costs(events: &[Vec<u8>]) {
    let kinds = [Kind::Equals, Kind::Contains, Kind::Mixed, Kind::Firing];
    let sets: Vec<Vec<_>> = kinds.iter().map(|kind| SIZES.map(|size| services(*kind, size)).into()).collect();
    let indexes: Vec<Vec<_>> =
        sets.iter().map(|sizes| sizes.iter().map(|set| FilterIndex::build(set.iter().cloned())).collect()).collect();
    let others: Vec<(Kind, Vec<_>)> = [(Kind::Equals, 4), (Kind::Contains, 2)]
        .map(|(kind, sizes)| (kind, SIZES.iter().take(sizes).map(|size| other(kind, *size)).collect()))
        .into();
    check(&sets, &indexes, &others, events);
    let mut rows = vec![("parsing alone".to_owned(), vec![Some(Subject::new(|e| decoded(e).text.len()))])];
    for (kind, indexes) in kinds.iter().zip(&indexes) {
        rows.push((format!("index, {kind:?}"), indexes.iter().map(|index| Some(ours(index))).collect()));
    }
    let small = sets[2].iter().take(2).map(|set| Some(plain(set))).collect();
    rows.push(("plain evaluator, Mixed".to_owned(), small));
    for (kind, others) in &others {
        rows.push((format!("quamina, {kind:?}"), others.iter().map(quamina_subject).collect()));
    }
    table("Cost by the number of filters", rows, events);
}

fn quamina_subject(other: &Option<Quamina<usize>>) -> Option<Subject<'_>> {
    let other = other.as_ref()?;
    Some(Subject::new(|event| other.matches_for_event(event).map_or(0, |matches| matches.len())))
}

/// Before anything is timed: all three must find the same.
fn check(
    sets: &[Vec<Vec<(ServiceKey, Filters)>>],
    indexes: &[Vec<FilterIndex>],
    others: &[(Kind, Vec<Option<Quamina<usize>>>)],
    events: &[Vec<u8>],
) {
    for event in events {
        let call = decoded(event);
        for (set, index) in sets.iter().flatten().zip(indexes.iter().flatten()).filter(|(set, _)| set.len() <= 100) {
            let answers = set.iter().map(|(key, filters)| (*key, evaluate(filters, &call, &call)));
            let expected: Vec<_> = answers.filter(|(_, a)| a.trigger.is_some() || !a.resolve_keys.is_empty()).collect();
            assert_eq!(index.evaluate(None, &call, &call), expected, "the index is the plain evaluator, only faster");
        }
        for ((_, others), indexes) in others.iter().zip(indexes) {
            for (other, index) in others.iter().zip(indexes) {
                let Some(other) = other else { continue };
                let count = other.matches_for_event(event).expect("an event").len();
                assert_eq!(count, index.evaluate(None, &call, &call).len(), "both matchers find the same");
            }
        }
    }
    let calls: Vec<_> = events.iter().map(|event| decoded(event)).collect();
    let matches = |index: &FilterIndex, call: &&Call| !index.evaluate(None, call, call).is_empty();
    let counts = indexes.iter().map(|sizes| calls.iter().filter(|call| matches(&sizes[0], call)).count());
    let counts: Vec<_> = counts.collect();
    println!("events that match a filter, of {EVENTS}, by kind: {counts:?}");
}

// === what it takes to keep the index ===

fn upkeep(events: &[Vec<u8>]) {
    let size = SIZES[3];
    println!("\nThe index of {size} filters");
    println!("\n| kind | build ms | MiB | peak MiB | allocations per call | one change ms, median | 99th of 100 |");
    println!("|---|---|---|---|---|---|---|");
    for kind in [Kind::Equals, Kind::Contains, Kind::Mixed, Kind::Firing] {
        let set = services(kind, size);
        let mut index = None;
        let mut took = 0.0;
        let memory = allocation_counter::measure(|| {
            (index, took) = {
                let (made, took) = millis(|| FilterIndex::build(set.iter().cloned()));
                (Some(made), took)
            };
        });
        let index = index.expect("built");
        let mib = |bytes: i64| bytes as f64 / f64::from(1 << 20);
        let (median_ms, worst) = changes(kind, index.clone());
        let (live, peak) = (mib(memory.bytes_current), mib(i64::try_from(memory.bytes_max).unwrap_or(i64::MAX)));
        let calls = allocations(&index, events);
        println!("| {kind:?} | {took:.0} | {live:.1} | {peak:.1} | {calls:.1} | {median_ms:.2} | {worst:.2} |");
    }
    registry_changes(size);
}

/// Allocations of matching one call, parsing and rendering of the matches apart: calls that match nothing.
fn allocations(index: &FilterIndex, events: &[Vec<u8>]) -> f64 {
    let calls: Vec<_> = events.iter().map(|event| decoded(event)).collect();
    let misses: Vec<_> = calls.iter().filter(|call| index.evaluate(None, call, call).is_empty()).collect();
    let counted = allocation_counter::measure(|| {
        misses.iter().for_each(|call| drop(black_box(index.evaluate(None, call, call))));
    });
    counted.count_total as f64 / misses.len() as f64
}

/// The time until a changed filter is in force, while changes pile up and new bases are made as they fall due.
fn changes(kind: Kind, mut index: FilterIndex) -> (f64, f64) {
    let mut samples = Vec::new();
    for change in 0..CHANGES {
        let service = change * 7_919 % (SIZES[3] / FILTERS_PER_SERVICE);
        let numbers =
            (0..FILTERS_PER_SERVICE).map(|place| compiled(kind, 200_000 + change * FILTERS_PER_SERVICE + place));
        let filters: Filters = numbers.collect();
        let (next, took) = millis(|| index.with_changes(vec![(key(service), filters.clone())]));
        samples.push(took);
        index = if next.wants_rebuild() { next.rebased(&next.rebuilt()) } else { next };
    }
    (median(&samples), nearly_worst(&samples))
}

/// The same through the registry, which also orders services and knows the headers that filters read.
fn registry_changes(size: usize) {
    let name = |text: String| Name::new(&text).expect("a name");
    let count = size / FILTERS_PER_SERVICE;
    let service = |number: usize| Service {
        id: key(number).1,
        team: key(number).0,
        name: name(format!("service {number}")),
        enabled: true,
        created_at: NOW,
    };
    let record = |number: usize, id: usize| FilterRecord {
        id: FilterId(Uuid::from_u128(id as u128)),
        service: key(number / FILTERS_PER_SERVICE).1,
        position: u32::try_from(id % FILTERS_PER_SERVICE).expect("small"),
        spec: spec(Kind::Firing, number),
        created_at: NOW,
    };
    let team = |number: usize| Team {
        id: TeamId(Uuid::from_u128(number as u128)),
        name: name(format!("team {number}")),
        created_at: NOW,
    };
    let loaded = Loaded {
        teams: (0..count / SERVICES_PER_TEAM).map(team).collect(),
        services: (0..count).map(service).collect(),
        filters: (0..size).map(|number| record(number, number)).collect(),
        ..Loaded::default()
    };
    let mut cpu = 0;
    let (registry, took) = millis(|| Registry::from_loaded(&loaded, 0).expect("a registry"));
    let mut registry = registry;
    println!("\nregistry of {size} filters in {count} services: {took:.0} ms from the loaded records");
    let (mut samples, mut undisturbed) = (Vec::new(), Vec::new());
    let (mut melts, mut installs) = (Vec::new(), Vec::new());
    for change in 0..REGISTRY_CHANGES {
        let put = RegistryChange::PutFilter(Box::new(record(change * 7_919 % size, size + change)));
        let (start, switches) = (cpu_ns(), preemptions());
        // As the writer does it: the next registry, then the end of the one before.
        let ((), took) = millis(|| registry = registry.apply(&[put]).expect("applied"));
        cpu += cpu_ns() - start;
        samples.push(took);
        undisturbed.extend((preemptions() == switches).then_some(took));
        if registry.index().wants_rebuild() {
            let replaced = registry.clone();
            let (melted, took) = millis(|| registry.index().rebuilt());
            melts.push(took);
            let ((), took) = millis(|| registry = registry.with_rebuilt_index(&melted));
            installs.push(took);
            drop(replaced);
        }
    }
    println!("CPU time of such a change, on average: {:.2} ms", cpu as f64 / 1e6 / REGISTRY_CHANGES as f64);
    let worst = |samples: &[f64]| samples.iter().copied().fold(0.0, f64::max);
    println!(
        "one filter more through the registry, {REGISTRY_CHANGES} times: median {:.2} ms, all but one below {:.2} ms, worst {:.2} ms",
        median(&samples),
        nearly_worst(&samples),
        worst(&samples)
    );
    println!(
        "of those, {} during which no neighbour took the CPU away: median {:.2} ms, worst {:.2} ms",
        undisturbed.len(),
        median(&undisturbed),
        worst(&undisturbed)
    );
    println!(
        "melted in the background {} times: median {:.2} ms, worst {:.2} ms; put in force: worst {:.2} ms",
        melts.len(),
        median(&melts),
        worst(&melts),
        worst(&installs)
    );
}

fn main() {
    let events: Vec<_> = (0..EVENTS).map(event).collect();
    let bytes = events.iter().map(Vec::len).sum::<usize>() / EVENTS;
    println!("{EVENTS} events of {bytes} bytes, {FILTERS_PER_SERVICE} filters a service");
    let before = steal();
    let only = |part: &str| std::env::args().any(|argument| argument == part);
    if only("registry") {
        registry_changes(SIZES[3]);
    } else {
        costs(&events);
        upkeep(&events);
    }
    let after = steal();
    println!("\nsteal during the run: {:.1} %", 100.0 * (after.0 - before.0) / (after.1 - before.1).max(1.0));
}
