//! What the running daemon remembers of backups: the schedule, what it has handed out, what failed. The last good ones are
//! part of the state.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tollgate_shared::api::{BackupFailure, BackupMade, BackupView, RestoredView};
use tollgate_shared::time::Timestamp;

use super::Manifest;
use super::plan::Plan;
use crate::core::model::{BackupRecord, Backups, Restored};
use crate::store::Copier;

/// Backups that were handed out and may still be confirmed.
const HANDED_MAX: usize = 8;

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its length.
    pub bytes: u64,
}

/// The room of backups in a daemon.
pub struct BackupBook {
    /// Gives copies of the state.
    pub copier: Arc<dyn Copier>,
    /// The settings that are not the defaults.
    pub settings: Vec<String>,
    /// What is done without being asked; `None` = nothing.
    pub plan: Option<Plan>,
    /// One at a time: each reads the whole state.
    one: Arc<Semaphore>,
    handed: Mutex<Vec<(String, BackupRecord)>>,
    failed: Mutex<Option<BackupFailure>>,
    same_disk: AtomicBool,
}

impl BackupBook {
    /// A book without entries.
    pub fn new(copier: Arc<dyn Copier>, settings: Vec<String>, plan: Option<Plan>) -> Self {
        let (handed, failed, same_disk) = (Mutex::default(), Mutex::default(), AtomicBool::default());
        Self { copier, settings, plan, one: Arc::new(Semaphore::new(1)), handed, failed, same_disk }
    }

    /// The right to make one now; `None` while another one is made.
    pub fn begin(&self) -> Option<OwnedSemaphorePermit> {
        self.one.clone().try_acquire_owned().ok()
    }

    /// Remembers what is on its way to somebody.
    pub fn handed_out(&self, id: String, made: &Made, by: String) {
        let mut handed = locked(&self.handed);
        if handed.len() == HANDED_MAX {
            handed.remove(0);
        }
        handed.push((id, record(made, String::new(), by)));
    }

    /// What was handed out under this id, once.
    pub fn taken(&self, id: &str, place: String) -> Option<BackupRecord> {
        let mut handed = locked(&self.handed);
        let at = handed.iter().position(|(known, _)| known == id)?;
        Some(BackupRecord { place, ..handed.remove(at).1 })
    }

    /// What became of the schedule's last try.
    pub fn tried(&self, failure: Option<BackupFailure>) {
        *locked(&self.failed) = failure;
    }

    /// When the schedule's last try failed, where it did.
    pub fn failed_at(&self) -> Option<Timestamp> {
        locked(&self.failed).as_ref().map(|failure| failure.at)
    }

    /// Where the schedule's directory was found to be; true where that is news.
    pub fn found_on(&self, same_disk: bool) -> bool {
        self.same_disk.swap(same_disk, Ordering::Relaxed) != same_disk
    }

    /// For the status.
    pub fn view(&self, backups: &Backups, now: Timestamp, started_at: Timestamp) -> BackupView {
        let made = |record: &BackupRecord| BackupMade {
            made_at: record.made_at,
            place: record.place.clone(),
            bytes: record.bytes,
            with_key: record.with_key,
            by: record.by.clone(),
        };
        let plan = self.plan.as_ref();
        let since = backups.scheduled.as_ref().map_or(started_at, |record| record.made_at);
        let behind = |plan: &Plan| now.secs_since(since) > 2 * secs(plan.every);
        BackupView {
            last: backups.last.as_ref().map(made),
            last_scheduled: backups.scheduled.as_ref().map(made),
            every_secs: plan.map(|plan| plan.every.as_secs()),
            keep: plan.map(|plan| u32::try_from(plan.keep).unwrap_or(u32::MAX)),
            to: plan.map(|plan| plan.to.display().to_string()),
            failed: locked(&self.failed).clone(),
            overdue: plan.is_some_and(behind),
            same_disk: self.same_disk.load(Ordering::Relaxed),
        }
    }
}

/// For the status.
pub fn restored_view(restored: &Restored) -> RestoredView {
    RestoredView {
        backup_made_at: restored.backup_made_at,
        backup_host: restored.backup_host.clone(),
        at: restored.at,
        new_key: restored.new_key,
    }
}

/// What the state keeps of a backup.
pub(super) fn record(made: &Made, place: String, by: String) -> BackupRecord {
    let Made { manifest, bytes } = made;
    BackupRecord { made_at: manifest.made_at, place, bytes: *bytes, with_key: manifest.with_key, by }
}

pub(super) fn secs(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::START;
    use crate::store::{CopySink, StoreError};
    use std::path::{Path, PathBuf};

    struct Nothing;

    impl Copier for Nothing {
        fn copy(&self, _: &mut dyn CopySink) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn made_at(at: Timestamp) -> BackupRecord {
        let (place, by) = ("/mnt/usb/t.backup".to_owned(), "tollgated".to_owned());
        BackupRecord { made_at: at, place, bytes: 1, with_key: true, by }
    }

    fn plan(to: &Path) -> Plan {
        let (to, passphrase_file) = (to.to_owned(), PathBuf::from("/etc/p"));
        Plan { every: Duration::from_secs(3_600), keep: 7, to, passphrase_file }
    }

    #[test]
    fn a_schedule_that_writes_to_the_disk_of_the_data_is_named_until_it_writes_elsewhere() {
        let data = tempfile::tempdir().unwrap();
        let said = plan(data.path()).same_disk(data.path()).unwrap();
        assert!(said.contains("a backup on the disk that dies is none"), "{said}");
        assert_eq!(plan(Path::new("/proc")).same_disk(data.path()), None);
        let book = BackupBook::new(Arc::new(Nothing), Vec::new(), Some(plan(data.path())));
        let view = || book.view(&Backups::default(), START, START).same_disk;
        assert!(!view() && book.found_on(true) && view());
        assert!(!book.found_on(true), "once");
        assert!(book.found_on(false) && !view());
    }

    #[test]
    fn a_schedule_is_overdue_after_twice_its_interval_also_where_none_was_ever_made() {
        let book = BackupBook::new(Arc::new(Nothing), Vec::new(), Some(plan(Path::new("/mnt/usb"))));
        let none = Backups::default();
        assert!(!book.view(&none, START.plus_secs(7_200), START).overdue);
        assert!(book.view(&none, START.plus_secs(7_201), START).overdue);
        let by_hand = Backups { last: Some(made_at(START.plus_secs(7_000))), scheduled: None };
        assert!(book.view(&by_hand, START.plus_secs(7_201), START).overdue, "one by hand is none of the schedule");
        let scheduled = Some(made_at(START.plus_secs(7_000)));
        let on_time = Backups { last: scheduled.clone(), scheduled };
        assert!(!book.view(&on_time, START.plus_secs(7_201), START).overdue);
        let unplanned = BackupBook::new(Arc::new(Nothing), Vec::new(), None);
        assert!(!unplanned.view(&none, START.plus_secs(1_000_000), START).overdue);
    }
}
