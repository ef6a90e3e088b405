//! 100,000 tokens are an ordinary registry (domain.md §2): a page of a list within 50 ms, a creation within 5 ms beyond the
//! fsync, a start within 1 s. Builds them through the store, prints the three figures and fails where one is missed.
//!
//! Run with `cargo bench -p tollgate-tests --bench tokens`.

use std::error::Error;
use std::fs::OpenOptions;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate_daemon::core::access::Actor;
use tollgate_daemon::core::admin::{self, Command, DryRun, Entropy, Office, TokenCommand};
use tollgate_daemon::core::model::Mac;
use tollgate_daemon::core::registry::Registry;
use tollgate_daemon::core::token_list::{Desk, Order, TokenFilter};
use tollgate_daemon::core::views;
use tollgate_daemon::store::{OpenFile, RedbStore, StateSettings, Store};
use tollgate_daemon::usage::UsageBook;
use tollgate_shared::api::NewToken;
use tollgate_shared::problem::Problem;
use tollgate_shared::time::Timestamp;

const TOKENS: u64 = 100_000;
const BATCH: u64 = 1_000;
/// Pages of each order that are timed.
const PAGES: usize = 9;
const NOW: Timestamp = Timestamp::from_micros(1_795_317_247_000_000);

const PAGE_MAX: Duration = Duration::from_millis(50);
const CREATE_MAX: Duration = Duration::from_millis(5);
const START_MAX: Duration = Duration::from_secs(1);

/// A store with its registry.
struct Shop {
    store: RedbStore,
    registry: Registry,
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::TempDir::new()?;
    let mut shop = Shop::open(dir.path())?;
    let building = Instant::now();
    for batch in 0..TOKENS / BATCH {
        let rows = (batch * BATCH..(batch + 1) * BATCH).map(|n| (named(n), entropy(n))).collect();
        shop.change(TokenCommand::CreateAll(rows, DryRun::No))?;
    }
    println!("built {TOKENS} tokens in {:?}", building.elapsed());
    let create = shop.slowest_creation()?;
    let page = slowest_page(&shop.registry)?;
    drop(shop);
    let starting = Instant::now();
    let shop = Shop::open(dir.path())?;
    let start = starting.elapsed();
    println!("start-up with {} tokens: {start:?} (limit {START_MAX:?})", shop.registry.token_count());
    println!("slowest creation of 200, without the fsync: {create:?} (limit {CREATE_MAX:?})");
    println!("page, the median of the slowest order: {page:?} (limit {PAGE_MAX:?})");
    if start > START_MAX || create > CREATE_MAX || page > PAGE_MAX {
        return Err("a figure is over its limit".into());
    }
    Ok(())
}

impl Shop {
    /// What a start does with the state: open, load, build the snapshot and the book of usage.
    fn open(dir: &std::path::Path) -> Result<Self, Box<dyn Error>> {
        let path = dir.join("state.redb");
        let open: OpenFile =
            Arc::new(move || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path));
        let settings = StateSettings {
            label: "state.redb".to_owned(),
            key_check: [0; 32],
            first_store_id: 1,
            cache_bytes: 64 << 20,
        };
        let mut store = RedbStore::open(open, settings)?;
        let loaded = store.load()?;
        let registry = Registry::from_loaded(&loaded, 0)?;
        drop(UsageBook::from_records(&loaded.usage));
        Ok(Self { store, registry })
    }

    /// Carries a command out as the writer does; returns how long that took without the commit itself.
    fn change(&mut self, command: TokenCommand) -> Result<Duration, Box<dyn Error>> {
        let Self { store, registry } = self;
        let (mut command, mut outcome, mut took) = (Some(command), None, Duration::ZERO);
        store.commit(NOW, &mut |view| {
            let Some(command) = command.take() else { return };
            let began = Instant::now();
            let mut new_id = uuid_of_nothing;
            let users = tollgate_daemon::core::passwd::Passwd::default();
            let mut office =
                Office { registry, view, users: &users, mac_of: &|secret| mac(secret), new_id: &mut new_id, now: NOW };
            outcome = Some(admin::execute(&mut office, &Actor::daemon(), Command::Token(command)));
            took = began.elapsed();
        })?;
        let done = outcome.ok_or("the command was not carried out")?.map_err(said)?;
        let began = Instant::now();
        *registry = registry.apply(&done.changes)?;
        Ok(took + began.elapsed())
    }

    fn slowest_creation(&mut self) -> Result<Duration, Box<dyn Error>> {
        let mut slowest = Duration::ZERO;
        for n in TOKENS..TOKENS + 200 {
            slowest = slowest.max(self.change(TokenCommand::Create(Box::new(named(n)), entropy(n)))?);
        }
        Ok(slowest)
    }
}

/// Pages of several orders and of a search by text, views included: the median of the slowest. One page alone would measure
/// what else the machine does.
fn slowest_page(registry: &Registry) -> Result<Duration, Box<dyn Error>> {
    let book = UsageBook::from_records(&[]);
    let facts = |token| book.facts(token, NOW);
    let desk = Desk { registry, facts: &facts, sees: &|_, _| true, now: NOW };
    let mut slowest = Duration::ZERO;
    for (sort, text) in
        [("name", None), ("-name", None), ("scope", None), ("expires", None), ("last_used", None), ("name", Some("99"))]
    {
        let get = |name: &str| text.filter(|_| name == "q");
        let filter = TokenFilter::read(registry, NOW, &get).map_err(said)?;
        let order = Order::parse(sort).map_err(said)?;
        let mut cursor: Option<String> = None;
        let mut times = Vec::new();
        for _ in 0..PAGES {
            let began = Instant::now();
            let (rows, next) = desk.page(&filter, order, cursor.as_deref(), 100).map_err(said)?;
            let shown: Vec<_> = rows
                .iter()
                .map(|row| views::token(registry, row.token(), book.view(row.token().id, NOW), NOW))
                .collect();
            times.push(began.elapsed());
            assert_eq!(shown.len(), 100);
            cursor = next;
        }
        times.sort_unstable();
        let (fastest, median, longest) = (times[0], times[PAGES / 2], times[PAGES - 1]);
        println!("page by {sort}, text {text:?}: {fastest:?} to {longest:?}, median {median:?}");
        slowest = slowest.max(median);
    }
    Ok(slowest)
}

fn named(n: u64) -> NewToken {
    let expires = n.is_multiple_of(2).then(|| format!("{}d", n % 400 + 1));
    NewToken { name: format!("sender-{n:06}"), scope: "global".to_owned(), expires, ..NewToken::default() }
}

fn entropy(n: u64) -> Entropy {
    let hash = blake3_of(&n.to_le_bytes());
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    Entropy { id, secret: hash }
}

fn mac(secret: &str) -> Mac {
    Mac(blake3_of(secret.as_bytes()))
}

fn blake3_of(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn uuid_of_nothing() -> uuid::Uuid {
    uuid::Uuid::nil()
}

fn said(problem: Problem) -> Box<dyn Error> {
    problem.detail.into()
}
