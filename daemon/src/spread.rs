//! Work over many items, shared among the processors.

use std::num::NonZeroUsize;
use std::thread;

/// A part of the work ended in a panic; nothing of it is known.
#[derive(Debug, thiserror::Error)]
#[error("a part of the work ended in a panic")]
pub struct Panicked;

/// What `work` makes of `items`, in their order: in as many parts as there are processors, none on a thread of its own
/// where there are fewer than `worth` items for it.
///
/// # Errors
/// A part panicked.
pub fn over<T: Sync, R: Send>(
    items: &[T],
    worth: NonZeroUsize,
    work: impl Fn(&[T]) -> R + Sync,
) -> Result<Vec<R>, Panicked> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(items.len() / worth).max(1);
    thread::scope(|scope| {
        let parts = items.chunks(items.len().div_ceil(threads).max(1));
        let work = &work;
        let started: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        // All are joined before one is judged: a part that nobody joined would take its panic to the scope's end.
        let joined: Vec<_> = started.into_iter().map(thread::ScopedJoinHandle::join).collect();
        joined.into_iter().map(|part| part.map_err(|_| Panicked)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..10_001).collect();
        let parts = over(&items, NonZeroUsize::MIN, <[u32]>::to_vec).unwrap();
        assert_eq!(parts.concat(), items);
        assert!(over(&[0_u32; 0], NonZeroUsize::MIN, <[u32]>::to_vec).unwrap().is_empty());
    }

    #[test]
    fn panic_of_a_part_is_an_error() {
        assert!(over(&[1, 2], NonZeroUsize::MIN, |_| panic!("a part")).map(|_: Vec<()>| ()).is_err());
    }
}
