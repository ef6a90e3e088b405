//! A small blocking HTTP/1.1 client over any stream. It sends exactly what a test says, wrong things too.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::Value;

/// No answer takes longer: the daemon's own longest deadline is 30 s.
const READ_DEADLINE: Duration = Duration::from_secs(40);

/// A stream of either kind.
pub trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: String,
}

/// A connection that is kept open between requests.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    host: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The slug of a problem document; empty where the body is none.
    pub fn slug(&self) -> String {
        let value: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let urn = value["type"].as_str().unwrap_or_default();
        urn.strip_prefix("urn:tollgate:problem:").unwrap_or_default().to_owned()
    }

    /// True where the call was accepted.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Connection {
    /// Over TCP.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn tcp(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?, address)
    }

    /// Over TCP from another address of this host, as which all of 127.0.0.0/8 counts.
    ///
    /// # Errors
    /// Nobody listens there, or the host has no such address.
    pub fn tcp_from(source: Ipv4Addr, address: SocketAddr) -> io::Result<Self> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddrV4::new(source, 0))?;
        connect(&socket, &address)?;
        Self::over(TcpStream::from(socket), address)
    }

    fn over(stream: TcpStream, address: SocketAddr) -> io::Result<Self> {
        stream.set_read_timeout(Some(READ_DEADLINE))?;
        // A head and a body in two small segments would otherwise wait for each other.
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(Box::new(stream)), host: address.to_string() })
    }

    /// Over a unix socket.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(READ_DEADLINE))?;
        Ok(Self { stream: BufReader::new(Box::new(stream)), host: "localhost".to_owned() })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The connection broke, or what came is not HTTP.
    pub fn request(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
        self.send(method, target, headers, body)?;
        self.answer()
    }

    /// Sends a request without waiting for its answer. The body's length is declared.
    ///
    /// # Errors
    /// The connection broke.
    pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let mut all = self.head(method, target, headers);
        all.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        all.extend_from_slice(body);
        self.send_raw(&all)
    }

    /// Request line, host and headers, without the empty line at the end.
    pub fn head(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.into_bytes()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The connection broke.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Reads one answer.
    ///
    /// # Errors
    /// The connection broke, or what came is not HTTP.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let (status, headers) = self.answer_head()?;
        let value = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let mut body = Vec::new();
        if value("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk()? {
                body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = value("content-length") {
            let length = length.parse().map_err(|_| bad("the content length is no number"))?;
            body.resize(length, 0);
            self.stream.read_exact(&mut body)?;
        } else if status != 204 {
            self.stream.read_to_end(&mut body)?;
        }
        Ok(Answer { status, headers, body: String::from_utf8(body).map_err(|_| bad("the body is not UTF-8"))? })
    }

    /// Reads the head of an answer.
    ///
    /// # Errors
    /// The connection broke, or what came is not HTTP.
    pub fn answer_head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| bad(&format!("no status line: {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad("a header has no colon"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Reads one chunk of a chunked body; `None` = the last one.
    ///
    /// # Errors
    /// The connection broke, or what came is no chunk.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = self.line()?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| bad("a chunk has no size"))?;
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk)?;
        self.line()?;
        Ok((size > 0).then_some(chunk))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
