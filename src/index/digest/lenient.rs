//! Reading that never fails for a wrong type: the field is then as if it were absent, and the object keeps the others.
//!
//! Everything borrows from the response where it can; nothing is copied before it is known to be kept.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value},
};

use crate::fleet::{At, Quantity, Text, clean::clean, mask::masked};

/// Skips whatever a visitor does not want. Scalars are consumed already; sequences and maps have to be read to their end.
macro_rules! skip {
    ($($what:ident)*) => { $(skip!(@ $what);)* };
    (@ scalars) => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        skip!(@ unit);
    };
    (@ unit) => { fn visit_unit<E: Error>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ str) => { fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

fn expecting(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("any JSON value")
}

/// A string as the server wrote it: for comparing, not for showing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Raw<'a>(Cow<'a, str>);

impl Deref for Raw<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Raw<'_> {
    /// To be kept and shown: stripped of what a terminal would obey; `None` where nothing is left.
    pub(super) fn text(&self) -> Option<Text> {
        let cleaned = clean(&self.0);
        let trimmed = cleaned.trim();
        (!trimmed.is_empty()).then(|| Text::from(trimmed))
    }

    /// What a container or an operator's tool may have written: as [`Raw::text`], and masked as a log is.
    pub(super) fn said(&self) -> Option<Text> {
        let text = self.text()?;
        match masked(&text) {
            Cow::Borrowed(_) => Some(text),
            Cow::Owned(masked) => Some(Text::from(masked)),
        }
    }

    pub(super) fn at(&self) -> Option<At> {
        if self.0.is_empty() { None } else { At::parse(&self.0) }
    }

    pub(super) fn parse<T: std::str::FromStr>(&self) -> Option<T> {
        self.0.parse().ok()
    }

    /// A quantity; numbers without quotes are read too, as the API server takes them.
    pub(super) fn quantity(&self) -> Option<Quantity> {
        self.parse()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<Cow<'a, str>>);
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Raw<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                expecting(f)
            }
            fn visit_borrowed_str<E: Error>(self, s: &'de str) -> Result<Self::Value, E> {
                Ok(Raw(Cow::Borrowed(s)))
            }
            fn visit_str<E: Error>(self, s: &str) -> Result<Self::Value, E> {
                Ok(Raw(Cow::Owned(s.to_owned())))
            }
            fn visit_string<E: Error>(self, s: String) -> Result<Self::Value, E> {
                Ok(Raw(Cow::Owned(s)))
            }
            skip!(scalars seq map);
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// A whole number; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Int(pub(super) Option<i64>);

impl Int {
    /// As a count: absent or negative is 0.
    pub(super) fn count(self) -> u32 {
        self.0.map_or(0, |n| u32::try_from(n.max(0)).unwrap_or(u32::MAX))
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Int;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                expecting(f)
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<Int, E> {
                Ok(Int(Some(n)))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Int, E> {
                Ok(Int(i64::try_from(n).ok()))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Int, E> {
                Ok(Int(None))
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Int, E> {
                Ok(Int(None))
            }
            skip!(unit str seq map);
        }
        deserializer.deserialize_any(V)
    }
}

/// A flag; false where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                expecting(f)
            }
            fn visit_bool<E: Error>(self, b: bool) -> Result<Flag, E> {
                Ok(Flag(b))
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Flag, E> {
                Ok(Flag(false))
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Flag, E> {
                Ok(Flag(false))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Flag, E> {
                Ok(Flag(false))
            }
            skip!(unit str seq map);
        }
        deserializer.deserialize_any(V)
    }
}

/// An object; `None` where there is none.
#[derive(Debug)]
pub(super) struct Obj<T>(pub(super) Option<T>);

impl<T> Default for Obj<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Default> Obj<T> {
    pub(super) fn or_default(self) -> T {
        self.0.unwrap_or_default()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Obj<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = Obj<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                expecting(f)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(value::MapAccessDeserializer::new(map)).map(|t| Obj(Some(t)))
            }
            skip!(scalars str seq);
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// The objects of an array; what is no object is left out.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                expecting(f)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<Obj<T>>()? {
                    items.extend(item.0);
                }
                Ok(List(items))
            }
            skip!(scalars str map);
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// The entries of a map of strings, such as labels or quantities; numbers are kept as their text.
#[derive(Debug, Default)]
pub(super) struct Entries<'a>(pub(super) Vec<(Cow<'a, str>, Raw<'a>)>);

impl Entries<'_> {
    pub(super) fn get(&self, key: &str) -> Option<&Raw<'_>> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<Cow<'a, str>>);
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Entries<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                expecting(f)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(0).min(64));
                while let Some((Raw(key), Amount(value))) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
            skip!(scalars str seq);
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// A string, or a number's text.
struct Amount<'a>(Raw<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Amount<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<Cow<'a, str>>);
        fn owned<'a, E>(text: String) -> Result<Raw<'a>, E> {
            Ok(Raw(Cow::Owned(text)))
        }
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Raw<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                expecting(f)
            }
            fn visit_borrowed_str<E: Error>(self, s: &'de str) -> Result<Self::Value, E> {
                Ok(Raw(Cow::Borrowed(s)))
            }
            fn visit_str<E: Error>(self, s: &str) -> Result<Self::Value, E> {
                owned(s.to_owned())
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<Self::Value, E> {
                owned(n.to_string())
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Self::Value, E> {
                owned(n.to_string())
            }
            fn visit_f64<E: Error>(self, n: f64) -> Result<Self::Value, E> {
                owned(n.to_string())
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Raw::default())
            }
            skip!(unit seq map);
        }
        deserializer.deserialize_any(V(PhantomData)).map(Amount)
    }
}

