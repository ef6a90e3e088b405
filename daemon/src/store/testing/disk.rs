//! A disk in memory that notes everything that is done to it, fails when it is told to, and shows what a crash at any
//! moment may leave behind.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// What may be torn: the disk writes this many bytes whole or not at all.
const BLOCK_BYTES: usize = 512;

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    live: Vec<u8>,
    journal: Vec<Event>,
    /// Counts down with each change; at zero that change fails, and everything after it until the disk is mended.
    fail_in: Option<usize>,
    broken: bool,
}

#[derive(Clone, Debug)]
enum Event {
    Write(usize, Vec<u8>),
    Length(usize),
    Sync,
}

// === impl Disk ===

impl Disk {
    /// A disk with these bytes on it, all of them durable.
    pub(in crate::store) fn of(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { live: image, ..State::default() })))
    }

    /// Changes so far: moments at which the power may fail.
    pub(in crate::store) fn moments(&self) -> usize {
        self.lock().journal.len()
    }

    /// The `nth` change from now fails, 0 = the next one; so does every later one until [`Disk::mend`].
    pub(in crate::store) fn fail_in(&self, nth: usize) {
        self.lock().fail_in = Some(nth);
    }

    pub(in crate::store) fn mend(&self) {
        let mut state = self.lock();
        state.broken = false;
        state.fail_in = None;
    }

    /// True while changes fail.
    pub(in crate::store) fn is_broken(&self) -> bool {
        self.lock().broken
    }

    /// What is on the disk when the power fails after `moment` changes: everything up to the last sync, and of what came
    /// after it the blocks that `kept` chooses (0 = none, 1 = all, otherwise a seed).
    pub(in crate::store) fn crash_image(&self, moment: usize, kept: u64) -> Vec<u8> {
        self.crash_image_over(&[], moment, kept)
    }

    /// As [`Disk::crash_image`], of a disk that began with these bytes.
    pub(in crate::store) fn crash_image_over(&self, beginning: &[u8], moment: usize, kept: u64) -> Vec<u8> {
        let state = self.lock();
        let past = &state.journal[..moment];
        let synced = past.iter().rposition(|event| matches!(event, Event::Sync)).map_or(0, |sync| sync + 1);
        let mut image = beginning.to_vec();
        for event in &past[..synced] {
            apply(&mut image, event, &mut |_| true);
        }
        let mut random = kept;
        let mut chosen = |_: usize| match kept {
            0 => false,
            1 => true,
            _ => {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                random >> 63 == 1
            }
        };
        for event in &past[synced..] {
            apply(&mut image, event, &mut chosen);
        }
        image
    }

    fn change(&self, event: Event) -> io::Result<()> {
        let mut state = self.lock();
        match &mut state.fail_in {
            Some(0) => {
                state.fail_in = None;
                state.broken = true;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if state.broken {
            return Err(io::Error::other("the disk failed as it was told to"));
        }
        apply(&mut state.live, &event, &mut |_| true);
        state.journal.push(event);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.lock();
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = state.live.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Event::Length(usize::try_from(len).map_err(io::Error::other)?))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(Event::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Event::Write(usize::try_from(offset).map_err(io::Error::other)?, data.to_vec()))
    }
}

fn apply(image: &mut Vec<u8>, event: &Event, chosen: &mut dyn FnMut(usize) -> bool) {
    match event {
        Event::Sync => {}
        Event::Length(length) => {
            if chosen(*length) {
                image.resize(*length, 0);
            }
        }
        Event::Write(offset, data) => {
            let mut from = 0;
            while from < data.len() {
                let start = offset + from;
                let to = data.len().min(from + BLOCK_BYTES - start % BLOCK_BYTES);
                if chosen(start) {
                    let end = offset + to;
                    if image.len() < end {
                        image.resize(end, 0);
                    }
                    image[start..end].copy_from_slice(&data[from..to]);
                }
                from = to;
            }
        }
    }
}
