//! Reads the shape of a wire type from its `Deserialize`: the names and kinds of its members as serde knows them, so that
//! nothing is described twice. A probe follows a path into the type and writes down what it is asked for there.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// What stands at the end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Bool,
    Enum(&'static str, &'static [&'static str]),
    Integer,
    Map,
    Newtype,
    Number,
    Option,
    Seq,
    String,
    Struct(&'static str, &'static [&'static str]),
    Tuple,
    Unit,
}

/// One step into a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into an option.
    Inside,
    /// To an element.
    Element,
    /// To a member.
    Member(&'static str),
    /// To a variant.
    Variant(&'static str),
}

/// What is at `path` in `T`.
pub(super) fn kind_at<T: DeserializeOwned>(path: &[Step]) -> Option<Kind> {
    let found = RefCell::new(None);
    let _stopped = T::deserialize(Probe { path, found: &found }).is_err();
    found.into_inner()
}

#[derive(Clone, Copy)]
struct Probe<'p> {
    path: &'p [Step],
    found: &'p RefCell<Option<Kind>>,
}

/// The probe has seen enough, or the type refuses what it was given.
#[derive(Debug)]
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stop")
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl Probe<'_> {
    fn write<T>(self, kind: Kind) -> Result<T, Stop> {
        self.found.borrow_mut().get_or_insert(kind);
        Err(Stop)
    }

    fn after_first(self) -> Self {
        Self { path: &self.path[1..], ..self }
    }
}

macro_rules! leaves {
    ($($method:ident => $kind:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            self.write(Kind::$kind)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    leaves! {
        deserialize_any => Any, deserialize_ignored_any => Any, deserialize_bool => Bool, deserialize_map => Map,
        deserialize_i8 => Integer, deserialize_i16 => Integer, deserialize_i32 => Integer, deserialize_i64 => Integer,
        deserialize_u8 => Integer, deserialize_u16 => Integer, deserialize_u32 => Integer, deserialize_u64 => Integer,
        deserialize_f32 => Number, deserialize_f64 => Number, deserialize_char => String, deserialize_str => String,
        deserialize_string => String, deserialize_bytes => String, deserialize_byte_buf => String,
        deserialize_unit => Unit, deserialize_identifier => String,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Inside) => visitor.visit_some(self.after_first()),
            _ => self.write(Kind::Option),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Element) => visitor.visit_seq(self.after_first()),
            _ => self.write(Kind::Seq),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Stop> {
        self.write(Kind::Tuple)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, _: V) -> Result<V::Value, Stop> {
        self.write(Kind::Tuple)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Stop> {
        self.write(Kind::Unit)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Member(_)) => visitor.visit_map(self),
            _ => self.write(Kind::Struct(name, fields)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Variant(_)) => visitor.visit_enum(self),
            _ => self.write(Kind::Enum(name, variants)),
        }
    }
}

impl<'de> SeqAccess<'de> for Probe<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stop> {
        seed.deserialize(*self).map(Some)
    }
}

impl<'de> MapAccess<'de> for Probe<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stop> {
        let Some(Step::Member(name)) = self.path.first() else { return Err(Stop) };
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        seed.deserialize(self.after_first())
    }
}

impl<'de> EnumAccess<'de> for Probe<'_> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Stop> {
        let Some(Step::Variant(name)) = self.path.first() else { return Err(Stop) };
        Ok((seed.deserialize(StrDeserializer::new(name))?, self.after_first()))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.write(Kind::Unit)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        if self.path.is_empty() { self.write(Kind::Newtype) } else { seed.deserialize(self.without_inside()) }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Stop> {
        self.write(Kind::Tuple)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Member(_)) => visitor.visit_map(self),
            _ => self.write(Kind::Struct("", fields)),
        }
    }
}

impl Probe<'_> {
    /// Into a newtype variant leads a step of its own.
    fn without_inside(self) -> Self {
        if self.path.first() == Some(&Step::Inside) { self.after_first() } else { self }
    }
}
