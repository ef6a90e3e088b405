//! The engine's panics are damage.
//!
//! It trusts a page that it reads: where bytes have changed on the disk it may stop with a panic, which must not end the
//! thread that reads or writes, and which is no news to anybody but as the error that it becomes here.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use super::segment::Unusable;
use crate::store::StoreError;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Ends being guarded, however the work ends.
struct Until(bool);

impl Drop for Until {
    fn drop(&mut self) {
        IS_GUARDED.set(self.0);
    }
}

/// Does `work`, of which nothing outlives a panic but what is thrown away then.
pub(in crate::store) fn guarded<T>(work: impl FnOnce() -> Result<T, Unusable>) -> Result<T, Unusable> {
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            // A guarded panic is told as an error, once; printed as well it would look like one of ours.
            if !IS_GUARDED.try_with(Cell::get).unwrap_or(false) {
                others(panic);
            }
        }));
    });
    let until = Until(IS_GUARDED.replace(true));
    let done = catch_unwind(AssertUnwindSafe(work));
    drop(until);
    done.unwrap_or_else(|panic| {
        let detail = format!("its pages contradict each other; the engine stopped: {}", words_of(panic.as_ref()));
        Err(Unusable::Damaged(StoreError::Damaged { what: "the file".to_owned(), detail }))
    })
}

/// The first line, which may be of any length where it shows a value.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).unwrap_or("without a word").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_engine_is_an_error_with_its_words() {
        let stopped: Result<(), _> = guarded(|| panic!("page {} is not there", 7));
        let error = stopped.unwrap_err().into_error();
        assert!(error.to_string().contains("the engine stopped: page 7 is not there"), "{error}");
        assert!(guarded(|| Ok(3)).is_ok_and(|it| it == 3));
    }
}
