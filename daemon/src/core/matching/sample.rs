//! Calls and filters for tests.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_shared::filter::{Condition, FilterSpec, Op};
use uuid::Uuid;

use super::{CompiledCondition, CompiledFilter};
use crate::core::call::Call;

/// A call whose body is this text; JSON where it is an object or array.
pub(super) fn call(text: &str) -> Call {
    Call {
        headers: Vec::new(),
        query: Vec::new(),
        source_ip: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        text: text.to_owned(),
        json: serde_json::from_str(text).ok().filter(|json: &Value| json.is_object() || json.is_array()),
    }
}

/// A filter from the JSON of its trigger and resolve parts; its id is its position.
pub(super) fn filter(position: u32, trigger: Value, resolve: Option<Value>) -> Arc<CompiledFilter> {
    let trigger = serde_json::from_value(trigger).unwrap();
    let resolve = resolve.map(|part| serde_json::from_value(part).unwrap());
    compiled(position, &FilterSpec { name: format!("filter {position}"), enabled: true, trigger, resolve })
}

pub(super) fn compiled(position: u32, spec: &FilterSpec) -> Arc<CompiledFilter> {
    Arc::new(CompiledFilter::compile(Uuid::from_u128(position.into()), position, spec).unwrap())
}

/// A condition from its JSON.
pub(super) fn condition(json: Value) -> CompiledCondition {
    CompiledCondition::compile(&serde_json::from_value::<Condition>(json).unwrap(), "c").unwrap()
}

/// Does `path op values` hold for a call with this body?
pub(super) fn holds(path: &str, op: Op, values: &[&str], body: &str) -> bool {
    condition(json!({ "path": path, "op": op, "values": values })).holds(&call(body))
}
