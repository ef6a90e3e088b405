//! One request of an operator: who, which object, which query, which body.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Request;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use tollgate_shared::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use tollgate_shared::problem::{Problem, Slug};
use zeroize::Zeroize;

use crate::core::access::Actor;
use crate::daemon::Daemon;
use crate::edge::body;
use crate::edge::routes::Params;

/// Bytes of a management body: a filter with all its limits used up is far smaller.
const BODY_BYTES_MAX: u64 = 1 << 20;

/// A body has this long to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// One request.
pub(super) struct Call {
    pub(super) daemon: Arc<Daemon>,
    pub(super) actor: Actor,
    pub(super) params: Params,
    pub(super) request: Request<Incoming>,
}

/// The query of a request.
pub(super) struct Query<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl Call {
    /// The reference in the path.
    pub(super) fn reference(&self, name: &str) -> &str {
        self.params.get(name)
    }

    /// The query, with every parameter known.
    ///
    /// # Errors
    /// A parameter that this route does not have.
    pub(super) fn query(&self, known: &[&str]) -> Result<Query<'_>, Problem> {
        Query::of(self.request.uri().query().unwrap_or(""), known)
    }

    /// Reads the body as JSON; gives back everything else of the request.
    ///
    /// # Errors
    /// Too large, too slow, or not of this shape.
    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<(Arc<Daemon>, Actor, Params, T), Problem> {
        let (daemon, actor, params, value) = self.json_or_nothing().await?;
        let missing = || Problem::new(Slug::MalformedJson, "the body does not fit: it is empty");
        Ok((daemon, actor, params, value.ok_or_else(missing)?))
    }

    /// The same where a member of the body is a secret: what does not fit is named by its place, never repeated.
    ///
    /// # Errors
    /// Too large, too slow, or not of this shape.
    pub(super) async fn secret_json<T: DeserializeOwned>(self) -> Result<(Arc<Daemon>, Actor, Params, T), Problem> {
        self.json::<T>().await.map_err(|problem| {
            let of_shape = matches!(problem.slug(), Ok(Slug::Validation | Slug::MalformedJson));
            let place = problem.detail.rfind(" at line ").map_or("", |at| &problem.detail[at..]);
            let detail = format!("the body does not fit{place}; the interface's document says what it takes");
            if of_shape { Problem { detail, ..problem } } else { problem }
        })
    }

    /// The same where the body may be left out.
    ///
    /// # Errors
    /// Too large, too slow, or there and not of this shape.
    pub(super) async fn json_or_nothing<T: DeserializeOwned>(
        self,
    ) -> Result<(Arc<Daemon>, Actor, Params, Option<T>), Problem> {
        let incoming = self.request.into_body();
        let bytes = body::read_body(incoming, BODY_BYTES_MAX, BODY_DEADLINE)
            .await
            .map(owned)
            .map_err(|error| Problem::new(error.slug(), error.to_string()))?;
        if bytes.is_empty() {
            return Ok((self.daemon, self.actor, self.params, None));
        }
        let read = serde_json::from_slice(&bytes);
        wipe(bytes);
        let value = read.map_err(|error| {
            let slug = if error.is_data() { Slug::Validation } else { Slug::MalformedJson };
            Problem::new(slug, format!("the body does not fit: {error}"))
        })?;
        Ok((self.daemon, self.actor, self.params, Some(value)))
    }
}

/// A body in memory of its own. What is read from a connection shares the connection's buffer, and while somebody else
/// holds that, nobody can wipe it; let go of, it is the first that the next request is read into.
fn owned(bytes: Bytes) -> BytesMut {
    let own = BytesMut::from(bytes.as_ref());
    if let Ok(mut unshared) = bytes.try_into_mut() {
        unshared.as_mut().zeroize();
    }
    own
}

/// A body may hold a passphrase or a token's value: nothing of it stays in memory that is given back.
fn wipe(mut bytes: BytesMut) {
    bytes.as_mut().zeroize();
}

/// The parameters of a query string, decoded.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let decode = |text| percent_decode_str(text).decode_utf8_lossy();
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

impl<'q> Query<'q> {
    /// A query string, with every parameter known.
    ///
    /// # Errors
    /// A parameter that is not among `known`.
    pub(super) fn of(text: &'q str, known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<_> = pairs(text).collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_ref())) {
            Some((name, _)) => {
                let detail = format!("there is no parameter `{name}` here; known: {}", known.join(", "));
                Err(Problem::new(Slug::Validation, detail).with_error(name.as_ref(), "unknown"))
            }
            None => Ok(Query(pairs)),
        }
    }
}

impl Query<'_> {
    /// A parameter that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_ref())
    }

    /// A parameter of a type.
    ///
    /// # Errors
    /// It is there and does not parse.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|why: T::Err| {
            let shown: String = text.chars().take(80).collect();
            Problem::new(Slug::Validation, format!("{name}: `{shown}`: {why}")).with_error(name, why.to_string())
        })
    }

    /// Rows of the page: 100, or what was asked for, at most 1,000.
    ///
    /// # Errors
    /// It is there and is no number.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        Ok(self.parsed::<usize>("limit")?.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX))
    }
}
