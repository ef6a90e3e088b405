//! The files that the console writes because it was asked to.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use crate::app::msg::{Failure, Reply};

/// Writes a new file of mode 0600 in the working directory. A file that is there already is never touched.
pub(super) fn write_new(name: &str, text: &str) -> Result<Reply, Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(name);
    let written = opened.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(Reply::Said(format!("written to {name} (mode 0600)"))),
        Err(error) => Err(Failure { words: format!("{name} was not written: {error}"), ..Failure::default() }),
    }
}
