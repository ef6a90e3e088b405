//! What the tests of this room share: rows to store, a plain reference implementation, a disk that fails.

pub(super) mod disk;
pub(super) mod naive;
pub(super) mod naive_log;
pub(super) mod samples;
