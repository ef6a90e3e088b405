//! JSON Schemas of wire types, as the probe finds them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::probe::{Kind, Step, kind_at};

/// The document's `components.schemas`.
#[derive(Default)]
pub(super) struct Schemas(pub(super) BTreeMap<String, Value>);

impl Schemas {
    /// The schema of a type: a reference where it has a name.
    pub(super) fn of<T: DeserializeOwned>(&mut self) -> Value {
        self.at::<T>(&[])
    }

    /// The schema of what a request takes: the members that must be there are found by leaving them out.
    pub(super) fn of_request<T: DeserializeOwned>(&mut self) -> Value {
        let reference = self.of::<T>();
        let Some(Kind::Struct(name, _)) = kind_at::<T>(&[]) else { return reference };
        let required = required::<T>();
        if let Some(schema) = self.0.get_mut(name).and_then(Value::as_object_mut) {
            schema.remove("required");
            if !required.is_empty() {
                schema.insert("required".to_owned(), json!(required));
            }
        }
        reference
    }

    fn at<T: DeserializeOwned>(&mut self, path: &[Step]) -> Value {
        let step = |step| [path, &[step]].concat();
        match kind_at::<T>(path) {
            Some(Kind::Bool) => json!({ "type": "boolean" }),
            Some(Kind::Integer) => json!({ "type": "integer" }),
            Some(Kind::Number) => json!({ "type": "number" }),
            Some(Kind::String) => json!({ "type": "string" }),
            Some(Kind::Map) => json!({ "type": "object" }),
            Some(Kind::Tuple) => json!({ "type": "array" }),
            Some(Kind::Unit) => json!({ "type": "null" }),
            Some(Kind::Seq) => json!({ "type": "array", "items": self.at::<T>(&step(Step::Element)) }),
            Some(Kind::Option) => json!({ "anyOf": [self.at::<T>(&step(Step::Inside)), { "type": "null" }] }),
            Some(Kind::Newtype) => self.at::<T>(&step(Step::Inside)),
            Some(Kind::Struct(name, fields)) => self.named(name, path, |schemas| schemas.object::<T>(path, fields)),
            Some(Kind::Enum(name, variants)) => self.named(name, path, |schemas| schemas.choice::<T>(path, variants)),
            Some(Kind::Any) | None => json!({}),
        }
    }

    /// A named type is described once; two types of one name would be a mistake in the document.
    fn named(&mut self, name: &str, _: &[Step], make: impl FnOnce(&mut Self) -> Value) -> Value {
        if name.is_empty() {
            return make(self);
        }
        let made = make(self);
        let known = self.0.entry(name.to_owned()).or_insert_with(|| made.clone());
        let (same, members) = (known.get("properties"), made.get("properties"));
        assert_eq!(same.map(keys), members.map(keys), "two wire types are called {name}");
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn object<T: DeserializeOwned>(&mut self, path: &[Step], fields: &[&'static str]) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in fields {
            let path = [path, &[Step::Member(field)]].concat();
            if kind_at::<T>(&path) != Some(Kind::Option) {
                required.push(*field);
            }
            properties.insert((*field).to_owned(), self.at::<T>(&path));
        }
        json!({ "type": "object", "properties": properties, "required": required })
    }

    /// Variants as serde writes them: a name alone, or an object with the name as its one member.
    fn choice<T: DeserializeOwned>(&mut self, path: &[Step], variants: &[&'static str]) -> Value {
        let (mut names, mut objects) = (Vec::new(), Vec::new());
        for variant in variants {
            let path = [path, &[Step::Variant(variant)]].concat();
            match kind_at::<T>(&path) {
                Some(Kind::Unit) | None => names.push(*variant),
                Some(_) => {
                    let inner = self.at::<T>(&path);
                    objects.push(json!({ "type": "object", "properties": { *variant: inner }, "required": [variant] }));
                }
            }
        }
        if objects.is_empty() {
            return json!({ "type": "string", "enum": names });
        }
        if !names.is_empty() {
            objects.insert(0, json!({ "type": "string", "enum": names }));
        }
        json!({ "oneOf": objects })
    }
}

fn keys(object: &Value) -> Vec<String> {
    object.as_object().map_or_else(Vec::new, |members| members.keys().cloned().collect())
}

/// The members without which a request does not parse.
fn required<T: DeserializeOwned>() -> Vec<String> {
    let (mut body, mut required) = (Map::new(), Vec::new());
    loop {
        let Err(error) = serde_json::from_value::<T>(Value::Object(body.clone())) else { return required };
        let message = error.to_string();
        let name = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let Some(name) = name.filter(|name| !body.contains_key(*name)) else { return required };
        let Some(Kind::Struct(_, fields)) = kind_at::<T>(&[]) else { return required };
        let Some(field) = fields.iter().find(|field| **field == name) else { return required };
        let value = match kind_at::<T>(&[Step::Member(field)]) {
            Some(Kind::Bool) => json!(true),
            Some(Kind::Integer) => json!(1),
            Some(Kind::Seq) => json!([]),
            Some(Kind::Struct(..) | Kind::Map) => json!({}),
            _ => json!("x"),
        };
        body.insert(name.to_owned(), value);
        required.push(name.to_owned());
    }
}
