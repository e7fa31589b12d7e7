//! Walking once through a JSON object and picking the few values that matter,
//! without building the rest.

use std::fmt;
use std::ops::Range;

use hashbrown::HashMap;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::Field;

/// The keys to look for, one node per step of a dotted key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Node {
    children: HashMap<String, usize>,
    /// The slots that the value here goes to, each with the key's rank: the lowest wins.
    slots: Vec<(usize, usize)>,
}

impl Tree {
    /// A tree for slots (below [`Field::COUNT`]) and the keys that may fill them, best first.
    pub(super) fn new<'k>(slots: impl IntoIterator<Item = (usize, &'k [String])>) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        for (slot, keys) in slots {
            for (rank, key) in keys.iter().enumerate() {
                tree.insert(key, (slot, rank));
            }
        }
        tree
    }

    fn insert(&mut self, key: &str, slot: (usize, usize)) {
        let mut at = 0;
        for step in key.split('.') {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = *node.children.entry(step.to_owned()).or_insert(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.slots.push(slot);
        }
    }

    /// The node that `key` leads to from the node `at`, also where dots are part of the key.
    fn step(&self, at: usize, key: &str) -> Option<usize> {
        key.split('.').try_fold(at, |at, step| self.nodes.get(at)?.children.get(step).copied())
    }
}

/// A value that was picked.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// Text that stands in the line as it is.
    Line(&'a str),
    /// Text that had escapes: where it is in the scratch space.
    Scratch(Range<usize>),
    /// A number.
    Number(f64),
    /// A whole number from 0.
    Count(u64),
}

impl Value<'_> {
    /// Appends the text, if it is one, to the scratch space that it may be in.
    pub(super) fn append_to(&self, scratch: &mut String) {
        match self {
            Self::Line(text) => scratch.push_str(text),
            Self::Scratch(range) => scratch.extend_from_within(range.clone()),
            Self::Number(_) | Self::Count(_) => {}
        }
    }
}

/// The values picked from one line, by slot.
#[derive(Debug, Default)]
pub(super) struct Picked<'a> {
    slots: [Option<(usize, Value<'a>)>; Field::COUNT],
}

impl<'a> Picked<'a> {
    /// The value in a slot.
    pub(super) fn get(&self, slot: usize) -> Option<&Value<'a>> {
        self.slots.get(slot)?.as_ref().map(|(_, value)| value)
    }

    /// The text in a slot; nothing where there is a number.
    pub(super) fn text<'t>(&self, slot: usize, scratch: &'t str) -> Option<&'t str>
    where
        'a: 't,
    {
        match self.get(slot)? {
            Value::Line(text) => Some(text),
            Value::Scratch(range) => scratch.get(range.clone()),
            Value::Number(_) | Value::Count(_) => None,
        }
    }

    fn put(&mut self, (slot, rank): (usize, usize), value: Value<'a>) {
        let Some(held) = self.slots.get_mut(slot) else { return };
        if held.as_ref().is_none_or(|(best, _)| rank <= *best) {
            *held = Some((rank, value));
        }
    }
}

/// Walks through a line that is one JSON object. Texts that had escapes are appended to
/// `scratch`. An error where the line is anything else.
pub(super) fn walk<'a>(
    line: &'a str,
    tree: &Tree,
    scratch: &mut String,
) -> Result<Picked<'a>, serde_json::Error> {
    let mut picked = Picked::default();
    if !line.trim_start().starts_with('{') {
        return Err(serde_json::Error::custom("not an object"));
    }
    let mut json = serde_json::Deserializer::from_str(line);
    Walker { tree, at: 0, picked: &mut picked, scratch }.deserialize(&mut json)?;
    json.end()?;
    Ok(picked)
}

/// Visits the value at one node of the tree.
struct Walker<'w, 'a> {
    tree: &'w Tree,
    at: usize,
    picked: &'w mut Picked<'a>,
    scratch: &'w mut String,
}

impl<'a> Walker<'_, 'a> {
    fn put(&mut self, value: &Value<'a>) {
        let slots = self.tree.nodes.get(self.at).map_or(&[][..], |node| &node.slots);
        for slot in slots {
            self.picked.put(*slot, value.clone());
        }
    }

    fn child(&mut self, at: usize) -> Walker<'_, 'a> {
        Walker { tree: self.tree, at, picked: self.picked, scratch: self.scratch }
    }
}

impl<'de> DeserializeSeed<'de> for Walker<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walker<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(next) = map.next_key_seed(Key { tree: self.tree, at: self.at })? {
            match next {
                Some(at) => map.next_value_seed(self.child(at))?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut array: S) -> Result<(), S::Error> {
        let at = self.at;
        if array.next_element_seed(self.child(at))?.is_some() {
            while array.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }

    fn visit_borrowed_str<E>(mut self, text: &'de str) -> Result<(), E> {
        self.put(&Value::Line(text));
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        let start = self.scratch.len();
        self.scratch.push_str(text);
        self.put(&Value::Scratch(start..self.scratch.len()));
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.put(&Value::Count(number));
        Ok(())
    }

    fn visit_i64<E>(mut self, number: i64) -> Result<(), E> {
        self.put(&Value::Number(number as f64));
        Ok(())
    }

    fn visit_f64<E>(mut self, number: f64) -> Result<(), E> {
        self.put(&Value::Number(number));
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Reads a key, and says to which node it leads.
struct Key<'w> {
    tree: &'w Tree,
    at: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.tree.step(self.at, key))
    }
}
