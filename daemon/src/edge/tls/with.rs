//! TLS by rustls with ring: versions 1.2 and 1.3, HTTP/1.1 alone, no client certificates.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use super::TlsError;
use crate::config::TlsFiles;
use crate::edge::door::{Arrival, Door, OpenError, Opening};
use crate::files::{self, FilesError};

/// No chain of certificates and no key is larger.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Makes TLS of accepted connections.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

/// A TCP listener whose connections speak TLS.
pub struct TlsDoor {
    tcp: TcpListener,
    acceptor: Acceptor,
}

/// A connection before its handshake.
pub struct Unopened {
    stream: TcpStream,
    acceptor: Acceptor,
}

impl Acceptor {
    /// Reads certificate and key; the key must be for the daemon's user alone, as the token key is.
    ///
    /// # Errors
    /// [`TlsError`], each with its remedy.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let chain = certificates(&files.certificate)?;
        let key = private_key(&files.key)?;
        let unfit = |source: rustls::Error| TlsError::Unfit {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            source: Box::new(source),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder.map_err(unfit)?.with_no_client_auth().with_single_cert(chain, key).map_err(unfit)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// A door that speaks TLS over this listener.
    pub fn door(self, tcp: TcpListener) -> TlsDoor {
        TlsDoor { tcp, acceptor: self }
    }
}

impl Door for TlsDoor {
    type Io = Unopened;

    async fn accept(&self) -> io::Result<Arrival<Unopened>> {
        Ok(match Door::accept(&self.tcp).await? {
            Arrival::Connected(stream, peer) => {
                Arrival::Connected(Unopened { stream, acceptor: self.acceptor.clone() }, peer)
            }
            Arrival::Refused(what) => Arrival::Refused(what),
        })
    }
}

impl Opening for Unopened {
    type Stream = TlsStream<TcpStream>;

    async fn open(self) -> Result<Self::Stream, OpenError> {
        self.acceptor.0.accept(self.stream).await.map_err(|source| OpenError { what: what_of(&source), source })
    }
}

/// What an operator may know of a failed handshake, as fixed text.
fn what_of(error: &io::Error) -> &'static str {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidMessage(_)) => "no TLS was spoken; this address takes https:// only",
        Some(rustls::Error::AlertReceived(_)) => "the peer refused the certificate or what TLS offers here",
        Some(_) => "the TLS handshake failed",
        None => "the connection ended in the TLS handshake",
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = content(path, Secrecy::Public)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let none = || TlsError::NotPem { path: path.to_owned(), wanted: "certificate" };
    chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(none)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = content(path, Secrecy::Secret)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| TlsError::NotPem { path: path.to_owned(), wanted: "private key" })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Public,
    Secret,
}

/// A file that nobody but the daemon's user may write; a secret one that nobody else may read either.
fn content(path: &Path, secrecy: Secrecy) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    use std::os::unix::fs::MetadataExt;
    let missing = || TlsError::Missing { path: path.to_owned() };
    let file = files::open_existing(path).map_err(TlsError::File)?.ok_or_else(missing)?;
    let io = |doing| move |source| TlsError::File(FilesError::Io { path: path.to_owned(), doing, source });
    let mode = file.metadata().map_err(io("looking at it"))?.mode();
    if secrecy == Secrecy::Secret && mode & 0o077 != 0 {
        let loose = FilesError::Loose { path: path.to_owned(), mode: mode & 0o7777, wanted: "0600" };
        return Err(TlsError::File(loose));
    }
    let mut content = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX).read_to_end(&mut content).map_err(io("reading"))?;
    Ok(content)
}

/// Makes a certificate for these names or addresses that signs itself, and its key: `certificate.pem` and `key.pem` in
/// `directory`, made with mode 0700 where it is missing, for hosts without an authority. Senders are given the certificate
/// as the one to trust.
///
/// # Errors
/// A name that cannot stand in a certificate; a file that exists already: nothing is overwritten.
pub fn self_signed(names: Vec<String>, directory: &Path) -> Result<TlsFiles, TlsError> {
    use std::io::Write;
    let files = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
    let made = rcgen::generate_simple_self_signed(names).map_err(|source| TlsError::Unfit {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source: Box::new(source),
    })?;
    files::create_directory(directory).map_err(TlsError::File)?;
    let key = Zeroizing::new(made.signing_key.serialize_pem());
    let write = |path: &PathBuf, text: &str| {
        let mut file = files::create_new(path).map_err(TlsError::File)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|source| TlsError::File(FilesError::Io { path: path.clone(), doing: "writing", source }))
    };
    write(&files.key, &key)?;
    write(&files.certificate, &made.cert.pem())?;
    Ok(files)
}

#[cfg(test)]
mod tests;
