//! Binds and checks everything that can fail; starts nothing. A failed start leaves no task behind.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arc_swap::ArcSwap;
use interprocess::local_socket::tokio::Listener as LocalListener;
use tokio::net::TcpListener;
use tollgate_shared::limits::LOG_ROW_SECS;

use crate::automation::{Automation, AutomationSettings};
use crate::backup::book::BackupBook;
use crate::clock::Clock;
use crate::config::Config;
use crate::core::call::redact::Redactor;
use crate::core::call::secret_names::DEFAULT_NAMES;
use crate::core::measures::Samplers;
use crate::core::quota::Quotas;
use crate::core::registry::Registry;
use crate::daemon::{Daemon, Facts, MacKey};
use crate::edge::EdgeCounters;
use crate::edge::door::{EdgeLimits, EdgeSettings};
use crate::edge::head::HeadRules;
use crate::edge::tls::{Acceptor, TlsError};
use crate::events::Events;
use crate::files::key::{KeyError, TokenKey};
use crate::files::{self, DataDir, FilesError, LOG_DIR, STATE_FILE};
use crate::ids::Ids;
use crate::jobs::LOG_QUEUE_JOBS;
use crate::lanes::{LaneLimits, Lanes};
use crate::local::Entrance;
use crate::local::bind::{self, BindError, SocketPlan};
use crate::logger::LogTask;
use crate::refused::RefusedRing;
use crate::store::{Loaded, LogSettings, LogStore, OpenFile, RedbLog, RedbStore, StateSettings, Store, StoreError};
use crate::tail::TailHub;
use crate::usage::UsageBook;

