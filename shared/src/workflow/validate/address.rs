//! Where a step may post to: one strict reading of a URL, so that what was allowed is what is called.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// Characters of a URL.
const URL_CHARS_MAX: usize = 2_048;
/// Bytes of a host name (RFC 1035).
const HOST_BYTES_MAX: usize = 253;
/// Bytes of one part of it.
const LABEL_BYTES_MAX: usize = 63;

/// Why a text is no address to post to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UrlError {
    /// The host is no name and no address in its one usual form.
    #[error("the host is neither a name nor an address; write IPv4 as 192.0.2.7 and IPv6 as [2001:db8::7]")]
    Host,
    /// `https`.
    #[error("this daemon posts over http only; put a local TLS proxy on the allowlist for https")]
    Https,
    /// A port that is none.
    #[error("the port is a number from 1 to 65535")]
    Port,
    /// A character that no URL has, or a fragment.
    #[error(
        "only the characters of a URL: visible ASCII without `#`, `\\`, quotes, brackets and spaces; escape others as %20"
    )]
    Character,
    /// Not `http://`.
    #[error("an address begins with http://")]
    Scheme,
    /// Too long.
    #[error("at most {URL_CHARS_MAX} characters")]
    TooLong,
    /// `user:password@`.
    #[error("no user or password in an address: everybody who sees the workflow would read it")]
    UserInfo,
}

/// An `http` URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress {
    /// In lower case, without the brackets of IPv6.
    pub host: String,
    /// The host as an address, where it is one; IPv4 inside IPv6 as IPv4.
    pub ip: Option<IpAddr>,
    /// 80 where none is named.
    pub port: u16,
    /// Begins with `/`.
    pub path_and_query: String,
}

impl WebAddress {
    /// Reads a URL.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        if url.len() > URL_CHARS_MAX {
            return Err(UrlError::TooLong);
        }
        let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
        if lower.starts_with("https://") {
            return Err(UrlError::Https);
        }
        if !lower.starts_with("http://") {
            return Err(UrlError::Scheme);
        }
        let rest = &url[7..];
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        if !tail.bytes().all(is_url_byte) {
            return Err(UrlError::Character);
        }
        let (host, ip, port) = parse_authority(authority)?;
        let path_and_query = if tail.starts_with('/') { tail.to_owned() } else { format!("/{tail}") };
        Ok(Self { host, ip, port, path_and_query })
    }

    /// The same without path: what the allowlist names.
    pub fn origin(&self) -> String {
        let host = match self.ip {
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            Some(IpAddr::V4(ip)) => ip.to_string(),
            None => self.host.clone(),
        };
        format!("http://{host}:{}", self.port)
    }

    /// What the `Host` header says: the port only where it is not 80.
    pub fn host_header(&self) -> String {
        let origin = self.origin();
        let authority = origin.trim_start_matches("http://");
        if self.port == 80 { authority.trim_end_matches(":80").to_owned() } else { authority.to_owned() }
    }
}

impl FromStr for WebAddress {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path_and_query)
    }
}

fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"#\\\"<>^`{|}".contains(&byte)
}

fn parse_authority(authority: &str) -> Result<(String, Option<IpAddr>, u16), UrlError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or(UrlError::Host)?;
        let ip: Ipv6Addr = inside.parse().map_err(|_| UrlError::Host)?;
        let ip = IpAddr::V6(ip).to_canonical();
        return Ok((ip.to_string(), Some(ip), parse_port(after)?));
    }
    let (host, port) = match authority.find(':') {
        Some(colon) => authority.split_at(colon),
        None => (authority, ""),
    };
    let (host, port) = (host.to_ascii_lowercase(), parse_port(port)?);
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok((host, Some(IpAddr::V4(ip)), port));
    }
    if is_host_name(&host) { Ok((host, None, port)) } else { Err(UrlError::Host) }
}

fn parse_port(text: &str) -> Result<u16, UrlError> {
    if text.is_empty() {
        return Ok(80);
    }
    let digits = text.strip_prefix(':').ok_or(UrlError::Host)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0).ok_or(UrlError::Port)
}

/// Letters, digits, `-`, `_` and dots. A name whose last part is a number (`127.1`, `0x7f.1`, `2130706433`) is what some
/// resolvers take for an address; here it is nothing.
fn is_host_name(host: &str) -> bool {
    let bare = host.strip_suffix('.').unwrap_or(host);
    let fits = !bare.is_empty() && bare.len() <= HOST_BYTES_MAX;
    let label = |label: &str| {
        let inside = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && inside
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = bare.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    fits && !numeric && bare.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<String, UrlError> {
        WebAddress::parse(url).map(|address| address.origin())
    }

    #[test]
    fn a_url_has_one_reading() {
        let address = WebAddress::parse("http://Hooks.Example:8080/a?b=c").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("hooks.example", 8080));
        assert_eq!(address.path_and_query, "/a?b=c");
        assert_eq!(address.to_string(), "http://hooks.example:8080/a?b=c");
        assert_eq!(origin("http://h?x").as_deref(), Ok("http://h:80"));
        assert_eq!(WebAddress::parse("http://h/x").unwrap().host_header(), "h");
        assert_eq!(WebAddress::parse("http://h:8080/").unwrap().host_header(), "h:8080");
    }

    #[test]
    fn ipv4_inside_ipv6_is_ipv4() {
        assert_eq!(origin("http://[::ffff:127.0.0.1]:80/").as_deref(), Ok("http://127.0.0.1:80"));
        assert_eq!(origin("http://[2001:DB8::7]").as_deref(), Ok("http://[2001:db8::7]:80"));
    }

    #[test]
    fn odd_forms_of_an_address_are_nothing() {
        for host in
            ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0x7f000001", "a.0x1", "1.2.3.4.5", "::1", "", "-a", "a..b"]
        {
            let found = origin(&format!("http://{host}/"));
            assert!(matches!(found, Err(UrlError::Host | UrlError::Port)), "{host}: {found:?}");
        }
    }

    #[test]
    fn credentials_fragments_and_foreign_schemes_are_refused() {
        assert_eq!(origin("http://user:pw@host/"), Err(UrlError::UserInfo));
        assert_eq!(origin("http://good@evil/"), Err(UrlError::UserInfo));
        assert_eq!(origin("https://host/"), Err(UrlError::Https));
        assert_eq!(origin("ftp://host/"), Err(UrlError::Scheme));
        assert_eq!(origin("http://host/a#b"), Err(UrlError::Character));
        assert_eq!(origin("http://host/a b"), Err(UrlError::Character));
        assert_eq!(origin("http://host\\@evil/"), Err(UrlError::UserInfo));
        assert_eq!(origin("http://host:0/"), Err(UrlError::Port));
        assert_eq!(origin("http://host:+8/"), Err(UrlError::Port));
    }
}
