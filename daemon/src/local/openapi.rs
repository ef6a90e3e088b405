//! `GET /v1/openapi.json`.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::edge::{Body, respond};

/// The document as it is committed; a test keeps it equal to what the route table and the wire types say.
const DOCUMENT: &str = include_str!("../../openapi.json");

pub(super) fn show() -> Response<Body> {
    respond::bytes_response(StatusCode::OK, "application/json", Bytes::from_static(DOCUMENT.as_bytes()))
}