/// Calls `each` with every object of an array, one at a time: none is held while the next is read.
pub(super) struct Each<T, F>(F, PhantomData<T>);

impl<T, F> Each<T, F> {
    pub(super) fn new(each: F) -> Self {
        Self(each, PhantomData)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(Option<T>)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(Option<T>)> Visitor<'de> for Each<T, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expecting(f)
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(Obj(item)) = seq.next_element::<Obj<T>>()? {
            (self.0)(item);
        }
        Ok(())
    }
    skip!(scalars str map);
}

/// An inner JSON text that is not ours to complain about, such as an annotation's; `None` unless it is an object.
pub(super) fn embedded<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str::<Obj<T>>(text).ok()?.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Thing<'a> {
        #[serde(borrow)]
        name: Raw<'a>,
        size: Int,
        flag: Flag,
        #[serde(borrow)]
        inner: Obj<Box<Thing<'a>>>,
        #[serde(borrow)]
        list: List<Thing<'a>>,
        #[serde(borrow)]
        map: Entries<'a>,
    }

    #[test]
    fn a_wrong_type_costs_its_own_field_only() {
        let values = [r#""text""#, "7", "-7", "1.5", "true", "null", "[1,[2]]", r#"{"a":{"b":[1]}}"#, r#""\u001b""#];
        for value in values {
            for field in ["name", "size", "flag", "inner", "list", "map", "unknown"] {
                let json = format!(r#"{{"name":"kept","size":3,"{field}":{value},"end":{{}}}}"#);
                if ["name", "size"].contains(&field) {
                    continue;
                }
                let thing: Thing<'_> = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{json}: {e}"));
                assert_eq!((&*thing.name, thing.size), ("kept", Int(Some(3))), "{json}");
            }
            for field in ["name", "size"] {
                let json = format!(r#"{{"{field}":{value},"flag":true}}"#);
                let thing: Thing<'_> = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{json}: {e}"));
                assert!(thing.flag.0, "{json}");
            }
        }
    }

    #[test]
    fn lists_leave_out_what_is_no_object_and_maps_read_bare_numbers() {
        let json = r#"{"list":[1,{"name":"a"},null,"x",{"name":"b"},[]],"map":{"cpu":2,"mem":"1Gi","bad":[]}}"#;
        let thing: Thing<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(thing.list.0.iter().map(|t| &*t.name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(thing.map.get("cpu").and_then(Raw::quantity), Some(Quantity::whole(2)));
        assert_eq!(thing.map.get("bad").and_then(Raw::quantity), None);
        assert!(thing.inner.0.is_none());
    }

    #[test]
    fn strings_are_borrowed_where_they_can_be() {
        let json = r#"{"name":"gateway","map":{"a":"b"}}"#;
        let thing: Thing<'_> = serde_json::from_str(json).unwrap();
        assert!(matches!(thing.name.0, Cow::Borrowed(_)));
        assert!(matches!(thing.map.0[0].1.0, Cow::Borrowed(_)));
    }
}
