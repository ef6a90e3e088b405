//! One table of routes for a door: look-up, `Allow`, and nothing else.

use http::Method;
use percent_encoding::percent_decode_str;

/// A route table over the operations `T` that a door has.
#[derive(Debug, Clone)]
pub struct RouteTable<T> {
    router: matchit::Router<Vec<(Method, T)>>,
}

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'t, T> {
    /// The path exists without this method; the value of `Allow`. `OPTIONS` comes out here too.
    MethodNotAllowed {
        allow: String,
    },
    NotFound,
    Route {
        operation: &'t T,
        params: Params,
    },
}

/// The parameters of a matched path, percent-decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// The table contradicts itself: a mistake of the programmer, found when the table is built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the route {method} {path} is there twice or contradicts another one")]
pub struct RouteError {
    pub method: Method,
    pub path: String,
}

// === impl RouteTable ===

impl<T: Clone> RouteTable<T> {
    /// Builds the table from rows such as `(Method::POST, "/v1/tokens/{id}/rotate", Operation::Rotate)`.
    ///
    /// # Errors
    /// [`RouteError`] for a row that is there twice or cannot be told from another.
    pub fn new(rows: &[(Method, &str, T)]) -> Result<Self, RouteError> {
        let mut grouped: Vec<(&str, Vec<(Method, T)>)> = Vec::new();
        for (method, path, operation) in rows {
            let entry = (method.clone(), operation.clone());
            match grouped.iter_mut().find(|(known, _)| known == path) {
                Some((_, methods)) if methods.iter().any(|(known, _)| known == method) => {
                    return Err(RouteError { method: method.clone(), path: (*path).to_owned() });
                }
                Some((_, methods)) => methods.push(entry),
                None => grouped.push((path, vec![entry])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, methods) in grouped {
            let method = methods[0].0.clone();
            router.insert(path, methods).map_err(|_| RouteError { method, path: path.to_owned() })?;
        }
        Ok(RouteTable { router })
    }
}

impl<T> RouteTable<T> {
    /// Looks a request up. `HEAD` finds the route of `GET`; a path that is not UTF-8 after decoding finds nothing,
    /// and a trailing slash is another path (a redirect is never sent).
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Found<'_, T> {
        let Ok(matched) = self.router.at(path) else { return Found::NotFound };
        let Some(params) = Params::decode(&matched.params) else { return Found::NotFound };
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let exact = matched.value.iter().find(|(known, _)| known == method);
        match exact.or_else(|| matched.value.iter().find(|(known, _)| known == wanted)) {
            Some((_, operation)) => Found::Route { operation, params },
            None => Found::MethodNotAllowed { allow: allow(matched.value) },
        }
    }
}

fn allow<T>(methods: &[(Method, T)]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

// === impl Params ===

impl Params {
    /// The value of `{name}`; empty when the route has no such parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn decode(raw: &matchit::Params<'_, '_>) -> Option<Self> {
        let decode = |(name, value): (&str, &str)| {
            let value = percent_decode_str(value).decode_utf8().ok()?;
            Some((name.to_owned(), value.into_owned()))
        };
        raw.iter().map(decode).collect::<Option<Vec<_>>>().map(Params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RouteTable<&'static str> {
        RouteTable::new(&[
            (Method::GET, "/v1/tokens", "list"),
            (Method::POST, "/v1/tokens", "create"),
            (Method::GET, "/v1/tokens/{id}", "one"),
            (Method::POST, "/v1/tokens/{id}/rotate", "rotate"),
            (Method::POST, "/v1/tokens/bulk", "bulk"),
        ])
        .unwrap()
    }

    fn operation(method: &Method, path: &str) -> Option<(&'static str, String)> {
        match table().find(method, path) {
            Found::Route { operation, params } => Some((*operation, params.get("id").to_owned())),
            _ => None,
        }
    }

    #[test]
    fn parameters_are_decoded_and_head_finds_get() {
        assert_eq!(operation(&Method::GET, "/v1/tokens/a%20b"), Some(("one", "a b".into())));
        assert_eq!(operation(&Method::HEAD, "/v1/tokens"), Some(("list", String::new())));
        assert_eq!(operation(&Method::POST, "/v1/tokens/s_1/rotate"), Some(("rotate", "s_1".into())));
        assert_eq!(operation(&Method::POST, "/v1/tokens/bulk"), Some(("bulk", String::new())));
    }

    #[test]
    fn other_methods_get_allow_and_other_paths_nothing() {
        let allow = |method: Method, path: &str| match table().find(&method, path) {
            Found::MethodNotAllowed { allow } => allow,
            other => format!("{other:?}"),
        };
        assert_eq!(allow(Method::PUT, "/v1/tokens"), "GET, HEAD, OPTIONS, POST");
        assert_eq!(allow(Method::OPTIONS, "/v1/tokens/x/rotate"), "OPTIONS, POST");
        assert_eq!(allow(Method::HEAD, "/v1/tokens/x/rotate"), "OPTIONS, POST");
        for path in ["/v1/tokens/", "/v1/tokens/%ff", "/v1//tokens", "*", ""] {
            assert_eq!(table().find(&Method::GET, path), Found::NotFound, "{path}");
        }
    }

    #[test]
    fn contradicting_rows_are_found_when_the_table_is_built() {
        assert!(RouteTable::new(&[(Method::GET, "/a", 1), (Method::GET, "/a", 2)]).is_err());
        assert!(RouteTable::new(&[(Method::GET, "/{a}", 1), (Method::GET, "/{b}", 2)]).is_err());
    }
}
