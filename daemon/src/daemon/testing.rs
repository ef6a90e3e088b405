//! A daemon without doors and threads, for tests of the rooms that share it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Daemon, Facts, MacKey, Meters};
use crate::automation::{Automation, AutomationSettings};
use crate::backup::book::BackupBook;
use crate::clock::Clock;
use crate::core::call::redact::Redactor;
use crate::core::measures::Samplers;
use crate::core::quota::Quotas;
use crate::core::registry::Registry;
use crate::core::testing::START;
use crate::edge::EdgeCounters;
use crate::events::Events;
use crate::files::key::TokenKey;
use crate::ids::Ids;
use crate::lanes::{LaneLimits, Lanes};
use crate::refused::RefusedRing;
use crate::store::testing::naive::NaiveStore;
use crate::store::testing::naive_log::NaiveLog;
use crate::store::{Copier, CopySink, LogStore, Store, StoreError};
use crate::tail::TailHub;
use crate::usage::UsageBook;

/// The naive store gives none: what backups do is tested on the real one.
struct NoCopies;

impl Copier for NoCopies {
    fn copy(&self, _: &mut dyn CopySink) -> Result<(), StoreError> {
        let source = Box::new(std::io::Error::other("the naive store gives no copies"));
        Err(StoreError::Io { doing: "copy the state".to_owned(), source })
    }
}

/// A daemon over these stores, its clock standing at the start.
pub(crate) fn daemon(store: &NaiveStore, log: &NaiveLog, registry: Registry, last_seq: u64) -> Arc<Daemon> {
    let key_dir = tempfile::TempDir::new().unwrap();
    Arc::new(Daemon {
        facts: Facts {
            uid: 0,
            host: "test".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            self_service: None,
            socket: "none".into(),
            data_dir: "none".into(),
            started_at: START,
            store_id: 42,
            body_bytes_max: 1 << 20,
            incidents_kept_secs: 90 * 86_400,
        },
        clock: Clock::manual(START),
        ids: Ids::default(),
        registry: ArcSwap::from_pointee(registry),
        lanes: Lanes::new(LaneLimits { calls: 8, bytes: 1 << 20 }),
        usage: UsageBook::from_records(&[]),
        quotas: Quotas::default(),
        samplers: Samplers::default(),
        tail: TailHub::new(last_seq, 64),
        refused: RefusedRing::default(),
        events: Events::default(),
        built_in_redactor: Redactor::new(["password"]),
        reader: store.reader(),
        backups: BackupBook::new(Arc::new(NoCopies), Vec::new(), None),
        log_reader: log.reader(),
        meters: Meters::default(),
        gate_edge: Arc::new(EdgeCounters::default()),
        people: crate::people::People::default(),
        melt: tokio::sync::Notify::new(),
        automation: Automation::new(AutomationSettings {
            actions: None,
            post_allowlist: Vec::new(),
            concurrency: 2,
            uid: rustix::process::getuid().as_raw(),
        }),
        trials: Arc::new(tokio::sync::Semaphore::new(super::TRIALS_MAX)),
        mac_key: MacKey::new(TokenKey::create(key_dir.path()).unwrap()),
    })
}
