//! TLS at the gate: certificate and key from files, read once at the start; a new certificate needs a restart.
//!
//! Only with the feature `tls`. Without it the settings are known all the same, and refused with the reason: a gate that
//! silently spoke plain HTTP would show every token to the network.

#[cfg(feature = "tls")]
mod with;
#[cfg(not(feature = "tls"))]
mod without;

use std::path::PathBuf;

#[cfg(feature = "tls")]
pub use self::with::{Acceptor, self_signed};
#[cfg(not(feature = "tls"))]
pub use self::without::Acceptor;

use crate::files::FilesError;

/// Why the gate cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("certificate and key cannot be used together: check that {} belongs to {}", .key.display(), .certificate.display())]
    Unfit { certificate: PathBuf, key: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("a file for TLS cannot be used")]
    File(#[source] FilesError),
    #[error("{} does not exist: name the file, or make one with `tollgated self-signed`", .path.display())]
    Missing { path: PathBuf },
    #[error("{} holds no {wanted} in PEM form", .path.display())]
    NotPem { path: PathBuf, wanted: &'static str },
    #[error("this tollgated was built without TLS: build it with `--features tls`, or take the two settings away")]
    NotBuilt,
}
