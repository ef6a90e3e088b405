//! The rules of a request head that hold on every route, checked before a handler runs.
//!
//! HTTP/1.1 (RFC 9112 sections 3.2 and 6.3) wants exactly one `Host` and one framing; DNS rebinding and web pages are
//! kept out by the host allowlist and by refusing `Origin`.

use std::net::IpAddr;

use http::header::{CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Version};
use tollgate_shared::problem::Slug;

use super::Peer;
use super::tap::Framing;

/// What a door allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadRules {
    /// Host names that are served besides IP literals and `localhost`; compared without case and port.
    pub hosts: Vec<String>,
    /// `Origin` values that are let in, compared whole (`https://noc.example`). Empty refuses every browser.
    pub origins: Vec<String>,
}

/// Why a head was refused: the slug, and fixed text that says which rule it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadRefusal {
    pub reason: Slug,
    pub what: &'static str,
}

/// Checks one head. The local socket skips the host allowlist: a name cannot be rebound to a file.
pub(crate) fn check(
    parts: &Parts,
    framing: Option<Framing>,
    rules: &HeadRules,
    peer: &Peer,
) -> Result<(), HeadRefusal> {
    check_framing(parts, framing.ok_or_else(|| malformed("the head is ambiguous"))?)?;
    let host = only_host(parts)?;
    if matches!(peer, Peer::Tcp(_)) {
        check_host(parts, host, rules)?;
    }
    check_origin(&parts.headers, rules)
}

fn check_framing(parts: &Parts, framing: Framing) -> Result<(), HeadRefusal> {
    if framing.bare_line_feed {
        return Err(malformed("a line of the head ends without a carriage return"));
    }
    if framing.content_length && framing.transfer_encoding {
        return Err(malformed("content-length and transfer-encoding exclude each other"));
    }
    if !matches!(parts.version, Version::HTTP_10 | Version::HTTP_11) {
        return Err(malformed("only http/1.1 and http/1.0 are spoken"));
    }
    if parts.method == Method::CONNECT {
        return Err(HeadRefusal { reason: Slug::MethodNotAllowed, what: "this is not a proxy" });
    }
    let has_length = parts.headers.contains_key(CONTENT_LENGTH);
    if (has_length && !framing.content_length)
        || (parts.headers.contains_key(TRANSFER_ENCODING) && !framing.transfer_encoding)
    {
        return Err(malformed("the head is ambiguous"));
    }
    check_transfer_encoding(&parts.headers)
}

/// hyper accepts any list that ends in `chunked`; nothing here can undo another coding.
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), HeadRefusal> {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    let only_chunked = values.next().is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if only_chunked && values.next().is_none() {
        return Ok(());
    }
    Err(malformed("the only transfer-encoding taken is a single chunked"))
}

/// The one `Host` value; HTTP/1.0 may come without.
fn only_host(parts: &Parts) -> Result<Option<&str>, HeadRefusal> {
    let mut values = parts.headers.get_all(HOST).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(malformed("more than one host header"));
    }
    match first {
        None if parts.version == Version::HTTP_10 => Ok(None),
        None => Err(malformed("the host header is missing")),
        Some(value) => value.to_str().map(Some).map_err(|_| malformed("the host header is not text")),
    }
}

/// The authority of an absolute-form target stands above `Host` (RFC 9112 section 3.2.2), so both must be served.
fn check_host(parts: &Parts, host: Option<&str>, rules: &HeadRules) -> Result<(), HeadRefusal> {
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    if [host, target].into_iter().flatten().all(|name| host_is_served(name, rules)) {
        return Ok(());
    }
    Err(HeadRefusal {
        reason: Slug::HostNotAllowed,
        what: "the host is neither an address nor in host_allowlist of [gate] in tollgate.toml",
    })
}

/// Whether a `Host` value (`name`, `name:port`, `[v6]:port`) is an IP literal, `localhost`, or on the allowlist.
fn host_is_served(host: &str, rules: &HeadRules) -> bool {
    let Some(name) = host_name(host) else { return false };
    if let Some(inner) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4())
        || rules.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// The host without its port; `None` when what follows the name is no port.
fn host_name(host: &str) -> Option<&str> {
    let end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    let (name, rest) = host.split_at(end);
    let port_ok = match rest.strip_prefix(':') {
        None => rest.is_empty(),
        Some(port) => port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()),
    };
    (port_ok && !name.is_empty()).then_some(name)
}

