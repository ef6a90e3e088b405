//! A real TLS client against the accept loop, and what is refused.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::time::Duration;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::edge::accept::serve;
use crate::edge::door::{EdgeLimits, EdgeSettings};
use crate::edge::{Peer, RefusedHead, respond};

const NAME: &str = "localhost";

fn made() -> (TempDir, TlsFiles) {
    let directory = TempDir::new().unwrap();
    let files = self_signed(vec![NAME.to_owned(), "127.0.0.1".to_owned()], directory.path()).unwrap();
    (directory, files)
}

/// A door with a handler that says hello, and what it refused.
struct House {
    address: SocketAddr,
    refused: Arc<Mutex<Vec<&'static str>>>,
    stop: CancellationToken,
}

async fn house(files: &TlsFiles, handshake_timeout: Duration) -> House {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let (told, stop) = (refused.clone(), CancellationToken::new());
    let settings = EdgeSettings {
        limits: EdgeLimits { handshake_timeout, ..EdgeLimits::default() },
        on_refused: Arc::new(move |head: RefusedHead| told.lock().unwrap().push(head.what)),
        ..EdgeSettings::new()
    };
    let hello = |_: Request<Incoming>, _: Peer| async { respond::json(StatusCode::OK, &"hello") };
    let door = Acceptor::load(files).unwrap().door(tcp);
    tokio::spawn(serve(door, hello, settings, stop.clone()));
    House { address, refused, stop }
}

impl House {
    async fn refusal(&self) -> &'static str {
        loop {
            if let Some(what) = self.refused.lock().unwrap().first() {
                return what;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// A client that trusts this certificate and no other.
fn connector(files: &TlsFiles) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.certificate).unwrap() {
        roots.add(certificate).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

async fn hello_over_tls(house: &House, connector: &TlsConnector) -> io::Result<String> {
    let tcp = TcpStream::connect(house.address).await?;
    let mut stream = connector.connect(ServerName::try_from(NAME).unwrap(), tcp).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_served_and_one_that_does_not_is_not() {
    let (_directory, files) = made();
    let house = house(&files, Duration::from_secs(20)).await;
    let answer = hello_over_tls(&house, &connector(&files)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("hello"), "{answer}");
    let (_other_directory, other) = made();
    assert!(hello_over_tls(&house, &connector(&other)).await.is_err());
    assert!(house.refusal().await.contains("refused the certificate"));
    house.stop.cancel();
}

#[tokio::test]
async fn plain_http_and_a_slow_handshake_are_refused_and_told() {
    let (_directory, files) = made();
    let house = house(&files, Duration::from_secs(20)).await;
    let mut plain = TcpStream::connect(house.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP/"), "not a word of HTTP");
    assert!(house.refusal().await.contains("https:// only"));
    let slow = self::house(&files, Duration::from_millis(1)).await;
    let mut silent = TcpStream::connect(slow.address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0, "closed");
    assert!(slow.refusal().await.contains("too slow"));
}

#[tokio::test]
async fn an_honest_client_is_served_while_others_hold_their_handshakes_open() {
    let (_directory, files) = made();
    let house = house(&files, Duration::from_secs(20)).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(house.address).await.unwrap());
    }
    let answer = hello_over_tls(&house, &connector(&files)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn files_of_the_wrong_mode_kind_or_content_are_refused_with_the_remedy() {
    let (directory, files) = made();
    let refusal = |files: &TlsFiles| crate::report(&Acceptor::load(files).err().unwrap());
    let with = |certificate: &Path, key: &Path| TlsFiles { certificate: certificate.into(), key: key.into() };
    assert_eq!(std::fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
    chmod(&files.key, 0o640);
    assert!(refusal(&files).contains("chmod 0600"), "{}", refusal(&files));
    chmod(&files.key, 0o600);
    chmod(&files.certificate, 0o666);
    assert!(refusal(&files).contains("chmod 0600"), "{}", refusal(&files));
    chmod(&files.certificate, 0o644);
    assert!(Acceptor::load(&files).is_ok());
    let missing = directory.path().join("none.pem");
    assert!(refusal(&with(&missing, &files.key)).contains("does not exist"));
    assert!(refusal(&with(&files.key, &files.key)).contains("no certificate in PEM form"));
    chmod(&files.certificate, 0o600);
    assert!(refusal(&with(&files.certificate, &files.certificate)).contains("no private key in PEM form"));
    let link = directory.path().join("link.pem");
    std::os::unix::fs::symlink(&files.key, &link).unwrap();
    assert!(refusal(&with(&files.certificate, &link)).contains("a plain file"));
    let (_other_directory, other) = made();
    assert!(refusal(&with(&files.certificate, &other.key)).contains("belongs to"));
    assert!(self_signed(vec![NAME.to_owned()], directory.path()).is_err(), "nothing is overwritten");
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_self_signed_certificate_makes_its_directory_for_its_owner_alone() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("etc").join("tollgate");
    let files = self_signed(vec![NAME.to_owned()], &directory).unwrap();
    assert!(Acceptor::load(&files).is_ok());
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    chmod(&directory, 0o755);
    std::fs::remove_file(&files.key).unwrap();
    std::fs::remove_file(&files.certificate).unwrap();
    assert!(self_signed(vec![NAME.to_owned()], &directory).is_ok());
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o755, "it stays as it was");
}
