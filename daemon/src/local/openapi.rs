//! `GET /v1/openapi.json`.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::edge::{Body, respond};

/// The document as it is committed; a test keeps it equal to what the route table and the wire types say.
const DOCUMENT: &str = include_str!("../../openapi.json");

pub(super) fn show() -> Response<Body> {
    respond::bytes_response(StatusCode::OK, "application/json", Bytes::from_static(DOCUMENT.as_bytes()))
}

#[cfg(test)]
mod gate;
#[cfg(test)]
mod generate;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod schemas;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_committed_document_is_what_the_routes_and_wire_types_say() {
        let made = generate::document();
        if std::env::var_os("TOLLGATE_WRITE_OPENAPI").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"), &made).unwrap();
            return;
        }
        assert!(
            made == DOCUMENT,
            "daemon/openapi.json is stale: run this test with TOLLGATE_WRITE_OPENAPI=1, then commit"
        );
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere_and_every_route_is_in_it() {
        let document: Value = serde_json::from_str(&generate::document()).unwrap();
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        for (method, path, _) in crate::local::people_routes::all() {
            assert!(document["paths"][path][method.as_str().to_lowercase()].is_object(), "{method} {path}");
        }
        for (method, path, _) in crate::gate::ROUTES {
            assert!(document["paths"][path][method.as_str().to_lowercase()].is_object(), "{method} {path}");
        }
        let new_token = &document["components"]["schemas"]["NewToken"];
        assert_eq!(new_token["required"], serde_json::json!(["name", "scope"]));
        assert_eq!(new_token["properties"]["allowed_ips"]["items"]["type"], "string");
        assert!(document["components"]["schemas"]["TokenView"]["properties"].get("secret").is_none());
    }
}
