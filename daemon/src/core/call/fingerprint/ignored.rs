//! `dedup_ignore`: what is left out of a call's content before it is compared (domain.md §4).

use serde_json::Value;
use tollgate_shared::filter::{Path, Segment};

/// `value` without what the paths select; a text that is no path selects nothing, for it was refused on save.
pub(super) fn without(value: &Value, paths: &[String]) -> Value {
    let mut value = value.clone();
    for path in paths.iter().filter_map(|text| Path::parse(text).ok()) {
        remove(&mut value, path.segments());
    }
    value
}

fn remove(value: &mut Value, path: &[Segment]) {
    let Some((first, rest)) = path.split_first() else { return };
    match (first, value) {
        (Segment::Key(key), Value::Object(members)) if rest.is_empty() => drop(members.remove(key)),
        (Segment::Key(key), Value::Object(members)) => {
            if let Some(inner) = members.get_mut(key) {
                remove(inner, rest);
            }
        }
        (Segment::Index(at), Value::Array(items)) => {
            if let Some(item) = usize::try_from(*at).ok().and_then(|at| items.get_mut(at)) {
                remove_item(item, rest);
            }
        }
        (Segment::All, Value::Array(items)) => items.iter_mut().for_each(|item| remove_item(item, rest)),
        _ => {}
    }
}

/// An element that is left out leaves `null`, so that the others keep their places.
fn remove_item(item: &mut Value, rest: &[Segment]) {
    if rest.is_empty() { *item = Value::Null } else { remove(item, rest) }
}