fn check_origin(headers: &HeaderMap, rules: &HeadRules) -> Result<(), HeadRefusal> {
    let is_allowed =
        |origin: &[u8]| rules.origins.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin));
    if headers.get_all(ORIGIN).iter().all(|value| is_allowed(value.as_bytes())) {
        return Ok(());
    }
    Err(HeadRefusal { reason: Slug::OriginNotAllowed, what: "requests from web pages are refused" })
}

fn malformed(what: &'static str) -> HeadRefusal {
    HeadRefusal { reason: Slug::MalformedRequest, what }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn verdict(version: Version, uri: &str, headers: &[(&str, &str)], peer: &Peer) -> Result<(), Slug> {
        let mut request = Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let rules = HeadRules { hosts: vec!["noc.example".into()], origins: vec!["https://noc.example".into()] };
        let framing = Framing {
            content_length: parts.headers.contains_key(CONTENT_LENGTH),
            transfer_encoding: parts.headers.contains_key(TRANSFER_ENCODING),
            ..Framing::default()
        };
        check(&parts, Some(framing), &rules, peer).map_err(|refusal| refusal.reason)
    }

    fn tcp() -> Peer {
        Peer::Tcp("192.0.2.9:4000".parse().unwrap())
    }

    #[test]
    fn only_addresses_localhost_and_listed_names_are_served() {
        for host in [
            "127.0.0.1",
            "10.1.2.3:7480",
            "[::1]:7480",
            "[fe80::1]",
            "localhost",
            "LOCALHOST:7480",
            "noc.example",
            "Noc.Example.:80",
            "localhost:",
        ] {
            assert_eq!(verdict(Version::HTTP_11, "/", &[("host", host)], &tcp()), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "noc.example.evil.example",
            "127.0.0.1.evil.example",
            "localhost:80:80",
            "::1",
            "[evil]",
            "user@localhost",
            "localhost:80@evil",
            "[::1]x",
            ":80",
            "127.1",
            "0x7f000001",
            "2130706433",
        ] {
            let got = verdict(Version::HTTP_11, "/", &[("host", host)], &tcp());
            assert_eq!(got, Err(Slug::HostNotAllowed), "{host}");
        }
    }

    #[test]
    fn local_socket_skips_the_allowlist_but_not_the_count_of_hosts() {
        let local = Peer::Local { uid: 1000, gid: 1000, pid: 1 };
        assert_eq!(verdict(Version::HTTP_11, "/", &[("host", "anything")], &local), Ok(()));
        assert_eq!(verdict(Version::HTTP_11, "/", &[], &local), Err(Slug::MalformedRequest));
        assert_eq!(
            verdict(Version::HTTP_11, "/", &[("host", "a"), ("host", "a")], &local),
            Err(Slug::MalformedRequest)
        );
        assert_eq!(verdict(Version::HTTP_10, "/", &[], &local), Ok(()));
    }

    #[test]
    fn absolute_target_is_checked_like_host() {
        let host = [("host", "localhost")];
        assert_eq!(verdict(Version::HTTP_11, "http://127.0.0.1/v1/process", &host, &tcp()), Ok(()));
        assert_eq!(verdict(Version::HTTP_11, "http://evil.example/", &host, &tcp()), Err(Slug::HostNotAllowed));
    }

    #[test]
    fn origin_is_refused_unless_configured() {
        for (origin, expected) in [
            ("https://noc.example", Ok(())),
            ("null", Err(Slug::OriginNotAllowed)),
            ("https://noc.example:8443", Err(Slug::OriginNotAllowed)),
        ] {
            let headers = [("host", "localhost"), ("origin", origin)];
            assert_eq!(verdict(Version::HTTP_11, "/", &headers, &tcp()), expected, "{origin}");
        }
    }

    #[test]
    fn one_chunked_is_the_only_transfer_encoding() {
        for (value, ok) in [("chunked", true), ("Chunked", true), ("gzip, chunked", false), ("chunked, chunked", false)]
        {
            let headers = [("host", "localhost"), ("transfer-encoding", value)];
            assert_eq!(verdict(Version::HTTP_11, "/", &headers, &tcp()).is_ok(), ok, "{value}");
        }
        let twice = [("host", "localhost"), ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(verdict(Version::HTTP_11, "/", &twice, &tcp()), Err(Slug::MalformedRequest));
    }
}
