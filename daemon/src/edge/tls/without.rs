//! A build without TLS: there is never an acceptor.

use tokio::net::TcpListener;

use super::TlsError;
use crate::config::TlsFiles;

/// Of this there is none in this build.
pub enum Acceptor {}

impl Acceptor {
    /// Always refused.
    ///
    /// # Errors
    /// [`TlsError::NotBuilt`].
    pub fn load(_: &TlsFiles) -> Result<Self, TlsError> {
        Err(TlsError::NotBuilt)
    }

    /// Never called: there is no acceptor.
    pub fn door(self, _: TcpListener) -> TcpListener {
        match self {}
    }
}