/// Memory for pages of the state.
const STATE_CACHE_BYTES: usize = 64 << 20;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory or a file in it.
    #[error("the data directory cannot be used")]
    Files(#[from] FilesError),
    /// The token key.
    #[error("the token key cannot be used")]
    Key(#[from] KeyError),
    /// The store.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// A stored filter.
    #[error("the registry cannot be read: {0}")]
    Registry(String),
    /// The local socket.
    #[error("the local socket cannot be bound")]
    Socket(#[from] BindError),
    /// The TCP listener.
    #[error("{listen} cannot be bound: choose another address with --listen, or stop what holds it")]
    Listen {
        /// The address.
        listen: std::net::SocketAddr,
        /// The kernel's word.
        source: std::io::Error,
    },
    /// Certificate and key.
    #[error("TLS cannot be spoken")]
    Tls(#[from] TlsError),
    /// Threads or random numbers.
    #[error("the host does not give {what}")]
    Host {
        /// What was asked of it.
        what: &'static str,
        /// Its word.
        source: std::io::Error,
    },
}

/// Everything bound and checked, nothing running.
pub struct Assembled {
    pub(crate) daemon: Arc<Daemon>,
    pub(crate) store: Box<dyn Store>,
    pub(crate) log: Box<dyn LogStore>,
    pub(crate) log_tasks: (SyncSender<LogTask>, Receiver<LogTask>),
    pub(crate) tcp: TcpListener,
    /// Where the gate speaks TLS.
    pub(crate) tls: Option<Acceptor>,
    pub(crate) socket: LocalListener,
    /// The reader socket, where there is one.
    pub(crate) reader_socket: Option<(LocalListener, Entrance)>,
    pub(crate) gate_edge: EdgeSettings,
    pub(crate) local_edge: EdgeSettings,
    pub(crate) shutdown: std::time::Duration,
    /// Held for the daemon's life: its lock keeps a second daemon away.
    pub(crate) data_dir: DataDir,
}

/// The two runtimes: a storm at the gate must not keep an operator waiting (architecture.md rule 9).
pub struct Runtimes {
    pub(crate) gate: tokio::runtime::Runtime,
    pub(crate) local: tokio::runtime::Runtime,
}

impl Runtimes {
    /// One worker each.
    ///
    /// # Errors
    /// The host gives no threads.
    pub fn new() -> Result<Self, StartError> {
        let host = |source| StartError::Host { what: "threads", source };
        let build = |name: &str| {
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()
        };
        Ok(Self { gate: build("gate").map_err(host)?, local: build("local").map_err(host)? })
    }
}

/// Opens the files, binds the doors, reads the registry.
///
/// # Errors
/// [`StartError`], each with its remedy; nothing is left running.
pub fn assemble(config: &Config, runtimes: &Runtimes) -> Result<Assembled, StartError> {
    let data_dir = DataDir::open(&config.data_dir)?;
    let (mut store, mac_key) = open_state(&data_dir)?;
    let loaded = store.load()?;
    let registry = Registry::from_loaded(&loaded, 0).map_err(StartError::Registry)?;
    let mut settings = LogSettings::new(data_dir.subdirectory(LOG_DIR)?);
    settings.segment_secs = i64::try_from(config.log.segment_time.as_secs()).unwrap_or(settings.segment_secs);
    settings.segment_bytes = config.log.segment_bytes_max;
    let mut log = RedbLog::open(settings)?;
    let clock = Clock::system(loaded.high_water, &loaded.clock_steps);
    log.drop_before(clock.erasing_now().plus_secs(-LOG_ROW_SECS))?;
    let last_seq = last_seq(&loaded, &log, &clock);
    store.raise_log_seq(last_seq + 1);
    let tls = config.gate.tls.as_ref().map(Acceptor::load).transpose()?;
    let tcp = bind_tcp(config, runtimes)?;
    let listen = tcp.local_addr().map_err(|source| StartError::Listen { listen: config.gate.listen, source })?;
    let socket = bind_socket(config, runtimes)?;
    let reader_socket = bind_reader_socket(config, runtimes)?;
    let facts = facts(config, &loaded, &clock, listen);
    let daemon = Arc::new(Daemon {
        facts,
        clock,
        ids: Ids::default(),
        registry: ArcSwap::from_pointee(registry),
        lanes: Lanes::new(LaneLimits {
            calls: config.limits.queue_calls_max,
            bytes: usize::try_from(config.limits.queue_bytes_max).unwrap_or(usize::MAX),
        }),
        usage: UsageBook::from_records(&loaded.usage),
        quotas: Quotas::default(),
        samplers: Samplers::default(),
        tail: TailHub::new(last_seq, config.limits.tails_per_uid_max),
        refused: RefusedRing::default(),
        events: Events::default(),
        built_in_redactor: redactor(config),
        reader: store.reader(),
        backups: BackupBook::new(store.copier(), config.changed(), config.backup.clone()),
        log_reader: log.reader(),
        meters: crate::daemon::Meters::default(),
        gate_edge: Arc::new(EdgeCounters::default()),
        mac_key,
        people: crate::people::People::default(),
        melt: tokio::sync::Notify::new(),
        automation: Automation::new(automation(config)),
        trials: Arc::new(tokio::sync::Semaphore::new(crate::daemon::TRIALS_MAX)),
    });
    Ok(Assembled {
        gate_edge: gate_edge(config, &daemon),
        local_edge: local_edge(config),
        shutdown: config.limits.shutdown,
        store: Box::new(store),
        log: Box::new(log),
        log_tasks: sync_channel(LOG_QUEUE_JOBS),
        daemon,
        tcp,
        tls,
        socket,
        reader_socket,
        data_dir,
    })
}

/// The key is made on the very first start only; afterwards a missing or foreign key is an error, never a new key.
fn open_state(data_dir: &DataDir) -> Result<(RedbStore, MacKey), StartError> {
    let path = data_dir.file(STATE_FILE);
    let first_start = files::open_existing(&path)?.is_none();
    let key = if first_start { TokenKey::create(data_dir.path())? } else { TokenKey::load(data_dir.path())? };
    let mac_key = MacKey::new(key);
    let mut id = [0; 8];
    getrandom::fill(&mut id)
        .map_err(|error| StartError::Host { what: "random numbers", source: std::io::Error::other(error) })?;
    let open: OpenFile = Arc::new(move || files::open_private(&path).map_err(std::io::Error::other));
    let settings = StateSettings {
        label: STATE_FILE.to_owned(),
        key_check: mac_key.check_value(),
        first_store_id: u64::from_le_bytes(id),
        cache_bytes: STATE_CACHE_BYTES,
    };
    Ok((RedbStore::open(open, settings)?, mac_key))
}

/// The newest seq that was ever given out, as far as state and log know.
fn last_seq(loaded: &Loaded, log: &RedbLog, clock: &Clock) -> u64 {
    let in_log = log.reader().totals(clock.now().plus_secs(-LOG_ROW_SECS)).last_seq.unwrap_or(0);
    in_log.max(loaded.next_log_seq.saturating_sub(1))
}

fn bind_tcp(config: &Config, runtimes: &Runtimes) -> Result<TcpListener, StartError> {
    let listen = config.gate.listen;
    runtimes.gate.block_on(TcpListener::bind(listen)).map_err(|source| StartError::Listen { listen, source })
}

fn bind_socket(config: &Config, runtimes: &Runtimes) -> Result<LocalListener, StartError> {
    let socket = &config.socket;
    let plan = SocketPlan { path: socket.path.clone(), mode: socket.mode, group: socket.group };
    let _entered = runtimes.local.enter();
    Ok(bind::bind(&plan)?)
}

/// Its group is let in by the kernel; without one it is as closed as the admin socket.
fn bind_reader_socket(config: &Config, runtimes: &Runtimes) -> Result<Option<(LocalListener, Entrance)>, StartError> {
    let socket = &config.socket;
    let Some(path) = socket.reader_path.clone() else { return Ok(None) };
    let mode = if socket.reader_group.is_some() { 0o660 } else { socket.mode };
    let _entered = runtimes.local.enter();
    let listener = bind::bind(&SocketPlan { path, mode, group: socket.reader_group })?;
    Ok(Some((listener, Entrance { reader: true, anybody_reads: socket.anybody_reads })))
}

fn facts(config: &Config, loaded: &Loaded, clock: &Clock, listen: std::net::SocketAddr) -> Facts {
    Facts {
        uid: rustix::process::geteuid().as_raw(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        listen,
        self_service: config.self_service.clone(),
        tls: config.gate.tls.is_some(),
        socket: config.socket.path.clone(),
        data_dir: config.data_dir.clone(),
        started_at: clock.now(),
        store_id: loaded.store_id,
        body_bytes_max: usize::try_from(config.gate.body_limit_bytes).unwrap_or(usize::MAX),
        incidents_kept_secs: i64::try_from(config.limits.incidents_kept.as_secs()).unwrap_or(i64::MAX),
    }
}

fn automation(config: &Config) -> AutomationSettings {
    AutomationSettings {
        actions: config.automation.actions.clone(),
        post_allowlist: config.automation.post_allowlist.clone(),
        concurrency: config.automation.concurrency,
        uid: rustix::process::geteuid().as_raw(),
    }
}

fn redactor(config: &Config) -> Redactor {
    let defaults = DEFAULT_NAMES.iter().map(|name| (*name).to_owned());
    Redactor::new(defaults.chain(config.log.redact_members.iter().cloned()))
}

fn gate_edge(config: &Config, daemon: &Arc<Daemon>) -> EdgeSettings {
    let limits = EdgeLimits {
        connections_max: config.gate.connections_max,
        per_address_max: config.gate.connections_per_address_max,
        drain: config.limits.shutdown,
        ..EdgeLimits::default()
    };
    EdgeSettings {
        limits: limits.within_file_descriptors(),
        rules: HeadRules { hosts: config.gate.host_allowlist.clone(), origins: config.gate.origin_allowlist.clone() },
        counters: daemon.gate_edge.clone(),
        on_refused: crate::gate::on_refused_head(daemon.clone()),
    }
}

fn local_edge(config: &Config) -> EdgeSettings {
    let limits = EdgeLimits { drain: config.limits.shutdown, ..EdgeLimits::default() };
    EdgeSettings { limits, ..EdgeSettings::new() }
}
